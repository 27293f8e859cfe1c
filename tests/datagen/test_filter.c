// What filter rejects, kind by kind, and what it only judges.
#include "table.h"

static Arena arena;

static void start(void)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 30));
    arena_back(&arena, 0);
}

static Table *table_pair(const char *a, const char *b)
{
    static const char *const names[] = {"a", "b", NULL};
    TableRow                *row = arena_new(&arena, TableRow, 1);

    *row = (TableRow){.text = {a, b}};
    return table_make(&arena, names, row, 1);
}

// The reason of the rejection, "" if there is none.
static const char *reason_with(const char *more, const char *a, const char *b)
{
    Table  *t = table_pair(a, b);
    Recipe *r =
        table_recipe(t, arena_format(&arena, "{\"do\": \"filter\", \"in\": \"a\", %s}", more));
    SetRows rows = table_rows(t, r, 0, 1);

    return arena_text(&arena, table_reason(&rows, 0));
}

static const char *reason(const char *more, const char *a)
{
    return reason_with(more, a, "");
}

static void filter_counts(const Comm *c)
{
#define WORDS      "\"by\": \"words\", \"min\": 2, \"max\": 3"
#define CHARACTERS "\"by\": \"characters\", \"min\": 2, \"max\": 3"
#define SENTENCES  "\"by\": \"sentences\", \"min\": 2"
    (void)c;
    start();
    EXPECT_TEXT(reason("\"by\": \"empty\"", " \n\xe3\x80\x80"), "empty");
    EXPECT_TEXT(reason("\"by\": \"empty\"", "."), "");
    EXPECT_TEXT(reason(WORDS, "a"), "too_short");
    EXPECT_TEXT(reason(WORDS, "a b"), "");
    EXPECT_TEXT(reason(WORDS, "a b c\xc2\xa0"
                              "d"),
                "too_long");
    EXPECT_TEXT(reason(WORDS ", \"reason\": \"window\"", ""), "window");
    EXPECT_TEXT(reason("\"by\": \"words\", \"min\": 1", "a b c d e f g"), "");
    EXPECT_TEXT(reason(CHARACTERS, "\xc3\xa9"), "too_short");
    EXPECT_TEXT(reason(CHARACTERS, "\xc3\xa9\xc3\xa9\xc3\xa9"), "");
    EXPECT_TEXT(reason(CHARACTERS, "\xc3\xa9\xc3\xa9\xc3\xa9."), "too_long");
    EXPECT_TEXT(reason(SENTENCES, "One. Two"), "");
    EXPECT_TEXT(reason(SENTENCES, "\"One!\" (Two.) "), "");
    EXPECT_TEXT(reason(SENTENCES, "It costs 3.50 or so."), "few sentences");
    EXPECT_TEXT(reason(SENTENCES, "\xe4\xb8\x80\xe3\x80\x82\xe4\xba\x8c\xe3\x80\x82"), "");
}

static void filter_finds_words(const Comm *c)
{
#define LIST "\"list\": [\"file\", \"go to\"]"
    Table  *t;
    SetRows rows;

    (void)c;
    start();
    EXPECT_TEXT(reason("\"by\": \"word_list\", " LIST, "Open the FILE."), "blacklist");
    EXPECT_TEXT(reason("\"by\": \"word_list\", " LIST, "profile files file_name"), "");
    EXPECT_TEXT(reason("\"by\": \"word_list\", " LIST, "Go to bed"), "blacklist");
    EXPECT_TEXT(reason("\"by\": \"word_list\", " LIST, "go  to"), "");
    EXPECT_TEXT(reason("\"by\": \"word_list\", " LIST, "\xc3\xa9"
                                                       "file"),
                ""); // inside of a word
    EXPECT_TEXT(reason("\"by\": \"word_list\", " LIST, "\xff"
                                                       "file\xff"),
                "blacklist");
    EXPECT_TEXT(reason("\"by\": \"word_list\", " LIST, "f\xc4\xb1le"), "blacklist"); // i, no dot
    EXPECT_TEXT(reason("\"by\": \"contains\", " LIST, "profile"), "leak");
    EXPECT_TEXT(reason("\"by\": \"refusal\"", "I'm Sorry, no."), "refusal");
    EXPECT_TEXT(reason("\"by\": \"refusal\", \"below\": 3", "I'm sorry, no."), "");
    EXPECT_TEXT(reason("\"by\": \"stop_words\"", "It is, and -- that's the ..."), "no content");
    EXPECT_TEXT(reason("\"by\": \"stop_words\"", "It is Paris"), "");
    EXPECT_TEXT(reason("\"by\": \"stop_words\"", ""), "no content");
    t = table_pair("go to the file", "");
    rows = table_rows(t,
                      table_recipe(t, "{\"do\": \"filter\", \"in\": \"a\", \"by\": "
                                      "\"word_list\", \"found\": \"x\", " LIST "}"),
                      0, 1);
    EXPECT_TEXT(table_field(t, &rows, 0, "x"), "file"); // the first of the list, not of the text
}

