#include "io/set.h"

#include "io/h5_publish.h"
#include "io/set_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_NAME_MAX = 200 };

static const char *const STATUS_NAMES[] = {"kept", "rejected", "passed"};
static const char *const ROLE_NAMES[] = {"system",  "user",  "assistant",
                                         "special", "other", "markup"};
static const char *const VISIBLE_NAMES[] = {"", "generator", "trainer", "both"};

// ---- a shard

typedef struct ShardJob {
    Arena         *scratch;
    const SetRows *rows;
    SetShape       shape;
    int64_t        iteration, block;
    const char    *provenance;
} ShardJob;

static Err put_tables(H5File *f, const char *const *sources, int n_sources,
                      const char *const *reasons, int n_reasons, const char *const *steps,
                      int n_steps)
{
    TRY(h5_put_names(f, "/names/source", "What the numbers in /source mean.", sources, n_sources));
    TRY(h5_put_names(f, "/names/reason", "What the numbers in /reason mean.", reasons, n_reasons));
    TRY(h5_put_names(f, "/names/status", "What the numbers in /status mean.", STATUS_NAMES, 3));
    TRY(h5_put_names(f, "/names/step", "What the numbers in /step mean: the steps of the recipe.",
                     steps, n_steps));
    return OK;
}

static Err write_shard(H5File *f, void *self)
{
    const ShardJob *job = self;
    const SetRows  *rows = job->rows;
    H5Array         arrays[SET_ARRAYS_MAX];
    int             count = set_arrays(job->scratch, &job->shape, rows, arrays);

    TRY(h5_attr_text(f, "/", "about", "One block of rows of an example set."));
    TRY(h5_attr_i64(f, "/", "iteration", job->iteration));
    TRY(h5_attr_i64(f, "/", "block", job->block));
    TRY(h5_attr_i64(f, "/", "rows", rows->R));
    for (int i = 0; i < count; i++)
        TRY(h5_put(f, &arrays[i]));
    TRY(put_tables(f, rows->source_names, rows->sources, rows->reason_names, rows->reasons,
                   rows->step_names, rows->steps));
    TRY(h5_put_names(f, "/names/role", "What the numbers in /segment/role mean.", ROLE_NAMES,
                     SET_ROLES));
    TRY(h5_put_names(f, "/names/visible", "What the numbers in /segment/visible mean.",
                     VISIBLE_NAMES, 4));
    TRY(h5_put_text(f, "/provenance", "How the rows were made, as JSON.", job->provenance));
    return OK;
}

// A column becomes an array of this name.
static Err check_column(const char *path, const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > COLUMN_NAME_MAX || strchr(name, '/') != NULL ||
        strcmp(name, ".") == 0)
        FAIL(ERR_CONFIG,
             "\"%.80s\" cannot be a column of %s: 1 to %d bytes without \"/\" are expected", name,
             path, COLUMN_NAME_MAX);
    return OK;
}

// Rows that nobody made have no memory either; their arrays are empty all the same.
static void complete_empty(Arena *scratch, SetRows *rows)
{
    if (rows->reasons == 0) {
        rows->reason_names = arena_new(scratch, const char *, 1);
        rows->reason_names[rows->reasons++] = "";
    }
    if (rows->R > 0)
        return;
    rows->segment_begin = arena_new(scratch, int64_t, 1);
    rows->token_begin = arena_new(scratch, int64_t, 1);
    rows->segment_text.begin = arena_new(scratch, int64_t, 1);
    for (int i = 0; i < rows->fields; i++)
        rows->field[i].begin = arena_new(scratch, int64_t, 1);
}

static Err check_all(const char *path, const SetShape *shape, const SetRows *rows)
{
    for (int i = 0; i < rows->scores; i++)
        TRY(check_column(path, rows->score_name[i]));
    for (int i = 0; i < rows->fields; i++)
        TRY(check_column(path, rows->field_name[i]));
    TRY(set_check_rows(path, shape, rows));
    TRY(set_check_contents(path, rows));
    return OK;
}

