// h5.h -- the only door to HDF5: named arrays with their meaning, in files that carry their sum.
//
// Serial HDF5, one writer per file, each file written once.  A user block of 512 bytes in front
// holds a line of text, "TANDEM1 xxh3=<16 hex> bytes=<n>\n", over everything behind it: readers
// check it before HDF5 opens the file; h5py and h5dump skip it by themselves.  Every array has the
// attributes `about`, `dims` (names of its axes) and, where it has one, `unit`.
#ifndef TD_IO_H5_H
#define TD_IO_H5_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

typedef enum H5Kind { H5_U8, H5_U16, H5_I32, H5_U32, H5_I64, H5_U64, H5_F32, H5_F64 } H5Kind;

enum { H5_DIMS_MAX = 4, H5_USER_BLOCK = 512 };

typedef struct H5Array {
    const char *name;  // full path in the file, "/weights/lm_head.weight"; groups are made
    const char *about; // one sentence
    const char *dims;  // names of the axes, "row,segment"
    const char *unit;  // NULL if it has none
    H5Kind      kind;
    int         rank; // axes, 0 (a scalar) .. H5_DIMS_MAX
    int64_t     shape[H5_DIMS_MAX];
    void       *data; // row-major; h5_put reads it, h5_get writes it
} H5Array;

typedef struct H5File H5File; // an open file; owned by whoever opened it

// "HDF5 1.10.8", of the library that runs, for provenance.
void    h5_library(char *words, int size);
int64_t h5_kind_bytes(H5Kind kind);
int64_t h5_count(const H5Array *a); // elements

// ---- writing.  h5_create, h5_put..., h5_seal.  After a failure call h5_abandon.
Err h5_create(const char *path, const char *format, int version, H5File **out);
Err h5_put(H5File *f, const H5Array *a); // at most 1 GiB per transfer inside
Err h5_put_text(H5File *f, const char *name, const char *about, const char *text); // u8 array
Err h5_put_names(H5File *f, const char *name, const char *about, const char *const *names,
                 int count); // fixed-width strings
Err h5_attr_text(H5File *f, const char *object, const char *name, const char *text);
Err h5_attr_i64(H5File *f, const char *object, const char *name, int64_t value);

// A data set that shows rows of other files of the same folder tree, one after the other.
typedef struct H5Source {
    const char *file; // relative to the folder of the view; NULL: a gap (NaN or 0 is seen)
    const char *name; // the array there
    int64_t     rows; // along its first axis
} H5Source;
Err h5_put_view(H5File *f, const H5Array *shape, const H5Source *sources, int count);

// An array written in pieces along its first axis: h5_put with data NULL reserves it.
Err h5_put_rows(H5File *f, const char *name, int64_t first, int64_t rows, const void *data);

// Closes, writes the sum into the user block, syncs, and re-reads: sums the bytes on disk again.
// Gives the whole-file sum (of the bytes behind the user block) and the size of the file.
Err  h5_seal(H5File *f, uint64_t *sum, int64_t *bytes);
void h5_abandon(H5File *f); // closes and removes the file

// ---- reading
// Checks magic, size and sum, then opens and checks format and version (<= max_version).  ERR_IO if
// it cannot be read; ERR_DATA, saying which of truncated / changed / not ours / newer it is.
// format: one, or several that will do, "a|b".
Err h5_open(const char *path, const char *format, int max_version, H5File **out);
// Sum check only; needs no HDF5.
Err  h5_check(const char *path, uint64_t *sum, int64_t *bytes);
void h5_close(H5File *f);

int h5_has(H5File *f, const char *name);
// Kind, rank and shape of an array into *a (data stays).  ERR_DATA if there is none.
Err h5_shape(H5File *f, const char *name, H5Array *a);
// Reads into a->data (kind, rank and shape must be those of the file).  ERR_DATA, ERR_IO.
Err h5_get(H5File *f, const H5Array *a);
// Shape and data, data in `arena`; kind must be `kind`, rank must be `rank`.
Err h5_load(H5File *f, Arena *arena, const char *name, H5Kind kind, int rank, H5Array *a);
Err h5_get_rows(H5File *f, const char *name, int64_t first, int64_t rows, void *data);
Err h5_get_text(H5File *f, Arena *arena, const char *name, char **text, int64_t *length);
Err h5_get_names(H5File *f, Arena *arena, const char *name, char ***names, int *count);
Err h5_get_attr_text(H5File *f, Arena *arena, const char *object, const char *name, char **text);
Err h5_get_attr_i64(H5File *f, const char *object, const char *name, int64_t *value);
// Names of the arrays below a group, sorted, as full paths.
Err h5_list(H5File *f, Arena *arena, const char *group, char ***names, int *count);
// Any HDF5 file, without our user block or format: goldens and files of others.
Err h5_open_foreign(const char *path, H5File **out);
// Foreign attributes may be variable-length text or float64 / int64 arrays.
Err h5_get_attr_f64(H5File *f, const char *object, const char *name, double *values, int count);

#endif
