// h5_private.h -- what the parts of the door to HDF5 share; only for io/h5*.c and their test.
//
// Identifiers of HDF5 appear here as int64_t, which is what hid_t is, so that <hdf5.h> is included
// by the three sources alone.
#ifndef TD_IO_H5_PRIVATE_H
#define TD_IO_H5_PRIVATE_H

#include "io/file.h"
#include "io/h5.h"

enum { H5_FORMAT_MAX = 64 };

struct H5File {
    int64_t id;      // of the open file; -1 once it is closed
    int     taken;   // this place in the table of open files is in use
    int     foreign; // not written by us: layouts and links are whatever they are
    int64_t bytes;   // size of the file, when reading
    int64_t piece;   // bytes, the largest transfer
    char    path[FILE_PATH_MAX];
};

// Every answer of HDF5 goes through here: a negative one becomes our failure `code`, with HDF5's
// innermost reason, which is the one that helps a person.  `name` is the array or attribute, or
// NULL.  Must be called before the next HDF5 call, which would wipe the reason.
Err h5_ok(int64_t answer, Err code, const char *doing, const char *name, const char *path);

int64_t     h5_kind_in_memory(H5Kind kind); // hid_t of a type; not to be closed
int64_t     h5_kind_in_file(H5Kind kind);
const char *h5_kind_name(H5Kind kind);

// Writes the user block of a complete file, syncs it, reads all of it again and compares.
Err h5_stamp(const char *path, uint64_t sum, int64_t bytes);

typedef enum H5Direction { H5_READS, H5_WRITES } H5Direction;

// A box of an open array, from or to memory where it lies row by row.
typedef struct H5Box {
    int64_t     set;  // hid_t
    const char *name; // for messages
    H5Kind      kind;
    int         rank;
    uint64_t    start[H5_DIMS_MAX], count[H5_DIMS_MAX];
} H5Box;

// A text attribute into a buffer.  ERR_DATA if it is absent, no text, or longer.
Err h5_attr_short(H5File *f, const char *object, const char *name, char *out, int size);

// Moves it in transfers of at most f->piece bytes, or one element.
Err h5_move(H5File *f, H5Direction direction, H5Box box, void *data);

// Rows [first, first + rows) of an array that exists, along its first axis.
Err h5_move_rows(H5File *f, H5Direction direction, const char *name, int64_t first, int64_t rows,
                 void *data);

#endif
