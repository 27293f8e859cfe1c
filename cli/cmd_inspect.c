#include "campaign/inspect.h"
#include "cli/commands.h"

static Err inspect(Arena *arena, const Command *c, const Args *a)
{
    Arena scratch;
    Text  t = text_make(arena);
    Err   e;

    TRY(arena_make(&scratch, "scratch", (int64_t)1 << 36));
    for (int i = 0; i < a->words; i++) {
        e = args_has(c, a, "digest") ? inspect_digests(&t, &scratch, a->word[i])
                                     : inspect_describe(&t, &scratch, a->word[i]);
        arena_back(&scratch, 0);
        TRY(e);
    }
    arena_free(&scratch);
    return commands_print(&t);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, world->rank == 0 ? inspect(arena, c, a) : OK);
}

static const ArgsOption OPTIONS[] = {
    {"digest", NULL, NULL, "one line per published set: examples 3 <hash>, weights 3 <hash>"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_INSPECT = {
    .name = "inspect",
    .usage = "[--digest] PATH ...",
    .about = "what a run directory, an example set or a weight file holds",
    .details =
        "The hashes of --digest cover content only: not times, ranks, attempts or the layout\n"
        "of files.  Two runs with the same digests hold the same data and weights, bit for "
        "bit.\n",
    .examples = "  tandem inspect runs/star-addition\n"
                "  tandem inspect --digest runs/star-tiny\n",
    .words_min = 1,
    .words_max = ARGS_WORDS_MAX,
    .options = OPTIONS,
    .run = run};
