// ROUGE-L and what it decides, against figures of the reference code on the real seed tasks.
#include "datagen/near/near.h"
#include "io/file.h"
#include "io/json.h"
#include "tests/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 175, USERS = 252, PAIRS = SEEDS * (SEEDS - 1) / 2 };

static Arena make_arena(const char *name)
{
    Arena a;

    EXPECT_OK(arena_make(&a, name, (int64_t)1 << 32));
    return a;
}

static NearText text_of(const Json *object, const char *key)
{
    const Json *j = json_member(object, key);

    CHECK(j != NULL && j->kind == JSON_TEXT, "%s", key);
    return (NearText){j->text, j->length};
}

// ---- vectors

static const Json *golden_vectors(Arena *a, const char *key)
{
    const char *path = check_golden("instruct.json");
    const Json *root, *vectors;

    if (path == NULL)
        return NULL;
    EXPECT_OK(json_read(a, path, JSON_NO_COMMENTS, &root));
    vectors = json_member(root, key);
    CHECK(vectors != NULL, "%s", key);
    return vectors;
}

// The pair as two candidates: the second is compared with the first.
static double judged(const Comm *c, Arena *a, NearCompare compare, NearText x, NearText y)
{
    Arena       run = make_arena("index");
    NearSpec    spec = {NEAR_ROUGE, 1, 1, compare, NEAR_GOOGLE, 1};
    NearVerdict v[2];

    EXPECT_OK(near_judge_all(c, near_make(&run, &spec), a, (NearText[2]){x, y}, 2, v));
    arena_free(&run);
    return v[1].max;
}

static void rouge_equals_that_of_rouge_score(const Comm *c)
{
    Arena       a = make_arena("golden"), scratch = make_arena("scratch");
    const Json *vectors = golden_vectors(&a, "rouge_l");
    NearWords  *w = near_words(&a, NEAR_GOOGLE);

    for (const Json *j = vectors == NULL ? NULL : vectors->child; j != NULL; j = j->next) {
        int64_t   m, n, lcs;
        uint32_t *x = near_tokens(w, &a, text_of(j, "a"), &m);
        uint32_t *y = near_tokens(w, &a, text_of(j, "b"), &n);
        double    F = json_member(j, "F")->number;

        lcs = near_lcs(&scratch, x, m, y, n);
        EXPECT_INT(lcs, (int64_t)json_member(j, "lcs")->number);
        EXPECT(near_rouge(lcs, m, n) == F);
        EXPECT(judged(c, &scratch, NEAR_DOUBLE, text_of(j, "a"), text_of(j, "b")) == F);
        EXPECT_NEAR(judged(c, &scratch, NEAR_RATIONAL, text_of(j, "a"), text_of(j, "b")), F, 1e-15);
        check_compared(1);
    }
    arena_free(&scratch);
    arena_free(&a);
}

static void doubles_round_as_published_and_fractions_do_not(const Comm *c)
{
    Arena       a = make_arena("golden");
    const Json *vectors = golden_vectors(&a, "rouge_float_trap_examples");
    NearSpec    exact = {NEAR_ROUGE, 7, 10, NEAR_RATIONAL, NEAR_GOOGLE, 0}, twice = exact;

    (void)c;
    twice.compare = NEAR_DOUBLE;
    for (const Json *j = vectors == NULL ? NULL : vectors->child; j != NULL; j = j->next) {
        int64_t     m = (int64_t)j->child->number, n = (int64_t)j->child->next->number;
        int64_t     lcs = (int64_t)j->child->next->next->number;
        const Json *text = j->child->next->next->next;

        EXPECT(near_rouge(lcs, m, n) == strtod(text->text, NULL));
        EXPECT_INT(near_is_above(&twice, lcs, m, n), text->next->kind == JSON_TRUE);
        EXPECT_INT(near_is_above(&exact, lcs, m, n), 0);
        EXPECT_INT(near_is_above(&exact, lcs + 1, m, n), 1);
        check_compared(1);
    }
    arena_free(&a);
}

// ---- whole files

