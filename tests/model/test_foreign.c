#include "io/file.h"
#include "io/formats/gguf.h"
#include "model/files/export_model.h"
#include "model/files/import.h"
#include "model/vocab.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

static const char llama[] =
    "{\"model_type\": \"llama\", \"vocab_size\": 260, \"hidden_size\": 8, \"head_dim\": 4,"
    " \"intermediate_size\": 12, \"num_hidden_layers\": 2, \"num_attention_heads\": 2,"
    " \"num_key_value_heads\": 1, \"max_position_embeddings\": 16, \"rms_norm_eps\": 1e-6,"
    " \"rope_theta\": 500000, \"tie_word_embeddings\": false}";
static const char gpt2[] =
    "{\"model_type\": \"gpt2\", \"vocab_size\": 260, \"n_embd\": 8, \"n_layer\": 2, \"n_head\": 2,"
    " \"n_positions\": 16, \"n_inner\": 20}";
#define GEMMA                                                                                   \
    "\"vocab_size\": 260, \"hidden_size\": 8, \"head_dim\": 4, \"intermediate_size\": 12,"      \
    " \"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"max_position_embeddings\": 16," \
    " \"sliding_window\": 5, \"query_pre_attn_scalar\": 4, "
static const char gemma2[] =
    "{\"model_type\": \"gemma2\", " GEMMA "\"num_hidden_layers\": 2,"
    " \"attn_logit_softcapping\": 7.5, \"final_logit_softcapping\": 12, \"rope_theta\": 500}";
static const char gemma3[] =
    "{\"model_type\": \"gemma3_text\", " GEMMA "\"num_hidden_layers\": 7, \"rope_theta\": 500000}";
static const char bytes[] = "{\"kind\": \"byte\"}";
static const char characters[] =
    "{\"kind\": \"character\", \"alphabet\": \"Qab c\\u00e4\\u65e5.\\n\", "
    "\"bos\": \"Q\", \"eos\": \"\\n\"}";

typedef struct Made {
    Arena       arena;
    Params      params;
    float      *flat;
    ExportModel model;
} Made;

static const Json *parse(Arena *a, const char *text)
{
    const Json *root = NULL;

    EXPECT_OK(json_parse(a, "test", text, (int64_t)strlen(text), JSON_NO_COMMENTS, &root));
    return root;
}

static void make(Made *m, const char *config, const char *tokenizer)
{
    Dims d;

    EXPECT_OK(arena_make(&m->arena, "test", (int64_t)1 << 30));
    EXPECT_OK(dims_read(parse(&m->arena, config), &d));
    m->params = params_make(&m->arena, &d);
    m->flat = arena_new(&m->arena, float, m->params.padded);
    params_init(&m->params, 5, m->flat);
    for (int64_t n = 0; n < m->params.count; n++) // norms are all ones, biases zeros
        m->flat[m->params.list[n].offset] += (float)n;
    m->model = (ExportModel){
        .params = &m->params, .flat = m->flat, .tokenizer = tokenizer, .name = "made"};
}

static Err come_back(Made *m, const char *path, ImportModel *found)
{
    Params p;
    float *flat;

    TRY(import_find(&m->arena, path, found));
    p = params_make(&m->arena, &found->dims);
    flat = arena_new(&m->arena, float, p.padded);
    TRY(import_load(&m->arena, found, &p, flat));
    EXPECT_INT(p.padded, m->params.padded);
    EXPECT_INT(memcmp(flat, m->flat, (size_t)p.padded * sizeof *flat), 0);
    EXPECT(found->dims.norm_eps == m->params.dims.norm_eps);
    EXPECT(found->dims.rope.theta == m->params.dims.rope.theta);
    EXPECT(found->dims.local_rope.theta == m->params.dims.local_rope.theta);
    EXPECT(found->dims.query_scalar == m->params.dims.query_scalar);
    EXPECT(found->dims.score_cap == m->params.dims.score_cap);
    EXPECT(found->dims.logit_cap == m->params.dims.logit_cap);
    EXPECT_INT(found->dims.mlp, m->params.dims.mlp);
    for (int i = 0; i < found->dims.L; i++)
        EXPECT_INT(dims_window(&found->dims, i), dims_window(&m->params.dims, i));
    EXPECT_INT(found->dims.T, m->params.dims.T);
    return OK;
}

// The same ids of a text as before, and the same text of ids.
static void expect_same_vocab(Made *m, const char *json, const char *text, int64_t length)
{
    int32_t want[64], got[64];
    int64_t wants = 0, gots = 0;
    Vocab  *ours, *theirs = NULL;
    Text    back = text_make(&m->arena);

    EXPECT(json != NULL);
    EXPECT_OK(vocab_make(&m->arena, parse(&m->arena, m->model.tokenizer), &ours));
    EXPECT_OK(vocab_make(&m->arena, parse(&m->arena, json), &theirs));
    if (theirs == NULL)
        return;
    EXPECT_OK(vocab_encode(ours, text, length, want, 32, &wants));
    EXPECT_OK(vocab_frame(ours, want, 64, &wants));
    EXPECT_OK(vocab_encode(theirs, text, length, got, 32, &gots));
    EXPECT_OK(vocab_frame(theirs, got, 64, &gots));
    EXPECT_INT(gots, wants);
    EXPECT_INT(memcmp(got, want, (size_t)wants * sizeof *got), 0);
    EXPECT_INT(vocab_eos(theirs), vocab_eos(ours));
    EXPECT_INT(vocab_bos(theirs), vocab_bos(ours));
    EXPECT_OK(vocab_decode_all(theirs, got + 1, gots - 1, VOCAB_KEEP_SPECIAL, &back));
    EXPECT_TEXT(back.data, text);
}

