#include "campaign/mixture.h"

#include "base/hash.h"
#include "base/rng.h"
#include "datagen/produce.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct Class { // of groups that stand together
    double weight;     // the weights of a pool add up to 1
    int    first, groups;
} Class;

typedef struct Pool { // documents of one part, by class and group
    double share;
    int    classes, groups;
    Class *class;
    int64_t                *begin; // [groups+1]
    const MixtureDocument **member;
} Pool;

typedef struct Pass { // the documents of the only pool in the order of a pass
    uint64_t seed;
    int64_t  iteration, number; // -1: none yet
    int64_t *order;             // NULL: drawn at random
} Pass;

struct MixturePools {
    int     pools;
    Pool    pool[SETTINGS_MIXTURE_MAX];
    int64_t kept, total;
    Pass    pass;
};

MixtureData mixture_make(Arena *arena)
{
    MixtureData d = {.arena = arena, .room = 1024};

    d.document = arena_new(arena, MixtureDocument, d.room);
    return d;
}

static MixtureDocument *next_document(MixtureData *d)
{
    int64_t size = (int64_t)sizeof *d->document;

    if (d->count == d->room) {
        d->document = arena_grow(d->arena, d->document, d->room * size, 2 * d->room * size);
        d->room *= 2;
    }
    return &d->document[d->count++];
}

static MixtureDocument *keep_document(MixtureData *d, const int32_t *ids, const float *weight,
                                      int64_t length)
{
    int32_t         *token = arena_new(d->arena, int32_t, length);
    float           *w = arena_new(d->arena, float, length);
    MixtureDocument *doc = next_document(d);

    memcpy(token, ids, (size_t)length * sizeof *token);
    memcpy(w, weight, (size_t)length * sizeof *w);
    *doc =
        (MixtureDocument){.example = {token, w, length},
                          .content = hash_bytes(hash_bytes(0, token, length * 4), w, length * 4)};
    return doc;
}

static void describe_document(MixtureDocument *doc, const Settings *s, const SetRows *rows,
                              int64_t row, int64_t iteration)
{
    doc->iteration = iteration;
    doc->group = rows->group[row];
    doc->class_number = source_class_of(s->source, doc->group);
    doc->source = record_name(rows->source_names[rows->source[row]]);
}

// A token is at least one byte of text, or one special segment.
static int64_t most_tokens(const SetRows *rows, int64_t row)
{
    int64_t first = rows->segment_begin[row], last = rows->segment_begin[row + 1];

    return rows->segment_text.begin[last] - rows->segment_text.begin[first] + last - first;
}

static Err add_row(MixtureData *d, Arena *scratch, const Settings *s, const SetRows *rows,
                   int64_t row, int64_t iteration)
{
    ArenaMark mark = arena_mark(scratch);
    int64_t   room = most_tokens(rows, row), length = 0;
    int32_t  *ids = arena_new(scratch, int32_t, room);
    float    *weight = arena_new(scratch, float, room);
    Err       e = produce_tokens(s->vocab, scratch, rows, row, ids, weight, room, &length);

    if (e == OK && length > s->dims.T)
        d->too_long++;
    else if (e == OK && length == 0)
        d->empty++;
    else if (e == OK)
        describe_document(keep_document(d, ids, weight, length), s, rows, row, iteration);
    arena_back(scratch, mark);
    return e;
}

Err mixture_add(MixtureData *d, Arena *scratch, const Settings *s, const SetRows *rows,
                int64_t iteration)
{
    for (int64_t r = 0; r < rows->R; r++)
        if (rows->status[r] == SET_KEPT)
            TRY(add_row(d, scratch, s, rows, r, iteration));
    return OK;
}

static int by_content(const void *a, const void *b)
{
    const MixtureDocument *x = *(const MixtureDocument *const *)a;
    const MixtureDocument *y = *(const MixtureDocument *const *)b;

    if (x->content != y->content)
        return x->content < y->content ? -1 : 1;
    return x < y ? -1 : x > y; // documents stand in id order: the first of equals stays first
}

