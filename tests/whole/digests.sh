#!/bin/bash
# digests.sh PROGRAM SOURCE: the same examples and weights, bit for bit, from any number of ranks,
# slots and threads, in either mode, and from two jobs that share a run directory.
set -eu
. "$2/tests/whole/common.sh"
need mpirun

must 1 run "$tiny" out=one
reference=$(digests one)
same "published sets of the campaign" "examples 3, weights 3" \
    "examples $(grep -c ^examples <<<"$reference"), weights $(grep -c ^weights <<<"$reference")"
same "digests that differ from one another" 6 "$(cut -d' ' -f3 <<<"$reference" | sort -u | wc -l)"

campaign() { # campaign NAME RANKS OVERRIDES: its digests are those of one rank
    local out=$1 n=$2
    shift 2
    must "$n" run "$tiny" "out=$out" "$@" && same "digests of $out ($n ranks $*)" \
        "$reference" "$(digests "$out")"
    rm -rf "$out"
}
campaign split-1+1 2
campaign split-2+2 4
campaign split-1+2 3 ranks.generators=1 ranks.trainers=2
campaign alternate-2 2 ranks.mode=alternate
campaign alternate-4 4 ranks.mode=alternate
campaign slots-7 1 generate.slots=7
campaign slots-200 2 generate.slots=200
campaign threads-2 1 ranks.threads=2
campaign checkpoints 1 checkpoint.every_steps=7 checkpoint.keep=1
campaign again 1

# Two jobs on one directory: the trainer starts first and finds nothing yet.
"$program" train "$tiny" out=two --follow >train.log 2>&1 &
trainer=$!
must 2 generate "$tiny" out=two || kill "$trainer" 2>/dev/null
code=0
wait "$trainer" || code=$?
same "exit code of tandem train --follow ($(tail -n 1 train.log))" 0 "$code"
same "digests of two jobs on one run directory" "$reference" "$(digests two)"
rm -rf two

# A pair of jobs one after the other, as at a site that gives one allocation at a time.
code=0
"$program" train "$tiny" out=turns >train.log 2>&1 || code=$?
same "exit code of tandem train with nothing to train on" 0 "$code"
same "digests of a run without examples" "" "$(digests turns)"
rm -rf turns

# With overlap the data is another, but the same on any ranks.
must 1 run "$tiny" out=overlap overlap=1
overlapped=$(digests overlap)
[ "$overlapped" != "$reference" ] || failed "overlap=1" "other digests than overlap=0" "the same"
same "iteration 1 does not depend on overlap" "$(grep ' 1 ' <<<"$reference")" \
    "$(grep ' 1 ' <<<"$overlapped")"
reference=$overlapped
campaign overlap-1+1 2 overlap=1
campaign overlap-2+2 4 overlap=1

# Another seed is another campaign.
must 1 run "$tiny" out=seed seed=2
same "digests that seeds 1 and 2 share" "" \
    "$(comm -12 <(sort <<<"$reference") <(digests seed | sort))"
finish
