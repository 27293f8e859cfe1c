// Named arrays in files that carry their sum.
#include "io/h5.h"
#include "io/h5_private.h"
#include "tests/check.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static const char *path_in(const Comm *c, const char *folder, const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", check_folder(c, folder), name);
    return path;
}

static float F[3][5];

static Err write_arrays(H5File *f)
{
    uint16_t u16[2] = {1, 65535};
    double   f64 = 0.1;
    float    rows[2][5] = {{9, 8, 7, 6, 5}, {4, 3, 2, 1, 0}};
    H5Array  a = {.name = "/group/inner/f32",
                  .about = "Floats.",
                  .dims = "row,column",
                  .unit = "m",
                  .kind = H5_F32,
                  .rank = 2,
                  .shape = {3, 5},
                  .data = F};
    H5Array  b = {.name = "/u16",
                  .about = "Words.",
                  .dims = "number",
                  .kind = H5_U16,
                  .rank = 1,
                  .shape = {2},
                  .data = u16};
    H5Array  s = {.name = "/scalar", .about = "One.", .dims = "", .kind = H5_F64, .data = &f64};
    H5Array  none = {
         .name = "/none", .about = "Nothing.", .dims = "number", .kind = H5_I64, .rank = 1};
    H5Array later = {.name = "/later",
                     .about = "In pieces.",
                     .dims = "row,column",
                     .kind = H5_F32,
                     .rank = 2,
                     .shape = {2, 5}};

    TRY(h5_put(f, &a));
    TRY(h5_put(f, &b));
    TRY(h5_put(f, &s));
    TRY(h5_put(f, &none));
    TRY(h5_put(f, &later));
    TRY(h5_put_rows(f, "/later", 1, 1, rows[1]));
    TRY(h5_put_rows(f, "/later", 0, 1, rows[0]));
    TRY(h5_put_rows(f, "/later", 0, 0, NULL));
    return OK;
}

static Err write_texts(H5File *f)
{
    const char *names[] = {"", "a", "größer", "a longer name"};

    TRY(h5_put_text(f, "/text", "A text.", "line\n\"two\""));
    TRY(h5_put_text(f, "/empty", "An empty text.", ""));
    TRY(h5_put_names(f, "/names/some", "Names.", names, 4));
    TRY(h5_put_names(f, "/names/none", "No names.", NULL, 0));
    TRY(h5_attr_text(f, "/", "note", "größer"));
    TRY(h5_attr_text(f, "/u16", "blank", ""));
    TRY(h5_attr_i64(f, "/u16", "number", INT64_MIN));
    return OK;
}

static Err write_file(const char *path, int64_t piece)
{
    uint64_t sum;
    int64_t  bytes;
    H5File  *f;
    Err      e;

    for (int i = 0; i < 15; i++)
        (&F[0][0])[i] = (float)i / 3;
    TRY(h5_create(path, "tandem test", 2, &f));
    f->piece = piece;
    e = write_arrays(f);
    if (e == OK)
        e = write_texts(f);
    if (e == OK)
        e = h5_seal(f, &sum, &bytes);
    if (e != OK)
        h5_abandon(f);
    return e;
}

static void expect_arrays(H5File *f, Arena *a)
{
    float   got[3][5];
    H5Array want = {
        .name = "/group/inner/f32", .kind = H5_F32, .rank = 2, .shape = {3, 5}, .data = got};
    H5Array  found;
    uint16_t u16[2];

    EXPECT_OK(h5_get(f, &want));
    EXPECT(memcmp(got, F, sizeof F) == 0);
    EXPECT_OK(h5_load(f, a, "/u16", H5_U16, 1, &found));
    memcpy(u16, found.data, sizeof u16);
    EXPECT_INT(u16[1], 65535);
    EXPECT_OK(h5_load(f, a, "/scalar", H5_F64, 0, &found));
    EXPECT(*(double *)found.data == 0.1);
    EXPECT_OK(h5_load(f, a, "/none", H5_I64, 1, &found));
    EXPECT_INT(found.shape[0], 0);
    EXPECT_OK(h5_load(f, a, "/later", H5_F32, 2, &found));
    EXPECT(((float *)found.data)[0] == 9 && ((float *)found.data)[9] == 0);
    EXPECT_OK(h5_get_rows(f, "/later", 1, 1, got));
    EXPECT(got[0][0] == 4);
}

