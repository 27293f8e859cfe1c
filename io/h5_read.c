#include "io/h5.h"

#include "io/h5_private.h"

#define H5_USE_110_API // newer libraries: the calls as they were in 1.10
#include <hdf5.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 512 };

// A step of a path exists; in our own files it must be no link to elsewhere.
static int step_exists(H5File *f, const char *name)
{
    H5L_info_t info;

    if (H5Lexists(f->id, name, H5P_DEFAULT) <= 0)
        return 0;
    return f->foreign ||
           (H5Lget_info(f->id, name, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD);
}

// HDF5 only answers for the last step of a path, so every step is asked for.
static int path_exists(H5File *f, const char *name)
{
    char part[NAME_MAX_BYTES];

    if (strlen(name) >= sizeof part || name[0] != '/')
        return 0;
    if (name[1] == 0)
        return 1;
    for (size_t i = 1; i <= strlen(name); i++) {
        if (name[i] != '/' && name[i] != 0)
            continue;
        memcpy(part, name, i);
        part[i] = 0;
        if (!step_exists(f, part))
            return 0;
    }
    return 1;
}

static int is_array(H5File *f, const char *name)
{
    H5O_info_t info;

    return path_exists(f, name) &&
           H5Oget_info_by_name2(f->id, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
           info.type == H5O_TYPE_DATASET;
}

int h5_has(H5File *f, const char *name)
{
    return is_array(f, name);
}

static Err open_set(H5File *f, const char *name, int64_t *set)
{
    if (!is_array(f, name))
        FAIL(ERR_DATA, "%s has no array %s", f->path, name);
    *set = H5Dopen2(f->id, name, H5P_DEFAULT);
    TRY(h5_ok(*set, ERR_DATA, "opening", name, f->path));
    return OK;
}

static int kind_of(int64_t type, H5Kind *kind)
{
    H5T_class_t class = H5Tget_class(type);
    size_t bytes = H5Tget_size(type);
    int    is_signed = class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;

    for (int k = H5_U8; k <= H5_F64; k++) {
        H5T_class_t wanted = k >= H5_F32 ? H5T_FLOAT : H5T_INTEGER;
        if (class == wanted && bytes == (size_t)h5_kind_bytes((H5Kind)k) &&
            (class == H5T_FLOAT || is_signed == (k == H5_I32 || k == H5_I64))) {
            *kind = (H5Kind)k;
            return 1;
        }
    }
    return 0;
}

static Err shape_of(H5File *f, const char *name, int64_t set, H5Array *a)
{
    hsize_t shape[H5S_MAX_RANK];
    hid_t   space = H5Dget_space(set);
    int64_t count = 1;

    TRY(h5_ok(space, ERR_DATA, "the space of", name, f->path));
    a->rank = H5Sget_simple_extent_ndims(space);
    if (a->rank >= 0 && a->rank <= H5_DIMS_MAX)
        H5Sget_simple_extent_dims(space, shape, NULL);
    H5Sclose(space);
    if (a->rank < 0 || a->rank > H5_DIMS_MAX)
        FAIL(ERR_DATA, "%s: %s has %d axes, at most %d can be read", f->path, name, a->rank,
             H5_DIMS_MAX);
    for (int i = 0; i < a->rank; i++) {
        a->shape[i] = (int64_t)shape[i];
        if (shape[i] > INT64_MAX / 64 || __builtin_mul_overflow(count, a->shape[i], &count) ||
            count > INT64_MAX / 64)
            FAIL(ERR_DATA, "%s: the shape of %s is impossible", f->path, name);
    }
    return OK;
}

Err h5_shape(H5File *f, const char *name, H5Array *a)
{
    int64_t set = -1;
    hid_t   type;
    int     known;
    Err     e;

    TRY(open_set(f, name, &set));
    a->name = name;
    type = H5Dget_type(set);
    known = type >= 0 && kind_of(type, &a->kind);
    e = shape_of(f, name, set, a);
    if (type >= 0)
        H5Tclose(type);
    H5Dclose(set);
    TRY(e);
    if (!known)
        FAIL(ERR_DATA, "%s: %s holds neither numbers that can be read nor bytes", f->path, name);
    return OK;
}

static const char *shape_text(char out[128], const H5Array *a)
{
    int used = snprintf(out, 128, "%s [", h5_kind_name(a->kind));

    for (int i = 0; i < a->rank; i++)
        used +=
            snprintf(out + used, 128 - (size_t)used, "%s%" PRId64, i > 0 ? "," : "", a->shape[i]);
    snprintf(out + used, 128 - (size_t)used, "]");
    return out;
}

static int same_shape(const H5Array *a, const H5Array *b)
{
    if (a->kind != b->kind || a->rank != b->rank)
        return 0;
    for (int i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i])
            return 0;
    return 1;
}

// Our own files hold plain arrays, every byte in the file itself.  What strangers wrote may be
// compressed, but not without limit (deflate reaches 1032).
static Err check_storage(H5File *f, const char *name, int64_t set, int64_t bytes)
{
    hid_t   list = H5Dget_create_plist(set);
    int64_t stored = (int64_t)H5Dget_storage_size(set);
    int     plain;

    TRY(h5_ok(list, ERR_DATA, "properties of", name, f->path));
    plain = H5Pget_layout(list) == H5D_CONTIGUOUS && H5Pget_external_count(list) == 0;
    H5Pclose(list);
    if (f->foreign && bytes <= (f->bytes + 1) * 1100)
        return OK;
    if (!plain)
        FAIL(ERR_DATA, "%s: %s is not stored in the file itself (a view?)", f->path, name);
    if (bytes > 0 && (stored != bytes || bytes > f->bytes))
        FAIL(ERR_DATA,
             "%s: %s should take %" PRId64 " bytes, but %" PRId64 " are stored: it is not complete",
             f->path, name, bytes, stored);
    return OK;
}

static Err storage(H5File *f, const char *name, int64_t bytes)
{
    int64_t set = -1;
    Err     e;

    TRY(open_set(f, name, &set));
    e = check_storage(f, name, set, bytes);
    H5Dclose(set);
    return e;
}

static Err get_all(H5File *f, const H5Array *a)
{
    H5Box box = {.name = a->name, .kind = a->kind, .rank = a->rank};
    Err   e;

    TRY(open_set(f, a->name, &box.set));
    for (int i = 0; i < a->rank; i++)
        box.count[i] = (uint64_t)a->shape[i];
    e = h5_move(f, H5_READS, box, a->data);
    H5Dclose(box.set);
    return e;
}

Err h5_get(H5File *f, const H5Array *a)
{
    H5Array found = {0};
    char    was[128], wanted[128];

    TRY(h5_shape(f, a->name, &found));
    if (!same_shape(&found, a))
        FAIL(ERR_DATA, "%s: %s is %s, where %s is wanted", f->path, a->name,
             shape_text(was, &found), shape_text(wanted, a));
    TRY(storage(f, a->name, h5_count(a) * h5_kind_bytes(a->kind)));
    TRY(get_all(f, a));
    return OK;
}

Err h5_load(H5File *f, Arena *arena, const char *name, H5Kind kind, int rank, H5Array *a)
{
    char was[128];

    *a = (H5Array){0};
    TRY(h5_shape(f, name, a));
    if (a->kind != kind || a->rank != rank)
        FAIL(ERR_DATA, "%s: %s is %s, where %s with %d axes is wanted", f->path, name,
             shape_text(was, a), h5_kind_name(kind), rank);
    TRY(storage(f, name, h5_count(a) * h5_kind_bytes(kind)));
    a->data = arena_push(arena, h5_count(a), h5_kind_bytes(kind));
    TRY(get_all(f, a));
    return OK;
}

Err h5_get_rows(H5File *f, const char *name, int64_t first, int64_t rows, void *data)
{
    H5Array a = {0};

    TRY(h5_shape(f, name, &a));
    TRY(storage(f, name, h5_count(&a) * h5_kind_bytes(a.kind)));
    TRY(h5_move_rows(f, H5_READS, name, first, rows, data));
    return OK;
}

Err h5_get_text(H5File *f, Arena *arena, const char *name, char **text, int64_t *length)
{
    H5Array a = {0};

    TRY(h5_shape(f, name, &a));
    if (a.kind != H5_U8 || a.rank != 1)
        FAIL(ERR_DATA, "%s: %s is not a text", f->path, name);
    TRY(storage(f, name, a.shape[0]));
    *text = a.data = arena_push(arena, a.shape[0] + 1, 1);
    TRY(get_all(f, &a));
    if (length != NULL)
        *length = a.shape[0];
    return OK;
}

// ---- names

static Err names_read(H5File *f, Arena *arena, const char *name, int64_t set, int64_t type,
                      char ***names, int *count)
{
    H5Array a = {0};
    int64_t width = (int64_t)H5Tget_size(type);
    char   *bytes;

    TRY(shape_of(f, name, set, &a));
    if (a.rank != 1 || a.shape[0] > INT_MAX || H5Tget_class(type) != H5T_STRING ||
        H5Tis_variable_str(type) != 0 || width > INT_MAX)
        FAIL(ERR_DATA, "%s: %s is not a list of names of fixed width", f->path, name);
    TRY(check_storage(f, name, set, a.shape[0] * width));
    *count = (int)a.shape[0];
    *names = arena_new(arena, char *, *count);
    bytes = arena_push(arena, *count, width);
    if (*count > 0)
        TRY(h5_ok(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes), ERR_IO, "reading", name,
                  f->path));
    for (int i = 0; i < *count; i++)
        (*names)[i] = arena_text_n(arena, bytes + i * width,
                                   (int64_t)strnlen(bytes + i * width, (size_t)width));
    return OK;
}

