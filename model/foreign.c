#include "model/foreign.h"

#include "io/gguf.h"
#include "io/llama2c.h"
#include "model/gguf_names.h"
#include "model/text/foreign_vocab.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static int is_gguf(const char *path)
{
    char  magic[4] = "";
    FILE *f = fopen(path, "rb");

    if (f != NULL) {
        size_t got = fread(magic, 1, sizeof magic, f);

        fclose(f);
        if (got == sizeof magic && memcmp(magic, "GGUF", 4) == 0)
            return 1;
    }
    return ends_with(path, ".gguf");
}

int foreign_is(const char *path)
{
    return is_gguf(path) || ends_with(path, ".bin") || ends_with(path, ".pt") ||
           ends_with(path, ".pth") || ends_with(path, ".ckpt");
}

static Err check_finite(const char *path, const char *name, const float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            FAIL(ERR_DATA, "%s: element %" PRId64 " of %s is %g; expected finite numbers", path, i,
                 name, (double)x[i]);
    return OK;
}

static Err read_config(Arena *run, const char *path, const Text *config, Dims *out)
{
    const char *where = arena_format(run, "%s (its sizes, written as a config.json)", path);
    const Json *root;

    TRY(json_parse(run, where, config->data, config->length, JSON_NO_COMMENTS, &root));
    return dims_read(root, out);
}

// ---- sizes of a GGUF file

static Err find_family(Arena *arena, const Gguf *g, const GgufFamily **out)
{
    const char *name;

    TRY(gguf_get_text(arena, g, "general.architecture", &name));
    if (name == NULL)
        FAIL(ERR_DATA, "%s: has no general.architecture; this is no file of a language model",
             g->path);
    *out = gguf_family_of(name);
    if (*out == NULL)
        FAIL(ERR_CONFIG,
             "%s: the architecture \"%.40s\" is not supported; expected llama, gpt2 or "
             "qwen2",
             g->path, name);
    return OK;
}

static Err add_size(Text *t, const Gguf *g, const GgufFamily *f, const GgufSize *size)
{
    char    key[128];
    int64_t whole;
    double  real;

    snprintf(key, sizeof key, "%s.%s", f->architecture, size->key);
    if (gguf_find(g, key) == NULL && size->is_optional)
        return OK;
    if (gguf_find(g, key) == NULL)
        FAIL(ERR_DATA, "%s: has no key %s", g->path, key);
    text_printf(t, "\"%s\": ", size->config);
    if (size->kind == GGUF_SIZE_WHOLE) {
        TRY(gguf_get_i64(g, key, 1, INT32_MAX, 0, &whole));
        text_printf(t, "%" PRId64 ",\n", whole);
    } else {
        TRY(gguf_get_f64(g, key, 0, &real));
        text_printf(t, "%.9g,\n", real);
    }
    return OK;
}

static Err refuse(const Gguf *g, const char *key, const char *what)
{
    FAIL(ERR_CONFIG, "%s: %s: %s is not supported", g->path, key, what);
}

// What changes the computation and is not among the sizes.
static Err check_rest(Arena *arena, Text *t, const Gguf *g, const GgufFamily *f)
{
    char        key[128];
    const char *scaling;
    int64_t     experts, window;
    double      factor;

    snprintf(key, sizeof key, "%s.expert_count", f->architecture);
    TRY(gguf_get_i64(g, key, 0, INT32_MAX, 0, &experts));
    if (experts > 0)
        return refuse(g, key, "a mixture of experts");
    snprintf(key, sizeof key, "%s.attention.sliding_window", f->architecture);
    TRY(gguf_get_i64(g, key, 0, INT32_MAX, 0, &window));
    if (window > 0)
        text_printf(t, "\"sliding_window\": %" PRId64 ",\n", window);
    snprintf(key, sizeof key, "%s.rope.scaling.type", f->architecture);
    TRY(gguf_get_text(arena, g, key, &scaling));
    if (scaling != NULL && strcmp(scaling, "none") != 0) {
        if (strcmp(scaling, "linear") != 0)
            return refuse(g, key, scaling);
        snprintf(key, sizeof key, "%s.rope.scaling.factor", f->architecture);
        TRY(gguf_get_f64(g, key, 1, &factor));
        text_printf(t, "\"rope_scaling\": {\"type\": \"linear\", \"factor\": %.9g},\n", factor);
    }
    if (gguf_tensor(g, "rope_freqs.weight") != NULL)
        FAIL(ERR_CONFIG,
             "%s: tensor rope_freqs.weight: positions that are scaled by a table (Llama 3.1) are "
             "not supported in GGUF files; use the Hugging Face folder of the model",
             g->path);
    if (gguf_tensor(g, "blk.0.attn_q.bias") != NULL && strcmp(f->type, "llama") == 0)
        text_puts(t, "\"attention_bias\": true,\n");
    return OK;
}

