#include "base/rng.h"
#include "base/text.h"
#include "datagen/near/near.h"
#include "tests/check.h"
#include "tests/datagen/near_plain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static Arena make_arena(const char *name)
{
    Arena a;

    EXPECT_OK(arena_make(&a, name, (int64_t)1 << 32));
    return a;
}

// Words "w0" ... with a few that are frequent, as in language.
static NearText random_text(Arena *a, Rng *rng, int64_t words)
{
    Text t = text_make(a);

    for (int64_t i = 0; i < words; i++) {
        double u = rng_unit(rng);

        text_printf(&t, "%sw%d", i == 0 ? "" : " ", (int)(pow(400, u) - 1));
    }
    text_puts(&t, "");
    return (NearText){t.data, t.length};
}

static NearText text_of(const char *text)
{
    return (NearText){text, (int64_t)strlen(text)};
}

// ---- judging, against a plain twin

typedef struct Twin {
    const NearSpec *spec;
    uint32_t      **token;
    int64_t        *count; // tokens of every text, the added ones first
    int64_t        *accepted;
    int64_t         taken;
} Twin;

static double twin_key(const NearSpec *s, int64_t lcs, int64_t a, int64_t b)
{
    return s->compare == NEAR_DOUBLE ? near_rouge(lcs, a, b)
           : lcs == 0                ? 0
                                     : 2.0 * (double)lcs / (double)(a + b);
}

static NearVerdict twin_judge(Twin *t, int64_t text)
{
    NearVerdict v = {.nearest = t->taken > 0 ? 0 : -1};
    double      sum = 0;

    for (int64_t k = 0; k < t->taken; k++) {
        int64_t other = t->accepted[k], a = t->count[text], b = t->count[other], at = v.tops;
        int64_t lcs = plain_lcs(t->token[text], a, t->token[other], b);
        double  key = twin_key(t->spec, lcs, a, b);

        sum += key;
        v.is_rejected |= near_is_above(t->spec, lcs, a, b);
        if (key > v.max) {
            v.max = key;
            v.nearest = k;
        }
        while (at > 0 && v.top_score[at - 1] < key)
            at--;
        if (at == NEAR_TOP || !t->spec->wants_mean)
            continue;
        v.tops += v.tops < NEAR_TOP;
        for (int64_t i = v.tops - 1; i > at; i--) {
            v.top[i] = v.top[i - 1];
            v.top_score[i] = v.top_score[i - 1];
        }
        v.top[at] = k;
        v.top_score[at] = key;
    }
    if (t->spec->wants_mean && t->taken > 0)
        v.mean = sum / (double)t->taken;
    if (!v.is_rejected)
        t->accepted[t->taken++] = text;
    return v;
}

static int same_verdict(const NearVerdict *a, const NearVerdict *b)
{
    int same = a->is_rejected == b->is_rejected && a->nearest == b->nearest && a->max == b->max &&
               fabs(a->mean - b->mean) < 1e-12 && a->tops == b->tops;

    for (int i = 0; i < a->tops && same; i++)
        same = a->top[i] == b->top[i] && a->top_score[i] == b->top_score[i];
    return same;
}

enum { ADDED = 2300, JUDGED = 700, TEXTS = ADDED + JUDGED };

// Mostly short texts, more than a block of them, some long, some empty, some near others.
static NearText *judge_texts(Arena *a)
{
    NearText *text = arena_new(a, NearText, TEXTS);
    Rng       rng = rng_make(1, rng_stream("test", 3, 0, 0), 0);

    for (int64_t i = 0; i < TEXTS; i++) {
        int64_t words = 2 + (int64_t)rng_below(&rng, 6);

        if (i % 40 == 7)
            words = 12 + (int64_t)rng_below(&rng, 80);
        if (i % 200 == 9)
            words = 0;
        text[i] = random_text(a, &rng, words);
        if (i % 11 == 10) { // another text and a word
            NearText other = text[rng_below(&rng, (uint64_t)i)];
            text[i].text = arena_format(a, "%s also", other.text);
            text[i].length = other.length + 5;
        }
    }
    return text;
}

