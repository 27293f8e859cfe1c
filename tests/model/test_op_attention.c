#include "model/kernels/ops.h"
#include "tests/check.h"
#include "tests/model/plain.h"

#include <math.h>
#include <string.h>

enum { DOCS_MAX = 6 };

// Heads, the lengths of the documents of one batch (0 ends the list), the window and the cap.
typedef struct Shape {
    int     H, G, K;
    int64_t length[DOCS_MAX];
    int64_t window;
    float   cap;
} Shape;

static const Shape SHAPES[] = {
    {1, 1, 1, {1}, 0, 0},
    {2, 1, 2, {2, 1, 3}, 0, 0},
    {4, 4, 24, {34, 14, 60, 1, 5}, 0, 0},
    {4, 2, 24, {15, 16, 17}, 0, 0},
    {3, 3, 5, {1, 1, 4, 33, 31}, 0, 0},
    {2, 2, 64, {80, 64}, 0, 0},
    {8, 2, 16, {49, 2}, 0, 0},
    {2, 1, 33, {19}, 0, 0},
    {1, 1, 100, {18, 47}, 0, 0},
    {4, 2, 24, {34, 14, 60, 1, 5}, 7, 0},
    {3, 3, 5, {1, 1, 4, 33, 31}, 1, 0},
    {2, 1, 33, {50, 16}, 16, 0},
    {2, 2, 64, {80, 64}, 17, 0},
    {2, 1, 8, {90}, 50, 0},
    {1, 1, 16, {60}, 100, 0},
    {4, 2, 24, {34, 14, 60, 1, 5}, 0, 1.5F},
    {2, 1, 33, {50, 16}, 16, 0.25F},
    {2, 2, 64, {80, 64}, 17, 50},
};
enum { SHAPES_COUNT = sizeof SHAPES / sizeof SHAPES[0] };

typedef struct Batch {
    Arena   a;
    Shape   s;
    int64_t N, docs, longest, width, out;
    int64_t begin[DOCS_MAX + 1];
    float  *qkv, *dy, *y, *lse, *dqkv, *delta, *spare;
} Batch;

static Batch batch_make(const Shape *s)
{
    Batch b = {.s = *s};

    EXPECT_OK(arena_make(&b.a, "test", 1 << 28));
    for (int i = 0; i < DOCS_MAX && s->length[i] > 0; i++) {
        b.begin[i + 1] = b.N += s->length[i];
        b.docs++;
        b.longest = b.longest > s->length[i] ? b.longest : s->length[i];
    }
    b.width = (s->H + 2 * s->G) * s->K;
    b.out = s->H * s->K;
    b.qkv = plain_random(&b.a, b.N * b.width, 2, 1);
    b.dy = plain_random(&b.a, b.N * b.out, 1, 2);
    b.y = arena_new(&b.a, float, b.N *b.out);
    b.lse = arena_new(&b.a, float, b.N * s->H);
    b.dqkv = plain_random(&b.a, b.N * b.width, 1, 3); // is overwritten
    b.delta = arena_new(&b.a, float, b.N * s->H);
    b.spare = arena_new(&b.a, float, op_attention_spare(b.longest, s->K));
    return b;
}

static OpHeads heads_of(const Shape *s)
{
    return (OpHeads){s->H, s->G, s->K, 1 / sqrtf((float)s->K), s->window, s->cap};
}

static void forward(Batch *b)
{
    OpHeads heads = heads_of(&b->s);

    op_attention(b->y, b->lse, b->qkv, b->begin, b->docs, &heads, b->spare);
}

static void backward(Batch *b)
{
    OpHeads heads = heads_of(&b->s);

    op_attention_back(b->dqkv, b->delta, b->dy, b->y, b->lse, b->qkv, b->begin, b->docs, &heads,
                      b->spare);
}

static void attention_is_its_twin_forward_and_back(const Comm *c)
{
    (void)c;
    for (int i = 0; i < SHAPES_COUNT; i++) {
        Batch   b = batch_make(&SHAPES[i]);
        int     H = b.s.H, G = b.s.G, K = b.s.K;
        double *qkv = plain_widen(&b.a, b.qkv, b.N * b.width);
        double *dy = plain_widen(&b.a, b.dy, b.N * b.out);
        double *want = arena_new(&b.a, double, b.N *b.width), *p = arena_new(&b.a, double, 100);
        double *lse = arena_new(&b.a, double, b.N *H);

        forward(&b);
        plain_attention(want, lse, qkv, b.begin, b.docs, H, G, K, b.s.window, (double)b.s.cap, p);
        EXPECT_FLOATS(b.y, plain_narrow(&b.a, want, b.N * b.out), b.N * b.out, 2e-6);
        EXPECT_FLOATS(b.lse, plain_narrow(&b.a, lse, b.N * H), b.N * H, -1e-6);
        backward(&b);
        plain_attention_back(want, dy, qkv, b.begin, b.docs, H, G, K, b.s.window, (double)b.s.cap,
                             p);
        EXPECT_FLOATS(b.dqkv, plain_narrow(&b.a, want, b.N * b.width), b.N * b.width, -4e-6);
        check_compared(1);
        arena_free(&b.a);
    }
}

