// Example sets: shards, the file that makes them a set, and a digest of the content alone.
#include "io/set.h"

#include "io/h5_publish.h"
#include "io/set_private.h"
#include "tests/check.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { ITERATION = 2, SEGMENTS_MAX = 3, TOKENS_MAX = 4 };

typedef struct Stage {
    Run   run;
    Arena arena;
    char  path[FILE_PATH_MAX + 64];
} Stage;

static void stage_begin(const Comm *c, Stage *s)
{
    EXPECT_OK(run_open_all(c, check_folder(c, "set"), RUN_BOTH, &s->run));
    EXPECT_OK(arena_make(&s->arena, "test", 1 << 26));
}

static void stage_end(Stage *s)
{
    arena_free(&s->arena);
}

#define KEY(request) ((uint64_t)ITERATION << 40 | (request))
static const char *LATE_REASONS[] = {"", "duplicate", "similar"};

// ---- rows: number k of any set is always the same

static const char *SOURCES[2][2] = {{"drawn", "rationalized"}, {"rationalized", "drawn"}};
static const char *REASONS[2][3] = {{"", "wrong", "too long"}, {"", "too long", "wrong"}};
static const char *STEPS[] = {"1 draw", "2 generate", "3 parse", "4 commit", "end"};
enum { STEPS_COUNT = sizeof STEPS / sizeof STEPS[0] };

static int64_t add_text(SetHeap *heap, int64_t at, const char *text)
{
    size_t length = strlen(text);

    memcpy(heap->bytes + heap->begin[at], text, length);
    heap->begin[at + 1] = heap->begin[at] + (int64_t)length;
    return at + 1;
}

static void fill_keys(SetRows *rows, int64_t r, int64_t k, int turn)
{
    rows->id[2 * r] = (uint64_t)ITERATION << 40 | (uint64_t)(k / 2);
    rows->id[2 * r + 1] = (uint64_t)(k % 2);
    rows->parent[2 * r] = (uint64_t)k * 7;
    rows->problem[r] = (uint64_t)k / 2;
    rows->group[r] = k % 5 - 1;
    rows->source[r] = (uint8_t)((k % 3 == 0) ^ turn);
    rows->status[r] = k % 4 == 1 ? SET_REJECTED : SET_KEPT;
    rows->reason[r] = (uint16_t)(k % 4 == 1 ? (k % 8 == 1) ^ turn ? 1 : 2 : 0);
    if (k % 4 == 0)
        rows->status[r] = SET_PASSED;
    rows->step[r] = (uint16_t)(k % 4 == 0 ? 3 : k % 4 == 1 ? 2 : 4);
    rows->policy[r] = k % 6 - 1;
    rows->rng[2 * r] = 17;
    rows->rng[2 * r + 1] = (uint64_t)k << 50;
}

static void fill_texts(SetRows *rows, int64_t r, int64_t k, int turn)
{
    char text[64];

    snprintf(text, sizeof text, "answer %d", (int)(k * k));
    add_text(&rows->field[turn], r, k % 7 == 3 ? "" : text);
    add_text(&rows->field[!turn], r, "größer");
    rows->score[turn][r] = k % 5 == 2 ? NAN : (float)k / 3;
    rows->score[!turn][r] = -1;
    for (int64_t i = 0; i < k % (SEGMENTS_MAX + 1); i++) {
        snprintf(text, sizeof text, "segment %d of %d", (int)i, (int)k);
        rows->segment_role[rows->S] = (uint8_t)(i % SET_ROLES);
        rows->segment_visible[rows->S] = SET_BOTH;
        rows->segment_weight[rows->S] = (float)i / 2;
        rows->S = add_text(&rows->segment_text, rows->S, i == 1 ? "" : text);
    }
    rows->segment_begin[r + 1] = rows->S;
    for (int64_t i = 0; i < k % (TOKENS_MAX + 1); i++, rows->T++) {
        rows->token[rows->T] = (int32_t)(k + i);
        rows->logp[rows->T] = -(float)i / 3;
    }
    rows->token_begin[r + 1] = rows->T;
}

