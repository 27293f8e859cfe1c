#include "campaign/settings.h"

#include "io/file.h"
#include "model/import.h"
#include "mpi/coll.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 16 << 20 };

// Keys that may differ between the starts of one run: they decide where and how fast, not what.
static const char *const FREE_KEYS[] = {"out",   "ranks",    "generate.slots", "checkpoint",
                                        "about", "watchdog", "iterations",     "version"};

static const char *folder_of(Arena *run, const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash == NULL ? "." : arena_text_n(run, file, slash - file);
}

// What a config or recipe file has wrong is for its author: not data of the run.
static Err as_config(Err e)
{
    if (e != ERR_DATA)
        return e;
    err_record()->code = ERR_CONFIG;
    return ERR_CONFIG;
}

static Err read_mixture(const Json *json, const char *key, Mixture *out)
{
    static const char *const known[] = {"from", "share", "balance", "sets", "distinct"};
    char                     where[256];
    double                   total = 0;

    *out = (Mixture){0};
    if (json == NULL)
        return OK;
    json_where(json, where, sizeof where);
    if (json->kind != JSON_ARRAY || json->length > SETTINGS_MIXTURE_MAX)
        FAIL(ERR_CONFIG, "%s: %s must be a list of at most %d parts", where, key,
             SETTINGS_MIXTURE_MAX);
    for (const Json *j = json->child; j != NULL; j = j->next) {
        MixturePart *p = &out->part[out->parts++];
        const char  *from;
        const Json  *sets = json_member(j, "sets"), *balance = json_member(j, "balance");
        const Json  *distinct = json_member(j, "distinct");

        json_where(j, where, sizeof where);
        TRY(json_only(j, known, 5));
        TRY(json_want_text(j, "from", &from));
        TRY(json_want_f64(j, "share", 0, 1, &p->share));
        if (strcmp(from, "seeds") != 0 && strcmp(from, "kept") != 0)
            FAIL(ERR_CONFIG, "%s: %s.from is \"%s\"; expected \"seeds\" or \"kept\"", where, key,
                 from);
        if (sets != NULL && (sets->kind != JSON_TEXT ||
                             (strcmp(sets->text, "all") != 0 && strcmp(sets->text, "last") != 0)))
            FAIL(ERR_CONFIG, "%s: %s.sets must be \"all\" or \"last\"", where, key);
        p->from_seeds = strcmp(from, "seeds") == 0;
        p->balance = balance != NULL && balance->kind == JSON_TRUE;
        p->sets = sets != NULL && strcmp(sets->text, "last") == 0 ? SETS_LAST : SETS_ALL;
        p->distinct = distinct == NULL || distinct->kind == JSON_TRUE;
        total += p->share;
    }
    if (fabs(total - 1) > 1e-9 && out->parts > 0)
        FAIL(ERR_CONFIG, "%s: the shares of %s add up to %g; they must add up to 1", where, key,
             total);
    return OK;
}

static Err read_recipe(Arena *run, const Settings *s, const char *name, Recipe **out)
{
    char        path[FILE_PATH_MAX];
    const Json *json;

    *out = NULL;
    if (*name == 0)
        return OK;
    TRY(file_join(path, *name == '/' ? "" : s->folder, name));
    TRY(json_read(run, arena_text(run, path), JSON_COMMENTS, &json));
    return recipe_read(run, json, folder_of(run, arena_text(run, path)), s->source, out);
}

static Err read_model(Arena *run, Settings *s)
{
    const Json *from = json_member(s->model, "from");

    if (s->model->kind != JSON_OBJECT)
        FAIL(ERR_CONFIG, "%s: model must be an object: a Hugging Face config or {\"from\": path}",
             s->file);
    if (from == NULL) {
        TRY(dims_read(s->model, &s->dims));
    } else {
        ImportModel found;

        if (from->kind != JSON_TEXT)
            FAIL(ERR_CONFIG, "%s: model.from must be the path of a folder or weight file", s->file);
        TRY(import_find(run, from->text, &found));
        s->dims = found.dims;
        s->model_folder = from->text;
    }
    TRY(vocab_make(run, s->tokenizer, &s->vocab));
    if (vocab_size(s->vocab) > s->dims.V)
        FAIL(ERR_CONFIG,
             "%s: the tokenizer has %" PRId64 " tokens, but model.vocab_size is %" PRId64
             ": raise vocab_size or change the tokenizer",
             s->file, vocab_size(s->vocab), s->dims.V);
    return OK;
}

