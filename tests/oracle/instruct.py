"""What the oracles of the instruction recipes share: configs, draws, rules of texts, the tally.

Written from the published methods and docs/scripted-teacher.md, without a look at the program: an
oracle computes from a config alone how many records end at which step for which reason.
"""
import json
import os
import re
import string
import sys
from collections import Counter

from scripted import Rng, draw_places, rng_stream, scripted_answer, shuffle


# ---- the config, its recipe and its seeds

def read_json(path):
    """JSON whose comments stand in lines of their own."""
    with open(path, encoding="utf-8") as f:
        return json.loads("".join("\n" if line.lstrip().startswith("//") else line for line in f))


def override(config, words):
    """key.key=value, as on the command line."""
    for word in words:
        key, value = word.split("=", 1)
        *path, last = key.split(".")
        place = config
        for part in path:
            place = place.setdefault(part, {})
        try:
            place[last] = json.loads(value)
        except ValueError:
            place[last] = value


def program(steps):
    """Steps in the order of the program; each option of a choose ends with a step of its own."""
    out = []
    for step in steps:
        out.append(step)
        out += program(step.get("steps", []))
        for option in step.get("options", []):
            out += program(option["steps"]) + [{"do": "(end of an option)"}]
    return out


class Run:
    """A config with overrides: its numbers, seeds and steps, and who answers."""

    iteration = 1

    def __init__(self, path, words):
        here = os.path.dirname(path)
        self.config = read_json(path)
        override(self.config, words)
        self.seed = self.config.get("seed", 1)
        loop = self.config["loop"]
        recipe = os.path.join(here, loop["recipe"])
        self.folder = os.path.dirname(recipe)
        self.steps = program(read_json(recipe)["steps"])
        commit = self.one("commit")
        self.commit = dict(commit)
        self.count = loop.get("count") or self.one("draw").get("count", 0)
        self.until = loop.get("until") or commit.get("until", 0)
        self.rounds = loop.get("rounds") or commit.get("rounds", 1)
        self.knobs = self.config.get("scripted", {})
        self.seeds = self.read_seeds(here)
        self.tally = Tally(self.steps)

    def read_seeds(self, here):
        """The records of the files, the fields as the config names them."""
        problems, seeds = self.config["problems"], []
        for name in problems["files"]:
            with open(os.path.join(here, name), encoding="utf-8") as f:
                for line in filter(str.strip, f):
                    row, fields = json.loads(line), {}
                    for field, path in problems["fields"].items():
                        value = row
                        for part in path.split("."):
                            value = value[int(part)] if isinstance(value, list) else value[part]
                        fields[field] = value
                    seeds.append(fields)
        return seeds

    def all(self, kind, **having):
        return [s for s in self.steps
                if s["do"] == kind and all(s.get(k) == v for k, v in having.items())]

    def one(self, kind, **having):
        return self.all(kind, **having)[0]

    def number(self, step):
        """From 0, by which random keys know it."""
        return next(i for i, s in enumerate(self.steps) if s is step)

    def rng(self, purpose, request, sample, step):
        return Rng(self.seed, rng_stream(purpose, self.iteration << 40 | request, sample,
                                         self.number(step)))

    def ask(self, step, request, sample, fields):
        """The answer to a generate step: text and whether it came to its end; None if it failed."""
        prompt = step.get("text")
        if prompt is None:
            with open(os.path.join(self.folder, step["prompt"]), encoding="utf-8") as f:
                prompt = f.read()
            prompt = prompt[:-1] if prompt.endswith("\n") else prompt
        stream = rng_stream("generate", self.iteration << 40 | request, sample, self.number(step))
        text, end, why = scripted_answer(fill(prompt, fields), stream, self.knobs,
                                         step.get("stop", []))
        if end == "failed":
            self.tally.reject(step, why)
            return None, False
        return text, end == "done"

    def go_on(self, rounds, pool, accepted):
        """Whether another round follows."""
        if rounds >= self.rounds or (self.until and pool >= self.until):
            return False
        return accepted >= self.commit.get("min_yield", 0) * self.count


def fill(template, fields):
    return re.sub(r"\{(\w+)\}|\{\{|\}\}", lambda m: fields[m[1]] if m[1] else m[0][0], template)


def demonstrate(run, step, request, pool):
    """The examples of a prompt, as one text."""
    rng, shown, wanted = run.rng("demonstrate", request, 0, step), [], 0
    for part in step["of"]:
        view = run.seeds if part["view"] == "seeds" else pool
        wanted += part["count"]
        k = wanted - len(shown) if part.get("fills") else part["count"]
        shown += [view[i] for i in draw_places(rng, len(view), min(k, len(view)))]
    if step.get("shuffle", True):
        shuffle(rng, shown)
    text = ""
    for number, record in enumerate(shown, step.get("first", 1)):
        fields = dict(record)
        for name in step.get("clean", []):
            fields[name] = " ".join(fields[name].split()).rstrip(":")
        for name, stands_for in step.get("empty", {}).items():
            fields[name] = fields[name] or stands_for
        text += fill(step["text"], {**fields, "number": str(number)})
    return text


