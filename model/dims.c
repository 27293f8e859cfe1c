#include "model/dims.h"

#include "model/families.h"
#include "model/keys.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// Generous bounds: beyond them a number is a mistake, and products of sizes stay within 63 bits.
enum {
    MAX_VOCABULARY = 1 << 24,
    MAX_WIDTH = 1 << 16,
    MAX_INNER = 1 << 20,
    MAX_CONTEXT = 1 << 24,
    MAX_HEADS = 1 << 10
};

// ---- switches

static Err read_switches(const Json *config, Dims *d)
{
    for (int i = 0; switches[i].key != NULL; i++) {
        const Switch *s = &switches[i];
        int           yes;

        if (!(s->families >> d->family & 1))
            continue;
        if (s->fixed)
            TRY(keys_want_yes(config, s->key, s->standard));
        TRY(keys_yes(config, s->key, s->standard, &yes));
        if (yes)
            d->bias |= s->bias;
        if (s->field > 0)
            *(int *)(void *)((char *)d + s->field) = yes;
    }
    return OK;
}

static void write_switches(Text *t, const Dims *d)
{
    for (int i = 0; switches[i].key != NULL; i++) {
        const Switch *s = &switches[i];
        int           yes = s->field > 0 ? *(const int *)(const void *)((const char *)d + s->field)
                                         : (d->bias & s->bias) != 0;

        if ((s->families >> d->family & 1) && !s->fixed)
            text_printf(t, "  \"%s\": %s,\n", s->key, yes ? "true" : "false");
    }
}

// ---- slips of the pen.  Configs carry many keys that mean nothing to us, so unknown ones pass;
// but one that is nearly a key that we read would silently leave a standard value in its place.

static const char *const other_keys[] = {"vocab_size",
                                         "rope_theta",
                                         "rope_scaling",
                                         "rope_parameters",
                                         "rotary_emb_base",
                                         "rotary_pct",
                                         "tie_word_embeddings",
                                         "initializer_range",
                                         "sliding_window",
                                         "use_sliding_window",
                                         "max_window_layers",
                                         "layer_types",
                                         "model_type",
                                         "n_ctx",
                                         "quantization_config",
                                         "partial_rotary_factor",
                                         "attn_logit_softcapping",
                                         "final_logit_softcapping",
                                         "query_pre_attn_scalar",
                                         "sliding_window_pattern",
                                         "_sliding_window_pattern", // as written, never read
                                         "rope_local_base_freq"};

static void compare_key(const char *found, const char *key, int *is_known, const char **near)
{
    if (key == NULL)
        return;
    *is_known |= strcmp(found, key) == 0;
    if (strlen(key) >= 8 && text_distance(found, key) <= 2)
        *near = key;
}

static Err refuse_slips(const Json *config)
{
    char where[KEYS_WHERE];

    for (const Json *m = config->child; m != NULL; m = m->next) {
        const char *near = NULL;
        int         is_known = 0;

        for (size_t k = 0; k < sizeof other_keys / sizeof other_keys[0]; k++)
            compare_key(m->key, other_keys[k], &is_known, &near);
        for (int k = 0; switches[k].key != NULL; k++)
            compare_key(m->key, switches[k].key, &is_known, &near);
        for (int f = 0; f < FAMILIES; f++) {
            const char *const *key = &families[f].keys->width;

            for (size_t k = 0; k < sizeof(DimsKeys) / sizeof *key; k++)
                compare_key(m->key, key[k], &is_known, &near);
        }
        if (!is_known && near != NULL)
            FAIL(ERR_CONFIG, "%s: \"%s\" is no key of a model config; is \"%s\" meant?",
                 json_where(m, where, sizeof where), m->key, near);
    }
    return OK;
}

// ---- sizes

