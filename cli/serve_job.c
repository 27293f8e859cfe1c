// Jobs: from a request that was understood to the texts that answer it.
#include "cli/serve.h"
#include "cli/talk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { JOB_BYTES_MAX = 1 << 30 };

// ---- beginning

static int64_t tokens_of(const Serve *s, const ServeJob *job, int64_t prompt)
{
    int64_t room = s->context - job->prompt[prompt].length;

    return job->ask.max_tokens < room ? job->ask.max_tokens : room;
}

static int scores_prompts(const ServeJob *job)
{
    return job->echo && job->tells_logp;
}

static int64_t job_need(const Serve *s, const ServeJob *job)
{
    int64_t top = job->ask.top * (int64_t)sizeof(SampleTop);
    int64_t longest = s->vocab != NULL ? vocab_token_bytes(s->vocab) : 0;
    int64_t need = arena_need(job->prompts, (int64_t)sizeof(ServePrompt)) +
                   arena_need(job->prompts * job->n, (int64_t)sizeof(ServeChoice));

    for (int64_t p = 0; p < job->prompts; p++) {
        int64_t length = job->prompt[p].length, new = tokens_of(s, job, p);

        need += arena_need(length, 4) + arena_need(job->prompt[p].bytes + 1, 1);
        if (scores_prompts(job))
            need += arena_need(length, 4) + arena_need(length, top > 0 ? top : 1);
        need += job->n * (2 * arena_need(new, 4) + arena_need(new, top > 0 ? top : 1) +
                          arena_need(new *longest + 1, 1));
    }
    for (int i = 0; i < job->ask.stops; i++)
        need += arena_need((int64_t)strlen(job->ask.stop[i]) + 1, 1);
    return need;
}

static int32_t *copy_ids(Arena *a, const int32_t *id, int64_t length)
{
    int32_t *copy = arena_new(a, int32_t, length);

    if (length > 0)
        memcpy(copy, id, (size_t)length * sizeof *id);
    return copy;
}

// What the job points to goes from scratch into its own arena.
static void settle(const Serve *s, ServeJob *job, const ServeJob *read)
{
    Arena *a = &job->arena;
    int    top = job->ask.top;

    job->prompt = arena_new(a, ServePrompt, job->prompts);
    job->choices = job->prompts * job->n;
    job->choice = arena_new(a, ServeChoice, job->choices);
    for (int i = 0; i < job->ask.stops; i++)
        job->ask.stop[i] = arena_text(a, read->ask.stop[i]);
    for (int64_t p = 0; p < job->prompts; p++) {
        ServePrompt *to = &job->prompt[p];

        *to = read->prompt[p];
        to->id = copy_ids(a, to->id, to->length);
        to->text = arena_text_n(a, to->text, to->bytes);
        if (scores_prompts(job))
            to->logp = arena_new(a, float, to->length);
        if (scores_prompts(job) && top > 0)
            to->tops = arena_new(a, SampleTop, to->length * top);
        for (int64_t i = 0; i < job->n; i++) {
            ServeChoice *c = &job->choice[p * job->n + i];

            *c = (ServeChoice){.prompt = p, .sample = i, .written = {.end = DECODE_LENGTH}};
            if (top > 0)
                c->tops = arena_new(a, SampleTop, tokens_of(s, job, p) * top);
        }
    }
}

// The same bits as `tandem score`: one document at a time, through the same function.
static void score_prompt(Serve *s, const ServeJob *job, ServePrompt *p)
{
    ArenaMark mark = arena_mark(s->scratch);
    Batch     b = batch_make(s->scratch, p->length, 1);
    float    *weight = arena_new(s->scratch, float, p->length);
    float    *logp = arena_new(s->scratch, float, p->length);
    int64_t   V = s->net.params.dims.V;
    int       top = job->ask.top;

    batch_add(&b, p->id, weight, p->length, 1.0f);
    net_score(&s->net, s->acts, &b, logp, top > 0 ? s->logits : NULL);
    for (int64_t t = 1; t < p->length; t++) { // net_score gives them at the token before
        p->logp[t] = logp[t - 1];
        if (top > 0)
            sample_top(s->logits + (t - 1) * V, V, top, p->tops + t * top);
    }
    arena_back(s->scratch, mark);
}

static ServeJob *free_job(Serve *s)
{
    for (int i = 0; i < s->jobs; i++)
        if (!s->job[i].is_used)
            return &s->job[i];
    return NULL;
}

Err serve_begin(Serve *s, int64_t number, const ServeJob *read, ServeFault *fault)
{
    ServeJob *job = free_job(s);
    int64_t   need = job_need(s, read);

    CHECK(job != NULL, "more jobs than connections");
    if (need > JOB_BYTES_MAX)
        FAIL(ERR_DATA,
             "one request asks for too much at once (%" PRId64
             " MiB): fewer prompts, a smaller n, max_tokens or logprobs",
             need >> 20);
    fault->status = 500;
    *job = *read;
    TRY(arena_make(&job->arena, "job", need));
    job->is_used = 1;
    job->number = number;
    job->created = (int64_t)time(NULL);
    snprintf(job->id, sizeof job->id, "%s-%016" PRIx64 "%08" PRIx64,
             job->kind == SERVE_CHAT ? "chatcmpl" : "cmpl", s->random, s->counter++);
    settle(s, job, read);
    for (int64_t p = 0; p < job->prompts && scores_prompts(job); p++)
        score_prompt(s, job, &job->prompt[p]);
    s->waiting += job->choices;
    if (job->stream)
        http_server_stream(s->http, number, "text/event-stream");
    return OK;
}

