// Compiled once per width and level: NEAR_BITS is the width of a lane, NEAR_LEVEL the name of the
// instruction level, both appended to the one name that it defines.  Plain loops: the compiler
// makes vectors of them, and whole numbers are the same in all.
#include "datagen/near/near_lanes.h"

#include <string.h>

#define NEAR_JOINED(name, bits, level) name##_##bits##_##level
#define NEAR_JOIN(name, bits, level)   NEAR_JOINED(name, bits, level)

#if NEAR_BITS == 16
typedef uint16_t Lane;
#elif NEAR_BITS == 32
typedef uint32_t Lane;
#elif NEAR_BITS == 64
typedef uint64_t Lane;
#else
typedef unsigned __int128 Lane; // no vectors, but the carry is the processor's
#endif

static inline Lane step(Lane v, Lane m)
{
    Lane u = (Lane)(v & m);

    return (Lane)((Lane)(v + u) | (Lane)(v & ~m));
}

static void through_one(Lane *restrict v, const Lane *restrict a, int64_t first, int64_t end)
{
    for (int64_t i = first; i < end; i++)
        v[i] = step(v[i], a[i]);
}

static void through_two(Lane *restrict v, const Lane *restrict a, const Lane *restrict b,
                        int64_t first, int64_t end)
{
    for (int64_t i = first; i < end; i++)
        v[i] = step(step(v[i], a[i]), b[i]);
}

static void through_few(Lane *restrict v, const uint16_t *restrict lane, const Lane *restrict mask,
                        int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        v[lane[i]] = step(v[lane[i]], mask[i]);
}

static void sweep_lanes(void *lanes, int64_t count, const NearSweep *s, int64_t sweeps,
                        int64_t first, int64_t end)
{
    Lane *v = lanes;

    memset(v, 0xff, (size_t)count * sizeof *v);
    first -= first % NEAR_LANES_STEP; // as it is; tells the compiler that there is no remainder
    end -= end % NEAR_LANES_STEP;
    for (int64_t i = 0; i < sweeps; i++)
        if (s[i].row == NULL) {
            through_few(v, s[i].lane, s[i].mask, s[i].count);
        } else if (i + 1 < sweeps && s[i + 1].row != NULL) {
            through_two(v, s[i].row, s[i + 1].row, first, end);
            i++;
        } else {
            through_one(v, s[i].row, first, end);
        }
}

#if NEAR_BITS == 128
static inline Lane zeros(Lane v)
{
    return (Lane)(__builtin_popcountll(~(uint64_t)v) + __builtin_popcountll(~(uint64_t)(v >> 64)));
}
#else
// By adding neighbours, then pairs, then fours: in vectors as well.
static inline Lane zeros(Lane v)
{
    Lane x = (Lane)~v;

    x = (Lane)(x - ((x >> 1) & (Lane)0x5555555555555555u));
    x = (Lane)((x & (Lane)0x3333333333333333u) + ((x >> 2) & (Lane)0x3333333333333333u));
    x = (Lane)((x + (x >> 4)) & (Lane)0x0f0f0f0f0f0f0f0fu);
    x = (Lane)(x + (x >> 8));
#if NEAR_BITS >= 32
    x = (Lane)(x + (x >> 16));
#endif
#if NEAR_BITS == 64
    x = (Lane)(x + (x >> 32));
#endif
    return x & 0x7f;
}
#endif

// A lane holds the sum: at most NEAR_LANES_MOST times 16 in the narrowest.
static void count_lanes(void *lanes, int64_t first, int64_t end, int64_t *sum, int64_t *largest)
{
    Lane *v = lanes, all = 0, most = 0;

    for (int64_t i = first; i < end; i++) {
        Lane lcs = zeros(v[i]);

        v[i] = lcs;
        all = (Lane)(all + lcs);
        most = lcs > most ? lcs : most;
    }
    *sum = (int64_t)all;
    *largest = (int64_t)most;
}

extern const NearLanes NEAR_JOIN(near_lanes, NEAR_BITS, NEAR_LEVEL);
const NearLanes        NEAR_JOIN(near_lanes, NEAR_BITS, NEAR_LEVEL) = {NEAR_BITS, sweep_lanes,
                                                                       count_lanes};
