#include "io/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICES_MAX = 64, KEYS_MAX = 128, KEY_MAX = 256 };

static const double WHOLE_MAX = 9007199254740992; // 2^53

// Where a struct is being filled: for keys that are missing there is no node to point at.
typedef struct Place {
    Arena      *arena;
    const Json *root; // NULL: nothing was given
    char        prefix[KEY_MAX];
} Place;

static const char *where_of(const Json *node, char *buffer, int64_t size)
{
    return node != NULL ? json_where(node, buffer, size) : "the configuration";
}

static void full_key(const Place *p, const char *key, char out[2 * KEY_MAX])
{
    snprintf(out, 2 * KEY_MAX, "%s%s", p->prefix, key);
}

// ---- bounds and choices

static int has_bounds(const ConfigField *f)
{
    return f->min < f->max;
}

static void say_expected(const ConfigField *f, char *out, size_t size)
{
    const char *kind = f->kind == CONFIG_INT ? "a whole number" : "a number";

    if (f->kind == CONFIG_INT || f->kind == CONFIG_FLOAT) {
        if (has_bounds(f))
            snprintf(out, size, "%s from %.15g to %.15g", kind, f->min, f->max);
        else
            snprintf(out, size, "%s", kind);
    } else if (f->kind == CONFIG_ENUM) {
        snprintf(out, size, "one of %s", f->choices);
    } else {
        snprintf(out, size, "%s",
                 f->kind == CONFIG_TEXT    ? "a text"
                 : f->kind == CONFIG_YESNO ? "true or false"
                                           : "an object");
    }
}

// The choices, cut apart in place in `words`.
static int cut_choices(char words[1024], const char *choices, const char *out[CHOICES_MAX])
{
    int   count = 0;
    char *rest = words;

    CHECK(strlen(choices) < 1024, "choices %s", choices);
    memcpy(words, choices, strlen(choices) + 1);
    while (rest != NULL && count < CHOICES_MAX)
        out[count++] = strsep(&rest, "|");
    return count;
}

// The number of a choice, -1 if it is none of them; *near: the one that may be meant, or "".
static int find_choice(const char *choices, const char *word, char near[64])
{
    const char *list[CHOICES_MAX], *nearest;
    char        words[1024];
    int         count = cut_choices(words, choices, list);

    for (int i = 0; i < count; i++)
        if (strcmp(list[i], word) == 0)
            return i;
    nearest = text_nearest(word, list, count);
    snprintf(near, 64, "%s", nearest != NULL ? nearest : "");
    return -1;
}

static int number_fits(const ConfigField *f, double value)
{
    if (f->kind == CONFIG_INT && (floor(value) != value || fabs(value) > WHOLE_MAX))
        return 0;
    return isfinite(value) && (!has_bounds(f) || (value >= f->min && value <= f->max));
}

static void put_number(const ConfigField *f, double value, void *at)
{
    if (f->kind == CONFIG_INT)
        *(int64_t *)at = (int64_t)value;
    else
        *(double *)at = value;
}

// ---- values that were given

static Err wrong(const ConfigField *f, const Json *node, const char *near)
{
    char where[JSON_WORDS], path[JSON_WORDS], found[JSON_WORDS], expected[1100];

    say_expected(f, expected, sizeof expected);
    FAIL(ERR_CONFIG, "%s: \"%s\" must be %s, found %s%s%s%s (%s)",
         json_where(node, where, sizeof where), json_path(node, path, sizeof path), expected,
         json_show(node, found, sizeof found), *near ? "; did you mean \"" : "", near,
         *near ? "\"?" : "", f->help);
}

static Err take_choice(const ConfigField *f, const Json *node, int *out)
{
    char near[64] = "";

    *out = node->kind == JSON_TEXT ? find_choice(f->choices, node->text, near) : -1;
    return *out < 0 ? wrong(f, node, near) : OK;
}

static Err take_value(const ConfigField *f, const Json *node, void *at)
{
    switch (f->kind) {
    case CONFIG_INT:
    case CONFIG_FLOAT:
        if (node->kind != JSON_NUMBER || !number_fits(f, node->number))
            return wrong(f, node, "");
        put_number(f, node->number, at);
        return OK;
    case CONFIG_TEXT:
        if (node->kind != JSON_TEXT)
            return wrong(f, node, "");
        *(const char **)at = node->text;
        return OK;
    case CONFIG_YESNO:
        if (node->kind != JSON_TRUE && node->kind != JSON_FALSE)
            return wrong(f, node, "");
        *(int *)at = node->kind == JSON_TRUE;
        return OK;
    case CONFIG_ENUM: return take_choice(f, node, at);
    case CONFIG_JSON: *(const Json **)at = node; return OK;
    default: CHECK(0, "kind %d of %s", (int)f->kind, f->key);
    }
}

