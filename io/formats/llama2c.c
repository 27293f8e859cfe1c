#include "io/formats/llama2c.h"

#include "io/file.h"
#include "io/formats/magic.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MAGIC = 0x616b3432, HEADER_0 = 28, HEADER_1 = 256, SIZES = 7, SIZE_MAX_ = 1 << 24 };

static int32_t int_at(const Map *m, int64_t at)
{
    int32_t value;

    memcpy(&value, m->data + at, sizeof value);
    return value;
}

// ---- sizes

static int64_t rows_of(const Llama2c *f, Llama2cPart part)
{
    switch (part) {
    case LLAMA2C_EMBED:
    case LLAMA2C_HEAD: return f->vocabulary;
    case LLAMA2C_K:
    case LLAMA2C_V: return f->width / f->heads * f->kv_heads;
    case LLAMA2C_GATE:
    case LLAMA2C_UP: return f->inner;
    case LLAMA2C_NORM1:
    case LLAMA2C_NORM2:
    case LLAMA2C_NORMF: return 1;
    default: return f->width;
    }
}

static int64_t columns_of(const Llama2c *f, Llama2cPart part)
{
    return part == LLAMA2C_DOWN ? f->inner : f->width;
}

static int is_outside(Llama2cPart part)
{
    return part == LLAMA2C_EMBED || part == LLAMA2C_NORMF || part == LLAMA2C_HEAD;
}

static int is_norm(Llama2cPart part)
{
    return part == LLAMA2C_NORM1 || part == LLAMA2C_NORM2 || part == LLAMA2C_NORMF;
}

int64_t llama2c_elements(const Llama2c *f, Llama2cPart part)
{
    return rows_of(f, part) * columns_of(f, part);
}

// Bytes of one layer of a part, or of the part.
static int64_t bytes_of(const Llama2c *f, Llama2cPart part)
{
    int64_t count = llama2c_elements(f, part);

    return f->version == 2 && !is_norm(part) ? count + count / f->group * 4 : count * 4;
}

// Where each part begins; the end of the last one.
static int64_t lay_out(Llama2c *f)
{
    static const Llama2cPart v0[] = {LLAMA2C_EMBED, LLAMA2C_NORM1, LLAMA2C_Q,     LLAMA2C_K,
                                     LLAMA2C_V,     LLAMA2C_OUT,   LLAMA2C_NORM2, LLAMA2C_GATE,
                                     LLAMA2C_DOWN,  LLAMA2C_UP,    LLAMA2C_NORMF, LLAMA2C_HEAD};
    static const Llama2cPart v1[] = {LLAMA2C_NORM1, LLAMA2C_NORM2, LLAMA2C_NORMF, LLAMA2C_EMBED,
                                     LLAMA2C_Q,     LLAMA2C_K,     LLAMA2C_V,     LLAMA2C_OUT,
                                     LLAMA2C_GATE,  LLAMA2C_DOWN,  LLAMA2C_UP,    LLAMA2C_HEAD};
    int64_t                  at = f->version == 0 ? HEADER_0 : HEADER_1;

    for (int i = 0; i < LLAMA2C_PARTS; i++) {
        Llama2cPart part = f->version == 0 ? v0[i] : v1[i];

        f->begin[part] = at;
        if (part == LLAMA2C_HEAD && f->version == 0) // behind the tables of cosines and sines
            f->begin[part] = at += f->context * (f->width / f->heads) * 4;
        if (part != LLAMA2C_HEAD || !f->is_shared)
            at += bytes_of(f, part) * (is_outside(part) ? 1 : f->layers);
    }
    return at;
}

static Err check_size(const Llama2c *f, const char *name, int64_t size, int64_t max)
{
    if (size < 1 || size > max)
        FAIL(ERR_DATA,
             "%s: expected a weight file of llama2.c, whose %s is 1 to %" PRId64 "; found %" PRId64,
             f->path, name, max, size);
    return OK;
}

static Err check_sizes(const Llama2c *f)
{
    TRY(check_size(f, "width", f->width, 1 << 16));
    TRY(check_size(f, "inner width", f->inner, 1 << 20));
    TRY(check_size(f, "number of layers", f->layers, 1 << 10));
    TRY(check_size(f, "number of heads", f->heads, 1 << 10));
    TRY(check_size(f, "number of key/value heads", f->kv_heads, f->heads));
    TRY(check_size(f, "vocabulary", f->vocabulary, SIZE_MAX_));
    TRY(check_size(f, "context", f->context, SIZE_MAX_));
    if (f->width % f->heads != 0 || f->heads % f->kv_heads != 0 || f->width / f->heads % 2 != 0)
        FAIL(ERR_DATA,
             "%s: a width of %" PRId64 ", %" PRId64 " heads and %" PRId64
             " key/value heads do not fit together",
             f->path, f->width, f->heads, f->kv_heads);
    return OK;
}

static Err check_groups(const Llama2c *f)
{
    TRY(check_size(f, "group", f->group, 1 << 20));
    for (int part = 0; part < LLAMA2C_PARTS; part++)
        if (!is_norm((Llama2cPart)part) && llama2c_elements(f, (Llama2cPart)part) % f->group != 0)
            FAIL(ERR_DATA, "%s: its groups of %" PRId64 " elements do not divide its matrices",
                 f->path, f->group);
    return OK;
}

// ---- opening

