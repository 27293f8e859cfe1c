#!/bin/bash
# finetune_peers.sh PROGRAM SOURCE: 50 steps of fine-tuning on two ranks, of the whole model and of an
# adapter, have the losses of the same runs in PyTorch (transformers, PEFT) on the same batches.
# Skipped without these, and without the assets.
#
# TANDEM_PYTHON: the interpreter that has them [python3].  TANDEM_PEER_MODEL: which of the models of
# the assets [stories260K-hf].
set -eu
. "$2/tests/whole/common.sh"
python=${TANDEM_PYTHON:-python3}
need "$python" mpirun
assets=${TANDEM_ASSETS:-$source/../shared/assets}
model=$assets/models/${TANDEM_PEER_MODEL:-stories260K-hf}
data=$assets/datasets/llama-factory-demo/alpaca_en_demo.json
for path in "$model" "$data"; do
    [ -e "$path" ] || { echo "finetune_peers: skipped: no $path"; exit 77; }
done
"$python" -c 'import torch, transformers, peft' 2>import.log || {
    echo "finetune_peers: skipped: $(tail -n 1 import.log)"
    exit 77
}
export HF_HUB_OFFLINE=1
config=("$source/tests/data/finetune.json" "model=$model" "problems.files=[\"$data\"]")
adapter=(lora.rank=8 'lora.targets="all-linear"' base.schedule.lr=2e-3)

must 2 run "${config[@]}" out=full ranks.mode=alternate
must 1 run "${config[@]}" "${adapter[@]}" out=begin base.steps=0
must 1 export --model begin --to adapter --out begin-peft
must 2 run "${config[@]}" "${adapter[@]}" out=lora ranks.mode=alternate

peer() { # peer NAME ARGUMENTS
    checks=$((checks + 1))
    "$python" "$source/tests/oracle/finetune_peers.py" "${@:2}" >peer.log 2>peer.err ||
        failed "$1 against PyTorch" "the same losses" "$(cat peer.log) $(tail -n 3 peer.err)"
    cat peer.log
}
peer "full fine-tuning" "$model" full
peer "an adapter" "$model" lora begin-peft
finish
