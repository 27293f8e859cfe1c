#include "model/adapters/adapter.h"

#include "model/adapters/adapter_rows.h"

#include <stdio.h>
#include <string.h>

// ---- as JSON

static void write_rows(Text *t, const Places *p, uint64_t bits)
{
    int written = 0;

    text_puts(t, "[");
    for (int i = 0; i < p->count; i++)
        if (bits >> i & 1)
            text_printf(t, "%s\"%s\"", written++ > 0 ? ", " : "", p->at[i].row->name);
    text_puts(t, "]");
}

void adapter_write(Text *t, const Dims *d, const AdapterPlan *plan)
{
    Places p = rows_of(d);
    int    written = 0;

    text_printf(t, "{\"rank\": %d, \"alpha\": ", plan->rank);
    json_write_number(t, plan->alpha);
    text_puts(t, ", \"dropout\": ");
    json_write_number(t, plan->dropout);
    text_printf(t, ", \"rslora\": %s, \"targets\": ", plan->is_rslora ? "true" : "false");
    write_rows(t, &p, plan->targets);
    text_puts(t, ", \"beside\": ");
    write_rows(t, &p, plan->beside);
    text_puts(t, ", \"layers\": [");
    for (int i = 0; i < d->L; i++)
        if (adapter_has_layer(plan, i))
            text_printf(t, "%s%d", written++ > 0 ? ", " : "", i);
    text_puts(t, "]}");
}

static int may_stand_beside(const Row *row)
{
    return row_is_embedding(row) || row_is_norm(row) || row->role == PARAM_HEAD;
}

static Err read_rows(const Json *list, const Dims *d, const Places *p, int (*fits)(const Row *row),
                     uint64_t *bits)
{
    char where[JSON_WORDS];

    *bits = 0;
    for (const Json *n = list->child; n != NULL; n = n->next) {
        int i = 0;

        while (i < p->count && (n->kind != JSON_TEXT || strcmp(p->at[i].row->name, n->text) != 0))
            i++;
        if (i == p->count || !scheme_has(d, p->at[i].row->when) || !fits(p->at[i].row))
            FAIL(ERR_DATA, "%s: the base has no such tensor", json_where(n, where, sizeof where));
        *bits |= (uint64_t)1 << i;
    }
    return OK;
}

Err adapter_read(const Json *object, const Dims *d, AdapterPlan *plan)
{
    Places      p = rows_of(d);
    const Json *list, *rslora = json_member(object, "rslora");
    int64_t     number;
    char        where[JSON_WORDS];

    *plan = (AdapterPlan){.is_rslora = rslora != NULL && rslora->kind == JSON_TRUE};
    TRY(json_want_i64(object, "rank", 1, 1 << 16, &number));
    plan->rank = (int)number;
    TRY(json_want_f64(object, "alpha", 0, 1e9, &plan->alpha));
    TRY(json_want_f64(object, "dropout", 0, 0.999, &plan->dropout));
    TRY(json_want_array(object, "targets", &list));
    TRY(read_rows(list, d, &p, row_is_linear, &plan->targets));
    TRY(json_want_array(object, "beside", &list));
    TRY(read_rows(list, d, &p, may_stand_beside, &plan->beside));
    if (plan->targets & plan->beside)
        FAIL(ERR_DATA, "%s: the head is both a target and trained whole",
             json_where(list, where, sizeof where));
    TRY(json_want_array(object, "layers", &list));
    for (const Json *n = list->child; n != NULL; n = n->next) {
        TRY(json_i64(n, 0, d->L - 1, &number));
        plan->layers[number / 64] |= (uint64_t)1 << (number % 64);
    }
    return OK;
}

// ---- for PEFT and for people

static int layers_of(const Dims *d, const AdapterPlan *plan)
{
    int layers = 0;

    for (int i = 0; i < d->L; i++)
        layers += adapter_has_layer(plan, i);
    return layers;
}

