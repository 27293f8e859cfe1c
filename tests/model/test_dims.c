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

#define SIZES                                                              \
    "\"vocab_size\": 113, \"hidden_size\": 32, \"intermediate_size\": 52," \
    " \"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"max_position_embeddings\": 128,"
static const char llama[] = "{\"model_type\": \"llama\", " SIZES " \"num_key_value_heads\": 2}";
static const char mistral[] = "{\"model_type\": \"mistral\", " SIZES " \"num_key_value_heads\": 2}";
static const char qwen2[] = "{\"model_type\": \"qwen2\", " SIZES " \"num_key_value_heads\": 2}";
static const char qwen3[] = "{\"model_type\": \"qwen3\", " SIZES " \"num_key_value_heads\": 2}";
static const char gptneox[] = "{\"model_type\": \"gpt_neox\", " SIZES " \"layer_norm_eps\": 1e-05}";
static const char phi3[] = "{\"model_type\": \"phi3\", " SIZES " \"rms_norm_eps\": 1e-05}";
static const char gemma[] = "{\"model_type\": \"gemma\", " SIZES " \"num_key_value_heads\": 1}";
static const char gemma2[] = "{\"model_type\": \"gemma2\", " SIZES " \"num_key_value_heads\": 2}";
static const char gemma3[] =
    "{\"model_type\": \"gemma3_text\", " SIZES " \"num_key_value_heads\": 2}";

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
    EXPECT_INT(a->family, b->family);
    EXPECT_INT(a->bias, b->bias);
    EXPECT_INT(dims_rotary(a), dims_rotary(b));
    EXPECT_INT(a->has_qk_norm, b->has_qk_norm);
    EXPECT_INT(a->is_parallel, b->is_parallel);
    EXPECT_INT(a->window, b->window);
    for (int i = 0; i < a->L; i++)
        EXPECT_INT(dims_window(a, i), dims_window(b, i));
    EXPECT_INT(a->is_tied, b->is_tied);
    EXPECT(a->norm_eps == b->norm_eps);
    EXPECT_INT(a->rope.kind, b->rope.kind);
    EXPECT_INT(a->rope.is_smooth, b->rope.is_smooth);
    EXPECT(a->rope.theta == b->rope.theta && a->rope.factor == b->rope.factor);
    EXPECT(a->rope.original == b->rope.original && a->rope.low_freq == b->rope.low_freq);
    EXPECT(a->rope.high_freq == b->rope.high_freq && a->rope.beta_fast == b->rope.beta_fast);
    EXPECT(a->rope.beta_slow == b->rope.beta_slow && a->rope.mscale == b->rope.mscale);
    EXPECT(a->rope.mscale_all == b->rope.mscale_all);
    EXPECT(a->rope.attention_factor == b->rope.attention_factor);
    EXPECT(a->init_std == b->init_std);
    EXPECT_INT(a->norm_is_offset, b->norm_is_offset);
    EXPECT_INT(a->has_post_norm, b->has_post_norm);
    EXPECT_INT(a->scales_embed, b->scales_embed);
    EXPECT(a->query_scalar == b->query_scalar && a->score_cap == b->score_cap);
    EXPECT(a->logit_cap == b->logit_cap && a->local_rope.theta == b->local_rope.theta);
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
    EXPECT(newer.rope.theta == 500000);
    EXPECT(newer.norm_eps == 1e-6f);
    EXPECT_OK(read_with(&a, gemma3,
                        "\"rope_parameters\": {\"full_attention\": {\"rope_type\": \"linear\","
                        " \"factor\": 8, \"rope_theta\": 5000}, \"sliding_attention\":"
                        " {\"rope_theta\": 300}},",
                        &newer));
    EXPECT_OK(read_with(&a, gemma3,
                        "\"rope_theta\": 5000, \"rope_local_base_freq\": 300, \"rope_scaling\":"
                        " {\"rope_type\": \"linear\", \"factor\": 8},",
                        &older));
    dims_are_the_same(&newer, &older);
    EXPECT(newer.rope.kind == ROPE_LINEAR && newer.rope.theta == 5000);
    EXPECT(newer.local_rope.kind == ROPE_DEFAULT && newer.local_rope.theta == 300);
    EXPECT(dims_rope(&newer, 0) == &newer.local_rope);
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
    EXPECT_INT(d.bias, BIAS_ALL);
    EXPECT(d.norm_eps == 1e-5f);
    EXPECT(d.init_std == 0.03);
    EXPECT_OK(read_changed(&a, llama4, "\"num_key_value_heads\": 2,", "", &d));
    EXPECT_INT(d.G, 4);
    EXPECT_OK(read_changed(&a, llama4, "\"rope_theta\": 500000.0,", "", &d));
    EXPECT(d.rope.theta == 10000);
    EXPECT_OK(read_with(&a, llama4, "\"use_sliding_window\": false, \"sliding_window\": 5,", &d));
    EXPECT_OK(read_with(&a, llama4, "\"sliding_window\": null,", &d));
    arena_free(&a);
}

