// config.json of a model: what was read and is written again reads as the same.
#include "io/json.h"
#include "model/params.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static Err read_dims(FuzzRoom *room, const char *text, int64_t length, Dims *out)
{
    const Json *root;

    TRY(json_parse(&room->run, "config.json", text, length, JSON_NO_COMMENTS, &root));
    return dims_read(root, out);
}

static Err use_config(FuzzRoom *room, const uint8_t *data, size_t size)
{
    Text t = text_make(&room->scratch), twice = text_make(&room->scratch);
    Dims d, again;

    TRY(read_dims(room, (const char *)data, (int64_t)size, &d));
    FUZZ_HOLDS(params_plan(&d).padded >= params_count(&d) && params_count(&d) > 0);
    dims_write(&t, &d);
    FUZZ_HOLDS(read_dims(room, t.data, t.length, &again) == OK);
    dims_write(&twice, &again);
    FUZZ_HOLDS(strcmp(t.data, twice.data) == 0 && params_count(&again) == params_count(&d));
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_end(use_config(fuzz_begin(), data, size));
}