// Rows first .. first+count-1.  turn: 0 or 1, another order of names and columns.
static SetRows rows_make(Arena *a, int64_t first, int64_t count, int turn)
{
    SetShape shape = {.R = count,
                      .S = count * SEGMENTS_MAX,
                      .T = count * TOKENS_MAX,
                      .text_bytes = count * SEGMENTS_MAX * 64,
                      .scores = 2,
                      .fields = 2};
    SetRows  rows;

    shape.score_name[turn] = "quality";
    shape.score_name[!turn] = "reward";
    shape.field_name[turn] = "answer";
    shape.field_name[!turn] = "question";
    shape.field_bytes[0] = shape.field_bytes[1] = count * 64;
    set_make(a, &shape, &rows);
    rows.source_names = SOURCES[turn];
    rows.reason_names = REASONS[turn];
    rows.sources = 2;
    rows.reasons = 3;
    rows.step_names = STEPS;
    rows.steps = STEPS_COUNT;
    rows.S = rows.T = 0;
    for (int64_t r = 0; r < count; r++) {
        fill_keys(&rows, r, first + r, turn);
        fill_texts(&rows, r, first + r, turn);
    }
    set_sum_rows(&rows);
    return rows;
}

static Err write_set(Stage *s, int64_t rows, int64_t per_block, const SetLate *late)
{
    int64_t blocks = per_block > 0 ? (rows + per_block - 1) / per_block : 0;

    for (int64_t b = 0; b < blocks; b++) {
        int64_t left = rows - b * per_block;
        SetRows block =
            rows_make(&s->arena, b * per_block, left < per_block ? left : per_block, (int)(b % 2));

        TRY(set_write_shard(&s->run, &s->arena, ITERATION, b, &block, "{\"rank\": 0}"));
    }
    TRY(set_commit(&s->run, &s->arena, ITERATION, blocks, late, "{}"));
    return OK;
}

static void expect_rows(Stage *s, const SetRows *got, int64_t count)
{
    SetRows want = rows_make(&s->arena, 0, count, 0);

    EXPECT_INT(got->R, count);
    EXPECT_INT(got->S, want.S);
    EXPECT_INT(got->T, want.T);
    if (got->R != count || got->S != want.S || got->T != want.T || got->scores != 2)
        return;
    EXPECT(memcmp(got->id, want.id, (size_t)count * 16) == 0);
    EXPECT(memcmp(got->content, want.content, (size_t)count * 8) == 0);
    EXPECT(memcmp(got->segment_begin, want.segment_begin, (size_t)(count + 1) * 8) == 0);
    EXPECT(memcmp(got->token_begin, want.token_begin, (size_t)(count + 1) * 8) == 0);
    EXPECT(memcmp(got->token, want.token, (size_t)want.T * 4) == 0);
    EXPECT(memcmp(got->logp, want.logp, (size_t)want.T * 4) == 0);
    EXPECT(memcmp(got->segment_text.begin, want.segment_text.begin, (size_t)(want.S + 1) * 8) == 0);
    EXPECT(memcmp(got->segment_text.bytes, want.segment_text.bytes,
                  (size_t)want.segment_text.begin[want.S]) == 0);
    for (int64_t r = 0; r < count; r++) {
        EXPECT_TEXT(got->source_names[got->source[r]], want.source_names[want.source[r]]);
        EXPECT_TEXT(got->reason_names[got->reason[r]], want.reason_names[want.reason[r]]);
        EXPECT_TEXT(got->step_names[got->step[r]], want.step_names[want.step[r]]);
        EXPECT_INT(got->status[r], want.status[r]);
    }
    EXPECT_INT(got->steps, STEPS_COUNT);
    for (int i = 0; i < STEPS_COUNT; i++)
        EXPECT_TEXT(got->step_names[i], STEPS[i]);
    EXPECT_INT(set_name_index(got->field_name, got->fields, "question"), 1);
    EXPECT(memcmp(got->field[0].begin, want.field[0].begin, (size_t)(count + 1) * 8) == 0);
    set_sum_rows((SetRows *)got); // of what was merged: nothing has changed
    EXPECT(memcmp(got->content, want.content, (size_t)count * 8) == 0);
}

// ---- cases

