#include "model/files/export_model.h"

#include "io/file.h"
#include "io/formats/gguf.h"
#include "io/formats/safetensors_write.h"
#include "model/files/gguf_names.h"
#include "model/files/gguf_rope.h"
#include "model/text/foreign_vocab.h"
#include "model/vocab.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static Err read_texts(Arena *scratch, const ExportModel *m, const Json **config,
                      const Json **tokenizer)
{
    Text t = text_make(scratch);

    dims_write(&t, &m->params->dims);
    TRY(json_parse(scratch, "the shape of the network", t.data, t.length, JSON_NO_COMMENTS,
                   config));
    *tokenizer = NULL;
    if (m->tokenizer == NULL)
        return OK;
    return json_parse(scratch, arena_format(scratch, "the tokenizer of %s", m->name), m->tokenizer,
                      (int64_t)strlen(m->tokenizer), JSON_NO_COMMENTS, tokenizer);
}

// ---- Hugging Face

static Err publish(const char *folder, const char *name, const Text *t)
{
    char path[FILE_PATH_MAX], tag[16];

    TRY(file_join(path, folder, name));
    snprintf(tag, sizeof tag, "%d", (int)getpid());
    return file_publish(path, tag, t->data, t->length);
}

Err export_template(const char *chat, const char *folder)
{
    Text t = {.data = (char *)(uintptr_t)chat, .length = (int64_t)strlen(chat)};

    TRY(file_make_folder(folder));
    return publish(folder, "chat_template.jinja", &t);
}

// In generation_config.json, all tokens that end a text.
typedef enum ExportEnds { EXPORT_FIRST_END, EXPORT_ALL_ENDS } ExportEnds;

static void add_end_list(Text *t, const Vocab *v, const char *name)
{
    int            count;
    const int32_t *more = vocab_more_ends(v, &count);

    text_printf(t, "  \"%s\": [%d", name, vocab_eos(v));
    for (int i = 0; i < count; i++)
        text_printf(t, ", %d", more[i]);
    text_puts(t, "],\n");
}

static void add_ends(Text *t, const Vocab *v, ExportEnds ends)
{
    static const char *const name[] = {"bos_token_id", "eos_token_id", "pad_token_id"};
    int32_t                  id[] = {-1, -1, -1};
    int                      more = 0;

    if (v != NULL) {
        id[0] = vocab_bos(v);
        id[1] = vocab_eos(v);
        id[2] = vocab_pad(v);
        vocab_more_ends(v, &more);
    }
    for (int i = 0; i < 3; i++)
        if (i == 1 && more > 0 && ends == EXPORT_ALL_ENDS)
            add_end_list(t, v, name[i]);
        else if (id[i] >= 0)
            text_printf(t, "  \"%s\": %d,\n", name[i], id[i]);
        else if (i < 2) // else transformers takes those of the family's first model
            text_printf(t, "  \"%s\": null,\n", name[i]);
}

// The config is taken as it is written: a number that has passed a parser has lost its point.
static Err write_configs(Arena *scratch, const Dims *d, const Vocab *v, ExportType type,
                         const char *folder)
{
    static const char *const names[] = {"float32", "float16", "bfloat16"};
    Text        t = text_make(scratch), g = text_make(scratch), all = text_make(scratch);
    const char *last;

    dims_write(&all, d);
    last = strstr(all.data, "  \"torch_dtype\"");
    CHECK(last != NULL, "%s", all.data);
    text_add(&t, all.data, last - all.data);
    add_ends(&t, v, EXPORT_FIRST_END);
    text_printf(&t, "  \"torch_dtype\": \"%s\"\n}\n", names[type]);
    TRY(publish(folder, "config.json", &t));
    text_puts(&g, "{\n");
    add_ends(&g, v, EXPORT_ALL_ENDS);
    text_puts(&g, "  \"_from_model_config\": true\n}\n");
    return publish(folder, "generation_config.json", &g);
}

