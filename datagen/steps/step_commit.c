// commit: the end of a round: what is new goes into a pool, in the order of keys.
#include "datagen/step.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct Settings {
    const char *to, *key, *threshold;
    int         near, compare, tokens, seeds, mean;
    int64_t     until, rounds;
    double      min_yield;
    Commit      commit;
} Settings;

static const ConfigField fields[] = {
    {"to", CONFIG_TEXT, offsetof(Settings, to), NULL, 0, 0, NULL, NULL, "Name of the pool."},
    {"near", CONFIG_ENUM, offsetof(Settings, near), "exact", 0, 0,
     "none|exact|rouge-l|minhash|digit", NULL,
     "How texts are compared with everything accepted before, in this round and earlier ones; "
     "digit: "
     "the same, or but for one digit of a number of four digits or more."},
    {"key", CONFIG_TEXT, offsetof(Settings, key), "", 0, 0, NULL, NULL,
     "Field that is compared; not for none."},
    {"threshold", CONFIG_TEXT, offsetof(Settings, threshold), "7/10", 0, 0, NULL, NULL,
     "What is more similar is rejected: a fraction, for rouge-l (F) and minhash (Jaccard)."},
    {"compare", CONFIG_ENUM, offsetof(Settings, compare), "exact", 0, 0, "exact|double", NULL,
     "rouge-l against the threshold in whole numbers, or in doubles as published (0.7 may come out "
     "as 0.7000000000000001)."},
    {"tokens", CONFIG_ENUM, offsetof(Settings, tokens), "unicode", 0, 0, "google|unicode", NULL,
     "Words: runs of [a-z0-9] as rouge_score has them, or of letters and digits of any script."},
    {"seeds", CONFIG_YESNO, offsetof(Settings, seeds), "true", 0, 0, NULL, NULL,
     "The seeds of the source are compared with as well; they need the field of the key."},
    {"similar", CONFIG_YESNO, offsetof(Settings, mean), "false", 0, 0, NULL, NULL,
     "Keep, for rouge-l, the mean similarity and the ten most similar texts: scores "
     "similarity_max and similarity_mean, field most_similar."},
    {"until", CONFIG_INT, offsetof(Settings, until), "0", 0, 0x1p39, NULL, NULL,
     "Rounds go on until the pool holds so many; 0: no such end."},
    {"rounds", CONFIG_INT, offsetof(Settings, rounds), "1", 1, 1 << 20, NULL, NULL,
     "At most so many rounds of the steps before; only the first commit has rounds."},
    {"min_yield", CONFIG_FLOAT, offsetof(Settings, min_yield), "0", 0, 1, NULL, NULL,
     "A round that accepts a smaller share of its requests is the last."},
    {0}};

static Err read_threshold(const Json *json, Settings *s)
{
    long long a, b;
    int       end = 0;

    if (sscanf(s->threshold, "%lld/%lld%n", &a, &b, &end) != 2 || s->threshold[end] != 0 || a < 0 ||
        b < 1 || a > b || b > 10000)
        FAIL(ERR_CONFIG,
             "%s: threshold is \"%.40s\"; a fraction from 0/1 to 1/1 is expected, as \"7/10\"",
             STEP_WHERE(json), s->threshold);
    s->commit.near.numerator = a;
    s->commit.near.denominator = b;
    return OK;
}

static Err check_seeds(StepReader *reader, const Json *json, const Settings *s)
{
    int                count;
    const char *const *names;

    if (!s->seeds || reader->source == NULL || source_count(reader->source, SPLIT_SEEDS) == 0)
        return OK;
    names = source_fields(reader->source, &count);
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], s->key) == 0)
            return OK;
    FAIL(ERR_CONFIG,
         "%s: the seeds have no field \"%s\" to compare with; \"seeds\": false leaves them out",
         STEP_WHERE(json), s->key);
}