static void expect_texts(H5File *f, Arena *a)
{
    char   *text, **names;
    int64_t number;
    int     count;

    EXPECT_OK(h5_get_text(f, a, "/text", &text, &number));
    EXPECT_TEXT(text, "line\n\"two\"");
    EXPECT_INT(number, 10);
    EXPECT_OK(h5_get_text(f, a, "/empty", &text, NULL));
    EXPECT_TEXT(text, "");
    EXPECT_OK(h5_get_names(f, a, "/names/some", &names, &count));
    EXPECT_INT(count, 4);
    EXPECT_TEXT(names[0], "");
    EXPECT_TEXT(names[2], "größer");
    EXPECT_TEXT(names[3], "a longer name");
    EXPECT_OK(h5_get_names(f, a, "/names/none", &names, &count));
    EXPECT_INT(count, 0);
    EXPECT_OK(h5_get_attr_text(f, a, "/", "note", &text));
    EXPECT_TEXT(text, "größer");
    EXPECT_OK(h5_get_attr_text(f, a, "/u16", "blank", &text));
    EXPECT_TEXT(text, "");
    EXPECT_OK(h5_get_attr_text(f, a, "/group/inner/f32", "unit", &text));
    EXPECT_TEXT(text, "m");
    EXPECT_OK(h5_get_attr_i64(f, "/u16", "number", &number));
    EXPECT(number == INT64_MIN);
}

static void arrays_and_texts_come_back_as_they_went(const Comm *c)
{
    const char *path = path_in(c, "h5", "a.h5");
    H5File     *f;
    Arena       a;
    char      **names;
    int         count;

    EXPECT_OK(arena_make(&a, "test", 1 << 24));
    EXPECT_OK(write_file(path, 1 << 30));
    EXPECT_OK(h5_open(path, "something|tandem test", 2, &f));
    expect_arrays(f, &a);
    expect_texts(f, &a);
    EXPECT(h5_has(f, "/u16") && !h5_has(f, "/names") && !h5_has(f, "/no/such") && !h5_has(f, "u"));
    EXPECT_OK(h5_list(f, &a, "/names", &names, &count));
    EXPECT_INT(count, 2);
    EXPECT_TEXT(names[1], "/names/some");
    EXPECT_OK(h5_list(f, &a, "/", &names, &count));
    EXPECT_INT(count, 9);
    EXPECT_TEXT(names[1], "/group/inner/f32");
    EXPECT_OK(h5_list(f, &a, "/absent", &names, &count));
    EXPECT_INT(count, 0);
    h5_close(f);
    arena_free(&a);
}

static void what_does_not_fit_is_refused_with_both_sides(const Comm *c)
{
    const char *path = path_in(c, "h5", "a.h5");
    float       got[16];
    H5Array     want = {.name = "/later", .kind = H5_F32, .rank = 2, .shape = {2, 4}, .data = got};
    H5File     *f;
    Arena       a;
    H5Array     found;
    char       *text, **names;
    int64_t     number;
    int         count;

    EXPECT_OK(arena_make(&a, "test", 1 << 24));
    EXPECT_OK(write_file(path, 1 << 30));
    EXPECT_OK(h5_open(path, "tandem test", 2, &f));
    EXPECT_ERR(h5_get(f, &want), ERR_DATA, "/later is f32 [2,5], where f32 [2,4] is wanted");
    EXPECT_ERR(h5_load(f, &a, "/later", H5_I32, 2, &found), ERR_DATA, "i32");
    EXPECT_ERR(h5_load(f, &a, "/absent/x", H5_I32, 2, &found), ERR_DATA, "no array /absent/x");
    EXPECT_ERR(h5_load(f, &a, "/names", H5_I32, 2, &found), ERR_DATA, "no array /names");
    EXPECT_ERR(h5_get_text(f, &a, "/u16", &text, NULL), ERR_DATA, "/u16 is not a text");
    EXPECT_ERR(h5_get_names(f, &a, "/u16", &names, &count), ERR_DATA, "not a list of names");
    EXPECT_ERR(h5_get_attr_i64(f, "/", "note", &number), ERR_DATA, "note");
    EXPECT_ERR(h5_get_attr_i64(f, "/", "absent", &number), ERR_DATA, "absent");
    EXPECT_ERR(h5_get_attr_text(f, &a, "/", "version", &text), ERR_DATA, "version");
    h5_close(f);
    EXPECT_ERR(h5_open(path, "tandem", 2, &f), ERR_DATA, "\"tandem test\", where \"tandem\"");
    EXPECT_ERR(h5_open(path, "tandem test", 1, &f), ERR_DATA, "update tandem");
    arena_free(&a);
}

