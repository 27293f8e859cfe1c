// Closed forms only: the same examples always give the same interval.
#include "campaign/tasks/task_metrics.h"

#include <math.h>

static const double Z95 = 1.959963984540054; // the normal distribution's 97.5 % quantile

Interval interval_wilson(int64_t right, int64_t n)
{
    double p = (double)right / (double)n, z2 = Z95 * Z95 / (double)n;
    double middle = (p + z2 / 2) / (1 + z2);
    double half = Z95 / (1 + z2) * sqrt(p * (1 - p) / (double)n + z2 / (4 * (double)n));

    CHECK(0 <= right && right <= n && n > 0, "%lld of %lld", (long long)right, (long long)n);
    return (Interval){INTERVAL_WILSON, p, right == 0 ? 0 : middle - half,
                      right == n ? 1 : middle + half};
}

Interval interval_mean(const double *value, int64_t n)
{
    double  sum = 0, squares = 0, mean, half;
    int64_t ones = 0, zeros = 0;

    for (int64_t i = 0; i < n; i++) {
        sum += value[i];
        ones += value[i] == 1;
        zeros += value[i] == 0;
    }
    if (ones + zeros == n)
        return interval_wilson(ones, n);
    mean = sum / (double)n;
    if (n < 2)
        return (Interval){INTERVAL_NONE, mean, mean, mean};
    for (int64_t i = 0; i < n; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    half = Z95 * sqrt(squares / (double)(n - 1) / (double)n);
    return (Interval){INTERVAL_NORMAL, mean, fmax(0, mean - half), fmin(1, mean + half)};
}

Interval interval_ratio(const double *a, const double *b, int64_t n)
{
    double sum_a = 0, sum_b = 0, squares = 0, ratio, half;

    for (int64_t i = 0; i < n; i++) {
        sum_a += a[i];
        sum_b += b[i];
    }
    ratio = sum_a / sum_b;
    if (n < 2)
        return (Interval){INTERVAL_NONE, ratio, ratio, ratio};
    for (int64_t i = 0; i < n; i++)
        squares += (a[i] - ratio * b[i]) * (a[i] - ratio * b[i]);
    half = Z95 * sqrt(squares * (double)n / (double)(n - 1)) / sum_b;
    return (Interval){INTERVAL_NORMAL, ratio, ratio - half, ratio + half};
}
