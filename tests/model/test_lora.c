#include "base/rng.h"
#include "io/ckpt.h"
#include "io/file.h"
#include "model/acts.h"
#include "model/adapters/adapter.h"
#include "model/adapters/import_adapter.h"
#include "model/adapters/peft.h"
#include "model/files/export_model.h"
#include "tests/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 512 << 20, V = 23, LONGEST = 40 };

#define SIZES                                                                            \
    "\"vocab_size\": 23, \"hidden_size\": 16, \"intermediate_size\": 24, "               \
    "\"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"initializer_range\": 0.2, " \
    "\"max_position_embeddings\": 64"
static const char *const families[] = {
    "{\"model_type\": \"llama\", " SIZES ", \"num_key_value_heads\": 2, \"tie_word_embeddings\": "
    "false}",
    "{\"model_type\": \"llama\", " SIZES ", \"tie_word_embeddings\": true}",
    "{\"model_type\": \"qwen3\", " SIZES ", \"num_key_value_heads\": 1, \"head_dim\": 6}",
    "{\"model_type\": \"gpt_neox\", " SIZES ", \"rotary_pct\": 0.5}",
    "{\"model_type\": \"phi3\", " SIZES "}",
    "{\"model_type\": \"gemma2\", " SIZES ", \"num_key_value_heads\": 2, \"head_dim\": 6,"
    " \"sliding_window\": 7, \"attn_logit_softcapping\": 2, \"final_logit_softcapping\": 4,"
    " \"query_pre_attn_scalar\": 9}",
    "{\"model_type\": \"gpt2\", \"vocab_size\": 23, \"n_embd\": 16, \"n_layer\": 3, \"n_head\": 4,"
    " \"n_positions\": 64, \"initializer_range\": 0.2}"};
enum { FAMILIES = sizeof families / sizeof families[0] };

static const Json *json_of(Arena *a, const char *text)
{
    const Json *root = NULL;

    EXPECT_OK(json_parse(a, "test", text, (int64_t)strlen(text), JSON_NO_COMMENTS, &root));
    return root;
}

static Dims dims_of(Arena *a, int family)
{
    Dims d = {.V = 0};

    EXPECT_OK(dims_read(json_of(a, families[family]), &d));
    return d;
}

// One that is frozen, on attention, under one on everything that is trained, with all beside.
static Dims adapted(Arena *a, int family, double dropout)
{
    Dims        d = dims_of(a, family);
    AdapterPlan frozen = {.rank = 2, .alpha = 3, .is_frozen = 1};
    AdapterPlan plan = {.rank = 3, .alpha = 6, .dropout = dropout, .is_rslora = 1};

    adapter_all_layers(&d, &frozen);
    frozen.layers[0] = 6; // the first layer has none
    adapter_all_layers(&d, &plan);
    EXPECT_OK(adapter_targets(json_of(a, "[]"), &d, &frozen));
    EXPECT_OK(adapter_targets(json_of(a, "\"all-linear\""), &d, &plan));
    EXPECT_OK(adapter_beside(json_of(a, "[\"norms\", \"embeddings\"]"), &d, &plan));
    if (family == 0) { // the head as a target, too
        AdapterPlan head = plan;

        EXPECT_OK(adapter_targets(json_of(a, "[\"lm_head\"]"), &d, &head));
        plan.targets |= head.targets;
    }
    d.adapters = 2;
    d.adapter[0] = frozen;
    d.adapter[1] = plan;
    return d;
}

static void fill(const Net *net, uint64_t seed)
{
    for (int n = PARAMS_BASE; n < net->params.dims.adapters; n++) {
        NetPart part = net_part(net, n);
        Rng     r = rng_make(seed, rng_stream("fill", (uint64_t)(n + 1), 0, 0), 0);

        params_init(part.params, seed, part.flat);
        for (int i = 0; i < part.params->count; i++) {
            const Param *one = &part.params->list[i];

            for (int64_t k = 0; k < one->rows * one->columns; k++)
                part.flat[one->offset + k] += (float)(0.2 * rng_normal(&r));
        }
    }
}

