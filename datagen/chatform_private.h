// chatform_private.h -- what the files of chatform.h share.
#ifndef TD_DATAGEN_CHATFORM_PRIVATE_H
#define TD_DATAGEN_CHATFORM_PRIVATE_H

#include "datagen/chatform.h"
#include "datagen/template.h"

typedef struct ChatMessage {
    const char *role;
    const char *text;
    int64_t     length;
} ChatMessage;

// A prompt as pieces.  Training encodes texts of equal weight together, so prompts do as well.
typedef struct ChatPieces {
    int           count;
    TemplateSpan *span;   // [count]
    float        *weight; // [count]: of the message that it belongs to
} ChatPieces;

// The format of a recipe; `json` begins with '['.  ERR_DATA, ERR_CONFIG.
typedef struct ChatFormat ChatFormat;
Err chat_format_read(Arena *run, const char *where, const char *json, ChatFormat **out);
// ERR_DATA: this conversation does not fit.
Err chat_format_render(const ChatFormat *f, Arena *arena, const ChatMessage *message, int count,
                       ChatPieces *out);
// "role: text" lines.
void chat_lines_render(Arena *arena, const ChatMessage *message, int count, ChatPieces *out);

// What the template writes behind an assistant's content, if that is not the tokenizer's own end
// token.  Texts in `run`.  A template that refuses a plain question with its answer: none, and the
// log says so.
Err chat_find_ends(const ChatTemplate *t, const Vocab *v, Arena *run, ChatEnds *out);

#endif
