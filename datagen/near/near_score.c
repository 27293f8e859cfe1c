#include "datagen/near/near_index.h"

#include <math.h>

// One candidate while it is compared.
typedef struct Work {
    const NearIndex *n; // NULL where only LCS are wanted
    const NearItem  *candidate;
    NearScore       *score;
    int32_t         *lcs;   // by index, or NULL
    NearSweep       *sweep; // [candidate->count]
    void            *v;     // lanes
} Work;

// ---- a score

static double key_of(const NearSpec *s, int64_t lcs, int64_t a, int64_t b)
{
    if (s->compare == NEAR_DOUBLE)
        return near_rouge(lcs, a, b);
    return 2.0 * (double)lcs / (double)(a + b); // rounded once: equal and ordered as the fractions
}

static int most_of(const NearSpec *s)
{
    return s->wants_mean ? NEAR_TOP : 1;
}

// The smallest LCS of a text of b tokens that might get into the score.  A little low rather than
// too high: near_score_add decides.
static int64_t bar_of(const NearIndex *n, const NearScore *s, int64_t a, int64_t b)
{
    double least;

    if (s->bests < most_of(&n->spec))
        return 1;
    least = ceil(s->best[s->bests - 1].key * (double)(a + b) * (0.5 - 1e-12));
    return least < 1 ? 1 : (int64_t)least;
}

static void insert(NearScore *s, int most, NearBest new)
{
    int64_t at = s->bests;

    while (at > 0 && (s->best[at - 1].key < new.key ||
                      (s->best[at - 1].key == new.key && s->best[at - 1].index > new.index)))
        at--;
    if (at == most)
        return;
    s->bests += s->bests < most;
    for (int64_t i = s->bests - 1; i > at; i--)
        s->best[i] = s->best[i - 1];
    s->best[at] = new;
}

static void consider(const NearIndex *n, NearScore *s, int64_t a, int64_t index, int64_t count,
                     int64_t lcs)
{
    insert(s, most_of(&n->spec), (NearBest){key_of(&n->spec, lcs, a, count), index, lcs, count});
}

// F of all pairs of one length together: sums of whole numbers, whatever their order.
static void add_to_sum(const NearIndex *n, NearScore *s, int64_t a, int64_t b, int64_t lcs)
{
    uint64_t inverse =
        a + b < NEAR_INVERSES ? n->inverse[a + b] : ((uint64_t)1 << 62) / (uint64_t)(a + b);
    unsigned __int128 sum = (unsigned __int128)inverse * (uint64_t)lcs;

    sum += (unsigned __int128)s->sum_high << 64 | s->sum_low;
    s->sum_low = (uint64_t)sum;
    s->sum_high = (uint64_t)(sum >> 64);
}

void near_score_add(const NearIndex *n, NearScore *s, int64_t candidate_count, int64_t index,
                    int64_t count, int64_t lcs)
{
    if (lcs == 0)
        return;
    if (n->spec.wants_mean)
        add_to_sum(n, s, candidate_count, count, lcs);
    if (lcs >= bar_of(n, s, candidate_count, count))
        consider(n, s, candidate_count, index, count, lcs);
}

double near_score_mean(const NearScore *s, int64_t texts)
{
    double sum = ldexp((double)s->sum_high, 3) + ldexp((double)s->sum_low, -61);

    return texts == 0 ? 0 : sum / (double)texts;
}

// ---- blocks

static void score_run(Work *w, const NearBlock *b, const NearRun *r)
{
    int64_t a = w->candidate->count, sum, largest, bar;

    b->kernel->count(w->v, r->first, r->end, &sum, &largest);
    if (w->lcs != NULL) {
        for (int64_t i = r->first; i < r->first + r->texts; i++)
            w->lcs[b->index[i]] = (int32_t)near_lane(b->kernel, w->v, i);
        return;
    }
    if (w->n->spec.wants_mean)
        add_to_sum(w->n, w->score, a, r->length, sum);
    bar = bar_of(w->n, w->score, a, r->length);
    if (largest < bar)
        return;
    for (int64_t i = r->first; i < r->first + r->texts; i++) {
        int64_t lcs = near_lane(b->kernel, w->v, i);

        if (lcs >= bar) {
            consider(w->n, w->score, a, b->index[i], r->length, lcs);
            bar = bar_of(w->n, w->score, a, r->length);
        }
    }
}

// Whether texts of a length can matter that share at most `known` tokens with the candidate.
static int can_matter(const Work *w, int64_t known, int64_t length)
{
    int64_t least = known < length ? known : length;

    return w->lcs != NULL || w->n->spec.wants_mean ||
           least >= bar_of(w->n, w->score, w->candidate->count, length);
}

