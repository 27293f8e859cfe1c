// Byte-pair encoding of words: neighbours that stand in the list of merges become one, the first of
// the list first, and of equals the leftmost.
#include "model/text/tokenizer_private.h"

#include <inttypes.h>
#include <string.h>

enum {
    KEPT_WORDS = 1 << 15, // words whose ids are remembered
    KEPT_BYTES = 22,
    KEPT_IDS = 10,
    SMALL = 96 // symbols up to which searching the least is faster than a heap
};

static const uint32_t NEVER = INT32_MAX; // the rank of neighbours that are no merge

typedef struct Slot { // of the table of merges
    uint64_t pair;    // a << 32 | b; all ones: empty
    uint32_t rank;
    int32_t  whole;
} Slot;

typedef struct Kept { // a line of cache
    uint8_t length, count;
    char    word[KEPT_BYTES];
    int32_t id[KEPT_IDS];
} Kept;

struct Bpe {
    BpeConfig config;
    Pieces    pieces;
    Slot     *slot; // [mask + 1]
    uint64_t  mask;
    int32_t   of_byte[256];  // a byte of a word, reads_bytes; else of an ASCII character
    int32_t   fallback[256]; // pieces <0xNN>; used if has_fallback
    Kept     *kept;          // [KEPT_WORDS], in pairs; guarded by who encodes
};

static const uint64_t EMPTY = UINT64_MAX;

static uint64_t pair_of(int32_t a, int32_t b)
{
    return (uint64_t)(uint32_t)a << 32 | (uint32_t)b;
}

static uint64_t mix(uint64_t x)
{
    x *= 0x9E3779B97F4A7C15u;
    return x ^ x >> 32;
}

static uint64_t place(const Bpe *b, uint64_t pair)
{
    uint64_t at = mix(pair) & b->mask;

    while (b->slot[at].pair != pair && b->slot[at].pair != EMPTY)
        at = (at + 1) & b->mask;
    return at;
}

// Rank of the merge of two neighbours; NEVER: there is none.
static uint32_t rank_of(const Bpe *b, int32_t left, int32_t right)
{
    const Slot *s = &b->slot[place(b, pair_of(left, right))];

    return s->pair == EMPTY ? NEVER : s->rank;
}

static int32_t whole_of(const Bpe *b, int32_t left, int32_t right)
{
    return b->slot[place(b, pair_of(left, right))].whole;
}

// ---- making

static int64_t slots_for(int64_t merges)
{
    int64_t slots = 16;

    while (slots < merges + merges / 2)
        slots *= 2;
    return slots;
}

int64_t bpe_need(int64_t merges)
{
    return arena_need(1, (int64_t)sizeof(Bpe)) +
           arena_need(slots_for(merges), (int64_t)sizeof(Slot)) +
           arena_need(KEPT_WORDS, (int64_t)sizeof(Kept));
}

void pieces_of_bytes(const Pieces *pieces, int32_t of_byte[256])
{
    static const char digit[] = "0123456789ABCDEF";

    for (int i = 0; i < 256; i++) {
        char name[] = {'<', '0', 'x', digit[i >> 4], digit[i & 15], '>'};

        of_byte[i] = pieces_find(pieces, (Bytes){name, sizeof name});
    }
}

static void find_bytes(Bpe *b)
{
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;

        b->of_byte[i] =
            b->config.reads_bytes || i < 0x80 ? pieces_find(&b->pieces, (Bytes){&byte, 1}) : -1;
    }
}

Err bpe_make(Arena *run, const char *where, const BpeConfig *config, const Pieces *pieces,
             const BpeMerge *merges, int64_t count, const Bpe **out)
{
    Bpe    *b = arena_new(run, Bpe, 1);
    int64_t slots = slots_for(count);

    *b = (Bpe){.config = *config, .pieces = *pieces, .mask = (uint64_t)slots - 1};
    b->slot = arena_new(run, Slot, slots);
    memset(b->slot, -1, (size_t)slots * sizeof *b->slot);
    for (int64_t i = 0; i < count; i++) { // of two merges of one pair the later holds
        const BpeMerge *m = &merges[i];

        if (m->rank >= NEVER)
            FAIL(ERR_DATA, "%s: expected fewer than %u merges", where, NEVER);
        b->slot[place(b, pair_of(m->a, m->b))] = (Slot){pair_of(m->a, m->b), m->rank, m->whole};
    }
    find_bytes(b);
    pieces_of_bytes(pieces, b->fallback);
    b->kept = arena_new(run, Kept, KEPT_WORDS);
    *out = b;
    return OK;
}

// ---- the first symbols of a word

