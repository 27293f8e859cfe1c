// Drives the endpoint teacher against tests/oracle/endpoint.py, whose address is in
// $TANDEM_TEST_ENDPOINT; skipped without it.
#include "base/clock.h"
#include "base/rng.h"
#include "datagen/teachers/teacher_endpoint.h"
#include "io/file.h"
#include "io/http/http.h"
#include "setting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ASKED_MAX = 64 };

#define SECRET "sk-canary-5e6f7a8b9c"

typedef struct Asked { // what came of request number i
    int        taken;
    TeacherEnd end;
    char       why[32], text[4096];
    int64_t    length;
} Asked;

typedef struct Scene {
    Arena         run;
    const char   *server, *model, *more; // more: further keys of the config, ", \"key\": …"
    const char   *api;
    EndpointPlace place;
    int64_t       requests, max_tokens;
    const char   *stop;
    const char   *said; // by the system, in the request itself
    Teacher      *teacher;
    TeacherStats  stats;
    Asked         asked[ASKED_MAX];
    int           twice; // results that came again
} Scene;

static int scene_begin(Scene *s, const char *model)
{
    *s = (Scene){.server = getenv("TANDEM_TEST_ENDPOINT"),
                 .model = model,
                 .more = "",
                 .api = "completions",
                 .requests = 6,
                 .max_tokens = 4000};
    if (s->server == NULL)
        check_skip("no server: TANDEM_TEST_ENDPOINT is not set");
    else
        EXPECT_OK(arena_make(&s->run, "run", INT64_C(1) << 30));
    return s->server != NULL;
}

static void scene_end(Scene *s)
{
    arena_free(&s->run);
}

// Patience where nothing hangs, so that a slow machine gives the same counts.
static const Json *config_of(Scene *s)
{
    int         hangs = strstr(s->model, "hang") != NULL || strstr(s->model, "mixed") != NULL;
    const char *text = arena_format(&s->run,
                                    "{\"url\": \"%s/v1/\", \"model\": \"%s\", \"api\": \"%s\", "
                                    "\"in_flight\": 4, \"timeout_s\": %s, \"backoff_s\": 0.02, "
                                    "\"retries\": 3%s}",
                                    s->server, s->model, s->api, hangs ? "0.5" : "30", s->more);

    return setting_json(&s->run, text);
}

// The random key is the number of the request; so is the prompt.
static const char *submit(Scene *s, int64_t i)
{
    Record       *r = arena_new(&s->run, Record, 1);
    TemplateSpan *span = arena_new(&s->run, TemplateSpan, 1);

    r->arena = &s->run;
    span->text = arena_format(&s->run, "Say \"%s\" and number %" PRId64, s->model, i);
    span->length = (int64_t)strlen(span->text);
    TeacherRequest request = {.spans = span,
                              .span_count = 1,
                              .record = r,
                              .is_chat = s->said != NULL,
                              .system = s->said,
                              .system_length = s->said == NULL ? 0 : (int64_t)strlen(s->said),
                              .spec = {.temperature = 0.7, .top_p = 1, .repetition_penalty = 1},
                              .max_tokens = s->max_tokens,
                              .stops = s->stop != NULL,
                              .stop = {s->stop},
                              .seed = 7,
                              .stream = rng_stream("generate", 1, (uint64_t)i, 2),
                              .tag = i};
    return s->teacher->kind->submit(s->teacher, &request);
}

static void take_all(Scene *s)
{
    TeacherResult result;

    while (s->teacher->kind->take(s->teacher, &result)) {
        Asked *a = &s->asked[result.tag];

        s->twice += a->taken;
        a->taken = 1;
        a->end = result.end;
        a->length = result.length;
        snprintf(a->why, sizeof a->why, "%s", result.why == NULL ? "" : result.why);
        snprintf(a->text, sizeof a->text, "%.*s", (int)result.bytes, result.text);
    }
}

static Err work(Scene *s)
{
    int64_t next = 0;

    for (;;) {
        while (next < s->requests && s->teacher->kind->free_slots(s->teacher) > 0)
            EXPECT(submit(s, next++) == NULL);
        if (s->teacher->kind->running(s->teacher) == 0)
            return OK;
        TRY(s->teacher->kind->step(s->teacher));
        take_all(s);
    }
}

