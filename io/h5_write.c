#include "io/h5.h"

#include "io/h5_private.h"

#define H5_USE_110_API // newer libraries: the calls as they were in 1.10
#include <hdf5.h>
#include <math.h>
#include <string.h>

// The format keeps an attribute inside the header of its object, which has room for 64 KiB.
enum { ATTRIBUTE_MAX = 60000 };

// Fixed length: readers need no heap for it, and HDF5's code for such heaps is not to be trusted
// with strangers' files.
static Err text_type(const char *path, int64_t length, int64_t *type)
{
    Err e;

    *type = H5Tcopy(H5T_C_S1);
    TRY(h5_ok(*type, ERR_IO, "a text type for", NULL, path));
    e = h5_ok(H5Tset_size(*type, (size_t)(length > 0 ? length : 1)), ERR_IO, "a text type for",
              NULL, path);
    if (e == OK)
        e = h5_ok(H5Tset_cset(*type, H5T_CSET_UTF8), ERR_IO, "a text type for", NULL, path);
    if (e == OK)
        e = h5_ok(H5Tset_strpad(*type, H5T_STR_NULLPAD), ERR_IO, "a text type for", NULL, path);
    if (e != OK)
        H5Tclose(*type);
    return e;
}

static Err attribute(H5File *f, const char *object, const char *name, int64_t file_type,
                     int64_t type, const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR), set;
    Err   e = h5_ok(space, ERR_IO, "a space for", name, f->path);

    TRY(e);
    set = H5Acreate_by_name(f->id, object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT,
                            H5P_DEFAULT);
    e = h5_ok(set, ERR_IO, "making the attribute", name, f->path);
    if (e == OK) {
        e = h5_ok(H5Awrite(set, type, value), ERR_IO, "writing the attribute", name, f->path);
        err_also(&e, h5_ok(H5Aclose(set), ERR_IO, "closing the attribute", name, f->path));
    }
    H5Sclose(space);
    return e;
}

Err h5_attr_text(H5File *f, const char *object, const char *name, const char *text)
{
    int64_t length = (int64_t)strlen(text), type;
    Err     e;

    if (length > ATTRIBUTE_MAX)
        FAIL(ERR_DATA, "%s: attribute %s of %s has %lld bytes, an attribute holds %d", f->path,
             name, object, (long long)length, ATTRIBUTE_MAX);
    TRY(text_type(f->path, length, &type));
    e = attribute(f, object, name, type, type, text);
    H5Tclose(type);
    return e;
}

