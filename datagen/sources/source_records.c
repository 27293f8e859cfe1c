// Records from files: JSON lines, JSON lists, plain text, published example sets, data files as
// people have them (formats.h), and folders of these.  Read once, checked, never changed.
#include "base/hash.h"
#include "base/rng.h"
#include "datagen/sources/records_read.h"
#include "datagen/sources/source.h"
#include "io/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Config {
    const char *kind;
    const Json *files, *fields, *held_out;
    int         format;
    const char *id;
    int64_t     max_tokens, piece;
} Config;

typedef struct Records {
    Source       base;
    uint64_t     seed;
    RecordsTable train, held_out;
    int64_t      max_tokens;
    int          fields;
    const char  *field[RECORD_FIELDS_MAX];
} Records;

static const ConfigField config_fields[] = {
    {"kind", CONFIG_TEXT, offsetof(Config, kind), NULL, 0, 0, NULL, NULL, "records"},
    {"files", CONFIG_JSON, offsetof(Config, files), NULL, 0, 0, NULL, NULL,
     "Files or folders, one or a list, relative to the config, on the command line to the working "
     "directory first: .jsonl, .json (a list of objects), .tsv (FLAN's chains of thought), .txt (a "
     "record "
     "per line), .h5 (a published example set: what it kept)."},
    {"format", CONFIG_ENUM, offsetof(Config, format), "auto", 0, 0, RECORDS_FORMATS, NULL,
     "auto: by the end of the name and, without \"fields\", by the first record: alpaca, sharegpt, "
     "messages, ... give the field messages, documents and paragraphs the field text."},
    {"fields", CONFIG_JSON, offsetof(Config, fields), "", 0, 0, NULL, NULL,
     "Our fields and where they stand, {\"input\": \"instances.0.input\"}; a ? behind the path: "
     "empty where it is absent.  Without it: the members of the first record that are texts, "
     "numbers "
     "or yes/no."},
    {"id", CONFIG_TEXT, offsetof(Config, id), "", 0, 0, NULL, NULL,
     "Path of a member that names a record; two with the same are refused."},
    {"held_out", CONFIG_JSON, offsetof(Config, held_out), "", 0, 0, NULL, NULL,
     "Kept apart for evaluation and decontamination: {\"files\": [...]} or {\"share\": 0.1}, the "
     "same for every seed.  What is held out is drawn for nothing else, also where \"files\" hold "
     "it "
     "too."},
    {"max_tokens", CONFIG_INT, offsetof(Config, max_tokens), "0", 0, 1 << 20, NULL, NULL,
     "Bound for steps that take it from a field; 0: none."},
    {"piece", CONFIG_INT, offsetof(Config, piece), "0", 0, 1 << 30, NULL, NULL,
     "Longest text in bytes: longer documents become several records, cut at an empty line, a line "
     "end or a blank; 0: as they are."},
    {0}};

static const Records *own(const Source *s)
{
    return (const Records *)s;
}

static const RecordsTable *table_of(const Records *s, SourceSplit split)
{
    return split == SPLIT_HELD_OUT ? &s->held_out : &s->train;
}

static int64_t count(const Source *source, SourceSplit split)
{
    return split == SPLIT_TRAIN ? -1 : table_of(own(source), split)->count;
}

// Every pass over the records has an order of its own: place j is record (a j + b) mod n, a without
// a divisor in common with n.
static int64_t shuffled(const Records *s, int64_t iteration, int64_t k)
{
    uint64_t n = (uint64_t)s->train.count, pass = (uint64_t)k / n, a, x, y;
    Rng      rng = rng_make(s->seed, rng_stream("records", (uint64_t)iteration, pass, 0), 0);

    do {
        a = x = 1 + rng_below(&rng, n);
        for (y = n; y != 0;) {
            uint64_t rest = x % y;

            x = y;
            y = rest;
        }
    } while (x != 1);
    return (int64_t)((a * ((uint64_t)k % n) + rng_below(&rng, n)) % n);
}