static void judge_like_the_twin(const Comm *c, const NearSpec *spec)
{
    Arena        a = make_arena("test"), run = make_arena("index");
    NearText    *text = judge_texts(&a);
    NearVerdict *got = arena_new(&a, NearVerdict, JUDGED);
    NearWords   *words = near_words(&a, spec->tokens);
    Twin         twin = {spec, arena_new(&a, uint32_t *, TEXTS), arena_new(&a, int64_t, TEXTS),
                         arena_new(&a, int64_t, TEXTS), 0};
    Near        *n = near_make(&run, spec);
    Arena        scratch = make_arena("scratch");
    int64_t      wrong = 0, rejected = 0, zero = 0;

    for (int64_t i = 0; i < TEXTS; i++) {
        twin.token[i] = near_tokens(words, &a, text[i], &twin.count[i]);
        zero += twin.count[i] == 0;
        if (i < ADDED) {
            near_add(n, text[i]);
            twin.accepted[twin.taken++] = i;
        }
    }
    EXPECT_OK(near_judge_all(c, n, &scratch, text + ADDED, JUDGED / 10, got));
    EXPECT_OK(near_judge_all(c, n, &scratch, text + ADDED + JUDGED / 10, JUDGED - JUDGED / 10,
                             got + JUDGED / 10));
    for (int64_t i = 0; i < JUDGED; i++) {
        NearVerdict want = twin_judge(&twin, ADDED + i);

        wrong += !same_verdict(&got[i], &want);
        rejected += want.is_rejected;
    }
    EXPECT_INT(wrong, 0);
    EXPECT(rejected > 20 && rejected < JUDGED / 2);
    EXPECT_INT(near_count(n), twin.taken);
    EXPECT_INT(near_zero_tokens(n), zero);
    EXPECT_INT(scratch.used, 0);
    arena_free(&scratch);
    arena_free(&run);
    arena_free(&a);
}

static void rouge_judges_like_the_plain_twin(const Comm *c)
{
    judge_like_the_twin(c, &(NearSpec){NEAR_ROUGE, 7, 10, NEAR_RATIONAL, NEAR_UNICODE, 1});
}

static void rouge_without_mean_judges_the_same(const Comm *c)
{
    judge_like_the_twin(c, &(NearSpec){NEAR_ROUGE, 7, 10, NEAR_RATIONAL, NEAR_GOOGLE, 0});
}

static void rouge_in_double_judges_like_its_twin(const Comm *c)
{
    judge_like_the_twin(c, &(NearSpec){NEAR_ROUGE, 7, 10, NEAR_DOUBLE, NEAR_GOOGLE, 1});
    judge_like_the_twin(c, &(NearSpec){NEAR_ROUGE, 7, 10, NEAR_DOUBLE, NEAR_GOOGLE, 0});
}

// ---- the smallest

static void the_first_candidate_meets_nothing(const Comm *c)
{
    Arena       run = make_arena("index"), scratch = make_arena("scratch");
    Near       *n = near_make(&run, &(NearSpec){NEAR_ROUGE, 7, 10, NEAR_RATIONAL, NEAR_GOOGLE, 1});
    NearText    text[] = {text_of("one two"), text_of("three"), text_of("One, two!"), text_of("?")};
    NearVerdict v[4];

    EXPECT_OK(near_judge_all(c, n, &scratch, text, 0, v));
    EXPECT_OK(near_judge_all(c, n, &scratch, text, 4, v));
    EXPECT(!v[0].is_rejected && v[0].nearest == -1 && v[0].max == 0 && v[0].tops == 0);
    EXPECT(!v[1].is_rejected && v[1].nearest == 0 && v[1].max == 0 && v[1].tops == 1);
    EXPECT(v[2].is_rejected && v[2].nearest == 0 && v[2].max == 1 && v[2].mean == 0.5);
    EXPECT_INT(v[2].tops, 2);
    EXPECT(v[2].top[0] == 0 && v[2].top[1] == 1 && v[2].top_score[1] == 0);
    EXPECT(!v[3].is_rejected && v[3].max == 0 && v[3].tops == 2);
    EXPECT_INT(near_count(n), 3);
    EXPECT_INT(near_zero_tokens(n), 1);
    arena_free(&scratch);
    arena_free(&run);
}

