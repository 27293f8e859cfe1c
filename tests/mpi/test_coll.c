#include "mpi/coll.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

enum { RANKS_MAX = 16 };

static void bcast_gives_the_bytes_of_the_root(const Comm *c)
{
    char text[16] = "mine";

    for (int root = 0; root < c->size; root++) {
        snprintf(text, sizeof text, "r%d", c->rank == root ? root : 9);
        coll_bcast_all(c, text, 3, root);
        EXPECT_INT(text[1], '0' + root);
    }
    coll_bcast_all(c, NULL, 0, 0);
}

static void sums_add_every_element_over_the_ranks(const Comm *c)
{
    float   f[3] = {1, (float)c->rank, 0.5f};
    double  d[2] = {1, c->rank};
    int64_t i[2] = {INT64_C(1) << 40, c->rank};
    int     all = c->size * (c->size - 1) / 2;

    coll_sum_f32_all(c, f, 3);
    coll_sum_f64_all(c, d, 2);
    coll_sum_i64_all(c, i, 2);
    EXPECT_NEAR(f[0], c->size, 0);
    EXPECT_NEAR(f[1], all, 0);
    EXPECT_NEAR(f[2], 0.5 * c->size, 0);
    EXPECT_NEAR(d[1], all, 0);
    EXPECT_INT(i[0], (int64_t)c->size << 40);
    EXPECT_INT(i[1], all);
    coll_sum_f32_all(c, NULL, 0);
}

static void extremes_are_those_of_all_ranks(const Comm *c)
{
    EXPECT_INT(coll_max_i64_all(c, -5 - c->rank), -5);
    EXPECT_INT(coll_min_i64_all(c, -5 - c->rank), -4 - c->size);
    EXPECT_NEAR(coll_max_f64_all(c, 0.5 * c->rank), 0.5 * (c->size - 1), 0);
    EXPECT_NEAR(coll_min_f64_all(c, 0.5 * c->rank), 0, 0);
}

// Rank p brings 3 p bytes, so rank 0 brings none.
static void allgather_joins_uneven_pieces(const Comm *c)
{
    int64_t counts[RANKS_MAX], offsets[RANKS_MAX + 1] = {0};
    char    mine[3 * RANKS_MAX], all[3 * RANKS_MAX * RANKS_MAX];

    coll_counts_all(c, 3 * c->rank, counts);
    for (int p = 0; p < c->size; p++) {
        EXPECT_INT(counts[p], 3 * p);
        offsets[p + 1] = offsets[p] + counts[p];
    }
    memset(mine, 'a' + c->rank, sizeof mine);
    coll_allgather_all(c, mine, all, offsets);
    for (int p = 0; p < c->size; p++)
        for (int64_t i = offsets[p]; i < offsets[p + 1]; i++)
            EXPECT_INT(all[i], 'a' + p);
}

static void allgather_works_in_place(const Comm *c)
{
    int64_t all[RANKS_MAX] = {0}, offsets[RANKS_MAX + 1];

    for (int p = 0; p <= c->size; p++)
        offsets[p] = 8 * p;
    all[c->rank] = 100 + c->rank;
    coll_allgather_all(c, &all[c->rank], all, offsets);
    for (int p = 0; p < c->size; p++)
        EXPECT_INT(all[p], 100 + p);
}

static void messages_arrive_whole(const Comm *c)
{
    int64_t x[1000] = {0};

    for (int to = 1; to < c->size; to++) {
        if (c->rank == 0)
            coll_send(c, (int64_t[1000]){[999] = to}, (int64_t)sizeof x, to);
        if (c->rank == to) {
            coll_receive(c, x, (int64_t)sizeof x, 0);
            EXPECT_INT(x[999], to);
        }
    }
    coll_barrier_all(c);
}

TEST_MAIN(CASE(bcast_gives_the_bytes_of_the_root), CASE(sums_add_every_element_over_the_ranks),
          CASE(extremes_are_those_of_all_ranks), CASE(allgather_joins_uneven_pieces),
          CASE(allgather_works_in_place), CASE(messages_arrive_whole))
