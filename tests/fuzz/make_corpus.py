#!/usr/bin/env python3
"""make_corpus.py: writes the first files of corpus/, small ones, valid and broken.

Files that a fuzzing run found stand beside them; they are not made here and stay as they are.
"""
import base64
import json
import os
import struct

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
MARK = "\u2581"


def put(target, name, data):
    folder = os.path.join(HERE, target)
    os.makedirs(folder, exist_ok=True)
    if isinstance(data, str):
        data = data.encode()
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def values(count):
    return struct.pack("<%df" % count, *[(i % 7 - 3) / 8 for i in range(count)])


# ---- safetensors


def safetensors(header, data, size=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def tensor(kind, shape, begin, end):
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def make_safetensors():
    three = {"a.weight": tensor("F32", [2, 3], 0, 24), "b": tensor("BF16", [4], 24, 32),
             "c": tensor("F16", [], 32, 34), "__metadata__": {"format": "pt"}}
    put("safetensors", "valid-three.bin", safetensors(three, bytes(34)))
    put("safetensors", "valid-none.bin", safetensors(b"{}", b""))
    put("safetensors", "valid-padded.bin",
        safetensors(b'{"x":{"dtype":"I64","shape":[0,5],"data_offsets":[0,0]}}      ', b""))
    put("safetensors", "valid-small-types.bin",
        safetensors({"x": tensor("F4", [4], 0, 2), "y": tensor("BOOL", [3], 2, 5)}, bytes(5)))
    index = {"metadata": {"total_size": 12},
             "weight_map": {"a": "part.safetensors", "b": "part.safetensors"}}
    put("safetensors", "valid-index.json", json.dumps(index))
    put("safetensors", "broken-index-leads-away.json",
        json.dumps({"weight_map": {"a": "../part.safetensors"}}))
    put("safetensors", "broken-index-knows-more.json",
        json.dumps({"weight_map": {"a": "part.safetensors", "b": "part.safetensors",
                                   "c": "part.safetensors"}}))
    put("safetensors", "broken-cut.bin", safetensors(three, bytes(34))[:-3])
    put("safetensors", "broken-header-of-2-to-63.bin", safetensors(b"{}", b"", 1 << 63))
    put("safetensors", "broken-header-beyond-file.bin", safetensors(b"{}", b"", 100))
    put("safetensors", "broken-shape-overflows.bin",
        safetensors({"x": tensor("F32", [1 << 32, 1 << 32, 1 << 32], 0, 0)}, b""))
    put("safetensors", "broken-bits-overflow.bin",
        safetensors({"x": tensor("F64", [1 << 31, 1 << 30], 0, 0)}, b""))
    put("safetensors", "broken-overlap.bin",
        safetensors({"x": tensor("F32", [2], 0, 8), "y": tensor("F32", [2], 4, 12)}, bytes(12)))
    put("safetensors", "broken-hole.bin",
        safetensors({"x": tensor("F32", [1], 0, 4), "y": tensor("F32", [1], 8, 12)}, bytes(12)))
    put("safetensors", "broken-offsets-fall.bin",
        safetensors({"x": tensor("F32", [1], 4, 0)}, bytes(4)))
    put("safetensors", "broken-nine-axes.bin",
        safetensors({"x": tensor("F32", [1] * 9, 0, 4)}, bytes(4)))
    put("safetensors", "broken-name-twice.bin", safetensors(
        b'{"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]},'
        b'"x":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}', bytes(8)))
    put("safetensors", "broken-nested.bin", safetensors(b'{"x":' * 70 + b"1" + b"}" * 70, b""))


# ---- GGUF

U8, I8, U16, I16, U32, I32, F32, FLAG, TEXT, ARRAY, U64, I64, F64 = range(13)
PLAIN = {U8: "<B", I8: "<b", U16: "<H", I16: "<h", U32: "<I", I32: "<i", F32: "<f", FLAG: "<B",
         U64: "<Q", I64: "<q", F64: "<d"}


def gguf_text(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def gguf_value(kind, value):
    if kind == TEXT:
        return gguf_text(value)
    if kind == ARRAY:
        of, members = value
        return struct.pack("<IQ", of, len(members)) + b"".join(gguf_value(of, m) for m in members)
    return struct.pack(PLAIN[kind], value)


# tensors: name, type, shape with columns first, bytes
def gguf(pairs, tensors, version=3, align=32):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(pairs))
    for key, kind, value in pairs:
        out += gguf_text(key) + struct.pack("<I", kind) + gguf_value(kind, value)
    data = b""
    for name, kind, shape, body in tensors:
        data += bytes(-len(data) % align)
        out += gguf_text(name) + struct.pack("<I", len(shape))
        out += b"".join(struct.pack("<Q", n) for n in shape)
        out += struct.pack("<IQ", kind, len(data))
        data += body
    return out + bytes(-len(out) % align) + data if tensors else out


def f32(name, *shape):
    count = 1
    for n in shape:
        count *= n
    return (name, 0, shape, values(count))


def layer(width, inner, kv, bias):
    rows = [("attn_norm.weight", width), ("attn_q.weight", width, width),
            ("attn_k.weight", width, kv), ("attn_v.weight", width, kv),
            ("attn_output.weight", width, width), ("ffn_norm.weight", width),
            ("ffn_gate.weight", width, inner), ("ffn_up.weight", width, inner),
            ("ffn_down.weight", inner, width)]
    if bias:
        rows += [("attn_q.bias", width), ("attn_k.bias", kv), ("attn_v.bias", kv)]
    return [f32("blk.0." + row[0], *row[1:]) for row in rows]


def sizes(arch, width, inner, heads, groups):
    return [("general.architecture", TEXT, arch), (arch + ".embedding_length", U32, width),
            (arch + ".feed_forward_length", U32, inner), (arch + ".block_count", U32, 1),
            (arch + ".attention.head_count", U32, heads),
            (arch + ".attention.head_count_kv", U32, groups),
            (arch + ".context_length", U32, 16),
            (arch + ".attention.layer_norm_rms_epsilon", F32, 1e-5),
            (arch + ".rope.freq_base", F32, 10000.0)]


SPM_PIECES = ["<unk>", "<s>", "</s>", "<0x41>", MARK, "a", "b", MARK + "a", "ab", "c"]
SPM_TYPES = [2, 3, 3, 6, 1, 1, 1, 1, 1, 4]


def spm_keys():
    return [("tokenizer.ggml.model", TEXT, "llama"),
            ("tokenizer.ggml.tokens", ARRAY, (TEXT, SPM_PIECES)),
            ("tokenizer.ggml.scores", ARRAY, (F32, [-float(i) for i in range(len(SPM_PIECES))])),
            ("tokenizer.ggml.token_type", ARRAY, (I32, SPM_TYPES)),
            ("tokenizer.ggml.bos_token_id", U32, 1), ("tokenizer.ggml.eos_token_id", U32, 2),
            ("tokenizer.ggml.add_bos_token", FLAG, 1),
            ("tokenizer.chat_template", TEXT, "{{ messages[0].content }}")]


def byte_keys(pre):
    tokens = ["<|end|>", "a", "b", "\u0120", "ab", "\u0120a"]
    return [("tokenizer.ggml.model", TEXT, "gpt2"), ("tokenizer.ggml.pre", TEXT, pre),
            ("tokenizer.ggml.tokens", ARRAY, (TEXT, tokens)),
            ("tokenizer.ggml.token_type", ARRAY, (I32, [3, 1, 1, 1, 1, 1])),
            ("tokenizer.ggml.merges", ARRAY, (TEXT, ["a b", "\u0120 a"])),
            ("tokenizer.ggml.eos_token_id", U32, 0)]


def make_gguf():
    llama = sizes("llama", 4, 6, 2, 1)
    body = [f32("token_embd.weight", 4, 10)] + layer(4, 6, 2, 0) + [f32("output_norm.weight", 4)]
    valid = gguf(llama + spm_keys(), body)
    put("gguf", "valid-llama.gguf", valid)
    put("gguf", "valid-llama-v2-aligned-64.gguf",
        gguf(llama + [("general.alignment", U32, 64)], body, 2, 64))
    put("gguf", "valid-llama-linear-positions.gguf", gguf(
        llama + [("llama.rope.scaling.type", TEXT, "linear"),
                 ("llama.rope.scaling.factor", F32, 2.0)], body + [f32("output.weight", 4, 10)]))
    put("gguf", "valid-qwen2.gguf", gguf(
        sizes("qwen2", 4, 6, 2, 1) + byte_keys("qwen2"),
        [f32("token_embd.weight", 4, 6)] + layer(4, 6, 2, 1) + [f32("output_norm.weight", 4)]))
    gpt2 = [("general.architecture", TEXT, "gpt2"), ("gpt2.embedding_length", U64, 4),
            ("gpt2.feed_forward_length", I16, 6), ("gpt2.block_count", U8, 1),
            ("gpt2.attention.head_count", U16, 2), ("gpt2.context_length", I64, 5),
            ("gpt2.attention.layer_norm_epsilon", F64, 1e-5)]
    rows = [("attn_norm.weight", 4), ("attn_norm.bias", 4), ("attn_qkv.weight", 4, 12),
            ("attn_qkv.bias", 12), ("attn_output.weight", 4, 4), ("attn_output.bias", 4),
            ("ffn_norm.weight", 4), ("ffn_norm.bias", 4), ("ffn_up.weight", 4, 6),
            ("ffn_up.bias", 6), ("ffn_down.weight", 6, 4), ("ffn_down.bias", 4)]
    put("gguf", "valid-gpt2.gguf", gguf(
        gpt2 + byte_keys("gpt-2"),
        [f32("token_embd.weight", 4, 6), f32("position_embd.weight", 4, 5)] +
        [f32("blk.0." + r[0], *r[1:]) for r in rows] +
        [f32("output_norm.weight", 4), f32("output_norm.bias", 4)]))
    types = [("f16", 1, (8,), bytes(16)), ("q4_0", 2, (32,), bytes(range(18))),
             ("q8_0", 8, (64, 2), bytes(4 * 34)), ("q4_k", 12, (256,), bytes(range(144))),
             ("q6_k", 14, (256,), bytes(210)), ("bf16", 30, (3, 2, 1, 1), bytes(12)),
             ("iq9", 99, (5,), b"")]
    put("gguf", "broken-no-architecture-all-types.gguf",
        gguf([("x", ARRAY, (ARRAY, [(U8, [1, 2]), (TEXT, ["a", ""])])), ("y", F64, 0.5),
              ("z", I8, -3), ("flag", FLAG, 1)], types))
    put("gguf", "broken-experts.gguf", gguf(llama + [("llama.expert_count", U32, 8)], body))
    put("gguf", "broken-infinite-weight.gguf", gguf(llama, [
        (t[0], t[1], t[2], struct.pack("<I", 0x7F800000) + t[3][4:]) for t in body]))
    put("gguf", "broken-cut.gguf", valid[:-40])
    put("gguf", "broken-cut-in-keys.gguf", valid[:200])
    put("gguf", "broken-counts.gguf", b"GGUF" + struct.pack("<IQQ", 3, 1 << 62, 1 << 62))
    put("gguf", "broken-text-length.gguf", b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, (1 << 64) - 8))
    put("gguf", "broken-array-count.gguf",
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + gguf_text("k") +
        struct.pack("<IIQ", ARRAY, U64, 1 << 61))
    put("gguf", "broken-arrays-within-arrays.gguf",
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + gguf_text("k") + struct.pack("<I", ARRAY) +
        struct.pack("<IQ", ARRAY, 1) * 40)
    put("gguf", "broken-offset.gguf", valid.replace(struct.pack("<IQ", 0, 0),
                                                    struct.pack("<IQ", 0, 1 << 63), 1))
    put("gguf", "broken-big-endian.gguf", b"GGUF\0\0\0\3" + bytes(16))
    put("gguf", "broken-key-twice.gguf", gguf([("a", U8, 1), ("a", U8, 2)], []))
    put("gguf", "broken-alignment.gguf", gguf([("general.alignment", U32, 24)], body))


