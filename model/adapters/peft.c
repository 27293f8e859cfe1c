#include "model/adapters/peft.h"

#include "io/file.h"
#include "io/formats/safetensors.h"
#include "io/formats/safetensors_write.h"
#include "model/adapters/adapter.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char WEIGHTS[] = "adapter_model.safetensors", CONFIG[] = "adapter_config.json";

int peft_is(const char *path)
{
    char config[FILE_PATH_MAX];

    if (strlen(path) + sizeof CONFIG + 1 > sizeof config)
        return 0;
    snprintf(config, sizeof config, "%s/%s", path, CONFIG);
    return file_exists(config);
}

// ---- the config

// Keys that are read below, or that change nothing once an adapter is trained.
static const char *const KNOWN[] = {"peft_type",
                                    "r",
                                    "lora_alpha",
                                    "lora_dropout",
                                    "use_rslora",
                                    "target_modules",
                                    "modules_to_save",
                                    "layers_to_transform",
                                    "layers_pattern",
                                    "fan_in_fan_out",
                                    "bias",
                                    "task_type",
                                    "init_lora_weights",
                                    "ensure_weight_tying",
                                    "auto_mapping",
                                    "base_model_name_or_path",
                                    "inference_mode",
                                    "megatron_core",
                                    "peft_version",
                                    "qalora_group_size",
                                    "revision",
                                    "runtime_config"};

static int is_off(const Json *m)
{
    return m->kind == JSON_NULL || m->kind == JSON_FALSE ||
           ((m->kind == JSON_ARRAY || m->kind == JSON_OBJECT) && m->length == 0);
}

static Err check_keys(const Json *config)
{
    char where[JSON_WORDS], shown[JSON_WORDS];

    for (const Json *m = config->child; m != NULL; m = m->next) {
        int is_known = is_off(m);

        for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++)
            is_known |= strcmp(KNOWN[i], m->key) == 0;
        if (!is_known)
            FAIL(ERR_CONFIG,
                 "%s: \"%s\" is %s, which is not supported; merge the adapter into its base with "
                 "PEFT and give the merged model",
                 json_where(m, where, sizeof where), m->key, json_show(m, shown, sizeof shown));
    }
    return OK;
}

// A text that has one of few values, or is not there.
static Err check_text(const Json *config, const char *key, const char *const *allowed)
{
    const Json *m = json_member(config, key);
    char        where[JSON_WORDS], shown[JSON_WORDS];

    if (m == NULL || m->kind == JSON_NULL)
        return OK;
    for (; *allowed != NULL && m->kind == JSON_TEXT; allowed++)
        if (strcmp(m->text, *allowed) == 0)
            return OK;
    FAIL(ERR_CONFIG, "%s: \"%s\" is %s, which is not supported", json_where(m, where, sizeof where),
         key, json_show(m, shown, sizeof shown));
}

// Some beginnings (PiSSA, OLoRA, CorDA, LoftQ) take something out of the base's weights.
static Err check_beginning(const Json *config)
{
    static const char *const kinds[] = {"gaussian", "orthogonal", "eva", NULL};
    const Json              *m = json_member(config, "init_lora_weights");

    if (m != NULL && (m->kind == JSON_TRUE || m->kind == JSON_FALSE))
        return OK;
    return check_text(config, "init_lora_weights", kinds);
}

static Err check_config(const Json *config)
{
    static const char *const lora[] = {"LORA", NULL}, *const none[] = {"none", NULL},
                             *const causal[] = {"CAUSAL_LM", NULL};
    char                            where[JSON_WORDS];
    const char                     *type;

    if (config->kind != JSON_OBJECT)
        FAIL(ERR_DATA, "%s: expected an object", json_where(config, where, sizeof where));
    TRY(json_want_text(config, "peft_type", &type));
    TRY(check_text(config, "peft_type", lora));
    TRY(check_text(config, "bias", none));
    TRY(check_text(config, "task_type", causal));
    TRY(check_beginning(config));
    return check_keys(config);
}

Err peft_open(Arena *run, const char *folder, Peft *out)
{
    char        path[FILE_PATH_MAX];
    const Json *base;

    *out = (Peft){.folder = arena_text(run, folder)};
    TRY(file_join(path, folder, CONFIG));
    TRY(json_read(run, arena_text(run, path), JSON_NO_COMMENTS, &out->config));
    TRY(check_config(out->config));
    base = json_member(out->config, "base_model_name_or_path");
    out->base = base != NULL && base->kind == JSON_TEXT && base->length > 0 ? base->text : NULL;
    return OK;
}

