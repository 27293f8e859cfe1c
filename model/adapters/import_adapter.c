#define _GNU_SOURCE // realpath
#include "model/adapters/import_adapter.h"

#include "io/file.h"
#include "model/adapters/adapter.h"
#include "model/adapters/peft.h"
#include "model/text/chat/chat_template.h"
#include "model/vocab.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARENTS = 3 }; // folders above an adapter's in which its base is looked for

const char *import_split(Arena *run, const char *path, const char **base)
{
    const char *at = strrchr(path, '@');

    if (at == NULL || at == path || at[1] == 0 || file_exists(path))
        return path;
    *base = at + 1;
    return arena_text_n(run, path, at - path);
}

// ---- the base

// A name as adapter_config.json has it: from the adapter's folder, those above it, or from here.
static const char *look_for(Arena *run, const char *folder, const char *name)
{
    const char *at = folder;

    for (int up = 0; up <= PARENTS && name[0] != '/'; up++) {
        const char *path = arena_format(run, "%s/%s", at, name);

        if (file_exists(path))
            return path;
        at = arena_format(run, "%s/..", at);
    }
    return file_exists(name) ? arena_text(run, name) : NULL;
}

// Finds the model below and takes over what it is; its own adapters stay below.
static Err find_base(Arena *run, const char *path, ImportModel *out)
{
    ImportModel *below = arena_new(run, ImportModel, 1);

    TRY(import_find_below(run, path, out->above + 1, below));
    out->dims = below->dims;
    out->tokenizer = below->tokenizer;
    out->chat_format = below->chat_format;
    out->base = below->base != NULL ? below->base : below;
    memcpy(out->part, below->part, sizeof out->part);
    out->has_digest = below->has_digest;
    out->digest = below->digest;
    return OK;
}

static Err put_on(ImportModel *m, const ImportPart *part, const AdapterPlan *plan)
{
    int n = m->dims.adapters;

    if (n == ADAPTERS_MAX)
        FAIL(ERR_CONFIG, "%s: more than %d adapters on each other are not supported; merge some",
             part->path, ADAPTERS_MAX);
    m->dims.adapter[n] = *plan;
    m->dims.adapter[n].is_frozen = 1;
    m->part[n] = *part;
    m->dims.adapters++;
    return OK;
}

// ---- PEFT

// Its tensors are looked at, so that no memory is asked for that its file does not fill.
static Err put_peft(Arena *run, const Peft *p, ImportModel *m)
{
    ImportPart  part = {.path = p->folder, .is_peft = 1};
    AdapterPlan plan;
    Params      base, table;
    ArenaMark   mark;
    Err         e;

    TRY(peft_plan(p, &m->dims, &plan));
    TRY(put_on(m, &part, &plan));
    mark = arena_mark(run);
    base = params_make(run, &m->dims);
    table = params_make_of(run, &m->dims, m->dims.adapters - 1);
    e = peft_check(run, p->folder, &table, &base);
    arena_back(run, mark);
    return e;
}

// Trainers of others put the template beside the adapter, often without a tokenizer.
static Err find_template(Arena *run, const char *folder, ImportModel *out)
{
    char    path[FILE_PATH_MAX], *text;
    int64_t bytes;

    TRY(file_join(path, folder, "chat_template.jinja"));
    if (!file_exists(path))
        return OK;
    TRY(file_read(run, path, JINJA_TEMPLATE_BYTES_MAX, &text, &bytes));
    if (text_utf8_bad(text, bytes) >= 0 || memchr(text, 0, (size_t)bytes) != NULL)
        FAIL(ERR_DATA, "%s: expected a text in UTF-8", path);
    if (bytes > 0)
        out->chat_format = chat_format_of_template(run, text);
    return OK;
}

Err import_adapter_folder(Arena *run, const char *path, const char *base, ImportModel *out)
{
    const char *found = base, *tokenizer = NULL;
    char        parent[FILE_PATH_MAX], config[FILE_PATH_MAX];
    Peft        p;

    TRY(peft_open(run, path, &p));
    if (found == NULL && p.base != NULL)
        found = look_for(run, path, p.base);
    snprintf(parent, sizeof parent, "%.4000s/..", path);
    TRY(file_join(config, parent, "config.json"));
    if (found == NULL && file_exists(config)) // an adapter that stands in its base's folder
        found = parent;
    if (found == NULL)
        FAIL(
            ERR_DATA,
            "%s: is an adapter on the model \"%.200s\", which is found neither from its folder nor "
            "from here; give it as %s@PATH-OF-THE-BASE",
            path, p.base != NULL ? p.base : "(unnamed)", path);
    TRY(find_base(run, found, out));
    TRY(put_peft(run, &p, out));
    TRY(vocab_source(run, path, &tokenizer));
    if (tokenizer != NULL) {
        out->tokenizer = tokenizer;
        out->chat_format = NULL; // the files beside it say it
    } else {
        TRY(find_template(run, path, out));
    }
    snprintf(out->chosen, sizeof out->chosen, "%s", path);
    return OK;
}

