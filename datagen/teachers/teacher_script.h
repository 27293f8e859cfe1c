// teacher_script.h -- the answers of the scripted teacher: docs/scripted-teacher.md in C.
//
// teacher_scripted.c hands out slots and knows the configuration; teacher_script.c turns a prompt
// into an answer; teacher_script_grammar.c makes the pieces that several kinds of prompts use;
// teacher_script_words.c has the words.  An answer depends on the prompt, the random key of the
// request and the knobs alone.
#ifndef TD_DATAGEN_TEACHER_SCRIPT_H
#define TD_DATAGEN_TEACHER_SCRIPT_H

#include "base/arena.h"
#include "base/text.h"
#include "datagen/teachers/teacher.h"

#include <stdint.h>

typedef enum ScriptFault {
    SCRIPT_LENGTH,
    SCRIPT_MISSING,
    SCRIPT_DUPLICATE,
    SCRIPT_WRONG_NUMBER,
    SCRIPT_REFUSAL,
    SCRIPT_STOP_IN_TEXT,
    SCRIPT_ODD,
    SCRIPT_EMPTY,
    SCRIPT_EQUAL,
    SCRIPT_HTTP_429,
    SCRIPT_HTTP_500,
    SCRIPT_TIMEOUT,
    SCRIPT_FAULTS
} ScriptFault;

typedef struct ScriptKnobs {
    uint64_t seed;
    int64_t  retries;            // attempts per request
    int64_t  ppm[SCRIPT_FAULTS]; // probabilities in parts per million
} ScriptKnobs;

typedef struct ScriptBytes { // a piece of some text
    const char *data;
    int64_t     length;
} ScriptBytes;

typedef struct ScriptPrompt { // one request
    Arena             *arena; // for all that is made of it
    const ScriptKnobs *knobs;
    ScriptBytes        text;
    uint64_t           key; // of its random numbers
} ScriptPrompt;

typedef struct ScriptAnswer {
    TeacherEnd  end;
    ScriptBytes text;
    const char *why;                                 // if it failed
    int64_t     again_429, again_500, again_timeout; // failed attempts that others followed
} ScriptAnswer;

// The answer to a prompt with the random key `stream`, cut before the first of the stop texts.
ScriptAnswer script_answer(Arena *arena, const ScriptKnobs *knobs, ScriptBytes prompt,
                           uint64_t stream, const char *const *stop, int stops);

// The text of an answer without faults of the whole, by the shape of the prompt.
Text script_answer_shape(const ScriptPrompt *p);

// ---- random numbers

enum {
    SCRIPT_CHANNEL_WHOLE,
    SCRIPT_CHANNEL_ATTEMPTS,
    SCRIPT_CHANNEL_FAULTS,
    SCRIPT_CHANNEL_ITEMS = 16
};

uint64_t script_mix(uint64_t x);
uint64_t script_key(ScriptBytes prompt, uint64_t seed, uint64_t stream);
// An integer 0 .. n-1 at a place i of a channel; 0 < n < 2^32.
int64_t script_below(const ScriptPrompt *p, uint64_t channel, uint64_t i, int64_t n);
int     script_chance(const ScriptPrompt *p, uint64_t channel, uint64_t i, ScriptFault fault);

// ---- words

typedef enum ScriptTable {
    SCRIPT_CLASS_VERBS,
    SCRIPT_CLASS_TEXTS,
    SCRIPT_LABEL_SETS, // labels separated by |
    SCRIPT_VERBS,
    SCRIPT_OBJECTS,
    SCRIPT_STYLES,
    SCRIPT_CONSTRAINTS,
    SCRIPT_SUBJECTS,
    SCRIPT_ACTIONS,
    SCRIPT_PLACES,
    SCRIPT_CLAUSES,
    SCRIPT_FILLERS,
    SCRIPT_STOPS,
    SCRIPT_REFUSALS,
    SCRIPT_ODD_TASKS,
    SCRIPT_FIELD_NAMES,
    SCRIPT_TABLES
} ScriptTable;

typedef struct ScriptWords {
    const char *const *entry;
    int                count;
} ScriptWords;

extern const ScriptWords script_words[SCRIPT_TABLES];

// ---- pieces of answers

typedef struct ScriptDraws { // a channel that is read in order
    const ScriptPrompt *prompt;
    uint64_t            channel, at;
} ScriptDraws;

typedef struct ScriptItem { // item k of an answer: its text and its faults
    const ScriptPrompt *prompt;
    int64_t             k;
    ScriptDraws         draws;
    int                 is_duplicate, is_missing, is_wrong, has_stop, is_odd;
    int64_t             missing_kind, wrong_kind, odd_kind, duplicate_kind;
} ScriptItem;

ScriptDraws script_draws(const ScriptPrompt *p, uint64_t channel);
ScriptItem  script_item(const ScriptPrompt *p, int64_t k);
int64_t     script_next(ScriptDraws *d, int64_t n);
const char *script_pick(ScriptDraws *d, ScriptTable table);

// These append to a text.
void script_sentences(Text *t, ScriptItem *item, int64_t count);
void script_instruction(Text *t, ScriptItem *item);
void script_odd_instruction(Text *t, const ScriptItem *item);
// One of the tasks that a prompt shows, with some words of it replaced.
void script_substitution(Text *t, const ScriptItem *item, const ScriptBytes *task, int64_t tasks);
void script_stop_clause(Text *t, const ScriptItem *item); // if the item has that fault

int script_is_classification(ScriptBytes instruction);
// The entry of the label sets that fits an instruction, 0 if none does.
int         script_labels(ScriptBytes instruction);
int64_t     script_label_count(int set);
ScriptBytes script_label(int set, int64_t n);

// ---- texts

// Place of the first `word` in a text, -1: it does not occur.
int64_t     script_find(ScriptBytes text, const char *word);
ScriptBytes script_strip(ScriptBytes text);
ScriptBytes script_slice(ScriptBytes text, int64_t begin, int64_t end);
int         script_ends(ScriptBytes text, const char *end);
// Place of the last `mark` at the beginning of a line, -1: there is none.
int64_t script_last_line(ScriptBytes text, const char *mark);

#endif
