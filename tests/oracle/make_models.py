#!/usr/bin/env python3
"""Tiny random models and what PyTorch and transformers compute with them: a set of goldens.

    python3 make_models.py --out FOLDER [--seed N] [--only NAME ...]
    TANDEM_GOLDENS=FOLDER ctest --test-dir build -L golden

Needs torch, transformers (5 or newer), safetensors, h5py and numpy.  Every model is a folder:
config.json as transformers writes it, config.v4.json in the older spelling of most published
files, model.safetensors, and golden.h5 with /forward, /grads, /packed, /adamw and /greedy; one
model stands there in shards too.  Sizes and weights are drawn from the seed, so that each seed is a
set that no one has seen.  All float32; the groups of golden.h5 and their names are those that
tests/golden reads.
"""
import argparse
import json
import math
import os
import shutil

import h5py
import numpy as np
import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

NEW_TOKENS = 24       # of a greedy text
MARGIN = 2e-3         # between the first and the second logit: beyond what rounding does
TRIALS = 40           # seeds of weights until every margin is wide enough
EMBEDDINGS = ("embed_tokens", "wte", "wpe", "embed_in")


# ---- configs

def llama_sizes(draw, head=None):
    heads, groups = draw([(4, 2), (4, 4), (6, 2), (3, 1), (2, 2)])
    width = heads * draw([4, 6, 8, 10])
    sizes = dict(vocab_size=draw([83, 97, 127, 149]), hidden_size=width,
                 intermediate_size=draw([36, 44, 60]), num_hidden_layers=draw([2, 3]),
                 num_attention_heads=heads, num_key_value_heads=groups,
                 max_position_embeddings=128, rms_norm_eps=draw([1e-5, 1e-6]),
                 bos_token_id=1, eos_token_id=2, pad_token_id=None)
    if head:
        sizes["head_dim"] = draw(head)
    return sizes


def rope(kind, theta, **more):
    return {"rope_type": kind, "rope_theta": float(theta), **more}


def gemma_sizes(draw):
    return llama_sizes(draw, head=[8, 12, 16])


def models(draw):
    """name: (model_type, config), all sizes drawn."""
    window = draw([5, 7, 9])
    llama3 = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                  original_max_position_embeddings=16)
    both_ropes = {"full_attention": rope("default", 500000), "sliding_attention":
                  rope("default", draw([10000, 300]))}
    scaled_ropes = {"full_attention": rope("linear", 100000, factor=8.0),
                    "sliding_attention": rope("default", 10000)}
    heads = draw([2, 3, 4])
    neox = dict(vocab_size=draw([101, 113]), hidden_size=heads * 16, num_hidden_layers=2,
                num_attention_heads=heads, intermediate_size=draw([60, 92]),
                max_position_embeddings=64, bos_token_id=1, eos_token_id=2)
    return {
        "llama-tied": ("llama", dict(llama_sizes(draw), tie_word_embeddings=True)),
        "llama-biases": ("llama", dict(llama_sizes(draw), attention_bias=True, mlp_bias=True)),
        "llama-heads": ("llama", dict(llama_sizes(draw, head=[6, 14]),
                                      rope_parameters=rope("default", 500000))),
        "llama-linear": ("llama", dict(llama_sizes(draw),
                                       rope_parameters=rope("linear", 10000, factor=2.5))),
        "llama-llama3": ("llama", dict(llama_sizes(draw),
                                       rope_parameters=rope("llama3", 5000, **llama3))),
        "llama-yarn": ("llama", dict(
            llama_sizes(draw), rope_parameters=rope(
                "yarn", 10000, factor=4.0, original_max_position_embeddings=32))),
        "mistral": ("mistral", dict(llama_sizes(draw), sliding_window=window)),
        "mistral-full": ("mistral", dict(llama_sizes(draw), sliding_window=None)),
        "qwen2": ("qwen2", dict(llama_sizes(draw), tie_word_embeddings=draw([True, False]))),
        "qwen2-window": ("qwen2", dict(llama_sizes(draw), use_sliding_window=True,
                                       sliding_window=window, max_window_layers=1)),
        "qwen3": ("qwen3", dict(llama_sizes(draw, head=[8, 12]), tie_word_embeddings=True)),
        "phi3": ("phi3", dict(llama_sizes(draw), sliding_window=window)),
        "gptneox": ("gpt_neox", dict(neox, rope_parameters=dict(
            rope("default", 10000), partial_rotary_factor=0.25))),
        "gptneox-inline": ("gpt_neox", dict(neox, use_parallel_residual=False,
                                            rope_parameters=dict(rope("default", 5000),
                                                                 partial_rotary_factor=0.5))),
        "gpt2": ("gpt2", dict(vocab_size=draw([89, 103]), n_embd=heads * 10, n_head=heads,
                              n_layer=draw([2, 3]), n_positions=64, n_inner=draw([None, 52]),
                              bos_token_id=1, eos_token_id=2)),
        "gemma": ("gemma", dict(gemma_sizes(draw), rope_parameters=rope("default", 10000))),
        "gemma2": ("gemma2", dict(gemma_sizes(draw), num_hidden_layers=draw([3, 4]),
                                  sliding_window=window, query_pre_attn_scalar=draw([7, 20]),
                                  attn_logit_softcapping=draw([2.0, 3.5]),
                                  final_logit_softcapping=draw([4.0, 6.0]))),
        "gemma2-no-caps": ("gemma2", dict(gemma_sizes(draw), sliding_window=window,
                                          query_pre_attn_scalar=10, attn_logit_softcapping=None,
                                          final_logit_softcapping=None)),
        "gemma3": ("gemma3_text", dict(gemma_sizes(draw), num_hidden_layers=7,
                                       sliding_window=window, query_pre_attn_scalar=draw([9, 30]),
                                       rope_parameters=both_ropes)),
        "gemma3-scaled": ("gemma3_text", dict(gemma_sizes(draw), num_hidden_layers=4,
                                              sliding_window=window, sliding_window_pattern=2,
                                              query_pre_attn_scalar=16,
                                              final_logit_softcapping=5.0,
                                              rope_parameters=scaled_ropes)),
    }


