#include "base/rng.h"
#include "io/formats/gguf.h"
#include "io/formats/half.h"
#include "io/formats/safetensors.h"
#include "io/formats/safetensors_write.h"
#include "io/out.h"
#include "tests/check.h"

#include <float.h>
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

static const char *path_in(const Comm *c, const char *name)
{
    static char path[400];

    snprintf(path, sizeof path, "%s/%s", check_folder(c, "gguf"), name);
    return path;
}

static void put_file(const char *path, const void *bytes, int64_t length)
{
    FILE *f = fopen(path, "wb");

    CHECK(f != NULL, "%s", path);
    EXPECT(fwrite(bytes, 1, (size_t)length, f) == (size_t)length);
    fclose(f);
}

// ---- bytes of files by hand, without the writer

typedef struct Bytes {
    unsigned char data[4096];
    int64_t       length;
} Bytes;

static void put(Bytes *b, const void *data, size_t count)
{
    memcpy(b->data + b->length, data, count);
    b->length += (int64_t)count;
}

static void put32(Bytes *b, uint32_t value)
{
    put(b, &value, 4);
}

static void put64(Bytes *b, uint64_t value)
{
    put(b, &value, 8);
}

static void put_text(Bytes *b, const char *text)
{
    put64(b, strlen(text));
    put(b, text, strlen(text));
}

static void put_key(Bytes *b, const char *key, GgufKind kind)
{
    put_text(b, key);
    put32(b, kind);
}

static void put_head(Bytes *b, uint64_t tensors, uint64_t pairs)
{
    b->length = 0;
    put(b, "GGUF", 4);
    put32(b, 3);
    put64(b, tensors);
    put64(b, pairs);
}

static void put_tensor(Bytes *b, const char *name, int rank, const uint64_t *columns_first,
                       uint32_t type, uint64_t offset)
{
    put_text(b, name);
    put32(b, (uint32_t)rank);
    for (int i = 0; i < rank; i++)
        put64(b, columns_first[i]);
    put32(b, type);
    put64(b, offset);
}

static void pad(Bytes *b, int64_t align)
{
    while (b->length % align != 0)
        put(b, "", 1);
}

// One of every kind of value, arrays of arrays, and two tensors.
static void make_whole(Bytes *b)
{
    static const float values[] = {1, -2, 3, 4, 5, 6};
    double             real = 0.25;
    float              narrow = -1.5f;

    put_head(b, 2, 14);
    put_key(b, "a.u8", GGUF_U8), put(b, "\xFE", 1);
    put_key(b, "a.i8", GGUF_I8), put(b, "\xFE", 1);
    put_key(b, "a.u16", GGUF_U16), put(b, "\xFE\xFF", 2);
    put_key(b, "a.i16", GGUF_I16), put(b, "\xFE\xFF", 2);
    put_key(b, "a.u32", GGUF_U32), put32(b, 4000000000u);
    put_key(b, "a.i32", GGUF_I32), put32(b, (uint32_t)-7);
    put_key(b, "a.f32", GGUF_F32), put(b, &narrow, 4);
    put_key(b, "a.flag", GGUF_FLAG), put(b, "\1", 1);
    put_key(b, "a.text", GGUF_TEXT), put_text(b, "words");
    put_key(b, "a.u64", GGUF_U64), put64(b, (uint64_t)1 << 40);
    put_key(b, "a.i64", GGUF_I64), put64(b, (uint64_t)-9);
    put_key(b, "a.f64", GGUF_F64), put(b, &real, 8);
    put_key(b, "a.texts", GGUF_ARRAY), put32(b, GGUF_TEXT), put64(b, 2);
    put_text(b, "one"), put_text(b, "");
    put_key(b, "a.nested", GGUF_ARRAY), put32(b, GGUF_ARRAY), put64(b, 2);
    put32(b, GGUF_I8), put64(b, 3), put(b, "\1\2\3", 3);
    put32(b, GGUF_TEXT), put64(b, 1), put_text(b, "deep");
    put_tensor(b, "matrix", 2, (const uint64_t[]){3, 2}, GGUF_TYPE_F32, 0);
    put_tensor(b, "half", 1, (const uint64_t[]){2}, GGUF_TYPE_F16, 32);
    pad(b, 32);
    put(b, values, sizeof values);
    pad(b, 32);
    put(b, "\x00\x3C\x00\xC2", 4);
}

