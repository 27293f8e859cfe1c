#include "datagen/near/near_words.h"

#include "base/hash.h"

#include <string.h>

enum { FIRST_SLOTS = 1024 };

typedef struct Gram {
    uint64_t        hash;
    const uint32_t *token; // in the arena
    int64_t         count; // n, or a whole text that is shorter
} Gram;

struct NearGrams {
    Arena     *arena;
    NearWords *words;
    int64_t    n;
    Gram      *gram; // [slots / 2]
    int64_t    grams;
    int64_t   *slot; // [slots] gram + 1; a power of two
    int64_t    slots;
};

NearGrams *near_grams(Arena *arena, int64_t n, NearTokens kind)
{
    NearGrams *g = arena_new(arena, NearGrams, 1);

    CHECK(n > 0, "grams of %d", (int)n);
    *g =
        (NearGrams){.arena = arena, .words = near_words(arena, kind), .n = n, .slots = FIRST_SLOTS};
    g->gram = arena_new(arena, Gram, g->slots / 2);
    g->slot = arena_new(arena, int64_t, g->slots);
    return g;
}

static Gram gram_of(const uint32_t *token, int64_t count)
{
    return (Gram){hash_bytes(0, token, count * (int64_t)sizeof *token), token, count};
}

static int64_t slot_of(const NearGrams *g, Gram a)
{
    int64_t at = (int64_t)a.hash & (g->slots - 1);

    for (; g->slot[at] != 0; at = (at + 1) & (g->slots - 1)) {
        const Gram *b = &g->gram[g->slot[at] - 1];

        if (a.hash == b->hash && a.count == b->count &&
            memcmp(a.token, b->token, (size_t)a.count * sizeof *a.token) == 0)
            break;
    }
    return at;
}

static void grow(NearGrams *g)
{
    g->gram = arena_grow(g->arena, g->gram, g->grams * (int64_t)sizeof(Gram),
                         g->slots * (int64_t)sizeof(Gram));
    g->slots *= 2;
    g->slot = arena_new(g->arena, int64_t, g->slots);
    for (int64_t i = 0; i < g->grams; i++)
        g->slot[slot_of(g, g->gram[i])] = i + 1;
}

static void add_gram(NearGrams *g, Gram a)
{
    int64_t at;

    if (2 * g->grams == g->slots)
        grow(g);
    at = slot_of(g, a);
    if (g->slot[at] != 0)
        return;
    g->gram[g->grams++] = a;
    g->slot[at] = g->grams;
}

void near_grams_add(NearGrams *g, NearText text)
{
    int64_t   count;
    uint32_t *token = near_tokens(g->words, g->arena, text, &count);

    if (0 < count && count < g->n)
        add_gram(g, gram_of(token, count));
    for (int64_t i = 0; i + g->n <= count; i++)
        add_gram(g, gram_of(token + i, g->n));
}

int near_grams_hit(const NearGrams *g, Arena *scratch, NearText text)
{
    ArenaMark mark = arena_mark(scratch);
    NearWords w = *g->words; // folds in `scratch`: nothing of the grams changes
    int64_t   count;
    uint32_t *token;
    int       is_hit = 0;

    w.arena = scratch;
    w.folded = text_make(scratch);
    w.codes = (UnitextCodes){.arena = scratch};
    count = near_words_fold(&w, text);
    token = arena_new(scratch, uint32_t, count);
    near_words_find(&w, token);
    if (0 < count && count < g->n)
        is_hit = g->slot[slot_of(g, gram_of(token, count))] != 0;
    for (int64_t i = 0; i + g->n <= count && !is_hit; i++)
        is_hit = g->slot[slot_of(g, gram_of(token + i, g->n))] != 0;
    arena_back(scratch, mark);
    return is_hit;
}
