// keys.h -- which parameters of a step belong to which of its ways of working ("by").
#ifndef TD_DATAGEN_KEYS_H
#define TD_DATAGEN_KEYS_H

#include "io/json.h"

typedef struct Key {
    const char *key;
    unsigned    takes; // bits 1 << way: may stand there
    unsigned    needs; // bits 1 << way: has to
} Key;

// ERR_CONFIG naming the parameter that does not belong to `way` or is missing.  Parameters that the
// list (ended by a row with key NULL) does not name may always stand.
Err keys_check(const Json *json, const char *by, int way, const Key *list);

// A list of texts, none of them empty: pointers into the tree, in `arena`.  ERR_CONFIG.
Err keys_texts(Arena *arena, const Json *list, int most, const char ***out, int *count);

// Place of a text in the list of choices "a|b|c".  ERR_CONFIG naming them.
Err keys_choice(const Json *json, const char *choices, int *out);

#endif
