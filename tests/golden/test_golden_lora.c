#include "io/file.h"
#include "io/h5.h"
#include "model/adapters/import_adapter.h"
#include "model/optim.h"
#include "mpi/reduce.h"
#include "tests/golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Tolerances are those that goldens/README.md recommends, with their evidence.
static const double logits_tol = 5e-5, loss_tol = 5e-5, grad_rel = 5e-5, grad_abs = 1e-6,
                    norm_rel = 2e-5, merged_tol = 1e-6, params_tol = 1e-4;

enum { ROOM = 256 << 20 };

typedef struct Lora { // an adapter of the goldens on its base
    Golden  g;
    NetPart tuned;
} Lora;

static Err open_lora(Lora *l, const char *folder)
{
    char        path[FILE_PATH_MAX];
    ImportModel m;

    TRY(import_find(&l->g.arena, folder, &m));
    EXPECT_INT(m.dims.adapters, 1);
    m.dims.adapter[0].is_frozen = 0;
    l->g.net = net_make(&l->g.arena, &m.dims, NET_TRAIN);
    TRY(import_load_net(&l->g.arena, &m, &l->g.net, NULL));
    net_pack(&l->g.net);
    l->tuned = net_tuned(&l->g.net);
    EXPECT_INT(l->tuned.params->adapter, 0);
    TRY(file_join(path, folder, "golden.h5"));
    return h5_open_foreign(path, &l->g.file);
}

static void each(int64_t (*run)(Lora *l))
{
    static const char *const names[] = {"qkvo", "all_linear"};
    const char              *goldens = check_goldens();

    if (goldens == NULL)
        return;
    EXPECT_OK(gemm_start());
    for (int i = 0; i < 2; i++) {
        Lora    l = {.g = {.about = {names[i], names[i], "adapter_config.json"}}};
        int64_t compared = 0;
        char    folder[FILE_PATH_MAX];
        Err     e;

        snprintf(folder, sizeof folder, "%s/lora/%s", goldens, names[i]);
        EXPECT_OK(arena_make(&l.g.arena, "golden", ROOM));
        e = open_lora(&l, folder);
        if (e == OK)
            compared = run(&l);
        EXPECT_OK(e);
        EXPECT(compared > 0);
        check_compared(compared);
        if (l.g.file != NULL)
            h5_close(l.g.file);
        arena_free(&l.g.arena);
    }
}

static Batch rows_of(Lora *l, const int32_t *ids, const float *weights, int64_t B, int64_t T)
{
    Batch  b = batch_make(&l->g.arena, B * T, B);
    double sum = 0;

    for (int64_t i = 0; i < B * T; i++)
        sum += (double)weights[i];
    for (int64_t i = 0; i < B; i++)
        batch_add(&b, ids + i * T, weights + i * T, T, (float)(1 / sum));
    return b;
}

static Batch forward_batch(Lora *l)
{
    H5Array ids = golden_array(&l->g, "/forward/ids", H5_I32, 2);
    H5Array weights = golden_array(&l->g, "/forward/loss_weights", H5_F32, 2);

    return rows_of(l, ids.data, weights.data, ids.shape[0], ids.shape[1]);
}

// A tensor of the adapter, in values laid out as it is, against the array of its name.
static int64_t compare(Lora *l, const char *prefix, int n, float *values, double relative,
                       double absolute)
{
    const Param *one = &l->tuned.params->list[n];
    int64_t      count = one->rows * one->columns;
    double       largest = 0;
    char         name[256];
    float       *want;

    snprintf(name, sizeof name, "%s/%s", prefix, one->name);
    want = golden_array(&l->g, name, H5_F32, one->rank).data;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)want[i]));
    check_floats(values + one->offset, want, count, fmax(absolute, relative * largest),
                 l->g.about.folder, n, name);
    return 1;
}

static int64_t compare_forward(Lora *l)
{
    const Net *net = &l->g.net;
    int64_t    V = net->params.dims.V;
    Batch      b = forward_batch(l);
    Acts      *acts = acts_make(&l->g.arena, net, b.N, b.N, NET_TRAIN);
    float     *logp = arena_new(&l->g.arena, float, b.N);
    float     *logits = arena_new(&l->g.arena, float, b.N *V);
    float     *grad = arena_new(&l->g.arena, float, l->tuned.params->padded);

    net_score(net, acts, &b, logp, logits);
    EXPECT_FLOATS(logits, golden_array(&l->g, "/forward/logits", H5_F32, 3).data, b.N * V,
                  logits_tol);
    EXPECT_WITHIN(net_grad(net, acts, &b, grad, logp) - golden_number(&l->g, "/forward/mean_loss"),
                  loss_tol);
    for (int n = 0; n < l->tuned.params->count; n++)
        compare(l, "/grads", n, grad, grad_rel, grad_abs);
    return b.N + 1 + l->tuned.params->count;
}

static void logits_and_gradients_are_those_of_peft(const Comm *c)
{
    (void)c;
    each(compare_forward);
}

