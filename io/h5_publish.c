#include "io/h5_publish.h"

static Err write_part(const char *part, const char *format, int version, H5Write write, void *self)
{
    uint64_t sum;
    int64_t  bytes;
    H5File  *f;
    Err      e;

    TRY(h5_create(part, format, version, &f));
    e = write(f, self);
    if (e == OK)
        e = h5_seal(f, &sum, &bytes);
    if (e != OK)
        h5_abandon(f);
    return e;
}

Err h5_publish(const Run *run, const char *path, const char *format, int version, H5Write write,
               void *self)
{
    char part[FILE_PATH_MAX];
    Err  e;

    TRY(run_part(run, part, path));
    TRY(write_part(part, format, version, write, self));
    e = run_publish(run, part, path);
    if (e != OK)
        err_also(&e, file_remove(part));
    return e;
}
