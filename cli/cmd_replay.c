#include "campaign/replay.h"
#include "cli/commands.h"

#include <string.h>

// The first word may be DIR:ID, or DIR with ids behind it.
static Err read_ids(Arena *arena, const Args *a, const char **dir, ReplayId **ids, int *count)
{
    const char *colon = strrchr(a->word[0], ':');

    *ids = arena_new(arena, ReplayId, a->words);
    *count = 0;
    *dir = a->word[0];
    if (colon != NULL) {
        *dir = arena_text_n(arena, a->word[0], colon - a->word[0]);
        TRY(replay_parse(colon + 1, &(*ids)[(*count)++]));
    }
    for (int i = 1; i < a->words; i++)
        TRY(replay_parse(a->word[i], &(*ids)[(*count)++]));
    return OK;
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    const char *dir;
    ReplayId   *ids;
    int         count;
    int64_t     random, seed;

    TRY(read_ids(arena, a, &dir, &ids, &count));
    if (count > 0 && args_has(c, a, "random"))
        FAIL(ERR_USAGE, "tandem replay: give examples or --random, not both");
    TRY(args_i64(c, a, "random", 1, 1 << 24, &random));
    TRY(args_i64(c, a, "seed", 0, INT64_MAX, &seed));
    return replay_run_all(world, dir, ids, count, random, (uint64_t)seed);
}

static const ArgsOption OPTIONS[] = {
    {"random", "N", "10", "without ids: so many examples drawn at random"},
    {"seed", "N", "1", "key of that drawing"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_REPLAY = {
    .name = "replay",
    .usage = "RUN ID ... | RUN:ID | RUN --random N",
    .about = "make examples again from their provenance and compare every byte",
    .details = "ID is iteration/request or iteration/request/sample, as `tandem inspect` and the\n"
               "report show them.  Exit code 65 if any example differs.\n",
    .examples = "  tandem replay runs/star-tiny 1/17 2/123/0\n"
                "  tandem replay runs/star-tiny --random 100\n",
    .words_min = 1,
    .words_max = ARGS_WORDS_MAX,
    .options = OPTIONS,
    .run = run};
