// sched.h -- the learning rate of each optimizer step.
#ifndef TD_MODEL_SCHED_H
#define TD_MODEL_SCHED_H

#include "io/config.h"

#include <stdint.h>

typedef enum SchedKind {
    SCHED_CONSTANT,
    SCHED_LINEAR,
    SCHED_COSINE,
    SCHED_WSD,
    SCHED_INVERSE_SQRT,
    SCHED_POLYNOMIAL,
    SCHED_COSINE_RESTARTS
} SchedKind;

typedef enum SchedShape { SCHED_STRAIGHT, SCHED_WAVE, SCHED_ROOT } SchedShape;
typedef enum SchedFrom { SCHED_FROM_ZERO, SCHED_FROM_ONE, SCHED_FROM_FINAL } SchedFrom;

typedef struct SchedConfig {
    int     kind; // SchedKind
    double  lr;   // at its highest
    int64_t warmup_steps;
    double  warmup_most;  // the warm-up is cut to this share of all steps, plus one step; 1: never
    int     warmup_from;  // SchedFrom: rate of step 0
    int     warmup_shape; // SchedShape
    double  final_share;  // of lr, at the end (all but constant and inverse square root)
    double  decay_share;  // wsd: share of the steps that decay
    int64_t decay_steps;  // wsd: their number instead, if it is not 0
    int     decay_shape;  // wsd: SchedShape
    int64_t timescale;    // inverse square root; 0: the warm-up
    double  cycles;       // cosine: 0.5 is a half wave; restarts: number of descents
    double  power;        // polynomial
} SchedConfig;
extern const ConfigField SCHED_TABLE[];

// Rate of step i = 0 .. steps-1.  With the formulas of transformers' get_scheduler where one exists
// (docs/notation.md); see sched.c for what each kind is equal to.
double sched_rate(const SchedConfig *s, int64_t i, int64_t steps);

#endif
