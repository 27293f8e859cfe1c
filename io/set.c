#include "io/set.h"

#include "base/hash.h"
#include "io/set_private.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

typedef enum Per { PER_ROW, PER_ROW_1, PER_SEGMENT, PER_SEGMENT_1, PER_TOKEN, PER_BYTE } Per;

// Every array of a shard that all shards have: the one place that knows them.
static const struct Fixed {
    const char *name, *about, *dims, *unit;
    H5Kind      kind;
    int         width; // values per row, segment, ...
    Per         per;
    int         viewed; // a set file shows it over all shards
    size_t      offset; // of its pointer in SetRows
} FIXED[] = {
    {"/id", "Key of the row: iteration << 40 | request, and sample.", "row,part", NULL, H5_U64, 2,
     PER_ROW, 1, offsetof(SetRows, id)},
    {"/parent", "Key of the record that the row was made from; 0,0: none.", "row,part", NULL,
     H5_U64, 2, PER_ROW, 1, offsetof(SetRows, parent)},
    {"/problem", "Number of the problem in its source.", "row", NULL, H5_U64, 1, PER_ROW, 1,
     offsetof(SetRows, problem)},
    {"/group", "What mixtures may balance by; -1: none.", "row", NULL, H5_I64, 1, PER_ROW, 1,
     offsetof(SetRows, group)},
    {"/source", "Where the row came from: index into /names/source.", "row", NULL, H5_U8, 1,
     PER_ROW, 0, offsetof(SetRows, source)},
    {"/status", "0 kept, 1 rejected, 2 passed: index into /names/status.", "row", NULL, H5_U8, 1,
     PER_ROW, 0, offsetof(SetRows, status)},
    {"/reason", "Why it was rejected: index into /names/reason; 0: it was not.", "row", NULL,
     H5_U16, 1, PER_ROW, 0, offsetof(SetRows, reason)},
    {"/step", "Where it was rejected, passed or kept: index into /names/step.", "row", NULL, H5_U16,
     1, PER_ROW, 1, offsetof(SetRows, step)},
    {"/policy", "Version of the weights that wrote it; -1: none.", "row", NULL, H5_I64, 1, PER_ROW,
     1, offsetof(SetRows, policy)},
    {"/rng", "Seed and stream of its random numbers.", "row,part", NULL, H5_U64, 2, PER_ROW, 1,
     offsetof(SetRows, rng)},
    {"/content", "Sum (XXH3) over everything of the row that is content.", "row", NULL, H5_U64, 1,
     PER_ROW, 1, offsetof(SetRows, content)},
    {"/segment/begin", "First segment of each row, and the number of all.", "row+1", "segment",
     H5_I64, 1, PER_ROW_1, 0, offsetof(SetRows, segment_begin)},
    {"/segment/role", "Who speaks: index into /names/role.", "segment", NULL, H5_U8, 1, PER_SEGMENT,
     0, offsetof(SetRows, segment_role)},
    {"/segment/visible", "Who sees it: index into /names/visible.", "segment", NULL, H5_U8, 1,
     PER_SEGMENT, 0, offsetof(SetRows, segment_visible)},
    {"/segment/weight", "Weight of its tokens in the loss.", "segment", NULL, H5_F32, 1,
     PER_SEGMENT, 0, offsetof(SetRows, segment_weight)},
    {"/segment/text_begin", "First byte of each segment in /segment/text, and the number of all.",
     "segment+1", "byte", H5_I64, 1, PER_SEGMENT_1, 0,
     offsetof(SetRows, segment_text) + offsetof(SetHeap, begin)},
    {"/segment/text", "The texts of all segments, one behind the other.", "byte", "UTF-8", H5_U8, 1,
     PER_BYTE, 0, offsetof(SetRows, segment_text) + offsetof(SetHeap, bytes)},
    {"/tokens/begin", "First token of each row in /tokens/id, and the number of all.", "row+1",
     "token", H5_I64, 1, PER_ROW_1, 0, offsetof(SetRows, token_begin)},
    {"/tokens/id", "Tokens that the policy drew in the last generate step.", "token", NULL, H5_I32,
     1, PER_TOKEN, 0, offsetof(SetRows, token)},
    {"/tokens/logp", "Log-probability of each, as the sampler computed it.", "token", "nat", H5_F32,
     1, PER_TOKEN, 0, offsetof(SetRows, logp)},
};

