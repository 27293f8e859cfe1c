#!/bin/bash
# tasks.sh PROGRAM SOURCE: `tandem eval --tasks` and `--data`: what is printed and written is what an
# independent judge makes of the details, the same on 1 to 4 ranks; published models give the
# published losses; the sample tasks run.
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3
judge="python3 $source/tests/oracle/tasks.py"

judged() { # judged RESULTS DATA ...
    local code=0
    $judge "$@" >judge.log 2>&1 || code=$?
    same "the independent judge on $1: $(head -n 5 judge.log)" 0 "$code"
    echo "$name: $1: $(tail -n 1 judge.log)"
}

everywhere() { # everywhere NAME DATA ARGUMENTS: on all numbers of ranks, judged once
    local what=$1 data=$2 n
    shift 2
    for n in 1 2 3 4; do
        must "$n" eval "$@" --out "$what.$n.json" --details || return 0
        same "$what on $n ranks" "$(md5sum <"$what.1.json")" "$(md5sum <"$what.$n.json")"
    done
    cp ranks.log "$what.log"
    # shellcheck disable=SC2086
    judged "$what.1.json" $data
}

# ---- a model of twenty characters: sums of numbers

must 1 run "$tiny" out=run iterations=0
python3 - <<'P'
import json
from random import Random
r = Random(1)
with open("sums.jsonl", "w") as f:
    for i in range(23):
        digits = 1 + i % 2
        a, b = (r.randrange(10 ** (digits - 1), 10 ** digits) for _ in range(2))
        q = "%d+%d" % (a, b) if i != 7 else "5x5"  # x has no token
        others = [str(a + b + d) for d in (1, 10, -1)][:1 + i % 3]
        others.insert(r.randrange(len(others) + 1), str(a + b))
        json.dump({"q": q, "sum": str(a + b), "digits": digits, "at": others.index(str(a + b)),
                   "letter": "BCDE"[others.index(str(a + b))], "none": "",
                   "list": json.dumps(others), "c0": others[0], "c1": others[1],
                   "c2": (others + ["", ""])[2], "c3": (others + ["", ""])[3]}, f)
        f.write("\n")
with open("lines.jsonl", "w") as f:
    for i in range(9):
        text = "".join(r.choice("0123456789+=,;") for _ in range(3 + 31 * i))
        f.write(json.dumps({"text": text}) + "\n")
with open("short.jsonl", "w") as f:
    f.write('{"q": "1+1", "sum": "2"}\n{"q": "2+3", "sum": "5"}\n')
P
cat >sums.json <<'P'
{"task": "sums", "kind": "generate", "data": {"files": ["sums.jsonl"]}, "group": "digits",
 "prompt": "{q}=", "target": ["{sum}", "0{sum}"],
 "generate": {"temperature": 0.9, "max_tokens": 30, "samples": 5, "seed": 3},
 "extract": {"by": "pattern", "pattern": ";([0-9]+)"}, "target_extract": {},
 "metrics": ["exact_match", "rouge_l", "pass@1", "pass@3", "majority"]}
P
cat >greedy.json <<'P'
{"task": "greedy", "kind": "generate", "data": {"files": ["sums.jsonl"]},
 "prompt": "{q}=", "target": "{sum}", "delimiter": "=", "shots": 1, "shots_from": ["short.jsonl"],
 "shots_separator": ",", "generate": {"max_tokens": 40, "stop": [";"]},
 "extract": {"by": "last_number", "normalize": ["number"]}}
P
cat >pick.json <<'P'
{"task": "pick", "kind": "multiple_choice", "data": {"files": ["sums.jsonl"]}, "delimiter": "",
 "prompt": "{q}=", "choices": ["{c0}", "{c1}", "{c2}", "{c3}"], "answer": "{at}",
 "answer_is": "index", "metrics": ["acc", "acc_norm", "acc_bytes"], "group": "digits"}
P
sed 's/"choices": \[.*\], "answer": "{at}",/"choices_field": "list", "answer": "{sum}",/; s/"index"/"text"/
    s/"task": "pick"/"task": "list"/' pick.json >list.json
sed 's/"choices": \[/&"{none}", /; s/"{at}"/"{letter}"/; s/"index"/"letter"/; s/"task": "pick"/"task": "gap"/' \
    pick.json >gap.json
cat >lines.json <<'P'
{"task": "lines", "kind": "perplexity", "data": {"files": ["lines.jsonl"]}, "stride": 20}
P
sed -i 's/"shots": 1, "shots_from": \["short.jsonl"\],/"shots": 1, "shots_from": ["first.jsonl"],/' greedy.json
head -n 1 sums.jsonl >first.jsonl
everywhere sums sums.jsonl --model run --tasks sums.json
everywhere greedy sums.jsonl --model run --tasks greedy.json
everywhere pick sums.jsonl --model run --tasks pick.json
everywhere lines lines.jsonl --model run --tasks lines.json
everywhere both "sums.jsonl lines.jsonl" --model run --tasks pick.json lines.json
same "--data is the task of its texts" "$(grep '"metrics"' lines.1.json)" \
    "$(must 1 eval --model run --tasks lines.json --out l.json; grep '"metrics"' l.json)"
must 1 eval --model run --data lines.jsonl --out data.json
same "--data: the tokens" "$(grep -o '"tokens": [0-9]*' l.json)" \
    "$(grep -o '"tokens": [0-9]*' data.json)"
must 1 eval --model run --tasks list.json --out list.out --limit 22
must 1 eval --model run --tasks pick.json --out pick.out --limit 22
same "choices of a field are those of templates" "$(grep '"metrics": {"acc"' pick.out)" \
    "$(grep '"metrics": {"acc"' list.out)"
