// llama2.c: the first byte says whether a weight file follows (0) or a vocabulary of that many
// pieces, to stand beside a weight file of its own.
#include "io/formats/llama2c.h"
#include "model/files/foreign.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static Err use_weights(FuzzRoom *room, const char *path)
{
    ImportModel model = {0};

    TRY(foreign_find(&room->run, path, &model));
    FUZZ_HOLDS(llama2c_is(path));
    return fuzz_use_foreign(room, path, &model);
}

// The smallest weights of so many tokens: width 2, one layer, one head.
static const char *write_weights(int32_t vocabulary)
{
    static char file[1 << 12];
    int32_t     sizes[] = {2, 2, 1, 1, 1, vocabulary, 1};
    int64_t     values = 2 * vocabulary + 2 + 16 + 2 + 12 + 2 + 2;

    memset(file, 0, sizeof file);
    memcpy(file, sizes, sizeof sizes);
    return fuzz_file("input.bin", file, sizeof sizes + (size_t)values * 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzRoom   *room = fuzz_begin();
    const char *path;

    fuzz_remove("tokenizer.bin");
    if (size > 0 && data[0] > 0) {
        fuzz_file("tokenizer.bin", data + 1, size - 1);
        path = write_weights(data[0]);
    } else {
        path = fuzz_file("input.bin", data + (size > 0), size - (size > 0));
    }
    return fuzz_end(use_weights(room, path));
}
