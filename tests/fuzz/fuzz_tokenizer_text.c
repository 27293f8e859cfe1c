// vocab.json with merges.txt: the files stand behind each other, a byte 0 between them; then
// tokenizer_config.json, which may be absent.
#include "tests/fuzz/fuzz.h"

#include <string.h>

static Err use_tokenizer(FuzzRoom *room)
{
    Vocab *vocab;

    TRY(vocab_open(&room->run, fuzz_folder(), &vocab));
    return fuzz_use_vocab(room, vocab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"vocab.json", "merges.txt", "tokenizer_config.json"};
    FuzzRoom                *room = fuzz_begin();
    size_t                   at = 0;

    for (int i = 0; i < 3; i++) {
        const uint8_t *end = at < size ? memchr(data + at, 0, size - at) : NULL;
        size_t         length = end == NULL ? size - at : (size_t)(end - data) - at;

        if (i == 2 && length == 0)
            fuzz_remove(names[i]);
        else
            fuzz_file(names[i], data + at, length);
        at = at + length + 1 < size ? at + length + 1 : size;
    }
    return fuzz_end(use_tokenizer(room));
}
