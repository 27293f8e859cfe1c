#include "model/text/foreign_vocab.h"

#include "io/file.h"
#include "io/formats/llama2c.h"
#include "model/text/spm.h"
#include "model/text/tokenizer_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- what both have: pieces, and the tokens at the ends of a text

typedef struct Ends {
    int64_t     bos, eos, unknown, pad; // -1: none
    int64_t     turn;                   // ends a turn; -1: none
    int         adds_bos, adds_eos;
    const char *chat, *chat_tools; // or NULL
} Ends;

static void add_named(Text *t, const char *name, const Bytes *text, int64_t size, int64_t id)
{
    if (id < 0 || id >= size)
        return;
    text_printf(t, "\"%s\": ", name);
    text_json(t, text[id].data, text[id].length);
    text_puts(t, ", ");
}

static void add_beside(Text *t, const Ends *e, const Bytes *text, int64_t size)
{
    text_puts(t, ", \"beside\": {\"tokenizer_config\": {");
    add_named(t, "bos_token", text, size, e->bos);
    add_named(t, "eos_token", text, size, e->eos);
    add_named(t, "unk_token", text, size, e->unknown);
    add_named(t, "pad_token", text, size, e->pad);
    if (e->chat != NULL) {
        text_puts(t, e->chat_tools != NULL ? "\"chat_template\": {\"default\": "
                                           : "\"chat_template\": ");
        text_json(t, e->chat, (int64_t)strlen(e->chat));
        if (e->chat_tools != NULL) {
            text_puts(t, ", \"tool_use\": ");
            text_json(t, e->chat_tools, (int64_t)strlen(e->chat_tools));
            text_puts(t, "}");
        }
        text_puts(t, ", ");
    }
    text_printf(t, "\"add_bos_token\": %s, \"add_eos_token\": %s}", e->adds_bos ? "true" : "false",
                e->adds_eos ? "true" : "false");
    if (e->turn >= 0)
        text_printf(t, ", \"generation_config\": {\"eos_token_id\": %" PRId64 "}", e->turn);
    text_puts(t, "}}");
}

static const char *write_spm(Arena *arena, const SpmPieces *p, const Ends *e)
{
    Text file = text_make(arena), t = text_make(arena);

    spm_write(&file, p);
    text_puts(&t, "{\"kind\": \"tokenizer.model\", \"base64\": \"");
    base64_write(&t, (Bytes){file.data, file.length});
    text_puts(&t, "\"");
    add_beside(&t, e, p->text, p->size);
    return t.data;
}

static SpmPieces make_pieces(Arena *arena, int64_t size)
{
    SpmPieces p = {.size = size, .model = SPM_BPE, .puts_prefix = 1};

    p.text = arena_new(arena, Bytes, size);
    p.score = arena_new(arena, float, size);
    p.type = arena_new(arena, int, size);
    return p;
}

// ---- GGUF

typedef struct GgufVocab {
    Bytes   *text; // [size]
    int64_t  size;
    int64_t *type; // [size], or NULL
    Ends     ends;
} GgufVocab;

// Some writers say that there is none by an id of -1 in 32 bits.
static Err read_id(const Gguf *g, const char *key, int64_t size, int64_t *out)
{
    TRY(gguf_get_i64(g, key, INT64_MIN, INT64_MAX, -1, out));
    if (*out < 0 || *out == UINT32_MAX)
        *out = -1;
    if (*out >= size)
        FAIL(ERR_DATA,
             "%s: %s is %" PRId64 "; expected the id of one of its %" PRId64
             " tokens: convert the model again",
             g->path, key, *out, size);
    return OK;
}

static Err read_ends(Arena *arena, const Gguf *g, int64_t size, Ends *e, int adds_bos)
{
    TRY(read_id(g, "tokenizer.ggml.bos_token_id", size, &e->bos));
    TRY(read_id(g, "tokenizer.ggml.eos_token_id", size, &e->eos));
    TRY(read_id(g, "tokenizer.ggml.eot_token_id", size, &e->turn));
    TRY(read_id(g, "tokenizer.ggml.unknown_token_id", size, &e->unknown));
    TRY(read_id(g, "tokenizer.ggml.padding_token_id", size, &e->pad));
    TRY(gguf_get_flag(g, "tokenizer.ggml.add_bos_token", adds_bos, &e->adds_bos));
    TRY(gguf_get_flag(g, "tokenizer.ggml.add_eos_token", 0, &e->adds_eos));
    TRY(gguf_get_text(arena, g, "tokenizer.chat_template", &e->chat));
    return gguf_get_text(arena, g, "tokenizer.chat_template.tool_use", &e->chat_tools);
}