static NearText *instructions(Arena *a, const char *file, int64_t want)
{
    const char *folder = check_assets();
    NearText   *text = arena_new(a, NearText, want);
    char        path[FILE_PATH_MAX];
    char       *bytes;
    int64_t     length, count = 0;

    if (folder == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/datasets/self-instruct/%s", folder, file);
    EXPECT_OK(file_read(a, path, 1 << 24, &bytes, &length));
    for (char *line = bytes, *end; line < bytes + length; line = end + 1) {
        const Json *j;

        end = memchr(line, '\n', (size_t)(bytes + length - line));
        end = end == NULL ? bytes + length : end;
        if (end == line)
            continue;
        EXPECT_OK(json_parse(a, path, line, end - line, JSON_NO_COMMENTS, &j));
        CHECK(count < want, "%s has more than %" PRId64 " lines", path, want);
        text[count++] = text_of(j, "instruction");
    }
    EXPECT_INT(count, want);
    return text;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void pairs_of_the_seed_tasks_have_the_known_figures(const Comm *c)
{
    Arena      a = make_arena("golden");
    NearText  *seed = instructions(&a, "seed_tasks.jsonl", SEEDS);
    double     sum = 0, most[SEEDS] = {0}, mean = 0;
    int64_t    zero = 0, half = 0, near = 0, m[SEEDS];
    uint32_t  *token[SEEDS];
    NearWords *w = near_words(&a, NEAR_GOOGLE);

    (void)c;
    for (int i = 0; i < SEEDS && seed != NULL; i++) {
        token[i] = near_tokens(w, &a, seed[i], &m[i]);
        for (int j = 0; j < i; j++) {
            double F = near_rouge(near_lcs(&a, token[i], m[i], token[j], m[j]), m[i], m[j]);

            sum += F;
            zero += F == 0;
            half += F > 0.5;
            if (F > 0.7) {
                near++;
                EXPECT((j == 47 && i == 74) || (j == 77 && i == 113));
                EXPECT_NEAR(F, i == 74 ? 14.0 / 17 : 0.75, 1e-15);
            }
            most[i] = fmax(most[i], F);
            most[j] = fmax(most[j], F);
        }
    }
    if (seed == NULL)
        return;
    EXPECT_NEAR(sum / PAIRS, 0.102433, 5e-7);
    EXPECT_INT(zero, 3434);
    EXPECT_INT(half, 6);
    EXPECT_INT(near, 2);
    for (int i = 0; i < SEEDS; i++)
        mean += most[i] / SEEDS;
    qsort(most, SEEDS, sizeof most[0], by_value);
    EXPECT_NEAR(mean, 0.362492, 5e-7);
    EXPECT_NEAR(most[SEEDS / 2], 0.333333, 5e-7);
    check_compared(PAIRS);
    arena_free(&a);
}

static int64_t accepted_at(const Comm *c, Arena *a, const NearText *seed, int64_t threshold,
                           NearCompare compare, int wants_mean)
{
    Arena       run = make_arena("index");
    NearSpec    spec = {NEAR_ROUGE, threshold, 10, compare, NEAR_GOOGLE, wants_mean};
    Near       *n = near_make(&run, &spec);
    NearVerdict v[SEEDS];
    int64_t     accepted;

    EXPECT_OK(near_judge_all(c, n, a, seed, SEEDS, v));
    accepted = near_count(n);
    if (threshold == 7) {
        EXPECT(v[74].is_rejected && v[74].nearest == 47);
        EXPECT(v[113].is_rejected && v[113].nearest == 77 - 1); // one was rejected before it
    }
    arena_free(&run);
    return accepted;
}

static void seed_tasks_are_accepted_as_by_the_reference(const Comm *c)
{
    Arena     a = make_arena("golden");
    NearText *seed = instructions(&a, "seed_tasks.jsonl", SEEDS);

    for (int compare = NEAR_RATIONAL; compare <= NEAR_DOUBLE && seed != NULL; compare++)
        for (int mean = 0; mean < 2; mean++) {
            EXPECT_INT(accepted_at(c, &a, seed, 7, (NearCompare)compare, mean), 173);
            EXPECT_INT(accepted_at(c, &a, seed, 5, (NearCompare)compare, mean), 170);
            check_compared(2 * SEEDS);
        }
    arena_free(&a);
}

// Seeds that occur among the user tasks.
static int64_t identical_to(const Comm *c, Arena *a, const NearText *seed, const NearText *user)
{
    Arena       run = make_arena("index");
    Near       *n = near_make(&run, &(NearSpec){.kind = NEAR_EXACT});
    NearVerdict v[USERS];
    int         is_there[SEEDS] = {0};
    int64_t     identical = 0;

    for (int k = 0; k < SEEDS; k++)
        near_add(n, seed[k]);
    EXPECT_OK(near_judge_all(c, n, a, user, USERS, v));
    for (int i = 0; i < USERS; i++)
        if (v[i].is_rejected && v[i].nearest < SEEDS) {
            identical += !is_there[v[i].nearest];
            is_there[v[i].nearest] = 1;
        }
    arena_free(&run);
    return identical;
}

// One by one, so that the user tasks meet the seeds alone.
static void user_tasks_have_the_known_distance_to_the_seeds(const Comm *c)
{
    Arena       a = make_arena("golden");
    NearText   *seed = instructions(&a, "seed_tasks.jsonl", SEEDS);
    NearText   *user = instructions(&a, "user_oriented_instructions.jsonl", USERS);
    NearSpec    spec = {NEAR_ROUGE, 7, 10, NEAR_DOUBLE, NEAR_GOOGLE, 0};
    double      mean = 0;
    int64_t     same_tokens = 0;
    NearVerdict v;

    for (int i = 0; i < USERS && seed != NULL; i++) {
        Arena run = make_arena("index");
        Near *n = near_make(&run, &spec);

        for (int k = 0; k < SEEDS; k++)
            near_add(n, seed[k]);
        EXPECT_OK(near_judge_all(c, n, &a, &user[i], 1, &v));
        mean += v.max / USERS;
        same_tokens += v.max == 1;
        arena_free(&run);
    }
    if (seed == NULL)
        return;
    EXPECT_NEAR(mean, 0.3388, 5e-5);
    EXPECT_INT(same_tokens, 2); // both the same one
    EXPECT_INT(identical_to(c, &a, seed, user), 1);
    check_compared(USERS);
    arena_free(&a);
}

TEST_MAIN(CASE(rouge_equals_that_of_rouge_score),
          CASE(doubles_round_as_published_and_fractions_do_not),
          CASE(pairs_of_the_seed_tasks_have_the_known_figures),
          CASE(seed_tasks_are_accepted_as_by_the_reference),
          CASE(user_tasks_have_the_known_distance_to_the_seeds))
