#include "campaign/report/report_model.h"

#include "campaign/report/report_html.h"

#include <string.h>

static const Json *member(const Json *object, const char *key)
{
    return object != NULL && object->kind == JSON_OBJECT ? json_member(object, key) : NULL;
}

static const char *text_of(const Json *object, const char *key)
{
    const Json *m = member(object, key);

    return m != NULL && m->kind == JSON_TEXT ? m->text : "";
}

static double number_of(const Json *object, const char *key)
{
    const Json *m = member(object, key);

    return m != NULL && m->kind == JSON_NUMBER ? m->number : 0;
}

static void row(Text *t, const char *name, const char *words)
{
    text_printf(t, "<tr><td>%s</td><td class='words'>", name);
    html_text(t, words);
    text_puts(t, "</td></tr>\n");
}

// A path, {"from": path}, or the shape of a model that begins with random weights.
static const char *model_words(const Json *config)
{
    const Json *model = member(config, "model");

    if (model != NULL && model->kind == JSON_TEXT)
        return model->text;
    return member(model, "from") != NULL ? text_of(model, "from") : "begins with random weights";
}

static void write_adapter(Text *t, const Json *lora)
{
    Text        words = text_make(t->arena);
    double      rank = number_of(lora, "rank"), alpha = number_of(lora, "alpha");
    const Json *targets = member(lora, "targets"), *beside = member(lora, "beside");

    if (rank == 0) {
        row(t, "trained", "the model itself");
        return;
    }
    text_printf(&words, "an adapter (LoRA) of rank %.0f, alpha %.0f%s, on ", rank,
                alpha == 0 ? 2 * rank : alpha,
                member(lora, "rslora") != NULL && member(lora, "rslora")->kind == JSON_TRUE
                    ? " by the root of the rank"
                    : "");
    if (targets == NULL || (targets->kind == JSON_ARRAY && targets->length == 0))
        text_puts(&words, "the layers of attention");
    else if (targets->kind == JSON_TEXT)
        text_puts(&words, targets->text);
    else
        for (const Json *m = targets->child; m != NULL; m = m->next)
            text_printf(&words, "%s%s", m == targets->child ? "" : ", ",
                        m->kind == JSON_TEXT ? m->text : "?");
    for (const Json *m = beside == NULL || beside->kind != JSON_ARRAY ? NULL : beside->child;
         m != NULL; m = m->next)
        text_printf(&words, "%s%s", m == beside->child ? "; whole beside it: " : ", ",
                    m->kind == JSON_TEXT ? m->text : "?");
    row(t, "trained", words.data);
}

static void write_template(Text *t, const Json *about, const Json *config)
{
    const char *text = text_of(about, "chat_template"), *name = text_of(config, "chat_template");

    if (*text == 0)
        return;
    text_puts(t, "<tr><td>chat template</td><td class='words'>");
    html_text(t, *name != 0 ? name : "that of the model's tokenizer");
    text_puts(t, "<details><summary>its text</summary><pre>");
    html_escape(t, text, (int64_t)strlen(text));
    text_puts(t, "</pre></details></td></tr>\n");
}

static void write_data(Text *t, const Json *about)
{
    const char *data = text_of(about, "data");

    while (*data != 0) {
        size_t line = strcspn(data, "\n");

        text_puts(t, "<tr><td>data</td><td class='words'>");
        html_escape(t, data, (int64_t)line);
        text_puts(t, "</td></tr>\n");
        data += line + (data[line] == '\n');
    }
}

// What the steps were made of, from their lines; steps that were repeated after a kill count once.
static void write_steps(Text *t, const Json *metrics)
{
    double steps = 0, tokens = 0, learned = 0, last = 0, iteration = -1, lr = 0;
    Text   words = text_make(t->arena);

    for (const Json *j = metrics; j != NULL; j = j->next) {
        double i = number_of(j, "iteration"), step = number_of(j, "step");

        if (strcmp(text_of(j, "kind"), "step") != 0 || i < iteration ||
            (i == iteration && step <= last))
            continue;
        iteration = i;
        last = step;
        steps++;
        tokens += number_of(j, "tokens");
        learned += number_of(j, "loss_tokens");
        lr = number_of(j, "lr") > lr ? number_of(j, "lr") : lr;
    }
    if (steps == 0)
        return;
    text_printf(&words,
                "%.0f optimizer steps, learning rate at most %g; %.0f tokens read, %.0f of them "
                "learned",
                steps, lr, tokens, learned);
    row(t, "training", words.data);
}

void report_model(Text *html, const Json *about, const Json *metrics)
{
    const Json *config = member(about, "config");

    text_puts(html, "<h2>Model and data</h2>\n<table>\n");
    row(html, "model", model_words(config));
    if (member(config, "lora") != NULL)
        write_adapter(html, member(config, "lora"));
    write_template(html, about, config);
    write_data(html, about);
    write_steps(html, metrics);
    text_puts(html, "</table>\n");
}
