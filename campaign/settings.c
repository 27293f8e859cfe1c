#include "campaign/settings.h"

#include "base/hash.h"
#include "datagen/teachers/teacher.h"
#include "datagen/teachers/teacher_endpoint.h"
#include "io/file.h"
#include "model/files/import.h"
#include "mpi/coll.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_BYTES_MAX = 16 << 20 };

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

static Err read_recipe(Arena *run, const Settings *s, const char *name, const PhaseSettings *phase,
                       Recipe **out)
{
    char        path[FILE_PATH_MAX];
    const Json *json;

    *out = NULL;
    if (*name == 0)
        return OK;
    TRY(file_join(path, *name == '/' ? "" : s->folder, name));
    TRY(json_read(run, arena_text(run, path), JSON_COMMENTS, &json));
    TRY(recipe_read(run, json, folder_of(run, arena_text(run, path)), s->source, out));
    if (phase != NULL)
        TRY(recipe_limit(*out, name, phase->count, phase->until, phase->rounds));
    return OK;
}

// Names that were typed are relative to where they were typed if there is such a file, else to the
// config as all others.  The tree is a copy of our own (config_override), and what is written to
// the run has the whole path.
static Err from_here(Arena *run, const Json *name)
{
    char  here[FILE_PATH_MAX], path[FILE_PATH_MAX];
    Json *own = (Json *)name;

    if (name->kind != JSON_TEXT || name->text[0] == '/' || !config_is_override(name))
        return OK;
    if (getcwd(here, sizeof here) == NULL)
        FAIL(ERR_IO, "the working directory has no name: %s", strerror(errno));
    TRY(file_join(path, here, name->text));
    if (!file_exists(path))
        return OK;
    own->text = arena_text(run, path);
    own->length = (int64_t)strlen(path);
    return OK;
}

// A run that reads what it writes would begin with other problems at each start.
static Err check_files(Arena *run, const Settings *s, const Json *files)
{
    char        path[FILE_PATH_MAX], where[JSON_WORDS];
    const Json *first = files == NULL || files->kind == JSON_TEXT ? files : files->child;

    for (const Json *m = first; m != NULL; m = m == files ? NULL : m->next) {
        if (m->kind != JSON_TEXT)
            continue; // the source says so
        TRY(from_here(run, m));
        TRY(file_join(path, m->text[0] == '/' ? "" : s->folder, m->text));
        if (file_is_inside(path, s->out))
            FAIL(
                ERR_CONFIG,
                "%s: %.200s is part of this run itself (out=%.200s): problems come from elsewhere; "
                "choose another out=, or copy the file out of the run",
                json_where(m, where, sizeof where), m->text, s->out);
    }
    return OK;
}

static Err read_problems(Arena *run, Settings *s)
{
    const Json *held_out = json_member(s->problems, "held_out");

    TRY(check_files(run, s, json_member(s->problems, "files")));
    if (held_out != NULL)
        TRY(check_files(run, s, json_member(held_out, "files")));
    return source_make(run, s->problems, s->folder, (uint64_t)s->seed, &s->source);
}

Err settings_recipe(Arena *run, Settings *s, const char *path, Recipe **out)
{
    const Json *json;

    TRY(json_read(run, path, JSON_COMMENTS, &json));
    TRY(as_config(recipe_read(run, json, folder_of(run, path), s->source, out)));
    return settings_want_chat(run, s, *out, path, TEACHER_LOCAL);
}

