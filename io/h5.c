#include "io/h5.h"

#include "io/h5_private.h"

#define H5_USE_110_API // newer libraries: the calls as they were in 1.10
#include <errno.h>
#include <hdf5.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPEN_MAX = 64 };

static const int64_t TRANSFER_MAX = (int64_t)1 << 30;

_Static_assert(sizeof(hid_t) == sizeof(int64_t), "HDF5 1.10 or newer");
_Static_assert(sizeof(hsize_t) == sizeof(uint64_t), "sizes of HDF5 are 64 bits");

// The open files of this process.  A fixed table, because a handle outlives every arena mark.
static H5File open_files[OPEN_MAX];

static const struct {
    const char *name;
    int64_t     bytes;
} KINDS[] = {
    [H5_U8] = {"u8", 1},   [H5_U16] = {"u16", 2}, [H5_I32] = {"i32", 4}, [H5_U32] = {"u32", 4},
    [H5_I64] = {"i64", 8}, [H5_U64] = {"u64", 8}, [H5_F32] = {"f32", 4}, [H5_F64] = {"f64", 8},
};

int64_t h5_kind_bytes(H5Kind kind)
{
    return KINDS[kind].bytes;
}

const char *h5_kind_name(H5Kind kind)
{
    return KINDS[kind].name;
}

int64_t h5_kind_in_memory(H5Kind kind)
{
    switch (kind) {
    case H5_U8: return H5T_NATIVE_UINT8;
    case H5_U16: return H5T_NATIVE_UINT16;
    case H5_I32: return H5T_NATIVE_INT32;
    case H5_U32: return H5T_NATIVE_UINT32;
    case H5_I64: return H5T_NATIVE_INT64;
    case H5_U64: return H5T_NATIVE_UINT64;
    case H5_F32: return H5T_NATIVE_FLOAT;
    case H5_F64: return H5T_NATIVE_DOUBLE;
    }
    CHECK(0, "kind %d", (int)kind);
    return -1;
}

int64_t h5_kind_in_file(H5Kind kind)
{
    switch (kind) {
    case H5_U8: return H5T_STD_U8LE;
    case H5_U16: return H5T_STD_U16LE;
    case H5_I32: return H5T_STD_I32LE;
    case H5_U32: return H5T_STD_U32LE;
    case H5_I64: return H5T_STD_I64LE;
    case H5_U64: return H5T_STD_U64LE;
    case H5_F32: return H5T_IEEE_F32LE;
    case H5_F64: return H5T_IEEE_F64LE;
    }
    CHECK(0, "kind %d", (int)kind);
    return -1;
}

int64_t h5_count(const H5Array *a)
{
    int64_t count = 1;

    CHECK(0 <= a->rank && a->rank <= H5_DIMS_MAX, "%s: rank %d", a->name, a->rank);
    for (int i = 0; i < a->rank; i++)
        CHECK(a->shape[i] >= 0 && !__builtin_mul_overflow(count, a->shape[i], &count),
              "%s: axis %d is %" PRId64, a->name, i, a->shape[i]);
    return count;
}

static herr_t keep_innermost(unsigned level, const H5E_error2_t *error, void *reason)
{
    if (level == 0)
        *(const char **)reason = error->desc;
    return 0;
}

// HDF5 tells time, addresses and sizes of a failed call over several lines; what the system said is
// among them.
static Err system_failed(Err code, const char *doing, const char *path, const char *said)
{
    int length = (int)strcspn(said, "'\n");

    if (strncmp(said, "No space", 8) == 0 || strncmp(said, "Disk quota", 10) == 0)
        FAIL(code, "%s %s: %.*s; %lld MiB are free there: make room", doing, path, length, said,
             (long long)(file_space(path) >> 20));
    FAIL(code, "%s %s: %.*s", doing, path, length, said);
}

Err h5_ok(int64_t answer, Err code, const char *doing, const char *name, const char *path)
{
    static const char said[] = "error message = '";
    const char       *reason = "no reason given", *system;

    if (answer >= 0)
        return OK;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &reason);
    system = strstr(reason, said);
    if (system != NULL)
        return system_failed(code, doing, path, system + strlen(said));
    FAIL(code, "%s %s%s%s: %.*s", doing, name != NULL ? name : "", name != NULL ? " in " : "", path,
         (int)strcspn(reason, "\n"), reason);
}

