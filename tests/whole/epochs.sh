#!/bin/bash
# epochs.sh PROGRAM SOURCE: training in passes over the examples.  Every example comes once per pass,
# in another order each time; the same on any number of ranks and after kills within a pass; steps,
# preview, plan and metrics count alike; runs of before there were epochs go on.
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3
config=$source/configs/finetune.json
small=('model={"model_type": "llama", "vocab_size": 259, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": 32, "max_position_embeddings": 64, "rope_theta": 10000.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}'
    'tokenizer={"kind": "byte"}' base.recipe=recipes/documents.json problems.files=texts.txt
    base.batch=4 checkpoint.every_steps=4 train.batches=true)
for n in $(seq 23); do echo "Text $n, which is like no other: $((n * n * 7919))."; done >texts.txt

passes() { # passes RUN EXAMPLES: steps, and how often each example was seen, from batches.jsonl
    python3 - "$1" "$2" <<'P'
import json, sys
run, count = sys.argv[1], int(sys.argv[2])
steps = {}
for line in open(run + "/batches.jsonl"):
    batch = json.loads(line)
    key = (batch["iteration"], batch["step"])
    seen = [tuple(e["tokens"]) for e in batch["examples"]]
    assert steps.setdefault(key, seen) == seen, "step %d/%d was repeated with another batch" % key
stream = [e for key in sorted(steps) for e in steps[key]]
whole = [stream[i:i + count] for i in range(0, len(stream), count)]
assert len(whole) > 1 and all(len(set(p)) == len(p) for p in whole), "an example twice in a pass"
assert all(set(p) <= set(whole[0]) for p in whole), "passes over other examples"
assert len({tuple(p) for p in whole}) == len(whole), "two passes in one order"
print("%d steps, %d passes of %d" % (len(steps), len(whole) - (len(whole[-1]) < count), count))
P
}
epochs_of() { sed -n 's/.*"kind": "step".*"epoch": \([0-9.]*\),.*/\1/p' "$1/metrics.jsonl" | tail -n 1; }
said() { # said WHAT WORDS FILE
    checks=$((checks + 1))
    grep -qF -- "$2" "$3" || failed "$1" "$2" "$(tail -n 5 "$3")"
}

# ---- ceil(2.5 * 23 / 4) = 15 steps, on 1, 2 and 4 ranks
must 1 run "$config" "${small[@]}" base.epochs=2.5 out=one
said "passes in the log" "15 steps of 4 are 2.61 passes over 23 examples" ranks.log
same "passes" "15 steps, 2 passes of 23" "$(passes one 23)"
same "epochs in metrics.jsonl" 2.6087 "$(epochs_of one)"
campaign() { # campaign NAME RANKS OVERRIDES
    must "$2" run "$config" "${small[@]}" base.epochs=2.5 "out=$1" "${@:3}" &&
        same "digests of $1 ($2 ranks ${*:3})" "$(digests one)" "$(digests "$1")"
}
campaign split 2
campaign both-2 2 ranks.mode=alternate
campaign both-4 4 ranks.mode=alternate
same "sets and weights" 2 "$(digests one | wc -l)"

# ---- kills within passes, which are 5.75 steps long
long=("$config" "${small[@]}" base.epochs=40)
must 1 run "${long[@]}" out=whole
same "passes without a kill" "230 steps, 40 passes of 23" "$(passes whole 23)"
lines_of() { if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi; }
kill_at() { # kill_at STEPS ARGUMENTS: once so many more lines are in killed/metrics.jsonl
    local before job
    before=$(lines_of killed/metrics.jsonl)
    "$program" run "${@:2}" out=killed >job.log 2>&1 &
    job=$!
    while kill -0 "$job" 2>/dev/null &&
        [ "$(lines_of killed/metrics.jsonl)" -lt $((before + $1)) ]; do
        sleep 0.01
    done
    if kill -9 "$job" 2>/dev/null; then killed=$((killed + 1)); fi
    wait "$job" 2>/dev/null || true
}
killed=0
for moment in 10 33 50; do kill_at $moment "${long[@]}"; done
[ "$killed" -gt 0 ] || failed "kills that hit a running job" "one or more" 0
must 2 run "${long[@]}" out=killed ranks.mode=alternate
same "digests after $killed kills" "$(digests whole)" "$(digests killed)"
same "passes after kills" "230 steps, 40 passes of 23" "$(passes killed 23)"