// ---- weight files of ours

static Err read_digest(const Json *object, uint64_t *out)
{
    const char *text;
    char        where[JSON_WORDS], *end;

    TRY(json_want_text(object, "digest", &text));
    *out = strtoull(text, &end, 16);
    if (strlen(text) != 16 || *end != 0)
        FAIL(ERR_DATA, "%s: \"digest\" must have 16 digits",
             json_where(object, where, sizeof where));
    return OK;
}

static Err want_base(const char *file, const char *base)
{
    if (!file_exists(base))
        FAIL(ERR_DATA,
             "%s: holds an adapter on the model %s, which is not there any more; give it as "
             "%s@PATH-OF-THE-BASE",
             file, base, file);
    return OK;
}

static Err put_under(Arena *run, const Json *one, ImportModel *out)
{
    ImportPart  part = {.has_digest = 1};
    const Json *object;
    AdapterPlan plan;

    TRY(json_want_text(one, "path", &part.path));
    TRY(read_digest(one, &part.digest));
    TRY(json_want_object(one, "adapter", &object));
    TRY(adapter_read(object, &out->dims, &plan));
    TRY(want_base(out->chosen, part.path));
    part.path = arena_text(run, part.path);
    part.is_peft = peft_is(part.path);
    return put_on(out, &part, &plan);
}

static Err parse(Arena *run, const char *path, const char *text, const Json **root)
{
    return json_parse(run, arena_format(run, "%s (what it adapts)", path), text,
                      (int64_t)strlen(text), JSON_NO_COMMENTS, root);
}

Err import_adapter_file(Arena *run, const CkptTexts *texts, const char *base, ImportModel *out)
{
    ImportPart  part = {.path = arena_text(run, out->chosen)};
    const Json *root, *object, *under;
    const char *path;
    AdapterPlan plan;
    uint64_t    digest;

    TRY(parse(run, out->chosen, texts->adapter, &root));
    TRY(json_want_object(root, "base", &object));
    TRY(json_want_text(object, "path", &path));
    TRY(read_digest(object, &digest));
    if (base == NULL)
        TRY(want_base(out->chosen, path));
    TRY(find_base(run, base != NULL ? base : path, out));
    if (out->dims.adapters > 0)
        FAIL(ERR_DATA, "%s: its base %s is an adapter itself; a whole model is expected",
             out->chosen, base != NULL ? base : path);
    out->has_digest = 1;
    out->digest = digest;
    TRY(json_want_array(root, "under", &under));
    for (const Json *u = under->child; u != NULL; u = u->next)
        TRY(put_under(run, u, out));
    TRY(json_want_object(root, "adapter", &object));
    TRY(adapter_read(object, &out->dims, &plan));
    if (texts->tokenizer != NULL && texts->tokenizer[0] != 0)
        out->tokenizer = texts->tokenizer;
    if (texts->chat != NULL && texts->chat[0] != 0)
        out->chat_format = texts->chat;
    return put_on(out, &part, &plan);
}

// ---- one more

// Of the models below their adapters, as far as tensors go: the context may differ.
static int same_shape(Arena *scratch, const Dims *a, const Dims *b)
{
    ArenaMark mark = arena_mark(scratch);
    Params    p = params_make(scratch, a), q = params_make(scratch, b);
    int       same = p.count == q.count;

    for (int n = 0; same && n < p.count; n++)
        same = strcmp(p.list[n].name, q.list[n].name) == 0 && p.list[n].rows == q.list[n].rows &&
               p.list[n].columns == q.list[n].columns;
    arena_back(scratch, mark);
    return same;
}

static Err add_file(Arena *run, const char *path, ImportModel *m)
{
    ImportModel *found = arena_new(run, ImportModel, 1);
    AdapterPlan  plan;
    int          n;

    TRY(import_find(run, path, found));
    n = found->dims.adapters - 1;
    if (n < 0)
        FAIL(ERR_CONFIG, "%s: is a whole model; an adapter is expected", path);
    plan = found->dims.adapter[n];
    if (!same_shape(run, &found->dims, &m->dims))
        FAIL(ERR_CONFIG, "%s: is an adapter on a model of another shape than this one", path);
    return put_on(m, &found->part[n], &plan);
}

Err import_add(Arena *run, const char *path, ImportModel *m)
{
    Peft p;

    if (m->base == NULL) {
        ImportModel *below = arena_new(run, ImportModel, 1);

        *below = *m;
        m->base = below;
    }
    if (!peft_is(path))
        return add_file(run, path, m);
    TRY(peft_open(run, path, &p));
    return put_peft(run, &p, m);
}

// ---- weights

static void whole_path(const char *path, char out[4096])
{
    char *whole = realpath(path, NULL);

    snprintf(out, 4096, "%s", whole != NULL ? whole : path);
    free(whole);
}

