// half.h -- 16-bit floats: IEEE half and bfloat16, widened exactly and narrowed to the nearest.
#ifndef TD_IO_FORMATS_HALF_H
#define TD_IO_FORMATS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float half_of_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t half_to_bits(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float half_widen_bf16(uint16_t half)
{
    return half_of_bits((uint32_t)half << 16);
}

float half_widen_f16(uint16_t half);
// Ties to even.  What is too large becomes infinite; NaN stays one.
uint16_t half_narrow_f16(float value);
uint16_t half_narrow_bf16(float value);

#endif
