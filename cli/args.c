#include "cli/args.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int option_at(const Command *c, const char *name, size_t length)
{
    for (int i = 0; c->options[i].name != NULL; i++)
        if (strlen(c->options[i].name) == length && strncmp(c->options[i].name, name, length) == 0)
            return i;
    return -1;
}

static Err unknown_option(const Command *c, const char *word)
{
    const char *names[ARGS_OPTIONS_MAX + 1] = {"help"};
    int         count = 1;
    const char *near;

    for (int i = 0; c->options[i].name != NULL; i++)
        names[count++] = c->options[i].name;
    near = text_nearest(word + 2, names, count);
    FAIL(ERR_USAGE, "tandem %s: unknown option %s%s%s%s; see tandem %s --help", c->name, word,
         near != NULL ? "; did you mean --" : "", near != NULL ? near : "", near != NULL ? "?" : "",
         c->name);
}

static Err parse_option(const Command *c, int argc, char **argv, int *i, Args *out)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t      length = equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2;
    int         o = option_at(c, word + 2, length);

    if (o < 0)
        return unknown_option(c, word);
    if (c->options[o].value == NULL) {
        if (equals != NULL)
            FAIL(ERR_USAGE, "tandem %s: --%s takes no value", c->name, c->options[o].name);
        out->given[o] = "";
    } else if (equals != NULL) {
        out->given[o] = equals + 1;
    } else {
        if (*i + 1 >= argc)
            FAIL(ERR_USAGE, "tandem %s: --%s needs a value, %s", c->name, c->options[o].name,
                 c->options[o].value);
        out->given[o] = argv[++*i];
    }
    return OK;
}

// Commands that take no words understand "model=DIR" as "--model=DIR".
static int is_named_value(const Command *c, const char *word)
{
    return c->words_max == 0 && word[0] != '-' && strchr(word, '=') != NULL;
}

static Err parse_named_value(const Command *c, const char *word, Args *out)
{
    const char *equals = strchr(word, '=');
    char        with_dashes[ARGS_NAME_MAX + 3];
    int         o = option_at(c, word, (size_t)(equals - word));

    if (o < 0) {
        snprintf(with_dashes, sizeof with_dashes, "--%.*s", (int)(equals - word), word);
        return unknown_option(c, with_dashes);
    }
    if (c->options[o].value == NULL)
        FAIL(ERR_USAGE, "tandem %s: --%s takes no value", c->name, c->options[o].name);
    out->given[o] = equals + 1;
    return OK;
}

static Err check_words(const Command *c, const Args *a)
{
    if (a->words < c->words_min)
        FAIL(ERR_USAGE, "tandem %s: something is missing; usage: tandem %s %s", c->name, c->name,
             c->usage);
    if (a->words > c->words_max)
        FAIL(ERR_USAGE, "tandem %s: \"%s\" is one word too many%s; usage: tandem %s %s", c->name,
             a->word[c->words_max],
             option_at(c, "model", strlen("model")) >= 0 ? " (a model is given by --model PATH)"
                                                         : "",
             c->name, c->usage);
    return OK;
}

Err args_parse(const Command *c, int argc, char **argv, Args *out)
{
    *out = (Args){0};
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0 && argv[i][2] != 0) {
            TRY(parse_option(c, argc, argv, &i, out));
        } else if (is_named_value(c, argv[i])) {
            TRY(parse_named_value(c, argv[i], out));
        } else {
            if (out->words == ARGS_WORDS_MAX)
                FAIL(ERR_USAGE, "tandem %s: more than %d words", c->name, ARGS_WORDS_MAX);
            out->word[out->words++] = argv[i];
        }
    }
    return check_words(c, out);
}

const char *args_text(const Command *c, const Args *a, const char *name)
{
    int o = option_at(c, name, strlen(name));

    CHECK(o >= 0, "tandem %s has no option %s", c->name, name);
    return a->given[o] != NULL ? a->given[o] : c->options[o].standard;
}

int args_has(const Command *c, const Args *a, const char *name)
{
    int o = option_at(c, name, strlen(name));

    CHECK(o >= 0, "tandem %s has no option %s", c->name, name);
    return a->given[o] != NULL;
}

Err args_f64(const Command *c, const Args *a, const char *name, double min, double max, double *out)
{
    const char *text = args_text(c, a, name);
    char       *end;

    CHECK(text != NULL, "--%s has no default", name);
    *out = strtod(text, &end);
    if (end == text || *end != 0 || !(*out >= min && *out <= max))
        FAIL(ERR_USAGE, "tandem %s: --%s is \"%s\"; expected a number from %g to %g", c->name, name,
             text, min, max);
    return OK;
}

Err args_i64(const Command *c, const Args *a, const char *name, int64_t min, int64_t max,
             int64_t *out)
{
    const char *text = args_text(c, a, name);
    char       *end;

    CHECK(text != NULL, "--%s has no default", name);
    *out = strtoll(text, &end, 10);
    if (end == text || *end != 0 || *out < min || *out > max)
        FAIL(ERR_USAGE,
             "tandem %s: --%s is \"%s\"; expected a whole number from %" PRId64 " to %" PRId64,
             c->name, name, text, min, max);
    return OK;
}

Err args_seconds(const Command *c, const Args *a, const char *name, double *out)
{
    const char *text = args_text(c, a, name);
    char       *end;
    double      unit = 1;

    *out = 0;
    if (text == NULL)
        return OK;
    *out = strtod(text, &end);
    if (*end == 'm')
        unit = 60;
    else if (*end == 'h')
        unit = 3600;
    if (end == text || (*end != 0 && (strchr("smh", *end) == NULL || end[1] != 0)) || !(*out > 0))
        FAIL(ERR_USAGE, "tandem %s: --%s is \"%s\"; expected a time such as 90s, 5m or 1.5h",
             c->name, name, text);
    *out *= unit;
    return OK;
}

void args_help(Text *t, const Command *c)
{
    text_printf(t, "tandem %s -- %s\n\nusage: tandem %s %s\n", c->name, c->about, c->name,
                c->usage);
    if (*c->details)
        text_printf(t, "\n%s", c->details);
    text_puts(t, "\noptions:\n");
    for (int i = 0; c->options[i].name != NULL; i++) {
        const ArgsOption *o = &c->options[i];
        Text              left = text_make(t->arena);

        text_printf(&left, "--%s%s%s", o->name, o->value != NULL ? " " : "",
                    o->value != NULL ? o->value : "");
        text_printf(t, "  %-22s %s", left.data, o->help);
        if (o->standard != NULL)
            text_printf(t, " [%s]", o->standard);
        text_puts(t, "\n");
    }
    text_printf(t, "  %-22s %s\n\nexamples:\n%s", "--help", "this text", c->examples);
}
