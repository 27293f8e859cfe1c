#include "campaign/tasks/task_run.h"
#include "campaign/tasks/task_private.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "mpi/coll.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { ROWS_MAX = 1024 }; // tokens side by side, unless one text is longer

static const double QUIET_S = 2; // before the first word of progress

int64_t task_context(const TaskRoom *room)
{
    int64_t T = room->model->net->params.dims.T, asked = room->task->keys.context;

    return asked > 0 && asked < T ? asked : T;
}

void task_forget(const TaskRoom *room)
{
    if (++*room->refused == 1)
        log_here(LOG_WARN, "%s: a conversation is left out: %s", room->task->keys.task,
                 err_record()->text);
    err_forget();
}

void task_progress(const TaskRoom *room, int64_t done, int64_t all)
{
    if (clock_now() - room->began < QUIET_S)
        return;
    log_progress("%s: %" PRId64 " of %" PRId64 " examples of this rank", room->task->keys.task,
                 done, all);
    if (done == all)
        log_progress_end();
}

// As many pieces from the first one on as fit; returns how many.
static int64_t score_some(const TaskRoom *room, Acts *acts, const TaskPiece *piece, int64_t pieces)
{
    ArenaMark mark = arena_mark(room->scratch);
    int64_t   n = 1, N = piece[0].count, longest = N, at = 0;
    Batch     b;
    float    *weight, *logp;

    for (; n < pieces && N + piece[n].count <= room->rows; N += piece[n++].count)
        longest = piece[n].count > longest ? piece[n].count : longest;
    b = batch_make(room->scratch, N, n);
    weight = arena_new(room->scratch, float, longest);
    logp = arena_new(room->scratch, float, N);
    for (int64_t i = 0; i < n; i++)
        batch_add(&b, piece[i].id, weight, piece[i].count, 1.0f);
    net_score(room->model->net, acts, &b, logp, NULL);
    for (int64_t i = 0; i < n; at += piece[i++].count)
        memcpy(piece[i].logp, logp + at, (size_t)piece[i].count * sizeof *logp);
    arena_back(room->scratch, mark);
    return n;
}

void task_score(const TaskRoom *room, Acts *acts, const TaskPiece *piece, int64_t pieces)
{
    for (int64_t done = 0; done < pieces;)
        done += score_some(room, acts, piece + done, pieces - done);
}

void task_detail(const TaskRoom *room, Text *t, int64_t number, const Record *r)
{
    const char        *group = room->task->keys.group;
    const RecordField *f = *group != 0 ? record_field(r, group) : NULL;

    text_printf(t, "{\"example\": %" PRId64, number);
    if (f == NULL)
        return;
    text_puts(t, ", \"group\": ");
    text_json(t, f->text, f->length);
}

void task_detail_left(const TaskRoom *room, Text *t, int64_t number, const Record *r, TaskLeft why)
{
    task_detail(room, t, number, r);
    text_printf(t, ", \"left_out\": \"%s\"}", task_left_names[why]);
}

// ---- the examples of this rank

static Err look_all(TaskRoom *room, const TaskShare *share, TaskSizes *sizes)
{
    int is_choice = room->task->kind == TASK_CHOICE;

    for (int64_t k = 0; k < share->count; k++) {
        ArenaMark mark = arena_mark(room->arena);
        int64_t   n = task_number(share, k);

        TRY(is_choice ? task_choice_look(room, n, sizes) : task_perplexity_look(room, n, sizes));
        arena_back(room->arena, mark);
    }
    return OK;
}

static Err score_all(TaskRoom *room, const TaskShare *share, Acts *acts, TaskRow *rows,
                     Text *details)
{
    int is_choice = room->task->kind == TASK_CHOICE;

    for (int64_t k = 0; k < share->count; k++) {
        ArenaMark mark = arena_mark(room->arena);
        int64_t   begin = details != NULL ? details->length : 0, n = task_number(share, k);

        TRY(is_choice ? task_choice_one(room, acts, n, &rows[k], details)
                      : task_perplexity_one(room, acts, n, &rows[k], details));
        if (details != NULL)
            rows[k].details = details->length - begin;
        arena_back(room->arena, mark);
        task_progress(room, k + 1, share->count);
    }
    return OK;
}

