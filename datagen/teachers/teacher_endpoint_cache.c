// What was sent, what was answered and what it cost: one file per writer under RUN/cache.
//
// A line is a JSON object that begins with the sum of what stands behind the sum, then the key:
//   "sent": 1                             before a request goes out; -1: nobody was there
//   "prompt_tokens": 12, "new_tokens": 34, "end": "done", "text": "..."           an answer
//   "prompt_tokens": 0, "new_tokens": 0, "end": "failed", "text": "http 5xx"      given up
//   "charged": 256, "why": "timed out"    tokens that were spent without an answer that is kept
// Files are only ever added to, by the process that made them; others are read once, at the start.
#include "datagen/teachers/teacher_endpoint_private.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SUM_AT = 9,   // of the digits in {"sum": "
    BODY_AT = 28, // of what is summed: behind the digits, a quote, a comma, a space
    KEY_DIGITS = 32,
    LINE_MIN = 60,    // bytes of the shortest line
    GROWTH = 16 << 20 // by which a file may grow while it is read: its writer may be dying
};

static const double SYNC_S = 1;

typedef struct Entry { // an answer that is there
    EndpointKey key;
    int64_t     at, bytes; // of its line
    int         file;
    int         order; // as they were read: the first of equal ones counts
} Entry;

struct EndpointCache {
    Arena   names; // of the files
    Arena   index; // the entries
    char  **path;
    int     paths;
    Entry  *entry;
    int64_t count;
    char    own[FILE_PATH_MAX];
    int     file;     // our own, -1 if nothing is written
    int     is_dirty; // written since the last sync
    double  synced;
};

// ---- lines

static int read_hex(const char *digits, int count, uint64_t *out)
{
    *out = 0;
    for (int i = 0; i < count; i++) {
        const char *all = "0123456789abcdef", *at = digits[i] == 0 ? NULL : strchr(all, digits[i]);

        if (at == NULL)
            return 0;
        *out = *out << 4 | (uint64_t)(at - all);
    }
    return 1;
}

// 1 if a line (without its newline) is whole and as it was written.
static int is_whole(const char *line, int64_t bytes)
{
    uint64_t sum;

    return bytes >= LINE_MIN && memcmp(line, "{\"sum\": \"", SUM_AT) == 0 &&
           read_hex(line + SUM_AT, 16, &sum) &&
           sum == hash_bytes(0, line + BODY_AT, bytes - BODY_AT);
}

static Text begin_line(Arena *scratch, EndpointKey key)
{
    Text t = text_make(scratch);

    text_printf(&t, "{\"sum\": \"0000000000000000\", \"key\": \"%016" PRIx64 "%016" PRIx64 "\", ",
                key.part[0], key.part[1]);
    return t;
}

static Err add_line(EndpointCache *c, Text *t)
{
    char    sum[20];
    ssize_t written;

    if (c->file < 0)
        return OK;
    snprintf(sum, sizeof sum, "%016" PRIx64, hash_bytes(0, t->data + BODY_AT, t->length - BODY_AT));
    memcpy(t->data + SUM_AT, sum, 16);
    text_puts(t, "\n");
    do // one call per line
        written = write(c->file, t->data, (size_t)t->length);
    while (written < 0 && errno == EINTR);
    if (written != t->length)
        FAIL(ERR_IO, "writing %s: %s; %lld MiB are free there: make room and start again", c->own,
             written < 0 ? strerror(errno) : "only a part of the line was taken",
             (long long)(file_space(c->own) >> 20));
    c->is_dirty = 1;
    return OK;
}

Err endpoint_cache_sent(EndpointCache *c, Arena *scratch, EndpointKey key, int requests)
{
    ArenaMark mark = arena_mark(scratch);
    Text      t = begin_line(scratch, key);
    Err       e;

    text_printf(&t, "\"sent\": %d}", requests);
    e = add_line(c, &t);
    arena_back(scratch, mark);
    return e;
}

