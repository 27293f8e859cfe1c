#include "model/decode.h"

#include "base/rng.h"

#include <inttypes.h>
#include <omp.h>
#include <string.h>

enum {
    PROMPT_ROWS = 256, // rows of prompts that a lane feeds in one step, beside one per sequence
    HALVES = 2         // results of a slot outlive its refill until the next step
};

// What a sequence leaves behind.  Each slot has two, in turn.
typedef struct Story {
    int32_t *token; // [context] the prompt, then what was drawn
    float   *logp;  // [context] of what was drawn
    Text     text;  // of what was drawn; has room for `context` tokens
} Story;

typedef struct Slot {
    int           is_busy, has_ended; // ended: in the step that runs
    int64_t       number;             // of its submission
    DecodeRequest request;            // .prompt is not used
    Story         story[HALVES];
    int           half;         // which story is being written
    int           last;         // which one the cache is about
    int64_t       length, fed;  // tokens known; tokens whose keys and values are in the cache
    int64_t       longest_stop; // bytes
    DecodeEnd     end;
    int           stop;
} Slot;

// The share of one thread: a run of slots, and everything that a step of them needs.
typedef struct Lane {
    int         first, last, running; // slots first <= s < last
    int        *queue;                // [last - first] slots whose prompt is not yet fed, in order
    int         queued;
    Acts       *acts;
    int64_t     rows, wants; // of this step
    int32_t    *token, *position, *slot;
    int64_t    *want;
    int        *want_slot; // [last - first] slot of each row that is wanted
    float      *logits;    // [last - first][V]
    double     *work;      // [V]
    void       *spare;     // V * 16 bytes
    DecodeStats stats;
} Lane;

typedef struct Done { // kept apart from the slot, which may be filled again before it is taken
    int64_t      number;
    DecodeResult result;
} Done;

struct Decoder {
    const Net   *net;   // borrowed
    const Vocab *vocab; // borrowed, or NULL
    int          slots, lanes, threads;
    int64_t      context, submitted, steps;
    Cache       *cache;
    Slot        *slot; // [slots]
    Lane        *lane; // [lanes]
    Done        *done; // [slots] what ended in this step, in the order of submission
    int          dones, taken;
};

// ---- making

static int lanes_for(int slots, int threads)
{
    return threads < 1 ? 1 : threads < slots ? threads : slots;
}

static int lane_begin(int slots, int lanes, int lane)
{
    return (int)((int64_t)slots * lane / lanes);
}

static int64_t text_room(const Vocab *v, int64_t context)
{
    return (v == NULL ? 0 : context * vocab_token_bytes(v)) + 1;
}

static int64_t slot_need(const Vocab *v, int64_t context)
{
    return HALVES *
           (arena_need(context, (int64_t)sizeof(int32_t)) +
            arena_need(context, (int64_t)sizeof(float)) + arena_need(text_room(v, context), 1));
}

static void slot_make(Arena *run, const Vocab *v, int64_t context, Slot *s)
{
    int64_t room = text_room(v, context);

    for (int h = 0; h < HALVES; h++) {
        s->story[h].token = arena_new(run, int32_t, context);
        s->story[h].logp = arena_new(run, float, context);
        s->story[h].text = (Text){
            .data = arena_new(run, char, room),
            .capacity = room,
            .arena = run,
        };
    }
}

static int64_t lane_need(const Dims *d, int slots, int64_t context)
{
    int64_t rows = slots + PROMPT_ROWS;

    return acts_need(d, rows, context, NET_INFER) + 3 * arena_need(rows, (int64_t)sizeof(int32_t)) +
           arena_need(slots, (int64_t)sizeof(int64_t)) +
           2 * arena_need(slots, (int64_t)sizeof(int)) +
           arena_need(slots * d->V, (int64_t)sizeof(float)) +
           arena_need(d->V, (int64_t)sizeof(double)) + arena_need(d->V, 16);
}

static void lane_make(Arena *run, const Net *net, int64_t context, Lane *l)
{
    int     slots = l->last - l->first;
    int64_t rows = slots + PROMPT_ROWS, V = net->params.dims.V;

    l->acts = acts_make(run, net, rows, context, NET_INFER);
    l->token = arena_new(run, int32_t, rows);
    l->position = arena_new(run, int32_t, rows);
    l->slot = arena_new(run, int32_t, rows);
    l->want = arena_new(run, int64_t, slots);
    l->queue = arena_new(run, int, slots);
    l->want_slot = arena_new(run, int, slots);
    l->logits = arena_new(run, float, slots *V);
    l->work = arena_new(run, double, V);
    l->spare = arena_push(run, V, 16);
}