static void score_block(Work *w, const NearBlock *b)
{
    int64_t sweeps = near_block_sweeps(b, w->candidate->token, w->candidate->count, w->sweep);
    int     first = 0, end = b->runs;

    while (first < end && !can_matter(w, sweeps, b->run[first].length))
        first++;
    while (first < end && !can_matter(w, sweeps, b->run[end - 1].length))
        end--;
    if (sweeps == 0 || first == end)
        return;
    b->kernel->sweep(w->v, b->lanes, w->sweep, sweeps, b->run[first].first, b->run[end - 1].end);
    for (int i = first; i < end; i++)
        score_run(w, b, &b->run[i]);
}

// ---- texts that are too long for lanes

static void score_tall(Work *w, const NearPattern *p, const NearItem *text, int32_t *rows)
{
    int64_t found, lcs;

    if (!can_matter(w, w->candidate->count, text->count))
        return;
    found = near_pattern_rows(p, text->token, text->count, rows);
    if (!can_matter(w, found < w->candidate->count ? found : w->candidate->count, text->count))
        return;
    lcs = near_pattern_lcs(p, rows, found);
    if (w->lcs != NULL)
        w->lcs[text->index] = (int32_t)lcs;
    else
        near_score_add(w->n, w->score, w->candidate->count, text->index, text->count, lcs);
}

// What talls need besides the work: made once for many candidates.
typedef struct Tall {
    const NearShelf *shelf;
    int32_t         *rows; // [longest + 1]
    int32_t         *row_of;
    int64_t          limit; // [limit]
} Tall;

static Tall tall_make(Arena *scratch, const NearShelf *s)
{
    Tall    t = {.shelf = s};
    int64_t longest = 0;

    for (int64_t i = 0; i < s->talls; i++) {
        const NearItem *text = &s->tall[i];

        longest = text->count > longest ? text->count : longest;
        for (int64_t k = 0; k < text->count; k++)
            t.limit = text->token[k] >= t.limit ? (int64_t)text->token[k] + 1 : t.limit;
    }
    t.rows = arena_new(scratch, int32_t, longest + 1);
    t.row_of = arena_new(scratch, int32_t, t.limit);
    return t;
}

static void score_talls(Work *w, Arena *scratch, const Tall *t)
{
    ArenaMark   mark = arena_mark(scratch);
    NearPattern p;

    if (t->shelf->talls == 0 || w->candidate->count == 0)
        return;
    p = near_pattern(scratch, w->candidate->token, w->candidate->count, t->row_of, t->limit);
    for (int64_t i = 0; i < t->shelf->talls; i++)
        score_tall(w, &p, &t->shelf->tall[i], t->rows);
    near_pattern_done(&p);
    arena_back(scratch, mark);
}

// ---- all

static int64_t most_tokens(const NearItem *item, int64_t count)
{
    int64_t most = 0;

    for (int64_t i = 0; i < count; i++)
        most = item[i].count > most ? item[i].count : most;
    return most;
}

// Blocks outside, candidates inside: a block stays in the cache.
void near_index_score(const NearIndex *n, const NearShelf *open, Arena *scratch,
                      const NearItem *candidate, int64_t count, NearScore *score)
{
    ArenaMark mark = arena_mark(scratch);
    Work      w = {.n = n,
                   .sweep = arena_new(scratch, NearSweep, most_tokens(candidate, count)),
                   .v = arena_push(scratch, NEAR_LANES_BYTES, 1)};
    Tall      tall = tall_make(scratch, open);

    for (int64_t b = n->blocks + open->blocks - 1; b >= 0; b--)
        for (int64_t i = 0; i < count; i++) {
            w.candidate = &candidate[i];
            w.score = &score[i];
            score_block(&w, b < n->blocks ? n->block[b] : open->block[b - n->blocks]);
        }
    for (int64_t i = 0; i < count; i++) {
        w.candidate = &candidate[i];
        w.score = &score[i];
        score_talls(&w, scratch, &tall);
    }
    arena_back(scratch, mark);
}

void near_shelf_lcs(const NearShelf *s, Arena *scratch, const NearItem *candidate, int64_t count,
                    int32_t *lcs, int64_t stride)
{
    ArenaMark mark = arena_mark(scratch);
    Work      w = {.sweep = arena_new(scratch, NearSweep, most_tokens(candidate, count)),
                   .v = arena_push(scratch, NEAR_LANES_BYTES, 1)};
    Tall      tall = tall_make(scratch, s);

    for (int64_t i = 0; i < count; i++) {
        w.candidate = &candidate[i];
        w.lcs = lcs + i * stride;
        for (int64_t b = 0; b < s->blocks; b++)
            score_block(&w, s->block[b]);
        score_talls(&w, scratch, &tall);
    }
    arena_back(scratch, mark);
}
