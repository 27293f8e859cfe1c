#include "base/rng.h"
#include "datagen/sources/chains.h"
#include "setting.h"

#include <stdio.h>
#include <stdlib.h>

static Arena arena;

static Source *start(const char *config, uint64_t seed)
{
    Source *s = NULL;

    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", 1 << 28));
    EXPECT_OK(source_make(&arena, setting_json(&arena, config), ".", seed, &s));
    return s;
}

static Source *standard(uint64_t seed)
{
    arena_back(&arena, 0);
    return start("{\"kind\": \"chains\"}", seed);
}

static Record draw(const Source *s, SourceSplit split, int64_t iteration, int64_t k)
{
    Record r = {.arena = &arena};

    source_draw(s, split, iteration, k, &r);
    return r;
}

// ---- the plain twin: operations on texts, as the grammar says them

static void twin_apply(const char *op, const char *in, char *out)
{
    size_t n = strlen(in);

    strcpy(out, in);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(op, "reverse") == 0)
            out[i] = in[n - 1 - i];
        if (strcmp(op, "bump") == 0)
            out[i] = "1234567890"[in[i] - '0'];
        if (strcmp(op, "left") == 0)
            out[i] = in[i + 1 < n ? i + 1 : 0];
        if (strcmp(op, "flip") == 0)
            out[i] = "9876543210"[in[i] - '0'];
    }
}

static void twin_sort(char *s)
{
    for (size_t i = 0; s[i] != 0; i++)
        for (size_t k = i + 1; s[k] != 0; k++)
            if (s[k] < s[i]) {
                char c = s[i];

                s[i] = s[k];
                s[k] = c;
            }
}

static void twin_sort_steps(const char *in, char *out)
{
    strcpy(out, "s");
    for (size_t i = 1; i <= strlen(in); i++) {
        char part[8] = {0};

        memcpy(part, in, i);
        twin_sort(part);
        strcat(strcat(out, i > 1 ? " " : ""), part);
    }
    strcat(out, ";");
}

static void twin_worked(const char *instruction, char *out)
{
    char text[CHAIN_TEXT_MAX], now[8], next[8];

    strcpy(text, instruction);
    strcpy(now, strrchr(text, ' ') + 1);
    *strrchr(text, ' ') = 0;
    *out = 0;
    if (strcmp(text, "sort") == 0) {
        twin_sort_steps(now, out);
        twin_sort(now);
        strcat(out, now);
        return;
    }
    if (strcmp(text, "max") == 0) {
        for (size_t i = 1; now[i] != 0; i++)
            now[i] = now[i] > now[i - 1] ? now[i] : now[i - 1];
        sprintf(out, "m%s;%c", now, now[strlen(now) - 1]);
        return;
    }
    for (char *op = strtok(text, " "); op != NULL; op = strtok(NULL, " ")) {
        if (strcmp(op, "then") == 0)
            continue;
        twin_apply(op, now, next);
        sprintf(out + strlen(out), "%s%c%s", *out == 0 ? "" : ",", *op, next);
        strcpy(now, next);
    }
    sprintf(out + strlen(out), ";%s", now);
}

// ---- cases

static void expect_worked(const Source *s, const char *instruction, const char *worked)
{
    Record r = {.arena = &arena};

    EXPECT_INT(source_parse(s, instruction, &r), 1);
    EXPECT_TEXT(setting_field(&r, "instruction"), instruction);
    EXPECT_TEXT(setting_field(&r, "worked"), worked);
    EXPECT_TEXT(setting_field(&r, "answer"), strchr(worked, ';') + 1);
}

static void chains_write_solutions_in_the_form_of_the_reference(const Comm *c)
{
    Source *s = standard(1);
    Record  r = {.arena = &arena};

    (void)c;
    expect_worked(s, "reverse 1977", "r7791;7791");
    expect_worked(s, "bump 8337", "b9448;9448");
    expect_worked(s, "left 6262", "l2626;2626");
    expect_worked(s, "flip 2904", "f7095;7095");
    expect_worked(s, "sort 4796", "s4 47 479 4679;4679");
    expect_worked(s, "max 6697", "m6699;9");
    expect_worked(s, "reverse then left 6446", "r6446,l4466;4466");
    expect_worked(s, "left then flip then bump 11343", "l13431,f86568,b97679;97679");
    EXPECT_INT(source_parse(s, "left then flip then bump 01343", &r), 1);
    EXPECT_TEXT(setting_field(&r, "ops"), "left then flip then bump");
    EXPECT_TEXT(setting_field(&r, "digits"), "01343");
    EXPECT_TEXT(setting_field(&r, "length"), "5");
    EXPECT_TEXT(setting_field(&r, "depth"), "3");
}