static const char *end_name(TeacherEnd end)
{
    return end == TEACHER_DONE ? "done" : end == TEACHER_LENGTH ? "length" : "failed";
}

Err endpoint_cache_answer(EndpointCache *c, Arena *scratch, EndpointKey key,
                          const EndpointAnswer *a)
{
    ArenaMark mark = arena_mark(scratch);
    Text      t = begin_line(scratch, key);
    Err       e;

    text_printf(&t,
                "\"prompt_tokens\": %" PRId64 ", \"new_tokens\": %" PRId64
                ", \"end\": \"%s\", \"text\": ",
                a->prompt_tokens, a->new_tokens, end_name(a->end));
    if (a->end == TEACHER_FAILED)
        text_json(&t, a->why, (int64_t)strlen(a->why));
    else
        text_json(&t, a->text, a->bytes);
    text_puts(&t, "}");
    e = add_line(c, &t);
    arena_back(scratch, mark);
    return e;
}

Err endpoint_cache_charge(EndpointCache *c, Arena *scratch, EndpointKey key, int64_t tokens,
                          EndpointOutcome outcome)
{
    ArenaMark mark = arena_mark(scratch);
    Text      t = begin_line(scratch, key);
    Err       e;

    text_printf(&t, "\"charged\": %" PRId64 ", \"why\": \"%s\"}", tokens,
                endpoint_outcome_reason(outcome));
    e = add_line(c, &t);
    arena_back(scratch, mark);
    return e;
}

// ---- reading all files at the start

typedef struct Loading {
    EndpointCache *cache;
    EndpointSpent *spent;
    int            file;    // number of the file
    int            counts;  // its requests are not on the board
    int64_t        damaged; // lines
} Loading;

static void load_line(Loading *l, char *line, int64_t at, int64_t bytes)
{
    EndpointKey key;
    int64_t     prompt, answer;
    const char *rest = line + BODY_AT + 8 + KEY_DIGITS + 3; // behind the key

    if (!is_whole(line, bytes) || !read_hex(line + BODY_AT + 8, 16, &key.part[0]) ||
        !read_hex(line + BODY_AT + 24, 16, &key.part[1])) {
        l->damaged++;
        return;
    }
    if (sscanf(rest, "\"sent\": %" SCNd64, &prompt) == 1) {
        l->spent->requests += l->counts * prompt;
    } else if (sscanf(rest, "\"charged\": %" SCNd64, &prompt) == 1) {
        l->spent->tokens += l->counts * prompt;
    } else if (sscanf(rest, "\"prompt_tokens\": %" SCNd64 ", \"new_tokens\": %" SCNd64, &prompt,
                      &answer) == 2) {
        EndpointCache *c = l->cache;

        l->spent->tokens += l->counts * (prompt + answer);
        c->entry = arena_grow(&c->index, c->entry, c->count * (int64_t)sizeof *c->entry,
                              (c->count + 1) * (int64_t)sizeof *c->entry);
        c->entry[c->count] = (Entry){key, at, bytes, l->file, (int)c->count};
        c->count++;
    }
}

// What stands behind the last newline was being written when its writer died.
static Err load_file(Loading *l, Arena *text)
{
    const char *path = l->cache->path[l->file];
    ArenaMark   mark = arena_mark(text);
    char       *data, *end;
    int64_t     bytes, at = 0;

    l->damaged = 0;
    TRY(file_read(text, path, text->capacity - text->used - (1 << 20), &data, &bytes));
    while ((end = memchr(data + at, '\n', (size_t)(bytes - at))) != NULL) {
        *end = 0;
        load_line(l, data + at, at, end - data - at);
        at = end - data + 1;
    }
    if (at < bytes)
        log_here(LOG_INFO, "%s: its last line is cut, its writer died; it is left out", path);
    if (l->damaged > 0)
        log_here(LOG_WARN,
                 "%s: %lld lines are not as they were written and are left out: what they answered "
                 "is asked again",
                 path, (long long)l->damaged);
    arena_back(text, mark);
    return OK;
}