static void draw(const Source *source, SourceSplit split, int64_t iteration, int64_t k, Record *r)
{
    const Records      *s = own(source);
    const RecordsTable *t = table_of(s, split);
    int64_t             i = split == SPLIT_TRAIN ? shuffled(s, iteration, k) : k;

    CHECK(0 <= i && i < t->count, "record %" PRId64 " of %" PRId64, i, t->count);
    for (int f = 0; f < s->fields; f++) {
        const RecordsText *text = &t->text[i * s->fields + f];

        record_set(r, s->field[f], text->text, text->length);
    }
    r->problem = (uint64_t)i;
    r->group = 0;
}

static const char *const *fields(const Source *source, int *n)
{
    *n = own(source)->fields;
    return own(source)->field;
}

static const char *const *verdicts(const Source *source, int *n)
{
    (void)source;
    *n = 0;
    return NULL;
}

static int64_t max_tokens(const Source *source)
{
    return own(source)->max_tokens;
}

// ---- what is held out

static uint64_t sum_of(const Records *s, const RecordsText *text)
{
    uint64_t sum = 0;

    for (int f = 0; f < s->fields; f++)
        sum = hash_bytes(sum, text[f].text, text[f].length);
    return sum;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

// Takes what is held out from the others: a folder may hold both, a text may stand in two files.
static void take_out(Arena *run, Records *s)
{
    int64_t   n = s->held_out.count, count = 0;
    uint64_t *sum = arena_new(run, uint64_t, n);

    for (int64_t i = 0; i < n; i++)
        sum[i] = sum_of(s, &s->held_out.text[i * s->fields]);
    if (n > 0)
        qsort(sum, (size_t)n, sizeof *sum, by_value);
    for (int64_t i = 0; i < s->train.count; i++) {
        const RecordsText *text = &s->train.text[i * s->fields];
        uint64_t           one = sum_of(s, text);

        if (n == 0 || bsearch(&one, sum, (size_t)n, sizeof *sum, by_value) == NULL)
            memmove(&s->train.text[count++ * s->fields], text, (size_t)s->fields * sizeof *text);
    }
    s->train.count = count;
}

// By the content of a record, so that more records do not move the others.
static void divide(Arena *run, Records *s, double share)
{
    RecordsTable all = s->train;
    uint64_t     limit = (uint64_t)(share * 1e9);

    s->train = records_table(run, all.count, s->fields);
    s->held_out = records_table(run, all.count, s->fields);
    for (int64_t i = 0; i < all.count; i++) {
        const RecordsText *text = &all.text[i * s->fields];
        RecordsTable      *to = sum_of(s, text) % 1000000000 < limit ? &s->held_out : &s->train;

        memcpy(&to->text[to->count++ * s->fields], text, (size_t)s->fields * sizeof *text);
    }
}

static Err read_held_out(Arena *run, const RecordsSpec *spec, const Config *c, Records *s)
{
    static const char *const known[] = {"files", "share"};
    const Json              *files, *value;
    RecordsSpec              other = *spec;

    if (c->held_out == NULL)
        return OK;
    if (c->held_out->kind != JSON_OBJECT || c->held_out->length != 1)
        FAIL(ERR_CONFIG, "%s: held_out is {\"files\": [...]} or {\"share\": 0.1}",
             json_where(c->held_out, (char[JSON_WORDS]){0}, JSON_WORDS));
    TRY(json_only(c->held_out, known, 2));
    files = json_member(c->held_out, "files");
    if (files != NULL) {
        other.files = files;
        other.report_end = ", held out";
        TRY(records_read(run, &other, &s->held_out));
        take_out(run, s);
        return OK;
    }
    value = json_member(c->held_out, "share");
    if (value->kind != JSON_NUMBER || value->number < 0 || value->number > 0.9)
        FAIL(ERR_CONFIG, "%s: the share that is held out is a number from 0 to 0.9",
             json_where(value, (char[JSON_WORDS]){0}, JSON_WORDS));
    divide(run, s, value->number);
    return OK;
}

static uint64_t sum_of_all(const Records *s)
{
    const RecordsTable *tables[] = {&s->train, &s->held_out};
    uint64_t            sum = 0;

    for (int t = 0; t < 2; t++)
        for (int64_t i = 0; i < tables[t]->count; i++)
            sum = hash_u64(sum, sum_of(s, &tables[t]->text[i * s->fields]));
    return sum;
}

// Bytes of the texts of the largest record.
static int64_t longest_of(const Records *s)
{
    const RecordsTable *tables[] = {&s->train, &s->held_out};
    int64_t             longest = 0;

    for (int t = 0; t < 2; t++)
        for (int64_t i = 0; i < tables[t]->count; i++) {
            int64_t bytes = 0;

            for (int f = 0; f < s->fields; f++)
                bytes += tables[t]->text[i * s->fields + f].length;
            longest = bytes > longest ? bytes : longest;
        }
    return longest;
}

#define JSON_AT(json) json_where((json), (char[JSON_WORDS]){0}, JSON_WORDS)

// A named format has its own fields.
static Err check_keys(const Json *config, const Config *c)
{
    if (c->format >= RECORDS_ALPACA && c->fields != NULL)
        FAIL(ERR_CONFIG,
             "%s: this \"format\" has its own fields; \"fields\" goes with auto, jsonl, json, text "
             "and set: leave one of them out",
             JSON_AT(json_member(config, "format")));
    return OK;
}

// The report as part of a message, which is one line.
static const char *on_one_line(Arena *run, const Text *report)
{
    Text t = text_make(run);

    for (int64_t i = 0; i < report->length; i++)
        text_add(&t, report->data[i] == '\n' ? ";" : report->data + i, 1);
    return t.data;
}

static Err check_counts(Arena *run, const Config *c, const Records *s, const Text *report)
{
    if (s->train.count == 0)
        FAIL(ERR_DATA, "%s: the files hold no record%s%s%s", JSON_AT(c->files),
             s->held_out.count > 0 ? " that is not held out" : "", report->length > 0 ? ": " : "",
             on_one_line(run, report));
    if (c->held_out != NULL && s->held_out.count == 0)
        FAIL(ERR_DATA,
             "%s: nothing is held out: the files are empty, or the share is too small for %" PRId64
             " records",
             JSON_AT(c->held_out), s->train.count);
    return OK;
}

static Err read_records(Arena *run, const Json *config, const Config *c, RecordsSpec *spec,
                        Records *s)
{
    TRY(records_fields(run, spec));
    if (c->piece > 0 && spec->family != FAMILY_DOCUMENT)
        FAIL(ERR_CONFIG, "%s: \"piece\" cuts texts, but the files hold other records: leave it out",
             JSON_AT(config));
    s->fields = spec->fields;
    for (int f = 0; f < spec->fields; f++)
        s->field[f] = record_name(spec->field[f]);
    TRY(records_read(run, spec, &s->train));
    TRY(read_held_out(run, spec, c, s));
    TRY(check_counts(run, c, s, spec->report));
    if (c->held_out != NULL)
        text_printf(spec->report, "\n%" PRId64 " records are held out, %" PRId64 " are left",
                    s->held_out.count, s->train.count);
    return OK;
}

static Err make(Arena *run, const Json *config, const char *folder, uint64_t seed, Source **out)
{
    static const char *const names[] = {"all"};
    Config                   c = {0};
    Records                 *s = arena_new(run, Records, 1);
    RecordsSpec              spec;
    Text                     report = text_make(run);

    TRY(config_read(run, config, config_fields, &c));
    TRY(check_keys(config, &c));
    *s = (Records){.base = {.kind = &source_records,
                            .groups = 1,
                            .group_label = "records",
                            .group_name = names},
                   .seed = seed,
                   .max_tokens = c.max_tokens};
    spec = (RecordsSpec){.folder = folder,
                         .files = c.files,
                         .format = (RecordsFormat)c.format,
                         .paths = c.fields,
                         .id = c.id,
                         .piece = c.piece,
                         .report = &report,
                         .report_end = ""};
    TRY(read_records(run, config, &c, &spec, s));
    s->base.sum = sum_of_all(s);
    s->base.total = s->train.count;
    s->base.longest = longest_of(s);
    s->base.report = report.data;
    *out = &s->base;
    return OK;
}

const SourceKind source_records = {.name = "records",
                                   .about = "Records from files: JSON lines, JSON, text, example "
                                            "sets.",
                                   .make = make,
                                   .count = count,
                                   .draw = draw,
                                   .fields = fields,
                                   .verdicts = verdicts,
                                   .max_tokens = max_tokens};