static Err open_bytes(const Comm *c, const Bytes *b, Gguf *g)
{
    const char *path = path_in(c, "file.gguf");

    put_file(path, b->data, b->length);
    return gguf_open(room(), path, g);
}

// ---- reading

static void gguf_reads_every_kind_of_value(const Comm *c)
{
    static const struct {
        const char *key;
        int64_t     value;
    } whole[] = {{"a.u8", 254},        {"a.i8", -2},  {"a.u16", 65534},
                 {"a.i16", -2},        {"a.i32", -7}, {"a.u32", 4000000000},
                 {"a.u64", 1LL << 40}, {"a.i64", -9}, {"absent", 77}};
    Bytes       b;
    Gguf        g;
    int64_t     value, count;
    double      real;
    int         flag;
    const char *text;
    GgufText   *texts;
    float       out[6];

    make_whole(&b);
    EXPECT_OK(open_bytes(c, &b, &g));
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        EXPECT_OK(gguf_get_i64(&g, whole[i].key, INT64_MIN, INT64_MAX, 77, &value));
        EXPECT_INT(value, whole[i].value);
    }
    EXPECT_OK(gguf_get_f64(&g, "a.f32", 0, &real));
    EXPECT(real == -1.5);
    EXPECT_OK(gguf_get_f64(&g, "a.f64", 0, &real));
    EXPECT(real == 0.25);
    EXPECT_OK(gguf_get_flag(&g, "a.flag", 0, &flag));
    EXPECT_INT(flag, 1);
    EXPECT_OK(gguf_get_text(room(), &g, "a.text", &text));
    EXPECT_TEXT(text, "words");
    EXPECT_OK(gguf_get_texts(room(), &g, "a.texts", &texts, &count));
    EXPECT(count == 2 && texts[0].length == 3 && texts[1].length == 0);
    EXPECT_OK(gguf_read(&g, gguf_tensor(&g, "matrix"), out));
    EXPECT(out[0] == 1 && out[1] == -2 && out[5] == 6);
    EXPECT_INT(gguf_tensor(&g, "matrix")->shape[0], 2);
    EXPECT_INT(gguf_tensor(&g, "matrix")->shape[1], 3);
    EXPECT_OK(gguf_read(&g, gguf_tensor(&g, "half"), out));
    EXPECT(out[0] == 1 && out[1] == -3);
    EXPECT(gguf_tensor(&g, "absent") == NULL);
    EXPECT_ERR(gguf_get_text(room(), &g, "a.i8", &text), ERR_DATA, "expected a text, found i8");
    EXPECT_ERR(gguf_get_flag(&g, "a.texts", 0, &flag), ERR_DATA, "found array of text");
    EXPECT_ERR(gguf_get_i64(&g, "a.u8", 0, 9, 0, &value), ERR_DATA, "expected 0 to 9, found 254");
    gguf_close(&g);
}

// Patterned bytes with a scale; what they mean was worked out with another program.
static void gguf_widens_blocks_as_published(const Comm *c)
{
    static const struct {
        int    type, block, bytes, scale_at, second_at;
        float  scale, second;
        int    at[4];
        double value[4], sum, weighted;
    } cases[] = {
        {GGUF_TYPE_Q4_0,
         32,
         18,
         0,
         -1,
         0.25f,
         0,
         {0, 1, 17, 31},
         {-0.75, 0.5, -0.25, 0},
         -5.25,
         -129.5},
        {GGUF_TYPE_Q8_0, 32, 34, 0, -1, -0.5f, 0, {0, 1, 17, 31}, {-42.5, -61, 27, 24}, 88, 4040},
        {GGUF_TYPE_Q4_K,
         256,
         144,
         0,
         2,
         0.25f,
         0.125f,
         {0, 33, 170, 255},
         {78.875, 5, -3.75, 12.125},
         13610,
         1893210},
        {GGUF_TYPE_Q6_K,
         256,
         210,
         208,
         -1,
         0.25f,
         0,
         {0, 33, 170, 255},
         {-357.75, -168, 442.25, -15},
         1153,
         196105}};

    (void)c;
    for (int n = 0; n < 4; n++) {
        unsigned char b[256];
        float         y[256];
        uint16_t      half;
        double        sum = 0, weighted = 0;
        int64_t       bytes;

        for (int i = 0; i < 256; i++)
            b[i] = (unsigned char)(i * 37 + 11);
        half = half_narrow_f16(cases[n].scale);
        memcpy(b + cases[n].scale_at, &half, 2);
        half = half_narrow_f16(cases[n].second);
        if (cases[n].second_at >= 0)
            memcpy(b + cases[n].second_at, &half, 2);
        EXPECT_INT(gguf_block(cases[n].type, &bytes), cases[n].block);
        EXPECT_INT(bytes, cases[n].bytes);
        gguf_widen(cases[n].type, b, cases[n].block, y);
        for (int i = 0; i < cases[n].block; i++) {
            sum += (double)y[i];
            weighted += (double)y[i] * (i + 1);
        }
        for (int i = 0; i < 4; i++)
            EXPECT_NEAR((double)y[cases[n].at[i]], cases[n].value[i], 0);
        EXPECT_NEAR(sum, cases[n].sum, 0);
        EXPECT_NEAR(weighted, cases[n].weighted, 0);
    }
}