static void write_and_read(Arena *a, const char *base, const char *more)
{
    Dims        first, second;
    Text        t = text_make(a);
    const Json *root;

    EXPECT_OK(read_with(a, base, more, &first));
    first.init_std = 0.1 / 3;
    dims_write(&t, &first);
    EXPECT_OK(json_parse(a, "written", t.data, t.length, JSON_NO_COMMENTS, &root));
    EXPECT_OK(dims_read(root, &second));
    dims_are_the_same(&first, &second);
}

static void writing_and_reading_gives_the_same(const Comm *c)
{
    static const struct {
        const char *base, *more;
    } kind[] = {
        {llama5, ""},
        {gpt2, ""},
        {llama, "\"attention_bias\": true, \"mlp_bias\": true,"},
        {mistral, ""},
        {mistral, "\"sliding_window\": 7, \"head_dim\": 10,"},
        {qwen2, "\"sliding_window\": 5,"},
        {qwen2, "\"use_sliding_window\": true, \"sliding_window\": 5, \"max_window_layers\": 1,"},
        {qwen3, "\"head_dim\": 16, \"attention_bias\": true,"},
        {qwen3, "\"use_sliding_window\": true, \"sliding_window\": 9, \"layer_types\":"
                " [\"sliding_attention\", \"full_attention\", \"sliding_attention\"],"},
        {gptneox, ""},
        {gptneox, "\"rotary_pct\": 0.5,"},
        {gptneox, "\"use_parallel_residual\": false, \"attention_bias\": false,"
                  " \"hidden_act\": \"gelu_fast\", \"rotary_emb_base\": 20000,"},
        {phi3, "\"sliding_window\": 64, \"partial_rotary_factor\": 0.75,"},
        {phi3, "\"head_dim\": 98, \"partial_rotary_factor\": 0.02042,"},
        {gemma, ""},
        {gemma, "\"hidden_act\": \"gelu\", \"attention_bias\": true,"},
        {gemma2, ""},
        {gemma2, "\"attn_logit_softcapping\": null, \"final_logit_softcapping\": 12.5,"
                 " \"query_pre_attn_scalar\": 144, \"sliding_window\": 9,"},
        {gemma2, "\"sliding_window\": null, \"layer_types\": [\"full_attention\","
                 " \"full_attention\", \"full_attention\"],"},
        {gemma3, ""},
        {gemma3, "\"sliding_window_pattern\": 3, \"rope_local_base_freq\": 500,"
                 " \"final_logit_softcapping\": 30.0,"},
        {gemma3, "\"layer_types\": [\"full_attention\", \"sliding_attention\","
                 " \"full_attention\"], \"_sliding_window_pattern\": 6,"},
        {llama4, ""},
        {llama, ""},
    };
    static const char *const ropes[] = {
        "{\"type\": \"linear\", \"factor\": 2.5}",
        "{\"rope_type\": \"dynamic\", \"factor\": 2.0}",
        "{\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0,"
        " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 32}",
        "{\"type\": \"yarn\", \"factor\": 4.0}",
        "{\"type\": \"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 64,"
        " \"truncate\": false, \"beta_fast\": 3.5, \"mscale\": 1.0, \"mscale_all_dim\": 0.7}",
        "{\"type\": \"yarn\", \"factor\": 4.0, \"attention_factor\": 1.25, \"beta_slow\": 2}"};
    Arena a;
    char  more[512];

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    for (size_t i = 0; i < sizeof kind / sizeof kind[0]; i++) {
        write_and_read(&a, kind[i].base, kind[i].more);
        snprintf(more, sizeof more, "%s\"tie_word_embeddings\": true,", kind[i].more);
        if (strstr(kind[i].base, "tie_word") == NULL)
            write_and_read(&a, kind[i].base, more);
    }
    for (size_t i = 0; i < sizeof ropes / sizeof ropes[0]; i++) {
        snprintf(more, sizeof more, "\"rope_scaling\": %s, \"rope_theta\": 123.5,", ropes[i]);
        write_and_read(&a, gptneox, more);
        write_and_read(&a, gemma3, more);
        snprintf(more, sizeof more, "\"rope_parameters\": %s,", ropes[i]);
        write_and_read(&a, llama, more);
    }
    arena_free(&a);
}

