// args.h -- the words of the command line: one table per command.
//
// From a command's table come parsing, --help, and the overview of `tandem --help`.
#ifndef TD_CLI_ARGS_H
#define TD_CLI_ARGS_H

#include "base/arena.h"
#include "base/text.h"
#include "mpi/comm.h"

#include <stdint.h>

enum { ARGS_OPTIONS_MAX = 24, ARGS_WORDS_MAX = 4096, ARGS_NAME_MAX = 40 };

typedef struct ArgsOption {
    const char *name;     // without the dashes
    const char *value;    // what the value is called in help; NULL: a switch
    const char *standard; // default, NULL: none
    const char *help;
} ArgsOption;

typedef struct Args {                    // a command line that was understood
    const char *given[ARGS_OPTIONS_MAX]; // by option of the table; "" for a switch; NULL: not given
    int         words;                   // what is not an option, in order
    const char *word[ARGS_WORDS_MAX];
} Args;

typedef struct Command {
    const char       *name;
    const char       *usage;    // after "tandem NAME "
    const char       *about;    // one line
    const char       *details;  // more lines of help; may be ""
    const char       *examples; // lines
    int               words_min, words_max;
    const ArgsOption *options; // ended by a NULL name
    Err (*run)(const Comm *world, Arena *arena, const struct Command *c, const Args *args);
} Command;

// Options are --name value or --name=value; for a command that takes no words also name=value.
// ERR_USAGE: unknown options (with the nearest), missing values, too few or too many words.
Err args_parse(const Command *c, int argc, char **argv, Args *out);

// The value of an option: given, or its default, or NULL.
const char *args_text(const Command *c, const Args *a, const char *name);
int         args_has(const Command *c, const Args *a, const char *name);
Err         args_i64(const Command *c, const Args *a, const char *name, int64_t min, int64_t max,
                     int64_t *out);
Err         args_f64(const Command *c, const Args *a, const char *name, double min, double max,
                     double *out);
// Seconds from "90", "90s", "5m", "1.5h".
Err args_seconds(const Command *c, const Args *a, const char *name, double *out);

void args_help(Text *t, const Command *c);

#endif
