#include "cli/commands.h"
#include "io/ckpt.h"
#include "io/file.h"
#include "model/files/import.h"
#include "model/vocab.h"

#include <string.h>

typedef struct Ready { // all of it, read and checked before anything is written
    Params    params;
    float    *flat;
    Text      config, provenance;
    CkptTexts texts;
} Ready;

static Err read_all(Arena *scratch, const ImportModel *found, Ready *r)
{
    const Json *json;
    Vocab      *v;

    *r = (Ready){.params = params_make(scratch, &found->dims),
                 .config = text_make(scratch),
                 .provenance = text_make(scratch),
                 .texts = {.tokenizer = "", .chat = ""}};
    r->flat = arena_new(scratch, float, r->params.padded);
    TRY(import_load(scratch, found, &r->params, r->flat));
    dims_write(&r->config, &found->dims);
    text_puts(&r->provenance, "{\"imported\": ");
    text_json(&r->provenance, found->chosen, (int64_t)strlen(found->chosen));
    text_puts(&r->provenance, "}");
    r->texts.model = r->config.data;
    r->texts.provenance = r->provenance.data;
    TRY(import_vocab(scratch, found, &json, &v)); // one that is not read is no use in the file
    if (v != NULL)
        r->texts.tokenizer = found->tokenizer;
    if (found->chat_format != NULL)
        r->texts.chat = found->chat_format;
    return OK;
}

// Into a run directory that holds nothing but these weights: every command takes it as a model.
static Err write_weights(Arena *scratch, const Run *run, Ready *r)
{
    ParamsFile file = {.params = &r->params, .flat = {r->flat}};

    return ckpt_write_weights(run, scratch, 0, params_tensors(scratch, &r->params), r->params.count,
                              &r->texts, params_bring, &file);
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

static Err make_ready(Arena *arena, const Command *c, const Args *a, Arena *scratch,
                      ImportModel *found, Ready *r)
{
    TRY(find(arena, c, a, found));
    TRY(arena_make(scratch, "scratch",
                   ((int64_t)1 << 36) + params_plan(&found->dims).padded * (int64_t)sizeof(float)));
    return read_all(scratch, found, r);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    ImportModel found = {0};
    Arena       scratch = {0};
    Text        t = text_make(arena);
    Ready       ready;
    Run         to;
    Err         e;

    TRY_ALL(world, world->rank == 0 ? make_ready(arena, c, a, &scratch, &found, &ready) : OK);
    TRY(run_open_all(world, args_text(c, a, "out"), RUN_BOTH, &to));
    if (world->rank != 0)
        return comm_agree(world, OK);
    e = write_weights(&scratch, &to, &ready);
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
