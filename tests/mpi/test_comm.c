#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Err fails_on(int rank, const Comm *c)
{
    if (c->rank == rank)
        FAIL(ERR_IO, "shard %03d.h5 is missing", rank);
    return OK;
}

static Err load_all(const Comm *c, int bad_rank)
{
    comm_meet(c, __func__, (uint64_t)bad_rank);
    TRY_ALL(c, fails_on(bad_rank, c));
    return OK;
}

static void agree_is_ok_when_all_are(const Comm *c)
{
    EXPECT_OK(load_all(c, -1));
}

static void agree_gives_every_rank_the_failure_of_one(const Comm *c)
{
    int last = c->size - 1;

    EXPECT_INT(load_all(c, last), ERR_IO);
    EXPECT_INT(err_record()->rank, last);
    EXPECT(strncmp(err_record()->text, "shard ", 6) == 0);
    EXPECT_OK((err_forget(), load_all(c, -1)));
    EXPECT_INT(err_record()->code, OK);
}

static Err stops_but_one_fails(const Comm *c, int bad_rank)
{
    TRY(fails_on(bad_rank, c));
    FAIL(ERR_STOPPED, "asked by rank %d", c->rank);
}

static void agree_prefers_a_failure_over_being_asked_to_stop(const Comm *c)
{
    int last = c->size - 1;

    EXPECT_ERR(comm_agree(c, stops_but_one_fails(c, last)), ERR_IO, "is missing");
    EXPECT_ERR(comm_agree(c, stops_but_one_fails(c, -1)), ERR_STOPPED, "asked by rank 0");
}

static void agree_tells_of_the_lowest_rank_that_failed(const Comm *c)
{
    int fails = c->size == 1 || c->rank > 0; // all but rank 0

    EXPECT_INT(comm_agree(c, fails ? fails_on(c->rank, c) : OK), ERR_IO);
    EXPECT_INT(err_record()->rank, c->size == 1 ? 0 : 1);
    err_forget();
}

static void split_keeps_the_order_of_ranks(const Comm *c)
{
    Comm half;
    int  sum = c->rank;

    comm_split(c, c->rank % 2, &half);
    EXPECT_INT(half.rank, c->rank / 2);
    EXPECT_INT(half.size, (c->size + 1 - c->rank % 2) / 2);
    MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_INT, MPI_SUM, half.mpi);
    EXPECT_INT(sum, half.size * (half.size - 1) + half.size * (c->rank % 2));
    EXPECT_INT(comm_agree(&half, fails_on(0, &half)), ERR_IO);
    err_forget();
    comm_free(&half);
    EXPECT_INT(half.size, 0);
}

static void split_leaves_out_who_has_no_colour(const Comm *c)
{
    Comm few;

    comm_split(c, c->rank == 0 ? 5 : -1, &few);
    EXPECT_INT(few.size, c->rank == 0 ? 1 : 0);
    comm_free(&few);
    comm_free(&few); // nothing for size 0
}

static void self_test_passes_in_a_job_that_works(const Comm *c)
{
    EXPECT_OK(comm_self_test_all(c));
}

static void self_test_finds_a_launcher_of_another_mpi(const Comm *c)
{
    const char *keep = getenv("OMPI_COMM_WORLD_SIZE");
    char        kept[32] = "";

    if (c->size > 1) { // the environment may say anything to ranks that found each other
        EXPECT_OK(comm_self_test_all(c));
        return;
    }
    if (keep != NULL)
        snprintf(kept, sizeof kept, "%s", keep);
    setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
    EXPECT_ERR(comm_self_test_all(c), ERR_CONFIG, "started 4 ranks (OMPI_COMM_WORLD_SIZE)");
    unsetenv("OMPI_COMM_WORLD_SIZE");
    setenv("SLURM_NTASKS", "8", 1);
    setenv("SLURM_PROCID", "0", 1);
    EXPECT_OK(comm_self_test_all(c)); // a batch script looks like this
    setenv("SLURM_STEP_NUM_TASKS", "8", 1);
    EXPECT_ERR(comm_self_test_all(c), ERR_CONFIG, "srun --mpi=pmix");
    unsetenv("SLURM_STEP_NUM_TASKS");
    unsetenv("SLURM_PROCID");
    unsetenv("SLURM_NTASKS");
    if (kept[0])
        setenv("OMPI_COMM_WORLD_SIZE", kept, 1);
}

TEST_MAIN(CASE(agree_is_ok_when_all_are), CASE(agree_gives_every_rank_the_failure_of_one),
          CASE(agree_prefers_a_failure_over_being_asked_to_stop),
          CASE(agree_tells_of_the_lowest_rank_that_failed), CASE(split_keeps_the_order_of_ranks),
          CASE(split_leaves_out_who_has_no_colour), CASE(self_test_passes_in_a_job_that_works),
          CASE(self_test_finds_a_launcher_of_another_mpi))
