#include "datagen/commit.h"
#include "setting.h"

#include "io/file.h"

static Arena   arena;
static Source *source;

static void start(void)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 1 << 28));
    arena_back(&arena, 0);
    source = setting_source(&arena, 1);
}

static Err read(const char *steps)
{
    Recipe *r;

    return setting_steps(&arena, source, steps, &r);
}

#define DRAW "{\"do\": \"draw\", \"from\": \"problems\", \"count\": 10},"
#define WORK                                                                                    \
    "{\"do\": \"generate\", \"text\": \"{bos}{question}=\", \"into\": \"work\", \"max_tokens\"" \
    ": 20}"
#define VERIFY                                                                                \
    "{\"do\": \"verify\", \"by\": \"answer\", \"in\": \"work\", \"after\": \";\", \"gold\": " \
    "\"answer\"}"
#define EMIT(text, weight)                                                     \
    "{\"do\": \"emit\", \"messages\": [{\"role\": \"user\", \"text\": \"" text \
    "\", \"weight\": " weight "}]}"

static void recipes_that_come_with_it_are_good(const Comm *c)
{
    static const struct {
        const char *name, *key;
        int64_t     requests, max_tokens;
    } all[] = {{"addition-seeds", NULL, 400, 0},          {"star-addition", NULL, 2400, 41},
               {"star-addition-no-hint", NULL, 2400, 41}, {"addition-rejection", NULL, 2400, 41},
               {"addition-self", "question", 2400, 41},   {"addition-held-out", NULL, 900, 41}};

    (void)c;
    start();
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        Recipe *r = setting_recipe(&arena, source, all[i].name);

        if (r == NULL)
            continue;
        EXPECT_INT(recipe_requests(r), all[i].requests);
        EXPECT_INT(recipe_max_tokens(r), all[i].max_tokens);
        EXPECT_INT(recipe_stages(r), all[i].key == NULL ? 1 : 2);
        EXPECT_TEXT(all[i].key == NULL ? NULL : recipe_commit(r, 0)->key, all[i].key);
        EXPECT_OK(recipe_check_vocab(r, &arena, setting_vocab(&arena)));
    }
}

static void recipe_text_holds_its_prompts(const Comm *c)
{
    (void)c;
    start();
    Recipe *r = setting_recipe(&arena, source, "star-addition"),
           *other = setting_recipe(&arena, source, "star-addition-no-hint");
    const Json *json = setting_json(&arena, recipe_text(r)), *prompts;

    prompts = json_member(json, "prompts");
    EXPECT_INT(prompts->length, 2);
    EXPECT_TEXT(json_member(prompts, "../prompts/addition.txt")->text, "{bos}{question}=");
    EXPECT_TEXT(json_member(json_member(json, "recipe"), "recipe")->text, "star-addition");
    EXPECT(recipe_hash(r) != recipe_hash(other));
    EXPECT(recipe_hash(r) == recipe_hash(setting_recipe(&arena, source, "star-addition")));
}

static void recipe_names_the_step_that_is_not_known(const Comm *c)
{
    (void)c;
    start();
    EXPECT_ERR(read(DRAW "{\"do\": \"generat\"}"), ERR_CONFIG, "did you mean \"generate\"?");
    EXPECT_ERR(read(DRAW "{\"do\": 3}"), ERR_CONFIG, "needs \"do\"");
    EXPECT_ERR(read(DRAW "{}"), ERR_CONFIG, "needs \"do\"");
    EXPECT_ERR(read(DRAW "7"), ERR_CONFIG, "a step is an object");
    EXPECT_ERR(read(""), ERR_CONFIG, "empty");
    EXPECT_ERR(read(DRAW WORK "," DRAW WORK), ERR_CONFIG, "only the first step may draw");
    EXPECT_ERR(read(EMIT("{question}", "1")), ERR_CONFIG, "first step has to be draw");
    EXPECT_ERR(read("{\"do\": \"draw\", \"from\": \"problms\"}"), ERR_CONFIG, "problems");
    EXPECT_ERR(read("{\"do\": \"draw\", \"from\": \"problems\"}"), ERR_CONFIG, "count");
    EXPECT_ERR(read("{\"do\": \"draw\", \"from\": \"seeds\", \"count\": 3}"), ERR_CONFIG, "count");
}

