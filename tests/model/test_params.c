#include "model/params.h"
#include "mpi/reduce.h"
#include "tests/check.h"

#include <math.h>
#include <string.h>

static const Dims llama = {.family = FAMILY_LLAMA,
                           .V = 19,
                           .D = 12,
                           .F = 20,
                           .T = 16,
                           .L = 3,
                           .H = 3,
                           .G = 1,
                           .K = 6,
                           .norm_eps = 1e-5f,
                           .rope.theta = 10000,
                           .init_std = 0.02};
static const Dims gpt2 = {.family = FAMILY_GPT2,
                          .V = 19,
                          .D = 12,
                          .F = 48,
                          .T = 16,
                          .L = 2,
                          .H = 2,
                          .G = 2,
                          .K = 6,
                          .norm = NORM_LAYER,
                          .norm_eps = 1e-5f,
                          .position = POSITION_LEARNED,
                          .mlp = MLP_GELU_TANH,
                          .bias = BIAS_ALL,
                          .is_tied = 1,
                          .init_std = 0.02};

static const Param *named(const Params *p, const char *name)
{
    for (int n = 0; n < p->count; n++)
        if (strcmp(p->list[n].name, name) == 0)
            return &p->list[n];
    CHECK(0, "no tensor %s", name);
}

static void tensors_fill_the_vector_without_overlap(const Comm *c)
{
    const Dims *dims[] = {&llama, &gpt2};
    Arena       a;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    for (int f = 0; f < 2; f++) {
        Params  p = params_make(&a, dims[f]);
        int64_t end = 0, sum = 0;

        for (int n = 0; n < p.count; n++) {
            EXPECT(p.list[n].offset >= end);
            end = p.list[n].offset + p.list[n].rows * p.list[n].columns;
            sum += p.list[n].rows * p.list[n].columns;
        }
        EXPECT_INT(sum, p.total);
        EXPECT_INT(params_count(dims[f]), p.total);
        EXPECT(p.padded >= end);
        EXPECT_INT(p.padded % REDUCE_BLOCK, 0);
    }
    EXPECT_INT(params_count(&llama),
               2 * 19 * 12 + 12 + 3 * (2 * 12 + 2 * 18 * 12 + 2 * 6 * 12 + 3 * 12 * 20));
    arena_free(&a);
}

static void adjacent_matrices_stand_side_by_side(const Comm *c)
{
    Arena        a;
    Params       p;
    const Param *q, *k, *v, *gate, *up;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    p = params_make(&a, &llama);
    q = named(&p, "model.layers.1.self_attn.q_proj.weight");
    k = named(&p, "model.layers.1.self_attn.k_proj.weight");
    v = named(&p, "model.layers.1.self_attn.v_proj.weight");
    gate = named(&p, "model.layers.1.mlp.gate_proj.weight");
    up = named(&p, "model.layers.1.mlp.up_proj.weight");
    EXPECT_INT(k->offset, q->offset + 18 * 12);
    EXPECT_INT(v->offset, k->offset + 6 * 12);
    EXPECT_INT(up->offset, gate->offset + 20 * 12);
    arena_free(&a);
}

static void params_at_finds_what_the_table_holds(const Comm *c)
{
    const Dims *dims[] = {&llama, &gpt2};
    Arena       a;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    for (int f = 0; f < 2; f++) {
        Params p = params_make(&a, dims[f]);

        for (int n = 0; n < p.count; n++)
            if (p.list[n].role != PARAM_QKV_REST)
                EXPECT_INT(params_at(&p, p.list[n].role, p.list[n].layer), p.list[n].offset);
        EXPECT_INT(params_at(&p, f == 0 ? PARAM_POSITION : PARAM_HEAD, -1), -1);
        if (f == 0)
            EXPECT_INT(params_at(&p, PARAM_DOWN_BIAS, 2), -1);
    }
    arena_free(&a);
}

