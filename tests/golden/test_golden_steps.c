#include "model/decode.h"
#include "model/optim.h"
#include "model/sched.h"
#include "mpi/reduce.h"
#include "tests/golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Tolerances are those that goldens/README.md recommends, with their evidence.
static const double loss_tol = 5e-5, norm_rel = 2e-5, params_tol = 2e-5, sums_tol = 2e-4,
                    key_bias_tol = 1e-3, key_bias_sums_tol = 5e-3, logp_tol = 5e-5;

static double attribute(Golden *g, const char *name)
{
    double value = NAN;

    EXPECT_OK(h5_get_attr_f64(g->file, "/adamw", name, &value, 1));
    return value;
}

// One step on ids and weights [B][T]; returns how many numbers were compared.
static int64_t train_step(Golden *g, Optim *o, Acts *acts, Batch *b, float *grad, double lr,
                          double want_loss, double want_norm)
{
    int64_t P = g->net.params.padded;
    double *squares = arena_new(&g->arena, double, P / REDUCE_BLOCK), loss, norm;

    memset(grad, 0, (size_t)P * sizeof *grad);
    loss = net_grad(&g->net, acts, b, grad, NULL);
    optim_block_squares(grad, 0, P, squares);
    norm = optim_norm(squares, P / REDUCE_BLOCK);
    EXPECT_WITHIN(loss - want_loss, loss_tol);
    EXPECT_NEAR(norm / want_norm, 1, norm_rel);
    optim_update(o, g->net.flat, grad, norm, lr);
    net_pack(&g->net);
    return 2;
}

static const char *line_of(const char *lines, int n, char *out, size_t size)
{
    for (; n > 0; n--)
        lines = strchr(lines, '\n') + 1;
    snprintf(out, size, "%.*s", (int)strcspn(lines, "\n"), lines);
    return out;
}

// Biases of keys have a gradient of nearly nothing, of which AdamW makes steps all the same.
static int is_key_bias(const Param *p)
{
    return p->role == PARAM_QKV_BIAS || p->role == PARAM_QKV_BIAS_REST;
}

// Sum and sum of squares of every tensor after the last step.
static int64_t compare_sums(Golden *g)
{
    H5Array sums = golden_array(g, "/adamw/checksums", H5_F64, 2);
    double *want = sums.data;
    char   *names, name[128];

    EXPECT_OK(h5_get_attr_text(g->file, &g->arena, "/adamw", "tensor_names", &names));
    EXPECT_INT(sums.shape[0], g->net.params.count);
    for (int i = 0; i < g->net.params.count; i++) {
        const Param *one = g->net.params.list;
        double       sum = 0, squares = 0, tol;

        line_of(names, i, name, sizeof name);
        while (strcmp(one->name, name) != 0)
            CHECK(++one < g->net.params.list + g->net.params.count, "%s", name);
        for (int64_t j = 0; j < one->rows * one->columns; j++) {
            double x = (double)g->net.flat[one->offset + j];
            sum += x;
            squares += x * x;
        }
        tol = is_key_bias(one) ? key_bias_sums_tol : sums_tol;
        EXPECT_WITHIN(sum - want[2 * i], tol);
        EXPECT_WITHIN(squares - want[2 * i + 1], tol);
    }
    return 2 * g->net.params.count;
}

