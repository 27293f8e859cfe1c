// What the phases of a campaign draw from, and for how long they do.
#include "campaign/settings.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct Phase { // of the two, what is checked alike
    const char          *name;
    const PhaseSettings *settings;
    const Mixture       *mixture;
    int                  is_used;
} Phase;

// ---- the parts

static Err one_of(const Json *json, const char *key, const char *first, const char *second,
                  int *is_second)
{
    char        where[JSON_WORDS];
    const char *text;

    *is_second = 0;
    if (json == NULL)
        return OK;
    text = json->kind == JSON_TEXT ? json->text : "";
    *is_second = strcmp(text, second) == 0;
    if (!*is_second && strcmp(text, first) != 0)
        FAIL(ERR_CONFIG, "%s: %s must be \"%s\" or \"%s\"", json_where(json, where, sizeof where),
             key, first, second);
    return OK;
}

static Err read_part(const Json *json, const char *key, MixturePart *p)
{
    static const char *const known[] = {"from",     "share",  "balance", "sets",
                                        "distinct", "source", "draw"};
    char                     where[JSON_WORDS];
    const char              *from;
    const Json              *balance = json_member(json, "balance");
    const Json              *distinct = json_member(json, "distinct");

    json_where(json, where, sizeof where);
    TRY(json_only(json, known, (int)(sizeof known / sizeof known[0])));
    TRY(json_want_text(json, "from", &from));
    TRY(json_want_f64(json, "share", 0, 1, &p->share));
    p->source = "";
    if (json_member(json, "source") != NULL)
        TRY(json_want_text(json, "source", &p->source));
    if (strcmp(from, "seeds") != 0 && strcmp(from, "kept") != 0)
        FAIL(ERR_CONFIG, "%s: %s.from is \"%s\"; expected \"seeds\" or \"kept\"", where, key, from);
    TRY(one_of(json_member(json, "sets"), "sets", "all", "last", &p->sets));
    TRY(one_of(json_member(json, "draw"), "draw", "random", "passes", &p->draw));
    p->from_seeds = strcmp(from, "seeds") == 0;
    p->balance = balance != NULL && balance->kind == JSON_TRUE;
    p->distinct = distinct == NULL || distinct->kind == JSON_TRUE;
    if (p->draw == DRAW_PASSES && p->balance)
        FAIL(ERR_CONFIG,
             "%s: \"draw\": \"passes\" takes every example once, \"balance\" takes those of small "
             "groups more often: leave one of them out",
             where);
    return OK;
}

static Err read_mixture(const Json *json, const char *key, Mixture *out)
{
    char   where[JSON_WORDS];
    double total = 0;
    int    passes = 0;

    *out = (Mixture){0};
    if (json == NULL)
        return OK;
    json_where(json, where, sizeof where);
    if (json->kind != JSON_ARRAY || json->length > SETTINGS_MIXTURE_MAX)
        FAIL(ERR_CONFIG, "%s: %s must be a list of at most %d parts", where, key,
             SETTINGS_MIXTURE_MAX);
    for (const Json *j = json->child; j != NULL; j = j->next) {
        MixturePart *p = &out->part[out->parts++];

        TRY(read_part(j, key, p));
        total += p->share;
        passes |= p->draw == DRAW_PASSES;
    }
    if (fabs(total - 1) > 1e-9 && out->parts > 0)
        FAIL(ERR_CONFIG, "%s: the shares of %s add up to %g; they must add up to 1", where, key,
             total);
    if (passes && out->parts > 1) // which of a part comes next would depend on all draws before
        FAIL(ERR_CONFIG,
             "%s: %s has %d parts, and \"draw\": \"passes\" goes with one only: leave \"draw\" "
             "out, or the other parts",
             where, key, out->parts);
    return OK;
}

// ---- steps or epochs

