// Answers that the model writes: several samples per example, many in flight, and their judgement.
#include "campaign/tasks/task_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct Sample {
    Span      text, answer, plain; // as written; found in it; normalised (text NULL: none)
    double    logp;                // mean over its tokens
    int64_t   tokens;
    DecodeEnd end;
    int       is_right;
    double    rouge;
} Sample;

typedef struct Asked { // an example in flight
    Sample  *sample;   // [samples]
    int64_t  open;
    TaskLeft left;
    int      is_cut;
} Asked;

typedef struct Asking {
    const TaskRoom  *room;
    const TaskShare *share;
    Arena           *keep; // texts, until their example is judged
    Decoder         *decoder;
    Asked           *asked; // [share->count]
    int64_t          next;  // sample to submit: example * samples + sample
    int64_t          done;
    TaskRow         *rows;
    Text            *details;
    int64_t          max_tokens;
    int64_t          judged; // examples so far, in their order
} Asking;

// ---- judging

typedef struct Targets {
    int  count;
    Span text[TASK_TEMPLATES_MAX], plain[TASK_TEMPLATES_MAX];
} Targets;

static Err read_targets(const TaskRoom *room, const Record *r, Targets *out)
{
    const Task *t = room->task;

    *out = (Targets){0};
    for (int i = 0; i < t->targets.count; i++) {
        int64_t     length;
        const char *text = task_expand(&t->targets.template[i], r, &length);
        Span        found;
        Text        plain = text_make(room->arena);

        if (length == 0)
            continue;
        if (!extract_find(&t->target_extract, room->scratch, (Span){text, length}, &found))
            FAIL(ERR_DATA,
                 "task %s: there is no answer in the target \"%.80s\"; target_extract says where "
                 "it is ({\"by\": \"whole\"}: all of it)",
                 t->keys.task, text);
        extract_normalize(&t->target_extract, room->arena, found, &plain);
        out->text[out->count] = found;
        out->plain[out->count++] = (Span){plain.data, plain.length};
    }
    if (out->count == 0)
        FAIL(ERR_DATA, "task %s: a record has no target", t->keys.task);
    return OK;
}

static void judge_sample(const TaskRoom *room, const Targets *targets, Sample *s)
{
    const Extract *e = &room->task->extract;
    Text           plain = text_make(room->arena);

    s->plain = s->answer = (Span){0};
    if (!extract_find(e, room->scratch, s->text, &s->answer))
        return;
    extract_normalize(e, room->arena, s->answer, &plain);
    s->plain = (Span){plain.data, plain.length};
    for (int i = 0; i < targets->count; i++) {
        double rouge = metric_rouge_l(room->scratch, s->answer, targets->text[i]);

        s->is_right |= unitext_is_same(s->plain, targets->plain[i]);
        s->rouge = rouge > s->rouge ? rouge : s->rouge;
    }
}

static int64_t majority_of(const TaskRoom *room, const Sample *s, int64_t n)
{
    Span   *answer = arena_new(room->arena, Span, n);
    double *logp = arena_new(room->arena, double, n);

    for (int64_t i = 0; i < n; i++) {
        answer[i] = s[i].plain;
        logp[i] = s[i].logp;
    }
    return metric_majority(answer, logp, n);
}

static double metric_of(const TaskMetric *m, const Sample *s, int64_t n, int64_t right,
                        int64_t majority)
{
    double rouge = 0;

    switch (m->kind) {
    case TASK_PASS: return metric_pass(n, right, m->k);
    case TASK_MAJORITY: return majority >= 0 && s[majority].is_right;
    case TASK_ROUGE_L:
        for (int64_t i = 0; i < n; i++)
            rouge += s[i].rouge;
        return rouge / (double)n;
    default: return (double)right / (double)n;
    }
}

static void write_sample(const Sample *s, Text *t)
{
    static const char *const ends[] = {"end of text", "stop", "length", "context"};

    text_puts(t, "{\"text\": ");
    text_json(t, s->text.text, s->text.length);
    text_puts(t, ", \"answer\": ");
    if (s->plain.text != NULL)
        text_json(t, s->plain.text, s->plain.length);
    else
        text_puts(t, "null");
    text_printf(t, ", \"right\": %s, \"rouge_l\": ", s->is_right ? "true" : "false");
    json_write_number(t, s->rouge);
    text_puts(t, ", \"logp\": ");
    json_write_number(t, s->logp);
    text_printf(t, ", \"tokens\": %" PRId64 ", \"end\": \"%s\"}", s->tokens, ends[s->end]);
}

