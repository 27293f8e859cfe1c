#include "model/gemm_private.h"

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

#include "model/gemm_tile.h"

// clang-format off
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1)

const GemmLevel gemm_portable = {
    .name = "portable", .describe = "products fma32 portable", .rows = 4,
    .tile = {{NULL}, {tile_1_1}, {tile_2_1}, {tile_3_1}, {tile_4_1}},
};
// clang-format on