static void recipe_names_the_parameter_that_is_not_known(const Comm *c)
{
    (void)c;
    start();
    EXPECT_ERR(read(DRAW "{\"do\": \"generate\", \"text\": \"{bos}\", \"into\": \"w\", "
                         "\"max_tokens\": 5, \"temprature\": 1}"),
               ERR_CONFIG, "temperature");
    EXPECT_ERR(read(DRAW "{\"do\": \"generate\", \"text\": \"{bos}\", \"into\": \"w\", "
                         "\"max_tokens\": 5, \"temperature\": -1}"),
               ERR_CONFIG, "0 to 100");
    EXPECT_ERR(read(DRAW "{\"do\": \"mark\"}"), ERR_CONFIG, "source");
    EXPECT_ERR(read(DRAW "{\"do\": \"mark\", \"source\": \"a b\"}"), ERR_CONFIG,
               "name of a source");
    EXPECT_ERR(read(DRAW WORK "," VERIFY ",{\"do\": \"when\", \"right\": true, \"step\": []}"),
               ERR_CONFIG, "did you mean \"steps\"?");
    EXPECT_ERR(read(DRAW WORK "," VERIFY ",{\"do\": \"keep\", \"right\": 1}"), ERR_CONFIG, "right");
}

static void recipe_names_the_slot_that_nothing_fills(const Comm *c)
{
    (void)c;
    start();
    EXPECT_ERR(read(DRAW EMIT("{wrk}", "1")), ERR_CONFIG, "no earlier step fills {wrk}");
    EXPECT_ERR(read(DRAW EMIT("{quesion}", "1")), ERR_CONFIG, "did you mean {question}?");
    EXPECT_ERR(read(DRAW EMIT("{work}", "1") "," WORK), ERR_CONFIG, "fills {work}");
    EXPECT_ERR(read("{\"do\": \"draw\", \"from\": \"nothing\", \"count\": 1}," WORK), ERR_CONFIG,
               "{question}");
    EXPECT_ERR(read(DRAW "{\"do\": \"when\", \"hinted\": true, \"steps\": [" WORK
                         "]}," EMIT("{work}", "1")),
               ERR_CONFIG, "{work}"); // not there for those who went past
    EXPECT_ERR(read(DRAW WORK ",{\"do\": \"verify\", \"by\": \"equal\", \"in\": \"wrk\", "
                              "\"gold\": \"answer\"}"),
               ERR_CONFIG, "did you mean \"work\"?");
    EXPECT_ERR(read(DRAW WORK ",{\"do\": \"select\", \"distinct\": \"wor\"}"), ERR_CONFIG,
               "did you mean \"work\"?");
    EXPECT_ERR(read(DRAW "{\"do\": \"generate\", \"text\": \"{bos}\", \"into\": \"w\", "
                         "\"max_tokens\": \"{most}\"}"),
               ERR_CONFIG, "{most}");
    EXPECT_ERR(read(DRAW EMIT("{question", "1")), ERR_CONFIG, "not closed");
}

static void recipe_names_the_verdict_that_nobody_judged(const Comm *c)
{
    (void)c;
    start();
    EXPECT_ERR(read(DRAW WORK ",{\"do\": \"keep\", \"right\": true}"), ERR_CONFIG,
               "no earlier step judges the verdict \"right\"");
    EXPECT_ERR(read(DRAW WORK "," VERIFY ",{\"do\": \"keep\", \"rigth\": true}"), ERR_CONFIG,
               "did you mean \"right\"?");
    EXPECT_ERR(read(DRAW WORK "," VERIFY ",{\"do\": \"keep\"}"), ERR_CONFIG, "needs a verdict");
    EXPECT_OK(read(DRAW WORK ",{\"do\": \"keep\", \"work.ended\": true}"));
}