Err h5_get_names(H5File *f, Arena *arena, const char *name, char ***names, int *count)
{
    int64_t set = -1;
    hid_t   type;
    Err     e;

    TRY(open_set(f, name, &set));
    type = H5Dget_type(set);
    e = h5_ok(type, ERR_DATA, "the type of", name, f->path);
    if (e == OK) {
        e = names_read(f, arena, name, set, type, names, count);
        H5Tclose(type);
    }
    H5Dclose(set);
    return e;
}

// ---- attributes

typedef struct Attribute {
    H5File     *f;
    const char *object, *name;
    hid_t       set, type;
    int64_t     count; // values
} Attribute;

static Err attribute_open(H5File *f, const char *object, const char *name, Attribute *out)
{
    Attribute a = {.f = f, .object = object, .name = name};
    hid_t     space;

    if (!path_exists(f, object) || H5Aexists_by_name(f->id, object, name, H5P_DEFAULT) <= 0)
        FAIL(ERR_DATA, "%s: %s has no attribute %s", f->path, object, name);
    a.set = H5Aopen_by_name(f->id, object, name, H5P_DEFAULT, H5P_DEFAULT);
    TRY(h5_ok(a.set, ERR_DATA, "opening the attribute", name, f->path));
    a.type = H5Aget_type(a.set);
    space = H5Aget_space(a.set);
    a.count = space >= 0 ? (int64_t)H5Sget_simple_extent_npoints(space) : -1;
    if (space >= 0)
        H5Sclose(space);
    *out = a;
    return OK;
}

