#include "model/files/foreign.h"

#include "base/text.h"
#include "io/formats/llama2c.h"
#include "model/files/foreign_private.h"
#include "model/files/gguf_names.h"
#include "model/text/foreign_vocab.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int is_gguf(const char *path)
{
    char  magic[4] = "";
    FILE *f = fopen(path, "rb");

    if (f != NULL) {
        size_t got = fread(magic, 1, sizeof magic, f);

        fclose(f);
        if (got == sizeof magic && memcmp(magic, "GGUF", 4) == 0)
            return 1;
    }
    return text_ends_with(path, ".gguf");
}

int foreign_is(const char *path)
{
    return is_gguf(path) || text_ends_with(path, ".bin") || text_ends_with(path, ".pt") ||
           text_ends_with(path, ".pth") || text_ends_with(path, ".ckpt");
}

Err foreign_finite(const char *path, const char *name, const float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            FAIL(ERR_DATA, "%s: element %" PRId64 " of tensor %s is %g; expected finite numbers",
                 path, i, name, (double)x[i]);
    return OK;
}

Err foreign_config(Arena *run, const char *path, const Text *config, Dims *out)
{
    const char *where = arena_format(run, "%s (its sizes, written as a config.json)", path);
    const Json *root;

    TRY(json_parse(run, where, config->data, config->length, JSON_NO_COMMENTS, &root));
    return dims_read(root, out);
}

// ---- llama2.c

// What its files do not say: all models of llama2.c have it so.
static Err find_in_llama2c(Arena *run, const Llama2c *f, ImportModel *out)
{
    Text t = text_make(run);

    text_printf(&t,
                "{\"model_type\": \"llama\",\n\"vocab_size\": %" PRId64
                ",\n\"hidden_size\": %" PRId64 ",\n\"intermediate_size\": %" PRId64
                ",\n\"num_hidden_layers\": %" PRId64 ",\n\"num_attention_heads\": %" PRId64
                ",\n\"num_key_value_heads\": %" PRId64 ",\n\"max_position_embeddings\": %" PRId64
                ",\n\"rms_norm_eps\": 1e-5,\n\"rope_theta\": 10000.0,\n\"tie_word_embeddings\": "
                "%s}\n",
                f->vocabulary, f->width, f->inner, f->layers, f->heads, f->kv_heads, f->context,
                f->is_shared ? "true" : "false");
    TRY(foreign_config(run, f->path, &t, &out->dims));
    return foreign_vocab_llama2c(run, f->path, f->vocabulary, &out->tokenizer);
}

static Llama2cPart part_of(const Param *one)
{
    static const struct {
        const char *end;
        Llama2cPart part;
    } PARTS[] = {{"embed_tokens.weight", LLAMA2C_EMBED},
                 {"input_layernorm.weight", LLAMA2C_NORM1},
                 {"post_attention_layernorm.weight", LLAMA2C_NORM2},
                 {"q_proj.weight", LLAMA2C_Q},
                 {"k_proj.weight", LLAMA2C_K},
                 {"v_proj.weight", LLAMA2C_V},
                 {"o_proj.weight", LLAMA2C_OUT},
                 {"gate_proj.weight", LLAMA2C_GATE},
                 {"down_proj.weight", LLAMA2C_DOWN},
                 {"up_proj.weight", LLAMA2C_UP},
                 {"model.norm.weight", LLAMA2C_NORMF},
                 {"lm_head.weight", LLAMA2C_HEAD}};

    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++)
        if (text_ends_with(one->name, PARTS[i].end))
            return PARTS[i].part;
    return LLAMA2C_PARTS;
}

static Err load_llama2c(Arena *scratch, const Llama2c *f, const Params *p, float *flat)
{
    for (int n = 0; n < p->count; n++) {
        const Param *one = &p->list[n];
        Llama2cPart  part = part_of(one);
        int64_t      layer = one->layer < 0 ? 0 : one->layer, count = one->rows * one->columns;
        float       *to = flat + one->offset;
        ArenaMark    mark = arena_mark(scratch);

        CHECK(part != LLAMA2C_PARTS && llama2c_elements(f, part) == count, "%s", one->name);
        if (part == LLAMA2C_Q || part == LLAMA2C_K) {
            float *plain = arena_new(scratch, float, count);

            llama2c_read(f, part, layer, plain);
            gguf_unpermute(plain, to, one->rows / p->dims.K, p->dims.K, one->columns);
        } else {
            llama2c_read(f, part, layer, to);
        }
        arena_back(scratch, mark);
        TRY(foreign_finite(f->path, one->name, to, count));
    }
    return OK;
}

// ---- either

Err foreign_find(Arena *run, const char *path, ImportModel *out)
{
    Llama2c f;
    Err     e;

    snprintf(out->chosen, sizeof out->chosen, "%s", path);
    if (is_gguf(path))
        return foreign_gguf_find(run, path, out);
    e = llama2c_open(run, path, &f);
    if (e == OK)
        e = find_in_llama2c(run, &f, out);
    llama2c_close(&f);
    return e;
}

Err foreign_load(Arena *scratch, const char *path, const Params *p, float *flat)
{
    ArenaMark mark = arena_mark(scratch);
    Llama2c   f;
    Err       e;

    if (is_gguf(path)) {
        e = foreign_gguf_load(scratch, path, p, flat);
    } else {
        e = llama2c_open(scratch, path, &f);
        if (e == OK)
            e = load_llama2c(scratch, &f, p, flat);
        llama2c_close(&f);
    }
    arena_back(scratch, mark);
    return e;
}
