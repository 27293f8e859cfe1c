// near_plain.h -- what the fast paths of near.h must equal.
#ifndef TD_TESTS_NEAR_PLAIN_H
#define TD_TESTS_NEAR_PLAIN_H

#include "base/err.h"

#include <stdint.h>
#include <string.h>

// The longest common subsequence by the table, one line at a time.
static int64_t plain_lcs(const uint32_t *a, int64_t m, const uint32_t *b, int64_t n)
{
    static int64_t row[4096];

    CHECK(n < 4096, "%d tokens", (int)n);
    memset(row, 0, (size_t)(n + 1) * sizeof row[0]);
    for (int64_t i = 0; i < m; i++) {
        int64_t corner = 0; // row[j - 1] of the line before

        for (int64_t j = 1; j <= n; j++) {
            int64_t above = row[j];

            row[j] = a[i] == b[j - 1] ? corner + 1 : row[j - 1] > above ? row[j - 1] : above;
            corner = above;
        }
    }
    return row[n];
}

#endif
