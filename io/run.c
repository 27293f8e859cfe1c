#include "io/run.h"

#include "base/clock.h"
#include "base/hash.h"
#include "mpi/coll.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTEMPT_TEXT_MAX = 512, HOST_MAX = 128, DEPTH_MAX = 3, TRIES_MAX = 1000 };

static const double ATTEMPT_PATIENCE_S = 2; // between a file being made and having its line

// What an attempt file says.
typedef struct Attempt {
    int  number;
    int  side;
    char host[HOST_MAX];
    long pid;
} Attempt;

static const char *const side_names[] = {"none", "generate", "train", "both"}; // by RunSide

static int side_of(const char *name, size_t length)
{
    for (int side = RUN_GENERATE; side <= RUN_BOTH; side++)
        if (strlen(side_names[side]) == length && memcmp(side_names[side], name, length) == 0)
            return side;
    return 0;
}

// ---- attempt files

// The number in "attempt-NNNN", 0 for any other name.
static int number_of(const char *name)
{
    char *end;
    long  number;

    if (strncmp(name, "attempt-", 8) != 0 || name[8] < '0' || name[8] > '9')
        return 0;
    number = strtol(name + 8, &end, 10);
    return *end == 0 && number < 1000000000 ? (int)number : 0;
}

// The smallest attempt number above `floor`, 0 if there is none; *newest is the largest of all.
// By reading the folder, not by asking for a name: a network file system may remember for a minute
// that a name was not there.
static Err look_for_attempt(const char *dir, int floor, int *next, int *newest)
{
    DIR           *folder = opendir(dir);
    struct dirent *entry;
    int            why;

    *next = *newest = 0;
    if (folder == NULL)
        FAIL(ERR_IO, "opening the run directory %s: %s", dir, strerror(errno));
    for (errno = 0; (entry = readdir(folder)) != NULL; errno = 0) {
        int number = number_of(entry->d_name);

        if (number > floor && (*next == 0 || number < *next))
            *next = number;
        if (number > *newest)
            *newest = number;
    }
    why = errno;
    closedir(folder);
    if (why != 0)
        FAIL(ERR_IO, "reading the run directory %s: %s", dir, strerror(why));
    return OK;
}

static Err attempt_path(char out[FILE_PATH_MAX], const char *dir, int number)
{
    char name[32];

    snprintf(name, sizeof name, "attempt-%04d", number);
    TRY(file_join(out, dir, name));
    return OK;
}

static int parse_attempt(const char *text, Attempt *a)
{
    char side[16] = "";

    if (strchr(text, '\n') == NULL ||
        sscanf(text,
               "{\"attempt\": %*d, \"side\": \"%15[a-z]\", \"host\": \"%127[^\"]\", \"pid\": %ld",
               side, a->host, &a->pid) != 3)
        return 0;
    a->side = side_of(side, strlen(side));
    return a->side != 0;
}

static ssize_t read_line(const char *path, char *text, size_t size)
{
    int     file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (file < 0)
        return -1;
    n = read(file, text, size - 1);
    close(file);
    text[n > 0 ? n : 0] = 0;
    return n;
}

// Who made attempt `number`.  One that died before it wrote its line counts for both sides: the
// doubt is resolved for the newer one.
static Err read_attempt(const char *dir, int number, Attempt *a)
{
    char   path[FILE_PATH_MAX], text[ATTEMPT_TEXT_MAX];
    double until = clock_now() + ATTEMPT_PATIENCE_S;

    *a = (Attempt){.number = number};
    TRY(attempt_path(path, dir, number));
    while (read_line(path, text, sizeof text) < 0 || !parse_attempt(text, a)) {
        if (clock_now() > until) {
            int side = file_exists(path) ? RUN_BOTH : 0; // its maker may have failed and removed it
            *a = (Attempt){.number = number, .side = side, .host = "unknown host"};
            return OK;
        }
        clock_sleep(0.02);
    }
    return OK;
}

// A name that needs no quoting in JSON or in a message.
static void my_host(char host[HOST_MAX])
{
    if (gethostname(host, HOST_MAX) != 0)
        snprintf(host, HOST_MAX, "unknown");
    host[HOST_MAX - 1] = 0;
    for (char *c = host; *c != 0; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *c))
            *c = '_';
}

