#include "base/clock.h"
#include "mpi/board.h"
#include "tests/check.h"

#include <stdio.h>

enum { PIECES = 500 };

static void board_hands_out_each_piece_once(const Comm *c)
{
    Board  *b = board_open_all(c);
    int     taken[PIECES] = {0}, mine = 0;
    int64_t piece;

    while ((piece = board_work_next(b, 0)) < PIECES) {
        EXPECT(piece >= 0);
        taken[piece]++;
        mine++;
    }
    MPI_Allreduce(MPI_IN_PLACE, taken, PIECES, MPI_INT, MPI_SUM, c->mpi);
    for (int i = 0; i < PIECES; i++)
        EXPECT_INT(taken[i], 1);
    EXPECT(mine <= PIECES);
    board_close_all(b);
}

static void board_begins_with_zeros_and_adds(const Comm *c)
{
    Board *b = board_open_all(c);

    EXPECT_INT(board_read(b, BOARD_WORDS - 1), 0);
    MPI_Barrier(c->mpi);
    board_add(b, BOARD_STOP, 1 + c->rank);
    MPI_Barrier(c->mpi);
    EXPECT_INT(board_read(b, BOARD_STOP), c->size * (c->size + 1) / 2);
    EXPECT_INT(board_read(b, BOARD_FAILED), 0);
    board_progress(b);
    board_close_all(b);
}

static void work_counters_begin_again_after_a_reset(const Comm *c)
{
    Board        *b = board_open_all(c);
    const int64_t n = 62 * 1000 + 5; // shares its word with number 5

    board_work_next(b, 5);
    MPI_Barrier(c->mpi);
    if (c->rank == c->size - 1)
        board_work_reset(b, n);
    MPI_Barrier(c->mpi);
    int64_t most[2] = {board_work_next(b, n), board_work_next(b, 6)};
    MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_INT64_T, MPI_MAX, c->mpi);
    EXPECT_INT(most[0], c->size - 1);
    EXPECT_INT(most[1], c->size - 1); // its neighbour counts for itself
    MPI_Barrier(c->mpi);
    board_close_all(b);
}

// Rank 0 computes without calling MPI; the others must get their answers meanwhile.
static void board_answers_while_rank_0_computes(const Comm *c)
{
    Board *b = board_open_all(c);
    double began = clock_now(), waited;

    MPI_Barrier(c->mpi);
    if (c->rank == 0)
        while (clock_now() - began < 1.5)
            ;
    else
        for (int i = 0; i < 100; i++)
            board_work_next(b, 0);
    waited = clock_now() - began;
    EXPECT(c->rank == 0 || waited < 1.4);
    if (c->rank == c->size - 1)
        printf("# 100 numbers taken in %.6f s\n", waited);
    board_close_all(b);
}

TEST_MAIN(CASE(board_hands_out_each_piece_once), CASE(board_begins_with_zeros_and_adds),
          CASE(work_counters_begin_again_after_a_reset), CASE(board_answers_while_rank_0_computes))