static Err publish_shard(const Run *run, Arena *scratch, int64_t iteration, int64_t block,
                         const SetRows *rows, const char *provenance)
{
    SetRows  all = *rows;
    char     path[FILE_PATH_MAX], folder[FILE_PATH_MAX];
    ShardJob job = {.scratch = scratch,
                    .rows = &all,
                    .iteration = iteration,
                    .block = block,
                    .provenance = provenance};

    TRY(set_shard_path(run, path, iteration, block));
    TRY(run_path(run, folder, "examples/i%04lld", (long long)iteration));
    complete_empty(scratch, &all);
    job.shape = set_shape(&all);
    TRY(check_all(path, &job.shape, &all));
    TRY(file_make_folder(folder));
    TRY(h5_publish(run, path, SET_FORMAT_SHARD, SET_VERSION, write_shard, &job));
    return OK;
}

Err set_write_shard(const Run *run, Arena *scratch, int64_t iteration, int64_t block,
                    const SetRows *rows, const char *provenance)
{
    ArenaMark mark = arena_mark(scratch);
    Err       e = publish_shard(run, scratch, iteration, block, rows, provenance);

    arena_back(scratch, mark);
    return e;
}

// ---- the set file

typedef struct SetJob {
    Arena         *scratch;
    const SetPlan *plan;
    SetLate        late; // sorted, never without segments
    int64_t        iteration;
    const char    *provenance;
    char         **file; // [blocks], relative to the set file
    uint64_t       digest;
    int64_t        kept;
    int64_t        done;            // rows seen so far
    uint8_t       *source, *status; // [rows], by the tables of the plan
    uint16_t      *reason;
} SetJob;

static Err note_rows(void *self, const SetShard *shard, const SetRows *rows)
{
    SetJob        *job = self;
    const SetPlan *p = job->plan;

    (void)shard;
    for (int64_t r = 0; r < rows->R; r++, job->done++) {
        job->source[job->done] = (uint8_t)set_name_index(p->source_names, p->sources,
                                                         rows->source_names[rows->source[r]]);
        job->reason[job->done] = (uint16_t)set_name_index(p->reason_names, p->reasons,
                                                          rows->reason_names[rows->reason[r]]);
        job->status[job->done] = rows->status[r];
    }
    return OK;
}

static Err put_shards(H5File *f, const SetJob *job)
{
    int64_t   blocks = job->plan->blocks;
    int64_t  *rows = arena_new(job->scratch, int64_t, blocks);
    int64_t  *bytes = arena_new(job->scratch, int64_t, blocks);
    uint64_t *sum = arena_new(job->scratch, uint64_t, blocks);
    H5Array   arrays[] = {{.name = "/shards/rows",
                           .about = "Rows of each shard.",
                           .dims = "shard",
                           .kind = H5_I64,
                           .rank = 1,
                           .shape = {blocks},
                           .data = rows},
                          {.name = "/shards/bytes",
                           .about = "Size of each file.",
                           .dims = "shard",
                           .unit = "byte",
                           .kind = H5_I64,
                           .rank = 1,
                           .shape = {blocks},
                           .data = bytes},
                          {.name = "/shards/sum",
                           .about = "Sum (XXH3) of each file behind its first 512 bytes.",
                           .dims = "shard",
                           .kind = H5_U64,
                           .rank = 1,
                           .shape = {blocks},
                           .data = sum}};

    for (int64_t b = 0; b < blocks; b++) {
        rows[b] = job->plan->shard[b].shape.R;
        bytes[b] = job->plan->shard[b].bytes;
        sum[b] = job->plan->shard[b].sum;
    }
    TRY(h5_put_names(f, "/shards/file", "The files that hold the rows, beside this one.",
                     (const char *const *)job->file, (int)blocks));
    for (int i = 0; i < 3; i++)
        TRY(h5_put(f, &arrays[i]));
    return OK;
}

// Whether the shard has this column; all have the fixed ones.
static int shard_has(const SetShape *shape, const char *array)
{
    const char *group = "/score/";

    return strncmp(array, group, strlen(group)) != 0 ||
           set_name_index(shape->score_name, shape->scores, array + strlen(group)) >= 0;
}

