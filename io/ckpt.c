#include "io/ckpt.h"

#include "io/ckpt_private.h"
#include "io/h5_publish.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What HDF5 adds to one tensor and to a file, at most; for asking whether there is room.
enum { TENSOR_EXTRA_BYTES = 4096, FILE_EXTRA_BYTES = 1 << 20 };

const char *const CKPT_GROUPS[CKPT_WHICH] = {"/weights", "/moments/first", "/moments/second"};

static const char *const ABOUT[CKPT_WHICH] = {
    "Weights, row by row.",
    "The optimizer's running mean of the gradient.",
    "The optimizer's running mean of the squared gradient.",
};

// ---- writing

typedef struct CkptJob {
    Arena            *scratch;
    const char       *path;
    int               count, which_count;
    const CkptTensor *tensors;
    const CkptTexts  *texts;
    int               n_numbers;
    const CkptNumber *numbers;
    CkptBring         bring;
    void             *self;
} CkptJob;

H5Array ckpt_array(Arena *arena, const CkptTensor *t, int which)
{
    H5Array a = {.name = arena_format(arena, "%s/%s", CKPT_GROUPS[which], t->name),
                 .about = ABOUT[which],
                 .dims = t->dims != NULL ? t->dims : "",
                 .kind = H5_F32,
                 .rank = t->rank};

    CHECK(strchr(t->name, '/') == NULL, "tensor \"%s\"", t->name);
    for (int i = 0; i < t->rank; i++)
        a.shape[i] = t->shape[i];
    return a;
}

static Err check_finite(const CkptJob *job, const H5Array *a)
{
    const float *values = a->data;
    int64_t      count = h5_count(a);

    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            FAIL(ERR_NUMBER, "%s is not written: %s has %g at position %" PRId64 " of %" PRId64,
                 job->path, a->name, (double)values[i], i, count);
    return OK;
}

static Err put_tensor(H5File *f, const CkptJob *job, int tensor, int which)
{
    H5Array a = ckpt_array(job->scratch, &job->tensors[tensor], which);

    a.data = arena_new(job->scratch, float, h5_count(&a));
    TRY(job->bring(job->self, tensor, which, a.data));
    TRY(check_finite(job, &a));
    TRY(h5_put(f, &a));
    return OK;
}

static Err put_tensors(H5File *f, const CkptJob *job)
{
    for (int which = 0; which < job->which_count; which++)
        for (int i = 0; i < job->count; i++) {
            ArenaMark mark = arena_mark(job->scratch);
            Err       e = put_tensor(f, job, i, which);

            arena_back(job->scratch, mark);
            TRY(e);
        }
    return OK;
}

static Err put_texts(H5File *f, const CkptTexts *t)
{
    TRY(h5_put_text(f, "/config/model", "Shape of the network, as JSON.", t->model));
    TRY(h5_put_text(f, "/config/tokenizer", "The tokenizer, as JSON.", t->tokenizer));
    TRY(h5_put_text(f, "/config/chat_template", "The chat template.", t->chat));
    TRY(h5_put_text(f, "/provenance", "How this came about, as JSON.", t->provenance));
    if (t->adapter != NULL)
        TRY(h5_put_text(f, "/config/adapter", "What is adapted, and of which base, as JSON.",
                        t->adapter));
    return OK;
}

static Err put_numbers(H5File *f, const CkptJob *job)
{
    for (int i = 0; i < job->n_numbers; i++) {
        int64_t value = job->numbers[i].value;
        H5Array a = {.name = arena_format(job->scratch, "/numbers/%s", job->numbers[i].name),
                     .about = "A counter of the training.",
                     .dims = "",
                     .kind = H5_I64,
                     .data = &value};

        TRY(h5_put(f, &a));
    }
    return OK;
}

static Err write_all(H5File *f, void *self)
{
    const CkptJob *job = self;

    TRY(h5_attr_text(f, "/", "about",
                     job->which_count == 1 ? "One version of the policy."
                                           : "A state of the training, to go on from."));
    TRY(put_texts(f, job->texts));
    TRY(put_numbers(f, job));
    TRY(put_tensors(f, job));
    return OK;
}

static int64_t bytes_needed(const CkptJob *job)
{
    const CkptTexts *t = job->texts;
    int64_t          one = 0;

    for (int i = 0; i < job->count; i++) {
        H5Array a = ckpt_array(job->scratch, &job->tensors[i], 0);

        one += h5_count(&a) * h5_kind_bytes(H5_F32) + TENSOR_EXTRA_BYTES;
    }
    return one * job->which_count + FILE_EXTRA_BYTES +
           (int64_t)(strlen(t->model) + strlen(t->tokenizer) + strlen(t->chat) +
                     strlen(t->provenance) + (t->adapter != NULL ? strlen(t->adapter) : 0));
}

