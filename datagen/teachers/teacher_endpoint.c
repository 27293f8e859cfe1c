// The endpoint as teacher: what is asked, sent, tried again, and what ends the run.
#include "datagen/teachers/teacher_endpoint.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/rng.h"
#include "datagen/teachers/teacher_endpoint_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ASK_BYTES = 64 << 20, SCRATCH_BYTES = 192 << 20, HEADERS = 2 };

static const double WAIT_S = 0.05;     // longest step
static const double PAUSE_MAX_S = 600; // longest wait that a server may ask for
static const double BACKOFF_MAX_S = 120;
static const double DRAIN_S = 20; // for answers that are paid for when the run stops

typedef enum AskState {
    ASK_FREE,
    ASK_NEW,    // the cache was not looked at
    ASK_DUE,    // to be sent, from `due` on
    ASK_FLYING, // sent
    ASK_ENDED,  // there is a result
    ASK_TAKEN   // whose text must stay until the next step
} AskState;

typedef struct Ask {
    AskState       state;
    TeacherRequest request;
    Arena          arena; // of the body and the answer
    const char    *prompt;
    Text           body;
    EndpointKey    key;
    int64_t        tries, draws;     // times it was sent; unusable replies, each a new draw
    int64_t        connects;         // tries in a row that found nobody
    double         due, alone_since; // time of the first of these
    int            is_cached;
    EndpointAnswer answer;
} Ask;

typedef struct Endpoint {
    Teacher        base;
    EndpointConfig config;
    EndpointPlace  place;
    EndpointSpent  before; // by earlier attempts
    EndpointSpent  alone;  // by this process, if there is no board
    EndpointCache *cache;
    Http          *http;
    const char    *key, *header[HEADERS];
    int            headers;
    int            asks; // twice in_flight: taken ones keep their text while others come
    Ask           *ask;  // [asks]
    Arena          scratch;
    TeacherStats   stats;
    double         heard, pause_until; // when the server last said anything; 429 for all of us
    const char    *spent;              // which budget is; NULL: none
    int            has_told_4xx, drains;
} Endpoint;

// ---- slots

static int count_busy(const Endpoint *e)
{
    int n = 0;

    for (int i = 0; i < e->asks; i++)
        n += e->ask[i].state != ASK_FREE && e->ask[i].state != ASK_TAKEN;
    return n;
}

static int count_state(const Endpoint *e, AskState state)
{
    int n = 0;

    for (int i = 0; i < e->asks; i++)
        n += e->ask[i].state == state;
    return n;
}

static int free_slots(const Teacher *t)
{
    const Endpoint *e = (const Endpoint *)t;
    int             room = (int)e->config.in_flight - count_busy(e);
    int             places = count_state(e, ASK_FREE);

    return room < places ? room : places;
}

static int running(const Teacher *t)
{
    return count_busy((const Endpoint *)t);
}

static void free_ask(Ask *a)
{
    a->state = ASK_FREE;
    arena_back(&a->arena, 0);
}

// ---- asking

// A reply that cannot be used is asked for again with other random numbers; what failed on the way
// is asked for again as it was.
static uint32_t seed_of(const Ask *a)
{
    return (
        uint32_t)(rng_stream("endpoint", a->request.seed, a->request.stream, (uint64_t)a->draws) &
                  0x7fffffff);
}

static void write_body(const Endpoint *e, Ask *a)
{
    arena_back(&a->arena, 0);
    a->body = text_make(&a->arena);
    endpoint_body(&a->body, &e->config, &a->request, a->prompt, seed_of(a));
}

static const char *submit(Teacher *t, const TeacherRequest *r)
{
    Endpoint   *e = (Endpoint *)t;
    Ask        *a = e->ask;
    int64_t     length;
    const char *prompt = teacher_prompt(r, &length);

    if (length == 0 || memchr(prompt, 0, (size_t)length) != NULL)
        return "malformed";
    if (length > ENDPOINT_PROMPT_MAX)
        return "prompt too long";
    if (text_utf8_bad(prompt, length) >= 0 ||
        (r->system != NULL && text_utf8_bad(r->system, r->system_length) >= 0))
        return "not UTF-8";
    while (a < e->ask + e->asks && a->state != ASK_FREE)
        a++;
    CHECK(a < e->ask + e->asks, "no free slot");
    *a = (Ask){.state = ASK_NEW, .request = *r, .arena = a->arena, .prompt = prompt};
    write_body(e, a);
    a->key = (EndpointKey){
        {hash_bytes(0, a->body.data, a->body.length), hash_bytes(1, a->body.data, a->body.length)}};
    return NULL;
}

