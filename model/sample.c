#include "model/sample.h"

#include "base/err.h"
#include "model/kernels/ops.h"

#include <math.h>
#include <string.h>

// A token that may be dropped; V of them fit into the caller's spare room.
typedef struct Entry {
    double  key;
    int64_t id;
} Entry;

typedef enum Mass { MASS_ONE, MASS_KEY } Mass; // what a dropped entry counts

// e^x for x <= 0 to nearly the last bit; 0 below -708, and for NaN.  Our own, so that its bits are
// the same on every machine (libm has versions that fuse).  x = n ln 2 + r, e^r by Taylor's series:
// for |r| <= ln 2 / 2 what follows degree 13 is below 1e-17.
static inline double exp_below(double x)
{
    static const double term[] = {1.0 / 6227020800,
                                  1.0 / 479001600,
                                  1.0 / 39916800,
                                  1.0 / 3628800,
                                  1.0 / 362880,
                                  1.0 / 40320,
                                  1.0 / 5040,
                                  1.0 / 720,
                                  1.0 / 120,
                                  1.0 / 24,
                                  1.0 / 6,
                                  0.5,
                                  1.0,
                                  1.0};
    const double        magic = 0x1.8p52; // adding it rounds to a whole number
    double              shifted = x * 0x1.71547652b82fep0 + magic, n = shifted - magic;
    double              r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33, y = term[0];
    uint64_t            bits;

    if (!(x >= -708))
        return 0;
    for (int i = 1; i < 14; i++)
        y = y * r + term[i];
    bits = (uint64_t)(1023 + (int64_t)n) << 52; // 2^n
    memcpy(&shifted, &bits, sizeof bits);
    return y * shifted;
}

static int has_filter(const SampleSpec *s, int64_t V)
{
    return (s->top_k > 0 && s->top_k < V) || s->top_p < 1 || s->min_p > 0;
}

// The largest, the lowest id among equals.  A row without any number greater than minus infinity
// gives 0.
static int64_t largest_f32(const float *x, int64_t V)
{
    int64_t top = 0;

    for (int64_t i = 1; i < V; i++)
        if (x[i] > x[top])
            top = i;
    return top;
}

static int64_t largest_f64(const double *x, int64_t V)
{
    int64_t top = 0;

    for (int64_t i = 1; i < V; i++)
        if (x[i] > x[top])
            top = i;
    return top;
}

// Among equal keys the higher id goes first, so that the lowest ids stay.
static int goes_before(const Entry *a, const Entry *b)
{
    return a->key < b->key || (a->key == b->key && a->id > b->id);
}

static void swap(Entry *a, Entry *b)
{
    Entry t = *a;

    *a = *b;
    *b = t;
}

// Puts the middle one of three into its place in e[low..high) and returns that place.
static int64_t partition(Entry *e, int64_t low, int64_t high)
{
    int64_t last = high - 1, middle = low + (high - low) / 2, place = low;

    if (goes_before(&e[middle], &e[low]))
        swap(&e[middle], &e[low]);
    if (goes_before(&e[last], &e[low]))
        swap(&e[last], &e[low]);
    if (goes_before(&e[middle], &e[last]))
        swap(&e[middle], &e[last]);
    for (int64_t i = low; i < last; i++)
        if (goes_before(&e[i], &e[last]))
            swap(&e[i], &e[place++]);
    swap(&e[place], &e[last]);
    return place;
}

// How many entries, from the smallest up, have a mass that together stays <= limit.  They come to
// stand in front.  A selection instead of a sort: only the side with the border is looked at again.
static int64_t lowest_within(Entry *e, int64_t count, Mass mass, double limit)
{
    int64_t low = 0, high = count;
    double  below = 0;

    while (low < high) {
        int64_t place = partition(e, low, high);
        double  part = 0, own = mass == MASS_ONE ? 1 : e[place].key;

        for (int64_t i = low; i < place; i++)
            part += mass == MASS_ONE ? 1 : e[i].key;
        if (below + part > limit) {
            high = place;
            continue;
        }
        if (below + part + own > limit)
            return place;
        below += part + own;
        low = place + 1;
    }
    return low;
}

static void keep_top_k(double *z, int64_t V, int64_t k, Entry *e)
{
    int64_t dropped;
    double  least = INFINITY;

    for (int64_t i = 0; i < V; i++)
        e[i] = (Entry){z[i], i};
    dropped = lowest_within(e, V, MASS_ONE, (double)(V - k));
    for (int64_t i = dropped; i < V; i++)
        least = fmin(least, e[i].key);
    for (int64_t i = 0; i < V; i++)
        if (z[i] < least) // ties with the last one stay
            z[i] = -INFINITY;
}

static void keep_top_p(double *w, int64_t V, double top_p, int64_t top, Entry *e)
{
    int64_t count = 0, dropped;
    double  total = 0, most = w[top];

    for (int64_t i = 0; i < V; i++)
        if (w[i] > 0) {
            e[count++] = (Entry){w[i], i};
            total += w[i];
        }
    dropped = lowest_within(e, count, MASS_KEY, (1 - top_p) * total);
    for (int64_t i = 0; i < dropped; i++)
        w[e[i].id] = 0;
    w[top] = most;
}

