#include "datagen/template.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

static int is_special(const char *name)
{
    return strcmp(name, "bos") == 0 || strcmp(name, "eos") == 0;
}

static int64_t count_byte(const char *text, int64_t length, char byte)
{
    int64_t n = 0;

    for (int64_t i = 0; i < length; i++)
        n += text[i] == byte;
    return n;
}

// Adds what was collected since the last slot as a literal piece.
static void flush(Template *t, const char *begin, const char *end)
{
    if (end > begin)
        t->piece[t->pieces++] = (TemplatePiece){TEMPLATE_LITERAL, begin, end - begin};
}

// Reads the slot that begins behind the brace at text[at]; *next is the place behind it.
static Err read_slot(Arena *run, Template *t, const char *text, int64_t length, int64_t at,
                     int64_t *next)
{
    const char *close = memchr(text + at + 1, '}', (size_t)(length - at - 1));
    char       *name;

    if (close == NULL)
        FAIL(ERR_CONFIG, "%s: the brace at byte %" PRId64 " is not closed; write {{ for a brace",
             t->name, at + 1);
    name = arena_text_n(run, text + at + 1, close - text - at - 1);
    if (!record_name_is_good(name))
        FAIL(ERR_CONFIG,
             "%s: {%.40s} at byte %" PRId64 " is not the name of a field (letters, digits, _); "
             "write {{ and }} for braces",
             t->name, name, at + 1);
    t->piece[t->pieces++] = (TemplatePiece){is_special(name) ? TEMPLATE_SPECIAL : TEMPLATE_SLOT,
                                            name, (int64_t)strlen(name)};
    *next = close - text + 1;
    return OK;
}

Err template_parse(Arena *run, const char *name, const char *text, int64_t length, Template *out)
{
    int64_t slots = count_byte(text, length, '{');
    char   *literal = arena_new(run, char, length + 1), *begin = literal, *end = literal;
    int64_t next;

    if (memchr(text, 0, (size_t)length) != NULL || text_utf8_bad(text, length) >= 0)
        FAIL(ERR_CONFIG, "%s: not a UTF-8 text", name);
    *out = (Template){.name = name, .piece = arena_new(run, TemplatePiece, 2 * slots + 1)};
    for (int64_t i = 0; i < length; i = next) {
        next = i + 1;
        if ((text[i] == '{' || text[i] == '}') && i + 1 < length && text[i + 1] == text[i]) {
            *end++ = text[i];
            next = i + 2;
        } else if (text[i] == '}') {
            FAIL(ERR_CONFIG, "%s: the closing brace at byte %" PRId64 " closes nothing; write }}",
                 name, i + 1);
        } else if (text[i] == '{') {
            flush(out, begin, end);
            begin = end;
            TRY(read_slot(run, out, text, length, i, &next));
        } else {
            *end++ = text[i];
        }
    }
    flush(out, begin, end);
    return OK;
}

Err template_check(const Template *t, const char *const *fields, int count)
{
    for (int i = 0; i < t->pieces; i++) {
        const char *name = t->piece[i].text, *near;
        int         known = t->piece[i].kind != TEMPLATE_SLOT;

        for (int k = 0; k < count && !known; k++)
            known = strcmp(fields[k], name) == 0;
        if (known)
            continue;
        near = text_nearest(name, fields, count);
        FAIL(ERR_CONFIG, "%s: no earlier step fills {%s}%s%s%s", t->name, name,
             near == NULL ? "" : "; did you mean {", near == NULL ? "" : near,
             near == NULL ? "" : "}?");
    }
    return OK;
}

Err template_expand(const Template *t, const Record *r, TemplateSpan **spans)
{
    *spans = arena_new(r->arena, TemplateSpan, t->pieces);
    for (int i = 0; i < t->pieces; i++) {
        const TemplatePiece *p = &t->piece[i];
        const RecordField   *f;

        (*spans)[i] = (TemplateSpan){p->kind, i, p->text, p->length};
        if (p->kind != TEMPLATE_SLOT)
            continue;
        f = record_field(r, p->text);
        if (f == NULL)
            FAIL(ERR_DATA, "%s: the record of request %" PRIu64 " has no field %s", t->name,
                 r->request, p->text);
        (*spans)[i].text = f->text;
        (*spans)[i].length = f->length;
    }
    return OK;
}
