#include "io/http/http.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { CONNECT_TIMEOUT_S = 30, REPLY_FIRST = 64 << 10, SLOT_BYTES = 3 * HTTP_REPLY_MAX };

typedef enum SlotState { SLOT_FREE, SLOT_FLYING, SLOT_ENDED, SLOT_TAKEN } SlotState;

typedef struct Slot {
    SlotState          state;
    CURL              *easy; // kept from request to request
    struct curl_slist *header;
    CURLcode           code;
    char               error[CURL_ERROR_SIZE];
    Arena              arena; // of the reply
    char              *body;
    int64_t            bytes, room, sent;
    int                is_too_large;
    HttpRequest        request;
} Slot;

struct Http {
    CURLM *multi;
    int    slots;
    Slot  *slot; // [slots]
};

// ---- what libcurl calls

static size_t keep_body(char *data, size_t size, size_t count, void *self)
{
    Slot   *s = self;
    int64_t more = (int64_t)(size * count);

    if (s->bytes + more > HTTP_REPLY_MAX) {
        s->is_too_large = 1;
        return 0; // ends the transfer
    }
    if (s->bytes + more >= s->room) {
        int64_t room = s->room == 0 ? REPLY_FIRST : s->room;
        while (s->bytes + more >= room)
            room *= 2;
        s->body = arena_grow(&s->arena, s->body, s->room, room); // in place: it is alone there
        s->room = room;
    }
    memcpy(s->body + s->bytes, data, (size_t)more);
    s->bytes += more;
    s->body[s->bytes] = 0;
    return size * count;
}

static size_t give_body(char *out, size_t size, size_t count, void *self)
{
    Slot   *s = self;
    int64_t most = (int64_t)(size * count), left = s->request.bytes - s->sent;
    int64_t n = left < most ? left : most;

    memcpy(out, s->request.body + s->sent, (size_t)n);
    s->sent += n;
    return (size_t)n;
}

// libcurl sends a request again if a kept connection dies without a byte of a reply, and would have
// to go back in the body for that.  The server may have seen the first one: we say no, so that it
// is for the caller to count and to try again.
static int never_again(void *self, curl_off_t offset, int origin)
{
    (void)self, (void)offset, (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

// ---- opening

static void set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, 0L);
#endif
}

// What is the same for all requests of a slot.
static void prepare(Slot *s)
{
    set_protocols(s->easy);
    curl_easy_setopt(s->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(s->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(s->easy, CURLOPT_USERAGENT, "tandem");
    curl_easy_setopt(s->easy, CURLOPT_ACCEPT_ENCODING, NULL);
    curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->error);
    curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(s->easy, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(s->easy, CURLOPT_READDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_SEEKFUNCTION, never_again);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
}

static Err open_slot(Slot *s)
{
    TRY(arena_make(&s->arena, "reply", SLOT_BYTES));
    s->easy = curl_easy_init();
    if (s->easy == NULL)
        FAIL(ERR_CONFIG, "libcurl cannot be used: it has no memory");
    prepare(s);
    return OK;
}

static Err open_slots(Http *h)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        FAIL(ERR_CONFIG, "libcurl cannot be used: it does not start (%s)", curl_version());
    h->multi = curl_multi_init();
    if (h->multi == NULL)
        FAIL(ERR_CONFIG, "libcurl cannot be used: it has no memory");
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)h->slots);
    for (int i = 0; i < h->slots; i++)
        TRY(open_slot(&h->slot[i]));
    return OK;
}

Err http_open(Arena *run, int slots, Http **out)
{
    Http *h = arena_new(run, Http, 1);
    Err   e;

    CHECK(slots > 0, "%d slots", slots);
    h->slots = slots;
    h->slot = arena_new(run, Slot, slots);
    e = open_slots(h);
    if (e != OK)
        http_close(h);
    *out = e == OK ? h : NULL;
    return e;
}

void http_close(Http *h)
{
    http_clear(h);
    for (int i = 0; i < h->slots; i++) {
        curl_easy_cleanup(h->slot[i].easy);
        arena_free(&h->slot[i].arena);
    }
    curl_multi_cleanup(h->multi);
    curl_global_cleanup();
}

// ---- requests

static void free_slot(Http *h, Slot *s)
{
    if (s->state == SLOT_FLYING)
        curl_multi_remove_handle(h->multi, s->easy);
    curl_slist_free_all(s->header);
    s->header = NULL;
    s->state = SLOT_FREE;
    arena_back(&s->arena, 0);
}

