#include "campaign/settings.h"
#include "io/file.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

static Err read_config(Arena *arena, const char *name, const char *const *overrides, int count,
                       Settings *out)
{
    char    path[512];
    char   *text;
    int64_t length;

    snprintf(path, sizeof path, "%s/configs/%s", TD_SOURCE_DIR, name);
    TRY(file_read(arena, path, 1 << 20, &text, &length));
    return settings_read(arena, path, text, length, overrides, count, out);
}

// Some configs want a model from outside: their model is the name of none.  Those of fine-tuning
// want data, too.
static Err read_with_model(Arena *arena, const char *name, Settings *s)
{
    static const char *const overrides[] = {
        "model={\"model_type\": \"llama\", \"vocab_size\": 259, \"hidden_size\": 32, "
        "\"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"intermediate_size\": 64, "
        "\"max_position_embeddings\": 64}",
        "tokenizer={\"kind\": \"byte\"}", "problems.files=data/seed-tasks.jsonl",
        "chat_template=templates/plain.jinja"};
    int wants_data = strncmp(name, "finetune", 8) == 0;

    EXPECT(strstr(err_record()->text, wants_data ? "files has to be" : "MODEL") != NULL);
    err_forget();
    return read_config(arena, name, overrides, wants_data ? 4 : 2, s);
}

static void settings_reads_every_config_that_is_shipped(const Comm *c)
{
    Arena    arena;
    char   **names;
    int      count, configs = 0;
    Settings s;

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 30));
    EXPECT_OK(file_list(&arena, TD_SOURCE_DIR "/configs", &names, &count));
    for (int i = 0; i < count; i++) {
        size_t length = strlen(names[i]);

        if (length < 5 || strcmp(names[i] + length - 5, ".json") != 0)
            continue;
        EXPECT_OK(read_config(&arena, names[i], NULL, 0, &s) == OK
                      ? OK
                      : read_with_model(&arena, names[i], &s));
        EXPECT(s.vocab != NULL && s.source != NULL);
        configs++;
    }
    EXPECT(configs >= 7);
    arena_free(&arena);
}

static void settings_overrides_reach_every_level(const Comm *c)
{
    static const char *const overrides[] = {"seed=42", "loop.schedule.lr=0.5", "out=/tmp/x",
                                            "ranks.mode=alternate"};
    Arena                    arena;
    Settings                 s;

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 30));
    EXPECT_OK(read_config(&arena, "star-tiny.json", overrides, 4, &s));
    EXPECT_INT(s.seed, 42);
    EXPECT_NEAR(s.loop.schedule.lr, 0.5, 0);
    EXPECT_TEXT(s.out, "/tmp/x");
    EXPECT_INT(s.ranks.mode, 2);
    arena_free(&arena);
}

static void settings_refuses_what_cannot_work(const Comm *c)
{
    static const struct {
        const char *override, *says;
    } cases[] = {
        {"version=2", "newer"},
        {"train.micro_batches=3", "power of two"},
        {"loop.mixture=[]", "mixture is empty"},
        {"base.mixture=[{\"from\": \"kept\", \"share\": 1}]", "seeds"},
        {"loop.mixture=[{\"from\": \"seeds\", \"share\": 0.5}]", "add up"},
        {"loop.mixture=[{\"from\": \"sedes\", \"share\": 1}]", "sedes"},
        {"loop.mixture=[{\"from\": \"kept\", \"share\": 1, \"source\": \"gold\"}]", "\"gold\""},
        {"base.mixture=[{\"from\": \"seeds\", \"share\": 1, \"source\": 1}]", "source"},
        {"base.mixture=[{\"from\": \"seeds\", \"share\": 1, \"draw\": \"once\"}]", "\"passes\""},
        {"base.mixture=[{\"from\": \"seeds\", \"share\": 1, \"draw\": \"passes\", \"balance\": "
         "true}]",
         "\"balance\""},
        {"loop.mixture=[{\"from\": \"seeds\", \"share\": 0.1}, {\"from\": \"kept\", \"share\": "
         "0.9, \"draw\": \"passes\"}]",
         "with one only"},
        {"base.epochs=2", "at random"},
        {"loop.epochs=0.5", "at random"},
        {"base.epochs=-1", "epochs"},
        {"tokenizer={\"kind\": \"byte\"}", "vocab_size"},
        {"base.recipe=", "base.recipe"},
        {"seeed=2", "seed"},
        {"overlap=2", "overlap"},
    };
    Arena    arena;
    Settings s;

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 30));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        EXPECT_ERR(read_config(&arena, "star-tiny.json", &cases[i].override, 1, &s), ERR_CONFIG,
                   cases[i].says);
    arena_free(&arena);
}

