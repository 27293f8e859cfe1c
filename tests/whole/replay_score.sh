#!/bin/bash
# replay_score.sh PROGRAM SOURCE: examples come out the same when they are made again, and the
# log-probabilities that the sampler stored are those that `tandem score` finds, bit for bit.
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3
python3 -c 'import h5py' 2>/dev/null || need h5dump
helper="python3 $source/tests/whole/replay_score.py"

must 2 run "$tiny" out=run

# ---- replay
must 1 replay run --random 100
same "replay of 100 examples" "100 replayed, 100 identical" "$(tail -n 1 ranks.log)"
must 2 replay run --random 60 --seed 7
same "replay of 60 examples on two ranks" "60 replayed, 60 identical" \
    "$(grep identical$ ranks.log | tail -n 1)"
must 1 replay run 0/3 1/17 2/99/1
same "replay of named examples" "4 replayed, 4 identical" "$(tail -n 1 ranks.log)"

# A run knows its recipes wherever it is asked from.
relative=$(realpath --relative-to=. "$tiny")
must 1 run "$relative" out=relative iterations=1
code=0
said=$(cd / && $alone "$program" replay "$room/relative" 1/2 2>&1) || code=$?
same "replay from another folder: exit code ($said)" 0 "$code"

# ---- stored log-probabilities
for i in 1 2; do
    $helper ids run $i ids.json
    must 1 score --model run/weights/v000$((i - 1)).h5 --ids ids.json --out scores.h5
    checks=$((checks + 1))
    said=$($helper compare run $i scores.h5) ||
        failed "stored log-probabilities of iteration $i against score" "the same bits" "$said"
    echo "iteration $i: $said"
done

# ---- sample and score, at a temperature and greedily, alone and in company
$helper ids run 1 ids.json
python3 - <<'P'
import json
ids = json.load(open("ids.json"))
json.dump([p[:4 + i % 5] for i, p in enumerate(ids[:70])], open("prompts.json", "w"))
json.dump([ids[3][:4 + 3]], open("one.json", "w"))
P
for options in "--temperature 1 --seed 3" "--temperature 0" "--temperature 2 --top-k 5 --ignore-eos"; do
    # shellcheck disable=SC2086
    must 1 sample --model run --ids prompts.json --out new.json --max-tokens 25 $options
    $helper sampled prompts.json new.json ids.json
    must 1 score --model run --ids ids.json --out scores.h5
    checks=$((checks + 1))
    said=$($helper compare-sampled prompts.json new.json scores.h5) ||
        failed "sample $options against score" "the same bits" "$said"
    echo "sample $options: $said"
done
must 1 sample --model run --ids prompts.json --out company.json --max-tokens 25
must 1 sample --model run --ids one.json --out alone.json --max-tokens 25
same "greedy text of a prompt alone and among 70" "$(python3 -c '
import json; print(json.load(open("alone.json"))[0])')" "$(python3 -c '
import json; print(json.load(open("company.json"))[3])')"

finish