// Asks all requests of the scene.  The sum of what became of them is checked here, once for all.
static Err ask(Scene *s)
{
    TeacherStats *n = &s->stats;
    Err           e;

    memset(s->asked, 0, sizeof s->asked);
    TRY(teacher_endpoint(&s->run, config_of(s), &s->place, &s->teacher));
    e = work(s);
    s->teacher->kind->clear(s->teacher);
    s->teacher->kind->stats(s->teacher, n);
    teacher_endpoint_close(s->teacher);
    EXPECT_INT(s->twice, 0);
    if (e == OK)
        EXPECT_INT(n->requests, s->requests);
    if (e == OK)
        EXPECT_INT(n->sent, n->requests - n->cached - n->failed + n->retries_429 + n->retries_5xx +
                                n->retries_timeout + n->retries_cut + n->retries_garbage +
                                n->retries_usage + n->refused + n->dropped);
    return e;
}

// How many requests for this model the server has read.
static int64_t served(Scene *s, const char *model)
{
    Http       *http;
    HttpReply   reply;
    const Json *json;
    int64_t     count = -1;
    const char *body = arena_format(&s->run, "{\"model\": \"%s\"}", model);

    EXPECT_OK(http_open(&s->run, 1, &http));
    http_post(http, &(HttpRequest){.url = arena_format(&s->run, "%s/counts", s->server),
                                   .body = body,
                                   .bytes = (int64_t)strlen(body),
                                   .timeout_s = 10});
    while (!http_take(http, &reply))
        http_step(http, 0.05);
    EXPECT_INT(reply.status, 200);
    EXPECT_OK(json_parse(&s->run, "counts", reply.body, reply.bytes, JSON_NO_COMMENTS, &json));
    EXPECT_OK(json_want_i64(json, "served", 0, 1 << 30, &count));
    http_close(http);
    return count;
}

static const char *run_dir(const Comm *c, Scene *s, const char *name)
{
    s->place = (EndpointPlace){.run_dir = arena_text(&s->run, check_folder(c, name)), .attempt = 1};
    return s->place.run_dir;
}

// ---- what is asked and answered

static void endpoint_answers_every_request_once(const Comm *c)
{
    Scene s;

    (void)c;
    if (!scene_begin(&s, "good"))
        return;
    s.requests = 40;
    s.more = ", \"price_prompt\": 2, \"price_completion\": 10";
    EXPECT_OK(ask(&s));
    for (int64_t i = 0; i < s.requests; i++) {
        EXPECT_INT(s.asked[i].taken, 1);
        EXPECT_INT(s.asked[i].end, TEACHER_DONE);
        EXPECT_INT(s.asked[i].length, 4);
        EXPECT_TEXT(s.asked[i].text + 8, arena_format(&s.run, " and number %" PRId64, i));
    }
    EXPECT_INT(served(&s, "good"), 40);
    EXPECT_INT(s.stats.prompt_tokens, 40 * 5);
    EXPECT_INT(s.stats.new_tokens, 40 * 4);
    EXPECT_NEAR(s.stats.cost, (40 * 5 * 2 + 40 * 4 * 10) / 1e6, 1e-12);
    scene_end(&s);
}

static void endpoint_sends_the_parameters_under_their_names(const Comm *c)
{
    Scene       s;
    uint32_t    seed;
    const char *head = "{\"model\": \"mirror\", \"messages\": [{\"role\": \"system\", \"content\": "
                       "\"Be kind.\"}, {\"role\": \"user\", \"content\": \"Say \\\"mirror\\\" and "
                       "number 0\"}], \"max_tokens\": 4000, \"temperature\": 0.7, \"top_p\": 1, "
                       "\"stop\": [\"\\n\\n\"], \"seed\": ";

    (void)c;
    if (!scene_begin(&s, "mirror"))
        return;
    s.api = "chat";
    s.more = ", \"system\": \"Be kind.\"";
    s.stop = "\n\n";
    EXPECT_OK(ask(&s));
    seed = (uint32_t)(rng_stream("endpoint", 7, rng_stream("generate", 1, 0, 2), 0) & 0x7fffffff);
    EXPECT_TEXT(s.asked[0].text, arena_format(&s.run, "%s%" PRIu32 "}", head, seed));
    scene_end(&s);
}

