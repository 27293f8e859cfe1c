// sample.h -- from logits to a token.
//
// Order as in docs/notation.md: repetition penalty, temperature, top-k, top-p, min-p; each after
// renormalisation by the step before.  Temperature 0 is greedy: the largest logit after the
// penalty, the lowest id among equals.
#ifndef TD_MODEL_SAMPLE_H
#define TD_MODEL_SAMPLE_H

#include "base/arena.h"
#include "base/rng.h"

#include <stdint.h>

typedef struct SampleSpec {
    double  temperature;        // >= 0
    int64_t top_k;              // 0: off; keeps ties
    double  top_p;              // 1: off; drops from the smallest up while cumulative <= 1 - top_p
    double  min_p;              // 0: off; drops p < min_p * p_max
    double  repetition_penalty; // 1: off; on ids seen before (prompt included), once each
} SampleSpec;

// The distribution that would be drawn from: probabilities[V] (double).  `spare`: V * 16 bytes.
void sample_distribution(const SampleSpec *s, const float *logits, int64_t V,
                         const int32_t *previous, int64_t previous_count, double *probabilities,
                         void *spare);

// Draws; *logp is log p of the token under the unmodified logits, logits[t] - op_logsumexp.
// `work` [V] doubles and `spare` V * 16 bytes are scratch; rng is not used when greedy.
int32_t sample_token(const SampleSpec *s, const float *logits, int64_t V, const int32_t *previous,
                     int64_t previous_count, Rng *rng, float *logp, double *work, void *spare);

#endif
