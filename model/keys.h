// keys.h -- one key of a model config at a time, with a message that says what was expected.
//
// A key that is absent or null takes the standard value.  All fail with ERR_CONFIG, naming place,
// key, found, expected.
#ifndef TD_MODEL_KEYS_H
#define TD_MODEL_KEYS_H

#include "base/err.h"
#include "io/json.h"

#include <stddef.h>
#include <stdint.h>

enum { KEYS_WHERE = 512, KEYS_WHAT = 128 }; // room for a place, for what was found

// NULL where the key is absent or null.
const Json *keys_find(const Json *object, const char *key);
// What a node holds, for messages: its number, its text, or the name of its kind.
const char *keys_found(const Json *node, char *buffer, size_t size);

// A whole number of 1 to max; standard 0: the key must be there.
Err keys_size(const Json *object, const char *key, int64_t max, int64_t standard, int64_t *out);
Err keys_int(const Json *object, const char *key, int max, int standard, int *out);
Err keys_real(const Json *object, const char *key, double min, double max, double standard,
              double *out);
Err keys_yes(const Json *object, const char *key, int standard, int *out);
// NULL where it is not there.
Err keys_text(const Json *object, const char *key, const char **out);

// A switch that must stand where the network has it.
Err keys_want_yes(const Json *object, const char *key, int wanted);
// A key that would change the computation, whatever its value.
Err keys_want_absent(const Json *object, const char *key, const char *what);

#endif
