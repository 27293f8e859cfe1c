#include "io/json.h"
#include "model/sample.h"
#include "tests/check.h"

#include <inttypes.h>
#include <stdio.h>

// Reads the settings of a case; 0 if it uses one that we do not have.
static int read_settings(const Json *settings, SampleSpec *s)
{
    static const char *const known[] = {"repetition_penalty", "temperature", "top_k", "top_p",
                                        "min_p"};
    double                   value[5] = {1, 1, 0, 1, 0};
    int64_t                  read = 0;

    for (int i = 0; i < 5; i++) {
        const Json *j = json_member(settings, known[i]);
        if (j != NULL) {
            value[i] = j->number;
            read++;
        }
    }
    *s = (SampleSpec){.repetition_penalty = value[0],
                      .temperature = value[1],
                      .top_k = (int64_t)value[2],
                      .top_p = value[3],
                      .min_p = value[4]};
    return read == settings->length;
}

static int is_kept(const Json *kept, int64_t id)
{
    for (const Json *k = kept->child; k != NULL; k = k->next)
        if ((int64_t)k->number == id)
            return 1;
    return 0;
}

static void compare(Arena *a, const Json *one, const SampleSpec *s)
{
    const Json *logits = json_member(one, "logits"), *p = json_member(one, "probabilities");
    const Json *previous = json_member(one, "previous_ids"), *at;
    int64_t     V = logits->length;
    float      *x = arena_new(a, float, V);
    double     *got = arena_new(a, double, V);
    int32_t    *seen = arena_new(a, int32_t, previous->length);
    int64_t     i = 0;

    for (at = logits->child; at != NULL; at = at->next)
        x[i++] = (float)at->number;
    i = 0;
    for (at = previous->child; at != NULL; at = at->next)
        seen[i++] = (int32_t)at->number;
    sample_distribution(s, x, V, &(SampleSeen){seen, previous->length, previous->length}, got,
                        arena_push(a, V, 16));
    i = 0;
    for (at = p->child; at != NULL; at = at->next, i++) {
        EXPECT_NEAR(got[i], at->number, 1e-6);
        EXPECT_INT(got[i] > 0, is_kept(json_member(one, "kept"), i));
    }
    EXPECT_INT(i, V);
}

static void sampling_gives_the_probabilities_of_transformers(const Comm *c)
{
    const char *path = check_golden("sampling.json");
    const Json *root, *one;
    Arena       a;
    int64_t     passed_over = 0, compared = 0;

    if (path == NULL)
        return;
    EXPECT_OK(arena_make(&a, "golden", 256 << 20));
    EXPECT_OK(json_read(&a, path, JSON_NO_COMMENTS, &root));
    for (one = json_member(root, "cases")->child; one != NULL; one = one->next) {
        SampleSpec s;

        if (read_settings(json_member(one, "settings"), &s)) {
            compare(&a, one, &s);
            compared++;
        } else {
            passed_over++;
        }
    }
    if (c->rank == 0)
        printf("# %" PRId64 " cases compared, %" PRId64
               " passed over: they use no_repeat_ngram_size or typical_p\n",
               compared, passed_over);
    EXPECT(compared > 0);
    check_compared(compared);
    arena_free(&a);
}

TEST_MAIN(CASE(sampling_gives_the_probabilities_of_transformers))
