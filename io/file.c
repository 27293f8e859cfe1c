#include "io/file.h"

#include "base/hash.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 16, ADVICE_MAX = 256, COPY_MAX = 1 << 30 };

// The folder that holds `path`: "." if it names none.
static Err folder_of(char folder[FILE_PATH_MAX], const char *path)
{
    const char *slash = strrchr(path, '/');
    int         length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);

    if (strlen(path) >= FILE_PATH_MAX)
        FAIL(ERR_CONFIG, "a path has more than %d bytes: %.100s...", FILE_PATH_MAX - 1, path);
    snprintf(folder, FILE_PATH_MAX, "%.*s", length, slash == NULL ? "." : path);
    return OK;
}

int64_t file_space(const char *path)
{
    char           folder[FILE_PATH_MAX];
    struct statvfs s;

    if (folder_of(folder, path) != OK) {
        err_forget();
        return -1;
    }
    if (statvfs(folder, &s) != 0)
        return -1;
    return (int64_t)s.f_bavail * (int64_t)s.f_frsize;
}

// What a person can do about errno `why`; "" where the reason says it.
static const char *advice(char out[ADVICE_MAX], int why, const char *path)
{
    out[0] = 0;
    if (why == ENOSPC)
        snprintf(out, ADVICE_MAX,
                 "; %.1f MiB are free there (and a file system can run out of files): make room, "
                 "or choose another folder, and start again",
                 (double)file_space(path) / 0x1p20);
    else if (why == EDQUOT)
        snprintf(out, ADVICE_MAX, "; your quota there is used up: make room and start again");
    else if (why == EROFS || why == EACCES || why == EPERM)
        snprintf(out, ADVICE_MAX, "; choose a folder that you may write to");
    return out;
}

// A failure of the system: what was tried, on which path, why it did not work, what to do.
static Err fail_io(const char *doing, const char *path, int why)
{
    char what_to_do[ADVICE_MAX];

    FAIL(ERR_IO, "%s %s: %s%s", doing, path, strerror(why), advice(what_to_do, why, path));
}

Err file_join(char out[FILE_PATH_MAX], const char *folder, const char *name)
{
    size_t length = strlen(folder);
    int    needs_slash = length > 0 && folder[length - 1] != '/';
    int    n = snprintf(out, FILE_PATH_MAX, "%s%s%s", folder, needs_slash ? "/" : "", name);

    if (n < 0 || n >= FILE_PATH_MAX)
        FAIL(ERR_CONFIG, "a path has more than %d bytes: %.60s.../%.60s", FILE_PATH_MAX - 1, folder,
             name);
    return OK;
}

int file_exists(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0;
}

int file_is_folder(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

int file_is_inside(const char *path, const char *folder)
{
    char  *a = realpath(path, NULL), *b = realpath(folder, NULL);
    size_t length = b == NULL ? 0 : strlen(b);
    int    is_inside = a != NULL && b != NULL && strncmp(a, b, length) == 0 &&
                    (a[length] == 0 || a[length] == '/');

    free(a);
    free(b);
    return is_inside;
}

int64_t file_bytes(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 ? (int64_t)s.st_size : -1;
}

static Err make_one_folder(const char *path)
{
    struct stat s;
    int         why;

    if (mkdir(path, 0777) == 0)
        return OK;
    why = errno;
    if (stat(path, &s) == 0 && S_ISDIR(s.st_mode)) // also on a read-only file system
        return OK;
    if (why == EEXIST)
        FAIL(ERR_IO, "%s should be a folder, but a file has that name: choose another", path);
    return fail_io("making the folder", path, why);
}

Err file_make_folder(const char *path)
{
    char   part[FILE_PATH_MAX];
    size_t length = strlen(path);

    if (length == 0 || length >= FILE_PATH_MAX)
        FAIL(ERR_CONFIG, "a folder's path has %zu bytes, not 1 to %d", length, FILE_PATH_MAX - 1);
    for (size_t i = 1; i <= length; i++)
        if (path[i] == '/' || path[i] == 0) {
            memcpy(part, path, i);
            part[i] = 0;
            TRY(make_one_folder(part));
        }
    return OK;
}

Err file_remove(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return fail_io("removing", path, errno);
    return OK;
}

// ---- reading

// Opens a regular file; never waits for the other end of a pipe.
static Err open_to_read(const char *path, int *file, int64_t *bytes)
{
    struct stat s;

    *file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*file < 0)
        FAIL(ERR_IO, "opening %s: %s", path, strerror(errno));
    if (fstat(*file, &s) != 0 || !S_ISREG(s.st_mode)) {
        close(*file);
        FAIL(ERR_IO, "%s is %s, not a file that can be read as a whole", path,
             S_ISDIR(s.st_mode) ? "a folder" : "a device or a pipe");
    }
    *bytes = (int64_t)s.st_size;
    return OK;
}

