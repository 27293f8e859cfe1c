// The scripted teacher: configuration, slots, and the order in which answers come back.
#include "datagen/teachers/teacher.h"

#include "base/clock.h"
#include "datagen/step.h"
#include "datagen/teachers/teacher_script.h"
#include "io/config.h"

#include <math.h>

static const double WAIT_S = 0.05; // at most, in one step

typedef struct Settings { // the config
    int64_t seed, retries, slow_ms, shuffle;
    double  p[SCRIPT_FAULTS];
} Settings;

#define CHANCE(key, fault, standard, help)                                                \
    {                                                                                     \
        key, CONFIG_FLOAT, offsetof(Settings, p[fault]), standard, 0, 1, NULL, NULL, help \
    }

static const ConfigField fields[] = {
    {"seed", CONFIG_INT, offsetof(Settings, seed), "1", 0, 0x1p53, NULL, NULL,
     "Random numbers of the answers; the seed of the run has no part in them."},
    CHANCE("p_length", SCRIPT_LENGTH, "0", "The answer is cut and ends for its length."),
    CHANCE("p_missing_section", SCRIPT_MISSING, "0", "A part of an item is missing."),
    CHANCE("p_duplicate", SCRIPT_DUPLICATE, "0", "An item repeats another one, nearly."),
    CHANCE("p_wrong_number", SCRIPT_WRONG_NUMBER, "0", "The number of an item is wrong."),
    CHANCE("p_refusal", SCRIPT_REFUSAL, "0", "The answer is a refusal."),
    CHANCE("p_stop_in_text", SCRIPT_STOP_IN_TEXT, "0",
           "An item holds what looks like the end: \"20.\", \"16.\" or \"###\"."),
    CHANCE("p_odd", SCRIPT_ODD, "0", "An item is of a kind that filters reject."),
    CHANCE("p_empty", SCRIPT_EMPTY, "0", "The answer is empty."),
    CHANCE("p_equal", SCRIPT_EQUAL, "0.125", "Prompts that differ are judged as equal."),
    CHANCE("p_429", SCRIPT_HTTP_429, "0", "An attempt fails: too many requests."),
    CHANCE("p_500", SCRIPT_HTTP_500, "0", "An attempt fails: an error of the server."),
    CHANCE("p_timeout", SCRIPT_TIMEOUT, "0", "An attempt fails: no answer in time."),
    {"retries", CONFIG_INT, offsetof(Settings, retries), "3", 1, 16, NULL, NULL,
     "Attempts per request, the first one included."},
    {"slow_ms", CONFIG_INT, offsetof(Settings, slow_ms), "0", 0, 60000, NULL, NULL,
     "How long an answer takes, in milliseconds."},
    {"shuffle", CONFIG_INT, offsetof(Settings, shuffle), "0", 0, 0x1p53, NULL, NULL,
     "0: answers come in the order of the requests, else in one drawn with this number."},
    {0}};

typedef struct Slot {
    double        due; // when the answer is ready
    TeacherResult result;
} Slot;

typedef struct Scripted {
    Teacher      base;
    ScriptKnobs  knobs;
    double       slow_s;
    uint64_t     shuffle, draws;
    int          slots, waiting, finished;
    Slot        *wait;   // [slots], in the order of the requests
    Slot        *finish; // [slots]: to be taken, in the order in which they finished
    TeacherStats stats;
} Scripted;

static int free_slots(const Teacher *t)
{
    const Scripted *s = (const Scripted *)t;

    return s->slots - s->waiting - s->finished;
}

static int running(const Teacher *t)
{
    const Scripted *s = (const Scripted *)t;

    return s->waiting + s->finished;
}

