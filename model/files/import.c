#include "model/files/import.h"

#include "base/text.h"
#include "io/ckpt.h"
#include "io/file.h"
#include "io/formats/magic.h"
#include "io/json.h"
#include "model/adapters/import_adapter.h"
#include "model/adapters/peft.h"
#include "model/files/foreign.h"
#include "model/text/chat/chat_template.h"
#include "model/vocab.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static Err find_in_file(Arena *run, const char *base, ImportModel *out)
{
    CkptTexts   texts;
    const Json *config;

    TRY(ckpt_read_texts(run, out->chosen, &texts));
    if (texts.adapter != NULL)
        return import_adapter_file(run, &texts, base, out);
    out->chat_format = texts.chat != NULL && *texts.chat != 0 ? texts.chat : NULL;
    TRY(json_parse(run, out->chosen, texts.model, (int64_t)strlen(texts.model), JSON_NO_COMMENTS,
                   &config));
    TRY(dims_read(config, &out->dims));
    out->tokenizer = texts.tokenizer != NULL && texts.tokenizer[0] != 0 ? texts.tokenizer : NULL;
    return OK;
}

// A folder with nothing but a config.json is enough to plan with.
static int has_weights(const char *folder)
{
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json"};
    char                     path[FILE_PATH_MAX];

    for (int i = 0; i < 2; i++)
        if (file_join(path, folder, names[i]) == OK && file_exists(path))
            return 1;
    err_forget(); // a path too long for these names: there can be no such file
    return 0;
}

static Err find_in_folder(Arena *run, const char *path, ImportModel *out)
{
    snprintf(out->chosen, sizeof out->chosen, "%s", path);
    TRY(import_dims(run, path, &out->dims));
    if (has_weights(path))
        TRY(import_check(run, path, &out->dims));
    return vocab_source(run, path, &out->tokenizer);
}

static Err no_model(const char *path)
{
    char adapter[FILE_PATH_MAX];

    if (!file_is_folder(path))
        TRY(magic_refuse_file(path, "a model"));
    if (text_ends_with(path, ".safetensors"))
        FAIL(ERR_DATA,
             "%s: is only a part of a model; give the folder that it lies in, with config.json",
             path);
    TRY(file_join(adapter, path, "adapter_config.json"));
    if (file_exists(adapter))
        FAIL(ERR_DATA,
             "%s: holds an adapter (adapter_config.json), not a model; expected the folder of a "
             "model, with config.json",
             path);
    FAIL(ERR_DATA,
         "%s: is neither a Hugging Face folder (no config.json), nor a run directory (no "
         "weights/), nor an .h5, .gguf or .bin file",
         path);
}

Err import_find(Arena *run, const char *path, ImportModel *out)
{
    return import_find_below(run, path, 0, out);
}

Err import_find_below(Arena *run, const char *path, int above, ImportModel *out)
{
    char        config[FILE_PATH_MAX], weights[FILE_PATH_MAX];
    const char *base = NULL;

    *out = (ImportModel){.above = above};
    if (above > ADAPTERS_MAX)
        FAIL(ERR_DATA,
             "%s: is the base of %d adapters on each other, more than the %d that are supported; "
             "does an adapter name itself as its base?",
             path, above, ADAPTERS_MAX);
    path = import_split(run, path, &base);
    if (peft_is(path))
        return import_adapter_folder(run, path, base, out);
    TRY(file_join(config, path, "config.json"));
    TRY(file_join(weights, path, "weights"));
    if (file_exists(config))
        return find_in_folder(run, path, out);
    if (file_exists(weights)) {
        TRY(find_newest(run, weights, out->chosen));
        return find_in_file(run, base, out);
    }
    if (!file_exists(path))
        FAIL(ERR_IO,
             "%s: there is no such file; expected a Hugging Face folder, a weight file of ours, a "
             "run directory, a .gguf file or a .bin file of llama2.c (models are not downloaded: "
             "get "
             "the files first, and give their path)",
             path);
    if (!file_is_folder(path) && foreign_is(path))
        return foreign_find(run, path, out);
    if (file_is_folder(path) || !text_ends_with(path, ".h5"))
        return no_model(path);
    snprintf(out->chosen, sizeof out->chosen, "%s", path);
    return find_in_file(run, base, out);
}