static Batch documents(Arena *a, uint64_t seed)
{
    static const int64_t length[] = {LONGEST, 1, 13, 2, 27};
    Batch                b = batch_make(a, 128, 5);
    Rng                  r = rng_make(seed, 1, 0);

    for (int i = 0; i < 5; i++) {
        int32_t token[LONGEST];
        float   weight[LONGEST];

        for (int64_t t = 0; t < length[i]; t++) {
            token[t] = (int32_t)rng_below(&r, V);
            weight[t] = 0.25F * (float)rng_below(&r, 4);
        }
        batch_add(&b, token, weight, length[i], 0.01F);
    }
    return b;
}

// ---- numbers

static double loss_at(Net *net, Acts *acts, const Batch *b, const float *from,
                      const float *direction, double step, float *spare)
{
    NetPart to = net_tuned(net);

    for (int64_t i = 0; i < to.params->padded; i++)
        to.flat[i] = from[i] + (float)(step * (double)direction[i]);
    net_pack_tuned(net);
    return net_grad(net, acts, b, spare, NULL);
}

// A direction of one role at a time; with dropout, whose masks stay the same.
static void slope_of(Net *net, Acts *acts, const Batch *b, const float *grad, const float *from,
                     int role, Arena *a)
{
    NetPart   to = net_tuned(net);
    int64_t   P = to.params->padded, numbers = 0;
    ArenaMark mark = arena_mark(a);
    float    *direction = arena_new(a, float, P), *spare = arena_new(a, float, P);
    Rng       r = rng_make(3, rng_stream("direction", (uint64_t)role, 0, 0), 0);
    double    slope = 0, squares = 0, step = 2.5e-4, difference;

    for (int n = 0; n < to.params->count; n++)
        for (int64_t i = 0; i < to.params->list[n].rows * to.params->list[n].columns; i++) {
            int64_t at = to.params->list[n].offset + i;
            double  part;

            if ((int)to.params->list[n].role != role)
                continue;
            direction[at] = (float)rng_normal(&r);
            part = (double)direction[at] * (double)grad[at];
            slope += part;
            squares += part * part;
            numbers++;
        }
    if (numbers > 0) {
        difference = (loss_at(net, acts, b, from, direction, step, spare) -
                      loss_at(net, acts, b, from, direction, -step, spare)) /
                     (2 * step);
        EXPECT(squares > 0);
        EXPECT_NEAR((difference - slope) / (sqrt(squares) + 1e-9), 0, 0.02);
        check_compared(1);
    }
    arena_back(a, mark);
}

static void gradients_are_slopes(const Comm *c)
{
    Arena a;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    for (int f = 0; f < FAMILIES; f++) {
        Dims    d = adapted(&a, f, 0.25);
        Net     net = net_make(&a, &d, NET_TRAIN);
        Acts   *acts = acts_make(&a, &net, 128, LONGEST, NET_TRAIN);
        Batch   b = documents(&a, 5);
        NetPart to = net_tuned(&net);
        float  *grad = arena_new(&a, float, to.params->padded);
        float  *from = arena_new(&a, float, to.params->padded);

        EXPECT_INT(to.params->adapter, 1);
        b.drop = (NetDropout){1, 9, 2, 3, 4};
        fill(&net, 15);
        net_pack(&net);
        memcpy(from, to.flat, (size_t)to.params->padded * sizeof *from);
        net_grad(&net, acts, &b, grad, NULL);
        for (int role = 0; role < PARAM_ROLES; role++)
            slope_of(&net, acts, &b, grad, from, role, &a);
    }
    arena_free(&a);
}

// Packed rows, rows alone, and tokens one by one into a cache: the same bits.
static void sampler_and_trainer_agree_to_the_bit(const Comm *c)
{
    Arena a;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    for (int f = 0; f < FAMILIES; f++) {
        Dims    d = adapted(&a, f, 0.5); // which only net_grad with an address looks at
        Net     net = net_make(&a, &d, NET_TRAIN);
        Acts   *acts = acts_make(&a, &net, 128, LONGEST, NET_TRAIN);
        Acts   *infer = acts_make(&a, &net, 4, 64, NET_INFER);
        Cache  *cache = cache_make(&a, &d, 1, 64);
        Batch   b = documents(&a, 6);
        float  *logits = arena_new(&a, float, b.N *V), one[V], logp[128], trained[128];
        float  *grad = arena_new(&a, float, net_tuned(&net).params->padded);
        int64_t want = 0;
        int32_t slot = 0;

        fill(&net, 4);
        net_pack(&net);
        net_score(&net, acts, &b, logp, logits);
        net_grad(&net, acts, &b, grad, trained);
        for (int64_t n = 0; n < b.N; n++)
            EXPECT(b.coef[n] == 0 || b.target[n] < 0 || trained[n] == logp[n]);
        for (int64_t n = 0; n < LONGEST; n++) {
            net_decode(&net, infer, cache, 1, b.token + n, b.position + n, &slot, 1, &want, one);
            EXPECT(memcmp(one, logits + n * V, sizeof one) == 0);
            check_compared(1);
        }
    }
    arena_free(&a);
}

