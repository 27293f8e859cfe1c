#include "model/decode.h"
#include "model/kernels/ops.h"
#include "tests/check.h"

#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 360, REQUESTS = 40, PROMPT_MAX = 320, NEW_MAX = 40, ARENA_BYTES = 256 << 20 };

static const Dims TINY = {.family = FAMILY_LLAMA,
                          .V = 19,
                          .D = 32,
                          .F = 48,
                          .T = CONTEXT,
                          .L = 2,
                          .H = 4,
                          .G = 2,
                          .K = 8,
                          .norm = NORM_RMS,
                          .norm_eps = 1e-5F,
                          .position = POSITION_ROTARY,
                          .rope.theta = 10000,
                          .mlp = MLP_SWIGLU,
                          .init_std = 0.3};

static const char VOCAB[] = "{\"kind\": \"character\", \"alphabet\": \"0123456789+=,;()Q\\n.\", "
                            "\"bos\": \"Q\", \"eos\": \"\\n\", \"pad\": \".\"}";

static const SampleSpec PLAIN = {.temperature = 1, .top_p = 1, .repetition_penalty = 1};

typedef struct World { // what every case needs
    Arena   arena;
    Net     net;
    Vocab  *vocab;
    int32_t prompt[REQUESTS][PROMPT_MAX];
} World;

typedef struct Written { // what became of a request
    int64_t   length, bytes;
    int32_t   ids[CONTEXT];
    float     logp[CONTEXT];
    char      text[4 * CONTEXT + 1];
    DecodeEnd end;
    int       stop, times;
} Written;

static void world_make(World *w)
{
    const Json *config;
    Rng         r = rng_make(3, 3, 3);

    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&w->arena, "test", ARENA_BYTES));
    w->net = net_make(&w->arena, &TINY, NET_INFER);
    params_init(&w->net.params, 11, w->net.flat);
    net_pack(&w->net);
    EXPECT_OK(
        json_parse(&w->arena, "vocab", VOCAB, (int64_t)strlen(VOCAB), JSON_COMMENTS, &config));
    EXPECT_OK(vocab_make(&w->arena, config, &w->vocab));
    for (int i = 0; i < REQUESTS; i++)
        for (int t = 0; t < PROMPT_MAX; t++)
            w->prompt[i][t] = (int32_t)rng_below(&r, 19);
}

// Prompts of uneven length, two of them longer than what is fed in one step; samplers of all kinds.
static DecodeRequest request(const World *w, int i)
{
    DecodeRequest r = {.prompt = w->prompt[i],
                       .prompt_length = i % 20 == 7 ? 300 + i % 3 : 1 + i * 7 % 23,
                       .spec = PLAIN,
                       .max_tokens = 1 + i * 5 % NEW_MAX,
                       .ignores_eos = i % 3 == 0,
                       .seed = 77,
                       .stream = (uint64_t)i,
                       .tag = i};

    if (i % 4 == 1)
        r.spec.temperature = 0;
    if (i % 4 == 2)
        r.spec.repetition_penalty = 1.3;
    if (i % 4 == 3)
        r.spec.top_k = 5;
    if (i % 5 == 1)
        r.spec.presence_penalty = 0.4;
    if (i % 5 == 2)
        r.spec.frequency_penalty = 0.3;
    return r;
}

static void keep(const DecodeResult *d, Written *out)
{
    Written *w = &out[d->tag];

    w->length = d->length;
    w->bytes = d->bytes;
    memcpy(w->ids, d->ids, (size_t)d->length * sizeof *d->ids);
    memcpy(w->logp, d->logp, (size_t)d->length * sizeof *d->logp);
    memcpy(w->text, d->text, (size_t)d->bytes + 1);
    w->end = d->end;
    w->stop = d->stop;
    w->times++;
}

