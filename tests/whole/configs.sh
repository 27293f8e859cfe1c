#!/bin/bash
# configs.sh TANDEM SOURCES: every config that is shipped runs, on 1 or 3 ranks, cut short; a campaign
# that reached evaluate.stop_accuracy ends.
set -eu
tandem=$1
sources=$2
# shellcheck source=/dev/null
. "$sources/jobs/environment.sh"
export OMP_NUM_THREADS=1
bad=0
count=0

short="base.steps=6 loop.steps=3 iterations=1 --quiet"
# Those that want a model from outside come last, and get the one of a run before.
# Those of fine-tuning want data, and have a test of their own.
for config in $(grep -L '"MODEL"' "$sources"/configs/*.json) $(grep -l '"MODEL"' "$sources"/configs/*.json); do
    name=$(basename "$config" .json)
    case $name in finetune*) continue ;; esac
    more=loop.count=40
    grep -q evol-instruct <<<"$name" && more= # it draws all there are
    if grep -q '"MODEL"' "$config"; then
        more="$more model=self-instruct-tiny teacher=scripted loop.until=8 loop.rounds=1"
    fi
    ranks=$((1 + 2 * (count % 2))) # in turn, to keep it short
    rm -rf "$name"
    # shellcheck disable=SC2086
    if ! mpirun -n $ranks "$tandem" run "$config" out="$name" $short $more >"$name.log" 2>&1; then
        echo "$name on $ranks ranks: failed"
        tail -n 5 "$name.log"
        bad=1
        continue
    fi
    versions=$("$tandem" inspect --digest "$name" | grep -c '^weights ')
    [ "$versions" = 2 ] || { echo "$name: expected 2 versions, found $versions"; bad=1; }
    [ -s "$name/report.html" ] || { echo "$name: no report.html"; bad=1; }
    count=$((count + 1))
done
# A campaign that is good enough ends, on either role's side.
for ranks in 1 2; do
    rm -rf "enough$ranks"
    mpirun -n $ranks "$tandem" run "$sources/tests/data/tiny.json" out="enough$ranks" \
        evaluate.stop_accuracy=0.001 --quiet
    lines=$("$tandem" inspect --digest "enough$ranks" | wc -l)
    [ "$lines" = 2 ] || { echo "stop_accuracy on $ranks ranks: expected 2 sets, found $lines"; bad=1; }
done
echo "$count configs ran"
[ "$count" -ge 7 ] || bad=1
exit $bad