int http_running(const Http *h)
{
    int n = 0;

    for (int i = 0; i < h->slots; i++)
        n += h->slot[i].state == SLOT_FLYING || h->slot[i].state == SLOT_ENDED;
    return n;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(list, line);

    CHECK(longer != NULL, "no memory for a header");
    return longer;
}

static void set_request(Slot *s, const HttpRequest *r)
{
    long timeout_ms = (long)(r->timeout_s * 1000), connect_ms = CONNECT_TIMEOUT_S * 1000L;

    for (int i = 0; i < r->headers; i++)
        s->header = add_header(s->header, r->header[i]);
    s->header = add_header(s->header, "Expect:"); // no waiting for "100 Continue"
    curl_easy_setopt(s->easy, CURLOPT_URL, r->url);
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->header);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->bytes);
    curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS,
                     timeout_ms < connect_ms ? timeout_ms : connect_ms);
}

void http_post(Http *h, const HttpRequest *r)
{
    Slot *s = h->slot;

    while (s < h->slot + h->slots && s->state != SLOT_FREE && s->state != SLOT_TAKEN)
        s++;
    CHECK(s < h->slot + h->slots, "more requests in flight than slots");
    free_slot(h, s);
    s->request = *r;
    s->body = arena_new(&s->arena, char, 1);
    s->room = 1;
    s->bytes = s->sent = 0;
    s->is_too_large = 0;
    s->error[0] = 0;
    set_request(s, r);
    CHECK(curl_multi_add_handle(h->multi, s->easy) == CURLM_OK, "libcurl takes no request");
    s->state = SLOT_FLYING;
}

static void note_ended(Http *h)
{
    CURLMsg *message;
    int      left;

    while ((message = curl_multi_info_read(h->multi, &left)) != NULL) {
        Slot    *s;
        CURLcode code = message->data.result;
        CURL    *easy = message->easy_handle;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&s);
        curl_multi_remove_handle(h->multi, easy); // `message` is gone with this
        s->code = code;
        s->state = SLOT_ENDED;
    }
}

void http_step(Http *h, double wait_s)
{
    int running;

    for (int i = 0; i < h->slots; i++)
        if (h->slot[i].state == SLOT_TAKEN)
            free_slot(h, &h->slot[i]);
    curl_multi_perform(h->multi, &running);
    note_ended(h);
    for (int i = 0; i < h->slots; i++)
        if (h->slot[i].state == SLOT_ENDED)
            return;
    curl_multi_poll(h->multi, NULL, 0, (int)(wait_s * 1000), NULL);
    curl_multi_perform(h->multi, &running);
    note_ended(h);
}

// ---- replies

static HttpEnd end_of(const Slot *s)
{
    curl_off_t ready_us = 0; // when the connection could take a request

    curl_easy_getinfo(s->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    if (s->is_too_large)
        return HTTP_TOO_LARGE;
    switch (s->code) {
    case CURLE_OK: return HTTP_REPLIED;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_PROXY: return HTTP_NOT_REACHED;
    case CURLE_OPERATION_TIMEDOUT: return ready_us == 0 ? HTTP_NOT_REACHED : HTTP_TIMED_OUT;
    default: return HTTP_CUT;
    }
}

static void describe(Slot *s, HttpReply *out)
{
    long       status = 0;
    curl_off_t after = 0;

    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after);
    *out = (HttpReply){.tag = s->request.tag,
                       .end = end_of(s),
                       .status = (int)status,
                       .body = s->body,
                       .bytes = s->bytes,
                       .retry_after_s = (double)after};
    if (s->code != CURLE_OK)
        snprintf(out->why, sizeof out->why, "%s",
                 s->is_too_large    ? "the reply is too large"
                 : s->error[0] != 0 ? s->error
                                    : curl_easy_strerror(s->code));
}

int http_take(Http *h, HttpReply *out)
{
    for (int i = 0; i < h->slots; i++)
        if (h->slot[i].state == SLOT_ENDED) {
            describe(&h->slot[i], out);
            h->slot[i].state = SLOT_TAKEN;
            return 1;
        }
    return 0;
}

void http_clear(Http *h)
{
    for (int i = 0; i < h->slots; i++)
        free_slot(h, &h->slot[i]);
}
