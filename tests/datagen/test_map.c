// What map and score make of a text.
#include "base/unitext.h"
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

// Field x after a step.
static const char *after(const char *step, const char *a, const char *b)
{
    Table  *t = table_pair(a, b);
    Recipe *r = table_recipe(t, step);
    SetRows rows = table_rows(t, r, 0, 1);

    EXPECT_TEXT(table_reason(&rows, 0), "");
    return table_field(t, &rows, 0, "x");
}

static const char *mapped(const char *by, const char *text)
{
    return after(
        arena_format(&arena, "{\"do\": \"map\", \"in\": \"a\", \"into\": \"x\", \"by\": [%s]}", by),
        text, "");
}

static void map_knows_white_space_and_case_of_any_script(const Comm *c)
{
    (void)c;
    start();
    // No-break space, ideographic space, the separators of ASCII.
    EXPECT_TEXT(mapped("\"collapse\"", "\xc2\xa0 a\xe3\x80\x80\x1c b\n"), " a b ");
    EXPECT_TEXT(mapped("\"strip\"", "\xc2\xa0 a  b\xe3\x80\x80\n"), "a  b");
    EXPECT_TEXT(mapped("\"collapse\", \"strip\", \"capitalize\"", " convert NASA's\tPDF "),
                "Convert nasa's pdf");
    EXPECT_TEXT(mapped("\"capitalize\"", "\xc3\xa9"
                                         "COLE"),
                "\xc3\x89"
                "cole"); // e with acute
    EXPECT_TEXT(mapped("\"capitalize\"", "\xc3\x9f"
                                         "A"),
                "Ssa");                                              // sharp s
    EXPECT_TEXT(mapped("\"capitalize\"", "\xef\xac\x81N"), "Fin");   // ligature fi
    EXPECT_TEXT(mapped("\"capitalize\"", "\xc7\x86X"), "\xc7\x85x"); // title case
    EXPECT_TEXT(mapped("\"capitalize\"", ""), "");
    EXPECT_TEXT(mapped("\"lower\"", "\xc4\xb0"), "i\xcc\x87"); // I with a dot
    // Sigma at the end of a word, alone, and inside.
    EXPECT_TEXT(mapped("\"lower\"", "\xce\x91\xce\xa3"), "\xce\xb1\xcf\x82");
    EXPECT_TEXT(mapped("\"lower\"", "\xce\xa3"), "\xcf\x83");
    EXPECT_TEXT(mapped("\"lower\"", "\xce\x91\xce\xa3\xce\x91"), "\xce\xb1\xcf\x83\xce\xb1");
    EXPECT_TEXT(mapped("\"lower\"", "\xce\x91\xce\xa3'."), "\xce\xb1\xcf\x82'.");
    EXPECT_TEXT(mapped("\"lower\", \"strip\"", "\xff"
                                               "A\xe3\x80"),
                "\xff"
                "a\xe3\x80");
}

static void map_drops_labels_and_colons(const Comm *c)
{
    (void)c;
    start();
    EXPECT_TEXT(mapped("\"drop_colon\"", "a: b::"), "a: b");
    EXPECT_TEXT(mapped("\"drop_colon\"", ":"), "");
    EXPECT_TEXT(mapped("\"drop_label\"", "Satz: es regnet"), "es regnet");
    EXPECT_TEXT(mapped("\"drop_label\"", "\xc3\x9c: x"), "x"); // a letter of any script
    EXPECT_TEXT(mapped("\"drop_label\"", "at 12:30 we met"), "30 we met");
    EXPECT_TEXT(mapped("\"drop_heading\"", "at 12:30 we met"), "at 12:30 we met");
    EXPECT_TEXT(mapped("\"drop_heading\"", "https://a.org"), "https://a.org");
    EXPECT_TEXT(mapped("\"drop_heading\"", "Sentence: it rains"), "it rains");
    EXPECT_TEXT(mapped("\"drop_heading\"", "a: 1\nb: 2"), "a: 1\nb: 2");
    EXPECT_TEXT(mapped("\"single_lines\"", "a\n\n\nb\n\nc"), "a\n\nb\nc");
}

static void map_drops_citations_and_tags(const Comm *c)
{
    (void)c;
    start();
    EXPECT_TEXT(mapped("\"drop_citations\"", "so[1] it[2, 3] is[4-6], a[i] and []"),
                "so it is, a[i] and []");
    EXPECT_TEXT(mapped("\"drop_citations\"", "[1"), "[1");
    EXPECT_TEXT(mapped("\"html\"", "<p>a &amp; b</p><p class=\"x>y\">c<br/>d</p>"),
                "a & b\nc\nd\n");
    EXPECT_TEXT(mapped("\"html\"", "<ul><li>x</li><li>y</li></ul>"), "- x\n- y\n");
    EXPECT_TEXT(mapped("\"html\"", "a < b <3 &c; &#65;&#x42; &#xD800; &lt;i&gt;"),
                "a < b <3 &c; AB &#xD800; <i>");
    EXPECT_TEXT(mapped("\"html\"", "a<!-- b -->c<script>d<e></script>f<style>g"), "acf");
    EXPECT_TEXT(mapped("\"html\"", "<a href='<'>x</a><b"), "x<b");
}

