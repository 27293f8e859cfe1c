#include "datagen/produce.h"

#include "datagen/rows.h"
#include "datagen/step.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

// Blocks in flight: enough that the decoder does not run empty at the end of one, and few enough
// that memory stays small.
enum { BLOCKS_MIN = 2, BLOCKS_MAX = 16 };

enum { RECORD_COPIES = 12 }; // of a drawn record at most: fields, segments, tokens, rows

// Of addresses; the least is for records with long texts of their own.
static const int64_t BLOCK_BYTES = (int64_t)1 << 30, BLOCK_BYTES_MAX = (int64_t)1 << 40;
static const int64_t WORK_BYTES = JINJA_ARENA_BYTES + (1 << 29);

typedef enum FlightState {
    FLIGHT_RUNNING,
    FLIGHT_READY,    // in the queue for the decoder
    FLIGHT_DECODING, // in the decoder
    FLIGHT_WAITING,  // for its siblings
    FLIGHT_ENDED
} FlightState;

typedef struct Siblings Siblings;

typedef struct Flight { // a record on its way through the program
    Record         record;
    int            place; // program counter
    FlightState    state;
    Siblings      *siblings;
    struct Flight *sibling; // of the same request, next higher sample number
    struct Flight *next;    // in the queue for the decoder
} Flight;

typedef struct Block {
    Arena         arena; // of all its records; made when the slot is used first
    const Recipe *recipe;
    int           is_used;
    int64_t       number, requests, left; // left: requests that have not ended
    int64_t       records;
    Siblings     *siblings; // [requests]
} Block;

struct Siblings { // the records of one request
    Block  *block;
    Flight *first; // in the order of sample numbers
    int64_t alive;
};

typedef struct Engine {
    const ProduceJob  *job;
    const RecipeStage *stage;
    StepRun            run;
    Arena             *step;
    Arena              work; // for chat templates
    ProduceStats       stats;
    Block              block[BLOCKS_MAX];
    int                blocks; // that may be in flight
    int                is_dry; // there are no more blocks to take
    int64_t            decoding;
    Flight            *ready, **ready_end;
} Engine;

// ---- memory

