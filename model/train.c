#include "model/train.h"

#include "base/clock.h"
#include "base/hash.h"
#include "mpi/coll.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <string.h>

// What one thread holds: an aligned run of the rank's micro-batches, and the sum over them.
typedef struct Worker {
    int        first, last; // leaves first <= leaf < last
    Acts      *acts;        // NULL where a rank has no leaf
    Batch      batch;
    float     *logp; // [micro_tokens]
    ReduceTree tree;
    float     *total; // of the tree, in the step that runs
} Worker;

// What the ranks tell each other once per step, in one sum: every place is written by one rank and
// zero on the others, so that the sum is exact, in whatever order it is formed.  Lane M is
// "failed", lane M + 1 is "stop".
enum { LANES_EXTRA = 2 };

struct Trainer {
    Comm       comm;  // borrowed
    Net       *net;   // borrowed
    NetPart    tuned; // of it
    NetDropout drop;  // of the next step
    TrainShape shape;
    Optim      optim;
    int        workers;
    Worker    *worker;       // [workers]
    float     *spare;        // [padded]
    int64_t    blocks;       // REDUCE_BLOCKs of the flat vector
    double    *lane;         // [M losses, failed, stop, blocks]
    double    *leaf_loss;    // into lane
    double    *block_square; // into lane
};

// ---- how the leaves of a rank are shared by its threads

// The largest power of two that divides the leaves and is no more than the threads.  Threads then
// hold whole branches of the tree that one thread would build, so that their number changes no bit.
static int workers_for(int leaves, int threads)
{
    int workers = 1;

    while (leaves > 0 && leaves % (2 * workers) == 0 && 2 * workers <= threads)
        workers *= 2;
    return workers;
}

static int64_t worker_need(const Dims *d, const TrainShape *s, int leaves)
{
    int64_t padded = params_plan_of(d, params_tuned(d)).padded;
    int64_t tree = reduce_tree_need(padded, leaves > 0 ? leaves : 1);

    if (leaves == 0)
        return tree;
    return tree + acts_need(d, s->micro_tokens, s->longest, NET_TRAIN) +
           batch_need(s->micro_tokens, s->micro_tokens) +
           arena_need(s->micro_tokens, (int64_t)sizeof(float));
}

static void worker_make(Arena *run, const Net *net, const TrainShape *s, Worker *w)
{
    int leaves = w->last - w->first;

    w->tree = reduce_tree_make(run, net_tuned(net).params->padded, leaves > 0 ? leaves : 1);
    if (leaves == 0)
        return;
    w->acts = acts_make(run, net, s->micro_tokens, s->longest, NET_TRAIN);
    w->batch = batch_make(run, s->micro_tokens, s->micro_tokens);
    w->logp = arena_new(run, float, s->micro_tokens);
}

// ---- making

static int64_t rank_need(const Dims *d, const TrainShape *s, int ranks, int rank)
{
    int64_t padded = params_plan_of(d, params_tuned(d)).padded, begin, end, need;
    int     first, last, workers;

    reduce_leaves(s->micro_batches, ranks, rank, &first, &last);
    reduce_slice(padded, ranks, rank, &begin, &end);
    workers = workers_for(last - first, s->threads);
    need = workers * worker_need(d, s, (last - first) / workers);
    return need + arena_need(1, (int64_t)sizeof(Trainer)) +
           arena_need(workers, (int64_t)sizeof(Worker)) + optim_need(end - begin) +
           arena_need(padded, (int64_t)sizeof(float)) +
           arena_need(s->micro_batches + LANES_EXTRA + padded / REDUCE_BLOCK,
                      (int64_t)sizeof(double));
}

// Of the rank that needs most.
int64_t trainer_need(const Dims *d, const TrainShape *s, int ranks)
{
    int64_t most = 0;

    for (int p = 0; p < ranks; p++) {
        int64_t need = rank_need(d, s, ranks, p);
        most = need > most ? need : most;
    }
    return net_need(d, NET_TRAIN) + most;
}

static void make_workers(Arena *run, Trainer *t)
{
    const TrainShape *s = &t->shape;
    int               first, last, each;

    reduce_leaves(s->micro_batches, t->comm.size, t->comm.rank, &first, &last);
    t->workers = workers_for(last - first, s->threads);
    each = (last - first) / t->workers;
    t->worker = arena_new(run, Worker, t->workers);
    for (int i = 0; i < t->workers; i++) {
        Worker *w = &t->worker[i];

        w->first = first + i * each;
        w->last = w->first + each;
        worker_make(run, t->net, s, w);
    }
}