static Err no_piece(Bytes word, int64_t at)
{
    int n = text_utf8_length(word.data + at, word.length - at);

    if (n == 0 || (unsigned char)word.data[at] < 0x20)
        FAIL(ERR_DATA, "the tokenizer has no token for the byte 0x%02x",
             (unsigned char)word.data[at]);
    FAIL(ERR_DATA, "the tokenizer has no token for '%.*s'", n, word.data + at);
}

static Err byte_symbols(const Bpe *b, Bytes word, int32_t *id)
{
    for (int64_t i = 0; i < word.length; i++) {
        id[i] = b->of_byte[(unsigned char)word.data[i]];
        if (id[i] < 0)
            return no_piece(word, i);
    }
    return OK;
}

// The bytes of a character as pieces; 0: not all of them have one.
static int fall_back(const Bpe *b, const char *bytes, int n, int32_t *id)
{
    if (!b->config.has_fallback)
        return 0;
    for (int i = 0; i < n; i++) {
        id[i] = b->fallback[(unsigned char)bytes[i]];
        if (id[i] < 0)
            return 0;
    }
    return n;
}

static Err character_symbols(const Bpe *b, Bytes word, int32_t *id, int64_t *count)
{
    int64_t n = 0;
    int     length, is_unknown = 0, was_unknown;

    for (int64_t at = 0; at < word.length; at += length) {
        unsigned char first = (unsigned char)word.data[at];
        int           bytes;

        unicode_at(word.data + at, &length);
        was_unknown = is_unknown;
        is_unknown = 0;
        id[n] = length == 1 ? b->of_byte[first]
                            : pieces_find(&b->pieces, (Bytes){word.data + at, length});
        if (id[n] >= 0) {
            n++;
            continue;
        }
        bytes = fall_back(b, word.data + at, length, id + n);
        n += bytes;
        if (bytes > 0)
            continue;
        if (b->config.unknown < 0)
            return no_piece(word, at);
        is_unknown = 1;
        if (!was_unknown || !b->config.fuses_unknown)
            id[n++] = b->config.unknown;
    }
    *count = n;
    return OK;
}

// ---- merging few symbols: look for the least each time

static int64_t merge_few(const Bpe *b, int32_t *id, int64_t n)
{
    uint32_t rank[SMALL]; // of symbol i with the next

    for (int64_t i = 0; i + 1 < n; i++)
        rank[i] = rank_of(b, id[i], id[i + 1]);
    while (n > 1) {
        int64_t at = 0;

        for (int64_t i = 1; i + 1 < n; i++)
            at = rank[i] < rank[at] ? i : at;
        if (rank[at] == NEVER)
            break;
        id[at] = whole_of(b, id[at], id[at + 1]);
        n--;
        memmove(id + at + 1, id + at + 2, (size_t)(n - at - 1) * sizeof *id);
        memmove(rank + at, rank + at + 1, (size_t)(n - at - 1 > 0 ? n - at - 1 : 0) * sizeof *rank);
        if (at + 1 < n)
            rank[at] = rank_of(b, id[at], id[at + 1]);
        if (at > 0)
            rank[at - 1] = rank_of(b, id[at - 1], id[at]);
    }
    return n;
}

// ---- merging many: a heap of places by rank; what has changed since is passed over

typedef struct Heap {
    uint64_t *key; // rank << 32 | place
    int64_t   count;
} Heap;

static void heap_put(Heap *h, uint64_t key)
{
    int64_t at = h->count++;

    for (; at > 0 && h->key[(at - 1) / 2] > key; at = (at - 1) / 2)
        h->key[at] = h->key[(at - 1) / 2];
    h->key[at] = key;
}

static uint64_t heap_take(Heap *h)
{
    uint64_t least = h->key[0], key = h->key[--h->count];
    int64_t  at = 0;

    for (int64_t child = 1; child < h->count; child = 2 * at + 1) {
        if (child + 1 < h->count && h->key[child + 1] < h->key[child])
            child++;
        if (h->key[child] >= key)
            break;
        h->key[at] = h->key[child];
        at = child;
    }
    h->key[at] = key;
    return least;
}

typedef struct Chain {
    int32_t  *id;             // -1: gone
    int32_t  *before, *after; // -1: none
    uint32_t *rank;           // with the one after
} Chain;

static void look(const Bpe *b, Chain *c, Heap *h, int32_t at)
{
    int32_t after = c->after[at];

    c->rank[at] = after < 0 ? NEVER : rank_of(b, c->id[at], c->id[after]);
    if (c->rank[at] != NEVER)
        heap_put(h, (uint64_t)c->rank[at] << 32 | (uint32_t)at);
}

