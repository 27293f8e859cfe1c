#!/bin/bash
# instruct_replay.sh PROGRAM SOURCE: what the three instruction recipes make has the same bits from 1 and 3 ranks and from 2 in
# turns, and every record of it, of any round and stage, can be made again.
set -eu
. "$2/tests/whole/common.sh"
need mpirun

short="base.steps=2 loop.steps=2 iterations=2"
for run in alpaca self-instruct evol-instruct; do
    config=$source/configs/$run-tiny.json
    # shellcheck disable=SC2086
    must 1 run "$config" "out=$run" $short
    reference=$(digests "$run")
    same "published sets of $run" 6 "$(cut -d' ' -f3 <<<"$reference" | sort -u | wc -l)"
    for how in 3 "2 ranks.mode=alternate"; do
        # shellcheck disable=SC2086
        must ${how%% *} run "$config" out=other $short $([ "${how#* }" = "$how" ] || echo "${how#* }") &&
            same "digests of $run, $how ranks" "$reference" "$(digests other)"
        rm -rf other
    done
    must 2 replay "$run" --random 60
    same "records of $run made again" "60 replayed, 60 identical" "$(grep replayed ranks.log)"
done
finish
