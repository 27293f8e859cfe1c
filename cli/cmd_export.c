#include "campaign/export.h"
#include "cli/commands.h"

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
         "there is no form \"%.40s\"%s%s%s: messages, rows, alpaca, wizardlm, self-instruct", name,
         near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
         near == NULL ? "" : "\"?");
}

static Err export(Arena *arena, const Command *c, const Args *a)
{
    ExportForm form;
    int64_t    count;
    Text       t = text_make(arena);
    Arena      scratch;
    Err        e;

    if (!args_has(c, a, "to") || !args_has(c, a, "out"))
        FAIL(ERR_USAGE, "--to FORM and --out PATH are needed; see tandem export --help");
    TRY(find_form(args_text(c, a, "to"), &form));
    TRY(arena_make(&scratch, "scratch", (int64_t)1 << 36));
    e = export_examples(&scratch, a->word[0], form, args_has(c, a, "seeds"), args_text(c, a, "out"),
                        &count);
    arena_free(&scratch);
    TRY(e);
    text_printf(&t, "%" PRId64 " examples written to %s\n", count, args_text(c, a, "out"));
    return commands_print(&t);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, world->rank == 0 ? export(arena, c, a) : OK);
}

static const ArgsOption OPTIONS[] = {
    {"to", "FORM", NULL, "messages, rows, alpaca, wizardlm or self-instruct"},
    {"out", "PATH", NULL, "file to write; for self-instruct a folder"},
    {"seeds", NULL, NULL, "with the examples of iteration 0"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_EXPORT = {
    .name = "export",
    .usage = "RUN --to FORM --out PATH [--seeds]",
    .about = "kept examples as files for other programs",
    .details = "messages       JSONL, {\"messages\": [{\"role\", \"content\"}]} per example\n"
               "rows           JSONL, every field, verdict and score of an example\n"
               "alpaca         a JSON list of instruction, input, output\n"
               "wizardlm       a JSON list of instruction (an input stands below it), output\n"
               "self-instruct  the JSONL files of the five steps of Self-Instruct, in a folder\n"
               "For Parquet: jobs/parquet.py FILE.jsonl FILE.parquet.\n",
    .examples = "  tandem export runs/alpaca --to alpaca --out alpaca.json\n"
                "  tandem export runs/self-instruct --to messages --out messages.jsonl\n",
    .words_min = 1,
    .words_max = 1,
    .options = OPTIONS,
    .run = run};