// What a recipe has the system say goes before what the config has.
static void endpoint_sends_the_system_message_of_the_request(const Comm *c)
{
    Scene s;

    (void)c;
    if (!scene_begin(&s, "mirror"))
        return;
    s.api = "chat";
    s.more = ", \"system\": \"Be kind.\"";
    s.said = "Be \"brief\".";
    EXPECT_OK(ask(&s));
    EXPECT(strstr(s.asked[0].text, "[{\"role\": \"system\", \"content\": \"Be \\\"brief\\\".\"}, "
                                   "{\"role\": \"user\", ") != NULL);
    EXPECT(strstr(s.asked[0].text, "kind") == NULL);
    scene_end(&s);
}

static void endpoint_tells_how_an_answer_ended(const Comm *c)
{
    static const struct {
        const char *model, *text, *why;
        TeacherEnd  end;
    } rows[] = {{"always-length", NULL, "", TEACHER_LENGTH},
                {"always-filter", "", "no answer", TEACHER_FAILED},
                {"always-stop-inside", "before", "", TEACHER_DONE}};
    Scene s;

    (void)c;
    for (int i = 0; i < 3; i++) {
        if (!scene_begin(&s, rows[i].model))
            return;
        s.stop = "\nEnd";
        EXPECT_OK(ask(&s));
        EXPECT_INT(s.asked[0].end, rows[i].end);
        EXPECT_TEXT(s.asked[0].why, rows[i].why);
        if (rows[i].text != NULL)
            EXPECT_TEXT(s.asked[0].text, rows[i].text);
        EXPECT_INT(served(&s, rows[i].model), s.requests);
        scene_end(&s);
    }
}

// ---- what goes wrong and is tried again

typedef struct Fault {
    const char *kind;
    size_t      counter; // which one of TeacherStats
    const char *why;     // of records that never get an answer
} Fault;

static const Fault faults[] = {
    {"429", offsetof(TeacherStats, retries_429), "http 429"},
    {"500", offsetof(TeacherStats, retries_5xx), "http 5xx"},
    {"hang", offsetof(TeacherStats, retries_timeout), "timed out"},
    {"cut", offsetof(TeacherStats, retries_cut), "connection cut"},
    {"cut-early", offsetof(TeacherStats, retries_cut), "connection cut"},
    {"garbage", offsetof(TeacherStats, retries_garbage), "garbage reply"},
    {"half-json", offsetof(TeacherStats, retries_garbage), "garbage reply"},
    {"no-choice", offsetof(TeacherStats, retries_garbage), "garbage reply"},
    {"no-reason", offsetof(TeacherStats, retries_garbage), "garbage reply"},
    {"abort", offsetof(TeacherStats, retries_garbage), "garbage reply"},
    {"large", offsetof(TeacherStats, retries_garbage), "garbage reply"},
    {"no-usage", offsetof(TeacherStats, retries_usage), "garbage reply"},
    {"negative-usage", offsetof(TeacherStats, retries_usage), "garbage reply"},
    {"absurd-usage", offsetof(TeacherStats, retries_usage), "garbage reply"},
    {"zero-usage", offsetof(TeacherStats, retries_usage), "garbage reply"},
    {"broken-usage", offsetof(TeacherStats, retries_usage), "garbage reply"}};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static int64_t counter_of(const Scene *s, const Fault *f)
{
    int64_t value;

    memcpy(&value, (const char *)&s->stats + f->counter, sizeof value);
    return value;
}

// An unusable reply is drawn anew, with another body: the server sees it for the first time again,
// and it fails until the tries are used up.
static void endpoint_counts_each_fault_and_tries_again(const Comm *c)
{
    (void)c;
    for (int i = 0; i < FAULTS; i++) {
        Scene       s;
        char        model[40];
        const char *why = faults[i].why;
        int         draws_anew = strcmp(why, "garbage reply") == 0;

        snprintf(model, sizeof model, "once-%s", faults[i].kind);
        if (!scene_begin(&s, model))
            return;
        EXPECT_OK(ask(&s));
        EXPECT_INT(served(&s, model), s.stats.sent);
        EXPECT_INT(counter_of(&s, &faults[i]), s.requests * (draws_anew ? 4 : 1));
        EXPECT_INT(s.stats.failed, draws_anew ? s.requests : 0);
        EXPECT_TEXT(s.asked[0].why, draws_anew ? why : "");
        scene_end(&s);
    }
}

