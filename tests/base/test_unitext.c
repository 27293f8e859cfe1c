#include "base/unitext.h"
#include "tests/check.h"

#include <string.h>

static Arena arena; // one for the program, emptied between cases

static void start(void)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 16 << 20));
    arena_back(&arena, 0);
}

static void characters_have_kinds(const Comm *c)
{
    static const struct {
        int32_t     character;
        UnitextKind kind;
    } rows[] = {{'A', UNITEXT_LU},    {'a', UNITEXT_LL},         {0x1c5, UNITEXT_LT},
                {0x2b0, UNITEXT_LM},  {0x5d0, UNITEXT_LO},       {0x300, UNITEXT_MN},
                {0x903, UNITEXT_MC},  {0x20dd, UNITEXT_ME},      {0x661, UNITEXT_ND},
                {0x2160, UNITEXT_NL}, {0xb2, UNITEXT_NO},        {'_', UNITEXT_PC},
                {'-', UNITEXT_PD},    {'(', UNITEXT_PS},         {')', UNITEXT_PE},
                {0xab, UNITEXT_PI},   {0xbb, UNITEXT_PF},        {'!', UNITEXT_PO},
                {'+', UNITEXT_SM},    {'$', UNITEXT_SC},         {'^', UNITEXT_SK},
                {0xa9, UNITEXT_SO},   {' ', UNITEXT_ZS},         {0x2028, UNITEXT_ZL},
                {0x2029, UNITEXT_ZP}, {'\n', UNITEXT_CC},        {0x200d, UNITEXT_CF},
                {0xd800, UNITEXT_CS}, {0xe000, UNITEXT_CO},      {0xfdd0, UNITEXT_CN},
                {'7', UNITEXT_ND},    {UNITEXT_BAD, UNITEXT_CS}, {0x10ffff, UNITEXT_CN}};

    (void)c;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        EXPECT_INT(unitext_kind(rows[i].character), rows[i].kind);
    EXPECT(unitext_is_space(0x1c) && unitext_is_space(0x3000) && !unitext_is_space(0x200b));
    EXPECT(unitext_is_digit(0x661) && !unitext_is_digit(0xb2) && unitext_is_word(0xb2));
    EXPECT(unitext_is_letter(0x5d0) && !unitext_is_cased(0x5d0) && unitext_is_cased(0x1c5));
    EXPECT(!unitext_is_printable(0xe000) && unitext_is_printable(0xa9));
    EXPECT(!unitext_is_word(UNITEXT_BAD) && !unitext_is_space(UNITEXT_BAD));
}

// Every character that is written is read back, and bytes that are none are passed one by one.
static void characters_go_to_bytes_and_back(const Comm *c)
{
    char    bytes[UNITEXT_BYTES];
    int64_t n, count = 0;

    (void)c;
    for (int32_t code = 0; code < 0x110000; code++) {
        Span s = {bytes, 0};

        if (0xd800 <= code && code < 0xe000)
            continue;
        s.length = unitext_write(code, bytes);
        if (unitext_next(s, &n) == code && n == s.length && unitext_last(s, &n) == code)
            count++;
    }
    EXPECT_INT(count, 0x110000 - 0x800);
    EXPECT_INT(unitext_next(span_of("\xed\xa0\x80"), &n), UNITEXT_BAD); // a surrogate
    EXPECT_INT(n, 1);
    EXPECT_INT(unitext_last(span_of("a\xe3\x80"), &n), UNITEXT_BAD);
    EXPECT_INT(n, 1);
    EXPECT_INT(unitext_characters(span_of("\xc3\xa9\xff\xe3\x80")), 4);
}

// All cases of one character, parted by bars; lower case as if it stood alone.
static const char *cases_of(const char *character)
{
    Text    t = text_make(&arena);
    char    bytes[UNITEXT_CASED_BYTES];
    Span    s = span_of(character);
    int64_t n;
    int32_t code = unitext_next(s, &n);

    EXPECT_INT(n, s.length);
    text_add(&t, bytes, unitext_upper_of(code, bytes));
    text_puts(&t, "|");
    text_add(&t, bytes, unitext_title_of(code, bytes));
    text_puts(&t, "|");
    text_add(&t, bytes, unitext_lower_of(s, 0, bytes));
    return t.data;
}

static void one_character_may_become_several(const Comm *c)
{
    (void)c;
    start();
    EXPECT_TEXT(cases_of("a"), "A|A|a");
    EXPECT_TEXT(cases_of("7"), "7|7|7");
    EXPECT_TEXT(cases_of("ß"), "SS|Ss|ß");
    EXPECT_TEXT(cases_of("ﬃ"), "FFI|Ffi|ﬃ");
    EXPECT_TEXT(cases_of("ŉ"), "ʼN|ʼN|ŉ");
    EXPECT_TEXT(cases_of("ǆ"), "Ǆ|ǅ|ǆ");
    EXPECT_TEXT(cases_of("և"), "ԵՒ|Եւ|և");
    EXPECT_TEXT(cases_of("İ"), "İ|İ|i\xcc\x87");
    EXPECT_TEXT(cases_of("ΐ"), "Ι\xcc\x88\xcc\x81|Ι\xcc\x88\xcc\x81|ΐ");
    EXPECT_TEXT(cases_of("ᾧ"), "ὯΙ|ᾯ|ᾧ"); // the iota below becomes a letter beside
    EXPECT_TEXT(cases_of("ᾳ"), "ΑΙ|ᾼ|ᾳ");
    EXPECT_TEXT(cases_of("ᾼ"), "ΑΙ|ᾼ|ᾳ");
    EXPECT_TEXT(cases_of("ᾷ"), "Α\xcd\x82Ι|Α\xcd\x82\xcd\x85|ᾷ");
    EXPECT_TEXT(cases_of("Σ"), "Σ|Σ|σ");
}

