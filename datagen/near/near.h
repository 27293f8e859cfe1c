// near.h -- exact and near-duplicate texts, against everything accepted before.
//
// ROUGE-L is F of the longest common subsequence of tokens (Lin 2004; no stemming), as
// Self-Instruct uses it: tokens are maximal runs of [a-z0-9] of the lower-cased text (google), or
// of letters, marks and numbers of any script after NFKC_Casefold (unicode).  It is exact: bounds
// only skip what cannot matter.  MinHash: 128 permutations over word 5-shingles, bands that find
// Jaccard >= threshold but for one pair in a thousand, then the exact Jaccard decides.  Digit: the
// same text, or one with another digit in one place of a number of four digits or more.
//
// Results depend neither on the number of ranks, nor on the instruction level, nor on whether the
// earlier texts were judged or added.
#ifndef TD_DATAGEN_NEAR_H
#define TD_DATAGEN_NEAR_H

#include "base/arena.h"
#include "mpi/comm.h"

#include <stdint.h>

typedef enum NearKind { NEAR_NONE, NEAR_EXACT, NEAR_ROUGE, NEAR_MINHASH, NEAR_DIGIT } NearKind;
typedef enum NearCompare {
    NEAR_RATIONAL,
    NEAR_DOUBLE
} NearCompare; // 20 LCS > 7 (a+b), or 2PR/(P+R)
typedef enum NearTokens { NEAR_GOOGLE, NEAR_UNICODE } NearTokens;

enum { NEAR_TOP = 10 };

typedef struct NearSpec {
    NearKind    kind;
    int64_t     numerator, denominator; // rejected if the similarity is above their ratio
    NearCompare compare;
    NearTokens  tokens;
    int         wants_mean; // mean over everything accepted before, and the ten most similar
} NearSpec;

typedef struct NearVerdict {
    int     is_rejected;
    int64_t nearest;   // index of the most similar accepted text, the first of equals; -1: none
    double  max, mean; // 0 where nothing was accepted before; mean 0 unless wants_mean.  For
                       // rouge: 2 LCS / (a + b) divided once, or near_rouge for NEAR_DOUBLE
    int     tops;      // the most similar, falling; the lower index first among equals
    int64_t top[NEAR_TOP];
    double  top_score[NEAR_TOP];
} NearVerdict;

typedef struct NearText {
    const char *text;
    int64_t     length;
} NearText;

typedef struct Near Near;

// Memory grows in `arena`, which nobody else may use meanwhile.
Near   *near_make(Arena *arena, const NearSpec *spec);
int64_t near_count(const Near *n);       // accepted texts
int64_t near_zero_tokens(const Near *n); // judged or added texts without any token (rouge, minhash)
// Accepts without judging (seeds, earlier rounds).  Indices are 0, 1, ... in the order of adding.
void near_add(Near *n, NearText text);

// Judges `count` candidates in order: each against all accepted before it, candidates included;
// those not rejected are accepted.  The ranks of c share the comparisons; the result is the same on
// all, for any number of them.  Every rank holds the same index and gives the same candidates.
// verdicts [count] are the caller's.  Collective.
Err near_judge_all(const Comm *c, Near *n, Arena *scratch, const NearText *candidates,
                   int64_t count, NearVerdict *verdicts);

// Plain functions, for steps and tests.  Tokens are interned numbers, equal for equal words of one
// NearWords.
typedef struct NearWords NearWords;
NearWords               *near_words(Arena *arena, NearTokens kind);
// ids in `arena`.
uint32_t *near_tokens(NearWords *w, Arena *arena, NearText text, int64_t *count);
int64_t   near_lcs(Arena *scratch, const uint32_t *a, int64_t a_count, const uint32_t *b,
                   int64_t b_count);
double    near_rouge(int64_t lcs, int64_t a_count, int64_t b_count); // F in double, 2PR/(P+R)
int       near_is_above(const NearSpec *s, int64_t lcs, int64_t a_count, int64_t b_count);

// N-grams of held-out texts: contamination.  A held-out
// text of fewer than n words is hit only by a text of the same words, whole.
typedef struct NearGrams NearGrams;
NearGrams               *near_grams(Arena *arena, int64_t n, NearTokens kind);
void                     near_grams_add(NearGrams *g, NearText text);
int                      near_grams_hit(const NearGrams *g, Arena *scratch, NearText text);

#endif