// Submits up to `group` requests between two steps; refills before the results of a step are read.
static void run(World *w, const DecodeRequest *r, int count, int slots, int threads, int group,
                Written *out)
{
    ArenaMark mark = arena_mark(&w->arena);
    Decoder  *d = decoder_make(&w->arena, &w->net, w->vocab, slots, CONTEXT, threads);
    int       next = 0;
    int64_t   last_tag;

    memset(out, 0, (size_t)count * sizeof *out);
    while (next < count || decoder_running(d) > 0) {
        DecodeResult result[64];
        int          results = 0;

        for (int i = 0; i < group && next < count && decoder_free_slots(d) > 0; i++)
            EXPECT_OK(decoder_submit(d, &r[next++]));
        decoder_step(d);
        while (decoder_take(d, &result[results]))
            results++;
        while (next < count && decoder_free_slots(d) > 0)
            EXPECT_OK(decoder_submit(d, &r[next++]));
        last_tag = -1;
        for (int i = 0; i < results; i++) {
            EXPECT(result[i].tag > last_tag); // submitted in the order of tags
            last_tag = result[i].tag;
            keep(&result[i], out);
        }
    }
    arena_back(&w->arena, mark);
}

static void all_requests(const World *w, DecodeRequest *r)
{
    for (int i = 0; i < REQUESTS; i++)
        r[i] = request(w, i);
}

static void decoding_does_not_depend_on_slots_threads_or_grouping(const Comm *c)
{
    static World     w;
    static Written   want[REQUESTS], got[REQUESTS];
    DecodeRequest    r[REQUESTS];
    static const int slots[] = {1, 3, 8, 64}, groups[] = {100, 1, 5};

    (void)c;
    world_make(&w);
    all_requests(&w, r);
    run(&w, r, REQUESTS, 1, 1, 1, want);
    for (int i = 0; i < REQUESTS; i++)
        EXPECT_INT(want[i].times, 1);
    for (int threads = 1; threads <= 2; threads++)
        for (int s = 0; s < 4; s++)
            for (int g = 0; g < 3; g++) {
                run(&w, r, REQUESTS, slots[s], threads, groups[g], got);
                EXPECT(memcmp(got, want, sizeof want) == 0);
            }
    arena_free(&w.arena);
}

static void scoring_gives_the_bits_of_decoding(const Comm *c)
{
    static World   w;
    static Written got[REQUESTS];
    static int32_t token[CONTEXT];
    static float   weight[CONTEXT], logp[CONTEXT];
    DecodeRequest  r[REQUESTS];
    Acts          *acts;
    Batch          b;

    (void)c;
    world_make(&w);
    all_requests(&w, r);
    run(&w, r, REQUESTS, 8, 2, 100, got);
    acts = acts_make(&w.arena, &w.net, CONTEXT, CONTEXT, NET_INFER);
    b = batch_make(&w.arena, CONTEXT, 1);
    for (int i = 0; i < REQUESTS; i++) {
        int64_t P = r[i].prompt_length;

        memcpy(token, r[i].prompt, (size_t)P * sizeof *token);
        memcpy(token + P, got[i].ids, (size_t)got[i].length * sizeof *token);
        b.N = b.docs = 0;
        batch_add(&b, token, weight, P + got[i].length, 1);
        net_score(&w.net, acts, &b, logp, NULL);
        EXPECT(got[i].length > 0);
        EXPECT(memcmp(logp + P - 1, got[i].logp, (size_t)got[i].length * sizeof *logp) == 0);
    }
    arena_free(&w.arena);
}

// What stands in provenance and is promised to replay: number n of a sequence is drawn with
// Philox(seed, stream; n) from the logits after everything before it.
static void tokens_are_drawn_by_their_own_numbers(const Comm *c)
{
    static World   w;
    static Written got[REQUESTS];
    static int32_t token[CONTEXT];
    static float   weight[CONTEXT], logp[CONTEXT], logits[CONTEXT * 19];
    double         work[19], spare[2 * 19];
    DecodeRequest  r[REQUESTS];
    Acts          *acts;
    Batch          b;

    (void)c;
    world_make(&w);
    all_requests(&w, r);
    run(&w, r, REQUESTS, 8, 1, 100, got);
    acts = acts_make(&w.arena, &w.net, CONTEXT, CONTEXT, NET_INFER);
    b = batch_make(&w.arena, CONTEXT, 1);
    for (int i = 0; i < REQUESTS; i++) {
        int64_t P = r[i].prompt_length;

        memcpy(token, r[i].prompt, (size_t)P * sizeof *token);
        memcpy(token + P, got[i].ids, (size_t)got[i].length * sizeof *token);
        b.N = b.docs = 0;
        batch_add(&b, token, weight, P + got[i].length, 1);
        net_score(&w.net, acts, &b, logp, logits);
        for (int64_t n = 0; n < got[i].length; n++) {
            Rng        rng = rng_make(r[i].seed, r[i].stream, (uint32_t)n);
            SampleSeen seen = {token, P + n, P};
            float      p;

            EXPECT_INT(sample_token(&r[i].spec, logits + (P + n - 1) * 19, 19, &seen, &rng, &p,
                                    work, spare),
                       got[i].ids[n]);
        }
    }
    arena_free(&w.arena);
}

