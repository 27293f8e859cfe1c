// Weights and training states, written and read as logical tensors.
#include "io/ckpt.h"
#include "tests/check.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { N = 3 };

static const CkptTensor TENSORS[N] = {
    {"model.embed_tokens.weight", 2, {7, 4}, "token,width"},
    {"model.norm.weight", 1, {4}, "width"},
    {"lm_head.weight", 2, {7, 4}, "token,width"},
};

static const CkptTexts TEXTS = {"{\"model_type\": \"llama\"}", "{\"vocab\": []}", "",
                                "{\"run\": 1}", NULL};

static int64_t values_of(const CkptTensor *t)
{
    int64_t count = 1;

    for (int i = 0; i < t->rank; i++)
        count *= t->shape[i];
    return count;
}

static float value_of(int tensor, int which, int64_t i)
{
    return (float)(1000 * tensor + 100 * which) + (float)i / 7;
}

typedef struct Side {
    int poisoned; // tensor that gets a NaN, -1: none
    int which;
    int from; // number of the first tensor among TENSORS
    int taken, wrong;
} Side;

static Err bring(void *self, int tensor, int which, float *values)
{
    const Side *side = self;
    int64_t     count = values_of(&TENSORS[tensor + side->from]);

    for (int64_t i = 0; i < count; i++)
        values[i] = value_of(tensor, which, i);
    if (side->poisoned == tensor && side->which == which)
        values[count - 1] = side->taken % 2 ? NAN : INFINITY;
    return OK;
}

static Err take(void *self, int tensor, int which, const float *values)
{
    Side *side = self;

    for (int64_t i = 0; i < values_of(&TENSORS[tensor]); i++)
        side->wrong += values[i] != value_of(tensor, which, i);
    side->taken++;
    return OK;
}

static Err bring_nothing(void *self, int tensor, int which, float *values)
{
    (void)self, (void)tensor, (void)which, (void)values;
    FAIL(ERR_IO, "a message from bring");
}

typedef struct Stage {
    Run   run;
    Arena arena;
    char  path[FILE_PATH_MAX + 64];
} Stage;

static void stage_begin(const Comm *c, Stage *s)
{
    EXPECT_OK(run_open_all(c, check_folder(c, "ckpt"), RUN_BOTH, &s->run));
    EXPECT_OK(arena_make(&s->arena, "test", 1 << 24));
    EXPECT_OK(run_path(&s->run, s->path, "weights/v0002.h5"));
}

static void stage_end(Stage *s)
{
    arena_free(&s->arena);
}

static Err write_weights(Stage *s, int count)
{
    Side side = {.poisoned = -1};

    return ckpt_write_weights(&s->run, &s->arena, 2, TENSORS, count, &TEXTS, bring, &side);
}

static Err write_state(Stage *s, int64_t step)
{
    Side       side = {.poisoned = -1};
    CkptNumber numbers[] = {{"step", step}, {"iteration", -5}};

    return ckpt_write_state(&s->run, &s->arena, step, TENSORS, N, &TEXTS, numbers, 2, bring, &side);
}

static void weights_come_back_as_they_went(const Comm *c)
{
    Stage     s;
    CkptTexts texts;
    Side      side = {0};

    stage_begin(c, &s);
    EXPECT(!ckpt_has_weights(&s.run, 2));
    EXPECT_OK(write_weights(&s, N));
    EXPECT(ckpt_has_weights(&s.run, 2));
    EXPECT_INT(s.arena.used, 0);
    EXPECT_OK(ckpt_read_tensors(&s.arena, s.path, TENSORS, N, 1, take, &side));
    EXPECT_INT(side.taken, N);
    EXPECT_INT(side.wrong, 0);
    EXPECT_INT(s.arena.used, 0);
    EXPECT_OK(ckpt_read_texts(&s.arena, s.path, &texts));
    EXPECT_TEXT(texts.model, TEXTS.model);
    EXPECT_TEXT(texts.tokenizer, TEXTS.tokenizer);
    EXPECT_TEXT(texts.chat, "");
    EXPECT_TEXT(texts.provenance, TEXTS.provenance);
    EXPECT_ERR(ckpt_read_tensors(&s.arena, s.path, TENSORS, N, 3, take, &side), ERR_DATA,
               "\"tandem weights\", where \"tandem state\"");
    EXPECT_OK(write_weights(&s, 0));
    EXPECT_OK(ckpt_read_tensors(&s.arena, s.path, TENSORS, 0, 1, take, &side));
    stage_end(&s);
}

