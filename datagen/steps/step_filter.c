// filter: rejects records by what a text is; with a verdict it only says so.
#include "datagen/step.h"

#include "base/regex.h"
#include "datagen/steps/keys.h"
#include "datagen/steps/stop_words.h"

#include <inttypes.h>
#include <string.h>

enum { LIST_MAX = 256, COUNT_MAX = 1 << 24, GRAM_MAX = 64, HELD_OUT_BYTES = 64 << 20 };

typedef enum By {
    BY_EMPTY,
    BY_WORDS,
    BY_CHARACTERS,
    BY_SENTENCES,
    BY_WORD_LIST,
    BY_CONTAINS,
    BY_REFUSAL,
    BY_STOP_WORDS,
    BY_PREFIX,
    BY_ENDS_WITH,
    BY_FIRST_PUNCTUATION,
    BY_FIRST_NON_ASCII,
    BY_CHARSET,
    BY_PATTERN,
    BY_EQUAL,
    BY_OVERLAP,
    BY_COUNT
} By;

enum { CHARSET_ASCII, CHARSET_LATIN1, CHARSET_PRINTABLE };

typedef struct Filter {
    int         by, minds_case;
    int64_t     min, max, below, n;
    const char *in, *reason, *into, *text, *pattern, *with, *found;
    const Json *list_json;

    const char      *low, *high; // reasons: below and above the window; others have the first only
    const char     **list;
    int              list_count;
    int              charset;
    const Regex     *compiled;
    const NearGrams *held_out; // NULL: `with` is a field
} Filter;

static const ConfigField fields[] = {
    {"by", CONFIG_ENUM, offsetof(Filter, by), NULL, 0, 0,
     "empty|words|characters|sentences|word_list|contains|refusal|stop_words|prefix|ends_with|"
     "first_punctuation|first_non_ascii|charset|pattern|equal|overlap",
     NULL,
     "What is rejected. empty: nothing but white space; words, characters: outside of min and max; "
     "sentences: fewer than min; word_list: one of the list as a whole word, any case; contains: "
     "one "
     "of the list anywhere, any case; refusal: the same in fewer than `below` words; stop_words: "
     "only punctuation and English stop words; prefix, ends_with: begins or ends with text; "
     "first_punctuation, first_non_ascii: what its first character is (ASCII punctuation); "
     "charset: "
     "a character outside of it; pattern: it matches; equal: the same as another field; overlap: n "
     "words in a row that another text has too."},
    {"in", CONFIG_TEXT, offsetof(Filter, in), NULL, 0, 0, NULL, NULL, "Field that is looked at."},
    {"into", CONFIG_TEXT, offsetof(Filter, into), "", 0, 0, NULL, NULL,
     "Verdict that says whether it is so; then nothing is rejected."},
    {"reason", CONFIG_TEXT, offsetof(Filter, reason), "", 0, 0, NULL, NULL,
     "Of the rejection; empty: that of its kind (empty, too_short, too_long, few sentences, "
     "blacklist, leak, refusal, no content, prefix, ends_with, punctuation, non_ascii, charset, "
     "pattern, equal, contaminated)."},
    {"min", CONFIG_INT, offsetof(Filter, min), "0", 0, COUNT_MAX, NULL, NULL,
     "words, characters, sentences: at least this many."},
    {"max", CONFIG_INT, offsetof(Filter, max), "0", 0, COUNT_MAX, NULL, NULL,
     "words, characters: at most this many; 0: any number."},
    {"list", CONFIG_JSON, offsetof(Filter, list_json), "", 0, 0, NULL, NULL,
     "word_list, contains, refusal: texts; [\"sorry\"] for refusal if absent."},
    {"found", CONFIG_TEXT, offsetof(Filter, found), "", 0, 0, NULL, NULL,
     "word_list, contains, refusal: field for the first of the list that is there; empty where "
     "none "
     "is."},
    {"below", CONFIG_INT, offsetof(Filter, below), "80", 1, COUNT_MAX, NULL, NULL,
     "refusal: texts of this many words and more are none."},
    {"text", CONFIG_TEXT, offsetof(Filter, text), "", 0, 0, NULL, NULL,
     "prefix, ends_with (white space at the end is not looked at); charset: ascii, latin1 or "
     "printable (no control characters but line ends and tabs, all of it UTF-8)."},
    {"case", CONFIG_YESNO, offsetof(Filter, minds_case), "true", 0, 0, NULL, NULL,
     "prefix, ends_with: large and small letters differ."},
    {"pattern", CONFIG_TEXT, offsetof(Filter, pattern), "", 0, 0, NULL, NULL,
     "pattern: regular expression of PCRE2, Unicode, found anywhere. A text of more than 32 KiB, "
     "or "
     "one whose match takes too long, is rejected as \"match limit\"."},
    {"with", CONFIG_TEXT, offsetof(Filter, with), "", 0, 0, NULL, NULL,
     "equal, overlap: another field; overlap: or \"held-out\", all problems of the test."},
    {"n", CONFIG_INT, offsetof(Filter, n), "10", 1, GRAM_MAX, NULL, NULL,
     "overlap: words in a row; a text of fewer is compared as a whole, of the test only with the "
     "field of the same name."},
    {0}};

