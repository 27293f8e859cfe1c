#!/usr/bin/env python3
"""tasks.py RESULTS.json DATA.jsonl ...: judges again what `tandem eval --tasks --out --details` says.

From the details (texts, log-probabilities, sums) and the data files, written from the definitions:
answers and targets, exact match, ROUGE-L, pass@k by combinations, majority, the choices, perplexity,
and the intervals of all of them, per group too.  One DATA file for each task, JSON lines.  Prints
what disagrees; the exit code says whether anything does.  The number of things compared comes last.
"""
import json
import math
import re
import string
import sys

Z = 1.959963984540054
compared = 0
wrong = 0


def same(what, want, found, tol=1e-12):
    global compared, wrong
    compared += 1
    if isinstance(want, float) and isinstance(found, (int, float)):
        ok = abs(want - found) <= tol * max(1, abs(want))
    else:
        ok = want == found
    if not ok:
        wrong += 1
        print("%s: expected %r, found %r" % (what, want, found))


# ---- records and templates

def at(record, path):
    for part in path.rstrip("?").split("."):
        if isinstance(record, list):
            record = record[int(part)] if int(part) < len(record) else None
        else:
            record = record.get(part) if record is not None else None
    return "" if record is None else record if isinstance(record, str) else json.dumps(record)


def fields(record, keys):
    paths = keys["data"].get("fields") or {k: k for k in record}
    return {name: at(record, path) for name, path in paths.items()}


def expand(template, values):
    out = re.sub(r"\{\{|\}\}|\{(\w+)\}",
                 lambda m: values[m[1]] if m[1] else m[0][0], template)
    return out


# ---- answers

def extract(rule, text):
    by, last = rule.get("by", "whole"), rule.get("which", "first") == "last"
    if by == "whole":
        return text
    if by == "last_number":
        found = re.findall(r"(?:(?<![0-9A-Za-z])-)?[0-9]+(?:,[0-9]+)*(?:\.[0-9]+)?", text)
        return found[-1] if found else None
    if by == "after":
        places = [m.end() for m in re.finditer(re.escape(rule["after"]), text)]
        return text[places[-1 if last else 0]:].split("\n")[0] if places else None
    found = list(re.finditer(rule["pattern"], text))
    if not found:
        return None
    m = found[-1 if last else 0]
    return m[1] if m.re.groups and m[1] is not None else m[0]


def number(text):
    m = re.fullmatch(r"([+\-$]*)([0-9.,]*?)[.%]*", text.strip())
    digits = m[2].replace(",", "") if m else ""
    if not re.fullmatch(r"[0-9]+|[0-9]*\.[0-9]+", digits):
        return text
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    digits = digits.lstrip("0")
    if not digits or digits[0] == ".":
        digits = "0" + digits
    return ("-" if "-" in m[1] and digits != "0" else "") + digits


NORMAL = {"strip": str.strip,
          "lower": str.lower,
          "punctuation": lambda s: "".join(c for c in s if c not in string.punctuation),
          "articles": lambda s: re.sub(r"(?i)\b(a|an|the)\b", "", s),
          "space": lambda s: " ".join(s.split()),
          "number": number}


def normal(rule, text):
    for name in rule.get("normalize", ["strip"]):
        text = NORMAL[name](text)
    return text


# ---- metrics

def rouge(a, b):
    a, b = (re.findall(r"[a-z0-9]+", s.lower()) for s in (a, b))
    row = [0] * (len(b) + 1)
    for x in a:
        new = [0]
        for j, y in enumerate(b):
            new.append(row[j] + 1 if x == y else max(row[j + 1], new[j]))
        row = new
    if row[-1] == 0:
        return 0.0
    p, r = row[-1] / len(a), row[-1] / len(b)
    return 2 * p * r / (p + r)


def majority(answers, logp):
    names = sorted({a for a in answers if a is not None}, key=answers.index)
    def rank(name):
        mine = [l for a, l in zip(answers, logp) if a == name]
        return -len(mine), -sum(mine) / len(mine), answers.index(name)
    return min(names, key=rank) if names else None


def wilson(right, n):
    p = right / n
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return p, max(0.0, middle - half), min(1.0, middle + half)


def mean(values):
    n = len(values)
    if all(v in (0, 1) for v in values):
        return wilson(sum(values), n) + ("wilson",)
    m = math.fsum(values) / n
    if n < 2:
        return m, m, m, "none"
    half = Z * math.sqrt(math.fsum((v - m) ** 2 for v in values) / (n - 1) / n)
    return m, max(0.0, m - half), min(1.0, m + half), "normal"


def ratio(a, b, form):
    n = len(a)
    r = math.fsum(a) / math.fsum(b)
    if n < 2:
        return form(r), form(r), form(r), "none"
    half = Z * math.sqrt(math.fsum((x - r * y) ** 2 for x, y in zip(a, b)) * n / (n - 1)) / sum(b)
    return form(r), form(r - half), form(r + half), "normal"


def check_score(what, want, found):
    for x, key in zip(want, ("value", "low", "high")): # what is not finite is null
        same("%s %s" % (what, key), float(x) if math.isfinite(x) else None, found[key], 1e-9)
    same(what + " interval", want[3], found["interval"])


