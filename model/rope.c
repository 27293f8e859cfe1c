#include "model/rope.h"

#include "model/keys.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {"default", "linear", "dynamic", "llama3", "yarn"};
enum { KINDS = sizeof kind_names / sizeof kind_names[0] };

// ---- the numbers that a kind takes: one table for reading, checking and writing

enum {
    TAKES_LINEAR = 1 << ROPE_LINEAR,
    TAKES_DYNAMIC = 1 << ROPE_DYNAMIC,
    TAKES_LLAMA3 = 1 << ROPE_LLAMA3,
    TAKES_YARN = 1 << ROPE_YARN,
    TAKES_FACTOR = TAKES_LINEAR | TAKES_DYNAMIC | TAKES_LLAMA3 | TAKES_YARN
};

typedef struct RopeNumber {
    const char *key;
    size_t      at;
    int         takers;   // kinds that take it
    int         required; // kinds that do not go without
    double      min, max, standard;
} RopeNumber;

#define AT(field) offsetof(Rope, field)
static const RopeNumber numbers[] = {
    {"factor", AT(factor), TAKES_FACTOR, TAKES_FACTOR, 1, 1e6, 1},
    {"original_max_position_embeddings", AT(original), TAKES_LLAMA3 | TAKES_YARN | TAKES_DYNAMIC,
     TAKES_LLAMA3, 1, 1 << 24, 0},
    {"low_freq_factor", AT(low_freq), TAKES_LLAMA3, TAKES_LLAMA3, 1e-6, 1e6, 0},
    {"high_freq_factor", AT(high_freq), TAKES_LLAMA3, TAKES_LLAMA3, 1e-6, 1e6, 0},
    {"beta_fast", AT(beta_fast), TAKES_YARN, 0, 1e-6, 1e6, 32},
    {"beta_slow", AT(beta_slow), TAKES_YARN, 0, 1e-6, 1e6, 1},
    {"attention_factor", AT(attention_factor), TAKES_YARN, 0, 1e-6, 1e6, 0},
    {"mscale", AT(mscale), TAKES_YARN, 0, 0, 1e6, 0},
    {"mscale_all_dim", AT(mscale_all), TAKES_YARN, 0, 0, 1e6, 0},
};
#undef AT
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static double *number_of(Rope *r, const RopeNumber *n)
{
    return (double *)(void *)((char *)r + n->at);
}

// ---- frequencies

static double log_scale(double factor, double weight)
{
    return 0.1 * weight * log(factor) + 1;
}

static double yarn_factor(const Rope *r)
{
    if (r->attention_factor > 0)
        return r->attention_factor;
    if (r->mscale > 0 && r->mscale_all > 0)
        return log_scale(r->factor, r->mscale) / log_scale(r->factor, r->mscale_all);
    return log_scale(r->factor, 1);
}

// The element that turns `turns` times over the original context.
static double yarn_corner(const Rope *r, int n, double turns)
{
    return n * log(r->original / (2 * M_PI * turns)) / (2 * log(r->theta));
}

static double yarn(const Rope *r, int n, int i, double f)
{
    double low = yarn_corner(r, n, r->beta_fast), high = yarn_corner(r, n, r->beta_slow), ramp;

    low = fmax(r->is_smooth ? low : floor(low), 0);
    high = fmin(r->is_smooth ? high : ceil(high), n - 1);
    if (low == high)
        high += 0.001;
    ramp = fmin(fmax((i - low) / (high - low), 0), 1);
    return f * (1 - ramp) + f / r->factor * ramp;
}

static double llama3(const Rope *r, double f)
{
    double wave = 2 * M_PI / f, share;

    if (wave < r->original / r->high_freq)
        return f;
    if (wave > r->original / r->low_freq)
        return f / r->factor;
    share = (r->original / wave - r->low_freq) / (r->high_freq - r->low_freq);
    return (1 - share) * f / r->factor + share * f;
}

double rope_frequencies(const Rope *r, int n, double *frequency)
{
    for (int i = 0; i < n / 2; i++) {
        double f = pow(r->theta, -2.0 * i / n);

        if (r->kind == ROPE_LINEAR)
            f /= r->factor;
        else if (r->kind == ROPE_LLAMA3)
            f = llama3(r, f);
        else if (r->kind == ROPE_YARN)
            f = yarn(r, n, i, f);
        frequency[i] = f;
    }
    return r->kind == ROPE_YARN ? yarn_factor(r) : 1;
}

