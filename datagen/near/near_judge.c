// Rounds by ROUGE-L: comparisons with what was accepted before are shared among the ranks by
// candidate, as are those of the candidates with each other; what they decide is worked out by
// every rank for itself, in the order of the candidates.
#include "datagen/near/near_private.h"

#include "mpi/coll.h"

// Row i of a triangle without diagonal begins here.
static int64_t row_at(int64_t i)
{
    return i * (i - 1) / 2;
}

typedef struct Round {
    const NearItem *candidate;
    int64_t         count;
    NearScore      *score;    // [count], against everything accepted before
    int32_t        *lcs;      // [count][i]: candidate i with those before it
    int64_t        *accepted; // [taken] candidates
    int64_t         taken, before;
} Round;

// Rank p's shares, in bytes of one element of each candidate.
static void gather_all(const Comm *c, Arena *scratch, Round *r)
{
    int64_t *offsets = arena_new(scratch, int64_t, c->size + 1);
    int64_t  mine = near_share(c, r->count, c->rank);

    for (int p = 0; p <= c->size; p++)
        offsets[p] = near_share(c, r->count, p) * (int64_t)sizeof *r->score;
    coll_allgather_all(c, &r->score[mine], r->score, offsets);
    for (int p = 0; p <= c->size; p++)
        offsets[p] = row_at(near_share(c, r->count, p)) * (int64_t)sizeof *r->lcs;
    coll_allgather_all(c, &r->lcs[row_at(mine)], r->lcs, offsets);
}

static void compare_mine(const Comm *c, const NearIndex *n, Arena *scratch, Round *r)
{
    int64_t   first = near_share(c, r->count, c->rank);
    int64_t   end = near_share(c, r->count, c->rank + 1);
    NearShelf open = near_index_open(n, scratch);
    NearShelf own = near_shelf_make(scratch, r->candidate, r->count);
    int32_t  *lcs = arena_new(scratch, int32_t, (end - first) * r->count);

    near_index_score(n, &open, scratch, r->candidate + first, end - first, r->score + first);
    near_shelf_lcs(&own, scratch, r->candidate + first, end - first, lcs, r->count);
    for (int64_t i = first; i < end; i++)
        for (int64_t j = 0; j < i; j++)
            r->lcs[row_at(i) + j] = lcs[(i - first) * r->count + j];
}

// Texts that share nothing come last, lower index first; only the first few can matter.
static void add_unlike(NearVerdict *v, const NearScore *s, int64_t texts)
{
    for (int64_t index = 0; index < texts && v->tops < NEAR_TOP; index++) {
        int is_there = 0;

        for (int64_t b = 0; b < s->bests; b++)
            is_there |= s->best[b].index == index;
        if (!is_there)
            v->top[v->tops++] = index;
    }
}

static NearVerdict verdict_of(const NearSpec *spec, const NearScore *s, int64_t tokens,
                              int64_t texts)
{
    NearVerdict v = {.nearest = texts > 0 ? 0 : -1};

    if (s->bests > 0) {
        v.nearest = s->best[0].index;
        v.max = s->best[0].key;
        v.is_rejected = near_is_above(spec, s->best[0].lcs, tokens, s->best[0].count);
    }
    if (!spec->wants_mean)
        return v;
    v.mean = near_score_mean(s, texts);
    for (; v.tops < s->bests; v.tops++) {
        v.top[v.tops] = s->best[v.tops].index;
        v.top_score[v.tops] = s->best[v.tops].key;
    }
    add_unlike(&v, s, texts);
    return v;
}

static NearVerdict judge_one(const NearIndex *n, Round *r, int64_t i)
{
    const int32_t *lcs = r->lcs + row_at(i);
    int64_t        tokens = r->candidate[i].count;

    for (int64_t k = 0; k < r->taken; k++)
        near_score_add(n, &r->score[i], tokens, r->before + k, r->candidate[r->accepted[k]].count,
                       lcs[r->accepted[k]]);
    return verdict_of(&n->spec, &r->score[i], tokens, r->before + r->taken);
}

void near_rouge_judge_all(const Comm *c, Near *n, Arena *scratch, const NearItem *candidate,
                          int64_t count, NearVerdict *verdicts)
{
    Round r = {.candidate = candidate,
               .count = count,
               .score = arena_new(scratch, NearScore, count),
               .lcs = arena_new(scratch, int32_t, row_at(count)),
               .accepted = arena_new(scratch, int64_t, count),
               .before = n->count};

    near_index_seal(n->index, scratch);
    compare_mine(c, n->index, scratch, &r);
    gather_all(c, scratch, &r);
    for (int64_t i = 0; i < count; i++) {
        verdicts[i] = judge_one(n->index, &r, i);
        if (!verdicts[i].is_rejected)
            r.accepted[r.taken++] = i;
    }
    for (int64_t k = 0; k < r.taken; k++)
        near_index_add(n->index, candidate[r.accepted[k]].token, candidate[r.accepted[k]].count);
    n->count += r.taken;
}
