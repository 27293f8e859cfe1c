// err.h -- how a function says that it could not do its work.
//
// A function that can fail returns an Err.  The words that explain a failure are kept once per
// process, in a record that the first FAIL fills and that every caller on the way up signs.
// Errors are for what the world may do to us.  Promises between our own functions are CHECKed.
#ifndef TD_BASE_ERR_H
#define TD_BASE_ERR_H

// clang-format off
#define ERR_LIST(X)                                                            \
    X(OK,           0, "done")                                                 \
    X(ERR_STOPPED, 85, "asked to stop: the same command goes on from here")    \
    X(ERR_USAGE,   64, "the command line cannot be understood")                \
    X(ERR_CONFIG,  78, "the configuration cannot be met")                      \
    X(ERR_DATA,    65, "a file or a record is not what it claims to be")       \
    X(ERR_IO,      74, "a file could not be read or written")                  \
    X(ERR_NUMBER,  76, "a number left the range where it means anything")
// clang-format on

typedef enum Err {
#define X(name, exit_code, text) name,
    ERR_LIST(X)
#undef X
} Err;

enum { ERR_TEXT_MAX = 2048, ERR_EXIT_DIED = 70 };

typedef struct ErrRecord {
    int  code;                // the Err of the first failure, OK while there is none
    int  rank;                // rank of the process that failed first
    char text[ERR_TEXT_MAX];  // what happened, for the person who started the job
    char trail[ERR_TEXT_MAX]; // one line per caller it passed through, for the developer
} ErrRecord;

// The failure this process knows about.  Owned by err.c; lives as long as the process.
ErrRecord *err_record(void);

// Forgets the failure.  For the rare caller that has a second way of doing its work.
void err_forget(void);

// Process exit code that goes with an error, and its meaning in words.
int         err_exit_code(Err code);
const char *err_meaning(Err code);

// Adds the outcome of one more step that had to be taken whatever happened before, such as closing.
// The first failure stays.  Takes a pointer so that the two steps cannot end up in one expression,
// where C would be free to close before it works.
void err_also(Err *e, Err outcome);

// Tells who we are and how a whole job is ended.  Called by comm_start; before that, and when
// `end_job` is NULL, this process is rank 0 of a job of one.
void err_in_job(int rank, void (*end_job)(int exit_code));

// These are reached through the macros below.
Err err_raise(Err code, const char *func, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
Err            err_pass(Err code, const char *func, const char *file, int line);
_Noreturn void err_die(const char *file, int line, const char *promise, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

// Leaves the function with a new failure, told in words for the person who started the job:
// what, where, what was expected, what was found, what to do.
#define FAIL(code, ...)                                                   \
    do {                                                                  \
        err_raise((code), __func__, __FILE__, __LINE__, __VA_ARGS__);     \
        return (code); /* said here, so that the compiler knows it too */ \
    } while (0)

// Calls, and leaves the function with the same failure if the call failed.
#define TRY(call)                                             \
    do {                                                      \
        Err try_err_ = (call);                                \
        if (try_err_ != OK) {                                 \
            err_pass(try_err_, __func__, __FILE__, __LINE__); \
            return try_err_;                                  \
        }                                                     \
    } while (0)

// A promise of our own code.  Stays on in every build; breaking it ends the whole job.
#define CHECK(cond, ...)                                         \
    do {                                                         \
        if (!(cond))                                             \
            err_die(__FILE__, __LINE__, #cond, " " __VA_ARGS__); \
    } while (0)

#endif
