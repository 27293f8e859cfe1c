#include "base/rng.h"
#include "io/file.h"
#include "io/formats/safetensors.h"
#include "tests/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static Arena *room(void)
{
    static Arena arena;

    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 64 << 20));
    return &arena;
}

// ---- making files

static void put_file(const char *path, const void *bytes, int64_t length)
{
    FILE *f = fopen(path, "wb");

    EXPECT(f != NULL && fwrite(bytes, 1, (size_t)length, f) == (size_t)length);
    fclose(f);
}

// Size, header, and `data` bytes of which byte i is i; `says` is the size that is written.
static int64_t compose(unsigned char *out, const char *header, int64_t data, uint64_t says)
{
    int64_t length = (int64_t)strlen(header);

    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(says >> 8 * i);
    memcpy(out + 8, header, (size_t)length);
    for (int64_t i = 0; i < data; i++)
        out[8 + length + i] = (unsigned char)i;
    return 8 + length + data;
}

static void make_file(const char *path, const char *header, int64_t data)
{
    static unsigned char bytes[1 << 16];

    put_file(path, bytes, compose(bytes, header, data, strlen(header)));
}

static const char *path_in(const Comm *c, const char *name)
{
    static char path[400];

    snprintf(path, sizeof path, "%s/%s", check_folder(c, "safe"), name);
    return path;
}

// ---- ours

static void safetensors_reads_what_it_should(const Comm *c)
{
    static const unsigned char data[] = {0,    0,    0x80, 0x3F, 0, 0, 0, 0xC0, // f32 1, -2
                                         0x80, 0x3F, 0x20, 0xC0,                // bf16 1, -2.5
                                         0x00, 0x3C, 0x00, 0xC2};               // f16 1, -3
    const char                *header =
        "{\"__metadata__\": {\"format\": \"pt\"}, \"b\": {\"dtype\": \"BF16\", "
        "\"shape\": [2, 1], \"data_offsets\": [8, 12]}, \"a\": {\"dtype\": \"F32\", "
        "\"shape\": [2], \"data_offsets\": [0, 8]}, \"h\": {\"dtype\": \"F16\", "
        "\"shape\": [1, 2], \"data_offsets\": [12, 16]}, \"none\": {\"dtype\": "
        "\"F32\", \"shape\": [0, 7], \"data_offsets\": [16, 16]}}    ";
    const char       *path = path_in(c, "model.safetensors");
    unsigned char     file[1000];
    float             out[2];
    SafeFolder        f;
    const SafeTensor *t;

    compose(file, header, 16, strlen(header));
    memcpy(file + 8 + strlen(header), data, 16);
    put_file(path, file, 8 + (int64_t)strlen(header) + 16);
    EXPECT_OK(safetensors_open_file(room(), path, &f));
    EXPECT_INT(f.count, 4);
    EXPECT_TEXT(f.tensor[0].name, "a");
    EXPECT_TEXT(f.tensor[3].name, "none");
    EXPECT(safetensors_find(&f, "c") == NULL);
    EXPECT_OK(safetensors_read(&f, safetensors_find(&f, "a"), out));
    EXPECT(out[0] == 1 && out[1] == -2);
    t = safetensors_find(&f, "b");
    EXPECT_INT(t->rank, 2);
    EXPECT_INT(t->shape[0], 2);
    EXPECT_OK(safetensors_read(&f, t, out));
    EXPECT(out[0] == 1 && out[1] == -2.5f);
    EXPECT_OK(safetensors_read(&f, safetensors_find(&f, "h"), out));
    EXPECT(out[0] == 1 && out[1] == -3);
    EXPECT_OK(safetensors_read(&f, safetensors_find(&f, "none"), out));
    EXPECT_OK(safetensors_open(room(), "safe.1", &f));
    EXPECT_INT(f.count, 4);
}

static double half_value(uint32_t half)
{
    int    exponent = (int)(half >> 10 & 0x1F);
    double value = exponent == 31  ? (half & 0x3FF ? (double)NAN : (double)INFINITY)
                   : exponent == 0 ? ldexp(half & 0x3FF, -24)
                                   : ldexp((half & 0x3FF) | 0x400, exponent - 25);

    return half & 0x8000 ? -value : value;
}