static Err write_attempt(int file, const char *path, int number, RunSide side, int ranks)
{
    char host[HOST_MAX], line[ATTEMPT_TEXT_MAX];
    int  length;

    my_host(host);
    length = snprintf(line, sizeof line,
                      "{\"attempt\": %d, \"side\": \"%s\", \"host\": \"%s\", \"pid\": %ld, "
                      "\"ranks\": %d}\n",
                      number, side_names[side], host, (long)getpid(), ranks);
    if (write(file, line, (size_t)length) != length || fsync(file) != 0)
        FAIL(ERR_IO, "writing %s: %s; %lld MiB are free there: make room, or choose another folder",
             path, errno != 0 ? strerror(errno) : "only a part was taken",
             (long long)(file_space(path) >> 20));
    return OK;
}

// The file with O_EXCL is what decides between two that start at once; the loser takes the next.
static Err make_attempt(const char *dir, RunSide side, int ranks, int *number)
{
    char path[FILE_PATH_MAX];
    int  file = -1, next, newest;
    Err  e;

    TRY(look_for_attempt(dir, 0, &next, &newest));
    for (*number = newest + 1; file < 0; ++*number) {
        TRY(attempt_path(path, dir, *number));
        errno = 0;
        file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && (errno != EEXIST || *number > newest + TRIES_MAX))
            FAIL(ERR_IO,
                 "the run directory %s cannot be written to (making %s: %s): choose another", dir,
                 path, strerror(errno));
    }
    --*number;
    e = write_attempt(file, path, *number, side, ranks);
    if (close(file) != 0)
        err_also(&e, err_raise(ERR_IO, __func__, __FILE__, __LINE__, "closing %s: %s", path,
                               strerror(errno)));
    if (e != OK)
        unlink(path); // it would take the directory over for nobody
    TRY(e);
    TRY(file_sync(dir));
    return OK;
}

// ---- what older attempts left

// 1 if `name` is a temporary file of an attempt before `number` whose side overlaps with `side`.
static int is_left_over(const char *name, int number, RunSide side)
{
    const char *tag = strstr(name, ".part-a");
    const char *side_name, *end;
    char       *rest;
    long        theirs;

    if (tag == NULL)
        return 0;
    theirs = strtol(tag + 7, &rest, 10);
    if (rest == tag + 7 || *rest != '-')
        return 0;
    side_name = rest + 1;
    end = strchr(side_name, '-');
    return end != NULL && theirs < number &&
           (side_of(side_name, (size_t)(end - side_name)) & (int)side);
}

static Err clean_folder(const char *folder, int number, RunSide side, int depth);

static Err clean_one(const char *folder, const char *name, int number, RunSide side, int depth)
{
    char        path[FILE_PATH_MAX];
    struct stat s;

    TRY(file_join(path, folder, name));
    if (is_left_over(name, number, side))
        TRY(file_remove(path));
    else if (depth > 0 && lstat(path, &s) == 0 && S_ISDIR(s.st_mode))
        TRY(clean_folder(path, number, side, depth - 1));
    return OK;
}

static Err clean_folder(const char *folder, int number, RunSide side, int depth)
{
    DIR           *open_folder = opendir(folder);
    struct dirent *entry;
    Err            e = OK;

    if (open_folder == NULL && errno == ENOENT)
        return OK;
    if (open_folder == NULL)
        FAIL(ERR_IO, "opening the folder %s: %s", folder, strerror(errno));
    while (e == OK && (entry = readdir(open_folder)) != NULL)
        if (entry->d_name[0] != '.')
            e = clean_one(folder, entry->d_name, number, side, depth);
    closedir(open_folder);
    return e;
}

// ---- opening

static Err take_directory(const char *dir, RunSide side, int ranks, int *number)
{
    static const char *const folders[] = {"examples", "weights", "checkpoints", "log"};
    char                     path[FILE_PATH_MAX];

    TRY(file_make_folder(dir));
    TRY(make_attempt(dir, side, ranks, number));
    for (int i = 0; i < 4; i++) {
        TRY(file_join(path, dir, folders[i]));
        TRY(file_make_folder(path));
    }
    TRY(clean_folder(dir, *number, side, DEPTH_MAX));
    return OK;
}

