"""evol_instruct.py CONFIG [key=value ...]: what Evol-Instruct with a scripted teacher has to give.

In each round the youngest descendant of every seed is rewritten by one of six operators; what
fails a test leaves the descendant as it is, to be tried again in the next round.
"""
from instruct import Pool, main
from pieces import says_equal
from scripted import choose

STOP_WORDS = set("""i me my myself we our ours ourselves you your yours yourself yourselves he him
his himself she her hers herself it its itself they them their theirs themselves what which who
whom this that these those am is are was were be been being have has had having do does did doing
a an the and but if or because as until while of at by for with about against between into through
during before after above below to from up down in out on off over under again further then once
here there when where why how all any both each few more most other some such no nor not only own
same so than too very s t can will just don should now""".split())


def evolve(run, request, task):
    """The record that a request gives to the commit; None if a test rejected it."""
    choice = run.one("choose")
    options = choice["options"]
    weights = [o.get("weight", 1) for o in options]
    operator = options[choose(run.rng("choose", request, 0, choice), weights)]
    given = (task["instruction"] + "\n" + task["input"]).strip()
    keeps, filters = run.all("keep"), {f["by"]: f for f in run.all("filter")}
    parse, asks = run.one("parse"), run.all("generate")

    def reject(step, reason):
        run.tally.reject(step, step.get("reason", reason))

    evolved, ended = run.ask(operator["steps"][0], request, 0, {"given": given})
    if evolved is None:
        return None
    evolved = evolved.strip()
    if not ended:
        return reject(keeps[0], "not evolved.ended")
    if not evolved:
        return reject(filters["empty"], "empty")
    if any(words in evolved.lower() for words in filters["contains"]["list"]):
        return reject(filters["contains"], "leak")
    said, _ = run.ask(asks[-2], request, 0, {"given": given, "evolved": evolved})
    if said is None:
        return None
    if says_equal(said) is None:
        return reject(parse, "unjudged")
    if says_equal(said):
        return reject(keeps[1], "equal")
    answer, ended = run.ask(asks[-1], request, 0, {"evolved": evolved})
    if answer is None:
        return None
    answer = answer.strip()
    if not ended:
        return reject(keeps[2], "not answer.ended")
    if "sorry" in answer.lower() and len(answer.split()) < filters["refusal"]["below"]:
        return reject(filters["refusal"], "refusal")
    words = "".join(c if c.isalnum() or c == "'" else " " for c in answer.lower()).split()
    if all(w in STOP_WORDS for w in words):
        return reject(filters["stop_words"], "no content")
    return {"instruction": evolved, "input": "", "output": answer}


def oracle(run):
    pool, latest, request, rounds, more = Pool(run), list(run.seeds), 0, 0, True
    while more:
        found, before = [], len(pool.records)
        for k, task in enumerate(latest):
            record = evolve(run, request, task)
            if record:
                found.append({**record, "seed": k})
            request += 1
        rounds += 1
        accepted = pool.commit(found)
        for record in pool.records[before:]:
            latest[record["seed"]] = record
        more = run.go_on(rounds, len(pool.records), accepted)
    for _ in pool.records:
        run.tally.keep()


if __name__ == "__main__":
    main(oracle)