// HDF5 is not to print (h5_ok tells it better), not to load strangers' code for filters, and not to
// clean up at exit: after a failed close it crashes there (1.10.8), and the job would end with 139
// instead of our code.  Only the first of these calls does anything.
static void tame_library(void)
{
    H5dont_atexit();
    setenv("HDF5_PLUGIN_PATH", "/nonexistent", 1);
    H5open();
    H5PLset_loading_state(0);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static Err take_place(const char *path, H5File **out)
{
    tame_library();
    for (int i = 0; i < OPEN_MAX; i++) {
        H5File *f = &open_files[i];
        if (f->taken)
            continue;
        *f = (H5File){.id = -1, .taken = 1, .piece = TRANSFER_MAX};
        if ((size_t)snprintf(f->path, sizeof f->path, "%s", path) >= sizeof f->path) {
            f->taken = 0;
            FAIL(ERR_CONFIG, "the path %.80s... is longer than %d bytes", path, FILE_PATH_MAX);
        }
        *out = f;
        return OK;
    }
    CHECK(0, "%d HDF5 files are open, %s would be one more", OPEN_MAX, path);
    return ERR_IO;
}

// ---- moving data

static Err move_at_once(H5File *f, H5Direction direction, const H5Box *box, void *data)
{
    hid_t type = h5_kind_in_memory(box->kind), there = H5S_ALL, here = H5S_ALL;
    Err   e = OK;

    if (box->rank > 0) {
        there = H5Dget_space(box->set);
        e = h5_ok(there, ERR_IO, "the space of", box->name, f->path);
        if (e == OK)
            e = h5_ok(H5Sselect_hyperslab(there, H5S_SELECT_SET, (const hsize_t *)box->start, NULL,
                                          (const hsize_t *)box->count, NULL),
                      ERR_IO, "choosing a part of", box->name, f->path);
        here = H5Screate_simple(box->rank, (const hsize_t *)box->count, NULL);
        err_also(&e, h5_ok(here, ERR_IO, "a space for", box->name, f->path));
    }
    if (e == OK && direction == H5_WRITES)
        e = h5_ok(H5Dwrite(box->set, type, here, there, H5P_DEFAULT, data), ERR_IO, "writing",
                  box->name, f->path);
    else if (e == OK)
        e = h5_ok(H5Dread(box->set, type, here, there, H5P_DEFAULT, data), ERR_IO, "reading",
                  box->name, f->path);
    if (here > H5S_ALL)
        H5Sclose(here);
    if (there > H5S_ALL)
        H5Sclose(there);
    return e;
}

// Cuts along the axis into slices that fit; a slice of one that does not fit is cut along the next.
static Err move_cut(H5File *f, H5Direction direction, const H5Box *box, int axis, char *data)
{
    H5Box    part = *box;
    uint64_t slice = (uint64_t)h5_kind_bytes(box->kind), step;

    for (int i = axis + 1; i < box->rank; i++)
        slice *= box->count[i];
    if (axis == box->rank || slice * box->count[axis] <= (uint64_t)f->piece)
        return move_at_once(f, direction, box, data);
    step = slice <= (uint64_t)f->piece ? (uint64_t)f->piece / slice : 1;
    for (uint64_t done = 0; done < box->count[axis]; done += step) {
        uint64_t left = box->count[axis] - done;

        part.start[axis] = box->start[axis] + done;
        part.count[axis] = left < step ? left : step;
        TRY(move_cut(f, direction, &part, slice <= (uint64_t)f->piece ? axis : axis + 1,
                     data + done * slice));
    }
    return OK;
}

Err h5_move(H5File *f, H5Direction direction, H5Box box, void *data)
{
    for (int i = 0; i < box.rank; i++)
        if (box.count[i] == 0)
            return OK;
    return move_cut(f, direction, &box, 0, data);
}

Err h5_move_rows(H5File *f, H5Direction direction, const char *name, int64_t first, int64_t rows,
                 void *data)
{
    H5Array a = {0};
    H5Box   box = {.name = name};
    Err     e;

    TRY(h5_shape(f, name, &a));
    CHECK(a.rank > 0 && 0 <= first && 0 <= rows && rows <= a.shape[0] - first,
          "%s: rows %" PRId64 " + %" PRId64 " of %" PRId64, name, first, rows, a.shape[0]);
    box.kind = a.kind;
    box.rank = a.rank;
    for (int i = 0; i < a.rank; i++)
        box.count[i] = (uint64_t)a.shape[i];
    box.start[0] = (uint64_t)first;
    box.count[0] = (uint64_t)rows;
    box.set = H5Dopen2(f->id, name, H5P_DEFAULT);
    TRY(h5_ok(box.set, ERR_DATA, "opening", name, f->path));
    e = h5_move(f, direction, box, data);
    err_also(&e, h5_ok(H5Dclose(box.set), ERR_IO, "closing", name, f->path));
    return e;
}

// ---- creating and sealing

static Err create_file(H5File *f)
{
    hid_t create = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
    Err   e = h5_ok(create < 0 ? create : access, ERR_IO, "properties of", NULL, f->path);

    if (e == OK)
        e = h5_ok(H5Pset_userblock(create, H5_USER_BLOCK), ERR_IO, "a user block in", NULL,
                  f->path);
    if (e == OK)
        e = h5_ok(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), ERR_IO, "properties of", NULL,
                  f->path);
    if (e == OK) {
        f->id = H5Fcreate(f->path, H5F_ACC_EXCL, create, access);
        e = h5_ok(f->id, ERR_IO, "creating", NULL, f->path);
    }
    H5Pclose(create), H5Pclose(access);
    return e;
}

