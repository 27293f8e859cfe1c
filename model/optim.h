// optim.h -- AdamW (Loshchilov and Hutter 2019) on the slice of parameters that a rank owns.
#ifndef TD_MODEL_OPTIM_H
#define TD_MODEL_OPTIM_H

#include "base/arena.h"
#include "io/config.h"
#include "model/params.h"

#include <stdint.h>

typedef struct OptimConfig {
    double beta1, beta2, eps, decay;
    double clip;       // norm of all gradients; 0: off
    int    decays_all; // decay every tensor, not only matrices that are no embeddings
} OptimConfig;
extern const ConfigField OPTIM_TABLE[];

typedef struct Optim {
    OptimConfig config;
    int64_t     begin, end; // slice of the flat vector
    float      *m, *v;      // [end - begin]
    uint8_t    *decays;     // [end - begin]
    int64_t     step;       // updates done
} Optim;

int64_t optim_need(int64_t slice);
Optim   optim_make(Arena *run, const OptimConfig *c, const Params *p, int64_t begin, int64_t end);
void    optim_reset(Optim *o); // moments and step to zero

// Sums of squares of grad[begin..end) by REDUCE_BLOCK-sized blocks, in double: out[block - first].
void optim_block_squares(const float *grad, int64_t begin, int64_t end, double *out);
// Norm from the sums of all blocks, added in order.
double optim_norm(const double *squares, int64_t blocks);

// One update of flat[begin..end) with grad * min(1, clip / (norm + 1e-6)); docs/notation.md has the
// formula.  Elementwise: bits do not depend on the slice.
void optim_update(Optim *o, float *flat, const float *grad, double norm, double lr);

#endif
