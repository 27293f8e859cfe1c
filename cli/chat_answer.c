// The model's turn: from the conversation to tokens, and from tokens to what is shown.
#include "cli/chat.h"
#include "cli/commands.h"

#include "base/rng.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void chat_note(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputs("\n", stderr);
    fflush(stderr);
}

// ---- the conversation

Err chat_say(Chat *c, const char *role, const char *text, int64_t bytes)
{
    if (c->turns == CHAT_MESSAGES_MAX)
        FAIL(ERR_DATA, "a conversation has at most %d messages; /reset begins a new one",
             CHAT_MESSAGES_MAX);
    c->said[c->turns++] = (ChatTurn){role, arena_text_n(c->history, text, bytes), bytes};
    return OK;
}

void chat_take_back(Chat *c, int turns)
{
    c->turns = turns;
    if (turns == 0)
        arena_back(c->history, 0);
}

void chat_write(Text *t, const Chat *c)
{
    text_puts(t, "[");
    for (int i = 0; i < c->turns; i++) {
        text_printf(t, "%s{\"role\": \"%s\", \"content\": ", i > 0 ? ", " : "", c->said[i].role);
        text_json(t, c->said[i].text, c->said[i].bytes);
        text_puts(t, "}");
    }
    text_puts(t, "]");
}

static Err make_prompt(Chat *c, ChatPrompt *out)
{
    Text        t = text_make(c->turn);
    const Json *messages;

    chat_write(&t, c);
    TRY(json_parse(c->turn, "messages", t.data, t.length, JSON_NO_COMMENTS, &messages));
    TRY(chatform_prompt(c->talk.form, c->turn, c->scratch, messages, NULL, out));
    if (out->length == 0)
        FAIL(ERR_DATA, "the form of this model makes no tokens of the conversation");
    if (out->length + 1 > c->context)
        FAIL(ERR_DATA,
             "the conversation has %" PRId64 " tokens, but the context holds %" PRId64
             " and an answer has to fit as well: nothing was asked.  /reset begins anew, /undo "
             "takes the last turn back, or say it shorter",
             out->length, c->context);
    return OK;
}

// ---- what is shown

static int is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// Blanks at both ends of an answer belong to the form, not to what is said.
typedef struct Shown {
    int64_t begin; // where the answer begins in the text; -1: only blanks so far
    int64_t sent;  // bytes of the text that were shown or passed over
} Shown;

static Err show(Chat *c, Shown *s, const char *text, int64_t bytes)
{
    ArenaMark mark = arena_mark(c->turn);
    Text      t = text_make(c->turn);
    Err       e = OK;

    while (bytes > s->sent && is_blank(text[bytes - 1]))
        bytes--;
    while (s->begin < 0 && s->sent < bytes && is_blank(text[s->sent]))
        s->sent++;
    if (bytes > s->sent) {
        s->begin = s->begin < 0 ? s->sent : s->begin;
        talk_clean(&t, text + s->sent, bytes - s->sent);
        s->sent = bytes;
        e = commands_print(&t);
    }
    arena_back(c->turn, mark);
    return e;
}

// Steps until the answer is there, or Ctrl-C.  *out is valid until the decoder steps again.
static Err write_answer(Chat *c, DecodeResult *out, Shown *s, int *is_broken)
{
    *is_broken = 0;
    for (;;) {
        decoder_step(c->decoder);
        if (decoder_take(c->decoder, out))
            return show(c, s, out->text, out->bytes);
        CHECK(decoder_look(c->decoder, 0, out), "an answer is lost");
        TRY(show(c, s, out->text, out->bytes - talk_unsure(&c->ask, out->text, out->bytes)));
        *is_broken = chat_lines_broken();
        if (*is_broken) {
            CHECK(decoder_cancel(c->decoder, 0), "an answer cannot be stopped");
            return show(c, s, out->text, out->bytes);
        }
    }
}

static void say_why_it_ended(const Chat *c, const DecodeResult *r, int64_t prompt, int is_broken)
{
    int64_t used = prompt + r->length;

    if (is_broken)
        chat_note("[stopped; what was written stays in the conversation: /undo takes it back]");
    else if (r->end == DECODE_CONTEXT)
        chat_note("[cut: the context of %" PRId64
                  " tokens is full; /reset begins anew, /undo takes "
                  "the last turn back]",
                  c->context);
    else if (r->end == DECODE_LENGTH)
        chat_note("[cut after %" PRId64 " tokens: --max-tokens]", r->length);
    else if (used * 10 > c->context * 9)
        chat_note("[%" PRId64 " of the %" PRId64 " tokens of the context are used]", used,
                  c->context);
}

static Err keep_answer(Chat *c, const Shown *s, const DecodeResult *r)
{
    Text t = text_make(c->turn);

    if (s->begin >= 0)
        talk_clean(&t, r->text + s->begin, s->sent - s->begin);
    return chat_say(c, "assistant", t.length > 0 ? t.data : "", t.length);
}

static Err answer(Chat *c)
{
    DecodeRequest r = c->ask;
    DecodeResult  result = {0};
    Shown         shown = {.begin = -1};
    ChatPrompt    prompt;
    int           is_broken;
    Err           e;

    TRY(make_prompt(c, &prompt));
    r.prompt = prompt.id;
    r.prompt_length = prompt.length;
    r.stream = rng_stream("chat", (uint64_t)c->answers++, 0, 0);
    r.reuses = 1;
    TRY(decoder_submit(c->decoder, &r));
    (void)chat_lines_broken(); // what was pressed before does not count
    e = write_answer(c, &result, &shown, &is_broken);
    if (e != OK) { // nobody reads any more
        decoder_clear(c->decoder);
        return e;
    }
    puts("");
    fflush(stdout);
    say_why_it_ended(c, &result, prompt.length, is_broken);
    return keep_answer(c, &shown, &result);
}

Err chat_answer(Chat *c)
{
    ArenaMark turn = arena_mark(c->turn), scratch = arena_mark(c->scratch);
    int       turns = c->turns;
    Err       e = answer(c);

    if (e != OK)
        c->turns = turns;
    arena_back(c->turn, turn);
    arena_back(c->scratch, scratch);
    return e;
}