static void small_transfers_give_the_same_file(const Comm *c)
{
    const char *path = path_in(c, "h5", "a.h5");
    uint64_t    one, two;
    int64_t     bytes;

    EXPECT_OK(write_file(path, 1 << 30));
    EXPECT_OK(h5_check(path, &one, &bytes));
    usleep(1100000); // a file that held the time would differ
    for (int64_t piece = 1; piece <= 64; piece *= 4) {
        EXPECT_OK(write_file(path, piece));
        EXPECT_OK(h5_check(path, &two, &bytes));
        EXPECT(one == two);
    }
}

// Reads arrays of the golden files: the other side's types and attributes.
static void a_foreign_file_is_read(const Comm *c)
{
    const char *goldens = check_goldens();
    char        path[4096], *text, **names;
    double      beta;
    int         count;
    H5File     *f;
    H5Array     found;
    Arena       a;

    (void)c;
    if (goldens == NULL)
        return;
    EXPECT_OK(arena_make(&a, "test", 1 << 26));
    snprintf(path, sizeof path, "%s/gpt2/golden.h5", goldens);
    EXPECT_OK(h5_open_foreign(path, &f));
    EXPECT_OK(h5_get_attr_text(f, &a, "/", "model", &text));
    EXPECT_TEXT(text, "gpt2");
    EXPECT_OK(h5_get_attr_f64(f, "/adamw", "beta1", &beta, 1));
    EXPECT_NEAR(beta, 0.9, 0);
    EXPECT_ERR(h5_get_attr_f64(f, "/adamw", "beta1", &beta, 2), ERR_DATA, "beta1");
    EXPECT_OK(h5_list(f, &a, "/", &names, &count));
    EXPECT(count > 10);
    for (int i = 0; i < count; i++) {
        H5Array shape = {0};

        EXPECT_OK(h5_shape(f, names[i], &shape));
        EXPECT_OK(h5_load(f, &a, names[i], shape.kind, shape.rank, &found));
        check_compared(1);
    }
    h5_close(f);
    EXPECT_ERR(h5_open(path, "tandem test", 1, &f), ERR_DATA, "Tandem did not write");
    EXPECT_ERR(h5_open_foreign("absent.h5", &f), ERR_IO, "absent.h5");
    EXPECT_ERR(h5_open_foreign("/proc/self/status", &f), ERR_DATA, "opening as HDF5");
    arena_free(&a);
}

static void spoil(const char *path, int64_t at, const void *bytes, size_t count)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0644);

    EXPECT(fd >= 0 && pwrite(fd, bytes, count, at) == (ssize_t)count);
    close(fd);
}

