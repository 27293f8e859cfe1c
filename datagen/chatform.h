// chatform.h -- from a conversation to the prompt that a model knows.
//
// A model that was trained by a recipe knows the texts of that recipe's `emit` step; the weight
// file carries them as JSON: a list of messages {"role", "text": template, "visible"}, or a list of
// such lists, of which the first that does without {input} is taken.  Such a format takes one user
// message, which fills its {instruction} (or its only slot), and a system message if there is a
// slot for it.  Without a format, "role: text" lines that end in "assistant:".
#ifndef TD_DATAGEN_CHATFORM_H
#define TD_DATAGEN_CHATFORM_H

#include "base/arena.h"
#include "datagen/template.h"

typedef struct ChatMessage {
    const char *role; // "system", "user" or "assistant"
    const char *text;
    int64_t     length;
} ChatMessage;

typedef struct ChatForm ChatForm;

// format: the JSON, NULL or "" if there is none; `where` for messages.  ERR_DATA, ERR_CONFIG.
Err chatform_make(Arena *run, const char *where, const char *format, ChatForm **out);

// The prompt up to where the model goes on, as spans with special tokens apart.  They live in
// `arena` and point into the messages.  ERR_DATA: this conversation does not fit the format.
Err chatform_render(const ChatForm *f, Arena *arena, const ChatMessage *message, int count,
                    TemplateSpan **spans, int *span_count);

#endif
