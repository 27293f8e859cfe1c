// The door of `tandem serve`: bytes of a client, who sends them in two parts and then ends;
// requests that become whole are answered at once or in pieces.
#include "io/http/http_server.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 4, TURNS = 40, HEARD = 1 << 12 };

static HttpServer *server;

static void close_server(void)
{
    http_server_close(server, 1);
}

static HttpServer *open_server(void)
{
    static Arena   arena;
    HttpServerSpec spec = {"127.0.0.1", 0, CONNECTIONS, 5};

    if (server != NULL)
        return server;
    CHECK(arena_make(&arena, "server", http_server_need(CONNECTIONS)) == OK &&
              http_server_open(&arena, &spec, &server) == OK,
          "%s", err_record()->text);
    atexit(close_server);
    return server;
}

static int call(const HttpServer *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct linger      at_once = {1, 0}; // no port stays behind: there are many calls
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_port = htons((uint16_t)http_server_port(s));
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "no connection");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return fd;
}

static void answer(HttpServer *s, const HttpRequest *r)
{
    HttpReply reply = {200, "text/plain", r->path, (int64_t)strlen(r->path), "X-Mood", "good"};

    FUZZ_HOLDS(r->method != NULL && r->path != NULL && r->bytes <= HTTP_SERVER_BODY_MAX);
    FUZZ_HOLDS(r->is_too_large || r->bytes == 0 || r->body[r->bytes] == 0);
    http_server_header(s, r->number, "Authorization");
    if (r->bytes % 2 == 0) {
        http_server_reply(s, r->number, &reply);
        return;
    }
    http_server_stream(s, r->number, "text/event-stream");
    http_server_chunk(s, r->number, r->body, r->bytes);
    http_server_end(s, r->number);
}

// Everything there is to do; the requests that were answered.
static int64_t serve(HttpServer *s, int fd)
{
    char        heard[HEARD];
    HttpRequest r;
    int64_t     requests = 0, gone;
    int         is_over = 0;

    for (int turn = 0; turn < TURNS && !is_over; turn++) {
        http_server_wait(s, turn < TURNS / 2 ? 0 : 0.0005);
        for (; http_server_take(s, &r); requests++)
            answer(s, &r);
        while (http_server_gone(s, &gone))
            continue;
        is_over = recv(fd, heard, sizeof heard, MSG_DONTWAIT) == 0;
    }
    return requests;
}

static Err send_all(HttpServer *s, int fd, const uint8_t *data, size_t size)
{
    size_t  half = size / 2;
    int64_t requests;

    send(fd, data, half, MSG_NOSIGNAL);
    http_server_wait(s, 0);
    send(fd, data + half, size - half, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    requests = serve(s, fd);
    if (requests == 0)
        FAIL(ERR_DATA, "no request became whole");
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HttpServer *s;
    int64_t     gone;
    int         fd;
    Err         e;

    fuzz_begin();
    s = open_server();
    fd = call(s);
    e = send_all(s, fd, data, size);
    close(fd);
    for (int turn = 0; turn < 4; turn++)
        http_server_wait(s, 0);
    while (http_server_gone(s, &gone))
        continue;
    return fuzz_end(e);
}
