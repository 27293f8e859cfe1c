// Safetensors: a file, or where the input begins with '{' the index of a folder with one shard.
#include "io/file.h"
#include "io/formats/safetensors.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

// A shard of two tensors; its head is filled up to 16 * 8 bytes.
static const char HEAD[] = "\x80\0\0\0\0\0\0\0"
                           "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                           "\"b\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[8,12]}}";

static void write_shard(void)
{
    char shard[8 + 128 + 12];

    memset(shard, ' ', sizeof shard);
    memcpy(shard, HEAD, sizeof HEAD - 1);
    fuzz_file("part.safetensors", shard, sizeof shard);
}

enum { VALUES_MAX = 1 << 20 };

static int64_t elements(const SafeTensor *t)
{
    return t->kind == SAFE_F32 ? t->bytes / 4 : t->bytes / 2;
}

// Ranges were checked when the file was opened: values that are of a known type can be read.
static Err read_all(FuzzRoom *room, const SafeFolder *f)
{
    for (int64_t i = 0; i < f->count; i++) {
        const SafeTensor *t = &f->tensor[i];
        ArenaMark         mark = arena_mark(&room->scratch);

        FUZZ_HOLDS(safetensors_find(f, t->name) != NULL && t->rank <= 8);
        if (t->kind == SAFE_OTHER || elements(t) > VALUES_MAX)
            continue;
        TRY(safetensors_read(f, t, arena_new(&room->scratch, float, elements(t) + 1)));
        arena_back(&room->scratch, mark);
    }
    return OK;
}

static Err read_input(FuzzRoom *room, const uint8_t *data, size_t size)
{
    SafeFolder folder;

    if (size > 0 && data[0] == '{') {
        write_shard();
        fuzz_file("model.safetensors.index.json", data, size);
        TRY(safetensors_open(&room->run, fuzz_folder(), &folder));
    } else {
        TRY(safetensors_open_file(&room->run, fuzz_file("input", data, size), &folder));
    }
    return read_all(room, &folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_end(read_input(fuzz_begin(), data, size));
}
