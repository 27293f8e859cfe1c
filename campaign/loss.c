#include "campaign/loss.h"

#include "base/clock.h"
#include "mpi/coll.h"

// A job of its own, numbered apart from the examples of any iteration and from evaluation.
static const int64_t LOSS_ITERATION = ((int64_t)1 << 20) + 1;

typedef struct Scorer {
    Generators *g;
    Arena       room; // of the activations and one example
    Acts       *acts;
    Loss       *loss;
    double      sum, weight;
} Scorer;

static void score_document(Scorer *s, const int32_t *ids, const float *weight, int64_t n)
{
    Batch  b = batch_make(&s->room, n, 1);
    float *logp = arena_new(&s->room, float, n);

    batch_add(&b, ids, weight, n, 1.0f);
    net_score(&s->g->net, s->acts, &b, logp, NULL);
    for (int64_t i = 1; i < n; i++) { // net_score gives them at the token before
        s->sum -= (double)weight[i] * (double)logp[i - 1];
        s->weight += (double)weight[i];
        s->loss->tokens += weight[i] > 0;
    }
    s->loss->examples++;
}

static Err score_row(Scorer *s, const SetRows *rows, int64_t row)
{
    const Settings *settings = s->g->job->settings;
    ArenaMark       mark = arena_mark(&s->room);
    int64_t         first = rows->segment_begin[row], last = rows->segment_begin[row + 1], n;
    int64_t  room = rows->segment_text.begin[last] - rows->segment_text.begin[first] + last - first;
    int32_t *ids = arena_new(&s->room, int32_t, room);
    float   *weight = arena_new(&s->room, float, room);

    TRY(produce_tokens(settings->vocab, &s->room, rows, row, ids, weight, room, &n));
    if (n == 0 || n > settings->dims.T)
        s->loss->left_out++;
    else
        score_document(s, ids, weight, n);
    arena_back(&s->room, mark);
    return OK;
}

static Err score_block(void *self, int64_t block, const SetRows *rows)
{
    Scorer *s = ((Production *)self)->self;

    (void)block;
    for (int64_t row = 0; row < rows->R; row++)
        if (rows->status[row] == SET_KEPT)
            TRY(score_row(s, rows, row));
    return OK;
}

Err loss_check(const Recipe *r, const char *path)
{
    if (recipe_asks(r) || recipe_stages(r) > 1 || recipe_commit(r, 0) != NULL)
        FAIL(ERR_CONFIG,
             "%s: a recipe for the held-out loss can neither generate nor commit: it draws and "
             "emits",
             path);
    if (*recipe_format(r) == 0 && !recipe_emits_conversations(r))
        FAIL(ERR_CONFIG, "%s: a recipe for the held-out loss has to emit what is to be foreseen",
             path);
    return OK;
}

Err loss_measure_all(Generators *g, const Recipe *recipe, Loss *out)
{
    const Settings *settings = g->job->settings;
    const Comm     *c = &g->job->roles.generators;
    int64_t         T = settings->dims.T, counts[3];
    double          sums[2], began = clock_now();
    Scorer          s = {.g = g, .loss = out};
    Production      p = {.g = g, .counter = 2 * g->pieces++, .self = &s};
    ProduceJob      job = generators_job(g, recipe, LOSS_ITERATION);
    Err             e;

    *out = (Loss){0};
    TRY_ALL(c, arena_make(&s.room, "loss",
                          acts_need(&settings->dims, T, T, NET_INFER) + ((int64_t)1 << 32)));
    s.acts = acts_make(&s.room, &g->net, T, T, NET_INFER);
    job.teacher = NULL;
    job.done = score_block;
    e = generators_produce_all(g, &job, &p, "evaluate");
    arena_free(&s.room);
    TRY(e);
    sums[0] = s.sum;
    sums[1] = s.weight;
    counts[0] = out->tokens;
    counts[1] = out->examples;
    counts[2] = out->left_out;
    coll_sum_f64_all(c, sums, 2);
    coll_sum_i64_all(c, counts, 3);
    *out = (Loss){.mean = sums[1] > 0 ? sums[0] / sums[1] : 0,
                  .tokens = counts[0],
                  .examples = counts[1],
                  .left_out = counts[2],
                  .seconds = clock_now() - began};
    return OK;
}