static void every_kind_of_damage_has_its_own_words(const Comm *c)
{
    const char *path = path_in(c, "h5", "a.h5");
    H5File     *f;
    char        zeros[512] = {0};

    EXPECT_ERR(h5_open(path, "tandem test", 2, &f), ERR_IO, "No such file");
    spoil(path, 0, "", 0);
    EXPECT_ERR(h5_open(path, "tandem test", 2, &f), ERR_DATA, "is empty");
    spoil(path, 0, zeros, 512);
    EXPECT_ERR(h5_open(path, "tandem test", 2, &f), ERR_DATA, "never finished");
    spoil(path, 0, "PK\3\4 and so on", 14);
    EXPECT_ERR(h5_open(path, "tandem test", 2, &f), ERR_DATA, "not a file of Tandem's");
    spoil(path, 0, "TANDEM2 ", 8);
    EXPECT_ERR(h5_open(path, "tandem test", 2, &f), ERR_DATA, "update tandem");
    EXPECT_OK(write_file(path, 1 << 30));
    spoil(path, 40, "1", 1);
    EXPECT_ERR(h5_open(path, "tandem test", 2, &f), ERR_DATA, "");
    EXPECT_OK(write_file(path, 1 << 30));
    spoil(path, 511, "x", 1);
    EXPECT_ERR(h5_open(path, "tandem test", 2, &f), ERR_DATA, "first 512 bytes");
    EXPECT_OK(write_file(path, 1 << 30));
    spoil(path, file_bytes(path), "x", 1);
    EXPECT_ERR(h5_open(path, "tandem test", 2, &f), ERR_DATA, "has grown");
    EXPECT(truncate(path, 3000) == 0);
    EXPECT_ERR(h5_open(path, "tandem test", 2, &f), ERR_DATA, "truncated");
    EXPECT(truncate(path, 300) == 0);
    EXPECT_ERR(h5_open(path, "tandem test", 2, &f), ERR_DATA, "truncated");
}

static void a_flipped_bit_anywhere_is_found(const Comm *c)
{
    const char *path = path_in(c, "h5", "a.h5");
    H5File     *f;
    int64_t     bytes;
    int         missed = 0;

    EXPECT_OK(write_file(path, 1 << 30));
    bytes = file_bytes(path);
    for (int64_t at = 0; at < bytes; at += at < 600 ? 1 : 37) {
        char old, new;
        int  fd = open(path, O_RDWR);

        EXPECT(pread(fd, &old, 1, at) == 1);
        new = (char)(old ^ (1 << (at % 8)));
        EXPECT(pwrite(fd, &new, 1, at) == 1);
        if (h5_open(path, "tandem test", 2, &f) == OK) {
            h5_close(f);
            missed++;
        }
        err_forget();
        EXPECT(pwrite(fd, &old, 1, at) == 1);
        close(fd);
    }
    EXPECT_INT(missed, 0);
    EXPECT_OK(h5_open(path, "tandem test", 2, &f));
    h5_close(f);
}

static Err write_view(const char *path, int64_t rows)
{
    H5Source sources[] = {{"sub/a.h5", "/later", 2},
                          {NULL, NULL, 3},
                          {"sub/none.h5", "/later", 0},
                          {"sub/b.h5", "/later", 2}};
    H5Array  a = {.name = "/view",
                  .about = "Rows.",
                  .dims = "row,column",
                  .kind = H5_F32,
                  .rank = 2,
                  .shape = {rows, 5}};
    uint64_t sum;
    int64_t  bytes;
    H5File  *f;

    TRY(h5_create(path, "tandem test", 1, &f));
    TRY(h5_put_view(f, &a, sources, rows > 0 ? 4 : 0));
    TRY(h5_seal(f, &sum, &bytes));
    return OK;
}

// Our own reader takes no views, since HDF5 does not tell when a source is missing; people see it
// with other programs, as here through the door for foreign files.
static void a_view_shows_rows_of_other_files(const Comm *c)
{
    const char *folder = check_folder(c, "h5view");
    char        path[512];
    float       rows[7][5];
    H5File     *f;
    Arena       a;
    H5Array     found;

    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    snprintf(path, sizeof path, "%s/sub", folder);
    EXPECT_OK(file_make_folder(path));
    snprintf(path, sizeof path, "%s/sub/a.h5", folder);
    EXPECT_OK(write_file(path, 1 << 30));
    snprintf(path, sizeof path, "%s/sub/b.h5", folder);
    EXPECT_OK(write_file(path, 1 << 30));
    snprintf(path, sizeof path, "%s/view.h5", folder);
    EXPECT_OK(write_view(path, 0));
    EXPECT_OK(write_view(path, 7));
    EXPECT_OK(h5_open(path, "tandem test", 1, &f));
    EXPECT_ERR(h5_load(f, &a, "/view", H5_F32, 2, &found), ERR_DATA, "a view");
    h5_close(f);
    EXPECT_OK(h5_open_foreign(path, &f));
    EXPECT_OK(h5_get_rows(f, "/view", 0, 7, rows));
    EXPECT(rows[0][0] == 9 && rows[6][3] == 1 && isnan(rows[2][0]) && isnan(rows[4][4]));
    h5_close(f);
    arena_free(&a);
}