static void end_ask(Ask *a, const EndpointAnswer *answer)
{
    char *text = arena_text_n(&a->arena, answer->text, answer->bytes);

    a->answer = *answer;
    a->answer.text = text;
    a->state = ASK_ENDED;
}

static Err look_up(Endpoint *e, Ask *a)
{
    ArenaMark      mark = arena_mark(&e->scratch);
    EndpointAnswer answer;
    int            found = 0;

    if (e->config.caches)
        TRY(endpoint_cache_find(e->cache, &e->scratch, a->key, &found, &answer));
    a->state = ASK_DUE;
    a->is_cached = found;
    if (found)
        end_ask(a, &answer);
    arena_back(&e->scratch, mark);
    if (!found && e->place.attempt == 0 && e->place.run_dir != NULL)
        FAIL(ERR_DATA,
             "%s/cache has no answer to a request, and nothing is asked here: this run was made "
             "with another endpoint, without a cache, or files were removed",
             e->place.run_dir);
    return OK;
}

// ---- budgets

static int64_t count_more(Endpoint *e, int word, int64_t *alone, int64_t more)
{
    int64_t before = *alone;

    if (e->place.board != NULL)
        return board_add(e->place.board, word, more);
    *alone += more;
    return before;
}

// 1 if one more request may be sent; it is counted then.
static int reserve(Endpoint *e)
{
    const EndpointConfig *c = &e->config;

    if (c->max_tokens > 0 &&
        e->before.tokens + count_more(e, BOARD_TOKENS_SPENT, &e->alone.tokens, 0) >= c->max_tokens)
        e->spent = "max_tokens";
    else if (c->max_requests > 0 &&
             e->before.requests + count_more(e, BOARD_REQUESTS_SPENT, &e->alone.requests, 1) >=
                 c->max_requests) {
        count_more(e, BOARD_REQUESTS_SPENT, &e->alone.requests, -1);
        e->spent = "max_requests";
    }
    return e->spent == NULL;
}

static void spend_tokens(Endpoint *e, int64_t tokens)
{
    if (e->config.max_tokens > 0)
        count_more(e, BOARD_TOKENS_SPENT, &e->alone.tokens, tokens);
}

// Tokens that the server may have made and did not tell: a budget must not be exceeded by them.
static Err charge(Endpoint *e, const Ask *a, EndpointOutcome outcome)
{
    int64_t tokens = a->request.max_tokens + (int64_t)strlen(a->prompt) / 4;

    if (outcome != OUTCOME_TIMEOUT && outcome != OUTCOME_CUT && outcome != OUTCOME_GARBAGE &&
        outcome != OUTCOME_USAGE)
        return OK;
    spend_tokens(e, tokens);
    return endpoint_cache_charge(e->cache, &e->scratch, a->key, tokens, outcome);
}

// The ranks that train learn it from the board.
static Err budget_is_spent(const Endpoint *e)
{
    int is_requests = strcmp(e->spent, "max_requests") == 0;

    if (e->place.board != NULL)
        board_add(e->place.board, BOARD_BUDGET_SPENT, 1);
    FAIL(ERR_STOPPED,
         "the budget of the endpoint is spent: %" PRId64
         " %s over all ranks and restarts; what was answered is %s: set endpoint.%s higher (0: no "
         "budget), and run the same command again to go on",
         is_requests ? e->config.max_requests : e->config.max_tokens,
         is_requests ? "requests" : "tokens",
         e->place.run_dir != NULL && e->config.caches ? "kept" : "lost, as there is no cache",
         e->spent);
}

// ---- sending

