#!/usr/bin/env python3
"""A server of the OpenAI protocol that misbehaves on demand, for the tests of the endpoint teacher.

endpoint.py [--port-file FILE] [--log FILE] [--key KEY] [--seed N] [COMMAND ...]

Serves POST /v1/completions and /v1/chat/completions on 127.0.0.1.  With a COMMAND it runs that, with
the address in $TANDEM_TEST_ENDPOINT, and ends with its exit code; else it serves until it is killed.

The name of the model says what happens to a request:
  good          it is answered
  mirror        the answer is the body of the request
  once-KIND     KIND the first time, then it is answered
  always-KIND   KIND every time
  mixed-PERCENT some KIND by chance, which depends on the seed, the body and how often it came: the
                same whatever the order of the requests
Every request that was read is one line of the log: how it was answered, and what it was.
POST /counts {"model": NAME} tells how many of that model were served.
"""
import argparse
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time

MIXED = ["429", "429-after", "500", "503", "hang", "cut", "cut-early", "garbage", "half-json",
         "no-usage", "negative-usage", "absurd-usage", "slow"]
STATUS = {"429": 429, "429-after": 429, "500": 500, "503": 503, "400": 400, "401": 401, "402": 402,
          "403": 403, "404": 404, "422": 422, "redirect": 302}
HANG_S = 2.0
SLOW_S = 0.15
USAGE = {"no-usage": None,
         "negative-usage": {"prompt_tokens": 3, "completion_tokens": -1, "total_tokens": 2},
         "absurd-usage": {"prompt_tokens": 3, "completion_tokens": 10**12},
         "zero-usage": {"prompt_tokens": 3, "completion_tokens": 0},
         "broken-usage": {"prompt_tokens": 3.5, "completion_tokens": "4"}}


class State:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.seen = {}     # body -> how often it came
        self.served = {}   # model -> how many requests
        self.log = open(options.log, "a", buffering=1) if options.log else None

    def count(self, model, body):
        """Counts one request, and says how often this body came before."""
        with self.lock:
            before = self.seen.get(body, 0)
            self.seen[body] = before + 1
            self.served[model] = self.served.get(model, 0) + 1
            return before

    def chance(self, body, before):
        text = "%d %d %s" % (self.options.seed, before, body)
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

    def kind(self, model, body, before):
        word, _, rest = model.partition("-")
        if word == "always" or (word == "once" and before == 0):
            return rest
        if word == "mixed":
            number = self.chance(body, before)
            if number % 100 < int(rest):
                kind = MIXED[number // 100 % len(MIXED)]
                # A pause is for all requests of a rank: one in five is enough.
                return "429" if kind == "429-after" and number // 10000 % 5 else kind
        return "good"

    def note(self, kind, body):
        if self.log:
            with self.lock:
                self.log.write(json.dumps({"kind": kind, "body": body}) + "\n")


def answer_text(request, prompt, raw):
    if request["model"] == "mirror":
        return raw.decode()
    words = hashlib.sha256(raw).hexdigest()
    return "%s %s" % (words[:8], " ".join(prompt.split()[-3:]))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def give(self, status, body, length=None, extra=""):
        """In one write; a length above the body's and a close make a reply that is cut."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n" % (
            status, len(data) if length is None else length, extra)
        self.wfile.write(head.encode() + data)
        self.wfile.flush()

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        state = self.server.state
        request = json.loads(raw)
        if self.path == "/counts":
            with state.lock:
                self.give(200, {"served": state.served.get(request["model"], 0)})
            return
        body = hashlib.sha256(raw).hexdigest()[:24]
        before = state.count(request["model"], body)
        kind = state.kind(request["model"], body, before)
        key = state.options.key
        if key and self.headers.get("Authorization") != "Bearer " + key:
            kind = "401"
        if self.path not in ("/v1/completions", "/v1/chat/completions"):
            kind = "404"
        state.note(kind, body)
        try:
            self.serve(kind, request, raw, state.chance(body, before))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def serve(self, kind, request, raw, chance):
        is_chat = self.path.endswith("/chat/completions")
        prompt = request["messages"][-1]["content"] if is_chat else request["prompt"]
        text = answer_text(request, prompt, raw)
        usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": max(1, len(text.split()))}
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        reason = {"length": "length", "filter": "content_filter", "no-reason": None,
                  "abort": "abort"}.get(kind, "stop")
        if kind == "keyleak":
            text += " " + self.headers.get("Authorization", "")[7:]
        if kind == "stop-inside":
            text = "before" + request["stop"][-1] + "after"
        if kind in STATUS:
            extra = "Retry-After: 1\r\n" if kind == "429-after" else ""
            extra += "Location: http://127.0.0.1:1/v1\r\n" if kind == "redirect" else ""
            self.give(STATUS[kind], {"error": {"message": "no: %s, said to %s" % (
                kind, self.headers.get("Authorization"))}}, extra=extra)
            return
        if kind == "hang":
            time.sleep(HANG_S)
            self.close_connection = True
            return
        if kind == "slow":
            time.sleep(SLOW_S)
        if kind == "garbage":
            self.give(200, b"<html>\xff\xfe not what was asked for</html>")
            return
        choice = {"index": 0, "finish_reason": reason}
        if is_chat:
            choice["message"] = {"role": "assistant", "content": text}
        else:
            choice["text"] = text
        if kind == "no-choice":
            choice = None
        reply = {"id": "x%d" % chance, "model": request["model"],
                 "choices": [choice] if choice else [], "usage": USAGE.get(kind, usage)}
        if reply["usage"] is None:
            del reply["usage"]
        data = json.dumps(reply).encode()
        if kind == "half-json":
            data = data[:len(data) // 2]
        if kind == "large":
            data = b" " * (17 << 20)
        if kind == "cut":
            self.give(200, data[:len(data) // 2], length=len(data))
            self.close_connection = True
        elif kind == "cut-early":
            self.close_connection = True
        else:
            self.give(200, data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, *_):
        pass  # a client that was killed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file")
    parser.add_argument("--log")
    parser.add_argument("--key", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Handler)
    server.state = State(options)
    port = server.server_address[1]
    if options.port_file:
        with open(options.port_file + ".part", "w") as f:
            f.write("%d\n" % port)
        os.rename(options.port_file + ".part", options.port_file)
    if not options.command:
        server.serve_forever()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = dict(os.environ, TANDEM_TEST_ENDPOINT="http://127.0.0.1:%d" % port,
                       no_proxy="127.0.0.1")
    sys.exit(subprocess.run(options.command, env=environment).returncode)


if __name__ == "__main__":
    main()
