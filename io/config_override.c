#include "io/config.h"

#include <stdio.h>
#include <string.h>

static const char COMMAND_LINE[] = "command line";

// A copy that may be changed; texts are shared.  `file` NULL: positions are those of the original.
static Json *copy_tree(Arena *arena, const Json *from, const Json *parent, const char *file)
{
    Json *copy = arena_new(arena, Json, 1), **link = &copy->child;

    *copy = *from;
    copy->parent = parent;
    copy->child = copy->next = NULL;
    if (file != NULL) {
        copy->file = file;
        copy->line = copy->column = copy->key_line = copy->key_column = 0;
    }
    for (const Json *m = from->child; m != NULL; m = m->next) {
        *link = copy_tree(arena, m, copy, file);
        link = &(*link)->next;
    }
    return copy;
}

static Json *empty_object(Arena *arena, const Json *parent)
{
    Json *object = arena_new(arena, Json, 1);

    object->kind = JSON_OBJECT;
    object->parent = parent;
    object->file = COMMAND_LINE;
    return object;
}

// The place in `object` that leads to its member `key`: the last link if there is none.
static Json **member_link(Json *object, const char *key)
{
    Json **link = &object->child;

    while (*link != NULL && strcmp((*link)->key, key) != 0)
        link = &(*link)->next;
    return link;
}

// Puts `value` in place of the member `key`, or behind the last.
static void put_member(Json *object, const char *key, Json *value)
{
    Json **link = member_link(object, key);

    value->key = key;
    value->parent = object;
    value->next = *link != NULL ? (*link)->next : NULL;
    object->length += *link == NULL;
    *link = value;
}

// JSON if it is that, else the text itself.
static Json *value_of(Arena *arena, const char *text)
{
    const Json *root;
    Json       *value;

    if (json_parse(arena, COMMAND_LINE, text, (int64_t)strlen(text), JSON_NO_COMMENTS, &root) == OK)
        return copy_tree(arena, root, NULL, COMMAND_LINE);
    err_forget();
    value = arena_new(arena, Json, 1);
    value->kind = JSON_TEXT;
    value->text = arena_text(arena, text);
    value->length = (int64_t)strlen(text);
    value->file = COMMAND_LINE;
    return value;
}

// The object of the next word of a key, made if it is not there yet.
static Err step_into(Arena *arena, const char *override, Json **object, const char *word)
{
    Json *inner = *member_link(*object, word);

    if (inner == NULL) {
        inner = empty_object(arena, *object);
        put_member(*object, word, inner);
    }
    if (inner->kind != JSON_OBJECT)
        FAIL(ERR_USAGE, "override \"%s\": \"%s\" holds %s, not an object with keys of its own",
             override, word, json_kind_name(inner->kind));
    *object = inner;
    return OK;
}

static Err apply(Arena *arena, Json *root, const char *override)
{
    const char *equals = strchr(override, '=');
    char       *rest, *word;
    Json       *object = root;
    int         depth = 0;

    if (equals == NULL || equals == override)
        FAIL(ERR_USAGE, "override \"%s\": expected key=value, such as loop.steps=200", override);
    if (text_utf8_bad(override, (int64_t)strlen(override)) >= 0)
        FAIL(ERR_USAGE, "override \"%s\": expected UTF-8", override);
    rest = arena_text_n(arena, override, equals - override);
    for (word = strsep(&rest, "."); rest != NULL; word = strsep(&rest, ".")) {
        if (*word == 0 || ++depth >= JSON_DEPTH_MAX)
            FAIL(ERR_USAGE, "override \"%s\": expected words with dots between them before '='",
                 override);
        TRY(step_into(arena, override, &object, word));
    }
    if (*word == 0)
        FAIL(ERR_USAGE, "override \"%s\": expected a key after the last dot", override);
    put_member(object, word, value_of(arena, equals + 1));
    return OK;
}

Err config_override(Arena *arena, const Json *root, const char *const *overrides, int count,
                    const Json **out)
{
    Json *copy;

    if (root != NULL && root->kind != JSON_OBJECT)
        FAIL(ERR_USAGE, "overrides such as \"%s\" need an object { ... } in %s",
             count > 0 ? overrides[0] : "", root->file);
    copy = root != NULL ? copy_tree(arena, root, NULL, NULL) : empty_object(arena, NULL);
    for (int i = 0; i < count; i++)
        TRY(apply(arena, copy, overrides[i]));
    *out = copy;
    return OK;
}

int config_is_override(const Json *node)
{
    return node->line == 0 && strcmp(node->file, COMMAND_LINE) == 0;
}
