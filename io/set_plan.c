#include "io/set_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// ---- one shard

static Err expect_attribute(H5File *f, const char *path, const char *name, int64_t want)
{
    int64_t found;

    TRY(h5_get_attr_i64(f, "/", name, &found));
    if (found != want)
        FAIL(ERR_DATA, "%s says that it is %s %" PRId64 ", its name says %" PRId64, path, name,
             found, want);
    return OK;
}

static Err expect_version(H5File *f, const char *path)
{
    int64_t found;

    TRY(h5_get_attr_i64(f, "/", "version", &found));
    if (found != SET_VERSION)
        FAIL(ERR_DATA,
             "%s is an example set of version %" PRId64
             ", this program reads version %d: use the tandem that wrote it, or begin a new run",
             path, found, SET_VERSION);
    return OK;
}

Err set_file_open(const char *path, const char *format, H5File **out)
{
    Err e;

    TRY(h5_open(path, format, SET_VERSION, out));
    e = expect_version(*out, path);
    if (e != OK)
        h5_close(*out);
    return e;
}

Err set_shard_open(const char *path, int64_t iteration, int64_t block, H5File **out)
{
    Err e;

    TRY(set_file_open(path, SET_FORMAT_SHARD, out));
    e = expect_attribute(*out, path, "iteration", iteration);
    if (e == OK)
        e = expect_attribute(*out, path, "block", block);
    if (e != OK)
        h5_close(*out);
    return e;
}

// The length of an array of `bytes` bytes each, which the file must have room for: what comes after
// takes memory by it.
static Err length_of(H5File *f, const SetShard *s, const char *name, int64_t bytes, int64_t *out)
{
    H5Array a = {0};

    TRY(h5_shape(f, name, &a));
    if (a.rank < 1 || a.shape[0] > s->bytes / bytes)
        FAIL(ERR_DATA, "%s: the shape of %s is impossible", s->path, name);
    *out = a.shape[0];
    return OK;
}

// "/score/x" and "/field/x/bytes" -> "x"; NULL if it is something else.
static const char *column_name(Arena *arena, const char *array, const char *group, const char *end)
{
    int64_t length = (int64_t)(strlen(array) - strlen(group) - strlen(end));
    char   *name;

    if (length <= 0 || strcmp(array + strlen(array) - strlen(end), end) != 0)
        return NULL;
    name = arena_text_n(arena, array + strlen(group), length);
    return strchr(name, '/') == NULL ? name : NULL;
}

static Err columns(H5File *f, Arena *arena, const char *path, const char *group, const char *end,
                   const char **names, int *count)
{
    char **arrays;
    int    found;

    *count = 0;
    TRY(h5_list(f, arena, group, &arrays, &found));
    for (int i = 0; i < found; i++) {
        const char *name = column_name(arena, arrays[i], arena_format(arena, "%s/", group), end);

        if (name == NULL)
            continue;
        if (*count == SET_COLUMNS_MAX)
            FAIL(ERR_DATA, "%s: there are more than %d columns in %s", path, SET_COLUMNS_MAX,
                 group);
        names[(*count)++] = name;
    }
    return OK;
}

static Err look(H5File *f, Arena *arena, SetShard *s)
{
    SetShape *x = &s->shape;

    TRY(length_of(f, s, "/id", 16, &x->R));
    TRY(length_of(f, s, "/segment/role", 1, &x->S));
    TRY(length_of(f, s, "/tokens/id", 4, &x->T));
    TRY(length_of(f, s, "/segment/text", 1, &x->text_bytes));
    TRY(columns(f, arena, s->path, "/score", "", x->score_name, &x->scores));
    TRY(columns(f, arena, s->path, "/field", "/bytes", x->field_name, &x->fields));
    for (int i = 0; i < x->fields; i++)
        TRY(length_of(f, s, arena_format(arena, "/field/%s/bytes", x->field_name[i]), 1,
                      &x->field_bytes[i]));
    TRY(h5_get_names(f, arena, "/names/source", (char ***)&s->source_names, &s->sources));
    TRY(h5_get_names(f, arena, "/names/reason", (char ***)&s->reason_names, &s->reasons));
    TRY(h5_get_names(f, arena, "/names/step", (char ***)&s->step_names, &s->steps));
    return OK;
}

Err set_shard_look(const Run *run, Arena *arena, int64_t iteration, int64_t block, SetShard *s)
{
    char    path[FILE_PATH_MAX];
    H5File *f;
    Err     e;

    *s = (SetShard){.iteration = iteration, .block = block};
    TRY(set_shard_path(run, path, iteration, block));
    s->path = arena_text(arena, path);
    if (!file_exists(path))
        FAIL(ERR_DATA,
             "%s is missing: the set of iteration %" PRId64
             " is not whole; without its set file, too, the next run makes it again",
             path, iteration);
    TRY(h5_check(path, &s->sum, &s->bytes));
    TRY(set_shard_open(path, iteration, block, &f));
    e = look(f, arena, s);
    h5_close(f);
    return e;
}

static Err fill(Arena *scratch, H5File *f, const SetShard *s, SetRows *rows)
{
    H5Array arrays[SET_ARRAYS_MAX];
    int     count = set_arrays(scratch, &s->shape, rows, arrays);

    for (int i = 0; i < count; i++)
        TRY(h5_get(f, &arrays[i]));
    TRY(set_check_rows(s->path, &s->shape, rows));
    TRY(set_check_contents(s->path, rows));
    return OK;
}