Trainer *trainer_make(Arena *run, const Comm *c, Net *net, const TrainShape *s,
                      const OptimConfig *o)
{
    Trainer *t = arena_new(run, Trainer, 1);
    int64_t  begin, end;

    CHECK(s->micro_batches > 0 && s->threads > 0, "%d micro-batches, %d threads", s->micro_batches,
          s->threads);
    t->comm = *c;
    t->net = net;
    t->shape = *s;
    t->tuned = net_tuned(net);
    t->blocks = t->tuned.params->padded / REDUCE_BLOCK;
    reduce_slice(t->tuned.params->padded, c->size, c->rank, &begin, &end);
    t->optim = optim_make(run, o, t->tuned.params, begin, end);
    make_workers(run, t);
    t->spare = arena_new(run, float, t->tuned.params->padded);
    t->lane = arena_new(run, double, s->micro_batches + LANES_EXTRA + t->blocks);
    t->leaf_loss = t->lane;
    t->block_square = t->lane + s->micro_batches + LANES_EXTRA;
    return t;
}

Optim *trainer_optim(Trainer *t)
{
    return &t->optim;
}

void trainer_drop(Trainer *t, uint64_t seed, int64_t iteration, int64_t step)
{
    t->drop = (NetDropout){.is_on = 1, .seed = seed, .iteration = iteration, .step = step};
}

// ---- one step

typedef struct Step {
    const TrainExample *example; // [count]
    int                 count;
    const int          *which; // [count], from train_deal
    float               scale; // 1 / sum of all weights
} Step;

// Counts tokens and weights.  The same on every rank: from all examples, in the order given.
static Err measure(const TrainExample *e, int count, TrainStep *out)
{
    for (int i = 0; i < count; i++) {
        out->tokens += e[i].length;
        for (int64_t n = 1; n < e[i].length; n++) { // nothing predicts the first token
            out->weight_sum += (double)e[i].weight[n];
            out->loss_tokens += e[i].weight[n] > 0;
        }
    }
    if (!(out->weight_sum > 0))
        FAIL(ERR_DATA,
             "the %d examples of a training step (%" PRId64 " tokens) have a sum of weights of %g; "
             "expected more than 0: no token of them would be learned",
             count, out->tokens, out->weight_sum);
    return OK;
}

static double work_leaf(const Trainer *t, Worker *w, const Step *s, int leaf)
{
    float *grad = reduce_tree_next(&w->tree);
    double loss = 0;

    w->batch.N = w->batch.docs = 0;
    w->batch.drop = t->drop;
    w->batch.drop.micro_batch = leaf;
    for (int i = 0; i < s->count; i++)
        if (s->which[i] == leaf)
            batch_add(&w->batch, s->example[i].token, s->example[i].weight, s->example[i].length,
                      s->scale);
    if (w->batch.N > 0)
        loss = net_grad(t->net, w->acts, &w->batch, grad, w->logp);
    reduce_tree_push(&w->tree);
    return loss;
}

static void work_leaves(Trainer *t, Worker *w, const Step *s)
{
    reduce_tree_clear(&w->tree);
    for (int leaf = w->first; leaf < w->last; leaf++)
        t->leaf_loss[leaf] = work_leaf(t, w, s, leaf);
    if (w->first == w->last) { // a rank without leaves brings zeros
        reduce_tree_next(&w->tree);
        reduce_tree_push(&w->tree);
    }
    w->total = reduce_tree_total(&w->tree);
}

// The upper branches of the tree: w[0].total becomes the sum over w[0 .. n), for floats at ..
// at + count.  n is a power of two.
static void fold(Worker *w, int n, int64_t at, int64_t count)
{
    for (int apart = 1; apart < n; apart *= 2)
        for (int i = 0; i < n; i += 2 * apart)
            reduce_add(w[i].total + at, w[i + apart].total + at, count);
}

