// jinja_private.h -- what the files of the template language share.
#ifndef TD_MODEL_TEXT_CHAT_JINJA_PRIVATE_H
#define TD_MODEL_TEXT_CHAT_JINJA_PRIVATE_H

#include "base/unitext.h"
#include "model/text/chat/jinja.h"

// ---- memory: many small things, from blocks of an arena, up to a limit

typedef struct JinjaPool {
    Arena  *arena;
    char   *at, *end; // of the block in use
    int64_t used, max;
} JinjaPool;

// Zeroed, aligned to 8; NULL where the limit or the arena is reached.
void *jinja_push(JinjaPool *p, int64_t bytes);

// ---- words of a template

typedef enum JinjaTokenKind {
    TOKEN_DATA,
    TOKEN_VARIABLE_BEGIN,
    TOKEN_VARIABLE_END,
    TOKEN_BLOCK_BEGIN,
    TOKEN_BLOCK_END,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_INT,
    TOKEN_FLOAT,
    TOKEN_SIGN, // one or two characters, in `sign`
    TOKEN_END
} JinjaTokenKind;

enum { // signs of two characters; the others are their character
    SIGN_FLOOR = 256,
    SIGN_POWER,
    SIGN_EQUAL,
    SIGN_UNEQUAL,
    SIGN_AT_LEAST,
    SIGN_AT_MOST
};

typedef struct JinjaToken {
    JinjaTokenKind kind;
    int            sign;
    int            line, column;
    const char    *text; // data, name, or string with its escapes resolved
    int64_t        length;
    int64_t        number;
    double         real;
} JinjaToken;

typedef struct JinjaTokens {
    JinjaToken *token; // ended by TOKEN_END
    int64_t     count;
} JinjaTokens;

Err  jinja_lex(JinjaPool *pool, const char *name, const char *text, int64_t length,
               JinjaTokens *out);
void jinja_show_token(const JinjaToken *t, char *out, int64_t size);

// ---- the tree

typedef enum JinjaNodeKind {
    NODE_DATA,
    NODE_PRINT,      // a
    NODE_IF,         // a: branches
    NODE_BRANCH,     // a: condition, NULL for else; body
    NODE_FOR,        // a: target, b: what, c: condition; body, other
    NODE_SET,        // a: target, b
    NODE_SET_BLOCK,  // a: target, b: filters upon NODE_CAPTURED; body
    NODE_MACRO,      // text; a: NODE_PARAMETERs; body
    NODE_WITH,       // a: NODE_SETs; body
    NODE_GENERATION, // body
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_PARAMETER, // text; a: default or NULL
    NODE_CONST,
    NODE_NAME,
    NODE_TUPLE, // a: members
    NODE_LIST,
    NODE_DICT,   // a: NODE_PAIRs
    NODE_PAIR,   // a, b
    NODE_ATTR,   // a . text
    NODE_ITEM,   // a [b]
    NODE_SLICE,  // a [b : c : body]
    NODE_CALL,   // a (arguments in b)
    NODE_NAMED,  // text = a, among arguments
    NODE_SPREAD, // *a or, by its sign, **a among arguments
    NODE_FILTER,
    NODE_TEST,
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_MINUS,
    NODE_PLUS,
    NODE_BINARY,  // a sign b
    NODE_JOIN,    // a ~ b
    NODE_COMPARE, // a, then NODE_STEPs in b
    NODE_STEP,    // sign a
    NODE_CHOICE,  // a if b else c
    NODE_CAPTURED
} JinjaNodeKind;

enum { SIGN_IN = 300, SIGN_NOT_IN };

typedef struct JinjaNode {
    JinjaNodeKind     kind;
    int               sign;
    int               line, column;
    const char       *text;
    int64_t           length;
    JinjaValue        value; // NODE_CONST
    struct JinjaNode *a, *b, *c, *body, *other;
    const void       *row;  // of the table of filters or tests
    struct JinjaNode *next; // in a list
} JinjaNode;

struct Jinja {
    const char *name;
    JinjaNode  *body;
    int         has_generation;
};

