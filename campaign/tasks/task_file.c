// A data file as a task: the loss of what is in it.
#include "campaign/tasks/task_private.h"

#include "io/file.h"

#include <string.h>

static int is_text_file(const char *path, const char *format)
{
    size_t n = strlen(path);

    return (format == NULL || *format == 0) && n > 4 && strcmp(path + n - 4, ".txt") == 0;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL && slash[1] != 0 ? slash + 1 : path;
}

static Err make_of_file(Arena *run, const char *path, const char *format, const char *more,
                        Task *out)
{
    Text        t = text_make(run);
    const Json *root;

    text_puts(&t, "{\"kind\": \"perplexity\", \"task\": ");
    text_json(&t, last_part(path), (int64_t)strlen(last_part(path)));
    text_puts(&t, ", \"data\": {\"files\": [");
    text_json(&t, path, (int64_t)strlen(path));
    text_puts(&t, "]");
    if (format != NULL && *format != 0) {
        text_puts(&t, ", \"format\": ");
        text_json(&t, format, (int64_t)strlen(format));
    }
    text_printf(&t, "}%s}", more);
    TRY(json_parse(run, "--data", t.data, t.length, JSON_NO_COMMENTS, &root));
    return task_make(run, root, ".", NULL, out);
}

Err task_of_file(Arena *run, const char *path, const char *format, Task *out)
{
    const Json *data;
    TaskData    look;
    Text        t = text_make(run);

    if (!file_exists(path))
        FAIL(ERR_IO, "%s: there is no such file", path);
    if (is_text_file(path, format))
        return make_of_file(run, path, format, ", \"whole_files\": true", out);
    text_puts(&t, "{\"files\": [");
    text_json(&t, path, (int64_t)strlen(path));
    text_puts(&t, "]");
    if (format != NULL && *format != 0) {
        text_puts(&t, ", \"format\": ");
        text_json(&t, format, (int64_t)strlen(format));
    }
    text_puts(&t, "}");
    TRY(json_parse(run, "--data", t.data, t.length, JSON_NO_COMMENTS, &data));
    TRY(task_data_open(run, data, NULL, ".", 0, &look));
    if (task_has_field(&look, "messages"))
        return make_of_file(run, path, format,
                            task_has_field(&look, "tools")
                                ? ", \"conversation\": \"messages\", \"tools\": \"tools\""
                                : ", \"conversation\": \"messages\"",
                            out);
    if (!task_has_field(&look, "text"))
        FAIL(ERR_CONFIG,
             "%s: its records have neither conversations (messages) nor a field text, which the "
             "loss could be taken of; say in a task file what is to be foreseen",
             path);
    return make_of_file(run, path, format, "", out);
}
