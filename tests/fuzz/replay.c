// replay MUTATIONS FOLDER: the inputs of a corpus, and changed copies of each, without libFuzzer.
//
// Files named valid-* must be read and files named broken-* be refused.  Changes are drawn from the
// number of the file and of the copy alone, so that every run does the same.  An input that ends
// the program, or takes longer than INPUT_S seconds, is kept as ./failed-input.
#include "base/rng.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 512, INPUT_MAX = 1 << 17, CHANGES_MAX = 6, INPUT_S = 10 };

typedef struct Input {
    char     name[256];
    uint8_t *data;
    size_t   size;
} Input;

static Input   files[FILES_MAX];
static int     count;
static uint8_t buffer[INPUT_MAX]; // the input that runs
static size_t  used;

// ---- when an input ends the program

static void keep_input(int signal_number)
{
    static const char words[] =
        "replay: this input ends the program; it is kept in ./failed-input\n";
    int     fd = open("failed-input", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t ignored = write(fd, buffer, used);

    ignored = write(STDERR_FILENO, words, sizeof words - 1);
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void watch_signals(void)
{
    static const int ends[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        signal(ends[i], keep_input);
}

static void run_input(void)
{
    alarm(INPUT_S);
    LLVMFuzzerTestOneInput(buffer, used);
    alarm(0);
}

// ---- changes

static void put_at(size_t at, size_t erased, const void *bytes, size_t length)
{
    if (at + erased > used || used - erased + length > INPUT_MAX)
        return;
    memmove(buffer + at + length, buffer + at + erased, used - at - erased);
    memcpy(buffer + at, bytes, length);
    used = used - erased + length;
}

static size_t below(Rng *r, size_t n)
{
    return n == 0 ? 0 : (size_t)rng_below(r, n);
}

// Sizes and counts at which something may overflow.
static void change_number(Rng *r)
{
    static const uint64_t values[] = {
        0,          1,          0x7F,      0xFF,       0x7FFF,   0xFFFF,   0x7FFFFFFF, 0xFFFFFFFF,
        0x80000000, 0x40000000, INT64_MAX, UINT64_MAX, 1u << 20, 1u << 24, 1ull << 32, 1ull << 62};
    size_t   width = (size_t)1 << rng_below(r, 4), at;
    uint64_t value = values[rng_below(r, sizeof values / sizeof values[0])];

    if (used < width)
        return;
    at = below(r, used - width + 1);
    if (rng_below(r, 2))
        at -= at % width;
    memcpy(buffer + at, &value, width); // little-endian, as the files are
}

static void change_word(Rng *r)
{
    static const char *const words[] = {"0",
                                        "-1",
                                        "1e999",
                                        "9223372036854775808",
                                        "4294967296",
                                        "\"",
                                        "{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        ":",
                                        "\\u0000",
                                        "\\",
                                        "\n",
                                        "null",
                                        "true",
                                        "0.5",
                                        "{{",
                                        "}}",
                                        "{%",
                                        "%}",
                                        "\x80",
                                        "\xF0\x9F\x98",
                                        "|",
                                        "(",
                                        ")",
                                        ".*",
                                        "\xEF\xBF\xBD",
                                        " ",
                                        "for",
                                        "\xE2\x96\x81"};
    const char              *word = words[rng_below(r, sizeof words / sizeof words[0])];
    size_t                   at = below(r, used + 1), erased = below(r, 4);

    put_at(at, erased < used - at ? erased : used - at, word, strlen(word));
}

// A stretch of this or another file in place of a stretch.
static void change_stretch(Rng *r)
{
    const Input *from = &files[below(r, (size_t)count)];
    size_t       begin = below(r, from->size), length = below(r, from->size - begin + 1);
    size_t       at = below(r, used + 1), erased = below(r, used - at + 1);

    length = length < 4096 ? length : 4096;
    if (rng_below(r, 2))
        erased = erased < 16 ? erased : 16;
    put_at(at, erased, from->data + begin, length);
}

static void change(Rng *r)
{
    switch (rng_below(r, 8)) {
    case 0:
        if (used > 0)
            buffer[below(r, used)] ^= (uint8_t)(1u << rng_below(r, 8));
        break;
    case 1:
        if (used > 0)
            buffer[below(r, used)] = (uint8_t)rng_below(r, 256);
        break;
    case 2: used = below(r, used + 1); break;
    case 3: change_stretch(r); break;
    case 4:
    case 5: change_number(r); break;
    default: change_word(r);
    }
}

static void run_changed(int file, int64_t copy)
{
    Rng r = rng_make(1, rng_stream("fuzz", (uint64_t)file, (uint64_t)copy, 0), 0);

    memcpy(buffer, files[file].data, files[file].size);
    used = files[file].size;
    for (uint64_t n = 1 + rng_below(&r, 1 + rng_below(&r, CHANGES_MAX)); n > 0; n--)
        change(&r);
    run_input();
}

// ---- the corpus

static int by_name(const void *a, const void *b)
{
    return strcmp(((const Input *)a)->name, ((const Input *)b)->name);
}

static int read_input(const char *folder, const char *name)
{
    Input *in = &files[count];
    char   path[4096];
    FILE  *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(in->name, sizeof in->name, "%s", name);
    f = fopen(path, "rb");
    if (f == NULL)
        return 0;
    in->data = malloc(INPUT_MAX);
    in->size = in->data == NULL ? 0 : fread(in->data, 1, INPUT_MAX, f);
    fclose(f);
    count++;
    return in->data != NULL && in->size < INPUT_MAX;
}

static int read_corpus(const char *folder)
{
    DIR           *dir = opendir(folder);
    struct dirent *entry;
    int            is_good = dir != NULL;

    while (is_good && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            is_good = count < FILES_MAX && read_input(folder, entry->d_name);
    if (dir != NULL)
        closedir(dir);
    qsort(files, (size_t)count, sizeof *files, by_name);
    return is_good && count > 0;
}

// As it is; whether the outcome is the one that its name promises.
static int run_file(int file)
{
    int64_t read = fuzz_tally()->read;
    int     is_valid = strncmp(files[file].name, "valid-", 6) == 0;

    memcpy(buffer, files[file].data, files[file].size);
    used = files[file].size;
    run_input();
    if (!is_valid && strncmp(files[file].name, "broken-", 7) != 0) {
        fprintf(stderr, "replay: %s: expected a name that begins with valid- or broken-\n",
                files[file].name);
        return 0;
    }
    if (is_valid != (fuzz_tally()->read > read))
        fprintf(stderr, "replay: %s was %s\n", files[file].name, is_valid ? "refused" : "read");
    return is_valid == (fuzz_tally()->read > read);
}

int main(int argc, char **argv)
{
    int64_t copies = argc == 3 ? strtoll(argv[1], NULL, 10) : -1;
    int     wrong = 0;

    if (copies < 0) {
        fprintf(stderr, "usage: %s MUTATIONS FOLDER\n", argv[0]);
        return 64;
    }
    if (!read_corpus(argv[2])) {
        fprintf(stderr, "replay: %s: expected a folder of 1 to %d files below %d bytes\n", argv[2],
                FILES_MAX, INPUT_MAX);
        return 1;
    }
    watch_signals();
    for (int i = 0; i < count; i++)
        wrong += !run_file(i);
    for (int i = 0; i < count; i++)
        for (int64_t n = 0; n < copies; n++)
            run_changed(i, n);
    printf("%s: %d files, %d not as named, %" PRId64 " copies with changes; %" PRId64
           " inputs read, %" PRId64 " refused\n",
           argv[2], count, wrong, count * copies, fuzz_tally()->read, fuzz_tally()->refused);
    for (int i = 0; i < count; i++)
        free(files[i].data);
    return wrong > 0;
}
