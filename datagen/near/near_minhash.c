// MinHash (Broder 1997) with bands: a text is the set of its word 5-shingles; 128 hash functions
// each keep the smallest value over the set.  Texts that agree in a whole band are compared, by the
// exact Jaccard similarity of their sets.
#include "datagen/near/near_private.h"

#include "base/hash.h"
#include "base/rng.h"
#include "mpi/coll.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PERMUTATIONS = 128, SHINGLE = 5, FIRST_SLOTS = 1024, NONE = -1 };

typedef struct Shingle {
    uint64_t hash; // of its words, not of their numbers
    uint32_t token[SHINGLE];
} Shingle;

typedef struct Set {   // shingles of a text
    uint32_t *shingle; // [count], rising
    int64_t   count;
} Set;

typedef struct Link { // a text in a band
    uint64_t key;     // of the band and its values
    int64_t  text, next;
} Link;

struct NearMin {
    Arena   *arena;
    int      bands, rows;
    uint64_t factor[PERMUTATIONS], offset[PERMUTATIONS];
    Shingle *shingle; // [shingle_slots / 2]
    int64_t  shingles;
    int64_t *shingle_slot; // [shingle_slots] shingle + 1; a power of two
    int64_t  shingle_slots;
    Set     *set;  // [capacity] of accepted texts
    int64_t *seen; // [capacity] the last look that compared it
    int64_t  count, capacity, looks;
    Link    *link; // [link_slots]
    int64_t  links;
    int64_t *head; // [link_slots] link + 1
    int64_t  link_slots;
};

// ---- bands

// As many rows per band as still let a pair at the threshold be missed once in a thousand times.
static int rows_for(double threshold)
{
    int rows = 1;

    for (int r = 2; r <= PERMUTATIONS; r++)
        if (pow(1 - pow(threshold, r), PERMUTATIONS / r) <= 1e-3)
            rows = r;
    return rows;
}

NearMin *near_min_make(Arena *arena, const NearSpec *spec)
{
    NearMin *m = arena_new(arena, NearMin, 1);
    Rng      rng = rng_make(0, rng_stream("minhash", 0, 0, 0), 0);

    m->arena = arena;
    m->rows = rows_for((double)spec->numerator / (double)spec->denominator);
    m->bands = PERMUTATIONS / m->rows;
    for (int i = 0; i < PERMUTATIONS; i++) {
        m->factor[i] = rng_u64(&rng) | 1;
        m->offset[i] = rng_u64(&rng);
    }
    m->shingle_slots = m->link_slots = FIRST_SLOTS;
    m->shingle = arena_new(arena, Shingle, m->shingle_slots / 2);
    m->shingle_slot = arena_new(arena, int64_t, m->shingle_slots);
    m->link = arena_new(arena, Link, m->link_slots);
    m->head = arena_new(arena, int64_t, m->link_slots);
    return m;
}

// ---- shingles

static int64_t shingle_place(const NearMin *m, const Shingle *s)
{
    int64_t at = (int64_t)s->hash & (m->shingle_slots - 1);

    for (; m->shingle_slot[at] != 0; at = (at + 1) & (m->shingle_slots - 1))
        if (memcmp(m->shingle[m->shingle_slot[at] - 1].token, s->token, sizeof s->token) == 0)
            break;
    return at;
}

static void grow_shingles(NearMin *m)
{
    m->shingle = arena_grow(m->arena, m->shingle, m->shingles * (int64_t)sizeof(Shingle),
                            m->shingle_slots * (int64_t)sizeof(Shingle));
    m->shingle_slots *= 2;
    m->shingle_slot = arena_new(m->arena, int64_t, m->shingle_slots);
    for (int64_t i = 0; i < m->shingles; i++)
        m->shingle_slot[shingle_place(m, &m->shingle[i])] = i + 1;
}

