// The data sets of other projects, as they are: each file loads with the right number of records
// and turns, or is refused with words that say why.  The numbers were counted from the files in
// Python.
#include "datagen/sources/source.h"
#include "tests/check.h"

#include <string.h>

typedef struct File {
    const char *name, *format;
    int         records, left_out;
    int         turns[4]; // of system, user, assistant, tool; -1: not counted
} File;

#define NOT            \
    {                  \
        -1, -1, -1, -1 \
    }

static const File files[] = {
    {"sharegpt-fastchat/dummy_conversation.json", "sharegpt", 500, 0, {0, 1000, 1000, 0}},
    {"llama-factory-demo/alpaca_en_demo.json", "alpaca", 999, 0, {0, 999, 999, 0}},
    {"llama-factory-demo/alpaca_zh_demo.json", "alpaca", 1000, 0, {0, 1000, 1000, 0}},
    {"llama-factory-demo/identity.json", "alpaca", 91, 0, {0, 91, 91, 0}},
    {"llama-factory-demo/dpo_en_demo.json", "preference", 300, 0, {80, 563, 563, 0}},
    {"llama-factory-demo/glaive_toolcall_en_demo.json", "sharegpt", 300, 0, {0, 746, 957, 211}},
    {"llama-factory-demo/kto_en_demo.json", "kto", 300, 0, {0, 487, 487, 0}},
    {"llama-factory-demo/reason_tool_use_demo_50.jsonl", "messages", 50, 0, {50, 70, 112, 42}},
    {"llama-factory-demo/v1_sft_demo.jsonl", "messages", 500, 0, {0, 500, 500, 0}},
    {"llama-factory-demo/v1_dpo_demo.jsonl", "preference", 10, 0, {10, 10, 10, 0}},
    {"llama-factory-demo/c4_demo.jsonl", "documents", 300, 0, NOT},
    {"llama-factory-demo/wiki_demo.txt", "text, a record per line", 30, 0, NOT},
    {"torchtune-samples/alpaca_tiny.json", "alpaca", 100, 0, {0, 100, 100, 0}},
    {"torchtune-samples/chat_tiny.json", "sharegpt", 1, 0, {1, 2, 2, 0}},
    {"torchtune-samples/hh_rlhf_tiny.json", "preference", 1, 0, {0, 1, 1, 0}},
    {"torchtune-samples/instruct_tiny.json", "alpaca", 2, 0, {0, 2, 2, 0}},
    {"torchtune-samples/stack_exchange_paired_tiny.json", "preference", 25, 0, {0, 25, 25, 0}},
    {"gsm8k/train.jsonl", "prompt-completion", 7473, 0, {0, 7473, 7473, 0}},
    {"gsm8k/test.jsonl", "prompt-completion", 1319, 0, {0, 1319, 1319, 0}},
    {"star-commonsenseqa/gsm/dev_rand_split.jsonl",
     "prompt-completion",
     1319,
     0,
     {0, 1319, 1319, 0}},
    {"star-commonsenseqa/commonsenseqa/dev_rand_split.jsonl", "records with fields of their own",
     1221, 0, NOT},
    {"self-instruct/seed_tasks.jsonl", "self-instruct", 175, 0, {0, 175, 175, 0}},
    {"self-instruct/user_oriented_instructions.jsonl", "self-instruct", 252, 0, {0, 252, 252, 0}},
    {"sharegpt-fastchat/mt_bench_question.jsonl", "records with fields of their own", 80, 0, NOT},
    {"flan/cot_data/aqua_train.tsv", "cot", 2728, 0, {0, 2728, 2728, 0}},
    {"flan/cot_data/creak_train.tsv", "cot", 6915, 0, {0, 6915, 6915, 0}},
    {"flan/cot_data/ecqa_train.tsv", "cot", 7112, 0, {0, 7112, 7112, 0}},
    {"flan/cot_data/gsm8k_train.tsv", "cot", 7473, 0, {0, 7473, 7473, 0}},
    {"flan/cot_data/qasc_train.tsv", "cot", 1084, 0, {0, 1084, 1084, 0}},
    {"flan/cot_data/sensemaking_train.tsv", "cot", 6070, 0, {0, 6070, 6070, 0}},
    {"flan/cot_data/strategyqa_train.tsv", "cot", 2061, 0, {0, 2061, 2061, 0}},
    {"natural-instructions/task591_sciq_answer_generation.train.json",
     "natural-instructions",
     1000,
     0,
     {0, 1000, 1000, 0}},
    {"natural-instructions/task151_tomqa_find_location_easy_clean.full.json",
     "natural-instructions",
     6500,
     0,
     {0, 6500, 6500, 0}},
    {"natural-instructions/task363_sst2_polarity_classification.test.json",
     "natural-instructions",
     100,
     0,
     {0, 100, 100, 0}},
    {"natural-instructions-v1/subtask045_miscellaneous_sentence_paraphrasing.json",
     "natural-instructions",
     193,
     0,
     {0, 193, 193, 0}},
    {"natural-instructions-v1/subtask044_essential_terms_identifying_essential_words.json",
     "natural-instructions",
     2237,
     1,
     {0, 2237, 2237, 0}}};