static Err read_heads(const Json *config, const FamilyRow *row, Dims *d)
{
    const DimsKeys *k = row->keys;
    int             has_width = k->head_width != NULL && keys_find(config, k->head_width) != NULL;
    int             standard = row->head_width;
    char            where[KEYS_WHERE];

    d->G = d->H;
    if (k->groups != NULL)
        TRY(keys_int(config, k->groups, MAX_HEADS, row->has_all_groups ? d->H : 0, &d->G));
    if (!has_width && standard == 0) {
        if (d->D % d->H != 0 || d->D / d->H > DIMS_HEAD_MAX)
            FAIL(ERR_CONFIG,
                 "%s: %s %" PRId64 " is no multiple of %s %d (of at most %d times it)%s",
                 json_where(config, where, sizeof where), k->width, d->D, k->heads, d->H,
                 DIMS_HEAD_MAX, k->head_width != NULL ? ", and there is no head_dim" : "");
        standard = (int)(d->D / d->H);
    }
    d->K = standard;
    if (k->head_width != NULL)
        TRY(keys_int(config, k->head_width, DIMS_HEAD_MAX, standard, &d->K));
    if (d->H % d->G != 0)
        FAIL(ERR_CONFIG, "%s: %s %d is no multiple of %s %d",
             json_where(config, where, sizeof where), k->heads, d->H, k->groups, d->G);
    return OK;
}

static Err read_sizes(const Json *config, const FamilyRow *row, Dims *d)
{
    const DimsKeys *k = row->keys;
    double          eps;

    TRY(keys_size(config, "vocab_size", MAX_VOCABULARY, 0, &d->V));
    TRY(keys_size(config, k->width, MAX_WIDTH, 0, &d->D));
    TRY(keys_size(config, k->inner, MAX_INNER, row->inner_times * d->D, &d->F));
    TRY(keys_size(config, k->context, MAX_CONTEXT, 0, &d->T));
    TRY(keys_int(config, k->layers, DIMS_LAYERS_MAX, 0, &d->L));
    TRY(keys_int(config, k->heads, MAX_HEADS, 0, &d->H));
    TRY(read_heads(config, row, d));
    TRY(keys_real(config, k->eps, 0, 1, row->eps, &eps));
    d->norm_eps = (float)eps;
    return OK;
}

static Err read_activation(const Json *config, const FamilyRow *row, Dims *d)
{
    const char *key = row->keys->activation, *name;
    char        where[KEYS_WHERE];

    TRY(keys_text(config, key, &name));
    d->mlp = row->mlp[0].kind;
    for (const MlpName *m = row->mlp; name != NULL; m++) {
        if (m->name == NULL)
            FAIL(ERR_CONFIG, "%s: \"%s\" is \"%s\"; supported is \"%s\"",
                 json_where(json_member(config, key), where, sizeof where), key, name,
                 row->mlp[0].name);
        d->mlp = m->kind;
        if (strcmp(name, m->name) == 0)
            break;
    }
    return OK;
}

static Err read_positions(const Json *config, const FamilyRow *row, Dims *d)
{
    double share;
    char   where[KEYS_WHERE];

    if (d->position == POSITION_LEARNED)
        return OK;
    TRY(rope_read(config, &row->rope, d->T, &d->rope, &d->local_rope, &share));
    if (share != 1 && !row->may_turn_partly)
        FAIL(ERR_CONFIG, "%s: \"partial_rotary_factor\" must be 1 for \"%s\"; found %g",
             json_where(config, where, sizeof where), row->type, share);
    d->R = (int)(d->K * share);
    if (d->R % 2 != 0 || d->R == 0)
        FAIL(ERR_CONFIG,
             "%s: the width of a head that turns, %d of %d, must be even for rotary positions",
             json_where(config, where, sizeof where), d->R, d->K);
    return OK;
}

// ---- windows

static void set_window(Dims *d, int layer)
{
    d->windowed[layer / 64] |= (uint64_t)1 << (layer % 64);
}

