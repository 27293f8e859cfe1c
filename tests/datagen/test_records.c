#include "base/clock.h"
#include "io/file.h"
#include "tests/datagen/setting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static Arena       arena;
static const char *room; // a folder of the case

static void begin(const Comm *c, const char *name)
{
    static int made;

    if (!made++)
        EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 36));
    room = check_folder(c, name);
}

static void put_bytes(const char *name, const char *text, int64_t length)
{
    EXPECT_OK(file_publish(arena_format(&arena, "%s/%s", room, name), "test", text, length));
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, (int64_t)strlen(text));
}

// A source of {"kind": "records", ...members}.
static Err make_seed(const char *members, uint64_t seed, Source **out)
{
    const Json *json = NULL;
    const char *text = arena_format(&arena, "{\"kind\": \"records\", %s}", members);

    EXPECT_OK(json_parse(&arena, "test.json", text, (int64_t)strlen(text), JSON_COMMENTS, &json));
    return source_make(&arena, json, room, seed, out);
}

static Err make(const char *members, Source **out)
{
    return make_seed(members, 1, out);
}

static const char *seed_field(const Source *s, SourceSplit split, int64_t k, const char *field)
{
    Record r = {.arena = &arena, .reason = ""};

    source_draw(s, split, 0, k, &r);
    return setting_field(&r, field);
}

static void expect_refused(const char *members, Err e, const char *says)
{
    Source *s = NULL;

    EXPECT_ERR(make(members, &s), e, says);
}

// ---- formats

static void records_come_from_every_format(const Comm *c)
{
    static const char *const files[] = {"a.jsonl", "b.json", "c.txt"};
    Source                  *s = NULL;

    begin(c, "formats");
    put("a.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two \\\"q\\\" \\n\\u00e4\"}\n");
    put("b.json", "[{\"text\": \"one\"},\n {\"text\": \"two \\\"q\\\" \\n\\u00e4\"}]\n");
    put("c.txt", "one\ntwo\n");
    for (int i = 0; i < 3; i++) {
        EXPECT_OK(make(arena_format(&arena, "\"files\": [\"%s\"]", files[i]), &s));
        EXPECT_INT(source_count(s, SPLIT_SEEDS), 2);
        EXPECT_INT(source_count(s, SPLIT_HELD_OUT), 0);
        EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 0, "text"), "one");
        EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 1, "text"), i < 2 ? "two \"q\" \nä" : "two");
    }
    EXPECT_OK(make("\"files\": [\".\"]", &s)); // the folder: all three, by name
    EXPECT_INT(source_count(s, SPLIT_SEEDS), 6);
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 5, "text"), "two");
    put("d.data", "{\"text\": \"three\"}\n");
    EXPECT_OK(make("\"files\": [\"d.data\"], \"format\": \"jsonl\"", &s));
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 0, "text"), "three");
    expect_refused("\"files\": [\"d.data\"]", ERR_CONFIG, "does not say what it is");
}

static void records_map_members_by_path(const Comm *c)
{
    const Source *s;
    Source       *made = NULL;
    int           n;

    begin(c, "paths");
    put("a.jsonl", "{\"name\": \"first\", \"list\": [{\"in\": \"x\", \"n\": 0.1}, {\"in\": 7}], "
                   "\"yes\": true, \"deep\": {\"er\": {\"est\": \"d\"}}}\n"
                   "{\"name\": \"second\", \"list\": [{\"n\": -3}], \"yes\": null}\n");
    EXPECT_OK(make("\"files\": [\"a.jsonl\"], \"fields\": {\"t\": \"name\", \"x\": \"list.0.in?\", "
                   "\"y\": \"list.1.in?\", \"n\": \"list.0.n\", \"b\": \"yes?\", \"d\": "
                   "\"deep.er.est?\"}",
                   &made));
    s = made;
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 0, "t"), "first");
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 0, "x"), "x");
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 0, "y"), "7");
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 0, "n"), "0.1");
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 0, "b"), "true");
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 0, "d"), "d");
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 1, "x"), "");
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 1, "y"), "");
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 1, "n"), "-3");
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 1, "b"), "");
    // Without "fields": what the first record has that is a text, a number or yes/no.
    EXPECT_OK(make("\"files\": [\"a.jsonl\"], \"fields\": {\"name\": \"name\"}", &made));
    source_fields(made, &n);
    EXPECT_INT(n, 1);
    put("b.jsonl", "{\"q\": \"1\", \"list\": [], \"r\": 2, \"odd key\": \"x\", \"s\": false}\n");
    EXPECT_OK(make("\"files\": [\"b.jsonl\"]", &made));
    source_fields(made, &n);
    EXPECT_INT(n, 3);
    EXPECT_TEXT(source_fields(made, &n)[0], "q");
    EXPECT_TEXT(source_fields(made, &n)[2], "s");
    EXPECT_TEXT(seed_field(made, SPLIT_SEEDS, 0, "s"), "false");
}

