#include "io/config.h"

#include <stdio.h>
#include <string.h>

// ---- values

static void write_choice(Text *t, const char *choices, int number)
{
    const char *begin = choices;

    for (int i = 0; i < number; i++) {
        begin = strchr(begin, '|');
        CHECK(begin != NULL, "choice %d of %s", number, choices);
        begin++;
    }
    text_json(t, begin, (int64_t)strcspn(begin, "|"));
}

static void write_value(Text *t, const ConfigField *f, const void *at)
{
    const char *text;

    switch (f->kind) {
    case CONFIG_INT: text_printf(t, "%lld", (long long)*(const int64_t *)at); break;
    case CONFIG_FLOAT: json_write_number(t, *(const double *)at); break;
    case CONFIG_YESNO: text_puts(t, *(const int *)at ? "true" : "false"); break;
    case CONFIG_ENUM: write_choice(t, f->choices, *(const int *)at); break;
    case CONFIG_JSON: json_write(t, *(const Json *const *)at); break;
    case CONFIG_TABLE: config_write(t, f->table, at); break;
    case CONFIG_TEXT:
        text = *(const char *const *)at;
        text_json(t, text != NULL ? text : "", text != NULL ? (int64_t)strlen(text) : 0);
    }
}

void config_write(Text *t, const ConfigField *table, const void *in)
{
    const char *comma = "";

    text_puts(t, "{");
    for (const ConfigField *f = table; f->key != NULL; f++) {
        const void *at = (const char *)in + f->offset;

        if (f->kind == CONFIG_JSON && *(const Json *const *)at == NULL)
            continue;
        text_printf(t, "%s\"%s\": ", comma, f->key);
        write_value(t, f, at);
        comma = ", ";
    }
    text_puts(t, "}");
}

enum { KEY_MAX = 256 };

static void inner_prefix(char out[KEY_MAX], const char *prefix, const char *key)
{
    int length = snprintf(out, KEY_MAX, "%s%s.", prefix, key);

    CHECK(length < KEY_MAX, "key %s", out);
}

static void list_defaults(Text *t, const Json *root, const ConfigField *table, const char *prefix)
{
    for (const ConfigField *f = table; f->key != NULL; f++) {
        const Json *node = json_member(root, f->key);
        char        inner[KEY_MAX];

        if (f->kind == CONFIG_TABLE) {
            inner_prefix(inner, prefix, f->key);
            list_defaults(t, node, f->table, inner);
        } else if (node == NULL) {
            text_printf(t, "%s%s\n", prefix, f->key);
        }
    }
}

void config_defaults(Text *t, const Json *root, const ConfigField *table)
{
    list_defaults(t, root, table, "");
}

// ---- the reference

typedef struct HelpLine {
    char        key[128], type[256], standard[64];
    const char *help; // NULL: no column says more
} HelpLine;

typedef struct HelpWidths {
    int key, type, standard;
} HelpWidths;

static void say_type(const ConfigField *f, char *out, size_t size)
{
    static const char *const names[] = {"whole number", "number", "text", "true|false", "",
                                        "any",          "object"};

    if (f->kind == CONFIG_ENUM)
        snprintf(out, size, "%s", f->choices);
    else if (f->kind <= CONFIG_FLOAT && f->min < f->max)
        snprintf(out, size, "%s %.15g..%.15g", names[f->kind], f->min, f->max);
    else
        snprintf(out, size, "%s", names[f->kind]);
}

static void say_standard(const ConfigField *f, char *out, size_t size)
{
    if (f->kind == CONFIG_TABLE)
        snprintf(out, size, " ");
    else if (f->standard == NULL)
        snprintf(out, size, "(required)");
    else if (f->standard[0] == 0)
        snprintf(out, size, f->kind == CONFIG_JSON ? "(none)" : "\"\"");
    else
        snprintf(out, size, "%s", f->standard);
}

static HelpLine help_line(const ConfigField *f, const char *prefix)
{
    HelpLine line = {.help = f->help != NULL ? f->help : ""};

    snprintf(line.key, sizeof line.key, "%s%s", prefix, f->key);
    say_type(f, line.type, sizeof line.type);
    say_standard(f, line.standard, sizeof line.standard);
    return line;
}