def older_spelling(config, asked):
    """The config as transformers 4 wrote it."""
    c = dict(config)
    c["torch_dtype"] = c.pop("dtype", "float32")
    given = c.pop("rope_parameters", None) or {}
    if "full_attention" in given:
        c["rope_local_base_freq"] = given["sliding_attention"]["rope_theta"]
        given = given["full_attention"]
    given = dict(given)
    theta, share = given.pop("rope_theta", None), given.pop("partial_rotary_factor", None)
    kind = given.pop("rope_type", "default")
    if theta is not None:
        c["rotary_emb_base" if c["model_type"] == "gpt_neox" else "rope_theta"] = theta
    if share is not None and share != 1.0:
        c["rotary_pct"] = share
    if theta is not None:
        c["rope_scaling"] = None if kind == "default" else {"type": kind, **given}
    c.pop("layer_types", None)  # what the family does anyway, or the pattern says
    c.pop("_sliding_window_pattern", None)
    if "sliding_window_pattern" in asked:
        c["sliding_window_pattern"] = asked["sliding_window_pattern"]
    return c


# ---- weights and inputs

def shifts_norms(model_type):
    return model_type.startswith("gemma")


def fill(model, model_type, seed):
    """Weights large enough that every part of the network matters."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=g)
            if p.dim() == 2:
                inner = p.shape[0] if "c_" in name else p.shape[1]
                p.copy_(noise * (0.4 if any(e in name for e in EMBEDDINGS) else
                                 1.3 / math.sqrt(inner)))
            elif "norm" in name and name.endswith("weight") or "ln_" in name and \
                    name.endswith("weight"):
                p.copy_(0.25 * noise + (0 if shifts_norms(model_type) else 1))
            else:
                p.copy_(0.2 * noise)


def draw_weights(rng, *shape):
    """Of predictions: some 0, most 1, some between; none for the first token."""
    kind = rng.random(shape)
    w = np.where(kind < 0.3, 0, np.where(kind < 0.7, 1, rng.random(shape).round(3)))
    w[..., 0] = 0
    return w.astype(np.float32)


class Names:
    """Parameters by their names in the file, which some models give another name in memory."""

    def __init__(self, model, path):
        saved = load_file(path)
        self.of = {}
        for name, p in model.named_parameters():
            same = [k for k, v in saved.items() if v.shape == p.shape and torch.equal(v, p)]
            self.of[name if name in saved else same[0]] = p
        assert len(self.of) == len(saved), (sorted(self.of), sorted(saved))

    def three(self):
        names = list(self.of)
        return [names[0], names[len(names) // 2], names[-2]]


# ---- what is computed

def logps_of(logits, ids):
    """log p of each token given those before it; 0 for the first."""
    logp = torch.log_softmax(logits[:, :-1], -1).gather(2, ids[:, 1:, None]).squeeze(2)
    return torch.cat([torch.zeros_like(logp[:, :1]), logp], 1)


def run(model, ids, weights, positions=None):
    model.zero_grad(set_to_none=True)
    logits = model(ids, position_ids=positions, use_cache=False).logits
    logp = logps_of(logits, ids)
    loss = -(logp * weights).sum() / weights.sum()
    loss.backward()
    wide = -(logp.detach().double() * weights.double()).sum()
    return logits.detach(), logp.detach(), float(wide), float(weights.double().sum())


def put(group, name, value, dtype, dims):
    data = group.create_dataset(name, data=np.asarray(value, dtype=dtype))
    data.attrs["dims"] = dims


def put_forward(f, model, rng, vocab, names):
    shape = (2, int(rng.integers(26, 34)))
    ids = torch.from_numpy(rng.integers(0, vocab, shape))
    weights = torch.from_numpy(draw_weights(rng, *shape))
    logits, logp, total, weight = run(model, ids, weights)
    g = f.create_group("forward")
    following = torch.cat([logp[:, 1:], torch.zeros_like(logp[:, :1])], 1)
    put(g, "ids", ids, "i4", "batch time")
    put(g, "loss_weights", weights, "f4", "batch time")
    put(g, "logits", logits, "f4", "batch time vocab")
    put(g, "logprobs", logp, "f4", "batch time")
    put(g, "logprobs_of_next", following, "f4", "batch time")
    put(g, "loss_weighted_sum", total, "f8", "scalar")
    put(g, "weight_sum", weight, "f8", "scalar")
    put(g, "mean_loss", total / weight, "f8", "scalar")
    g = f.create_group("grads")
    for name, p in names.of.items():
        put(g, name, p.grad, "f4", "as the parameter")


def put_packed(f, model, rng, vocab, names):
    lengths = [int(rng.integers(6, 12)), int(rng.integers(14, 20)), int(rng.integers(8, 14))]
    starts = np.repeat(np.cumsum([0] + lengths[:-1]), lengths)
    positions = np.arange(sum(lengths)) - starts
    ids = torch.from_numpy(rng.integers(0, vocab, (1, sum(lengths))))
    weights = draw_weights(rng, 1, sum(lengths))
    weights[0, positions == 0] = 0
    weights = torch.from_numpy(weights)
    logits, logp, total, weight = run(model, ids, weights, torch.from_numpy(positions)[None])
    for start, length in zip(np.cumsum([0] + lengths), lengths):
        with torch.no_grad():
            alone = model(ids[:, start:start + length], use_cache=False).logits
        assert (alone - logits[:, start:start + length]).abs().max() < 2e-5
    logp[0, positions == 0] = 0
    g = f.create_group("packed")
    for name, value in (("ids", ids), ("doc_start", starts[None]), ("positions", positions[None])):
        put(g, name, value, "i4", "row time")
    put(g, "loss_weights", weights, "f4", "row time")
    put(g, "logits", logits, "f4", "row time vocab")
    put(g, "logprobs", logp, "f4", "row time")
    put(g, "mean_loss", total / weight, "f8", "scalar")
    grads = g.create_group("grads")
    for name in names.three():
        put(grads, name, names.of[name].grad, "f4", "as the parameter")


def rate(i, lr, warmup, total):
    if i < warmup:
        return lr * i / warmup
    return lr * 0.5 * (1 + math.cos(math.pi * (i - warmup) / (total - warmup)))


def put_adamw(f, model, rng, vocab, names):
    steps, shape = 5, (2, int(rng.integers(24, 32)))
    s = dict(lr=0.01, beta1=0.85, beta2=0.98, eps=1e-4, weight_decay=0.05, grad_clip_norm=2.0)
    warmup, total = 2, 11
    ids = rng.integers(0, vocab, (steps,) + shape)
    weights = draw_weights(rng, steps, *shape)
    ids[3:], weights[3:] = ids[:2], weights[:2]
    moments = {n: (torch.zeros_like(p), torch.zeros_like(p)) for n, p in names.of.items()}
    losses, norms, rates = [], [], [rate(i, s["lr"], warmup, total) for i in range(steps)]
    for i in range(steps):
        _, _, sum_, weight = run(model, torch.from_numpy(ids[i]), torch.from_numpy(weights[i]))
        squares = [float(p.grad.double().square().sum()) for p in names.of.values()]
        norm = math.sqrt(sum(squares))
        losses.append(sum_ / weight)
        norms.append(norm)
        with torch.no_grad():
            for name, p in names.of.items():
                grad = p.grad * min(1.0, s["grad_clip_norm"] / (norm + 1e-6))
                m, v = moments[name]
                if p.dim() == 2 and not any(e in name for e in EMBEDDINGS):
                    p.mul_(1 - rates[i] * s["weight_decay"])
                m.mul_(s["beta1"]).add_(grad, alpha=1 - s["beta1"])
                v.mul_(s["beta2"]).addcmul_(grad, grad, value=1 - s["beta2"])
                up = m / (1 - s["beta1"] ** (i + 1))
                down = (v / (1 - s["beta2"] ** (i + 1))).sqrt() + s["eps"]
                p.sub_(rates[i] * up / down)
    g = f.create_group("adamw")
    for key, value in s.items():
        g.attrs[key] = np.float64(value)
    g.attrs["warmup_steps"], g.attrs["total_steps"] = np.int64(warmup), np.int64(total)
    g.attrs["tensor_names"] = "\n".join(names.of)
    put(g, "ids", ids, "i4", "step batch time")
    put(g, "loss_weights", weights, "f4", "step batch time")
    put(g, "lrs", rates, "f8", "step")
    put(g, "losses", losses, "f8", "step")
    put(g, "grad_norms", norms, "f8", "step")
    last = g.create_group("params")
    for name in names.three():
        put(last, name, names.of[name].detach(), "f4", "as the parameter")
    wide = [p.detach().double() for p in names.of.values()]
    put(g, "checksums", [[float(p.sum()), float(p.square().sum())] for p in wide], "f8",
        "tensor {sum, sum_of_squares}")


def greedy(model, prompt):
    ids, logps, margins = torch.from_numpy(prompt)[None], [], []
    for _ in range(NEW_TOKENS):
        with torch.no_grad():
            logits = model(ids, use_cache=False).logits[0, -1]
        best = torch.topk(logits, 2)
        margins.append(float(best.values[0] - best.values[1]))
        logps.append(float(torch.log_softmax(logits, -1)[best.indices[0]]))
        ids = torch.cat([ids, best.indices[:1][None]], 1)
    return ids[0, -NEW_TOKENS:].numpy(), logps, margins


def put_greedy(f, prompts, texts):
    g = f.create_group("greedy")
    for i, prompt in enumerate(prompts):
        put(g, f"prompt_{i}", prompt, "i4", "time")
    put(g, "ids", [t[0] for t in texts], "i4", "prompt step")
    put(g, "logprobs", [t[1] for t in texts], "f4", "prompt step")
    put(g, "margins", [t[2] for t in texts], "f4", "prompt step")


# ---- one model, all models

def make(folder, model_type, asked, seed, sharded):
    rng = np.random.default_rng(seed)
    config = AutoConfig.for_model(model_type, **asked)
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    vocab = config.vocab_size
    prompts = [rng.integers(0, vocab, n) for n in (1, 5, 11)]
    for trial in range(TRIALS):
        fill(model, model_type, seed * TRIALS + trial)
        texts = [greedy(model, p) for p in prompts]
        if min(min(t[2]) for t in texts) > MARGIN:
            break
    else:
        raise SystemExit(f"{folder}: no weights with margins above {MARGIN}; take another seed")
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    if sharded:
        shutil.rmtree(folder + "-sharded", ignore_errors=True)
        model.save_pretrained(folder + "-sharded", max_shard_size="15KB")
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        newer = json.load(f)
    with open(os.path.join(folder, "config.v4.json"), "w", encoding="utf-8") as f:
        json.dump(older_spelling(newer, asked), f, indent=2)
    names = Names(model, os.path.join(folder, "model.safetensors"))
    with h5py.File(os.path.join(folder, "golden.h5"), "w", libver=("earliest", "v108")) as f:
        f.attrs["model"], f.attrs["seed"] = model_type, np.int64(seed)
        f.attrs["transformers"] = transformers.__version__
        put_forward(f, model, rng, vocab, names)
        put_packed(f, model, rng, vocab, names)
        put_greedy(f, prompts, texts)
        put_adamw(f, model, rng, vocab, names)  # last: it changes the weights
    print(f"{folder}: {sum(p.numel() for p in model.parameters())} parameters", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--out", required=True, help="folder of the set")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", nargs="*", default=[], help="names of models; none: all")
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    rng = np.random.default_rng(a.seed)
    table = models(lambda choices: choices[int(rng.integers(len(choices)))])
    unknown = [n for n in a.only if n not in table]
    if unknown:
        raise SystemExit(f"no model {unknown[0]}; there are {', '.join(table)}")
    for i, (name, (model_type, asked)) in enumerate(table.items()):
        if not a.only or name in a.only:
            make(os.path.join(a.out, name), model_type, asked, 1000 * a.seed + i,
                 sharded=name == "llama-heads")


if __name__ == "__main__":
    main()
