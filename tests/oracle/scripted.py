"""The scripted teacher and the random numbers of recipes, written from docs/scripted-teacher.md.

scripted_answer(prompt, stream, knobs, stops) answers as the document says; rng_stream, Rng,
draw_places and shuffle are the draws of steps.  Texts are bytes inside; words come from the tables
of the document.
"""
import os
import re

M64 = (1 << 64) - 1
G = 0x9E3779B97F4A7C15
BLANKS = b" \t\n\v\f\r"

DEFAULTS = {
    "seed": 1, "p_length": 0, "p_missing_section": 0, "p_duplicate": 0, "p_wrong_number": 0,
    "p_refusal": 0, "p_stop_in_text": 0, "p_odd": 0, "p_empty": 0, "p_equal": 0.125, "p_429": 0,
    "p_500": 0, "p_timeout": 0, "retries": 3, "slow_ms": 0, "shuffle": 0,
}


def read_tables():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "..", "..", "docs", "scripted-teacher.md"), "rb") as f:
        text = f.read()
    found = re.findall(rb"^### (\w+)\n\n```text\n(.*?)```$", text, re.M | re.S)
    return {name.decode(): body.splitlines() for name, body in found}


W = read_tables()
LABELS = [entry.split(b"|") for entry in W["label_sets"]]


# ---- random numbers of the teacher

def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = ((h ^ b) * 0x100000001B3) & M64
    return h


def mix(x):
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & M64
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & M64
    return x ^ x >> 31


def add(a, b):
    return (a + b) & M64


class Numbers:
    def __init__(self, prompt, seed, stream):
        k = mix(add(fnv(prompt), G))
        k = mix(add(k ^ seed, G))
        self.key = mix(add(k ^ stream, G))

    def below(self, channel, i, n):
        start = mix(add(self.key ^ channel, G))
        return mix(add(start, (i + 1) * G & M64)) * n >> 64

    def chance(self, channel, i, p):
        return self.below(channel, i, 1000000) < round(p * 1000000)


class Channel:
    """A channel that is read in order."""

    def __init__(self, numbers, channel):
        self.numbers, self.channel, self.at = numbers, channel, 0

    def next(self, n):
        self.at += 1
        return self.numbers.below(self.channel, self.at - 1, n)

    def pick(self, table):
        return table[self.next(len(table))]


