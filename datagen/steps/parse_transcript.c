// Two who speak in turn: "[Human] ...\n[AI] ...\n[Human] ...".
#include "datagen/steps/parse.h"

#include <stddef.h>

// Place of a text in s from `at` on; -1: none.
static int64_t find(Span s, int64_t at, Span what)
{
    for (; at + what.length <= s.length; at++)
        if (unitext_begins(span_from(s, at), what))
            return at;
    return -1;
}

static void add_pair(ParsePieces *out, Span asks, Span answers)
{
    ParsePiece piece = {.field = {unitext_strip(asks), unitext_strip(answers), {"", 0}}};

    parse_add(out, &piece);
}

// What stands before the first speaker and behind the last is left out, and everything from the
// first turn on that has not exactly one answer.
static void published(const ParseSpec *spec, Span s, ParsePieces *out)
{
    Span    asks = span_of(spec->speaker[0]), answers = span_of(spec->speaker[1]);
    int64_t begin = find(s, 0, asks), end;

    for (; begin >= 0; begin = end) {
        Span    part;
        int64_t at;

        end = find(s, begin + asks.length, asks);
        if (end < 0)
            return;
        part = span_cut(s, begin + asks.length, end);
        at = find(part, 0, answers);
        if (at < 0 || find(part, at + answers.length, answers) >= 0)
            return;
        add_pair(out, span_cut(part, 0, at), span_from(part, at + answers.length));
    }
}

// Who speaks in the line at `at`: 0 or 1, -1: the line goes on; *begin: of what is said.
static int speaker(const ParseSpec *spec, Span s, int64_t at, int64_t *begin)
{
    at += parse_blanks(span_from(s, at));
    for (int i = 0; i < 2; i++)
        if (unitext_begins(span_from(s, at), span_of(spec->speaker[i]))) {
            *begin = at + span_of(spec->speaker[i]).length;
            return i;
        }
    return -1;
}

// Where the turn that begins at `at` ends: at the next line of the other speaker.  Another line of
// the same one goes on with the same turn.
static int64_t turn_end(const ParseSpec *spec, Span s, int64_t at, int who)
{
    int64_t begin;

    for (at = parse_next_line(s, at); at < s.length; at = parse_next_line(s, at))
        if (speaker(spec, s, at, &begin) == 1 - who)
            break;
    return at;
}

// The words of one turn: marks of the same speaker inside of it are taken out.
static Span turn(const ParseSpec *spec, Arena *arena, Span s, int64_t at, int64_t end)
{
    Text t = text_make(arena);

    while (at < end) {
        int64_t next = parse_next_line(span_cut(s, 0, end), at), begin = at;

        speaker(spec, s, at, &begin);
        text_add(&t, s.text + begin, next - begin);
        at = next;
    }
    return (Span){t.data, t.length};
}

// Every question with its answer; an answer without a question (the prompt asked it, perhaps) and a
// question that nobody answered are pieces that are malformed.
static void intended(const ParseSpec *spec, Span s, ParsePieces *out)
{
    Span    asked = {NULL, 0};
    int64_t at = 0, begin, end;

    while (at < s.length && speaker(spec, s, at, &begin) < 0)
        at = parse_next_line(s, at);
    if (!unitext_is_blank(span_cut(s, 0, at)))
        parse_add_malformed(out, unitext_strip(span_cut(s, 0, at)));
    for (; at < s.length; at = end) {
        int  who = speaker(spec, s, at, &begin);
        Span said;

        end = turn_end(spec, s, at, who);
        said = turn(spec, out->arena, s, at, end);
        if (who == 1 && asked.text != NULL)
            add_pair(out, asked, said);
        else if (who == 1)
            parse_add_malformed(out, unitext_strip(said));
        asked = who == 0 ? said : (Span){NULL, 0};
    }
    if (asked.text != NULL && !unitext_is_blank(asked))
        parse_add_malformed(out, unitext_strip(asked));
}

void parse_transcript(const ParseSpec *spec, Span text, ParsePieces *out)
{
    if (spec->as == PARSE_PUBLISHED)
        published(spec, text, out);
    else
        intended(spec, text, out);
}
