// The steps of recipes against what the programs of the methods gave for the same texts.
#include "tests/datagen/table.h"

#include "base/unitext.h"

static Arena       arena;
static const Json *goldens;

// The list of that name, NULL after a skip.
static const Json *golden(const char *name)
{
    const char *path = check_golden("instruct.json");

    if (path == NULL)
        return NULL;
    if (arena.base == NULL) {
        EXPECT_OK(arena_make(&arena, "golden", (int64_t)4 << 30));
        EXPECT_OK(json_read(&arena, path, JSON_NO_COMMENTS, &goldens));
    }
    EXPECT(json_member(goldens, name) != NULL);
    return json_member(goldens, name);
}

static const char *text_of(const Json *object, const char *key)
{
    const Json *m = json_member(object, key);

    return m == NULL || m->kind != JSON_TEXT ? NULL : m->text;
}

// A table of the responses of a golden list: text and finish of each.
static Table *responses(const Json *list)
{
    static const char *const names[] = {"instruction", NULL};
    TableRow                *rows = arena_new(&arena, TableRow, list->length);
    int64_t                  n = 0;

    for (const Json *m = list->child; m != NULL; m = m->next) {
        const char *finish = text_of(m, "finish");

        rows[n].text[0] = "INSTR";
        rows[n].answer = text_of(m, "text");
        rows[n++].is_cut = finish != NULL && strcmp(finish, "length") == 0;
    }
    return table_make(&arena, names, rows, n);
}

#define ASK(stop) \
    "{\"do\": \"generate\", \"text\": \"{row}\", \"into\": \"response\", \"max_tokens\": 9" stop "}"

// ---- numbered lists

#define WORDS                                                                             \
    "\"image\", \"images\", \"graph\", \"graphs\", \"picture\", \"pictures\", \"file\", " \
    "\"files\", \"map\", \"maps\", \"draw\", \"plot\", \"go to\""
#define FILTER(in, more) ",{\"do\": \"filter\", \"in\": \"" in "\", " more "}"
#define FILTERS(in, words)                                                          \
    FILTER(in, "\"by\": \"empty\"")                                                 \
    FILTER(in, "\"by\": \"words\", \"min\": 4, \"max\": 150")                       \
    FILTER(in, "\"by\": \"word_list\", \"list\": [" words "], \"found\": \"word\"") \
    FILTER(in, "\"by\": \"prefix\", \"text\": \"Write a program\", \"reason\": "    \
               "\"write_a_program\"")                                               \
    FILTER(in, "\"by\": \"first_punctuation\"") FILTER(in, "\"by\": \"first_non_ascii\"")
#define LIST(as)                                                                  \
    ASK("")                                                                       \
    ",{\"do\": \"parse\", \"by\": \"list\", \"in\": \"response\", \"into\": "     \
    "[\"item\"], \"as\": \"" as "\", \"first\": 9, \"on_length\": \"drop_all\"}," \
    "{\"do\": \"map\", \"in\": \"item\", \"by\": [\"collapse\", \"strip\", "      \
    "\"capitalize\"]}" FILTERS("item", WORDS)

static void expect_accepted(Table *t, const SetRows *rows, const Json *accepted, const char *name)
{
    const Json *want = accepted->child;

    for (int64_t i = 0; i < rows->R; i++) {
        if (rows->status[i] != SET_KEPT)
            continue;
        EXPECT_TEXT(table_field(t, rows, i, "item"), want == NULL ? name : want->text);
        want = want == NULL ? NULL : want->next;
    }
    EXPECT_TEXT(want == NULL ? "" : name, "");
}

static void lists_are_read_as_published(const Comm *c)
{
    const Json *list = golden("self_instruct_step1");
    int64_t     k = 0;

    (void)c;
    if (list == NULL)
        return;
    Table  *t = responses(list);
    Recipe *r = table_recipe(t, LIST("published"));

    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        SetRows rows = table_rows(t, r, k, 1);

        expect_accepted(t, &rows, json_member(m, "accepted"), text_of(m, "name"));
    }
    EXPECT_INT(k, 8);
    check_compared(k);
}

