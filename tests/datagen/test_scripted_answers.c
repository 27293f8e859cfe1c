// Answers of the scripted teacher, written out: every shape of prompt with and without faults.
//
// They were made by the rules of docs/scripted-teacher.md and looked at; scripted_twin compares
// thousands of others with a second program.
#include "scripted.h"

typedef struct Example {
    const char *prompt, *knobs;
    uint64_t    stream;
    const char *stop, *text;
    TeacherEnd  end;
    const char *why;
} Example;

static void expect_all(const Example *example, int count)
{
    start();
    for (int i = 0; i < count; i++) {
        const Example *e = &example[i];
        TeacherResult  r = ask(make(e->knobs, 1), request(e->prompt, e->stream, e->stop));

        EXPECT_TEXT(r.text, e->text);
        EXPECT_INT(r.bytes, (int64_t)strlen(e->text));
        EXPECT_INT(r.end, e->end);
        EXPECT_TEXT(r.why == NULL ? "" : r.why, e->why == NULL ? "" : e->why);
    }
}

static void lists_of_tasks_are_known(const Comm *c)
{
    static const Example examples[] = {
        {list, "", 5, NULL,
         " Outline a weekly menu without any meat in the manner of old fairy tales.\n"
         "4. Write a letter asking neighbours for silence in plain everyday language.\n"
         "5. Shorten reasons why cities plant more trees using only words learned at school.\n"
         "6. Suggest the following speech of a town mayor and mention one possible objection.",
         TEACHER_DONE, NULL},
        {list, "\"p_missing_section\": 0.3", 1, "\n6.",
         " \n"
         "4. Revise five questions for a job interview with a warm and friendly tone so listeners "
         "remember it tomorrow.\n"
         "5. Invent a conversation about lost luggage and mention one possible objection.",
         TEACHER_DONE, NULL},
        {list, "\"p_duplicate\": 1", 1, "\n7.",
         " Name a fruit.\n"
         "4. heron in one long sentence why the sky is blue walnut\n"
         "5. Say in one long sentence why the walnut pearl blue today.\n"
         "6. Name a fruit.",
         TEACHER_DONE, NULL},
        {list, "\"p_wrong_number\": 1", 10, "\n16.",
         " Extend the following list of garden tools as an entry in somebody's journal.\n"
         "14. Present a safety guide to frozen lakes as a dialogue between rivals and translate "
         "difficult terms underneath.\n"
         "5) Rewrite the following essay on ancient bridges for children who love riddles so that "
         "nobody feels blamed.",
         TEACHER_DONE, NULL},
        {list, "\"p_stop_in_text\": 1", 6, "\n6.",
         " Revise the following list of garden tools in plain everyday language. Put ### between "
         "the parts.\n"
         "4. Review the following schedule of a summer camp as advice given by grandparents. It "
         "costs $20.50 in total.\n"
         "5. Criticize a weekly menu without any meat with short and punchy sentences and end on "
         "one open question. Use version 3.16.2 for this.",
         TEACHER_DONE, NULL},
        {list, "\"p_odd\": 1", 4, NULL,
         " Übersetze the old song into plain words.\n"
         "4. Übersetze the old song into plain words.\n"
         "5. Translate the following line about autumn:\n"
         "6. Write a program that counts the words of a poem.\n"
         "7. - List three rivers of the north and their cities.\n"
         "8. Sing.\n"
         "9. Translate the following line about autumn:",
         TEACHER_DONE, NULL},
    };

    (void)c;
    expect_all(examples, (int)(sizeof examples / sizeof examples[0]));
}