Err set_shard_fill(Arena *scratch, const SetShard *s, SetRows *rows)
{
    H5File *f;
    Err     e;

    rows->source_names = s->source_names;
    rows->sources = s->sources;
    rows->reason_names = s->reason_names;
    rows->reasons = s->reasons;
    rows->step_names = s->step_names;
    rows->steps = s->steps;
    TRY(set_shard_open(s->path, s->iteration, s->block, &f));
    e = fill(scratch, f, s, rows);
    h5_close(f);
    return e;
}

// ---- all shards

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Sorted, each once.  Returns how many are left.
static int distinct(const char **names, int count)
{
    int kept = 0;

    if (count > 1)
        qsort(names, (size_t)count, sizeof *names, by_text);
    for (int i = 0; i < count; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    return kept;
}

static void add_names(const char **all, int *count, const char *const *names, int more)
{
    for (int i = 0; i < more; i++)
        all[(*count)++] = names[i];
}

// The empty reason comes first by itself: nothing sorts before it.
static void merge_tables(Arena *arena, const SetLate *late, SetPlan *p)
{
    int sources = 0, reasons = 1 + late->reasons;

    for (int64_t b = 0; b < p->blocks; b++) {
        sources += p->shard[b].sources;
        reasons += p->shard[b].reasons;
    }
    p->source_names = arena_new(arena, const char *, sources);
    p->reason_names = arena_new(arena, const char *, reasons);
    p->reason_names[p->reasons++] = "";
    add_names(p->reason_names, &p->reasons, late->reason_names, late->reasons);
    for (int64_t b = 0; b < p->blocks; b++) {
        SetShard *s = &p->shard[b];

        add_names(p->source_names, &p->sources, s->source_names, s->sources);
        add_names(p->reason_names, &p->reasons, s->reason_names, s->reasons);
    }
    p->sources = distinct(p->source_names, p->sources);
    p->reasons = distinct(p->reason_names, p->reasons);
}

// One recipe made all shards, so they name the same steps; a shard without rows may name none.
static Err merge_steps(SetPlan *p)
{
    const SetShard *first = NULL;

    for (int64_t b = 0; b < p->blocks; b++) {
        const SetShard *s = &p->shard[b];
        int             same = first == NULL || s->steps == first->steps;

        if (s->steps == 0)
            continue;
        first = first == NULL ? s : first;
        for (int i = 0; i < s->steps && same; i++)
            same = strcmp(s->step_names[i], first->step_names[i]) == 0;
        if (!same)
            FAIL(ERR_DATA, "%s names other steps than %s: another recipe made it", s->path,
                 first->path);
    }
    if (first != NULL) {
        p->step_names = first->step_names;
        p->steps = first->steps;
    }
    return OK;
}

static Err merge_columns(Arena *arena, const char *path, const char **into, int *count,
                         const char *const *names, int more)
{
    const char **all = arena_new(arena, const char *, *count + more);
    int          found = 0;

    add_names(all, &found, into, *count);
    add_names(all, &found, names, more);
    found = distinct(all, found);
    if (found > SET_COLUMNS_MAX)
        FAIL(ERR_DATA, "%s: with its columns the set has more than %d of them", path,
             SET_COLUMNS_MAX);
    memcpy(into, all, (size_t)found * sizeof *all);
    *count = found;
    return OK;
}

static Err merge_shapes(Arena *arena, SetPlan *p)
{
    SetShape *w = &p->whole;

    for (int64_t b = 0; b < p->blocks; b++) {
        const SetShard *s = &p->shard[b];

        w->R += s->shape.R;
        w->S += s->shape.S;
        w->T += s->shape.T;
        w->text_bytes += s->shape.text_bytes;
        TRY(merge_columns(arena, s->path, w->score_name, &w->scores, s->shape.score_name,
                          s->shape.scores));
        TRY(merge_columns(arena, s->path, w->field_name, &w->fields, s->shape.field_name,
                          s->shape.fields));
    }
    for (int64_t b = 0; b < p->blocks; b++) {
        const SetShape *x = &p->shard[b].shape;

        for (int i = 0; i < x->fields; i++)
            w->field_bytes[set_name_index(w->field_name, w->fields, x->field_name[i])] +=
                x->field_bytes[i];
    }
    return OK;
}

static Err expect_shard(const SetTable *t, int64_t b, const SetShard *s)
{
    if (s->sum != t->shard_sum[b] || s->bytes != t->shard_bytes[b] ||
        s->shape.R != t->shard_rows[b])
        FAIL(ERR_DATA,
             "%s is whole, but not the shard that %s was made of: sum %016" PRIx64 " and %" PRId64
             " rows, expected %016" PRIx64 " and %" PRId64,
             s->path, t->path, s->sum, s->shape.R, t->shard_sum[b], t->shard_rows[b]);
    return OK;
}

Err set_plan(const Run *run, Arena *arena, int64_t iteration, int64_t blocks, const SetTable *table,
             const SetLate *late, SetPlan *plan)
{
    *plan = (SetPlan){.blocks = blocks, .shard = arena_new(arena, SetShard, blocks)};
    for (int64_t b = 0; b < blocks; b++) {
        TRY(set_shard_look(run, arena, iteration, b, &plan->shard[b]));
        if (table != NULL)
            TRY(expect_shard(table, b, &plan->shard[b]));
    }
    merge_tables(arena, late, plan);
    if (plan->sources > UINT8_MAX + 1 || plan->reasons > UINT16_MAX + 1)
        FAIL(ERR_DATA,
             "the shards of iteration %" PRId64
             " name %d sources and %d reasons, which are too many",
             iteration, plan->sources, plan->reasons);
    TRY(merge_steps(plan));
    TRY(merge_shapes(arena, plan));
    return OK;
}
