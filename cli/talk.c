#include "cli/talk.h"

#include <math.h>
#include <string.h>

// ---- opening

Err talk_open(Arena *arena, const char *path, Talk *out)
{
    *out = (Talk){0};
    TRY(import_find(arena, path, &out->model));
    return import_vocab(arena, &out->model, &out->tokenizer, &out->vocab);
}

Err talk_want_form(Arena *arena, Talk *t)
{
    if (t->vocab == NULL)
        return OK;
    return chatform_make(arena, t->model.chosen, t->model.chat_format, t->vocab, &t->form);
}

Err talk_want_tokenizer(const Talk *t, const char *path, const char *what)
{
    if (t->vocab == NULL)
        FAIL(ERR_DATA,
             "%s: this model brings no tokenizer, and %s needs one: put its tokenizer.json (or "
             "tokenizer.model, or for a .bin file tokenizer.bin) beside it",
             path, what);
    return OK;
}

const char *talk_form_name(ChatFormKind kind)
{
    switch (kind) {
    case CHATFORM_FORMAT: return "the prompt format of the recipe that it was trained by";
    case CHATFORM_TEMPLATE: return "its own chat template";
    case CHATFORM_LINES: break;
    }
    return "lines \"role: text\", for it has no chat template; a model that was not made for "
           "conversations will just go on writing";
}

// ---- options

static int has_option(const Command *c, const char *name)
{
    for (const ArgsOption *o = c->options; o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return 1;
    return 0;
}

static int is_set(const Command *c, const Args *a, const char *name)
{
    return has_option(c, name) && args_text(c, a, name) != NULL;
}

Err talk_read_options(const Command *c, const Args *a, DecodeRequest *r)
{
    SampleSpec *s = &r->spec;
    int64_t     seed;

    if (is_set(c, a, "temperature"))
        TRY(args_f64(c, a, "temperature", 0, 100, &s->temperature));
    if (is_set(c, a, "top-k"))
        TRY(args_i64(c, a, "top-k", 0, 1 << 24, &s->top_k));
    if (is_set(c, a, "top-p"))
        TRY(args_f64(c, a, "top-p", 0, 1, &s->top_p));
    if (is_set(c, a, "min-p"))
        TRY(args_f64(c, a, "min-p", 0, 1, &s->min_p));
    if (is_set(c, a, "repetition-penalty"))
        TRY(args_f64(c, a, "repetition-penalty", 0.01, 100, &s->repetition_penalty));
    if (is_set(c, a, "max-tokens"))
        TRY(args_i64(c, a, "max-tokens", 1, 1 << 24, &r->max_tokens));
    if (is_set(c, a, "seed")) {
        TRY(args_i64(c, a, "seed", 0, INT64_MAX, &seed));
        r->seed = (uint64_t)seed;
    }
    if (is_set(c, a, "stop")) {
        r->stop[r->stops++] = args_text(c, a, "stop");
        if (*r->stop[0] == 0)
            FAIL(ERR_USAGE, "tandem %s: --stop is an empty text", c->name);
    }
    r->ignores_eos = is_set(c, a, "ignore-eos");
    return OK;
}

// ---- ends

static Err add_stop(DecodeRequest *r, const char *text)
{
    if (r->stops == DECODE_STOPS_MAX)
        FAIL(ERR_DATA,
             "stop: the form of conversations needs one of the %d texts that may end an answer; "
             "give fewer",
             DECODE_STOPS_MAX);
    r->stop[r->stops++] = text;
    return OK;
}

Err talk_add_ends(const ChatForm *form, DecodeRequest *r)
{
    const ChatEnds *ends = chatform_ends(form);

    if (r->ignores_eos)
        return OK;
    for (int i = 0; i < ends->tokens; i++) {
        CHECK(r->ends < DECODE_ENDS_MAX, "%d end tokens", r->ends);
        if (ends->token[i] >= 0)
            r->end[r->ends++] = ends->token[i];
    }
    for (int i = 0; i < ends->texts; i++)
        TRY(add_stop(r, ends->text[i]));
    if (chatform_kind(form) == CHATFORM_LINES)
        TRY(add_stop(r, "\nuser:"));
    return OK;
}

// ---- sampling

static int read_number(const Json *object, const char *key, double min, double max, double *out)
{
    const Json *m = json_member(object, key);

    if (m == NULL || m->kind != JSON_NUMBER || !(min <= m->number && m->number <= max))
        return 0;
    *out = m->number;
    return 1;
}

int talk_sampling(const Json *tokenizer, SampleSpec *spec)
{
    const Json *beside = tokenizer == NULL ? NULL : json_member(tokenizer, "beside");
    const Json *config = beside == NULL ? NULL : json_member(beside, "generation_config");
    const Json *draws;
    double      top_k;
    int         said = 0;

    if (config == NULL || config->kind != JSON_OBJECT)
        return 0;
    said |= read_number(config, "temperature", 0, 100, &spec->temperature);
    said |= read_number(config, "top_p", 0, 1, &spec->top_p);
    said |= read_number(config, "min_p", 0, 1, &spec->min_p);
    said |= read_number(config, "repetition_penalty", 0.01, 100, &spec->repetition_penalty);
    if (read_number(config, "top_k", 0, 1 << 24, &top_k)) {
        spec->top_k = (int64_t)top_k;
        said = 1;
    }
    draws = json_member(config, "do_sample");
    if (draws != NULL && draws->kind == JSON_FALSE) {
        spec->temperature = 0;
        said = 1;
    }
    return said;
}

// ---- text that may be shown

int64_t talk_unsure(const DecodeRequest *r, const char *text, int64_t bytes)
{
    int64_t most = 0;

    for (int64_t n = 1; n <= 3 && n <= bytes && most == 0; n++) {
        unsigned char c = (unsigned char)text[bytes - n];
        int           whole = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 1;

        most = whole > n ? n : 0;
    }
    for (int i = 0; i < r->stops; i++) {
        int64_t n = (int64_t)strlen(r->stop[i]) - 1;

        for (n = n < bytes ? n : bytes; n > most; n--)
            if (memcmp(text + bytes - n, r->stop[i], (size_t)n) == 0)
                most = n;
    }
    return most;
}

void talk_clean(Text *out, const char *text, int64_t bytes)
{
    for (int64_t i = 0; i < bytes;) {
        unsigned char c = (unsigned char)text[i];
        int           width = text_utf8_length(text + i, bytes - i);
        int           is_control = (c < ' ' && c != '\n' && c != '\t') || c == 0x7F;

        if (width == 0 || is_control)
            text_puts(out, "\xEF\xBF\xBD");
        else
            text_add(out, text + i, width);
        i += width > 0 ? width : 1;
    }
}