enum {
    COUNTS = 1 << BY_WORDS | 1 << BY_CHARACTERS | 1 << BY_SENTENCES,
    LISTS = 1 << BY_WORD_LIST | 1 << BY_CONTAINS | 1 << BY_REFUSAL,
    ENDS = 1 << BY_PREFIX | 1 << BY_ENDS_WITH,
    OTHERS = 1 << BY_EQUAL | 1 << BY_OVERLAP
};

static const Key keys[] = {{"min", COUNTS, 1 << BY_SENTENCES},
                           {"max", 1 << BY_WORDS | 1 << BY_CHARACTERS, 0},
                           {"list", LISTS, 1 << BY_WORD_LIST | 1 << BY_CONTAINS},
                           {"found", LISTS, 0},
                           {"below", 1 << BY_REFUSAL, 0},
                           {"text", ENDS | 1 << BY_CHARSET, ENDS | 1 << BY_CHARSET},
                           {"case", ENDS, 0},
                           {"pattern", 1 << BY_PATTERN, 1 << BY_PATTERN},
                           {"with", OTHERS, OTHERS},
                           {"n", 1 << BY_OVERLAP, 0},
                           {0}};

static const struct {
    const char *name, *low, *high;
} kinds[BY_COUNT] = {[BY_EMPTY] = {"empty", "empty", NULL},
                     [BY_WORDS] = {"words", "too_short", "too_long"},
                     [BY_CHARACTERS] = {"characters", "too_short", "too_long"},
                     [BY_SENTENCES] = {"sentences", "few sentences", NULL},
                     [BY_WORD_LIST] = {"word_list", "blacklist", NULL},
                     [BY_CONTAINS] = {"contains", "leak", NULL},
                     [BY_REFUSAL] = {"refusal", "refusal", NULL},
                     [BY_STOP_WORDS] = {"stop_words", "no content", NULL},
                     [BY_PREFIX] = {"prefix", "prefix", NULL},
                     [BY_ENDS_WITH] = {"ends_with", "ends_with", NULL},
                     [BY_FIRST_PUNCTUATION] = {"first_punctuation", "punctuation", NULL},
                     [BY_FIRST_NON_ASCII] = {"first_non_ascii", "non_ascii", NULL},
                     [BY_CHARSET] = {"charset", "charset", NULL},
                     [BY_PATTERN] = {"pattern", "pattern", NULL},
                     [BY_EQUAL] = {"equal", "equal", NULL},
                     [BY_OVERLAP] = {"overlap", "contaminated", NULL}};

// ---- reading

static Err read_window(const Json *json, const Filter *f)
{
    if (f->min == 0 && f->max == 0)
        FAIL(ERR_CONFIG, "%s: %s needs \"min\" or \"max\": nothing would be rejected",
             STEP_WHERE(json), kinds[f->by].name);
    if (f->max > 0 && f->min > f->max)
        FAIL(ERR_CONFIG, "%s: \"min\" is above \"max\": everything would be rejected",
             STEP_WHERE(json));
    return OK;
}

static Err read_list(StepReader *reader, Filter *f)
{
    static const char *const sorry = "sorry";

    if (f->list_json != NULL)
        return keys_texts(reader->arena, f->list_json, LIST_MAX, &f->list, &f->list_count);
    f->list = arena_new(reader->arena, const char *, 1);
    f->list[0] = sorry;
    f->list_count = 1;
    return OK;
}

// Fewer words than a gram has are compared as a whole, and that only with the field of the same
// name: an answer "no" is no contamination of a question.
static int is_compared(const Filter *f, const char *name, const RecordField *field)
{
    if (field == NULL || unitext_is_blank((Span){field->text, field->length}))
        return 0;
    return strcmp(name, f->in) == 0 || unitext_words((Span){field->text, field->length}) >= f->n;
}

