// sched.h -- the learning rate of each optimizer step.
#ifndef TD_MODEL_SCHED_H
#define TD_MODEL_SCHED_H

#include "io/config.h"

#include <stdint.h>

typedef enum SchedKind {
    SCHED_CONSTANT, SCHED_LINEAR, SCHED_COSINE, SCHED_WSD, SCHED_INVERSE_SQRT
} SchedKind;

typedef struct SchedConfig {
    int     kind;          // SchedKind
    double  lr;            // at its highest
    int64_t warmup_steps;
    double  final_share;   // of lr, at the end (linear, cosine, wsd)
    double  decay_share;   // wsd: share of the steps that decay (linearly)
    int64_t timescale;     // inverse square root; 0: the warm-up
    double  cycles;        // cosine: 0.5 is a half wave
} SchedConfig;
extern const ConfigField SCHED_TABLE[];

// Rate of step i = 0 .. steps-1.  With the formulas of transformers' get_scheduler where one exists
// (goldens/schedules.json); see sched.c for what each kind is equal to.
double sched_rate(const SchedConfig *s, int64_t i, int64_t steps);

#endif
