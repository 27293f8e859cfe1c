#include "base/clock.h"
#include "base/rng.h"
#include "campaign/plan.h"
#include "cli/bench_dedup.h"
#include "cli/commands.h"
#include "model/decode.h"
#include "model/kernels/gemm.h"
#include "model/kernels/ops.h"
#include "model/kernels/peak.h"
#include "model/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 7 };

typedef struct Bench {
    const Comm *world;
    Arena      *arena;
    double      seconds; // per sample
    int         threads;
    double      peak; // GFLOP/s of one core, measured before each figure
} Bench;

typedef struct Figure {
    double sample[REPEATS];
} Figure;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

// One JSON line; `share` 0 where the peak of multiply-adds is no yardstick.
static Err print_figure(Bench *b, const char *what, const char *shape, const char *unit, Figure *f,
                        int share)
{
    Text    t = text_make(b->arena);
    double *s = f->sample;

    qsort(s, REPEATS, sizeof *s, by_value);
    text_printf(&t,
                "{\"bench\": \"%s\", \"shape\": \"%s\", \"unit\": \"%s\", \"min\": %.4g, "
                "\"median\": %.4g, \"max\": %.4g, \"threads\": %d",
                what, shape, unit, s[0], s[REPEATS / 2], s[REPEATS - 1], b->threads);
    if (share > 0)
        text_printf(&t, ", \"peak\": %.4g, \"share_of_peak\": %.3f", b->peak * share,
                    s[REPEATS / 2] / (b->peak * share));
    text_puts(&t, "}\n");
    return commands_print(&t);
}

static void measure_peak(Bench *b)
{
    b->peak = peak_flops(0.1) / 1e9;
}

static void fill(float *x, int64_t count, float scale)
{
    Rng rng = rng_make(1, rng_stream("bench", 0, 0, 0), 0);

    for (int64_t i = 0; i < count; i++)
        x[i] = scale * (float)(rng_unit(&rng) - 0.5);
}

// ---- products

typedef struct Product {
    int64_t M, E, D;
} Product;

static const Product PRODUCTS[] = {{512, 288, 96},   {512, 512, 96},  {512, 96, 256},
                                   {64, 288, 96},    {8, 2048, 2048}, {64, 2048, 2048},
                                   {256, 1536, 576}, {1, 2048, 2048}};

static Err bench_product(Bench *b, const Product *p)
{
    ArenaMark   mark = arena_mark(b->arena);
    float      *x = arena_new(b->arena, float, p->M * p->D), *y;
    float      *w = arena_new(b->arena, float, p->E * p->D);
    GemmPacked *packed = gemm_packed_make(b->arena, p->E, p->D);
    double      flop = 2.0 * (double)p->M * (double)p->E * (double)p->D;
    Figure      forward, grad;
    char        shape[64];

    y = arena_new(b->arena, float, p->M * p->E);
    fill(x, p->M * p->D, 1);
    fill(w, p->E * p->D, 1);
    fill(y, p->M * p->E, 1);
    gemm_pack(packed, w);
    measure_peak(b);
    for (int r = 0; r < REPEATS; r++) {
        double  began = clock_now(), end = began + b->seconds;
        int64_t n = 0;

        for (; clock_now() < end; n++)
            gemm_rows(y, packed, x, p->M);
        forward.sample[r] = (double)n * flop / (clock_now() - began) / 1e9;
        began = clock_now();
        end = began + b->seconds;
        for (n = 0; clock_now() < end; n++)
            gemm_weight_grad(w, y, x, p->M, p->E, p->D);
        grad.sample[r] = (double)n * flop / (clock_now() - began) / 1e9;
    }
    arena_back(b->arena, mark);
    snprintf(shape, sizeof shape, "%" PRId64 ",%" PRId64 ",%" PRId64, p->M, p->E, p->D);
    TRY(print_figure(b, "gemm", shape, "GFLOP/s", &forward, b->threads));
    return print_figure(b, "gemm weight gradient", shape, "GFLOP/s", &grad, 1);
}

// ---- attention

