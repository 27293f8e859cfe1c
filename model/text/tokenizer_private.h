// tokenizer_private.h -- a tokenizer opened, for the files of this folder.
#ifndef TD_MODEL_TEXT_TOKENIZER_PRIVATE_H
#define TD_MODEL_TEXT_TOKENIZER_PRIVATE_H

#include "base/regex.h"
#include "model/text/pieces.h"
#include "model/text/tokenizer.h"
#include "model/text/trie.h"
#include "model/text/unicode.h"
#include "model/vocab_kind.h"

enum {
    TEXT_BYTES_MAX = 1 << 28, // of a text to encode, at every stage
    PARTS_MAX = 32            // normalizers, pre-tokenizers, decoders
};

typedef struct Tokenizer Tokenizer;
typedef struct Bpe       Bpe;
typedef struct Unigram   Unigram;

// ---- a text on its way to ids

typedef struct Flow {
    const Tokenizer *tokenizer;
    VocabReading     reading;
    Arena           *scratch;
    int32_t         *ids; // [room]
    int64_t          room, used;
} Flow;

Err flow_emit(Flow *f, int32_t id);

// ---- added tokens: found in a text by their names

typedef struct AddedToken {
    Bytes   name; // as it stands in texts
    int32_t id;
    uint8_t is_special, is_word, strips_left, strips_right, is_normalized;
} AddedToken;

typedef struct AddedSet {
    const Trie *trie;       // values: numbers of `token`; NULL: there are none
    uint8_t     first[256]; // whether a name begins with this byte
} AddedSet;

typedef struct AddedWalk {
    int64_t search; // where names are looked for
    int64_t end;    // of the last one, with the white space that it takes
    int     is_done;
} AddedWalk;

// The next one that `reading` allows, and what stands in front of it.  NULL: none, the walk is
// done, and *before is all the rest.
const AddedToken *added_next(const Flow *f, const AddedSet *set, Bytes text, AddedWalk *w,
                             Bytes *before);

// ---- normalizers

typedef enum NormalizerKind {
    NORMALIZE_UNICODE,
    NORMALIZE_LOWER,
    NORMALIZE_MARKS,   // take them away
    NORMALIZE_STRIP,   // white space at the ends
    NORMALIZE_PREPEND, // unless the text is empty
    NORMALIZE_REPLACE,
    NORMALIZE_CHARSMAP, // SentencePiece's table
    NORMALIZE_COLLAPSE  // SentencePiece: blanks at the ends go, and runs of them become one
} NormalizerKind;

typedef struct Charsmap {
    const uint32_t *unit; // of its double array
    int64_t         units;
    const char     *text; // replacements, each with a final zero byte
    int64_t         bytes;
} Charsmap;

typedef struct Normalizer {
    NormalizerKind kind;
    UnitextForm    form;
    int            left, right; // STRIP
    const Regex   *regex;       // REPLACE: this, or `pattern`
    Bytes          pattern, content;
    Charsmap       charsmap;
} Normalizer;

// All of them in turn.  ERR_DATA where the text grows beyond VOCAB_GROWTH_MAX times its length (and
// a little), or beyond TEXT_BYTES_MAX.
Err normalize_all(const Normalizer *list, int count, Arena *scratch, Bytes in, Bytes *out);
// ERR_DATA with `where` in front: not a table.
Err charsmap_make(Arena *run, const char *where, Bytes blob, Charsmap *out);

// ---- pre-tokenizers

typedef enum CutKind {
    CUT_PATTERN,   // by `scan` or `regex`
    CUT_TEXT,      // by `pattern`
    CUT_CLASS,     // by characters of classes: each of its own, or runs of them
    CUT_METASPACE, // blanks become `pattern`, one is put in front; perhaps cut in front of each
    CUT_BYTE_LEVEL // a blank may be put in front; words by `scan`; the model reads bytes
} CutKind;

