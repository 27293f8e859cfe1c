#include "model/text/bpe_train.h"

#include "base/hash.h"
#include "io/file.h"
#include "model/text/tokenizer_private.h"

#include <inttypes.h>
#include <string.h>

typedef struct Word { // a word of the texts, once
    int64_t at;       // its symbols are symbol[at .. at+length)
    int32_t length;
    int64_t count; // times it occurs
} Word;

typedef struct Place {  // a word that has a pair
    int32_t word, next; // next: -1 at the end
} Place;

typedef struct Pair {
    int32_t left, right;
    int64_t count;
    int32_t first, last_word; // first: of its places; last_word: the word that was added last
} Pair;

typedef struct Candidate {
    int64_t count; // when it was put; the pair may have fewer by now
    int32_t pair;
} Candidate;

typedef struct Trainer {
    const BpeTraining *what;
    BpeTrained        *out;
    Arena             *run, texts, words, symbols, pairs, places, heaps, tables;
    Scan               scan;
    const Trie        *special;
    int32_t            byte_id[256];
    Word              *word;
    int64_t            word_count, word_room;
    int32_t           *symbol;
    int64_t            symbol_count, symbol_room;
    uint32_t          *word_slot; // [word_mask + 1] 1 + number of a word
    uint64_t           word_mask;
    Pair              *pair;
    int64_t            pair_count, pair_room;
    uint32_t          *pair_slot; // [pair_mask + 1] 1 + number of a pair
    uint64_t           pair_mask;
    Place             *place;
    int64_t            place_count, place_room;
    Candidate         *heap;
    int64_t            heap_count, heap_room;
} Trainer;

enum { FIRST_ROOM = 1 << 12, COUNT_MAX = INT32_MAX / 2 };

// Each list grows in an arena of its own, where it is always last.
static void *grown(Arena *a, void *list, int64_t count, int64_t *room, int64_t size)
{
    if (count < *room)
        return list;
    list = arena_grow(a, list, *room * size, (*room == 0 ? FIRST_ROOM : 2 * *room) * size);
    *room = *room == 0 ? FIRST_ROOM : 2 * *room;
    return list;
}

// ---- words

static uint64_t word_hash(const int32_t *symbol, int64_t length)
{
    return hash_bytes(0, symbol, length * (int64_t)sizeof *symbol);
}

static void enlarge_words(Trainer *t)
{
    uint64_t slots = t->word_slot == NULL ? FIRST_ROOM : 2 * (t->word_mask + 1);

    t->word_slot = arena_new(&t->tables, uint32_t, (int64_t)slots);
    t->word_mask = slots - 1;
    for (int64_t i = 0; i < t->word_count; i++) {
        uint64_t at = word_hash(t->symbol + t->word[i].at, t->word[i].length) & t->word_mask;

        while (t->word_slot[at] != 0)
            at = (at + 1) & t->word_mask;
        t->word_slot[at] = (uint32_t)i + 1;
    }
}

static int is_word(const Trainer *t, const Word *w, const int32_t *symbol, int64_t length)
{
    return w->length == length &&
           memcmp(t->symbol + w->at, symbol, (size_t)length * sizeof *symbol) == 0;
}

// The symbols of the word are put behind all others, and stay there if it is new.
static Err count_word(Trainer *t, Bytes text)
{
    int32_t *symbol;
    uint64_t at;

    while (t->symbol_count + text.length >= t->symbol_room)
        t->symbol = grown(&t->symbols, t->symbol, t->symbol_room, &t->symbol_room,
                          (int64_t)sizeof *t->symbol);
    symbol = t->symbol + t->symbol_count;
    for (int64_t i = 0; i < text.length; i++)
        symbol[i] = t->byte_id[(unsigned char)text.data[i]];
    if (2 * (t->word_count + 1) > (int64_t)t->word_mask)
        enlarge_words(t);
    for (at = word_hash(symbol, text.length) & t->word_mask; t->word_slot[at] != 0;
         at = (at + 1) & t->word_mask) {
        Word *w = &t->word[t->word_slot[at] - 1];

        if (is_word(t, w, symbol, text.length)) {
            w->count++;
            return OK;
        }
    }
    if (t->word_count == COUNT_MAX)
        FAIL(ERR_DATA, "the texts have more than %d different words", COUNT_MAX);
    t->word = grown(&t->words, t->word, t->word_count, &t->word_room, (int64_t)sizeof *t->word);
    t->word[t->word_count] = (Word){t->symbol_count, (int32_t)text.length, 1};
    t->word_slot[at] = (uint32_t)++t->word_count;
    t->symbol_count += text.length;
    return OK;
}

