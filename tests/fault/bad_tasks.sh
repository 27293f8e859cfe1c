#!/bin/bash
# bad_tasks.sh PROGRAM SOURCE: every mistake in a task file or its data is refused with one line that
# names the place and what to do, with the documented exit code, and nothing is written.
#
# One line per case:  bad NAME CODE 'WORDS;MORE WORDS' SED-EXPRESSION [ARGUMENTS]
set -eu
. "$2/tests/whole/common.sh"
need mpirun

must 1 run "$tiny" out=run iterations=0
printf '{"q": "%s", "sum": "%s", "c": "%s"}\n' 1+2 3 4 2+2 4 5 >sums.jsonl
printf '{"q": "1+2", "list": "[1]", "sum": "3"}\n' >lists.jsonl
printf '{"q": "1+2", "list": "[\\"3\\", \\"\\"]", "sum": "3"}\n' >blanks.jsonl
printf 'not json\n' >broken.jsonl
: >empty.jsonl
printf 'caf\xe9' >latin.txt
printf '{{ messages' >broken.jinja
cat >generate.json <<'P'
{"task": "sums", "kind": "generate",
 "data": {"files": ["sums.jsonl"]},
 "prompt": "{q}=",
 "target": "{sum}",
 "generate": {"temperature": 0, "max_tokens": 20, "stop": [";"], "samples": 1},
 "extract": {"by": "whole"},
 "metrics": ["exact_match"]}
P
cat >choice.json <<'P'
{"task": "pick", "kind": "multiple_choice",
 "data": {"files": ["sums.jsonl"]}, "delimiter": "",
 "prompt": "{q}=",
 "choices": ["{sum}", "{c}"],
 "answer": "{sum}"}
P
cat >texts.json <<'P'
{"task": "texts", "kind": "perplexity",
 "data": {"files": ["sums.jsonl"]},
 "text": "{q}={sum}"}
P

refused() { # refused NAME CODE WORDS ARGUMENTS
    local what=$1 code=$2 words=$3 wanted said found=0
    shift 3
    timeout -k 2 30 $alone "$program" eval "$@" --out new.json >out.log 2>err.log </dev/null || found=$?
    said=$(grep '^tandem: ' err.log || true)
    same "$what: exit code ($(head -n 2 err.log))" "$code" "$found"
    same "$what: one line ($(head -n 3 err.log))" 1 "$(cat out.log err.log | wc -l)"
    local IFS=';'
    for wanted in $words; do
        checks=$((checks + 1))
        case $said in *"$wanted"*) ;; *) failed "$what: words" "$wanted" "$said" ;; esac
    done
    same "$what: what was written" "" "$(ls new.json* 2>/dev/null || true)"
}

of() { # of FILE: the spoilt one comes from it
    base=$1
}

bad() {
    local what=$1 code=$2 words=$3
    sed -E "$4" "$base" >bad.json
    ! cmp -s "$base" bad.json || failed "$what" "a change" "none"
    shift 4
    refused "$what" "$code" "$words" --model run --tasks bad.json "$@"
}

for good in generate choice texts; do
    must 1 eval --model run --tasks $good.json
done

# ---- the command line
refused "no model" 64 '--model is needed' --tasks generate.json
refused "nothing at all" 64 'goes with --tasks or --data'
refused "no such task" 74 'none.json' --model run --tasks none.json
refused "a folder as task" 78 'run: is a folder' --model run --tasks run
refused "no such data" 74 'none.txt: there is no such file' --model run --data none.txt
refused "tasks and data" 64 'no place beside --data' --model run --tasks generate.json --data sums.jsonl
refused "files for two tasks" 64 '--files goes with one task' --model run --tasks generate.json texts.json --files sums.jsonl
refused "files that are not there" 74 'none.jsonl: there is no such file' --model run --tasks generate.json --files none.jsonl
refused "format without data" 64 '--format goes with --data' --model run --tasks generate.json --format jsonl
refused "loss with tasks" 64 '--loss goes with a CONFIG' --model run --tasks generate.json --loss x.json
refused "no limit" 64 '--limit is "0"' --model run --tasks generate.json --limit 0
refused "data without a text" 78 'neither conversations (messages) nor a field text' --model run --data sums.jsonl
refused "data that is no text" 65 'latin.txt;UTF-8;byte 4' --model run --data latin.txt
refused "a template that is none" 65 'broken.jinja' --model run --tasks generate.json --template broken.jinja
found=0
$alone "$program" eval --model run --tasks generate.json --details >out.log 2>err.log || found=$?
same "details without a file: $(cat err.log)" "64 1" "$found $(grep -c 'details go into the file of --out' err.log)"

