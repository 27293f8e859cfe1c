// Data files as people have them: each format with a small file, what is left out, what is refused.
#include "datagen/step.h"
#include "io/file.h"
#include "tests/datagen/setting.h"

#include <stdlib.h>

static Arena       arena;
static const char *room; // a folder of the case

static void begin(const Comm *c, const char *name)
{
    static int made;

    if (!made++)
        EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 36));
    room = check_folder(c, name);
}

static void put(const char *name, const char *text)
{
    EXPECT_OK(file_publish(arena_format(&arena, "%s/%s", room, name), "test", text,
                           (int64_t)strlen(text)));
}

static Err make(const char *members, Source **out)
{
    const char *text = arena_format(&arena, "{\"kind\": \"records\", %s}", members);

    *out = NULL;
    return source_make(&arena, setting_json(&arena, text), room, 1, out);
}

// A source of one file with this text.
static Source *from(const char *name, const char *text)
{
    Source *s = NULL;

    put(name, text);
    EXPECT_OK(make(arena_format(&arena, "\"files\": [\"%s\"]", name), &s));
    return s;
}

static const char *field(const Source *s, int64_t k, const char *name)
{
    Record r = {.arena = &arena, .reason = ""};

    if (s == NULL || k >= source_count(s, SPLIT_SEEDS))
        return "(no record)";
    source_draw(s, SPLIT_SEEDS, 0, k, &r);
    return setting_field(&r, name);
}

static void expect_report(const Source *s, const char *says)
{
    if (s == NULL || strstr(source_report(s), says) == NULL)
        EXPECT_TEXT(s == NULL ? "(no source)" : source_report(s), says);
    EXPECT(s != NULL && strstr(source_report(s), says) != NULL);
}

static void refused(const char *name, const char *text, Err e, const char *says)
{
    Source *s;

    put(name, text);
    EXPECT_ERR(make(arena_format(&arena, "\"files\": [\"%s\"]", name), &s), e, says);
}

// One message, two messages, as they are written.
#define U(text)  "{\"role\": \"user\", \"content\": \"" text "\"}"
#define A(text)  "{\"role\": \"assistant\", \"content\": \"" text "\"}"
#define S(text)  "{\"role\": \"system\", \"content\": \"" text "\"}"
#define UA(u, a) "[" U(u) ", " A(a) "]"

static void alpaca_becomes_a_conversation(const Comm *c)
{
    Source *s;

    begin(c, "alpaca");
    s = from("a.json",
             "[{\"instruction\": \"add\", \"input\": \"1 2\", \"output\": \"3\"},\n"
             " {\"instruction\": \"greet\", \"input\": \"\", \"output\": \"hi\"},\n"
             " {\"instruction\": \"go on\", \"output\": \"c\", \"system\": \"Be brief.\",\n"
             "  \"history\": [[\"one\", \"a\"], [\"two\", \"b\"]]}]");
    EXPECT_TEXT(field(s, 0, "messages"), UA("add\\n1 2", "3"));
    EXPECT_TEXT(field(s, 0, "input"), "1 2");
    EXPECT_TEXT(field(s, 0, "tools"), "");
    EXPECT_TEXT(field(s, 1, "messages"), UA("greet", "hi"));
    EXPECT_TEXT(field(s, 1, "output"), "hi");
    EXPECT_TEXT(field(s, 2, "messages"), "[" S("Be brief.") ", " U("one") ", " A("a") ", " U(
                                             "two") ", " A("b") ", " U("go on") ", " A("c") "]");
    expect_report(s, "a.json: alpaca, 3 records");
    s = from("b.jsonl", "{\"instruction\": \"add\", \"response\": \"3\"}\n");
    EXPECT_TEXT(field(s, 0, "messages"), UA("add", "3"));
    s = from("c.json", "{\"instruction\": \"x\", \"output\": \"y\"}\n" // lines, whatever the name
                       "{\"instruction\": \"z\", \"output\": \"w\"}\n");
    EXPECT_TEXT(field(s, 1, "messages"), UA("z", "w"));
    refused(
        "d.json",
        "[{\"instruction\": \"a\", \"output\": \"b\"},\n {\"instruction\": \"a\", \"output\": 7}]",
        ERR_DATA, "d.json:2:2");
    refused("e.json", "[{\"instruction\": \"a\", \"output\": \"b\", \"history\": [[\"x\"]]}]",
            ERR_DATA, "[question, answer]");
}

