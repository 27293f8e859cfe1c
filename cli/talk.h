// talk.h -- what talking to a model needs: tokenizer, chat form, sampling, ends, clean text.
//
// Any kind of model path that import.h understands.  Shared by chat, sample and serve.
#ifndef TD_CLI_TALK_H
#define TD_CLI_TALK_H

#include "cli/args.h"
#include "datagen/chatform.h"
#include "model/decode.h"
#include "model/files/import.h"

typedef struct Talk {
    ImportModel model;
    const Json *tokenizer; // NULL where the model brings none, like the two below
    Vocab      *vocab;
    ChatForm   *form; // NULL before talk_want_form
} Talk;

// Without the weights.  Errors: those of import_find and import_vocab.
Err talk_open(Arena *arena, const char *path, Talk *out);
// The form of conversations, which only those need who have some.  Errors: those of chatform_make.
Err talk_want_form(Arena *arena, Talk *t);
// ERR_DATA if the model has no tokenizer; `what` is what needs one.
Err talk_want_tokenizer(const Talk *t, const char *path, const char *what);

// The options that describe sampling, as far as the command has them and they are given or have a
// default: temperature, top-k, top-p, min-p, repetition-penalty, max-tokens, seed, stop,
// ignore-eos. What has neither stays as it is in *r.  ERR_USAGE.
Err talk_read_options(const Command *c, const Args *a, DecodeRequest *r);

// In words: which of the forms of chatform.h it is; one line without its end.
const char *talk_form_name(ChatFormKind kind);

// Adds the tokens and texts that end an answer to those of a request.  ERR_DATA if that is more
// than the decoder takes.
Err talk_add_ends(const ChatForm *form, DecodeRequest *r);

// How the model wants to be sampled, by generation_config.json beside its tokenizer; where that
// says nothing, `spec` stays as it is.  1: it said something.
int talk_sampling(const Json *tokenizer, SampleSpec *spec);

// Bytes at the end of a text that may turn out to be something else when more tokens come: the
// beginning of a stop text, or of a character.
int64_t talk_unsure(const DecodeRequest *r, const char *text, int64_t bytes);

// Appends text for people: what is not UTF-8, and control characters other than line ends and
// tabs, become U+FFFD.
void talk_clean(Text *out, const char *text, int64_t bytes);

#endif
