#include "cli/bench_dedup.h"

#include "base/clock.h"
#include "base/rng.h"
#include "cli/commands.h"
#include "datagen/near/near.h"
#include "io/file.h"
#include "mpi/coll.h"

#include <inttypes.h>
#include <math.h>
#include <sys/resource.h>

// Lengths and words as in the 427 seed and user instructions of Self-Instruct: 13 words in the
// middle, 16 on average, nine in a hundred of them the most frequent; F of two of them is 0.10 on
// average.
enum { VOCABULARY = 20000, SHORTEST = 3, LONGEST = 150, PLANTED_EACH = 50 };
static const double LENGTH_MIDDLE = 13, LENGTH_SPREAD = 0.6, WORD_FLATNESS = 1.7,
                    WORD_STEEPNESS = 0.15;

typedef struct Texts {
    NearText *text;
    int64_t   count;
} Texts;

static int64_t random_length(Rng *rng)
{
    double length = LENGTH_MIDDLE * exp(LENGTH_SPREAD * rng_normal(rng));

    return length < SHORTEST ? SHORTEST : length > LONGEST ? LONGEST : (int64_t)length;
}

// Word r comes with a frequency of (r + flatness) ^ -(1 + steepness), nearly (Zipf, Mandelbrot).
static int64_t random_word(Rng *rng)
{
    double most = 1 - pow(1 + VOCABULARY / WORD_FLATNESS, -WORD_STEEPNESS);
    double u = 1 - rng_unit(rng) * most;

    return (int64_t)(WORD_FLATNESS * (pow(u, -1 / WORD_STEEPNESS) - 1));
}

// A spelling of its own for every word: frequent ones are short.
static void put_word(Text *t, int64_t word)
{
    static const char *const syllables[] = {"ta", "re", "in", "so", "mu",  "le", "ko", "pe",
                                            "di", "an", "fo", "ri", "che", "lo", "wa", "ste"};

    for (word++; word > 0; word /= 16)
        text_puts(t, syllables[word % 16]);
}

static void put_text(Text *t, Rng *rng, const int64_t *word, int64_t words, int64_t changed)
{
    for (int64_t i = 0; i < words; i++) {
        if (i > 0)
            text_puts(t, " ");
        put_word(t, i == changed ? random_word(rng) : word[i]);
    }
    text_puts(t, ".");
}

// One in fifty is its predecessor with one word changed.
static Texts make_texts(Arena *arena, int64_t rows)
{
    Texts   all = {.count = rows + rows / PLANTED_EACH};
    int64_t word[LONGEST], words = 0;

    all.text = arena_new(arena, NearText, all.count);
    for (int64_t i = 0, row = 0; i < all.count; i++) {
        Rng     rng = rng_make(1, rng_stream("bench", 2, (uint64_t)i, 0), 0);
        Text    t = text_make(arena);
        int64_t changed = -1;

        if (i % (PLANTED_EACH + 1) == PLANTED_EACH || row == rows) {
            changed = (int64_t)rng_below(&rng, (uint64_t)words);
        } else {
            words = random_length(&rng);
            for (int64_t k = 0; k < words; k++)
                word[k] = random_word(&rng);
            row++;
        }
        put_text(&t, &rng, word, words, changed);
        all.text[i] = (NearText){t.data, t.length};
    }
    return all;
}

static Err write_texts(Arena *arena, const char *path, const Texts *all)
{
    Text t = text_make(arena);

    for (int64_t i = 0; i < all->count; i++) {
        text_add(&t, all->text[i].text, all->text[i].length);
        text_puts(&t, "\n");
    }
    return file_publish(path, "bench", t.data, t.length);
}

typedef struct Outcome {
    double  seconds, cpu_seconds; // of the slowest rank, and of the one that worked most
    double  max, mean;            // averages of verdicts
    int64_t pairs, accepted, index_bytes, peak_bytes;
} Outcome;

