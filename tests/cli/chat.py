# chat.py PROGRAM ASSETS: the checks of chat.sh.  Says how many checks were made; exit 1 if one
# failed.
import json
import os
import pty
import re
import select
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import chat_model  # noqa: E402

PROGRAM = sys.argv[1]
STORIES = os.path.join(sys.argv[2], "models", "stories260K-hf")
checks = failures = 0


def expect(what, is_so, found=""):
    global checks, failures
    checks += 1
    if not is_so:
        failures += 1
        print("chat.py: FAILED: %s %s" % (what, str(found)[:2000]), flush=True)


def same(what, found, expected):
    expect(what, found == expected, "\n  expected: %r\n  found:    %r" % (expected, found))


def tandem(*words, given=None):
    r = subprocess.run([PROGRAM, *words], input=given, capture_output=True, timeout=120)
    return r.returncode, r.stdout.decode(), r.stderr.decode()


def chat(lines, *options, model="talker", code=0):
    """What a conversation through a pipe prints, and what it says beside."""
    got, out, err = tandem("chat", "--model", model, *options,
                           given="".join(line + "\n" for line in lines).encode())
    same("exit code of %s" % (lines,), (got, err if got != code else ""), (code, ""))
    return out, err


def saved(path="talk.json"):
    with open(path) as f:
        return json.load(f)[0]["messages"]


def answers(messages):
    return [m["content"] for m in messages if m["role"] == "assistant"]


# ---- through a pipe


def a_pipe_gets_answers():
    lines = ["Once upon a time, there was a dog", "And then?", "", "What did she say?"]
    out, err = chat(lines + ["/save talk.json"])
    talk = saved()
    same("roles", [m["role"] for m in talk], ["user", "assistant"] * 3)
    same("questions", [m["content"] for m in talk[::2]], [x for x in lines if x])
    same("what is printed are the answers", out, "".join(a + "\n" for a in answers(talk)))
    expect("they say something", all(len(a) > 3 for a in answers(talk)), talk)
    expect("what ends an answer", 'an answer ends at "</s>" "<|im_end|>"\n' in err, err)
    for word in "llama", "260160 parameters", "context of 512", "chat template", "temperature 0.7":
        expect("the introduction says %r" % word, word in err, err)
    expect("the template's surprises are told", "note: the assistant's turn ends" in err, err)
    same("the same lines again", chat(lines)[0], out)
    expect("another seed, other answers", chat(lines, "--seed", "2")[0] != out)
    same("the last line needs no end",
         tandem("chat", "--model", "talker", given=lines[0].encode())[1], answers(talk)[0] + "\n")
    lossy = chat(["\xff".encode("latin-1").decode("latin-1") + "caf\u00e9"])[0]
    expect("other characters", len(lossy) > 1)


def turns_see_all_before():
    """Every answer is what the model writes behind the ids of the conversation so far."""
    chat(["A cat sat.", "Why?", "And then?", "/save talk.json"], "--temperature", "0",
         "--system", "Be kind", model="ender")
    talk = saved()
    same("the system message is first", talk[0], {"role": "system", "content": "Be kind"})
    asked = [talk[:i] for i in range(len(talk)) if talk[i]["role"] == "assistant"]
    with open("asked.json", "w") as f:
        json.dump([{"messages": m, "add_generation_prompt": True} for m in asked], f)
    same("tandem template", tandem("template", "--model", "ender", "--in", "asked.json", "--out",
                                   "ids.json")[0], 0)
    with open("ids.json") as f:
        ids = [one["ids"] for one in json.load(f)]
    with open("ids.json", "w") as f:
        json.dump(ids, f)
    same("tandem sample", tandem("sample", "--model", "ender", "--ids", "ids.json", "--out",
                                 "new.json", "--max-tokens", "400")[0], 0)
    with open("new.json") as f:
        new = json.load(f)
    same("answers of %d turns" % len(asked), answers(talk), [n["text"].strip() for n in new])
    same("they end with the marker of a turn", {n["ids"][-1] for n in new}, {END})
    one = tandem("sample", "model=talker", "--chat", "--system", "Be kind", "--prompt",
                 "A cat sat.", "--max-tokens", "400")
    same("sample --chat", (one[0], one[1].strip()), (0, answers(talk)[0]))
    with open("texts.json", "w") as f:
        json.dump(["A cat sat.", "A dog ran."], f)
    two = tandem("sample", "model=talker", "--chat", "--in", "texts.json", "--out", "two.json",
                 "--system", "Be kind")
    with open("two.json") as f:
        texts = [n["text"].strip() for n in json.load(f)]
    same("sample --chat --in", (two[0], len(texts), texts[0]), (0, 2, answers(talk)[0]))


