// The object "endpoint" of a config, and the key.
#include "datagen/teachers/teacher_endpoint_private.h"
#include "io/config.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_MAX = 4096, KEY_MIN = 8 };

#define AT(field) offsetof(EndpointConfig, field)

static const ConfigField fields[] = {
    {"url", CONFIG_TEXT, AT(url), NULL, 0, 0, NULL, NULL,
     "Base address of the server, such as http://host:8000/v1."},
    {"api", CONFIG_ENUM, AT(api), "completions", 0, 0, "completions|chat", NULL,
     "completions: the model continues the prompt; chat: the prompt is the message of a user."},
    {"model", CONFIG_TEXT, AT(model), NULL, 0, 0, NULL, NULL,
     "Name of the model, as the server knows it."},
    {"system", CONFIG_TEXT, AT(system), "", 0, 0, NULL, NULL,
     "Message of the system in front of every prompt, for chat; empty: none."},
    {"key_env", CONFIG_TEXT, AT(key_env), "", 0, 0, NULL, NULL,
     "Name of the environment variable that holds the key."},
    {"key_file", CONFIG_TEXT, AT(key_file), "", 0, 0, NULL, NULL,
     "File that holds the key, relative to this file; nobody else may be able to read it."},
    {"in_flight", CONFIG_INT, AT(in_flight), "16", 1, 1024, NULL, NULL,
     "Requests of one generator rank that wait for an answer at a time."},
    {"max_requests", CONFIG_INT, AT(max_requests), "0", 0, 9e15, NULL, NULL,
     "Budget: HTTP requests of the run, over all ranks and restarts; 0: none."},
    {"max_tokens", CONFIG_INT, AT(max_tokens), "0", 0, 9e15, NULL, NULL,
     "Budget: tokens of prompts and answers of the run, over all ranks and restarts; 0: none."},
    {"price_prompt", CONFIG_FLOAT, AT(price_prompt), "0", 0, 1e9, NULL, NULL,
     "Price of a million tokens of prompts."},
    {"price_completion", CONFIG_FLOAT, AT(price_completion), "0", 0, 1e9, NULL, NULL,
     "Price of a million tokens of answers."},
    {"timeout_s", CONFIG_FLOAT, AT(timeout_s), "300", 0.01, 86400, NULL, NULL,
     "Longest time for one request, in seconds."},
    {"retries", CONFIG_INT, AT(retries), "6", 0, 100, NULL, NULL,
     "How often a request that got no answer is tried again before its record is rejected."},
    {"backoff_s", CONFIG_FLOAT, AT(backoff_s), "1", 0, 3600, NULL, NULL,
     "Seconds before the first new try, about; each further wait is twice as long."},
    {"cache", CONFIG_YESNO, AT(caches), "true", 0, 0, NULL, NULL,
     "Answers are kept in the run directory and never asked for again."},
    {0}};

// ---- the address

// Says what is wrong with it, NULL if nothing.
static const char *fault_of_url(const char *url)
{
    int         is_tls = strncmp(url, "https://", 8) == 0;
    const char *host = url + (is_tls ? 8 : 7);

    if (!is_tls && strncmp(url, "http://", 7) != 0)
        return "begin with http:// or https://";
    if (*host == 0 || *host == '/' || *host == ':')
        return "name a host";
    for (const char *c = url; *c != 0; c++)
        if (*c <= ' ' || *c > '~')
            return "have printable ASCII characters only";
    if (strchr(host, '@') != NULL)
        return "hold no user and no password; a key goes into key_env or key_file";
    if (strpbrk(host, "?#") != NULL)
        return "end before the question mark; a key goes into key_env or key_file";
    return NULL;
}

static const char *place_of(const Json *json, const char *key, char *buffer)
{
    const Json *node = json_member(json, key);

    return json_where(node == NULL ? json : node, buffer, JSON_WORDS);
}

// What stands there may be a secret by mistake, so it is not shown.
static Err check_url(const Json *json, EndpointConfig *c)
{
    const char *fault = fault_of_url(c->url);

    if (fault != NULL)
        FAIL(ERR_CONFIG, "%s: the url of the endpoint has to %s, as http://host:8000/v1",
             place_of(json, "url", (char[JSON_WORDS]){0}), fault);
    return OK;
}

static Err set_address(Arena *run, const Json *json, EndpointConfig *c)
{
    int length = (int)strlen(c->url);

    TRY(check_url(json, c));
    while (c->url[length - 1] == '/')
        length--;
    c->address = arena_format(run, "%.*s/%s", length, c->url,
                              c->api == ENDPOINT_CHAT ? "chat/completions" : "completions");
    return OK;
}

// ---- where the key comes from

