#include "io/formats/magic.h"

#include <stdio.h>
#include <string.h>

#define NO_CODE                                                                             \
    "it may hold code and is not read.  Save the model as safetensors (save_pretrained of " \
    "transformers does)"

static const struct {
    const char *begin;
    int         length;
    const char *what, *advice;
} KINDS[] = {
    {"version https://git-lfs", 23, "a pointer of git-lfs; the download is incomplete",
     "fetch the file itself with git lfs pull, or download it again"},
    {"\x89HDF\r\n\x1a\n", 8, "an HDF5 file",
     "weights of ours are given as a file that ends in .h5"},
    {"PK\3\4", 4, "a zip file, as PyTorch writes its checkpoints", NO_CODE},
    {"\x80\2", 2, "a pickle, as PyTorch writes its checkpoints", NO_CODE},
    {"\x80\3", 2, "a pickle, as PyTorch writes its checkpoints", NO_CODE},
    {"\x80\4", 2, "a pickle, as PyTorch writes its checkpoints", NO_CODE},
    {"\x80\5", 2, "a pickle, as PyTorch writes its checkpoints", NO_CODE},
    {"GGUF", 4, "a GGUF file", "give it a name that ends in .gguf, and its path as the model"},
    {"GGML", 4, "a file of the old format GGML", "convert it to GGUF with llama.cpp"},
    {"lmgg", 4, "a file of the old format GGML", "convert it to GGUF with llama.cpp"},
    {"tjgg", 4, "a file of the old format GGJT", "convert it to GGUF with llama.cpp"},
    {"\x1f\x8b", 2, "a compressed file", "unpack it with gzip -d"},
    {"<!DOCTYPE", 9, "a web page", "the download failed: the page may say why; download it again"},
    {"<!doctype", 9, "a web page", "the download failed: the page may say why; download it again"},
    {"<html", 5, "a web page", "the download failed: the page may say why; download it again"},
};

Err magic_refuse(const char *path, const void *first, int64_t bytes, const char *expected)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++)
        if (bytes >= KINDS[i].length && memcmp(first, KINDS[i].begin, (size_t)KINDS[i].length) == 0)
            FAIL(ERR_DATA, "%s: is %s; expected %s: %s", path, KINDS[i].what, expected,
                 KINDS[i].advice);
    return OK;
}

Err magic_refuse_file(const char *path, const char *expected)
{
    char   first[MAGIC_BYTES];
    FILE  *f = fopen(path, "rb");
    size_t got;

    if (f == NULL)
        return OK;
    got = fread(first, 1, sizeof first, f);
    fclose(f);
    return magic_refuse(path, first, (int64_t)got, expected);
}
