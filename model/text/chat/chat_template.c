#include "model/text/chat/chat_private.h"

#include "io/file.h"
#include "model/text/chat/jinja_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- opening

Err chat_template_make(Arena *run, const char *name, const char *text, int64_t length,
                       const char *bos, const char *eos, ChatTemplate *out)
{
    *out = (ChatTemplate){.name = arena_text(run, name), .tokens = jinja_dict(run)};
    TRY(jinja_compile(run, name, text, length, &out->plain));
    out->with_tools = out->plain;
    if (bos != NULL) {
        out->bos = arena_text(run, bos);
        jinja_put(run, &out->tokens, "bos_token", jinja_string(out->bos));
    }
    if (eos != NULL) {
        out->eos = arena_text(run, eos);
        jinja_put(run, &out->tokens, "eos_token", jinja_string(out->eos));
    }
    return OK;
}

int chat_format_is_messages(const char *format)
{
    return format[strspn(format, " \t\r\n")] == '[';
}

const char *chat_format_of_template(Arena *run, const char *text)
{
    return chat_format_is_messages(text) ? arena_format(run, "{##}%s", text) : text;
}

static Err read_file(Arena *run, const char *path, char **text, int64_t *length)
{
    return file_read(run, path, JINJA_TEMPLATE_BYTES_MAX, text, length);
}

// A special token is a text, or an object with its text as "content"; NULL: there is none.
static const char *token_text(const Json *config, const char *key)
{
    const Json *token = json_member(config, key);

    if (token != NULL && token->kind == JSON_OBJECT)
        token = json_member(token, "content");
    return token != NULL && token->kind == JSON_TEXT ? token->text : NULL;
}

static void read_tokens(Arena *run, const Json *config, ChatTemplate *t)
{
    static const char *const names[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                        "pad_token", "cls_token", "mask_token"};
    const Json              *adds = json_member(config, "add_bos_token");

    t->tokens = jinja_dict(run);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (token_text(config, names[i]) != NULL)
            jinja_put(run, &t->tokens, names[i], jinja_string(token_text(config, names[i])));
    t->bos = token_text(config, "bos_token");
    t->eos = token_text(config, "eos_token");
    t->adds_bos = adds != NULL && adds->kind == JSON_TRUE;
}

static Err compile_json(Arena *run, const char *name, const Json *text, Jinja **out)
{
    char where[JSON_WORDS];

    if (text == NULL || text->kind != JSON_TEXT)
        FAIL(ERR_DATA, "%s: expected the text of a chat template, found %s", name,
             text == NULL ? "nothing" : json_show(text, where, sizeof where));
    return jinja_compile(run, name, text->text, text->length, out);
}

// [{"name": "default", "template": "..."}, ...] or {"default": "...", ...}
static Err compile_named(Arena *run, const Json *list, ChatTemplate *t)
{
    for (const Json *m = list->child; m != NULL; m = m->next) {
        int         is_pair = m->kind == JSON_OBJECT && list->kind == JSON_ARRAY;
        const Json *text = is_pair ? json_member(m, "template") : m;
        const Json *named = is_pair ? json_member(m, "name") : NULL;
        const char *name = named != NULL && named->kind == JSON_TEXT ? named->text : m->key;

        if (name == NULL)
            FAIL(ERR_DATA, "%s: expected chat templates with names", t->name);
        if (strcmp(name, "default") == 0)
            TRY(compile_json(run, t->name, text, &t->plain));
        else if (strcmp(name, "tool_use") == 0)
            TRY(compile_json(run, t->name, text, &t->with_tools));
    }
    if (t->plain == NULL)
        FAIL(
            ERR_DATA,
            "%s: expected the text of a chat template, or several by name with a \"default\" among "
            "them, found none of that name",
            t->name);
    if (t->with_tools == NULL)
        t->with_tools = t->plain;
    return OK;
}

static Err compile_config(Arena *run, const Json *config, ChatTemplate *t)
{
    const Json *text = json_member(config, "chat_template");

    if (text == NULL || text->kind == JSON_NULL)
        FAIL(ERR_DATA, "%s: there is no \"chat_template\" in it; name a file with one", t->name);
    if (text->kind == JSON_ARRAY || text->kind == JSON_OBJECT)
        return compile_named(run, text, t);
    TRY(compile_json(run, t->name, text, &t->plain));
    t->with_tools = t->plain;
    return OK;
}