static void windows_are_those_of_the_family(const Comm *c)
{
    Arena a;
    Dims  d;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    EXPECT_OK(read_with(&a, mistral, "\"sliding_window\": 7,", &d));
    EXPECT(dims_window(&d, 0) == 7 && dims_window(&d, 2) == 7);
    EXPECT_OK(read_with(&a, mistral, "\"sliding_window\": null,", &d));
    EXPECT(dims_window(&d, 0) == 0 && dims_window(&d, 2) == 0);
    EXPECT_OK(read_with(&a, qwen2, "\"sliding_window\": 5, \"use_sliding_window\": false,", &d));
    EXPECT(dims_window(&d, 0) == 0 && dims_window(&d, 2) == 0);
    EXPECT_OK(read_with(
        &a, qwen2, "\"sliding_window\": 5, \"use_sliding_window\": true, \"max_window_layers\": 2,",
        &d));
    EXPECT(dims_window(&d, 0) == 0 && dims_window(&d, 1) == 0 && dims_window(&d, 2) == 5);
    EXPECT_OK(read_with(&a, qwen3,
                        "\"sliding_window\": 5, \"use_sliding_window\": true, \"layer_types\":"
                        " [\"sliding_attention\", \"full_attention\", \"full_attention\"],",
                        &d));
    EXPECT(dims_window(&d, 0) == 5 && dims_window(&d, 1) == 0 && dims_window(&d, 2) == 0);
    EXPECT_OK(read_with(&a, phi3, "\"sliding_window\": 64,", &d));
    EXPECT(dims_window(&d, 1) == 64);
    EXPECT_OK(read_with(&a, gemma2, "\"sliding_window\": 6, \"sliding_window_pattern\": 3,", &d));
    EXPECT(dims_window(&d, 0) == 6 && dims_window(&d, 1) == 0 && dims_window(&d, 2) == 6);
    EXPECT(d.local_rope.theta == 0 && dims_rope(&d, 0) == &d.rope);
    EXPECT_OK(read_with(&a, gemma3, "\"sliding_window\": 6,", &d));
    EXPECT(dims_window(&d, 0) == 6 && dims_window(&d, 1) == 6 && dims_window(&d, 2) == 6);
    EXPECT_OK(read_with(&a, gemma3, "\"sliding_window_pattern\": 2,", &d));
    EXPECT(dims_window(&d, 0) == 4096 && dims_window(&d, 1) == 0 && dims_window(&d, 2) == 4096);
    EXPECT(dims_rope(&d, 0) == &d.local_rope && dims_rope(&d, 1) == &d.rope);
    arena_free(&a);
}

