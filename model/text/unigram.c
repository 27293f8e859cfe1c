// The most likely cut of a word into pieces, by dynamic programming over its bytes.
#include "model/text/tokenizer_private.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct Unigram {
    UnigramConfig config;
    const Pieces *pieces;
    const Trie   *trie;
    double        unknown_score;
    int32_t       fallback[256];
};

static const double UNKNOWN_PENALTY = 10; // below the least likely piece

Err unigram_make(Arena *run, const char *where, const UnigramConfig *config, const Pieces *pieces,
                 const Unigram **out)
{
    enum { NAMES_MAX = (1 << 24) - 2 }; // what a trie has room for
    Unigram *u = arena_new(run, Unigram, 1);
    int64_t  bytes = 0;
    double   least = HUGE_VAL;
    Trie    *t;

    for (int64_t i = 0; i < pieces->size; i++) {
        bytes += pieces->text[i].length;
        least = config->score[i] < least ? config->score[i] : least;
    }
    if (bytes > NAMES_MAX)
        FAIL(ERR_DATA, "%s: expected at most %d bytes of pieces, found %" PRId64, where, NAMES_MAX,
             bytes);
    t = trie_make(run, bytes);
    for (int32_t i = 0; i < pieces->size; i++)
        if (pieces->text[i].length > 0 && !config->is_out[i])
            trie_add(t, pieces->text[i], i);
    *u = (Unigram){
        .config = *config, .pieces = pieces, .trie = t, .unknown_score = least - UNKNOWN_PENALTY};
    pieces_of_bytes(pieces, u->fallback);
    *out = u;
    return OK;
}

typedef struct Best { // way to the end of a byte
    double  score;
    int64_t from; // -1: no way leads here
    int32_t id;
} Best;

static void offer(Best *b, double score, int64_t from, int32_t id)
{
    if (b->from < 0 || score > b->score)
        *b = (Best){score, from, id};
}

static void find_ways(const Unigram *u, Bytes word, Best *best)
{
    int length;

    for (int64_t at = 0; at < word.length; at += length) {
        double  here = best[at].score;
        int32_t node = 0;
        int     is_single = 0;

        unicode_at(word.data + at, &length);
        for (int64_t i = at; i < word.length; i++) {
            int32_t id;

            node = trie_step(u->trie, node, (unsigned char)word.data[i]);
            if (node < 0)
                break;
            id = trie_value(u->trie, node);
            if (id < 0)
                continue;
            offer(&best[i + 1], here + u->config.score[id], at, id);
            is_single |= i + 1 - at == length;
        }
        if (!is_single)
            offer(&best[at + length], here + u->unknown_score, at, -1);
    }
}

// Characters without a piece, together: a piece all the same, bytes, or the unknown token.
static Err put_unknown(Flow *f, const Unigram *u, Bytes part)
{
    int32_t id = pieces_find(u->pieces, part);
    int     has_bytes = u->config.has_fallback;

    if (id >= 0 && !u->config.is_out[id])
        return flow_emit(f, id);
    for (int64_t i = 0; i < part.length && has_bytes; i++)
        has_bytes = u->fallback[(unsigned char)part.data[i]] >= 0;
    if (!has_bytes && u->config.unknown < 0)
        FAIL(ERR_DATA, "the tokenizer has no token for '%.*s'",
             text_utf8_length(part.data, part.length), part.data);
    if (!has_bytes)
        return flow_emit(f, u->config.unknown);
    for (int64_t i = 0; i < part.length; i++)
        TRY(flow_emit(f, u->fallback[(unsigned char)part.data[i]]));
    return OK;
}

// Turns the way back into steps forward: best[at].from becomes where the step from `at` ends.
static void turn(Best *best, int64_t length)
{
    int64_t at = length, next = -1;
    int32_t id = -1;

    while (at >= 0) {
        Best   *b = &best[at];
        int64_t from = b->from;
        int32_t own = b->id;

        b->from = next;
        b->id = id;
        next = at;
        id = own;
        at = at == 0 ? -1 : from;
    }
}

static Err put_ways(Flow *f, const Unigram *u, Bytes word, const Best *best)
{
    for (int64_t at = 0; at < word.length;) {
        int64_t end = best[at].from;

        if (best[at].id >= 0) {
            TRY(flow_emit(f, best[at].id));
        } else {
            while (end < word.length && best[end].id < 0)
                end = best[end].from;
            TRY(put_unknown(f, u, (Bytes){word.data + at, end - at}));
        }
        at = end;
    }
    return OK;
}

Err unigram_word(Flow *f, const Unigram *u, Bytes word)
{
    ArenaMark mark = arena_mark(f->scratch);
    Best     *best = arena_new(f->scratch, Best, word.length + 1);
    Err       e;

    for (int64_t i = 1; i <= word.length; i++)
        best[i].from = -1;
    find_ways(u, word, best);
    turn(best, word.length);
    e = put_ways(f, u, word, best);
    arena_back(f->scratch, mark);
    return e;
}
