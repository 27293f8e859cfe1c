// Our vocabularies as the files of a Hugging Face folder.
#include "io/file.h"
#include "model/text/foreign_vocab.h"
#include "model/text/tokenizer_private.h"
#include "model/vocab_kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static Err publish(const char *folder, const char *name, const char *data, int64_t bytes)
{
    char path[FILE_PATH_MAX], tag[16];

    TRY(file_join(path, folder, name));
    snprintf(tag, sizeof tag, "%d", (int)getpid());
    return file_publish(path, tag, data, bytes);
}

// JSON in which a character stands for zero characters: they get their escape back.
static void add_json(Text *t, const Json *node, const char *zero)
{
    Text    plain = text_make(t->arena);
    int64_t width = (int64_t)strlen(zero);

    json_write(&plain, node);
    for (int64_t i = 0; i < plain.length;)
        if (width > 0 && strncmp(plain.data + i, zero, (size_t)width) == 0) {
            text_puts(t, "\\u0000");
            i += width;
        } else {
            text_add(t, plain.data + i++, 1);
        }
}

static Err publish_json(Arena *arena, const char *folder, const char *name, const Json *node,
                        const char *zero)
{
    Text t = text_make(arena);

    add_json(&t, node, zero);
    text_puts(&t, "\n");
    return publish(folder, name, t.data, t.length);
}

static const char *text_of(const Json *config, const char *key)
{
    const Json *node = json_member(config, key);

    return node != NULL && node->kind == JSON_TEXT ? node->text : "";
}

// ---- what a chat template knows of these kinds, whose tokens have no names in texts

static void set_token(Text *t, const char *name, const char *text)
{
    text_printf(t, "{%% set %s = ", name);
    if (*text != 0)
        text_json(t, text, (int64_t)strlen(text));
    else
        text_puts(t, "no_such_token"); // a name that is not defined: then neither is this one
    text_puts(t, " %}");
}

const char *foreign_vocab_template(Arena *arena, const Json *tokenizer, const char *chat)
{
    static const char *const names[] = {"bos", "eos", "pad"};
    const char              *kind = text_of(tokenizer, "kind");
    Text                     t = text_make(arena);

    if (strcmp(kind, "character") != 0 && strcmp(kind, "byte") != 0)
        return chat;
    for (int i = 0; i < 3; i++)
        set_token(&t, arena_format(arena, "%s_token", names[i]), text_of(tokenizer, names[i]));
    text_puts(&t, "{{ '' }}"); // a line end behind a tag would go
    text_puts(&t, chat);
    return t.data;
}

// ---- the kinds "character" and "byte", as a tokenizer.json without merges

typedef struct Plain {
    Text        t;
    int32_t     bos;
    const char *bos_text;
} Plain;

static void add_special(Text *t, const char *name, const char *text, int is_first)
{
    if (text == NULL || *text == 0)
        return;
    text_printf(t, "%s\"%s\": ", is_first ? "" : ", ", name);
    text_json(t, text, (int64_t)strlen(text));
}

static void add_frame(Plain *p)
{
    Text *t = &p->t;
    Text  name = text_make(t->arena);

    if (p->bos < 0) {
        text_puts(t, "\"post_processor\": null, ");
        return;
    }
    text_json(&name, p->bos_text, (int64_t)strlen(p->bos_text));
    text_printf(t,
                "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": "
                "[{\"SpecialToken\": {\"id\": %s, \"type_id\": 0}}, {\"Sequence\": {\"id\": \"A\", "
                "\"type_id\": 0}}], \"pair\": [{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}, "
                "{\"Sequence\": {\"id\": \"B\", \"type_id\": 1}}], \"special_tokens\": {%s: "
                "{\"id\": %s, \"ids\": [%d], \"tokens\": [%s]}}}, ",
                name.data, name.data, name.data, p->bos, name.data);
}

static void add_model(Text *t, const char *vocab)
{
    text_printf(t,
                "\"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, "
                "\"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, \"fuse_unk\": "
                "false, \"byte_fallback\": false, \"vocab\": {%s}, \"merges\": []}}\n",
                vocab);
}

static Err publish_template(const char *folder, const char *chat)
{
    return publish(folder, "chat_template.jinja", chat, (int64_t)strlen(chat));
}

