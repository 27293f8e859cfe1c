#!/bin/bash
# peft.sh PROGRAM SOURCE: folders of PEFT are read with its logits, and written with all their bits so
# that PEFT reads them.  Skipped without torch, transformers and peft.
#
# TANDEM_PYTHON: the interpreter that has them [python3].
set -eu
. "$2/tests/whole/common.sh"
python=${TANDEM_PYTHON:-python3}
need "$python"
goldens=${TANDEM_GOLDENS:-$source/../shared/goldens}
[ -d "$goldens" ] || { echo "peft: skipped: no folder $goldens"; exit 77; }
export HF_HUB_OFFLINE=1
code=0
"$python" "$source/tests/oracle/peft_folders.py" make "$goldens" cases >made.log 2>&1 || code=$?
[ "$code" != 77 ] || { echo "peft: $(tail -n 1 made.log)"; exit 77; }
[ "$code" = 0 ] || { failed "making adapters" "exit code 0" "$(tail -n 3 made.log)"; finish; }

cases=0
for folder in cases/*; do
    base=$(cat "$folder/base")
    must 1 score --model "$folder/theirs" --ids "$folder/ids.json" --out "$folder/theirs.h5" --logits
    must 1 export --model "$folder/theirs" --to adapter --out "$folder/ours"
    must 1 score --model "$folder/ours@$base" --ids "$folder/ids.json" --out "$folder/ours.h5" --logits
    cases=$((cases + 1))
done
[ "$cases" -gt 0 ] || failed "adapters to compare" "one or more" 0
checks=$((checks + 1))
said=$("$python" "$source/tests/oracle/peft_folders.py" compare cases 2>compare.log) ||
    failed "adapters against PEFT" "the same" "$said $(tail -n 3 compare.log)"
echo "$said"
finish
