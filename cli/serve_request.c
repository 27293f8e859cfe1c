// From the members of a request to what is asked of the decoder.
#include "cli/serve.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

typedef struct Asked { // as it stands in the request
    double  temperature, top_p, min_p, repetition, presence, frequency;
    int64_t top_k, max_tokens, max_completion_tokens, n, best_of, logprobs, top_logprobs, seed;
    int     echo, stream, wants_logprobs, ignore_eos, return_token_ids;
} Asked;

typedef enum FieldType { NUMBER, WHOLE, YES_NO } FieldType;

enum { BOTH = 1 << SERVE_COMPLETION | 1 << SERVE_CHAT, NOT_GIVEN = -1 };

typedef struct Field {
    const char *key;
    int         kinds; // of requests that have it
    FieldType   type;
    size_t      offset;
    double      min, max, standard;
} Field;

#define AT(name) offsetof(Asked, name)

static const Field FIELDS[] = {
    {"temperature", BOTH, NUMBER, AT(temperature), 0, 100, 1},
    {"top_p", BOTH, NUMBER, AT(top_p), 0, 1, 1},
    {"min_p", BOTH, NUMBER, AT(min_p), 0, 1, 0},
    {"repetition_penalty", BOTH, NUMBER, AT(repetition), 0.01, 100, 1},
    {"presence_penalty", BOTH, NUMBER, AT(presence), -100, 100, 0},
    {"frequency_penalty", BOTH, NUMBER, AT(frequency), -100, 100, 0},
    {"top_k", BOTH, WHOLE, AT(top_k), -1, 1 << 24, 0},
    {"max_tokens", 1 << SERVE_COMPLETION, WHOLE, AT(max_tokens), 0, 1 << 24, 16},
    {"max_tokens", 1 << SERVE_CHAT, WHOLE, AT(max_tokens), 1, 1 << 24, 1 << 24},
    {"max_completion_tokens", 1 << SERVE_CHAT, WHOLE, AT(max_completion_tokens), 1, 1 << 24,
     NOT_GIVEN},
    {"n", BOTH, WHOLE, AT(n), 1, SERVE_N_MAX, 1},
    {"best_of", 1 << SERVE_COMPLETION, WHOLE, AT(best_of), 1, SERVE_N_MAX, NOT_GIVEN},
    {"logprobs", 1 << SERVE_COMPLETION, WHOLE, AT(logprobs), 0, 5, NOT_GIVEN},
    {"logprobs", 1 << SERVE_CHAT, YES_NO, AT(wants_logprobs), 0, 1, 0},
    {"top_logprobs", 1 << SERVE_CHAT, WHOLE, AT(top_logprobs), 0, SERVE_TOP_MAX, NOT_GIVEN},
    {"seed", BOTH, WHOLE, AT(seed), -0x1p53, 0x1p53, 0},
    {"echo", 1 << SERVE_COMPLETION, YES_NO, AT(echo), 0, 1, 0},
    {"stream", BOTH, YES_NO, AT(stream), 0, 1, 0},
    {"ignore_eos", BOTH, YES_NO, AT(ignore_eos), 0, 1, 0},
    {"return_token_ids", BOTH, YES_NO, AT(return_token_ids), 0, 1, 0}};

// What is part of the protocol, changes the answer, and is not done here.
static const char *const REFUSED[] = {"logit_bias", "suffix", "functions", "audio"};

// A member that is there and not null, else NULL.
static const Json *given(const Json *object, const char *key)
{
    const Json *m = json_member(object, key);

    return m == NULL || m->kind == JSON_NULL ? NULL : m;
}

static Err not_as_wanted(const Field *f, const Json *m, ServeFault *fault)
{
    char found[JSON_WORDS];

    fault->param = f->key;
    json_show(m, found, sizeof found);
    if (f->type == YES_NO)
        FAIL(ERR_DATA, "%s: expected true or false, found %s", f->key, found);
    FAIL(ERR_DATA, "%s: expected a %snumber from %.15g to %.15g, found %s", f->key,
         f->type == WHOLE ? "whole " : "", f->min, f->max, found);
}

static Err read_field(const Field *f, const Json *body, Asked *out, ServeFault *fault)
{
    const Json *m = given(body, f->key);
    void       *to = (char *)out + f->offset;
    double      value = m == NULL ? f->standard : m->kind == JSON_TRUE ? 1 : m->number;
    int is_fine = m == NULL || (f->type == YES_NO ? m->kind == JSON_TRUE || m->kind == JSON_FALSE
                                                  : m->kind == JSON_NUMBER);

    if (m != NULL && f->type != YES_NO)
        is_fine = is_fine && f->min <= value && value <= f->max &&
                  (f->type == NUMBER || value == (double)(int64_t)value);
    if (!is_fine)
        return not_as_wanted(f, m, fault);
    if (f->type == NUMBER)
        *(double *)to = value;
    else if (f->type == WHOLE)
        *(int64_t *)to = (int64_t)value;
    else
        *(int *)to = value != 0;
    return OK;
}

static Err refuse_others(const Json *body, ServeKind kind, ServeFault *fault)
{
    const Json *format = given(body, "response_format");

    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        const Json *m = given(body, REFUSED[i]);

        fault->param = REFUSED[i];
        if (m != NULL && (m->length > 0 || m->kind == JSON_NUMBER))
            FAIL(ERR_DATA, "%s is not supported by this server; leave it out", REFUSED[i]);
    }
    fault->param = "tools";
    if (kind == SERVE_COMPLETION && given(body, "tools") != NULL)
        FAIL(ERR_DATA, "tools are shown to a model in a conversation: /v1/chat/completions");
    fault->param = "response_format";
    if (format != NULL &&
        (given(format, "type") == NULL || given(format, "type")->kind != JSON_TEXT ||
         strcmp(given(format, "type")->text, "text") != 0))
        FAIL(ERR_DATA, "response_format: only {\"type\": \"text\"} is supported by this server");
    fault->param = NULL;
    return OK;
}

