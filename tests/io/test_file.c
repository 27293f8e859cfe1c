#include "base/hash.h"
#include "io/file.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static Arena arena; // one for the program, emptied between cases

static void start(void)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 64 << 20));
    arena_back(&arena, 0);
}

static const char *in(const char *folder, const char *name)
{
    return arena_format(&arena, "%s/%s", folder, name);
}

static int files_in(const char *folder)
{
    char **names;
    int    count;

    EXPECT_OK(file_list(&arena, folder, &names, &count));
    return count;
}

static void published_bytes_are_read_back(const Comm *c)
{
    const char *folder = check_folder(c, "file"), *path;
    char        bytes[100000], *data;
    int64_t     length;

    start();
    path = in(folder, "x");
    for (int i = 0; i < (int)sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 300);
    for (int64_t size = 0; size <= (int64_t)sizeof bytes; size += size < 2 ? 1 : 49999) {
        EXPECT_OK(file_publish(path, "t", bytes, size));
        EXPECT_OK(file_read(&arena, path, 1 << 20, &data, &length));
        EXPECT_INT(length, size);
        EXPECT(memcmp(data, bytes, (size_t)size) == 0 && data[size] == 0);
    }
    EXPECT_INT(files_in(folder), 1); // no temporary file is left
}

static void sum_is_that_of_the_bytes(const Comm *c)
{
    const char *folder = check_folder(c, "file");
    char        bytes[70000];
    uint64_t    sum;
    int64_t     length;

    start();
    memset(bytes, 'x', sizeof bytes);
    bytes[100] = 'y';
    EXPECT_OK(file_publish(in(folder, "x"), "t", bytes, (int64_t)sizeof bytes));
    EXPECT_OK(file_sum(in(folder, "x"), 0, &sum, &length));
    EXPECT_INT(length, (int64_t)sizeof bytes);
    EXPECT(sum == hash_bytes(0, bytes, (int64_t)sizeof bytes));
    EXPECT_OK(file_sum(in(folder, "x"), 100, &sum, &length));
    EXPECT(sum == hash_bytes(0, bytes + 100, (int64_t)sizeof bytes - 100));
    EXPECT_OK(file_sum(in(folder, "x"), 70000, &sum, &length));
    EXPECT_INT(length, 0);
    EXPECT_ERR(file_sum(in(folder, "none"), 0, &sum, &length), ERR_IO, "none: No such file");
}

static void join_puts_one_slash_and_refuses_what_is_too_long(const Comm *c)
{
    char out[FILE_PATH_MAX], name[FILE_PATH_MAX];

    EXPECT_OK(file_join(out, "a", "b"));
    EXPECT_TEXT(out, "a/b");
    EXPECT_OK(file_join(out, "a/", "b"));
    EXPECT_TEXT(out, "a/b");
    EXPECT_OK(file_join(out, "", "b"));
    EXPECT_TEXT(out, "b");
    memset(name, 'n', sizeof name);
    name[FILE_PATH_MAX - 2] = 0;
    EXPECT_ERR(file_join(out, "a", name), ERR_CONFIG, "4095 bytes");
    (void)c;
}

static void folders_are_made_with_their_parents(const Comm *c)
{
    const char *folder = check_folder(c, "file");
    struct stat s;

    start();
    EXPECT_OK(file_make_folder(in(folder, "a/b/c/")));
    EXPECT_OK(file_make_folder(in(folder, "a/b")));
    EXPECT(stat(in(folder, "a/b/c"), &s) == 0 && S_ISDIR(s.st_mode));
    EXPECT_OK(file_publish(in(folder, "file"), "t", "x", 1));
    EXPECT_ERR(file_make_folder(in(folder, "file")), ERR_IO, "a file has that name");
    EXPECT_ERR(file_make_folder(in(folder, "file/below")), ERR_IO, "a file has that name");
    EXPECT_ERR(file_make_folder("/proc/tandem"), ERR_IO, "making the folder /proc/tandem");
}

