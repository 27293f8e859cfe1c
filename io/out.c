#include "io/out.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

Err out_open(const char *path, Out *out)
{
    *out = (Out){0};
    if (snprintf(out->part, sizeof out->part, "%s.part-%d", path, (int)getpid()) >=
        (int)sizeof out->part)
        FAIL(ERR_IO, "the path %.60s... is too long", path);
    snprintf(out->path, sizeof out->path, "%s", path);
    out->file = fopen(out->part, "wb");
    if (out->file == NULL)
        FAIL(ERR_IO, "%s: cannot be made: %s", out->part, strerror(errno));
    out->sum = hash_stream_open();
    return OK;
}

Err out_write(Out *o, const void *data, int64_t bytes)
{
    if (bytes > 0 && fwrite(data, 1, (size_t)bytes, o->file) != (size_t)bytes)
        FAIL(ERR_IO, "%s: cannot be written after %" PRId64 " bytes: %s", o->part, o->bytes,
             strerror(errno));
    hash_stream_add(o->sum, data, bytes);
    o->bytes += bytes;
    return OK;
}

Err out_pad(Out *o, int64_t align)
{
    static const char zeros[256];
    int64_t           left = (align - o->bytes % align) % align;

    CHECK(align > 0 && align <= (int64_t)sizeof zeros, "%" PRId64, align);
    return out_write(o, zeros, left);
}

static Err check_and_move(const Out *o, uint64_t want)
{
    uint64_t found;
    int64_t  bytes;

    TRY(file_sync(o->part));
    TRY(file_sum(o->part, 0, &found, &bytes));
    if (found != want || bytes != o->bytes)
        FAIL(ERR_IO, "%s: %" PRId64 " bytes read back differ from the %" PRId64 " written", o->part,
             bytes, o->bytes);
    return file_move(o->part, o->path);
}

Err out_close(Out *o)
{
    uint64_t sum = hash_stream_close(o->sum);
    FILE    *file = o->file;
    Err      e = OK;

    o->sum = NULL;
    o->file = NULL;
    if (fclose(file) != 0)
        e = err_raise(ERR_IO, __func__, __FILE__, __LINE__, "%s: cannot be written: %s", o->part,
                      strerror(errno));
    if (e == OK)
        e = check_and_move(o, sum);
    if (e != OK)
        err_also(&e, file_remove(o->part));
    return e;
}

void out_abandon(Out *o)
{
    if (o->file == NULL)
        return;
    hash_stream_close(o->sum);
    fclose(o->file);
    unlink(o->part);
    *o = (Out){0};
}

Err out_end(Out *o, Err e)
{
    if (e == OK)
        return out_close(o);
    out_abandon(o);
    return e;
}