static void chains_are_numbered_by_cell_without_gaps(const Comm *c)
{
    char seen[CHAINS][CHAIN_TEXT_MAX];
    int  of_depth[CHAIN_DEPTHS + 1] = {0};

    (void)c;
    for (int chain = 0; chain < CHAINS; chain++) {
        ChainProblem p = {.chain = chain, .length = 5, .digits = "00304"}, back;

        chain_ops(chain, seen[chain]);
        EXPECT_INT(chain_find(seen[chain]), chain);
        of_depth[chain_depth(chain)]++;
        back = chain_problem(chain_code(&p));
        EXPECT_INT(back.chain, chain);
        EXPECT_TEXT(back.digits, "00304");
        EXPECT_INT(chain_cell(&p), 4 * chain + 3);
        EXPECT_INT(chain_code(&p), (4 * chain + 3) * 100000 + 304);
    }
    EXPECT_INT(of_depth[1], 6);
    EXPECT_INT(of_depth[2], 12);
    EXPECT_INT(of_depth[3], 24);
    EXPECT_INT(chain_find("sort then flip"), -1);
    EXPECT_INT(chain_find("flip then flip"), -1);
}

static void chains_are_solved_as_by_the_plain_twin(const Comm *c)
{
    Source *s = standard(5);
    int64_t compared = 0;

    (void)c;
    for (int64_t k = 0; k < 20000; k++) {
        ArenaMark mark = arena_mark(&arena);
        Record    r = draw(s, SPLIT_TRAIN, 1, k);
        char      worked[2 * CHAIN_TEXT_MAX];

        twin_worked(setting_field(&r, "instruction"), worked);
        EXPECT_TEXT(setting_field(&r, "worked"), worked);
        compared++;
        arena_back(&arena, mark);
    }
    check_compared(compared);
}

static void chains_give_the_seeds_of_the_recipe(const Comm *c)
{
    Source *s = standard(7), *other = start("{\"kind\": \"chains\"}", 8);
    int64_t of_cell[CHAIN_CELLS] = {0}, of_kind[5] = {0}, cells = 0;
    int     same = 0;

    (void)c;
    EXPECT_INT(source_count(s, SPLIT_SEEDS), 1032);
    for (int64_t k = 0; k < 1032; k++) {
        Record r = draw(s, SPLIT_SEEDS, 0, k), o = draw(other, SPLIT_SEEDS, 0, k);

        EXPECT_INT(r.group, o.group);
        same += r.problem == o.problem;
        of_cell[r.group]++;
        of_kind[source_group_of(s, r.group)]++;
        for (int64_t i = 0; i < source_count(s, SPLIT_HELD_OUT); i += 37) {
            ArenaMark mark = arena_mark(&arena);

            EXPECT(draw(s, SPLIT_HELD_OUT, 0, i).problem != r.problem);
            arena_back(&arena, mark);
        }
    }
    for (int i = 0; i < CHAIN_CELLS; i++)
        cells += of_cell[i] > 0;
    EXPECT_INT(cells, 72);
    EXPECT_INT(of_cell[0], 40); // reverse, two digits
    EXPECT_INT(of_cell[3], 20);
    EXPECT_INT(of_kind[0], 780);
    EXPECT_INT(of_kind[1], 168);
    EXPECT_INT(of_kind[2], 0);
    EXPECT_INT(of_kind[3], 84);
    EXPECT_INT(of_kind[4], 0);
    EXPECT(same < 300);
}