static void a_state_holds_moments_and_numbers(const Comm *c)
{
    Stage      s;
    Side       side = {0};
    CkptNumber numbers[] = {{"iteration", 0}, {"step", 0}}, absent = {"absent", 0};

    stage_begin(c, &s);
    EXPECT_OK(write_state(&s, 400));
    EXPECT_OK(run_path(&s.run, s.path, "checkpoints/s000400.h5"));
    EXPECT_OK(ckpt_read_tensors(&s.arena, s.path, TENSORS, N, 3, take, &side));
    EXPECT_INT(side.taken, 3 * N);
    EXPECT_INT(side.wrong, 0);
    side.taken = 0;
    EXPECT_OK(ckpt_read_tensors(&s.arena, s.path, TENSORS, N, 1, take, &side));
    EXPECT_INT(side.taken, N);
    EXPECT_OK(ckpt_read_numbers(s.path, numbers, 2));
    EXPECT_INT(numbers[0].value, -5);
    EXPECT_INT(numbers[1].value, 400);
    EXPECT_ERR(ckpt_read_numbers(s.path, &absent, 1), ERR_DATA, "/numbers/absent");
    stage_end(&s);
}

static void another_network_is_refused_naming_both_sides(const Comm *c)
{
    Stage      s;
    Side       side = {0};
    CkptTensor other[N + 1];

    stage_begin(c, &s);
    memcpy(other, TENSORS, sizeof TENSORS);
    other[N] = (CkptTensor){"extra.weight", 1, {3}, "width"};
    EXPECT_OK(write_weights(&s, N));
    EXPECT_ERR(ckpt_read_tensors(&s.arena, s.path, other, N + 1, 1, take, &side), ERR_DATA,
               "extra.weight, which the model has");
    EXPECT_ERR(ckpt_read_tensors(&s.arena, s.path, other, N - 1, 1, take, &side), ERR_DATA,
               "lm_head.weight, which the model lacks");
    EXPECT_ERR(ckpt_read_tensors(&s.arena, s.path, other, 0, 1, take, &side), ERR_DATA,
               "which the model lacks");
    other[2].shape[1] = 5;
    EXPECT_ERR(ckpt_read_tensors(&s.arena, s.path, other, N, 1, take, &side), ERR_DATA,
               "lm_head.weight is [7,4] in the file and [7,5] in the model");
    EXPECT_INT(side.taken, 0);
    stage_end(&s);
}

static void numbers_that_are_not_finite_are_refused(const Comm *c)
{
    Stage s;
    Side  side = {.poisoned = 1};

    stage_begin(c, &s);
    for (side.taken = 0; side.taken < 2; side.taken++)
        EXPECT_ERR(ckpt_write_weights(&s.run, &s.arena, 2, TENSORS, N, &TEXTS, bring, &side),
                   ERR_NUMBER, "model.norm.weight");
    EXPECT(!ckpt_has_weights(&s.run, 2));
    side.which = 2;
    EXPECT_ERR(ckpt_write_state(&s.run, &s.arena, 1, TENSORS, N, &TEXTS, NULL, 0, bring, &side),
               ERR_NUMBER, "/moments/second/model.norm.weight");
    EXPECT_INT(s.arena.used, 0);
    stage_end(&s);
}

static int files_in(Stage *s, const char *folder)
{
    char **names;
    int    count;

    EXPECT_OK(run_path(&s->run, s->path, "%s", folder));
    EXPECT_OK(file_list(&s->arena, s->path, &names, &count));
    return count;
}

static void a_failure_leaves_what_was_there(const Comm *c)
{
    Stage    s;
    uint64_t before, after;

    stage_begin(c, &s);
    EXPECT_OK(write_weights(&s, N));
    EXPECT_OK(ckpt_digest(&s.arena, s.path, &before));
    EXPECT_ERR(ckpt_write_weights(&s.run, &s.arena, 2, TENSORS, N, &TEXTS, bring_nothing, NULL),
               ERR_IO, "a message from bring");
    EXPECT_OK(ckpt_digest(&s.arena, s.path, &after));
    EXPECT(before == after);
    EXPECT_INT(files_in(&s, "weights"), 1);
    stage_end(&s);
}

static void the_digest_is_of_the_content_alone(const Comm *c)
{
    Stage      s;
    uint64_t   one, two;
    Side       side = {.poisoned = -1};
    CkptTexts  texts = TEXTS;
    CkptTensor wide = {"model.norm.weight", 2, {1, 4}, "width"};

    stage_begin(c, &s);
    EXPECT_OK(write_weights(&s, N));
    EXPECT_OK(ckpt_digest(&s.arena, s.path, &one));
    texts.provenance = "{}";
    EXPECT_OK(ckpt_write_weights(&s.run, &s.arena, 2, TENSORS, N, &texts, bring, &side));
    EXPECT_OK(ckpt_digest(&s.arena, s.path, &two));
    EXPECT(one == two);
    EXPECT_OK(write_state(&s, 7));
    EXPECT_OK(run_path(&s.run, s.path, "checkpoints/s000007.h5"));
    EXPECT_OK(ckpt_digest(&s.arena, s.path, &two));
    EXPECT(one == two);
    EXPECT_OK(run_path(&s.run, s.path, "weights/v0002.h5"));
    EXPECT_OK(write_weights(&s, 2));
    EXPECT_OK(ckpt_digest(&s.arena, s.path, &two));
    EXPECT(one != two);
    side.from = 1;
    EXPECT_OK(ckpt_write_weights(&s.run, &s.arena, 3, &TENSORS[1], 1, &texts, bring, &side));
    EXPECT_OK(ckpt_write_weights(&s.run, &s.arena, 4, &wide, 1, &texts, bring, &side));
    EXPECT_OK(run_path(&s.run, s.path, "weights/v0003.h5"));
    EXPECT_OK(ckpt_digest(&s.arena, s.path, &one));
    EXPECT_OK(run_path(&s.run, s.path, "weights/v0004.h5"));
    EXPECT_OK(ckpt_digest(&s.arena, s.path, &two));
    EXPECT(one != two);
    stage_end(&s);
}

