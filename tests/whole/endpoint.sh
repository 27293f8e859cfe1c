#!/bin/bash
# endpoint.sh PROGRAM SOURCE: an endpoint as teacher, one that often fails: every request is accounted
# for once, budgets hold, nothing is paid twice after a kill, and the key appears nowhere.
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3
config=$source/tests/data/endpoint.json
export TANDEM_TEST_KEY=sk-canary-8d1f60 no_proxy=127.0.0.1
ranks3="ranks.generators=2 ranks.trainers=1"
in_flight=32 # of both generators together

serve() { # serve LOG ARGUMENTS: a server that logs every request; its address in $url
    rm -f port
    python3 "$source/tests/oracle/endpoint.py" --port-file port --key "$TANDEM_TEST_KEY" \
        --log "$@" 2>server.err &
    server=$!
    for _ in $(seq 100); do [ -e port ] && break; sleep 0.05; done
    url=endpoint.url=http://127.0.0.1:$(cat port)/v1
}
stop_server() { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
at_end=stop_server

served() { if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi; }

expect() { # expect CODE WHAT RANKS ARGUMENTS: the exit code, and one message that says WHAT
    local want=$1 says=$2 code=0
    shift 2
    ranks "$@" || code=$?
    same "$says: exit code ($(grep '^tandem: ' ranks.log | cut -c 1-300))" "$want" "$code"
    same "message with \"$says\"" 1 "$(grep -c "^tandem: .*$says" ranks.log)"
}

# ---- every request once: the records, the usage that is told, the ledger and the server agree
serve log
# shellcheck disable=SC2086
must 3 run "$config" out=whole $ranks3 "$url" \
    endpoint.price_prompt=2 endpoint.price_completion=10
stop_server
checks=$((checks + 1))
python3 - whole log 2000 <<'P' || failed "one account of every request" "see above" "a difference"
import collections, glob, json, re, subprocess, sys
run, log, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
kinds = collections.Counter(json.loads(line)["kind"] for line in open(log))
lines = [json.loads(line) for f in glob.glob(run + "/cache/*.jsonl") for line in open(f)]
sent = sum(l.get("sent", 0) for l in lines)
ends = collections.Counter(l["end"] for l in lines if "end" in l)
usage = [json.loads(l) for l in open(run + "/metrics.jsonl")]
usage = [u for u in usage if u["kind"] == "teacher"][-1]["usage"]
none = usage["no_answer"]
ok = kinds["good"] + kinds["slow"]
want = {"http 429": kinds["429"] + kinds["429-after"], "http 5xx": kinds["500"] + kinds["503"],
        "timed out": kinds["hang"], "connection cut": kinds["cut"] + kinds["cut-early"],
        "garbage reply": kinds["garbage"] + kinds["half-json"],
        "wrong counts": kinds["no-usage"] + kinds["negative-usage"] + kinds["absurd-usage"],
        "no connection": 0, "http 4xx": 0, "dropped": 0}
pairs = [("sent, by the ledger", sent, sum(kinds.values())), ("sent", usage["sent"], sent),
         ("requests", usage["requests"], count),
         ("answers kept", sum(ends.values()), count),
         ("answered", usage["requests"] - usage["failed"], ok),
         ("failed", usage["failed"], ends["failed"]),
         ("tokens", usage["prompt_tokens"] + usage["new_tokens"],
          sum(l["prompt_tokens"] + l["new_tokens"] for l in lines if "end" in l)),
         ("cost", round(usage["cost"], 9),
          round((2 * usage["prompt_tokens"] + 10 * usage["new_tokens"]) / 1e6, 9))]
# A slow machine may time out what the server thought it had answered.
late = none["timed out"] - want["timed out"]
pairs += [(k, none[k], v + (late if k == "timed out" else 0)) for k, v in want.items()]
pairs[4] = ("answered", pairs[4][1], ok - late)
bad = [p for p in pairs if p[1] != p[2]]
for p in bad:
    print("%s: %s, expected %s" % p)
print("%d requests sent, %d answers, %d failed; %s" % (sent, ok, usage["failed"], dict(kinds)))
sys.exit(bool(bad))
P
same "records" 1 "$($alone "$program" inspect whole | grep -c '^examples 1: 2000 records')"

# ---- kill -9 in the middle: what was answered is not asked again
serve killed.log
# shellcheck disable=SC2086
mpirun -n 3 --bind-to none "$program" run "$config" out=killed $ranks3 "$url" >job.log 2>&1 &
job=$!
while kill -0 "$job" 2>/dev/null && [ "$(served killed.log)" -lt 900 ]; do sleep 0.02; done
kill -9 "$(pgrep -P "$job" | head -n 1)"
wait "$job" 2>/dev/null || true
kept=$(cat killed/cache/*.jsonl | grep -c '"end": "\(done\|length\)"' || true)
answered=$(grep -cE '"kind": "(good|slow)"' killed.log)
# shellcheck disable=SC2086
must 3 run "$config" out=killed $ranks3 "$url"
stop_server
twice=$(grep -E '"kind": "(good|slow)"' killed.log | sort | uniq -d | wc -l)
checks=$((checks + 2))
[ "$kept" -gt 100 ] && [ "$kept" -lt 1990 ] || failed "killed in the middle" "100 to 1990 answers" \
    "$kept"
[ "$((answered - kept))" -le "$in_flight" ] || failed "answers that the kill lost" \
    "at most $in_flight" "$((answered - kept))"
[ "$twice" -le "$((answered - kept))" ] || failed "requests that were answered twice" \
    "at most $((answered - kept)), which the kill lost" "$twice"
echo "killed after $kept answers, $twice requests were answered twice"

# ---- with the cache complete nobody needs the server, and the examples are the same
mkdir again
cp -r killed/cache again/cache
must 1 run "$config" out=again endpoint.url=http://127.0.0.1:1/v1
same "examples from the cache alone" "$(digests killed | grep '^examples 1')" \
    "$(digests again | grep '^examples 1')"
code=0
$alone "$program" replay killed --random 20 >replay.log 2>&1 || code=$?
same "replay from the cache alone ($(tail -n 1 replay.log))" 0 "$code"

# ---- the budget over both ranks and over restarts
serve budget.log
for _ in 1 2; do
    # shellcheck disable=SC2086
    expect 85 "the budget of the endpoint is spent" 3 run "$config" out=budget $ranks3 "$url" \
        endpoint.max_requests=300
    same "requests of a budget of 300" 300 "$(served budget.log)"
done
must 1 run "$config" out=budget "$url" endpoint.max_requests=100000
same "answers in the end" 2000 "$(cat budget/cache/*.jsonl | grep -c '"end"')"
stop_server

# ---- what ends a run at once
expect 74 "cannot be reached" 2 run "$config" out=down endpoint.url=http://127.0.0.1:1/v1
serve refused.log
(
    export TANDEM_TEST_KEY=sk-canary-wrong1
    code=0
    ranks 2 run "$config" out=refused "$url" || code=$?
    echo "$code" >refused.code
)
same "a wrong key: exit code" 78 "$(cat refused.code)"
same "a wrong key: message" 1 "$(grep -c '^tandem: .*is the key right' ranks.log)"
echo "$TANDEM_TEST_KEY" >key
chmod 644 key
expect 78 "chmod 600" 2 run "$config" out=readable "$url" endpoint.key_env= \
    "endpoint.key_file=$PWD/key"
chmod 600 key
must 1 run "$config" out=file "$url" endpoint.key_env= "endpoint.key_file=$PWD/key" loop.count=50
rm key
stop_server

# ---- the key is in no file of any run, and in no word of the program
same "files with the key in them" "" "$(grep -rl 'sk-canary' . || true)"
finish
