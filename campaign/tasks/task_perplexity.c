// Perplexity: how well texts, or what the assistant says in conversations, are foreseen.
#include "campaign/tasks/task_private.h"

#include <inttypes.h>
#include <string.h>

typedef struct Document {
    Record   record;
    TaskLeft left;
    int32_t *id;
    uint8_t *counts; // [count]: whether this token is to be foreseen
    int64_t  count;
    int64_t  windows;
    int      is_cut;
    double   words, bytes; // of what is to be foreseen
} Document;

static void count_text(Document *d, const char *text, int64_t length)
{
    d->words += (double)unitext_words((Span){text, length});
    d->bytes += (double)length;
}

// Every token but what was put in front.
static void read_text(const TaskRoom *room, Document *d)
{
    int64_t     length;
    const char *text = task_expand(&room->task->text, &d->record, &length);
    TaskIds     ids;

    d->left = task_encode(room, room->arena, text, length, 1, &ids);
    if (d->left != LEFT_NOT)
        return;
    d->id = ids.id;
    d->count = ids.count;
    d->counts = arena_new(room->arena, uint8_t, ids.count + 1);
    for (int64_t i = ids.scored; i < ids.count; i++)
        d->counts[i] = 1;
    count_text(d, text, length);
}

static Err parse_field(const Record *r, const char *name, const Json **out)
{
    const RecordField *f = record_field(r, name);

    *out = NULL;
    if (f == NULL || unitext_is_blank((Span){f->text, f->length}))
        return OK;
    return json_parse(r->arena, name, f->text, f->length, JSON_NO_COMMENTS, out);
}

// Messages with the weight 0 are not to be foreseen.
static int is_learned(const Json *messages, int64_t number)
{
    const Json *m = messages->child, *weight;

    for (; m != NULL && number > 0; number--)
        m = m->next;
    weight = m != NULL ? json_member(m, "weight") : NULL;
    return weight == NULL || weight->kind != JSON_NUMBER || weight->number != 0;
}

// Turns that are to be foreseen stay.
static void keep_learned(Document *d, const Json *messages, ChatText *c)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < c->spans; i++) {
        const JinjaSpan *turn = &c->span[i].turn;

        if (c->span[i].message >= 0 && !is_learned(messages, c->span[i].message))
            continue;
        count_text(d, c->text + turn->begin, turn->end - turn->begin);
        c->span[kept++] = c->span[i];
    }
    c->spans = kept;
}

static Err read_conversation(const TaskRoom *room, Document *d)
{
    const TaskKeys     *k = &room->task->keys;
    const ChatTemplate *t = chatform_template(room->model->chat);
    const Json         *messages, *tools = NULL;
    const char         *why;
    ChatRequest         q = {0};
    ChatText            c;

    TRY(parse_field(&d->record, k->conversation, &messages));
    if (*k->tools != 0)
        TRY(parse_field(&d->record, k->tools, &tools));
    if (messages == NULL || messages->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "task %s: the field %s holds no list of messages", k->task, k->conversation);
    why = chatform_fault(room->model->vocab, room->scratch, messages, NULL);
    if (why != NULL) {
        d->left = strcmp(why, "no token") == 0 ? LEFT_NO_TOKEN : LEFT_SPECIAL;
        return OK;
    }
    TRY(chatform_messages(room->arena, messages, &messages));
    q.messages = messages;
    q.tools = tools != NULL && tools->length > 0 ? tools : NULL;
    if (chat_template_spans(t, room->arena, room->scratch, &q, &c) != OK) {
        task_forget(room);
        d->left = LEFT_NO_TEMPLATE;
        return OK;
    }
    keep_learned(d, messages, &c);
    if (chat_text_ids(&c, room->model->vocab, room->arena, room->scratch, &d->id, &d->counts,
                      &d->count) != OK) {
        err_forget();
        d->left = LEFT_NO_TOKEN;
    }
    return OK;
}

// Words and bytes of the tokens that are to be foreseen: where a part was cut off, those of the
// turns are too many.
static Err count_tokens(const TaskRoom *room, Document *d)
{
    d->words = d->bytes = 0;
    for (int64_t i = 1, end; i < d->count; i = end) {
        Text t = text_make(room->arena);

        for (end = i; end < d->count && d->counts[end];)
            end++;
        if (end > i)
            TRY(vocab_decode_all(room->model->vocab, d->id + i, end - i, VOCAB_KEEP_SPECIAL, &t));
        count_text(d, t.data, t.length);
        end += end == i;
    }
    return OK;
}

