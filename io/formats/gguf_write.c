// A GGUF file, version 3.
#include "io/formats/gguf.h"
#include "io/out.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

// ---- metadata

static void put(Text *t, const void *bytes, int64_t count)
{
    text_add(t, bytes, count);
}

static void put_u32(Text *t, uint32_t value)
{
    put(t, &value, sizeof value);
}

static void put_u64(Text *t, int64_t value)
{
    put(t, &value, sizeof value);
}

static void put_text(Text *t, GgufText text)
{
    put_u64(t, text.length);
    text_add(t, text.data, text.length);
}

static GgufText of(const char *text)
{
    return (GgufText){text, (int64_t)strlen(text)};
}

GgufMeta gguf_meta(Arena *arena)
{
    return (GgufMeta){.bytes = text_make(arena)};
}

static void put_key(GgufMeta *m, const char *key, GgufKind kind)
{
    m->count++;
    put_text(&m->bytes, of(key));
    put_u32(&m->bytes, kind);
}

void gguf_put_u32(GgufMeta *m, const char *key, uint32_t value)
{
    put_key(m, key, GGUF_U32);
    put_u32(&m->bytes, value);
}

void gguf_put_f32(GgufMeta *m, const char *key, float value)
{
    put_key(m, key, GGUF_F32);
    put(&m->bytes, &value, sizeof value);
}

void gguf_put_flag(GgufMeta *m, const char *key, int value)
{
    char byte = value != 0;

    put_key(m, key, GGUF_FLAG);
    put(&m->bytes, &byte, 1);
}

void gguf_put_text(GgufMeta *m, const char *key, const char *text)
{
    put_key(m, key, GGUF_TEXT);
    put_text(&m->bytes, of(text));
}

static void put_array(GgufMeta *m, const char *key, GgufKind kind, int64_t count)
{
    put_key(m, key, GGUF_ARRAY);
    put_u32(&m->bytes, kind);
    put_u64(&m->bytes, count);
}

void gguf_put_texts(GgufMeta *m, const char *key, const GgufText *list, int64_t count)
{
    put_array(m, key, GGUF_TEXT, count);
    for (int64_t i = 0; i < count; i++)
        put_text(&m->bytes, list[i]);
}

void gguf_put_floats(GgufMeta *m, const char *key, const float *list, int64_t count)
{
    put_array(m, key, GGUF_F32, count);
    put(&m->bytes, list, count * (int64_t)sizeof *list);
}

void gguf_put_ints(GgufMeta *m, const char *key, const int32_t *list, int64_t count)
{
    put_array(m, key, GGUF_I32, count);
    put(&m->bytes, list, count * (int64_t)sizeof *list);
}

// ---- the file

typedef struct Job {
    Arena          *scratch;
    const GgufOut  *tensor;
    int             count;
    GgufBring       bring;
    void           *self;
    const GgufMeta *meta;
} Job;

static int64_t elements_of(const GgufOut *t)
{
    int64_t count = 1;

    for (int i = 0; i < t->rank; i++)
        count *= t->shape[i];
    return count;
}

static int64_t bytes_of(const GgufOut *t)
{
    int64_t bytes, block = gguf_block((int)t->type, &bytes);

    CHECK(block > 0 && t->shape[t->rank - 1] % block == 0, "tensor %s", t->name);
    return elements_of(t) / block * bytes;
}

static int64_t padded(int64_t bytes)
{
    return (bytes + GGUF_ALIGN - 1) / GGUF_ALIGN * GGUF_ALIGN;
}

static Err write_head(Out *o, const Job *job)
{
    Text    t = text_make(job->scratch);
    int64_t offset = 0;

    text_puts(&t, "GGUF");
    put_u32(&t, GGUF_VERSION);
    put_u64(&t, job->count);
    put_u64(&t, job->meta->count);
    text_add(&t, job->meta->bytes.data, job->meta->bytes.length);
    for (int n = 0; n < job->count; n++) {
        const GgufOut *one = &job->tensor[n];

        put_text(&t, of(one->name));
        put_u32(&t, (uint32_t)one->rank);
        for (int i = one->rank - 1; i >= 0; i--)
            put_u64(&t, one->shape[i]);
        put_u32(&t, one->type);
        put_u64(&t, offset);
        offset += padded(bytes_of(one));
    }
    TRY(out_write(o, t.data, t.length));
    return out_pad(o, GGUF_ALIGN);
}

static Err check_values(const Out *o, const GgufOut *t, const float *values, int64_t count)
{
    float limit = t->type == GGUF_TYPE_F16 ? 65519.0f : INFINITY; // what rounds to a finite f16

    if (t->type == GGUF_TYPE_BF16)
        limit = 3.3961775e38f;
    if (t->type == GGUF_TYPE_Q8_0)
        limit = 127 * 65504.0f; // the scale is an f16
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]) || fabsf(values[i]) > limit)
            FAIL(ERR_NUMBER,
                 "%s is not written: element %" PRId64 " of %s is %g, which %s does "
                 "not hold",
                 o->path, i, t->name, (double)values[i], gguf_type_name((int)t->type));
    return OK;
}

static Err write_tensor(Out *o, const Job *job, int n)
{
    const GgufOut *t = &job->tensor[n];
    int64_t        count = elements_of(t), bytes = bytes_of(t);
    float         *values = arena_new(job->scratch, float, count);
    void          *narrow = arena_push(job->scratch, bytes, 1);

    TRY(job->bring(job->self, n, values));
    TRY(check_values(o, t, values, count));
    gguf_narrow((int)t->type, values, count, narrow);
    TRY(out_write(o, narrow, bytes));
    return out_pad(o, GGUF_ALIGN);
}

static Err write_all(Out *o, const Job *job)
{
    TRY(write_head(o, job));
    for (int n = 0; n < job->count; n++) {
        ArenaMark mark = arena_mark(job->scratch);
        Err       e = write_tensor(o, job, n);

        arena_back(job->scratch, mark);
        TRY(e);
    }
    return OK;
}

Err gguf_write(Arena *scratch, const char *path, const GgufMeta *meta, const GgufOut *tensors,
               int count, GgufBring bring, void *self)
{
    Job job = {.scratch = scratch,
               .tensor = tensors,
               .count = count,
               .bring = bring,
               .self = self,
               .meta = meta};
    Out o;

    TRY(out_open(path, &o));
    return out_end(&o, write_all(&o, &job));
}
