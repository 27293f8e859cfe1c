// generate: the model writes a text.
#include "datagen/step.h"

#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 1 << 20, SAMPLES_MAX = 1024, RECORDS_MAX = 1 << 16 };

typedef struct Generate {
    const char *prompt, *text, *into;
    const Json *max_tokens_json, *stop_json;
    SampleSpec  spec;
    int64_t     samples;

    // From these, by read_generate.
    Template template;
    const char *ended; // the verdict
    Template    limit; // of tokens
    int64_t     max_tokens;
    int         stops;
    const char *stop[DECODE_STOPS_MAX];
} Generate;

static const ConfigField fields[] = {
    {"prompt", CONFIG_TEXT, offsetof(Generate, prompt), "", 0, 0, NULL, NULL,
     "File with the prompt, relative to the recipe; one newline at its end does not count."},
    {"text", CONFIG_TEXT, offsetof(Generate, text), "", 0, 0, NULL, NULL,
     "The prompt itself, instead of a file."},
    {"into", CONFIG_TEXT, offsetof(Generate, into), NULL, 0, 0, NULL, NULL,
     "Field for the text; the verdict <into>.ended says whether it came to an end."},
    {"temperature", CONFIG_FLOAT, offsetof(Generate, spec.temperature), "1", 0, 100, NULL, NULL,
     "0: always the most likely token."},
    {"top_k", CONFIG_INT, offsetof(Generate, spec.top_k), "0", 0, 1 << 24, NULL, NULL,
     "Only the k most likely tokens; 0: all."},
    {"top_p", CONFIG_FLOAT, offsetof(Generate, spec.top_p), "1", 1e-6, 1, NULL, NULL,
     "Only the most likely tokens that together have this probability."},
    {"min_p", CONFIG_FLOAT, offsetof(Generate, spec.min_p), "0", 0, 1, NULL, NULL,
     "Only tokens with at least this share of the largest probability."},
    {"repetition_penalty", CONFIG_FLOAT, offsetof(Generate, spec.repetition_penalty), "1", 0.01,
     100, NULL, NULL, "Above 1: tokens that were used already become less likely."},
    {"max_tokens", CONFIG_JSON, offsetof(Generate, max_tokens_json), NULL, 0, 0, NULL, NULL,
     "At most this many new tokens: a number, or \"{field}\" of the record."},
    {"stop", CONFIG_JSON, offsetof(Generate, stop_json), "", 0, 0, NULL, NULL,
     "Texts that end it, a list; they are not part of the text."},
    {"samples", CONFIG_INT, offsetof(Generate, samples), "1", 1, SAMPLES_MAX, NULL, NULL,
     "The record becomes this many, each with a text of its own."},
    {0}};

static Err read_prompt(StepReader *reader, const Json *json, Generate *g)
{
    if ((*g->prompt == 0) == (*g->text == 0))
        FAIL(ERR_CONFIG, "%s: generate needs \"prompt\" (a file) or \"text\", one of the two",
             STEP_WHERE(json));
    if (*g->prompt != 0)
        return step_template_file(reader, json_member(json, "prompt"), g->prompt, &g->template);
    return step_template(reader, json_member(json, "text"), "text", g->text, &g->template);
}

// A number, or one slot that the source or an earlier step fills with a number.
static Err read_limit(StepReader *reader, Generate *g)
{
    const Json *json = g->max_tokens_json;

    g->max_tokens = source_max_tokens(reader->source);
    if (json->kind == JSON_NUMBER && json->number >= 1 && json->number <= TOKENS_MAX &&
        json->number == floor(json->number)) {
        g->max_tokens = (int64_t)json->number;
        return OK;
    }
    if (json->kind != JSON_TEXT)
        FAIL(ERR_CONFIG,
             "%s: max_tokens has to be a whole number from 1 to %d or \"{field}\", found %s",
             STEP_WHERE(json), TOKENS_MAX, json_show(json, (char[JSON_WORDS]){0}, JSON_WORDS));
    TRY(step_template(reader, json, "max_tokens", json->text, &g->limit));
    if (g->limit.pieces != 1 || g->limit.piece[0].kind != TEMPLATE_SLOT)
        FAIL(ERR_CONFIG, "%s: max_tokens has to be a number or \"{field}\", found \"%.60s\"",
             STEP_WHERE(json), json->text);
    return OK;
}