static int by_key(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    int          order = memcmp(&x->key, &y->key, sizeof x->key);

    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

// teacher-rankNN-attemptNNNN.jsonl
static int is_ours(const char *name, int *attempt)
{
    int rank, length = 0;

    return sscanf(name, "teacher-rank%d-attempt%d.jsonl%n", &rank, attempt, &length) == 2 &&
           length > 0 && name[length] == 0;
}

// Requests that this job sends are counted on its board, by whichever rank.
static Err load_files(EndpointCache *c, const EndpointPlace *place, Arena *text,
                      EndpointSpent *spent)
{
    for (int i = 0; i < c->paths; i++) {
        int     attempt = 0;
        Loading l = {.cache = c, .spent = spent, .file = i};

        is_ours(strrchr(c->path[i], '/') + 1, &attempt);
        l.counts = place->board == NULL || attempt != place->attempt;
        TRY(load_file(&l, text));
    }
    if (c->count > 1)
        qsort(c->entry, (size_t)c->count, sizeof *c->entry, by_key);
    return OK;
}

static Err list_files(EndpointCache *c, const char *folder, int64_t *largest, int64_t *all)
{
    char **names;
    int    count, attempt;

    *largest = *all = 0;
    TRY(file_list(&c->names, folder, &names, &count));
    c->path = arena_new(&c->names, char *, count + 1);
    for (int i = 0; i < count; i++) {
        char path[FILE_PATH_MAX];

        if (!is_ours(names[i], &attempt))
            continue;
        TRY(file_join(path, folder, names[i]));
        int64_t bytes = file_bytes(path);
        *largest = bytes > *largest ? bytes : *largest;
        *all += bytes > 0 ? bytes + GROWTH : GROWTH;
        c->path[c->paths++] = arena_text(&c->names, path);
    }
    return OK;
}

static Err load(EndpointCache *c, const EndpointPlace *place, const char *folder,
                EndpointSpent *spent)
{
    int64_t largest, all;
    Arena   text;
    Err     e;

    TRY(arena_make(&c->names, "names of the cache", 1 << 30));
    TRY(list_files(c, folder, &largest, &all));
    TRY(arena_make(&c->index, "index of the cache",
                   all / LINE_MIN * (int64_t)sizeof(Entry) + (1 << 20)));
    TRY(arena_make(&text, "text of the cache", largest + GROWTH + (2 << 20)));
    e = load_files(c, place, &text, spent);
    arena_free(&text);
    return e;
}

// ---- opening

// If the same process wrote there before and was cut within a line, ours begins a new one.
static Err open_own(EndpointCache *c, const EndpointPlace *place, const char *folder)
{
    char  name[64];
    char  last = '\n';
    off_t end;

    snprintf(name, sizeof name, "teacher-rank%02d-attempt%04d.jsonl", place->rank, place->attempt);
    TRY(file_make_folder(folder));
    TRY(file_join(c->own, folder, name));
    c->file = open(c->own, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (c->file < 0)
        FAIL(ERR_IO, "making %s: %s", c->own, strerror(errno));
    end = lseek(c->file, 0, SEEK_END);
    if (end > 0 && pread(c->file, &last, 1, end - 1) == 1 && last != '\n' &&
        write(c->file, "\n", 1) != 1)
        FAIL(ERR_IO, "writing %s: %s", c->own, strerror(errno));
    TRY(file_sync(folder));
    return OK;
}

static Err open_in(EndpointCache *c, const EndpointPlace *place, EndpointSpent *spent)
{
    char folder[FILE_PATH_MAX];

    TRY(file_join(folder, place->run_dir, "cache"));
    TRY(load(c, place, folder, spent));
    return place->attempt > 0 ? open_own(c, place, folder) : OK;
}

Err endpoint_cache_open(Arena *run, const EndpointPlace *place, EndpointCache **out,
                        EndpointSpent *spent)
{
    EndpointCache *c = arena_new(run, EndpointCache, 1);
    Err            e = OK;

    *spent = (EndpointSpent){0};
    c->file = -1;
    if (place->run_dir != NULL)
        e = open_in(c, place, spent);
    if (e != OK)
        endpoint_cache_close(c);
    *out = c;
    return e;
}

void endpoint_cache_close(EndpointCache *c)
{
    if (c->file >= 0)
        close(c->file); // synced before, if it mattered
    c->file = -1;
    arena_free(&c->index);
    arena_free(&c->names);
}

Err endpoint_cache_sync(EndpointCache *c, int now)
{
    if (c->file < 0 || !c->is_dirty || (!now && clock_now() - c->synced < SYNC_S))
        return OK;
    if (fdatasync(c->file) != 0)
        FAIL(ERR_IO, "syncing %s: %s", c->own, strerror(errno));
    c->is_dirty = 0;
    c->synced = clock_now();
    return OK;
}

// ---- finding

static const Entry *search(const EndpointCache *c, EndpointKey key)
{
    int64_t low = 0, high = c->count;

    while (low < high) { // the first that is not below it
        int64_t middle = low + (high - low) / 2;

        if (memcmp(&c->entry[middle].key, &key, sizeof key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->count && memcmp(&c->entry[low].key, &key, sizeof key) == 0 ? &c->entry[low]
                                                                               : NULL;
}

static Err read_entry(const EndpointCache *c, const Entry *entry, char *line)
{
    const char *path = c->path[entry->file];
    int         file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t     got;

    if (file < 0)
        FAIL(ERR_IO, "opening %s: %s", path, strerror(errno));
    got = pread(file, line, (size_t)entry->bytes, (off_t)entry->at);
    close(file); // read-only: nothing is left to fail
    if (got != entry->bytes || !is_whole(line, entry->bytes))
        FAIL(ERR_DATA, "%s has changed since it was read at the start: byte %" PRId64, path,
             entry->at);
    return OK;
}

// The literal among the reasons.
static const char *reason_named(const char *text)
{
    int                count;
    const char *const *reasons = teacher_reasons(&count);

    for (int i = 0; i < count; i++)
        if (strcmp(reasons[i], text) == 0)
            return reasons[i];
    return "no answer";
}

static Err read_line(Arena *scratch, const char *path, const char *line, int64_t bytes,
                     EndpointAnswer *a)
{
    const Json *root;
    const char *end, *text;

    TRY(json_parse(scratch, path, line, bytes, JSON_NO_COMMENTS, &root));
    TRY(json_want_i64(root, "prompt_tokens", 0, INT64_C(1) << 52, &a->prompt_tokens));
    TRY(json_want_i64(root, "new_tokens", 0, INT64_C(1) << 52, &a->new_tokens));
    TRY(json_want_text(root, "end", &end));
    TRY(json_want_text(root, "text", &text));
    a->end = strcmp(end, "done") == 0     ? TEACHER_DONE
             : strcmp(end, "length") == 0 ? TEACHER_LENGTH
                                          : TEACHER_FAILED;
    a->why = a->end == TEACHER_FAILED ? reason_named(text) : "";
    a->text = a->end == TEACHER_FAILED ? "" : text;
    a->bytes = (int64_t)strlen(a->text);
    return OK;
}

Err endpoint_cache_find(EndpointCache *c, Arena *scratch, EndpointKey key, int *found,
                        EndpointAnswer *answer)
{
    const Entry *entry = search(c, key);
    char        *line;

    *found = entry != NULL;
    if (entry == NULL)
        return OK;
    line = arena_new(scratch, char, entry->bytes + 1);
    TRY(read_entry(c, entry, line));
    return read_line(scratch, c->path[entry->file], line, entry->bytes, answer);
}
