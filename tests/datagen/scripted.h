// scripted.h -- what the tests of the scripted teacher share: prompts of every shape, and asking.
#ifndef TD_TESTS_DATAGEN_SCRIPTED_H
#define TD_TESTS_DATAGEN_SCRIPTED_H

#include "datagen/teachers/teacher.h"
#include "setting.h"

static const char list[] = "Think of tasks:\n"
                           "1. Name a fruit.\n"
                           "2. Say in one long sentence why the sky is blue today.\n"
                           "3.";
static const char sections[] = "Tasks:\n"
                               "###\n"
                               "3. Instruction: Name a fruit.\n"
                               "3. Input:\n"
                               "<noinput>\n"
                               "3. Output:\n"
                               "Plum\n"
                               "###\n"
                               "4. Instruction:";
static const char classification[] = "Task: Sort the following remark as true or false.\n"
                                     "Is it classification?";
static const char input_first[] = "Task: Improve the following poem.\n";
static const char output_only[] = "Task: Name a fruit.\n";
static const char labels_first[] = "Labels first.\n"
                                   "Task: Sort the following remark as true or false.\n";
static const char rewrite[] = "#The Given Prompt#:\n"
                              "Name a fruit.\n"
                              "#Rewritten Prompt#:\n";
static const char create[] = "#Given Prompt#:\n"
                             "Name a fruit.\n"
                             "#Created Prompt#:\n";
static const char judge[] = "First Prompt: Name a fruit.\n"
                            "Second Prompt: Name a tree.\n"
                            "Answer only Equal or Not Equal:\n";
static const char judge_same[] = "First Prompt: Name a fruit.\n"
                                 "Second Prompt:  Name a fruit. \n"
                                 "Answer only Equal or Not Equal:\n";
static const char other[] = "Tell me about rivers and their bridges.";

static Arena run;

static inline void start(void)
{
    if (run.base == NULL)
        EXPECT_OK(arena_make(&run, "run", 1 << 28));
    arena_back(&run, 0);
}

static inline Teacher *make(const char *knobs, int slots)
{
    Teacher *t = NULL;

    EXPECT_OK(
        teacher_scripted(&run, setting_json(&run, arena_format(&run, "{%s}", knobs)), slots, &t));
    return t;
}

// What a request borrows stays in the arena.
static inline TeacherRequest *request(const char *prompt, uint64_t stream, const char *stop)
{
    TeacherRequest *r = arena_new(&run, TeacherRequest, 1);
    TemplateSpan   *span = arena_new(&run, TemplateSpan, 2);

    span[0] = (TemplateSpan){TEMPLATE_SPECIAL, 0, "bos", 3};
    span[1] = (TemplateSpan){TEMPLATE_LITERAL, 1, prompt, (int64_t)strlen(prompt)};
    *r = (TeacherRequest){.spans = span, .span_count = 2, .stream = stream, .max_tokens = 1};
    r->record = arena_new(&run, Record, 1);
    r->record->arena = &run;
    if (stop != NULL)
        r->stop[r->stops++] = stop;
    return r;
}

static inline TeacherResult ask(Teacher *t, const TeacherRequest *r)
{
    TeacherResult result = {0};

    EXPECT(t->kind->submit(t, r) == NULL);
    EXPECT_OK(t->kind->step(t));
    EXPECT(t->kind->take(t, &result));
    EXPECT_INT(t->kind->running(t), 0);
    return result;
}

#endif
