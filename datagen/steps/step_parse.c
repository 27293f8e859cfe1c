// parse: reads fields out of a text that a model wrote; a text with several pieces becomes several
// records.
#include "datagen/step.h"
#include "datagen/steps/keys.h"
#include "datagen/steps/parse.h"

#include <inttypes.h>
#include <regex.h>
#include <string.h>

// A text longer than this is not matched: the time of a match may grow faster than the text.
enum { GROUPS_MAX = 9, MATCH_BYTES_MAX = 1 << 16, PIECES_MAX = 1024 };

typedef enum By {
    BY_PATTERN,
    BY_PROBLEM,
    BY_LIST,
    BY_SECTIONS,
    BY_EXAMPLES,
    BY_LABELS,
    BY_TRANSCRIPT,
    BY_YESNO,
    BY_EQUAL,
    BY_SCORE,
    BY_COUNT
} By;

enum { LENGTH_BY_KIND, LENGTH_DROP_ALL, LENGTH_DROP_LAST, LENGTH_KEEP };

typedef struct Parse {
    int         by, as, on_length;
    int64_t     most, first, min, max;
    const char *in, *pattern, *separator, *empty, *marker;
    const Json *into_json, *headings_json, *markers_json;

    ParseSpec   spec;
    int         into_count;
    const char *into[GROUPS_MAX];
    const char *ended; // the verdict that a generated text came to an end; NULL: was not generated
} Parse;

static const ConfigField fields[] = {
    {"by", CONFIG_ENUM, offsetof(Parse, by), NULL, 0, 0,
     "pattern|problem|list|sections|examples|labels|transcript|yesno|equal|score", NULL,
     "A pattern with groups; the form that problems of the source have; a numbered list; blocks of "
     "three headed sections; inputs and outputs; labels with inputs behind; a conversation; yes or "
     "anything else; equal or not; a number."},
    {"in", CONFIG_TEXT, offsetof(Parse, in), NULL, 0, 0, NULL, NULL, "Field that is read."},
    {"into", CONFIG_JSON, offsetof(Parse, into_json), "", 0, 0, NULL, NULL,
     "Names, a list: pattern: a field per group; list: [item]; sections: a field per heading; "
     "examples and labels: [input, output], the label is the output; transcript: [field], JSON "
     "with "
     "\"role\" and \"text\"; yesno and equal: [verdict]; score: [score]."},
    {"as", CONFIG_ENUM, offsetof(Parse, as), "intended", 0, 0, "intended|published", NULL,
     "published: as the program of the method does, with its defects; intended: markers count at "
     "the beginning of a line only, and any numbering that rises."},
    {"on_length", CONFIG_ENUM, offsetof(Parse, on_length), "by_kind", 0, 0,
     "by_kind|drop_all|drop_last|keep", NULL,
     "A text that was cut by its length: all of it is rejected, or its last piece, or nothing. "
     "by_kind: keep for yesno, equal and score, else drop_last."},
    {"most", CONFIG_INT, offsetof(Parse, most), "32", 1, PIECES_MAX, NULL, NULL,
     "Pieces that become records; those beyond are rejected together, as one."},
    {"pattern", CONFIG_TEXT, offsetof(Parse, pattern), "", 0, 0, NULL, NULL,
     "pattern: POSIX extended regular expression; (groups) become fields."},
    {"first", CONFIG_INT, offsetof(Parse, first), "0", 0, 1 << 20, NULL, NULL,
     "list and sections: number of the item that the prompt begins, as 4 behind \"4. "
     "Instruction:\"; 0: not known."},
    {"separator", CONFIG_TEXT, offsetof(Parse, separator), "###", 0, 0, NULL, NULL,
     "sections: between blocks."},
    {"headings", CONFIG_JSON, offsetof(Parse, headings_json), "", 0, 0, NULL, NULL,
     "sections: three; [\"Instruction\", \"Input\", \"Output\"] if absent."},
    {"empty", CONFIG_TEXT, offsetof(Parse, empty), "<noinput>", 0, 0, NULL, NULL,
     "sections: what stands for an empty second section, in any case."},
    {"marker", CONFIG_TEXT, offsetof(Parse, marker), "Class label:", 0, 0, NULL, NULL,
     "labels: what stands before a label."},
    {"markers", CONFIG_JSON, offsetof(Parse, markers_json), "", 0, 0, NULL, NULL,
     "transcript: what begins the lines of who asks and who answers; [\"[Human]\", \"[AI]\"] if "
     "absent."},
    {"min", CONFIG_INT, offsetof(Parse, min), "1", -1000000, 1000000, NULL, NULL,
     "score: numbers below are none."},
    {"max", CONFIG_INT, offsetof(Parse, max), "10", -1000000, 1000000, NULL, NULL,
     "score: numbers above are none."},
    {0}};

