#include "base/clock.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/model_files.h"
#include "cli/serve.h"
#include "cli/talk.h"
#include "io/file.h"
#include "mpi/stop.h"

#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 512, KEY_BYTES_MAX = 1 << 12 };
enum { RENDERING_BYTES = JINJA_ARENA_BYTES + (64 << 20) };

static const double RECEIVE_S = 30; // a request has to arrive within
static const double TURN_S = 0.001; // the network's turn comes at least this often
static const double GRACE_S = 5;    // for running requests after a signal

// ---- the loop

static void network_turn(Serve *s, double seconds)
{
    HttpRequest r;
    int64_t     number;

    http_server_wait(s->http, seconds);
    while (http_server_gone(s->http, &number))
        serve_cancel(s, number);
    while (http_server_take(s->http, &r)) {
        ArenaMark mark = arena_mark(s->scratch);

        serve_route(s, &r);
        arena_back(s->scratch, mark);
    }
}

// Steps of the decoder, the network in between; waits only when there is nothing to decode.
static void serve_all(Serve *s)
{
    double turn = 0, end = 0;

    while (!s->is_closing || (serve_open_jobs(s) > 0 && clock_now() < end)) {
        double now = clock_now();

        if (decoder_running(s->decoder) == 0 || now - turn >= TURN_S) {
            serve_stream(s);
            network_turn(s, decoder_running(s->decoder) == 0 && s->waiting == 0 ? 1 : 0);
            turn = now;
        }
        serve_submit(s);
        decoder_step(s->decoder);
        serve_collect(s);
        if (!s->is_closing && stop_wanted() != NULL) {
            log_once(LOG_INFO, "%s: ending; %d requests may finish", stop_wanted(),
                     serve_open_jobs(s));
            s->is_closing = 1;
            end = clock_now() + GRACE_S;
            http_server_deafen(s->http);
        }
    }
}

// ---- opening

typedef struct Options {
    const char *model, *host, *port_file, *key_file, *name;
    int64_t     port, slots, threads, queue, context;
} Options;

static Err read_options(const Command *c, const Args *a, Options *o)
{
    *o = (Options){.model = args_text(c, a, "model"),
                   .host = args_text(c, a, "host"),
                   .port_file = args_text(c, a, "port-file"),
                   .key_file = args_text(c, a, "key-file"),
                   .name = args_text(c, a, "name")};
    if (o->model == NULL)
        FAIL(ERR_USAGE, "tandem serve: which model?  --model PATH; see --help");
    TRY(args_i64(c, a, "port", 0, 65535, &o->port));
    TRY(args_i64(c, a, "slots", 1, 4096, &o->slots));
    TRY(args_i64(c, a, "threads", 0, 1024, &o->threads));
    TRY(args_i64(c, a, "queue", 1, 1 << 20, &o->queue));
    TRY(args_i64(c, a, "context", 0, 1 << 24, &o->context));
    if (o->threads == 0)
        o->threads = omp_get_max_threads();
    return OK;
}

// The last part of the path: of "runs/star/" it is "star".
static const char *name_of(Arena *arena, const char *path)
{
    char  *copy = arena_text(arena, path), *slash;
    size_t n = strlen(copy);

    while (n > 1 && copy[n - 1] == '/')
        copy[--n] = 0;
    slash = strrchr(copy, '/');
    return slash != NULL && slash[1] != 0 ? slash + 1 : copy;
}

static Err read_key(Arena *arena, const char *path, const char **key)
{
    char   *text;
    int64_t bytes;

    *key = NULL;
    if (path == NULL)
        return OK;
    TRY(file_read(arena, path, KEY_BYTES_MAX, &text, &bytes));
    text[strcspn(text, "\r\n")] = 0;
    if (*text == 0)
        FAIL(ERR_CONFIG, "%s: expected a key in the first line, found none", path);
    *key = text;
    return OK;
}

static int64_t run_need(const Serve *s, const Dims *d, const Options *o)
{
    return net_need(d, NET_INFER) +
           decoder_need(d, s->vocab, (int)o->slots, s->context, (int)o->threads) +
           acts_need(d, s->context, s->context, NET_INFER) + arena_need(s->context * d->V, 4) +
           http_server_need(CONNECTIONS) + arena_need(o->slots, (int64_t)sizeof(ServeRun)) +
           arena_need(CONNECTIONS, (int64_t)sizeof(ServeJob)) + (1 << 20);
}

// A chat template that is none leaves the model everything but conversations.
static void open_form(Serve *s, Arena *arena, Talk *t)
{
    if (talk_want_form(arena, t) == OK) {
        s->chat = t->form;
        return;
    }
    s->chat_fault = arena_text(arena, err_record()->text);
    err_forget();
    log_once(LOG_WARN, "no conversations are answered: %s", s->chat_fault);
}

