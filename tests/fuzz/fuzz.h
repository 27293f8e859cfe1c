// fuzz.h -- what the programs share that feed a reader with hostile bytes.
//
// fuzz_X.c says what is done with one input.  Linked with libFuzzer (clang) it looks for new
// inputs, linked with replay.c it runs the files of corpus/X/ and changed copies of them.  An input
// is either read or refused with words; whatever else happens is a mistake of ours: a broken CHECK,
// an arena that is full, a sanitizer that speaks, a failure that was not reported.
#ifndef TD_TESTS_FUZZ_FUZZ_H
#define TD_TESTS_FUZZ_FUZZ_H

#include "base/arena.h"
#include "base/err.h"
#include "model/files/import.h"
#include "model/vocab.h"

#include <stddef.h>
#include <stdint.h>

// The name is libFuzzer's.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct FuzzRoom { // empty at each fuzz_begin
    Arena run, scratch;
} FuzzRoom;

// At the start of an input.
FuzzRoom *fuzz_begin(void);
// Its outcome, at the end: `e` and the record of err.h must say the same, which is then forgotten.
// Returns what LLVMFuzzerTestOneInput returns.
int fuzz_end(Err e);
// A second way of reading the same input that may fail: likewise, but nothing is counted.
int fuzz_worked(Err e);

// Inputs that were read, and refused, since the start.
typedef struct FuzzTally {
    int64_t read, refused;
} FuzzTally;
const FuzzTally *fuzz_tally(void);

// A file of this name in a folder of this process's own, which goes when the process ends.  The
// path is good until the next call.
const char *fuzz_file(const char *name, const void *data, size_t size);
void        fuzz_remove(const char *name);
const char *fuzz_folder(void);

// Fixed texts through a vocabulary and back: that places and counts keep their bounds.
Err fuzz_use_vocab(FuzzRoom *room, const Vocab *v);
// The same with the tokenizer of a file.
Err fuzz_use_tokenizer(FuzzRoom *room, const char *path);
// What foreign_find found in a file: its vocabulary as above, and its weights if they are few.
Err fuzz_use_foreign(FuzzRoom *room, const char *path, const ImportModel *model);

// Fails the input with words: what must hold, whatever the input says.
#define FUZZ_HOLDS(cond) CHECK(cond, "a promise of the interface")

#endif
