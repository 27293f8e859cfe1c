// Instructions of a closed domain (datagen/sources/chains.h), for a model that proposes problems
// itself.
//
// Of the chains of two and three operations only some occur in the seeds, the same ones for every
// run: the others are new to the model, and reported apart.  A problem's group is its cell (chain
// and length).
#include "base/rng.h"
#include "datagen/sources/chains.h"
#include "datagen/sources/source.h"
#include "io/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WEIGHT_MAX = 1000,
    SEEDS_MAX = 60,      // per cell: of two digits there are 100 strings
    HELD_OUT_MAX = 20,   // so that seeds and fresh problems find others
    NEAR_DIGITS_MIN = 4, // shorter strings are too few for one digit to matter
    KINDS = 5
};

// The test is the same for every seed of a run: 666 instructions with the standard counts, as
// strings that are drawn twice count once.
static const uint64_t HELD_OUT_SEED = 1;

static const char *const KIND_NAMES[KINDS] = {"singles", "seen pairs", "new pairs", "seen triples",
                                              "new triples"};

// Chains of the seeds, beside the single operations; drawn by lot once.
static const char *const SEEN[] = {"left then reverse",           "flip then left",
                                   "bump then reverse",           "reverse then flip",
                                   "flip then reverse",           "reverse then left",
                                   "reverse then flip then bump", "reverse then left then bump",
                                   "bump then left then reverse", "left then reverse then bump",
                                   "left then flip then reverse", "left then flip then bump"};

typedef struct Config {
    int         kind;
    const Json *seeds_single, *seeds_pair, *seeds_triple, *held_out, *depths, *lengths;
} Config;

static const ConfigField config_fields[] = {
    {"kind", CONFIG_ENUM, offsetof(Config, kind), NULL, 0, 0, "chains", NULL, "The generator."},
    {"seeds_single", CONFIG_JSON, offsetof(Config, seeds_single), "[40, 40, 30, 20]", 0, 0, NULL,
     NULL, "Worked examples of each single operation, for strings of 2, 3, 4 and 5 digits."},
    {"seeds_pair", CONFIG_JSON, offsetof(Config, seeds_pair), "[8, 8, 8, 4]", 0, 0, NULL, NULL,
     "The same for each pair of operations that occurs in the seeds."},
    {"seeds_triple", CONFIG_JSON, offsetof(Config, seeds_triple), "[4, 4, 4, 2]", 0, 0, NULL, NULL,
     "The same for each triple."},
    {"held_out", CONFIG_JSON, offsetof(Config, held_out), "[10, 5, 2]", 0, 0, NULL, NULL,
     "Test instructions drawn for every chain and length, for chains of 1, 2 and 3 operations."},
    {"depths", CONFIG_JSON, offsetof(Config, depths), "[3, 3, 2]", 0, 0, NULL, NULL,
     "Weights of chains of 1, 2 and 3 operations in fresh problems and in balanced mixtures."},
    {"lengths", CONFIG_JSON, offsetof(Config, lengths), "[1, 2, 3, 3]", 0, 0, NULL, NULL,
     "Weights of strings of 2, 3, 4 and 5 digits in fresh problems."},
    {0}};

typedef struct List {
    int64_t  count;
    int64_t *code; // ascending cells; within a cell ascending codes
} List;

typedef struct Chains {
    Source   base;
    uint64_t seed;
    int      is_seen[CHAINS];
    int64_t  depth[CHAIN_DEPTHS], length[CHAIN_LENGTHS]; // weights
    double   class_weight[CHAIN_DEPTHS];
    List     held_out, seeds;
} Chains;

static const Chains *own(const Source *s)
{
    return (const Chains *)s;
}

// ---- drawing

static int64_t draw_weighted(Rng *rng, const int64_t *weight, int count)
{
    int64_t total = 0, at, i = 0;

    for (int k = 0; k < count; k++)
        total += weight[k];
    for (at = (int64_t)rng_below(rng, (uint64_t)total); at >= weight[i]; i++)
        at -= weight[i];
    return i;
}

