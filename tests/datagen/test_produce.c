#include "datagen/produce.h"
#include "setting.h"
#include "stand_in.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 8192 };

// What a run gave, block after block, by the number of the block.
typedef struct Got {
    int64_t  next, blocks, order[ROWS_MAX], orders; // order: of blocks as they were done
    int64_t  first[ROWS_MAX + 1];                   // row of `content` where a block begins
    int64_t  rows, kept, tokens, polls, stop_at;
    uint64_t content[ROWS_MAX][4]; // id, sample, content, logp
    int      reasons[16];
    char     reason[16][32];
} Got;

static Arena   run, step;
static Source *source;
static Vocab  *vocab;

static void start(void)
{
    if (run.base == NULL) {
        EXPECT_OK(arena_make(&run, "run", 1 << 30));
        EXPECT_OK(arena_make(&step, "step", 1 << 28));
    }
    arena_back(&run, 0);
    arena_back(&step, 0);
    source = setting_source(&run, 5);
    vocab = setting_vocab(&run);
}

// ---- the script

static const char *worked_out(const char *question)
{
    static char solution[256];
    char        text[64];
    Record      r = {.arena = &step};
    ArenaMark   mark = arena_mark(&step);
    size_t      n = strcspn(question, "=");

    snprintf(text, sizeof text, "%.*s", (int)n, question);
    solution[0] = 0;
    if (source_parse(source, text, &r))
        snprintf(solution, sizeof solution, "%s", setting_field(&r, "worked"));
    arena_back(&step, mark);
    return solution;
}

static StandInAnswer answer(const char *text, DecodeEnd end)
{
    return (StandInAnswer){text, (int64_t)strlen(text), end};
}

// Right, wrong, cut, or hostile; with a hint mostly right; without a question, a proposal.
static StandInAnswer script(const char *prompt, uint64_t chance, int64_t max_tokens)
{
    static const char *const questions[] = {"1+2",  "12+34", "12+3", "",       "99999+11111",
                                            "1+2",  "7+",    "+",    "00+11",  "624+259",
                                            "\xff", "1+2",   "5+5",  "123+456"};
    const char              *question = strchr(prompt, ')');

    (void)max_tokens;
    if (strcmp(prompt, "Q") == 0)
        return answer(questions[chance % 14], chance % 14 == 2 ? DECODE_LENGTH : DECODE_STOP);
    if (question != NULL)
        return chance % 4 != 0 ? answer(worked_out(question + 1), DECODE_EOS)
                               : answer("49013;7007007", DECODE_EOS);
    switch (chance % 6) {
    case 0:
    case 1: return answer(worked_out(prompt + 1), DECODE_EOS);
    case 2: return answer("75012;7007007", DECODE_EOS);
    case 3: return answer(worked_out(prompt + 1), DECODE_LENGTH);
    case 4: return answer("((((;;;;==++Q\n", DECODE_EOS);
    default: return answer("\xff\xfe;\x80", DECODE_EOS);
    }
}

// ---- running

static int64_t take(void *self)
{
    Got *g = self;

    return g->next < g->blocks ? g->next++ : -1;
}

static Err poll(void *self)
{
    Got *g = self;

    g->polls++;
    if (g->stop_at > 0 && g->polls >= g->stop_at)
        FAIL(ERR_STOPPED, "asked to stop");
    return OK;
}

static void count_reason(Got *g, const char *reason)
{
    for (int i = 0; i < 16; i++)
        if (g->reason[i][0] == 0 || strcmp(g->reason[i], reason) == 0) {
            snprintf(g->reason[i], sizeof g->reason[i], "%s", reason);
            g->reasons[i]++;
            return;
        }
}

static int reason_count(const Got *g, const char *reason)
{
    for (int i = 0; i < 16; i++)
        if (strcmp(g->reason[i], reason) == 0)
            return g->reasons[i];
    return 0;
}

static uint64_t logp_sum(const SetRows *rows, int64_t i)
{
    int64_t  begin = rows->token_begin[i], n = rows->token_begin[i + 1] - begin;
    uint64_t sum = hash_bytes(0, rows->logp + begin, n * 4);

    return hash_bytes(sum, rows->token + begin, n * 4);
}