static void families_differ_in_their_switches(const Comm *c)
{
    Arena a;
    Dims  d;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    EXPECT_OK(read_with(&a, qwen2, "", &d));
    EXPECT_INT(d.bias, BIAS_QKV);
    EXPECT_OK(read_with(&a, qwen3, "", &d));
    EXPECT(d.has_qk_norm && d.bias == 0 && d.K == 128);
    EXPECT_OK(read_with(&a, llama, "\"mlp_bias\": true,", &d));
    EXPECT_INT(d.bias, BIAS_MLP);
    EXPECT_OK(read_with(&a, gptneox, "", &d));
    EXPECT(d.is_parallel && d.bias == BIAS_ALL && d.mlp == MLP_GELU_ERF && d.R == 2);
    EXPECT(d.norm == NORM_LAYER && d.norm_eps == 1e-5f && !d.is_tied);
    EXPECT_OK(read_with(&a, gptneox, "\"attention_bias\": false,", &d));
    EXPECT_INT(d.bias, BIAS_MLP);
    EXPECT_OK(read_with(&a, gptneox, "\"hidden_act\": \"gelu_fast\",", &d));
    EXPECT_INT(d.mlp, MLP_GELU_TANH);
    EXPECT_OK(read_with(&a, gemma, "", &d));
    EXPECT(d.norm_is_offset && d.scales_embed && !d.has_post_norm && d.is_tied && d.K == 256);
    EXPECT(d.mlp == MLP_GEGLU_TANH && dims_inner(&d) == 2 && d.query_scalar == 0);
    EXPECT_OK(read_with(&a, gemma2, "", &d));
    EXPECT(d.norm_is_offset && d.scales_embed && d.has_post_norm && !d.has_qk_norm);
    EXPECT(d.query_scalar == 256 && d.score_cap == 50 && d.logit_cap == 30 && d.window == 4096);
    EXPECT_OK(read_with(&a, gemma2, "\"attn_logit_softcapping\": null,", &d));
    EXPECT(d.score_cap == 0 && d.logit_cap == 30);
    EXPECT_OK(read_with(&a, gemma3, "", &d));
    EXPECT(d.has_post_norm && d.has_qk_norm && d.score_cap == 0 && d.logit_cap == 0);
    EXPECT(d.rope.theta == 1000000 && d.local_rope.theta == 10000);
    arena_free(&a);
}

