// task_metrics.h -- metrics of answers, and how far a result may be off.
#ifndef TD_CAMPAIGN_TASKS_TASK_METRICS_H
#define TD_CAMPAIGN_TASKS_TASK_METRICS_H

#include "base/unitext.h"
#include "datagen/near/near.h"

#include <stdint.h>

// pass@k, without bias: the chance that at least one of k answers drawn from n, of which c are
// right, is right: 1 - C(n-c, k) / C(n, k) (Chen et al. 2021, section 2.1).  k <= n.
double metric_pass(int64_t n, int64_t c, int64_t k);

// The answer that most samples gave (Wang et al. 2022, self-consistency).  Of answers that are
// equally frequent, the one whose samples have the higher mean of `logp`; of these, the one that
// came first.  An answer with text NULL does not vote.  Index of its first sample, -1: no votes.
int64_t metric_majority(const Span *answer, const double *logp, int64_t n);

// ROUGE-L (near.h), F of the longest common subsequence; two texts without words: 0.
double metric_rouge_l(Arena *scratch, Span a, Span b);

typedef enum IntervalKind {
    INTERVAL_NONE,   // fewer than two examples
    INTERVAL_WILSON, // of a proportion (Wilson 1927): every value is 0 or 1
    INTERVAL_NORMAL  // mean plus or minus 1.96 standard errors
} IntervalKind;

typedef struct Interval { // 95 %
    IntervalKind kind;
    double       value, low, high; // low = high = value for INTERVAL_NONE
} Interval;

// Of a proportion: `right` of n > 0.
Interval interval_wilson(int64_t right, int64_t n);
// Of the mean of n > 0 values from 0 to 1: Wilson's if all of them are 0 or 1, else the normal one,
// cut at 0 and 1.
Interval interval_mean(const double *value, int64_t n);
// Of sum(a) / sum(b) over n > 0 examples, which are what is sampled: the ratio estimator's standard
// error (Cochran 1977, section 2.11).  sum(b) > 0.
Interval interval_ratio(const double *a, const double *b, int64_t n);

#endif
