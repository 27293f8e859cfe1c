#include "campaign/generators.h"

#include "base/clock.h"
#include "base/log.h"
#include "campaign/pools.h"
#include "datagen/produce.h"
#include "datagen/teachers/teacher_endpoint.h"
#include "io/ckpt.h"
#include "io/metrics.h"
#include "io/set.h"
#include "mpi/coll.h"
#include "mpi/watchdog.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

enum { BLOCK_TIMEOUT_S = 1800 };

int64_t generators_need(const Settings *s, int threads)
{
    return net_need(&s->dims, NET_INFER) +
           decoder_need(&s->dims, s->vocab, (int)s->generate.slots, s->dims.T, threads);
}

// Who answers the prompts of the loop's recipe.
static Err make_teacher(Arena *run, const Job *job, Generators *g)
{
    const Settings *s = job->settings;

    g->teacher = g->local;
    if (s->teacher == TEACHER_SCRIPTED)
        return teacher_scripted(run, s->scripted, (int)s->generate.slots, &g->teacher);
    if (s->teacher == TEACHER_ENDPOINT) {
        EndpointPlace place = {.run_dir = *job->run.dir != 0 ? job->run.dir : NULL,
                               .folder = s->folder,
                               .rank = job->roles.generators.rank,
                               .attempt = job->run.attempt,
                               .board = job->board};

        return teacher_endpoint(run, s->endpoint, &place, &g->teacher);
    }
    return OK;
}

void generators_close(Generators *g)
{
    if (g->job != NULL && g->job->settings->teacher == TEACHER_ENDPOINT && g->teacher != NULL)
        teacher_endpoint_close(g->teacher);
}

Err generators_make(Arena *run, Arena *step, const Job *job, Generators *out)
{
    const Settings *s = job->settings;

    *out = (Generators){.job = job, .run = run, .step = step, .policy = -1};
    out->net = net_make(run, &s->dims, NET_INFER);
    out->decoder =
        decoder_make(run, &out->net, s->vocab, (int)s->generate.slots, s->dims.T, job->threads);
    out->local = teacher_local(run, out->decoder, s->vocab, s->chat);
    return make_teacher(run, job, out);
}

static Err load_weights(Generators *g, int64_t version)
{
    if (!g->has_base)
        TRY(job_read_base(g->job, g->step, &g->net, &g->origin));
    g->has_base = 1;
    TRY(job_read_weights(g->job, g->step, &g->net, &g->origin, version));
    net_pack(&g->net);
    g->policy = version;
    return OK;
}

Err generators_load_all(Generators *g, int64_t version)
{
    const Comm *c = &g->job->roles.generators;

    if (g->policy == version)
        return OK;
    clock_begin("load");
    Err e = comm_agree(c, load_weights(g, version));
    clock_end("load");
    return e;
}

// ---- what produce_run asks of us

static int64_t take_block(void *self)
{
    Production *p = self;

    for (;;) {
        int64_t block = p->first + board_work_next(p->g->job->board, p->counter);

        if (block >= p->first + p->blocks)
            return -1;
        if (!p->publishes || !set_has_shard(&p->g->job->run, p->iteration, block))
            return block;
    }
}

static Err poll_job(void *self)
{
    Production *p = self;

    watchdog_alive();
    return job_poll(p->g->job);
}

static Err publish_block(void *self, int64_t block, const SetRows *rows)
{
    Production *p = self;
    ArenaMark   mark = arena_mark(p->g->step);
    Err         e;

    clock_begin("publish");
    e = set_write_shard(&p->g->job->run, p->g->step, p->iteration, block, rows,
                        p->g->job->provenance);
    clock_end("publish");
    arena_back(p->g->step, mark);
    p->done++;
    log_progress("iteration %" PRId64 ": generating, %" PRId64 " of %" PRId64 " blocks, %.0f s",
                 p->iteration, p->done, p->blocks, clock_now() - p->began);
    return e;
}

ProduceJob generators_job(Generators *g, const Recipe *recipe, int64_t iteration)
{
    const Settings *s = g->job->settings;
    int64_t         requests = recipe_requests(recipe);

    return (ProduceJob){
        .recipe = recipe,
        .source = s->source,
        .vocab = s->vocab,
        .chat = s->chat,
        .teacher = g->local,
        .seed = (uint64_t)s->seed,
        .iteration = iteration,
        .policy = g->policy,
        .block_size = s->generate.block,
        .segment = {.requests = requests,
                    .blocks = (requests + s->generate.block - 1) / s->generate.block}};
}

ProduceJob generators_loop_job(Generators *g, const Recipe *recipe, int64_t iteration)
{
    ProduceJob job = generators_job(g, recipe, iteration);

    job.teacher = iteration == 0 ? NULL : g->teacher;
    if (job.teacher != g->local) // no weights of ours wrote it
        job.policy = -1;
    return job;
}

