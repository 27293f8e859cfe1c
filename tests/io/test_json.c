#include "base/clock.h"
#include "base/rng.h"
#include "io/json.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

static Arena *room(void)
{
    static Arena arena;

    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 64 << 20));
    return &arena;
}

static Err parse(const char *text, const Json **root)
{
    return json_parse(room(), "t.json", text, (int64_t)strlen(text), JSON_COMMENTS, root);
}

// The text is refused with this message, and the arena is as before.
static void refused(const char *text, const char *says)
{
    ArenaMark   before = arena_mark(room());
    const Json *root;

    EXPECT_ERR(parse(text, &root), ERR_DATA, says);
    EXPECT_INT(arena_mark(room()), before);
}

static void json_holds_every_kind_of_value(const Comm *c)
{
    const Json *root, *m;

    (void)c;
    EXPECT_OK(parse("{\"n\": null, \"f\": false, \"t\": true, \"x\": -1.5e2, \"s\": \"\\u00e9\\n\","
                    " \"a\": [1, [], {}], \"o\": {\"k\": \"\"}}",
                    &root));
    EXPECT_INT(root->kind, JSON_OBJECT);
    EXPECT_INT(root->length, 7);
    EXPECT_INT(json_member(root, "n")->kind, JSON_NULL);
    EXPECT_INT(json_member(root, "f")->kind, JSON_FALSE);
    EXPECT_INT(json_member(root, "t")->kind, JSON_TRUE);
    EXPECT_NEAR(json_member(root, "x")->number, -150, 0);
    EXPECT_TEXT(json_member(root, "s")->text, "é\n");
    EXPECT_INT(json_member(root, "s")->length, 3);
    m = json_member(root, "a");
    EXPECT_INT(m->length, 3);
    EXPECT_NEAR(m->child->number, 1, 0);
    EXPECT_INT(m->child->next->length, 0);
    EXPECT(m->child->next->next->next == NULL);
    EXPECT(json_member(json_member(root, "o"), "k")->text[0] == 0);
    EXPECT(json_member(root, "N") == NULL);
    EXPECT(m->parent == root && root->parent == NULL);
}

static void json_knows_line_and_column_behind_comments(const Comm *c)
{
    const Json *root, *m;
    char        words[JSON_WORDS];

    (void)c;
    EXPECT_OK(
        parse("// first: \"é\"\n{ /* é */ \"a\": 1,\r\n  \"é\": [ 2, /*\n*/ {\"//\": \"/*\"}\n]}"
              " // end",
              &root));
    EXPECT_INT(root->line, 2);
    EXPECT_INT(root->column, 1);
    m = json_member(root, "a");
    EXPECT_INT(m->key_column, 11);
    EXPECT_INT(m->column, 16);
    m = json_member(root, "é");
    EXPECT_INT(m->key_line, 3);
    EXPECT_INT(m->key_column, 3);
    EXPECT_INT(m->column, 8);
    m = m->child->next->child;
    EXPECT_TEXT(m->text, "/*");
    EXPECT_TEXT(json_where(m, words, sizeof words), "t.json:4:11");
    EXPECT_TEXT(json_path(m, words, sizeof words), "é[1].//");
}

