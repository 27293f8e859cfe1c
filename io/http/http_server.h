// http_server.h -- the only door to libmicrohttpd: requests in, replies or streams out.
//
// One thread, no callbacks: wait for the network, take requests that are there as a whole, reply
// when the answer is known, hear of clients that went away.  Meanwhile a connection sleeps.  The
// number of connections is bounded, and so are the time a request may take to arrive, its body, and
// what waits for a client that does not read.
#ifndef TD_IO_HTTP_HTTP_SERVER_H
#define TD_IO_HTTP_HTTP_SERVER_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum { HTTP_SERVER_BODY_MAX = 4 << 20 };

typedef struct HttpServerSpec {
    const char *host;        // name or address to listen at
    int         port;        // 0: any that is free
    int         connections; // at once; others wait in the queue of the system
    double      receive_s;   // a request has to be there within, or the connection is closed
} HttpServerSpec;

typedef struct HttpRequest {
    int64_t     number;        // names the request; no other one ever has it
    const char *method, *path; // valid until it is replied to, like the body
    const char *body;          // [bytes], with a zero byte behind
    int64_t     bytes;
    int         is_too_large; // the body had more than HTTP_SERVER_BODY_MAX bytes and is not here
} HttpRequest;

typedef struct HttpReply {
    int         status;
    const char *type; // "application/json"
    const char *body; // [bytes], copied
    int64_t     bytes;
    const char *header, *value; // one more header, or NULL
} HttpReply;

typedef struct HttpServer HttpServer;

// ERR_CONFIG: no such host, the port is taken.  Signals for broken connections are turned off.
Err     http_server_open(Arena *run, const HttpServerSpec *spec, HttpServer **out);
int64_t http_server_need(int connections); // bytes of `run`
int     http_server_port(const HttpServer *s);

// Does what the network has for us; waits at most this long for something to do.
void http_server_wait(HttpServer *s, double seconds);

// The next request that has arrived as a whole; 0: none.
int http_server_take(HttpServer *s, HttpRequest *out);
// A header of a request that was taken, NULL if it has none.
const char *http_server_header(const HttpServer *s, int64_t number, const char *name);
// The next request that was taken and whose client went away before the end of its reply; 0: none.
// Its number means nothing from then on.
int http_server_gone(HttpServer *s, int64_t *number);

// Either one reply, or a stream: begin, any number of chunks, end.  To a client that is gone,
// nothing is sent.
void http_server_reply(HttpServer *s, int64_t number, const HttpReply *reply);
void http_server_stream(HttpServer *s, int64_t number, const char *type);
void http_server_chunk(HttpServer *s, int64_t number, const char *bytes, int64_t length);
void http_server_end(HttpServer *s, int64_t number);

// Takes no new connections from now on.
void http_server_deafen(HttpServer *s);
// Sends for at most this long what was replied, then closes all connections.
void http_server_close(HttpServer *s, double seconds);

#endif
