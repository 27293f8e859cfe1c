// llama2c.h -- the weight files and vocabularies of llama2.c, read with every size checked.
//
// Three layouts: v0 (28 bytes of sizes, then f32), v1 (256 bytes, then f32) and v2 (256 bytes,
// norms in f32, matrices in int8 with one f32 scale per group: "Q8_0").  The rotary pairs are
// neighbours in a head: (0, 1), (2, 3), ...
#ifndef TD_IO_FORMATS_LLAMA2C_H
#define TD_IO_FORMATS_LLAMA2C_H

#include "base/arena.h"
#include "io/map.h"

#include <stdint.h>

typedef enum Llama2cPart { // LLAMA2C_NORM1 to DOWN: one per layer
    LLAMA2C_EMBED,         // [vocabulary][width]
    LLAMA2C_NORM1,         // [width]
    LLAMA2C_NORM2,
    LLAMA2C_Q, // [width][width]
    LLAMA2C_K, // [kv_heads * width / heads][width]
    LLAMA2C_V,
    LLAMA2C_OUT,  // [width][width]
    LLAMA2C_GATE, // [inner][width]
    LLAMA2C_DOWN, // [width][inner]
    LLAMA2C_UP,   // [inner][width]
    LLAMA2C_NORMF,
    LLAMA2C_HEAD, // absent if shared
    LLAMA2C_PARTS
} Llama2cPart;

typedef struct Llama2c {
    const char *path;
    Map         map;
    int         version; // 0, 1, 2
    int64_t     width, inner, layers, heads, kv_heads, vocabulary, context;
    int         is_shared; // the head is the embedding
    int64_t     group;     // v2: elements of a scale
    int64_t     begin[LLAMA2C_PARTS];
} Llama2c;

// Whether the file begins as one of them, by its first bytes and its size.  0 also if it cannot be
// read.
int llama2c_is(const char *path);
// Local; llama2c_close also after a failure.  ERR_IO; ERR_DATA: sizes that do not fit together or
// not with the file's size, and the files of PyTorch, with a hint.
Err  llama2c_open(Arena *arena, const char *path, Llama2c *out);
void llama2c_close(Llama2c *f);

int64_t llama2c_elements(const Llama2c *f, Llama2cPart part); // of one layer
void    llama2c_read(const Llama2c *f, Llama2cPart part, int64_t layer, float *out);

// A vocabulary: `count` pieces with scores, without types.  ERR_DATA if the file does not hold
// exactly so many.
typedef struct Llama2cVocab {
    int64_t      count;
    const char **text;   // [count], not ended by a zero byte
    int64_t     *length; // [count]
    float       *score;  // [count]
} Llama2cVocab;
Err llama2c_vocab(Arena *arena, const char *path, int64_t count, Llama2cVocab *out);

#endif