static int64_t compare_merged(Lora *l)
{
    Dims   plain = l->g.net.params.dims;
    Batch  b = forward_batch(l);
    float *logits = arena_new(&l->g.arena, float, b.N *plain.V);
    Net    net;
    int    tensors = 0;

    plain.adapters = 0;
    net = net_make(&l->g.arena, &plain, NET_INFER);
    net_merge(&l->g.net, &l->g.arena, net.flat);
    net_pack(&net);
    net_score(&net, acts_make(&l->g.arena, &net, b.N, b.N, NET_INFER), &b,
              arena_new(&l->g.arena, float, b.N), logits);
    EXPECT_FLOATS(logits, golden_array(&l->g, "/merged/logits", H5_F32, 3).data, b.N * plain.V,
                  logits_tol);
    for (int n = 0; n < net.params.count; n++) {
        const Param *one = &net.params.list[n];
        char         name[256];

        snprintf(name, sizeof name, "/merged/%s", one->name);
        if (!h5_has(l->g.file, name))
            continue;
        EXPECT_FLOATS(net.flat + one->offset, golden_array(&l->g, name, H5_F32, 2).data,
                      one->rows * one->columns, merged_tol);
        tensors++;
    }
    EXPECT_INT(tensors, 2);
    return b.N + tensors;
}

static void merged_weights_are_those_of_peft(const Comm *c)
{
    (void)c;
    each(compare_merged);
}

static double attribute(Lora *l, const char *name)
{
    double value = NAN;

    EXPECT_OK(h5_get_attr_f64(l->g.file, "/adamw", name, &value, 1));
    return value;
}

static void begin(Lora *l, OptimConfig *config)
{
    const Params *p = l->tuned.params;
    char          name[256];

    EXPECT_OK(config_read(&l->g.arena, NULL, OPTIM_TABLE, config));
    config->beta1 = attribute(l, "beta1");
    config->beta2 = attribute(l, "beta2");
    config->eps = attribute(l, "eps");
    config->decay = attribute(l, "weight_decay");
    config->clip = attribute(l, "grad_clip_norm");
    for (int n = 0; n < p->count; n++) {
        size_t bytes = (size_t)(p->list[n].rows * p->list[n].columns) * sizeof(float);
        float *to = l->tuned.flat + p->list[n].offset;

        snprintf(name, sizeof name, "/adamw/init/%s", p->list[n].name);
        if (p->list[n].role == PARAM_LORA_A)
            memcpy(to, golden_array(&l->g, name, H5_F32, 2).data, bytes);
        else
            memset(to, 0, bytes);
    }
    net_pack(&l->g.net);
}

static int64_t compare_adamw(Lora *l)
{
    const Params *p = l->tuned.params;
    H5Array       ids = golden_array(&l->g, "/adamw/ids", H5_I32, 3);
    H5Array       weights = golden_array(&l->g, "/adamw/loss_weights", H5_F32, 3);
    double       *lrs = golden_array(&l->g, "/adamw/lrs", H5_F64, 1).data;
    double       *losses = golden_array(&l->g, "/adamw/losses", H5_F64, 1).data;
    double       *norms = golden_array(&l->g, "/adamw/grad_norms", H5_F64, 1).data;
    int64_t       B = ids.shape[1], T = ids.shape[2];
    Acts         *acts = acts_make(&l->g.arena, &l->g.net, B * T, T, NET_TRAIN);
    float        *grad = arena_new(&l->g.arena, float, p->padded);
    double       *squares = arena_new(&l->g.arena, double, p->padded / REDUCE_BLOCK);
    OptimConfig   config;
    Optim         o;

    begin(l, &config);
    o = optim_make(&l->g.arena, &config, p, 0, p->padded);
    for (int64_t step = 0; step < ids.shape[0]; step++) {
        Batch  b = rows_of(l, (int32_t *)ids.data + step * B * T,
                           (float *)weights.data + step * B * T, B, T);
        double norm;

        memset(grad, 0, (size_t)p->padded * sizeof *grad);
        EXPECT_WITHIN(net_grad(&l->g.net, acts, &b, grad, NULL) - losses[step], loss_tol);
        optim_block_squares(grad, 0, p->padded, squares);
        norm = optim_norm(squares, p->padded / REDUCE_BLOCK);
        EXPECT_NEAR(norm / norms[step], 1, norm_rel);
        optim_update(&o, l->tuned.flat, grad, norm, lrs[step]);
        net_pack_tuned(&l->g.net);
    }
    for (int n = 0; n < p->count; n++)
        compare(l, "/adamw/params", n, l->tuned.flat, 0, params_tol);
    return 2 * ids.shape[0] + p->count;
}

static void three_steps_of_adamw_are_those_of_torch(const Comm *c)
{
    (void)c;
    each(compare_adamw);
}

TEST_MAIN(CASE(logits_and_gradients_are_those_of_peft), CASE(merged_weights_are_those_of_peft),
          CASE(three_steps_of_adamw_are_those_of_torch))
