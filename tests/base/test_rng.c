#include "base/rng.h"
#include "tests/check.h"

#include <math.h>

// Known answers of Random123 for philox4x32 with 10 rounds: counter and key zero, and digits of pi.
// The one of all ones cannot be asked: the last block of a stream is not handed out.
static void numbers_are_those_of_philox(const Comm *c)
{
    static const uint32_t zero[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    static const uint32_t pi[] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
    Rng                   a = rng_make(0, 0, 0);
    Rng                   b = rng_make(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3);

    b.block = 0x243f6a88;
    for (int i = 0; i < 4; i++) {
        EXPECT_INT(rng_u32(&a), zero[i]);
        EXPECT_INT(rng_u32(&b), pi[i]);
    }
    check_compared(2);
    (void)c;
}

static void same_key_gives_the_same_numbers(const Comm *c)
{
    uint64_t stream = rng_stream("sample", 1, 2, 3);
    Rng      a = rng_make(5, stream, 9), b = rng_make(5, stream, 9);

    for (int i = 0; i < 1000; i++)
        EXPECT(rng_u32(&a) == rng_u32(&b));
    (void)c;
}

static void many_at_once_are_the_same_numbers(const Comm *c)
{
    for (int64_t before = 0; before < 6; before++)
        for (int64_t count = 0; count < 20; count++) {
            Rng      a = rng_make(5, 6, 7), b = rng_make(5, 6, 7);
            uint32_t out[20];

            for (int64_t i = 0; i < before; i++)
                EXPECT(rng_u32(&a) == rng_u32(&b));
            rng_fill(&a, out, count);
            for (int64_t i = 0; i < count; i++)
                EXPECT(out[i] == rng_u32(&b));
            EXPECT(rng_u32(&a) == rng_u32(&b));
            check_compared(count + 1);
        }
    (void)c;
}

static void other_keys_give_other_numbers(const Comm *c)
{
    uint64_t s = rng_stream("sample", 1, 2, 3);
    Rng      keys[] = {rng_make(5, s, 9),
                       rng_make(6, s, 9),
                       rng_make(5 + (UINT64_C(1) << 32), s, 9),
                       rng_make(5, s, 10),
                       rng_make(5, rng_stream("sample", 1, 2, 4), 9),
                       rng_make(5, rng_stream("sampl", 1, 2, 3), 9),
                       rng_make(5, rng_stream("sample", 2, 1, 3), 9)};
    uint64_t first[7];

    for (int i = 0; i < 7; i++) {
        first[i] = rng_u64(&keys[i]);
        for (int j = 0; j < i; j++)
            EXPECT(first[i] != first[j]);
    }
    (void)c;
}

static void below_is_even_and_below(const Comm *c)
{
    Rng r = rng_make(1, 1, 1);
    int seen[7] = {0};

    for (int i = 0; i < 70000; i++) {
        uint64_t x = rng_below(&r, 7);
        EXPECT(x < 7);
        seen[x % 7]++;
    }
    for (int i = 0; i < 7; i++)
        EXPECT_NEAR(seen[i], 10000, 0.05);
    EXPECT_INT((int64_t)rng_below(&r, 1), 0);
    EXPECT(rng_below(&r, UINT64_MAX) < UINT64_MAX);
    (void)c;
}

static void unit_and_normal_have_their_moments(const Comm *c)
{
    const int n = 100000;
    Rng       r = rng_make(2, 2, 2);
    double    unit = 0, mean = 0, square = 0;

    for (int i = 0; i < n; i++) {
        double u = rng_unit(&r), x = rng_normal(&r);
        EXPECT(0 <= u && u < 1 && isfinite(x));
        unit += u / n;
        mean += x / n;
        square += x * x / n;
    }
    EXPECT_NEAR(unit, 0.5, 0.005);
    EXPECT_NEAR(mean, 0, 0.015);
    EXPECT_NEAR(square, 1, 0.02);
    (void)c;
}

TEST_MAIN(CASE(numbers_are_those_of_philox), CASE(same_key_gives_the_same_numbers),
          CASE(many_at_once_are_the_same_numbers), CASE(other_keys_give_other_numbers),
          CASE(below_is_even_and_below), CASE(unit_and_normal_have_their_moments))
