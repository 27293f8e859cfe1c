// The kinds "character" and "byte".
#include "io/config.h"
#include "model/vocab_kind.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BYTE_BOS = 256, BYTE_EOS, BYTE_PAD, BYTE_SIZE, VOCAB_MAX = 1 << 21, CHARACTER_BYTES = 4 };

typedef enum PlainKind { VOCAB_CHARACTER, VOCAB_BYTE } PlainKind;

typedef struct VocabConfig {
    int         kind; // PlainKind
    const char *alphabet, *bos, *eos, *pad;
} VocabConfig;

typedef struct Letter { // a character of the alphabet
    uint32_t code;      // its UTF-8 bytes, as a number
    int32_t  id;
} Letter;

typedef struct PlainVocab {
    Vocab       vocab;
    VocabConfig config;
    // character kind only
    int32_t *begin;      // [size+1]: bytes of token i are alphabet[begin[i] .. begin[i+1])
    Letter  *letter;     // [size], sorted by code
    int32_t  ascii[128]; // ids of the characters of one byte; -1: none
} PlainVocab;

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

static int32_t find_code(const PlainVocab *v, uint32_t code)
{
    Letter        wanted = {.code = code};
    const Letter *found;

    if (code < 128)
        return v->ascii[code];
    found = bsearch(&wanted, v->letter, (size_t)v->vocab.size, sizeof wanted, by_code);
    return found != NULL ? found->id : -1;
}

// ---- making

static Err fill_alphabet(Arena *run, PlainVocab *v)
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

        v->letter[v->vocab.size] = (Letter){code_of(text + at, n), (int32_t)v->vocab.size};
        v->begin[v->vocab.size++] = (int32_t)at;
        at += n;
    }
    v->begin[v->vocab.size] = (int32_t)length;
    return OK;
}