# ---- llama2.c


def make_llama2c():
    # width 4, inner 6, 1 layer, 2 heads, 1 of keys, 10 tokens, context 4
    head = struct.pack("<7i", 4, 6, 1, 2, 1, 10, 4)
    count = 40 + 4 + 16 + 8 + 8 + 16 + 4 + 24 * 3 + 4 + 8
    put("llama2c", "valid-v0.bin", b"\0" + head + values(count))
    own = struct.pack("<7i", 4, 6, 1, 2, 1, -10, 4)
    put("llama2c", "valid-v0-own-head.bin", b"\0" + own + values(count + 40))
    first = struct.pack("<Ii", 0x616B3432, 1) + head + b"\1"
    put("llama2c", "valid-v1.bin", b"\0" + first + bytes(256 - len(first)) + values(count - 8))
    second = struct.pack("<Ii", 0x616B3432, 2) + head + b"\1" + struct.pack("<i", 4)
    matrices = [40, 16, 8, 8, 16, 24, 24, 24]
    body = values(12) + b"".join(bytes(n) + values(n // 4) for n in matrices)
    put("llama2c", "valid-v2.bin", b"\0" + second + bytes(256 - len(second)) + body)
    put("llama2c", "broken-v2-group-of-0.bin",
        b"\0" + struct.pack("<Ii", 0x616B3432, 2) + head + b"\1" + bytes(300))
    put("llama2c", "broken-cut.bin", b"\0" + head + values(count - 1))
    put("llama2c", "broken-sizes-overflow.bin",
        b"\0" + struct.pack("<7i", 65536, 1 << 20, 1024, 2, 1, 1 << 24, 1 << 24) + bytes(64))
    put("llama2c", "broken-least-vocabulary.bin",
        b"\0" + struct.pack("<7i", 4, 6, 1, 2, 1, -(1 << 31), 4) + bytes(64))
    put("llama2c", "broken-zip.bin", b"\0PK\3\4" + bytes(64))
    put("llama2c", "broken-pickle.bin", b"\0\x80\2" + bytes(64))
    put("llama2c", "broken-empty.bin", b"")
    texts = ["<unk>", "\n<s>\n", "\n</s>\n", "<0x41>", " ", "a", "b", "ab", " a"]
    pieces = b"".join(struct.pack("<fi", -i, len(t)) + t.encode() for i, t in enumerate(texts))
    put("llama2c", "valid-vocabulary.bin", bytes([len(texts)]) + struct.pack("<i", 6) + pieces)
    put("llama2c", "broken-vocabulary-cut.bin",
        bytes([len(texts)]) + struct.pack("<i", 6) + pieces[:-1])
    put("llama2c", "broken-vocabulary-length.bin",
        b"\1" + struct.pack("<i", 6) + struct.pack("<fi", 0, -1) + b"abc")


# ---- tokenizer.json


def charsmap():
    """SentencePiece's table: a double array that knows one name, "A", which becomes "a"."""
    units = [0] * 512
    units[0] = 256 << 10  # offset of the root's children
    units[256 ^ 0x41] = (2 << 10) | 1 << 8 | 0x41  # has a value, at (256 ^ 0x41) ^ 2
    units[256 ^ 0x41 ^ 2] = 1 << 31  # value 0
    return struct.pack("<I", 4 * len(units)) + struct.pack("<512I", *units) + b"a\0"


def bpe(vocab, merges, **more):
    return {"type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False,
            "byte_fallback": False, "ignore_merges": False,
            "vocab": {t: i for i, t in enumerate(vocab)}, "merges": merges, **more}


def added(number, text, **more):
    return {"id": number, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": True, **more}


def tokenizer(model, **more):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
            "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
            **more, "model": model}


def sequence(key, *parts):
    return {"type": "Sequence", key: list(parts)}


def byte_vocab():
    """The characters that stand for bytes, in the order of the bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = iter(range(256, 400))
    return [chr(b) if b in plain else chr(next(other)) for b in range(256)]


GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
FALL = sequence("decoders", {"type": "Replace", "pattern": {"String": MARK}, "content": " "},
                {"type": "ByteFallback"}, {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0})


def make_tokenizer_json():
    def one(name, model, **more):
        put("tokenizer_json", name, json.dumps(tokenizer(model, **more)))

    table = byte_vocab()
    level = bpe(table + ["he", "ll", "hell", "\u0120w"], ["h e", "l l", ["he", "ll"], "\u0120 w"])
    one("valid-byte-level.json", level, pre_tokenizer=LEVEL, decoder=LEVEL,
        added_tokens=[added(260, "<|im_start|>"), added(261, "<|im_end|>")])
    one("valid-byte-level-split.json", level, decoder=LEVEL, pre_tokenizer=sequence(
        "pretokenizers", {"type": "Digits", "individual_digits": True},
        {"type": "Split", "pattern": {"Regex": GPT2}, "behavior": "Isolated", "invert": False},
        {**LEVEL, "use_regex": False}))
    vocab = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)]
    vocab += [MARK, "a", "b", "ab", MARK + "a"]
    one("valid-fallback.json", bpe(vocab, ["a b", MARK + " a"], byte_fallback=True,
                                   unk_token="<unk>", fuse_unk=True),
        normalizer=sequence("normalizers", {"type": "Prepend", "prepend": MARK},
                            {"type": "Replace", "pattern": {"String": " "}, "content": MARK}),
        decoder=FALL, added_tokens=[added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")],
        post_processor={"type": "TemplateProcessing",
                        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                   {"Sequence": {"id": "A", "type_id": 0}}],
                        "pair": [], "special_tokens": {
                            "<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}})
    pieces = [["<unk>", 0], ["<s>", 0], [MARK, -2], ["a", -3], ["e", -3.5], [MARK + "a", -1],
              ["l", -4], ["\u00e9", -5]]
    one("valid-unigram.json", {"type": "Unigram", "unk_id": 0, "vocab": pieces,
                               "byte_fallback": False},
        normalizer=sequence(
            "normalizers",
            {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap()).decode()},
            {"type": "NFKC"}, {"type": "StripAccents"}, {"type": "Lowercase"},
            {"type": "Strip", "strip_left": True, "strip_right": True},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}),
        pre_tokenizer={"type": "Metaspace", "replacement": MARK, "prepend_scheme": "always",
                       "split": True},
        decoder={"type": "Metaspace", "replacement": MARK, "prepend_scheme": "always"},
        post_processor={"type": "RobertaProcessing", "sep": ["<s>", 1], "cls": ["<s>", 1]},
        added_tokens=[added(1, "<s>", lstrip=True, rstrip=True), added(9, "test", special=False,
                      normalized=True, single_word=True)])
    one("valid-words.json", bpe(["<u>", "a", "b", "c", "1", "."], [], unk_token="<u>"),
        normalizer={"type": "NFD"},
        pre_tokenizer=sequence("pretokenizers", {"type": "Whitespace"},
                               {"type": "WhitespaceSplit"},
                               {"type": "Punctuation", "behavior": "MergedWithPrevious"},
                               {"type": "Split", "pattern": {"String": "a"}, "invert": True,
                                "behavior": "MergedWithNext"}))
    text = json.dumps(tokenizer(bpe(["a", "Z", "aZ"], ["a Z"], unk_token="a")))
    put("tokenizer_json", "valid-zero-character.json", text.replace("Z", "\\u0000"))
    one("broken-merge-unknown.json", bpe(["a", "b"], ["a b"]))
    one("broken-id-twice.json", {**bpe([], []), "vocab": {"a": 0, "b": 0}})
    one("broken-id-large.json", {**bpe([], []), "vocab": {"a": 1 << 40}})
    one("broken-word-piece.json", {"type": "WordPiece", "vocab": {"a": 0}})
    one("broken-regex.json", level, pre_tokenizer=sequence(
        "pretokenizers", {"type": "Split", "pattern": {"Regex": "(?<=a+)("}, "behavior":
                          "Isolated", "invert": False}, LEVEL))
    one("valid-slow-regex.json", bpe(["a", "b"], [], unk_token="a"), pre_tokenizer={
        "type": "Split", "pattern": {"Regex": "(a+)+$|(a|aa)+c"}, "behavior": "Isolated",
        "invert": False})
    one("valid-growing.json", bpe(["a", "b"], [], unk_token="a"), normalizer=sequence(
        "normalizers", *[{"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 9}] * 3))
    one("broken-charsmap.json", {"type": "Unigram", "unk_id": 0, "vocab": pieces},
        normalizer={"type": "Precompiled", "precompiled_charsmap":
                    base64.b64encode(charsmap()[:90]).decode()})
    deep = {"type": "NFC"}
    for _ in range(25):
        deep = sequence("normalizers", deep)
    one("valid-sequences-within-sequences.json", bpe(["a"], [], unk_token="a"), normalizer=deep)
    one("broken-many-parts.json", bpe(["a"], []), normalizer=sequence(
        "normalizers", *[{"type": "NFC"}] * 40))


# ---- tokenizer.model


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def spm(pieces, model, table=b"", more=b""):
    out = b"".join(field(1, field(1, t.encode()) + field(2, s) + field(3, k))
                   for t, s, k in pieces)
    out += field(2, field(3, model) + more)
    return out + field(3, field(1, b"nmt_nfkc") + field(2, table) + field(3, 1) + field(4, 1) +
                       field(5, 1))


def make_tokenizer_model():
    pieces = [(t, -float(i), k) for i, (t, k) in enumerate(zip(SPM_PIECES, SPM_TYPES))]
    fall = [("<0x%02X>" % b, 0.0, 6) for b in range(256)]
    whole = pieces[:3] + fall + pieces[4:]
    put("tokenizer_model", "valid-bpe.model", spm(whole, 2, more=field(35, 1)))
    put("tokenizer_model", "valid-bpe-small.model", spm(pieces, 2))
    put("tokenizer_model", "valid-unigram.model", spm(pieces, 1, charsmap()))
    put("tokenizer_model", "valid-unigram-bytes.model", spm(whole, 1))
    put("tokenizer_model", "broken-words.model", spm(pieces, 3))
    put("tokenizer_model", "broken-piece-twice.model", spm(pieces + pieces[5:6], 1))
    put("tokenizer_model", "broken-score.model", spm([("a", float("nan"), 1)], 1))
    put("tokenizer_model", "broken-type.model", spm([("a", 0.0, 9)], 1))
    put("tokenizer_model", "broken-unused-in-bpe.model", spm([("a", 0.0, 1), ("b", 0.0, 5)], 2))
    put("tokenizer_model", "broken-cut.model", spm(pieces, 1)[:-7])
    put("tokenizer_model", "broken-length.model", b"\x0a" + varint(1 << 60) + b"a")
    put("tokenizer_model", "broken-varint.model", b"\xff" * 12)
    put("tokenizer_model", "broken-empty.model", b"")
    put("tokenizer_model", "broken-suffix.model", spm(pieces, 1, more=field(24, 1)))
    table = bytearray(charsmap())
    table[4 + 4 * (256 ^ 0x41 ^ 2)] = 200  # a replacement behind the end
    put("tokenizer_model", "valid-charsmap-leads-behind-end.model", spm(pieces, 1, bytes(table)))
    ranks = b"".join(base64.b64encode(bytes([b])) + b" %d\n" % b for b in range(8))
    put("tokenizer_model", "broken-few-ranks.model", ranks)


# ---- vocab.json with merges.txt


def make_tokenizer_text():
    table = byte_vocab()
    vocab = json.dumps({t: i for i, t in enumerate(table + ["he", "ll", "hell"])}).encode()
    merges = "#version: 0.2\nh e\nl l\nhe ll\n".encode()
    put("tokenizer_text", "valid-gpt2.bin", vocab + b"\0" + merges)
    config = json.dumps({
        "tokenizer_class": "Qwen2Tokenizer", "bos_token": None, "eos_token": "<|im_end|>",
        "add_prefix_space": True, "chat_template": [{"name": "default", "template": "{{ 1 }}"}],
        "added_tokens_decoder": {"259": {"content": "<|im_end|>", "special": True},
                                 "260": {"content": "<t>", "lstrip": True}}}).encode()
    put("tokenizer_text", "valid-qwen.bin", vocab + b"\0" + merges + b"\0" + config)
    put("tokenizer_text", "valid-windows-lines.bin", vocab + b"\0" + merges.replace(b"\n", b"\r\n"))
    put("tokenizer_text", "broken-three-words.bin", vocab + b"\0a b c\n")
    put("tokenizer_text", "broken-merge-unknown.bin", vocab + b"\0q qq\n")
    put("tokenizer_text", "broken-no-object.bin", b"[1]\0")
    put("tokenizer_text", "broken-added-id.bin", vocab + b"\0\0" + json.dumps({
        "added_tokens_decoder": {"99999999999": {"content": "x"}}}).encode())
    put("tokenizer_text", "broken-added-takes-id.bin", vocab + b"\0\0" + json.dumps({
        "added_tokens_decoder": {"3": {"content": "new"}}}).encode())


# ---- chat templates


def make_template():
    def one(name, text):
        put("template", name, text)

    one("valid-chatml.jinja", "{% for message in messages %}{{ '<|im_start|>' + message.role + "
        "'\\n' + (message.content or '') + '<|im_end|>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n")
    one("valid-inst.jinja", """{{- bos_token }}
{%- if messages[0].role == 'system' -%}
    {%- set system = messages[0]['content'] | trim %}{% set messages = messages[1:] -%}
{%- else %}{% set system = '' %}{% endif %}
{%- set ns = namespace(first=true) %}
{%- for m in messages if m.role != 'tool' %}
    {%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('roles must take turns: ' ~ loop.index) }}
    {%- endif %}
    {%- if m['role'] == 'user' %}
        {{- '[INST] ' ~ (system if ns.first else '') ~ m.content ~ ' [/INST]' }}
    {%- elif m.role == 'assistant' %}
        {%- generation %}{{ ' ' ~ m.content ~ eos_token }}{% endgeneration %}
    {%- endif %}{% set ns.first = false %}
{%- endfor %}""")
    one("valid-tools.jinja", """{%- macro show(x, depth=1) -%}
{%- if x is mapping %}{% for k, v in x|items %}{{ k }}={{ show(v, depth + 1) }};{% endfor %}
{%- elif x is string %}{{ x|tojson }}{% elif x is iterable %}[{{ x|map('string')|join(',') }}]
{%- else %}{{ x }}{% endif %}{%- endmacro -%}
{% if tools %}{{ tools | tojson(indent=2) }}{{ strftime_now('%d %b %Y') }}{% endif %}
{% for m in messages %}{{ m.role|upper }}: {% if m.content is string %}{{ m.content }}
{%- elif m.content %}{% for p in m.content|selectattr('type', 'equalto', 'text') %}{{ p.text }}
{%- endfor %}{% endif %}{% if m.tool_calls is defined %}{% for c in m.tool_calls %}
{{- show(c.function.arguments) }}{%- if not loop.last %}, {% endif %}{% endfor %}{% endif %}<end>
{% endfor %}""")
    one("valid-filters.jinja", "{{ [3,1,2]|sort(reverse=true)|first }}{{ 'a b'|title|replace('A', "
        "'x')|length }}{{ '%5.2f|%s|%x' % (1.5, [1], 255) }}{{ 'a-b-c'.split('-', 1)|join }}"
        "{{ (1, 2)|list|sum }}{{ {'a': 1}.items()|list|tojson }}{{ range(1, 9, 3)|list }}"
        "{{ 'xyz'[::-1] }}{{ messages|length // 2 ** 2 % 5 }}{{ 'a' in 'abc' and not none is "
        "defined }}{{ 1 if true else 2 }}{{ -7 // 2 }}{{ 7.5 % -2 }}{{ 'AbC'.lower().strip('c') }}"
        "{{ [[1, 2], [3]]|sum(start=[]) }}{{ ['a','A']|unique|list }}"
        "{{ messages|map(attribute='role')|list }}"
        "{{ '{} {x}'.format(1, x=2) }}{{ 'word ' * 3|int }}{{ 3|round }}"
        "{{ {'b': 1, 'a': 2}|dictsort }}{{ '<'|e }}")
    one("valid-set-block.jinja", "{# a note #}{% set x %}a{{ 1 }}{% endset %}{% with y = x ~ x %}"
        "{{ y }}{% endwith %}{% raw %}{{ no }}{% endraw %}{% for a in [1,2,3] %}{% if a == 2 %}"
        "{% continue %}{% endif %}{{ loop.cycle('o', 'e') }}{% else %}none{% endfor %}")
    one("valid-endless.jinja", "{% for a in range(100000) %}{% for b in range(100000) %}"
        "{% for c in range(100000) %}x{% endfor %}{% endfor %}{% endfor %}")
    one("valid-doubling.jinja", "{% set n = namespace(s='ab') %}{% for i in range(60) %}"
        "{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}")
    one("valid-deep-macro.jinja", "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}")
    one("valid-large-numbers.jinja", "{{ 2 ** 62 }}{{ 2 ** 64 }}{{ 9223372036854775807 + 1 }}"
        "{{ (-9223372036854775807 - 1) // -1 }}{{ 1e308 * 10 }}{{ 'a' * 999999999 }}{{ 1 // 0 }}")
    one("valid-empty.jinja", "")
    one("broken-unclosed.jinja", "{% for m in messages %}{{ m.role ")
    one("broken-unknown-tag.jinja", "{% include 'x' %}")
    one("broken-nested.jinja", "{{ " + "(" * 900 + "1" + ")" * 900 + " }}")
    one("broken-not-utf8.jinja", b"{{ '\xff' }}")
    one("valid-zero.jinja", b"a\0{{ 1 }}")


# ---- JSON, records, config.json


def make_json():
    put("json", "valid-all.json",
        '{"a": [1, -2.5e-3, true, false, null, "\\u00e9\\ud83d\\ude00\\n"],'
        ' "b": {"": {}, "c": []}, "big": 9007199254740993, "d": 0.1, "e": 1E400}'
        .replace("1E400", "1E300"))
    put("json", "valid-depth-64.json", "[" * 64 + "]" * 64)
    put("json", "valid-number.json", " -0 ")
    put("json", "broken-depth-65.json", "[" * 65 + "]" * 65)
    put("json", "broken-comments.json", '{// one\n"a": /* two \u00e9 */ 1}')
    put("json", "broken-comment-open.json", '{"a": 1 /* }')
    put("json", "broken-key-twice.json", '{"a": 1, "b": 2, "a": 3}')
    put("json", "broken-number.json", '{"a": 01}')
    put("json", "broken-infinite.json", '[1e999]')
    put("json", "broken-zero.json", '["\\u0000"]')
    put("json", "broken-zero-byte.json", b'["a\0b"]')
    put("json", "broken-half-pair.json", '["\\ud83d"]')
    put("json", "broken-utf8.json", b'["\xc0\xaf"]')
    put("json", "broken-control.json", '["a\nb"]')
    put("json", "broken-behind.json", '{} x')
    put("json", "broken-empty.json", "")


def make_records():
    talk = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"},
            {"role": "assistant", "content": "a"}]
    rows = {
        "b": ("jsonl", [{"question": "q", "n": 1.5, "yes": True}]),
        "f": ("alpaca", [{"instruction": "i", "input": "", "output": "o"}]),
        "g": ("sharegpt", [{"conversations": [{"from": "human", "value": "q"},
                                              {"from": "gpt", "value": "a"}]}]),
        "h": ("messages", [{"messages": talk, "tools": []}]),
        "i": ("prompt-completion", [{"prompt": "p", "completion": "c"},
                                    {"prompt": talk[:2], "completion": talk[2:]}]),
        "j": ("preference", [{"prompt": "p", "chosen": "c", "rejected": "r"},
                             {"chosen": talk, "rejected": talk}]),
        "k": ("kto", [{"prompt": "p", "completion": "c", "label": True}]),
        "l": ("self-instruct", [{"instruction": "i", "instances": [
            {"input": "", "output": "o"}, {"input": "x", "output": "p"}]}]),
        "m": ("natural-instructions", [{"Definition": ["d"], "Instances": [
            {"input": "x", "output": ["o", "p"]}]}]),
        "o": ("documents", [{"text": "A first paragraph, of some length.\n\nA second one.\n" * 3}]),
    }
    for letter, (name, list_) in rows.items():
        lines = "".join(json.dumps(row) + "\n" for row in list_)
        put("records", "valid-%s.jsonl" % name, letter + lines)
        put("records", "valid-auto-%s.jsonl" % name, "a" + lines)
        put("records", "valid-%s.json" % name, letter.upper().replace("B", "C") +
            json.dumps(list_))
    put("records", "valid-lines.txt", "done\n\ntwo \u00e9\r\nthree")
    put("records", "valid-paragraphs.txt", "pone one\none\n\n\ntwo\n")
    put("records", "valid-named.jsonl", '1{"id": "x", "question": 5, "answers": [{"text": "t"}]}\n'
        '{"id": 2, "question": null, "n": false}\n'.replace("null", '""'))
    put("records", "valid-named.json", '2[{"id": 1, "question": "q"}]')
    put("records", "broken-name-twice.jsonl", '1{"id": 1, "question": 1}\n{"id": 1, "question": 2}')
    put("records", "broken-number.jsonl", '1{"id": 1, "question": 99999999999999999999}')
    put("records", "broken-list.jsonl", '1{"id": 1, "question": []}')
    put("records", "broken-line.jsonl", 'b{"a": 1}\n{"a": 1\n')
    put("records", "broken-no-field.jsonl", 'b{"a": []}\n')
    put("records", "broken-zero.txt", b"da\0b\n")
    put("records", "broken-utf8.txt", b"d\xff\n")
    put("records", "broken-role.jsonl", 'h{"messages": [{"role": 5, "content": "x"}]}')
    put("records", "broken-set.jsonl", "e")
    put("records", "broken-empty.jsonl", "")


def make_config():
    llama = {"model_type": "llama", "vocab_size": 10, "hidden_size": 8, "intermediate_size": 16,
             "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 32}

    def one(name, base, **more):
        put("config", name, json.dumps({**base, **more}))

    one("valid-llama.json", llama)
    one("valid-llama3.json", llama, num_key_value_heads=1, rope_theta=500000.0, rope_scaling={
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16})
    one("valid-linear.json", llama, rope_scaling={"type": "linear", "factor": 2.0},
        attention_bias=True, mlp_bias=True)
    one("valid-gpt2.json", {"model_type": "gpt2", "vocab_size": 10, "n_embd": 8, "n_layer": 1,
                            "n_head": 2, "n_positions": 16, "activation_function": "gelu_new"})
    one("valid-mistral.json", {**llama, "model_type": "mistral"}, num_key_value_heads=2,
        sliding_window=8, head_dim=4)
    one("valid-qwen2.json", {**llama, "model_type": "qwen2"}, num_key_value_heads=2,
        use_sliding_window=True, sliding_window=8, max_window_layers=1)
    one("valid-qwen3.json", {**llama, "model_type": "qwen3"}, num_key_value_heads=1, head_dim=8,
        layer_types=["full_attention"] * 2)
    one("valid-gpt-neox.json", {**llama, "model_type": "gpt_neox"}, rotary_pct=0.5,
        hidden_act="gelu", use_parallel_residual=False)
    one("valid-phi3.json", {**llama, "model_type": "phi3"}, partial_rotary_factor=0.5)
    one("broken-heads.json", llama, num_attention_heads=3)
    one("broken-zero.json", llama, hidden_size=0)
    one("broken-large.json", llama, vocab_size=1e30)
    one("broken-half.json", llama, num_hidden_layers=1.5)
    one("broken-type.json", llama, model_type="bert")
    one("broken-slip.json", llama, num_atention_heads=2)
    one("broken-scaling.json", llama, rope_scaling={"type": "spiral", "factor": 1})
    one("broken-quantized.json", llama, quantization_config={})
    one("broken-layer-types.json", {**llama, "model_type": "qwen3"}, layer_types=["x"],
        num_key_value_heads=1)
    put("config", "broken-list.json", "[]")


# ---- requests


def make_http():
    def one(name, head, body=b""):
        put("http", name, head.replace("\n", "\r\n").encode() + body)

    one("valid-get.bin", "GET /health HTTP/1.1\nHost: x\nConnection: close\n\n")
    one("valid-post.bin", "POST /v1/completions?a=b%20c HTTP/1.1\nHost: x\n"
        "Authorization: Bearer k\nContent-Length: 15\nConnection: close\n\n", b'{"prompt": "a"}')
    one("valid-chunks.bin", "POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n"
        "3\nabc\nA;x=y\n0123456789\n0\n\n")
    one("valid-two.bin", "GET /a HTTP/1.1\nHost: x\n\nGET /b HTTP/1.1\nHost: x\n"
        "Connection: close\n\n")
    one("valid-old.bin", "GET / HTTP/1.0\n\n")
    one("broken-length.bin", "POST / HTTP/1.1\nHost: x\nContent-Length: 99999999999999999999\n\n")
    one("broken-two-lengths.bin", "POST / HTTP/1.1\nHost: x\nContent-Length: 5\n"
        "Content-Length: 6\n\n", b"abc")
    one("broken-chunk.bin", "POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n"
        "FFFFFFFFFFFFFFFFF\nabc\n")
    one("broken-header.bin", "GET / HTTP/1.1\nHost: x\nX: " + "a" * 40)
    one("broken-cut.bin", "POST / HTTP/1.1\nHost: x\nContent-Length: 15\n\n", b"abc")
    one("broken-bytes.bin", "\0\1\2\n\n")


for make in (make_safetensors, make_gguf, make_llama2c, make_tokenizer_json, make_tokenizer_model,
             make_tokenizer_text, make_template, make_json, make_records, make_config, make_http):
    make()
print(sum(len(files) for _, _, files in os.walk(HERE)), "files in", HERE)