static Err open_file(Arena *run, const char *path, ChatTemplate *t)
{
    char   *text;
    int64_t length;

    t->name = arena_text(run, path);
    TRY(read_file(run, path, &text, &length));
    TRY(jinja_compile(run, path, text, length, &t->plain));
    t->with_tools = t->plain;
    return OK;
}

// One more beside chat_template.jinja, as transformers saves it.
static Err open_tool_use(Arena *run, const char *folder, ChatTemplate *t)
{
    char    path[FILE_PATH_MAX], *text;
    int64_t length;

    TRY(file_join(path, folder, "additional_chat_templates/tool_use.jinja"));
    if (!file_exists(path))
        return OK;
    TRY(read_file(run, path, &text, &length));
    return jinja_compile(run, arena_text(run, path), text, length, &t->with_tools);
}

static Err open_folder(Arena *run, const char *path, ChatTemplate *t)
{
    char        config_path[FILE_PATH_MAX], file[FILE_PATH_MAX];
    const Json *config = NULL;

    TRY(file_join(config_path, path, "tokenizer_config.json"));
    TRY(file_join(file, path, "chat_template.jinja"));
    if (file_exists(config_path)) {
        TRY(json_read(run, config_path, JSON_NO_COMMENTS, &config));
        read_tokens(run, config, t);
    }
    if (file_exists(file)) {
        TRY(open_file(run, file, t));
        return open_tool_use(run, path, t);
    }
    if (config == NULL)
        FAIL(ERR_DATA, "%s: expected chat_template.jinja or tokenizer_config.json, found neither",
             path);
    t->name = arena_text(run, config_path);
    return compile_config(run, config, t);
}

Err chat_template_open(Arena *run, const char *path, ChatTemplate *out)
{
    *out = (ChatTemplate){.tokens = jinja_dict(run)};
    return file_is_folder(path) ? open_folder(run, path, out) : open_file(run, path, out);
}

// ---- variables

static Err wrong_message(const Json *m, const char *what)
{
    char where[JSON_WORDS], shown[JSON_WORDS];

    FAIL(ERR_DATA, "%s: expected %s, found %s", json_where(m, where, sizeof where), what,
         json_show(m, shown, sizeof shown));
}

static Err check_messages(const Json *messages)
{
    if (messages->kind != JSON_ARRAY)
        return wrong_message(messages, "a list of messages");
    for (const Json *m = messages->child; m != NULL; m = m->next) {
        const Json *role = json_member(m, "role");

        if (m->kind != JSON_OBJECT || role == NULL || role->kind != JSON_TEXT)
            return wrong_message(m, "a message with a \"role\"");
    }
    return OK;
}

static Err optional(Arena *arena, const Json *node, JinjaValue *out)
{
    *out = jinja_none();
    return node == NULL ? OK : jinja_from_json(arena, node, out);
}

static Err read_values(Arena *arena, const ChatRequest *q, ChatValues *v)
{
    TRY(check_messages(q->messages));
    *v = (ChatValues){.has_time = q->has_time, .time = q->time};
    TRY(jinja_from_json(arena, q->messages, &v->messages));
    TRY(optional(arena, q->tools, &v->tools));
    TRY(optional(arena, q->documents, &v->documents));
    if (q->more != NULL && q->more->kind != JSON_OBJECT)
        return wrong_message(q->more, "an object of variables");
    return optional(arena, q->more, &v->more);
}

int chat_is_assistant(const JinjaValue *message)
{
    const JinjaValue *role = jinja_dict_get(message->dict, "role", 4);

    return role != NULL && jinja_is(role, "assistant");
}

const JinjaValue *chat_content(const JinjaValue *message)
{
    return jinja_dict_get(message->dict, "content", 7);
}

JinjaValue chat_with_content(Arena *arena, const JinjaValue *messages, int64_t index,
                             JinjaValue content)
{
    JinjaValue list = jinja_list(arena), copy = jinja_dict(arena);
    JinjaDict *from = messages->list->item[index].dict;

    *copy.dict = *from;
    copy.dict->pair = arena_new(arena, JinjaPair, from->count);
    copy.dict->capacity = from->count;
    memcpy(copy.dict->pair, from->pair, (size_t)from->count * sizeof(JinjaPair));
    jinja_put(arena, &copy, "content", content);
    *list.list = (JinjaList){.item = arena_new(arena, JinjaValue, messages->list->count),
                             .count = messages->list->count,
                             .capacity = messages->list->count};
    memcpy(list.list->item, messages->list->item,
           (size_t)messages->list->count * sizeof(JinjaValue));
    list.list->item[index] = copy;
    return list;
}

