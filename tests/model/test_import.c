#include "io/ckpt.h"
#include "io/file.h"
#include "model/files/import.h"
#include "tests/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char llama[] =
    "{\"model_type\": \"llama\", \"vocab_size\": 11, \"hidden_size\": 8, \"head_dim\": 4,"
    " \"intermediate_size\": 12, \"num_hidden_layers\": 2, \"num_attention_heads\": 2,"
    " \"max_position_embeddings\": 16, \"tie_word_embeddings\": true}";
static const char gpt2[] =
    "{\"model_type\": \"gpt2\", \"vocab_size\": 11, \"n_embd\": 8, \"n_layer\": 2, \"n_head\": 2,"
    " \"n_positions\": 16, \"n_inner\": null}";

#define SIZES                                                                                      \
    "\"vocab_size\": 11, \"hidden_size\": 8, \"intermediate_size\": 12, \"num_hidden_layers\": 2," \
    " \"num_attention_heads\": 2, \"max_position_embeddings\": 16"
static const char qwen2[] = "{\"model_type\": \"qwen2\", " SIZES ", \"num_key_value_heads\": 1}";
static const char qwen3[] =
    "{\"model_type\": \"qwen3\", " SIZES ", \"num_key_value_heads\": 1, \"head_dim\": 6}";
static const char gptneox[] = "{\"model_type\": \"gpt_neox\", " SIZES ", \"rotary_pct\": 0.5}";
static const char phi3[] = "{\"model_type\": \"phi3\", " SIZES "}";
static const char gemma3[] =
    "{\"model_type\": \"gemma3_text\", " SIZES ", \"num_key_value_heads\": 1, \"head_dim\": 6,"
    " \"sliding_window_pattern\": 2, \"attention_bias\": true}";

// A Hugging Face folder in the making, and what is wrong with it.
typedef struct Maker {
    Arena        arena;
    Params       params;
    float       *flat;
    const char  *folder;
    const char  *leave_out; // a tensor that is not written
    const char  *reshape;   // a tensor whose axes are written as one
    const char  *turn;      // a tensor whose axes change places
    const char  *drop;      // a beginning of names that is not written
    const char  *add;       // one more tensor, of 11 x 8 floats
    const float *add_values;
} Maker;

static void put_entry(Text *header, const char *name, int rank, const int64_t *shape,
                      int64_t floats, int64_t *at)
{
    text_printf(header, "%s\"%s\": {\"dtype\": \"F32\", \"shape\": [", *at > 0 ? ", " : "{", name);
    for (int i = 0; i < rank; i++)
        text_printf(header, "%s%" PRId64, i > 0 ? ", " : "", shape[i]);
    text_printf(header, "], \"data_offsets\": [%" PRId64 ", %" PRId64 "]}", *at,
                *at + floats * (int64_t)sizeof(float));
    *at += floats * (int64_t)sizeof(float);
}

static const char *name_in_file(const Maker *m, const char *name)
{
    if (m->drop != NULL && strncmp(name, m->drop, strlen(m->drop)) == 0)
        return name + strlen(m->drop);
    return name;
}