typedef struct JinjaParser {
    JinjaPool        *pool;
    const char       *name;
    const JinjaToken *at;
    int               depth;      // of the recursion
    int               loops;      // around the place
    int               captures;   // macros and block sets around it
    int               generation; // seen
} JinjaParser;

Err jinja_parse_tree(JinjaParser *p, JinjaNode **out);
// Expressions.  A tuple may stand without brackets; TUPLE_PLAIN: no "if ... else" outside brackets.
typedef enum JinjaTupleKind { TUPLE_WHOLE, TUPLE_PLAIN } JinjaTupleKind;
Err jinja_parse_expression(JinjaParser *p, JinjaNode **out);
Err jinja_parse_tuple(JinjaParser *p, JinjaTupleKind kind, JinjaNode **out);
Err jinja_parse_primary(JinjaParser *p, JinjaNode **out);
Err jinja_parse_filters(JinjaParser *p, JinjaNode *inner, JinjaNode **out);
Err jinja_parse_postfix(JinjaParser *p, JinjaNode *inner, JinjaNode **out);

Err jinja_node(JinjaParser *p, JinjaNodeKind kind, const JinjaToken *at, JinjaNode **out);
Err jinja_deeper(JinjaParser *p);
int jinja_is_name(const JinjaToken *t, const char *name);
int jinja_is_sign(const JinjaToken *t, int sign);
int jinja_skip_sign(JinjaParser *p, int sign);
int jinja_skip_name(JinjaParser *p, const char *name);
Err jinja_want_sign(JinjaParser *p, int sign, const char *where);
Err jinja_want_name(JinjaParser *p, const char *what, const JinjaToken **out);
Err jinja_wrong(const JinjaParser *p, const JinjaToken *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
Err jinja_expected(const JinjaParser *p, const char *what);

// ---- values

typedef enum JinjaListKind {
    LIST_LIST,
    LIST_TUPLE,
    LIST_RANGE,
    LIST_KEYS,
    LIST_VALUES,
    LIST_ITEMS,
    LIST_ONCE // what filters give lazily: no length, no index, gone after one walk
} JinjaListKind;

struct JinjaList {
    JinjaValue *item;
    int64_t     count, capacity;
    int64_t     start, stop, step; // of a range, to print it
};

typedef struct JinjaPair {
    JinjaValue key, value;
} JinjaPair;

struct JinjaDict {
    JinjaPair *pair; // in the order of their coming
    int64_t    count, capacity;
};

enum { // which undefined, with the kind of what had it above
    UNDEFINED_NAME,
    UNDEFINED_UNSAFE,
    UNDEFINED_ITEM,
    UNDEFINED_MISSING, // an argument or the like; text says it all
    UNDEFINED_ATTR     // + kind
};

typedef struct JinjaBuffer {
    char   *data;
    int64_t length, capacity;
} JinjaBuffer;

typedef struct JinjaVar {
    const char      *name;
    int64_t          length;
    JinjaValue       value;
    struct JinjaVar *next;
} JinjaVar;

typedef struct JinjaScope {
    struct JinjaScope *parent;
    JinjaVar          *first;
} JinjaScope;

typedef struct JinjaLoop {
    const JinjaValue *item;
    int64_t           count, index;
    JinjaValue        changed; // the last arguments of loop.changed, a list; undefined at first
} JinjaLoop;

typedef struct JinjaMacro {
    const JinjaNode *node;
    JinjaScope      *scope; // where it was defined
} JinjaMacro;

typedef struct JinjaMethod {
    JinjaValue             self;
    const struct JinjaRow *row;
} JinjaMethod;

typedef enum JinjaSignal { SIGNAL_NONE, SIGNAL_BREAK, SIGNAL_CONTINUE } JinjaSignal;

typedef struct JinjaRun {
    const Jinja      *t;
    JinjaPool         pool;
    int64_t           steps; // left
    int               depth;
    const JinjaNode  *at;  // for messages
    JinjaBuffer      *out; // where text goes
    JinjaBuffer       main;
    JinjaBuffer       spans; // of JinjaSpan
    int               inside_generation;
    JinjaScope       *scope;
    const JinjaValue *variables;
    JinjaSignal       signal;
    JinjaValue        captured;
} JinjaRun;

typedef struct JinjaCall { // evaluated arguments
    JinjaValue  *arg;
    int64_t      count;
    JinjaValue  *named;
    const char **name; // [names]
    int64_t     *name_length;
    int64_t      names;
} JinjaCall;

enum { JINJA_SLOTS = 4 };

typedef struct JinjaArgs { // arguments by parameter; NULL: not given
    const JinjaValue *slot[JINJA_SLOTS];
    const JinjaCall  *call; // as they came
} JinjaArgs;

typedef Err (*JinjaFunction)(JinjaRun *r, const JinjaValue *in, const JinjaArgs *a,
                             JinjaValue *out);

// A row of the tables of filters, tests and methods.  Parameters in order; the first "*": any.
typedef struct JinjaRow {
    const char   *name;
    JinjaFunction run;
    int           needed; // parameters without a default
    const char   *parameter[JINJA_SLOTS];
} JinjaRow;

const JinjaRow       *jinja_find_filter(const char *name, int64_t length);
const JinjaRow       *jinja_find_test(const char *name, int64_t length);
const JinjaRow       *jinja_find_method(const JinjaValue *self, const char *name, int64_t length);
const JinjaRow       *jinja_find_row(const JinjaRow *rows, const char *name, int64_t length);
const char           *jinja_near_filter(const char *name);
const char           *jinja_near_test(const char *name);
extern const JinjaRow JINJA_FILTERS[], JINJA_LIST_FILTERS[], JINJA_TESTS[], JINJA_TEXT_METHODS[],
    JINJA_SPLIT_METHODS[], JINJA_DICT_METHODS[], JINJA_LIST_METHODS[];
Err jinja_apply(JinjaRun *r, const char *what, const JinjaRow *row, const JinjaValue *in,
                const JinjaCall *call, JinjaValue *out);

// Failures while rendering stand at r->at.
Err jinja_fail(const JinjaRun *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
Err jinja_charge(JinjaRun *r, int64_t units);
Err jinja_charge_bytes(JinjaRun *r, int64_t bytes);
Err jinja_take(JinjaRun *r, int64_t bytes, void **out);
// Whatever an undefined value is used for but to print, to ask, or to compare it.
Err jinja_fail_undefined(const JinjaRun *r, const JinjaValue *v);

const char *jinja_kind_name(const JinjaValue *v);            // as Python's types are called
int         jinja_is(const JinjaValue *v, const char *text); // a string of these bytes
int         jinja_is_bytes(const char *a, int64_t a_length, const char *b, int64_t b_length);
JinjaValue  jinja_undefined(int sub, const char *name, int64_t length);
JinjaValue  jinja_float(double real);
int         jinja_truth(const JinjaValue *v);
int         jinja_is_number(const JinjaValue *v); // int, float or bool
double      jinja_real(const JinjaValue *v);
Err         jinja_equal(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, int *yes);
// -1, 0, 1.  Fails for values that have no order.
Err jinja_order(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, int *order);
Err jinja_contains(JinjaRun *r, const JinjaValue *whole, const JinjaValue *part, int *yes);

Err               jinja_list_make(JinjaRun *r, JinjaListKind kind, int64_t room, JinjaValue *out);
Err               jinja_list_add(JinjaRun *r, JinjaValue *list, JinjaValue item);
Err               jinja_dict_make(JinjaRun *r, JinjaValue *out);
Err               jinja_dict_put(JinjaRun *r, JinjaValue *dict, JinjaValue key, JinjaValue value);
const JinjaValue *jinja_dict_get(const JinjaDict *d, const char *key, int64_t length);
Err jinja_dict_find(JinjaRun *r, const JinjaDict *d, const JinjaValue *key, JinjaPair **out);
// The members of anything that can be walked; a lazy list is empty afterwards.
Err jinja_walk(JinjaRun *r, const JinjaValue *v, const JinjaValue **item, int64_t *count);
Err jinja_length(JinjaRun *r, const JinjaValue *v, int64_t *out);
Err jinja_attr(JinjaRun *r, const JinjaValue *v, const char *name, int64_t length, JinjaValue *out);
Err jinja_item(JinjaRun *r, const JinjaValue *v, const JinjaValue *key, JinjaValue *out);
Err jinja_slice(JinjaRun *r, const JinjaValue *v, const JinjaValue bound[3], JinjaValue *out);

// ---- text

Err        jinja_add_text(JinjaRun *r, JinjaBuffer *b, const char *text, int64_t length);
Err        jinja_add_words(JinjaRun *r, JinjaBuffer *b, const char *text);
JinjaValue jinja_buffer_value(const JinjaBuffer *b);
Err        jinja_print(JinjaRun *r, JinjaBuffer *b, const JinjaValue *v); // Python's str
Err        jinja_repr(JinjaRun *r, JinjaBuffer *b, const JinjaValue *v);
// str(v) as a value; a string is itself.
Err jinja_text_of(JinjaRun *r, const JinjaValue *v, JinjaValue *out);
enum { JINJA_FLOAT_BYTES = 40 };
void jinja_show_float(double x, char out[JINJA_FLOAT_BYTES]);
Err  jinja_to_json(JinjaRun *r, const JinjaValue *in, const JinjaArgs *a, JinjaValue *out);
Err  jinja_percent(JinjaRun *r, const JinjaValue *format, const JinjaValue *args, JinjaValue *out);
Err  jinja_braces(JinjaRun *r, const JinjaValue *format, const JinjaCall *call, JinjaValue *out);
Err  jinja_strftime(JinjaRun *r, int64_t seconds, const JinjaValue *format, JinjaValue *out);

int64_t jinja_points(const char *text, int64_t length);      // characters
int     jinja_point_bytes(const char *text, int64_t length); // of the first; 1 if it is not UTF-8
int64_t jinja_point_at(const char *text, int64_t length, int64_t index); // byte of a character
int64_t jinja_find(const char *text, int64_t length, const char *what, int64_t what_length);
// Where the last `what`, which is not empty, before byte `end` begins; -1: nowhere.
Err jinja_find_last(JinjaRun *r, const JinjaValue *v, int64_t end, const JinjaValue *what,
                    int64_t *out);
// Fails for arguments of another kind; an integer that is not given (NULL) is `standard`.
Err jinja_want_text(JinjaRun *r, const JinjaValue *v, const char *what);
Err jinja_want_int(JinjaRun *r, const JinjaValue *v, const char *what, int64_t standard,
                   int64_t *out);
enum { STRIP_BEGIN = 1, STRIP_END = 2 };
// Without the characters of `set` (NULL: white space) at its ends.
JinjaValue jinja_strip(const JinjaValue *v, const JinjaValue *set, int ends);
// The same for a set that a template gives.
Err     jinja_strip_set(JinjaRun *r, const JinjaValue *v, const JinjaValue *set, int ends,
                        JinjaValue *out);
int32_t jinja_point(const char *text, int64_t length, int *bytes); // -1: not UTF-8
// CASE_TITLE: the first of every run of letters; CASE_WORDS: of what stands behind blanks, "-" and
// opening brackets, as the filter title does.
typedef enum JinjaCase { CASE_UPPER, CASE_LOWER, CASE_CAPITAL, CASE_TITLE, CASE_WORDS } JinjaCase;
Err jinja_case(JinjaRun *r, const JinjaValue *v, JinjaCase how, JinjaValue *out);

// ---- running

Err jinja_eval(JinjaRun *r, const JinjaNode *n, JinjaValue *out);
Err jinja_run_body(JinjaRun *r, const JinjaNode *first);
Err jinja_enter(JinjaRun *r); // one level deeper; r->depth-- when it is left
Err jinja_call(JinjaRun *r, const JinjaValue *f, const JinjaCall *call, JinjaValue *out);
Err jinja_set_var(JinjaRun *r, const char *name, int64_t length, JinjaValue value);
Err jinja_get_var(JinjaRun *r, const char *name, int64_t length, JinjaValue *out);
Err jinja_push_scope(JinjaRun *r);
Err jinja_binary(JinjaRun *r, int sign, const JinjaValue *a, const JinjaValue *b, JinjaValue *out);
Err jinja_concat(JinjaRun *r, const JinjaValue *a, const JinjaValue *b, JinjaValue *out);

#endif