static Err sort_alphabet(PlainVocab *v)
{
    for (int i = 0; i < 128; i++)
        v->ascii[i] = -1;
    for (int64_t i = 0; i < v->vocab.size; i++)
        if (v->letter[i].code < 128)
            v->ascii[v->letter[i].code] = v->letter[i].id;
    qsort(v->letter, (size_t)v->vocab.size, sizeof *v->letter, by_code);
    for (int64_t i = 1; i < v->vocab.size; i++) {
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

static Err find_special(const PlainVocab *v, const char *name, const char *text, int32_t *id)
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

static Err make_characters(Arena *run, PlainVocab *v)
{
    TRY(fill_alphabet(run, v));
    TRY(sort_alphabet(v));
    TRY(find_special(v, "bos", v->config.bos, &v->vocab.bos));
    TRY(find_special(v, "eos", v->config.eos, &v->vocab.eos));
    TRY(find_special(v, "pad", v->config.pad, &v->vocab.pad));
    return OK;
}

static Err make_bytes(PlainVocab *v)
{
    const VocabConfig *c = &v->config;

    if (*c->alphabet || *c->bos || *c->eos || *c->pad)
        FAIL(ERR_CONFIG,
             "vocab: a byte vocabulary has no alphabet, bos, eos or pad to choose; remove "
             "these keys");
    v->vocab.size = BYTE_SIZE;
    v->vocab.bos = BYTE_BOS;
    v->vocab.eos = BYTE_EOS;
    v->vocab.pad = BYTE_PAD;
    return OK;
}

static Err read_plain(Arena *run, const Json *config, PlainVocab *v)
{
    VocabConfig *c = &v->config;

    TRY(config_read(run, config, VOCAB_TABLE, c));
    c->alphabet = arena_text(run, c->alphabet); // the tree may go before the vocabulary does
    c->bos = arena_text(run, c->bos);
    c->eos = arena_text(run, c->eos);
    c->pad = arena_text(run, c->pad);
    return c->kind == VOCAB_CHARACTER ? make_characters(run, v) : make_bytes(v);
}

// ---- using

static void plain_write(Text *t, const Vocab *vocab)
{
    const PlainVocab *v = (const PlainVocab *)vocab;

    if (v->config.kind == VOCAB_BYTE)
        text_puts(t, "{\"kind\": \"byte\"}");
    else
        config_write(t, VOCAB_TABLE, &v->config);
}

static int plain_is_special(const Vocab *vocab, int32_t id)
{
    const PlainVocab *v = (const PlainVocab *)vocab;

    return v->config.kind == VOCAB_BYTE && id >= BYTE_BOS;
}

static int64_t plain_room(const Vocab *v, const char *text, int64_t length)
{
    (void)v, (void)text;
    return length;
}

static Err no_token(const char *text, int64_t length, int64_t at, int64_t characters)
{
    int n = text_utf8_length(text + at, length - at);

    if (n == 0)
        return vocab_not_utf8(text, at);
    if (n == 1 && (unsigned char)text[at] < 0x20)
        FAIL(ERR_DATA,
             "the vocabulary has no token for the character 0x%02x, at character %" PRId64 " of "
             "the text",
             (unsigned char)text[at], characters + 1);
    FAIL(ERR_DATA, "the vocabulary has no token for '%.*s', at character %" PRId64 " of the text",
         n, text + at, characters + 1);
}

static Err encode_bytes(const char *text, int64_t length, int32_t *ids, int64_t room,
                        int64_t *count)
{
    if (length > room)
        return vocab_no_room(room);
    for (int64_t i = 0; i < length; i++)
        ids[i] = (unsigned char)text[i];
    *count = length;
    return OK;
}

static Err plain_encode(const Vocab *vocab, const char *text, int64_t length, VocabReading reading,
                        int32_t *ids, int64_t room, int64_t *count)
{
    const PlainVocab *v = (const PlainVocab *)vocab;
    int64_t           used = 0;

    (void)reading; // no token has a name
    if (v->config.kind == VOCAB_BYTE)
        return encode_bytes(text, length, ids, room, count);
    for (int64_t at = 0; at < length;) {
        int     n = text_utf8_length(text + at, length - at);
        int32_t id = n > 0 ? find_code(v, code_of(text + at, n)) : -1;

        if (id < 0)
            return no_token(text, length, at, used);
        if (used == room)
            return vocab_no_room(room);
        ids[used++] = id;
        at += n;
    }
    *count = used;
    return OK;
}

static void plain_decode(const Vocab *vocab, int32_t id, Text *out)
{
    const PlainVocab *v = (const PlainVocab *)vocab;

    if (v->config.kind == VOCAB_CHARACTER) {
        text_add(out, v->config.alphabet + v->begin[id], v->begin[id + 1] - v->begin[id]);
    } else if (id < BYTE_BOS) {
        char byte = (char)id;
        text_add(out, &byte, 1);
    }
}

// Special tokens have no text here, kept or skipped.
static Err plain_decode_all(const Vocab *v, const int32_t *ids, int64_t count, VocabSpecial special,
                            Text *out)
{
    Text t = text_make(out->arena);

    (void)special;
    for (int64_t i = 0; i < count; i++)
        plain_decode(v, ids[i], &t);
    vocab_add_valid(out, t.data, t.length);
    return OK;
}

static const VocabKind PLAIN = {.write = plain_write,
                                .is_special = plain_is_special,
                                .room = plain_room,
                                .encode = plain_encode,
                                .decode = plain_decode,
                                .decode_all = plain_decode_all};

Err vocab_make_plain(Arena *run, const Json *config, Vocab **out)
{
    PlainVocab *v = arena_new(run, PlainVocab, 1);

    v->vocab = (Vocab){.kind = &PLAIN, .unknown = -1, .token_bytes = CHARACTER_BYTES};
    TRY(read_plain(run, config, v));
    if (v->vocab.bos >= 0)
        v->vocab.before[v->vocab.befores++] = v->vocab.bos;
    *out = &v->vocab;
    return OK;
}
