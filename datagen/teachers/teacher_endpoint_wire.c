// Requests and replies of the OpenAI protocol.
#define _GNU_SOURCE // memmem
#include "datagen/teachers/teacher_endpoint_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// The protocol takes so many stop texts; answers are cut here at the others.
enum { STOPS_SENT = 4 };

// What a count of tokens can be at most: a tokenizer makes no more tokens than bytes, the server's
// chat template comes on top; answers end at max_tokens, give or take the end token.
enum { PROMPT_EXTRA = 4096, ANSWER_EXTRA = 16 };

const char *endpoint_outcome_reason(EndpointOutcome outcome)
{
    static const char *const reasons[] = {[OUTCOME_ANSWER] = "",
                                          [OUTCOME_429] = "http 429",
                                          [OUTCOME_5XX] = "http 5xx",
                                          [OUTCOME_TIMEOUT] = "timed out",
                                          [OUTCOME_CUT] = "connection cut",
                                          [OUTCOME_GARBAGE] = "garbage reply",
                                          [OUTCOME_USAGE] = "garbage reply",
                                          [OUTCOME_CONNECT] = "no answer",
                                          [OUTCOME_REFUSED] = "http 4xx",
                                          [OUTCOME_FATAL] = "http 4xx"};

    return reasons[outcome];
}

// ---- requests

static void add_text(Text *t, const char *key, const char *text)
{
    text_printf(t, ", \"%s\": ", key);
    text_json(t, text, (int64_t)strlen(text));
}

static void add_number(Text *t, const char *key, double value)
{
    text_printf(t, ", \"%s\": ", key);
    json_write_number(t, value);
}

// The recipe's system message goes before that of the config.
static void add_prompt(Text *t, const EndpointConfig *c, const TeacherRequest *r,
                       const char *prompt)
{
    const char *system = r->system != NULL ? r->system : c->system;

    if (c->api == ENDPOINT_COMPLETIONS) {
        add_text(t, "prompt", prompt);
        return;
    }
    text_puts(t, ", \"messages\": [");
    if (*system != 0) {
        text_puts(t, "{\"role\": \"system\"");
        add_text(t, "content", system);
        text_puts(t, "}, ");
    }
    text_puts(t, "{\"role\": \"user\"");
    add_text(t, "content", prompt);
    text_puts(t, "}]");
}

// Names that only some servers know are sent only where they say something.
static void add_spec(Text *t, const TeacherRequest *r)
{
    const SampleSpec *s = &r->spec;

    add_number(t, "temperature", s->temperature);
    add_number(t, "top_p", s->top_p);
    if (s->presence_penalty != 0)
        add_number(t, "presence_penalty", s->presence_penalty);
    if (s->frequency_penalty != 0)
        add_number(t, "frequency_penalty", s->frequency_penalty);
    if (s->top_k != 0)
        add_number(t, "top_k", (double)s->top_k);
    if (s->min_p != 0)
        add_number(t, "min_p", s->min_p);
    if (s->repetition_penalty != 1)
        add_number(t, "repetition_penalty", s->repetition_penalty);
    if (r->ignores_eos)
        text_puts(t, ", \"ignore_eos\": true");
}

static void add_stops(Text *t, const TeacherRequest *r)
{
    if (r->stops == 0)
        return;
    text_puts(t, ", \"stop\": [");
    for (int i = 0; i < r->stops && i < STOPS_SENT; i++) {
        text_puts(t, i > 0 ? ", " : "");
        text_json(t, r->stop[i], (int64_t)strlen(r->stop[i]));
    }
    text_puts(t, "]");
}

void endpoint_body(Text *t, const EndpointConfig *c, const TeacherRequest *r, const char *prompt,
                   uint32_t seed)
{
    text_puts(t, "{\"model\": ");
    text_json(t, c->model, (int64_t)strlen(c->model));
    add_prompt(t, c, r, prompt);
    text_printf(t, ", \"max_tokens\": %" PRId64, r->max_tokens);
    add_spec(t, r);
    add_stops(t, r);
    text_printf(t, ", \"seed\": %" PRIu32 "}", seed);
}

// ---- replies

static const Json *member(const Json *object, const char *key, JsonKind kind)
{
    const Json *m = object == NULL || object->kind != JSON_OBJECT ? NULL : json_member(object, key);

    return m != NULL && m->kind == kind ? m : NULL;
}

static int is_count(const Json *usage, const char *key, int64_t most, int64_t *out)
{
    const Json *m = member(usage, key, JSON_NUMBER);

    if (m == NULL || !(m->number >= 0 && m->number <= (double)most) ||
        m->number != (double)(int64_t)m->number)
        return 0;
    *out = (int64_t)m->number;
    return 1;
}

static int64_t prompt_bytes(const EndpointConfig *c, const TeacherRequest *r)
{
    int64_t n = (int64_t)strlen(c->system);

    for (int i = 0; i < r->span_count; i++)
        n += r->spans[i].length;
    return n;
}

