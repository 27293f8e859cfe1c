#include "base/clock.h"
#include "io/http/http_server.h"
#include "tests/check.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 3 };

static Arena       arena;
static HttpServer *server;

static void open_server(double receive_s)
{
    HttpServerSpec spec = {"127.0.0.1", 0, CONNECTIONS, receive_s};
    ArenaMark      before;

    EXPECT_OK(arena_make(&arena, "test", 64 << 20));
    before = arena_mark(&arena);
    EXPECT_OK(http_server_open(&arena, &spec, &server));
    EXPECT_INT(arena_mark(&arena) - before, http_server_need(CONNECTIONS));
    EXPECT(http_server_port(server) > 0);
}

static void close_server(void)
{
    http_server_close(server, 1);
    arena_free(&arena);
}

static int client(const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int                fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_port = htons((uint16_t)http_server_port(server));
    EXPECT(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    EXPECT_INT(send(fd, text, strlen(text), 0), (int64_t)strlen(text));
    return fd;
}

// The next request; waits for it.
static int next_request(HttpRequest *r)
{
    double end = clock_now() + 5;

    while (clock_now() < end) {
        http_server_wait(server, 0.05);
        if (http_server_take(server, r))
            return 1;
    }
    return 0;
}

// What a client reads until the connection ends, or until `until` has come.
static const char *hear(int fd, const char *until)
{
    static char heard[1 << 16];
    double      end = clock_now() + 5;
    size_t      length = 0;

    heard[0] = 0;
    while (clock_now() < end && (until == NULL || strstr(heard, until) == NULL)) {
        ssize_t got;

        http_server_wait(server, 0.02);
        got = recv(fd, heard + length, sizeof heard - 1 - length, MSG_DONTWAIT);
        if (got == 0)
            break;
        length += got > 0 ? (size_t)got : 0;
        heard[length] = 0;
    }
    return heard;
}

static int hears_of_gone(int64_t number)
{
    double  end = clock_now() + 5;
    int64_t gone;

    while (clock_now() < end) {
        http_server_wait(server, 0.02);
        if (http_server_gone(server, &gone))
            return gone == number;
    }
    return 0;
}

static void a_request_comes_whole_and_is_replied_to(const Comm *c)
{
    HttpRequest r = {0};
    HttpReply   reply = {200, "text/plain", "fine", 4, "X-Mood", "good"};
    const char *heard;
    int         fd;

    (void)c;
    open_server(10);
    EXPECT(!http_server_take(server, &r));
    fd = client("POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nX-Key: k\r\nContent-Length: 5\r\n\r\nhel");
    http_server_wait(server, 0.05);
    http_server_wait(server, 0.05);
    EXPECT(!http_server_take(server, &r));
    EXPECT_INT(send(fd, "lo", 2, 0), 2);
    EXPECT(next_request(&r));
    EXPECT_TEXT(r.method, "POST");
    EXPECT_TEXT(r.path, "/a/b");
    EXPECT_TEXT(r.body, "hello");
    EXPECT_INT(r.bytes, 5);
    EXPECT_TEXT(http_server_header(server, r.number, "x-key"), "k");
    EXPECT(http_server_header(server, r.number, "x-lock") == NULL);
    http_server_reply(server, r.number, &reply);
    heard = hear(fd, "fine");
    EXPECT(strncmp(heard, "HTTP/1.1 200 OK\r\n", 17) == 0);
    EXPECT(strstr(heard, "X-Mood: good\r\n") != NULL);
    EXPECT(strstr(heard, "Content-Type: text/plain\r\n") != NULL);
    EXPECT_INT(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0), 27); // the same connection
    EXPECT(next_request(&r));
    EXPECT_INT(r.bytes, 0);
    http_server_reply(server, r.number, &reply);
    EXPECT(strstr(hear(fd, "fine"), "200 OK") != NULL);
    http_server_reply(server, r.number + 1000, &reply); // nobody's
    close(fd);
    close_server();
}