// On these the two ways agree.
static void lists_are_read_as_intended(const Comm *c)
{
    const Json *list = golden("self_instruct_step1");
    int64_t     k = 0;

    (void)c;
    if (list == NULL)
        return;
    Table  *t = responses(list);
    Recipe *r = table_recipe(t, LIST("intended"));

    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        SetRows rows = table_rows(t, r, k, 1);

        expect_accepted(t, &rows, json_member(m, "accepted"), text_of(m, "name"));
    }
    EXPECT(k > 0);
    check_compared(k);
}

static void expect_item(Table *t, const SetRows *rows, int64_t i, const Json *want)
{
    const char *reason = text_of(want, "reason"), *word = text_of(want, "word");
    double      words = json_member(want, "words")->number;
    const char *item = table_field(t, rows, i, "item");

    EXPECT_TEXT(table_reason(rows, i), strcmp(reason, "accepted") == 0 ? "" : reason);
    EXPECT_TEXT(item, text_of(want, "item"));
    EXPECT_TEXT(table_field(t, rows, i, "word"), word == NULL ? "" : word);
    EXPECT_INT(unitext_words(span_of(item)), (int64_t)words);
}

static void items_are_rejected_for_the_published_reasons(const Comm *c)
{
    const Json *list = golden("self_instruct_postprocess_filters");
    int64_t     k = 0, items = 0;

    (void)c;
    if (list == NULL)
        return;
    Table  *t = responses(list);
    Recipe *r = table_recipe(t, LIST("published"));

    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        SetRows     rows = table_rows(t, r, k, 1);
        const char *response = text_of(m, "response");
        int64_t     i = 0;

        if (strcmp(response, "parsed") != 0) {
            EXPECT_INT(rows.R, 1);
            EXPECT_TEXT(table_reason(&rows, 0),
                        strcmp(response, "none") == 0 ? "no answer" : "length");
            continue;
        }
        EXPECT_INT(rows.R, json_member(m, "items")->length);
        for (const Json *want = json_member(m, "items")->child; want != NULL && i < rows.R;
             want = want->next, i++, items++)
            expect_item(t, &rows, i, want);
    }
    EXPECT(k == 6 && items > 10);
    check_compared(k);
}

// ---- inputs and outputs

#define INSTANCES(kind, as)                                                                      \
    ASK("")                                                                                      \
    ",{\"do\": \"parse\", \"by\": \"" kind "\", \"in\": \"response\", \"into\": "                \
    "[\"input\", \"output\"], \"as\": \"" as                                                     \
    "\"}" FILTER("input", "\"by\": \"equal\", \"with\": \"output\"") FILTER(                     \
        "output", "\"by\": \"empty\"") FILTER("input", "\"by\": \"ends_with\", \"text\": \":\"") \
        FILTER("output",                                                                         \
               "\"by\": \"ends_with\", \"text\": \":\"") ",{\"do\": \"select\", \"conflict\": "  \
                                                         "{\"same\": \"input\", \"differs\": "   \
                                                         "\"output\"}, "                         \
                                                         "\"distinct\": [\"input\", \"output\"]}"

// The goldens are sorted; rows are in the order of the text.
static int is_among(Table *t, const SetRows *rows, int64_t i, const Json *instances)
{
    for (const Json *m = instances->child; m != NULL; m = m->next)
        if (strcmp(table_field(t, rows, i, "input"), m->child->next->text) == 0 &&
            strcmp(table_field(t, rows, i, "output"), m->child->next->next->text) == 0)
            return 1;
    return 0;
}

static int64_t expect_instances(Table *t, const SetRows *rows, const Json *instances)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < rows->R; i++)
        if (rows->status[i] == SET_KEPT) {
            kept++;
            EXPECT(is_among(t, rows, i, instances));
        }
    EXPECT_INT(kept, instances->length);
    return kept;
}

