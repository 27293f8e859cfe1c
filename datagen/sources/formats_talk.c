// Conversations as they are written down: messages, transcripts, what ends them, tools.
#include "datagen/sources/formats_private.h"

#include <string.h>

Talk talk_make(Arena *scratch)
{
    Talk t = {.text = text_make(scratch)};

    text_puts(&t.text, "[");
    return t;
}

void talk_open_message(Talk *t, TalkRole role)
{
    static const char *const names[] = {"system", "user", "assistant", "tool", "assistant"};

    text_printf(&t->text, "%s{\"role\": \"%s\"", t->count > 0 ? ", " : "", names[role]);
    t->count++;
    t->systems += role == TALK_SYSTEM;
}

void talk_write(Talk *t, const char *key, FormatText text)
{
    text_printf(&t->text, ", \"%s\": ", key);
    text_json(&t->text, text.text == NULL ? "" : text.text, text.length);
}

void talk_close_message(Talk *t, TalkRole role, int says_something)
{
    if (role == TALK_ASSISTANT || role == TALK_CALL) {
        t->answers++;
        t->empty_answers += !says_something;
        if (t->is_refused)
            text_puts(&t->text, ", \"weight\": 0");
    }
    text_puts(&t->text, "}");
}

int format_is_blank(FormatText text)
{
    return text.text == NULL || strspn(text.text, " \t\r\n") >= (size_t)text.length;
}

void talk_say(Talk *t, TalkRole role, const char *text, int64_t length)
{
    FormatText said = {text, length};

    if (role == TALK_SYSTEM && format_is_blank(said))
        return;
    talk_open_message(t, role);
    talk_write(t, "content", said);
    talk_close_message(t, role, !format_is_blank(said));
}

void talk_say_node(Talk *t, TalkRole role, const Json *text)
{
    int is_there = text != NULL && text->kind == JSON_TEXT;

    talk_say(t, role, is_there ? text->text : "", is_there ? text->length : 0);
}

// ---- transcripts

static const char *const SPEAKERS[] = {"Human:", "Assistant:"};

static const char *skip_lines(const char *text)
{
    return text + strspn(text, " \r\n");
}

int talk_is_transcript(const char *text)
{
    const char *at = skip_lines(text);

    return strncmp(at, SPEAKERS[0], strlen(SPEAKERS[0])) == 0 ||
           strncmp(at, SPEAKERS[1], strlen(SPEAKERS[1])) == 0;
}

// Where the next turn begins: behind an empty line, with a speaker.
static const char *next_turn(const char *at)
{
    for (at = strstr(at, "\n\n"); at != NULL; at = strstr(at + 1, "\n\n"))
        for (int k = 0; k < 2; k++)
            if (strncmp(at + 2, SPEAKERS[k], strlen(SPEAKERS[k])) == 0)
                return at;
    return NULL;
}

void talk_transcript(Talk *t, const char *text, TalkTranscript kind)
{
    for (const char *at = skip_lines(text), *next; at != NULL; at = next) {
        int         is_answer = strncmp(at, SPEAKERS[1], strlen(SPEAKERS[1])) == 0;
        const char *begin = at + strlen(SPEAKERS[is_answer]), *end;

        next = next_turn(begin);
        end = next == NULL ? begin + strlen(begin) : next;
        begin += strspn(begin, " ");
        while (end > begin && strchr(" \r\n", end[-1]) != NULL)
            end--;
        end = end < begin ? begin : end;
        next = next == NULL ? NULL : next + 2;
        if (next == NULL && is_answer && end == begin && kind == TALK_PROMPT)
            return; // what follows is the answer
        talk_say(t, is_answer ? TALK_ASSISTANT : TALK_USER, begin, end - begin);
    }
}

// ---- the end

FormatText talk_end(Talk *t)
{
    text_puts(&t->text, "]");
    return (FormatText){t->text.data, t->text.length};
}

const char *talk_why(const Talk *t)
{
    return t->count == 0            ? "empty conversation"
           : t->systems == t->count ? "system message only"
           : t->answers == 0        ? "no answer"
           : t->empty_answers > 0   ? "empty answer"
                                    : NULL;
}

// ---- tools

static void write_tool(Text *t, const Json *tool)
{
    int is_bare = json_member(tool, "name") != NULL && json_member(tool, "function") == NULL &&
                  json_member(tool, "type") == NULL;

    text_puts(t, is_bare ? "{\"type\": \"function\", \"function\": " : "");
    json_write(t, tool);
    text_puts(t, is_bare ? "}" : "");
}

Err format_tools(Arena *scratch, const Json *record, FormatText *out)
{
    static const char *const names[] = {"tools", "functions", NULL};
    const Json              *tools = format_any(record, names);
    Text                     t;

    *out = (FormatText){"", 0};
    if (tools == NULL || (tools->kind == JSON_TEXT && tools->text[strspn(tools->text, " \n")] == 0))
        return OK;
    if (tools->kind == JSON_TEXT) {
        const Json *inner;

        if (json_parse(scratch, FORMAT_WHERE(tools), tools->text, tools->length, JSON_NO_COMMENTS,
                       &inner) != OK) {
            err_forget();
            FAIL(ERR_DATA, "%s: \"%s\" is a text that is no JSON: found %s", FORMAT_WHERE(tools),
                 tools->key, json_show(tools, (char[JSON_WORDS]){0}, JSON_WORDS));
        }
        tools = inner;
    }
    if (tools->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: tools are a list of functions, found %s", FORMAT_WHERE(tools),
             json_kind_name(tools->kind));
    if (tools->length == 0)
        return OK;
    t = text_make(scratch);
    text_puts(&t, "[");
    for (const Json *m = tools->child; m != NULL; m = m->next) {
        text_puts(&t, m == tools->child ? "" : ", ");
        write_tool(&t, m);
    }
    text_puts(&t, "]");
    *out = (FormatText){t.data, t.length};
    return OK;
}