typedef struct Source {
    ParamsFile        file;
    const GgufFamily *family;
    Arena            *scratch;
    float            *rope;       // a tensor behind the parameters: divisors of frequencies
    int64_t           rope_count; // 0: there is none
} Source;

static Err bring(void *self, int tensor, float *values)
{
    Source *s = self;

    return params_bring(&s->file, tensor, 0, values);
}

static Err write_safetensors(Arena *scratch, const ExportModel *m, ExportType type,
                             const char *folder)
{
    static const SafeKind kinds[] = {SAFE_F32, SAFE_F16, SAFE_BF16};
    const CkptTensor     *table = params_tensors(scratch, m->params);
    SafeOut              *out = arena_new(scratch, SafeOut, m->params->count);
    Source s = {.file = {.params = m->params, .flat = {(float *)(uintptr_t)m->flat}}};
    char   path[FILE_PATH_MAX];

    for (int n = 0; n < m->params->count; n++) {
        out[n] = (SafeOut){.name = table[n].name, .rank = table[n].rank};
        for (int i = 0; i < table[n].rank; i++)
            out[n].shape[i] = table[n].shape[i];
    }
    TRY(file_join(path, folder, "model.safetensors"));
    return safetensors_write(scratch, path, kinds[type], out, m->params->count, bring, &s);
}

Err export_hf(Arena *scratch, const ExportModel *m, ExportType type, const char *folder)
{
    const Json *config, *tokenizer;
    Vocab      *v = NULL;

    if (type == EXPORT_Q8_0)
        FAIL(ERR_CONFIG, "a Hugging Face folder holds f32, f16 or bf16; q8_0 is for --to gguf");
    TRY(read_texts(scratch, m, &config, &tokenizer));
    if (tokenizer != NULL)
        TRY(vocab_make(scratch, tokenizer, &v));
    TRY(file_make_folder(folder));
    if (tokenizer != NULL)
        TRY(foreign_vocab_folder(scratch, tokenizer, m->chat, folder));
    TRY(write_safetensors(scratch, m, type, folder));
    return write_configs(scratch, &m->params->dims, v, type,
                         folder); // last: a folder with it is whole
}

// ---- GGUF: sizes

// Keys of config.json that a GGUF file says in another way, or need not say.
static int is_said(const GgufFamily *f, const Json *m)
{
    static const char *const said[] = {"architectures",
                                       "model_type",
                                       "vocab_size",
                                       "initializer_range",
                                       "torch_dtype",
                                       "n_ctx",
                                       "attn_pdrop",
                                       "embd_pdrop",
                                       "resid_pdrop",
                                       "hidden_act",
                                       "head_dim",
                                       "rms_norm_eps",
                                       "rope_theta",
                                       "activation_function",
                                       "rotary_emb_base",
                                       "rotary_pct",
                                       "partial_rotary_factor",
                                       "rope_scaling",
                                       "pad_token_id",
                                       "max_window_layers",
                                       "layer_types",
                                       "tie_word_embeddings"};
    // What check_unsaid finds to be as the family has it.
    static const char *const unsaid[] = {"sliding_window", "layer_types", "query_pre_attn_scalar",
                                         "rope_local_base_freq", "hidden_activation"};

    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        if (strcmp(said[i], m->key) == 0)
            return 1;
    for (const GgufSize *s = gguf_sizes(f); s->key != NULL; s++)
        if (strcmp(s->config, m->key) == 0)
            return 1;
    for (size_t i = 0; i < sizeof unsaid / sizeof unsaid[0]; i++)
        if (f->nth > 0 && strcmp(m->key, unsaid[i]) == 0)
            return 1;
    // Some have biases by their family; others say so, and are then not what llama.cpp expects.
    if (strcmp(m->key, "attention_bias") == 0 && strcmp(f->type, "gpt_neox") == 0)
        return m->kind == JSON_TRUE;
    return m->kind == JSON_NULL || m->kind == JSON_FALSE;
}