typedef enum CutBehavior { // what becomes of the matches
    CUT_REMOVED,
    CUT_ISOLATED,
    CUT_WITH_PREVIOUS,
    CUT_WITH_NEXT,
    CUT_CONTIGUOUS // neighbours that are both matches, or both none, stay together
} CutBehavior;

typedef enum CutPrepend { CUT_ALWAYS, CUT_FIRST, CUT_NEVER } CutPrepend;

typedef const char *(*Scan)(const char *p, const char *end); // one past the word that begins at p

typedef struct Cut {
    CutKind      kind;
    CutBehavior  behavior;
    int          is_inverted; // matches are what lies between
    Scan         scan;        // a pattern that is known, or NULL
    const Regex *regex;
    Bytes        pattern;
    int          classes; // CUT_CLASS: UNICODE_ bits
    CutPrepend   prepend;
    int          splits; // METASPACE
} Cut;

Scan              scan_find(Bytes pattern); // NULL: no pattern that is known here
extern const char SCAN_GPT2[], SCAN_LLAMA3[], SCAN_QWEN2[];

// The words of a text in order, each to the model.  is_first: it begins where the whole text does.
Err cut_words(Flow *f, int from, Bytes text, int is_first);

// ---- models of words

typedef struct BpeConfig {
    int     reads_bytes;    // words are bytes, not characters
    int     ignores_merges; // a word that is a piece is that piece
    int     has_fallback;   // characters without a piece become pieces <0xNN>
    int     fuses_unknown;
    int32_t unknown; // -1: characters without a piece are an error
} BpeConfig;

typedef struct BpeMerge {
    int32_t  a, b, whole;
    uint32_t rank; // lower first
} BpeMerge;

// `pieces` by what stands in words; the table is copied, its memory is not.
Err     bpe_make(Arena *run, const char *where, const BpeConfig *config, const Pieces *pieces,
                 const BpeMerge *merges, int64_t count, const Bpe **out);
int64_t bpe_need(int64_t merges);
Err     bpe_word(Flow *f, const Bpe *b, Bytes word);

typedef struct UnigramConfig {
    const double  *score;  // [pieces]
    const uint8_t *is_out; // [pieces] never found in a text
    int32_t        unknown;
    int            has_fallback;
} UnigramConfig;

Err unigram_make(Arena *run, const char *where, const UnigramConfig *config, const Pieces *pieces,
                 const Unigram **out);
Err unigram_word(Flow *f, const Unigram *u, Bytes word);

// The piece <0xNN> of every byte, -1 where there is none.
void pieces_of_bytes(const Pieces *pieces, int32_t of_byte[256]);

// ---- decoders

typedef enum DecoderKind {
    DECODE_BYTE_LEVEL,
    DECODE_BYTE_FALLBACK,
    DECODE_METASPACE,
    DECODE_REPLACE,
    DECODE_FUSE,
    DECODE_STRIP
} DecoderKind;

typedef struct TextDecoder {
    DecoderKind  kind;
    Bytes        pattern, content; // REPLACE, STRIP (content), METASPACE (pattern)
    const Regex *regex;            // REPLACE: this, or `pattern`
    int64_t      start, stop;      // STRIP
    int          drops_first;      // METASPACE: blanks of the first token
} TextDecoder;

Err decode_texts(const Tokenizer *t, Arena *scratch, const Bytes *token, int64_t count, Text *out);
// The bytes that one token stands for, in the middle of a text.
void decode_piece(const Tokenizer *t, Arena *scratch, Bytes token, Text *out);

// ---- all of it

struct Tokenizer {
    Vocab       vocab;
    const char *source; // the JSON that it was made of
    int64_t     source_bytes;

    Pieces   pieces;
    Bytes   *raw;     // [size] what each token stands for; special ones: nothing
    uint8_t *special; // [size]

    AddedToken *added;
    int64_t     addeds;
    AddedSet    set, normalized_set; // found before and after the normalizers

    Normalizer  normalizer[PARTS_MAX];
    Cut         cut[PARTS_MAX];
    TextDecoder decoder[PARTS_MAX];
    int         normalizers, cuts, decoders;
    int         has_decoder; // else tokens are put together with blanks

