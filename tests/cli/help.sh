#!/bin/sh
# help.sh TANDEM SOURCES: every command has a help text with usage, options and examples.
set -eu
tandem=$1
. "$2/jobs/environment.sh"
export OMP_NUM_THREADS=1
bad=0

overview=$("$tandem" --help)
for command in run generate train eval sample chat score inspect verify replay plan steps bench report serve \
    export import tokenizer template; do
    echo "$overview" | grep -q "^  $command " || { echo "--help does not list $command"; bad=1; }
    text=$("$tandem" "$command" --help)
    for word in "usage: tandem $command" "options:" "examples:"; do
        echo "$text" | grep -q -- "$word" || { echo "$command --help lacks '$word'"; bad=1; }
    done
done
for kind in draw generate parse verify when keep select mark emit; do
    "$tandem" steps "$kind" | grep -q "$kind" || { echo "steps lacks $kind"; bad=1; }
done
"$tandem" steps --schema | python3 -m json.tool >/dev/null || { echo "the schema is not JSON"; bad=1; }
"$tandem" steps --config-schema | python3 -m json.tool >/dev/null ||
    { echo "the config schema is not JSON"; bad=1; }
exit $bad