// `chat`: NULL: none.
static Err publish_settings(Arena *arena, const char *folder, const char *bos, const char *eos,
                            const char *pad, const char *chat)
{
    Text t = text_make(arena);

    if (chat != NULL)
        TRY(publish_template(folder, chat));

    text_puts(&t, "{\"tokenizer_class\": \"PreTrainedTokenizerFast\", "
                  "\"clean_up_tokenization_spaces\": false");
    add_special(&t, "bos_token", bos, 0);
    add_special(&t, "eos_token", eos, 0);
    add_special(&t, "pad_token", pad, 0);
    add_special(&t, "chat_template", chat, 0);
    text_puts(&t, "}\n");
    return publish(folder, "tokenizer_config.json", t.data, t.length);
}

static Err write_characters(Arena *arena, const Json *config, const Vocab *v, const char *chat,
                            const char *folder)
{
    const char *at = text_of(config, "alphabet");
    Plain       p = {text_make(arena), vocab_bos(v), text_of(config, "bos")};
    Text        vocab = text_make(arena);

    for (int64_t id = 0; *at != 0; id++) {
        int n = text_utf8_length(at, (int64_t)strlen(at));

        text_puts(&vocab, id > 0 ? ", " : "");
        text_json(&vocab, at, n);
        text_printf(&vocab, ": %" PRId64, id);
        at += n;
    }
    text_puts(&p.t, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, "
                    "\"added_tokens\": [], \"normalizer\": null, \"pre_tokenizer\": null, ");
    add_frame(&p);
    text_puts(&p.t, "\"decoder\": {\"type\": \"Fuse\"}, ");
    add_model(&p.t, vocab.data);
    TRY(publish(folder, "tokenizer.json", p.t.data, p.t.length));
    // A special token would be cut out of texts, where ours are characters as any: only their
    // numbers are said, in config.json.
    return publish_settings(arena, folder, "", "", "", chat);
}

static Err write_bytes(Arena *arena, const char *chat, const char *folder)
{
    static const char *const special[] = {"<bos>", "<eos>", "<pad>"};
    Plain                    p = {text_make(arena), 256, "<bos>"};
    Text                     vocab = text_make(arena);

    for (int byte = 0; byte < 256; byte++) {
        Text one = text_make(arena);

        unitext_put(&one, unicode_of_byte(byte));
        text_puts(&vocab, byte > 0 ? ", " : "");
        text_json(&vocab, one.data, one.length);
        text_printf(&vocab, ": %d", byte);
    }
    text_puts(&p.t, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, "
                    "\"added_tokens\": [");
    for (int i = 0; i < 3; i++)
        text_printf(&p.t,
                    "%s{\"id\": %d, \"content\": \"%s\", \"single_word\": false, \"lstrip\": "
                    "false, \"rstrip\": false, \"normalized\": false, \"special\": true}",
                    i > 0 ? ", " : "", 256 + i, special[i]);
    text_puts(&p.t, "], \"normalizer\": null, \"pre_tokenizer\": {\"type\": \"ByteLevel\", "
                    "\"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false}, ");
    add_frame(&p);
    text_puts(&p.t, "\"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, "
                    "\"trim_offsets\": true, \"use_regex\": false}, ");
    add_model(&p.t, vocab.data);
    TRY(publish(folder, "tokenizer.json", p.t.data, p.t.length));
    return publish_settings(arena, folder, special[0], special[1], special[2], chat);
}

// ---- published kinds: their files again

// SentencePiece's file, and a tokenizer.json for programs that cannot read it.
static Err write_model(Arena *arena, const Json *config, const Vocab *v, const char *folder)
{
    Plain       p = {text_make(arena), v->befores > 0 ? v->before[0] : -1, ""};
    Text        t = text_make(arena), bos = text_make(arena);
    const char *text;
    Bytes       file;
    SpmPieces   pieces;

    TRY(json_want_text(config, "base64", &text));
    TRY(base64_read(arena, config->file, (Bytes){text, (int64_t)strlen(text)}, &file));
    TRY(publish(folder, "tokenizer.model", file.data, file.length));
    TRY(spm_read(arena, config->file, file, &pieces));
    if (v->size != pieces.size || v->befores > 1 || v->afters > 0)
        return OK; // the files beside add what it would not say
    if (p.bos >= 0)
        text_add(&bos, pieces.text[p.bos].data, pieces.text[p.bos].length);
    p.bos_text = bos.data;
    add_frame(&p);
    if (!foreign_vocab_spm(arena, &t, &pieces, p.t.data))
        return OK;
    return publish(folder, "tokenizer.json", t.data, t.length);
}

static Err write_text(const Json *config, const char *key, const char *folder, const char *name)
{
    const char *text;

    TRY(json_want_text(config, key, &text));
    return publish(folder, name, text, (int64_t)strlen(text));
}