static Err bench_attention(Bench *b, int H, int K, int64_t length, int64_t docs)
{
    ArenaMark mark = arena_mark(b->arena);
    int64_t   N = length * docs, width = 3L * H * K;
    float    *qkv = arena_new(b->arena, float, N *width), *y = arena_new(b->arena, float, N *H *K);
    float    *dqkv = arena_new(b->arena, float, N *width), *lse = arena_new(b->arena, float, N *H);
    float    *delta = arena_new(b->arena, float, N *H);
    float    *spare = arena_new(b->arena, float, op_attention_spare(length, K));
    int64_t  *begin = arena_new(b->arena, int64_t, docs + 1);
    double    flop = 4.0 * H * K * (double)length * (double)(length + 1) / 2 * (double)docs;
    OpHeads   heads = {.H = H, .G = H, .K = K, .scale = 1 / sqrtf((float)K)};
    Figure    forward, back;
    char      shape[64];

    for (int64_t d = 0; d <= docs; d++)
        begin[d] = d * length;
    fill(qkv, N * width, 1);
    measure_peak(b);
    for (int r = 0; r < REPEATS; r++) {
        double  began = clock_now(), end = began + b->seconds;
        int64_t n = 0;

        for (; clock_now() < end; n++)
            op_attention(y, lse, qkv, begin, docs, &heads, spare);
        forward.sample[r] = (double)n * flop / (clock_now() - began) / 1e9;
        began = clock_now();
        end = began + b->seconds;
        for (n = 0; clock_now() < end; n++)
            op_attention_back(dqkv, delta, y, y, lse, qkv, begin, docs, &heads, spare);
        back.sample[r] = 2.5 * (double)n * flop / (clock_now() - began) / 1e9;
    }
    arena_back(b->arena, mark);
    snprintf(shape, sizeof shape, "H %d, K %d, %" PRId64 " documents of %" PRId64, H, K, docs,
             length);
    TRY(print_figure(b, "attention", shape, "GFLOP/s", &forward, 1));
    return print_figure(b, "attention backward", shape, "GFLOP/s", &back, 1);
}

// ---- a whole small model

static Dims star_dims(void)
{
    return (Dims){.family = FAMILY_LLAMA,
                  .V = 20,
                  .D = 96,
                  .F = 256,
                  .T = 160,
                  .L = 3,
                  .H = 4,
                  .G = 4,
                  .K = 24,
                  .norm = NORM_RMS,
                  .norm_eps = 1e-5f,
                  .position = POSITION_ROTARY,
                  .rope.theta = 10000,
                  .mlp = MLP_SWIGLU,
                  .init_std = 0.02};
}

static TrainExample *make_examples(Arena *a, int count, int64_t length, int64_t V)
{
    TrainExample *e = arena_new(a, TrainExample, count);
    Rng           rng = rng_make(2, rng_stream("bench", 1, 0, 0), 0);

    for (int i = 0; i < count; i++) {
        int32_t *token = arena_new(a, int32_t, length);
        float   *weight = arena_new(a, float, length);

        for (int64_t t = 0; t < length; t++) {
            token[t] = (int32_t)rng_below(&rng, (uint64_t)V);
            weight[t] = t >= 8 ? 1.0f : 0.0f;
        }
        e[i] = (TrainExample){token, weight, length};
    }
    return e;
}

static Err bench_training(Bench *b, Arena *run)
{
    enum { EXAMPLES = 64, LENGTH = 32 };
    Dims          d = star_dims();
    TrainShape    shape = {4, 1024, 160, REDUCE_TREE, b->threads};
    OptimConfig   optim = {0.9, 0.99, 1e-8, 0.01, 1.0, 1};
    Net           net = net_make(run, &d, NET_TRAIN);
    Comm          alone = {.mpi = b->world->mpi, .rank = 0, .size = 1};
    Trainer      *t = trainer_make(run, &alone, &net, &shape, &optim);
    TrainExample *e = make_examples(b->arena, EXAMPLES, LENGTH, d.V);
    Figure        tokens, gflops;
    TrainStep     step;
    int           failed = 0, stop = 0;

    params_init(&net.params, 1, net.flat);
    net_pack(&net);
    measure_peak(b);
    TRY(trainer_step_all(t, b->arena, e, EXAMPLES, 1e-3, &failed, &stop, &step));
    for (int r = 0; r < REPEATS; r++) {
        double  began = clock_now(), end = began + b->seconds;
        int64_t n = 0;

        for (; clock_now() < end; n++)
            TRY(trainer_step_all(t, b->arena, e, EXAMPLES, 1e-3, &failed, &stop, &step));
        tokens.sample[r] = (double)(n * EXAMPLES * LENGTH) / (clock_now() - began);
        gflops.sample[r] = 3 * plan_forward_flop(&d) * tokens.sample[r] / 1e9;
    }
    TRY(print_figure(b, "training", "D 96, L 3, 64 examples of 32", "tokens/s", &tokens, 0));
    return print_figure(b, "training", "D 96, L 3, 64 examples of 32", "GFLOP/s", &gflops,
                        b->threads);
}

