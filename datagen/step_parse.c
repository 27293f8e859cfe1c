// parse: reads fields out of a text that a model wrote.
#include "datagen/step.h"

#include <inttypes.h>
#include <regex.h>
#include <string.h>

// A text longer than this is not matched: the time of a match may grow faster than the text.
enum { GROUPS_MAX = 9, MATCH_BYTES_MAX = 1 << 16 };

enum { BY_PATTERN, BY_PROBLEM };

typedef struct Parse {
    int         by;
    const char *in, *pattern;
    const Json *into_json;

    int         groups;
    const char *into[GROUPS_MAX];
    const char *ended; // the verdict that a generated text came to an end; NULL: was not generated
} Parse;

static const ConfigField fields[] = {
    {"by", CONFIG_ENUM, offsetof(Parse, by), NULL, 0, 0, "pattern|problem", NULL,
     "A pattern with groups, or the form that problems of the source have."},
    {"in", CONFIG_TEXT, offsetof(Parse, in), NULL, 0, 0, NULL, NULL, "Field that is read."},
    {"pattern", CONFIG_TEXT, offsetof(Parse, pattern), "", 0, 0, NULL, NULL,
     "POSIX extended regular expression; (groups) become fields."},
    {"into", CONFIG_JSON, offsetof(Parse, into_json), "", 0, 0, NULL, NULL,
     "Names of the fields for the groups, a list."},
    {0}};

static Err compile(const Json *json, const char *pattern, regex_t *regex)
{
    char says[160];
    int  code = regcomp(regex, pattern, REG_EXTENDED);

    if (code == 0)
        return OK;
    regerror(code, regex, says, sizeof says);
    FAIL(ERR_CONFIG, "%s: the pattern cannot be read: %s", STEP_WHERE(json), says);
}

static Err count_groups(const Json *json, const char *pattern, int *groups)
{
    regex_t regex;

    TRY(compile(json, pattern, &regex));
    *groups = (int)regex.re_nsub;
    regfree(&regex);
    return OK;
}

static Err read_pattern(StepReader *reader, const Json *json, Parse *p)
{
    const Json *list = p->into_json;
    int         groups = 0;

    if (*p->pattern == 0 || list == NULL || list->kind != JSON_ARRAY)
        FAIL(ERR_CONFIG, "%s: parse by pattern needs \"pattern\" and \"into\", a list of names",
             STEP_WHERE(json));
    TRY(count_groups(json_member(json, "pattern"), p->pattern, &groups));
    if (groups != list->length || groups > GROUPS_MAX)
        FAIL(ERR_CONFIG,
             "%s: the pattern has %d groups, \"into\" has %" PRId64 " names (at most %d)",
             STEP_WHERE(list), groups, list->length, GROUPS_MAX);
    for (const Json *m = list->child; m != NULL; m = m->next) {
        if (m->kind != JSON_TEXT)
            FAIL(ERR_CONFIG, "%s: the name of a field is expected, found %s", STEP_WHERE(m),
                 json_kind_name(m->kind));
        TRY(step_gives_field(reader, m, m->text));
        p->into[p->groups++] = record_name(m->text);
    }
    return OK;
}

static Err read_problem(StepReader *reader, const Json *json, Parse *p)
{
    int                count;
    const char *const *names = source_fields(reader->source, &count);

    if (*p->pattern != 0 || p->into_json != NULL)
        FAIL(ERR_CONFIG,
             "%s: parse by problem takes no \"pattern\" and no \"into\": the fields are "
             "those of the source",
             STEP_WHERE(json));
    for (int i = 0; i < count; i++)
        TRY(step_gives_field(reader, json, names[i]));
    names = source_verdicts(reader->source, &count);
    for (int i = 0; i < count; i++)
        TRY(step_gives_verdict(reader, json, names[i]));
    return step_gives_reason(reader, json, "held-out");
}

static Err read_parse(StepReader *reader, const Json *json, Op *op)
{
    Parse *p = op->settings;

    TRY(step_wants_field(reader, json_member(json, "in"), p->in));
    p->ended = step_ended(reader, p->in);
    TRY(step_gives_reason(reader, json, "malformed"));
    TRY(step_gives_reason(reader, json, "unfinished"));
    return p->by == BY_PATTERN ? read_pattern(reader, json, p) : read_problem(reader, json, p);
}

static void run_pattern(const Parse *p, const char *text, Record *r)
{
    regex_t    regex;
    regmatch_t match[GROUPS_MAX + 1];
    int        found, code;

    // Compiled for each record, so that nothing outside the arenas outlives the step.
    code = regcomp(&regex, p->pattern, REG_EXTENDED);
    CHECK(code == 0, "pattern %s", p->pattern);
    found = regexec(&regex, text, GROUPS_MAX + 1, match, 0) == 0;
    regfree(&regex);
    if (!found)
        record_reject(r, "malformed");
    for (int i = 0; i < p->groups && found; i++) {
        regmatch_t m = match[i + 1];

        record_set(r, p->into[i], m.rm_so < 0 ? "" : text + m.rm_so,
                   m.rm_so < 0 ? 0 : m.rm_eo - m.rm_so);
    }
}

static StepAnswer run_parse(const StepRun *run, const void *settings, Record *r)
{
    const Parse       *p = settings;
    const RecordField *in = record_field(r, p->in);

    if (p->ended != NULL && record_verdict(r, p->ended) == 0)
        record_reject(r, "unfinished");
    else if (in->length > MATCH_BYTES_MAX || (int64_t)strlen(in->text) != in->length)
        record_reject(r, "malformed");
    else if (p->by == BY_PATTERN)
        run_pattern(p, in->text, r);
    else if (!source_parse(run->source, in->text, r))
        record_reject(r, "malformed");
    else if (source_is_held_out(run->source, r))
        record_reject(r, "held-out");
    return STEP_NEXT;
}

const StepKind step_parse = {.name = "parse",
                             .about = "Reads fields out of a text; rejects what has another form.",
                             .fields = fields,
                             .bytes = sizeof(Parse),
                             .read = read_parse,
                             .run = run_parse};
