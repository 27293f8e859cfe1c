// Steps that all forms of tokenizers are made by.
#include "model/text/tokenizer_private.h"
#include "model/text/zeros.h"

#include <inttypes.h>
#include <string.h>

// ---- texts

static char *take(Build *b, int64_t bytes)
{
    enum { CHUNK = 1 << 16 };
    char *at;

    if (bytes > b->heap_left) {
        b->heap_left = bytes > CHUNK ? bytes : CHUNK;
        b->heap = arena_new(b->run, char, b->heap_left);
    }
    at = b->heap;
    b->heap += bytes;
    b->heap_left -= bytes;
    return at;
}

Bytes build_copy(Build *b, Bytes text)
{
    char *copy = take(b, text.length + 1);

    if (text.length > 0)
        memcpy(copy, text.data, (size_t)text.length);
    return (Bytes){copy, text.length};
}

// Names of tokens may hold zero bytes, texts of our JSON may not.
Bytes build_text(Build *b, const char *text, int64_t length)
{
    char *copy = take(b, length + 1);

    return (Bytes){copy, zeros_show(copy, text, length, b->zero)};
}

Err build_room(const Build *b, int64_t bytes)
{
    int64_t left = b->run->capacity - b->run->used;

    if (bytes > left)
        FAIL(ERR_DATA,
             "%s: this tokenizer needs %.1f MiB more of memory, %.1f MiB are left in the %s arena",
             b->file, (double)bytes / 0x1p20, (double)left / 0x1p20, b->run->name);
    return OK;
}

// ---- pieces

Err build_pieces(Build *b, int64_t size)
{
    if (size < 1 || size > PIECES_MAX)
        FAIL(ERR_DATA, "%s: expected 1 to %d tokens, found ids up to %" PRId64, b->file, PIECES_MAX,
             size - 1);
    TRY(build_room(b, pieces_need(size) + arena_need(size, (int64_t)sizeof(Bytes)) +
                          arena_need(size, 1)));
    b->t->pieces = pieces_make(b->run, size);
    b->t->special = arena_new(b->run, uint8_t, size);
    b->t->raw = arena_new(b->run, Bytes, size);
    return OK;
}

Err build_piece(Build *b, int64_t id, Bytes text)
{
    Pieces *p = &b->t->pieces;
    int32_t same;

    if (id < 0 || id >= p->size)
        FAIL(ERR_DATA, "%s: expected ids of tokens below %" PRId64 ", found %" PRId64, b->file,
             p->size, id);
    if (text.length > PIECE_BYTES_MAX)
        FAIL(ERR_DATA, "%s: token %" PRId64 " has %" PRId64 " bytes; expected at most %d", b->file,
             id, text.length, PIECE_BYTES_MAX);
    if (p->text[id].data != NULL)
        FAIL(ERR_DATA, "%s: two tokens have the id %" PRId64 ": \"%.*s\" and \"%.*s\"", b->file, id,
             (int)p->text[id].length, p->text[id].data, (int)text.length, text.data);
    same = pieces_find(p, text);
    if (same >= 0)
        FAIL(ERR_DATA, "%s: two tokens, %d and %" PRId64 ", are \"%.*s\"", b->file, same, id,
             (int)text.length, text.data);
    pieces_add(p, (int32_t)id, text);
    return OK;
}

// The bytes of a piece of a byte-level vocabulary; 0: not all of its characters stand for bytes.
static int unlevel(Bytes piece, char *out, int64_t *length)
{
    int n;

    *length = 0;
    for (int64_t at = 0; at < piece.length; at += n) {
        int byte = unicode_to_byte(unicode_at(piece.data + at, &n));

        if (byte < 0)
            return 0;
        out[(*length)++] = (char)byte;
    }
    return 1;
}

Err build_byte_pieces(Build *b, Pieces *out)
{
    const Pieces *p = &b->t->pieces;
    int64_t       bytes = 0;
    char         *heap;

    for (int64_t i = 0; i < p->size; i++)
        bytes += p->text[i].length;
    TRY(build_room(b, pieces_need(p->size) + bytes + 2 * ARENA_ALIGN));
    heap = arena_new(b->run, char, bytes + 1);
    *out = pieces_make(b->run, p->size);
    for (int32_t i = 0; i < p->size; i++) {
        int64_t length;

        if (p->text[i].data == NULL || b->t->special[i] || !unlevel(p->text[i], heap, &length))
            continue;
        if (pieces_find(out, (Bytes){heap, length}) < 0)
            pieces_add(out, i, (Bytes){heap, length});
        heap += length;
    }
    return OK;
}

// ---- merges

