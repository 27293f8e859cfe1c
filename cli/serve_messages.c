// Conversations as token ids.
#include "cli/serve.h"
#include "cli/talk.h"

#include <string.h>

// ---- what the protocol writes otherwise than chat templates read it

// A developer is who the system is to models.
static Err change_role(const Serve *s, Json *role)
{
    char found[JSON_WORDS];

    if (strcmp(role->text, "developer") == 0)
        role->text = "system";
    role->length = (int64_t)strlen(role->text);
    if (chatform_kind(s->chat) == CHATFORM_TEMPLATE)
        return OK; // it knows its roles
    if (strcmp(role->text, "system") != 0 && strcmp(role->text, "user") != 0 &&
        strcmp(role->text, "assistant") != 0)
        FAIL(ERR_DATA, "messages: expected the role system, user or assistant, found %s",
             json_show(role, found, sizeof found));
    return OK;
}

// The arguments of a call come as the text of an object; templates take the object.
static void change_arguments(const Serve *s, Json *arguments)
{
    const Json *object;
    Json        old = *arguments;

    if (arguments->kind != JSON_TEXT)
        return;
    if (json_parse(s->scratch, "arguments", old.text, old.length, JSON_NO_COMMENTS, &object) !=
        OK) {
        err_forget(); // a text to the template as well
        return;
    }
    if (object->kind != JSON_OBJECT)
        return;
    *arguments = *object;
    arguments->key = old.key;
    arguments->next = old.next;
    arguments->parent = old.parent;
}

// A copy that may be changed.
static Json *copy_tree(const Serve *s, const Json *node)
{
    Json *copy = arena_new(s->scratch, Json, 1), **link = &copy->child;

    *copy = *node;
    for (const Json *m = node->child; m != NULL; m = m->next) {
        *link = copy_tree(s, m);
        (*link)->parent = copy;
        link = &(*link)->next;
    }
    *link = NULL;
    return copy;
}

static Json *find(Json *object, const char *key)
{
    Json *m = object->kind == JSON_OBJECT ? object->child : NULL;

    while (m != NULL && strcmp(m->key, key) != 0)
        m = m->next;
    return m;
}

static Err change_message(const Serve *s, Json *m)
{
    Json *role = find(m, "role"), *calls = find(m, "tool_calls");
    char  found[JSON_WORDS];

    if (role == NULL || role->kind != JSON_TEXT)
        FAIL(ERR_DATA, "messages: expected objects with \"role\" and \"content\", found %s",
             json_show(m, found, sizeof found));
    TRY(change_role(s, role));
    for (Json *call = calls != NULL && calls->kind == JSON_ARRAY ? calls->child : NULL;
         call != NULL; call = call->next) {
        Json *function = find(call, "function");
        Json *arguments = function == NULL ? NULL : find(function, "arguments");

        if (arguments != NULL)
            change_arguments(s, arguments);
    }
    return OK;
}

static Err read_messages(const Serve *s, const Json *list, const Json **out)
{
    Json *copy = copy_tree(s, list);

    for (Json *m = copy->child; m != NULL; m = m->next)
        TRY(change_message(s, m));
    *out = copy;
    return OK;
}

// ---- tools

// What a client asks of tools beyond showing them to the model cannot be promised.
static Err read_choice(const Json *body, int *wants_none)
{
    const Json *m = json_member(body, "tool_choice");
    char        found[JSON_WORDS];

    *wants_none = 0;
    if (m == NULL || m->kind == JSON_NULL)
        return OK;
    if (m->kind != JSON_TEXT || (strcmp(m->text, "auto") != 0 && strcmp(m->text, "none") != 0))
        FAIL(ERR_DATA,
             "tool_choice: expected \"auto\" or \"none\", found %s: this server cannot make a "
             "model call a tool",
             json_show(m, found, sizeof found));
    *wants_none = strcmp(m->text, "none") == 0;
    return OK;
}

static Err read_tools(const Serve *s, const Json *body, const Json **out, ServeFault *fault)
{
    const Json *tools = json_member(body, "tools");
    char        found[JSON_WORDS];
    int         wants_none;

    *out = NULL;
    fault->param = "tool_choice";
    TRY(read_choice(body, &wants_none));
    fault->param = "tools";
    if (tools == NULL || tools->kind == JSON_NULL || wants_none)
        return OK;
    if (tools->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "tools: expected a list of tools, found %s",
             json_show(tools, found, sizeof found));
    if (tools->length > 0 && chatform_kind(s->chat) != CHATFORM_TEMPLATE)
        FAIL(ERR_DATA, "tools: this model has no chat template, so there is no way to show it "
                       "tools; leave them out");
    *out = tools->length > 0 ? tools : NULL;
    return OK;
}

// ---- the prompt

Err serve_read_messages(Serve *s, const Json *body, ServeJob *job, ServeFault *fault)
{
    const Json *list = json_member(body, "messages"), *messages, *tools;
    ChatPrompt  prompt;
    ArenaMark   mark = arena_mark(s->rendering);
    Err         e;

    fault->param = "messages";
    TRY(serve_want_vocab(s, "messages"));
    if (s->chat == NULL)
        FAIL(ERR_DATA, "messages: this model has no conversations: %s", s->chat_fault);
    if (list == NULL || list->kind != JSON_ARRAY || list->length == 0)
        FAIL(ERR_DATA, "messages: expected a list of at least one message");
    TRY(read_tools(s, body, &tools, fault));
    fault->param = "messages";
    TRY(read_messages(s, list, &messages));
    e = chatform_prompt(s->chat, s->scratch, s->rendering, messages, tools, &prompt);
    arena_back(s->rendering, mark);
    TRY(e);
    job->prompts = 1;
    job->prompt = arena_new(s->scratch, ServePrompt, 1);
    *job->prompt = (ServePrompt){
        .id = prompt.id, .length = prompt.length, .text = prompt.text, .bytes = prompt.bytes};
    if (job->prompt->length == 0)
        FAIL(ERR_DATA, "messages: expected a prompt of at least one token, found none");
    TRY(serve_too_long(s, job, job->prompt->length, fault));
    fault->param = "stop";
    return talk_add_ends(s->chat, &job->ask);
}
