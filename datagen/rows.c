#include "datagen/rows.h"

#include "base/hash.h"
#include "datagen/produce.h"
#include "datagen/step.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int index_of(const NameList *list, const char *name)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->name[i], name) == 0)
            return i;
    CHECK(0, "the recipe does not know \"%s\"", name);
}

static const char **names_of(Arena *arena, const NameList *list)
{
    const char **names = arena_new(arena, const char *, list->count);

    for (int i = 0; i < list->count; i++)
        names[i] = list->name[i];
    return names;
}

static void make_columns(Arena *a, SetRows *o)
{
    o->id = arena_new(a, uint64_t, 2 * o->R);
    o->parent = arena_new(a, uint64_t, 2 * o->R);
    o->problem = arena_new(a, uint64_t, o->R);
    o->group = arena_new(a, int64_t, o->R);
    o->source = arena_new(a, uint8_t, o->R);
    o->status = arena_new(a, uint8_t, o->R);
    o->reason = arena_new(a, uint16_t, o->R);
    o->step = arena_new(a, uint16_t, o->R);
    o->policy = arena_new(a, int64_t, o->R);
    o->rng = arena_new(a, uint64_t, 2 * o->R);
    o->content = arena_new(a, uint64_t, o->R);
    o->segment_begin = arena_new(a, int64_t, o->R + 1);
    o->token_begin = arena_new(a, int64_t, o->R + 1);
}

static void fill_columns(SetRows *o, const Recipe *recipe, int64_t iteration,
                         Record *const *records)
{
    for (int64_t i = 0; i < o->R; i++) {
        const Record *r = records[i];

        o->id[2 * i] = (uint64_t)iteration << 40 | r->request;
        o->id[2 * i + 1] = r->sample;
        memcpy(o->parent + 2 * i, r->parent, sizeof r->parent);
        o->problem[i] = r->problem;
        o->group[i] = r->group;
        o->source[i] = (uint8_t)index_of(&recipe->sources, r->source);
        o->status[i] = (uint8_t)r->status;
        o->reason[i] = (uint16_t)index_of(&recipe->reasons, r->reason);
        o->step[i] = (uint16_t)r->step;
        o->policy[i] = r->policy;
        memcpy(o->rng + 2 * i, r->rng, sizeof r->rng);
        o->segment_begin[i + 1] = o->segment_begin[i] + r->segments;
        o->token_begin[i + 1] = o->token_begin[i] + r->tokens;
    }
    o->S = o->segment_begin[o->R];
    o->T = o->token_begin[o->R];
}

static void fill_scores(Arena *a, SetRows *o, const Recipe *recipe, Record *const *records)
{
    const NameList *verdicts = &recipe->verdicts, *scores = &recipe->scores;

    o->scores = verdicts->count + scores->count;
    for (int k = 0; k < o->scores; k++) {
        int         is_verdict = k < verdicts->count;
        const char *name = is_verdict ? verdicts->name[k] : scores->name[k - verdicts->count];

        o->score_name[k] = name;
        o->score[k] = arena_new(a, float, o->R);
        for (int64_t i = 0; i < o->R; i++) {
            int verdict = record_verdict(records[i], name);

            o->score[k][i] = !is_verdict   ? (float)record_score(records[i], name)
                             : verdict < 0 ? NAN
                                           : (float)verdict;
        }
    }
}

// "3 parse", from 1: as people count; "end" behind the last.
static const char **step_names(Arena *a, const Recipe *recipe)
{
    const char **names = arena_new(a, const char *, recipe->ops + 1);

    for (int i = 0; i < recipe->ops; i++)
        names[i] = arena_format(a, "%d %s", i + 1, recipe->op[i].kind->name);
    names[recipe->ops] = "end";
    return names;
}

static SetHeap make_field(Arena *a, const char *name, Record *const *records, int64_t R)
{
    SetHeap heap = {.begin = arena_new(a, int64_t, R + 1)};

    for (int64_t i = 0; i < R; i++) {
        const RecordField *f = record_field(records[i], name);
        heap.begin[i + 1] = heap.begin[i] + (f == NULL ? 0 : f->length);
    }
    heap.bytes = arena_new(a, char, heap.begin[R] + 1);
    for (int64_t i = 0; i < R; i++)
        if (heap.begin[i + 1] > heap.begin[i])
            memcpy(heap.bytes + heap.begin[i], record_field(records[i], name)->text,
                   (size_t)(heap.begin[i + 1] - heap.begin[i]));
    return heap;
}

