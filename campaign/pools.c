#include "campaign/pools.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Addresses, not memory: what is reserved for the records of all pools, and for each index.
static const int64_t POOL_ADDRESSES = (int64_t)1 << 35;

static void add_record(Pools *p, Pool *pool, const PoolRecord *record)
{
    int64_t size = (int64_t)sizeof *pool->record;

    if (pool->count == pool->room) {
        int64_t room = pool->room == 0 ? 1024 : 2 * pool->room;

        pool->record = arena_grow(&p->arena, pool->record, pool->count * size, room * size);
        pool->room = room;
    }
    pool->record[pool->count++] = record;
}

static NearText text_of(const RecordField *f)
{
    return f == NULL ? (NearText){"", 0} : (NearText){f->text, f->length};
}

static NearText seed_text(const Pools *p, Arena *step, int64_t k, const char *key)
{
    Record r = {.arena = step, .reason = ""};

    source_draw(p->settings->source, SPLIT_SEEDS, 0, k, &r);
    return text_of(record_field(&r, key));
}

static Err open_pool(Pools *p, Pool *pool, Arena *step)
{
    const Commit *c = pool->commit;

    if (c->near.kind == NEAR_NONE)
        return OK;
    TRY(arena_make(&pool->near_arena, "near", POOL_ADDRESSES));
    pool->near = near_make(&pool->near_arena, &c->near);
    for (int64_t k = 0; c->against_seeds && k < p->seeds; k++) {
        ArenaMark mark = arena_mark(step);

        near_add(pool->near, seed_text(p, step, k, c->key));
        arena_back(step, mark);
    }
    return OK;
}

// Number of the step in the recipe at which a row ended: the names count from 1.
static int place_of(const SetRows *rows, int64_t row)
{
    return (int)strtol(rows->step_names[rows->step[row]], NULL, 10) - 1;
}

static int is_at(const SetRows *rows, int64_t row, const Pool *pool)
{
    return rows->status[row] != SET_REJECTED && place_of(rows, row) == pool->place;
}

static void take_row(Pools *p, Pool *pool, const SetRows *rows, int64_t row)
{
    PoolRecord *record = pool_record(&p->arena, rows, row);

    add_record(p, pool, record);
    if (pool->near != NULL)
        near_add(pool->near, text_of(pool_field(record, pool->commit->key)));
}

// All that a set committed, in the order of ids: the order in which it was committed.
static Err take_set(Pools *p, const Job *job, Arena *step, int64_t iteration)
{
    ArenaMark mark = arena_mark(step);
    SetRows   rows;

    TRY(set_read(&job->run, step, iteration, &rows));
    for (int i = 0; i < p->pools; i++)
        for (int64_t row = 0; row < rows.R; row++)
            if (is_at(&rows, row, &p->pool[i]))
                take_row(p, &p->pool[i], &rows, row);
    arena_back(step, mark);
    return OK;
}

// judges: candidates will be compared, so the pools need their indices.
static Err fill(Pools *p, const Job *job, Arena *step, int64_t iterations, int judges)
{
    TRY(arena_make(&p->arena, "pools", POOL_ADDRESSES));
    for (int i = 0; i < p->pools && judges; i++)
        TRY(open_pool(p, &p->pool[i], step));
    for (int64_t i = 1; i <= iterations && p->pools > 0; i++)
        TRY(take_set(p, job, step, i));
    for (int i = 0; i < p->pools; i++)
        p->before[i] = p->pool[i].count;
    return OK;
}

static Err open_pools(const Job *job, const Recipe *recipe, Arena *step, int64_t iterations,
                      int judges, Pools *out)
{
    Err e;

    *out = (Pools){.settings = job->settings,
                   .recipe = recipe,
                   .seeds = source_count(job->settings->source, SPLIT_SEEDS)};
    for (int k = 0; k < recipe_stages(recipe); k++)
        if (recipe_commit(recipe, k) != NULL)
            out->pool[out->pools++] =
                (Pool){.commit = recipe_commit(recipe, k), .place = recipe_commit_place(recipe, k)};
    e = fill(out, job, step, iterations, judges);
    if (e != OK)
        pools_close(out);
    return e;
}

Err pools_open(const Job *job, const Recipe *recipe, Arena *step, int64_t iterations, Pools *out)
{
    return open_pools(job, recipe, step, iterations, 1, out);
}

void pools_close(Pools *p)
{
    for (int i = 0; i < p->pools; i++)
        arena_free(&p->pool[i].near_arena);
    arena_free(&p->arena);
}

// ---- what steps see