static void instances_are_read_as_published(const Comm *c)
{
    const Json *list = golden("self_instruct_step3_parse");
    int64_t     k = 0;

    (void)c;
    if (list == NULL)
        return;
    Table  *t = responses(list);
    Recipe *gen = table_recipe(t, INSTANCES("examples", "published"));
    Recipe *clf = table_recipe(t, INSTANCES("labels", "published"));

    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        int     is_gen = strcmp(text_of(m, "kind"), "gen") == 0;
        SetRows rows = table_rows(t, is_gen ? gen : clf, k, 1);

        expect_instances(t, &rows, json_member(m, "instances"));
    }
    EXPECT_INT(k, 14);
    check_compared(k);
}

// What is lost as published: the second pair of a response without "Example", and an answer with
// the word "Example" in it.
static void instances_are_read_as_intended(const Comm *c)
{
    const Json *list = golden("self_instruct_step3_parse");
    int64_t     k = 0, others = 0;

    (void)c;
    if (list == NULL)
        return;
    Table  *t = responses(list);
    Recipe *gen = table_recipe(t, INSTANCES("examples", "intended"));
    Recipe *clf = table_recipe(t, INSTANCES("labels", "intended"));

    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        int         is_gen = strcmp(text_of(m, "kind"), "gen") == 0;
        const char *name = text_of(m, "name");
        SetRows     rows = table_rows(t, is_gen ? gen : clf, k, 1);

        if (strcmp(name, "second Input in output cut") == 0) {
            EXPECT_INT(rows.R, 2);
            EXPECT_TEXT(table_field(t, &rows, 1, "input"), "b");
            EXPECT_TEXT(table_field(t, &rows, 1, "output"), "B");
            others++;
        } else if (strcmp(name, "word Example inside output splits") == 0) {
            EXPECT_INT(rows.R, 1);
            EXPECT_TEXT(table_field(t, &rows, 0, "input"), "Topic: logic");
            EXPECT_TEXT(table_field(t, &rows, 0, "output"), "For Example, all men are mortal.");
            others++;
        } else {
            expect_instances(t, &rows, json_member(m, "instances"));
        }
    }
    EXPECT_INT(others, 2);
    check_compared(k);
}

static void field_names_are_removed_as_published(const Comm *c)
{
    static const char *const names[] = {"input", NULL};
    const Json              *list = golden("self_instruct_field_name_removal");
    int64_t                  k = 0;

    (void)c;
    if (list == NULL)
        return;
    TableRow *rows = arena_new(&arena, TableRow, list->length);

    for (const Json *m = list->child; m != NULL; m = m->next)
        rows[k++].text[0] = text_of(m, "input");
    Table  *t = table_make(&arena, names, rows, k);
    Recipe *r = table_recipe(t, "{\"do\": \"map\", \"in\": \"input\", \"into\": \"x\", \"by\": "
                                "[\"drop_label\", \"single_lines\"]}");

    k = 0;
    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        SetRows made = table_rows(t, r, k, 1);

        EXPECT_TEXT(table_field(t, &made, 0, "x"), text_of(m, "output"));
    }
    EXPECT_INT(k, 7);
    check_compared(k);
}

// ---- sections

#define SECTIONS(as)                                                              \
    ASK("")                                                                       \
    ",{\"do\": \"parse\", \"by\": \"sections\", \"in\": \"response\", \"into\": " \
    "[\"task\", \"input\", \"output\"], \"first\": 4, \"as\": \"" as              \
    "\"}" FILTERS("task", WORDS ", \"video\", \"audio\", \"music\", \"flowchart\", \"diagram\"")

static void expect_sections(Table *t, const SetRows *rows, const Json *accepted, const char *name)
{
    const Json *want = accepted->child;

    for (int64_t i = 0; i < rows->R; i++) {
        if (rows->status[i] != SET_KEPT)
            continue;
        EXPECT(want != NULL);
        if (want == NULL)
            return;
        EXPECT_TEXT(table_field(t, rows, i, "task"), text_of(want, "instruction"));
        EXPECT_TEXT(table_field(t, rows, i, "input"), text_of(want, "input"));
        EXPECT_TEXT(table_field(t, rows, i, "output"), text_of(want, "output"));
        want = want->next;
    }
    EXPECT_TEXT(want == NULL ? "" : name, "");
}

