#!/bin/bash
# stop.sh PROGRAM SOURCE: asked to stop, by whatever way, a run leaves within 10 s with exit code 85
# and one line; the same command goes on and ends with the same bits.
set -eu
. "$2/tests/whole/common.sh"
need mpirun

must 1 run "$tiny" out=whole
reference=$(digests whole)

start() { # start RUN RANKS ARGUMENTS: in the background; $job gets the signals
    run=$1
    local n=$2
    shift 2
    : >job.log
    if [ "$n" = 1 ]; then
        "$program" "$@" "out=$run" >job.log 2>&1 &
    else
        mpirun -n "$n" --bind-to none "$program" "$@" "out=$run" >job.log 2>&1 &
    fi
    job=$!
}

wait_for_lines() { # of metrics, and the attempt has to be greeted: from then on it listens
    local tries=0
    while [ $tries -lt 3000 ] && kill -0 "$job" 2>/dev/null; do
        if grep -q "run directory" job.log &&
            [ "$(cat "$run/metrics.jsonl" 2>/dev/null | wc -l)" -ge "$1" ]; then
            return 0
        fi
        tries=$((tries + 1))
        sleep 0.01
    done
    failed "$what: the job before it is asked" "$1 lines of metrics" "$(tail -n 2 job.log)"
}

now() { date +%s%N; }

stopped() { # waits for $job; it has to end with 85 soon, and say so in one line
    local code=0 from=$1 ms
    wait "$job" || code=$?
    ms=$((($(now) - from) / 1000000))
    same "$what: exit code ($(tail -n 2 job.log))" 85 "$code"
    same "$what: lines of the program's own" 1 "$(grep -c '^tandem: ' job.log || true)"
    checks=$((checks + 1))
    [ "$ms" -lt 10000 ] || failed "$what: time until it had left" "less than 10 s" "$ms ms"
    slowest=$((ms > ${slowest:-0} ? ms : slowest))
    "$program" verify "$run" >verify.log 2>&1 || failed "$what: verify" "exit code 0" "$(cat verify.log)"
}

goes_on() { # goes_on RANKS: the same command ends the campaign, with the bits of the whole one
    local code=0
    start "$run" "$1" run "$tiny"
    wait "$job" || code=$?
    same "$what: exit code of the same command again ($(tail -n 2 job.log))" 0 "$code"
    same "$what: digests" "$reference" "$(digests "$run")"
    rm -rf "$run"
}

what="USR1 to mpirun, while generating"
start usr1 2 run "$tiny"
wait_for_lines 0
kill -USR1 "$job"
stopped "$(now)"
what="USR1 to mpirun, while training"
start usr1 2 run "$tiny"
wait_for_lines 40
kill -USR1 "$job"
stopped "$(now)"
what="USR1 to mpirun, in a later iteration"
start usr1 2 run "$tiny"
wait_for_lines 150
sleep 0.2
kill -USR1 "$job"
stopped "$(now)"
goes_on 2

what="TERM to a program that is alone"
start term 1 run "$tiny"
wait_for_lines 60
kill -TERM "$job"
stopped "$(now)"
goes_on 1

what="INT to a program that is alone, on 1 rank and then on 2"
start int 1 run "$tiny"
wait_for_lines 139
kill -INT "$job"
stopped "$(now)"
goes_on 2

what="--max-time of 1 s"
start time 2 run "$tiny" --max-time 1s
from=$(now)
stopped "$from"
rounds=1
while start time 2 run "$tiny" --max-time 1s && code=0 && { wait "$job" || code=$?; } &&
    [ "$code" = 85 ] && [ "$rounds" -lt 30 ]; do
    rounds=$((rounds + 1))
done
same "--max-time of 1 s, again and again ($rounds times): last exit code" 0 "$code"
same "--max-time of 1 s: digests" "$reference" "$(digests time)"
rm -rf time

what="a file STOP"
start file 2 run "$tiny"
wait_for_lines 30
touch file/STOP
stopped "$(now)"
goes_on 2

what="TERM to the two jobs of a campaign, each of which waits for the other"
start pair 1 train "$tiny" --follow
wait_for_lines 0 # it waits for examples 0
sleep 0.3
kill -TERM "$job"
stopped "$(now)"
start pair 1 generate "$tiny"
wait_for_lines 1 # it waits for weights 0
sleep 0.3
kill -TERM "$job"
stopped "$(now)"
goes_on 1

# A second signal does not wait for anything.
what="a second TERM"
start second 1 run "$tiny"
wait_for_lines 20
kill -STOP "$job" # so that both are there before the first is acted upon
kill -TERM "$job"
kill -USR1 "$job"
from=$(now)
kill -CONT "$job"
code=0
wait "$job" || code=$?
ms=$((($(now) - from) / 1000000))
checks=$((checks + 1))
case $code in 138 | 143) ;; *) failed "$what: exit code" "138 or 143" "$code" ;; esac
[ "$ms" -lt 1000 ] || failed "$what: time until it had left" "less than 1 s" "$ms ms"
goes_on 1

what="TERM at any moment of the start"
for delay in 0.02 0.1 0.2 0.4 0.7; do
    start early 1 run "$tiny"
    sleep $delay
    kill -TERM "$job" 2>/dev/null || true
    code=0
    wait "$job" || code=$?
    checks=$((checks + 1))
    case $code in 0 | 85 | 143) ;; *) failed "$what, $delay s" "85 or 143" "$code: $(tail -n 2 job.log)" ;; esac
done
goes_on 1
echo "slowest stop: $slowest ms"
finish
