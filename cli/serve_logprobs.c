// The log-probabilities of tokens, in the two forms of the protocol.
#include "cli/serve.h"

#include <math.h>

typedef struct Told { // a token and where it stands
    int32_t          id;
    int              has_logp; // the first token of an echo has none
    float            logp;
    const SampleTop *top; // [ask.top] or NULL
    int64_t          character;
} Told;

static void write_logp(Text *t, float logp)
{
    if (isfinite(logp))
        text_printf(t, "%.9g", (double)logp);
    else
        text_puts(t, "-9999"); // JSON has no infinity
}

// ---- tokens as texts

// In scratch, which is left as it is: what is being written grows there too.
static Text bytes_of(const Serve *s, int32_t id)
{
    Text t = text_make(s->scratch);

    if (s->vocab != NULL)
        vocab_decode(s->vocab, id, &t);
    return t;
}

static const char *special_name(const Vocab *v, int32_t id)
{
    return id == vocab_bos(v)   ? "<bos>"
           : id == vocab_eos(v) ? "<eos>"
           : id == vocab_pad(v) ? "<pad>"
                                : NULL;
}

// A name for every token, no two the same: its text if it is one.
static void write_token(Text *t, const Serve *s, int32_t id)
{
    Text        bytes = bytes_of(s, id), name = text_make(s->scratch);
    const char *special = bytes.length == 0 && s->vocab != NULL ? special_name(s->vocab, id) : NULL;

    if (special != NULL)
        text_puts(&name, special);
    else if (bytes.length == 0)
        text_printf(&name, "token_id:%d", id);
    else if (text_utf8_bad(bytes.data, bytes.length) < 0)
        name = bytes;
    else
        for (int64_t i = 0; i < bytes.length; i++)
            text_printf(&name, "%s\\x%02x", i == 0 ? "bytes:" : "", (unsigned char)bytes.data[i]);
    text_json(t, name.data, name.length);
}

static void write_bytes(Text *t, const Serve *s, int32_t id)
{
    Text bytes = bytes_of(s, id);

    text_puts(t, "[");
    for (int64_t i = 0; i < bytes.length; i++)
        text_printf(t, "%s%d", i > 0 ? "," : "", (unsigned char)bytes.data[i]);
    text_puts(t, "]");
}

// ---- which tokens

static Told told(const ServeJob *job, const ServeChoice *c, const ServeView *v,
                 const ServePlace *at)
{
    const ServePrompt *p = &job->prompt[c->prompt];
    int64_t            i = at->token, n = i - v->echoed, top = job->ask.top;

    if (i < v->echoed)
        return (Told){p->id[i], i > 0, p->logp[i], i > 0 && top > 0 ? p->tops + i * top : NULL,
                      at->character};
    return (Told){c->written.ids[n], 1, c->written.logp[n], top > 0 ? c->tops + n * top : NULL,
                  at->character};
}

// Behind a token: its bytes in the text, and the characters that begin with them.
static void step_over(const Serve *s, const ServeJob *job, const ServeChoice *c, const ServeView *v,
                      int32_t id, ServePlace *at)
{
    ArenaMark mark = arena_mark(s->scratch);
    int64_t   width = bytes_of(s, id).length;

    if (v->echoed > 0 && at->token < job->prompt[c->prompt].before)
        width = 0; // it was put in front of the text
    for (int64_t i = 0; i < width && at->byte < v->bytes; i++, at->byte++)
        at->character += ((unsigned char)v->text[at->byte] & 0xC0) != 0x80;
    at->token++;
    arena_back(s->scratch, mark);
}

static Told *collect(const Serve *s, const ServeJob *job, const ServeChoice *c, int64_t bytes,
                     ServePlace *at, int64_t *count)
{
    ServeView v = serve_view(s, job, c);
    Told     *list = arena_new(s->scratch, Told, v.tokens - at->token + 1);

    *count = 0;
    while (at->token < v.tokens && (at->byte < bytes || s->vocab == NULL)) {
        list[*count] = told(job, c, &v, at);
        step_over(s, job, c, &v, list[(*count)++].id, at);
    }
    return list;
}

// ---- /v1/completions: parallel lists

// The alternatives by name, the token itself among them.
static void write_map(Text *t, const Serve *s, const Told *one, int top)
{
    int has_own = 0;

    if (!one->has_logp) {
        text_puts(t, "null");
        return;
    }
    text_puts(t, "{");
    for (int k = 0; k < top && one->top[k].id >= 0; k++) {
        has_own |= one->top[k].id == one->id;
        text_puts(t, k > 0 ? "," : "");
        write_token(t, s, one->top[k].id);
        text_puts(t, ":");
        write_logp(t, one->top[k].logp);
    }
    if (!has_own) {
        text_puts(t, top > 0 ? "," : "");
        write_token(t, s, one->id);
        text_puts(t, ":");
        write_logp(t, one->logp);
    }
    text_puts(t, "}");
}

static void write_lists(Text *t, const Serve *s, const ServeJob *job, const Told *list,
                        int64_t count)
{
    text_puts(t, "{\"tokens\":[");
    for (int64_t i = 0; i < count; i++) {
        text_puts(t, i > 0 ? "," : "");
        write_token(t, s, list[i].id);
    }
    text_puts(t, "],\"token_logprobs\":[");
    for (int64_t i = 0; i < count; i++) {
        text_puts(t, i > 0 ? "," : "");
        if (list[i].has_logp)
            write_logp(t, list[i].logp);
        else
            text_puts(t, "null");
    }
    text_puts(t, "],\"top_logprobs\":[");
    for (int64_t i = 0; i < count; i++) {
        text_puts(t, i > 0 ? "," : "");
        write_map(t, s, &list[i], job->ask.top);
    }
    text_puts(t, "],\"text_offset\":[");
    for (int64_t i = 0; i < count; i++)
        text_printf(t, "%s%lld", i > 0 ? "," : "", (long long)list[i].character);
    text_puts(t, "]}");
}

// ---- /v1/chat/completions: a list of objects

static void write_object(Text *t, const Serve *s, int32_t id, float logp)
{
    text_puts(t, "{\"token\":");
    write_token(t, s, id);
    text_puts(t, ",\"logprob\":");
    write_logp(t, logp);
    text_puts(t, ",\"bytes\":");
    write_bytes(t, s, id);
}

static void write_objects(Text *t, const Serve *s, const ServeJob *job, const Told *list,
                          int64_t count)
{
    text_puts(t, "{\"content\":[");
    for (int64_t i = 0; i < count; i++) {
        text_puts(t, i > 0 ? "," : "");
        write_object(t, s, list[i].id, list[i].logp);
        text_puts(t, ",\"top_logprobs\":[");
        for (int k = 0; k < job->ask.top && list[i].top[k].id >= 0; k++) {
            text_puts(t, k > 0 ? "," : "");
            write_object(t, s, list[i].top[k].id, list[i].top[k].logp);
            text_puts(t, "}");
        }
        text_puts(t, "]}");
    }
    text_puts(t, "],\"refusal\":null}");
}

void serve_write_logprobs(Text *t, const Serve *s, const ServeJob *job, const ServeChoice *c,
                          int64_t bytes, ServePlace *place)
{
    int64_t count;
    Told   *list;

    if (!job->tells_logp) {
        text_puts(t, "null");
        return;
    }
    list = collect(s, job, c, bytes, place, &count);
    if (job->kind == SERVE_CHAT)
        write_objects(t, s, job, list, count);
    else
        write_lists(t, s, job, list, count);
}