// Layer by layer, as transformers 5 writes it; `allowed`: layers that may have a window.
static Err read_layer_types(const Json *config, const FamilyRow *row, Dims *d, int *is_given)
{
    const Json *types = keys_find(config, "layer_types");
    char        where[KEYS_WHERE], what[KEYS_WHAT];
    int         layer = 0;

    *is_given = types != NULL;
    if (types == NULL)
        return OK;
    for (const Json *t = types->child; t != NULL; t = t->next, layer++) {
        int is_window = t->kind == JSON_TEXT && strcmp(t->text, "sliding_attention") == 0;

        if (!is_window && (t->kind != JSON_TEXT || strcmp(t->text, "full_attention") != 0))
            FAIL(ERR_CONFIG,
                 "%s: \"layer_types\" must be \"full_attention\" or \"sliding_attention\"; found "
                 "%s",
                 json_where(t, where, sizeof where), keys_found(t, what, sizeof what));
        if (is_window && (row->window == WINDOW_NONE || d->window == 0))
            FAIL(ERR_CONFIG,
                 "%s: a layer of \"sliding_attention\", but %s; all must be \"full_attention\"",
                 json_where(t, where, sizeof where),
                 row->window == WINDOW_NONE ? "the family has no sliding window"
                                            : "no \"sliding_window\" is in use");
        if (!is_window && row->window == WINDOW_EVERYWHERE && d->window > 0)
            FAIL(ERR_CONFIG,
                 "%s: a layer of \"full_attention\", but \"sliding_window\" is %" PRId64
                 " for all layers of \"%s\"; take one of them out",
                 json_where(t, where, sizeof where), d->window, row->type);
        if (is_window && layer < d->L)
            set_window(d, layer);
    }
    if (layer != d->L)
        FAIL(ERR_CONFIG, "%s: \"layer_types\" has %d layers; expected %d, as %s says",
             json_where(types, where, sizeof where), layer, d->L, row->keys->layers);
    return OK;
}

// All layers but every n-th have the window.
static Err read_nth(const Json *config, const FamilyRow *row, Dims *d)
{
    int  nth = row->nth;
    char where[KEYS_WHERE];

    if (row->nth_key != NULL)
        TRY(keys_int(config, row->nth_key, DIMS_LAYERS_MAX, row->nth, &nth));
    for (int i = 0; i < d->L; i++)
        if ((i + 1) % nth != 0) {
            if (d->window == 0)
                FAIL(ERR_CONFIG,
                     "%s: \"sliding_window\" is null, but layers of \"%s\" have a window unless "
                     "\"layer_types\" makes all of them \"full_attention\"",
                     json_where(config, where, sizeof where), row->type);
            set_window(d, i);
        }
    return OK;
}

static Err read_windows(const Json *config, const FamilyRow *row, Dims *d)
{
    int is_used, is_given, first = 0;

    TRY(keys_yes(config, "use_sliding_window", row->window != WINDOW_SWITCHED, &is_used));
    if (is_used && row->window == WINDOW_NONE)
        TRY(keys_want_absent(config, "sliding_window", "attention within a sliding window"));
    if (is_used && json_member(config, "sliding_window") == NULL)
        d->window = row->window_width;
    if (is_used && keys_find(config, "sliding_window") != NULL)
        TRY(keys_size(config, "sliding_window", MAX_CONTEXT, 0, &d->window));
    TRY(read_layer_types(config, row, d, &is_given));
    if (row->window == WINDOW_BUT_NTH)
        return is_given ? OK : read_nth(config, row, d);
    if (row->window == WINDOW_SWITCHED && d->window > 0 && !is_given) {
        double layers;

        TRY(keys_real(config, "max_window_layers", 0, 1e9, 28, &layers));
        first = layers < d->L ? (int)layers : d->L;
    }
    for (int i = first; i < d->L && d->window > 0 && !is_given; i++)
        set_window(d, i);
    return OK;
}

static void write_windows(Text *t, const Dims *d)
{
    WindowRule rule = families[d->family].window;
    int        first = 0;

    if (rule == WINDOW_NONE)
        return;
    if (d->window > 0)
        text_printf(t, "  \"sliding_window\": %" PRId64 ",\n", d->window);
    else
        text_puts(t, "  \"sliding_window\": null,\n");
    if (rule == WINDOW_EVERYWHERE)
        return;
    while (first < d->L && dims_window(d, first) == 0)
        first++;
    if (rule == WINDOW_SWITCHED)
        text_printf(t, "  \"use_sliding_window\": %s,\n  \"max_window_layers\": %d,\n",
                    d->window > 0 ? "true" : "false", first);
    text_puts(t, "  \"layer_types\": [");
    for (int i = 0; i < d->L; i++)
        text_printf(t, "%s\"%s\"", i > 0 ? ", " : "",
                    dims_window(d, i) > 0 ? "sliding_attention" : "full_attention");
    text_puts(t, "],\n");
}

