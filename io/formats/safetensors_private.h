// safetensors_private.h -- one safetensors file, for the reader of folders.
#ifndef TD_IO_FORMATS_SAFETENSORS_PRIVATE_H
#define TD_IO_FORMATS_SAFETENSORS_PRIVATE_H

#include "io/formats/safetensors.h"

#include <stdint.h>

// Caps on what a stranger's file may ask of us, far above any published model.
enum { SAFE_TENSORS_MAX = 65536, SAFE_FILES_MAX = 4096, SAFE_NAME_MAX = 512, SAFE_RANK_MAX = 8 };

// A plain file, opened for reading, and its size; the caller closes it.  ERR_IO.
Err safetensors_open_bytes(const char *path, int *fd, int64_t *bytes);

// Bytes [from, from + bytes) in pieces.  ERR_IO; ERR_DATA if the file ends before.
Err safetensors_read_at(int fd, const char *path, int64_t from, void *out, int64_t bytes);

// ERR_DATA unless the arena has room for that many bytes more.
Err safetensors_room(const Arena *arena, const char *path, int64_t bytes);

// The tensors of one file, all checked, in the order of their bytes.  ERR_IO, ERR_DATA.
Err safetensors_scan(Arena *arena, const char *path, SafeTensor **tensors, int64_t *count);

#endif