static Err check_numbers(const Settings *s)
{
    int64_t M = s->train.micro_batches;

    if (s->version > SETTINGS_VERSION)
        FAIL(ERR_CONFIG,
             "%s: version %" PRId64 " is newer than this program understands (%d): update tandem",
             s->file, s->version, SETTINGS_VERSION);
    if ((M & (M - 1)) != 0)
        FAIL(ERR_CONFIG, "%s: train.micro_batches is %" PRId64 "; it must be a power of two",
             s->file, M);
    if (s->base.steps > 0 && s->base_mixture.parts == 0)
        FAIL(ERR_CONFIG, "%s: base.steps is %" PRId64 " but base.mixture is empty", s->file,
             s->base.steps);
    if (s->loop.steps > 0 && s->iterations > 0 && s->loop_mixture.parts == 0)
        FAIL(ERR_CONFIG, "%s: loop.steps is %" PRId64 " but loop.mixture is empty", s->file,
             s->loop.steps);
    for (int p = 0; p < s->base_mixture.parts; p++)
        if (!s->base_mixture.part[p].from_seeds)
            FAIL(ERR_CONFIG, "%s: base.mixture may draw from \"seeds\" only", s->file);
    if (s->base.steps > 0 && s->base_recipe == NULL)
        FAIL(ERR_CONFIG, "%s: base.steps is %" PRId64 " but base.recipe is empty: nothing to learn",
             s->file, s->base.steps);
    return OK;
}

static Err read_files(Arena *run, const char *file, const char *text, int64_t length,
                      const char *const *overrides, int count, Settings *out)
{
    const Json *json;

    TRY(json_parse(run, arena_text(run, file), text, length, JSON_COMMENTS, &json));
    if (json->kind == JSON_OBJECT) // else config_read says what it is
        TRY(config_override(run, json, overrides, count, &json));
    TRY(config_read(run, json, SETTINGS_TABLE, out));
    out->json = json;
    out->file = arena_text(run, file);
    out->folder = folder_of(run, out->file);
    TRY(read_mixture(out->base.mixture, "base.mixture", &out->base_mixture));
    TRY(read_mixture(out->loop.mixture, "loop.mixture", &out->loop_mixture));
    TRY(source_make(run, out->problems, (uint64_t)out->seed, &out->source));
    TRY(read_recipe(run, out, out->base.recipe, &out->base_recipe));
    TRY(read_recipe(run, out, out->loop.recipe, &out->loop_recipe));
    TRY(read_recipe(run, out, out->evaluate.recipe, &out->evaluate_recipe));
    return check_numbers(out);
}

// Now, not when the recipe's turn comes after hours of training.
static Err check_vocab(Arena *run, const Settings *s)
{
    const Recipe *recipe[] = {s->base_recipe, s->loop_recipe, s->evaluate_recipe};

    for (int i = 0; i < 3; i++)
        if (recipe[i] != NULL)
            TRY(recipe_check_vocab(recipe[i], run, s->vocab));
    return OK;
}

Err settings_read(Arena *run, const char *file, const char *text, int64_t length,
                  const char *const *overrides, int count, Settings *out)
{
    *out = (Settings){0};
    TRY(as_config(read_files(run, file, text, length, overrides, count, out)));
    TRY(read_model(run, out));
    return check_vocab(run, out);
}

// Rank 0 reads, everybody parses the same bytes: all succeed or fail alike.
Err settings_read_all(const Comm *c, Arena *run, const char *file, const char *const *overrides,
                      int count, Settings *out)
{
    char   *text = NULL;
    int64_t length = 0;

    TRY_ALL(c, c->rank == 0 ? file_read(run, file, CONFIG_BYTES_MAX, &text, &length) : OK);
    coll_bcast_all(c, &length, (int64_t)sizeof length, 0);
    if (c->rank != 0)
        text = arena_push(run, length + 1, 1);
    coll_bcast_all(c, text, length, 0);
    TRY_ALL(c, settings_read(run, file, text, length, overrides, count, out));
    return OK;
}

int64_t settings_steps(const Settings *s, int64_t iteration)
{
    double steps;

    if (iteration == 0)
        return s->base.steps;
    steps = floor((double)s->loop.steps * pow(s->loop.growth, (double)(iteration - 1)));
    return steps < (double)s->loop.steps_max ? (int64_t)steps : s->loop.steps_max;
}

