#include "mpi/reduce.h"

#include <string.h>

// Long messages go in pieces of PIECE floats: a sum is formed while what came is still in the
// cache.
enum { PIECE = 1 << 18, PIECE_MAX = 1 << 28, TAG = 3 };

void reduce_leaves(int M, int P, int p, int *first, int *last)
{
    int share = M / P, longer = M % P;

    CHECK(M >= 0 && 0 <= p && p < P, "M %d, rank %d of %d", M, p, P);
    *first = p * share + (p < longer ? p : longer);
    *last = *first + share + (p < longer);
}

static int is_power_of_two(int P)
{
    return (P & (P - 1)) == 0;
}

static int levels_of(int P)
{
    int levels = 0;

    while (1 << levels < P)
        levels++;
    return levels;
}

// What rank p still works on after `levels` exchanges: bit 0 of its number chose the half of the
// whole, bit 1 the half of that, and so on.  Halves are cut at blocks, the first may be longer.
static void halve(int64_t count, int p, int levels, int64_t *begin, int64_t *end)
{
    int64_t first = 0, blocks = count / REDUCE_BLOCK;

    for (int level = 0; level < levels; level++) {
        int64_t low = (blocks + 1) / 2;

        if (p >> level & 1) {
            first += low;
            blocks -= low;
        } else {
            blocks = low;
        }
    }
    *begin = first * REDUCE_BLOCK;
    *end = (first + blocks) * REDUCE_BLOCK;
}

void reduce_slice(int64_t count, int P, int p, int64_t *begin, int64_t *end)
{
    CHECK(count >= 0 && count % REDUCE_BLOCK == 0, "%lld floats", (long long)count);
    CHECK(0 <= p && p < P, "rank %d of %d", p, P);
    if (is_power_of_two(P)) {
        halve(count, p, levels_of(P), begin, end);
    } else {
        int64_t blocks = count / REDUCE_BLOCK, share = blocks / P, longer = blocks % P;

        *begin = (p * share + (p < longer ? p : longer)) * REDUCE_BLOCK;
        *end = *begin + (share + (p < longer)) * REDUCE_BLOCK;
    }
}

// ---- leaves inside a process

// Of M = 2^a * odd leaves, runs of `odd` are summed first, then pairs of runs, then pairs of pairs.
// A rank of P = 2^k holds M/P leaves, which have the same odd part: that is why all P that divide
// M agree on the tree, also where M is no power of two.
static int odd_part(int leaves)
{
    while (leaves > 0 && leaves % 2 == 0)
        leaves /= 2;
    return leaves > 0 ? leaves : 1;
}

// The most partial sums at a time: one per bit of the number of runs, and of the leaves in one run.
static int buffers_for(int leaves)
{
    int odd = odd_part(leaves), runs = leaves > odd ? leaves / odd : 1, levels = 1;

    for (; runs > 1; runs /= 2)
        levels++;
    for (; odd > 1; odd /= 2)
        levels++;
    return levels;
}

int64_t reduce_tree_need(int64_t count, int leaves)
{
    int levels = buffers_for(leaves);

    return levels * arena_need(count, (int64_t)sizeof(float)) +
           arena_need(levels, (int64_t)sizeof(float *)) + arena_need(levels, (int64_t)sizeof(int));
}

ReduceTree reduce_tree_make(Arena *run, int64_t count, int leaves)
{
    ReduceTree t = {.count = count, .levels = buffers_for(leaves), .odd = odd_part(leaves)};

    t.buffer = arena_new(run, float *, t.levels);
    t.leaves_in = arena_new(run, int, t.levels);
    for (int level = 0; level < t.levels; level++)
        t.buffer[level] = arena_new(run, float, count);
    return t;
}

void reduce_tree_clear(ReduceTree *t)
{
    t->used = 0;
}

float *reduce_tree_next(ReduceTree *t)
{
    CHECK(t->used < t->levels, "more leaves than the tree was made for");
    memset(t->buffer[t->used], 0, (size_t)t->count * sizeof(float));
    return t->buffer[t->used];
}

static void merge_last_two(ReduceTree *t)
{
    int right = t->used - 1, left = t->used - 2;

    reduce_add(t->buffer[left], t->buffer[right], t->count);
    t->leaves_in[left] += t->leaves_in[right];
    t->used--;
}

static void merge_equals(ReduceTree *t)
{
    while (t->used >= 2 && t->leaves_in[t->used - 1] == t->leaves_in[t->used - 2])
        merge_last_two(t);
}

void reduce_tree_push(ReduceTree *t)
{
    int leaves = 0;

    CHECK(t->used < t->levels, "push without next");
    t->leaves_in[t->used++] = 1;
    merge_equals(t);
    for (int i = 0; i < t->used; i++)
        leaves += t->leaves_in[i];
    if (leaves % t->odd == 0) { // a run is complete
        while (t->leaves_in[t->used - 1] < t->odd)
            merge_last_two(t);
        merge_equals(t);
    }
}

float *reduce_tree_total(ReduceTree *t)
{
    while (t->used >= 2)
        merge_last_two(t);
    return t->used == 1 ? t->buffer[0] : NULL;
}

void reduce_add(float *restrict left, const float *restrict right, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        left[i] = left[i] + right[i];
}