static void fill_segments(Arena *a, SetRows *o, Record *const *records)
{
    int64_t  s = 0;
    SetHeap *heap = &o->segment_text;

    o->segment_role = arena_new(a, uint8_t, o->S);
    o->segment_visible = arena_new(a, uint8_t, o->S);
    o->segment_weight = arena_new(a, float, o->S);
    heap->begin = arena_new(a, int64_t, o->S + 1);
    for (int64_t i = 0; i < o->R; i++)
        for (int k = 0; k < records[i]->segments; k++, s++) {
            const RecordSegment *g = &records[i]->segment[k];

            o->segment_role[s] = (uint8_t)g->role;
            o->segment_visible[s] = (uint8_t)g->visible;
            o->segment_weight[s] = g->weight;
            heap->begin[s + 1] = heap->begin[s] + g->length;
        }
    heap->bytes = arena_new(a, char, heap->begin[o->S] + 1);
    s = 0;
    for (int64_t i = 0; i < o->R; i++)
        for (int k = 0; k < records[i]->segments; k++, s++)
            memcpy(heap->bytes + heap->begin[s], records[i]->segment[k].text,
                   (size_t)records[i]->segment[k].length);
}

static void fill_tokens(Arena *a, SetRows *o, Record *const *records)
{
    o->token = arena_new(a, int32_t, o->T);
    o->logp = arena_new(a, float, o->T);
    for (int64_t i = 0; i < o->R; i++) {
        size_t n = (size_t)records[i]->tokens;

        if (n == 0)
            continue;
        memcpy(o->token + o->token_begin[i], records[i]->token, n * sizeof *o->token);
        memcpy(o->logp + o->token_begin[i], records[i]->logp, n * sizeof *o->logp);
    }
}

void rows_make(Arena *arena, const Recipe *recipe, int64_t iteration, Record *const *records,
               int64_t R, SetRows *out)
{
    *out = (SetRows){.R = R,
                     .source_names = names_of(arena, &recipe->sources),
                     .sources = recipe->sources.count,
                     .reason_names = names_of(arena, &recipe->reasons),
                     .reasons = recipe->reasons.count,
                     .step_names = step_names(arena, recipe),
                     .steps = recipe->ops + 1,
                     .fields = recipe->fields.count};
    make_columns(arena, out);
    fill_columns(out, recipe, iteration, records);
    fill_scores(arena, out, recipe, records);
    for (int k = 0; k < out->fields; k++) {
        out->field_name[k] = recipe->fields.name[k];
        out->field[k] = make_field(arena, recipe->fields.name[k], records, R);
    }
    fill_segments(arena, out, records);
    fill_tokens(arena, out, records);
    set_sum_rows(out);
}

static Err too_long(const SetRows *rows, int64_t row, int64_t room)
{
    FAIL(ERR_DATA,
         "example %" PRIu64 ".%" PRIu64 " has more than the %" PRId64 " tokens that there is room "
         "for; make the rows of training longer",
         rows->id[2 * row], rows->id[2 * row + 1], room);
}

static Err special_token(const Vocab *v, const char *text, int64_t length, int32_t *id)
{
    *id = length == 3 && memcmp(text, "bos", 3) == 0   ? vocab_bos(v)
          : length == 3 && memcmp(text, "eos", 3) == 0 ? vocab_eos(v)
                                                       : -1;
    if (*id < 0)
        FAIL(ERR_DATA, "the vocabulary has no token for the special text \"%.*s\"", (int)length,
             text);
    return OK;
}

// Appends the ids of one segment to ids[*n]; the caller knows that there is room for one.
static Err segment_tokens(const Vocab *v, const SetRows *rows, int64_t row, int64_t s, int32_t *ids,
                          int64_t room, int64_t *n)
{
    const SetHeap *heap = &rows->segment_text;
    const char    *text = heap->bytes + heap->begin[s];
    int64_t        length = heap->begin[s + 1] - heap->begin[s], count = 1;
    Err            e;

    if (rows->segment_role[s] == SET_SPECIAL) {
        TRY(special_token(v, text, length, &ids[*n]));
    } else {
        e = vocab_encode(v, text, length, ids + *n, room - *n, &count);
        if (e != OK && length > room - *n) { // a token stands for at least one byte
            err_forget();
            return too_long(rows, row, room);
        }
        TRY(e);
    }
    *n += count;
    return OK;
}

Err produce_tokens(const Vocab *v, const SetRows *rows, int64_t row, int32_t *ids, float *weight,
                   int64_t room, int64_t *length)
{
    int64_t n = 0, learned = 0;

    *length = 0;
    for (int64_t s = rows->segment_begin[row]; s < rows->segment_begin[row + 1]; s++) {
        int64_t begin = n;

        if ((rows->segment_visible[s] & SET_TRAIN) == 0 ||
            rows->segment_text.begin[s + 1] == rows->segment_text.begin[s])
            continue;
        if (n == room)
            return too_long(rows, row, room);
        TRY(segment_tokens(v, rows, row, s, ids, room, &n));
        for (int64_t i = begin; i < n; i++) { // nothing predicts the first token
            weight[i] = i == 0 || ids[i] == vocab_bos(v) ? 0 : rows->segment_weight[s];
            learned += weight[i] > 0;
        }
    }
    *length = learned > 0 ? n : 0;
    return OK;
}
