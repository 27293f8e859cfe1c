#include "model/kernels/op_levels.h"
#include "model/kernels/ops.h"

#if defined(__x86_64__)

typedef enum Level { LEVEL_PORTABLE, LEVEL_AVX2, LEVEL_AVX512 } Level;

// Runs while the program is being loaded, before anything else: no library calls, and nothing that
// a sanitizer would add.
__attribute__((no_sanitize("address", "undefined"))) static Level level_of_this_machine(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2"))
        return LEVEL_PORTABLE;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl"))
        return LEVEL_AVX2;
    return LEVEL_AVX512;
}

// For every kernel: its three versions, and the one that the plain name stands for (a GNU indirect
// function, resolved once by the loader).
// clang-format off
#define PICK(name)                                                                           \
    extern __typeof__(name) name##_portable, name##_avx2, name##_avx512;                     \
    __attribute__((used, no_sanitize("address", "undefined")))                               \
    static __typeof__(name) *name##_pick(void)                                               \
    {                                                                                        \
        Level level = level_of_this_machine();                                               \
        return level == LEVEL_AVX512 ? name##_avx512                                         \
                                     : level == LEVEL_AVX2 ? name##_avx2 : name##_portable;  \
    }                                                                                        \
    extern __typeof__(name) name __attribute__((ifunc(#name "_pick")));
// clang-format on
OP_LIST(PICK)

const char *op_level(void)
{
    static const char *const name[] = {"portable", "avx2", "avx512"};
    return name[level_of_this_machine()];
}

#else

const char *op_level(void)
{
    return "portable";
}

#endif
