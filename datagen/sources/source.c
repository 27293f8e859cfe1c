#include "datagen/sources/source.h"

#include "base/text.h"

#include <string.h>

static const SourceKind *const kinds[] = {&source_addition, &source_chains, &source_records};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

Err source_make(Arena *run, const Json *config, const char *folder, uint64_t seed, Source **out)
{
    const Json *kind = json_member(config, "kind");
    const char *names[KINDS], *near;
    Text        all = text_make(run);

    for (int i = 0; i < KINDS; i++) {
        if (kind != NULL && kind->kind == JSON_TEXT && strcmp(kind->text, kinds[i]->name) == 0)
            return kinds[i]->make(run, config, folder, seed, out);
        names[i] = kinds[i]->name;
        text_printf(&all, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    if (kind == NULL || kind->kind != JSON_TEXT)
        FAIL(ERR_CONFIG, "%s: a source needs \"kind\": one of %s",
             json_where(kind == NULL ? config : kind, (char[512]){0}, 512), all.data);
    near = text_nearest(kind->text, names, KINDS);
    FAIL(ERR_CONFIG, "%s: found the kind of source \"%.60s\"%s%s%s; expected one of %s",
         json_where(kind, (char[512]){0}, 512), kind->text, near == NULL ? "" : "; did you mean \"",
         near == NULL ? "" : near, near == NULL ? "" : "\"?", all.data);
}

uint64_t source_sum(const Source *s)
{
    return s->sum;
}

const char *source_report(const Source *s)
{
    return s->report == NULL ? "" : s->report;
}

int64_t source_total(const Source *s)
{
    return s->total;
}

int64_t source_longest(const Source *s)
{
    return s->longest;
}

int64_t source_count(const Source *s, SourceSplit split)
{
    return s->kind->count(s, split);
}

int source_groups(const Source *s)
{
    return s->groups;
}

const char *source_group_label(const Source *s)
{
    return s->group_label;
}

const char *source_group_name(const Source *s, int group)
{
    CHECK(0 <= group && group < s->groups, "group %d", group);
    return s->group_name[group];
}

int source_group_of(const Source *s, int64_t group)
{
    if (s->group_of != NULL)
        return s->group_of(s, group);
    return group >= 0 && group < s->groups ? (int)group : -1;
}

int source_classes(const Source *s)
{
    return s->class_of == NULL ? 1 : s->classes;
}

int source_class_of(const Source *s, int64_t group)
{
    return s->class_of == NULL ? 0 : s->class_of(s, group);
}

double source_class_weight(const Source *s, int class_number)
{
    return s->class_of == NULL ? 1 : s->class_weight[class_number];
}

void source_draw(const Source *s, SourceSplit split, int64_t iteration, int64_t k, Record *r)
{
    s->kind->draw(s, split, iteration, k, r);
}

const char *const *source_fields(const Source *s, int *count)
{
    return s->kind->fields(s, count);
}

const char *const *source_verdicts(const Source *s, int *count)
{
    return s->kind->verdicts(s, count);
}

int64_t source_max_tokens(const Source *s)
{
    return s->kind->max_tokens(s);
}

int source_can_parse(const Source *s)
{
    return s->kind->parse != NULL;
}

int source_parse(const Source *s, const char *question, Record *r)
{
    return s->kind->parse(s, question, r);
}

int source_is_held_out(const Source *s, const Record *r)
{
    return s->kind->is_held_out(s, r);
}

int source_can_verify(const Source *s)
{
    return s->kind->verify != NULL;
}

void source_verify(const Source *s, const char *text, Record *r, const char *verdict)
{
    s->kind->verify(s, text, r, verdict);
}
