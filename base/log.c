#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static LogLevel    shown = LOG_INFO;
static int         my_rank;
static const char *my_place = "";
static int         file = -1;
static double      started;
static double      last_progress;
static int         line_is_open; // a progress line on a terminal waits for its end

void log_show(LogLevel level)
{
    shown = level;
}

void log_rank(int rank)
{
    my_rank = rank;
    started = clock_now();
}

void log_place(const char *place)
{
    my_place = place;
}

Err log_file(const char *path)
{
    if (file >= 0)
        close(file);
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0)
        FAIL(ERR_IO, "opening the log %s: %s", path, strerror(errno));
    return OK;
}

static void put(int fd, const char *line, size_t length)
{
    ssize_t written = write(fd, line, length);

    (void)written; // a log that cannot be written has nobody to be told
}

static void say(LogLevel level, const char *prefix, const char *fmt, va_list args)
{
    char   line[LINE_MAX_BYTES];
    size_t length = (size_t)snprintf(line, sizeof line, "%s", prefix);

    vsnprintf(line + length, sizeof line - length - 1, fmt, args);
    length = strlen(line);
    line[length++] = '\n';
    if (level <= shown) {
        log_progress_end();
        put(STDERR_FILENO, line, length);
    }
    if (file >= 0)
        put(file, line, length);
}

void log_once(LogLevel level, const char *fmt, ...)
{
    va_list args;

    if (my_rank != 0)
        return;
    va_start(args, fmt);
    say(level, "", fmt, args);
    va_end(args);
}

void log_here(LogLevel level, const char *fmt, ...)
{
    char    prefix[128];
    va_list args;

    snprintf(prefix, sizeof prefix, "[rank %d %.1fs%s%s] ", my_rank, clock_now() - started,
             *my_place ? " " : "", my_place);
    va_start(args, fmt);
    say(level, prefix, fmt, args);
    va_end(args);
}

void log_progress(const char *fmt, ...)
{
    char    line[LINE_MAX_BYTES];
    int     terminal = isatty(STDERR_FILENO);
    double  now = clock_now();
    va_list args;
    size_t  length;

    if (shown < LOG_INFO || now - last_progress < (terminal ? 0.1 : 10.0))
        return;
    last_progress = now;
    snprintf(line, sizeof line, "%s", terminal ? "\r\033[K" : "");
    length = strlen(line);
    va_start(args, fmt);
    vsnprintf(line + length, sizeof line - length - 1, fmt, args);
    va_end(args);
    length = strlen(line);
    if (!terminal)
        line[length++] = '\n';
    put(STDERR_FILENO, line, length);
    line_is_open = terminal;
}

void log_progress_end(void)
{
    if (line_is_open)
        put(STDERR_FILENO, "\r\033[K", 4);
    line_is_open = 0;
}