Err import_load(Arena *scratch, const ImportModel *m, const Params *p, float *flat)
{
    ParamsFile to = {.params = p, .flat = {flat}};
    char       config[FILE_PATH_MAX];

    if (m->base != NULL)
        FAIL(ERR_CONFIG,
             "%s: is an adapter on %s, and a whole model is needed here; merge it first: tandem "
             "export --model %s --to hf --merge --out DIR",
             m->chosen, m->base->chosen, m->chosen);
    TRY(file_join(config, m->chosen, "config.json"));
    if (file_exists(config))
        return import_weights(scratch, m->chosen, p, flat);
    if (foreign_is(m->chosen))
        return foreign_load(scratch, m->chosen, p, flat);
    return ckpt_read_tensors(scratch, m->chosen, params_tensors(scratch, p), p->count, 1,
                             params_take, &to);
}

// ---- the tokenizer

// An id that the files name for a purpose, although the model has no such token.
static int64_t beyond(const Json *node, int64_t V)
{
    int is_list = node != NULL && node->kind == JSON_ARRAY;

    for (node = is_list ? node->child : node; node != NULL; node = is_list ? node->next : NULL)
        if (node->kind == JSON_NUMBER && node->number >= (double)V)
            return (int64_t)node->number;
    return -1;
}

int64_t import_beyond(const ImportModel *m, const Json *tokenizer, const char *file,
                      const char *key)
{
    const Json *beside = json_member(tokenizer, "beside");
    const Json *one = beside == NULL ? NULL : json_member(beside, file);

    return one == NULL || one->kind != JSON_OBJECT ? -1 : beyond(json_member(one, key), m->dims.V);
}

// Where no text names them, the ids of config.json are all that is known.
static Err check_ends(const ImportModel *m, const Json *tokenizer, const Vocab *v)
{
    const struct {
        const char *key;
        int32_t     id;
    } ends[] = {{"bos_token_id", vocab_bos(v)}, {"eos_token_id", vocab_eos(v)}};

    for (int i = 0; i < 2; i++) {
        int64_t id = import_beyond(m, tokenizer, "config", ends[i].key);

        if (ends[i].id < 0 && id >= 0)
            FAIL(ERR_CONFIG,
                 "%s/config.json: \"%s\" is %" PRId64
                 "; expected a token below vocab_size, %" PRId64 ": correct it or take it out",
                 m->chosen, ends[i].key, id, m->dims.V);
    }
    return OK;
}

Err import_vocab(Arena *run, const ImportModel *m, const Json **json, Vocab **out)
{
    *out = NULL;
    *json = NULL;
    if (m->tokenizer == NULL)
        return OK;
    TRY(vocab_parse(run, m->chosen, m->tokenizer, json));
    TRY(vocab_make(run, *json, out));
    if (vocab_size(*out) > m->dims.V)
        FAIL(ERR_DATA,
             "%s: the tokenizer has ids up to %" PRId64 ", the embedding has %" PRId64
             " rows: take the tokens beyond them out of the tokenizer, or use the model that it "
             "was made for",
             (*json)->file, vocab_size(*out) - 1, m->dims.V);
    return check_ends(m, *json, *out);
}

// ---- the chat template

int import_has_messages(const ImportModel *m)
{
    return m->chat_format != NULL && chat_format_is_messages(m->chat_format);
}

const char *import_chat_template(const ImportModel *m, const Vocab *v)
{
    if (m->chat_format != NULL && !import_has_messages(m))
        return m->chat_format;
    return v == NULL ? NULL : vocab_chat_template(v);
}