static void attention_of(double *y, const double *x, void *more)
{
    const Batch *b = more;
    double       lse[64], p[64];

    plain_attention(y, lse, x, b->begin, b->docs, b->s.H, b->s.G, b->s.K, b->s.window,
                    (double)b->s.cap, p);
}

static void expect_slopes(int which)
{
    const int64_t window = (int64_t)(which % 2) * 3;
    const float   cap = which < 2 ? 0 : 0.75F;
    const Shape   shape = {4, 2, 3, {1, 5, 7}, window, cap};
    Batch         b = batch_make(&shape);
    int64_t       count = b.N * b.width;
    double       *x = plain_widen(&b.a, b.qkv, count), *dy = plain_widen(&b.a, b.dy, b.N * b.out);
    double       *slope = arena_new(&b.a, double, count), *got = arena_new(&b.a, double, count);
    double        p[64];

    plain_slope(&b.a, slope, x, &(PlainSlope){attention_of, &b, dy, b.N * b.out, count});
    plain_attention_back(got, dy, x, b.begin, b.docs, 4, 2, 3, window, (double)cap, p);
    EXPECT_FLOATS(plain_narrow(&b.a, got, count), plain_narrow(&b.a, slope, count), count, -2e-6);
    arena_free(&b.a);
}

static void attention_twin_has_the_slope_it_says(const Comm *c)
{
    (void)c;
    for (int which = 0; which < 4; which++)
        expect_slopes(which);
}

// A decoder's way: keys and values in a cache with room for more, whose rest holds rubbish.
typedef struct Cached {
    float  *kt, *v, *spare;
    int64_t stride;
} Cached;

static Cached cache_head(Batch *b, int64_t doc, int g, int64_t seen)
{
    int     K = b->s.K;
    Cached  c = {.stride = op_attention_stride(b->longest) + 16};
    int64_t in_k = (int64_t)(b->s.H + g) * K, in_v = in_k + (int64_t)b->s.G * K;

    c.kt = arena_new(&b->a, float, K *c.stride);
    c.v = arena_new(&b->a, float, b->longest *K);
    c.spare = arena_new(&b->a, float, op_attention_stride(b->longest));
    for (int64_t j = 0; j < c.stride; j++)
        for (int d = 0; d < K; d++) {
            const float *row = b->qkv + (b->begin[doc] + j) * b->width;
            c.kt[d * c.stride + j] = j < seen ? row[in_k + d] : NAN;
            if (j < b->longest)
                c.v[j * K + d] = j < seen ? row[in_v + d] : NAN;
        }
    return c;
}

static void expect_rows_alone(Batch *b, int64_t doc, int h)
{
    int     K = b->s.K;
    float   y[128], lse;
    OpHeads heads = heads_of(&b->s);

    for (int64_t n = b->begin[doc]; n < b->begin[doc + 1]; n++) {
        ArenaMark mark = arena_mark(&b->a);
        int64_t   seen = n - b->begin[doc] + 1;
        Cached    c = cache_head(b, doc, h / (b->s.H / b->s.G), seen);

        op_attention_row(y, &lse, b->qkv + n * b->width + h * K, c.kt, c.v, c.stride, seen, &heads,
                         c.spare);
        EXPECT(lse == b->lse[n * b->s.H + h]);
        EXPECT(memcmp(y, b->y + n * b->out + h * K, (size_t)K * sizeof *y) == 0);
        arena_back(&b->a, mark);
    }
}

static void attention_of_a_query_in_a_cache_has_the_same_bits(const Comm *c)
{
    (void)c;
    for (int i = 0; i < SHAPES_COUNT; i++) {
        Batch b = batch_make(&SHAPES[i]);

        forward(&b);
        for (int64_t doc = 0; doc < b.docs; doc++)
            for (int h = 0; h < b.s.H; h++)
                expect_rows_alone(&b, doc, h);
        arena_free(&b.a);
    }
}

