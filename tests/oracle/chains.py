# chains.py: judges a finished campaign of the closed domain again, from its files alone.
#
#   chains.py RUN TEST [--unverified]
#
# RUN is the run directory, TEST one whose seeds are the held-out test.  Reads HDF5 through h5py, or
# where that is missing through h5dump.  Grammar and solutions are written here a second time, from
# their description.  Prints one line per iteration and ends with 1 if a kept record is not right
# (where nothing was verified that does not count), was misjudged step by step, stands in the test
# or is too near to it, repeats a seed, or if an instruction was accepted twice.
import collections
import glob
import itertools
import re
import struct
import subprocess
import sys
import tempfile

try:
    import h5py
except ImportError:
    h5py = None

STRING = ["reverse", "bump", "left", "flip"]
CHAINS = [(op,) for op in STRING + ["sort", "max"]]
CHAINS += list(itertools.permutations(STRING, 2)) + list(itertools.permutations(STRING, 3))
KNOWN = {" then ".join(c): c for c in CHAINS}


def apply(op, s):
    if op == "reverse":
        return s[::-1]
    if op == "bump":
        return "".join(str((int(c) + 1) % 10) for c in s)
    if op == "left":
        return s[1:] + s[:1]
    if op == "flip":
        return "".join(str(9 - int(c)) for c in s)
    if op == "sort":
        return "".join(sorted(s))
    return "".join(max(s[:i + 1]) for i in range(len(s)))


def parse(instruction):
    """The chain and the digits, or None."""
    found = re.fullmatch(r"(.*) ([0-9]{2,5})", instruction, re.ASCII)
    return (KNOWN[found[1]], found[2]) if found and found[1] in KNOWN else None


def solve(chain, digits):
    """The right text, and its answer."""
    steps = []
    for op in chain:
        result = apply(op, digits)
        written = result
        if op == "sort":
            written = " ".join("".join(sorted(digits[:i + 1])) for i in range(len(digits)))
        steps.append(op[0] + written)
        digits = result
    answer = digits[-1] if chain == ("max",) else digits
    return ",".join(steps) + ";" + answer, answer


def blanks(chain, digits):
    """Two instructions of four digits or more are near if they share one of these."""
    return [(chain, digits[:i] + "_" + digits[i + 1:]) for i in range(len(digits))
            if len(digits) >= 4]


