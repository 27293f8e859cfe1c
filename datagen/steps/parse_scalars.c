// Answers of one word: yes or no, equal or not, a score.
#include "datagen/steps/parse.h"

#include <stdlib.h>

// The next word of s from *at on: letters only; *at behind it.  Empty: none is left.
static Span next_word(Span s, int64_t *at)
{
    int64_t begin, n;

    while (*at < s.length && !unitext_is_letter(unitext_next(span_from(s, *at), &n)))
        *at += n;
    begin = *at;
    while (*at < s.length && unitext_is_letter(unitext_next(span_from(s, *at), &n)))
        *at += n;
    return span_cut(s, begin, *at);
}

static int is_word(Span s, const char *word)
{
    return unitext_is_same_folded(s, span_of(word));
}

// Published: the whole answer is Yes, yes or YES.  Intended: its first word is, in any case.
int parse_yes(const ParseSpec *spec, Span text)
{
    int64_t at = 0;
    Span    s = unitext_strip(text);

    if (spec->as == PARSE_PUBLISHED)
        return unitext_is_same(s, span_of("Yes")) || unitext_is_same(s, span_of("yes")) ||
               unitext_is_same(s, span_of("YES"));
    return is_word(next_word(s, &at), "yes");
}

// The first word that says it decides; a "not" up to two words before it turns it.
int parse_equal(Span text)
{
    int64_t at = 0, since_not = 3;

    for (Span w = next_word(text, &at); w.length > 0; w = next_word(text, &at), since_not++) {
        if (is_word(w, "not"))
            since_not = 0;
        if (is_word(w, "equal") || is_word(w, "equals"))
            return since_not > 2;
        if (is_word(w, "unequal"))
            return 0;
    }
    return -1;
}

// Bytes of a number at s: digits, perhaps with a fraction.
static int64_t number_at(Span s)
{
    int64_t at = 0;

    while (at < s.length && '0' <= s.text[at] && s.text[at] <= '9')
        at++;
    if (at + 1 < s.length && s.text[at] == '.' && '0' <= s.text[at + 1] && s.text[at + 1] <= '9')
        for (at++; at < s.length && '0' <= s.text[at] && s.text[at] <= '9';)
            at++;
    return at;
}

// The number s[at] .. with a minus sign before it, if that is one and no dash between numbers.
static double value_of(Span s, int64_t at, int64_t length)
{
    char   digits[32];
    double value;

    if (length >= (int64_t)sizeof digits)
        return 1e300;
    for (int64_t i = 0; i < length; i++)
        digits[i] = s.text[at + i];
    digits[length] = 0;
    value = strtod(digits, NULL);
    if (at > 0 && s.text[at - 1] == '-' && (at == 1 || s.text[at - 2] == ' '))
        return -value;
    return value;
}

// The first number within the bounds that is no part of a word.
int parse_score(const ParseSpec *spec, Span text, double *out)
{
    int64_t n, length;
    int32_t before = ' ';

    for (int64_t at = 0; at < text.length; at += n) {
        length = unitext_is_word(before) ? 0 : number_at(span_from(text, at));
        if (length > 0) {
            *out = value_of(text, at, length);
            n = length;
            before = '0';
            if ((double)spec->min <= *out && *out <= (double)spec->max)
                return 1;
            continue;
        }
        before = unitext_next(span_from(text, at), &n);
    }
    return 0;
}