// ---- all of it

static Err read_family(const Json *config, Family *out)
{
    char        where[KEYS_WHERE], names[256] = "";
    const Json *type = keys_find(config, "model_type");
    size_t      used = 0;

    for (int f = 0; f < FAMILIES; f++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s\"%s\"",
                                 f == 0             ? ""
                                 : f + 1 < FAMILIES ? ", "
                                                    : " and ",
                                 families[f].type);
        *out = (Family)f;
        if (type != NULL && type->kind == JSON_TEXT && strcmp(type->text, families[f].type) == 0)
            return OK;
    }
    if (type == NULL || type->kind != JSON_TEXT)
        FAIL(ERR_CONFIG, "%s: the model config has no \"model_type\"; expected one of %s",
             json_where(config, where, sizeof where), names);
    if (keys_find(config, "text_config") != NULL)
        FAIL(ERR_CONFIG,
             "%s: \"model_type\" is \"%s\", a model of more than text (it has a \"text_config\"); "
             "supported are text models: %s; save the text model alone and use its folder",
             json_where(type, where, sizeof where), type->text, names);
    FAIL(ERR_CONFIG, "%s: \"model_type\" is \"%s\"; supported are %s",
         json_where(type, where, sizeof where), type->text, names);
}

// ---- bounds

static Err read_cap(const Json *config, const CapKey *cap, const char *key, const char *what,
                    double *out)
{
    *out = 0;
    if (cap->key == NULL)
        return keys_want_absent(config, key, what);
    if (json_member(config, key) == NULL)
        *out = cap->standard;
    else if (keys_find(config, key) != NULL)
        TRY(keys_real(config, key, 1e-3, 1e6, 0, out));
    return OK;
}

static Err read_scores(const Json *config, const FamilyRow *row, Dims *d)
{
    TRY(read_cap(config, &row->score_cap, "attn_logit_softcapping", "a bound on scores",
                 &d->score_cap));
    TRY(read_cap(config, &row->logit_cap, "final_logit_softcapping", "a bound on logits",
                 &d->logit_cap));
    if (row->query_scalar == 0)
        return keys_want_absent(config, "query_pre_attn_scalar", "a scale of queries");
    return keys_real(config, "query_pre_attn_scalar", 1e-3, 1e6, row->query_scalar,
                     &d->query_scalar);
}

static void write_cap(Text *t, const CapKey *cap, double value)
{
    if (cap->key != NULL && value > 0) // transformers takes no whole number for it
        text_printf(t, "  \"%s\": %.17g%s,\n", cap->key, value, value == floor(value) ? ".0" : "");
    else if (cap->key != NULL)
        text_printf(t, "  \"%s\": null,\n", cap->key);
}

static void write_scores(Text *t, const FamilyRow *row, const Dims *d)
{
    write_cap(t, &row->score_cap, d->score_cap);
    write_cap(t, &row->logit_cap, d->logit_cap);
    if (row->query_scalar > 0)
        text_printf(t, "  \"query_pre_attn_scalar\": %.17g,\n", d->query_scalar);
}

