// Multiple choice: the continuation that the model finds the likeliest.
#include "campaign/tasks/task_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// ---- the choices of a record

static void add_choice(TaskChoices *c, const char *text, int place)
{
    CHECK(c->count < TASK_TEMPLATES_MAX, "more than %d choices", TASK_TEMPLATES_MAX);
    c->place[c->count] = place;
    c->text[c->count++] = text;
}

static Err read_field(const TaskRoom *room, const Record *r, TaskChoices *c)
{
    const RecordField *f = record_field(r, room->task->keys.choices_field);
    const Json        *list;

    TRY(json_parse(r->arena, room->task->keys.choices_field, f->text, f->length, JSON_NO_COMMENTS,
                   &list));
    if (list->kind != JSON_ARRAY || list->length > TASK_TEMPLATES_MAX)
        FAIL(ERR_DATA, "%s: a JSON list of at most %d choices is expected, found %.80s",
             room->task->keys.choices_field, TASK_TEMPLATES_MAX, f->text);
    for (const Json *m = list->child; m != NULL; m = m->next) {
        const Json *text = m->kind == JSON_OBJECT ? json_member(m, "text") : m;

        if (text == NULL || text->kind != JSON_TEXT)
            FAIL(ERR_DATA, "%s: a choice is a text, or an object with a text; found %s",
                 room->task->keys.choices_field, json_show(m, (char[JSON_WORDS]){0}, JSON_WORDS));
        if (text->length == 0)
            FAIL(ERR_DATA, "%s: a choice is empty: %.80s", room->task->keys.choices_field, f->text);
        add_choice(c, text->text, c->count);
    }
    return OK;
}

// The place that a letter or a number means, -1: none.
static int place_of(TaskAnswerIs is, const char *answer)
{
    char *end;
    long  n;

    if (is == ANSWER_LETTER && strlen(answer) != 1)
        return -1;
    if (is == ANSWER_LETTER)
        return *answer >= 'a' && *answer <= 'z' ? *answer - 'a' : *answer - 'A';
    n = strtol(answer, &end, 10);
    if (*answer < '0' || *answer > '9' || *end != 0 || n > TASK_TEMPLATES_MAX)
        return -1;
    return (int)n - (is == ANSWER_NUMBER);
}

static int find_right(const TaskKeys *k, const TaskChoices *c, const char *answer)
{
    TaskAnswerIs is = (TaskAnswerIs)k->answer_is;
    int          place = is == ANSWER_TEXT ? -1 : place_of(is, answer);

    for (int i = 0; i < c->count; i++)
        if (is == ANSWER_TEXT ? strcmp(c->text[i], answer) == 0 : c->place[i] == place)
            return i;
    return -1;
}

Err task_choices(const TaskRoom *room, const Record *r, TaskChoices *out)
{
    const Task *t = room->task;
    int64_t     length;
    const char *answer = task_expand(&t->answer, r, &length);

    *out = (TaskChoices){0};
    for (int i = 0; i < t->choices.count; i++) {
        const char *text = task_expand(&t->choices.template[i], r, &length);

        if (length > 0)
            add_choice(out, text, i);
    }
    if (t->choices.count == 0)
        TRY(read_field(room, r, out));
    if (out->count < 2)
        FAIL(ERR_DATA, "task %s: a record has %d choices; at least two are needed", t->keys.task,
             out->count);
    out->right = find_right(&t->keys, out, answer);
    if (out->right < 0)
        FAIL(ERR_DATA,
             "task %s: the answer \"%.60s\" is none of the %d choices (\"answer_is\" says how it "
             "is meant: text, letter, index, number)",
             t->keys.task, answer, out->count);
    return OK;
}

// ---- measuring

typedef struct ChoiceItem {
    int64_t     number;
    Record      record;
    TaskChoices choices;
    TaskLeft    left;
    int         is_cut;
    TaskIds    *ids; // [choices]
    double     *logp;
} ChoiceItem;

