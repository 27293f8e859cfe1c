#include "base/rng.h"
#include "mpi/reduce.h"
#include "tests/check.h"

#include <math.h>
#include <string.h>

enum { LEAVES_MAX = 12 };

static Arena arena; // one for the program, emptied between cases

static void start(void)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 64 << 20));
    arena_back(&arena, 0);
}

// Numbers of very different size, so that another order gives other bits.
static void write_leaf(float *x, int64_t count, int leaf)
{
    Rng r = rng_make(7, rng_stream("leaf", (uint64_t)leaf, 0, 0), 0);

    for (int64_t i = 0; i < count; i++)
        x[i] = (float)(rng_normal(&r) * exp2((double)(rng_below(&r, 24))));
}

// The definition, written as it is said: halves while the number is even, then, in what is left,
// the largest power of two of leaves and the rest.
static void add_tree(float *x, float *const *leaf, int first, int last, int64_t count)
{
    int n = last - first, left = 1;

    if (n == 1) {
        memcpy(x, leaf[first], (size_t)count * sizeof *x);
        return;
    }
    while (2 * left < n)
        left *= 2;
    if (n % 2 == 0)
        left = n / 2;
    float *right = arena_new(&arena, float, count);
    add_tree(x, leaf, first, first + left, count);
    add_tree(right, leaf, first + left, last, count);
    for (int64_t i = 0; i < count; i++)
        x[i] = x[i] + right[i];
}

static float *tree_of_all(int M, int64_t count)
{
    float *leaf[LEAVES_MAX], *x = arena_new(&arena, float, count);

    for (int m = 0; m < M; m++) {
        leaf[m] = arena_new(&arena, float, count);
        write_leaf(leaf[m], count, m);
    }
    if (M > 0)
        add_tree(x, leaf, 0, M, count);
    return x;
}

// The sum over M leaves, each made by the rank that owns it; on every rank.
static float *tree_over_ranks(const Comm *c, ReduceKind kind, int M, int64_t count)
{
    float     *x = arena_new(&arena, float, count), *spare = arena_new(&arena, float, count);
    int        first, last;
    ReduceTree t;

    reduce_leaves(M, c->size, c->rank, &first, &last);
    t = reduce_tree_make(&arena, count, last - first);
    for (int m = first; m < last; m++) {
        write_leaf(reduce_tree_next(&t), count, m);
        reduce_tree_push(&t);
    }
    if (last > first)
        memcpy(x, reduce_tree_total(&t), (size_t)count * sizeof *x);
    reduce_scatter_all(c, kind, x, spare, count);
    reduce_gather_all(c, x, count);
    return x;
}

static void leaves_are_shared_evenly(const Comm *c)
{
    int first, last, seen = 0;

    for (int p = 0; p < 4; p++) {
        reduce_leaves(10, 4, p, &first, &last);
        EXPECT_INT(first, seen);
        EXPECT_INT(last - first, p < 2 ? 3 : 2);
        seen = last;
    }
    EXPECT_INT(seen, 10);
    reduce_leaves(2, 3, 2, &first, &last);
    EXPECT_INT(last - first, 0);
    (void)c;
}

static int owners_of(int64_t block, int64_t count, int P)
{
    int     owners = 0;
    int64_t begin, end;

    for (int p = 0; p < P; p++) {
        reduce_slice(count, P, p, &begin, &end);
        EXPECT(begin % REDUCE_BLOCK == 0 && end % REDUCE_BLOCK == 0 && begin <= end);
        owners += begin <= block * REDUCE_BLOCK && block * REDUCE_BLOCK < end;
    }
    return owners;
}

static void slices_cover_everything_once(const Comm *c)
{
    for (int P = 1; P <= 9; P++)
        for (int64_t blocks = 0; blocks <= 19; blocks++)
            for (int64_t b = 0; b <= blocks; b++)
                EXPECT_INT(owners_of(b, blocks * REDUCE_BLOCK, P), b < blocks);
    (void)c;
}

