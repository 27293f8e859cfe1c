#include "cli/chat_lines.h"

#include "base/err.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 100 };

static volatile sig_atomic_t broken;

static void take_note(int number)
{
    (void)number;
    broken = 1;
}

void chat_lines_start(ChatLines *l)
{
    // What is being written goes on.
    struct sigaction action = {.sa_handler = take_note, .sa_flags = SA_RESTART};

    *l = (ChatLines){.is_terminal = isatty(STDIN_FILENO)};
    sigemptyset(&action.sa_mask);
    if (l->is_terminal)
        CHECK(sigaction(SIGINT, &action, NULL) == 0, "SIGINT");
}

int chat_lines_broken(void)
{
    int was = broken;

    broken = 0;
    return was;
}

static Err fill(ChatLines *l)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    ssize_t       got;
    int           ready = 0;

    // The signal may come just before we wait, or to another thread: so we look now and then.
    l->begin = l->end = 0;
    while (ready == 0 && !broken) {
        ready = poll(&in, 1, LOOK_MS);
        if (ready < 0 && errno != EINTR)
            FAIL(ERR_IO, "waiting for standard input failed: %s", strerror(errno));
        ready = ready > 0;
    }
    if (broken)
        return OK;
    got = read(STDIN_FILENO, l->buffer, sizeof l->buffer);
    if (got < 0)
        FAIL(ERR_IO, "reading standard input failed: %s", strerror(errno));
    l->end = got;
    l->has_ended = got == 0;
    return OK;
}

static void ask(const ChatLines *l, const char *prompt)
{
    if (l->is_terminal && l->begin == l->end) {
        fputs(prompt, stderr);
        fflush(stderr);
    }
}

// Adds the rest of a line; a last line need not have an end.
static Err add_line(ChatLines *l, Text *out, ChatLine *kind)
{
    int64_t before = out->length;
    int     is_whole = 0;

    *kind = CHAT_LINE;
    while (!is_whole) {
        const char *from, *end;

        if (l->begin == l->end && !l->has_ended)
            TRY(fill(l));
        if (broken || (l->has_ended && l->begin == l->end)) {
            *kind = broken ? CHAT_LINE_BREAK : out->length > before ? CHAT_LINE : CHAT_LINE_END;
            return OK;
        }
        from = l->buffer + l->begin;
        end = memchr(from, '\n', (size_t)(l->end - l->begin));
        is_whole = end != NULL;
        text_add(out, from, end != NULL ? end - from : l->end - l->begin);
        l->begin = end != NULL ? end - l->buffer + 1 : l->end;
    }
    if (out->length > before && out->data[out->length - 1] == '\r')
        out->data[--out->length] = 0;
    return OK;
}

Err chat_lines_next(ChatLines *l, Text *out, ChatLine *kind)
{
    out->length = 0;
    ask(l, "> ");
    TRY(add_line(l, out, kind));
    while (*kind == CHAT_LINE && out->length > 0 && out->data[out->length - 1] == '\\') {
        out->data[out->length - 1] = '\n';
        ask(l, "... ");
        TRY(add_line(l, out, kind));
        if (*kind == CHAT_LINE_END) { // what was there is all of it
            *kind = CHAT_LINE;
            return OK;
        }
    }
    if (*kind == CHAT_LINE_BREAK) { // so is what was typed before it
        broken = 0;
        out->length = 0;
        l->begin = l->end;
    }
    return OK;
}
