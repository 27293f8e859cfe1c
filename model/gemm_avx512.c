#include "model/gemm_private.h"

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

#include "model/gemm_tile.h"

// Thirty-two registers: at most twenty-four sums.
// clang-format off
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
TILE(7, 1) TILE(8, 1) TILE(9, 1) TILE(10, 1) TILE(11, 1) TILE(12, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2)
TILE(7, 2) TILE(8, 2) TILE(9, 2) TILE(10, 2) TILE(11, 2) TILE(12, 2)
TILE(1, 4) TILE(2, 4) TILE(3, 4) TILE(4, 4) TILE(5, 4) TILE(6, 4)
TILE(1, 8) TILE(2, 8) TILE(3, 8)

#define NARROW(R) {tile_##R##_1, tile_##R##_2}
#define MIDDLE(R) {tile_##R##_1, tile_##R##_2, tile_##R##_4}
#define WIDE(R)   {tile_##R##_1, tile_##R##_2, tile_##R##_4, tile_##R##_8}

const GemmLevel gemm_avx512 = {
    .name = "avx512", .describe = "products fma32 avx512", .rows = 12,
    .width = {0, 3, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1},
    .tile = {{NULL}, WIDE(1), WIDE(2), WIDE(3), MIDDLE(4), MIDDLE(5), MIDDLE(6),
             NARROW(7), NARROW(8), NARROW(9), NARROW(10), NARROW(11), NARROW(12)},
};
// clang-format on
#endif
