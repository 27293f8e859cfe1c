#include "datagen/template.h"
#include "setting.h"

static Arena arena;

static void start(void)
{
    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 1 << 24));
    arena_back(&arena, 0);
}

static Err parse(const char *text, Template *t)
{
    return template_parse(&arena, "prompt", text, (int64_t)strlen(text), t);
}

static void expect_span(const TemplateSpan *s, TemplateKind kind, const char *text)
{
    EXPECT_INT(s->kind, kind);
    EXPECT_INT(s->length, (int64_t)strlen(text));
    EXPECT(memcmp(s->text, text, strlen(text)) == 0);
}

static void template_knows_where_every_piece_came_from(const Comm *c)
{
    Template      t;
    TemplateSpan *spans;

    (void)c;
    start();
    Record r = {.arena = &arena};

    record_set(&r, "question", "12+34", 5);
    record_set(&r, "hint", "{eos}", 5); // text of a field stays text
    EXPECT_OK(parse("{bos}a{{b}}({hint}){question}{question}={eos}", &t));
    EXPECT_INT(t.pieces, 8);
    EXPECT_OK(template_expand(&t, &r, &spans));
    expect_span(&spans[0], TEMPLATE_SPECIAL, "bos");
    expect_span(&spans[1], TEMPLATE_LITERAL, "a{b}(");
    expect_span(&spans[2], TEMPLATE_SLOT, "{eos}");
    expect_span(&spans[3], TEMPLATE_LITERAL, ")");
    expect_span(&spans[4], TEMPLATE_SLOT, "12+34");
    expect_span(&spans[5], TEMPLATE_SLOT, "12+34");
    expect_span(&spans[6], TEMPLATE_LITERAL, "=");
    expect_span(&spans[7], TEMPLATE_SPECIAL, "eos");
}

static void template_may_be_empty_or_only_braces(const Comm *c)
{
    Template      t;
    TemplateSpan *spans;

    (void)c;
    start();
    Record r = {.arena = &arena};

    EXPECT_OK(parse("", &t));
    EXPECT_INT(t.pieces, 0);
    EXPECT_OK(template_expand(&t, &r, &spans));
    EXPECT_OK(parse("{{}}", &t));
    EXPECT_INT(t.pieces, 1);
    EXPECT_OK(template_expand(&t, &r, &spans));
    expect_span(&spans[0], TEMPLATE_LITERAL, "{}");
}

static void template_refuses_what_is_no_slot(const Comm *c)
{
    static const char *const known[] = {"question", "answer"};
    Template                 t;
    TemplateSpan            *spans;

    (void)c;
    start();
    Record r = {.arena = &arena};

    EXPECT_ERR(parse("ab{question", &t), ERR_CONFIG, "byte 3 is not closed");
    EXPECT_ERR(parse("{", &t), ERR_CONFIG, "not closed");
    EXPECT_ERR(parse("ab}", &t), ERR_CONFIG, "closes nothing");
    EXPECT_ERR(parse("{}", &t), ERR_CONFIG, "not the name of a field");
    EXPECT_ERR(parse("{\"a\": 1}", &t), ERR_CONFIG, "{{");
    EXPECT_ERR(parse("{a{b}}", &t), ERR_CONFIG, "not the name");
    EXPECT_ERR(parse("\xff", &t), ERR_CONFIG, "UTF-8");
    EXPECT_OK(parse("{queston}", &t));
    EXPECT_ERR(template_check(&t, known, 2), ERR_CONFIG, "did you mean {question}?");
    EXPECT_ERR(template_expand(&t, &r, &spans), ERR_DATA, "queston");
    EXPECT_OK(parse("{bos}{answer}", &t));
    EXPECT_OK(template_check(&t, known, 2));
}

TEST_MAIN(CASE(template_knows_where_every_piece_came_from),
          CASE(template_may_be_empty_or_only_braces), CASE(template_refuses_what_is_no_slot))