static void text_is_what_the_tokens_decode_to(const Comm *c)
{
    static World   w;
    static Written got[REQUESTS];
    DecodeRequest  r[REQUESTS];
    int            ends[4] = {0};

    (void)c;
    world_make(&w);
    all_requests(&w, r);
    run(&w, r, REQUESTS, 8, 1, 100, got);
    for (int i = 0; i < REQUESTS; i++) {
        Text    t = text_make(&w.arena);
        int64_t visible = got[i].length - (got[i].end == DECODE_EOS);

        for (int64_t n = 0; n < visible; n++)
            vocab_decode(w.vocab, got[i].ids[n], &t);
        EXPECT_TEXT(got[i].text, t.data);
        EXPECT_INT(got[i].bytes, t.length);
        EXPECT_INT(got[i].end == DECODE_EOS,
                   !r[i].ignores_eos && got[i].ids[got[i].length - 1] == vocab_eos(w.vocab));
        if (got[i].end == DECODE_LENGTH)
            EXPECT_INT(got[i].length, r[i].max_tokens);
        ends[got[i].end]++;
    }
    EXPECT(ends[DECODE_EOS] > 0 && ends[DECODE_LENGTH] > 0);
    arena_free(&w.arena);
}

static void stop_texts_are_found_across_tokens(const Comm *c)
{
    static World   w;
    static Written free_run[1], got[1];
    char           middle[4] = {0}, later[6] = {0};
    DecodeRequest  r;
    int64_t        at;

    (void)c;
    world_make(&w);
    r = request(&w, 0);
    r.ignores_eos = 1;
    r.max_tokens = NEW_MAX;
    r.tag = 0;
    run(&w, &r, 1, 1, 1, 1, free_run);
    EXPECT_INT(free_run[0].bytes, NEW_MAX);
    memcpy(middle, free_run[0].text + 17, 3);
    memcpy(later, free_run[0].text + 25, 5);
    at = strstr(free_run[0].text, middle) - free_run[0].text;
    r.stops = 3;
    r.stop[0] = "never this text, which is longer than all that can be drawn in one run";
    r.stop[1] = later;
    r.stop[2] = middle;
    run(&w, &r, 1, 1, 1, 1, got);
    EXPECT_INT(got[0].end, DECODE_STOP);
    EXPECT_INT(got[0].stop, 2);
    EXPECT_INT(got[0].bytes, at);
    EXPECT_INT(got[0].length, at + 3); // ids keep the stop text
    EXPECT(memcmp(got[0].ids, free_run[0].ids, (size_t)got[0].length * sizeof(int32_t)) == 0);
    EXPECT(memcmp(got[0].text, free_run[0].text, (size_t)at) == 0);
    EXPECT_INT((int64_t)strlen(got[0].text), at);
    arena_free(&w.arena);
}

static void a_stop_text_of_one_token_ends_at_once(const Comm *c)
{
    static World   w;
    static Written free_run[1], got[1];
    char           first[2] = {0};
    DecodeRequest  r;

    (void)c;
    world_make(&w);
    r = request(&w, 0);
    r.ignores_eos = 1;
    r.max_tokens = 5;
    run(&w, &r, 1, 1, 1, 1, free_run);
    first[0] = free_run[0].text[0];
    r.stops = 1;
    r.stop[0] = first;
    run(&w, &r, 1, 1, 1, 1, got);
    EXPECT_INT(got[0].end, DECODE_STOP);
    EXPECT_INT(got[0].length, 1);
    EXPECT_TEXT(got[0].text, "");
    arena_free(&w.arena);
}