static void equality_with_the_threshold_is_accepted_exactly_but_not_in_double(const Comm *c)
{
    static const char *const first = "a b c d e f g", // 7 of 7 and of 13: F is 7/10
        *const               second = "a b c d e f g h i j k l m";

    for (int compare = NEAR_RATIONAL; compare <= NEAR_DOUBLE; compare++) {
        Arena run = make_arena("index"), scratch = make_arena("scratch");
        Near *n =
            near_make(&run, &(NearSpec){NEAR_ROUGE, 7, 10, (NearCompare)compare, NEAR_GOOGLE, 0});
        NearText    text[] = {text_of(first), text_of(second)};
        NearVerdict v[2];

        EXPECT_OK(near_judge_all(c, n, &scratch, text, 2, v));
        EXPECT_INT(v[1].is_rejected, compare == NEAR_DOUBLE);
        EXPECT(v[1].max == (compare == NEAR_DOUBLE ? 0.7000000000000001 : 0.7));
        arena_free(&scratch);
        arena_free(&run);
    }
}

static void exact_rejects_equal_bytes_alone(const Comm *c)
{
    Arena       run = make_arena("index"), scratch = make_arena("scratch");
    Near       *n = near_make(&run, &(NearSpec){.kind = NEAR_EXACT});
    NearText    text[] = {text_of("b"), text_of("B"), text_of(""), text_of("a"), text_of("")};
    NearVerdict v[5];
    char        many[3000][8];
    int64_t     wrong = 0;

    near_add(n, text_of("a"));
    EXPECT_OK(near_judge_all(c, n, &scratch, text, 5, v));
    EXPECT(!v[0].is_rejected && !v[1].is_rejected && !v[2].is_rejected);
    EXPECT(v[3].is_rejected && v[3].nearest == 0 && v[3].max == 1);
    EXPECT(v[4].is_rejected && v[4].nearest == 3);
    for (int i = 0; i < 3000; i++) {
        snprintf(many[i], sizeof many[i], "t%d", i % 2000);
        EXPECT_OK(
            near_judge_all(c, n, &scratch, &(NearText){many[i], (int64_t)strlen(many[i])}, 1, v));
        wrong += v[0].is_rejected != (i >= 2000) || (i >= 2000 && v[0].nearest != i - 2000 + 4);
    }
    EXPECT_INT(wrong, 0);
    EXPECT_INT(near_count(n), 2004);
    arena_free(&scratch);
    arena_free(&run);
}

static void nothing_is_compared_with_none(const Comm *c)
{
    Arena       run = make_arena("index"), scratch = make_arena("scratch");
    Near       *n = near_make(&run, &(NearSpec){.kind = NEAR_NONE});
    NearText    text[] = {text_of("a"), text_of("a")};
    NearVerdict v[2];

    EXPECT_OK(near_judge_all(c, n, &scratch, text, 2, v));
    EXPECT(!v[1].is_rejected && v[1].nearest == -1);
    EXPECT_INT(near_count(n), 2);
    arena_free(&scratch);
    arena_free(&run);
}

// ---- MinHash

enum { SHINGLE = 5 };

// Jaccard of the sets of 5-shingles, the plain way.
static double plain_jaccard(const uint32_t *a, int64_t m, const uint32_t *b, int64_t n)
{
    int64_t both = 0, all = 0;

    if (m < SHINGLE || n < SHINGLE)
        return m == n && m > 0 && memcmp(a, b, (size_t)m * sizeof *a) == 0;
    for (int side = 0; side < 2; side++) {
        const uint32_t *x = side ? b : a, *y = side ? a : b;
        int64_t         p = side ? n : m, q = side ? m : n;

        for (int64_t i = 0; i + SHINGLE <= p; i++) {
            int is_old = 0, is_there = 0;

            for (int64_t j = 0; j < i; j++)
                is_old |= memcmp(x + i, x + j, SHINGLE * sizeof *x) == 0;
            for (int64_t j = 0; j + SHINGLE <= q; j++)
                is_there |= memcmp(x + i, y + j, SHINGLE * sizeof *x) == 0;
            all += !is_old && (side == 0 || !is_there);
            both += !is_old && side == 0 && is_there;
        }
    }
    return (double)both / (double)all;
}

