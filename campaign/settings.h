// settings.h -- a campaign as its config file describes it, checked as a whole before it starts.
#ifndef TD_CAMPAIGN_SETTINGS_H
#define TD_CAMPAIGN_SETTINGS_H

#include "datagen/chatform.h"
#include "datagen/recipe.h"
#include "io/config.h"
#include "model/dims.h"
#include "model/files/import.h"
#include "model/kernels/gemm.h"
#include "model/optim.h"
#include "model/sched.h"
#include "model/train.h"
#include "model/vocab.h"

enum { SETTINGS_VERSION = 1, SETTINGS_MIXTURE_MAX = 8 };

typedef enum StartKind { START_LAST, START_BASE } StartKind;
typedef enum SetsKind { SETS_ALL, SETS_LAST } SetsKind;
typedef enum DrawKind { DRAW_RANDOM, DRAW_PASSES } DrawKind;
typedef enum TeacherChoice { TEACHER_LOCAL, TEACHER_SCRIPTED, TEACHER_ENDPOINT } TeacherChoice;

typedef struct PhaseSettings {        // how the model is trained in one iteration
    const char *recipe;               // file; "" makes no examples
    int64_t     count, until, rounds; // in the place of those of the recipe; 0: as it says
    int64_t     steps;
    double      epochs; // passes over the examples in the place of steps; one of the two is 0
    double      growth; // of either, per iteration: steps * growth^(i-1)
    int64_t     steps_max;
    int64_t     batch; // examples per step
    int         start; // StartKind
    SchedConfig schedule;
    OptimConfig optimizer;
    const Json *mixture;
} PhaseSettings;

typedef struct RankSettings {
    int     mode; // RolesMode
    int64_t generators, trainers, threads;
} RankSettings;

typedef struct GenerateSettings {
    int64_t slots, block;
} GenerateSettings;

typedef struct TrainSettings {
    int64_t micro_batches, micro_tokens;
    int     reduce;  // ReduceKind
    int     batches; // what each step trains on is written to batches.jsonl
} TrainSettings;

typedef struct LoraSettings { // an adapter is trained, not the model
    int64_t     rank;         // 0: the model itself
    double      alpha, dropout;
    int         rslora;
    const Json *targets, *beside, *adapters;
} LoraSettings;

typedef struct EvaluateSettings {
    const char *recipe;
    double      stop_accuracy;
} EvaluateSettings;

typedef struct CheckpointSettings {
    int64_t every_steps, keep;
    double  wait_s;
} CheckpointSettings;

typedef struct MixturePart {
    int    from_seeds; // else from the kept examples of iterations 1, 2, ...
    double share;
    int    balance;  // classes are drawn by weight, groups uniformly, then an example of the group
    int    sets;     // SetsKind
    int    distinct; // equal training texts count once
    int    draw;     // DrawKind; passes: every document once before any again, the only part
    const char *source; // the mark of its records; "": any
} MixturePart;

typedef struct Mixture {
    int         parts;
    MixturePart part[SETTINGS_MIXTURE_MAX];
} Mixture;

typedef struct Settings {
    // as in the file
    int64_t            version;
    const char        *about;
    const char        *out;
    int64_t            seed, iterations, overlap;
    int                products; // GemmKind
    int                teacher;  // TeacherChoice: who answers the prompts of the loop's recipe
    int                refresh;  // 0: always the weights of version 0
    const Json        *scripted, *endpoint;
    RankSettings       ranks;
    const Json        *model, *tokenizer, *problems;
    const char        *chat_file; // "chat_template"
    PhaseSettings      base, loop;
    GenerateSettings   generate;
    TrainSettings      train;
    LoraSettings       lora;
    EvaluateSettings   evaluate;
    CheckpointSettings checkpoint;
    double             watchdog_scale;
    // derived
    const char *file;         // the config file
    const char *folder;       // its folder: recipes and prompts are found from there
    const Json *json;         // the tree, overrides applied
    const char *model_folder; // a Hugging Face folder or weight file to start from, or NULL
    ImportModel import;       // what was found there, with the adapters of lora.adapters
    Dims        dims;         // with the adapter that is trained
    Vocab      *vocab;
    ChatForm   *chat;      // a template; NULL: no recipe so far asks for one
    const char *chat_text; // its text; "" without one
    Source     *source;
    Recipe     *base_recipe, *loop_recipe, *evaluate_recipe; // NULL: none
    Mixture     base_mixture, loop_mixture;
} Settings;

extern const ConfigField SETTINGS_TABLE[];

// Reads and checks the file with the overrides "key=value" applied.  Local: every rank reads the
// same bytes, which rank 0 read and broadcast (settings_read_all).  ERR_CONFIG, ERR_USAGE, ERR_IO.
Err settings_read(Arena *run, const char *file, const char *text, int64_t length,
                  const char *const *overrides, int count, Settings *out);
Err settings_read_all(const Comm *c, Arena *run, const char *file, const char *const *overrides,
                      int count, Settings *out);

// A recipe beside those of the config: path relative to the working directory.  It may be the first
// that needs the chat template.  Local.
Err settings_recipe(Arena *run, Settings *s, const char *path, Recipe **out);

// settings_chat.c: sees to the chat template if this recipe needs one; `who` answers its prompts.
// ERR_CONFIG: there is none, or it is none.
Err settings_want_chat(Arena *run, Settings *s, const Recipe *r, const char *name,
                       TeacherChoice who);

// The adapter that "lora" asks for, on top of s->import, into s->dims.  ERR_CONFIG.  Local.
Err settings_lora(Arena *run, Settings *s);

// settings_mixture.c: what the phases draw from and for how long, before and after the recipes are
// read.  ERR_CONFIG.  Local.
Err settings_mixtures(Settings *s);
Err settings_check_mixtures(const Settings *s);

// Steps of iteration i (0: the base).  `documents`: what its mixture can draw, which the steps
// depend on where epochs are given: ceil(epochs * documents / batch), batches are always full.
int64_t              settings_steps(const Settings *s, int64_t iteration, int64_t documents);
const PhaseSettings *settings_phase(const Settings *s, int64_t iteration);
const Mixture       *settings_mixture(const Settings *s, int64_t iteration);
// Version of the weights that generate iteration i >= 1; -1 if others answer than the own network.
int64_t settings_policy(const Settings *s, int64_t iteration);
// The resolved config as JSON, and the names of the keys that were not given.
void settings_write(Text *t, const Settings *s);
// The recipes with a sum over their steps and prompts, "0000000000000000" where there is none.
enum { SETTINGS_RECIPES = 3 };
typedef struct SettingsRecipe {
    const char *phase, *file;
    char        sum[20];
} SettingsRecipe;
void settings_recipe_sums(const Settings *s, SettingsRecipe out[SETTINGS_RECIPES]);
// The first key in which a run that exists differs from what is asked now, among those that decide
// the results.  OK if none.  ERR_CONFIG naming the key, both values, and what to do.
Err settings_same(Arena *scratch, const Settings *now, const char *run_json);

// Shape of a training step for `ranks` trainers with `threads` threads each.
TrainShape settings_shape(const Settings *s, int threads);

#endif