static int has_penalty(const SampleSpec *s)
{
    return s->repetition_penalty != 1 || s->presence_penalty != 0 || s->frequency_penalty != 0;
}

static void penalise_repetition(double p, const float *logits, const SampleSeen *seen, double *z)
{
    for (int64_t i = 0; i < seen->count; i++) { // from the logit: twice has the effect of once
        double logit = (double)logits[seen->id[i]];
        z[seen->id[i]] = logit < 0 ? logit * p : logit / p;
    }
}

// Counts in the entries of the ids that were written, the only ones that are looked at.
static void penalise_written(const SampleSpec *s, const SampleSeen *seen, double *z, Entry *times)
{
    const int32_t *id = seen->id;

    for (int64_t i = seen->prompt; i < seen->count; i++)
        times[id[i]].id = 0;
    for (int64_t i = seen->prompt; i < seen->count; i++)
        times[id[i]].id++;
    for (int64_t i = seen->prompt; i < seen->count; i++) {
        if (times[id[i]].id > 0)
            z[id[i]] -= s->presence_penalty + s->frequency_penalty * (double)times[id[i]].id;
        times[id[i]].id = 0;
    }
}

static void penalise(const SampleSpec *s, const float *logits, const SampleSeen *seen, double *z,
                     Entry *spare)
{
    if (s->repetition_penalty != 1)
        penalise_repetition(s->repetition_penalty, logits, seen, z);
    if (s->presence_penalty != 0 || s->frequency_penalty != 0)
        penalise_written(s, seen, z, spare);
}

// Relative weights w[V] of what may be drawn (the largest is 1), 0 for the others, and their sum in
// the order of ids.
static double weigh(const SampleSpec *s, const float *logits, int64_t V, const SampleSeen *seen,
                    double *w, Entry *spare)
{
    int64_t top;
    double  most, total = 0;

    for (int64_t i = 0; i < V; i++)
        w[i] = (double)logits[i];
    if (has_penalty(s))
        penalise(s, logits, seen, w, spare);
    top = largest_f64(w, V);
    most = w[top];
    if (s->temperature == 0) {
        for (int64_t i = 0; i < V; i++)
            w[i] = i == top;
        return 1;
    }
    for (int64_t i = 0; i < V; i++)
        w[i] = (w[i] - most) / s->temperature;
    if (s->top_k > 0 && s->top_k < V)
        keep_top_k(w, V, s->top_k, spare);
    for (int64_t i = 0; i < V; i++)
        total += w[i] = exp_below(w[i]);
    if (!has_filter(s, V))
        return total;
    if (s->top_p < 1)
        keep_top_p(w, V, s->top_p, top, spare);
    total = 0;
    for (int64_t i = 0; i < V; i++)
        total += w[i] = w[i] < s->min_p ? 0 : w[i]; // relative to the largest, which is 1
    return total;
}

void sample_distribution(const SampleSpec *s, const float *logits, int64_t V,
                         const SampleSeen *seen, double *probabilities, void *spare)
{
    double total = weigh(s, logits, V, seen, probabilities, spare);

    for (int64_t i = 0; i < V; i++)
        probabilities[i] /= total;
}

// The token whose stretch of the cumulative sum holds u times the whole.
static int64_t pick(const double *w, int64_t V, double u)
{
    int64_t last = 0;
    double  sum = 0;

    for (int64_t i = 0; i < V; i++) {
        if (!(w[i] > 0))
            continue;
        sum += w[i];
        if (u < sum)
            return i;
        last = i; // rounding may put u at the very end
    }
    return last;
}

int32_t sample_token(const SampleSpec *s, const float *logits, int64_t V, const SampleSeen *seen,
                     Rng *rng, float *logp, double *work, void *spare)
{
    int64_t token;

    CHECK(s->temperature >= 0 && s->repetition_penalty > 0, "temperature %g, penalty %g",
          s->temperature, s->repetition_penalty);
    if (s->temperature == 0 && !has_penalty(s)) {
        token = largest_f32(logits, V);
    } else {
        double total = weigh(s, logits, V, seen, work, spare);

        token = s->temperature == 0 ? largest_f64(work, V) : pick(work, V, rng_unit(rng) * total);
    }
    *logp = logits[token] - op_logsumexp(logits, V);
    return (int32_t)token;
}

void sample_top(const float *logits, int64_t V, int count, SampleTop *out)
{
    float lse = op_logsumexp(logits, V);
    int   kept = 0;

    CHECK(count > 0 && count <= SAMPLE_TOP_MAX, "%d", count);
    for (int64_t i = 0; i < V; i++) {
        int at;

        if (kept == count && !(logits[i] > out[count - 1].logp))
            continue;
        kept += kept < count;
        for (at = kept - 1; at > 0 && logits[i] > out[at - 1].logp; at--)
            out[at] = out[at - 1];
        out[at] = (SampleTop){(int32_t)i, logits[i]}; // the logit, until all are there
    }
    for (int k = 0; k < count; k++)
        out[k] = k < kept ? (SampleTop){out[k].id, out[k].logp - lse} : (SampleTop){-1, -INFINITY};
}
