#include "campaign/trainers.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/ckpt.h"
#include "io/metrics.h"
#include "io/set.h"
#include "model/files/import.h"
#include "mpi/coll.h"
#include "mpi/stop.h"
#include "mpi/watchdog.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STEP_TIMEOUT_S = 1800, SKIPS_MAX = 10 };

int64_t trainers_need(const Settings *s, int threads, int ranks)
{
    TrainShape shape = settings_shape(s, threads);
    int64_t    vector = arena_need(params_plan_of(&s->dims, params_tuned(&s->dims)).padded, 4);

    return trainer_need(&s->dims, &shape, ranks) + vector;
}

void trainers_make(Arena *run, Arena *step, Arena *data, const Job *job, Trainers *out)
{
    const Settings *s = job->settings;
    TrainShape      shape = settings_shape(s, job->threads);

    *out = (Trainers){.job = job, .run = run, .step = step, .data = data, .policy = -1};
    out->net = net_make(run, &s->dims, NET_TRAIN);
    out->tuned = net_tuned(&out->net);
    out->trainer = trainer_make(run, &job->roles.trainers, &out->net, &shape, &s->base.optimizer);
    if (job->roles.trainers.rank == 0)
        out->moments = arena_new(run, float, out->tuned.params->padded);
    out->mixture = mixture_make(data);
}

// ---- where an iteration begins

typedef struct Place {
    int64_t iteration, step; // steps of this iteration that are done
    int64_t state;           // number of the training state to go on from; -1: none
} Place;

static Err state_path(const Trainers *t, char path[FILE_PATH_MAX], int64_t state)
{
    return run_path(&t->job->run, path, "checkpoints/s%06" PRId64 ".h5", state);
}

// The newest training state that is whole and belongs to this iteration; a broken one is passed
// over for the one before it.
static Err find_state(Trainers *t, int64_t iteration, Place *place)
{
    int64_t candidates[2];
    char    path[FILE_PATH_MAX];

    *place = (Place){.iteration = iteration, .state = -1};
    TRY(ckpt_newest_state(&t->job->run, t->step, &candidates[0], &candidates[1]));
    for (int i = 0; i < 2 && candidates[i] >= 0; i++) {
        CkptNumber numbers[] = {{"iteration", 0}, {"step", 0}};

        TRY(state_path(t, path, candidates[i]));
        if (ckpt_read_numbers(path, numbers, 2) != OK) {
            log_here(LOG_WARN, "passed over a training state: %s", err_record()->text);
            err_forget();
            continue;
        }
        if (numbers[0].value != iteration)
            break;
        place->step = numbers[1].value;
        place->state = candidates[i];
        break;
    }
    return OK;
}

static Err first_weights(Trainers *t)
{
    const Settings *s = t->job->settings;

    if (s->model_folder == NULL)
        params_init(&t->net.params, (uint64_t)s->seed, t->net.flat);
    else if (t->tuned.params->adapter == PARAMS_BASE)
        return import_load(t->step, &s->import, &t->net.params, t->net.flat);
    else
        net_init_adapter(&t->net, t->tuned.params->adapter, (uint64_t)s->seed);
    return OK;
}

// Weights, and of the two moments the wanted one: there is room for one at a time.
typedef struct StateReader {
    ParamsFile file;
    int        wanted;
} StateReader;

static Err take_state(void *self, int tensor, int which, const float *values)
{
    StateReader *r = self;

    return which == 0 || which == r->wanted ? params_take(&r->file, tensor, which, values) : OK;
}