// Every third text is an earlier one with its last words changed: more or less similar.
static NearText *planted_texts(Arena *a, int64_t count)
{
    NearText *text = arena_new(a, NearText, count);
    Rng       rng = rng_make(1, rng_stream("test", 4, 0, 0), 0);

    for (int64_t i = 0; i < count; i++) {
        text[i] = random_text(
            a, &rng, i % 50 == 0 ? (int64_t)rng_below(&rng, 6) : 20 + (int64_t)rng_below(&rng, 30));
        if (i % 3 == 2) {
            NearText other = text[rng_below(&rng, (uint64_t)i)];
            int64_t  kept = other.length - other.length * (int64_t)rng_below(&rng, 40) / 100;

            text[i].text = arena_format(a, "%.*s end%d", (int)kept, other.text, (int)i);
            text[i].length = (int64_t)strlen(text[i].text);
        }
    }
    return text;
}

static void minhash_finds_planted_texts_and_decides_by_jaccard(const Comm *c)
{
    enum { COUNT = 900 };
    Arena        a = make_arena("test"), run = make_arena("index"), scratch = make_arena("scratch");
    NearSpec     spec = {NEAR_MINHASH, 7, 10, NEAR_RATIONAL, NEAR_UNICODE, 0};
    Near        *n = near_make(&run, &spec);
    NearText    *text = planted_texts(&a, COUNT);
    NearVerdict *v = arena_new(&a, NearVerdict, COUNT);
    NearWords   *words = near_words(&a, NEAR_UNICODE);
    uint32_t    *token[COUNT];
    int64_t      count[COUNT], accepted[COUNT], taken = 0, wrong = 0, above = 0, missed = 0;

    for (int i = 0; i < COUNT; i++)
        token[i] = near_tokens(words, &a, text[i], &count[i]);
    EXPECT_OK(near_judge_all(c, n, &scratch, text, COUNT / 3, v));
    EXPECT_OK(near_judge_all(c, n, &scratch, text + COUNT / 3, COUNT - COUNT / 3, v + COUNT / 3));
    for (int i = 0; i < COUNT; i++) {
        double best = 0;

        for (int64_t k = 0; k < taken; k++)
            best = fmax(best,
                        plain_jaccard(token[i], count[i], token[accepted[k]], count[accepted[k]]));
        above += best > 0.7;
        missed += best > 0.7 && !v[i].is_rejected;
        wrong += v[i].is_rejected != (v[i].max > 0.7) || v[i].max > best;
        if (v[i].nearest >= 0)
            wrong += v[i].max != plain_jaccard(token[i], count[i], token[accepted[v[i].nearest]],
                                               count[accepted[v[i].nearest]]);
        if (!v[i].is_rejected)
            accepted[taken++] = i;
    }
    EXPECT_INT(wrong, 0);
    EXPECT(above > 60);
    EXPECT_INT(missed, 0); // one in thousands, and the texts are always the same
    EXPECT_INT(near_count(n), taken);
    arena_free(&scratch);
    arena_free(&run);
    arena_free(&a);
}

static void minhash_takes_texts_without_tokens(const Comm *c)
{
    Arena    run = make_arena("index"), scratch = make_arena("scratch");
    Near    *n = near_make(&run, &(NearSpec){NEAR_MINHASH, 7, 10, NEAR_RATIONAL, NEAR_GOOGLE, 0});
    NearText text[] = {text_of("?"), text_of("!"), text_of("a b"), text_of("A B."), text_of("a")};
    NearVerdict v[5];

    near_add(n, text_of("..."));
    EXPECT_OK(near_judge_all(c, n, &scratch, text, 5, v));
    EXPECT(!v[0].is_rejected && !v[1].is_rejected && !v[2].is_rejected && !v[4].is_rejected);
    EXPECT(v[3].is_rejected && v[3].nearest == 3 && v[3].max == 1);
    EXPECT_INT(near_zero_tokens(n), 3);
    arena_free(&scratch);
    arena_free(&run);
}

TEST_MAIN(CASE(rouge_judges_like_the_plain_twin), CASE(rouge_without_mean_judges_the_same),
          CASE(rouge_in_double_judges_like_its_twin), CASE(the_first_candidate_meets_nothing),
          CASE(equality_with_the_threshold_is_accepted_exactly_but_not_in_double),
          CASE(exact_rejects_equal_bytes_alone), CASE(nothing_is_compared_with_none),
          CASE(minhash_finds_planted_texts_and_decides_by_jaccard),
          CASE(minhash_takes_texts_without_tokens))
