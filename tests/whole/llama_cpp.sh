#!/bin/bash
# llama_cpp.sh PROGRAM SOURCE: GGUF files that the program writes are opened by llama.cpp, which finds
# the same most likely tokens and the same ids of texts.  Skipped where llama_cpp cannot be imported;
# TANDEM_PYTHON names the interpreter that can (standard: python3).
set -eu
. "$2/tests/whole/common.sh"
python=${TANDEM_PYTHON:-python3}
need "$python"
"$python" "$source/tests/oracle/llamacpp.py" --probe || { echo "$name: skipped"; exit 77; }

assets=${TANDEM_ASSETS:-$source/../shared/assets}
[ -d "$assets/models" ] || echo "$name: no assets here: models of random numbers alone"
code=0
timeout 280 $alone "$python" "$source/tests/oracle/llamacpp.py" "$program" "$assets" >oracle.log 2>&1 ||
    code=$?
cat oracle.log
same "what llama.cpp says ($(tail -n 1 oracle.log))" 0 "$code"
finish