static Err read_state(Trainers *t, const Place *place)
{
    char              path[FILE_PATH_MAX];
    ArenaMark         mark = arena_mark(t->step);
    const Params     *p = t->tuned.params;
    float            *moment = arena_new(t->step, float, p->padded);
    StateReader       r = {.file = {p, {t->tuned.flat, moment, moment}}};
    const CkptTensor *tensors = params_tensors(t->step, p);

    TRY(state_path(t, path, place->state));
    TRY(job_check_base(t->step, path, &t->net, &t->origin));
    for (r.wanted = 1; r.wanted < 3; r.wanted++) {
        TRY(ckpt_read_tensors(t->step, path, tensors, p->count, 3, take_state, &r));
        trainer_set_moments(t->trainer, r.wanted, moment);
    }
    trainer_optim(t->trainer)->step = place->step;
    arena_back(t->step, mark);
    return OK;
}

static Err begin(Trainers *t, const PhaseSettings *phase, const Place *place)
{
    int64_t from = phase->start == START_BASE ? 0 : place->iteration - 1;

    optim_reset(trainer_optim(t->trainer));
    trainer_optim(t->trainer)->config = phase->optimizer;
    if (!t->has_base)
        TRY(job_read_base(t->job, t->step, &t->net, &t->origin));
    t->has_base = 1;
    if (place->state >= 0)
        TRY(read_state(t, place));
    else if (place->iteration == 0)
        TRY(first_weights(t));
    else if (t->policy != from)
        TRY(job_read_weights(t->job, t->step, &t->net, &t->origin, from));
    t->policy = -1; // until the iteration is done, these are nobody's
    net_pack(&t->net);
    return OK;
}

// ---- what an iteration leaves

// The form of the texts that are learned travels with the weights: who prompts the model later has
// to write as it was taught.
static const char *prompt_format(const Settings *s)
{
    const Recipe *recipe = s->loop_recipe != NULL ? s->loop_recipe : s->base_recipe;

    if (recipe != NULL && recipe_emits_conversations(recipe))
        return s->chat_text;
    return recipe == NULL ? "" : recipe_format(recipe);
}

static CkptTexts make_texts(Trainers *t)
{
    Text model = text_make(t->step), tokenizer = text_make(t->step), adapter = text_make(t->step);

    dims_write(&model, &t->net.params.dims);
    vocab_write(&tokenizer, t->job->settings->vocab);
    if (t->tuned.params->adapter != PARAMS_BASE)
        import_write_origin(&adapter, &t->net.params.dims, &t->origin);
    return (CkptTexts){model.data, tokenizer.data, prompt_format(t->job->settings),
                       t->job->provenance, adapter.length > 0 ? adapter.data : NULL};
}

static Err write_weights(Trainers *t, int64_t version)
{
    const Params     *p = t->tuned.params;
    ParamsFile        file = {.params = p, .flat = {t->tuned.flat}};
    CkptTexts         texts = make_texts(t);
    const CkptTensor *tensors = params_tensors(t->step, p);

    return ckpt_write_weights(&t->job->run, t->step, version, tensors, p->count, &texts,
                              params_bring, &file);
}

// Moments are gathered one at a time into the same room; the file wants them in this order too.
typedef struct StateWriter {
    Trainers  *t;
    ParamsFile file;
} StateWriter;

static Err bring_state(void *self, int tensor, int which, float *values)
{
    StateWriter *w = self;

    return params_bring(&w->file, tensor, which, values);
}

static Err write_state(Trainers *t, const Place *place, float *second)
{
    const Params     *p = t->tuned.params;
    StateWriter       w = {t, {.params = p, .flat = {t->tuned.flat, t->moments, second}}};
    CkptTexts         texts = make_texts(t);
    const CkptTensor *tensors = params_tensors(t->step, p);
    CkptNumber        numbers[] = {{"iteration", place->iteration}, {"step", place->step}};

    TRY(ckpt_write_state(&t->job->run, t->step, t->steps_before + place->step, tensors, p->count,
                         &texts, numbers, 2, bring_state, &w));
    return ckpt_prune(&t->job->run, t->step, (int)t->job->settings->checkpoint.keep);
}

