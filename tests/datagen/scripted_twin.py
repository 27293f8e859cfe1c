"""scripted_twin.py PROGRAM SOURCE: compares PROGRAM (scripted_lines) with tests/oracle/scripted.py.

The requests are of every shape, with and without faults; prompts are answers to other prompts and
odd texts.  Prints how many were compared, by shape and end.
"""
import collections
import json
import random
import subprocess
import sys

sys.path.insert(0, sys.argv[2] + "/tests/oracle")
import scripted  # noqa: E402

SHAPES = ("list", "classification", "sections", "rewritten", "created", "judge", "labels",
          "instances", "answer", "edge")
FAULTS = [k for k in scripted.DEFAULTS if k.startswith("p_")]
STOPS = [[], ["\n\n", "\n16", "16.", "16 ."], ["\n20", "20.", "20."], ["Example 6", "Task:"], ["\n"]]
EDGES = ["", "\n", ".", "7.", "1234567.", "x\n123456.", "12 .", " 12.", "Task: \n", "Task:\n",
         "\nTask: a\nTask: b", "a\nTask: following \x0b\n", "\nIs it classification?",
         "Task: \nIs it classification?", "task: Sort\nIs it classification?",
         "Task: sORT, please\nIs it classification?", "Task: Sorting\nIs it classification?",
         "###\n4. Instruction:", "a###\n4. Instruction:", "###\n4. Instruction: ",
         "###\n1234567. Instruction:", "#Rewritten Prompt#:\n", "#Created Prompt#:\n",
         "#Given Prompt#:\n#Rewritten Prompt#:\n", "a #Given Prompt#:\nb\n#Rewritten Prompt#:\n",
         "#Given Prompt#:\na\n#The Given Prompt#:\n b \n#Created Prompt#:\n",
         "Answer only Equal or Not Equal:\n", "Second Prompt: Answer only Equal or Not Equal:\n",
         "First Prompt: \nSecond Prompt: \nAnswer only Equal or Not Equal:\n",
         "Second Prompt: a\nFirst Prompt: a\nAnswer only Equal or Not Equal:\n",
         "\u00dcber  die\u00df und das 1. 2. 3.", "1. a\n2.  b\n3. \n4.", "abcd efgh ijkl", "\u4e2d\u6587\u5b57"]


def some_task(r):
    if r.random() < 0.15:
        return r.choice(["\u00dcbersetze \u201edas\u201c  hier", "Sort", "judge the following as spam or harmless",
                         "Label a thing", "one two three four five six seven eight nine ten"])
    n = scripted.Numbers(b"", 3, r.getrandbits(64))
    asked = scripted.Asked(b"", n, scripted.DEFAULTS)
    return scripted.Item(asked, 0).instruction().decode()


def some_prompt(r, shape):
    task = some_task(r)
    if shape == "list":
        shown = "".join("%d. %s\n" % (i, some_task(r)) for i in range(1, r.randint(1, 9)))
        return "Think of more tasks:\n" + shown + "%d." % r.choice([9, 1, 100, 999999])
    if shape == "classification":
        return "Decide.\n\nTask: Count.\nIs it classification? No\n\nTask: " + task + scripted.CLASSIFICATION.decode()
    if shape == "sections":
        shown = "".join("###\n%d. Instruction: %s\n%d. Input:\n<noinput>\n%d. Output:\nx\n" %
                        (i, some_task(r), i, i) for i in range(1, r.randint(1, 5)))
        return "List of tasks:\n" + shown + "###\n%d. Instruction:" % r.choice([4, 1, 17])
    if shape in ("rewritten", "created"):
        mark = r.choice(["#The Given Prompt#:\n", "#Given Prompt#:\n"])
        end = scripted.REWRITTEN if shape == "rewritten" else scripted.CREATED
        return "Make it harder.\n" + mark + task + "\n" + end.decode()
    if shape == "judge":
        other = task if r.random() < 0.3 else some_task(r)
        return "Compare.\nFirst Prompt: %s\nSecond Prompt: %s\n%s" % (task, other, scripted.JUDGE.decode())
    if shape in ("labels", "instances"):
        head = "Labels first.\n\n" if shape == "labels" else "Inputs.\n\n"
        return head + "Task: Sort.\nx\n\nTask: " + task + "\n"
    if shape == "answer":
        return "Below is a task.\n\n### Instruction:\n" + task + "\n\n### Response:"
    return r.choice(EDGES)


def some_knobs(r, i):
    knobs = {"seed": r.choice([1, 0, 2, 12345, 2 ** 53])}
    if i % 4 == 0:
        return knobs
    for key in FAULTS:
        if key in ("p_429", "p_500", "p_timeout"):
            knobs[key] = r.choice([0, 0, 0.2, 0.5])
        elif key in ("p_empty", "p_refusal"):
            knobs[key] = r.choice([0, 0.05])
        else:
            knobs[key] = r.choice([0, 0.123457, 0.3, 0.000001, 1 if r.random() < 0.1 else 0.5])
    knobs["retries"] = r.randint(1, 5)
    return knobs


def requests(count):
    r = random.Random(7)
    for i in range(count):
        shape = SHAPES[i % len(SHAPES)]
        yield shape, {"config": some_knobs(r, i // len(SHAPES)), "stream": "%x" % r.getrandbits(64),
                      "prompt": some_prompt(r, shape), "stop": r.choice(STOPS)}


def key_of(r):
    return ["%x" % r.getrandbits(64)] + [r.getrandbits(bits) for bits in (45, 20, 7)]


def draws(count):
    r = random.Random(8)
    for _ in range(count):
        purpose = r.choice(["demonstrate", "choose", "generate", "seeds", "held-out"])
        yield {"purpose": purpose, "key": key_of(r), "below": r.choice([1, 2, 7, 175, 2 ** 32, 2 ** 53 - 1])}


def expected(request):
    if "prompt" in request:
        names = ("text", "end", "why")
        return dict(zip(names, scripted.scripted_answer(
            request["prompt"], int(request["stream"], 16), request["config"], request["stop"])))
    stream = scripted.rng_stream(request["purpose"], *request["key"][1:])
    rng = scripted.Rng(int(request["key"][0], 16), stream)
    return {"stream": "%x" % stream, "draws": [rng.below(request["below"]) for _ in range(5)]}


def main():
    asked = list(requests(4000)) + [("draws", d) for d in draws(300)]
    with open("requests.jsonl", "w") as f:
        f.writelines(json.dumps(q) + "\n" for _, q in asked)
    said = subprocess.run([sys.argv[1], "requests.jsonl"], check=True, capture_output=True)
    lines = said.stdout.decode().splitlines()
    if len(lines) != len(asked):
        sys.exit("%d answers to %d requests" % (len(lines), len(asked)))
    seen, bad = collections.Counter(), 0
    for (shape, request), line in zip(asked, lines):
        got, want = json.loads(line), expected(request)
        seen[shape, want.get("why") or want.get("end", "")] += 1
        if got != want:
            bad += 1
            if bad <= 3:
                print("differs:", json.dumps(request), "\n  got ", json.dumps(got), "\n  want", json.dumps(want))
    for (shape, end), count in sorted(seen.items()):
        print("%-15s %-9s %5d" % (shape, end, count))
    print("%d compared, %d differ" % (len(asked), bad))
    sys.exit(1 if bad else 0)


main()
