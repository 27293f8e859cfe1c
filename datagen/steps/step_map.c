// map: writes a field anew, from another one or from a template.
#include "datagen/step.h"
#include "datagen/steps/html.h"
#include "datagen/steps/keys.h"

#include <inttypes.h>
#include <string.h>

enum { MAPS_MAX = 16, MAP_WORDS_MAX = 1 << 20 };

typedef struct Map {
    const char *in, *into, *text;
    const Json *by;
    int64_t     words;

    int maps;
    int map[MAPS_MAX];
    Template template;
} Map;

static const ConfigField fields[] = {
    {"in", CONFIG_TEXT, offsetof(Map, in), "", 0, 0, NULL, NULL, "Field that is read."},
    {"into", CONFIG_TEXT, offsetof(Map, into), "", 0, 0, NULL, NULL,
     "Field that is written; empty: the one that is read."},
    {"by", CONFIG_JSON, offsetof(Map, by), "", 0, 0, NULL, NULL,
     "What is done, one after the other, a list of: collapse (runs of white space become one "
     "blank), "
     "strip (no white space at the ends), capitalize (first character large, all others small), "
     "lower, drop_colon (colons at the end), drop_label (if one word alone stands before colons, "
     "what is behind the first colon; also cuts \"12:30\"), drop_heading (\"Sentence: \" at the "
     "beginning), single_lines (two line feeds become one), drop_citations ([1], [2,3]), html "
     "(tags "
     "to plain text)."},
    {"words", CONFIG_INT, offsetof(Map, words), "0", 0, MAP_WORDS_MAX, NULL, NULL,
     "At last: only this many words from the beginning; 0: all."},
    {"text", CONFIG_TEXT, offsetof(Map, text), "", 0, 0, NULL, NULL,
     "Instead of in and by: a template of the new text; empty: the field is cleared."},
    {0}};

// ---- the maps: from a text, appended to another

static void strip(Text *t, Span s)
{
    s = unitext_strip(s);
    text_add(t, s.text, s.length);
}

static void drop_colon(Text *t, Span s)
{
    while (s.length > 0 && s.text[s.length - 1] == ':')
        s.length--;
    text_add(t, s.text, s.length);
}

// The word that ends at the colon s[colon], empty if there is none.
static Span word_before(Span s, int64_t colon)
{
    int64_t begin = colon, n;

    while (begin > 0 && unitext_is_word(unitext_last(span_cut(s, 0, begin), &n)))
        begin -= n;
    return span_cut(s, begin, colon);
}

static int64_t next_colon(Span s, int64_t at)
{
    const char *colon = at < s.length ? memchr(s.text + at, ':', (size_t)(s.length - at)) : NULL;

    return colon == NULL ? -1 : colon - s.text;
}

// Whether all words before colons are the same one.
static int has_one_label(Span s)
{
    Span label = {NULL, 0};

    for (int64_t at = next_colon(s, 0); at >= 0; at = next_colon(s, at + 1)) {
        Span word = word_before(s, at);

        if (word.length == 0)
            continue;
        if (label.text != NULL && !unitext_is_same(label, word))
            return 0;
        label = word;
    }
    return label.text != NULL;
}

static void drop_label(Text *t, Span s)
{
    if (has_one_label(s))
        s = span_from(s, next_colon(s, 0) + 1);
    strip(t, s);
}

// A word at the beginning with a colon and white space behind it, if it is the only label.
static void drop_heading(Text *t, Span s)
{
    Span    inner = unitext_strip(s);
    int64_t colon = next_colon(inner, 0), n;

    if (colon > 0 && word_before(inner, colon).length == colon && has_one_label(inner) &&
        colon + 1 < inner.length && unitext_is_space(unitext_next(span_from(inner, colon + 1), &n)))
        inner = span_from(inner, colon + 1);
    strip(t, inner);
}

static void single_lines(Text *t, Span s)
{
    for (int64_t at = 0; at < s.length; at++) {
        text_add(t, s.text + at, 1);
        if (s.text[at] == '\n' && at + 1 < s.length && s.text[at + 1] == '\n')
            at++;
    }
}