static void filter_looks_at_beginnings_and_ends(const Comm *c)
{
#define PREFIX "\"by\": \"prefix\", \"text\": \"Write a program\""
#define ENDS   "\"by\": \"ends_with\", \"text\": \"\xc3\x84:\"" // A with dots
    (void)c;
    start();
    EXPECT_TEXT(reason(PREFIX, "Write a programme"), "prefix");
    EXPECT_TEXT(reason(PREFIX, "write a program"), "");
    EXPECT_TEXT(reason(PREFIX ", \"case\": false", "WRITE a program"), "prefix");
    EXPECT_TEXT(reason(PREFIX, "Write"), "");
    EXPECT_TEXT(reason(ENDS, "a\xc3\x84: \n"), "ends_with");
    EXPECT_TEXT(reason(ENDS, "a\xc3\xa4:"), "");
    EXPECT_TEXT(reason(ENDS ", \"case\": false", "a\xc3\xa4:"), "ends_with");
    EXPECT_TEXT(reason(ENDS ", \"case\": false", ":"), "");
    EXPECT_TEXT(reason("\"by\": \"first_punctuation\"", "\"a"), "punctuation");
    EXPECT_TEXT(reason("\"by\": \"first_punctuation\"", "3 a"), "");
    EXPECT_TEXT(reason("\"by\": \"first_punctuation\"", ""), "");
    EXPECT_TEXT(reason("\"by\": \"first_non_ascii\"", "\xc3\x84"), "non_ascii");
    EXPECT_TEXT(reason("\"by\": \"first_non_ascii\"", "a\xc3\x84"), "");
}

static void filter_knows_characters(const Comm *c)
{
#define CHARSET(of) "\"by\": \"charset\", \"text\": \"" of "\""
    (void)c;
    start();
    EXPECT_TEXT(reason(CHARSET("ascii"), "a\x7f"), "");
    EXPECT_TEXT(reason(CHARSET("ascii"), "\xc3\xa9"), "charset");
    EXPECT_TEXT(reason(CHARSET("latin1"), "\xc3\xa9"), "");
    EXPECT_TEXT(reason(CHARSET("latin1"), "\xe2\x82\xac"), "charset");
    EXPECT_TEXT(reason(CHARSET("printable"), "\xe2\x82\xac\t\r\n"), "");
    EXPECT_TEXT(reason(CHARSET("printable"), "a\x01"), "charset");
    EXPECT_TEXT(reason(CHARSET("printable"), "a\xff"), "charset");
    EXPECT_TEXT(reason(CHARSET("printable"), "\xee\x80\x80"), "charset"); // private use
}

static void filter_matches_patterns_within_limits(const Comm *c)
{
    char *text;

    (void)c;
    start();
    EXPECT_TEXT(reason("\"by\": \"pattern\", \"pattern\": \"^\\\\w+$\"", "stra\xc3\x9f"
                                                                         "e"),
                "pattern");
    EXPECT_TEXT(reason("\"by\": \"pattern\", \"pattern\": \"^\\\\w+$\"", "a b"), "");
    EXPECT_TEXT(reason("\"by\": \"pattern\", \"pattern\": \"b\"", "\xff"
                                                                  "b"),
                "pattern");
    text = arena_new(&arena, char, 1 << 15);
    memset(text, 'a', (1 << 15) - 1);
    EXPECT_TEXT(reason("\"by\": \"pattern\", \"pattern\": \"^(a+)+$|b\"", text), "pattern");
    EXPECT_TEXT(reason("\"by\": \"pattern\", \"pattern\": \"(a+)+c\"", text), "");
    EXPECT_TEXT(reason("\"by\": \"pattern\", \"pattern\": \"((a|b)+)+[cd]\"", text), "match limit");
    EXPECT_TEXT(
        reason("\"by\": \"pattern\", \"pattern\": \"(.*)(.*)(.*)[cd]\", \"into\": \"v\"", text),
        "match limit");
    EXPECT_TEXT(
        reason("\"by\": \"pattern\", \"pattern\": \"b\"", arena_format(&arena, "%s%s", text, text)),
        "match limit");
}

