#include "base/text.h"
#include "tests/check.h"

#include <string.h>

static Arena arena; // one for the program, emptied between cases

static Text start(void)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 16 << 20));
    arena_back(&arena, 0);
    return text_make(&arena);
}

static void text_grows_and_keeps_its_bytes(const Comm *c)
{
    Text t = start();

    EXPECT_TEXT(t.data, "");
    for (int i = 0; i < 10000; i++) {
        text_printf(&t, "%05d", i);
        if (i % 100 == 0)
            arena_new(&arena, char, 1); // now it cannot grow in place
    }
    EXPECT_INT(t.length, 50000);
    EXPECT(memcmp(t.data + 5 * 9999, "09999", 6) == 0);
    EXPECT(memcmp(t.data + 5 * 77, "00077", 5) == 0);
    text_add(&t, "a\0b", 3);
    EXPECT_INT(t.length, 50003);
    text_puts(&t, "");
    EXPECT_INT(t.length, 50003);
    (void)c;
}

static void well_formed_utf8_is_accepted_to_the_byte(const Comm *c)
{
    static const struct {
        const char *bytes;
        int         length; // of the first sequence, 0: not well-formed
    } cases[] = {{"a", 1},
                 {"\x7f", 1},
                 {"\xc2\x80", 2},
                 {"\xdf\xbf", 2},
                 {"\xe0\xa0\x80", 3},
                 {"\xed\x9f\xbf", 3},
                 {"\xee\x80\x80", 3},
                 {"\xef\xbf\xbf", 3},
                 {"\xf0\x90\x80\x80", 4},
                 {"\xf4\x8f\xbf\xbf", 4},
                 {"\x80", 0},
                 {"\xc0\x80", 0},         // a zero in two bytes
                 {"\xc1\xbf", 0},         // too long a form
                 {"\xe0\x9f\xbf", 0},     // the same
                 {"\xed\xa0\x80", 0},     // a surrogate
                 {"\xf0\x8f\xbf\xbf", 0}, // too long a form
                 {"\xf4\x90\x80\x80", 0}, // above U+10FFFF
                 {"\xf5\x80\x80\x80", 0},
                 {"\xff", 0},
                 {"\xe2\x82", 0}, // cut off
                 {"\xe2\x28\xa1", 0}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        EXPECT_INT(text_utf8_length(cases[i].bytes, (int64_t)strlen(cases[i].bytes)),
                   cases[i].length);
    EXPECT_INT(text_utf8_length("", 0), 0);
    EXPECT_INT(text_utf8_bad("ab\xc3\xa9", 4), -1);
    EXPECT_INT(text_utf8_bad("ab\xc3\xa9\xff", 5), 4);
    EXPECT_INT(text_utf8_bad("ab\xc3\xa9", 3), 2);
    EXPECT_INT(text_utf8_bad("", 0), -1);
    check_compared((int64_t)(sizeof cases / sizeof cases[0]));
    (void)c;
}

static void json_strings_are_quoted(const Comm *c)
{
    static const char raw[] = "a\"b\\c\n\t\x01\0\xc3\xa9\xff!";
    Text              t = start();

    text_json(&t, raw, (int64_t)sizeof raw - 1);
    EXPECT_TEXT(t.data, "\"a\\\"b\\\\c\\n\\u0009\\u0001\\u0000\xc3\xa9\\ufffd!\"");
    t = start();
    text_json(&t, "", 0);
    EXPECT_TEXT(t.data, "\"\"");
    (void)c;
}

static void distance_counts_changed_letters(const Comm *c)
{
    static const char letters[] =
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

    EXPECT_INT(text_distance("", ""), 0);
    EXPECT_INT(text_distance("kitten", "sitting"), 3);
    EXPECT_INT(text_distance("abc", ""), 3);
    EXPECT_INT(text_distance("", "abc"), 3);
    EXPECT_INT(text_distance("steps", "step"), 1);
    EXPECT(text_distance(letters, letters) > 60); // too long to be looked at
    (void)c;
}

static void nearest_finds_what_was_meant_or_nothing(const Comm *c)
{
    static const char *const keys[] = {"learning_rate", "steps", "seed", "warmup"};

    EXPECT_TEXT(text_nearest("learning_rat", keys, 4), "learning_rate");
    EXPECT_TEXT(text_nearest("learningrate", keys, 4), "learning_rate");
    EXPECT_TEXT(text_nearest("step", keys, 4), "steps");
    EXPECT(text_nearest("temperature", keys, 4) == NULL);
    EXPECT(text_nearest("x", keys, 0) == NULL);
    (void)c;
}

static void ends_are_compared_whole(const Comm *c)
{
    EXPECT(text_ends_with("a.bin", ".bin") && text_ends_with("a", "a") && text_ends_with("a", ""));
    EXPECT(!text_ends_with("bin", ".bin") && !text_ends_with("a.bin", ".bi"));
    (void)c;
}

TEST_MAIN(CASE(text_grows_and_keeps_its_bytes), CASE(well_formed_utf8_is_accepted_to_the_byte),
          CASE(json_strings_are_quoted), CASE(distance_counts_changed_letters),
          CASE(nearest_finds_what_was_meant_or_nothing), CASE(ends_are_compared_whole))