static void sections_are_read_as_published(const Comm *c)
{
    const Json *list = golden("alpaca_parse");
    int64_t     k = 0;

    (void)c;
    if (list == NULL)
        return;
    Table  *t = responses(list);
    Recipe *r = table_recipe(t, SECTIONS("published"));

    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        SetRows rows = table_rows(t, r, k, 1);

        expect_sections(t, &rows, json_member(m, "accepted"), text_of(m, "name"));
    }
    EXPECT_INT(k, 9);
    check_compared(k);
}

typedef struct Better { // what the intended way makes of a case that the published one spoils
    const char *name;
    int64_t     rows;
    const char *output[3], *input;
} Better;

static void sections_are_read_as_intended(const Comm *c)
{
    static const Better better[] = {
        {"two hashes merge next item into output", 2, {"It was eaten.", "Pacific."}, "x"},
        {"three hashes in output shift numbering",
         3,
         {"### Title\nbody", "Pacific.", "2, 3, 5"},
         ""},
        {"No input variant kept literally", 1, {"Pacific."}, ""},
        {"renumbered from 1 lost", 1, {"Pacific."}, ""}};
    const Json *list = golden("alpaca_parse");
    int64_t     k = 0, found = 0;

    (void)c;
    if (list == NULL)
        return;
    Table  *t = responses(list);
    Recipe *r = table_recipe(t, SECTIONS("intended"));

    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        SetRows       rows = table_rows(t, r, k, 1);
        const Better *b = NULL;

        for (size_t i = 0; i < sizeof better / sizeof better[0]; i++)
            b = strcmp(better[i].name, text_of(m, "name")) == 0 ? &better[i] : b;
        if (b == NULL) {
            expect_sections(t, &rows, json_member(m, "accepted"), text_of(m, "name"));
            continue;
        }
        found++;
        EXPECT_INT(rows.R, b->rows);
        EXPECT_TEXT(table_field(t, &rows, 0, "input"), b->input);
        for (int64_t i = 0; i < rows.R && i < b->rows; i++) {
            EXPECT_TEXT(table_reason(&rows, i), "");
            EXPECT_TEXT(table_field(t, &rows, i, "output"), b->output[i]);
        }
    }
    EXPECT_INT(found, 4);
    check_compared(k);
}

// ---- stops

static void expect_stops(const char *name, const char *published, const char *anchored)
{
    const Json *list = golden(name);
    int64_t     k = 0;

    if (list == NULL)
        return;
    Table  *t = responses(list);
    Recipe *r = table_recipe(t, published), *a = table_recipe(t, anchored);

    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        SetRows rows = table_rows(t, r, k, 1), whole = table_rows(t, a, k, 1);

        EXPECT_TEXT(table_field(t, &rows, 0, "response"), text_of(m, "after"));
        EXPECT_TEXT(table_field(t, &whole, 0, "response"), text_of(m, "text"));
    }
    EXPECT(k > 0);
    check_compared(k);
}

// As published "20." cuts prices and years; at the beginning of a line it does not.
static void stops_cut_content_unless_they_stand_at_line_starts(const Comm *c)
{
    (void)c;
    expect_stops("alpaca_stop_trap", ASK(", \"stop\": [\"\\n20\", \"20.\", \"20.\"]"),
                 ASK(", \"stop\": [\"\\n20.\"]"));
    expect_stops("self_instruct_stop_trap",
                 ASK(", \"stop\": [\"\\n\\n\", \"\\n16\", \"16.\", \"16 .\"]"),
                 ASK(", \"stop\": [\"\\n16.\", \"\\n16 .\"]"));
}

// ---- encoding for training

static Table *examples(const Json *list, const char *inner)
{
    static const char *const names[] = {"instruction", "input", "output", NULL};
    TableRow                *rows = arena_new(&arena, TableRow, list->length);
    int64_t                  n = 0;

    for (const Json *m = list->child; m != NULL; m = m->next, n++)
        for (int i = 0; i < 3; i++) {
            const char *text = text_of(*inner ? json_member(m, inner) : m, names[i]);

            rows[n].text[i] = text == NULL ? "" : text;
        }
    return table_make(&arena, names, rows, n);
}

