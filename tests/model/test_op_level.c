// Every instruction level gives the same bits, on machines that have more than one.
#include "model/kernels/op_levels.h"
#include "model/kernels/ops.h"
#include "tests/check.h"
#include "tests/model/plain.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)

enum { N = 37, H = 4, G = 2, K = 24, WIDTH = (H + 2 * G) * K, V = 211, RESULTS = 1 << 20 };

// clang-format off
#define DECLARE(name)  extern __typeof__(name) name##_portable, name##_avx2, name##_avx512;
#define MEMBER(name)   __typeof__(name) *name;
#define CHOSEN(name)   name,
#define PORTABLE(name) name##_portable,
#define AVX2(name)     name##_avx2,
#define AVX512(name)   name##_avx512,
// clang-format on

OP_LIST(DECLARE)
typedef struct Kernels {
    OP_LIST(MEMBER)
} Kernels;

static const Kernels chosen = {OP_LIST(CHOSEN)}, portable = {OP_LIST(PORTABLE)};
static const Kernels avx2 = {OP_LIST(AVX2)}, avx512 = {OP_LIST(AVX512)};

typedef struct Input {
    float  *x, *dy, *w;
    int64_t begin[3];
    int32_t token[N], position[N];
    float  *spare, *cosine, *sine;
} Input;

static Input input_make(Arena *a)
{
    Input  in = {.begin = {0, 14, N}};
    double frequency[K / 2];

    in.x = plain_random(a, N * V * 2, 3, 1);
    in.dy = plain_random(a, N * V * 2, 1, 2);
    in.w = plain_random(a, V, 1, 3);
    in.spare = arena_new(a, float, op_attention_spare(N, K));
    in.cosine = arena_new(a, float, N *K / 2);
    in.sine = arena_new(a, float, N *K / 2);
    for (int i = 0; i < K / 2; i++)
        frequency[i] = pow(10000, -2.0 * i / K);
    op_rope_table(in.cosine, in.sine, frequency, 1, N, K);
    for (int n = 0; n < N; n++) {
        in.token[n] = (n * 7) % V;
        in.position[n] = n < 14 ? n : n - 14;
    }
    return in;
}

// Each result stands behind the one before.
static float *take(float **end, int64_t count)
{
    *end += count;
    return *end - count;
}

static void run_rows(const Kernels *k, const Input *in, float **end)
{
    float *mean = take(end, N), *inv = take(end, N), *w = take(end, V), *b = take(end, V);

    k->op_rms(take(end, N * V), inv, in->x, in->w, 1, 1e-5F, N, V);
    k->op_rms_back(take(end, N * V), w, in->dy, in->x, in->w, 1, inv, N, V);
    k->op_layernorm(take(end, N * V), mean, inv, in->x, in->w, in->w, 1e-5F, N, V);
    k->op_layernorm_back(take(end, N * V), w, b, in->dy, in->x, in->w, mean, inv, N, V);
    k->op_swiglu(take(end, N * V), in->x, N, V);
    k->op_swiglu_back(take(end, N * V * 2), in->dy, in->x, N, V);
    k->op_geglu(take(end, N * V), in->x, N, V);
    k->op_geglu_back(take(end, N * V * 2), in->dy, in->x, N, V);
    k->op_gelu(take(end, N * V), in->x, N, V);
    k->op_gelu_back(take(end, N * V), in->dy, in->x, N, V);
    k->op_gelu_erf(take(end, N * V), in->x, N, V);
    k->op_gelu_erf_back(take(end, N * V), in->dy, in->x, N, V);
    k->op_embed(take(end, N * V), in->x, 1.5F, in->dy, in->position, in->position, N, V);
    k->op_bias_back(b, in->dy, N, V);
}

static void run_attention(const Kernels *k, const Input *in, float **end)
{
    float *y = take(end, N * H * K), *lse = take(end, N * H), *turned = take(end, N * WIDTH);
    float *kt = take(end, K * 48);

    for (int window = 0; window <= 10; window += 5) {
        OpHeads heads = {H, G, K, 0.3F, window, window == 10 ? 2.0F : 0};

        k->op_attention(y, lse, in->x, in->begin, 2, &heads, in->spare);
        k->op_attention_back(take(end, N * WIDTH), take(end, N * H), in->dy, y, lse, in->x,
                             in->begin, 2, &heads, in->spare);
    }
    memcpy(turned, in->x, N * WIDTH * sizeof *turned);
    k->op_rope(turned, in->cosine, in->sine, in->position, N, WIDTH, H + G, K, K);
    memcpy(kt, in->x, K * 48 * sizeof *kt);
    k->op_attention_row(take(end, K), take(end, 1), in->dy, kt, in->x, 48, N,
                        &(OpHeads){H, G, K, 0.2F, 0, 3}, in->spare);
}

static void run_loss(const Kernels *k, const Input *in, float **end)
{
    float *logits = take(end, N * V);

    memcpy(logits, in->x, N * V * sizeof *logits);
    k->op_loss(logits, take(end, N), in->token, in->dy, 0, N, V);
    logits = take(end, N * V);
    memcpy(logits, in->x, N * V * sizeof *logits);
    k->op_cap(logits, 2, N * V);
    k->op_loss(logits, take(end, N), in->token, in->dy, 2, N, V);
}

static void expect_as_portable(const Kernels *k)
{
    Arena  a;
    Input  in;
    float *got, *want, *got_end, *want_end;

    EXPECT_OK(arena_make(&a, "test", 1 << 26));
    in = input_make(&a);
    got_end = got = arena_new(&a, float, RESULTS);
    want_end = want = arena_new(&a, float, RESULTS);
    run_rows(k, &in, &got_end);
    run_rows(&portable, &in, &want_end);
    run_attention(k, &in, &got_end);
    run_attention(&portable, &in, &want_end);
    run_loss(k, &in, &got_end);
    run_loss(&portable, &in, &want_end);

    int64_t count = got_end - got, same = 0;
    while (same < count && memcmp(got + same, want + same, sizeof *got) == 0)
        same++;
    EXPECT_INT(same, count);
    check_compared(same);
    arena_free(&a);
}

static void level_that_was_chosen_gives_the_portable_bits(const Comm *c)
{
    (void)c;
    expect_as_portable(&chosen);
}

static void level_avx2_gives_the_portable_bits(const Comm *c)
{
    (void)c;
    if (strcmp(op_level(), "portable") == 0)
        check_skip("this processor has no AVX2");
    else
        expect_as_portable(&avx2);
}

static void level_avx512_gives_the_portable_bits(const Comm *c)
{
    (void)c;
    if (strcmp(op_level(), "avx512") != 0)
        check_skip("this processor has no AVX-512");
    else
        expect_as_portable(&avx512);
}

TEST_MAIN(CASE(level_that_was_chosen_gives_the_portable_bits),
          CASE(level_avx2_gives_the_portable_bits), CASE(level_avx512_gives_the_portable_bits))

#else

static void level_is_the_only_one(const Comm *c)
{
    (void)c;
    EXPECT_TEXT(op_level(), "portable");
}

TEST_MAIN(CASE(level_is_the_only_one))

#endif