int64_t decoder_need(const Dims *d, const Vocab *vocab, int slots, int64_t context, int threads)
{
    int     lanes = lanes_for(slots, threads);
    int64_t need = arena_need(1, (int64_t)sizeof(Decoder)) + cache_need(d, slots, context) +
                   arena_need(slots, (int64_t)sizeof(Slot)) + slots * slot_need(vocab, context) +
                   arena_need(lanes, (int64_t)sizeof(Lane)) +
                   arena_need(slots, (int64_t)sizeof(Done));

    for (int i = 0; i < lanes; i++)
        need +=
            lane_need(d, lane_begin(slots, lanes, i + 1) - lane_begin(slots, lanes, i), context);
    return need;
}

// Texts have room for the longest tokens there are, so that no thread ever needs more memory.
static void check_tokens(Arena *scratch, const Vocab *v)
{
    ArenaMark mark = arena_mark(scratch);
    Text      t = text_make(scratch);

    for (int32_t id = 0; id < vocab_size(v); id++) {
        t.length = 0;
        vocab_decode(v, id, &t);
        CHECK(t.length <= vocab_token_bytes(v), "token %d has %" PRId64 " bytes", id, t.length);
    }
    arena_back(scratch, mark);
}

Decoder *decoder_make(Arena *run, const Net *net, const Vocab *vocab, int slots, int64_t context,
                      int threads)
{
    const Dims *dims = &net->params.dims;
    Decoder    *d = arena_new(run, Decoder, 1);

    CHECK(slots > 0 && context > 0 && context <= dims->T,
          "%d slots, context %" PRId64 " of %" PRId64, slots, context, dims->T);
    if (vocab != NULL)
        check_tokens(run, vocab);
    *d = (Decoder){.net = net, .vocab = vocab, .slots = slots, .context = context};
    d->threads = threads < 1 ? 1 : threads;
    d->lanes = lanes_for(slots, threads);
    d->cache = cache_make(run, dims, slots, context);
    d->slot = arena_new(run, Slot, slots);
    d->lane = arena_new(run, Lane, d->lanes);
    d->done = arena_new(run, Done, slots);
    for (int s = 0; s < slots; s++)
        slot_make(run, vocab, context, &d->slot[s]);
    for (int i = 0; i < d->lanes; i++) {
        d->lane[i].first = lane_begin(slots, d->lanes, i);
        d->lane[i].last = lane_begin(slots, d->lanes, i + 1);
        lane_make(run, net, context, &d->lane[i]);
    }
    return d;
}

// ---- submitting

int decoder_running(const Decoder *d)
{
    int running = 0;

    for (int i = 0; i < d->lanes; i++)
        running += d->lane[i].running;
    return running;
}

int decoder_free_slots(const Decoder *d)
{
    return d->slots - decoder_running(d);
}

// The lane with the fewest sequences that has a slot left.
static Lane *emptiest_lane(Decoder *d)
{
    Lane *best = NULL;

    for (int i = 0; i < d->lanes; i++) {
        Lane *l = &d->lane[i];
        if (l->running < l->last - l->first && (best == NULL || l->running < best->running))
            best = l;
    }
    CHECK(best != NULL, "submitted without a free slot");
    return best;
}

static int free_slot(const Decoder *d, const Lane *l)
{
    int s = l->first;

    while (d->slot[s].is_busy)
        s++;
    return s;
}

static int64_t longest_stop(const DecodeRequest *r)
{
    int64_t longest = 0;

    for (int i = 0; i < r->stops; i++) {
        int64_t length = (int64_t)strlen(r->stop[i]);
        CHECK(length > 0, "an empty stop text");
        longest = length > longest ? length : longest;
    }
    return longest;
}

// The tokens at the beginning of a prompt whose keys and values are in the cache.  The last token
// of the prompt is fed in any case: its logits are wanted.
static int64_t known_tokens(const Slot *s, const DecodeRequest *r)
{
    int64_t most = s->fed < r->prompt_length ? s->fed : r->prompt_length - 1, n = 0;

    while (n < most && s->story[s->last].token[n] == r->prompt[n])
        n++;
    return n;
}