static void every_family_and_kind_comes_back(const Comm *c)
{
    static const struct {
        const char *config, *tokenizer, *text;
    } kind[] = {{llama, bytes, " x\xC3\xA4\n\t0"},
                {gpt2, bytes, " x\xC3\xA4\n\t0"},
                {llama, characters, "ab c \xC3\xA4\xE6\x97\xA5  .\n"},
                {gpt2, characters, "ab c \xC3\xA4\xE6\x97\xA5  .\n"},
                {gemma2, bytes, " x\xC3\xA4\n\t0"},
                {gemma3, characters, "ab c \xC3\xA4\xE6\x97\xA5  .\n"}};

    for (int i = 0; i < 6; i++)
        for (int form = 0; form < 2; form++) {
            Made        m;
            ImportModel found = {0};
            char        path[512];

            make(&m, kind[i].config, kind[i].tokenizer);
            snprintf(path, sizeof path, "%s/out%s", check_folder(c, "foreign"),
                     form == 0 ? ".gguf" : "");
            EXPECT_OK(form == 0 ? export_gguf(&m.arena, &m.model, EXPORT_F32, path)
                                : export_hf(&m.arena, &m.model, EXPORT_F32, path));
            EXPECT_OK(come_back(&m, path, &found));
            if (found.tokenizer != NULL)
                expect_same_vocab(&m, found.tokenizer, kind[i].text, (int64_t)strlen(kind[i].text));
            arena_free(&m.arena);
        }
}

// What a GGUF file says of positions are keys or a table, not the words of a config.json.
static void every_way_to_turn_heads_comes_back(const Comm *c)
{
#define SIZES                                                              \
    "\"vocab_size\": 20, \"hidden_size\": 32, \"intermediate_size\": 12, " \
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"max_position_embeddings\": 64, "
#define ROPE(words) "{\"model_type\": \"llama\", " SIZES "\"rope_scaling\": {" words "}}"
    static const char *const configs[] = {
        "{\"model_type\": \"mistral\", " SIZES "\"num_key_value_heads\": 1}",
        "{\"model_type\": \"qwen2\", " SIZES "\"num_key_value_heads\": 1}",
        "{\"model_type\": \"qwen3\", " SIZES "\"num_key_value_heads\": 1, \"head_dim\": 8}",
        "{\"model_type\": \"phi3\", " SIZES "\"partial_rotary_factor\": 0.75}",
        "{\"model_type\": \"gpt_neox\", " SIZES "\"rotary_pct\": 0.25}",
        "{\"model_type\": \"gpt_neox\", " SIZES
        "\"rotary_pct\": 1.0, \"use_parallel_residual\": false}",
        ROPE("\"rope_type\": \"linear\", \"factor\": 4"),
        ROPE("\"rope_type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": 16"),
        ROPE("\"rope_type\": \"yarn\", \"factor\": 4, \"attention_factor\": 1.5"),
        ROPE("\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, "
             "\"high_freq_factor\": 4, \"original_max_position_embeddings\": 8192"),
        ROPE("\"rope_type\": \"llama3\", \"factor\": 3, \"low_freq_factor\": 1.5, "
             "\"high_freq_factor\": 50, \"original_max_position_embeddings\": 100")};
#undef ROPE
#undef SIZES

    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        Made        m;
        ImportModel found = {0};
        char        path[512];
        double      want[64], got[64];

        make(&m, configs[i], NULL);
        snprintf(path, sizeof path, "%s/turn.gguf", check_folder(c, "turn"));
        EXPECT_OK(export_gguf(&m.arena, &m.model, EXPORT_F32, path));
        EXPECT_OK(come_back(&m, path, &found));
        EXPECT_INT(dims_rotary(&found.dims), dims_rotary(&m.params.dims));
        EXPECT_INT(found.dims.is_parallel, m.params.dims.is_parallel);
        EXPECT_INT(found.dims.K, m.params.dims.K);
        EXPECT_NEAR(rope_frequencies(&found.dims.rope, dims_rotary(&found.dims), got),
                    rope_frequencies(&m.params.dims.rope, dims_rotary(&found.dims), want), 1e-6);
        for (int n = 0; n < dims_rotary(&found.dims) / 2; n++)
            EXPECT_NEAR(got[n] / want[n], 1, 1e-5);
        arena_free(&m.arena);
    }
}

