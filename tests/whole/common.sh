# common.sh: what the scripts of tests/whole and tests/fault share; sourced by bash.
#
#   set -eu; . "$2/tests/whole/common.sh"       with the script's own arguments PROGRAM SOURCE
#
# Gives $program, $source, $tiny (the config of the tests), an empty working directory, and the
# functions below.  The directory goes when the script succeeds and stays, named, when it fails.

program=$(realpath "$1")
source=$(realpath "$2")
tiny=$source/tests/data/tiny.json
. "$source/jobs/environment.sh"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
failures=0
checks=0

name=$(basename "$0" .sh)
room=$(mktemp -d "$PWD/$name.XXXXXX")
cd "$room"
# What Open MPI leaves of killed jobs goes with the room; sockets need a short path.
TMPDIR=$(mktemp -d /tmp/td.XXXXXX)
segments=$(mktemp -d /dev/shm/td.XXXXXX 2>/dev/null) || segments=$TMPDIR
export TMPDIR OMPI_MCA_btl_vader_backing_directory=$segments
trap leave EXIT
trap 'exit 130' INT TERM

leave() {
    local code=$?
    trap - EXIT
    [ -z "${at_end:-}" ] || $at_end || true
    cd "$room/.."
    rm -rf "$TMPDIR" "$segments"
    if [ "$code" = 0 ] || [ "$code" = 77 ]; then
        rm -rf "$room"
    else
        echo "$name: what was there is in $room"
    fi
    exit "$code"
}

need() { # need COMMAND ...: skips the test where one is missing
    for command in "$@"; do
        command -v "$command" >/dev/null 2>&1 || { echo "$name: skipped: no $command here"; exit 77; }
    done
}

failed() { # failed WHAT EXPECTED FOUND
    failures=$((failures + 1))
    printf '%s: FAILED: %s\n  expected: %s\n  found:    %s\n' "$name" "$1" "$2" "$3"
}

same() { # same WHAT EXPECTED FOUND
    checks=$((checks + 1))
    [ "$2" = "$3" ] || failed "$1" "$2" "$3"
}

finish() { # the last line of a script
    echo "$name: $checks checks, $failures failed, ${SECONDS} s"
    [ "$checks" -gt 0 ] || failures=1
    [ "$failures" = 0 ]
}

# ranks N ARGUMENTS: the program on N ranks, in the foreground; its words go to ranks.log.
ranks() {
    local n=$1 code=0
    shift
    if [ "$n" = 1 ]; then
        timeout -k 5 120 "$program" "$@" >ranks.log 2>&1 || code=$?
    else
        timeout -k 5 120 mpirun -n "$n" --bind-to none "$program" "$@" >ranks.log 2>&1 || code=$?
    fi
    return "$code"
}

# must N ARGUMENTS: the same, and it has to succeed.
must() {
    local code=0
    checks=$((checks + 1))
    ranks "$@" || code=$?
    [ "$code" = 0 ] && return 0
    failed "tandem on $*" "exit code 0" "exit code $code: $(tail -n 3 ranks.log)"
    return 1
}

# In front of a program that runs alone and shortly: MPI starts without its daemon and its networks.
alone="env OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_btl=self OMPI_MCA_pml=ob1"

digests() { $alone "$program" inspect --digest "$1" 2>&1; }

file_sums() { # every file of a folder with its sum, and the empty folders
    [ -e "$1" ] || { echo "nothing"; return 0; }
    find "$1" -type f -exec md5sum {} + | sort -k 2
    find "$1" -type d | sort
}