class Item:
    """Text and faults of item k."""

    def __init__(self, a, k):
        n, c, knobs = a.numbers, 17 + 2 * k, a.knobs
        self.k, self.t, self.numbers, self.fault = k, Channel(n, 16 + 2 * k), n, c
        self.duplicate = n.chance(c, 0, knobs["p_duplicate"])
        self.missing = n.chance(c, 1, knobs["p_missing_section"])
        self.wrong = n.chance(c, 2, knobs["p_wrong_number"])
        self.stop = n.chance(c, 3, knobs["p_stop_in_text"])
        self.odd = n.chance(c, 4, knobs["p_odd"])
        self.m = n.below(c, 5, 2)
        self.v = n.below(c, 6, 2)
        self.clause = W["stops"][n.below(c, 7, 3)]
        self.o = n.below(c, 8, 3)
        self.d = n.below(c, 9, 2)

    def with_stop(self, text):
        return text + b" " + self.clause if self.stop else text

    def sentence(self):
        s, a, p = (self.t.pick(W[name]) for name in ("subjects", "actions", "places"))
        return s + b" " + a + b" " + p + b"."

    def sentences(self, count):
        return b" ".join(self.sentence() for _ in range(count))

    def instruction(self):
        t = self.t
        if t.next(100) < 22:
            verb = t.pick(W["class_verbs"])
            text = t.pick(W["class_texts"])
            return verb + b" the following " + text + b" as " + phrase(t.pick(LABELS)) + b"."
        verb = t.pick(W["verbs"])
        what = t.pick(W["objects"])
        f = t.next(8)
        style = b" " + t.pick(W["styles"]) if f in (1, 2, 5, 6, 7) else b""
        constraint = b" " + t.pick(W["constraints"]) if f >= 3 else b""
        return verb + b" " + what + style + constraint + b"."

    def odd_instruction(self):
        return W["odd"][self.numbers.below(self.fault, 9, 7)].replace(b"~", b" again" * 150)

    def substitution(self, tasks):
        words = tasks[self.numbers.below(self.fault, 9, len(tasks))].split(b" ")
        w = len(words)
        b = self.numbers.below(self.fault, 10, w)
        for i in range(w // 5):
            words[(b + i) % w] = W["fillers"][self.numbers.below(self.fault, 11 + i, 24)]
        return b" ".join(words)


def phrase(labels):
    return b", ".join(labels[:-1]) + b" or " + labels[-1]


def is_classification(instruction):
    first = re.match(rb"[A-Za-z]*", instruction)[0].lower()
    return first in [v.lower() for v in W["class_verbs"]]


def labels_of(instruction):
    if is_classification(instruction):
        for labels in LABELS:
            if phrase(labels) in instruction:
                return labels
    return LABELS[0]


# ---- shapes

CLASSIFICATION = b"\nIs it classification?"
REWRITTEN, CREATED = b"#Rewritten Prompt#:\n", b"#Created Prompt#:\n"
JUDGE = b"Answer only Equal or Not Equal:\n"


def last_at_line(prompt, mark):
    """The place of the last `mark` at the beginning of a line; -1."""
    return (b"\n" + prompt).rfind(b"\n" + mark)


def behind_task(prompt, mark):
    at = last_at_line(prompt, b"Task: ")
    end = len(prompt) - len(mark)
    return prompt[at + 6:end].strip(BLANKS) if at >= 0 else b""


class Asked:
    def __init__(self, prompt, numbers, knobs):
        self.prompt, self.numbers, self.knobs = prompt, numbers, knobs
        self.c0 = Channel(numbers, 0)

    def items(self, count):
        return [Item(self, k) for k in range(count)]

    def tasks(self, heading):
        return re.findall(rb"(?:\A|(?<=\n))[0-9]{1,6}\. " + heading + rb"([^\n]+)", self.prompt)

    def answer(self):
        p = self.prompt
        found = re.fullmatch(rb"([0-9]{1,6})\.", p[p.rfind(b"\n") + 1:])
        if found:
            return self.list(int(found[1]))
        if p.endswith(CLASSIFICATION):
            return self.classification(behind_task(p, CLASSIFICATION))
        found = re.search(rb"(?:\A|\n)###\n([0-9]{1,6})\. Instruction:\Z", p)
        if found:
            return self.sections(int(found[1]))
        for mark in (REWRITTEN, CREATED):
            if p.endswith(mark):
                return self.evolve(mark)
        if p.endswith(JUDGE):
            return self.judge()
        if p.endswith(b"\n") and last_at_line(p, b"Task: ") >= 0:
            task = behind_task(p, b"\n")
            if b"Labels first." in p:
                return self.labels_first(task)
            return self.input_first(task)
        return self.other()

    def list(self, first):
        tasks, out = self.tasks(b""), b""
        for i in self.items(4 + self.c0.next(5)):
            if i.missing:
                x = b""
            else:
                if i.duplicate and tasks:
                    x = i.substitution(tasks)
                elif i.odd:
                    x = i.odd_instruction()
                else:
                    x = i.instruction()
                x = i.with_stop(x)
            n = first + i.k
            if i.k == 0:
                out += b" " + x
            elif i.wrong and i.v == 1:
                out += b"\n%d) " % n + x
            else:
                out += b"\n%d. " % (n + 10 if i.wrong else n) + x
        return out

    def classification(self, task):
        if Item(self, 0).missing:
            return b" It depends."
        return b" Yes" if is_classification(task) else b" No"

    def sections(self, first):
        tasks, out = self.tasks(b"Instruction: "), b""
        for i in self.items(8 + self.c0.next(11)):
            if i.duplicate and tasks:
                task = i.substitution(tasks)
            elif i.odd and i.o == 0:
                task = i.odd_instruction()
            else:
                task = i.instruction()
            x = i.sentences(2) if b"following" in task else b"<noinput>"
            if is_classification(task):
                y = i.t.pick(labels_of(task))
            else:
                y = i.sentences(1 + i.t.next(3))
            if i.odd and i.o == 1:
                y = b""
            if i.odd and i.o == 2:
                x = b"No input"
            y = i.with_stop(y)
            n = first + i.k
            a = b = c = n
            if i.wrong:
                c = n + 1
                if i.v == 1:
                    a = b = n + 1
            out += b" " + task if i.k == 0 else b"\n###\n%d. Instruction: " % a + task
            if not (i.missing and i.m == 0):
                out += b"\n%d. Input:\n" % b + x
            if not (i.missing and i.m == 1):
                out += b"\n%d. Output:\n" % c + y
        return out

    def evolve(self, mark):
        p, i = self.prompt[:-len(mark)], Item(self, 0)
        marks = (b"#The Given Prompt#:\n", b"#Given Prompt#:\n")
        begins = [last_at_line(p, m) + len(m) for m in marks if last_at_line(p, m) >= 0]
        given = p[max(begins):].strip(BLANKS) if begins else b""
        if i.duplicate:
            x = given
        elif i.odd:
            x = b"It is what it is."
        else:
            x = given if mark == REWRITTEN else i.instruction()
            x += (b" " if x else b"") + i.t.pick(W["clauses"])
        x = i.with_stop(x)
        return mark + x if i.missing else x

    def judge(self):
        p, i = self.prompt[:-len(JUDGE)], Item(self, 0)
        if i.missing:
            return b"I cannot tell."
        second = last_at_line(p, b"Second Prompt: ")
        first = last_at_line(p[:max(second, 0)], b"First Prompt: ")
        if second >= 0 and first >= 0:
            a = p[first + len(b"First Prompt: "):second].strip(BLANKS)
            b = p[second + len(b"Second Prompt: "):].strip(BLANKS)
            if a == b:
                return b"Equal"
        return b"Equal" if self.numbers.chance(16, 0, self.knobs["p_equal"]) else b"Not Equal"

    def labels_first(self, task):
        labels, parts = labels_of(task), []
        last_l, last_x = 0, b""
        for i in self.items(2 + self.c0.next(5)):
            l = i.t.next(len(labels))
            x = i.sentence()
            if i.duplicate and i.k > 0:
                x = last_x
                l = last_l if i.d == 1 else (last_l + 1) % len(labels)
            label = labels[l]
            if i.odd:
                if i.o == 0:
                    x = label
                elif i.o == 1:
                    label = b""
                else:
                    x = x[:-1] + b":"
            x = i.with_stop(x)
            parts.append((b"" if i.missing else b"Class label: " + label + b"\n") + x)
            last_l, last_x = l, x
        return b"\n".join(parts)

    def input_first(self, task):
        if b"following" not in task:
            return self.output_only(task)
        count = 1 + self.c0.next(6)
        name, parts = self.c0.pick(W["field_names"]), []
        last_x = last_y = b""
        for i in self.items(count):
            x = i.sentence()
            y = i.sentence()
            if i.duplicate and i.k > 0:
                x = last_x
                if i.d == 1:
                    y = last_y
            if i.odd:
                y = [x, b"", y[:-1] + b":"][i.o]
            y = i.with_stop(y)
            part = b"Example %d\n" % (i.k + (2 if i.wrong else 1)) + name + b": " + x
            if not i.missing:
                part += b"\nOutput: " + y
            parts.append(part)
            last_x, last_y = x, y
        return b"\n".join(parts)

    def output_only(self, task):
        i = Item(self, 0)
        y = i.sentences(1 + i.t.next(2))
        if i.odd:
            y = [task, b"", y[:-1] + b":"][i.o]
        y = i.with_stop(y)
        return y if i.missing else b"Output: " + y

    def other(self):
        i = Item(self, 0)
        if i.odd:
            return i.with_stop(b"It is what it is.")
        words = [w for w in re.findall(rb"[A-Za-z]+", self.prompt) if len(w) >= 4]
        if len(words) < 4:
            words = W["fillers"]
        out = []
        for _ in range(1 + i.t.next(2)):
            line = b" ".join(i.t.pick(words) for _ in range(5 + i.t.next(8)))
            out.append(line[:1].upper() + line[1:] + b".")
        return i.with_stop(b" ".join(out))


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def scripted_answer(prompt, stream, knobs=None, stops=()):
    """(text, end, why): a str, "done" | "length" | "failed", and the reason if it failed."""
    knobs = {**DEFAULTS, **(knobs or {})}
    unknown = set(knobs) - set(DEFAULTS)
    if unknown:
        raise ValueError("unknown keys: " + ", ".join(sorted(unknown)))
    prompt = as_bytes(prompt)
    n = Numbers(prompt, knobs["seed"], stream)
    for a in range(knobs["retries"]):
        kinds = (("p_429", "http 429"), ("p_500", "http 5xx"), ("p_timeout", "timed out"))
        why = next((reason for j, (key, reason) in enumerate(kinds)
                    if n.chance(1, 3 * a + j, knobs[key])), None)
        if why is None:
            break
    if why is not None:
        return "", "failed", why
    if n.chance(2, 0, knobs["p_empty"]):
        text = b""
    elif n.chance(2, 1, knobs["p_refusal"]):
        text = W["refusals"][n.below(2, 2, 3)]
    else:
        text = Asked(prompt, n, knobs).answer()
    end = "done"
    if text and n.chance(2, 3, knobs["p_length"]):
        c = len(text) // 4 + n.below(2, 4, len(text) // 2 + 1)
        while c > 0 and 0x80 <= text[c] <= 0xBF:
            c -= 1
        text, end = text[:c], "length"
    places = [at for at in (text.find(as_bytes(s)) for s in stops if s) if at >= 0]
    if places:
        text, end = text[:min(places)], "done"
    return text.decode("utf-8", "surrogateescape"), end, ""


# ---- random numbers of steps

def rng_stream(purpose, a=0, b=0, c=0):
    import xxhash  # Debian: python3-xxhash

    named = xxhash.xxh3_64_intdigest(purpose.encode(), seed=0)
    parts = b"".join(x.to_bytes(8, "little") for x in (a, b, c))
    return xxhash.xxh3_64_intdigest(parts, seed=named)


def philox(counter, key):
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for i in range(10):
        if i > 0:
            k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = ((q >> 32) ^ c1 ^ k0, q & 0xFFFFFFFF,
                          (p >> 32) ^ c3 ^ k1, p & 0xFFFFFFFF)
    return c0, c1, c2, c3


class Rng:
    def __init__(self, seed, stream, index=0):
        self.key = (seed & 0xFFFFFFFF, seed >> 32)
        self.rest = (index, stream & 0xFFFFFFFF, stream >> 32)
        self.block, self.left = 0, []

    def u32(self):
        if not self.left:
            self.left = list(philox((self.block,) + self.rest, self.key))
            self.block += 1
        return self.left.pop(0)

    def u64(self):
        low = self.u32()
        return low | self.u32() << 32

    def below(self, n):
        limit = M64 - M64 % n
        while True:
            x = self.u64()
            if x < limit:
                return x % n


rng_below = Rng.below


def draw_places(rng, n, k):
    """k of the places 0 .. n-1 without replacement, as the step demonstrate draws them."""
    places = list(range(n))
    for i in range(k):
        j = i + rng.below(n - i)
        places[i], places[j] = places[j], places[i]
    return places[:k]


def shuffle(rng, things):
    for i in range(len(things) - 1, 0, -1):
        j = rng.below(i + 1)
        things[i], things[j] = things[j], things[i]


def choose(rng, weights):
    x = rng.below(sum(weights))
    for option, weight in enumerate(weights):
        if x < weight:
            return option
        x -= weight
