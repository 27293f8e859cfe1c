// The files of a tokenizer as one JSON text, and a tokenizer of that text.
#include "io/file.h"
#include "io/formats/magic.h"
#include "model/text/tokenizer_private.h"
#include "model/text/zeros.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FILE_BYTES_MAX = JSON_BYTES_MAX, BESIDE_BYTES_MAX = 4 << 20 };

// ---- files

static Err read_beside(Arena *arena, Text *t, const char *folder, const char *file, const char *key,
                       int is_text)
{
    char    path[FILE_PATH_MAX], *text;
    int64_t bytes;

    TRY(file_join(path, folder, file));
    if (!file_exists(path))
        return OK;
    TRY(file_read(arena, path, BESIDE_BYTES_MAX, &text, &bytes));
    TRY(magic_refuse(path, text, bytes, "a text"));
    if (text_utf8_bad(text, bytes) >= 0 || memchr(text, 0, (size_t)bytes) != NULL)
        FAIL(ERR_DATA, "%s: expected a text in UTF-8", path);
    text_printf(t, "%s\"%s\": ", t->data[t->length - 1] == '{' ? "" : ",\n", key);
    if (is_text)
        text_json(t, text, bytes);
    else
        text_add(t, text, bytes);
    return OK;
}

static Err write_beside(Arena *arena, Text *t, const char *folder)
{
    text_puts(t, ",\n\"beside\": {");
    TRY(read_beside(arena, t, folder, "tokenizer_config.json", "tokenizer_config", 0));
    TRY(read_beside(arena, t, folder, "special_tokens_map.json", "special_tokens_map", 0));
    TRY(read_beside(arena, t, folder, "config.json", "config", 0));
    TRY(read_beside(arena, t, folder, "generation_config.json", "generation_config", 0));
    TRY(read_beside(arena, t, folder, "chat_template.jinja", "chat_template", 1));
    TRY(read_beside(arena, t, folder, "additional_chat_templates/tool_use.jinja",
                    "chat_template_tool_use", 1));
    text_puts(t, "}}");
    return OK;
}

static Err write_json(Arena *arena, Text *t, const char *path, const char *kind, const char *key)
{
    char   *text, zero[ZEROS_STAND_IN];
    int64_t bytes;

    TRY(file_read(arena, path, FILE_BYTES_MAX, &text, &bytes));
    TRY(magic_refuse(path, text, bytes, "a tokenizer"));
    TRY(zeros_hide(path, text, bytes, zero));
    text_printf(t, "{\"kind\": \"%s\",", kind);
    if (*zero)
        text_printf(t, " \"zero\": \"%s\",", zero);
    text_printf(t, " \"%s\": ", key);
    text_add(t, text, bytes);
    return OK;
}

// tokenizer.model is SentencePiece's, but Llama 3 gave the name to a file of tiktoken's.
static int is_tiktoken(Bytes b)
{
    const char *end = b.length == 0 ? NULL : memchr(b.data, '\n', (size_t)b.length);
    const char *blank = end == NULL ? NULL : memchr(b.data, ' ', (size_t)(end - b.data));

    if (blank == NULL || blank == b.data || blank + 1 == end || end - b.data > 4096)
        return 0;
    for (const char *p = blank + 1; p < end; p++)
        if ((*p < '0' || *p > '9') && *p != '\r')
            return 0;
    return text_utf8_bad(b.data, b.length) < 0 && memchr(b.data, 0, (size_t)b.length) == NULL;
}

static Err write_binary(Arena *arena, Text *t, const char *path)
{
    char   *text;
    int64_t bytes;

    TRY(file_read(arena, path, FILE_BYTES_MAX / 2, &text, &bytes));
    TRY(magic_refuse(path, text, bytes, "a tokenizer"));
    if (is_tiktoken((Bytes){text, bytes})) {
        text_puts(t, "{\"kind\": \"tiktoken\", \"text\": ");
        text_json(t, text, bytes);
        return OK;
    }
    text_puts(t, "{\"kind\": \"tokenizer.model\", \"base64\": \"");
    base64_write(t, (Bytes){text, bytes});
    text_puts(t, "\"");
    return OK;
}