static Err read_key(StepReader *reader, const Json *json, Settings *s)
{
    if (s->near == NEAR_NONE) {
        if (*s->key != 0 || s->mean)
            FAIL(ERR_CONFIG,
                 "%s: nothing is compared with \"near\": \"none\": no \"key\" and no \"similar\"",
                 STEP_WHERE(json));
        return OK;
    }
    if (*s->key == 0)
        FAIL(ERR_CONFIG, "%s: commit needs \"key\": the field that is compared", STEP_WHERE(json));
    TRY(step_wants_field(reader, json_member(json, "key"), s->key));
    TRY(check_seeds(reader, json, s));
    s->commit.key = record_name(s->key);
    s->commit.against_seeds = s->seeds;
    return step_gives_reason(reader, json, s->commit.reason);
}

static Err read_similar(StepReader *reader, const Json *json, Settings *s)
{
    if (!s->mean)
        return OK;
    if (s->near != NEAR_ROUGE)
        FAIL(ERR_CONFIG, "%s: \"similar\" is for rouge-l", STEP_WHERE(json));
    s->commit.max = record_name("similarity_max");
    s->commit.mean = record_name("similarity_mean");
    s->commit.most_similar = record_name("most_similar");
    TRY(step_gives_score(reader, json, s->commit.max));
    TRY(step_gives_score(reader, json, s->commit.mean));
    return step_gives_field(reader, json, s->commit.most_similar);
}

static Err add_stage(StepReader *reader, const Json *json, Settings *s)
{
    Recipe      *r = reader->recipe;
    RecipeStage *stage = &r->stage[r->stages];

    if (r->stages == POOLS_MAX)
        FAIL(ERR_CONFIG, "%s: more than %d commits", STEP_WHERE(json), POOLS_MAX);
    for (int i = 0; i < r->stages; i++)
        if (strcmp(r->stage[i].commit->to, s->to) == 0)
            FAIL(ERR_CONFIG, "%s: two commits to the pool \"%s\": each needs a name of its own",
                 STEP_WHERE(json), s->to);
    if (r->stages > 0 && (s->rounds > 1 || s->until > 0))
        FAIL(ERR_CONFIG, "%s: only the first commit of a recipe may have rounds", STEP_WHERE(json));
    *stage = (RecipeStage){.first = r->stages == 0 ? 0 : r->stage[r->stages - 1].end,
                           .end = r->ops,
                           .commit = &s->commit,
                           .fields = reader->fields,
                           .verdicts = reader->verdicts,
                           .scores = reader->scores,
                           .samples = r->samples};
    r->stages++;
    r->samples = 1; // records of the next stage are requests of their own
    return OK;
}

static Err read_commit(StepReader *reader, const Json *json, Op *op)
{
    Settings *s = op->settings;

    if (reader->depth > 0)
        FAIL(ERR_CONFIG, "%s: commit cannot stand inside of other steps", STEP_WHERE(json));
    if (!record_name_is_good(s->to) || strcmp(s->to, "seeds") == 0)
        FAIL(ERR_CONFIG,
             "%s: \"%.60s\" cannot be the name of a pool: letters, digits and _; not seeds",
             STEP_WHERE(json), s->to);
    TRY(read_threshold(json, s));
    s->commit.to = record_name(s->to);
    s->commit.near.kind = (NearKind)s->near;
    s->commit.near.compare = (NearCompare)s->compare;
    s->commit.near.tokens = (NearTokens)s->tokens;
    s->commit.near.wants_mean = s->mean;
    s->commit.until = s->until;
    s->commit.rounds = s->rounds;
    s->commit.min_yield = s->min_yield;
    s->commit.reason = s->near == NEAR_EXACT ? "duplicate" : "similar";
    TRY(read_key(reader, json, s));
    TRY(read_similar(reader, json, s));
    return add_stage(reader, json, s);
}

static StepAnswer run_commit(const StepRun *run, const void *settings, Record *r)
{
    (void)run, (void)settings, (void)r;
    return STEP_PASS;
}

const StepKind step_commit = {.name = "commit",
                              .about = "Ends a round: records that are new go into a pool, in the "
                                       "order of their ids, and on to the steps behind.",
                              .fields = fields,
                              .bytes = sizeof(Settings),
                              .read = read_commit,
                              .run = run_commit};