static void add_from_left(float *restrict right, const float *restrict left, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        right[i] = left[i] + right[i];
}

// ---- across ranks

typedef struct Span { // of x, in floats
    int64_t begin, end;
} Span;

static Span half_of(const Comm *c, int64_t count, int rank, int levels)
{
    Span s;

    CHECK(rank < c->size, "rank %d of %d", rank, c->size);
    halve(count, rank, levels, &s.begin, &s.end);
    return s;
}

static Span slice_of(const Comm *c, int64_t count, int rank)
{
    Span s;

    reduce_slice(count, c->size, rank, &s.begin, &s.end);
    return s;
}

static int piece_of(int64_t left, int64_t most)
{
    return left <= 0 ? 0 : (int)(left < most ? left : most);
}

// One piece of `out` of x to rank `to` while one of `in` comes from rank `from` into `into`; `at`
// is counted from the beginning of both.  Nothing moves where a span has ended.
static int swap_piece(const Comm *c, const float *x, Span out, int to, float *into, Span in,
                      int from, int64_t at, int64_t most)
{
    int o = piece_of(out.end - out.begin - at, most), i = piece_of(in.end - in.begin - at, most);

    MPI_Sendrecv(x + out.begin + (o > 0 ? at : 0), o, MPI_FLOAT, o > 0 ? to : MPI_PROC_NULL, TAG,
                 into + in.begin + (i > 0 ? at : 0), i, MPI_FLOAT, i > 0 ? from : MPI_PROC_NULL,
                 TAG, c->mpi, MPI_STATUS_IGNORE);
    return i;
}

static int64_t longer_of(Span a, Span b)
{
    return a.end - a.begin > b.end - b.begin ? a.end - a.begin : b.end - b.begin;
}

static void swap_and_add(const Comm *c, float *x, float *spare, Span give, int to, Span keep,
                         int from)
{
    for (int64_t at = 0; at < longer_of(give, keep); at += PIECE) {
        int n = swap_piece(c, x, give, to, spare, keep, from, at, PIECE);

        if (n == 0)
            continue;
        if (c->rank < from)
            reduce_add(x + keep.begin + at, spare + keep.begin + at, n);
        else
            add_from_left(x + keep.begin + at, spare + keep.begin + at, n);
    }
}

// Neighbours first: after exchange number l a rank holds sums over aligned runs of 2^(l+1) ranks,
// which is level l of the tree.
static void scatter_by_halves(const Comm *c, float *x, float *spare, int64_t count)
{
    for (int level = 0; 1 << level < c->size; level++) {
        int  other = c->rank ^ 1 << level;
        Span keep = half_of(c, count, c->rank, level + 1);
        Span give = half_of(c, count, other, level + 1);

        swap_and_add(c, x, spare, give, other, keep, other);
    }
}

// Everybody's part of a slice to its owner, who adds in the order of distance: a fixed order too.
static void scatter_directly(const Comm *c, float *x, float *spare, int64_t count)
{
    Span keep = slice_of(c, count, c->rank);

    for (int step = 1; step < c->size; step++) {
        int to = (c->rank + step) % c->size, from = (c->rank + c->size - step) % c->size;

        swap_and_add(c, x, spare, slice_of(c, count, to), to, keep, from);
    }
}

void reduce_scatter_all(const Comm *c, ReduceKind kind, float *x, float *spare, int64_t count)
{
    comm_meet(c, __func__, (uint64_t)count << 1 ^ (uint64_t)kind);
    CHECK(count >= 0 && count % REDUCE_BLOCK == 0, "%lld floats", (long long)count);
    if (kind == REDUCE_ALLREDUCE)
        for (int64_t at = 0; at < count; at += PIECE_MAX)
            MPI_Allreduce(MPI_IN_PLACE, x + at, piece_of(count - at, PIECE_MAX), MPI_FLOAT, MPI_SUM,
                          c->mpi);
    else if (is_power_of_two(c->size))
        scatter_by_halves(c, x, spare, count);
    else
        scatter_directly(c, x, spare, count);
}

static void swap_whole(const Comm *c, float *x, Span out, int to, Span in, int from)
{
    for (int64_t at = 0; at < longer_of(out, in); at += PIECE_MAX)
        swap_piece(c, x, out, to, x, in, from, at, PIECE_MAX);
}

void reduce_gather_all(const Comm *c, float *x, int64_t count)
{
    comm_meet(c, __func__, (uint64_t)count);
    CHECK(count >= 0 && count % REDUCE_BLOCK == 0, "%lld floats", (long long)count);
    if (is_power_of_two(c->size)) { // the halving, backwards
        for (int level = levels_of(c->size) - 1; level >= 0; level--) {
            int other = c->rank ^ 1 << level;

            swap_whole(c, x, half_of(c, count, c->rank, level + 1), other,
                       half_of(c, count, other, level + 1), other);
        }
        return;
    }
    for (int step = 0; step < c->size - 1; step++) { // slices go around the ring
        int out = (c->rank + c->size - step) % c->size, in = (out + c->size - 1) % c->size;

        swap_whole(c, x, slice_of(c, count, out), (c->rank + 1) % c->size, slice_of(c, count, in),
                   (c->rank + c->size - 1) % c->size);
    }
}
