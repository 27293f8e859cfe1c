#include "io/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double WHOLE_MAX = 9007199254740992; // 2^53: whole numbers beyond it lose digits

// ---- words for messages

const char *json_kind_name(JsonKind kind)
{
    static const char *const names[] = {"null",   "false",    "true",     "a number",
                                        "a text", "an array", "an object"};

    return names[kind];
}

const char *json_where(const Json *node, char *buffer, int64_t size)
{
    if (node->line > 0)
        snprintf(buffer, (size_t)size, "%s:%d:%d", node->file, node->line, node->column);
    else
        snprintf(buffer, (size_t)size, "%s", node->file);
    return buffer;
}

static void add_path(const Json *node, char *buffer, int64_t size)
{
    size_t used;

    if (node->parent == NULL)
        return;
    add_path(node->parent, buffer, size);
    used = strlen(buffer);
    if (node->key != NULL) {
        snprintf(buffer + used, (size_t)size - used, "%s%s", used > 0 ? "." : "", node->key);
    } else {
        int64_t i = 0;
        for (const Json *m = node->parent->child; m != NULL && m != node; m = m->next)
            i++;
        snprintf(buffer + used, (size_t)size - used, "[%" PRId64 "]", i);
    }
}

// What strangers wrote must not steer the terminal it is shown on.
static void calm(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            *text = '?';
}

const char *json_path(const Json *node, char *buffer, int64_t size)
{
    buffer[0] = 0;
    add_path(node, buffer, size);
    calm(buffer);
    return buffer;
}

// The longest number of bytes <= most that does not cut a character.
static int whole_characters(const char *text, int64_t length, int most)
{
    int n = 0;

    while (n < length) {
        int step = text_utf8_length(text + n, length - n);
        if (step == 0 || n + step > most)
            break;
        n += step;
    }
    return n;
}

const char *json_show(const Json *node, char *buffer, int64_t size)
{
    enum { LONGEST = 60 };

    if (node->kind == JSON_NUMBER)
        snprintf(buffer, (size_t)size, "%.15g", node->number);
    else if (node->kind == JSON_TEXT)
        snprintf(buffer, (size_t)size, "the text \"%.*s\"%s",
                 whole_characters(node->text, node->length, LONGEST), node->text,
                 node->length > LONGEST ? "..." : "");
    else
        snprintf(buffer, (size_t)size, "%s", json_kind_name(node->kind));
    calm(buffer);
    return buffer;
}

// ---- looking up

const Json *json_member(const Json *object, const char *key)
{
    if (object == NULL || object->kind != JSON_OBJECT)
        return NULL;
    for (const Json *m = object->child; m != NULL; m = m->next)
        if (strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

static Err not_as_wanted(const Json *node, const char *expected)
{
    char where[JSON_WORDS], path[JSON_WORDS], found[JSON_WORDS];

    FAIL(ERR_DATA, "%s: expected %s%s%s, found %s", json_where(node, where, sizeof where), expected,
         node->parent != NULL ? " as " : "", json_path(node, path, sizeof path),
         json_show(node, found, sizeof found));
}

static Err want(const Json *object, const char *key, JsonKind kind, const Json **out)
{
    char where[JSON_WORDS], path[JSON_WORDS];

    if (object->kind != JSON_OBJECT)
        return not_as_wanted(object, "an object");
    *out = json_member(object, key);
    json_path(object, path, sizeof path);
    if (*out == NULL)
        FAIL(ERR_DATA, "%s: expected the key \"%s%s%s\", which is missing",
             json_where(object, where, sizeof where), path, path[0] != 0 ? "." : "", key);
    if ((*out)->kind != kind)
        return not_as_wanted(*out, json_kind_name(kind));
    return OK;
}

Err json_want_text(const Json *object, const char *key, const char **out)
{
    const Json *node;

    TRY(want(object, key, JSON_TEXT, &node));
    *out = node->text;
    return OK;
}

Err json_want_array(const Json *object, const char *key, const Json **out)
{
    TRY(want(object, key, JSON_ARRAY, out));
    return OK;
}

Err json_want_object(const Json *object, const char *key, const Json **out)
{
    TRY(want(object, key, JSON_OBJECT, out));
    return OK;
}

Err json_i64(const Json *node, int64_t min, int64_t max, int64_t *out)
{
    char expected[128];

    snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, min, max);
    if (node->kind != JSON_NUMBER || !(fabs(node->number) <= WHOLE_MAX) ||
        floor(node->number) != node->number || (int64_t)node->number < min ||
        (int64_t)node->number > max)
        return not_as_wanted(node, expected);
    *out = (int64_t)node->number;
    return OK;
}

Err json_want_i64(const Json *object, const char *key, int64_t min, int64_t max, int64_t *out)
{
    const Json *node;

    TRY(want(object, key, JSON_NUMBER, &node));
    TRY(json_i64(node, min, max, out));
    return OK;
}

Err json_want_f64(const Json *object, const char *key, double min, double max, double *out)
{
    const Json *node;
    char        expected[128];

    TRY(want(object, key, JSON_NUMBER, &node));
    snprintf(expected, sizeof expected, "a number from %.15g to %.15g", min, max);
    if (!(node->number >= min && node->number <= max))
        return not_as_wanted(node, expected);
    *out = node->number;
    return OK;
}

Err json_only(const Json *object, const char *const *known, int count)
{
    char path[JSON_WORDS], where[JSON_WORDS];

    for (const Json *m = object->child; m != NULL; m = m->next) {
        const char *near = text_nearest(m->key, known, count);
        int         found = 0;
        Json        key = *m;

        for (int i = 0; i < count && !found; i++)
            found = strcmp(known[i], m->key) == 0;
        if (found)
            continue;
        key.line = m->key_line;
        key.column = m->key_column;
        FAIL(ERR_CONFIG, "%s: unknown key \"%s\"%s%s%s", json_where(&key, where, sizeof where),
             json_path(m, path, sizeof path), near != NULL ? "; did you mean \"" : "",
             near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
    return OK;
}

// ---- writing

void json_write_number(Text *t, double value)
{
    char text[40];

    CHECK(isfinite(value), "JSON has no word for it");
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    if (fabs(value) <= WHOLE_MAX && floor(value) == value)
        snprintf(text, sizeof text, "%.0f", value);
    text_puts(t, text);
}

static void write_members(Text *t, const Json *node)
{
    text_add(t, node->kind == JSON_OBJECT ? "{" : "[", 1);
    for (const Json *m = node->child; m != NULL; m = m->next) {
        if (m != node->child)
            text_puts(t, ", ");
        if (node->kind == JSON_OBJECT) {
            text_json(t, m->key, (int64_t)strlen(m->key));
            text_puts(t, ": ");
        }
        json_write(t, m);
    }
    text_add(t, node->kind == JSON_OBJECT ? "}" : "]", 1);
}

void json_write(Text *t, const Json *node)
{
    switch (node->kind) {
    case JSON_NUMBER: json_write_number(t, node->number); break;
    case JSON_TEXT: text_json(t, node->text, node->length); break;
    case JSON_ARRAY:
    case JSON_OBJECT: write_members(t, node); break;
    default: text_puts(t, json_kind_name(node->kind));
    }
}