#define EMIT(prompt, answer)                                                     \
    "{\"do\": \"emit\", \"messages\": [{\"role\": \"user\", \"text\": \"" prompt \
    "\", \"weight\": 0}, {\"role\": \"assistant\", \"text\": \"" answer "\", \"weight\": 1}]}"
#define OPTION(prompt, answer) "{\"steps\": [" EMIT(prompt, answer) "]}"
#define EACH(options)          "{\"do\": \"choose\", \"by\": \"each\", \"options\": [" options "]}"
#define ENCODE_BEGIN                                                   \
    "{\"do\": \"map\", \"in\": \"instruction\", \"by\": [\"strip\"]}," \
    "{\"do\": \"map\", \"in\": \"input\", \"by\": [\"strip\"]},"       \
    "{\"do\": \"map\", \"in\": \"output\", \"by\": [\"strip\"]},"

static const char
    seven_and_six[] = ENCODE_BEGIN "{\"do\": \"filter\", \"in\": \"input\", \"by\": \"empty\", "
                                   "\"into\": \"blank\"},"
                                   "{\"do\": \"when\", \"blank\": false, \"steps\": [" EACH(
                                       OPTION(
                                           "{instruction}\\nInput: {input}\\nOutput:",
                                           " {output}{eos}") "," OPTION("{instruction}\\n\\nInput: "
                                                                        "{input}\\n\\nOutput:",
                                                                        " {output}{eos}") "," OPTION("Task: {instruction}\\nInput: {input}\\nOutput:",
                                                                                                     " {output}{eos}") "," OPTION("{instruction}\\n\\n{input}\\n\\nOutput:",
                                                                                                                                  " {output}{eos}") "," OPTION("{instruction}\\n\\n{input}\\n\\n", "{output}{eos}") "," OPTION("{instruction}\\n{input}\\n\\n", "{output}{eos}") "," OPTION("Task: {instruction}\\n\\n{input}\\n\\n", "{output}{eos}")) "]},"
                                                                                                                                                                                                                                                                                                                                                        "{\"do\": \"when\", \"blank\": true, \"steps\": [" EACH(
                                                                                                                                                                                                                                                                                                                                                            OPTION("{instruction} Output:",
                                                                                                                                                                                                                                                                                                                                                                   " {output}{eos}") "," OPTION("{instruction}\\nOutput:", " {output}{eos}") "," OPTION("{instruction}\\n\\nOutput:",
                                                                                                                                                                                                                                                                                                                                                                                                                                                        " {output}{eos}") "," OPTION("{instruction}\\n", "{output}{eos}") "," OPTION("{instruction}\\n\\n",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     "{output}{eos}") "," OPTION("Task: {instruction}\\n\\n", "{output}{eos}")) "]}";

static void expect_form(Table *t, const SetRows *rows, int64_t i, const Json *want, const char *eos)
{
    EXPECT_TEXT(table_reason(rows, i), "");
    EXPECT_TEXT(table_segments(t, rows, i, 0, eos), text_of(want, "prompt"));
    EXPECT_TEXT(table_segments(t, rows, i, 1, eos), text_of(want, "completion"));
}

static void encodings_of_instances_are_the_published_ones(const Comm *c)
{
    const Json *list = golden("self_instruct_encode");
    int64_t     k = 0, forms = 0;

    (void)c;
    if (list == NULL)
        return;
    Table  *t = examples(list, "");
    Recipe *r = table_recipe(t, seven_and_six);
    Recipe *plain =
        table_recipe(t, ENCODE_BEGIN EMIT("{instruction}\\n\\n{input}\\n\\n", "{output}{eos}"));

    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        SetRows     rows = table_rows(t, r, k, 1), one = table_rows(t, plain, k, 1);
        const char *eos = text_of(json_member(m, "settings"), "eos");
        int64_t     i = 0;

        EXPECT_INT(rows.R, json_member(m, "encoded")->length);
        for (const Json *f = json_member(m, "encoded")->child; f != NULL && i < rows.R;
             f = f->next, i++, forms++)
            expect_form(t, &rows, i, f, eos);
        expect_form(t, &one, 0, json_member(m, "plain"), eos);
    }
    EXPECT(k == 6 && forms == 40);
    check_compared(k);
}

