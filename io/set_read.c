#include "io/set.h"

#include "base/hash.h"
#include "io/set_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the set file

static Err load_column(H5File *f, Arena *arena, const char *name, H5Kind kind, int64_t rows,
                       int64_t width, const char *path, void **out)
{
    H5Array a;

    TRY(h5_load(f, arena, name, kind, width > 1 ? 2 : 1, &a));
    if (a.shape[0] != rows || (width > 1 && a.shape[1] != width))
        FAIL(ERR_DATA, "%s: %s has %" PRId64 " rows, expected %" PRId64, path, name, a.shape[0],
             rows);
    *out = a.data;
    return OK;
}

static Err load_shards(H5File *f, Arena *arena, int64_t iteration, SetTable *t)
{
    char  **files, want[64];
    int     blocks;
    int64_t rows = 0;

    TRY(h5_get_names(f, arena, "/shards/file", &files, &blocks));
    t->blocks = blocks;
    TRY(load_column(f, arena, "/shards/rows", H5_I64, blocks, 1, t->path, (void **)&t->shard_rows));
    TRY(load_column(f, arena, "/shards/bytes", H5_I64, blocks, 1, t->path,
                    (void **)&t->shard_bytes));
    TRY(load_column(f, arena, "/shards/sum", H5_U64, blocks, 1, t->path, (void **)&t->shard_sum));
    for (int b = 0; b < blocks; b++) {
        snprintf(want, sizeof want, "i%04" PRId64 "/b%04d.h5", iteration, b);
        if (strcmp(files[b], want) != 0)
            FAIL(ERR_DATA, "%s: /shards/file[%d] is \"%.80s\", expected \"%s\"", t->path, b,
                 files[b], want);
        if (t->shard_rows[b] < 0 || __builtin_add_overflow(rows, t->shard_rows[b], &rows))
            FAIL(ERR_DATA, "%s: /shards/rows[%d] is %" PRId64, t->path, b, t->shard_rows[b]);
    }
    if (rows != t->rows)
        FAIL(ERR_DATA, "%s: /shards/rows add up to %" PRId64 ", the attribute rows is %" PRId64,
             t->path, rows, t->rows);
    return OK;
}

static Err load_table(H5File *f, Arena *arena, int64_t iteration, SetTable *t)
{
    int64_t found;
    int     reasons;
    char   *digest, *end, **reason_names;

    TRY(h5_get_attr_i64(f, "/", "iteration", &found));
    if (found != iteration)
        FAIL(ERR_DATA, "%s says that it is iteration %" PRId64 ", its name says %" PRId64, t->path,
             found, iteration);
    TRY(h5_get_attr_i64(f, "/", "rows", &t->rows));
    TRY(h5_get_attr_i64(f, "/", "kept", &t->kept));
    TRY(h5_get_attr_text(f, arena, "/", "digest", &digest));
    t->digest = strtoull(digest, &end, 16);
    if (strlen(digest) != 16 || *end != 0)
        FAIL(ERR_DATA, "%s: the attribute digest is \"%.40s\", not 16 hex digits", t->path, digest);
    TRY(load_shards(f, arena, iteration, t));
    TRY(h5_get_names(f, arena, "/names/reason", &reason_names, &reasons));
    TRY(set_late_load(f, arena, t->path, (const char **)reason_names, reasons, &t->late));
    return OK;
}

static Err table_read(const Run *run, Arena *arena, int64_t iteration, SetTable *t)
{
    char    path[FILE_PATH_MAX];
    H5File *f;
    Err     e;

    TRY(set_path(run, path, iteration));
    *t = (SetTable){.path = arena_text(arena, path)};
    TRY(set_file_open(path, SET_FORMAT, &f));
    e = load_table(f, arena, iteration, t);
    h5_close(f);
    return e;
}

// ---- going over the rows

static void shift(int64_t *begin, int64_t count, int64_t by)
{
    for (int64_t i = 0; i <= count; i++)
        begin[i] += by;
}

static void settle_names(const SetPlan *plan, SetRows *part)
{
    for (int64_t r = 0; r < part->R; r++) {
        part->source[r] = (uint8_t)set_name_index(plan->source_names, plan->sources,
                                                  part->source_names[part->source[r]]);
        part->reason[r] = (uint16_t)set_name_index(plan->reason_names, plan->reasons,
                                                   part->reason_names[part->reason[r]]);
    }
}

// Makes a part that was read by itself a part of the whole: names by the plan's tables, positions
// from the beginning of the whole, columns that it lacks.
static void settle(const SetPlan *plan, const SetShape *at, SetRows *all, SetRows *part)
{
    settle_names(plan, part);
    shift(part->segment_begin, part->R, at->S);
    shift(part->token_begin, part->R, at->T);
    shift(part->segment_text.begin, part->S, at->text_bytes);
    for (int k = 0; k < all->scores; k++)
        if (set_name_index(part->score_name, part->scores, all->score_name[k]) < 0)
            for (int64_t r = 0; r < part->R; r++)
                all->score[k][at->R + r] = NAN;
    for (int k = 0; k < all->fields; k++) {
        int i = set_name_index(part->field_name, part->fields, all->field_name[k]);

        if (i >= 0)
            shift(part->field[i].begin, part->R, at->field_bytes[k]);
        else
            for (int64_t r = 0; r <= part->R; r++)
                all->field[k].begin[at->R + r] = at->field_bytes[k];
    }
}

static void advance(const SetPlan *plan, const SetShape *shape, SetShape *at)
{
    at->R += shape->R;
    at->S += shape->S;
    at->T += shape->T;
    at->text_bytes += shape->text_bytes;
    for (int i = 0; i < shape->fields; i++)
        at->field_bytes[set_name_index(plan->whole.field_name, plan->whole.fields,
                                       shape->field_name[i])] += shape->field_bytes[i];
}