# ---- keys
of generate.json
bad "an unknown key" 78 'bad.json:3:;promt;did you mean "prompt"' 's/"prompt"/"promt"/'
bad "an unknown kind" 78 'bad.json:1:;perplexity|multiple_choice|generate;did you mean "generate"' 's/"generate",$/"generat",/'
bad "a key within" 78 'bad.json:5:;max_token;did you mean' 's/max_tokens/max_token/'
bad "a key of another kind" 78 'bad.json:3:;"choices" has no meaning in a task of the kind generate' 's/"prompt"/"choices": ["a","b"], "prompt"/'
bad "no prompt" 78 'needs "prompt"' '/"prompt"/d'
bad "no target" 78 'needs "target"' '/"target"/d'
bad "no name" 78 'task' 's/"task": "sums", //'
bad "broken JSON" 65 'bad.json:2' 's/^ "data": /"data" /'
bad "a list" 78 'a task is an object' '1s/^/[/;$s/$/]/'
bad "data that is no object" 78 'bad.json:2:;data is an object' 's/"data": .*/"data": "sums.jsonl",/'
bad "another source" 78 'bad.json:2:;records from files' 's/"files"/"kind": "addition", "files"/'
bad "a key of data" 78 'bad.json:2:;file' 's/"files"/"file"/'
bad "a folder that is no folder" 65 'none/sums.jsonl' 's/sums.jsonl/none\/&/'
bad "broken data" 65 'broken.jsonl' 's/sums.jsonl/broken.jsonl/'
bad "empty data" 65 'no record' 's/sums.jsonl/empty.jsonl/'
bad "no such field" 78 'bad.json:3:;no field qq;did you mean q' 's/\{q\}/{qq}/'
bad "an open brace" 78 'bad.json:3:;not closed' 's/\{q\}/{q/'
bad "bos by hand" 78 'bad.json:3:;{bos} has no place in a task' 's/\{q\}/{bos}{q}/'
bad "no such group" 78 'no field digit' 's/"prompt"/"group": "digit", "prompt"/'
bad "shots of the data itself" 78 'go together' 's/"prompt"/"shots": 2, "prompt"/'
bad "too few shots" 65 'there are 2 records for 3 shots' 's/"prompt"/"shots": 3, "shots_from": ["sums.jsonl"], "prompt"/'
bad "shots without a field" 78 'no field c' 's/"prompt"/"shots": 1, "shots_from": ["lists.jsonl"], "prompt"/'
bad "system without chat" 78 '"system" goes with "chat"' 's/"prompt"/"system": "x", "prompt"/'

