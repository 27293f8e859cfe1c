// rope.h -- the frequencies of rotary positions, and how configs say them.
#ifndef TD_MODEL_ROPE_H
#define TD_MODEL_ROPE_H

#include "base/err.h"
#include "base/text.h"
#include "io/json.h"

#include <stdint.h>

// How a context is stretched beyond the one a model was made with.
typedef enum RopeKind {
    ROPE_DEFAULT, // Su 2021
    ROPE_LINEAR,  // Chen 2023: position interpolation
    ROPE_DYNAMIC, // by the length of the text, once it is beyond the context: never here
    ROPE_LLAMA3,  // long waves are stretched, short ones are not
    ROPE_YARN     // Peng 2023
} RopeKind;

typedef struct Rope {
    RopeKind kind;
    double   theta;
    double   factor;               // of the stretching
    double   original;             // context before the stretching
    double   low_freq, high_freq;  // llama3
    double   beta_fast, beta_slow; // yarn
    double   attention_factor;     // yarn; 0: by the formula
    double   mscale, mscale_all;   // yarn; 0: not given
    int      is_smooth;            // yarn: the bounds of the ramp are not rounded
} Rope;

// frequency[n/2] for n elements of a head that turn; returns the factor of cosine and sine.  The
// formulas are in docs/notation.md.
double rope_frequencies(const Rope *r, int n, double *frequency);

// From a model config, either spelling (docs/formats.md).  `theta_key`, `share_key`: where the
// older spelling has theta and the share of the head that turns (NULL: nowhere).  context:
// positions that the model has.  *share: what the config says, or `share_standard`.  local_key:
// where the older spelling has the theta of layers with a window (NULL: they have no positions of
// their own); *local is then set, else its theta is 0.
typedef struct RopeKeys {
    const char *theta_key, *share_key;
    double      share_standard, theta_standard;
    const char *local_key;
    double      local_standard;
} RopeKeys;
Err rope_read(const Json *config, const RopeKeys *keys, int64_t context, Rope *out, Rope *local,
              double *share);
// The value of "rope_scaling": null or an object.
void rope_write(Text *t, const Rope *r);

#endif