static void a_set_comes_back_as_it_went(const Comm *c)
{
    static const int64_t sizes[][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 9}, {50, 50}, {50, 7}, {12, 1}};
    Stage                s;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        SetRows rows;

        stage_begin(c, &s);
        EXPECT(!set_is_committed(&s.run, ITERATION));
        EXPECT_OK(write_set(&s, sizes[i][0], sizes[i][1], NULL));
        EXPECT(set_is_committed(&s.run, ITERATION));
        EXPECT_OK(set_read(&s.run, &s.arena, ITERATION, &rows));
        if (sizes[i][0] > 0)
            expect_rows(&s, &rows, sizes[i][0]);
        else
            EXPECT_INT(rows.R + rows.S + rows.T + rows.segment_begin[0] + rows.steps, 0);
        EXPECT_OK(set_verify(&s.run, &s.arena, ITERATION));
        stage_end(&s);
    }
}

static void an_empty_shard_among_others_is_no_trouble(const Comm *c)
{
    Stage   s;
    SetRows rows, none = {0};

    stage_begin(c, &s);
    rows = rows_make(&s.arena, 0, 9, 1);
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 0, &none, ""));
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 1, &rows, ""));
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 2, &none, ""));
    EXPECT_OK(set_commit(&s.run, &s.arena, ITERATION, 3, NULL, ""));
    EXPECT_OK(set_read(&s.run, &s.arena, ITERATION, &rows));
    expect_rows(&s, &rows, 9);
    EXPECT_OK(set_read_shard(&s.run, &s.arena, ITERATION, 2, &none));
    EXPECT_INT(none.R, 0);
    stage_end(&s);
}

static void a_shard_is_read_alone(const Comm *c)
{
    Stage   s;
    SetRows rows, got;

    stage_begin(c, &s);
    rows = rows_make(&s.arena, 0, 9, 0);
    EXPECT(!set_has_shard(&s.run, ITERATION, 4));
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 4, &rows, ""));
    EXPECT(set_has_shard(&s.run, ITERATION, 4));
    EXPECT_OK(set_read_shard(&s.run, &s.arena, ITERATION, 4, &got));
    expect_rows(&s, &got, 9);
    EXPECT_OK(set_shard_path(&s.run, s.path, ITERATION, 4));
    EXPECT(truncate(s.path, 5000) == 0);
    EXPECT(!set_has_shard(&s.run, ITERATION, 4));
    EXPECT_INT(err_record()->code, OK);
    stage_end(&s);
}

static uint64_t digest_of(const Comm *c, int64_t rows, int64_t per_block, const SetLate *late)
{
    Stage    s;
    uint64_t digest = 0;

    stage_begin(c, &s);
    EXPECT_OK(write_set(&s, rows, per_block, late));
    EXPECT_OK(set_digest(&s.run, &s.arena, ITERATION, &digest));
    stage_end(&s);
    return digest;
}

static void the_digest_does_not_depend_on_the_blocks(const Comm *c)
{
    uint64_t id[] = {KEY(9), 1, KEY(3), 0, KEY(9), 1}, turned[] = {KEY(3), 0, KEY(9), 1};
    SetLate  late = {3, id, (uint16_t[]){1, 2, 2}, LATE_REASONS, 3, "[]"};
    SetLate  same = {2, turned, (uint16_t[]){1, 2}, (const char *[]){"", "similar", "duplicate"},
                     3, ""};
    SetLate  other = {2, turned, (uint16_t[]){1, 1}, LATE_REASONS, 3, ""};
    uint64_t whole = digest_of(c, 40, 40, NULL), with_late = digest_of(c, 40, 40, &late);

    EXPECT(whole != with_late);
    EXPECT(with_late == digest_of(c, 40, 40, &same));
    EXPECT(with_late != digest_of(c, 40, 40, &other));
    EXPECT(whole != digest_of(c, 39, 40, NULL));
    for (int64_t per_block = 3; per_block < 20; per_block += 8) {
        EXPECT(digest_of(c, 40, per_block, NULL) == whole);
        EXPECT(digest_of(c, 40, per_block, &late) == with_late);
    }
}

