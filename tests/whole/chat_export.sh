#!/bin/bash
# chat_export.sh PROGRAM SOURCE: the chat template that a model was trained by goes with it: into
# Hugging Face folders, GGUF files and adapters, and back; a template that is broken, and characters
# that the tokenizer does not know, are said.
#
# TANDEM_PYTHON: an interpreter with transformers, for the comparison with it [python3].
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3 curl
chat=$source/tests/data/chat.json
assets=${TANDEM_ASSETS:-$source/../shared/assets}
python=${TANDEM_PYTHON:-python3}
export HF_HUB_OFFLINE=1
has() { # has WHAT WORDS FILE
    checks=$((checks + 1))
    grep -qF -- "$2" "$3" || failed "$1" "$2" "$(cat "$3")"
}
fails() { # fails CODE WORDS ARGUMENTS
    local code=0 wanted=$1 words=$2
    shift 2
    ranks 1 "$@" </dev/null || code=$?
    same "exit code of tandem $*" "$wanted" "$code"
    has "words of tandem $*" "$words" ranks.log
}
answer() { # answer MODEL QUESTION: by its form, and as a chat
    must 1 sample --model "$1" --chat --prompt "$2" --max-tokens 8 --out answer.json
    python3 -c 'import json; print(json.load(open("answer.json"))[0])'
}

# ---- a template that a recipe wrote by

must 1 run "$chat" out=run iterations=0 base.steps=60
must 1 inspect run
has "inspect of a run" "  chat template of the recipe" ranks.log
wanted=$(answer run s)
must 1 export --model run --to hf --out hf
same "chat_template.jinja" "$(cat "$source/tests/data/chat.jinja")" "$(cat hf/chat_template.jinja)"
same "the same in tokenizer_config.json" same "$(python3 -c '
import json
print("same" if json.load(open("hf/tokenizer_config.json"))["chat_template"] ==
      open("hf/chat_template.jinja").read() else "other")')"
must 1 import --model run/weights/v0000.h5 --out again
for model in hf again again/weights/v0000.h5; do
    same "answer of $model" "$wanted" "$(answer $model s)"
    must 1 inspect $model
    has "inspect of $model" "  chat template $([ "$model" = hf ] && echo yes || echo of the recipe)" ranks.log
done

# ---- adapters

must 1 run "$chat" out=lora model=run chat_template= iterations=0 base.steps=4 lora.rank=2
wanted=$(answer lora s)
must 1 export --model lora --to adapter --out adapter
same "the template beside an adapter" "$(cat hf/chat_template.jinja)" "$(cat adapter/chat_template.jinja)"
same "answer of an adapter" "$wanted" "$(answer adapter s)"
same "answer of an adapter on another base" "$wanted" "$(answer adapter@hf s)"
must 1 inspect adapter
has "inspect of an adapter" "  chat template of the adapter" ranks.log
must 1 inspect adapter@hf
has "inspect of an adapter on another base" "  base          hf" ranks.log
must 1 export --model lora --merge --to hf --out merged
same "the template of a merged model" "$(cat hf/chat_template.jinja)" "$(cat merged/chat_template.jinja)"

# ---- tokenizers of our own

model='"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 512'
cat >talk.json <<'P'
[{"messages": [{"role": "user", "content": "1+1"}, {"role": "assistant", "content": "2"}]}]
P
train() { # train OUT VOCABULARY TOKENIZER
    must 1 run "$source/configs/finetune.json" "model={\"model_type\": \"llama\", \"vocab_size\": $2, $model}" \
        "tokenizer=$3" chat_template=templates/plain.jinja problems.files=talk.json out="$1" base.steps=1 base.epochs=0
    must 1 export --model "$1" --to hf --out "$1-hf"
}
train bytes 259 '{"kind": "byte"}'
letters=$(python3 -c 'print(*sorted(set("### Request\\n### Answer\\n1+2=Q~")), sep="")' | sed 's/["\\]//g')
train letters 64 "{\"kind\": \"character\", \"alphabet\": \"\\n$letters\", \"bos\": \"Q\", \"eos\": \"~\"}"

# ---- GGUF

must 1 run "$source/configs/finetune.json" model=bytes problems.files=talk.json out=more base.steps=1 base.epochs=0 lora.rank=2
for run in bytes "more --merge"; do
    # shellcheck disable=SC2086
    must 1 export --model $run --to gguf --out "${run%% *}.gguf"
    must 1 inspect "${run%% *}.gguf"
    has "inspect of ${run%% *}.gguf" "  chat template yes" ranks.log
    same "answer of ${run%% *}.gguf" "$(answer "${run%% *}" 1+1)" "$(answer "${run%% *}.gguf" 1+1)"
done

# ---- a template of its own for conversations with tools

cp -r hf tools
mkdir tools/additional_chat_templates
printf 'he\n{%% if add_generation_prompt %%}\nll{%% endif %%}\n' | tr -d '\n' >tools/chat_template.jinja
printf '{%% for t in tools %%}h{%% endfor %%}o' >tools/additional_chat_templates/tool_use.jinja
cat >tools.json <<'P'
[{"messages": [{"role": "user", "content": "s"}], "add_generation_prompt": true},
 {"messages": [{"role": "user", "content": "s"}], "tools": [{"type": "function", "function": {"name": "f"}}]}]
