// Pieces of texts, in both ways; what a recipe makes of them; texts that mean harm.
#include "datagen/steps/parse.h"

#include "base/hash.h"
#include "table.h"

static Arena arena;

static void start(void)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 32));
    arena_back(&arena, 0);
}

typedef void (*Parser)(const ParseSpec *spec, Span text, ParsePieces *out);

static ParseSpec spec_of(ParseAs as, int64_t first)
{
    return (ParseSpec){.as = as,
                       .separator = "###",
                       .heading = {"Instruction", "Input", "Output"},
                       .empty = "<noinput>",
                       .first = first,
                       .marker = "Class label:",
                       .speaker = {"[Human]", "[AI]"},
                       .min = 1,
                       .max = 10};
}

// The pieces as one text: fields joined by |, pieces by newlines; ! before malformed ones.
static const char *shown(Parser parser, ParseAs as, int64_t first, const char *text)
{
    ParseSpec   spec = spec_of(as, first);
    ParsePieces p = parse_pieces(&arena);
    Text        t = text_make(&arena);

    parser(&spec, span_of(text), &p);
    for (int64_t i = 0; i < p.count; i++) {
        text_puts(&t, i > 0 ? "\n" : "");
        text_puts(&t, p.piece[i].is_malformed ? "!" : "");
        for (int k = 0; k < PARSE_FIELDS; k++) {
            Span s = p.piece[i].field[k];

            text_puts(&t, k > 0 && s.length > 0 ? "|" : "");
            text_add(&t, s.text, s.length);
        }
    }
    return t.data;
}

#define INTENDED(parser, first, text)  shown(parser, PARSE_INTENDED, first, text)
#define PUBLISHED(parser, first, text) shown(parser, PARSE_PUBLISHED, first, text)

static void lists_go_by_markers_at_line_starts(const Comm *c)
{
    (void)c;
    start();
    EXPECT_TEXT(INTENDED(parse_list, 9, " one\n10. two\n11) three\n"), "one\ntwo\nthree");
    EXPECT_TEXT(INTENDED(parse_list, 0, "1. one\n2. two"), "one\ntwo");
    EXPECT_TEXT(INTENDED(parse_list, 9, "9. one\n10. two"), "one\ntwo");
    EXPECT_TEXT(INTENDED(parse_list, 9, "1. one\n2. two"), "one\ntwo"); // counts anew
    EXPECT_TEXT(INTENDED(parse_list, 9, "one costs $2.50. Or 10. two"),
                "one costs $2.50. Or 10. two");
    // The steps of an item are no items, nor is a year.
    EXPECT_TEXT(INTENDED(parse_list, 9, "do\n1. this\n2. that\n10. two"),
                "do\n1. this\n2. that\ntwo");
    EXPECT_TEXT(INTENDED(parse_list, 9, "in\n2020. It\n10. two"), "in\n2020. It\ntwo");
    EXPECT_TEXT(INTENDED(parse_list, 9, "one\n11. three"), "one\nthree"); // one left out
    EXPECT_TEXT(INTENDED(parse_list, 9, " \n\t"), "");
    EXPECT_TEXT(PUBLISHED(parse_list, 9, "one costs\n2020. It"), "one costs\nIt");
    // Digits and white space of any script; \u0662 \u3000.
    EXPECT_TEXT(PUBLISHED(parse_list, 0, "a\n1\xd9\xa2. b\n3\xe3\x80\x80. c"), "a\nb\nc");
    EXPECT_TEXT(PUBLISHED(parse_list, 0, "a\n10.b"), "a\n10.b");
}