Err decoder_submit(Decoder *d, const DecodeRequest *r)
{
    Lane *l;
    Slot *s;

    CHECK(r->prompt_length > 0 && r->max_tokens > 0, "%" PRId64 " prompt tokens, %" PRId64 " new",
          r->prompt_length, r->max_tokens);
    CHECK(0 <= r->stops && r->stops <= DECODE_STOPS_MAX && (r->stops == 0 || d->vocab != NULL),
          "%d stop texts", r->stops);
    CHECK(0 <= r->ends && r->ends <= DECODE_ENDS_MAX, "%d end tokens", r->ends);
    CHECK(r->top >= 0 && r->top <= SAMPLE_TOP_MAX && (r->top == 0) == (r->tops == NULL),
          "%d most likely tokens", r->top);
    if (r->prompt_length + 1 > d->context)
        FAIL(ERR_DATA,
             "a prompt has %" PRId64 " tokens; expected at most %" PRId64 ", one less than the "
             "context of %" PRId64 ": shorten the prompt or decode with a longer context",
             r->prompt_length, d->context - 1, d->context);
    l = emptiest_lane(d);
    l->running++;
    l->queue[l->queued] = free_slot(d, l);
    s = &d->slot[l->queue[l->queued++]];
    s->is_busy = 1;
    s->number = d->submitted++;
    s->request = *r;
    s->half ^= 1;
    s->fed = r->reuses ? known_tokens(s, r) : 0;
    s->last = s->half;
    memcpy(s->story[s->half].token, r->prompt, (size_t)r->prompt_length * sizeof *r->prompt);
    s->story[s->half].text.length = 0;
    s->story[s->half].text.data[0] = 0;
    s->length = r->prompt_length;
    s->longest_stop = longest_stop(r);
    return OK;
}

// ---- one step of a lane

// Rows for the next `count` tokens of a slot; the last token that is known wants logits.
static void feed(Decoder *d, Lane *l, int number, int64_t count)
{
    Slot *s = &d->slot[number];

    for (int64_t i = 0; i < count; i++) {
        int64_t row = l->rows++, at = s->fed++;

        l->token[row] = s->story[s->half].token[at];
        l->position[row] = (int32_t)at;
        l->slot[row] = number;
    }
    if (s->fed == s->length) {
        l->want[l->wants] = l->rows - 1;
        l->want_slot[l->wants++] = number;
    }
}

// One row for every sequence that has begun, then prompts, in order, while there is room.
static void collect_rows(Decoder *d, Lane *l)
{
    int64_t room = PROMPT_ROWS;
    int     through = 0;

    l->rows = l->wants = 0;
    for (int s = l->first; s < l->last; s++)
        if (d->slot[s].is_busy && d->slot[s].length > d->slot[s].request.prompt_length)
            feed(d, l, s, 1);
    while (through < l->queued && room > 0) {
        Slot   *s = &d->slot[l->queue[through]];
        int64_t left = s->length - s->fed, count = left < room ? left : room;

        feed(d, l, l->queue[through], count);
        l->stats.prompt_tokens += count;
        room -= count;
        through += s->fed == s->length;
    }
    l->queued -= through;
    memmove(l->queue, l->queue + through, (size_t)l->queued * sizeof *l->queue);
}

static int64_t find(const char *text, int64_t from, int64_t length, const char *what)
{
    int64_t bytes = (int64_t)strlen(what);

    for (int64_t at = from; at + bytes <= length; at++)
        if (memcmp(text + at, what, (size_t)bytes) == 0)
            return at;
    return -1;
}

// Looks for stop texts that end in what came after `old` bytes; cuts the text before the first.
static int find_stop(Slot *s, int64_t old)
{
    Text   *t = &s->story[s->half].text;
    int64_t from = old - s->longest_stop + 1, first = t->length;

    s->stop = -1;
    for (int i = 0; i < s->request.stops; i++) {
        int64_t at = find(t->data, from > 0 ? from : 0, t->length, s->request.stop[i]);
        if (at >= 0 && at < first) {
            first = at;
            s->stop = i;
        }
    }
    t->length = first;
    t->data[first] = 0;
    return s->stop >= 0;
}

static void finish(Lane *l, Slot *s, DecodeEnd end)
{
    s->end = end;
    s->has_ended = 1;
    s->is_busy = 0;
    l->running--;
}

static int is_end(const Decoder *d, const DecodeRequest *r, int32_t token)
{
    for (int i = 0; i < r->ends; i++)
        if (r->end[i] == token)
            return 1;
    return d->vocab != NULL && vocab_ends(d->vocab, token);
}

static void take_token(Decoder *d, Lane *l, Slot *s, int32_t token, float logp)
{
    const DecodeRequest *r = &s->request;
    Story               *story = &s->story[s->half];
    int64_t              drawn = s->length - r->prompt_length, old = story->text.length;

    story->token[s->length++] = token;
    story->logp[drawn++] = logp;
    if (!r->ignores_eos && is_end(d, r, token)) {
        finish(l, s, DECODE_EOS);
        return;
    }
    if (d->vocab != NULL && token < vocab_size(d->vocab)) // a model may have rows beyond them
        vocab_decode(d->vocab, token, &story->text);
    if (r->stops > 0 && find_stop(s, old))
        finish(l, s, DECODE_STOP);
    else if (drawn == r->max_tokens)
        finish(l, s, DECODE_LENGTH);
    else if (s->length == d->context)
        finish(l, s, DECODE_CONTEXT);
}

