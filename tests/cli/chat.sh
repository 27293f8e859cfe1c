#!/bin/bash
# chat.sh PROGRAM SOURCE: `tandem chat` through a pipe and on a terminal, `tandem sample --chat`.
set -eu
. "$2/tests/whole/common.sh"
need python3
assets=$(realpath "${TANDEM_ASSETS:-$source/../shared/assets}" 2>/dev/null) || assets=none
[ -d "$assets/models/stories260K-hf" ] || { echo "$name: skipped: no stories260K here"; exit 77; }

export PYTHONDONTWRITEBYTECODE=1
checks=$((checks + 1))
# shellcheck disable=SC2086
$alone python3 "$source/tests/cli/chat.py" "$program" "$assets" ||
    failed "chat.py" "every check to hold" "what stands above"
finish