static void json_refuses_what_json_does_not_allow(const Comm *c)
{
    static const char *const bad[][2] = {
        {"", "t.json:1:1: expected a value, found the end of the text"},
        {"{\"a\": 1 x}", "t.json:1:9: expected ',' or '}' after a value, found 'x'"},
        {"[1 2]", "expected ',' or ']' after a value, found '2'"},
        {"[1,]", "t.json:1:4: expected a value, found ']'"},
        {"{\"a\": 1,}", "t.json:1:9: expected a key in quotes, found '}'"},
        {"{a: 1}", "expected a key in quotes, found 'a'"},
        {"{\"a\" 1}", "expected ':' after a key, found '1'"},
        {"{\n\"a\": 1,\n\"a\": 2}",
         "t.json:3:1: expected every key once, found \"a\" again (first at"
         " line 2, column 1)"},
        {"[{\"b\": {\"a\": 1, \"\\u0061\": 2}}]", "found \"[0].b.a\" again"},
        {"01", "without zeros in front"},
        {"-", "expected a digit after '-'"},
        {"1.", "t.json:1:3: expected a digit after '.', found the end of the text"},
        {"1e", "exponent"},
        {"+1", "expected a value, found '+'"},
        {".5", "expected a value, found '.'"},
        {"NaN", "expected a value, found 'N'"},
        {"[1e999]", "t.json:1:2: expected a finite number"},
        {"-1e999", "finite"},
        {"tru", "expected a value, found 't'"},
        {"truex", "expected the end of the text, found 'x'"},
        {"\"a\nb\"", "t.json:1:3: expected a closing quote"},
        {"\"a\tb\"", "found the control character 0x09"},
        {"\"a", "t.json:1:3: expected a closing quote, found the end of the text"},
        {"\"\\u0000\"", "zero character"},
        {"\"\\ud800\"", "surrogate"},
        {"\"\\ud800\\u0041\"", "surrogate"},
        {"\"\\udc00\"", "surrogate"},
        {"\"\\u12g4\"", "four hexadecimal digits"},
        {"\"\\x\"", "after a backslash, found 'x'"},
        {"\"\\", "after a backslash, found the end of the text"},
        {"\"\xff\"", "t.json:1:2: expected UTF-8, found the byte 0xff"},
        {"\"\xed\xa0\x80\"", "expected UTF-8"},
        {"{} {}", "t.json:1:4: expected the end of the text, found '{'"},
        {"1 /* x", "t.json:1:3: expected */"},
        {"[1, / 2]", "found '/'"},
        {"\xef\xbb\xbf{}", "expected a value"},
    };

    (void)c;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refused(bad[i][0], bad[i][1]);
}

static void json_allows_comments_only_where_asked(const Comm *c)
{
    const Json *root;

    (void)c;
    EXPECT_ERR(json_parse(room(), "l.jsonl", "1 // x", 6, JSON_NO_COMMENTS, &root), ERR_DATA,
               "l.jsonl:1:3: expected the end of the text, found '/'");
    EXPECT_OK(json_parse(room(), "l.jsonl", "\"// no /* comment\"", 18, JSON_NO_COMMENTS, &root));
    EXPECT_OK(parse("\"// no /* comment\"", &root));
    EXPECT_TEXT(root->text, "// no /* comment");
    EXPECT_OK(parse("/**/1//", &root));
}

static void json_takes_only_the_bytes_it_was_given(const Comm *c)
{
    const Json *root;

    (void)c;
    EXPECT_OK(json_parse(room(), "x", "12345", 2, JSON_NO_COMMENTS, &root));
    EXPECT_NEAR(root->number, 12, 0);
    EXPECT_ERR(json_parse(room(), "x", "[1]\0", 4, JSON_NO_COMMENTS, &root), ERR_DATA,
               "found the control character 0x00");
    EXPECT_ERR(json_parse(room(), "x", "", 0, JSON_COMMENTS, &root), ERR_DATA, "end of the text");
    EXPECT_OK(parse("\"\\ud83d\\ude00\"", &root));
    EXPECT_TEXT(root->text, "😀");
}

static void json_has_limits_of_depth_size_and_memory(const Comm *c)
{
    Arena       tiny;
    const Json *root;
    char        deep[200];

    (void)c;
    for (int levels = 64; levels <= 65; levels++) {
        memset(deep, '[', (size_t)levels);
        memset(deep + levels, ']', (size_t)levels);
        EXPECT_ERR(json_parse(room(), "d", deep, 2 * levels, JSON_NO_COMMENTS, &root),
                   levels == 64 ? OK : ERR_DATA, levels == 64 ? NULL : "64 levels");
    }
    EXPECT_ERR(json_parse(room(), "big", "1", (int64_t)JSON_BYTES_MAX + 1, JSON_COMMENTS, &root),
               ERR_DATA, "at most 67108864 bytes");
    EXPECT_OK(arena_make(&tiny, "tiny", 1024));
    EXPECT_ERR(json_parse(&tiny, "many", "[1,2,3,4,5,6,7,8,9,10]", 22, JSON_COMMENTS, &root),
               ERR_DATA, "left in the tiny arena");
    EXPECT_INT(tiny.used, 0);
    EXPECT_OK(json_parse(&tiny, "few", "[1,2]", 5, JSON_COMMENTS, &root));
    arena_free(&tiny);
}