static void decay_spares_embeddings_norms_and_biases(const Comm *c)
{
    Arena  a;
    Params l, g;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    l = params_make(&a, &llama);
    g = params_make(&a, &gpt2);
    EXPECT_INT(named(&l, "model.embed_tokens.weight")->decays, 0);
    EXPECT_INT(named(&l, "lm_head.weight")->decays, 1);
    EXPECT_INT(named(&l, "model.layers.2.mlp.down_proj.weight")->decays, 1);
    EXPECT_INT(named(&l, "model.norm.weight")->decays, 0);
    EXPECT_INT(named(&g, "transformer.wpe.weight")->decays, 0);
    EXPECT_INT(named(&g, "transformer.h.1.attn.c_attn.weight")->decays, 1);
    EXPECT_INT(named(&g, "transformer.h.1.attn.c_attn.bias")->decays, 0);
    EXPECT_INT(named(&g, "transformer.h.1.attn.c_attn.weight")->file, FILE_TRANSPOSED);
    EXPECT_INT(named(&g, "transformer.wpe.weight")->file, FILE_AS_KEPT);
    arena_free(&a);
}

static void starting_values_come_from_the_seed_alone(const Comm *c)
{
    Arena  a;
    Params p;
    float *x, *y, *z;
    double squares = 0;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 20));
    p = params_make(&a, &llama);
    x = arena_new(&a, float, p.padded);
    y = arena_new(&a, float, p.padded);
    z = arena_new(&a, float, p.padded);
    params_init(&p, 7, x);
    params_init(&p, 7, y);
    params_init(&p, 8, z);
    EXPECT_INT(memcmp(x, y, (size_t)p.padded * sizeof *x), 0);
    EXPECT(memcmp(x, z, (size_t)p.padded * sizeof *x) != 0);
    EXPECT(x[named(&p, "model.norm.weight")->offset + 11] == 1);
    for (int layer = 0; layer < 3; layer++)
        for (int i = 0; i < 12 * 20; i++)
            squares += pow((double)x[params_at(&p, PARAM_DOWN, layer) + i], 2);
    EXPECT_NEAR(sqrt(squares / (3 * 12 * 20)) / (0.02 / sqrt(6)), 1, 0.1);
    arena_free(&a);
}

static void files_hold_gpt2_matrices_turned(const Comm *c)
{
    Arena             a;
    Params            p;
    const CkptTensor *table;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 22));
    p = params_make(&a, &gpt2);
    table = params_tensors(&a, &p);
    {
        float     *x = arena_new(&a, float, p.padded), *y = arena_new(&a, float, p.padded);
        float     *values = arena_new(&a, float, p.total);
        ParamsFile from = {.params = &p, .flat = {x}}, to = {.params = &p, .flat = {NULL, y}};

        params_init(&p, 3, x);
        for (int n = 0; n < p.count; n++) {
            EXPECT_TEXT(table[n].name, p.list[n].name);
            EXPECT_OK(params_bring(&from, n, 0, values));
            EXPECT_OK(params_take(&to, n, 1, values));
            if (strcmp(table[n].name, "transformer.h.0.attn.c_attn.weight") != 0)
                continue;
            EXPECT_INT(table[n].shape[0], 12);
            EXPECT_INT(table[n].shape[1], 36);
            EXPECT_TEXT(table[n].dims, "in,out");
            EXPECT(values[5 * 36 + 30] == x[p.list[n].offset + 30 * 12 + 5]);
        }
        EXPECT_INT(memcmp(x, y, (size_t)p.padded * sizeof *x), 0);
    }
    arena_free(&a);
}

TEST_MAIN(CASE(tensors_fill_the_vector_without_overlap), CASE(adjacent_matrices_stand_side_by_side),
          CASE(params_at_finds_what_the_table_holds),
          CASE(decay_spares_embeddings_norms_and_biases),
          CASE(starting_values_come_from_the_seed_alone), CASE(files_hold_gpt2_matrices_turned))