static void write_detail(const Asking *a, int64_t number, const Record *r, const Targets *targets,
                         const Sample *s, int64_t majority)
{
    int64_t n = a->room->task->keys.generate.samples;
    Text   *t = a->details;

    task_detail(a->room, t, number, r);
    text_puts(t, ", \"targets\": [");
    for (int i = 0; i < targets->count; i++) {
        text_puts(t, i > 0 ? ", " : "");
        text_json(t, targets->plain[i].text, targets->plain[i].length);
    }
    text_puts(t, "], \"majority\": ");
    if (majority >= 0)
        text_json(t, s[majority].plain.text, s[majority].plain.length);
    else
        text_puts(t, "null");
    text_puts(t, ", \"samples\": [");
    for (int64_t i = 0; i < n; i++) {
        text_puts(t, i > 0 ? ", " : "");
        write_sample(&s[i], t);
    }
    text_puts(t, "]}");
}

static Err judge_answers(const Asking *a, int64_t number, const Record *r, Sample *s, TaskRow *row)
{
    const Task *t = a->room->task;
    int64_t     n = t->keys.generate.samples, right = 0, majority;
    Targets     targets;

    TRY(read_targets(a->room, r, &targets));
    for (int64_t i = 0; i < n; i++) {
        judge_sample(a->room, &targets, &s[i]);
        right += s[i].is_right;
        row->unfinished += s[i].end == DECODE_LENGTH || s[i].end == DECODE_CONTEXT;
        row->unanswered += s[i].plain.text == NULL;
        row->tokens += (double)s[i].tokens;
    }
    majority = majority_of(a->room, s, n);
    for (int m = 0; m < t->metrics; m++)
        row->value[m] = metric_of(&t->metric[m], s, n, right, majority);
    if (a->details != NULL)
        write_detail(a, number, r, &targets, s, majority);
    return OK;
}

// In the order of the examples, so that details stand in it.
static Err judge_finished(Asking *a)
{
    while (a->judged < a->share->count && a->asked[a->judged].open == 0) {
        int64_t   k = a->judged++, number = task_number(a->share, k);
        int64_t   begin = a->details != NULL ? a->details->length : 0;
        ArenaMark mark = arena_mark(a->room->arena);
        Asked    *one = &a->asked[k];
        Record    r = {.arena = a->room->arena};

        task_draw(&a->room->task->data, number, &r);
        a->rows[k].left = (int32_t)one->left;
        a->rows[k].is_cut = one->is_cut;
        if (one->left == LEFT_NOT)
            TRY(judge_answers(a, number, &r, one->sample, &a->rows[k]));
        else if (a->details != NULL)
            task_detail_left(a->room, a->details, number, &r, one->left);
        if (a->details != NULL)
            a->rows[k].details = a->details->length - begin;
        arena_back(a->room->arena, mark);
        task_progress(a->room, a->judged, a->share->count);
    }
    return OK;
}

// ---- asking

// The prompt of an example, with room for the answer behind it.
static Err read_prompt(const TaskRoom *room, int64_t number, TaskIds *ids, TaskLeft *left,
                       int *is_cut)
{
    Record     r = {.arena = room->arena};
    TaskPrompt p;
    int64_t    before;

    task_draw(&room->task->data, number, &r);
    TRY(task_prompt(room, room->arena, &r, &p, left));
    if (*left == LEFT_NOT && room->task->keys.chat)
        *ids = p.ids;
    else if (*left == LEFT_NOT)
        *left = task_encode(room, room->arena, p.text, p.length, 1, ids);
    if (*left != LEFT_NOT)
        return OK;
    before = ids->count;
    ids->scored = ids->count;
    *left = task_fit(room, task_context(room) - room->task->keys.generate.max_tokens, ids);
    *is_cut = *left == LEFT_NOT && ids->count < before;
    if (*left == LEFT_NOT && ids->count == 0)
        *left = LEFT_NO_TOKEN;
    return OK;
}

static void add_ends(const TaskRoom *room, DecodeRequest *q)
{
    const ChatEnds *e = room->task->keys.chat ? chatform_ends(room->model->chat) : NULL;

    for (int i = 0; i < room->task->stops; i++)
        q->stop[q->stops++] = room->task->stop[i];
    for (int i = 0; e != NULL && i < e->texts; i++)
        q->stop[q->stops++] = e->text[i];
    for (int i = 0; e != NULL && i < e->tokens; i++)
        if (e->token[i] >= 0)
            q->end[q->ends++] = e->token[i];
}