must 1 eval --model run --tasks gap.json --out gap.out --limit 22
same "letters count the choices that came out empty" "$(grep '"metrics": {"acc"' pick.out)" \
    "$(grep '"metrics": {"acc"' gap.out)"
same "the table says what was left out" 1 \
    "$(grep -c 'sums: 1 of 23 examples left out: a character without a token' sums.log)"
same "the table names metric, value, interval, kind and number" 1 \
    "$(grep -cE '^sums +exact_match +0\.[0-9]{4} +0\.[0-9]{4} \.\. 0\.[0-9]{4} +(normal|Wilson) +22$' sums.log)"
sed 's/"kind": "perplexity"/&, "context": 32/' lines.json >narrow.json
must 1 eval --model run --tasks narrow.json --out narrow.out --details
same "windows of 32 tokens that move by 20 over 251 characters" 1 \
    "$(grep -c '"tokens": 251, "words": 1, "bytes": 251, "windows": 12}' narrow.out)"
sed 's/"shots": 1/"context": 53, &/' greedy.json >tight.json
must 1 eval --model run --tasks tight.json --out tight.out || true
same "prompts that leave no room are counted" 1 "$(grep -c 'longer than the context": [1-9]' tight.out)"
sed 's/"context": 53/"truncate": "left", &/' tight.json >cut.json
must 1 eval --model run --tasks cut.json --out cut.out
same "or lose their beginning, and are counted" 1 "$(grep -c '"left_out": {"a character without a token": 1}, "beginning_cut": [1-9]' cut.out)"
same "shots change what is asked" 1 "$(sed 's/"shots": 1, "shots_from": \["first.jsonl"\],//' greedy.json >bare.json
    must 1 eval --model run --tasks bare.json --out bare.out --details
    [ "$(grep -c '"text"' bare.out)" -gt 0 ] && ! cmp -s <(grep '"text"' bare.out) <(grep '"text"' greedy.1.json) && echo 1)"
checks=$((checks + 1))
"$program" eval --keys >keys.txt
for key in task kind data prompt choices answer_is shots extract.by generate.samples truncate; do
    same "--keys says what $key is" 1 "$(grep -cE "(^|[^a-z_.])$key( |$)" keys.txt | sed 's/^[1-9][0-9]*$/1/')"
done

# ---- published models

assets=${TANDEM_ASSETS:-$source/../shared/assets}
if [ ! -d "$assets/models/stories260K-hf" ]; then
    echo "$name: no assets here: the published models are left out"
    finish
    exit
fi
models=$assets/models
head -c 254 "$models/goldens/nll_text.txt" >start.txt # what the golden's context of 256 holds
loss() { # loss MODEL TEXT
    must 1 eval --model "$models/$1" --data "$2" --out loss.json &&
        python3 -c 'import json; print("%.5f" % json.load(open("loss.json"))["tasks"][0]["metrics"]["loss"]["value"])'
}
near() { # near WHAT WANTED FOUND: within 2e-5
    same "$1: $2, found $3" 1 "$(awk -v a="$2" -v b="$3" 'BEGIN { print(a - b < 2e-5 && b - a < 2e-5) }')"
}
near "loss of babyllama-tok105" 0.651187 "$(loss babyllama-tok105-hf start.txt)"
near "loss of stories260K" 1.305088 "$(loss stories260K-hf "$models/goldens/nll_text.txt")"

data=$assets/datasets
everywhere csqa "$data/star-commonsenseqa/commonsenseqa/dev_rand_split.jsonl" --limit 50 \
    --model "$models/stories260K-hf" --tasks "$source/configs/tasks/commonsenseqa.json" \
    --files "$data/star-commonsenseqa/commonsenseqa/dev_rand_split.jsonl"
sed 's/"shots": 4/"truncate": "left", "shots": 1/; s/word-problems.jsonl/'"${source//\//\\/}"'\/configs\/tasks\/&/
    s/"max_tokens": 256/"max_tokens": 24/; s/"by": "after", "after": "####"/"by": "last_number"/' \
    "$source/configs/tasks/gsm8k.json" >gsm8k.json
everywhere gsm8k "$data/gsm8k/test.jsonl" --limit 6 --model "$models/stories260K-hf" \
    --tasks gsm8k.json --files "$data/gsm8k/test.jsonl"
must 1 eval --model "$models/stories260K-hf" --tasks "$source/configs/tasks/texts.json" \
    --files "$models/goldens/nll_text.txt,start.txt" --out texts.json --details

# The same log-likelihoods by another program, where it can be imported.
python=${TANDEM_PYTHON:-python3}
if $python -c 'import torch, transformers' 2>/dev/null; then
    sed 's/"whole_files"/"context": 64, "stride": 24, &/' "$source/configs/tasks/texts.json" >slide.json
    must 1 eval --model "$models/stories260K-hf" --tasks slide.json \
        --files "$models/goldens/nll_text.txt" --out slide.out --details
    code=0
    $python "$source/tests/oracle/tasks_torch.py" "$models/stories260K-hf" csqa.1.json \
        "$data/star-commonsenseqa/commonsenseqa/dev_rand_split.jsonl" slide.out \
        "$models/goldens/nll_text.txt" >torch.log 2>&1 || code=$?
    same "torch: $(tail -n 3 torch.log)" 0 "$code"
    tail -n 1 torch.log
else
    echo "$name: no torch and transformers here: their part is left out"
fi
finish