static void sections_need_their_three_headings(const Comm *c)
{
    static const char body[] = "4. Input:\nx\n4. Output:\ny\n";

    (void)c;
    start();
    EXPECT_TEXT(INTENDED(parse_sections, 4,
                         arena_format(&arena,
                                      " do\n%s###\n5. Instruction: "
                                      "more\n5. Input:\n<NOINPUT>\n"
                                      "5. Output: z",
                                      body)),
                "do|x|y\nmore|z");
    EXPECT_TEXT(INTENDED(parse_sections, 0,
                         "\n###\n1. Instruction: a\n1. Input: b\n1. Output: c\n"
                         "###\n1. Instruction: d\n1. Input: e\n1. Output: f"),
                "a|b|c\nd|e|f");
    EXPECT_TEXT(INTENDED(parse_sections, 4, "do\n4. Output: y"), "!do\n4. Output: y");
    EXPECT_TEXT(INTENDED(parse_sections, 4, "do\n4. Output: y\n4. Input: x"),
                "!do\n4. Output: y\n4. Input: x");
    EXPECT_TEXT(INTENDED(parse_sections, 4, "do\n4. Input: x\n4. Output: y\n4. Output: z"),
                "!do\n4. Input: x\n4. Output: y\n4. Output: z");
    EXPECT_TEXT(INTENDED(parse_sections, 4, "do\n4. Input: x\n5. Output: y"),
                "!do\n4. Input: x\n5. Output: y");
    // What a section quotes in the middle of a line, or of another number, is content.
    EXPECT_TEXT(INTENDED(parse_sections, 4,
                         "say 4. Output: q\n4. Input: 1. Instruction: a\n4. "
                         "Output: y"),
                "say 4. Output: q|1. Instruction: a|y");
    EXPECT_TEXT(PUBLISHED(parse_sections, 4, arena_format(&arena, "do 14. Input: q\n%s", body)),
                "!4. Instruction:do 14. Input: q\n4. Input:\nx\n4. Output:\ny\n");
    EXPECT_TEXT(PUBLISHED(parse_sections, 4, ""), "!4. Instruction:");
    EXPECT_TEXT(INTENDED(parse_sections, 4, ""), "");
}

static void examples_are_pairs_of_input_and_output(const Comm *c)
{
    (void)c;
    start();
    EXPECT_TEXT(INTENDED(parse_examples, 0,
                         " Example 1\na\nOutput: b\nExample 2:\nInput: c\nOutput "
                         "2: d"),
                "a|b\nc|d");
    EXPECT_TEXT(INTENDED(parse_examples, 0, "Output: b"), "|b");
    EXPECT_TEXT(INTENDED(parse_examples, 0, "a\nOutput: b\nc\nInput: d\nOutput: e"), "a|b\nc\nd|e");
    EXPECT_TEXT(INTENDED(parse_examples, 0, "Sure!\nExample 1\na\nOutput: b"), "!Sure!\na|b");
    EXPECT_TEXT(INTENDED(parse_examples, 0, "Example 1\na\nExample 2\nOutput: b"), "!a\n|b");
    EXPECT_TEXT(INTENDED(parse_examples, 0, "Example 1\na\nOutput: b\nOutput: c"),
                "!a\nOutput: b\nOutput: c");
    EXPECT_TEXT(INTENDED(parse_examples, 0, "The Output: is in Example 3."), "");
    EXPECT_TEXT(PUBLISHED(parse_examples, 0, "The Output: is in Example 3."), "The|is in");
    EXPECT_TEXT(PUBLISHED(parse_examples, 0, "Example 1\nno marker"), "|no marker");
}

static void labels_stand_before_their_inputs(const Comm *c)
{
    (void)c;
    start();
    EXPECT_TEXT(INTENDED(parse_labels, 0, " Class label: A\nx\ny\nClass label:\nB\nz"),
                "x\ny|A\nz|B");
    EXPECT_TEXT(INTENDED(parse_labels, 0, "Hm\nClass label: A\nsee Class label: B"),
                "!Hm\nsee Class label: B|A");
    EXPECT_TEXT(PUBLISHED(parse_labels, 0, "Hm\nClass label: A\nsee Class label: B"), "see|A\n|B");
    EXPECT_TEXT(INTENDED(parse_labels, 0, "Positive"), "");
}

