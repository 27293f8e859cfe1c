#include "io/json.h"
#include "model/decode.h"
#include "model/files/import.h"
#include "tests/golden/golden.h"

#include <stdio.h>
#include <string.h>

// Real models, against an independent implementation whose results assets/models/goldens holds.
// They are printed with six digits (logits) and five decimals (log-probabilities).
static const double nll_tol = 2e-5, logp_tol = 5e-5, logits_tol = 1e-4;

static int64_t integers(Arena *a, const Json *object, const char *key, int32_t **out)
{
    const Json *array = json_member(object, key), *one;
    int64_t     i = 0;

    CHECK(array != NULL && array->kind == JSON_ARRAY, "%s", key);
    *out = arena_new(a, int32_t, array->length);
    for (one = array->child; one != NULL; one = one->next)
        (*out)[i++] = (int32_t)one->number;
    return i;
}

static int64_t floats(Arena *a, const Json *object, const char *key, float **out)
{
    const Json *array = json_member(object, key), *one;
    int64_t     i = 0;

    CHECK(array != NULL && array->kind == JSON_ARRAY, "%s", key);
    *out = arena_new(a, float, array->length);
    for (one = array->child; one != NULL; one = one->next)
        (*out)[i++] = (float)one->number;
    return i;
}

// nll_ids is one document with BOS in front, so every token of the text is predicted.
static void compare_nll(Arena *a, const Net *net, const Json *golden, double published)
{
    int32_t *ids;
    float   *want, *logp, *weight;
    int64_t  N = integers(a, golden, "nll_ids", &ids);
    Acts    *acts = acts_make(a, net, N, N, NET_INFER);
    Batch    b = batch_make(a, N, 1);
    double   sum = 0;

    EXPECT_INT(floats(a, golden, "token_logprobs", &want), N - 1);
    logp = arena_new(a, float, N);
    weight = arena_new(a, float, N);
    batch_add(&b, ids, weight, N, 1);
    net_score(net, acts, &b, logp, NULL);
    for (int64_t n = 0; n + 1 < N; n++)
        sum -= (double)logp[n];
    EXPECT_WITHIN(sum / (double)(N - 1) - published, nll_tol);
    EXPECT_FLOATS(logp, want, N - 1, logp_tol);
    check_compared(N);
}

static void compare_last_logits(Arena *a, const Net *net, const Json *one)
{
    int32_t *ids;
    float   *want, *logp, *weight, *logits;
    int64_t  N = integers(a, one, "ids", &ids), V = net->params.dims.V;
    Acts    *acts = acts_make(a, net, N, N, NET_INFER);
    Batch    b = batch_make(a, N, 1);

    EXPECT_INT(floats(a, one, "last_logits", &want), V);
    logp = arena_new(a, float, N);
    weight = arena_new(a, float, N);
    logits = arena_new(a, float, N *V);
    batch_add(&b, ids, weight, N, 1);
    net_score(net, acts, &b, logp, logits);
    EXPECT_FLOATS(logits + (N - 1) * V, want, V, logits_tol);
    check_compared(1);
}

static void compare_greedy(Arena *a, const Net *net, const Json *golden)
{
    const Json   *cases = json_member(golden, "cases"), *one;
    Decoder      *d = decoder_make(a, net, NULL, 2, net->params.dims.T, 1);
    DecodeRequest ask = {.spec = {.top_p = 1, .repetition_penalty = 1}, .ignores_eos = 1};

    for (one = cases->child; one != NULL; one = one->next) {
        int32_t     *prompt, *want;
        DecodeResult r;

        compare_last_logits(a, net, one);
        ask.prompt_length = integers(a, one, "ids", &prompt);
        ask.max_tokens = integers(a, one, "greedy_ids", &want);
        ask.prompt = prompt;
        EXPECT_OK(decoder_submit(d, &ask));
        while (decoder_running(d) > 0)
            decoder_step(d);
        EXPECT_INT(decoder_take(d, &r), 1);
        EXPECT_INT(r.length, ask.max_tokens);
        EXPECT_INT(memcmp(r.ids, want, (size_t)ask.max_tokens * sizeof *want), 0);
        check_compared(1);
    }
}

static Err compare_model(Arena *a, const char *assets, const char *name, double published)
{
    char        path[4096];
    const Json *golden;
    ImportModel m;
    Net         net;

    snprintf(path, sizeof path, "%s/models/%s-hf", assets, name);
    TRY(import_find(a, path, &m));
    net = net_make(a, &m.dims, NET_INFER);
    TRY(import_load(a, &m, &net.params, net.flat));
    net_pack(&net);
    snprintf(path, sizeof path, "%s/models/goldens/%s.json", assets, name);
    TRY(json_read(a, path, JSON_NO_COMMENTS, &golden));
    compare_nll(a, &net, golden, published);
    compare_greedy(a, &net, golden);
    return OK;
}

static void compare(const char *name, double published)
{
    const char *assets = check_assets();
    Arena       a;

    if (assets == NULL)
        return;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "assets", 256 << 20));
    EXPECT_OK(compare_model(&a, assets, name, published));
    arena_free(&a);
}

static void stories260k_scores_and_writes_as_published(const Comm *c)
{
    (void)c;
    compare("stories260K", 1.305088);
}

static void babyllama_scores_and_writes_as_published(const Comm *c)
{
    (void)c;
    compare("babyllama-tok105", 0.651187);
}

TEST_MAIN(CASE(stories260k_scores_and_writes_as_published),
          CASE(babyllama_scores_and_writes_as_published))
