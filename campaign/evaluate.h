// evaluate.h -- how good a version is: held-out problems, solved by generating.
#ifndef TD_CAMPAIGN_EVALUATE_H
#define TD_CAMPAIGN_EVALUATE_H

#include "campaign/generators.h"

enum { EVALUATE_GROUPS_MAX = 64 };

typedef struct Evaluation {
    double  accuracy; // right of all asked, or the mean over groups (Source.averages_groups)
    int     groups;
    int64_t right[EVALUATE_GROUPS_MAX], asked[EVALUATE_GROUPS_MAX];
    double  seconds;
} Evaluation;

// With the weights that are in `g`.  The same on every rank.  Collective over the generators.
Err evaluate_measure_all(Generators *g, Evaluation *out);

// A version of the run, unless metrics.jsonl holds its line already; adds that line.  *accuracy
// gets the result (from the line if it was there).  Collective over the generators.
Err evaluate_version_all(Generators *g, int64_t version, double *accuracy);

// "78.3 %   by digits: 100.0 95.5 ...", with the names of the groups where those are no numbers.
void evaluate_words(Text *t, const Settings *s, const Evaluation *e);

#endif