    const Bpe     *bpe; // this, or unigram
    const Unigram *unigram;

    // Where it is not empty, no merge reaches across the front of this character, which is what
    // blanks have become: texts that are not cut into words are cut there, to the same effect.
    Bytes mark;
    // See vocab_room: tokens per byte of text at most (of any, and of ASCII), tokens put in front
    // of a part of text, and whether there can be more parts than half of the bytes.
    int64_t growth, ascii_growth, puts_before;
    int     has_many_parts;
};

Err tokenizer_word(Flow *f, Bytes word);

// A room that all tokenizers of the process share, one user at a time.  ERR_CONFIG: no addresses.
Err    shared_room_start(void);
Arena *shared_room_enter(void);
void   shared_room_leave(Arena *room);

extern const VocabKind TOKENIZER_KIND;

// ---- making one

typedef struct Build {
    Arena      *run;
    Arena      *scratch; // while it is made
    Tokenizer  *t;
    const char *file;     // for messages
    const char *zero;     // what stands for a zero byte in the JSON; "": nothing does
    Bytes       mark;     // what blanks become, or empty
    int         adds_bos; // where add_bos_token is not said
    char       *heap;     // small texts are put together: room for `heap_left` more bytes
    int64_t     heap_left;
} Build;

// A text of the JSON, with its zero bytes; in `run` if it has any.
Bytes build_text(Build *b, const char *text, int64_t length);
// A copy in `run`.
Bytes build_copy(Build *b, Bytes text);
// ERR_DATA if the arena has not that much.
Err build_room(const Build *b, int64_t bytes);
// No more than that many ids; none has a text yet.
Err build_pieces(Build *b, int64_t size);
// ERR_DATA: the id is out of range or has a text already, or the text an id.
Err build_piece(Build *b, int64_t id, Bytes text);
// After pieces and normalizers: the tokens of the list have pieces.
Err build_added(Build *b, const AddedToken *list, int64_t count);
// The pieces of a byte-level vocabulary by the bytes that they stand for.
Err build_byte_pieces(Build *b, Pieces *out);
// All pairs of pieces that make a piece together, by `rank` of the whole (0: it is never made).
// cuts_characters: pieces are texts, else bytes.
Err build_merges(Build *b, const Pieces *pieces, const uint32_t *rank, int cuts_characters,
                 BpeMerge **merges, int64_t *count);
Err build_bpe(Build *b, const BpeConfig *config, const Pieces *pieces, const BpeMerge *merges,
              int64_t count);
// The decoders of pieces with a mark for blanks and <0xNN> for bytes.
void build_mark_decoders(Build *b, Bytes mark, int strips_first);
void build_byte_level(Build *b, const char *pattern); // the only cut; NULL: that of GPT-2
// The last step: what follows from all the rest, and from the files beside.
Err build_finish(Build *b, const Json *beside);

// What tokenizer_config.json or special_tokens_map.json says of a token such as "bos_token"; NULL:
// nothing.  And their switches; `standard` where they say nothing.
const char *beside_token(const Json *beside, const char *name);
int         beside_switch(const Json *beside, const char *name, int standard);
// Tokens that tokenizer_config.json adds ("added_tokens_decoder"), and those that are named there
// and in special_tokens_map.json; all in scratch.  ERR_DATA.
Err beside_added(Build *b, const Json *beside, AddedToken **list, int64_t *count);

// Base64 to bytes in `arena`.  ERR_DATA with `where` in front.
Err  base64_read(Arena *arena, const char *where, Bytes text, Bytes *out);
void base64_write(Text *t, Bytes bytes);

Err build_from_json(Build *b, const Json *tokenizer);
Err build_from_model(Build *b, const Json *config, const Json *beside);
Err build_from_tiktoken(Build *b, const Json *config, const Json *beside);
Err build_from_vocab(Build *b, const Json *config, const Json *beside);

#endif