static void filter_compares_with_others(const Comm *c)
{
#define OVERLAP(with) "\"by\": \"overlap\", \"n\": 3, \"with\": \"" with "\""
    (void)c;
    start();
    EXPECT_TEXT(reason_with("\"by\": \"equal\", \"with\": \"b\"", "x", "x"), "equal");
    EXPECT_TEXT(reason_with("\"by\": \"equal\", \"with\": \"b\"", "x", "x "), "");
    EXPECT_TEXT(reason_with(OVERLAP("b"), "we say: one, two THREE", "One two three four"),
                "contaminated");
    EXPECT_TEXT(reason_with(OVERLAP("b"), "one two four", "one two three four"), "");
    EXPECT_TEXT(reason_with(OVERLAP("b"), "one two", "one two three"), "");
    EXPECT_TEXT(reason_with(OVERLAP("b"), "one two", "One, two"), "contaminated"); // as a whole
    // The held-out problems of the table are its rows.
    EXPECT_TEXT(reason_with(OVERLAP("held-out"), "one two three", ""), "contaminated");
    EXPECT_TEXT(reason_with(OVERLAP("held-out"), "one two", ""), "contaminated");
}

static void filter_only_judges_with_a_verdict(const Comm *c)
{
    Table  *t;
    SetRows rows;

    (void)c;
    start();
    for (int empty = 0; empty < 2; empty++) {
        t = table_pair(empty ? "" : "x", "");
        rows = table_rows(t,
                          table_recipe(t, "{\"do\": \"filter\", \"in\": \"a\", \"by\": "
                                          "\"empty\", \"into\": \"blank\"}"),
                          0, 1);
        EXPECT_TEXT(table_reason(&rows, 0), "");
        EXPECT_TEXT(rows.score_name[0], "blank");
        EXPECT(rows.score[0][0] == (float)empty);
    }
}

static Err read(const char *more)
{
    Table      *t = table_pair("", "");
    const Json *json = NULL;
    Recipe     *r;
    const char *text =
        arena_format(&arena,
                     "{\"recipe\": \"t\", \"about\": \"t\", \"steps\": [{\"do\": \"draw\", "
                     "\"from\": \"problems\", \"count\": 1}, {\"do\": \"filter\", %s}]}",
                     more);

    EXPECT_OK(json_parse(&arena, "test.json", text, (int64_t)strlen(text), JSON_COMMENTS, &json));
    return recipe_read(&arena, json, ".", &t->source, &r);
}

static void filter_refuses_what_has_no_meaning(const Comm *c)
{
    (void)c;
    start();
    EXPECT_ERR(read("\"in\": \"a\", \"by\": \"words\""), ERR_CONFIG, "\"min\" or \"max\"");
    EXPECT_ERR(read("\"in\": \"a\", \"by\": \"words\", \"min\": 3, \"max\": 2"), ERR_CONFIG,
               "above");
    EXPECT_ERR(read("\"in\": \"a\", \"by\": \"empty\", \"min\": 3"), ERR_CONFIG, "by empty");
    EXPECT_ERR(read("\"in\": \"a\", \"by\": \"word_list\""), ERR_CONFIG, "needs \"list\"");
    EXPECT_ERR(read("\"in\": \"a\", \"by\": \"word_list\", \"list\": []"), ERR_CONFIG, "1 to");
    EXPECT_ERR(read("\"in\": \"a\", \"by\": \"pattern\", \"pattern\": \"(\""), ERR_CONFIG,
               "cannot be read");
    EXPECT_ERR(read("\"in\": \"a\", \"by\": \"charset\", \"text\": \"utf8\""), ERR_CONFIG,
               "ascii|latin1|printable");
    EXPECT_ERR(read("\"in\": \"a\", \"by\": \"equal\", \"with\": \"c\""), ERR_CONFIG, "\"c\"");
    EXPECT_ERR(read("\"in\": \"a\", \"by\": \"empty\", \"into\": \"v\", \"reason\": \"r\""),
               ERR_CONFIG, "no \"reason\"");
    EXPECT_ERR(read("\"in\": \"a\", \"by\": \"prefix\", \"text\": \"\""), ERR_CONFIG, "empty");
}

TEST_MAIN(CASE(filter_counts), CASE(filter_finds_words), CASE(filter_looks_at_beginnings_and_ends),
          CASE(filter_knows_characters), CASE(filter_matches_patterns_within_limits),
          CASE(filter_compares_with_others), CASE(filter_only_judges_with_a_verdict),
          CASE(filter_refuses_what_has_no_meaning))
