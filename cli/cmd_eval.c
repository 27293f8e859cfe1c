#include "campaign/evaluate.h"
#include "campaign/plan.h"
#include "cli/commands.h"
#include "model/import.h"

typedef struct EvalRooms {
    Arena run, step;
} EvalRooms;

static Err check_dims(const Settings *s, const ImportModel *m, const char *path)
{
    const Dims *a = &s->dims, *b = &m->dims;

    if (a->V != b->V || a->D != b->D || a->L != b->L || a->H != b->H || a->F != b->F)
        FAIL(ERR_CONFIG,
             "%s: the model has %d layers of width %lld and %lld tokens, the config %d of %lld and "
             "%lld: evaluate it with the config that it was made with",
             path, b->L, (long long)b->D, (long long)b->V, a->L, (long long)a->D, (long long)a->V);
    return OK;
}

static Err load(Generators *g, Arena *scratch, const Settings *s, const char *path)
{
    ImportModel m;

    TRY(import_find(scratch, path, &m));
    TRY(check_dims(s, &m, path));
    TRY(import_load(scratch, &m, &g->net.params, g->net.flat));
    net_pack(&g->net);
    g->policy = 0;
    return OK;
}

static Err measure(Job *job, EvalRooms *rooms, const char *path, Arena *arena)
{
    const Comm *world = job->world;
    Generators  g;
    Evaluation  e;
    Text        t = text_make(arena);

    generators_make(&rooms->run, &rooms->step, job, &g);
    TRY_ALL(world, load(&g, arena, job->settings, path));
    TRY(evaluate_measure_all(&g, &e));
    text_puts(&t, "accuracy ");
    evaluate_words(&t, job->settings, &e);
    text_printf(&t, "   (%.2f s)\n", e.seconds);
    return comm_agree(world, world->rank == 0 ? commands_print(&t) : OK);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    static Settings s;
    Job             job = {.world = world, .settings = &s, .side = RUN_GENERATE};
    EvalRooms       rooms;
    const char     *path;
    Err             e;

    TRY(settings_read_all(world, arena, a->word[0], a->word + 1, a->words - 1, &s));
    TRY_ALL(world, gemm_choose((GemmKind)s.products));
    path = args_has(c, a, "model") ? args_text(c, a, "model") : s.out;
    if (s.evaluate_recipe == NULL)
        FAIL(ERR_CONFIG, "%s: evaluate.recipe is empty: nothing to evaluate with", s.file);
    TRY(roles_make_all(world, ROLES_ALTERNATE, 0, 0, &job.roles));
    job.threads = job_threads(&s, &job.roles, world);
    TRY_ALL(world, arena_make(&rooms.run, "run", plan_run_bytes(&s, job.threads, &job.roles)));
    TRY_ALL(world, arena_make(&rooms.step, "step", PLAN_STEP_ADDRESSES));
    job.board = board_open_all(world);
    e = measure(&job, &rooms, path, arena);
    board_close_all(job.board);
    roles_free(&job.roles);
    return e;
}

static const ArgsOption OPTIONS[] = {
    {"model", "PATH", NULL, "folder, weight file or run directory; default: the config's own run"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_EVAL = {
    .name = "eval",
    .usage = "CONFIG [key=value ...] [--model PATH]",
    .about = "accuracy of a model on the held-out problems of a config",
    .details = "Solves them by generating, as a campaign does after each iteration.\n",
    .examples =
        "  tandem eval configs/star-addition.json\n"
        "  mpirun -n 2 tandem eval configs/star-tiny.json --model runs/x/weights/v0002.h5\n",
    .words_min = 1,
    .words_max = ARGS_WORDS_MAX,
    .options = OPTIONS,
    .run = run};