static Err read_tokens(Arena *arena, const Gguf *g, GgufVocab *v)
{
    GgufText *text;
    int64_t   types;

    TRY(gguf_get_texts(arena, g, "tokenizer.ggml.tokens", &text, &v->size));
    TRY(gguf_get_ints(arena, g, "tokenizer.ggml.token_type", &v->type, &types));
    if (v->size < 1 || v->size > PIECES_MAX || (v->type != NULL && types != v->size))
        FAIL(ERR_DATA,
             "%s: expected 1 to %d texts in tokenizer.ggml.tokens and as many types, found %" PRId64
             " and %" PRId64,
             g->path, PIECES_MAX, v->size, types);
    v->text = arena_new(arena, Bytes, v->size);
    for (int64_t i = 0; i < v->size; i++) {
        v->text[i] = (Bytes){text[i].data, text[i].length};
        if (text[i].length == 0 || text_utf8_bad(text[i].data, text[i].length) >= 0)
            FAIL(ERR_DATA, "%s: token %" PRId64 ": expected a text in UTF-8 that is not empty",
                 g->path, i);
    }
    return OK;
}

static int is_byte_name(Bytes b)
{
    return b.length == 6 && memcmp(b.data, "<0x", 3) == 0 && b.data[5] == '>';
}

// What no text becomes is a control token to our reader.  0: none that is known.
static int spm_type(int64_t type)
{
    if (type == SPM_UNUSED)
        return SPM_CONTROL;
    return type >= SPM_NORMAL && type <= SPM_BYTE ? (int)type : 0;
}

// SentencePiece's.
static Err from_llama(Arena *arena, const Gguf *g, GgufVocab *v, const char **json)
{
    SpmPieces p = make_pieces(arena, v->size);
    float    *score;
    int64_t   scores;

    while (v->type != NULL && p.size > 1 && v->type[p.size - 1] == SPM_UNUSED)
        p.size--; // rows of the embedding that are there to fill it up
    TRY(read_ends(arena, g, v->size, &v->ends, 1));
    TRY(gguf_get_floats(arena, g, "tokenizer.ggml.scores", &score, &scores));
    if (scores != v->size)
        FAIL(ERR_DATA,
             "%s: expected as many tokenizer.ggml.scores as tokens, %" PRId64 "; found %" PRId64,
             g->path, v->size, scores);
    TRY(gguf_get_flag(g, "tokenizer.ggml.add_space_prefix", 1, &p.puts_prefix));
    TRY(gguf_get_flag(g, "tokenizer.ggml.remove_extra_whitespaces", 0, &p.collapses));
    for (int64_t i = 0; i < p.size; i++) {
        p.text[i] = v->text[i];
        p.score[i] = score[i];
        p.type[i] = v->type == NULL ? SPM_NORMAL : spm_type(v->type[i]);
        if (p.type[i] == SPM_BYTE && !is_byte_name(p.text[i]))
            FAIL(ERR_DATA, "%s: token %" PRId64 " is a byte; expected <0x..> as its text", g->path,
                 i);
    }
    *json = write_spm(arena, &p, &v->ends);
    return OK;
}

typedef struct Pre { // what tokenizer.ggml.pre calls a way to cut texts into words
    const char *name;
    const char *pattern; // of words
    int         is_nfc, ignores_merges, cuts_digits, adds_bos;
} Pre;

// llama.cpp's own for files that say nothing: several cuts, one after the other.
static const char *const DEFAULT_CUTS[] = {"[\\p{P}\\$\\+<=>\\^~\\|]+", SCAN_GPT2, "\\p{N}+",
                                           "[0-9][0-9][0-9]", NULL};

static const Pre PRES[] = {
    {"gpt-2", SCAN_GPT2, 0, 0, 0, 0},      {"gpt2", SCAN_GPT2, 0, 0, 0, 0},
    {"olmo", SCAN_GPT2, 0, 0, 0, 0},       {"mpt", SCAN_GPT2, 0, 0, 0, 0},
    {"phi-2", SCAN_GPT2, 0, 0, 0, 0},      {"llama-bpe", SCAN_LLAMA3, 0, 1, 0, 1},
    {"llama3", SCAN_LLAMA3, 0, 1, 0, 1},   {"llama-v3", SCAN_LLAMA3, 0, 1, 0, 1},
    {"dbrx", SCAN_LLAMA3, 0, 0, 0, 0},     {"smaug-bpe", SCAN_LLAMA3, 0, 0, 0, 0},
    {"qwen2", SCAN_QWEN2, 1, 0, 0, 0},     {"deepseek-r1-qwen", SCAN_QWEN2, 1, 0, 0, 0},
    {"stablelm2", SCAN_QWEN2, 0, 0, 0, 0}, {"smollm", SCAN_GPT2, 0, 0, 1, 0},
    {"starcoder", SCAN_GPT2, 0, 0, 1, 0},  {"refact", SCAN_GPT2, 0, 0, 1, 0},
    {"command-r", SCAN_GPT2, 0, 0, 1, 0},  {"codeshell", SCAN_GPT2, 0, 0, 1, 0},
    {"default", NULL, 0, 0, 0, 0}};

