#include "io/config.h"
#include "tests/check.h"

#include <string.h>

typedef struct Inner {
    int64_t layers;
    double  rate;
} Inner;

typedef struct Outer {
    int64_t     steps;
    double      lr;
    const char *name;
    int         fast;
    int         kind;
    const Json *any;
    const Json *list;
    Inner       inner;
} Outer;

static const ConfigField INNER_TABLE[] = {{.key = "layers",
                                           .kind = CONFIG_INT,
                                           .offset = offsetof(Inner, layers),
                                           .standard = "2",
                                           .min = 1,
                                           .max = 64,
                                           .help = "Blocks of the network."},
                                          {.key = "rate",
                                           .kind = CONFIG_FLOAT,
                                           .offset = offsetof(Inner, rate),
                                           .standard = "1e-3",
                                           .help = "Any number."},
                                          {0}};

static const ConfigField OUTER_TABLE[] = {{.key = "steps",
                                           .kind = CONFIG_INT,
                                           .offset = offsetof(Outer, steps),
                                           .min = 1,
                                           .max = 1e6,
                                           .help = "Optimizer steps."},
                                          {.key = "lr",
                                           .kind = CONFIG_FLOAT,
                                           .offset = offsetof(Outer, lr),
                                           .standard = "0.1",
                                           .max = 1,
                                           .help = "Learning rate."},
                                          {.key = "name",
                                           .kind = CONFIG_TEXT,
                                           .offset = offsetof(Outer, name),
                                           .standard = "none",
                                           .help = "What it is called."},
                                          {.key = "fast",
                                           .kind = CONFIG_YESNO,
                                           .offset = offsetof(Outer, fast),
                                           .standard = "true",
                                           .help = "Whether it hurries."},
                                          {.key = "kind",
                                           .kind = CONFIG_ENUM,
                                           .offset = offsetof(Outer, kind),
                                           .standard = "cosine",
                                           .choices = "constant|linear|cosine",
                                           .help = "The shape."},
                                          {.key = "any",
                                           .kind = CONFIG_JSON,
                                           .offset = offsetof(Outer, any),
                                           .standard = "",
                                           .help = "Any value."},
                                          {.key = "list",
                                           .kind = CONFIG_JSON,
                                           .offset = offsetof(Outer, list),
                                           .standard = "[1, 2]",
                                           .help = "A list."},
                                          {.key = "inner",
                                           .kind = CONFIG_TABLE,
                                           .offset = offsetof(Outer, inner),
                                           .table = INNER_TABLE,
                                           .help = "The network."},
                                          {0}};

static Arena *room(void)
{
    static Arena arena;

    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 64 << 20));
    return &arena;
}

static const Json *tree(const char *text)
{
    const Json *root = NULL;

    EXPECT_OK(json_parse(room(), "c.json", text, (int64_t)strlen(text), JSON_COMMENTS, &root));
    return root;
}

static Err read_text(const char *text, Outer *out)
{
    *out = (Outer){0};
    return config_read(room(), tree(text), OUTER_TABLE, out);
}

static void config_fills_what_is_given_and_what_is_not(const Comm *c)
{
    Outer o;

    (void)c;
    EXPECT_OK(read_text("{\"steps\": 7, \"$schema\": \"x\", \"kind\": \"linear\", \"fast\": false,"
                        " \"any\": {\"k\": [1]}, \"inner\": {\"layers\": 3}} // end",
                        &o));
    EXPECT_INT(o.steps, 7);
    EXPECT_NEAR(o.lr, 0.1, 0);
    EXPECT_TEXT(o.name, "none");
    EXPECT_INT(o.fast, 0);
    EXPECT_INT(o.kind, 1);
    EXPECT_INT(json_member(o.any, "k")->length, 1);
    EXPECT_INT(o.list->length, 2);
    EXPECT_INT(o.inner.layers, 3);
    EXPECT_NEAR(o.inner.rate, 1e-3, 0);
}

static void config_without_a_tree_is_all_defaults(const Comm *c)
{
    Inner i;
    Outer o;

    (void)c;
    EXPECT_OK(config_read(room(), NULL, INNER_TABLE, &i));
    EXPECT_INT(i.layers, 2);
    EXPECT_ERR(config_read(room(), NULL, OUTER_TABLE, &o), ERR_CONFIG,
               "the configuration: the key \"steps\" is missing; it has no default (Optimizer "
               "steps.)");
}

static void config_refuses_unknown_and_doubled_keys(const Comm *c)
{
    Outer       o;
    const Json *root;

    (void)c;
    EXPECT_ERR(read_text("{\"steps\": 1, \"inner\": {\n\"layer\": 1}}", &o), ERR_CONFIG,
               "c.json:2:1: unknown key \"inner.layer\"; did you mean \"layers\"?");
    EXPECT_ERR(read_text("{\"steps\": 1, \"inner\": {\"$schema\": \"\"}}", &o), ERR_CONFIG,
               "unknown key \"inner.$schema\"");
    EXPECT_ERR(
        json_parse(room(), "c.json", "{\"steps\": 1, \"steps\": 1}", 24, JSON_COMMENTS, &root),
        ERR_DATA, "expected every key once, found \"steps\" again");
    EXPECT_ERR(read_text("{}", &o), ERR_CONFIG, "c.json:1:1: the key \"steps\" is missing");
    EXPECT_ERR(read_text("[]", &o), ERR_CONFIG, "expected an object");
}

