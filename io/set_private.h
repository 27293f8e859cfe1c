// set_private.h -- what writing and reading of example sets share; only for io/set*.c and tests.
#ifndef TD_IO_SET_PRIVATE_H
#define TD_IO_SET_PRIVATE_H

#include "io/set.h"

#define SET_FORMAT_SHARD "tandem examples"
#define SET_FORMAT       "tandem example set"

enum { SET_VERSION = 2, SET_FIXED_MAX = 24, SET_ARRAYS_MAX = SET_FIXED_MAX + 3 * SET_COLUMNS_MAX };

// How much there is of everything: known before there is memory for it.
typedef struct SetShape {
    int64_t     R, S, T;
    int64_t     text_bytes; // of all segments
    int         scores, fields;
    const char *score_name[SET_COLUMNS_MAX]; // sorted when it was read from a file
    const char *field_name[SET_COLUMNS_MAX];
    int64_t     field_bytes[SET_COLUMNS_MAX];
} SetShape;

// One shard as found on disk.
typedef struct SetShard {
    const char  *path;
    int64_t      iteration, block;
    uint64_t     sum;
    int64_t      bytes; // of the file
    SetShape     shape;
    const char **source_names, **reason_names, **step_names;
    int          sources, reasons, steps;
} SetShard;

// What the set file says.
typedef struct SetTable {
    const char *path;
    int64_t     blocks, rows, kept;
    int64_t    *shard_rows, *shard_bytes; // [blocks]
    uint64_t   *shard_sum;                // [blocks]
    SetLate     late;                     // sorted by id; its reasons are those of the whole set
    uint64_t    digest;
} SetTable;

// All shards of a set, and the names that they use together, sorted: the same however the rows were
// cut into blocks.  Steps are those of the recipe, in its order.
typedef struct SetPlan {
    int64_t      blocks;
    SetShard    *shard; // [blocks]
    SetShape     whole;
    const char **source_names, **reason_names, **step_names;
    int          sources, reasons, steps;
} SetPlan;

Err set_path(const Run *run, char out[FILE_PATH_MAX], int64_t iteration);
Err set_shard_path(const Run *run, char out[FILE_PATH_MAX], int64_t iteration, int64_t block);

// ---- set.c: what a set consists of
SetShape set_shape(const SetRows *rows);
// Memory for all columns.
void set_make(Arena *arena, const SetShape *shape, SetRows *rows);
// The arrays of a file, bound to the memory of `rows`.  Returns how many; names are in `arena`.
int set_arrays(Arena *arena, const SetShape *shape, const SetRows *rows,
               H5Array out[SET_ARRAYS_MAX]);
// The part of `all` that begins at the given places, with the columns of `shape`.
SetRows set_part(const SetRows *all, const SetShape *at, const SetShape *shape);
// Only the per-row columns that a set file can show as they are.  Returns how many.
int      set_row_arrays(Arena *arena, const SetShape *shape, H5Array out[SET_ARRAYS_MAX]);
int      set_name_index(const char *const *names, int count, const char *name); // -1: absent
int      set_id_compare(const uint64_t a[2], const uint64_t b[2]);
uint64_t set_row_sum(const SetRows *rows, int64_t r);

// ---- set_check.c: nothing that is read or written gets past these.  ERR_DATA naming the array.
Err set_check_rows(const char *path, const SetShape *shape, const SetRows *rows);
Err set_check_contents(const char *path, const SetRows *rows);

// ---- set_plan.c
// Opens every shard once.  table: what the shards must be, or NULL when there is none yet; late:
// brings more names of reasons.
Err set_plan(const Run *run, Arena *arena, int64_t iteration, int64_t blocks, const SetTable *table,
             const SetLate *late, SetPlan *plan);
// Sum, size and sizes of one shard.
Err set_shard_look(const Run *run, Arena *arena, int64_t iteration, int64_t block, SetShard *s);
// Opens a file of ours and refuses other versions: there were sets without steps.
Err set_file_open(const char *path, const char *format, H5File **out);
Err set_shard_open(const char *path, int64_t iteration, int64_t block, H5File **out);
// Rows of one shard into memory that is there (set_make, set_part), checked.
Err set_shard_fill(Arena *scratch, const SetShard *s, SetRows *rows);

// ---- set_late.c: rows rejected after their shards were written
// In the order of ids, each once, with the reason that is named first.  late: NULL for none.
SetLate set_late_sorted(Arena *arena, const SetLate *late);
Err     set_late_put(H5File *f, Arena *scratch, const SetPlan *plan, const SetLate *late);
// names: the reasons of the set file.
Err set_late_load(H5File *f, Arena *arena, const char *path, const char **names, int count,
                  SetLate *late);
// Rejects the rows that `late` lists, which may be kept or passed.  Adds to *hits how many.
Err set_late_apply(Arena *arena, const char *path, const SetLate *late, SetRows *rows,
                   int64_t *hits);

// ---- set_read.c
// Called for every shard in turn, late rejections applied, with the shard's own names.
typedef Err (*SetVisit)(void *self, const SetShard *shard, const SetRows *rows);
// Goes over all rows in the order of ids.  all: where they stay, with names and columns of the
// plan; NULL: each shard is forgotten before the next.  Gives the digest and the number of kept
// rows.
Err set_walk(Arena *scratch, const SetPlan *plan, const SetLate *late, SetRows *all, SetVisit visit,
             void *self, uint64_t *digest, int64_t *kept);

#endif
