// teacher.h -- who answers prompts: the own network, a script, or an endpoint.
//
// One interface for all: submit while there are free slots, step, take what is finished.  What is
// answered depends on the request alone (local, scripted), never on what else is in flight.
#ifndef TD_DATAGEN_TEACHER_H
#define TD_DATAGEN_TEACHER_H

#include "base/arena.h"
#include "datagen/chatform.h"
#include "datagen/template.h"
#include "model/decode.h"
#include "model/vocab.h"

#include <stdint.h>

typedef struct TeacherRequest {
    const TemplateSpan
               *spans; // the prompt; valid until the result is taken, like all pointers here
    int         span_count;
    Record     *record;  // whose arena may be used
    int         is_chat; // the prompt is what a user says, not the beginning of a text
    const char *system;  // what the system says before, [system_length]; NULL: nothing
    int64_t     system_length;
    Arena      *work; // for what a chat template computes; NULL unless is_chat
    SampleSpec  spec;
    int64_t     max_tokens; // new tokens, at least 1
    int         ignores_eos;
    int         stops;
    const char *stop[DECODE_STOPS_MAX];
    uint64_t    seed, stream; // random key: rng_stream("generate", iteration << 40 | request,
                              // sample, step)
    int64_t tag;
} TeacherRequest;

typedef enum TeacherEnd {
    TEACHER_DONE,   // an end token or a stop text
    TEACHER_LENGTH, // max_tokens or the context
    TEACHER_FAILED  // no answer: see why
} TeacherEnd;

typedef struct TeacherResult {
    int64_t     tag;
    TeacherEnd  end;
    const char *text; // [bytes], with a zero behind; valid until the next teacher_step
    int64_t     bytes;
    const char *why;     // reason of the rejection if it failed: one of teacher_reasons()
    int64_t     length;  // tokens, 0 where they are not known; with the end token if that ended it
    const int32_t *ids;  // [length] or NULL
    const float   *logp; // [length] or NULL
} TeacherResult;

// Counted since it was made, for metrics and the report.
typedef struct TeacherStats {
    int64_t requests; // answered or failed
    int64_t prompt_tokens, new_tokens;
    int64_t sent, cached; // endpoint: HTTP requests sent; results that came from the cache
    // What requests came to that gave no answer; most are tried again.  Every one that was sent is
    // an answer or one of these: sent = requests - cached - failed + the following eight.
    int64_t retries_429, retries_5xx, retries_timeout, retries_cut, retries_garbage;
    int64_t retries_usage, refused; // wrong counts of tokens; other 4xx, answers held back
    int64_t dropped;                // given up when the run stopped
    int64_t retries_connect;        // no connection: these were not sent
    int64_t failed;                 // results without an answer, not from the cache
    double  cost;                   // in the currency of the configured prices
} TeacherStats;

typedef struct Teacher Teacher;

typedef struct TeacherKind {
    const char *name;
    int (*free_slots)(const Teacher *t);
    int (*running)(const Teacher *t);
    // A literal reason if this request can never be answered ("prompt too long", "no token", ...).
    const char *(*submit)(Teacher *t, const TeacherRequest *r);
    // Works, or waits for at most ~50 ms where the work is elsewhere.
    Err (*step)(Teacher *t);
    int (*take)(Teacher *t, TeacherResult *out); // 0: none left
    void (*clear)(Teacher *t);
    void (*stats)(const Teacher *t, TeacherStats *out);
} TeacherKind;

struct Teacher { // first member of every kind's own struct
    const TeacherKind *kind;
};

// Reasons that submit and failed results may give, for the table of a recipe.
const char *const *teacher_reasons(int *count);

// The decoder with its vocabulary, which may be NULL only for recipes that do not generate, and the
// way to write conversations, NULL if no request is_chat.
Teacher *teacher_local(Arena *run, Decoder *decoder, const Vocab *vocab, const ChatForm *chat);
// Answers by rule, see docs/scripted-teacher.md.  config: {"seed": 1, "p_length": 0.1, ...} or
// NULL.  ERR_CONFIG.
Err teacher_scripted(Arena *run, const Json *config, int slots, Teacher **out);

// The text of a prompt; special tokens stand for nothing.  In the record's arena.
const char *teacher_prompt(const TeacherRequest *r, int64_t *length);

#endif