static void gguf_rounds_to_q8_0_as_published(const Comm *c)
{
    static const unsigned char want[34] = {0xf7, 0x2d, 0x85, 0xf8, 0x6b, 0xe0, 0x53, 0xc8, 0x3c,
                                           0xb1, 0x24, 0x99, 0x0c, 0x7f, 0xf4, 0x67, 0xdc, 0x4f,
                                           0xc4, 0x38, 0xad, 0x20, 0x95, 0x08, 0x7b, 0xf0, 0x63,
                                           0xd8, 0x4b, 0xc1, 0x34, 0xa9, 0x1c, 0x91};
    unsigned char              got[34];
    float                      x[32], zeros[32] = {0};

    (void)c;
    for (int i = 0; i < 32; i++)
        x[i] = (float)((i * 29 % 64 - 31) * 0.37);
    gguf_narrow(GGUF_TYPE_Q8_0, x, 32, got);
    EXPECT_INT(memcmp(got, want, sizeof want), 0);
    gguf_narrow(GGUF_TYPE_Q8_0, zeros, 32, got);
    gguf_widen(GGUF_TYPE_Q8_0, got, 32, x);
    EXPECT_INT(memcmp(x, zeros, sizeof x), 0);
}

// ---- 16-bit floats

static void halves_come_back_from_all_their_values(const Comm *c)
{
    int64_t wrong = 0;

    (void)c;
    for (uint32_t i = 0; i < 65536; i++) {
        float f = half_widen_f16((uint16_t)i), b = half_widen_bf16((uint16_t)i);

        wrong += isnan(f) ? !isnan(half_widen_f16(half_narrow_f16(f))) : half_narrow_f16(f) != i;
        wrong += isnan(b) ? !isnan(half_widen_bf16(half_narrow_bf16(b))) : half_narrow_bf16(b) != i;
    }
    EXPECT_INT(wrong, 0);
}

// The nearest of the two neighbours, the even one in the middle: by way of doubles.
static int is_nearest(float x, uint16_t got, float (*widen)(uint16_t))
{
    double here = fabs((double)widen(got) - (double)x);

    for (int step = -1; step <= 1; step += 2) {
        uint16_t other = (uint16_t)(got + step);
        double   there = fabs((double)widen(other) - (double)x);

        if ((got & 0x7FFF) == 0 && step < 0)
            continue;
        if (there < here || (there == here && (got & 1)))
            return 0;
    }
    return 1;
}

static float widen_bf16(uint16_t half)
{
    return half_widen_bf16(half);
}

static void halves_round_to_the_nearest(const Comm *c)
{
    Rng     r = rng_make(1, rng_stream("half", 0, 0, 0), 0);
    int64_t wrong = 0;

    (void)c;
    for (int i = 0; i < 200000; i++) {
        float x = (float)ldexp(rng_normal(&r), i % 40 - 26);

        if (i % 5 == 0) // exactly between two
            x = half_of_bits(half_to_bits(x) & ~0xFFFu) * 1.0f;
        if (i % 7 == 0)
            x = half_of_bits((half_to_bits(x) & ~0xFFFFu) | 0x8000u);
        if (fabsf(x) < 65504)
            wrong += !is_nearest(x, half_narrow_f16(x), half_widen_f16);
        wrong += !is_nearest(x, half_narrow_bf16(x), widen_bf16);
    }
    EXPECT_INT(wrong, 0);
    EXPECT_INT(half_narrow_f16(65519), 0x7BFF);
    EXPECT_INT(half_narrow_f16(65520), 0x7C00);
    EXPECT_INT(half_narrow_f16(-FLT_MAX), 0xFC00);
    EXPECT_INT(half_narrow_bf16(FLT_MAX), 0x7F80);
}