static Err done(void *self, int64_t block, const SetRows *rows)
{
    Got *g = self;

    CHECK(g->rows + rows->R <= ROWS_MAX, "rows");
    g->order[g->orders++] = block;
    g->first[block] = g->rows;
    for (int64_t i = 0; i < rows->R; i++, g->rows++) {
        uint64_t *out = g->content[g->rows];

        out[0] = rows->id[2 * i];
        out[1] = rows->id[2 * i + 1];
        out[2] = rows->content[i];
        out[3] = logp_sum(rows, i);
        g->kept += rows->status[i] != SET_REJECTED; // passed ones are kept for the next stage
        if (rows->reason[i] != 0)
            count_reason(g, rows->reason_names[rows->reason[i]]);
        EXPECT((rows->status[i] != SET_REJECTED) == (rows->reason[i] == 0));
        EXPECT(rows->status[i] == SET_KEPT || rows->segment_begin[i] == rows->segment_begin[i + 1]);
        EXPECT(i == 0 || rows->id[2 * i] > rows->id[2 * i - 2] ||
               rows->id[2 * i + 1] > rows->id[2 * i - 1]);
    }
    g->tokens += rows->T;
    return OK;
}

static ProduceJob job_of(const Recipe *recipe, Decoder *d, int64_t block_size, int64_t requests,
                         Got *got)
{
    got->blocks = (requests + block_size - 1) / block_size;
    return (ProduceJob){.recipe = recipe,
                        .source = source,
                        .vocab = vocab,
                        .teacher = d == NULL ? NULL : teacher_local(&run, d, vocab, NULL),
                        .seed = 11,
                        .iteration = 3,
                        .policy = 2,
                        .block_size = block_size,
                        .segment = {.requests = requests, .blocks = got->blocks},
                        .self = got,
                        .take = take,
                        .done = done,
                        .poll = poll};
}

static int by_id(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    int             i = x[0] == y[0];

    return (x[i] > y[i]) - (x[i] < y[i]);
}

static Got *produce(const Recipe *recipe, int slots, uint64_t pace, int64_t block_size,
                    int64_t requests, int64_t *most)
{
    Got         *got = arena_new(&run, Got, 1);
    Decoder     *d = stand_in_make(&run, vocab, script, slots, pace);
    ProduceJob   job = job_of(recipe, d, block_size, requests, got);
    ProduceStats stats;
    ArenaMark    mark = arena_mark(&step);

    EXPECT_OK(produce_run(&job, &step, &stats));
    EXPECT_INT(arena_mark(&step), mark);
    EXPECT_INT(stats.records, got->rows);
    EXPECT_INT(stats.kept, got->kept);
    EXPECT_INT(stats.blocks, got->blocks);
    EXPECT_INT(got->orders, got->blocks);
    if (most != NULL)
        *most = d->most;
    qsort(got->content, (size_t)got->rows, sizeof got->content[0], by_id);
    return got;
}

static void expect_same(const Got *a, const Got *b)
{
    EXPECT_INT(a->rows, b->rows);
    EXPECT(memcmp(a->content, b->content, (size_t)a->rows * sizeof a->content[0]) == 0);
}

// ---- the cases

static void produce_gives_the_same_rows_for_all_block_sizes_and_slots(const Comm *c)
{
    static const char *const names[] = {"star-addition", "addition-rejection", "addition-self"};
    int64_t                  most;

    (void)c;
    start();
    for (int i = 0; i < 3; i++) {
        Recipe *r = setting_recipe(&run, source, names[i]);
        Got    *first = produce(r, 64, 1, 64, 1000, &most);

        EXPECT(first->kept > 100 && first->kept < first->rows);
        EXPECT_INT(most, 64);
        expect_same(first, produce(r, 3, 2, 7, 1000, NULL));
        expect_same(first, produce(r, 64, 3, 1000, 1000, NULL));
        expect_same(first, produce(r, 1, 4, 333, 1000, NULL));
        expect_same(first, produce(r, 200, 5, 1, 1000, NULL));
        EXPECT_INT(first->rows, i == 1 ? 4000 : 1000);
    }
}

// ---- stages

typedef struct Staged { // one stage in one block: its rows as records of a pool
    int64_t            next, count;
    const PoolRecord **record;
    SetRows            rows;
} Staged;

static int64_t take_stage(void *self)
{
    return ((Staged *)self)->next++ == 0 ? 0 : -1;
}

