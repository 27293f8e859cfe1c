// chat_template.h -- conversations as the text that a model was trained on, and where in it the
// assistant speaks.
//
// The template (Jinja, jinja.h) comes with the model.  What the assistant says is known from the
// template's {% generation %} blocks where it has them, else by difference: the text up to each of
// its messages with the prompt for an answer, and the text with the message.  Earlier text must
// stay as it is when messages follow; a template that takes words back is refused by place.
#ifndef TD_MODEL_TEXT_CHAT_CHAT_TEMPLATE_H
#define TD_MODEL_TEXT_CHAT_CHAT_TEMPLATE_H

#include "base/text.h"
#include "model/text/chat/jinja.h"
#include "model/vocab.h"

typedef struct ChatTemplate {
    const char *name;       // the file, for messages
    Jinja      *plain;      // the template
    Jinja      *with_tools; // the one to take where there are tools; often the same
    const char *bos, *eos;  // NULL: none
    int         adds_bos;   // whether the tokenizer puts bos in front by itself
    JinjaValue  tokens;     // a dict of special tokens by their name: bos_token, ...
} ChatTemplate;

// A template as text.  bos, eos: as template variables; NULL: none.  ERR_DATA.
Err chat_template_make(Arena *run, const char *name, const char *text, int64_t length,
                       const char *bos, const char *eos, ChatTemplate *out);
// A file of Jinja text (then tokens stay unknown), or a model's folder: chat_template.jinja (and
// additional_chat_templates/tool_use.jinja), else "chat_template" of tokenizer_config.json, one
// text, or several by name ("default", "tool_use").  ERR_DATA, ERR_IO.
Err chat_template_open(Arena *run, const char *path, ChatTemplate *out);

// The format of prompts in a weight file is a list of messages or a chat template: the first
// character but for white space tells them apart.
int chat_format_is_messages(const char *format);
// A template as such a format, in `run` or as it is: one that begins like a list gets a comment in
// front.
const char *chat_format_of_template(Arena *run, const char *text);

typedef struct ChatRequest {
    const Json *messages;          // an array of {"role", "content", ...}
    const Json *tools, *documents; // NULL: none
    const Json *more;              // an object of further variables for the template; NULL: none
    int         add_generation_prompt;
    int         has_time; // else strftime_now does not exist
    int64_t     time;     // seconds since 1970 began, in the calendar to show
} ChatRequest;

typedef struct ChatSpan {
    int64_t   message; // its number; -1: not known
    JinjaSpan content; // bytes of its content; empty at the turn's begin if it has none in the text
    JinjaSpan turn;    // with all that the model writes: tool calls, and the marker that ends it
} ChatSpan;

typedef struct ChatText {
    const char *text; // ends in a zero byte
    int64_t     length;
    ChatSpan   *span; // one per assistant message
    int64_t     spans;
} ChatText;

// The text lies in `arena`; no spans.  `scratch` needs JINJA_ARENA_BYTES beside the variables.
// ERR_DATA: what the template refuses, and messages that are none.
Err chat_template_render(const ChatTemplate *t, Arena *arena, Arena *scratch, const ChatRequest *q,
                         ChatText *out);
// The same with spans.  ERR_DATA where they cannot be known.
Err chat_template_spans(const ChatTemplate *t, Arena *arena, Arena *scratch, const ChatRequest *q,
                        ChatText *out);

// Characters before a byte of the text.
int64_t chat_text_points(const ChatText *c, int64_t byte);

// Token ids of the text, special tokens taken for what they are called, and for each whether it is
// the assistant's turn (1) or not (0).  A token that belongs to both counts as the assistant's.
// Nothing is put in front: templates write bos themselves.  ERR_DATA.
Err chat_text_ids(const ChatText *c, const Vocab *v, Arena *arena, Arena *scratch, int32_t **ids,
                  uint8_t **mask, int64_t *count);

// Whether the words of the system's messages are all in the text that was made of them.  ERR_DATA
// naming the first that the template dropped.  For those who would not see that they are gone.
Err chat_template_complete(const ChatTemplate *t, const Json *messages, const ChatText *c);

// What a user of the template should know, one line each: system messages dropped or refused, bos
// twice, turns without an end, text that changes afterwards.  Empty: nothing to say.
Err chat_template_check(const ChatTemplate *t, Arena *scratch, Text *report);

#endif