static void recipe_refuses_an_empty_mask_and_a_second_bos(const Comm *c)
{
    (void)c;
    start();
    EXPECT_ERR(read(DRAW EMIT("{question}", "0")), ERR_CONFIG, "nothing of this would be learned");
    EXPECT_ERR(read(DRAW EMIT("{bos}", "1")), ERR_CONFIG, "nothing of this would be learned");
    EXPECT_ERR(read(DRAW EMIT("", "1")), ERR_CONFIG, "empty");
    EXPECT_ERR(read(DRAW "{\"do\": \"emit\", \"messages\": []}"), ERR_CONFIG, "nothing of this");
    EXPECT_ERR(read(DRAW "{\"do\": \"emit\", \"messages\": [{\"role\": \"user\", \"text\": \"a\", "
                         "\"weight\": 1, \"visible\": \"gen\"}]}"),
               ERR_CONFIG, "nothing of this would be learned");
    EXPECT_ERR(read(DRAW EMIT("{question}{bos}", "1")), ERR_CONFIG, "{bos} can only be the first");
    EXPECT_ERR(read(DRAW "{\"do\": \"emit\", \"messages\": [{\"role\": \"user\", \"text\": "
                         "\"{question}\", \"weight\": 1}, {\"role\": \"user\", \"text\": "
                         "\"{bos}\", \"weight\": 1}]}"),
               ERR_CONFIG, "first message");
    EXPECT_ERR(read(DRAW "{\"do\": \"emit\"}"), ERR_CONFIG, "found neither");
    EXPECT_ERR(read(DRAW "{\"do\": \"emit\", \"conversation\": \"question\", \"messages\": []}"),
               ERR_CONFIG, "found both");
    EXPECT_ERR(read(DRAW "{\"do\": \"emit\", \"conversation\": \"questoin\"}"), ERR_CONFIG,
               "did you mean \"question\"");
    EXPECT_ERR(read(DRAW "{\"do\": \"emit\", \"conversation\": \"question\", \"tools\": \"t\"}"),
               ERR_CONFIG, "fills the field \"t\"");
    EXPECT_ERR(read(DRAW "{\"do\": \"emit\", \"learn\": \"last\", \"messages\": [{\"role\": "
                         "\"user\", \"text\": \"a\", \"weight\": 1}]}"),
               ERR_CONFIG, "go with conversations");
}

static void recipe_checks_how_it_generates(const Comm *c)
{
#define GENERATE(more) DRAW "{\"do\": \"generate\", \"into\": \"w\", " more "}"
    (void)c;
    start();
    EXPECT_ERR(read(GENERATE("\"text\": \"{bos}\", \"max_tokens\": 5, \"samples\": 4, "
                             "\"temperature\": 0")),
               ERR_CONFIG, "4 samples at temperature 0");
    EXPECT_ERR(read(GENERATE("\"max_tokens\": 5")), ERR_CONFIG, "one of the two");
    EXPECT_ERR(read(GENERATE("\"prompt\": \"no-such.txt\", \"max_tokens\": 5")), ERR_CONFIG,
               "no-such.txt");
    EXPECT_ERR(read(GENERATE("\"text\": \"{bos}\"")), ERR_CONFIG, "max_tokens");
    EXPECT_ERR(read(GENERATE("\"text\": \"{bos}\", \"max_tokens\": 0")), ERR_CONFIG, "from 1 to");
    EXPECT_ERR(read(GENERATE("\"text\": \"{bos}\", \"max_tokens\": 1.5")), ERR_CONFIG, "1.5");
    EXPECT_ERR(read(GENERATE("\"text\": \"{bos}\", \"max_tokens\": 1e99")), ERR_CONFIG,
               "from 1 to");
    EXPECT_ERR(read(GENERATE("\"text\": \"{bos}\", \"max_tokens\": \"a{a}\"")), ERR_CONFIG,
               "{field}");
    EXPECT_ERR(read(GENERATE("\"text\": \"{bos}\", \"max_tokens\": 5, \"stop\": \"=\"")),
               ERR_CONFIG, "list");
    EXPECT_ERR(read(GENERATE("\"text\": \"{bos}\", \"max_tokens\": 5, \"stop\": [\"\"]")),
               ERR_CONFIG, "not empty");
    EXPECT_ERR(read(DRAW "{\"do\": \"generate\", \"into\": \"bos\", \"text\": \"{bos}\", "
                         "\"max_tokens\": 5}"),
               ERR_CONFIG, "name of a field");
}