# ---- one example: its metrics by name, after its details were judged again

def generate(keys, values, d, name):
    target_rule = keys.get("target_extract", keys["extract"])
    templates = keys["target"] if isinstance(keys["target"], list) else [keys["target"]]
    texts = [t for t in (expand(t, values) for t in templates) if t]
    texts = [extract(target_rule, t) for t in texts]
    targets = [normal(target_rule, t) for t in texts]
    same(name + " targets", targets, d["targets"])
    right, rouges, answers = 0, [], []
    for i, s in enumerate(d["samples"]):
        raw = extract(keys["extract"], s["text"])
        answer = None if raw is None else normal(keys["extract"], raw)
        best = 0.0 if raw is None else max(rouge(raw, t) for t in texts)
        same("%s sample %d answer" % (name, i), answer, s["answer"])
        same("%s sample %d right" % (name, i), answer in targets, s["right"])
        same("%s sample %d rouge_l" % (name, i), best, float(s["rouge_l"]))
        right += answer in targets
        rouges.append(best)
        answers.append(answer)
    n = len(answers)
    voted = majority(answers, [s["logp"] for s in d["samples"]])
    same(name + " majority", voted, d["majority"])
    out = {"exact_match": right / n, "rouge_l": math.fsum(rouges) / n,
           "majority": int(voted is not None and voted in targets)}
    for k in range(1, n + 1):
        out["pass@%d" % k] = 1 - math.comb(n - right, k) / math.comb(n, k)
    return out


def choice(keys, values, d, name):
    choices = [c for c in (expand(t, values) for t in keys["choices"]) if c]
    answer = expand(keys["answer"], values)
    right = {"text": lambda: choices.index(answer), "letter": lambda: ord(answer.upper()) - 65,
             "index": lambda: int(answer), "number": lambda: int(answer) - 1}[keys["answer_is"]]()
    same(name + " choices", choices, d["choices"])
    same(name + " right", right, d["right"])
    by = {"acc": lambda c: 1, "acc_norm": len, "acc_bytes": lambda c: len(c.encode())}
    out = {}
    for metric, size in by.items():
        scores = [l / size(c) for c, l in zip(choices, d["logp"])]
        picked = scores.index(max(scores))
        if metric in d:
            same("%s %s" % (name, metric), picked, d[metric])
        out[metric] = int(picked == right)
    return out


def perplexity(keys, values, d, name):
    if not keys["conversation"]:
        text = expand(keys["text"] or "{text}", values)
        same(name + " bytes", len(text.encode()), d["bytes"])
        same(name + " words", len(text.split()), d["words"])
    return d


def exp(x):
    return math.exp(x) if x < 709 else math.inf


FORMS = {"loss": ("tokens", lambda x: x), "perplexity": ("tokens", exp),
         "word_perplexity": ("words", exp), "byte_perplexity": ("bytes", exp),
         "bits_per_byte": ("bytes", lambda x: x / math.log(2))}


def check_metrics(what, kind, rows, found):
    for metric, score in found.items():
        if kind == "perplexity":
            size, form = FORMS[metric]
            want = ratio([r["nll"] for r in rows], [r[size] for r in rows], form)
        else:
            want = mean([r[metric] for r in rows])
        check_score("%s %s" % (what, metric), want, score)


def check_task(task, path):
    keys, name = task["keys"], task["task"]
    if keys["whole_files"]:
        records = [{"text": open(path, encoding="utf-8").read()}]
    else:
        records = [json.loads(line) for line in open(path, encoding="utf-8") if line.strip()]
    one = {"generate": generate, "multiple_choice": choice, "perplexity": perplexity}[keys["kind"]]
    rows, groups = [], {}
    same(name + " examples", list(range(task["examples"])), [d["example"] for d in task["details"]])
    for d in task["details"]:
        values = fields(records[d["example"]], keys)
        group = values[keys["group"]] if keys["group"] else None
        same("%s %d group" % (name, d["example"]), group, d.get("group"))
        groups.setdefault(group, [])
        if "left_out" in d:
            continue
        row = one(keys, values, d, "%s %d" % (name, d["example"]))
        rows.append(row)
        groups[group].append(row)
    same(name + " scored", len(rows), task["scored"])
    same(name + " left out", task["examples"] - len(rows), sum(task["left_out"].values()))
    check_metrics(name, keys["kind"], rows, task["metrics"])
    if keys["group"]:
        same(name + " groups", list(groups), [g["group"] for g in task["groups"]])
        for g in task["groups"]:
            mine = groups[g["group"]]
            same("%s %s scored" % (name, g["group"]), len(mine), g["scored"])
            if mine:
                check_metrics("%s %s" % (name, g["group"]), keys["kind"], mine, g["metrics"])


def main():
    results = json.load(open(sys.argv[1], encoding="utf-8"))["tasks"]
    if len(results) != len(sys.argv) - 2:
        sys.exit("%d tasks, %d data files" % (len(results), len(sys.argv) - 2))
    for task, path in zip(results, sys.argv[2:]):
        check_task(task, path)
    print("compared %d, %d wrong" % (compared, wrong))
    sys.exit(wrong > 0 or compared == 0)


main()
