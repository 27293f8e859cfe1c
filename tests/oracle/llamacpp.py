#!/usr/bin/env python3
"""llamacpp.py PROGRAM ASSETS: GGUF files that the program writes, opened by llama.cpp (llama_cpp in
Python): the same most likely tokens after 100 tokens of the program's own, and the same ids for
texts.  Works in the current folder.  ASSETS may be missing: then the models that are made here
are all there is.  `llamacpp.py --probe` exits 77 where llama_cpp or numpy is missing."""
import ctypes
import json
import os
import shutil
import struct
import subprocess
import sys

try:
    import llama_cpp
    import numpy
except ImportError as e:
    print(f"no {e.name} here")
    sys.exit(77)
if sys.argv[1] == "--probe":
    sys.exit(0)

program, assets = sys.argv[1:]
compared = bad = 0


def same(what, expected, found):
    global compared, bad
    compared += 1
    if expected != found:
        bad += 1
        if bad < 30:
            print(f"{what}: expected {str(expected)[:300]}, found {str(found)[:300]}")


def tandem(*words):
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"tandem {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def quiet():
    keep = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(
        lambda level, text, data: None)
    llama_cpp.llama_log_set(keep, ctypes.c_void_p(0))
    return keep


silent = quiet()


# ---- models of random numbers, one per family

V, D, L, H, T = 288, 64, 2, 4, 512


def configs():
    llama = {"model_type": "llama", "vocab_size": V, "hidden_size": D, "intermediate_size": 96,
             "num_hidden_layers": L, "num_attention_heads": H, "num_key_value_heads": 2,
             "max_position_embeddings": T, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
             "tie_word_embeddings": False}
    yield "llama", llama
    yield "llama-linear", {**llama, "rope_scaling": {"rope_type": "linear", "factor": 4.0}}
    yield "llama-yarn", {**llama, "rope_scaling": {
        "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}}
    yield "llama-3.1", {**llama, "rope_theta": 500000.0, "head_dim": 64, "rope_scaling": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192}}
    yield "llama-3-otherwise", {**llama, "head_dim": 64, "rope_scaling": {
        "rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.5, "high_freq_factor": 6.0,
        "original_max_position_embeddings": 256}}
    yield "mistral", {**llama, "model_type": "mistral", "sliding_window": None}
    yield "qwen2", {**llama, "model_type": "qwen2", "tie_word_embeddings": True}
    yield "qwen3", {**llama, "model_type": "qwen3", "head_dim": 32}
    # llama.cpp looks for tokens of the real one in a model whose name has "phi3" in it
    yield "phi", {**llama, "model_type": "phi3", "num_key_value_heads": H}
    yield "gpt_neox", {"model_type": "gpt_neox", "vocab_size": V, "hidden_size": D,
                       "intermediate_size": 96, "num_hidden_layers": L, "num_attention_heads": H,
                       "max_position_embeddings": T, "layer_norm_eps": 1e-5, "rotary_pct": 0.25,
                       "rotary_emb_base": 10000, "hidden_act": "gelu_new",
                       "use_parallel_residual": True, "tie_word_embeddings": False}
    yield "gpt_neox-in-turn", {"model_type": "gpt_neox", "vocab_size": V, "hidden_size": D,
                               "intermediate_size": 96, "num_hidden_layers": L,
                               "num_attention_heads": H, "max_position_embeddings": T,
                               "layer_norm_eps": 1e-5, "rotary_pct": 0.5, "rotary_emb_base": 10000,
                               "hidden_act": "gelu_new", "use_parallel_residual": False,
                               "tie_word_embeddings": False}
    yield "gpt2", {"model_type": "gpt2", "vocab_size": V, "n_embd": D, "n_layer": L, "n_head": H,
                   "n_positions": T, "n_inner": None, "layer_norm_epsilon": 1e-5,
                   "activation_function": "gelu_new"}


def shapes(c):
    kind = c["model_type"]
    inner = c.get("intermediate_size")
    if kind == "gpt2":
        yield "transformer.wte.weight", [V, D]
        yield "transformer.wpe.weight", [T, D]
        for i in range(L):
            for name, shape in (("ln_1", [D]), ("attn.c_attn", [D, 3 * D]), ("attn.c_proj", [D, D]),
                                ("ln_2", [D]), ("mlp.c_fc", [D, 4 * D]), ("mlp.c_proj", [4 * D, D])):
                yield f"transformer.h.{i}.{name}.weight", shape
                yield f"transformer.h.{i}.{name}.bias", shape[-1:]
        yield "transformer.ln_f.weight", [D]
        yield "transformer.ln_f.bias", [D]
        return
    if kind == "gpt_neox":
        yield "gpt_neox.embed_in.weight", [V, D]
        for i in range(L):
            for name, shape in (("input_layernorm", [D]), ("attention.query_key_value", [3 * D, D]),
                                ("attention.dense", [D, D]), ("post_attention_layernorm", [D]),
                                ("mlp.dense_h_to_4h", [inner, D]), ("mlp.dense_4h_to_h", [D, inner])):
                yield f"gpt_neox.layers.{i}.{name}.weight", shape
                yield f"gpt_neox.layers.{i}.{name}.bias", shape[:1]
        yield "gpt_neox.final_layer_norm.weight", [D]
        yield "gpt_neox.final_layer_norm.bias", [D]
        yield "embed_out.weight", [V, D]
        return
    head = c.get("head_dim", D // H)
    q, kv = head * H, head * c["num_key_value_heads"]
    yield "model.embed_tokens.weight", [c["vocab_size"], D]
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        yield at + "input_layernorm.weight", [D]
        yield at + "post_attention_layernorm.weight", [D]
        yield at + "self_attn.o_proj.weight", [D, q]
        yield at + "mlp.down_proj.weight", [D, inner]
        if kind == "phi3":
            yield at + "self_attn.qkv_proj.weight", [q + 2 * kv, D]
            yield at + "mlp.gate_up_proj.weight", [2 * inner, D]
            continue
        for name, rows in (("q", q), ("k", kv), ("v", kv)):
            yield f"{at}self_attn.{name}_proj.weight", [rows, D]
            if kind == "qwen2":
                yield f"{at}self_attn.{name}_proj.bias", [rows]
        if kind == "qwen3":
            yield at + "self_attn.q_norm.weight", [head]
            yield at + "self_attn.k_norm.weight", [head]
        yield at + "mlp.gate_proj.weight", [inner, D]
        yield at + "mlp.up_proj.weight", [inner, D]
    yield "model.norm.weight", [D]
    if not c["tie_word_embeddings"]:
        yield "lm_head.weight", [c["vocab_size"], D]


def write_model(folder, config):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f)
    draw = numpy.random.default_rng(7)
    header, data, at = {}, [], 0
    for name, shape in shapes(config):
        x = draw.normal(0, 0.2, shape)
        if len(shape) == 1 and name.endswith("weight"):
            x = 1 + 0.1 * x
        x = x.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(x)]}
        at += len(x)
        data.append(x)
    text = json.dumps(header).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data))