// All generators take blocks from one counter; afterwards nobody holds one.
Err generators_produce_all(Generators *g, ProduceJob *job, Production *p, const char *span)
{
    const Comm  *c = &g->job->roles.generators;
    ProduceStats stats = {0};
    Err          e;

    job->self = p;
    job->take = take_block;
    job->poll = poll_job;
    p->first = job->segment.first_block;
    p->blocks = job->segment.blocks;
    p->began = clock_now();
    if (c->rank == 0)
        board_work_reset(g->job->board, p->counter);
    coll_barrier_all(c);
    clock_begin(span);
    watchdog_begin(span, BLOCK_TIMEOUT_S);
    e = produce_run(job, g->step, &stats);
    watchdog_end();
    clock_end(span);
    clock_begin("idle");
    e = comm_agree(c, e);
    clock_end("idle");
    log_progress_end();
    return e;
}

// ---- the commit of an iteration

static void tell_yield(Generators *g, int64_t iteration, const SetRows *rows, double seconds)
{
    Text    t = text_make(g->step);
    int64_t kept = 0, passed = 0, by_source[256] = {0};

    for (int64_t r = 0; r < rows->R; r++) {
        passed += rows->status[r] == SET_PASSED;
        if (rows->status[r] == SET_KEPT) {
            kept++;
            by_source[rows->source[r]]++;
        }
    }
    text_printf(&t,
                "{\"kind\": \"generate\", \"iteration\": %" PRId64 ", \"policy\": %" PRId64
                ", \"records\": %" PRId64 ", \"kept\": %" PRId64 ", \"passed\": %" PRId64
                ", \"rejected\": %" PRId64 ", \"by_source\": {",
                iteration, g->policy, rows->R, kept, passed, rows->R - kept - passed);
    for (int s = 0; s < rows->sources; s++) {
        text_puts(&t, s > 0 ? ", " : "");
        text_json(&t, rows->source_names[s], (int64_t)strlen(rows->source_names[s]));
        text_printf(&t, ": %" PRId64, by_source[s]);
    }
    text_printf(&t, "}, \"seconds\": %.3f}", seconds);
    if (metrics_add(g->job->run.dir, t.data) != OK)
        err_forget(); // the set itself is published; its line is a convenience
    log_once(LOG_INFO, "iteration %" PRId64 ": %" PRId64 " records, %" PRId64 " kept, %.1f s",
             iteration, rows->R, kept, seconds);
}

static Err commit_and_tell(Generators *g, int64_t iteration, int64_t blocks, const SetLate *late,
                           double began)
{
    SetRows rows;

    TRY(set_commit(&g->job->run, g->step, iteration, blocks, late, g->job->provenance));
    TRY(set_read(&g->job->run, g->step, iteration, &rows));
    tell_yield(g, iteration, &rows, clock_now() - began);
    return OK;
}

// ---- rounds and stages

static Err tell_round(Generators *g, int64_t iteration, const Segment *s, const PoolsRound *r,
                      const Pool *pool)
{
    Text t = text_make(g->step);

    text_printf(&t,
                "{\"kind\": \"round\", \"iteration\": %" PRId64 ", \"stage\": %" PRId64
                ", \"round\": %" PRId64 ", \"requests\": %" PRId64 ", \"candidates\": %" PRId64
                ", \"accepted\": %" PRId64 ", \"pool\": %" PRId64 "}",
                iteration, s->stage, s->round, s->requests, r->candidates, r->accepted,
                pool->count);
    log_once(LOG_INFO,
             "iteration %" PRId64 ", stage %" PRId64 ", round %" PRId64 ": %" PRId64
             " requests, %" PRId64 " candidates, %" PRId64 " new; %s holds %" PRId64,
             iteration, s->stage + 1, s->round + 1, s->requests, r->candidates, r->accepted,
             pool->commit->to, pool->count);
    return metrics_add(g->job->run.dir, t.data);
}

// Whether the first stage has another round behind this one.
static int goes_on(const Pool *pool, const Segment *s, const PoolsRound *r)
{
    const Commit *c = pool->commit;

    return s->stage == 0 && s->round + 1 < c->rounds && (c->until == 0 || pool->count < c->until) &&
           (double)r->accepted >= c->min_yield * (double)s->requests;
}

// What comes behind a segment; 0: nothing.
static int next_segment(const Pools *p, const PoolsRound *r, int64_t block_size, Segment *s)
{
    Segment next = {.first_request = s->first_request + s->requests,
                    .first_block = s->first_block + s->blocks};

    if (s->stage < p->pools && goes_on(&p->pool[s->stage], s, r)) {
        next.stage = s->stage;
        next.round = s->round + 1;
        next.requests = s->requests;
    } else if (s->stage + 1 < recipe_stages(p->recipe)) {
        next.stage = s->stage + 1;
        next.requests = p->pool[s->stage].count - p->before[s->stage];
    } else {
        return 0;
    }
    next.blocks = (next.requests + block_size - 1) / block_size;
    *s = next;
    return 1;
}