static uint32_t number_of(NearMin *m, const Shingle *s)
{
    int64_t at;

    if (2 * m->shingles == m->shingle_slots)
        grow_shingles(m);
    at = shingle_place(m, s);
    if (m->shingle_slot[at] == 0) {
        CHECK(m->shingles < UINT32_MAX, "too many different shingles");
        m->shingle[m->shingles++] = *s;
        m->shingle_slot[at] = m->shingles;
    }
    return (uint32_t)(m->shingle_slot[at] - 1);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

// A text of fewer than five words is one shingle, filled up with what is no word.
static Set set_of(NearMin *m, Arena *arena, const NearWords *w, const uint32_t *token,
                  int64_t count)
{
    int64_t most = count == 0 ? 0 : count < SHINGLE ? 1 : count - SHINGLE + 1, kept = 0;
    Set     set = {arena_new(arena, uint32_t, most), most};

    for (int64_t i = 0; i < most; i++) {
        Shingle s = {0};

        for (int64_t k = 0; k < SHINGLE; k++) {
            s.token[k] = i + k < count ? token[i + k] : NEAR_UNKNOWN;
            s.hash = hash_u64(s.hash, i + k < count ? w->word[s.token[k]].hash : 0);
        }
        set.shingle[i] = number_of(m, &s);
    }
    qsort(set.shingle, (size_t)most, sizeof *set.shingle, by_number);
    for (int64_t i = 0; i < most; i++)
        if (i == 0 || set.shingle[i] != set.shingle[kept - 1])
            set.shingle[kept++] = set.shingle[i];
    set.count = kept;
    return set;
}

static void sign(const NearMin *m, Set set, uint32_t *signature)
{
    memset(signature, 0xff, PERMUTATIONS * sizeof *signature);
    for (int64_t i = 0; i < set.count; i++) {
        uint64_t hash = m->shingle[set.shingle[i]].hash;

        for (int p = 0; p < PERMUTATIONS; p++) {
            uint32_t value = (uint32_t)((hash * m->factor[p] + m->offset[p]) >> 32);

            signature[p] = value < signature[p] ? value : signature[p];
        }
    }
}

// ---- texts by band

static uint64_t key_of(const NearMin *m, const uint32_t *signature, int band)
{
    return hash_bytes((uint64_t)band, signature + band * m->rows,
                      m->rows * (int64_t)sizeof *signature);
}

static void chain(NearMin *m, int64_t link)
{
    int64_t *head = &m->head[(int64_t)m->link[link].key & (m->link_slots - 1)];

    m->link[link].next = *head - 1;
    *head = link + 1;
}

static void grow_links(NearMin *m)
{
    m->link = arena_grow(m->arena, m->link, m->links * (int64_t)sizeof(Link),
                         2 * m->link_slots * (int64_t)sizeof(Link));
    m->link_slots *= 2;
    m->head = arena_new(m->arena, int64_t, m->link_slots);
    for (int64_t i = 0; i < m->links; i++)
        chain(m, i);
}

static void grow_texts(NearMin *m)
{
    int64_t capacity = m->capacity == 0 ? 256 : 2 * m->capacity;

    m->set = arena_grow(m->arena, m->set, m->capacity * (int64_t)sizeof(Set),
                        capacity * (int64_t)sizeof(Set));
    m->seen = arena_grow(m->arena, m->seen, m->capacity * (int64_t)sizeof(int64_t),
                         capacity * (int64_t)sizeof(int64_t));
    m->capacity = capacity;
}

static void add_set(NearMin *m, Set set, const uint32_t *signature)
{
    if (m->count == m->capacity)
        grow_texts(m);
    m->set[m->count].count = set.count;
    m->set[m->count].shingle = arena_new(m->arena, uint32_t, set.count);
    if (set.count > 0)
        memcpy(m->set[m->count].shingle, set.shingle, (size_t)set.count * sizeof *set.shingle);
    for (int b = 0; b < m->bands && set.count > 0; b++) {
        if (m->links == m->link_slots)
            grow_links(m);
        m->link[m->links] = (Link){key_of(m, signature, b), m->count, NONE};
        chain(m, m->links++);
    }
    m->count++;
}

void near_min_add(NearMin *m, const NearWords *w, const uint32_t *token, int64_t count)
{
    uint32_t signature[PERMUTATIONS];
    Set      set = set_of(m, m->arena, w, token, count);

    sign(m, set, signature);
    add_set(m, set, signature);
}

// ---- judging

static int64_t shared(Set a, Set b)
{
    int64_t both = 0;

    for (int64_t i = 0, j = 0; i < a.count && j < b.count;) {
        both += a.shingle[i] == b.shingle[j];
        if (a.shingle[i] <= b.shingle[j])
            i++;
        else
            j++;
    }
    return both;
}

// The most similar of the texts that share a band with it; none of zero similarity.
static NearVerdict look(NearMin *m, const NearSpec *spec, Set set, const uint32_t *signature)
{
    NearVerdict v = {.nearest = NONE};

    m->looks++;
    for (int b = 0; b < m->bands && set.count > 0; b++) {
        uint64_t key = key_of(m, signature, b);
        int64_t  at = m->head[(int64_t)key & (m->link_slots - 1)] - 1;

        for (; at != NONE; at = m->link[at].next) {
            int64_t text = m->link[at].text, both, all;
            double  jaccard;

            if (m->link[at].key != key || m->seen[text] == m->looks)
                continue;
            m->seen[text] = m->looks;
            both = shared(set, m->set[text]);
            all = set.count + m->set[text].count - both;
            jaccard = (double)both / (double)all;
            if (jaccard > v.max || (jaccard == v.max && jaccard > 0 && text < v.nearest)) {
                v.max = jaccard;
                v.nearest = text;
            }
            v.is_rejected |= both * spec->denominator > spec->numerator * all;
        }
    }
    return v;
}

void near_min_judge_all(const Comm *c, Near *n, Arena *scratch, const NearItem *candidate,
                        int64_t count, NearVerdict *verdicts)
{
    enum { BYTES = PERMUTATIONS * sizeof(uint32_t) };
    Set      *set = arena_new(scratch, Set, count);
    uint32_t *signature = arena_new(scratch, uint32_t, count * PERMUTATIONS);
    int64_t  *offsets = arena_new(scratch, int64_t, c->size + 1);
    int64_t   mine = near_share(c, count, c->rank);

    for (int64_t i = 0; i < count; i++)
        set[i] = set_of(n->min, scratch, n->words, candidate[i].token, candidate[i].count);
    for (int64_t i = mine; i < near_share(c, count, c->rank + 1); i++)
        sign(n->min, set[i], signature + i * PERMUTATIONS);
    for (int p = 0; p <= c->size; p++)
        offsets[p] = near_share(c, count, p) * BYTES;
    coll_allgather_all(c, signature + mine * PERMUTATIONS, signature, offsets);
    for (int64_t i = 0; i < count; i++) {
        verdicts[i] = look(n->min, &n->spec, set[i], signature + i * PERMUTATIONS);
        if (!verdicts[i].is_rejected) {
            add_set(n->min, set[i], signature + i * PERMUTATIONS);
            n->count++;
        }
    }
}