static const char *submit(Teacher *t, const TeacherRequest *r)
{
    Scripted    *s = (Scripted *)t;
    ScriptBytes  prompt;
    ScriptAnswer a;

    CHECK(free_slots(t) > 0, "all %d slots are taken", s->slots);
    prompt.data = teacher_prompt(r, &prompt.length);
    a = script_answer(r->record->arena, &s->knobs, prompt, r->stream, r->stop, r->stops);
    s->stats.retries_429 += a.again_429;
    s->stats.retries_5xx += a.again_500;
    s->stats.retries_timeout += a.again_timeout;
    s->wait[s->waiting++] = (Slot){.due = s->slow_s > 0 ? clock_now() + s->slow_s : 0,
                                   .result = {.tag = r->tag,
                                              .end = a.end,
                                              .text = a.text.data,
                                              .bytes = a.text.length,
                                              .why = a.why}};
    return NULL;
}

static Slot remove_slot(Slot *slot, int *count, int i)
{
    Slot gone = slot[i];

    (*count)--;
    for (; i < *count; i++)
        slot[i] = slot[i + 1];
    return gone;
}

// One answer per step.  All take equally long, so those that are ready stand in front.
static Err step(Teacher *t)
{
    Scripted *s = (Scripted *)t;
    double    now = s->slow_s > 0 ? clock_now() : 0;
    int       ready = 0, which = 0;

    if (s->waiting > 0 && s->wait[0].due > now) {
        double left = s->wait[0].due - now;

        clock_sleep(left < WAIT_S ? left : WAIT_S);
        now = clock_now();
    }
    while (ready < s->waiting && s->wait[ready].due <= now)
        ready++;
    if (ready == 0)
        return OK;
    if (s->shuffle != 0)
        which = (int)(script_mix(s->shuffle + s->draws++ * 0x9e3779b97f4a7c15U) % (uint64_t)ready);
    s->finish[s->finished++] = remove_slot(s->wait, &s->waiting, which);
    return OK;
}

static int take(Teacher *t, TeacherResult *out)
{
    Scripted *s = (Scripted *)t;

    if (s->finished == 0)
        return 0;
    *out = remove_slot(s->finish, &s->finished, 0).result;
    s->stats.requests++;
    s->stats.failed += out->end == TEACHER_FAILED;
    return 1;
}

static void clear(Teacher *t)
{
    Scripted *s = (Scripted *)t;

    s->waiting = s->finished = 0;
}

static void stats(const Teacher *t, TeacherStats *out)
{
    *out = ((const Scripted *)t)->stats;
}

static const TeacherKind scripted_kind = {.name = "scripted",
                                          .free_slots = free_slots,
                                          .running = running,
                                          .submit = submit,
                                          .step = step,
                                          .take = take,
                                          .clear = clear,
                                          .stats = stats};

// Whole parts per million, so that another program can make the same tests exactly.
static Err read_chances(const Json *config, const Settings *settings, ScriptKnobs *out)
{
    for (const ConfigField *f = fields; f->key != NULL; f++) {
        double p, parts;

        if (f->kind != CONFIG_FLOAT)
            continue;
        p = *(const double *)(const void *)((const char *)settings + f->offset);
        parts = nearbyint(p * 1e6);
        if (fabs(p * 1e6 - parts) > 1e-6)
            FAIL(ERR_CONFIG,
                 "%s: %s is %.17g: probabilities of the scripted teacher have at most 6 decimals",
                 STEP_WHERE(json_member(config, f->key)), f->key, p);
        out->ppm[(f->offset - offsetof(Settings, p)) / sizeof(double)] = (int64_t)parts;
    }
    return OK;
}

Err teacher_scripted(Arena *run, const Json *config, int slots, Teacher **out)
{
    Scripted *s = arena_new(run, Scripted, 1);
    Settings  settings = {0};

    CHECK(slots > 0, "%d slots", slots);
    TRY(config_read(run, config, fields, &settings));
    s->knobs.seed = (uint64_t)settings.seed;
    s->knobs.retries = settings.retries;
    TRY(read_chances(config, &settings, &s->knobs));
    s->base.kind = &scripted_kind;
    s->slow_s = (double)settings.slow_ms / 1000;
    s->shuffle = (uint64_t)settings.shuffle;
    s->slots = slots;
    s->wait = arena_new(run, Slot, slots);
    s->finish = arena_new(run, Slot, slots);
    *out = &s->base;
    return OK;
}