static Err count_words(Trainer *t, Bytes text)
{
    const char *p = text.data, *end = p + text.length;

    while (p < end) {
        const char *behind = t->scan(p, end);

        if (behind - p > INT32_MAX)
            FAIL(ERR_DATA, "a word of the texts has more than %d bytes", INT32_MAX);
        TRY(count_word(t, (Bytes){p, behind - p}));
        p = behind;
    }
    return OK;
}

// Special tokens end what stands in front of them and are no words.
static Err count_text(Trainer *t, Bytes text)
{
    int64_t from = 0;
    int32_t number;

    for (int64_t at = 0; t->special != NULL && at < text.length; at++) {
        int64_t n = trie_longest(t->special, text, at, &number);

        if (n == 0)
            continue;
        TRY(count_words(t, (Bytes){text.data + from, at - from}));
        from = at + n;
        at = from - 1;
    }
    return count_words(t, (Bytes){text.data + from, text.length - from});
}

static Err read_text(Trainer *t, const char *path)
{
    int64_t bytes, bad;
    char   *text;
    Err     e;

    TRY(file_read(&t->texts, path, t->texts.capacity / 2, &text, &bytes));
    bad = text_utf8_bad(text, bytes);
    if (bad >= 0)
        FAIL(ERR_DATA, "%s: expected a text in UTF-8, found the byte 0x%02x at byte %" PRId64, path,
             (unsigned char)text[bad], bad);
    e = count_text(t, (Bytes){text, bytes});
    arena_back(&t->texts, 0);
    return e;
}

// ---- pairs

static uint64_t pair_hash(int32_t left, int32_t right)
{
    uint64_t x = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;

    return x ^ x >> 32;
}

static uint64_t pair_place(const Trainer *t, int32_t left, int32_t right)
{
    uint64_t at = pair_hash(left, right) & t->pair_mask;

    while (t->pair_slot[at] != 0 && (t->pair[t->pair_slot[at] - 1].left != left ||
                                     t->pair[t->pair_slot[at] - 1].right != right))
        at = (at + 1) & t->pair_mask;
    return at;
}

static void enlarge_pairs(Trainer *t)
{
    uint64_t slots = t->pair_slot == NULL ? FIRST_ROOM : 2 * (t->pair_mask + 1);

    t->pair_slot = arena_new(&t->tables, uint32_t, (int64_t)slots);
    t->pair_mask = slots - 1;
    for (int64_t i = 0; i < t->pair_count; i++)
        t->pair_slot[pair_place(t, t->pair[i].left, t->pair[i].right)] = (uint32_t)i + 1;
}

static Pair *pair_of(Trainer *t, int32_t left, int32_t right)
{
    uint64_t at;

    if (2 * (t->pair_count + 1) > (int64_t)t->pair_mask)
        enlarge_pairs(t);
    at = pair_place(t, left, right);
    if (t->pair_slot[at] == 0) {
        CHECK(t->pair_count < COUNT_MAX, "%" PRId64 " pairs", t->pair_count);
        t->pair = grown(&t->pairs, t->pair, t->pair_count, &t->pair_room, (int64_t)sizeof *t->pair);
        t->pair[t->pair_count] = (Pair){.left = left, .right = right, .first = -1, .last_word = -1};
        t->pair_slot[at] = (uint32_t)++t->pair_count;
    }
    return &t->pair[t->pair_slot[at] - 1];
}

static void add_place(Trainer *t, Pair *p, int32_t word)
{
    if (p->last_word == word)
        return;
    CHECK(t->place_count < COUNT_MAX, "%" PRId64 " places", t->place_count);
    t->place =
        grown(&t->places, t->place, t->place_count, &t->place_room, (int64_t)sizeof *t->place);
    t->place[t->place_count] = (Place){word, p->first};
    p->first = (int32_t)t->place_count++;
    p->last_word = word;
}

// ---- the pair that comes next

