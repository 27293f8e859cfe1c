#include "model/dims.h"

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
    MAX_LAYERS = 1 << 10,
    MAX_HEADS = 1 << 10,
    MAX_HEAD_WIDTH = 1 << 12,
    WHERE_MAX = 512,
    WHAT_MAX = 128
};

// ---- one key at a time.  A key that is absent or null takes the standard value.

static const Json *find(const Json *config, const char *key)
{
    const Json *node = json_member(config, key);

    return node == NULL || node->kind == JSON_NULL ? NULL : node;
}

// What was found, for messages.
static const char *say_found(const Json *node, char *buffer, size_t size)
{
    if (node->kind == JSON_NUMBER)
        snprintf(buffer, size, "%.17g", node->number);
    else if (node->kind == JSON_TEXT)
        snprintf(buffer, size, "\"%.80s\"", node->text);
    else
        snprintf(buffer, size, "%s", json_kind_name(node->kind));
    return buffer;
}

static Err read_size(const Json *config, const char *key, int64_t max, int64_t standard,
                     int64_t *out)
{
    const Json *node = find(config, key);
    char        where[WHERE_MAX], what[WHAT_MAX];

    *out = standard;
    if (node == NULL && standard > 0)
        return OK;
    if (node == NULL)
        FAIL(ERR_CONFIG,
             "%s: the model config has no \"%s\"; expected a whole number of 1 to %" PRId64,
             json_where(config, where, sizeof where), key, max);
    if (node->kind != JSON_NUMBER || node->number != floor(node->number) || node->number < 1 ||
        node->number > (double)max)
        FAIL(ERR_CONFIG, "%s: \"%s\" must be a whole number of 1 to %" PRId64 "; found %s",
             json_where(node, where, sizeof where), key, max, say_found(node, what, sizeof what));
    *out = (int64_t)node->number;
    return OK;
}

static Err read_int(const Json *config, const char *key, int max, int standard, int *out)
{
    int64_t wide;

    TRY(read_size(config, key, max, standard, &wide));
    *out = (int)wide;
    return OK;
}

static Err read_real(const Json *config, const char *key, double min, double max, double standard,
                     double *out)
{
    const Json *node = find(config, key);
    char        where[WHERE_MAX], what[WHAT_MAX];

    *out = standard;
    if (node == NULL)
        return OK;
    if (node->kind != JSON_NUMBER || !(node->number >= min && node->number <= max))
        FAIL(ERR_CONFIG, "%s: \"%s\" must be a number of %g to %g; found %s",
             json_where(node, where, sizeof where), key, min, max,
             say_found(node, what, sizeof what));
    *out = node->number;
    return OK;
}

static Err read_yes(const Json *config, const char *key, int standard, int *out)
{
    const Json *node = find(config, key);
    char        where[WHERE_MAX], what[WHAT_MAX];

    *out = standard;
    if (node == NULL)
        return OK;
    if (node->kind != JSON_TRUE && node->kind != JSON_FALSE)
        FAIL(ERR_CONFIG, "%s: \"%s\" must be true or false; found %s",
             json_where(node, where, sizeof where), key, say_found(node, what, sizeof what));
    *out = node->kind == JSON_TRUE;
    return OK;
}

// A switch that must stand where our kernels have it.
static Err want_yes(const Json *config, const char *key, int wanted)
{
    const Json *node = find(config, key);
    char        where[WHERE_MAX];
    int         found;

    TRY(read_yes(config, key, wanted, &found));
    if (found != wanted)
        FAIL(ERR_CONFIG, "%s: \"%s\" is %s; only models with %s are supported",
             json_where(node, where, sizeof where), key, found ? "true" : "false",
             wanted ? "true" : "false");
    return OK;
}

// A text that must be one of two spellings (the same one twice where there is only one).
static Err want_text(const Json *config, const char *key, const char *a, const char *b)
{
    const Json *node = find(config, key);
    char        where[WHERE_MAX], what[WHAT_MAX];

    if (node == NULL)
        return OK;
    if (node->kind != JSON_TEXT)
        FAIL(ERR_CONFIG, "%s: \"%s\" must be a text; found %s",
             json_where(node, where, sizeof where), key, say_found(node, what, sizeof what));
    if (strcmp(node->text, a) != 0 && strcmp(node->text, b) != 0)
        FAIL(ERR_CONFIG, "%s: \"%s\" is \"%s\"; supported is \"%s\"",
             json_where(node, where, sizeof where), key, node->text, a);
    return OK;
}