static Err create_with_attributes(H5File *f, const char *format, int version)
{
    TRY(file_remove(f->path)); // and a link of that name is not followed
    TRY(create_file(f));
    TRY(h5_attr_text(f, "/", "format", format));
    TRY(h5_attr_i64(f, "/", "version", version));
    TRY(h5_attr_text(f, "/", "creator", "tandem 0.1.0"));
    return OK;
}

Err h5_create(const char *path, const char *format, int version, H5File **out)
{
    Err e;

    TRY(take_place(path, out));
    e = create_with_attributes(*out, format, version);
    if (e != OK) {
        h5_abandon(*out);
        *out = NULL;
    }
    return e;
}

static Err close_checked(H5File *f)
{
    int64_t id = f->id;

    TRY(h5_ok(H5Fflush(id, H5F_SCOPE_GLOBAL), ERR_IO, "flushing", NULL, f->path));
    CHECK(H5Fget_obj_count(id, H5F_OBJ_ALL) == 1, "an array or attribute of %s is open", f->path);
    f->id = -1;
    TRY(h5_ok(H5Fclose(id), ERR_IO, "closing", NULL, f->path));
    return OK;
}

static Err seal(H5File *f, uint64_t *sum, int64_t *bytes)
{
    int64_t behind;

    TRY(close_checked(f));
    TRY(file_sum(f->path, H5_USER_BLOCK, sum, &behind));
    *bytes = file_bytes(f->path);
    TRY(h5_stamp(f->path, *sum, *bytes));
    return OK;
}

Err h5_seal(H5File *f, uint64_t *sum, int64_t *bytes)
{
    TRY(seal(f, sum, bytes));
    f->taken = 0;
    return OK;
}

void h5_abandon(H5File *f)
{
    if (f == NULL || !f->taken)
        return;
    if (f->id >= 0)
        H5Fclose(f->id);
    // After a failed close the library may still hold the file open, and with it the space.
    if (truncate(f->path, 0) == 0 || errno != ENOENT)
        unlink(f->path);
    f->taken = 0;
}

// ---- opening

static Err open_file(H5File *f)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    Err   e = h5_ok(access, ERR_IO, "properties of", NULL, f->path);

    if (e == OK)
        e = h5_ok(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), ERR_IO, "properties of", NULL,
                  f->path);
    if (e == OK) {
        f->id = H5Fopen(f->path, H5F_ACC_RDONLY, access);
        e = h5_ok(f->id, ERR_DATA, "opening as HDF5", NULL, f->path);
    }
    H5Pclose(access);
    f->bytes = file_bytes(f->path);
    return e;
}

// Whether `format` is one of those in "a|b|c".
static int format_among(const char *format, const char *wanted)
{
    size_t length = strlen(format);

    for (const char *at = wanted; at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, format, length) == 0 && (at[length] == 0 || at[length] == '|'))
            return 1;
    }
    return 0;
}

static Err open_with_attributes(H5File *f, const char *format, int max_version)
{
    char    found[H5_FORMAT_MAX];
    int64_t version;

    TRY(open_file(f));
    TRY(h5_attr_short(f, "/", "format", found, (int)sizeof found));
    if (!format_among(found, format))
        FAIL(ERR_DATA, "%s holds \"%s\", where \"%s\" is wanted", f->path, found, format);
    TRY(h5_get_attr_i64(f, "/", "version", &version));
    if (version > max_version)
        FAIL(ERR_DATA,
             "%s was written by a newer version: \"%s\" %" PRId64
             ", this program knows up to %d: update tandem",
             f->path, found, version, max_version);
    if (version < 1)
        FAIL(ERR_DATA, "%s: version %" PRId64 " of \"%s\" never was", f->path, version, found);
    return OK;
}

Err h5_open(const char *path, const char *format, int max_version, H5File **out)
{
    uint64_t sum;
    int64_t  bytes;
    Err      e;

    TRY(h5_check(path, &sum, &bytes));
    TRY(take_place(path, out));
    e = open_with_attributes(*out, format, max_version);
    if (e != OK) {
        h5_close(*out);
        *out = NULL;
    }
    return e;
}

Err h5_open_foreign(const char *path, H5File **out)
{
    Err e;

    if (access(path, R_OK) != 0)
        FAIL(ERR_IO, "opening %s: %s", path, strerror(errno));
    TRY(take_place(path, out));
    (*out)->foreign = 1;
    e = open_file(*out);
    if (e != OK) {
        h5_close(*out);
        *out = NULL;
    }
    return e;
}

void h5_close(H5File *f)
{
    if (f == NULL || !f->taken)
        return;
    if (f->id >= 0)
        H5Fclose(f->id);
    f->taken = 0;
}

void h5_library(char *words, int size)
{
    unsigned major = 0, minor = 0, release = 0;

    H5get_libversion(&major, &minor, &release);
    snprintf(words, (size_t)size, "HDF5 %u.%u.%u", major, minor, release);
}
