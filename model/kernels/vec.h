// vec.h -- sixteen floats at a time, in whatever registers this instruction level has.
//
// Private to the op_*.c files.  A Vec is always 16 lanes, so that sums over a row are formed in the
// same order at every level: lane j takes elements j, j+16, ..., then the lanes are added in a
// fixed tree.  Nothing is fused.  Everything else here acts on each lane alone.
#ifndef TD_MODEL_KERNELS_VEC_H
#define TD_MODEL_KERNELS_VEC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { VEC_WIDTH = 16 };
#elif defined(__AVX__)
enum { VEC_WIDTH = 8 };
#else
enum { VEC_WIDTH = 4 };
#endif
enum { VEC = 16, VEC_PARTS = VEC / VEC_WIDTH };

typedef float   Part __attribute__((vector_size(4 * VEC_WIDTH))); // one register
typedef int32_t PartBits __attribute__((vector_size(4 * VEC_WIDTH)));

typedef float   Four __attribute__((vector_size(16)));
typedef int32_t FourBits __attribute__((vector_size(16)));

typedef struct Vec {
    Part part[VEC_PARTS];
} Vec;

// What is said once for a register and done for all of a Vec.
#define VEC_EACH(p) _Pragma("GCC unroll 4") for (int p = 0; p < VEC_PARTS; p++)

// ---- one register

static inline Part part_load(const float *x)
{
    Part r;
    memcpy(&r, x, sizeof r);
    return r;
}

static inline void part_store(float *y, Part a)
{
    memcpy(y, &a, sizeof a);
}

static inline Part part_set(float x)
{
    return x - (Part){0}; // every lane; x - 0 keeps the sign of a zero
}

static inline Part part_select(PartBits mask, Part yes, Part no)
{
    return (Part)((mask & (PartBits)yes) | (~mask & (PartBits)no));
}

static inline Part part_max(Part a, Part b)
{
    return part_select(a > b, a, b); // b where one of them is NaN
}

// e^x for x <= 88; relative error below 2e-7; exactly 1 at 0, exactly 0 below -87.33 (where float
// would lose digits), NaN for NaN.  x = n ln 2 + r; e^r by a polynomial of degree 6 that was fitted
// on |r| <= ln 2 / 2; 2^n by its exponent bits.
static inline Part part_exp(Part x)
{
    const Part lowest = part_set(-87.33F), magic = part_set(12582912); // 1.5 2^23: rounds
    PartBits   gone = x < lowest;
    Part       clamped = part_select(gone, lowest, x);
    Part       shifted = clamped * 1.44269504F + magic;
    Part       n = shifted - magic;
    Part       r = (clamped - n * 0.693359375F) - n * -2.12194440e-4F; // ln 2, in two pieces
    Part       q = 1.39263316e-3F + (Part){0};

    q = q * r + 8.36329733e-3F;
    q = q * r + 4.16665537e-2F;
    q = q * r + 1.66665763e-1F;
    q = q * r + 0.5F;
    q = q * (r * r) + r + 1;
    PartBits two_n = ((PartBits)shifted - (PartBits)magic + 127) << 23;
    return part_select(gone, (Part){0}, q * (Part)two_n);
}

// ---- sixteen lanes

static inline Vec vec_load(const float *x)
{
    Vec r;
    VEC_EACH(p) r.part[p] = part_load(x + p * VEC_WIDTH);
    return r;
}

static inline void vec_store(float *y, Vec a)
{
    VEC_EACH(p) part_store(y + p * VEC_WIDTH, a.part[p]);
}

static inline Vec vec_set(float x)
{
    Vec r;
    VEC_EACH(p) r.part[p] = part_set(x);
    return r;
}

// The ends of rows are rare: kept out of the way of the loops.
static __attribute__((noinline, unused)) void vec_copy_first(float to[VEC], const float *from,
                                                             int64_t n, float fill)
{
    for (int i = 0; i < VEC; i++)
        to[i] = i < n ? from[i] : fill;
}

// The first n of 16 (all if n >= 16), `fill` in the other lanes.  Touches nothing beyond.
static inline Vec vec_load_first(const float *x, int64_t n, float fill)
{
    float full[VEC];

    if (n >= VEC)
        return vec_load(x);
    vec_copy_first(full, x, n, fill);
    return vec_load(full);
}

static inline void vec_store_first(float *y, Vec a, int64_t n)
{
    float full[VEC];

    if (n >= VEC) {
        vec_store(y, a);
        return;
    }
    vec_store(full, a);
    memcpy(y, full, (size_t)n * sizeof *y);
}

static inline Part part_load_first(const float *x, int64_t n)
{
    float full[VEC];

    if (n >= VEC_WIDTH)
        return part_load(x);
    vec_copy_first(full, x, n, 0);
    return part_load(full);
}

static inline void part_store_first(float *y, Part a, int64_t n)
{
    float full[VEC_WIDTH];

    if (n >= VEC_WIDTH) {
        part_store(y, a);
        return;
    }
    part_store(full, a);
    memcpy(y, full, (size_t)n * sizeof *y);
}

static inline Vec vec_add(Vec a, Vec b)
{
    VEC_EACH(p) a.part[p] += b.part[p];
    return a;
}

static inline Vec vec_sub(Vec a, Vec b)
{
    VEC_EACH(p) a.part[p] -= b.part[p];
    return a;
}