static const PoolRecord *const *latest_of(Pools *p)
{
    const PoolRecord **latest = arena_new(&p->arena, const PoolRecord *, p->seeds);

    for (int64_t i = 0; p->pools > 0 && i < p->pool[0].count; i++)
        if ((int64_t)p->pool[0].record[i]->problem < p->seeds)
            latest[p->pool[0].record[i]->problem] = p->pool[0].record[i];
    return latest;
}

PoolViews *pools_views(Pools *p, const Segment *s)
{
    PoolViews *v = arena_new(&p->arena, PoolViews, 1);

    v->pools = p->pools;
    v->first_request = s->first_request;
    for (int i = 0; i < p->pools; i++) {
        v->name[i] = p->pool[i].commit->to;
        v->view[i] = (PoolView){p->pool[i].count, p->pool[i].record};
    }
    if (recipe_draws_latest(p->recipe))
        v->latest = latest_of(p);
    if (s->stage > 0) {
        const Pool *from = &p->pool[s->stage - 1];

        v->input = (PoolView){from->count - p->before[s->stage - 1],
                              from->record + p->before[s->stage - 1]};
    }
    return v;
}

// ---- the end of a round

typedef struct Candidates {
    int64_t            count, room;
    const PoolRecord **record;
    NearText          *text;
} Candidates;

static void add_candidate(Candidates *c, Arena *step, const PoolRecord *record, NearText text)
{
    if (c->count == c->room) {
        int64_t room = c->room == 0 ? 256 : 2 * c->room;

        c->record = arena_grow(step, c->record, c->room * (int64_t)sizeof *c->record,
                               room * (int64_t)sizeof *c->record);
        c->text = arena_grow(step, c->text, c->room * (int64_t)sizeof *c->text,
                             room * (int64_t)sizeof *c->text);
        c->room = room;
    }
    c->record[c->count] = record;
    c->text[c->count++] = text;
}

static Err gather(Pools *p, const Pool *pool, const Job *job, Arena *step, int64_t iteration,
                  const Segment *s, Candidates *out)
{
    for (int64_t b = s->first_block; b < s->first_block + s->blocks; b++) {
        SetRows rows;

        TRY(set_read_shard(&job->run, step, iteration, b, &rows));
        for (int64_t row = 0; row < rows.R; row++)
            if (is_at(&rows, row, pool)) {
                PoolRecord *record = pool_record(&p->arena, &rows, row);

                add_candidate(out, step, record,
                              pool->commit->key == NULL
                                  ? (NearText){"", 0}
                                  : text_of(pool_field(record, pool->commit->key)));
            }
    }
    return OK;
}

static NearText text_at(const Pools *p, const Pool *pool, Arena *step, int64_t index)
{
    int64_t seeds = pool->commit->against_seeds ? p->seeds : 0;

    if (index < seeds)
        return seed_text(p, step, index, pool->commit->key);
    return text_of(pool_field(pool->record[index - seeds], pool->commit->key));
}

// {"Name the parts of ...": 0.4210, ...}: as Self-Instruct keeps it.
static const char *most_similar(const Pools *p, const Pool *pool, Arena *step, Arena *arena,
                                const NearVerdict *v)
{
    Text t = text_make(arena);

    text_puts(&t, "{");
    for (int i = 0; i < v->tops; i++) {
        NearText one = text_at(p, pool, step, v->top[i]);

        text_puts(&t, i > 0 ? ", " : "");
        text_json(&t, one.text, one.length);
        text_printf(&t, ": %.17g", v->top_score[i]);
    }
    text_puts(&t, "}");
    return t.data;
}

// A copy with room for one more field and two more scores.
static PoolRecord *larger(Arena *arena, const PoolRecord *record)
{
    PoolRecord *more = arena_new(arena, PoolRecord, 1);

    *more = *record;
    more->field = arena_new(arena, RecordField, record->fields + 1);
    more->score_name = arena_new(arena, const char *, record->scores + 2);
    more->score = arena_new(arena, double, record->scores + 2);
    for (int i = 0; i < record->fields; i++)
        more->field[i] = record->field[i];
    for (int i = 0; i < record->scores; i++) {
        more->score_name[i] = record->score_name[i];
        more->score[i] = record->score[i];
    }
    return more;
}

// What the comparison found becomes part of the record, for the steps behind and the export.
static const PoolRecord *with_similarity(Pools *p, const Pool *pool, Arena *step,
                                         const PoolRecord *record, const NearVerdict *v)
{
    const Commit *c = pool->commit;
    PoolRecord   *more;

    if (c->max == NULL)
        return record;
    more = larger(&p->arena, record);
    more->field[more->fields].name = c->most_similar;
    more->field[more->fields].text = most_similar(p, pool, step, &p->arena, v);
    more->field[more->fields].length = (int64_t)strlen(more->field[more->fields].text);
    more->fields++;
    more->score_name[more->scores] = c->max;
    more->score[more->scores++] = v->max;
    more->score_name[more->scores] = c->mean;
    more->score[more->scores++] = v->mean;
    return more;
}