Err dims_read(const Json *config, Dims *out)
{
    char             where[KEYS_WHERE];
    const FamilyRow *row;

    *out = (Dims){0};
    if (config->kind != JSON_OBJECT)
        FAIL(ERR_CONFIG, "%s: a model config must be an object; found %s",
             json_where(config, where, sizeof where), json_kind_name(config->kind));
    TRY(read_family(config, &out->family));
    row = &families[out->family];
    out->norm = row->norm;
    out->position = row->position;
    out->bias = row->bias;
    out->has_qk_norm = row->has_qk_norm;
    out->norm_is_offset = row->norm_is_offset;
    out->has_post_norm = row->has_post_norm;
    out->scales_embed = row->scales_embed;
    TRY(refuse_slips(config));
    TRY(keys_want_absent(config, "quantization_config", "a quantized model"));
    TRY(read_sizes(config, row, out));
    TRY(read_scores(config, row, out));
    TRY(read_switches(config, out));
    TRY(read_activation(config, row, out));
    TRY(read_positions(config, row, out));
    TRY(read_windows(config, row, out));
    TRY(keys_yes(config, "tie_word_embeddings", row->is_tied, &out->is_tied));
    TRY(keys_real(config, "initializer_range", 0, 10, 0.02, &out->init_std));
    return OK;
}

static void write_size(Text *t, const char *key, int64_t size)
{
    if (key != NULL)
        text_printf(t, "  \"%s\": %" PRId64 ",\n", key, size);
}

static void write_sizes(Text *t, const DimsKeys *k, const Dims *d)
{
    write_size(t, k->width, d->D);
    write_size(t, k->inner, d->F);
    write_size(t, k->layers, d->L);
    write_size(t, k->heads, d->H);
    write_size(t, k->groups, d->G);
    write_size(t, k->head_width, d->K);
    write_size(t, k->context, d->T);
    text_printf(t, "  \"%s\": %.9g,\n", k->eps, (double)d->norm_eps);
}

// A share of which reading makes R again, whatever way the quotient was rounded.
static double share_of(const Dims *d)
{
    int    R = dims_rotary(d);
    double share = (double)R / d->K;

    return (int)(d->K * share) == R ? share : (R + 0.5) / d->K;
}

static void write_positions(Text *t, const FamilyRow *row, const Dims *d)
{
    if (d->position == POSITION_LEARNED)
        return;
    text_printf(t, "  \"%s\": %.17g,\n", row->rope.theta_key, d->rope.theta);
    if (row->rope.local_key != NULL)
        text_printf(t, "  \"%s\": %.17g,\n", row->rope.local_key, d->local_rope.theta);
    if (row->may_turn_partly)
        text_printf(t, "  \"%s\": %.17g,\n", row->rope.share_key, share_of(d));
    text_puts(t, "  \"rope_scaling\": ");
    rope_write(t, &d->rope);
    text_puts(t, ",\n");
}

void dims_write(Text *t, const Dims *d)
{
    const FamilyRow *row = &families[d->family];
    const MlpName   *mlp = row->mlp;

    while (mlp->kind != d->mlp)
        mlp++;
    text_printf(t, "{\n  \"architectures\": [\"%s\"],\n  \"model_type\": \"%s\",\n",
                row->architecture, row->type);
    write_sizes(t, row->keys, d);
    text_printf(t, "  \"%s\": \"%s\",\n", row->keys->activation, mlp->name);
    write_positions(t, row, d);
    write_windows(t, d);
    write_scores(t, row, d);
    write_switches(t, d);
    if (row->also != NULL)
        text_printf(t, "  %s,\n", row->also);
    text_printf(t, "  \"vocab_size\": %" PRId64 ",\n", d->V);
    text_printf(t, "  \"initializer_range\": %.17g,\n", d->init_std);
    text_printf(t, "  \"tie_word_embeddings\": %s,\n", d->is_tied ? "true" : "false");
    text_puts(t, "  \"torch_dtype\": \"float32\"\n}\n");
}

int dims_rotary(const Dims *d)
{
    return d->R > 0 ? d->R : d->K;
}

int64_t dims_window(const Dims *d, int layer)
{
    return d->windowed[layer / 64] >> (layer % 64) & 1 ? d->window : 0;
}

const Rope *dims_rope(const Dims *d, int layer)
{
    return d->local_rope.theta > 0 && dims_window(d, layer) > 0 ? &d->local_rope : &d->rope;
}

int dims_inner(const Dims *d)
{
    return d->mlp == MLP_SWIGLU || d->mlp == MLP_GEGLU_TANH ? 2 : 1;
}
