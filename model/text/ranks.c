#include "model/text/ranks.h"

#include <string.h>

typedef struct Parts { // of one token: where each begins, and where the last ends
    const Pieces  *pieces;
    const uint8_t *is_added;
    const char    *text;
    int64_t       *at; // [count + 1]
    int64_t        count;
} Parts;

static void cut_characters(Parts *p, Bytes token)
{
    p->text = token.data;
    p->count = 0;
    for (int64_t i = 0; i < token.length; i++)
        if (((unsigned char)token.data[i] & 0xC0) != 0x80)
            p->at[p->count++] = i;
    p->at[p->count] = token.length;
}

// The token of parts [from, to), if its rank is below `below`; -1: none.
static int32_t token_of(const Parts *p, int64_t from, int64_t to, int32_t below)
{
    Bytes   text = {p->text + p->at[from], p->at[to] - p->at[from]};
    int32_t id = pieces_find(p->pieces, text);

    return id >= 0 && id < below && !p->is_added[id] ? id : -1;
}

static void merge_below(Parts *p, int32_t rank)
{
    while (p->count > 2) {
        int32_t best = rank;
        int64_t where = -1;

        for (int64_t i = 0; i + 2 <= p->count; i++) {
            int32_t id = token_of(p, i, i + 2, best);

            if (id >= 0) {
                best = id;
                where = i;
            }
        }
        if (where < 0)
            return;
        memmove(p->at + where + 1, p->at + where + 2,
                (size_t)(p->count - where - 1) * sizeof *p->at);
        p->count--;
    }
}

RankMerges ranks_to_merges(Arena *arena, const Tokenizer *t)
{
    int64_t    size = t->pieces.size;
    RankMerges out = {arena_new(arena, int32_t, size), arena_new(arena, int32_t, size), 0, 0};
    uint8_t   *is_added = arena_new(arena, uint8_t, size);
    Parts      p = {.pieces = &t->pieces, .is_added = is_added};

    p.at = arena_new(arena, int64_t, PIECE_BYTES_MAX + 1);
    for (int64_t i = 0; i < t->addeds; i++)
        is_added[t->added[i].id] = 1;
    for (int32_t id = 0; id < size; id++) {
        int32_t left, right;

        if (t->pieces.text[id].data == NULL || is_added[id])
            continue;
        cut_characters(&p, t->pieces.text[id]);
        if (p.count < 2)
            continue;
        merge_below(&p, id);
        left = p.count == 2 ? token_of(&p, 0, 1, id) : -1;
        right = left >= 0 ? token_of(&p, 1, 2, id) : -1;
        if (right < 0) {
            out.lonely++;
            continue;
        }
        out.left[out.count] = left;
        out.right[out.count++] = right;
    }
    return out;
}
