// scripted_lines FILE: answers of the scripted teacher, and draws of steps, one JSON line for each
// line of FILE:
//   {"config": {...}, "stream": "<hex>", "prompt": "...", "stop": [...]}
//   {"purpose": "...", "key": ["<hex>", a, b, c], "below": n}      the key: that of the generator
// For scripted_twin.py, which knows what they should be.
#include "base/rng.h"
#include "datagen/teachers/teacher.h"
#include "io/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hex(const char *text)
{
    return strtoull(text, NULL, 16);
}

static Err answer(Arena *a, const Json *line)
{
    static const char *const ends[] = {"done", "length", "failed"};
    const Json              *config, *stop;
    const char              *stream, *prompt;
    TemplateSpan             span = {.kind = TEMPLATE_LITERAL};
    Record                   record = {.arena = a};
    TeacherRequest           r = {.spans = &span, .span_count = 1, .record = &record, .tag = 7};
    TeacherResult            result;
    Teacher                 *t;
    Text                     out = text_make(a);

    TRY(json_want_object(line, "config", &config));
    TRY(json_want_text(line, "stream", &stream));
    TRY(json_want_text(line, "prompt", &prompt));
    TRY(json_want_array(line, "stop", &stop));
    TRY(teacher_scripted(a, config, 1, &t));
    span.text = prompt;
    span.length = (int64_t)strlen(prompt);
    r.stream = hex(stream);
    for (const Json *s = stop->child; s != NULL; s = s->next)
        r.stop[r.stops++] = s->text;
    CHECK(t->kind->submit(t, &r) == NULL, "a prompt was refused");
    do
        TRY(t->kind->step(t));
    while (!t->kind->take(t, &result));
    CHECK(result.tag == 7 && text_utf8_bad(result.text, result.bytes) < 0, "not as it went in");
    text_puts(&out, "{\"text\": ");
    text_json(&out, result.text, result.bytes);
    printf("%s, \"end\": \"%s\", \"why\": \"%s\"}\n", out.data, ends[result.end],
           result.why == NULL ? "" : result.why);
    return OK;
}

static Err draws(const Json *line)
{
    const char *purpose;
    const Json *key, *k;
    int64_t     part[3], n;
    uint64_t    stream;
    Rng         rng;

    TRY(json_want_text(line, "purpose", &purpose));
    TRY(json_want_array(line, "key", &key));
    TRY(json_want_i64(line, "below", 1, (int64_t)1 << 53, &n));
    k = key->child;
    for (int i = 0; i < 3; i++) {
        k = k->next;
        TRY(json_i64(k, 0, (int64_t)1 << 53, &part[i]));
    }
    stream = rng_stream(purpose, (uint64_t)part[0], (uint64_t)part[1], (uint64_t)part[2]);
    rng = rng_make(hex(key->child->text), stream, 0);
    printf("{\"stream\": \"%" PRIx64 "\", \"draws\": [", stream);
    for (int i = 0; i < 5; i++)
        printf("%s%" PRIu64, i > 0 ? ", " : "", rng_below(&rng, (uint64_t)n));
    printf("]}\n");
    return OK;
}

static Err work(Arena *a, FILE *in, const char *path)
{
    char  *buffer = NULL;
    size_t capacity = 0;
    Err    e = OK;

    for (ssize_t length; e == OK && (length = getline(&buffer, &capacity, in)) > 0;) {
        const Json *line;

        arena_back(a, 0);
        e = json_parse(a, path, buffer, length, JSON_NO_COMMENTS, &line);
        if (e == OK)
            e = json_member(line, "prompt") != NULL ? answer(a, line) : draws(line);
    }
    free(buffer);
    return e;
}

int main(int argc, char **argv)
{
    Arena a;
    FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
    Err   e;

    if (in == NULL) {
        fprintf(stderr, "scripted_lines: a file with requests is needed\n");
        return 2;
    }
    e = arena_make(&a, "run", 1 << 28);
    if (e == OK)
        e = work(&a, in, argv[1]);
    fclose(in);
    if (e != OK)
        fprintf(stderr, "scripted_lines: %s\n", err_record()->text);
    return e == OK ? 0 : 1;
}
