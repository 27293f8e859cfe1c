// check.h -- the whole test harness: cases, checks, and ranks that fail together.
//
// A test program is a list of cases.  Every rank runs every case; a case passes if no check failed
// on any rank.  Output is TAP on rank 0; the exit code is the same everywhere.  A case that finds
// no assets or goldens calls check_skip and returns.
#ifndef TD_TESTS_CHECK_H
#define TD_TESTS_CHECK_H

#include "mpi/comm.h"

typedef struct Case {
    const char *name; // <subject>_<what it does>
    void (*run)(const Comm *c);
} Case;

enum { CHECK_EXIT_SKIPPED = 77 }; // when every case was skipped

int check_main(int argc, char **argv, const Case *cases, int count);

// The folder of goldens or assets ($TANDEM_GOLDENS, then ../shared/goldens beside the sources), or
// NULL after check_skip.
const char *check_goldens(void);
const char *check_assets(void);
// The path of a file or folder of the goldens, until the next call; NULL after check_skip where
// this set has none.
const char *check_golden(const char *name);
void        check_skip(const char *why);
// Counts vectors that were really compared; printed at the end of each case.
void check_compared(int64_t vectors);
// A fresh empty folder for this case and rank count, in the working directory; the same on all
// ranks.
const char *check_folder(const Comm *c, const char *name);

// Counted, never compiled out.  All print the values that disagreed, with rank, file and line.
#define EXPECT(cond)                check_true((cond), __FILE__, __LINE__, #cond)
#define EXPECT_INT(got, want)       check_int((got), (want), __FILE__, __LINE__, #got)
#define EXPECT_NEAR(got, want, tol) check_near((got), (want), (tol), __FILE__, __LINE__, #got)
#define EXPECT_TEXT(got, want)      check_text((got), (want), __FILE__, __LINE__, #got)
// The call fails with this Err, and its words contain `says` (NULL: any); forgets the failure.
#define EXPECT_ERR(call, want, says) check_err((call), (want), (says), __FILE__, __LINE__, #call)
#define EXPECT_OK(call)              check_err((call), OK, NULL, __FILE__, __LINE__, #call)
// Largest |got - want| of count floats; relative to the largest |want| if tol < 0 (then -tol).
#define EXPECT_FLOATS(got, want, count, tol) \
    check_floats((got), (want), (count), (tol), __FILE__, __LINE__, #got)

void check_true(int ok, const char *file, int line, const char *expr);
void check_int(int64_t got, int64_t want, const char *file, int line, const char *expr);
void check_near(double got, double want, double tol, const char *file, int line, const char *expr);
void check_text(const char *got, const char *want, const char *file, int line, const char *expr);
void check_err(Err got, Err want, const char *says, const char *file, int line, const char *expr);
void check_floats(const float *got, const float *want, int64_t count, double tol, const char *file,
                  int line, const char *expr);

// clang-format off
#define CASE(fn) {#fn, fn}
// clang-format on
#define TEST_MAIN(...)                                                               \
    int main(int argc, char **argv)                                                  \
    {                                                                                \
        static const Case cases[] = {__VA_ARGS__};                                   \
        return check_main(argc, argv, cases, (int)(sizeof cases / sizeof cases[0])); \
    }

#endif