static void join(const Bpe *b, Chain *c, Heap *h, int32_t at)
{
    int32_t gone = c->after[at];

    c->id[at] = whole_of(b, c->id[at], c->id[gone]);
    c->id[gone] = -1;
    c->rank[gone] = NEVER;
    c->after[at] = c->after[gone];
    if (c->after[at] >= 0)
        c->before[c->after[at]] = at;
    look(b, c, h, at);
    if (c->before[at] >= 0)
        look(b, c, h, c->before[at]);
}

static int64_t merge_many(const Bpe *b, Arena *scratch, int32_t *id, int64_t n)
{
    ArenaMark mark = arena_mark(scratch);
    Chain     c = {.id = id,
                   .before = arena_new(scratch, int32_t, n),
                   .after = arena_new(scratch, int32_t, n),
                   .rank = arena_new(scratch, uint32_t, n)};
    Heap      h = {.key = arena_new(scratch, uint64_t, 3 * n)}; // n, and two for each merge
    int64_t   left = 0;

    for (int32_t i = 0; i < n; i++) {
        c.before[i] = i - 1;
        c.after[i] = i + 1 < n ? i + 1 : -1;
    }
    for (int32_t i = 0; i < n; i++)
        look(b, &c, &h, i);
    while (h.count > 0) {
        uint64_t key = heap_take(&h);
        int32_t  at = (int32_t)(uint32_t)key;

        if (id[at] >= 0 && c.rank[at] == key >> 32)
            join(b, &c, &h, at);
    }
    for (int64_t i = 0; i < n; i++)
        if (id[i] >= 0)
            id[left++] = id[i];
    arena_back(scratch, mark);
    return left;
}

// ---- words

static Err take_ids(Flow *f, const int32_t *id, int64_t n)
{
    if (n > f->room - f->used)
        return vocab_no_room(f->room);
    memcpy(f->ids + f->used, id, (size_t)n * sizeof *id);
    f->used += n;
    return OK;
}

// id has room for as many as the word has bytes.
static Err split_word(Flow *f, const Bpe *b, Bytes word, int32_t *id)
{
    int64_t n = word.length;

    if (b->config.ignores_merges) {
        id[0] = pieces_find(&b->pieces, word);
        if (id[0] >= 0)
            return take_ids(f, id, 1);
    }
    if (b->config.reads_bytes)
        TRY(byte_symbols(b, word, id));
    else
        TRY(character_symbols(b, word, id, &n));
    n = n <= SMALL ? merge_few(b, id, n) : merge_many(b, f->scratch, id, n);
    return take_ids(f, id, n);
}

static Err long_word(Flow *f, const Bpe *b, Bytes word)
{
    ArenaMark mark = arena_mark(f->scratch);
    Err       e = split_word(f, b, word, arena_new(f->scratch, int32_t, word.length));

    arena_back(f->scratch, mark);
    return e;
}

static uint64_t sum_of(const char word[KEPT_BYTES], int64_t length)
{
    uint64_t a, b, c = 0;

    memcpy(&a, word, 8);
    memcpy(&b, word + 8, 8);
    memcpy(&c, word + 16, KEPT_BYTES - 16);
    return mix(mix(mix(a + (uint64_t)length) ^ b) ^ c);
}

static int is_kept(const Kept *k, const Kept *word)
{
    return k->length == word->length && memcmp(k->word, word->word, KEPT_BYTES) == 0;
}

static Err keep_word(Flow *f, const Bpe *b, Bytes word, Kept *k)
{
    int64_t from = f->used;
    int32_t id[KEPT_BYTES];

    TRY(split_word(f, b, word, id));
    k->count = f->used - from <= KEPT_IDS ? (uint8_t)(f->used - from) : 0;
    memcpy(k->id, f->ids + from, (size_t)k->count * sizeof *k->id);
    return OK;
}

// A word has two places, of which a new one takes the first, and what stood there the second.
Err bpe_word(Flow *f, const Bpe *b, Bytes word)
{
    Kept  wanted, *pair;
    Kept *k;

    if (word.length == 0)
        return OK;
    if (word.length > KEPT_BYTES)
        return long_word(f, b, word);
    memset(wanted.word, 0, sizeof wanted.word);
    memcpy(wanted.word, word.data, (size_t)word.length);
    wanted.length = (uint8_t)word.length;
    pair = &b->kept[sum_of(wanted.word, word.length) & (KEPT_WORDS - 2)];
    k = is_kept(&pair[0], &wanted) ? &pair[0] : is_kept(&pair[1], &wanted) ? &pair[1] : NULL;
    if (k != NULL)
        return take_ids(f, k->id, k->count);
    pair[1] = pair[0];
    memcpy(pair[0].word, wanted.word, KEPT_BYTES);
    pair[0].length = 0; // until its ids are known
    TRY(keep_word(f, b, word, &pair[0]));
    pair[0].length = pair[0].count > 0 ? wanted.length : 0;
    return OK;
}