static void expect_rejected(const SetRows *rows, int64_t r, const char *reason, const char *step)
{
    EXPECT_INT(rows->status[r], SET_REJECTED);
    EXPECT_TEXT(rows->reason_names[rows->reason[r]], reason);
    EXPECT_TEXT(rows->step_names[rows->step[r]], step);
}

// Row 19 was kept, 8 passed to a pool, 5 was rejected when it was made.
static void late_rejections_are_applied(const Comm *c)
{
    Stage    s;
    SetRows  rows;
    uint64_t id[] = {KEY(9), 1, KEY(4), 0};
    SetLate  late = {2, id, (uint16_t[]){1, 2}, LATE_REASONS, 3, ""};

    stage_begin(c, &s);
    EXPECT_OK(write_set(&s, 40, 7, &late));
    EXPECT_OK(set_read(&s.run, &s.arena, ITERATION, &rows));
    expect_rejected(&rows, 19, "duplicate", "end");
    expect_rejected(&rows, 8, "similar", "4 commit");
    expect_rejected(&rows, 5, "too long", "3 parse");
    EXPECT_INT(rows.status[7], SET_KEPT);
    EXPECT_INT(rows.reason[7], 0);
    EXPECT_INT(rows.status[12], SET_PASSED);
    EXPECT_INT(rows.reasons, 5); // "", "duplicate", "similar", "too long", "wrong"
    EXPECT_OK(set_verify(&s.run, &s.arena, ITERATION));
    id[0] = 5;
    EXPECT_ERR(set_commit(&s.run, &s.arena, ITERATION, 6, &late, ""), ERR_DATA,
               "only 1 of these ids");
    id[0] = KEY(2);
    EXPECT_ERR(set_commit(&s.run, &s.arena, ITERATION, 6, &late, ""), ERR_DATA,
               "rejected late as \"duplicate\", but was already as \"too long\"");
    stage_end(&s);
}

static int64_t attribute(Stage *s, const char *name)
{
    H5File *f;
    int64_t value = -1;

    EXPECT_OK(set_path(&s->run, s->path, ITERATION));
    EXPECT_OK(h5_open_foreign(s->path, &f));
    EXPECT_OK(h5_get_attr_i64(f, "/", name, &value));
    h5_close(f);
    return value;
}

static void passed_rows_are_not_kept(const Comm *c)
{
    Stage   s;
    SetRows rows;

    stage_begin(c, &s);
    EXPECT_OK(write_set(&s, 40, 7, NULL)); // a quarter passed, a quarter rejected
    EXPECT_INT(attribute(&s, "kept"), 20);
    EXPECT_OK(set_read(&s.run, &s.arena, ITERATION, &rows));
    for (int64_t r = 0; r < 40; r++)
        EXPECT_INT(rows.status[r], r % 4 == 0 ? SET_PASSED : r % 4 == 1 ? SET_REJECTED : SET_KEPT);
    stage_end(&s);
}

static void segments_come_back(const Comm *c)
{
    static const char *const texts[] = {"",
                                        "[{\"stage\": 0, \"round\": 0, \"first\": \"größer\"}]"};
    Stage                    s;
    const char              *got = NULL;

    for (int i = 0; i < 2; i++) {
        SetLate late = {.segments = texts[i]};

        stage_begin(c, &s);
        EXPECT_ERR(set_read_segments(&s.run, &s.arena, ITERATION, &got), ERR_IO, "i0002.h5");
        EXPECT_OK(write_set(&s, 9, 4, &late));
        EXPECT_OK(set_read_segments(&s.run, &s.arena, ITERATION, &got));
        EXPECT_TEXT(got, texts[i]);
        EXPECT_OK(set_verify(&s.run, &s.arena, ITERATION));
        stage_end(&s);
    }
}