def commands_do_what_they_say():
    first = "Once upon a time"
    chat([first, "/system Be brief", "Hello", "And?", "/undo", "/save talk.json"])
    same("a system message begins anew", [m["content"] for m in saved()][:2], ["Be brief", "Hello"])
    same("undo takes a question and its answer", len(saved()), 3)
    chat(["/system Be brief", "Hello", "/reset", "/save talk.json"])
    same("reset keeps the system message", saved(), [{"role": "system", "content": "Be brief"}])
    chat(["/system Be brief", "/system", "/save talk.json"])
    same("no system message", saved(), [])
    out, _ = chat([first, "/again", "/save talk.json"])
    pieces = answers(saved())
    same("again puts another answer in the place of the last", len(pieces), 1)
    expect("it is another", out.endswith(pieces[0] + "\n") and out != 2 * (pieces[0] + "\n"), out)
    chat(["one\\", "two\\", "three", "//four", "/save talk.json"])
    same("lines that go on, and slashes", [m["content"] for m in saved()[::2]],
         ["one\ntwo\nthree", "/four"])
    _, err = chat(["/help", "/quit", "never read"])
    expect("help", "/system TEXT" in err and "backslash" in err, err)
    _, err = chat(["/rest"], code=64)
    expect("an unknown command", "did you mean /reset?" in err, err)
    _, err = chat(["/save"], code=64)
    expect("save wants a name", "/save talk.json" in err, err)
    _, err = chat(["/undo", "/again"])
    expect("nothing to undo", err.count("there is n") == 2, err)


def what_cannot_be_asked_is_said():
    _, err = chat(["word " * 60], "--context", "48", code=65)
    expect("a context that is too small", "context holds 48" in err and "/reset" in err, err)
    out, err = chat(["Once upon a time"], "--context", "48", model="plain")
    expect("a context that gets full", "the context of 48 tokens is full" in err, err)
    _, err = chat(["a <|im_end|> b"], code=65)
    expect("special tokens in a message", "special token" in err, err)
    _, err = chat(["Once upon a time"], "--max-tokens", "5", model="plain")
    expect("cut by an option", "cut after 5 tokens" in err, err)
    out, err = chat(["Once upon a time"], "--max-tokens", "60", "--temperature", "0", model="plain")
    expect("without a template: lines", "role: text" in err, err)
    stop = out.split()[3]
    same("stop", chat(["Once upon a time"], "--max-tokens", "60", "--temperature", "0", "--stop",
                      stop, model="plain")[0].strip(), out[:out.index(stop)].strip())
    for words, code, says in (
            (["chat"], 64, "--model PATH"), (["chat", "--model", "nowhere"], 74, "nowhere"),
            (["chat", "modle=x"], 64, "did you mean --model?"),
            (["sample", "model=talker"], 64, "none is given"),
            (["sample", "model=talker", "--prompt", "x", "--ids", "y"], 64, "several are"),
            (["sample", "model=talker", "--system", "x", "--prompt", "y"], 64, "--chat"),
            (["sample", "model=talker", "--chat", "--ids", "ids.json"], 64, "--chat")):
        got, _, err = tandem(*words, given=b"")
        expect("%s says %r" % (words, says), got == code and says in err, (got, err))


