#include "base/arena.h"
#include "tests/check.h"

#include <string.h>

static void arena_adds_up_to_what_need_said(const Comm *c)
{
    Arena   a;
    int64_t need = arena_need(3, 4) + arena_need(17, 8) + arena_need(0, 8);

    EXPECT_OK(arena_make(&a, "test", need));
    int    *x = arena_new(&a, int, 3);
    double *y = arena_new(&a, double, 17);
    arena_new(&a, double, 0);
    EXPECT_INT(a.used, need);
    EXPECT_INT(((uintptr_t)y) % ARENA_ALIGN, 0);
    EXPECT_INT(x[0] + x[1] + x[2], 0);
    arena_free(&a);
    EXPECT(a.base == NULL);
    arena_free(&a); // nothing more to do
    (void)c;
}

static void arena_goes_back_to_a_mark_and_gives_zeros_again(const Comm *c)
{
    Arena a;

    EXPECT_OK(arena_make(&a, "test", 1 << 16));
    arena_new(&a, float, 10);
    ArenaMark mark = arena_mark(&a);
    char     *first = arena_new(&a, char, 100);
    memset(first, 7, 100);
    arena_back(&a, mark);
    char *again = arena_new(&a, char, 200);
    EXPECT(first == again);
    EXPECT_INT(again[0] + again[99] + again[199], 0);
    memset(again, 7, 200);
    arena_back(&a, mark);
    EXPECT_INT(*arena_new(&a, char, 1), 0); // less than before
    EXPECT_INT(a.peak, arena_need(10, 4) + arena_need(200, 1));
    arena_free(&a);
    (void)c;
}

static void arena_gives_large_memory_back_and_zeroed_again(const Comm *c)
{
    Arena   a;
    int64_t bytes = INT64_C(200) << 20;

    EXPECT_OK(arena_make(&a, "test", 2 * bytes));
    char *x = arena_push(&a, bytes, 1);
    x[0] = x[bytes / 2] = x[bytes - 1] = 1;
    arena_back(&a, 0);
    EXPECT(a.touched < bytes);
    x = arena_push(&a, bytes, 1);
    EXPECT_INT(x[0] + x[bytes / 2] + x[bytes - 1], 0);
    arena_free(&a);
    (void)c;
}

static void grow_keeps_the_bytes_in_place_or_moved(const Comm *c)
{
    Arena a;

    EXPECT_OK(arena_make(&a, "test", 1 << 16));
    char *x = arena_new(&a, char, 10);
    memcpy(x, "123456789", 10);
    char *y = arena_grow(&a, x, 10, 1000);
    EXPECT(y == x); // it was the last
    EXPECT_TEXT(y, "123456789");
    EXPECT_INT(y[999], 0);
    EXPECT_INT(a.used, arena_need(1000, 1));
    arena_new(&a, char, 1);
    char *z = arena_grow(&a, y, 1000, 1001);
    EXPECT(z != y);
    EXPECT_TEXT(z, "123456789");
    EXPECT(arena_grow(&a, z, 1001, 1001) == z);
    EXPECT_INT(*(char *)arena_grow(&a, NULL, 0, 3), 0);
    arena_free(&a);
    (void)c;
}

static void texts_are_copies_with_a_final_zero(const Comm *c)
{
    Arena a;

    EXPECT_OK(arena_make(&a, "test", 1 << 16));
    EXPECT_TEXT(arena_text(&a, ""), "");
    EXPECT_TEXT(arena_text_n(&a, "abcdef", 3), "abc");
    EXPECT_TEXT(arena_format(&a, "%d of %s", 7, "nine"), "7 of nine");
    arena_free(&a);
    (void)c;
}

static void more_addresses_than_there_are_is_an_error(const Comm *c)
{
    Arena a;

    EXPECT_ERR(arena_make(&a, "huge", INT64_C(1) << 61), ERR_CONFIG, "huge arena");
    (void)c;
}

TEST_MAIN(CASE(arena_adds_up_to_what_need_said),
          CASE(arena_goes_back_to_a_mark_and_gives_zeros_again),
          CASE(arena_gives_large_memory_back_and_zeroed_again),
          CASE(grow_keeps_the_bytes_in_place_or_moved), CASE(texts_are_copies_with_a_final_zero),
          CASE(more_addresses_than_there_are_is_an_error))