static void merged_weights_compute_the_same(const Comm *c)
{
    Arena a;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    for (int f = 0; f < FAMILIES; f++) {
        Dims   d = adapted(&a, f, 0), plain = d;
        Net    net = net_make(&a, &d, NET_INFER), merged;
        Batch  b = documents(&a, 6);
        float *logits = arena_new(&a, float, b.N *V), *want = arena_new(&a, float, b.N *V);
        float  logp[128];

        plain.adapters = 0;
        merged = net_make(&a, &plain, NET_INFER);
        fill(&net, 4);
        net_merge(&net, &a, merged.flat); // as files leave it: not packed
        net_pack(&net);
        net_pack(&merged);
        net_score(&net, acts_make(&a, &net, 128, LONGEST, NET_INFER), &b, logp, want);
        net_score(&merged, acts_make(&a, &merged, 128, LONGEST, NET_INFER), &b, logp, logits);
        EXPECT_FLOATS(logits, want, b.N * V, -1e-4);
        check_compared(b.N);
    }
    arena_free(&a);
}

// A new adapter changes nothing, and leaves the base as it is while it is trained.
static void a_new_adapter_changes_nothing(const Comm *c)
{
    Arena a;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    for (int f = 0; f < FAMILIES; f++) {
        Dims    d = adapted(&a, f, 0), plain = dims_of(&a, f);
        Net     base = net_make(&a, &plain, NET_INFER), net;
        Batch   b = documents(&a, 6);
        float  *logits = arena_new(&a, float, b.N *V), *want = arena_new(&a, float, b.N *V);
        float   logp[128], most = 0;
        NetPart tuned;

        d.adapters = 1;
        d.adapter[0] = d.adapter[1];
        net = net_make(&a, &d, NET_INFER);
        fill(&base, 8);
        net_pack(&base);
        memcpy(net.flat, base.flat, (size_t)base.params.padded * sizeof *net.flat);
        net_init_adapter(&net, 0, 77);
        net_pack(&net);
        net_score(&base, acts_make(&a, &base, 128, LONGEST, NET_INFER), &b, logp, want);
        net_score(&net, acts_make(&a, &net, 128, LONGEST, NET_INFER), &b, logp, logits);
        EXPECT(memcmp(logits, want, (size_t)(b.N * V) * sizeof *want) == 0);
        tuned = net_tuned(&net);
        for (int n = 0; n < tuned.params->count; n++) {
            const Param *one = &tuned.params->list[n];

            for (int64_t i = 0; i < one->rows * one->columns && one->role == PARAM_LORA_A; i++)
                most = fmaxf(most, fabsf(tuned.flat[one->offset + i]) * sqrtf((float)one->columns));
        }
        EXPECT(most <= 1 && most > 0.9F); // uniform within 1 / sqrt(inputs)
        check_compared(b.N);
    }
    arena_free(&a);
}

static double dropped_loss(const Net *net, Acts *acts, Batch *b, NetDropout drop, float *grad)
{
    b->drop = drop;
    return net_grad(net, acts, b, grad, NULL);
}