def byte_tokenizer(folder):
    """GPT-2's bytes, some merges and specials, to fill V."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    more = iter(range(256, 512))
    vocab = {(chr(b) if b in plain else chr(next(more))): b for b in range(256)}
    merges = [["t", "h"], ["th", "e"], ["Ġ", "the"], ["i", "n"], ["e", "r"], ["Ġ", "a"]]
    for a, b in merges:
        vocab[a + b] = len(vocab)
    added = [{"id": len(vocab) + i, "content": text, "single_word": False, "lstrip": False,
              "rstrip": False, "normalized": False, "special": True}
             for i, text in enumerate(["<s>", "</s>"])]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    with open(os.path.join(folder, "tokenizer.json"), "w") as f:
        json.dump({"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
                   "normalizer": None, "pre_tokenizer": level, "post_processor": None,
                   "decoder": level, "model": {
                       "type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False,
                       "continuing_subword_prefix": None, "end_of_word_suffix": None,
                       "byte_fallback": False, "vocab": vocab, "merges": merges}}, f)
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
        json.dump({"bos_token": "<s>", "eos_token": "</s>"}, f)


# ---- greedy ids

def sampled(model, prompts, count):
    with open("prompts.json", "w") as f:
        json.dump(prompts, f)
    tandem("sample", "--model", model, "--ids", "prompts.json", "--max-tokens", str(count),
           "--temperature", "0", "--ignore-eos", "--out", "sampled.json")
    with open("sampled.json") as f:
        return [one["ids"] for one in json.load(f)]


def logits_of(path, ids):
    """llama.cpp's logits at every position, [len(ids)][V]."""
    m = llama_cpp.Llama(path, n_ctx=512, n_batch=512, n_ubatch=512, logits_all=True, verbose=False,
                        n_threads=1, type_k=0, type_v=0, flash_attn=False)
    m.eval(ids)
    out = numpy.array(m.scores[:len(ids)])
    m.close()
    return out


