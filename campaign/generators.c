#include "campaign/generators.h"

#include "base/clock.h"
#include "base/log.h"
#include "datagen/produce.h"
#include "io/ckpt.h"
#include "io/metrics.h"
#include "io/set.h"
#include "mpi/coll.h"
#include "mpi/watchdog.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_TIMEOUT_S = 1800 };

int64_t generators_need(const Settings *s, int threads)
{
    return net_need(&s->dims, NET_INFER) +
           decoder_need(&s->dims, (int)s->generate.slots, s->dims.T, threads);
}

void generators_make(Arena *run, Arena *step, const Job *job, Generators *out)
{
    const Settings *s = job->settings;

    *out = (Generators){.job = job, .run = run, .step = step, .policy = -1};
    out->net = net_make(run, &s->dims, NET_INFER);
    out->decoder =
        decoder_make(run, &out->net, s->vocab, (int)s->generate.slots, s->dims.T, job->threads);
}

static Err load_weights(Generators *g, int64_t version)
{
    TRY(job_read_weights(g->job, g->step, &g->net.params, g->net.flat, version));
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
        int64_t block = board_work_next(p->g->job->board, p->counter);

        if (block >= p->blocks)
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

    return (ProduceJob){.recipe = recipe,
                        .source = s->source,
                        .vocab = s->vocab,
                        .decoder = g->decoder,
                        .seed = (uint64_t)s->seed,
                        .iteration = iteration,
                        .policy = g->policy,
                        .block_size = s->generate.block,
                        .requests = recipe == NULL ? 0 : recipe_requests(recipe)};
}

static int64_t count_blocks(const ProduceJob *job)
{
    return (job->requests + job->block_size - 1) / job->block_size;
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
    p->blocks = count_blocks(job);
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

typedef struct KeyedRow {
    uint64_t key;
    int64_t  order; // in which rows came: earlier sets first, then by id
    uint64_t id[2]; // 0,0 for rows of earlier sets, which nobody can reject any more
} KeyedRow;

typedef struct KeyTable {
    int64_t   count, room;
    KeyedRow *row;
} KeyTable;

static int by_key(const void *a, const void *b)
{
    const KeyedRow *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void add_keys(Arena *step, const SetRows *rows, const char *key, int is_new, KeyTable *t)
{
    int64_t   size = (int64_t)sizeof *t->row;
    uint64_t *keys = arena_new(step, uint64_t, rows->R);

    produce_keys(rows, key, keys);
    t->row = arena_grow(step, t->row, t->count * size, (t->count + rows->R) * size);
    for (int64_t r = 0; r < rows->R; r++) {
        if (rows->status[r] != SET_KEPT)
            continue;
        t->row[t->count] = (KeyedRow){keys[r], t->count, {0, 0}};
        if (is_new)
            memcpy(t->row[t->count].id, &rows->id[2 * r], sizeof t->row[0].id);
        t->count++;
    }
}

// Rows of this iteration whose key stands already in an earlier row, of any iteration.
static Err find_late(Generators *g, int64_t iteration, int64_t blocks, const char *key,
                     SetLate *late)
{
    KeyTable t = {0};

    *late = (SetLate){.reason = "duplicate"};
    for (int64_t i = 1; i < iteration; i++) {
        SetRows rows;
        TRY(set_read(&g->job->run, g->step, i, &rows));
        add_keys(g->step, &rows, key, 0, &t);
    }
    for (int64_t b = 0; b < blocks; b++) {
        SetRows rows;
        TRY(set_read_shard(&g->job->run, g->step, iteration, b, &rows));
        add_keys(g->step, &rows, key, 1, &t);
    }
    if (t.count > 0)
        qsort(t.row, (size_t)t.count, sizeof *t.row, by_key);
    late->id = arena_new(g->step, uint64_t, 2 * t.count);
    for (int64_t i = 1; i < t.count; i++)
        if (t.row[i].key == t.row[i - 1].key && (t.row[i].id[0] | t.row[i].id[1]) != 0)
            memcpy(&late->id[2 * late->count++], t.row[i].id, sizeof t.row[i].id);
    return OK;
}

static Err commit(Generators *g, const Recipe *recipe, int64_t iteration, int64_t blocks)
{
    const char *key = recipe == NULL ? NULL : recipe_commit_key(recipe);
    SetLate     late = {0};

    if (key != NULL)
        TRY(find_late(g, iteration, blocks, key, &late));
    return set_commit(&g->job->run, g->step, iteration, blocks, key == NULL ? NULL : &late,
                      g->job->provenance);
}

static void tell_yield(Generators *g, int64_t iteration, const SetRows *rows, double seconds)
{
    Text    t = text_make(g->step);
    int64_t kept = 0, by_source[256] = {0};

    for (int64_t r = 0; r < rows->R; r++)
        if (rows->status[r] == SET_KEPT) {
            kept++;
            by_source[rows->source[r]]++;
        }
    text_printf(&t,
                "{\"kind\": \"generate\", \"iteration\": %" PRId64 ", \"policy\": %" PRId64
                ", \"records\": %" PRId64 ", \"kept\": %" PRId64 ", \"rejected\": %" PRId64
                ", \"by_source\": {",
                iteration, g->policy, rows->R, kept, rows->R - kept);
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

static Err commit_and_tell(Generators *g, const Recipe *recipe, const Production *p)
{
    SetRows rows;

    TRY(commit(g, recipe, p->iteration, p->blocks));
    arena_back(g->step, 0);
    TRY(set_read(&g->job->run, g->step, p->iteration, &rows));
    tell_yield(g, p->iteration, &rows, clock_now() - p->began);
    return OK;
}

Err generators_iterate_all(Generators *g, int64_t iteration)
{
    const Settings *s = g->job->settings;
    const Comm     *c = &g->job->roles.generators;
    const Recipe   *recipe = iteration == 0 ? s->base_recipe : s->loop_recipe;
    ProduceJob      job = generators_job(g, recipe, iteration);
    Production      p = {.g = g, .iteration = iteration, .publishes = 1, .counter = 2 * iteration};
    int64_t         is_there = c->rank == 0 && set_is_committed(&g->job->run, iteration);

    coll_bcast_all(c, &is_there, (int64_t)sizeof is_there, 0);
    if (is_there)
        return OK;
    log_place("generate");
    if (iteration == 0) {
        job.decoder = NULL;
        job.policy = -1;
    }
    job.done = publish_block;
    p.began = clock_now();
    if (recipe != NULL) // without one the set is empty, and published all the same
        TRY(generators_produce_all(g, &job, &p, "generate"));
    TRY_ALL(c, c->rank == 0 ? commit_and_tell(g, recipe, &p) : OK);
    arena_back(g->step, 0);
    return OK;
}