// Who types one of the two means it in the place of the other in the file.  The standard number of
// steps is for those who say nothing.
static Err choose_length(const Settings *s, const char *name, PhaseSettings *p)
{
    const Json *phase = json_member(s->json, name);
    const Json *steps = phase == NULL ? NULL : json_member(phase, "steps");
    const Json *epochs = phase == NULL ? NULL : json_member(phase, "epochs");
    int         has_steps = steps != NULL && config_is_override(steps);
    int         has_epochs = epochs != NULL && config_is_override(epochs);

    if (epochs != NULL && (steps == NULL || (has_epochs && !has_steps && p->epochs > 0)))
        p->steps = 0;
    else if (has_steps && !has_epochs)
        p->epochs = 0;
    if (p->steps > 0 && p->epochs > 0)
        FAIL(ERR_CONFIG,
             "%s: %s.steps is %" PRId64 " and %s.epochs is %g: give one of the two, 0 turns the "
             "other off",
             s->file, name, p->steps, name, p->epochs);
    return OK;
}

Err settings_mixtures(Settings *s)
{
    TRY(read_mixture(s->base.mixture, "base.mixture", &s->base_mixture));
    TRY(read_mixture(s->loop.mixture, "loop.mixture", &s->loop_mixture));
    TRY(choose_length(s, "base", &s->base));
    return choose_length(s, "loop", &s->loop);
}

static Err check_length(const Settings *s, const Phase *p)
{
    const PhaseSettings *of = p->settings;

    if (!p->is_used)
        return OK;
    if (of->steps > 0 && p->mixture->parts == 0)
        FAIL(ERR_CONFIG, "%s: %s.steps is %" PRId64 " but %s.mixture is empty", s->file, p->name,
             of->steps, p->name);
    if (of->epochs > 0 && p->mixture->parts == 0)
        FAIL(ERR_CONFIG, "%s: %s.epochs is %g but %s.mixture is empty", s->file, p->name,
             of->epochs, p->name);
    if (of->epochs > 0 && p->mixture->part[0].draw != DRAW_PASSES)
        FAIL(ERR_CONFIG,
             "%s: %s.epochs is %g, but %s.mixture draws at random: it must have one part with "
             "\"draw\": \"passes\"; else give %s.steps",
             s->file, p->name, of->epochs, p->name, p->name);
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

Err settings_check_mixtures(const Settings *s)
{
    TRY(check_length(s, &(Phase){"base", &s->base, &s->base_mixture, 1}));
    TRY(check_length(s, &(Phase){"loop", &s->loop, &s->loop_mixture, s->iterations > 0}));
    for (int p = 0; p < s->base_mixture.parts; p++)
        if (!s->base_mixture.part[p].from_seeds)
            FAIL(ERR_CONFIG, "%s: base.mixture may draw from \"seeds\" only", s->file);
    TRY(check_marks(s, "base.mixture", &s->base_mixture));
    TRY(check_marks(s, "loop.mixture", &s->loop_mixture));
    if (s->base_recipe == NULL && s->base.epochs > 0)
        FAIL(ERR_CONFIG, "%s: base.epochs is %g but base.recipe is empty: nothing to learn",
             s->file, s->base.epochs);
    if (s->base_recipe == NULL && s->base.steps > 0)
        FAIL(ERR_CONFIG, "%s: base.steps is %" PRId64 " but base.recipe is empty: nothing to learn",
             s->file, s->base.steps);
    return OK;
}

// ---- asked later

const PhaseSettings *settings_phase(const Settings *s, int64_t iteration)
{
    return iteration == 0 ? &s->base : &s->loop;
}

const Mixture *settings_mixture(const Settings *s, int64_t iteration)
{
    return iteration == 0 ? &s->base_mixture : &s->loop_mixture;
}

int64_t settings_steps(const Settings *s, int64_t iteration, int64_t documents)
{
    const PhaseSettings *p = settings_phase(s, iteration);
    double grown = iteration == 0 ? 1 : pow(p->growth, (double)(iteration - 1)), steps;

    if (p->epochs > 0) // what rounding adds to 0.1 * 30 does not make a step
        steps = ceil(p->epochs * grown * (double)documents / (double)p->batch * (1 - 1e-12));
    else
        steps = floor((double)p->steps * grown);
    if (iteration == 0)
        return (int64_t)steps;
    return steps < (double)p->steps_max ? (int64_t)steps : p->steps_max;
}
