// The reference of all kinds of steps, from the tables that read them.
#include "datagen/step.h"

#include <string.h>

void recipe_help(Text *t, const char *only)
{
    for (int i = 0; i < step_kinds_count; i++) {
        const StepKind *kind = step_kinds[i];

        if (only != NULL && strcmp(only, kind->name) != 0)
            continue;
        text_printf(t, "%s -- %s\n", kind->name, kind->about);
        config_help(t, kind->fields);
        if (kind->takes_verdicts)
            text_puts(t, "<verdict>  true|false  what a verdict of an earlier step has to be\n");
        text_puts(t, "\n");
    }
}

static void add_json(Text *t, const char *text)
{
    text_json(t, text, (int64_t)strlen(text));
}

static void schema_choices(Text *t, const char *choices)
{
    for (const char *at = choices; *at != 0;) {
        size_t n = strcspn(at, "|");

        text_puts(t, at == choices ? "" : ", ");
        text_json(t, at, (int64_t)n);
        at += n + (at[n] == '|');
    }
}

static void schema_field(Text *t, const ConfigField *f)
{
    static const char *const types[] = {"integer", "number", "string", "boolean", "string"};

    text_puts(t, ", ");
    add_json(t, f->key);
    text_puts(t, ": {\"description\": ");
    add_json(t, f->help);
    if (strcmp(f->key, "steps") == 0) // of when
        text_puts(t, ", \"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/step\"}");
    if (f->kind <= CONFIG_ENUM)
        text_printf(t, ", \"type\": \"%s\"", types[f->kind]);
    if (f->kind <= CONFIG_FLOAT)
        text_printf(t, ", \"minimum\": %.17g, \"maximum\": %.17g", f->min, f->max);
    if (f->kind == CONFIG_ENUM) {
        text_puts(t, ", \"enum\": [");
        schema_choices(t, f->choices);
        text_puts(t, "]");
    }
    text_puts(t, "}");
}

static void schema_kind(Text *t, const StepKind *kind)
{
    text_puts(t, "{\"type\": \"object\", \"description\": ");
    add_json(t, kind->about);
    text_printf(t, ", \"additionalProperties\": %s, \"properties\": {\"do\": {\"const\": \"%s\"}",
                kind->takes_verdicts ? "{\"type\": \"boolean\"}" : "false", kind->name);
    for (const ConfigField *f = kind->fields; f->key != NULL; f++)
        schema_field(t, f);
    text_puts(t, "}, \"required\": [\"do\"");
    for (const ConfigField *f = kind->fields; f->key != NULL; f++)
        if (f->standard == NULL)
            text_printf(t, ", \"%s\"", f->key);
    text_puts(t, "]}");
}

void recipe_schema(Text *t)
{
    text_puts(t, "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", "
                 "\"title\": \"Tandem recipe\", \"type\": \"object\", \"additionalProperties\": "
                 "false, \"required\": [\"recipe\", \"about\", \"steps\"], \"properties\": {"
                 "\"$schema\": {\"type\": \"string\"}, \"recipe\": {\"type\": \"string\"}, "
                 "\"about\": {\"type\": \"string\"}, \"steps\": {\"type\": \"array\", "
                 "\"minItems\": 1, \"items\": {\"$ref\": \"#/$defs/step\"}}}, "
                 "\"$defs\": {\"step\": {\"oneOf\": [");
    for (int i = 0; i < step_kinds_count; i++)
        text_printf(t, "%s{\"$ref\": \"#/$defs/%s\"}", i > 0 ? ", " : "", step_kinds[i]->name);
    text_puts(t, "]}");
    for (int i = 0; i < step_kinds_count; i++) {
        text_printf(t, ", \"%s\": ", step_kinds[i]->name);
        schema_kind(t, step_kinds[i]);
    }
    text_puts(t, "}}\n");
}
