#include "io/run.h"
#include "mpi/coll.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static Arena arena; // paths, for the whole program

static const char *in(const char *folder, const char *name)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 1 << 20));
    return arena_format(&arena, "%s/%s", folder, name);
}

static void put(const char *path)
{
    EXPECT_OK(file_publish(path, "plain", "x", 1));
}

static void attempts_are_counted(const Comm *c)
{
    const char *dir = in(check_folder(c, "run"), "a/b/");
    Run         first, second;

    EXPECT_OK(run_open_all(c, dir, RUN_BOTH, &first));
    EXPECT_INT(first.attempt, 1);
    EXPECT_INT(first.rank, c->rank);
    EXPECT(strncmp(first.tag, "a0001-both-r", 12) == 0);
    EXPECT(file_exists(in(dir, "attempt-0001")));
    EXPECT(file_exists(in(dir, "examples")) && file_exists(in(dir, "weights")) &&
           file_exists(in(dir, "checkpoints")) && file_exists(in(dir, "log")));
    coll_barrier_all(c);
    EXPECT_OK(run_open_all(c, dir, RUN_BOTH, &second));
    EXPECT_INT(second.attempt, 2);
    EXPECT_TEXT(second.dir, first.dir);
}

static Err publish(const Run *r, const char *name)
{
    char path[FILE_PATH_MAX], part[FILE_PATH_MAX];

    TRY(run_path(r, path, "weights/%s-%d", name, r->rank));
    TRY(run_part(r, part, path));
    put(part);
    TRY(run_publish(r, part, path));
    return OK;
}

static void older_attempt_publishes_nothing(const Comm *c)
{
    const char *dir = in(check_folder(c, "run"), "r");
    Run         old, new;
    char        path[FILE_PATH_MAX];

    EXPECT_OK(run_open_all(c, dir, RUN_BOTH, &old));
    EXPECT_OK(publish(&old, "before"));
    coll_barrier_all(c);
    EXPECT_OK(run_open_all(c, dir, RUN_BOTH, &new));
    EXPECT_OK(run_fence(&old, 0)); // it looked just now, and believes itself for a second
    EXPECT_ERR(run_fence(&old, 1), ERR_IO, "/r was taken over by attempt 2 (");
    EXPECT_ERR(publish(&old, "after"), ERR_IO, "this is attempt 1: it stops and publishes nothing");
    EXPECT_OK(run_path(&old, path, "weights/after-%d", c->rank));
    EXPECT(!file_exists(path));
    EXPECT_OK(publish(&new, "after"));
    EXPECT(file_exists(path));
}

static void sides_that_do_not_overlap_live_together(const Comm *c)
{
    const char *dir = in(check_folder(c, "run"), "r");
    Run         train, generate, both;

    EXPECT_OK(run_open_all(c, dir, RUN_TRAIN, &train));
    EXPECT_OK(run_open_all(c, dir, RUN_GENERATE, &generate));
    EXPECT_OK(run_fence(&train, 1));
    EXPECT_OK(run_fence(&generate, 1));
    coll_barrier_all(c);
    EXPECT_OK(run_open_all(c, dir, RUN_BOTH, &both));
    EXPECT_ERR(run_fence(&train, 1), ERR_IO, "attempt 3");
    EXPECT_ERR(run_fence(&generate, 1), ERR_IO, "attempt 3");
    EXPECT_OK(run_fence(&both, 1));
}

// A newer attempt that died before it said its side counts for both.
static void attempt_without_words_takes_over(const Comm *c)
{
    const char *dir = in(check_folder(c, "run"), "r");
    Run         r;

    EXPECT_OK(run_open_all(c, dir, RUN_TRAIN, &r));
    if (c->rank == 0)
        fclose(fopen(in(r.dir, "attempt-0002"), "w"));
    coll_barrier_all(c);
    EXPECT_ERR(run_fence(&r, 1), ERR_IO, "attempt 2 (unknown host");
    coll_barrier_all(c);
    EXPECT_OK(run_open_all(c, dir, RUN_TRAIN, &r));
    EXPECT_INT(r.attempt, 3);
}