// Reads until `bytes` are there or the file ends; *got says how many.
static Err read_some(int file, const char *path, char *data, int64_t bytes, int64_t *got)
{
    *got = 0;
    while (*got < bytes) {
        int64_t left = bytes - *got;
        ssize_t n = read(file, data + *got, (size_t)(left < COPY_MAX ? left : COPY_MAX));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            FAIL(ERR_IO, "reading %s: %s", path, strerror(errno));
        if (n == 0)
            return OK;
        *got += n;
    }
    return OK;
}

static Err read_whole(Arena *arena, int file, const char *path, int64_t size, int64_t max_bytes,
                      char **data, int64_t *bytes)
{
    if (size > max_bytes)
        FAIL(ERR_DATA, "%s has %lld bytes; at most %lld can be right here", path, (long long)size,
             (long long)max_bytes);
    *data = arena_push(arena, size + 1, 1); // the byte behind it stays zero
    return read_some(file, path, *data, size, bytes);
}

Err file_read(Arena *arena, const char *path, int64_t max_bytes, char **data, int64_t *bytes)
{
    int     file;
    int64_t size;
    Err     e;

    TRY(open_to_read(path, &file, &size));
    e = read_whole(arena, file, path, size, max_bytes, data, bytes);
    close(file); // read-only: nothing is left to fail
    return e;
}

static Err sum_of(int file, const char *path, int64_t from, HashStream *h, int64_t *bytes)
{
    char    chunk[CHUNK_BYTES];
    int64_t got = CHUNK_BYTES;

    *bytes = 0;
    if (lseek(file, from, SEEK_SET) != from)
        FAIL(ERR_IO, "reading %s: %s", path, strerror(errno));
    while (got == CHUNK_BYTES) {
        TRY(read_some(file, path, chunk, CHUNK_BYTES, &got));
        hash_stream_add(h, chunk, got);
        *bytes += got;
    }
    return OK;
}

Err file_sum(const char *path, int64_t from, uint64_t *sum, int64_t *bytes)
{
    int         file;
    int64_t     size;
    HashStream *h;
    Err         e;

    TRY(open_to_read(path, &file, &size));
    h = hash_stream_open();
    e = sum_of(file, path, from, h, bytes);
    *sum = hash_stream_close(h);
    close(file);
    return e;
}

// ---- writing

Err file_sync(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    int why;

    if (file < 0)
        return fail_io("opening", path, errno);
    why = fsync(file) == 0 ? 0 : errno;
    close(file); // read-only: nothing is left to fail
    if (why != 0)
        return fail_io("syncing", path, why);
    return OK;
}

// NFS may send a rename twice and report the second, which finds nothing: the file is in its place.
static int moved_all_the_same(const struct stat *before, const char *path)
{
    struct stat s;

    return before->st_ino != 0 && stat(path, &s) == 0 && s.st_ino == before->st_ino &&
           s.st_dev == before->st_dev;
}

Err file_move(const char *part, const char *path)
{
    char        folder[FILE_PATH_MAX];
    struct stat before = {0};

    TRY(folder_of(folder, path));
    if (stat(part, &before) != 0)
        before.st_ino = 0;
    if (rename(part, path) != 0) {
        int why = errno;
        if (why != ENOENT || !moved_all_the_same(&before, path))
            return fail_io("giving its name to", path, why);
    }
    TRY(file_sync(folder)); // else the new name may be forgotten by a power cut
    return OK;
}

