// parse.h -- pieces of a text that a model wrote: items of a list, sections, examples, labels,
// turns.
//
// Each kind has two ways.  Published: what the reference program of the method does, its defects
// included, so that published numbers can be met.  Intended: markers count at the beginning of a
// line only and go by any numbering that rises; what is not of the form is a piece that says so.
// All of them are pure: a text goes in, pieces that point into it come out.
#ifndef TD_DATAGEN_PARSE_H
#define TD_DATAGEN_PARSE_H

#include "base/unitext.h"

enum { PARSE_FIELDS = 3 };

typedef enum ParseAs { PARSE_INTENDED, PARSE_PUBLISHED } ParseAs;

typedef struct ParseSpec {
    ParseAs     as;
    const char *separator;             // sections
    const char *heading[PARSE_FIELDS]; // sections
    const char *empty;                 // sections: what stands for an empty second field
    int64_t     first;                 // list, sections: number that the prompt began; 0: unknown
    const char *marker;                // labels
    const char *speaker[2];            // transcript: who asks, who answers
    int64_t     min, max;              // score
} ParseSpec;

typedef struct ParsePiece {
    int  is_malformed;
    Span field[PARSE_FIELDS];
} ParsePiece;

typedef struct ParsePieces {
    Arena      *arena; // where pieces go
    int64_t     count, room;
    ParsePiece *piece; // in the order of the text
} ParsePieces;

ParsePieces parse_pieces(Arena *arena);
void        parse_add(ParsePieces *p, const ParsePiece *piece);
void        parse_add_malformed(ParsePieces *p, Span text);

// The five kinds.  No piece: there is nothing of the kind in the text.
void parse_list(const ParseSpec *spec, Span text, ParsePieces *out);
void parse_sections(const ParseSpec *spec, Span text, ParsePieces *out);
void parse_examples(const ParseSpec *spec, Span text, ParsePieces *out);
void parse_labels(const ParseSpec *spec, Span text, ParsePieces *out);
// Pieces are pairs of turns: field 0 asks, field 1 answers.
void parse_transcript(const ParseSpec *spec, Span text, ParsePieces *out);

// The three scalars.  -1 (and 0 of parse_score): the text does not say.
int parse_yes(const ParseSpec *spec, Span text);
int parse_equal(Span text);
int parse_score(const ParseSpec *spec, Span text, double *out);

// ---- what the kinds share

// Bytes of white space, of decimal digits, at the start of s.
int64_t parse_spaces(Span s);
int64_t parse_digits(Span s);
int64_t parse_blanks(Span s); // blanks and tabs only
// The number in ASCII digits at the start of s, -1 if it is none below 10^9; *bytes of it.
int64_t parse_number(Span s, int64_t *bytes);
// Whether a marker of this number may follow the one before (0: none yet): numbers rise by small
// steps.
int parse_goes_on(int64_t before, int64_t number);
// The line at s[at]: its end, without the line feed; the beginning of the next one.
int64_t parse_line_end(Span s, int64_t at);
int64_t parse_next_line(Span s, int64_t at);
// Bytes of `word` + white space + digits + white space + ":" at the start of s (Output 3:); 0: it
// is not there.
int64_t parse_field_mark(Span s, const char *word);
// Place of such a mark from `at` on, anywhere or at the beginning of a line; -1: none.  *bytes of
// it, with the blanks before it in the line.
int64_t parse_find_mark(Span s, int64_t at, const char *word, ParseAs as, int64_t *bytes);

#endif
