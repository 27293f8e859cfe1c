// Models as Hugging Face folders.
#include "model/files/import.h"

#include "base/text.h"
#include "io/ckpt.h"
#include "io/file.h"
#include "io/formats/magic.h"
#include "io/formats/safetensors.h"
#include "io/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

Err import_dims(Arena *scratch, const char *folder, Dims *out)
{
    char        path[FILE_PATH_MAX];
    const Json *config;

    TRY(file_join(path, folder, "config.json"));
    TRY(magic_refuse_file(path, "a config.json"));
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
    return text_ends_with(name, ".attn.bias") || text_ends_with(name, ".attn.masked_bias") ||
           text_ends_with(name, ".attention.bias") ||
           text_ends_with(name, ".attention.masked_bias") ||
           text_ends_with(name, ".rotary_emb.inv_freq");
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
        FAIL(ERR_DATA,
             "%s: tensor %s is of the type %s, which is not read; expected F32, F16 or BF16: "
             "save the model as one of these",
             f->path[t->file], t->name, t->dtype);
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

// ---- what the files hold against what config.json asks for, without a look at the values

typedef struct Found {
    SafeFolder         folder;
    const SafeTensor **of;   // [params]
    const SafeTensor  *twin; // the head of a tied model; NULL: none
} Found;

static Err missing(const char *folder, const Params *p, const char *name)
{
    int is_head = strcmp(name, params_head_name(&p->dims)) == 0;

    FAIL(ERR_DATA, "%s: there is no tensor %s, which config.json asks for%s", folder, name,
         is_head ? ": if the head is the embedding, set tie_word_embeddings to true"
                 : "; the folder is incomplete, or config.json is of another model");
}

static Err check_left_over(const Params *p, const uint8_t *used, Found *found)
{
    const SafeFolder *f = &found->folder;

    for (int64_t i = 0; i < f->count; i++) {
        const SafeTensor *t = &f->tensor[i];

        if (used[i] || is_buffer(t->name))
            continue;
        if (!p->dims.is_tied || strcmp(t->name, params_head_name(&p->dims)) != 0)
            FAIL(ERR_DATA,
                 "%s: tensor %s has no place in the model that config.json describes; is "
                 "config.json "
                 "of another model?",
                 f->path[t->file], t->name);
        found->twin = t;
    }
    return OK;
}

static Err find_all(Arena *scratch, const char *folder, const Params *p, Found *out)
{
    const CkptTensor *want = params_tensors(scratch, p);
    SafeFolder       *f = &out->folder;
    uint8_t          *used;

    *out = (Found){0};
    TRY(safetensors_open(scratch, folder, f));
    used = arena_new(scratch, uint8_t, f->count > 0 ? f->count : 1);
    out->of = arena_new(scratch, const SafeTensor *, p->count);
    for (int n = 0; n < p->count; n++) {
        const SafeTensor *t = find(f, p->list[n].name, params_prefix(&p->dims));

        if (t == NULL)
            return missing(folder, p, p->list[n].name);
        TRY(check_shape(f, t, &want[n]));
        out->of[n] = t;
        used[t - f->tensor] = 1;
    }
    return check_left_over(p, used, out);
}

Err import_check(Arena *scratch, const char *folder, const Dims *d)
{
    ArenaMark mark = arena_mark(scratch);
    Params    p = params_make(scratch, d);
    Found     found;
    Err       e = find_all(scratch, folder, &p, &found);

    arena_back(scratch, mark);
    return e;
}

// ---- values

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
    ParamsFile to = {.params = p, .flat = {flat}};
    Found      found;

    TRY(find_all(scratch, folder, p, &found));
    for (int n = 0; n < p->count; n++)
        TRY(read_tensor(scratch, &found.folder, found.of[n], &to, n));
    if (found.twin != NULL)
        TRY(check_twin(scratch, &found.folder, found.twin, p, flat));
    return OK;
}
