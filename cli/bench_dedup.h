// bench_dedup.h -- tandem bench dedup: near-duplicates among many made-up instructions.
#ifndef TD_CLI_BENCH_DEDUP_H
#define TD_CLI_BENCH_DEDUP_H

#include "mpi/comm.h"

#include <stdint.h>

typedef struct DedupBench {
    int64_t     rows;       // made up freely; one in fifty more is planted near an earlier one
    int         wants_mean; // and the ten most similar
    int         is_json;
    const char *texts; // file for the texts, one per line; NULL: none
} DedupBench;

// Collective.  Prints on rank 0.
Err bench_dedup_all(const Comm *c, const DedupBench *b);

#endif
