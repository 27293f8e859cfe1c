#define _GNU_SOURCE // memmem
#include "model/text/tokenizer.h"

#include "model/text/tokenizer_private.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

// ---- the room that all share

static pthread_mutex_t room_lock = PTHREAD_MUTEX_INITIALIZER;
static Arena           room; // guarded by room_lock

enum { ROOM_ADDRESS_BITS = 36 };

static Err start_room(void)
{
    return room.base != NULL ? OK : arena_make(&room, "tokenizer", (int64_t)1 << ROOM_ADDRESS_BITS);
}

Err shared_room_start(void)
{
    Err e;

    pthread_mutex_lock(&room_lock);
    e = start_room();
    pthread_mutex_unlock(&room_lock);
    return e;
}

Arena *shared_room_enter(void)
{
    pthread_mutex_lock(&room_lock);
    return &room;
}

void shared_room_leave(Arena *a)
{
    arena_back(a, 0);
    pthread_mutex_unlock(&room_lock);
}

// ---- from text to ids

Err flow_emit(Flow *f, int32_t id)
{
    if (f->used == f->room)
        return vocab_no_room(f->room);
    f->ids[f->used++] = id;
    return OK;
}

// A text that is one word to the model, at the marks that no merge reaches across.
static Err marked_words(Flow *f, const Tokenizer *t, Bytes text)
{
    const char *p = text.data, *end = p + text.length;
    int64_t     n = t->mark.length;

    while (p < end) {
        const char *at = p;

        while (end - at >= n && memcmp(at, t->mark.data, (size_t)n) == 0)
            at += n;
        at = memmem(at, (size_t)(end - at), t->mark.data, (size_t)n);
        if (at == NULL)
            at = end;
        TRY(bpe_word(f, t->bpe, (Bytes){p, at - p}));
        p = at;
    }
    return OK;
}

Err tokenizer_word(Flow *f, Bytes word)
{
    const Tokenizer *t = f->tokenizer;

    if (word.length == 0)
        return OK;
    if (t->unigram != NULL)
        return unigram_word(f, t->unigram, word);
    return t->mark.length > 0 ? marked_words(f, t, word) : bpe_word(f, t->bpe, word);
}

static Err encode_normalized(Flow *f, Bytes text, int is_first)
{
    AddedWalk walk = {0};

    while (!walk.is_done) {
        Bytes             before;
        const AddedToken *a = added_next(f, &f->tokenizer->normalized_set, text, &walk, &before);

        TRY(cut_words(f, 0, before, is_first && before.data == text.data));
        if (a != NULL)
            TRY(flow_emit(f, a->id));
    }
    return OK;
}

static Err encode_part(Flow *f, Bytes part, int is_first)
{
    const Tokenizer *t = f->tokenizer;
    ArenaMark        mark = arena_mark(f->scratch);
    Bytes            text;
    Err              e = normalize_all(t->normalizer, t->normalizers, f->scratch, part, &text);

    if (e == OK)
        e = encode_normalized(f, text, is_first);
    arena_back(f->scratch, mark);
    return e;
}

static Err encode_text(Flow *f, Bytes text)
{
    AddedWalk walk = {0};

    while (!walk.is_done) {
        Bytes             before;
        const AddedToken *a = added_next(f, &f->tokenizer->set, text, &walk, &before);

        TRY(encode_part(f, before, before.data == text.data));
        if (a != NULL)
            TRY(flow_emit(f, a->id));
    }
    return OK;
}

static Err encode(const Vocab *v, const char *text, int64_t length, VocabReading reading,
                  int32_t *ids, int64_t places, int64_t *count)
{
    Flow    f = {.tokenizer = (const Tokenizer *)v, .reading = reading, .ids = ids, .room = places};
    int64_t bad = text_utf8_bad(text, length);
    Err     e;

    if (bad >= 0)
        return vocab_not_utf8(text, bad);
    if (length > TEXT_BYTES_MAX)
        FAIL(ERR_DATA, "expected a text of at most %d bytes to encode, found %" PRId64,
             TEXT_BYTES_MAX, length);
    f.scratch = shared_room_enter();
    e = encode_text(&f, (Bytes){text, length});
    shared_room_leave(f.scratch);
    *count = f.used;
    return e;
}

static int64_t room_for(const Vocab *v, const char *text, int64_t length)
{
    const Tokenizer *t = (const Tokenizer *)v;
    int64_t          at = 0, parts, growth, ids, most = VOCAB_GROWTH_MAX * (length + 64);

    while (at < length && (unsigned char)text[at] < 0x80)
        at++;
    growth = at < length ? t->growth : t->ascii_growth;
    parts = 1 + (t->has_many_parts ? length : 0);
    // The bound is loose where many normalizers follow each other, and callers take memory by it.
    if (__builtin_mul_overflow(t->puts_before, parts, &ids) ||
        __builtin_add_overflow(ids, length, &ids) || __builtin_mul_overflow(ids, growth, &ids) ||
        ids > most)
        return most;
    return ids;
}

// ---- from ids to text

static void decode(const Vocab *v, int32_t id, Text *out)
{
    const Bytes *raw = &((const Tokenizer *)v)->raw[id];

    text_add(out, raw->data, raw->length);
}

static Err decode_all(const Vocab *v, const int32_t *ids, int64_t count, VocabSpecial special,
                      Text *out)
{
    const Tokenizer *t = (const Tokenizer *)v;
    Arena           *scratch = shared_room_enter();
    Bytes           *token = arena_new(scratch, Bytes, count);
    int64_t          n = 0;
    Err              e;

    for (int64_t i = 0; i < count; i++)
        if (t->pieces.text[ids[i]].data != NULL &&
            (special == VOCAB_KEEP_SPECIAL || !t->special[ids[i]]))
            token[n++] = t->pieces.text[ids[i]];
    e = decode_texts(t, scratch, token, n, out);
    shared_room_leave(scratch);
    return e;
}

static int is_special(const Vocab *v, int32_t id)
{
    return ((const Tokenizer *)v)->special[id];
}

static void write_source(Text *t, const Vocab *v)
{
    const Tokenizer *k = (const Tokenizer *)v;

    text_add(t, k->source, k->source_bytes);
}

const VocabKind TOKENIZER_KIND = {.write = write_source,
                                  .is_special = is_special,
                                  .room = room_for,
                                  .encode = encode,
                                  .decode = decode,
                                  .decode_all = decode_all};