// The object with one more member, or another text in it.
static const Json *with_text(Arena *arena, const Json *object, const char *key, const char *text)
{
    Json *copy = arena_new(arena, Json, 1), **link = &copy->child;
    Json *member = arena_new(arena, Json, 1);

    *copy = *object;
    for (const Json *m = object->child; m != NULL; m = m->next)
        if (strcmp(m->key, key) != 0) {
            *link = arena_new(arena, Json, 1);
            **link = *m;
            link = &(*link)->next;
        }
    *member = (Json){
        .kind = JSON_TEXT, .key = key, .text = text, .length = (int64_t)strlen(text), .file = ""};
    *link = member;
    return copy;
}

static const Json *member_of(const Json *object, const char *key)
{
    return object == NULL ? NULL : json_member(object, key);
}

// The template of the model instead of all that the files said of templates.
static Err write_template(Arena *arena, const Json *beside, const char *kind, const char *chat,
                          const char *folder)
{
    const Json *settings = member_of(beside, "tokenizer_config");
    Json        none = {.kind = JSON_OBJECT, .file = ""};

    if (settings == NULL || settings->kind != JSON_OBJECT) {
        settings = &none;
        if (strcmp(kind, "tokenizer.json") == 0) // else that of the network's family would be taken
            settings = with_text(arena, settings, "tokenizer_class", "PreTrainedTokenizerFast");
    }
    TRY(publish_json(arena, folder, "tokenizer_config.json",
                     with_text(arena, settings, "chat_template", chat), ""));
    return publish_template(folder, chat);
}

static Err write_tool_template(const Json *one, const char *folder)
{
    char path[FILE_PATH_MAX];

    TRY(file_join(path, folder, "additional_chat_templates"));
    TRY(file_make_folder(path));
    return publish(path, "tool_use.jinja", one->text, one->length);
}

static Err write_beside(Arena *arena, const Json *config, const char *kind, const char *chat,
                        const char *folder)
{
    const Json *beside = json_member(config, "beside");
    const Json *settings = member_of(beside, "tokenizer_config");
    const Json *names = member_of(beside, "special_tokens_map");
    const Json *own = member_of(beside, "chat_template");
    const Json *tools = member_of(beside, "chat_template_tool_use");

    if (names != NULL)
        TRY(publish_json(arena, folder, "special_tokens_map.json", names, ""));
    if (chat != NULL)
        return write_template(arena, beside, kind, chat, folder);
    if (settings != NULL)
        TRY(publish_json(arena, folder, "tokenizer_config.json", settings, ""));
    if (own != NULL && own->kind == JSON_TEXT)
        TRY(publish(folder, "chat_template.jinja", own->text, own->length));
    return tools != NULL && tools->kind == JSON_TEXT ? write_tool_template(tools, folder) : OK;
}

static Err write_published(Arena *arena, const Json *config, const Vocab *v, const char *kind,
                           const char *chat, const char *folder)
{
    const Json *node;

    if (strcmp(kind, "tokenizer.json") == 0) {
        TRY(json_want_object(config, "tokenizer", &node));
        TRY(publish_json(arena, folder, "tokenizer.json", node, text_of(config, "zero")));
    } else if (strcmp(kind, "tokenizer.model") == 0) {
        TRY(write_model(arena, config, v, folder));
    } else if (strcmp(kind, "vocab.json") == 0) {
        TRY(json_want_object(config, "vocab", &node));
        TRY(publish_json(arena, folder, "vocab.json", node, text_of(config, "zero")));
        TRY(write_text(config, "merges", folder, "merges.txt"));
    } else if (strcmp(kind, "tiktoken") == 0) {
        TRY(write_text(config, "text", folder, "vocabulary.tiktoken"));
    } else {
        FAIL(ERR_CONFIG, "%s: a tokenizer of the kind %.40s is not written as files", config->file,
             kind);
    }
    return write_beside(arena, config, kind, chat, folder);
}

Err foreign_vocab_folder(Arena *arena, const Json *tokenizer, const char *chat, const char *folder)
{
    const char *kind;
    Vocab      *v;

    unicode_start();
    TRY(json_want_text(tokenizer, "kind", &kind));
    TRY(vocab_make(arena, tokenizer, &v));
    if (chat != NULL)
        chat = foreign_vocab_template(arena, tokenizer, chat);
    if (strcmp(kind, "character") == 0)
        return write_characters(arena, tokenizer, v, chat, folder);
    if (strcmp(kind, "byte") == 0)
        return write_bytes(arena, chat, folder);
    return write_published(arena, tokenizer, v, kind, chat, folder);
}