static void sections_are_known(const Comm *c)
{
    static const Example examples[] = {
        {sections, "", 24, "\n###\n6.",
         " Categorize the following advertisement for used bicycles as happy, sad or angry.\n"
         "4. Input:\n"
         "His tired uncle opened a small shop under the stone bridge. My younger brother sold warm "
         "winter coats during the storm.\n"
         "4. Output:\n"
         "angry\n"
         "###\n"
         "5. Instruction: Shorten the following summary of a court case in the manner of old fairy "
         "tales.\n"
         "5. Input:\n"
         "An honest farmer read a long letter near the river. An honest farmer sold warm winter "
         "coats on a lonely island.\n"
         "5. Output:\n"
         "The tall pilot waited for the last train at the market. Our former mayor measured the "
         "cold water near the river. The quiet neighbour cooked soup with beans beside the lake.",
         TEACHER_DONE, NULL},
        {sections, "\"p_missing_section\": 1", 8, "\n###\n6.",
         " Present the daily routine of a lighthouse keeper for children who love riddles.\n"
         "4. Output:\n"
         "A careful nurse cooked soup with beans on Sunday evening. A famous gardener repaired a "
         "wooden boat near the river. Our former mayor opened a small shop in the empty hall.\n"
         "###\n"
         "5. Instruction: Rewrite a training plan toward a marathon for beginners joining an "
         "evening class.\n"
         "5. Input:\n"
         "<noinput>",
         TEACHER_DONE, NULL},
        {sections, "\"p_wrong_number\": 1", 1, "\n###\n7.",
         " Invent a weekly menu without any meat for experts who doubt everything and add a title "
         "of three words.\n"
         "4. Input:\n"
         "<noinput>\n"
         "5. Output:\n"
         "A famous gardener carried two heavy boxes under the stone bridge. A travelling singer "
         "repaired a wooden boat on Sunday evening.\n"
         "###\n"
         "6. Instruction: Present the following dialogue between two doctors for experts who doubt "
         "everything.\n"
         "6. Input:\n"
         "Our former mayor planted young apple trees after the concert. My younger brother sold "
         "warm winter coats in early spring.\n"
         "6. Output:\n"
         "Our former mayor opened a small shop beside the lake.\n"
         "###\n"
         "6. Instruction: Analyze a tour through an old harbour but leave the ending unresolved.\n"
         "6. Input:\n"
         "<noinput>\n"
         "7. Output:\n"
         "A careful nurse cooked soup with beans in early spring.\n"
         "###\n"
         "8. Instruction: Invent the following report on clean rivers like a sports reporter "
         "would.\n"
         "8. Input:\n"
         "Her favourite teacher measured the cold water on a lonely island. A careful nurse "
         "cleaned every dusty window on Sunday evening.\n"
         "8. Output:\n"
         "A travelling singer carried two heavy boxes during the storm.\n"
         "###\n"
         "8. Instruction: Suggest an obituary honouring a gentle teacher as though time were "
         "running out.\n"
         "8. Input:\n"
         "<noinput>\n"
         "9. Output:\n"
         "The quiet neighbour waited for the last train behind the station.\n"
         "###\n"
         "9. Instruction: Extend two metaphors describing patience for visitors coming from "
         "overseas but leave the ending unresolved.\n"
         "9. Input:\n"
         "<noinput>\n"
         "10. Output:\n"
         "The old captain opened a small shop on a lonely island. Her favourite teacher told a "
         "funny story beside the lake.\n"
         "###\n"
         "11. Instruction: Categorize the following question about a train journey as happy, sad "
         "or angry.\n"
         "11. Input:\n"
         "Her favourite teacher forgot the brass key on Sunday evening. A travelling singer read a "
         "long letter beside the lake.\n"
         "11. Output:\n"
         "angry\n"
         "###\n"
         "11. Instruction: Categorize the following reply to a birthday invitation as past, "
         "present or future.\n"
         "11. Input:\n"
         "Her favourite teacher told a funny story beside the lake. The night guard sold warm "
         "winter coats in early spring.\n"
         "12. Output:\n"
         "future\n"
         "###\n"
         "12. Instruction: Imagine some gifts costing under ten dollars in plain everyday "
         "language.\n"
         "12. Input:\n"
         "<noinput>\n"
         "13. Output:\n"
         "The village baker waited for the last train near the river. The tall pilot forgot the "
         "brass key beside the lake.\n"
         "###\n"
         "13. Instruction: Sort the following advertisement for used bicycles as polite or rude.\n"
         "13. Input:\n"
         "His tired uncle opened a small shop during the storm. Our former mayor cooked soup with "
         "beans in early spring.\n"
         "14. Output:\n"
         "polite\n"
         "###\n"
         "14. Instruction: Explain reasons why cities plant more trees but avoid adjectives "
         "entirely.\n"
         "14. Input:\n"
         "<noinput>\n"
         "15. Output:\n"
         "Their good friend read a long letter during the storm.\n"
         "###\n"
         "16. Instruction: Categorize the following complaint about a broken heater as easy, "
         "medium or hard.\n"
         "16. Input:\n"
         "The tall pilot counted seven white birds under the stone bridge. The old captain cleaned "
         "every dusty window under the stone bridge.\n"
         "16. Output:\n"
         "easy\n"
         "###\n"
         "16. Instruction: Judge the following question about a train journey as formal or "
         "casual.\n"
         "16. Input:\n"
         "Our former mayor cooked soup with beans at the market. Their good friend sold warm "
         "winter coats on a lonely island.\n"
         "17. Output:\n"
         "formal\n"
         "###\n"
         "18. Instruction: Criticize a weekly menu without any meat and justify your choice "
         "afterwards.\n"
         "18. Input:\n"
         "<noinput>\n"
         "18. Output:\n"
         "Their good friend carried two heavy boxes in the empty hall. Our former mayor told a "
         "funny story before sunrise. The new engineer told a funny story under the stone bridge.\n"
         "###\n"
         "19. Instruction: Analyze a bedtime tale featuring clever mice.\n"
         "19. Input:\n"
         "<noinput>\n"
         "19. Output:\n"
         "Our former mayor forgot the brass key after the concert.\n"
         "###\n"
         "20. Instruction: Judge the following request sent to the library as urgent, normal or "
         "low priority.\n"
         "20. Input:\n"
         "His tired uncle planted young apple trees beside the lake. The village baker told a "
         "funny story beside the lake.\n"
         "20. Output:\n"
         "urgent",
         TEACHER_DONE, NULL},
        {sections, "\"p_odd\": 1", 24, "\n###\n7.",
         " Categorize the following advertisement for used bicycles as happy, sad or angry.\n"
         "4. Input:\n"
         "No input\n"
         "4. Output:\n"
         "angry\n"
         "###\n"
         "5. Instruction: Shorten the following summary of a court case in the manner of old fairy "
         "tales.\n"
         "5. Input:\n"
         "An honest farmer read a long letter near the river. An honest farmer sold warm winter "
         "coats on a lonely island.\n"
         "5. Output:\n"
         "\n"
         "###\n"
         "6. Instruction: Übersetze the old song into plain words.\n"
         "6. Input:\n"
         "<noinput>\n"
         "6. Output:\n"
         "The night guard repaired a wooden boat in the empty hall. Their good friend planted "
         "young apple trees during the storm. Her favourite teacher repaired a wooden boat before "
         "sunrise.",
         TEACHER_DONE, NULL},
        {sections, "\"p_duplicate\": 1", 4, "\n###\n5.",
         " Name a fruit.\n"
         "4. Input:\n"
         "<noinput>\n"
         "4. Output:\n"
         "Her favourite teacher sold warm winter coats beside the lake.",
         TEACHER_DONE, NULL},
        {sections, "\"p_stop_in_text\": 1", 4, "\n###\n5.",
         " Describe the daily routine of a lighthouse keeper for a busy manager on Monday in "
         "exactly four balanced sentences.\n"
         "4. Input:\n"
         "<noinput>\n"
         "4. Output:\n"
         "The tall pilot repaired a wooden boat before sunrise. My younger brother opened a small "
         "shop on Sunday evening. The quiet neighbour waited for the last train on a lonely "
         "island. It costs $20.50 in total.",
         TEACHER_DONE, NULL},
    };

    (void)c;
    expect_all(examples, (int)(sizeof examples / sizeof examples[0]));
}