static Err load_base(Arena *scratch, const ImportModel *m, const Net *net, uint64_t *digest)
{
    const ImportModel *base = m->base != NULL ? m->base : m;
    ArenaMark          mark = arena_mark(scratch);

    TRY(import_load(scratch, base, &net->params, net->flat));
    *digest = params_digest(scratch, &net->params, net->flat);
    if (m->has_digest && *digest != m->digest)
        FAIL(ERR_DATA,
             "%s: was made on a model with the digest %016" PRIx64 ", but %s has %016" PRIx64
             ": its weights are others; give the right one as %s@PATH-OF-THE-BASE",
             m->chosen, m->digest, base->chosen, *digest, m->chosen);
    arena_back(scratch, mark);
    return OK;
}

static Err load_part(Arena *scratch, const ImportModel *m, int n, const Net *net, uint64_t *digest)
{
    NetPart           to = net_part(net, n);
    const ImportPart *part = &m->part[n];
    ParamsFile        file = {.params = to.params, .flat = {to.flat}};
    ArenaMark         mark = arena_mark(scratch);

    if (part->is_peft)
        TRY(peft_load(scratch, part->path, to.params, to.flat, &net->params, net->flat));
    else
        TRY(ckpt_read_tensors(scratch, part->path, params_tensors(scratch, to.params),
                              to.params->count, 1, params_take, &file));
    *digest = params_digest(scratch, to.params, to.flat);
    if (part->has_digest && *digest != part->digest)
        FAIL(ERR_DATA,
             "%s: was made on an adapter with the digest %016" PRIx64 ", but %s has %016" PRIx64
             ": put the right one there",
             m->chosen, part->digest, part->path, *digest);
    arena_back(scratch, mark);
    return OK;
}

Err import_load_net(Arena *scratch, const ImportModel *m, Net *net, ImportOrigin *origin)
{
    const ImportModel *base = m->base != NULL ? m->base : m;
    uint64_t           digest;

    CHECK(net->params.dims.adapters >= m->dims.adapters, "%d adapters", m->dims.adapters);
    if (net->params.dims.adapters == 0)
        return import_load(scratch, m, &net->params, net->flat);
    TRY(load_base(scratch, m, net, &digest));
    if (origin != NULL) {
        origin->digest = digest;
        origin->unders = m->dims.adapters;
        whole_path(base->chosen, origin->base);
    }
    for (int n = 0; n < m->dims.adapters; n++) {
        TRY(load_part(scratch, m, n, net, &digest));
        if (origin == NULL)
            continue;
        origin->under_digest[n] = digest;
        whole_path(m->part[n].path, origin->under[n]);
    }
    return OK;
}

// ---- what a file says of it

static void write_place(Text *t, const char *path, uint64_t digest)
{
    text_puts(t, "{\"path\": ");
    text_json(t, path, (int64_t)strlen(path));
    text_printf(t, ", \"digest\": \"%016" PRIx64 "\"", digest);
}

void import_write_origin(Text *t, const Dims *d, const ImportOrigin *origin)
{
    text_puts(t, "{\"base\": ");
    write_place(t, origin->base, origin->digest);
    text_puts(t, "},\n \"under\": [");
    for (int n = 0; n < origin->unders; n++) {
        text_puts(t, n > 0 ? ",\n  " : "");
        write_place(t, origin->under[n], origin->under_digest[n]);
        text_puts(t, ", \"adapter\": ");
        adapter_write(t, d, &d->adapter[n]);
        text_puts(t, "}");
    }
    text_puts(t, "],\n \"adapter\": ");
    adapter_write(t, d, &d->adapter[d->adapters - 1]);
    text_puts(t, "}\n");
}

Err import_same_origin(Arena *scratch, const char *path, const char *text,
                       const ImportOrigin *origin)
{
    const Json *root, *object, *under;
    uint64_t    digest;
    int         n = 0;

    if (text == NULL)
        FAIL(ERR_DATA, "%s: holds a whole model; an adapter is expected", path);
    TRY(parse(scratch, path, text, &root));
    TRY(json_want_object(root, "base", &object));
    TRY(read_digest(object, &digest));
    if (digest != origin->digest)
        FAIL(ERR_DATA,
             "%s: was made on a model with the digest %016" PRIx64 ", but %s has %016" PRIx64
             ": its weights were changed; put the old ones back, or choose another out=",
             path, digest, origin->base, origin->digest);
    TRY(json_want_array(root, "under", &under));
    if (under->length != origin->unders)
        FAIL(ERR_DATA, "%s: stands on %d adapters, but this run has %d: choose another out=", path,
             (int)under->length, origin->unders);
    for (const Json *u = under->child; u != NULL; u = u->next, n++) {
        TRY(read_digest(u, &digest));
        if (digest != origin->under_digest[n])
            FAIL(ERR_DATA,
                 "%s: was made on an adapter with the digest %016" PRIx64 ", but %s has %016" PRIx64
                 ": put the old one back, or choose another out=",
                 path, digest, origin->under[n], origin->under_digest[n]);
    }
    return OK;
}
