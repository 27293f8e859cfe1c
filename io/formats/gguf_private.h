// gguf_private.h -- bytes of a GGUF file, for io/gguf*.c.
#ifndef TD_IO_FORMATS_GGUF_PRIVATE_H
#define TD_IO_FORMATS_GGUF_PRIVATE_H

#include "io/formats/gguf.h"

// Caps on what a stranger's file may ask of us, far above any published model.
enum {
    GGUF_PAIRS_MAX = 65536,
    GGUF_TENSORS_MAX = 65536,
    GGUF_KEY_MAX = 65535,
    GGUF_NAME_MAX = 512,
    GGUF_DEPTH_MAX = 4,
    GGUF_ALIGN_MAX = 65536
};

typedef struct GgufCursor {
    const char *path;
    Map         map;
    int64_t     at;
} GgufCursor;

// Bytes of one value of a kind; 0 for texts and arrays.
int gguf_kind_bytes(GgufKind kind);
// The next bytes, which are skipped.  ERR_DATA if the file ends before.
Err gguf_take(GgufCursor *c, int64_t bytes, const unsigned char **out);
Err gguf_take_u64(GgufCursor *c, uint64_t *out);
Err gguf_take_text(GgufCursor *c, GgufText *out);

#endif
