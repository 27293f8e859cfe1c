#include "datagen/steps/keys.h"

#include <inttypes.h>
#include <string.h>

#define WHERE(json) json_where((json), (char[JSON_WORDS]){0}, JSON_WORDS)

Err keys_check(const Json *json, const char *by, int way, const Key *list)
{
    for (const Key *p = list; p->key != NULL; p++) {
        const Json *found = json_member(json, p->key);

        if (found != NULL && (p->takes >> way & 1) == 0)
            FAIL(ERR_CONFIG, "%s: \"%s\" has no meaning by %s: leave it out", WHERE(found), p->key,
                 by);
        if (found == NULL && (p->needs >> way & 1) != 0)
            FAIL(ERR_CONFIG, "%s: by %s needs \"%s\"", WHERE(json), by, p->key);
    }
    return OK;
}

Err keys_texts(Arena *arena, const Json *list, int most, const char ***out, int *count)
{
    if (list->kind != JSON_ARRAY || list->length < 1 || list->length > most)
        FAIL(ERR_CONFIG, "%s: a list of 1 to %d texts is expected, found %s", WHERE(list), most,
             json_show(list, (char[JSON_WORDS]){0}, JSON_WORDS));
    *out = arena_new(arena, const char *, list->length);
    *count = 0;
    for (const Json *m = list->child; m != NULL; m = m->next) {
        if (m->kind != JSON_TEXT || m->length == 0)
            FAIL(ERR_CONFIG, "%s: a text that is not empty is expected, found %s", WHERE(m),
                 json_show(m, (char[JSON_WORDS]){0}, JSON_WORDS));
        (*out)[(*count)++] = m->text;
    }
    return OK;
}

Err keys_choice(const Json *json, const char *choices, int *out)
{
    const char *at = choices;

    if (json->kind == JSON_TEXT && json->length > 0)
        for (*out = 0;; ++*out, at++) {
            size_t n = strcspn(at, "|");

            if (n == (size_t)json->length && memcmp(at, json->text, n) == 0)
                return OK;
            at += n;
            if (*at == 0)
                break;
        }
    FAIL(ERR_CONFIG, "%s: one of %s is expected, found %s", WHERE(json), choices,
         json_show(json, (char[JSON_WORDS]){0}, JSON_WORDS));
}
