#include "campaign/export.h"
#include "cli/commands.h"
#include "cli/model_files.h"
#include "model/adapters/import_adapter.h"
#include "model/adapters/peft.h"
#include "model/files/export_model.h"

#include <inttypes.h>
#include <string.h>

static Err find_form(const char *name, ExportForm *out)
{
    static const char *const names[] = {"messages", "rows", "alpaca", "wizardlm", "self-instruct"};
    enum { FORMS = sizeof names / sizeof names[0] };
    const char *near;

    for (int i = 0; i < FORMS; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (ExportForm)i;
            return OK;
        }
    near = text_nearest(name, names, FORMS);
    FAIL(ERR_USAGE,
         "there is no form \"%.40s\"%s%s%s: of examples messages, rows, alpaca, wizardlm, "
         "self-instruct; of a model hf, gguf, adapter",
         name, near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
         near == NULL ? "" : "\"?");
}

// ---- models

enum { TO_HF, TO_GGUF, TO_ADAPTER, MODEL_FORMS };
static const char *const MODEL_FORM[MODEL_FORMS] = {"hf", "gguf", "adapter"};

static Err find_choice(const char *option, const char *name, const char *const *names, int count,
                       int *out)
{
    const char *near = text_nearest(name, names, count);

    for (*out = 0; *out < count; ++*out)
        if (strcmp(names[*out], name) == 0)
            return OK;
    FAIL(ERR_USAGE, "--%s of a model is \"%.40s\"%s%s%s; see tandem export --help", option, name,
         near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
         near == NULL ? "" : "\"?");
}

static const char *name_of(const ImportModel *found)
{
    const char *slash = strrchr(found->chosen, '/');

    return slash != NULL && slash[1] != 0 ? slash + 1 : found->chosen;
}

// A whole model: as it is, or with its adapters merged into it.
static Err export_whole(Arena *scratch, const ImportModel *found, const Args *a, const Command *c,
                        ExportType type)
{
    Dims        plain = found->dims;
    Net         net = net_make(scratch, &found->dims, NET_INFER);
    const char *out = args_text(c, a, "out");
    ExportModel m = {.flat = net.flat,
                     .tokenizer = found->tokenizer,
                     .chat = import_chat_template(found, NULL),
                     .name = name_of(found)};
    Params      params;
    const Json *json;
    Vocab      *vocab;

    TRY(import_load_net(scratch, found, &net, NULL));
    TRY(import_vocab(scratch, found, &json, &vocab)); // before anything is written
    plain.adapters = 0;
    params = params_make(scratch, &plain);
    m.params = &params;
    if (found->dims.adapters > 0) {
        float *flat = arena_new(scratch, float, params.padded);

        net_merge(&net, scratch, flat);
        m.flat = flat;
    }
    return strcmp(args_text(c, a, "to"), "hf") == 0 ? export_hf(scratch, &m, type, out)
                                                    : export_gguf(scratch, &m, type, out);
}

static Err export_adapter(Arena *scratch, const ImportModel *found, const char *out)
{
    const char  *chat = import_chat_template(found, NULL);
    Net          net = net_make(scratch, &found->dims, NET_INFER);
    ImportOrigin origin = {.unders = 0};
    NetPart      top;

    TRY(import_load_net(scratch, found, &net, &origin));
    top = net_part(&net, found->dims.adapters - 1);
    if (chat != NULL)
        TRY(export_template(chat, out));
    return peft_write(scratch, top.params, top.flat, origin.base, out);
}

static Err check_adapters(const ImportModel *found, int form, int merges)
{
    int adapters = found->dims.adapters;

    if (adapters == 0 && (form == TO_ADAPTER || merges))
        FAIL(ERR_USAGE, "%s: is a whole model, not an adapter: %s", found->chosen,
             form == TO_ADAPTER ? "choose --to hf or --to gguf" : "leave out --merge");
    if (adapters > 0 && form != TO_ADAPTER && !merges)
        FAIL(ERR_USAGE,
             "%s: is an adapter on %s: --merge writes the two as one model, --to adapter the "
             "adapter alone",
             found->chosen, found->base->chosen);
    if (form == TO_ADAPTER && merges)
        FAIL(ERR_USAGE, "--merge makes a whole model: choose --to hf or --to gguf");
    if (form == TO_ADAPTER && adapters > 1)
        FAIL(ERR_USAGE,
             "%s: stands on %d other adapters, which a folder of PEFT cannot say: --to hf --merge "
             "writes all as one model",
             found->chosen, adapters - 1);
    return OK;
}

static Err export_with(Arena *scratch, const ImportModel *found, const Args *a, const Command *c,
                       int form)
{
    static const char *const types[] = {"f32", "f16", "bf16", "q8_0"};
    int                      type;

    TRY(find_choice("dtype", args_text(c, a, "dtype"), types, 4, &type));
    if (form != TO_ADAPTER)
        return export_whole(scratch, found, a, c, (ExportType)type);
    if (type != EXPORT_F32)
        FAIL(ERR_USAGE, "an adapter is written as f32, with all its bits: leave out --dtype");
    return export_adapter(scratch, found, args_text(c, a, "out"));
}

static const char NO_TEMPLATE[] = "; it knows the prompt format of its recipe, which is no chat "
                                  "template: the files do not say it";

