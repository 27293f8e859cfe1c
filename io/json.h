// json.h -- the only door to cJSON: JSON texts in, trees that know where they stand.
//
// `//` and `/* */` comments are blanked before parsing, keeping line and column.  Strict: duplicate
// keys, numbers that are not finite or that JSON does not allow (01, 1., +1), raw control
// characters, invalid UTF-8, \u0000 and anything behind the end are errors.  Every failure says
// "file:line:column: what was expected, what was found".
#ifndef TD_IO_JSON_H
#define TD_IO_JSON_H

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

#include <stdint.h>

typedef enum JsonKind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_TEXT,
    JSON_ARRAY,
    JSON_OBJECT
} JsonKind;

typedef struct Json {
    JsonKind           kind;
    const char        *key; // NULL outside objects
    double             number;
    int                is_real;      // a number written with a point or an exponent
    const char        *text;         // JSON_TEXT; without zero bytes inside
    int64_t            length;       // bytes of text; members of an array or object
    struct Json       *child;        // first member
    struct Json       *next;         // next member of the same array or object
    const struct Json *parent;       // the array or object around it, NULL for the root
    const char        *file;         // for messages; shared by the tree
    int                line, column; // of the value, from 1, in characters; 0: it stands in no file
    int                key_line, key_column;
} Json;

enum { JSON_BYTES_MAX = 64 << 20, JSON_DEPTH_MAX = 64 };

// The tree lives in `arena`, texts included: `text` may go.  ERR_DATA with the position, also when
// the arena has no room for the tree; the arena is then as it was.  Recommended: JSON_NO_COMMENTS
// for data lines, JSON_COMMENTS for config files.
typedef enum JsonComments { JSON_NO_COMMENTS, JSON_COMMENTS } JsonComments;
Err json_parse(Arena *arena, const char *file, const char *text, int64_t length,
               JsonComments comments, const Json **root);
Err json_read(Arena *arena, const char *path, JsonComments comments, const Json **root);

const Json *json_member(const Json *object, const char *key); // NULL if absent; exact case
const char *json_kind_name(JsonKind kind);

// Typed getters of a member that must be there; messages name the full key and position.
Err json_want_text(const Json *object, const char *key, const char **out);
Err json_want_i64(const Json *object, const char *key, int64_t min, int64_t max, int64_t *out);
Err json_want_f64(const Json *object, const char *key, double min, double max, double *out);
Err json_want_array(const Json *object, const char *key, const Json **out);
Err json_want_object(const Json *object, const char *key, const Json **out);
// A number that is a whole number within bounds.
Err json_i64(const Json *node, int64_t min, int64_t max, int64_t *out);

// For messages, each in a buffer of the caller's, which is returned: "file:line:column" of a node
// (of its value; the file alone if the line is 0), its full key "a.b[2].c" ("" for the root), and
// its value in a few words.
enum { JSON_WORDS = 512 };
const char *json_where(const Json *node, char *buffer, int64_t size);
const char *json_path(const Json *node, char *buffer, int64_t size);
const char *json_show(const Json *node, char *buffer, int64_t size);

// Fails for the first member of `object` that is not among `known`, naming the nearest known key.
// ERR_CONFIG.
Err json_only(const Json *object, const char *const *known, int count);

// The tree as text on one line, keys in their order; numbers with as many digits as they need to
// read back the same, at most 17.
void json_write(Text *t, const Json *node);
void json_write_number(Text *t, double value);

#endif