static int compare_bytes(Bytes a, Bytes b)
{
    int64_t n = a.length < b.length ? a.length : b.length;
    int     order = memcmp(a.data, b.data, (size_t)n);

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int goes_before(const Trainer *t, Candidate a, Candidate b)
{
    const Pair  *x = &t->pair[a.pair], *y = &t->pair[b.pair];
    const Bytes *piece = t->out->piece;
    int          order;

    if (a.count != b.count)
        return a.count > b.count;
    order = compare_bytes(piece[x->left], piece[y->left]);
    return order != 0 ? order > 0 : compare_bytes(piece[x->right], piece[y->right]) > 0;
}

static void put_candidate(Trainer *t, const Pair *p)
{
    Candidate one = {p->count, (int32_t)(p - t->pair)};
    int64_t   at = t->heap_count;

    t->heap = grown(&t->heaps, t->heap, t->heap_count, &t->heap_room, (int64_t)sizeof *t->heap);
    t->heap_count++;
    for (; at > 0 && goes_before(t, one, t->heap[(at - 1) / 2]); at = (at - 1) / 2)
        t->heap[at] = t->heap[(at - 1) / 2];
    t->heap[at] = one;
}

static Candidate take_candidate(Trainer *t)
{
    Candidate first = t->heap[0], last = t->heap[--t->heap_count];
    int64_t   at = 0;

    for (int64_t child = 1; child < t->heap_count; child = 2 * at + 1) {
        if (child + 1 < t->heap_count && goes_before(t, t->heap[child + 1], t->heap[child]))
            child++;
        if (!goes_before(t, t->heap[child], last))
            break;
        t->heap[at] = t->heap[child];
        at = child;
    }
    t->heap[at] = last;
    return first;
}

// NULL: no pair is left.  Counts only fall between the time when a pair was put and now.
static Pair *next_pair(Trainer *t)
{
    while (t->heap_count > 0) {
        Candidate c = take_candidate(t);
        Pair     *p = &t->pair[c.pair];

        if (p->count == c.count)
            return p;
        if (p->count > 0)
            put_candidate(t, p);
    }
    return NULL;
}

static void find_pairs(Trainer *t)
{
    for (int64_t w = 0; w < t->word_count; w++) {
        const Word *word = &t->word[w];

        for (int64_t i = word->at; i + 1 < word->at + word->length; i++) {
            Pair *p = pair_of(t, t->symbol[i], t->symbol[i + 1]);

            p->count += word->count;
            add_place(t, p, (int32_t)w);
        }
    }
    for (int64_t i = 0; i < t->pair_count; i++)
        put_candidate(t, &t->pair[i]);
}

// ---- merging

static void forget_pairs(Trainer *t, const Word *w)
{
    for (int64_t i = w->at; i + 1 < w->at + w->length; i++)
        pair_of(t, t->symbol[i], t->symbol[i + 1])->count -= w->count;
}

static void join(Trainer *t, Word *w, int32_t left, int32_t right, int32_t whole)
{
    int32_t *symbol = t->symbol + w->at;
    int32_t  n = 0;

    for (int32_t i = 0; i < w->length; n++) {
        int is_pair = i + 1 < w->length && symbol[i] == left && symbol[i + 1] == right;

        symbol[n] = is_pair ? whole : symbol[i];
        i += is_pair ? 2 : 1;
    }
    w->length = n;
}

// Pairs with the new token have this word for the first time.
static void learn_pairs(Trainer *t, int32_t word, int32_t whole)
{
    const Word *w = &t->word[word];

    for (int64_t i = w->at; i + 1 < w->at + w->length; i++) {
        Pair *p = pair_of(t, t->symbol[i], t->symbol[i + 1]);

        p->count += w->count;
        if (t->symbol[i] == whole || t->symbol[i + 1] == whole)
            add_place(t, p, word);
    }
}

static void merge(Trainer *t, Pair *pair, int32_t whole)
{
    int32_t left = pair->left, right = pair->right, at = pair->first;
    int64_t known = t->pair_count;

    for (int32_t next; at >= 0; at = next) {
        int32_t word = t->place[at].word;
        Word   *w = &t->word[word];

        next = t->place[at].next;
        forget_pairs(t, w);
        join(t, w, left, right, whole);
        learn_pairs(t, word, whole);
    }
    for (int64_t i = known; i < t->pair_count; i++) // all pairs with the new token are new
        put_candidate(t, &t->pair[i]);
}

static void add_merge(Trainer *t, const Pair *p, int32_t id)
{
    Bytes a = t->out->piece[p->left], b = t->out->piece[p->right];
    char *bytes = arena_push(t->run, a.length + b.length + 1, 1);

    memcpy(bytes, a.data, (size_t)a.length);
    memcpy(bytes + a.length, b.data, (size_t)b.length);
    t->out->piece[id] = (Bytes){bytes, a.length + b.length};
    t->out->left[id] = p->left;
    t->out->right[id] = p->right;
}

// ---- all of it

static Err check_special(const BpeTraining *what)
{
    if (what->size < 256 + what->specials || what->size > PIECES_MAX)
        FAIL(ERR_CONFIG,
             "expected a size of %d to %d tokens (256 bytes, and %d special ones), "
             "found %" PRId64,
             256 + what->specials, PIECES_MAX, what->specials, what->size);
    for (int i = 0; i < what->specials; i++) {
        if (*what->special[i] == 0)
            FAIL(ERR_CONFIG, "expected special tokens that are not empty");
        for (int k = 0; k < i; k++)
            if (strcmp(what->special[i], what->special[k]) == 0)
                FAIL(ERR_CONFIG, "expected every special token once, found \"%s\" twice",
                     what->special[i]);
    }
    return OK;
}

// Printable bytes first, as in the vocabulary of GPT-2, whose order this is.
static void add_bytes(Trainer *t)
{
    int32_t id = t->what->specials;

    for (int code = 0; code < 512; code++) {
        int   byte = unicode_to_byte(code);
        char *one;

        if (byte < 0)
            continue;
        one = arena_push(t->run, 2, 1);
        one[0] = (char)byte;
        t->byte_id[byte] = id;
        t->out->piece[id++] = (Bytes){one, 1};
    }
}

static void make_special(Trainer *t)
{
    const BpeTraining *what = t->what;
    int64_t            bytes = 0;
    Trie              *trie;

    for (int i = 0; i < what->specials; i++) {
        Bytes name = {arena_text(t->run, what->special[i]), (int64_t)strlen(what->special[i])};

        t->out->piece[i] = name;
        bytes += name.length;
    }
    if (what->specials == 0)
        return;
    trie = trie_make(t->run, bytes);
    for (int i = 0; i < what->specials; i++)
        trie_add(trie, t->out->piece[i], i);
    t->special = trie;
}

static Err train(Trainer *t)
{
    const BpeTraining *what = t->what;
    BpeTrained        *out = t->out;

    make_special(t);
    add_bytes(t);
    for (int i = 0; i < what->files; i++)
        TRY(read_text(t, what->file[i]));
    find_pairs(t);
    for (out->size = what->specials + 256; out->size < what->size; out->size++) {
        Pair *p = next_pair(t);

        if (p == NULL)
            break;
        add_merge(t, p, (int32_t)out->size);
        merge(t, p, (int32_t)out->size);
    }
    return OK;
}

Err bpe_train(Arena *run, const BpeTraining *what, BpeTrained *out)
{
    Trainer t = {.what = what, .out = out, .run = run};
    Arena  *own[] = {&t.texts, &t.words, &t.symbols, &t.pairs, &t.places, &t.heaps, &t.tables};
    enum { ARENAS = sizeof own / sizeof own[0] };
    Err e = OK;

    unicode_start();
    TRY(check_special(what));
    t.scan = scan_find((Bytes){SCAN_GPT2, (int64_t)strlen(SCAN_GPT2)});
    *out = (BpeTrained){.specials = what->specials,
                        .piece = arena_new(run, Bytes, what->size),
                        .left = arena_new(run, int32_t, what->size),
                        .right = arena_new(run, int32_t, what->size)};
    memset(out->left, -1, (size_t)what->size * sizeof *out->left);
    memset(out->right, -1, (size_t)what->size * sizeof *out->right);
    for (int i = 0; i < ARENAS && e == OK; i++)
        e = arena_make(own[i], "tokenizer training", (int64_t)1 << 36);
    if (e == OK)
        e = train(&t);
    for (int i = 0; i < ARENAS; i++)
        arena_free(own[i]);
    return e;
}
