// sample.h -- from logits to a token.
//
// Order as in docs/notation.md: repetition penalty, presence and frequency penalty, temperature,
// top-k, top-p, min-p; each after renormalisation by the step before.  Temperature 0 is greedy: the
// largest logit after the penalties, the lowest id among equals.
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
    double  presence_penalty;   // 0: off; taken from logits of ids written before (prompt excluded)
    double  frequency_penalty;  // 0: off; the same, once per occurrence
} SampleSpec;

// What a sequence holds already.
typedef struct SampleSeen {
    const int32_t *id; // [count], all of the vocabulary
    int64_t        count;
    int64_t        prompt; // the first so many are the prompt, the others were written
} SampleSeen;

// The distribution that would be drawn from: probabilities[V] (double).  `spare`: V * 16 bytes.
void sample_distribution(const SampleSpec *s, const float *logits, int64_t V,
                         const SampleSeen *seen, double *probabilities, void *spare);

// Draws; *logp is log p of the token under the unmodified logits, logits[t] - op_logsumexp.
// `work` [V] doubles and `spare` V * 16 bytes are scratch; rng is not used when greedy.
int32_t sample_token(const SampleSpec *s, const float *logits, int64_t V, const SampleSeen *seen,
                     Rng *rng, float *logp, double *work, void *spare);

// The `count` most likely tokens under the unmodified logits, most likely first, the lowest id
// among equals, with the log-probabilities that sample_token would give.  Beyond V: id -1.
enum { SAMPLE_TOP_MAX = 20 };
typedef struct SampleTop {
    int32_t id;
    float   logp;
} SampleTop;
void sample_top(const float *logits, int64_t V, int count, SampleTop *out);

#endif
