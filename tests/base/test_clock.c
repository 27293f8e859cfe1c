#include "base/clock.h"
#include "tests/check.h"

static void spans_of_one_name_add_up(const Comm *c)
{
    double before = clock_total("work");
    int    count;

    for (int i = 0; i < 3; i++) {
        clock_begin("work");
        clock_sleep(0.01);
        clock_end("work");
    }
    EXPECT(clock_total("work") - before >= 0.025);
    EXPECT_INT(clock_spans(&count)[0].count, 3);
    EXPECT_INT(count, 1);
    EXPECT_NEAR(clock_total("nothing"), 0, 0);
    (void)c;
}

static void nested_spans_of_one_name_count_once(const Comm *c)
{
    double began = clock_now();

    clock_begin("outer");
    clock_begin("inner");
    clock_begin("outer");
    clock_sleep(0.02);
    clock_end("outer");
    clock_end("inner");
    clock_end("outer");
    EXPECT(clock_total("outer") >= clock_total("inner"));
    EXPECT(clock_total("outer") <= clock_now() - began);
    (void)c;
}

TEST_MAIN(CASE(spans_of_one_name_add_up), CASE(nested_spans_of_one_name_count_once))
