"""The parsers of the instruction recipes: published ones as their programs are described, intended
ones by the rule "marks stand at the beginning of a line and are numbered upwards".

A parser gives pieces, tuples of texts in the order of `into`, None where a piece has not the form.
"""
import re

STEP = 10  # numbers may rise by so much from one mark to the next


def goes_on(before, number):
    return number >= 1 if before == 0 else before < number <= before + STEP


# ---- numbered list

def list_published(text, first):
    return [(p,) for p in re.split(r"\n\d+\s?\. ", text)]


def list_intended(text, first):
    if not text.strip():
        return []
    out, at, before = [], 0, 0
    for mark in re.finditer(r"(?m)^[ \t]*(\d{1,9})[ \t]*[.)](?:[ \t]+|(?=\n|\Z))", text):
        at_start = mark.start() == 0
        if not goes_on(0 if at_start else before or first, int(mark[1])):
            continue
        if not at_start:
            out.append((text[at:mark.start()].strip(),))
        before, at = int(mark[1]), mark.end()
    return out + [(text[at:].strip(),)]


# ---- sections

def sections_published(text, first, step):
    out = []
    pieces = ("%d. Instruction:" % first + text).split("###")
    for number, piece in enumerate(pieces, first):
        parts = re.split(r"%d\.\s+(?:Instruction|Input|Output):" % number, piece)
        if len(parts) != 4:
            out.append(None)
            continue
        instruction, given, output = (p.strip() for p in parts[1:])
        out.append((instruction, "" if given.lower() == step["empty"] else given, output))
    return out


HEADING = re.compile(r"[ \t]*(\d{1,9})\.[ \t]*(instruction|input|output):", re.I)


def section_item(lines, number, behind, step):
    """The item of these lines, whose first one is read from `behind` on."""
    text = "\n".join([lines[0][behind:]] + lines[1:]).rstrip()
    text = re.sub(r"(\A|\n)##+\Z", "", text).rstrip()
    fields, names = [[]], []
    for i, line in enumerate(text.split("\n")):
        mark = HEADING.match(line) if i > 0 else None
        if mark and int(mark[1]) == number and mark[2].lower() != "instruction":
            names.append(mark[2].lower())
            fields.append([line[mark.end():]])
        else:
            fields[-1].append(line)
    if names != ["input", "output"]:
        return None
    instruction, given, output = ("\n".join(f).strip() for f in fields)
    said = re.sub(r"[^a-z]", "", given.lower())
    if given.isascii() and said == re.sub(r"[^a-z]", "", step["empty"]):
        given = ""
    return instruction, given, output


def sections_intended(text, first, step):
    """An item begins at a heading whose number goes on, or that a line of ## stands before."""
    if not text.strip():
        return []
    lines, out, begin, behind, number = text.split("\n"), [], 0, 0, first
    mark = HEADING.match(lines[0])
    if mark and mark[2].lower() == "instruction":
        behind, number = mark.end(), int(mark[1])
    for i, line in enumerate(lines[1:], 1):
        mark = HEADING.match(line)
        if not mark or mark[2].lower() != "instruction":
            continue
        before = "\n".join(lines[:i]).rstrip().split("\n")[-1]
        if goes_on(number, int(mark[1])) or re.fullmatch("##+", before):
            out.append(section_item(lines[begin:i], number, behind, step))
            begin, behind, number = i, mark.end(), int(mark[1])
    return out + [section_item(lines[begin:], number, behind, step)]


# ---- instances

def labels_intended(text):
    marks = list(re.finditer(r"(?m)^[ \t]*Class label:", text))
    if not marks:
        return []
    out = [None] if text[:marks[0].start()].strip() else []
    ends = [m.start() for m in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends):
        label, _, rest = text[mark.end():end].strip().partition("\n")
        out.append((rest.strip(), label.strip()))
    return out


OUTPUT = re.compile(r"(?m)^[ \t]*Output\s*\d*\s*:")
INPUT = re.compile(r"(?m)^[ \t]*Input\s*\d*\s*:")


def example(text):
    """The pairs of one example: a line Input: behind an output begins another."""
    out, rest = [], text
    while rest or not out:
        mark = OUTPUT.search(rest)
        if not mark:
            return out + [None]
        following = INPUT.search(rest, mark.end())
        end = following.start() if following else len(rest)
        if OUTPUT.search(rest[:end], mark.end()):
            return out + [None]
        given = re.sub(r"\AInput\s*\d*\s*:", "", rest[:mark.start()].strip())
        out.append((given.strip(), rest[mark.end():end].strip()))
        rest = rest[end:]
    return out


def examples_intended(text):
    parts, at, before = [], 0, 0
    for mark in re.finditer(r"(?m)^[ \t]*Example[ \t]*(\d*)(?:[.:]|[ \t]*$)", text):
        number = int(mark[1] or 0)
        if number and not goes_on(before, number):
            continue
        parts.append((at, mark.start()))
        before, at = number or before, mark.end()
    if not parts:
        return example(text) if OUTPUT.search(text) else []
    parts.append((at, len(text)))
    out = [] if not text[:parts[0][1]].strip() else example(text[:parts[0][1]])
    for begin, end in parts[1:]:
        out += example(text[begin:end])
    return out


def labels_published(text):
    out = []
    for part in text.split("Class label:")[1:]:
        part = part.strip()
        label, _, rest = part.partition("\n")
        out.append((rest.strip(), label.strip()))
    return out


def examples_published(text):
    if re.search(r"Example\s?\d*\.?", text):
        parts = [p.strip() for p in re.split(r"Example\s?\d*\.?", text) if p.strip()]
    elif re.search(r"Output\s*\d*\s*:", text):
        parts = [text]
    else:
        return []
    out = []
    for part in parts:
        halves = re.split(r"Output\s*\d*\s*:", part)
        given, output = (halves[0], halves[1]) if len(halves) > 1 else ("", part)
        output = re.split(r"Input\s*\d*\s*:", output)[0]
        given = re.sub(r"^\s*Input\s*\d*\s*:", "", given)
        out.append((given.strip(), output.strip()))
    return out


# ---- scalars

def says_yes(text, as_):
    if as_ == "published":
        return text.strip() in ("Yes", "yes", "YES")
    words = re.findall(r"[^\W\d_]+", text)
    return bool(words) and words[0].casefold() == "yes"


def says_equal(text):
    """True, False, or None: it says neither."""
    since_not = 3
    for word in re.findall(r"[^\W\d_]+", text.casefold()):
        if word == "not":
            since_not = 0
        elif word in ("equal", "equals"):
            return since_not > 2
        elif word == "unequal":
            return False
        else:
            since_not += 1
    return None


def items(run, step, pieces, ended):
    """The pieces that become records to go on with, with their place; the others are tallied."""
    if not ended and step["on_length"] == "drop_all":
        run.tally.reject(step, "length")
        return []
    if not pieces:
        run.tally.reject(step, "no items")
        return []
    cut = not ended and step["on_length"] == "drop_last"
    if cut:
        pieces = pieces[:-1]
    if len(pieces) > step["most"]:
        run.tally.reject(step, "over the limit")
        pieces = pieces[:step["most"]]
    if cut:
        run.tally.reject(step, "length")
    for piece in pieces:
        if piece is None:
            run.tally.reject(step, "malformed")
    return [(i, p) for i, p in enumerate(pieces) if p is not None]