static Err make(Arena *a, const char *file, Source **out)
{
    const char *text = arena_format(a, "{\"kind\": \"records\", \"files\": \"%s/datasets/%s\"}",
                                    check_assets(), file);
    const Json *json;

    *out = NULL;
    TRY(json_parse(a, "test.json", text, (int64_t)strlen(text), JSON_NO_COMMENTS, &json));
    return source_make(a, json, ".", 1, out);
}

// The turns of one conversation, and that it has the form that templates take.
static void count_turns(Arena *a, const RecordField *messages, int turns[4])
{
    static const char *const roles[] = {"system", "user", "assistant", "tool"};
    const Json              *list = NULL;
    int                      known = 0;

    EXPECT_OK(json_parse(a, "messages", messages->text, messages->length, JSON_NO_COMMENTS, &list));
    for (const Json *m = list->child; m != NULL; m = m->next)
        for (int k = 0; k < 4; k++) {
            const Json *role = json_member(m, "role"), *content = json_member(m, "content");

            if (role != NULL && content != NULL && content->kind == JSON_TEXT &&
                strcmp(role->text, roles[k]) == 0) {
                turns[k]++;
                known++;
            }
        }
    EXPECT_INT(known, list->length);
}

static void check_file(Arena *a, const File *f)
{
    Source     *s;
    int         turns[4] = {0};
    const char *report;

    EXPECT_OK(make(a, f->name, &s));
    if (s == NULL)
        return;
    report = strstr(source_report(s), f->name);
    EXPECT(report != NULL &&
           strncmp(report + strlen(f->name) + 2, f->format, strlen(f->format)) == 0);
    EXPECT_INT(strstr(source_report(s), "left out") != NULL, f->left_out > 0);
    EXPECT_INT(source_total(s), f->records);
    for (int64_t k = 0; f->turns[0] >= 0 && k < source_total(s); k++) {
        ArenaMark          mark = arena_mark(a);
        Record             r = {.arena = a, .reason = ""};
        const RecordField *messages;

        source_draw(s, SPLIT_SEEDS, 0, k, &r);
        messages = record_field(&r, "messages");
        EXPECT(messages != NULL);
        if (messages != NULL)
            count_turns(a, messages, turns);
        arena_back(a, mark);
    }
    for (int k = 0; k < 4 && f->turns[0] >= 0; k++)
        EXPECT_INT(turns[k], f->turns[k]);
    check_compared(1);
}

static void data_sets_of_other_projects_load(const Comm *c)
{
    Arena a;

    (void)c;
    if (check_assets() == NULL)
        return;
    EXPECT_OK(arena_make(&a, "test", (int64_t)1 << 36));
    for (int i = 0; i < (int)(sizeof files / sizeof files[0]); i++) {
        check_file(&a, &files[i]);
        arena_back(&a, 0);
    }
    arena_free(&a);
}

static void other_files_are_refused_with_a_reason(const Comm *c)
{
    static const char *const refused[][2] = {
        {"llama-factory-demo/dataset_info.json", "a list of records is expected"},
        {"flan/flan_collection_info.csv", ".csv files are not read"},
        {"humaneval-fim/HumanEval.jsonl.gz", "the file is packed"}};
    Arena   a;
    Source *s;

    (void)c;
    if (check_assets() == NULL)
        return;
    EXPECT_OK(arena_make(&a, "test", (int64_t)1 << 36));
    for (int i = 0; i < 3; i++) {
        Err e = make(&a, refused[i][0], &s);

        EXPECT(e == ERR_DATA || e == ERR_CONFIG);
        EXPECT(strstr(err_record()->text, refused[i][1]) != NULL);
        err_forget();
        check_compared(1);
    }
    arena_free(&a);
}

TEST_MAIN(CASE(data_sets_of_other_projects_load), CASE(other_files_are_refused_with_a_reason))
