#include "model/rope.h"
#include "tests/check.h"

#include <math.h>

// The formulas are computed in double by both sides; floats of transformers differ by their own
// rounding, which the file gives.
static const double formula_rel = 1e-12, factor_rel = 1e-12;

static void compare_case(Arena *a, const Json *one)
{
    static const RopeKeys keys = {"rope_theta", NULL, 1, 10000, NULL, 0};
    const Json           *want = json_member(one, "inv_freq");
    const Json           *rounded = json_member(one, "inv_freq_float32");
    int                   n = (int)json_member(one, "head_dim")->number;
    double               *got = arena_new(a, double, n / 2), share, factor;
    double                spread = json_member(one, "max_rel_deviation_float32")->number;
    Rope                  rope, local;

    EXPECT_OK(rope_read(one, &keys, 1 << 20, &rope, &local, &share));
    factor = rope_frequencies(&rope, n, got);
    EXPECT_NEAR(factor / json_member(one, "attention_factor")->number, 1, factor_rel);
    want = want->child;
    rounded = rounded->child;
    for (int i = 0; i < n / 2; i++, want = want->next, rounded = rounded->next) {
        EXPECT_NEAR(got[i] / want->number, 1, formula_rel);
        EXPECT_NEAR(got[i] / rounded->number, 1, spread * 1.01 + 1e-12);
        check_compared(1);
    }
    EXPECT(want == NULL && rounded == NULL);
}

static void frequencies_are_those_of_transformers(const Comm *c)
{
    const char *path = check_golden("rope.json");
    const Json *root;
    Arena       a;
    int         cases = 0;

    (void)c;
    if (path == NULL)
        return;
    EXPECT_OK(arena_make(&a, "rope", 4 << 20));
    EXPECT_OK(json_read(&a, path, JSON_NO_COMMENTS, &root));
    for (const Json *one = json_member(root, "cases")->child; one != NULL; one = one->next, cases++)
        compare_case(&a, one);
    EXPECT(cases > 0);
    arena_free(&a);
}

TEST_MAIN(CASE(frequencies_are_those_of_transformers))
