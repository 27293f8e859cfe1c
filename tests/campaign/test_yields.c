// Where records went: counted, told as a table and as JSON, and drawn in the report.
#include "campaign/inspect.h"
#include "campaign/report/report.h"
#include "campaign/report/yields.h"
#include "io/file.h"
#include "io/set_private.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

static const char *SOURCES[] = {"generated"};
static const char *REASONS[] = {"", "<b>odd</b>", "length", "similar"};
static const char *STEPS[] = {"1 draw", "2 generate", "3 parse", "4 commit", "5 filter", "end"};
static const char *SEED_STEPS[] = {"1 draw", "2 emit", "end"};

typedef struct Stage {
    Run   run;
    Arena arena, scratch;
    char  path[FILE_PATH_MAX + 64];
} Stage;

static void stage_begin(const Comm *c, Stage *s)
{
    static const char about[] = "{\"provenance\": {\"seed\": 1}, \"config\": {\"about\": \"a "
                                "<test>\"}, \"defaults\": \"\"}";

    EXPECT_OK(run_open_all(c, check_folder(c, "yields"), RUN_BOTH, &s->run));
    EXPECT_OK(arena_make(&s->arena, "test", 1 << 26));
    EXPECT_OK(arena_make(&s->scratch, "scratch", 1 << 28));
    EXPECT_OK(run_path(&s->run, s->path, "run.json"));
    EXPECT_OK(file_publish(s->path, "test", about, (int64_t)strlen(about)));
}

static void stage_end(Stage *s)
{
    arena_free(&s->arena);
    arena_free(&s->scratch);
}

typedef struct Fate {
    int step, status, reason;
} Fate;

// Three records fall at parse, two pass the commit and one comes too late for it; of what passed,
// three records are made, of which one falls.
static const Fate FATES[] = {{2, 1, 2}, {2, 1, 2}, {2, 1, 1}, {3, 2, 0}, {3, 2, 0},
                             {3, 2, 0}, {4, 1, 1}, {5, 0, 0}, {5, 0, 0}};
enum { FATES_COUNT = sizeof FATES / sizeof FATES[0], LATE_ROW = 5, TEXT_BYTES = 300 };

static SetRows rows_make(Arena *a, int64_t iteration, int is_seed)
{
    SetShape shape = {.R = is_seed ? 2 : FATES_COUNT, .fields = 1};
    SetRows  rows;

    shape.field_name[0] = "answer";
    shape.field_bytes[0] = shape.R * TEXT_BYTES;
    set_make(a, &shape, &rows);
    rows.source_names = SOURCES;
    rows.sources = 1;
    rows.reason_names = REASONS;
    rows.reasons = is_seed ? 1 : 3; // the last is known to the commit only
    rows.step_names = is_seed ? SEED_STEPS : STEPS;
    rows.steps = is_seed ? 3 : 6;
    for (int64_t r = 0; r < rows.R; r++) {
        rows.id[2 * r] = (uint64_t)iteration << 40 | (uint64_t)r;
        rows.step[r] = (uint16_t)(is_seed ? 2 : FATES[r].step);
        rows.status[r] = (uint8_t)(is_seed ? 0 : FATES[r].status);
        rows.reason[r] = (uint16_t)(is_seed ? 0 : FATES[r].reason);
        rows.field[0].begin[r + 1] = rows.field[0].begin[r] + TEXT_BYTES;
        memset(rows.field[0].bytes + r * TEXT_BYTES, 'a' + (int)r, TEXT_BYTES);
        rows.field[0].bytes[r * TEXT_BYTES] = '<';
    }
    set_sum_rows(&rows);
    return rows;
}

// The seeds, then iterations 1 and 2 of one recipe.
static void write_sets(Stage *s)
{
    for (int64_t i = 0; i < 3; i++) {
        uint64_t id[] = {(uint64_t)i << 40 | LATE_ROW, 0};
        SetLate  late = {1, id, (uint16_t[]){3}, REASONS, 4, "[]"};
        SetRows  rows = rows_make(&s->arena, i, i == 0);

        EXPECT_OK(set_write_shard(&s->run, &s->arena, i, 0, &rows, "{}"));
        EXPECT_OK(set_commit(&s->run, &s->arena, i, 1, i > 0 ? &late : NULL, "{}"));
    }
}