// Half of the strings are of all digits, half of a few, so that digits repeat.
static void draw_digits(Rng *rng, ChainProblem *p)
{
    char letters[] = "0123456789";
    int  n = p->length, few = n / 2 + 1, among = 10;

    if (rng_below(rng, 2) == 1) {
        among = few;
        for (int i = 0; i < few; i++) { // the first few of a shuffle
            int  k = i + (int)rng_below(rng, (uint64_t)(10 - i));
            char c = letters[k];

            letters[k] = letters[i];
            letters[i] = c;
        }
    }
    for (int i = 0; i < n; i++)
        p->digits[i] = letters[rng_below(rng, (uint64_t)among)];
    p->digits[n] = 0;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int holds(const List *list, int64_t code)
{
    return list->count > 0 &&
           bsearch(&code, list->code, (size_t)list->count, sizeof *list->code, compare) != NULL;
}

// Whether the string of digits differs from one in the list in at most one place; of short strings
// only the same counts.
static int is_near(const List *list, const ChainProblem *p)
{
    ChainProblem q = *p;

    if (holds(list, chain_code(p)))
        return 1;
    if (p->length < NEAR_DIGITS_MIN)
        return 0;
    for (int i = 0; i < p->length; i++) {
        for (q.digits[i] = '0'; q.digits[i] <= '9'; q.digits[i]++)
            if (holds(list, chain_code(&q)))
                return 1;
        q.digits[i] = p->digits[i];
    }
    return 0;
}

// Appends `draws` strings of a cell, those of `without` never.  A string that comes twice is drawn
// again, or, with `once`, left out.
static void fill_cell(List *list, uint64_t seed, const char *purpose, int cell, int64_t draws,
                      int once, const List *without)
{
    Rng          rng = rng_make(seed, rng_stream(purpose, (uint64_t)cell, 0, 0), 0);
    ChainProblem p = {.chain = cell / CHAIN_LENGTHS,
                      .length = cell % CHAIN_LENGTHS + CHAIN_DIGITS_MIN};
    int64_t      first = list->count;

    for (int64_t done = 0; done < draws;) {
        int64_t code;
        int     known;

        draw_digits(&rng, &p);
        code = chain_code(&p);
        known = holds(without, code);
        for (int64_t i = first; i < list->count && !known; i++)
            known = list->code[i] == code;
        if (!known)
            list->code[list->count++] = code;
        done += !known || once;
    }
    if (list->count > first)
        qsort(list->code + first, (size_t)(list->count - first), sizeof *list->code, compare);
}

// ---- the config

// Whole numbers from 0 to max, `count` of them.
static Err read_list(const Json *list, const char *key, int count, int64_t max, int64_t *out)
{
    char        where[256];
    const Json *node;

    json_where(list, where, sizeof where);
    if (list->kind != JSON_ARRAY || list->length != count)
        FAIL(ERR_CONFIG, "%s: %s has to be a list of %d numbers, found %s of %" PRId64, where, key,
             count, json_kind_name(list->kind), list->kind == JSON_ARRAY ? list->length : 1);
    node = list->child;
    for (int i = 0; i < count; i++, node = node->next) {
        if (node->kind != JSON_NUMBER || !(node->number >= 0 && node->number <= (double)max) ||
            node->number != floor(node->number))
            FAIL(ERR_CONFIG, "%s: %s[%d] has to be a whole number from 0 to %" PRId64 ", found %s",
                 json_where(node, where, sizeof where), key, i, max,
                 json_show(node, (char[JSON_WORDS]){0}, JSON_WORDS));
        out[i] = (int64_t)node->number;
    }
    return OK;
}

static Err read_weights(const Json *list, const char *key, int count, int64_t *out)
{
    int64_t total = 0;

    TRY(read_list(list, key, count, WEIGHT_MAX, out));
    for (int i = 0; i < count; i++)
        total += out[i];
    if (total == 0)
        FAIL(ERR_CONFIG, "%s: %s has to hold a number above 0",
             json_where(list, (char[256]){0}, 256), key);
    return OK;
}

typedef struct Counts {
    int64_t seeds[CHAIN_DEPTHS][CHAIN_LENGTHS], held_out[CHAIN_DEPTHS];
} Counts;

static Err read_counts(const Config *c, Counts *out)
{
    TRY(read_list(c->seeds_single, "seeds_single", CHAIN_LENGTHS, SEEDS_MAX, out->seeds[0]));
    TRY(read_list(c->seeds_pair, "seeds_pair", CHAIN_LENGTHS, SEEDS_MAX, out->seeds[1]));
    TRY(read_list(c->seeds_triple, "seeds_triple", CHAIN_LENGTHS, SEEDS_MAX, out->seeds[2]));
    return read_list(c->held_out, "held_out", CHAIN_DEPTHS, HELD_OUT_MAX, out->held_out);
}

static void fill(Chains *s, Arena *run, const Counts *n)
{
    List none = {0};

    s->held_out.code = arena_new(run, int64_t, CHAIN_CELLS * HELD_OUT_MAX);
    s->seeds.code = arena_new(run, int64_t, CHAIN_CELLS * SEEDS_MAX);
    for (int cell = 0; cell < CHAIN_CELLS; cell++) {
        int depth = chain_depth(cell / CHAIN_LENGTHS) - 1;

        fill_cell(&s->held_out, HELD_OUT_SEED, "held-out", cell, n->held_out[depth], 1, &none);
    }
    for (int cell = 0; cell < CHAIN_CELLS; cell++) {
        int chain = cell / CHAIN_LENGTHS, depth = chain_depth(chain) - 1;

        if (s->is_seen[chain])
            fill_cell(&s->seeds, s->seed, "seeds", cell, n->seeds[depth][cell % CHAIN_LENGTHS], 0,
                      &s->held_out);
    }
}

static int group_of(const Source *source, int64_t cell)
{
    int chain = (int)(cell / CHAIN_LENGTHS), depth;

    if (cell < 0 || cell >= CHAIN_CELLS)
        return -1;
    depth = chain_depth(chain);
    return depth == 1 ? 0 : 2 * depth - 2 - own(source)->is_seen[chain];
}

static int class_of(const Source *source, int64_t cell)
{
    (void)source;
    return cell < 0 || cell >= CHAIN_CELLS ? 0 : chain_depth((int)(cell / CHAIN_LENGTHS)) - 1;
}

static Err make(Arena *run, const Json *config, const char *folder, uint64_t seed, Source **out)
{
    Config  c = {0};
    Counts  counts;
    Chains *s = arena_new(run, Chains, 1);

    (void)folder;
    TRY(config_read(run, config, config_fields, &c));
    *s = (Chains){.base = {.kind = &source_chains,
                           .groups = KINDS,
                           .group_label = "kinds",
                           .group_name = KIND_NAMES,
                           .group_of = group_of,
                           .classes = CHAIN_DEPTHS,
                           .class_of = class_of,
                           .class_weight = s->class_weight},
                  .seed = seed};
    TRY(read_counts(&c, &counts));
    TRY(read_weights(c.depths, "depths", CHAIN_DEPTHS, s->depth));
    TRY(read_weights(c.lengths, "lengths", CHAIN_LENGTHS, s->length));
    for (int d = 0; d < CHAIN_DEPTHS; d++)
        s->class_weight[d] = (double)s->depth[d];
    for (int chain = 0; chain < chain_count(1); chain++)
        s->is_seen[chain] = 1;
    for (size_t i = 0; i < sizeof SEEN / sizeof SEEN[0]; i++)
        s->is_seen[chain_find(SEEN[i])] = 1;
    fill(s, run, &counts);
    *out = &s->base;
    return OK;
}

// ---- problems

static int64_t count(const Source *source, SourceSplit split)
{
    const Chains *s = own(source);

    return split == SPLIT_TRAIN ? -1 : split == SPLIT_SEEDS ? s->seeds.count : s->held_out.count;
}

static const char *const *fields(const Source *s, int *n)
{
    static const char *const names[] = {"instruction", "ops",    "digits", "length",
                                        "depth",       "answer", "worked"};

    (void)s;
    *n = (int)(sizeof names / sizeof names[0]);
    return names;
}

static const char *const *verdicts(const Source *s, int *n)
{
    (void)s;
    *n = 0;
    return NULL;
}

static int64_t max_tokens(const Source *s)
{
    (void)s;
    return 0;
}

static void set_number(Record *r, const char *name, int value)
{
    char text[16];
    int  length = snprintf(text, sizeof text, "%d", value);

    record_set(r, name, text, length);
}

static void set_problem(Record *r, const ChainProblem *p)
{
    char text[CHAIN_TEXT_MAX];

    record_set(r, "instruction", text, chain_instruction(p, text));
    record_set(r, "ops", text, chain_ops(p->chain, text));
    record_set(r, "digits", p->digits, p->length);
    set_number(r, "length", p->length);
    set_number(r, "depth", chain_depth(p->chain));
    record_set(r, "answer", text, chain_answer(p, text));
    record_set(r, "worked", text, chain_worked(p, text));
    r->problem = (uint64_t)chain_code(p);
    r->group = chain_cell(p);
}

// A depth by weight, a chain of it, a length by weight, and digits that are not held out.
static void draw_train(const Chains *s, int64_t iteration, int64_t k, Record *r)
{
    Rng rng = rng_make(s->seed, rng_stream("problem", (uint64_t)iteration, (uint64_t)k, 0), 0);
    int depth = 1 + (int)draw_weighted(&rng, s->depth, CHAIN_DEPTHS);
    ChainProblem p = {.chain =
                          chain_first(depth) + (int)rng_below(&rng, (uint64_t)chain_count(depth))};

    p.length = CHAIN_DIGITS_MIN + (int)draw_weighted(&rng, s->length, CHAIN_LENGTHS);
    do
        draw_digits(&rng, &p);
    while (is_near(&s->held_out, &p));
    set_problem(r, &p);
}

static void draw(const Source *source, SourceSplit split, int64_t iteration, int64_t k, Record *r)
{
    const Chains *s = own(source);
    ChainProblem  p;

    if (split == SPLIT_TRAIN) {
        draw_train(s, iteration, k, r);
        return;
    }
    CHECK(0 <= k && k < count(source, split), "problem %" PRId64, k);
    p = chain_problem((split == SPLIT_SEEDS ? &s->seeds : &s->held_out)->code[k]);
    set_problem(r, &p);
}

static int parse(const Source *source, const char *text, Record *r)
{
    ChainProblem p;

    (void)source;
    if (!chain_parse(text, &p))
        return 0;
    set_problem(r, &p);
    return 1;
}

// The test, and what is one digit away from it.
static int is_held_out(const Source *source, const Record *r)
{
    ChainProblem p;

    if (r->problem >= (uint64_t)CHAIN_CELLS * CHAIN_CODES_PER_CELL)
        return 0;
    p = chain_problem((int64_t)r->problem);
    return is_near(&own(source)->held_out, &p);
}

// There is one right way to write a solution: every step has to be it, not the answer alone.
static void verify(const Source *source, const char *text, Record *r, const char *verdict)
{
    const RecordField *instruction = record_field(r, "instruction");
    const char        *end = strrchr(text, ';');
    ChainProblem       p;
    char               worked[CHAIN_TEXT_MAX], answer[CHAIN_TEXT_MAX];

    (void)source;
    if (instruction == NULL || !chain_parse(instruction->text, &p)) {
        record_judge_why(r, verdict, "wrong");
        return;
    }
    chain_worked(&p, worked);
    chain_answer(&p, answer);
    record_judge_why(r, verdict,
                     end == NULL || strcmp(end + 1, answer) != 0 ? "wrong"
                     : strcmp(text, worked) != 0                 ? "wrong step"
                                                                 : "");
}

const SourceKind source_chains = {.name = "chains",
                                  .about = "Chains of operations on strings of digits.",
                                  .make = make,
                                  .count = count,
                                  .draw = draw,
                                  .fields = fields,
                                  .verdicts = verdicts,
                                  .max_tokens = max_tokens,
                                  .parse = parse,
                                  .is_held_out = is_held_out,
                                  .verify = verify};