static void safetensors_widens_every_f16_exactly(const Comm *c)
{
    enum { ALL = 65536 };
    static unsigned char file[200 + 2 * ALL];
    static float         out[ALL];
    const char *header = "{\"h\": {\"dtype\": \"F16\", \"shape\": [65536], \"data_offsets\": "
                         "[0, 131072]}}";
    const char *path = path_in(c, "half");
    int64_t     at = 8 + (int64_t)strlen(header), wrong = 0;
    SafeFolder  f;

    compose(file, header, 0, strlen(header));
    for (int64_t i = 0; i < ALL; i++) {
        file[at + 2 * i] = (unsigned char)(i & 0xFF);
        file[at + 2 * i + 1] = (unsigned char)(i >> 8);
    }
    put_file(path, file, at + 2 * (int64_t)ALL);
    EXPECT_OK(safetensors_open_file(room(), path, &f));
    EXPECT_OK(safetensors_read(&f, &f.tensor[0], out));
    for (uint32_t i = 0; i < ALL; i++) {
        double want = half_value(i);
        wrong +=
            isnan(want) ? !isnan(out[i]) : out[i] != (float)want || !signbit(out[i]) != !(i >> 15);
    }
    EXPECT_INT(wrong, 0);
}

// ---- hostile files

#define T(dtype, shape, begin, end) \
    "{\"dtype\": \"" dtype "\", \"shape\": " shape ", \"data_offsets\": [" #begin ", " #end "]}"

static void safetensors_refuses_hostile_headers(const Comm *c)
{
    static const char *const bad[][2] = {
        // with 16 bytes of data each
        {"{\"a\": " T("F32", "[4194305, 4194305, 211106198978564]", 0, 16) "}",
         "more elements than can be counted"},
        {"{\"a\": " T("F32", "[2305843009213693953]", 0, 16) "}", "expected a whole number"},
        {"{\"a\": " T("F32", "[4503599627370496, 1024]", 0, 16) "}", "do not take the 16 bytes"},
        {"{\"a\": " T("F32", "[-4]", 0, 16) "}", "expected a whole number from 0"},
        {"{\"a\": " T("F32", "[3]", 0, 16) "}", "3 elements of 32 bits do not take the 16 bytes"},
        {"{\"a\": " T("F32", "[1.5]", 0, 16) "}", "found 1.5"},
        {"{\"a\": " T("F32", "[1,1,1,1,1,1,1,1,4]", 0, 16) "}", "at most 8 axes"},
        {"{\"a\": " T("F4", "[3]", 0, 16) "}", "do not take"},
        {"{\"a\": " T("F33", "[4]", 0, 16) "}", "found \"F33\""},
        {"{\"a\": " T("F32", "[4]", 16, 0) "}", "data_offsets that rise"},
        {"{\"a\": " T("F32", "[5]", 0, 20) "}", "found [0, 20]; the file may be cut"},
        {"{\"a\": " T("F32", "[2]", 0, 8) "}", "expected 8 bytes of data, found 16"},
        {"{\"a\": " T("F32", "[1]", 0, 4) ", \"b\": " T("F32", "[2]", 8, 16) "}", "leave a hole"},
        {"{\"a\": " T("F32", "[2]", 8, 16) "}", "leave a hole"},
        {"{\"a\": " T("F32", "[3]", 0, 12) ", \"b\": " T("F32", "[2]", 8, 16) "}",
         "tensor b: expected its data at byte 12 of the data, found 8: tensors overlap"},
        {"{\"a\": " T("F32", "[4]", 0, 16) ", \"b\": " T("F32", "[4]", 0, 16) "}", "overlap"},
        {"{\"a\": " T("F32", "[4]", 0, 16) ", \"z\": " T("F32", "[0]", 8, 8) "}", "overlap"},
        {"{\"a\": " T("F32", "[2]", 0, 8) ", \"a\": " T("F32", "[2]", 8, 16) "}",
         "found \"a\" again"},
        {"{\"a\": 7}", "tensor a: expected an object"},
        {"{\"a\": {\"shape\": [4], \"data_offsets\": [0, 16]}}", "\"a.dtype\", which is missing"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [4], \"data_offsets\": [0]}}",
         "two data_offsets, found 1"},
        {"{\"\": " T("F32", "[4]", 0, 16) "}", "tensor names of 1 to 512 bytes"},
        {"{\"__metadata__\": 3}", "an object as __metadata__"},
        {"{}", "expected 0 bytes of data, found 16"},
        {"[]", "expected '{' as byte 8, found 0x5b"},
        {"{\"a\": // x\n" T("F32", "[4]", 0, 16) "}", "found '/'"},
        {" {}", "found 0x20"},
    };
    const char *path = path_in(c, "bad");
    SafeFolder  f;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make_file(path, bad[i][0], 16);
        EXPECT_ERR(safetensors_open_file(room(), path, &f), ERR_DATA, bad[i][1]);
        EXPECT_ERR(safetensors_open_file(room(), path, &f), ERR_DATA, path);
    }
}