static Err read_layers(const Json *config, const Dims *d, AdapterPlan *out)
{
    const Json *layers = json_member(config, "layers_to_transform");
    int64_t     layer;

    if (layers == NULL || layers->kind == JSON_NULL) {
        adapter_all_layers(d, out);
        return OK;
    }
    if (layers->kind != JSON_ARRAY) {
        TRY(json_i64(layers, 0, d->L - 1, &layer));
        out->layers[layer / 64] |= (uint64_t)1 << (layer % 64);
        return OK;
    }
    for (const Json *l = layers->child; l != NULL; l = l->next) {
        TRY(json_i64(l, 0, d->L - 1, &layer));
        out->layers[layer / 64] |= (uint64_t)1 << (layer % 64);
    }
    return OK;
}

static int is_true(const Json *config, const char *key)
{
    const Json *m = json_member(config, key);

    return m != NULL && m->kind == JSON_TRUE;
}

// Without ensure_weight_tying PEFT trains a copy of the embedding and leaves the head what it was.
static Err check_tied(const Json *config, const Json *saved, const Dims *d, const AdapterPlan *plan)
{
    char where[JSON_WORDS];

    if (d->is_tied && adapter_has_embedding(d, plan) && !is_true(config, "ensure_weight_tying"))
        FAIL(ERR_CONFIG,
             "%s: the embedding of this base is its head, too, but the adapter has one of its own "
             "(\"ensure_weight_tying\" is not true): not supported",
             json_where(saved, where, sizeof where));
    return OK;
}

Err peft_plan(const Peft *p, const Dims *base, AdapterPlan *out)
{
    const Json *c = p->config, *targets = json_member(c, "target_modules");
    const Json *saved = json_member(c, "modules_to_save");
    int64_t     rank;
    char        where[JSON_WORDS];

    *out = (AdapterPlan){.is_rslora = is_true(c, "use_rslora")};
    TRY(json_want_i64(c, "r", 1, 1 << 16, &rank));
    out->rank = (int)rank;
    TRY(json_want_f64(c, "lora_alpha", 0, 1e9, &out->alpha));
    if (json_member(c, "lora_dropout") != NULL)
        TRY(json_want_f64(c, "lora_dropout", 0, 0.999, &out->dropout));
    TRY(read_layers(c, base, out));
    if (targets == NULL || (targets->kind != JSON_ARRAY && targets->kind != JSON_TEXT) ||
        (targets->kind == JSON_ARRAY && targets->length == 0))
        FAIL(ERR_CONFIG,
             "%s: \"target_modules\" must be a list of names or \"all-linear\": without it nobody "
             "knows what is adapted",
             json_where(c, where, sizeof where));
    TRY(adapter_targets(targets, base, out));
    if (saved == NULL || saved->kind != JSON_ARRAY)
        return OK;
    TRY(adapter_saved(saved, base, out));
    return check_tied(c, saved, base, out);
}

// ---- tensors in

static Err check_shape(const SafeFolder *f, const SafeTensor *t, const CkptTensor *want)
{
    int same = t->rank == want->rank;

    for (int i = 0; same && i < want->rank; i++)
        same = t->shape[i] == want->shape[i];
    if (!same)
        FAIL(ERR_DATA,
             "%s: tensor %s has shape [%" PRId64 ", %" PRId64
             "]; the base and adapter_config.json make it [%" PRId64 ", %" PRId64 "]",
             f->path[t->file], t->name, t->shape[0], t->rank > 1 ? t->shape[1] : 1, want->shape[0],
             want->rank > 1 ? want->shape[1] : 1);
    if (t->kind == SAFE_OTHER)
        FAIL(ERR_DATA, "%s: tensor %s is of a type that is not read; expected F32, F16 or BF16",
             f->path[t->file], t->name);
    return OK;
}

static Err take(Arena *scratch, const SafeFolder *f, const SafeTensor *t, ParamsFile *to, int n)
{
    const Param *one = &to->params->list[n];
    int64_t      count = one->rows * one->columns;
    ArenaMark    mark = arena_mark(scratch);
    float       *values = arena_new(scratch, float, count);

    TRY(safetensors_read(f, t, values));
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            FAIL(ERR_DATA, "%s: element %" PRId64 " of tensor %s is %g; expected finite numbers",
                 f->path[t->file], i, t->name, (double)values[i]);
    TRY(params_take(to, n, 0, values));
    arena_back(scratch, mark);
    return OK;
}

