// config.h -- one table per struct: parsing, bounds, defaults, help and what is written to outputs.
//
// A table row binds a key to a field of a struct.  Unknown keys, duplicates, wrong types and
// numbers out of bounds are errors that say file:line:column, the full key, the nearest known key,
// the bounds and what was found.
#ifndef TD_IO_CONFIG_H
#define TD_IO_CONFIG_H

#include "base/arena.h"
#include "base/text.h"
#include "io/json.h"

#include <stddef.h>
#include <stdint.h>

typedef enum ConfigKind {
    CONFIG_INT,   // int64_t
    CONFIG_FLOAT, // double
    CONFIG_TEXT,  // const char *
    CONFIG_YESNO, // int; true or false in JSON and as default
    CONFIG_ENUM,  // int; `choices` names the values 0, 1, ... as "a|b|c"
    CONFIG_JSON,  // const Json *: any value, taken as it is (NULL if absent)
    CONFIG_TABLE  // a nested struct with a table of its own
} ConfigKind;

typedef struct ConfigField {
    const char *key;
    ConfigKind  kind;
    size_t      offset;                 // of the field in the struct
    const char *standard;               // default as text (CONFIG_JSON: "" is NULL); NULL: the key
                                        // is required.  Tables: no meaning, their rows have theirs
    double                    min, max; // of numbers; min == max: any
    const char               *choices;  // CONFIG_ENUM
    const struct ConfigField *table;    // CONFIG_TABLE; ended by a row with key NULL
    const char               *help;     // one sentence
} ConfigField;

// Applies overrides "a.b.c=value" to the tree (values are read as JSON, else taken as text) before
// it is read; objects on the way are made.  The result is a new tree in `arena`; root may be NULL.
// ERR_USAGE names the override.
Err config_override(Arena *arena, const Json *root, const char *const *overrides, int count,
                    const Json **out);

// Whether a value of such a tree was given as an override.
int config_is_override(const Json *node);

// Fills `out` (a struct) from `root` (an object, or NULL for all defaults) by `table`.  Texts and
// trees stay in the arena of `root`.  "$schema" may stand at the top of a file.  ERR_CONFIG.
Err config_read(Arena *arena, const Json *root, const ConfigField *table, void *out);

// The struct as JSON again, on one line, every key with its value (but CONFIG_JSON that are NULL).
// config_defaults lists the full names of keys that were not given, one per line.
void config_write(Text *t, const ConfigField *table, const void *in);
void config_defaults(Text *t, const Json *root, const ConfigField *table);

// The reference: every key, type, bounds, default, help; for --help and the docs.
void config_help(Text *t, const ConfigField *table);
// JSON Schema (2020-12) of the table, for editors.
void config_schema(Text *t, const ConfigField *table);

#endif