static void steps_keep_the_order_of_the_recipe(const Comm *c)
{
    static const char *others[] = {"1 draw", "2 generate", "3 filter", "4 commit", "end"};
    Stage              s;
    SetRows            one, two, none = {0};
    uint64_t           sum;

    stage_begin(c, &s);
    one = rows_make(&s.arena, 0, 4, 0);
    two = rows_make(&s.arena, 4, 4, 1);
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 0, &none, ""));
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 1, &one, ""));
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 2, &two, ""));
    EXPECT_OK(set_commit(&s.run, &s.arena, ITERATION, 3, NULL, ""));
    EXPECT_OK(set_read(&s.run, &s.arena, ITERATION, &one));
    expect_rows(&s, &one, 8);
    sum = two.content[1];
    two.step_names = others;
    set_sum_rows(&two);
    EXPECT(two.content[1] != sum); // it was rejected at the step with another name
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 2, &two, ""));
    EXPECT_ERR(set_commit(&s.run, &s.arena, ITERATION, 3, NULL, ""), ERR_DATA,
               "b0002.h5 names other steps than");
    two.steps = STEPS_COUNT - 1;
    EXPECT_ERR(set_write_shard(&s.run, &s.arena, ITERATION, 2, &two, ""), ERR_DATA, "/step[2]");
    stage_end(&s);
}

static Err write_old(H5File *f, void *self)
{
    (void)self;
    return h5_attr_i64(f, "/", "iteration", ITERATION);
}

static void sets_of_another_version_are_refused(const Comm *c)
{
    Stage       s;
    SetRows     rows;
    const char *segments;

    stage_begin(c, &s);
    EXPECT_OK(set_path(&s.run, s.path, ITERATION));
    EXPECT_OK(h5_publish(&s.run, s.path, SET_FORMAT, SET_VERSION - 1, write_old, NULL));
    EXPECT_ERR(set_read(&s.run, &s.arena, ITERATION, &rows), ERR_DATA,
               "i0002.h5 is an example set of version 1, this program reads version 2");
    EXPECT_ERR(set_read_segments(&s.run, &s.arena, ITERATION, &segments), ERR_DATA, "version 1");
    EXPECT_OK(write_set(&s, 3, 3, NULL));
    EXPECT_OK(set_shard_path(&s.run, s.path, ITERATION, 0));
    EXPECT_OK(h5_publish(&s.run, s.path, SET_FORMAT_SHARD, SET_VERSION - 1, write_old, NULL));
    EXPECT(!set_has_shard(&s.run, ITERATION, 0));
    EXPECT_ERR(set_read_shard(&s.run, &s.arena, ITERATION, 0, &rows), ERR_DATA,
               "b0000.h5 is an example set of version 1");
    stage_end(&s);
}

static void columns_that_a_shard_lacks_are_filled(const Comm *c)
{
    Stage   s;
    SetRows one, two, got;

    stage_begin(c, &s);
    one = rows_make(&s.arena, 0, 4, 0);
    two = rows_make(&s.arena, 4, 4, 0);
    two.scores = two.fields = 1;
    set_sum_rows(&two);
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 0, &two, ""));
    EXPECT_ERR(set_commit(&s.run, &s.arena, ITERATION, 2, NULL, ""), ERR_DATA, "is missing");
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 1, &one, ""));
    EXPECT_ERR(set_commit(&s.run, &s.arena, ITERATION, 2, NULL, ""), ERR_DATA,
               "not above the last");
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 0, &one, ""));
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 1, &two, ""));
    EXPECT_OK(set_commit(&s.run, &s.arena, ITERATION, 2, NULL, ""));
    EXPECT_OK(set_read(&s.run, &s.arena, ITERATION, &got));
    EXPECT_INT(got.R, 8);
    EXPECT(!isnan(got.score[1][3]) && isnan(got.score[1][4]) && isnan(got.score[1][7]));
    EXPECT_INT(got.field[1].begin[8], got.field[1].begin[4]);
    EXPECT_INT(got.field[0].begin[8] - got.field[0].begin[0] > 0, 1);
    set_sum_rows(&got);
    EXPECT(memcmp(got.content + 4, two.content, 32) == 0);
    stage_end(&s);
}