// Bytes of "[1]", "[2, 3]" or "[4-6]" at the start of s; 0: none.
static int64_t citation(Span s)
{
    int64_t at = 1, digits = 0;

    if (s.text[0] != '[')
        return 0;
    for (; at < s.length && s.text[at] != ']'; at++) {
        char c = s.text[at];

        if (strchr("0123456789, -", c) == NULL || c == 0)
            return 0;
        digits += '0' <= c && c <= '9';
    }
    return at < s.length && digits > 0 ? at + 1 : 0;
}

static void drop_citations(Text *t, Span s)
{
    int64_t n;

    for (; s.length > 0; s = span_from(s, n)) {
        n = citation(s);
        if (n == 0)
            text_add(t, s.text, n = 1);
    }
}

static const struct {
    const char *name;
    void (*work)(Text *t, Span s);
} maps[] = {{"collapse", unitext_collapse},     {"strip", strip},
            {"capitalize", unitext_capitalize}, {"lower", unitext_lower},
            {"drop_colon", drop_colon},         {"drop_label", drop_label},
            {"drop_heading", drop_heading},     {"single_lines", single_lines},
            {"drop_citations", drop_citations}, {"html", html_to_text}};
static const char choices[] = "collapse|strip|capitalize|lower|drop_colon|drop_label|drop_heading|"
                              "single_lines|drop_citations|html";

// ---- the step

static Err read_by(Map *m)
{
    if (m->by == NULL)
        return OK;
    if (m->by->kind != JSON_ARRAY || m->by->length > MAPS_MAX)
        FAIL(ERR_CONFIG, "%s: \"by\" has to be a list of at most %d of %s", STEP_WHERE(m->by),
             MAPS_MAX, choices);
    for (const Json *one = m->by->child; one != NULL; one = one->next)
        TRY(keys_choice(one, choices, &m->map[m->maps++]));
    return OK;
}

static Err read_map(StepReader *reader, const Json *json, Op *op)
{
    Map *m = op->settings;

    if ((*m->in == 0) == (json_member(json, "text") == NULL))
        FAIL(ERR_CONFIG, "%s: map needs \"in\" (a field) or \"text\" (a template), one of the two",
             STEP_WHERE(json));
    if (*m->in == 0) {
        if (m->by != NULL || m->words != 0 || *m->into == 0)
            FAIL(ERR_CONFIG, "%s: map with \"text\" takes \"into\" and nothing else",
                 STEP_WHERE(json));
        if (*m->text != 0)
            TRY(step_template(reader, json_member(json, "text"), "text", m->text, &m->template));
        return step_gives_field(reader, json, m->into);
    }
    TRY(step_wants_field(reader, json_member(json, "in"), m->in));
    TRY(read_by(m));
    if (m->maps == 0 && m->words == 0 && *m->into == 0)
        FAIL(ERR_CONFIG, "%s: map does nothing: it needs \"by\", \"words\" or \"into\"",
             STEP_WHERE(json));
    m->into = *m->into == 0 ? m->in : m->into;
    return step_gives_field(reader, json, m->into);
}

static void fill(const Map *m, Record *r)
{
    TemplateSpan *spans = step_expand(&m->template, r);
    Text          t = text_make(r->arena);

    for (int i = 0; i < m->template.pieces; i++)
        if (spans[i].kind != TEMPLATE_SPECIAL)
            text_add(&t, spans[i].text, spans[i].length);
    record_set(r, m->into, t.data, t.length);
}

static StepAnswer run_map(const StepRun *run, const void *settings, Record *r)
{
    const Map         *m = settings;
    const RecordField *f;
    Span               s;

    (void)run;
    if (*m->in == 0) {
        fill(m, r);
        return STEP_NEXT;
    }
    f = record_field(r, m->in);
    s = (Span){f->text, f->length};
    for (int i = 0; i < m->maps; i++) {
        Text t = text_make(r->arena);

        maps[m->map[i]].work(&t, s);
        s = (Span){t.data, t.length};
    }
    if (m->words > 0)
        s = unitext_first_words(s, m->words);
    record_set(r, m->into, s.text, s.length);
    return STEP_NEXT;
}

const StepKind step_map = {.name = "map",
                           .about = "Writes a field anew: from another by rules, or by a template.",
                           .fields = fields,
                           .bytes = sizeof(Map),
                           .read = read_map,
                           .run = run_map};
