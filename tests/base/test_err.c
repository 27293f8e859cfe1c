#include "base/err.h"
#include "tests/check.h"

#include <string.h>

static Err deep(int depth)
{
    if (depth == 0)
        FAIL(ERR_DATA, "row %d has no text", 17);
    TRY(deep(depth - 1));
    return OK;
}

static Err fails_twice(void)
{
    Err e = deep(1);

    err_also(&e, err_raise(ERR_IO, __func__, __FILE__, __LINE__, "closing as well"));
    return e;
}

static void first_failure_keeps_its_words_and_its_way(const Comm *c)
{
    EXPECT_INT(deep(2), ERR_DATA);
    EXPECT_TEXT(err_record()->text, "row 17 has no text");
    EXPECT_INT(err_record()->rank, c->rank);
    EXPECT(strstr(err_record()->trail, "at deep (tests/base/test_err.c:") != NULL);
    EXPECT(strstr(err_record()->trail, "in deep (tests/base/test_err.c:") != NULL);
    err_forget();
    EXPECT_INT(err_record()->code, OK);
    EXPECT_ERR(fails_twice(), ERR_DATA, "row 17");
}

static void also_takes_the_first_that_failed(const Comm *c)
{
    Err e = OK;

    err_also(&e, OK);
    EXPECT_INT(e, OK);
    err_also(&e, ERR_IO);
    err_also(&e, ERR_DATA);
    EXPECT_INT(e, ERR_IO);
    (void)c;
}

static void records_of_any_depth_and_length_stay_within_bounds(const Comm *c)
{
    char longest[3 * ERR_TEXT_MAX];

    EXPECT_ERR(deep(1000), ERR_DATA, "row 17");
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    EXPECT_INT(err_raise(ERR_IO, "f", "g", 1, "%s", longest), ERR_IO);
    EXPECT_INT((int64_t)strlen(err_record()->text), ERR_TEXT_MAX - 1);
    err_forget();
    (void)c;
}

static void every_error_has_its_own_exit_code_and_words(const Comm *c)
{
    static const int want[] = {0, 85, 64, 78, 65, 74, 76};

    for (int e = OK; e <= ERR_NUMBER; e++) {
        EXPECT_INT(err_exit_code((Err)e), want[e]);
        EXPECT(strlen(err_meaning((Err)e)) > 3);
    }
    EXPECT_INT(err_exit_code((Err)99), ERR_EXIT_DIED);
    (void)c;
}

TEST_MAIN(CASE(first_failure_keeps_its_words_and_its_way), CASE(also_takes_the_first_that_failed),
          CASE(records_of_any_depth_and_length_stay_within_bounds),
          CASE(every_error_has_its_own_exit_code_and_words))
