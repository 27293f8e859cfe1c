#include "base/log.h"
#include "campaign/preview.h"
#include "campaign/rounds.h"
#include "cli/commands.h"

#include <unistd.h>

static Err run_side(const Comm *world, const Command *c, const Args *a, RunSide side, int follows)
{
    RoundsOptions o = {.side = side, .follows = follows};

    TRY(args_seconds(c, a, "max-time", &o.max_time_s));
    if (args_has(c, a, "quiet"))
        log_show(LOG_WARN);
    return rounds_run_all(world, a->word[0], a->word + 1, a->words - 1, &o);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    (void)arena;
    return run_side(world, c, a, RUN_BOTH, 1);
}

static Err generate(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    (void)arena;
    return run_side(world, c, a, RUN_GENERATE, 1);
}

// Rank 0 alone; what it found out is printed whatever comes of it.
static Err print_preview(Arena *arena, const Settings *s)
{
    Text t = text_make(arena);
    Err  e = preview_write(&t, s, isatty(STDOUT_FILENO) ? PREVIEW_COLOUR : PREVIEW_PLAIN);

    err_also(&e, commands_print(&t));
    return e;
}

static Err preview(const Comm *world, Arena *arena, const Args *a)
{
    static Settings s;

    TRY(settings_read_all(world, arena, a->word[0], a->word + 1, a->words - 1, &s));
    return comm_agree(world, world->rank == 0 ? print_preview(arena, &s) : OK);
}

static Err train(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    if (args_has(c, a, "preview"))
        return preview(world, arena, a);
    return run_side(world, c, a, RUN_TRAIN, args_has(c, a, "follow"));
}

#define MAX_TIME                                                        \
    {                                                                   \
        "max-time", "TIME", NULL,                                       \
            "stop cleanly after 90s, 5m, 1.5h: exit code 85; the same " \
            "command goes on"                                           \
    }
#define QUIET                                           \
    {                                                   \
        "quiet", NULL, NULL, "warnings and errors only" \
    }

static const ArgsOption RUN_OPTIONS[] = {MAX_TIME, QUIET, {NULL, NULL, NULL, NULL}};
static const ArgsOption TRAIN_OPTIONS[] = {
    {"follow", NULL, NULL, "wait for examples that another job makes (tandem generate)"},
    {"preview", NULL, NULL, "show what would be learned from the data; starts and writes nothing"},
    MAX_TIME,
    QUIET,
    {NULL, NULL, NULL, NULL}};

const Command CMD_RUN = {
    .name = "run",
    .usage = "CONFIG [key=value ...]",
    .about = "run a campaign, or go on with one that was interrupted",
    .details =
        "Generator ranks make examples, a program checks them, trainer ranks learn from what was\n"
        "kept; the next iteration generates with the new weights.  Everything goes to the run\n"
        "directory of the config (out).  The same command again continues after any interruption;\n"
        "results have the same bits.  Stop cleanly with SIGUSR1, SIGTERM, --max-time or a file\n"
        "named STOP in the run directory.\n"
        "key=value replaces a value of the config: out=DIR, seed=2, ranks.mode=alternate,\n"
        "ranks.generators=1, ranks.trainers=3, iterations=3, loop.schedule.lr=0.001, ...\n",
    .examples = "  mpirun -n 2 --bind-to none tandem run configs/star-addition.json\n"
                "  tandem run configs/star-tiny.json out=/tmp/tiny seed=2\n"
                "  mpirun -n 4 tandem run configs/star-tiny.json ranks.mode=alternate\n",
    .words_min = 1,
    .words_max = ARGS_WORDS_MAX,
    .options = RUN_OPTIONS,
    .run = run};

const Command CMD_GENERATE = {
    .name = "generate",
    .usage = "CONFIG [key=value ...]",
    .about = "only the generator side of a campaign, beside a job that trains",
    .details =
        "Makes the examples of every iteration in the run directory and evaluates; waits for\n"
        "the weights that `tandem train --follow`, another job on the same directory, makes.\n",
    .examples = "  mpirun -n 2 tandem generate configs/star-tiny.json out=runs/two-jobs &\n"
                "  mpirun -n 2 tandem train configs/star-tiny.json out=runs/two-jobs --follow\n",
    .words_min = 1,
    .words_max = ARGS_WORDS_MAX,
    .options = RUN_OPTIONS,
    .run = generate};

const Command CMD_TRAIN = {
    .name = "train",
    .usage = "CONFIG [key=value ...] [--follow | --preview]",
    .about = "only the trainer side of a campaign, on examples that are there or will come",
    .details =
        "Without --follow it trains the iterations whose examples are published and ends.\n"
        "--preview says, for a config whose base learns from files: the format of each file,\n"
        "records, what is left out and why, tokens, how many of them are learned, and the first\n"
        "example with the learned text marked.  Exit code 65 if nothing would be learned.\n",
    .examples =
        "  mpirun -n 4 tandem train configs/star-tiny.json out=runs/two-jobs --follow\n"
        "  tandem train configs/finetune.json model=DIR problems.files=data.json --preview\n",
    .words_min = 1,
    .words_max = ARGS_WORDS_MAX,
    .options = TRAIN_OPTIONS,
    .run = train};
