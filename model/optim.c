#include "model/optim.h"

#include "base/err.h"
#include "mpi/reduce.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(OptimConfig, field)
const ConfigField OPTIM_TABLE[] = {
    {"beta1", CONFIG_FLOAT, AT(beta1), "0.9", 0, 0.999999, NULL, NULL,
     "how much of the mean is kept"},
    {"beta2", CONFIG_FLOAT, AT(beta2), "0.99", 0, 0.999999, NULL, NULL,
     "how much of the mean square is kept"},
    {"eps", CONFIG_FLOAT, AT(eps), "1e-8", 0, 1, NULL, NULL,
     "added to the root of the mean square"},
    {"decay", CONFIG_FLOAT, AT(decay), "0.01", 0, 100, NULL, NULL,
     "weight decay, times the learning rate"},
    {"clip", CONFIG_FLOAT, AT(clip), "1.0", 0, 1e9, NULL, NULL,
     "largest norm of all gradients together; 0 is off"},
    {"decays_all", CONFIG_YESNO, AT(decays_all), "false", 0, 0, NULL, NULL,
     "decay every tensor, not only matrices that are no embeddings"},
    {NULL, CONFIG_INT, 0, NULL, 0, 0, NULL, NULL, NULL},
};
#undef AT

int64_t optim_need(int64_t slice)
{
    return 2 * arena_need(slice, (int64_t)sizeof(float)) + arena_need(slice, 1);
}

// Marks the floats of tensors that decay, as far as they lie in the slice.  Padding never decays.
static void mark_decays(Optim *o, const Params *p)
{
    for (int i = 0; i < p->count; i++) {
        const Param *q = &p->list[i];
        int64_t      first = q->offset, last = q->offset + q->rows * q->columns;

        if (!q->decays && !o->config.decays_all)
            continue;
        first = first > o->begin ? first : o->begin;
        last = last < o->end ? last : o->end;
        if (first < last)
            memset(o->decays + (first - o->begin), 1, (size_t)(last - first));
    }
}

Optim optim_make(Arena *run, const OptimConfig *c, const Params *p, int64_t begin, int64_t end)
{
    Optim o = {.config = *c, .begin = begin, .end = end};

    CHECK(0 <= begin && begin <= end && end <= p->padded,
          "slice %" PRId64 " .. %" PRId64 " of %" PRId64, begin, end, p->padded);
    o.m = arena_new(run, float, end - begin);
    o.v = arena_new(run, float, end - begin);
    o.decays = arena_new(run, uint8_t, end - begin);
    mark_decays(&o, p);
    return o;
}

void optim_reset(Optim *o)
{
    memset(o->m, 0, (size_t)(o->end - o->begin) * sizeof *o->m);
    memset(o->v, 0, (size_t)(o->end - o->begin) * sizeof *o->v);
    o->step = 0;
}

// Eight sums side by side, added at the end in a fixed order: fast, and the same on every machine.
static double squares(const float *x, int64_t count)
{
    double sum[8] = {0};

    for (int64_t i = 0; i + 8 <= count; i += 8)
        for (int j = 0; j < 8; j++)
            sum[j] += (double)x[i + j] * (double)x[i + j];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

void optim_block_squares(const float *grad, int64_t begin, int64_t end, double *out)
{
    CHECK(begin % REDUCE_BLOCK == 0 && end % REDUCE_BLOCK == 0, "%" PRId64 " .. %" PRId64, begin,
          end);
    for (int64_t i = begin; i < end; i += REDUCE_BLOCK)
        *out++ = squares(grad + i, REDUCE_BLOCK);
}

double optim_norm(const double *block, int64_t blocks)
{
    double sum = 0;

    for (int64_t i = 0; i < blocks; i++)
        sum += block[i];
    return sqrt(sum);
}

// What one update needs, rounded once.
typedef struct Update {
    float scale;              // of the gradient, from clipping
    float beta1, new1;        // beta1, 1 - beta1
    float beta2, new2;        // beta2, 1 - beta2
    float correct1, correct2; // 1 - beta^step
    float lr, keep, eps;      // keep: 1 - lr * decay, or 1
} Update;

// goldens/README.md, "adamw", in that order.  Elementwise and without a library call, so that it is
// done in vectors, whose width changes no bit.
static void update(float *restrict p, float *restrict m, float *restrict v,
                   const float *restrict grad, int64_t count, const Update *with)
{
    Update u = *with;

    for (int64_t i = 0; i < count; i++) {
        float g = grad[i] * u.scale;
        float mean = u.beta1 * m[i] + u.new1 * g;
        float square = u.beta2 * v[i] + u.new2 * (g * g);

        m[i] = mean;
        v[i] = square;
        p[i] = p[i] * u.keep - u.lr * ((mean / u.correct1) / (sqrtf(square / u.correct2) + u.eps));
    }
}

// x^k, k >= 0, by squaring: libm has versions of pow that fuse, and then other bits.
static double power(double x, int64_t k)
{
    double y = 1;

    for (; k > 0; k /= 2, x *= x)
        if (k % 2 == 1)
            y *= x;
    return y;
}

static Update prepare(const OptimConfig *c, int64_t step, double norm, double lr)
{
    return (Update){
        .scale = c->clip > 0 ? (float)fmin(1, c->clip / (norm + 1e-6)) : 1.0f,
        .beta1 = (float)c->beta1,
        .new1 = (float)(1 - c->beta1),
        .beta2 = (float)c->beta2,
        .new2 = (float)(1 - c->beta2),
        .correct1 = (float)(1 - power(c->beta1, step)),
        .correct2 = (float)(1 - power(c->beta2, step)),
        .lr = (float)lr,
        .eps = (float)c->eps,
    };
}

void optim_update(Optim *o, float *flat, const float *grad, double norm, double lr)
{
    int64_t count = o->end - o->begin;
    Update  u = prepare(&o->config, ++o->step, norm, lr);

    // Tensor by tensor: floats that decay, and floats that do not, stand in long runs.
    for (int64_t i = 0; i < count;) {
        const uint8_t *run = o->decays + i;
        const uint8_t *other = memchr(run, !*run, (size_t)(count - i));
        int64_t        length = other == NULL ? count - i : other - run, at = o->begin + i;

        u.keep = *run ? (float)(1 - lr * o->config.decay) : 1.0f;
        update(flat + at, o->m + i, o->v + i, grad + at, length, &u);
        i += length;
    }
}