enum { FIXED_COUNT = (int)(sizeof FIXED / sizeof FIXED[0]) };
_Static_assert((int)FIXED_COUNT <= (int)SET_FIXED_MAX, "room for the fixed arrays");

Err set_path(const Run *run, char out[FILE_PATH_MAX], int64_t iteration)
{
    return run_path(run, out, "examples/i%04lld.h5", (long long)iteration);
}

Err set_shard_path(const Run *run, char out[FILE_PATH_MAX], int64_t iteration, int64_t block)
{
    return run_path(run, out, "examples/i%04lld/b%04lld.h5", (long long)iteration,
                    (long long)block);
}

int set_id_compare(const uint64_t a[2], const uint64_t b[2])
{
    int i = a[0] == b[0];

    return (a[i] > b[i]) - (a[i] < b[i]);
}

int set_name_index(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

// ---- memory and arrays

static int64_t extent(const SetShape *shape, Per per)
{
    switch (per) {
    case PER_ROW: return shape->R;
    case PER_ROW_1: return shape->R + 1;
    case PER_SEGMENT: return shape->S;
    case PER_SEGMENT_1: return shape->S + 1;
    case PER_TOKEN: return shape->T;
    case PER_BYTE: return shape->text_bytes;
    }
    return 0;
}

static char *pointer_get(const SetRows *rows, const struct Fixed *x)
{
    char *p;

    memcpy(&p, (const char *)rows + x->offset, sizeof p);
    return p;
}

static void pointer_set(SetRows *rows, const struct Fixed *x, char *p)
{
    memcpy((char *)rows + x->offset, &p, sizeof p);
}

SetShape set_shape(const SetRows *rows)
{
    SetShape s = {
        .R = rows->R, .S = rows->S, .T = rows->T, .scores = rows->scores, .fields = rows->fields};

    CHECK(0 <= s.scores && s.scores <= SET_COLUMNS_MAX && 0 <= s.fields &&
              s.fields <= SET_COLUMNS_MAX,
          "%d scores, %d fields, at most %d", s.scores, s.fields, SET_COLUMNS_MAX);
    CHECK(s.R >= 0 && s.S >= 0 && s.T >= 0 && (s.R > 0 || s.S + s.T == 0), "sizes of a set");
    if (s.S > 0)
        s.text_bytes = rows->segment_text.begin[s.S];
    for (int i = 0; i < s.scores; i++)
        s.score_name[i] = rows->score_name[i];
    for (int i = 0; i < s.fields; i++) {
        s.field_name[i] = rows->field_name[i];
        s.field_bytes[i] = s.R > 0 ? rows->field[i].begin[s.R] : 0;
    }
    return s;
}

void set_make(Arena *arena, const SetShape *shape, SetRows *rows)
{
    *rows = (SetRows){.R = shape->R,
                      .S = shape->S,
                      .T = shape->T,
                      .scores = shape->scores,
                      .fields = shape->fields};
    for (int i = 0; i < FIXED_COUNT; i++)
        pointer_set(rows, &FIXED[i],
                    arena_push(arena, extent(shape, FIXED[i].per) * FIXED[i].width,
                               h5_kind_bytes(FIXED[i].kind)));
    for (int i = 0; i < shape->scores; i++) {
        rows->score_name[i] = shape->score_name[i];
        rows->score[i] = arena_new(arena, float, shape->R);
    }
    for (int i = 0; i < shape->fields; i++) {
        rows->field_name[i] = shape->field_name[i];
        rows->field[i].begin = arena_new(arena, int64_t, shape->R + 1);
        rows->field[i].bytes = arena_push(arena, shape->field_bytes[i], 1);
    }
}

SetRows set_part(const SetRows *all, const SetShape *at, const SetShape *shape)
{
    SetRows part = {.R = shape->R,
                    .S = shape->S,
                    .T = shape->T,
                    .scores = shape->scores,
                    .fields = shape->fields};

    for (int i = 0; i < FIXED_COUNT; i++) {
        const struct Fixed *x = &FIXED[i];
        int64_t skip = extent(at, x->per) - (x->per == PER_ROW_1 || x->per == PER_SEGMENT_1);

        pointer_set(&part, x, pointer_get(all, x) + skip * x->width * h5_kind_bytes(x->kind));
    }
    for (int i = 0; i < shape->scores; i++) {
        int k = set_name_index(all->score_name, all->scores, shape->score_name[i]);

        part.score_name[i] = shape->score_name[i];
        part.score[i] = all->score[k] + at->R;
    }
    for (int i = 0; i < shape->fields; i++) {
        int k = set_name_index(all->field_name, all->fields, shape->field_name[i]);

        part.field_name[i] = shape->field_name[i];
        part.field[i].begin = all->field[k].begin + at->R;
        part.field[i].bytes = all->field[k].bytes + at->field_bytes[k];
    }
    return part;
}

static H5Array score_array(Arena *arena, const SetShape *shape, int i)
{
    return (H5Array){.name = arena_format(arena, "/score/%s", shape->score_name[i]),
                     .about = "A number that a step gave to each row; NaN: none.",
                     .dims = "row",
                     .kind = H5_F32,
                     .rank = 1,
                     .shape = {shape->R}};
}

static int field_arrays(Arena *arena, const SetShape *shape, const SetRows *rows, int i,
                        H5Array *out)
{
    const char *name = shape->field_name[i];

    out[0] = (H5Array){.name = arena_format(arena, "/field/%s/begin", name),
                       .about = "First byte of each row's text, and the number of all.",
                       .dims = "row+1",
                       .unit = "byte",
                       .kind = H5_I64,
                       .rank = 1,
                       .shape = {shape->R + 1},
                       .data = rows->field[i].begin};
    out[1] = (H5Array){.name = arena_format(arena, "/field/%s/bytes", name),
                       .about = "The texts of this field of all rows, one behind the other.",
                       .dims = "byte",
                       .unit = "UTF-8",
                       .kind = H5_U8,
                       .rank = 1,
                       .shape = {shape->field_bytes[i]},
                       .data = rows->field[i].bytes};
    return 2;
}

static H5Array fixed_array(const SetShape *shape, const struct Fixed *x)
{
    return (H5Array){.name = x->name,
                     .about = x->about,
                     .dims = x->dims,
                     .unit = x->unit,
                     .kind = x->kind,
                     .rank = x->width > 1 ? 2 : 1,
                     .shape = {extent(shape, x->per), x->width}};
}

int set_arrays(Arena *arena, const SetShape *shape, const SetRows *rows,
               H5Array out[SET_ARRAYS_MAX])
{
    int count = 0;

    for (int i = 0; i < FIXED_COUNT; i++) {
        out[count] = fixed_array(shape, &FIXED[i]);
        out[count++].data = pointer_get(rows, &FIXED[i]);
    }
    for (int i = 0; i < shape->scores; i++) {
        out[count] = score_array(arena, shape, i);
        out[count++].data = rows->score[i];
    }
    for (int i = 0; i < shape->fields; i++)
        count += field_arrays(arena, shape, rows, i, &out[count]);
    return count;
}

int set_row_arrays(Arena *arena, const SetShape *shape, H5Array out[SET_ARRAYS_MAX])
{
    int count = 0;

    for (int i = 0; i < FIXED_COUNT; i++)
        if (FIXED[i].viewed)
            out[count++] = fixed_array(shape, &FIXED[i]);
    for (int i = 0; i < shape->scores; i++)
        out[count++] = score_array(arena, shape, i);
    return count;
}

// ---- sums

// Columns by name, so that their order in memory does not matter.
static void sort_columns(const char *const *names, int count, int *order)
{
    for (int i = 0; i < count; i++) {
        int k = i;

        for (; k > 0 && strcmp(names[order[k - 1]], names[i]) > 0; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
}

static uint64_t sum_text(uint64_t h, const SetHeap *heap, int64_t at)
{
    int64_t length = heap->begin[at + 1] - heap->begin[at];

    h = hash_u64(h, (uint64_t)length);
    return hash_bytes(h, length > 0 ? heap->bytes + heap->begin[at] : "", length);
}

static uint64_t sum_float(uint64_t h, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return hash_u64(h, bits);
}

// A score that is NaN and a field that is empty are as good as absent, so that rows do not change
// when shards with different columns are read as one.
static uint64_t sum_columns(uint64_t h, const SetRows *rows, int64_t r)
{
    int order[SET_COLUMNS_MAX];

    sort_columns(rows->score_name, rows->scores, order);
    for (int i = 0; i < rows->scores; i++) {
        float value = rows->score[order[i]][r];

        if (!isnan(value))
            h = sum_float(hash_text(h, rows->score_name[order[i]]), value);
    }
    h = hash_text(h, "fields");
    sort_columns(rows->field_name, rows->fields, order);
    for (int i = 0; i < rows->fields; i++) {
        const SetHeap *heap = &rows->field[order[i]];

        if (heap->begin[r + 1] > heap->begin[r])
            h = sum_text(hash_text(h, rows->field_name[order[i]]), heap, r);
    }
    return hash_text(h, "segments");
}

static uint64_t sum_segments(uint64_t h, const SetRows *rows, int64_t r)
{
    int64_t begin = rows->segment_begin[r], end = rows->segment_begin[r + 1];

    h = hash_u64(h, (uint64_t)(end - begin));
    for (int64_t s = begin; s < end; s++) {
        h = hash_u64(h, (uint64_t)rows->segment_role[s] << 8 | rows->segment_visible[s]);
        h = sum_float(h, rows->segment_weight[s]);
        h = sum_text(h, &rows->segment_text, s);
    }
    return h;
}

static uint64_t sum_tokens(uint64_t h, const SetRows *rows, int64_t r)
{
    int64_t begin = rows->token_begin[r], count = rows->token_begin[r + 1] - begin;

    h = hash_u64(h, (uint64_t)count);
    if (count == 0)
        return h;
    h = hash_bytes(h, rows->token + begin, count * (int64_t)sizeof *rows->token);
    return hash_bytes(h, rows->logp + begin, count * (int64_t)sizeof *rows->logp);
}

uint64_t set_row_sum(const SetRows *rows, int64_t r)
{
    uint64_t keys[] = {rows->id[2 * r],           rows->id[2 * r + 1],
                       rows->parent[2 * r],       rows->parent[2 * r + 1],
                       rows->problem[r],          (uint64_t)rows->group[r],
                       (uint64_t)rows->policy[r], rows->rng[2 * r],
                       rows->rng[2 * r + 1],      rows->status[r]};
    uint64_t h = hash_bytes(0, keys, (int64_t)sizeof keys);

    h = hash_text(h, rows->source_names[rows->source[r]]);
    h = hash_text(h, rows->reason_names[rows->reason[r]]);
    h = hash_text(h, rows->step_names[rows->step[r]]);
    h = sum_columns(h, rows, r);
    h = sum_segments(h, rows, r);
    return sum_tokens(h, rows, r);
}

void set_sum_rows(SetRows *rows)
{
    for (int64_t r = 0; r < rows->R; r++)
        rows->content[r] = set_row_sum(rows, r);
}