static void wrong_rows_are_not_written(const Comm *c)
{
    Stage   s;
    SetRows rows;

    stage_begin(c, &s);
#define REFUSED(change, says)                                                                   \
    do {                                                                                        \
        rows = rows_make(&s.arena, 0, 9, 0);                                                    \
        change;                                                                                 \
        EXPECT_ERR(set_write_shard(&s.run, &s.arena, ITERATION, 0, &rows, ""), ERR_DATA, says); \
    } while (0)
    REFUSED(rows.id[4] = 0, "/id[2]");
    REFUSED(rows.id[5] = rows.id[3] = 0, "/id");
    REFUSED(rows.source[3] = 2, "/source[3]");
    REFUSED(rows.reason[3] = 3, "/reason[3]");
    REFUSED(rows.status[3] = 3, "/status[3]");
    REFUSED(rows.step[3] = STEPS_COUNT, "/step[3]");
    REFUSED(rows.content[3] ^= 1, "/content[3]");
    REFUSED(rows.segment_begin[2] = 10000, "/segment/begin");
    REFUSED(rows.segment_begin[2] = -1, "/segment/begin");
    REFUSED(rows.token_begin[9]--, "/tokens/begin");
    REFUSED(rows.segment_text.begin[1] = 10000, "/segment/text_begin");
    REFUSED(rows.field[0].begin[0] = 1, "answer");
    REFUSED(rows.segment_role[2] = 9, "/segment/role[2]");
    REFUSED(rows.segment_visible[2] = 0, "/segment/visible[2]");
    REFUSED(rows.segment_weight[2] = NAN, "/segment/weight[2]");
    REFUSED(rows.token[2] = -1, "/tokens/id[2]");
    REFUSED(rows.logp[2] = NAN, "/tokens/logp[2]");
#undef REFUSED
    rows = rows_make(&s.arena, 0, 9, 0);
    rows.score_name[0] = "a/b";
    EXPECT_ERR(set_write_shard(&s.run, &s.arena, ITERATION, 0, &rows, ""), ERR_CONFIG, "a/b");
    EXPECT(!set_has_shard(&s.run, ITERATION, 0));
    stage_end(&s);
}

static void a_flipped_bit_names_the_file(const Comm *c)
{
    static const char *const files[] = {"examples/i0002.h5", "examples/i0002/b0001.h5"};
    Stage                    s;

    stage_begin(c, &s);
    EXPECT_OK(write_set(&s, 12, 5, NULL));
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(run_path(&s.run, s.path, "%s", files[i]));
        for (int64_t at = 0; at < file_bytes(s.path); at += 331) {
            int  fd = open(s.path, O_RDWR);
            char old, new;

            EXPECT(pread(fd, &old, 1, at) == 1);
            new = (char)(old ^ (1 << at % 8));
            EXPECT(pwrite(fd, &new, 1, at) == 1);
            EXPECT_ERR(set_verify(&s.run, &s.arena, ITERATION), ERR_DATA, files[i]);
            EXPECT(pwrite(fd, &old, 1, at) == 1);
            close(fd);
        }
        EXPECT_OK(set_verify(&s.run, &s.arena, ITERATION));
    }
    EXPECT(truncate(s.path, file_bytes(s.path) - 7) == 0);
    EXPECT_ERR(set_verify(&s.run, &s.arena, ITERATION), ERR_DATA, "b0001.h5 is truncated");
    EXPECT_OK(file_remove(s.path));
    EXPECT_ERR(set_verify(&s.run, &s.arena, ITERATION), ERR_DATA, "b0001.h5 is missing");
    stage_end(&s);
}

static void a_swapped_shard_is_named(const Comm *c)
{
    Stage   s;
    char    other[FILE_PATH_MAX];
    SetRows rows;

    stage_begin(c, &s);
    EXPECT_OK(write_set(&s, 12, 5, NULL));
    rows = rows_make(&s.arena, 5, 5, 1);
    rows.problem[0]++;
    set_sum_rows(&rows);
    EXPECT_OK(set_write_shard(&s.run, &s.arena, ITERATION, 1, &rows, ""));
    EXPECT_ERR(set_verify(&s.run, &s.arena, ITERATION), ERR_DATA, "b0001.h5 is whole, but not");
    EXPECT_ERR(set_read(&s.run, &s.arena, ITERATION, &rows), ERR_DATA, "b0001.h5");
    EXPECT_OK(set_shard_path(&s.run, s.path, ITERATION, 1));
    EXPECT_OK(set_shard_path(&s.run, other, ITERATION, 0));
    EXPECT(rename(other, s.path) == 0);
    EXPECT(!set_has_shard(&s.run, ITERATION, 1));
    EXPECT_ERR(set_read_shard(&s.run, &s.arena, ITERATION, 1, &rows), ERR_DATA, "block 0");
    EXPECT_OK(set_path(&s.run, other, ITERATION + 1));
    EXPECT_OK(set_path(&s.run, s.path, ITERATION));
    EXPECT(rename(s.path, other) == 0);
    EXPECT_ERR(set_verify(&s.run, &s.arena, ITERATION + 1), ERR_DATA, "iteration 2");
    EXPECT_ERR(set_verify(&s.run, &s.arena, ITERATION), ERR_IO, "i0002.h5");
    stage_end(&s);
}