static int read_usage(const Json *root, const EndpointConfig *c, const TeacherRequest *r,
                      EndpointAnswer *a)
{
    const Json *usage = member(root, "usage", JSON_OBJECT);

    return is_count(usage, "prompt_tokens", prompt_bytes(c, r) + PROMPT_EXTRA, &a->prompt_tokens) &&
           is_count(usage, "completion_tokens", r->max_tokens + ANSWER_EXTRA, &a->new_tokens) &&
           (a->new_tokens > 0 || a->bytes == 0);
}

static int is_one_of(const char *text, const char *const *list, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return 1;
    return 0;
}

// A reply without a reason, or one that says that something broke, is not whole.
static int read_end(const Json *choice, EndpointAnswer *a)
{
    static const char *const broken[] = {"error", "abort", "aborted", "cancelled"};
    static const char *const held_back[] = {"content_filter", "tool_calls", "function_call"};
    const Json              *reason = member(choice, "finish_reason", JSON_TEXT);

    if (reason == NULL || is_one_of(reason->text, broken, 4))
        return 0;
    a->end = strcmp(reason->text, "length") == 0 ? TEACHER_LENGTH : TEACHER_DONE;
    if (is_one_of(reason->text, held_back, 3)) {
        a->end = TEACHER_FAILED;
        a->why = "no answer";
    }
    return 1;
}

// Servers may leave the stop text where it is, and know only some of them.
static void cut_at_stop(const TeacherRequest *r, EndpointAnswer *a)
{
    for (int i = 0; i < r->stops; i++) {
        const char *at = memmem(a->text, (size_t)a->bytes, r->stop[i], strlen(r->stop[i]));

        if (at != NULL) {
            a->bytes = at - a->text;
            a->end = TEACHER_DONE;
        }
    }
}

static int read_text(const EndpointConfig *c, const Json *choice, EndpointAnswer *a)
{
    const Json *text = c->api == ENDPOINT_COMPLETIONS
                           ? member(choice, "text", JSON_TEXT)
                           : member(member(choice, "message", JSON_OBJECT), "content", JSON_TEXT);

    a->text = "";
    if (a->end == TEACHER_FAILED)
        return 1;
    if (text == NULL || text->length > ENDPOINT_TEXT_MAX)
        return 0;
    a->text = text->text;
    a->bytes = text->length;
    return 1;
}

static EndpointOutcome read_answer(Arena *scratch, const EndpointConfig *c, const TeacherRequest *r,
                                   const HttpReply *reply, EndpointAnswer *a)
{
    const Json *root, *choices, *choice;

    if (json_parse(scratch, "reply", reply->body, reply->bytes, JSON_NO_COMMENTS, &root) != OK) {
        err_forget();
        return OUTCOME_GARBAGE;
    }
    choices = member(root, "choices", JSON_ARRAY);
    choice = choices == NULL ? NULL : choices->child;
    *a = (EndpointAnswer){.why = ""};
    if (!read_end(choice, a) || !read_text(c, choice, a))
        return OUTCOME_GARBAGE;
    if (!read_usage(root, c, r, a))
        return OUTCOME_USAGE;
    if (a->end != TEACHER_FAILED)
        cut_at_stop(r, a);
    return OUTCOME_ANSWER;
}

static EndpointOutcome outcome_of_status(int status)
{
    if (status == 429)
        return OUTCOME_429;
    if (status == 408)
        return OUTCOME_TIMEOUT;
    if (status >= 500)
        return OUTCOME_5XX;
    if (status == 401 || status == 402 || status == 403 || status == 404 ||
        (status >= 300 && status < 400))
        return OUTCOME_FATAL;
    return status >= 400 ? OUTCOME_REFUSED : OUTCOME_GARBAGE;
}

EndpointOutcome endpoint_reply_read(Arena *scratch, const EndpointConfig *c,
                                    const TeacherRequest *r, const HttpReply *reply,
                                    EndpointAnswer *answer)
{
    switch (reply->end) {
    case HTTP_NOT_REACHED: return OUTCOME_CONNECT;
    case HTTP_TIMED_OUT: return OUTCOME_TIMEOUT;
    case HTTP_CUT: return OUTCOME_CUT;
    case HTTP_TOO_LARGE: return OUTCOME_GARBAGE;
    case HTTP_REPLIED: break;
    }
    if (reply->status < 200 || reply->status > 299)
        return outcome_of_status(reply->status);
    return read_answer(scratch, c, r, reply, answer);
}

void endpoint_excerpt(char out[ENDPOINT_EXCERPT], const HttpReply *reply, const char *key)
{
    int64_t n = reply->bytes < ENDPOINT_EXCERPT - 1 ? reply->bytes : ENDPOINT_EXCERPT - 1;
    size_t  length = strlen(key);

    // Also what is only cut off at the end of the excerpt could be a part of the key.
    if (length > 0 && memmem(reply->body, (size_t)reply->bytes, key, length) != NULL) {
        snprintf(out, ENDPOINT_EXCERPT, "(a text with the key in it)");
        return;
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = (char)(reply->body[i] < ' ' || reply->body[i] > '~' ? ' ' : reply->body[i]);
    out[n] = 0;
}
