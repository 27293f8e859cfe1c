#include "io/formats/magic.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

static void what_is_well_known_is_named_with_what_to_do(const Comm *c)
{
    static const struct {
        const char *begin;
        int64_t     bytes;
        const char *says;
    } kind[] = {{"version https://git-lfs.github.com/spec/v1\n", 43, "git lfs pull"},
                {"\x89HDF\r\n\x1a\n", 8, "is an HDF5 file; expected a model"},
                {"PK\3\4....", 8, "save_pretrained"},
                {"\x80\4\x95..", 5, "is a pickle"},
                {"GGUF\3\0\0\0", 8, "is a GGUF file"},
                {"\x1f\x8b\b", 3, "gzip -d"},
                {"<!DOCTYPE html>", 15, "is a web page"}};

    (void)c;
    for (size_t i = 0; i < sizeof kind / sizeof kind[0]; i++)
        EXPECT_ERR(magic_refuse("x/f", kind[i].begin, kind[i].bytes, "a model"), ERR_DATA,
                   kind[i].says);
    EXPECT_OK(magic_refuse("x/f", "PK\3", 3, "a model")); // too short to be told
    EXPECT_OK(magic_refuse("x/f", "", 0, "a model"));
    EXPECT_OK(magic_refuse("x/f", "\x10\0\0\0\0\0\0\0{\"a", 11, "a model"));
    EXPECT_OK(magic_refuse_file("no/such/file", "a model"));
}

static void a_file_is_told_by_its_first_bytes(const Comm *c)
{
    char  path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/f", check_folder(c, "magic"));
    f = fopen(path, "wb");
    EXPECT(f != NULL && fputs("version https://git-lfs.github.com/spec/v1\noid", f) >= 0);
    if (f != NULL)
        fclose(f);
    EXPECT_ERR(magic_refuse_file(path, "a tokenizer"), ERR_DATA,
               "is a pointer of git-lfs; the download is incomplete; expected a tokenizer");
}

TEST_MAIN(CASE(what_is_well_known_is_named_with_what_to_do),
          CASE(a_file_is_told_by_its_first_bytes))
