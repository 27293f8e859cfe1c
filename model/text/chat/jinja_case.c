// jinja_case.c -- kinds of characters and their case, as Python sees them; a door to utf8proc.
#include "model/text/chat/jinja_private.h"

#include <utf8proc.h>

static int category(int32_t c)
{
    return c < 0 ? UTF8PROC_CATEGORY_CS : (int)utf8proc_category(c);
}

int jinja_is_space(int32_t c)
{
    int k;

    if (c < 0x80)
        return c == ' ' || (9 <= c && c <= 13) || (0x1c <= c && c <= 0x1f);
    k = category(c);
    return c == 0x85 || k == UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_ZL ||
           k == UTF8PROC_CATEGORY_ZP;
}

int jinja_is_digit(int32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_ND;
}

int jinja_is_letter(int32_t c)
{
    int k = category(c);

    return UTF8PROC_CATEGORY_LU <= k && k <= UTF8PROC_CATEGORY_LO;
}

int jinja_is_upper(int32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_LU;
}

int jinja_is_lower(int32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_LL;
}

int jinja_is_printable(int32_t c)
{
    switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return 0;
    case UTF8PROC_CATEGORY_ZS: return c == ' ';
    default: return 1;
    }
}

static int is_cased(int32_t c)
{
    int k;

    if (c < 0x80)
        return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
    k = category(c);
    return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT;
}

static Err put(JinjaRun *r, JinjaBuffer *b, int32_t c)
{
    utf8proc_uint8_t bytes[4];

    return jinja_add_text(r, b, (const char *)bytes, utf8proc_encode_char(c, bytes));
}

// The few characters of which one becomes several.
static Err put_upper(JinjaRun *r, JinjaBuffer *b, int32_t c, int is_title)
{
    if (c == 0xDF)
        return jinja_add_words(r, b, is_title ? "Ss" : "SS");
    if (c == 0xFB01 || c == 0xFB02)
        return jinja_add_words(
            r, b, is_title ? (c == 0xFB01 ? "Fi" : "Fl") : (c == 0xFB01 ? "FI" : "FL"));
    return put(r, b, is_title ? utf8proc_totitle(c) : utf8proc_toupper(c));
}

static int begins_words(int32_t c)
{
    return jinja_is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
}

static int is_raised(JinjaCase how, int32_t before, int is_first)
{
    switch (how) {
    case CASE_UPPER: return 1;
    case CASE_LOWER: return 0;
    case CASE_CAPITAL: return is_first;
    case CASE_TITLE: return is_first || !is_cased(before);
    case CASE_WORDS: return is_first || begins_words(before);
    }
    return 0;
}

// A sigma at the end of a word has a form of its own.
static int is_final_sigma(const JinjaValue *v, int64_t at, int32_t before)
{
    int n;

    return is_cased(before) && (at + 2 >= v->length ||
                                !is_cased(jinja_point(v->text + at + 2, v->length - at - 2, &n)));
}

static Err put_ascii(JinjaRun *r, JinjaBuffer *b, char c, int is_raised_here)
{
    if (is_raised_here && 'a' <= c && c <= 'z')
        c = (char)(c - 32);
    else if (!is_raised_here && 'A' <= c && c <= 'Z')
        c = (char)(c + 32);
    return jinja_add_text(r, b, &c, 1);
}

Err jinja_case(JinjaRun *r, const JinjaValue *v, JinjaCase how, JinjaValue *out)
{
    JinjaBuffer b = {0};
    int32_t     before = 0;
    int         n;

    for (int64_t at = 0; at < v->length; at += n) {
        int32_t c = jinja_point(v->text + at, v->length - at, &n);

        if (c < 0)
            TRY(jinja_add_text(r, &b, v->text + at, n));
        else if (c < 0x80)
            TRY(put_ascii(r, &b, (char)c, is_raised(how, before, at == 0)));
        else if (is_raised(how, before, at == 0))
            TRY(put_upper(r, &b, c, how == CASE_TITLE || how == CASE_CAPITAL));
        else if (c == 0x130)
            TRY(jinja_add_words(r, &b, "i\xcc\x87"));
        else if (c == 0x3A3)
            TRY(put(r, &b, is_final_sigma(v, at, before) ? 0x3C2 : 0x3C3));
        else
            TRY(put(r, &b, utf8proc_tolower(c)));
        before = c;
    }
    *out = jinja_buffer_value(&b);
    return jinja_charge_bytes(r, 8 * v->length);
}
