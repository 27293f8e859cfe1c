// safetensors.h -- tensors of Hugging Face folders, read with every number checked.
//
// One file `model.safetensors`, or shards named by `model.safetensors.index.json`.  Checked before
// use: header size and first byte, offsets within the file, no holes or overlaps, no duplicate
// names, product of the shape times the element size against the range, caps on everything.
#ifndef TD_IO_FORMATS_SAFETENSORS_H
#define TD_IO_FORMATS_SAFETENSORS_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

typedef enum SafeKind { SAFE_F32, SAFE_F16, SAFE_BF16, SAFE_OTHER } SafeKind;

typedef struct SafeTensor {
    const char *name;
    SafeKind    kind;
    const char *dtype; // as the file calls it: "I64"
    int         rank;
    int64_t     shape[8];
    int         file;  // index into files
    int64_t     begin; // bytes from the start of the file
    int64_t     bytes;
} SafeTensor;

typedef struct SafeFolder {
    int         files;
    char      **path; // [files]
    int64_t     count;
    SafeTensor *tensor; // [count], sorted by name
} SafeFolder;

// ERR_DATA or ERR_IO, naming the file and the tensor.  Local.
Err               safetensors_open(Arena *arena, const char *folder, SafeFolder *out);
Err               safetensors_open_file(Arena *arena, const char *path, SafeFolder *out);
const SafeTensor *safetensors_find(const SafeFolder *f, const char *name); // NULL if absent
// All values as f32 (f16 and bf16 widened exactly) into out[product of shape].
Err safetensors_read(const SafeFolder *f, const SafeTensor *t, float *out);

#endif