def read_bytes(path, name):
    if h5py is not None:
        with h5py.File(path, "r") as f:
            return f[name][()].tobytes()
    with tempfile.NamedTemporaryFile() as out:
        done = subprocess.run(["h5dump", "-d", name, "-b", "LE", "-o", out.name, path],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return open(out.name, "rb").read() if done.returncode == 0 else None


def read(path, name, code):
    data = read_bytes(path, name)
    return struct.unpack("<%d%s" % (len(data) // struct.calcsize(code), code), data)


def strings(path, name):
    """An array of strings of one width."""
    if h5py is not None:
        with h5py.File(path, "r") as f:
            return [s.decode().rstrip("\0") for s in f[name][()]]
    said = subprocess.run(["h5dump", "-d", name, path], stdout=subprocess.PIPE).stdout.decode()
    return [s.split("\\000")[0] for s in re.findall(r'"((?:[^"\\]|\\.)*)"',
                                                    said.split("DATA {")[1])]


def texts(path, name, rows):
    data = read_bytes(path, "/field/%s/bytes" % name)
    if data is None:
        return [""] * rows
    begin = read(path, "/field/%s/begin" % name, "q")
    return [data[a:b].decode() for a, b in zip(begin, begin[1:])]


Row = collections.namedtuple(
    "Row", "request status reason exact instruction work asked length ops")


def rows_of(run, iteration):
    path = "%s/examples/i%04d" % (run, iteration)
    ids = read(path + ".h5", "/id", "Q")
    reasons = strings(path + ".h5", "/names/reason")
    status = read(path + ".h5", "/status", "B")
    reason = [reasons[r] for r in read(path + ".h5", "/reason", "H")]
    exact = read(path + ".h5", "/score/exact", "f") if iteration > 0 else [1] * len(status)
    columns = {name: [] for name in ("instruction", "work", "request", "length", "ops")}
    for shard in sorted(glob.glob(path + "/b*.h5")):
        rows = len(read(shard, "/status", "B"))
        for name, column in columns.items():
            column += texts(shard, name, rows)
    return [Row(*r) for r in zip(ids[::2], status, reason, exact, *columns.values())]


def kind(chain, seen):
    depth = ("single", "pair", "triple")[len(chain) - 1]
    return depth if len(chain) == 1 else ("seen " if chain in seen else "new ") + depth


class Campaign:
    def __init__(self, run, test, unverified):
        self.run, self.unverified, self.wrong = run, unverified, 0
        self.test = {parse(r.instruction) for r in rows_of(test, 0)}
        self.seeds = {parse(r.instruction) for r in rows_of(run, 0)}
        self.seen = {chain for chain, _ in self.seeds}
        self.near_test = {b for p in self.test for b in blanks(*p)}
        self.accepted, self.kept_cells, self.kept = set(), set(), 0

    def fault(self, what, row):
        self.wrong += 1
        if self.wrong <= 10:
            print("%s: %s: %s=%s" % (self.run, what, row.instruction, row.work))

    def judge_kept(self, row):
        """Whether the whole text is right; complains about what may not be kept."""
        problem = parse(row.instruction)
        if problem is None:
            self.fault("not in the grammar", row)
            return False
        text, answer = solve(*problem)
        if problem in self.test or any(b in self.near_test for b in blanks(*problem)):
            self.fault("in or near the test", row)
        if problem in self.seeds:
            self.fault("a seed", row)
        if row.work.rsplit(";", 1)[-1] != answer and not self.unverified:
            self.fault("wrong answer", row)
        if row.exact != (row.work == text):
            self.fault("the verdict on its steps was %s" % row.exact, row)
        return row.work == text

    def judge(self, iteration):
        rows = rows_of(self.run, iteration)
        first = [r for r in rows if r.work == "" and r.status != 0]
        proposed = collections.Counter(r.reason or "novel" for r in first)
        novel = [r for r in first if r.status == 2]
        for r in novel:
            if parse(r.instruction) in self.accepted:
                self.fault("accepted twice", r)
            self.accepted.add(parse(r.instruction))
        kept = {r.request: r for r in rows if r.status == 0}  # each is there in two forms
        exact = sum(self.judge_kept(r) for r in kept.values())
        self.kept += len(kept)
        cell = lambda r: (parse(r.instruction)[0], len(parse(r.instruction)[1]))
        self.kept_cells |= {cell(r) for r in kept.values()}
        off = sum(r.asked not in ("", "?%s:%s " % (r.length, r.ops)) for r in novel)
        by = {k: collections.Counter(kind(parse(r.instruction)[0], self.seen) for r in rs)
              for k, rs in (("novel", novel), ("kept", kept.values()))}
        print("iteration %d: %d proposed (%s), %d off request, %d kept, %d exactly right; cells %d "
              "novel, %d kept, %d so far; new pairs %d/%d, new triples %d/%d"
              % (iteration, len(first),
                 ", ".join("%d %s" % (n, k) for k, n in sorted(proposed.items())), off, len(kept), exact, len({cell(r) for r in novel}),
                 len({cell(r) for r in kept.values()}), len(self.kept_cells),
                 by["kept"]["new pair"], by["novel"]["new pair"],
                 by["kept"]["new triple"], by["novel"]["new triple"]))


def main(run, test, *options):
    campaign = Campaign(run, test, "--unverified" in options)
    count = len(glob.glob(run + "/examples/i*.h5"))
    for iteration in range(1, count):
        campaign.judge(iteration)
    print("%d kept records judged again against %d test instructions and %d seeds, %d faults"
          % (campaign.kept, len(campaign.test), len(campaign.seeds), campaign.wrong))
    sys.exit(1 if campaign.wrong > 0 or campaign.kept == 0 else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