static Err write_vocab(Arena *arena, Text *t, const char *folder)
{
    char    path[FILE_PATH_MAX], *text;
    int64_t bytes;

    TRY(file_join(path, folder, "vocab.json"));
    TRY(write_json(arena, t, path, "vocab.json", "vocab"));
    TRY(file_join(path, folder, "merges.txt"));
    TRY(file_read(arena, path, FILE_BYTES_MAX, &text, &bytes));
    if (text_utf8_bad(text, bytes) >= 0 || memchr(text, 0, (size_t)bytes) != NULL)
        FAIL(ERR_DATA, "%s: expected a text in UTF-8", path);
    text_puts(t, ",\n\"merges\": ");
    text_json(t, text, bytes);
    return OK;
}

// ---- which files

static int has(const char *folder, const char *name, char path[FILE_PATH_MAX])
{
    return snprintf(path, FILE_PATH_MAX, "%s/%s", folder, name) < FILE_PATH_MAX &&
           file_exists(path);
}

// A path in the folder that ends so; 0: there is none.
static Err find_tiktoken(Arena *arena, const char *folder, char path[FILE_PATH_MAX], int *is_there)
{
    char **names;
    int    count;

    *is_there = 0;
    TRY(file_list(arena, folder, &names, &count));
    for (int i = 0; i < count && !*is_there; i++)
        if (text_ends_with(names[i], ".tiktoken")) {
            TRY(file_join(path, folder, names[i]));
            *is_there = 1;
        }
    return OK;
}

static Err write_folder(Arena *arena, Text *t, const char *folder, int *is_there)
{
    char path[FILE_PATH_MAX], merges[FILE_PATH_MAX];

    *is_there = 1;
    if (has(folder, "tokenizer.json", path)) {
        TRY(write_json(arena, t, path, "tokenizer.json", "tokenizer"));
    } else if (has(folder, "tokenizer.model", path)) {
        TRY(write_binary(arena, t, path));
    } else if (has(folder, "vocab.json", path) && has(folder, "merges.txt", merges)) {
        TRY(write_vocab(arena, t, folder));
    } else {
        TRY(find_tiktoken(arena, folder, path, is_there));
        if (*is_there)
            TRY(write_binary(arena, t, path));
    }
    return *is_there ? write_beside(arena, t, folder) : OK;
}