# ---- the tally

class Tally:
    def __init__(self, steps):
        self.steps, self.rejected, self.passed, self.kept = steps, Counter(), Counter(), Counter()

    def place(self, step):
        return next(i for i, s in enumerate(self.steps) if s is step)

    def reject(self, step, reason):
        self.rejected[self.place(step), reason] += 1

    def pass_on(self, step):
        self.passed[self.place(step)] += 1

    def keep(self):
        self.kept[len(self.steps)] += 1

    def show(self, iteration):
        places = sorted({p for p, _ in self.rejected} | set(self.passed) | set(self.kept))
        rows = []
        for p in places:
            name = "%d %s" % (p + 1, self.steps[p]["do"]) if p < len(self.steps) else "end"
            reasons = {r: n for (at, r), n in sorted(self.rejected.items()) if at == p}
            rows.append({"step": name, "passed": self.passed[p], "kept": self.kept[p],
                         "rejected": reasons})
        k, p, r = (sum(c.values()) for c in (self.kept, self.passed, self.rejected))
        total = {"records": k + p + r, "kept": k, "passed": p, "rejected": r}
        return {"sets": [{"iteration": iteration, **total, "steps": rows}], "total": total}


def main(oracle):
    """oracle.py CONFIG [key=value ...]"""
    run = Run(sys.argv[1], sys.argv[2:])
    oracle(run)
    print(json.dumps(run.tally.show(run.iteration), ensure_ascii=False))


# ---- similarity

def tokens(text, kind):
    if kind == "google":
        return re.findall(r"[a-z0-9]+", text.lower())
    return re.findall(r"[^\W_]+", text.casefold())


def lcs(a, b):
    row = [0] * (len(b) + 1)
    for x in a:
        corner = 0
        for j, y in enumerate(b, 1):
            above = row[j]
            row[j] = corner + 1 if x == y else max(above, row[j - 1])
            corner = above
    return row[-1]


def is_above(a, b, threshold, compare):
    """Whether ROUGE-L F of two token lists is above the threshold."""
    if not a or not b:
        return False
    top, bottom = (int(x) for x in threshold.split("/"))
    common = sum((Counter(a) & Counter(b)).values())
    if 2.001 * common < top / bottom * (len(a) + len(b)):  # no order makes it longer
        return False
    common = lcs(a, b)
    if compare == "exact":
        return 2 * common * bottom > top * (len(a) + len(b))
    p, r = common / len(a), common / len(b)
    return p + r > 0 and 2 * p * r / (p + r) > top / bottom


class Pool:
    """Accepted records; candidates are judged in the order of their ids."""

    def __init__(self, run, key="instruction"):
        c = run.commit
        self.run, self.key, self.records = run, key, []
        self.texts = []
        self.near, self.kind = c.get("near", "exact"), c.get("tokens", "unicode")
        self.threshold, self.compare = c.get("threshold", "7/10"), c.get("compare", "exact")
        for seed in run.seeds:
            self.add(seed[key])

    def add(self, text):
        self.texts.append(tokens(text, self.kind) if self.near == "rouge-l" else text)

    def is_near(self, text):
        if self.near == "exact":
            return text in self.texts
        mine = tokens(text, self.kind)
        return any(is_above(mine, other, self.threshold, self.compare) for other in self.texts)

    def commit(self, candidates):
        """Accepts what is new; how many."""
        step, before = self.run.one("commit"), len(self.records)
        for record in candidates:
            if self.is_near(record[self.key]):
                self.run.tally.reject(step, "duplicate" if self.near == "exact" else "similar")
            else:
                self.run.tally.pass_on(step)
                self.add(record[self.key])
                self.records.append(record)
        return len(self.records) - before


# ---- filters of instructions

def holds_word(text, words):
    return any(re.search(r"\b%s\b" % re.escape(w), text, re.I) for w in words)


def filter_instruction(run, text):
    """The first filter of the field "instruction" that rejects; True if none does."""
    for step in run.all("filter", **{"in": "instruction"}):
        by, count, reason = step["by"], len(text.split()), None
        if by == "empty" and not text.strip():
            reason = "empty"
        elif by == "words":
            reason = "too_long" if count > step["max"] else None
            reason = "too_short" if count < step["min"] else reason
        elif by == "word_list" and holds_word(text, step["list"]):
            reason = "blacklist"
        elif by == "prefix":
            start = text if step["case"] else text.lower()
            mark = step["text"] if step["case"] else step["text"].lower()
            reason = "prefix" if start.startswith(mark) else None
        elif by == "first_punctuation" and text[0] in string.punctuation:
            reason = "punctuation"
        elif by == "first_non_ascii" and not text[0].isascii():
            reason = "non_ascii"
        if reason:
            run.tally.reject(step, step.get("reason", reason))
            return False
    return True
