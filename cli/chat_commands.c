// What a line that begins with a slash does.
#include "cli/chat.h"

#include "io/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct Deed {
    const char *name, *argument; // NULL: takes none
    const char *help;
    Err (*run)(Chat *c, const char *argument);
} Deed;

int chat_has_system(const Chat *c)
{
    return c->turns > 0 && strcmp(c->said[0].role, "system") == 0;
}

static Err reset(Chat *c, const char *argument)
{
    (void)argument;
    chat_take_back(c, chat_has_system(c));
    chat_note("[a new conversation%s]", chat_has_system(c) ? ", with the same system message" : "");
    return OK;
}

static Err set_system(Chat *c, const char *argument)
{
    chat_take_back(c, 0);
    if (*argument == 0) {
        chat_note("[a new conversation, without a system message]");
        return OK;
    }
    TRY(chat_say(c, "system", argument, (int64_t)strlen(argument)));
    chat_note("[a new conversation, with this system message]");
    return OK;
}

// Up to and with the last user message.
static Err undo(Chat *c, const char *argument)
{
    int last = c->turns - 1;

    (void)argument;
    while (last >= 0 && strcmp(c->said[last].role, "user") != 0)
        last--;
    if (last < 0) {
        chat_note("[there is nothing to take back]");
        return OK;
    }
    chat_take_back(c, last);
    chat_note("[taken back; %d messages are left]", c->turns);
    return OK;
}

static Err again(Chat *c, const char *argument)
{
    Err e;

    (void)argument;
    if (c->turns == 0 || strcmp(c->said[c->turns - 1].role, "assistant") != 0) {
        chat_note("[there is no answer to try again]");
        return OK;
    }
    chat_take_back(c, c->turns - 1);
    e = chat_answer(c);
    if (e != OK)
        c->turns++; // the answer that was there still is
    return e;
}

static Err save(Chat *c, const char *path)
{
    Text t = text_make(c->turn);
    char tag[16];

    if (*path == 0)
        FAIL(ERR_USAGE, "/save needs the name of a file: /save talk.json");
    text_puts(&t, "[{\"messages\": ");
    chat_write(&t, c);
    text_puts(&t, "}]\n");
    snprintf(tag, sizeof tag, "%d", (int)getpid());
    TRY(file_publish(path, tag, t.data, t.length));
    chat_note("[%d messages are in %s]", c->turns, path);
    return OK;
}

static Err quit(Chat *c, const char *argument)
{
    (void)argument;
    c->wants_end = 1;
    return OK;
}

static Err help(Chat *c, const char *argument);

static const Deed DEEDS[] = {
    {"/reset", NULL, "begin a new conversation; a system message stays", reset},
    {"/system", "TEXT", "begin a new one with this system message; without TEXT: with none",
     set_system},
    {"/again", NULL, "another answer in place of the last", again},
    {"/undo", NULL, "take back the last question and its answer", undo},
    {"/save", "FILE.json", "write the conversation, as `tandem template --in` reads it", save},
    {"/help", NULL, "this text", help},
    {"/quit", NULL, "end; so does Ctrl-D", quit}};

enum { DEED_COUNT = sizeof DEEDS / sizeof DEEDS[0] };

static Err help(Chat *c, const char *argument)
{
    (void)c;
    (void)argument;
    for (int i = 0; i < DEED_COUNT; i++) {
        char left[40];

        snprintf(left, sizeof left, "%s %s", DEEDS[i].name,
                 DEEDS[i].argument != NULL ? DEEDS[i].argument : "");
        chat_note("  %-18s%s", left, DEEDS[i].help);
    }
    chat_note("A line that ends in a backslash goes on with the one below.  A message that begins "
              "with a slash\nis typed with two.  Ctrl-C stops an answer.");
    return OK;
}

static Err unknown(const char *line, size_t length)
{
    const char *names[DEED_COUNT], *near;
    char        word[64];

    for (int i = 0; i < DEED_COUNT; i++)
        names[i] = DEEDS[i].name;
    snprintf(word, sizeof word, "%.*s", (int)length, line);
    near = text_nearest(word, names, DEED_COUNT);
    FAIL(ERR_USAGE, "there is no command %s%s%s%s; /help lists them", word,
         near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
}

Err chat_command(Chat *c, const char *line)
{
    size_t      length = strcspn(line, " \t\n");
    const char *argument = line + length + strspn(line + length, " \t\n");

    for (int i = 0; i < DEED_COUNT; i++)
        if (strlen(DEEDS[i].name) == length && strncmp(DEEDS[i].name, line, length) == 0) {
            if (DEEDS[i].argument == NULL && *argument != 0)
                FAIL(ERR_USAGE, "%s stands alone; /help says more", DEEDS[i].name);
            return DEEDS[i].run(c, argument);
        }
    return unknown(line, length);
}