// Whatever tokens a request names end it as eos does, and only that request.
static void further_tokens_end_a_sequence_like_eos(const Comm *c)
{
    static World   w;
    static Written free_run[REQUESTS], got[REQUESTS];
    DecodeRequest  r[REQUESTS];
    int            ended = 0;

    (void)c;
    world_make(&w);
    all_requests(&w, r);
    for (int i = 0; i < REQUESTS; i++)
        r[i].ignores_eos = 1;
    run(&w, r, REQUESTS, 8, 1, 100, free_run);
    for (int i = 0; i < REQUESTS; i++) {
        r[i].ignores_eos = i % 4 == 3;
        r[i].ends = i % 2 ? 2 : 0;
        r[i].end[0] = 18; // may never come
        r[i].end[1] = free_run[i].ids[free_run[i].length / 2];
    }
    run(&w, r, REQUESTS, 8, 2, 7, got);
    for (int i = 0; i < REQUESTS; i++) {
        int64_t n = 0;

        while (n < free_run[i].length - 1 &&
               (r[i].ignores_eos || (free_run[i].ids[n] != vocab_eos(w.vocab) &&
                                     (r[i].ends == 0 || (free_run[i].ids[n] != 18 &&
                                                         free_run[i].ids[n] != r[i].end[1])))))
            n++;
        EXPECT_INT(got[i].length, n + 1);
        EXPECT(memcmp(got[i].ids, free_run[i].ids, (size_t)(n + 1) * sizeof *got[i].ids) == 0);
        if (got[i].end == DECODE_EOS && got[i].ids[n] != vocab_eos(w.vocab)) {
            EXPECT_INT((int64_t)strlen(got[i].text), n); // one character per token, without it
            EXPECT(r[i].ends > 0 && !r[i].ignores_eos);
            ended++;
        } else {
            EXPECT(r[i].ends == 0 || r[i].ignores_eos || got[i].ids[n] == vocab_eos(w.vocab));
        }
    }
    EXPECT(ended >= 5);
    arena_free(&w.arena);
}

// A conversation: every prompt is the one before with more behind it, or goes back.  What the cache
// already holds is not computed again, and nothing else changes.
static void a_prompt_takes_over_what_the_last_one_left(const Comm *c)
{
    enum { TURNS = 6 };
    static const int64_t lengths[TURNS] = {9, 30, 300, 300, 12, 50};
    static World         w;
    static Written       want[TURNS], got[TURNS];
    static int32_t       talk[CONTEXT];
    DecodeRequest        r[TURNS];
    DecodeResult         out;
    Decoder             *d;
    int64_t              fed = 0;

    (void)c;
    world_make(&w);
    for (int t = 0; t < PROMPT_MAX; t++)
        talk[t] = w.prompt[7][t];
    for (int i = 0; i < TURNS; i++) {
        r[i] = request(&w, i);
        r[i].prompt = talk;
        r[i].prompt_length = lengths[i];
        r[i].ignores_eos = 1;
    }
    run(&w, r, TURNS, 1, 1, 1, want);
    d = decoder_make(&w.arena, &w.net, w.vocab, 1, CONTEXT, 1);
    memset(got, 0, sizeof got);
    for (int i = 0; i < TURNS; i++) {
        r[i].reuses = 1;
        EXPECT_OK(decoder_submit(d, &r[i]));
        if (i == 2 || i == 3) { // taken back: once in its prompt, once in what it writes
            decoder_step(d);
            EXPECT(decoder_cancel(d, i));
            EXPECT_OK(decoder_submit(d, &r[i]));
        }
        for (int left = 1; left;) {
            decoder_step(d);
            left = decoder_running(d);
            while (decoder_take(d, &out))
                keep(&out, got);
        }
        EXPECT_INT(got[i].times, 1);
    }
    EXPECT(memcmp(got, want, sizeof want) == 0);
    fed = decoder_stats(d).prompt_tokens;
    EXPECT(fed >= 300 && fed < 9 + 30 + 300 + 2 + 12 + 50);
    arena_free(&w.arena);
}

// Without a vocabulary there is no eos, but a request may name what ends it.
static void tokens_end_a_sequence_without_a_vocabulary(const Comm *c)
{
    static World  w;
    DecodeRequest r;
    DecodeResult  out = {0};
    Decoder      *d;
    int32_t       first;

    (void)c;
    world_make(&w);
    d = decoder_make(&w.arena, &w.net, NULL, 1, CONTEXT, 1);
    r = request(&w, 0);
    r.ignores_eos = 0;
    r.max_tokens = 1;
    EXPECT_OK(decoder_submit(d, &r));
    decoder_step(d);
    EXPECT(decoder_take(d, &out));
    EXPECT_INT(out.end, DECODE_LENGTH);
    first = out.ids[0];
    r.max_tokens = 5;
    r.ends = 1;
    r.end[0] = first;
    EXPECT_OK(decoder_submit(d, &r));
    decoder_step(d);
    EXPECT(decoder_take(d, &out));
    EXPECT_INT(out.end, DECODE_EOS);
    EXPECT_INT(out.length, 1);
    arena_free(&w.arena);
}

