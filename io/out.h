// out.h -- a large file written piece by piece, and complete or absent: as file_publish, for what
// should not stand in memory as a whole.
#ifndef TD_IO_OUT_H
#define TD_IO_OUT_H

#include "base/hash.h"
#include "io/file.h"

#include <stdio.h>

typedef struct Out {
    char        path[FILE_PATH_MAX], part[FILE_PATH_MAX];
    FILE       *file;
    HashStream *sum;
    int64_t     bytes; // written so far
} Out;

// Writes go to a temporary name beside `path`.  ERR_IO.  After a failure of out_write, and before
// out_close: out_abandon.
Err out_open(const char *path, Out *out);
Err out_write(Out *o, const void *data, int64_t bytes);
// Zero bytes up to the next multiple of `align`.
Err out_pad(Out *o, int64_t align);
// Synced, read back and compared, moved to its name.  Gives everything back, whatever happens.
Err  out_close(Out *o);
void out_abandon(Out *o);
// The one or the other, after writing came to `e`.
Err out_end(Out *o, Err e);

#endif