static void chains_have_one_test_for_every_seed(const Comm *c)
{
    Source  *s = standard(7), *other = start("{\"kind\": \"chains\"}", 8);
    uint64_t before = 0;
    int64_t  of_kind[5] = {0};

    (void)c;
    EXPECT_INT(source_count(s, SPLIT_HELD_OUT), 666);
    for (int64_t k = 0; k < 666; k++) {
        Record r = draw(s, SPLIT_HELD_OUT, 3, k), o = draw(other, SPLIT_HELD_OUT, 4, k);

        EXPECT_INT((int64_t)r.problem, (int64_t)o.problem);
        EXPECT(k == 0 || r.problem > before);
        EXPECT_INT(source_is_held_out(s, &r), 1);
        before = r.problem;
        of_kind[source_group_of(s, r.group)]++;
    }
    EXPECT(of_kind[0] > 230 && of_kind[0] <= 240);
    EXPECT(of_kind[1] > 115 && of_kind[1] <= 120);
    EXPECT(of_kind[2] > 115 && of_kind[2] <= 120);
    EXPECT(of_kind[3] > 45 && of_kind[3] <= 48);
    EXPECT(of_kind[4] > 140 && of_kind[4] <= 144);
    EXPECT_TEXT(source_group_label(s), "kinds");
    EXPECT_TEXT(source_group_name(s, 4), "new triples");
}

static void chains_hold_out_what_is_one_digit_from_the_test(const Comm *c)
{
    Source *s = standard(1);
    int64_t compared = 0;

    (void)c;
    for (int64_t k = 0; k < 666; k++) {
        Record       test = draw(s, SPLIT_HELD_OUT, 0, k);
        ChainProblem p = chain_problem((int64_t)test.problem);

        for (int i = 0; i < p.length; i++) {
            Record near = {.arena = &arena};
            char   text[CHAIN_TEXT_MAX];

            p.digits[i] = (char)('0' + (p.digits[i] - '0' + 3) % 10);
            chain_instruction(&p, text);
            EXPECT_INT(source_parse(s, text, &near), 1);
            if (p.length >= 4)
                EXPECT_INT(source_is_held_out(s, &near), 1);
            compared += source_is_held_out(s, &near);
            p.digits[i] = (char)('0' + (p.digits[i] - '0' + 7) % 10);
        }
    }
    check_compared(compared);
    EXPECT(compared > 1500 && compared < 1900); // two and three digits only by chance
}

static void chains_draw_fresh_problems_by_their_weights(const Comm *c)
{
    enum { DRAWS = 20000 };
    Source *s = standard(7);
    int64_t depth[4] = {0}, length[6] = {0}, cells[CHAIN_CELLS] = {0}, filled = 0;
    int     again = 0;

    (void)c;
    EXPECT_INT(source_count(s, SPLIT_TRAIN), -1);
    for (int64_t k = 0; k < DRAWS; k++) {
        ArenaMark mark = arena_mark(&arena);
        Record    r = draw(s, SPLIT_TRAIN, 2, k), same = draw(s, SPLIT_TRAIN, 2, k),
               next = draw(s, SPLIT_TRAIN, 3, k);

        EXPECT_INT((int64_t)r.problem, (int64_t)same.problem);
        EXPECT_INT(source_is_held_out(s, &r), 0);
        EXPECT_INT(source_class_of(s, r.group), atoi(setting_field(&r, "depth")) - 1);
        again += r.problem == next.problem;
        depth[source_class_of(s, r.group) + 1]++;
        length[atoi(setting_field(&r, "length"))]++;
        cells[r.group]++;
        arena_back(&arena, mark);
    }
    for (int i = 0; i < CHAIN_CELLS; i++)
        filled += cells[i] > 0;
    EXPECT_INT(filled, CHAIN_CELLS);
    EXPECT(again < 20);
    for (int d = 1; d <= 3; d++)
        EXPECT_NEAR((double)depth[d] / DRAWS, source_class_weight(s, d - 1) / 8, 0.015);
    EXPECT_NEAR((double)length[2] / DRAWS, 1. / 9, 0.015);
    EXPECT_NEAR((double)length[5] / DRAWS, 3. / 9, 0.015);
}