static void the_context_ends_a_sequence_and_refuses_a_prompt(const Comm *c)
{
    static World  w;
    DecodeRequest r;
    DecodeResult  out = {0};
    Decoder      *d;

    (void)c;
    world_make(&w);
    d = decoder_make(&w.arena, &w.net, w.vocab, 2, 12, 1);
    r = request(&w, 0);
    r.prompt_length = 12;
    r.max_tokens = 100;
    r.ignores_eos = 1;
    EXPECT_ERR(decoder_submit(d, &r), ERR_DATA, "12 tokens; expected at most 11");
    EXPECT_INT(decoder_free_slots(d), 2);
    r.prompt_length = 11;
    EXPECT_OK(decoder_submit(d, &r));
    decoder_step(d);
    EXPECT(decoder_take(d, &out));
    EXPECT_INT(out.end, DECODE_CONTEXT);
    EXPECT_INT(out.length, 1);
    r.prompt_length = 5;
    EXPECT_OK(decoder_submit(d, &r));
    for (int i = 0; i < 6; i++) {
        decoder_step(d);
        EXPECT(!decoder_take(d, &out));
    }
    decoder_step(d);
    EXPECT(decoder_take(d, &out));
    EXPECT_INT(out.end, DECODE_CONTEXT);
    EXPECT_INT(out.length, 7);
    EXPECT(!decoder_take(d, &out));
    EXPECT_INT(decoder_running(d), 0);
    arena_free(&w.arena);
}

// Looking at sequences and forgetting some leaves the others with the bits they would have had.
static void looking_and_cancelling_disturb_nobody(const Comm *c)
{
    static World   w;
    static Written want[REQUESTS], got[REQUESTS];
    DecodeRequest  r[REQUESTS];
    Decoder       *d;
    DecodeResult   out;
    int            next = 0, cancelled = 0;

    (void)c;
    world_make(&w);
    all_requests(&w, r);
    run(&w, r, REQUESTS, 1, 1, 1, want);
    d = decoder_make(&w.arena, &w.net, w.vocab, 7, CONTEXT, 2);
    EXPECT(!decoder_look(d, 0, &out));
    EXPECT(!decoder_cancel(d, 0));
    memset(got, 0, sizeof got);
    for (int step = 0; next < REQUESTS || decoder_running(d) > 0; step++) {
        while (next < REQUESTS && decoder_free_slots(d) > 0)
            EXPECT_OK(decoder_submit(d, &r[next++]));
        for (int i = next - 1; step % 3 == 2 && i >= 0; i--) // some before their prompt was fed
            if (i % 6 == 5 && decoder_cancel(d, i)) {
                EXPECT(!decoder_look(d, i, &out));
                cancelled++;
            }
        decoder_step(d);
        while (decoder_take(d, &out))
            keep(&out, got);
        for (int i = 0; i < next; i++)
            if (decoder_look(d, i, &out)) {
                EXPECT_INT(out.tag, i);
                EXPECT(out.length < want[i].length);
                EXPECT(memcmp(out.ids, want[i].ids, (size_t)out.length * sizeof *out.ids) == 0);
                EXPECT(memcmp(out.logp, want[i].logp, (size_t)out.length * sizeof *out.logp) == 0);
                EXPECT(memcmp(out.text, want[i].text, (size_t)out.bytes) == 0);
            }
    }
    EXPECT(cancelled > 0);
    for (int i = 0; i < REQUESTS; i++)
        EXPECT(got[i].times == 0 ? i % 6 == 5 : memcmp(&got[i], &want[i], sizeof got[i]) == 0);
    arena_free(&w.arena);
}

