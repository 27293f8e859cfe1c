// template.h -- texts with slots, expanded with byte spans.
//
// `{name}` is replaced by a field of the record; `{bos}` and `{eos}` are special tokens; `{{` and
// `}}` are braces.  Every piece of the result knows whether it came from the template or from a
// field, so that masks come from spans and text of a field can never become a special token.
#ifndef TD_DATAGEN_TEMPLATE_H
#define TD_DATAGEN_TEMPLATE_H

#include "base/arena.h"
#include "datagen/record.h"

typedef enum TemplateKind { TEMPLATE_LITERAL, TEMPLATE_SLOT, TEMPLATE_SPECIAL } TemplateKind;

typedef struct TemplatePiece {
    TemplateKind kind;
    const char  *text; // the literal, the name of the field, or "bos" / "eos"
    int64_t      length;
} TemplatePiece;

typedef struct Template {
    const char    *name; // file or key, for messages
    int            pieces;
    TemplatePiece *piece;
} Template;

typedef struct TemplateSpan { // a piece of the expansion
    TemplateKind kind;
    int          piece;
    const char  *text;
    int64_t      length;
} TemplateSpan;

// ERR_CONFIG: an open brace without end, an empty name.  `name` is kept.
Err template_parse(Arena *run, const char *name, const char *text, int64_t length, Template *out);

// Checks that every slot is among the fields; ERR_CONFIG naming the slot, the template, the nearest
// field.
Err template_check(const Template *t, const char *const *fields, int count);

// spans [pieces] in the record's arena.  ERR_DATA if a field is missing in this record.
Err template_expand(const Template *t, const Record *r, TemplateSpan **spans);

#endif
