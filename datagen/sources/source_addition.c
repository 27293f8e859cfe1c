// Addition of two numbers of n digits each, with a scratch pad (Zelikman et al. 2022, in the short
// form of docs/formats.md): per step the digits of both, the carry in and the two-digit sum, lowest
// digit first; after ';' the answer.
#include "base/rng.h"
#include "datagen/sources/source.h"
#include "io/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGITS_MAX = 9, // a * 10^n + b fits 64 bits
    ONE_DIGIT = 100,
    LIST_MAX = 4000, // of the 8100 problems of two digits, so that as many stay for training
    MIX_MAX = 1000,
    TEXT_MAX = 128,
    SPARE_TOKENS = 4 // beyond the longest right solution
};

static const char *const DIGIT_NAMES[DIGITS_MAX] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};

// The test is the same for every seed.
static const uint64_t HELD_OUT_SEED = 12345;

typedef struct Config {
    int         kind;
    int64_t     digits, held_out_per_digit;
    const Json *seeds_per_digit, *mix;
    int         hints;
} Config;

typedef struct List { // problems of one digit count, ascending codes
    int64_t   count;
    uint64_t *code; // a * 10^n + b
} List;

typedef struct Addition {
    Source   base;
    uint64_t seed;
    int      digits, hints;
    int64_t  mix[DIGITS_MAX], cycle; // cycle: sum of mix
    List     held_out[DIGITS_MAX], seeds[DIGITS_MAX];
} Addition;

static const ConfigField config_fields[] = {
    {"kind", CONFIG_ENUM, offsetof(Config, kind), NULL, 0, 0, "addition", NULL, "The generator."},
    {"digits", CONFIG_INT, offsetof(Config, digits), "5", 1, DIGITS_MAX, NULL, NULL,
     "Problems have numbers of 1 to this many digits."},
    {"seeds_per_digit", CONFIG_JSON, offsetof(Config, seeds_per_digit), "", 0, 0, NULL, NULL,
     "Worked examples per digit count, a list; 40 each if absent."},
    {"mix", CONFIG_JSON, offsetof(Config, mix), "", 0, 0, NULL, NULL,
     "How often each digit count is drawn, a list of proportions; 1 each if absent."},
    {"held_out_per_digit", CONFIG_INT, offsetof(Config, held_out_per_digit), "200", 0, LIST_MAX,
     NULL, NULL, "Test problems of each digit count from 2 on; of one digit all 100."},
    {"hints", CONFIG_YESNO, offsetof(Config, hints), "true", 0, 0, NULL, NULL,
     "Every worked example also in the form with the answer as a hint."},
    {0}};

static uint64_t power(int n)
{
    uint64_t p = 1;

    while (n-- > 0)
        p *= 10;
    return p;
}

// A number of exactly n digits; of one digit also 0.
static uint64_t draw_number(Rng *rng, int n)
{
    uint64_t low = n > 1 ? power(n - 1) : 0;

    return low + rng_below(rng, power(n) - low);
}