// Short names, each once: those of a norm's weight and bias are the same.
static int write_short(Text *t, const Places *p, uint64_t bits, const char *quote)
{
    char one[ROW_PATH_ROOM], other[ROW_PATH_ROOM];
    int  written = 0;

    for (int i = 0; i < p->count; i++) {
        int is_new = 1;

        if (!(bits >> i & 1))
            continue;
        row_short(p->at[i].row, one);
        for (int k = 0; k < i; k++)
            if (bits >> k & 1)
                is_new &= strcmp(one, row_short(p->at[k].row, other)) != 0;
        if (is_new)
            text_printf(t, "%s%s%s%s", written++ > 0 ? ", " : "", quote, one, quote);
    }
    return written;
}

// Names that end alike would stand for each other ("c_proj" of gpt2's attention and MLP): then the
// whole of a row's name.
static const char *name_of(const Dims *d, const Places *p, uint64_t bits, int i,
                           char out[ROW_PATH_ROOM])
{
    const char *whole = p->at[i].row->name;
    char        path[ROW_PATH_ROOM];

    row_short(p->at[i].row, out);
    for (int k = 0; k < p->count; k++)
        if (!(bits >> k & 1) && scheme_has(d, p->at[k].row->when) && row_is_linear(p->at[k].row) &&
            row_is_named(row_path(d, &p->at[k], 0, path), out))
            snprintf(out, ROW_PATH_ROOM, "%.*s", (int)(strrchr(whole, '.') - whole), whole);
    return out;
}

void adapter_write_targets(Text *t, const Dims *d, const AdapterPlan *plan)
{
    Places p = rows_of(d);
    char   one[ROW_PATH_ROOM];
    int    written = 0, layers = layers_of(d, plan);

    text_puts(t, "[");
    for (int i = 0; i < p.count; i++) {
        if (!(plan->targets >> i & 1))
            continue;
        if (layers == d->L || !p.at[i].is_layer) {
            text_printf(t, "%s\"%s\"", written++ > 0 ? ", " : "",
                        name_of(d, &p, plan->targets, i, one));
            continue;
        }
        for (int layer = 0; layer < d->L; layer++)
            if (adapter_has_layer(plan, layer))
                text_printf(t, "%s\"%s\"", written++ > 0 ? ", " : "",
                            row_path(d, &p.at[i], layer, one));
    }
    text_puts(t, "]");
}

// Of the rows outside layers their paths: "norm" alone would end those of other norms as well.
void adapter_write_saved(Text *t, const Dims *d, const AdapterPlan *plan)
{
    Places   p = rows_of(d);
    uint64_t in_layers = 0;
    char     one[ROW_PATH_ROOM], last[ROW_PATH_ROOM] = "";
    int      written;

    for (int i = 0; i < p.count; i++)
        if (p.at[i].is_layer)
            in_layers |= plan->beside & (uint64_t)1 << i;
    text_puts(t, "[");
    written = write_short(t, &p, in_layers, "\"");
    for (int i = 0; i < p.count; i++) {
        if (!(plan->beside >> i & 1) || p.at[i].is_layer ||
            strcmp(row_path(d, &p.at[i], -1, one), last) == 0)
            continue;
        text_printf(t, "%s\"%s\"", written++ > 0 ? ", " : "", one);
        snprintf(last, sizeof last, "%s", one);
    }
    text_puts(t, "]");
}

void adapter_words(Text *t, const Dims *d, const AdapterPlan *plan)
{
    Places p = rows_of(d);
    int    layers = layers_of(d, plan);

    text_printf(t, "rank %d, alpha %g%s, on ", plan->rank, plan->alpha,
                plan->is_rslora ? " (rsLoRA)" : "");
    write_short(t, &p, plan->targets, "");
    if (layers < d->L)
        text_printf(t, " of %d layers", layers);
    if (plan->dropout > 0)
        text_printf(t, ", dropout %g", plan->dropout);
    if (plan->beside != 0) {
        text_puts(t, "; whole: ");
        write_short(t, &p, plan->beside, "");
    }
}