static Err send_ask(Endpoint *e, Ask *a)
{
    TRY(endpoint_cache_sent(e->cache, &e->scratch, a->key, 1));
    http_post(e->http, &(HttpRequest){.url = e->config.address,
                                      .header = e->header,
                                      .headers = e->headers,
                                      .body = a->body.data,
                                      .bytes = a->body.length,
                                      .timeout_s = e->config.timeout_s,
                                      .tag = a - e->ask});
    a->state = ASK_FLYING;
    a->tries++;
    e->stats.sent++;
    return OK;
}

static Err send_due(Endpoint *e)
{
    double now = clock_now();

    for (int i = 0; i < e->asks; i++) {
        Ask *a = &e->ask[i];

        if (a->state != ASK_DUE || a->due > now || e->pause_until > now || e->spent != NULL)
            continue;
        if (!reserve(e))
            break;
        TRY(send_ask(e, a));
    }
    return OK;
}

// Nobody was there: it was never sent, and counts for no budget.
static Err unsend(Endpoint *e, const Ask *a)
{
    e->stats.sent--;
    if (e->config.max_requests > 0)
        count_more(e, BOARD_REQUESTS_SPENT, &e->alone.requests, -1);
    return endpoint_cache_sent(e->cache, &e->scratch, a->key, -1);
}

// ---- what went wrong

static int64_t *counter_of(TeacherStats *s, EndpointOutcome outcome)
{
    switch (outcome) {
    case OUTCOME_429: return &s->retries_429;
    case OUTCOME_5XX: return &s->retries_5xx;
    case OUTCOME_TIMEOUT: return &s->retries_timeout;
    case OUTCOME_CUT: return &s->retries_cut;
    case OUTCOME_GARBAGE: return &s->retries_garbage;
    case OUTCOME_USAGE: return &s->retries_usage;
    case OUTCOME_CONNECT: return &s->retries_connect;
    default: return &s->refused;
    }
}

static Err refused_for_good(const Endpoint *e, const HttpReply *reply)
{
    char words[ENDPOINT_EXCERPT];

    if (reply->status == 401 || reply->status == 403) // its words may hold a part of the key
        FAIL(ERR_CONFIG,
             "the endpoint %s refuses us (http %d): is the key right, and allowed to use the model "
             "\"%.100s\"? The key is %s",
             e->config.address, reply->status, e->config.model, e->config.key_origin);
    if (reply->status == 402)
        FAIL(ERR_CONFIG, "the endpoint %s wants to be paid first (http 402); the key is %s",
             e->config.address, e->config.key_origin);
    if (reply->status < 400)
        FAIL(ERR_CONFIG,
             "the endpoint %s sends us elsewhere (http %d), where we do not follow: set its url to "
             "the address it has now",
             e->config.address, reply->status);
    endpoint_excerpt(words, reply, e->key);
    FAIL(ERR_CONFIG,
         "the endpoint %s does not know this address or the model \"%.100s\" (http 404): expected "
         "a url as http://host:8000/v1, and a name that its list of models has; it says: %s",
         e->config.address, e->config.model, words);
}

static Err nobody_there(const Endpoint *e, const HttpReply *reply)
{
    FAIL(ERR_IO,
         "the endpoint %s cannot be reached: %" PRId64 " tries, the last: %s; is the server "
         "running, is the url right? Nothing is lost: the same command goes on",
         e->config.address, e->stats.retries_connect, reply->why);
}

// The last try of this request found nobody, as all of its tries did since somebody was heard.
static int is_out_of_reach(const Endpoint *e, const Ask *a)
{
    return a->connects > 0 && e->heard < a->alone_since;
}

static Err give_up(Endpoint *e, Ask *a, EndpointOutcome outcome)
{
    EndpointAnswer none = {
        .end = TEACHER_FAILED, .why = endpoint_outcome_reason(outcome), .text = ""};

    e->stats.failed++;
    if (e->config.caches)
        TRY(endpoint_cache_answer(e->cache, &e->scratch, a->key, &none));
    end_ask(a, &none);
    return OK;
}

static double backoff(const Endpoint *e, const Ask *a)
{
    Rng    rng = rng_make(a->request.seed,
                          rng_stream("back-off", a->request.stream, (uint64_t)a->tries, 0), 0);
    double wait = e->config.backoff_s * (0.5 + rng_unit(&rng));

    for (int64_t i = 1; i < a->tries && wait < BACKOFF_MAX_S; i++)
        wait *= 2;
    return wait < BACKOFF_MAX_S ? wait : BACKOFF_MAX_S;
}

