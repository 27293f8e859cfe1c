#include "base/rng.h"
#include "datagen/near/near_block.h"
#include "datagen/near/near_lcs.h"
#include "tests/check.h"
#include "tests/datagen/near_plain.h"

#include <stdio.h>
#include <string.h>

static Arena make_arena(const char *name)
{
    Arena a;

    EXPECT_OK(arena_make(&a, name, (int64_t)1 << 32));
    return a;
}

static uint32_t *random_tokens(Arena *a, Rng *rng, int64_t count, uint64_t vocabulary)
{
    uint32_t *token = arena_new(a, uint32_t, count);

    for (int64_t i = 0; i < count; i++)
        token[i] = (uint32_t)rng_below(rng, vocabulary);
    return token;
}

static NearText text_of(const char *text)
{
    return (NearText){text, (int64_t)strlen(text)};
}

// ---- words

static int same_tokens(NearWords *w, Arena *a, const char *x, const char *y)
{
    int64_t   n, m;
    uint32_t *s = near_tokens(w, a, text_of(x), &n), *t = near_tokens(w, a, text_of(y), &m);

    return n == m && (n == 0 || memcmp(s, t, (size_t)n * sizeof *s) == 0);
}

static int64_t tokens_of(NearWords *w, Arena *a, const char *x)
{
    int64_t n;

    near_tokens(w, a, text_of(x), &n);
    return n;
}

static void google_words_are_runs_of_ascii_letters_and_digits(const Comm *c)
{
    Arena      a = make_arena("test");
    NearWords *w = near_words(&a, NEAR_GOOGLE);

    (void)c;
    EXPECT_INT(tokens_of(w, &a, ""), 0);
    EXPECT_INT(tokens_of(w, &a, " ... !"), 0);
    EXPECT_INT(tokens_of(w, &a, "Don't stop_me 12.5"), 6);
    EXPECT(same_tokens(w, &a, "Don't STOP", "don t stop"));
    EXPECT(same_tokens(w, &a, "na\xc3\xafve", "na ve"));
    EXPECT_INT(tokens_of(w, &a, "\xe6\x97\xa5\xe6\x9c\xac \xe3\x81\xae"), 0);
    EXPECT(same_tokens(w, &a, "5 \xe2\x84\xaa!", "5 k"));       // the kelvin's lower case is k
    EXPECT(same_tokens(w, &a, "\xc4\xb0stanbul", "i stanbul")); // i and a dot
    EXPECT(same_tokens(w, &a, "a\xff\xe2\x84", "a"));           // not UTF-8
    EXPECT(!same_tokens(w, &a, "one two", "two one"));
    arena_free(&a);
}

static void unicode_words_are_runs_of_any_script_folded(const Comm *c)
{
    Arena      a = make_arena("test");
    NearWords *w = near_words(&a, NEAR_UNICODE);

    (void)c;
    EXPECT_INT(tokens_of(w, &a, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e \xe3\x81\xae \xe6\x96\x87"),
               3);
    EXPECT(same_tokens(w, &a,
                       "Stra\xc3\x9f"
                       "e",
                       "STRASSE"));
    EXPECT(same_tokens(w, &a, "caf\xc3\xa9", "CAFE\xcc\x81"));                 // composed or not
    EXPECT(same_tokens(w, &a, "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\x91", "ab1")); // full width
    EXPECT(same_tokens(w, &a, "co\xc2\xadop", "coop"));                        // a soft hyphen
    EXPECT(same_tokens(w, &a, "\xce\xa3\xce\x9f\xce\xa6\xce\x9f\xce\xa3",
                       "\xcf\x83\xce\xbf\xcf\x86\xce\xbf\xcf\x82")); // both small sigmas
    EXPECT_INT(tokens_of(w, &a, "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d, \xd8\xb9!"), 2);
    EXPECT(same_tokens(w, &a, "\xc3\xa9\xff\xc3\xa9 x", "\xc3\xa9 \xc3\xa9 x")); // not UTF-8
    EXPECT(!same_tokens(w, &a, "caf\xc3\xa9", "cafe"));
    EXPECT_INT(tokens_of(w, &a, "\xef\xb7\xba\xef\xb7\xba"), 8 - 1); // four words each, one joined
    arena_free(&a);
}

static void many_words_keep_their_numbers(const Comm *c)
{
    enum { WORDS = 20000 };
    Arena      a = make_arena("test");
    NearWords *w = near_words(&a, NEAR_UNICODE);
    char       word[32];
    int64_t    n, wrong = 0;

    (void)c;
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < WORDS; i++) {
            snprintf(word, sizeof word, "x%d", i);
            wrong += *near_tokens(w, &a, text_of(word), &n) != (uint32_t)i;
        }
    EXPECT_INT(wrong, 0);
    arena_free(&a);
}

// ---- kernels

static void lcs_of_any_length_equals_the_plain_one(const Comm *c)
{
    static const int64_t LENGTHS[] = {0, 1, 2, 15, 63, 64, 65, 127, 128, 129, 200};
    enum { COUNT = sizeof LENGTHS / sizeof LENGTHS[0] };
    Arena a = make_arena("test");
    Rng   rng = rng_make(1, rng_stream("test", 1, 0, 0), 0);

    (void)c;
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++)
            for (uint64_t vocabulary = 2; vocabulary < 400; vocabulary *= 5) {
                uint32_t *x = random_tokens(&a, &rng, LENGTHS[i], vocabulary);
                uint32_t *y = random_tokens(&a, &rng, LENGTHS[j], vocabulary);

                EXPECT_INT(near_lcs(&a, x, LENGTHS[i], y, LENGTHS[j]),
                           plain_lcs(x, LENGTHS[i], y, LENGTHS[j]));
            }
    arena_free(&a);
}