static void sharegpt_roles_have_many_spellings(const Comm *c)
{
    static const char *const users[] = {"human", "user", "Human"};
    static const char *const answers[] = {"gpt", "assistant", "chatgpt", "model", "bing"};

    begin(c, "sharegpt");
    for (int u = 0; u < 3; u++)
        for (int a = 0; a < 5; a++) {
            Source *s =
                from("a.json", arena_format(&arena,
                                            "[{\"conversations\": [{\"from\": \"%s\", \"value\": "
                                            "\"q\"}, {\"from\": \"%s\", \"value\": \"a\"}]}]",
                                            users[u], answers[a]));

            EXPECT_TEXT(field(s, 0, "messages"), UA("q", "a"));
            expect_report(s, "sharegpt, 1 record");
        }
    refused("b.json", "[{\"conversations\": [{\"from\": \"robot\", \"value\": \"q\"}]}]", ERR_DATA,
            "b.json:1:30: found the text \"robot\" for who speaks");
    refused("c.json", "[{\"conversations\": [{\"from\": \"human\", \"text\": \"q\"}]}]", ERR_DATA,
            "a message here is {\"from\": ..., \"value\": ...}");
    refused("d.json",
            "[{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"},\n{\"role\": \"user\", "
            "\"content\": \"q\"}]}]",
            ERR_DATA, "d.json:2:1");
}

static void calls_of_tools_become_tool_calls(const Comm *c)
{
    Source *s;

    begin(c, "tools");
    s = from("a.json",
             "[{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"},"
             "{\"from\": \"function_call\", \"value\": \"{\\\"name\\\": \\\"f\\\", "
             "\\\"arguments\\\": {\\\"x\\\": 1}}\"},"
             "{\"from\": \"observation\", \"value\": \"7\"}, {\"from\": \"gpt\", \"value\": "
             "\"seven\"}], \"tools\": \"[{\\\"name\\\": \\\"f\\\"}]\"}]");
    EXPECT_TEXT(field(s, 0, "messages"),
                "[" U("q") ", {\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": "
                           "[{\"type\": \"function\", \"function\": {\"name\": \"f\", "
                           "\"arguments\": {\"x\": 1}}}]}, {\"role\": \"tool\", \"content\": "
                           "\"7\"}, " A("seven") "]");
    EXPECT_TEXT(field(s, 0, "tools"),
                "[{\"type\": \"function\", \"function\": {\"name\": \"f\"}}]");
    s = from("b.jsonl",
             "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", "
             "\"content\": null, \"tool_calls\": [{\"id\": \"c1\", \"type\": \"function\", "
             "\"function\": {\"name\": \"f\", \"arguments\": \"{\\\"x\\\": 1}\"}}]}, {\"role\": "
             "\"tool\", \"tool_call_id\": \"c1\", \"content\": \"7\"}], \"tools\": [{\"type\": "
             "\"function\", \"function\": {\"name\": \"f\"}}]}\n");
    EXPECT_TEXT(
        field(s, 0, "messages"),
        "[" U("q") ", {\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"id\": "
                   "\"c1\", \"type\": \"function\", \"function\": {\"name\": \"f\", "
                   "\"arguments\": {\"x\": 1}}}]}, {\"role\": \"tool\", \"content\": "
                   "\"7\", \"tool_call_id\": \"c1\"}]");
    EXPECT_TEXT(field(s, 0, "tools"),
                "[{\"type\": \"function\", \"function\": {\"name\": \"f\"}}]");
    refused("c.json", "[{\"conversations\": [{\"from\": \"function_call\", \"value\": \"f(1)\"}]}]",
            ERR_DATA, "a call of a tool is the JSON");
    refused("d.json",
            "[{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}, {\"from\": \"gpt\", "
            "\"value\": \"a\"}], \"tools\": \"none\"}]",
            ERR_DATA, "\"tools\" is a text that is no JSON");
}