static int is_variable_name(const char *name)
{
    if (*name >= '0' && *name <= '9')
        return 0;
    for (; *name != 0; name++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", *name))
            return 0;
    return 1;
}

static Err check_key_origin(Arena *run, const Json *json, EndpointConfig *c)
{
    if (*c->key_env != 0 && *c->key_file != 0)
        FAIL(ERR_CONFIG, "%s: the key of the endpoint has one origin: key_env or key_file",
             place_of(json, "key_file", (char[JSON_WORDS]){0}));
    if (!is_variable_name(c->key_env)) // somebody may have put the key itself there
        FAIL(ERR_CONFIG,
             "%s: key_env has to be the name of an environment variable (letters, digits, _) "
             "that holds the key, not the key",
             place_of(json, "key_env", (char[JSON_WORDS]){0}));
    c->key_origin = *c->key_env != 0    ? arena_format(run, "from $%s", c->key_env)
                    : *c->key_file != 0 ? arena_format(run, "in %s", c->key_file)
                                        : "(none: neither key_env nor key_file is set)";
    return OK;
}

Err endpoint_config_read(Arena *run, const Json *json, EndpointConfig *out)
{
    if (json == NULL)
        FAIL(ERR_CONFIG,
             "a teacher of the kind endpoint needs the object \"endpoint\" with url and model");
    TRY(config_read(run, json, fields, out));
    if (*out->system != 0 && out->api != ENDPOINT_CHAT)
        FAIL(ERR_CONFIG, "%s: system is for \"api\": \"chat\" only; put it into the prompts",
             place_of(json, "system", (char[JSON_WORDS]){0}));
    if (strlen(out->system) > ENDPOINT_PROMPT_MAX)
        FAIL(ERR_CONFIG, "%s: the message of the system is longer than %d bytes",
             place_of(json, "system", (char[JSON_WORDS]){0}), ENDPOINT_PROMPT_MAX);
    TRY(set_address(run, json, out));
    return check_key_origin(run, json, out);
}

Err teacher_endpoint_check(Arena *run, const Json *config)
{
    EndpointConfig c;

    return endpoint_config_read(run, config, &c);
}

// ---- the key

// Header and messages must not be steered by it; a text that short is no key, and could not be
// recognised in replies.
static Err check_key(const EndpointConfig *c, char *key)
{
    size_t length = strlen(key);

    while (length > 0 && strchr(" \t\r\n", key[length - 1]) != NULL)
        key[--length] = 0;
    if (length < KEY_MIN)
        FAIL(ERR_CONFIG, "the key of the endpoint %s has %zu characters: expected at least %d",
             c->key_origin, length, KEY_MIN);
    for (size_t i = 0; i < length; i++)
        if (key[i] <= ' ' || key[i] > '~')
            FAIL(ERR_CONFIG,
                 "the key of the endpoint %s has a character (number %zu) that is not printable "
                 "ASCII: expected one line with the key alone",
                 c->key_origin, i + 1);
    return OK;
}

static Err check_owner(const char *path, int file)
{
    struct stat s;

    if (fstat(file, &s) != 0 || !S_ISREG(s.st_mode))
        FAIL(ERR_CONFIG, "the key file %s is no plain file", path);
    if (s.st_uid != geteuid())
        FAIL(ERR_CONFIG, "the key file %s belongs to another user: make one of your own", path);
    if ((s.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        FAIL(ERR_CONFIG,
             "the key file %s can be read or changed by others (mode %04o): run chmod 600 on it, "
             "and ask for a new key if others may have seen this one",
             path, (unsigned)(s.st_mode & 07777));
    return OK;
}

static Err read_opened(const EndpointConfig *c, const char *path, int file, char key[KEY_MAX])
{
    ssize_t length;

    TRY(check_owner(path, file));
    length = read(file, key, KEY_MAX - 1);
    if (length < 0)
        FAIL(ERR_IO, "reading the key file %s: %s", path, strerror(errno));
    if (length == KEY_MAX - 1)
        FAIL(ERR_CONFIG, "the key file %s is longer than %d bytes: it holds more than a key", path,
             KEY_MAX - 2);
    key[length] = 0;
    return check_key(c, key);
}

static Err read_key_file(const EndpointConfig *c, const char *folder, char key[KEY_MAX])
{
    char path[FILE_PATH_MAX];
    int  file;
    Err  e;

    TRY(file_join(path, folder == NULL || *c->key_file == '/' ? "" : folder, c->key_file));
    file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        FAIL(ERR_CONFIG, "the key file %s cannot be opened: %s", path, strerror(errno));
    e = read_opened(c, path, file, key);
    close(file); // read-only: nothing is left to fail
    return e;
}

static Err read_key_variable(const EndpointConfig *c, char key[KEY_MAX])
{
    const char *value = getenv(c->key_env);

    if (value == NULL)
        FAIL(ERR_CONFIG,
             "the key of the endpoint should be in $%s, which is not set here: export it (under "
             "mpirun on several machines: -x %s)",
             c->key_env, c->key_env);
    if (strlen(value) >= KEY_MAX)
        FAIL(ERR_CONFIG, "$%s is longer than %d bytes: it holds more than a key", c->key_env,
             KEY_MAX - 1);
    memcpy(key, value, strlen(value) + 1);
    return check_key(c, key);
}

Err endpoint_key_read(Arena *run, const EndpointConfig *c, const char *folder, const char **key)
{
    char text[KEY_MAX] = "";

    if (*c->key_env != 0)
        TRY(read_key_variable(c, text));
    if (*c->key_file != 0)
        TRY(read_key_file(c, folder, text));
    *key = arena_text(run, text);
    return OK;
}