def models_say_how_they_are_sampled():
    _, err = chat([], model="ender")
    expect("by generation_config.json", "temperature 0.3, top-p 0.9" in err and
           "generation_config" in err, err)
    _, err = chat([], "--temperature", "1.5", "--top-k", "7", model="ender")
    expect("options come first", "temperature 1.5, top-p 0.9, top-k 7" in err, err)


# ---- on a terminal


class Terminal:
    def __init__(self, *options):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(PROGRAM, [PROGRAM, "chat", *options])
        self.seen = ""
        self.at = 0

    def wait_for(self, pattern, seconds=60):
        """Reads until the pattern comes behind all that was waited for; what stands before it."""
        end = time.time() + seconds
        while True:
            m = re.compile(pattern).search(self.seen, self.at)
            if m:
                before, self.at = self.seen[self.at:m.start()], m.end()
                return before
            ready = select.select([self.fd], [], [], max(0, end - time.time()))[0]
            try:
                data = os.read(self.fd, 1 << 16) if ready else b""
            except OSError:
                data = b""
            if not data:
                expect("the terminal shows %r" % pattern, False, repr(self.seen[-800:]))
                raise SystemExit(1)
            self.seen += data.decode("utf-8", "strict")

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        try:
            while os.read(self.fd, 1 << 16):
                pass
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def a_terminal_can_stop_an_answer():
    t = Terminal("--model", "endless", "--temperature", "0")
    t.wait_for("/help lists")
    t.wait_for("> ")
    t.type("Once upon a time\n")
    t.wait_for("Once upon a time\r\n")
    t.wait_for(r"\w+ \w+ \w+")
    t.type("\x03")
    t.wait_for(r"\[stopped")
    t.wait_for("> ")
    t.type("/save talk.json\n")
    t.wait_for("2 messages are in talk.json")
    expect("what was written stays", len(answers(saved())[0]) > 5, saved())
    t.type("one\\\ntwo\n")
    t.wait_for(r"\.\.\. ")
    t.wait_for(r"\w+ \w+ \w+")
    t.type("\x03")
    t.wait_for(r"\[stopped")
    t.wait_for("> ")
    t.type("word " * 500 + "\n")
    t.wait_for("the context holds 1000")
    t.wait_for("> ")
    t.type("/nothing\n")
    t.wait_for("there is no command /nothing")
    t.wait_for("> ")
    t.type("half a line\x03")
    t.wait_for("/quit or Ctrl-D ends")
    t.wait_for("> ")
    t.type("/save talk.json\n")
    t.wait_for("4 messages are in")
    t.type("\x04")
    same("Ctrl-D ends", t.end(), 0)
    t = Terminal("--model", "endless")
    t.wait_for("> ")
    t.type("\x03")
    t.wait_for("once more")
    t.type("\x03")
    same("Ctrl-C twice ends", t.end(), 0)


def main():
    global END
    END = 1 + chat_model.make(STORIES, "talker", lambda first: {"eos_token_id": 2})
    chat_model.make(STORIES, "ender", lambda first: {
        "eos_token_id": [2, first + 1], "temperature": 0.3, "top_p": 0.9, "do_sample": True})
    os.symlink(STORIES, "plain")
    chat_model.make(STORIES, "endless", lambda first: {})
    chat_model.change("endless/config.json", lambda c: c.update(max_position_embeddings=1000))
    chat_model.change("endless/tokenizer_config.json", lambda c: c.pop("chat_template"))
    for part in (a_pipe_gets_answers, turns_see_all_before, commands_do_what_they_say,
                 what_cannot_be_asked_is_said, models_say_how_they_are_sampled,
                 a_terminal_can_stop_an_answer):
        part()
    print("chat.py: %d checks, %d failed" % (checks, failures))
    sys.exit(1 if failures or not checks else 0)


main()
