// Weights of other programs: GGUF.
#include "model/files/foreign_private.h"
#include "model/files/gguf_names.h"
#include "model/files/gguf_rope.h"
#include "model/text/foreign_vocab.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

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
             "%s: the architecture \"%.40s\" is not supported; expected " GGUF_ARCHITECTURES
             ": use such a model",
             g->path, name);
    return OK;
}

static Err add_size(Text *t, const Gguf *g, const GgufFamily *f, const GgufSize *size)
{
    char    key[128];
    int64_t whole;
    double  real;
    int     flag;

    snprintf(key, sizeof key, "%s.%s", f->architecture, size->key);
    if (gguf_find(g, key) == NULL && size->is_optional)
        return OK;
    if (gguf_find(g, key) == NULL)
        FAIL(ERR_DATA, "%s: has no key %s", g->path, key);
    text_printf(t, "\"%s\": ", size->config);
    if (size->kind == GGUF_SIZE_FLAG) {
        TRY(gguf_get_flag(g, key, 0, &flag));
        text_printf(t, "%s,\n", flag ? "true" : "false");
    } else if (size->kind == GGUF_SIZE_WHOLE) {
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

// What the family has and its files do not say, or not all of it.
static Err add_unsaid(Text *t, const Gguf *g, const GgufFamily *f, int64_t window)
{
    char    key[128];
    int64_t K, L, D, H;
    double  theta;

    if (f->nth == 0)
        return OK;
    snprintf(key, sizeof key, "%s.attention.key_length", f->architecture);
    TRY(gguf_get_i64(g, key, 1, INT32_MAX, 0, &K));
    if (K == 0)
        FAIL(ERR_DATA, "%s: has no key %s", g->path, key);
    snprintf(key, sizeof key, "%s.block_count", f->architecture);
    TRY(gguf_get_i64(g, key, 1, INT32_MAX, 1, &L));
    snprintf(key, sizeof key, "%s.embedding_length", f->architecture);
    TRY(gguf_get_i64(g, key, 1, INT32_MAX, 1, &D));
    snprintf(key, sizeof key, "%s.attention.head_count", f->architecture);
    TRY(gguf_get_i64(g, key, 1, INT32_MAX, 1, &H));
    text_printf(t, "\"query_pre_attn_scalar\": %.17g,\n", gguf_query_scalar(f, L, D, H, K));
    snprintf(key, sizeof key, "%s.rope.freq_base", f->architecture);
    if (gguf_find(g, key) == NULL)
        text_puts(t, "\"rope_theta\": 10000,\n");
    snprintf(key, sizeof key, "%s.rope.freq_base_swa", f->architecture);
    TRY(gguf_get_f64(g, key, f->local_theta, &theta));
    if (f->local_theta > 0)
        text_printf(t, "\"rope_local_base_freq\": %.9g,\n", theta);
    text_puts(t, "\"layer_types\": [");
    for (int64_t i = 0; i < L && i < DIMS_LAYERS_MAX; i++)
        text_printf(t, "%s\"%s\"", i > 0 ? ", " : "",
                    (i + 1) % f->nth != 0 && (window > 0 || f->has_caps) ? "sliding_attention"
                                                                         : "full_attention");
    text_puts(t, "],\n");
    return OK;
}

// What changes the computation and is not among the sizes.
static Err check_rest(Text *t, const Gguf *g, const GgufFamily *f)
{
    char    key[128];
    int64_t experts, window;

    snprintf(key, sizeof key, "%s.expert_count", f->architecture);
    TRY(gguf_get_i64(g, key, 0, INT32_MAX, 0, &experts));
    if (experts > 0)
        return refuse(g, key, "a mixture of experts");
    snprintf(key, sizeof key, "%s.attention.sliding_window", f->architecture);
    TRY(gguf_get_i64(g, key, 0, INT32_MAX, 0, &window));
    if (window > 0)
        text_printf(t, "\"sliding_window\": %" PRId64 ",\n", window);
    TRY(add_unsaid(t, g, f, window));
    if (gguf_tensor(g, "blk.0.attn_q.bias") != NULL && strcmp(f->type, "llama") == 0)
        text_puts(t, "\"attention_bias\": true,\n");
    return OK;
}

// Width of a head, and how much of it turns.
static Err add_heads(Text *t, const Gguf *g, const GgufFamily *f)
{
    char    key[128];
    int64_t width, heads, head, rotary;

    snprintf(key, sizeof key, "%s.embedding_length", f->architecture);
    TRY(gguf_get_i64(g, key, 1, INT32_MAX, 1, &width));
    snprintf(key, sizeof key, "%s.attention.head_count", f->architecture);
    TRY(gguf_get_i64(g, key, 1, INT32_MAX, 1, &heads));
    snprintf(key, sizeof key, "%s.attention.key_length", f->architecture);
    TRY(gguf_get_i64(g, key, 1, INT32_MAX, width / heads, &head));
    if (f->has_head_width)
        text_printf(t, "\"head_dim\": %" PRId64 ",\n", head);
    if (f->is_gpt2)
        return OK;
    snprintf(key, sizeof key, "%s.rope.dimension_count", f->architecture);
    TRY(gguf_get_i64(g, key, 1, INT32_MAX, head, &rotary));
    if (rotary == head)
        return f->share == NULL ? OK : (text_printf(t, "\"%s\": 1.0,\n", f->share), OK);
    if (f->share == NULL || rotary > head)
        FAIL(ERR_CONFIG,
             "%s: %s is %" PRId64 ", a head is %" PRId64 " wide; positions on a part of a head are "
             "not supported for %s",
             g->path, key, rotary, head, f->architecture);
    text_printf(t, "\"%s\": %.9g,\n", f->share, ((double)rotary + 0.5) / (double)head);
    return OK;
}

static int same_bytes(const GgufTensor *a, const GgufTensor *b)
{
    return a->type == b->type && a->elements == b->elements && a->data != NULL &&
           a->bytes == b->bytes && memcmp(a->data, b->data, (size_t)a->bytes) == 0;
}

// ---- tensors against sizes, without a look at the values

static Err match(const Gguf *g, const Param *one, const GgufTensor **out)
{
    char              name[GGUF_NAME_ROOM];
    const GgufTensor *t;

    if (!gguf_name_of(one, name))
        FAIL(ERR_CONFIG, "%s: no tensor of a GGUF file is known that would be %s", g->path,
             one->name);
    t = gguf_tensor(g, name);
    if (t == NULL)
        FAIL(ERR_DATA, "%s: there is no tensor %s, which its sizes ask for; the file is incomplete",
             g->path, name);
    if (t->rank != one->rank || t->shape[0] != one->rows ||
        (one->rank == 2 && t->shape[1] != one->columns))
        FAIL(ERR_DATA,
             "%s: tensor %s has %" PRId64 " rows of %" PRId64 "; its sizes make it %" PRId64
             " rows of %" PRId64,
             g->path, name, t->shape[0], t->rank > 1 ? t->shape[1] : 1, one->rows, one->columns);
    *out = t;
    return OK;
}

static int has_no_place(const Dims *d, const char *name)
{
    return !(d->is_tied && strcmp(name, "output.weight") == 0) &&
           strcmp(name, GGUF_ROPE_TABLE) != 0;
}

static Err match_all(Arena *scratch, const Gguf *g, const Params *p)
{
    uint8_t          *used = arena_new(scratch, uint8_t, g->tensors + 1);
    const GgufTensor *t;

    for (int n = 0; n < p->count; n++) {
        TRY(match(g, &p->list[n], &t));
        used[t - g->tensor] = 1;
    }
    for (int64_t i = 0; i < g->tensors; i++)
        if (!used[i] && has_no_place(&p->dims, g->tensor[i].name))
            FAIL(ERR_DATA, "%s: tensor %s has no place in the model that its sizes describe",
                 g->path, g->tensor[i].name);
    return OK;
}

static Err check_tensors(Arena *scratch, const Gguf *g, const Dims *d)
{
    ArenaMark mark = arena_mark(scratch);
    Params    p = params_make(scratch, d);
    Err       e = match_all(scratch, g, &p);

    arena_back(scratch, mark);
    return e;
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
    TRY(check_rest(&t, g, f));
    TRY(add_heads(&t, g, f));
    if (!f->is_gpt2)
        TRY(gguf_rope_read(run, &t, g, f));
    text_printf(&t, "\"tie_word_embeddings\": %s}\n",
                head == NULL || same_bytes(head, embed) ? "true" : "false");
    TRY(foreign_config(run, g->path, &t, &out->dims));
    TRY(check_tensors(run, g, &out->dims));
    return foreign_vocab_gguf(run, g, &out->tokenizer);
}

// ---- values

static Err take_tensor(Arena *scratch, const Gguf *g, const GgufFamily *f, const Params *p, int n,
                       float *flat)
{
    const Param      *one = &p->list[n];
    float            *to = flat + one->offset, *plain, offset = gguf_offset(p, one);
    const GgufTensor *t;

    TRY(match(g, one, &t));
    if (!gguf_is_permuted(f, one)) {
        TRY(gguf_read(g, t, to));
    } else {
        plain = arena_new(scratch, float, t->elements);
        TRY(gguf_read(g, t, plain));
        gguf_unpermute(plain, to, one->rows / p->dims.K, p->dims.K, one->columns);
    }
    for (int64_t i = 0; offset != 0 && i < t->elements; i++)
        to[i] -= offset;
    return foreign_finite(g->path, t->name, to, t->elements);
}

static Err load_gguf(Arena *scratch, const Gguf *g, const Params *p, float *flat)
{
    const GgufFamily *f;

    TRY(find_family(scratch, g, &f));
    TRY(match_all(scratch, g, p));
    for (int n = 0; n < p->count; n++) {
        ArenaMark mark = arena_mark(scratch);

        TRY(take_tensor(scratch, g, f, p, n, flat));
        arena_back(scratch, mark);
    }
    return OK;
}

Err foreign_gguf_find(Arena *run, const char *path, ImportModel *out)
{
    Gguf g;
    Err  e = gguf_open(run, path, &g);

    if (e == OK)
        e = find_in_gguf(run, &g, out);
    gguf_close(&g);
    return e;
}

Err foreign_gguf_load(Arena *scratch, const char *path, const Params *p, float *flat)
{
    Gguf g;
    Err  e = gguf_open(scratch, path, &g);

    if (e == OK)
        e = load_gguf(scratch, &g, p, flat);
    gguf_close(&g);
    return e;
}
