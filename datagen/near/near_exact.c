#include "datagen/near/near_private.h"

#include "base/hash.h"

#include <string.h>

enum { FIRST_SLOTS = 1024 };

typedef struct Kept {
    uint64_t hash;
    NearText text;
} Kept;

struct NearExact {
    Arena   *arena;
    Kept    *kept; // [slots / 2]
    int64_t  count;
    int64_t *slot; // [slots] text + 1; a power of two
    int64_t  slots;
};

NearExact *near_exact_make(Arena *arena)
{
    NearExact *e = arena_new(arena, NearExact, 1);

    *e = (NearExact){.arena = arena, .slots = FIRST_SLOTS};
    e->slot = arena_new(arena, int64_t, e->slots);
    e->kept = arena_new(arena, Kept, e->slots / 2);
    return e;
}

static int64_t slot_of(const NearExact *e, NearText text, uint64_t hash)
{
    int64_t at = (int64_t)hash & (e->slots - 1);

    for (; e->slot[at] != 0; at = (at + 1) & (e->slots - 1)) {
        const Kept *k = &e->kept[e->slot[at] - 1];

        if (k->hash == hash && k->text.length == text.length &&
            (text.length == 0 || memcmp(k->text.text, text.text, (size_t)text.length) == 0))
            break;
    }
    return at;
}

static void grow(NearExact *e)
{
    e->kept = arena_grow(e->arena, e->kept, e->count * (int64_t)sizeof(Kept),
                         e->slots * (int64_t)sizeof(Kept));
    e->slots *= 2;
    e->slot = arena_new(e->arena, int64_t, e->slots);
    for (int64_t i = 0; i < e->count; i++) {
        int64_t at = slot_of(e, e->kept[i].text, e->kept[i].hash);

        if (e->slot[at] == 0) // the first of equal texts, which near_add may bring
            e->slot[at] = i + 1;
    }
}

void near_exact_add(NearExact *e, NearText text)
{
    uint64_t hash = hash_bytes(0, text.text, text.length);
    int64_t  at;

    if (2 * e->count == e->slots)
        grow(e);
    at = slot_of(e, text, hash);
    text.text = arena_text_n(e->arena, text.text, text.length);
    e->kept[e->count++] = (Kept){hash, text};
    if (e->slot[at] == 0)
        e->slot[at] = e->count;
}

int64_t near_exact_find(const NearExact *e, NearText text)
{
    return e->slot[slot_of(e, text, hash_bytes(0, text.text, text.length))] - 1;
}
