#include "model/kernels/gemm_private.h"

#include <math.h>
#include <string.h>

// For processors without fused multiply-add, slow: the C library forms it then.  On others the
// compiler finds the instruction.
#define TARGET
#define PART 4
typedef struct Part {
    float lane[PART];
} Part;

static inline Part part_zero(void)
{
    return (Part){{0}};
}

static inline Part part_load(const float *x)
{
    Part p;
    memcpy(&p, x, sizeof p);
    return p;
}

static inline void part_store(float *y, Part p)
{
    memcpy(y, &p, sizeof p);
}

static inline Part part_spread(const float *x)
{
    return (Part){{*x, *x, *x, *x}};
}

static inline Part part_fused(Part a, Part b, Part sum)
{
    for (int i = 0; i < PART; i++)
        sum.lane[i] = fmaf(a.lane[i], b.lane[i], sum.lane[i]);
    return sum;
}

static inline Part part_load_some(const float *x, int n)
{
    Part p = {{0}};
    memcpy(&p, x, (size_t)n * sizeof *x);
    return p;
}

static inline void part_store_some(float *y, Part p, int n)
{
    memcpy(y, &p, (size_t)n * sizeof *y);
}

#include "model/kernels/gemm_tile.h"

// clang-format off
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2)
TILE(1, 4) TILE(2, 4) TILE(3, 4)

const GemmLevel gemm_portable = {
    .name = "portable", .describe = "products fma32 portable", .part = PART, .rows = {4, 4, 3, 0},
    .width = {0, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    .tile = {{NULL, tile_1_1, tile_2_1, tile_3_1, tile_4_1},
             {NULL, tile_1_2, tile_2_2, tile_3_2, tile_4_2},
             {NULL, tile_1_4, tile_2_4, tile_3_4}},
};
// clang-format on
