#include "campaign/settings.h"

#include "datagen/teachers/teacher.h"
#include "datagen/teachers/teacher_endpoint.h"
#include "io/ckpt.h"
#include "io/file.h"
#include "model/files/import.h"
#include "mpi/coll.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
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

static Err read_mixture(const Json *json, const char *key, Mixture *out)
{
    static const char *const known[] = {"from", "share", "balance", "sets", "distinct", "source"};
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
        TRY(json_only(j, known, (int)(sizeof known / sizeof known[0])));
        TRY(json_want_text(j, "from", &from));
        TRY(json_want_f64(j, "share", 0, 1, &p->share));
        p->source = "";
        if (json_member(j, "source") != NULL)
            TRY(json_want_text(j, "source", &p->source));
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

// Our weight files carry the chat template that they were trained with, or a recipe's messages.
static Err read_model_chat(Arena *run, Settings *s, const char *chosen)
{
    size_t    n = strlen(chosen);
    CkptTexts texts = {0};

    if (n < 3 || strcmp(chosen + n - 3, ".h5") != 0)
        return OK;
    TRY(ckpt_read_texts(run, chosen, &texts));
    if (texts.chat != NULL && *texts.chat != 0 && !chatform_is_recipe(texts.chat))
        s->model_chat = texts.chat;
    return OK;
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
        TRY(read_model_chat(run, s, s->import.chosen));
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

// Records from which a part draws have to be marked so by the recipe that makes them.
static Err check_marks(const Settings *s, const char *key, const Mixture *m)
{
    for (int i = 0; i < m->parts; i++) {
        const MixturePart *p = &m->part[i];
        const Recipe      *r = p->from_seeds ? s->base_recipe : s->loop_recipe;

        if (*p->source != 0 && r != NULL && !recipe_marks(r, p->source))
            FAIL(ERR_CONFIG, "%s: %s draws records with the source \"%.60s\", but %s marks none so",
                 s->file, key, p->source, p->from_seeds ? s->base.recipe : s->loop.recipe);
    }
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
    TRY(check_marks(s, "base.mixture", &s->base_mixture));
    TRY(check_marks(s, "loop.mixture", &s->loop_mixture));
    if (s->base.steps > 0 && s->base_recipe == NULL)
        FAIL(ERR_CONFIG, "%s: base.steps is %" PRId64 " but base.recipe is empty: nothing to learn",
             s->file, s->base.steps);
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
    TRY(read_mixture(out->base.mixture, "base.mixture", &out->base_mixture));
    return read_mixture(out->loop.mixture, "loop.mixture", &out->loop_mixture);
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