static void what_an_older_attempt_left_is_removed(const Comm *c)
{
    const char *dir = in(check_folder(c, "run"), "r");
    Run         r;

    EXPECT_OK(run_open_all(c, dir, RUN_TRAIN, &r));
    if (c->rank == 0) {
        EXPECT(mkdir(in(dir, "examples/i0001"), 0755) == 0);
        put(in(dir, "weights/v0001.h5.part-a0001-train-r0-p77"));
        put(in(dir, "examples/i0001/b0001.h5.part-a0001-generate-r2-p9"));
        put(in(dir, "checkpoints/s1.h5.part-a0009-train-r0-p1"));
        put(in(dir, "weights/v0001.h5.part-mine"));
        put(in(dir, "weights/v0001.h5"));
    }
    coll_barrier_all(c);
    EXPECT_OK(run_open_all(c, dir, RUN_TRAIN, &r));
    EXPECT(!file_exists(in(dir, "weights/v0001.h5.part-a0001-train-r0-p77")));
    EXPECT(file_exists(in(dir, "examples/i0001/b0001.h5.part-a0001-generate-r2-p9")));
    EXPECT(file_exists(in(dir, "checkpoints/s1.h5.part-a0009-train-r0-p1")));
    EXPECT(file_exists(in(dir, "weights/v0001.h5.part-mine")));
    EXPECT(file_exists(in(dir, "weights/v0001.h5")));
    coll_barrier_all(c);
    EXPECT_OK(run_open_all(c, dir, RUN_BOTH, &r));
    EXPECT(!file_exists(in(dir, "examples/i0001/b0001.h5.part-a0001-generate-r2-p9")));
}

static void what_cannot_be_a_run_is_said_once_and_clearly(const Comm *c)
{
    const char *folder = check_folder(c, "run");
    char        longest[FILE_PATH_MAX];
    Run         r;

    if (c->rank == 0)
        put(in(folder, "file"));
    coll_barrier_all(c);
    EXPECT_ERR(run_open_all(c, in(folder, "file"), RUN_BOTH, &r), ERR_IO, "a file has that name");
    EXPECT_ERR(run_open_all(c, "/proc", RUN_BOTH, &r), ERR_IO,
               "the run directory /proc cannot be written to");
    EXPECT_ERR(run_open_all(c, "", RUN_BOTH, &r), ERR_CONFIG, "0 bytes");
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    EXPECT_ERR(run_open_all(c, longest, RUN_BOTH, &r), ERR_CONFIG, "4095 bytes");
    EXPECT_ERR(run_look(in(folder, "none"), &r), ERR_DATA, "No such file");
    EXPECT_ERR(run_look(folder, &r), ERR_DATA, "is not a run");
    EXPECT_ERR(run_look(in(folder, "file"), &r), ERR_DATA, "is a file");
}

static void looking_at_a_run_takes_no_attempt(const Comm *c)
{
    const char *dir = in(check_folder(c, "run"), "r");
    Run         r, view;
    char        path[FILE_PATH_MAX];

    EXPECT_OK(run_open_all(c, dir, RUN_BOTH, &r));
    EXPECT_OK(run_look(dir, &view));
    EXPECT_OK(run_path(&view, path, "examples/i%04d.h5", 3));
    EXPECT(strstr(path, "/r/examples/i0003.h5") != NULL);
    EXPECT_OK(run_fence(&r, 1));
}

TEST_MAIN(CASE(attempts_are_counted), CASE(older_attempt_publishes_nothing),
          CASE(sides_that_do_not_overlap_live_together), CASE(attempt_without_words_takes_over),
          CASE(what_an_older_attempt_left_is_removed),
          CASE(what_cannot_be_a_run_is_said_once_and_clearly),
          CASE(looking_at_a_run_takes_no_attempt))
