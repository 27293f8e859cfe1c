#include "io/ckpt.h"
#include "io/file.h"
#include "io/gguf.h"
#include "io/llama2c.h"
#include "io/safetensors.h"
#include "model/export_model.h"
#include "model/foreign.h"
#include "model/import.h"
#include "model/vocab.h"

#include <inttypes.h>
#include <string.h>

enum { TYPES_MAX = 64 };

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

// ---- what a file holds, by type

typedef struct Kinds { // of tensors
    const char *name[TYPES_MAX];
    int64_t     tensors[TYPES_MAX], elements[TYPES_MAX];
    int         count;
} Kinds;

static void count_kind(Kinds *k, const char *name, int64_t elements)
{
    int i = 0;

    while (i < k->count && strcmp(k->name[i], name) != 0)
        i++;
    if (i == TYPES_MAX)
        return;
    k->count = i == k->count ? i + 1 : k->count;
    k->name[i] = name;
    k->tensors[i]++;
    k->elements[i] += elements;
}

static void say_kinds(Text *t, const Kinds *k)
{
    text_puts(t, "  weights       ");
    for (int i = 0; i < k->count; i++)
        text_printf(t, "%s%s: %" PRId64 " tensors, %" PRId64 " numbers", i > 0 ? "; " : "",
                    k->name[i], k->tensors[i], k->elements[i]);
    text_puts(t, k->count == 0 ? "none\n" : "\n");
}

static Err say_folder(Text *t, Arena *scratch, const char *path)
{
    static const char *const names[] = {
        [SAFE_F32] = "F32", [SAFE_F16] = "F16", [SAFE_BF16] = "BF16", [SAFE_OTHER] = "not read"};
    SafeFolder f;
    Kinds      kinds = {0};

    TRY(safetensors_open(scratch, path, &f));
    for (int64_t i = 0; i < f.count; i++) {
        int64_t elements = 1;

        for (int axis = 0; axis < f.tensor[i].rank; axis++)
            elements *= f.tensor[i].shape[axis];
        count_kind(&kinds, names[f.tensor[i].kind], elements);
    }
    text_printf(t, "  files         %d safetensors\n", f.files);
    say_kinds(t, &kinds);
    return OK;
}

static Err say_gguf(Text *t, Arena *scratch, const Gguf *g)
{
    const char *name;
    Kinds       kinds = {0};

    TRY(gguf_get_text(scratch, g, "general.name", &name));
    text_printf(t, "  file          GGUF version %d, %" PRId64 " bytes%s%s\n", g->version,
                g->map.bytes, name != NULL ? ", named " : "", name != NULL ? name : "");
    for (int64_t i = 0; i < g->tensors; i++) {
        count_kind(&kinds, gguf_type_name(g->tensor[i].type), g->tensor[i].elements);
        if (g->tensor[i].data == NULL)
            text_printf(t, "  unsupported   tensor %s is of the type %s, which is not read\n",
                        g->tensor[i].name, gguf_type_name(g->tensor[i].type));
    }
    say_kinds(t, &kinds);
    return OK;
}

static Err say_gguf_file(Text *t, Arena *scratch, const char *path)
{
    Gguf g;
    Err  e = gguf_open(scratch, path, &g);

    if (e == OK)
        e = say_gguf(t, scratch, &g);
    gguf_close(&g);
    return e;
}

static Err say_llama2c(Text *t, Arena *scratch, const char *path)
{
    Llama2c f;
    Err     e = llama2c_open(scratch, path, &f);

    if (e == OK && f.version == 2)
        text_printf(t, "  file          llama2.c v2: 8 bits, one scale for %" PRId64 " numbers\n",
                    f.group);
    else if (e == OK)
        text_printf(t, "  file          llama2.c v%d: F32\n", f.version);
    llama2c_close(&f);
    return e;
}

static Err say_file(Text *t, Arena *scratch, const char *path)
{
    if (file_is_folder(path))
        return say_folder(t, scratch, path);
    if (!foreign_is(path)) {
        text_puts(t, "  file          weights of ours: F32\n");
        return OK;
    }
    return ends_with(path, ".gguf") ? say_gguf_file(t, scratch, path)
                                    : say_llama2c(t, scratch, path);
}

