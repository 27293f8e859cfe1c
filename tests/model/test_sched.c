#include "model/sched.h"
#include "tests/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static Arena *room(void)
{
    static Arena arena;

    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 64 << 20));
    return &arena;
}

static SchedConfig from_text(const char *text)
{
    SchedConfig s = {0};
    const Json *root = NULL;

    EXPECT_OK(json_parse(room(), "sched", text, (int64_t)strlen(text), JSON_COMMENTS, &root));
    EXPECT_OK(config_read(room(), root, SCHED_TABLE, &s));
    return s;
}

static void expect_rate(double got, double want, double tolerance, const char *name, int64_t i)
{
    if (!(fabs(got - want) <= tolerance * fabs(want) + 1e-17)) {
        fprintf(stderr, "# %s, step %d: %.17g, not %.17g\n", name, (int)i, got, want);
        EXPECT(0);
    }
}

// ---- as transformers computes them

static double number_of(const Json *object, const char *key, double otherwise)
{
    const Json *m = json_member(object, key);

    return m != NULL && m->kind == JSON_NUMBER ? m->number : otherwise;
}

static int shape_of(const Json *kwargs, const char *key)
{
    const Json *m = json_member(kwargs, key);

    if (m == NULL || strcmp(m->text, "linear") == 0)
        return SCHED_STRAIGHT;
    return strcmp(m->text, "cosine") == 0 ? SCHED_WAVE : SCHED_ROOT;
}

static int kind_of(const char *name)
{
    static const struct {
        const char *name;
        int         kind;
    } kinds[] = {{"linear", SCHED_LINEAR},
                 {"cosine", SCHED_COSINE},
                 {"cosine_with_min_lr", SCHED_COSINE},
                 {"cosine_with_restarts", SCHED_COSINE_RESTARTS},
                 {"polynomial", SCHED_POLYNOMIAL},
                 {"constant_with_warmup", SCHED_CONSTANT},
                 {"warmup_stable_decay", SCHED_WSD},
                 {"inverse_sqrt", SCHED_INVERSE_SQRT}};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].kind;
    EXPECT_TEXT(name, "a schedule that is known");
    return -1;
}

static SchedConfig from_golden(const Json *one)
{
    const Json *kwargs = json_member(one, "kwargs");
    SchedConfig s = from_text("{}");

    s.kind = kind_of(json_member(one, "name")->text);
    s.lr = number_of(one, "base_lr", 0);
    s.warmup_steps = (int64_t)number_of(one, "num_warmup_steps", 0);
    s.cycles = number_of(kwargs, "num_cycles", 0.5);
    s.power = number_of(kwargs, "power", 1);
    s.timescale = (int64_t)number_of(kwargs, "timescale", 0);
    s.final_share = number_of(kwargs, "min_lr_rate", number_of(kwargs, "min_lr_ratio", 0)) +
                    number_of(kwargs, "lr_end", 0) / s.lr;
    if (s.kind == SCHED_WSD) {
        s.decay_steps = (int64_t)number_of(kwargs, "num_decay_steps", 0);
        s.decay_shape = shape_of(kwargs, "decay_type");
        s.warmup_shape = shape_of(kwargs, "warmup_type");
        s.warmup_from = SCHED_FROM_FINAL;
    }
    return s;
}

static void sched_equals_transformers(const Comm *c)
{
    const char *path = check_golden("schedules.json");
    const Json *root, *list;

    (void)c;
    if (path == NULL)
        return;
    EXPECT_OK(json_read(room(), path, JSON_NO_COMMENTS, &root));
    EXPECT_OK(json_want_array(root, "schedules", &list));
    for (const Json *one = list->child; one != NULL; one = one->next) {
        SchedConfig s = from_golden(one);
        const Json *kwargs = json_member(one, "kwargs");
        double      parts = (double)s.warmup_steps + number_of(kwargs, "num_stable_steps", 0) +
                       (double)s.decay_steps;
        int64_t steps = (int64_t)number_of(one, "num_training_steps", parts), i = 0;

        for (const Json *lr = json_member(one, "lr")->child; lr != NULL; lr = lr->next, i++)
            expect_rate(sched_rate(&s, i, steps), lr->number, 1e-12, json_member(one, "name")->text,
                        i);
        EXPECT(i > 5);
        check_compared(i);
    }
}

// ---- the schedule of short runs

static void sched_of_short_runs_is_this_formula(const Comm *c)
{
    SchedConfig s = from_text("{\"kind\": \"wsd\", \"lr\": 0.003, \"warmup_steps\": 20, "
                              "\"warmup_most\": 0.2, \"warmup_from\": \"one\", "
                              "\"decay_share\": 0.5, \"final_share\": 0.1}");

    (void)c;
    for (int steps = 1; steps <= 700; steps++) {
        int warm = steps / 5 + 1 < 20 ? steps / 5 + 1 : 20;

        for (int i = 0; i < steps; i++) {
            double fr = fmax(0, (i - steps * (1 - 0.5)) / (steps * 0.5));
            double want = 0.003 * fmin(1, (i + 1.0) / warm) * (1 - 0.9 * fr);

            expect_rate(sched_rate(&s, i, steps), want, 1e-15, "short", i);
        }
    }
    EXPECT_NEAR(sched_rate(&s, 300, 300), 0.0003, 1e-15);
}

static void sched_survives_no_steps_and_odd_shares(const Comm *c)
{
    static const char *const kinds[] = {"constant",     "linear",     "cosine",         "wsd",
                                        "inverse_sqrt", "polynomial", "cosine_restarts"};
    char                     text[300];

    (void)c;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (int share = 0; share <= 2; share++) {
            SchedConfig s;

            snprintf(text, sizeof text,
                     "{\"kind\": \"%s\", \"warmup_steps\": %d, \"warmup_most\": %g, "
                     "\"decay_share\": %g, \"lr\": 2}",
                     kinds[k], 3 * share, share * 0.5, share * 0.5);
            s = from_text(text);
            for (int steps = 0; steps <= 5; steps++)
                for (int i = 0; i <= steps; i++) {
                    double rate = sched_rate(&s, i, steps);
                    EXPECT(rate >= 0 && rate <= 2);
                }
        }
    }
}

static void sched_defaults_hold_their_own_bounds(const Comm *c)
{
    SchedConfig s;

    (void)c;
    EXPECT_OK(config_read(room(), NULL, SCHED_TABLE, &s));
    EXPECT_INT(s.kind, SCHED_WSD);
    EXPECT_NEAR(sched_rate(&s, 0, 100), 3e-4, 1e-15);
    EXPECT_NEAR(sched_rate(&s, 90, 100), 1.5e-4, 1e-15);
}

TEST_MAIN(CASE(sched_equals_transformers), CASE(sched_of_short_runs_is_this_formula),
          CASE(sched_survives_no_steps_and_odd_shares), CASE(sched_defaults_hold_their_own_bounds))