// ---- configs

static Err read_kind(const Json *rope, RopeKind *out)
{
    const char *newer, *older, *name;
    char        where[KEYS_WHERE];

    TRY(keys_text(rope, "rope_type", &newer));
    TRY(keys_text(rope, "type", &older));
    name = newer != NULL ? newer : older != NULL ? older : kind_names[ROPE_DEFAULT];
    if (newer != NULL && older != NULL && strcmp(newer, older) != 0)
        FAIL(ERR_CONFIG, "%s: \"rope_type\" is \"%s\" and \"type\" is \"%s\"; give one of them",
             json_where(rope, where, sizeof where), newer, older);
    for (int k = 0; k < KINDS; k++)
        if (strcmp(name, kind_names[k]) == 0) {
            *out = (RopeKind)k;
            return OK;
        }
    FAIL(ERR_CONFIG,
         "%s: \"rope_type\" is \"%s\"; supported are \"default\", \"linear\", \"dynamic\", "
         "\"llama3\" and \"yarn\"; use a model with one of these",
         json_where(rope, where, sizeof where), name);
}

static int is_known(const char *key, RopeKind kind)
{
    static const char *const others[] = {"rope_type", "type", "rope_theta",
                                         "partial_rotary_factor"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(key, others[i]) == 0)
            return 1;
    for (int i = 0; i < NUMBERS; i++)
        if (strcmp(key, numbers[i].key) == 0)
            return (numbers[i].takers >> kind & 1) != 0;
    return kind == ROPE_YARN && (strcmp(key, "truncate") == 0 || strcmp(key, "finetuned") == 0);
}

static Err refuse_unknown(const Json *rope, RopeKind kind)
{
    char where[KEYS_WHERE];

    for (const Json *m = rope->child; m != NULL; m = m->next)
        if (m->kind != JSON_NULL && !is_known(m->key, kind))
            FAIL(ERR_CONFIG,
                 "%s: \"%s\" is no setting of rotary positions of type \"%s\"; take it "
                 "out, or correct \"rope_type\"",
                 json_where(m, where, sizeof where), m->key, kind_names[kind]);
    return OK;
}

static Err read_numbers(const Json *rope, int64_t context, Rope *out)
{
    char where[KEYS_WHERE];

    for (int i = 0; i < NUMBERS; i++) {
        const RopeNumber *n = &numbers[i];

        if (!(n->takers >> out->kind & 1))
            continue;
        if ((n->required >> out->kind & 1) && keys_find(rope, n->key) == NULL)
            FAIL(ERR_CONFIG, "%s: rotary positions of type \"%s\" need \"%s\"; expected a number",
                 json_where(rope, where, sizeof where), kind_names[out->kind], n->key);
        TRY(keys_real(rope, n->key, n->min, n->max, n->standard, number_of(out, n)));
    }
    if (out->kind == ROPE_LLAMA3 && !(out->low_freq < out->high_freq))
        FAIL(ERR_CONFIG, "%s: \"low_freq_factor\" %g must be less than \"high_freq_factor\" %g",
             json_where(rope, where, sizeof where), out->low_freq, out->high_freq);
    if (out->kind == ROPE_DYNAMIC && out->original > 0 && out->original != (double)context)
        FAIL(ERR_CONFIG,
             "%s: \"original_max_position_embeddings\" is %g, but \"dynamic\" frequencies begin to "
             "change at \"max_position_embeddings\", %" PRId64 "; take one of them out",
             json_where(rope, where, sizeof where), out->original, context);
    if (out->kind == ROPE_YARN && out->original == 0)
        out->original = (double)context;
    return OK;
}

static Err read_object(const Json *rope, int64_t context, Rope *out)
{
    char where[KEYS_WHERE], what[KEYS_WHAT];
    int  rounds;

    if (rope->kind != JSON_OBJECT)
        FAIL(ERR_CONFIG, "%s: \"%s\" must be an object or null; found %s",
             json_where(rope, where, sizeof where), rope->key, keys_found(rope, what, sizeof what));
    TRY(read_kind(rope, &out->kind));
    TRY(refuse_unknown(rope, out->kind));
    TRY(read_numbers(rope, context, out));
    TRY(keys_yes(rope, "truncate", 1, &rounds));
    out->is_smooth = !rounds;
    return OK;
}