static Err prepare(const TaskRoom *room, int64_t number, ChoiceItem *item, TaskSizes *sizes)
{
    TaskPrompt prompt;
    int64_t    together = 0;

    *item = (ChoiceItem){.number = number, .record = {.arena = room->arena}};
    task_draw(&room->task->data, number, &item->record);
    TRY(task_choices(room, &item->record, &item->choices));
    TRY(task_prompt(room, room->arena, &item->record, &prompt, &item->left));
    item->ids = arena_new(room->arena, TaskIds, item->choices.count);
    item->logp = arena_new(room->arena, double, item->choices.count);
    for (int i = 0; i < item->choices.count && item->left == LEFT_NOT; i++) {
        const char *text = item->choices.text[i];
        int64_t     before;

        item->left =
            task_continue(room, room->arena, &prompt, text, (int64_t)strlen(text), &item->ids[i]);
        before = item->ids[i].count;
        if (item->left == LEFT_NOT)
            item->left = task_fit(room, task_context(room), &item->ids[i]);
        item->is_cut |= item->left == LEFT_NOT && item->ids[i].count < before;
        together += item->ids[i].count;
        if (item->left == LEFT_NOT && item->ids[i].count > sizes->longest)
            sizes->longest = item->ids[i].count;
    }
    if (item->left == LEFT_NOT && together > sizes->together)
        sizes->together = together;
    return OK;
}

// The first of the largest; `per`: 0 the log-likelihood itself, else for each character or byte.
static int pick(const ChoiceItem *item, TaskMetricKind per)
{
    int    best = 0;
    double most = 0;

    for (int i = 0; i < item->choices.count; i++) {
        Span   text = span_of(item->choices.text[i]);
        double x = item->logp[i];

        if (per == TASK_ACC_NORM)
            x /= (double)unitext_characters(text);
        else if (per == TASK_ACC_BYTES)
            x /= (double)text.length;
        if (i == 0 || x > most) {
            best = i;
            most = x;
        }
    }
    return best;
}

static void write_detail(const TaskRoom *room, const ChoiceItem *item, Text *t)
{
    task_detail(room, t, item->number, &item->record);
    text_puts(t, ", \"choices\": [");
    for (int i = 0; i < item->choices.count; i++) {
        text_puts(t, i > 0 ? ", " : "");
        text_json(t, item->choices.text[i], (int64_t)strlen(item->choices.text[i]));
    }
    text_puts(t, "], \"logp\": [");
    for (int i = 0; i < item->choices.count; i++) {
        text_puts(t, i > 0 ? ", " : "");
        json_write_number(t, item->logp[i]);
    }
    text_puts(t, "], \"tokens\": [");
    for (int i = 0; i < item->choices.count; i++)
        text_printf(t, "%s%" PRId64, i > 0 ? ", " : "", item->ids[i].count - item->ids[i].scored);
    text_printf(t, "], \"right\": %d", item->choices.right);
    for (int m = 0; m < room->task->metrics; m++)
        text_printf(t, ", \"%s\": %d", room->task->metric[m].name,
                    pick(item, room->task->metric[m].kind));
    text_puts(t, "}");
}

// The sum over the tokens of each choice, in their order.
static void score_choices(const TaskRoom *room, Acts *acts, ChoiceItem *item)
{
    int        n = item->choices.count;
    TaskPiece *piece = arena_new(room->arena, TaskPiece, n);

    for (int i = 0; i < n; i++)
        piece[i] = (TaskPiece){.id = item->ids[i].id,
                               .logp = arena_new(room->arena, float, item->ids[i].count),
                               .count = item->ids[i].count};
    task_score(room, acts, piece, n);
    for (int i = 0; i < n; i++) {
        int64_t first = item->ids[i].scored;

        for (int64_t t = first > 0 ? first : 1; t < piece[i].count; t++)
            item->logp[i] += (double)piece[i].logp[t - 1];
    }
}

static void score_item(const TaskRoom *room, Acts *acts, ChoiceItem *item, TaskRow *row)
{
    row->left = (int32_t)item->left;
    row->is_cut = item->is_cut;
    if (item->left != LEFT_NOT)
        return;
    score_choices(room, acts, item);
    for (int i = 0; i < item->choices.count; i++)
        row->tokens += (double)item->ids[i].count;
    for (int m = 0; m < room->task->metrics; m++)
        row->value[m] = pick(item, room->task->metric[m].kind) == item->choices.right;
}

Err task_choice_look(const TaskRoom *room, int64_t number, TaskSizes *sizes)
{
    ChoiceItem item;

    return prepare(room, number, &item, sizes);
}

Err task_choice_one(const TaskRoom *room, Acts *acts, int64_t number, TaskRow *row, Text *details)
{
    ChoiceItem item;
    TaskSizes  sizes = {0};

    TRY(prepare(room, number, &item, &sizes));
    score_item(room, acts, &item, row);
    if (details != NULL && item.left != LEFT_NOT)
        task_detail_left(room, details, number, &item.record, item.left);
    else if (details != NULL)
        write_detail(room, &item, details);
    return OK;
}
