#include "datagen/pool.h"

#include <math.h>
#include <string.h>

static void take_fields(Arena *arena, const SetRows *rows, int64_t row, PoolRecord *p)
{
    p->field = arena_new(arena, RecordField, rows->fields);
    for (int k = 0; k < rows->fields; k++) {
        const SetHeap *heap = &rows->field[k];
        int64_t        length = heap->begin[row + 1] - heap->begin[row];

        if (length > 0)
            p->field[p->fields++] =
                (RecordField){record_name(rows->field_name[k]),
                              arena_text_n(arena, heap->bytes + heap->begin[row], length), length};
    }
}

static void take_scores(Arena *arena, const SetRows *rows, int64_t row, PoolRecord *p)
{
    p->score_name = arena_new(arena, const char *, rows->scores);
    p->score = arena_new(arena, double, rows->scores);
    for (int k = 0; k < rows->scores; k++) {
        float x = rows->score[k][row];

        if (isnan(x))
            continue;
        p->score_name[p->scores] = record_name(rows->score_name[k]);
        p->score[p->scores++] = (double)x;
    }
}

PoolRecord *pool_record(Arena *arena, const SetRows *rows, int64_t row)
{
    PoolRecord *p = arena_new(arena, PoolRecord, 1);

    memcpy(p->id, rows->id + 2 * row, sizeof p->id);
    p->problem = rows->problem[row];
    p->group = rows->group[row];
    p->policy = rows->policy[row];
    p->source = record_name(rows->source_names[rows->source[row]]);
    take_fields(arena, rows, row, p);
    take_scores(arena, rows, row, p);
    return p;
}

const RecordField *pool_field(const PoolRecord *p, const char *name)
{
    for (int i = 0; i < p->fields; i++)
        if (strcmp(p->field[i].name, name) == 0)
            return &p->field[i];
    return NULL;
}

double pool_score(const PoolRecord *p, const char *name)
{
    for (int i = 0; i < p->scores; i++)
        if (strcmp(p->score_name[i], name) == 0)
            return p->score[i];
    return NAN;
}
