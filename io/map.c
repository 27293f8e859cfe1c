#include "io/map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

Err map_open(const char *path, Map *out)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not hold us up
    int         why = 0;
    struct stat s;
    void       *data = NULL;

    *out = (Map){0};
    if (fd < 0)
        FAIL(ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        close(fd);
        FAIL(ERR_IO, "%s: expected a plain file", path);
    }
    if (s.st_size > 0) {
        data = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        why = data == MAP_FAILED ? errno : 0;
    }
    close(fd);
    if (why != 0)
        FAIL(ERR_IO, "%s: cannot be mapped: %s", path, strerror(why));
    *out = (Map){data, (int64_t)s.st_size};
    return OK;
}

void map_close(Map *m)
{
    if (m->data != NULL)
        munmap((void *)(uintptr_t)m->data, (size_t)m->bytes);
    *m = (Map){0};
}