static Err segment_all(Generators *g, const Recipe *recipe, int64_t iteration, const Segment *s,
                       Pools *pools)
{
    ProduceJob job = generators_loop_job(g, recipe, iteration);
    Production p = {.g = g, .iteration = iteration, .publishes = 1, .counter = 2 * g->pieces++};

    job.segment = *s;
    job.views = pools_views(pools, s);
    job.done = publish_block;
    return generators_produce_all(g, &job, &p, "generate");
}

static Err segments_all(Generators *g, const Recipe *recipe, int64_t iteration, Pools *pools,
                        Segment *s)
{
    const Comm *c = &g->job->roles.generators;
    PoolsRound  round;

    do {
        TRY(segment_all(g, recipe, iteration, s, pools));
        clock_begin("commit");
        TRY(pools_commit_all(pools, c, g->job, g->step, iteration, s, &round));
        clock_end("commit");
        if (s->stage < pools->pools)
            TRY_ALL(c, c->rank == 0 ? tell_round(g, iteration, s, &round, &pools->pool[s->stage])
                                    : OK);
        arena_back(g->step, 0);
    } while (next_segment(pools, &round, g->job->settings->generate.block, s));
    return OK;
}

// What the teacher was asked since the start of this attempt, over all generators.
static Err tell_usage_all(Generators *g, int64_t iteration)
{
    const Comm  *c = &g->job->roles.generators;
    TeacherStats stats;
    Text         t = text_make(g->step);

    if (g->teacher == g->local || iteration == 0)
        return OK;
    g->teacher->kind->stats(g->teacher, &stats);
    coll_sum_i64_all(c, &stats.requests, offsetof(TeacherStats, cost) / sizeof stats.requests);
    coll_sum_f64_all(c, &stats.cost, 1);
    text_printf(&t,
                "{\"kind\": \"teacher\", \"attempt\": %d, \"iteration\": %" PRId64
                ", \"name\": \"%s\", \"usage\": ",
                g->job->run.attempt, iteration, g->teacher->kind->name);
    teacher_usage_write(&t, &stats);
    text_puts(&t, "}");
    log_once(LOG_INFO,
             "%s teacher since the start: %" PRId64 " answers (%" PRId64 " from the cache, %" PRId64
             " failed), %" PRId64 " requests sent, %" PRId64 " tokens read, %" PRId64
             " written, cost %.4f",
             g->teacher->kind->name, stats.requests, stats.cached, stats.failed, stats.sent,
             stats.prompt_tokens, stats.new_tokens, stats.cost);
    return comm_agree(c, c->rank == 0 ? metrics_add(g->job->run.dir, t.data) : OK);
}

static Err make_set_all(Generators *g, const Recipe *recipe, int64_t iteration)
{
    const Comm *c = &g->job->roles.generators;
    int64_t     block = g->job->settings->generate.block, requests = recipe_requests(recipe);
    Segment     s = {.requests = requests, .blocks = (requests + block - 1) / block};
    double      began = clock_now();
    Pools       pools;
    SetLate     late;
    Err         e;

    TRY_ALL(c, pools_open(g->job, recipe, g->step, iteration - 1, &pools));
    e = segments_all(g, recipe, iteration, &pools, &s);
    if (e == OK) {
        late = pools_late(&pools, g->step);
        e = comm_agree(
            c, c->rank == 0 ? commit_and_tell(g, iteration, s.first_block + s.blocks, &late, began)
                            : OK);
    }
    pools_close(&pools);
    TRY(e);
    return tell_usage_all(g, iteration);
}

Err generators_iterate_all(Generators *g, int64_t iteration)
{
    const Settings *s = g->job->settings;
    const Comm     *c = &g->job->roles.generators;
    const Recipe   *recipe = iteration == 0 ? s->base_recipe : s->loop_recipe;
    int64_t         is_there = c->rank == 0 && set_is_committed(&g->job->run, iteration);

    coll_bcast_all(c, &is_there, (int64_t)sizeof is_there, 0);
    if (is_there)
        return OK;
    log_place("generate");
    if (recipe != NULL) {
        TRY(make_set_all(g, recipe, iteration));
    } else { // the set is empty, and published all the same
        SetLate none = {.segments = ""};

        TRY_ALL(c, c->rank == 0 ? commit_and_tell(g, iteration, 0, &none, clock_now()) : OK);
    }
    arena_back(g->step, 0);
    return OK;
}