static void attribute_close(Attribute *a)
{
    if (a->type >= 0)
        H5Tclose(a->type);
    H5Aclose(a->set);
}

static Err attribute_wrong(const Attribute *a, const char *wanted)
{
    FAIL(ERR_DATA, "%s: attribute %s of %s is not %s", a->f->path, a->name, a->object, wanted);
}

static Err fixed_text(const Attribute *a, char *out)
{
    TRY(h5_ok(H5Aread(a->set, a->type, out), ERR_DATA, "reading the attribute", a->name,
              a->f->path));
    return OK;
}

// Of strangers' files only: the library allocates it.
static Err variable_text(const Attribute *a, Arena *arena, char **text)
{
    char *given = NULL;

    TRY(h5_ok(H5Aread(a->set, a->type, &given), ERR_DATA, "reading the attribute", a->name,
              a->f->path));
    *text = arena_text(arena, given != NULL ? given : "");
    H5free_memory(given);
    return OK;
}

static Err attribute_text(const Attribute *a, Arena *arena, char **text)
{
    if (a->type < 0 || H5Tget_class(a->type) != H5T_STRING || a->count != 1)
        return attribute_wrong(a, "one text");
    if (H5Tis_variable_str(a->type) > 0) {
        if (!a->f->foreign)
            return attribute_wrong(a, "a text of fixed length");
        return variable_text(a, arena, text);
    }
    if ((int64_t)H5Tget_size(a->type) > a->f->bytes)
        return attribute_wrong(a, "possible: it is longer than the file");
    *text = arena_push(arena, (int64_t)H5Tget_size(a->type) + 1, 1);
    return fixed_text(a, *text);
}