// A key that changes the computation, whatever its value.
static Err want_absent(const Json *config, const char *key, const char *what)
{
    const Json *node = find(config, key);
    char        where[WHERE_MAX];

    if (node != NULL)
        FAIL(ERR_CONFIG, "%s: \"%s\" is given, but %s is not supported; use a model without it",
             json_where(node, where, sizeof where), key, what);
    return OK;
}

// ---- slips of the pen.  Configs carry many keys that mean nothing to us, so unknown ones pass;
// but one that is nearly a key that we read would silently leave a standard value in its place.

static const char *const read_keys[] = {"vocab_size",
                                        "hidden_size",
                                        "intermediate_size",
                                        "num_hidden_layers",
                                        "num_attention_heads",
                                        "num_key_value_heads",
                                        "head_dim",
                                        "hidden_act",
                                        "max_position_embeddings",
                                        "rms_norm_eps",
                                        "rope_theta",
                                        "rope_scaling",
                                        "rope_parameters",
                                        "attention_bias",
                                        "mlp_bias",
                                        "tie_word_embeddings",
                                        "initializer_range",
                                        "n_positions",
                                        "layer_norm_epsilon",
                                        "activation_function",
                                        "scale_attn_weights",
                                        "scale_attn_by_inverse_layer_idx",
                                        "add_cross_attention",
                                        "sliding_window",
                                        "use_sliding_window",
                                        "layer_types",
                                        "model_type",
                                        "n_inner",
                                        "n_layer",
                                        "n_embd",
                                        "n_head",
                                        "n_ctx",
                                        "quantization_config"};

static Err refuse_slips(const Json *config)
{
    char where[WHERE_MAX];
    int  count = (int)(sizeof read_keys / sizeof read_keys[0]);

    for (const Json *m = config->child; m != NULL; m = m->next) {
        const char *near = NULL;
        int         known = 0;

        for (int k = 0; k < count; k++) {
            known |= strcmp(m->key, read_keys[k]) == 0;
            if (strlen(read_keys[k]) >= 8 && text_distance(m->key, read_keys[k]) <= 2)
                near = read_keys[k];
        }
        if (!known && near != NULL)
            FAIL(ERR_CONFIG, "%s: \"%s\" is no key of a model config; is \"%s\" meant?",
                 json_where(m, where, sizeof where), m->key, near);
    }
    return OK;
}

// ---- positions

static Err want_default_rope(const Json *rope)
{
    char        where[WHERE_MAX], what[WHAT_MAX];
    const Json *factor = find(rope, "partial_rotary_factor");

    if (rope->kind != JSON_OBJECT)
        FAIL(ERR_CONFIG, "%s: \"%s\" must be an object or null; found %s",
             json_where(rope, where, sizeof where), rope->key, say_found(rope, what, sizeof what));
    TRY(want_text(rope, "rope_type", "default", "default"));
    TRY(want_text(rope, "type", "default", "default"));
    if (factor != NULL && factor->number != 1)
        FAIL(ERR_CONFIG, "%s: \"partial_rotary_factor\" must be 1; found %s",
             json_where(factor, where, sizeof where), say_found(factor, what, sizeof what));
    return OK;
}

// transformers 5 has everything in rope_parameters; 4 has rope_theta and rope_scaling.
static Err read_rope(const Json *config, double *theta)
{
    const Json *newer = find(config, "rope_parameters"), *older = find(config, "rope_scaling");

    TRY(read_real(config, "rope_theta", 1, 1e12, 10000, theta));
    if (older != NULL)
        TRY(want_default_rope(older));
    if (newer != NULL) {
        TRY(want_default_rope(newer));
        TRY(read_real(newer, "rope_theta", 1, 1e12, *theta, theta));
    }
    return OK;
}