static void expect_document_alone(Batch *b, int64_t doc, int64_t shift)
{
    int64_t n = b->begin[doc + 1] - b->begin[doc], at = b->begin[doc];
    int64_t begin[2] = {0, n};
    OpHeads heads = heads_of(&b->s);
    float  *qkv = arena_new(&b->a, float, n * b->width + 16) + shift;
    float  *dqkv = arena_new(&b->a, float, n * b->width);
    float  *y = arena_new(&b->a, float, n * b->out), *lse = arena_new(&b->a, float, n * b->s.H);
    size_t  in = (size_t)(n * b->width) * sizeof *qkv, out = (size_t)(n * b->out) * sizeof *y;

    memcpy(qkv, b->qkv + at * b->width, in);
    op_attention(y, lse, qkv, begin, 1, &heads, b->spare);
    EXPECT(memcmp(y, b->y + at * b->out, out) == 0);
    EXPECT(memcmp(lse, b->lse + at * b->s.H, (size_t)(n * b->s.H) * sizeof *lse) == 0);
    op_attention_back(dqkv, b->delta, b->dy + at * b->out, y, lse, qkv, begin, 1, &heads, b->spare);
    EXPECT(memcmp(dqkv, b->dqkv + at * b->width, in) == 0);
}

static void attention_of_a_document_does_not_know_its_batch(const Comm *c)
{
    (void)c;
    for (int i = 0; i < SHAPES_COUNT; i++) {
        Batch b = batch_make(&SHAPES[i]);

        forward(&b);
        backward(&b);
        for (int64_t doc = 0; doc < b.docs; doc++)
            for (int64_t shift = 0; shift < 4; shift++)
                expect_document_alone(&b, doc, shift);
        arena_free(&b.a);
    }
}

static void attention_does_not_look_ahead(const Comm *c)
{
    const Shape shape = {2, 1, 24, {37}, 0, 2};

    (void)c;
    for (int64_t n = 0; n < 37; n++) {
        Batch  b = batch_make(&shape), whole = batch_make(&shape);
        size_t before = (size_t)((n + 1) * b.out) * sizeof *b.y;

        for (int64_t i = (n + 1) * b.width; i < b.N * b.width; i++)
            b.qkv[i] = NAN;
        forward(&b);
        forward(&whole);
        EXPECT(memcmp(b.y, whole.y, before) == 0);
        arena_free(&b.a);
        arena_free(&whole.a);
    }
}

// Keys and values that have left the window are as if they had never been.
static void attention_forgets_what_left_the_window(const Comm *c)
{
    const Shape shape = {2, 1, 24, {57}, 9, 2};
    Batch       b = batch_make(&shape), whole = batch_make(&shape);
    const int   n = 40, first = n + 1 - 9;

    (void)c;
    forward(&whole);
    for (int64_t i = 0; i < first * b.width; i++)
        b.qkv[i] = b.qkv[i] * 3 + 1;
    forward(&b);
    EXPECT(memcmp(b.y + n * b.out, whole.y + n * b.out,
                  (size_t)((b.N - n) * b.out) * sizeof *b.y) == 0);
    EXPECT(memcmp(b.y + (n - 1) * b.out, whole.y + (n - 1) * b.out, (size_t)b.out * sizeof *b.y) !=
           0);
    arena_free(&b.a);
    arena_free(&whole.a);
}

static void attention_of_no_documents_and_empty_ones_is_nothing(const Comm *c)
{
    Shape   shape = {2, 2, 8, {3}, 0, 0};
    Batch   b = batch_make(&shape);
    OpHeads heads = heads_of(&shape);
    int64_t none[1] = {0}, empty[4] = {0, 0, 3, 3};
    float  *y = arena_new(&b.a, float, 3 * 16);

    (void)c;
    op_attention(y, b.lse, b.qkv, none, 0, &heads, b.spare);
    op_attention_back(b.dqkv, b.delta, b.dy, y, b.lse, b.qkv, none, 0, &heads, b.spare);
    forward(&b);
    op_attention(y, b.lse, b.qkv, empty, 3, &heads, b.spare);
    EXPECT(memcmp(y, b.y, 3 * 16 * sizeof *y) == 0);
    op_attention_back(b.dqkv, b.delta, b.dy, y, b.lse, b.qkv, empty, 3, &heads, b.spare);
    arena_free(&b.a);
}

TEST_MAIN(CASE(attention_is_its_twin_forward_and_back), CASE(attention_twin_has_the_slope_it_says),
          CASE(attention_of_a_query_in_a_cache_has_the_same_bits),
          CASE(attention_of_a_document_does_not_know_its_batch),
          CASE(attention_does_not_look_ahead), CASE(attention_forgets_what_left_the_window),
          CASE(attention_of_no_documents_and_empty_ones_is_nothing))
