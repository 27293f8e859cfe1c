#include "cli/model_files.h"

#include "io/file.h"
#include "io/json.h"
#include "model/adapters/import_adapter.h"
#include "model/files/foreign.h"

#include <inttypes.h>
#include <string.h>

static Err read_list(const Json *list, int64_t V, IdLists *out, int64_t i)
{
    char    where[256];
    int64_t at = out->begin[i], id;

    json_where(list, where, sizeof where);
    if (list->kind != JSON_ARRAY || list->length == 0)
        FAIL(ERR_DATA, "%s: expected an array of at least one token id, found %s", where,
             json_kind_name(list->kind));
    for (const Json *j = list->child; j != NULL; j = j->next) {
        TRY(json_i64(j, 0, V - 1, &id));
        out->id[at++] = (int32_t)id;
    }
    out->begin[i + 1] = at;
    out->longest = list->length > out->longest ? list->length : out->longest;
    return OK;
}

Err model_files_ids(Arena *arena, const char *path, int64_t V, IdLists *out)
{
    const Json *root;
    char        where[256];
    int64_t     total = 0, i = 0;

    *out = (IdLists){0};
    TRY(json_read(arena, path, JSON_NO_COMMENTS, &root));
    json_where(root, where, sizeof where);
    if (root->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: expected an array of arrays of token ids, found %s", where,
             json_kind_name(root->kind));
    for (const Json *j = root->child; j != NULL; j = j->next)
        total += j->length;
    out->count = root->length;
    out->begin = arena_new(arena, int64_t, out->count + 1);
    out->id = arena_new(arena, int32_t, total);
    for (const Json *j = root->child; j != NULL; j = j->next)
        TRY(read_list(j, V, out, i++));
    return OK;
}

Err model_files_vocab(Arena *arena, const char *path, Vocab **out)
{
    ImportModel m;
    const Json *json;

    TRY(import_find(arena, path, &m));
    return import_vocab(arena, &m, &json, out);
}

Err model_files_is_closed(Arena *arena, const char *path, int *out)
{
    char        weights[FILE_PATH_MAX], adapter[FILE_PATH_MAX];
    const char *source = NULL;

    *out = text_ends_with(path, ".h5") || (!file_is_folder(path) && foreign_is(path)) ||
           (!file_exists(path) && strchr(path, '@') != NULL); // ADAPTER@BASE
    if (!file_is_folder(path))
        return OK;
    TRY(file_join(weights, path, "weights"));
    TRY(file_join(adapter, path, "adapter_config.json"));
    if (!file_exists(weights) && !file_exists(adapter))
        return OK;
    TRY(vocab_source(arena, path, &source));
    *out = source == NULL;
    return OK;
}

Err model_files_tokenizer(Arena *arena, const char *path, Vocab **out)
{
    int is_closed;

    TRY(model_files_is_closed(arena, path, &is_closed));
    if (!is_closed)
        return vocab_open(arena, path, out);
    TRY(model_files_vocab(arena, path, out));
    if (*out == NULL)
        FAIL(ERR_DATA, "%s: this model brings no tokenizer", path);
    return OK;
}

Err model_files_open(Arena *run, Arena *scratch, const ImportModel *m, Net *out)
{
    *out = net_make(run, &m->dims, NET_INFER);
    TRY(import_load_net(scratch, m, out, NULL));
    net_pack(out);
    return OK;
}