static Err want_full_attention(const Json *config)
{
    const Json *types = find(config, "layer_types");
    char        where[WHERE_MAX], what[WHAT_MAX];
    int         windows;

    TRY(read_yes(config, "use_sliding_window", 1, &windows));
    if (windows)
        TRY(want_absent(config, "sliding_window", "attention within a sliding window"));
    if (types == NULL)
        return OK;
    for (const Json *t = types->child; t != NULL; t = t->next)
        if (t->kind != JSON_TEXT || strcmp(t->text, "full_attention") != 0)
            FAIL(ERR_CONFIG, "%s: \"layer_types\" must all be \"full_attention\"; found %s",
                 json_where(t, where, sizeof where), say_found(t, what, sizeof what));
    return OK;
}

// ---- the two families

static Err read_llama(const Json *config, Dims *d)
{
    char   where[WHERE_MAX];
    double eps;

    TRY(read_size(config, "hidden_size", MAX_WIDTH, 0, &d->D));
    TRY(read_size(config, "intermediate_size", MAX_INNER, 0, &d->F));
    TRY(read_size(config, "max_position_embeddings", MAX_CONTEXT, 0, &d->T));
    TRY(read_int(config, "num_hidden_layers", MAX_LAYERS, 0, &d->L));
    TRY(read_int(config, "num_attention_heads", MAX_HEADS, 0, &d->H));
    TRY(read_int(config, "num_key_value_heads", MAX_HEADS, d->H, &d->G));
    if (find(config, "head_dim") == NULL && d->D % d->H != 0)
        FAIL(ERR_CONFIG,
             "%s: hidden_size %" PRId64 " is no multiple of num_attention_heads %d, and there is "
             "no head_dim",
             json_where(config, where, sizeof where), d->D, d->H);
    TRY(read_int(config, "head_dim", MAX_HEAD_WIDTH, (int)(d->D / d->H), &d->K));
    TRY(read_real(config, "rms_norm_eps", 0, 1, 1e-6, &eps));
    TRY(read_yes(config, "tie_word_embeddings", 0, &d->is_tied));
    TRY(read_rope(config, &d->rope_theta));
    TRY(want_text(config, "hidden_act", "silu", "swish"));
    TRY(want_yes(config, "attention_bias", 0));
    TRY(want_yes(config, "mlp_bias", 0));
    d->norm_eps = (float)eps;
    d->norm = NORM_RMS;
    d->position = POSITION_ROTARY;
    d->mlp = MLP_SWIGLU;
    d->has_bias = 0;
    if (d->H % d->G != 0)
        FAIL(ERR_CONFIG, "%s: num_attention_heads %d is no multiple of num_key_value_heads %d",
             json_where(config, where, sizeof where), d->H, d->G);
    if (d->K % 2 != 0)
        FAIL(ERR_CONFIG, "%s: the width of a head, %d, must be even for rotary positions",
             json_where(config, where, sizeof where), d->K);
    return OK;
}

static Err read_gpt2(const Json *config, Dims *d)
{
    char   where[WHERE_MAX];
    double eps;

    TRY(read_size(config, "n_embd", MAX_WIDTH, 0, &d->D));
    TRY(read_size(config, "n_inner", MAX_INNER, 4 * d->D, &d->F));
    TRY(read_size(config, "n_positions", MAX_CONTEXT, 0, &d->T));
    TRY(read_int(config, "n_layer", MAX_LAYERS, 0, &d->L));
    TRY(read_int(config, "n_head", MAX_HEADS, 0, &d->H));
    TRY(read_real(config, "layer_norm_epsilon", 0, 1, 1e-5, &eps));
    TRY(read_yes(config, "tie_word_embeddings", 1, &d->is_tied));
    TRY(want_text(config, "activation_function", "gelu_new", "gelu_pytorch_tanh"));
    TRY(want_yes(config, "scale_attn_weights", 1));
    TRY(want_yes(config, "scale_attn_by_inverse_layer_idx", 0));
    TRY(want_yes(config, "add_cross_attention", 0));
    if (d->D % d->H != 0 || d->D / d->H > MAX_HEAD_WIDTH)
        FAIL(ERR_CONFIG, "%s: n_embd %" PRId64 " must be a multiple of n_head %d, at most %d of it",
             json_where(config, where, sizeof where), d->D, d->H, MAX_HEAD_WIDTH);
    d->G = d->H;
    d->K = (int)(d->D / d->H);
    d->norm_eps = (float)eps;
    d->norm = NORM_LAYER;
    d->position = POSITION_LEARNED;
    d->mlp = MLP_GELU_TANH;
    d->has_bias = 1;
    return OK;
}