# ---- the loop: each iteration over all that was kept, and so more steps each time
loop=("$tiny" iterations=3 evaluate.recipe= base.steps=60 loop.epochs=1.5 loop.batch=8 checkpoint.every_steps=3
    'loop.mixture=[{"from": "kept", "share": 1, "draw": "passes"}]')
must 1 run "${loop[@]}" out=loop
steps=$(python3 - loop <<'P'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1] + "/metrics.jsonl")]
for i in (1, 2, 3):
    print(i, sum(r["kind"] == "step" and r["iteration"] == i for r in rows))
P
)
known=$(sed -n 's/.*iteration \([1-3]\): \([0-9]*\) steps of 8 are .* over \([0-9]*\) examples/\1 \2 \3/p' ranks.log)
same "steps of the iterations" "$(awk '{s = 1.5 * $3 / 8; n = int(s); if (n < s) n++; print $1, n}' <<<"$known")" "$steps"
same "more examples, more steps" 3 "$(cut -d' ' -f2 <<<"$steps" | sort -nu | wc -l)"
rm -rf killed
kills=$killed
killed=0
for moment in 66 12 15; do kill_at $moment "${loop[@]}"; done
[ "$killed" -gt 0 ] || failed "kills of the loop that hit a running job" "one or more" 0
must 2 run "${loop[@]}" out=killed
same "digests of the loop after $killed kills" "$(digests loop)" "$(digests killed)"

kills=$((kills + killed))

# ---- who types steps means them in the place of the epochs of the file
must 1 run "$config" "${small[@]}" base.steps=3 out=typed
same "typed steps" 3 "$(grep -c '"kind": "step"' typed/metrics.jsonl)"
must 1 run "$config" "${small[@]}" base.steps=0 out=none
same "no steps" 0 "$(grep -c '"kind": "step"' none/metrics.jsonl || true)"
refused() { # refused WHAT WORDS OVERRIDES
    local code=0
    $alone "$program" run "$config" "${small[@]}" out=no "${@:3}" >refused.log 2>&1 || code=$?
    same "$1: exit code" 78 $code
    said "$1" "$2" refused.log
}
refused "both" "base.steps is 3 and base.epochs is 2: give one" base.steps=3 base.epochs=2
refused "at random" "base.mixture draws at random" 'base.mixture=[{"from": "seeds", "share": 1}]'
refused "another number" "made with base.epochs = 2.5, now it is 3" out=one base.epochs=3

# ---- a run of before there were epochs
old=("$tiny" base.steps=5 loop.steps=2 loop.count=20 out=old)
must 1 run "${old[@]}" iterations=0
sed -i 's/"epochs": 0, //g' old/run.json
same "epochs in an old run.json" 0 "$(grep -c '"epochs":' old/run.json || true)"
must 1 run "${old[@]}" iterations=1
same "sets and weights of an old run that went on" 4 "$(digests old | wc -l)"

# ---- plan and preview
$alone "$program" plan "$config" "${small[@]}" >plan.log 2>&1 || failed "plan" "exit code 0" "$(cat plan.log)"
said "steps in a plan" "work: 18 optimizer steps of 4 examples, at most" plan.log
said "epochs in a plan" "base.epochs: 3 passes over about 23 examples" plan.log
$alone "$program" train "$config" "${small[@]}" --preview >preview.log 2>&1 || failed "preview" "exit code 0" "$(cat preview.log)"
said "passes in a preview" "training: 18 steps of 4 examples, 3.13 passes over 23, each in an order of its own" preview.log
echo "$name: $kills kills"
finish
