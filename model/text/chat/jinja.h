// jinja.h -- chat templates: the part of the Jinja language that models' templates use.
//
// A template is a stranger's program.  It sees the given variables and nothing else, cannot change
// them, and is bounded in steps, memory, output and depth: whatever it says, it ends within a
// moment, in a text or in an error.  Behaviour is that of Jinja 3 as chat templates are run: blocks
// trim the newline behind them and the blanks before them, {% break %} and {% continue %} exist,
// methods that change lists and dicts do not, {% generation %} marks what the model itself writes,
// and values print as Python prints them.  Not there: include, extends, import, block, call, filter
// blocks, recursive loops, escaping by itself.
#ifndef TD_MODEL_TEXT_CHAT_JINJA_H
#define TD_MODEL_TEXT_CHAT_JINJA_H

#include "base/arena.h"
#include "base/err.h"
#include "io/json.h"

#include <stdint.h>

enum {
    JINJA_TEMPLATE_BYTES_MAX = 1 << 20,
    JINJA_OUTPUT_BYTES_MAX = 8 << 20,
    JINJA_STEPS_MAX = 2000000, // values computed, and 64 bytes of text handled
    JINJA_MEMORY_MAX = 96 << 20,
    JINJA_RANGE_MAX = 100000,
    JINJA_LIST_MAX = 1 << 20, // members of one list or dict
    JINJA_DEPTH_MAX = 1000,   // expressions, blocks and macros inside of each other while rendering
    JINJA_NEST_MAX = 400,     // the same in the text of a template
    // Enough in an arena for any rendering, with the growth of its output.
    JINJA_ARENA_BYTES = JINJA_MEMORY_MAX + (1 << 20)
};

typedef enum JinjaKind {
    JINJA_UNDEFINED,
    JINJA_NONE,
    JINJA_BOOL,
    JINJA_INT,
    JINJA_FLOAT,
    JINJA_STRING,
    JINJA_LIST,
    JINJA_DICT,
    JINJA_NAMESPACE,
    JINJA_MACRO,
    JINJA_FUNCTION,
    JINJA_METHOD,
    JINJA_LOOP,
    JINJA_TIME // the variable strftime_now: a call formats this time
} JinjaKind;

typedef struct JinjaList JinjaList;
typedef struct JinjaDict JinjaDict;

typedef struct JinjaValue {
    JinjaKind kind;
    int       sub; // which list (JinjaListKind); which undefined; else 0
    union {
        int64_t     number; // bool, int; time: seconds since 1970 began, of the calendar to show
        double      real;
        const char *text; // string: `length` bytes of UTF-8; undefined: the name that was asked
        JinjaList  *list;
        JinjaDict  *dict; // dict and namespace
        const void *thing;
    };
    int64_t length;
} JinjaValue;

// Variables are put together in an arena by the caller.
JinjaValue jinja_none(void);
JinjaValue jinja_bool(int yes);
JinjaValue jinja_int(int64_t number);
JinjaValue jinja_string(const char *text); // borrowed
JinjaValue jinja_string_n(const char *text, int64_t length);
JinjaValue jinja_time(int64_t seconds);
JinjaValue jinja_dict(Arena *arena); // empty
void       jinja_put(Arena *arena, JinjaValue *dict, const char *key, JinjaValue value);
JinjaValue jinja_list(Arena *arena); // empty
void       jinja_add(Arena *arena, JinjaValue *list, JinjaValue value);
// Texts are borrowed from the tree.  ERR_DATA: an integer beyond 2^53, of which JSON lost digits.
Err jinja_from_json(Arena *arena, const Json *node, JinjaValue *out);

typedef struct Jinja Jinja;

// `name` goes into messages.  ERR_DATA with name, line and column, what was expected, what was
// found.  text may go afterwards.
Err jinja_compile(Arena *run, const char *name, const char *text, int64_t length, Jinja **out);
// Whether the template has {% generation %} blocks.
int jinja_has_generation(const Jinja *t);

typedef struct JinjaSpan { // bytes [begin, end) of the output
    int64_t begin, end;
} JinjaSpan;

typedef struct JinjaOutput {
    const char *text; // in the arena, with a zero byte behind it
    int64_t     length;
    JinjaSpan  *span; // of the {% generation %} blocks, in order
    int64_t     spans;
} JinjaOutput;

// `variables` is a dict.  ERR_DATA with name, line and column: what the template raises by
// raise_exception, what is undefined, what has the wrong type, and limits that are exceeded.
Err jinja_render(const Jinja *t, Arena *arena, const JinjaValue *variables, JinjaOutput *out);

#endif