static Err done_stage(void *self, int64_t block, const SetRows *rows)
{
    Staged *s = self;

    EXPECT_INT(block, 0);
    s->record = arena_new(&run, const PoolRecord *, rows->R);
    for (int64_t i = 0; i < rows->R; i++)
        if (rows->status[i] == SET_PASSED)
            s->record[s->count++] = pool_record(&run, rows, i);
    s->rows.R = rows->R;
    return OK;
}

// What a commit let pass are the requests of the next stage, with all their fields.
static void produce_goes_on_with_what_was_committed(const Comm *c)
{
    ProduceStats stats;

    (void)c;
    start();
    Recipe    *r = setting_recipe(&run, source, "addition-self");
    Decoder   *d = stand_in_make(&run, vocab, script, 16, 1);
    Staged     first = {0};
    Got       *got = arena_new(&run, Got, 1);
    ProduceJob job = job_of(r, d, 300, 300, got);

    job.self = &first, job.take = take_stage, job.done = done_stage, job.poll = NULL;
    EXPECT_OK(produce_run(&job, &step, &stats));
    EXPECT(first.count > 50 && first.count < first.rows.R);

    PoolViews views = {.input = {first.count, first.record}, .first_request = 300};

    job = job_of(r, d, 7, first.count, got);
    job.views = &views;
    job.segment.stage = 1;
    job.segment.first_request = 300;
    EXPECT_OK(produce_run(&job, &step, &stats));
    EXPECT_INT(got->rows, first.count);
    EXPECT(got->kept > 10 && got->kept < got->rows);
    EXPECT_INT(reason_count(got, "malformed"), 0); // the questions are there, and well-formed
    for (int64_t i = 0; i < got->rows; i++)
        EXPECT((got->content[i][0] & 0xffffffffff) >= 300);
}

static void expect_replay(const ProduceJob *job, const Got *whole, int64_t request, int64_t *at)
{
    ArenaMark mark = arena_mark(&step);
    SetRows   rows;

    EXPECT_OK(produce_request(job, &step, request, &rows));
    for (int64_t i = 0; i < rows.R; i++, ++*at) {
        EXPECT(rows.id[2 * i] == whole->content[*at][0]);
        EXPECT(rows.id[2 * i + 1] == whole->content[*at][1]);
        EXPECT(rows.content[i] == whole->content[*at][2]);
        EXPECT(logp_sum(&rows, i) == whole->content[*at][3]);
    }
    arena_back(&step, mark);
}

static void produce_replays_single_requests(const Comm *c)
{
    int64_t at = 0;

    (void)c;
    start();
    Recipe    *r = setting_recipe(&run, source, "addition-rejection");
    Got       *whole = produce(r, 64, 1, 64, 100, NULL);
    Decoder   *d = stand_in_make(&run, vocab, script, 2, 9);
    ProduceJob job = job_of(r, d, 64, 100, arena_new(&run, Got, 1));

    for (int64_t request = 0; request < 100; request++)
        expect_replay(&job, whole, request, &at);
    EXPECT_INT(at, whole->rows);
}

static void produce_says_why_records_are_rejected(const Comm *c)
{
    (void)c;
    start();
    Got *g = produce(setting_recipe(&run, source, "star-addition-no-hint"), 8, 1, 50, 600, NULL);

    EXPECT(reason_count(g, "wrong") > 200);
    EXPECT(reason_count(g, "unfinished") > 50);
    EXPECT_INT(g->rows, 600);
    g = produce(setting_recipe(&run, source, "addition-self"), 8, 1, 50, 600, NULL);
    EXPECT(reason_count(g, "malformed") > 100);
    EXPECT(reason_count(g, "unfinished") > 10);
    g = produce(setting_recipe(&run, source, "addition-rejection"), 8, 1, 50, 600, NULL);
    EXPECT(reason_count(g, "duplicate") > 50);
}

static int64_t row_of_request(const SetRows *rows, uint64_t request)
{
    for (int64_t i = 0; i < rows->R; i++)
        if ((rows->id[2 * i] & 0xffffffffff) == request)
            return i;
    return -1;
}

typedef struct Seen { // the rows of a run of one block
    int64_t next;
    SetRows rows;
    void (*look)(const SetRows *rows);
} Seen;

static int64_t take_one(void *self)
{
    return ((Seen *)self)->next++ == 0 ? 0 : -1;
}

static Err look(void *self, int64_t block, const SetRows *rows)
{
    EXPECT_INT(block, 0);
    ((Seen *)self)->look(rows);
    return OK;
}

