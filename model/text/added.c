// Tokens that are found in a text by their names, before anything else looks at it.
#include "model/text/tokenizer_private.h"

#include <string.h>

// ---- what stands beside

static int is_word(const char *p)
{
    int n;

    return (unicode_class(unicode_at(p, &n)) & UNICODE_WORD) != 0;
}

static int64_t back_one(Bytes text, int64_t at)
{
    do
        at--;
    while (at > 0 && ((unsigned char)text.data[at] & 0xC0) == 0x80);
    return at;
}

static int stands_alone(Bytes text, int64_t begin, int64_t end)
{
    return (begin == 0 || !is_word(text.data + back_one(text, begin))) &&
           (end == text.length || !is_word(text.data + end));
}

static int is_space(Bytes text, int64_t at, int *n)
{
    return (unicode_class(unicode_at(text.data + at, n)) & UNICODE_SPACE) != 0;
}

// ---- finding

static const AddedToken *match_at(const Flow *f, const AddedSet *set, Bytes text, int64_t at,
                                  int64_t *bytes)
{
    int32_t number;

    if (!set->first[(unsigned char)text.data[at]])
        return NULL;
    *bytes = trie_longest(set->trie, text, at, &number);
    return *bytes > 0 ? &f->tokenizer->added[number] : NULL;
}

// A name that counts for nothing here is passed over in whole.
static int counts(const Flow *f, const AddedToken *a, Bytes text, int64_t begin, int64_t end)
{
    if (a->is_special && f->reading == VOCAB_PLAIN)
        return 0;
    return !a->is_word || stands_alone(text, begin, end);
}

static const AddedToken *find(const Flow *f, const AddedSet *set, Bytes text, int64_t *at,
                              int64_t *begin)
{
    int64_t bytes;

    for (int64_t i = *at; set->trie != NULL && i < text.length; i++) {
        const AddedToken *a = match_at(f, set, text, i, &bytes);

        if (a == NULL)
            continue;
        *at = i + bytes;
        if (counts(f, a, text, i, *at)) {
            *begin = i;
            return a;
        }
        i = *at - 1;
    }
    *at = text.length;
    return NULL;
}

// The white space that a token takes with it may hold the beginning of another one, which counts
// all the same.
const AddedToken *added_next(const Flow *f, const AddedSet *set, Bytes text, AddedWalk *w,
                             Bytes *before)
{
    int64_t           from = w->end, begin = text.length;
    const AddedToken *a = find(f, set, text, &w->search, &begin);
    int               n;

    w->end = w->search;
    if (a != NULL) {
        while (a->strips_left && begin > from && is_space(text, back_one(text, begin), &n))
            begin = back_one(text, begin);
        while (a->strips_right && w->end < text.length && is_space(text, w->end, &n))
            w->end += n;
    }
    w->is_done = a == NULL;
    *before = (Bytes){text.data + from, begin > from ? begin - from : 0};
    return a;
}

// ---- making

static AddedSet make_set(Build *b, const AddedToken *list, int64_t count, int is_normalized)
{
    AddedSet set = {0};
    int64_t  bytes = 0;
    Trie    *trie;

    for (int64_t i = 0; i < count; i++)
        bytes += list[i].is_normalized == is_normalized ? list[i].name.length : 0;
    if (bytes == 0)
        return set;
    trie = trie_make(b->run, bytes);
    for (int64_t i = 0; i < count; i++)
        if (list[i].is_normalized == is_normalized && list[i].name.length > 0) {
            trie_add(trie, list[i].name, (int32_t)i);
            set.first[(unsigned char)list[i].name.data[0]] = 1;
        }
    set.trie = trie;
    return set;
}

// The tokens have ids and pieces already; the normalizers are known.
static Err normalize_names(Build *b, AddedToken *list, int64_t count)
{
    Tokenizer *t = b->t;

    for (int64_t i = 0; i < count; i++)
        if (list[i].is_normalized) {
            Bytes name;

            TRY(normalize_all(t->normalizer, t->normalizers, b->scratch, list[i].name, &name));
            list[i].name = build_copy(b, name);
        }
    return OK;
}

Err build_added(Build *b, const AddedToken *list, int64_t count)
{
    enum { NAMES_MAX = 1 << 22 };
    AddedToken *own = arena_new(b->run, AddedToken, count);
    int64_t     bytes = 0;

    if (count > 0)
        memcpy(own, list, (size_t)count * sizeof *own);
    TRY(normalize_names(b, own, count));
    for (int64_t i = 0; i < count; i++) {
        bytes += own[i].name.length;
        if (bytes > NAMES_MAX)
            FAIL(ERR_DATA, "%s: the names of added tokens have more than %d bytes", b->file,
                 NAMES_MAX);
        b->t->special[own[i].id] |= own[i].is_special;
    }
    TRY(build_room(b, 2 * trie_need(bytes)));
    b->t->added = own;
    b->t->addeds = count;
    b->t->set = make_set(b, own, count, 0);
    b->t->normalized_set = make_set(b, own, count, 1);
    return OK;
}