static void tree_in_a_process_follows_the_definition(const Comm *c)
{
    const int64_t count = 100;

    for (int M = 1; M <= LEAVES_MAX; M++) {
        start();
        float     *want = tree_of_all(M, count);
        int64_t    before = arena.used;
        ReduceTree t = reduce_tree_make(&arena, count, M);

        EXPECT_INT(arena.used - before, reduce_tree_need(count, M));
        for (int again = 0; again < 2; again++) {
            for (int m = 0; m < M; m++) {
                float *x = reduce_tree_next(&t);
                EXPECT_NEAR(x[count - 1], 0, 0);
                write_leaf(x, count, m);
                reduce_tree_push(&t);
            }
            EXPECT(memcmp(reduce_tree_total(&t), want, (size_t)count * sizeof *want) == 0);
            reduce_tree_clear(&t);
        }
    }
    (void)c;
}

static void tree_of_no_leaves_has_no_total(const Comm *c)
{
    ReduceTree t;

    start();
    t = reduce_tree_make(&arena, REDUCE_BLOCK, 0);
    EXPECT(reduce_tree_total(&t) == NULL);
    (void)c;
}

static void bits_do_not_depend_on_a_power_of_two_of_ranks(const Comm *c)
{
    static const int M[] = {4, 8, 12};

    for (int i = 0; i < 3; i++)
        for (int64_t blocks = 0; blocks <= 7; blocks++) {
            int64_t count = blocks * REDUCE_BLOCK;

            start();
            float *want = tree_of_all(M[i], count),
                  *got = tree_over_ranks(c, REDUCE_TREE, M[i], count);
            if (c->size == 3)
                EXPECT_FLOATS(got, want, count, -1e-6);
            else
                EXPECT(memcmp(got, want, (size_t)count * sizeof *want) == 0);
        }
}

static void fewer_leaves_than_ranks_still_add_up(const Comm *c)
{
    start();
    float *want = tree_of_all(1, REDUCE_BLOCK),
          *got = tree_over_ranks(c, REDUCE_TREE, 1, REDUCE_BLOCK);

    EXPECT_FLOATS(got, want, REDUCE_BLOCK, -1e-6);
}

static void messages_of_several_pieces_add_up(const Comm *c)
{
    const int64_t count = 1200 * REDUCE_BLOCK; // more than one piece also at 4 ranks

    start();
    float *x = arena_new(&arena, float, count), *spare = arena_new(&arena, float, count);
    for (int64_t i = 0; i < count; i++)
        x[i] = (float)((i % 1001) * (c->rank + 1));
    reduce_scatter_all(c, REDUCE_TREE, x, spare, count);
    reduce_gather_all(c, x, count);
    int64_t wrong = 0;
    for (int64_t i = 0; i < count; i++)
        wrong += x[i] != (float)((i % 1001) * c->size * (c->size + 1) / 2);
    EXPECT_INT(wrong, 0);
}

static void plain_allreduce_agrees_to_rounding(const Comm *c)
{
    start();
    float *want = tree_of_all(8, 5 * REDUCE_BLOCK);
    float *got = tree_over_ranks(c, REDUCE_ALLREDUCE, 8, 5 * REDUCE_BLOCK);

    EXPECT_FLOATS(got, want, 5 * REDUCE_BLOCK, -1e-6);
}

TEST_MAIN(CASE(leaves_are_shared_evenly), CASE(slices_cover_everything_once),
          CASE(tree_in_a_process_follows_the_definition), CASE(tree_of_no_leaves_has_no_total),
          CASE(bits_do_not_depend_on_a_power_of_two_of_ranks),
          CASE(fewer_leaves_than_ranks_still_add_up), CASE(messages_of_several_pieces_add_up),
          CASE(plain_allreduce_agrees_to_rounding))