// ---- the network and the tokenizer

// As a config.json calls it.
static const char *type_of(Arena *scratch, const Dims *d)
{
    Text        t = text_make(scratch);
    const Json *config;
    const char *type = "?";

    dims_write(&t, d);
    if (json_parse(scratch, "shape", t.data, t.length, JSON_NO_COMMENTS, &config) == OK)
        CHECK(json_want_text(config, "model_type", &type) == OK);
    return type;
}

static void say_dims(Text *t, const Dims *d, const char *type)
{
    text_printf(t, "  architecture  %s: %s, %s, %s%s, head %s\n", type,
                d->norm == NORM_RMS ? "RMS norm" : "layer norm",
                d->position == POSITION_ROTARY ? "rotary positions" : "learned positions",
                d->mlp == MLP_SWIGLU ? "SwiGLU" : "GELU", d->bias != 0 ? ", with biases" : "",
                d->is_tied ? "tied to the embedding" : "of its own");
    text_printf(t,
                "  shape         vocabulary %" PRId64 ", width %" PRId64 ", inner %" PRId64
                ", layers %d, heads %d, key/value heads %d, head width %d, context %" PRId64 "\n",
                d->V, d->D, d->F, d->L, d->H, d->G, d->K, d->T);
    if (d->position == POSITION_ROTARY)
        text_printf(t, "  rotary base   %g, %d of %d elements of a head turn\n", d->rope.theta,
                    dims_rotary(d), d->K);
    if (d->has_qk_norm)
        text_puts(t, "  unusual       queries and keys are normed\n");
    if (d->is_parallel)
        text_puts(t, "  unusual       attention and MLP read the same residual\n");
    if (d->window > 0)
        text_printf(t, "  unusual       windows of %" PRId64 " keys\n", d->window);
    text_printf(t, "  parameters    %" PRId64 "\n", params_count(d));
}

static Err say_tokenizer(Text *t, Arena *scratch, const ImportModel *m, const char *path)
{
    const Json *json;
    const char *kind;
    Vocab      *v;

    TRY(json_parse(scratch, path, m->tokenizer, (int64_t)strlen(m->tokenizer), JSON_NO_COMMENTS,
                   &json));
    TRY(json_want_text(json, "kind", &kind));
    TRY(vocab_make(scratch, json, &v));
    text_printf(t, "  tokenizer     %s, %" PRId64 " tokens, bos %d, eos %d, pad %d\n", kind,
                vocab_size(v), vocab_bos(v), vocab_eos(v), vocab_pad(v));
    text_printf(t, "  chat template %s\n", vocab_chat_template(v) != NULL ? "yes" : "no");
    if (vocab_size(v) < m->dims.V)
        text_printf(t, "  unusual       %" PRId64 " rows of the embedding have no token\n",
                    m->dims.V - vocab_size(v));
    if (vocab_size(v) > m->dims.V)
        text_printf(t, "  unsupported   %" PRId64 " tokens have no row in the embedding\n",
                    vocab_size(v) - m->dims.V);
    if (vocab_eos(v) < 0)
        text_puts(t, "  unusual       no token ends a text\n");
    return OK;
}

// A part that cannot be read is said to be so, and the others still are.
static void or_why(Text *t, Err e)
{
    if (e == OK)
        return;
    text_printf(t, "  unsupported   %s\n", err_record()->text);
    err_forget();
}

Err describe_model(Text *t, Arena *scratch, const char *path)
{
    ImportModel m;
    Err         e;

    if (!file_exists(path))
        FAIL(ERR_IO, "%s: there is no such file", path);
    text_printf(t, "%s\n", path);
    or_why(t, say_file(t, scratch, path));
    e = import_find(scratch, path, &m);
    or_why(t, e);
    if (e != OK)
        return OK;
    say_dims(t, &m.dims, type_of(scratch, &m.dims));
    if (m.tokenizer == NULL)
        text_puts(t, "  tokenizer     none: only ids can be given to it\n");
    else
        or_why(t, say_tokenizer(t, scratch, &m, path));
    return OK;
}
