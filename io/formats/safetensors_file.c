#include "io/formats/magic.h"
#include "io/formats/safetensors_private.h"
#include "io/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAFE_PIECE = 16 << 20 }; // bytes of one read

static const int64_t WHOLE_MAX = (int64_t)1 << 53;

// ---- bytes

Err safetensors_open_bytes(const char *path, int *fd, int64_t *bytes)
{
    struct stat s;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not hold us up
    if (*fd < 0)
        FAIL(ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(*fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        close(*fd);
        FAIL(ERR_IO, "%s: expected a plain file", path);
    }
    *bytes = (int64_t)s.st_size;
    return OK;
}

Err safetensors_read_at(int fd, const char *path, int64_t from, void *out, int64_t bytes)
{
    for (int64_t done = 0; done < bytes;) {
        int64_t want = bytes - done < SAFE_PIECE ? bytes - done : SAFE_PIECE;
        ssize_t got = pread(fd, (char *)out + done, (size_t)want, (off_t)(from + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            FAIL(ERR_IO, "%s: cannot be read at byte %" PRId64 ": %s", path, from + done,
                 strerror(errno));
        if (got == 0)
            FAIL(ERR_DATA,
                 "%s: expected %" PRId64 " bytes from byte %" PRId64
                 ", the file ends after %" PRId64 "; it was cut while it was read",
                 path, bytes, from, done);
        done += got;
    }
    return OK;
}

static uint64_t little_u64(const unsigned char b[8])
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | b[i];
    return value;
}

static Err read_header(Arena *arena, int fd, const char *path, int64_t bytes, char **text,
                       int64_t *length)
{
    unsigned char first[MAGIC_BYTES];
    uint64_t      size;

    if (bytes < 10)
        FAIL(ERR_DATA, "%s: expected a safetensors file, found only %" PRId64 " bytes", path,
             bytes);
    TRY(safetensors_read_at(fd, path, 0, first, bytes < MAGIC_BYTES ? bytes : MAGIC_BYTES));
    size = little_u64(first);
    if (size < 2 || size > (uint64_t)(bytes - 8)) {
        TRY(magic_refuse(path, first, bytes < MAGIC_BYTES ? bytes : MAGIC_BYTES,
                         "a safetensors file"));
        FAIL(ERR_DATA,
             "%s: expected a safetensors header of 2 to %" PRId64 " bytes (the rest of the "
             "file), its size says %" PRIu64 "; the file is cut or no safetensors file",
             path, bytes - 8, size);
    }
    if (size > JSON_BYTES_MAX || (int64_t)size > arena->capacity - arena->used - 2 * ARENA_ALIGN)
        FAIL(ERR_DATA,
             "%s: a header of %" PRIu64 " bytes is larger than what is read (%d bytes, %" PRId64
             " free in the %s arena)",
             path, size, JSON_BYTES_MAX, arena->capacity - arena->used, arena->name);
    *length = (int64_t)size;
    *text = arena_push(arena, *length + 1, 1);
    TRY(safetensors_read_at(fd, path, 8, *text, *length));
    if ((*text)[0] != '{')
        FAIL(ERR_DATA, "%s: expected '{' as byte 8, found 0x%02x; this is no safetensors file",
             path, (unsigned char)(*text)[0]);
    return OK;
}

// ---- one entry of the header

typedef struct SafeType {
    const char *name;
    int         bits;
    SafeKind    kind;
} SafeType;

static const SafeType types[] = {
    {"F32", 32, SAFE_F32},          {"F16", 16, SAFE_F16},      {"BF16", 16, SAFE_BF16},
    {"F64", 64, SAFE_OTHER},        {"I64", 64, SAFE_OTHER},    {"U64", 64, SAFE_OTHER},
    {"C64", 64, SAFE_OTHER},        {"I32", 32, SAFE_OTHER},    {"U32", 32, SAFE_OTHER},
    {"I16", 16, SAFE_OTHER},        {"U16", 16, SAFE_OTHER},    {"I8", 8, SAFE_OTHER},
    {"U8", 8, SAFE_OTHER},          {"BOOL", 8, SAFE_OTHER},    {"F8_E4M3", 8, SAFE_OTHER},
    {"F8_E5M2", 8, SAFE_OTHER},     {"F8_E8M0", 8, SAFE_OTHER}, {"F8_E4M3FNUZ", 8, SAFE_OTHER},
    {"F8_E5M2FNUZ", 8, SAFE_OTHER}, {"F6_E2M3", 6, SAFE_OTHER}, {"F6_E3M2", 6, SAFE_OTHER},
    {"F4", 4, SAFE_OTHER},
};

static const SafeType *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

static Err take_type(const char *path, const Json *entry, SafeTensor *t, int *bits)
{
    const char     *name;
    const SafeType *type;

    TRY(json_want_text(entry, "dtype", &name));
    type = find_type(name);
    if (type == NULL)
        FAIL(ERR_DATA,
             "%s: tensor %s: expected an element type of safetensors as dtype, such as F32, "
             "found \"%.32s\"",
             path, t->name, name);
    t->kind = type->kind;
    t->dtype = type->name;
    *bits = type->bits;
    return OK;
}

static Err take_shape(const char *path, const Json *entry, SafeTensor *t, int64_t *elements)
{
    const Json *shape;

    *elements = 1;
    TRY(json_want_array(entry, "shape", &shape));
    if (shape->length > SAFE_RANK_MAX)
        FAIL(ERR_DATA, "%s: tensor %s: expected at most %d axes, found %" PRId64, path, t->name,
             SAFE_RANK_MAX, shape->length);
    for (const Json *m = shape->child; m != NULL; m = m->next) {
        int64_t size;

        TRY(json_i64(m, 0, WHOLE_MAX, &size));
        t->shape[t->rank++] = size;
        if (__builtin_mul_overflow(*elements, size, elements))
            FAIL(ERR_DATA, "%s: tensor %s: its shape has more elements than can be counted", path,
                 t->name);
    }
    return OK;
}

// begin and end of the bytes, from the start of the data.
static Err take_range(const char *path, const Json *entry, int64_t data, SafeTensor *t)
{
    const Json *range;
    int64_t     end;

    TRY(json_want_array(entry, "data_offsets", &range));
    if (range->length != 2)
        FAIL(ERR_DATA, "%s: tensor %s: expected two data_offsets, found %" PRId64, path, t->name,
             range->length);
    TRY(json_i64(range->child, 0, WHOLE_MAX, &t->begin));
    TRY(json_i64(range->child->next, 0, WHOLE_MAX, &end));
    if (t->begin > end || end > data)
        FAIL(ERR_DATA,
             "%s: tensor %s: expected data_offsets that rise and end by %" PRId64
             ", found [%" PRId64 ", %" PRId64 "]; the file may be cut",
             path, t->name, data, t->begin, end);
    t->bytes = end - t->begin;
    return OK;
}

static Err take_tensor(const char *path, const Json *entry, int64_t data, SafeTensor *t)
{
    int64_t elements, all_bits;
    int     bits = 0;

    t->name = entry->key;
    if (strlen(t->name) > SAFE_NAME_MAX || t->name[0] == 0)
        FAIL(ERR_DATA, "%s: expected tensor names of 1 to %d bytes, found %zu in \"%.40s\"", path,
             SAFE_NAME_MAX, strlen(t->name), t->name);
    if (entry->kind != JSON_OBJECT)
        FAIL(ERR_DATA, "%s: tensor %s: expected an object, found %s", path, t->name,
             json_kind_name(entry->kind));
    TRY(take_type(path, entry, t, &bits));
    TRY(take_shape(path, entry, t, &elements));
    TRY(take_range(path, entry, data, t));
    if (__builtin_mul_overflow(elements, (int64_t)bits, &all_bits) || all_bits % 8 != 0 ||
        all_bits / 8 != t->bytes)
        FAIL(ERR_DATA,
             "%s: tensor %s: %" PRId64 " elements of %d bits do not take the %" PRId64
             " bytes of its data_offsets",
             path, t->name, elements, bits, t->bytes);
    return OK;
}

// ---- all entries

static int by_place(const void *a, const void *b)
{
    const SafeTensor *x = a, *y = b;

    if (x->begin != y->begin)
        return (x->begin > y->begin) - (x->begin < y->begin);
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

// Sorts by place; every byte of the data must belong to exactly one tensor.
static Err check_cover(const char *path, SafeTensor *t, int64_t count, int64_t data)
{
    int64_t at = 0;

    qsort(t, (size_t)count, sizeof *t, by_place);
    for (int64_t i = 0; i < count; i++) {
        if (t[i].begin != at)
            FAIL(ERR_DATA,
                 "%s: tensor %s: expected its data at byte %" PRId64 " of the data, found %" PRId64
                 ": tensors %s",
                 path, t[i].name, at, t[i].begin, t[i].begin < at ? "overlap" : "leave a hole");
        at += t[i].bytes;
    }
    if (at != data)
        FAIL(ERR_DATA, "%s: expected %" PRId64 " bytes of data, found %" PRId64, path, at, data);
    return OK;
}

static int64_t count_tensors(const Json *header)
{
    return header->length - (json_member(header, "__metadata__") != NULL);
}

static Err check_header(const char *path, const Json *header)
{
    const Json *metadata = json_member(header, "__metadata__");

    if (metadata != NULL && metadata->kind != JSON_OBJECT)
        FAIL(ERR_DATA, "%s: expected an object as __metadata__, found %s", path,
             json_kind_name(metadata->kind));
    if (count_tensors(header) > SAFE_TENSORS_MAX)
        FAIL(ERR_DATA, "%s: expected at most %d tensors, found %" PRId64, path, SAFE_TENSORS_MAX,
             count_tensors(header));
    return OK;
}

Err safetensors_room(const Arena *arena, const char *path, int64_t bytes)
{
    if (bytes > arena->capacity - arena->used)
        FAIL(ERR_DATA,
             "%s: its list of tensors needs %" PRId64 " bytes of memory, %" PRId64
             " are left in the %s arena",
             path, bytes, arena->capacity - arena->used, arena->name);
    return OK;
}

// The tensors of one file, sorted by place, in `arena`.
static Err list_tensors(Arena *arena, int fd, const char *path, int64_t bytes, SafeTensor **tensors,
                        int64_t *count)
{
    const Json *header;
    char       *text = NULL;
    int64_t     length = 0, data, n = 0;

    TRY(read_header(arena, fd, path, bytes, &text, &length));
    TRY(json_parse(arena, path, text, length, JSON_NO_COMMENTS, &header));
    TRY(check_header(path, header));
    data = bytes - 8 - length;
    *count = count_tensors(header);
    TRY(safetensors_room(arena, path, arena_need(*count + 1, (int64_t)sizeof(SafeTensor))));
    *tensors = arena_new(arena, SafeTensor, *count + 1);
    for (const Json *m = header->child; m != NULL; m = m->next)
        if (strcmp(m->key, "__metadata__") != 0)
            TRY(take_tensor(path, m, data, &(*tensors)[n++]));
    TRY(check_cover(path, *tensors, *count, data));
    for (int64_t i = 0; i < *count; i++)
        (*tensors)[i].begin += 8 + length;
    return OK;
}

Err safetensors_scan(Arena *arena, const char *path, SafeTensor **tensors, int64_t *count)
{
    int     fd;
    int64_t bytes;
    Err     e;

    TRY(safetensors_open_bytes(path, &fd, &bytes));
    e = list_tensors(arena, fd, path, bytes, tensors, count);
    close(fd); // nothing was written that a close could lose
    return e;
}
