#include "model/dims.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

static const char llama5[] =
    "{\"model_type\": \"llama\", \"vocab_size\": 109, \"hidden_size\": 32, \"head_dim\": 8,"
    " \"intermediate_size\": 56, \"num_hidden_layers\": 3, \"num_attention_heads\": 4,"
    " \"num_key_value_heads\": 2, \"max_position_embeddings\": 128, \"rms_norm_eps\": 1e-06,"
    " \"hidden_act\": \"silu\", \"attention_bias\": false, \"pad_token_id\": null,"
    " \"rope_parameters\": {\"rope_theta\": 500000.0, \"rope_type\": \"default\"}}";
static const char llama4[] =
    "{\"model_type\": \"llama\", \"vocab_size\": 109, \"hidden_size\": 32,"
    " \"intermediate_size\": 56, \"num_hidden_layers\": 3, \"num_attention_heads\": 4,"
    " \"num_key_value_heads\": 2, \"max_position_embeddings\": 128, \"rms_norm_eps\": 1e-06,"
    " \"rope_theta\": 500000.0, \"rope_scaling\": null, \"tie_word_embeddings\": false}";
static const char gpt2[] =
    "{\"model_type\": \"gpt2\", \"vocab_size\": 97, \"n_embd\": 32, \"n_layer\": 2, \"n_head\": 4,"
    " \"n_positions\": 64, \"n_inner\": null, \"initializer_range\": 0.03}";

// The config with `more` in front of its first key: later keys of the same name are taken out by
// the callers' choice of `more`.
static Err read_with(Arena *a, const char *base, const char *more, Dims *out)
{
    char        text[2048];
    const Json *root;

    snprintf(text, sizeof text, "{%s%s", more, base + 1);
    TRY(json_parse(a, "config.json", text, (int64_t)strlen(text), JSON_NO_COMMENTS, &root));
    return dims_read(root, out);
}

// The config with the text `from` replaced by `to`.
static Err read_changed(Arena *a, const char *base, const char *from, const char *to, Dims *out)
{
    char        text[2048];
    const char *at = strstr(base, from);
    const Json *root;

    CHECK(at != NULL, "%s", from);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
    TRY(json_parse(a, "config.json", text, (int64_t)strlen(text), JSON_NO_COMMENTS, &root));
    return dims_read(root, out);
}

static void dims_are_the_same(const Dims *a, const Dims *b)
{
    EXPECT_INT(a->family, b->family);
    EXPECT_INT(a->V, b->V);
    EXPECT_INT(a->D, b->D);
    EXPECT_INT(a->F, b->F);
    EXPECT_INT(a->T, b->T);
    EXPECT_INT(a->L, b->L);
    EXPECT_INT(a->H, b->H);
    EXPECT_INT(a->G, b->G);
    EXPECT_INT(a->K, b->K);
    EXPECT_INT(a->norm, b->norm);
    EXPECT_INT(a->position, b->position);
    EXPECT_INT(a->mlp, b->mlp);
    EXPECT_INT(a->has_bias, b->has_bias);
    EXPECT_INT(a->is_tied, b->is_tied);
    EXPECT(a->norm_eps == b->norm_eps);
    EXPECT(a->rope_theta == b->rope_theta);
    EXPECT(a->init_std == b->init_std);
}

static void both_spellings_of_a_config_are_one(const Comm *c)
{
    Arena a;
    Dims  newer, older;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    EXPECT_OK(read_with(&a, llama5, "", &newer));
    EXPECT_OK(read_with(&a, llama4, "", &older));
    dims_are_the_same(&newer, &older);
    EXPECT_INT(newer.K, 8);
    EXPECT_INT(newer.G, 2);
    EXPECT_INT(newer.is_tied, 0);
    EXPECT(newer.rope_theta == 500000);
    EXPECT(newer.norm_eps == 1e-6f);
    arena_free(&a);
}

static void absent_keys_mean_what_published_files_mean(const Comm *c)
{
    Arena a;
    Dims  d;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    EXPECT_OK(read_with(&a, gpt2, "", &d));
    EXPECT_INT(d.F, 128);
    EXPECT_INT(d.G, 4);
    EXPECT_INT(d.is_tied, 1);
    EXPECT_INT(d.has_bias, 1);
    EXPECT(d.norm_eps == 1e-5f);
    EXPECT(d.init_std == 0.03);
    EXPECT_OK(read_changed(&a, llama4, "\"num_key_value_heads\": 2,", "", &d));
    EXPECT_INT(d.G, 4);
    EXPECT_OK(read_changed(&a, llama4, "\"rope_theta\": 500000.0,", "", &d));
    EXPECT(d.rope_theta == 10000);
    EXPECT_OK(read_with(&a, llama4, "\"use_sliding_window\": false, \"sliding_window\": 5,", &d));
    EXPECT_OK(read_with(&a, llama4, "\"sliding_window\": null,", &d));
    arena_free(&a);
}

