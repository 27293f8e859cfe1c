// What each kind is equal to (transformers 5, get_scheduler):
//
//   constant         constant_with_warmup
//   linear           linear (final_share 0)
//   cosine           cosine (final_share 0), cosine_with_min_lr (final_share = min_lr_rate)
//   cosine_restarts  cosine_with_restarts (cycles = num_cycles)
//   polynomial       polynomial (final_share = lr_end / lr)
//   inverse_sqrt     inverse_sqrt
//   wsd              warmup_stable_decay, with warmup_from "final", decay_steps = num_decay_steps
//   and
//                    final_share = min_lr_ratio
//
// In all of them step 0 has rate 0 (or the final rate).  Two options that transformers lacks make
// the schedule of short runs: warmup_from "one" gives step i the rate lr * (i + 1) / warm-up, so
// that no step is lost; warmup_most = m shortens the warm-up to floor(m * steps) + 1 steps.  With
// wsd, warmup_steps 20, warmup_most 0.2, decay_share 0.5, final_share 0.1:
//
//   lr * min(1, (i + 1) / w) * (1 - 0.9 f),  w = min(20, floor(steps / 5) + 1),
//   f = max(0, (i - steps / 2) / (steps / 2))
#include "model/sched.h"

#include <inttypes.h>
#include <math.h>

static const double PI = 3.14159265358979323846;

#define ROW(name, type) .key = #name, .kind = (type), .offset = offsetof(SchedConfig, name)

const ConfigField SCHED_TABLE[] = {
    {ROW(kind, CONFIG_ENUM), .standard = "wsd",
     .choices = "constant|linear|cosine|wsd|inverse_sqrt|polynomial|cosine_restarts",
     .help = "How the rate goes down after the warm-up."},
    {ROW(lr, CONFIG_FLOAT), .standard = "3e-4", .min = 0, .max = 100,
     .help = "Learning rate at its highest."},
    {ROW(warmup_steps, CONFIG_INT), .standard = "0", .min = 0, .max = 1e12,
     .help = "Steps in which the rate rises."},
    {ROW(warmup_most, CONFIG_FLOAT), .standard = "1", .min = 0, .max = 1,
     .help = "The warm-up is cut to this share of all steps, plus one step; 1: it is never cut."},
    {ROW(warmup_from, CONFIG_ENUM), .standard = "zero", .choices = "zero|one|final",
     .help = "Rate of the first step: 0, one part of the warm-up, or final_share."},
    {ROW(warmup_shape, CONFIG_ENUM), .standard = "linear", .choices = "linear|cosine|1-sqrt",
     .help = "The curve of the warm-up."},
    {ROW(final_share, CONFIG_FLOAT), .standard = "0", .min = 0, .max = 1,
     .help = "Share of lr at the end; constant and inverse_sqrt have none."},
    {ROW(decay_share, CONFIG_FLOAT), .standard = "0.2", .min = 0, .max = 1,
     .help = "wsd: share of all steps, at the end, in which the rate falls."},
    {ROW(decay_steps, CONFIG_INT), .standard = "0", .min = 0, .max = 1e12,
     .help = "wsd: number of those steps, instead of decay_share; 0: use decay_share."},
    {ROW(decay_shape, CONFIG_ENUM), .standard = "linear", .choices = "linear|cosine|1-sqrt",
     .help = "wsd: the curve of the fall."},
    {ROW(timescale, CONFIG_INT), .standard = "0", .min = 0, .max = 1e12,
     .help = "inverse_sqrt: steps after which the rate falls; 0: the warm-up, or 10000."},
    {ROW(cycles, CONFIG_FLOAT), .standard = "0.5", .min = 0, .max = 1e6,
     .help = "cosine: waves, 0.5 is one descent; cosine_restarts: number of descents."},
    {ROW(power, CONFIG_FLOAT), .standard = "1", .min = 0, .max = 100,
     .help = "polynomial: exponent of the share of steps that is left."},
    {0}};

static double at_least_one(double x)
{
    return x > 1 ? x : 1;
}

static int64_t warmup_of(const SchedConfig *s, int64_t steps)
{
    int64_t most;

    if (s->warmup_most >= 1)
        return s->warmup_steps;
    most = (int64_t)floor(s->warmup_most * (double)steps + 1e-9) + 1; // shares are rarely exact
    return most < s->warmup_steps ? most : s->warmup_steps;
}

// From 0 to 1 in x = 0 .. 1.
static double rise(int shape, double x)
{
    if (shape == SCHED_WAVE)
        return 0.5 * (1 - cos(PI * x));
    return shape == SCHED_ROOT ? 1 - sqrt(1 - x) : x;
}

// From 1 to 0 in x = 0 .. 1.
static double fall(int shape, double x)
{
    if (shape == SCHED_WAVE)
        return 0.5 * (1 + cos(PI * x));
    return shape == SCHED_ROOT ? 1 - sqrt(x) : 1 - x;
}

static double down_to(const SchedConfig *s, double share)
{
    return share * (1 - s->final_share) + s->final_share;
}

static double warmup_share(const SchedConfig *s, int64_t i, int64_t warmup)
{
    double x = (double)(s->warmup_from == SCHED_FROM_ONE ? i + 1 : i) / (double)warmup;
    double share = rise(s->warmup_shape, x);

    return s->warmup_from == SCHED_FROM_FINAL ? down_to(s, share) : share;
}

static double wsd_share(const SchedConfig *s, int64_t i, int64_t steps)
{
    double all = (double)steps;
    double length = s->decay_steps > 0 ? (double)s->decay_steps : all * s->decay_share;
    double begin = s->decay_steps > 0 ? all - length : all * (1 - s->decay_share);

    if ((double)i < begin)
        return 1;
    if (i >= steps)
        return s->final_share;
    return down_to(s, fall(s->decay_shape, ((double)i - begin) / length));
}

static double inverse_sqrt_share(const SchedConfig *s, int64_t i, int64_t warmup)
{
    int64_t scale = s->timescale > 0 ? s->timescale : warmup > 0 ? warmup : 10000;

    return 1 / sqrt((double)(i + scale - warmup) / (double)scale);
}

static double wave_share(const SchedConfig *s, double progress)
{
    if (s->kind == SCHED_COSINE)
        return down_to(s, 0.5 * (1 + cos(PI * s->cycles * 2 * progress)));
    if (progress >= 1)
        return s->final_share;
    return down_to(s, 0.5 * (1 + cos(PI * fmod(s->cycles * progress, 1))));
}

double sched_rate(const SchedConfig *s, int64_t i, int64_t steps)
{
    int64_t warmup = warmup_of(s, steps);
    double  length = at_least_one((double)(steps - warmup));
    double  progress = (double)(i - warmup) / length;
    double  left = fmax(0, (double)(steps - i) / length);

    CHECK(i >= 0 && steps >= 0, "step %" PRId64 " of %" PRId64, i, steps);
    if (i < warmup)
        return s->lr * warmup_share(s, i, warmup);
    switch (s->kind) {
    case SCHED_LINEAR: return s->lr * down_to(s, left);
    case SCHED_COSINE:
    case SCHED_COSINE_RESTARTS: return s->lr * wave_share(s, progress);
    case SCHED_WSD: return s->lr * wsd_share(s, i, steps);
    case SCHED_INVERSE_SQRT: return s->lr * inverse_sqrt_share(s, i, warmup);
    case SCHED_POLYNOMIAL: return s->lr * down_to(s, pow(left, s->power));
    default: return s->lr;
    }
}
