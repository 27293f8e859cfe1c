// recipe.h -- a list of steps over records, read from JSON and checked before anything runs.
//
// One C file per step kind behind one interface (datagen/step.h); each declares its parameters in a
// table, from which `tandem steps`, the checks and the JSON Schema come.
#ifndef TD_DATAGEN_RECIPE_H
#define TD_DATAGEN_RECIPE_H

#include "base/arena.h"
#include "base/text.h"
#include "datagen/source.h"
#include "io/json.h"
#include "model/vocab.h"

#include <stdint.h>

typedef struct Recipe Recipe;

// Reads a recipe (an object {"recipe", "about", "steps"}).  `folder`: prompts are found relative to
// it.  Every template slot must be a field that exists at that place; every verdict that is asked
// must have been judged; stop texts, numbers and names are checked.  ERR_CONFIG with position.
Err recipe_read(Arena *run, const Json *json, const char *folder, const Source *source,
                Recipe **out);

// Requests of one iteration: the count of its draw step (for held-out and seeds: all there are).
int64_t recipe_requests(const Recipe *r);
// Longest text it can make is not known; this is the largest max_tokens it may ask for.
int64_t recipe_max_tokens(const Recipe *r);
// The recipe with its prompts as compact JSON: part of the provenance of what it makes.
const char *recipe_text(const Recipe *r);
uint64_t    recipe_hash(const Recipe *r);
// Whether the commit must drop duplicates across blocks (select with scope "iteration"), and the
// field whose text is the key.
const char *recipe_commit_key(const Recipe *r);

// Whether the literal texts of all templates have tokens in this vocabulary, and the special tokens
// they name exist; special tokens must be named, not spelled.  ERR_CONFIG.
Err recipe_check_vocab(const Recipe *r, Arena *scratch, const Vocab *v);

// The reference of all step kinds, and their JSON Schema.
void recipe_help(Text *t, const char *only); // only: one kind, or NULL
void recipe_schema(Text *t);

#endif
