#define _GNU_SOURCE // POLLRDHUP
#include "io/http/http_server.h"

#include "base/clock.h"
#include "base/text.h"
#include "io/http/http_listen.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ARENA_BYTES = 64 << 20,  // addresses of a request: its body, what waits to be sent
    OUT_MAX = 8 << 20,       // a client with more to read than this does not read
    MEMORY_BYTES = 64 << 10, // of the library per connection: headers, buffers
    TURNS = 16               // of the library per wait, while there is something to read
};

static const double LOOK_S = 0.05; // how often we look for clients that went away

typedef enum State {
    FREE,      // no connection
    RECEIVING, // no request yet, or not all of it
    ASKED,     // whole; waits to be taken
    TAKEN,     // the caller's turn
    REPLIED,   // the reply is on its way
    STREAMING, // began, not ended
    ENDING     // the stream has ended, what is left of it is on its way
} State;

typedef struct Conn {
    State                  state;
    int                    fd;
    struct MHD_Connection *connection; // NULL while there is no request
    int                    is_asleep;  // suspended: the library does not look at it
    int                    is_cut;     // to be closed
    double                 since;      // receiving, seconds
    int64_t                number;     // of the request
    Arena                  arena;      // of the request
    char                  *method, *path;
    Text                   body;
    int                    is_too_large, owns_response;
    struct MHD_Response   *response; // to be queued, if owns_response
    int                    status;
    Text                   out; // of a stream
    int64_t                sent;
} Conn;

typedef struct Ring { // numbers of requests, first in, first out
    int64_t *number;  // [size]
    int64_t  first, count, size;
} Ring;

struct HttpServer {
    HttpServerSpec     spec;
    struct MHD_Daemon *daemon;
    int                port, poll_fd;
    int64_t            requests;
    double             looked_at;
    int                has_woken; // since the last turn of the library
    Conn              *conn;      // [connections]
    struct pollfd     *sleeper;   // [connections]
    int               *whose;     // [connections]
    Ring               asked, gone;
};

// ---- requests and connections by number

static void ring_add(Ring *r, int64_t number)
{
    CHECK(r->count < r->size, "%" PRId64 " numbers", r->count);
    r->number[(r->first + r->count++) % r->size] = number;
}

static int ring_take(Ring *r, int64_t *number)
{
    if (r->count == 0)
        return 0;
    *number = r->number[r->first];
    r->first = (r->first + 1) % r->size;
    r->count--;
    return 1;
}

// The connection of a request, NULL if it is gone.
static Conn *find(const HttpServer *s, int64_t number)
{
    Conn *c = &s->conn[number % s->spec.connections];

    return c->state > RECEIVING && c->number == number ? c : NULL;
}

static void fall_asleep(Conn *c)
{
    MHD_suspend_connection(c->connection);
    c->is_asleep = 1;
}

// The library does not say by itself that it has to do something for one that was woken.
static void wake(HttpServer *s, Conn *c)
{
    if (!c->is_asleep)
        return;
    MHD_resume_connection(c->connection);
    c->is_asleep = 0;
    s->has_woken = 1;
}

// Closes at the next turn of the library, which tells us when it is done.
static void cut(HttpServer *s, Conn *c)
{
    c->is_cut = 1;
    if (!c->is_asleep)
        shutdown(c->fd, SHUT_RDWR); // it may wait for a client that does not read
    wake(s, c);
}

// ---- what the library calls

static void on_connection(void *self, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    HttpServer *s = self;
    Conn       *c = *context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (c != NULL)
            c->state = FREE;
        return;
    }
    for (int i = 0; i < s->spec.connections && c == NULL; i++)
        if (s->conn[i].state == FREE)
            c = &s->conn[i];
    CHECK(c != NULL, "more connections than %d", s->spec.connections);
    *c = (Conn){
        .state = RECEIVING,
        .fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
        .since = clock_now()};
    *context = c;
}

static void on_completed(void *self, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    HttpServer *s = self;
    Conn       *c = *context;

    (void)connection;
    (void)code;
    if (c == NULL)
        return;
    if (c->state == TAKEN || c->state == STREAMING)
        ring_add(&s->gone, c->number);
    if (c->owns_response)
        MHD_destroy_response(c->response);
    arena_free(&c->arena);
    *c = (Conn){.state = RECEIVING, .fd = c->fd, .since = clock_now()};
    *context = NULL;
}

static enum MHD_Result begin_request(HttpServer *s, Conn *c, struct MHD_Connection *connection,
                                     const char *path, const char *method)
{
    if (arena_make(&c->arena, "request", ARENA_BYTES) != OK) {
        err_forget();
        return MHD_NO;
    }
    c->connection = connection;
    c->number = ++s->requests * s->spec.connections + (c - s->conn);
    c->since = clock_now();
    c->method = arena_text(&c->arena, method);
    c->path = arena_text(&c->arena, path);
    c->body = text_make(&c->arena);
    return MHD_YES;
}