static Err check_said(const GgufFamily *f, const Json *config)
{
    for (const Json *m = config->child; m != NULL; m = m->next)
        if (!is_said(f, m))
            FAIL(ERR_CONFIG,
                 "\"%s\" of the model is %s, which is not written to GGUF; export --to hf and "
                 "convert the folder with llama.cpp",
                 m->key, json_show(m, (char[JSON_WORDS]){0}, JSON_WORDS));
    return OK;
}

// What llama.cpp knows of a family and a file cannot say otherwise.
static Err check_unsaid(const GgufFamily *f, const Dims *d)
{
    static const char elsewhere[] = "cannot be said in GGUF; export --to hf";
    double            scalar = gguf_query_scalar(f, d->L, d->D, d->H, d->K);

    if (f->is_tied && !d->is_tied)
        FAIL(ERR_CONFIG, "a head of its own for \"%s\" %s", f->architecture, elsewhere);
    for (int i = 0; i < d->L && f->nth > 0; i++)
        if ((dims_window(d, i) > 0) != ((i + 1) % f->nth != 0))
            FAIL(ERR_CONFIG, "layers of \"%s\" with a window, other than all but every %d., %s",
                 f->architecture, f->nth, elsewhere);
    if (f->wide_layers > 0 && d->query_scalar != scalar)
        FAIL(ERR_CONFIG, "\"query_pre_attn_scalar\" %g, other than %g for \"%s\" of %d layers, %s",
             d->query_scalar, scalar, f->architecture, d->L, elsewhere);
    if (d->local_rope.theta != f->local_theta)
        FAIL(ERR_CONFIG, "\"rope_local_base_freq\" %g, other than %g, %s", d->local_rope.theta,
             f->local_theta, elsewhere);
    if (f->has_caps && (d->score_cap == 0 || d->logit_cap == 0))
        FAIL(ERR_CONFIG, "\"%s\" without bounds on scores and logits %s", f->architecture,
             elsewhere);
    return OK;
}

static void put_sizes(GgufMeta *meta, const GgufFamily *f, const Json *config)
{
    char key[128];

    for (const GgufSize *s = gguf_sizes(f); s->key != NULL; s++) {
        const Json *m = json_member(config, s->config);

        if (m == NULL || m->kind == JSON_NULL)
            continue;
        snprintf(key, sizeof key, "%s.%s", f->architecture, s->key);
        if (s->kind == GGUF_SIZE_FLAG)
            gguf_put_flag(meta, key, m->kind == JSON_TRUE);
        else if (s->kind == GGUF_SIZE_WHOLE)
            gguf_put_u32(meta, key, (uint32_t)m->number);
        else
            gguf_put_f32(meta, key, (float)m->number);
    }
}

static Err put_meta(GgufMeta *meta, const ExportModel *m, const GgufFamily *f, const Json *config,
                    ExportType type)
{
    static const uint32_t file_types[] = {0, 1, 32, 7}; // llama.cpp's numbers for most tensors
    const Dims           *d = &m->params->dims;
    char                  key[128];

    gguf_put_text(meta, "general.architecture", f->architecture);
    gguf_put_text(meta, "general.name", m->name);
    gguf_put_u32(meta, "general.file_type", file_types[type]);
    gguf_put_u32(meta, "general.quantization_version", 2);
    put_sizes(meta, f, config);
    snprintf(key, sizeof key, "%s.vocab_size", f->architecture);
    gguf_put_u32(meta, key, (uint32_t)d->V);
    snprintf(key, sizeof key, "%s.attention.sliding_window", f->architecture);
    if (f->nth > 0)
        gguf_put_u32(meta, key, (uint32_t)d->window);
    if (f->is_gpt2)
        return OK;
    snprintf(key, sizeof key, "%s.attention.key_length", f->architecture);
    gguf_put_u32(meta, key, (uint32_t)d->K);
    snprintf(key, sizeof key, "%s.attention.value_length", f->architecture);
    gguf_put_u32(meta, key, (uint32_t)d->K);
    return gguf_rope_put(meta, f, d);
}

