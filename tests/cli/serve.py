# serve.py PROGRAM GOLDENS ASSETS: the checks of serve.sh, in a folder with the models "run" (characters,
# trained a little) and "bytes" (untrained).  Says how many checks were made; exit 1 if one failed.
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "whole"))
from replay_score import ALPHABET, read  # noqa: E402
import chat_model  # noqa: E402

try:
    import openai
except ImportError:
    openai = None

try:
    import jinja2
    import tokenizers
except ImportError:
    jinja2 = tokenizers = None

PROGRAM, GOLDENS, ASSETS = sys.argv[1:4]
checks = failures = 0

# How long it takes to start and end, whatever it does: with sanitizers that is long.
began = time.time()
subprocess.run([PROGRAM, "--version"], check=True, stdout=subprocess.DEVNULL)
SLOW = time.time() - began


def expect(what, is_so, found=""):
    global checks, failures
    checks += 1
    if not is_so:
        failures += 1
        print("serve.py: FAILED: %s %s" % (what, str(found)[:2000]), flush=True)


def same(what, found, expected):
    expect(what, found == expected, "\n  expected: %r\n  found:    %r" % (expected, found))


class Server:
    def __init__(self, model, *options):
        self.file = "port-" + re.sub(r"\W", "-", model)
        if os.path.exists(self.file):
            os.remove(self.file)
        self.log = open(self.file + ".log", "w")
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--model", model, "--port", "0", "--port-file", self.file,
             *(options if "--threads" in options else ("--threads", "1") + options)], stdout=self.log, stderr=self.log)
        end = time.time() + 30 + 3 * SLOW
        while not os.path.exists(self.file) and time.time() < end:
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.port = int(open(self.file).read())

    def connect(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, path, body=None, method=None, headers={}):
        """Status, headers and the JSON of the reply."""
        c = self.connect()
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        c.request(method or ("GET" if body is None else "POST"), path, data, headers)
        r = c.getresponse()
        text = r.read()
        c.close()
        return r.status, dict(r.getheaders()), json.loads(text) if text else None

    def complete(self, **body):
        status, _, reply = self.ask("/v1/completions", body)
        if status != 200:
            raise RuntimeError("status %d: %s" % (status, reply))
        return reply

    def text(self, **body):
        return self.complete(**body)["choices"][0]["text"]

    def events(self, path, **body):
        """The events of a stream; the last one has to be [DONE]."""
        c = self.connect()
        c.request("POST", path, json.dumps(dict(body, stream=True)))
        r = c.getresponse()
        same("type of a stream", r.getheader("Content-Type"), "text/event-stream")
        parts = r.read().decode().split("\n\n")
        c.close()
        same("end of a stream", parts[-2:], ["data: [DONE]", ""])
        return [json.loads(p[len("data: "):]) for p in parts[:-2]]

    def stop(self, sign=signal.SIGTERM):
        began = time.time()
        self.process.send_signal(sign)
        same("exit code", self.process.wait(timeout=20 + 3 * SLOW), 0)
        self.log.close()
        return time.time() - began


def at_once(count, work):
    """work(i) in `count` threads; what they return, in order."""
    results = [None] * count

    def one(i):
        try:
            results[i] = work(i)
        except Exception as e:  # noqa: BLE001: the check that follows tells it
            results[i] = e

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def bits(logp):
    return struct.pack("<f", logp)