enum {
    SPLITTING = 1 << BY_LIST | 1 << BY_SECTIONS | 1 << BY_EXAMPLES | 1 << BY_LABELS,
    SCALARS = 1 << BY_YESNO | 1 << BY_EQUAL | 1 << BY_SCORE,
    NEW = SPLITTING | 1 << BY_TRANSCRIPT | SCALARS
};

static const Key keys[] = {{"as", NEW & ~(1 << BY_EQUAL | 1 << BY_SCORE), 0},
                           {"on_length", NEW, 0},
                           {"most", SPLITTING, 0},
                           {"pattern", 1 << BY_PATTERN, 1 << BY_PATTERN},
                           {"into", NEW | 1 << BY_PATTERN, NEW | 1 << BY_PATTERN},
                           {"first", 1 << BY_LIST | 1 << BY_SECTIONS, 0},
                           {"separator", 1 << BY_SECTIONS, 0},
                           {"headings", 1 << BY_SECTIONS, 0},
                           {"empty", 1 << BY_SECTIONS, 0},
                           {"marker", 1 << BY_LABELS, 0},
                           {"markers", 1 << BY_TRANSCRIPT, 0},
                           {"min", 1 << BY_SCORE, 0},
                           {"max", 1 << BY_SCORE, 0},
                           {0}};

static const char *const names[BY_COUNT] = {"pattern",  "problem", "list",       "sections",
                                            "examples", "labels",  "transcript", "yesno",
                                            "equal",    "score"};

static int is_one_of(const Parse *p, unsigned kinds)
{
    return kinds >> p->by & 1;
}

// ---- reading

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

static Err read_into(StepReader *reader, Parse *p, int count)
{
    const Json  *list = p->into_json;
    int          n;
    const char **texts;

    if (list->kind != JSON_ARRAY || list->length != count)
        FAIL(ERR_CONFIG,
             "%s: \"into\" has to be a list of %d name%s, one for each part that %s "
             "gives",
             STEP_WHERE(list), count, count == 1 ? "" : "s", names[p->by]);
    if (count > 0)
        TRY(keys_texts(reader->arena, list, GROUPS_MAX, &texts, &n));
    for (const Json *m = list->child; m != NULL; m = m->next) {
        if (p->by == BY_YESNO || p->by == BY_EQUAL)
            TRY(step_gives_verdict(reader, m, m->text));
        else if (p->by == BY_SCORE)
            TRY(step_gives_score(reader, m, m->text));
        else
            TRY(step_gives_field(reader, m, m->text));
        p->into[p->into_count++] = record_name(m->text);
    }
    return OK;
}

static Err read_pattern(StepReader *reader, const Json *json, Parse *p)
{
    int groups = 0;

    TRY(count_groups(json_member(json, "pattern"), p->pattern, &groups));
    if (groups > GROUPS_MAX || groups != p->into_json->length)
        FAIL(ERR_CONFIG,
             "%s: the pattern has %d groups, \"into\" has %" PRId64 " names (at most %d)",
             STEP_WHERE(p->into_json), groups, p->into_json->length, GROUPS_MAX);
    TRY(step_gives_reason(reader, json, "malformed"));
    TRY(step_gives_reason(reader, json, "unfinished"));
    return read_into(reader, p, groups);
}

static Err read_problem(StepReader *reader, const Json *json)
{
    int                count;
    const char *const *list = source_fields(reader->source, &count);

    if (!source_can_parse(reader->source))
        FAIL(ERR_CONFIG, "%s: problems of this source have no form that can be read",
             STEP_WHERE(json));
    for (int i = 0; i < count; i++)
        TRY(step_gives_field(reader, json, list[i]));
    list = source_verdicts(reader->source, &count);
    for (int i = 0; i < count; i++)
        TRY(step_gives_verdict(reader, json, list[i]));
    TRY(step_gives_reason(reader, json, "malformed"));
    TRY(step_gives_reason(reader, json, "unfinished"));
    return step_gives_reason(reader, json, "held-out");
}

static Err read_texts(StepReader *reader, const Json *list, int wanted, const char **out)
{
    const char **texts;
    int          count;

    if (list == NULL)
        return OK;
    TRY(keys_texts(reader->arena, list, wanted, &texts, &count));
    if (count != wanted)
        FAIL(ERR_CONFIG, "%s: a list of %d texts is expected", STEP_WHERE(list), wanted);
    memcpy(out, texts, (size_t)count * sizeof *out);
    return OK;
}

