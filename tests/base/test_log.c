#include "base/log.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

static void file_gets_lines_that_the_screen_does_not_show(const Comm *c)
{
    char path[300], text[8192] = "";

    snprintf(path, sizeof path, "%s/rank%d.log", check_folder(c, "log"), c->rank);
    log_show(LOG_QUIET);
    log_rank(c->rank);
    log_place("test");
    EXPECT_OK(log_file(path));
    log_once(LOG_INFO, "once for %s", "all");
    log_here(LOG_DEBUG, "here");
    log_here(LOG_INFO, "%5000d", 7); // longer than a line may be
    FILE *f = fopen(path, "r");
    fread(text, 1, sizeof text - 1, f);
    fclose(f);
    EXPECT_INT(strncmp(text, "once for all\n", 13) == 0, c->rank == 0);
    EXPECT(strstr(text, "test] here\n") != NULL);
    EXPECT_INT(text[strlen(text) - 1], '\n');
    EXPECT_ERR(log_file("/proc/none/x"), ERR_IO, "/proc/none/x");
    log_show(LOG_INFO);
}

TEST_MAIN(CASE(file_gets_lines_that_the_screen_does_not_show))
