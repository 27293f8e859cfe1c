// yields.h -- where the records of example sets went: kept, passed or rejected at which step, and
// why.
#ifndef TD_CAMPAIGN_REPORT_YIELDS_H
#define TD_CAMPAIGN_REPORT_YIELDS_H

#include "base/text.h"
#include "io/set.h"

typedef struct YieldStep {
    const char *name; // "3 parse"
    int64_t     kept, passed, rejected;
    int64_t    *because; // [reasons]: rejected, by reason
} YieldStep;

typedef struct Yields {
    int64_t      records, kept, passed, rejected;
    int          reasons, steps;
    const char **reason; // [reasons], sorted
    YieldStep   *step;   // [steps], in the order of the recipe
} Yields;

// All steps and reasons that the rows name, also those without records; the names are copied.
void yields_count(Arena *arena, const SetRows *rows, Yields *out);
// Adds `more` to a sum that began as {0}.  Steps of different recipes are told apart by their
// names.
void yields_add(Arena *arena, Yields *sum, const Yields *more);
// Whether both have the same steps: one recipe made them.
int yields_alike(const Yields *a, const Yields *b);
// The reasons of a step that have records, those with most first: the one behind `last`, the first
// if last is -1; -1 behind the end.
int yields_next(const Yields *y, const YieldStep *step, int last);

// `"records": 8, "kept": 3, ..., "steps": [...]` without braces around it; only what has records.
void yields_json(Text *t, const Yields *y);
// For people: a line per step with records, columns aligned.
void yields_table(Text *t, const Yields *y);

#endif
