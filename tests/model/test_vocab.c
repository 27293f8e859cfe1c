#include "model/vocab.h"
#include "tests/check.h"

#include <string.h>

static const char DIGITS[] =
    "{\"kind\": \"character\", \"alphabet\": \"0123456789+=;,()Q\\n.é€😀\", "
    "\"bos\": \"Q\", \"eos\": \"\\n\", \"pad\": \".\"}";

static Arena *room(void)
{
    static Arena arena;

    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 64 << 20));
    return &arena;
}

static Err make(const char *text, Vocab **out)
{
    const Json *root;

    TRY(json_parse(room(), "v", text, (int64_t)strlen(text), JSON_COMMENTS, &root));
    return vocab_make(room(), root, out);
}

static void vocab_of_characters_goes_there_and_back(const Comm *c)
{
    const char *text = "Q17+(5)=22;é€😀\n";
    int32_t     ids[32];
    int64_t     count;
    Vocab      *v;
    Text        back = text_make(room());

    (void)c;
    EXPECT_OK(make(DIGITS, &v));
    EXPECT_INT(vocab_size(v), 22);
    EXPECT_INT(vocab_bos(v), 16);
    EXPECT_INT(vocab_eos(v), 17);
    EXPECT_INT(vocab_pad(v), 18);
    EXPECT_OK(vocab_encode(v, text, (int64_t)strlen(text), ids, 32, &count));
    EXPECT_INT(count, 15);
    EXPECT_INT(ids[0], 16);
    EXPECT_INT(ids[1], 1);
    EXPECT_INT(ids[11], 19);
    EXPECT_INT(ids[13], 21);
    EXPECT_INT(ids[14], 17);
    for (int64_t i = 0; i < count; i++)
        vocab_decode(v, ids[i], &back);
    EXPECT_TEXT(back.data, text);
}

static void vocab_of_bytes_takes_every_byte(const Comm *c)
{
    char    all[256];
    int32_t ids[256];
    int64_t count;
    Vocab  *v;
    Text    back = text_make(room());

    (void)c;
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    EXPECT_OK(make("{\"kind\": \"byte\"}", &v));
    EXPECT_INT(vocab_size(v), 259);
    EXPECT_INT(vocab_bos(v), 256);
    EXPECT_INT(vocab_eos(v), 257);
    EXPECT_INT(vocab_pad(v), 258);
    EXPECT_OK(vocab_encode(v, all, 256, ids, 256, &count));
    EXPECT_INT(count, 256);
    EXPECT_INT(ids[255], 255);
    for (int i = 0; i < 256; i++)
        vocab_decode(v, ids[i], &back);
    vocab_decode(v, 257, &back);
    EXPECT_INT(back.length, 256);
    EXPECT(memcmp(back.data, all, 256) == 0);
}

static void vocab_may_have_no_specials(const Comm *c)
{
    Vocab  *v;
    int64_t count = 1;

    (void)c;
    EXPECT_OK(make("{\"kind\": \"character\", \"alphabet\": \"a\"}", &v));
    EXPECT_INT(vocab_size(v), 1);
    EXPECT_INT(vocab_bos(v), -1);
    EXPECT_INT(vocab_eos(v), -1);
    EXPECT_INT(vocab_pad(v), -1);
    EXPECT_OK(vocab_encode(v, "", 0, NULL, 0, &count));
    EXPECT_INT(count, 0);
}

static void vocab_refuses_what_does_not_fit(const Comm *c)
{
    static const char *const bad[][2] = {
        {"{}", "the key \"kind\" is missing"},
        {"{\"kind\": \"word\"}", "\"character\", \"byte\""},
        {"{\"kind\": \"character\"}", "needs an alphabet"},
        {"{\"kind\": \"character\", \"alphabet\": \"abéab\"}",
         "found 'a' as number 0 and number 3"},
        {"{\"kind\": \"character\", \"alphabet\": \"éaé\"}", "found 'é' as number 0 and number 2"},
        {"{\"kind\": \"character\", \"alphabet\": \"ab\", \"bos\": \"c\"}",
         "expected a character of the alphabet as bos, found \"c\""},
        {"{\"kind\": \"character\", \"alphabet\": \"ab\", \"pad\": \"ab\"}",
         "expected one character as pad"},
        {"{\"kind\": \"character\", \"alphabt\": \"ab\"}", "did you mean \"alphabet\"?"},
        {"{\"kind\": \"byte\", \"pad\": \"x\"}", "remove these keys"},
    };
    Vocab *v;

    (void)c;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT_ERR(make(bad[i][0], &v), ERR_CONFIG, bad[i][1]);
    EXPECT_ERR(vocab_make(room(), NULL, &v), ERR_CONFIG, "kind");
}

static void vocab_names_the_character_it_lacks(const Comm *c)
{
    int32_t ids[8];
    int64_t count;
    Vocab  *v;

    (void)c;
    EXPECT_OK(make(DIGITS, &v));
    EXPECT_ERR(vocab_encode(v, "é1x", 4, ids, 8, &count), ERR_DATA,
               "no token for 'x', at character 3 of the text");
    EXPECT_ERR(vocab_encode(v, "1ü", 3, ids, 8, &count), ERR_DATA, "no token for 'ü'");
    EXPECT_ERR(vocab_encode(v, "\t", 1, ids, 8, &count), ERR_DATA, "the character 0x09");
    EXPECT_ERR(vocab_encode(v, "\0", 1, ids, 8, &count), ERR_DATA, "the character 0x00");
    EXPECT_ERR(vocab_encode(v, "1\xc3", 2, ids, 8, &count), ERR_DATA, "the byte 0xc3 at byte 1");
    EXPECT_ERR(vocab_encode(v, "123456789", 9, ids, 8, &count), ERR_DATA, "more than the 8 tokens");
    EXPECT_OK(make("{\"kind\": \"byte\"}", &v));
    EXPECT_ERR(vocab_encode(v, "123456789", 9, ids, 8, &count), ERR_DATA, "more than the 8 tokens");
}

static void vocab_written_is_the_same_vocabulary(const Comm *c)
{
    static const char *const both[] = {DIGITS, "{\"kind\": \"byte\"}"};

    (void)c;
    for (int i = 0; i < 2; i++) {
        Vocab *one, *two;
        Text   a = text_make(room()), b = text_make(room());

        EXPECT_OK(make(both[i], &one));
        vocab_write(&a, one);
        EXPECT_OK(make(a.data, &two));
        vocab_write(&b, two);
        EXPECT_TEXT(b.data, a.data);
        EXPECT_INT(vocab_size(one), vocab_size(two));
        EXPECT_INT(vocab_pad(one), vocab_pad(two));
    }
}

TEST_MAIN(CASE(vocab_of_characters_goes_there_and_back), CASE(vocab_of_bytes_takes_every_byte),
          CASE(vocab_may_have_no_specials), CASE(vocab_refuses_what_does_not_fit),
          CASE(vocab_names_the_character_it_lacks), CASE(vocab_written_is_the_same_vocabulary))
