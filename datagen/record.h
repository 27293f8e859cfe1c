// record.h -- what flows through a recipe: named texts, verdicts, numbers, and where it came from.
#ifndef TD_DATAGEN_RECORD_H
#define TD_DATAGEN_RECORD_H

#include "base/arena.h"
#include "io/set.h"

#include <stdint.h>

enum { RECORD_FIELDS_MAX = 32, RECORD_VERDICTS_MAX = 16, RECORD_SCORES_MAX = 8 };

typedef struct RecordField {
    const char *name; // interned: equal names are equal pointers
    const char *text; // in the record's arena
    int64_t     length;
} RecordField;

typedef struct RecordSegment {
    SetRole     role;
    SetVisible  visible;
    float       weight;
    const char *text; // for SET_SPECIAL: "bos" or "eos"
    int64_t     length;
} RecordSegment;

typedef struct Record {
    Arena   *arena; // borrowed: where texts go
    uint64_t request, sample;
    uint64_t problem;
    int64_t  group;
    uint64_t parent[2];

    int         fields;
    RecordField field[RECORD_FIELDS_MAX];
    int         verdicts; // named yes/no, also kept as scores 0 and 1
    const char *verdict_name[RECORD_VERDICTS_MAX];
    int         verdict[RECORD_VERDICTS_MAX];
    const char *verdict_why[RECORD_VERDICTS_MAX]; // what speaks against it: "wrong"; "" if nothing
    int         scores;                           // named numbers
    const char *score_name[RECORD_SCORES_MAX];
    double      score[RECORD_SCORES_MAX];
    int         segments, segment_room;
    RecordSegment *segment; // [segments] of [segment_room]

    const char *source; // "generated", "rationalized", "gold", ...: interned
    SetStatus   status;
    const char *reason; // "" while kept
    int         step;   // number of the step at which it was rejected, or went to a pool
    const void *items;  // what a splitting step found in it, for the records that come of it
    int64_t     item_count;
    int         go_to; // for STEP_GOTO: the place of the next step
    int64_t     policy;
    uint64_t    rng[2];

    int64_t  tokens; // of the last generate step
    int32_t *token;
    float   *logp;
} Record;

// The text of a field; NULL if there is none.  Names need not be interned for this one.
const RecordField *record_field(const Record *r, const char *name);
// Sets or replaces; copies text into the record's arena, interns the name.
void record_set(Record *r, const char *name, const char *text, int64_t length);
int  record_verdict(const Record *r, const char *name); // -1 if there is none
void record_judge(Record *r, const char *name, int yes);
// The same with what speaks against it, the reason of a later rejection: a literal, "" for a yes.
void   record_judge_why(Record *r, const char *name, const char *why);
void   record_rate(Record *r, const char *name, double value); // sets or replaces a score
double record_score(const Record *r, const char *name);        // NaN if there is none
// What is learned from it: none any more, one more.  Text is borrowed.
void record_clear_segments(Record *r);
void record_add_segment(Record *r, RecordSegment segment);
void record_reject(Record *r, const char *reason); // first reason stays

// Names are interned in one table per process, filled while recipes are read.
const char *record_name(const char *name);

// Whether a field or a verdict may be called so: letters, digits and _, at most RECORD_NAME_MAX.
enum { RECORD_NAME_MAX = 40 };
int record_name_is_good(const char *name);

#endif