// Long words push their line to the right instead of widening all lines.
static int wider(int width, const char *text, int most)
{
    int n = (int)strlen(text);

    return n > width ? (n < most ? n : most) : width;
}

// Measures if `t` is NULL, else prints.
static void help_table(Text *t, const ConfigField *table, const char *prefix, HelpWidths *w)
{
    for (const ConfigField *f = table; f->key != NULL; f++) {
        HelpLine line = help_line(f, prefix);
        char     inner[KEY_MAX];

        if (t == NULL)
            *w = (HelpWidths){.key = wider(w->key, line.key, 40),
                              .type = wider(w->type, line.type, 32),
                              .standard = wider(w->standard, line.standard, 20)};
        else
            text_printf(t, "%-*s  %-*s  %-*s  %s\n", w->key, line.key, w->type, line.type,
                        w->standard, line.standard, line.help);
        if (f->kind == CONFIG_TABLE) {
            inner_prefix(inner, prefix, f->key);
            help_table(t, f->table, inner, w);
        }
    }
}

void config_help(Text *t, const ConfigField *table)
{
    HelpWidths w = {0};

    help_table(NULL, table, "", &w);
    help_table(t, table, "", &w);
}

// ---- the schema

static int is_required(const ConfigField *f)
{
    if (f->kind != CONFIG_TABLE)
        return f->standard == NULL;
    for (const ConfigField *inner = f->table; inner->key != NULL; inner++)
        if (is_required(inner))
            return 1;
    return 0;
}

static void schema_type(Text *t, const ConfigField *f)
{
    static const char *const names[] = {"integer", "number", "string", "boolean"};

    if (f->kind <= CONFIG_YESNO)
        text_printf(t, ", \"type\": \"%s\"", names[f->kind]);
    if (f->kind <= CONFIG_FLOAT && f->min < f->max) {
        text_puts(t, ", \"minimum\": ");
        json_write_number(t, f->min);
        text_puts(t, ", \"maximum\": ");
        json_write_number(t, f->max);
    }
    if (f->kind == CONFIG_ENUM) {
        text_puts(t, ", \"enum\": [");
        for (const char *at = f->choices; *at;) {
            size_t n = strcspn(at, "|");
            text_printf(t, "%s\"%.*s\"", at == f->choices ? "" : ", ", (int)n, at);
            at += n + (at[n] == '|');
        }
        text_puts(t, "]");
    }
}

static void schema_default(Text *t, const ConfigField *f)
{
    if (f->standard == NULL || f->kind == CONFIG_TABLE ||
        (f->kind == CONFIG_JSON && f->standard[0] == 0))
        return;
    text_puts(t, ", \"default\": ");
    if (f->kind == CONFIG_TEXT || f->kind == CONFIG_ENUM)
        text_json(t, f->standard, (int64_t)strlen(f->standard));
    else
        text_puts(t, f->standard);
}

static void schema_members(Text *t, const ConfigField *table, int is_top)
{
    const char *comma = "";

    text_puts(t, "\"type\": \"object\", \"additionalProperties\": false, \"properties\": {");
    if (is_top) {
        text_puts(t, "\"$schema\": {\"type\": \"string\"}");
        comma = ", ";
    }
    for (const ConfigField *f = table; f->key != NULL; f++) {
        const char *help = f->help != NULL ? f->help : "";

        text_printf(t, "%s\"%s\": {\"description\": ", comma, f->key);
        text_json(t, help, (int64_t)strlen(help));
        schema_type(t, f);
        schema_default(t, f);
        if (f->kind == CONFIG_TABLE) {
            text_puts(t, ", ");
            schema_members(t, f->table, 0);
        }
        text_puts(t, "}");
        comma = ", ";
    }
    text_puts(t, "}, \"required\": [");
    comma = "";
    for (const ConfigField *f = table; f->key != NULL; f++) {
        if (!is_required(f))
            continue;
        text_printf(t, "%s\"%s\"", comma, f->key);
        comma = ", ";
    }
    text_puts(t, "]");
}

void config_schema(Text *t, const ConfigField *table)
{
    text_puts(t, "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", ");
    schema_members(t, table, 1);
    text_puts(t, "}\n");
}
