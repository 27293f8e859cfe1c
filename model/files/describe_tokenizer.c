// What a tokenizer and its chat template are, for people.
#include "model/files/describe_private.h"
#include "model/files/export_model.h"
#include "model/text/chat/chat_template.h"

#include <inttypes.h>
#include <string.h>

// The first object below `node` with a "type" like this.
static int has_type(const Json *node, const char *type)
{
    const Json *own = node->kind == JSON_OBJECT ? json_member(node, "type") : NULL;

    if (own != NULL && own->kind == JSON_TEXT && strcmp(own->text, type) == 0)
        return 1;
    for (const Json *m = node->child; m != NULL; m = m->next)
        if (m->child != NULL && has_type(m, type))
            return 1;
    return 0;
}

static const char *way_of(const Json *tokenizer)
{
    const Json *kind = json_member(tokenizer, "kind"), *root = json_member(tokenizer, "tokenizer");
    const Json *model = root == NULL ? NULL : json_member(root, "model");
    const Json *cuts = root == NULL ? NULL : json_member(root, "pre_tokenizer");

    if (kind == NULL || kind->kind != JSON_TEXT)
        return "of an unknown kind";
    if (strcmp(kind->text, "tokenizer.model") == 0)
        return "SentencePiece";
    if (strcmp(kind->text, "vocab.json") == 0 || strcmp(kind->text, "tiktoken") == 0)
        return "byte-level BPE";
    if (model == NULL)
        return kind->text;
    if (json_member(model, "merges") == NULL)
        return "Unigram";
    return cuts != NULL && has_type(cuts, "ByteLevel") ? "byte-level BPE" : "BPE of characters";
}

static void say_token(Text *t, const char *name, const Vocab *v, int32_t id)
{
    const char *spelled = vocab_name(v, t->arena, id);

    if (id < 0)
        text_printf(t, ", no %s", name);
    else // the end of a vocabulary of characters may be a line end
        text_printf(t, ", %s %d %s", name, id,
                    spelled == NULL              ? ""
                    : strcmp(spelled, "\n") == 0 ? "\\n"
                                                 : spelled);
}

static Err check_template(Text *report, Arena *scratch, const char *path, const char *text,
                          const Vocab *v)
{
    Arena        probes;
    ChatTemplate chat;
    Err          e;

    TRY(chat_template_make(scratch, path, text, (int64_t)strlen(text),
                           vocab_name(v, scratch, vocab_bos(v)),
                           vocab_name(v, scratch, vocab_eos(v)), &chat));
    chat.adds_bos = vocab_adds_bos(v);
    TRY(arena_make(&probes, "probes", (int64_t)1 << 34));
    e = chat_template_check(&chat, &probes, report);
    arena_free(&probes);
    return e;
}

static void say_checks(Text *t, Arena *scratch, const char *path, const char *text, const Vocab *v)
{
    const char *name = arena_format(scratch, "the chat template of %s", path), *end;
    Text        report = text_make(scratch);

    describe_or_why(t, "  no chat       ", check_template(&report, scratch, name, text, v));
    for (const char *at = report.data; *at != 0; at = end + (*end != 0)) {
        end = at + strcspn(at, "\n");
        text_printf(t, "  in chats      %.*s\n", (int)(end - at), at);
    }
}

// Of several templates by name, two have a purpose.
static void say_other_templates(Text *t, const Json *json)
{
    const Json *beside = json_member(json, "beside");
    const Json *config = beside == NULL ? NULL : json_member(beside, "tokenizer_config");
    const Json *list = NULL;

    if (config != NULL && config->kind == JSON_OBJECT)
        list = json_member(config, "chat_template");
    if (list == NULL || (list->kind != JSON_ARRAY && list->kind != JSON_OBJECT))
        return;
    for (const Json *m = list->child; m != NULL; m = m->next) {
        const Json *name = m->kind == JSON_OBJECT ? json_member(m, "name") : NULL;
        const char *text = name != NULL && name->kind == JSON_TEXT ? name->text : m->key;

        if (text != NULL && strcmp(text, "default") != 0 && strcmp(text, "tool_use") != 0)
            text_printf(t, "  unusual       the chat template named \"%.60s\" is not used\n", text);
    }
}

// Where a template comes from that the tokenizer does not bring.
static const char *origin_of(const ImportModel *m)
{
    int is_of_base = m->base != NULL && m->base->chat_format == m->chat_format;

    return m->part[0].is_peft && !is_of_base ? "of the adapter" : "of the recipe";
}

static void say_template(Text *t, Arena *scratch, const ImportModel *m, const Json *json,
                         const Vocab *v, const char *path)
{
    const char *text = import_chat_template(m, v), *own = vocab_chat_template(v);
    const char *fault = vocab_chat_fault(v);

    if (import_has_messages(m)) { // these go before what the tokenizer brings
        text_puts(t, "  chat template no: the prompt format of the recipe, a list of messages\n");
        return;
    }
    if (text == NULL) {
        text_printf(t, "  chat template %s%s\n", fault != NULL ? "not understood: " : "no",
                    fault != NULL ? fault : "");
        return;
    }
    text_printf(t, "  chat template %s\n",
                own != NULL && strcmp(own, text) == 0 ? "yes" : origin_of(m));
    if (text == own)
        say_other_templates(t, json);
    say_checks(t, scratch, path, text, v);
}

static void say_beyond(Text *t, const ImportModel *m, const Json *json)
{
    static const char *const files[] = {"config", "generation_config"};
    static const char *const keys[] = {"bos_token_id", "eos_token_id", "pad_token_id"};

    for (int f = 0; f < 2; f++)
        for (int k = 0; k < 3; k++) {
            int64_t id = import_beyond(m, json, files[f], keys[k]);

            if (id >= 0)
                text_printf(t,
                            "  unusual       %s.json: %s %" PRId64
                            " is no token of the model; it is not used\n",
                            files[f], keys[k], id);
        }
}

void describe_vocab(Text *t, Arena *scratch, const ImportModel *m, const Json *json, const Vocab *v,
                    const char *path)
{
    text_printf(t, "  tokenizer     %s, %" PRId64 " tokens", way_of(json), vocab_size(v));
    say_token(t, "bos", v, vocab_bos(v));
    say_token(t, "eos", v, vocab_eos(v));
    say_token(t, "pad", v, vocab_pad(v));
    text_puts(t, "\n");
    if (vocab_size(v) < m->dims.V)
        text_printf(t, "  unusual       %" PRId64 " rows of the embedding have no token\n",
                    m->dims.V - vocab_size(v));
    if (vocab_eos(v) < 0)
        text_puts(t, "  unusual       no token ends a text\n");
    say_beyond(t, m, json);
    say_template(t, scratch, m, json, v, path);
}

Err describe_tokenizer(Text *t, Arena *scratch, const char *path)
{
    ImportModel m = {.dims.V = 0};
    const Json *json;
    Vocab      *v;

    TRY(vocab_source(scratch, path, &m.tokenizer));
    if (m.tokenizer == NULL)
        FAIL(ERR_DATA, "%s: holds no tokenizer", path);
    TRY(vocab_parse(scratch, path, m.tokenizer, &json));
    TRY(vocab_make(scratch, json, &v));
    m.dims.V = vocab_size(v);
    text_printf(t, "%s: a tokenizer without a model\n", path);
    describe_vocab(t, scratch, &m, json, v, path);
    text_puts(t, "  usable        as \"tokenizer\" of a campaign, and by tandem tokenizer and "
                 "template; a model needs config.json and weights\n");
    return OK;
}
