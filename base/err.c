#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ErrRecord record;
static int       my_rank;
static void (*end_whole_job)(int exit_code);

static void append(char *text, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void append(char *text, size_t size, const char *fmt, ...)
{
    size_t  used = strlen(text);
    va_list args;

    va_start(args, fmt);
    vsnprintf(text + used, size - used, fmt, args);
    va_end(args);
}

ErrRecord *err_record(void)
{
    return &record;
}

void err_forget(void)
{
    record = (ErrRecord){0};
}

int err_exit_code(Err code)
{
    switch (code) {
#define X(name, exit_code, text) \
    case name: return exit_code;
        ERR_LIST(X)
#undef X
    }
    return ERR_EXIT_DIED;
}

const char *err_meaning(Err code)
{
    switch (code) {
#define X(name, exit_code, text) \
    case name: return text;
        ERR_LIST(X)
#undef X
    }
    return "unknown";
}

void err_also(Err *e, Err outcome)
{
    if (*e == OK)
        *e = outcome;
}

void err_in_job(int rank, void (*end_job)(int exit_code))
{
    my_rank = rank;
    end_whole_job = end_job;
}

Err err_raise(Err code, const char *func, const char *file, int line, const char *fmt, ...)
{
    if (record.code == OK) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(record.text, sizeof record.text, fmt, args);
        va_end(args);
        snprintf(record.trail, sizeof record.trail, "    at %s (%s:%d)\n", func, file, line);
        record.code = (int)code;
        record.rank = my_rank;
    }
    return code;
}

Err err_pass(Err code, const char *func, const char *file, int line)
{
    append(record.trail, sizeof record.trail, "    in %s (%s:%d)\n", func, file, line);
    return code;
}

void err_die(const char *file, int line, const char *promise, const char *fmt, ...)
{
    char    text[ERR_TEXT_MAX] = "";
    va_list args;

    append(text, sizeof text - 1, "[rank %d] %s:%d: broken promise: %s;", my_rank, file, line,
           promise);
    va_start(args, fmt);
    vsnprintf(text + strlen(text), sizeof text - 1 - strlen(text), fmt, args);
    va_end(args);
    append(text, sizeof text, "\n");

    // One write, so that the last words of several ranks do not mix.
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
    if (end_whole_job != NULL)
        end_whole_job(ERR_EXIT_DIED);
    _exit(ERR_EXIT_DIED);
}
