#include "model/files/gguf_rope.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef char Key[128];

static const char *key_of(Key key, const GgufFamily *f, const char *end)
{
    snprintf(key, sizeof(Key), "%s.rope.%s", f->architecture, end);
    return key;
}

// ---- the table of Llama 3.1

// Divisors of the plain frequencies.
static void divisors(const Rope *r, int64_t count, float *out, double *plain)
{
    Rope flat = {.theta = r->theta};

    rope_frequencies(&flat, (int)(2 * count), plain);
    for (int64_t i = 0; i < count; i++)
        out[i] = (float)plain[i];
    rope_frequencies(r, (int)(2 * count), plain);
    for (int64_t i = 0; i < count; i++)
        out[i] = (float)((double)out[i] / plain[i]);
}

static int is_made_by(const Rope *r, const float *table, int64_t count, float *made, double *plain)
{
    if (!(r->low_freq > 0 && r->low_freq < r->high_freq))
        return 0;
    divisors(r, count, made, plain);
    for (int64_t i = 0; i < count; i++)
        if (!(fabsf(made[i] - table[i]) <= 1e-4F * table[i])) // also of NaN
            return 0;
    return 1;
}

// Between the two ends a wave of the length w is weighed by (original / w - low) / (high - low):
// two such weights give the line.  Only ratios to the original context count, so it may be any.
static void fit_line(const float *table, int64_t count, double *plain, Rope *r)
{
    Rope   flat = {.theta = r->theta};
    double x[2] = {0}, s[2] = {0};
    int    found = 0;

    rope_frequencies(&flat, (int)(2 * count), plain);
    for (int64_t i = 0; i < count; i++) {
        double share = (1 / (double)table[i] - 1 / r->factor) / (1 - 1 / r->factor);

        if (share < 1e-3 || share > 1 - 1e-3)
            continue;
        x[found > 0] = r->original * plain[i] / (2 * M_PI);
        s[found > 0] = share;
        found++;
    }
    if (found < 2 || s[0] == s[1])
        return;
    r->low_freq = x[0] - s[0] * (x[1] - x[0]) / (s[1] - s[0]);
    r->high_freq = r->low_freq + (x[1] - x[0]) / (s[1] - s[0]);
}

static Err read_table(Text *t, const Gguf *g, const GgufTensor *table, double theta)
{
    Rope r = {.kind = ROPE_LLAMA3, .theta = theta, .original = 8192, .low_freq = 1, .high_freq = 4};
    int64_t count = table->elements;
    float   value[DIMS_HEAD_MAX], made[DIMS_HEAD_MAX];
    double  plain[DIMS_HEAD_MAX];
    int     is_known;

    if (count > DIMS_HEAD_MAX)
        FAIL(ERR_DATA,
             "%s: tensor " GGUF_ROPE_TABLE " has %" PRId64 " elements; expected at most %d",
             g->path, count, DIMS_HEAD_MAX);
    TRY(gguf_read(g, table, value));
    r.factor = 1;
    for (int64_t i = 0; i < count; i++)
        r.factor = fmax(r.factor, (double)value[i]);
    if (r.factor == 1)
        r.kind = ROPE_DEFAULT;
    is_known = is_made_by(&r, value, count, made, plain);
    if (!is_known) {
        fit_line(value, count, plain, &r);
        is_known = is_made_by(&r, value, count, made, plain);
    }
    if (!is_known)
        FAIL(ERR_CONFIG,
             "%s: tensor " GGUF_ROPE_TABLE ": these divisors of the frequencies are not those of "
             "Llama 3.1's formula, and others are not supported; use the Hugging Face folder",
             g->path);
    text_puts(t, "\"rope_scaling\": ");
    rope_write(t, &r);
    text_puts(t, ",\n");
    return OK;
}

// ---- reading