// The embedding of a tied model, trained beside the adapter; NULL if there is none.
static const Param *twin_of(const Params *p)
{
    for (int n = 0; n < p->count && p->dims.is_tied; n++)
        if (p->list[n].role == PARAM_EMBED)
            return &p->list[n];
    return NULL;
}

// What a folder may hold besides: the embedding of a tied model once more as its head, and a head
// that is adapted as it was.  The tensor it must be equal to, of the adapter (*is_below 0) or of
// the base; NULL: no such thing.
static const Param *known(const Params *p, const Params *base, const char *name, int *is_below)
{
    const Param *twin = twin_of(p);
    char         head[160], before[192];
    int          length = (int)(strlen(params_head_name(&p->dims)) - strlen(".weight"));

    snprintf(head, sizeof head, "base_model.model.%s", params_head_name(&p->dims));
    snprintf(before, sizeof before, "base_model.model.%.*s.base_layer.weight", length,
             params_head_name(&p->dims));
    *is_below = strcmp(name, before) == 0;
    if (twin != NULL && strcmp(name, head) == 0)
        return twin;
    for (int n = 0; n < base->count && *is_below; n++)
        if (base->list[n].role == PARAM_HEAD)
            return &base->list[n];
    return NULL;
}

static Err check_known(Arena *scratch, const SafeFolder *f, const SafeTensor *t, const Param *shape,
                       const float *values)
{
    int64_t count = shape->rows * shape->columns;
    float  *found;

    found = arena_new(scratch, float, count);
    TRY(safetensors_read(f, t, found));
    if (memcmp(found, values, (size_t)count * sizeof *found) != 0)
        FAIL(ERR_DATA, "%s: %s differs from %s, which it has to equal", f->path[t->file], t->name,
             shape->name);
    return OK;
}

typedef struct Found {
    SafeFolder         folder;
    const SafeTensor **of;  // [params]
    const Param **twin;     // [tensors of the folder] what the others must equal; NULL: a parameter
    uint8_t      *is_below; // [tensors of the folder] whether that is a tensor of the base
} Found;

static Err check_rest(const Params *p, const Params *base, const uint8_t *used, Found *found)
{
    const SafeFolder *f = &found->folder;

    for (int64_t i = 0; i < f->count; i++) {
        const SafeTensor *t = &f->tensor[i];
        const Param      *twin;
        CkptTensor        want = {.rank = 2};
        int               is_below;

        if (used[i])
            continue;
        twin = known(p, base, t->name, &is_below);
        if (twin == NULL)
            FAIL(ERR_DATA, "%s: tensor %s is nothing that adapter_config.json speaks of",
                 f->path[t->file], t->name);
        want.shape[0] = twin->rows;
        want.shape[1] = twin->columns;
        TRY(check_shape(f, t, &want));
        found->twin[i] = twin;
        found->is_below[i] = (uint8_t)is_below;
    }
    return OK;
}

static Err find_all(Arena *scratch, const char *folder, const Params *p, const Params *base,
                    Found *out)
{
    const CkptTensor *want = params_tensors(scratch, p);
    SafeFolder       *f = &out->folder;
    char              path[FILE_PATH_MAX];
    uint8_t          *used;

    TRY(file_join(path, folder, WEIGHTS));
    if (!file_exists(path))
        FAIL(ERR_DATA,
             "%s: there is no such file; adapters are read from safetensors (a folder with an "
             "adapter_model.bin alone: save it again with a newer PEFT)",
             path);
    TRY(safetensors_open_file(scratch, path, f));
    used = arena_new(scratch, uint8_t, f->count + 1);
    out->of = arena_new(scratch, const SafeTensor *, p->count + 1);
    out->twin = arena_new(scratch, const Param *, f->count + 1);
    out->is_below = arena_new(scratch, uint8_t, f->count + 1);
    for (int n = 0; n < p->count; n++) {
        const SafeTensor *t = safetensors_find(f, p->list[n].name);

        if (t == NULL)
            FAIL(ERR_DATA, "%s: there is no tensor %s, which adapter_config.json asks for", path,
                 p->list[n].name);
        TRY(check_shape(f, t, &want[n]));
        out->of[n] = t;
        used[t - f->tensor] = 1;
    }
    return check_rest(p, base, used, out);
}

