#include "model/gemm_private.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET      __attribute__((target("avx2,fma")))
#define PART        8
#define part_zero   _mm256_setzero_ps
#define part_load   _mm256_loadu_ps
#define part_store  _mm256_storeu_ps
#define part_spread _mm256_broadcast_ss
#define part_fused  _mm256_fmadd_ps
typedef __m256 Part;

#include "model/gemm_tile.h"

// Sixteen registers: at most twelve sums, so that two panels' parts and a row's number fit beside.
// clang-format off
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2)
TILE(1, 4)

const GemmLevel gemm_avx2 = {
    .name = "avx2", .describe = "products fma32 avx2", .rows = 6,
    .width = {0, 2, 1, 1, 0, 0, 0},
    .tile = {{NULL}, {tile_1_1, tile_1_2, tile_1_4}, {tile_2_1, tile_2_2}, {tile_3_1, tile_3_2},
             {tile_4_1}, {tile_5_1}, {tile_6_1}},
};
// clang-format on
#endif