typedef struct Walk {
    SetShape at;      // what came before
    uint64_t last[2]; // the last id
    int64_t  hits;    // rows that were late
    uint64_t digest;
    int64_t  kept;
} Walk;

static Err walk_one(Walk *w, const char *path, const SetRows *rows)
{
    if (rows->R > 0 && w->at.R > 0 && set_id_compare(w->last, rows->id) >= 0)
        FAIL(ERR_DATA,
             "%s: its first row is not above the last row of the block before: rows of a set are in"
             " the order of their ids",
             path);
    for (int64_t r = 0; r < rows->R; r++) {
        w->digest = hash_u64(w->digest, rows->content[r]);
        w->kept += rows->status[r] == SET_KEPT;
    }
    if (rows->R > 0)
        memcpy(w->last, &rows->id[2 * (rows->R - 1)], sizeof w->last);
    return OK;
}

static Err walk_shard(Arena *scratch, const SetPlan *plan, const SetShard *s, const SetLate *late,
                      SetRows *all, SetVisit visit, void *self, Walk *w)
{
    SetRows rows;

    if (all != NULL)
        rows = set_part(all, &w->at, &s->shape);
    else
        set_make(scratch, &s->shape, &rows);
    TRY(set_shard_fill(scratch, s, &rows));
    TRY(set_late_apply(scratch, s->path, late, &rows, &w->hits));
    TRY(walk_one(w, s->path, &rows));
    if (visit != NULL)
        TRY(visit(self, s, &rows));
    if (all != NULL)
        settle(plan, &w->at, all, &rows);
    advance(plan, &s->shape, &w->at);
    return OK;
}

Err set_walk(Arena *scratch, const SetPlan *plan, const SetLate *late, SetRows *all, SetVisit visit,
             void *self, uint64_t *digest, int64_t *kept)
{
    Walk w = {0};

    for (int64_t b = 0; b < plan->blocks; b++) {
        ArenaMark mark = arena_mark(scratch);
        Err       e = walk_shard(scratch, plan, &plan->shard[b], late, all, visit, self, &w);

        arena_back(scratch, mark);
        TRY(e);
    }
    if (w.hits != late->count)
        FAIL(ERR_DATA,
             "%" PRId64 " rows are to be rejected late, but only %" PRId64
             " of these ids are in the set",
             late->count, w.hits);
    *digest = hash_u64(w.digest, (uint64_t)w.at.R);
    *kept = w.kept;
    return OK;
}

// ---- what others call

static Err walk_set(const Run *run, Arena *arena, int64_t iteration, SetRows *all, uint64_t *digest)
{
    SetTable t;
    SetPlan  plan;
    int64_t  kept;

    TRY(table_read(run, arena, iteration, &t));
    TRY(set_plan(run, arena, iteration, t.blocks, &t, &t.late, &plan));
    if (all != NULL) {
        set_make(arena, &plan.whole, all);
        all->source_names = plan.source_names;
        all->sources = plan.sources;
        all->reason_names = plan.reason_names;
        all->reasons = plan.reasons;
        all->step_names = plan.step_names;
        all->steps = plan.steps;
    }
    TRY(set_walk(arena, &plan, &t.late, all, NULL, NULL, digest, &kept));
    if (*digest != t.digest || kept != t.kept)
        FAIL(ERR_DATA,
             "%s: the digest of its rows is %016" PRIx64 " with %" PRId64
             " kept, the file says %016" PRIx64 " with %" PRId64,
             t.path, *digest, kept, t.digest, t.kept);
    return OK;
}

Err set_read(const Run *run, Arena *arena, int64_t iteration, SetRows *rows)
{
    uint64_t digest;

    return walk_set(run, arena, iteration, rows, &digest);
}

Err set_read_segments(const Run *run, Arena *arena, int64_t iteration, const char **segments)
{
    char    path[FILE_PATH_MAX], *text;
    H5File *f;
    Err     e;

    TRY(set_path(run, path, iteration));
    TRY(set_file_open(path, SET_FORMAT, &f));
    e = h5_get_text(f, arena, "/segments", &text, NULL);
    h5_close(f);
    if (e == OK)
        *segments = text;
    return e;
}

Err set_digest(const Run *run, Arena *scratch, int64_t iteration, uint64_t *digest)
{
    ArenaMark mark = arena_mark(scratch);
    Err       e = walk_set(run, scratch, iteration, NULL, digest);

    arena_back(scratch, mark);
    return e;
}

Err set_verify(const Run *run, Arena *scratch, int64_t iteration)
{
    uint64_t digest;

    return set_digest(run, scratch, iteration, &digest);
}

Err set_read_shard(const Run *run, Arena *arena, int64_t iteration, int64_t block, SetRows *rows)
{
    SetShard s;

    TRY(set_shard_look(run, arena, iteration, block, &s));
    set_make(arena, &s.shape, rows);
    TRY(set_shard_fill(arena, &s, rows));
    return OK;
}

int set_has_shard(const Run *run, int64_t iteration, int64_t block)
{
    char    path[FILE_PATH_MAX];
    H5File *f;

    if (set_shard_path(run, path, iteration, block) != OK || !file_exists(path))
        return 0;
    if (set_shard_open(path, iteration, block, &f) != OK) {
        err_forget(); // it will be made again
        return 0;
    }
    h5_close(f);
    return 1;
}

int set_is_committed(const Run *run, int64_t iteration)
{
    char path[FILE_PATH_MAX];

    return set_path(run, path, iteration) == OK && file_exists(path);
}