static void endpoint_gives_up_with_a_reason(const Comm *c)
{
    (void)c;
    for (int i = 0; i < 5; i++) {
        Scene s;
        char  model[40];

        snprintf(model, sizeof model, "always-%s", faults[i].kind);
        if (!scene_begin(&s, model))
            return;
        s.requests = 4;
        EXPECT_OK(ask(&s));
        EXPECT_INT(counter_of(&s, &faults[i]), 16);
        EXPECT_INT(s.stats.failed, 4);
        EXPECT_INT(s.asked[3].end, TEACHER_FAILED);
        EXPECT_TEXT(s.asked[3].why, faults[i].why);
        EXPECT_TEXT(s.asked[3].text, "");
        scene_end(&s);
    }
}

static void endpoint_waits_as_long_as_it_is_told(const Comm *c)
{
    Scene  s;
    double began = clock_now();

    (void)c;
    if (!scene_begin(&s, "once-429-after"))
        return;
    s.requests = 4;
    EXPECT_OK(ask(&s));
    EXPECT_INT(s.stats.retries_429, 4);
    EXPECT(clock_now() - began >= 1.0);
    scene_end(&s);
}

// ---- what is not tried again

static void endpoint_rejects_a_record_that_is_refused(const Comm *c)
{
    Scene s;

    (void)c;
    if (!scene_begin(&s, "always-422"))
        return;
    EXPECT_OK(ask(&s));
    EXPECT_INT(s.stats.sent, s.requests);
    EXPECT_INT(s.stats.refused, s.requests);
    EXPECT_TEXT(s.asked[0].why, "http 4xx");
    scene_end(&s);
}

static void endpoint_ends_the_run_where_every_request_would_fail(const Comm *c)
{
    static const char *const rows[][2] = {{"always-401", "is the key right"},
                                          {"always-402", "wants to be paid"},
                                          {"always-403", "is the key right"},
                                          {"always-404", "does not know this address"},
                                          {"always-redirect", "sends us elsewhere"}};

    (void)c;
    setenv("TANDEM_TEST_KEY", SECRET "\n", 1);
    for (int i = 0; i < 5; i++) {
        Scene s;

        if (!scene_begin(&s, rows[i][0]))
            return;
        s.more = ", \"key_env\": \"TANDEM_TEST_KEY\"";
        EXPECT(ask(&s) == ERR_CONFIG);
        EXPECT(strstr(err_record()->text, SECRET) == NULL);
        EXPECT_ERR((Err)err_record()->code, ERR_CONFIG, rows[i][1]);
        EXPECT_INT(s.stats.requests, 0);
        scene_end(&s);
    }
}

static void endpoint_that_is_down_ends_the_run(const Comm *c)
{
    Scene s;

    (void)c;
    if (!scene_begin(&s, "good"))
        return;
    s.server = "http://127.0.0.1:9"; // nobody listens there
    EXPECT_ERR(ask(&s), ERR_IO, "cannot be reached");
    EXPECT_INT(s.stats.sent, 0);
    EXPECT(s.stats.retries_connect >= 4);
    scene_end(&s);
}

// ---- the cache and the budgets

static void endpoint_never_asks_twice(const Comm *c)
{
    Scene s;
    char  first[ASKED_MAX][80];

    if (!scene_begin(&s, "mixed-30"))
        return;
    run_dir(c, &s, "cache");
    s.requests = 40;
    EXPECT_OK(ask(&s));
    EXPECT_INT(s.stats.cached, 0);
    for (int i = 0; i < 40; i++)
        snprintf(first[i], sizeof first[i], "%d %.60s", (int)s.asked[i].end, s.asked[i].text);
    int64_t before = served(&s, s.model);
    s.place.attempt = 2;
    EXPECT_OK(ask(&s));
    EXPECT_INT(s.stats.cached, 40);
    EXPECT_INT(s.stats.sent, 0);
    EXPECT_NEAR(s.stats.cost, 0, 0);
    for (int i = 0; i < 40; i++)
        EXPECT_TEXT(arena_format(&s.run, "%d %.60s", (int)s.asked[i].end, s.asked[i].text),
                    first[i]);
    s.place.attempt = 0;
    EXPECT_OK(ask(&s));
    EXPECT_INT(served(&s, s.model), before);
    s.requests = 41;
    EXPECT_ERR(ask(&s), ERR_DATA, "has no answer");
    EXPECT_INT(served(&s, s.model), before);
    scene_end(&s);
}

