#include "datagen/near/near_lanes.h"

#include <stddef.h>

extern const NearLanes near_lanes_16_portable, near_lanes_32_portable, near_lanes_64_portable,
    near_lanes_128_portable;
#if defined(__x86_64__)
extern const NearLanes near_lanes_16_avx2, near_lanes_32_avx2, near_lanes_64_avx2,
    near_lanes_128_avx2, near_lanes_16_avx512, near_lanes_32_avx512, near_lanes_64_avx512,
    near_lanes_128_avx512;
#endif

static int is_here(int level)
{
#if defined(__x86_64__)
    if (level == 1)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (level == 2)
        return is_here(1) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    return level == 0;
}

const NearLanes *near_lanes_of_level(int width, int level)
{
    static const NearLanes *const of[NEAR_LEVELS][NEAR_WIDTHS] = {
        {&near_lanes_16_portable, &near_lanes_32_portable, &near_lanes_64_portable,
         &near_lanes_128_portable},
#if defined(__x86_64__)
        {&near_lanes_16_avx2, &near_lanes_32_avx2, &near_lanes_64_avx2, &near_lanes_128_avx2},
        {&near_lanes_16_avx512, &near_lanes_32_avx512, &near_lanes_64_avx512,
         &near_lanes_128_avx512},
#endif
    };

    return is_here(level) ? of[level][width] : NULL;
}

const NearLanes *near_lanes(int width)
{
    for (int level = NEAR_LEVELS - 1; level > 0; level--)
        if (near_lanes_of_level(width, level) != NULL)
            return near_lanes_of_level(width, level);
    return near_lanes_of_level(width, 0);
}

int64_t near_lane(const NearLanes *kernel, const void *v, int64_t lane)
{
    switch (kernel->bits) {
    case 16: return ((const uint16_t *)v)[lane];
    case 32: return ((const uint32_t *)v)[lane];
    case 64: return (int64_t)((const uint64_t *)v)[lane];
    default: return (int64_t)((const unsigned __int128 *)v)[lane];
    }
}