static void masks_have_an_address(const Comm *c)
{
    Arena  a;
    Dims   d;
    Net    net;
    Acts  *acts;
    Batch  b;
    float *grad;
    double loss, plain;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    d = adapted(&a, 0, 0.5);
    net = net_make(&a, &d, NET_TRAIN);
    acts = acts_make(&a, &net, 128, LONGEST, NET_TRAIN);
    b = documents(&a, 5);
    grad = arena_new(&a, float, net_tuned(&net).params->padded);
    fill(&net, 15);
    net_pack(&net);
    loss = dropped_loss(&net, acts, &b, (NetDropout){1, 1, 2, 3, 4}, grad);
    plain = dropped_loss(&net, acts, &b, (NetDropout){0, 1, 2, 3, 4}, grad);
    EXPECT(loss == dropped_loss(&net, acts, &b, (NetDropout){1, 1, 2, 3, 4}, grad));
    EXPECT(loss != plain);
    EXPECT(loss != dropped_loss(&net, acts, &b, (NetDropout){1, 2, 2, 3, 4}, grad));
    EXPECT(loss != dropped_loss(&net, acts, &b, (NetDropout){1, 1, 3, 3, 4}, grad));
    EXPECT(loss != dropped_loss(&net, acts, &b, (NetDropout){1, 1, 2, 4, 4}, grad));
    EXPECT(loss != dropped_loss(&net, acts, &b, (NetDropout){1, 1, 2, 3, 5}, grad));
    arena_free(&a);
}

static void the_need_is_what_is_taken(const Comm *c)
{
    Arena a;

    (void)c;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "test", ROOM));
    for (int f = 0; f < FAMILIES; f++)
        for (int use = 0; use < 2; use++) {
            Dims    d = adapted(&a, f, 0);
            int64_t before = a.used;
            Net     net = net_make(&a, &d, (NetUse)use);

            EXPECT_INT(a.used - before, net_need(&d, (NetUse)use));
            before = a.used;
            acts_make(&a, &net, 100, 30, (NetUse)use);
            EXPECT_INT(a.used - before, acts_need(&d, 100, 30, (NetUse)use));
        }
    arena_free(&a);
}

// ---- names

static void names_stand_for_layers_as_in_peft(const Comm *c)
{
    Arena       a;
    Dims        d;
    AdapterPlan plan = {.rank = 1, .alpha = 1}, other = {.rank = 1, .alpha = 1};
    Text        t;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 24));
    d = dims_of(&a, 0);
    adapter_all_layers(&d, &plan);
    other = plan;
    EXPECT_OK(adapter_targets(json_of(&a, "[\"q_proj\", \"mlp.down_proj\"]"), &d, &plan));
    t = text_make(&a);
    adapter_words(&t, &d, &plan);
    EXPECT_TEXT(t.data, "rank 1, alpha 1, on q_proj, down_proj");
    EXPECT_OK(adapter_targets(json_of(&a, "[\"model.layers.1.self_attn.q_proj\", "
                                          "\"model.layers.2.self_attn.q_proj\"]"),
                              &d, &other));
    t = text_make(&a);
    adapter_words(&t, &d, &other);
    EXPECT_TEXT(t.data, "rank 1, alpha 1, on q_proj of 2 layers");
    t = text_make(&a);
    adapter_write_targets(&t, &d, &other);
    EXPECT_TEXT(t.data,
                "[\"model.layers.1.self_attn.q_proj\", \"model.layers.2.self_attn.q_proj\"]");
    adapter_all_layers(&d, &other);
    EXPECT_ERR(
        adapter_targets(json_of(&a, "[\"layers.1.self_attn.q_proj\", \"k_proj\"]"), &d, &other),
        ERR_CONFIG, "other targets than");
    EXPECT_ERR(adapter_targets(json_of(&a, "[\"c_attn\"]"), &d, &plan), ERR_CONFIG,
               "is no linear layer of this model; it has q_proj, k_proj, v_proj, o_proj");
    EXPECT_ERR(adapter_targets(json_of(&a, "[\"proj\"]"), &d, &plan), ERR_CONFIG, "no linear");
    EXPECT_ERR(adapter_targets(json_of(&a, "[\"embed_tokens\"]"), &d, &plan), ERR_CONFIG,
               "adapters of embeddings are not supported");
    EXPECT_ERR(adapter_targets(json_of(&a, "\".*proj\""), &d, &plan), ERR_CONFIG,
               "a pattern is not supported");
    EXPECT_ERR(adapter_beside(json_of(&a, "[\"biases\"]"), &d, &plan), ERR_CONFIG, "expected");
    d.is_tied = 1;
    EXPECT_ERR(adapter_beside(json_of(&a, "[\"head\"]"), &d, &plan), ERR_CONFIG, "trains both");
    arena_free(&a);
}