# ---- answers
bad "an unknown metric" 78 'bad.json:7:;no metric "exact_matc";did you mean "exact_match"' 's/exact_match/exact_matc/'
bad "a metric of another kind" 78 'bad.json:7:;no metric "acc"' 's/exact_match/acc/'
bad "a metric twice" 78 'stands here twice' 's/"exact_match"/&, &/'
bad "no metric" 78 'one to 12 names' 's/"exact_match"//'
bad "pass at more than there are" 78 'pass@5 needs as many samples; generate.samples is 1' 's/exact_match/pass@5/'
bad "pass at nothing" 78 'pass@K with a number K' 's/exact_match/pass@x/'
bad "samples that are all the same" 78 'bad.json:5:;at temperature 0 would all be the same' 's/"samples": 1/"samples": 4/'
bad "stops that leave no room for a chat's" 78 'at most 4 texts in a chat' 's/\[";"\]/["1","2","3","4","5"]/;s/"prompt"/"chat": true, "prompt"/'
bad "a stop that is no list" 78 'bad.json:5:;stop is a list' 's/\[";"\]/";"/'
bad "an empty stop" 78 'a text that ends an answer' 's/\[";"\]/[""]/'
bad "no room for a prompt" 78 'max_tokens is 64;no room for a prompt' 's/"max_tokens": 20/"max_tokens": 64/'
bad "a pattern that is none" 78 'bad.json:6:;pattern cannot be read' 's/"by": "whole"/"by": "pattern", "pattern": "(a"/'
bad "a pattern without its kind" 78 '"pattern" goes with "by": "pattern"' 's/"by": "whole"/"pattern": "a"/'
bad "a marker without its kind" 78 '"after" (the marker) goes with' 's/"by": "whole"/"by": "after"/'
bad "an unknown normalisation" 78 'bad.json:6:;did you mean "lower"' 's/"by": "whole"/"normalize": ["lowr"]/'
bad "a target without an answer" 65 'no answer in the target "3"' 's/"by": "whole"/"by": "after", "after": "#"/'
bad "a target that is a number" 78 'bad.json:4:;a text with {fields}' 's/"target": .*/"target": 3,/'

# ---- choices
of choice.json
bad "no choices" 78 'either "choices" or "choices_field"' '/"choices"/d'
bad "one choice" 78 'bad.json:4:;two or more' 's/, "\{c\}"//'
bad "choices that are none" 78 'a text with {fields}' 's/"\{c\}"/3/'
bad "choices of a field that has none" 65 'a choice is a text' 's/sums.jsonl/lists.jsonl/;s/"choices": .*/"choices_field": "list",/'
bad "a choice of a field that is empty" 65 'a choice is empty' 's/sums.jsonl/blanks.jsonl/;s/"choices": .*/"choices_field": "list",/'
bad "choices of a field that is no JSON" 65 'q:1:' 's/"choices": .*/"choices_field": "q",/'
bad "choices of no field" 78 'no field lst' 's/"choices": .*/"choices_field": "lst",/'
bad "no answer" 78 'needs "answer"' 's/("choices": .*),$/\1}/;/"answer"/d'
bad "an answer that is no choice" 65 'the answer "1+2" is none of the 2 choices' 's/"answer": "\{sum\}"/"answer": "{q}"/'
bad "an answer beyond them" 65 'the answer "3" is none of the 2 choices' 's/"answer":/"answer_is": "index", "answer":/'
bad "an answer that is no letter" 65 'is none of the 2 choices' 's/"answer":/"answer_is": "letter", "answer":/'
bad "a stride" 78 '"stride" has no meaning' 's/"answer":/"stride": 3, "answer":/'

# ---- texts
of texts.json
bad "both" 78 'exclude each other' 's/"text":/"conversation": "q", "text":/'
bad "tools without a conversation" 78 '"tools" goes with "conversation"' 's/"text":/"tools": "q", "text":/'
bad "a stride that is too large" 78 'stride is 64' 's/"text":/"stride": 64, "text":/'
bad "a conversation without a template" 78 'conversations need a chat template' 's/"text": .*/"conversation": "q"}/'
bad "whole files with fields" 78 'fields' 's/"data": \{/"whole_files": true, "data": {"fields": {"q": "q"}, /'
bad "no text" 78 'no field text' 's/, *$/,/;s/"text": .*/"context": 32}/'
bad "texts that all lack tokens" 65 'all 2 examples were left out (2: a character without a token)' 's/\{q\}=/{q} is /'
finish