static int64_t compare_adamw(Golden *g)
{
    OptimConfig config;
    SchedConfig sched;
    H5Array     ids, weights;
    double     *lrs, *losses, *norms, total;
    int64_t     B, T, compared = 0;
    Optim       o;
    Acts       *acts;
    float      *grad;

    if (!h5_has(g->file, "/adamw/ids"))
        return GOLDEN_NONE;
    ids = golden_array(g, "/adamw/ids", H5_I32, 3);
    weights = golden_array(g, "/adamw/loss_weights", H5_F32, 3);
    lrs = golden_array(g, "/adamw/lrs", H5_F64, 1).data;
    losses = golden_array(g, "/adamw/losses", H5_F64, 1).data;
    norms = golden_array(g, "/adamw/grad_norms", H5_F64, 1).data;
    B = ids.shape[1];
    T = ids.shape[2];
    EXPECT_OK(config_read(&g->arena, NULL, OPTIM_TABLE, &config));
    EXPECT_OK(config_read(&g->arena, NULL, SCHED_TABLE, &sched));
    config.beta1 = attribute(g, "beta1");
    config.beta2 = attribute(g, "beta2");
    config.eps = attribute(g, "eps");
    config.decay = attribute(g, "weight_decay");
    config.clip = attribute(g, "grad_clip_norm");
    sched.kind = SCHED_COSINE;
    EXPECT_OK(h5_get_attr_i64(g->file, "/adamw", "warmup_steps", &sched.warmup_steps));
    sched.lr = attribute(g, "lr");
    total = attribute(g, "total_steps");
    o = optim_make(&g->arena, &config, &g->net.params, 0, g->net.params.padded);
    acts = acts_make(&g->arena, &g->net, B * T, T, NET_TRAIN);
    grad = arena_new(&g->arena, float, g->net.params.padded);
    for (int64_t step = 0; step < ids.shape[0]; step++) {
        const float   *w = (float *)weights.data + step * B * T;
        const int32_t *token = (int32_t *)ids.data + step * B * T;
        Batch          b = batch_make(&g->arena, B * T, B);
        double         sum = 0;

        for (int64_t i = 0; i < B * T; i++)
            sum += (double)w[i];
        for (int64_t i = 0; i < B; i++)
            batch_add(&b, token + i * T, w + i * T, T, (float)(1 / sum));
        EXPECT_WITHIN(sched_rate(&sched, step, (int64_t)total) - lrs[step], 1e-12 * sched.lr);
        compared += 1 + train_step(g, &o, acts, &b, grad, lrs[step], losses[step], norms[step]);
    }
    for (int n = 0; n < g->net.params.count; n++)
        compared +=
            golden_compare_tensor(g, "/adamw/params", n, g->net.flat, 0,
                                  is_key_bias(&g->net.params.list[n]) ? key_bias_tol : params_tol);
    return compared + compare_sums(g);
}

static void five_steps_of_adamw_are_those_of_torch(const Comm *c)
{
    (void)c;
    golden_each(compare_adamw);
}

static int64_t compare_greedy(Golden *g)
{
    H5Array       ids, logp;
    Decoder      *d;
    DecodeResult  r;
    DecodeRequest ask = {.spec = {.top_p = 1, .repetition_penalty = 1}, .ignores_eos = 1};
    int64_t       new_tokens, taken = 0, longest = 0;
    H5Array       prompt[3];
    char          name[64];

    if (!h5_has(g->file, "/greedy/ids"))
        return GOLDEN_NONE;
    ids = golden_array(g, "/greedy/ids", H5_I32, 2);
    logp = golden_array(g, "/greedy/logprobs", H5_F32, 2);
    new_tokens = ids.shape[1];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "/greedy/prompt_%d", i);
        prompt[i] = golden_array(g, name, H5_I32, 1);
        longest = prompt[i].shape[0] > longest ? prompt[i].shape[0] : longest;
    }
    d = decoder_make(&g->arena, &g->net, NULL, 3, longest + new_tokens, 1);
    for (int i = 0; i < 3; i++) {
        ask.prompt = prompt[i].data;
        ask.prompt_length = prompt[i].shape[0];
        ask.max_tokens = new_tokens;
        ask.tag = i;
        EXPECT_OK(decoder_submit(d, &ask));
    }
    while (decoder_running(d) > 0) {
        decoder_step(d);
        while (decoder_take(d, &r)) {
            taken++;
            EXPECT_INT(r.length, new_tokens);
            EXPECT_INT(memcmp(r.ids, (int32_t *)ids.data + r.tag * new_tokens,
                              (size_t)new_tokens * sizeof *r.ids),
                       0);
            EXPECT_FLOATS(r.logp, (float *)logp.data + r.tag * new_tokens, new_tokens, logp_tol);
        }
    }
    EXPECT_INT(taken, 3);
    return 2 * taken;
}

static void greedy_tokens_are_those_of_transformers(const Comm *c)
{
    (void)c;
    golden_each(compare_greedy);
}

TEST_MAIN(CASE(five_steps_of_adamw_are_those_of_torch),
          CASE(greedy_tokens_are_those_of_transformers))
