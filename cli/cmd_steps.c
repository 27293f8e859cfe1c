#include "campaign/settings.h"
#include "cli/commands.h"
#include "datagen/recipe.h"

static Err steps(Arena *arena, const Command *c, const Args *a)
{
    Text t = text_make(arena);

    if (a->words > 0 &&
        (args_has(c, a, "schema") || args_has(c, a, "config-schema") || args_has(c, a, "config")))
        FAIL(ERR_USAGE, "tandem steps: give a kind of step or one of the options, not both");
    if (args_has(c, a, "schema"))
        recipe_schema(&t);
    else if (args_has(c, a, "config-schema"))
        config_schema(&t, SETTINGS_TABLE);
    else if (args_has(c, a, "config"))
        config_help(&t, SETTINGS_TABLE);
    else
        recipe_help(&t, a->words > 0 ? a->word[0] : NULL);
    if (t.length == 0)
        FAIL(ERR_USAGE, "there is no step kind \"%s\"; `tandem steps` lists all", a->word[0]);
    return commands_print(&t);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, world->rank == 0 ? steps(arena, c, a) : OK);
}

static const ArgsOption OPTIONS[] = {
    {"config", NULL, NULL, "the keys of campaign configs instead"},
    {"schema", NULL, NULL, "a JSON Schema of recipes, for editors"},
    {"config-schema", NULL, NULL, "a JSON Schema of campaign configs"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_STEPS = {.name = "steps",
                           .usage = "[KIND] [--config | --schema | --config-schema]",
                           .about = "the reference of recipe steps and of config keys",
                           .details = "",
                           .examples =
                               "  tandem steps\n  tandem steps generate\n  tandem steps --config\n",
                           .words_min = 0,
                           .words_max = 1,
                           .options = OPTIONS,
                           .run = run};
