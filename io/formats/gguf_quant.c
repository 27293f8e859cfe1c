// The types of tensors in GGUF files: blocks of small numbers with a scale.
#include "io/formats/gguf.h"
#include "io/formats/half.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 32, SUPER = 256 }; // elements

static const struct {
    int         type;
    const char *name;
    int         block, bytes; // 0: not read
} TYPES[] = {{GGUF_TYPE_F32, "F32", 1, 4},
             {GGUF_TYPE_F16, "F16", 1, 2},
             {GGUF_TYPE_BF16, "BF16", 1, 2},
             {GGUF_TYPE_Q8_0, "Q8_0", BLOCK, 2 + 32},
             {GGUF_TYPE_Q4_0, "Q4_0", BLOCK, 2 + 16},
             {GGUF_TYPE_Q4_K, "Q4_K", SUPER, 2 + 2 + 12 + 128},
             {GGUF_TYPE_Q6_K, "Q6_K", SUPER, 128 + 64 + 16 + 2},
             {3, "Q4_1", 0, 0},
             {6, "Q5_0", 0, 0},
             {7, "Q5_1", 0, 0},
             {9, "Q8_1", 0, 0},
             {10, "Q2_K", 0, 0},
             {11, "Q3_K", 0, 0},
             {13, "Q5_K", 0, 0},
             {15, "Q8_K", 0, 0},
             {16, "IQ2_XXS", 0, 0},
             {17, "IQ2_XS", 0, 0},
             {18, "IQ3_XXS", 0, 0},
             {19, "IQ1_S", 0, 0},
             {20, "IQ4_NL", 0, 0},
             {21, "IQ3_S", 0, 0},
             {22, "IQ2_S", 0, 0},
             {23, "IQ4_XS", 0, 0},
             {24, "I8", 0, 0},
             {25, "I16", 0, 0},
             {26, "I32", 0, 0},
             {27, "I64", 0, 0},
             {28, "F64", 0, 0},
             {29, "IQ1_M", 0, 0},
             {34, "TQ1_0", 0, 0},
             {35, "TQ2_0", 0, 0},
             {39, "MXFP4", 0, 0}};
enum { TYPE_COUNT = sizeof TYPES / sizeof TYPES[0] };

const char *gguf_type_name(int type)
{
    for (int i = 0; i < TYPE_COUNT; i++)
        if (TYPES[i].type == type)
            return TYPES[i].name;
    return "unknown";
}

int64_t gguf_block(int type, int64_t *bytes)
{
    *bytes = 0;
    for (int i = 0; i < TYPE_COUNT; i++)
        if (TYPES[i].type == type) {
            *bytes = TYPES[i].bytes;
            return TYPES[i].block;
        }
    return 0;
}

static float scale_at(const unsigned char *b)
{
    uint16_t half;

    memcpy(&half, b, sizeof half);
    return half_widen_f16(half);
}

// ---- to f32, one block at a time

static void widen_q8_0(const unsigned char *b, float *to)
{
    float d = scale_at(b);

    for (int i = 0; i < BLOCK; i++)
        to[i] = d * (float)(int8_t)b[2 + i];
}

static void widen_q4_0(const unsigned char *b, float *to)
{
    float d = scale_at(b);

    for (int i = 0; i < BLOCK / 2; i++) {
        to[i] = d * (float)((b[2 + i] & 0xF) - 8);
        to[i + BLOCK / 2] = d * (float)((b[2 + i] >> 4) - 8);
    }
}

// Scale and offset of the j-th of eight parts, 6 bits each, packed into twelve bytes.
static void part_of_q4_k(const unsigned char *s, int j, int *scale, int *offset)
{
    if (j < 4) {
        *scale = s[j] & 63;
        *offset = s[j + 4] & 63;
    } else {
        *scale = (s[j + 4] & 0xF) | (s[j - 4] >> 6) << 4;
        *offset = s[j + 4] >> 4 | (s[j] >> 6) << 4;
    }
}

