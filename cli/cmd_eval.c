#include "campaign/evaluate.h"
#include "campaign/loss.h"
#include "campaign/plan.h"
#include "cli/commands.h"
#include "cli/eval_tasks.h"
#include "model/adapters/import_adapter.h"

#include <inttypes.h>

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

// The network is that of the model, with the adapters that it has.
static Err take_dims(Arena *scratch, const char *path, Settings *s)
{
    ImportModel m;

    TRY(import_find(scratch, path, &m));
    TRY(check_dims(s, &m, path));
    s->dims = m.dims;
    return OK;
}

static Err load(Generators *g, Arena *scratch, const char *path)
{
    ImportModel m;

    TRY(import_find(scratch, path, &m));
    TRY(import_load_net(scratch, &m, &g->net, NULL));
    net_pack(&g->net);
    g->policy = 0;
    return OK;
}

static Err accuracy(Text *t, Generators *g)
{
    Evaluation e;

    TRY(evaluate_measure_all(g, &e));
    text_puts(t, "accuracy ");
    evaluate_words(t, g->job->settings, &e);
    text_printf(t, "   (%.2f s)\n", e.seconds);
    return OK;
}

static Err loss(Text *t, Generators *g, const Recipe *recipe)
{
    Loss l;

    TRY(loss_measure_all(g, recipe, &l));
    if (l.examples == 0)
        FAIL(ERR_DATA,
             "the recipe made no example that could be scored (%" PRId64 " were left out)",
             l.left_out);
    text_printf(t,
                "loss %.6f nats per token over %" PRId64 " tokens of %" PRId64 " examples, %" PRId64
                " left out   (%.2f s)\n",
                l.mean, l.tokens, l.examples, l.left_out, l.seconds);
    return OK;
}

static Err read_recipe(Arena *arena, Settings *s, const char *path, Recipe **out)
{
    TRY(settings_recipe(arena, s, path, out));
    TRY(loss_check(*out, path));
    return recipe_check_vocab(*out, arena, s->vocab);
}

// recipe: of the held-out loss; NULL: the accuracy is measured.
static Err measure(Job *job, EvalRooms *rooms, const char *path, const Recipe *recipe, Arena *arena)
{
    const Comm *world = job->world;
    Generators  g;
    Text        t = text_make(arena);

    TRY(generators_make(&rooms->run, &rooms->step, job, &g));
    TRY_ALL(world, load(&g, arena, path));
    TRY(recipe == NULL ? accuracy(&t, &g) : loss(&t, &g, recipe));
    generators_close(&g);
    return comm_agree(world, world->rank == 0 ? commands_print(&t) : OK);
}

static Err run_config(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    static Settings s;
    Job             job = {.world = world, .settings = &s, .side = RUN_GENERATE};
    EvalRooms       rooms;
    const char     *path;
    Recipe         *recipe = NULL;
    Err             e;

    TRY(settings_read_all(world, arena, a->word[0], a->word + 1, a->words - 1, &s));
    TRY_ALL(world, gemm_choose((GemmKind)s.products));
    path = args_has(c, a, "model") ? args_text(c, a, "model") : s.out;
    if (args_has(c, a, "loss"))
        TRY_ALL(world, read_recipe(arena, &s, args_text(c, a, "loss"), &recipe));
    else if (s.evaluate_recipe == NULL)
        FAIL(ERR_CONFIG, "%s: evaluate.recipe is empty: nothing to evaluate with; --loss takes one",
             s.file);
    TRY_ALL(world, take_dims(arena, path, &s));
    s.teacher = TEACHER_LOCAL;
    TRY(roles_make_all(world, ROLES_ALTERNATE, 0, 0, &job.roles));
    job.threads = job_threads(&s, &job.roles, world);
    TRY_ALL(world, arena_make(&rooms.run, "run", plan_run_bytes(&s, job.threads, &job.roles)));
    TRY_ALL(world, arena_make(&rooms.step, "step", PLAN_STEP_ADDRESSES));
    job.board = board_open_all(world);
    e = measure(&job, &rooms, path, recipe, arena);
    board_close_all(job.board);
    roles_free(&job.roles);
    return e;
}

