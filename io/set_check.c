#include "io/set_private.h"

#include <inttypes.h>
#include <math.h>

static Err check_begin(const char *path, const char *name, const int64_t *begin, int64_t count,
                       int64_t total)
{
    CHECK(begin != NULL, "%s: %s", path, name);
    if (begin[0] != 0)
        FAIL(ERR_DATA, "%s: %s begins with %" PRId64 ", not 0", path, name, begin[0]);
    for (int64_t i = 0; i < count; i++)
        if (begin[i + 1] < begin[i] || begin[i + 1] > total)
            FAIL(ERR_DATA, "%s: %s[%" PRId64 "] is %" PRId64 ", expected %" PRId64 " to %" PRId64,
                 path, name, i + 1, begin[i + 1], begin[i], total);
    if (begin[count] != total)
        FAIL(ERR_DATA, "%s: %s ends with %" PRId64 ", not %" PRId64, path, name, begin[count],
             total);
    return OK;
}

static Err check_indices(const char *path, const SetRows *rows)
{
    if (rows->sources > UINT8_MAX + 1 || rows->reasons > UINT16_MAX + 1)
        FAIL(ERR_DATA, "%s: %d names of sources and %d of reasons are too many", path,
             rows->sources, rows->reasons);
    if (rows->reasons < 1 || rows->reason_names[0][0] != 0)
        FAIL(ERR_DATA, "%s: /names/reason does not begin with an empty name", path);
    if (rows->steps > UINT16_MAX + 1)
        FAIL(ERR_DATA, "%s: %d names of steps are too many", path, rows->steps);
    for (int64_t r = 0; r < rows->R; r++) {
        if (rows->source[r] >= rows->sources)
            FAIL(ERR_DATA, "%s: /source[%" PRId64 "] is %d, there are %d names", path, r,
                 rows->source[r], rows->sources);
        if (rows->reason[r] >= rows->reasons)
            FAIL(ERR_DATA, "%s: /reason[%" PRId64 "] is %d, there are %d names", path, r,
                 rows->reason[r], rows->reasons);
        if (rows->step[r] >= rows->steps)
            FAIL(ERR_DATA, "%s: /step[%" PRId64 "] is %d, there are %d names", path, r,
                 rows->step[r], rows->steps);
        if (rows->status[r] > SET_PASSED)
            FAIL(ERR_DATA, "%s: /status[%" PRId64 "] is %d, which means nothing", path, r,
                 rows->status[r]);
    }
    return OK;
}

static Err check_order(const char *path, const SetRows *rows)
{
    for (int64_t r = 1; r < rows->R; r++)
        if (set_id_compare(&rows->id[2 * (r - 1)], &rows->id[2 * r]) >= 0)
            FAIL(ERR_DATA, "%s: /id[%" PRId64 "] is not above the one before it", path, r);
    return OK;
}

static Err check_segments(const char *path, const SetRows *rows)
{
    for (int64_t s = 0; s < rows->S; s++) {
        if (rows->segment_role[s] >= SET_ROLES)
            FAIL(ERR_DATA, "%s: /segment/role[%" PRId64 "] is %d, which means nothing", path, s,
                 rows->segment_role[s]);
        if (rows->segment_visible[s] < SET_GEN || rows->segment_visible[s] > SET_BOTH)
            FAIL(ERR_DATA, "%s: /segment/visible[%" PRId64 "] is %d, which means nothing", path, s,
                 rows->segment_visible[s]);
        if (!isfinite(rows->segment_weight[s]))
            FAIL(ERR_DATA, "%s: /segment/weight[%" PRId64 "] is not a finite number", path, s);
    }
    return OK;
}

static Err check_tokens(const char *path, const SetRows *rows)
{
    for (int64_t t = 0; t < rows->T; t++) {
        if (rows->token[t] < 0)
            FAIL(ERR_DATA, "%s: /tokens/id[%" PRId64 "] is %" PRId32, path, t, rows->token[t]);
        if (isnan(rows->logp[t]))
            FAIL(ERR_DATA, "%s: /tokens/logp[%" PRId64 "] is not a number", path, t);
    }
    return OK;
}

Err set_check_rows(const char *path, const SetShape *shape, const SetRows *rows)
{
    TRY(check_order(path, rows));
    TRY(check_indices(path, rows));
    TRY(check_begin(path, "/segment/begin", rows->segment_begin, rows->R, rows->S));
    TRY(check_begin(path, "/segment/text_begin", rows->segment_text.begin, rows->S,
                    shape->text_bytes));
    TRY(check_begin(path, "/tokens/begin", rows->token_begin, rows->R, rows->T));
    for (int i = 0; i < rows->fields; i++)
        TRY(check_begin(path, rows->field_name[i], rows->field[i].begin, rows->R,
                        shape->field_bytes[i]));
    TRY(check_segments(path, rows));
    TRY(check_tokens(path, rows));
    return OK;
}

Err set_check_contents(const char *path, const SetRows *rows)
{
    for (int64_t r = 0; r < rows->R; r++) {
        uint64_t sum = set_row_sum(rows, r);

        if (sum != rows->content[r])
            FAIL(ERR_DATA,
                 "%s: /content[%" PRId64 "] is %016" PRIx64 ", the row's sum is %016" PRIx64, path,
                 r, rows->content[r], sum);
    }
    return OK;
}
