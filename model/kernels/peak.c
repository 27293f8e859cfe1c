#include "model/kernels/peak.h"

#include "base/clock.h"

#include <string.h>

typedef float V8 __attribute__((vector_size(32)));
typedef float V16 __attribute__((vector_size(64)));

enum { CHAINS = 12, ROUNDS = 20000 };

// Twelve independent chains hide the latency of the multiply-add and fit the registers of each
// level; they begin differently, or the compiler would make one of them.  The build lets it fuse in
// this file: what counts is the rate, not the bits.
#define MULTIPLY_ADD(name, V, lanes, attributes)                                       \
    attributes static float name(int rounds)                                           \
    {                                                                                  \
        V     f = {0}, a, b, c, d, e, g, h, i, j, k, l, m;                             \
        float total = 0;                                                               \
        f += 0.999f;                                                                   \
        a = f, b = f + 1, c = f + 2, d = f + 3, e = f + 4, g = f + 5;                  \
        h = f + 6, i = f + 7, j = f + 8, k = f + 9, l = f + 10, m = f + 11;            \
        for (int r = 0; r < rounds; r++) {                                             \
            a = a * f + f, b = b * f + f, c = c * f + f, d = d * f + f, e = e * f + f; \
            g = g * f + f, h = h * f + f, i = i * f + f, j = j * f + f, k = k * f + f; \
            l = l * f + f, m = m * f + f;                                              \
        }                                                                              \
        a += b + c + d + e + g + h + i + j + k + l + m;                                \
        for (int lane = 0; lane < lanes; lane++)                                       \
            total += a[lane];                                                          \
        return total;                                                                  \
    }

MULTIPLY_ADD(multiply_add_portable, V8, 8, )
#if defined(__x86_64__)
MULTIPLY_ADD(multiply_add_avx2, V8, 8, __attribute__((target("avx2,fma"))))
MULTIPLY_ADD(multiply_add_avx512, V16, 16, __attribute__((target("avx512f"))))
#endif

typedef struct Level {
    float (*multiply_add)(int rounds);
    int lanes;
} Level;

static Level best_level(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return (Level){multiply_add_avx512, 16};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (Level){multiply_add_avx2, 8};
#endif
    return (Level){multiply_add_portable, 8};
}

double peak_flops(double seconds)
{
    volatile float sink = 0;
    double         end = clock_now() + seconds, best = 0;
    Level          level = best_level();

    while (clock_now() < end) {
        double began = clock_now(), rate;

        sink = level.multiply_add(ROUNDS);
        rate = 2.0 * level.lanes * CHAINS * ROUNDS / (clock_now() - began);
        best = rate > best ? rate : best;
    }
    (void)sink;
    return best;
}

// Eight sums, so that the loads and not the additions set the pace.
static float read_all(const float *data, int64_t count)
{
    V8    sum[8] = {{0}};
    float total = 0;

    for (int64_t i = 0; i + 64 <= count; i += 64)
        for (int c = 0; c < 8; c++) {
            V8 x;
            memcpy(&x, data + i + 8 * c, sizeof x);
            sum[c] += x;
        }
    for (int c = 1; c < 8; c++)
        sum[0] += sum[c];
    for (int lane = 0; lane < 8; lane++)
        total += sum[0][lane];
    return total;
}

double peak_read(const float *data, int64_t count, double seconds)
{
    volatile float sink = 0;
    double         end = clock_now() + seconds, best = 0;

    while (clock_now() < end) {
        double began = clock_now(), rate;

        sink = read_all(data, count);
        rate = (double)(count / 64 * 256) / (clock_now() - began);
        best = rate > best ? rate : best;
    }
    (void)sink;
    return best;
}