static void change_file(const char *path, int64_t at, int64_t length)
{
    FILE *f = fopen(path, "r+");

    EXPECT(f != NULL);
    if (f == NULL)
        return;
    fseek(f, at, SEEK_SET);
    fputc('#', f);
    fclose(f);
    EXPECT_INT(truncate(path, length), 0);
}

static void endpoint_asks_again_for_damaged_lines_only(const Comm *c)
{
    Scene s;
    char  path[FILE_PATH_MAX], *data;

    if (!scene_begin(&s, "always-length"))
        return;
    EXPECT_OK(file_join(path, run_dir(c, &s, "damaged"), "cache/teacher-rank00-attempt0001.jsonl"));
    s.requests = 10;
    EXPECT_OK(ask(&s));
    int64_t before = served(&s, s.model), bytes;
    EXPECT_OK(file_read(&s.run, path, 1 << 20, &data, &bytes));
    char *line = strstr(data, "\"end\": \"length\"");
    change_file(path, line - data + 3, bytes - 5); // one line changed, the last one torn
    s.place.attempt = 2;
    EXPECT_OK(ask(&s));
    EXPECT_INT(s.stats.cached, 8);
    EXPECT_INT(served(&s, s.model), before + 2);
    scene_end(&s);
}

static void endpoint_budget_of_requests_holds_over_restarts(const Comm *c)
{
    Scene s;

    if (!scene_begin(&s, "once-503"))
        return;
    run_dir(c, &s, "requests");
    s.requests = 20; // 40 with the new tries
    for (int i = 0; i < 3; i++, s.place.attempt++) {
        s.more = ", \"max_requests\": 25";
        EXPECT_ERR(ask(&s), ERR_STOPPED, "set endpoint.max_requests higher");
        EXPECT_INT(served(&s, s.model), 25);
        EXPECT_INT(s.stats.sent, i == 0 ? 25 : 0);
    }
    s.more = ", \"max_requests\": 40";
    EXPECT_OK(ask(&s));
    EXPECT_INT(served(&s, s.model), 40);
    EXPECT_INT(s.stats.cached + s.stats.sent - s.stats.retries_5xx, 20);
    scene_end(&s);
}

static void endpoint_budget_of_tokens_holds_but_for_what_is_in_flight(const Comm *c)
{
    Scene s;

    if (!scene_begin(&s, "always-slow"))
        return;
    run_dir(c, &s, "tokens");
    s.requests = 30; // of 9 tokens each
    s.more = ", \"max_tokens\": 90";
    EXPECT_ERR(ask(&s), ERR_STOPPED, "set endpoint.max_tokens higher");
    EXPECT(10 <= served(&s, s.model) && served(&s, s.model) <= 10 + 4);
    int64_t before = served(&s, s.model);
    s.place.attempt++;
    EXPECT_ERR(ask(&s), ERR_STOPPED, "set endpoint.max_tokens higher");
    EXPECT_INT(served(&s, s.model), before);
    scene_end(&s);
}

// ---- the key and the config

static void endpoint_refuses_a_key_that_others_can_read(const Comm *c)
{
    Scene s;
    char  path[FILE_PATH_MAX];

    if (!scene_begin(&s, "good"))
        return;
    s.place.folder = arena_text(&s.run, check_folder(c, "key"));
    EXPECT_OK(file_join(path, s.place.folder, "key"));
    EXPECT_OK(file_publish(path, "test", SECRET "\n", sizeof SECRET));
    s.more = ", \"key_file\": \"key\"";
    for (mode_t mode = 0604; mode <= 0640; mode += 034) {
        EXPECT_INT(chmod(path, mode), 0);
        EXPECT_ERR(ask(&s), ERR_CONFIG, "chmod 600");
    }
    EXPECT_INT(chmod(path, 0600), 0);
    EXPECT_OK(ask(&s));
    EXPECT_OK(file_publish(path, "test", "two words\n", 10));
    EXPECT_INT(chmod(path, 0600), 0);
    EXPECT_ERR(ask(&s), ERR_CONFIG, "number 4");
    EXPECT_OK(file_remove(path));
    EXPECT_ERR(ask(&s), ERR_CONFIG, "cannot be opened");
    s.more = ", \"key_env\": \"TANDEM_NO_SUCH_KEY\"";
    EXPECT_ERR(ask(&s), ERR_CONFIG, "$TANDEM_NO_SUCH_KEY, which is not set");
    scene_end(&s);
}