static Err read_model(Arena *run, Settings *s)
{
    const Json *from = s->model->kind == JSON_TEXT ? s->model : json_member(s->model, "from");

    if (s->model->kind != JSON_OBJECT && s->model->kind != JSON_TEXT)
        FAIL(ERR_CONFIG, "%s: model must be an object, a Hugging Face config, or a path", s->file);
    if (from == NULL) {
        TRY(dims_read(s->model, &s->dims));
    } else {
        if (from->kind != JSON_TEXT)
            FAIL(ERR_CONFIG, "%s: model.from must be the path of a folder or weight file", s->file);
        TRY(import_find(run, from->text, &s->import));
        s->dims = s->import.dims;
        s->model_folder = from->text;
        if (s->tokenizer == NULL && s->import.tokenizer != NULL)
            TRY(vocab_parse(run, s->import.chosen, s->import.tokenizer, &s->tokenizer));
    }
    TRY(settings_lora(run, s));
    if (s->tokenizer == NULL)
        FAIL(ERR_CONFIG, "%s: \"tokenizer\" is missing, and the model brings none", s->file);
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
    TRY(settings_check_mixtures(s));
    if (s->base_recipe != NULL &&
        (recipe_asks(s->base_recipe) || recipe_stages(s->base_recipe) > 1))
        FAIL(ERR_CONFIG,
             "%s: the base's recipe can neither generate nor commit: there is no model yet",
             s->file);
    if (s->teacher == TEACHER_ENDPOINT && s->endpoint == NULL)
        FAIL(ERR_CONFIG,
             "%s: teacher is endpoint, but \"endpoint\" is missing; at least "
             "endpoint.url=http://HOST:PORT/v1 "
             "is needed",
             s->file);
    return OK;
}

static Err read_config(Arena *run, const char *file, const char *text, int64_t length,
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
    return settings_mixtures(out);
}

static Err read_recipes(Arena *run, Settings *out)
{
    TRY(read_recipe(run, out, out->base.recipe, &out->base, &out->base_recipe));
    TRY(read_recipe(run, out, out->loop.recipe, &out->loop, &out->loop_recipe));
    TRY(read_recipe(run, out, out->evaluate.recipe, NULL, &out->evaluate_recipe));
    return check_numbers(out);
}

// Now, not when the recipe's turn comes after hours of training.
static Err check_texts(Arena *run, Settings *s)
{
    const Recipe       *recipe[] = {s->base_recipe, s->loop_recipe, s->evaluate_recipe};
    const char *const   name[] = {s->base.recipe, s->loop.recipe, s->evaluate.recipe};
    const TeacherChoice who[] = {TEACHER_LOCAL, (TeacherChoice)s->teacher, TEACHER_LOCAL};

    for (int i = 0; i < 3; i++) {
        if (recipe[i] == NULL)
            continue;
        TRY(recipe_check_vocab(recipe[i], run, s->vocab));
        TRY(settings_want_chat(run, s, recipe[i], name[i], who[i]));
    }
    return OK;
}

// Before there is a run directory.  Keys and servers are looked for when they are needed.
static Err check_teachers(Arena *run, const Settings *s)
{
    Teacher *teacher;

    if (s->scripted != NULL)
        TRY(as_config(teacher_scripted(run, s->scripted, 1, &teacher)));
    if (s->endpoint != NULL)
        TRY(as_config(teacher_endpoint_check(run, s->endpoint)));
    return OK;
}

Err settings_read(Arena *run, const char *file, const char *text, int64_t length,
                  const char *const *overrides, int count, Settings *out)
{
    *out = (Settings){.chat_text = ""};
    TRY(as_config(read_config(run, file, text, length, overrides, count, out)));
    TRY(read_problems(run, out)); // files of records are data, and what they have wrong is, too
    TRY(as_config(read_recipes(run, out)));
    TRY(check_teachers(run, out));
    TRY(read_model(run, out));
    return check_texts(run, out);
}

// Every rank reads recipes, templates and records by itself: they may have changed in between, or
// be others on another machine.
static Err check_same_all(const Comm *c, const Settings *s)
{
    SettingsRecipe recipe[SETTINGS_RECIPES];
    uint64_t       sum = hash_text(source_sum(s->source), s->chat_text);

    settings_recipe_sums(s, recipe);
    for (int i = 0; i < SETTINGS_RECIPES; i++)
        sum = hash_text(sum, recipe[i].sum);
    if (coll_max_i64_all(c, (int64_t)sum) != coll_min_i64_all(c, (int64_t)sum))
        FAIL(ERR_DATA,
             "%s: the ranks read different records, recipes or templates: a file was changed just "
             "now, or is not the same on every machine; start again",
             s->file);
    return OK;
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
    return check_same_all(c, out);
}

int64_t settings_policy(const Settings *s, int64_t iteration)
{
    int64_t policy = s->refresh ? iteration - 1 - s->overlap : 0;

    if (s->teacher != TEACHER_LOCAL)
        return -1;
    return policy > 0 ? policy : 0;
}

void settings_write(Text *t, const Settings *s)
{
    config_write(t, SETTINGS_TABLE, s);
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
