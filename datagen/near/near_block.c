#include "datagen/near/near_block.h"

#include <string.h>

// A row costs its lanes, a list about this many times more per text that it names.
enum { LIST_COST = 24, LONGEST = 16 << (NEAR_WIDTHS - 1) };

int near_block_width(int64_t tokens)
{
    int width = 0;

    while (width < NEAR_WIDTHS && tokens > 16 << width)
        width++;
    return width;
}

// ---- lanes

// Gives each text a lane: lane_of [count].
static void place_texts(NearBlock *b, Arena *arena, const NearItem *item, int64_t count,
                        uint16_t *lane_of)
{
    int64_t texts[LONGEST + 1] = {0}, next[LONGEST + 1], at = 0;

    b->run = arena_new(arena, NearRun, b->kernel->bits);
    for (int64_t i = 0; i < count; i++) {
        CHECK(0 < item[i].count && item[i].count <= b->kernel->bits, "%d tokens",
              (int)item[i].count);
        texts[item[i].count]++;
    }
    for (int64_t length = 1; length <= b->kernel->bits; length++) {
        if (texts[length] == 0)
            continue;
        next[length] = at;
        b->run[b->runs].length = length;
        b->run[b->runs].first = at;
        b->run[b->runs].texts = texts[length];
        at += (texts[length] + NEAR_LANES_STEP - 1) / NEAR_LANES_STEP * NEAR_LANES_STEP;
        b->run[b->runs++].end = at;
    }
    b->lanes = at;
    b->texts = count;
    b->index = arena_new(arena, int64_t, b->lanes);
    for (int64_t i = 0; i < count; i++) {
        lane_of[i] = (uint16_t)next[item[i].count]++;
        b->index[lane_of[i]] = item[i].index;
    }
}

// ---- tokens

static int64_t slot_of(const NearBlock *b, uint32_t token)
{
    int64_t mask = b->slots - 1, at = (int64_t)(token * 0x9E3779B1u >> 7) & mask;

    while (b->slot[at] != 0 && b->entry[b->slot[at] - 1].token != token)
        at = (at + 1) & mask;
    return at;
}

static int64_t total_tokens(const NearItem *item, int64_t count)
{
    int64_t total = 0;

    for (int64_t i = 0; i < count; i++)
        total += item[i].count;
    return total;
}

// One entry per token, with the number of texts that have it; leaves b->slot in `scratch`.
static void count_tokens(NearBlock *b, Arena *scratch, const NearItem *item, int64_t count)
{
    int64_t  total = total_tokens(item, count);
    int64_t *last = arena_new(scratch, int64_t, total); // text that had the token last, from 1

    b->entry = arena_new(scratch, NearEntry, total);
    for (b->slots = 16; b->slots < 2 * total;)
        b->slots *= 2;
    b->slot = arena_new(scratch, uint32_t, b->slots);
    for (int64_t i = 0; i < count; i++)
        for (int64_t t = 0; t < item[i].count; t++) {
            int64_t at = slot_of(b, item[i].token[t]), e;

            if (b->slot[at] == 0) {
                b->entry[b->entries].token = item[i].token[t];
                b->slot[at] = (uint32_t)++b->entries;
            }
            e = b->slot[at] - 1;
            b->entry[e].count += last[e] != i + 1;
            last[e] = i + 1;
        }
}

// Entries and slots for good, as small as they can be; then rows and lists, all zero.
static void settle_tokens(NearBlock *b, Arena *arena)
{
    int64_t bytes = b->kernel->bits / 8, listed = 0;

    b->entry = memcpy(arena_new(arena, NearEntry, b->entries), b->entry,
                      (size_t)b->entries * sizeof *b->entry);
    for (b->slots = 16; b->slots < 2 * b->entries;)
        b->slots *= 2;
    b->slot = arena_new(arena, uint32_t, b->slots);
    for (int64_t e = 0; e < b->entries; e++) {
        NearEntry *entry = &b->entry[e];

        b->slot[slot_of(b, entry->token)] = (uint32_t)(e + 1);
        if (entry->count * LIST_COST > b->lanes * bytes / 2) {
            entry->row = arena_push(arena, b->lanes, bytes);
        } else {
            entry->first = listed;
            listed += entry->count;
        }
        entry->count = 0;
    }
    b->lane = arena_new(arena, uint16_t, listed);
    b->mask = arena_push(arena, listed, bytes);
}

static void set_bit(void *masks, int bits, int64_t at, int64_t bit)
{
    if (bits == 16)
        ((uint16_t *)masks)[at] |= (uint16_t)(1u << bit);
    else if (bits == 32)
        ((uint32_t *)masks)[at] |= (uint32_t)1 << bit;
    else if (bits == 64)
        ((uint64_t *)masks)[at] |= (uint64_t)1 << bit;
    else
        ((unsigned __int128 *)masks)[at] |= (unsigned __int128)1 << bit;
}

static void mark_place(NearBlock *b, NearEntry *e, uint16_t lane, int64_t place)
{
    int64_t last = e->first + e->count - 1;

    if (e->row != NULL) {
        set_bit(e->row, b->kernel->bits, lane, place);
        return;
    }
    if (e->count == 0 || b->lane[last] != lane) {
        b->lane[++last] = lane;
        e->count++;
    }
    set_bit(b->mask, b->kernel->bits, last, place);
}

NearBlock *near_block_make(Arena *arena, Arena *scratch, const NearItem *item, int64_t count,
                           int width)
{
    NearBlock *b = arena_new(arena, NearBlock, 1);
    uint16_t  *lane_of = arena_new(scratch, uint16_t, count);

    CHECK(0 < count && count <= NEAR_LANES_MOST, "%d texts", (int)count);
    b->kernel = near_lanes(width);
    place_texts(b, arena, item, count, lane_of);
    count_tokens(b, scratch, item, count);
    settle_tokens(b, arena);
    for (int64_t i = 0; i < count; i++)
        for (int64_t t = 0; t < item[i].count; t++) {
            NearEntry *e = &b->entry[b->slot[slot_of(b, item[i].token[t])] - 1];

            mark_place(b, e, lane_of[i], t);
        }
    return b;
}

int64_t near_block_sweeps(const NearBlock *b, const uint32_t *token, int64_t count,
                          NearSweep *sweep)
{
    int64_t bytes = b->kernel->bits / 8, sweeps = 0;

    for (int64_t t = 0; t < count; t++) {
        int64_t          at = slot_of(b, token[t]);
        const NearEntry *e;

        if (b->slot[at] == 0)
            continue;
        e = &b->entry[b->slot[at] - 1];
        sweep[sweeps++] = (NearSweep){.row = e->row,
                                      .lane = b->lane + e->first,
                                      .mask = (const char *)b->mask + e->first * bytes,
                                      .count = e->count};
    }
    return sweeps;
}
