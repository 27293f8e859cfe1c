#include "model/adapters/adapter_rows.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static void add_places(Places *p, const Row *row, int is_layer)
{
    for (; row->name != NULL; row++) {
        CHECK(p->count < ROWS_MAX, "%d rows", p->count);
        p->at[p->count++] = (Place){row, is_layer};
    }
}

Places rows_of(const Dims *d)
{
    const Scheme *s = schemes[d->family];
    Places        p = {.count = 0};

    add_places(&p, s->before, 0);
    add_places(&p, s->layer, 1);
    add_places(&p, s->after, 0);
    return p;
}

int row_is_linear(const Row *row)
{
    return row->columns != NONE && row->role != PARAM_EMBED && row->role != PARAM_POSITION;
}

int row_is_embedding(const Row *row)
{
    return row->role == PARAM_EMBED || row->role == PARAM_POSITION;
}

int row_is_attention(const Row *row)
{
    return row->role == PARAM_QKV || row->role == PARAM_QKV_REST || row->role == PARAM_OUT;
}

static int row_is_bias(const Row *row)
{
    return row->columns == NONE &&
           (row->role == PARAM_QKV_BIAS || row->role == PARAM_QKV_BIAS_REST ||
            row->role == PARAM_OUT_BIAS || row->role == PARAM_UP_BIAS ||
            row->role == PARAM_UP_BIAS_REST || row->role == PARAM_DOWN_BIAS);
}

// Vectors that are no bias of a linear layer belong to norms.
int row_is_norm(const Row *row)
{
    return row->columns == NONE && !row_is_bias(row);
}

const char *row_path(const Dims *d, const Place *p, int layer, char out[ROW_PATH_ROOM])
{
    const Scheme *s = schemes[d->family];
    int           length = (int)(strrchr(p->row->name, '.') - p->row->name);

    if (p->is_layer)
        snprintf(out, ROW_PATH_ROOM, "%s%s.%d.%.*s", s->prefix, s->layers, layer, length,
                 p->row->name);
    else
        snprintf(out, ROW_PATH_ROOM, "%.*s", length, p->row->name);
    return out;
}

const char *row_short(const Row *row, char out[ROW_PATH_ROOM])
{
    const char *end = strrchr(row->name, '.'), *begin = end;

    while (begin > row->name && begin[-1] != '.')
        begin--;
    snprintf(out, ROW_PATH_ROOM, "%.*s", (int)(end - begin), begin);
    return out;
}

int row_is_named(const char *path, const char *name)
{
    size_t n = strlen(path), m = strlen(name);

    return strcmp(path, name) == 0 || (text_ends_with(path, name) && path[n - m - 1] == '.');
}
