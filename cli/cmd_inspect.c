#include "campaign/inspect.h"
#include "cli/commands.h"
#include "io/file.h"
#include "model/adapters/import_adapter.h"
#include "model/adapters/peft.h"
#include "model/files/export_model.h"
#include "model/files/foreign.h"
#include "model/files/import.h"
#include "model/vocab.h"

#include <string.h>

// A model of others: run directories and weight files have more to say.
static int is_model(Arena *scratch, const char *path)
{
    const char *base = NULL;
    char        config[FILE_PATH_MAX];

    if (import_split(scratch, path, &base) != path || peft_is(path))
        return 1;
    if (!file_is_folder(path))
        return foreign_is(path);
    return file_join(config, path, "config.json") == OK && file_exists(config);
}

// The folder of a tokenizer alone.
static Err has_tokenizer(Arena *scratch, const char *path, int *is_one)
{
    const char *source = NULL;

    if (file_is_folder(path))
        TRY(vocab_source(scratch, path, &source));
    *is_one = source != NULL;
    return OK;
}

// Neither a run nor a model: the words of those who open models say best what it is.
static int is_neither(const char *path)
{
    char   adapter[FILE_PATH_MAX];
    size_t length = strlen(path);

    if (!file_exists(path))
        return 0;
    if (!file_is_folder(path))
        return length < 3 || strcmp(path + length - 3, ".h5") != 0;
    return file_join(adapter, path, "adapter_config.json") == OK && file_exists(adapter);
}

static Err inspect_path(Text *t, Arena *scratch, const Command *c, const Args *a, const char *path)
{
    int is_plain = !args_has(c, a, "yields") && !args_has(c, a, "digest"), is_tokenizer = 0;

    if (is_plain && is_model(scratch, path))
        return describe_model(t, scratch, path);
    if (is_plain)
        TRY(has_tokenizer(scratch, path, &is_tokenizer));
    if (is_tokenizer)
        return describe_tokenizer(t, scratch, path);
    if (is_neither(path))
        return import_find(scratch, path, &(ImportModel){0});
    if (args_has(c, a, "yields"))
        return inspect_yields(t, scratch, path,
                              args_has(c, a, "json") ? INSPECT_JSON : INSPECT_PLAIN);
    return args_has(c, a, "digest") ? inspect_digests(t, scratch, path)
                                    : inspect_describe(t, scratch, path);
}

static Err check_options(const Command *c, const Args *a)
{
    int yields = args_has(c, a, "yields");

    if (yields && args_has(c, a, "digest"))
        FAIL(ERR_USAGE, "--digest and --yields are two questions: ask one at a time");
    if (!yields && args_has(c, a, "json"))
        FAIL(ERR_USAGE, "--json is a form of --yields: give both");
    if (args_has(c, a, "json") && a->words > 1)
        FAIL(ERR_USAGE, "--json describes one path, %d are given", a->words);
    return OK;
}

static Err inspect(Arena *arena, const Command *c, const Args *a)
{
    Arena scratch;
    Text  t = text_make(arena);
    Err   e;

    TRY(check_options(c, a));
    TRY(arena_make(&scratch, "scratch", (int64_t)1 << 36));
    for (int i = 0; i < a->words; i++) {
        e = inspect_path(&t, &scratch, c, a, a->word[i]);
        arena_back(&scratch, 0);
        TRY(e);
    }
    arena_free(&scratch);
    return commands_print(&t);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, world->rank == 0 ? inspect(arena, c, a) : OK);
}

static const ArgsOption OPTIONS[] = {
    {"digest", NULL, NULL, "one line per published set: examples 3 <hash>, weights 3 <hash>"},
    {"yields", NULL, NULL, "records by step and reason: where they were kept, passed or rejected"},
    {"json", NULL, NULL, "--yields as JSON, for one path"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_INSPECT = {
    .name = "inspect",
    .usage = "[--digest | --yields [--json]] PATH ...",
    .about = "what a run directory, an example set, a weight file or a model holds",
    .details =
        "The hashes of --digest cover content only: not times, ranks, attempts or the layout\n"
        "of files.  Two runs with the same digests hold the same data and weights, bit for "
        "bit.\n",
    .examples = "  tandem inspect runs/star-addition\n"
                "  tandem inspect model.gguf hugging-face-folder\n"
                "  tandem inspect --digest runs/star-tiny\n"
                "  tandem inspect --yields runs/star-tiny/examples\n",
    .words_min = 1,
    .words_max = ARGS_WORDS_MAX,
    .options = OPTIONS,
    .run = run};