static void touch(Stage *s, const char *name)
{
    int fd;

    EXPECT_OK(run_path(&s->run, s->path, "checkpoints/%s", name));
    fd = open(s->path, O_CREAT | O_WRONLY, 0644);
    EXPECT(fd >= 0);
    close(fd);
}

static void old_states_are_removed_and_nothing_else(const Comm *c)
{
    Stage   s;
    int64_t newest, before;

    stage_begin(c, &s);
    EXPECT_OK(ckpt_newest_state(&s.run, &s.arena, &newest, &before));
    EXPECT(newest == -1 && before == -1);
    for (int64_t step = 999990; step <= 1000020; step += 10)
        EXPECT_OK(write_state(&s, step));
    touch(&s, "s000009.h5.part-x");
    touch(&s, "s1.h5");
    touch(&s, "s99999999999999999999999.h5");
    touch(&s, "t000001.h5");
    EXPECT_OK(ckpt_newest_state(&s.run, &s.arena, &newest, &before));
    EXPECT_INT(newest, 1000020);
    EXPECT_INT(before, 1000010);
    EXPECT_OK(ckpt_prune(&s.run, &s.arena, 2));
    EXPECT_OK(ckpt_newest_state(&s.run, &s.arena, &newest, &before));
    EXPECT_INT(before, 1000010);
    EXPECT_INT(files_in(&s, "checkpoints"), 6);
    EXPECT_OK(ckpt_prune(&s.run, &s.arena, 1));
    EXPECT_OK(ckpt_newest_state(&s.run, &s.arena, &newest, &before));
    EXPECT_INT(newest, 1000020);
    EXPECT_INT(before, -1);
    stage_end(&s);
}

static void damage_is_found_before_anything_is_taken(const Comm *c)
{
    Stage s;
    Side  side = {0};
    int   missed = 0;

    stage_begin(c, &s);
    EXPECT_OK(write_weights(&s, N));
    for (int64_t at = 0; at < file_bytes(s.path); at += 97) {
        int  fd = open(s.path, O_RDWR);
        char old, new;

        EXPECT(pread(fd, &old, 1, at) == 1);
        new = (char)(old ^ 4);
        EXPECT(pwrite(fd, &new, 1, at) == 1);
        missed += ckpt_read_tensors(&s.arena, s.path, TENSORS, N, 1, take, &side) != ERR_DATA;
        err_forget();
        EXPECT(pwrite(fd, &old, 1, at) == 1);
        close(fd);
    }
    EXPECT_INT(missed + side.taken, 0);
    EXPECT(truncate(s.path, file_bytes(s.path) - 1) == 0);
    EXPECT_ERR(ckpt_read_tensors(&s.arena, s.path, TENSORS, N, 1, take, &side), ERR_DATA,
               "truncated");
    stage_end(&s);
}

static void a_disk_without_room_is_told_beforehand(const Comm *c)
{
    Stage             s;
    Side              side = {.poisoned = -1};
    static CkptTensor big = {"big", 1, {1 << 20}, "n"};

    stage_begin(c, &s);
    EXPECT_OK(run_path(&s.run, s.path, "weights"));
    if (mount("tmpfs", s.path, "tmpfs", 0, "size=3m") != 0)
        check_skip("mounting a small file system needs root");
    else {
        EXPECT_OK(write_weights(&s, N));
        EXPECT_ERR(ckpt_write_weights(&s.run, &s.arena, 3, &big, 1, &TEXTS, bring, &side), ERR_IO,
                   "bytes, but only");
        EXPECT(ckpt_has_weights(&s.run, 2) && !ckpt_has_weights(&s.run, 3));
        EXPECT_OK(run_path(&s.run, s.path, "weights"));
        EXPECT(umount2(s.path, MNT_DETACH) == 0);
    }
    stage_end(&s);
}

TEST_MAIN(CASE(weights_come_back_as_they_went), CASE(a_state_holds_moments_and_numbers),
          CASE(another_network_is_refused_naming_both_sides),
          CASE(numbers_that_are_not_finite_are_refused), CASE(a_failure_leaves_what_was_there),
          CASE(the_digest_is_of_the_content_alone), CASE(old_states_are_removed_and_nothing_else),
          CASE(damage_is_found_before_anything_is_taken),
          CASE(a_disk_without_room_is_told_beforehand))
