// Chat templates: read, and run on fixed conversations, with and without places of the assistant.
#include "model/text/chat/chat_template.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static const char *const REQUESTS[] = {
    "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi \\u00fc\"}]}",
    "{\"messages\": [{\"role\": \"system\", \"content\": \"Be kind.\"}, {\"role\": \"user\", "
    "\"content\": \"2+2?\"}, {\"role\": \"assistant\", \"content\": \" 4 \"}, {\"role\": \"user\", "
    "\"content\": \"\"}, {\"role\": \"assistant\", \"content\": \"<|im_end|>\"}]}",
    "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"x\"}]}, "
    "{\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"id\": \"a1\", \"type\": "
    "\"function\", \"function\": {\"name\": \"f\", \"arguments\": {\"n\": 1, \"d\": [0.5, true, "
    "null]}}}]}, {\"role\": \"tool\", \"content\": \"7\", \"name\": \"f\"}, {\"role\": "
    "\"assistant\", \"content\": \"It is 7.\"}], \"tools\": [{\"type\": \"function\", "
    "\"function\": "
    "{\"name\": \"f\", \"description\": \"doubles\", \"parameters\": {\"type\": \"object\", "
    "\"properties\": {\"n\": {\"type\": \"integer\"}}}}}]}"};

static Err read_request(FuzzRoom *room, const char *text, ChatRequest *q)
{
    const Json *root;

    TRY(json_parse(&room->run, "conversation", text, (int64_t)strlen(text), JSON_NO_COMMENTS,
                   &root));
    *q = (ChatRequest){.messages = json_member(root, "messages"),
                       .tools = json_member(root, "tools"),
                       .add_generation_prompt = 1,
                       .has_time = 1,
                       .time = 1700000000};
    return OK;
}

static void check_text(const ChatText *c)
{
    FUZZ_HOLDS(c->text[c->length] == 0 && text_utf8_bad(c->text, c->length) < 0);
    for (int64_t i = 0; i < c->spans; i++) {
        const ChatSpan *s = &c->span[i];

        FUZZ_HOLDS(0 <= s->turn.begin && s->turn.begin <= s->content.begin &&
                   s->content.begin <= s->content.end && s->content.end <= s->turn.end &&
                   s->turn.end <= c->length);
    }
}

// Whether there is more to find out: what exhausts the bounds once does so every time, and slowly.
static int keeps(Err e, const ChatText *out)
{
    int is_exhausted = e != OK && strstr(err_record()->text, "more than") != NULL;

    if (fuzz_worked(e))
        check_text(out);
    return !is_exhausted;
}

// A conversation may be refused; the template is used all the same.
static Err run_template(FuzzRoom *room, const ChatTemplate *t)
{
    int goes_on = 1;

    for (size_t i = 0; i < sizeof REQUESTS / sizeof REQUESTS[0] && goes_on; i++) {
        ArenaMark   mark = arena_mark(&room->run);
        ChatRequest q;
        ChatText    out;

        TRY(read_request(room, REQUESTS[i], &q));
        goes_on = keeps(chat_template_render(t, &room->run, &room->scratch, &q, &out), &out);
        q.add_generation_prompt = 0;
        if (goes_on)
            goes_on = keeps(chat_template_spans(t, &room->run, &room->scratch, &q, &out), &out);
        arena_back(&room->run, mark);
    }
    return OK;
}

static Err use_template(FuzzRoom *room, const uint8_t *data, size_t size)
{
    ChatTemplate t;

    TRY(chat_template_make(&room->run, "input", (const char *)data, (int64_t)size, "<s>", "</s>",
                           &t));
    return run_template(room, &t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_end(use_template(fuzz_begin(), data, size));
}
