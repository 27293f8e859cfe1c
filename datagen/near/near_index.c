#include "datagen/near/near_index.h"

#include <string.h>

enum { ROOM = 1 << 16 };

NearIndex *near_index_make(Arena *arena, const NearSpec *spec)
{
    NearIndex *n = arena_new(arena, NearIndex, 1);

    n->arena = arena;
    n->spec = *spec;
    for (int i = 1; i < NEAR_INVERSES; i++)
        n->inverse[i] = ((uint64_t)1 << 62) / (uint64_t)i;
    return n;
}

static void list_add(Arena *arena, NearList *l, int64_t value)
{
    if (l->count == l->capacity) {
        int64_t capacity = l->capacity == 0 ? 64 : 2 * l->capacity;

        l->at = arena_grow(arena, l->at, l->capacity * (int64_t)sizeof *l->at,
                           capacity * (int64_t)sizeof *l->at);
        l->capacity = capacity;
    }
    l->at[l->count++] = value;
}

static uint32_t *keep_tokens(NearIndex *n, const uint32_t *token, int64_t count)
{
    uint32_t *kept;

    if (count > n->room_left) {
        n->room_left = count > ROOM ? count : ROOM;
        n->room = arena_new(n->arena, uint32_t, n->room_left);
    }
    kept = n->room;
    if (count > 0)
        memcpy(kept, token, (size_t)count * sizeof *token);
    n->room += count;
    n->room_left -= count;
    return kept;
}

void near_index_add(NearIndex *n, const uint32_t *token, int64_t count)
{
    if (n->count == n->capacity) {
        int64_t capacity = n->capacity == 0 ? 256 : 2 * n->capacity;

        n->item = arena_grow(n->arena, n->item, n->capacity * (int64_t)sizeof *n->item,
                             capacity * (int64_t)sizeof *n->item);
        n->capacity = capacity;
    }
    n->item[n->count] = (NearItem){keep_tokens(n, token, count), count, n->count};
    if (count > 0)
        list_add(n->arena, &n->open[near_block_width(count)], n->count);
    n->count++;
}

static NearItem *listed_items(const NearIndex *n, Arena *scratch, const int64_t *at, int64_t count)
{
    NearItem *item = arena_new(scratch, NearItem, count);

    for (int64_t i = 0; i < count; i++)
        item[i] = n->item[at[i]];
    return item;
}

static void add_block(NearIndex *n, NearBlock *b)
{
    if (n->blocks == n->block_capacity) {
        int64_t capacity = n->block_capacity == 0 ? 16 : 2 * n->block_capacity;

        n->block = arena_grow(n->arena, n->block, n->block_capacity * (int64_t)sizeof(NearBlock *),
                              capacity * (int64_t)sizeof(NearBlock *));
        n->block_capacity = capacity;
    }
    n->block[n->blocks++] = b;
}

void near_index_seal(NearIndex *n, Arena *scratch)
{
    for (int width = 0; width < NEAR_WIDTHS; width++) {
        NearList *l = &n->open[width];
        int64_t   done = 0;

        for (; l->count - done >= NEAR_LANES_MOST; done += NEAR_LANES_MOST) {
            ArenaMark mark = arena_mark(scratch);
            NearItem *item = listed_items(n, scratch, l->at + done, NEAR_LANES_MOST);

            add_block(n, near_block_make(n->arena, scratch, item, NEAR_LANES_MOST, width));
            arena_back(scratch, mark);
        }
        l->count -= done;
        if (done > 0)
            memmove(l->at, l->at + done, (size_t)l->count * sizeof *l->at);
    }
}

NearShelf near_index_open(const NearIndex *n, Arena *scratch)
{
    NearShelf s = {.block = arena_new(scratch, NearBlock *, NEAR_WIDTHS)};

    for (int width = 0; width <= NEAR_WIDTHS; width++) {
        const NearList *l = &n->open[width];
        NearItem       *item = listed_items(n, scratch, l->at, l->count);

        if (width == NEAR_WIDTHS) {
            s.tall = item;
            s.talls = l->count;
        } else if (l->count > 0) {
            s.block[s.blocks++] = near_block_make(scratch, scratch, item, l->count, width);
        }
    }
    return s;
}

NearShelf near_shelf_make(Arena *scratch, const NearItem *item, int64_t count)
{
    NearShelf s = {.block = arena_new(scratch, NearBlock *, NEAR_WIDTHS)};

    for (int width = 0; width <= NEAR_WIDTHS; width++) {
        NearItem *some = arena_new(scratch, NearItem, count);
        int64_t   found = 0;

        for (int64_t i = 0; i < count; i++)
            if (item[i].count > 0 && near_block_width(item[i].count) == width)
                some[found++] = item[i];
        if (width == NEAR_WIDTHS) {
            s.tall = some;
            s.talls = found;
        } else if (found > 0) {
            s.block[s.blocks++] = near_block_make(scratch, scratch, some, found, width);
        }
    }
    return s;
}