static void top_tokens_are_those_of_the_scorer(const Comm *c)
{
    enum { TOP = 3 };
    static World     w;
    static Written   want[REQUESTS], got[REQUESTS];
    static SampleTop top[REQUESTS][NEW_MAX][TOP];
    static int32_t   token[CONTEXT];
    static float     weight[CONTEXT], logp[CONTEXT], logits[CONTEXT * 19];
    DecodeRequest    r[REQUESTS];
    Acts            *acts;
    Batch            b;

    (void)c;
    world_make(&w);
    all_requests(&w, r);
    run(&w, r, REQUESTS, 8, 2, 100, want);
    for (int i = 0; i < REQUESTS; i++)
        if (i % 2) {
            r[i].top = TOP;
            r[i].tops = top[i][0];
        }
    run(&w, r, REQUESTS, 8, 2, 100, got);
    EXPECT(memcmp(got, want, sizeof want) == 0);
    acts = acts_make(&w.arena, &w.net, CONTEXT, CONTEXT, NET_INFER);
    b = batch_make(&w.arena, CONTEXT, 1);
    for (int i = 1; i < REQUESTS; i += 2) {
        int64_t P = r[i].prompt_length;

        memcpy(token, r[i].prompt, (size_t)P * sizeof *token);
        memcpy(token + P, got[i].ids, (size_t)got[i].length * sizeof *token);
        b.N = b.docs = 0;
        batch_add(&b, token, weight, P + got[i].length, 1);
        net_score(&w.net, acts, &b, logp, logits);
        for (int64_t n = 0; n < got[i].length; n++) {
            SampleTop expected[TOP];

            sample_top(logits + (P + n - 1) * 19, 19, TOP, expected);
            EXPECT(memcmp(expected, top[i][n], sizeof expected) == 0);
        }
    }
    arena_free(&w.arena);
}

static void clear_forgets_and_stats_count(const Comm *c)
{
    static World  w;
    DecodeRequest r;
    DecodeResult  out;
    DecodeStats   stats;
    Decoder      *d;

    (void)c;
    world_make(&w);
    d = decoder_make(&w.arena, &w.net, NULL, 4, CONTEXT, 2);
    decoder_step(d); // nothing to do
    r = request(&w, 7);
    r.max_tokens = 3;
    EXPECT_INT(r.prompt_length, 301);
    EXPECT_OK(decoder_submit(d, &r));
    decoder_step(d);
    decoder_clear(d);
    EXPECT_INT(decoder_running(d), 0);
    EXPECT_INT(decoder_free_slots(d), 4);
    EXPECT_OK(decoder_submit(d, &r));
    EXPECT_OK(decoder_submit(d, &r));
    for (int i = 0; i < 4; i++) {
        EXPECT(!decoder_take(d, &out));
        decoder_step(d);
    }
    EXPECT(decoder_take(d, &out));
    EXPECT_INT(out.length, 3);
    EXPECT_TEXT(out.text, "");
    EXPECT(decoder_take(d, &out));
    EXPECT(!decoder_take(d, &out));
    stats = decoder_stats(d);
    EXPECT_INT(stats.steps, 5);
    EXPECT_INT(stats.prompt_tokens, 256 + 2 * 301);
    EXPECT_INT(stats.new_tokens, 6);
    EXPECT_INT(stats.rows, 256 + 2 * (301 + 2));
    arena_free(&w.arena);
}

static void the_need_is_exact(const Comm *c)
{
    static World w;

    (void)c;
    world_make(&w);
    for (int slots = 1; slots < 9; slots += 3)
        for (int threads = 1; threads < 4; threads++) {
            ArenaMark mark = arena_mark(&w.arena);
            int64_t   need = decoder_need(&TINY, w.vocab, slots, 50, threads);

            decoder_make(&w.arena, &w.net, w.vocab, slots, 50, threads);
            EXPECT_INT(arena_mark(&w.arena) - mark, need);
            arena_back(&w.arena, mark);
        }
    arena_free(&w.arena);
}

TEST_MAIN(CASE(decoding_does_not_depend_on_slots_threads_or_grouping),
          CASE(scoring_gives_the_bits_of_decoding), CASE(tokens_are_drawn_by_their_own_numbers),
          CASE(text_is_what_the_tokens_decode_to), CASE(stop_texts_are_found_across_tokens),
          CASE(a_stop_text_of_one_token_ends_at_once), CASE(further_tokens_end_a_sequence_like_eos),
          CASE(a_prompt_takes_over_what_the_last_one_left),
          CASE(tokens_end_a_sequence_without_a_vocabulary),
          CASE(the_context_ends_a_sequence_and_refuses_a_prompt),
          CASE(looking_and_cancelling_disturb_nobody), CASE(top_tokens_are_those_of_the_scorer),
          CASE(clear_forgets_and_stats_count), CASE(the_need_is_exact))