static void json_finds_duplicates_in_large_objects_quickly(const Comm *c)
{
    enum { KEYS = 50000 };
    ArenaMark   mark = arena_mark(room());
    Text        t = text_make(room());
    const Json *root;
    double      began = clock_now();

    (void)c;
    text_puts(&t, "{");
    for (int i = 0; i < KEYS; i++)
        text_printf(&t, "\"k%d\": 0, ", i);
    text_puts(&t, "\"k777\": 1}");
    EXPECT_ERR(json_parse(room(), "big", t.data, t.length, JSON_NO_COMMENTS, &root), ERR_DATA,
               "found \"k777\" again");
    EXPECT(clock_now() - began < 20);
    arena_back(room(), mark);
}

static void json_getters_name_the_full_key(const Comm *c)
{
    const Json *root, *in;
    const char *text;
    int64_t     whole;
    double      number;

    (void)c;
    EXPECT_OK(
        parse("{\"a\": {\"b\": 3, \"s\": \"x\", \"f\": 2.5, \"l\": [1], \"big\": 1e17}}", &root));
    EXPECT_OK(json_want_object(root, "a", &in));
    EXPECT_OK(json_want_i64(in, "b", 1, 3, &whole));
    EXPECT_INT(whole, 3);
    EXPECT_OK(json_want_text(in, "s", &text));
    EXPECT_TEXT(text, "x");
    EXPECT_OK(json_want_f64(in, "f", 2, 3, &number));
    EXPECT_NEAR(number, 2.5, 0);
    EXPECT_ERR(json_want_i64(in, "b", 1, 2, &whole), ERR_DATA,
               "t.json:1:13: expected a whole number from 1 to 2 as a.b, found 3");
    EXPECT_ERR(json_want_i64(in, "f", 1, 9, &whole), ERR_DATA, "as a.f, found 2.5");
    EXPECT_ERR(json_want_i64(in, "big", 0, INT64_MAX, &whole), ERR_DATA, "as a.big");
    EXPECT_ERR(json_want_f64(in, "f", 0, 2, &number), ERR_DATA, "a number from 0 to 2 as a.f");
    EXPECT_ERR(json_want_text(in, "b", &text), ERR_DATA, "expected a text as a.b, found 3");
    EXPECT_ERR(json_want_text(in, "l", &text), ERR_DATA, "found an array");
    EXPECT_ERR(json_want_array(in, "s", &root), ERR_DATA,
               "expected an array as a.s, found the text "
               "\"x\"");
    EXPECT_ERR(json_want_text(in, "none", &text), ERR_DATA,
               "expected the key \"a.none\", which is missing");
    EXPECT_ERR(json_want_text(json_member(in, "l"), "x", &text), ERR_DATA,
               "expected an object as a.l");
}

static void json_unknown_keys_name_the_nearest(const Comm *c)
{
    static const char *const known[] = {"steps", "seed"};
    const Json              *root;

    (void)c;
    EXPECT_OK(parse("{\"seed\": 1,\n \"stpes\": 2}", &root));
    EXPECT_ERR(json_only(root, known, 2), ERR_CONFIG,
               "t.json:2:2: unknown key \"stpes\"; did you mean \"steps\"?");
    EXPECT_OK(parse("{\"seed\": 1, \"steps\": 2}", &root));
    EXPECT_OK(json_only(root, known, 2));
}

static void json_messages_carry_no_control_characters(const Comm *c)
{
    const Json *root;
    char        words[JSON_WORDS];

    (void)c;
    EXPECT_OK(parse("{\"\\u001b[2J\": \"\\u001b[2J\\n\"}", &root));
    EXPECT_TEXT(json_show(root->child, words, sizeof words), "the text \"?[2J?\"");
    EXPECT_TEXT(json_path(root->child, words, sizeof words), "?[2J");
}

static void json_written_reads_back_the_same(const Comm *c)
{
    const char *text =
        "{\"a\": [1, -0, 0.1, 1e+300, 9007199254740993, 5e-324, 0.30000000000000004],"
        " \"é\\\"\\n\": {\"t\": true, \"f\": false, \"n\": null}, \"e\": [], \"o\": {}}";
    const Json *root;
    Text        one = text_make(room()), two = text_make(room());

    (void)c;
    EXPECT_OK(parse(text, &root));
    json_write(&one, root);
    EXPECT(strchr(one.data, '\n') == NULL);
    EXPECT_OK(parse(one.data, &root));
    json_write(&two, root);
    EXPECT_TEXT(two.data, one.data);
    EXPECT_TEXT(one.data,
                "{\"a\": [1, -0, 0.1, 1e+300, 9007199254740992, 4.94065645841247e-324, "
                "0.30000000000000004], \"é\\\"\\n\": {\"t\": true, \"f\": false, \"n\": null}, "
                "\"e\": [], \"o\": {}}");
}