static uint64_t draw_code(Rng *rng, int n)
{
    uint64_t a = draw_number(rng, n);

    return a * power(n) + draw_number(rng, n);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static int holds(const List *list, uint64_t code)
{
    return list->count > 0 &&
           bsearch(&code, list->code, (size_t)list->count, sizeof *list->code, compare) != NULL;
}

// `count` different problems of n digits, none of `without`.
static void fill(List *list, Arena *run, Rng rng, int n, int64_t count, const List *without)
{
    list->code = arena_new(run, uint64_t, count);
    list->count = 0;
    while (list->count < count) {
        uint64_t code = draw_code(&rng, n);
        int      known = holds(without, code);

        for (int64_t i = 0; i < list->count && !known; i++)
            known = list->code[i] == code;
        if (!known)
            list->code[list->count++] = code;
    }
    if (count > 0)
        qsort(list->code, (size_t)count, sizeof *list->code, compare);
}

static void fill_one_digit(List *list, Arena *run)
{
    list->count = ONE_DIGIT;
    list->code = arena_new(run, uint64_t, ONE_DIGIT);
    for (int i = 0; i < ONE_DIGIT; i++)
        list->code[i] = (uint64_t)i;
}

// One number per digit count, at most `max`, of one digit at most `one_digit`.
static Err read_list(const Json *list, const char *key, int digits, int64_t standard,
                     int64_t one_digit, int64_t max, int64_t *out)
{
    char        where[256];
    const Json *node;

    for (int n = 0; n < digits; n++)
        out[n] = standard;
    if (list == NULL)
        return OK;
    if (list->kind != JSON_ARRAY || list->length != digits)
        FAIL(ERR_CONFIG,
             "%s: %s has to be a list of %d numbers, one per digit count; found %s of %" PRId64,
             json_where(list, where, sizeof where), key, digits, json_kind_name(list->kind),
             list->kind == JSON_ARRAY ? list->length : 1);
    node = list->child;
    for (int n = 0; n < digits; n++, node = node->next) {
        int64_t most = n == 0 && max > one_digit ? one_digit : max;

        if (node->kind != JSON_NUMBER || !(node->number >= 0 && node->number <= (double)most) ||
            node->number != floor(node->number))
            FAIL(ERR_CONFIG, "%s: %s[%d] has to be a whole number from 0 to %" PRId64 ", found %s",
                 json_where(node, where, sizeof where), key, n, most,
                 json_show(node, (char[JSON_WORDS]){0}, JSON_WORDS));
        out[n] = (int64_t)node->number;
    }
    return OK;
}

static Err make(Arena *run, const Json *config, const char *folder, uint64_t seed, Source **out)
{
    Config    c = {0};
    int64_t   seeds[DIGITS_MAX];
    Addition *s = arena_new(run, Addition, 1);
    List      none = {0};
    char      where[256];

    (void)folder;
    TRY(config_read(run, config, config_fields, &c));
    *s = (Addition){.base = {.kind = &source_addition,
                             .groups = (int)c.digits,
                             .averages_groups = 1, // there are fewer sums of one digit
                             .group_label = "digits",
                             .group_name = DIGIT_NAMES},
                    .seed = seed,
                    .digits = (int)c.digits,
                    .hints = c.hints};
    TRY(read_list(c.seeds_per_digit, "seeds_per_digit", s->digits, 40, ONE_DIGIT, LIST_MAX, seeds));
    TRY(read_list(c.mix, "mix", s->digits, 1, MIX_MAX, MIX_MAX, s->mix));
    for (int n = 0; n < s->digits; n++)
        s->cycle += s->mix[n];
    if (s->cycle == 0)
        FAIL(ERR_CONFIG, "%s: mix has to hold a number above 0",
             json_where(c.mix, where, sizeof where));
    fill_one_digit(&s->held_out[0], run);
    for (int n = 1; n <= s->digits; n++) {
        List *held = &s->held_out[n - 1];

        if (n > 1)
            fill(held, run, rng_make(HELD_OUT_SEED, rng_stream("held-out", (uint64_t)n, 0, 0), 0),
                 n, c.held_out_per_digit, &none);
        fill(&s->seeds[n - 1], run, rng_make(seed, rng_stream("seeds", (uint64_t)n, 0, 0), 0), n,
             seeds[n - 1], n > 1 ? held : &none);
    }
    *out = &s->base;
    return OK;
}

static const Addition *own(const Source *s)
{
    return (const Addition *)s;
}

static int64_t count(const Source *source, SourceSplit split)
{
    const Addition *s = own(source);
    int64_t         sum = 0;

    if (split == SPLIT_TRAIN)
        return -1;
    for (int n = 0; n < s->digits; n++)
        sum += split == SPLIT_SEEDS ? s->seeds[n].count * (s->hints ? 2 : 1) : s->held_out[n].count;
    return sum;
}

// Tokens of the longest right solution, with eos: n steps of 5, n - 1 commas, ';', n + 1 digits,
// eos.
static int64_t tokens_of(int n)
{
    return 7 * n + 2 + SPARE_TOKENS;
}

static int64_t max_tokens(const Source *s)
{
    return tokens_of(own(s)->digits);
}

// The text between '=' and eos.
static void work_out(char *text, size_t room, uint64_t a, uint64_t b, int n)
{
    size_t   at = 0;
    uint64_t sum = a + b;
    unsigned carry = 0;

    for (int i = 0; i < n; i++, a /= 10, b /= 10) {
        unsigned x = (unsigned)(a % 10), y = (unsigned)(b % 10), s = x + y + carry;

        at += (size_t)snprintf(text + at, room - at, "%s%u%u%u%02u", i > 0 ? "," : "", x, y, carry,
                               s);
        carry = s / 10;
    }
    snprintf(text + at, room - at, ";%" PRIu64, sum);
}

static void set_number(Record *r, const char *name, uint64_t value, int width)
{
    char text[TEXT_MAX];
    int  length = snprintf(text, sizeof text, "%0*" PRIu64, width, value);

    record_set(r, name, text, length);
}

static void set_problem(Record *r, uint64_t a, uint64_t b, int n, int is_hinted)
{
    char text[TEXT_MAX];
    int  length = snprintf(text, sizeof text, "%" PRIu64 "+%" PRIu64, a, b);

    record_set(r, "question", text, length);
    set_number(r, "a", a, 1);
    set_number(r, "b", b, 1);
    set_number(r, "digits", (uint64_t)n, 1);
    set_number(r, "answer", a + b, 1);
    set_number(r, "hint", a + b, n + 1);
    set_number(r, "max_tokens", (uint64_t)tokens_of(n), 1);
    work_out(text, sizeof text, a, b, n);
    record_set(r, "worked", text, (int64_t)strlen(text));
    record_judge(r, "hinted", is_hinted);
    r->problem = a * power(n) + b;
    r->group = n - 1;
}

static const char *const *fields(const Source *s, int *n)
{
    static const char *const names[] = {"question", "a",    "b",          "digits",
                                        "answer",   "hint", "max_tokens", "worked"};

    (void)s;
    *n = (int)(sizeof names / sizeof names[0]);
    return names;
}

static const char *const *verdicts(const Source *s, int *n)
{
    static const char *const names[] = {"hinted"};

    (void)s;
    *n = 1;
    return names;
}

static void set_code(Record *r, uint64_t code, int n, int is_hinted)
{
    set_problem(r, code / power(n), code % power(n), n, is_hinted);
}

static void draw_train(const Addition *s, int64_t iteration, int64_t k, Record *r)
{
    Rng      rng = rng_make(s->seed, rng_stream("problem", (uint64_t)iteration, (uint64_t)k, 0), 0);
    int64_t  place = k % s->cycle;
    int      n = 1;
    uint64_t code;

    for (; place >= s->mix[n - 1]; n++)
        place -= s->mix[n - 1];
    do
        code = draw_code(&rng, n);
    while (n > 1 && holds(&s->held_out[n - 1], code));
    set_code(r, code, n, 0);
}

static void draw(const Source *source, SourceSplit split, int64_t iteration, int64_t k, Record *r)
{
    const Addition *s = own(source);
    int forms = split == SPLIT_SEEDS && s->hints ? 2 : 1; // each problem plain, then hinted

    if (split == SPLIT_TRAIN) {
        draw_train(s, iteration, k, r);
        return;
    }
    CHECK(0 <= k && k < count(source, split), "problem %" PRId64, k);
    for (int n = 1; n <= s->digits; n++) {
        const List *list = split == SPLIT_SEEDS ? &s->seeds[n - 1] : &s->held_out[n - 1];

        if (k < list->count * forms) {
            set_code(r, list->code[k / forms], n, (int)(k % forms));
            return;
        }
        k -= list->count * forms;
    }
}

// Reads a number without leading zeros; digits read, 0 if there is none or it is too long.
static int read_number(const char **at, int digits_max, uint64_t *value)
{
    int n = 0;

    for (*value = 0; n <= digits_max && **at >= '0' && **at <= '9'; n++, (*at)++)
        *value = *value * 10 + (uint64_t)(**at - '0');
    return n > digits_max || (n > 1 && *value < power(n - 1)) ? 0 : n;
}

static int parse(const Source *source, const char *question, Record *r)
{
    const Addition *s = own(source);
    const char     *at = question;
    uint64_t        a, b;
    int             n = read_number(&at, s->digits, &a), m;

    if (n == 0 || *at++ != '+')
        return 0;
    m = read_number(&at, s->digits, &b);
    if (m != n || *at != 0)
        return 0;
    set_problem(r, a, b, n, 0);
    return 1;
}

static int is_held_out(const Source *source, const Record *r)
{
    const Addition *s = own(source);

    return r->group > 0 && r->group < s->digits && holds(&s->held_out[r->group], r->problem);
}

const SourceKind source_addition = {.name = "addition",
                                    .about = "Sums of two numbers, with a scratch pad.",
                                    .make = make,
                                    .count = count,
                                    .draw = draw,
                                    .fields = fields,
                                    .verdicts = verdicts,
                                    .max_tokens = max_tokens,
                                    .parse = parse,
                                    .is_held_out = is_held_out};
