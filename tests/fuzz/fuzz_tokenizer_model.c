// tokenizer.model: a SentencePiece model (or tiktoken's ranks, which go by that name too); made,
// and texts encoded and decoded with it; and its pieces as other formats have them.
#include "model/text/foreign_vocab.h"
#include "model/text/spm.h"
#include "tests/fuzz/fuzz.h"

static Err use_pieces(FuzzRoom *room, const uint8_t *data, size_t size)
{
    Text      t = text_make(&room->scratch), again = text_make(&room->scratch);
    SpmPieces pieces;

    TRY(spm_read(&room->run, "input", (Bytes){(const char *)data, (int64_t)size}, &pieces));
    foreign_vocab_spm(&room->scratch, &t, &pieces, "\"post_processor\": null, ");
    spm_write(&again, &pieces);
    return spm_read(&room->run, "written", (Bytes){again.data, again.length}, &pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzRoom *room = fuzz_begin();

    fuzz_worked(use_pieces(room, data, size));
    room = fuzz_begin();
    return fuzz_end(fuzz_use_tokenizer(room, fuzz_file("tokenizer.model", data, size)));
}
