// chatform_ends.c -- what ends the turn of an assistant.
#include "datagen/chatform_private.h"

#include "base/log.h"

#include <string.h>

enum { TEXT_BYTES = 1 << 24 };

// A content that no template writes by itself.
static const char MARK[] = "QzEndsHereZq";

// Conversations to try: some templates want a system message.
static const char *const tries[] = {
    "[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"QzEndsHereZq\"}"
    "]",
    "[{\"role\":\"system\",\"content\":\"Be brief\"},{\"role\":\"user\",\"content\":\"Hi\"},"
    "{\"role\":\"assistant\",\"content\":\"QzEndsHereZq\"}]"};

static int is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static const char *last_mark(const ChatText *c)
{
    const char *found = NULL;

    for (const char *at = c->text; (at = strstr(at, MARK)) != NULL; at += sizeof MARK - 1)
        found = at;
    return found;
}

// The trimmed text behind the content; NULL: the content is not there.
static const char *text_behind(Arena *arena, const ChatText *c)
{
    const char *begin = last_mark(c), *end = c->text + c->length;

    if (begin == NULL)
        return NULL;
    begin += sizeof MARK - 1;
    while (begin < end && is_blank(*begin))
        begin++;
    while (begin < end && is_blank(end[-1]))
        end--;
    return arena_text_n(arena, begin, end - begin);
}

static Err render(const ChatTemplate *t, const char *json, Arena *text, Arena *scratch,
                  ChatText *out)
{
    ChatRequest q = {0};

    TRY(json_parse(scratch, "probe", json, (int64_t)strlen(json), JSON_NO_COMMENTS, &q.messages));
    return chat_template_render(t, text, scratch, &q, out);
}

// The special token that a text begins with, -1: none.
static int32_t token_of(const Vocab *v, Arena *scratch, const char *text)
{
    int64_t  length = (int64_t)strlen(text), room = vocab_room(v, text, length), count;
    int32_t *ids = arena_new(scratch, int32_t, room);

    if (vocab_encode_special(v, text, length, ids, room, &count) != OK) {
        err_forget();
        return -1;
    }
    return count > 0 && vocab_is_special(v, ids[0]) ? ids[0] : -1;
}

static void add_end(const Vocab *v, Arena *run, Arena *scratch, const char *text, ChatEnds *out)
{
    int32_t token = v == NULL ? -1 : token_of(v, scratch, text);

    if (token >= 0 && token == vocab_eos(v))
        return;
    if (token >= 0)
        out->token[out->tokens++] = token;
    else
        out->text[out->texts++] = arena_text(run, text);
}

static void find_ends(const ChatTemplate *t, const Vocab *v, Arena *run, Arena *text,
                      Arena *scratch, ChatEnds *out)
{
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        const char *behind;
        ChatText    c;

        if (render(t, tries[i], text, scratch, &c) != OK) {
            if (i + 1 == sizeof tries / sizeof tries[0])
                log_once(LOG_WARN, "what ends an answer is not known: %s", err_record()->text);
            err_forget();
            continue;
        }
        behind = text_behind(scratch, &c);
        if (behind == NULL || *behind == 0)
            log_once(LOG_WARN, "%s: nothing ends the assistant's turn in this chat template",
                     t->name);
        else
            add_end(v, run, scratch, behind, out);
        return;
    }
}

static Err with_scratch(const ChatTemplate *t, const Vocab *v, Arena *run, Arena *text,
                        ChatEnds *out)
{
    Arena scratch;

    TRY(arena_make(&scratch, "chat template", JINJA_ARENA_BYTES + TEXT_BYTES));
    find_ends(t, v, run, text, &scratch, out);
    arena_free(&scratch);
    return OK;
}

Err chat_find_ends(const ChatTemplate *t, const Vocab *v, Arena *run, ChatEnds *out)
{
    Arena text;
    Err   e;

    *out = (ChatEnds){0};
    TRY(arena_make(&text, "chat text", TEXT_BYTES));
    e = with_scratch(t, v, run, &text, out);
    arena_free(&text);
    return e;
}
