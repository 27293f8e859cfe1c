#include "model/adapters/adapter.h"

#include "model/adapters/adapter_rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

float adapter_scale(const AdapterPlan *plan)
{
    double rank = plan->rank;

    return (float)(plan->alpha / (plan->is_rslora ? sqrt(rank) : rank));
}

void adapter_all_layers(const Dims *d, AdapterPlan *plan)
{
    for (int i = 0; i < d->L; i++)
        plan->layers[i / 64] |= (uint64_t)1 << (i % 64);
}

int adapter_has_layer(const AdapterPlan *plan, int layer)
{
    return plan->layers[layer / 64] >> (layer % 64) & 1;
}

int adapter_has_embedding(const Dims *d, const AdapterPlan *plan)
{
    Places p = rows_of(d);

    for (int i = 0; i < p.count; i++)
        if (p.at[i].row->role == PARAM_EMBED && (plan->beside >> i & 1))
            return 1;
    return 0;
}

int adapter_has_head(const Dims *d, const AdapterPlan *plan)
{
    Places p = rows_of(d);

    for (int i = 0; i < p.count; i++)
        if (p.at[i].row->role == PARAM_HEAD && (plan->targets >> i & 1))
            return 1;
    return 0;
}

// ---- targets

typedef struct Chosen {
    uint64_t of_layer[DIMS_LAYERS_MAX]; // bits of rows, by layer
    uint64_t outside;
} Chosen;

static Err say_no_target(const Json *name, const Dims *d, const Places *p)
{
    char   where[JSON_WORDS], one[ROW_PATH_ROOM], known[512] = "";
    size_t used = 0;

    for (int i = 0; i < p->count && used < sizeof known; i++)
        if (row_is_linear(p->at[i].row) && scheme_has(d, p->at[i].row->when))
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                     used > 0 ? ", " : "", row_short(p->at[i].row, one));
    FAIL(ERR_CONFIG, "%s: \"%.80s\" is no linear layer of this model; it has %s",
         json_where(name, where, sizeof where), name->text, known);
}

static Err choose(const Json *name, const Dims *d, const Places *p, const AdapterPlan *plan,
                  Chosen *out)
{
    char path[ROW_PATH_ROOM], where[JSON_WORDS];
    int  found = 0;

    if (name->kind != JSON_TEXT)
        FAIL(ERR_CONFIG, "%s: expected names of layers; found %s",
             json_where(name, where, sizeof where), json_kind_name(name->kind));
    for (int i = 0; i < p->count; i++) {
        const Place *at = &p->at[i];
        int          layers = at->is_layer ? d->L : 1;

        if (!scheme_has(d, at->row->when) || at->row->columns == NONE)
            continue;
        for (int layer = 0; layer < layers; layer++) {
            if (!row_is_named(row_path(d, at, layer, path), name->text))
                continue;
            if (row_is_embedding(at->row))
                FAIL(ERR_CONFIG,
                     "%s: %s is an embedding: adapters of embeddings are not supported; train it "
                     "whole, with \"embeddings\" in lora.beside",
                     json_where(name, where, sizeof where), path);
            found = 1;
            if (!at->is_layer)
                out->outside |= (uint64_t)1 << i;
            else if (adapter_has_layer(plan, layer))
                out->of_layer[layer] |= (uint64_t)1 << i;
        }
    }
    return found ? OK : say_no_target(name, d, p);
}

// The bits of a row mean the same in every layer that has any.
static Err settle(const Json *names, const Dims *d, const Chosen *chosen, AdapterPlan *plan)
{
    char where[JSON_WORDS];

    plan->targets = 0;
    memset(plan->layers, 0, sizeof plan->layers);
    for (int layer = 0; layer < d->L; layer++) {
        uint64_t bits = chosen->of_layer[layer];

        if (bits == 0)
            continue;
        if (plan->targets != 0 && plan->targets != bits)
            FAIL(ERR_CONFIG,
                 "%s: layer %d has other targets than the layers before it; supported are the same "
                 "targets in every layer that has any",
                 json_where(names, where, sizeof where), layer);
        plan->targets = bits;
        plan->layers[layer / 64] |= (uint64_t)1 << (layer % 64);
    }
    plan->targets |= chosen->outside;
    if (plan->targets == 0)
        FAIL(ERR_CONFIG, "%s: no layer is left to adapt", json_where(names, where, sizeof where));
    return OK;
}

static void choose_kind(const Dims *d, const Places *p, int (*is_wanted)(const Row *row),
                        AdapterPlan *plan)
{
    plan->targets = 0;
    for (int i = 0; i < p->count; i++)
        if (p->at[i].is_layer && scheme_has(d, p->at[i].row->when) && row_is_linear(p->at[i].row) &&
            is_wanted(p->at[i].row))
            plan->targets |= (uint64_t)1 << i;
}