static void plans_survive_their_own_json(const Comm *c)
{
    Arena a;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 24));
    for (int f = 0; f < FAMILIES; f++) {
        Dims d = adapted(&a, f, 0.125);

        for (int n = 0; n < 2; n++) {
            Text        t = text_make(&a);
            AdapterPlan back, want = d.adapter[n];

            adapter_write(&t, &d, &want);
            EXPECT_OK(adapter_read(json_of(&a, t.data), &d, &back));
            back.is_frozen = want.is_frozen;
            EXPECT(back.targets == want.targets && back.beside == want.beside);
            EXPECT(back.rank == want.rank && back.alpha == want.alpha);
            EXPECT(back.dropout == want.dropout && back.is_rslora == want.is_rslora);
            EXPECT_INT(memcmp(back.layers, want.layers, sizeof back.layers), 0);
            check_compared(1);
        }
    }
    arena_free(&a);
}

// ---- folders and files

typedef struct Made { // a base in a folder, and an adapter on it
    Arena       arena;
    Net         net;
    const char *folder;
    char        base[FILE_PATH_MAX], peft[FILE_PATH_MAX];
} Made;

static void make(Made *m, const Comm *c, int family)
{
    Dims        d;
    ExportModel model = {.name = "base"};

    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&m->arena, "test", ROOM));
    m->folder = check_folder(c, "lora");
    EXPECT_OK(file_join(m->base, m->folder, "base"));
    EXPECT_OK(file_join(m->peft, m->folder, "adapter"));
    d = adapted(&m->arena, family, 0);
    d.adapters = 1;
    d.adapter[0] = d.adapter[1];
    d.adapter[0].layers[0] = 5;
    m->net = net_make(&m->arena, &d, NET_INFER);
    fill(&m->net, 3);
    model.params = &m->net.params;
    model.flat = m->net.flat;
    EXPECT_OK(export_hf(&m->arena, &model, EXPORT_F32, m->base));
    EXPECT_OK(
        peft_write(&m->arena, net_tuned(&m->net).params, net_tuned(&m->net).flat, "base", m->peft));
}

static void check_same(Made *m, const char *path)
{
    ImportModel found;
    Net         net;

    EXPECT_OK(import_find(&m->arena, path, &found));
    EXPECT_INT(found.dims.adapters, 1);
    if (found.dims.adapters != 1)
        return;
    net = net_make(&m->arena, &found.dims, NET_INFER);
    EXPECT_OK(import_load_net(&m->arena, &found, &net, NULL));
    for (int n = PARAMS_BASE; n < 1; n++) {
        NetPart got = net_part(&net, n), want = net_part(&m->net, n);

        EXPECT_INT(got.params->count, want.params->count);
        EXPECT_INT(memcmp(got.flat, want.flat, (size_t)want.params->padded * sizeof(float)), 0);
    }
    check_compared(net.adapter != NULL);
}

static void folders_of_peft_go_out_and_in_with_all_bits(const Comm *c)
{
    for (int f = 0; f < FAMILIES; f++) {
        Made m;

        make(&m, c, f);
        check_same(&m, m.peft);
        arena_free(&m.arena);
    }
}

static void write_config(const Made *m, const char *more)
{
    char path[FILE_PATH_MAX], text[2048];

    snprintf(text, sizeof text,
             "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"base\", \"r\": 3, "
             "\"lora_alpha\": 6, \"target_modules\": [\"q_proj\"]%s}",
             more);
    EXPECT_OK(file_join(path, m->peft, "adapter_config.json"));
    EXPECT_OK(file_publish(path, "t", text, (int64_t)strlen(text)));
}

static void what_is_not_supported_is_refused(const Comm *c)
{
    static const struct {
        const char *more, *says;
        Err         code;
    } bad[] = {{", \"use_dora\": true", "\"use_dora\" is", ERR_CONFIG},
               {", \"lora_bias\": true", "\"lora_bias\" is", ERR_CONFIG},
               {", \"bias\": \"all\"", "\"bias\" is", ERR_CONFIG},
               {", \"rank_pattern\": {\"q_proj\": 8}", "\"rank_pattern\" is", ERR_CONFIG},
               {", \"trainable_token_indices\": [1]", "trainable_token_indices", ERR_CONFIG},
               {", \"task_type\": \"SEQ_CLS\"", "\"task_type\" is", ERR_CONFIG},
               {", \"init_lora_weights\": \"pissa\"", "\"init_lora_weights\" is", ERR_CONFIG},
               {", \"modules_to_save\": [\"up_proj\"]", "a linear layer", ERR_CONFIG},
               {", \"modules_to_save\": [\"score\"]", "which this model has not", ERR_CONFIG},
               {", \"layers_to_transform\": [3]", "expected", ERR_DATA}};
    Made        m;
    ImportModel found;

    make(&m, c, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_config(&m, bad[i].more);
        EXPECT_ERR(import_find(&m.arena, m.peft, &found), bad[i].code, bad[i].says);
    }
    check_compared((int64_t)(sizeof bad / sizeof bad[0]));
    arena_free(&m.arena);
}