static Err save_state_all(Trainers *t, const Place *place)
{
    const Comm *c = &t->job->roles.trainers;
    ArenaMark   mark = arena_mark(t->step);
    float      *second = c->rank == 0 ? arena_new(t->step, float, t->tuned.params->padded) : NULL;
    Err         e;

    clock_begin("checkpoint");
    trainer_moments_all(t->trainer, 1, t->moments);
    trainer_moments_all(t->trainer, 2, second);
    e = comm_agree(c, c->rank == 0 ? write_state(t, place, second) : OK);
    arena_back(t->step, mark);
    clock_end("checkpoint");
    return e;
}

// ---- the steps

typedef struct Stepping {
    const PhaseSettings *phase;
    MixturePools        *pools; // NULL: no steps
    TrainExample        *batch; // [phase->batch]
    int64_t              steps;
    int                  skips; // in a row
    double               loss;  // of the last step
} Stepping;

static int in_passes(const Trainers *t, int64_t iteration)
{
    return settings_mixture(t->job->settings, iteration)->part[0].draw == DRAW_PASSES;
}

static double passes_of(const Stepping *s, int64_t steps)
{
    return (double)steps * (double)s->phase->batch / (double)mixture_total(s->pools);
}

static void tell_step(Trainers *t, const Stepping *s, const Place *place, double lr,
                      const TrainStep *done, double seconds)
{
    char line[512], epoch[40] = "";

    if (in_passes(t, place->iteration))
        snprintf(epoch, sizeof epoch, "\"epoch\": %.6g, ", passes_of(s, place->step));
    snprintf(line, sizeof line,
             "{\"kind\": \"step\", \"iteration\": %" PRId64 ", \"step\": %" PRId64
             ", %s\"loss\": %.9g, \"grad_norm\": %.6g, \"lr\": %.6g, \"tokens\": %" PRId64
             ", \"loss_tokens\": %" PRId64 ", \"skipped\": %d, \"seconds\": %.4f}",
             place->iteration, place->step, epoch, done->loss, done->grad_norm, lr, done->tokens,
             done->loss_tokens, done->skipped, seconds);
    if (metrics_add(t->job->run.dir, line) != OK)
        err_forget(); // a full disk must not end training; the next checkpoint will say so
    log_progress("iteration %" PRId64 ": training, step %" PRId64 " of %" PRId64
                 ", loss %.4f, %.0f tokens/s",
                 place->iteration, place->step, s->steps, done->loss,
                 (double)done->tokens / (seconds > 0 ? seconds : 1));
}

// A line of batches.jsonl: the examples of a step in the order in which they were drawn.
static Err tell_batch(Trainers *t, const Stepping *s, const Place *place)
{
    ArenaMark mark = arena_mark(t->step);
    Text      line = text_make(t->step);
    Err       e;

    text_printf(&line, "{\"iteration\": %" PRId64 ", \"step\": %" PRId64 ", \"examples\": [",
                place->iteration, place->step + 1);
    for (int64_t i = 0; i < s->phase->batch; i++) {
        const TrainExample *x = &s->batch[i];

        text_puts(&line, i > 0 ? ", {\"tokens\": [" : "{\"tokens\": [");
        for (int64_t n = 0; n < x->length; n++)
            text_printf(&line, n > 0 ? ",%d" : "%d", x->token[n]);
        text_puts(&line, "], \"weights\": [");
        for (int64_t n = 0; n < x->length; n++)
            text_printf(&line, n > 0 ? ",%.9g" : "%.9g", (double)x->weight[n]);
        text_puts(&line, "]}");
    }
    text_puts(&line, "]}");
    e = metrics_add_to(t->job->run.dir, "batches.jsonl", line.data);
    arena_back(t->step, mark);
    return e;
}