// A server that says when it wants to be asked again says it to all of us.
static double pause_for(Endpoint *e, const HttpReply *reply, double now)
{
    double after = reply->retry_after_s < PAUSE_MAX_S ? reply->retry_after_s : PAUSE_MAX_S;

    if (after <= 0)
        return 0;
    if (now + after > e->pause_until + 10)
        log_here(LOG_INFO, "the endpoint asks for a pause of %.0f s (http %d)", after,
                 reply->status);
    if (now + after > e->pause_until)
        e->pause_until = now + after;
    return after;
}

static void try_later(Endpoint *e, Ask *a, EndpointOutcome outcome, const HttpReply *reply)
{
    double now = clock_now(), wait = backoff(e, a), after = pause_for(e, reply, now);

    // The jitter stays on top, so that not all come back in the same moment.
    a->due = now + (after > 0 ? after + 0.1 * wait : wait);
    a->state = ASK_DUE;
    if (outcome == OUTCOME_GARBAGE || outcome == OUTCOME_USAGE) {
        a->draws++;
        write_body(e, a);
    }
    log_here(LOG_DEBUG, "endpoint: %s%s%s, try %" PRId64 " of %" PRId64 ", again in %.2f s",
             outcome == OUTCOME_USAGE ? "wrong counts" : endpoint_outcome_reason(outcome),
             reply->why[0] != 0 ? ": " : "", reply->why, a->tries, e->config.retries + 1,
             a->due - now);
}

static void note_reach(Endpoint *e, Ask *a, EndpointOutcome outcome)
{
    double now = clock_now();

    if (outcome != OUTCOME_CONNECT) {
        e->heard = now;
        a->connects = 0;
    } else if (a->connects++ == 0) {
        a->alone_since = now;
    }
}

static void tell_refused(Endpoint *e, const HttpReply *reply)
{
    char words[ENDPOINT_EXCERPT];

    endpoint_excerpt(words, reply, e->key);
    if (!e->has_told_4xx)
        log_here(LOG_WARN, "the endpoint refuses a request (http %d), its record is rejected: %s",
                 reply->status, words);
    e->has_told_4xx = 1;
}

static Err no_answer(Endpoint *e, Ask *a, EndpointOutcome outcome, const HttpReply *reply)
{
    ++*counter_of(&e->stats, outcome);
    note_reach(e, a, outcome);
    if (outcome == OUTCOME_CONNECT)
        TRY(unsend(e, a));
    TRY(charge(e, a, outcome));
    if (e->drains) {
        a->state = ASK_DUE;
        return OK;
    }
    if (outcome == OUTCOME_FATAL)
        return refused_for_good(e, reply);
    if (outcome == OUTCOME_REFUSED) {
        tell_refused(e, reply);
        return give_up(e, a, outcome);
    }
    if (a->tries <= e->config.retries) {
        try_later(e, a, outcome, reply);
        return OK;
    }
    return is_out_of_reach(e, a) ? nobody_there(e, reply) : give_up(e, a, outcome);
}

// ---- answers

static Err keep_answer(Endpoint *e, Ask *a, const EndpointAnswer *answer)
{
    const EndpointConfig *c = &e->config;

    note_reach(e, a, OUTCOME_ANSWER);
    e->stats.failed += answer->end == TEACHER_FAILED; // held back by the server
    e->stats.refused += answer->end == TEACHER_FAILED;
    e->stats.prompt_tokens += answer->prompt_tokens;
    e->stats.new_tokens += answer->new_tokens;
    e->stats.cost += ((double)answer->prompt_tokens * c->price_prompt +
                      (double)answer->new_tokens * c->price_completion) /
                     1e6;
    spend_tokens(e, answer->prompt_tokens + answer->new_tokens);
    if (c->caches)
        TRY(endpoint_cache_answer(e->cache, &e->scratch, a->key, answer));
    else
        TRY(endpoint_cache_charge(e->cache, &e->scratch, a->key,
                                  answer->prompt_tokens + answer->new_tokens, OUTCOME_ANSWER));
    end_ask(a, answer);
    return OK;
}

