// With a real network: tiny, with random weights, but with everything that a large one has.
#include "base/hash.h"
#include "datagen/produce.h"
#include "setting.h"

#include <stdlib.h>

enum { ROWS_MAX = 2048, REQUESTS = 90 };

#define SHAPE                                                                              \
    "{\"model_type\": \"llama\", \"vocab_size\": 19, \"hidden_size\": 16, "                \
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"num_key_value_heads\": 2, "   \
    "\"intermediate_size\": 32, \"max_position_embeddings\": 96, \"rms_norm_eps\": 1e-5, " \
    "\"rope_theta\": 10000, \"tie_word_embeddings\": false, \"hidden_act\": \"silu\"}"

typedef struct Got {
    int64_t  next, blocks, rows, tokens;
    uint64_t content[ROWS_MAX][4]; // id, sample, content, sum of tokens and logp
} Got;

static Arena   run, step;
static Source *source;
static Vocab  *vocab;
static Net     net;

static void start(void)
{
    Dims dims;

    if (run.base == NULL) {
        EXPECT_OK(arena_make(&run, "run", 1 << 30));
        EXPECT_OK(arena_make(&step, "step", 1 << 28));
    }
    arena_back(&run, 0);
    arena_back(&step, 0);
    source = setting_source(&run, 5);
    vocab = setting_vocab(&run);
    EXPECT_OK(dims_read(setting_json(&run, SHAPE), &dims));
    net = net_make(&run, &dims, NET_INFER);
    params_init(&net.params, 4, net.flat);
    net_pack(&net);
}

static int64_t take(void *self)
{
    Got *g = self;

    return g->next < g->blocks ? g->next++ : -1;
}

static uint64_t drawn_sum(const SetRows *rows, int64_t i)
{
    int64_t  begin = rows->token_begin[i], n = rows->token_begin[i + 1] - begin;
    uint64_t sum = hash_bytes(0, rows->logp + begin, n * 4);

    return hash_bytes(sum, rows->token + begin, n * 4);
}

static void note_row(const SetRows *rows, int64_t i, uint64_t out[4])
{
    out[0] = rows->id[2 * i];
    out[1] = rows->id[2 * i + 1];
    out[2] = rows->content[i];
    out[3] = drawn_sum(rows, i);
}

static Err done(void *self, int64_t block, const SetRows *rows)
{
    Got *g = self;

    (void)block;
    CHECK(g->rows + rows->R <= ROWS_MAX, "rows");
    for (int64_t i = 0; i < rows->R; i++)
        note_row(rows, i, g->content[g->rows++]);
    g->tokens += rows->T;
    return OK;
}

static int by_id(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    int             i = x[0] == y[0];

    return (x[i] > y[i]) - (x[i] < y[i]);
}

static ProduceJob job_of(const Recipe *recipe, int slots, int threads, int64_t block_size, Got *got)
{
    got->blocks = (REQUESTS + block_size - 1) / block_size;
    return (ProduceJob){.recipe = recipe,
                        .source = source,
                        .vocab = vocab,
                        .teacher = teacher_local(
                            &run, decoder_make(&run, &net, vocab, slots, 96, threads), vocab, NULL),
                        .seed = 11,
                        .iteration = 1,
                        .policy = 1,
                        .block_size = block_size,
                        .segment = {.requests = REQUESTS, .blocks = got->blocks},
                        .self = got,
                        .take = take,
                        .done = done};
}

static Got *produce(const Recipe *recipe, int slots, int threads, int64_t block_size)
{
    Got         *got = arena_new(&run, Got, 1);
    ProduceJob   job = job_of(recipe, slots, threads, block_size, got);
    ProduceStats stats;

    EXPECT_OK(produce_run(&job, &step, &stats));
    EXPECT_INT(stats.records, got->rows);
    EXPECT(stats.generated_tokens >= got->tokens);
    qsort(got->content, (size_t)got->rows, sizeof got->content[0], by_id);
    return got;
}

static void expect_same(const Got *a, const Got *b)
{
    EXPECT_INT(a->rows, b->rows);
    EXPECT(memcmp(a->content, b->content, (size_t)a->rows * sizeof a->content[0]) == 0);
    check_compared(a->rows);
}

static void network_writes_the_same_rows_whatever_runs_beside(const Comm *c)
{
    static const char *const names[] = {"star-addition", "addition-rejection", "addition-self"};

    (void)c;
    for (int i = 0; i < 3; i++) {
        start();
        Recipe *r = setting_recipe(&run, source, names[i]);
        Got    *first = produce(r, 64, 1, 64);

        EXPECT(first->tokens > 100);
        expect_same(first, produce(r, 3, 1, 7));
        expect_same(first, produce(r, 64, 2, 1000));
        expect_same(first, produce(r, 64, 1, 7));
    }
}

static void network_replays_single_requests(const Comm *c)
{
    int64_t at = 0;

    (void)c;
    start();
    Recipe    *r = setting_recipe(&run, source, "addition-rejection");
    Got       *whole = produce(r, 64, 1, 64);
    ProduceJob job = job_of(r, 2, 1, 64, arena_new(&run, Got, 1));

    for (int64_t request = 0; request < REQUESTS; request++) {
        ArenaMark mark = arena_mark(&step);
        SetRows   rows;

        EXPECT_OK(produce_request(&job, &step, request, &rows));
        for (int64_t i = 0; i < rows.R; i++, at++) {
            uint64_t one[4];

            note_row(&rows, i, one);
            EXPECT(memcmp(one, whole->content[at], sizeof one) == 0);
        }
        arena_back(&step, mark);
    }
    EXPECT_INT(at, whole->rows);
}

TEST_MAIN(CASE(network_writes_the_same_rows_whatever_runs_beside),
          CASE(network_replays_single_requests))
