#include "io/file.h"
#include "model/text/bpe_train.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// As the vocabulary spells it: special tokens as they are, bytes by their characters.
static Text spelled(Arena *scratch, const BpeTrained *t, int64_t id)
{
    Text out = text_make(scratch);

    if (id < t->specials)
        text_add(&out, t->piece[id].data, t->piece[id].length);
    else
        for (int64_t i = 0; i < t->piece[id].length; i++)
            unitext_put(&out, unicode_of_byte((unsigned char)t->piece[id].data[i]));
    return out;
}

static void write_vocab(Arena *scratch, const BpeTrained *t, Text *out)
{
    text_puts(out, "{");
    for (int64_t id = 0; id < t->size; id++) {
        ArenaMark mark = arena_mark(scratch);
        Text      piece = spelled(scratch, t, id);

        text_puts(out, id > 0 ? ", " : "");
        text_json(out, piece.data, piece.length);
        text_printf(out, ": %" PRId64, id);
        arena_back(scratch, mark);
    }
    text_puts(out, "}");
}

static void write_merges(Arena *scratch, const BpeTrained *t, Text *out)
{
    for (int64_t id = t->specials + 256; id < t->size; id++) {
        ArenaMark mark = arena_mark(scratch);
        Text      left = spelled(scratch, t, t->left[id]);
        Text      right = spelled(scratch, t, t->right[id]);

        text_printf(out, "%s %s\n", left.data, right.data);
        arena_back(scratch, mark);
    }
}

static void write_merge_list(Arena *scratch, const BpeTrained *t, Text *out)
{
    text_puts(out, "[");
    for (int64_t id = t->specials + 256; id < t->size; id++) {
        ArenaMark mark = arena_mark(scratch);
        Text      left = spelled(scratch, t, t->left[id]);
        Text      right = spelled(scratch, t, t->right[id]);

        text_puts(out, id > t->specials + 256 ? ", [" : "[");
        text_json(out, left.data, left.length);
        text_puts(out, ", ");
        text_json(out, right.data, right.length);
        text_puts(out, "]");
        arena_back(scratch, mark);
    }
    text_puts(out, "]");
}

static void write_added(const BpeTrained *t, Text *out)
{
    text_puts(out, "[");
    for (int i = 0; i < t->specials; i++) {
        text_printf(out, "%s{\"id\": %d, \"content\": ", i > 0 ? ", " : "", i);
        text_json(out, t->piece[i].data, t->piece[i].length);
        text_puts(out, ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
                       "\"normalized\": false, \"special\": true}");
    }
    text_puts(out, "]");
}

static void write_tokenizer(Arena *scratch, const BpeTrained *t, Text *out)
{
    static const char step[] = "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, "
                               "\"trim_offsets\": true, \"use_regex\": true}";

    text_puts(out, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null,\n"
                   "\"added_tokens\": ");
    write_added(t, out);
    text_printf(out,
                ",\n\"normalizer\": null,\n\"pre_tokenizer\": %s,\n\"post_processor\": %s,\n"
                "\"decoder\": %s,\n",
                step, step, step);
    text_puts(out, "\"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, "
                   "\"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, "
                   "\"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": false,\n"
                   "\"vocab\": ");
    write_vocab(scratch, t, out);
    text_puts(out, ",\n\"merges\": ");
    write_merge_list(scratch, t, out);
    text_puts(out, "}}\n");
}

static void write_config(const BpeTrained *t, Text *out)
{
    text_puts(out, "{\"tokenizer_class\": \"GPT2Tokenizer\", \"add_prefix_space\": false, "
                   "\"add_bos_token\": false");
    for (int i = 0; i < 2 && t->specials > 0; i++) {
        text_puts(out, i == 0 ? ", \"bos_token\": " : ", \"eos_token\": ");
        text_json(out, t->piece[0].data, t->piece[0].length);
    }
    text_puts(out, "}\n");
}

static Err publish(const char *folder, const char *name, const Text *t)
{
    char path[FILE_PATH_MAX], tag[16];

    TRY(file_join(path, folder, name));
    snprintf(tag, sizeof tag, "%d", (int)getpid());
    return file_publish(path, tag, t->data, t->length);
}

// The arena of `text` is not that of what is spelled out meanwhile.
static Err write_all(Arena *text, Arena *scratch, const BpeTrained *t, const char *folder)
{
    Text vocab = text_make(text), merges, all, config;

    write_vocab(scratch, t, &vocab);
    text_puts(&vocab, "\n");
    TRY(publish(folder, "vocab.json", &vocab));
    merges = text_make(text);
    text_puts(&merges, "#version: 0.2\n");
    write_merges(scratch, t, &merges);
    TRY(publish(folder, "merges.txt", &merges));
    config = text_make(text);
    write_config(t, &config);
    TRY(publish(folder, "tokenizer_config.json", &config));
    all = text_make(text);
    write_tokenizer(scratch, t, &all);
    return publish(folder, "tokenizer.json", &all); // the last: it is looked for first
}

Err bpe_train_write(Arena *scratch, const BpeTrained *t, const char *folder)
{
    Arena text;
    Err   e;

    TRY(file_make_folder(folder));
    TRY(arena_make(&text, "tokenizer files", (int64_t)1 << 35));
    e = write_all(&text, scratch, t, folder);
    arena_free(&text);
    return e;
}
