#include "datagen/near/near_lcs.h"

#include <string.h>

NearPattern near_pattern(Arena *scratch, const uint32_t *token, int64_t count, int32_t *row_of,
                         int64_t limit)
{
    NearPattern p = {token, count, (count + 63) / 64, row_of, limit, NULL, NULL};
    int32_t     rows = 0;

    for (int64_t i = 0; i < count; i++)
        if (token[i] < limit && row_of[token[i]] == 0)
            row_of[token[i]] = ++rows;
    p.row = arena_new(scratch, uint64_t, rows * p.words);
    p.v = arena_new(scratch, uint64_t, p.words);
    for (int64_t i = 0; i < count; i++)
        if (token[i] < limit)
            p.row[(row_of[token[i]] - 1) * p.words + i / 64] |= (uint64_t)1 << i % 64;
    return p;
}

void near_pattern_done(const NearPattern *p)
{
    for (int64_t i = 0; i < p->count; i++)
        if (p->token[i] < p->limit)
            p->row_of[p->token[i]] = 0;
}

int64_t near_pattern_rows(const NearPattern *p, const uint32_t *token, int64_t count, int32_t *rows)
{
    int64_t found = 0;

    for (int64_t i = 0; i < count; i++) {
        int32_t row = token[i] < p->limit ? p->row_of[token[i]] : 0;

        rows[found] = row - 1; // written over where there is none: cheaper than to ask
        found += row != 0;
    }
    return found;
}

static int64_t lcs_of_one_word(const NearPattern *p, const int32_t *rows, int64_t count)
{
    uint64_t v = ~(uint64_t)0;

    for (int64_t i = 0; i < count; i++) {
        uint64_t u = v & p->row[rows[i]];

        v = (v + u) | (v - u);
    }
    return __builtin_popcountll(~v);
}

int64_t near_pattern_lcs(const NearPattern *p, const int32_t *rows, int64_t count)
{
    int64_t lcs = 0;

    if (p->words == 1)
        return lcs_of_one_word(p, rows, count);
    memset(p->v, 0xff, (size_t)p->words * sizeof *p->v);
    for (int64_t i = 0; i < count; i++) {
        const uint64_t *m = p->row + rows[i] * p->words;
        uint64_t        carry = 0;

        for (int64_t w = 0; w < p->words; w++) {
            uint64_t v = p->v[w], u = v & m[w], sum = v + u, carried = sum + carry;

            carry = (sum < v) | (carried < sum);
            p->v[w] = carried | (v - u);
        }
    }
    for (int64_t w = 0; w < p->words; w++)
        lcs += __builtin_popcountll(~p->v[w]);
    return lcs;
}

// Tokens numbered anew, so that the table of rows is as small as the texts.  key [slots]: token + 1
// of the number, 0 where there is none.
static uint32_t *renumber(Arena *scratch, const uint32_t *token, int64_t count, uint64_t *key,
                          int64_t slots)
{
    uint32_t *small = arena_new(scratch, uint32_t, count);

    for (int64_t i = 0; i < count; i++) {
        int64_t at = (int64_t)(token[i] * 0x9E3779B1u >> 7) & (slots - 1);

        while (key[at] != 0 && key[at] != (uint64_t)token[i] + 1)
            at = (at + 1) & (slots - 1);
        key[at] = (uint64_t)token[i] + 1;
        small[i] = (uint32_t)at;
    }
    return small;
}

int64_t near_lcs(Arena *scratch, const uint32_t *a, int64_t a_count, const uint32_t *b,
                 int64_t b_count)
{
    ArenaMark   mark = arena_mark(scratch);
    int64_t     slots = 16, lcs;
    uint64_t   *key;
    uint32_t   *x, *y;
    int32_t    *rows;
    NearPattern p;

    if (a_count > b_count)
        return near_lcs(scratch, b, b_count, a, a_count);
    while (slots < 2 * (a_count + b_count))
        slots *= 2;
    key = arena_new(scratch, uint64_t, slots);
    x = renumber(scratch, a, a_count, key, slots);
    y = renumber(scratch, b, b_count, key, slots);
    p = near_pattern(scratch, x, a_count, arena_new(scratch, int32_t, slots), slots);
    rows = arena_new(scratch, int32_t, b_count + 1);
    lcs = near_pattern_lcs(&p, rows, near_pattern_rows(&p, y, b_count, rows));
    arena_back(scratch, mark);
    return lcs;
}

// As rouge_score computes it, step by step in double.
double near_rouge(int64_t lcs, int64_t a_count, int64_t b_count)
{
    double precision, recall;

    if (lcs == 0)
        return 0;
    precision = (double)lcs / (double)a_count;
    recall = (double)lcs / (double)b_count;
    return 2 * precision * recall / (precision + recall);
}

int near_is_above(const NearSpec *s, int64_t lcs, int64_t a_count, int64_t b_count)
{
    if (s->compare == NEAR_DOUBLE)
        return near_rouge(lcs, a_count, b_count) > (double)s->numerator / (double)s->denominator;
    return 2 * lcs * s->denominator > s->numerator * (a_count + b_count);
}