static const char LOOP_JSON[] =
    "\"records\": 9, \"kept\": 2, \"passed\": 2, \"rejected\": 5, \"steps\": ["
    "{\"step\": \"3 parse\", \"passed\": 0, \"kept\": 0, \"rejected\": {\"<b>odd</b>\": 1, "
    "\"length\": 2}}, "
    "{\"step\": \"4 commit\", \"passed\": 2, \"kept\": 0, \"rejected\": {\"similar\": 1}}, "
    "{\"step\": \"5 filter\", \"passed\": 0, \"kept\": 0, \"rejected\": {\"<b>odd</b>\": 1}}, "
    "{\"step\": \"end\", \"passed\": 0, \"kept\": 2, \"rejected\": {}}]";

static const char TOTAL_JSON[] =
    "\"records\": 20, \"kept\": 6, \"passed\": 4, \"rejected\": 10, \"steps\": ["
    "{\"step\": \"3 parse\", \"passed\": 0, \"kept\": 0, \"rejected\": {\"<b>odd</b>\": 2, "
    "\"length\": 4}}, "
    "{\"step\": \"4 commit\", \"passed\": 4, \"kept\": 0, \"rejected\": {\"similar\": 2}}, "
    "{\"step\": \"5 filter\", \"passed\": 0, \"kept\": 0, \"rejected\": {\"<b>odd</b>\": 2}}, "
    "{\"step\": \"end\", \"passed\": 0, \"kept\": 6, \"rejected\": {}}]";

// Every record is in one place, and the numbers add up over iterations and recipes.
static void yields_are_told_as_json(const Comm *c)
{
    Stage s;
    Text  t;

    stage_begin(c, &s);
    write_sets(&s);
    t = text_make(&s.arena);
    EXPECT_OK(run_path(&s.run, s.path, "examples/i0002.h5"));
    EXPECT_OK(inspect_yields(&t, &s.scratch, s.path, INSPECT_JSON));
    EXPECT_TEXT(t.data,
                arena_format(&s.arena, "{\"sets\": [{\"iteration\": 2, %s}],\n\"total\": {%s}}\n",
                             LOOP_JSON, LOOP_JSON));
    t = text_make(&s.arena);
    EXPECT_OK(inspect_yields(&t, &s.scratch, s.run.dir, INSPECT_JSON));
    EXPECT_TEXT(
        t.data,
        arena_format(&s.arena,
                     "{\"sets\": [{\"iteration\": 0, \"records\": 2, \"kept\": 2, \"passed\": 0, "
                     "\"rejected\": 0, \"steps\": [{\"step\": \"end\", \"passed\": 0, \"kept\": 2, "
                     "\"rejected\": {}}]},\n {\"iteration\": 1, %s},\n {\"iteration\": 2, "
                     "%s}],\n\"total\": {%s}}\n",
                     LOOP_JSON, LOOP_JSON, TOTAL_JSON));
    stage_end(&s);
}