static void produce_block(const Recipe *r, Decoder *d, void (*see)(const SetRows *rows))
{
    Seen         seen = {.look = see};
    ProduceStats stats;
    int64_t      requests = recipe_requests(r);
    ProduceJob   job = {.recipe = r,
                        .source = source,
                        .vocab = vocab,
                        .teacher = d == NULL ? NULL : teacher_local(&run, d, vocab, NULL),
                        .seed = 11,
                        .block_size = requests,
                        .segment = {.requests = requests, .blocks = 1},
                        .self = &seen,
                        .take = take_one,
                        .done = look};

    EXPECT_OK(produce_run(&job, &step, &stats));
    EXPECT_INT(stats.blocks, 1);
}

static void spell(const SetRows *rows, int64_t row, char *text, char *mask)
{
    int32_t ids[256];
    float   weight[256];
    int64_t length = 0;
    Text    t = text_make(&run);

    EXPECT_OK(produce_tokens(vocab, &step, rows, row, ids, weight, 256, &length));
    for (int64_t i = 0; i < length; i++) {
        vocab_decode(vocab, ids[i], &t);
        mask[i] = weight[i] > 0 ? '1' : '0';
    }
    mask[length] = 0;
    memcpy(text, t.data, (size_t)t.length + 1);
}

static void look_at_seeds(const SetRows *rows)
{
    char plain[256], hinted[256], mask[256], want[512];

    EXPECT_INT(rows->R, 400);
    for (int64_t i = 0; i < rows->R; i += 2) {
        const char *work;
        int64_t     a, b;

        EXPECT_INT(rows->status[i] + rows->status[i + 1], 0);
        EXPECT_TEXT(rows->source_names[rows->source[i]], "gold");
        EXPECT_INT(rows->policy[i], -1);
        spell(rows, i, plain, mask);
        work = strchr(plain, '=') + 1;
        EXPECT_INT((int64_t)strspn(mask, "0"), work - plain);
        EXPECT_INT((int64_t)strspn(mask + (work - plain), "1"), (int64_t)strlen(work));
        a = atoll(plain + 1);
        b = atoll(strchr(plain, '+') + 1);
        spell(rows, i + 1, hinted, mask);
        snprintf(want, sizeof want, "Q(%0*lld)%s", (int)rows->group[i] + 2, (long long)(a + b),
                 plain + 1);
        EXPECT_TEXT(hinted, want);
    }
}

static void produce_makes_the_seeds_in_both_forms(const Comm *c)
{
    (void)c;
    start();
    produce_block(setting_recipe(&run, source, "addition-seeds"), NULL, look_at_seeds);
}

static void look_at_star(const SetRows *rows)
{
    char text[256], mask[256], want[512];
    int  rationalized = 0, right = -1;

    for (int k = 0; k < rows->scores; k++)
        right = strcmp(rows->score_name[k], "right") == 0 ? k : right;
    for (int64_t i = 0; i < rows->R; i++) {
        if (rows->status[i] != SET_KEPT)
            continue;
        spell(rows, i, text, mask);
        snprintf(want, sizeof want, "%s\n", worked_out(text + 1));
        EXPECT_TEXT(strchr(text, '=') + 1, want);
        EXPECT(strchr(text, '(') == NULL); // no hint is learned
        EXPECT(rows->score[right][i] == 1);
        EXPECT(rows->rng[2 * i] == 11 && rows->policy[i] == 0);
        rationalized += strcmp(rows->source_names[rows->source[i]], "rationalized") == 0;
    }
    EXPECT(rationalized > 500);
}

static void produce_never_trains_on_the_hint(const Comm *c)
{
    (void)c;
    start();
    produce_block(setting_recipe(&run, source, "star-addition"),
                  stand_in_make(&run, vocab, script, 64, 1), look_at_star);
}

static void look_at_test(const SetRows *rows)
{
    EXPECT_INT(rows->R, 900);
    EXPECT_INT(rows->S, 0);
    EXPECT(row_of_request(rows, 899) == 899);
    EXPECT_INT(rows->group[899], 4);
}

static void produce_evaluates_without_emitting(const Comm *c)
{
    (void)c;
    start();
    produce_block(setting_recipe(&run, source, "addition-held-out"),
                  stand_in_make(&run, vocab, script, 64, 1), look_at_test);
}