// A number that may stand in two places must be the same in both.
static Err read_either(const Json *outer, const char *outer_key, const Json *inner,
                       const char *inner_key, double min, double max, double standard, double *out)
{
    char where[KEYS_WHERE];

    *out = standard;
    if (outer_key != NULL)
        TRY(keys_real(outer, outer_key, min, max, standard, out));
    if (inner == NULL || keys_find(inner, inner_key) == NULL)
        return OK;
    TRY(keys_real(inner, inner_key, min, max, standard, &standard));
    if (outer_key != NULL && keys_find(outer, outer_key) != NULL && *out != standard)
        FAIL(ERR_CONFIG, "%s: \"%s\" is %.17g, but \"%s\" above it is %.17g; give one of them",
             json_where(inner, where, sizeof where), inner_key, standard, outer_key, *out);
    *out = standard;
    return OK;
}

// One object for each type of layer; what stands for the layers with a window is out of the way
// afterwards: *full is what the others have.
static Err read_local(const Json *config, const RopeKeys *keys, int64_t context, const Json *newer,
                      const Json **full, Rope *local)
{
    static const char *const types[] = {"full_attention", "sliding_attention"};
    const Json              *own = newer == NULL ? NULL : keys_find(newer, types[1]);
    char                     where[KEYS_WHERE];

    if (newer != NULL && newer->kind == JSON_OBJECT)
        for (const Json *m = newer->child; m != NULL; m = m->next)
            if (strcmp(m->key, types[0]) != 0 && strcmp(m->key, types[1]) != 0)
                FAIL(ERR_CONFIG,
                     "%s: \"%s\" of the rotary positions must stand in an object \"%s\" or "
                     "\"%s\": the two types of layers have positions of their own",
                     json_where(m, where, sizeof where), m->key, types[0], types[1]);
    if (own != NULL)
        TRY(read_object(own, context, local));
    if (local->kind != ROPE_DEFAULT)
        FAIL(ERR_CONFIG,
             "%s: rotary positions of \"%s\" are of type \"%s\"; supported is \"default\"",
             json_where(own, where, sizeof where), types[1], kind_names[local->kind]);
    TRY(read_either(config, keys->local_key, own, "rope_theta", 1.001, 1e12, keys->local_standard,
                    &local->theta));
    if (newer != NULL && newer->kind == JSON_OBJECT)
        *full = keys_find(newer, types[0]);
    return OK;
}

// transformers 5 has everything in rope_parameters; 4 has theta at the top and rope_scaling.
Err rope_read(const Json *config, const RopeKeys *keys, int64_t context, Rope *out, Rope *local,
              double *share)
{
    const Json *newer = keys_find(config, "rope_parameters");
    const Json *older = keys_find(config, "rope_scaling"), *rope = newer != NULL ? newer : older;
    char        where[KEYS_WHERE];

    *out = *local = (Rope){0};
    if (newer != NULL && older != NULL)
        FAIL(ERR_CONFIG,
             "%s: both \"rope_parameters\" and \"rope_scaling\" are given; take one of them out",
             json_where(config, where, sizeof where));
    if (keys->local_key != NULL)
        TRY(read_local(config, keys, context, newer, &rope, local));
    if (rope != NULL)
        TRY(read_object(rope, context, out));
    TRY(read_either(config, keys->theta_key, rope, "rope_theta", 1.001, 1e12, keys->theta_standard,
                    &out->theta));
    return read_either(config, keys->share_key, rope, "partial_rotary_factor", 1e-6, 1,
                       keys->share_standard, share);
}

void rope_write(Text *t, const Rope *r)
{
    Rope copy = *r;

    if (r->kind == ROPE_DEFAULT) {
        text_puts(t, "null");
        return;
    }
    text_printf(t, "{\"rope_type\": \"%s\"", kind_names[r->kind]);
    for (int i = 0; i < NUMBERS; i++) {
        double value = *number_of(&copy, &numbers[i]);

        // 0 says that the number was not given.
        if ((numbers[i].takers >> r->kind & 1) && value != 0)
            text_printf(t, ", \"%s\": %.17g", numbers[i].key, value);
    }
    if (r->is_smooth)
        text_puts(t, ", \"truncate\": false");
    text_puts(t, "}");
}
