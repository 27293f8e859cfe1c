// gguf.h -- GGUF files (llama.cpp's): metadata and tensors, read mapped, with every size checked
// before it is used; and written.
//
// A file is: magic, version, counts, pairs of key and value, the table of tensors, and behind
// padding the tensors.  Versions 2 and 3, little-endian.
#ifndef TD_IO_FORMATS_GGUF_H
#define TD_IO_FORMATS_GGUF_H

#include "base/arena.h"
#include "base/text.h"
#include "io/map.h"

#include <stdint.h>

typedef enum GgufKind {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_FLAG,
    GGUF_TEXT,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_KINDS
} GgufKind;

typedef enum GgufType { // of tensors: those that are read
    GGUF_TYPE_F32 = 0,
    GGUF_TYPE_F16 = 1,
    GGUF_TYPE_Q4_0 = 2,
    GGUF_TYPE_Q8_0 = 8,
    GGUF_TYPE_Q4_K = 12,
    GGUF_TYPE_Q6_K = 14,
    GGUF_TYPE_BF16 = 30
} GgufType;

enum { GGUF_RANK_MAX = 4, GGUF_ALIGN = 32, GGUF_VERSION = 3 };

typedef struct GgufText { // not ended by a zero byte
    const char *data;
    int64_t     length;
} GgufText;

typedef struct GgufPair {
    const char          *key;
    GgufKind             kind;
    GgufKind             of;    // ARRAY: kind of the members
    int64_t              count; // ARRAY: members
    const unsigned char *data;  // in the file
} GgufPair;

typedef struct GgufTensor {
    const char *name;
    int         type; // a GgufType, or one that is not read
    int         rank;
    int64_t     shape[GGUF_RANK_MAX]; // rows first, as everywhere here; files say columns
                                      // first
    int64_t              elements;
    const unsigned char *data; // NULL if the type is not read
    int64_t              bytes;
} GgufTensor;

typedef struct Gguf {
    const char *path;
    Map         map;
    int         version;
    int64_t     pairs, tensors;
    GgufPair   *pair;   // [pairs], sorted by key
    GgufTensor *tensor; // [tensors], sorted by name
} Gguf;

// Local; gguf_close also after a failure.  ERR_IO, ERR_DATA naming the byte, the key or the tensor.
Err  gguf_open(Arena *arena, const char *path, Gguf *out);
void gguf_close(Gguf *g);

// ---- metadata.  Absent keys take the standard value; those of another kind are ERR_DATA.

const GgufPair *gguf_find(const Gguf *g, const char *key); // NULL if absent
Err gguf_get_i64(const Gguf *g, const char *key, int64_t min, int64_t max, int64_t standard,
                 int64_t *out);
Err gguf_get_f64(const Gguf *g, const char *key, double standard, double *out);
Err gguf_get_flag(const Gguf *g, const char *key, int standard, int *out);
// A copy in `arena`; NULL if absent.  Bytes that are not UTF-8, or zero, are ERR_DATA.
Err gguf_get_text(Arena *arena, const Gguf *g, const char *key, const char **out);
// Arrays: *count is 0 if absent.
Err gguf_get_texts(Arena *arena, const Gguf *g, const char *key, GgufText **out, int64_t *count);
Err gguf_get_floats(Arena *arena, const Gguf *g, const char *key, float **out, int64_t *count);
Err gguf_get_ints(Arena *arena, const Gguf *g, const char *key, int64_t **out, int64_t *count);
const char *gguf_kind_name(GgufKind kind);

// ---- tensors

const GgufTensor *gguf_tensor(const Gguf *g, const char *name); // NULL if absent
// All values as f32, row by row.  ERR_DATA if the type is not one of GgufType.
Err         gguf_read(const Gguf *g, const GgufTensor *t, float *out);
const char *gguf_type_name(int type); // "Q4_K"; "type 99" is said as "unknown"

// Elements of a block and its bytes; 0 if the type is not read.
int64_t gguf_block(int type, int64_t *bytes);
// count is a multiple of the block.
void gguf_widen(int type, const void *from, int64_t count, float *to);
// F32, F16, BF16, Q8_0 (each element within half a step of its block's largest / 127).
void gguf_narrow(int type, const float *from, int64_t count, void *to);

// ---- writing

typedef struct GgufMeta { // pairs in the making
    Text    bytes;
    int64_t count;
} GgufMeta;

GgufMeta gguf_meta(Arena *arena);
void     gguf_put_u32(GgufMeta *m, const char *key, uint32_t value);
void     gguf_put_f32(GgufMeta *m, const char *key, float value);
void     gguf_put_flag(GgufMeta *m, const char *key, int value);
void     gguf_put_text(GgufMeta *m, const char *key, const char *text);
void     gguf_put_texts(GgufMeta *m, const char *key, const GgufText *list, int64_t count);
void     gguf_put_floats(GgufMeta *m, const char *key, const float *list, int64_t count);
void     gguf_put_ints(GgufMeta *m, const char *key, const int32_t *list, int64_t count);

typedef struct GgufOut {
    const char *name;
    GgufType    type; // F32, F16, BF16, Q8_0 (rows of a multiple of 32)
    int         rank;
    int64_t     shape[GGUF_RANK_MAX]; // rows first
} GgufOut;

// Brings the values of tensor n, row by row.
typedef Err (*GgufBring)(void *self, int tensor, float *values);
// A whole file, or none.  `scratch` holds one tensor at a time.  ERR_NUMBER naming the tensor if a
// value is not finite, or too large for F16; ERR_IO.
Err gguf_write(Arena *scratch, const char *path, const GgufMeta *meta, const GgufOut *tensors,
               int count, GgufBring bring, void *self);

#endif