static Err score_with_acts(TaskRoom *room, const TaskShare *share, TaskRow *rows, Text *details)
{
    const Net *net = room->model->net;
    TaskSizes  sizes = {2, 2};
    int64_t    longest;
    Arena      arena;
    Err        e;

    TRY(look_all(room, share, &sizes));
    longest = sizes.longest;
    room->rows = sizes.together < ROWS_MAX ? sizes.together : ROWS_MAX;
    room->rows = room->rows > longest ? room->rows : longest;
    TRY(arena_make(&arena, "activations",
                   acts_need(&net->params.dims, room->rows, longest, NET_INFER) + (1 << 20)));
    e = score_all(room, share, acts_make(&arena, net, room->rows, longest, NET_INFER), rows,
                  details);
    arena_free(&arena);
    return e;
}

static Err check(const TaskRoom *room)
{
    const TaskKeys *k = &room->task->keys;
    int64_t         context = task_context(room);

    if (k->stride >= context)
        FAIL(ERR_CONFIG,
             "task %s: stride is %" PRId64 "; with a context of %" PRId64
             " tokens it has to be smaller, so that every token has one before it",
             k->task, k->stride, context);
    if (room->task->kind == TASK_GENERATE && k->generate.max_tokens >= context)
        FAIL(ERR_CONFIG,
             "task %s: generate.max_tokens is %" PRId64 "; with a context of %" PRId64
             " tokens there is no room for a prompt",
             k->task, k->generate.max_tokens, context);
    if (*k->conversation != 0 && chatform_template(room->model->chat) == NULL)
        FAIL(ERR_CONFIG,
             "task %s: conversations need a chat template, and %s brings none; --template FILE "
             "gives one",
             k->task, room->model->chosen);
    return OK;
}

static Err measure(TaskRoom *room, const TaskShare *share, TaskRow *rows, Text *details)
{
    TRY(check(room));
    TRY(task_shots(room));
    return room->task->kind == TASK_GENERATE ? task_generate_all_own(room, share, rows, details)
                                             : score_with_acts(room, share, rows, details);
}

static Err open_and_measure(TaskRoom room, const TaskShare *share, TaskRow *rows, Text *details)
{
    Arena arena, scratch;
    Err   e;

    TRY(arena_make(&arena, "task", (int64_t)1 << 36));
    e = arena_make(&scratch, "task scratch", (int64_t)1 << 36);
    if (e == OK) {
        room.arena = &arena;
        room.scratch = &scratch;
        e = measure(&room, share, rows, details);
        arena_free(&scratch);
    }
    arena_free(&arena);
    return e;
}

// ---- from all ranks, in the order of the examples

static int64_t share_of(int64_t all, int rank, int P)
{
    return all / P + (rank < all % P);
}

// rows[k] of rank p become those of example p + k P.
static TaskRow *gather_rows(const Comm *c, Arena *run, const TaskRow *mine, int64_t all)
{
    TaskRow *dealt = arena_new(run, TaskRow, all), *rows = arena_new(run, TaskRow, all);
    int64_t *bound = arena_new(run, int64_t, c->size + 1), at = 0;

    for (int p = 0; p < c->size; p++)
        bound[p + 1] = bound[p] + share_of(all, p, c->size) * (int64_t)sizeof(TaskRow);
    coll_allgather_all(c, mine, dealt, bound);
    for (int p = 0; p < c->size; p++)
        for (int64_t i = p; i < all; i += c->size)
            rows[i] = dealt[at++];
    return rows;
}