Err h5_get_attr_text(H5File *f, Arena *arena, const char *object, const char *name, char **text)
{
    Attribute a;
    Err       e;

    TRY(attribute_open(f, object, name, &a));
    e = attribute_text(&a, arena, text);
    attribute_close(&a);
    return e;
}

Err h5_attr_short(H5File *f, const char *object, const char *name, char *out, int size)
{
    Attribute a;
    Err       e;

    memset(out, 0, (size_t)size);
    TRY(attribute_open(f, object, name, &a));
    if (a.type < 0 || H5Tget_class(a.type) != H5T_STRING || a.count != 1 ||
        H5Tis_variable_str(a.type) != 0 || H5Tget_size(a.type) >= (size_t)size)
        e = attribute_wrong(&a, "a short text of fixed length");
    else
        e = fixed_text(&a, out);
    attribute_close(&a);
    return e;
}

static Err attribute_numbers(const Attribute *a, H5T_class_t class, int64_t type, int64_t count,
                             void *values)
{
    H5T_class_t found = a->type >= 0 ? H5Tget_class(a->type) : H5T_NO_CLASS;

    if ((found != H5T_INTEGER && found != class) || a->count != count)
        return attribute_wrong(a, class == H5T_INTEGER ? "one whole number"
                                                       : "that many real numbers");
    TRY(h5_ok(H5Aread(a->set, type, values), ERR_DATA, "reading the attribute", a->name,
              a->f->path));
    return OK;
}

Err h5_get_attr_i64(H5File *f, const char *object, const char *name, int64_t *value)
{
    Attribute a;
    Err       e;

    TRY(attribute_open(f, object, name, &a));
    e = attribute_numbers(&a, H5T_INTEGER, H5T_NATIVE_INT64, 1, value);
    attribute_close(&a);
    return e;
}

Err h5_get_attr_f64(H5File *f, const char *object, const char *name, double *values, int count)
{
    Attribute a;
    Err       e;

    TRY(attribute_open(f, object, name, &a));
    e = attribute_numbers(&a, H5T_FLOAT, H5T_NATIVE_DOUBLE, count, values);
    attribute_close(&a);
    return e;
}

// ---- listing

typedef struct Listing {
    Arena      *arena;
    const char *group;
    char      **names; // NULL while counting
    int         count;
} Listing;

static herr_t list_one(hid_t object, const char *name, const H5O_info_t *info, void *self)
{
    Listing *l = self;

    (void)object;
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    if (l->names != NULL)
        l->names[l->count] =
            arena_format(l->arena, "%s%s%s", l->group, l->group[1] != 0 ? "/" : "", name);
    l->count++;
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

Err h5_list(H5File *f, Arena *arena, const char *group, char ***names, int *count)
{
    Listing l = {.arena = arena, .group = group};

    *names = NULL;
    *count = 0;
    if (!path_exists(f, group))
        return OK;
    for (int pass = 0; pass < 2; pass++) { // counts, then collects
        if (pass == 1)
            l.names = arena_new(arena, char *, l.count);
        l.count = 0;
        TRY(h5_ok(H5Ovisit_by_name2(f->id, group, H5_INDEX_NAME, H5_ITER_INC, list_one, &l,
                                    H5O_INFO_BASIC, H5P_DEFAULT),
                  ERR_DATA, "listing", group, f->path));
    }
    if (l.count > 1)
        qsort(l.names, (size_t)l.count, sizeof *l.names, by_text);
    *names = l.names;
    *count = l.count;
    return OK;
}
