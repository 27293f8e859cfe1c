// map.h -- a whole file as memory, for readers that check every offset before they follow it.
#ifndef TD_IO_MAP_H
#define TD_IO_MAP_H

#include "base/err.h"

#include <stdint.h>

typedef struct Map {
    const unsigned char *data;
    int64_t              bytes;
} Map;

// ERR_IO: not there, not a plain file.  A file that somebody shortens while it is mapped ends the
// process, as with every mapped file.
Err  map_open(const char *path, Map *out);
void map_close(Map *m); // also of a Map that is all zero

#endif
