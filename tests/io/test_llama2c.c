#include "base/rng.h"
#include "io/formats/llama2c.h"
#include "tests/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Width 4, inner 6, 2 layers, 2 heads, 1 key/value head, 5 tokens, context 3.
enum { WIDTH = 4, INNER = 6, LAYERS = 2, HEADS = 2, KV = 1, TOKENS = 5, CONTEXT = 3 };
enum { MATRICES = WIDTH * WIDTH * 2 + 2 * (WIDTH / 2) * WIDTH + 3 * INNER * WIDTH }; // of a layer

typedef struct File {
    unsigned char data[1 << 14];
    int64_t       length;
    float         next; // every number written is one more than the one before
} File;

static Arena *room(void)
{
    static Arena arena;

    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 16 << 20));
    return &arena;
}

static const char *publish(const Comm *c, const File *f)
{
    static char path[400];
    FILE       *file;

    snprintf(path, sizeof path, "%s/model.bin", check_folder(c, "llama2c"));
    file = fopen(path, "wb");
    CHECK(file != NULL, "%s", path);
    EXPECT(fwrite(f->data, 1, (size_t)f->length, file) == (size_t)f->length);
    fclose(file);
    return path;
}

static void put(File *f, const void *bytes, size_t count)
{
    memcpy(f->data + f->length, bytes, count);
    f->length += (int64_t)count;
}

static void put_int(File *f, int32_t value)
{
    put(f, &value, 4);
}

static void put_floats(File *f, int count)
{
    for (int i = 0; i < count; i++) {
        put(f, &f->next, 4);
        f->next++;
    }
}

static void put_sizes(File *f, int tokens)
{
    const int32_t size[] = {WIDTH, INNER, LAYERS, HEADS, KV, tokens, CONTEXT};

    put(f, size, sizeof size);
}

static void make_v0(File *f, int is_shared)
{
    *f = (File){.next = 0};
    put_sizes(f, is_shared ? TOKENS : -TOKENS);
    put_floats(f, TOKENS * WIDTH);
    put_floats(f, LAYERS * (2 * WIDTH + MATRICES) + WIDTH);
    put_floats(f, CONTEXT * WIDTH / HEADS); // tables that nobody needs
    if (!is_shared)
        put_floats(f, TOKENS * WIDTH);
}

static void make_head(File *f, int version)
{
    *f = (File){.next = 0};
    put(f, "24ka", 4);
    put_int(f, version);
    put_sizes(f, TOKENS);
    put(f, "\1", 1);
    if (version == 2)
        put_int(f, 4);
    f->length = 256;
}

static void make_v1(File *f)
{
    make_head(f, 1);
    put_floats(f, (2 * LAYERS + 1) * WIDTH + TOKENS * WIDTH + LAYERS * MATRICES);
}

// Values -1, 0, 1, ... with a scale of 0.5, 1.5, ...
static void put_groups(File *f, int count)
{
    for (int i = 0; i < count; i++)
        f->data[f->length++] = (unsigned char)(i - 1);
    for (int i = 0; i < count / 4; i++) {
        float scale = (float)i + 0.5f;

        put(f, &scale, 4);
    }
}

static void make_v2(File *f)
{
    static const int part[] = {WIDTH * WIDTH, WIDTH / 2 * WIDTH, WIDTH / 2 * WIDTH, WIDTH * WIDTH,
                               INNER * WIDTH, INNER * WIDTH,     INNER * WIDTH};

    make_head(f, 2);
    put_floats(f, (2 * LAYERS + 1) * WIDTH);
    put_groups(f, TOKENS * WIDTH);
    for (int i = 0; i < 7; i++)
        for (int layer = 0; layer < LAYERS; layer++)
            put_groups(f, part[i]);
}

static void llama2c_reads_what_stands_where(const Comm *c)
{
    static File f;
    Llama2c     m;
    float       out[64];

    make_v0(&f, 1);
    EXPECT_OK(llama2c_open(room(), publish(c, &f), &m));
    EXPECT(m.version == 0 && m.is_shared && m.vocabulary == TOKENS && m.context == CONTEXT);
    llama2c_read(&m, LLAMA2C_EMBED, 0, out);
    EXPECT(out[0] == 0 && out[19] == 19);
    llama2c_read(&m, LLAMA2C_NORM1, 1, out);
    EXPECT(out[0] == 24);
    llama2c_read(&m, LLAMA2C_K, 1, out);
    EXPECT(out[0] == 28 + LAYERS * WIDTH * WIDTH + WIDTH / 2 * WIDTH);
    llama2c_close(&m);

    make_v0(&f, 0);
    EXPECT_OK(llama2c_open(room(), publish(c, &f), &m));
    EXPECT_INT(m.is_shared, 0);
    llama2c_read(&m, LLAMA2C_HEAD, 0, out);
    EXPECT(out[TOKENS * WIDTH - 1] == f.next - 1);
    llama2c_close(&m);

    make_v1(&f);
    EXPECT_OK(llama2c_open(room(), publish(c, &f), &m));
    EXPECT(m.version == 1 && m.is_shared);
    llama2c_read(&m, LLAMA2C_NORMF, 0, out);
    EXPECT(out[0] == 2 * LAYERS * WIDTH);
    llama2c_read(&m, LLAMA2C_UP, 1, out);
    EXPECT(out[INNER * WIDTH - 1] == f.next - 1);
    llama2c_close(&m);
}

