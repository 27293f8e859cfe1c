// h5_publish.h -- an HDF5 file of a run: written beside, sealed, and only then given its name.
#ifndef TD_IO_H5_PUBLISH_H
#define TD_IO_H5_PUBLISH_H

#include "io/h5.h"
#include "io/run.h"

typedef Err (*H5Write)(H5File *f, void *self);

// Calls `write` once on a new file under a temporary name.  Whatever fails, `path` is as it was and
// nothing else is left.  Local.
Err h5_publish(const Run *run, const char *path, const char *format, int version, H5Write write,
               void *self);

#endif
