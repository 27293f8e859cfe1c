// source.h -- where problems come from: numbered problems with named fields, in splits.
//
// A source is data (JSON) plus a generator in C, or a file of records.  Splits: "train" (fresh
// problems for every iteration, never one of the held-out ones), "seeds" (a few worked examples)
// and "held-out" (a fixed test, the same for every seed).  Problem k of a split depends on (seed,
// split, iteration, k) alone.
#ifndef TD_DATAGEN_SOURCE_H
#define TD_DATAGEN_SOURCE_H

#include "base/arena.h"
#include "datagen/record.h"
#include "io/json.h"

#include <stdint.h>

typedef struct Source Source;

typedef enum SourceSplit { SPLIT_TRAIN, SPLIT_SEEDS, SPLIT_HELD_OUT } SourceSplit;

// What a kind of source is.  A kind's own struct begins with a Source.
typedef struct SourceKind {
    const char *name, *about;
    // config: the object, with "kind"; folder: files in it are named relative to this.
    Err (*make)(Arena *run, const Json *config, const char *folder, uint64_t seed, Source **out);
    int64_t (*count)(const Source *s, SourceSplit split);
    void (*draw)(const Source *s, SourceSplit split, int64_t iteration, int64_t k, Record *r);
    const char *const *(*fields)(const Source *s, int *count);
    const char *const *(*verdicts)(const Source *s, int *count);
    int64_t (*max_tokens)(const Source *s); // 0: the source says nothing of it
    int (*parse)(const Source *s, const char *question, Record *r); // NULL: no such form
    int (*is_held_out)(const Source *s, const Record *r);           // NULL with parse
    void (*verify)(const Source *s, const char *text, Record *r, const char *verdict); // or NULL
} SourceKind;

struct Source {
    const SourceKind *kind;
    uint64_t          sum;     // over the records that came from files; 0: there are none
    int64_t           total;   // different problems of SPLIT_TRAIN; 0: without an end
    int64_t           longest; // bytes of the texts of the largest record from files
    const char       *report;  // what was found in files, lines; "" or NULL: nothing to say
    // Groups that evaluation reports by, and classes that mixtures weigh by; both are functions of
    // a record's group number.  Filled by make.
    int                groups, classes;
    const char        *group_label;                  // "digits"
    const char *const *group_name;                   // [groups], for tables: "1", "new pairs"
    int (*group_of)(const Source *s, int64_t group); // NULL: the group itself
    int averages_groups; // accuracy is the mean over the groups, else what is right of all asked
    int (*class_of)(const Source *s, int64_t group); // NULL: one class
    const double *class_weight;                      // [classes]
};

extern const SourceKind source_addition, source_chains, source_records;

// {"kind": "addition" | "chains" | "records", ...}; each kind has a table of its own (source_*.c).
// ERR_CONFIG; for files ERR_DATA with file and line.
Err source_make(Arena *run, const Json *config, const char *folder, uint64_t seed, Source **out);

// Sum over the records that came from files: a run goes on with the same ones only.
uint64_t source_sum(const Source *s);

// A line for each file: what it is, how many records, what was left out and why.  "": no files.
const char *source_report(const Source *s);

// Different problems of SPLIT_TRAIN: as many draws as give each of them once; 0: they have no end.
int64_t source_total(const Source *s);

// Bytes of the texts of the largest record that came from files; 0: there are none.
int64_t source_longest(const Source *s);

// Number of problems in a split; -1: as many as asked for (SPLIT_TRAIN).
int64_t source_count(const Source *s, SourceSplit split);

// Groups that evaluation reports by (digits 1..5 -> groups 0..4), their label ("digits") and names,
// and the one that a record's group number belongs to (-1: none).
int         source_groups(const Source *s);
const char *source_group_label(const Source *s);
const char *source_group_name(const Source *s, int group);
int         source_group_of(const Source *s, int64_t group);
// Classes of groups, drawn from by weight when a mixture balances.
int    source_classes(const Source *s);
int    source_class_of(const Source *s, int64_t group);
double source_class_weight(const Source *s, int class_number);

// Puts the fields of problem k into the record (question, answer, hint, worked, max_tokens, ...)
// and sets its problem number and group.
void source_draw(const Source *s, SourceSplit split, int64_t iteration, int64_t k, Record *r);

// Names of the fields that source_draw sets, and of the verdicts that it judges ("hinted"), for
// checking recipes before a run.
const char *const *source_fields(const Source *s, int *count);
const char *const *source_verdicts(const Source *s, int *count);
// The largest number in the field max_tokens.
int64_t source_max_tokens(const Source *s);

// Reads a question that a model wrote ("12+34") into the same fields.  0 if it is not a well-formed
// problem of this source; a held-out one is well-formed: ask source_is_held_out.
int source_parse(const Source *s, const char *question, Record *r);
int source_is_held_out(const Source *s, const Record *r);
int source_can_parse(const Source *s); // whether it has such a form at all

// Judges a whole worked text by the rules of the source (every step of it, not the answer alone):
// record_judge_why.  ERR_CONFIG-checked by source_can_verify when a recipe is read.
int  source_can_verify(const Source *s);
void source_verify(const Source *s, const char *text, Record *r, const char *verdict);

#endif