// ---- GGUF: tensors

static GgufType type_of(const Param *one, ExportType type)
{
    static const GgufType types[] = {GGUF_TYPE_F32, GGUF_TYPE_F16, GGUF_TYPE_BF16, GGUF_TYPE_Q8_0};

    if (one->rank == 1)
        return GGUF_TYPE_F32;
    if (type == EXPORT_Q8_0 && one->columns % 32 != 0)
        return GGUF_TYPE_F16;
    if (one->role == PARAM_POSITION)
        return GGUF_TYPE_F32;
    return types[type];
}

static Err list_tensors(Arena *scratch, const Params *p, ExportType type, const Source *s,
                        GgufOut **out)
{
    char name[GGUF_NAME_ROOM];

    *out = arena_new(scratch, GgufOut, p->count + 1);
    (*out)[p->count] = (GgufOut){
        .name = GGUF_ROPE_TABLE, .type = GGUF_TYPE_F32, .rank = 1, .shape = {s->rope_count}};
    for (int n = 0; n < p->count; n++) {
        const Param *one = &p->list[n];

        if (!gguf_name_of(one, name))
            FAIL(ERR_CONFIG, "the tensor %s has no name in GGUF files that is known here",
                 one->name);
        (*out)[n] = (GgufOut){.name = arena_text(scratch, name),
                              .type = type_of(one, type),
                              .rank = one->rank,
                              .shape = {one->rows, one->columns}};
    }
    return OK;
}

// Always [out][in], as we keep them.
static Err bring_gguf(void *self, int tensor, float *values)
{
    Source       *s = self;
    const Params *p = s->file.params;
    const Param  *one = &p->list[tensor];
    const float  *from;
    float         offset;

    if (tensor == p->count) {
        memcpy(values, s->rope, (size_t)s->rope_count * sizeof *values);
        return OK;
    }
    from = s->file.flat[0] + one->offset;
    offset = gguf_offset(p, one);
    if (gguf_is_permuted(s->family, one))
        gguf_permute(from, values, one->rows / p->dims.K, p->dims.K, one->columns);
    else
        memcpy(values, from, (size_t)(one->rows * one->columns) * sizeof *values);
    for (int64_t i = 0; offset != 0 && i < one->rows * one->columns; i++)
        values[i] += offset;
    return OK;
}

Err export_gguf(Arena *scratch, const ExportModel *m, ExportType type, const char *path)
{
    GgufMeta    meta = gguf_meta(scratch);
    Source      s = {.file = {.params = m->params, .flat = {(float *)(uintptr_t)m->flat}},
                     .scratch = scratch};
    const Json *config, *tokenizer;
    const char *model_type;
    GgufOut    *tensors;

    TRY(read_texts(scratch, m, &config, &tokenizer));
    TRY(json_want_text(config, "model_type", &model_type));
    s.family = gguf_family_by_type(model_type);
    if (s.family == NULL)
        FAIL(ERR_CONFIG,
             "a model of the type %s is not written to GGUF; export --to hf and convert the folder "
             "with llama.cpp",
             model_type);
    TRY(check_unsaid(s.family, &m->params->dims));
    TRY(check_said(s.family, config));
    TRY(put_meta(&meta, m, s.family, config, type));
    if (tokenizer != NULL)
        TRY(foreign_vocab_put(scratch, tokenizer, m->chat, m->params->dims.V, &meta));
    else
        gguf_put_text(&meta, "tokenizer.ggml.model", "no_vocab");
    gguf_rope_table(scratch, &m->params->dims, &s.rope, &s.rope_count);
    TRY(list_tensors(scratch, m->params, type, &s, &tensors));
    return gguf_write(scratch, path, &meta, tensors, m->params->count + (s.rope_count > 0),
                      bring_gguf, &s);
}
