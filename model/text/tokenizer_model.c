// tokenizer.model: a SentencePiece model, which is a protocol buffer.
#include "model/text/spm.h"
#include "model/text/tokenizer_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- protocol buffers: fields, each with a number and a kind

typedef enum Wire { WIRE_VARINT, WIRE_I64, WIRE_BYTES, WIRE_I32 = 5 } Wire;

typedef struct Field {
    uint64_t number;
    Wire     wire;
    uint64_t value; // VARINT, I64, I32
    Bytes    bytes; // BYTES
} Field;

typedef struct Message {
    const char *file;
    Bytes       bytes;
    int64_t     at;
} Message;

static Err cut_short(const Message *m)
{
    FAIL(ERR_DATA, "%s: not a SentencePiece model, or cut short", m->file);
}

static Err read_varint(Message *m, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        unsigned char byte;

        if (m->at == m->bytes.length)
            return cut_short(m);
        byte = (unsigned char)m->bytes.data[m->at++];
        *out |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return OK;
    }
    return cut_short(m);
}

static Err read_fixed(Message *m, int bytes, uint64_t *out)
{
    *out = 0;
    if (m->bytes.length - m->at < bytes)
        return cut_short(m);
    for (int i = 0; i < bytes; i++)
        *out |= (uint64_t)(unsigned char)m->bytes.data[m->at++] << (8 * i);
    return OK;
}

// 0 at the end of the message.
static Err next_field(Message *m, Field *f, int *is_there)
{
    uint64_t key, length;

    *is_there = m->at < m->bytes.length;
    if (!*is_there)
        return OK;
    TRY(read_varint(m, &key));
    f->number = key >> 3;
    f->wire = (Wire)(key & 7);
    switch (f->wire) {
    case WIRE_VARINT: return read_varint(m, &f->value);
    case WIRE_I64: return read_fixed(m, 8, &f->value);
    case WIRE_I32: return read_fixed(m, 4, &f->value);
    case WIRE_BYTES:
        TRY(read_varint(m, &length));
        if (length > (uint64_t)(m->bytes.length - m->at))
            return cut_short(m);
        f->bytes = (Bytes){m->bytes.data + m->at, (int64_t)length};
        m->at += (int64_t)length;
        return OK;
    default: return cut_short(m);
    }
}

// ---- the model

typedef enum PieceType { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE } PieceType;
enum { TYPE_UNIGRAM = 1, TYPE_BPE = 2 };

typedef struct Spm {
    int64_t  size;
    Bytes   *text;  // [size]
    float   *score; // [size]
    uint8_t *type;  // [size]
    int      model, is_suffix, puts_prefix, collapses, escapes;
    Bytes    charsmap;
} Spm;

static const Bytes MARK = {"\xE2\x96\x81", 3}; // what blanks become

static Err read_piece(Message m, Spm *s, int64_t id)
{
    Field f;
    int   is_there;

    s->type[id] = NORMAL;
    for (;;) {
        TRY(next_field(&m, &f, &is_there));
        if (!is_there)
            break;
        if (f.number == SPM_PIECE_TEXT && f.wire == WIRE_BYTES)
            s->text[id] = f.bytes;
        if (f.number == SPM_PIECE_SCORE && f.wire == WIRE_I32) {
            uint32_t bits = (uint32_t)f.value;

            memcpy(&s->score[id], &bits, sizeof bits);
        }
        if (f.number == SPM_PIECE_TYPE && f.wire == WIRE_VARINT)
            s->type[id] = f.value < UINT8_MAX ? (uint8_t)f.value : UINT8_MAX;
    }
    if (s->type[id] < NORMAL || s->type[id] > BYTE || !isfinite(s->score[id]) ||
        s->text[id].length == 0 || text_utf8_bad(s->text[id].data, s->text[id].length) >= 0)
        FAIL(ERR_DATA,
             "%s: piece %" PRId64 ": expected a text in UTF-8, a finite score and a known type",
             m.file, id);
    return OK;
}

static Err read_trainer(Message m, Spm *s)
{
    Field f;
    int   is_there;

    for (;;) {
        TRY(next_field(&m, &f, &is_there));
        if (!is_there)
            return OK;
        if (f.number == SPM_TRAINER_TYPE && f.wire == WIRE_VARINT)
            s->model = f.value < INT8_MAX ? (int)f.value : INT8_MAX;
        if (f.number == SPM_TRAINER_SUFFIX && f.wire == WIRE_VARINT)
            s->is_suffix = f.value != 0;
    }
}

