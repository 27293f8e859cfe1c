#!/bin/bash
# kill_loop.sh PROGRAM SOURCE: a rank is killed (kill -9) at random moments, then the same command
# goes on; in the end the run has the bits of one that nobody disturbed.
#
# TANDEM_KILLS: how many kills [20].  TANDEM_KILL_SEED: which moments and ranks [1].
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3
kills=${TANDEM_KILLS:-20}
seed=${TANDEM_KILL_SEED:-1}
RANDOM=$seed
say="(TANDEM_KILL_SEED=$seed)"

must 1 run "$tiny" out=whole
reference=$(digests whole)
every=$(sed -n 's/.*"every_steps": *\([0-9]*\).*/\1/p' "$tiny")

# Each directory is continued by one command until it is done, then comes the next layout.
layouts=("2" "1" "4" "2 ranks.mode=alternate" "3 ranks.generators=1 ranks.trainers=2")
directory=0

start() { # in the background: $job is mpirun, or the program where it is alone
    local layout=(${layouts[directory % ${#layouts[@]}]})
    local n=${layout[0]} command=("$program" run "$tiny" "out=run$directory" "${layout[@]:1}")

    # Half of the jobs end at once, half as Open MPI does it: the others are told to stop first.
    export OMPI_MCA_odls_base_sigkill_timeout=$((RANDOM % 2))
    if [ "$n" = 1 ]; then
        "${command[@]}" >job.log 2>&1 &
    else
        mpirun -n "$n" --bind-to none "${command[@]}" >job.log 2>&1 &
    fi
    job=$!
    ranks_of_job=$n
}

lines_of() { if [ -e "$1/metrics.jsonl" ]; then wc -l <"$1/metrics.jsonl"; else echo 0; fi; }

progress_of() { # how many different steps, sets and evaluations are done, and the last of them
    [ -e "$1/metrics.jsonl" ] || { echo "0 start"; return; }
    python3 - "$1/metrics.jsonl" <<'P'
import json, sys
done, place = set(), "start"
for line in open(sys.argv[1]):
    try:
        m = json.loads(line)
    except ValueError:
        continue
    if m["kind"] in ("step", "generate", "eval"):
        done.add((m["kind"], m["iteration"], m.get("step")))
        what = {"step": "training", "generate": "examples made", "eval": "evaluated"}[m["kind"]]
        place = "iteration %d, %s" % (m["iteration"], what)
print(len(done), place)
P
}

kill_one() { # one of the ranks, now and then their mpirun; nothing if all have ended
    local victims
    victims=($job)
    if [ "$ranks_of_job" -gt 1 ]; then
        victims=($(pgrep -P "$job" || true))
        [ $((RANDOM % 8)) = 0 ] && victims=($job)
    fi
    [ ${#victims[@]} -gt 0 ] || return 0
    victim=${victims[RANDOM % ${#victims[@]}]}
    kill -9 "$victim" 2>/dev/null || true
}

read -r all _ <<<"$(progress_of whole)"
killed=0
finished=0
in_directory=0
places=()
while [ "$killed" -lt "$kills" ] || [ -e "run$directory" ]; do
    run=run$directory
    before=$(lines_of $run)
    start
    asked=0
    if [ "$killed" -lt "$kills" ]; then
        # Four kills per directory, one in each quarter of the run; then it may finish.
        read -r done_before _ <<<"$(progress_of $run)"
        target=$((all * (100 * in_directory + RANDOM % 100) / 400))
        more=$((target > done_before ? target - done_before : 0))
        [ "$in_directory" -lt 4 ] || more=$((all * 2))
        while kill -0 "$job" 2>/dev/null && [ "$(lines_of $run)" -lt $((before + more)) ]; do
            sleep 0.01
        done
        # At any moment between two lines, which is where files are published.
        sleep "0.$(printf %03d $((RANDOM % (RANDOM % 3 == 0 ? 600 : 60))))"
        [ "$in_directory" -ge 4 ] || { asked=1; kill_one; }
    fi
    code=0
    wait "$job" 2>/dev/null || code=$?
    checks=$((checks + 1))
    if [ "$code" = 0 ]; then
        same "digests after $killed kills, run $directory: ${layouts[directory % ${#layouts[@]}]} $say" \
            "$reference" "$(digests $run)"
        same "files that attempts left behind, run $directory $say" "" \
            "$(find $run -name '*.part-*')"
        finished=$((finished + 1))
        directory=$((directory + 1))
        in_directory=0
    elif [ "$asked" = 1 ] && [ "$code" = 137 ]; then
        killed=$((killed + 1))
        in_directory=$((in_directory + 1))
        read -r _ place <<<"$(progress_of $run)"
        places+=("$place")
    else
        failed "end of job $directory after $killed kills $say" \
            "exit code $([ $asked = 1 ] && echo "137 (killed) or ")0" "$code: $(tail -n 3 job.log)"
        break
    fi
    if [ -e "$run/attempt-0001" ]; then
        out=$("$program" verify $run 2>&1) || failed "verify after kill $killed, run $directory $say" \
            "exit code 0" "$out"
    fi
done

# After a kill at most one checkpoint interval is done again.
redone=$(python3 - "$every" run*/metrics.jsonl <<'P'
import json, sys
worst = 0
for path in sys.argv[2:]:
    last = {}
    for line in open(path):
        try: m = json.loads(line)
        except ValueError: continue
        if m["kind"] != "step": continue
        i, s = m["iteration"], m["step"]
        worst = max(worst, last.get(i, 0) - s + 1)
        last[i] = s
print(worst)
P
)
checks=$((checks + 1))
[ "$redone" -le "$every" ] || failed "steps that were done again after a kill $say" \
    "at most $every" "$redone"
[ "$finished" -gt 0 ] || failed "campaigns that came to their end $say" "one or more" 0
echo "$killed kills, $finished campaigns finished, at most $redone steps done again; last seen at:"
printf '%s\n' "${places[@]}" | sort | uniq -c
finish
