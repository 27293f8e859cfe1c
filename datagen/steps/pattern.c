#include "datagen/steps/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// PCRE2 counts steps from each place of the text anew, so a long text has fewer for each: seconds
// at worst, whatever the pattern and the text.
enum {
    TEXT_BYTES_MAX = 1 << 15,
    STEPS_ALL = 100000000,
    STEPS_MAX = 1000000,
    HEAP_KIB_MAX = 1024,
    OPTIONS = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C
};

struct Pattern {
    pcre2_code *code; // in the arena that it was made in
};

// Its memory comes from an arena and goes back with it.
static void *take(size_t bytes, void *arena)
{
    return arena_push(arena, (int64_t)bytes, 1);
}

static void leave(void *block, void *arena)
{
    (void)block, (void)arena;
}

Err pattern_make(Arena *run, const Json *json, const char *text, const Pattern **out)
{
    pcre2_general_context *general = pcre2_general_context_create(take, leave, run);
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    Pattern               *p = arena_new(run, Pattern, 1);
    PCRE2_UCHAR            says[200];
    int                    code;
    PCRE2_SIZE             at;

    p->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, OPTIONS, &code, &at, context);
    if (p->code == NULL) {
        pcre2_get_error_message(code, says, sizeof says);
        FAIL(ERR_CONFIG, "%s: the pattern cannot be read: %s at byte %zu of it",
             json_where(json, (char[JSON_WORDS]){0}, JSON_WORDS), (const char *)says, at);
    }
    *out = p;
    return OK;
}

static uint32_t steps_of(int64_t length)
{
    int64_t steps = STEPS_ALL / (length + 1);

    return steps < STEPS_MAX ? (uint32_t)steps : STEPS_MAX;
}

static PatternAnswer match(const Pattern *p, Arena *scratch, Span text, int64_t from,
                           PCRE2_SIZE place[4])
{
    if (text.length > TEXT_BYTES_MAX)
        return PATTERN_GAVE_UP;

    ArenaMark              mark = arena_mark(scratch);
    pcre2_general_context *general = pcre2_general_context_create(take, leave, scratch);
    pcre2_match_context   *context = pcre2_match_context_create(general);
    pcre2_match_data      *data = pcre2_match_data_create(2, general);
    const PCRE2_SIZE      *found = pcre2_get_ovector_pointer(data);
    int                    code;

    pcre2_set_match_limit(context, steps_of(text.length));
    pcre2_set_heap_limit(context, HEAP_KIB_MAX);
    code = pcre2_match(p->code, (PCRE2_SPTR)text.text, (PCRE2_SIZE)text.length, (PCRE2_SIZE)from, 0,
                       data, context);
    for (int i = 0; i < 4; i++) // code 0: more groups than there is room for
        place[i] = code == 0 || i < 2 * code ? found[i] : PCRE2_UNSET;
    arena_back(scratch, mark);
    return code >= 0 ? PATTERN_FOUND : code == PCRE2_ERROR_NOMATCH ? PATTERN_NONE : PATTERN_GAVE_UP;
}

PatternAnswer pattern_find(const Pattern *p, Arena *scratch, Span text)
{
    PCRE2_SIZE place[4];

    return match(p, scratch, text, 0, place);
}

PatternAnswer pattern_take(const Pattern *p, Arena *scratch, Span text, int64_t from, Span *taken,
                           int64_t *next)
{
    PCRE2_SIZE    place[4];
    PatternAnswer answer = match(p, scratch, text, from, place);
    int64_t       more = 0;
    int           group;

    if (answer != PATTERN_FOUND)
        return answer;
    group = place[2] != PCRE2_UNSET ? 2 : 0;
    *taken = span_cut(text, (int64_t)place[group], (int64_t)place[group + 1]);
    *next = (int64_t)place[1];
    if (place[1] == place[0]) { // a match of nothing must not come again
        if (*next < text.length)
            (void)unitext_next(span_from(text, *next), &more);
        *next += more > 0 ? more : 1;
    }
    return PATTERN_FOUND;
}
