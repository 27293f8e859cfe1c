"""Adapters against PEFT.

  peft_folders.py make GOLDENS CASES   adapters with random numbers, as PEFT saves them, and its logits
  peft_folders.py compare CASES        logits of `tandem score` for both folders against PEFT's, and
                                       tensors of the folder that tandem wrote against those it read

Exit code 77 where torch, transformers or peft cannot be imported.
"""
import json
import os
import sys

try:
    import h5py
    import numpy
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

TOLERANCE = 1e-5

# name, base, what LoraConfig gets
CASES = [
    ("llama", "llama-gqa-untied", dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])),
    ("rslora", "qwen2", dict(r=5, lora_alpha=7, use_rslora=True, target_modules="all-linear")),
    ("layers", "llama-gqa-untied", dict(r=2, lora_alpha=2, layers_to_transform=[0, 2],
                                        target_modules=["down_proj", "k_proj"])),
    ("beside", "llama-gqa-untied", dict(r=3, lora_alpha=6, target_modules=["o_proj"],
                                        modules_to_save=["embed_tokens", "norm", "lm_head"])),
    ("tied", "llama-mha-tied", dict(r=3, lora_alpha=6, target_modules=["o_proj"],
                                    modules_to_save=["embed_tokens"], ensure_weight_tying=True)),
    ("head", "llama-gqa-untied", dict(r=3, lora_alpha=6, target_modules=["q_proj", "lm_head"])),
    ("gpt2", "gpt2", dict(r=4, lora_alpha=8, target_modules=["c_attn", "mlp.c_proj"],
                          fan_in_fan_out=True)),
    ("gpt2-all", "gpt2", dict(r=4, lora_alpha=8, target_modules="all-linear", fan_in_fan_out=True,
                              modules_to_save=["ln_1", "ln_f"])),
    ("neox", "gptneox", dict(r=4, lora_alpha=8, target_modules="all-linear")),
    ("qwen3", "qwen3", dict(r=4, lora_alpha=8, target_modules="all-linear",
                            modules_to_save=["norm"])),
]


def ids_of(vocabulary):
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, vocabulary, (3, 20), generator=generator)


def logits_of(model):
    model.eval()
    with torch.no_grad():
        return model(ids_of(model.config.vocab_size)).logits.numpy()


def make_one(goldens, folder, base, settings):
    torch.manual_seed(len(folder))
    model = AutoModelForCausalLM.from_pretrained(os.path.join(goldens, base), dtype=torch.float32)
    peft = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings))
    for name, p in peft.named_parameters():
        if p.requires_grad:
            p.data += 0.1 * torch.randn_like(p)
    peft.save_pretrained(os.path.join(folder, "theirs"))
    numpy.save(os.path.join(folder, "logits.npy"), logits_of(peft))
    json.dump(ids_of(model.config.vocab_size).tolist(), open(os.path.join(folder, "ids.json"), "w"))
    open(os.path.join(folder, "base"), "w").write(os.path.join(goldens, base))


def make(goldens, folder):
    for name, base, settings in CASES:
        os.makedirs(os.path.join(folder, name))
        make_one(os.path.abspath(goldens), os.path.join(folder, name), base, settings)
        print(name)


def scored(path, shape):
    with h5py.File(path) as f:
        return f["logits"][...].reshape(shape)


def bits(folder):
    # A head that is adapted is saved once more as it was, which says nothing new.
    tensors = load_file(os.path.join(folder, "adapter_model.safetensors"))
    return {name: t for name, t in tensors.items() if ".base_layer." not in name}


def compare_one(folder):
    want = numpy.load(os.path.join(folder, "logits.npy"))
    base = AutoModelForCausalLM.from_pretrained(open(os.path.join(folder, "base")).read(),
                                                dtype=torch.float32)
    ours = logits_of(PeftModel.from_pretrained(base, os.path.join(folder, "ours")))
    worst = {
        "tandem": abs(scored(os.path.join(folder, "theirs.h5"), want.shape) - want).max(),
        "round trip": abs(scored(os.path.join(folder, "ours.h5"), want.shape) - want).max(),
        "PEFT on tandem's folder": abs(ours - want).max(),
    }
    for what, difference in worst.items():
        if not difference <= TOLERANCE:
            sys.exit("%s: logits of %s differ by %g" % (folder, what, difference))
    a, b = bits(os.path.join(folder, "theirs")), bits(os.path.join(folder, "ours"))
    if sorted(a) != sorted(b):
        sys.exit("%s: other tensors: %s" % (folder, sorted(set(a) ^ set(b))))
    for name in a:
        if not torch.equal(a[name].float(), b[name]):
            sys.exit("%s: %s has other bits" % (folder, name))
    return max(worst.values()), len(a)


def compare(folder):
    worst, tensors = 0, 0
    for name, _, _ in CASES:
        difference, count = compare_one(os.path.join(folder, name))
        worst, tensors = max(worst, difference), tensors + count
    print("%d adapters, %d tensors with the same bits, logits within %.1e" %
          (len(CASES), tensors, worst))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3])
    else:
        compare(sys.argv[2])