// ---- standard values

static Err missing(const Place *p, const ConfigField *f)
{
    char where[JSON_WORDS], key[2 * KEY_MAX];

    full_key(p, f->key, key);
    FAIL(ERR_CONFIG, "%s: the key \"%s\" is missing; it has no default (%s)",
         where_of(p->root, where, sizeof where), key, f->help);
}

static Err standard_json(Arena *arena, const ConfigField *f, const Json **out)
{
    *out = NULL;
    if (f->standard[0] != 0)
        TRY(json_parse(arena, "the default", f->standard, (int64_t)strlen(f->standard),
                       JSON_NO_COMMENTS, out));
    return OK;
}

// A row of a table that does not obey itself is our mistake.
static Err take_standard(const Place *p, const ConfigField *f, void *at)
{
    char   near[64], *end;
    double number;

    if (f->standard == NULL)
        return missing(p, f);
    switch (f->kind) {
    case CONFIG_INT:
    case CONFIG_FLOAT:
        number = strtod(f->standard, &end);
        CHECK(end != f->standard && *end == 0 && number_fits(f, number), "default \"%s\" of %s",
              f->standard, f->key);
        put_number(f, number, at);
        return OK;
    case CONFIG_TEXT: *(const char **)at = f->standard; return OK;
    case CONFIG_YESNO:
        *(int *)at = strcmp(f->standard, "true") == 0;
        CHECK(*(int *)at || strcmp(f->standard, "false") == 0, "default \"%s\" of %s", f->standard,
              f->key);
        return OK;
    case CONFIG_ENUM:
        *(int *)at = find_choice(f->choices, f->standard, near);
        CHECK(*(int *)at >= 0, "default \"%s\" of %s", f->standard, f->key);
        return OK;
    case CONFIG_JSON: TRY(standard_json(p->arena, f, at)); return OK;
    default: CHECK(0, "kind %d of %s", (int)f->kind, f->key);
    }
}

// ---- tables

// "$schema" is for editors, and may stand at the top.
static Err check_known(const Json *root, const ConfigField *table)
{
    const char *known[KEYS_MAX];
    int         count = 0;

    for (const ConfigField *f = table; f->key != NULL; f++) {
        CHECK(count < KEYS_MAX - 1, "more keys than one table may have, at %s", f->key);
        known[count++] = f->key;
    }
    if (root->parent == NULL)
        known[count++] = "$schema";
    TRY(json_only(root, known, count));
    return OK;
}

static Err read_table(const Place *p, const ConfigField *table, void *out);

static Err read_nested(const Place *p, const ConfigField *f, const Json *node, void *at)
{
    Place inner = {.arena = p->arena, .root = node};
    int   length = snprintf(inner.prefix, KEY_MAX, "%s%s.", p->prefix, f->key);

    CHECK(length < KEY_MAX, "key %s", inner.prefix);
    if (node != NULL && node->kind != JSON_OBJECT)
        return wrong(f, node, "");
    TRY(read_table(&inner, f->table, at));
    return OK;
}

static Err read_table(const Place *p, const ConfigField *table, void *out)
{
    if (p->root != NULL)
        TRY(check_known(p->root, table));
    for (const ConfigField *f = table; f->key != NULL; f++) {
        const Json *node = json_member(p->root, f->key);
        void       *at = (char *)out + f->offset;

        if (f->kind == CONFIG_TABLE)
            TRY(read_nested(p, f, node, at));
        else if (node != NULL)
            TRY(take_value(f, node, at));
        else
            TRY(take_standard(p, f, at));
    }
    return OK;
}

Err config_read(Arena *arena, const Json *root, const ConfigField *table, void *out)
{
    Place p = {.arena = arena, .root = root};
    char  where[JSON_WORDS], found[JSON_WORDS], path[JSON_WORDS];

    if (root != NULL && root->kind != JSON_OBJECT)
        FAIL(ERR_CONFIG, "%s: expected an object { ... } of settings, found %s",
             json_where(root, where, sizeof where), json_show(root, found, sizeof found));
    if (root != NULL && json_path(root, path, sizeof path)[0] != 0)
        snprintf(p.prefix, sizeof p.prefix, "%.*s.", KEY_MAX - 2, path);
    TRY(read_table(&p, table, out));
    return OK;
}
