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
    EXPECT_INT(settings_steps(&s, 0), 300);
    EXPECT_INT(settings_steps(&s, 1), 60);
    EXPECT_INT(settings_steps(&s, 2), 72);
    EXPECT_INT(settings_steps(&s, 3), 86);
    EXPECT_INT(settings_steps(&s, 9), 100);
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
          CASE(settings_steps_grow_and_are_capped), CASE(settings_policy_follows_the_overlap))
