// Prompts and conversations as token ids.
#include "cli/serve.h"

#include "datagen/step.h"

#include <inttypes.h>
#include <string.h>

static Err too_long(const Serve *s, const ServeJob *job, int64_t length, ServeFault *fault)
{
    int64_t new = job->ask.max_tokens > 0;

    if (length + new <= s->context)
        return OK;
    fault->code = "context_length_exceeded";
    FAIL(ERR_DATA,
         "the prompt has %" PRId64 " tokens, but the context of this model has %" PRId64
         "%s: shorten the prompt",
         length, s->context, new ? " and a new token has to fit as well" : "");
}

static Err want_vocab(const Serve *s, const char *what)
{
    if (s->vocab == NULL)
        FAIL(ERR_DATA,
             "%s: this model has no tokenizer that is read here; give the prompt of "
             "/v1/completions as token ids",
             what);
    return OK;
}

// A text becomes what the model knows as the beginning of one: {bos} in front where there is one,
// or what else its tokenizer wants.
static Err encode_text(Serve *s, const Json *text, ServePrompt *out)
{
    int64_t  count = 0, room;
    int32_t *plain;

    TRY(want_vocab(s, "prompt"));
    room = vocab_room(s->vocab, text->text, text->length) + VOCAB_FRAME_MAX;
    plain = arena_new(s->scratch, int32_t, room);
    *out = (ServePrompt){
        .id = arena_new(s->scratch, int32_t, room), .text = text->text, .bytes = text->length};
    TRY(vocab_encode(s->vocab, text->text, text->length, plain, room, &count));
    memcpy(out->id, plain, (size_t)count * sizeof *plain);
    out->length = count;
    TRY(vocab_begin(s->vocab, out->id, room, &out->length));
    out->before = out->length - count;
    while (out->before > 0 && memcmp(out->id + out->before, plain, (size_t)count * sizeof *plain))
        out->before--;
    return OK;
}

static Err read_ids(Serve *s, const Json *list, ServePrompt *out)
{
    Text t = text_make(s->scratch);

    *out = (ServePrompt){.id = arena_new(s->scratch, int32_t, list->length)};
    for (const Json *m = list->child; m != NULL; m = m->next) {
        int64_t id;

        TRY(json_i64(m, 0, s->net.params.dims.V - 1, &id));
        out->id[out->length++] = (int32_t)id;
    }
    for (int64_t i = 0; i < out->length && s->vocab != NULL; i++)
        vocab_decode(s->vocab, out->id[i], &t);
    out->text = t.length > 0 ? t.data : "";
    out->bytes = t.length;
    return OK;
}

static Err read_prompt(Serve *s, const Json *one, ServeJob *job, ServeFault *fault)
{
    ServePrompt *p = &job->prompt[job->prompts++];
    char         found[JSON_WORDS];

    if (one->kind == JSON_TEXT)
        TRY(encode_text(s, one, p));
    else if (one->kind == JSON_ARRAY)
        TRY(read_ids(s, one, p));
    else
        FAIL(ERR_DATA, "prompt: expected a text, token ids, or a list of these, found %s",
             json_show(one, found, sizeof found));
    if (p->length == 0)
        FAIL(ERR_DATA, "prompt: expected at least one token, found none");
    return too_long(s, job, p->length, fault);
}

Err serve_read_prompts(Serve *s, const Json *body, ServeJob *job, ServeFault *fault)
{
    const Json *prompt = json_member(body, "prompt");
    int         is_list;

    fault->param = "prompt";
    if (prompt == NULL || prompt->kind == JSON_NULL)
        FAIL(ERR_DATA, "prompt: expected a text, token ids, or a list of these, found none");
    is_list =
        prompt->kind == JSON_ARRAY && prompt->length > 0 && prompt->child->kind != JSON_NUMBER;
    if (is_list && prompt->length * job->n > SERVE_CHOICES_MAX)
        FAIL(ERR_DATA, "prompt: expected at most %d texts to be asked for at once, found %" PRId64,
             SERVE_CHOICES_MAX, prompt->length * job->n);
    job->prompt = arena_new(s->scratch, ServePrompt, is_list ? prompt->length : 1);
    if (!is_list)
        return read_prompt(s, prompt, job, fault);
    for (const Json *one = prompt->child; one != NULL; one = one->next)
        TRY(read_prompt(s, one, job, fault));
    return OK;
}

