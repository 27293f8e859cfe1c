#include "model/vocab.h"

#include "io/config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BYTE_BOS = 256, BYTE_EOS, BYTE_PAD, BYTE_SIZE, VOCAB_MAX = 1 << 21 };

typedef enum VocabKind { VOCAB_CHARACTER, VOCAB_BYTE } VocabKind;

typedef struct VocabConfig {
    int         kind; // VocabKind
    const char *alphabet, *bos, *eos, *pad;
} VocabConfig;

typedef struct Letter { // a character of the alphabet
    uint32_t code;      // its UTF-8 bytes, as a number
    int32_t  id;
} Letter;

struct Vocab {
    VocabConfig config;
    int64_t     size;
    int32_t     bos, eos, pad; // -1: none
    // character kind only
    int32_t *begin;      // [size+1]: bytes of token i are alphabet[begin[i] .. begin[i+1])
    Letter  *letter;     // [size], sorted by code
    int32_t  ascii[128]; // ids of the characters of one byte; -1: none
};

#define ROW(name, type) .key = #name, .kind = (type), .offset = offsetof(VocabConfig, name)

static const ConfigField VOCAB_TABLE[] = {
    {ROW(kind, CONFIG_ENUM), .choices = "character|byte",
     .help = "What a token is: a character of the alphabet, or a byte."},
    {ROW(alphabet, CONFIG_TEXT), .standard = "",
     .help = "character: all characters, in the order of their ids."},
    {ROW(bos, CONFIG_TEXT), .standard = "",
     .help = "character: the one that begins a text, or \"\"."},
    {ROW(eos, CONFIG_TEXT), .standard = "",
     .help = "character: the one that ends a text, or \"\"."},
    {ROW(pad, CONFIG_TEXT), .standard = "", .help = "character: the one that fills rows, or \"\"."},
    {0}};

static uint32_t code_of(const char *bytes, int n)
{
    uint32_t code = 0;

    for (int i = 0; i < n; i++)
        code = code << 8 | (unsigned char)bytes[i];
    return code;
}

static int by_code(const void *a, const void *b)
{
    uint32_t x = ((const Letter *)a)->code, y = ((const Letter *)b)->code;

    return (x > y) - (x < y);
}

static int32_t find_code(const Vocab *v, uint32_t code)
{
    Letter        wanted = {.code = code};
    const Letter *found;

    if (code < 128)
        return v->ascii[code];
    found = bsearch(&wanted, v->letter, (size_t)v->size, sizeof wanted, by_code);
    return found != NULL ? found->id : -1;
}

// ---- making

static Err fill_alphabet(Arena *run, Vocab *v)
{
    const char *text = v->config.alphabet;
    int64_t     length = (int64_t)strlen(text);

    if (length == 0)
        FAIL(ERR_CONFIG, "vocab: a character vocabulary needs an alphabet, found an empty one");
    if (length > VOCAB_MAX)
        FAIL(ERR_CONFIG, "vocab: expected an alphabet of at most %d bytes, found %" PRId64,
             VOCAB_MAX, length);
    if (text_utf8_bad(text, length) >= 0)
        FAIL(ERR_CONFIG,
             "vocab: expected an alphabet in UTF-8, found the byte 0x%02x at byte %" PRId64,
             (unsigned char)text[text_utf8_bad(text, length)], text_utf8_bad(text, length));
    v->begin = arena_new(run, int32_t, length + 1);
    v->letter = arena_new(run, Letter, length);
    for (int64_t at = 0; at < length;) {
        int n = text_utf8_length(text + at, length - at);

        v->letter[v->size] = (Letter){code_of(text + at, n), (int32_t)v->size};
        v->begin[v->size++] = (int32_t)at;
        at += n;
    }
    v->begin[v->size] = (int32_t)length;
    return OK;
}

static Err sort_alphabet(Vocab *v)
{
    for (int i = 0; i < 128; i++)
        v->ascii[i] = -1;
    for (int64_t i = 0; i < v->size; i++)
        if (v->letter[i].code < 128)
            v->ascii[v->letter[i].code] = v->letter[i].id;
    qsort(v->letter, (size_t)v->size, sizeof *v->letter, by_code);
    for (int64_t i = 1; i < v->size; i++) {
        int32_t a = v->letter[i - 1].id, b = v->letter[i].id;

        if (v->letter[i - 1].code == v->letter[i].code)
            FAIL(ERR_CONFIG,
                 "vocab: expected every character of the alphabet once, found '%.*s' as number %d "
                 "and "
                 "number %d",
                 v->begin[a + 1] - v->begin[a], v->config.alphabet + v->begin[a], a < b ? a : b,
                 a < b ? b : a);
    }
    return OK;
}

