#!/bin/sh
# build.sh [cmake options]: configures and builds build/, quietly unless something fails.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
log=$root/build/build.log
mkdir -p "$root/build"
if ! { cmake -S "$root" -B "$root/build" -G Ninja "$@" && cmake --build "$root/build"; } \
    >"$log" 2>&1; then
    grep -E 'error|FAILED|CMake Error' -A4 "$log" | head -n 40 >&2
    echo "build.sh: the build failed; all of its output is in build/build.log" >&2
    exit 1
fi
