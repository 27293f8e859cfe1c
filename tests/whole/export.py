#!/usr/bin/env python3
"""export.py NAME ODD: checks the exports NAME.FORM and NAME.FORM-seeds of the run NAME against each
other and against NAME.yields (tandem inspect --yields --json).  ODD: seeds with texts that are easily
spoilt."""
import json
import os
import sys

name, odd = sys.argv[1:]
bad = compared = 0


def same(what, expected, found):
    global bad, compared
    compared += 1
    if expected != found:
        bad += 1
        if bad < 20:
            print(f"{what}: expected {str(expected)[:200]!r}, found {str(found)[:200]!r}")


def lines(path):
    with open(path, encoding="utf-8", newline="\n") as f:
        return [json.loads(line) for line in f]


def listed(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


FIVE = {
    "machine_generated_instructions.jsonl": ["instruction", "most_similar", "avg_similarity_score",
                                             "request_idx"],
    "is_clf_or_not.jsonl": ["instruction", "is_classification"],
    "machine_generated_instances.jsonl": ["instruction", "raw_instances", "is_classification"],
    "all_generated_instances.jsonl": ["instruction", "input", "output"],
    "finetuning_data.jsonl": ["prompt", "completion"],
}

kept = {s["iteration"]: s["kept"] for s in listed(name + ".yields")["sets"]}
odd_tasks = [(t["instruction"], t["instances"][0]["input"], t["instances"][0]["output"])
             for t in lines(odd)]

for end in "", "-seeds":
    count = sum(n for i, n in kept.items() if i > 0 or end)
    rows, messages = lines(f"{name}.rows{end}"), lines(f"{name}.messages{end}")
    alpaca, wizard = listed(f"{name}.alpaca{end}"), listed(f"{name}.wizardlm{end}")
    for form, found in ("rows", rows), ("messages", messages), ("alpaca", alpaca), ("wizardlm", wizard):
        same(f"{form}{end}: examples", count, len(found))
    same("ids differ", count, len({r["id"] for r in rows}))
    same("members of all rows of an iteration", True, all(
        len({tuple(r) for r in rows if r["id"].split("/")[0] == i}) == 1
        for i in {r["id"].split("/")[0] for r in rows}))
    for r, m, a, w in zip(rows, messages, alpaca, wizard):
        same("id of messages", r["id"], m["id"])
        same("keys of alpaca", ["instruction", "input", "output"], list(a))
        same("keys of wizardlm", ["instruction", "output"], list(w))
        for key in a:
            same(f"alpaca {key}", r[key], a[key])
        same("wizardlm instruction", r["instruction"] + ("\n" + r["input"] if r["input"] else ""),
             w["instruction"])
        same("wizardlm output", r["output"], w["output"])
        turns = m["messages"]
        same("roles", ["user", "assistant"], [t["role"] for t in turns])
        same("the answer is the output", r["output"].strip(), turns[-1]["content"].strip())
        # self-instruct changes inputs of some templates; the words stay
        flat = " ".join(turns[0]["content"].split())
        same("the prompt holds the instruction", True,
             " ".join(r["instruction"].split()) in flat)
        same("the prompt holds the input", True, " ".join(r["input"].split()) in flat)
    if end:
        found = {(r["instruction"], r["input"], r["output"]) for r in rows}
        for task in odd_tasks:
            same(f"odd seed {task[0]!r}", True, task in found)

if name == "self-instruct":
    folder = name + ".self-instruct"
    same("files of the five steps", sorted(FIVE), sorted(os.listdir(folder)))
    five = {file: lines(os.path.join(folder, file)) for file in FIVE}
    for file, keys in FIVE.items():
        same(f"{file}: lines", True, len(five[file]) > 0)
        for line in five[file]:
            same(f"{file}: keys", keys, list(line))
    rows = lines(name + ".rows")
    first, kinds, raw = (five[f] for f in list(FIVE)[:3])
    same("instructions are unique", len(first), len({t["instruction"] for t in first}))
    same("instructions, kinds", [t["instruction"] for t in first], [t["instruction"] for t in kinds])
    same("instructions, raw", [t["instruction"] for t in first], [t["instruction"] for t in raw])
    for t in first:
        values = list(t["most_similar"].values())
        same("similar falls", sorted(values, reverse=True), values)
        same("similar", True, all(0 <= v <= 0.7 for v in values) and len(values) <= 10)
        same("mean similarity", True, 0 < t["avg_similarity_score"] <= max(values))
        same("request", True, isinstance(t["request_idx"], int))
    for kind, r in zip(kinds, raw):
        same("kind", r["is_classification"], "yes" in kind["is_classification"].lower())
    same("instances", [(r["instruction"], r["input"], r["output"]) for r in rows],
         [(i["instruction"], i["input"], i["output"]) for i in five["all_generated_instances.jsonl"]])
    tuning = five["finetuning_data.jsonl"]
    for t, m in zip(tuning, lines(name + ".messages")):
        same("prompt", m["messages"][0]["content"], t["prompt"])
        same("completion", m["messages"][1]["content"] + "<|endoftext|>", t["completion"])

print(f"compared {compared}, {bad} different")
sys.exit(bad > 0 or compared < 100)