def agree(what, path, prompts, answers, error):
    """The most likely token is ours wherever no other comes nearer than `error`."""
    global compared
    right = close = total = 0
    for prompt, answer in zip(prompts, answers):
        scores = logits_of(path, prompt + answer)
        for i, token in enumerate(answer):
            row = scores[len(prompt) + i - 1]
            total += 1
            right += int(row.argmax()) == token
            close += row.max() - row[token] <= error
    same(f"{what}: most likely tokens within {error}", total, close)
    print(f"{what}: {right} of {total} most likely tokens are the same")


def check_model(name, model, prompts, types, count=100):
    for kind, error in types:
        path = f"{name}-{kind}.gguf"
        tandem("export", "--model", model, "--to", "gguf", "--dtype", kind, "--out", path)
        answers = sampled(path, prompts, count)  # as the file has it, so that nothing but ours counts
        agree(f"{name} {kind}", path, prompts, answers, error)
        os.remove(path)


# ---- texts

TEXTS = ["", "Hello", "Hello world!", " the  cat\tsat\n\n on   the mat ", "1234567890 3.14 1,000",
         "don't I'LL we've", "äöü ß é 日本語 한국어 Привет مرحبا", "🙂👩‍👩‍👧 x²", "a" * 50, "\r\n\r\n x",
         "def f(x):\n    return x ** 2\n", "HTTP://example.org/?a=b&c=d", "\u00a0\u2003 blanks"]


def check_texts(name, model, texts):
    path = name + ".gguf"
    tandem("export", "--model", model, "--to", "gguf", "--dtype", "f16", "--out", path)
    with open("texts.json", "w") as f:
        json.dump(texts, f)
    tandem("tokenizer", "encode", "--tokenizer", model, "--in", "texts.json", "--out", "ids.json")
    with open("ids.json") as f:
        ours = json.load(f)
    m = llama_cpp.Llama(path, vocab_only=True, verbose=False)
    for text, ids in zip(texts, ours):
        found = m.tokenize(text.encode(), add_bos=False, special=False) if text else []
        same(f"{name}: ids of {text!r}", ids, found)
    m.close()
    os.remove(path)
    print(f"{name}: {len(texts)} texts")


def with_tokenizer(name, source, files, size):
    folder = "tokenizer-" + name
    config = dict(next(configs())[1], vocab_size=size, tie_word_embeddings=True, num_hidden_layers=1)
    write_model(folder, config)
    for file in files:
        if os.path.exists(os.path.join(source, file)):
            shutil.copy(os.path.join(source, file), folder)
    return folder


# ---- all of it

EXACT = [("f32", 2e-3)]
prompts = [[5, 17, 200], [256, 257, 258, 259], list(range(40, 100)), [3] * 20]
for name, config in configs():
    write_model(name, config)
    byte_tokenizer(name)
    # llama.cpp's GELU is a table of half precision
    check_model(name, name, prompts, [("f32", 0.05)] if "gpt" in name else EXACT)
check_model("llama", "llama", prompts, [("f16", 0.05), ("bf16", 0.2), ("q8_0", 0.3)])
check_texts("llama", "llama", TEXTS)

models = os.path.join(assets, "models")
if os.path.isdir(models):
    stories = [[1], [1, 403, 407, 261, 378], [1, 410, 429], [1, 420, 275, 460, 340]]
    check_model("stories260K", os.path.join(models, "stories260K-hf"), stories,
                EXACT + [("f16", 0.1), ("bf16", 0.5), ("q8_0", 0.5)])
    check_model("babyllama", os.path.join(models, "babyllama-tok105-hf"),
                [[1], [1, 20, 30, 40], [1, 50, 51]], EXACT)
    texts = list(TEXTS)
    vectors = os.path.join(assets, "tokenizers", "vectors")
    for file in sorted(os.listdir(vectors)):
        if file.endswith(".inp"):
            with open(os.path.join(vectors, file), encoding="utf-8") as f:
                texts += f.read().split("\n__ggml_vocab_test__\n")
            break
    check_texts("stories260K", os.path.join(models, "stories260K-hf"), texts)
    kinds = os.path.join(assets, "tokenizers")
    for name, size in (("gpt2", 50257), ("llama2", 32000), ("llama3", 128256), ("qwen2", 151936)):
        source = os.path.join(kinds, name)
        files = [f for f in os.listdir(source) if f not in ("config.json",)]
        check_texts(name, with_tokenizer(name, source, files, size), texts)

print(f"compared {compared}, {bad} different")
sys.exit(bad > 0 or compared == 0)