static Err export_model(Arena *arena, const Command *c, const Args *a, const char *path)
{
    ImportModel found;
    Text        t = text_make(arena);
    Arena       scratch;
    int         form;
    Err         e;

    TRY(find_choice("to", args_text(c, a, "to"), MODEL_FORM, MODEL_FORMS, &form));
    TRY(import_find(arena, path, &found));
    TRY(check_adapters(&found, form, args_has(c, a, "merge")));
    TRY(arena_make(&scratch, "scratch",
                   ((int64_t)1 << 36) + net_need(&found.dims, NET_INFER) +
                       params_plan(&found.dims).padded * (int64_t)sizeof(float)));
    e = export_with(&scratch, &found, a, c, form);
    arena_free(&scratch);
    TRY(e);
    text_printf(&t, "%s written to %s as %s%s%s\n", found.chosen, args_text(c, a, "out"),
                form == TO_ADAPTER ? "a folder of PEFT" : args_text(c, a, "dtype"),
                found.tokenizer == NULL ? "; it brings no tokenizer, so there is none" : "",
                import_has_messages(&found) ? NO_TEMPLATE : "");
    return commands_print(&t);
}

// ---- examples

static Err export_rows(Arena *arena, const Command *c, const Args *a)
{
    ExportForm form;
    int64_t    count;
    Text       t = text_make(arena);
    Arena      scratch;
    Err        e;

    TRY(find_form(args_text(c, a, "to"), &form));
    TRY(arena_make(&scratch, "scratch", (int64_t)1 << 36));
    e = export_examples(&scratch, a->word[0], form, args_has(c, a, "seeds"), args_text(c, a, "out"),
                        &count);
    arena_free(&scratch);
    TRY(e);
    text_printf(&t, "%" PRId64 " examples written to %s%s\n", count, args_text(c, a, "out"),
                count > 0 || args_has(c, a, "seeds") ? "" : "; those of iteration 0: --seeds");
    return commands_print(&t);
}

static int is_of_model(const char *form)
{
    for (int i = 0; i < MODEL_FORMS; i++)
        if (strcmp(MODEL_FORM[i], form) == 0)
            return 1;
    return 0;
}

static Err export(Arena *arena, const Command *c, const Args *a)
{
    if (!args_has(c, a, "to") || !args_has(c, a, "out"))
        FAIL(ERR_USAGE, "--to FORM and --out PATH are needed; see tandem export --help");
    if (args_has(c, a, "model") && a->words > 0)
        FAIL(ERR_USAGE, "with --model, no other path is taken: found \"%.60s\"", a->word[0]);
    if (args_has(c, a, "model"))
        return export_model(arena, c, a, args_text(c, a, "model"));
    if (a->words == 0)
        FAIL(ERR_USAGE, "a run directory is needed for its examples, or --model for a model");
    if (is_of_model(args_text(c, a, "to")))
        return export_model(arena, c, a, a->word[0]);
    return export_rows(arena, c, a);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, world->rank == 0 ? export(arena, c, a) : OK);
}

static const ArgsOption OPTIONS[] = {
    {"to", "FORM", NULL,
     "messages, rows, alpaca, wizardlm, self-instruct; of a model hf, gguf, adapter"},
    {"out", "PATH", NULL, "file to write; for self-instruct and hf a folder"},
    {"model", "DIR", NULL, "a model: run directory (newest weights), weight file, folder, .gguf"},
    {"dtype", "TYPE", "f32", "of a model: f32, f16, bf16, and for gguf q8_0"},
    {"merge", NULL, NULL, "of an adapter: add it to its base, and write the whole"},
    {"seeds", NULL, NULL, "with the examples of iteration 0"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_EXPORT = {
    .name = "export",
    .usage = "RUN --to FORM --out PATH [--seeds]\n"
             "       tandem export RUN|--model DIR --to hf|gguf|adapter --out PATH [--dtype T] "
             "[--merge]",
    .about = "kept examples, or a model, as files for other programs",
    .details = "messages       JSONL, {\"messages\": [{\"role\", \"content\"}]} per example\n"
               "rows           JSONL, every field, verdict and score of an example\n"
               "alpaca         a JSON list of instruction, input, output\n"
               "wizardlm       a JSON list of instruction (an input stands below it), output\n"
               "self-instruct  the JSONL files of the five steps of Self-Instruct, in a folder\n"
               "hf             a Hugging Face folder: config.json, model.safetensors, tokenizer\n"
               "gguf           one file for llama.cpp; q8_0: rows of a multiple of 32, others f16\n"
               "adapter        a folder of PEFT: adapter_config.json, adapter_model.safetensors\n"
               "For Parquet: jobs/parquet.py FILE.jsonl FILE.parquet.\n",
    .examples = "  tandem export runs/alpaca --to alpaca --out alpaca.json\n"
                "  tandem export runs/self-instruct --to messages --out messages.jsonl\n"
                "  tandem export --model runs/star-tiny --to hf --out star-tiny-hf\n"
                "  tandem export --model runs/star-tiny --to gguf --dtype q8_0 --out tiny.gguf\n"
                "  tandem export --model runs/lora --to adapter --out lora-peft\n"
                "  tandem export runs/lora --to gguf --merge --out lora.gguf\n",
    .words_min = 0,
    .words_max = 1,
    .options = OPTIONS,
    .run = run};