static void receive(Conn *c, const char *bytes, size_t length)
{
    if (c->body.length + (int64_t)length > HTTP_SERVER_BODY_MAX)
        c->is_too_large = 1; // the rest is read all the same: most clients listen only then
    if (!c->is_too_large)
        text_add(&c->body, bytes, (int64_t)length);
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
    HttpServer *s = self;
    Conn       *c =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void)version;
    if (c->is_cut)
        return MHD_NO;
    if (*context == NULL) {
        *context = c;
        return begin_request(s, c, connection, path, method);
    }
    if (*upload_size > 0) {
        receive(c, upload, *upload_size);
        *upload_size = 0;
    } else if (c->state == RECEIVING) {
        c->state = ASKED;
        ring_add(&s->asked, c->number);
        fall_asleep(c);
    } else if (c->owns_response) {
        enum MHD_Result queued =
            MHD_queue_response(connection, (unsigned int)c->status, c->response);
        MHD_destroy_response(c->response); // the library keeps it until it is sent
        c->owns_response = 0;
        return queued;
    }
    return MHD_YES;
}

// Brings the next bytes of a stream; sleeps while there are none.
static ssize_t on_read(void *self, uint64_t at, char *buffer, size_t room)
{
    Conn   *c = self;
    int64_t left = c->out.length - c->sent, count = left < (int64_t)room ? left : (int64_t)room;

    (void)at;
    if (c->is_cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (count == 0 && c->state == ENDING)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (count == 0) {
        fall_asleep(c);
        return 0;
    }
    memcpy(buffer, c->out.data + c->sent, (size_t)count);
    c->sent += count;
    if (c->sent == c->out.length)
        c->sent = c->out.length = 0;
    return count;
}

// ---- opening

static Ring ring_make(Arena *run, int64_t size)
{
    return (Ring){.number = arena_new(run, int64_t, size), .size = size};
}

int64_t http_server_need(int connections)
{
    return arena_need(1, (int64_t)sizeof(HttpServer)) +
           arena_need(connections, (int64_t)sizeof(Conn)) +
           arena_need(connections, (int64_t)sizeof(struct pollfd)) +
           arena_need(connections, (int64_t)sizeof(int)) +
           2 * arena_need(2L * connections, (int64_t)sizeof(int64_t));
}

static Err start(HttpServer *s, int fd)
{
    s->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
                         MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned int)s->spec.connections, MHD_OPTION_CONNECTION_TIMEOUT,
                         (unsigned int)(s->spec.receive_s + 1), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         (size_t)MEMORY_BYTES, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                         MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (s->daemon == NULL) {
        close(fd);
        FAIL(ERR_CONFIG, "the HTTP server could not be started: %s", strerror(errno));
    }
    s->poll_fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return OK;
}

Err http_server_open(Arena *run, const HttpServerSpec *spec, HttpServer **out)
{
    HttpServer *s = arena_new(run, HttpServer, 1);
    int         fd, n = spec->connections;

    s->spec = *spec;
    s->conn = arena_new(run, Conn, n);
    s->sleeper = arena_new(run, struct pollfd, n);
    s->whose = arena_new(run, int, n);
    s->asked = ring_make(run, 2L * n);
    s->gone = ring_make(run, 2L * n);
    signal(SIGPIPE, SIG_IGN);
    TRY(http_listen(spec->host, spec->port, &fd, &s->port));
    TRY(start(s, fd));
    *out = s;
    return OK;
}

int http_server_port(const HttpServer *s)
{
    return s->port;
}

// ---- the network's turn

// The library does not look at connections that sleep, so we do.
static void look_for_cut(HttpServer *s)
{
    int sleepers = 0;

    for (int i = 0; i < s->spec.connections; i++)
        if (s->conn[i].state != FREE && s->conn[i].is_asleep) {
            s->sleeper[sleepers] = (struct pollfd){.fd = s->conn[i].fd, .events = POLLRDHUP};
            s->whose[sleepers++] = i;
        }
    if (sleepers == 0 || poll(s->sleeper, (nfds_t)sleepers, 0) <= 0)
        return;
    for (int i = 0; i < sleepers; i++)
        if (s->sleeper[i].revents != 0)
            cut(s, &s->conn[s->whose[i]]);
}

static void look_for_slow(HttpServer *s, double now)
{
    for (int i = 0; i < s->spec.connections; i++) {
        Conn *c = &s->conn[i];

        if (c->state == RECEIVING && now - c->since > s->spec.receive_s) {
            shutdown(c->fd, SHUT_RDWR); // the library sees an end and closes
            c->since = now;
        }
    }
}

static int has_more(HttpServer *s)
{
    struct pollfd      p = {.fd = s->poll_fd, .events = POLLIN};
    unsigned long long ms;

    return (MHD_get_timeout(s->daemon, &ms) == MHD_YES && ms == 0) || poll(&p, 1, 0) > 0;
}