static void instances_are_known(const Comm *c)
{
    static const Example examples[] = {
        {labels_first, "", 1, NULL,
         "Class label: true\n"
         "A careful nurse told a funny story beside the lake.\n"
         "Class label: true\n"
         "One curious student found a silver coin before sunrise.\n"
         "Class label: true\n"
         "Their good friend found a silver coin behind the station.",
         TEACHER_DONE, NULL},
        {labels_first, "\"p_duplicate\": 1", 10, NULL,
         "Class label: true\n"
         "My younger brother opened a small shop in early spring.\n"
         "Class label: true\n"
         "My younger brother opened a small shop in early spring.\n"
         "Class label: true\n"
         "My younger brother opened a small shop in early spring.\n"
         "Class label: false\n"
         "My younger brother opened a small shop in early spring.",
         TEACHER_DONE, NULL},
        {labels_first, "\"p_missing_section\": 0.4", 5, NULL,
         "Class label: false\n"
         "The quiet neighbour opened a small shop under the stone bridge.\n"
         "One curious student painted the narrow door near the river.\n"
         "The new engineer painted the narrow door in the empty hall.",
         TEACHER_DONE, NULL},
        {labels_first, "\"p_odd\": 1", 1, NULL,
         "Class label: true\n"
         "A careful nurse told a funny story beside the lake:\n"
         "Class label: \n"
         "One curious student found a silver coin before sunrise.\n"
         "Class label: true\n"
         "Their good friend found a silver coin behind the station:",
         TEACHER_DONE, NULL},
        {input_first, "", 3, NULL,
         "Example 1\n"
         "Letter: The tall pilot opened a small shop on a lonely island.\n"
         "Output: Their good friend planted young apple trees in early spring.\n"
         "Example 2\n"
         "Letter: The village baker painted the narrow door during the storm.\n"
         "Output: Her favourite teacher waited for the last train at the market.",
         TEACHER_DONE, NULL},
        {input_first, "\"p_duplicate\": 1", 95, NULL,
         "Example 1\n"
         "Input: The new engineer told a funny story in early spring.\n"
         "Output: A famous gardener told a funny story during the storm.\n"
         "Example 2\n"
         "Input: The new engineer told a funny story in early spring.\n"
         "Output: An honest farmer cooked soup with beans before sunrise.\n"
         "Example 3\n"
         "Input: The new engineer told a funny story in early spring.\n"
         "Output: An honest farmer cooked soup with beans before sunrise.",
         TEACHER_DONE, NULL},
        {input_first, "\"p_odd\": 1", 2, NULL,
         "Example 1\n"
         "Sentence: My younger brother wrote down each name before sunrise.\n"
         "Output: A careful nurse read a long letter in early spring:\n"
         "Example 2\n"
         "Sentence: My younger brother waited for the last train in early spring.\n"
         "Output: \n"
         "Example 3\n"
         "Sentence: One curious student carried two heavy boxes on a lonely island.\n"
         "Output: ",
         TEACHER_DONE, NULL},
        {input_first, "\"p_missing_section\": 0.5, \"p_wrong_number\": 0.5", 2, NULL,
         "Example 2\n"
         "Sentence: My younger brother wrote down each name before sunrise.\n"
         "Example 2\n"
         "Sentence: My younger brother waited for the last train in early spring.\n"
         "Example 4\n"
         "Sentence: One curious student carried two heavy boxes on a lonely island.\n"
         "Output: Their good friend opened a small shop on Sunday evening.",
         TEACHER_DONE, NULL},
        {output_only, "", 1, NULL, "Output: A careful nurse read a long letter in early spring.",
         TEACHER_DONE, NULL},
        {output_only, "\"p_missing_section\": 1, \"p_stop_in_text\": 1", 1, NULL,
         "A careful nurse read a long letter in early spring. It costs $20.50 in total.",
         TEACHER_DONE, NULL},
        {output_only, "\"p_odd\": 1", 1, NULL, "Output: Name a fruit.", TEACHER_DONE, NULL},
    };

    (void)c;
    expect_all(examples, (int)(sizeof examples / sizeof examples[0]));
}

