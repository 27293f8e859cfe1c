#include "base/regex.h"

#include <inttypes.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { PATTERN_BYTES_MAX = 1 << 16, GROUPS_KEPT = 2 }; // all of the match, and the first group

// What a use allows.  PCRE2 counts steps from each place of the text anew: `steps_all` is shared
// out among the places.
static const struct {
    Err      err;
    uint32_t compile, match; // PCRE2's options
    int      is_machine_code, has_own_spaces;
    int64_t  text_bytes_max, steps_max, steps_all;
    uint32_t heap_kib_max;
} uses[] = {
    [REGEX_TOKENIZER] = {.err = ERR_DATA,
                         .match = PCRE2_NO_UTF_CHECK,
                         .is_machine_code = 1,
                         .has_own_spaces = 1,
                         .text_bytes_max = INT64_MAX,
                         .steps_max = 20000000,
                         .steps_all = INT64_MAX,
                         .heap_kib_max = 1 << 18},
    [REGEX_USER] = {.err = ERR_CONFIG,
                    .compile = PCRE2_MATCH_INVALID_UTF,
                    .text_bytes_max = 1 << 15,
                    .steps_max = 1000000,
                    .steps_all = 100000000,
                    .heap_kib_max = 1024},
};

struct Regex {
    pcre2_code *code;  // in the arena that it was made in
    const char *where; // for messages
    RegexUse    use;
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

// White space as Unicode's property of that name, to which PCRE2 adds U+180E: \s and \S become
// classes.  (A \S inside of a class stays: no pattern of a tokenizer has been seen with one.)
static Span with_own_spaces(Arena *run, Span pattern)
{
    static const char spaces[] = "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}"
                                 "\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}";
    Text              t = text_make(run);
    int               in_class = 0;

    for (int64_t i = 0; i < pattern.length; i++) {
        char c = pattern.text[i], next = i + 1 < pattern.length ? pattern.text[i + 1] : 0;

        if (c == '\\' && next == 's')
            text_printf(&t, in_class ? "%s" : "[%s]", spaces);
        else if (c == '\\' && next == 'S' && !in_class)
            text_printf(&t, "[^%s]", spaces);
        else
            text_add(&t, pattern.text + i, c == '\\' && next != 0 ? 2 : 1);
        in_class = c == '[' ? 1 : c == ']' ? 0 : in_class;
        i += c == '\\' && next != 0;
    }
    return (Span){t.data, t.length};
}

Err regex_make(Arena *run, const char *where, Span pattern, RegexUse use, const Regex **out)
{
    pcre2_general_context *general = pcre2_general_context_create(take, leave, run);
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | uses[use].compile;
    Regex         *r = arena_new(run, Regex, 1);
    PCRE2_UCHAR    says[200];
    int            code;
    PCRE2_SIZE     at;

    if (pattern.length > PATTERN_BYTES_MAX)
        FAIL(uses[use].err, "%s: expected a pattern of at most %d bytes, found %" PRId64, where,
             PATTERN_BYTES_MAX, pattern.length);
    if (uses[use].has_own_spaces)
        pattern = with_own_spaces(run, pattern);
    *r = (Regex){.where = arena_text(run, where), .use = use};
    r->code = pcre2_compile((PCRE2_SPTR)pattern.text, (PCRE2_SIZE)pattern.length, options, &code,
                            &at, context);
    if (r->code == NULL) {
        pcre2_get_error_message(code, says, sizeof says);
        FAIL(uses[use].err, "%s: the pattern cannot be read: %s at byte %zu of it", where,
             (const char *)says, at);
    }
    if (uses[use].is_machine_code)
        pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); // where it cannot, matching is slower
    *out = r;
    return OK;
}

static uint32_t steps_of(RegexUse use, int64_t length)
{
    int64_t steps = uses[use].steps_all / (length + 1);

    return (uint32_t)(steps < uses[use].steps_max ? steps : uses[use].steps_max);
}

RegexSearch regex_search(const Regex *r, Arena *scratch, Span text)
{
    pcre2_general_context *general = pcre2_general_context_create(take, leave, scratch);
    pcre2_match_context   *context = pcre2_match_context_create(general);

    pcre2_set_match_limit(context, steps_of(r->use, text.length));
    pcre2_set_heap_limit(context, uses[r->use].heap_kib_max);
    return (RegexSearch){.regex = r,
                         .text = text,
                         .found = pcre2_match_data_create(GROUPS_KEPT, general),
                         .context = context};
}

static int match(const RegexSearch *s, int64_t from, uint32_t options)
{
    return pcre2_match(s->regex->code, (PCRE2_SPTR)s->text.text, (PCRE2_SIZE)s->text.length,
                       (PCRE2_SIZE)from, uses[s->regex->use].match | options, s->found, s->context);
}

// PCRE2's answer: 0 or more where it found something.
static int ask(const RegexSearch *s, int64_t from, RegexMatch *out)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s->found);
    int               code;

    *out = (RegexMatch){-1, -1, -1, -1};
    if (s->text.length > uses[s->regex->use].text_bytes_max)
        return PCRE2_ERROR_MATCHLIMIT;
    code = match(s, from, 0);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT)
        code = match(s, from, PCRE2_NO_JIT);
    if (code < 0)
        return code;
    out->begin = (int64_t)at[0];
    out->end = at[1] > at[0] ? (int64_t)at[1] : out->begin; // \K in a lookahead
    if (code != 1 && at[2] != PCRE2_UNSET) {                // code 0: more groups than are kept
        out->group_begin = (int64_t)at[2];
        out->group_end = at[3] > at[2] ? (int64_t)at[3] : out->group_begin;
    }
    return code;
}

RegexAnswer regex_ask(const RegexSearch *s, int64_t from, RegexMatch *out)
{
    int code = ask(s, from, out);

    return code >= 0 ? REGEX_FOUND : code == PCRE2_ERROR_NOMATCH ? REGEX_NONE : REGEX_GAVE_UP;
}

Err regex_find(const RegexSearch *s, int64_t from, RegexMatch *out)
{
    int         code = ask(s, from, out);
    PCRE2_UCHAR says[200];

    if (code >= 0 || code == PCRE2_ERROR_NOMATCH)
        return OK;
    pcre2_get_error_message(code, says, sizeof says);
    FAIL(ERR_DATA, "%s: the pattern gives up at byte %" PRId64 " of a text: %s", s->regex->where,
         from, (const char *)says);
}

RegexAnswer regex_once(const Regex *r, Arena *scratch, Span text, int64_t from, RegexMatch *out)
{
    ArenaMark   mark = arena_mark(scratch);
    RegexSearch search = regex_search(r, scratch, text);
    RegexAnswer answer = regex_ask(&search, from, out);

    arena_back(scratch, mark);
    return answer;
}

int64_t regex_behind(Span text, const RegexMatch *m)
{
    int64_t more = 1;

    if (m->end == m->begin && m->end < text.length)
        (void)unitext_next(span_from(text, m->end), &more);
    return m->end > m->begin ? m->end : m->end + more;
}
