// teacher_endpoint_private.h -- what the parts of the endpoint teacher share; only for
// datagen/teacher_endpoint*.c.
#ifndef TD_DATAGEN_TEACHER_ENDPOINT_PRIVATE_H
#define TD_DATAGEN_TEACHER_ENDPOINT_PRIVATE_H

#include "datagen/teachers/teacher_endpoint.h"
#include "io/http/http.h"

// Bytes of a prompt, and of an answer, above which something is wrong.
enum { ENDPOINT_PROMPT_MAX = 4 << 20, ENDPOINT_TEXT_MAX = 4 << 20, ENDPOINT_EXCERPT = 240 };

typedef enum EndpointApi { ENDPOINT_COMPLETIONS, ENDPOINT_CHAT } EndpointApi;

// ---- teacher_endpoint_config.c

typedef struct EndpointConfig {
    const char *url, *model, *system, *key_env, *key_file;
    int         api; // EndpointApi
    int64_t     in_flight, max_requests, max_tokens, retries;
    double      price_prompt, price_completion, timeout_s, backoff_s;
    int         caches;
    // derived
    const char *address;    // where requests go
    const char *key_origin; // in words, for messages
} EndpointConfig;

// ERR_CONFIG.
Err endpoint_config_read(Arena *run, const Json *json, EndpointConfig *out);
// The key, from the environment or the file; "" if none is asked for.  It goes into one header and
// nowhere else.  ERR_CONFIG, ERR_IO.
Err endpoint_key_read(Arena *run, const EndpointConfig *c, const char *folder, const char **key);

// ---- teacher_endpoint_wire.c: requests and replies as JSON

typedef struct EndpointAnswer {
    TeacherEnd  end;
    const char *why;  // of TEACHER_FAILED: one of teacher_reasons(), a literal
    const char *text; // [bytes]
    int64_t     bytes;
    int64_t     prompt_tokens, new_tokens; // as the endpoint counts them
} EndpointAnswer;

typedef enum EndpointOutcome {
    OUTCOME_ANSWER,
    OUTCOME_429,
    OUTCOME_5XX,
    OUTCOME_TIMEOUT,
    OUTCOME_CUT,
    OUTCOME_GARBAGE,
    OUTCOME_USAGE,   // wrong counts of tokens
    OUTCOME_CONNECT, // nothing was sent
    OUTCOME_REFUSED, // other 4xx: this request is wrong
    OUTCOME_FATAL    // every request is: key, address, model
} EndpointOutcome;

// One of teacher_reasons().
const char *endpoint_outcome_reason(EndpointOutcome outcome);

// The body of the HTTP request, which is also what names its content.
void endpoint_body(Text *t, const EndpointConfig *c, const TeacherRequest *r, const char *prompt,
                   uint32_t seed);

// What became of it.  answer->text is in `scratch`.
EndpointOutcome endpoint_reply_read(Arena *scratch, const EndpointConfig *c,
                                    const TeacherRequest *r, const HttpReply *reply,
                                    EndpointAnswer *answer);

// The beginning of a reply for a message: printable, and without the key.
void endpoint_excerpt(char out[ENDPOINT_EXCERPT], const HttpReply *reply, const char *key);

// ---- teacher_endpoint_cache.c: what was sent, what was answered, what it cost

typedef struct EndpointKey { // names the content of a request
    uint64_t part[2];
} EndpointKey;

typedef struct EndpointSpent { // by earlier attempts of the run
    int64_t requests, tokens;
} EndpointSpent;

typedef struct EndpointCache EndpointCache;

// Reads all files of the run's cache and begins one of its own.  ERR_IO, ERR_DATA.
Err  endpoint_cache_open(Arena *run, const EndpointPlace *place, EndpointCache **out,
                         EndpointSpent *spent);
void endpoint_cache_close(EndpointCache *c);

// The answer in `scratch`, *found 0 if there is none.  ERR_IO, ERR_DATA.
Err endpoint_cache_find(EndpointCache *c, Arena *scratch, EndpointKey key, int *found,
                        EndpointAnswer *answer);
// Each is one line, written at once: the process may die then.  ERR_IO.
// requests: 1 before one is sent, -1 if nobody was there.
Err endpoint_cache_sent(EndpointCache *c, Arena *scratch, EndpointKey key, int requests);
Err endpoint_cache_answer(EndpointCache *c, Arena *scratch, EndpointKey key,
                          const EndpointAnswer *answer);
Err endpoint_cache_charge(EndpointCache *c, Arena *scratch, EndpointKey key, int64_t tokens,
                          EndpointOutcome outcome);
// To the disk, at most once a second unless `now`: the machine may die then.  ERR_IO.
Err endpoint_cache_sync(EndpointCache *c, int now);

#endif