static void chains_read_only_the_grammar(const Comm *c)
{
    static const char *const bad[] = {
        "",
        " ",
        "12",
        "reverse",
        "reverse ",
        "reverse 1",
        "reverse 123456",
        "reverse  12",
        "reverse 12 ",
        " reverse 12",
        "Reverse 12",
        "reverse 1a",
        "reverse 12\n",
        "reverse\t12",
        "reverse then 12",
        "reverse then reverse 12",
        "sort then flip 12",
        "flip then max 12",
        "then flip 12",
        "flip then left then bump then reverse 12",
        "flip, left 12",
        "flip then  left 12",
        "2:reverse 29",
        "?2:reverse 29",
        "reverse 29=r92;92",
        "reverse -12",
        "reverse 99999999999999999999999999999999999999999999999999999999999999999999999999999",
        "reverse then reverse then reverse then reverse then reverse then reverse then reverse 1",
        "\xff\xfe",
        "flip \xd9\xa1\xd9\xa2", // digits of another script
        "flip \xef\xbc\x91\xef\xbc\x92"};
    Source *s = standard(1);

    (void)c;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Record r = {.arena = &arena};

        EXPECT_INT(source_parse(s, bad[i], &r), 0);
        EXPECT_INT(r.fields, 0);
    }
    check_compared((int64_t)(sizeof bad / sizeof bad[0]));
}

static const char *judged(const Source *s, const char *instruction, const char *text)
{
    Record r = {.arena = &arena};

    EXPECT_INT(source_parse(s, instruction, &r), 1);
    source_verify(s, text, &r, "exact");
    EXPECT_INT(record_verdict(&r, "exact"), r.verdict_why[0][0] == 0);
    return r.verdict_why[0];
}

static void chains_judge_every_step_of_a_solution(const Comm *c)
{
    Source *s = standard(1);

    (void)c;
    EXPECT_INT(source_can_verify(s), 1);
    EXPECT_TEXT(judged(s, "reverse then left 6446", "r6446,l4466;4466"), "");
    EXPECT_TEXT(judged(s, "reverse then left 6446", "r6446,l4466;4467"), "wrong");
    EXPECT_TEXT(judged(s, "reverse then left 6446", "r6446,l4466"), "wrong");
    EXPECT_TEXT(judged(s, "reverse then left 6446", "r6446,l4466;"), "wrong");
    EXPECT_TEXT(judged(s, "reverse then left 6446", ""), "wrong");
    EXPECT_TEXT(judged(s, "reverse then left 6446", "r6444,l4466;4466"), "wrong step");
    EXPECT_TEXT(judged(s, "reverse then left 6446", "l4466;4466"), "wrong step");
    EXPECT_TEXT(judged(s, "reverse then left 6446", ";r6446,l4466;4466"), "wrong step");
    EXPECT_TEXT(judged(s, "max 6697", "m6697;9"), "wrong step");
    EXPECT_TEXT(judged(s, "max 6697", "m6699;9 "), "wrong");
    EXPECT_TEXT(judged(s, "sort 4796", "s4 47 479 4679;4679"), "");
    EXPECT_TEXT(judged(s, "sort 4796", "s4679;4679"), "wrong step");
}

// Every change of one character of a solution is found, and said to be in the right place.
static void chains_judge_as_the_plain_twin_does(const Comm *c)
{
    Source *s = standard(3);
    Rng     rng = rng_make(1, rng_stream("test", 0, 0, 0), 0);
    int64_t compared = 0;

    (void)c;
    for (int64_t k = 0; k < 5000; k++) {
        ArenaMark mark = arena_mark(&arena);
        Record    r = draw(s, SPLIT_TRAIN, 1, k);
        char      worked[2 * CHAIN_TEXT_MAX], text[2 * CHAIN_TEXT_MAX], *at, *end;
        int       right;

        twin_worked(setting_field(&r, "instruction"), worked);
        strcpy(text, worked);
        at = text + rng_below(&rng, strlen(text));
        *at = "0123456789,; rblfsm"[rng_below(&rng, 19)];
        end = strrchr(text, ';');
        right = end != NULL && strcmp(end + 1, strrchr(worked, ';') + 1) == 0;
        EXPECT_TEXT(judged(s, setting_field(&r, "instruction"), text), strcmp(text, worked) == 0
                                                                           ? ""
                                                                       : right ? "wrong step"
                                                                               : "wrong");
        compared++;
        arena_back(&arena, mark);
    }
    check_compared(compared);
}