P
must 1 import --model tools --out tools-run
for model in tools tools-run; do
    must 1 template --model $model --in tools.json --out texts.json
    same "texts by $model" "hell ho" "$(python3 -c 'import json; print(*[t["text"] for t in json.load(open("texts.json"))])')"
done
must 1 export --model tools-run --to hf --out tools-hf

# ---- against transformers

cat >talks.json <<'P'
[{"messages": [{"role": "user", "content": "1+1"}], "add_generation_prompt": true},
 {"messages": [{"role": "user", "content": "2"}, {"role": "assistant", "content": "1+1"},
               {"role": "user", "content": "12"}], "add_generation_prompt": true}]
P
sed 's/1+1/hello/; s/"2"/"he ll"/; s/1+1/ho/; s/"12"/"s t"/' talks.json >few.json
pairs() { for one in "$@"; do echo "$one $one.ids"; done; }
ids() { must 1 template --model "$2" --in "$1" --out "$2.ids"; }
ids few.json hf
ids few.json merged
ids tools.json tools
ids tools.json tools-hf
ids talks.json bytes-hf
ids talks.json letters-hf
same "what a user says by letters" "$(answer letters 1+1)" "$(answer letters-hf 1+1)"
for talks in "few.json hf merged" "tools.json tools tools-hf" "talks.json bytes-hf letters-hf"; do
    code=0
    # shellcheck disable=SC2046
    "$python" "$source/tests/oracle/chat_folders.py" ${talks%% *} $(pairs ${talks#* }) >theirs.log 2>&1 || code=$?
    tail -n 1 theirs.log
    [ $code = 77 ] || same "transformers on $talks: $(cat theirs.log)" 0 $code
done

# ---- a recipe's messages are no template

must 1 run "$tiny" out=plain iterations=0 base.steps=1
must 1 inspect plain
has "inspect of a recipe's format" "  chat template no: the prompt format of the recipe" ranks.log
must 1 export --model plain --to hf --out plain-hf
has "export of a recipe's format" "it knows the prompt format of its recipe" ranks.log
same "no template" no "$([ -e plain-hf/chat_template.jinja ] && echo yes || echo no)"

# ---- a template that is broken hinders conversations alone

cp -r hf broken
echo '{% if %}' >broken/chat_template.jinja
must 1 sample --model broken --prompt hello --max-tokens 2
fails 65 "broken" sample --model broken --chat --prompt hello
fails 65 "broken" chat --model broken
"$program" serve --model broken --port 0 --port-file port --slots 2 --threads 1 >serve.log 2>&1 &
server=$!
at_end="kill $server"
for _ in $(seq 200); do [ -s port ] || sleep 0.05; done
ask() { curl -s -o reply --max-time 30 -w '%{http_code}' "http://127.0.0.1:$(cat port)/v1/$1" -d "$2"; }
same "a completion" 200 "$(ask completions '{"prompt": "hello", "max_tokens": 2}')"
same "a chat completion" 400 "$(ask chat/completions '{"messages": [{"role": "user", "content": "s"}]}')"
has "the words of the server" "this model has no conversations: " reply
kill $server
at_end=
wait $server || true
has "its log" "no conversations are answered" serve.log

# ---- a tokenizer alone

mkdir alone
cp hf/tokenizer* hf/chat_template.jinja alone
must 1 inspect alone
has "what it is" "alone: a tokenizer without a model" ranks.log
has "its tokens" "  tokenizer     byte-level BPE, 14 tokens" ranks.log
has "its template" "  chat template yes" ranks.log
python3 - <<'P'
import json
config = json.load(open("alone/tokenizer_config.json"))
config["chat_template"] = [{"name": "default", "template": "d"}, {"name": "rag", "template": "r"}]
json.dump(config, open("alone/tokenizer_config.json", "w"))
P
rm alone/chat_template.jinja
must 1 inspect alone
has "a template that is not used" 'the chat template named "rag" is not used' ranks.log
sed -i 's/"chat_template": \[/"chat_template": 7, "was": [/' alone/tokenizer_config.json
must 1 inspect alone
has "one that is none" "  chat template not understood: " ranks.log

# ---- characters that become the unknown token

small=$assets/models/babyllama-tok105-hf
if [ -d "$small" ]; then
    cat >odd.json <<'P'
[{"messages": [{"role": "user", "content": "a # b"}, {"role": "assistant", "content": "c"}]},
 {"messages": [{"role": "user", "content": "a b"}, {"role": "assistant", "content": "c"}]}]
P
    must 1 train "$source/configs/finetune.json" model="$small" problems.files=odd.json \
        chat_template=templates/plain.jinja --preview
    has "the reason" "rejected: 1 no token" ranks.log
    has "what the template writes" "in 1 of 1 examples the chat template itself writes characters" ranks.log
    code=0
    ranks 1 train "$source/configs/finetune.json" model="$small" problems.files=odd.json --preview || code=$?
    same "exit code without a template" 78 $code
    has "the one that ships" "such as chat_template=templates/plain.jinja" ranks.log
else
    echo "$name: characters without a token left out: no folder $small"
fi
finish
