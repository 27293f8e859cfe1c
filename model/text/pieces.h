// pieces.h -- the tokens of a vocabulary by id and by text.
#ifndef TD_MODEL_TEXT_PIECES_H
#define TD_MODEL_TEXT_PIECES_H

#include "model/text/unicode.h"

enum { PIECES_MAX = 1 << 21, PIECE_BYTES_MAX = 1 << 16 };

typedef struct Pieces {
    Bytes   *text; // [size]; .data NULL: no token has this id
    int64_t  size;
    int32_t *slot; // [mask + 1] ids by the hash of their text, -1: empty
    uint32_t mask;
} Pieces;

// `size` ids, none of which has a text yet.
Pieces  pieces_make(Arena *run, int64_t size);
int64_t pieces_need(int64_t size);
// The id has no text yet, and the text no id.
void    pieces_add(Pieces *p, int32_t id, Bytes text);
int32_t pieces_find(const Pieces *p, Bytes text); // -1: there is none

int bytes_same(Bytes a, Bytes b);

#endif