// Addresses for the records of a block with their texts, and for its rows.  Reserved generously:
// pages count only once they are touched.
static int64_t block_bytes(const Recipe *r, const RecipeStage *stage, int64_t requests,
                           int64_t longest)
{
    int64_t copies = 2 * (stage->end - stage->first) + r->template_slots; // every step may make one
    int64_t text = r->max_tokens * STEP_TOKEN_BYTES + STEP_ANSWER_BYTES;
    int64_t per_record = (int64_t)sizeof(Flight) + 16384 + 4 * r->template_bytes + copies * text;
    int64_t bytes;

    per_record += (copies + RECORD_COPIES) * longest;
    if (__builtin_mul_overflow(3 * requests * stage->samples, per_record, &bytes) ||
        bytes > BLOCK_BYTES_MAX)
        return BLOCK_BYTES_MAX;
    return BLOCK_BYTES + bytes;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// The arena of a slot, empty.
static Err open_block(Engine *e, Block *b, int64_t requests)
{
    if (b->arena.base == NULL)
        TRY(arena_make(
            &b->arena, "block",
            block_bytes(e->job->recipe, e->stage, requests, source_longest(e->job->source))));
    arena_back(&b->arena, 0);
    return OK;
}

static void engine_open(Engine *e, const ProduceJob *job, Arena *step)
{
    int64_t slots = job->teacher == NULL ? 0 : job->teacher->kind->free_slots(job->teacher);
    int64_t blocks;

    CHECK(job->teacher == NULL || job->teacher->kind->running(job->teacher) == 0,
          "the teacher is in use");
    blocks = BLOCKS_MIN + 2 * slots / job->block_size;
    *e = (Engine){.job = job,
                  .stage = &job->recipe->stage[job->segment.stage],
                  .step = step,
                  .run = {.source = job->source,
                          .vocab = job->vocab,
                          .chat = job->chat,
                          .seed = job->seed,
                          .iteration = job->iteration,
                          .policy = job->policy,
                          .round = job->segment.round,
                          .views = job->views},
                  .blocks = slots == 0 ? 1 : (int)smaller(blocks, BLOCKS_MAX)};
    e->ready_end = &e->ready;
}

static void engine_close(Engine *e)
{
    if (e->job->teacher != NULL)
        e->job->teacher->kind->clear(e->job->teacher);
    for (int i = 0; i < BLOCKS_MAX; i++)
        arena_free(&e->block[i].arena);
    arena_free(&e->work);
}

// ---- records

static void add_sibling(Siblings *siblings, Flight *f)
{
    Flight **at = &siblings->first;

    while (*at != NULL && (*at)->record.sample < f->record.sample)
        at = &(*at)->sibling;
    f->sibling = *at;
    *at = f;
    f->siblings = siblings;
    siblings->alive++;
    siblings->block->records++;
}

static void queue(Engine *e, Flight *f)
{
    f->state = FLIGHT_READY;
    f->next = NULL;
    *e->ready_end = f;
    e->ready_end = &f->next;
}

static Flight *unqueue(Engine *e)
{
    Flight *f = e->ready;

    e->ready = f->next;
    if (e->ready == NULL)
        e->ready_end = &e->ready;
    return f;
}

// Where a record was rejected is told with the reason.
static void note_rejection(Flight *f)
{
    if (f->record.status == SET_REJECTED)
        f->record.step = f->place;
}

static Flight *twin_of(Flight *f, int64_t i)
{
    const Op *op = &f->siblings->block->recipe->op[f->place];
    Flight   *twin = arena_new(&f->siblings->block->arena, Flight, 1);

    *twin = *f;
    twin->record.sample += (uint64_t)(i * op->stride);
    add_sibling(f->siblings, twin);
    return twin;
}

// A record that comes to a step with samples becomes as many, all waiting for the teacher.
static void fork_and_queue(Engine *e, Flight *f)
{
    const Op *op = &e->job->recipe->op[f->place];

    queue(e, f);
    for (int64_t i = 1; i < op->samples; i++)
        queue(e, twin_of(f, i));
}

static void end_flight(Engine *e, Flight *f)
{
    Record *r = &f->record;
    int     is_last = e->job->segment.stage == e->job->recipe->stages - 1;

    if (is_last && e->job->recipe->emits && r->segments == 0 && r->status != SET_REJECTED) {
        record_reject(r, "nothing emitted");
        r->step = f->place;
    }
    if (r->status == SET_KEPT && !is_last)
        r->status = SET_PASSED;
    if (r->status != SET_REJECTED)
        r->step = f->place;
    if (r->status != SET_KEPT)
        record_clear_segments(r);
    f->state = FLIGHT_ENDED;
    f->siblings->alive--;
    if (f->siblings->alive == 0)
        f->siblings->block->left--;
    e->stats.records++;
    e->stats.kept += r->status != SET_REJECTED;
}

static void advance(Engine *e, Flight *f);

static void go_on(const Op *op, Flight *f, StepAnswer answer)
{
    f->place = answer == STEP_JUMP   ? op->jump
               : answer == STEP_GOTO ? f->record.go_to
                                     : f->place + 1;
}

// Records that differ in what the step makes of them only; all of them go on at once.
static void split(Engine *e, Flight *f)
{
    const Op *op = &e->job->recipe->op[f->place];
    int64_t   count = f->record.item_count;
    Flight  **all = arena_new(&f->siblings->block->arena, Flight *, count);

    CHECK(0 < count && count <= op->samples, "%" PRId64 " records of one, not 1 to %" PRId64, count,
          op->samples);
    all[0] = f;
    for (int64_t i = 1; i < count; i++)
        all[i] = twin_of(f, i);
    for (int64_t i = 0; i < count; i++) {
        StepAnswer answer;

        e->run.number = all[i]->place;
        answer = op->kind->item(&e->run, op->settings, &all[i]->record, i);
        note_rejection(all[i]);
        go_on(op, all[i], answer);
    }
    for (int64_t i = 0; i < count; i++)
        advance(e, all[i]);
}

// Runs steps until the record ends or has to wait.
static void advance(Engine *e, Flight *f)
{
    const Recipe *p = e->job->recipe;

    for (f->state = FLIGHT_RUNNING; f->state == FLIGHT_RUNNING;) {
        const Op  *op = &p->op[f->place];
        StepAnswer answer;

        if (f->place == e->stage->end || f->record.status == SET_REJECTED) {
            end_flight(e, f);
            return;
        }
        e->run.number = f->place;
        answer = op->kind->run(&e->run, op->settings, &f->record);
        note_rejection(f);
        if (answer == STEP_SUBMIT) {
            fork_and_queue(e, f);
        } else if (answer == STEP_GATHER) {
            f->state = FLIGHT_WAITING;
        } else if (answer == STEP_SPLIT) {
            split(e, f);
            return;
        } else if (answer == STEP_PASS) {
            end_flight(e, f);
        } else {
            go_on(op, f, answer);
        }
    }
}

// ---- siblings

// The step at which the last of the living records of a request stand, if all who stand there wait
// for each other; -1 if somebody else can still move.  Programs only go forward, so nobody who is
// further comes back to it.
static int meeting_place(const Siblings *siblings)
{
    int last = INT_MAX, moving = 0;

    for (const Flight *f = siblings->first; f != NULL; f = f->sibling)
        if (f->state != FLIGHT_ENDED && f->place < last)
            last = f->place;
    for (const Flight *f = siblings->first; f != NULL; f = f->sibling)
        moving |= f->place == last && f->state != FLIGHT_ENDED && f->state != FLIGHT_WAITING;
    return last == INT_MAX || moving ? -1 : last;
}

static void meet(Engine *e, Siblings *siblings, int place)
{
    const Op *op = &e->job->recipe->op[place];
    Arena    *arena = &siblings->block->arena;
    Record  **records = arena_new(arena, Record *, siblings->alive);
    Flight  **flights = arena_new(arena, Flight *, siblings->alive);
    int64_t   count = 0;

    for (Flight *f = siblings->first; f != NULL; f = f->sibling)
        if (f->state == FLIGHT_WAITING && f->place == place) {
            records[count] = &f->record;
            flights[count++] = f;
        }
    op->kind->gather(op->settings, records, count);
    for (int64_t i = 0; i < count; i++) {
        note_rejection(flights[i]);
        flights[i]->place++;
        advance(e, flights[i]);
    }
}

// After a record of this request has moved: lets those go on who waited for it.
static void settle(Engine *e, Siblings *siblings)
{
    int place;

    while ((place = meeting_place(siblings)) >= 0)
        meet(e, siblings, place);
}

// ---- blocks

// A record of a later stage begins as what the commit before accepted.
static void restore(const Engine *e, Record *r)
{
    const RecipeStage *before = e->stage - 1;
    const PoolViews   *v = e->job->views;
    int64_t            place = (int64_t)r->request - e->job->segment.first_request;
    const PoolRecord  *p;

    CHECK(v != NULL && 0 <= place && place < v->input.count, "request %" PRIu64 " has no record",
          r->request);
    p = v->input.record[place];
    for (int i = 0; i < before->fields.count; i++) {
        const RecordField *f = pool_field(p, before->fields.name[i]);

        record_set(r, before->fields.name[i], f == NULL ? "" : f->text, f == NULL ? 0 : f->length);
    }
    for (int i = 0; i < before->verdicts.count; i++)
        record_judge(r, before->verdicts.name[i], pool_score(p, before->verdicts.name[i]) > 0);
    for (int i = 0; i < before->scores.count; i++)
        record_rate(r, before->scores.name[i], pool_score(p, before->scores.name[i]));
    r->problem = p->problem;
    r->group = p->group;
    r->source = p->source;
    r->policy = p->policy;
    memcpy(r->parent, p->id, sizeof r->parent);
}

static void start_request(Engine *e, Block *b, int64_t i, int64_t request)
{
    Flight *f = arena_new(&b->arena, Flight, 1);

    b->siblings[i] = (Siblings){.block = b};
    f->record = (Record){.arena = &b->arena,
                         .request = (uint64_t)request,
                         .group = -1,
                         .source = "generated",
                         .reason = "",
                         .policy = -1};
    f->place = e->stage->first;
    if (e->job->segment.stage > 0)
        restore(e, &f->record);
    add_sibling(&b->siblings[i], f);
    advance(e, f);
    settle(e, &b->siblings[i]);
}

static Err start_block(Engine *e, Block *b, int64_t number, int64_t first, int64_t requests)
{
    TRY(open_block(e, b, e->job->block_size));
    b->is_used = 1;
    b->recipe = e->job->recipe;
    b->number = number;
    b->requests = b->left = requests;
    b->records = 0;
    b->siblings = arena_new(&b->arena, Siblings, requests);
    for (int64_t i = 0; i < requests; i++)
        start_request(e, b, i, first + i);
    return OK;
}

static void block_rows(const Engine *e, const Block *b, Arena *arena, SetRows *rows)
{
    Record **records = arena_new(arena, Record *, b->records);
    int64_t  count = 0;

    for (int64_t i = 0; i < b->requests; i++)
        for (Flight *f = b->siblings[i].first; f != NULL; f = f->sibling)
            records[count++] = &f->record;
    rows_make(arena, e->job->recipe, e->job->iteration, records, count, rows);
}

static Err finish_blocks(Engine *e)
{
    for (int i = 0; i < e->blocks; i++) {
        Block  *b = &e->block[i];
        SetRows rows;

        if (!b->is_used || b->left > 0)
            continue;
        block_rows(e, b, &b->arena, &rows);
        TRY(e->job->done(e->job->self, b->number, &rows));
        b->is_used = 0;
        e->stats.blocks++;
    }
    return OK;
}

static Block *free_block(Engine *e)
{
    for (int i = 0; i < e->blocks; i++)
        if (!e->block[i].is_used)
            return &e->block[i];
    return NULL;
}

static int can_take(Engine *e)
{
    Teacher *t = e->job->teacher;

    return !e->is_dry && free_block(e) != NULL &&
           (t == NULL || (e->ready == NULL && t->kind->free_slots(t) > 0));
}

static Err take_blocks(Engine *e)
{
    const ProduceJob *job = e->job;
    const Segment    *s = &job->segment;

    while (can_take(e)) {
        int64_t number = job->take(job->self), at = (number - s->first_block) * job->block_size;

        e->is_dry = number < 0;
        if (e->is_dry)
            break;
        CHECK(0 <= at && at < s->requests, "block %" PRId64 " of %" PRId64 " requests", number,
              s->requests);
        TRY(start_block(e, free_block(e), number, s->first_request + at,
                        smaller(job->block_size, s->requests - at)));
    }
    return OK;
}

// ---- the decoder

static void submit(Engine *e, Flight *f)
{
    const Op      *op = &e->job->recipe->op[f->place];
    Teacher       *t = e->job->teacher;
    TeacherRequest request;
    const char    *why;

    e->run.number = f->place;
    op->kind->submit(&e->run, op->settings, &f->record, &request);
    request.tag = (int64_t)(intptr_t)f;
    if (f->record.status == SET_KEPT && (why = t->kind->submit(t, &request)) != NULL)
        record_reject(&f->record, why);
    note_rejection(f);
    if (f->record.status == SET_KEPT) {
        f->state = FLIGHT_DECODING;
        e->decoding++;
    } else {
        advance(e, f);
        settle(e, f->siblings);
    }
}

static void submit_ready(Engine *e)
{
    Teacher *t = e->job->teacher;

    while (e->ready != NULL && t->kind->free_slots(t) > 0)
        submit(e, unqueue(e));
}

static void take_results(Engine *e)
{
    TeacherResult result;

    while (e->job->teacher->kind->take(e->job->teacher, &result)) {
        Flight   *f = (Flight *)(intptr_t)result.tag;
        const Op *op = &e->job->recipe->op[f->place];

        e->decoding--;
        e->stats.generated_tokens += result.length;
        e->run.number = f->place;
        op->kind->result(&e->run, op->settings, &f->record, &result);
        note_rejection(f);
        f->place++;
        advance(e, f);
        settle(e, f->siblings);
    }
}

// ---- the story

static int is_idle(const Engine *e)
{
    for (int i = 0; i < e->blocks; i++)
        if (e->block[i].is_used)
            return 0;
    return 1;
}

static Err check_recipe(Engine *e)
{
    const Recipe *r = e->job->recipe;

    if (r->emits_conversations || r->asks_chat) {
        TRY(arena_make(&e->work, "chat template", WORK_BYTES));
        e->run.work = &e->work;
    }
    return e->job->vocab == NULL ? OK : recipe_check_vocab(r, e->step, e->job->vocab);
}

static Err work(Engine *e)
{
    const ProduceJob *job = e->job;

    TRY(check_recipe(e));
    while (!e->is_dry || !is_idle(e)) {
        if (job->poll != NULL)
            TRY(job->poll(job->self));
        TRY(take_blocks(e));
        submit_ready(e);
        TRY(finish_blocks(e));
        if (e->decoding == 0 || can_take(e))
            continue;
        TRY(job->teacher->kind->step(job->teacher));
        take_results(e);
        TRY(finish_blocks(e));
    }
    return OK;
}

static void check_job(const ProduceJob *job)
{
    const RecipeStage *stage = &job->recipe->stage[job->segment.stage];
    int                asks = 0;

    CHECK(job->segment.stage < job->recipe->stages, "stage %" PRId64, job->segment.stage);
    for (int i = stage->first; i < stage->end; i++)
        asks |= job->recipe->op[i].kind->submit != NULL;
    CHECK(job->teacher != NULL || !asks, "a recipe that generates, and no teacher");
    CHECK(!job->recipe->emits_conversations ||
              (job->chat != NULL && chatform_template(job->chat) != NULL),
          "a recipe that emits conversations, and no chat template");
    CHECK(job->block_size > 0, "block size %" PRId64, job->block_size);
}

Err produce_run(const ProduceJob *job, Arena *step, ProduceStats *stats)
{
    ArenaMark mark = arena_mark(step);
    Engine   *e = arena_new(step, Engine, 1);
    Err       outcome;

    check_job(job);
    engine_open(e, job, step);
    outcome = work(e);
    *stats = e->stats;
    engine_close(e);
    arena_back(step, mark);
    return outcome;
}

static Err work_one(Engine *e, int64_t request)
{
    Block *b = &e->block[0];

    TRY(check_recipe(e));
    TRY(open_block(e, b, 1));
    TRY(start_block(e, b, 0, request, 1));
    while (b->left > 0) {
        submit_ready(e);
        if (e->decoding == 0)
            continue;
        TRY(e->job->teacher->kind->step(e->job->teacher));
        take_results(e);
    }
    return OK;
}

Err produce_request(const ProduceJob *job, Arena *step, int64_t request, SetRows *rows)
{
    Engine *e = arena_new(step, Engine, 1);
    Err     outcome;

    check_job(job);
    CHECK(job->segment.first_request <= request &&
              request < job->segment.first_request + job->segment.requests,
          "request %" PRId64, request);
    engine_open(e, job, step);
    outcome = work_one(e, request);
    if (outcome == OK)
        block_rows(e, &e->block[0], step, rows);
    engine_close(e);
    return outcome;
}
