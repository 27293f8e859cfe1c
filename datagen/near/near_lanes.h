// near_lanes.h -- bit-parallel LCS (near_lcs.h) of one text with many short ones, side by side.
//
// Every text has a lane of 16, 32, 64 or 128 bits, as long as it is.  near_lanes.c is compiled once
// per width and per instruction level; all give the same.  For near*.c and their tests.
#ifndef TD_DATAGEN_NEAR_LANES_H
#define TD_DATAGEN_NEAR_LANES_H

#include <stdint.h>

typedef struct NearSweep { // what one token does to the lanes
    const void     *row;   // [lanes] masks of all lanes; NULL: only these
    const uint16_t *lane;  // [count]
    const void     *mask;  // [count]
    int64_t         count;
} NearSweep;

typedef struct NearLanes {
    int bits; // 16, 32, 64 or 128: the longest text
    // Starts lanes [0, lanes) of v and takes tokens through them; rows only touch those from
    // `first` to `end`.  v, rows and bounds are in steps of NEAR_LANES_STEP lanes.
    void (*sweep)(void *v, int64_t lanes, const NearSweep *sweep, int64_t sweeps, int64_t first,
                  int64_t end);
    // Turns v into the LCS of each lane; their sum and their largest.
    void (*count)(void *v, int64_t first, int64_t end, int64_t *sum, int64_t *largest);
} NearLanes;

enum { NEAR_LANES_STEP = 16, NEAR_LANES_MOST = 2048, NEAR_WIDTHS = 4, NEAR_LEVELS = 3 };

// The kernels for texts of at most 16 << width tokens, of this machine's best level, or of a level
// (0 portable, 1, 2), NULL where the machine has not got it.  All give the same.
const NearLanes *near_lanes(int width);
const NearLanes *near_lanes_of_level(int width, int level);

// The number in a lane, which is below 2^63.
int64_t near_lane(const NearLanes *kernel, const void *v, int64_t lane);

#endif