static void yields_are_told_as_a_table(const Comm *c)
{
    static const char        table[] = "  step        passed      kept  rejected\n"
                                       "  3 parse          0         0         6  4 length, 2 <b>odd</b>\n"
                                       "  4 commit         4         0         2  2 similar\n"
                                       "  5 filter         0         0         2  2 <b>odd</b>\n"
                                       "  end              0         6         0\n"
                                       "  all              4         6        10  of 20\n";
    static const char *const folders[] = {"examples", "examples/"};
    Stage                    s;
    Text                     t;

    stage_begin(c, &s);
    write_sets(&s);
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(run_path(&s.run, s.path, "%s", folders[i]));
        t = text_make(&s.arena);
        EXPECT_OK(inspect_yields(&t, &s.scratch, s.path, INSPECT_PLAIN));
        EXPECT(strstr(t.data, "iteration 1: 9 records\n") != NULL);
        EXPECT(strstr(t.data, "all iterations: 20 records\n") != NULL);
        EXPECT_TEXT(t.data + t.length - (int64_t)strlen(table), table);
        t = text_make(&s.arena);
        EXPECT_OK(inspect_describe(&t, &s.scratch, s.path));
        EXPECT(strstr(t.data, "examples 2: 9 records, 2 kept, 2 passed, 2 <b>odd</b>, 2 length, "
                              "1 similar\n") != NULL);
        EXPECT_TEXT(t.data + t.length - (int64_t)strlen(table), table);
    }
    t = text_make(&s.arena);
    EXPECT_OK(inspect_describe(&t, &s.scratch, s.run.dir));
    EXPECT(strstr(t.data, "examples 0: 2 records, 2 kept\n") != NULL);
    EXPECT_ERR(inspect_yields(&t, &s.scratch, "nowhere/examples", INSPECT_PLAIN), ERR_DATA,
               "nowhere");
    EXPECT_OK(run_path(&s.run, s.path, "weights/v0001.h5"));
    EXPECT_ERR(inspect_yields(&t, &s.scratch, s.path, INSPECT_PLAIN), ERR_USAGE, "DIR/examples");
    EXPECT_OK(run_path(&s.run, s.path, "examples"));
    EXPECT_ERR(inspect_digests(&t, &s.scratch, s.path), ERR_USAGE, "DIR/examples/iNNNN.h5");
    stage_end(&s);
}

static void no_sets_have_no_yields(const Comm *c)
{
    Stage s;
    Text  t;

    stage_begin(c, &s);
    t = text_make(&s.arena);
    EXPECT_OK(inspect_yields(&t, &s.scratch, s.run.dir, INSPECT_JSON));
    EXPECT_TEXT(t.data, "{\"sets\": [],\n\"total\": {\"records\": 0, \"kept\": 0, \"passed\": 0, "
                        "\"rejected\": 0, \"steps\": []}}\n");
    EXPECT_OK(report_write(&s.run));
    stage_end(&s);
}

static int occurrences(const char *text, const char *what)
{
    int count = 0;

    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        count++;
    return count;
}

// The page shows the funnel of each recipe and samples of each reason, and nothing unescaped.
static void the_report_shows_where_records_went(const Comm *c)
{
    Stage   s;
    char   *html, cut[256] = "answer: &lt;";
    int64_t length;

    stage_begin(c, &s);
    write_sets(&s);
    EXPECT_OK(report_write(&s.run));
    EXPECT_OK(run_path(&s.run, s.path, "report.html"));
    EXPECT_OK(file_read(&s.arena, s.path, 1 << 24, &html, &length));
    html = arena_text_n(&s.arena, html, length);
    EXPECT_INT(occurrences(html, "<h3>Iteration 0: 2 records</h3>"), 1);
    EXPECT_INT(occurrences(html, "<h3>Iterations 1 to 2: 18 records</h3>"), 1);
    EXPECT_INT(occurrences(html, "stage 1: 12 records"), 1);
    EXPECT_INT(occurrences(html, "stage 2: 6 records"), 1);
    EXPECT_INT(occurrences(html, "4 length, 2 &lt;b&gt;odd"), 1);
    EXPECT_INT(occurrences(html, "<td>3 parse</td><td>6</td>"), 1);
    EXPECT_INT(occurrences(html, "<td>end</td><td>4</td>"), 1);
    EXPECT_INT(occurrences(html, "class='ok'>kept"), 2);
    EXPECT_INT(occurrences(html, "class='no'>rejected"), 5);
    EXPECT_INT(occurrences(html, "similar at step 4 commit"), 1);
    EXPECT_INT(occurrences(html, "<b>"), 0);
    memset(cut + 12, 'b', 199);
    EXPECT_INT(occurrences(html, cut), 1);
    EXPECT_INT(occurrences(html, strcat(cut, "b")), 0);
    stage_end(&s);
}

TEST_MAIN(CASE(yields_are_told_as_json), CASE(yields_are_told_as_a_table),
          CASE(no_sets_have_no_yields), CASE(the_report_shows_where_records_went))