// The steps draw in random order; one of few seeds gives the order of the golden.
static void expect_prompt(const Json *m)
{
    const Json *list = json_member(m, "tasks");
    Table      *t = examples(list, "");
    Recipe     *r = table_recipe(
            t, arena_format(
                   &arena,
                   "{\"do\": \"demonstrate\", \"into\": \"shown\", \"of\": [{\"view\": \"seeds\", "
                       "\"count\": %lld}], \"text\": \"###\\n{number}. Instruction: {instruction}\\n"
                       "{number}. Input:\\n{input}\\n{number}. Output:\\n{output}\\n\", \"clean\": "
                       "[\"instruction\"], \"empty\": {\"input\": \"<noinput>\"}},"
                       "{\"do\": \"map\", \"text\": \"\\n{shown}###\\n%lld. Instruction:\", \"into\": "
                       "\"prompt\"}",
                   (long long)list->length, (long long)list->length + 1));
    const char *want = text_of(m, "after_header");
    int         found = 0;

    for (uint64_t seed = 0; seed < 100 && !found; seed++) {
        SetRows rows = table_rows(t, r, 0, seed);

        found = strcmp(table_field(t, &rows, 0, "prompt"), want) == 0;
    }
    EXPECT(found);
}

static void prompts_of_triples_are_the_published_ones(const Comm *c)
{
    const Json *list = golden("alpaca_prompt");
    int64_t     k = 0;

    (void)c;
    if (list == NULL)
        return;
    for (const Json *m = list->child; m != NULL; m = m->next, k++)
        expect_prompt(m);
    EXPECT_INT(k, 4);
    check_compared(k);
}

#define BELOW(what) "Below is an instruction that describes a task" what
#define RESPOND     " Write a response that appropriately completes the request.\\n\\n### "
// Only the empty input is none: one of white space is written as it is.
static const char two_forms[] =
    "{\"do\": \"filter\", \"in\": \"input\", \"by\": \"characters\", \"min\": 1, \"into\": "
    "\"none\"},"
    "{\"do\": \"when\", \"none\": false, \"steps\": [" EMIT(
        BELOW(", paired with an input that provides further context.") RESPOND
        "Instruction:\\n{instruction}\\n\\n### Input:\\n{input}\\n\\n### Response:",
        "{output}{eos}") "]},"
                         "{\"do\": \"when\", \"none\": true, \"steps\": [" EMIT(
                             BELOW(".") RESPOND "Instruction:\\n{instruction}\\n\\n### Response:",
                             "{output}{eos}") "]}";

typedef struct Counted {
    int64_t tokens, supervised, first;
} Counted;

// Tokens of the kept row under a limit, where a longer document is cut on the right.
static Counted count_tokens(const Vocab *v, const SetRows *rows, int64_t limit)
{
    enum { ROOM = 8192 };
    int32_t *ids = arena_new(&arena, int32_t, ROOM);
    float   *weight = arena_new(&arena, float, ROOM);
    Counted  out = {0};
    int64_t  length = 0;

    EXPECT_OK(produce_tokens(v, &arena, rows, 0, ids, weight, ROOM, &length));
    out.tokens = length < limit ? length : limit;
    out.first = out.tokens; // where nothing is left to learn
    for (int64_t i = 0; i < out.tokens; i++) {
        out.supervised += weight[i] > 0;
        out.first = weight[i] > 0 && i < out.first ? i : out.first;
    }
    return out;
}