static Err read_normalizer(Message m, Spm *s)
{
    Field f;
    int   is_there;

    for (;;) {
        TRY(next_field(&m, &f, &is_there));
        if (!is_there)
            return OK;
        if (f.number == SPM_NORMALIZER_CHARSMAP && f.wire == WIRE_BYTES)
            s->charsmap = f.bytes;
        if (f.wire != WIRE_VARINT)
            continue;
        if (f.number == SPM_NORMALIZER_PREFIX)
            s->puts_prefix = f.value != 0;
        if (f.number == SPM_NORMALIZER_COLLAPSES)
            s->collapses = f.value != 0;
        if (f.number == SPM_NORMALIZER_ESCAPES)
            s->escapes = f.value != 0;
    }
}

// Every field is looked at twice: the first time pieces are counted.
static Err read_fields(Message m, Spm *s)
{
    int64_t pieces = 0;
    Field   f;
    int     is_there;

    for (;;) {
        Message in;

        TRY(next_field(&m, &f, &is_there));
        if (!is_there)
            break;
        if (f.wire != WIRE_BYTES)
            continue;
        in = (Message){.file = m.file, .bytes = f.bytes};
        if (f.number == SPM_MODEL_PIECE && s->text != NULL)
            TRY(read_piece(in, s, pieces));
        if (f.number == SPM_MODEL_TRAINER)
            TRY(read_trainer(in, s));
        if (f.number == SPM_MODEL_NORMALIZER)
            TRY(read_normalizer(in, s));
        pieces += f.number == SPM_MODEL_PIECE;
    }
    s->size = pieces;
    return OK;
}

static Err read_spm(Arena *scratch, const char *file, Bytes bytes, Spm *s)
{
    Message m = {.file = file, .bytes = bytes};

    *s = (Spm){.model = TYPE_UNIGRAM, .puts_prefix = 1, .collapses = 1, .escapes = 1};
    TRY(read_fields(m, s));
    if (s->size == 0 || s->size > PIECES_MAX)
        FAIL(ERR_DATA, "%s: expected 1 to %d pieces, found %" PRId64, file, PIECES_MAX, s->size);
    s->text = arena_new(scratch, Bytes, s->size);
    s->score = arena_new(scratch, float, s->size);
    s->type = arena_new(scratch, uint8_t, s->size);
    TRY(read_fields(m, s));
    if (s->model != TYPE_BPE && s->model != TYPE_UNIGRAM)
        FAIL(ERR_DATA,
             "%s: a model of SentencePiece of the type %d is not read; expected BPE or "
             "Unigram",
             file, s->model);
    if (s->is_suffix)
        FAIL(ERR_DATA, "%s: a model that puts blanks behind words is not read", file);
    return OK;
}

// ---- a tokenizer of it

static Err make_normalizers(Build *b, const Spm *s)
{
    Tokenizer *t = b->t;

    if (s->charsmap.length > 0) {
        Normalizer *n = &t->normalizer[t->normalizers++];

        *n = (Normalizer){.kind = NORMALIZE_CHARSMAP};
        TRY(build_room(b, s->charsmap.length + 4 * ARENA_ALIGN));
        TRY(charsmap_make(b->run, b->file, s->charsmap, &n->charsmap));
    }
    if (s->collapses)
        t->normalizer[t->normalizers++] = (Normalizer){.kind = NORMALIZE_COLLAPSE};
    if (s->puts_prefix)
        t->normalizer[t->normalizers++] =
            (Normalizer){.kind = NORMALIZE_PREPEND, .content = {" ", 1}};
    if (s->escapes) {
        t->normalizer[t->normalizers++] =
            (Normalizer){.kind = NORMALIZE_REPLACE, .pattern = {" ", 1}, .content = MARK};
        b->mark = MARK;
    }
    build_mark_decoders(b, s->escapes ? MARK : (Bytes){" ", 1}, s->puts_prefix);
    return OK;
}

static Err make_pieces(Build *b, const Spm *s)
{
    for (int64_t i = 0; i < s->size; i++) {
        TRY(build_piece(b, i, build_copy(b, s->text[i])));
        b->t->special[i] = s->type[i] == CONTROL || s->type[i] == UNKNOWN;
    }
    return OK;
}