static const char *lower_of(const char *text)
{
    Text t = text_make(&arena);

    unitext_lower(&t, span_of(text));
    return t.data;
}

static void a_sigma_knows_where_a_word_ends(const Comm *c)
{
    Text t;

    (void)c;
    start();
    EXPECT_TEXT(lower_of("ΟΔΟΣ"), "οδος");
    EXPECT_TEXT(lower_of("ΟΔΟΣ ΣΟΦΙΑΣ, Σ"), "οδος σοφιας, σ");
    EXPECT_TEXT(lower_of("ΑΣ'Α ΑΣ' Α"), "ασ'α ας' α"); // looked past, on both sides
    t = text_make(&arena);
    unitext_capitalize(&t, span_of("σΑΣ ﬁN"));
    EXPECT_TEXT(t.data, "Σας ﬁn");
}

// A text in a normal form.
static const char *normal(UnitextCodes *codes, UnitextForm form, const char *text)
{
    Text t = text_make(&arena);

    unitext_normalize(codes, form, span_of(text));
    for (int64_t i = 0; i < codes->count; i++)
        unitext_put(&t, codes->code[i]);
    return t.data;
}

static void texts_have_normal_forms(const Comm *c)
{
    UnitextCodes codes = {.arena = &arena};
    const char  *long_text;

    (void)c;
    start();
    EXPECT_TEXT(normal(&codes, UNITEXT_NFC, "e\xcc\x81"), "é");
    EXPECT_TEXT(normal(&codes, UNITEXT_NFD, "é"), "e\xcc\x81");
    EXPECT_TEXT(normal(&codes, UNITEXT_NFC, "ﬁ²"), "ﬁ²");
    EXPECT_TEXT(normal(&codes, UNITEXT_NFKC, "ﬁ²é"), "fi2é");
    EXPECT_TEXT(normal(&codes, UNITEXT_NFKD, "ﬁ²é"), "fi2e\xcc\x81");
    EXPECT_TEXT(normal(&codes, UNITEXT_NFKC_CASEFOLD, "STRAßE\xc2\xad Ⅻ"), "strasse xii");
    EXPECT_TEXT(normal(&codes, UNITEXT_NFC, ""), "");
    // One character becomes eighteen, and the room grows.
    long_text = normal(&codes, UNITEXT_NFKD, "\xef\xb7\xba\xef\xb7\xba\xef\xb7\xba");
    EXPECT_INT(codes.count, 3 * 18);
    EXPECT_INT(unitext_characters(span_of(long_text)), 3 * 18);
    EXPECT_INT(unitext_words(span_of(long_text)), 10); // three times four, joined
}

static void texts_are_compared_without_case(const Comm *c)
{
    (void)c;
    EXPECT(unitext_is_same_folded(span_of("ÉCOLE ſ µ"), span_of("école s μ")));
    EXPECT(!unitext_is_same_folded(span_of("ab"), span_of("abc")));
    EXPECT(!unitext_is_same_folded(span_of("\xff"), span_of("\xfe")));
    EXPECT_INT(unitext_prefix_folded(span_of("Straße 7"), span_of("sTRASSE")), -1);
    EXPECT_INT(unitext_prefix_folded(span_of("ÄPFEL!"), span_of("äpfel")), 6);
    EXPECT_INT(unitext_find_folded(span_of("xÄy"), span_of("äY")), 1);
    EXPECT_INT(unitext_find_folded(span_of("x"), span_of("")), 0);
    EXPECT_INT(unitext_find_word(span_of("category Cat"), span_of("cat")), 9);
    EXPECT_INT(unitext_find_word(span_of("concat"), span_of("cat")), -1);
}

static void white_space_is_that_of_any_script(const Comm *c)
{
    Text t;
    Span s = unitext_strip(span_of("\xc2\xa0 a  b\xe3\x80\x80\n"));

    (void)c;
    start();
    EXPECT(unitext_is_same(s, span_of("a  b")));
    EXPECT(unitext_is_blank(span_of(" \x1c\xe2\x80\xa8")) && !unitext_is_blank(span_of("\xff")));
    EXPECT_INT(unitext_words(span_of(" one\n two\xe3\x80\x80three")), 3);
    EXPECT(unitext_is_same(unitext_first_words(span_of(" one\n two x"), 2), span_of(" one\n two")));
    t = text_make(&arena);
    unitext_collapse(&t, span_of("a \t\xe2\x80\x89 b\n"));
    EXPECT_TEXT(t.data, "a b ");
}

TEST_MAIN(CASE(characters_have_kinds), CASE(characters_go_to_bytes_and_back),
          CASE(one_character_may_become_several), CASE(a_sigma_knows_where_a_word_ends),
          CASE(texts_have_normal_forms), CASE(texts_are_compared_without_case),
          CASE(white_space_is_that_of_any_script))