static void compare_block(Arena *a, NearBlock *b, const NearItem *item, int64_t count,
                          const NearItem *candidate)
{
    NearSweep *sweep = arena_new(a, NearSweep, candidate->count);
    void      *v = arena_push(a, NEAR_LANES_BYTES, 1);
    int64_t    sweeps = near_block_sweeps(b, candidate->token, candidate->count, sweep);
    int64_t    wrong = 0, total = 0, sum, largest;

    b->kernel->sweep(v, b->lanes, sweep, sweeps, 0, b->lanes);
    for (int r = 0; r < b->runs; r++) {
        int64_t want_sum = 0, want_largest = 0;

        b->kernel->count(v, b->run[r].first, b->run[r].end, &sum, &largest);
        for (int64_t i = b->run[r].first; i < b->run[r].first + b->run[r].texts; i++) {
            const NearItem *text = &item[b->index[i]];
            int64_t want = plain_lcs(candidate->token, candidate->count, text->token, text->count);
            int64_t got = near_lane(b->kernel, v, i);

            wrong += got != want || text->count != b->run[r].length;
            want_sum += want;
            want_largest = want > want_largest ? want : want_largest;
            total++;
        }
        EXPECT_INT(sum, want_sum);
        EXPECT_INT(largest, want_largest);
    }
    EXPECT_INT(wrong, 0);
    EXPECT_INT(total, count);
}

// Texts of all lengths of a width, frequent and rare words, candidates from nothing to long.
static void lanes_of_every_level_equal_the_plain_one(const Comm *c)
{
    enum { TEXTS = 300 };
    static const int64_t LENGTHS[] = {0, 1, 16, 63, 64, 65, 128, 200};
    int                  levels = 0;

    (void)c;
    for (int width = 0; width < NEAR_WIDTHS; width++) {
        Arena    a = make_arena("test");
        Rng      rng = rng_make(1, rng_stream("test", 2, (uint64_t)width, 0), 0);
        int64_t  longest = 16 << width, shortest = width == 0 ? 1 : longest / 2 + 1;
        NearItem item[TEXTS];

        for (int64_t i = 0; i < TEXTS; i++) {
            int64_t count = i < 20 ? longest : shortest + i % (longest - shortest + 1);

            item[i] = (NearItem){random_tokens(&a, &rng, count, i % 3 == 0 ? 4 : 300), count, i};
            EXPECT_INT(near_block_width(count), width);
        }
        for (int level = 0; level < NEAR_LEVELS; level++) {
            NearBlock *b = near_block_make(&a, &a, item, TEXTS, width);

            b->kernel = near_lanes_of_level(width, level);
            levels += b->kernel != NULL;
            for (size_t k = 0; k < sizeof LENGTHS / sizeof LENGTHS[0] && b->kernel != NULL; k++) {
                NearItem candidate = {random_tokens(&a, &rng, LENGTHS[k], k % 2 ? 4 : 300),
                                      LENGTHS[k], 0};
                compare_block(&a, b, item, TEXTS, &candidate);
            }
        }
        arena_free(&a);
    }
    EXPECT(levels >= NEAR_WIDTHS);
}

// ---- contamination

static void grams_hit_where_n_words_in_a_row_are_shared(const Comm *c)
{
    Arena      a = make_arena("test"), scratch = make_arena("scratch");
    NearGrams *g = near_grams(&a, 4, NEAR_UNICODE);

    (void)c;
    EXPECT(!near_grams_hit(g, &scratch, text_of("anything at all is new")));
    near_grams_add(g, text_of("The quick brown fox jumps over the dog."));
    near_grams_add(g, text_of("two words"));
    near_grams_add(g, text_of("!"));
    EXPECT(near_grams_hit(g, &scratch, text_of("see: QUICK brown fox, jumps far")));
    EXPECT(near_grams_hit(g, &scratch, text_of("fox jumps over the")));
    EXPECT(!near_grams_hit(g, &scratch, text_of("quick brown fox runs over the dog")));
    EXPECT(!near_grams_hit(g, &scratch, text_of("brown fox jumps")));
    EXPECT(near_grams_hit(g, &scratch, text_of("Two words!"))); // a whole short text, as a whole
    EXPECT(!near_grams_hit(g, &scratch, text_of("two words more")));
    EXPECT(!near_grams_hit(g, &scratch, text_of("")));
    EXPECT_INT(scratch.used, 0);
    for (int i = 0; i < 3000; i++)
        near_grams_add(g, text_of(arena_format(&scratch, "n%d n%d n%d n%d", i, i + 1, i + 2, i)));
    EXPECT(near_grams_hit(g, &scratch, text_of("n7 n8 n9 n7")));
    EXPECT(!near_grams_hit(g, &scratch, text_of("n7 n8 n9 n8")));
    arena_free(&scratch);
    arena_free(&a);
}

TEST_MAIN(CASE(google_words_are_runs_of_ascii_letters_and_digits),
          CASE(unicode_words_are_runs_of_any_script_folded), CASE(many_words_keep_their_numbers),
          CASE(lcs_of_any_length_equals_the_plain_one),
          CASE(lanes_of_every_level_equal_the_plain_one),
          CASE(grams_hit_where_n_words_in_a_row_are_shared))