// Control tokens, those of the user, and those of the files beside.
static Err make_added(Build *b, const Spm *s, const AddedToken *more, int64_t count)
{
    AddedToken *list = arena_new(b->scratch, AddedToken, s->size + count);
    int64_t     n = 0;

    for (int64_t i = 0; i < s->size; i++)
        if (s->type[i] == CONTROL || s->type[i] == UNKNOWN || s->type[i] == USER_DEFINED)
            list[n++] = (AddedToken){.name = b->t->pieces.text[i],
                                     .id = (int32_t)i,
                                     .is_special = s->type[i] != USER_DEFINED};
    for (int64_t i = 0; i < count; i++) {
        int32_t found = pieces_find(&b->t->pieces, more[i].name);

        if (found >= 0 && found < s->size && s->type[found] != NORMAL)
            continue;
        list[n] = more[i];
        if (found < 0 && more[i].id < 0)
            continue; // a name that no file gives an id
        if (found < 0)
            TRY(build_piece(b, more[i].id, more[i].name));
        list[n].id = found >= 0 ? found : more[i].id;
        n++;
    }
    return build_added(b, list, n);
}

static int32_t unknown_of(const Spm *s)
{
    for (int64_t i = 0; i < s->size; i++)
        if (s->type[i] == UNKNOWN)
            return (int32_t)i;
    return -1;
}

static int has_bytes(const Spm *s)
{
    for (int64_t i = 0; i < s->size; i++)
        if (s->type[i] == BYTE)
            return 1;
    return 0;
}

static int by_score(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x < y) - (x > y);
}

// 1 for the best score, the same for equal ones; 0 for pieces that are never made.
static uint32_t *rank_pieces(Arena *scratch, const Spm *s, int64_t size)
{
    uint32_t *rank = arena_new(scratch, uint32_t, size);
    float    *sorted = arena_new(scratch, float, s->size);

    memcpy(sorted, s->score, (size_t)s->size * sizeof *sorted);
    qsort(sorted, (size_t)s->size, sizeof *sorted, by_score);
    for (int64_t i = 0; i < s->size; i++) {
        int64_t low = 0, high = s->size - 1;

        while (low < high) { // the first that is not better
            int64_t middle = (low + high) / 2;

            if (sorted[middle] > s->score[i])
                low = middle + 1;
            else
                high = middle;
        }
        rank[i] = s->type[i] == NORMAL ? (uint32_t)low + 1 : 0;
    }
    return rank;
}

static Err make_bpe(Build *b, const Spm *s)
{
    BpeConfig config = {.unknown = unknown_of(s), .fuses_unknown = 1, .has_fallback = has_bytes(s)};
    BpeMerge *merges;
    int64_t   count;

    for (int64_t i = 0; i < s->size; i++)
        if (s->type[i] == UNUSED)
            FAIL(ERR_DATA,
                 "%s: piece %" PRId64 " is of the type UNUSED, which is not read in a "
                 "model of the type BPE",
                 b->file, i);
    TRY(build_merges(b, &b->t->pieces, rank_pieces(b->scratch, s, b->t->pieces.size), 1, &merges,
                     &count));
    return build_bpe(b, &config, &b->t->pieces, merges, count);
}

static Err make_unigram(Build *b, const Spm *s)
{
    int64_t       size = b->t->pieces.size;
    double       *score = arena_new(b->run, double, size);
    uint8_t      *is_out = arena_new(b->run, uint8_t, size);
    UnigramConfig config = {
        .score = score, .is_out = is_out, .unknown = unknown_of(s), .has_fallback = has_bytes(s)};

    for (int64_t i = 0; i < size; i++) {
        is_out[i] = i >= s->size || s->type[i] != NORMAL;
        score[i] = is_out[i] ? 0 : (double)s->score[i];
    }
    b->t->vocab.unknown = config.unknown;
    return unigram_make(b->run, b->file, &config, &b->t->pieces, &b->t->unigram);
}

Err build_from_model(Build *b, const Json *config, const Json *beside)
{
    const char *text;
    AddedToken *more;
    int64_t     count, size;
    Bytes       bytes;
    Spm         s;

    TRY(json_want_text(config, "base64", &text));
    TRY(base64_read(b->scratch, b->file, (Bytes){text, (int64_t)strlen(text)}, &bytes));
    TRY(read_spm(b->scratch, b->file, bytes, &s));
    TRY(beside_added(b, beside, &more, &count));
    size = s.size;
    for (int64_t i = 0; i < count; i++)
        size = more[i].id >= size ? more[i].id + 1 : size;
    TRY(build_pieces(b, size));
    TRY(build_room(b, size * 16));
    TRY(make_pieces(b, &s));
    TRY(make_normalizers(b, &s));
    TRY(make_added(b, &s, more, count));
    b->adds_bos = s.model == TYPE_BPE; // as for Llama, the one that published such files
    return s.model == TYPE_BPE ? make_bpe(b, &s) : make_unigram(b, &s);
}
