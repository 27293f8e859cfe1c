#include "io/h5_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char MAGIC[] = "TANDEM1 ";
static const char HDF5_MAGIC[] = "\211HDF\r\n\032\n";

// The whole block, zeros behind the line included: any other byte in it is damage.
static void block_text(char block[H5_USER_BLOCK], uint64_t sum, int64_t bytes)
{
    memset(block, 0, H5_USER_BLOCK);
    snprintf(block, H5_USER_BLOCK, "%sxxh3=%016" PRIx64 " bytes=%" PRId64 "\n", MAGIC, sum, bytes);
}

static Err block_read(const char *path, char block[H5_USER_BLOCK], int64_t *got)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), why;

    if (fd < 0)
        FAIL(ERR_IO, "opening %s: %s", path, strerror(errno));
    do
        *got = pread(fd, block, H5_USER_BLOCK, 0);
    while (*got < 0 && errno == EINTR);
    why = errno;
    close(fd);
    if (*got < 0)
        FAIL(ERR_IO, "reading %s: %s", path, strerror(why));
    return OK;
}

// Says what a file is whose first bytes are not those of a sealed file of this version.
static Err block_strange(const char *path, const char block[H5_USER_BLOCK], int64_t got)
{
    int blank = 1;

    for (int64_t i = 0; i < got; i++)
        blank = blank && block[i] == 0;
    if (got == 0)
        FAIL(ERR_DATA, "%s is empty: whatever wrote it did not finish", path);
    if (blank)
        FAIL(ERR_DATA, "%s begins with zeros: it was never finished, or lost its beginning", path);
    if (got >= 8 && memcmp(block, HDF5_MAGIC, 8) == 0)
        FAIL(ERR_DATA,
             "%s is an HDF5 file that Tandem did not write: it has no user block with a sum", path);
    if (got >= 8 && memcmp(block, MAGIC, 6) == 0 && block[6] > '1' && block[6] <= '9')
        FAIL(ERR_DATA, "%s was written by a newer version (TANDEM%c): update tandem", path,
             block[6]);
    FAIL(ERR_DATA, "%s is not a file of Tandem's: it does not begin with \"%s\"", path, MAGIC);
}

static Err block_parse(const char *path, const char block[H5_USER_BLOCK], int64_t got,
                       uint64_t *sum, int64_t *bytes)
{
    char  line[H5_USER_BLOCK + 1] = {0}, again[H5_USER_BLOCK];
    char *end;

    if (got < (int64_t)strlen(MAGIC) || memcmp(block, MAGIC, strlen(MAGIC)) != 0)
        return block_strange(path, block, got);
    if (got < H5_USER_BLOCK)
        FAIL(ERR_DATA, "%s is truncated: only %" PRId64 " bytes are left of it", path, got);
    memcpy(line, block, H5_USER_BLOCK);
    *sum = strtoull(line + strlen(MAGIC) + strlen("xxh3="), &end, 16);
    *bytes = strncmp(end, " bytes=", 7) == 0 ? strtoll(end + 7, NULL, 10) : -1;
    block_text(again, *sum, *bytes);
    if (memcmp(block, again, H5_USER_BLOCK) != 0)
        FAIL(ERR_DATA, "%s has changed since it was written: its first %d bytes are damaged", path,
             H5_USER_BLOCK);
    return OK;
}

Err h5_check(const char *path, uint64_t *sum, int64_t *bytes)
{
    char     block[H5_USER_BLOCK];
    int64_t  got, size = file_bytes(path), behind;
    uint64_t found;

    TRY(block_read(path, block, &got));
    TRY(block_parse(path, block, got, sum, bytes));
    if (size < *bytes)
        FAIL(ERR_DATA, "%s is truncated: %" PRId64 " bytes were written, %" PRId64 " are there",
             path, *bytes, size);
    if (size > *bytes)
        FAIL(ERR_DATA, "%s has grown: %" PRId64 " bytes were written, %" PRId64 " are there", path,
             *bytes, size);
    TRY(file_sum(path, H5_USER_BLOCK, &found, &behind));
    if (found != *sum)
        FAIL(ERR_DATA,
             "%s has changed since it was written: its sum was %016" PRIx64
             ", now it is %016" PRIx64,
             path, *sum, found);
    return OK;
}

// Puts the line in front and the whole file on the disk.  Then asks the system to forget its copy,
// so that what is read next comes from the disk where it can.
static Err write_and_sync(const char *path, const char block[H5_USER_BLOCK])
{
    int     fd = open(path, O_WRONLY | O_CLOEXEC), why = 0;
    ssize_t wrote;

    if (fd < 0)
        FAIL(ERR_IO, "opening %s again: %s", path, strerror(errno));
    do
        wrote = pwrite(fd, block, H5_USER_BLOCK, 0);
    while (wrote < 0 && errno == EINTR);
    if (wrote != H5_USER_BLOCK || fsync(fd) != 0)
        why = errno != 0 ? errno : EIO;
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (close(fd) != 0 && why == 0)
        why = errno;
    if (why != 0)
        FAIL(ERR_IO, "writing the sum into %s and syncing it: %s", path, strerror(why));
    return OK;
}

Err h5_stamp(const char *path, uint64_t sum, int64_t bytes)
{
    char     block[H5_USER_BLOCK], again[H5_USER_BLOCK];
    int64_t  got, behind;
    uint64_t found;

    block_text(block, sum, bytes);
    TRY(write_and_sync(path, block));
    TRY(block_read(path, again, &got));
    TRY(file_sum(path, H5_USER_BLOCK, &found, &behind));
    if (got != H5_USER_BLOCK || memcmp(block, again, H5_USER_BLOCK) != 0 || found != sum ||
        file_bytes(path) != bytes)
        FAIL(ERR_IO,
             "%s: the disk does not give back what was written: the sum was %016" PRIx64
             " and is %016" PRIx64,
             path, sum, found);
    return OK;
}
