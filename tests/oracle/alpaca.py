"""alpaca.py CONFIG [key=value ...]: what Alpaca with a scripted teacher has to give.

Rounds of requests: three seeds are shown, a list of whole tasks comes back, filters, ROUGE-L
against everything accepted; each accepted task is an example.
"""
from instruct import Pool, demonstrate, filter_instruction, main
from pieces import items, sections_intended, sections_published


def propose(run, request):
    ask, parse = run.one("generate"), run.one("parse", by="sections")
    shown = demonstrate(run, run.one("demonstrate"), request, [])
    text, ended = run.ask(ask, request, 0, {"examples": shown})
    if text is None:
        return []
    published = parse["as"] == "published"
    pieces = (sections_published if published else sections_intended)(text, parse["first"], parse)
    out = []
    for _, (instruction, given, output) in items(run, parse, pieces, ended):
        instruction = " ".join(instruction.split())
        if not filter_instruction(run, instruction):
            continue
        needs = run.all("filter", by="empty", **{"in": "output"})
        if needs and not output.strip():
            run.tally.reject(needs[0], needs[0]["reason"])
            continue
        out.append({"instruction": instruction, "input": given, "output": output})
    return out


def oracle(run):
    pool, request, rounds, more = Pool(run), 0, 0, True
    while more:
        found = []
        for _ in range(run.count):
            found += propose(run, request)
            request += 1
        rounds += 1
        accepted = pool.commit(found)
        more = run.go_on(rounds, len(pool.records), accepted)
    for _ in pool.records:
        run.tally.keep()  # also an empty output: an end token alone is something to learn


if __name__ == "__main__":
    main(oracle)