// ---- answering

static void send_event(Serve *s, ServeJob *job, ServeChoice *c, int64_t bytes)
{
    ArenaMark mark = arena_mark(s->scratch);
    Text      t = text_make(s->scratch);

    serve_write_event(&t, s, job, c, bytes);
    http_server_chunk(s->http, job->number, t.data, t.length);
    arena_back(s->scratch, mark);
}

static void free_up(Serve *s, ServeJob *job)
{
    s->waiting -= job->choices - job->submitted;
    arena_free(&job->arena);
    *job = (ServeJob){0};
}

static void answer(Serve *s, ServeJob *job)
{
    ArenaMark mark = arena_mark(s->scratch);
    Text      t = text_make(s->scratch);

    if (job->stream) {
        if (job->tells_usage)
            serve_write_usage_event(&t, s, job);
        text_puts(&t, "data: [DONE]\n\n");
        http_server_chunk(s->http, job->number, t.data, t.length);
        http_server_end(s->http, job->number);
    } else {
        serve_write_reply(&t, s, job);
        http_server_reply(s->http, job->number,
                          &(HttpReply){200, "application/json", t.data, t.length, NULL, NULL});
    }
    arena_back(s->scratch, mark);
    free_up(s, job);
}

static void end_choice(Serve *s, ServeJob *job, ServeChoice *c)
{
    c->state = SERVE_ENDED;
    job->ended++;
    if (job->stream)
        send_event(s, job, c, serve_view(s, job, c).bytes);
    if (job->ended == job->choices)
        answer(s, job);
}

// ---- the decoder's side

static void submit_choice(Serve *s, ServeJob *job)
{
    ServeChoice  *c = &job->choice[job->submitted++];
    ServePrompt  *p = &job->prompt[c->prompt];
    DecodeRequest r = job->ask;
    int           tag = 0;

    s->waiting--;
    r.max_tokens = tokens_of(s, job, c->prompt);
    if (r.max_tokens == 0) {
        end_choice(s, job, c);
        return;
    }
    while (s->run[tag].job != NULL)
        tag++;
    s->run[tag] = (ServeRun){job, c};
    r.prompt = p->id;
    r.prompt_length = p->length;
    if (!job->has_seed) // a key that nobody else has; else the same key gives the same text
        r.seed = s->random + s->counter++;
    r.stream = rng_stream("serve", (uint64_t)c->sample, 0, 0);
    r.tops = c->tops;
    r.tag = tag;
    c->state = SERVE_RUNS;
    CHECK(decoder_submit(s->decoder, &r) == OK, "a prompt of %" PRId64, p->length);
}

void serve_submit(Serve *s)
{
    while (s->waiting > 0 && decoder_free_slots(s->decoder) > 0) {
        ServeJob *job = &s->job[s->turn];

        s->turn = (s->turn + 1) % s->jobs;
        if (job->is_used && job->submitted < job->choices)
            submit_choice(s, job);
    }
}

// Results of the decoder are gone with its next step.
static void keep(ServeJob *job, ServeChoice *c, const DecodeResult *r)
{
    float *logp = arena_new(&job->arena, float, r->length);

    memcpy(logp, r->logp, (size_t)r->length * sizeof *logp);
    c->written = *r;
    c->written.ids = copy_ids(&job->arena, r->ids, r->length);
    c->written.logp = logp;
    c->written.text = arena_text_n(&job->arena, r->text, r->bytes);
}

void serve_collect(Serve *s)
{
    DecodeResult r;

    while (decoder_take(s->decoder, &r)) {
        ServeRun run = s->run[r.tag];

        s->run[r.tag] = (ServeRun){0};
        keep(run.job, run.choice, &r);
        end_choice(s, run.job, run.choice);
    }
}

void serve_stream(Serve *s)
{
    for (int tag = 0; tag < s->slots; tag++) {
        ServeRun     run = s->run[tag];
        ArenaMark    mark = arena_mark(s->scratch);
        ServeView    view;
        DecodeResult now;

        if (run.job == NULL || !run.job->stream || !decoder_look(s->decoder, tag, &now))
            continue;
        run.choice->written = now;
        view = serve_view(s, run.job, run.choice);
        view.bytes -= talk_unsure(&run.job->ask, now.text, now.bytes);
        if (view.bytes > run.choice->sent)
            send_event(s, run.job, run.choice, view.bytes);
        run.choice->written = (DecodeResult){0};
        arena_back(s->scratch, mark);
    }
}

void serve_cancel(Serve *s, int64_t number)
{
    for (int i = 0; i < s->jobs; i++) {
        ServeJob *job = &s->job[i];

        if (!job->is_used || job->number != number)
            continue;
        for (int tag = 0; tag < s->slots; tag++)
            if (s->run[tag].job == job) {
                decoder_cancel(s->decoder, tag);
                s->run[tag] = (ServeRun){0};
            }
        free_up(s, job);
    }
}

int serve_open_jobs(const Serve *s)
{
    int open = 0;

    for (int i = 0; i < s->jobs; i++)
        open += s->job[i].is_used;
    return open;
}
