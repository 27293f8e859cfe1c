// setting.h -- what the tests of datagen share: a source, a vocabulary, recipes from texts.
#ifndef TD_TESTS_DATAGEN_SETTING_H
#define TD_TESTS_DATAGEN_SETTING_H

#include "datagen/recipe.h"
#include "datagen/sources/source.h"
#include "tests/check.h"

#include <string.h>

#define ADDITION                                                                         \
    "{\"kind\": \"addition\", \"digits\": 5, \"seeds_per_digit\": [40, 40, 40, 40, 40]," \
    " \"mix\": [1, 3, 5, 5, 4], \"held_out_per_digit\": 200, \"hints\": true}"
#define LETTERS                                                                     \
    "{\"kind\": \"character\", \"alphabet\": \"0123456789+=,;().>Q\\n\", \"bos\": " \
    "\"Q\", \"eos\": \"\\n\", \"pad\": \".\"}"
#define RECIPES TD_SOURCE_FOLDER "/configs/recipes"

static inline const Json *setting_json(Arena *a, const char *text)
{
    const Json *json = NULL;

    EXPECT_OK(json_parse(a, "test.json", text, (int64_t)strlen(text), JSON_COMMENTS, &json));
    return json;
}

static inline Source *setting_source(Arena *a, uint64_t seed)
{
    Source *s = NULL;

    EXPECT_OK(source_make(a, setting_json(a, ADDITION), ".", seed, &s));
    return s;
}

static inline Vocab *setting_vocab(Arena *a)
{
    Vocab *v = NULL;

    EXPECT_OK(vocab_make(a, setting_json(a, LETTERS), &v));
    return v;
}

// A recipe from the text of its steps.
static inline Err setting_steps(Arena *a, const Source *s, const char *steps, Recipe **out)
{
    const char *text =
        arena_format(a, "{\"recipe\": \"test\", \"about\": \"A test.\", \"steps\": [%s]}", steps);

    return recipe_read(a, setting_json(a, text), RECIPES, s, out);
}

// A recipe that comes with the program.
static inline Recipe *setting_recipe(Arena *a, const Source *s, const char *name)
{
    Recipe     *r = NULL;
    const Json *json = NULL;

    EXPECT_OK(json_read(a, arena_format(a, "%s/%s.json", RECIPES, name), JSON_COMMENTS, &json));
    EXPECT_OK(recipe_read(a, json, RECIPES, s, &r));
    return r;
}

// The text of a field, "(none)" if there is none.
static inline const char *setting_field(const Record *r, const char *name)
{
    const RecordField *f = record_field(r, name);

    return f == NULL ? "(none)" : f->text;
}

#endif
