#include "campaign/plan.h"
#include "cli/commands.h"

static Err plan(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    static Settings s;
    Text            t = text_make(arena);
    int64_t         ranks, threads;
    Err             e;

    TRY(args_i64(c, a, "ranks", 0, 1 << 20, &ranks));
    TRY(args_i64(c, a, "threads", 1, 1024, &threads));
    TRY(settings_read_all(world, arena, a->word[0], a->word + 1, a->words - 1, &s));
    if (world->rank != 0)
        return OK;
    e = plan_write(&t, &s, ranks > 0 ? (int)ranks : world->size, (int)threads);
    err_also(&e, commands_print(&t));
    return e;
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, plan(world, arena, c, a));
}

static const ArgsOption OPTIONS[] = {
    {"ranks", "N", "0", "ranks of the job; 0: as many as this command was started with"},
    {"threads", "N", "1", "threads of each rank; a run takes the cores that it finds"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_PLAN = {
    .name = "plan",
    .usage = "CONFIG [key=value ...] [--ranks N] [--threads N]",
    .about = "check a config and say what it will need; starts nothing",
    .details = "Reads config, recipes and prompts, checks them as a run would, and prints ranks,\n"
               "memory per rank, work and disk space, with what was assumed.  Exit code 78 if the\n"
               "campaign cannot fit on this machine.\n",
    .examples = "  tandem plan configs/star-addition.json --ranks 2 --threads 2\n",
    .words_min = 1,
    .words_max = ARGS_WORDS_MAX,
    .options = OPTIONS,
    .run = run};