// All texts of the held-out problems; once, when the recipe is read.
static Err read_held_out(StepReader *reader, const Json *json, Filter *f)
{
    int64_t            count = source_count(reader->source, SPLIT_HELD_OUT);
    NearGrams         *grams = near_grams(reader->arena, f->n, NEAR_UNICODE);
    Arena              scratch;
    int                names;
    const char *const *name = source_fields(reader->source, &names);

    if (count < 1)
        FAIL(ERR_CONFIG, "%s: the source has no held-out problems to compare with",
             STEP_WHERE(json));
    TRY(arena_make(&scratch, "held-out problems", HELD_OUT_BYTES));
    for (int64_t k = 0; k < count; k++) {
        ArenaMark mark = arena_mark(&scratch);
        Record    r = {.arena = &scratch, .reason = ""};

        source_draw(reader->source, SPLIT_HELD_OUT, 0, k, &r);
        for (int i = 0; i < names; i++) {
            const RecordField *field = record_field(&r, name[i]);

            if (is_compared(f, name[i], field))
                near_grams_add(grams, (NearText){field->text, field->length});
        }
        arena_back(&scratch, mark);
    }
    arena_free(&scratch);
    f->held_out = grams;
    return OK;
}

static Err read_kind(StepReader *reader, const Json *json, Filter *f)
{
    const Json *with = json_member(json, "with");

    switch (f->by) {
    case BY_WORDS:
    case BY_CHARACTERS: return read_window(json, f);
    case BY_WORD_LIST:
    case BY_CONTAINS:
    case BY_REFUSAL: return read_list(reader, f);
    case BY_PREFIX:
    case BY_ENDS_WITH:
        if (*f->text == 0)
            FAIL(ERR_CONFIG, "%s: \"text\" is empty: everything would be rejected",
                 STEP_WHERE(json));
        return OK;
    case BY_CHARSET:
        return keys_choice(json_member(json, "text"), "ascii|latin1|printable", &f->charset);
    case BY_PATTERN:
        TRY(step_gives_reason(reader, json, "match limit"));
        return regex_make(reader->arena, STEP_WHERE(json_member(json, "pattern")),
                          span_of(f->pattern), REGEX_USER, &f->compiled);
    case BY_OVERLAP:
        if (strcmp(f->with, "held-out") == 0)
            return read_held_out(reader, with, f);
        return step_wants_field(reader, with, f->with);
    case BY_EQUAL: return step_wants_field(reader, with, f->with);
    default: return OK;
    }
}

static Err read_filter(StepReader *reader, const Json *json, Op *op)
{
    Filter *f = op->settings;

    TRY(keys_check(json, kinds[f->by].name, f->by, keys));
    TRY(step_wants_field(reader, json_member(json, "in"), f->in));
    TRY(read_kind(reader, json, f));
    f->low = *f->reason != 0 ? f->reason : kinds[f->by].low;
    f->high = *f->reason != 0 || kinds[f->by].high == NULL ? f->low : kinds[f->by].high;
    if (*f->found != 0)
        TRY(step_gives_field(reader, json_member(json, "found"), f->found));
    if (*f->into != 0 && *f->reason != 0)
        FAIL(ERR_CONFIG, "%s: \"into\" rejects nothing, so it takes no \"reason\"",
             STEP_WHERE(json));
    if (*f->into != 0)
        return step_gives_verdict(reader, json_member(json, "into"), f->into);
    TRY(step_gives_reason(reader, json, f->low));
    return step_gives_reason(reader, json, f->high);
}

// ---- the kinds: the reason, NULL if there is none

static const char *by_window(const Filter *f, int64_t count)
{
    if (count < f->min)
        return f->low;
    return f->max > 0 && count > f->max ? f->high : NULL;
}

static int is_end_mark(int32_t c)
{
    return c == '.' || c == '!' || c == '?' || c == 0x2026 || c == 0x3002 || c == 0xff01 ||
           c == 0xff1f;
}

static int is_closing(int32_t c)
{
    return c == '"' || c == '\'' || c == ')' || c == ']' || c == 0x2019 || c == 0x201d || c == 0xbb;
}

// Sentences end with . ! or ? and the like before white space or the end; those of East Asia need
// no white space.  Words behind the last end are one more.
static int64_t sentences(Span s)
{
    int64_t count = 0, n;
    int     has_word = 0, ends = 0;

    for (; s.length > 0; s = span_from(s, n)) {
        int32_t c = unitext_next(s, &n);

        if (has_word &&
            (c == 0x3002 || c == 0xff01 || c == 0xff1f || (ends && unitext_is_space(c)))) {
            count++;
            has_word = ends = 0;
        } else if (is_end_mark(c)) {
            ends = 1;
        } else if (!is_closing(c)) {
            ends = 0;
            has_word |= unitext_is_word(c);
        }
    }
    return count + has_word;
}

// The first of the list that is in the text, NULL: none.
static const char *in_list(const Filter *f, Span s)
{
    for (int i = 0; i < f->list_count; i++) {
        Span what = span_of(f->list[i]);

        if ((f->by == BY_WORD_LIST ? unitext_find_word(s, what) : unitext_find_folded(s, what)) >=
            0)
            return f->list[i];
    }
    return NULL;
}