static Err one_step(Trainers *t, Stepping *s, Place *place, int *stop)
{
    double    lr = sched_rate(&s->phase->schedule, place->step, s->steps), began = clock_now();
    int       failed = 0;
    TrainStep done;
    Err       mine = job_poll(t->job);

    if (mine == ERR_STOPPED) {
        *stop = 1;
        err_forget();
    } else if (mine != OK) {
        failed = 1;
    }
    mixture_draw(s->pools, (uint64_t)t->job->settings->seed, place->iteration, place->step,
                 s->batch, (int)s->phase->batch);
    if (t->job->settings->train.batches && t->job->roles.trainers.rank == 0 && mine == OK)
        mine = tell_batch(t, s, place);
    failed |= mine != OK && mine != ERR_STOPPED;
    trainer_drop(t->trainer, (uint64_t)t->job->settings->seed, place->iteration, place->step);
    TRY(trainer_step_all(t->trainer, t->step, s->batch, (int)s->phase->batch, lr, &failed, stop,
                         &done));
    if (failed)
        return comm_agree(&t->job->roles.trainers, mine == ERR_STOPPED ? OK : mine);
    place->step++;
    s->loss = done.loss;
    t->tokens += done.tokens;
    s->skips = done.skipped ? s->skips + 1 : 0;
    if (s->skips >= SKIPS_MAX)
        FAIL(ERR_NUMBER,
             "iteration %" PRId64 ", step %" PRId64 ": the loss or gradient was not finite %d "
             "steps in a row: lower schedule.lr, or look at the examples of this iteration",
             place->iteration, place->step, s->skips);
    if (t->job->roles.trainers.rank == 0)
        tell_step(t, s, place, lr, &done, clock_now() - began);
    return OK;
}

static Err steps_all(Trainers *t, Stepping *s, Place *place)
{
    int64_t every = t->job->settings->checkpoint.every_steps;
    int     stop = 0;

    while (place->step < s->steps) {
        watchdog_alive();
        TRY(one_step(t, s, place, &stop));
        if (stop || (place->step % every == 0 && place->step < s->steps))
            TRY(save_state_all(t, place));
        if (stop)
            FAIL(ERR_STOPPED,
                 "asked to stop in iteration %" PRId64 " after step %" PRId64
                 "; run the same command again to go on",
                 place->iteration, place->step);
    }
    return OK;
}

static Err read_sets(Trainers *t, int64_t iteration)
{
    for (; t->read <= iteration; t->read++) {
        ArenaMark mark = arena_mark(t->step);
        SetRows   rows;
        Err       e = set_read(&t->job->run, t->step, t->read, &rows);

        if (e == OK)
            e = mixture_add(&t->mixture, t->step, t->job->settings, &rows, t->read);
        arena_back(t->step, mark);
        TRY(e);
    }
    return OK;
}

// What was kept and cannot be learned from is said, not passed over in silence.
static void tell_left_out(const Trainers *t, int64_t iteration)
{
    const MixtureData *d = &t->mixture;
    char               line[256];

    if (t->job->roles.trainers.rank != 0 || d->too_long + d->empty == 0)
        return;
    log_here(LOG_WARN,
             "iteration %" PRId64 ": of the kept examples so far %" PRId64
             " are longer than the context and %" PRId64 " have nothing to learn: left out",
             iteration, d->too_long, d->empty);
    snprintf(line, sizeof line,
             "{\"kind\": \"left_out\", \"iteration\": %" PRId64 ", \"too_long\": %" PRId64
             ", \"empty\": %" PRId64 "}",
             iteration, d->too_long, d->empty);
    if (metrics_add(t->job->run.dir, line) != OK)
        err_forget(); // it was said on the terminal
}

static Err make_pools(Trainers *t, int64_t iteration, MixturePools **pools)
{
    const Settings *s = t->job->settings;

    return mixture_pools(t->step, &t->mixture, s->source, settings_mixture(s, iteration), iteration,
                         pools);
}

