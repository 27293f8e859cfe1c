// ckpt_private.h -- what writing and reading of weights and states share; only for io/ckpt*.c.
#ifndef TD_IO_CKPT_PRIVATE_H
#define TD_IO_CKPT_PRIVATE_H

#include "io/ckpt.h"

#define CKPT_FORMAT_WEIGHTS "tandem weights"
#define CKPT_FORMAT_STATE   "tandem state"
#define CKPT_FORMAT_ANY     CKPT_FORMAT_WEIGHTS "|" CKPT_FORMAT_STATE

enum { CKPT_VERSION = 1, CKPT_WHICH = 3 };

// Weights, first and second moments: the group of each.
extern const char *const CKPT_GROUPS[CKPT_WHICH];

// The array that holds a tensor, without data; its name is in `arena`.
H5Array ckpt_array(Arena *arena, const CkptTensor *t, int which);

#endif
