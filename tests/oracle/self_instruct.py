"""self_instruct.py CONFIG [key=value ...]: what Self-Instruct with a scripted teacher has to give.

Rounds of requests: examples from pool and seeds, a list of instructions, filters, ROUGE-L against
everything accepted; then for each accepted one: classification or not, instances, filters.
"""
from instruct import Pool, demonstrate, filter_instruction, main
from pieces import (examples_intended, examples_published, items, labels_intended,
                    labels_published, list_intended, list_published, says_yes)


def propose(run, request, view):
    """The instructions that one request proposes, those that no filter rejects."""
    ask, parse = run.one("generate"), run.one("parse", by="list")
    shown = demonstrate(run, run.one("demonstrate"), request, view)
    text, ended = run.ask(ask, request, 0, {"examples": shown})
    if text is None:
        return []
    published = parse["as"] == "published"
    pieces = (list_published if published else list_intended)(text, parse.get("first", 0))
    out = []
    for _, (instruction,) in items(run, parse, pieces, ended):
        instruction = " ".join(instruction.split())
        if published:
            instruction = instruction.capitalize()
        if filter_instruction(run, instruction):
            out.append({"instruction": instruction})
    return out


def instances(run, request, record):
    """Input and output of what one accepted instruction gives, in their order, before filters."""
    asks, parses = run.all("generate"), run.all("parse")
    text, _ = run.ask(asks[1], request, 0, record)
    if text is None:
        return []
    is_class = says_yes(text, parses[1].get("as", "intended"))
    ask, parse = (asks[2], parses[2]) if is_class else (asks[3], parses[3])
    text, ended = run.ask(ask, request, 0, record)
    if text is None:
        return []
    if parse["as"] == "published":
        pieces = (labels_published if is_class else examples_published)(text)
    else:
        pieces = (labels_intended if is_class else examples_intended)(text)
    return [piece for _, piece in items(run, parse, pieces, ended)]


def judge(run, found):
    """Invalid ones, those that contradict each other, repeated ones, more than five."""
    equal = run.one("filter", by="equal")
    empty = run.one("filter", by="empty", **{"in": "output"})
    colons = run.all("filter", by="ends_with")
    select, kept = run.one("select"), []
    for x, y in found:
        if x == y:
            run.tally.reject(equal, "equal")
        elif not y.strip():
            run.tally.reject(empty, empty.get("reason", "empty"))
        elif x.endswith(":"):
            run.tally.reject(colons[0], colons[0].get("reason", "ends_with"))
        elif y.endswith(":"):
            run.tally.reject(colons[1], colons[1].get("reason", "ends_with"))
        else:
            kept.append((x, y))
    if any(x == u and x and y != v for x, y in kept for u, v in kept):
        for _ in kept:
            run.tally.reject(select, "conflict")
        return
    seen = []
    for pair in kept:
        if pair in seen:
            run.tally.reject(select, "duplicate")
        elif len(seen) == select["cap"]:
            run.tally.reject(select, "over the cap")
        else:
            seen.append(pair)
            run.tally.keep()  # whichever format it is written in


def oracle(run):
    pool, request, rounds, more = Pool(run), 0, 0, True
    while more:
        view, found = list(pool.records), []
        for _ in range(run.count):
            found += propose(run, request, view)
            request += 1
        rounds += 1
        accepted = pool.commit(found)
        more = run.go_on(rounds, len(pool.records), accepted)
    for record in pool.records:
        judge(run, instances(run, request, record))
        request += 1


if __name__ == "__main__":
    main(oracle)