static Err put_views(H5File *f, const SetJob *job)
{
    const SetPlan *p = job->plan;
    H5Source      *sources = arena_new(job->scratch, H5Source, p->blocks);
    H5Array        arrays[SET_ARRAYS_MAX];
    int            count = set_row_arrays(job->scratch, &p->whole, arrays);

    for (int i = 0; i < count; i++) {
        for (int64_t b = 0; b < p->blocks; b++)
            sources[b] = (H5Source){
                .file = shard_has(&p->shard[b].shape, arrays[i].name) ? job->file[b] : NULL,
                .name = arrays[i].name,
                .rows = p->shard[b].shape.R};
        TRY(h5_put_view(f, &arrays[i], sources, (int)p->blocks));
    }
    return OK;
}

static Err put_verdicts(H5File *f, const SetJob *job)
{
    int64_t rows = job->plan->whole.R;
    H5Array arrays[] = {{.name = "/source",
                         .about = "Where each row came from: index into /names/source.",
                         .dims = "row",
                         .kind = H5_U8,
                         .rank = 1,
                         .shape = {rows},
                         .data = job->source},
                        {.name = "/status",
                         .about = "0 kept, 1 rejected, 2 passed, late rejections applied.",
                         .dims = "row",
                         .kind = H5_U8,
                         .rank = 1,
                         .shape = {rows},
                         .data = job->status},
                        {.name = "/reason",
                         .about = "Why it was rejected: index into /names/reason; 0: it was not.",
                         .dims = "row",
                         .kind = H5_U16,
                         .rank = 1,
                         .shape = {rows},
                         .data = job->reason}};

    for (int i = 0; i < 3; i++)
        TRY(h5_put(f, &arrays[i]));
    return set_late_put(f, job->scratch, job->plan, &job->late);
}

static Err write_set(H5File *f, void *self)
{
    const SetJob  *job = self;
    const SetPlan *p = job->plan;
    char           digest[17];

    snprintf(digest, sizeof digest, "%016" PRIx64, job->digest);
    TRY(h5_attr_text(
        f, "/", "about",
        "An example set. /shards lists the files that hold its rows, in order. Columns "
        "of one value per row are shown here over all shards; texts (/field), segments "
        "and tokens are in the shards, since their positions begin anew in each."));
    TRY(h5_attr_i64(f, "/", "iteration", job->iteration));
    TRY(h5_attr_i64(f, "/", "rows", p->whole.R));
    TRY(h5_attr_i64(f, "/", "kept", job->kept));
    TRY(h5_attr_text(f, "/", "digest", digest));
    TRY(put_shards(f, job));
    TRY(put_views(f, job));
    TRY(put_verdicts(f, job));
    TRY(put_tables(f, p->source_names, p->sources, p->reason_names, p->reasons, p->step_names,
                   p->steps));
    TRY(h5_put_text(f, "/provenance", "How the set was made, as JSON.", job->provenance));
    TRY(h5_put_text(f, "/segments", "How its requests are divided in stages and rounds, as JSON.",
                    job->late.segments));
    return OK;
}

static Err commit(const Run *run, Arena *scratch, int64_t iteration, int64_t blocks,
                  const SetLate *late, const char *provenance)
{
    SetPlan plan;
    SetJob  job = {
         .scratch = scratch, .plan = &plan, .iteration = iteration, .provenance = provenance};
    char path[FILE_PATH_MAX];

    TRY(set_path(run, path, iteration));
    job.late = set_late_sorted(scratch, late);
    TRY(set_plan(run, scratch, iteration, blocks, NULL, &job.late, &plan));
    job.file = arena_new(scratch, char *, blocks);
    for (int64_t b = 0; b < blocks; b++)
        job.file[b] = arena_format(scratch, "i%04" PRId64 "/b%04" PRId64 ".h5", iteration, b);
    job.source = arena_new(scratch, uint8_t, plan.whole.R);
    job.status = arena_new(scratch, uint8_t, plan.whole.R);
    job.reason = arena_new(scratch, uint16_t, plan.whole.R);
    TRY(set_walk(scratch, &plan, &job.late, NULL, note_rows, &job, &job.digest, &job.kept));
    TRY(h5_publish(run, path, SET_FORMAT, SET_VERSION, write_set, &job));
    return OK;
}

Err set_commit(const Run *run, Arena *scratch, int64_t iteration, int64_t blocks,
               const SetLate *late, const char *provenance)
{
    ArenaMark mark = arena_mark(scratch);
    Err       e = commit(run, scratch, iteration, blocks, late, provenance);

    arena_back(scratch, mark);
    return e;
}
