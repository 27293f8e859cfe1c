#!/bin/bash
# closed.sh PROGRAM SOURCE: a short campaign in which the model proposes its own instructions: the same
# bits from one and two ranks, and every kept record stands when it is judged again by another
# program.
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3
python3 -c 'import h5py' 2>/dev/null || need h5dump
closed=$source/configs/self-instruct-closed.json

# Small and short, but enough for some right answers.
short="iterations=2 base.steps=150 base.batch=32 loop.steps=12 loop.batch=32 loop.count=400
    model.hidden_size=64 model.num_hidden_layers=2 model.intermediate_size=160
    generate.block=60 checkpoint.every_steps=40"
# shellcheck disable=SC2086
must 1 run "$closed" out=one $short
reference=$(digests one)
same "published sets of the campaign" "examples 3, weights 3" \
    "examples $(grep -c ^examples <<<"$reference"), weights $(grep -c ^weights <<<"$reference")"
# shellcheck disable=SC2086
must 2 run "$closed" out=two generate.slots=23 $short
same "digests of two ranks" "$reference" "$(digests two)"

# What the test is: a campaign of one step whose seeds it is.
cat >test.json <<'P'
{"recipe": "test", "about": "The held-out test as examples.", "steps": [
  {"do": "draw", "from": "held-out"},
  {"do": "emit", "messages": [{"role": "other", "text": "{instruction}", "weight": 1}]}]}
P
must 1 run "$closed" out=test iterations=0 base.steps=1 base.recipe="$room/test.json" loop.recipe= \
    base.mixture='[{"from": "seeds", "share": 1}]' loop.mixture='[]' evaluate.recipe=
checks=$((checks + 1))
python3 "$source/tests/oracle/chains.py" one test || failed "kept records" "no fault" "see above"

# Without verification wrong answers stay, and are found.
# shellcheck disable=SC2086
must 1 run "$source/configs/self-instruct-closed-unverified.json" out=wrong $short iterations=1
checks=$((checks + 1))
python3 "$source/tests/oracle/chains.py" wrong test >wrong.log && failed "unverified records" \
    "wrong answers" "none"
python3 "$source/tests/oracle/chains.py" wrong test --unverified ||
    failed "unverified records" "no other fault" "see above"
finish