static void recipe_checks_patterns_and_selections(const Comm *c)
{
#define PARSE(more) DRAW WORK ",{\"do\": \"parse\", \"in\": \"work\", " more "}"
    (void)c;
    start();
    EXPECT_OK(read(PARSE("\"by\": \"pattern\", \"pattern\": \"([0-9]+);(.*)$\", \"into\": "
                         "[\"x\", \"y\"]")));
    EXPECT_ERR(read(PARSE("\"by\": \"pattern\", \"pattern\": \"([0-9]+\", \"into\": [\"x\"]")),
               ERR_CONFIG, "cannot be read");
    EXPECT_ERR(read(PARSE("\"by\": \"pattern\", \"pattern\": \"([0-9]+)\", \"into\": []")),
               ERR_CONFIG, "1 groups");
    EXPECT_ERR(read(PARSE("\"by\": \"pattern\"")), ERR_CONFIG, "needs \"pattern\"");
    EXPECT_ERR(read(PARSE("\"by\": \"problem\", \"pattern\": \"a\"")), ERR_CONFIG,
               "\"pattern\" has no meaning by problem");
    EXPECT_ERR(read(DRAW WORK ",{\"do\": \"select\"}"), ERR_CONFIG, "distinct");
    EXPECT_ERR(read(DRAW WORK ",{\"do\": \"select\", \"conflict\": {\"same\": \"work\"}}"),
               ERR_CONFIG, "differs");
    EXPECT_ERR(read(DRAW WORK ",{\"do\": \"select\", \"distinct\": [\"work\", \"wrk\"]}"),
               ERR_CONFIG, "did you mean \"work\"?");
    EXPECT_ERR(read(DRAW WORK ",{\"do\": \"verify\", \"by\": \"answer\", \"in\": \"work\"}"),
               ERR_CONFIG, "gold");
}

static void recipe_counts_what_it_may_hold(const Comm *c)
{
    (void)c;
    start();
    Text many = text_make(&arena), deep = text_make(&arena);

    text_puts(&many, "{\"do\": \"draw\", \"from\": \"problems\", \"count\": 10}");
    for (int i = 0; i < 40; i++)
        text_printf(&many,
                    ",{\"do\": \"parse\", \"by\": \"pattern\", \"in\": \"a\", \"pattern\": "
                    "\"(.)\", \"into\": [\"x%d\"]}",
                    i);
    EXPECT_ERR(read(many.data), ERR_CONFIG, "may have 32");
    many.length = 0;
    text_puts(&many, "{\"do\": \"draw\", \"from\": \"problems\", \"count\": 10}");
    for (int i = 0; i < 200; i++)
        text_puts(&many, ",{\"do\": \"mark\", \"source\": \"gold\"}");
    EXPECT_ERR(read(many.data), ERR_CONFIG, "more than 128 steps");
    text_puts(&deep, DRAW);
    for (int i = 0; i < 9; i++)
        text_puts(&deep, "{\"do\": \"when\", \"hinted\": false, \"steps\": [");
    text_puts(&deep, "{\"do\": \"mark\", \"source\": \"gold\"}");
    for (int i = 0; i < 9; i++)
        text_puts(&deep, "]}");
    EXPECT_ERR(read(deep.data), ERR_CONFIG, "more than 8 deep");
    EXPECT_ERR(read(DRAW "{\"do\": \"generate\", \"into\": \"w\", \"text\": \"{bos}\", "
                         "\"max_tokens\": 5, \"samples\": 1000},{\"do\": \"generate\", \"into\": "
                         "\"w\", \"text\": \"{bos}\", \"max_tokens\": 5, \"samples\": 1000}"),
               ERR_CONFIG, "65536 records");
}