static void turns_are_pairs(const Comm *c)
{
    (void)c;
    start();
    EXPECT_TEXT(INTENDED(parse_transcript, 0, "[Human] a\n[AI] b [AI] c\nd\n[Human] e\n[AI] f\n"),
                "a|b [AI] c\nd\ne|f");
    EXPECT_TEXT(INTENDED(parse_transcript, 0, "[Human] a\n[AI] b\n[AI] c\n[Human] bye"),
                "a|b\n c\n!bye");
    EXPECT_TEXT(INTENDED(parse_transcript, 0, "[AI] Hello\n[Human] a\n[AI] b"), "!Hello\na|b");
    EXPECT_TEXT(INTENDED(parse_transcript, 0, "nobody speaks"), "!nobody speaks");
    EXPECT_TEXT(PUBLISHED(parse_transcript, 0, "nobody speaks"), "");
}

static void answers_of_one_word(const Comm *c)
{
    ParseSpec published = spec_of(PARSE_PUBLISHED, 0), intended = spec_of(PARSE_INTENDED, 0);
    double    score = 0;

    (void)c;
    EXPECT_INT(parse_yes(&published, span_of(" Yes\n")), 1);
    EXPECT_INT(parse_yes(&published, span_of("Yes.")), 0);
    EXPECT_INT(parse_yes(&published, span_of("yEs")), 0);
    EXPECT_INT(parse_yes(&intended, span_of("\"yEs, it is")), 1);
    EXPECT_INT(parse_yes(&intended, span_of("No, yes")), 0);
    EXPECT_INT(parse_yes(&intended, span_of("yesterday")), 0);
    EXPECT_INT(parse_yes(&intended, span_of("")), 0);
    EXPECT_INT(parse_equal(span_of("Equal.")), 1);
    EXPECT_INT(parse_equal(span_of("Not Equal")), 0);
    EXPECT_INT(parse_equal(span_of("They are not really equal")), 0);
    EXPECT_INT(parse_equal(span_of("unequal")), 0);
    EXPECT_INT(parse_equal(span_of("equality?")), -1);
    EXPECT_INT(parse_equal(span_of("\xff")), -1);
    EXPECT_INT(parse_score(&intended, span_of("Score: 7/10"), &score), 1);
    EXPECT_NEAR(score, 7, 0);
    EXPECT_INT(parse_score(&intended, span_of("In 2024 GPT4 says 8.5."), &score), 1);
    EXPECT_NEAR(score, 8.5, 0);
    EXPECT_INT(parse_score(&intended, span_of("-5, 11 and x3"), &score), 0);
    EXPECT_INT(parse_score(&intended, span_of("99999999999999999999999999999999999999"), &score),
               0);
}

// ---- as steps

static Table *table_of_answer(const char *answer, int is_cut)
{
    static const char *const names[] = {"q", NULL};
    TableRow                *row = arena_new(&arena, TableRow, 1);

    *row = (TableRow){.text = {"?"}, .answer = answer, .is_cut = is_cut};
    return table_make(&arena, names, row, 1);
}

// The reasons of the records of an answer, with their field x or, without it, what came of them.
static const char *records(const char *parse, const char *answer, int is_cut)
{
    Table  *t = table_of_answer(answer, is_cut);
    Recipe *r =
        table_recipe(t, arena_format(&arena,
                                     "{\"do\": \"generate\", \"text\": \"{row}\", \"into\": \"w\", "
                                     "\"max_tokens\": 9}, {\"do\": \"parse\", \"in\": \"w\", %s}",
                                     parse));
    SetRows rows = table_rows(t, r, 0, 1);
    Text    out = text_make(&arena);

    for (int64_t i = 0; i < rows.R; i++)
        text_printf(&out, "%s%s%s", i > 0 ? "|" : "", table_reason(&rows, i),
                    rows.status[i] == SET_KEPT ? table_field(t, &rows, i, "x") : "");
    return out.data;
}

#define LIST "\"by\": \"list\", \"into\": [\"x\"]"

