// Which path is answered by what, and what is refused.
#include "cli/serve.h"

#include <inttypes.h>
#include <string.h>

// allowed: the method that would have been right, for 405.
static void reply_fault(Serve *s, int64_t number, const ServeFault *fault, const char *message,
                        const char *allowed)
{
    Text      t = text_make(s->scratch);
    HttpReply r = {.status = fault->status, .type = "application/json"};

    serve_write_error(&t, fault, message);
    r.body = t.data;
    r.bytes = t.length;
    if (fault->status == 429 || fault->status == 503) {
        r.header = "Retry-After";
        r.value = "1";
    }
    if (fault->status == 405) {
        r.header = "Allow";
        r.value = allowed;
    }
    http_server_reply(s->http, number, &r);
}

static void reply_text(Serve *s, int64_t number, const Text *t)
{
    http_server_reply(s->http, number,
                      &(HttpReply){200, "application/json", t->data, t->length, NULL, NULL});
}

static Err try_generation(Serve *s, const HttpRequest *r, ServeKind kind, ServeFault *fault)
{
    const Json *body;
    ServeJob    read;

    if (s->waiting >= s->queue) {
        *fault = (ServeFault){429, "rate_limit_exceeded", NULL};
        FAIL(ERR_DATA, "%" PRId64 " texts wait for a free slot already; try again later",
             s->waiting);
    }
    TRY(json_parse(s->scratch, "body", r->body, r->bytes, JSON_NO_COMMENTS, &body));
    TRY(serve_read(s, body, kind, &read, fault));
    return serve_begin(s, r->number, &read, fault);
}

static void generation(Serve *s, const HttpRequest *r, ServeKind kind)
{
    ServeFault fault = {400, NULL, NULL};

    if (try_generation(s, r, kind, &fault) == OK)
        return;
    reply_fault(s, r->number, &fault, err_record()->text, NULL);
    err_forget();
}

static void completions(Serve *s, const HttpRequest *r)
{
    generation(s, r, SERVE_COMPLETION);
}

static void chat(Serve *s, const HttpRequest *r)
{
    generation(s, r, SERVE_CHAT);
}

static void models(Serve *s, const HttpRequest *r)
{
    Text t = text_make(s->scratch);

    serve_write_models(&t, s);
    reply_text(s, r->number, &t);
}

static void health(Serve *s, const HttpRequest *r)
{
    Text t = text_make(s->scratch);

    text_printf(&t, "{\"status\":\"ok\",\"running\":%d,\"waiting\":%" PRId64 "}",
                decoder_running(s->decoder), s->waiting);
    reply_text(s, r->number, &t);
}

typedef struct Route {
    const char *path, *method;
    void (*handle)(Serve *s, const HttpRequest *r);
    int is_open; // without the key
} Route;

static const Route ROUTES[] = {{"/v1/completions", "POST", completions, 0},
                               {"/v1/chat/completions", "POST", chat, 0},
                               {"/v1/models", "GET", models, 0},
                               {"/health", "GET", health, 1}};

static const Route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof ROUTES / sizeof ROUTES[0]; i++)
        if (strcmp(ROUTES[i].path, path) == 0)
            return &ROUTES[i];
    return NULL;
}

// Takes as long for a wrong key as for the right one.
static int has_key(const Serve *s, const HttpRequest *r)
{
    static const char before[] = "Bearer ";
    const char       *shown = http_server_header(s->http, r->number, "Authorization");
    size_t            length;
    int               differs = 0;

    if (s->key == NULL)
        return 1;
    length = strlen(s->key);
    if (shown == NULL || strncmp(shown, before, sizeof before - 1) != 0 ||
        strlen(shown) != length + sizeof before - 1)
        return 0;
    for (size_t i = 0; i < length; i++)
        differs |= shown[sizeof before - 1 + i] ^ s->key[i];
    return differs == 0;
}

static int is_allowed(const Route *route, const char *method)
{
    return strcmp(method, route->method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

void serve_route(Serve *s, const HttpRequest *r)
{
    const Route *route = find_route(r->path);
    const char  *message;
    ServeFault   fault = {0};

    if (route == NULL) {
        fault = (ServeFault){404, "unknown_url", NULL};
        message = "there is no such path here; there are /v1/completions, /v1/chat/completions, "
                  "/v1/models and /health";
    } else if (!is_allowed(route, r->method)) {
        fault = (ServeFault){405, "method_not_allowed", NULL};
        message = "this path is asked with another method";
    } else if (!route->is_open && !has_key(s, r)) {
        fault = (ServeFault){401, "invalid_api_key", NULL};
        message = "this server asks for a key: Authorization: Bearer KEY";
    } else if (r->is_too_large) {
        fault = (ServeFault){413, "body_too_large", NULL};
        message = "the body of a request can have 4 MiB at most";
    } else if (s->is_closing) {
        fault = (ServeFault){503, "shutting_down", NULL};
        message = "this server is ending";
    } else {
        route->handle(s, r);
        return;
    }
    reply_fault(s, r->number, &fault, message, route != NULL ? route->method : NULL);
}
