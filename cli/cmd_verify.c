#include "campaign/inspect.h"
#include "cli/commands.h"

#include <inttypes.h>

static Err verify(Arena *arena, const Args *a)
{
    Arena   scratch;
    Text    t = text_make(arena);
    int64_t files = 0;

    TRY(arena_make(&scratch, "scratch", (int64_t)1 << 36));
    for (int i = 0; i < a->words; i++) {
        Err e = inspect_verify(&scratch, a->word[i], &files);

        arena_back(&scratch, 0);
        TRY(e);
        text_printf(&t, "%s: %" PRId64 " published file%s, all whole\n", a->word[i], files,
                    files == 1 ? "" : "s");
    }
    arena_free(&scratch);
    return commands_print(&t);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    (void)c;
    return comm_agree(world, world->rank == 0 ? verify(arena, a) : OK);
}

static const ArgsOption OPTIONS[] = {{NULL, NULL, NULL, NULL}};

const Command CMD_VERIFY = {
    .name = "verify",
    .usage = "PATH ...",
    .about = "check every published file of a run: exit code 0, or 65 naming the first wrong one",
    .details = "PATH is a run directory or one file of it.\n",
    .examples = "  tandem verify runs/star-addition\n"
                "  tandem verify runs/star-addition/weights/v0003.h5\n",
    .words_min = 1,
    .words_max = ARGS_WORDS_MAX,
    .options = OPTIONS,
    .run = run};
