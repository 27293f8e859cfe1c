#include "model/vocab.h"

#include "io/config.h"
#include "model/text/tokenizer.h"
#include "model/vocab_kind.h"

#include <inttypes.h>
#include <string.h>

// ---- making

static Err open_file(Arena *run, const Json *config, Vocab **out)
{
    static const char *const known[] = {"kind", "path"};
    const char              *path;

    TRY(json_only(config, known, 2));
    TRY(json_want_text(config, "path", &path));
    return vocab_open(run, path, out);
}

Err vocab_make(Arena *run, const Json *config, Vocab **out)
{
    const Json *kind =
        config != NULL && config->kind == JSON_OBJECT ? json_member(config, "kind") : NULL;
    const char *name = kind != NULL && kind->kind == JSON_TEXT ? kind->text : "";

    if (strcmp(name, "file") == 0)
        return open_file(run, config, out);
    if (tokenizer_reads(name))
        return tokenizer_make(run, config, out);
    if (*name != 0 && strcmp(name, "character") != 0 && strcmp(name, "byte") != 0)
        FAIL(ERR_CONFIG,
             "%s: expected \"character\", \"byte\", \"file\" or a tokenizer (" TOKENIZER_KINDS
             ") as kind of vocabulary, found \"%s\"",
             json_where(kind, (char[JSON_WORDS]){0}, JSON_WORDS), name);
    return vocab_make_plain(run, config, out);
}

static Err open_with(Arena *text, Arena *run, const char *path, Vocab **out)
{
    const char *source;
    const Json *json;

    TRY(tokenizer_source(text, path, &source));
    if (source == NULL)
        FAIL(ERR_DATA, "%s: holds no tokenizer; expected one of " TOKENIZER_FILES, path);
    TRY(tokenizer_parse(text, path, source, &json));
    return tokenizer_make(run, json, out);
}

Err vocab_open(Arena *run, const char *path, Vocab **out)
{
    Arena text;
    Err   e;

    TRY(arena_make(&text, "tokenizer files", TOKENIZER_ADDRESSES));
    e = open_with(&text, run, path, out);
    arena_free(&text);
    return e;
}

Err vocab_source(Arena *arena, const char *path, const char **json)
{
    return tokenizer_source(arena, path, json);
}

Err vocab_parse(Arena *arena, const char *path, const char *source, const Json **json)
{
    return tokenizer_parse(arena, path, source, json);
}

// ---- asking

void vocab_write(Text *t, const Vocab *v)
{
    v->kind->write(t, v);
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

int vocab_ends(const Vocab *v, int32_t id)
{
    for (int i = 0; i < v->ends; i++)
        if (v->end[i] == id)
            return 1;
    return id >= 0 && id == v->eos;
}

const int32_t *vocab_more_ends(const Vocab *v, int *count)
{
    *count = v->ends;
    return v->ends > 0 ? v->end : NULL;
}

static void check_id(const Vocab *v, int32_t id)
{
    CHECK(id >= 0 && id < v->size, "token %d of %" PRId64, id, v->size);
}

int vocab_is_special(const Vocab *v, int32_t id)
{
    check_id(v, id);
    return v->kind->is_special(v, id);
}

int64_t vocab_token_bytes(const Vocab *v)
{
    return v->token_bytes;
}

int32_t vocab_unknown(const Vocab *v)
{
    return v->unknown;
}

const char *vocab_chat_template(const Vocab *v)
{
    return v->chat_template;
}

const char *vocab_chat_fault(const Vocab *v)
{
    return v->chat_fault;
}

// ---- encoding

Err vocab_no_room(int64_t room)
{
    FAIL(ERR_DATA, "a text has more than the %" PRId64 " tokens there is room for", room);
}

Err vocab_not_utf8(const char *text, int64_t at)
{
    FAIL(ERR_DATA, "expected UTF-8 to encode, found the byte 0x%02x at byte %" PRId64,
         (unsigned char)text[at], at);
}

int64_t vocab_room(const Vocab *v, const char *text, int64_t length)
{
    return v->kind->room(v, text, length);
}

Err vocab_encode(const Vocab *v, const char *text, int64_t length, int32_t *ids, int64_t room,
                 int64_t *count)
{
    return v->kind->encode(v, text, length, VOCAB_PLAIN, ids, room, count);
}

Err vocab_encode_special(const Vocab *v, const char *text, int64_t length, int32_t *ids,
                         int64_t room, int64_t *count)
{
    return v->kind->encode(v, text, length, VOCAB_NAMES_SPECIAL, ids, room, count);
}

Err vocab_begin(const Vocab *v, int32_t *ids, int64_t room, int64_t *count)
{
    if (*count + v->befores > room)
        return vocab_no_room(room);
    memmove(ids + v->befores, ids, (size_t)*count * sizeof *ids);
    memcpy(ids, v->before, (size_t)v->befores * sizeof *ids);
    *count += v->befores;
    return OK;
}

int vocab_adds_bos(const Vocab *v)
{
    return v->befores > 0 && v->before[0] == v->bos;
}

Err vocab_frame(const Vocab *v, int32_t *ids, int64_t room, int64_t *count)
{
    TRY(vocab_begin(v, ids, room, count));
    if (*count + v->afters > room)
        return vocab_no_room(room);
    memcpy(ids + *count, v->after, (size_t)v->afters * sizeof *ids);
    *count += v->afters;
    return OK;
}

// ---- decoding

void vocab_decode(const Vocab *v, int32_t id, Text *out)
{
    check_id(v, id);
    v->kind->decode(v, id, out);
}

Err vocab_decode_all(const Vocab *v, const int32_t *ids, int64_t count, VocabSpecial special,
                     Text *out)
{
    for (int64_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= v->size)
            FAIL(ERR_DATA, "expected token ids below %" PRId64 ", found %d", v->size, ids[i]);
    return v->kind->decode_all(v, ids, count, special, out);
}

// Bytes at the start of bytes[0..length), which are not UTF-8, that one U+FFFD stands for: the
// beginning of a character as far as it goes, else one.
static int64_t broken_length(const char *bytes, int64_t length)
{
    const unsigned char *b = (const unsigned char *)bytes;
    int64_t              n = 1, whole = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;

    if (b[0] < 0xC2 || b[0] > 0xF4 || length < 2)
        return 1;
    if ((b[0] == 0xE0 && b[1] < 0xA0) || (b[0] == 0xED && b[1] > 0x9F) ||
        (b[0] == 0xF0 && b[1] < 0x90) || (b[0] == 0xF4 && b[1] > 0x8F))
        return 1;
    while (n < whole && n < length && (b[n] & 0xC0) == 0x80)
        n++;
    return n;
}

void vocab_add_valid(Text *out, const char *bytes, int64_t length)
{
    while (length > 0) {
        int64_t bad = text_utf8_bad(bytes, length), broken;

        if (bad < 0) {
            text_add(out, bytes, length);
            return;
        }
        text_add(out, bytes, bad);
        text_puts(out, "\xEF\xBF\xBD");
        broken = broken_length(bytes + bad, length - bad);
        bytes += bad + broken;
        length -= bad + broken;
    }
}

const char *vocab_name(const Vocab *v, Arena *arena, int32_t id)
{
    Text t = text_make(arena);

    if (id < 0 || id >= vocab_size(v))
        return NULL;
    if (vocab_decode_all(v, &id, 1, VOCAB_KEEP_SPECIAL, &t) != OK)
        err_forget();
    return t.length > 0 ? t.data : NULL;
}
