#!/bin/bash
# instruct.sh PROGRAM SOURCE: Self-Instruct, Alpaca and Evol-Instruct with the scripted teacher.
#
# How many records end at which step for which reason is what an independent program computes
# (tests/oracle), with good answers and with every fault of answers; the examples are the same, bit
# for bit, from 1, 2 and 4 ranks, in any order of answers, and after kills in every stage.
#
# TANDEM_KILL_SEED: at which random moments jobs are killed [1].
set -eu
. "$2/tests/whole/common.sh"
need mpirun
for python in python3 /usr/bin/python3 none; do
    "$python" -c 'import xxhash' 2>/dev/null && break
done
[ "$python" != none ] || { echo "$name: skipped: no python3 with xxhash here"; exit 77; }
RANDOM=${TANDEM_KILL_SEED:-1}

faults=()
for kind in length missing_section duplicate wrong_number refusal stop_in_text odd empty 429 500 timeout; do
    faults+=("scripted.p_$kind=0.1")
done
numbers=0
export PYTHONDONTWRITEBYTECODE=1

# histogram RECIPE CONFIG OVERRIDES: of a run by one rank, against the oracle's.
histogram() {
    local recipe=$1 config=$2 said code=0
    shift 2
    must 1 generate "$config" out=one iterations=1 "$@" || return 0
    $alone "$program" inspect --yields one --json >found.json
    "$python" "$source/tests/oracle/${recipe//-/_}.py" "$config" "$@" >wanted.json || code=$?
    same "exit code of the oracle of $recipe $*" 0 "$code"
    said=$("$python" "$source/tests/oracle/compare.py" found.json wanted.json) || code=$?
    same "histogram of $recipe $*" 0 "$code"
    [ "$code" = 0 ] || echo "$said"
    [ "$code" != 0 ] || numbers=$((numbers + $(sed 's/.*, \([0-9]*\) numbers agree/\1/' <<<"$said")))
    rm -rf one
}

shards() { ls "$1/examples/i0001" 2>/dev/null | grep -c '\.h5$' || true; }

# killed RANKS WHEN OUT ...: starts a job and kills all of it once `WHEN` shards are there, or after
# WHEN seconds if that has a point.  0 if it could be killed.
killed() {
    local n=$1 when=$2 out=$3 job code=0 command
    shift 2
    command=("$program" generate "$config" "out=$out" "${@:2}")
    [ "$n" = 1 ] || command=(mpirun -n "$n" --bind-to none "${command[@]}")
    setsid "${command[@]}" >job.log 2>&1 &
    job=$!
    case $when in
    *.*) sleep "$when" ;;
    *) while kill -0 $job 2>/dev/null && [ "$(shards "$out")" -lt "$when" ]; do sleep 0.01; done ;;
    esac
    kill -9 -- -$job || true
    pkill -9 -s $job || true # of its session: ranks have groups of their own
    wait $job || code=$?
    [ "$code" = 137 ]
} 2>/dev/null # bash tells of every job that is killed

moment() { printf 0.%03d $((RANDOM % 900)); }

# bits RECIPE OVERRIDES: the same digests however it is made.
bits() {
    local config=$source/configs/$1-tiny.json recipe=$1 reference total first at when
    shift
    local keys=(iterations=1 generate.block=4 "${faults[@]}" "$@")

    must 1 generate "$config" out=reference "${keys[@]}" || return 0
    reference=$(digests reference)
    total=$(shards reference)
    same "sets of $recipe" 2 "$(wc -l <<<"$reference")"
    # Shards of the rounds of the first stage, from the table of segments.
    first=$(sed -n 's/.*"kind": "round".*"requests": \([0-9]*\),.*/\1/p' reference/metrics.jsonl |
        awk '{ n += int(($1 + 3) / 4) } END { print n }')
    rm -rf reference
    for n in 1 2 4; do
        must $n generate "$config" out=ranks "${keys[@]}" generate.slots=$((3 * n)) \
            scripted.shuffle=$((7 * n)) && same "digests of $recipe on $n ranks" "$reference" "$(digests ranks)"
        rm -rf ranks
    done
    # In the middle of each stage, and at any moment; the layout changes from start to start.
    at=0
    for when in "$(moment)" $((first / 2)) "$(moment)" $(((first + total) / 2)) "$(moment)"; do
        if killed $((1 + at % 2)) $when kills "${keys[@]}" scripted.slow_ms=3 generate.slots=4; then
            [ "${when#*.}" != $when ] || stages=$((stages + 1))
        fi
        checks=$((checks + 1))
        [ ! -e kills/attempt-0001 ] || $alone "$program" verify kills >verify.log 2>&1 ||
            failed "verify of $recipe after a kill at $when" "exit code 0" "$(tail -n 2 verify.log)"
        at=$((at + 1))
    done
    must 2 generate "$config" out=kills "${keys[@]}" &&
        same "digests of $recipe after kills" "$reference" "$(digests kills)"
    same "files that attempts of $recipe left behind" "" "$(find kills -name '*.part-*')"
    rm -rf kills
}
stages=0

for seed in 1 2 3; do
    for recipe in self-instruct alpaca evol-instruct; do
        config=$source/configs/$recipe-tiny.json
        histogram $recipe "$config" seed=$seed scripted.seed=$seed
        histogram $recipe "$config" seed=$seed scripted.seed=$seed "${faults[@]}"
    done
done
for recipe in self-instruct alpaca; do # as published, and more rounds than the configs have
    histogram $recipe "$source/configs/$recipe-tiny.json" loop.recipe=recipes/$recipe-published.json \
        loop.until=1000 loop.rounds=3 "${faults[@]}"
done
bits self-instruct loop.count=12
bits alpaca loop.count=12
bits evol-instruct
echo "$numbers numbers of histograms compared; $stages jobs killed in the middle of a stage"
[ "$numbers" -gt 100 ] || failed "numbers of histograms that were compared" "more than 100" "$numbers"
[ "$stages" -gt 0 ] || failed "jobs that were killed in the middle of a stage" "one or more" 0
finish
