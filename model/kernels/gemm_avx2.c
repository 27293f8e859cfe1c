#include "model/kernels/gemm_private.h"

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

// Numbers of which only some may be touched go in pieces of 4, 2 and 1: masked stores are slow on
// many processors.
static inline __attribute__((always_inline)) TARGET Part part_load_some(const float *x, int n)
{
    static const int32_t masks[2 * PART] = {-1, -1, -1, -1, -1, -1, -1, -1};

    return _mm256_maskload_ps(x, _mm256_loadu_si256((const __m256i *)(masks + PART - n)));
}

static inline __attribute__((always_inline)) TARGET void part_store_some(float *y, Part p, int n)
{
    __m128 left = _mm256_castps256_ps128(p);

    if (n & 4) {
        _mm_storeu_ps(y, left);
        left = _mm256_extractf128_ps(p, 1);
        y += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)y, left);
        left = _mm_movehl_ps(left, left);
        y += 2;
    }
    if (n & 1)
        _mm_store_ss(y, left);
}

#include "model/kernels/gemm_tile.h"

// Sixteen registers: at most twelve sums, so that two parts and a row's number fit beside.
// clang-format off
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
TILE(7, 1) TILE(8, 1) TILE(9, 1) TILE(10, 1) TILE(11, 1) TILE(12, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2)
TILE(1, 4) TILE(2, 4) TILE(3, 4)
TILE(1, 8)

const GemmLevel gemm_avx2 = {
    .name = "avx2", .describe = "products fma32 avx2", .part = PART, .rows = {12, 6, 3, 1},
    .width = {0, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    .tile = {{NULL, tile_1_1, tile_2_1, tile_3_1, tile_4_1, tile_5_1, tile_6_1, tile_7_1,
              tile_8_1, tile_9_1, tile_10_1, tile_11_1, tile_12_1},
             {NULL, tile_1_2, tile_2_2, tile_3_2, tile_4_2, tile_5_2, tile_6_2},
             {NULL, tile_1_4, tile_2_4, tile_3_4}, {NULL, tile_1_8}},
};
// clang-format on
#endif