// Asked before hours of memory are written; the disk may be full all the same when it comes to it.
static Err check_space(const CkptJob *job)
{
    int64_t need = bytes_needed(job), room = file_space(job->path);

    if (room >= 0 && room < need)
        FAIL(ERR_IO,
             "%s needs %" PRId64 " bytes, but only %" PRId64
             " are free there: make room, or keep fewer checkpoints",
             job->path, need, room);
    return OK;
}

static Err publish(const Run *run, CkptJob *job)
{
    ArenaMark mark = arena_mark(job->scratch);
    Err       e = check_space(job);

    if (e == OK)
        e = h5_publish(run, job->path,
                       job->which_count == 1 ? CKPT_FORMAT_WEIGHTS : CKPT_FORMAT_STATE,
                       CKPT_VERSION, write_all, job);
    arena_back(job->scratch, mark);
    return e;
}

Err ckpt_write_weights(const Run *run, Arena *scratch, int64_t version, const CkptTensor *tensors,
                       int count, const CkptTexts *texts, CkptBring bring, void *self)
{
    char    path[FILE_PATH_MAX];
    CkptJob job = {.scratch = scratch,
                   .path = path,
                   .count = count,
                   .which_count = 1,
                   .tensors = tensors,
                   .texts = texts,
                   .bring = bring,
                   .self = self};

    TRY(run_path(run, path, "weights/v%04lld.h5", (long long)version));
    return publish(run, &job);
}

Err ckpt_write_state(const Run *run, Arena *scratch, int64_t step, const CkptTensor *tensors,
                     int count, const CkptTexts *texts, const CkptNumber *numbers, int n_numbers,
                     CkptBring bring, void *self)
{
    char    path[FILE_PATH_MAX];
    CkptJob job = {.scratch = scratch,
                   .path = path,
                   .count = count,
                   .which_count = CKPT_WHICH,
                   .tensors = tensors,
                   .texts = texts,
                   .n_numbers = n_numbers,
                   .numbers = numbers,
                   .bring = bring,
                   .self = self};

    TRY(run_path(run, path, "checkpoints/s%06lld.h5", (long long)step));
    return publish(run, &job);
}

// ---- what a run has

// "s000123.h5" -> 123; -1 for everything else, such as temporary names.
static int64_t step_of(const char *name)
{
    char    again[64];
    int64_t step = name[0] == 's' ? strtoll(name + 1, NULL, 10) : -1;

    snprintf(again, sizeof again, "s%06lld.h5", (long long)step);
    return step >= 0 && strcmp(again, name) == 0 ? step : -1;
}

static int by_step(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (y > x) - (y < x);
}

// Steps of all states, newest first, in `scratch`.
static Err list_states(const Run *run, Arena *scratch, int64_t **steps, int *count)
{
    char folder[FILE_PATH_MAX], **names;
    int  files;

    TRY(run_path(run, folder, "checkpoints"));
    TRY(file_list(scratch, folder, &names, &files));
    *steps = arena_new(scratch, int64_t, files);
    *count = 0;
    for (int i = 0; i < files; i++)
        if (step_of(names[i]) >= 0)
            (*steps)[(*count)++] = step_of(names[i]);
    if (*count > 1)
        qsort(*steps, (size_t)*count, sizeof **steps, by_step);
    return OK;
}

Err ckpt_newest_state(const Run *run, Arena *scratch, int64_t *newest, int64_t *before)
{
    ArenaMark mark = arena_mark(scratch);
    int64_t  *steps;
    int       count;

    TRY(list_states(run, scratch, &steps, &count));
    *newest = count > 0 ? steps[0] : -1;
    if (before != NULL)
        *before = count > 1 ? steps[1] : -1;
    arena_back(scratch, mark);
    return OK;
}

int ckpt_has_weights(const Run *run, int64_t version)
{
    char path[FILE_PATH_MAX];

    return run_path(run, path, "weights/v%04lld.h5", (long long)version) == OK && file_exists(path);
}

Err ckpt_prune(const Run *run, Arena *scratch, int keep)
{
    ArenaMark mark = arena_mark(scratch);
    char      path[FILE_PATH_MAX];
    int64_t  *steps;
    int       count;

    CHECK(keep > 0, "%d", keep);
    TRY(run_fence(run, 1)); // an older attempt may not remove what the newer one counts on
    TRY(list_states(run, scratch, &steps, &count));
    for (int i = keep; i < count; i++) {
        TRY(run_path(run, path, "checkpoints/s%06lld.h5", (long long)steps[i]));
        TRY(file_remove(path));
    }
    arena_back(scratch, mark);
    return OK;
}
