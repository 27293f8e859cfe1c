// segments.h -- how an iteration is divided: stages between commits, and rounds of the first stage.
//
// A segment is one round of one stage: requests first, first + 1, ... in blocks that count on from
// the segment before.  Its requests are numbered on as well, so that ids, random keys and names of
// shards are unique in the iteration and do not depend on ranks.
#ifndef TD_DATAGEN_SEGMENTS_H
#define TD_DATAGEN_SEGMENTS_H

#include "base/arena.h"
#include "base/text.h"
#include "io/json.h"

#include <stdint.h>

typedef struct Segment {
    int64_t stage, round;
    int64_t first_request, requests;
    int64_t first_block, blocks;
} Segment;

// [{"stage": 0, "round": 0, "first_request": 0, "requests": 100, "first_block": 0, "blocks": 2}].
void segments_write(Text *t, const Segment *segments, int64_t count);
// The segment that a request belongs to; NULL: none.
const Segment *segments_find(const Segment *segments, int64_t count, int64_t request);

Err segments_read(Arena *arena, const char *where, const char *text, Segment **out, int64_t *count);

#endif