static void folder_of(const char *path, char folder[FILE_PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    snprintf(folder, FILE_PATH_MAX, "%.*s", slash == NULL ? 1 : (int)(slash - path),
             slash == NULL ? "." : path);
    if (*folder == 0)
        snprintf(folder, FILE_PATH_MAX, "/");
}

static Err write_file(Arena *arena, Text *t, const char *path)
{
    char folder[FILE_PATH_MAX];

    folder_of(path, folder);
    if (text_ends_with(path, "vocab.json") || text_ends_with(path, "merges.txt"))
        TRY(write_vocab(arena, t, folder));
    else if (text_ends_with(path, ".json"))
        TRY(write_json(arena, t, path, "tokenizer.json", "tokenizer"));
    else
        TRY(write_binary(arena, t, path));
    return write_beside(arena, t, folder);
}

Err tokenizer_source(Arena *arena, const char *path, const char **json)
{
    Text t = text_make(arena);
    int  is_there = 1;

    *json = NULL;
    if (!file_exists(path))
        FAIL(ERR_IO, "%s: there is no such file or folder; expected a tokenizer: " TOKENIZER_FILES,
             path);
    if (strlen(path) >= FILE_PATH_MAX)
        FAIL(ERR_IO, "%.100s...: the path is too long", path);
    TRY(file_is_folder(path) ? write_folder(arena, &t, path, &is_there)
                             : write_file(arena, &t, path));
    *json = is_there ? t.data : NULL;
    return OK;
}

// ---- the tree of the text

// The first of the files that is no JSON; OK: none.
static Err check_files(Arena *arena, const char *folder)
{
    static const char *const names[] = {"tokenizer.json",        "vocab.json",
                                        "tokenizer_config.json", "special_tokens_map.json",
                                        "config.json",           "generation_config.json"};
    char                     path[FILE_PATH_MAX], zero[ZEROS_STAND_IN], *text;
    const Json              *root;
    int64_t                  bytes;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (has(folder, names[i], path)) {
            TRY(file_read(arena, path, FILE_BYTES_MAX, &text, &bytes));
            TRY(zeros_hide(path, text, bytes, zero));
            TRY(json_parse(arena, path, text, bytes, JSON_NO_COMMENTS, &root));
        }
    return OK;
}

Err tokenizer_parse(Arena *arena, const char *path, const char *source, const Json **out)
{
    char      file[FILE_PATH_MAX];
    int       is_folder = file_is_folder(path);
    ArenaMark mark = arena_mark(arena);
    Err       e;

    if (!is_folder || (!has(path, "tokenizer.json", file) && !has(path, "tokenizer.model", file) &&
                       !has(path, "vocab.json", file)))
        snprintf(file, sizeof file, "%s", path);
    e = json_parse(arena, file, source, (int64_t)strlen(source), JSON_NO_COMMENTS, out);
    if (e == OK || !is_folder)
        return e;
    arena_back(arena, mark); // several files in one text: which of them, and where?
    err_forget();
    TRY(check_files(arena, path));
    return json_parse(arena, file, source, (int64_t)strlen(source), JSON_NO_COMMENTS, out);
}

// ---- a tokenizer of the text

typedef Err (*BuildFrom)(Build *b, const Json *config, const Json *beside);

static Err build_from_tokenizer(Build *b, const Json *config, const Json *beside)
{
    const Json *root;

    (void)beside;
    TRY(json_want_object(config, "tokenizer", &root));
    return build_from_json(b, root);
}

static const struct {
    const char *kind;
    BuildFrom   build;
} KINDS[] = {{"tokenizer.json", build_from_tokenizer},
             {"tokenizer.model", build_from_model},
             {"tiktoken", build_from_tiktoken},
             {"vocab.json", build_from_vocab}};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

static BuildFrom build_of(const char *kind)
{
    for (int i = 0; i < KIND_COUNT; i++)
        if (strcmp(KINDS[i].kind, kind) == 0)
            return KINDS[i].build;
    return NULL;
}

int tokenizer_reads(const char *kind)
{
    return build_of(kind) != NULL;
}

// As the weight files keep it.
static Err keep_source(Build *b, const Json *config)
{
    Text t = text_make(b->scratch);

    json_write(&t, config);
    TRY(build_room(b, t.length + ARENA_ALIGN));
    b->t->source = arena_text_n(b->run, t.data, t.length);
    b->t->source_bytes = t.length;
    return OK;
}

static Err build(Build *b, const Json *config)
{
    const Json *zero = json_member(config, "zero"), *beside = json_member(config, "beside");
    const char *kind;

    TRY(json_want_text(config, "kind", &kind));
    if (zero != NULL && (zero->kind != JSON_TEXT || zero->length == 0))
        FAIL(ERR_DATA, "%s: expected \"zero\" to be the text that stands for the zero character",
             b->file);
    if (zero != NULL)
        b->zero = zero->text;
    TRY(keep_source(b, config));
    TRY(build_of(kind)(b, config, beside));
    return build_finish(b, beside);
}

Err tokenizer_make(Arena *run, const Json *config, Vocab **out)
{
    Build b = {.run = run, .file = config->file, .zero = ""};
    Arena scratch;
    Err   e;

    unicode_start();
    TRY(shared_room_start());
    TRY(arena_make(&scratch, "tokenizer", TOKENIZER_ADDRESSES));
    b.scratch = &scratch;
    e = build_room(&b, 1 << 20);
    if (e == OK) {
        b.t = arena_new(run, Tokenizer, 1);
        b.t->vocab =
            (Vocab){.kind = &TOKENIZER_KIND, .bos = -1, .eos = -1, .pad = -1, .unknown = -1};
        e = build(&b, config);
    }
    arena_free(&scratch);
    TRY(e);
    *out = &b.t->vocab;
    return OK;
}
