// near_private.h -- the kinds behind Near, each with the texts that it accepted.  For near*.c.
#ifndef TD_DATAGEN_NEAR_PRIVATE_H
#define TD_DATAGEN_NEAR_PRIVATE_H

#include "datagen/near/near_index.h"
#include "datagen/near/near_words.h"

typedef struct NearExact NearExact; // near_exact.c
typedef struct NearDigit NearDigit; // near_digit.c
typedef struct NearMin   NearMin;   // near_minhash.c

struct Near {
    Arena     *arena; // borrowed; everything grows there
    NearSpec   spec;
    int64_t    count;       // accepted
    int64_t    zero_tokens; // texts without any, accepted or not
    NearWords *words;       // rouge, minhash
    NearIndex *index;       // rouge
    NearExact *exact;       // exact
    NearDigit *digit;       // digit
    NearMin   *min;         // minhash
};

NearExact *near_exact_make(Arena *arena);
void       near_exact_add(NearExact *e, NearText text);
int64_t    near_exact_find(const NearExact *e, NearText text); // the first equal text, -1: none

NearDigit *near_digit_make(Arena *arena);
void       near_digit_add(NearDigit *d, NearText text, int64_t number);
// Number of the same text, else the lowest one of a text with one other digit, -1: none.
int64_t near_digit_find(const NearDigit *d, Arena *scratch, NearText text);

NearMin *near_min_make(Arena *arena, const NearSpec *spec);
void     near_min_add(NearMin *m, const NearWords *w, const uint32_t *token, int64_t count);
// Judges texts (near.h); those that are not rejected are added.  Collective.
void near_min_judge_all(const Comm *c, Near *n, Arena *scratch, const NearItem *candidate,
                        int64_t count, NearVerdict *verdicts);
void near_rouge_judge_all(const Comm *c, Near *n, Arena *scratch, const NearItem *candidate,
                          int64_t count, NearVerdict *verdicts);

// Rank p's share of `count` things begins here; near_share(P) is the end.
static inline int64_t near_share(const Comm *c, int64_t count, int rank)
{
    return count * rank / c->size;
}

#endif
