// Replies in the words of the protocol.
#include "cli/serve.h"

#include <inttypes.h>
#include <string.h>

// How conversations are written for it.
static const char *form_of(const Serve *s)
{
    static const char *const name[] = {[CHATFORM_LINES] = "\"lines\"",
                                       [CHATFORM_FORMAT] = "\"recipe\"",
                                       [CHATFORM_TEMPLATE] = "\"template\""};

    return s->chat == NULL ? "null" : name[chatform_kind(s->chat)];
}

void serve_write_models(Text *t, const Serve *s)
{
    text_puts(t, "{\"object\":\"list\",\"data\":[{\"id\":");
    text_json(t, s->name, (int64_t)strlen(s->name));
    text_printf(t,
                ",\"object\":\"model\",\"created\":%" PRId64 ",\"owned_by\":\"tandem\","
                "\"max_model_len\":%" PRId64 ",\"chat_form\":%s}]}",
                s->created, s->context, form_of(s));
}

static void write_text_or_null(Text *t, const char *text)
{
    if (text == NULL)
        text_puts(t, "null");
    else
        text_json(t, text, (int64_t)strlen(text));
}

static const char *type_of(int status)
{
    if (status == 401)
        return "authentication_error";
    if (status == 429)
        return "rate_limit_error";
    return status >= 500 ? "server_error" : "invalid_request_error";
}

void serve_write_error(Text *t, const ServeFault *fault, const char *message)
{
    text_puts(t, "{\"error\":{\"message\":");
    text_json(t, message, (int64_t)strlen(message));
    text_printf(t, ",\"type\":\"%s\",\"param\":", type_of(fault->status));
    write_text_or_null(t, fault->param);
    text_puts(t, ",\"code\":");
    write_text_or_null(t, fault->code);
    text_puts(t, "}}");
}

ServeView serve_view(const Serve *s, const ServeJob *job, const ServeChoice *c)
{
    const DecodeResult *w = &c->written;
    const ServePrompt  *p = &job->prompt[c->prompt];
    ServeView           v = {w->text, w->bytes, 0, w->length};
    Text                t;

    if (!job->echo)
        return v;
    t = text_make(s->scratch);
    text_add(&t, p->text, p->bytes);
    text_add(&t, w->text, w->bytes);
    return (ServeView){t.data, t.length, p->length, p->length + w->length};
}

// ---- parts that replies and events share

static void write_head(Text *t, const Serve *s, const ServeJob *job)
{
    static const char *const object[2][2] = {
        [SERVE_COMPLETION] = {"text_completion", "text_completion"},
        [SERVE_CHAT] = {"chat.completion", "chat.completion.chunk"}};

    text_printf(t, "{\"id\":\"%s\",\"object\":\"%s\",\"created\":%" PRId64 ",\"model\":", job->id,
                object[job->kind][job->stream], job->created);
    text_json(t, s->name, (int64_t)strlen(s->name));
    text_puts(t, ",\"choices\":[");
}

static void write_usage(Text *t, const ServeJob *job)
{
    int64_t prompt = 0, new = 0;

    for (int64_t i = 0; i < job->prompts; i++)
        prompt += job->prompt[i].length;
    for (int64_t i = 0; i < job->choices; i++)
        new += job->choice[i].written.length;
    text_printf(t,
                "{\"prompt_tokens\":%" PRId64 ",\"completion_tokens\":%" PRId64
                ",\"total_tokens\":%" PRId64 "}",
                prompt, new, prompt + new);
}

static const char *finish(const ServeChoice *c)
{
    if (c->state != SERVE_ENDED)
        return "null";
    return c->written.end == DECODE_EOS || c->written.end == DECODE_STOP ? "\"stop\""
                                                                         : "\"length\"";
}

static void write_ids(Text *t, const char *key, const int32_t *id, int64_t length)
{
    text_printf(t, ",\"%s\":[", key);
    for (int64_t i = 0; i < length; i++)
        text_printf(t, "%s%d", i > 0 ? "," : "", id[i]);
    text_puts(t, "]");
}

// What follows the text in a choice.
static void write_rest(Text *t, const Serve *s, const ServeJob *job, const ServeChoice *c,
                       int64_t bytes, ServePlace *place)
{
    text_puts(t, ",\"logprobs\":");
    serve_write_logprobs(t, s, job, c, bytes, place);
    text_printf(t, ",\"finish_reason\":%s", finish(c));
    if (job->tells_ids && c->state == SERVE_ENDED) {
        const ServePrompt *p = &job->prompt[c->prompt];

        write_ids(t, "prompt_token_ids", p->id, p->length);
        write_ids(t, "token_ids", c->written.ids, c->written.length);
    }
    text_puts(t, "}");
}

// ---- a reply as a whole

static void write_choice(Text *t, const Serve *s, const ServeJob *job, int64_t index)
{
    const ServeChoice *c = &job->choice[index];
    ServeView          v = serve_view(s, job, c);
    ServePlace         place = {0};

    text_printf(t, "%s{\"index\":%" PRId64 ",", index > 0 ? "," : "", index);
    text_puts(t, job->kind == SERVE_CHAT ? "\"message\":{\"role\":\"assistant\",\"content\":"
                                         : "\"text\":");
    text_json(t, v.text, v.bytes);
    text_puts(t, job->kind == SERVE_CHAT ? ",\"refusal\":null}" : "");
    write_rest(t, s, job, c, v.bytes, &place);
}

void serve_write_reply(Text *t, const Serve *s, const ServeJob *job)
{
    write_head(t, s, job);
    for (int64_t i = 0; i < job->choices; i++)
        write_choice(t, s, job, i);
    text_puts(t, "],\"usage\":");
    write_usage(t, job);
    text_puts(t, "}");
}

// ---- events of a stream

void serve_write_event(Text *t, const Serve *s, const ServeJob *job, ServeChoice *c, int64_t bytes)
{
    ServeView v = serve_view(s, job, c);
    int       is_chat = job->kind == SERVE_CHAT;

    text_puts(t, "data: ");
    write_head(t, s, job);
    text_printf(t, "{\"index\":%" PRId64 ",", (int64_t)(c - job->choice));
    if (is_chat)
        text_printf(t, "\"delta\":{%s\"content\":", c->has_begun ? "" : "\"role\":\"assistant\",");
    else
        text_puts(t, "\"text\":");
    text_json(t, v.text + c->sent, bytes - c->sent);
    text_puts(t, is_chat ? "}" : "");
    write_rest(t, s, job, c, bytes, &c->told);
    text_printf(t, "]%s}\n\n", job->tells_usage ? ",\"usage\":null" : "");
    c->sent = bytes;
    c->has_begun = 1;
}

void serve_write_usage_event(Text *t, const Serve *s, const ServeJob *job)
{
    text_puts(t, "data: ");
    write_head(t, s, job);
    text_puts(t, "],\"usage\":");
    write_usage(t, job);
    text_puts(t, "}\n\n");
}
