#include "model/train.h"

#include <inttypes.h>
#include <stdlib.h>

// An example on its way to a micro-batch.
typedef struct Parcel {
    int64_t length;
    int     number; // in the order given
} Parcel;

static int longest_first(const void *left, const void *right)
{
    const Parcel *a = left, *b = right;

    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static int emptiest(const int64_t *tokens, int M)
{
    int best = 0;

    for (int m = 1; m < M; m++)
        if (tokens[m] < tokens[best])
            best = m;
    return best;
}

Err train_deal(Arena *scratch, const TrainExample *e, int count, const TrainShape *s, int *which)
{
    ArenaMark mark = arena_mark(scratch);
    Parcel   *parcel = arena_new(scratch, Parcel, count);
    int64_t  *tokens = arena_new(scratch, int64_t, s->micro_batches);

    for (int i = 0; i < count; i++) {
        parcel[i] = (Parcel){e[i].length, i};
        if (e[i].length < 1 || e[i].length > s->longest)
            FAIL(ERR_DATA,
                 "example %d of a training step has %" PRId64 " tokens; expected 1 to %" PRId64
                 ": drop it, or give more room to one example",
                 i, e[i].length, s->longest);
    }
    qsort(parcel, (size_t)count, sizeof *parcel, longest_first);
    for (int i = 0; i < count; i++) {
        int m = emptiest(tokens, s->micro_batches);

        tokens[m] += parcel[i].length;
        if (tokens[m] > s->micro_tokens)
            FAIL(ERR_DATA,
                 "the %d examples of a training step do not fit: micro-batch %d of %d would get "
                 "%" PRId64 " tokens and has room for %" PRId64
                 ": take fewer examples per step or more micro-batches",
                 count, m, s->micro_batches, tokens[m], s->micro_tokens);
        which[parcel[i].number] = m;
    }
    arena_back(scratch, mark);
    return OK;
}