static Err refuse_others(const char *path, const Map *m)
{
    TRY(magic_refuse(path, m->data, m->bytes, "a weight file of llama2.c"));
    if (m->bytes < HEADER_0)
        FAIL(ERR_DATA, "%s: expected a weight file of llama2.c, found only %" PRId64 " bytes", path,
             m->bytes);
    return OK;
}

static Err read_sizes(Llama2c *f, int64_t at)
{
    int64_t size[SIZES];

    for (int i = 0; i < SIZES; i++)
        size[i] = int_at(&f->map, at + 4 * i);
    f->width = size[0];
    f->inner = size[1];
    f->layers = size[2];
    f->heads = size[3];
    f->kv_heads = size[4];
    f->vocabulary = size[5];
    f->context = size[6];
    if (f->version == 0) {
        f->is_shared = f->vocabulary > 0;
        f->vocabulary = f->vocabulary < 0 ? -f->vocabulary : f->vocabulary;
    } else {
        f->is_shared = f->map.data[at + 4 * SIZES] != 0;
    }
    TRY(check_sizes(f));
    if (f->version < 2)
        return OK;
    f->group = int_at(&f->map, at + 4 * SIZES + 1);
    return check_groups(f);
}

static Err read_head(Llama2c *f)
{
    TRY(refuse_others(f->path, &f->map));
    if (int_at(&f->map, 0) != MAGIC)
        return read_sizes(f, 0);
    f->version = int_at(&f->map, 4);
    if (f->version != 1 && f->version != 2)
        FAIL(ERR_DATA, "%s: expected version 1 or 2 of the weight files of llama2.c, found %d",
             f->path, f->version);
    if (f->map.bytes < HEADER_1)
        FAIL(ERR_DATA, "%s: ends within its header, after %" PRId64 " bytes of %d", f->path,
             f->map.bytes, HEADER_1);
    return read_sizes(f, 8);
}

Err llama2c_open(Arena *arena, const char *path, Llama2c *out)
{
    int64_t end;

    *out = (Llama2c){0};
    TRY(map_open(path, &out->map));
    out->path = arena_text(arena, path);
    TRY(read_head(out));
    end = lay_out(out);
    if (end != out->map.bytes)
        FAIL(ERR_DATA,
             "%s: as a weight file (v%d) of llama2.c it would have %" PRId64
             " bytes, it has %" PRId64 ": it was cut, or is something else",
             path, out->version, end, out->map.bytes);
    return OK;
}

void llama2c_close(Llama2c *f)
{
    map_close(&f->map);
}

int llama2c_is(const char *path)
{
    Llama2c f = {.path = path};
    int     is = 0;

    if (map_open(path, &f.map) == OK) {
        is = read_head(&f) == OK && lay_out(&f) == f.map.bytes;
        map_close(&f.map);
    }
    err_forget();
    return is;
}

// ---- values

void llama2c_read(const Llama2c *f, Llama2cPart part, int64_t layer, float *out)
{
    int64_t              count = llama2c_elements(f, part);
    const unsigned char *from = f->map.data + f->begin[part] + layer * bytes_of(f, part);
    float                scale;

    CHECK(layer >= 0 && layer < (is_outside(part) ? 1 : f->layers), "%" PRId64, layer);
    if (f->version < 2 || is_norm(part)) {
        memcpy(out, from, (size_t)count * sizeof *out);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        memcpy(&scale, from + count + i / f->group * 4, sizeof scale);
        out[i] = scale * (float)(int8_t)from[i];
    }
}

// ---- vocabularies

static Err read_piece(const char *path, const char *data, int64_t bytes, int64_t *at,
                      Llama2cVocab *v, int64_t i)
{
    int32_t length;

    if (bytes - *at < 8)
        FAIL(ERR_DATA, "%s: ends after %" PRId64 " pieces; the model has %" PRId64 " tokens", path,
             i, v->count);
    memcpy(&v->score[i], data + *at, 4);
    memcpy(&length, data + *at + 4, 4);
    *at += 8;
    if (length < 0 || length > bytes - *at || !isfinite(v->score[i]))
        FAIL(ERR_DATA,
             "%s: piece %" PRId64 ": expected a finite score and a length of 0 to %" PRId64
             ", found %g and %d",
             path, i, bytes - *at, (double)v->score[i], length);
    v->text[i] = data + *at;
    v->length[i] = length;
    *at += length;
    return OK;
}

Err llama2c_vocab(Arena *arena, const char *path, int64_t count, Llama2cVocab *out)
{
    enum { VOCAB_BYTES_MAX = 64 << 20 };
    char   *data;
    int64_t bytes, at = 4;

    CHECK(count >= 0 && count <= SIZE_MAX_, "%" PRId64, count);
    TRY(file_read(arena, path, VOCAB_BYTES_MAX, &data, &bytes));
    if (count * 8 + 4 > bytes)
        FAIL(ERR_DATA, "%s: %" PRId64 " bytes cannot hold the %" PRId64 " tokens of the model",
             path, bytes, count);
    *out = (Llama2cVocab){.count = count};
    out->text = arena_new(arena, const char *, count);
    out->length = arena_new(arena, int64_t, count);
    out->score = arena_new(arena, float, count);
    for (int64_t i = 0; i < count; i++)
        TRY(read_piece(path, data, bytes, &at, out, i));
    if (at != bytes)
        FAIL(ERR_DATA, "%s: holds more than the %" PRId64 " tokens of the model", path, count);
    return OK;
}