static Err find_pre(Arena *arena, const Gguf *g, int64_t merges, const Pre **out)
{
    const char *name;

    TRY(gguf_get_text(arena, g, "tokenizer.ggml.pre", &name));
    for (size_t i = 0; i < sizeof PRES / sizeof PRES[0]; i++)
        if (name != NULL && strcmp(PRES[i].name, name) == 0) {
            *out = &PRES[i];
            return OK;
        }
    *out = &PRES[0];
    if (merges == 0) // every byte is a token, however the text is cut
        return OK;
    FAIL(ERR_DATA,
         "%s: tokenizer.ggml.pre is %s%s%s, and how it cuts texts into words is not known here; "
         "known are gpt-2, llama-bpe, qwen2, smollm and default, and what is as these",
         g->path, name == NULL ? "not there" : "\"", name == NULL ? "" : name,
         name == NULL ? "" : "\"");
}

static void add_cut(Text *t, const char *pattern)
{
    text_puts(t, "{\"type\": \"Split\", \"pattern\": {\"Regex\": ");
    text_json(t, pattern, (int64_t)strlen(pattern));
    text_puts(t, "}, \"behavior\": \"Isolated\", \"invert\": false}, ");
}

static void add_cuts(Text *t, const Pre *pre)
{
    text_printf(t, "\"normalizer\": %s, ", pre->is_nfc ? "{\"type\": \"NFC\"}" : "null");
    text_puts(t, "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [");
    if (pre->cuts_digits)
        text_puts(t, "{\"type\": \"Digits\", \"individual_digits\": true}, ");
    for (int i = 0; pre->pattern == NULL && DEFAULT_CUTS[i] != NULL; i++)
        add_cut(t, DEFAULT_CUTS[i]);
    if (pre->pattern != NULL)
        add_cut(t, pre->pattern);
    text_puts(t, "{\"type\": \"ByteLevel\", "
                 "\"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false}]}, "
                 "\"post_processor\": null, \"decoder\": {\"type\": \"ByteLevel\"}, ");
}

static void add_added(Text *t, const GgufVocab *v)
{
    int more = 0;

    text_puts(t, "\"added_tokens\": [");
    for (int64_t i = 0; i < v->size; i++) {
        int is_special = v->type == NULL ? i == v->ends.bos || i == v->ends.eos
                                         : v->type[i] == SPM_CONTROL || v->type[i] == SPM_UNKNOWN;

        if (!is_special && (v->type == NULL || v->type[i] != SPM_USER))
            continue;
        text_printf(t, "%s{\"id\": %" PRId64 ", \"content\": ", more ? ", " : "", i);
        text_json(t, v->text[i].data, v->text[i].length);
        text_printf(t,
                    ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
                    "\"normalized\": false, \"special\": %s}",
                    is_special ? "true" : "false");
        more = 1;
    }
    text_puts(t, "], ");
}

static void add_bpe(Text *t, const GgufVocab *v, const GgufText *merge, int64_t merges,
                    const Pre *pre)
{
    text_printf(t,
                "\"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, "
                "\"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": %s, "
                "\"vocab\": {",
                pre->ignores_merges ? "true" : "false");
    for (int64_t i = 0, more = 0; i < v->size; i++) {
        if (v->type != NULL && v->type[i] == SPM_UNUSED)
            continue;
        text_puts(t, more ? ", " : "");
        text_json(t, v->text[i].data, v->text[i].length);
        text_printf(t, ": %" PRId64, i);
        more = 1;
    }
    text_puts(t, "}, \"merges\": [");
    for (int64_t i = 0; i < merges; i++) {
        text_puts(t, i > 0 ? ", " : "");
        text_json(t, merge[i].data, merge[i].length);
    }
    text_puts(t, "]}}");
}

