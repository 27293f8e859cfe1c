#include "cli/commands.h"

#include "base/log.h"
#include "campaign/plan.h"
#include "model/kernels/gemm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const Command *const COMMANDS[] = {
    &CMD_RUN,     &CMD_GENERATE, &CMD_TRAIN,  &CMD_EVAL,      &CMD_SAMPLE,  &CMD_CHAT,  &CMD_SCORE,
    &CMD_INSPECT, &CMD_VERIFY,   &CMD_REPLAY, &CMD_PLAN,      &CMD_STEPS,   &CMD_BENCH, &CMD_REPORT,
    &CMD_SERVE,   &CMD_EXPORT,   &CMD_IMPORT, &CMD_TOKENIZER, &CMD_TEMPLATE};

enum { COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0] };

Err commands_print(const Text *t)
{
    if (fwrite(t->data, 1, (size_t)t->length, stdout) != (size_t)t->length || fflush(stdout) != 0)
        FAIL(ERR_IO, "writing to standard output failed");
    return OK;
}

static void overview(Text *t)
{
    text_puts(t, "tandem 0.1.0 -- make fine-tuning data with a language model, check it, train on "
                 "it: in one MPI program\n\nusage: mpirun -n RANKS tandem COMMAND ...    (or "
                 "without mpirun, on one rank)\n\ncommands:\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        text_printf(t, "  %-10s %s\n", COMMANDS[i]->name, COMMANDS[i]->about);
    text_puts(t,
              "\ntandem COMMAND --help says more.  Start with:\n"
              "  mpirun -n 2 --bind-to none tandem run configs/star-tiny.json\n"
              "  tandem chat --model PATH                           talk to any model\n"
              "exit codes: 0 done, 85 stopped after a checkpoint (run the same command again), 64 "
              "usage,\n65 bad data, 70 internal error or hang, 74 input/output, 76 numbers went "
              "bad, 78 bad config\n");
}

static const Command *find(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(COMMANDS[i]->name, name) == 0)
            return COMMANDS[i];
    return NULL;
}

static Err unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    const char *near;

    for (int i = 0; i < COMMAND_COUNT; i++)
        names[i] = COMMANDS[i]->name;
    near = text_nearest(name, names, COMMAND_COUNT);
    FAIL(ERR_USAGE, "there is no command \"%s\"%s%s%s; see tandem --help", name,
         near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
}

static int wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return 1;
    return argc < 2 || strcmp(argv[1], "help") == 0;
}

static Err version(void)
{
    if (printf("tandem 0.1.0 (%s)\n", TD_COMMIT) < 0 || fflush(stdout) != 0)
        FAIL(ERR_IO, "writing to standard output failed");
    return OK;
}

static Err help(const Comm *world, Arena *arena, int argc, char **argv)
{
    Text           t = text_make(arena);
    const char    *name = argc > 1 && strcmp(argv[1], "help") == 0 ? argv[2] : argv[1];
    const Command *c = name != NULL && *name != '-' ? find(name) : NULL;

    if (world->rank != 0)
        return OK;
    if (name != NULL && *name != '-' && c == NULL)
        return unknown_command(name);
    if (c != NULL)
        args_help(&t, c);
    else
        overview(&t);
    return commands_print(&t);
}

static Err dispatch(const Comm *world, Arena *arena, int argc, char **argv)
{
    static Args    args; // thousands of words
    const Command *c;

    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return comm_agree(world, world->rank == 0 ? version() : OK);
    if (wants_help(argc, argv))
        return comm_agree(world, help(world, arena, argc, argv));
    c = find(argv[1]);
    if (c == NULL)
        return unknown_command(argv[1]);
    TRY(args_parse(c, argc - 2, argv + 2, &args));
    TRY(comm_self_test_all(world));
    TRY_ALL(world, gemm_start());
    return c->run(world, arena, c, &args);
}

int main(int argc, char **argv)
{
    Comm  world;
    Arena arena;
    Err   e;
    int   code;

    comm_start(&world, &argc, &argv);
    log_rank(world.rank);
    e = arena_make(&arena, "command", PLAN_STEP_ADDRESSES);
    if (e == OK)
        e = dispatch(&world, &arena, argc, argv);
    arena_free(&arena);
    code = comm_finish(&world, e);
    fflush(stdout);
    // Libraries' exit handlers have nothing left to do, and after failures some of them crash.
    _exit(code);
}
