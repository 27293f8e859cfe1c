#include "io/formats/safetensors.h"

#include "base/text.h"
#include "io/file.h"
#include "io/formats/half.h"
#include "io/formats/safetensors_private.h"
#include "io/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(((const SafeTensor *)a)->name, ((const SafeTensor *)b)->name);
}

Err safetensors_open_file(Arena *arena, const char *path, SafeFolder *out)
{
    *out = (SafeFolder){.files = 1};
    TRY(safetensors_scan(arena, path, &out->tensor, &out->count));
    TRY(safetensors_room(arena, path, (int64_t)strlen(path) + 3 * ARENA_ALIGN));
    out->path = arena_new(arena, char *, 1);
    out->path[0] = arena_text(arena, path);
    qsort(out->tensor, (size_t)out->count, sizeof *out->tensor, by_name);
    return OK;
}

// ---- folders of several files

// Shards lie beside their index, and nowhere else.
static Err check_shard_name(const char *index, const Json *entry)
{
    const char *name = entry->text;

    if (entry->kind != JSON_TEXT || name[0] == 0 || name[0] == '.' || strchr(name, '/') != NULL ||
        strlen(name) > SAFE_NAME_MAX)
        FAIL(ERR_DATA, "%s: expected the name of a file beside it for tensor %.*s", index,
             SAFE_NAME_MAX, entry->key);
    return OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The different files of the index, sorted.
static Err list_shards(Arena *arena, const char *index, const Json *map, const char ***names,
                       int *files)
{
    const char **all;
    int64_t      n = 0;

    if (map->length < 1 || map->length > SAFE_TENSORS_MAX)
        FAIL(ERR_DATA, "%s: expected 1 to %d tensors in weight_map, found %" PRId64, index,
             SAFE_TENSORS_MAX, map->length);
    TRY(safetensors_room(arena, index, arena_need(map->length, (int64_t)sizeof *all)));
    all = arena_new(arena, const char *, map->length);
    for (const Json *m = map->child; m != NULL; m = m->next) {
        TRY(check_shard_name(index, m));
        all[n++] = m->text;
    }
    qsort(all, (size_t)n, sizeof *all, by_text);
    *files = 0;
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || strcmp(all[i], all[i - 1]) != 0)
            all[(*files)++] = all[i];
    if (*files > SAFE_FILES_MAX)
        FAIL(ERR_DATA, "%s: expected at most %d files, found %d", index, SAFE_FILES_MAX, *files);
    *names = all;
    return OK;
}

static Err scan_shards(Arena *arena, const char *folder, const char **names, SafeFolder *out,
                       SafeTensor **part, int64_t *counts)
{
    for (int i = 0; i < out->files; i++) {
        char path[FILE_PATH_MAX];

        TRY(file_join(path, folder, names[i]));
        TRY(safetensors_room(arena, path, arena_need((int64_t)strlen(path) + 1, 1)));
        out->path[i] = arena_text(arena, path);
        if (!file_exists(path))
            FAIL(
                ERR_IO,
                "%s: is not there, although model.safetensors.index.json names it; the download is "
                "incomplete",
                path);
        TRY(safetensors_scan(arena, out->path[i], &part[i], &counts[i]));
        out->count += counts[i];
        if (out->count > SAFE_TENSORS_MAX)
            FAIL(ERR_DATA, "%s: expected at most %d tensors in all files", folder,
                 SAFE_TENSORS_MAX);
    }
    return OK;
}

static Err check_unique(const SafeFolder *f)
{
    for (int64_t i = 1; i < f->count; i++)
        if (strcmp(f->tensor[i - 1].name, f->tensor[i].name) == 0)
            FAIL(ERR_DATA, "%s: tensor %s is also in %s", f->path[f->tensor[i].file],
                 f->tensor[i].name, f->path[f->tensor[i - 1].file]);
    return OK;
}

// The index and the files must name the same tensors.
static Err check_index(const char *index, const Json *map, const SafeFolder *f)
{
    for (const Json *m = map->child; m != NULL; m = m->next) {
        const SafeTensor *t = safetensors_find(f, m->key);
        const char       *base = t != NULL ? strrchr(f->path[t->file], '/') : NULL;

        if (t == NULL || strcmp(base != NULL ? base + 1 : f->path[t->file], m->text) != 0)
            FAIL(ERR_DATA,
                 "%s: expected tensor %.*s in %s, it is not there; the files are not of "
                 "one model",
                 index, SAFE_NAME_MAX, m->key, m->text);
    }
    if (map->length != f->count)
        FAIL(ERR_DATA,
             "%s: expected every tensor of the files in weight_map, found %" PRId64 " of %" PRId64,
             index, map->length, f->count);
    return OK;
}

