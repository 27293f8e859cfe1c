#include "base/log.h"
#include "io/file.h"
#include "io/metrics.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static Arena arena; // one for the program, emptied between cases

static void start(void)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 64 << 20));
    arena_back(&arena, 0);
    log_show(LOG_QUIET);
}

// A folder of this rank alone.
static const char *own_folder(const Comm *c)
{
    const char *folder = arena_format(&arena, "%s/r%d", check_folder(c, "metrics"), c->rank);

    EXPECT_OK(file_make_folder(folder));
    return folder;
}

static int lines_of(const char *dir, const Json **first)
{
    int count = 0;

    EXPECT_OK(metrics_read(&arena, dir, first));
    for (const Json *line = *first; line != NULL; line = line->next)
        count++;
    return count;
}

static void append_raw(const char *dir, const char *bytes)
{
    FILE *f = fopen(arena_format(&arena, "%s/metrics.jsonl", dir), "a");

    fputs(bytes, f);
    fclose(f);
}

static void lines_come_back_in_their_order(const Comm *c)
{
    const char *dir;
    const Json *first;

    start();
    dir = own_folder(c);
    EXPECT_INT(lines_of(dir, &first), 0); // none yet
    for (int i = 0; i < 3; i++)
        EXPECT_OK(metrics_add(dir, arena_format(&arena, "{\"kind\": \"step\", \"step\": %d}", i)));
    EXPECT_INT(lines_of(dir, &first), 3);
    int i = 0;
    for (const Json *line = first; line != NULL; line = line->next, i++) {
        EXPECT_TEXT(json_member(line, "kind")->text, "step");
        EXPECT_NEAR(json_member(line, "step")->number, i, 0);
    }
}

static void torn_lines_are_left_out_and_hurt_nobody(const Comm *c)
{
    const char *dir;
    const Json *first;

    start();
    dir = own_folder(c);
    EXPECT_OK(metrics_add(dir, "{\"kind\": \"step\"}"));
    append_raw(dir, "{\"kind\": \"st");
    EXPECT_INT(lines_of(dir, &first), 1);
    EXPECT_OK(metrics_add(dir, "{\"kind\": \"eval\"}")); // begins a line of its own
    EXPECT_INT(lines_of(dir, &first), 2);
    EXPECT_TEXT(json_member(first->next, "kind")->text, "eval");
}

// All ranks add at once; every line must stay whole.
static void lines_of_several_processes_do_not_mix(const Comm *c)
{
    const char *dir = check_folder(c, "metrics");
    const Json *first;

    start();
    for (int i = 0; i < 100; i++)
        EXPECT_OK(metrics_add(dir, arena_format(&arena,
                                                "{\"kind\": \"step\", \"rank\": %d, \"x\": "
                                                "\"%0200d\"}",
                                                c->rank, i)));
    MPI_Barrier(c->mpi);
    EXPECT_INT(lines_of(dir, &first), 100 * c->size);
}

static void a_folder_that_is_missing_is_named(const Comm *c)
{
    const char *dir = check_folder(c, "metrics");

    start();
    EXPECT_ERR(metrics_add(arena_format(&arena, "%s/none", dir), "{}"), ERR_IO,
               "none/metrics.jsonl: No such file");
    if (c->rank == 0 && access("/dev/full", W_OK) == 0) {
        EXPECT(symlink("/dev/full", arena_format(&arena, "%s/metrics.jsonl", dir)) == 0);
        EXPECT_ERR(metrics_add(dir, "{}"), ERR_IO, "No space left");
    }
}

TEST_MAIN(CASE(lines_come_back_in_their_order), CASE(torn_lines_are_left_out_and_hurt_nobody),
          CASE(lines_of_several_processes_do_not_mix), CASE(a_folder_that_is_missing_is_named))
