// From a prompt to what the scripted teacher says: attempts, faults of the whole answer, stops.
#include "datagen/teachers/teacher_script.h"

#include <string.h>

enum { FAULT_EMPTY, FAULT_REFUSAL, FAULT_WHICH_REFUSAL, FAULT_LENGTH, FAULT_PLACE };

// Whether some attempt is answered; counts those that are not.
static int try_attempts(const ScriptPrompt *p, ScriptAnswer *a)
{
    for (int64_t i = 0; i < p->knobs->retries; i++) {
        uint64_t at = 3 * (uint64_t)i;
        int64_t *again;

        if (script_chance(p, SCRIPT_CHANNEL_ATTEMPTS, at, SCRIPT_HTTP_429)) {
            a->why = "http 429";
            again = &a->again_429;
        } else if (script_chance(p, SCRIPT_CHANNEL_ATTEMPTS, at + 1, SCRIPT_HTTP_500)) {
            a->why = "http 5xx";
            again = &a->again_500;
        } else if (script_chance(p, SCRIPT_CHANNEL_ATTEMPTS, at + 2, SCRIPT_TIMEOUT)) {
            a->why = "timed out";
            again = &a->again_timeout;
        } else {
            a->why = NULL;
            return 1;
        }
        *again += i + 1 < p->knobs->retries;
    }
    return 0;
}

static ScriptBytes make_text(const ScriptPrompt *p)
{
    const ScriptWords *refusals = &script_words[SCRIPT_REFUSALS];
    const char        *refusal;
    Text               t;

    if (script_chance(p, SCRIPT_CHANNEL_FAULTS, FAULT_EMPTY, SCRIPT_EMPTY))
        return (ScriptBytes){"", 0};
    if (script_chance(p, SCRIPT_CHANNEL_FAULTS, FAULT_REFUSAL, SCRIPT_REFUSAL)) {
        refusal = refusals->entry[script_below(p, SCRIPT_CHANNEL_FAULTS, FAULT_WHICH_REFUSAL,
                                               refusals->count)];
        return (ScriptBytes){refusal, (int64_t)strlen(refusal)};
    }
    t = script_answer_shape(p);
    return (ScriptBytes){t.data, t.length};
}

// Never inside of a character.
static void cut(const ScriptPrompt *p, ScriptAnswer *a)
{
    int64_t n = a->text.length, c;

    if (n == 0 || !script_chance(p, SCRIPT_CHANNEL_FAULTS, FAULT_LENGTH, SCRIPT_LENGTH))
        return;
    c = n / 4 + script_below(p, SCRIPT_CHANNEL_FAULTS, FAULT_PLACE, n / 2 + 1);
    while (c > 0 && (a->text.data[c] & 0xc0) == 0x80)
        c--;
    a->text.length = c;
    a->end = TEACHER_LENGTH;
}

ScriptAnswer script_answer(Arena *arena, const ScriptKnobs *knobs, ScriptBytes prompt,
                           uint64_t stream, const char *const *stop, int stops)
{
    ScriptPrompt p = {.arena = arena,
                      .knobs = knobs,
                      .text = prompt,
                      .key = script_key(prompt, knobs->seed, stream)};
    ScriptAnswer a = {.end = TEACHER_DONE, .text = {"", 0}};
    char        *copy;

    if (!try_attempts(&p, &a)) {
        a.end = TEACHER_FAILED;
        return a;
    }
    a.text = make_text(&p);
    cut(&p, &a);
    for (int i = 0; i < stops; i++) {
        int64_t at = *stop[i] == 0 ? -1 : script_find(a.text, stop[i]);

        if (at >= 0) {
            a.text.length = at;
            a.end = TEACHER_DONE;
        }
    }
    copy = arena_text_n(arena, a.text.data, a.text.length);
    a.text.data = copy;
    return a;
}