static void safetensors_refuses_wrong_header_sizes(const Comm *c)
{
    const char    *header = "{\"a\": " T("F32", "[4]", 0, 16) "}", *path = path_in(c, "size");
    const uint64_t sizes[] = {0, 1, strlen(header) + 17, 1u << 30, UINT64_MAX, (uint64_t)1 << 63};
    unsigned char  file[300];
    SafeFolder     f;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put_file(path, file, compose(file, header, 16, sizes[i]));
        EXPECT_ERR(safetensors_open_file(room(), path, &f), ERR_DATA, "header of 2 to");
    }
    put_file(path, file, compose(file, header, 16, strlen(header) - 1));
    EXPECT_ERR(safetensors_open_file(room(), path, &f), ERR_DATA, "the end of the text");
    put_file(path, file, compose(file, header, 16, strlen(header) + 3));
    EXPECT_ERR(safetensors_open_file(room(), path, &f), ERR_DATA, "found the control character");
}

static void safetensors_refuses_every_cut(const Comm *c)
{
    const char   *header = "{\"a\": " T("F32", "[4]", 0, 16) "}", *path = path_in(c, "cut");
    unsigned char file[300];
    float         out[4];
    int64_t       all = compose(file, header, 16, strlen(header));
    SafeFolder    f;

    for (int64_t bytes = 0; bytes < all; bytes++) {
        put_file(path, file, bytes);
        EXPECT_ERR(safetensors_open_file(room(), path, &f), ERR_DATA, path);
    }
    put_file(path, file, all);
    EXPECT_OK(safetensors_open_file(room(), path, &f));
    put_file(path, file, all - 1);
    EXPECT_ERR(safetensors_read(&f, &f.tensor[0], out), ERR_DATA, "it was cut while it was read");
}

static void safetensors_says_what_is_no_file(const Comm *c)
{
    const char *folder = check_folder(c, "safe");
    SafeFolder  f;

    EXPECT_ERR(safetensors_open(room(), folder, &f), ERR_IO, "found neither");
    EXPECT_ERR(safetensors_open_file(room(), folder, &f), ERR_IO, "a plain file");
    EXPECT_ERR(safetensors_open_file(room(), "safe.1/none", &f), ERR_IO, "cannot be opened");
}

static void safetensors_holds_other_types_but_does_not_read_them(const Comm *c)
{
    const char *path = path_in(c, "other");
    float       out[8];
    SafeFolder  f;

    make_file(path, "{\"i\": " T("I64", "[2]", 0, 16) "}", 16);
    EXPECT_OK(safetensors_open_file(room(), path, &f));
    EXPECT_INT(f.tensor[0].kind, SAFE_OTHER);
    EXPECT_ERR(safetensors_read(&f, &f.tensor[0], out), ERR_DATA,
               "tensor i: expected values of type");
}

static void safetensors_survives_mutated_headers(const Comm *c)
{
    const char *header = "{\"__metadata__\": {\"format\": \"pt\"}, \"a\": " T(
        "F32", "[2]", 0, 8) ", "
                            "\"b\": " T("F16", "[2, 2]", 8, 16) "}";
    const char *path = path_in(c, "fuzz");
    int64_t     refused = 0;

    for (uint32_t i = 0; i < 3000; i++) {
        unsigned char file[400];
        ArenaMark     mark = arena_mark(room());
        Rng           r = rng_make(1, rng_stream("safe", 0, 0, 0), i);
        int64_t       bytes = compose(file, header, 16, strlen(header));
        SafeFolder    f;

        for (int k = 0; k < 3; k++)
            file[rng_below(&r, (uint64_t)bytes - 16)] =
                (unsigned char)(k == 0 ? rng_below(&r, 256) : '0' + rng_below(&r, 10));
        put_file(path, file, bytes);
        refused += safetensors_open_file(room(), path, &f) != OK;
        err_forget();
        arena_back(room(), mark);
    }
    EXPECT(refused > 2000);
}