static void messages_keep_weights_and_parts(const Comm *c)
{
    Source *s;

    begin(c, "messages");
    s = from("a.jsonl",
             "{\"messages\": [{\"role\": \"developer\", \"content\": \"s\"}, {\"role\": \"user\", "
             "\"content\": [{\"type\": \"text\", \"text\": \"q\"}, {\"type\": \"text\", \"value\": "
             "\"r\"}], \"weight\": 1}, {\"role\": \"assistant\", \"content\": \"a\", \"weight\": "
             "0}]}\n"
             "{\"messages\": [{\"role\": \"user\", \"content\": \"q\", \"loss_weight\": 0.0}, "
             "{\"role\": \"assistant\", \"content\": [{\"type\": \"reasoning\", \"value\": \"t\"}, "
             "{\"type\": \"text\", \"value\": \"a\"}], \"loss_weight\": 0.5}]}\n");
    EXPECT_TEXT(field(s, 0, "messages"),
                "[" S("s") ", " U("qr") ", {\"role\": \"assistant\", \"content\": \"a\", "
                                        "\"weight\": 0}]");
    EXPECT_TEXT(field(s, 1, "messages"),
                "[" U("q") ", {\"role\": \"assistant\", \"content\": \"a\", \"reasoning_content\": "
                           "\"t\", \"weight\": 0.5}]");
    expect_report(s, "messages, 2 records");
    refused("b.jsonl",
            "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]}\n",
            ERR_DATA, "found \"image_url\"");
    refused("c.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": 7}]}\n", ERR_DATA,
            "c.jsonl, line 1:1:43");
    refused("d.jsonl",
            "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\", \"weight\": \"x\"}]}\n",
            ERR_DATA, "is the weight of a message");
}

static void prompts_are_texts_or_messages(const Comm *c)
{
    Source *s;

    begin(c, "prompt");
    s = from("a.jsonl", "{\"prompt\": \"q\", \"completion\": \"a\"}\n"
                        "{\"prompt\": [{\"role\": \"user\", \"content\": \"q\"}], \"completion\": "
                        "[{\"role\": \"assistant\", \"content\": \"b\"}]}\n");
    EXPECT_TEXT(field(s, 0, "messages"), UA("q", "a"));
    EXPECT_TEXT(field(s, 0, "prompt"), "q");
    EXPECT_TEXT(field(s, 1, "messages"), UA("q", "b"));
    expect_report(s, "prompt-completion, 2 records");
    s = from("b.jsonl", "{\"question\": \"q\", \"answer\": \"a\", \"level\": 3}\n");
    EXPECT_TEXT(field(s, 0, "messages"), UA("q", "a"));
    EXPECT_TEXT(field(s, 0, "question"), "q"); // as before there were formats
    EXPECT_TEXT(field(s, 0, "level"), "3");
}