static void list_is_sorted_and_empty_for_nothing(const Comm *c)
{
    const char *folder = check_folder(c, "file");
    char      **names, name[16];
    int         count;

    start();
    EXPECT_INT(files_in(folder), 0);
    EXPECT_INT(files_in(in(folder, "none")), 0);
    for (int i = 29; i >= 0; i--) {
        snprintf(name, sizeof name, "n%02d", i);
        EXPECT_OK(file_publish(in(folder, name), "t", name, 3));
    }
    EXPECT_OK(file_list(&arena, folder, &names, &count));
    EXPECT_INT(count, 30);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "n%02d", i);
        EXPECT_TEXT(names[i], name);
    }
    EXPECT_ERR(file_list(&arena, in(folder, "n00"), &names, &count), ERR_IO, "Not a directory");
}

static void reading_says_what_is_wrong(const Comm *c)
{
    const char *folder = check_folder(c, "file");
    char       *data;
    int64_t     length;

    start();
    EXPECT_OK(file_publish(in(folder, "x"), "t", "12345", 5));
    EXPECT_OK(file_read(&arena, in(folder, "x"), 5, &data, &length));
    EXPECT_ERR(file_read(&arena, in(folder, "x"), 4, &data, &length), ERR_DATA, "has 5 bytes");
    EXPECT_ERR(file_read(&arena, in(folder, "y"), 4, &data, &length), ERR_IO, "y: No such file");
    EXPECT_ERR(file_read(&arena, folder, 4, &data, &length), ERR_IO, "is a folder");
    EXPECT(mkfifo(in(folder, "pipe"), 0600) == 0);
    EXPECT_ERR(file_read(&arena, in(folder, "pipe"), 4, &data, &length), ERR_IO, "a pipe");
    EXPECT_INT(file_bytes(in(folder, "x")), 5);
    EXPECT_INT(file_bytes(in(folder, "y")), -1);
    EXPECT(file_exists(in(folder, "x")) && !file_exists(in(folder, "y")));
    EXPECT(file_space(in(folder, "x")) > 0);
    EXPECT_OK(file_remove(in(folder, "x")));
    EXPECT_OK(file_remove(in(folder, "x")));
    EXPECT(!file_exists(in(folder, "x")));
}

static void publishing_where_it_cannot_be_leaves_nothing(const Comm *c)
{
    const char *folder = check_folder(c, "file");

    start();
    EXPECT_ERR(file_publish(in(folder, "none/x"), "t", "1", 1), ERR_IO, "No such file");
    EXPECT(mkdir(in(folder, "taken"), 0755) == 0);
    EXPECT_ERR(file_publish(in(folder, "taken"), "t", "1", 1), ERR_IO, "taken: Is a directory");
    EXPECT_INT(files_in(folder), 1); // only "taken": the temporary file is gone
    EXPECT_ERR(file_sync(in(folder, "x")), ERR_IO, "opening");
    EXPECT_ERR(file_move(in(folder, "x"), in(folder, "y")), ERR_IO, "No such file");
}

// A symbolic link of the temporary name must not lead elsewhere.
static void temporary_name_is_not_followed(const Comm *c)
{
    const char *folder = check_folder(c, "file");

    start();
    EXPECT_OK(file_publish(in(folder, "victim"), "t", "whole", 5));
    EXPECT(symlink("victim", in(folder, "x.part-t")) == 0);
    EXPECT_OK(file_publish(in(folder, "x"), "t", "other", 5));
    EXPECT_INT(file_bytes(in(folder, "victim")), 5);
    char   *data;
    int64_t length;
    EXPECT_OK(file_read(&arena, in(folder, "victim"), 99, &data, &length));
    EXPECT_TEXT(data, "whole");
}

TEST_MAIN(CASE(published_bytes_are_read_back), CASE(sum_is_that_of_the_bytes),
          CASE(join_puts_one_slash_and_refuses_what_is_too_long),
          CASE(folders_are_made_with_their_parents), CASE(list_is_sorted_and_empty_for_nothing),
          CASE(reading_says_what_is_wrong), CASE(publishing_where_it_cannot_be_leaves_nothing),
          CASE(temporary_name_is_not_followed))
