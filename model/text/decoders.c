// From tokens back to a text, by the steps that a tokenizer names; each makes texts of texts.
#define _GNU_SOURCE // memmem
#include "model/text/tokenizer_private.h"

#include <string.h>

typedef struct Texts {
    Bytes  *at; // [count]
    int64_t count;
} Texts;

static Bytes bytes_of(const Text *t)
{
    return (Bytes){t->data, t->length};
}

// ---- steps

// The bytes that the characters of a token stand for; a token with others stands for itself.
static void unlevel(Bytes token, Text *out)
{
    int64_t before = out->length;
    int     n;

    for (int64_t at = 0; at < token.length; at += n) {
        int  byte = unicode_to_byte(unicode_at(token.data + at, &n));
        char c = (char)byte;

        if (byte < 0) {
            out->length = before;
            text_add(out, token.data, token.length);
            return;
        }
        text_add(out, &c, 1);
    }
}

static void byte_level(Arena *scratch, Texts *x)
{
    Text bytes = text_make(scratch), valid;

    for (int64_t i = 0; i < x->count; i++)
        unlevel(x->at[i], &bytes);
    valid = text_make(scratch);
    vocab_add_valid(&valid, bytes.data, bytes.length);
    x->at[0] = bytes_of(&valid);
    x->count = 1;
}

static int hex_value(char c)
{
    return '0' <= c && c <= '9'   ? c - '0'
           : 'A' <= c && c <= 'F' ? c - 'A' + 10
           : 'a' <= c && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

// The byte that a token <0xNN> stands for; -1: it is none.
static int byte_of(Bytes token)
{
    int high, low;

    if (token.length != 6 || memcmp(token.data, "<0x", 3) != 0 || token.data[5] != '>')
        return -1;
    high = hex_value(token.data[3]);
    low = hex_value(token.data[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Runs of bytes are texts, or, where they are not UTF-8, as many U+FFFD.
static void byte_fallback(Arena *scratch, Texts *x)
{
    char   *bytes = arena_push(scratch, x->count + 1, 1);
    int64_t kept = 0, i = 0, used = 0, from;

    while (i < x->count) {
        for (from = used; i < x->count && byte_of(x->at[i]) >= 0; i++)
            bytes[used++] = (char)byte_of(x->at[i]);
        if (used > from && text_utf8_bad(bytes + from, used - from) < 0)
            x->at[kept++] = (Bytes){bytes + from, used - from};
        else
            for (int64_t k = from; k < used; k++)
                x->at[kept++] = (Bytes){"\xEF\xBF\xBD", 3};
        if (i < x->count)
            x->at[kept++] = x->at[i++];
    }
    x->count = kept;
}

static Bytes replaced(Arena *scratch, Bytes token, Bytes pattern, Bytes content)
{
    Text t = {0};

    for (int64_t at = 0; at < token.length;) {
        const char *found = memmem(token.data + at, (size_t)(token.length - at), pattern.data,
                                   (size_t)pattern.length);

        if (found == NULL && t.data == NULL)
            return token;
        if (t.data == NULL)
            t = text_make(scratch);
        text_add(&t, token.data + at, found == NULL ? token.length - at : found - token.data - at);
        if (found == NULL)
            break;
        text_add(&t, content.data, content.length);
        at = found - token.data + pattern.length;
    }
    return t.data == NULL ? token : bytes_of(&t);
}

static Err replace(const TextDecoder *d, Arena *scratch, Texts *x)
{
    for (int64_t i = 0; i < x->count; i++)
        if (d->regex != NULL) {
            Normalizer n = {.kind = NORMALIZE_REPLACE, .regex = d->regex, .content = d->content};

            TRY(normalize_all(&n, 1, scratch, x->at[i], &x->at[i]));
        } else {
            x->at[i] = replaced(scratch, x->at[i], d->pattern, d->content);
        }
    return OK;
}

static void metaspace(const TextDecoder *d, Arena *scratch, Texts *x)
{
    static const Bytes blank = {" ", 1}, nothing = {"", 0};

    for (int64_t i = 0; i < x->count; i++)
        x->at[i] =
            replaced(scratch, x->at[i], d->pattern, i == 0 && d->drops_first ? nothing : blank);
}

static void fuse(Arena *scratch, Texts *x)
{
    Text t = text_make(scratch);

    for (int64_t i = 0; i < x->count; i++)
        text_add(&t, x->at[i].data, x->at[i].length);
    x->at[0] = bytes_of(&t);
    x->count = 1;
}

static int ends_with(Bytes text, Bytes end)
{
    return text.length >= end.length &&
           memcmp(text.data + text.length - end.length, end.data, (size_t)end.length) == 0;
}

static void strip(const TextDecoder *d, Texts *x)
{
    const Bytes *c = &d->content;

    for (int64_t i = 0; i < x->count; i++) {
        Bytes *b = &x->at[i];

        for (int64_t k = 0; k < d->start && b->length >= c->length &&
                            memcmp(b->data, c->data, (size_t)c->length) == 0;
             k++) {
            b->data += c->length;
            b->length -= c->length;
        }
        for (int64_t k = 0; k < d->stop && ends_with(*b, *c); k++)
            b->length -= c->length;
    }
}

static Err step(const TextDecoder *d, Arena *scratch, Texts *x)
{
    switch (d->kind) {
    case DECODE_BYTE_LEVEL: byte_level(scratch, x); break;
    case DECODE_BYTE_FALLBACK: byte_fallback(scratch, x); break;
    case DECODE_METASPACE: metaspace(d, scratch, x); break;
    case DECODE_REPLACE: return replace(d, scratch, x);
    case DECODE_FUSE: fuse(scratch, x); break;
    default: strip(d, x);
    }
    return OK;
}

// ---- whole sequences

Err decode_texts(const Tokenizer *t, Arena *scratch, const Bytes *token, int64_t count, Text *out)
{
    Texts x = {.at = arena_new(scratch, Bytes, count + 1), .count = count};

    if (count == 0)
        return OK;
    memcpy(x.at, token, (size_t)count * sizeof *token);
    for (int i = 0; i < t->decoders; i++)
        TRY(step(&t->decoder[i], scratch, &x));
    for (int64_t i = 0; i < x.count; i++) {
        text_add(out, " ", i > 0 && !t->has_decoder);
        text_add(out, x.at[i].data, x.at[i].length);
    }
    return OK;
}

// ---- one token in the middle of a text

void decode_piece(const Tokenizer *t, Arena *scratch, Bytes token, Text *out)
{
    for (int i = 0; i < t->decoders; i++) {
        const TextDecoder *d = &t->decoder[i];
        char               byte = (char)byte_of(token);

        if (d->kind == DECODE_BYTE_LEVEL) {
            unlevel(token, out);
            return;
        }
        if (d->kind == DECODE_BYTE_FALLBACK && byte_of(token) >= 0) {
            text_add(out, &byte, 1);
            return;
        }
        if (d->kind == DECODE_REPLACE && d->regex == NULL)
            token = replaced(scratch, token, d->pattern, d->content);
        if (d->kind == DECODE_METASPACE)
            token = replaced(scratch, token, d->pattern, (Bytes){" ", 1});
    }
    text_add(out, token.data, token.length);
}