def score(model, lists):
    with open("ids.json", "w") as f:
        json.dump(lists, f)
    subprocess.run([PROGRAM, "score", "--model", model, "--ids", "ids.json", "--out", "scores.h5"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    logp, begin = read("scores.h5", "/logprobs", "f"), read("scores.h5", "/offsets", "q")
    return [list(logp[a:b]) for a, b in zip(begin, begin[1:])]


# ---- what comes back


def replies(s):
    r = s.complete(model="run", prompt="12+34=", temperature=0, max_tokens=20)
    same("keys of a reply", sorted(r), ["choices", "created", "id", "model", "object", "usage"])
    same("object", (r["object"], r["model"], r["id"][:5]), ("text_completion", "run", "cmpl-"))
    expect("created", abs(r["created"] - time.time()) < 10, r["created"])
    one = r["choices"][0]
    same("keys of a choice", sorted(one), ["finish_reason", "index", "logprobs", "text"])
    said = subprocess.run([PROGRAM, "sample", "--model", "run", "--prompt", "12+34=",
                           "--max-tokens", "20"], capture_output=True, text=True).stdout[:-1]
    same("text against tandem sample", one["text"], said)
    usage = r["usage"]
    same("usage", usage, {"prompt_tokens": 7, "completion_tokens": usage["completion_tokens"],
                          "total_tokens": 7 + usage["completion_tokens"]})
    ids = s.complete(prompt=[ALPHABET.index(c) for c in "Q12+34="], temperature=0, max_tokens=20,
                     return_token_ids=True)["choices"][0]
    same("prompt as ids", ids["text"], one["text"])
    same("token ids", "".join(ALPHABET[i] for i in ids["token_ids"]).rstrip("\n"), one["text"])
    many = s.complete(prompt=["12+34=", "5+6=", "12+34="], temperature=0, max_tokens=20, n=2)
    same("several prompts", [c["index"] for c in many["choices"]], list(range(6)))
    same("the same prompt in a list", {many["choices"][i]["text"] for i in (0, 1, 4, 5)},
         {one["text"]})
    lists = s.complete(prompt=[[17 + 1, 1, 10], [18, 2]], temperature=0, max_tokens=3)
    same("lists of ids", len(lists["choices"]), 2)
    short = s.complete(prompt="12+34=", temperature=0, max_tokens=2)
    same("max_tokens", (short["choices"][0]["text"], short["choices"][0]["finish_reason"],
                        short["usage"]["completion_tokens"]), (one["text"][:2], "length", 2))
    same("finish", one["finish_reason"], "stop")
    full = s.complete(prompt="1" * 60, max_tokens=500, ignore_eos=True)
    same("the context ends a text", (full["choices"][0]["finish_reason"],
                                     full["usage"]["total_tokens"]), ("length", 64))
    stop = one["text"][3:5]
    cut = s.complete(prompt="12+34=", temperature=0, max_tokens=20, stop=[stop, "never this"])
    same("stop", (cut["choices"][0]["text"], cut["choices"][0]["finish_reason"]),
         (one["text"][:one["text"].index(stop)], "stop"))
    same("stop as a text", s.text(prompt="12+34=", temperature=0, max_tokens=20, stop=stop),
         cut["choices"][0]["text"])
    echo = s.complete(prompt="12+34=", temperature=0, max_tokens=0, echo=True)["choices"][0]
    same("echo of nothing new", (echo["text"], echo["finish_reason"]), ("12+34=", "length"))
    same("default of max_tokens",
         s.complete(prompt="1+", ignore_eos=True)["usage"]["completion_tokens"], 16)
    held = s.complete(prompt="7+8=", temperature=0, max_tokens=30, ignore_eos=True,
                      frequency_penalty=50)["choices"][0]["text"]
    expect("a frequency penalty spreads the tokens", len(set(held)) >= 15, held)
    free = s.complete(prompt="7+8=", temperature=0, max_tokens=30, ignore_eos=True)
    expect("without it they repeat", len(set(free["choices"][0]["text"])) < 15)


def seeds(s):
    ask = dict(prompt="31+9=", temperature=1.5, max_tokens=25, ignore_eos=True)
    alone = [s.text(seed=i, **ask) for i in range(8)]
    expect("seeds differ", len(set(alone)) == 8, alone)
    together = at_once(40, lambda i: s.text(seed=i % 8, **ask))
    same("texts of a seed in company", together, [alone[i % 8] for i in range(40)])
    several = [c["text"] for c in s.complete(seed=3, n=4, **ask)["choices"]]
    same("n: the first is that of n = 1", several[0], alone[3])
    expect("n: they differ", len(set(several)) == 4, several)
    same("n again", [c["text"] for c in s.complete(seed=3, n=4, **ask)["choices"]], several)
    listed = s.complete(seed=3, n=2, **dict(ask, prompt=["5+5=", "31+9="]))["choices"]
    same("a prompt in a list", [c["text"] for c in listed[2:]], several[:2])
    expect("without a seed texts differ", len({s.text(**ask) for _ in range(4)}) == 4)


def streams(s):
    ask = dict(prompt="12+34=", temperature=1, seed=5, max_tokens=30, n=3, logprobs=2)
    whole = s.complete(**ask)
    events = s.events("/v1/completions", stream_options={"include_usage": True}, **ask)
    same("usage event", (events[-1]["choices"], events[-1]["usage"]), ([], whole["usage"]))
    expect("usage is null before", all(e["usage"] is None for e in events[:-1]))
    expect("one id", len({e["id"] for e in events}) == 1)
    for i, choice in enumerate(whole["choices"]):
        mine = [e["choices"][0] for e in events[:-1] if e["choices"][0]["index"] == i]
        same("streamed text", "".join(c["text"] for c in mine), choice["text"])
        same("end of it", [c["finish_reason"] for c in mine],
             [None] * (len(mine) - 1) + [choice["finish_reason"]])
        for key in choice["logprobs"]:
            same("streamed " + key, sum((c["logprobs"][key] for c in mine), []),
                 choice["logprobs"][key])
    text = s.text(prompt="12+34=", temperature=0, max_tokens=30)
    for stop in text[4:6], text[2:9], "x" + text[5:]:
        want = s.complete(prompt="12+34=", temperature=0, max_tokens=30, stop=stop, echo=True)
        got = s.events("/v1/completions", prompt="12+34=", temperature=0, max_tokens=30, stop=stop,
                       echo=True)
        same("streamed echo with a stop text", "".join(e["choices"][0]["text"] for e in got),
             want["choices"][0]["text"])
    pieces = s.events("/v1/completions", prompt="1", n=64, max_tokens=60, ignore_eos=True)
    expect("long texts come in pieces", len(pieces) > 128, len(pieces))
    ask = {"messages": [{"role": "user", "content": "1+2"}], "temperature": 0, "max_tokens": 20}
    status, _, r = s.ask("/v1/chat/completions", ask)
    same("chat in the format of the recipe", (status, r["choices"][0]["message"]["content"]),
         (200, s.text(prompt="1+2=", temperature=0, max_tokens=20)))
    ask["messages"].insert(0, {"role": "system", "content": "1"})
    same("no place for a system message", s.ask("/v1/chat/completions", ask)[0], 400)
    ask["messages"] = [{"role": "user", "content": "Q1"}]
    same("special tokens in a message", s.ask("/v1/chat/completions", ask)[0], 400)


def logprobs(s):
    ask = dict(prompt="12+34=", temperature=1, max_tokens=20, seed=2, n=5, logprobs=3,
               return_token_ids=True)
    choices = s.complete(**ask)["choices"]
    scored = score("run", [c["prompt_token_ids"] + c["token_ids"] for c in choices])
    for c, want in zip(choices, scored):
        p = c["logprobs"]
        count = len(p["tokens"])
        same("tokens make the text", "".join(p["tokens"]), c["text"])
        same("offsets", p["text_offset"], list(range(count)))
        same("log-probabilities against tandem score", [bits(x) for x in p["token_logprobs"]],
             [bits(x) for x in want[7:7 + count]])
        for token, logp, top in zip(p["tokens"], p["token_logprobs"], p["top_logprobs"]):
            same("a token among the most likely", top.get(token), logp)
            expect("3 most likely, or one more", 3 <= len(top) <= 4 and max(top.values()) >= logp)
    echo = s.complete(prompt="12+34=56;", max_tokens=0, echo=True, logprobs=0)["choices"][0]
    want = score("run", [[ALPHABET.index(c) for c in "Q12+34=56;"]])[0]
    same("log-probabilities of a prompt", [bits(x) for x in echo["logprobs"]["token_logprobs"][1:]],
         [bits(x) for x in want[1:]])
    same("the first has none", (echo["logprobs"]["token_logprobs"][0],
                                echo["logprobs"]["top_logprobs"][0]), (None, None))
    same("offsets behind {bos}", echo["logprobs"]["text_offset"], [0] + list(range(9)))


# ---- bytes: characters are several tokens, and what an untrained model writes is no UTF-8


def byte_texts(s):
    ask = dict(temperature=1, max_tokens=40, logprobs=1, n=4)
    for seed in range(6):
        whole = s.complete(prompt="grüß €😀", seed=seed, echo=True, **ask)["choices"]
        events = s.events("/v1/completions", prompt="grüß €😀", seed=seed, echo=True, **ask)
        for i, choice in enumerate(whole):
            mine = [e["choices"][0] for e in events if e["choices"][0]["index"] == i]
            same("bytes in a stream", "".join(c["text"] for c in mine), choice["text"])
            same("offsets", sum((c["logprobs"]["text_offset"] for c in mine), []),
                 choice["logprobs"]["text_offset"])
        expect("echo", whole[0]["text"].startswith("grüß €😀"))
    ids = list("é€".encode())
    one = s.complete(prompt=ids, max_tokens=0, echo=True, logprobs=0)["choices"][0]
    same("ids as text", (one["text"], one["logprobs"]["text_offset"], one["logprobs"]["tokens"][0]),
         ("é€", [0, 1, 1, 2, 2], "bytes:\\xc3"))
    chat = dict(messages=[{"role": "user", "content": [{"type": "text", "text": "H"},
                                                       {"type": "text", "text": "é"}]}],
                max_tokens=12, seed=1, logprobs=True, top_logprobs=4)
    status, _, r = s.ask("/v1/chat/completions", chat)
    same("chat", (status, r["object"], r["id"][:9]), (200, "chat.completion", "chatcmpl-"))
    prompt = "Hé="
    same("prompt of a chat", r["usage"]["prompt_tokens"], 1 + len(prompt.encode()))
    plain = s.complete(prompt=prompt, max_tokens=12, seed=1,
                       return_token_ids=True)["choices"][0]
    message = r["choices"][0]["message"]
    same("chat against completion", (message["role"], message["content"]),
         ("assistant", plain["text"]))
    content = r["choices"][0]["logprobs"]["content"]
    expect("4 most likely", all(len(t["top_logprobs"]) == 4 for t in content), content)
    same("bytes of tokens", sum((t["bytes"] for t in content), []),
         [i for i in plain["token_ids"] if i < 256])
    events = s.events("/v1/chat/completions", **chat)
    same("streamed chat", "".join(e["choices"][0]["delta"]["content"] for e in events),
         message["content"])
    same("role comes first", events[0]["choices"][0]["delta"]["role"], "assistant")
    same("streamed chat, logprobs",
         sum((e["choices"][0]["logprobs"]["content"] for e in events), []), content)


# ---- refusals

GOOD = {"prompt": "1+2="}
CHAT = {"messages": [{"role": "user", "content": "1+2="}]}
BAD = [  # path, body, status, param, code
    ("/v1/completions", "{", 400, None, None),
    ("/v1/completions", "", 400, None, None),
    ("/v1/completions", b"\xff\xfe", 400, None, None),
    ("/v1/completions", '{"prompt": "1", "prompt": "2"}', 400, None, None),
    ("/v1/completions", "[" * 5000, 400, None, None),
    ("/v1/completions", "[" + "1," * 2000000 + "1]", 400, None, None),
    ("/v1/completions", [], 400, None, None),
    ("/v1/completions", {}, 400, "prompt", None),
    ("/v1/completions", {"prompt": 5}, 400, "prompt", None),
    ("/v1/completions", {"prompt": []}, 400, "prompt", None),
    ("/v1/completions", {"prompt": [1, "a"]}, 400, "prompt", None),
    ("/v1/completions", {"prompt": [1, 20]}, 400, "prompt", None),
    ("/v1/completions", {"prompt": [-1]}, 400, "prompt", None),
    ("/v1/completions", {"prompt": [1.5]}, 400, "prompt", None),
    ("/v1/completions", {"prompt": ["1"] * 2000}, 400, "prompt", None),
    ("/v1/completions", {"prompt": "abc"}, 400, "prompt", None),
    ("/v1/completions", {"prompt": "1" * 64}, 400, "prompt", "context_length_exceeded"),
    ("/v1/completions", {"prompt": [1] * 1000}, 400, "prompt", "context_length_exceeded"),
    ("/v1/completions", dict(GOOD, model="other"), 404, "model", "model_not_found"),
    ("/v1/completions", dict(GOOD, model=1), 400, "model", None),
    ("/v1/completions", dict(GOOD, max_tokens="5"), 400, "max_tokens", None),
    ("/v1/completions", dict(GOOD, max_tokens=-1), 400, "max_tokens", None),
    ("/v1/completions", dict(GOOD, max_tokens=1.5), 400, "max_tokens", None),
    ("/v1/completions", dict(GOOD, max_tokens=1e300), 400, "max_tokens", None),
    ("/v1/completions", dict(GOOD, temperature=-1), 400, "temperature", None),
    ("/v1/completions", dict(GOOD, top_p=2), 400, "top_p", None),
    ("/v1/completions", dict(GOOD, n=0), 400, "n", None),
    ("/v1/completions", dict(GOOD, n=True), 400, "n", None),
    ("/v1/completions", dict(GOOD, best_of=3), 400, "best_of", None),
    ("/v1/completions", dict(GOOD, seed="x"), 400, "seed", None),
    ("/v1/completions", dict(GOOD, echo="yes"), 400, "echo", None),
    ("/v1/completions", dict(GOOD, logprobs=6), 400, "logprobs", None),
    ("/v1/completions", dict(GOOD, logprobs=True), 400, "logprobs", None),
    ("/v1/completions", dict(GOOD, stop=[""]), 400, "stop", None),
    ("/v1/completions", dict(GOOD, stop=5), 400, "stop", None),
    ("/v1/completions", dict(GOOD, stop=["a"] * 9), 400, "stop", None),
    ("/v1/completions", dict(GOOD, logit_bias={"5": 1}), 400, "logit_bias", None),
    ("/v1/completions", dict(GOOD, suffix="x"), 400, "suffix", None),
    ("/v1/completions", dict(GOOD, stream_options={}), 400, "stream_options", None),
    ("/v1/chat/completions", {}, 400, "messages", None),
    ("/v1/chat/completions", {"messages": []}, 400, "messages", None),
    ("/v1/chat/completions", {"messages": ["hi"]}, 400, "messages", None),
    ("/v1/chat/completions", {"messages": [{"role": "user"}]}, 400, "messages", None),
    ("/v1/chat/completions", {"messages": [{"role": "tool", "content": ""}]}, 400, "messages",
     None),
    ("/v1/chat/completions", dict(CHAT, top_logprobs=2), 400, "top_logprobs", None),
    ("/v1/chat/completions", dict(CHAT, logprobs=3), 400, "logprobs", None),
    ("/v1/chat/completions", dict(CHAT, tools=[{}]), 400, "tools", None),
    ("/v1/chat/completions", dict(CHAT, response_format={"type": "json_object"}), 400,
     "response_format", None)]


def refusals(s):
    for path, body, status, param, code in BAD:
        what = "%s with %s" % (path, str(body)[:60])
        got, _, reply = s.ask(path, body)
        error = reply["error"]
        same(what, (got, error["param"], error["code"]), (status, param, code))
        same(what, (error["type"], sorted(error)), ("invalid_request_error",
                                                    ["code", "message", "param", "type"]))
        expect(what + ": the message says something", len(error["message"]) > 15, error)
    same("unknown path", s.ask("/v1/nothing", {})[0], 404)
    status, headers, _ = s.ask("/v1/completions", method="GET")
    same("wrong method", (status, headers.get("Allow")), (405, "POST"))
    same("wrong method", s.ask("/health", {})[0], 405)
    same("DELETE", s.ask("/v1/models", method="DELETE")[0], 405)
    same("HEAD", s.ask("/health", method="HEAD")[0], 200)
    same("unknown members, and null", s.ask("/v1/completions", dict(
        GOOD, user="me", foo={"a": []}, stop=None, seed=None, logit_bias=None, suffix=None))[0], 200)
    same("a huge body", s.ask("/v1/completions", b" " * (5 << 20))[0], 413)
    same("a body of just 4 MiB", s.ask("/v1/completions", (b'{"prompt": "1"}' +
                                                           b" " * (4 << 20))[:4 << 20])[0], 200)
    same("query behind the path", s.ask("/v1/models?x=y")[2]["data"][0]["id"], "run")


# ---- clients that behave badly


def raw(s, data):
    c = socket.create_connection(("127.0.0.1", s.port))
    c.settimeout(10)
    c.sendall(data)
    return c


def post(body, more=""):
    data = json.dumps(body).encode()
    return ("POST /v1/completions HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n"
            % (more, len(data))).encode() + data


def idle(s):
    end = time.time() + 10
    while time.time() < end:
        health = s.ask("/health")[2]
        if health["running"] == 0 and health["waiting"] == 0:
            return True
        time.sleep(0.02)
    return False


def bad_clients(s):
    slow = [raw(s, b"POST /v1/completions HT"), raw(s, b"POST /v1/completions HTTP/1.1\r\nHost"),
            raw(s, b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"),
            raw(s, b"")]
    expect("slow clients keep nobody waiting", s.text(prompt="1+1=", temperature=0) != "")
    for garbage in b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"A" * 100000, b"\r\n" * 50:
        try:
            c = raw(s, garbage)
            c.settimeout(0.3)  # some get no reply: they could still become a request
            c.recv(100)
        except OSError:
            pass
        c.close()
    for c in slow:
        c.close()
    # Connections that are cut give their slots back: 64 slots' worth of long texts would last.
    heavy = {"prompt": ["1"] * 60, "n": 16, "max_tokens": 60, "ignore_eos": True}
    for stream in False, True:
        cut = [raw(s, post(dict(heavy, stream=stream))) for _ in range(3)]
        time.sleep(0.1)
        for c in cut:
            c.close()
    expect("cut connections cancel their texts", idle(s), s.ask("/health"))
    # One connection, several requests, one behind the other without waiting.
    c = raw(s, post({"prompt": "1+1=", "temperature": 0}) * 2 +
            post({"prompt": "1+1=", "temperature": 0}, "Connection: close\r\n"))
    data = b""
    while True:
        part = c.recv(65536)
        if not part:
            break
        data += part
    same("three requests in a row", data.count(b"HTTP/1.1 200"), 3)
    hundred = at_once(100, lambda i: s.text(prompt="%d+%d=" % (i, i), temperature=0,
                                            max_tokens=20))
    one = [s.text(prompt="%d+%d=" % (i, i), temperature=0, max_tokens=20) for i in range(0, 100, 9)]
    same("100 connections at once", [hundred[i] for i in range(0, 100, 9)], one)
    expect("all of them were answered", all(isinstance(t, str) for t in hundred), hundred)


def overload():
    s = Server("run", "--slots", "1", "--queue", "2")
    long = dict(prompt="1", max_tokens=60, ignore_eos=True, n=100)
    results = at_once(12, lambda i: s.ask("/v1/completions", long)[:2])
    codes = sorted(r[0] for r in results)
    expect("some are served, some are told to wait", codes[0] == 200 and codes[-1] == 429, codes)
    same("nothing else", set(codes), {200, 429})
    same("Retry-After", {r[1].get("Retry-After") for r in results if r[0] == 429}, {"1"})
    s.stop()


def keys_and_names():
    with open("key", "w") as f:
        f.write("sesame\n")
    s = Server("run/weights/v0000.h5", "--name", "teacher", "--key-file", "key")
    right = {"Authorization": "Bearer sesame"}
    same("no key", s.ask("/v1/models")[0], 401)
    same("a wrong key", s.ask("/v1/models", headers={"Authorization": "Bearer sesamf"})[0], 401)
    same("health needs none", s.ask("/health")[0], 200)
    same("the right key", s.ask("/v1/models", headers=right)[2]["data"][0]["id"], "teacher")
    same("the name", s.ask("/v1/completions", dict(GOOD, model="teacher"), headers=right)[0], 200)
    expect("idle, it ends at once", s.stop(signal.SIGINT) < 3 + 3 * SLOW)


def ends_in_order(other):
    s = Server("run", "--slots", "2", "--threads", "2")
    want = s.text(prompt="1+", seed=1, max_tokens=60, ignore_eos=True)
    same("slots and threads change nothing", want, other)
    long = dict(prompt="1+", seed=1, max_tokens=60, ignore_eos=True, n=8)
    started = threading.Event()

    def one(i):
        c = s.connect()
        c.request("POST", "/v1/completions", json.dumps(long))
        started.set()
        return json.loads(c.getresponse().read())["choices"][0]["text"]

    def end(i):
        started.wait()
        time.sleep(0.05)
        return s.stop()

    results = at_once(2, lambda i: one(i) if i == 0 else end(i))
    same("a running request may finish", results[0], want)
    expect("then it ends", isinstance(results[1], float) and results[1] < 10 + 3 * SLOW, results[1])


def without_tokenizer():
    folder = os.path.join(GOLDENS, "llama-gqa-ref")
    if not os.path.exists(os.path.join(folder, "config.json")):
        print("serve.py: no model folder of others here: its part is skipped")
        return
    s = Server(folder)
    r = s.complete(prompt=[1, 2, 3], max_tokens=5, temperature=0, logprobs=1)["choices"][0]
    ids = r["token_ids"]
    same("ids instead of text", (len(ids), r["text"]), (5, ""))
    same("names of tokens", r["logprobs"]["tokens"], ["token_id:%d" % i for i in ids])
    want = score(folder, [[1, 2, 3] + ids])[0]
    same("scores", [bits(x) for x in r["logprobs"]["token_logprobs"]], [bits(x) for x in want[3:]])
    for path, body in ("/v1/completions", GOOD), ("/v1/chat/completions", CHAT), \
            ("/v1/completions", {"prompt": [1], "stop": "x"}):
        same("texts are refused", s.ask(path, body)[0], 400)
    s.stop()


# ---- the same on a terminal


def chat_by_recipe(s):
    """A recipe's format takes one question: every line is a conversation of its own."""
    r = subprocess.run([PROGRAM, "chat", "--model", "run", "--temperature", "0"],
                       input="1+2\n12+34\n1+2\n", capture_output=True, text=True)
    want = [s.text(prompt=p, temperature=0, max_tokens=60).strip()
            for p in ("1+2=", "12+34=", "1+2=")]
    same("tandem chat", (r.returncode, r.stdout), (0, "".join(w + "\n" for w in want)))
    expect("it tells the form", "recipe that it was trained by; every line" in r.stderr, r.stderr)


# ---- a model with a chat template

TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function",
        "function": {"name": "look_up", "arguments": "{\"word\": \"cat\"}"}}
TALKS = [
    ([{"role": "user", "content": "A cat sat."}], None),
    ([{"role": "system", "content": "Be kind"}, {"role": "user", "content": " Why? "}], None),
    ([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
      {"role": "user", "content": "gr\u00fc\u00df"}], None),
    ([{"role": "user", "content": "Look"}], [TOOL]),
    ([{"role": "user", "content": "Look"},
      {"role": "assistant", "content": None, "tool_calls": [CALL]},
      {"role": "tool", "content": "a small tiger", "tool_call_id": "c1"}], [TOOL])]


def as_templates_read(messages):
    """Arguments of calls as objects, as transformers wants them."""
    messages = json.loads(json.dumps(messages))
    for m in messages:
        for c in m.get("tool_calls", []):
            c["function"]["arguments"] = json.loads(c["function"]["arguments"])
    return messages


def ids_of_template(model, talks):
    with open("talks.json", "w") as f:
        json.dump([dict({"messages": as_templates_read(m), "add_generation_prompt": True},
                        **({"tools": t} if t else {})) for m, t in talks], f)
    subprocess.run([PROGRAM, "template", "--model", model, "--in", "talks.json", "--out",
                    "rendered.json"], check=True, stdout=subprocess.DEVNULL)
    with open("rendered.json") as f:
        rendered = json.load(f)
    if jinja2 is not None:
        tokenizer = tokenizers.Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
        template = jinja2.Environment().from_string(chat_model.TEMPLATE)
        for (m, t), one in zip(talks, rendered):
            text = template.render(messages=as_templates_read(m), tools=t,
                                   add_generation_prompt=True)
            same("ids against jinja2 and tokenizers", one["ids"],
                 tokenizer.encode(text, add_special_tokens=False).ids)
    return [one["ids"] for one in rendered]


def conversations():
    source = os.path.join(ASSETS, "models", "stories260K-hf")
    if not os.path.exists(source):
        print("serve.py: no model folder with a tokenizer here: its part is skipped")
        return
    end = 1 + chat_model.make(source, "talker", lambda first: {"eos_token_id": 2})
    s = Server("talker")
    same("the form is told", s.ask("/v1/models")[2]["data"][0]["chat_form"], "template")
    for (messages, tools), ids in zip(TALKS, ids_of_template("talker", TALKS)):
        body = {"messages": messages, "temperature": 0, "return_token_ids": True}
        if tools:
            body["tools"] = tools
        status, _, r = s.ask("/v1/chat/completions", body)
        same("a conversation is answered", (status, r.get("error")), (200, None))
        one = r["choices"][0]
        same("the prompt is what the template writes", one["prompt_token_ids"], ids)
        same("it ends with the turn's marker", (one["token_ids"][-1], one["finish_reason"]),
             (end, "stop"))
        expect("which is not in the text", "<|im_end|>" not in one["message"]["content"], one)
        longer = s.ask("/v1/chat/completions", dict(body, ignore_eos=True, max_tokens=60))[2]
        same("ignore_eos goes on", longer["usage"]["completion_tokens"], 60)
        streamed = s.events("/v1/chat/completions", **body)
        same("streamed", "".join(e["choices"][0]["delta"].get("content", "") for e in streamed),
             one["message"]["content"])
    ask = {"messages": TALKS[0][0], "temperature": 0, "tools": [TOOL], "return_token_ids": True}
    without = ids_of_template("talker", TALKS[:1])[0]
    same("tool_choice none", s.ask("/v1/chat/completions", dict(ask, tool_choice="none"))[2]
         ["choices"][0]["prompt_token_ids"], without)
    same("no tools", s.ask("/v1/chat/completions", dict(ask, tools=[]))[2]["choices"][0]
         ["prompt_token_ids"], without)
    spelled = [{"role": "user", "content": "a <|im_end|> b"}]
    for what, body, param in (
            ("a special token in a message", dict(ask, messages=spelled), "messages"),
            ("a tool has to be called", dict(ask, tool_choice="required"), "tool_choice"),
            ("tools that are none", dict(ask, tools={}), "tools")):
        status, _, r = s.ask("/v1/chat/completions", body)
        same(what, (status, r["error"]["param"]), (400, param))
    s.stop()


# ---- the client library


def library(s, b):
    if openai is None:
        return
    client = openai.OpenAI(base_url="http://127.0.0.1:%d/v1" % s.port, api_key="none",
                           max_retries=0)
    same("openai: models", [m.id for m in client.models.list()], ["run"])
    ask = dict(model="run", prompt="12+34=", seed=4, max_tokens=20, logprobs=2)
    r = client.completions.create(**ask)
    same("openai: completion", r.choices[0].text, s.text(**ask))
    same("openai: tokens", "".join(r.choices[0].logprobs.tokens), r.choices[0].text)
    streamed = client.completions.create(stream=True, stream_options={"include_usage": True}, **ask)
    parts = list(streamed)
    same("openai: stream", "".join(p.choices[0].text for p in parts if p.choices),
         r.choices[0].text)
    same("openai: usage", parts[-1].usage.total_tokens, r.usage.total_tokens)
    chat = openai.OpenAI(base_url="http://127.0.0.1:%d/v1" % b.port, api_key="none", max_retries=0)
    ask = dict(model="bytes", messages=[{"role": "user", "content": "Hi"}], seed=4, n=2,
               max_completion_tokens=9, logprobs=True, top_logprobs=2)
    r = chat.chat.completions.create(**ask)
    same("openai: chat", (len(r.choices), r.choices[0].message.role), (2, "assistant"))
    expect("openai: chat logprobs", len(r.choices[0].logprobs.content[0].top_logprobs) == 2)
    texts = ["", ""]
    for p in chat.chat.completions.create(stream=True, **ask):
        texts[p.choices[0].index] += p.choices[0].delta.content or ""
    same("openai: streamed chat", texts, [c.message.content for c in r.choices])
    for kind, call in (
            (openai.NotFoundError, lambda: client.completions.create(model="no", prompt="1")),
            (openai.BadRequestError, lambda: client.completions.create(model="run", prompt="z")),
            (openai.BadRequestError, lambda: client.completions.create(model="run",
                                                                       prompt="1" * 80))):
        try:
            call()
            expect("openai: " + kind.__name__, False)
        except kind as e:
            expect("openai: " + kind.__name__, e.body is not None and len(e.message) > 10, e)
    print("serve.py: with openai %s" % openai.__version__)


def main():
    s, b = Server("run"), Server("bytes")
    for part in replies, seeds, streams, logprobs, refusals, bad_clients:
        part(s)
    byte_texts(b)
    library(s, b)
    chat_by_recipe(s)
    text = s.text(prompt="1+", seed=1, max_tokens=60, ignore_eos=True)
    for one in s, b:
        one.stop()
    overload()
    keys_and_names()
    conversations()
    ends_in_order(text)
    without_tokenizer()
    print("serve.py: %d checks, %d failed" % (checks, failures))
    sys.exit(failures > 0)


main()
