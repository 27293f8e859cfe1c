// safetensors_write.h -- one safetensors file, whole or not at all.
#ifndef TD_IO_FORMATS_SAFETENSORS_WRITE_H
#define TD_IO_FORMATS_SAFETENSORS_WRITE_H

#include "io/formats/safetensors.h"

typedef struct SafeOut {
    const char *name;
    int         rank;
    int64_t     shape[8];
} SafeOut;

// Brings the values of tensor n, row by row.
typedef Err (*SafeBring)(void *self, int tensor, float *values);

// All tensors of one kind: SAFE_F32, SAFE_F16 or SAFE_BF16.  `scratch` holds one at a time.
// ERR_NUMBER naming the tensor if a value is not finite, or not in the kind; ERR_IO.
Err safetensors_write(Arena *scratch, const char *path, SafeKind kind, const SafeOut *tensors,
                      int count, SafeBring bring, void *self);

#endif