static void writing_and_reading_gives_the_same(const Comm *c)
{
    const char *bases[] = {llama5, gpt2};
    Arena       a;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    for (int i = 0; i < 2; i++) {
        Dims        first, second;
        Text        t = text_make(&a);
        const Json *root;

        EXPECT_OK(read_with(&a, bases[i], "\"tie_word_embeddings\": true,", &first));
        first.init_std = 0.1 / 3;
        dims_write(&t, &first);
        EXPECT_OK(json_parse(&a, "written", t.data, t.length, JSON_NO_COMMENTS, &root));
        EXPECT_OK(dims_read(root, &second));
        dims_are_the_same(&first, &second);
    }
    arena_free(&a);
}

static void what_is_not_supported_is_refused_in_words(const Comm *c)
{
    static const struct {
        const char *more, *says;
    } extra[] = {
        {"\"sliding_window\": 7,", "sliding window"},
        {"\"layer_types\": [\"full_attention\", \"sliding_attention\"],", "sliding_attention"},
        {"\"attention_bias\": true,", "attention_bias"},
        {"\"mlp_bias\": true,", "mlp_bias"},
        {"\"hidden_act\": \"gelu\",", "\"gelu\"; supported is \"silu\""},
        {"\"rope_parameters\": {\"rope_type\": \"yarn\", \"factor\": 4.0},", "yarn"},
        {"\"rope_parameters\": {\"partial_rotary_factor\": 0.25},", "partial_rotary_factor"},
        {"\"quantization_config\": {\"bits\": 4},", "quantization_config"},
        {"\"num_key_value_head\": 2,", "is \"num_key_value_heads\" meant"},
    };
    Arena a;
    Dims  d;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++)
        EXPECT_ERR(read_with(&a, llama4, extra[i].more, &d), ERR_CONFIG, extra[i].says);
    EXPECT_ERR(read_changed(&a, llama4, "\"rope_scaling\": null",
                            "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}", &d),
               ERR_CONFIG, "linear");
    EXPECT_ERR(read_changed(&a, llama4, "\"llama\"", "\"mistral\"", &d), ERR_CONFIG,
               "\"mistral\"; supported are");
    EXPECT_ERR(read_with(&a, gpt2, "\"scale_attn_by_inverse_layer_idx\": true,", &d), ERR_CONFIG,
               "inverse_layer");
    EXPECT_ERR(read_with(&a, gpt2, "\"activation_function\": \"relu\",", &d), ERR_CONFIG, "relu");
    arena_free(&a);
}

static void sizes_that_do_not_fit_are_refused(const Comm *c)
{
    static const struct {
        const char *from, *to, *says;
    } change[] = {
        {"\"vocab_size\": 109", "\"vocab_size\": 0", "\"vocab_size\" must be a whole number"},
        {"\"vocab_size\": 109", "\"vocab_size\": 1.5", "vocab_size"},
        {"\"vocab_size\": 109", "\"vocab_size\": 1e300", "vocab_size"},
        {"\"vocab_size\": 109", "\"vocab_size\": \"109\"", "found \"109\""},
        {"\"vocab_size\": 109,", "", "no \"vocab_size\""},
        {"\"hidden_size\": 32", "\"hidden_size\": 30", "no multiple"},
        {"\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3", "no multiple"},
        {"\"num_hidden_layers\": 3", "\"num_hidden_layers\": -3", "num_hidden_layers"},
        {"\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": -1", "rms_norm_eps"},
        {"\"hidden_size\": 32", "\"hidden_size\": 32, \"head_dim\": 7", "must be even"},
        {"\"tie_word_embeddings\": false", "\"tie_word_embeddings\": 0", "true or false"},
    };
    Arena a;
    Dims  d;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    for (size_t i = 0; i < sizeof change / sizeof change[0]; i++)
        EXPECT_ERR(read_changed(&a, llama4, change[i].from, change[i].to, &d), ERR_CONFIG,
                   change[i].says);
    EXPECT_ERR(read_changed(&a, gpt2, "\"n_head\": 4", "\"n_head\": 5", &d), ERR_CONFIG, "n_head");
    arena_free(&a);
}

TEST_MAIN(CASE(both_spellings_of_a_config_are_one),
          CASE(absent_keys_mean_what_published_files_mean),
          CASE(writing_and_reading_gives_the_same), CASE(what_is_not_supported_is_refused_in_words),
          CASE(sizes_that_do_not_fit_are_refused))
