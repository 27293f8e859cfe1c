// What all teachers share.
#include "datagen/teachers/teacher.h"

#include <string.h>

const char *const *teacher_reasons(int *count)
{
    static const char *const reasons[] = {"no token",      "special token in text",
                                          "not UTF-8",     "prompt too long",
                                          "malformed",     "http 429",
                                          "http 5xx",      "http 4xx",
                                          "timed out",     "connection cut",
                                          "garbage reply", "no answer"};

    *count = (int)(sizeof reasons / sizeof reasons[0]);
    return reasons;
}

const char *teacher_prompt(const TeacherRequest *r, int64_t *length)
{
    int64_t n = 0;
    char   *text;

    for (int i = 0; i < r->span_count; i++)
        n += r->spans[i].kind == TEMPLATE_SPECIAL ? 0 : r->spans[i].length;
    text = arena_new(r->record->arena, char, n + 1);
    *length = n;
    n = 0;
    for (int i = 0; i < r->span_count; i++) {
        if (r->spans[i].kind == TEMPLATE_SPECIAL || r->spans[i].length == 0)
            continue;
        memcpy(text + n, r->spans[i].text, (size_t)r->spans[i].length);
        n += r->spans[i].length;
    }
    return text;
}
