// inspect.h -- what a run directory or a published file holds, and whether it is whole.
#ifndef TD_CAMPAIGN_INSPECT_H
#define TD_CAMPAIGN_INSPECT_H

#include "base/text.h"
#include "io/run.h"

// One line per published set, "examples 3 <hash>" and "weights 3 <hash>", in order of iteration,
// examples first.  The hash covers content only.  `path`: a run directory, or one file of it.
Err inspect_digests(Text *t, Arena *scratch, const char *path);

// For people: what is there, with sizes, rows, yields.  `path` as above, or the folder of the
// example sets of a run.
Err inspect_describe(Text *t, Arena *scratch, const char *path);

// Where records went, by step and reason, of each set and of all together.  `path`: a run
// directory, its folder of example sets, or one set.
typedef enum InspectForm { INSPECT_PLAIN, INSPECT_JSON } InspectForm;
Err inspect_yields(Text *t, Arena *scratch, const char *path, InspectForm form);

// Reads everything that is published and checks every sum; ERR_DATA naming the first wrong file.
// *files gets the number of files that were checked.
Err inspect_verify(Arena *scratch, const char *path, int64_t *files);

#endif
