// Conversations: lists of {"from", "value"} and of {"role", "content"}, tools and calls of tools.
#include "datagen/sources/formats_private.h"

#include <string.h>
#include <strings.h>

typedef struct RoleName {
    const char *name;
    TalkRole    role;
} RoleName;

static const RoleName role_names[] = {{"system", TALK_SYSTEM},
                                      {"developer", TALK_SYSTEM},
                                      {"user", TALK_USER},
                                      {"human", TALK_USER},
                                      {"assistant", TALK_ASSISTANT},
                                      {"gpt", TALK_ASSISTANT},
                                      {"model", TALK_ASSISTANT},
                                      {"bot", TALK_ASSISTANT},
                                      {"chatgpt", TALK_ASSISTANT},
                                      {"bing", TALK_ASSISTANT},
                                      {"bard", TALK_ASSISTANT},
                                      {"function_call", TALK_CALL},
                                      {"function-call", TALK_CALL},
                                      {"tool_call", TALK_CALL},
                                      {"observation", TALK_TOOL},
                                      {"tool", TALK_TOOL},
                                      {"function", TALK_TOOL},
                                      {"function_response", TALK_TOOL},
                                      {"function-response", TALK_TOOL},
                                      {"tool_response", TALK_TOOL},
                                      {"ipython", TALK_TOOL}};
enum { ROLE_NAMES = sizeof role_names / sizeof role_names[0] };

static Err find_role(const Json *node, TalkRole *out)
{
    for (int i = 0; node->kind == JSON_TEXT && i < ROLE_NAMES; i++)
        if (strcasecmp(node->text, role_names[i].name) == 0) {
            *out = role_names[i].role;
            return OK;
        }
    FAIL(ERR_DATA,
         "%s: found %s for who speaks; expected system, user (human), assistant (gpt), tool "
         "(observation), function_call or another known spelling of these",
         FORMAT_WHERE(node), json_show(node, (char[JSON_WORDS]){0}, JSON_WORDS));
}

// ---- what one message says

typedef struct Said {
    FormatText  text, reasoning;
    const Json *call[16]; // {"name", "arguments"} or with "function" around it
    int         calls;
} Said;

enum { CALLS_MAX = sizeof((Said){0}.call) / sizeof(const Json *) };

static Err add_call(Said *s, const Json *call)
{
    const Json *function = json_member(call, "function");

    if (function == NULL)
        function = call;
    if (call->kind != JSON_OBJECT || !format_is_text(function, "name"))
        FAIL(ERR_DATA, "%s: a call is {\"name\": ..., \"arguments\": ...}, found %s",
             FORMAT_WHERE(call), json_show(call, (char[JSON_WORDS]){0}, JSON_WORDS));
    if (s->calls == CALLS_MAX)
        FAIL(ERR_DATA, "%s: more than %d calls in one message", FORMAT_WHERE(call), CALLS_MAX);
    s->call[s->calls++] = call;
    return OK;
}

static Err add_calls(Said *s, const Json *calls)
{
    if (calls->kind != JSON_ARRAY)
        return add_call(s, calls);
    for (const Json *m = calls->child; m != NULL; m = m->next)
        TRY(add_call(s, m));
    return OK;
}

// A text that holds a call or a list of calls as JSON.
static Err add_written_calls(Said *s, Arena *scratch, const Json *text)
{
    const Json *root;

    if (text->kind != JSON_TEXT || json_parse(scratch, FORMAT_WHERE(text), text->text, text->length,
                                              JSON_NO_COMMENTS, &root) != OK) {
        err_forget();
        FAIL(ERR_DATA,
             "%s: a call of a tool is the JSON of {\"name\": ..., \"arguments\": ...} or of a list "
             "of these, found %s",
             FORMAT_WHERE(text), json_show(text, (char[JSON_WORDS]){0}, JSON_WORDS));
    }
    return add_calls(s, root);
}

static void join(Arena *scratch, FormatText *to, const Json *more)
{
    char *both = arena_new(scratch, char, to->length + more->length + 1);

    if (to->length > 0)
        memcpy(both, to->text, (size_t)to->length);
    memcpy(both + to->length, more->text, (size_t)more->length);
    *to = (FormatText){both, to->length + more->length};
}

