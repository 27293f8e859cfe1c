// table.h -- a source and a teacher that answer from a table: problem k has the texts of row k, and
// the prompt "{row}" is answered with the answer of that row, cut at the first stop text.
#ifndef TD_TESTS_DATAGEN_TABLE_H
#define TD_TESTS_DATAGEN_TABLE_H

#include "datagen/produce.h"
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_FIELDS = 4, TABLE_SLOTS = 4 };

typedef struct TableRow {
    const char *text[TABLE_FIELDS];
    const char *answer; // NULL: the teacher has none
    int         is_cut; // it hit the length
} TableRow;

typedef struct Table {
    Source      source; // first: the steps see it as a source
    const char *names[TABLE_FIELDS + 1];
    int         fields;
    int64_t     rows;
    TableRow   *row;

    const Vocab    *vocab; // NULL, or what the steps see
    const ChatForm *chat;

    Teacher        teacher;
    Arena         *arena;
    int            running;
    TeacherRequest asked[TABLE_SLOTS];
} Table;

// ---- the source

static inline int64_t table_count(const Source *s, SourceSplit split)
{
    (void)split;
    return ((const Table *)s)->rows;
}

static inline void table_draw(const Source *s, SourceSplit split, int64_t iteration, int64_t k,
                              Record *r)
{
    const Table *t = (const Table *)s;
    char         number[24];

    (void)split, (void)iteration;
    for (int i = 0; i < t->fields; i++)
        record_set(r, t->names[i], t->row[k].text[i], (int64_t)strlen(t->row[k].text[i]));
    snprintf(number, sizeof number, "%lld", (long long)k);
    record_set(r, "row", number, (int64_t)strlen(number));
    r->problem = (uint64_t)k;
}

static inline const char *const *table_fields(const Source *s, int *count)
{
    *count = ((const Table *)s)->fields + 1;
    return ((const Table *)s)->names;
}

static inline const char *const *table_verdicts(const Source *s, int *count)
{
    (void)s;
    *count = 0;
    return NULL;
}

static inline int64_t table_max_tokens(const Source *s)
{
    (void)s;
    return 0;
}

// ---- the teacher

static inline Table *table_of(const Teacher *t)
{
    return (Table *)((char *)(intptr_t)t - offsetof(Table, teacher));
}

static inline int table_free_slots(const Teacher *t)
{
    return TABLE_SLOTS - table_of(t)->running;
}

static inline int table_running(const Teacher *t)
{
    return table_of(t)->running;
}

static inline const char *table_submit(Teacher *t, const TeacherRequest *r)
{
    Table *table = table_of(t);

    table->asked[table->running++] = *r;
    return NULL;
}

static inline Err table_step(Teacher *t)
{
    (void)t;
    return OK;
}

static inline int table_take(Teacher *t, TeacherResult *out)
{
    Table         *table = table_of(t);
    TeacherRequest r;
    int64_t        length, k;
    const char    *stop;
    char          *text;

    if (table->running == 0)
        return 0;
    r = table->asked[--table->running];
    k = atoll(teacher_prompt(&r, &length));
    *out = (TeacherResult){.tag = r.tag, .end = TEACHER_FAILED, .why = "no answer"};
    if (table->row[k].answer == NULL)
        return 1;
    text = arena_text(table->arena, table->row[k].answer);
    for (int i = 0; i < r.stops; i++)
        if ((stop = strstr(text, r.stop[i])) != NULL)
            text[stop - text] = 0;
    out->end = table->row[k].is_cut ? TEACHER_LENGTH : TEACHER_DONE;
    out->text = text;
    out->bytes = (int64_t)strlen(text);
    return 1;
}

static inline void table_clear(Teacher *t)
{
    table_of(t)->running = 0;
}

static inline void table_stats(const Teacher *t, TeacherStats *out)
{
    (void)t;
    *out = (TeacherStats){0};
}

// ---- both

// `names`: of the fields, ended by NULL.  `rows` are the caller's.
static inline Table *table_make(Arena *arena, const char *const *names, TableRow *rows,
                                int64_t count)
{
    static const SourceKind  source = {.name = "table",
                                       .count = table_count,
                                       .draw = table_draw,
                                       .fields = table_fields,
                                       .verdicts = table_verdicts,
                                       .max_tokens = table_max_tokens};
    static const TeacherKind teacher = {"table",    table_free_slots, table_running, table_submit,
                                        table_step, table_take,       table_clear,   table_stats};
    Table                   *t = arena_new(arena, Table, 1);

    *t = (Table){.source = {.kind = &source}, .teacher = {&teacher}, .arena = arena};
    for (; names[t->fields] != NULL; t->fields++)
        t->names[t->fields] = names[t->fields];
    t->names[t->fields] = "row";
    t->row = rows;
    t->rows = count;
    return t;
}

// A recipe of these steps; it draws all rows as problems.
static inline Recipe *table_recipe(Table *t, const char *steps)
{
    const Json *json = NULL;
    Recipe     *r = NULL;
    const char *text = arena_format(
        t->arena,
        "{\"recipe\": \"test\", \"about\": \"A test.\", \"steps\": [{\"do\": \"draw\", \"from\": "
        "\"problems\", \"count\": %lld}, %s]}",
        (long long)t->rows, steps);

    EXPECT_OK(json_parse(t->arena, "test.json", text, (int64_t)strlen(text), JSON_COMMENTS, &json));
    EXPECT_OK(recipe_read(t->arena, json, ".", &t->source, &r));
    return r;
}

// What a recipe makes of row k, in the arena of the table.
static inline SetRows table_rows(Table *t, const Recipe *r, int64_t k, uint64_t seed)
{
    SetRows    rows = {0};
    ProduceJob job = {.recipe = r,
                      .source = &t->source,
                      .vocab = t->vocab,
                      .chat = t->chat,
                      .teacher = &t->teacher,
                      .seed = seed,
                      .block_size = 1,
                      .segment = {.requests = t->rows, .blocks = t->rows}};

    EXPECT_OK(produce_request(&job, t->arena, k, &rows));
    return rows;
}

// The text of a field of a row, "" where it has none.
static inline const char *table_field(Table *t, const SetRows *rows, int64_t i, const char *name)
{
    for (int k = 0; k < rows->fields; k++)
        if (strcmp(rows->field_name[k], name) == 0)
            return arena_text_n(t->arena, rows->field[k].bytes + rows->field[k].begin[i],
                                rows->field[k].begin[i + 1] - rows->field[k].begin[i]);
    return "(none)";
}

static inline const char *table_reason(const SetRows *rows, int64_t i)
{
    return rows->reason_names[rows->reason[i]];
}

// Segments with a weight, or those without, one after the other; the end token as `eos`.
static inline const char *table_segments(Table *t, const SetRows *rows, int64_t i, int weighs,
                                         const char *eos)
{
    Text text = text_make(t->arena);

    for (int64_t s = rows->segment_begin[i]; s < rows->segment_begin[i + 1]; s++) {
        int64_t begin = rows->segment_text.begin[s], end = rows->segment_text.begin[s + 1];

        if ((rows->segment_weight[s] > 0) != weighs)
            continue;
        if (rows->segment_role[s] == SET_SPECIAL)
            text_puts(&text, eos);
        else
            text_add(&text, rows->segment_text.bytes + begin, end - begin);
    }
    return text.data;
}

#endif
