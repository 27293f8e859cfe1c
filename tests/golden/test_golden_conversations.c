// Emitted conversations under published templates and tokenizers: a row's token ids and weights are
// those of the text that the template writes, and prompts are the beginning of them.
#include "tests/datagen/table.h"

#include <inttypes.h>

static Arena       arena, row_arena, scratch;
static const Json *goldens;

static const char *const names[] = {"messages", "tools", NULL};
static const char        emit[] =
    "{\"do\": \"emit\", \"conversation\": \"messages\", \"tools\": \"tools\"}";

static int open_goldens(void)
{
    char        path[1024];
    const char *folder = check_goldens();

    if (folder == NULL)
        return 0;
    if (arena.base == NULL) {
        EXPECT_OK(arena_make(&arena, "golden", (int64_t)1 << 34));
        EXPECT_OK(arena_make(&row_arena, "rows", (int64_t)1 << 34));
        EXPECT_OK(arena_make(&scratch, "scratch", (int64_t)1 << 32));
    }
    snprintf(path, sizeof path, "%s/chat_templates.json", folder);
    EXPECT_OK(json_read(&arena, path, JSON_NO_COMMENTS, &goldens));
    return goldens != NULL;
}

// The template in a golden, or in a file among the assets that it names.
static const Json *template_of(const Json *golden, const char *assets)
{
    const Json *file = json_member(golden, "template_file"), *config = NULL;

    if (json_member(golden, "template") != NULL || file == NULL)
        return json_member(golden, "template");
    EXPECT_OK(json_read(&arena, arena_format(&arena, "%s%s", assets, strchr(file->text, '/')),
                        JSON_NO_COMMENTS, &config));
    return config == NULL ? NULL : json_member(config, json_member(golden, "template_key")->text);
}

static const char *as_text(const Json *node)
{
    Text t = text_make(&row_arena);

    if (node != NULL)
        json_write(&t, node);
    return node == NULL ? "" : t.data;
}

// Against chat_text_ids on the text that the template writes.
static void expect_same(const Table *t, const SetRows *rows, const ChatText *c)
{
    int32_t *want, *ids;
    uint8_t *mask;
    float   *weight;
    int64_t  count = 0, length = 0, different = 0, room;

    EXPECT_OK(chat_text_ids(c, t->vocab, &row_arena, &scratch, &want, &mask, &count));
    room = vocab_room(t->vocab, c->text, c->length);
    ids = arena_new(&row_arena, int32_t, room);
    weight = arena_new(&row_arena, float, room);
    EXPECT_OK(produce_tokens(t->vocab, &scratch, rows, 0, ids, weight, room, &length));
    EXPECT_INT(length, count);
    for (int64_t i = 0; i < length && i < count; i++)
        different += ids[i] != want[i] || (weight[i] > 0) != (mask[i] && i > 0);
    EXPECT_INT(different, 0);
}

// The prompt for the last answer is what stands before it.
static void expect_prompt(const Table *t, const Json *one, const ChatText *c)
{
    const Json *messages = json_member(one, "messages");
    Json        before = *messages, *copy = arena_new(&row_arena, Json, messages->length);
    int64_t     n = 0;
    ChatPrompt  p = {0};

    for (const Json *m = messages->child; m->next != NULL; m = m->next, n++) {
        copy[n] = *m;
        copy[n].next = m->next->next == NULL ? NULL : &copy[n + 1];
    }
    before.child = copy;
    before.length = n;
    if (n == 0)
        return;
    EXPECT_OK(
        chatform_prompt(t->chat, &row_arena, &scratch, &before, json_member(one, "tools"), &p));
    EXPECT(p.bytes <= c->length && memcmp(p.text, c->text, (size_t)p.bytes) == 0);
}

static int ends_with_assistant(const Json *messages)
{
    const Json *m = messages->child;

    while (m->next != NULL)
        m = m->next;
    return strcmp(json_member(m, "role")->text, "assistant") == 0;
}

// 1: compared.  Cases that the template or we refuse are told by a reason.
static int expect_case(Table *t, const Recipe *r, const Json *one, int *refused)
{
    ChatRequest q = {.messages = json_member(one, "messages"), .tools = json_member(one, "tools")};
    ChatText    c = {0};
    SetRows     rows;
    const char *reason;
    Err         e;

    t->row[0] = (TableRow){{as_text(q.messages), as_text(q.tools)}, NULL, 0};
    rows = table_rows(t, r, 0, 1);
    reason = table_reason(&rows, 0);
    e = chat_template_spans(chatform_template(t->chat), &row_arena, &scratch, &q, &c);
    err_forget();
    if (e != OK || *reason != 0) {
        EXPECT(strcmp(reason, "special token in text") == 0 ||
               strcmp(reason, e != OK ? "template" : "nothing to learn") == 0);
        EXPECT(strcmp(reason, "nothing to learn") != 0 || c.spans == 0);
        (*refused)++;
        return 0;
    }
    expect_same(t, &rows, &c);
    if (ends_with_assistant(q.messages))
        expect_prompt(t, one, &c);
    return 1;
}

static int64_t expect_template(const Vocab *v, const char *template, const Json *cases,
                               int *refused)
{
    TableRow  row = {0};
    Table    *t = table_make(&arena, names, &row, 1);
    Recipe   *r = table_recipe(t, emit);
    ChatForm *f = NULL;
    int64_t   compared = 0;

    EXPECT_OK(chatform_make(&arena, "golden", template, v, &f));
    t->vocab = v;
    t->chat = f;
    t->arena = &row_arena;
    for (const Json *one = cases->child; f != NULL && one != NULL; one = one->next) {
        compared += expect_case(t, r, one, refused);
        arena_back(&row_arena, 0);
    }
    return compared;
}

static void rows_have_the_tokens_of_the_templates_text(const Comm *c)
{
    static const char *const folders[] = {"qwen2", "gpt2", "llama2"};
    const char              *assets;
    int64_t                  compared = 0;
    int                      refused = 0;

    (void)c;
    if (!open_goldens() || (assets = check_assets()) == NULL)
        return;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        Vocab *v = NULL;

        EXPECT_OK(
            vocab_open(&arena, arena_format(&arena, "%s/tokenizers/%s", assets, folders[i]), &v));
        for (const Json *g = goldens->child; v != NULL && g != NULL; g = g->next) {
            const Json *text = template_of(g, assets);

            if (text != NULL)
                compared += expect_template(v, text->text, json_member(g, "cases"), &refused);
        }
    }
    printf("# %" PRId64 " conversations compared, %d refused with a reason\n", compared, refused);
    EXPECT(compared > 0);
    check_compared(compared);
}

TEST_MAIN(CASE(rows_have_the_tokens_of_the_templates_text))
