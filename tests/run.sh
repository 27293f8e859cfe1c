#!/bin/sh
# run.sh [--build-only] [ctest options]: installs what is missing, builds, runs all tests.
#
# Ends with a line "N passed, N failed, N skipped"; the exit code is 0 if none failed.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. jobs/environment.sh

only_build=0
if [ "${1:-}" = --build-only ]; then
    only_build=1
    shift
fi
sh jobs/install.sh test
sh jobs/build.sh -DBUILD_TESTING=ON
[ "$only_build" = 0 ] || exit 0

log=build/tests.log
# Fast ones first: ctest starts in the order of the lists, costly ones are listed last.
status=0
ctest --test-dir build --output-on-failure --no-tests=error -j "$(nproc)" "$@" >"$log" 2>&1 || status=$?
grep -vE '^ *[0-9]+/[0-9]+ .* Passed|^ +Start |^Internal ctest|^Test project' "$log" || true

passed=$(grep -cE '^ *[0-9]+/[0-9]+ Test .* Passed ' "$log" || true)
skipped=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*\*\*\*(Skipped|Not Run)' "$log" || true)
all=$(grep -cE '^ *[0-9]+/[0-9]+ Test ' "$log" || true)
failed=$((all - passed - skipped))
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
    failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
