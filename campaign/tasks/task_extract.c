#include "campaign/tasks/task_extract.h"

#include <ctype.h>
#include <string.h>

#define WHERE(json) json_where((json), (char[JSON_WORDS]){0}, JSON_WORDS)

const ConfigField extract_table[] = {
    {"by", CONFIG_ENUM, offsetof(ExtractKeys, by), "whole", 0, 0, "whole|pattern|last_number|after",
     NULL,
     "Where the answer is: all of the text, what a pattern finds, the last number, or what stands "
     "behind a marker, up to the end of the line."},
    {"pattern", CONFIG_TEXT, offsetof(ExtractKeys, pattern), "", 0, 0, NULL, NULL,
     "A regular expression (PCRE2): its first group is the answer, or all that it matches."},
    {"after", CONFIG_TEXT, offsetof(ExtractKeys, after), "", 0, 0, NULL, NULL,
     "The marker, such as ####."},
    {"which", CONFIG_ENUM, offsetof(ExtractKeys, which), "first", 0, 0, "first|last", NULL,
     "Of several matches or markers."},
    {"normalize", CONFIG_JSON, offsetof(ExtractKeys, normalize), "", 0, 0, NULL, NULL,
     "What makes answers the same, a list, in this order: strip, lower, punctuation, articles, "
     "space, number.  Without it: strip."},
    {0}};

static const char *const normal_names[] = {"strip",    "lower", "punctuation",
                                           "articles", "space", "number"};
enum { NORMAL_NAMES = sizeof normal_names / sizeof normal_names[0] };

static Err read_normal(const Json *node, Extract *out)
{
    const char *near;

    for (int i = 0; i < NORMAL_NAMES && node->kind == JSON_TEXT; i++)
        if (strcmp(node->text, normal_names[i]) == 0) {
            out->normal[out->normals++] = (Normal)i;
            return OK;
        }
    near = node->kind == JSON_TEXT ? text_nearest(node->text, normal_names, NORMAL_NAMES) : NULL;
    FAIL(ERR_CONFIG,
         "%s: normalize has strip, lower, punctuation, articles, space, number; found %s%s%s%s",
         WHERE(node), json_show(node, (char[JSON_WORDS]){0}, JSON_WORDS),
         near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
         near != NULL ? "\"?" : "");
}

static Err read_normals(const Json *list, Extract *out)
{
    if (list == NULL) {
        out->normal[out->normals++] = NORMAL_STRIP;
        return OK;
    }
    if (list->kind != JSON_ARRAY || list->length > NORMALS_MAX)
        FAIL(ERR_CONFIG, "%s: normalize is a list of at most %d names", WHERE(list), NORMALS_MAX);
    for (const Json *m = list->child; m != NULL; m = m->next)
        TRY(read_normal(m, out));
    return OK;
}

// A key that this way of finding the answer has no use for, or lacks.
static Err check_keys(const Json *json, const ExtractKeys *k)
{
    int wants_pattern = k->by == EXTRACT_PATTERN, wants_after = k->by == EXTRACT_AFTER;

    if (wants_pattern != (*k->pattern != 0))
        FAIL(ERR_CONFIG, "%s: \"pattern\" goes with \"by\": \"pattern\", and only with it",
             json != NULL ? WHERE(json) : "extract");
    if (wants_after != (*k->after != 0))
        FAIL(ERR_CONFIG, "%s: \"after\" (the marker) goes with \"by\": \"after\", and only with it",
             json != NULL ? WHERE(json) : "extract");
    return OK;
}

Err extract_make(Arena *run, const Json *json, const ExtractKeys *keys, Extract *out)
{
    *out = (Extract){.by = (ExtractBy)keys->by,
                     .which = (ExtractWhich)keys->which,
                     .after = span_of(keys->after)};
    TRY(check_keys(json, keys));
    TRY(read_normals(keys->normalize, out));
    if (out->by != EXTRACT_PATTERN)
        return OK;
    return regex_make(run, WHERE(json_member(json, "pattern")), span_of(keys->pattern), REGEX_USER,
                      &out->pattern);
}

// ---- finding

static int by_pattern(const Extract *e, Arena *scratch, Span text, Span *answer)
{
    int64_t    from = 0;
    int        found = 0;
    RegexMatch m;

    while (from <= text.length && regex_once(e->pattern, scratch, text, from, &m) == REGEX_FOUND) {
        found = 1;
        *answer = m.group_begin >= 0 ? span_cut(text, m.group_begin, m.group_end)
                                     : span_cut(text, m.begin, m.end);
        if (e->which == EXTRACT_FIRST)
            break;
        from = regex_behind(text, &m);
    }
    return found;
}

static int digit_at(Span s, int64_t i)
{
    return i >= 0 && i < s.length && isdigit((unsigned char)s.text[i]);
}