static Err open_model(Serve *s, Arena *run, Arena *arena, const Options *o)
{
    Talk        t;
    const Dims *d = &t.model.dims;

    TRY(talk_open(arena, o->model, &t));
    s->vocab = t.vocab;
    open_form(s, arena, &t);
    s->context = o->context > 0 && o->context < d->T ? o->context : d->T;
    TRY(arena_make(run, "run", run_need(s, d, o)));
    TRY(model_files_open(run, arena, &t.model, &s->net));
    s->decoder = decoder_make(run, &s->net, s->vocab, (int)o->slots, s->context, (int)o->threads);
    s->acts = acts_make(run, &s->net, s->context, s->context, NET_INFER);
    s->logits = arena_new(run, float, s->context * d->V);
    s->slots = (int)o->slots;
    s->run = arena_new(run, ServeRun, o->slots);
    s->jobs = CONNECTIONS;
    s->job = arena_new(run, ServeJob, CONNECTIONS);
    return OK;
}

static Err tell_port(const Options *o, int port)
{
    char text[16], tag[16];

    if (o->port_file == NULL)
        return OK;
    snprintf(text, sizeof text, "%d\n", port);
    snprintf(tag, sizeof tag, "%d", (int)getpid());
    return file_publish(o->port_file, tag, text, (int64_t)strlen(text));
}

static Err serve_at(Serve *s, Arena *run, const Options *o)
{
    HttpServerSpec spec = {o->host, (int)o->port, CONNECTIONS, RECEIVE_S};
    Err            e;

    TRY(http_server_open(run, &spec, &s->http));
    e = tell_port(o, http_server_port(s->http));
    if (e == OK) {
        log_once(LOG_INFO, "serving \"%s\" at http://%s:%d/v1 with %d slots", s->name, o->host,
                 http_server_port(s->http), s->slots);
        serve_all(s);
    }
    http_server_close(s->http, e == OK ? 1 : 0);
    return e;
}

static Err serve(Arena *arena, const Options *o)
{
    static Serve s;
    Arena        run = {0}, rendering;
    Err          e;

    s = (Serve){.scratch = arena, .created = (int64_t)time(NULL), .queue = o->queue};
    s.name = o->name != NULL ? o->name : name_of(arena, o->model);
    if (getrandom(&s.random, sizeof s.random, 0) != (ssize_t)sizeof s.random)
        s.random = (uint64_t)time(NULL) << 22 ^ (uint64_t)getpid();
    TRY(read_key(arena, o->key_file, &s.key));
    stop_start(0, NULL, 0);
    TRY(arena_make(&rendering, "chat template", RENDERING_BYTES));
    s.rendering = &rendering;
    e = open_model(&s, &run, arena, o);
    if (e == OK)
        e = serve_at(&s, &run, o);
    arena_free(&run);
    arena_free(&rendering);
    return e;
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    Options o;

    TRY(read_options(c, a, &o));
    if (world->size > 1)
        FAIL(ERR_USAGE, "tandem serve is one process: start it without mpirun -n %d", world->size);
    return serve(arena, &o);
}

static const ArgsOption OPTIONS[] = {
    {"model", "PATH", NULL,
     "Hugging Face folder, .gguf file, .bin file of llama2.c, weight file, or run directory"},
    {"name", "NAME", NULL, "of the model in requests; else the last part of PATH"},
    {"host", "HOST", "127.0.0.1", "where to listen; 0.0.0.0 or :: for all addresses"},
    {"port", "N", "8000", "0: any that is free"},
    {"port-file", "FILE", NULL, "gets the number of the port once the server listens"},
    {"key-file", "FILE", NULL, "its first line is the key that requests must show"},
    {"slots", "N", "32", "sequences in flight"},
    {"threads", "N", "0", "0: OMP_NUM_THREADS, or all cores"},
    {"context", "N", "0", "tokens of prompt and answer; 0: as many as the model has positions"},
    {"queue", "N", "1024", "texts that may wait for a slot; beyond, requests get 429"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_SERVE = {
    .name = "serve",
    .usage = "--model PATH [--host HOST] [--port N] [--slots N] [--threads N]",
    .about = "answer HTTP requests in the form of OpenAI's completions with a model",
    .details =
        "POST /v1/completions, POST /v1/chat/completions, GET /v1/models, GET /health; texts of\n"
        "all requests share the slots.  SIGTERM or SIGINT end it with exit code 0; requests that\n"
        "run then have a few seconds to finish.  docs/running.md says what is understood.\n",
    .examples = "  tandem serve --model runs/star-addition --port 8000\n"
                "  curl -s localhost:8000/v1/completions -d '{\"prompt\": \"624+259=\"}'\n",
    .words_min = 0,
    .words_max = 0,
    .options = OPTIONS,
    .run = run};
