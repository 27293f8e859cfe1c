#!/usr/bin/env python3
"""bad_models.py FOLDER: a good tiny model as a Hugging Face folder, a GGUF file and a file of
llama2.c, and beside each of them one copy per fault, named after the fault.  Standard library only."""
import json
import os
import random
import shutil
import struct
import sys

root = sys.argv[1]
D, F, L, H, G, T = 16, 24, 2, 4, 2, 64
SPECIAL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]
CHAT = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


# ---- a tokenizer: the bytes, a few merges, four special tokens

def byte_characters():
    """GPT-2's characters for bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    more = iter(range(256, 512))
    return [chr(b) if b in plain else chr(next(more)) for b in range(256)]


def tokenizer():
    vocab = {c: i for i, c in enumerate(byte_characters())}
    merges = [["t", "h"], ["th", "e"], ["Ġ", "the"], ["i", "n"], ["e", "r"]]
    for a, b in merges:
        vocab[a + b] = len(vocab)
    added = [{"id": len(vocab) + i, "content": s, "single_word": False, "lstrip": False,
              "rstrip": False, "normalized": False, "special": True} for i, s in enumerate(SPECIAL)]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": None, "pre_tokenizer": level, "post_processor": None, "decoder": level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None,
                      "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "vocab": vocab, "merges": merges}}


V = len(tokenizer()["model"]["vocab"]) + len(SPECIAL)


# ---- the model

def config():
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": V,
            "hidden_size": D, "intermediate_size": F, "num_hidden_layers": L,
            "num_attention_heads": H, "num_key_value_heads": G, "max_position_embeddings": T,
            "rms_norm_eps": 1e-5, "rope_theta": 1e4, "rope_scaling": None, "hidden_act": "silu",
            "tie_word_embeddings": False, "bos_token_id": V - 4, "eos_token_id": V - 3,
            "torch_dtype": "float32"}


def shapes():
    kv = D // H * G
    yield "model.embed_tokens.weight", [V, D]
    for i in range(L):
        at = f"model.layers.{i}."
        yield at + "input_layernorm.weight", [D]
        for name, rows, columns in (("q", D, D), ("k", kv, D), ("v", kv, D), ("o", D, D)):
            yield f"{at}self_attn.{name}_proj.weight", [rows, columns]
        yield at + "post_attention_layernorm.weight", [D]
        for name, rows, columns in (("gate", F, D), ("up", F, D), ("down", D, F)):
            yield f"{at}mlp.{name}_proj.weight", [rows, columns]
    yield "model.norm.weight", [D]
    yield "lm_head.weight", [V, D]


def product(shape):
    n = 1
    for size in shape:
        n *= size
    return n


random.seed(1)
TENSORS = {name: {"dtype": "F32", "shape": shape,
                  "data": struct.pack(f"<{product(shape)}f", *(
                      1.0 if len(shape) == 1 else random.gauss(0, 0.1)
                      for _ in range(product(shape))))}
           for name, shape in shapes()}


def header_of(tensors):
    at, header = 0, {}
    for name, t in tensors.items():
        header[name] = {"dtype": t["dtype"], "shape": t["shape"],
                        "data_offsets": [at, at + len(t["data"])]}
        at += len(t["data"])
    return header


def put(path, data):
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def safetensors(path, tensors, header=None):
    """`header`: an object, or the text to stand there."""
    header = header_of(tensors) if header is None else header
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    put(path, struct.pack("<Q", len(text)) + text + b"".join(t["data"] for t in tensors.values()))


def write_json(folder, name, value):
    put(os.path.join(folder, name), json.dumps(value, ensure_ascii=False))


def settings():
    return {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>",
            "chat_template": CHAT}


def folder(name):
    """A good model, to be spoilt."""
    at = os.path.join(root, name)
    os.makedirs(at)
    write_json(at, "config.json", config())
    write_json(at, "generation_config.json", {"bos_token_id": V - 4, "eos_token_id": V - 3})
    write_json(at, "tokenizer.json", tokenizer())
    write_json(at, "tokenizer_config.json", settings())
    safetensors(os.path.join(at, "model.safetensors"), TENSORS)
    return at


def weights(name, change, header=None):
    """change(tensors) spoils them; header(header, tensors) returns another header."""
    at = folder(name)
    tensors = {n: dict(t) for n, t in TENSORS.items()}
    change(tensors)
    text = None if header is None else header(header_of(tensors), tensors)
    safetensors(os.path.join(at, "model.safetensors"), tensors, text)


def configured(name, drop=(), **keys):
    at = folder(name)
    value = {k: v for k, v in config().items() if k not in drop}
    value.update(keys)
    write_json(at, "config.json", value)
    return at


def tokenized(name, change):
    at = folder(name)
    value = tokenizer()
    write_json(at, "tokenizer.json", change(value) or value)
    return at


def chatting(name, template, **keys):
    at = folder(name)
    write_json(at, "tokenizer_config.json", {**settings(), "chat_template": template, **keys})
    return at


def instead(name, data, file="model.safetensors"):
    at = folder(name)
    put(os.path.join(at, file), data)
    return at


def nothing(_):
    pass


folder("good")

# ---- files of weights

def sharded(name):
    at = folder(name)
    os.remove(os.path.join(at, "model.safetensors"))
    names = list(TENSORS)
    parts = {"model-00001-of-00002.safetensors": names[:9],
             "model-00002-of-00002.safetensors": names[9:]}
    for file, part in parts.items():
        safetensors(os.path.join(at, file), {n: TENSORS[n] for n in part})
    return at, {n: file for file, part in parts.items() for n in part}


def index(at, table):
    write_json(at, "model.safetensors.index.json",
               {"metadata": {"total_size": 1}, "weight_map": table})


at, table = sharded("sharded")
index(at, table)
at, table = sharded("shard-missing")
index(at, table)
os.remove(os.path.join(at, "model-00002-of-00002.safetensors"))
at, table = sharded("shard-unnamed")
table["lm_head.weight"] = "model-00003-of-00003.safetensors"
index(at, table)
at, table = sharded("shard-elsewhere")
table["lm_head.weight"] = "model-00001-of-00002.safetensors"
index(at, table)
at, table = sharded("shard-outside")
table["lm_head.weight"] = "../good/model.safetensors"
index(at, table)
at, table = sharded("index-missing")
at, table = sharded("index-broken")
put(os.path.join(at, "model.safetensors.index.json"), '{"weight_map": {"a"')

one = "model.layers.1.mlp.down_proj.weight"
weights("tensor-missing", lambda t: t.pop(one))
weights("tensor-left", lambda t: t.update({"model.layers.2.mlp.down_proj.weight": dict(t[one])}))
weights("tensor-foreign", lambda t: t.update({"model.layers.0.self_attn.q_proj.qweight":
                                              dict(t[one])}))
weights("tensor-i64", lambda t: t[one].update(dtype="I64", data=t[one]["data"] * 2))
weights("tensor-f8", lambda t: t[one].update(dtype="F8_E4M3", data=t[one]["data"][:D * F]))
weights("tensor-turned", lambda t: t[one].update(shape=[F, D]))
weights("tensor-shape", lambda t: t["model.embed_tokens.weight"].update(
    shape=[V - 1, D], data=t["model.embed_tokens.weight"]["data"][4 * D:]))
weights("tensor-nan", lambda t: t[one].update(
    data=t[one]["data"][:40] + struct.pack("<f", float("nan")) + t[one]["data"][44:]))
weights("tensor-inf", lambda t: t[one].update(
    data=struct.pack("<f", float("inf")) + t[one]["data"][4:]))


def shift(by):
    def change(header, _):
        a, b = header[one]["data_offsets"]
        header[one]["data_offsets"] = [a + by, b + by]
        return header
    return change


weights("offsets-overlap", nothing, shift(-8))
weights("offsets-outside", nothing, shift(1 << 30))
weights("offsets-shape", nothing, lambda h, _: h[one].update(shape=[D, F + 1]) or h)
weights("tensor-twice", nothing, lambda h, _: json.dumps(h).replace(
    "model.norm.weight", "lm_head.weight").encode())
weights("header-no-json", nothing, lambda h, _: b"[" + json.dumps(h).encode()[1:])
weights("header-broken", nothing, lambda h, _: json.dumps(h).encode()[:-20])
at = folder("header-long")
whole = open(os.path.join(at, "model.safetensors"), "rb").read()
put(os.path.join(at, "model.safetensors"), struct.pack("<Q", 1 << 60) + whole[8:])
instead("file-cut", whole[:-1000])
instead("file-cut-early", whole[:500])
instead("file-empty", b"")
instead("file-lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 +
        "\nsize 269060552\n")
instead("file-h5", b"\x89HDF\r\n\x1a\n" + bytes(500))
instead("file-zip", b"PK\3\4" + bytes(500))
instead("file-pickle", b"\x80\x02}q\x00" + bytes(500))
instead("file-gguf", b"GGUF" + bytes(500))
instead("file-html", "<!DOCTYPE html>\n<html><body>Access to this model is restricted</body></html>")
at = folder("only-pytorch")
os.remove(os.path.join(at, "model.safetensors"))
put(os.path.join(at, "pytorch_model.bin"), b"PK\3\4" + bytes(100))
at = folder("no-weights")
os.remove(os.path.join(at, "model.safetensors"))

# ---- config.json

instead("config-broken", '{"model_type": "llama",', "config.json")
instead("config-list", "[1, 2]", "config.json")
instead("config-lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 +
        "\nsize 600\n", "config.json")
at = folder("config-missing")
os.remove(os.path.join(at, "config.json"))
os.makedirs(os.path.join(root, "empty"))
configured("type-unknown", model_type="mamba")
configured("type-missing", drop=["model_type"])
configured("type-moe", model_type="mixtral", num_local_experts=8, num_experts_per_tok=2)
configured("type-moe-qwen", model_type="qwen2_moe", num_experts=8, num_experts_per_tok=2)
configured("activation-unknown", hidden_act="relu2")
configured("quantized-awq", quantization_config={"quant_method": "awq", "bits": 4})
configured("quantized-gptq", quantization_config={"quant_method": "gptq", "bits": 4})
configured("rope-unknown", rope_scaling={"rope_type": "longrope", "factor": 4.0})
configured("rope-no-factor", rope_scaling={"rope_type": "linear"})
configured("heads", num_attention_heads=3, num_key_value_heads=1)
configured("groups", num_key_value_heads=3)
configured("size-absurd", hidden_size=1000000000)
configured("size-large", hidden_size=65536, intermediate_size=1 << 20, num_hidden_layers=1024,
           num_attention_heads=64, num_key_value_heads=64)
configured("size-negative", hidden_size=-16)
configured("size-text", hidden_size="16")
configured("size-missing", drop=["hidden_size"])
configured("layers-more", num_hidden_layers=3)
configured("layers-fewer", num_hidden_layers=1)
configured("tied-wrongly", tie_word_embeddings=True)
at = folder("untied-without-head")
safetensors(os.path.join(at, "model.safetensors"),
            {n: t for n, t in TENSORS.items() if n != "lm_head.weight"})
configured("bos-beyond", bos_token_id=V + 7)
configured("eos-beyond", eos_token_id=[V - 3, V + 8])
configured("pad-beyond", pad_token_id=V)
at = configured("eos-beyond-alone", eos_token_id=V + 8)
write_json(at, "tokenizer_config.json", {"bos_token": "<s>"})
os.remove(os.path.join(at, "generation_config.json"))
at = folder("generation-eos-beyond")
write_json(at, "generation_config.json", {"bos_token_id": V - 4, "eos_token_id": [V - 3, V + 9]})
at = os.path.join(root, "adapter")
os.makedirs(at)
write_json(at, "adapter_config.json", {"peft_type": "LORA", "r": 4, "lora_alpha": 8,
                                       "base_model_name_or_path": "some/base",
                                       "target_modules": ["q_proj"]})
safetensors(os.path.join(at, "adapter_model.safetensors"), {})

# ---- the tokenizer

def add_token(id):
    def change(value):
        value["added_tokens"].append({**value["added_tokens"][-1], "id": id, "content": "<more>"})
    return change


def vocabulary(extra):
    def change(value):
        for i in range(extra):
            value["model"]["vocab"][f"word{i}"] = V + i
    return change


at = folder("no-tokenizer")
os.remove(os.path.join(at, "tokenizer.json"))
tokenized("tokens-more", vocabulary(6))
tokenized("added-beyond", add_token(V + 3))
tokenized("tokens-fewer", lambda v: v["added_tokens"].pop() and None)
instead("tokenizer-broken", '{"version": "1.0", "model": {', "tokenizer.json")
instead("tokenizer-list", "[]", "tokenizer.json")
instead("tokenizer-lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 +
        "\nsize 600\n", "tokenizer.json")
tokenized("tokenizer-wordpiece", lambda v: v["model"].update(type="WordPiece"))
tokenized("tokenizer-no-model", lambda v: v.pop("model") and None)
tokenized("merge-unknown", lambda v: v["model"]["merges"].append(["q", "zz"]))
tokenized("merge-single", lambda v: v["model"]["merges"].append("alone"))
tokenized("id-twice", lambda v: v["model"]["vocab"].update(the=3))
tokenized("id-negative", lambda v: v["model"]["vocab"].update({"!": -1}))
tokenized("pre-unknown", lambda v: v.update(pre_tokenizer={"type": "Guess"}))

# ---- the chat template

chatting("chat-no-system", "{% for m in messages %}{% if m.role != 'system' %}<|im_start|>{{ m.role "
         "}}\n{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}{% if add_generation_prompt %}"
         "<|im_start|>assistant\n{% endif %}")
chatting("chat-syntax", "{% for m in messages %}{{ m.content }}")
chatting("chat-raises", "{{ raise_exception('no conversation is good enough') }}")
chatting("chat-bos", "{{ bos_token }}" + CHAT, add_bos_token=True)
chatting("chat-filter", "{{ messages | shuffle }}")
chatting("chat-list", {"template": CHAT})

# ---- GGUF

def gguf_text(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_value(value):
    if isinstance(value, str):
        return struct.pack("<I", 8) + gguf_text(value)
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, list):
        kind = 8 if isinstance(value[0], str) else 5
        body = b"".join(gguf_text(v) if kind == 8 else struct.pack("<i", v) for v in value)
        return struct.pack("<IIQ", 9, kind, len(value)) + body
    return struct.pack("<II", 4, value)


def gguf_meta():
    t = tokenizer()
    tokens = list(t["model"]["vocab"]) + SPECIAL
    return {"general.architecture": "llama", "general.name": "tiny", "llama.embedding_length": D,
            "llama.feed_forward_length": F, "llama.block_count": L,
            "llama.attention.head_count": H, "llama.attention.head_count_kv": G,
            "llama.context_length": T, "llama.attention.layer_norm_rms_epsilon": 1e-5,
            "llama.rope.dimension_count": D // H, "llama.rope.freq_base": 1e4,
            "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2",
            "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.token_type": [1] * (len(tokens) - 4) + [3] * 4,
            "tokenizer.ggml.merges": [" ".join(m) for m in t["model"]["merges"]],
            "tokenizer.ggml.bos_token_id": V - 4, "tokenizer.ggml.eos_token_id": V - 3}


GGUF_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
              "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
              "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
              "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
              "model.layers.": "blk.", "model.embed_tokens": "token_embd",
              "model.norm": "output_norm", "lm_head": "output"}


def gguf_tensors():
    out = {}
    for name, t in TENSORS.items():
        for ours, theirs in GGUF_NAMES.items():
            name = name.replace(ours, theirs)
        out[name] = {"shape": t["shape"], "type": 0, "data": t["data"]}
    return out


def gguf(name, meta=nothing, tensors=nothing, version=3, magic=b"GGUF", counts=None, end=None):
    pairs, table = gguf_meta(), gguf_tensors()
    meta(pairs)
    tensors(table)
    out = magic + struct.pack("<I", version) + struct.pack("<QQ", *(counts or
                                                                    (len(table), len(pairs))))
    for key, value in pairs.items():
        out += gguf_text(key) + (value if isinstance(value, bytes) else gguf_value(value))
    data = b""
    for key, t in table.items():
        out += gguf_text(key) + struct.pack("<I", len(t["shape"]))
        out += b"".join(struct.pack("<Q", n) for n in reversed(t["shape"]))
        out += struct.pack("<IQ", t["type"], len(data))
        data += t["data"] + bytes(-len(t["data"]) % 32)
    out += bytes(-len(out) % 32) + data
    put(os.path.join(root, name + ".gguf"), out[:end])


gguf("good")
gguf("magic", magic=b"GGML")
gguf("version-1", version=1)
gguf("version-4", version=4)
gguf("big-endian", version=3 << 24)
gguf("cut", end=-900)
gguf("cut-in-keys", end=300)
gguf("count-absurd", counts=(1 << 60, 16))
gguf("keys-absurd", counts=(20, 1 << 60))
gguf("text-absurd", meta=lambda m: m.update({"general.name": struct.pack("<IQ", 8, 1 << 62)}))
gguf("array-absurd", meta=lambda m: m.update({"a": struct.pack("<IIQ", 9, 4, 1 << 61)}))
gguf("kind-absurd", meta=lambda m: m.update({"a": struct.pack("<II", 99, 0)}))
gguf("type-q5", tensors=lambda t: t["blk.0.ffn_up.weight"].update(type=13))
gguf("type-unknown", tensors=lambda t: t["blk.0.ffn_up.weight"].update(type=77))
gguf("no-width", meta=lambda m: m.pop("llama.embedding_length"))
gguf("no-architecture", meta=lambda m: m.pop("general.architecture"))
gguf("architecture-unknown", meta=lambda m: m.update({"general.architecture": "mamba"}))
gguf("experts", meta=lambda m: m.update({"llama.expert_count": 8}))
gguf("rope-unknown", meta=lambda m: m.update({"llama.rope.scaling.type": "longrope"}))
rope = {"shape": [2], "type": 0, "data": struct.pack("<2f", 8.0, 1.0)}
gguf("rope-table", tensors=lambda t: t.update({"rope_freqs.weight": rope}))
gguf("rope-twice", meta=lambda m: m.update({"llama.rope.scaling.type": "linear",
                                            "llama.rope.scaling.factor": 2.0}),
     tensors=lambda t: t.update({"rope_freqs.weight": rope}))
gguf("rope-partial", meta=lambda m: m.update({"llama.rope.dimension_count": 2}))
gguf("tensor-missing", tensors=lambda t: t.pop("blk.1.ffn_up.weight"))
gguf("tensor-left", tensors=lambda t: t.update({"blk.2.ffn_up.weight":
                                                dict(t["blk.1.ffn_up.weight"])}))
gguf("tensor-shape", tensors=lambda t: t["blk.1.ffn_up.weight"].update(shape=[D, F]))
gguf("tensor-nan", tensors=lambda t: t["output.weight"].update(
    data=struct.pack("<f", float("nan")) + t["output.weight"]["data"][4:]))
gguf("vocabulary-only", tensors=lambda t: t.clear())
gguf("pre-unknown", meta=lambda m: m.update({"tokenizer.ggml.pre": "guess"}))
gguf("vocabulary-unknown", meta=lambda m: m.update({"tokenizer.ggml.model": "bert"}))
gguf("tokens-more", meta=lambda m: m.update({
    "tokenizer.ggml.tokens": m["tokenizer.ggml.tokens"] + ["aa", "bb"],
    "tokenizer.ggml.token_type": m["tokenizer.ggml.token_type"] + [1, 1]}))
gguf("bos-beyond", meta=lambda m: m.update({"tokenizer.ggml.bos_token_id": V + 7}))
gguf("merge-unknown", meta=lambda m: m.update({"tokenizer.ggml.merges": ["q zz"]}))
put(os.path.join(root, "lfs.gguf"), "version https://git-lfs.github.com/spec/v1\noid sha256:" +
    "0" * 64 + "\nsize 269060552\n")

# ---- llama2.c

head = struct.pack("<7i", D, F, L, H, G, -V, T)
order = ["input_layernorm", "q_proj", "k_proj", "v_proj", "o_proj", "post_attention_layernorm",
         "gate_proj", "down_proj", "up_proj"]
body = TENSORS["model.embed_tokens.weight"]["data"]
for part in order:
    body += b"".join(t["data"] for n, t in TENSORS.items() if part in n)
body += TENSORS["model.norm.weight"]["data"] + bytes(T * (D // H) * 4)
body += TENSORS["lm_head.weight"]["data"]
put(os.path.join(root, "good.bin"), head + body)
put(os.path.join(root, "llama2c-cut.bin"), head + body[:-4])
put(os.path.join(root, "llama2c-version.bin"), struct.pack("<Ii", 0x616b3432, 9) + head + body)
put(os.path.join(root, "llama2c-heads.bin"), struct.pack("<7i", D, F, L, 3, G, -V, T) + body)
put(os.path.join(root, "llama2c-zip.bin"), b"PK\3\4" + bytes(500))
put(os.path.join(root, "llama2c-nan.bin"), head + struct.pack("<f", float("nan")) + body[4:])
put(os.path.join(root, "weights.npz"), b"PK\3\4" + bytes(500))
put(os.path.join(root, "short.h5"), b"\x89HDF\r\n\x1a\n")
put(os.path.join(root, "lfs.safetensors"), "version https://git-lfs.github.com/spec/v1\n")
shutil.copy(os.path.join(root, "good", "model.safetensors"),
            os.path.join(root, "single.safetensors"))