static void widen_q4_k(const unsigned char *b, float *to)
{
    const unsigned char *q = b + 16;
    float                d = scale_at(b), least = scale_at(b + 2);

    for (int j = 0; j < 8; j++) {
        int scale, offset;

        part_of_q4_k(b + 4, j, &scale, &offset);
        for (int i = 0; i < 32; i++) {
            int four = j % 2 == 0 ? q[j / 2 * 32 + i] & 0xF : q[j / 2 * 32 + i] >> 4;

            to[32 * j + i] = d * (float)scale * (float)four - least * (float)offset;
        }
    }
}

static void widen_q6_k(const unsigned char *b, float *to)
{
    const unsigned char *low = b, *high = b + 128, *scale = b + 192;
    float                d = scale_at(b + 208);

    for (int half = 0; half < 2; half++)
        for (int part = 0; part < 4; part++) // 32 elements each
            for (int i = 0; i < 32; i++) {
                int byte = low[64 * half + 32 * (part & 1) + i];
                int six = (part < 2 ? byte & 0xF : byte >> 4) |
                          (high[32 * half + i] >> 2 * part & 3) << 4;
                int8_t s = (int8_t)scale[8 * half + 2 * part + i / 16];

                to[128 * half + 32 * part + i] = d * (float)s * (float)(six - 32);
            }
}

static void widen_block(int type, const unsigned char *b, float *to)
{
    uint16_t half;

    switch (type) {
    case GGUF_TYPE_F32: memcpy(to, b, 4); return;
    case GGUF_TYPE_F16: *to = scale_at(b); return;
    case GGUF_TYPE_BF16:
        memcpy(&half, b, sizeof half);
        *to = half_widen_bf16(half);
        return;
    case GGUF_TYPE_Q8_0: widen_q8_0(b, to); return;
    case GGUF_TYPE_Q4_0: widen_q4_0(b, to); return;
    case GGUF_TYPE_Q4_K: widen_q4_k(b, to); return;
    case GGUF_TYPE_Q6_K: widen_q6_k(b, to); return;
    default: CHECK(0, "type %d", type);
    }
}

void gguf_widen(int type, const void *from, int64_t count, float *to)
{
    int64_t bytes, block = gguf_block(type, &bytes);

    CHECK(block > 0 && count % block == 0, "type %d, %lld elements", type, (long long)count);
    for (int64_t i = 0; i < count / block; i++)
        widen_block(type, (const unsigned char *)from + i * bytes, to + i * block);
}

// ---- from f32

static void narrow_q8_0(const float *from, unsigned char *to)
{
    float    largest = 0, d, one;
    uint16_t half;

    for (int i = 0; i < BLOCK; i++)
        largest = fabsf(from[i]) > largest ? fabsf(from[i]) : largest;
    d = largest / 127;
    one = d > 0 ? 1 / d : 0;
    half = half_narrow_f16(d);
    memcpy(to, &half, sizeof half);
    for (int i = 0; i < BLOCK; i++)
        to[2 + i] = (unsigned char)(int8_t)roundf(from[i] * one);
}

static void narrow_block(int type, const float *from, unsigned char *to)
{
    uint16_t half;

    switch (type) {
    case GGUF_TYPE_F32: memcpy(to, from, 4); return;
    case GGUF_TYPE_Q8_0: narrow_q8_0(from, to); return;
    case GGUF_TYPE_F16:
    case GGUF_TYPE_BF16:
        half = type == GGUF_TYPE_F16 ? half_narrow_f16(*from) : half_narrow_bf16(*from);
        memcpy(to, &half, sizeof half);
        return;
    default: CHECK(0, "type %d", type);
    }
}

void gguf_narrow(int type, const float *from, int64_t count, void *to)
{
    int64_t bytes, block = gguf_block(type, &bytes);

    CHECK(block > 0 && count % block == 0, "type %d, %lld elements", type, (long long)count);
    for (int64_t i = 0; i < count / block; i++)
        narrow_block(type, from + i * block, (unsigned char *)to + i * bytes);
}