// Byte-level, as GPT-2's.
static Err from_gpt2(Arena *arena, const Gguf *g, GgufVocab *v, const char **json)
{
    Text       t = text_make(arena);
    GgufText  *merge;
    int64_t    merges;
    const Pre *pre;

    TRY(gguf_get_texts(arena, g, "tokenizer.ggml.merges", &merge, &merges));
    TRY(find_pre(arena, g, merges, &pre));
    TRY(read_ends(arena, g, v->size, &v->ends, pre->adds_bos));
    text_puts(&t, "{\"kind\": \"tokenizer.json\", \"tokenizer\": {\"version\": \"1.0\", "
                  "\"truncation\": null, \"padding\": null, ");
    add_added(&t, v);
    add_cuts(&t, pre);
    add_bpe(&t, v, merge, merges, pre);
    add_beside(&t, &v->ends, v->text, v->size);
    *json = t.data;
    return OK;
}

Err foreign_vocab_gguf(Arena *arena, const Gguf *g, const char **json)
{
    const char *model;
    GgufVocab   v = {0};

    *json = NULL;
    TRY(gguf_get_text(arena, g, "tokenizer.ggml.model", &model));
    if (model == NULL || strcmp(model, "none") == 0 || strcmp(model, "no_vocab") == 0)
        return OK;
    if (strcmp(model, "llama") != 0 && strcmp(model, "gpt2") != 0)
        FAIL(ERR_DATA,
             "%s: a vocabulary of the kind \"%.40s\" (tokenizer.ggml.model) is not read; expected "
             "llama or gpt2",
             g->path, model);
    TRY(read_tokens(arena, g, &v));
    return strcmp(model, "llama") == 0 ? from_llama(arena, g, &v, json)
                                       : from_gpt2(arena, g, &v, json);
}

// ---- llama2.c

static const Ends LLAMA2C_ENDS = {
    .bos = 1, .eos = 2, .unknown = 0, .pad = -1, .turn = -1, .adds_bos = 1};

// Blanks back to what SentencePiece writes for them.
static Bytes mark_blanks(Arena *arena, Bytes from)
{
    Text t = text_make(arena);

    for (int64_t i = 0; i < from.length; i++)
        if (from.data[i] == ' ')
            text_puts(&t, "\xE2\x96\x81");
        else
            text_add(&t, from.data + i, 1);
    return (Bytes){t.data, t.length};
}

static Err from_bin(Arena *arena, const char *path, int64_t count, const char **json)
{
    static const Bytes ends[] = {{"<unk>", 5}, {"<s>", 3}, {"</s>", 4}};
    SpmPieces          p = make_pieces(arena, count);
    Llama2cVocab       v;

    TRY(llama2c_vocab(arena, path, count, &v));
    for (int64_t i = 0; i < count; i++) {
        p.text[i] = i < 3 ? ends[i] : mark_blanks(arena, (Bytes){v.text[i], v.length[i]});
        p.score[i] = v.score[i];
        p.type[i] = i == 0                    ? SPM_UNKNOWN
                    : i < 3                   ? SPM_CONTROL
                    : is_byte_name(p.text[i]) ? SPM_BYTE
                                              : SPM_NORMAL;
    }
    *json = write_spm(arena, &p, &LLAMA2C_ENDS);
    return OK;
}

static Err from_model(Arena *arena, const char *path, int64_t count, const char **json)
{
    Text      t = text_make(arena);
    SpmPieces p;
    char     *data;
    int64_t   bytes;

    TRY(file_read(arena, path, JSON_BYTES_MAX / 2, &data, &bytes));
    TRY(spm_read(arena, path, (Bytes){data, bytes}, &p));
    if (p.size != count)
        FAIL(ERR_DATA, "%s: has %" PRId64 " pieces, the model beside it %" PRId64 " tokens", path,
             p.size, count);
    text_puts(&t, "{\"kind\": \"tokenizer.model\", \"base64\": \"");
    base64_write(&t, (Bytes){data, bytes});
    text_puts(&t, "\"");
    add_beside(&t, &LLAMA2C_ENDS, p.text, p.size);
    *json = t.data;
    return OK;
}

Err foreign_vocab_llama2c(Arena *arena, const char *weights, int64_t count, const char **json)
{
    const char *slash = strrchr(weights, '/');
    int         folder = slash == NULL ? 0 : (int)(slash - weights) + 1;
    char        path[FILE_PATH_MAX];

    *json = NULL;
    for (int i = 0; i < 4; i++) {
        char name[64] = "tokenizer";

        if (i % 2 == 0)
            snprintf(name, sizeof name, "tok%" PRId64, count);
        if (snprintf(path, sizeof path, "%.*s%s.%s", folder, weights, name,
                     i < 2 ? "model" : "bin") >= (int)sizeof path)
            FAIL(ERR_IO, "the path %.60s... is too long", weights);
        if (file_exists(path))
            return i < 2 ? from_model(arena, path, count, json)
                         : from_bin(arena, path, count, json);
    }
    return OK;
}