static Err check_rotary(const Gguf *g, const GgufFamily *f, const Dims *d)
{
    char    key[128];
    int64_t rotary;

    if (f->is_gpt2)
        return OK;
    snprintf(key, sizeof key, "%s.rope.dimension_count", f->architecture);
    TRY(gguf_get_i64(g, key, 1, INT32_MAX, d->K, &rotary));
    if (rotary != d->K)
        FAIL(ERR_CONFIG,
             "%s: %s is %" PRId64 ", a head is %d wide; positions on a part of a head are not "
             "supported",
             g->path, key, rotary, d->K);
    return OK;
}

static int same_bytes(const GgufTensor *a, const GgufTensor *b)
{
    return a->type == b->type && a->elements == b->elements && a->data != NULL &&
           a->bytes == b->bytes && memcmp(a->data, b->data, (size_t)a->bytes) == 0;
}

static Err find_in_gguf(Arena *run, const Gguf *g, ImportModel *out)
{
    Text              t = text_make(run);
    const GgufTensor *embed = gguf_tensor(g, "token_embd.weight");
    const GgufTensor *head = gguf_tensor(g, "output.weight");
    const GgufFamily *f;

    TRY(find_family(run, g, &f));
    if (embed == NULL || embed->rank != 2)
        FAIL(ERR_DATA, "%s: has no matrix token_embd.weight: %s", g->path,
             g->tensors == 0 ? "it is a vocabulary without weights" : "it is no language model");
    text_printf(&t, "{\"model_type\": \"%s\",\n\"vocab_size\": %" PRId64 ",\n", f->type,
                embed->shape[0]);
    for (const GgufSize *s = gguf_sizes(f); s->key != NULL; s++)
        TRY(add_size(&t, g, f, s));
    TRY(check_rest(run, &t, g, f));
    text_printf(&t, "\"tie_word_embeddings\": %s}\n",
                head == NULL || same_bytes(head, embed) ? "true" : "false");
    TRY(read_config(run, g->path, &t, &out->dims));
    TRY(check_rotary(g, f, &out->dims));
    return foreign_vocab_gguf(run, g, &out->tokenizer);
}

// ---- weights of a GGUF file

static Err take_tensor(Arena *scratch, const Gguf *g, const GgufFamily *f, const Params *p, int n,
                       float *flat, uint8_t *used)
{
    const Param      *one = &p->list[n];
    float            *to = flat + one->offset, *plain;
    char              name[GGUF_NAME_ROOM];
    const GgufTensor *t;

    if (!gguf_name_of(one->name, name))
        FAIL(ERR_CONFIG, "%s: no tensor of a GGUF file is known that would be %s", g->path,
             one->name);
    t = gguf_tensor(g, name);
    if (t == NULL)
        FAIL(ERR_DATA, "%s: there is no tensor %s, which its sizes ask for", g->path, name);
    if (t->rank != one->rank || t->shape[0] != one->rows ||
        (one->rank == 2 && t->shape[1] != one->columns))
        FAIL(ERR_DATA,
             "%s: tensor %s has %" PRId64 " rows of %" PRId64 "; its sizes make it %" PRId64
             " rows of %" PRId64,
             g->path, name, t->shape[0], t->rank > 1 ? t->shape[1] : 1, one->rows, one->columns);
    used[t - g->tensor] = 1;
    if (!gguf_is_permuted(f, one)) {
        TRY(gguf_read(g, t, to));
    } else {
        plain = arena_new(scratch, float, t->elements);
        TRY(gguf_read(g, t, plain));
        gguf_unpermute(plain, to, one->rows / p->dims.K, p->dims.K, one->columns);
    }
    return check_finite(g->path, name, to, t->elements);
}

static Err load_gguf(Arena *scratch, const Gguf *g, const Params *p, float *flat)
{
    uint8_t          *used = arena_new(scratch, uint8_t, g->tensors + 1);
    const GgufFamily *f;

    TRY(find_family(scratch, g, &f));
    for (int n = 0; n < p->count; n++) {
        ArenaMark mark = arena_mark(scratch);

        TRY(take_tensor(scratch, g, f, p, n, flat, used));
        arena_back(scratch, mark);
    }
    for (int64_t i = 0; i < g->tensors; i++)
        if (!used[i] && !(p->dims.is_tied && strcmp(g->tensor[i].name, "output.weight") == 0))
            FAIL(ERR_DATA, "%s: tensor %s has no place in the model that its sizes describe",
                 g->path, g->tensor[i].name);
    return OK;
}

