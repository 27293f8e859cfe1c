// Publishes while the n-th call of the system fails, for every n: the target must be whole, old or
// new, and a failure must be told.  Needs the fault shim of ../shared/tools; skipped without it.
//
// The program starts itself below the shim with the argument "child".
#include "io/file.h"
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 100000, CALLS_MAX = 20 };

static char old_bytes[BYTES], new_bytes[BYTES];

static void fill(void)
{
    memset(old_bytes, 'o', BYTES);
    memset(new_bytes, 'n', BYTES);
}

static int run_child(const char *path)
{
    fill();
    return err_exit_code(file_publish(path, "t", new_bytes, BYTES));
}

static int run_program(const char *shim, char *const *args, const char *act, int n)
{
    char  number[16];
    int   status = 0;
    pid_t child = fork();

    if (child == 0) {
        snprintf(number, sizeof number, "%d", n);
        if (shim != NULL) {
            setenv("LD_PRELOAD", shim, 1);
            setenv("FS_PATH", "faults.", 1);
            setenv("FS_N", number, 1);
            setenv("FS_ACT", act, 1);
        }
        execvp(args[0], args);
        _exit(127);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static const char *build_shim(const char *folder)
{
    static char so[300], source[300];
    const char *sources = getenv("TANDEM_TOOLS");
    char       *args[] = {"cc", "-O1", "-shared", "-fPIC", "-o", so, source, "-ldl", NULL};

    snprintf(so, sizeof so, "%s/../faultshim.so", folder);
    snprintf(source, sizeof source, "%s/shim/faultshim.c", sources != NULL ? sources : TD_TOOLS);
    if (access(source, R_OK) != 0 || run_program(NULL, args, "", 0) != 0) {
        check_skip("no fault shim");
        return NULL;
    }
    return so;
}

static char first_of(const char *path, Arena *arena)
{
    char   *data;
    int64_t length, mark = arena_mark(arena);
    char    first;

    EXPECT_OK(file_read(arena, path, BYTES, &data, &length));
    EXPECT_INT(length, BYTES);
    first = data[0];
    EXPECT(memcmp(data, first == 'o' ? old_bytes : new_bytes, BYTES) == 0);
    arena_back(arena, mark);
    return first;
}

// How often the publish was broken; goes on until a publish makes fewer than n calls.
static int sweep(const char *shim, const char *folder, const char *act, int outcome)
{
    char  path[300], program[4096];
    char *args[] = {program, "child", path, NULL};
    Arena arena;
    int   n, code = -1;

    program[readlink("/proc/self/exe", program, sizeof program - 1)] = 0;
    EXPECT_OK(arena_make(&arena, "test", 4 << 20));
    snprintf(path, sizeof path, "%s/x", folder);
    for (n = 1; n < CALLS_MAX && code != 0; n++) {
        EXPECT_OK(file_publish(path, "t", old_bytes, BYTES));
        code = run_program(shim, args, act, n);
        EXPECT(code == 0 || code == outcome);
        char first = first_of(path, &arena);
        EXPECT(code != 0 || first == 'n'); // who says OK has done it
        if (outcome > 0) {
            char **names;
            int    count;
            EXPECT_OK(file_list(&arena, folder, &names, &count));
            EXPECT_INT(count, 1); // no temporary file is left
        } else {
            EXPECT_OK(file_remove(arena_format(&arena, "%s.part-t", path)));
        }
    }
    arena_free(&arena);
    return n - 2;
}

static void failed_publish_leaves_the_old_file(const Comm *c)
{
    const char *folder = check_folder(c, "faults"), *shim = build_shim(folder);

    fill();
    if (shim == NULL)
        return;
    int broken = sweep(shim, folder, "EIO", err_exit_code(ERR_IO));
    EXPECT(broken >= 4); // write, fsync, rename, fsync of the folder
    EXPECT_INT(sweep(shim, folder, "ENOSPC", err_exit_code(ERR_IO)), broken);
    check_compared(2 * broken);
}

static void killed_publish_leaves_a_whole_file(const Comm *c)
{
    const char *folder = check_folder(c, "faults"), *shim = build_shim(folder);

    fill();
    if (shim == NULL)
        return;
    int broken = sweep(shim, folder, "KILL", -9);
    EXPECT(broken >= 4);
    check_compared(broken);
}

static void short_and_interrupted_writes_are_continued(const Comm *c)
{
    const char *folder = check_folder(c, "faults"), *shim = build_shim(folder);
    char        path[300], program[4096];
    char       *args[] = {program, "child", path, NULL};

    fill();
    if (shim == NULL)
        return;
    program[readlink("/proc/self/exe", program, sizeof program - 1)] = 0;
    snprintf(path, sizeof path, "%s/x", folder);
    EXPECT_INT(run_program(shim, args, "SHORT", 1), 0);
    EXPECT_INT(run_program(shim, args, "EINTR", 1), 0);
    EXPECT_INT(file_bytes(path), BYTES);
}

int main(int argc, char **argv)
{
    static const Case cases[] = {CASE(failed_publish_leaves_the_old_file),
                                 CASE(killed_publish_leaves_a_whole_file),
                                 CASE(short_and_interrupted_writes_are_continued)};

    if (argc == 3 && strcmp(argv[1], "child") == 0)
        return run_child(argv[2]);
    return check_main(argc, argv, cases, 3);
}