static int64_t peak_bytes(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (int64_t)use.ru_maxrss * 1024;
}

static double cpu_seconds(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static Err measure_all(const Comm *c, Arena *arena, const DedupBench *b, const Texts *all,
                       Outcome *out)
{
    NearSpec     spec = {NEAR_ROUGE, 7, 10, NEAR_RATIONAL, NEAR_GOOGLE, b->wants_mean};
    NearVerdict *verdict = arena_new(arena, NearVerdict, all->count);
    Arena        run, scratch;
    Near        *near;
    double       began, worked;

    TRY_ALL(c, arena_make(&run, "index", (int64_t)1 << 36));
    TRY_ALL(c, arena_make(&scratch, "scratch", (int64_t)1 << 32));
    near = near_make(&run, &spec);
    coll_barrier_all(c);
    began = clock_now();
    worked = cpu_seconds();
    TRY(near_judge_all(c, near, &scratch, all->text, all->count, verdict));
    out->seconds = coll_max_f64_all(c, clock_now() - began);
    out->cpu_seconds = coll_max_f64_all(c, cpu_seconds() - worked);
    for (int64_t i = 0; i < all->count; i++) {
        out->pairs += out->accepted;
        out->accepted += !verdict[i].is_rejected;
        out->max += verdict[i].max / (double)all->count;
        out->mean += verdict[i].mean / (double)all->count;
    }
    out->index_bytes = run.used;
    out->peak_bytes = coll_max_i64_all(c, peak_bytes());
    arena_free(&scratch);
    arena_free(&run);
    return OK;
}

static Err print_outcome(const Comm *c, Arena *arena, const DedupBench *b, const Texts *all,
                         const Outcome *o)
{
    Text   t = text_make(arena);
    double rate = (double)o->pairs / o->seconds;

    if (b->is_json)
        text_printf(
            &t,
            "{\"bench\": \"dedup\", \"ranks\": %d, \"texts\": %" PRId64
            ", \"with_mean\": %s, \"seconds\": %.4f, \"cpu_seconds\": %.4f, \"pairs\": %" PRId64
            ", \"pairs_per_second\": %.4g, \"accepted\": %" PRId64
            ", \"max_similarity\": %.6f, \"mean_similarity\": %.6f, \"index_bytes\": "
            "%" PRId64 ", \"peak_bytes\": %" PRId64 "}\n",
            c->size, all->count, b->wants_mean ? "true" : "false", o->seconds, o->cpu_seconds,
            o->pairs, rate, o->accepted, o->max, o->mean, o->index_bytes, o->peak_bytes);
    else
        text_printf(
            &t,
            "%" PRId64
            " texts on %d ranks: %.3f s (%.3f s of work), %.3g pairs, %.3g pairs/s; %" PRId64
            " accepted\nmost similar earlier text: F %.3f on average; index %.1f MB, peak "
            "of a process %.1f MB\n",
            all->count, c->size, o->seconds, o->cpu_seconds, (double)o->pairs, rate, o->accepted,
            o->max, (double)o->index_bytes / 1e6, (double)o->peak_bytes / 1e6);
    return c->rank == 0 ? commands_print(&t) : OK;
}

static Err bench_texts_all(const Comm *c, Arena *arena, const DedupBench *b)
{
    Texts   all = make_texts(arena, b->rows);
    Outcome outcome = {0};

    if (b->texts != NULL)
        TRY_ALL(c, c->rank == 0 ? write_texts(arena, b->texts, &all) : OK);
    TRY(measure_all(c, arena, b, &all, &outcome));
    TRY_ALL(c, print_outcome(c, arena, b, &all, &outcome));
    return OK;
}

Err bench_dedup_all(const Comm *c, const DedupBench *b)
{
    Arena texts;
    Err   e;

    TRY_ALL(c, arena_make(&texts, "texts", (int64_t)1 << 36));
    e = bench_texts_all(c, &texts, b);
    arena_free(&texts);
    return e;
}