static Err write_all(int file, const char *path, const char *data, int64_t bytes)
{
    for (int64_t done = 0; done < bytes;) {
        int64_t left = bytes - done;
        ssize_t n = write(file, data + done, (size_t)(left < COPY_MAX ? left : COPY_MAX));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_io("writing", path, errno);
        if (n == 0)
            return fail_io("writing", path, ENOSPC);
        done += n;
    }
    if (fsync(file) != 0)
        return fail_io("syncing", path, errno);
    return OK;
}

static Err compare(int file, const char *path, const char *data, int64_t bytes)
{
    char    chunk[CHUNK_BYTES];
    int64_t got = CHUNK_BYTES, at = 0;

    // A hint only: what is on the disk is asked for rather than what memory remembers.
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    if (lseek(file, 0, SEEK_SET) != 0)
        FAIL(ERR_IO, "reading %s: %s", path, strerror(errno));
    while (got == CHUNK_BYTES) {
        TRY(read_some(file, path, chunk, CHUNK_BYTES, &got));
        if (got > bytes - at || memcmp(chunk, data + at, (size_t)got) != 0)
            FAIL(ERR_IO,
                 "%s reads back otherwise than it was written, after byte %lld: the disk or "
                 "its connection is not to be trusted",
                 path, (long long)at);
        at += got;
    }
    if (at != bytes)
        FAIL(ERR_IO, "%s reads back with %lld bytes; %lld were written", path, (long long)at,
             (long long)bytes);
    return OK;
}

static Err write_part(const char *part, const void *data, int64_t bytes)
{
    int file = open(part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    Err e;

    if (file < 0)
        return fail_io("making", part, errno);
    e = write_all(file, part, data, bytes);
    if (e == OK)
        e = compare(file, part, data, bytes);
    if (close(file) != 0)
        err_also(&e, fail_io("closing", part, errno));
    return e;
}

static Err write_and_move(const char *part, const char *path, const void *data, int64_t bytes)
{
    TRY(file_remove(part)); // what an earlier failure could not remove
    TRY(write_part(part, data, bytes));
    TRY(file_move(part, path));
    return OK;
}

Err file_publish(const char *path, const char *tag, const void *data, int64_t bytes)
{
    char part[FILE_PATH_MAX];
    int  n = snprintf(part, sizeof part, "%s.part-%s", path, tag);
    Err  e;

    if (n < 0 || n >= (int)sizeof part)
        FAIL(ERR_CONFIG, "a path has more than %d bytes: %.100s...", FILE_PATH_MAX - 1, path);
    e = write_and_move(part, path, data, bytes);
    if (e != OK)
        unlink(part); // best effort: the next start removes what is left
    return e;
}

// ---- folders

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static Err collect(DIR *dir, const char *folder, Text *names, int *count)
{
    struct dirent *entry;

    *count = 0;
    for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            text_add(names, entry->d_name, (int64_t)strlen(entry->d_name) + 1);
            ++*count;
        }
    if (errno != 0)
        FAIL(ERR_IO, "reading the folder %s: %s", folder, strerror(errno));
    return OK;
}

Err file_list(Arena *arena, const char *folder, char ***names, int *count)
{
    DIR  *dir = opendir(folder);
    Text  text;
    char *at;
    Err   e;

    *count = 0;
    *names = NULL;
    if (dir == NULL && errno == ENOENT)
        return OK;
    if (dir == NULL)
        FAIL(ERR_IO, "opening the folder %s: %s", folder, strerror(errno));
    text = text_make(arena);
    e = collect(dir, folder, &text, count);
    closedir(dir);
    TRY(e);
    *names = arena_new(arena, char *, *count);
    at = text.data;
    for (int i = 0; i < *count; i++, at += strlen(at) + 1)
        (*names)[i] = at;
    if (*count > 0)
        qsort(*names, (size_t)*count, sizeof **names, by_name);
    return OK;
}