static void a_stream_is_sent_as_it_comes(const Comm *c)
{
    HttpRequest r = {0};
    const char *heard;
    int         fd;

    (void)c;
    open_server(10);
    fd = client("GET /s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT(next_request(&r));
    http_server_stream(server, r.number, "text/event-stream");
    http_server_chunk(server, r.number, "one", 3);
    EXPECT(strstr(hear(fd, "one"), "text/event-stream") != NULL);
    for (int i = 0; i < 5; i++)
        http_server_wait(server, 0.01);
    http_server_chunk(server, r.number, "two", 3);
    EXPECT(strstr(hear(fd, "two"), "two") != NULL);
    http_server_chunk(server, r.number, "three", 5);
    http_server_end(server, r.number);
    heard = hear(fd, NULL);
    EXPECT(strstr(heard, "three") != NULL);
    EXPECT(strstr(heard, "\r\n0\r\n\r\n") != NULL);
    close(fd);
    close_server();
}

static void clients_that_go_away_are_told_of(const Comm *c)
{
    HttpRequest r = {0};
    int64_t     none;
    int         fd;

    (void)c;
    open_server(10);
    fd = client("GET /asks HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT(next_request(&r));
    EXPECT(!http_server_gone(server, &none));
    close(fd);
    EXPECT(hears_of_gone(r.number));
    http_server_reply(server, r.number, &(HttpReply){200, "a/b", "", 0, NULL, NULL});
    fd = client("GET /streams HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT(next_request(&r));
    http_server_stream(server, r.number, "text/plain");
    http_server_chunk(server, r.number, "one", 3);
    EXPECT(strstr(hear(fd, "one"), "one") != NULL);
    close(fd);
    EXPECT(hears_of_gone(r.number));
    http_server_chunk(server, r.number, "two", 3);
    http_server_end(server, r.number);
    EXPECT(!http_server_gone(server, &none));
    close_server();
}

static void a_client_that_does_not_read_is_cut(const Comm *c)
{
    static char block[1 << 20];
    HttpRequest r = {0};
    int         fd;

    (void)c;
    open_server(10);
    fd = client("GET /s HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT(next_request(&r));
    http_server_stream(server, r.number, "text/plain");
    for (int i = 0; i < 40; i++) {
        http_server_chunk(server, r.number, block, sizeof block);
        http_server_wait(server, 0);
    }
    EXPECT(hears_of_gone(r.number));
    close(fd);
    close_server();
}

static void requests_have_to_arrive_in_time(const Comm *c)
{
    HttpRequest r;
    double      began;
    int         fd[3];

    (void)c;
    open_server(0.3);
    fd[0] = client("");
    fd[1] = client("GET / HTT");
    fd[2] = client("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    began = clock_now();
    for (int i = 0; i < 3; i++) {
        hear(fd[i], NULL);
        close(fd[i]);
    }
    EXPECT(clock_now() - began < 3);
    EXPECT(!http_server_take(server, &r));
    close_server();
}

static void more_connections_than_there_are_wait_outside(const Comm *c)
{
    enum { CLIENTS = 3 * CONNECTIONS };
    HttpRequest r;
    int         fd[CLIENTS], replied = 0, taken = 0;

    (void)c;
    open_server(10);
    for (int i = 0; i < CLIENTS; i++)
        fd[i] = client("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    for (int i = 0; i < 10; i++)
        http_server_wait(server, 0.01);
    while (replied < CLIENTS && next_request(&r)) {
        taken++;
        http_server_reply(server, r.number, &(HttpReply){200, "a/b", "ok", 2, NULL, NULL});
        replied++;
    }
    EXPECT_INT(taken, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        EXPECT(strstr(hear(fd[i], "ok"), "200 OK") != NULL);
        close(fd[i]);
    }
    close_server();
}

static void a_large_body_is_told_and_not_kept(const Comm *c)
{
    static char block[1 << 16];
    HttpRequest r = {0};
    char        head[128];
    int64_t     bytes = HTTP_SERVER_BODY_MAX + 1, sent = 0;
    int         fd;

    (void)c;
    open_server(10);
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %" PRId64 "\r\n\r\n",
             bytes);
    fd = client(head);
    memset(block, 'a', sizeof block);
    while (sent < bytes) {
        int64_t left = bytes - sent,
                n = left < (int64_t)sizeof block ? left : (int64_t)sizeof block;
        ssize_t went = send(fd, block, (size_t)n, MSG_DONTWAIT);

        sent += went > 0 ? went : 0;
        http_server_wait(server, 0);
    }
    EXPECT(next_request(&r));
    EXPECT(r.is_too_large);
    EXPECT_INT(r.bytes, 0);
    http_server_reply(server, r.number, &(HttpReply){413, "a/b", "no", 2, NULL, NULL});
    EXPECT(strstr(hear(fd, "no"), "413") != NULL);
    close(fd);
    close_server();
}

static void closing_sends_what_was_replied(const Comm *c)
{
    HttpRequest r = {0}, other = {0};
    char        heard[512] = "";
    int         fd, idle;

    (void)c;
    open_server(10);
    fd = client("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT(next_request(&r));
    idle = client("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT(next_request(&other)); // never replied to
    http_server_deafen(server);
    http_server_reply(server, r.number, &(HttpReply){200, "a/b", "last", 4, NULL, NULL});
    close_server();
    EXPECT(recv(fd, heard, sizeof heard - 1, 0) > 0);
    EXPECT(strstr(heard, "last") != NULL);
    EXPECT(recv(idle, heard, sizeof heard - 1, 0) <= 0);
    close(fd);
    close(idle);
}

static void a_port_that_is_taken_is_said(const Comm *c)
{
    HttpServer *second;

    (void)c;
    open_server(10);
    EXPECT_ERR(http_server_open(
                   &arena, &(HttpServerSpec){"127.0.0.1", http_server_port(server), 2, 1}, &second),
               ERR_CONFIG, "in use");
    EXPECT_ERR(
        http_server_open(&arena, &(HttpServerSpec){"no.such.host.invalid", 0, 2, 1}, &second),
        ERR_CONFIG, "no.such.host.invalid");
    close_server();
}

TEST_MAIN(CASE(a_request_comes_whole_and_is_replied_to), CASE(a_stream_is_sent_as_it_comes),
          CASE(clients_that_go_away_are_told_of), CASE(a_client_that_does_not_read_is_cut),
          CASE(requests_have_to_arrive_in_time), CASE(more_connections_than_there_are_wait_outside),
          CASE(a_large_body_is_told_and_not_kept), CASE(closing_sends_what_was_replied),
          CASE(a_port_that_is_taken_is_said))
