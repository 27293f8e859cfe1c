// Whether a run that exists may be continued with the settings of now.
#include "campaign/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Keys that may differ between the starts of one run: they decide where and how fast, not what.
static const char *const FREE_KEYS[] = {
    "out", "ranks", "generate.slots", "train.batches", "checkpoint", "about", "watchdog",
    "iterations", "version",
    // how a teacher is reached, and what may be spent on it
    "scripted.shuffle", "scripted.slow_ms", "endpoint.url", "endpoint.key_env", "endpoint.key_file",
    "endpoint.in_flight", "endpoint.max_requests", "endpoint.max_tokens", "endpoint.timeout_s",
    "endpoint.backoff_s", "endpoint.cache", "endpoint.price_prompt", "endpoint.price_completion"};

static int is_free(const char *key)
{
    for (size_t i = 0; i < sizeof FREE_KEYS / sizeof FREE_KEYS[0]; i++)
        if (strcmp(key, FREE_KEYS[i]) == 0)
            return 1;
    return 0;
}

// Runs of before a key was there did without it.
static int is_as_before(const char *key, const Json *now)
{
    if (strcmp(key, "chat_template") == 0)
        return now->length == 0;
    if (strcmp(key, "lora") == 0)
        return json_member(now, "rank")->number == 0;
    return (strcmp(key, "base.epochs") == 0 || strcmp(key, "loop.epochs") == 0) && now->number == 0;
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

        if (is_free(key) || (o == NULL && is_as_before(key, n)))
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

static Err same_records(const Json *old, const Settings *now)
{
    char        sum[20];
    const char *was;

    snprintf(sum, sizeof sum, "%016" PRIx64, source_sum(now->source));
    TRY(json_want_text(old, "records", &was));
    if (strcmp(was, sum) != 0)
        FAIL(ERR_CONFIG,
             "the files of \"problems\" in %s hold other records than when this run directory was "
             "made: restore them, or choose another out=",
             now->file);
    return OK;
}

// Texts that a template wrote are part of the examples.
static Err same_chat(const Json *old, const Settings *now)
{
    const Json *was = json_member(old, "chat_template");
    const char *text = was != NULL && was->kind == JSON_TEXT ? was->text : "";

    if (strcmp(text, now->chat_text) != 0)
        FAIL(ERR_CONFIG,
             "the chat template%s%s was changed since this run directory was made (its text stands "
             "in run.json): restore it, or choose another out=",
             *now->chat_file != 0 ? " " : " of the model", now->chat_file);
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
    TRY(same_recipes(old, now));
    TRY(same_chat(old, now));
    return same_records(old, now);
}
