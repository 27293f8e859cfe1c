// recipe.h -- a list of steps over records, read from JSON and checked before anything runs.
//
// One C file per step kind behind one interface (datagen/step.h); each declares its parameters in a
// table, from which `tandem steps`, the checks and the JSON Schema come.
#ifndef TD_DATAGEN_RECIPE_H
#define TD_DATAGEN_RECIPE_H

#include "base/arena.h"
#include "base/text.h"
#include "datagen/sources/source.h"
#include "io/json.h"
#include "model/vocab.h"

#include <stdint.h>

typedef struct Recipe Recipe;

// Reads a recipe (an object {"recipe", "about", "steps"}).  `folder`: prompts are found relative to
// it.  Every template slot must be a field that exists at that place; every verdict that is asked
// must have been judged; stop texts, numbers and names are checked.  ERR_CONFIG with position.
Err recipe_read(Arena *run, const Json *json, const char *folder, const Source *source,
                Recipe **out);

// Other numbers than the recipe's: requests per round of the first stage, records in the pool that
// end its rounds, rounds at most; 0: as it says.  ERR_CONFIG, with
// `name`, where it has no such number.
Err recipe_limit(Recipe *r, const char *name, int64_t count, int64_t until, int64_t rounds);

// Requests of one round of the first stage: the count of its draw step (for held-out, seeds and
// latest: all there are).
int64_t recipe_requests(const Recipe *r);
// Longest text it can make is not known; this is the largest max_tokens it may ask for.
int64_t recipe_max_tokens(const Recipe *r);
// The recipe with its prompts as compact JSON: part of the provenance of what it makes.
const char *recipe_text(const Recipe *r);
uint64_t    recipe_hash(const Recipe *r);
// Stages: 1 + the commits that have steps behind them.  The commit that ends a stage, or NULL.
int                  recipe_stages(const Recipe *r);
const struct Commit *recipe_commit(const Recipe *r, int stage);
// Its number in the recipe, as /step of example sets counts (from 0).
int recipe_commit_place(const Recipe *r, int stage);
// Whether its draw takes the youngest descendants of the seeds.
int recipe_draws_latest(const Recipe *r);
// Whether a model, script or endpoint has to answer prompts.
int recipe_asks(const Recipe *r);
// Whether its records may be marked with this source ("gold").
int recipe_marks(const Recipe *r, const char *source);
// How examples are written for training, as JSON: a list of the messages of each emit step.
const char *recipe_format(const Recipe *r); // "" if it emits nothing
// Whether it emits whole conversations, or asks for answers to user messages: by a chat template.
int recipe_emits_conversations(const Recipe *r);
int recipe_asks_chat(const Recipe *r);

// Whether the literal texts of all templates have tokens in this vocabulary, and the special tokens
// they name exist; special tokens must be named, not spelled.  ERR_CONFIG.
Err recipe_check_vocab(const Recipe *r, Arena *scratch, const Vocab *v);

// The reference of all step kinds, and their JSON Schema.
void recipe_help(Text *t, const char *only); // only: one kind, or NULL
void recipe_schema(Text *t);

#endif