// Rank 0 gets the details of every rank and puts them in order.
static const char *gather_details(const Comm *c, Arena *run, const Text *mine, const TaskRow *rows,
                                  int64_t all)
{
    int64_t *bytes = arena_new(run, int64_t, c->size);
    char   **from = arena_new(run, char *, c->size);
    Text     t = text_make(run);

    coll_counts_all(c, mine->length, bytes);
    if (c->rank > 0) {
        coll_send(c, mine->data, mine->length, 0);
        return NULL;
    }
    from[0] = mine->data;
    for (int p = 1; p < c->size; p++) {
        from[p] = arena_push(run, bytes[p] + 1, 1);
        coll_receive(c, from[p], bytes[p], p);
    }
    for (int64_t i = 0; i < all; i++) {
        int p = (int)(i % c->size);

        text_puts(&t, i > 0 ? ",\n      " : "\n      ");
        text_add(&t, from[p], rows[i].details);
        from[p] += rows[i].details;
    }
    return t.data;
}

// ---- numbers

typedef struct Summary {
    const Task    *task;
    const TaskRow *rows;
    int64_t       *pick; // examples of the group that were scored, in order
    int64_t        picks;
    double        *a, *b; // [examples] spare
} Summary;

static double denominator(const TaskRow *r, TaskMetricKind kind)
{
    if (kind == TASK_PER_WORD)
        return r->words;
    return kind == TASK_PER_BYTE || kind == TASK_BITS_PER_BYTE ? r->bytes : r->tokens;
}

static Interval loss_score(const Summary *s, TaskMetricKind kind)
{
    static const double LN2 = 0.69314718055994530942;
    double              sum = 0;
    Interval            x;

    for (int64_t i = 0; i < s->picks; i++) {
        const TaskRow *r = &s->rows[s->pick[i]];

        s->a[i] = r->nll;
        s->b[i] = denominator(r, kind);
        sum += s->b[i];
    }
    if (sum == 0) // texts without a word
        return (Interval){INTERVAL_NONE, NAN, NAN, NAN};
    x = interval_ratio(s->a, s->b, s->picks);
    if (kind == TASK_LOSS)
        return x;
    if (kind == TASK_BITS_PER_BYTE)
        return (Interval){x.kind, x.value / LN2, x.low / LN2, x.high / LN2};
    return (Interval){x.kind, exp(x.value), exp(x.low), exp(x.high)};
}

static void fill_group(const Summary *s, TaskGroup *g)
{
    g->examples = s->picks;
    for (int m = 0; m < s->task->metrics; m++) {
        if (s->picks == 0) {
            g->score[m] = (Interval){INTERVAL_NONE, NAN, NAN, NAN};
        } else if (s->task->kind == TASK_PERPLEXITY) {
            g->score[m] = loss_score(s, s->task->metric[m].kind);
        } else {
            for (int64_t i = 0; i < s->picks; i++)
                s->a[i] = s->rows[s->pick[i]].value[m];
            g->score[m] = interval_mean(s->a, s->picks);
        }
    }
}

// The number of every example's group, from 1.  Names lie in `run`.
static int32_t *find_groups(Arena *run, Arena *scratch, const Task *task, int64_t all,
                            TaskResult *out)
{
    int32_t *number = arena_new(run, int32_t, all);
    int      room = 16;

    out->group = arena_new(run, TaskGroup, room);
    out->groups = 1;
    for (int64_t i = 0; i < all && *task->keys.group != 0; i++) {
        ArenaMark          mark = arena_mark(scratch);
        Record             r = {.arena = scratch};
        const RecordField *f;
        int                g = 1;

        task_draw(&task->data, i, &r);
        f = record_field(&r, task->keys.group);
        while (g < out->groups && strcmp(out->group[g].name, f->text) != 0)
            g++;
        if (g == room) {
            out->group = arena_grow(run, out->group, room * (int64_t)sizeof(TaskGroup),
                                    2 * room * (int64_t)sizeof(TaskGroup));
            room *= 2;
        }
        if (g == out->groups)
            out->group[out->groups++] = (TaskGroup){.name = arena_text_n(run, f->text, f->length)};
        number[i] = g;
        arena_back(scratch, mark);
    }
    return number;
}