static void settings_steps_grow_and_are_capped(const Comm *c)
{
    Settings s = {.base.steps = 300, .loop = {.steps = 60, .growth = 1.2, .steps_max = 100}};

    (void)c;
    EXPECT_INT(settings_steps(&s, 0, 0), 300);
    EXPECT_INT(settings_steps(&s, 1, 0), 60);
    EXPECT_INT(settings_steps(&s, 2, 0), 72);
    EXPECT_INT(settings_steps(&s, 3, 1000), 86);
    EXPECT_INT(settings_steps(&s, 9, 0), 100);
}

static void settings_epochs_become_steps(const Comm *c)
{
    Settings s = {
        .base = {.epochs = 3, .batch = 8},
        .loop = {.epochs = 0.1, .batch = 3, .growth = 2, .steps_max = 5},
    };

    (void)c;
    EXPECT_INT(settings_steps(&s, 0, 500), 188); // 187.5
    EXPECT_INT(settings_steps(&s, 0, 8), 3);
    EXPECT_INT(settings_steps(&s, 0, 1), 1);
    EXPECT_INT(settings_steps(&s, 0, 0), 0);
    EXPECT_INT(settings_steps(&s, 1, 30), 1); // 0.1 * 30 is a little more than 3
    EXPECT_INT(settings_steps(&s, 2, 30), 2);
    EXPECT_INT(settings_steps(&s, 3, 30), 4);
    EXPECT_INT(settings_steps(&s, 4, 30), 5); // 8, and no more than steps_max
}

// `file` stands in the config's "base", `typed` on the command line.
static void expect_length(Arena *arena, const char *file, const char *typed, int64_t steps,
                          double epochs)
{
    static const char head[] = "{\"version\": 1, \"out\": \"x\", \"iterations\": 0, \"model\": "
                               "{\"model_type\": \"llama\", \"vocab_size\": 259, "
                               "\"hidden_size\": 32, \"num_hidden_layers\": 1, "
                               "\"num_attention_heads\": 2, \"intermediate_size\": 64, "
                               "\"max_position_embeddings\": 64}, \"tokenizer\": {\"kind\": "
                               "\"byte\"}, \"problems\": {\"kind\": \"records\", \"files\": "
                               "\"data/seed-tasks.jsonl\", \"fields\": {\"text\": "
                               "\"instruction\"}}, \"base\": {\"recipe\": "
                               "\"recipes/documents.json\", %s \"mixture\": [{\"from\": \"seeds\", "
                               "\"share\": 1, \"draw\": \"passes\"}]}}";
    char              text[2048];
    const char       *overrides[] = {typed};
    Settings          s;
    Err               e;

    snprintf(text, sizeof text, head, file);
    e = settings_read(arena, TD_SOURCE_DIR "/configs/test.json", text, (int64_t)strlen(text),
                      overrides, *typed != 0, &s);
    if (steps < 0) {
        EXPECT_ERR(e, ERR_CONFIG, "give one of the two");
        return;
    }
    EXPECT_OK(e);
    EXPECT_INT(s.base.steps, steps);
    EXPECT_NEAR(s.base.epochs, epochs, 0);
}

static void settings_take_steps_or_epochs(const Comm *c)
{
    Arena arena;

    (void)c;
    EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 30));
    expect_length(&arena, "", "", 100, 0);
    expect_length(&arena, "\"epochs\": 2.5,", "", 0, 2.5);
    expect_length(&arena, "\"epochs\": 0, \"steps\": 7,", "", 7, 0);
    expect_length(&arena, "\"epochs\": 2, \"steps\": 0,", "", 0, 2);
    expect_length(&arena, "\"epochs\": 2, \"steps\": 7,", "", -1, 0);
    expect_length(&arena, "\"epochs\": 2,", "base.steps=7", 7, 0);
    expect_length(&arena, "\"epochs\": 2,", "base.steps=0", 0, 0);
    expect_length(&arena, "\"steps\": 7,", "base.epochs=2", 0, 2);
    expect_length(&arena, "\"steps\": 7,", "base.epochs=0", 7, 0);
    expect_length(&arena, "\"epochs\": 2,", "base.epochs=0.5", 0, 0.5);
    arena_free(&arena);
}

static void settings_policy_follows_the_overlap(const Comm *c)
{
    Settings s = {.overlap = 0, .refresh = 1};

    (void)c;
    EXPECT_INT(settings_policy(&s, 1), 0);
    EXPECT_INT(settings_policy(&s, 5), 4);
    s.overlap = 1;
    EXPECT_INT(settings_policy(&s, 1), 0);
    EXPECT_INT(settings_policy(&s, 5), 3);
    s.refresh = 0;
    EXPECT_INT(settings_policy(&s, 5), 0);
    s.teacher = TEACHER_SCRIPTED;
    EXPECT_INT(settings_policy(&s, 5), -1);
}

TEST_MAIN(CASE(settings_reads_every_config_that_is_shipped),
          CASE(settings_overrides_reach_every_level), CASE(settings_refuses_what_cannot_work),
          CASE(settings_steps_grow_and_are_capped), CASE(settings_epochs_become_steps),
          CASE(settings_take_steps_or_epochs), CASE(settings_policy_follows_the_overlap))
