#include "model/kernels/gemm_private.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET     __attribute__((target("avx512f")))
#define PART       16
#define part_zero  _mm512_setzero_ps
#define part_load  _mm512_loadu_ps
#define part_store _mm512_storeu_ps
#define part_fused _mm512_fmadd_ps
typedef __m512 Part;

static inline __attribute__((always_inline)) TARGET Part part_spread(const float *x)
{
    return _mm512_set1_ps(*x);
}

static inline __attribute__((always_inline)) TARGET __mmask16 part_mask(int n)
{
    return (__mmask16)((1U << n) - 1);
}

static inline __attribute__((always_inline)) TARGET Part part_load_some(const float *x, int n)
{
    return _mm512_maskz_loadu_ps(part_mask(n), x);
}

static inline __attribute__((always_inline)) TARGET void part_store_some(float *y, Part p, int n)
{
    _mm512_mask_storeu_ps(y, part_mask(n), p);
}

#include "model/kernels/gemm_tile.h"

// Thirty-two registers: at most twenty-four sums.
// clang-format off
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
TILE(7, 1) TILE(8, 1) TILE(9, 1) TILE(10, 1) TILE(11, 1) TILE(12, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2)
TILE(7, 2) TILE(8, 2) TILE(9, 2) TILE(10, 2) TILE(11, 2) TILE(12, 2)
TILE(1, 4) TILE(2, 4) TILE(3, 4) TILE(4, 4) TILE(5, 4) TILE(6, 4)
TILE(1, 8) TILE(2, 8) TILE(3, 8)

const GemmLevel gemm_avx512 = {
    .name = "avx512", .describe = "products fma32 avx512", .part = PART, .rows = {12, 12, 6, 3},
    .width = {0, 3, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1},
    .tile = {{NULL, tile_1_1, tile_2_1, tile_3_1, tile_4_1, tile_5_1, tile_6_1, tile_7_1,
              tile_8_1, tile_9_1, tile_10_1, tile_11_1, tile_12_1},
             {NULL, tile_1_2, tile_2_2, tile_3_2, tile_4_2, tile_5_2, tile_6_2, tile_7_2,
              tile_8_2, tile_9_2, tile_10_2, tile_11_2, tile_12_2},
             {NULL, tile_1_4, tile_2_4, tile_3_4, tile_4_4, tile_5_4, tile_6_4},
             {NULL, tile_1_8, tile_2_8, tile_3_8}},
};
// clang-format on
#endif