static Err read_spec(StepReader *reader, const Json *json, Parse *p)
{
    p->spec = (ParseSpec){.as = (ParseAs)p->as,
                          .separator = p->separator,
                          .heading = {"Instruction", "Input", "Output"},
                          .empty = p->empty,
                          .first = p->first,
                          .marker = p->marker,
                          .speaker = {"[Human]", "[AI]"},
                          .min = p->min,
                          .max = p->max};
    TRY(read_texts(reader, p->headings_json, 3, p->spec.heading));
    TRY(read_texts(reader, p->markers_json, 2, p->spec.speaker));
    if (*p->separator == 0 || *p->marker == 0)
        FAIL(ERR_CONFIG, "%s: \"%s\" is empty: nothing would be found", STEP_WHERE(json),
             *p->marker == 0 ? "marker" : "separator");
    if (p->by == BY_SECTIONS && p->as == PARSE_PUBLISHED && p->first == 0)
        FAIL(ERR_CONFIG,
             "%s: sections as published needs \"first\": the number that the prompt begins",
             STEP_WHERE(json));
    if (p->min > p->max)
        FAIL(ERR_CONFIG, "%s: \"min\" is above \"max\": no score could be read", STEP_WHERE(json));
    return OK;
}

static Err read_new(StepReader *reader, const Json *json, Parse *p, Op *op)
{
    static const int parts[BY_COUNT] = {
        [BY_LIST] = 1,       [BY_SECTIONS] = 3, [BY_EXAMPLES] = 2, [BY_LABELS] = 2,
        [BY_TRANSCRIPT] = 1, [BY_YESNO] = 1,    [BY_EQUAL] = 1,    [BY_SCORE] = 1};

    if (p->on_length == LENGTH_BY_KIND)
        p->on_length = is_one_of(p, SCALARS) ? LENGTH_KEEP : LENGTH_DROP_LAST;
    if (p->on_length == LENGTH_DROP_LAST && is_one_of(p, SCALARS))
        FAIL(ERR_CONFIG, "%s: one answer has no last piece: drop_all or keep",
             STEP_WHERE(json_member(json, "on_length")));
    TRY(read_spec(reader, json, p));
    TRY(read_into(reader, p, parts[p->by]));
    TRY(step_gives_reason(reader, json, "length"));
    if (is_one_of(p, SCALARS))
        return p->by == BY_YESNO ? OK : step_gives_reason(reader, json, "unjudged");
    TRY(step_gives_reason(reader, json, "no items"));
    TRY(step_gives_reason(reader, json, "malformed"));
    TRY(step_gives_reason(reader, json, "over the limit"));
    // The last piece of a text that was cut, and those beyond the limit, have records of their own.
    return p->by == BY_TRANSCRIPT ? OK : step_splits(reader, json, op, p->most + 2);
}

static Err read_parse(StepReader *reader, const Json *json, Op *op)
{
    Parse *p = op->settings;

    TRY(keys_check(json, names[p->by], p->by, keys));
    TRY(step_wants_field(reader, json_member(json, "in"), p->in));
    p->ended = step_ended(reader, p->in);
    if (p->by == BY_PATTERN)
        return read_pattern(reader, json, p);
    return p->by == BY_PROBLEM ? read_problem(reader, json) : read_new(reader, json, p, op);
}

// ---- one record stays one

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
    for (int i = 0; i < p->into_count && found; i++) {
        regmatch_t m = match[i + 1];

        record_set(r, p->into[i], m.rm_so < 0 ? "" : text + m.rm_so,
                   m.rm_so < 0 ? 0 : m.rm_eo - m.rm_so);
    }
}

static void run_old(const StepRun *run, const Parse *p, const RecordField *in, Record *r)
{
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
}

static void run_scalar(const Parse *p, Span text, Record *r)
{
    double score;
    int    yes;

    if (p->by == BY_SCORE) {
        if (parse_score(&p->spec, text, &score))
            record_rate(r, p->into[0], score);
        else
            record_reject(r, "unjudged");
        return;
    }
    yes = p->by == BY_YESNO ? parse_yes(&p->spec, text) : parse_equal(text);
    if (yes < 0)
        record_reject(r, "unjudged");
    else
        record_judge(r, p->into[0], yes);
}

// ---- pieces

