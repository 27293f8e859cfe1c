#!/bin/bash
# export.sh PROGRAM SOURCE: what the three instruction recipes make, exported in every form, is
# well-formed, complete and the same in all forms; it can be the source of another run.
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3

short="base.steps=3 loop.steps=2 iterations=2 --quiet"
checker=$source/tests/whole/export.py
odd='["data/seed-tasks.jsonl", "data/odd.jsonl"]'

# Seeds with everything that could get lost on the way; the configs stand beside them.
cp -r --parents "$source/configs" . && mv ".$source/configs" configs
cat >configs/data/odd.jsonl <<'P'
{"instruction": "Say \"hello\" and\nthen \\ goodbye, please.", "instances": [{"input": "a\tb\r\nc", "output": "\"hello\"\n\\ \u0001 bye"}]}
{"instruction": "Übersetze den Satz: 日本語 und 🙂.", "instances": [{"input": "", "output": "Das heißt »Japanisch« 🙂.\n"}]}
P

for run in alpaca self-instruct evol-instruct; do
    # shellcheck disable=SC2086
    must 1 run "configs/$run-tiny.json" "out=$run" "problems.files=$odd" $short
    "$program" inspect --yields --json "$run" >"$run.yields"
    forms="messages rows alpaca wizardlm"
    [ $run != self-instruct ] || forms="$forms self-instruct"
    for form in $forms; do
        must 1 export "$run" --to "$form" --out "$run.$form"
        must 1 export "$run" --to "$form" --out "$run.$form-seeds" --seeds
    done
    code=0
    "$checker" "$run" configs/data/odd.jsonl >checker.log 2>&1 || code=$?
    same "checks of $run: $(grep -v '^compared' checker.log | head -n 5)" 0 "$code"
    cat checker.log
done

# The examples of one run as the held-out records of another, from a set, and exported.
printf '%s' '{"recipe": "probe", "about": "A probe.", "steps": [{"do": "draw", "from": "held-out"},
  {"do": "emit", "messages": [{"role": "user", "text": "{instruction}\n", "weight": 0},
  {"role": "assistant", "text": "{output}{eos}", "weight": 1}]}]}' >probe.json
fields='{"instruction": "instruction", "input": "input?", "output": "output"}'
losses=
for files in alpaca/examples/i0001.h5:alpaca/examples/i0002.h5 alpaca.rows alpaca.alpaca; do
    list=$(sed "s|:|\", \"$room/|" <<<"\"$room/$files\"")
    format=auto
    [ "$files" != alpaca.rows ] || format=jsonl
    [ "$files" != alpaca.alpaca ] || format=json
    must 1 eval configs/self-instruct-tiny.json out=self-instruct --loss probe.json \
        "problems={\"kind\": \"records\", \"files\": [$list], \"format\": \"$format\",
          \"fields\": $fields, \"held_out\": {\"share\": 0.5}}"
    losses="$losses$(sed -n 's/^loss \([^(]*\).*/\1/p' ranks.log)
"
done
same "losses over one data from sets, lines and a list" 1 "$(sort -u <<<"$losses" | grep -c nats)"

if python3 -c 'import pyarrow' 2>/dev/null; then
    "$source/jobs/parquet.py" alpaca.rows alpaca.parquet
    same "rows in Parquet" "$(wc -l <alpaca.rows)" "$(python3 -c '
import pyarrow.parquet as p
print(p.read_table("alpaca.parquet").num_rows)')"
else
    echo "$name: no pyarrow here: Parquet is left out"
fi
finish