static Err bench_decoding(Bench *b, Arena *run, int slots)
{
    enum { NEW_TOKENS = 32, PROMPT = 8 };
    Dims     d = star_dims();
    Net      net = net_make(run, &d, NET_INFER);
    Decoder *decoder = decoder_make(run, &net, NULL, slots, d.T, b->threads);
    int32_t  prompt[PROMPT] = {1, 2, 3, 4, 5, 6, 7, 8};
    Figure   tokens;
    char     shape[64];

    params_init(&net.params, 1, net.flat);
    net_pack(&net);
    for (int r = 0; r < REPEATS; r++) {
        double        began = clock_now(), end = began + b->seconds;
        int64_t       before = decoder_stats(decoder).new_tokens;
        DecodeRequest q = {.prompt = prompt,
                           .prompt_length = PROMPT,
                           .max_tokens = NEW_TOKENS,
                           .spec = {0, 0, 1, 0, 1}};

        while (clock_now() < end || decoder_running(decoder) > 0) {
            DecodeResult result;

            while (clock_now() < end && decoder_free_slots(decoder) > 0)
                TRY(decoder_submit(decoder, &q));
            decoder_step(decoder);
            while (decoder_take(decoder, &result))
                ;
        }
        tokens.sample[r] =
            (double)(decoder_stats(decoder).new_tokens - before) / (clock_now() - began);
    }
    snprintf(shape, sizeof shape, "D 96, L 3, %d sequences, prompt 8, 32 new", slots);
    return print_figure(b, "decoding", shape, "tokens/s", &tokens, 0);
}

static Err bench_peaks(Bench *b)
{
    ArenaMark mark = arena_mark(b->arena);
    int64_t   count = 64 << 20;
    float    *data = arena_new(b->arena, float, count);
    Figure    flops, read;

    fill(data, count / 64, 1);
    for (int r = 0; r < REPEATS; r++) {
        flops.sample[r] = peak_flops(b->seconds) / 1e9;
        read.sample[r] = peak_read(data, count, b->seconds) / 1e9;
    }
    b->peak = flops.sample[REPEATS / 2];
    arena_back(b->arena, mark);
    TRY(print_figure(b, "peak multiply-add, one core", "float", "GFLOP/s", &flops, 0));
    return print_figure(b, "peak read from memory, one core", "256 MiB", "GB/s", &read, 0);
}

static Err bench(Bench *b)
{
    Arena run;
    Text  t = text_make(b->arena);

    text_printf(&t, "{\"kernels\": \"%s\", \"products\": \"%s\"}\n", op_level(), gemm_describe());
    TRY(commands_print(&t));
    TRY(bench_peaks(b));
    for (size_t i = 0; i < sizeof PRODUCTS / sizeof PRODUCTS[0]; i++)
        TRY(bench_product(b, &PRODUCTS[i]));
    TRY(bench_attention(b, 4, 24, 34, 15));
    TRY(bench_attention(b, 12, 64, 512, 1));
    TRY(arena_make(&run, "run", (int64_t)1 << 34));
    TRY(bench_training(b, &run));
    TRY(bench_decoding(b, &run, 1));
    TRY(bench_decoding(b, &run, 64));
    TRY(bench_decoding(b, &run, 256));
    arena_free(&run);
    return OK;
}

static Err run_dedup(const Comm *world, const Command *c, const Args *a)
{
    DedupBench b = {.wants_mean = args_has(c, a, "mean"),
                    .is_json = args_has(c, a, "json"),
                    .texts = args_text(c, a, "texts")};

    TRY(args_i64(c, a, "rows", 1, 10000000, &b.rows));
    return bench_dedup_all(world, &b);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    Bench   b = {.world = world, .arena = arena};
    int64_t threads;

    if (a->words > 0 && strcmp(a->word[0], "dedup") == 0)
        return run_dedup(world, c, a);
    if (a->words > 0)
        FAIL(ERR_USAGE, "tandem bench %.40s: there is nothing of this name; dedup, or no word",
             a->word[0]);
    TRY(args_f64(c, a, "seconds", 0.01, 60, &b.seconds));
    TRY(args_i64(c, a, "threads", 1, 1024, &threads));
    b.threads = (int)threads;
    if (world->size > 1)
        FAIL(ERR_USAGE, "tandem bench measures one process: start it without mpirun -n %d",
             world->size);
    return bench(&b);
}

static const ArgsOption OPTIONS[] = {
    {"seconds", "S", "0.1", "time per sample; each figure has seven"},
    {"threads", "N", "1", "threads of training and decoding (products take OMP_NUM_THREADS)"},
    {"rows", "N", "52000", "dedup: texts made up, besides one in fifty near an earlier one"},
    {"mean", NULL, NULL, "dedup: with the mean similarity and the ten most similar texts"},
    {"json", NULL, NULL, "dedup: one line for machines"},
    {"texts", "FILE", NULL, "dedup: write the texts, one per line"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_BENCH = {
    .name = "bench",
    .usage = "[--seconds S] [--threads N] | dedup [--rows N] [--mean] [--json] [--texts FILE]",
    .about = "rates of products, attention, training and decoding beside this machine's peak",
    .details =
        "One JSON line per figure: minimum, median and maximum of seven samples, with the peak\n"
        "of multiply-adds measured in the same minute.\n"
        "\n"
        "dedup: made-up instructions, each judged by ROUGE-L against all that were accepted\n"
        "before it; on any number of ranks, which share the work.\n",
    .examples = "  OMP_NUM_THREADS=1 tandem bench\n"
                "  mpirun -n 2 tandem bench dedup --rows 52000 --mean\n",
    .words_min = 0,
    .words_max = 1,
    .options = OPTIONS,
    .run = run};