static void expect_source(Table *t, const SetRows *rows, const Vocab *v, const Json *m)
{
    const Json *settings = json_member(m, "settings");
    Counted     n = count_tokens(v, rows, (int64_t)json_member(settings, "max_length")->number);

    EXPECT_TEXT(table_segments(t, rows, 0, 0, "</s>"), text_of(m, "source"));
    EXPECT_TEXT(table_segments(t, rows, 0, 1, "</s>"), text_of(m, "target"));
    EXPECT_INT(n.tokens, (int64_t)json_member(m, "tokens")->number);
    EXPECT_INT(n.supervised, (int64_t)json_member(m, "supervised")->number);
    EXPECT_INT(n.first, (int64_t)json_member(m, "first_supervised")->number);
}

static void training_forms_of_triples_are_the_published_ones(const Comm *c)
{
    const Json *list = golden("alpaca_train_source"), *byte = NULL;
    int64_t     k = 0;
    Vocab      *v = NULL;

    (void)c;
    if (list == NULL)
        return;
    Table  *t = examples(list, "example");
    Recipe *r = table_recipe(t, two_forms);

    EXPECT_OK(json_parse(&arena, "vocab", "{\"kind\": \"byte\"}", 16, JSON_NO_COMMENTS, &byte));
    EXPECT_OK(vocab_make(&arena, byte, &v));
    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        SetRows rows = table_rows(t, r, k, 1);

        expect_source(t, &rows, v, m);
    }
    EXPECT_INT(k, 6);
    check_compared(k);
}

// ---- conversations

// The turns as the golden writes them.
static const char *conversation(const char *turns)
{
    const Json *json = NULL;
    Text        t = text_make(&arena);

    EXPECT_OK(json_parse(&arena, "turns", turns, (int64_t)strlen(turns), JSON_NO_COMMENTS, &json));
    text_puts(&t, "The conversation between human and AI assistant.\n");
    for (const Json *m = json->child; m != NULL; m = m->next)
        text_printf(&t, "[|%s|] %s\n", strcmp(text_of(m, "role"), "user") == 0 ? "Human" : "AI",
                    text_of(m, "text"));
    text_puts(&t, "[|Human|] ");
    return t.data;
}

static void conversations_are_read_as_published(const Comm *c)
{
    static const char *const names[] = {"instruction", NULL};
    const Json              *list = golden("baize_preprocess");
    int64_t                  k = 0;

    (void)c;
    if (list == NULL)
        return;
    TableRow *texts = arena_new(&arena, TableRow, list->length);

    for (const Json *m = list->child; m != NULL; m = m->next, k++)
        texts[k] = (TableRow){.text = {""}, .answer = text_of(m, "raw")};
    Table  *t = table_make(&arena, names, texts, k);
    Recipe *r = table_recipe(t, ASK("") ",{\"do\": \"parse\", \"by\": \"transcript\", \"in\": "
                                        "\"response\", \"into\": [\"turns\"], \"as\": "
                                        "\"published\", \"on_length\": \"keep\"}");

    k = 0;
    for (const Json *m = list->child; m != NULL; m = m->next, k++) {
        SetRows     rows = table_rows(t, r, k, 1);
        const char *want = text_of(m, "result");

        EXPECT_TEXT(table_reason(&rows, 0), want == NULL ? "no items" : "");
        if (want != NULL)
            EXPECT_TEXT(conversation(table_field(t, &rows, 0, "turns")), want);
    }
    EXPECT_INT(k, 4);
    check_compared(k);
}

TEST_MAIN(CASE(lists_are_read_as_published), CASE(lists_are_read_as_intended),
          CASE(items_are_rejected_for_the_published_reasons), CASE(instances_are_read_as_published),
          CASE(instances_are_read_as_intended), CASE(field_names_are_removed_as_published),
          CASE(sections_are_read_as_published), CASE(sections_are_read_as_intended),
          CASE(stops_cut_content_unless_they_stand_at_line_starts),
          CASE(encodings_of_instances_are_the_published_ones),
          CASE(prompts_of_triples_are_the_published_ones),
          CASE(training_forms_of_triples_are_the_published_ones),
          CASE(conversations_are_read_as_published))