int64_t settings_policy(const Settings *s, int64_t iteration)
{
    int64_t policy = iteration - 1 - s->overlap;

    return policy > 0 ? policy : 0;
}

void settings_write(Text *t, const Settings *s)
{
    config_write(t, SETTINGS_TABLE, s);
}

static int is_free(const char *key)
{
    for (size_t i = 0; i < sizeof FREE_KEYS / sizeof FREE_KEYS[0]; i++)
        if (strcmp(key, FREE_KEYS[i]) == 0)
            return 1;
    return 0;
}

static const char *as_text(Arena *scratch, const Json *node)
{
    Text t = text_make(scratch);

    if (node == NULL)
        return "nothing";
    json_write(&t, node);
    return t.data;
}

static Err same_tree(Arena *scratch, const Json *old, const Json *now, const char *path)
{
    for (const Json *n = now->child; n != NULL; n = n->next) {
        const Json *o = json_member(old, n->key);
        const char *key = *path ? arena_format(scratch, "%s.%s", path, n->key) : n->key;

        if (is_free(key))
            continue;
        if (n->kind == JSON_OBJECT && o != NULL && o->kind == JSON_OBJECT) {
            TRY(same_tree(scratch, o, n, key));
            continue;
        }
        if (strcmp(as_text(scratch, o), as_text(scratch, n)) != 0)
            FAIL(ERR_CONFIG,
                 "this run directory was made with %s = %.200s, now it is %.200s: continue with "
                 "the old value, or choose another out=",
                 key, as_text(scratch, o), as_text(scratch, n));
    }
    return OK;
}

void settings_recipe_sums(const Settings *s, SettingsRecipe out[SETTINGS_RECIPES])
{
    const Recipe     *recipe[] = {s->base_recipe, s->loop_recipe, s->evaluate_recipe};
    const char *const file[] = {s->base.recipe, s->loop.recipe, s->evaluate.recipe};
    const char *const phase[] = {"base", "loop", "evaluate"};

    for (int i = 0; i < SETTINGS_RECIPES; i++) {
        out[i] = (SettingsRecipe){.phase = phase[i], .file = file[i]};
        snprintf(out[i].sum, sizeof out[i].sum, "%016" PRIx64,
                 recipe[i] == NULL ? (uint64_t)0 : recipe_hash(recipe[i]));
    }
}

static Err same_recipes(const Json *old, const Settings *now)
{
    SettingsRecipe recipe[SETTINGS_RECIPES];
    const Json    *sums;
    const char    *sum;

    settings_recipe_sums(now, recipe);
    TRY(json_want_object(old, "recipes", &sums));
    for (int i = 0; i < SETTINGS_RECIPES; i++) {
        TRY(json_want_text(sums, recipe[i].phase, &sum));
        if (strcmp(sum, recipe[i].sum) != 0)
            FAIL(ERR_CONFIG,
                 "the recipe %s (%s), or a prompt of it, was changed since this run directory was "
                 "made: restore it, or choose another out=",
                 recipe[i].file, recipe[i].phase);
    }
    return OK;
}

Err settings_same(Arena *scratch, const Settings *now, const char *run_json)
{
    const Json *old, *old_config, *new_config;
    Text        t = text_make(scratch);

    TRY(json_parse(scratch, "run.json", run_json, (int64_t)strlen(run_json), JSON_NO_COMMENTS,
                   &old));
    TRY(json_want_object(old, "config", &old_config));
    settings_write(&t, now);
    TRY(json_parse(scratch, "config", t.data, t.length, JSON_NO_COMMENTS, &new_config));
    TRY(same_tree(scratch, old_config, new_config, ""));
    return same_recipes(old, now);
}

TrainShape settings_shape(const Settings *s, int threads)
{
    int64_t batch = s->base.batch > s->loop.batch ? s->base.batch : s->loop.batch;
    int64_t M = s->train.micro_batches, tokens = s->train.micro_tokens;

    if (tokens == 0) // dealing longest first overfills no leaf by more than one example
        tokens = ((batch + M - 1) / M + 1) * s->dims.T;
    return (TrainShape){.micro_batches = (int)M,
                        .micro_tokens = tokens,
                        .longest = s->dims.T,
                        .reduce = s->train.reduce,
                        .threads = threads};
}
