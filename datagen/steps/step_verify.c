// verify: judges a text by a program.  A verdict is not a rejection: see keep.
#include "datagen/step.h"

#include <stdlib.h>
#include <string.h>

enum { BY_ANSWER, BY_EQUAL, BY_STEPS, BY_SOURCE };

typedef struct Verify {
    int         by;
    const char *in, *gold, *after, *into;

    Template    wanted; // the gold as a template
    const char *ended;  // as in parse
} Verify;

static const ConfigField fields[] = {
    {"by", CONFIG_ENUM, offsetof(Verify, by), NULL, 0, 0, "answer|equal|steps|source", NULL,
     "The answer at the end of the text, the whole text, the arithmetic of every scratch step, or "
     "all "
     "that the source knows of such texts."},
    {"in", CONFIG_TEXT, offsetof(Verify, in), NULL, 0, 0, NULL, NULL, "Field that is judged."},
    {"gold", CONFIG_TEXT, offsetof(Verify, gold), "", 0, 0, NULL, NULL,
     "What is right: a field, or a text with {field} in it; for answer and equal."},
    {"after", CONFIG_TEXT, offsetof(Verify, after), "", 0, 0, NULL, NULL,
     "The answer is what follows the last of these; empty: the whole text."},
    {"into", CONFIG_TEXT, offsetof(Verify, into), "right", 0, 0, NULL, NULL,
     "Name of the verdict."},
    {0}};

// The source judges by the problem that the record holds.
static Err read_source(StepReader *reader, const Json *json)
{
    int                count;
    const char *const *names = source_fields(reader->source, &count);

    if (!source_can_verify(reader->source))
        FAIL(ERR_CONFIG, "%s: the source has no way to judge a whole text", STEP_WHERE(json));
    for (int i = 0; i < count; i++)
        TRY(step_wants_field(reader, json, names[i]));
    return OK;
}

static Err read_gold(StepReader *reader, const Json *json, Verify *v)
{
    const Json *gold = json_member(json, "gold");

    if (v->by == BY_STEPS || v->by == BY_SOURCE) {
        if (*v->gold != 0 || *v->after != 0)
            FAIL(ERR_CONFIG, "%s: verify by %s takes no \"gold\" and no \"after\"",
                 STEP_WHERE(json), v->by == BY_STEPS ? "steps" : "source");
        if (v->by == BY_SOURCE)
            return read_source(reader, json);
        TRY(step_wants_field(reader, json, "a"));
        return step_wants_field(reader, json, "b");
    }
    if (*v->gold == 0)
        FAIL(ERR_CONFIG, "%s: verify needs \"gold\": what is right", STEP_WHERE(json));
    if (v->by == BY_EQUAL && *v->after != 0)
        FAIL(ERR_CONFIG, "%s: \"after\" is for verify by answer", STEP_WHERE(json));
    if (strchr(v->gold, '{') != NULL)
        return step_template(reader, gold, "gold", v->gold, &v->wanted);
    TRY(step_wants_field(reader, gold, v->gold));
    return step_template(reader, gold, "gold", arena_format(reader->arena, "{%s}", v->gold),
                         &v->wanted);
}

static Err read_verify(StepReader *reader, const Json *json, Op *op)
{
    Verify *v = op->settings;

    TRY(step_wants_field(reader, json_member(json, "in"), v->in));
    TRY(read_gold(reader, json, v));
    v->ended = step_ended(reader, v->in);
    TRY(step_gives_verdict(reader, json, v->into));
    TRY(step_gives_reason(reader, json, "unfinished"));
    TRY(step_gives_reason(reader, json, "wrong"));
    return v->by == BY_STEPS || v->by == BY_SOURCE ? step_gives_reason(reader, json, "wrong step")
                                                   : OK;
}

// What follows the last `after` in the text; NULL if there is none.
static const char *answer_in(const RecordField *f, const char *after, int64_t *length)
{
    int64_t n = (int64_t)strlen(after);

    for (int64_t at = f->length - n; at >= 0; at--)
        if (memcmp(f->text + at, after, (size_t)n) == 0) {
            *length = n > 0 ? f->length - at - n : f->length;
            return n > 0 ? f->text + at + n : f->text;
        }
    return NULL;
}

static int is_equal(const Verify *v, Record *r, const char *text, int64_t length)
{
    TemplateSpan *spans = step_expand(&v->wanted, r);
    int64_t       at = 0;

    for (int i = 0; i < v->wanted.pieces; i++) {
        int64_t n = spans[i].length;

        if (n > length - at || memcmp(text + at, spans[i].text, (size_t)n) != 0)
            return 0;
        at += n;
    }
    return at == length;
}

// The digit of a number at a place counted from its end; 0 before its start; -1 if it is none.
static int digit_at(const RecordField *f, int64_t place)
{
    int digit;

    if (place >= f->length)
        return 0;
    digit = f->text[f->length - 1 - place] - '0';
    return 0 <= digit && digit <= 9 ? digit : -1;
}

// Whether the text is "xycss,xycss,...;sum": x and y the digits of a and b from the lowest, c the
// carry, ss their sum; and the sum what the steps say.  "" or what is wrong.
static const char *steps_fault(const Record *r, const RecordField *f)
{
    const RecordField *a = record_field(r, "a"), *b = record_field(r, "b");
    int64_t            steps = a->length > b->length ? a->length : b->length;
    const char        *p = f->text, *sum = p + 6 * steps;
    int                carry = 0;

    if (f->length <= 6 * steps) // five digits and one sign each, then the sum
        return "wrong step";
    for (int64_t i = 0; i < steps; i++, p += 6) {
        int64_t places = f->length - 6 * steps;
        int     s = digit_at(a, i) + digit_at(b, i) + carry;

        if (digit_at(a, i) < 0 || digit_at(b, i) < 0 || p[0] != '0' + digit_at(a, i) ||
            p[1] != '0' + digit_at(b, i) || p[2] != '0' + carry || p[3] != '0' + s / 10 ||
            p[4] != '0' + s % 10 || p[5] != (i + 1 < steps ? ',' : ';'))
            return "wrong step";
        carry = s / 10;
        if (places != steps + carry && i + 1 == steps)
            return "wrong";
        if (i < places && sum[places - 1 - i] != '0' + s % 10)
            return "wrong";
    }
    return carry == 0 || sum[0] == '1' ? "" : "wrong";
}

// What is wrong, "" for nothing; NULL: the source has to say.
static const char *fault(const Verify *v, Record *r)
{
    const RecordField *f = record_field(r, v->in);
    const char        *text = f->text;
    int64_t            length = f->length;

    if (v->ended != NULL && record_verdict(r, v->ended) == 0)
        return "unfinished";
    if (v->by == BY_SOURCE) // which takes no text with a zero byte
        return (int64_t)strlen(text) == length ? NULL : "wrong step";
    if (v->by == BY_STEPS)
        return steps_fault(r, f);
    if (v->by == BY_ANSWER)
        text = answer_in(f, v->after, &length);
    return text != NULL && is_equal(v, r, text, length) ? "" : "wrong";
}

static StepAnswer run_verify(const StepRun *run, const void *settings, Record *r)
{
    const Verify *v = settings;
    const char   *why = fault(v, r);

    if (why == NULL)
        source_verify(run->source, record_field(r, v->in)->text, r, v->into);
    else
        record_judge_why(r, v->into, why);
    return STEP_NEXT;
}

const StepKind step_verify = {.name = "verify",
                              .about =
                                  "Judges a text by a program; a text that was cut is not right.",
                              .fields = fields,
                              .bytes = sizeof(Verify),
                              .read = read_verify,
                              .run = run_verify};