static void an_array_that_was_never_written_is_found(const Comm *c)
{
    const char *path = path_in(c, "h5", "a.h5");
    H5Array     a = {
            .name = "/a", .about = "Reserved.", .dims = "n", .kind = H5_F32, .rank = 1, .shape = {9}};
    float    got[9];
    uint64_t sum;
    int64_t  bytes;
    H5File  *f;

    EXPECT_OK(h5_create(path, "tandem test", 1, &f));
    EXPECT_OK(h5_put(f, &a));
    EXPECT_OK(h5_seal(f, &sum, &bytes));
    EXPECT_OK(h5_open(path, "tandem test", 1, &f));
    a.data = got;
    EXPECT_ERR(h5_get(f, &a), ERR_DATA, "not complete");
    h5_close(f);
}

static void a_long_attribute_is_refused(const Comm *c)
{
    static char long_text[70001];
    const char *path = path_in(c, "h5", "a.h5");
    H5File     *f;

    memset(long_text, 'x', 70000);
    EXPECT_OK(h5_create(path, "tandem test", 1, &f));
    EXPECT_ERR(h5_attr_text(f, "/", "long", long_text), ERR_DATA, "70000 bytes");
    h5_abandon(f);
    EXPECT(!file_exists(path));
    EXPECT_ERR(h5_create("absent/a.h5", "tandem test", 1, &f), ERR_IO, "absent/a.h5");
}

static Err write_much(const char *path, int64_t count)
{
    static float block[1 << 20];
    H5Array      a = {.name = "/a",
                      .about = "Much.",
                      .dims = "n",
                      .kind = H5_F32,
                      .rank = 1,
                      .shape = {count},
                      .data = block};
    uint64_t     sum;
    int64_t      bytes;
    H5File      *f;
    Err          e;

    TRY(h5_create(path, "tandem test", 1, &f));
    e = h5_put(f, &a);
    if (e == OK)
        e = h5_seal(f, &sum, &bytes);
    if (e != OK)
        h5_abandon(f);
    return e;
}

// On a file system of 1 MiB: every size that does not fit fails, and leaves its space behind.
static void a_full_disk_is_told_and_its_space_is_given_back(const Comm *c)
{
    const char *folder = check_folder(c, "h5full");
    char        path[512];
    int         failed = 0;

    if (mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0) {
        check_skip("mounting a small file system needs root");
        return;
    }
    snprintf(path, sizeof path, "%s/a.h5", folder);
    for (int64_t count = 256 << 10; count >= 240 << 10; count -= 256) {
        int64_t free_before = file_space(path);
        Err     e = write_much(path, count);

        failed += e != OK;
        if (e != OK)
            EXPECT_ERR(e, ERR_IO, "o space");
        EXPECT_INT(file_exists(path), e == OK);
        unlink(path);
        EXPECT_INT(file_space(path), free_before);
    }
    EXPECT(failed > 1);
    EXPECT_OK(write_much(path, 1 << 10));
    unlink(path);
    EXPECT(umount2(folder, MNT_DETACH) == 0);
}

TEST_MAIN(CASE(arrays_and_texts_come_back_as_they_went),
          CASE(what_does_not_fit_is_refused_with_both_sides),
          CASE(small_transfers_give_the_same_file), CASE(a_foreign_file_is_read),
          CASE(every_kind_of_damage_has_its_own_words), CASE(a_flipped_bit_anywhere_is_found),
          CASE(a_view_shows_rows_of_other_files), CASE(an_array_that_was_never_written_is_found),
          CASE(a_long_attribute_is_refused), CASE(a_full_disk_is_told_and_its_space_is_given_back))