// What a person sees with h5py: columns over all shards.
static void the_set_file_shows_the_columns(const Comm *c)
{
    Stage    s;
    H5File  *f;
    H5Array  a;
    uint64_t id[40][2];
    float    score[40];
    uint16_t step[40];
    SetLate  late = {1, (uint64_t[]){KEY(3), 0}, (uint16_t[]){1}, LATE_REASONS, 3, "[]"};

    stage_begin(c, &s);
    EXPECT_OK(write_set(&s, 40, 7, &late));
    EXPECT_OK(set_path(&s.run, s.path, ITERATION));
    EXPECT_OK(h5_open_foreign(s.path, &f));
    EXPECT_OK(h5_get_rows(f, "/id", 0, 40, id));
    EXPECT_INT((int64_t)id[39][0] & 0xff, 19);
    EXPECT_INT((int64_t)id[39][1], 1);
    EXPECT_OK(h5_get_rows(f, "/score/quality", 0, 40, score));
    EXPECT_NEAR(score[39], 13, 1e-6);
    EXPECT_OK(h5_load(f, &s.arena, "/status", H5_U8, 1, &a));
    EXPECT_INT(((uint8_t *)a.data)[6], SET_REJECTED);
    EXPECT_OK(h5_get_rows(f, "/step", 0, 40, step));
    EXPECT_INT(step[6], 4);
    EXPECT_INT(step[33], 2);
    h5_close(f);
    stage_end(&s);
}

static void a_full_disk_leaves_no_shard(const Comm *c)
{
    Stage   s;
    SetRows rows;
    int64_t room;

    stage_begin(c, &s);
    EXPECT_OK(run_path(&s.run, s.path, "examples"));
    if (mount("tmpfs", s.path, "tmpfs", 0, "size=256k") != 0)
        check_skip("mounting a small file system needs root");
    else {
        EXPECT_OK(write_set(&s, 4, 4, NULL));
        strcat(s.path, "/x");
        room = file_space(s.path);
        rows = rows_make(&s.arena, 0, 8000, 0);
        EXPECT_ERR(set_write_shard(&s.run, &s.arena, ITERATION, 1, &rows, ""), ERR_IO, "o space");
        EXPECT(!set_has_shard(&s.run, ITERATION, 1));
        EXPECT_INT(file_space(s.path), room);
        EXPECT_OK(set_verify(&s.run, &s.arena, ITERATION));
        EXPECT_OK(run_path(&s.run, s.path, "examples"));
        EXPECT(umount2(s.path, MNT_DETACH) == 0);
    }
    stage_end(&s);
}

TEST_MAIN(CASE(a_set_comes_back_as_it_went), CASE(an_empty_shard_among_others_is_no_trouble),
          CASE(a_shard_is_read_alone), CASE(the_digest_does_not_depend_on_the_blocks),
          CASE(late_rejections_are_applied), CASE(passed_rows_are_not_kept),
          CASE(segments_come_back), CASE(steps_keep_the_order_of_the_recipe),
          CASE(sets_of_another_version_are_refused), CASE(columns_that_a_shard_lacks_are_filled),
          CASE(wrong_rows_are_not_written), CASE(a_flipped_bit_names_the_file),
          CASE(a_swapped_shard_is_named), CASE(the_set_file_shows_the_columns),
          CASE(a_full_disk_leaves_no_shard))
