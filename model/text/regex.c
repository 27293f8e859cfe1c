#include "model/text/regex.h"

#include <inttypes.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { STEPS_MAX = 20000000, HEAP_KIB_MAX = 1 << 18, PATTERN_BYTES_MAX = 1 << 16 };

struct Regex {
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

// White space is Unicode's property of that name here, to which PCRE2 adds U+180E: \s and \S become
// classes.  (A \S inside of a class stays: no pattern of a tokenizer has been seen with one.)
static Bytes with_own_spaces(Arena *run, Bytes pattern)
{
    static const char spaces[] = "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}"
                                 "\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}";
    Text              t = text_make(run);
    int               in_class = 0;

    for (int64_t i = 0; i < pattern.length; i++) {
        char c = pattern.data[i], next = i + 1 < pattern.length ? pattern.data[i + 1] : 0;

        if (c == '\\' && next == 's')
            text_printf(&t, in_class ? "%s" : "[%s]", spaces);
        else if (c == '\\' && next == 'S' && !in_class)
            text_printf(&t, "[^%s]", spaces);
        else
            text_add(&t, pattern.data + i, c == '\\' && next != 0 ? 2 : 1);
        in_class = c == '[' ? 1 : c == ']' ? 0 : in_class;
        i += c == '\\' && next != 0;
    }
    return (Bytes){t.data, t.length};
}

Err regex_make(Arena *run, const char *where, Bytes pattern, const Regex **out)
{
    pcre2_general_context *general = pcre2_general_context_create(take, leave, run);
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    Regex                 *r = arena_new(run, Regex, 1);
    PCRE2_UCHAR            says[200];
    int                    code;
    PCRE2_SIZE             at;

    if (pattern.length > PATTERN_BYTES_MAX)
        FAIL(ERR_DATA, "%s: expected a pattern of at most %d bytes, found %" PRId64, where,
             PATTERN_BYTES_MAX, pattern.length);
    pattern = with_own_spaces(run, pattern);
    r->code = pcre2_compile((PCRE2_SPTR)pattern.data, (PCRE2_SIZE)pattern.length,
                            PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &at, context);
    if (r->code == NULL) {
        pcre2_get_error_message(code, says, sizeof says);
        FAIL(ERR_DATA, "%s: the pattern cannot be read: %s at byte %zu of it", where,
             (const char *)says, at);
    }
    pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); // where it cannot, matching is slower
    *out = r;
    return OK;
}

RegexSearch regex_search(const Regex *r, Arena *scratch, Bytes text)
{
    pcre2_general_context *general = pcre2_general_context_create(take, leave, scratch);
    pcre2_match_context   *context = pcre2_match_context_create(general);

    pcre2_set_match_limit(context, STEPS_MAX);
    pcre2_set_heap_limit(context, HEAP_KIB_MAX);
    return (RegexSearch){.regex = r,
                         .text = text,
                         .found = pcre2_match_data_create_from_pattern(r->code, general),
                         .context = context};
}

static int match(const RegexSearch *s, int64_t from, uint32_t options)
{
    return pcre2_match(s->regex->code, (PCRE2_SPTR)s->text.data, (PCRE2_SIZE)s->text.length,
                       (PCRE2_SIZE)from, PCRE2_NO_UTF_CHECK | options, s->found, s->context);
}

Err regex_find(const RegexSearch *s, int64_t from, int64_t *begin, int64_t *end)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s->found);
    int               code = match(s, from, 0);
    PCRE2_UCHAR       says[200];

    if (code == PCRE2_ERROR_JIT_STACKLIMIT)
        code = match(s, from, PCRE2_NO_JIT);
    *begin = *end = -1;
    if (code == PCRE2_ERROR_NOMATCH)
        return OK;
    if (code < 0) {
        pcre2_get_error_message(code, says, sizeof says);
        FAIL(ERR_DATA, "a pattern of the tokenizer gives up at byte %" PRId64 " of a text: %s",
             from, (const char *)says);
    }
    *begin = (int64_t)at[0];
    *end = (int64_t)at[1] > *begin ? (int64_t)at[1] : *begin; // \K in a lookahead
    return OK;
}