static void json_reads_files_and_names_them(const Comm *c)
{
    const char *folder = check_folder(c, "json");
    char        path[300];
    const Json *root;
    FILE       *f;

    snprintf(path, sizeof path, "%s/x.json", folder);
    f = fopen(path, "w");
    fputs("{\n\"a\": }", f);
    fclose(f);
    EXPECT_ERR(json_read(room(), path, JSON_COMMENTS, &root), ERR_DATA,
               "x.json:2:6: expected a value, found '}'");
    EXPECT_ERR(json_read(room(), "nowhere.json", JSON_COMMENTS, &root), ERR_IO, "nowhere.json");
}

// Changes, removes, doubles or moves a few bytes.
static int64_t mutate(Rng *r, char *text, int64_t length, int64_t room)
{
    static const char signs[] = "{}[]\",:\\/*u0123456789eE+-.tfn \n\t\r\xff\xc3\xa9";
    int               times = 1 + (int)rng_below(r, 6);

    for (int k = 0; k < times && length > 0; k++) {
        int64_t at = (int64_t)rng_below(r, (uint64_t)length);
        int64_t n = 1 + (int64_t)rng_below(r, 8);

        n = n < length - at ? n : length - at;
        switch (rng_below(r, 4)) {
        case 0: text[at] = signs[rng_below(r, sizeof signs)]; break; // its final zero too
        case 1: text[at] = (char)rng_below(r, 256); break;
        case 2:
            memmove(text + at, text + at + n, (size_t)(length - at - n));
            length -= n;
            break;
        default:
            if (length + n > room)
                break;
            memmove(text + at + n, text + at, (size_t)(length - at));
            length += n;
        }
    }
    return length;
}

static void json_survives_twenty_thousand_mutations(const Comm *c)
{
    static const char valid[] = "// a recipe\n{\"name\": \"star\", \"n\": [1, 2.5e-3, -0, 1E9], /* "
                                "deep */ \"o\": {\"a\": {\"b\":"
                                " [true, false, null, \"\\u00e9\\ud83d\\ude00\\n\"]}}, \"text\": "
                                "\"a \\\"quoted\\\" é word\","
                                "\n \"empty\": [{}, [], \"\"]}";
    int               accepted = 0;

    (void)c;
    for (uint32_t i = 0; i < 20000; i++) {
        char        text[600];
        ArenaMark   mark = arena_mark(room());
        Rng         r = rng_make(1, rng_stream("mutate", 0, 0, 0), i);
        int64_t     length;
        const Json *root;

        memcpy(text, valid, sizeof valid);
        length = mutate(&r, text, (int64_t)sizeof valid - 1, (int64_t)sizeof text);
        if (json_parse(room(), "m", text, length, JSON_COMMENTS, &root) == OK) {
            Text t = text_make(room());
            json_write(&t, root);
            EXPECT_OK(json_parse(room(), "again", t.data, t.length, JSON_NO_COMMENTS, &root));
            accepted++;
        } else {
            EXPECT(strncmp(err_record()->text, "m:", 2) == 0);
            err_forget();
        }
        arena_back(room(), mark);
    }
    EXPECT(accepted > 100 && accepted < 15000);
}

TEST_MAIN(CASE(json_holds_every_kind_of_value), CASE(json_knows_line_and_column_behind_comments),
          CASE(json_refuses_what_json_does_not_allow), CASE(json_allows_comments_only_where_asked),
          CASE(json_takes_only_the_bytes_it_was_given),
          CASE(json_has_limits_of_depth_size_and_memory),
          CASE(json_finds_duplicates_in_large_objects_quickly),
          CASE(json_getters_name_the_full_key), CASE(json_unknown_keys_name_the_nearest),
          CASE(json_messages_carry_no_control_characters), CASE(json_written_reads_back_the_same),
          CASE(json_reads_files_and_names_them), CASE(json_survives_twenty_thousand_mutations))