// What belongs to one of the two ways must not be passed over in the other.
static Err check_options(const Command *c, const Args *a, int has_tasks)
{
    static const char *const of_tasks[] = {"out",      "limit", "details", "files",
                                           "template", "slots", "format"};

    for (int i = 0; i < (int)(sizeof of_tasks / sizeof of_tasks[0]) && !has_tasks; i++)
        if (args_has(c, a, of_tasks[i]))
            FAIL(ERR_USAGE, "tandem eval: --%s goes with --tasks or --data", of_tasks[i]);
    if (has_tasks && args_has(c, a, "loss"))
        FAIL(ERR_USAGE, "tandem eval: --loss goes with a CONFIG, not with --tasks or --data");
    return OK;
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    int has_tasks = args_has(c, a, "tasks") || args_has(c, a, "data");

    if (args_has(c, a, "keys"))
        return comm_agree(world, world->rank == 0 ? eval_tasks_keys(arena) : OK);
    TRY(check_options(c, a, has_tasks));
    if (has_tasks)
        return eval_tasks_run(world, arena, c, a);
    if (a->words == 0)
        FAIL(ERR_USAGE, "tandem eval: a CONFIG, or --model PATH with --tasks FILE or --data FILE, "
                        "is needed; see --help");
    return run_config(world, arena, c, a);
}

static const ArgsOption OPTIONS[] = {
    {"model", "PATH", NULL, "folder, weight file or run directory; default: the config's own run"},
    {"loss", "RECIPE", NULL,
     "mean -log p of what this recipe makes of held-out records, instead of the accuracy"},
    {"tasks", "FILE ...", NULL, "task files: questions, choices, texts, and how to judge"},
    {"data", "FILE", NULL, "loss and perplexity of a data file"},
    {"format", "NAME", NULL, "of --data, if the file does not say it"},
    {"files", "FILE,...", NULL, "instead of the data files of the (one) task"},
    {"limit", "N", NULL, "of each task the first N examples"},
    {"out", "FILE", NULL, "results as JSON"},
    {"details", NULL, NULL, "in --out: every example with what the model gave"},
    {"template", "FILE", NULL, "chat template (Jinja) instead of the model's own"},
    {"slots", "N", "16", "answers that are written at a time, per rank"},
    {"keys", NULL, NULL, "prints the keys of a task file"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_EVAL = {
    .name = "eval",
    .usage = "CONFIG [key=value ...] [--model PATH] [--loss RECIPE]\n"
             "       tandem eval --model PATH --tasks FILE ... [--out FILE] [--limit N]\n"
             "       tandem eval --model PATH --data FILE",
    .about = "accuracy, or loss, of a model: on what a config holds out, on tasks, on a data file",
    .details =
        "With a CONFIG: solves held-out problems by generating, as a campaign does after each\n"
        "iteration.  With --loss it generates nothing: the recipe draws held-out records and "
        "emits\n"
        "them, and the model says how well it foresees the parts with a weight.\n"
        "With --tasks or --data any model is asked; no config is needed.  Results come with 95 %\n"
        "intervals and are the same on any number of ranks.  docs/formats.md describes task "
        "files.\n",
    .examples = "  tandem eval configs/star-addition.json\n"
                "  mpirun -n 2 tandem eval configs/star-tiny.json --model runs/x/weights/v0002.h5\n"
                "  tandem eval --model runs/x --tasks configs/tasks/gsm8k.json --files test.jsonl "
                "--limit 100\n"
                "  tandem eval --model runs/x --data held-out.jsonl\n",
    .words_min = 0,
    .words_max = ARGS_WORDS_MAX,
    .options = OPTIONS,
    .run = run};