static void pairs_give_both_conversations(const Comm *c)
{
    static const char *const rows[] = {
        "{\"instruction\": \"q\", \"input\": \"i\", \"chosen\": \"a\", \"rejected\": \"b\"}",
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"q\\ni\"}], \"chosen\": {\"from\": "
        "\"gpt\", \"value\": \"a\"}, \"rejected\": {\"from\": \"gpt\", \"value\": \"b\"}}",
        "{\"prompt\": \"q\\ni\", \"chosen\": \"a\", \"rejected\": \"b\"}",
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"q\\ni\"}], \"chosen\": [{\"role\": "
        "\"assistant\", \"content\": \"a\"}], \"rejected\": [{\"role\": \"assistant\", "
        "\"content\": \"b\"}]}",
        "{\"prompt\": \"ignored\", \"chosen\": [{\"role\": \"user\", \"content\": \"q\\ni\"}, "
        "{\"role\": \"assistant\", \"content\": \"a\"}], \"rejected\": [{\"role\": \"user\", "
        "\"content\": \"q\\ni\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}",
        "{\"chosen\": \"\\n\\nHuman: q\\ni\\n\\nAssistant: a\", \"rejected\": \"\\n\\nHuman: "
        "q\\ni\\n\\nAssistant: b\"}",
        "{\"prompt\": \"\\n\\nHuman: q\\ni\\n\\nAssistant:\", \"chosen\": \"a\", \"rejected\": "
        "\"b\"}",
        "{\"chosen\": \"q\\ni a\", \"rejected\": \"q\\ni b\"}",
        "{\"question\": \"q\\ni\", \"response_j\": \"a\", \"response_k\": \"b\"}",
        "{\"chosen_messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"value\": "
        "\"q\\ni\"}]}, {\"role\": \"assistant\", \"content\": \"a\"}], \"rejected_messages\": "
        "[{\"role\": \"user\", \"content\": \"q\\ni\"}, {\"role\": \"assistant\", \"content\": "
        "\"b\"}]}"};

    Source *s;

    begin(c, "pairs");
    for (int i = 0; i < (int)(sizeof rows / sizeof rows[0]); i++) {
        s = from("a.jsonl", arena_format(&arena, "%s\n", rows[i]));
        EXPECT_TEXT(field(s, 0, "messages"), UA("q\\ni", "a"));
        EXPECT_TEXT(field(s, 0, "rejected"), UA("q\\ni", "b"));
        expect_report(s, "preference, 1 record");
    }
    s = from("i.json",
             "[{\"input\": \"2+2\", \"chosen\": \"It is 4\", \"rejected\": \"It is 5\"}]");
    EXPECT_TEXT(field(s, 0, "messages"), UA("2+2", "It is 4"));
    s = from("s.json", "[{\"system\": \"Be brief.\", \"chosen\": " UA(
                           "q", "a") ", \"rejected\": " UA("q", "b") "}]");
    EXPECT_TEXT(field(s, 0, "messages"), "[" S("Be brief.") ", " U("q") ", " A("a") "]");
    expect_report(from("p.jsonl", "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"b\"}\n"
                                  "{\"prompt\": \" \", \"chosen\": \"a\", \"rejected\": \"b\"}\n"
                                  "{\"prompt\": \"q\", \"chosen\": \"c\", \"rejected\": \"d\"}\n"
                                  "{\"chosen\": \"e\", \"rejected\": \"f\"}\n"),
                  "2 records, left out: 2 empty prompt");
    expect_report(from("b.jsonl", "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"b\"}\n"
                                  "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"a\"}\n"
                                  "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"\"}\n"),
                  "1 record, left out: 1 chosen equals rejected, 1 empty answer");
    refused("c.jsonl",
            "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": [{\"role\": \"assistant\", "
            "\"content\": \"b\"}]}\n",
            ERR_DATA, "both are a text or both are messages");
}

static void transcripts_have_many_turns(const Comm *c)
{
    Source *s;

    begin(c, "transcript");
    s = from("a.jsonl",
             "{\"chosen\": \"\\n\\nHuman: Hi\\n\\nThere\\n\\nAssistant: Yes?\\n\\n\\nHuman: "
             "x\\n\\nAssistant: good\\n\", \"rejected\": \"\\n\\nHuman: "
             "Hi\\n\\nAssistant: bad\"}\n");
    EXPECT_TEXT(field(s, 0, "messages"),
                "[" U("Hi\\n\\nThere") ", " A("Yes?") ", " U("x") ", " A("good") "]");
    EXPECT_TEXT(field(s, 0, "rejected"), UA("Hi", "bad"));
}

static void bad_answers_of_kto_are_not_learned(const Comm *c)
{
    Source *s;

    begin(c, "kto");
    s = from("a.jsonl", "{\"prompt\": \"q\", \"completion\": \"a\", \"label\": true}\n"
                        "{\"prompt\": \"q\", \"completion\": \"b\", \"label\": false}\n"
                        "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": "
                        "\"assistant\", \"content\": \"c\", \"weight\": 1}], \"label\": false}\n");
    EXPECT_TEXT(field(s, 0, "messages"), UA("q", "a"));
    EXPECT_TEXT(field(s, 0, "label"), "true");
    EXPECT_TEXT(field(s, 1, "messages"),
                "[" U("q") ", {\"role\": \"assistant\", \"content\": \"b\", \"weight\": 0}]");
    EXPECT_TEXT(field(s, 1, "label"), "false");
    EXPECT_TEXT(field(s, 2, "messages"),
                "[" U("q") ", {\"role\": \"assistant\", \"content\": \"c\", \"weight\": 0}]");
    expect_report(s, "kto, 3 records");
    s = from("p.jsonl", "{\"problem\": \"1+1\", \"solution\": \"2\", \"label\": true}\n"
                        "{\"input\": \"1+1\", \"target\": \"2\", \"label\": true}\n"
                        "{\"prompt\": \"\", \"completion\": \"2\", \"label\": true}\n");
    EXPECT_TEXT(field(s, 0, "messages"), UA("1+1", "2"));
    EXPECT_TEXT(field(s, 1, "messages"), UA("1+1", "2"));
    expect_report(s, "kto, 2 records, left out: 1 empty prompt");
}

static void task_files_give_their_instances(const Comm *c)
{
    Source *s;

    begin(c, "tasks");
    s = from("v2.json",
             "{\"Definition\": [\"Answer.\"], \"Positive Examples\": [{\"input\": \"x\", "
             "\"output\": \"y\"}], \"Instances\": [{\"id\": \"1\", \"input\": \"q\", \"output\": "
             "[\"a\", \"b\"]}, {\"id\": \"2\", \"input\": \"r\", \"output\": \"c\"}]}");
    EXPECT_TEXT(field(s, 0, "messages"), UA("Answer.\\n\\nq", "a"));
    EXPECT_TEXT(field(s, 0, "outputs"), "[\"a\", \"b\"]");
    EXPECT_TEXT(field(s, 0, "examples"), "Input: x\nOutput: y\n\n");
    EXPECT_TEXT(field(s, 1, "outputs"), "[\"c\"]");
    EXPECT_TEXT(field(s, 1, "definition"), "Answer.");
    s = from("v1.json", "{\"Title\": \"t\", \"Definition\": \"Answer.\", \"Examples\": {\"Positive "
                        "Examples\": [{\"input\": \"x\", \"output\": \"y\"}]}, \"Instances\": "
                        "[{\"input\": \"q\", \"output\": [\"a\"]}]}");
    EXPECT_TEXT(field(s, 0, "messages"), UA("Answer.\\n\\nq", "a"));
    EXPECT_TEXT(field(s, 0, "examples"), "Input: x\nOutput: y\n\n");
    s = from("s.jsonl", "{\"instruction\": \"Do.\", \"instances\": [{\"input\": \"\", \"output\": "
                        "\"a\"}, {\"input\": \"i\", \"output\": \"b\"}]}\n");
    EXPECT_TEXT(field(s, 0, "messages"), UA("Do.", "a"));
    EXPECT_TEXT(field(s, 1, "messages"), UA("Do.\\ni", "b"));
    refused("b.json", "{\"Definition\": \"d\", \"Instances\": [\n{\"output\": \"a\"}]}", ERR_DATA,
            "b.json:2:1");
}

static void chains_of_thought_come_from_columns(const Comm *c)
{
    Source *s;

    begin(c, "cot");
    s = from("a.tsv", "q\\nOptions:\\n- x\tx\tbecause\\nso\nq\tx\t\nq\t\tr\n");
    EXPECT_TEXT(field(s, 0, "messages"),
                UA("q\\nOptions:\\n- x", "because\\nso\\nThe answer is x."));
    EXPECT_TEXT(field(s, 0, "rationale"), "because\nso");
    EXPECT_TEXT(field(s, 0, "answer"), "x");
    expect_report(s, "cot, 1 record, left out: 1 empty rationale, 1 empty answer");
    refused("b.tsv", "q\ta\tr\nq\ta\n", ERR_DATA, "b.tsv, line 2: expected question, answer and");
}

static void texts_are_cut_as_asked(const Comm *c)
{
    Source *s = NULL;

    begin(c, "texts");
    put("a.txt", "one\ntwo\n\n\nthree four five\n");
    EXPECT_OK(make("\"files\": \"a.txt\"", &s));
    EXPECT_INT(source_total(s), 3);
    expect_report(s, "text, a record per line, 3 records");
    EXPECT_OK(make("\"files\": \"a.txt\", \"format\": \"paragraphs\"", &s));
    EXPECT_INT(source_total(s), 2);
    EXPECT_TEXT(field(s, 0, "text"), "one\ntwo");
    EXPECT_TEXT(field(s, 1, "text"), "three four five");
    EXPECT_OK(make("\"files\": \"a.txt\", \"format\": \"documents\"", &s));
    EXPECT_INT(source_total(s), 1);
    EXPECT_TEXT(field(s, 0, "text"), "one\ntwo\n\n\nthree four five\n");
    EXPECT_OK(make("\"files\": \"a.txt\", \"format\": \"documents\", \"piece\": 11", &s));
    EXPECT_INT(source_total(s), 3);
    EXPECT_TEXT(field(s, 0, "text"), "one\ntwo");
    EXPECT_TEXT(field(s, 1, "text"), "three four");
    EXPECT_TEXT(field(s, 2, "text"), "five");
    s = from("b.jsonl", "{\"text\": \"one\", \"url\": \"u\"}\n{\"text\": \" \"}\n");
    EXPECT_TEXT(field(s, 0, "url"), "u");
    expect_report(s, "documents, 1 record, left out: 1 empty text");
    put("c.txt", "\xc3\xa4\xc3\xa4\xc3\xa4\n"); // never between the bytes of a character
    EXPECT_OK(make("\"files\": \"c.txt\", \"piece\": 3", &s));
    EXPECT_TEXT(field(s, 0, "text"), "\xc3\xa4");
    EXPECT_INT(source_total(s), 3);
    EXPECT_OK(make("\"files\": \"c.txt\", \"piece\": 1", &s));
    EXPECT_TEXT(field(s, 0, "text"), "\xc3\xa4");
    put("d.json", "[{\"instruction\": \"a\", \"output\": \"b\"}]");
    EXPECT_ERR(make("\"files\": \"d.json\", \"piece\": 3", &s), ERR_CONFIG, "\"piece\" cuts texts");
}

static void nothing_is_left_out_without_a_count(const Comm *c)
{
    begin(c, "counts");
    expect_report(
        from("a.jsonl",
             "{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}, {\"from\": \"gpt\", "
             "\"value\": \"a\"}]}\n"
             "{\"conversations\": []}\n"
             "{\"conversations\": [{\"from\": \"system\", \"value\": \"s\"}]}\n"
             "{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}]}\n"
             "{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}, {\"from\": \"gpt\", "
             "\"value\": \" \\n\"}]}\n"
             "{\"conversations\": [{\"from\": \"gpt\", \"value\": \"first\"}, {\"from\": \"gpt\", "
             "\"value\": \"again\"}]}\n"),
        "sharegpt, 2 records, left out: 1 empty conversation, 1 system message only, 1 no answer, "
        "1 empty answer");
    expect_report(from("b.json", "[{\"instruction\": \"\", \"output\": \"b\"}, {\"instruction\": "
                                 "\"a\", \"output\": \"b\"}]"),
                  "alpaca, 1 record, left out: 1 empty prompt");
    refused("c.jsonl", "{\"prompt\": \"q\", \"completion\": \"\"}\n", ERR_DATA,
            "hold no record: counts.1/c.jsonl: prompt-completion, 0 records, left out: 1 empty");
    expect_report(from("d.jsonl", "{\"id\": 1, \"turns\": [\"a\"]}\n"),
                  "records with fields of their own, 1 record (no field holds: turns)");
}

static void a_file_has_one_format(const Comm *c)
{
    Source *s = NULL;

    begin(c, "one");
    refused("a.jsonl",
            "{\"instruction\": \"a\", \"output\": \"b\"}\n\n{\"messages\": [{\"role\": \"user\", "
            "\"content\": \"q\"}]}\n",
            ERR_DATA, "a.jsonl, line 3:1:1: this record is no alpaca");
    refused("b.json", "[{\"instruction\": \"a\", \"output\": \"b\"},\n\n 7]", ERR_DATA,
            "b.json:3:2: a record is an object");
    refused("c.csv", "a,b\n", ERR_CONFIG, ".csv files are not read");
    refused("c.jsonl.gz", "\x1f\x8b", ERR_CONFIG, "the file is packed");
    refused("d.json", "[{\"text\": \"x\"}", ERR_DATA, "d.json:1:15: expected ',' or ']'");
    refused("d.json", "[{\"text\": \"x\"},]", ERR_DATA, "d.json:1:16");
    refused("d.json", "[{\"text\": \"x\"}] 7", ERR_DATA, "d.json:1:17: expected the end");
    refused("d.json", "[{\"text\": \"x\"} {}]", ERR_DATA, "d.json:1:16");
    put("x.json", "[{\"instruction\": \"a\", \"output\": \"b\"}]");
    put("y.jsonl", "{\"prompt\": \"q\", \"completion\": \"a\", \"source\": \"web\"}\n");
    put("z.txt", "text\n");
    EXPECT_OK(make("\"files\": [\"x.json\", \"y.jsonl\"]", &s)); // both are conversations
    EXPECT_INT(source_total(s), 2);
    EXPECT_TEXT(field(s, 1, "messages"), UA("q", "a"));
    EXPECT_TEXT(field(s, 0, "source"), "");
    EXPECT_TEXT(field(s, 1, "instruction"), "");
    EXPECT_ERR(make("\"files\": [\"x.json\", \"z.txt\"]", &s), ERR_DATA,
               "x.json holds conversations, one.1/z.txt holds texts");
    EXPECT_ERR(make("\"files\": \"x.json\", \"held_out\": {\"files\": \"z.txt\"}", &s), ERR_DATA,
               "holds texts");
    EXPECT_OK(make("\"files\": \"x.json\", \"format\": \"json\"", &s)); // by its own fields
    EXPECT_TEXT(field(s, 0, "output"), "b");
    EXPECT_ERR(make("\"files\": \"y.jsonl\", \"format\": \"sharegpt\"", &s), ERR_DATA,
               "this record is no sharegpt");
    EXPECT_ERR(make("\"files\": \"y.jsonl\", \"format\": \"kto\", \"fields\": {\"a\": \"b\"}", &s),
               ERR_CONFIG, "leave one of them out");
}

static void expect_each_once(const Source *s, const Recipe *r, int in_file_order)
{
    StepRun run = {.source = s, .seed = 1, .iteration = 3};
    int     seen[37] = {0}, in_place = 0;

    for (int k = 0; k < 37; k++) {
        Record one = {.arena = &arena, .reason = "", .request = (uint64_t)k};
        int    i;

        r->op[0].kind->run(&run, r->op[0].settings, &one);
        i = atoi(setting_field(&one, "completion"));
        EXPECT(0 <= i && i < 37 && seen[i]++ == 0);
        in_place += i == k;
    }
    EXPECT(in_file_order ? in_place == 37 : in_place < 10);
}

// Each record once, in the order of the file or in another.
static void all_records_are_drawn_once(const Comm *c)
{
    Recipe *r = NULL;
    Source *s;
    Text    t = text_make(&arena);

    begin(c, "draw");
    for (int i = 0; i < 37; i++)
        text_printf(&t, "{\"prompt\": \"q\", \"completion\": \"%d\"}\n", i);
    s = from("a.jsonl", t.data);
    for (int order = 0; order < 4; order++) {
        const char *steps =
            arena_format(&arena, "{\"do\": \"draw\", \"from\": \"problems\", \"count\": %s%s}",
                         order < 2 ? "\"all\"" : "0", order % 2 ? ", \"order\": \"file\"" : "");

        EXPECT_OK(setting_steps(&arena, s, steps, &r));
        EXPECT_INT(recipe_requests(r), 37);
        expect_each_once(s, r, order % 2);
    }
    EXPECT_ERR(setting_steps(&arena, s, "{\"do\": \"draw\", \"from\": \"problems\"}", &r),
               ERR_CONFIG, "or \"all\"");
    EXPECT_ERR(setting_steps(&arena, s,
                             "{\"do\": \"draw\", \"from\": \"problems\", \"count\": \"some\"}", &r),
               ERR_CONFIG, "a number or \"all\"");
    EXPECT_ERR(
        setting_steps(&arena, s, "{\"do\": \"draw\", \"from\": \"problems\", \"count\": -1}", &r),
        ERR_CONFIG, "-1");
    EXPECT_ERR(
        setting_steps(&arena, s, "{\"do\": \"draw\", \"from\": \"nothing\", \"count\": 0}", &r),
        ERR_CONFIG, "1 or more");
    EXPECT_ERR(setting_steps(&arena, setting_source(&arena, 1),
                             "{\"do\": \"draw\", \"from\": \"problems\", \"count\": \"all\"}", &r),
               ERR_CONFIG, "without an end");
    EXPECT_ERR(setting_steps(&arena, s,
                             "{\"do\": \"draw\", \"from\": \"seeds\", \"order\": \"file\"}", &r),
               ERR_CONFIG, "\"order\" is for");
}

TEST_MAIN(CASE(alpaca_becomes_a_conversation), CASE(sharegpt_roles_have_many_spellings),
          CASE(calls_of_tools_become_tool_calls), CASE(messages_keep_weights_and_parts),
          CASE(prompts_are_texts_or_messages), CASE(pairs_give_both_conversations),
          CASE(transcripts_have_many_turns), CASE(bad_answers_of_kto_are_not_learned),
          CASE(task_files_give_their_instances), CASE(chains_of_thought_come_from_columns),
          CASE(texts_are_cut_as_asked), CASE(nothing_is_left_out_without_a_count),
          CASE(a_file_has_one_format), CASE(all_records_are_drawn_once))