// A server that gives the key away is not to be believed, and its words are not to be kept.
static int holds_key(const Endpoint *e, const EndpointAnswer *a)
{
    return *e->key != 0 && a->end != TEACHER_FAILED && strstr(a->text, e->key) != NULL;
}

static Err handle(Endpoint *e, const HttpReply *reply)
{
    Ask            *a = &e->ask[reply->tag];
    ArenaMark       mark = arena_mark(&e->scratch);
    EndpointAnswer  answer;
    EndpointOutcome outcome =
        endpoint_reply_read(&e->scratch, &e->config, &a->request, reply, &answer);
    Err outcome_err;

    if (outcome == OUTCOME_ANSWER && holds_key(e, &answer))
        outcome = OUTCOME_GARBAGE;
    if (outcome == OUTCOME_ANSWER)
        outcome_err = keep_answer(e, a, &answer);
    else
        outcome_err = no_answer(e, a, outcome, reply);
    arena_back(&e->scratch, mark);
    return outcome_err;
}

static Err take_replies(Endpoint *e, double wait_s)
{
    HttpReply reply;

    http_step(e->http, wait_s);
    while (http_take(e->http, &reply))
        TRY(handle(e, &reply));
    return endpoint_cache_sync(e->cache, 0);
}

// ---- the kind

static double time_to_wait(const Endpoint *e)
{
    double now = clock_now(), wait = WAIT_S;

    for (int i = 0; i < e->asks; i++) {
        const Ask *a = &e->ask[i];
        double     due = a->due > e->pause_until ? a->due : e->pause_until;

        if (a->state == ASK_ENDED)
            return 0;
        if (a->state == ASK_DUE && e->spent == NULL && due - now < wait)
            wait = due > now ? due - now : 0;
    }
    return wait;
}

static Err step(Teacher *t)
{
    Endpoint *e = (Endpoint *)t;

    for (int i = 0; i < e->asks; i++) {
        if (e->ask[i].state == ASK_TAKEN)
            free_ask(&e->ask[i]);
        if (e->ask[i].state == ASK_NEW)
            TRY(look_up(e, &e->ask[i]));
    }
    TRY(send_due(e));
    TRY(take_replies(e, time_to_wait(e)));
    if (e->spent != NULL && http_running(e->http) == 0 && count_state(e, ASK_ENDED) == 0 &&
        count_state(e, ASK_DUE) > 0)
        return budget_is_spent(e);
    return OK;
}

static int take(Teacher *t, TeacherResult *out)
{
    Endpoint *e = (Endpoint *)t;

    for (int i = 0; i < e->asks; i++) {
        Ask *a = &e->ask[i];

        if (a->state != ASK_ENDED)
            continue;
        *out = (TeacherResult){.tag = a->request.tag,
                               .end = a->answer.end,
                               .text = a->answer.text,
                               .bytes = a->answer.bytes,
                               .why = a->answer.why,
                               .length = a->answer.new_tokens};
        a->state = ASK_TAKEN;
        e->stats.requests++;
        e->stats.cached += a->is_cached;
        return 1;
    }
    return 0;
}

// Answers that are under way are paid for: they are waited for, a while, and kept.
static Err drain(Endpoint *e)
{
    double until = clock_now() + DRAIN_S;

    if (http_running(e->http) > 0)
        log_here(LOG_DEBUG, "endpoint: waiting for %d answers that are under way",
                 http_running(e->http));
    while (http_running(e->http) > 0 && clock_now() < until)
        TRY(take_replies(e, WAIT_S));
    return endpoint_cache_sync(e->cache, 1);
}

// Often the way out of a failure, which must stay the one that is told.
static void clear(Teacher *t)
{
    Endpoint *e = (Endpoint *)t;
    ErrRecord before = *err_record();

    err_forget();
    e->drains = 1;
    if (drain(e) != OK)
        log_here(LOG_WARN, "endpoint: %s", err_record()->text);
    e->drains = 0;
    *err_record() = before;
    e->stats.dropped += http_running(e->http);
    http_clear(e->http);
    for (int i = 0; i < e->asks; i++)
        free_ask(&e->ask[i]);
}

