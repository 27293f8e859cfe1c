#include "io/set_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct LateRow {
    uint64_t id[2];
    int64_t  order; // in which it was named
    uint16_t reason;
} LateRow;

static int by_id_and_order(const void *a, const void *b)
{
    const LateRow *x = a, *y = b;
    int            side = set_id_compare(x->id, y->id);

    return side != 0 ? side : (x->order > y->order) - (x->order < y->order);
}

SetLate set_late_sorted(Arena *arena, const SetLate *late)
{
    SetLate  out = {.segments = ""};
    LateRow *row;

    if (late == NULL)
        return out;
    out.segments = late->segments == NULL ? "" : late->segments;
    if (late->count == 0)
        return out;
    out.reason_names = late->reason_names;
    out.reasons = late->reasons;
    out.id = arena_new(arena, uint64_t, 2 * late->count);
    out.reason = arena_new(arena, uint16_t, late->count);
    row = arena_new(arena, LateRow, late->count);
    for (int64_t i = 0; i < late->count; i++) {
        uint16_t reason = late->reason[i];

        CHECK(reason < late->reasons && late->reason_names[reason][0] != 0,
              "reason %d of %d of a late rejection", reason, late->reasons);
        row[i] = (LateRow){{late->id[2 * i], late->id[2 * i + 1]}, i, reason};
    }
    qsort(row, (size_t)late->count, sizeof *row, by_id_and_order);
    for (int64_t i = 0; i < late->count; i++) {
        if (i > 0 && set_id_compare(row[i - 1].id, row[i].id) == 0)
            continue;
        memcpy(&out.id[2 * out.count], row[i].id, sizeof row[i].id);
        out.reason[out.count++] = row[i].reason;
    }
    return out;
}

// ---- in the set file

Err set_late_put(H5File *f, Arena *scratch, const SetPlan *plan, const SetLate *late)
{
    uint16_t *reason = arena_new(scratch, uint16_t, late->count);
    H5Array   arrays[] = {{.name = "/late/id",
                           .about = "Rows that were rejected after their shards were written.",
                           .dims = "row,part",
                           .kind = H5_U64,
                           .rank = 2,
                           .shape = {late->count, 2},
                           .data = late->id},
                          {.name = "/late/reason",
                           .about = "Why each of them was: index into /names/reason.",
                           .dims = "row",
                           .kind = H5_U16,
                           .rank = 1,
                           .shape = {late->count},
                           .data = reason}};

    for (int64_t i = 0; i < late->count; i++)
        reason[i] = (uint16_t)set_name_index(plan->reason_names, plan->reasons,
                                             late->reason_names[late->reason[i]]);
    for (int i = 0; i < 2; i++)
        TRY(h5_put(f, &arrays[i]));
    return OK;
}

static Err check_late(const char *path, const SetLate *late)
{
    for (int64_t i = 0; i < late->count; i++) {
        if (late->reason[i] == 0 || late->reason[i] >= late->reasons)
            FAIL(ERR_DATA, "%s: /late/reason[%" PRId64 "] is %d, expected 1 to %d", path, i,
                 late->reason[i], late->reasons - 1);
        if (i > 0 && set_id_compare(&late->id[2 * (i - 1)], &late->id[2 * i]) >= 0)
            FAIL(ERR_DATA, "%s: /late/id[%" PRId64 "] is not above the one before it", path, i);
    }
    return OK;
}

Err set_late_load(H5File *f, Arena *arena, const char *path, const char **names, int count,
                  SetLate *late)
{
    H5Array id, reason;

    TRY(h5_load(f, arena, "/late/id", H5_U64, 2, &id));
    TRY(h5_load(f, arena, "/late/reason", H5_U16, 1, &reason));
    if (id.shape[1] != 2)
        FAIL(ERR_DATA, "%s: /late/id has %" PRId64 " columns, not 2", path, id.shape[1]);
    if (id.shape[0] != reason.shape[0])
        FAIL(ERR_DATA, "%s: /late/reason has %" PRId64 " rows, expected %" PRId64, path,
             reason.shape[0], id.shape[0]);
    *late = (SetLate){.count = id.shape[0],
                      .id = id.data,
                      .reason = reason.data,
                      .reason_names = names,
                      .reasons = count};
    return check_late(path, late);
}

// ---- in the rows

// The place of this id in `late`, -1 if it is not there: a search by halves.
static int64_t late_find(const SetLate *late, const uint64_t id[2])
{
    int64_t low = 0, high = late->count;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int     side = set_id_compare(&late->id[2 * middle], id);

        if (side == 0)
            return middle;
        if (side < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

// The index of a name, at the end of a longer table if it is new.
static int reason_index(Arena *arena, SetRows *rows, const char *reason)
{
    int          at = set_name_index(rows->reason_names, rows->reasons, reason);
    const char **longer;

    if (at >= 0)
        return at;
    longer = arena_new(arena, const char *, rows->reasons + 1);
    memcpy(longer, rows->reason_names, (size_t)rows->reasons * sizeof *longer);
    longer[rows->reasons] = reason;
    rows->reason_names = longer;
    return rows->reasons++;
}

Err set_late_apply(Arena *arena, const char *path, const SetLate *late, SetRows *rows,
                   int64_t *hits)
{
    for (int64_t r = 0; r < rows->R && late->count > 0; r++) {
        int64_t at = late_find(late, &rows->id[2 * r]);

        if (at < 0)
            continue;
        if (rows->status[r] == SET_REJECTED)
            FAIL(ERR_DATA,
                 "%s: row %" PRId64 " is to be rejected late as \"%s\", but was already as \"%s\"",
                 path, r, late->reason_names[late->reason[at]],
                 rows->reason_names[rows->reason[r]]);
        rows->status[r] = SET_REJECTED;
        rows->reason[r] = (uint16_t)reason_index(arena, rows, late->reason_names[late->reason[at]]);
        rows->content[r] = set_row_sum(rows, r);
        ++*hits;
    }
    return OK;
}