// ---- conversations

// The content of a message: a text, or a list of parts that are texts.
static Err read_content(Serve *s, const Json *content, ChatMessage *out)
{
    Text t = text_make(s->scratch);

    if (content != NULL && content->kind == JSON_TEXT) {
        out->text = content->text;
        out->length = content->length;
        return OK;
    }
    if (content == NULL || content->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "messages: expected a text as the content of each, found %s",
             content == NULL ? "none" : json_kind_name(content->kind));
    for (const Json *part = content->child; part != NULL; part = part->next) {
        const Json *text = json_member(part, "text");

        if (text == NULL || text->kind != JSON_TEXT)
            FAIL(ERR_DATA, "messages: only parts of type text are supported by this server");
        text_add(&t, text->text, text->length);
    }
    out->text = t.length > 0 ? t.data : "";
    out->length = t.length;
    return OK;
}

static Err read_message(Serve *s, const Json *m, ChatMessage *out)
{
    const Json *role = json_member(m, "role");
    char        found[JSON_WORDS];

    if (m->kind != JSON_OBJECT || role == NULL || role->kind != JSON_TEXT)
        FAIL(ERR_DATA, "messages: expected objects with \"role\" and \"content\", found %s",
             json_show(m, found, sizeof found));
    out->role = strcmp(role->text, "developer") == 0 ? "system" : role->text;
    if (strcmp(out->role, "system") != 0 && strcmp(out->role, "user") != 0 &&
        strcmp(out->role, "assistant") != 0)
        FAIL(ERR_DATA, "messages: expected the role system, user or assistant, found %s",
             json_show(role, found, sizeof found));
    return read_content(s, json_member(m, "content"), out);
}

// Special tokens that the vocabulary does not have stand for nothing.
static int drop_missing(const Vocab *v, TemplateSpan *spans, int count)
{
    int kept = 0;

    for (int i = 0; i < count; i++) {
        int is_bos = strcmp(spans[i].text, "bos") == 0;

        if (spans[i].kind != TEMPLATE_SPECIAL || (is_bos ? vocab_bos(v) : vocab_eos(v)) >= 0)
            spans[kept++] = spans[i];
    }
    return kept;
}

Err serve_read_messages(Serve *s, const Json *body, ServeJob *job, ServeFault *fault)
{
    const Json   *list = json_member(body, "messages");
    ChatMessage  *message;
    TemplateSpan *spans;
    Record        carrier = {.arena = s->scratch};
    const char   *why;
    int           count = 0, span_count;

    fault->param = "messages";
    TRY(want_vocab(s, "messages"));
    if (list == NULL || list->kind != JSON_ARRAY || list->length == 0)
        FAIL(ERR_DATA, "messages: expected a list of at least one message");
    message = arena_new(s->scratch, ChatMessage, list->length);
    for (const Json *m = list->child; m != NULL; m = m->next)
        TRY(read_message(s, m, &message[count++]));
    TRY(chatform_render(s->chat, s->scratch, message, count, &spans, &span_count));
    span_count = drop_missing(s->vocab, spans, span_count);
    job->prompts = 1;
    job->prompt = arena_new(s->scratch, ServePrompt, 1);
    job->prompt->id =
        step_encode(s->vocab, &carrier, spans, span_count, &job->prompt->length, &why);
    if (job->prompt->id == NULL)
        FAIL(ERR_DATA, "messages: a text cannot be given to this model: %s", why);
    if (job->prompt->length == 0)
        FAIL(ERR_DATA, "messages: expected a prompt of at least one token, found none");
    return too_long(s, job, job->prompt->length, fault);
}
