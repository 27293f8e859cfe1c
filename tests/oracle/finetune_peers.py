"""The same fine-tuning in PyTorch: the batches that tandem wrote, from the same weights.

  finetune_peers.py MODEL RUN [ADAPTER]

MODEL: the Hugging Face folder that the run began with.  RUN: its directory, with batches.jsonl and
metrics.jsonl.  ADAPTER: the folder of PEFT with the adapter as it was before the first step; without
it the whole model is trained.  Learning rates are those of transformers' cosine schedule, AdamW and
clipping are PyTorch's.  Prints the largest relative difference of the loss over all steps, and fails
above the tolerance.  Exit code 77 where torch, transformers or peft cannot be imported.
"""
import json
import os
import sys

try:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

TOLERANCE = 1e-4
STEPS = 50


def lines(path, wanted):
    steps = {}
    for line in open(path):
        row = json.loads(line)
        if wanted(row):
            steps[row["step"]] = row  # a step that was done again after a stop counts once
    return [steps[i + 1] for i in range(STEPS)]


def optimizer_of(model, settings):
    decayed, others = [], []
    for name, p in model.named_parameters():
        if p.requires_grad:
            is_table = "embed_tokens" in name
            (decayed if p.dim() == 2 and not is_table else others).append(p)
    o = settings["optimizer"]
    groups = [{"params": decayed, "weight_decay": o["decay"]},
              {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=settings["schedule"]["lr"],
                             betas=(o["beta1"], o["beta2"]), eps=o["eps"])


def loss_of(model, examples):
    total, weights = 0.0, 0.0
    for e in examples:
        ids = torch.tensor([e["tokens"]])
        weight = torch.tensor(e["weights"])[1:]
        logp = torch.log_softmax(model(ids).logits[0, :-1], dim=-1)
        total = total - (weight * logp.gather(1, ids[0, 1:, None])[:, 0]).sum()
        weights += float(weight.double().sum())
    return total / weights


def main(folder, run, adapter):
    settings = json.load(open(os.path.join(run, "run.json")))["config"]["base"]
    batches = lines(os.path.join(run, "batches.jsonl"), lambda r: r["iteration"] == 0)
    told = lines(os.path.join(run, "metrics.jsonl"), lambda r: r["kind"] == "step")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    model.train()
    optimizer = optimizer_of(model, settings)
    schedule = get_cosine_schedule_with_warmup(
        optimizer, settings["schedule"]["warmup_steps"], STEPS)
    trained = [p for p in model.parameters() if p.requires_grad]
    worst, worst_norm, where = 0.0, 0.0, 0
    for step, (batch, tandem) in enumerate(zip(batches, told)):
        optimizer.zero_grad()
        loss = loss_of(model, batch["examples"])
        loss.backward()
        norm = float(torch.nn.utils.clip_grad_norm_(trained, settings["optimizer"]["clip"]))
        rate = schedule.get_last_lr()[0]
        if abs(rate - tandem["lr"]) > 1e-5 * settings["schedule"]["lr"]:
            sys.exit("step %d: rate %g, tandem had %g" % (step + 1, rate, tandem["lr"]))
        optimizer.step()
        schedule.step()
        difference = abs(float(loss) - tandem["loss"]) / abs(float(loss))
        worst_norm = max(worst_norm, abs(norm - tandem["grad_norm"]) / norm)
        if difference >= worst:
            worst, where = difference, step + 1
    print("%s: %d steps, %d numbers trained, loss %.4f to %.4f; largest relative difference of the "
          "loss %.2e at step %d, of the gradient's norm %.1e" %
          ("full" if adapter is None else "LoRA", STEPS, sum(p.numel() for p in trained),
           told[0]["loss"], told[-1]["loss"], worst, where, worst_norm))
    if not worst < TOLERANCE:
        sys.exit("largest relative difference %g, allowed is %g" % (worst, TOLERANCE))


if __name__ == "__main__":
    torch.manual_seed(0)
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
