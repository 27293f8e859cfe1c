#include "campaign/report/report.h"
#include "cli/commands.h"

static Err report(Arena *arena, const Args *a)
{
    Run  run;
    Text t = text_make(arena);

    TRY(run_look(a->word[0], &run));
    TRY(report_write(&run));
    text_printf(&t, "%s/report.html\n", run.dir);
    return commands_print(&t);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    (void)c;
    return comm_agree(world, world->rank == 0 ? report(arena, a) : OK);
}

static const ArgsOption OPTIONS[] = {{NULL, NULL, NULL, NULL}};

const Command CMD_REPORT = {
    .name = "report",
    .usage = "RUN",
    .about = "write RUN/report.html: curves, yields, samples, times, provenance in one file",
    .details = "A run writes it at its end; this makes it again, also for unfinished runs.\n",
    .examples = "  tandem report runs/star-addition\n",
    .words_min = 1,
    .words_max = 1,
    .options = OPTIONS,
    .run = run};
