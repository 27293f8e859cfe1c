#!/bin/bash
# bad_data.sh PROGRAM SOURCE: data files that are not what they should be are refused with one line
# that names the place, with the documented exit code, at once; nothing is made.
#
# One line per case:  bad NAME CODE 'WORDS;MORE WORDS' ARGUMENTS
set -eu
. "$2/tests/whole/common.sh"
need python3
config=$source/configs/finetune.json
cases=0
model=("model={\"model_type\": \"llama\", \"vocab_size\": 259, \"hidden_size\": 16, \"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"num_key_value_heads\": 2, \"intermediate_size\": 32, \"max_position_embeddings\": 256, \"rope_theta\": 10000.0, \"rms_norm_eps\": 1e-5, \"tie_word_embeddings\": true}"
    'tokenizer={"kind": "byte"}')
chat=chat_template=templates/plain.jinja

data() { # data NAME TEXT (with \n, \0377): the name of a file that holds it
    printf '%b' "$2" >"$1"
    echo "problems.files=$1"
}

bad() { # bad NAME CODE WORDS ARGUMENTS: a run, and a preview, of configs/finetune.json
    local what=$1 code=$2 words=$3 found how from took wanted said
    shift 3
    for how in run "train --preview"; do
        cases=$((cases + 1))
        found=0
        from=$(date +%s%N)
        # shellcheck disable=SC2086
        timeout -k 2 30 $alone "$program" ${how%% *} "$config" "${model[@]}" out=new "$@" \
            ${how#"${how%% *}"} >out.log 2>err.log </dev/null || found=$?
        took=$((($(date +%s%N) - from) / 1000000))
        said=$(grep '^tandem: ' err.log || true)
        same "$what, $how: exit code ($(head -n 2 err.log))" "$code" "$found"
        same "$what, $how: lines that begin with tandem:" 1 "$(grep -c '^tandem: ' err.log || true)"
        local IFS=';'
        for wanted in $words; do
            checks=$((checks + 1))
            case $said in *"$wanted"*) ;; *) failed "$what, $how: words" "$wanted" "$said" ;; esac
        done
        unset IFS
        checks=$((checks + 1))
        [ "$took" -lt 5000 ] || failed "$what, $how: time" "less than 5 s" "$took ms"
        [ ! -e new ] || { failed "$what, $how: the run directory" "not made" "$(ls new)"; rm -rf new; }
    done
}

good='{"instruction": "a", "output": "b"}'
talk='{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}'

# ---- names
bad "no files"              78 'finetune.json;a list of one or more names' $chat
bad "file that is not there" 65 'nowhere.json;no such file;working directory' $chat problems.files=nowhere.json
bad "number for a name"     78 'name of a file' $chat 'problems.files=[7]'
bad "packed file"           78 'd.jsonl.gz;unpack' $chat "$(data d.jsonl.gz 'x')"
bad "table"                 78 'd.parquet;JSON lines' $chat "$(data d.parquet 'PAR1')"
bad "unknown end"           78 'd.data;does not say what it is' $chat "$(data d.data "$good")"
mkdir -p empty
bad "folder without data"   65 'empty;holds no file' $chat problems.files=empty
bad "unknown format"        78 'problems.format;did you mean "sharegpt"' $chat "$(data d.json "[$good]")" problems.format=sharegtp
bad "format and fields"     78 'leave one of them out' $chat "$(data d.json "[$good]")" problems.format=alpaca 'problems.fields={"a": "b"}'
bad "pieces of conversations" 78 '"piece" cuts texts' $chat "$(data d.json "[$good]")" problems.piece=100

