// chat_spans.c -- where the assistant speaks, by difference; token ids and their mask.
#include "model/text/chat/chat_private.h"

#include "model/text/chat/jinja_private.h"

#include <inttypes.h>
#include <string.h>

typedef struct Search {
    const ChatTemplate *t;
    Arena              *scratch;
    const ChatValues   *v;
    const char         *text; // the whole conversation
    int64_t             length;
} Search;

// Stands for a content to see where it goes.
static const char MARK[] = "QzContentStandsHereZq";

enum { UNKNOWN = -1, SHOWN = 40 };

static int64_t common(const char *a, int64_t a_length, const char *b, int64_t b_length)
{
    int64_t n = 0;

    while (n < a_length && n < b_length && a[n] == b[n])
        n++;
    return n;
}

static int shown(int64_t length, int64_t at)
{
    return (int)(length - at < SHOWN ? length - at : SHOWN);
}

// `part` is the text of the first messages: the whole must begin with it.
static Err check_begins(const Search *s, const JinjaOutput *part, int64_t message, const char *what)
{
    int64_t at = common(part->text, part->length, s->text, s->length);

    if (at == part->length)
        return OK;
    FAIL(ERR_DATA,
         "%s: where message %" PRId64 " stands is not known, because the template changes what it "
         "wrote: %s, byte %" PRId64
         " goes on with \"%.*s\"; in the whole with \"%.*s\".  A template "
         "with {%% generation %%} around the assistant's words says where they are",
         s->t->name, message, what, at, shown(part->length, at), part->text + at,
         shown(s->length, at), s->text + at);
}

// Where the prompt for message i ends; UNKNOWN where nothing stands before it: templates are not
// made to give the prompt alone.
static Err prompt_end(const Search *s, int64_t i, int64_t *end)
{
    JinjaOutput before;

    *end = UNKNOWN;
    if (i == 0)
        return OK;
    TRY(chat_render(s->t, s->scratch, s->v, i, CHAT_PROMPT, &before));
    *end = before.length;
    return check_begins(s, &before, i, "with the prompt for it alone");
}

static int64_t count_marks(const JinjaOutput *o)
{
    int64_t count = 0, at = 0, found;

    while ((found = jinja_find(o->text + at, o->length - at, MARK, sizeof MARK - 1)) >= 0) {
        count++;
        at += found + (int64_t)sizeof MARK - 1;
    }
    return count;
}

// The content of message i in the text of the messages up to it: what stands between the text
// before a mark that takes its place and the text behind it.
static Err find_content(const Search *s, int64_t i, const JinjaOutput *with, JinjaSpan *out)
{
    const JinjaValue *content = chat_content(&s->v->messages.list->item[i]);
    ChatValues        marked = *s->v;
    JinjaOutput       o;
    int64_t           before, after;

    *out = (JinjaSpan){UNKNOWN, UNKNOWN};
    if (content == NULL || content->kind != JINJA_STRING)
        return OK;
    marked.messages = chat_with_content(s->scratch, &s->v->messages, i, jinja_string(MARK));
    TRY(chat_render(s->t, s->scratch, &marked, i + 1, CHAT_NO_PROMPT, &o));
    if (count_marks(&o) != 1)
        return OK;
    before = jinja_find(o.text, o.length, MARK, sizeof MARK - 1);
    after = o.length - before - ((int64_t)sizeof MARK - 1);
    if (before + after > with->length || memcmp(o.text, with->text, (size_t)before) != 0 ||
        memcmp(o.text + o.length - after, with->text + with->length - after, (size_t)after) != 0)
        return OK;
    *out = (JinjaSpan){before, with->length - after};
    return OK;
}

static int is_blank(const char *text, int64_t begin, int64_t end)
{
    JinjaValue v = jinja_string_n(text + begin, end - begin);

    return jinja_strip(&v, NULL, STRIP_BEGIN).length == 0;
}