static Err make(const char *text)
{
    Source *s;

    return source_make(&arena, setting_json(&arena, text), ".", 1, &s);
}

static void chains_take_other_counts_and_refuse_bad_ones(const Comm *c)
{
    Source *s = standard(1);
    int     names, verdicts;
    Record  r = draw(s, SPLIT_SEEDS, 0, 0);

    (void)c;
    source_fields(s, &names);
    source_verdicts(s, &verdicts);
    EXPECT_INT(r.fields, names);
    EXPECT_INT(r.verdicts, verdicts);
    s = start("{\"kind\": \"chains\", \"seeds_single\": [60, 60, 60, 60], \"seeds_pair\": "
              "[0, 0, 0, 0], \"seeds_triple\": [0, 0, 0, 1], \"held_out\": [20, 0, 0]}",
              1);
    EXPECT_INT(source_count(s, SPLIT_SEEDS), 24 * 60 + 6);
    EXPECT(source_count(s, SPLIT_HELD_OUT) > 450 && source_count(s, SPLIT_HELD_OUT) <= 480);
    EXPECT_ERR(make("{\"kind\": \"chains\", \"seeds\": 3}"), ERR_CONFIG, "seeds");
    EXPECT_ERR(make("{\"kind\": \"chains\", \"seeds_pair\": [1, 2]}"), ERR_CONFIG, "4 numbers");
    EXPECT_ERR(make("{\"kind\": \"chains\", \"seeds_pair\": 8}"), ERR_CONFIG, "4 numbers");
    EXPECT_ERR(make("{\"kind\": \"chains\", \"seeds_pair\": [1, 2, 3, 61]}"), ERR_CONFIG,
               "from 0 to 60");
    EXPECT_ERR(make("{\"kind\": \"chains\", \"held_out\": [1, 2, 0.5]}"), ERR_CONFIG, "0.5");
    EXPECT_ERR(make("{\"kind\": \"chains\", \"depths\": [0, 0, 0]}"), ERR_CONFIG, "above 0");
}

// ---- verify by source, as a step

static void verify_by_source_wants_a_problem_and_a_source_that_judges(const Comm *c)
{
    static const char *const step =
        "{\"do\": \"draw\", \"from\": \"%s\"%s}, {\"do\": \"generate\", "
        "\"text\": \"{bos}\", \"into\": \"work\", \"max_tokens\": 9}, "
        "{\"do\": \"verify\", \"by\": \"source\", \"in\": \"work\"%s}";
    Source *s = standard(1);
    Recipe *r;

    (void)c;
    EXPECT_OK(setting_steps(&arena, s, arena_format(&arena, step, "held-out", "", ""), &r));
    EXPECT_ERR(
        setting_steps(&arena, s, arena_format(&arena, step, "nothing", ", \"count\": 3", ""), &r),
        ERR_CONFIG, "instruction");
    EXPECT_ERR(setting_steps(&arena, s,
                             arena_format(&arena, step, "held-out", "", ", \"after\": \";\""), &r),
               ERR_CONFIG, "verify by source");
    EXPECT_ERR(setting_steps(&arena, setting_source(&arena, 1),
                             arena_format(&arena, step, "held-out", "", ""), &r),
               ERR_CONFIG, "no way to judge");
}

TEST_MAIN(CASE(chains_write_solutions_in_the_form_of_the_reference),
          CASE(chains_are_numbered_by_cell_without_gaps),
          CASE(chains_are_solved_as_by_the_plain_twin), CASE(chains_give_the_seeds_of_the_recipe),
          CASE(chains_have_one_test_for_every_seed),
          CASE(chains_hold_out_what_is_one_digit_from_the_test),
          CASE(chains_draw_fresh_problems_by_their_weights), CASE(chains_read_only_the_grammar),
          CASE(chains_judge_every_step_of_a_solution), CASE(chains_judge_as_the_plain_twin_does),
          CASE(chains_take_other_counts_and_refuse_bad_ones),
          CASE(verify_by_source_wants_a_problem_and_a_source_that_judges))
