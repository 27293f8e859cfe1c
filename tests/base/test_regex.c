#include "base/regex.h"
#include "tests/check.h"

#include <string.h>

static Arena arena; // one for the program, emptied between cases

static const Regex *make(const char *pattern, RegexUse use)
{
    const Regex *r = NULL;

    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 30));
    arena_back(&arena, 0);
    EXPECT_OK(regex_make(&arena, "here", span_of(pattern), use, &r));
    return r;
}

static const char *repeated(const char *text, int count)
{
    Text t = text_make(&arena);

    for (int i = 0; i < count; i++)
        text_puts(&t, text);
    return t.data;
}

// All matches of a search, each with its first group, "begin-end(begin-end) ".
static const char *matches(const char *pattern, RegexUse use, const char *text)
{
    const Regex *r = make(pattern, use);
    Span         s = span_of(text);
    RegexSearch  search = regex_search(r, &arena, s);
    Text         t = text_make(&arena);
    RegexMatch   m;

    for (int64_t from = 0; from <= s.length; from = regex_behind(s, &m)) {
        EXPECT_OK(regex_find(&search, from, &m));
        if (m.begin < 0)
            break;
        text_printf(&t, "%d-%d", (int)m.begin, (int)m.end);
        if (m.group_begin >= 0)
            text_printf(&t, "(%d-%d)", (int)m.group_begin, (int)m.group_end);
        text_puts(&t, " ");
    }
    return t.data;
}

static void searches_go_on_behind_a_match(const Comm *c)
{
    static const RegexUse uses[] = {REGEX_TOKENIZER, REGEX_USER};

    (void)c;
    for (int i = 0; i < 2; i++) {
        EXPECT_TEXT(matches("\\w+", uses[i], "straße 7, λ"), "0-7 8-9 11-13 ");
        EXPECT_TEXT(matches("x*", uses[i], "éxx"), "0-0 2-4 4-4 ");
        EXPECT_TEXT(matches("a(b)?|(c)", uses[i], "abac"), "0-2(1-2) 2-3 3-4 ");
        EXPECT_TEXT(matches("(a)(b)(c)", uses[i], "xabc"), "1-4(1-2) ");
        EXPECT_TEXT(matches("z", uses[i], ""), "");
    }
}

static void a_tokenizer_has_white_space_of_its_own(const Comm *c)
{
    (void)c;
    // The Mongolian separator is none, the next line and the no-break space are.
    EXPECT_TEXT(matches("\\s", REGEX_TOKENIZER, "\xe1\xa0\x8e \xc2\x85\xc2\xa0"), "3-4 4-6 6-8 ");
    EXPECT_TEXT(matches("[\\sx]+", REGEX_TOKENIZER, "\xe1\xa0\x8e x"), "3-5 ");
    EXPECT_TEXT(matches("\\S+", REGEX_TOKENIZER, "\xe1\xa0\x8e x"), "0-3 4-5 ");
}

static void a_user_may_have_any_bytes(const Comm *c)
{
    (void)c;
    EXPECT_TEXT(matches(".", REGEX_USER,
                        "\xff"
                        "b\xe3\x80"),
                "1-2 ");
}

static void what_takes_too_long_is_given_up(const Comm *c)
{
    const Regex *r = make("((a|b)+)+[cd]", REGEX_USER);
    Span         text = span_of(repeated("a", 2000));
    RegexMatch   m;
    RegexSearch  search;
    ArenaMark    mark = arena_mark(&arena);

    (void)c;
    EXPECT_INT(regex_once(r, &arena, text, 0, &m), REGEX_GAVE_UP);
    EXPECT_INT(m.begin, -1);
    EXPECT_INT(arena_mark(&arena), mark);
    EXPECT_INT(regex_once(r, &arena, span_of("xbc"), 0, &m), REGEX_FOUND);
    EXPECT_INT(m.begin, 1);
    EXPECT_INT(regex_once(r, &arena, span_of("xbx"), 0, &m), REGEX_NONE);
    search = regex_search(r, &arena, text);
    EXPECT_ERR(regex_find(&search, 0, &m), ERR_DATA, "here: the pattern gives up at byte 0");

    // A user's text is at most 32 KiB; a tokenizer's has no end.
    r = make("b", REGEX_USER);
    text = span_of(repeated("0123456789abcdef", 2048));
    EXPECT_INT(text.length, 1 << 15);
    EXPECT_INT(regex_once(r, &arena, text, 0, &m), REGEX_FOUND);
    text = span_of(repeated("0123456789abcdef", 2049));
    EXPECT_INT(regex_once(r, &arena, text, 0, &m), REGEX_GAVE_UP);
    r = make("b", REGEX_TOKENIZER);
    text = span_of(repeated("0123456789abcdef", 2049));
    EXPECT_INT(regex_once(r, &arena, text, 0, &m), REGEX_FOUND);
    EXPECT_INT(m.begin, 11);
}

static void patterns_that_cannot_be_read_are_said_to_be(const Comm *c)
{
    const Regex *r = make("a", REGEX_USER);

    (void)c;
    EXPECT_ERR(regex_make(&arena, "f.json: at x", span_of("a(b"), REGEX_USER, &r), ERR_CONFIG,
               "f.json: at x: the pattern cannot be read: missing closing parenthesis at byte 3");
    EXPECT_ERR(regex_make(&arena, "f.json", span_of("a(b"), REGEX_TOKENIZER, &r), ERR_DATA,
               "f.json: the pattern cannot be read");
    EXPECT_ERR(regex_make(&arena, "f.json", span_of(repeated("ab", (1 << 15) + 1)), REGEX_USER, &r),
               ERR_CONFIG, "expected a pattern of at most 65536 bytes, found 65538");
}

TEST_MAIN(CASE(searches_go_on_behind_a_match), CASE(a_tokenizer_has_white_space_of_its_own),
          CASE(a_user_may_have_any_bytes), CASE(what_takes_too_long_is_given_up),
          CASE(patterns_that_cannot_be_read_are_said_to_be))
