// stand_in.h -- a decoder without a network, in the place of model/decode.c: it answers from a
// script, after a number of steps that differs from request to request.
//
// Including it defines the functions of model/decode.h, so that the library's are not linked.
#ifndef TD_TESTS_DATAGEN_STAND_IN_H
#define TD_TESTS_DATAGEN_STAND_IN_H

#include "base/hash.h"
#include "model/decode.h"
#include "setting.h"

enum { STAND_IN_SLOTS = 256, STAND_IN_TOKENS = 1 << 17, STAND_IN_PROMPT = 4096 };

typedef struct StandInAnswer {
    const char *text;
    int64_t     bytes;
    DecodeEnd   end;
} StandInAnswer;

// What follows a prompt; `chance`: a number that belongs to the random key of the request.
typedef StandInAnswer (*StandInScript)(const char *prompt, uint64_t chance, int64_t max_tokens);

typedef struct StandInSlot {
    int           is_busy;
    int64_t       number, wait;
    DecodeRequest request;
    char          prompt[STAND_IN_PROMPT];
} StandInSlot;

struct Decoder {
    const Vocab  *vocab;
    StandInScript script;
    int           slots;
    uint64_t      pace; // how long requests take: the order of results, nothing else
    int64_t       submitted, context;
    StandInSlot   slot[STAND_IN_SLOTS];
    int32_t       ids[STAND_IN_TOKENS];
    float         logp[STAND_IN_TOKENS];
    int64_t       most; // slots busy at once
};

static inline Decoder *stand_in_make(Arena *a, const Vocab *v, StandInScript script, int slots,
                                     uint64_t pace)
{
    Decoder *d = arena_new(a, Decoder, 1);

    d->vocab = v;
    d->script = script;
    d->slots = slots;
    d->pace = pace;
    d->context = 64;
    return d;
}

int decoder_running(const Decoder *d)
{
    int n = 0;

    for (int i = 0; i < d->slots; i++)
        n += d->slot[i].is_busy;
    return n;
}

int decoder_free_slots(const Decoder *d)
{
    return d->slots - decoder_running(d);
}

Err decoder_submit(Decoder *d, const DecodeRequest *r)
{
    StandInSlot *s = d->slot;
    char         room[STAND_IN_PROMPT];
    Arena        bytes = {.base = room, .capacity = sizeof room, .name = "prompt"};

    if (r->prompt_length + 1 > d->context)
        FAIL(ERR_DATA, "the prompt is too long");
    while (s->is_busy)
        s++;
    CHECK(s < d->slot + d->slots, "no free slot");
    Text prompt = text_make(&bytes);
    for (int64_t i = 0; i < r->prompt_length; i++)
        vocab_decode(d->vocab, r->prompt[i], &prompt);
    s->is_busy = 1;
    s->number = d->submitted++;
    s->wait = (int64_t)(hash_u64(d->pace, r->stream) % 7);
    s->request = *r;
    memcpy(s->prompt, prompt.data, (size_t)prompt.length + 1);
    if (d->most < decoder_running(d))
        d->most = decoder_running(d);
    return OK;
}

void decoder_step(Decoder *d)
{
    for (int i = 0; i < d->slots; i++)
        d->slot[i].wait--;
}

int decoder_take(Decoder *d, DecodeResult *out)
{
    StandInSlot *s = NULL;
    int64_t      count = 0;

    for (int i = 0; i < d->slots; i++)
        if (d->slot[i].is_busy && d->slot[i].wait < 0 && (!s || d->slot[i].number < s->number))
            s = &d->slot[i];
    if (s == NULL)
        return 0;
    StandInAnswer a = d->script(s->prompt, s->request.stream, s->request.max_tokens);

    for (int64_t k = 0; k < a.bytes && k < STAND_IN_TOKENS; k++, count++) {
        d->ids[k] = (unsigned char)a.text[k];
        d->logp[k] = -(float)(hash_u64(s->request.stream, (uint64_t)k) % 1000) / 100;
    }
    *out = (DecodeResult){.tag = s->request.tag,
                          .length = count,
                          .ids = d->ids,
                          .logp = d->logp,
                          .text = a.text,
                          .bytes = a.bytes,
                          .end = a.end};
    s->is_busy = 0;
    return 1;
}

void decoder_clear(Decoder *d)
{
    for (int i = 0; i < d->slots; i++)
        d->slot[i].is_busy = 0;
}

#endif
