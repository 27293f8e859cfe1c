#!/bin/bash
# finetune.sh PROGRAM SOURCE: configs/finetune.json on data files.  What `tandem train --preview` says
# would be learned equals what a Python program of its own counts; a preview starts and writes
# nothing; the run learns from each record, the same on 1 and 2 ranks.
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3
config=$source/configs/finetune.json
assets=${TANDEM_ASSETS:-$source/../shared/assets}
shape() { # shape VOCABULARY CONTEXT: an override with a very small model
    echo "model={\"model_type\": \"llama\", \"vocab_size\": $1, \"hidden_size\": 16, \"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"num_key_value_heads\": 2, \"intermediate_size\": 32, \"max_position_embeddings\": $2, \"rope_theta\": 10000.0, \"rms_norm_eps\": 1e-5, \"tie_word_embeddings\": true}"
}
bytes=("$(shape 259 32768)" 'tokenizer={"kind": "byte"}' chat_template=templates/plain.jinja)

mkdir data
cat >data/chat.json <<'D'
[{"id": "1", "conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi, wörld!"},
  {"from": "human", "value": "And now?"}, {"from": "gpt", "value": " Bye. "}]},
 {"id": "2", "conversations": [{"from": "system", "value": "Be brief."}, {"from": "human", "value": "1+1"},
  {"from": "gpt", "value": "2"}]}]
D
cat >data/tasks.json <<'D'
[{"instruction": "Add.", "input": "1 2", "output": "3"}, {"instruction": "Greet.", "input": "", "output": "Good\n\nday"}]
D
cat >data/pairs.json <<'D'
[{"conversations": [{"from": "human", "value": "How?"}], "chosen": {"from": "gpt", "value": "So."},
  "rejected": {"from": "gpt", "value": "Not at all."}}]
D
cat >rejected.json <<'D'
{"recipe": "rejected", "about": "The worse answers.", "steps": [
  {"do": "draw", "from": "problems", "count": "all"},
  {"do": "emit", "conversation": "rejected", "tools": "tools"}]}
D

# ---- what would be learned, by two programs

compared=0
count() { # count WAY FORMAT FILE TOKENIZER ARGUMENTS: examples, tokens, supervised ones
    local way=$1 form=$2 file=$3 tokenizer=$4 wanted found code=0 more=
    shift 4
    wanted=$(python3 "$source/tests/oracle/supervised.py" "$way" "$form" "$file" $tokenizer \
        2>oracle.log) || code=$?
    if [ $code = 77 ]; then
        echo "$name: $form by $way: left out: no transformers for python3"
        return 0
    fi
    [ $code = 0 ] || { failed "$form by $way: the oracle" "exit code 0" "$(tail -n 1 oracle.log)"; return 0; }
    [ "$form" != rejected ] || more=base.recipe=$PWD/rejected.json
    must 1 train "$config" "$@" problems.files="$file" $more --preview || return 0
    found=$(sed -n 's/^learned from: \([0-9]*\) examples, \([0-9]*\) tokens, \([0-9]*\) supervised.*/\1 \2 \3/p' ranks.log)
    same "$form by $way, $(basename "$file"): examples, tokens, supervised" "$wanted" "$found"
    echo "$name: $form by $way, $(basename "$file"): $found"
    compared=$((compared + 1))
}
count plain sharegpt data/chat.json "" "${bytes[@]}"
count plain alpaca data/tasks.json "" "${bytes[@]}"
count plain chosen data/pairs.json "" "${bytes[@]}"
count plain rejected data/pairs.json "" "${bytes[@]}"
sets=$assets/datasets
if [ -d "$sets" ]; then
    qwen=$assets/tokenizers/qwen2
    for one in "sharegpt $sets/sharegpt-fastchat/dummy_conversation.json" \
        "alpaca $sets/llama-factory-demo/alpaca_en_demo.json" \
        "chosen $sets/llama-factory-demo/dpo_en_demo.json" \
        "rejected $sets/llama-factory-demo/dpo_en_demo.json"; do
        count plain $one "" "${bytes[@]}"
        count chat $one "$qwen" "$(shape 152064 32768)" \
            "tokenizer={\"kind\": \"file\", \"path\": \"$qwen\"}"
    done