static Err load(Made *m, const char *path)
{
    ImportModel found;
    Net         net;

    TRY(import_find(&m->arena, path, &found));
    net = net_make(&m->arena, &found.dims, NET_INFER);
    return import_load_net(&m->arena, &found, &net, NULL);
}

static void tensors_that_do_not_fit_are_named(const Comm *c)
{
    Made m;
    char path[FILE_PATH_MAX];

    make(&m, c, 0);
    write_config(&m, "");
    EXPECT_ERR(load(&m, m.peft), ERR_DATA, "there is no tensor base_model.model.model.layers.1");
    write_config(&m, ", \"layers_to_transform\": [0]");
    EXPECT_ERR(load(&m, m.peft), ERR_DATA, "is nothing that adapter_config.json speaks of");
    EXPECT_OK(file_join(path, m.peft, "adapter_model.safetensors"));
    EXPECT_OK(file_remove(path));
    EXPECT_ERR(load(&m, m.peft), ERR_DATA, "there is no such file");
    EXPECT_ERR(load(&m, arena_format(&m.arena, "%s@nowhere", m.peft)), ERR_IO, "nowhere");
    EXPECT_OK(file_join(path, m.base, "config.json"));
    EXPECT_OK(file_remove(path));
    EXPECT_OK(file_join(path, m.base, "model.safetensors"));
    EXPECT_OK(file_remove(path));
    arena_free(&m.arena);
}

static void write_ours(Made *m, const Comm *c, Run *run, const ImportOrigin *origin)
{
    NetPart           tuned = net_tuned(&m->net);
    ParamsFile        file = {.params = tuned.params, .flat = {tuned.flat}};
    Text              adapter = text_make(&m->arena), model = text_make(&m->arena);
    CkptTexts         texts = {.tokenizer = "", .chat = "", .provenance = "{}"};
    const CkptTensor *tensors = params_tensors(&m->arena, tuned.params);

    import_write_origin(&adapter, &m->net.params.dims, origin);
    dims_write(&model, &m->net.params.dims);
    texts.adapter = adapter.data;
    texts.model = model.data;
    EXPECT_OK(run_open_all(c, arena_format(&m->arena, "%s/run", m->folder), RUN_BOTH, run));
    EXPECT_OK(ckpt_write_weights(run, &m->arena, 0, tensors, tuned.params->count, &texts,
                                 params_bring, &file));
}

static void a_base_that_is_its_own_is_refused(const Comm *c)
{
    Made        m;
    ImportModel found;
    char        path[FILE_PATH_MAX];
    const char *text = "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \".\", \"r\": 3, "
                       "\"lora_alpha\": 6, \"target_modules\": [\"q_proj\"]}";

    make(&m, c, 0);
    EXPECT_OK(file_join(path, m.peft, "adapter_config.json"));
    EXPECT_OK(file_publish(path, "t", text, (int64_t)strlen(text)));
    EXPECT_ERR(import_find(&m.arena, m.peft, &found), ERR_DATA, "name itself as its base");
    arena_free(&m.arena);
}

static void plans_of_strangers_are_checked(const Comm *c)
{
    static const char *const bad[][3] = {
        {"\"input_layernorm.weight\"", "", "no such tensor"},
        {"\"model.embed_tokens.weight\"", "", "no such tensor"},
        {"\"lm_head.weight\"", "\"mlp.down_proj.weight\"", "no such tensor"},
        {"\"lm_head.weight\"", "\"lm_head.weight\"", "both a target and trained whole"}};
    Arena a;

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 24));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Dims        d = dims_of(&a, 0);
        AdapterPlan plan;
        const Json *json =
            json_of(&a, arena_format(&a,
                                     "{\"rank\": 2, \"alpha\": 4, \"dropout\": 0, \"rslora\": "
                                     "false, \"targets\": [%s], \"beside\": [%s], \"layers\": [0]}",
                                     bad[i][0], bad[i][1]));

        EXPECT_ERR(adapter_read(json, &d, &plan), ERR_DATA, bad[i][2]);
        check_compared(1);
    }
    arena_free(&a);
}

