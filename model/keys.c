#include "model/keys.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const Json *keys_find(const Json *object, const char *key)
{
    const Json *node = json_member(object, key);

    return node == NULL || node->kind == JSON_NULL ? NULL : node;
}

const char *keys_found(const Json *node, char *buffer, size_t size)
{
    if (node->kind == JSON_NUMBER)
        snprintf(buffer, size, "%.17g", node->number);
    else if (node->kind == JSON_TEXT)
        snprintf(buffer, size, "\"%.80s\"", node->text);
    else
        snprintf(buffer, size, "%s", json_kind_name(node->kind));
    return buffer;
}

Err keys_size(const Json *object, const char *key, int64_t max, int64_t standard, int64_t *out)
{
    const Json *node = keys_find(object, key);
    char        where[KEYS_WHERE], what[KEYS_WHAT];

    *out = standard;
    if (node == NULL && standard > 0)
        return OK;
    if (node == NULL)
        FAIL(ERR_CONFIG,
             "%s: the model config has no \"%s\"; expected a whole number of 1 to %" PRId64,
             json_where(object, where, sizeof where), key, max);
    if (node->kind != JSON_NUMBER || node->number != floor(node->number) || node->number < 1 ||
        node->number > (double)max)
        FAIL(ERR_CONFIG, "%s: \"%s\" must be a whole number of 1 to %" PRId64 "; found %s",
             json_where(node, where, sizeof where), key, max, keys_found(node, what, sizeof what));
    *out = (int64_t)node->number;
    return OK;
}

Err keys_int(const Json *object, const char *key, int max, int standard, int *out)
{
    int64_t wide;

    TRY(keys_size(object, key, max, standard, &wide));
    *out = (int)wide;
    return OK;
}

Err keys_real(const Json *object, const char *key, double min, double max, double standard,
              double *out)
{
    const Json *node = keys_find(object, key);
    char        where[KEYS_WHERE], what[KEYS_WHAT];

    *out = standard;
    if (node == NULL)
        return OK;
    if (node->kind != JSON_NUMBER || !(node->number >= min && node->number <= max))
        FAIL(ERR_CONFIG, "%s: \"%s\" must be a number of %g to %g; found %s",
             json_where(node, where, sizeof where), key, min, max,
             keys_found(node, what, sizeof what));
    *out = node->number;
    return OK;
}

Err keys_yes(const Json *object, const char *key, int standard, int *out)
{
    const Json *node = keys_find(object, key);
    char        where[KEYS_WHERE], what[KEYS_WHAT];

    *out = standard;
    if (node == NULL)
        return OK;
    if (node->kind != JSON_TRUE && node->kind != JSON_FALSE)
        FAIL(ERR_CONFIG, "%s: \"%s\" must be true or false; found %s",
             json_where(node, where, sizeof where), key, keys_found(node, what, sizeof what));
    *out = node->kind == JSON_TRUE;
    return OK;
}

Err keys_text(const Json *object, const char *key, const char **out)
{
    const Json *node = keys_find(object, key);
    char        where[KEYS_WHERE], what[KEYS_WHAT];

    *out = NULL;
    if (node == NULL)
        return OK;
    if (node->kind != JSON_TEXT)
        FAIL(ERR_CONFIG, "%s: \"%s\" must be a text; found %s",
             json_where(node, where, sizeof where), key, keys_found(node, what, sizeof what));
    *out = node->text;
    return OK;
}

Err keys_want_yes(const Json *object, const char *key, int wanted)
{
    const Json *node = keys_find(object, key);
    char        where[KEYS_WHERE];
    int         found;

    TRY(keys_yes(object, key, wanted, &found));
    if (found != wanted)
        FAIL(ERR_CONFIG, "%s: \"%s\" is %s; only models with %s are supported",
             json_where(node, where, sizeof where), key, found ? "true" : "false",
             wanted ? "true" : "false");
    return OK;
}

Err keys_want_absent(const Json *object, const char *key, const char *what)
{
    const Json *node = keys_find(object, key);
    char        where[KEYS_WHERE];

    if (node != NULL)
        FAIL(ERR_CONFIG, "%s: \"%s\" is given, but %s is not supported; use a model without it",
             json_where(node, where, sizeof where), key, what);
    return OK;
}