static Err copy_dir(const char *dir, char out[FILE_PATH_MAX])
{
    size_t length = strlen(dir);

    if (length == 0 || length >= FILE_PATH_MAX - 64)
        FAIL(ERR_CONFIG, "the path of a run directory has %zu bytes, not 1 to %d", length,
             FILE_PATH_MAX - 65);
    memcpy(out, dir, length + 1);
    while (length > 1 && out[length - 1] == '/')
        out[--length] = 0;
    return OK;
}

Err run_open_all(const Comm *c, const char *dir, RunSide side, Run *out)
{
    int64_t number;
    int     attempt = 0;

    comm_meet(c, __func__, hash_text((uint64_t)side, dir));
    CHECK(RUN_GENERATE <= side && side <= RUN_BOTH, "side %d", (int)side);
    *out = (Run){.side = side, .rank = c->rank};
    TRY_ALL(c, copy_dir(dir, out->dir));
    TRY_ALL(c, c->rank == 0 ? take_directory(out->dir, side, c->size, &attempt) : OK);
    number = attempt;
    coll_bcast_all(c, &number, (int64_t)sizeof number, 0);
    out->attempt = (int)number;
    snprintf(out->tag, sizeof out->tag, "a%04d-%s-r%d-p%ld", out->attempt, side_names[side],
             c->rank, (long)getpid());
    return OK;
}

Err run_look(const char *dir, Run *out)
{
    struct stat s;
    int         next, newest;

    *out = (Run){0};
    TRY(copy_dir(dir, out->dir));
    if (stat(out->dir, &s) != 0)
        FAIL(ERR_DATA, "%s: %s: give the directory of a run", dir, strerror(errno));
    if (!S_ISDIR(s.st_mode))
        FAIL(ERR_DATA, "%s is a file that this command does not take; give the directory of a run",
             dir);
    TRY(look_for_attempt(out->dir, 0, &next, &newest));
    if (newest == 0)
        FAIL(ERR_DATA, "%s is not a run: no attempt-0001 in it", dir);
    snprintf(out->tag, sizeof out->tag, "look");
    return OK;
}

// ---- publishing

static Err look_at_fence(const Run *r)
{
    Attempt other;
    int     next, newest;

    for (int floor = r->attempt;; floor = next) {
        TRY(look_for_attempt(r->dir, floor, &next, &newest));
        if (next == 0)
            return OK;
        TRY(read_attempt(r->dir, next, &other));
        if (other.side & (int)r->side)
            FAIL(ERR_IO,
                 "run directory %s was taken over by attempt %d (%s, process %ld); this is attempt "
                 "%d: it stops and publishes nothing",
                 r->dir, other.number, other.host, other.pid, r->attempt);
    }
}

Err run_fence(const Run *r, int now)
{
    // When which run was last found free, so that a loop may ask often.  One process has one run.
    static uint64_t last_run;
    static double   last_time;
    uint64_t        this_run = hash_text((uint64_t)r->attempt, r->dir);
    double          time = clock_now();

    CHECK(r->attempt > 0, "a run that is only looked at has no fence");
    if (!now && this_run == last_run && time - last_time < 1)
        return OK;
    TRY(look_at_fence(r));
    last_run = this_run;
    last_time = time;
    return OK;
}

Err run_path(const Run *r, char out[FILE_PATH_MAX], const char *fmt, ...)
{
    char    name[FILE_PATH_MAX];
    va_list args;
    int     length;

    va_start(args, fmt);
    length = vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    if (length < 0 || length >= (int)sizeof name)
        FAIL(ERR_CONFIG, "a path has more than %d bytes: %.60s/%.60s", FILE_PATH_MAX - 1, r->dir,
             name);
    TRY(file_join(out, r->dir, name));
    return OK;
}

Err run_part(const Run *r, char out[FILE_PATH_MAX], const char *path)
{
    int length = snprintf(out, FILE_PATH_MAX, "%s.part-%s", path, r->tag);

    if (length < 0 || length >= FILE_PATH_MAX)
        FAIL(ERR_CONFIG, "a path has more than %d bytes: %.100s...", FILE_PATH_MAX - 1, path);
    return OK;
}

Err run_publish(const Run *r, const char *part, const char *path)
{
    TRY(run_fence(r, 1));
    TRY(file_move(part, path));
    return OK;
}