static void produce_stops_when_it_is_told(const Comm *c)
{
    ProduceStats stats;

    (void)c;
    start();
    Got       *got = arena_new(&run, Got, 1);
    Decoder   *d = stand_in_make(&run, vocab, script, 16, 1);
    ProduceJob job = job_of(setting_recipe(&run, source, "star-addition"), d, 50, 1000, got);

    got->stop_at = 20;
    EXPECT_ERR(produce_run(&job, &step, &stats), ERR_STOPPED, "asked");
    EXPECT_INT(decoder_running(d), 0);
    EXPECT(got->orders < got->blocks);
    EXPECT_INT(step.used, 0);
}

static void produce_survives_no_blocks_and_one_request(const Comm *c)
{
    ProduceStats stats;

    (void)c;
    start();
    Got       *got = arena_new(&run, Got, 1);
    Decoder   *d = stand_in_make(&run, vocab, script, 16, 1);
    Recipe    *r = setting_recipe(&run, source, "star-addition");
    ProduceJob job = job_of(r, d, 50, 1000, got);

    got->blocks = 0;
    EXPECT_OK(produce_run(&job, &step, &stats));
    EXPECT_INT(stats.blocks, 0);
    EXPECT_INT(produce(r, 1, 1, 1, 1, NULL)->rows, 1);
}

static void produce_refuses_a_vocabulary_that_does_not_fit(const Comm *c)
{
    ProduceStats stats;
    Recipe      *r = NULL;

    (void)c;
    start();
    EXPECT_OK(setting_steps(&run, source,
                            "{\"do\": \"draw\", \"from\": \"seeds\"}, {\"do\": \"emit\", "
                            "\"messages\": [{\"role\": \"user\", \"text\": \"Add {question}\", "
                            "\"weight\": 1}]}",
                            &r));
    ProduceJob job = job_of(r, NULL, 50, 400, arena_new(&run, Got, 1));

    EXPECT_ERR(produce_run(&job, &step, &stats), ERR_CONFIG, "Add ");
}

// ---- hostile models

static StandInAnswer huge(const char *prompt, uint64_t chance, int64_t max_tokens)
{
    static char text[STAND_IN_TOKENS];

    (void)prompt, (void)max_tokens;
    memset(text, chance % 2 ? '1' : ',', sizeof text);
    return (StandInAnswer){text, (int64_t)sizeof text, DECODE_EOS};
}

static StandInAnswer noise(const char *prompt, uint64_t chance, int64_t max_tokens)
{
    static char text[64];

    (void)prompt, (void)max_tokens;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)hash_u64(chance, i);
    return (StandInAnswer){text, (int64_t)(chance % 64), DECODE_EOS};
}

static StandInAnswer specials(const char *prompt, uint64_t chance, int64_t max_tokens)
{
    static const char *const texts[] = {"Q", "1\n2", ".", "x", "\xc3\xa9", "12", "", "{eos}"};

    (void)prompt, (void)max_tokens;
    return answer(texts[chance % 8], DECODE_EOS);
}

// Learns and asks again with whatever the model wrote.
static const char hostile[] =
    "{\"do\": \"draw\", \"from\": \"problems\", \"count\": 200},"
    "{\"do\": \"generate\", \"text\": \"{bos}{question}=\", \"into\": \"work\", \"max_tokens\": "
    "4096, \"samples\": 2},"
    "{\"do\": \"verify\", \"by\": \"steps\", \"in\": \"work\", \"into\": \"sound\"},"
    "{\"do\": \"generate\", \"text\": \"{bos}{work}\", \"into\": \"more\", \"max_tokens\": "
    "\"{max_tokens}\"},"
    "{\"do\": \"parse\", \"by\": \"pattern\", \"in\": \"more\", \"pattern\": \"^(([0-9]|,)*)$\", "
    "\"into\": [\"x\", \"y\"]},"
    "{\"do\": \"emit\", \"messages\": [{\"role\": \"user\", \"text\": \"{bos}{x}{work}{more}\", "
    "\"weight\": 1}]}";

static const SetRows *hostile_rows; // of the last run, while it is looked at

static void look_at_hostile(const SetRows *rows)
{
    char    text[1024], mask[1024];
    int64_t kept = 0;

    hostile_rows = rows;
    for (int64_t i = 0; i < rows->R; i++) {
        if (rows->status[i] != SET_KEPT)
            continue;
        kept++;
        spell(rows, i, text, mask);
        EXPECT(strspn(text + 1, "0123456789+=,;()>") == strlen(text + 1));
    }
    EXPECT_INT(rows->R, 400);
    check_compared(kept);
}

