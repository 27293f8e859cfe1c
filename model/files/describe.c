#include "io/ckpt.h"
#include "io/file.h"
#include "io/formats/gguf.h"
#include "io/formats/llama2c.h"
#include "io/formats/safetensors.h"
#include "model/adapters/adapter.h"
#include "model/adapters/import_adapter.h"
#include "model/adapters/peft.h"
#include "model/files/describe_private.h"
#include "model/files/export_model.h"
#include "model/files/foreign.h"
#include "model/files/import.h"

#include <inttypes.h>
#include <string.h>

enum { TYPES_MAX = 64 };

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
    if (f.files > 1)
        text_printf(t, "  files         %d of safetensors, by their index\n", f.files);
    say_kinds(t, &kinds);
    return OK;
}

static Err say_gguf(Text *t, Arena *scratch, const Gguf *g)
{
    const char       *name;
    const GgufTensor *first = NULL;
    int64_t           unread = 0;
    Kinds             kinds = {0};

    TRY(gguf_get_text(scratch, g, "general.name", &name));
    text_printf(t, "  file          GGUF version %d, %" PRId64 " bytes%s%s\n", g->version,
                g->map.bytes, name != NULL ? ", named " : "", name != NULL ? name : "");
    for (int64_t i = 0; i < g->tensors; i++) {
        count_kind(&kinds, gguf_type_name(g->tensor[i].type), g->tensor[i].elements);
        unread += g->tensor[i].data == NULL;
        if (g->tensor[i].data == NULL)
            first = &g->tensor[i];
    }
    say_kinds(t, &kinds);
    if (unread > 0)
        FAIL(ERR_DATA, "%" PRId64 " tensors are of types that are not read: %s of the type %s (%d)",
             unread, first->name, gguf_type_name(first->type), first->type);
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
    if (peft_is(path))
        return OK; // what it stands on has more to say
    if (file_is_folder(path))
        return say_folder(t, scratch, path);
    if (!foreign_is(path))
        return OK; // of ours: F32, all of it
    return text_ends_with(path, ".bin") ? say_llama2c(t, scratch, path)
                                        : say_gguf_file(t, scratch, path);
}

static const char *form_of(const char *path)
{
    char config[FILE_PATH_MAX];

    if (peft_is(path))
        return "a folder of PEFT, an adapter";
    if (file_is_folder(path))
        return file_join(config, path, "config.json") == OK && file_exists(config)
                   ? "a Hugging Face folder"
                   : "a run directory";
    return !foreign_is(path)              ? "a weight file of ours"
           : text_ends_with(path, ".bin") ? "a weight file of llama2.c"
                                          : "a GGUF file";
}

// ---- the network

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
                d->mlp == MLP_SWIGLU       ? "SwiGLU"
                : d->mlp == MLP_GEGLU_TANH ? "GeGLU"
                                           : "GELU",
                d->bias != 0 ? ", with biases" : "",
                d->is_tied ? "tied to the embedding" : "of its own");
    text_printf(t,
                "  shape         vocabulary %" PRId64 ", width %" PRId64 ", inner %" PRId64
                ", layers %d, heads %d, key/value heads %d, head width %d, context %" PRId64 "\n",
                d->V, d->D, d->F, d->L, d->H, d->G, d->K, d->T);
    if (d->position == POSITION_ROTARY) {
        text_printf(t, "  positions     base %g, %d of %d elements of a head turn", d->rope.theta,
                    dims_rotary(d), d->K);
        if (d->rope.kind != ROPE_DEFAULT) {
            text_puts(t, ", stretched: ");
            rope_write(t, &d->rope);
        }
        text_puts(t, "\n");
    }
    if (d->local_rope.theta > 0)
        text_printf(t, "  unusual       rotary base %g in layers with a window\n",
                    d->local_rope.theta);
    if (d->has_post_norm)
        text_puts(t, "  unusual       what attention and MLP give is normed\n");
    if (d->score_cap > 0)
        text_printf(t, "  unusual       scores stay below %g\n", d->score_cap);
    if (d->logit_cap > 0)
        text_printf(t, "  unusual       logits stay below %g\n", d->logit_cap);
    if (d->has_qk_norm)
        text_puts(t, "  unusual       queries and keys are normed\n");
    if (d->is_parallel)
        text_puts(t, "  unusual       attention and MLP read the same residual\n");
    if (d->window > 0)
        text_printf(t, "  unusual       windows of %" PRId64 " keys\n", d->window);
    text_printf(t, "  parameters    %" PRId64 ", %.3g MiB in memory as F32\n", params_count(d),
                (double)params_count(d) * 4 / 0x1p20);
}

// ---- all of it

static void say_adapters(Text *t, const ImportModel *m)
{
    if (m->base != NULL)
        text_printf(t, "  base          %s\n", m->base->chosen);
    for (int n = 0; n < m->dims.adapters; n++) {
        text_printf(t, "  adapter       %s: %" PRId64 " parameters, ", m->part[n].path,
                    params_plan_of(&m->dims, n).total);
        adapter_words(t, &m->dims, &m->dims.adapter[n]);
        text_puts(t, "\n");
    }
}

void describe_or_why(Text *t, const char *label, Err e)
{
    if (e == OK)
        return;
    text_printf(t, "%s%s\n", label, err_record()->text);
    err_forget();
}

static const char UNSUPPORTED[] = "  unsupported   ";

static Err say_tokenizer(Text *t, Arena *scratch, const ImportModel *m, const char *path)
{
    const Json *json;
    Vocab      *v;

    TRY(import_vocab(scratch, m, &json, &v));
    describe_vocab(t, scratch, m, json, v, path);
    return OK;
}

// `own`: the path without the base that may stand behind it.
static Err say_model(Text *t, Arena *scratch, const char *path, const char *own)
{
    ImportModel m;

    TRY(import_find(scratch, path, &m));
    if (strcmp(m.chosen, own) != 0)
        text_printf(t, "  newest        %s\n", m.chosen);
    say_dims(t, &m.dims, type_of(scratch, &m.dims));
    say_adapters(t, &m);
    if (m.tokenizer != NULL)
        return say_tokenizer(t, scratch, &m, path);
    text_puts(t, "  tokenizer     none: only ids can be given to it\n");
    return OK;
}

Err describe_model(Text *t, Arena *scratch, const char *path)
{
    const char *base, *own = import_split(scratch, path, &base);
    Err         file, model;

    if (!file_exists(own))
        FAIL(ERR_IO, "%s: there is no such file", own);
    text_printf(t, "%s: %s\n", own, form_of(own));
    file = strcmp(form_of(own), "a run directory") == 0 ? OK : say_file(t, scratch, own);
    describe_or_why(t, UNSUPPORTED, file);
    model = say_model(t, scratch, path, own);
    if (file == OK) // else it is the same once more
        describe_or_why(t, UNSUPPORTED, model);
    err_forget();
    text_printf(t, "  usable        %s\n",
                file == OK && model == OK ? "yes, as far as can be said without its values" : "no");
    return OK;
}