static Err check_model(const Serve *s, const Json *body, ServeFault *fault)
{
    const Json *m = given(body, "model");
    char        found[JSON_WORDS];

    fault->param = "model";
    if (m != NULL && m->kind != JSON_TEXT)
        FAIL(ERR_DATA, "model: expected a text, found %s", json_show(m, found, sizeof found));
    if (m != NULL && strcmp(m->text, s->name) != 0) {
        fault->status = 404;
        fault->code = "model_not_found";
        FAIL(ERR_DATA,
             "the model here is \"%s\"; found \"%.60s\": leave the member out, or start the "
             "server with that --name",
             s->name, m->text);
    }
    fault->param = NULL;
    return OK;
}

static Err read_stop(const Serve *s, const Json *body, ServeJob *job, ServeFault *fault)
{
    const Json *m = given(body, "stop"), *one;
    char        found[JSON_WORDS];

    if (m == NULL)
        return OK;
    fault->param = "stop";
    if (m->kind != JSON_TEXT && m->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "stop: expected a text or a list of texts, found %s",
             json_show(m, found, sizeof found));
    if (m->kind == JSON_ARRAY && m->length > DECODE_STOPS_MAX)
        FAIL(ERR_DATA, "stop: expected at most %d texts, found %" PRId64, DECODE_STOPS_MAX,
             m->length);
    for (one = m->kind == JSON_TEXT ? m : m->child; one != NULL;
         one = m->kind == JSON_TEXT ? NULL : one->next) {
        if (one->kind != JSON_TEXT || one->length == 0)
            FAIL(ERR_DATA, "stop: expected texts that are not empty, found %s",
                 json_show(one, found, sizeof found));
        job->ask.stop[job->ask.stops++] = one->text;
    }
    if (job->ask.stops > 0 && s->vocab == NULL)
        FAIL(ERR_DATA, "stop: this model has no tokenizer that is read here, so there is no text "
                       "to look for");
    fault->param = NULL;
    return OK;
}

static Err read_stream_options(const Json *body, ServeJob *job, ServeFault *fault)
{
    const Json *options = given(body, "stream_options"), *m;

    if (options == NULL)
        return OK;
    fault->param = "stream_options";
    if (options->kind != JSON_OBJECT || !job->stream)
        FAIL(ERR_DATA, "stream_options: expected an object, beside \"stream\": true");
    m = given(options, "include_usage");
    if (m != NULL && m->kind != JSON_TRUE && m->kind != JSON_FALSE)
        FAIL(ERR_DATA, "stream_options.include_usage: expected true or false, found %s",
             json_kind_name(m->kind));
    job->tells_usage = m != NULL && m->kind == JSON_TRUE;
    fault->param = NULL;
    return OK;
}

static Err check_asked(const Asked *a, ServeFault *fault)
{
    fault->param = "best_of";
    if (a->best_of != NOT_GIVEN && a->best_of != a->n)
        FAIL(ERR_DATA, "best_of: only best_of = n is supported by this server");
    fault->param = "top_logprobs";
    if (a->top_logprobs > 0 && !a->wants_logprobs)
        FAIL(ERR_DATA, "top_logprobs: needs \"logprobs\": true");
    fault->param = NULL;
    return OK;
}

static void fill_job(const Serve *s, const Asked *a, ServeJob *job)
{
    int64_t most = a->max_completion_tokens > 0 ? a->max_completion_tokens : a->max_tokens;

    job->n = a->n;
    job->echo = a->echo;
    job->stream = a->stream;
    job->tells_logp = a->logprobs != NOT_GIVEN || a->wants_logprobs;
    job->tells_ids = a->return_token_ids || s->vocab == NULL;
    job->ask = (DecodeRequest){.max_tokens = most,
                               .ignores_eos = a->ignore_eos,
                               .seed = (uint64_t)a->seed,
                               .spec = {.temperature = a->temperature,
                                        .top_k = a->top_k > 0 ? a->top_k : 0,
                                        .top_p = a->top_p,
                                        .min_p = a->min_p,
                                        .repetition_penalty = a->repetition,
                                        .presence_penalty = a->presence,
                                        .frequency_penalty = a->frequency}};
    if (a->logprobs > 0)
        job->ask.top = (int)a->logprobs;
    if (a->top_logprobs > 0)
        job->ask.top = (int)a->top_logprobs;
}

Err serve_read(Serve *s, const Json *body, ServeKind kind, ServeJob *job, ServeFault *fault)
{
    Asked asked = {.logprobs = NOT_GIVEN,
                   .top_logprobs = NOT_GIVEN,
                   .best_of = NOT_GIVEN,
                   .max_completion_tokens = NOT_GIVEN};

    *job = (ServeJob){.kind = kind};
    if (body->kind != JSON_OBJECT)
        FAIL(ERR_DATA, "expected a JSON object as the body of the request, found %s",
             json_kind_name(body->kind));
    TRY(check_model(s, body, fault));
    TRY(refuse_others(body, kind, fault));
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        if (FIELDS[i].kinds & 1 << kind)
            TRY(read_field(&FIELDS[i], body, &asked, fault));
    TRY(check_asked(&asked, fault));
    fill_job(s, &asked, job);
    job->has_seed = given(body, "seed") != NULL;
    TRY(read_stop(s, body, job, fault));
    TRY(read_stream_options(body, job, fault));
    return kind == SERVE_CHAT ? serve_read_messages(s, body, job, fault)
                              : serve_read_prompts(s, body, job, fault);
}
