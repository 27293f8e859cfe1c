#!/bin/bash
# rounds.sh PROGRAM SOURCE: rounds end by until, rounds and min_yield; stages work on exactly what the commit before
# them accepted, were it nothing; a commit may be the last step, and there may be two.
set -eu
. "$2/tests/whole/common.sh"
need python3

cp -r --parents "$source/configs" . && mv ".$source/configs" configs
config=configs/alpaca-tiny.json
recipes=configs/recipes

made() { # made SED-EXPRESSION NAME: an override that names a changed alpaca recipe
    sed -E "$1" $recipes/alpaca.json >"$recipes/$2.json"
    cmp -s $recipes/alpaca.json "$recipes/$2.json" && failed "recipe $2" "changed" "the same"
    echo "loop.recipe=recipes/$2.json"
}

# generate NAME OVERRIDES: its rounds as lines "stage round requests candidates accepted pool", then its records
generate() {
    local out=$1
    shift
    must 1 generate $config "out=$out" iterations=1 base.steps=0 --quiet "$@"
    $alone "$program" inspect --yields --json "$out" >yields.json
    python3 - "$out" yields.json >"$out.txt" <<'P'
import json, sys
for line in open(sys.argv[1] + "/metrics.jsonl"):
    m = json.loads(line)
    if m["kind"] == "round":
        print("round", *(m[k] for k in ("stage", "round", "requests", "candidates", "accepted", "pool")))
one = [s for s in json.load(open(sys.argv[2]))["sets"] if s["iteration"] == 1][0]
print("set", one["records"], one["kept"], one["passed"], one["rejected"])
P
    cat "$out.txt"
}

holds() { # holds WHAT EXPRESSION: of the rounds R (lists of numbers) and the set S of the last generate
    same "$1: $2, of $(tr '\n' ';' <"$1.txt")" True "$(python3 - "$1.txt" "$2" <<'P'
import sys
lines = [l.split() for l in open(sys.argv[1])]
R = [list(map(int, l[1:])) for l in lines if l[0] == "round"]
S = [int(x) for x in lines[-1][1:]]
print(bool(eval(sys.argv[2], {"R": R, "S": S, "all": all, "sum": sum, "range": range, "len": len})))
P
)"
}

STAGE="all(r[0] == 0 for r in R) and [r[1] for r in R] == list(range(len(R)))"
STAGE=${STAGE/list(range(len(R)))/[i for i in range(len(R))]}
SUMS="all(R[i][5] == sum(r[4] for r in R[:i + 1]) for i in range(len(R)))"

generate until loop.until=30 loop.rounds=50 loop.count=2
holds until "$STAGE and len(R) > 1 and R[-1][5] >= 30 and R[-2][5] < 30 and all(r[2] == 2 for r in R)"
holds until "$SUMS and S[1] == S[2] == R[-1][5] and S[0] == S[1] + S[2] + S[3]"
generate rounds loop.until=0 loop.rounds=3 loop.count=2
holds rounds "$STAGE and len(R) == 3 and $SUMS and S[1] == R[-1][5]"
generate yield loop.until=0 loop.rounds=50 loop.count=8 scripted.p_refusal=0.9 \
    "$(made 's/"min_yield": 0.02/"min_yield": 1/' yield)"
holds yield "R[-1][4] < 8 and all(r[4] >= 8 for r in R[:-1]) and len(R) < 50"
generate nothing loop.until=0 loop.rounds=50 scripted.p_empty=1
holds nothing "len(R) == 1 and R[0][3:] == [0, 0, 0] and S[1] == S[2] == 0"
# Without the steps behind the commit (it is followed by an empty line, the comma in front of that goes).
generate last loop.until=0 loop.rounds=2 \
    "$(made '/^$/,$d; s/("do": "commit".*\}),$/\1]}/' last)"
holds last "len(R) == 2 and S[2] == 0 and S[1] == R[-1][5] > 0" # what came through all steps is kept
generate two loop.until=0 loop.rounds=2 \
    "$(made 's/^( *)(\{"do": "commit".*)$/\1\2\n\1{"do": "commit", "to": "outputs", "near": "exact", "key": "output", "seeds": false},/' two)"
holds two "[r[:2] for r in R] == [[0, 0], [0, 1], [1, 0]] and R[2][2] == R[1][5] and S[1] == R[2][5] > 0"
holds two "S[2] == R[1][5] + R[2][5] and S[0] == sum(S[1:])"
finish