static void endpoint_never_keeps_or_says_the_key(const Comm *c)
{
    Scene   s;
    char    path[FILE_PATH_MAX], *data;
    int64_t bytes;

    if (!scene_begin(&s, "always-keyleak"))
        return;
    EXPECT_OK(file_join(path, run_dir(c, &s, "leak"), "cache/teacher-rank00-attempt0001.jsonl"));
    setenv("TANDEM_TEST_KEY", SECRET, 1);
    s.more = ", \"key_env\": \"TANDEM_TEST_KEY\"";
    EXPECT_OK(ask(&s));
    EXPECT_TEXT(s.asked[0].why, "garbage reply");
    EXPECT_OK(file_read(&s.run, path, 1 << 20, &data, &bytes));
    EXPECT(bytes > 0 && strstr(data, "canary") == NULL);
    scene_end(&s);
}

static void endpoint_config_is_checked(const Comm *c)
{
    static const char *const rows[][2] = {
        {"{}", "url"},
        {"{\"url\": \"http://a/v1\"}", "model"},
        {"{\"url\": \"http://a\", \"model\": \"m\", \"modle\": 1}", "modle"},
        {"{\"url\": \"ftp://a\", \"model\": \"m\"}", "http://"},
        {"{\"url\": \"http://me:" SECRET "@a\", \"model\": \"m\"}", "no password"},
        {"{\"url\": \"http://a/?k=" SECRET "\", \"model\": \"m\"}", "question mark"},
        {"{\"url\": \"http://\", \"model\": \"m\"}", "name a host"},
        {"{\"url\": \"http://a\", \"model\": \"m\", \"system\": \"s\"}", "chat"},
        {"{\"url\": \"http://a\", \"model\": \"m\", \"key_env\": \"" SECRET "\"}", "not the key"},
        {"{\"url\": \"http://a\", \"model\": \"m\", \"key_env\": \"A\", \"key_file\": \"b\"}",
         "one origin"},
        {"{\"url\": \"http://a\", \"model\": \"m\", \"in_flight\": 0}", "1 to 1024"}};
    Arena run;

    (void)c;
    EXPECT_OK(arena_make(&run, "run", 1 << 24));
    EXPECT_ERR(teacher_endpoint_check(&run, NULL), ERR_CONFIG, "url and model");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EXPECT(teacher_endpoint_check(&run, setting_json(&run, rows[i][0])) == ERR_CONFIG);
        EXPECT(strstr(err_record()->text, SECRET) == NULL);
        EXPECT_ERR((Err)err_record()->code, ERR_CONFIG, rows[i][1]);
    }
    arena_free(&run);
}

TEST_MAIN(CASE(endpoint_answers_every_request_once),
          CASE(endpoint_sends_the_parameters_under_their_names),
          CASE(endpoint_sends_the_system_message_of_the_request),
          CASE(endpoint_tells_how_an_answer_ended),
          CASE(endpoint_counts_each_fault_and_tries_again), CASE(endpoint_gives_up_with_a_reason),
          CASE(endpoint_waits_as_long_as_it_is_told),
          CASE(endpoint_rejects_a_record_that_is_refused),
          CASE(endpoint_ends_the_run_where_every_request_would_fail),
          CASE(endpoint_that_is_down_ends_the_run), CASE(endpoint_never_asks_twice),
          CASE(endpoint_asks_again_for_damaged_lines_only),
          CASE(endpoint_budget_of_requests_holds_over_restarts),
          CASE(endpoint_budget_of_tokens_holds_but_for_what_is_in_flight),
          CASE(endpoint_refuses_a_key_that_others_can_read),
          CASE(endpoint_never_keeps_or_says_the_key), CASE(endpoint_config_is_checked))
