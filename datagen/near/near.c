#include "datagen/near/near.h"

#include "base/hash.h"
#include "datagen/near/near_private.h"

#include <string.h>

// Candidates judged at once: few enough for their LCS with each other to be a small table, enough
// for every rank to have work.
enum { CHUNK = 512 };

Near *near_make(Arena *arena, const NearSpec *spec)
{
    Near *n = arena_new(arena, Near, 1);

    CHECK(spec->kind == NEAR_NONE || spec->kind == NEAR_EXACT || spec->kind == NEAR_DIGIT ||
              (0 <= spec->numerator && 0 < spec->denominator),
          "threshold %lld/%lld", (long long)spec->numerator, (long long)spec->denominator);
    n->arena = arena;
    n->spec = *spec;
    if (spec->kind == NEAR_EXACT)
        n->exact = near_exact_make(arena);
    if (spec->kind == NEAR_DIGIT)
        n->digit = near_digit_make(arena);
    if (spec->kind == NEAR_ROUGE || spec->kind == NEAR_MINHASH)
        n->words = near_words(arena, spec->tokens);
    if (spec->kind == NEAR_ROUGE)
        n->index = near_index_make(arena, spec);
    if (spec->kind == NEAR_MINHASH)
        n->min = near_min_make(arena, spec);
    return n;
}

int64_t near_count(const Near *n)
{
    return n->count;
}

int64_t near_zero_tokens(const Near *n)
{
    return n->zero_tokens;
}

void near_add(Near *n, NearText text)
{
    if (n->exact != NULL)
        near_exact_add(n->exact, text);
    if (n->digit != NULL)
        near_digit_add(n->digit, text, n->count);
    if (n->words != NULL) {
        int64_t   count;
        uint32_t *token = near_tokens(n->words, n->arena, text, &count);

        n->zero_tokens += count == 0;
        if (n->index != NULL)
            near_index_add(n->index, token, count);
        else
            near_min_add(n->min, n->words, token, count);
    }
    n->count++;
}

// What needs no words.
static void judge_exact(Near *n, Arena *scratch, const NearText *candidates, int64_t count,
                        NearVerdict *verdicts)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t twin = n->exact != NULL   ? near_exact_find(n->exact, candidates[i])
                       : n->digit != NULL ? near_digit_find(n->digit, scratch, candidates[i])
                                          : -1;

        verdicts[i] = (NearVerdict){.is_rejected = twin >= 0, .nearest = twin, .max = twin >= 0};
        if (twin < 0)
            near_add(n, candidates[i]);
    }
}

static void judge_tokens_all(const Comm *c, Near *n, Arena *scratch, const NearText *candidates,
                             int64_t count, NearVerdict *verdicts)
{
    ArenaMark mark = arena_mark(scratch);
    NearItem *item = arena_new(scratch, NearItem, count);

    for (int64_t i = 0; i < count; i++) {
        item[i].token = near_tokens(n->words, scratch, candidates[i], &item[i].count);
        item[i].index = i;
        n->zero_tokens += item[i].count == 0;
    }
    if (n->index != NULL)
        near_rouge_judge_all(c, n, scratch, item, count, verdicts);
    else
        near_min_judge_all(c, n, scratch, item, count, verdicts);
    arena_back(scratch, mark);
}

Err near_judge_all(const Comm *c, Near *n, Arena *scratch, const NearText *candidates,
                   int64_t count, NearVerdict *verdicts)
{
    comm_meet(c, __func__, hash_u64(hash_u64(0, (uint64_t)n->count), (uint64_t)count));
    CHECK(scratch != n->arena, "the memory of the index is nobody else's");
    if (n->words == NULL) {
        judge_exact(n, scratch, candidates, count, verdicts);
        return OK;
    }
    for (int64_t at = 0; at < count; at += CHUNK)
        judge_tokens_all(c, n, scratch, candidates + at, count - at < CHUNK ? count - at : CHUNK,
                         verdicts + at);
    return OK;
}
