// set.h -- example sets: the published, immutable result of the generation of one iteration.
//
// Rows are written in shards (one file each, one block of requests) and made a set by a last file
// that lists the shards with rows, bytes and sums, and shows all columns as virtual data sets.
// Contents depend on what was asked, never on which rank wrote: so do file names.
#ifndef TD_IO_SET_H
#define TD_IO_SET_H

#include "base/arena.h"
#include "io/h5.h"
#include "io/run.h"

#include <stdint.h>

enum { SET_COLUMNS_MAX = 48 };

typedef struct SetHeap { // a column of texts: row r is bytes[begin[r] .. begin[r+1])
    int64_t *begin;      // [R+1]
    char    *bytes;
} SetHeap;

// Passed: went to a pool at a commit; what came of it are later rows that name it as parent.
typedef enum SetStatus { SET_KEPT = 0, SET_REJECTED = 1, SET_PASSED = 2 } SetStatus;

// Columns of R rows, S segments, T tokens.  Everything in one arena of the maker.
typedef struct SetRows {
    int64_t   R, S, T;
    uint64_t *id;      // [R][2]: iteration << 40 | request, sample
    uint64_t *parent;  // [R][2]: the record it was made from; 0,0: none
    uint64_t *problem; // [R]: number of the problem in its source
    int64_t  *group;   // [R]: what mixtures may balance by, e.g. the number of digits; -1: none
    uint8_t  *source;  // [R]: index into source_names
    uint8_t  *status;  // [R]: SetStatus
    uint16_t *reason;  // [R]: index into reason_names; 0: none
    uint16_t *step;    // [R]: index into step_names: where it was rejected, passed or kept
    int64_t  *policy;  // [R]: version of the weights that wrote it; -1: none
    uint64_t *rng;     // [R][2]: seed, stream
    uint64_t *content; // [R]: sum over everything of the row that is content

    const char **source_names, **reason_names; // reason_names[0] is ""
    const char **step_names; // one per step of the recipe, in its order, and "end" behind the last
    int          sources, reasons, steps;

    int         scores; // columns of numbers
    const char *score_name[SET_COLUMNS_MAX];
    float      *score[SET_COLUMNS_MAX]; // [R]
    int         fields;                 // columns of texts
    const char *field_name[SET_COLUMNS_MAX];
    SetHeap     field[SET_COLUMNS_MAX];

    int64_t *segment_begin;   // [R+1]
    uint8_t *segment_role;    // [S]: SetRole
    uint8_t *segment_visible; // [S]: SetVisible
    float   *segment_weight;  // [S]
    SetHeap  segment_text;    // [S+1]

    int64_t *token_begin; // [R+1]: tokens that the policy drew, of the last generate step
    int32_t *token;       // [T]
    float   *logp;        // [T]: as the sampler computed them
} SetRows;

// Special: "bos" or "eos".  Markup: what a chat template wrote around what is said; a row that has
// such a segment is one text, in which special tokens are spelled (datagen/produce.h).
typedef enum SetRole {
    SET_SYSTEM,
    SET_USER,
    SET_ASSISTANT,
    SET_SPECIAL,
    SET_OTHER,
    SET_MARKUP,
    SET_ROLES
} SetRole;
typedef enum SetVisible { SET_GEN = 1, SET_TRAIN = 2, SET_BOTH = 3 } SetVisible;

// Fills rows->content from the other columns (not source of files, ranks or times).  A score that
// is NaN and a field that is empty count as absent.  Local.
void set_sum_rows(SetRows *rows);

// Publishes examples/iNNNN/bMMMM.h5.  Local: one writer.  Rows are in the order of their ids, each
// id once, and were summed (set_sum_rows).  provenance: a JSON text kept as /provenance (not part
// of the digest).
Err set_write_shard(const Run *run, Arena *scratch, int64_t iteration, int64_t block,
                    const SetRows *rows, const char *provenance);
// 1 if that shard is already published and whole.
int set_has_shard(const Run *run, int64_t iteration, int64_t block);

// Publishes examples/iNNNN.h5 over blocks 0 .. blocks-1, all of which must be there.  `late` lists
// rows that commits to pools rejected after their shards were written (near-duplicates), as pairs
// id[2], each with a reason.  `segments`: a JSON text, how the requests are divided in rounds and
// stages (datagen/segments.h); "" for none.  Ids grow from block to block.
typedef struct SetLate {
    int64_t      count;
    uint64_t    *id;     // [count][2]
    uint16_t    *reason; // [count]: index into reason_names
    const char **reason_names;
    int          reasons;
    const char  *segments;
} SetLate;
Err set_commit(const Run *run, Arena *scratch, int64_t iteration, int64_t blocks,
               const SetLate *late, const char *provenance);
int set_is_committed(const Run *run, int64_t iteration);

// Reads a set: sums of the set file and of every shard first, then all rows into `arena`, in id
// order, late rejections applied (in status, reason and content).  Names of sources and reasons and
// columns of all shards are merged, sorted: a score that a shard lacks is NaN, a field empty.
// ERR_DATA naming the wrong file.
Err set_read(const Run *run, Arena *arena, int64_t iteration, SetRows *rows);
// What the commit wrote beside the rows: SetLate.segments.
Err set_read_segments(const Run *run, Arena *arena, int64_t iteration, const char **segments);
// The digest of its content: a function of row contents in id order, after late rejections.
Err set_digest(const Run *run, Arena *scratch, int64_t iteration, uint64_t *digest);
// Checks the set file and all shards.  ERR_DATA naming the first wrong file.
Err set_verify(const Run *run, Arena *scratch, int64_t iteration);

// One shard as written, for restarts of the commit.
Err set_read_shard(const Run *run, Arena *arena, int64_t iteration, int64_t block, SetRows *rows);

#endif