static void config_refuses_wrong_types_and_bounds(const Comm *c)
{
    static const char *const bad[][2] = {
        {"\"steps\": 0", "c.json:1:11: \"steps\" must be a whole number from 1 to 1000000, found 0 "
                         "(Optimizer steps.)"},
        {"\"steps\": 1.5", "found 1.5"},
        {"\"steps\": \"7\"", "found the text \"7\""},
        {"\"steps\": null", "found null"},
        {"\"steps\": 1, \"lr\": 1.1", "\"lr\" must be a number from 0 to 1, found 1.1"},
        {"\"steps\": 1, \"name\": 3", "\"name\" must be a text, found 3"},
        {"\"steps\": 1, \"fast\": 1", "\"fast\" must be true or false, found 1"},
        {"\"steps\": 1, \"kind\": \"lineal\"",
         "must be one of constant|linear|cosine, found the text "
         "\"lineal\"; did you mean \"linear\"?"},
        {"\"steps\": 1, \"kind\": 1", "must be one of constant|linear|cosine, found 1"},
        {"\"steps\": 1, \"inner\": 3", "\"inner\" must be an object, found 3"},
        {"\"steps\": 1, \"inner\": {\"layers\": 65}",
         "\"inner.layers\" must be a whole number from 1"
         " to 64, found 65"},
        {"\"steps\": 1, \"inner\": {\"layers\": 1e300}", "found 1e+300"},
    };
    Outer o;

    (void)c;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Text t = text_make(room());
        text_printf(&t, "{%s}", bad[i][0]);
        EXPECT_ERR(read_text(t.data, &o), ERR_CONFIG, bad[i][1]);
    }
}

static Err override(const char *text, const char *one, const char *two, Outer *o)
{
    const char *const list[] = {one, two};
    const Json       *root;

    TRY(config_override(room(), text != NULL ? tree(text) : NULL, list, two != NULL ? 2 : 1,
                        &root));
    return config_read(room(), root, OUTER_TABLE, o);
}

static void config_overrides_replace_and_add(const Comm *c)
{
    Outer o;

    (void)c;
    EXPECT_OK(override("{\"steps\": 7, \"lr\": 0.5}", "steps=8", "inner.layers=5", &o));
    EXPECT_INT(o.steps, 8);
    EXPECT_NEAR(o.lr, 0.5, 0);
    EXPECT_INT(o.inner.layers, 5);
    EXPECT_OK(override(NULL, "steps=9", "name=a plain = text", &o));
    EXPECT_INT(o.steps, 9);
    EXPECT_TEXT(o.name, "a plain = text");
    EXPECT_OK(override("{\"steps\": 7, \"inner\": {\"rate\": 4}}", "any.deep.er={\"x\": [1]}",
                       "inner.layers=9", &o));
    EXPECT_INT(json_member(json_member(json_member(o.any, "deep"), "er"), "x")->length, 1);
    EXPECT_NEAR(o.inner.rate, 4, 0);
    EXPECT_INT(o.inner.layers, 9);
    EXPECT_OK(override("{\"steps\": 7}", "name=x", "name=y", &o));
    EXPECT_TEXT(o.name, "y");
    EXPECT_OK(override("{\"steps\": 7}", "name=", NULL, &o));
    EXPECT_TEXT(o.name, "");
}

static void config_overrides_fail_with_their_words(const Comm *c)
{
    Outer o;

    (void)c;
    EXPECT_ERR(override("{}", "stpes=3", NULL, &o), ERR_CONFIG,
               "command line: unknown key \"stpes\"; did you mean \"steps\"?");
    EXPECT_ERR(override("{}", "steps=many", NULL, &o), ERR_CONFIG,
               "command line: \"steps\" must be a whole number from 1 to 1000000, found the text "
               "\"many\"");
    EXPECT_ERR(override("{}", "steps", NULL, &o), ERR_USAGE,
               "override \"steps\": expected key=value");
    EXPECT_ERR(override("{}", "=3", NULL, &o), ERR_USAGE, "override \"=3\"");
    EXPECT_ERR(override("{}", "a..b=3", NULL, &o), ERR_USAGE, "override \"a..b=3\"");
    EXPECT_ERR(override("{}", "a.=3", NULL, &o), ERR_USAGE, "after the last dot");
    EXPECT_ERR(override("{}", ".=3", NULL, &o), ERR_USAGE, "override \".=3\"");
    EXPECT_ERR(override("{\"steps\": 1}", "steps.x=3", NULL, &o), ERR_USAGE,
               "\"steps\" holds a number, not an object");
    EXPECT_ERR(override("{}", "name=\xff", NULL, &o), ERR_USAGE, "expected UTF-8");
}

