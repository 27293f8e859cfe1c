#!/usr/bin/env python3
"""tasks_torch.py MODEL CHOICES.json CHOICES.jsonl TEXTS.json TEXT: the log-likelihoods of a multiple
choice (CommonsenseQA) and of a text in sliding windows, computed anew by torch and transformers and
compared with the details of `tandem eval`.  Needs the two; prints how many it compared."""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TOL = 2e-4  # nats, of sums over some tens of tokens in float32

model_path, choices_path, questions_path, texts_path, text_path = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(model_path)
model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32).eval()
worst, compared, wrong = 0.0, 0, 0


def encode(text):
    return [tokenizer.bos_token_id] + tokenizer.encode(text, add_special_tokens=False)


def logp(ids):
    with torch.no_grad():
        scores = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)
    return [scores[i - 1, ids[i]].item() for i in range(1, len(ids))]


def compare(what, want, found, tol=TOL):
    global worst, compared, wrong
    compared += 1
    worst = max(worst, abs(want - found))
    if abs(want - found) > tol:
        wrong += 1
        print("%s: expected %.7f, found %.7f" % (what, want, found))


questions = [json.loads(line) for line in open(questions_path, encoding="utf-8")]
for d in json.load(open(choices_path))["tasks"][0]["details"]:
    q = questions[d["example"]]["question"]
    context = encode("Question: %s\nAnswer:" % q["stem"])
    for i, choice in enumerate(q["choices"]):
        whole = encode("Question: %s\nAnswer: %s" % (q["stem"], choice["text"]))
        rest = whole[len(context):]
        assert len(rest) == d["tokens"][i], (d["example"], i)
        compare("question %d choice %d" % (d["example"], i),
                sum(logp(context + rest)[len(context) - 1:]), d["logp"][i])

result = json.load(open(texts_path))["tasks"][0]
size, stride = result["keys"]["context"], result["keys"]["stride"]
ids, done, total, windows = encode(open(text_path, encoding="utf-8").read()), 1, 0.0, 0
for begin in range(0, len(ids), stride):
    end = min(begin + size, len(ids))
    total -= sum(logp(ids[begin:end])[done - begin - 1:])
    done, windows = end, windows + 1
    if end == len(ids):
        break
assert windows == result["details"][0]["windows"] and windows > 1
assert len(ids) - 1 == result["details"][0]["tokens"]
compare("text", total, result["details"][0]["nll"], 1e-3)
print("torch: compared %d, %d wrong, largest difference %.2g nats" % (compared, wrong, worst))
sys.exit(wrong > 0 or compared == 0)