Err h5_attr_i64(H5File *f, const char *object, const char *name, int64_t value)
{
    return attribute(f, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

// What an array is like beyond its values.  `creation` may be a property list, or H5P_DEFAULT.
static Err make_set(H5File *f, const H5Array *a, int64_t file_type, int64_t creation, int64_t *set)
{
    hsize_t shape[H5_DIMS_MAX + 1] = {0};
    hid_t   links = H5Pcreate(H5P_LINK_CREATE), space;
    Err     e = h5_ok(links, ERR_IO, "properties of", a->name, f->path);

    TRY(e);
    for (int i = 0; i < a->rank; i++)
        shape[i] = (hsize_t)a->shape[i];
    space = a->rank > 0 ? H5Screate_simple(a->rank, shape, NULL) : H5Screate(H5S_SCALAR);
    e = h5_ok(space, ERR_IO, "a space for", a->name, f->path);
    if (e == OK)
        e = h5_ok(H5Pset_create_intermediate_group(links, 1), ERR_IO, "properties of", a->name,
                  f->path);
    if (e == OK) {
        *set = H5Dcreate2(f->id, a->name, file_type, space, links, creation, H5P_DEFAULT);
        e = h5_ok(*set, ERR_IO, "making", a->name, f->path);
    }
    H5Sclose(space), H5Pclose(links);
    return e;
}

// Without times, so that the same content makes the same file.
static Err creation_list(H5File *f, const char *name, int64_t *list)
{
    Err e;

    *list = H5Pcreate(H5P_DATASET_CREATE);
    TRY(h5_ok(*list, ERR_IO, "properties of", name, f->path));
    e = h5_ok(H5Pset_obj_track_times(*list, 0), ERR_IO, "properties of", name, f->path);
    if (e != OK)
        H5Pclose(*list);
    return e;
}

static Err describe(H5File *f, const H5Array *a)
{
    TRY(h5_attr_text(f, a->name, "about", a->about));
    TRY(h5_attr_text(f, a->name, "dims", a->dims));
    if (a->unit != NULL)
        TRY(h5_attr_text(f, a->name, "unit", a->unit));
    return OK;
}

static Err fill(H5File *f, const H5Array *a, int64_t set)
{
    H5Box box = {.set = set, .name = a->name, .kind = a->kind, .rank = a->rank};

    TRY(describe(f, a));
    for (int i = 0; i < a->rank; i++)
        box.count[i] = (uint64_t)a->shape[i];
    if (a->data != NULL)
        TRY(h5_move(f, H5_WRITES, box, a->data));
    return OK;
}

Err h5_put(H5File *f, const H5Array *a)
{
    int64_t creation, set;
    Err     e;

    h5_count(a);
    TRY(creation_list(f, a->name, &creation));
    e = make_set(f, a, h5_kind_in_file(a->kind), creation, &set);
    H5Pclose(creation);
    TRY(e);
    e = fill(f, a, set);
    err_also(&e, h5_ok(H5Dclose(set), ERR_IO, "closing", a->name, f->path));
    return e;
}

Err h5_put_text(H5File *f, const char *name, const char *about, const char *text)
{
    char    none = 0;
    H5Array a = {.name = name,
                 .about = about,
                 .dims = "byte",
                 .unit = "UTF-8",
                 .kind = H5_U8,
                 .rank = 1,
                 .shape = {(int64_t)strlen(text)},
                 .data = &none};

    // A copy of the pointer without const: h5_put only reads.
    memcpy(&a.data, &text, sizeof a.data);
    return h5_put(f, &a);
}

// Each name is written by itself, with a memory type of its own length: HDF5 pads.
static Err put_name(H5File *f, const H5Array *a, int64_t set, int row, const char *text)
{
    hsize_t at = (hsize_t)row, one = 1;
    int64_t type;
    hid_t   there = H5Dget_space(set), here = H5Screate_simple(1, &one, NULL);
    Err     e = h5_ok(there < 0 ? there : here, ERR_IO, "the space of", a->name, f->path);

    TRY(e);
    e = text_type(f->path, (int64_t)strlen(text), &type);
    if (e == OK) {
        e = h5_ok(H5Sselect_hyperslab(there, H5S_SELECT_SET, &at, NULL, &one, NULL), ERR_IO,
                  "choosing a part of", a->name, f->path);
        if (e == OK)
            e = h5_ok(H5Dwrite(set, type, here, there, H5P_DEFAULT, text), ERR_IO, "writing",
                      a->name, f->path);
        H5Tclose(type);
    }
    H5Sclose(here), H5Sclose(there);
    return e;
}

static Err fill_names(H5File *f, const H5Array *a, int64_t set, const char *const *names)
{
    TRY(describe(f, a));
    for (int i = 0; i < a->shape[0]; i++)
        TRY(put_name(f, a, set, i, names[i]));
    return OK;
}

static Err put_names_typed(H5File *f, const H5Array *a, int64_t type, const char *const *names)
{
    int64_t creation, set;
    Err     e;

    TRY(creation_list(f, a->name, &creation));
    e = make_set(f, a, type, creation, &set);
    H5Pclose(creation);
    TRY(e);
    e = fill_names(f, a, set, names);
    err_also(&e, h5_ok(H5Dclose(set), ERR_IO, "closing", a->name, f->path));
    return e;
}

Err h5_put_names(H5File *f, const char *name, const char *about, const char *const *names,
                 int count)
{
    H5Array a = {.name = name, .about = about, .dims = "number", .rank = 1, .shape = {count}};
    int64_t width = 0, type;
    Err     e;

    for (int i = 0; i < count; i++)
        if ((int64_t)strlen(names[i]) > width)
            width = (int64_t)strlen(names[i]);
    TRY(text_type(f->path, width, &type));
    e = put_names_typed(f, &a, type, names);
    H5Tclose(type);
    return e;
}

// ---- views

// Rows [first, first + rows) of the view are all rows of the source.
static Err map_source(H5File *f, const H5Array *a, int64_t creation, int64_t first,
                      const H5Source *source)
{
    hsize_t whole[H5_DIMS_MAX], start[H5_DIMS_MAX] = {(hsize_t)first}, count[H5_DIMS_MAX];
    hid_t   here, there;
    Err     e;

    for (int i = 0; i < a->rank; i++)
        whole[i] = count[i] = (hsize_t)a->shape[i];
    count[0] = (hsize_t)source->rows;
    here = H5Screate_simple(a->rank, whole, NULL);
    there = H5Screate_simple(a->rank, count, NULL);
    e = h5_ok(here < 0 ? here : there, ERR_IO, "a space for", a->name, f->path);
    if (e == OK)
        e = h5_ok(H5Sselect_hyperslab(here, H5S_SELECT_SET, start, NULL, count, NULL), ERR_IO,
                  "choosing a part of", a->name, f->path);
    if (e == OK)
        e = h5_ok(H5Pset_virtual(creation, here, source->file, source->name, there), ERR_IO,
                  "viewing", source->file, f->path);
    H5Sclose(there), H5Sclose(here);
    return e;
}

// What is seen where a source is missing: HDF5 does not say so by itself.
static Err fill_value(H5File *f, const H5Array *a, int64_t creation)
{
    float nan32 = NAN;

    if (a->kind != H5_F32 && a->kind != H5_F64)
        return OK;
    TRY(h5_ok(H5Pset_fill_value(creation, H5T_NATIVE_FLOAT, &nan32), ERR_IO, "a fill value for",
              a->name, f->path));
    return OK;
}

static Err map_sources(H5File *f, const H5Array *a, int64_t creation, const H5Source *sources,
                       int count)
{
    int64_t first = 0;

    TRY(fill_value(f, a, creation));
    for (int i = 0; i < count; i++) {
        if (sources[i].rows > 0 && sources[i].file != NULL && h5_count(a) > 0)
            TRY(map_source(f, a, creation, first, &sources[i]));
        first += sources[i].rows;
    }
    CHECK(first == a->shape[0], "%s has %lld rows, its sources %lld", a->name,
          (long long)a->shape[0], (long long)first);
    return OK;
}

Err h5_put_view(H5File *f, const H5Array *shape, const H5Source *sources, int count)
{
    int64_t creation, set;
    Err     e;

    CHECK(shape->rank > 0, "%s: a view needs rows", shape->name);
    TRY(creation_list(f, shape->name, &creation));
    e = map_sources(f, shape, creation, sources, count);
    if (e == OK)
        e = make_set(f, shape, h5_kind_in_file(shape->kind), creation, &set);
    H5Pclose(creation);
    TRY(e);
    e = describe(f, shape);
    err_also(&e, h5_ok(H5Dclose(set), ERR_IO, "closing", shape->name, f->path));
    return e;
}

Err h5_put_rows(H5File *f, const char *name, int64_t first, int64_t rows, const void *data)
{
    void *source;

    memcpy(&source, &data, sizeof source); // h5_move only reads from it
    return h5_move_rows(f, H5_WRITES, name, first, rows, source);
}
