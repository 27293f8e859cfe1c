// tokenizer.json: made, and texts encoded and decoded with it.
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzRoom *room = fuzz_begin();

    return fuzz_end(fuzz_use_tokenizer(room, fuzz_file("tokenizer.json", data, size)));
}