// ---- llama2.c

// What its files do not say: all models of llama2.c have it so.
static Err find_in_llama2c(Arena *run, const Llama2c *f, ImportModel *out)
{
    Text t = text_make(run);

    text_printf(&t,
                "{\"model_type\": \"llama\",\n\"vocab_size\": %" PRId64
                ",\n\"hidden_size\": %" PRId64 ",\n\"intermediate_size\": %" PRId64
                ",\n\"num_hidden_layers\": %" PRId64 ",\n\"num_attention_heads\": %" PRId64
                ",\n\"num_key_value_heads\": %" PRId64 ",\n\"max_position_embeddings\": %" PRId64
                ",\n\"rms_norm_eps\": 1e-5,\n\"rope_theta\": 10000.0,\n\"tie_word_embeddings\": "
                "%s}\n",
                f->vocabulary, f->width, f->inner, f->layers, f->heads, f->kv_heads, f->context,
                f->is_shared ? "true" : "false");
    TRY(read_config(run, f->path, &t, &out->dims));
    return foreign_vocab_llama2c(run, f->path, f->vocabulary, &out->tokenizer);
}

static Llama2cPart part_of(const Param *one)
{
    static const struct {
        const char *end;
        Llama2cPart part;
    } PARTS[] = {{"embed_tokens.weight", LLAMA2C_EMBED},
                 {"input_layernorm.weight", LLAMA2C_NORM1},
                 {"post_attention_layernorm.weight", LLAMA2C_NORM2},
                 {"q_proj.weight", LLAMA2C_Q},
                 {"k_proj.weight", LLAMA2C_K},
                 {"v_proj.weight", LLAMA2C_V},
                 {"o_proj.weight", LLAMA2C_OUT},
                 {"gate_proj.weight", LLAMA2C_GATE},
                 {"down_proj.weight", LLAMA2C_DOWN},
                 {"up_proj.weight", LLAMA2C_UP},
                 {"model.norm.weight", LLAMA2C_NORMF},
                 {"lm_head.weight", LLAMA2C_HEAD}};

    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++)
        if (ends_with(one->name, PARTS[i].end))
            return PARTS[i].part;
    return LLAMA2C_PARTS;
}

static Err load_llama2c(Arena *scratch, const Llama2c *f, const Params *p, float *flat)
{
    for (int n = 0; n < p->count; n++) {
        const Param *one = &p->list[n];
        Llama2cPart  part = part_of(one);
        int64_t      layer = one->layer < 0 ? 0 : one->layer, count = one->rows * one->columns;
        float       *to = flat + one->offset;
        ArenaMark    mark = arena_mark(scratch);

        CHECK(part != LLAMA2C_PARTS && llama2c_elements(f, part) == count, "%s", one->name);
        if (part == LLAMA2C_Q || part == LLAMA2C_K) {
            float *plain = arena_new(scratch, float, count);

            llama2c_read(f, part, layer, plain);
            gguf_unpermute(plain, to, one->rows / p->dims.K, p->dims.K, one->columns);
        } else {
            llama2c_read(f, part, layer, to);
        }
        arena_back(scratch, mark);
        TRY(check_finite(f->path, one->name, to, count));
    }
    return OK;
}

// ---- either

Err foreign_find(Arena *run, const char *path, ImportModel *out)
{
    Gguf    g;
    Llama2c f;
    Err     e;

    snprintf(out->chosen, sizeof out->chosen, "%s", path);
    if (is_gguf(path)) {
        e = gguf_open(run, path, &g);
        if (e == OK)
            e = find_in_gguf(run, &g, out);
        gguf_close(&g);
        return e;
    }
    e = llama2c_open(run, path, &f);
    if (e == OK)
        e = find_in_llama2c(run, &f, out);
    llama2c_close(&f);
    return e;
}

Err foreign_load(Arena *scratch, const char *path, const Params *p, float *flat)
{
    ArenaMark mark = arena_mark(scratch);
    Gguf      g;
    Llama2c   f;
    Err       e;

    if (is_gguf(path)) {
        e = gguf_open(scratch, path, &g);
        if (e == OK)
            e = load_gguf(scratch, &g, p, flat);
        gguf_close(&g);
    } else {
        e = llama2c_open(scratch, path, &f);
        if (e == OK)
            e = load_llama2c(scratch, &f, p, flat);
        llama2c_close(&f);
    }
    arena_back(scratch, mark);
    return e;
}