static Err read_yarn(Text *t, const Gguf *g, const GgufFamily *f, Rope *r)
{
    Key     key;
    int64_t original;
    double  attention;

    TRY(gguf_get_i64(g, key_of(key, f, "scaling.original_context_length"), 1, 1 << 24, 0,
                     &original));
    TRY(gguf_get_f64(g, key_of(key, f, "scaling.attn_factor"), 1, &attention));
    TRY(gguf_get_f64(g, key_of(key, f, "scaling.yarn_beta_fast"), 32, &r->beta_fast));
    TRY(gguf_get_f64(g, key_of(key, f, "scaling.yarn_beta_slow"), 1, &r->beta_slow));
    r->original = (double)original;
    if (attention != 1) // a factor of the formula's
        r->attention_factor = attention * (0.1 * log(r->factor) + 1);
    text_puts(t, "\"rope_scaling\": ");
    rope_write(t, r);
    text_puts(t, ",\n");
    return OK;
}

Err gguf_rope_read(Arena *arena, Text *t, const Gguf *g, const GgufFamily *f)
{
    const GgufTensor *table = gguf_tensor(g, GGUF_ROPE_TABLE);
    Rope              r = {0};
    const char       *type;
    Key               key;

    TRY(gguf_get_f64(g, key_of(key, f, "freq_base"), 10000, &r.theta));
    TRY(gguf_get_f64(g, key_of(key, f, "scaling.factor"), 1, &r.factor));
    TRY(gguf_get_text(arena, g, key_of(key, f, "scaling.type"), &type));
    if (type != NULL && strcmp(type, "none") == 0)
        type = NULL;
    if (table != NULL && type != NULL)
        FAIL(ERR_CONFIG,
             "%s: %s is \"%.40s\", and there is a tensor " GGUF_ROPE_TABLE
             ": expected one of the two",
             g->path, key, type);
    if (table != NULL)
        return read_table(t, g, table, r.theta);
    if (type == NULL)
        return OK;
    r.kind = strcmp(type, "linear") == 0 ? ROPE_LINEAR : ROPE_YARN;
    if (r.kind == ROPE_YARN && strcmp(type, "yarn") != 0)
        FAIL(ERR_CONFIG, "%s: %s: \"%.40s\" is not supported; expected linear or yarn", g->path,
             key_of(key, f, "scaling.type"), type);
    if (r.kind == ROPE_YARN)
        return read_yarn(t, g, f, &r);
    text_puts(t, "\"rope_scaling\": ");
    rope_write(t, &r);
    text_puts(t, ",\n");
    return OK;
}

// ---- writing

static Err put_yarn(GgufMeta *m, const GgufFamily *f, const Rope *r)
{
    Key key;

    if (r->mscale > 0 || r->mscale_all > 0 || r->is_smooth || r->beta_fast != 32 ||
        r->beta_slow != 1)
        FAIL(
            ERR_CONFIG,
            "rotary positions of type \"yarn\" with settings of their own are not written to GGUF; "
            "export --to hf and convert the folder with llama.cpp");
    gguf_put_u32(m, key_of(key, f, "scaling.original_context_length"), (uint32_t)r->original);
    if (r->attention_factor > 0)
        gguf_put_f32(m, key_of(key, f, "scaling.attn_factor"),
                     (float)(r->attention_factor / (0.1 * log(r->factor) + 1)));
    return OK;
}

Err gguf_rope_put(GgufMeta *m, const GgufFamily *f, const Dims *d)
{
    const Rope *r = &d->rope;
    Key         key;

    if (d->position == POSITION_LEARNED)
        return OK;
    gguf_put_u32(m, key_of(key, f, "dimension_count"), (uint32_t)dims_rotary(d));
    if (r->kind == ROPE_DEFAULT || r->kind == ROPE_LLAMA3)
        return OK;
    if (r->kind == ROPE_DYNAMIC)
        FAIL(ERR_CONFIG,
             "rotary positions of type \"dynamic\" cannot be said in GGUF files; export "
             "--to hf instead");
    gguf_put_text(m, key_of(key, f, "scaling.type"), r->kind == ROPE_YARN ? "yarn" : "linear");
    gguf_put_f32(m, key_of(key, f, "scaling.factor"), (float)r->factor);
    return r->kind == ROPE_YARN ? put_yarn(m, f, r) : OK;
}

void gguf_rope_table(Arena *arena, const Dims *d, float **table, int64_t *count)
{
    *count = d->position == POSITION_ROTARY && d->rope.kind == ROPE_LLAMA3 ? dims_rotary(d) / 2 : 0;
    *table = arena_new(arena, float, *count + 1);
    if (*count > 0)
        divisors(&d->rope, *count, *table, arena_new(arena, double, *count));
}
