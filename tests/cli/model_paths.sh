#!/bin/bash
# model_paths.sh PROGRAM SOURCE: sample, score, chat and serve take a model in every form there is,
# and say the same of one model in all of them.
set -eu
. "$2/tests/whole/common.sh"
need python3 curl
assets=$(realpath "${TANDEM_ASSETS:-$source/../shared/assets}" 2>/dev/null) || assets=none
goldens=$(realpath "${TANDEM_GOLDENS:-$source/../shared/goldens}" 2>/dev/null) || goldens=none
models=$assets/models
[ -d "$models/stories260K-hf" ] || { echo "$name: skipped: no stories260K here"; exit 77; }

export PYTHONDONTWRITEBYTECODE=1
# shellcheck disable=SC2086
tandem() { timeout -k 5 120 $alone "$program" "$@" 2>log; }

# One model in six forms: a folder, the same in shards, GGUF, llama2.c, and two of our own.
python3 - "$models/stories260K-hf" sharded <<'P'
import json, os, shutil, struct, sys
source, to = sys.argv[1:]
shutil.copytree(source, to)
path = os.path.join(to, "model.safetensors")
data = open(path, "rb").read()
os.remove(path)
size = struct.unpack("<Q", data[:8])[0]
head, body = json.loads(data[8:8 + size]), data[8 + size:]
head.pop("__metadata__", None)
names, where = sorted(head), {}
for part, mine in enumerate((names[::2], names[1::2])):
    file = "model-%05d-of-00002.safetensors" % (part + 1)
    out, table = b"", {}
    for n in mine:
        begin, end = head[n]["data_offsets"]
        table[n] = dict(head[n], data_offsets=[len(out), len(out) + end - begin])
        out += body[begin:end]
        where[n] = file
    text = json.dumps(table).encode()
    open(os.path.join(to, file), "wb").write(struct.pack("<Q", len(text)) + text + out)
json.dump({"metadata": {}, "weight_map": where},
          open(os.path.join(to, "model.safetensors.index.json"), "w"))
P
checks=$((checks + 1))
tandem import --model "$models/stories260K-hf" --out run >/dev/null || failed "import" 0 "$(cat log)"
own=$(echo run/weights/v*.h5)
forms="$models/stories260K-hf sharded $models/stories260K/stories260Ktok512.gguf
    $models/stories260K/stories260K.bin run $own"

# And under an adapter of others that changes nothing: its base is found, or given.
python3 - "$models/stories260K-hf" <<'P'
import json, os, struct, sys
width = json.load(open(os.path.join(sys.argv[1], "config.json")))["hidden_size"]
for folder, base in ("adapter", os.path.realpath(sys.argv[1])), ("orphan", "somebody/model"):
    os.mkdir(folder)
    json.dump({"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base, "r": 2,
               "lora_alpha": 4, "target_modules": ["q_proj"], "layers_to_transform": [0]},
              open(folder + "/adapter_config.json", "w"))
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_%s.weight"
    half = 8 * width
    table = {name % "A": {"dtype": "F32", "shape": [2, width], "data_offsets": [0, half]},
             name % "B": {"dtype": "F32", "shape": [width, 2], "data_offsets": [half, 2 * half]}}
    text = json.dumps(table).encode()
    with open(folder + "/adapter_model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + struct.pack("<%df" % (2 * width), *[0.5] * (2 * width))
                + b"\0" * half)
P
forms="$forms adapter orphan@$models/stories260K-hf"

# The same text, conversation and log-probabilities.
echo '[[1, 403, 407, 261, 378, 432, 317]]' >ids.json
cat >talk.json <<'P'
{"messages": [{"role": "user", "content": "Once upon a time"}], "temperature": 0, "max_tokens": 20}
P
echo '["Once upon a time"]' >texts.json
text= said=
for form in $forms; do
    tandem tokenizer encode --tokenizer "$form" --in texts.json --out tokens.json ||
        failed "tokenizer $form" 0 "$(cat log)"
    same "$form: tokenizer" "[403,407,261,378]" "$(sed -n 2p tokens.json)"
    code=0
    tandem template "model=$form" --check >/dev/null || code=$?
    same "$form: no chat template" "65 1" "$code $(grep -c 'chat.template' log)"
    got=$(tandem sample "model=$form" --prompt "Once upon a time" --max-tokens 20) || failed "sample $form" 0 "$(cat log)"
    same "$form: sample" "${text:=$got}" "$got"
    got=$(echo "Once upon a time" | tandem chat "model=$form" temperature=0 max-tokens=20) ||
        failed "chat $form" 0 "$(cat log)"
    same "$form: chat" "${said:=$got}" "$got"
    same "$form: chat tells its form" 1 "$(grep -c '^form: lines' log)"
    rm -f scores.h5
    tandem score "model=$form" --ids ids.json --out scores.h5 || failed "score $form" 0 "$(cat log)"
    same "$form: score" "" "$(python3 - "$source" <<'P'
import os, struct, sys
sys.path.insert(0, os.path.join(sys.argv[1], "tests/whole"))
from replay_score import read
got = read("scores.h5", "/logprobs", "f")
if not os.path.exists("want"):
    open("want", "wb").write(struct.pack("<%df" % len(got), *got))
want = struct.unpack("<%df" % len(got), open("want", "rb").read())
worst = max(abs(a - b) for a, b in zip(got, want))
if len(got) != 7 or not worst < 1e-4 or sum(got) > -1:
    print(len(got), worst, got)
P
)"
    rm -f port
    # shellcheck disable=SC2086
    $alone "$program" serve "model=$form" --port 0 --port-file port --threads 1 --slots 2 >serve.log 2>&1 &
    server=$!
    for _ in $(seq 200); do [ -e port ] || sleep 0.05; done
    got=$(curl -s --max-time 60 "http://127.0.0.1:$(cat port)/v1/chat/completions" -d @talk.json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["choices"][0]["message"]["content"].strip())')
    same "$form: serve" "$said" "$got"
    kill "$server" && wait "$server" || failed "serve $form" "exit code 0" "$(cat serve.log)"
done
same "they say something" 1 "$((${#text} > 20 && ${#said} > 20))"

# A model without a tokenizer is scored and continued by ids, and says so where texts are asked for.
bare=$goldens/llama-gqa-untied-sharded
if [ -e "$bare/config.json" ]; then
    echo '[[1, 2, 3]]' >ids.json
    for what in "sample --out new.json" "score --out bare.h5"; do
        code=0
        # shellcheck disable=SC2086
        tandem $what "model=$bare" --ids ids.json >/dev/null || code=$?
        same "$what without a tokenizer" 0 "$code"
    done
    for what in "sample --prompt x" "chat"; do
        code=0
        # shellcheck disable=SC2086
        tandem $what "model=$bare" </dev/null >/dev/null || code=$?
        same "$what needs a tokenizer" "65 1" "$code $(grep -c 'brings no tokenizer' log)"
    done
fi
finish