// ---- hostile files

static void look_at_all(Gguf *g)
{
    static float out[4096];
    ArenaMark    mark = arena_mark(room());

    for (int64_t i = 0; i < g->tensors; i++)
        if (g->tensor[i].elements <= 4096)
            (void)gguf_read(g, &g->tensor[i], out);
    for (int64_t i = 0; i < g->pairs; i++) {
        const char *text;
        GgufText   *texts;
        int64_t     count, *ints, value;
        float      *floats;
        double      real;

        (void)gguf_get_text(room(), g, g->pair[i].key, &text);
        (void)gguf_get_texts(room(), g, g->pair[i].key, &texts, &count);
        (void)gguf_get_ints(room(), g, g->pair[i].key, &ints, &count);
        (void)gguf_get_floats(room(), g, g->pair[i].key, &floats, &count);
        (void)gguf_get_i64(g, g->pair[i].key, 0, 10, 0, &value);
        (void)gguf_get_f64(g, g->pair[i].key, 0, &real);
    }
    err_forget();
    arena_back(room(), mark);
}

static void gguf_survives_a_cut_at_every_byte(const Comm *c)
{
    Bytes     b, cut;
    Gguf      g;
    ArenaMark mark = arena_mark(room());

    make_whole(&b);
    for (int64_t length = 0; length < b.length; length++) {
        cut = b;
        cut.length = length;
        EXPECT_ERR(open_bytes(c, &cut, &g), ERR_DATA, NULL);
        gguf_close(&g);
        arena_back(room(), mark);
    }
    check_compared(b.length);
}

static void gguf_survives_changed_bytes(const Comm *c)
{
    enum { TRIES = 4000 };
    Bytes     b, other;
    Gguf      g;
    Rng       r = rng_make(7, rng_stream("flip", 0, 0, 0), 0);
    ArenaMark mark = arena_mark(room());
    int       opened = 0;

    make_whole(&b);
    for (int i = 0; i < TRIES; i++) {
        int flips = 1 + (int)(rng_u64(&r) % 4);

        other = b;
        while (flips-- > 0) {
            int64_t at = (int64_t)(rng_u64(&r) % (uint64_t)b.length);

            other.data[at] = (unsigned char)(rng_u64(&r) % 3 == 0 ? 0xFF : rng_u64(&r));
        }
        if (open_bytes(c, &other, &g) == OK) {
            look_at_all(&g);
            opened++;
        }
        err_forget();
        gguf_close(&g);
        arena_back(room(), mark);
    }
    EXPECT(opened > 0 && opened < TRIES);
}

typedef void (*Spoil)(Bytes *b);

static void no_magic(Bytes *b)
{
    make_whole(b);
    b->data[0] = 'X';
}

static void other_order(Bytes *b)
{
    make_whole(b);
    memcpy(b->data + 4, "\0\0\0\3", 4);
}

static void too_many(Bytes *b)
{
    put_head(b, UINT64_MAX, 0);
}

static void long_array(Bytes *b)
{
    put_head(b, 0, 1);
    put_key(b, "k", GGUF_ARRAY), put32(b, GGUF_U64), put64(b, UINT64_MAX / 8);
}

static void deep_array(Bytes *b)
{
    put_head(b, 0, 1);
    put_key(b, "k", GGUF_ARRAY);
    for (int i = 0; i < 100; i++)
        put32(b, GGUF_ARRAY), put64(b, 1);
}

static void twice(Bytes *b)
{
    put_head(b, 0, 2);
    for (int i = 0; i < 2; i++)
        put_key(b, "k", GGUF_U8), put(b, "\1", 1);
}

static void odd_alignment(Bytes *b)
{
    put_head(b, 0, 1);
    put_key(b, "general.alignment", GGUF_U32), put32(b, 48);
}

static void huge_shape(Bytes *b)
{
    put_head(b, 1, 0);
    put_tensor(b, "t", 2, (const uint64_t[]){(uint64_t)1 << 40, (uint64_t)1 << 40}, 0, 0);
}