static void recipe_has_to_fit_the_vocabulary(const Comm *c)
{
    Recipe *r = NULL;

    (void)c;
    start();
    Vocab *v = setting_vocab(&arena);

    EXPECT_OK(setting_steps(&arena, source, DRAW EMIT("Solve {question}", "1"), &r));
    EXPECT_ERR(recipe_check_vocab(r, &arena, v), ERR_CONFIG, "no token");
    EXPECT_OK(setting_steps(&arena, source, DRAW EMIT("Q{question}", "1"), &r));
    EXPECT_ERR(recipe_check_vocab(r, &arena, v), ERR_CONFIG, "written {bos}");
    EXPECT_OK(setting_steps(&arena, source, DRAW EMIT("{bos}{question}=", "1"), &r));
    EXPECT_OK(recipe_check_vocab(r, &arena, v));
    EXPECT_OK(vocab_make(
        &arena, setting_json(&arena, "{\"kind\": \"character\", \"alphabet\": \"0123456789+=\"}"),
        &v));
    EXPECT_ERR(recipe_check_vocab(r, &arena, v), ERR_CONFIG, "{bos} is asked");
}

static void recipe_says_where_it_is_wrong(const Comm *c)
{
    const Json *json;
    Recipe     *r;

    (void)c;
    start();
    json = setting_json(&arena, "{\"recipe\": \"x\", \"about\": \"y\",\n \"steps\": [\n"
                                "  {\"do\": \"draw\", \"from\": \"seeds\"},\n"
                                "  {\"do\": \"keeep\", \"right\": true}]}");
    EXPECT_ERR(recipe_read(&arena, json, RECIPES, source, &r), ERR_CONFIG, "test.json:4:10");
    json = setting_json(&arena, "{\"recipe\": \"x\", \"steps\": []}");
    EXPECT_ERR(recipe_read(&arena, json, RECIPES, source, &r), ERR_CONFIG, "about");
    json = setting_json(&arena, "{\"recipe\": \"x\", \"about\": \"y\", \"stps\": []}");
    EXPECT_ERR(recipe_read(&arena, json, RECIPES, source, &r), ERR_CONFIG, "steps");
    json = setting_json(&arena, "[]");
    EXPECT_ERR(recipe_read(&arena, json, RECIPES, source, &r), ERR_CONFIG, NULL);
}

static void recipe_reference_comes_from_the_tables(const Comm *c)
{
    static const char *const kinds[] = {"draw", "generate", "parse", "verify", "when",
                                        "keep", "select",   "mark",  "emit"};

    (void)c;
    start();
    Text help = text_make(&arena), one = text_make(&arena), schema = text_make(&arena);

    recipe_help(&help, NULL);
    recipe_help(&one, "generate");
    recipe_schema(&schema);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const Json *json = setting_json(&arena, schema.data);

        EXPECT(strstr(help.data, kinds[i]) != NULL);
        EXPECT(json_member(json_member(json, "$defs"), kinds[i]) != NULL);
    }
    EXPECT(strstr(one.data, "repetition_penalty") != NULL);
    EXPECT(strstr(one.data, "emit") == NULL);
}

TEST_MAIN(CASE(recipes_that_come_with_it_are_good), CASE(recipe_text_holds_its_prompts),
          CASE(recipe_names_the_step_that_is_not_known),
          CASE(recipe_names_the_parameter_that_is_not_known),
          CASE(recipe_names_the_slot_that_nothing_fills),
          CASE(recipe_names_the_verdict_that_nobody_judged),
          CASE(recipe_refuses_an_empty_mask_and_a_second_bos), CASE(recipe_checks_how_it_generates),
          CASE(recipe_checks_patterns_and_selections), CASE(recipe_counts_what_it_may_hold),
          CASE(recipe_has_to_fit_the_vocabulary), CASE(recipe_says_where_it_is_wrong),
          CASE(recipe_reference_comes_from_the_tables))
