#define _GNU_SOURCE // nftw
#include "tests/check.h"

#include <ftw.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int     failed_here; // checks that failed on this rank in the running case
static int     skipped_here;
static int64_t compared_here;
static int     my_rank;

static void complain(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void complain(const char *file, int line, const char *fmt, ...)
{
    char    text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fprintf(stderr, "# rank %d %s:%d: %s\n", my_rank, file, line, text);
    failed_here++;
}

void check_true(int ok, const char *file, int line, const char *expr)
{
    if (!ok)
        complain(file, line, "not true: %s", expr);
}

void check_int(int64_t got, int64_t want, const char *file, int line, const char *expr)
{
    if (got != want)
        complain(file, line, "%s is %" PRId64 ", not %" PRId64, expr, got, want);
}

void check_near(double got, double want, double tol, const char *file, int line, const char *expr)
{
    if (!(fabs(got - want) <= tol * fmax(1.0, fabs(want)))) // written so that NaN fails
        complain(file, line, "%s is %.9g, not %.9g within %.1g", expr, got, want, tol);
}

void check_text(const char *got, const char *want, const char *file, int line, const char *expr)
{
    if (got == NULL || want == NULL ? got != want : strcmp(got, want) != 0)
        complain(file, line, "%s is \"%s\", not \"%s\"", expr, got == NULL ? "(null)" : got,
                 want == NULL ? "(null)" : want);
}

void check_err(Err got, Err want, const char *says, const char *file, int line, const char *expr)
{
    if (got != want)
        complain(file, line, "%s is %d, not %d (%s)", expr, (int)got, (int)want,
                 err_record()->text);
    else if (says != NULL && strstr(err_record()->text, says) == NULL)
        complain(file, line, "%s says \"%s\", without \"%s\"", expr, err_record()->text, says);
    err_forget();
}

void check_floats(const float *got, const float *want, int64_t count, double tol, const char *file,
                  int line, const char *expr)
{
    double  worst = 0, largest = 0;
    int64_t at = 0;

    for (int64_t i = 0; i < count; i++) {
        double d = fabs((double)got[i] - (double)want[i]);
        if (!(d <= worst)) { // NaN counts as worst
            worst = d;
            at = i;
        }
        largest = fmax(largest, fabs((double)want[i]));
    }
    if (!(worst <= (tol < 0 ? -tol * largest : tol)))
        complain(file, line, "%s[%" PRId64 "] is %.9g, not %.9g (largest difference %.3g of %.3g)",
                 expr, at, (double)got[at], (double)want[at], worst, largest);
}

void check_skip(const char *why)
{
    if (my_rank == 0 && !skipped_here)
        printf("# skipped: %s\n", why);
    skipped_here = 1;
}

void check_compared(int64_t vectors)
{
    compared_here += vectors;
}

static const char *find_folder(const char *variable, const char *beside)
{
    static char path[2][4096];
    char       *out = path[strcmp(beside, "goldens") == 0];
    const char *named = getenv(variable);

    if (named != NULL && *named)
        snprintf(out, sizeof path[0], "%s", named);
    else
        snprintf(out, sizeof path[0], "%s/../shared/%s", TD_SOURCE_DIR, beside);
    if (access(out, R_OK) == 0)
        return out;
    check_skip(beside);
    return NULL;
}

const char *check_goldens(void)
{
    return find_folder("TANDEM_GOLDENS", "goldens");
}

const char *check_golden(const char *name)
{
    static char path[4096 + 256];
    char        why[512];
    const char *folder = check_goldens();

    if (folder == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (access(path, R_OK) == 0)
        return path;
    snprintf(why, sizeof why, "this set of goldens has no %s", name);
    check_skip(why);
    return NULL;
}

const char *check_assets(void)
{
    return find_folder("TANDEM_ASSETS", "assets");
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *where)
{
    (void)s, (void)kind, (void)where;
    return remove(path);
}

const char *check_folder(const Comm *c, const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s.%d", name, c->size);
    MPI_Barrier(c->mpi);
    if (c->rank == 0) {
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        mkdir(path, 0755);
    }
    MPI_Barrier(c->mpi);
    return path;
}

static int run_case(const Comm *c, const Case *one, int number)
{
    int failed;

    failed_here = skipped_here = 0;
    compared_here = 0;
    err_forget();
    one->run(c);
    MPI_Allreduce(&failed_here, &failed, 1, MPI_INT, MPI_SUM, c->mpi);
    if (c->rank == 0) {
        printf("%sok %d - %s%s", failed ? "not " : "", number, one->name,
               skipped_here ? " # SKIP" : "");
        if (compared_here > 0)
            printf(" (%" PRId64 " vectors compared)", compared_here);
        printf("\n");
        fflush(stdout);
    }
    return failed > 0;
}

int check_main(int argc, char **argv, const Case *cases, int count)
{
    Comm c;
    int  bad = 0, ran = 0, skipped = 0;

    comm_start(&c, &argc, &argv);
    my_rank = c.rank;
    if (c.rank == 0)
        printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
            continue;
        bad += run_case(&c, &cases[i], i + 1);
        skipped += skipped_here;
        ran++;
    }
    if (ran == 0 && c.rank == 0)
        fprintf(stderr, "no case is called %s\n", argc > 1 ? argv[1] : "");
    err_forget();
    comm_finish(&c, OK);
    if (bad > 0 || ran == 0)
        return 1;
    return skipped == ran ? CHECK_EXIT_SKIPPED : 0;
}
