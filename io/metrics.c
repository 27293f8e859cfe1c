#include "io/metrics.h"

#include "base/log.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const int64_t METRICS_MAX = INT64_C(4) << 30; // more is no metrics file

// 1 if the last writer died within its line, so that ours has to begin a new one.
static int is_torn(int file)
{
    off_t end = lseek(file, 0, SEEK_END);
    char  last = '\n';

    return end > 0 && pread(file, &last, 1, end - 1) == 1 && last != '\n';
}

static Err append(int file, const char *path, const char *line)
{
    struct iovec parts[3] = {{(void *)(uintptr_t) "\n", (size_t)is_torn(file)},
                             {(void *)(uintptr_t)line, strlen(line)},
                             {(void *)(uintptr_t) "\n", 1}};
    ssize_t      bytes = (ssize_t)(parts[0].iov_len + parts[1].iov_len + 1);
    ssize_t      written;

    do // one call per line: lines of two processes do not mix
        written = writev(file, parts, 3);
    while (written < 0 && errno == EINTR);
    if (written != bytes)
        FAIL(ERR_IO, "writing %s: %s; %lld MiB are free there", path,
             written < 0 ? strerror(errno) : "only a part of the line was taken",
             (long long)(file_space(path) >> 20));
    return OK;
}

Err metrics_add_to(const char *dir, const char *name, const char *line)
{
    char path[FILE_PATH_MAX];
    int  file;
    Err  e;

    CHECK(line[0] == '{' && strchr(line, '\n') == NULL, "line %.60s", line);
    TRY(file_join(path, dir, name));
    file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0)
        FAIL(ERR_IO, "opening %s: %s", path, strerror(errno));
    e = append(file, path, line);
    if (close(file) != 0)
        err_also(&e, err_raise(ERR_IO, __func__, __FILE__, __LINE__, "closing %s: %s", path,
                               strerror(errno)));
    return e;
}

Err metrics_add(const char *dir, const char *line)
{
    return metrics_add_to(dir, "metrics.jsonl", line);
}

// One line into *node; NULL if it is not whole: its writer died, or a disk was full.
static void parse_line(Arena *arena, const char *path, const char *line, int64_t length,
                       const Json **node)
{
    ArenaMark mark = arena_mark(arena);

    *node = NULL;
    if (json_parse(arena, path, line, length, JSON_NO_COMMENTS, node) != OK) {
        err_forget();
        arena_back(arena, mark);
        *node = NULL;
    }
}

Err metrics_read(Arena *arena, const char *dir, const Json **first)
{
    char        path[FILE_PATH_MAX], *data;
    int64_t     bytes, torn = 0;
    const Json *last = NULL;

    *first = NULL;
    TRY(file_join(path, dir, "metrics.jsonl"));
    if (!file_exists(path))
        return OK;
    TRY(file_read(arena, path, METRICS_MAX, &data, &bytes));
    for (char *line = data, *end; (end = memchr(line, '\n', (size_t)(data + bytes - line))) != NULL;
         line = end + 1) {
        const Json *node;

        parse_line(arena, path, line, end - line, &node);
        if (node == NULL) {
            torn++;
            continue;
        }
        if (last == NULL)
            *first = node;
        else
            ((Json *)(uintptr_t)last)->next = (Json *)(uintptr_t)node; // our own tree
        last = node;
    }
    if (torn > 0)
        log_here(LOG_WARN, "%s: %lld torn lines are left out", path, (long long)torn);
    return OK;
}