static void produce_survives_hostile_models(const Comm *c)
{
    static const StandInScript models[] = {huge, noise, specials};
    Recipe                    *r = NULL;

    (void)c;
    start();
    EXPECT_OK(setting_steps(&run, source, hostile, &r));
    for (int i = 0; i < 3; i++)
        produce_block(r, stand_in_make(&run, vocab, models[i], 16, 1), look_at_hostile);
    EXPECT(hostile_rows != NULL);
}

// ---- samples and siblings

static const char forks[] =
    "{\"do\": \"draw\", \"from\": \"problems\", \"count\": 20},"
    "{\"do\": \"generate\", \"text\": \"{bos}{question}=\", \"into\": \"work\", \"max_tokens\": 9, "
    "\"samples\": 3},"
    "{\"do\": \"verify\", \"by\": \"answer\", \"in\": \"work\", \"after\": \";\", \"gold\": "
    "\"{answer}\"},"
    "{\"do\": \"when\", \"right\": true, \"steps\": ["
    "{\"do\": \"generate\", \"text\": \"{bos}({hint}){question}=\", \"into\": \"again\", "
    "\"max_tokens\": 9, \"samples\": 2},"
    "{\"do\": \"select\", \"cap\": 3}]}";

static void look_at_forks(const SetRows *rows)
{
    int64_t right = 0, most = 0, capped = 0;

    for (int64_t i = 0; i < rows->R; i++) {
        right = i > 0 && rows->id[2 * i] == rows->id[2 * i - 2] ? right : 0;
        right += rows->score[1][i] >= 0 && rows->status[i] == SET_KEPT &&
                 strcmp(rows->score_name[2], "right") == 0 && rows->score[2][i] == 1;
        most = right > most ? right : most;
        capped += rows->status[i] == SET_REJECTED;
        EXPECT(rows->id[2 * i + 1] < 6); // 3 samples, and 3 more of those that were right
    }
    EXPECT_INT(most, 3);
    EXPECT(capped > 0);
    EXPECT(rows->R > 60);
}

static void samples_of_samples_have_numbers_of_their_own(const Comm *c)
{
    Recipe *r = NULL;

    (void)c;
    start();
    EXPECT_OK(setting_steps(&run, source, forks, &r));
    produce_block(r, stand_in_make(&run, vocab, script, 5, 1), look_at_forks);
    Got *a = produce(r, 5, 1, 3, 20, NULL), *b = produce(r, 64, 2, 20, 20, NULL);
    expect_same(a, b);
}

// ---- documents of training

static void look_at_room(const SetRows *rows)
{
    int32_t ids[16];
    float   weight[16];
    int64_t length;

    EXPECT_OK(produce_tokens(vocab, &step, rows, 0, ids, weight, 14, &length));
    EXPECT(length == 13 || length == 14);
    EXPECT_ERR(produce_tokens(vocab, &step, rows, 0, ids, weight, 7, &length), ERR_DATA, "longer");
    EXPECT_INT(length, 0);
    EXPECT_ERR(produce_tokens(vocab, &step, rows, 0, ids, weight, 12, &length), ERR_DATA, "longer");
    EXPECT_ERR(produce_tokens(vocab, &step, rows, 0, ids, weight, 0, &length), ERR_DATA, "longer");
}

static void produce_tokens_never_cuts(const Comm *c)
{
    (void)c;
    start();
    produce_block(setting_recipe(&run, source, "addition-seeds"), NULL, look_at_room);
}

TEST_MAIN(CASE(produce_gives_the_same_rows_for_all_block_sizes_and_slots),
          CASE(produce_goes_on_with_what_was_committed), CASE(produce_replays_single_requests),
          CASE(produce_says_why_records_are_rejected), CASE(produce_makes_the_seeds_in_both_forms),
          CASE(produce_never_trains_on_the_hint), CASE(produce_evaluates_without_emitting),
          CASE(produce_stops_when_it_is_told), CASE(produce_survives_no_blocks_and_one_request),
          CASE(produce_refuses_a_vocabulary_that_does_not_fit),
          CASE(produce_survives_hostile_models), CASE(samples_of_samples_have_numbers_of_their_own),
          CASE(produce_tokens_never_cuts))