static void map_cuts_copies_and_fills(const Comm *c)
{
    (void)c;
    start();
    EXPECT_TEXT(after("{\"do\": \"map\", \"in\": \"a\", \"into\": \"x\", \"words\": 2}",
                      " one\n two three", ""),
                " one\n two");
    EXPECT_TEXT(
        after("{\"do\": \"map\", \"in\": \"a\", \"into\": \"x\", \"words\": 9}", "one two", ""),
        "one two");
    EXPECT_TEXT(after("{\"do\": \"map\", \"in\": \"a\", \"into\": \"x\"}", "one", ""), "one");
    EXPECT_TEXT(
        after("{\"do\": \"map\", \"text\": \"{{{a}}}\\r\\n{b}\", \"into\": \"x\"}", "one", "two"),
        "{one}\r\ntwo");
}

static Err read(const char *step)
{
    Table      *t = table_pair("", "");
    const Json *json = NULL;
    Recipe     *r;
    const char *text =
        arena_format(&arena,
                     "{\"recipe\": \"t\", \"about\": \"t\", \"steps\": [{\"do\": \"draw\", "
                     "\"from\": \"problems\", \"count\": 1}, %s]}",
                     step);

    EXPECT_OK(json_parse(&arena, "test.json", text, (int64_t)strlen(text), JSON_COMMENTS, &json));
    return recipe_read(&arena, json, ".", &t->source, &r);
}

static void map_and_score_refuse_what_has_no_meaning(const Comm *c)
{
    (void)c;
    start();
    EXPECT_ERR(read("{\"do\": \"map\", \"in\": \"a\"}"), ERR_CONFIG, "does nothing");
    EXPECT_ERR(read("{\"do\": \"map\", \"by\": [\"strip\"]}"), ERR_CONFIG, "one of the two");
    EXPECT_ERR(read("{\"do\": \"map\", \"in\": \"a\", \"by\": [\"stripp\"]}"), ERR_CONFIG,
               "collapse|strip|");
    EXPECT_ERR(read("{\"do\": \"map\", \"in\": \"a\", \"by\": [\"\"]}"), ERR_CONFIG, "collapse");
    EXPECT_ERR(read("{\"do\": \"map\", \"in\": \"aa\", \"by\": [\"strip\"]}"), ERR_CONFIG,
               "did you mean \"a\"");
    EXPECT_ERR(read("{\"do\": \"map\", \"text\": \"{a}\", \"into\": \"x\", \"words\": 3}"),
               ERR_CONFIG, "nothing else");
    EXPECT_ERR(read("{\"do\": \"score\", \"by\": \"rouge-l\", \"in\": \"a\", \"into\": \"s\"}"),
               ERR_CONFIG, "needs \"with\"");
    EXPECT_ERR(read("{\"do\": \"score\", \"by\": \"words\", \"in\": \"a\", \"with\": \"b\", "
                    "\"into\": \"s\"}"),
               ERR_CONFIG, "no meaning by words");
}

static double scored(const char *step, const char *a, const char *b)
{
    Table  *t = table_pair(a, b);
    Recipe *r = table_recipe(t, arena_format(&arena,
                                             "{\"do\": \"score\", \"in\": \"a\", "
                                             "\"into\": \"s\", %s}",
                                             step));
    SetRows rows = table_rows(t, r, 0, 1);

    EXPECT_INT(rows.scores, 1);
    return (double)rows.score[0][0];
}

static void score_counts_and_compares(const Comm *c)
{
    (void)c;
    start();
    EXPECT_NEAR(scored("\"by\": \"words\"",
                       " a b\xe3\x80\x80"
                       "c ",
                       ""),
                3, 0);
    EXPECT_NEAR(scored("\"by\": \"characters\"", "a\xc3\xa9\xff", ""), 3, 0);
    EXPECT_NEAR(scored("\"by\": \"rouge-l\", \"with\": \"b\"", "testing one two", "testing two"),
                0.8, 1e-6);
    EXPECT_NEAR(scored("\"by\": \"rouge-l\", \"with\": \"b\"", "", ""), 0, 0);
    // Words of another script are none for the one tokenizer, and equal for the other.
    EXPECT_NEAR(scored("\"by\": \"rouge-l\", \"with\": \"b\"", "\xd1\x8f", "\xd1\x8f"), 0, 0);
    EXPECT_NEAR(scored("\"by\": \"rouge-l\", \"with\": \"b\", \"tokens\": \"unicode\"", "\xd1\x8f",
                       "\xd0\xaf"),
                1, 0);
}

TEST_MAIN(CASE(map_knows_white_space_and_case_of_any_script), CASE(map_drops_labels_and_colons),
          CASE(map_drops_citations_and_tags), CASE(map_cuts_copies_and_fills),
          CASE(map_and_score_refuse_what_has_no_meaning), CASE(score_counts_and_compares))