// Epochs took as many steps as the sets of then, which are all read, make them.
static Err count_steps_before(Trainers *t, int64_t iteration)
{
    const Settings *s = t->job->settings;

    t->steps_before = 0;
    for (int64_t i = 0; i < iteration; i++) {
        ArenaMark     mark = arena_mark(t->step);
        MixturePools *pools = NULL;

        if (settings_phase(s, i)->epochs > 0)
            TRY(make_pools(t, i, &pools));
        t->steps_before += settings_steps(s, i, pools == NULL ? 0 : mixture_total(pools));
        arena_back(t->step, mark);
    }
    return OK;
}

static Err prepare(Trainers *t, int64_t iteration, Stepping *s, Place *place)
{
    const Settings *set = t->job->settings;

    s->phase = settings_phase(set, iteration);
    TRY(begin(t, s->phase, place));
    TRY(read_sets(t, iteration));
    tell_left_out(t, iteration);
    TRY(count_steps_before(t, iteration));
    if (s->phase->epochs > 0 || settings_steps(set, iteration, 0) > 0)
        TRY(make_pools(t, iteration, &s->pools));
    s->steps = settings_steps(set, iteration, s->pools == NULL ? 0 : mixture_total(s->pools));
    if (s->steps > 0)
        s->batch = arena_new(t->step, TrainExample, s->phase->batch);
    return OK;
}

// Epochs become steps only now.
static void tell_passes(const Trainers *t, int64_t iteration, const Stepping *s)
{
    if (s->steps > 0 && in_passes(t, iteration))
        log_here(LOG_INFO,
                 "iteration %" PRId64 ": %" PRId64 " steps of %" PRId64
                 " are %.2f passes over %" PRId64 " examples",
                 iteration, s->steps, s->phase->batch, passes_of(s, s->steps),
                 mixture_total(s->pools));
}

static void tell_iteration(int64_t iteration, const Stepping *s, double seconds)
{
    char kept[64] = "";

    if (iteration > 0 && s->pools != NULL)
        snprintf(kept, sizeof kept, ", %" PRId64 " examples kept so far", mixture_size(s->pools));
    log_here(LOG_INFO, "iteration %" PRId64 ": %" PRId64 " steps, loss %.4f%s, %.1f s", iteration,
             s->steps, s->loss, kept, seconds);
}

static Err train_all(Trainers *t, int64_t iteration)
{
    const Comm *c = &t->job->roles.trainers;
    Stepping    s = {0};
    Place       place = {0};
    double      began = clock_now();

    TRY_ALL(c, c->rank == 0 ? find_state(t, iteration, &place) : OK);
    coll_bcast_all(c, &place, (int64_t)sizeof place, 0);
    clock_begin("load");
    Err e = comm_agree(c, prepare(t, iteration, &s, &place));
    clock_end("load");
    TRY(e);
    if (c->rank == 0)
        tell_passes(t, iteration, &s);
    clock_begin("train");
    watchdog_begin("train", STEP_TIMEOUT_S);
    e = steps_all(t, &s, &place);
    watchdog_end();
    clock_end("train");
    log_progress_end();
    TRY(e);
    clock_begin("publish");
    e = comm_agree(c, c->rank == 0 ? write_weights(t, iteration) : OK);
    clock_end("publish");
    TRY(e);
    t->policy = iteration;
    if (c->rank == 0)
        tell_iteration(iteration, &s, clock_now() - began);
    return OK;
}

Err trainers_iterate_all(Trainers *t, int64_t iteration)
{
    const Comm *c = &t->job->roles.trainers;
    ArenaMark   mark = arena_mark(t->step);
    int64_t     is_there = c->rank == 0 && ckpt_has_weights(&t->job->run, iteration);
    Err         e;

    coll_bcast_all(c, &is_there, (int64_t)sizeof is_there, 0);
    if (is_there)
        return OK;
    log_place("train");
    e = train_all(t, iteration);
    arena_back(t->step, mark);
    return e;
}