static void stats(const Teacher *t, TeacherStats *out)
{
    *out = ((const Endpoint *)t)->stats;
}

static const TeacherKind endpoint_kind = {.name = "endpoint",
                                          .free_slots = free_slots,
                                          .running = running,
                                          .submit = submit,
                                          .step = step,
                                          .take = take,
                                          .clear = clear,
                                          .stats = stats};

// ---- opening

static int is_on_this_machine(const char *url)
{
    return strstr(url, "://localhost") != NULL || strstr(url, "://127.") != NULL ||
           strstr(url, "://[::1]") != NULL;
}

static Err open_key(Arena *run, Endpoint *e)
{
    TRY(endpoint_key_read(run, &e->config, e->place.folder, &e->key));
    e->header[e->headers++] = "Content-Type: application/json";
    if (*e->key == 0)
        return OK;
    e->header[e->headers++] = arena_format(run, "Authorization: Bearer %s", e->key);
    if (strncmp(e->config.url, "http://", 7) == 0 && !is_on_this_machine(e->config.url))
        log_once(LOG_WARN, "the key goes to %s without encryption: https:// would protect it",
                 e->config.address);
    return OK;
}

static Err open_asks(Arena *run, Endpoint *e)
{
    e->asks = 2 * (int)e->config.in_flight;
    e->ask = arena_new(run, Ask, e->asks);
    for (int i = 0; i < e->asks; i++)
        TRY(arena_make(&e->ask[i].arena, "request", ASK_BYTES));
    return arena_make(&e->scratch, "endpoint", SCRATCH_BYTES);
}

static Err open_endpoint(Arena *run, const Json *config, Endpoint *e)
{
    TRY(endpoint_config_read(run, config, &e->config));
    if (e->place.attempt == 0 && e->place.run_dir != NULL)
        e->key = ""; // nothing is sent
    else
        TRY(open_key(run, e));
    TRY(open_asks(run, e));
    TRY(http_open(run, (int)e->config.in_flight, &e->http));
    return endpoint_cache_open(run, &e->place, &e->cache, &e->before);
}

Err teacher_endpoint(Arena *run, const Json *config, const EndpointPlace *place, Teacher **out)
{
    Endpoint *e = arena_new(run, Endpoint, 1);
    Err       outcome;

    *e = (Endpoint){.base = {&endpoint_kind}, .place = *place};
    outcome = open_endpoint(run, config, e);
    if (outcome != OK)
        teacher_endpoint_close(&e->base);
    *out = outcome == OK ? &e->base : NULL;
    return outcome;
}

void teacher_endpoint_close(Teacher *t)
{
    Endpoint *e = (Endpoint *)t;

    if (e->http != NULL)
        http_close(e->http);
    if (e->cache != NULL)
        endpoint_cache_close(e->cache);
    e->http = NULL;
    e->cache = NULL;
    for (int i = 0; i < e->asks; i++)
        arena_free(&e->ask[i].arena);
    arena_free(&e->scratch);
}

void teacher_usage_write(Text *t, const TeacherStats *s)
{
    text_printf(t,
                "{\"requests\": %" PRId64 ", \"cached\": %" PRId64 ", \"sent\": %" PRId64
                ", \"failed\": %" PRId64 ", \"prompt_tokens\": %" PRId64
                ", \"new_tokens\": %" PRId64 ", \"no_answer\": {\"http 429\": %" PRId64
                ", \"http 5xx\": %" PRId64 ", \"timed out\": %" PRId64
                ", \"connection cut\": %" PRId64 ", \"garbage reply\": %" PRId64
                ", \"wrong counts\": %" PRId64 ", \"no connection\": %" PRId64
                ", \"http 4xx\": %" PRId64 ", \"dropped\": %" PRId64 "}, \"cost\": ",
                s->requests, s->cached, s->sent, s->failed, s->prompt_tokens, s->new_tokens,
                s->retries_429, s->retries_5xx, s->retries_timeout, s->retries_cut,
                s->retries_garbage, s->retries_usage, s->retries_connect, s->refused, s->dropped);
    json_write_number(t, s->cost);
    text_puts(t, "}");
}
