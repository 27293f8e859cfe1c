#include "io/formats/safetensors_write.h"

#include "base/text.h"
#include "io/formats/half.h"
#include "io/out.h"

#include <inttypes.h>
#include <math.h>

typedef struct Job {
    Arena         *scratch;
    SafeKind       kind;
    const SafeOut *tensor;
    int            count;
    SafeBring      bring;
    void          *self;
} Job;

static int64_t elements_of(const SafeOut *t)
{
    int64_t count = 1;

    for (int i = 0; i < t->rank; i++)
        count *= t->shape[i];
    return count;
}

static Err write_header(Out *o, const Job *job)
{
    static const char *const name[] = {
        [SAFE_F32] = "F32", [SAFE_F16] = "F16", [SAFE_BF16] = "BF16"};
    Text    t = text_make(job->scratch);
    int64_t at = 0, size;

    text_puts(&t, "{\"__metadata__\": {\"format\": \"pt\"}");
    for (int n = 0; n < job->count; n++) {
        const SafeOut *one = &job->tensor[n];
        int64_t        bytes = elements_of(one) * (job->kind == SAFE_F32 ? 4 : 2);

        text_printf(&t, ", \"%s\": {\"dtype\": \"%s\", \"shape\": [", one->name, name[job->kind]);
        for (int i = 0; i < one->rank; i++)
            text_printf(&t, "%s%" PRId64, i > 0 ? ", " : "", one->shape[i]);
        text_printf(&t, "], \"data_offsets\": [%" PRId64 ", %" PRId64 "]}", at, at + bytes);
        at += bytes;
    }
    text_puts(&t, "}");
    while (t.length % 8 != 0)
        text_puts(&t, " ");
    size = t.length;
    TRY(out_write(o, &size, sizeof size));
    return out_write(o, t.data, t.length);
}

// In place, from the front.
static Err narrow(const Out *o, const Job *job, const SafeOut *t, float *values)
{
    int64_t   count = elements_of(t);
    uint16_t *to = (uint16_t *)(void *)values;

    for (int64_t i = 0; i < count; i++) {
        float    value = values[i];
        uint16_t half = job->kind == SAFE_F16 ? half_narrow_f16(value) : half_narrow_bf16(value);
        float    back = job->kind == SAFE_F16 ? half_widen_f16(half) : half_widen_bf16(half);

        if (!isfinite(value) || (job->kind != SAFE_F32 && !isfinite(back)))
            FAIL(ERR_NUMBER,
                 "%s is not written: element %" PRId64 " of %s is %g, which its type does not hold",
                 o->path, i, t->name, (double)value);
        if (job->kind != SAFE_F32)
            memcpy(&to[i], &half, sizeof half);
    }
    return OK;
}

static Err write_all(Out *o, const Job *job)
{
    TRY(write_header(o, job));
    for (int n = 0; n < job->count; n++) {
        ArenaMark      mark = arena_mark(job->scratch);
        const SafeOut *t = &job->tensor[n];
        int64_t        count = elements_of(t);
        float         *values = arena_new(job->scratch, float, count);

        TRY(job->bring(job->self, n, values));
        TRY(narrow(o, job, t, values));
        TRY(out_write(o, values, count * (job->kind == SAFE_F32 ? 4 : 2)));
        arena_back(job->scratch, mark);
    }
    return OK;
}

Err safetensors_write(Arena *scratch, const char *path, SafeKind kind, const SafeOut *tensors,
                      int count, SafeBring bring, void *self)
{
    Job job = {.scratch = scratch,
               .kind = kind,
               .tensor = tensors,
               .count = count,
               .bring = bring,
               .self = self};
    Out o;

    CHECK(kind == SAFE_F32 || kind == SAFE_F16 || kind == SAFE_BF16, "%d", (int)kind);
    TRY(out_open(path, &o));
    return out_end(&o, write_all(&o, &job));
}