static void add_late(Pools *p, const uint64_t id[2], int pool)
{
    if (p->late == p->late_room) {
        int64_t room = p->late_room == 0 ? 256 : 2 * p->late_room;

        p->late_id = arena_grow(&p->arena, p->late_id, 16 * p->late_room, 16 * room);
        p->late_reason = arena_grow(&p->arena, p->late_reason, 2 * p->late_room, 2 * room);
        p->late_room = room;
    }
    memcpy(&p->late_id[2 * p->late], id, 16);
    p->late_reason[p->late++] = (uint16_t)(pool + 1);
}

static void add_segment(Pools *p, const Segment *s)
{
    int64_t size = (int64_t)sizeof *s;

    if (p->segments == p->segments_room) {
        int64_t room = p->segments_room == 0 ? 16 : 2 * p->segments_room;

        p->segment = arena_grow(&p->arena, p->segment, p->segments_room * size, room * size);
        p->segments_room = room;
    }
    p->segment[p->segments++] = *s;
}

static Err judge_all(Pools *p, int k, const Comm *c, Arena *step, const Candidates *all,
                     PoolsRound *out)
{
    Pool        *pool = &p->pool[k];
    NearVerdict *verdicts = arena_new(step, NearVerdict, all->count);

    if (pool->near != NULL)
        TRY(near_judge_all(c, pool->near, step, all->text, all->count, verdicts));
    for (int64_t i = 0; i < all->count; i++)
        if (verdicts[i].is_rejected) {
            add_late(p, all->record[i]->id, k);
        } else {
            add_record(p, pool, with_similarity(p, pool, step, all->record[i], &verdicts[i]));
            out->accepted++;
        }
    out->candidates = all->count;
    return OK;
}

Err pools_commit_all(Pools *p, const Comm *c, const Job *job, Arena *step, int64_t iteration,
                     const Segment *s, PoolsRound *out)
{
    ArenaMark  mark = arena_mark(step);
    Candidates all = {0};

    *out = (PoolsRound){0};
    add_segment(p, s);
    if (s->stage >= p->pools)
        return OK;
    TRY_ALL(c, gather(p, &p->pool[s->stage], job, step, iteration, s, &all));
    TRY(judge_all(p, (int)s->stage, c, step, &all, out));
    arena_back(step, mark);
    return OK;
}

SetLate pools_late(Pools *p, Arena *arena)
{
    const char **names = arena_new(arena, const char *, p->pools + 1);
    Text         t = text_make(arena);

    names[0] = "";
    for (int i = 0; i < p->pools; i++)
        names[i + 1] = p->pool[i].commit->reason;
    segments_write(&t, p->segment, p->segments);
    return (SetLate){.count = p->late,
                     .id = p->late_id,
                     .reason = p->late_reason,
                     .reason_names = names,
                     .reasons = p->pools + 1,
                     .segments = p->pools > 0 ? t.data : ""};
}

// ---- replay

// Whether the rows of a segment were committed before another begins.
static int is_before(const Segment *s, const Segment *at)
{
    return s->first_request < at->first_request;
}

Err pools_rewind(const Job *job, const Recipe *recipe, Arena *step, int64_t iteration,
                 const SetRows *rows, const Segment *segments, int64_t count, const Segment *at,
                 Pools *out)
{
    TRY(open_pools(job, recipe, step, iteration - 1, 0, out));
    for (int i = 0; i < out->pools; i++)
        for (int64_t row = 0; row < rows->R; row++) {
            const Segment *s = segments_find(
                segments, count, (int64_t)(rows->id[2 * row] & (((uint64_t)1 << 40) - 1)));

            if (s != NULL && is_before(s, at) && is_at(rows, row, &out->pool[i]))
                add_record(out, &out->pool[i], pool_record(&out->arena, rows, row));
        }
    return OK;
}

void pools_replace(Pools *p, int pool, const PoolRecord *own, const SetRows *rows, int64_t row)
{
    Pool              *of = &p->pool[pool];
    const PoolRecord  *with = pool_record(&p->arena, rows, row);
    const Commit      *c = of->commit;
    PoolRecord        *more = larger(&p->arena, own);
    const RecordField *similar = pool_field(with, c->most_similar);

    if (similar != NULL)
        more->field[more->fields++] = *similar;
    more->score_name[more->scores] = c->max;
    more->score[more->scores++] = pool_score(with, c->max);
    more->score_name[more->scores] = c->mean;
    more->score[more->scores++] = pool_score(with, c->mean);
    for (int64_t i = 0; i < of->count; i++)
        if (of->record[i] == own)
            of->record[i] = more;
}
