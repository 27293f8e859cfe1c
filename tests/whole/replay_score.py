# replay_score.py: the bookkeeping of replay_score.sh.
#
#   replay_score.py ids RUN ITERATION IDS.json      the prompts and tokens of a set, as ids
#   replay_score.py compare RUN ITERATION SCORES.h5 stored against scored log-probabilities
#   replay_score.py sampled PROMPTS.json NEW.json IDS.json    prompts with what was sampled
#   replay_score.py compare-sampled PROMPTS.json NEW.json SCORES.h5
#
# Reads HDF5 through h5py, or where that is missing through h5dump.  Compares bits, not numbers.
import glob
import json
import struct
import subprocess
import sys
import tempfile

try:
    import h5py
except ImportError:
    h5py = None

ALPHABET = "0123456789+=,;().>Q\n"  # of tests/data/tiny.json
BOS = "Q"


def read_bytes(path, name):
    if h5py is not None:
        with h5py.File(path, "r") as f:
            return f[name][()].tobytes()
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["h5dump", "-d", name, "-b", "LE", "-o", out.name, path], check=True,
                       stdout=subprocess.DEVNULL)
        return open(out.name, "rb").read()


def read(path, name, code):
    data = read_bytes(path, name)
    return struct.unpack("<%d%s" % (len(data) // struct.calcsize(code), code), data)


def texts(path, name):
    begin = read(path, name + "/begin", "q")
    data = read_bytes(path, name + "/bytes")
    return [data[a:b].decode() for a, b in zip(begin, begin[1:])]


def shards(run, iteration):
    return sorted(glob.glob("%s/examples/i%04d/b*.h5" % (run, int(iteration))))


def examples(run, iteration):
    """Prompt ids, new ids and the bits of their log-probabilities, of every example of a set."""
    for path in shards(run, iteration):
        begin = read(path, "/tokens/begin", "q")
        token, logp = read(path, "/tokens/id", "i"), read(path, "/tokens/logp", "I")
        source = read(path, "/source", "B")
        question, hint = texts(path, "/field/question"), texts(path, "/field/hint")
        for r in range(len(begin) - 1):
            # The names are "generated" and "rationalized": these were asked with the hint.
            prompt = BOS + ("(%s)" % hint[r] if source[r] == 1 else "") + question[r] + "="
            yield ([ALPHABET.index(c) for c in prompt], list(token[begin[r]:begin[r + 1]]),
                   logp[begin[r]:begin[r + 1]])


def compare(wanted, scores, offsets):
    """`wanted`: per array of ids, where its new tokens begin and the bits of their numbers."""
    tokens = different = 0
    for i, (start, bits) in enumerate(wanted):
        for k, b in enumerate(bits):
            tokens += 1
            if scores[offsets[i] + start + k] != b:
                if different == 0:
                    print("array %d, new token %d: stored %08x, scored %08x"
                          % (i, k, b, scores[offsets[i] + start + k]))
                different += 1
    print("%d arrays, %d tokens, %d differ" % (len(wanted), tokens, different))
    sys.exit(0 if tokens > 0 and different == 0 else 1)


def main(what, *args):
    if what == "ids":
        run, iteration, out = args
        json.dump([p + t for p, t, _ in examples(run, iteration)], open(out, "w"))
    elif what == "compare":
        run, iteration, path = args
        compare([(len(p), bits) for p, _, bits in examples(run, iteration)],
                read(path, "/logprobs", "I"), read(path, "/offsets", "q"))
    elif what == "sampled":
        prompts, new, out = args
        json.dump([p + n["ids"] for p, n in zip(json.load(open(prompts)), json.load(open(new)))],
                  open(out, "w"))
    elif what == "compare-sampled":
        prompts, new, path = args
        compare([(len(p), struct.unpack("<%dI" % len(n["logprobs"]),
                                        struct.pack("<%df" % len(n["logprobs"]), *n["logprobs"])))
                 for p, n in zip(json.load(open(prompts)), json.load(open(new)))],
                read(path, "/logprobs", "I"), read(path, "/offsets", "q"))


main(*sys.argv[1:])