static int by_group(const void *a, const void *b)
{
    const MixtureDocument *x = *(const MixtureDocument *const *)a;
    const MixtureDocument *y = *(const MixtureDocument *const *)b;

    if (x->class_number != y->class_number)
        return x->class_number < y->class_number ? -1 : 1;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int belongs(const MixtureDocument *doc, const MixturePart *part, int64_t iteration)
{
    if (*part->source != 0 && strcmp(doc->source, part->source) != 0)
        return 0;
    if (part->from_seeds)
        return doc->iteration == 0;
    return doc->iteration > 0 && doc->iteration <= iteration &&
           (part->sets == SETS_ALL || doc->iteration == iteration);
}

static int64_t drop_equals(const MixtureDocument **member, int64_t count)
{
    int64_t kept = 0;

    qsort(member, (size_t)count, sizeof *member, by_content);
    for (int64_t i = 0; i < count; i++)
        if (kept == 0 || member[kept - 1]->content != member[i]->content)
            member[kept++] = member[i];
    return kept;
}

// Groups that follow each other, and the classes that those make.
static void find_groups(Pool *pool, const Source *source, int64_t count, int balance)
{
    double total = 0;

    for (int64_t i = 0; i < count; i++) {
        const MixtureDocument *doc = pool->member[i], *last = i == 0 ? NULL : pool->member[i - 1];
        int is_new_class = i == 0 || (balance && doc->class_number != last->class_number);

        if (is_new_class) {
            double weight = source_class_weight(source, doc->class_number);

            pool->class[pool->classes++] = (Class){weight, pool->groups, 0};
            total += weight;
        }
        if (is_new_class || (balance && doc->group != last->group)) {
            pool->begin[pool->groups++] = i;
            pool->class[pool->classes - 1].groups++;
        }
    }
    pool->begin[pool->groups] = count;
    for (int k = 0; k < pool->classes; k++)
        pool->class[k].weight = total > 0 ? pool->class[k].weight / total : 1.0 / pool->classes;
}

static Pool make_pool(Arena *arena, const MixtureData *d, const Source *source,
                      const MixturePart *part, int64_t iteration)
{
    Pool    pool = {.share = part->share};
    int64_t count = 0;

    pool.member = arena_new(arena, const MixtureDocument *, d->count);
    pool.begin = arena_new(arena, int64_t, d->count + 1);
    pool.class = arena_new(arena, Class, source_classes(source));
    for (int64_t i = 0; i < d->count; i++)
        if (belongs(&d->document[i], part, iteration))
            pool.member[count++] = &d->document[i];
    if (part->distinct && count > 0)
        count = drop_equals(pool.member, count);
    if (count > 0)
        qsort(pool.member, (size_t)count, sizeof *pool.member, by_group);
    find_groups(&pool, source, count, part->balance);
    return pool;
}

Err mixture_pools(Arena *arena, const MixtureData *d, const Source *source, const Mixture *m,
                  int64_t iteration, MixturePools **out)
{
    MixturePools *p = arena_new(arena, MixturePools, 1);
    double        share = 0;

    for (int i = 0; i < m->parts; i++) {
        Pool pool = make_pool(arena, d, source, &m->part[i], iteration);

        if (pool.groups == 0)
            continue;
        if (!m->part[i].from_seeds)
            p->kept += pool.begin[pool.groups];
        p->total += pool.begin[pool.groups];
        share += pool.share;
        p->pool[p->pools++] = pool;
    }
    if (p->pools == 0)
        FAIL(ERR_DATA,
             "iteration %" PRId64 " has nothing to train on: no part of the mixture has an example "
             "that was kept",
             iteration);
    for (int i = 0; i < p->pools; i++)
        p->pool[i].share = share > 0 ? p->pool[i].share / share : 1.0 / p->pools;
    p->pass.number = -1;
    if (m->part[0].draw == DRAW_PASSES) {
        CHECK(m->parts == 1, "passes over one of %d parts", m->parts);
        p->pass.order = arena_new(arena, int64_t, p->total);
    }
    *out = p;
    return OK;
}

int64_t mixture_size(const MixturePools *p)
{
    return p->kept;
}

int64_t mixture_total(const MixturePools *p)
{
    return p->total;
}

static const Pool *choose_pool(const MixturePools *p, double u)
{
    for (int i = 0; i < p->pools - 1; i++) {
        if (u < p->pool[i].share)
            return &p->pool[i];
        u -= p->pool[i].share;
    }
    return &p->pool[p->pools - 1];
}

// Nothing is drawn where there is one class only.
static const Class *choose_class(const Pool *pool, Rng *rng)
{
    double u = pool->classes > 1 ? rng_unit(rng) : 0;

    for (int k = 0; k < pool->classes - 1; k++) {
        if (u < pool->class[k].weight)
            return &pool->class[k];
        u -= pool->class[k].weight;
    }
    return &pool->class[pool->classes - 1];
}

// A permutation in which all are equally likely (Durstenfeld 1964, Algorithm 235 of CACM).
static void order_pass(Pass *pass, int64_t documents, uint64_t seed, int64_t iteration,
                       int64_t number)
{
    Rng rng = rng_make(seed, rng_stream("pass", (uint64_t)iteration, (uint64_t)number, 0), 0);

    if (pass->number == number && pass->iteration == iteration && pass->seed == seed)
        return;
    for (int64_t i = 0; i < documents; i++)
        pass->order[i] = i;
    for (int64_t i = documents - 1; i > 0; i--) {
        int64_t k = (int64_t)rng_below(&rng, (uint64_t)i + 1), other = pass->order[k];

        pass->order[k] = pass->order[i];
        pass->order[i] = other;
    }
    *pass = (Pass){seed, iteration, number, pass->order};
}

static void draw_in_passes(MixturePools *p, uint64_t seed, int64_t iteration, int64_t step,
                           TrainExample *out, int count)
{
    for (int i = 0; i < count; i++) {
        int64_t place = step * count + i;

        order_pass(&p->pass, p->total, seed, iteration, place / p->total);
        out[i] = p->pool[0].member[p->pass.order[place % p->total]]->example;
    }
}

void mixture_draw(MixturePools *p, uint64_t seed, int64_t iteration, int64_t step,
                  TrainExample *out, int count)
{
    uint64_t stream = rng_stream("batch", (uint64_t)iteration, (uint64_t)step, 0);

    if (p->pass.order != NULL) {
        draw_in_passes(p, seed, iteration, step, out, count);
        return;
    }
    for (int i = 0; i < count; i++) {
        Rng         rng = rng_make(seed, stream, (uint32_t)i);
        const Pool *pool = choose_pool(p, rng_unit(&rng));
        const Class *class = choose_class(pool, &rng);
        int64_t g = class->first + (int64_t)rng_below(&rng, (uint64_t) class->groups);
        int64_t first = pool->begin[g], members = pool->begin[g + 1] - first;

        out[i] = pool->member[first + (int64_t)rng_below(&rng, (uint64_t)members)]->example;
    }
}
