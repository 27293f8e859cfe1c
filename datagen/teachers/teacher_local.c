// The own network as teacher: prompts become tokens, the decoder writes.
#include "datagen/step.h"
#include "datagen/teachers/teacher.h"

#include <string.h>

typedef struct Local {
    Teacher      base;
    Decoder     *decoder;
    const Vocab *vocab;
    TeacherStats stats;
} Local;

static int free_slots(const Teacher *t)
{
    return decoder_free_slots(((const Local *)t)->decoder);
}

static int running(const Teacher *t)
{
    return decoder_running(((const Local *)t)->decoder);
}

static const char *submit(Teacher *t, const TeacherRequest *r)
{
    Local        *l = (Local *)t;
    const char   *why = NULL;
    DecodeRequest d = {.spec = r->spec,
                       .max_tokens = r->max_tokens,
                       .ignores_eos = r->ignores_eos,
                       .stops = r->stops,
                       .seed = r->seed,
                       .stream = r->stream,
                       .tag = r->tag};

    d.prompt = step_encode(l->vocab, r->record, r->spans, r->span_count, &d.prompt_length, &why);
    if (why != NULL)
        return why;
    if (d.prompt_length == 0)
        return "malformed";
    memcpy(d.stop, r->stop, sizeof d.stop);
    if (decoder_submit(l->decoder, &d) != OK) {
        err_forget();
        return "prompt too long";
    }
    l->stats.prompt_tokens += d.prompt_length;
    return NULL;
}

static Err step(Teacher *t)
{
    decoder_step(((Local *)t)->decoder);
    return OK;
}

static int take(Teacher *t, TeacherResult *out)
{
    Local       *l = (Local *)t;
    DecodeResult d;

    if (!decoder_take(l->decoder, &d))
        return 0;
    *out = (TeacherResult){.tag = d.tag,
                           .end = d.end == DECODE_EOS || d.end == DECODE_STOP ? TEACHER_DONE
                                                                              : TEACHER_LENGTH,
                           .text = d.text,
                           .bytes = d.bytes,
                           .length = d.length,
                           .ids = d.ids,
                           .logp = d.logp};
    l->stats.requests++;
    l->stats.new_tokens += d.length;
    return 1;
}

static void clear(Teacher *t)
{
    decoder_clear(((Local *)t)->decoder);
}

static void stats(const Teacher *t, TeacherStats *out)
{
    *out = ((const Local *)t)->stats;
}

static const TeacherKind local_kind = {.name = "local",
                                       .free_slots = free_slots,
                                       .running = running,
                                       .submit = submit,
                                       .step = step,
                                       .take = take,
                                       .clear = clear,
                                       .stats = stats};

Teacher *teacher_local(Arena *run, Decoder *decoder, const Vocab *vocab)
{
    Local *l = arena_new(run, Local, 1);

    *l = (Local){.base = {&local_kind}, .decoder = decoder, .vocab = vocab};
    return &l->base;
}