typedef struct Pieces { // what is kept for the records that a text becomes, one after the other
    int64_t     good;   // that become records; behind them one for `cut`, one for those beyond
    int         is_cut, is_over;
    ParsePiece *piece;
} Pieces;

static ParsePieces pieces_of(const Parse *p, Span text, Record *r)
{
    ParsePieces out = parse_pieces(r->arena);

    switch (p->by) {
    case BY_LIST: parse_list(&p->spec, text, &out); break;
    case BY_SECTIONS: parse_sections(&p->spec, text, &out); break;
    case BY_EXAMPLES: parse_examples(&p->spec, text, &out); break;
    case BY_LABELS: parse_labels(&p->spec, text, &out); break;
    default: parse_transcript(&p->spec, text, &out); break;
    }
    return out;
}

static void add_turn(Text *t, const char *role, Span said)
{
    text_puts(t, t->length == 1 ? "{\"role\":\"" : ",{\"role\":\"");
    text_puts(t, role);
    text_puts(t, "\",\"text\":");
    text_json(t, said.text, said.length);
    text_puts(t, "}");
}

// All turns are one record: a pair of turns that is not of the form is left out, as is the last one
// of a text that was cut.
static void run_transcript(const Parse *p, const ParsePieces *all, int is_cut, Record *r)
{
    Text    t = text_make(r->arena);
    int64_t count = all->count - (is_cut && p->on_length == LENGTH_DROP_LAST);

    text_puts(&t, "[");
    for (int64_t i = 0; i < count; i++)
        if (!all->piece[i].is_malformed) {
            add_turn(&t, "user", all->piece[i].field[0]);
            add_turn(&t, "assistant", all->piece[i].field[1]);
        }
    text_puts(&t, "]");
    if (t.length > 2)
        record_set(r, p->into[0], t.data, t.length);
    else
        record_reject(r, all->count == 0      ? "no items"
                         : count < all->count ? "length"
                                              : "malformed");
}

static StepAnswer run_split(const Parse *p, const ParsePieces *all, int is_cut, Record *r)
{
    Pieces *out = arena_new(r->arena, Pieces, 1);

    if (all->count == 0) {
        record_reject(r, "no items");
        return STEP_NEXT;
    }
    out->piece = all->piece;
    out->is_cut = is_cut && p->on_length == LENGTH_DROP_LAST;
    out->good = all->count - out->is_cut;
    out->is_over = out->good > p->most;
    out->good = out->is_over ? p->most : out->good;
    r->items = out;
    r->item_count = out->good + out->is_cut + out->is_over;
    return STEP_SPLIT;
}

static StepAnswer item_parse(const StepRun *run, const void *settings, Record *r, int64_t item)
{
    const Parse      *p = settings;
    const Pieces     *all = r->items;
    const ParsePiece *piece = &all->piece[item];

    (void)run;
    if (item >= all->good)
        record_reject(r, item == all->good && all->is_cut ? "length" : "over the limit");
    else if (piece->is_malformed)
        record_reject(r, "malformed");
    for (int i = 0; i < p->into_count && r->status == SET_KEPT; i++)
        record_set(r, p->into[i], piece->field[i].text == NULL ? "" : piece->field[i].text,
                   piece->field[i].length);
    return STEP_NEXT;
}

static StepAnswer run_parse(const StepRun *run, const void *settings, Record *r)
{
    const Parse       *p = settings;
    const RecordField *in = record_field(r, p->in);
    Span               text = {in->text, in->length};
    int                is_cut = p->ended != NULL && record_verdict(r, p->ended) == 0;
    ParsePieces        all;

    if (!is_one_of(p, NEW)) {
        run_old(run, p, in, r);
        return STEP_NEXT;
    }
    if (is_cut && p->on_length == LENGTH_DROP_ALL) {
        record_reject(r, "length");
        return STEP_NEXT;
    }
    if (is_one_of(p, SCALARS)) {
        run_scalar(p, text, r);
        return STEP_NEXT;
    }
    all = pieces_of(p, text, r);
    if (p->by != BY_TRANSCRIPT)
        return run_split(p, &all, is_cut, r);
    run_transcript(p, &all, is_cut, r);
    return STEP_NEXT;
}

const StepKind step_parse = {.name = "parse",
                             .about = "Reads fields out of a text; rejects what has another form. "
                                      "Every piece of a list, of sections, examples and labels "
                                      "becomes a record.",
                             .fields = fields,
                             .bytes = sizeof(Parse),
                             .read = read_parse,
                             .run = run_parse,
                             .item = item_parse};