static void write_weights(Maker *m)
{
    const CkptTensor *table = params_tensors(&m->arena, &m->params);
    ParamsFile        from = {.params = &m->params, .flat = {m->flat}};
    Text              header = text_make(&m->arena), data = text_make(&m->arena);
    char              path[FILE_PATH_MAX];
    int64_t           at = 0;
    FILE             *f;
    uint64_t          size;

    for (int n = 0; n < m->params.count; n++) {
        const Param *one = &m->params.list[n];
        int64_t      count = one->rows * one->columns;
        float       *values = arena_new(&m->arena, float, count);
        int          turn = m->turn != NULL && strcmp(m->turn, one->name) == 0;
        int64_t      turned[2] = {table[n].shape[1], table[n].shape[0]};
        int          flatten = m->reshape != NULL && strcmp(m->reshape, one->name) == 0;

        if (m->leave_out != NULL && strcmp(m->leave_out, one->name) == 0)
            continue;
        EXPECT_OK(params_bring(&from, n, 0, values));
        put_entry(&header, name_in_file(m, one->name), flatten ? 1 : one->rank,
                  flatten ? &count
                  : turn  ? turned
                          : table[n].shape,
                  count, &at);
        text_add(&data, (const char *)values, count * (int64_t)sizeof *values);
    }
    if (m->add != NULL) {
        put_entry(&header, m->add, 2, (const int64_t[]){11, 8}, 88, &at);
        text_add(&data, (const char *)m->add_values, 88 * (int64_t)sizeof(float));
    }
    text_puts(&header, "}");
    size = (uint64_t)header.length;
    EXPECT_OK(file_join(path, m->folder, "model.safetensors"));
    f = fopen(path, "wb");
    CHECK(f != NULL, "%s", path);
    EXPECT(fwrite(&size, sizeof size, 1, f) == 1);
    EXPECT(fwrite(header.data, (size_t)header.length, 1, f) == 1);
    EXPECT(fwrite(data.data, (size_t)data.length, 1, f) == 1);
    EXPECT_INT(fclose(f), 0);
}

static Maker maker_open(const Comm *c, const char *name, const char *config)
{
    Maker       m = {.folder = check_folder(c, name)};
    char        path[FILE_PATH_MAX];
    const Json *root;
    Dims        d;
    FILE       *f;

    EXPECT_OK(arena_make(&m.arena, "test", 16 << 20));
    EXPECT_OK(
        json_parse(&m.arena, "config", config, (int64_t)strlen(config), JSON_NO_COMMENTS, &root));
    EXPECT_OK(dims_read(root, &d));
    m.params = params_make(&m.arena, &d);
    m.flat = arena_new(&m.arena, float, m.params.padded);
    params_init(&m.params, 5, m.flat);
    EXPECT_OK(file_join(path, m.folder, "config.json"));
    f = fopen(path, "wb");
    CHECK(f != NULL, "%s", path);
    fputs(config, f);
    EXPECT_INT(fclose(f), 0);
    return m;
}

static void change_config(Maker *m, const char *from, const char *to)
{
    char  path[FILE_PATH_MAX], text[2048];
    FILE *f;
    char *at;

    EXPECT_OK(file_join(path, m->folder, "config.json"));
    f = fopen(path, "rb");
    CHECK(f != NULL, "%s", path);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    EXPECT_INT(fclose(f), 0);
    at = strstr(text, from);
    CHECK(at != NULL, "%s", from);
    f = fopen(path, "wb");
    CHECK(f != NULL, "%s", path);
    fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    EXPECT_INT(fclose(f), 0);
}

// Reads it back by way of import_find.
static Err read_back(Maker *m, const char *path, float **flat)
{
    ImportModel found;
    Params      p;

    TRY(import_find(&m->arena, path, &found));
    p = params_make(&m->arena, &found.dims);
    *flat = arena_new(&m->arena, float, p.padded);
    TRY(import_load(&m->arena, &found, &p, *flat));
    return OK;
}

static void expect_same(const Maker *m, const float *flat)
{
    EXPECT_INT(memcmp(flat, m->flat, (size_t)m->params.padded * sizeof *flat), 0);
}

static void folders_give_the_weights_that_they_hold(const Comm *c)
{
    static const struct {
        const char *config, *drop, *add;
    } kind[] = {{llama, NULL, NULL},
                {gpt2, NULL, NULL},
                {gpt2, "transformer.", "h.1.attn.bias"},
                {llama, NULL, "model.layers.0.self_attn.rotary_emb.inv_freq"},
                {qwen2, NULL, NULL},
                {qwen3, "model.", NULL},
                {gptneox, NULL, "gpt_neox.layers.1.attention.bias"},
                {gptneox, "gpt_neox.", "layers.1.attention.masked_bias"},
                {phi3, NULL, NULL}};

    for (size_t i = 0; i < sizeof kind / sizeof kind[0]; i++) {
        Maker  m = maker_open(c, "import", kind[i].config);
        float *flat = NULL;

        m.drop = kind[i].drop;
        m.add = kind[i].add;
        m.add_values = m.flat;
        write_weights(&m);
        EXPECT_OK(read_back(&m, m.folder, &flat));
        if (flat != NULL)
            expect_same(&m, flat);
        arena_free(&m.arena);
    }
}