static void models_are_described(const Comm *c)
{
    Made m;
    Text t;
    char path[512];

    make(&m, llama, bytes);
    snprintf(path, sizeof path, "%s/out.gguf", check_folder(c, "describe"));
    EXPECT_OK(export_gguf(&m.arena, &m.model, EXPORT_Q8_0, path));
    t = text_make(&m.arena);
    EXPECT_OK(describe_model(&t, &m.arena, path));
    EXPECT(strstr(t.data, "F16: 16 tensors") != NULL); // no row is a multiple of 32
    EXPECT(strstr(t.data, "rotary positions, SwiGLU, head of its own") != NULL);
    EXPECT(strstr(t.data, "byte-level BPE, 259 tokens, bos 256 <bos>, eos 257") != NULL);
    EXPECT_ERR(describe_model(&t, &m.arena, "no/such/place"), ERR_IO, "there is no such file");
    arena_free(&m.arena);
}

static void what_a_form_cannot_say_is_refused(const Comm *c)
{
    Made m;
    char path[512];

    make(&m, llama, NULL);
    snprintf(path, sizeof path, "%s/out", check_folder(c, "refuse"));
    EXPECT_ERR(export_hf(&m.arena, &m.model, EXPORT_Q8_0, path), ERR_CONFIG,
               "q8_0 is for --to gguf");
    m.model.tokenizer = "{\"kind\": \"byte\"}";
    m.params.dims.V = 100; // fewer rows than tokens
    EXPECT_ERR(export_gguf(&m.arena, &m.model, EXPORT_F32, path), ERR_CONFIG,
               "its token 100 is none of the 100");
    EXPECT(!file_exists(path));
    arena_free(&m.arena);
}

static void what_llama_cpp_knows_by_itself_must_be_so(const Comm *c)
{
    static const struct {
        const char *base, *from, *to, *says;
    } change[] = {
        {gemma2, "\"query_pre_attn_scalar\": 4", "\"query_pre_attn_scalar\": 5", "5, other than 4"},
        {gemma2, "7.5", "null", "without bounds on scores"},
        {gemma2, "\"rope_theta\": 500", "\"tie_word_embeddings\": false", "a head of its own"},
        {gemma2, "\"rope_theta\": 500", "\"attention_bias\": true", "\"attention_bias\""},
        {gemma3, "\"rope_theta\": 500000", "\"rope_local_base_freq\": 20", "20, other than 10000"},
        {gemma3, "\"rope_theta\": 500000", "\"sliding_window_pattern\": 3", "but every 6."},
    };

    for (size_t i = 0; i < sizeof change / sizeof change[0]; i++) {
        const char *at = strstr(change[i].base, change[i].from);
        char        config[1024], path[512];
        Made        m;

        CHECK(at != NULL, "%s", change[i].from);
        snprintf(config, sizeof config, "%.*s%s%s", (int)(at - change[i].base), change[i].base,
                 change[i].to, at + strlen(change[i].from));
        make(&m, config, NULL);
        snprintf(path, sizeof path, "%s/out.gguf", check_folder(c, "unsaid"));
        EXPECT_ERR(export_gguf(&m.arena, &m.model, EXPORT_F32, path), ERR_CONFIG, change[i].says);
        EXPECT(!file_exists(path));
        check_compared(1);
        arena_free(&m.arena);
    }
}

// A GGUF file with these keys beside those of a small llama, and these tensors.
static void write_gguf(Made *m, const char *path, void (*more)(GgufMeta *meta))
{
    GgufMeta meta = gguf_meta(&m->arena);

    more(&meta);
    EXPECT_OK(gguf_write(&m->arena, path, &meta, NULL, 0, NULL, NULL));
}

static void no_architecture(GgufMeta *meta)
{
    gguf_put_u32(meta, "x", 1);
}

static void other_architecture(GgufMeta *meta)
{
    gguf_put_text(meta, "general.architecture", "mamba");
}

static void no_tensors(GgufMeta *meta)
{
    gguf_put_text(meta, "general.architecture", "llama");
}

static void gguf_files_that_are_no_models_are_named(const Comm *c)
{
    static const struct {
        void (*more)(GgufMeta *meta);
        Err         code;
        const char *says;
    } kind[] = {{no_architecture, ERR_DATA, "has no general.architecture"},
                {other_architecture, ERR_CONFIG, "architecture \"mamba\" is not supported"},
                {no_tensors, ERR_DATA, "a vocabulary without weights"}};

    for (int i = 0; i < 3; i++) {
        Made        m;
        ImportModel found;
        char        path[512];

        EXPECT_OK(arena_make(&m.arena, "test", 1 << 24));
        snprintf(path, sizeof path, "%s/x.gguf", check_folder(c, "strange"));
        write_gguf(&m, path, kind[i].more);
        EXPECT_ERR(import_find(&m.arena, path, &found), kind[i].code, kind[i].says);
        arena_free(&m.arena);
    }
}

TEST_MAIN(CASE(every_family_and_kind_comes_back), CASE(every_way_to_turn_heads_comes_back),
          CASE(models_are_described), CASE(what_a_form_cannot_say_is_refused),
          CASE(what_llama_cpp_knows_by_itself_must_be_so),
          CASE(gguf_files_that_are_no_models_are_named))