# ---- JSON
bad "empty file"            65 'd.json:1:1' $chat "$(data d.json '')"
bad "empty list"            65 'hold no record' $chat "$(data d.json '[]')"
bad "list cut off"          65 'd.json:2:;the end of the text' $chat "$(data d.json "[$good,\n$good")"
bad "record cut off"        65 "d.json:2:" $chat "$(data d.json "[$good,\n{\"instruction\": \"a\"")"
bad "missing comma"         65 'd.json:1:38' $chat "$(data d.json "[$good $good]")"
bad "comma behind the last" 65 'd.json:1:39' $chat "$(data d.json "[$good, ]")"
bad "text behind the list"  65 'd.json:2:1' $chat "$(data d.json "[$good]\n$good")"
bad "key twice"             65 'd.jsonl, line 2;again' $chat "$(data d.jsonl "$good\n{\"output\": \"b\", \"output\": \"b\"}")"
bad "broken line"           65 'd.jsonl, line 3' $chat "$(data d.jsonl "$good\n\n{\"instruction\": }\n")"
bad "bytes that are no text" 65 'd.jsonl, line 1;UTF-8' $chat "$(data d.jsonl '{"instruction": "\0377", "output": "b"}')"
bad "character zero"        65 'line 1;u0000' $chat "$(data d.jsonl '{"instruction": "\\u0000", "output": "b"}')"
bad "half of a pair"        65 'line 1;surrogate' $chat "$(data d.jsonl '{"instruction": "\\ud83d", "output": "b"}')"
bad "one object"            65 'a list of records is expected' $chat "$(data d.json "{\"data\": [$good]}")"
python3 -c 'print("[" * 100000)' >deep.json
bad "brackets without end"  65 'deep.json:1:' $chat problems.files=deep.json

# ---- structure
bad "another format below"  65 'd.jsonl, line 2;no alpaca;which is messages' $chat "$(data d.jsonl "$good\n$talk")"
bad "number among records"  65 'd.json:1:39;a record is an object' $chat "$(data d.json "[$good, 7]")"
bad "not the named format"  65 'no sharegpt;"conversations"' $chat "$(data d.json "[$good]")" problems.format=sharegpt
bad "unknown role"          65 'd.json:1:;"robot";expected system, user' $chat "$(data d.json "[${talk/user/robot}]")"
bad "message without a role" 65 'a message here is {"role"' $chat "$(data d.json "[{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"content\": \"q\"}]}]")"
bad "picture"               65 '"image_url";cannot be learned' $chat "$(data d.json '[{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}]')"
bad "content of an object"  65 'a text, null or a list of parts' $chat "$(data d.json '[{"messages": [{"role": "user", "content": {}}]}]')"
bad "tools that are none"   65 '"tools" is a text that is no JSON' $chat "$(data d.json "[${talk%\}}, \"tools\": \"none\"}]")"
bad "call that is none"     65 'a call of a tool is the JSON' $chat "$(data d.json '[{"conversations": [{"from": "function_call", "value": "f()"}]}]')"
bad "weight that is none"   65 'the weight of a message' $chat "$(data d.json '[{"messages": [{"role": "assistant", "content": "a", "weight": -1}]}]')"
bad "weight without bounds"  65 'a number from 0 to 1000' $chat "$(data d.json '[{"messages": [{"role": "assistant", "content": "a", "weight": 1e300}]}]')"
bad "history of texts"      65 'history is a list of pairs' $chat "$(data d.json '[{"instruction": "a", "output": "b", "history": "c"}]')"
bad "pair of two kinds"     65 'both are a text or both are messages' $chat "$(data d.json '[{"prompt": "q", "chosen": "a", "rejected": {"role": "assistant", "content": "b"}}]')"
bad "two columns"           65 'd.tsv, line 2;2 columns' $chat "$(data d.tsv 'q\ta\tr\nq\ta\n')"
bad "conversations and texts" 65 'holds conversations;holds texts' $chat "$(data a.json "[$good]")" "$(data b.txt 'text\n' >/dev/null; echo 'problems.files=["a.json", "b.txt"]')"
bad "nothing to learn from" 65 'hold no record;left out: 2 empty answer' $chat "$(data d.json '[{"prompt": "q", "completion": ""}, {"prompt": "q", "completion": " "}]')"

# ---- recipe and template
bad "texts for conversations" 78 'conversations.json;"messages"' $chat "$(data d.txt 'text\n')"
bad "no chat template"      78 'chat_template' "$(data d.json "[$good]")"
bad "empty template"        78 'e.jinja;an empty file' "$(data d.json "[$good]")" "$(data e.jinja '' | sed 's/problems.files/chat_template/')"
bad "template not there"    78 'nowhere.jinja' "$(data d.json "[$good]")" chat_template=nowhere.jinja

# ---- what only a preview says
for one in "65;no token of any example would be learned;configs/finetune.json $chat problems.files=d.json" \
    "78;generates or commits;tests/data/tiny.json base.recipe= base.steps=0"; do
    code=0
    data d.json '[{"prompt": "q", "completion": "a", "label": false}]' >/dev/null
    arguments=${one##*;}
    more=("${model[@]}")
    case $one in *tiny*) more=() ;; esac
    # shellcheck disable=SC2086
    $alone "$program" train "$source/"$arguments "${more[@]}" --preview >out.log 2>err.log || code=$?
    same "preview of ${arguments%% *}: exit code ($(tail -n 1 err.log))" "${one%%;*}" "$code"
    words=${one#*;}
    checks=$((checks + 1))
    grep -q "^tandem: .*${words%%;*}" err.log || failed "preview of ${arguments%% *}" "${words%%;*}" "$(cat err.log)"
    cases=$((cases + 1))
done
echo "$cases cases"
finish
