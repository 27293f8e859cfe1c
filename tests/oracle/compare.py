"""compare.py FOUND WANTED: two histograms, as tandem inspect --yields --json and the oracles write
them.  Compares iteration 1: every step, every reason, all numbers.  Says what differs; exit 1.
"""
import json
import sys


def numbers(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    one = next(s for s in json.loads(text)["sets"] if s["iteration"] == 1)
    out = {("all", k): one[k] for k in ("records", "kept", "passed", "rejected")}
    for step in one["steps"]:
        for k in ("passed", "kept"):
            out[step["step"], k] = step[k]
        for reason, n in step["rejected"].items():
            out[step["step"], "rejected: " + reason] = n
    return {k: n for k, n in out.items() if n}


found, wanted = (numbers(p) for p in sys.argv[1:3])
different = [k for k in sorted(set(found) | set(wanted), key=str) if found.get(k) != wanted.get(k)]
for key in different:
    print("%s, %s: expected %d, found %d" % (*key, wanted.get(key, 0), found.get(key, 0)))
if not different:
    print("%d records, %d numbers agree" % (wanted["all", "records"], len(wanted)))
sys.exit(1 if different else 0)
