#include "mpi/roles.h"
#include "tests/check.h"

static void auto_splits_in_halves_and_alternates_alone(const Comm *c)
{
    Roles r;

    EXPECT_OK(roles_make_all(c, ROLES_AUTO, 0, 0, &r));
    EXPECT_INT(r.mode, c->size == 1 ? ROLES_ALTERNATE : ROLES_SPLIT);
    if (c->size > 1) {
        int trainers = c->size / 2, generators = c->size - trainers;
        EXPECT_INT(r.generates, c->rank < generators);
        EXPECT_INT(r.trains, c->rank >= generators);
        EXPECT_INT(r.generators.size, r.generates ? generators : 0);
        EXPECT_INT(r.trainers.size, r.trains ? trainers : 0);
    }
    roles_free(&r);
}

static void alternating_ranks_do_both(const Comm *c)
{
    Roles r;

    EXPECT_OK(roles_make_all(c, ROLES_ALTERNATE, 0, 0, &r));
    EXPECT(r.generates && r.trains);
    EXPECT_INT(r.generators.size, c->size);
    EXPECT_INT(r.trainers.rank, c->rank);
    roles_free(&r);
}

static void one_number_fixes_the_other(const Comm *c)
{
    Roles r;

    if (c->size == 1) {
        EXPECT_OK(roles_make_all(c, ROLES_AUTO, 1, 1, &r)); // one rank alternates
        EXPECT(r.generates && r.trains);
    } else {
        EXPECT_OK(roles_make_all(c, ROLES_SPLIT, 1, 0, &r));
        EXPECT_INT(r.generates, c->rank == 0);
        EXPECT_INT(r.trainers.size, c->rank == 0 ? 0 : c->size - 1);
        roles_free(&r);
        EXPECT_OK(roles_make_all(c, ROLES_SPLIT, 0, 1, &r));
        EXPECT_INT(r.trains, c->rank == c->size - 1);
    }
    roles_free(&r);
}

static void numbers_that_do_not_add_up_are_refused(const Comm *c)
{
    Roles r;

    if (c->size == 1)
        EXPECT_ERR(roles_make_all(c, ROLES_SPLIT, 0, 0, &r), ERR_CONFIG, "at least 2 ranks");
    else
        EXPECT_ERR(roles_make_all(c, ROLES_SPLIT, 5, 3, &r), ERR_CONFIG,
                   "5 generators and 3 trainers");
    if (c->size > 1)
        EXPECT_ERR(roles_make_all(c, ROLES_SPLIT, c->size, 0, &r), ERR_CONFIG, "do not add up");
    EXPECT_ERR(roles_make_all(c, ROLES_ALTERNATE, 5, 0, &r), ERR_CONFIG, "alternate");
    EXPECT_ERR(roles_make_all(c, ROLES_AUTO, -1, 0, &r), ERR_CONFIG, "-1 generators");
}

TEST_MAIN(CASE(auto_splits_in_halves_and_alternates_alone), CASE(alternating_ranks_do_both),
          CASE(one_number_fixes_the_other), CASE(numbers_that_do_not_add_up_are_refused))