// A rank that the file does not fill is found before memory for it is asked for.
static void tensors_are_looked_at_before_memory_is_made(const Comm *c)
{
    Made        m;
    ImportModel found;
    char        path[FILE_PATH_MAX];
    const char *text = "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"base\", "
                       "\"r\": 65536, \"lora_alpha\": 6, \"target_modules\": \"all-linear\"}";

    make(&m, c, 0);
    EXPECT_OK(file_join(path, m.peft, "adapter_config.json"));
    EXPECT_OK(file_publish(path, "t", text, (int64_t)strlen(text)));
    EXPECT_ERR(import_find(&m.arena, m.peft, &found), ERR_DATA, "make it [65536, ");
    arena_free(&m.arena);
}

static void other_adapters_below_are_another_origin(const Comm *c)
{
    Arena        a;
    Dims         d;
    Text         t;
    ImportOrigin origin = {
        .base = "base", .digest = 7, .under = {"one"}, .under_digest = {8}, .unders = 1};

    (void)c;
    EXPECT_OK(arena_make(&a, "test", 1 << 24));
    d = adapted(&a, 0, 0);
    t = text_make(&a);
    import_write_origin(&t, &d, &origin);
    EXPECT_OK(import_same_origin(&a, "file", t.data, &origin));
    origin.under_digest[0]++;
    EXPECT_ERR(import_same_origin(&a, "file", t.data, &origin), ERR_DATA,
               "on an adapter with the digest");
    origin.unders = 0;
    EXPECT_ERR(import_same_origin(&a, "file", t.data, &origin), ERR_DATA, "stands on 1 adapters");
    origin.digest++;
    EXPECT_ERR(import_same_origin(&a, "file", t.data, &origin), ERR_DATA, "weights were changed");
    arena_free(&a);
}

static void our_files_know_their_base(const Comm *c)
{
    Made         m;
    Run          run;
    ImportOrigin origin = {.unders = 0};
    ImportModel  found;
    char         gone[FILE_PATH_MAX];
    const char  *by_hand;

    make(&m, c, 2);
    snprintf(origin.base, sizeof origin.base, "%s", m.base);
    origin.digest = params_digest(&m.arena, &m.net.params, m.net.flat);
    write_ours(&m, c, &run, &origin);
    check_same(&m, run.dir);
    EXPECT_OK(import_find(&m.arena, run.dir, &found));
    EXPECT_ERR(import_load(&m.arena, &found, &m.net.params, m.net.flat), ERR_CONFIG,
               "a whole model is needed");
    snprintf(origin.base, sizeof origin.base, "%s/gone", m.folder);
    snprintf(gone, sizeof gone, "%s", origin.base);
    write_ours(&m, c, &run, &origin);
    EXPECT_ERR(import_find(&m.arena, run.dir, &found), ERR_DATA, "not there any more; give it as");
    by_hand = arena_format(&m.arena, "%s@%s", run.dir, m.base);
    check_same(&m, by_hand);
    origin.digest++;
    write_ours(&m, c, &run, &origin);
    EXPECT_ERR(load(&m, by_hand), ERR_DATA, "its weights are others");
    arena_free(&m.arena);
}

TEST_MAIN(CASE(gradients_are_slopes), CASE(sampler_and_trainer_agree_to_the_bit),
          CASE(merged_weights_compute_the_same), CASE(a_new_adapter_changes_nothing),
          CASE(masks_have_an_address), CASE(the_need_is_what_is_taken),
          CASE(names_stand_for_layers_as_in_peft), CASE(plans_survive_their_own_json),
          CASE(folders_of_peft_go_out_and_in_with_all_bits), CASE(what_is_not_supported_is_refused),
          CASE(tensors_that_do_not_fit_are_named), CASE(our_files_know_their_base),
          CASE(a_base_that_is_its_own_is_refused), CASE(plans_of_strangers_are_checked),
          CASE(tensors_are_looked_at_before_memory_is_made),
          CASE(other_adapters_below_are_another_origin))
