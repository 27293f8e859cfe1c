#include "base/rng.h"
#include "datagen/near/near.h"
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 3000, TEXT_BYTES = 32 };

static int is_digit(char c)
{
    return '0' <= c && c <= '9';
}

// The plain twin: the same, or one digit of a run of four or more is another.
static int twin_is_near(const char *a, const char *b)
{
    size_t n = strlen(a), at = 0, differ = 0, first, end;

    if (strlen(b) != n)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i]) {
            differ++;
            at = i;
        }
    if (differ != 1)
        return differ == 0;
    for (first = at; first > 0 && is_digit(a[first - 1]);)
        first--;
    for (end = at; end < n && is_digit(a[end]);)
        end++;
    return is_digit(a[at]) && is_digit(b[at]) && end - first >= 4;
}

static void write_text(Rng *rng, char *out)
{
    static const char *const words[] = {"flip", "left", "flip then left", "7 then", "123 and"};
    int                      length = 1 + (int)rng_below(rng, 6), at;

    at = snprintf(out, TEXT_BYTES, "%s ", words[rng_below(rng, 5)]);
    for (int i = 0; i < length; i++)
        out[at++] = (char)('0' + rng_below(rng, 4));
    out[at] = 0;
}

static void digit_judges_as_the_plain_twin(const Comm *c)
{
    static char  text[TEXTS][TEXT_BYTES];
    Arena        run, scratch;
    NearText     all[TEXTS];
    NearVerdict *verdict = calloc(TEXTS, sizeof *verdict);
    int64_t      accepted[TEXTS], count = 0, rejected = 0;
    Rng          rng = rng_make(1, rng_stream("test", 0, 0, 0), 0);
    Near        *n;

    EXPECT_OK(arena_make(&run, "test", 1 << 28));
    EXPECT_OK(arena_make(&scratch, "test", 1 << 24));
    n = near_make(&run, &(NearSpec){.kind = NEAR_DIGIT});
    for (int i = 0; i < TEXTS; i++) {
        write_text(&rng, text[i]);
        all[i] = (NearText){text[i], (int64_t)strlen(text[i])};
    }
    EXPECT_OK(near_judge_all(c, n, &scratch, all, TEXTS / 2, verdict));
    EXPECT_OK(
        near_judge_all(c, n, &scratch, all + TEXTS / 2, TEXTS - TEXTS / 2, verdict + TEXTS / 2));
    for (int i = 0; i < TEXTS; i++) {
        int64_t nearest = -1, same = -1;

        for (int64_t k = count - 1; k >= 0; k--) {
            nearest = twin_is_near(text[i], text[accepted[k]]) ? k : nearest;
            same = strcmp(text[i], text[accepted[k]]) == 0 ? k : same;
        }
        EXPECT_INT(verdict[i].is_rejected, nearest >= 0);
        EXPECT_INT(verdict[i].nearest, same >= 0 ? same : nearest);
        if (nearest < 0)
            accepted[count++] = i;
        rejected += nearest >= 0;
    }
    EXPECT_INT(near_count(n), count);
    EXPECT(count > 500 && rejected > 500);
    check_compared(TEXTS);
    free(verdict);
    arena_free(&scratch);
    arena_free(&run);
}

static void digit_counts_seeds_and_looks_at_long_numbers_only(const Comm *c)
{
    static const char *const seeds[] = {"flip 1234", "flip 123", "sum of 2024 and 17"};
    static const struct {
        const char *text;
        int64_t     nearest;
    } asked[] = {{"flip 1235", 0},
                 {"flip 1234", 0},
                 {"flip 2235", -1},
                 {"left 1234", -1},
                 {"flip 124", -1},
                 {"flip 123", 1},
                 {"flip 123x", -1},
                 {"sum of 2023 and 17", 2},
                 {"sum of 2024 and 18", -1},
                 {"sum of 2O24 and 17", -1},
                 {"", -1}};
    Arena       run, scratch;
    Near       *n;
    NearVerdict v;

    EXPECT_OK(arena_make(&run, "test", 1 << 24));
    EXPECT_OK(arena_make(&scratch, "test", 1 << 20));
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        NearText text = {asked[i].text, (int64_t)strlen(asked[i].text)};

        arena_back(&run, 0);
        n = near_make(&run, &(NearSpec){.kind = NEAR_DIGIT});
        for (int k = 0; k < 3; k++)
            near_add(n, (NearText){seeds[k], (int64_t)strlen(seeds[k])});
        EXPECT_OK(near_judge_all(c, n, &scratch, &text, 1, &v));
        EXPECT_INT(v.nearest, asked[i].nearest);
        EXPECT_INT(v.is_rejected, asked[i].nearest >= 0);
    }
    check_compared((int64_t)(sizeof asked / sizeof asked[0]));
    arena_free(&scratch);
    arena_free(&run);
}

TEST_MAIN(CASE(digit_judges_as_the_plain_twin),
          CASE(digit_counts_seeds_and_looks_at_long_numbers_only))
