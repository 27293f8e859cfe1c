#include "datagen/rows.h"

#include "base/hash.h"
#include "datagen/produce.h"
#include "datagen/step.h"
#include "model/text/chat/chat_template.h"

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

// ---- training documents

typedef struct Document { // what becomes of a row
    const SetRows *rows;
    int64_t        row;
    int32_t       *ids; // [room]
    float         *weight;
    int64_t        room, length;
} Document;

static int is_seen(const SetRows *rows, int64_t s)
{
    return (rows->segment_visible[s] & SET_TRAIN) != 0 &&
           rows->segment_text.begin[s + 1] > rows->segment_text.begin[s];
}

static void add_text(Text *t, const SetRows *rows, int64_t s)
{
    const SetHeap *heap = &rows->segment_text;

    text_add(t, heap->bytes + heap->begin[s], heap->begin[s + 1] - heap->begin[s]);
}

static Err special_token(const Vocab *v, const Text *text, int32_t *id)
{
    *id = strcmp(text->data, "bos") == 0   ? vocab_bos(v)
          : strcmp(text->data, "eos") == 0 ? vocab_eos(v)
                                           : -1;
    if (*id < 0)
        FAIL(ERR_DATA, "the vocabulary has no token for the special text \"%s\"", text->data);
    return OK;
}

static Err add_tokens(Document *d, const int32_t *ids, int64_t count, float weight)
{
    if (count > d->room - d->length)
        return too_long(d->rows, d->row, d->room);
    for (int64_t i = 0; i < count; i++, d->length++) {
        d->ids[d->length] = ids[i];
        d->weight[d->length] = weight;
    }
    return OK;
}

static Err add_part(Document *d, const Vocab *v, Arena *scratch, const Text *text, int is_special,
                    float weight)
{
    int64_t  room = is_special ? 1 : vocab_room(v, text->data, text->length), count = 1;
    int32_t *ids = arena_new(scratch, int32_t, room);

    if (is_special)
        TRY(special_token(v, text, ids));
    else
        TRY(vocab_encode(v, text->data, text->length, ids, room, &count));
    return add_tokens(d, ids, count, weight);
}

static int same(float a, float b)
{
    return !(a < b) && !(a > b);
}

// Texts of equal weight together, special tokens each alone.
static Err add_parts(Document *d, const Vocab *v, Arena *scratch)
{
    const SetRows *rows = d->rows;
    int64_t        end = rows->segment_begin[d->row + 1];

    for (int64_t s = rows->segment_begin[d->row]; s < end;) {
        Text  text = text_make(scratch);
        int   is_special = rows->segment_role[s] == SET_SPECIAL;
        float weight = rows->segment_weight[s];

        if (!is_seen(rows, s)) {
            s++;
            continue;
        }
        add_text(&text, rows, s++);
        for (; !is_special && s < end; s++) {
            if (!is_seen(rows, s))
                continue;
            if (rows->segment_role[s] == SET_SPECIAL || !same(rows->segment_weight[s], weight))
                break;
            add_text(&text, rows, s);
        }
        TRY(add_part(d, v, scratch, &text, is_special, weight));
    }
    return OK;
}

// The text of a row with markup, and as spans what has this weight.
static Err join_markup(const Document *d, Arena *scratch, Text *text, float weight, ChatText *out)
{
    const SetRows *rows = d->rows;
    int64_t        first = rows->segment_begin[d->row], end = rows->segment_begin[d->row + 1];

    *out = (ChatText){.span = arena_new(scratch, ChatSpan, end - first)};
    for (int64_t s = first; s < end; s++) {
        int64_t begin = text->length;

        if (!is_seen(rows, s))
            continue;
        if (rows->segment_role[s] == SET_SPECIAL)
            FAIL(ERR_DATA, "example %" PRIu64 ".%" PRIu64 " has both markup and special tokens",
                 rows->id[2 * d->row], rows->id[2 * d->row + 1]);
        add_text(text, rows, s);
        if (!same(rows->segment_weight[s], weight))
            continue;
        if (out->spans > 0 && out->span[out->spans - 1].turn.end == begin)
            out->span[out->spans - 1].turn.end = text->length;
        else
            out->span[out->spans++].turn = (JinjaSpan){begin, text->length};
    }
    out->text = text->length > 0 ? text->data : "";
    out->length = text->length;
    return OK;
}

// The largest weight below `most` that a segment has; 0: there is none.
static float weight_below(const Document *d, float most)
{
    const SetRows *rows = d->rows;
    float          found = 0;

    for (int64_t s = rows->segment_begin[d->row]; s < rows->segment_begin[d->row + 1]; s++)
        if (is_seen(rows, s) && rows->segment_weight[s] < most && rows->segment_weight[s] > found)
            found = rows->segment_weight[s];
    return found;
}

// One text; smaller weights do not touch tokens that have a larger one.
static Err add_markup(Document *d, const Vocab *v, Arena *scratch)
{
    float weight = weight_below(d, INFINITY);

    do {
        Text     text = text_make(scratch);
        ChatText c;
        int32_t *ids;
        uint8_t *mask;
        int64_t  count;

        TRY(join_markup(d, scratch, &text, weight, &c));
        TRY(chat_text_ids(&c, v, scratch, scratch, &ids, &mask, &count));
        if (d->length == 0)
            TRY(add_tokens(d, ids, count, 0));
        for (int64_t i = 0; i < count; i++)
            if (mask[i] && !(d->weight[i] > 0))
                d->weight[i] = weight;
        weight = weight_below(d, weight);
    } while (weight > 0);
    return OK;
}

static int has_markup(const SetRows *rows, int64_t row)
{
    for (int64_t s = rows->segment_begin[row]; s < rows->segment_begin[row + 1]; s++)
        if (rows->segment_role[s] == SET_MARKUP)
            return 1;
    return 0;
}

Err produce_tokens(const Vocab *v, Arena *scratch, const SetRows *rows, int64_t row, int32_t *ids,
                   float *weight, int64_t room, int64_t *length)
{
    Document  d = {rows, row, ids, weight, room, 0};
    ArenaMark mark = arena_mark(scratch);
    int64_t   learned = 0;
    Err       e = has_markup(rows, row) ? add_markup(&d, v, scratch) : add_parts(&d, v, scratch);

    arena_back(scratch, mark);
    *length = 0;
    TRY(e);
    if (d.length > 0)
        weight[0] = 0; // nothing predicts the first token
    for (int64_t i = 0; i < d.length; i++)
        learned += weight[i] > 0;
    *length = learned > 0 ? d.length : 0;
    return OK;
}
