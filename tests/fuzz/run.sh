#!/bin/sh
# run.sh [SECONDS [TARGET ...]]: lets each program of this folder (or those named) look for inputs
# that break a reader, for so long (60 s), with libFuzzer and the sanitizers for addresses and
# undefined behaviour.
#
# Needs clang with libFuzzer (Debian: clang and libclang-rt-dev); without it: exit code 77.  The
# build, and inputs that reached something new, stay in $FUZZ_BUILD (build-fuzzer beside the
# sources): the next run goes on from there.  Inputs that broke something stay there too, and are
# named; exit code 1.  Too much are 2 GiB of memory and, for one input, $FUZZ_TIMEOUT (25) seconds.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${FUZZ_BUILD:-$root/build-fuzzer}
seconds=${1:-60}
[ $# = 0 ] || shift
[ $# != 0 ] || set -- safetensors gguf llama2c tokenizer_json tokenizer_model tokenizer_text \
    template json config records http

mkdir -p "$build"
build=$(cd "$build" && pwd)
echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d == (char *)n; }' >"$build/try.c"
if ! clang -fsanitize=fuzzer,address "$build/try.c" -o "$build/try" 2>"$build/try.log"; then
    echo "run.sh: skipped: no clang with libFuzzer here (Debian: clang and libclang-rt-dev)"
    exit 77
fi

targets=""
for name in "$@"; do
    targets="$targets fuzz_$name"
done
[ -e "$build/CMakeCache.txt" ] || ! command -v ninja >/dev/null 2>&1 || CMAKE_GENERATOR=Ninja
[ -z "${CMAKE_GENERATOR:-}" ] || export CMAKE_GENERATOR
if ! { cmake -S "$root" -B "$build" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=None \
        -DCMAKE_C_FLAGS="-O1 -g1" -DBUILD_TESTING=ON -DTD_FUZZ=ON &&
    # shellcheck disable=SC2086
    cmake --build "$build" -j "$(nproc)" --target $targets; } >"$build/build.log" 2>&1; then
    tail -n 20 "$build/build.log"
    echo "run.sh: the build failed (above: the end of $build/build.log)"
    exit 1
fi

FUZZ_ROOM=$(mktemp -d /dev/shm/td-fuzz.XXXXXX 2>/dev/null || mktemp -d)
export FUZZ_ROOM OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
trap 'rm -rf "$FUZZ_ROOM"' EXIT
trap 'exit 130' INT TERM

broken=0
for name in "$@"; do
    mkdir -p "$build/found/$name" "$build/broke/$name"
    words=$here/words/${name%%_*}.dict
    [ -e "$words" ] && words="-dict=$words" || words=""
    code=0
    # shellcheck disable=SC2086
    "$build/tests/fuzz_$name" -max_total_time="$seconds" -timeout="${FUZZ_TIMEOUT:-25}" \
        -rss_limit_mb=2048 -malloc_limit_mb=1024 -print_final_stats=1 -max_len=16384 $words \
        -artifact_prefix="$build/broke/$name/" "$build/found/$name" "$here/corpus/$name" \
        >"$build/$name.log" 2>&1 || code=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")
    cover=$(sed -n 's/^#[0-9].* cov: \([0-9]*\) ft: \([0-9]*\) .*/\1 edges, \2 features/p' \
        "$build/$name.log" | tail -n 1)
    echo "$name: ${runs:-no} inputs, ${cover:-no coverage}, exit code $code"
    if [ "$code" != 0 ] || [ "${runs:-0}" = 0 ]; then
        broken=$((broken + 1))
        grep -E 'broken promise|ERROR|runtime error|SUMMARY|Test unit' "$build/$name.log" || true
    fi
done
[ "$broken" = 0 ] || echo "run.sh: $broken targets broke something: see the logs in $build"
[ "$broken" = 0 ]