else
    echo "$name: data sets of other projects left out: no folder $sets"
fi
[ $compared -ge 4 ] || failed "comparisons" "4 or more" "$compared"

# ---- a preview changes nothing and warns

before=$(file_sums .)
$alone "$program" train "$config" "${bytes[@]}" problems.files='["data/chat.json"]' --preview >"$TMPDIR/p" 2>&1 || failed "a preview" "exit code 0" "$(cat "$TMPDIR/p")"
same "what a preview changed" "$before" "$(file_sums .)"
said() { # said WHAT WORDS < words
    local all
    all=$(cat)
    checks=$((checks + 1))
    case $all in *"$2"*) ;; *) failed "$1" "$2" "$all" ;; esac
}
said "format of the file" "data/chat.json: sharegpt, 2 records" <"$TMPDIR/p"
said "learned text" '  >> Hi, wörld!' <"$TMPDIR/p"
said "other text" '     ### Request\n' <"$TMPDIR/p"
said "no end" "WARNING: in 2 of 2 examples what is learned does not end in an end token" <"$TMPDIR/p"
said "passes" "1 steps of 8 examples, 4.00 passes over 2, each in an order of its own" <"$TMPDIR/p"
$alone "$program" train "$config" "$(shape 259 60)" "${bytes[@]:1}" problems.files=data/chat.json --preview >out.log 2>&1
said "too long" "left out: 1 longer than the context of 60 tokens" <out.log
said "too long, a warning" "WARNING: 50.0 % of the examples do not fit" <out.log
code=0
$alone "$program" train "$config" "$(shape 259 8)" "${bytes[@]:1}" problems.files=data/chat.json --preview >out.log 2>err.log || code=$?
same "nothing learned: exit code" 65 $code
said "nothing learned" "no token of any example would be learned" <err.log
if [ -d "$assets/models/stories260K-hf" ]; then
    sed 's/{{- bos_token | default("") -}}/{{- bos_token + bos_token -}}/' "$source/configs/templates/plain.jinja" >twice.jinja
    $alone "$program" train "$config" model="$assets/models/stories260K-hf" chat_template="$PWD/twice.jinja" problems.files=data/chat.json --preview >out.log 2>&1
    said "bos twice" "WARNING: 2 examples begin with the begin-of-text token twice" <out.log
    said "special tokens" 'Hi, wörld!</s>' <out.log
fi

# ---- the run

small=("$(shape 259 128)" "${bytes[@]:1}" base.steps=4 base.batch=4 generate.block=1)
must 1 run "$config" "${small[@]}" problems.files='["data/chat.json", "data/tasks.json"]' out=one
same "the report names the files" 2 "$(grep -c '<td>data</td>.*json: [a-z]*, 2 records' one/report.html)"
same "and the chat template" 1 "$(grep -c '<td>chat template</td>.*plain.jinja' one/report.html)"
said "the formats in a run" "data/tasks.json: alpaca, 2 records" <ranks.log
must 1 template --model one --check
must 2 run "$config" "${small[@]}" problems.files='["data/chat.json", "data/tasks.json"]' out=two
same "digests of 1 and 2 ranks" "$(digests one)" "$(digests two)"
same "sets and weights" 2 "$(digests one | wc -l)"
checks=$((checks + 1))
grep -q "\"files\": \[\"$PWD/data/chat.json\", \"$PWD/data/tasks.json\"\]" one/run.json ||
    failed "files of the command line in run.json" "whole paths" "$(grep -o '"files": [^]]*' one/run.json)"
mkdir elsewhere
cd elsewhere
must 1 replay ../one 0/0
same "a replay" 1 "$(grep -c "^0/0/0 identical" ranks.log || true)"
cd ..
printf 'One text.\nIn two lines.\n\nAnother.\n' >data/prose.txt
must 1 run "$config" "${small[@]}" problems.files=data/prose.txt problems.format=paragraphs base.recipe=recipes/documents.json out=texts
said "texts" "data/prose.txt: text, a record per paragraph, 2 records" <ranks.log
finish