static void short_answers_are_known(const Comm *c)
{
    static const Example examples[] = {
        {classification, "", 1, NULL, " Yes", TEACHER_DONE, NULL},
        {"Task: Translate the following remark as true or false.\n"
         "Is it classification?",
         "", 1, NULL, " No", TEACHER_DONE, NULL},
        {classification, "\"p_missing_section\": 1", 1, NULL, " It depends.", TEACHER_DONE, NULL},
        {judge, "", 2, NULL, "Not Equal", TEACHER_DONE, NULL},
        {judge, "", 1, NULL, "Equal", TEACHER_DONE, NULL},
        {judge, "\"p_equal\": 0", 1, NULL, "Not Equal", TEACHER_DONE, NULL},
        {judge_same, "\"p_equal\": 0", 1, NULL, "Equal", TEACHER_DONE, NULL},
        {judge, "\"p_missing_section\": 1", 1, NULL, "I cannot tell.", TEACHER_DONE, NULL},
    };

    (void)c;
    expect_all(examples, (int)(sizeof examples / sizeof examples[0]));
}

static void evolved_prompts_are_known(const Comm *c)
{
    static const Example examples[] = {
        {rewrite, "", 1, NULL,
         "Name a fruit. Add a backup plan in case the first attempt goes wrong.", TEACHER_DONE,
         NULL},
        {create, "", 1, NULL,
         "Explain the rise and decline of telegraphs like a sports reporter would using no more "
         "than forty words. Finish with one question that leads to further thinking.",
         TEACHER_DONE, NULL},
        {rewrite, "\"p_duplicate\": 1", 1, NULL, "Name a fruit.", TEACHER_DONE, NULL},
        {rewrite, "\"p_missing_section\": 1", 1, NULL,
         "#Rewritten Prompt#:\n"
         "Name a fruit. Add a backup plan in case the first attempt goes wrong.",
         TEACHER_DONE, NULL},
        {rewrite, "\"p_odd\": 1, \"p_stop_in_text\": 1", 1, NULL,
         "It is what it is. Use version 3.16.2 for this.", TEACHER_DONE, NULL},
    };

    (void)c;
    expect_all(examples, (int)(sizeof examples / sizeof examples[0]));
}