typedef struct MergeList {
    Arena    *arena;
    BpeMerge *at;
    int64_t   count, room;
} MergeList;

static void put_merge(MergeList *l, BpeMerge m)
{
    int64_t size = (int64_t)sizeof m;

    if (l->count == l->room) {
        l->at = arena_grow(l->arena, l->at, l->room * size, 2 * l->room * size);
        l->room *= 2;
    }
    l->at[l->count++] = m;
}

static int begins_character(Bytes text, int64_t at)
{
    return ((unsigned char)text.data[at] & 0xC0) != 0x80;
}

Err build_merges(Build *b, const Pieces *pieces, const uint32_t *rank, int cuts_characters,
                 BpeMerge **merges, int64_t *count)
{
    enum { MERGES_MAX = 1 << 25, SPLIT_BYTES_MAX = 4096 };
    MergeList l = {.arena = b->scratch, .room = pieces->size};

    l.at = arena_new(l.arena, BpeMerge, l.room);
    for (int32_t id = 0; id < pieces->size; id++) {
        Bytes whole = pieces->text[id];

        if (rank[id] == 0 || whole.data == NULL)
            continue;
        if (whole.length > SPLIT_BYTES_MAX || l.count > MERGES_MAX)
            FAIL(ERR_DATA, "%s: token %d is longer than %d bytes, or there are too many like it",
                 b->file, id, SPLIT_BYTES_MAX);
        for (int64_t at = 1; at < whole.length; at++) {
            int32_t left, right;

            if (cuts_characters && !begins_character(whole, at))
                continue;
            left = pieces_find(pieces, (Bytes){whole.data, at});
            right = left < 0 || rank[left] == 0
                        ? -1
                        : pieces_find(pieces, (Bytes){whole.data + at, whole.length - at});
            if (right >= 0 && rank[right] > 0)
                put_merge(&l, (BpeMerge){left, right, id, rank[id]});
        }
    }
    *merges = l.at;
    *count = l.count;
    return OK;
}

static int begins_with(Bytes text, Bytes what)
{
    return text.length >= what.length && memcmp(text.data, what.data, (size_t)what.length) == 0;
}

static int ends_with(Bytes text, Bytes what)
{
    return text.length >= what.length &&
           memcmp(text.data + text.length - what.length, what.data, (size_t)what.length) == 0;
}

// Whether words end in front of the mark as far as merges go.
static int mark_holds(const Pieces *p, Bytes mark, const BpeMerge *merges, int64_t count)
{
    if (mark.length == 0 || pieces_find(p, mark) < 0)
        return 0;
    for (int64_t i = 0; i < count; i++)
        if (begins_with(p->text[merges[i].b], mark) && !ends_with(p->text[merges[i].a], mark))
            return 0;
    return 1;
}

Err build_bpe(Build *b, const BpeConfig *config, const Pieces *pieces, const BpeMerge *merges,
              int64_t count)
{
    int is_whole = b->t->cuts == 0 || (b->t->cuts == 1 && b->t->cut[0].kind == CUT_METASPACE);

    b->t->vocab.unknown = config->unknown;
    TRY(build_room(b, bpe_need(count)));
    TRY(bpe_make(b->run, b->file, config, pieces, merges, count, &b->t->bpe));
    if (is_whole && !config->reads_bytes && !config->ignores_merges &&
        mark_holds(pieces, b->mark, merges, count))
        b->t->mark = b->mark;
    return OK;
}

// ---- what several forms have in common

void build_byte_level(Build *b, const char *pattern)
{
    Tokenizer *t = b->t;

    pattern = pattern == NULL ? SCAN_GPT2 : pattern;
    t->cut[t->cuts++] = (Cut){.kind = CUT_BYTE_LEVEL,
                              .prepend = CUT_NEVER,
                              .scan = scan_find((Bytes){pattern, (int64_t)strlen(pattern)})};
    t->decoder[t->decoders++] = (TextDecoder){.kind = DECODE_BYTE_LEVEL};
    t->has_decoder = 1;
}

void build_mark_decoders(Build *b, Bytes mark, int strips_first)
{
    Tokenizer *t = b->t;
    Bytes      blank = {" ", 1};

    t->decoder[t->decoders++] =
        (TextDecoder){.kind = DECODE_REPLACE, .pattern = mark, .content = blank};
    t->decoder[t->decoders++] = (TextDecoder){.kind = DECODE_BYTE_FALLBACK};
    t->decoder[t->decoders++] = (TextDecoder){.kind = DECODE_FUSE};
    if (strips_first)
        t->decoder[t->decoders++] =
            (TextDecoder){.kind = DECODE_STRIP, .content = blank, .start = 1};
    t->has_decoder = 1;
}
