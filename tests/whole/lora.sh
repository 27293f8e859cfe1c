#!/bin/bash
# lora.sh PROGRAM SOURCE: campaigns that train an adapter: the same bits on any number of ranks and
# after kills; weight files that hold the adapter alone and know their base; what can be done with
# them afterwards.
set -eu
. "$2/tests/whole/common.sh"
need mpirun

must 1 run "$tiny" out=base iterations=0 base.steps=60
base=$(digests base | grep ^weights)
adapter=(model=base iterations=1 base.steps=24 loop.steps=24 checkpoint.every_steps=5 lora.rank=4
    lora.dropout=0.2 'lora.targets="all-linear"' 'lora.beside=["norms"]')

# ---- ranks
must 1 run "$tiny" out=one "${adapter[@]}"
reference=$(digests one)
same "weights that were published" 2 "$(grep -c ^weights <<<"$reference")"
same "digests that differ from one another" 4 "$(cut -d' ' -f3 <<<"$reference" | sort -u | wc -l)"
campaign() { # campaign NAME RANKS OVERRIDES
    local out=$1 n=$2
    shift 2
    must "$n" run "$tiny" "out=$out" "${adapter[@]}" "$@" &&
        same "digests of $out ($n ranks $*)" "$reference" "$(digests "$out")"
}
campaign split-2 2
campaign split-4 4
campaign alternate-2 2 ranks.mode=alternate
campaign alternate-4 4 ranks.mode=alternate
campaign threads-2 1 ranks.threads=2
same "the base afterwards" "$base" "$(digests base | grep ^weights)"

# ---- kills: in the base's training, in the loop's, and on other ranks
lines_of() { if [ -e "$1/metrics.jsonl" ]; then wc -l <"$1/metrics.jsonl"; else echo 0; fi; }
killed=0
for moment in 8 20 33; do
    before=$(lines_of killed)
    "$program" run "$tiny" out=killed "${adapter[@]}" >job.log 2>&1 &
    job=$!
    while kill -0 "$job" 2>/dev/null && [ "$(lines_of killed)" -lt $((before + moment)) ]; do
        sleep 0.02
    done
    if kill -9 "$job" 2>/dev/null; then killed=$((killed + 1)); fi
    wait "$job" 2>/dev/null || true
done
[ "$killed" -gt 0 ] || failed "kills that hit a running job" "one or more" 0
campaign killed 2

# ---- the files
checks=$((checks + 1))
small=$(stat -c %s one/weights/v0001.h5)
whole=$(stat -c %s base/weights/v0000.h5)
[ "$small" -lt "$whole" ] || failed "size of an adapter's file" "less than $whole" "$small"
said() { # said ARGUMENTS: exit code and last line
    local code=0
    $alone "$program" "$@" >said.log 2>&1 || code=$?
    echo "$code $(tail -n 1 said.log)"
}
holds() { # holds WHAT PATTERN TEXT
    checks=$((checks + 1))
    case $3 in *$2*) ;; *) failed "$1" "$2" "$3" ;; esac
}
holds "another rank" "78 "*"made with lora.rank = 4, now it is 8" \
    "$(said run "$tiny" out=one "${adapter[@]}" lora.rank=8)"
holds "an adapter as a whole model" "78 "*"is an adapter: set lora.rank" \
    "$(said run "$tiny" out=no model=one)"
holds "an adapter on a shape" "78 "*"set model=PATH" "$(said run "$tiny" out=no lora.rank=2)"
holds "no such layer" "78 "*"has q_proj, k_proj" \
    "$(said run "$tiny" out=no model=base lora.rank=2 'lora.targets=["c_attn"]')"
holds "export without --merge" "64 "*"--merge writes the two as one model" \
    "$(said export --model one --to hf --out no)"
must 1 export --model one --to adapter --out peft
holds "inspect" "rank 4, alpha 8, on q_proj" "$($alone "$program" inspect peft)"
holds "inspect of a run" "adapter       one" "$($alone "$program" inspect one)"
holds "plan" "which are trained, rank 4" "$($alone "$program" plan "$tiny" out=one "${adapter[@]}")"

sample() { $alone "$program" sample --model "$1" --prompt '3+4=' --max-tokens 12 2>&1; }
same "text of the exported adapter" "$(sample one)" "$(sample peft)"
must 1 export one --to hf --merge --out merged
must 1 eval "$tiny" --model one
accuracy=$(grep -o 'accuracy *[0-9.]*' ranks.log)
same "text of the merged model" "$(sample one)" "$(sample merged)"
must 1 eval "$tiny" out=one "${adapter[@]}"
same "accuracy by the adapter's own config" "$accuracy" "$(grep -o 'accuracy *[0-9.]*' ranks.log)"
must 1 replay one --random 20
same "replay" "20 replayed, 20 identical" "$(tail -n 1 ranks.log)"

# ---- one on top of another: those below stay as they are
must 1 run "$tiny" out=two model=one lora.rank=2 iterations=0 base.steps=10
must 1 run "$tiny" out=three model=base 'lora.adapters=["peft"]' lora.rank=2 iterations=0 base.steps=10
same "one adapter on another, in either way of saying it" "$(digests two)" "$(digests three)"
holds "export of a stack" "64 "*"stands on 1 other adapters" \
    "$(said export --model two --to adapter --out no)"
must 1 export --model two --to hf --merge --out merged-two
same "text of a merged stack" "$(sample two)" "$(sample merged-two)"

# ---- a base that is another, or gone
text=$(sample one)
must 1 run "$tiny" out=other iterations=0 base.steps=5
holds "another base" "65 "*"its weights are others" \
    "$(said sample --model one@other --prompt '3+4=')"
mv base moved
holds "a base that is gone" "65 "*"not there any more; give it as one/weights/v0001.h5@" \
    "$(said sample --model one --prompt '3+4=')"
same "text with the base given by hand" "$text" "$(sample one@moved)"
mv other base
holds "a base that was changed" "65 "*"its weights are others" \
    "$(said sample --model one --prompt '3+4=')"
holds "a campaign whose base was changed" "65 "*"its weights were changed" \
    "$(said run "$tiny" out=one "${adapter[@]}" iterations=2)"
finish