static Err submit(Asking *a, const TaskIds *ids, int64_t k, int64_t sample)
{
    const TaskSampling *g = &a->room->task->keys.generate;
    DecodeRequest       q = {.prompt = ids->id,
                             .prompt_length = ids->count,
                             .spec = {.temperature = g->temperature,
                                      .top_k = g->top_k,
                                      .top_p = g->top_p,
                                      .min_p = g->min_p,
                                      .repetition_penalty = g->repetition_penalty},
                             .max_tokens = g->max_tokens,
                             .seed = (uint64_t)g->seed,
                             .tag = k * g->samples + sample};

    q.stream = rng_stream("task", (uint64_t)task_number(a->share, k), (uint64_t)sample, 0);
    add_ends(a->room, &q);
    return decoder_submit(a->decoder, &q);
}

// Fills free slots; an example begins with its first sample.
static Err submit_more(Asking *a)
{
    int64_t samples = a->room->task->keys.generate.samples;

    while (a->next < a->share->count * samples && decoder_free_slots(a->decoder) > 0) {
        ArenaMark mark = arena_mark(a->room->arena);
        int64_t   k = a->next / samples;
        Asked    *one = &a->asked[k];
        TaskIds   ids;
        TaskLeft  left;
        int       is_cut = 0;

        TRY(read_prompt(a->room, task_number(a->share, k), &ids, &left, &is_cut));
        one->left = left;
        one->is_cut = is_cut;
        if (left == LEFT_NOT) {
            if (one->sample == NULL) {
                one->sample = arena_new(a->keep, Sample, samples);
                one->open = samples;
            }
            TRY(submit(a, &ids, k, a->next % samples));
            a->next++;
        } else {
            one->open = 0;
            a->next += samples;
        }
        arena_back(a->room->arena, mark);
    }
    return OK;
}

static void take(Asking *a, const DecodeResult *r)
{
    int64_t samples = a->room->task->keys.generate.samples;
    Asked  *one = &a->asked[r->tag / samples];
    Sample *s = &one->sample[r->tag % samples];
    double  sum = 0;

    *s = (Sample){.tokens = r->length, .end = r->end};
    s->text = (Span){arena_text_n(a->keep, r->text, r->bytes), r->bytes};
    for (int64_t i = 0; i < r->length; i++)
        sum += (double)r->logp[i];
    s->logp = r->length > 0 ? sum / (double)r->length : 0;
    one->open--;
}

static Err ask_all(Asking *a)
{
    int64_t all = a->share->count * a->room->task->keys.generate.samples;

    for (int64_t k = 0; k < a->share->count; k++)
        a->asked[k].open = -1; // not begun
    while (a->next < all || decoder_running(a->decoder) > 0) {
        DecodeResult r;

        TRY(submit_more(a));
        decoder_step(a->decoder);
        while (decoder_take(a->decoder, &r))
            take(a, &r);
        TRY(judge_finished(a));
    }
    return judge_finished(a);
}

// The longest prompt, so that the cache is no larger than it has to be.
static Err look(const TaskRoom *room, const TaskShare *share, int64_t *longest)
{
    *longest = 1;
    for (int64_t k = 0; k < share->count; k++) {
        ArenaMark mark = arena_mark(room->arena);
        TaskIds   ids;
        TaskLeft  left;
        int       is_cut;

        TRY(read_prompt(room, task_number(share, k), &ids, &left, &is_cut));
        if (left == LEFT_NOT && ids.count > *longest)
            *longest = ids.count;
        arena_back(room->arena, mark);
    }
    return OK;
}

Err task_generate_all_own(const TaskRoom *room, const TaskShare *share, TaskRow *rows,
                          Text *details)
{
    const TaskModel *m = room->model;
    int64_t          samples = room->task->keys.generate.samples, longest, context, need;
    int              slots = m->slots;
    Arena            run, keep;
    Asking           a = {.room = room, .share = share, .rows = rows, .details = details};
    Err              e;

    TRY(look(room, share, &longest));
    context = longest + room->task->keys.generate.max_tokens;
    if (share->count * samples < slots)
        slots = share->count * samples > 0 ? (int)(share->count * samples) : 1;
    need = decoder_need(&m->net->params.dims, m->vocab, slots, context, m->threads);
    TRY(arena_make(&run, "decoder", need + (1 << 20)));
    e = arena_make(&keep, "answers", (int64_t)1 << 36);
    if (e == OK) {
        a.keep = &keep;
        a.decoder = decoder_make(&run, m->net, m->vocab, slots, context, m->threads);
        a.asked = arena_new(&keep, Asked, share->count);
        e = ask_all(&a);
        arena_free(&keep);
    }
    arena_free(&run);
    return e;
}
