// chat.h -- what the files of `tandem chat` share: a conversation and the model it is held with.
#ifndef TD_CLI_CHAT_H
#define TD_CLI_CHAT_H

#include "cli/chat_lines.h"
#include "cli/talk.h"

enum { CHAT_MESSAGES_MAX = 4096 };

typedef struct ChatTurn { // one message
    const char *role;
    const char *text; // [bytes], in the arena `history`
    int64_t     bytes;
} ChatTurn;

typedef struct Chat {
    Talk          talk;
    Net           net;
    Decoder      *decoder; // of one slot: its cache keeps the conversation so far
    int64_t       context;
    DecodeRequest ask;     // all but the prompt
    int64_t       answers; // that were begun: each has random numbers of its own
    Arena        *history; // the texts of the conversation
    Arena        *turn;    // what one answer needs
    Arena        *scratch; // what a template computes
    int           turns;
    ChatTurn      said[CHAT_MESSAGES_MAX]; // a system message, if there is one, first
    ChatLines     lines;
    int           wants_end;
} Chat;

// ---- chat_answer.c

// Adds a message.  ERR_DATA if there are too many.
Err chat_say(Chat *c, const char *role, const char *text, int64_t bytes);
// The conversation goes back to its first `turns` messages.
void chat_take_back(Chat *c, int turns);
// The model answers the conversation: what it writes is printed as it comes, and added.  ERR_DATA
// if it cannot be given to the model; the conversation is then as before.
Err chat_answer(Chat *c);
// The messages as JSON.
void chat_write(Text *t, const Chat *c);

// ---- chat_commands.c

// A line that begins with a slash.
Err chat_command(Chat *c, const char *line);
// Whether there is a system message.
int chat_has_system(const Chat *c);

// To the person, not into the answers: standard error.
void chat_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