// {"type": "text", "text": ...}: the parts of a content that is a list.
static Err add_part(Said *s, Arena *scratch, const Json *part)
{
    static const char *const values[] = {"text", "value", "thinking", NULL};
    const Json              *type = json_member(part, "type"), *value = format_any(part, values);
    const char              *kind = type != NULL && type->kind == JSON_TEXT ? type->text : "";

    if (strcmp(kind, "tool_call") == 0 && value != NULL)
        return add_written_calls(s, scratch, value);
    if (value != NULL && value->kind == JSON_TEXT) {
        if (strcmp(kind, "text") == 0)
            join(scratch, &s->text, value);
        else if (strcmp(kind, "reasoning") == 0 || strcmp(kind, "thinking") == 0)
            join(scratch, &s->reasoning, value);
        if (strcmp(kind, "text") == 0 || strcmp(kind, "reasoning") == 0 ||
            strcmp(kind, "thinking") == 0)
            return OK;
    }
    FAIL(ERR_DATA,
         "%s: a part of a message has the type text, reasoning or tool_call, found \"%.40s\"; "
         "pictures, sound and files cannot be learned from here",
         FORMAT_WHERE(part), kind);
}

static Err read_content(Said *s, Arena *scratch, TalkRole role, const Json *content)
{
    if (role == TALK_CALL)
        return add_written_calls(s, scratch, content);
    if (content->kind == JSON_TEXT) {
        s->text = (FormatText){content->text, content->length};
    } else if (content->kind == JSON_ARRAY) {
        for (const Json *m = content->child; m != NULL; m = m->next)
            TRY(add_part(s, scratch, m));
    } else if (content->kind != JSON_NULL) {
        FAIL(ERR_DATA, "%s: what a message says is a text, null or a list of parts, found %s",
             FORMAT_WHERE(content), json_show(content, (char[JSON_WORDS]){0}, JSON_WORDS));
    }
    return OK;
}

// ---- writing messages

// Texts of arguments become what they hold: templates write them as JSON themselves.
static void write_arguments(Talk *t, Arena *scratch, const Json *arguments)
{
    const Json *inner;

    if (arguments == NULL) {
        text_puts(&t->text, "{}");
    } else if (arguments->kind == JSON_TEXT &&
               json_parse(scratch, "arguments", arguments->text, arguments->length,
                          JSON_NO_COMMENTS, &inner) == OK &&
               inner->kind == JSON_OBJECT) {
        json_write(&t->text, inner);
    } else {
        err_forget();
        json_write(&t->text, arguments);
    }
}

static void write_calls(Talk *t, Arena *scratch, const Said *s)
{
    text_puts(&t->text, ", \"tool_calls\": [");
    for (int i = 0; i < s->calls; i++) {
        const Json *function = json_member(s->call[i], "function");
        const Json *id = json_member(s->call[i], "id");

        function = function == NULL ? s->call[i] : function;
        text_puts(&t->text, i > 0 ? ", {" : "{");
        if (id != NULL && id->kind == JSON_TEXT) {
            text_puts(&t->text, "\"id\": ");
            json_write(&t->text, id);
            text_puts(&t->text, ", ");
        }
        text_puts(&t->text, "\"type\": \"function\", \"function\": {\"name\": ");
        json_write(&t->text, json_member(function, "name"));
        text_puts(&t->text, ", \"arguments\": ");
        write_arguments(t, scratch, json_member(function, "arguments"));
        text_puts(&t->text, "}}");
    }
    text_puts(&t->text, "]");
}

static int is_known(const char *key)
{
    static const char *const known[] = {"role",        "content",       "from",  "value",
                                        "loss_weight", "weight",        "train", "loss",
                                        "tool_calls",  "function_call", NULL};

    for (int i = 0; known[i] != NULL; i++)
        if (strcmp(known[i], key) == 0)
            return 1;
    return 0;
}

// The weight of a message, by the names that it has: a number, or false for 0.
static Err write_weight(Talk *t, const Json *message, int is_answer)
{
    static const char *const names[] = {"weight", "loss_weight", "loss", "train", NULL};
    const Json              *weight = format_any(message, names);

    if (weight == NULL || !is_answer || t->is_refused)
        return OK;
    if (weight->kind != JSON_TRUE && weight->kind != JSON_FALSE &&
        (weight->kind != JSON_NUMBER || weight->number < 0 || weight->number > TALK_WEIGHT_MAX))
        FAIL(ERR_DATA,
             "%s: \"%s\" is the weight of a message: a number from 0 to %d, true or false",
             FORMAT_WHERE(weight), weight->key, TALK_WEIGHT_MAX);
    text_puts(&t->text, ", \"weight\": ");
    if (weight->kind == JSON_NUMBER)
        json_write(&t->text, weight);
    else
        text_puts(&t->text, weight->kind == JSON_TRUE ? "1" : "0");
    return OK;
}

// ---- one message

// What else templates may look at.
static void write_members(Talk *t, const Json *m, const Said *said)
{
    for (const Json *more = m->child; more != NULL; more = more->next)
        if (!is_known(more->key) && more->kind != JSON_NULL &&
            (said->reasoning.length == 0 || strcmp(more->key, "reasoning_content") != 0)) {
            text_puts(&t->text, ", ");
            text_json(&t->text, more->key, (int64_t)strlen(more->key));
            text_puts(&t->text, ": ");
            json_write(&t->text, more);
        }
}