// The turn begins with the content where only white space stands between the prompt and it, and
// ends behind the last character that is not white space.
static Err find_turn(const Search *s, int64_t i, ChatSpan *out)
{
    JinjaOutput with;
    JinjaValue  turn;
    int64_t     prompt;

    TRY(chat_render(s->t, s->scratch, s->v, i + 1, CHAT_NO_PROMPT, &with));
    TRY(check_begins(s, &with, i, "without the messages behind it"));
    TRY(prompt_end(s, i, &prompt));
    TRY(find_content(s, i, &with, &out->content));
    if (prompt > with.length)
        FAIL(ERR_DATA,
             "%s: where message %" PRId64
             " stands is not known: its prompt is longer than the text "
             "with it",
             s->t->name, i);
    if (prompt == UNKNOWN && out->content.begin == UNKNOWN)
        FAIL(ERR_DATA,
             "%s: where message 0 stands is not known: nothing stands before it, and its content "
             "is not found in the text",
             s->t->name);
    if (prompt == UNKNOWN ||
        (out->content.begin >= prompt && is_blank(with.text, prompt, out->content.begin)))
        prompt = out->content.begin;
    if (out->content.begin < prompt)
        out->content = (JinjaSpan){prompt, prompt};
    turn = jinja_string_n(with.text + prompt, with.length - prompt);
    out->turn = (JinjaSpan){prompt, prompt + jinja_strip(&turn, NULL, STRIP_END).length};
    if (out->turn.end < out->content.end)
        out->turn.end = out->content.end;
    return OK;
}

Err chat_find_spans(const ChatTemplate *t, Arena *scratch, const ChatValues *v, ChatText *out)
{
    Search s = {.t = t, .scratch = scratch, .v = v, .text = out->text, .length = out->length};

    for (int64_t i = 0; i < v->messages.list->count; i++) {
        ArenaMark mark = arena_mark(scratch);

        if (!chat_is_assistant(&v->messages.list->item[i]))
            continue;
        out->span[out->spans].message = i;
        TRY(find_turn(&s, i, &out->span[out->spans++]));
        arena_back(scratch, mark);
    }
    return OK;
}

int64_t chat_text_points(const ChatText *c, int64_t byte)
{
    return jinja_points(c->text, byte);
}

// ---- tokens

static Err encode(const Vocab *v, Arena *arena, const char *text, int64_t length, int32_t **ids,
                  int64_t *count)
{
    int64_t room = vocab_room(v, text, length);

    *ids = arena_new(arena, int32_t, room);
    return vocab_encode_special(v, text, length, *ids, room, count);
}

// How many of the ids are those of the text's first bytes; *is_clean: no token belongs to both
// sides.
static Err tokens_before(const Vocab *v, Arena *scratch, const ChatText *c, int64_t bytes,
                         const int32_t *ids, int64_t count, int64_t *out, int *is_clean)
{
    ArenaMark mark = arena_mark(scratch);
    int32_t  *part;
    int64_t   parts, n = 0;

    TRY(encode(v, scratch, c->text, bytes, &part, &parts));
    while (n < parts && n < count && part[n] == ids[n])
        n++;
    *out = n;
    *is_clean = n == parts;
    arena_back(scratch, mark);
    return OK;
}

Err chat_text_ids(const ChatText *c, const Vocab *v, Arena *arena, Arena *scratch, int32_t **ids,
                  uint8_t **mask, int64_t *count)
{
    TRY(encode(v, arena, c->text, c->length, ids, count));
    *mask = arena_new(arena, uint8_t, *count);
    for (int64_t i = 0; i < c->spans; i++) {
        int64_t first, last;
        int     is_clean;

        TRY(tokens_before(v, scratch, c, c->span[i].turn.begin, *ids, *count, &first, &is_clean));
        TRY(tokens_before(v, scratch, c, c->span[i].turn.end, *ids, *count, &last, &is_clean));
        if (!is_clean && last < *count)
            last++;
        for (int64_t k = first; k < last; k++)
            (*mask)[k] = 1;
    }
    return OK;
}