static int by_list(const Filter *f, Span s, Record *r)
{
    const char *found = in_list(f, s);

    if (f->by == BY_REFUSAL && found != NULL && unitext_words(s) >= f->below)
        found = NULL;
    if (*f->found != 0)
        record_set(r, f->found, found == NULL ? "" : found,
                   found == NULL ? 0 : (int64_t)strlen(found));
    return found != NULL;
}

static int begins(const Filter *f, Span s)
{
    Span text = span_of(f->text);

    return f->minds_case ? unitext_begins(s, text) : unitext_prefix_folded(s, text) >= 0;
}

static int ends(const Filter *f, Span s)
{
    Span    text = span_of(f->text);
    int64_t n, characters = unitext_characters(text);

    s = unitext_strip_end(s);
    if (f->minds_case)
        return s.length >= text.length && begins(f, span_from(s, s.length - text.length));
    for (int64_t at = s.length; characters >= 0; at -= n, characters--) {
        if (characters == 0)
            return unitext_is_same_folded(span_from(s, at), text);
        if (at == 0)
            return 0;
        unitext_last(span_cut(s, 0, at), &n);
    }
    return 0;
}

static int is_punctuation(char c)
{
    return c != 0 && strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", c) != NULL;
}

static int is_outside(int charset, int32_t c)
{
    switch (charset) {
    case CHARSET_ASCII: return c < 0 || c > 0x7f;
    case CHARSET_LATIN1: return c < 0 || c > 0xff;
    default: return !unitext_is_printable(c) && c != '\n' && c != '\r' && c != '\t';
    }
}

static int by_charset(const Filter *f, Span s)
{
    int64_t n;

    for (; s.length > 0; s = span_from(s, n))
        if (is_outside(f->charset, unitext_next(s, &n)))
            return 1;
    return 0;
}

static int by_overlap(const Filter *f, Span s, Record *r)
{
    const RecordField *with;
    NearGrams         *grams;
    ArenaMark          mark = arena_mark(r->arena);
    int                hit;

    if (f->held_out != NULL)
        return near_grams_hit(f->held_out, r->arena, (NearText){s.text, s.length});
    with = record_field(r, f->with);
    grams = near_grams(r->arena, f->n, NEAR_UNICODE);
    near_grams_add(grams, (NearText){with->text, with->length});
    hit = near_grams_hit(grams, r->arena, (NearText){s.text, s.length});
    arena_back(r->arena, mark);
    return hit;
}

static const char *by_pattern(const Filter *f, Span s, Record *r)
{
    RegexMatch m;

    switch (regex_once(f->compiled, r->arena, s, 0, &m)) {
    case REGEX_FOUND: return f->low;
    case REGEX_GAVE_UP: record_reject(r, "match limit"); return NULL;
    default: return NULL;
    }
}

static int is_true(const Filter *f, Span s, Record *r)
{
    const RecordField *with;

    switch (f->by) {
    case BY_EMPTY: return unitext_is_blank(s);
    case BY_SENTENCES: return sentences(s) < f->min;
    case BY_WORD_LIST:
    case BY_CONTAINS:
    case BY_REFUSAL: return by_list(f, s, r);
    case BY_STOP_WORDS: return stop_words_only(s);
    case BY_PREFIX: return begins(f, s);
    case BY_ENDS_WITH: return ends(f, s);
    case BY_FIRST_PUNCTUATION: return s.length > 0 && is_punctuation(s.text[0]);
    case BY_FIRST_NON_ASCII: return s.length > 0 && (s.text[0] & 0x80) != 0;
    case BY_CHARSET: return by_charset(f, s);
    case BY_OVERLAP: return by_overlap(f, s, r);
    default:
        with = record_field(r, f->with);
        return unitext_is_same(s, (Span){with->text, with->length});
    }
}

static StepAnswer run_filter(const StepRun *run, const void *settings, Record *r)
{
    const Filter      *f = settings;
    const RecordField *in = record_field(r, f->in);
    Span               s = {in->text, in->length};
    const char        *reason;

    (void)run;
    switch (f->by) {
    case BY_WORDS: reason = by_window(f, unitext_words(s)); break;
    case BY_CHARACTERS: reason = by_window(f, unitext_characters(s)); break;
    case BY_PATTERN: reason = by_pattern(f, s, r); break;
    default: reason = is_true(f, s, r) ? f->low : NULL; break;
    }
    if (*f->into != 0)
        record_judge(r, f->into, reason != NULL);
    else if (reason != NULL)
        record_reject(r, reason);
    return STEP_NEXT;
}

const StepKind step_filter = {.name = "filter",
                              .about =
                                  "Rejects records by what a text is, each kind with a reason; "
                                  "or judges it, with \"into\".",
                              .fields = fields,
                              .bytes = sizeof(Filter),
                              .read = read_filter,
                              .run = run_filter};