// ---- several files

static void put_index(const char *folder, const char *map)
{
    char path[400], text[1000];

    snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
    snprintf(text, sizeof text, "{\"metadata\": {}, \"weight_map\": %s}", map);
    put_file(path, text, (int64_t)strlen(text));
}

static void safetensors_checks_an_index_against_its_files(const Comm *c)
{
    static const char *const bad[][2] = {
        {"{\"a\": \"s1\"}", "expected every tensor of the files in weight_map, found 1 of 2"},
        {"{\"a\": \"s1\", \"b\": \"s1\", \"c\": \"s1\"}",
         "expected tensor c in s1, it is not there"},
        {"{\"a\": \"s1\", \"b\": \"s2\", \"c\": \"s2\"}", "tensor b is also in"},
        {"{\"a\": \"s3\", \"b\": \"s1\", \"d\": \"s3\"}", "expected tensor a in s3"},
        {"{\"a\": \"../safe/s1\"}", "expected the name of a file beside it"},
        {"{\"a\": \"..\"}", "expected the name of a file beside it"},
        {"{\"a\": 1}", "expected the name of a file beside it"},
        {"{}", "1 to 65536 tensors"},
        {"[]", "expected an object as weight_map"},
    };
    char       folder[300], path[400];
    SafeFolder f;
    float      out[4];

    snprintf(folder, sizeof folder, "%s", check_folder(c, "safe"));
    snprintf(path, sizeof path, "%s/s1", folder);
    make_file(path, "{\"a\": " T("F32", "[2]", 0, 8) ", \"b\": " T("F32", "[2]", 8, 16) "}", 16);
    snprintf(path, sizeof path, "%s/s2", folder);
    make_file(path, "{\"b\": " T("F32", "[2]", 0, 8) ", \"c\": " T("F32", "[2]", 8, 16) "}", 16);
    snprintf(path, sizeof path, "%s/s3", folder);
    make_file(path, "{\"d\": " T("F32", "[4]", 0, 16) "}", 16);
    put_index(folder, "{\"a\": \"s1\", \"d\": \"s3\", \"b\": \"s1\"}");
    EXPECT_OK(safetensors_open(room(), folder, &f));
    EXPECT_INT(f.files, 2);
    EXPECT_INT(f.count, 3);
    EXPECT_OK(safetensors_read(&f, safetensors_find(&f, "d"), out));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_index(folder, bad[i][0]);
        EXPECT_ERR(safetensors_open(room(), folder, &f), ERR_DATA, bad[i][1]);
    }
    put_index(folder, "{\"a\": \"none\"}");
    EXPECT_ERR(safetensors_open(room(), folder, &f), ERR_IO, "none: is not there");
}

// ---- goldens

static int64_t elements(const SafeTensor *t)
{
    int64_t n = 1;

    for (int i = 0; i < t->rank; i++)
        n *= t->shape[i];
    return n;
}

// Folders of the set that hold weights.
static int is_golden(const char *goldens, const char *name)
{
    char one[FILE_PATH_MAX], many[FILE_PATH_MAX];

    snprintf(one, sizeof one, "%s/%s/model.safetensors", goldens, name);
    snprintf(many, sizeof many, "%s/%s/model.safetensors.index.json", goldens, name);
    return file_exists(one) || file_exists(many);
}

static int open_golden(const char *goldens, const char *name, SafeFolder *f)
{
    char path[FILE_PATH_MAX];

    if (!is_golden(goldens, name))
        return 0;
    snprintf(path, sizeof path, "%s/%s", goldens, name);
    EXPECT_OK(safetensors_open(room(), path, f));
    return f->count > 0;
}