static void what_does_not_fit_the_config_is_named(const Comm *c)
{
    static const struct {
        const char *config, *leave_out, *turn, *reshape, *add, *says;
    } kind[] = {
        {llama, "model.layers.1.mlp.up_proj.weight", NULL, NULL, NULL,
         "model.layers.1.mlp.up_proj.weight"},
        {qwen2, "model.layers.1.self_attn.k_proj.bias", NULL, NULL, NULL,
         "no tensor model.layers.1.self_attn.k_proj.bias"},
        {qwen3, "model.layers.0.self_attn.q_norm.weight", NULL, NULL, NULL,
         "no tensor model.layers.0.self_attn.q_norm.weight"},
        {gptneox, "embed_out.weight", NULL, NULL, NULL, "no tensor embed_out.weight"},
        {llama, NULL, "model.layers.0.mlp.down_proj.weight", NULL, NULL,
         "has shape [12, 8]; config.json makes it [8, 12]: it is transposed"},
        {llama, NULL, NULL, "model.layers.0.self_attn.q_proj.weight", NULL,
         "shape [64]; config.json makes it "
         "[8, 8]"},
        {llama, NULL, NULL, NULL, "model.layers.2.input_layernorm.weight",
         "model.layers.2.input_layernorm.weight has no place"},
    };

    for (size_t i = 0; i < sizeof kind / sizeof kind[0]; i++) {
        Maker  m = maker_open(c, "misfit", kind[i].config);
        float *flat;

        m.leave_out = kind[i].leave_out;
        m.reshape = kind[i].reshape;
        m.turn = kind[i].turn;
        m.add = kind[i].add;
        m.add_values = m.flat;
        write_weights(&m);
        EXPECT_ERR(read_back(&m, m.folder, &flat), ERR_DATA, kind[i].says);
        arena_free(&m.arena);
    }
}

// A tokenizer that grew: the table has another length than config.json says.
static void a_vocabulary_of_another_size_is_refused(const Comm *c)
{
    Maker  m = maker_open(c, "vocabulary", llama);
    float *flat;

    m.leave_out = "model.embed_tokens.weight";
    m.add = m.leave_out;
    m.add_values = m.flat;
    write_weights(&m);
    change_config(&m, "\"vocab_size\": 11", "\"vocab_size\": 12");
    EXPECT_ERR(read_back(&m, m.folder, &flat), ERR_DATA,
               "model.embed_tokens.weight has shape [11, 8]; config.json makes it [12, 8]");
    arena_free(&m.arena);
}

// Rows of the file go head by head: query, key, value of the first head, then of the second.
static void gpt_neox_rows_go_by_heads(const Comm *c)
{
    enum { D = 8, K = 4, H = 2 };
    Maker        m = maker_open(c, "heads", gptneox);
    ParamsFile   from = {.params = &m.params, .flat = {m.flat}};
    float        file[3 * D * D], bias[3 * D];
    const float *ours = m.flat + params_at(&m.params, PARAM_QKV, 1);
    int          n = 0;

    while (m.params.list[n].layer != 1 || m.params.list[n].role != PARAM_QKV)
        n++;
    EXPECT_TEXT(m.params.list[n].name, "gpt_neox.layers.1.attention.query_key_value.weight");
    EXPECT_OK(params_bring(&from, n, 0, file));
    for (int i = 0; i < 3 * D; i++)
        m.flat[params_at(&m.params, PARAM_QKV_BIAS, 1) + i] = (float)i;
    EXPECT_OK(params_bring(&from, n + 1, 0, bias));
    for (int h = 0; h < H; h++)
        for (int part = 0; part < 3; part++)
            for (int k = 0; k < K; k++) {
                int in_file = (h * 3 + part) * K + k, here = (part * H + h) * K + k;

                EXPECT(memcmp(file + in_file * D, ours + here * D, D * sizeof *file) == 0);
                EXPECT(bias[in_file] == (float)here);
            }
    arena_free(&m.arena);
}