// ---- rendering

static void put_all(Arena *arena, JinjaValue *to, const JinjaValue *from)
{
    for (int64_t i = 0; from->kind == JINJA_DICT && i < from->dict->count; i++)
        jinja_put(arena, to, from->dict->pair[i].key.text, from->dict->pair[i].value);
}

Err chat_render(const ChatTemplate *t, Arena *arena, const ChatValues *v, int64_t count,
                int with_prompt, JinjaOutput *out)
{
    JinjaValue all = jinja_dict(arena), messages = jinja_list(arena);
    int        has_tools = v->tools.kind == JINJA_LIST && v->tools.list->count > 0;

    *messages.list = *v->messages.list;
    messages.list->count = count;
    put_all(arena, &all, &t->tokens);
    jinja_put(arena, &all, "messages", messages);
    jinja_put(arena, &all, "tools", v->tools);
    jinja_put(arena, &all, "documents", v->documents);
    jinja_put(arena, &all, "add_generation_prompt", jinja_bool(with_prompt == CHAT_PROMPT));
    if (v->has_time)
        jinja_put(arena, &all, "strftime_now", jinja_time(v->time));
    put_all(arena, &all, &v->more);
    return jinja_render(has_tools ? t->with_tools : t->plain, arena, &all, out);
}

static int64_t assistants(const JinjaValue *messages)
{
    int64_t count = 0;

    for (int64_t i = 0; i < messages->list->count; i++)
        count += chat_is_assistant(&messages->list->item[i]);
    return count;
}

// Blocks and messages go together where there are as many.
static void spans_of_blocks(Arena *arena, const JinjaOutput *o, const JinjaValue *messages,
                            ChatText *out)
{
    int64_t message = -1;
    int     is_known = o->spans == assistants(messages);

    out->span = arena_new(arena, ChatSpan, o->spans);
    out->spans = o->spans;
    for (int64_t i = 0; i < o->spans; i++) {
        for (message++; is_known && !chat_is_assistant(&messages->list->item[message]);)
            message++;
        out->span[i] = (ChatSpan){is_known ? message : -1, o->span[i], o->span[i]};
    }
}

static Err render(const ChatTemplate *t, Arena *arena, Arena *scratch, const ChatRequest *q,
                  int with_spans, ChatText *out)
{
    int         with_prompt = q->add_generation_prompt ? CHAT_PROMPT : CHAT_NO_PROMPT;
    ChatValues  v;
    JinjaOutput o;
    ArenaMark   mark;

    *out = (ChatText){0};
    TRY(read_values(scratch, q, &v));
    mark = arena_mark(scratch);
    TRY(chat_render(t, scratch, &v, v.messages.list->count, with_prompt, &o));
    out->text = arena_text_n(arena, o.text, o.length);
    out->length = o.length;
    if (!with_spans)
        return OK;
    if (jinja_has_generation(v.tools.kind == JINJA_LIST ? t->with_tools : t->plain)) {
        spans_of_blocks(arena, &o, &v.messages, out);
        return OK;
    }
    arena_back(scratch, mark);
    out->span = arena_new(arena, ChatSpan, assistants(&v.messages));
    return chat_find_spans(t, scratch, &v, out);
}

static Err checked(const ChatTemplate *t, Arena *arena, Arena *scratch, const ChatRequest *q,
                   int with_spans, ChatText *out)
{
    ArenaMark mark = arena_mark(scratch);
    Err       e;

    CHECK(arena != scratch, "the text and what it is made of need two arenas");
    e = render(t, arena, scratch, q, with_spans, out);
    arena_back(scratch, mark);
    return e;
}

Err chat_template_render(const ChatTemplate *t, Arena *arena, Arena *scratch, const ChatRequest *q,
                         ChatText *out)
{
    return checked(t, arena, scratch, q, 0, out);
}

Err chat_template_spans(const ChatTemplate *t, Arena *arena, Arena *scratch, const ChatRequest *q,
                        ChatText *out)
{
    return checked(t, arena, scratch, q, 1, out);
}