static void overlap(Bytes *b)
{
    put_head(b, 2, 0);
    put_tensor(b, "t", 1, (const uint64_t[]){16}, GGUF_TYPE_F32, 0);
    put_tensor(b, "u", 1, (const uint64_t[]){16}, GGUF_TYPE_F32, 32);
    b->length += 256;
}

static void part_of_block(Bytes *b)
{
    put_head(b, 1, 0);
    put_tensor(b, "t", 1, (const uint64_t[]){33}, GGUF_TYPE_Q8_0, 0);
    b->length += 256;
}

static void far_away(Bytes *b)
{
    put_head(b, 1, 0);
    put_tensor(b, "t", 1, (const uint64_t[]){4}, GGUF_TYPE_F32, UINT64_MAX - 31);
}

static void gguf_says_what_is_wrong(const Comm *c)
{
    static const struct {
        Spoil       spoil;
        const char *says;
    } cases[] = {{no_magic, "does not begin with GGUF"},
                 {other_order, "the other byte order"},
                 {too_many, "expected at most"},
                 {long_array, "is longer than the file"},
                 {deep_array, "deeper than"},
                 {twice, "key k is there twice"},
                 {odd_alignment, "expected a power of two"},
                 {huge_shape, "too large to count"},
                 {overlap, "tensors t and u overlap"},
                 {part_of_block, "no multiple of the 32 of a block of Q8_0"},
                 {far_away, "behind the file"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static Bytes b;
        Gguf         g;

        cases[i].spoil(&b);
        EXPECT_ERR(open_bytes(c, &b, &g), ERR_DATA, cases[i].says);
        gguf_close(&g);
    }
}

static void gguf_reads_no_type_that_it_does_not_know(const Comm *c)
{
    Bytes b;
    Gguf  g;
    float out[256];

    put_head(&b, 1, 0);
    put_tensor(&b, "t", 1, (const uint64_t[]){256}, 13, 0);
    pad(&b, 32);
    EXPECT_OK(open_bytes(c, &b, &g));
    EXPECT_ERR(gguf_read(&g, &g.tensor[0], out), ERR_DATA, "type Q5_K (13), which is not read");
    gguf_close(&g);
}

// ---- writing

enum { OUT_COUNT = 192 };

static Err bring(void *self, int tensor, float *values)
{
    const float *x = self;

    for (int i = 0; i < OUT_COUNT; i++)
        values[i] = x[i] * (float)(tensor + 1);
    return OK;
}

static void fill(float *x)
{
    Rng r = rng_make(3, rng_stream("values", 0, 0, 0), 0);

    for (int i = 0; i < OUT_COUNT; i++)
        x[i] = (float)rng_normal(&r);
}

static double error_of(GgufType type, const float *block, float x)
{
    float largest = 0;

    if (type == GGUF_TYPE_F32)
        return 0;
    if (type == GGUF_TYPE_F16)
        return fabs((double)x) / 2048 + 1e-7;
    if (type == GGUF_TYPE_BF16)
        return fabs((double)x) / 256;
    for (int i = 0; i < 32; i++)
        largest = fabsf(block[i]) > largest ? fabsf(block[i]) : largest;
    return (double)largest / 127 * 0.5 + (double)largest / 2048; // the scale is an f16
}

static void gguf_writes_what_it_reads(const Comm *c)
{
    static const GgufType types[] = {GGUF_TYPE_F32, GGUF_TYPE_F16, GGUF_TYPE_BF16, GGUF_TYPE_Q8_0};
    static const char *const names[] = {"f32", "f16", "bf16", "q8_0"};
    GgufOut                  out[4];
    GgufMeta                 m = gguf_meta(room());
    const char              *path = path_in(c, "out.gguf"), *text;
    float                    x[OUT_COUNT], got[OUT_COUNT], *floats;
    int64_t                  count, *ints;
    GgufText                *texts;
    Gguf                     g;

    fill(x);
    for (int n = 0; n < 4; n++)
        out[n] = (GgufOut){names[n], types[n], 2, {3, 64}};
    gguf_put_text(&m, "general.architecture", "llama");
    gguf_put_texts(&m, "texts", (const GgufText[]){{"ab", 2}, {"", 0}, {"c", 1}}, 3);
    gguf_put_texts(&m, "none", NULL, 0);
    gguf_put_floats(&m, "floats", (const float[]){1, 2}, 2);
    gguf_put_ints(&m, "ints", (const int32_t[]){-1, 5}, 2);
    EXPECT_OK(gguf_write(room(), path, &m, out, 4, bring, x));
    EXPECT_OK(gguf_open(room(), path, &g));
    EXPECT_OK(gguf_get_text(room(), &g, "general.architecture", &text));
    EXPECT_TEXT(text, "llama");
    EXPECT_OK(gguf_get_texts(room(), &g, "texts", &texts, &count));
    EXPECT(count == 3 && texts[2].data[0] == 'c');
    EXPECT_OK(gguf_get_floats(room(), &g, "floats", &floats, &count));
    EXPECT(count == 2 && floats[1] == 2);
    EXPECT_OK(gguf_get_ints(room(), &g, "ints", &ints, &count));
    EXPECT(count == 2 && ints[0] == -1);
    for (int n = 0; n < 4; n++) {
        EXPECT_OK(gguf_read(&g, gguf_tensor(&g, names[n]), got));
        for (int i = 0; i < OUT_COUNT; i++) {
            float want[OUT_COUNT];

            (void)bring(x, n, want);
            EXPECT(fabs((double)got[i] - (double)want[i]) <=
                   error_of(types[n], want + i / 32 * 32, want[i]));
        }
    }
    gguf_close(&g);
}

static void what_a_type_does_not_hold_is_not_written(const Comm *c)
{
    GgufOut     out = {"t", GGUF_TYPE_F16, 1, {OUT_COUNT}};
    SafeOut     safe = {"t", 1, {OUT_COUNT}};
    GgufMeta    m = gguf_meta(room());
    const char *path = path_in(c, "bad");
    float       x[OUT_COUNT];

    fill(x);
    x[5] = 70000;
    EXPECT_ERR(gguf_write(room(), path, &m, &out, 1, bring, x), ERR_NUMBER,
               "element 5 of t is 70000, which F16 does not hold");
    EXPECT_ERR(safetensors_write(room(), path, SAFE_F16, &safe, 1, bring, x), ERR_NUMBER,
               "element 5 of t");
    x[5] = NAN;
    out.type = GGUF_TYPE_F32;
    EXPECT_ERR(gguf_write(room(), path, &m, &out, 1, bring, x), ERR_NUMBER, "nan");
    EXPECT_ERR(safetensors_write(room(), path, SAFE_F32, &safe, 1, bring, x), ERR_NUMBER, "nan");
    EXPECT(!file_exists(path));
}

static void safetensors_come_back_as_written(const Comm *c)
{
    static const SafeKind kinds[] = {SAFE_F32, SAFE_F16, SAFE_BF16};
    static const double   error[] = {0, 1.0 / 2048, 1.0 / 256};
    SafeOut               out[2] = {{"b.weight", 2, {3, 64}}, {"a.bias", 1, {OUT_COUNT}}};
    float                 x[OUT_COUNT], got[OUT_COUNT];
    const char           *path = path_in(c, "model.safetensors");
    SafeFolder            f;

    fill(x);
    for (int n = 0; n < 3; n++) {
        EXPECT_OK(safetensors_write(room(), path, kinds[n], out, 2, bring, x));
        EXPECT_OK(safetensors_open_file(room(), path, &f));
        EXPECT_INT(f.count, 2);
        EXPECT_OK(safetensors_read(&f, safetensors_find(&f, "b.weight"), got));
        for (int i = 0; i < OUT_COUNT; i++)
            EXPECT(fabs((double)got[i] - (double)x[i]) <= fabs((double)x[i]) * error[n]);
        EXPECT_OK(safetensors_read(&f, safetensors_find(&f, "a.bias"), got));
        EXPECT(fabs((double)got[7] - 2 * (double)x[7]) <= fabs(2 * (double)x[7]) * error[n]);
    }
}

TEST_MAIN(CASE(gguf_reads_every_kind_of_value), CASE(gguf_widens_blocks_as_published),
          CASE(gguf_rounds_to_q8_0_as_published), CASE(halves_come_back_from_all_their_values),
          CASE(halves_round_to_the_nearest), CASE(gguf_survives_a_cut_at_every_byte),
          CASE(gguf_survives_changed_bytes), CASE(gguf_says_what_is_wrong),
          CASE(gguf_reads_no_type_that_it_does_not_know), CASE(gguf_writes_what_it_reads),
          CASE(what_a_type_does_not_hold_is_not_written), CASE(safetensors_come_back_as_written))
