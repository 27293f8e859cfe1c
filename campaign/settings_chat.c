// The chat template of a campaign.
#include "campaign/settings.h"

#include "io/file.h"
#include "model/text/chat/jinja.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PLAIN "templates/plain.jinja"

// A name that was typed is relative to where it was typed, if there is such a file.
static Err from_here(Arena *run, Settings *s)
{
    const Json *typed = json_member(s->json, "chat_template");
    char        here[FILE_PATH_MAX], path[FILE_PATH_MAX];

    if (typed == NULL || !config_is_override(typed) || *s->chat_file == '/' || *s->chat_file == 0)
        return OK;
    if (getcwd(here, sizeof here) == NULL)
        FAIL(ERR_IO, "the working directory has no name: %s", strerror(errno));
    TRY(file_join(path, here, s->chat_file));
    if (file_exists(path))
        s->chat_file = arena_text(run, path);
    return OK;
}

// The template to take and what to call it; *text NULL: there is none.
static Err find_template(Arena *run, Settings *s, const char **where, const char **text)
{
    char    path[FILE_PATH_MAX], *file;
    int64_t length;

    *text = import_chat_template(&s->import, s->vocab);
    *where = arena_format(run, "%s: the chat template of the model", s->file);
    if (*s->chat_file == 0)
        return OK;
    TRY(from_here(run, s));
    TRY(file_join(path, *s->chat_file == '/' ? "" : s->folder, s->chat_file));
    if (!file_exists(path))
        FAIL(ERR_CONFIG, "%s: there is no file %s; chat_template is relative to the config",
             s->file, path);
    *where = arena_text(run, path);
    TRY(file_read(run, *where, JINJA_TEMPLATE_BYTES_MAX, &file, &length));
    if (length == 0)
        FAIL(ERR_CONFIG, "%s: a chat template is expected, found an empty file", *where);
    *text = file;
    return OK;
}

// The one that comes with Tandem stands beside its configs.
static const char *plain_template(Arena *run, const Settings *s)
{
    char path[FILE_PATH_MAX];

    if (file_join(path, s->folder, PLAIN) == OK && file_exists(path))
        return ", such as chat_template=" PLAIN ", which suits models without any";
    err_forget();
    return arena_format(run, "; %s beside the configs of Tandem suits models without any", PLAIN);
}

static Err make_chat(Arena *run, Settings *s, const char *name)
{
    const char *where, *text;

    TRY(find_template(run, s, &where, &text));
    if (text == NULL && vocab_chat_fault(s->vocab) != NULL)
        FAIL(ERR_CONFIG,
             "%s: %s writes conversations, but the chat template of the model's tokenizer is not "
             "understood (%s): name a Jinja file as chat_template",
             s->file, name, vocab_chat_fault(s->vocab));
    if (text == NULL)
        FAIL(ERR_CONFIG,
             "%s: %s writes conversations, which needs a chat template, but \"chat_template\" is "
             "empty and the model's tokenizer brings none: name a Jinja file as chat_template%s",
             s->file, name, plain_template(run, s));
    s->chat_text = chat_format_of_template(run, text);
    return chatform_make(run, where, s->chat_text, s->vocab, &s->chat);
}

static int is_chat_api(const Json *endpoint)
{
    const Json *api = endpoint == NULL ? NULL : json_member(endpoint, "api");

    return api != NULL && api->kind == JSON_TEXT && strcmp(api->text, "chat") == 0;
}

Err settings_want_chat(Arena *run, Settings *s, const Recipe *r, const char *name,
                       TeacherChoice who)
{
    int asks = recipe_asks_chat(r);
    Err e;

    if (asks && who == TEACHER_ENDPOINT && !is_chat_api(s->endpoint))
        FAIL(ERR_CONFIG,
             "%s: %s asks \"as\": \"chat\", which this endpoint is not asked for: set "
             "endpoint.api=chat, or take \"text\"",
             s->file, name);
    if (s->chat != NULL || !(recipe_emits_conversations(r) || (asks && who == TEACHER_LOCAL)))
        return OK;
    e = make_chat(run, s, name);
    if (e != ERR_DATA)
        return e;
    err_record()->code = ERR_CONFIG;
    return ERR_CONFIG;
}