static void llama2c_multiplies_groups_by_their_scale(const Comm *c)
{
    static File f;
    Llama2c     m;
    float       out[64];

    make_v2(&f);
    EXPECT_OK(llama2c_open(room(), publish(c, &f), &m));
    EXPECT(m.version == 2 && m.group == 4);
    llama2c_read(&m, LLAMA2C_DOWN, 1, out);
    for (int i = 0; i < INNER * WIDTH; i++)
        EXPECT_NEAR((double)out[i], (i - 1) * (i / 4 + 0.5), 0);
    llama2c_read(&m, LLAMA2C_NORM2, 0, out);
    EXPECT(out[0] == LAYERS * WIDTH);
    llama2c_close(&m);
}

static void llama2c_survives_a_cut_at_every_byte(const Comm *c)
{
    static File f;
    Llama2c     m;
    ArenaMark   mark = arena_mark(room());
    int64_t     cuts = 0;

    for (int version = 0; version < 3; version++) {
        int64_t length;

        if (version == 0)
            make_v0(&f, 1);
        else if (version == 1)
            make_v1(&f);
        else
            make_v2(&f);
        length = f.length;
        for (f.length = 0; f.length < length; f.length++, cuts++) {
            EXPECT_ERR(llama2c_open(room(), publish(c, &f), &m), ERR_DATA, NULL);
            llama2c_close(&m);
            arena_back(room(), mark);
        }
    }
    check_compared(cuts);
}

static void llama2c_survives_changed_bytes(const Comm *c)
{
    static File  f;
    static float out[1 << 12];
    Llama2c      m;
    Rng          r = rng_make(7, rng_stream("flip", 1, 0, 0), 0);
    ArenaMark    mark = arena_mark(room());

    for (int i = 0; i < 2000; i++) {
        if (i % 2 == 0)
            make_v0(&f, 1);
        else
            make_v2(&f);
        for (int n = 0; n < 2; n++) // the sizes are in front
            f.data[rng_u64(&r) % 48] = (unsigned char)(rng_u64(&r) % 3 == 0 ? 0xFF : rng_u64(&r));
        if (llama2c_open(room(), publish(c, &f), &m) == OK)
            for (int part = 0; part < LLAMA2C_PARTS - m.is_shared; part++)
                if (llama2c_elements(&m, (Llama2cPart)part) <= 1 << 12)
                    llama2c_read(&m, (Llama2cPart)part, 0, out);
        err_forget();
        llama2c_close(&m);
        arena_back(room(), mark);
    }
}

static void llama2c_says_what_is_wrong(const Comm *c)
{
    static File f;
    Llama2c     m;

    f = (File){.length = 40};
    memcpy(f.data, "PK\3\4", 4);
    EXPECT_ERR(llama2c_open(room(), publish(c, &f), &m), ERR_DATA, "Save the model as safetensors");
    llama2c_close(&m);
    f.data[0] = 0x80, f.data[1] = 2;
    EXPECT_ERR(llama2c_open(room(), publish(c, &f), &m), ERR_DATA, "is a pickle");
    llama2c_close(&m);
    make_head(&f, 9);
    EXPECT_ERR(llama2c_open(room(), publish(c, &f), &m), ERR_DATA, "expected version 1 or 2");
    llama2c_close(&m);
    make_v0(&f, 1);
    f.length += 4;
    EXPECT_ERR(llama2c_open(room(), publish(c, &f), &m), ERR_DATA, "it was cut, or is something");
    llama2c_close(&m);
    make_v2(&f);
    f.data[37] = 3;
    EXPECT_ERR(llama2c_open(room(), publish(c, &f), &m), ERR_DATA, "groups of 3");
    llama2c_close(&m);
}

static void vocabularies_of_llama2c_have_as_many_pieces_as_the_model(const Comm *c)
{
    static File  f;
    Llama2cVocab v;
    float        score = -1.5f;
    const char  *path;

    f = (File){0};
    put_int(&f, 4);
    for (int i = 0; i < 3; i++) {
        put(&f, &score, 4);
        put_int(&f, i);
        put(&f, "abc", (size_t)i);
    }
    path = publish(c, &f);
    EXPECT_OK(llama2c_vocab(room(), path, 3, &v));
    EXPECT(v.length[2] == 2 && memcmp(v.text[2], "ab", 2) == 0 && v.score[1] == -1.5f);
    EXPECT_ERR(llama2c_vocab(room(), path, 2, &v), ERR_DATA, "more than the 2 tokens");
    EXPECT_ERR(llama2c_vocab(room(), path, 4, &v), ERR_DATA, "4 tokens");
    for (int64_t length = f.length - 1; length >= 0; length--) {
        f.length = length;
        EXPECT_ERR(llama2c_vocab(room(), publish(c, &f), 3, &v), ERR_DATA, NULL);
    }
    put(&f, "\0\0\0\0\0\0\0\0\xFF\xFF\xFF\x7F....................", 32);
    EXPECT_ERR(llama2c_vocab(room(), publish(c, &f), 1, &v), ERR_DATA, "a length of 0 to");
}

TEST_MAIN(CASE(llama2c_reads_what_stands_where), CASE(llama2c_multiplies_groups_by_their_scale),
          CASE(llama2c_survives_a_cut_at_every_byte), CASE(llama2c_survives_changed_bytes),
          CASE(llama2c_says_what_is_wrong),
          CASE(vocabularies_of_llama2c_have_as_many_pieces_as_the_model))
