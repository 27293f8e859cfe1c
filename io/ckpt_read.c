#include "io/ckpt.h"

#include "base/hash.h"
#include "base/text.h"
#include "io/ckpt_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Err get_texts(H5File *f, Arena *arena, CkptTexts *out)
{
    char *model, *tokenizer, *chat, *provenance;

    TRY(h5_get_text(f, arena, "/config/model", &model, NULL));
    TRY(h5_get_text(f, arena, "/config/tokenizer", &tokenizer, NULL));
    TRY(h5_get_text(f, arena, "/config/chat_template", &chat, NULL));
    TRY(h5_get_text(f, arena, "/provenance", &provenance, NULL));
    *out = (CkptTexts){model, tokenizer, chat, provenance, NULL};
    if (h5_has(f, "/config/adapter")) {
        char *adapter;

        TRY(h5_get_text(f, arena, "/config/adapter", &adapter, NULL));
        out->adapter = adapter;
    }
    return OK;
}

Err ckpt_read_texts(Arena *arena, const char *path, CkptTexts *out)
{
    H5File *f;
    Err     e;

    TRY(h5_open(path, CKPT_FORMAT_ANY, CKPT_VERSION, &f));
    e = get_texts(f, arena, out);
    h5_close(f);
    return e;
}

static const char *shape_text(Arena *arena, const H5Array *a)
{
    Text t = text_make(arena);

    text_puts(&t, "[");
    for (int i = 0; i < a->rank; i++)
        text_printf(&t, "%s%" PRId64, i > 0 ? "," : "", a->shape[i]);
    text_puts(&t, "]");
    return t.data;
}

static Err compare_shape(H5File *f, Arena *arena, const char *path, const H5Array *wanted)
{
    H5Array found = {0};
    int     same;

    TRY(h5_shape(f, wanted->name, &found));
    same = found.kind == wanted->kind && found.rank == wanted->rank;
    for (int i = 0; same && i < found.rank; i++)
        same = found.shape[i] == wanted->shape[i];
    if (!same)
        FAIL(ERR_DATA, "%s: %s is %s%s in the file and %s in the model", path, wanted->name,
             shape_text(arena, &found), found.kind != H5_F32 ? " of another kind" : "",
             shape_text(arena, wanted));
    return OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Every tensor of the model is in the file, with its shape, and nothing else is there.
static Err compare_part(H5File *f, Arena *arena, const char *path, const CkptTensor *tensors,
                        int count, int which)
{
    const char *group = CKPT_GROUPS[which];
    char      **there, **here = arena_new(arena, char *, count);
    int         found;

    TRY(h5_list(f, arena, group, &there, &found));
    for (int i = 0; i < count; i++) {
        H5Array a = ckpt_array(arena, &tensors[i], which);

        memcpy(&here[i], &a.name, sizeof a.name);
        if (found == 0 || bsearch(&a.name, there, (size_t)found, sizeof *there, by_text) == NULL)
            FAIL(ERR_DATA,
                 "%s has no tensor %s, which the model has (%d tensors in %s of the file, first %s;"
                 " %d in the model)",
                 path, a.name, found, group, found > 0 ? there[0] : "none", count);
        TRY(compare_shape(f, arena, path, &a));
    }
    if (count > 1)
        qsort(here, (size_t)count, sizeof *here, by_text);
    for (int i = 0; i < found; i++)
        if (count == 0 || bsearch(&there[i], here, (size_t)count, sizeof *here, by_text) == NULL)
            FAIL(ERR_DATA,
                 "%s has the tensor %s, which the model lacks (%d tensors in the file, %d"
                 " in the model)",
                 path, there[i], found, count);
    return OK;
}

static Err take_tensor(H5File *f, Arena *scratch, const CkptTensor *tensors, int tensor, int which,
                       CkptTake take, void *self)
{
    H5Array a = ckpt_array(scratch, &tensors[tensor], which);

    a.data = arena_new(scratch, float, h5_count(&a));
    TRY(h5_get(f, &a));
    TRY(take(self, tensor, which, a.data));
    return OK;
}

static Err take_all(H5File *f, Arena *scratch, const char *path, const CkptTensor *tensors,
                    int count, int which_count, CkptTake take, void *self)
{
    ArenaMark mark = arena_mark(scratch);

    for (int which = 0; which < which_count; which++)
        TRY(compare_part(f, scratch, path, tensors, count, which));
    arena_back(scratch, mark);
    for (int which = 0; which < which_count; which++)
        for (int i = 0; i < count; i++) {
            TRY(take_tensor(f, scratch, tensors, i, which, take, self));
            arena_back(scratch, mark);
        }
    return OK;
}

Err ckpt_read_tensors(Arena *scratch, const char *path, const CkptTensor *tensors, int count,
                      int which_count, CkptTake take, void *self)
{
    ArenaMark mark = arena_mark(scratch);
    H5File   *f;
    Err       e;

    CHECK(which_count == 1 || which_count == CKPT_WHICH, "%d", which_count);
    TRY(h5_open(path, which_count == 1 ? CKPT_FORMAT_ANY : CKPT_FORMAT_STATE, CKPT_VERSION, &f));
    e = take_all(f, scratch, path, tensors, count, which_count, take, self);
    h5_close(f);
    arena_back(scratch, mark);
    return e;
}

static Err get_numbers(H5File *f, CkptNumber *numbers, int count)
{
    char name[256];

    for (int i = 0; i < count; i++) {
        H5Array a = {.name = name, .kind = H5_I64, .data = &numbers[i].value};

        CHECK((size_t)snprintf(name, sizeof name, "/numbers/%s", numbers[i].name) < sizeof name,
              "%s", numbers[i].name);
        TRY(h5_get(f, &a));
    }
    return OK;
}

Err ckpt_read_numbers(const char *path, CkptNumber *numbers, int count)
{
    H5File *f;
    Err     e;

    TRY(h5_open(path, CKPT_FORMAT_STATE, CKPT_VERSION, &f));
    e = get_numbers(f, numbers, count);
    h5_close(f);
    return e;
}

// ---- digest

static Err digest_tensor(H5File *f, Arena *scratch, const char *name, uint64_t *h)
{
    H5Array shape = {0}, a;

    TRY(h5_shape(f, name, &shape));
    TRY(h5_load(f, scratch, name, H5_F32, shape.rank, &a));
    *h = hash_text(*h, name + strlen(CKPT_GROUPS[0]) + 1);
    *h = hash_u64(*h, (uint64_t)a.rank);
    *h = hash_bytes(*h, a.shape, a.rank * (int64_t)sizeof a.shape[0]);
    *h = hash_bytes(*h, a.data, h5_count(&a) * h5_kind_bytes(H5_F32));
    return OK;
}

static Err digest_all(H5File *f, Arena *scratch, uint64_t *h)
{
    char **names;
    int    count;

    *h = 0;
    TRY(h5_list(f, scratch, CKPT_GROUPS[0], &names, &count));
    for (int i = 0; i < count; i++) {
        ArenaMark mark = arena_mark(scratch);
        Err       e = digest_tensor(f, scratch, names[i], h);

        arena_back(scratch, mark);
        TRY(e);
    }
    *h = hash_u64(*h, (uint64_t)count);
    return OK;
}

Err ckpt_digest(Arena *scratch, const char *path, uint64_t *digest)
{
    ArenaMark mark = arena_mark(scratch);
    H5File   *f;
    Err       e;

    TRY(h5_open(path, CKPT_FORMAT_ANY, CKPT_VERSION, &f));
    e = digest_all(f, scratch, digest);
    h5_close(f);
    arena_back(scratch, mark);
    return e;
}