static Err read_stops(Generate *g)
{
    const Json *list = g->stop_json;

    if (list == NULL)
        return OK;
    if (list->kind != JSON_ARRAY || list->length > DECODE_STOPS_MAX)
        FAIL(ERR_CONFIG, "%s: stop has to be a list of at most %d texts", STEP_WHERE(list),
             DECODE_STOPS_MAX);
    for (const Json *m = list->child; m != NULL; m = m->next) {
        if (m->kind != JSON_TEXT || m->length == 0)
            FAIL(ERR_CONFIG,
                 "%s: a stop text has to be a text that is not empty; the end token "
                 "always ends",
                 STEP_WHERE(m));
        g->stop[g->stops++] = m->text;
    }
    return OK;
}

static Err read_generate(StepReader *reader, const Json *json, Op *op)
{
    Generate *g = op->settings;
    Recipe   *r = reader->recipe;
    char      ended[RECORD_NAME_MAX + 8];

    TRY(read_prompt(reader, json, g));
    TRY(read_limit(reader, g));
    TRY(read_stops(g));
    if (g->samples > 1 && g->spec.temperature <= 0)
        FAIL(ERR_CONFIG, "%s: %" PRId64 " samples at temperature 0 would all be the same",
             STEP_WHERE(json), g->samples);
    if (r->samples * g->samples > RECORDS_MAX)
        FAIL(ERR_CONFIG, "%s: a request would become more than %d records", STEP_WHERE(json),
             RECORDS_MAX);
    TRY(step_gives_field(reader, json, g->into));
    snprintf(ended, sizeof ended, "%s.ended", g->into);
    g->ended = record_name(ended);
    TRY(step_gives_verdict(reader, json, g->ended));
    TRY(step_gives_reason(reader, json, "no token"));
    TRY(step_gives_reason(reader, json, "special token in text"));
    TRY(step_gives_reason(reader, json, "not UTF-8"));
    TRY(step_gives_reason(reader, json, "prompt too long"));
    TRY(step_gives_reason(reader, json, "malformed"));
    op->samples = g->samples;
    op->stride = r->samples;
    r->samples *= g->samples;
    if (r->max_tokens < g->max_tokens)
        r->max_tokens = g->max_tokens;
    return OK;
}

static StepAnswer run_generate(const StepRun *run, const void *settings, Record *r)
{
    (void)run, (void)settings, (void)r;
    return STEP_SUBMIT;
}

// The limit of this record, 0 if its field is not a number from 1 on.  Never above the bound that
// memory was made for.
static int64_t limit_of(const Generate *g, const Record *r)
{
    const char *text;
    char       *end;
    long long   number;

    if (g->limit.pieces == 0)
        return g->max_tokens;
    text = record_field(r, g->limit.piece[0].text)->text;
    number = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != 0)
        return 0;
    return number < g->max_tokens ? (int64_t)number : g->max_tokens;
}

// A record of request r, sample s draws with the same numbers wherever and whenever it is made.
static uint64_t stream_of(const StepRun *run, const Record *r)
{
    return rng_stream("generate", (uint64_t)run->iteration << 40 | r->request, r->sample,
                      (uint64_t)run->number);
}

static void submit_generate(const StepRun *run, const void *settings, Record *r, DecodeRequest *out)
{
    const Generate *g = settings;
    TemplateSpan   *spans = step_expand(&g->template, r);
    const char     *why = NULL;

    *out = (DecodeRequest){.spec = g->spec,
                           .max_tokens = limit_of(g, r),
                           .stops = g->stops,
                           .seed = run->seed,
                           .stream = stream_of(run, r)};
    out->prompt = step_encode(run->vocab, r, spans, g->template.pieces, &out->prompt_length, &why);
    if (why == NULL && (out->max_tokens == 0 || out->prompt_length == 0))
        why = "malformed";
    if (why != NULL)
        record_reject(r, why);
    memcpy(out->stop, g->stop, sizeof g->stop);
}

static void result_generate(const StepRun *run, const void *settings, Record *r,
                            const DecodeResult *in)
{
    const Generate *g = settings;

    record_set(r, g->into, in->text, in->bytes);
    record_judge(r, g->ended, in->end == DECODE_EOS || in->end == DECODE_STOP);
    r->policy = run->policy;
    r->rng[0] = run->seed;
    r->rng[1] = stream_of(run, r);
    r->tokens = in->length;
    r->token = arena_new(r->arena, int32_t, in->length);
    r->logp = arena_new(r->arena, float, in->length);
    if (in->length > 0) {
        memcpy(r->token, in->ids, (size_t)in->length * sizeof *r->token);
        memcpy(r->logp, in->logp, (size_t)in->length * sizeof *r->logp);
    }
}

const StepKind step_generate = {.name = "generate",
                                .about = "The model continues a prompt.",
                                .fields = fields,
                                .bytes = sizeof(Generate),
                                .read = read_generate,
                                .run = run_generate,
                                .submit = submit_generate,
                                .result = result_generate};