static Err find_special(const Vocab *v, const char *name, const char *text, int32_t *id)
{
    int64_t length = (int64_t)strlen(text);

    *id = -1;
    if (length == 0)
        return OK;
    if (text_utf8_length(text, length) != length)
        FAIL(ERR_CONFIG, "vocab: expected one character as %s, found \"%s\"", name, text);
    *id = find_code(v, code_of(text, (int)length));
    if (*id < 0)
        FAIL(ERR_CONFIG,
             "vocab: expected a character of the alphabet as %s, found \"%s\"; add it to "
             "the alphabet",
             name, text);
    return OK;
}

static Err make_characters(Arena *run, Vocab *v)
{
    TRY(fill_alphabet(run, v));
    TRY(sort_alphabet(v));
    TRY(find_special(v, "bos", v->config.bos, &v->bos));
    TRY(find_special(v, "eos", v->config.eos, &v->eos));
    TRY(find_special(v, "pad", v->config.pad, &v->pad));
    return OK;
}

static Err make_bytes(Vocab *v)
{
    const VocabConfig *c = &v->config;

    if (*c->alphabet || *c->bos || *c->eos || *c->pad)
        FAIL(ERR_CONFIG,
             "vocab: a byte vocabulary has no alphabet, bos, eos or pad to choose; remove "
             "these keys");
    v->size = BYTE_SIZE;
    v->bos = BYTE_BOS;
    v->eos = BYTE_EOS;
    v->pad = BYTE_PAD;
    return OK;
}

Err vocab_make(Arena *run, const Json *config, Vocab **out)
{
    Vocab       *v = arena_new(run, Vocab, 1);
    VocabConfig *c = &v->config;

    TRY(config_read(run, config, VOCAB_TABLE, c));
    c->alphabet = arena_text(run, c->alphabet); // the tree may go before the vocabulary does
    c->bos = arena_text(run, c->bos);
    c->eos = arena_text(run, c->eos);
    c->pad = arena_text(run, c->pad);
    TRY(c->kind == VOCAB_CHARACTER ? make_characters(run, v) : make_bytes(v));
    *out = v;
    return OK;
}

void vocab_write(Text *t, const Vocab *v)
{
    if (v->config.kind == VOCAB_BYTE)
        text_puts(t, "{\"kind\": \"byte\"}");
    else
        config_write(t, VOCAB_TABLE, &v->config);
}

int64_t vocab_size(const Vocab *v)
{
    return v->size;
}

int32_t vocab_bos(const Vocab *v)
{
    return v->bos;
}

int32_t vocab_eos(const Vocab *v)
{
    return v->eos;
}

int32_t vocab_pad(const Vocab *v)
{
    return v->pad;
}

// ---- using

static Err no_token(const char *text, int64_t length, int64_t at, int64_t characters)
{
    int n = text_utf8_length(text + at, length - at);

    if (n == 0)
        FAIL(ERR_DATA, "expected UTF-8 to encode, found the byte 0x%02x at byte %" PRId64,
             (unsigned char)text[at], at);
    if (n == 1 && (unsigned char)text[at] < 0x20)
        FAIL(ERR_DATA,
             "the vocabulary has no token for the character 0x%02x, at character %" PRId64 " of "
             "the text",
             (unsigned char)text[at], characters + 1);
    FAIL(ERR_DATA, "the vocabulary has no token for '%.*s', at character %" PRId64 " of the text",
         n, text + at, characters + 1);
}

static Err no_room(int64_t room)
{
    FAIL(ERR_DATA, "a text has more than the %" PRId64 " tokens there is room for", room);
}

static Err encode_bytes(const char *text, int64_t length, int32_t *ids, int64_t room,
                        int64_t *count)
{
    if (length > room)
        return no_room(room);
    for (int64_t i = 0; i < length; i++)
        ids[i] = (unsigned char)text[i];
    *count = length;
    return OK;
}

Err vocab_encode(const Vocab *v, const char *text, int64_t length, int32_t *ids, int64_t room,
                 int64_t *count)
{
    int64_t used = 0;

    if (v->config.kind == VOCAB_BYTE)
        return encode_bytes(text, length, ids, room, count);
    for (int64_t at = 0; at < length;) {
        int     n = text_utf8_length(text + at, length - at);
        int32_t id = n > 0 ? find_code(v, code_of(text + at, n)) : -1;

        if (id < 0)
            return no_token(text, length, at, used);
        if (used == room)
            return no_room(room);
        ids[used++] = id;
        at += n;
    }
    *count = used;
    return OK;
}

void vocab_decode(const Vocab *v, int32_t id, Text *out)
{
    CHECK(id >= 0 && id < v->size, "token %d of %" PRId64, id, v->size);
    if (v->config.kind == VOCAB_CHARACTER) {
        text_add(out, v->config.alphabet + v->begin[id], v->begin[id + 1] - v->begin[id]);
    } else if (id < BYTE_BOS) {
        char byte = (char)id;
        text_add(out, &byte, 1);
    }
}