static void draw(Decoder *d, Lane *l, int64_t w)
{
    Slot                *s = &d->slot[l->want_slot[w]];
    const DecodeRequest *r = &s->request;
    int64_t              drawn = s->length - r->prompt_length, V = d->net->params.dims.V;
    Rng                  rng = rng_make(r->seed, r->stream, (uint32_t)drawn);
    SampleSeen           seen = {s->story[s->half].token, s->length, r->prompt_length};
    const float         *logits = l->logits + w * V;
    float                logp;
    int32_t token = sample_token(&r->spec, logits, V, &seen, &rng, &logp, l->work, l->spare);

    if (r->top > 0)
        sample_top(logits, V, r->top, r->tops + drawn * r->top);
    take_token(d, l, s, token, logp);
}

static void step_lane(Decoder *d, Lane *l)
{
    collect_rows(d, l);
    if (l->rows == 0)
        return;
    net_decode(d->net, l->acts, d->cache, l->rows, l->token, l->position, l->slot, l->wants,
               l->want, l->logits);
    l->stats.rows += l->rows;
    l->stats.new_tokens += l->wants;
    for (int64_t w = 0; w < l->wants; w++)
        draw(d, l, w);
}

// ---- a step of all, and what it brings

static Done told(const Slot *s)
{
    const Story *story = &s->story[s->half];
    int64_t      begin = s->request.prompt_length;
    DecodeResult r = {
        .tag = s->request.tag,
        .length = s->length - begin,
        .ids = story->token + begin,
        .logp = story->logp,
        .text = story->text.data,
        .bytes = story->text.length,
        .end = s->end,
        .stop = s->stop,
    };

    return (Done){s->number, r};
}

// Lists what has ended, in the order of submission.
static void list_done(Decoder *d)
{
    for (int s = 0; s < d->slots; s++) {
        int at = d->dones;

        if (!d->slot[s].has_ended)
            continue;
        d->slot[s].has_ended = 0;
        for (; at > 0 && d->done[at - 1].number > d->slot[s].number; at--)
            d->done[at] = d->done[at - 1];
        d->done[at] = told(&d->slot[s]);
        d->dones++;
    }
}

void decoder_step(Decoder *d)
{
    d->dones = d->taken = 0;
    if (decoder_running(d) == 0)
        return;
    d->steps++;
#pragma omp parallel for schedule(static, 1) num_threads(d->lanes)
    for (int i = 0; i < d->lanes; i++) {
        omp_set_num_threads(d->threads / d->lanes); // for products in here: no more than asked for
        step_lane(d, &d->lane[i]);
    }
    list_done(d);
}

int decoder_take(Decoder *d, DecodeResult *out)
{
    if (d->taken == d->dones)
        return 0;
    *out = d->done[d->taken++].result;
    return 1;
}

// ---- looking at what runs

static Slot *find_running(const Decoder *d, int64_t tag)
{
    for (int s = 0; s < d->slots; s++)
        if (d->slot[s].is_busy && d->slot[s].request.tag == tag)
            return &d->slot[s];
    return NULL;
}

int decoder_look(const Decoder *d, int64_t tag, DecodeResult *out)
{
    const Slot *s = find_running(d, tag);

    if (s == NULL)
        return 0;
    *out = told(s).result;
    return 1;
}

int decoder_cancel(Decoder *d, int64_t tag)
{
    Slot *s = find_running(d, tag);
    Lane *l = d->lane;
    int   number, at = 0;

    if (s == NULL)
        return 0;
    number = (int)(s - d->slot);
    while (l->last <= number)
        l++;
    s->is_busy = 0;
    s->half ^= 1; // the other one may be a result that was not taken yet
    l->running--;
    while (at < l->queued && l->queue[at] != number)
        at++;
    if (at < l->queued) { // its prompt was not yet fed
        l->queued--;
        memmove(l->queue + at, l->queue + at + 1, (size_t)(l->queued - at) * sizeof *l->queue);
    }
    return 1;
}

void decoder_clear(Decoder *d)
{
    d->dones = d->taken = 0;
    for (int s = 0; s < d->slots; s++)
        d->slot[s].is_busy = 0;
    for (int i = 0; i < d->lanes; i++)
        d->lane[i].running = d->lane[i].queued = 0;
}

DecodeStats decoder_stats(const Decoder *d)
{
    DecodeStats sum = {.steps = d->steps};

    for (int i = 0; i < d->lanes; i++) {
        sum.prompt_tokens += d->lane[i].stats.prompt_tokens;
        sum.new_tokens += d->lane[i].stats.new_tokens;
        sum.rows += d->lane[i].stats.rows;
    }
    return sum;
}