// A conversation is seen at once: what comes before an answer belongs to the question.
static Err fit_conversation(const TaskRoom *room, Document *d)
{
    int64_t cut = d->count - task_context(room);

    if (cut <= 0)
        return OK;
    if (room->task->keys.truncate != TRUNCATE_LEFT) {
        d->left = LEFT_TOO_LONG;
        return OK;
    }
    d->id += cut;
    d->counts += cut;
    d->count -= cut;
    d->is_cut = 1;
    return count_tokens(room, d);
}

static Err read_document(const TaskRoom *room, int64_t number, Document *d)
{
    int64_t counted = 0;

    *d = (Document){.record = {.arena = room->arena}};
    task_draw(&room->task->data, number, &d->record);
    if (*room->task->keys.conversation != 0) {
        TRY(read_conversation(room, d));
        if (d->left == LEFT_NOT)
            TRY(fit_conversation(room, d));
    } else {
        read_text(room, d);
    }
    for (int64_t i = 1; i < d->count; i++)
        counted += d->counts[i];
    if (d->left == LEFT_NOT && counted == 0)
        d->left = LEFT_NOTHING;
    return OK;
}

// Windows of the context's length that move by the stride: every token is foreseen once, with at
// least context - stride tokens before it where the text has so many.
static int64_t stride_of(const TaskRoom *room)
{
    int64_t context = task_context(room), stride = room->task->keys.stride;

    return stride > 0 ? stride : context > 1 ? context / 2 : 1;
}

Err task_perplexity_look(const TaskRoom *room, int64_t number, TaskSizes *sizes)
{
    Document d;
    int64_t  most = task_context(room), windows;

    TRY(read_document(room, number, &d));
    if (d.left != LEFT_NOT)
        return OK;
    windows = d.count > most ? 1 + (d.count - most + stride_of(room) - 1) / stride_of(room) : 1;
    if (d.count < most)
        most = d.count;
    sizes->longest = most > sizes->longest ? most : sizes->longest;
    sizes->together = windows * most > sizes->together ? windows * most : sizes->together;
    return OK;
}

// The tokens of a window that no window before it held.
static void count_window(const Document *d, const TaskPiece *window, int64_t done, TaskRow *row)
{
    int64_t begin = window->id - d->id, end = begin + window->count;

    for (int64_t i = done > begin + 1 ? done : begin + 1; i < end; i++)
        if (d->counts[i]) {
            row->nll -= (double)window->logp[i - begin - 1];
            row->tokens++;
        }
}

static void score_document(const TaskRoom *room, Acts *acts, Document *d, TaskRow *row)
{
    int64_t    context = task_context(room), stride = stride_of(room), done = 0;
    TaskPiece *window = arena_new(room->arena, TaskPiece, d->count / stride + 1);

    for (int64_t begin = 0; done < d->count; begin += stride) {
        done = begin + context < d->count ? begin + context : d->count;
        window[d->windows++] = (TaskPiece){.id = d->id + begin,
                                           .logp = arena_new(room->arena, float, done - begin),
                                           .count = done - begin};
    }
    task_score(room, acts, window, d->windows);
    done = 0;
    for (int64_t w = 0; w < d->windows; w++) {
        count_window(d, &window[w], done, row);
        done = window[w].id - d->id + window[w].count;
    }
    row->words = d->words;
    row->bytes = d->bytes;
}

static void write_detail(const TaskRoom *room, int64_t number, const Document *d,
                         const TaskRow *row, Text *t)
{
    task_detail(room, t, number, &d->record);
    text_puts(t, ", \"nll\": ");
    json_write_number(t, row->nll);
    text_printf(t,
                ", \"tokens\": %.0f, \"words\": %.0f, \"bytes\": %.0f, \"windows\": %" PRId64 "}",
                row->tokens, row->words, row->bytes, d->windows);
}

Err task_perplexity_one(const TaskRoom *room, Acts *acts, int64_t number, TaskRow *row,
                        Text *details)
{
    Document d;

    TRY(read_document(room, number, &d));
    row->left = (int32_t)d.left;
    row->is_cut = d.is_cut;
    if (d.left == LEFT_NOT)
        score_document(room, acts, &d, row);
    if (details != NULL && d.left != LEFT_NOT)
        task_detail_left(room, details, number, &d.record, d.left);
    else if (details != NULL)
        write_detail(room, number, &d, row, details);
    return OK;
}
