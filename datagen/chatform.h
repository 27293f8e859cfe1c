// chatform.h -- from a conversation to the prompt that a model knows.
//
// Three forms, the first that there is:
// 1. The format in the model's weight file.  A model that was trained by a recipe knows the texts
// of
//    that recipe's `emit` step: a list of messages {"role", "text": template, "visible"}, or a list
//    of such lists, of which the first that does without {input} is taken.  Such a format takes one
//    user message, which fills its {instruction} (or its only slot), and a system message if there
//    is a slot for it.  If the recipe emitted whole conversations, the format is a chat template.
// 2. The chat template (Jinja) that came with the tokenizer.
// 3. "role: text" lines that end in "assistant:".
#ifndef TD_DATAGEN_CHATFORM_H
#define TD_DATAGEN_CHATFORM_H

#include "base/arena.h"
#include "io/json.h"
#include "model/text/chat/chat_template.h"
#include "model/vocab.h"

typedef enum ChatFormKind { CHATFORM_LINES, CHATFORM_FORMAT, CHATFORM_TEMPLATE } ChatFormKind;

typedef struct ChatForm ChatForm;

// format: of the weight file, NULL or "" if there is none; `where` for messages.  vocab is borrowed
// (NULL: prompts cannot be made).  ERR_DATA, ERR_CONFIG: a format or template that is none.
Err          chatform_make(Arena *run, const char *where, const char *format, const Vocab *vocab,
                           ChatForm **out);
ChatFormKind chatform_kind(const ChatForm *f);
// NULL unless the form is a template.
const ChatTemplate *chatform_template(const ChatForm *f);

typedef struct ChatPrompt {
    int32_t    *id; // [length]
    int64_t     length;
    const char *text; // [bytes], with the markers; for people
    int64_t     bytes;
} ChatPrompt;

// The prompt up to where the model goes on, in `arena`.  messages: a list of {"role", "content"};
// tools: a list, NULL if there are none.  ERR_DATA: this conversation does not fit the form, a
// content spells a special token, a character has no token.
Err chatform_prompt(const ChatForm *f, Arena *arena, Arena *scratch, const Json *messages,
                    const Json *tools, ChatPrompt *out);

// A conversation as templates take it: a content of several parts, all texts, becomes one text.
// ERR_DATA: no list of messages with roles, or another kind of part.
Err chatform_messages(Arena *arena, const Json *messages, const Json **out);
// What forbids a tree of contents: NULL, or a literal reason as steps give it, "special token in
// text" (one is spelled out) or "no token" (a character became the tokenizer's unknown token), and
// the first text (or key) that is at fault.  `found` may be NULL.
const char *chatform_fault(const Vocab *v, Arena *scratch, const Json *node, const Json **found);

// What ends an answer besides the tokenizer's own end token: tokens (-1: none) and texts.  For a
// template it is what it writes behind the assistant's content.
enum { CHATFORM_ENDS_MAX = 4 };
typedef struct ChatEnds {
    int         tokens, texts;
    int32_t     token[CHATFORM_ENDS_MAX];
    const char *text[CHATFORM_ENDS_MAX];
} ChatEnds;
const ChatEnds *chatform_ends(const ChatForm *f);

#endif
