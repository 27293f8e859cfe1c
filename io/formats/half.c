#include "io/formats/half.h"

float half_widen_f16(uint16_t half)
{
    uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1Fu, fraction = half & 0x3FFu;

    if (exponent == 0x1F) // infinite or not a number
        return half_of_bits(sign | 0x7F800000u | fraction << 13);
    if (exponent != 0)
        return half_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    if (fraction == 0)
        return half_of_bits(sign);
    exponent = 113; // too small for f16 to be normal, normal as f32
    while ((fraction & 0x400) == 0) {
        fraction <<= 1;
        exponent--;
    }
    return half_of_bits(sign | exponent << 23 | (fraction & 0x3FF) << 13);
}

// bits / 2^shift, to the nearest, ties to even.
static uint32_t shift_round(uint32_t bits, int shift)
{
    uint32_t half = 1u << (shift - 1), rest = bits & ((1u << shift) - 1), whole = bits >> shift;

    return whole + (rest > half || (rest == half && (whole & 1)));
}

uint16_t half_narrow_f16(float value)
{
    uint32_t bits = half_to_bits(value), sign = bits >> 16 & 0x8000u, size = bits & 0x7FFFFFFFu;
    int      exponent = (int)(size >> 23) - 112; // as f16 has it

    if (size > 0x7F800000u)
        return (uint16_t)(sign | 0x7E00u);
    if (exponent >= 0x1F)
        return (uint16_t)(sign | 0x7C00u);
    if (exponent > 0) // a carry out of the fraction goes into the exponent, up to infinity
        return (uint16_t)(sign | shift_round(size - (112u << 23), 13));
    if (exponent < -10)
        return (uint16_t)sign;
    return (uint16_t)(sign | shift_round((size & 0x7FFFFFu) | 0x800000u, 14 - exponent));
}

uint16_t half_narrow_bf16(float value)
{
    uint32_t bits = half_to_bits(value);

    if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)shift_round(bits, 16);
}
