// serve.h -- what the files of `tandem serve` share: the model, requests as jobs, their choices.
//
// A request becomes a job, and each text that it asks for a choice.  Choices of all jobs share the
// slots of one decoder, the jobs taking turns.  A job is answered when all of its choices have
// ended, or piece by piece if it asked for a stream.
#ifndef TD_CLI_SERVE_H
#define TD_CLI_SERVE_H

#include "datagen/chatform.h"
#include "io/http/http_server.h"
#include "io/json.h"
#include "model/decode.h"
#include "model/net.h"
#include "model/vocab.h"

#include <stdint.h>

enum { SERVE_CHOICES_MAX = 1024, SERVE_N_MAX = 128, SERVE_TOP_MAX = SAMPLE_TOP_MAX };

typedef enum ServeKind { SERVE_COMPLETION, SERVE_CHAT } ServeKind;

typedef struct ServePrompt {
    int32_t    *id; // [length]
    int64_t     length;
    const char *text; // [bytes], as it was given, or what the ids stand for
    int64_t     bytes;
    int64_t     before; // the first so many ids were put in front of the text
    float      *logp;   // [length], for an echo with log-probabilities; [0] means nothing
    SampleTop  *tops;   // [length][ask.top], likewise
} ServePrompt;

typedef enum ServeState { SERVE_WAITS, SERVE_RUNS, SERVE_ENDED } ServeState;

// A place in what a choice shows: the prompt if it is echoed, then what was written.
typedef struct ServePlace {
    int64_t token, byte, character;
} ServePlace;

typedef struct ServeChoice {
    ServeState   state;
    int64_t      prompt, sample; // the sample-th text of this prompt
    SampleTop   *tops;           // [written.length][ask.top], NULL if not asked for
    DecodeResult written;        // so far; when it has ended, in the arena of the job
    int64_t      sent;           // bytes of what it shows, in a stream
    ServePlace   told;           // the token whose log-probability is sent next
    int          has_begun;      // something was sent
} ServeChoice;

typedef struct ServeJob {
    int           is_used;
    int64_t       number; // of the request
    Arena         arena;
    ServeKind     kind;
    char          id[48];
    int64_t       created; // seconds since 1970
    DecodeRequest ask;     // what all choices have in common
    int           has_seed, echo, stream, tells_usage, tells_ids, tells_logp;
    int64_t       prompts, n;
    ServePrompt  *prompt; // [prompts]
    int64_t       choices, submitted, ended;
    ServeChoice  *choice; // [choices], those of a prompt side by side
} ServeJob;

typedef struct ServeRun { // a sequence of the decoder; its tag is its place in the list
    ServeJob    *job;     // NULL: none
    ServeChoice *choice;
} ServeRun;

typedef struct Serve {
    Arena      *scratch;   // for one request, one reply
    Arena      *rendering; // for what a chat template computes
    const char *name;      // of the model
    const char *key;       // that requests must show; NULL: none
    int64_t     created;   // seconds since 1970
    Net         net;
    Vocab      *vocab;      // NULL: ids only
    ChatForm   *chat;       // NULL: no tokenizer, or
    const char *chat_fault; // why there are no conversations
    int64_t     context;
    Decoder    *decoder;
    Acts       *acts;   // to score prompts
    float      *logits; // [context][V], likewise
    HttpServer *http;
    int         slots, jobs;
    ServeRun   *run;     // [slots]
    ServeJob   *job;     // [jobs]: as many as there are connections
    int64_t     queue;   // a request is refused while more choices than this wait
    int64_t     waiting; // choices
    int         turn;    // the job whose turn it is to submit
    uint64_t    random;  // of this process, for names, and seeds that were not given
    uint64_t    counter;
    int         is_closing;
} Serve;

// What is wrong with a request; the words stand in the record of err.h.
typedef struct ServeFault {
    int         status;
    const char *code, *param; // NULL: none
} ServeFault;

// ---- serve_routes.c: a request is answered, or becomes a job

void serve_route(Serve *s, const HttpRequest *r);

// ---- serve_request.c, serve_prompt.c, serve_messages.c, serve_job.c: from a request to a job.

// Fills job and fault; pointers of the job lead into `scratch` and the tree.
Err serve_read(Serve *s, const Json *body, ServeKind kind, ServeJob *job, ServeFault *fault);
Err serve_read_prompts(Serve *s, const Json *body, ServeJob *job, ServeFault *fault);
Err serve_read_messages(Serve *s, const Json *body, ServeJob *job, ServeFault *fault);
// The context has room for a prompt of this length, and for a new token if any is asked for.
Err serve_too_long(const Serve *s, const ServeJob *job, int64_t length, ServeFault *fault);
Err serve_want_vocab(const Serve *s, const char *what);
// A job of its own, in its own arena, waiting for slots.
Err serve_begin(Serve *s, int64_t number, const ServeJob *read, ServeFault *fault);

// ---- serve_job.c: from a job to its texts

void serve_submit(Serve *s);  // as many choices as there are free slots
void serve_collect(Serve *s); // what has ended since the last step; answers
void serve_stream(Serve *s);  // what is new in texts that are being streamed
void serve_cancel(Serve *s, int64_t number);
int  serve_open_jobs(const Serve *s);

// ---- serve_reply.c, serve_logprobs.c: words

// What a choice shows.
typedef struct ServeView {
    const char *text;                  // in scratch, or where it stands
    int64_t     bytes, echoed, tokens; // echoed: the first so many are those of the prompt
} ServeView;
ServeView serve_view(const Serve *s, const ServeJob *job, const ServeChoice *c);

void serve_write_models(Text *t, const Serve *s);
void serve_write_error(Text *t, const ServeFault *fault, const char *message);
void serve_write_reply(Text *t, const Serve *s, const ServeJob *job);
// An event of a stream: what the choice shows from c->sent up to `bytes`; moves c->sent.
void serve_write_event(Text *t, const Serve *s, const ServeJob *job, ServeChoice *c, int64_t bytes);
void serve_write_usage_event(Text *t, const Serve *s, const ServeJob *job);
// Of the tokens from *place on whose text begins before `bytes`; moves *place behind them.
void serve_write_logprobs(Text *t, const Serve *s, const ServeJob *job, const ServeChoice *c,
                          int64_t bytes, ServePlace *place);

#endif