static void what_is_not_supported_is_refused_in_words(const Comm *c)
{
    static const struct {
        const char *base, *more, *says;
    } extra[] = {
        {llama, "\"sliding_window\": 7,", "sliding window"},
        {llama, "\"layer_types\": [\"full_attention\", \"sliding_attention\"],",
         "no sliding window"},
        {llama, "\"layer_types\": [\"full_attention\", \"full_attention\"],", "expected 3"},
        {llama, "\"layer_types\": [\"chunked_attention\"],", "found \"chunked_attention\""},
        {llama, "\"attention_bias\": 1,", "true or false"},
        {llama, "\"hidden_act\": \"gelu\",", "\"gelu\"; supported is \"silu\""},
        {llama, "\"quantization_config\": {\"bits\": 4},", "quantization_config"},
        {llama, "\"num_key_value_head\": 2,", "is \"num_key_value_heads\" meant"},
        {llama, "\"final_logit_softcapping\": 30.0,", "final_logit_softcapping"},
        {llama, "\"rope_scaling\": {\"type\": \"longrope\", \"factor\": 2},", "\"longrope\""},
        {llama, "\"rope_scaling\": {\"type\": \"linear\"},", "need \"factor\""},
        {llama, "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0.5},", "found 0.5"},
        {llama, "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2, \"beta_fast\": 3},",
         "\"beta_fast\" is no setting"},
        {llama, "\"rope_scaling\": {\"type\": \"linear\", \"rope_type\": \"yarn\", \"factor\": 2},",
         "give one of them"},
        {llama, "\"rope_scaling\": 5,", "must be an object"},
        {llama,
         "\"rope_scaling\": {\"type\": \"llama3\", \"factor\": 2, \"low_freq_factor\": 4,"
         " \"high_freq_factor\": 4, \"original_max_position_embeddings\": 32},",
         "must be less than"},
        {llama,
         "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2,"
         " \"original_max_position_embeddings\": 32},",
         "take one of them out"},
        {llama, "\"rope_theta\": 500, \"rope_parameters\": {\"rope_theta\": 10000},",
         "give one of them"},
        {llama, "\"rope_parameters\": {\"partial_rotary_factor\": 0.25},", "partial_rotary_factor"},
        {llama, "\"rope_parameters\": {}, \"rope_scaling\": {},", "both \"rope_parameters\""},
        {mistral, "\"sliding_window\": 0,", "\"sliding_window\" must be a whole number"},
        {mistral, "\"attention_bias\": true,", "only models with false"},
        {mistral,
         "\"sliding_window\": 5, \"layer_types\": [\"full_attention\", \"full_attention\","
         " \"full_attention\"],",
         "take one of them out"},
        {qwen2, "\"layer_types\": [\"sliding_attention\"],", "no \"sliding_window\" is in use"},
        {gptneox, "\"hidden_act\": \"relu\",", "\"relu\""},
        {gptneox, "\"rotary_pct\": 0.01,", "must be even"},
        {gptneox, "\"rotary_pct\": 0.5, \"rope_parameters\": {\"partial_rotary_factor\": 0.25},",
         "give one of them"},
        {phi3, "\"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1]},", "\"su\""},
        {llama, "\"query_pre_attn_scalar\": 64,", "query_pre_attn_scalar"},
        {gemma, "\"hidden_act\": \"silu\",", "\"silu\"; supported is \"gelu_pytorch_tanh\""},
        {gemma, "\"final_logit_softcapping\": 30,", "final_logit_softcapping"},
        {gemma, "\"use_bidirectional_attention\": true,", "only models with false"},
        {gemma2, "\"hidden_activation\": \"gelu\",", "\"gelu\"; supported is"},
        {gemma2, "\"attn_logit_softcapping\": 0,", "must be a number of 0.001"},
        {gemma2, "\"final_logit_softcapping\": \"30\",", "found \"30\""},
        {gemma2, "\"query_pre_attn_scalar\": -1,", "query_pre_attn_scalar"},
        {gemma2, "\"sliding_window\": null,", "\"sliding_window\" is null"},
        {gemma2, "\"rope_parameters\": {\"full_attention\": {}},",
         "\"full_attention\" is no setting"},
        {gemma2, "\"attn_logit_softcaping\": 9,", "is \"attn_logit_softcapping\" meant"},
        {gemma3, "\"attn_logit_softcapping\": 50.0,", "a bound on scores is not supported"},
        {gemma3, "\"sliding_window_pattern\": 0,", "sliding_window_pattern"},
        {gemma3, "\"sliding_window\": null, \"layer_types\": [\"sliding_attention\"],",
         "no \"sliding_window\" is in use"},
        {gemma3, "\"rope_parameters\": {\"rope_theta\": 5},", "must stand in an object"},
        {gemma3, "\"rope_parameters\": 5,", "must be an object"},
        {gemma3, "\"rope_parameters\": {\"full_attention\": 5},", "must be an object"},
        {gemma3,
         "\"rope_parameters\": {\"sliding_attention\": {\"rope_type\": \"linear\","
         " \"factor\": 2}},",
         "supported is \"default\""},
        {gemma3, "\"rope_local_base_freq\": 0.5,", "rope_local_base_freq"},
        {gemma3,
         "\"rope_local_base_freq\": 300, \"rope_parameters\": {\"sliding_attention\":"
         " {\"rope_theta\": 500}},",
         "give one of them"},
        {gpt2, "\"scale_attn_by_inverse_layer_idx\": true,", "inverse_layer"},
        {gpt2, "\"activation_function\": \"relu\",", "relu"},
    };
    Arena a;
    Dims  d;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++) {
        EXPECT_ERR(read_with(&a, extra[i].base, extra[i].more, &d), ERR_CONFIG, extra[i].says);
        check_compared(1);
    }
    EXPECT_ERR(read_changed(&a, llama4, "\"llama\"", "\"mixtral\"", &d), ERR_CONFIG,
               "\"mixtral\"; supported are");
    EXPECT_ERR(read_changed(&a, llama4, "\"llama\"", "\"gemma3\", \"text_config\": {}", &d),
               ERR_CONFIG, "a model of more than text");
    EXPECT_ERR(read_changed(&a, mistral, "\"num_key_value_heads\": 2", "\"bos_token_id\": 1", &d),
               ERR_CONFIG, "no \"num_key_value_heads\"");
    EXPECT_ERR(
        read_changed(&a, gptneox, "\"num_attention_heads\": 4", "\"num_attention_heads\": 5", &d),
        ERR_CONFIG, "no multiple of num_attention_heads 5");
    EXPECT_ERR(read_changed(&a, gptneox, "\"hidden_size\": 32", "\"hidden_size\": 56", &d),
               ERR_CONFIG, "3 of 14, must be even");
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
          CASE(writing_and_reading_gives_the_same), CASE(windows_are_those_of_the_family),
          CASE(families_differ_in_their_switches), CASE(what_is_not_supported_is_refused_in_words),
          CASE(sizes_that_do_not_fit_are_refused))