static Err gather(Arena *arena, const char *index, SafeTensor **part, const int64_t *counts,
                  SafeFolder *out)
{
    int64_t n = 0;

    TRY(safetensors_room(arena, index, arena_need(out->count + 1, (int64_t)sizeof(SafeTensor))));
    out->tensor = arena_new(arena, SafeTensor, out->count + 1);
    for (int file = 0; file < out->files; file++) {
        for (int64_t i = 0; i < counts[file]; i++) {
            out->tensor[n] = part[file][i];
            out->tensor[n++].file = file;
        }
    }
    qsort(out->tensor, (size_t)n, sizeof *out->tensor, by_name);
    return OK;
}

static Err open_sharded(Arena *arena, const char *folder, const char *index, SafeFolder *out)
{
    const Json  *root, *map;
    const char **names = NULL;
    SafeTensor **part;
    int64_t     *counts;

    TRY(json_read(arena, index, JSON_NO_COMMENTS, &root));
    TRY(json_want_object(root, "weight_map", &map));
    TRY(list_shards(arena, index, map, &names, &out->files));
    TRY(safetensors_room(arena, index, arena_need(3 * out->files, 8) + 3 * ARENA_ALIGN));
    out->path = arena_new(arena, char *, out->files);
    part = arena_new(arena, SafeTensor *, out->files);
    counts = arena_new(arena, int64_t, out->files);
    TRY(scan_shards(arena, folder, names, out, part, counts));
    TRY(gather(arena, index, part, counts, out));
    TRY(check_unique(out));
    TRY(check_index(index, map, out));
    return OK;
}

// What lies there instead, if that explains it.
static Err no_weights(Arena *arena, const char *folder)
{
    char **names;
    int    count;

    TRY(file_list(arena, folder, &names, &count));
    for (int i = 0; i < count; i++) {
        if (text_ends_with(names[i], ".safetensors"))
            FAIL(ERR_IO,
                 "%s: expected model.safetensors, or model.safetensors.index.json beside %s: the "
                 "index is missing; download it too",
                 folder, names[i]);
        if (text_ends_with(names[i], ".bin") || text_ends_with(names[i], ".pt") ||
            text_ends_with(names[i], ".pth"))
            FAIL(ERR_IO,
                 "%s: expected model.safetensors, found %s of PyTorch, which may hold code and is "
                 "not read: convert it, in Python: from transformers import AutoModelForCausalLM "
                 "as M; M.from_pretrained(\"%s\").save_pretrained(\"NEW\", "
                 "safe_serialization=True)",
                 folder, names[i], folder);
    }
    FAIL(ERR_IO,
         "%s: expected model.safetensors or model.safetensors.index.json in this folder, found "
         "neither",
         folder);
}

Err safetensors_open(Arena *arena, const char *folder, SafeFolder *out)
{
    char single[FILE_PATH_MAX], index[FILE_PATH_MAX];

    *out = (SafeFolder){0};
    TRY(file_join(single, folder, "model.safetensors"));
    TRY(file_join(index, folder, "model.safetensors.index.json"));
    if (file_exists(single)) {
        TRY(safetensors_open_file(arena, single, out));
        return OK;
    }
    if (!file_exists(index))
        return no_weights(arena, folder);
    TRY(open_sharded(arena, folder, index, out));
    return OK;
}

// ---- values

const SafeTensor *safetensors_find(const SafeFolder *f, const char *name)
{
    SafeTensor wanted = {.name = name};

    if (f->count == 0)
        return NULL;
    return bsearch(&wanted, f->tensor, (size_t)f->count, sizeof wanted, by_name);
}

// Widens 16-bit values that lie in the upper half of `out`, from the front, so that none is
// overwritten before it was read.
static void widen(SafeKind kind, float *out, int64_t count)
{
    const char *narrow = (const char *)out + 2 * count;

    for (int64_t i = 0; i < count; i++) {
        uint16_t half;

        memcpy(&half, narrow + 2 * i, sizeof half);
        out[i] = kind == SAFE_BF16 ? half_widen_bf16(half) : half_widen_f16(half);
    }
}

Err safetensors_read(const SafeFolder *f, const SafeTensor *t, float *out)
{
    const char *path = f->path[t->file];
    int64_t     bytes, count = t->kind == SAFE_F32 ? t->bytes / 4 : t->bytes / 2;
    int         fd;
    Err         e;

    if (t->kind == SAFE_OTHER)
        FAIL(ERR_DATA, "%s: tensor %s: expected values of type F32, F16 or BF16", path, t->name);
    TRY(safetensors_open_bytes(path, &fd, &bytes));
    e = safetensors_read_at(fd, path, t->begin,
                            t->kind == SAFE_F32 ? (char *)out : (char *)out + 2 * count, t->bytes);
    close(fd);
    TRY(e);
    if (t->kind != SAFE_F32)
        widen(t->kind, out, count);
    return OK;
}