// The sum of gradients over the leaves of this rank; losses go to their lanes.
static float *gradient(Trainer *t, const Step *s)
{
    int n = t->workers, inner = t->shape.threads / n;

#pragma omp parallel for schedule(static, 1) num_threads(n)
    for (int i = 0; i < n; i++) {
        omp_set_num_threads(inner); // for products in here: no more than were asked for
        work_leaves(t, &t->worker[i], s);
    }
#pragma omp parallel for schedule(static, 1) num_threads(n)
    for (int i = 0; i < n; i++) {
        int64_t from = t->blocks * i / n, to = t->blocks * (i + 1) / n;
        fold(t->worker, n, from * REDUCE_BLOCK, (to - from) * REDUCE_BLOCK);
    }
    return t->worker[0].total;
}

// Squares of the own slice into the lanes, then everybody's lanes to everybody.
static void share_lanes(Trainer *t, const float *grad, int *failed, int *stop)
{
    const Optim *o = &t->optim;
    double      *agreed = t->lane + t->shape.micro_batches;

    optim_block_squares(grad, o->begin, o->end, t->block_square + o->begin / REDUCE_BLOCK);
    agreed[0] = *failed != 0;
    agreed[1] = *stop != 0;
    coll_sum_f64_all(&t->comm, t->lane, t->shape.micro_batches + LANES_EXTRA + t->blocks);
    *failed = agreed[0] > 0;
    *stop = agreed[1] > 0;
}

static void update(Trainer *t, const float *grad, double norm, double lr)
{
    clock_begin("update");
    optim_update(&t->optim, t->tuned.flat, grad, norm, lr);
    clock_end("update");
    clock_begin("gather weights");
    reduce_gather_all(&t->comm, t->tuned.flat, t->tuned.params->padded);
    clock_end("gather weights");
    clock_begin("pack");
    net_pack_tuned(t->net);
    clock_end("pack");
}

static void step(Trainer *t, const Step *s, double lr, int *failed, int *stop, TrainStep *out)
{
    float *grad;

    memset(t->lane, 0,
           (size_t)(t->shape.micro_batches + LANES_EXTRA + t->blocks) * sizeof *t->lane);
    clock_begin("gradient");
    grad = gradient(t, s);
    clock_end("gradient");
    clock_begin("reduce");
    reduce_scatter_all(&t->comm, (ReduceKind)t->shape.reduce, grad, t->spare,
                       t->tuned.params->padded);
    share_lanes(t, grad, failed, stop);
    clock_end("reduce");
    for (int m = 0; m < t->shape.micro_batches; m++)
        out->loss += t->leaf_loss[m];
    out->grad_norm = optim_norm(t->block_square, t->blocks);
    out->skipped = *failed || !isfinite(out->loss) || !isfinite(out->grad_norm);
    if (!out->skipped)
        update(t, grad, out->grad_norm, lr);
}

Err trainer_step_all(Trainer *t, Arena *scratch, const TrainExample *e, int count, double lr,
                     int *failed, int *stop, TrainStep *out)
{
    ArenaMark mark = arena_mark(scratch);
    int      *which = arena_new(scratch, int, count);
    Step      s = {.example = e, .count = count, .which = which};

    comm_meet(&t->comm, __func__, hash_u64((uint64_t)count, (uint64_t)t->optim.step));
    *out = (TrainStep){0};
    TRY(measure(e, count, out)); // all ranks have the same examples, so they fail alike
    TRY(train_deal(scratch, e, count, &t->shape, which));
    s.scale = (float)(1 / out->weight_sum);
    step(t, &s, lr, failed, stop, out);
    arena_back(scratch, mark);
    return OK;
}

// ---- moments, for checkpoints

void trainer_moments_all(Trainer *t, int which, float *full)
{
    const Comm  *c = &t->comm;
    const float *mine = which == 1 ? t->optim.m : t->optim.v;
    int64_t      begin, end, bytes = (t->optim.end - t->optim.begin) * (int64_t)sizeof *mine;

    comm_meet(c, __func__, (uint64_t)which);
    if (c->rank > 0) {
        coll_send(c, mine, bytes, 0);
        return;
    }
    memcpy(full + t->optim.begin, mine, (size_t)bytes);
    for (int p = 1; p < c->size; p++) {
        reduce_slice(t->tuned.params->padded, c->size, p, &begin, &end);
        coll_receive(c, full + begin, (end - begin) * (int64_t)sizeof *full, p);
    }
}

void trainer_set_moments(Trainer *t, int which, const float *full)
{
    float *mine = which == 1 ? t->optim.m : t->optim.v;

    memcpy(mine, full + t->optim.begin, (size_t)(t->optim.end - t->optim.begin) * sizeof *mine);
}
