// decode.h -- many sequences in flight: submit prompts, step, take what is finished.
//
// Every step feeds one row per running sequence and, for new ones, their prompts (within the room
// for rows); a finished slot is refilled at once.  What a sequence becomes depends on its prompt,
// its spec and its random key alone: token n is drawn by Philox(seed, stream; n).  Inside a step
// the threads of the rank share the sequences; results do not depend on how many there are.
#ifndef TD_MODEL_DECODE_H
#define TD_MODEL_DECODE_H

#include "base/arena.h"
#include "model/net.h"
#include "model/sample.h"
#include "model/vocab.h"

#include <stdint.h>

enum { DECODE_STOPS_MAX = 8, DECODE_ENDS_MAX = 8 };

typedef struct DecodeRequest {
    const int32_t *prompt; // [prompt_length], copied; at least one token
    int64_t        prompt_length;
    SampleSpec     spec;
    int64_t        max_tokens;  // new tokens
    int            ignores_eos; // go on to max_tokens, whatever tokens come
    int            ends;        // tokens that end it besides those of the vocabulary
    int32_t        end[DECODE_ENDS_MAX];
    int            stops;                  // texts that end the sequence
    const char    *stop[DECODE_STOPS_MAX]; // borrowed until taken
    int            reuses; // keys and values that the slot's last sequence left, as far as the
                           // tokens are the same: the caller knows that the weights still are
    uint64_t   seed, stream;
    int        top;  // most likely tokens wanted beside each new one, <= SAMPLE_TOP_MAX; 0: none
    SampleTop *tops; // [max_tokens or what the context leaves][top], the caller's until taken
    int64_t    tag;  // the caller's, given back
} DecodeRequest;

typedef enum DecodeEnd {
    DECODE_EOS,    // a token that ends a text (not part of the text)
    DECODE_STOP,   // a stop text (cut off the text; its tokens stay in ids)
    DECODE_LENGTH, // max_tokens
    DECODE_CONTEXT // the context is full
} DecodeEnd;

typedef struct DecodeResult {
    int64_t        tag;
    int64_t        length; // new tokens, with the token that ended it if one did
    const int32_t *ids;    // [length]; valid, like the others, until the next decoder_step
    const float   *logp;   // [length]
    const char    *text;   // of the new tokens, without the end token and without the stop text
    int64_t        bytes;
    DecodeEnd      end;
    int            stop; // index of the stop text for DECODE_STOP
} DecodeResult;

typedef struct Decoder Decoder;

// vocab may be NULL (no texts, no stop texts, no eos).  threads: at most this many share a step.
Decoder *decoder_make(Arena *run, const Net *net, const Vocab *vocab, int slots, int64_t context,
                      int threads);
// Bytes.  Texts have room for the longest tokens there are.
int64_t decoder_need(const Dims *d, const Vocab *vocab, int slots, int64_t context, int threads);

int decoder_free_slots(const Decoder *d);
int decoder_running(const Decoder *d);
// ERR_DATA if prompt_length + 1 exceeds the context.  The caller has seen a free slot.
Err decoder_submit(Decoder *d, const DecodeRequest *r);
// One step for all.  Finished sequences can be taken afterwards, in the order of submission.
void decoder_step(Decoder *d);
int  decoder_take(Decoder *d, DecodeResult *out); // 0: none left from this step
// What the sequence of this tag has so far, valid until the next step; its end and stop mean
// nothing yet.  0: no such sequence is running.
int decoder_look(const Decoder *d, int64_t tag, DecodeResult *out);
// Forgets the sequence of this tag, which is not taken then; 0: no such sequence is running.
int decoder_cancel(Decoder *d, int64_t tag);
// Forgets everything in flight.
void decoder_clear(Decoder *d);

// Counted since it was made.
typedef struct DecodeStats {
    int64_t steps, prompt_tokens, new_tokens, rows;
} DecodeStats;
DecodeStats decoder_stats(const Decoder *d);

#endif
