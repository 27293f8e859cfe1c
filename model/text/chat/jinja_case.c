// jinja_case.c -- texts in another case, as the methods of Python and the filters of Jinja do it.
#include "model/text/chat/jinja_private.h"

static int begins_words(int32_t c)
{
    return unitext_is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
}

static int is_raised(JinjaCase how, int32_t before, int is_first)
{
    switch (how) {
    case CASE_UPPER: return 1;
    case CASE_LOWER: return 0;
    case CASE_CAPITAL: return is_first;
    case CASE_TITLE: return is_first || !unitext_is_cased(before);
    case CASE_WORDS: return is_first || begins_words(before);
    }
    return 0;
}

// The character at s[at] in its case; the number of its bytes.
static int cased(JinjaCase how, int is_raised_here, Span s, int64_t at, int32_t c,
                 char out[UNITEXT_CASED_BYTES])
{
    if (!is_raised_here)
        return unitext_lower_of(s, at, out);
    return how == CASE_UPPER || how == CASE_WORDS ? unitext_upper_of(c, out)
                                                  : unitext_title_of(c, out);
}

Err jinja_case(JinjaRun *r, const JinjaValue *v, JinjaCase how, JinjaValue *out)
{
    JinjaBuffer b = {0};
    Span        s = {v->text, v->length};
    int32_t     before = 0;
    int64_t     n;

    for (int64_t at = 0; at < s.length; at += n) {
        char    bytes[UNITEXT_CASED_BYTES];
        int32_t c = unitext_next(span_from(s, at), &n);

        if (c == UNITEXT_BAD)
            TRY(jinja_add_text(r, &b, s.text + at, n));
        else
            TRY(jinja_add_text(r, &b, bytes,
                               cased(how, is_raised(how, before, at == 0), s, at, c, bytes)));
        before = c;
    }
    *out = jinja_buffer_value(&b);
    return jinja_charge_bytes(r, 8 * v->length);
}