static void parse_says_what_was_left_out(const Comm *c)
{
    static const char four[] = "1. a\n2. b\n3. c\n4. d";

    (void)c;
    start();
    EXPECT_TEXT(records(LIST, four, 0), "a|b|c|d");
    EXPECT_TEXT(records(LIST, four, 1), "a|b|c|length");
    EXPECT_TEXT(records(LIST ", \"on_length\": \"keep\"", four, 1), "a|b|c|d");
    EXPECT_TEXT(records(LIST ", \"on_length\": \"drop_all\"", four, 1), "length");
    EXPECT_TEXT(records(LIST ", \"on_length\": \"drop_all\"", four, 0), "a|b|c|d");
    EXPECT_TEXT(records(LIST ", \"most\": 2", four, 0), "a|b|over the limit");
    EXPECT_TEXT(records(LIST ", \"most\": 2", four, 1), "a|b|length|over the limit");
    EXPECT_TEXT(records(LIST ", \"most\": 3", four, 1), "a|b|c|length");
    EXPECT_TEXT(records(LIST, " ", 0), "no items");
    EXPECT_TEXT(records(LIST, "1. a", 1), "length");
    EXPECT_TEXT(records("\"by\": \"examples\", \"into\": [\"x\", \"y\"]",
                        "Example 1\na\nOutput: b\nExample 2\nc\nExample 3\nd\nOutput: e", 0),
                "a|malformed|d");
}

static void parse_reads_conversations_and_answers(const Comm *c)
{
    static const char turns[] = "[Human] a\n[AI] \"b\"\n[Human] c\n[AI] d";
#define TRANSCRIPT "\"by\": \"transcript\", \"into\": [\"x\"]"

    (void)c;
    start();
    EXPECT_TEXT(
        records(TRANSCRIPT, turns, 1),
        "[{\"role\":\"user\",\"text\":\"a\"},{\"role\":\"assistant\",\"text\":\"\\\"b\\\"\"}"
        "]");
    EXPECT_TEXT(records(TRANSCRIPT ", \"on_length\": \"drop_all\"", turns, 1), "length");
    EXPECT_TEXT(records(TRANSCRIPT, "[Human] a\n[AI] b", 1), "length");
    EXPECT_TEXT(records(TRANSCRIPT, "[Human] a", 0), "malformed");
    EXPECT_TEXT(records("\"by\": \"equal\", \"into\": [\"same\"]", "perhaps", 0), "unjudged");
    EXPECT_TEXT(records("\"by\": \"score\", \"into\": [\"mark\"]", "none", 0), "unjudged");
    EXPECT_TEXT(records("\"by\": \"score\", \"into\": [\"mark\"]", "5", 1), "(none)");
    EXPECT_TEXT(
        records("\"by\": \"yesno\", \"into\": [\"ok\"], \"on_length\": \"drop_all\"", "y", 1),
        "length");
}

static Err read(const char *parse)
{
    Table      *t = table_of_answer("", 0);
    const Json *json = NULL;
    Recipe     *r;
    const char *text =
        arena_format(&arena,
                     "{\"recipe\": \"t\", \"about\": \"t\", \"steps\": [{\"do\": \"draw\", "
                     "\"from\": \"problems\", \"count\": 1}, {\"do\": \"parse\", \"in\": "
                     "\"q\", %s}]}",
                     parse);

    EXPECT_OK(json_parse(&arena, "test.json", text, (int64_t)strlen(text), JSON_COMMENTS, &json));
    return recipe_read(&arena, json, ".", &t->source, &r);
}

static void parse_refuses_what_has_no_meaning(const Comm *c)
{
    (void)c;
    start();
    EXPECT_ERR(read("\"by\": \"list\", \"into\": [\"a\", \"b\"]"), ERR_CONFIG, "list of 1 name");
    EXPECT_ERR(read("\"by\": \"list\""), ERR_CONFIG, "needs \"into\"");
    EXPECT_ERR(read("\"by\": \"labels\", \"into\": [\"a\", \"b c\"]"), ERR_CONFIG,
               "name of a field");
    EXPECT_ERR(read("\"by\": \"score\", \"into\": [\"a\"], \"as\": \"published\""), ERR_CONFIG,
               "\"as\" has no meaning by score");
    EXPECT_ERR(read("\"by\": \"score\", \"into\": [\"a\"], \"min\": 5, \"max\": 1"), ERR_CONFIG,
               "above");
    EXPECT_ERR(read("\"by\": \"yesno\", \"into\": [\"a\"], \"on_length\": \"drop_last\""),
               ERR_CONFIG, "no last piece");
    EXPECT_ERR(read("\"by\": \"sections\", \"into\": [\"a\", \"b\", \"c\"], \"headings\": [\"A\"]"),
               ERR_CONFIG, "3 texts");
    EXPECT_ERR(read("\"by\": \"sections\", \"into\": [\"a\", \"b\", \"c\"], \"as\": \"published\""),
               ERR_CONFIG, "needs \"first\"");
    EXPECT_ERR(read("\"by\": \"transcript\", \"into\": [\"a\"], \"markers\": [\"A\", \"\"]"),
               ERR_CONFIG, "not empty");
}