static inline Vec vec_mul(Vec a, Vec b)
{
    VEC_EACH(p) a.part[p] *= b.part[p];
    return a;
}

static inline Vec vec_scale(Vec a, float s)
{
    VEC_EACH(p) a.part[p] *= s;
    return a;
}

static inline Vec vec_max(Vec a, Vec b)
{
    VEC_EACH(p) a.part[p] = part_max(a.part[p], b.part[p]);
    return a;
}

// `fill` in the lanes from n on; n may be negative or large.
static inline Vec vec_keep_first(Vec a, int64_t n, float fill)
{
    static const float index[VEC] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    Vec                lane = vec_load(index);
    float              limit = (float)n;

    VEC_EACH(p) a.part[p] = part_select(lane.part[p] < limit, a.part[p], part_set(fill));
    return a;
}

// `fill` in the lanes before n; n may be negative or large.
static inline Vec vec_keep_from(Vec a, int64_t n, float fill)
{
    static const float index[VEC] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    Vec                lane = vec_load(index);
    float              limit = (float)n;

    VEC_EACH(p) a.part[p] = part_select(lane.part[p] < limit, part_set(fill), a.part[p]);
    return a;
}

static inline Vec vec_exp(Vec a)
{
    VEC_EACH(p) a.part[p] = part_exp(a.part[p]);
    return a;
}

// 1 / (1 + e^-x) without overflow, and what it lacks to 1 without cancellation.
static inline Vec vec_sigmoid(Vec x, Vec *lacks)
{
    VEC_EACH(p)
    {
        Part     a = x.part[p];
        PartBits up = a > 0;
        Part     z = part_exp(part_select(up, -a, a)); // e^-|x|
        Part     large = 1 / (1 + z), small = z * large;

        x.part[p] = part_select(up, large, small);
        lacks->part[p] = part_select(up, small, large);
    }
    return x;
}

// tanh x to a relative error of 2e-7, and 1 - tanh^2 x without cancellation.  With z = e^-2|x|, 1 -
// tanh|x| is 2 z / (1 + z); where that cancels, tanh x is x + x^3 P(x^2), P fitted on |x| < 0.625.
static inline Vec vec_tanh(Vec x, Vec *slope)
{
    VEC_EACH(p)
    {
        Part     a = x.part[p], square = a * a;
        PartBits up = a > 0;
        Part     far = part_select(up, a, -a);
        Part     z = part_exp(far * -2), lacks = 2 * z / (1 + z);
        Part     q = part_set(-0.00571711734F), large = 1 - lacks;

        q = q * square + 0.0206506457F;
        q = q * square - 0.0537435152F;
        q = q * square + 0.133314908F;
        q = q * square - 0.333332837F;
        slope->part[p] = lacks * (2 - lacks);
        x.part[p] = part_select(far < part_set(0.625F), a + a * (square * q),
                                part_select(up, large, -large));
    }
    return x;
}

// cap tanh(x / cap); *slope: d/dx.
static inline Vec vec_cap(Vec x, float cap, Vec *slope)
{
    return vec_scale(vec_tanh(vec_scale(x, 1 / cap), slope), cap);
}

static inline Four four_fold(Four a, Four b, const int adds)
{
    FourBits more = a > b;
    return adds ? a + b : (Four)((more & (FourBits)a) | (~more & (FourBits)b));
}

// The fixed tree: halves onto halves, 16 to 8 to 4 to 2 to 1, by adding or by taking the larger.
static inline float vec_fold(Vec a, const int adds)
{
    float lane[VEC];
    Four  f[4];

    vec_store(lane, a);
    memcpy(f, lane, sizeof f);
    f[0] = four_fold(f[0], f[2], adds);
    f[1] = four_fold(f[1], f[3], adds);
    f[0] = four_fold(f[0], f[1], adds);
    f[0] = four_fold(f[0], __builtin_shufflevector(f[0], f[0], 2, 3, 2, 3), adds);
    f[0] = four_fold(f[0], __builtin_shufflevector(f[0], f[0], 1, 1, 1, 1), adds);
    return f[0][0];
}

static inline float vec_sum(Vec a)
{
    return vec_fold(a, 1);
}

static inline float vec_largest(Vec a)
{
    return vec_fold(a, 0);
}

// ---- one number

// log x for x >= 1 and finite, to float; exactly 0 at 1.  Our own, so that its bits are the same on
// every machine (libm chooses versions that fuse).  x = 2^n m, log m = 2 atanh((m-1)/(m+1)).
static inline float vec_log(float x)
{
    const uint32_t root_half = 0x3f3504f3; // bits of sqrt(1/2), below which m does not begin
    uint32_t       bits;
    float          m;

    if (!(x >= 1 && x <= 3.0e38F))
        return logf(x); // infinities and NaN
    memcpy(&bits, &x, sizeof bits);
    int32_t n = (int32_t)(bits - root_half) >> 23;
    bits -= (uint32_t)n << 23;
    memcpy(&m, &bits, sizeof m);

    double s = ((double)m - 1) / ((double)m + 1), t = s * s, series = 1.0 / 13;

    for (int k = 11; k > 0; k -= 2)
        series = series * t + 1.0 / k;
    return (float)(2 * s * series + n * 0.69314718055994531);
}

#endif