// From the last digit back: digits, commas between digits, one point between digits.
static int last_number(Span s, Span *answer)
{
    int64_t end = s.length, begin;
    int     has_point = 0;

    while (end > 0 && !digit_at(s, end - 1))
        end--;
    if (end == 0)
        return 0;
    for (begin = end - 1; begin > 0; begin--) {
        char c = s.text[begin - 1];
        int  is_inside = digit_at(s, begin) && digit_at(s, begin - 2);

        if (isdigit((unsigned char)c) || (c == ',' && is_inside))
            continue;
        if (c != '.' || has_point || !is_inside)
            break;
        has_point = 1;
    }
    // a minus sign, unless it stands between two things: "5-3"
    if (begin > 0 && s.text[begin - 1] == '-' &&
        (begin == 1 || !isalnum((unsigned char)s.text[begin - 2])))
        begin--;
    *answer = span_cut(s, begin, end);
    return 1;
}

static int after_marker(const Extract *e, Span text, Span *answer)
{
    int64_t length = e->after.length, end, at = -1;

    for (int64_t i = 0; i + length <= text.length; i++)
        if (memcmp(text.text + i, e->after.text, (size_t)length) == 0) {
            at = i + length;
            if (e->which == EXTRACT_FIRST)
                break;
            i += length - 1;
        }
    if (at < 0)
        return 0;
    for (end = at; end < text.length && text.text[end] != '\n';)
        end++;
    *answer = span_cut(text, at, end);
    return 1;
}

int extract_find(const Extract *e, Arena *scratch, Span text, Span *answer)
{
    switch (e->by) {
    case EXTRACT_PATTERN: return by_pattern(e, scratch, text, answer);
    case EXTRACT_LAST_NUMBER: return last_number(text, answer);
    case EXTRACT_AFTER: return after_marker(e, text, answer);
    default: *answer = text; return 1;
    }
}

// ---- normalising: each appends to t

static void drop_punctuation(Span s, Text *t)
{
    for (int64_t i = 0; i < s.length; i++)
        if (!ispunct((unsigned char)s.text[i]) || (unsigned char)s.text[i] > 127)
            text_add(t, s.text + i, 1);
}

static int is_article(Span word)
{
    static const char *const articles[] = {"a", "an", "the"};

    for (int i = 0; i < 3; i++)
        if (unitext_is_same_folded(word, span_of(articles[i])))
            return 1;
    return 0;
}

// Words are runs of word characters; what stands between them is kept.
static void drop_articles(Span s, Text *t)
{
    int64_t i = 0, bytes;

    while (i < s.length) {
        int64_t begin = i;

        while (i < s.length && unitext_is_word(unitext_next(span_from(s, i), &bytes)))
            i += bytes;
        if (i == begin) {
            (void)unitext_next(span_from(s, i), &bytes);
            text_add(t, s.text + i, bytes);
            i += bytes;
        } else if (!is_article(span_cut(s, begin, i))) {
            text_add(t, s.text + begin, i - begin);
        }
    }
}

static int is_among(char c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

// Digits and points of s without commas; 0: it is no number.
static int digits_of(Span s, Text *body)
{
    int64_t digits = 0, points = 0;

    for (int64_t i = 0; i < s.length; i++) {
        if (s.text[i] == ',')
            continue;
        if (!digit_at(s, i) && s.text[i] != '.')
            return 0;
        digits += digit_at(s, i);
        points += s.text[i] == '.';
        text_add(body, s.text + i, 1);
    }
    while (points == 1 && body->data[body->length - 1] == '0')
        body->length--;
    body->length -= points == 1 && body->data[body->length - 1] == '.';
    return digits > 0 && points <= 1;
}

// As short as can be: no sign but minus, no commas, no zeros that say nothing.  What is no number
// stays as it is.
static void plain_number(Span s, Text *t)
{
    Span    number = unitext_strip(s);
    Text    body = text_make(t->arena);
    int64_t begin = 0;
    int     is_negative = 0;

    for (; number.length > 0 && is_among(*number.text, "+-$"); number = span_from(number, 1))
        is_negative |= *number.text == '-';
    while (number.length > 0 && is_among(number.text[number.length - 1], ".%"))
        number.length--;
    if (!digits_of(number, &body)) {
        text_add(t, s.text, s.length);
        return;
    }
    while (begin < body.length && body.data[begin] == '0')
        begin++;
    if (is_negative && begin < body.length)
        text_puts(t, "-");
    if (begin == body.length || body.data[begin] == '.')
        text_puts(t, "0");
    text_add(t, body.data + begin, body.length - begin);
}

static void apply(Normal normal, Span s, Text *t)
{
    Span stripped = unitext_strip(s);

    switch (normal) {
    case NORMAL_STRIP: text_add(t, stripped.text, stripped.length); break;
    case NORMAL_LOWER: unitext_lower(t, s); break;
    case NORMAL_PUNCTUATION: drop_punctuation(s, t); break;
    case NORMAL_ARTICLES: drop_articles(s, t); break;
    case NORMAL_SPACE: unitext_collapse(t, stripped); break;
    case NORMAL_NUMBER: plain_number(s, t); break;
    }
}

void extract_normalize(const Extract *e, Arena *scratch, Span answer, Text *t)
{
    Span now = answer;

    for (int i = 0; i < e->normals; i++) {
        Text next = text_make(scratch);

        apply(e->normal[i], now, &next);
        now = (Span){next.length > 0 ? next.data : "", next.length};
    }
    text_add(t, now.text, now.length);
}
