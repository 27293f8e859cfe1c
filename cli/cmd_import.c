#include "cli/commands.h"
#include "io/ckpt.h"
#include "io/file.h"
#include "model/import.h"
#include "model/vocab.h"

#include <string.h>

// Into a run directory that holds nothing but these weights: every command takes it as a model.
static Err write_weights(Arena *scratch, const Run *run, const ImportModel *found)
{
    Params      params = params_make(scratch, &found->dims);
    float      *flat = arena_new(scratch, float, params.padded);
    ParamsFile  file = {.params = &params, .flat = {flat}};
    Text        config = text_make(scratch), provenance = text_make(scratch);
    CkptTexts   texts = {.tokenizer = "", .chat = ""};
    const Json *json;
    Vocab      *v;

    TRY(import_load(scratch, found, &params, flat));
    dims_write(&config, &found->dims);
    text_puts(&provenance, "{\"imported\": ");
    text_json(&provenance, found->chosen, (int64_t)strlen(found->chosen));
    text_puts(&provenance, "}");
    texts.model = config.data;
    texts.provenance = provenance.data;
    if (found->tokenizer != NULL) { // one that is not read is no use in the file
        TRY(json_parse(scratch, found->chosen, found->tokenizer, (int64_t)strlen(found->tokenizer),
                       JSON_NO_COMMENTS, &json));
        TRY(vocab_make(scratch, json, &v));
        texts.tokenizer = found->tokenizer;
    }
    return ckpt_write_weights(run, scratch, 0, params_tensors(scratch, &params), params.count,
                              &texts, params_bring, &file);
}

static Err find(Arena *arena, const Command *c, const Args *a, ImportModel *found)
{
    const char *model = args_text(c, a, "model"), *out = args_text(c, a, "out");
    char      **names;
    int         count;

    if (model == NULL || out == NULL)
        FAIL(ERR_USAGE, "tandem import: --model and --out are needed; see --help");
    TRY(file_list(arena, out, &names, &count));
    if (count > 0 || (file_exists(out) && !file_is_folder(out)))
        FAIL(ERR_USAGE, "%s: is there already; give a new or an empty folder", out);
    return import_find(arena, model, found);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    ImportModel found = {0};
    Arena       scratch = {0};
    Text        t = text_make(arena);
    Run         to;
    Err         e;

    TRY_ALL(world, world->rank == 0 ? find(arena, c, a, &found) : OK);
    TRY(run_open_all(world, args_text(c, a, "out"), RUN_BOTH, &to));
    if (world->rank != 0)
        return comm_agree(world, OK);
    e = arena_make(&scratch, "scratch",
                   ((int64_t)1 << 36) + params_plan(&found.dims).padded * (int64_t)sizeof(float));
    if (e == OK)
        e = write_weights(&scratch, &to, &found);
    arena_free(&scratch);
    if (e == OK) {
        text_printf(&t, "%s written to %s/weights/v0000.h5%s\n", found.chosen, to.dir,
                    found.tokenizer == NULL ? ", without a tokenizer" : "");
        e = commands_print(&t);
    }
    return comm_agree(world, e);
}

static const ArgsOption OPTIONS[] = {
    {"model", "PATH", NULL, "Hugging Face folder, .gguf, .bin of llama2.c, weight file, run"},
    {"out", "DIR", NULL, "a new folder, which --model of every command then takes"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_IMPORT = {
    .name = "import",
    .usage = "--model PATH --out DIR",
    .about = "a model of another program as a weight file of ours",
    .details = "DIR becomes a run directory that holds weights/v0000.h5: f32, with its shape, its\n"
               "tokenizer and check sums in one file.  Every --model takes other forms as they\n"
               "are, too; an import reads and widens them once.\n",
    .examples = "  tandem import --model stories260K.gguf --out models/stories260K\n"
                "  tandem sample --model models/stories260K --prompt 'Once upon a time'\n",
    .words_min = 0,
    .words_max = 0,
    .options = OPTIONS,
    .run = run};
