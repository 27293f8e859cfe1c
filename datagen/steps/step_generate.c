// generate: the model writes a text.
#include "datagen/step.h"

#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 1 << 20, SAMPLES_MAX = 1024 };

typedef struct Generate {
    const char *prompt, *text, *into, *system;
    const Json *max_tokens_json, *stop_json;
    SampleSpec  spec;
    int64_t     samples;
    int         ignores_eos, is_chat;

    // From these, by read_generate.
    Template template, system_template; // pieces 0: none
    const char *ended;                  // the verdict
    Template    limit;                  // of tokens
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
    {"as", CONFIG_ENUM, offsetof(Generate, is_chat), "text", 0, 0, "text|chat", NULL,
     "text: the model goes on with the prompt; chat: the prompt is what a user says, written by "
     "the "
     "chat template."},
    {"system", CONFIG_TEXT, offsetof(Generate, system), "", 0, 0, NULL, NULL,
     "Template of a system message before the prompt, for chat."},
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
    {"presence_penalty", CONFIG_FLOAT, offsetof(Generate, spec.presence_penalty), "0", -2, 2, NULL,
     NULL, "Taken once from the logit of every token that was written already."},
    {"frequency_penalty", CONFIG_FLOAT, offsetof(Generate, spec.frequency_penalty), "0", -2, 2,
     NULL, NULL, "Taken from the logit of a token for every time that it was written already."},
    {"ignore_eos", CONFIG_YESNO, offsetof(Generate, ignores_eos), "false", 0, 0, NULL, NULL,
     "The end token does not end it (as a bias of -100 against it)."},
    {"max_tokens", CONFIG_JSON, offsetof(Generate, max_tokens_json), NULL, 0, 0, NULL, NULL,
     "At most this many new tokens: a number, or \"{field}\" of the record."},
    {"stop", CONFIG_JSON, offsetof(Generate, stop_json), "", 0, 0, NULL, NULL,
     "Texts that end it, a list; they are not part of the text."},
    {"samples", CONFIG_INT, offsetof(Generate, samples), "1", 1, SAMPLES_MAX, NULL, NULL,
     "The record becomes this many, each with a text of its own."},
    {0}};

static Err check_no_special(const char *where, const Template *t)
{
    for (int i = 0; i < t->pieces; i++)
        if (t->piece[i].kind == TEMPLATE_SPECIAL)
            FAIL(ERR_CONFIG, "%s: {%s} has no place in a message; the chat template writes it",
                 where, t->piece[i].text);
    return OK;
}

// Texts that a chat template ends a turn with come on top.
static Err read_chat(StepReader *reader, const Json *json, Generate *g)
{
    if (!g->is_chat && *g->system != 0)
        FAIL(ERR_CONFIG, "%s: \"system\" goes with \"as\": \"chat\"", STEP_WHERE(json));
    if (!g->is_chat)
        return OK;
    if (g->stops > DECODE_STOPS_MAX - CHATFORM_ENDS_MAX)
        FAIL(ERR_CONFIG, "%s: stop can have at most %d texts with \"as\": \"chat\"",
             STEP_WHERE(g->stop_json), DECODE_STOPS_MAX - CHATFORM_ENDS_MAX);
    if (*g->system != 0)
        TRY(step_template(reader, json_member(json, "system"), "system", g->system,
                          &g->system_template));
    TRY(check_no_special(g->template.name, &g->template));
    TRY(check_no_special(g->system_template.name, &g->system_template));
    reader->recipe->asks_chat = 1;
    return step_gives_reason(reader, json, "template");
}

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
    Generate          *g = op->settings;
    Recipe            *r = reader->recipe;
    char               ended[RECORD_NAME_MAX + 8];
    const char *const *reasons;
    int                count;

    TRY(read_prompt(reader, json, g));
    TRY(read_limit(reader, g));
    TRY(read_stops(g));
    TRY(read_chat(reader, json, g));
    if (g->samples > 1 && g->spec.temperature <= 0)
        FAIL(ERR_CONFIG, "%s: %" PRId64 " samples at temperature 0 would all be the same",
             STEP_WHERE(json), g->samples);
    TRY(step_splits(reader, json, op, g->samples));
    TRY(step_gives_field(reader, json, g->into));
    snprintf(ended, sizeof ended, "%s.ended", g->into);
    g->ended = record_name(ended);
    TRY(step_gives_verdict(reader, json, g->ended));
    reasons = teacher_reasons(&count);
    for (int i = 0; i < count; i++)
        TRY(step_gives_reason(reader, json, reasons[i]));
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

// What the system says, as one text.
static void add_system(const StepRun *run, const Generate *g, Record *r, TeacherRequest *out)
{
    const Template *t = &g->system_template;
    TemplateSpan   *spans;
    Text            text = text_make(r->arena);

    out->is_chat = 1;
    out->work = run->work;
    if (t->pieces == 0)
        return;
    spans = step_expand(t, r);
    for (int i = 0; i < t->pieces; i++)
        text_add(&text, spans[i].text, spans[i].length);
    out->system = text.length > 0 ? text.data : "";
    out->system_length = text.length;
}

static void submit_generate(const StepRun *run, const void *settings, Record *r,
                            TeacherRequest *out)
{
    const Generate *g = settings;

    *out = (TeacherRequest){.spans = step_expand(&g->template, r),
                            .span_count = g->template.pieces,
                            .record = r,
                            .spec = g->spec,
                            .max_tokens = limit_of(g, r),
                            .ignores_eos = g->ignores_eos,
                            .stops = g->stops,
                            .seed = run->seed,
                            .stream = stream_of(run, r)};
    if (g->is_chat)
        add_system(run, g, r, out);
    if (out->max_tokens == 0)
        record_reject(r, "malformed");
    memcpy(out->stop, g->stop, sizeof g->stop);
}

static void keep_tokens(Record *r, const TeacherResult *in)
{
    r->tokens = in->ids == NULL ? 0 : in->length;
    if (r->tokens == 0)
        return;
    r->token = arena_new(r->arena, int32_t, in->length);
    r->logp = arena_new(r->arena, float, in->length);
    memcpy(r->token, in->ids, (size_t)in->length * sizeof *r->token);
    memcpy(r->logp, in->logp, (size_t)in->length * sizeof *r->logp);
}

static void result_generate(const StepRun *run, const void *settings, Record *r,
                            const TeacherResult *in)
{
    const Generate *g = settings;

    if (in->end != TEACHER_FAILED &&
        in->bytes > g->max_tokens * STEP_TOKEN_BYTES + STEP_ANSWER_BYTES) {
        record_reject(r, "garbage reply");
        return;
    }
    if (in->end == TEACHER_FAILED) {
        record_reject(r, in->why);
        return;
    }
    record_set(r, g->into, in->text, in->bytes);
    record_judge(r, g->ended, in->end == TEACHER_DONE);
    r->policy = run->policy;
    r->rng[0] = run->seed;
    r->rng[1] = stream_of(run, r);
    keep_tokens(r, in);
}

const StepKind step_generate = {.name = "generate",
                                .about = "The model continues a prompt.",
                                .fields = fields,
                                .bytes = sizeof(Generate),
                                .read = read_generate,
                                .run = run_generate,
                                .submit = submit_generate,
                                .result = result_generate};