static void records_without_what_is_asked_are_named(const Comm *c)
{
    begin(c, "absent");
    put("a.jsonl", "{\"a\": \"1\", \"l\": [\"x\", \"y\"]}\n\n{\"b\": \"2\"}\n");
    expect_refused("\"files\": [\"a.jsonl\"]", ERR_DATA, "a.jsonl, line 3");
    expect_refused("\"files\": [\"a.jsonl\"]", ERR_DATA, "write \"a?\"");
    expect_refused("\"files\": [\"a.jsonl\"], \"fields\": {\"x\": \"l\"}", ERR_DATA,
                   "\"l\" is an array");
    expect_refused("\"files\": [\"a.jsonl\"], \"fields\": {\"x\": \"l.x\"}", ERR_DATA,
                   "no \"l.x\"");
    expect_refused("\"files\": [\"a.jsonl\"], \"fields\": {\"x\": \"l.2\"}", ERR_DATA,
                   "no \"l.2\"");
    expect_refused("\"files\": [\"a.jsonl\"], \"fields\": {\"x\": \"l.-1\"}", ERR_DATA,
                   "no \"l.-1\"");
    expect_refused("\"files\": [\"a.jsonl\"], \"fields\": {\"x\": 3}", ERR_CONFIG, "a path");
    expect_refused("\"files\": [\"a.jsonl\"], \"fields\": {\"a b\": \"a\"}", ERR_CONFIG,
                   "letters, digits");
    expect_refused("\"files\": [\"a.jsonl\"], \"fields\": {}", ERR_CONFIG, "no field");
    put("n.jsonl", "{\"n\": 9007199254740993}\n");
    expect_refused("\"files\": [\"n.jsonl\"]", ERR_DATA, "write it as a text");
}

static void records_with_one_name_are_refused(const Comm *c)
{
    Source *s = NULL;

    begin(c, "names");
    put("a.jsonl", "{\"id\": \"1\", \"t\": \"x\"}\n{\"id\": \"2\", \"t\": \"x\"}\n");
    put("b.jsonl", "{\"id\": \"3\", \"t\": \"y\"}\n{\"id\": 2, \"t\": \"z\"}\n");
    EXPECT_OK(make("\"files\": [\"a.jsonl\", \"b.jsonl\"]", &s));
    EXPECT_INT(source_count(s, SPLIT_SEEDS), 4);
    EXPECT_OK(make("\"files\": [\"a.jsonl\"], \"id\": \"id\"", &s));
    expect_refused("\"files\": [\"a.jsonl\", \"b.jsonl\"], \"id\": \"id\"", ERR_DATA,
                   "a.jsonl, line 2");
    expect_refused("\"files\": [\"a.jsonl\", \"b.jsonl\"], \"id\": \"id\"", ERR_DATA,
                   "b.jsonl, line 2");
    expect_refused("\"files\": [\"a.jsonl\"], \"id\": \"name\"", ERR_DATA, "which is to name it");
}

static void records_with_broken_lines_are_named(const Comm *c)
{
    begin(c, "broken");
    put("a.jsonl", "{\"a\": \"1\"}\n{\"a\": \"2\"}\n{\"a\": \"3\n{\"a\": \"4\"}\n");
    expect_refused("\"files\": [\"a.jsonl\"]", ERR_DATA, "a.jsonl, line 3");
    put("b.jsonl", "{\"a\": \"1\"}\n[\"a\"]\n");
    expect_refused("\"files\": [\"b.jsonl\"]", ERR_DATA, "found an array");
    put("c.json", "{\"a\": \"1\"}");
    expect_refused("\"files\": [\"c.json\"]", ERR_DATA, ".jsonl");
    put("d.json", "[{\"a\": \"1\"},\n {\"a\": }]");
    expect_refused("\"files\": [\"d.json\"]", ERR_DATA, "d.json:2:");
    put("e.jsonl", "{\"a\": \"1\"}\n{\"a\": \"\xff\xfe\"}\n");
    expect_refused("\"files\": [\"e.jsonl\"]", ERR_DATA, "e.jsonl, line 2");
    put("f.txt", "fine\n\xff\xfe\n");
    expect_refused("\"files\": [\"f.txt\"]", ERR_DATA, "f.txt, line 2: not UTF-8");
    put_bytes("g.txt", "fine\na\0b\n", 9);
    expect_refused("\"files\": [\"g.txt\"]", ERR_DATA, "g.txt, line 2");
    put("h.jsonl", "{\"a\": \"1\", \"a\": \"2\"}\n");
    expect_refused("\"files\": [\"h.jsonl\"]", ERR_DATA, "again");
    expect_refused("\"files\": [\"nowhere.jsonl\"]", ERR_DATA, "no such file");
    expect_refused("\"files\": []", ERR_CONFIG, "one or more names");
    expect_refused("\"files\": {}", ERR_CONFIG, "a list");
    expect_refused("\"files\": [3]", ERR_CONFIG, "name of a file");
    EXPECT_OK(file_make_folder(arena_format(&arena, "%s/other", room)));
    put("other/readme.md", "nothing");
    expect_refused("\"files\": [\"other\"]", ERR_DATA, "holds no file");
}