static void a_tied_head_may_be_there_twice_but_not_differ(const Comm *c)
{
    Maker  m = maker_open(c, "twin", llama);
    float *flat, other[88];

    m.add = "lm_head.weight";
    m.add_values = m.flat + m.params.list[0].offset;
    write_weights(&m);
    EXPECT_OK(read_back(&m, m.folder, &flat));
    memcpy(other, m.add_values, sizeof other);
    other[87] += 1;
    m.add_values = other;
    write_weights(&m);
    EXPECT_ERR(read_back(&m, m.folder, &flat), ERR_DATA, "set tie_word_embeddings to false");
    arena_free(&m.arena);
}

static void numbers_that_are_none_are_refused(const Comm *c)
{
    Maker  m = maker_open(c, "nan", llama);
    float *flat;

    m.flat[params_at(&m.params, PARAM_DOWN, 1) + 5] = NAN;
    write_weights(&m);
    EXPECT_ERR(read_back(&m, m.folder, &flat), ERR_DATA,
               "element 5 of tensor model.layers.1.mlp.down_proj.weight");
    arena_free(&m.arena);
}

static void runs_give_their_newest_weights(const Comm *c)
{
    static const char tokenizer[] = "{\"kind\": \"byte\"}";
    const char       *configs[] = {llama, gpt2, qwen2, qwen3, gptneox, phi3, gemma3};

    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        Maker       m = maker_open(c, "source", configs[i]);
        ParamsFile  from = {.params = &m.params, .flat = {m.flat}};
        Text        config = text_make(&m.arena);
        CkptTexts   texts = {.tokenizer = tokenizer, .chat = "", .provenance = "{}"};
        ImportModel found;
        Run         run;
        char        dir[256], path[FILE_PATH_MAX];
        float      *flat = NULL;

        snprintf(dir, sizeof dir, "%s", check_folder(c, "run"));
        dims_write(&config, &m.params.dims);
        texts.model = config.data;
        EXPECT_OK(run_open_all(c, dir, RUN_BOTH, &run));
        EXPECT_ERR(import_find(&m.arena, dir, &found), ERR_DATA, "holds no weights");
        for (int64_t version = 9; version <= 10; version++) {
            m.flat[0] = (float)version;
            EXPECT_OK(ckpt_write_weights(&run, &m.arena, version,
                                         params_tensors(&m.arena, &m.params), m.params.count,
                                         &texts, params_bring, &from));
        }
        EXPECT_OK(read_back(&m, dir, &flat));
        if (flat != NULL)
            expect_same(&m, flat);
        EXPECT_OK(import_find(&m.arena, dir, &found));
        EXPECT_TEXT(found.tokenizer, tokenizer);
        EXPECT(strstr(found.chosen, "weights/v0010.h5") != NULL);
        snprintf(path, sizeof path, "%s/weights/v0009.h5", dir);
        EXPECT_OK(read_back(&m, path, &flat));
        EXPECT(flat[0] == 9);
        arena_free(&m.arena);
    }
}

static void paths_to_nothing_say_what_was_expected(const Comm *c)
{
    const char *folder = check_folder(c, "empty");
    Arena       a;
    ImportModel m;

    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    EXPECT_ERR(import_find(&a, "no/such/place", &m), ERR_IO, "expected a Hugging Face folder");
    EXPECT_ERR(import_find(&a, folder, &m), ERR_DATA, "no config.json");
    arena_free(&a);
}

TEST_MAIN(CASE(folders_give_the_weights_that_they_hold),
          CASE(what_does_not_fit_the_config_is_named),
          CASE(a_vocabulary_of_another_size_is_refused), CASE(gpt_neox_rows_go_by_heads),
          CASE(a_tied_head_may_be_there_twice_but_not_differ),
          CASE(numbers_that_are_none_are_refused), CASE(runs_give_their_newest_weights),
          CASE(paths_to_nothing_say_what_was_expected))
