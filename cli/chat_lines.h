// chat_lines.h -- what somebody types: lines, continued lines, and Ctrl-C.
#ifndef TD_CLI_CHAT_LINES_H
#define TD_CLI_CHAT_LINES_H

#include "base/text.h"

typedef struct ChatLines {
    int     is_terminal; // somebody types; else a file or a pipe is read
    int     has_ended;
    char    buffer[1 << 16];
    int64_t begin, end; // what of the buffer was read and not yet given out
} ChatLines;

// Reads standard input.  On a terminal, Ctrl-C no longer ends the process.
void chat_lines_start(ChatLines *l);

typedef enum ChatLine {
    CHAT_LINE,       // `out` holds it, without its end
    CHAT_LINE_BREAK, // Ctrl-C while it was typed; `out` holds nothing
    CHAT_LINE_END    // there are no more
} ChatLine;

// The next line; a line that ends in a backslash goes on with the one below.  On a terminal it is
// asked for with "> ".  ERR_IO.
Err chat_lines_next(ChatLines *l, Text *out, ChatLine *kind);

// Whether Ctrl-C was pressed since this was asked last.
int chat_lines_broken(void);

#endif