static void records_from_other_systems_are_read(const Comm *c)
{
    Source *s = NULL;

    begin(c, "systems");
    put("a.jsonl", "\xef\xbb\xbf{\"t\": \"one\"}\r\n\r\n  \t\r\n{\"t\": \"two\"}"); // no last end
    EXPECT_OK(make("\"files\": [\"a.jsonl\"]", &s));
    EXPECT_INT(source_count(s, SPLIT_SEEDS), 2);
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 1, "t"), "two");
    put("b.txt", "\xef\xbb\xbfone\r\n\r\n  two \r\n\n");
    EXPECT_OK(make("\"files\": [\"b.txt\"]", &s));
    EXPECT_INT(source_count(s, SPLIT_SEEDS), 2);
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 0, "text"), "one");
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 1, "text"), "  two ");
    EXPECT_OK(make("\"files\": [\"b.txt\"], \"fields\": {\"line\": \"text\"}", &s));
    EXPECT_TEXT(seed_field(s, SPLIT_SEEDS, 0, "line"), "one");
    put("c.json", "\xef\xbb\xbf[{\"t\": \"one\"}]");
    EXPECT_OK(make("\"files\": [\"c.json\"]", &s));
    put("e.jsonl", "");
    expect_refused("\"files\": [\"e.jsonl\"]", ERR_DATA, "hold no record");
    expect_refused("\"files\": [\"e.jsonl\"], \"fields\": {\"t\": \"t\"}", ERR_DATA,
                   "hold no record");
    EXPECT_OK(make("\"files\": [\"e.jsonl\", \"a.jsonl\"], \"fields\": {\"t\": \"t\"}", &s));
    EXPECT_INT(source_count(s, SPLIT_SEEDS), 2);
}

// ---- splits

enum { MANY = 1000 };

static void put_many(const char *name, int first, int count)
{
    Text t = text_make(&arena);

    for (int i = first; i < first + count; i++)
        text_printf(&t, "{\"t\": \"record %d\"}\n", i);
    put_bytes(name, t.data, t.length);
}

static int number_of(const Source *s, SourceSplit split, int64_t iteration, int64_t k)
{
    Record r = {.arena = &arena, .reason = ""};

    source_draw(s, split, iteration, k, &r);
    return atoi(setting_field(&r, "t") + strlen("record "));
}

// How often each of MANY records is in a split.
static void tally(const Source *s, SourceSplit split, int seen[MANY])
{
    memset(seen, 0, MANY * sizeof *seen);
    for (int64_t k = 0; k < source_count(s, split); k++)
        seen[number_of(s, split, 0, k)]++;
}

static void records_hold_a_share_out(const Comm *c)
{
    static int train[MANY], held[MANY], other[MANY];
    Source    *s = NULL, *again = NULL;
    int        moved = 0;

    begin(c, "share");
    put_many("a.jsonl", 0, MANY);
    put_many("b.jsonl", 0, MANY / 2);
    EXPECT_OK(make_seed("\"files\": [\"a.jsonl\"], \"held_out\": {\"share\": 0.2}", 1, &s));
    tally(s, SPLIT_SEEDS, train);
    tally(s, SPLIT_HELD_OUT, held);
    for (int i = 0; i < MANY; i++)
        EXPECT_INT(train[i] + held[i], 1);
    EXPECT(source_count(s, SPLIT_HELD_OUT) > 150 && source_count(s, SPLIT_HELD_OUT) < 250);
    EXPECT_OK(make_seed("\"files\": [\"a.jsonl\"], \"held_out\": {\"share\": 0.2}", 77, &again));
    tally(again, SPLIT_HELD_OUT, other);
    EXPECT_INT(memcmp(held, other, sizeof held), 0);
    // Other records beside them move none.
    EXPECT_OK(make_seed("\"files\": [\"b.jsonl\"], \"held_out\": {\"share\": 0.2}", 1, &again));
    tally(again, SPLIT_HELD_OUT, other);
    for (int i = 0; i < MANY / 2; i++)
        moved += held[i] != other[i];
    EXPECT_INT(moved, 0);
    put_many("one.jsonl", 0, 1);
    expect_refused("\"files\": [\"one.jsonl\"], \"held_out\": {\"share\": 0.0}", ERR_DATA,
                   "nothing is held out");
    expect_refused("\"files\": [\"one.jsonl\"], \"held_out\": {\"share\": 1.5}", ERR_CONFIG,
                   "share");
    expect_refused("\"files\": [\"one.jsonl\"], \"held_out\": 0.1", ERR_CONFIG, "held_out is");
    expect_refused("\"files\": [\"one.jsonl\"], \"held_out\": {\"part\": 0.1}", ERR_CONFIG, "part");
}