void http_server_wait(HttpServer *s, double seconds)
{
    struct pollfd      p = {.fd = s->poll_fd, .events = POLLIN};
    unsigned long long ms;
    double             now;

    if (seconds > 1)
        seconds = 1;
    if (s->has_woken)
        seconds = 0;
    s->has_woken = 0;
    if (MHD_get_timeout(s->daemon, &ms) == MHD_YES && (double)ms / 1000 < seconds)
        seconds = (double)ms / 1000;
    if (seconds > 0)
        poll(&p, 1, (int)(seconds * 1000) + 1);
    for (int turn = 0; turn < TURNS && (turn == 0 || has_more(s)); turn++)
        MHD_run(s->daemon);
    now = clock_now();
    if (now - s->looked_at < LOOK_S)
        return;
    s->looked_at = now;
    look_for_cut(s);
    look_for_slow(s, now);
}

int http_server_take(HttpServer *s, HttpRequest *out)
{
    int64_t number;

    while (ring_take(&s->asked, &number)) {
        Conn *c = find(s, number);

        if (c == NULL)
            continue; // gone before it was looked at
        c->state = TAKEN;
        if (c->is_too_large)
            c->body.length = 0;
        *out = (HttpRequest){.number = number,
                             .method = c->method,
                             .path = c->path,
                             .body = c->body.length > 0 ? c->body.data : "",
                             .bytes = c->body.length,
                             .is_too_large = c->is_too_large};
        return 1;
    }
    return 0;
}

const char *http_server_header(const HttpServer *s, int64_t number, const char *name)
{
    const Conn *c = find(s, number);

    return c == NULL ? NULL : MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

int http_server_gone(HttpServer *s, int64_t *number)
{
    return ring_take(&s->gone, number);
}

// ---- replies

static void answer(HttpServer *s, Conn *c, State state, int status, struct MHD_Response *response,
                   const char *type)
{
    if (response == NULL) { // no memory: the client sees the connection end
        c->state = REPLIED;
        cut(s, c);
        return;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    c->state = state;
    c->status = status;
    c->response = response;
    c->owns_response = 1;
    wake(s, c);
}

void http_server_reply(HttpServer *s, int64_t number, const HttpReply *reply)
{
    Conn                *c = find(s, number);
    struct MHD_Response *r;

    if (c == NULL || c->is_cut)
        return;
    CHECK(c->state == TAKEN, "request %" PRId64 " is in state %d", number, c->state);
    r = MHD_create_response_from_buffer((size_t)reply->bytes, (void *)(uintptr_t)reply->body,
                                        MHD_RESPMEM_MUST_COPY);
    if (r != NULL && reply->header != NULL)
        MHD_add_response_header(r, reply->header, reply->value);
    answer(s, c, REPLIED, reply->status, r, reply->type);
}

void http_server_stream(HttpServer *s, int64_t number, const char *type)
{
    Conn *c = find(s, number);

    if (c == NULL || c->is_cut)
        return;
    CHECK(c->state == TAKEN, "request %" PRId64 " is in state %d", number, c->state);
    c->out = text_make(&c->arena);
    answer(s, c, STREAMING, MHD_HTTP_OK,
           MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, MEMORY_BYTES / 4, on_read, c, NULL),
           type);
}

void http_server_chunk(HttpServer *s, int64_t number, const char *bytes, int64_t length)
{
    Conn *c = find(s, number);

    if (c == NULL || c->is_cut)
        return;
    CHECK(c->state == STREAMING, "request %" PRId64 " is in state %d", number, c->state);
    if (c->out.length + length > OUT_MAX) {
        cut(s, c);
        return;
    }
    text_add(&c->out, bytes, length);
    wake(s, c);
}

void http_server_end(HttpServer *s, int64_t number)
{
    Conn *c = find(s, number);

    if (c == NULL || c->is_cut)
        return;
    CHECK(c->state == STREAMING, "request %" PRId64 " is in state %d", number, c->state);
    c->state = ENDING;
    wake(s, c);
}

// ---- closing

void http_server_deafen(HttpServer *s)
{
    MHD_socket fd = MHD_quiesce_daemon(s->daemon);

    if (fd != MHD_INVALID_SOCKET)
        close(fd);
}

static int has_unsent(const HttpServer *s)
{
    for (int i = 0; i < s->spec.connections; i++)
        if (s->conn[i].state == REPLIED || s->conn[i].state == ENDING)
            return 1;
    return 0;
}

void http_server_close(HttpServer *s, double seconds)
{
    double end = clock_now() + seconds;

    while (has_unsent(s) && clock_now() < end)
        http_server_wait(s, 0.01);
    for (int i = 0; i < s->spec.connections; i++)
        if (s->conn[i].state != FREE)
            cut(s, &s->conn[i]);
    MHD_run(s->daemon); // nobody may be asleep when the library ends
    MHD_stop_daemon(s->daemon);
}