static void other_answers_are_known(const Comm *c)
{
    static const Example examples[] = {
        {other, "", 1, NULL, "Tell Tell Tell their their their bridges their.", TEACHER_DONE, NULL},
        {other, "", 2, NULL, "Their their bridges Tell bridges rivers their their.", TEACHER_DONE,
         NULL},
        {other, "\"seed\": 2", 1, NULL, "Bridges Tell about bridges rivers.", TEACHER_DONE, NULL},
        {"Über?", "", 1, NULL, "Sable cedar umber amber raven heron ivory ivory tulip.",
         TEACHER_DONE, NULL},
        {other, "\"p_odd\": 1", 1, NULL, "It is what it is.", TEACHER_DONE, NULL},
        {other, "\"p_empty\": 1", 1, NULL, "", TEACHER_DONE, NULL},
        {other, "\"p_refusal\": 1", 1, NULL, "I'm sorry, but this is not something I can do.",
         TEACHER_DONE, NULL},
        {other, "\"p_length\": 1", 1, NULL, "Tell Tell Tell their thei", TEACHER_LENGTH, NULL},
        {other, "\"p_length\": 1", 1, "i", "Tell Tell Tell the", TEACHER_DONE, NULL},
        {other, "\"p_429\": 1", 1, NULL, "", TEACHER_FAILED, "http 429"},
        {other, "\"p_500\": 1", 1, NULL, "", TEACHER_FAILED, "http 5xx"},
        {other, "\"p_timeout\": 1, \"retries\": 1", 1, NULL, "", TEACHER_FAILED, "timed out"},
    };

    (void)c;
    expect_all(examples, (int)(sizeof examples / sizeof examples[0]));
}

TEST_MAIN(CASE(lists_of_tasks_are_known), CASE(sections_are_known), CASE(instances_are_known),
          CASE(short_answers_are_known), CASE(evolved_prompts_are_known),
          CASE(other_answers_are_known))