// Calls `compare` with every folder X<suffix> and its X; says so if the set has none.
static void each_pair(const char *suffix,
                      void (*compare)(const SafeFolder *plain, const SafeFolder *other))
{
    const char *goldens = check_goldens();
    ArenaMark   mark = arena_mark(room());
    char      **names, plain[256];
    int         count = 0, pairs = 0;

    if (goldens == NULL)
        return;
    EXPECT_OK(file_list(room(), goldens, &names, &count));
    for (int i = 0; i < count; i++) {
        size_t     n = strlen(names[i]), m = strlen(suffix);
        SafeFolder a, b;

        snprintf(plain, sizeof plain, "%.*s", (int)(n > m ? n - m : 0), names[i]);
        if (n <= m || strcmp(names[i] + n - m, suffix) != 0 || !open_golden(goldens, plain, &a) ||
            !open_golden(goldens, names[i], &b))
            continue;
        compare(&a, &b);
        pairs++;
    }
    if (pairs == 0)
        check_skip("this set of goldens has no two forms of one model");
    arena_back(room(), mark);
}

static float *values(const SafeFolder *f, const char *name, int64_t count)
{
    const SafeTensor *t = safetensors_find(f, name);
    float            *out = arena_new(room(), float, count);

    EXPECT(t != NULL && elements(t) == count);
    if (t != NULL)
        EXPECT_OK(safetensors_read(f, t, out));
    return out;
}

static void compare_shards(const SafeFolder *one, const SafeFolder *many)
{
    EXPECT(many->files > 1);
    EXPECT_INT(many->count, one->count);
    for (int64_t i = 0; i < one->count; i++) {
        int64_t n = elements(&one->tensor[i]);

        EXPECT_FLOATS(values(many, one->tensor[i].name, n), values(one, one->tensor[i].name, n), n,
                      0);
    }
    check_compared(one->count);
}

static void safetensors_shards_hold_the_same_as_one_file(const Comm *c)
{
    (void)c;
    each_pair("-sharded", compare_shards);
}

static void compare_bf16(const SafeFolder *wide, const SafeFolder *narrow)
{
    EXPECT_INT(narrow->count, wide->count);
    for (int64_t i = 0; i < wide->count; i++) {
        int64_t n = elements(&wide->tensor[i]), wrong = 0;
        float  *a = values(wide, wide->tensor[i].name, n);
        float  *b = values(narrow, wide->tensor[i].name, n);

        EXPECT_INT(safetensors_find(narrow, wide->tensor[i].name)->kind, SAFE_BF16);
        for (int64_t k = 0; k < n; k++) { // to the nearest, ties to even
            uint32_t x, y;

            memcpy(&x, &a[k], 4);
            memcpy(&y, &b[k], 4);
            wrong += y != ((x + 0x7FFF + (x >> 16 & 1)) & 0xFFFF0000u);
        }
        EXPECT_INT(wrong, 0);
    }
    check_compared(wide->count);
}

static void safetensors_bf16_is_f32_rounded(const Comm *c)
{
    (void)c;
    each_pair("-bf16", compare_bf16);
}

static void safetensors_reads_all_golden_models(const Comm *c)
{
    const char *goldens = check_goldens();
    char      **names;
    int         count = 0, models = 0;

    (void)c;
    if (goldens == NULL)
        return;
    EXPECT_OK(file_list(room(), goldens, &names, &count));
    for (int i = 0; i < count; i++) {
        ArenaMark  mark = arena_mark(room());
        SafeFolder f;

        if (!open_golden(goldens, names[i], &f))
            continue;
        models++;
        for (int64_t k = 0; k < f.count; k++) {
            int64_t n = elements(&f.tensor[k]), bad = 0;
            float  *v = values(&f, f.tensor[k].name, n);

            for (int64_t j = 0; j < n; j++)
                bad += !isfinite(v[j]);
            EXPECT_INT(bad, 0);
        }
        check_compared(f.count);
        arena_back(room(), mark);
    }
    EXPECT(models > 0);
}

TEST_MAIN(CASE(safetensors_reads_what_it_should), CASE(safetensors_widens_every_f16_exactly),
          CASE(safetensors_refuses_hostile_headers), CASE(safetensors_refuses_wrong_header_sizes),
          CASE(safetensors_refuses_every_cut), CASE(safetensors_says_what_is_no_file),
          CASE(safetensors_holds_other_types_but_does_not_read_them),
          CASE(safetensors_survives_mutated_headers),
          CASE(safetensors_checks_an_index_against_its_files),
          CASE(safetensors_shards_hold_the_same_as_one_file), CASE(safetensors_bf16_is_f32_rounded),
          CASE(safetensors_reads_all_golden_models))