Err peft_check(Arena *scratch, const char *folder, const Params *p, const Params *base)
{
    Found found;

    return find_all(scratch, folder, p, base, &found);
}

Err peft_load(Arena *scratch, const char *folder, const Params *p, float *flat, const Params *base,
              const float *below)
{
    ArenaMark  mark = arena_mark(scratch);
    ParamsFile to = {.params = p, .flat = {flat}};
    Found      found;

    TRY(find_all(scratch, folder, p, base, &found));
    for (int n = 0; n < p->count; n++)
        TRY(take(scratch, &found.folder, found.of[n], &to, n));
    for (int64_t i = 0; i < found.folder.count; i++)
        if (found.twin[i] != NULL)
            TRY(check_known(scratch, &found.folder, &found.folder.tensor[i], found.twin[i],
                            (found.is_below[i] ? below : flat) + found.twin[i]->offset));
    arena_back(scratch, mark);
    return OK;
}

// ---- out

static Err write_config(Arena *scratch, const Params *p, const char *base, const char *folder)
{
    const Dims        *d = &p->dims;
    const AdapterPlan *plan = &d->adapter[p->adapter];
    Text               t = text_make(scratch);
    char               path[FILE_PATH_MAX], tag[16];

    text_puts(&t, "{\n  \"peft_type\": \"LORA\",\n  \"task_type\": \"CAUSAL_LM\",\n"
                  "  \"base_model_name_or_path\": ");
    if (base == NULL)
        text_puts(&t, "null");
    else
        text_json(&t, base, (int64_t)strlen(base));
    text_printf(&t, ",\n  \"r\": %d,\n  \"lora_alpha\": ", plan->rank);
    json_write_number(&t, plan->alpha);
    text_puts(&t, ",\n  \"lora_dropout\": ");
    json_write_number(&t, plan->dropout);
    text_printf(
        &t, ",\n  \"use_rslora\": %s,\n  \"target_modules\": ", plan->is_rslora ? "true" : "false");
    adapter_write_targets(&t, d, plan);
    text_puts(&t, ",\n  \"modules_to_save\": ");
    if (plan->beside == 0)
        text_puts(&t, "null");
    else
        adapter_write_saved(&t, d, plan);
    text_printf(&t,
                ",\n  \"ensure_weight_tying\": %s,\n  \"fan_in_fan_out\": %s,\n"
                "  \"bias\": \"none\",\n  \"init_lora_weights\": true,\n"
                "  \"inference_mode\": true\n}\n",
                twin_of(p) != NULL ? "true" : "false", d->family == FAMILY_GPT2 ? "true" : "false");
    TRY(file_join(path, folder, CONFIG));
    snprintf(tag, sizeof tag, "%d", (int)getpid());
    return file_publish(path, tag, t.data, t.length);
}

typedef struct Out {
    ParamsFile file;
    int        twin; // number of the embedding, which stands once more behind the others
} Out;

static Err bring(void *self, int tensor, float *values)
{
    Out *o = self;

    return params_bring(&o->file, tensor < o->file.params->count ? tensor : o->twin, 0, values);
}

Err peft_write(Arena *scratch, const Params *p, const float *flat, const char *base,
               const char *folder)
{
    const CkptTensor *table = params_tensors(scratch, p);
    SafeOut          *out = arena_new(scratch, SafeOut, p->count + 1);
    Out               o = {.file = {.params = p, .flat = {(float *)(uintptr_t)flat}}};
    const Param      *twin = twin_of(p);
    int               count = p->count;
    char              path[FILE_PATH_MAX];

    CHECK(p->adapter != PARAMS_BASE);
    for (int n = 0; n < p->count; n++) {
        out[n] = (SafeOut){.name = table[n].name, .rank = table[n].rank};
        out[n].shape[0] = table[n].shape[0];
        out[n].shape[1] = table[n].shape[1];
    }
    if (twin != NULL) {
        o.twin = (int)(twin - p->list);
        out[count] = out[o.twin];
        out[count++].name =
            arena_format(scratch, "base_model.model.%s", params_head_name(&p->dims));
    }
    TRY(file_make_folder(folder));
    TRY(file_join(path, folder, WEIGHTS));
    TRY(safetensors_write(scratch, path, SAFE_F32, out, count, bring, &o));
    return write_config(scratch, p, base, folder); // last: a folder with it is whole
}