static Err read_message(Talk *t, Arena *scratch, const Json *m, int is_from)
{
    const Json *who = json_member(m, is_from ? "from" : "role");
    const Json *content = json_member(m, is_from ? "value" : "content");
    const Json *calls = json_member(m, "tool_calls"), *call = json_member(m, "function_call");
    TalkRole    role;
    Said        said = {0};

    if (m->kind != JSON_OBJECT || who == NULL || (content == NULL && calls == NULL && call == NULL))
        FAIL(ERR_DATA, "%s: a message here is {\"%s\": ..., \"%s\": ...}, found %s",
             FORMAT_WHERE(m), is_from ? "from" : "role", is_from ? "value" : "content",
             m->kind != JSON_OBJECT ? json_kind_name(m->kind) : "an object without these");
    TRY(find_role(who, &role));
    if (content != NULL)
        TRY(read_content(&said, scratch, role, content));
    if (calls != NULL && calls->kind != JSON_NULL)
        TRY(add_calls(&said, calls));
    if (call != NULL && call->kind != JSON_NULL)
        TRY(add_calls(&said, call));
    if (role == TALK_SYSTEM && format_is_blank(said.text))
        return OK;
    talk_open_message(t, role);
    talk_write(t, "content", said.text);
    if (said.reasoning.length > 0)
        talk_write(t, "reasoning_content", said.reasoning);
    if (said.calls > 0)
        write_calls(t, scratch, &said);
    write_members(t, m, &said);
    TRY(write_weight(t, m, role == TALK_ASSISTANT || role == TALK_CALL));
    talk_close_message(t, role, said.calls > 0 || !format_is_blank(said.text));
    return OK;
}

int format_is_message(const Json *node)
{
    return node != NULL && node->kind == JSON_OBJECT &&
           (json_member(node, "from") != NULL || json_member(node, "role") != NULL);
}

int format_is_messages(const Json *node)
{
    return node != NULL && node->kind == JSON_ARRAY &&
           (node->child == NULL || format_is_message(node->child));
}

// A system message in the list goes before one that stands beside the list.
int format_begins_with_system(const Json *list)
{
    static const char *const names[] = {"from", "role", NULL};
    const Json              *role = format_any(list->child, names);
    TalkRole                 found;

    if (role == NULL)
        return 0;
    if (find_role(role, &found) == OK)
        return found == TALK_SYSTEM;
    err_forget(); // talk_read says it
    return 0;
}

Err talk_read(Talk *t, Arena *scratch, const Json *messages)
{
    int is_from;

    if (messages->kind == JSON_OBJECT)
        return read_message(t, scratch, messages, json_member(messages, "from") != NULL);
    if (messages->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: a list of messages is expected, found %s", FORMAT_WHERE(messages),
             json_kind_name(messages->kind));
    is_from = json_member(messages->child, "from") != NULL; // the others have to be spelled alike
    for (const Json *m = messages->child; m != NULL; m = m->next)
        TRY(read_message(t, scratch, m, is_from));
    return OK;
}

// ---- the two formats

static const char *const LISTS[] = {"conversations", "messages", "conversation", NULL};

static int has_turns(const Json *record, int is_from)
{
    const Json *list = format_any(record, LISTS);

    if (!format_is_messages(list))
        return 0;
    if (list->child == NULL) // nothing tells: by the usual name
        return is_from == (strncmp(list->key, "conv", 4) == 0);
    return is_from == (json_member(list->child, "from") != NULL);
}

static int fits_sharegpt(const Json *record)
{
    return has_turns(record, 1);
}

static int fits_messages(const Json *record)
{
    return has_turns(record, 0);
}

static Err take_turns(FormatTake *t, const Json *record)
{
    const Json *list = format_any(record, LISTS);
    Talk        talk = talk_make(t->scratch);

    if (!format_begins_with_system(list))
        TRY(format_before(&talk, record));
    TRY(talk_read(&talk, t->scratch, list));
    return format_end(t, &talk, record);
}

const Format FORMAT_SHAREGPT = {.name = "sharegpt",
                                .wants = "\"conversations\": a list of {\"from\", \"value\"}",
                                .field = {"messages", "tools"},
                                .fits = fits_sharegpt,
                                .take = take_turns};

const Format FORMAT_MESSAGES = {.name = "messages",
                                .wants = "\"messages\": a list of {\"role\", \"content\"}",
                                .field = {"messages", "tools"},
                                .fits = fits_messages,
                                .take = take_turns};