// ---- texts that mean harm

// Marks, numbers and rubbish in any order.
static Span soup(uint64_t seed, int64_t words)
{
    static const char *const bits[] = {
        "\n",          "Example", "Output",   ":",         "Input",  "1",
        ".",           " ",       "###",      "[Human]",   "[AI]",   "Class label:",
        "Instruction", "\xff",    "\xe3\x80", "4. Input:", "\n10. ", "\n4. Output:",
        "\xd9\xa2",    "\t"};
    Text t = text_make(&arena);

    for (int64_t i = 0; i < words; i++)
        text_puts(&t, bits[hash_u64(seed, (uint64_t)i) % (sizeof bits / sizeof bits[0])]);
    return (Span){t.data, t.length};
}

static void expect_inside(const ParsePieces *p)
{
    for (int64_t i = 0; i < p->count; i++)
        for (int k = 0; k < PARSE_FIELDS; k++)
            EXPECT(p->piece[i].field[k].length >= 0);
}

static void parsers_survive_any_text(const Comm *c)
{
    static const Parser parsers[] = {parse_list, parse_sections, parse_examples, parse_labels,
                                     parse_transcript};
    int64_t             pieces = 0;

    (void)c;
    start();
    for (uint64_t seed = 0; seed < 2000; seed++) {
        ArenaMark mark = arena_mark(&arena);
        Span      s = soup(seed, (int64_t)(seed % 60));

        for (int i = 0; i < 10; i++) {
            ParseSpec   spec = spec_of(i % 2 ? PARSE_PUBLISHED : PARSE_INTENDED, 4);
            ParsePieces p = parse_pieces(&arena);

            parsers[i / 2](&spec, s, &p);
            expect_inside(&p);
            pieces += p.count;
        }
        arena_back(&arena, mark);
    }
    EXPECT(pieces > 10000);
}

// Nothing but one mark: time grows with the text, not with its square.
static void parsers_are_fast_on_long_texts(const Comm *c)
{
    static const char *const bits[] = {
        "\n1. ", "Example 1\n",       "Output",         "Output:\n", "Input:\n",
        "###\n", "\n4. Input:",       "[Human]\n",      "[AI]\n",    "\n",
        " ",     "4. Instruction:\n", "Class label:\n", "#"};
    static const Parser parsers[] = {parse_list, parse_sections, parse_examples, parse_labels,
                                     parse_transcript};

    (void)c;
    start();
    for (size_t k = 0; k < sizeof bits / sizeof bits[0]; k++) {
        Text t = text_make(&arena);

        while (t.length < 1 << 17)
            text_puts(&t, bits[k]);
        for (int i = 0; i < 10; i++) {
            ParseSpec   spec = spec_of(i % 2 ? PARSE_PUBLISHED : PARSE_INTENDED, 4);
            ParsePieces p = parse_pieces(&arena);

            parsers[i / 2](&spec, (Span){t.data, t.length}, &p);
        }
        arena_back(&arena, 0);
    }
}

TEST_MAIN(CASE(lists_go_by_markers_at_line_starts), CASE(sections_need_their_three_headings),
          CASE(examples_are_pairs_of_input_and_output), CASE(labels_stand_before_their_inputs),
          CASE(turns_are_pairs), CASE(answers_of_one_word), CASE(parse_says_what_was_left_out),
          CASE(parse_reads_conversations_and_answers), CASE(parse_refuses_what_has_no_meaning),
          CASE(parsers_survive_any_text), CASE(parsers_are_fast_on_long_texts))
