#include "model/import.h"

#include "base/text.h"
#include "io/ckpt.h"
#include "io/file.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "model/foreign.h"
#include "model/vocab.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

// ---- Hugging Face folders

Err import_dims(Arena *scratch, const char *folder, Dims *out)
{
    char        path[FILE_PATH_MAX];
    const Json *config;

    TRY(file_join(path, folder, "config.json"));
    TRY(json_read(scratch, path, JSON_NO_COMMENTS, &config));
    TRY(dims_read(config, out));
    return OK;
}

// Published files come with and without the prefix in front of every name.
static const SafeTensor *find(const SafeFolder *f, const char *name, const char *prefix)
{
    const SafeTensor *t = safetensors_find(f, name);

    if (t == NULL && strncmp(name, prefix, strlen(prefix)) == 0)
        t = safetensors_find(f, name + strlen(prefix));
    return t;
}

// Masks and tables that old versions saved among the weights.
static int is_buffer(const char *name)
{
    return ends_with(name, ".attn.bias") || ends_with(name, ".attn.masked_bias") ||
           ends_with(name, ".attention.bias") || ends_with(name, ".attention.masked_bias") ||
           ends_with(name, ".rotary_emb.inv_freq");
}

static void say_shape(char *out, size_t size, int rank, const int64_t *shape)
{
    size_t used = (size_t)snprintf(out, size, "[");

    for (int i = 0; i < rank && used < size; i++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%" PRId64, i > 0 ? ", " : "", shape[i]);
    if (used < size)
        snprintf(out + used, size - used, "]");
}

static int is_turned(const SafeTensor *t, const CkptTensor *want)
{
    return t->rank == 2 && want->rank == 2 && t->shape[0] == want->shape[1] &&
           t->shape[1] == want->shape[0];
}

static Err check_shape(const SafeFolder *f, const SafeTensor *t, const CkptTensor *want)
{
    char found[256], expected[256];
    int  same = t->rank == want->rank;

    for (int i = 0; same && i < want->rank; i++)
        same = t->shape[i] == want->shape[i];
    say_shape(found, sizeof found, t->rank, t->shape);
    say_shape(expected, sizeof expected, want->rank, want->shape);
    if (!same)
        FAIL(ERR_DATA, "%s: tensor %s has shape %s; config.json makes it %s%s", f->path[t->file],
             t->name, found, expected, is_turned(t, want) ? ": it is transposed" : "");
    if (t->kind == SAFE_OTHER)
        FAIL(ERR_DATA, "%s: tensor %s is of a type that is not read; expected F32, F16 or BF16",
             f->path[t->file], t->name);
    return OK;
}

static Err check_finite(const SafeFolder *f, const SafeTensor *t, const float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            FAIL(ERR_DATA, "%s: element %" PRId64 " of tensor %s is %g; expected finite numbers",
                 f->path[t->file], i, t->name, (double)x[i]);
    return OK;
}

// A tied model may carry its head once more; it must then be the embedding.
static Err check_twin(Arena *scratch, const SafeFolder *f, const SafeTensor *head, const Params *p,
                      const float *flat)
{
    const Param *embed = &p->list[0];
    CkptTensor   want = {.rank = 2, .shape = {embed->rows, embed->columns}};
    int64_t      count = embed->rows * embed->columns;
    float       *twin;

    TRY(check_shape(f, head, &want));
    twin = arena_new(scratch, float, count);
    TRY(safetensors_read(f, head, twin));
    if (memcmp(twin, flat + embed->offset, (size_t)count * sizeof *twin) != 0)
        FAIL(ERR_DATA,
             "%s: %s differs from %s, but config.json ties them; set tie_word_embeddings to false",
             f->path[head->file], head->name, embed->name);
    return OK;
}

static Err check_left_over(Arena *scratch, const SafeFolder *f, const uint8_t *used,
                           const Params *p, const float *flat)
{
    for (int64_t i = 0; i < f->count; i++) {
        const SafeTensor *t = &f->tensor[i];

        if (used[i] || is_buffer(t->name))
            continue;
        if (!p->dims.is_tied || strcmp(t->name, params_head_name(&p->dims)) != 0)
            FAIL(ERR_DATA, "%s: tensor %s has no place in the model that config.json describes",
                 f->path[t->file], t->name);
        TRY(check_twin(scratch, f, t, p, flat));
    }
    return OK;
}

static Err read_tensor(Arena *scratch, const SafeFolder *f, const SafeTensor *t, ParamsFile *to,
                       int n)
{
    const Param *one = &to->params->list[n];
    int64_t      count = one->rows * one->columns;
    ArenaMark    mark = arena_mark(scratch);
    float       *values = arena_new(scratch, float, count);

    TRY(safetensors_read(f, t, values));
    TRY(check_finite(f, t, values, count));
    TRY(params_take(to, n, 0, values));
    arena_back(scratch, mark);
    return OK;
}

Err import_weights(Arena *scratch, const char *folder, const Params *p, float *flat)
{
    ParamsFile        to = {.params = p, .flat = {flat}};
    const CkptTensor *want = params_tensors(scratch, p);
    SafeFolder        f;
    uint8_t          *used;

    TRY(safetensors_open(scratch, folder, &f));
    used = arena_new(scratch, uint8_t, f.count > 0 ? f.count : 1);
    for (int n = 0; n < p->count; n++) {
        const SafeTensor *t = find(&f, p->list[n].name, params_prefix(&p->dims));

        if (t == NULL)
            FAIL(ERR_DATA, "%s: there is no tensor %s, which config.json asks for", folder,
                 p->list[n].name);
        TRY(check_shape(&f, t, &want[n]));
        TRY(read_tensor(scratch, &f, t, &to, n));
        used[t - f.tensor] = 1;
    }
    TRY(check_left_over(scratch, &f, used, p, flat));
    return OK;
}

// ---- whatever a user may point at

// The number N of "vN.h5", -1 for other names (such as files that are being written).
static int64_t version_of(const char *name)
{
    char   *end;
    int64_t version;

    if (name[0] != 'v' || name[1] < '0' || name[1] > '9')
        return -1;
    version = strtoll(name + 1, &end, 10);
    return strcmp(end, ".h5") == 0 ? version : -1;
}

static Err find_newest(Arena *run, const char *folder, char chosen[FILE_PATH_MAX])
{
    char  **names, *best = NULL;
    int64_t newest = -1;
    int     count;

    TRY(file_list(run, folder, &names, &count));
    for (int i = 0; i < count; i++)
        if (version_of(names[i]) > newest) {
            newest = version_of(names[i]);
            best = names[i];
        }
    if (best == NULL)
        FAIL(ERR_DATA, "%s: holds no weights vNNNN.h5", folder);
    return file_join(chosen, folder, best);
}

static Err find_in_file(Arena *run, ImportModel *out)
{
    CkptTexts   texts;
    const Json *config;

    TRY(ckpt_read_texts(run, out->chosen, &texts));
    TRY(json_parse(run, out->chosen, texts.model, (int64_t)strlen(texts.model), JSON_NO_COMMENTS,
                   &config));
    TRY(dims_read(config, &out->dims));
    out->tokenizer = texts.tokenizer != NULL && texts.tokenizer[0] != 0 ? texts.tokenizer : NULL;
    return OK;
}

Err import_find(Arena *run, const char *path, ImportModel *out)
{
    char config[FILE_PATH_MAX], weights[FILE_PATH_MAX];

    *out = (ImportModel){0};
    TRY(file_join(config, path, "config.json"));
    TRY(file_join(weights, path, "weights"));
    if (file_exists(config)) {
        TRY(import_dims(run, path, &out->dims));
        snprintf(out->chosen, sizeof out->chosen, "%s", path);
        return vocab_source(run, path, &out->tokenizer);
    }
    if (file_exists(weights)) {
        TRY(find_newest(run, weights, out->chosen));
        return find_in_file(run, out);
    }
    if (!file_exists(path))
        FAIL(ERR_IO,
             "%s: there is no such file; expected a Hugging Face folder, a weight file of ours, a "
             "run directory, a .gguf file or a .bin file of llama2.c",
             path);
    if (!file_is_folder(path) && foreign_is(path))
        return foreign_find(run, path, out);
    if (!ends_with(path, ".h5"))
        FAIL(ERR_DATA,
             "%s: is neither a Hugging Face folder (no config.json), nor a run directory (no "
             "weights/), nor an .h5, .gguf or .bin file",
             path);
    snprintf(out->chosen, sizeof out->chosen, "%s", path);
    return find_in_file(run, out);
}

Err import_load(Arena *scratch, const ImportModel *m, const Params *p, float *flat)
{
    ParamsFile to = {.params = p, .flat = {flat}};
    char       config[FILE_PATH_MAX];

    TRY(file_join(config, m->chosen, "config.json"));
    if (file_exists(config))
        return import_weights(scratch, m->chosen, p, flat);
    if (foreign_is(m->chosen))
        return foreign_load(scratch, m->chosen, p, flat);
    return ckpt_read_tensors(scratch, m->chosen, params_tensors(scratch, p), p->count, 1,
                             params_take, &to);
}