Err dims_read(const Json *config, Dims *out)
{
    char        where[WHERE_MAX];
    const Json *type;

    *out = (Dims){0};
    if (config->kind != JSON_OBJECT)
        FAIL(ERR_CONFIG, "%s: a model config must be an object; found %s",
             json_where(config, where, sizeof where), json_kind_name(config->kind));
    type = find(config, "model_type");
    if (type == NULL || type->kind != JSON_TEXT)
        FAIL(ERR_CONFIG,
             "%s: the model config has no \"model_type\"; expected \"llama\" or \"gpt2\"",
             json_where(config, where, sizeof where));
    if (strcmp(type->text, "llama") != 0 && strcmp(type->text, "gpt2") != 0)
        FAIL(ERR_CONFIG, "%s: \"model_type\" is \"%s\"; supported are \"llama\" and \"gpt2\"",
             json_where(type, where, sizeof where), type->text);
    out->family = strcmp(type->text, "llama") == 0 ? FAMILY_LLAMA : FAMILY_GPT2;
    TRY(refuse_slips(config));
    TRY(want_full_attention(config));
    TRY(want_absent(config, "quantization_config", "a quantized model"));
    TRY(read_size(config, "vocab_size", MAX_VOCABULARY, 0, &out->V));
    TRY(read_real(config, "initializer_range", 0, 10, 0.02, &out->init_std));
    if (out->family == FAMILY_LLAMA)
        TRY(read_llama(config, out));
    else
        TRY(read_gpt2(config, out));
    return OK;
}

static void write_llama(Text *t, const Dims *d)
{
    text_printf(t, "  \"architectures\": [\"LlamaForCausalLM\"],\n  \"model_type\": \"llama\",\n");
    text_printf(t, "  \"hidden_size\": %" PRId64 ",\n  \"intermediate_size\": %" PRId64 ",\n", d->D,
                d->F);
    text_printf(t, "  \"num_hidden_layers\": %d,\n  \"num_attention_heads\": %d,\n", d->L, d->H);
    text_printf(t, "  \"num_key_value_heads\": %d,\n  \"head_dim\": %d,\n", d->G, d->K);
    text_printf(t, "  \"max_position_embeddings\": %" PRId64 ",\n", d->T);
    text_printf(t, "  \"hidden_act\": \"silu\",\n  \"rms_norm_eps\": %.9g,\n", (double)d->norm_eps);
    text_printf(t, "  \"rope_theta\": %.17g,\n  \"rope_scaling\": null,\n", d->rope_theta);
    text_printf(t, "  \"attention_bias\": false,\n  \"mlp_bias\": false,\n");
}

static void write_gpt2(Text *t, const Dims *d)
{
    text_printf(t, "  \"architectures\": [\"GPT2LMHeadModel\"],\n  \"model_type\": \"gpt2\",\n");
    text_printf(t, "  \"n_embd\": %" PRId64 ",\n  \"n_inner\": %" PRId64 ",\n", d->D, d->F);
    text_printf(t, "  \"n_layer\": %d,\n  \"n_head\": %d,\n", d->L, d->H);
    text_printf(t, "  \"n_positions\": %" PRId64 ",\n  \"n_ctx\": %" PRId64 ",\n", d->T, d->T);
    text_printf(t, "  \"activation_function\": \"gelu_new\",\n");
    text_printf(t, "  \"layer_norm_epsilon\": %.9g,\n", (double)d->norm_eps);
    text_printf(t, "  \"attn_pdrop\": 0.0,\n  \"embd_pdrop\": 0.0,\n  \"resid_pdrop\": 0.0,\n");
}

void dims_write(Text *t, const Dims *d)
{
    text_puts(t, "{\n");
    if (d->family == FAMILY_LLAMA)
        write_llama(t, d);
    else
        write_gpt2(t, d);
    text_printf(t, "  \"vocab_size\": %" PRId64 ",\n", d->V);
    text_printf(t, "  \"initializer_range\": %.17g,\n", d->init_std);
    text_printf(t, "  \"tie_word_embeddings\": %s,\n", d->is_tied ? "true" : "false");
    text_puts(t, "  \"torch_dtype\": \"float32\"\n}\n");
}
