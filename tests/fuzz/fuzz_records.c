// Files of records.  The first byte says the format: a letter its place in RECORDS_FORMATS (A and
// a: auto), capitals for a file named .json, small ones for .jsonl; 1 and 2: JSONL and JSON with
// named fields.
#include "datagen/sources/records_read.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static const char SPEC[] =
    "{\"jsonl\": [\"input.jsonl\"], \"json\": [\"input.json\"], \"fields\": {\"q\": \"question\", "
    "\"a\": \"answers.0.text?\", \"n\": \"n?\"}}";

static Err choose(FuzzRoom *room, char kind, RecordsSpec *spec)
{
    int         is_named = kind == '1' || kind == '2', is_json = kind == '2';
    const Json *json;

    if (kind >= 'A' && kind <= 'A' + RECORDS_PARAGRAPHS) {
        spec->format = (RecordsFormat)(kind - 'A');
        is_json = 1;
    } else if (kind >= 'a' && kind <= 'a' + RECORDS_PARAGRAPHS) {
        spec->format = (RecordsFormat)(kind - 'a');
    } else if (is_named) {
        spec->format = is_json ? RECORDS_JSON : RECORDS_JSONL;
    }
    if (spec->format == RECORDS_SET || (spec->format == RECORDS_AUTO && kind != 'a' && kind != 'A'))
        FAIL(ERR_DATA, "the first byte says no format of a text");
    TRY(json_parse(&room->run, "spec", SPEC, (int64_t)strlen(SPEC), JSON_NO_COMMENTS, &json));
    spec->files = json_member(json, is_json ? "json" : "jsonl");
    spec->paths = is_named ? json_member(json, "fields") : NULL;
    spec->id = is_named ? "id" : "";
    return OK;
}

static Err read_records(FuzzRoom *room, char kind, const uint8_t *data, size_t size)
{
    Text         report = text_make(&room->run);
    RecordsTable table = {0};
    RecordsSpec  spec = {.folder = fuzz_folder(), .report = &report, .report_end = "", .piece = 40};

    TRY(choose(room, kind, &spec));
    fuzz_file(strstr(spec.files->child->text, "jsonl") != NULL ? "input.jsonl" : "input.json", data,
              size);
    TRY(records_fields(&room->run, &spec));
    FUZZ_HOLDS(spec.fields > 0 && spec.fields <= RECORD_FIELDS_MAX);
    TRY(records_read(&room->run, &spec, &table));
    for (int64_t i = 0; i < table.count * spec.fields; i++)
        FUZZ_HOLDS(table.text[i].text[table.text[i].length] == 0);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzRoom *room = fuzz_begin();
    char      kind = size > 0 ? (char)data[0] : 0;

    return fuzz_end(read_records(room, kind, data + (size > 0), size - (size > 0)));
}
