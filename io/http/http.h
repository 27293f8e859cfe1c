// http.h -- the only door to libcurl: many POSTs in flight, none of which is waited for.
//
// http and https only, no redirects, certificates verified, HTTP/1.1 with connections kept open.
// A request leaves exactly once: nothing is sent again behind the caller's back.  Headers may hold
// secrets: they are copied into no message.  All functions are local and of one thread.
#ifndef TD_IO_HTTP_HTTP_H
#define TD_IO_HTTP_HTTP_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum { HTTP_REPLY_MAX = 16 << 20, HTTP_WHY_MAX = 256 };

typedef struct Http Http;

typedef struct HttpRequest {
    const char        *url;
    const char *const *header; // [headers], "Name: value"; copied
    int                headers;
    const char        *body; // [bytes]; borrowed until its reply is taken or http_clear
    int64_t            bytes;
    double             timeout_s; // for all of it
    int64_t            tag;       // the caller's, given back
} HttpRequest;

typedef enum HttpEnd {
    HTTP_REPLIED,     // a whole reply, of any status
    HTTP_NOT_REACHED, // no connection: name, address, certificate; nothing was sent
    HTTP_TIMED_OUT,
    HTTP_CUT,      // the connection ended before the reply did
    HTTP_TOO_LARGE // more than HTTP_REPLY_MAX bytes
} HttpEnd;

typedef struct HttpReply {
    int64_t     tag;
    HttpEnd     end;
    int         status; // 0: none came
    const char *body;   // [bytes], with a zero behind; valid until http_step or http_clear
    int64_t     bytes;
    double      retry_after_s;     // what the server asks for; 0: nothing
    char        why[HTTP_WHY_MAX]; // the library's words on what went wrong, "" if nothing
} HttpReply;

// slots: most requests in flight.  ERR_CONFIG: no room for replies, or no TLS in the library.
Err  http_open(Arena *run, int slots, Http **out);
void http_close(Http *h); // before `run` goes back

int  http_running(const Http *h);              // sent, and not taken
void http_post(Http *h, const HttpRequest *r); // the caller has seen running < slots
void http_step(Http *h, double wait_s);        // moves bytes; waits at most so long for some
int  http_take(Http *h, HttpReply *out);       // 0: none has ended
void http_clear(Http *h);                      // forgets all, in flight or not taken

#endif
