#include "model/text/spm.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

// ---- writing

static void put_varint(Text *t, uint64_t value)
{
    char byte;

    for (; value >= 0x80; value >>= 7) {
        byte = (char)(value | 0x80);
        text_add(t, &byte, 1);
    }
    byte = (char)value;
    text_add(t, &byte, 1);
}

static void put_number(Text *t, int field, uint64_t value)
{
    put_varint(t, (uint64_t)field << 3 | VARINT);
    put_varint(t, value);
}

static void put_bytes(Text *t, int field, Bytes bytes)
{
    put_varint(t, (uint64_t)field << 3 | BYTES);
    put_varint(t, (uint64_t)bytes.length);
    text_add(t, bytes.data, bytes.length);
}

static void put_piece(Text *t, Text *one, const SpmPieces *p, int64_t i)
{
    one->length = 0;
    put_bytes(one, SPM_PIECE_TEXT, p->text[i]);
    put_varint(one, SPM_PIECE_SCORE << 3 | FIXED32);
    text_add(one, (const char *)&p->score[i], 4);
    put_number(one, SPM_PIECE_TYPE, (uint64_t)p->type[i]);
    put_bytes(t, SPM_MODEL_PIECE, (Bytes){one->data, one->length});
}

void spm_write(Text *t, const SpmPieces *p)
{
    Text one = text_make(t->arena);
    int  has_bytes = 0;

    for (int64_t i = 0; i < p->size; i++) {
        put_piece(t, &one, p, i);
        has_bytes |= p->type[i] == SPM_BYTE;
    }
    one.length = 0;
    put_number(&one, SPM_TRAINER_TYPE, (uint64_t)p->model);
    put_number(&one, SPM_TRAINER_FALLBACK, (uint64_t)has_bytes);
    put_bytes(t, SPM_MODEL_TRAINER, (Bytes){one.data, one.length});
    one.length = 0;
    put_bytes(&one, SPM_NORMALIZER_NAME, (Bytes){"identity", 8});
    put_number(&one, SPM_NORMALIZER_PREFIX, (uint64_t)p->puts_prefix);
    put_number(&one, SPM_NORMALIZER_COLLAPSES, (uint64_t)p->collapses);
    put_number(&one, SPM_NORMALIZER_ESCAPES, 1);
    put_bytes(t, SPM_MODEL_NORMALIZER, (Bytes){one.data, one.length});
}

// ---- reading

typedef struct Field {
    uint64_t number;
    int      wire;
    uint64_t value;
    Bytes    bytes;
} Field;

typedef struct Message {
    const char *where;
    Bytes       left;
} Message;

static Err cut_short(const Message *m)
{
    FAIL(ERR_DATA, "%s: not a SentencePiece model, or cut short", m->where);
}

static Err take_little(Message *m, int bytes, uint64_t *out)
{
    *out = 0;
    if (m->left.length < bytes)
        return cut_short(m);
    for (int i = 0; i < bytes; i++)
        *out |= (uint64_t)(unsigned char)m->left.data[i] << 8 * i;
    m->left.data += bytes;
    m->left.length -= bytes;
    return OK;
}

static Err take_varint(Message *m, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint64_t byte;

        TRY(take_little(m, 1, &byte));
        *out |= (byte & 0x7F) << shift;
        if (byte < 0x80)
            return OK;
    }
    return cut_short(m);
}

static Err take_field(Message *m, Field *f)
{
    uint64_t key;

    TRY(take_varint(m, &key));
    *f = (Field){.number = key >> 3, .wire = (int)(key & 7)};
    if (f->wire == VARINT)
        return take_varint(m, &f->value);
    if (f->wire == FIXED64 || f->wire == FIXED32)
        return take_little(m, f->wire == FIXED64 ? 8 : 4, &f->value);
    if (f->wire != BYTES)
        return cut_short(m);
    TRY(take_varint(m, &f->value));
    if (f->value > (uint64_t)m->left.length)
        return cut_short(m);
    f->bytes = (Bytes){m->left.data, (int64_t)f->value};
    m->left.data += f->bytes.length;
    m->left.length -= f->bytes.length;
    return OK;
}

static int small(uint64_t value)
{
    return value < 255 ? (int)value : 255;
}

static Err read_piece(Message m, SpmPieces *p, int64_t i)
{
    Field f;

    p->type[i] = SPM_NORMAL;
    while (m.left.length > 0) {
        TRY(take_field(&m, &f));
        if (f.number == SPM_PIECE_TEXT && f.wire == BYTES)
            p->text[i] = f.bytes;
        if (f.number == SPM_PIECE_TYPE && f.wire == VARINT)
            p->type[i] = small(f.value);
        if (f.number == SPM_PIECE_SCORE && f.wire == FIXED32) {
            uint32_t bits = (uint32_t)f.value;

            memcpy(&p->score[i], &bits, sizeof bits);
        }
    }
    return OK;
}

static Err read_settings(Message m, uint64_t which, SpmPieces *p)
{
    Field f;

    while (m.left.length > 0) {
        TRY(take_field(&m, &f));
        if (which == SPM_MODEL_TRAINER && f.number == SPM_TRAINER_TYPE && f.wire == VARINT)
            p->model = small(f.value);
        if (which != SPM_MODEL_NORMALIZER)
            continue;
        if (f.number == SPM_NORMALIZER_CHARSMAP && f.wire == BYTES)
            p->has_charsmap = f.bytes.length > 0;
        if (f.number == SPM_NORMALIZER_PREFIX && f.wire == VARINT)
            p->puts_prefix = f.value != 0;
        if (f.number == SPM_NORMALIZER_COLLAPSES && f.wire == VARINT)
            p->collapses = f.value != 0;
    }
    return OK;
}

// Every field is looked at twice: the first time pieces are counted.
static Err read_fields(Message m, SpmPieces *p)
{
    int64_t pieces = 0;
    Field   f;

    while (m.left.length > 0) {
        TRY(take_field(&m, &f));
        if (f.wire != BYTES)
            continue;
        if (f.number == SPM_MODEL_PIECE && p->text != NULL)
            TRY(read_piece((Message){m.where, f.bytes}, p, pieces));
        if (f.number == SPM_MODEL_TRAINER || f.number == SPM_MODEL_NORMALIZER)
            TRY(read_settings((Message){m.where, f.bytes}, f.number, p));
        pieces += f.number == SPM_MODEL_PIECE;
    }
    p->size = pieces;
    return OK;
}

Err spm_read(Arena *arena, const char *where, Bytes file, SpmPieces *out)
{
    *out = (SpmPieces){.model = SPM_UNIGRAM, .puts_prefix = 1, .collapses = 1};
    TRY(read_fields((Message){where, file}, out));
    if (out->size == 0)
        FAIL(ERR_DATA, "%s: a SentencePiece model without pieces", where);
    out->text = arena_new(arena, Bytes, out->size);
    out->score = arena_new(arena, float, out->size);
    out->type = arena_new(arena, int, out->size);
    return read_fields((Message){where, file}, out);
}