static void records_hold_files_out(const Comm *c)
{
    static int train[MANY], held[MANY];
    Source    *s = NULL;

    begin(c, "files");
    EXPECT_OK(file_make_folder(arena_format(&arena, "%s/all", room)));
    put_many("all/a.jsonl", 0, 600);
    put_many("all/b.jsonl", 500, 300);
    put_many("test.jsonl", 900, 100);
    EXPECT_OK(make("\"files\": [\"all\"], \"held_out\": {\"files\": [\"test.jsonl\"]}", &s));
    EXPECT_INT(source_count(s, SPLIT_SEEDS), 900);
    EXPECT_INT(source_count(s, SPLIT_HELD_OUT), 100);
    EXPECT_INT(number_of(s, SPLIT_HELD_OUT, 0, 0), 900);
    // What stands in both is held out.
    EXPECT_OK(make("\"files\": [\"all\"], \"held_out\": {\"files\": [\"all/b.jsonl\"]}", &s));
    tally(s, SPLIT_SEEDS, train);
    tally(s, SPLIT_HELD_OUT, held);
    for (int i = 0; i < 800; i++) {
        EXPECT_INT(train[i], i < 500);
        EXPECT_INT(held[i], i >= 500);
    }
    expect_refused("\"files\": [\"test.jsonl\"], \"held_out\": {\"files\": [\"test.jsonl\"]}",
                   ERR_DATA, "that is not held out");
}

static void records_are_all_drawn_before_one_is_drawn_again(const Comm *c)
{
    static const int sizes[] = {1, 2, 3, 7, 12, 100, 256};
    Source          *s = NULL;
    int              same = 0;

    begin(c, "passes");
    for (int i = 0; i < 7; i++) {
        int n = sizes[i], seen[256] = {0};

        put_many("a.jsonl", 0, n);
        EXPECT_OK(make("\"files\": [\"a.jsonl\"]", &s));
        EXPECT_INT(source_count(s, SPLIT_TRAIN), -1);
        for (int64_t k = 0; k < 3 * n; k++) {
            seen[number_of(s, SPLIT_TRAIN, 4, k)]++;
            if ((k + 1) % n == 0)
                for (int j = 0; j < n; j++)
                    EXPECT_INT(seen[j], (k + 1) / n);
        }
    }
    for (int64_t k = 0; k < 256; k++) // another iteration has another order
        same += number_of(s, SPLIT_TRAIN, 4, k) == number_of(s, SPLIT_TRAIN, 5, k);
    EXPECT(same < 20);
}

// Room and time grow with the files, not faster.
static void records_of_large_files_take_little_more_than_their_bytes(const Comm *c)
{
    enum { LINES = 100000 };
    Text    t = text_make(&arena);
    Source *s = NULL;
    Arena   own;
    double  began;
    int64_t used;

    begin(c, "large");
    for (int i = 0; i < LINES; i++)
        text_printf(&t, "{\"id\": %d, \"t\": \"record %d of a large file, %050d\"}\n", i, i, i);
    put_bytes("a.jsonl", t.data, t.length);
    EXPECT_OK(arena_make(&own, "own", (int64_t)1 << 34));
    began = clock_now();
    EXPECT_OK(source_make(&own,
                          setting_json(&arena, "{\"kind\": \"records\", \"files\": [\"a.jsonl\"], "
                                               "\"id\": \"id\", \"held_out\": {\"share\": 0.5}}"),
                          room, 1, &s));
    used = arena_mark(&own);
    printf("# %d lines, %" PRId64 " bytes: %.2f s, %" PRId64 " bytes of memory\n", LINES, t.length,
           clock_now() - began, used);
    EXPECT(used < 8 * t.length);
    EXPECT(clock_now() - began < 20);
    EXPECT_INT(source_count(s, SPLIT_SEEDS) + source_count(s, SPLIT_HELD_OUT), LINES);
    arena_free(&own);
}

TEST_MAIN(CASE(records_come_from_every_format), CASE(records_map_members_by_path),
          CASE(records_without_what_is_asked_are_named), CASE(records_with_one_name_are_refused),
          CASE(records_with_broken_lines_are_named), CASE(records_from_other_systems_are_read),
          CASE(records_hold_a_share_out), CASE(records_hold_files_out),
          CASE(records_are_all_drawn_before_one_is_drawn_again),
          CASE(records_of_large_files_take_little_more_than_their_bytes))
