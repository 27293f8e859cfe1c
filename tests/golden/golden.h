// golden.h -- one model of the goldens, opened: its network, its vectors.
#ifndef TD_TESTS_GOLDEN_H
#define TD_TESTS_GOLDEN_H

#include "io/h5.h"
#include "model/net.h"
#include "tests/check.h"

// Cases are found, not listed: every folder with weights, in each spelling of its config that is
// there.  Vectors are its own golden.h5, or that of the folder whose name its own continues
// (gpt2-oldnames: gpt2).  A folder with neither is opened and read.
typedef struct GoldenCase {
    const char *folder;  // of the model
    const char *vectors; // folder of golden.h5; NULL if there is none
    const char *config;  // which spelling
} GoldenCase;

typedef struct Golden {
    GoldenCase about;
    Arena      arena;
    H5File    *file;
    Net        net; // packed for training
} Golden;

// Calls `run` with every case that has vectors, opened; it gives the number of vectors that it
// compared, or GOLDEN_NONE where the file holds none for it.  Fails where a case cannot be opened
// and where nothing was compared.  Nothing but a skip without the folder.
enum { GOLDEN_NONE = -1 };
void golden_each(int64_t (*run)(Golden *g));

// An array of the file; dies of a failed check when it is not there.
H5Array golden_array(Golden *g, const char *name, H5Kind kind, int rank);
double  golden_number(Golden *g, const char *name);

// Compares the gradients (or other values in the layout of parameters) of the tensor `name` with
// the array prefix/name; returns the vectors compared.
int64_t golden_compare_tensor(Golden *g, const char *prefix, int tensor, float *flat,
                              double relative, double absolute);

// The difference itself is at most tol, whatever the size of the numbers.
#define EXPECT_WITHIN(difference, tol) EXPECT_NEAR((difference) / (tol), 0, 1)

#endif
