// Prompts as token ids.
#include "cli/serve.h"

#include <inttypes.h>
#include <string.h>

Err serve_too_long(const Serve *s, const ServeJob *job, int64_t length, ServeFault *fault)
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

Err serve_want_vocab(const Serve *s, const char *what)
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

    TRY(serve_want_vocab(s, "prompt"));
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
    return serve_too_long(s, job, p->length, fault);
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
