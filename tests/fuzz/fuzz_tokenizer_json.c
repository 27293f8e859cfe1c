// tokenizer.json: made, and texts encoded and decoded with it.
#include "tests/fuzz/fuzz.h"

static Err use_tokenizer(FuzzRoom *room, const char *path)
{
    Vocab *vocab;

    TRY(vocab_open(&room->run, path, &vocab));
    return fuzz_use_vocab(room, vocab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzRoom *room = fuzz_begin();

    return fuzz_end(use_tokenizer(room, fuzz_file("tokenizer.json", data, size)));
}
