#!/bin/bash
# plan.sh PROGRAM SOURCE: `tandem plan` says within 10 % what memory a run takes, refuses what cannot
# fit, and starts nothing.
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3
if grep -q __asan_init "$program"; then
    echo "$name: skipped: the memory of a sanitizer build is not planned"
    exit 77
fi
star=$source/configs/star-tiny.json

# The peak of the resident memory of each rank, in KiB, as the system counted it.
cat >peak.py <<'P'
import os, resource, subprocess, sys
code = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL).returncode
rank = os.environ.get("OMPI_COMM_WORLD_RANK", "0")
with open("%s.%s" % (sys.argv[1], rank), "w") as f:
    f.write("%d\n" % resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
P

planned() { # planned ROLE < plan: MiB
    sed -n "s/^memory of a $1 .*: \([0-9.]*\) MiB = .*/\1/p"
}

near() { # near WHAT PLANNED-MIB MEASURED-KIB
    checks=$((checks + 1))
    python3 - "$1" "${2:-0}" "$3" <<'P' || failed "$1: memory" "within 10 % of $2 MiB" "$3 KiB"
import sys
planned, measured = float(sys.argv[2]), int(sys.argv[3]) / 1024
print("%s: planned %.1f MiB, taken %.1f MiB (%+.1f %%)"
      % (sys.argv[1], planned, measured, 100 * (planned / measured - 1)))
sys.exit(abs(planned / measured - 1) > 0.1)
P
}

one_rank() { # one_rank WHAT ARGUMENTS: one rank with both roles
    local what=$1 code=0
    shift
    timeout 100 python3 peak.py peak "$program" run "$@" out=alone 2>err.log || code=$?
    same "$what: exit code ($(tail -n 1 err.log))" 0 "$code"
    near "$what" "$("$program" plan "$@" | planned 'rank with both roles')" "$(cat peak.0)"
    rm -rf alone
}

wide="model.hidden_size=256 model.num_hidden_layers=4 model.intermediate_size=704
    base.steps=12 loop.steps=6 iterations=1 checkpoint.every_steps=5 evaluate.recipe="
many="model.hidden_size=512 model.num_hidden_layers=4 model.intermediate_size=1408
    train.micro_tokens=192 base.batch=8 loop.batch=8 generate.slots=16
    base.steps=3 iterations=0 checkpoint.every_steps=2 evaluate.recipe="
one_rank "star-tiny" "$star"
# shellcheck disable=SC2086
one_rank "width 256, 4 layers" "$star" $wide
# shellcheck disable=SC2086
one_rank "13 million parameters, small batches" "$star" $many

# Roles in ranks of their own: each is planned by itself.
code=0
# shellcheck disable=SC2086
timeout 100 mpirun -n 2 --bind-to none python3 peak.py peak "$program" run "$star" $wide out=split \
    2>err.log || code=$?
same "a generator and a trainer: exit code ($(tail -n 1 err.log))" 0 "$code"
# shellcheck disable=SC2086
mpirun -n 2 --bind-to none "$program" plan "$star" $wide >plan.log
near "generator, width 256" "$(planned generator <plan.log)" "$(cat peak.0)"
near "trainer, width 256" "$(planned trainer <plan.log)" "$(cat peak.1)"

# What cannot fit is refused, by the plan and by the run, at once and by one message.
huge="model.hidden_size=8192 model.num_hidden_layers=80 model.intermediate_size=28672"
for command in plan run; do
    code=0
    from=$SECONDS
    # shellcheck disable=SC2086
    $alone "$program" $command "$star" $huge out=huge >out.log 2>err.log || code=$?
    same "$command of a huge model: exit code" 78 "$code"
    same "$command of a huge model: message" 1 "$(grep -c '^tandem: .*GiB.*are free' err.log)"
    same "$command of a huge model: run directory" "" "$(ls huge 2>/dev/null || true)"
    checks=$((checks + 1))
    [ $((SECONDS - from)) -le 5 ] || failed "$command of a huge model" "less than 5 s" \
        "$((SECONDS - from)) s"
done
code=0
"$program" plan "$star" --ranks 3 ranks.mode=split ranks.generators=3 >out.log 2>err.log || code=$?
same "plan of ranks that do not add up: exit code ($(cat err.log))" 78 "$code"
same "what plans have made" "" "$(find . -name 'attempt-*' -path './huge/*')"
finish