Err adapter_targets(const Json *names, const Dims *d, AdapterPlan *plan)
{
    Places p = rows_of(d);
    Chosen chosen = {.outside = 0};
    char   where[JSON_WORDS];

    if (names->kind == JSON_TEXT && strcmp(names->text, "all-linear") == 0) {
        choose_kind(d, &p, row_is_linear, plan);
        return OK;
    }
    if (names->kind != JSON_ARRAY)
        FAIL(ERR_CONFIG,
             "%s: targets must be a list of names or \"all-linear\"; found %s (a pattern is not "
             "supported)",
             json_where(names, where, sizeof where), json_kind_name(names->kind));
    if (names->length == 0) {
        choose_kind(d, &p, row_is_attention, plan);
        return OK;
    }
    for (const Json *n = names->child; n != NULL; n = n->next)
        TRY(choose(n, d, &p, plan, &chosen));
    return settle(names, d, &chosen, plan);
}

// ---- beside

static int is_beside(const Row *row, const char *word)
{
    if (strcmp(word, "embeddings") == 0)
        return row_is_embedding(row);
    if (strcmp(word, "norms") == 0)
        return row_is_norm(row);
    return row->role == PARAM_HEAD;
}

static Err check_both(const Json *names, const AdapterPlan *plan)
{
    char where[JSON_WORDS];

    if (plan->targets & plan->beside)
        FAIL(ERR_CONFIG, "%s: the head is trained whole and has a low-rank term; choose one",
             json_where(names, where, sizeof where));
    return OK;
}

Err adapter_beside(const Json *words, const Dims *d, AdapterPlan *plan)
{
    static const char *const known[] = {"embeddings", "norms", "head"};
    Places                   p = rows_of(d);
    char                     where[JSON_WORDS];

    if (words->kind != JSON_ARRAY)
        FAIL(ERR_CONFIG, "%s: beside must be a list of \"embeddings\", \"norms\", \"head\"",
             json_where(words, where, sizeof where));
    for (const Json *w = words->child; w != NULL; w = w->next) {
        int is_known = 0;

        for (int i = 0; i < 3 && w->kind == JSON_TEXT; i++)
            is_known |= strcmp(known[i], w->text) == 0;
        if (!is_known)
            FAIL(ERR_CONFIG, "%s: expected \"embeddings\", \"norms\" or \"head\"",
                 json_where(w, where, sizeof where));
        if (strcmp(w->text, "head") == 0 && d->is_tied)
            FAIL(ERR_CONFIG,
                 "%s: the head of this model is its embedding; \"embeddings\" trains both",
                 json_where(w, where, sizeof where));
        for (int i = 0; i < p.count; i++)
            if (scheme_has(d, p.at[i].row->when) && is_beside(p.at[i].row, w->text))
                plan->beside |= (uint64_t)1 << i;
    }
    return check_both(words, plan);
}

static Err save_one(const Json *name, const Dims *d, const Places *p, AdapterPlan *plan)
{
    char path[ROW_PATH_ROOM], where[JSON_WORDS];
    int  found = 0;

    json_where(name, where, sizeof where);
    if (name->kind != JSON_TEXT)
        FAIL(ERR_CONFIG, "%s: expected the name of a module", where);
    if (d->is_tied && text_ends_with(params_head_name(d), ".weight") &&
        strncmp(params_head_name(d), name->text, strlen(name->text)) == 0)
        return OK; // the twin of the embedding
    for (int i = 0; i < p->count; i++) {
        const Place *at = &p->at[i];
        const Row   *row = at->row;

        if (!scheme_has(d, row->when) || !text_ends_with(row_path(d, at, 0, path), name->text))
            continue;
        if (!row_is_embedding(row) && !row_is_norm(row) && row->role != PARAM_HEAD)
            FAIL(ERR_CONFIG,
                 "%s: modules_to_save has \"%.80s\", a linear layer: only embeddings, norms and "
                 "the head can be trained whole beside an adapter",
                 where, name->text);
        found = 1;
        plan->beside |= (uint64_t)1 << i;
    }
    if (!found)
        FAIL(ERR_CONFIG, "%s: modules_to_save has \"%.80s\", which this model has not", where,
             name->text);
    return OK;
}

Err adapter_saved(const Json *names, const Dims *d, AdapterPlan *plan)
{
    Places p = rows_of(d);

    for (const Json *n = names->child; n != NULL; n = n->next)
        TRY(save_one(n, d, &p, plan));
    return check_both(names, plan);
}
