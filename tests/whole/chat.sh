#!/bin/bash
# chat.sh PROGRAM SOURCE: conversations by a chat template: the same bits from any ranks, every row
# again by replay, back out by export, and a model that answers by its template when it is served.
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3
chat=$source/tests/data/chat.json

must 1 run "$chat" out=one
same "the refusal that the log tells" 1 "$(grep -c 'told for the first only.*no tools here' ranks.log)"
reference=$(digests one)
same "published sets and weights" 4 "$(cut -d' ' -f3 <<<"$reference" | sort -u | wc -l)"
for how in "2" "3 ranks.generators=1 ranks.trainers=2" "2 ranks.mode=alternate" "1 generate.slots=3"; do
    # shellcheck disable=SC2086
    must ${how%% *} run "$chat" out=other $([ "${how#* }" = "$how" ] || echo "${how#* }") &&
        same "digests on $how" "$reference" "$(digests other)"
    rm -rf other
done

must 2 replay one --random 30
same "records made again" "30 replayed, 30 identical" "$(grep replayed ranks.log)"
must 1 replay one 0/5 0/6
same "rejected records made again" "2 replayed, 2 identical" "$(grep replayed ranks.log)"

# The rows of the seeds are the conversations that were learned, whole.
must 1 export one --to messages --seeds --out messages.jsonl
same "conversations that come back" "5 of 5" "$(python3 - "$source/tests/data/chat.jsonl" <<'PYTHON'
import json, sys
given = [json.loads(json.loads(line)["messages"]) for line in open(sys.argv[1])][:5]
rows = [json.loads(line) for line in open("messages.jsonl")]
back = [row["messages"] for row in rows if row["id"].startswith("0/")]
print(sum(a == b for a, b in zip(given, back)), "of", len(given))
PYTHON
)"
same "answers of the model among them" "user assistant" "$(python3 -c '
import json
rows = [json.loads(line) for line in open("messages.jsonl")]
print(*{" ".join(m["role"] for m in r["messages"]) for r in rows if r["id"].startswith("1/")})')"

# Another template is another run; the same one under another name is the same.
cp -r "$source/tests/data" data
echo "{# changed #}" >>data/chat.jinja
code=0
ranks 1 run data/chat.json out=one || code=$?
same "exit code with a changed template" 78 "$code"
same "the message names it" 1 "$(grep -c 'the chat template chat.jinja was changed' ranks.log)"
code=0
ranks 1 run "$chat" out=none chat_template= || code=$?
same "exit code without a template" 78 "$code"
same "the message says both ways" 1 "$(grep -c '"chat_template" is empty and the model' ranks.log)"
must 1 run "$chat" out=typed chat_template=data/../data/chat.jinja iterations=0 base.steps=1
same "a name that was typed stands in run.json as a whole" 1 "$(grep -c '"chat_template": "/' typed/run.json)"
code=0
ranks 1 run "$chat" out=none chat_template=nowhere.jinja || code=$?
same "exit code with a file that is not there" 78 "$code"

# A campaign that begins with these weights knows their template.
must 1 run "$chat" out=next model=one chat_template= iterations=0 base.steps=5

# Served, it answers as it was taught, and stops where the template ends a turn.
"$program" serve --model one --port 0 --port-file port --slots 2 --threads 1 >serve.log 2>&1 &
server=$!
at_end="kill $server"
for _ in $(seq 100); do
    [ -s port ] && break
    sleep 0.1
done
checks=$((checks + 1))
python3 - "$(cat port)" <<'PYTHON' || failed "answers of the server" "those that were learned" "see above"
import json, sys, urllib.error, urllib.request
url = "http://127.0.0.1:%s/v1/chat/completions" % sys.argv[1]
bad = 0

def ask(messages):
    body = json.dumps({"messages": messages, "temperature": 0, "max_tokens": 12}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        reply = json.load(urllib.request.urlopen(request, timeout=30))
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["error"]["message"]
    choice = reply["choices"][0]
    return choice["finish_reason"], choice["message"]["content"], reply["usage"]["prompt_tokens"]

def expect(found, wanted):
    global bad
    if found != wanted:
        print("found", found, "not", wanted)
        bad += 1

user = lambda text: {"role": "user", "content": text}
expect(ask([user("s")]), ("stop", "tt", 6))
expect(ask([user("hello")]), ("stop", "hell o", 6))
expect(ask([user("hell")]), ("stop", "hello hello", 6))
expect(ask([{"role": "system", "content": "sh"}, user("ho"),
            {"role": "assistant", "content": "he he"}, user("s")])[:2], ("stop", "tt"))
code, words = ask([user("h<e>")])[:2]
expect((code, "special token" in words), (400, True))
sys.exit(bad > 0)
PYTHON
kill $server
at_end=
wait $server || true
finish