static void config_overrides_leave_the_first_tree_alone(const Comm *c)
{
    const Json       *before = tree("{\"steps\": 7, \"inner\": {\"layers\": 3}}"), *after;
    const char *const list[] = {"inner.layers=4", "name=x"};
    Outer             o;

    (void)c;
    EXPECT_OK(config_override(room(), before, list, 2, &after));
    EXPECT_OK(config_read(room(), before, OUTER_TABLE, &o));
    EXPECT_INT(o.inner.layers, 3);
    EXPECT_TEXT(o.name, "none");
    EXPECT_INT(before->length, 2);
    EXPECT_INT(after->length, 3);
}

static void config_written_reads_back_the_same(const Comm *c)
{
    Outer a, b;
    Text  one = text_make(room()), two = text_make(room());

    (void)c;
    EXPECT_OK(
        read_text("{\"steps\": 7, \"lr\": 0.30000000000000004, \"name\": \"é\\n\\\"\", \"any\": "
                  "[null], \"inner\": {\"rate\": 1e-300}}",
                  &a));
    config_write(&one, OUTER_TABLE, &a);
    EXPECT_TEXT(one.data,
                "{\"steps\": 7, \"lr\": 0.30000000000000004, \"name\": \"é\\n\\\"\", "
                "\"fast\": true, \"kind\": \"cosine\", \"any\": [null], \"list\": [1, 2], "
                "\"inner\": {\"layers\": 2, \"rate\": 1e-300}}");
    EXPECT_OK(read_text(one.data, &b));
    EXPECT(b.lr == a.lr && b.inner.rate == a.inner.rate);
    config_write(&two, OUTER_TABLE, &b);
    EXPECT_TEXT(two.data, one.data);
    EXPECT_OK(read_text("{\"steps\": 7}", &a));
    two = text_make(room());
    config_write(&two, OUTER_TABLE, &a);
    EXPECT(strstr(two.data, "any") == NULL);
}

static void config_lists_what_was_not_given(const Comm *c)
{
    Text t = text_make(room());

    (void)c;
    config_defaults(&t, tree("{\"steps\": 7, \"inner\": {\"rate\": 1}, \"list\": []}"),
                    OUTER_TABLE);
    EXPECT_TEXT(t.data, "lr\nname\nfast\nkind\nany\ninner.layers\n");
    t = text_make(room());
    config_defaults(&t, NULL, INNER_TABLE);
    EXPECT_TEXT(t.data, "layers\nrate\n");
}

static void config_reads_a_part_of_a_tree_under_its_full_name(const Comm *c)
{
    const Json *root = tree("{\"net\": {\"layers\": 0}}");
    Inner       i;

    (void)c;
    EXPECT_ERR(config_read(room(), json_member(root, "net"), INNER_TABLE, &i), ERR_CONFIG,
               "\"net.layers\" must be");
    root = tree("{\"net\": {}}");
    EXPECT_ERR(config_read(room(), json_member(root, "net"), OUTER_TABLE, &i), ERR_CONFIG,
               "c.json:1:9: the key \"net.steps\" is missing");
}

static void config_help_is_aligned(const Comm *c)
{
    Text t = text_make(room());

    (void)c;
    config_help(&t, OUTER_TABLE);
    EXPECT(strstr(t.data,
                  "steps         whole number 1..1000000  (required)  Optimizer steps.\n") != NULL);
    EXPECT(strstr(t.data, "kind          constant|linear|cosine   cosine      The shape.\n") !=
           NULL);
    EXPECT(strstr(t.data, "inner.layers  whole number 1..64       2           Blocks of the "
                          "network.\n") != NULL);
}

static void config_schema_is_json(const Comm *c)
{
    Text        t = text_make(room());
    const Json *root, *properties, *one;

    (void)c;
    config_schema(&t, OUTER_TABLE);
    EXPECT_OK(json_parse(room(), "schema", t.data, t.length, JSON_NO_COMMENTS, &root));
    EXPECT_INT(json_member(root, "required")->length, 1);
    properties = json_member(root, "properties");
    EXPECT_TEXT(json_member(json_member(properties, "steps"), "type")->text, "integer");
    one = json_member(json_member(properties, "inner"), "properties");
    EXPECT_NEAR(json_member(json_member(one, "layers"), "maximum")->number, 64, 0);
    EXPECT_INT(json_member(json_member(properties, "kind"), "enum")->length, 3);
}

TEST_MAIN(CASE(config_fills_what_is_given_and_what_is_not),
          CASE(config_without_a_tree_is_all_defaults),
          CASE(config_refuses_unknown_and_doubled_keys),
          CASE(config_refuses_wrong_types_and_bounds), CASE(config_overrides_replace_and_add),
          CASE(config_overrides_fail_with_their_words),
          CASE(config_overrides_leave_the_first_tree_alone),
          CASE(config_written_reads_back_the_same), CASE(config_lists_what_was_not_given),
          CASE(config_reads_a_part_of_a_tree_under_its_full_name), CASE(config_help_is_aligned),
          CASE(config_schema_is_json))
