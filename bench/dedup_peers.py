#!/usr/bin/env python3
"""ROUGE-L near-duplicates: tandem beside rouge_score and rapidfuzz, on the same texts.

    python3 -m venv peers && peers/bin/pip install rouge_score rapidfuzz numpy
    peers/bin/python bench/dedup_peers.py build/cli/tandem [--rows 5000] [--repeats 5]

tandem makes up the texts (`tandem bench dedup --texts`) and judges each against all accepted before
it. rapidfuzz computes the LCS of all with all: process.cdist on one core, tokens given as
characters, and two lists, since with one it does not take several texts at a time. rouge_score, as
Self-Instruct calls it, scores pairs drawn at random, with its tokens made beforehand. Medians of
the repeats, which take turns, so that a busy minute meets all of them; seconds of work are those of
the processor. The last column, work for 52,000 texts, is measured for tandem (--full 0: scaled) and
scaled by the number of pairs for the others. What rapidfuzz finds must lead to the same number of
accepted texts.
"""
import argparse
import json
import os
import random
import re
import statistics
import subprocess
import tempfile
import time

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist
from rouge_score import rouge_scorer


def words(text):
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).split()


def run_tandem(program, rows, more, prefix=()):
    line = subprocess.run([*prefix, program, "bench", "dedup", "--rows", str(rows), "--json", *more],
                          check=True, capture_output=True, text=True).stdout
    return json.loads(line.splitlines()[-1])


def accepted_by(similar, lengths):
    """Greedy, in order: rejected if 20 LCS > 7 (a + b) with an accepted text."""
    accepted = []
    for i in range(len(lengths)):
        lcs = similar[i, accepted].astype(np.int64)
        if not np.any(20 * lcs > 7 * (lengths[i] + lengths[accepted])):
            accepted.append(i)
    return len(accepted)


def timed(what):
    began, worked = time.perf_counter(), time.process_time()
    result = what()
    return time.perf_counter() - began, time.process_time() - worked, result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tandem")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sample", type=int, default=2000, help="pairs for rouge_score")
    parser.add_argument("--full", type=int, default=52000, help="texts of the last column")
    parser.add_argument("--mpirun", default="mpirun", help="empty: one rank only")
    a = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "texts")
        run_tandem(a.tandem, a.rows, ["--texts", path])
        with open(path, encoding="utf-8") as file:
            tokens = [words(line) for line in file]
    number = {word: i for i, word in enumerate(sorted({w for t in tokens for w in t}))}
    strings = ["".join(chr(0x100 + number[w]) for w in t) for t in tokens]
    assert len(number) < 0xD000, "too many different words for characters below the surrogates"
    lengths = np.array([len(t) for t in tokens])
    pairs = len(tokens) ** 2
    rng = random.Random(1)
    sample = [rng.sample(tokens, 2) for _ in range(a.sample)]

    rows = {}  # name -> (pairs, seconds and work of each repeat)

    def note(name, count, seconds, work):
        rows.setdefault(name, (count, [], []))
        rows[name][1].append(seconds)
        rows[name][2].append(work)

    ways = [("tandem, 1 rank", [], ()), ("tandem, 1 rank, mean and top 10", ["--mean"], ())]
    if a.mpirun:
        two = (a.mpirun, "-n", "2")
        ways += [("tandem, 2 ranks", [], two), ("tandem, 2 ranks, mean and top 10", ["--mean"], two)]
    full = {name: [] for name, _, _ in ways}
    for _ in range(a.repeats):
        for name, more, prefix in ways:
            out = run_tandem(a.tandem, a.rows, more, prefix)
            note(name, out["pairs"], out["seconds"], out["cpu_seconds"])
            if a.full:
                full[name].append(run_tandem(a.tandem, a.full, more, prefix)["cpu_seconds"])
        seconds, work, similar = timed(lambda: cdist(strings, list(strings),
                                                     scorer=LCSseq.similarity, dtype=np.uint16,
                                                     workers=1))
        note("rapidfuzz cdist LCSseq", pairs, seconds, work)
        seconds, work, _ = timed(lambda: [rouge_scorer._score_lcs(x, y) for x, y in sample])
        note("rouge_score", a.sample, seconds, work)

    theirs = accepted_by(similar, lengths)
    print(f"{len(tokens)} texts, {lengths.mean():.1f} tokens on average; accepted: "
          f"tandem {out['accepted']}, by rapidfuzz's LCS {theirs}\n")
    print(f"{'medians of ' + str(a.repeats):34}{'pairs':>10}{'seconds':>10}{'work, s':>10}"
          f"{'ns/pair':>10}{f'{a.full} texts':>16}")
    for name, (count, seconds, work) in rows.items():
        middle = statistics.median(work)
        scaled = middle / count * a.full * (a.full - 1) / 2
        whole = statistics.median(full[name]) if full.get(name) else scaled
        print(f"{name:34}{count:10}{statistics.median(seconds):10.3f}{middle:10.3f}"
              f"{middle / count * 1e9:10.1f}{whole:14.1f} s")
    assert theirs == out["accepted"], "the accepted texts differ"


if __name__ == "__main__":
    main()