static void count_rows(const TaskRow *rows, int64_t all, TaskResult *out)
{
    for (int64_t i = 0; i < all; i++) {
        out->left[rows[i].left]++;
        out->scored += rows[i].left == LEFT_NOT;
        out->cut += rows[i].is_cut;
        out->unfinished += rows[i].unfinished;
        out->unanswered += rows[i].unanswered;
        out->tokens += (int64_t)rows[i].tokens;
    }
    out->left[LEFT_NOT] = 0;
    out->samples = out->scored * out->task->keys.generate.samples;
}

static Err summarize(Arena *run, const Task *task, const TaskRow *rows, int64_t all,
                     TaskResult *out)
{
    Arena    scratch;
    int32_t *number;
    Summary  s = {.task = task, .rows = rows};

    TRY(arena_make(&scratch, "groups", (int64_t)1 << 36));
    number = find_groups(run, &scratch, task, all, out);
    arena_free(&scratch);
    s.pick = arena_new(run, int64_t, all);
    s.a = arena_new(run, double, all);
    s.b = arena_new(run, double, all);
    for (int g = 0; g < out->groups; g++) {
        s.picks = 0;
        for (int64_t i = 0; i < all; i++)
            if (rows[i].left == LEFT_NOT && (g == 0 || number[i] == g))
                s.pick[s.picks++] = i;
        fill_group(&s, &out->group[g]);
    }
    return OK;
}

// Why there is nothing to say, if there is nothing.
static Err check_scored(const TaskRoom *room, const TaskResult *r)
{
    Text t;

    if (r->scored > 0)
        return OK;
    t = text_make(room->arena);
    for (int i = 1; i < LEFT_COUNT; i++)
        if (r->left[i] > 0)
            text_printf(&t, "%s%" PRId64 ": %s", t.length > 0 ? "; " : "", r->left[i],
                        task_left_names[i]);
    FAIL(ERR_DATA,
         "task %s: all %" PRId64 " examples were left out (%s); the context is %" PRId64
         " tokens, \"truncate\": \"left\" cuts what is longer",
         r->task->keys.task, r->examples, t.data, task_context(room));
}

// Every rank read the files by itself: they may have changed in between, or be others on another
// machine.
static Err check_data_all(const Comm *c, const Task *t)
{
    const TaskData *data[] = {&t->data, &t->shots};
    uint64_t        sum = 0;

    for (int k = 0; k < 2; k++) {
        sum = hash_u64(sum, (uint64_t)data[k]->count);
        sum = hash_u64(sum, data[k]->source == NULL ? 0 : source_sum(data[k]->source));
        for (int64_t i = 0; data[k]->text != NULL && i < data[k]->count; i++)
            sum = hash_bytes(sum, data[k]->text[i], data[k]->bytes[i]);
    }
    if (coll_max_i64_all(c, (int64_t)sum) != coll_min_i64_all(c, (int64_t)sum))
        FAIL(ERR_DATA,
             "task %s: the ranks read different records: its files were changed just now, or are "
             "not the same on every machine; start again",
             t->keys.task);
    return OK;
}

Err task_measure_all(const Comm *c, Arena *run, const TaskModel *model, const Task *task,
                     const TaskWish *wish, TaskResult *out)
{
    int64_t all =
        wish->limit > 0 && wish->limit < task->data.count ? wish->limit : task->data.count;
    TaskShare share = {share_of(all, c->rank, c->size), c->rank, c->size};
    int       refused = 0;
    TaskRoom  room = {
         .model = model, .task = task, .arena = run, .began = clock_now(), .refused = &refused};
    TaskRow *rows = arena_new(run, TaskRow, share.count);
    Text     details = text_make(run);

    *out = (TaskResult){.task = task, .examples = all};
    TRY(check_data_all(c, task));
    TRY_ALL(c, open_and_measure(room, &share, rows, wish->wants_details ? &details : NULL));
    rows = gather_rows(c, run, rows, all);
    if (wish->wants_details)
        out->details = gather_details(c, run, &details, rows, all);
    count_rows(rows, all, out);
    TRY(check_scored(&room, out));
    TRY_ALL(c, summarize(run, task, rows, all, out));
    out->seconds = clock_now() - room.began;
    return OK;
}
