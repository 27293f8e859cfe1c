// The adapter that a campaign trains in the place of its model.
#include "campaign/settings.h"

#include "model/adapters/adapter.h"
#include "model/adapters/import_adapter.h"

#include <inttypes.h>

static Err check_off(const Settings *s)
{
    const Json *adapters = s->lora.adapters;

    if (adapters->kind != JSON_ARRAY || adapters->length > 0)
        FAIL(ERR_CONFIG,
             "%s: lora.adapters are to stand below an adapter that is trained, but lora.rank is 0",
             s->file);
    if (s->import.dims.adapters > 0)
        FAIL(ERR_CONFIG,
             "%s: the model %s is an adapter: set lora.rank to train another one on top of it, or "
             "merge it first (tandem export --model %s --to hf --merge --out DIR)",
             s->file, s->model_folder, s->model_folder);
    return OK;
}

static Err add_below(Arena *run, Settings *s)
{
    const Json *adapters = s->lora.adapters;
    char        where[JSON_WORDS];

    if (adapters->kind != JSON_ARRAY)
        FAIL(ERR_CONFIG, "%s: lora.adapters must be a list of paths",
             json_where(adapters, where, sizeof where));
    for (const Json *a = adapters->child; a != NULL; a = a->next) {
        if (a->kind != JSON_TEXT)
            FAIL(ERR_CONFIG, "%s: lora.adapters must be a list of paths",
                 json_where(a, where, sizeof where));
        TRY(import_add(run, a->text, &s->import));
    }
    return OK;
}

Err settings_lora(Arena *run, Settings *s)
{
    AdapterPlan plan = {.rank = (int)s->lora.rank,
                        .alpha = s->lora.alpha > 0 ? s->lora.alpha : 2.0 * (double)s->lora.rank,
                        .dropout = s->lora.dropout,
                        .is_rslora = s->lora.rslora};

    if (s->lora.rank == 0)
        return check_off(s);
    if (s->model_folder == NULL)
        FAIL(ERR_CONFIG,
             "%s: lora.rank is %" PRId64 ", but \"model\" is a shape: an adapter needs a model to "
             "stand on; set model=PATH",
             s->file, s->lora.rank);
    TRY(add_below(run, s));
    if (s->import.dims.adapters == ADAPTERS_MAX)
        FAIL(ERR_CONFIG, "%s: at most %d adapters can stand on each other; merge some", s->file,
             ADAPTERS_MAX);
    s->dims = s->import.dims;
    adapter_all_layers(&s->dims, &plan);
    TRY(adapter_targets(s->lora.targets, &s->dims, &plan));
    TRY(adapter_beside(s->lora.beside, &s->dims, &plan));
    s->dims.adapter[s->dims.adapters++] = plan;
    return OK;
}
