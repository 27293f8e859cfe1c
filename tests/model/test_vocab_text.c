// Tokenizers of our own making, small enough to know every id by hand.
#include "io/file.h"
#include "model/text/bpe_train.h"
#include "model/text/chat/chat_template.h"
#include "model/vocab.h"
#include "tests/check.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

static Arena arena;

static Arena *room(void)
{
    arena_free(&arena);
    EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 32));
    return &arena;
}

static Err make(const char *text, Vocab **out)
{
    const Json *root;

    TRY(json_parse(&arena, "text", text, (int64_t)strlen(text), JSON_NO_COMMENTS, &root));
    return vocab_make(&arena, root, out);
}

// Ids of a text as words, read as special tokens or not, with what frames them or not.
static const char *ids_of(const Vocab *v, const char *text, int recognises, int frames)
{
    int64_t  length = (int64_t)strlen(text), most = vocab_room(v, text, length), count = 0;
    int32_t *ids = arena_new(&arena, int32_t, most + VOCAB_FRAME_MAX);
    Text     t = text_make(&arena);

    EXPECT_OK(
        (recognises ? vocab_encode_special : vocab_encode)(v, text, length, ids, most, &count));
    if (frames)
        EXPECT_OK(vocab_frame(v, ids, most + VOCAB_FRAME_MAX, &count));
    for (int64_t i = 0; i < count; i++)
        text_printf(&t, "%s%d", i > 0 ? " " : "", ids[i]);
    return t.data;
}

static const char *text_of(const Vocab *v, const int32_t *ids, int64_t count, VocabSpecial special)
{
    Text t = text_make(&arena);

    EXPECT_OK(vocab_decode_all(v, ids, count, special, &t));
    return t.data;
}

// ---- byte level: h e l o, merges he, ll, hell, hello, " o" (Ġ is the blank)

#define BYTE_MODEL(merges)                                                                          \
    "{\"added_tokens\": [{\"id\": 12, \"content\": \"<end>\", \"special\": true, \"normalized\":"   \
    " false}, {\"id\": 13, \"content\": \"<tool>\", \"special\": false, \"normalized\": false}],"   \
    "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false},"                    \
    "\"decoder\": {\"type\": \"ByteLevel\"},"                                                       \
    "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": {\"id\":"   \
    " \"A\"}}, {\"SpecialToken\": {\"id\": \"<end>\"}}], \"special_tokens\": {\"<end>\": {\"id\":"  \
    " \"<end>\", \"ids\": [12], \"tokens\": [\"<end>\"]}}},"                                        \
    "\"model\": {\"type\": \"BPE\", \"vocab\": {\"h\": 0, \"e\": 1, \"l\": 2, \"o\": 3, \"Ġ\": 4," \
    " \"he\": 5, \"ll\": 6, \"hell\": 7, \"hello\": 8, \"Ġo\": 9, \"Ã\": 10, \"¤\": 11},"        \
    "\"merges\": " merges "}}"
#define MERGES    "[[\"h\", \"e\"], [\"l\", \"l\"], \"he ll\", \"hell o\", [\"Ġ\", \"o\"]]"
#define BYTE_JSON "{\"kind\": \"tokenizer.json\", \"tokenizer\": " BYTE_MODEL(MERGES) "}"

static void byte_level_words_are_merged_in_order(const Comm *c)
{
    Vocab *v = NULL;

    (void)c;
    room();
    EXPECT_OK(make(BYTE_JSON, &v));
    EXPECT_INT(vocab_size(v), 14);
    EXPECT_INT(vocab_eos(v), 12);
    EXPECT_INT(vocab_bos(v), -1);
    EXPECT_TEXT(ids_of(v, "hello", 0, 0), "8");
    EXPECT_TEXT(ids_of(v, "hello", 0, 1), "8 12");
    EXPECT_TEXT(ids_of(v, "hello hello", 0, 0), "8 4 8");
    EXPECT_TEXT(ids_of(v, "hello oh", 0, 0), "8 9 0");
    EXPECT_TEXT(ids_of(v, "lll", 0, 0), "6 2");
    EXPECT_TEXT(ids_of(v, "ä", 0, 0), "10 11");
    EXPECT_TEXT(ids_of(v, "", 0, 0), "");
}

// One id or a list of them, in two files; what is no token of ours is passed over.
static void tokens_that_end_a_text_stand_beside_the_tokenizer(const Comm *c)
{
    static const char *const beside[] = {
        "\"generation_config\": {\"eos_token_id\": [12, 13, 3, 99, -1]}",
        "\"generation_config\": {\"eos_token_id\": 13}, \"config\": {\"eos_token_id\": [12, 3]}",
        "\"generation_config\": {\"eos_token_id\": 12}",
        "\"generation_config\": {\"eos_token_id\": null}, \"config\": {}"};
    static const int counts[] = {2, 2, 0, 0};

    (void)c;
    for (int i = 0; i < 4; i++) {
        Vocab         *v = NULL;
        const int32_t *more;
        int            count;
        char           json[4096];

        room();
        snprintf(json, sizeof json, "%.*s, \"beside\": {%s}}", (int)strlen(BYTE_JSON) - 1,
                 BYTE_JSON, beside[i]);
        EXPECT_OK(make(json, &v));
        EXPECT_INT(vocab_eos(v), 12);
        more = vocab_more_ends(v, &count);
        EXPECT_INT(count, counts[i]);
        EXPECT_INT(more == NULL, counts[i] == 0);
        EXPECT_INT(vocab_ends(v, 12), 1);
        EXPECT_INT(vocab_ends(v, 13), counts[i] > 0);
        EXPECT_INT(vocab_ends(v, 3), counts[i] > 0);
        EXPECT_INT(vocab_ends(v, 5), 0);
        EXPECT_INT(vocab_ends(v, -1), 0);
    }
}

static void special_tokens_are_made_where_they_are_asked_for(const Comm *c)
{
    Vocab  *v = NULL;
    int64_t count;
    int32_t ids[8];

    (void)c;
    room();
    EXPECT_OK(make(BYTE_JSON, &v));
    EXPECT_TEXT(ids_of(v, "he<end>he", 1, 0), "5 12 5");
    EXPECT_TEXT(ids_of(v, "he<tool>", 0, 0), "5 13");
    EXPECT_ERR(vocab_encode(v, "he<end>", 7, ids, 8, &count), ERR_DATA, "no token for '<'");
    EXPECT_INT(vocab_is_special(v, 12), 1);
    EXPECT_INT(vocab_is_special(v, 13), 0);
}

static void tokens_have_bytes_and_sequences_have_texts(const Comm *c)
{
    static const int32_t ids[] = {8, 9, 12, 10, 13, 10, 11};
    Vocab               *v = NULL;
    Text                 t;

    (void)c;
    t = text_make(room());
    EXPECT_OK(make(BYTE_JSON, &v));
    for (int i = 0; i < 7; i++)
        vocab_decode(v, ids[i], &t);
    EXPECT_TEXT(t.data, "hello o\xC3<tool>ä");
    EXPECT_TEXT(text_of(v, ids, 7, VOCAB_SKIP_SPECIAL), "hello o\xEF\xBF\xBD<tool>ä");
    EXPECT_TEXT(text_of(v, ids, 7, VOCAB_KEEP_SPECIAL), "hello o<end>\xEF\xBF\xBD<tool>ä");
    EXPECT_TEXT(text_of(v, ids, 0, VOCAB_KEEP_SPECIAL), "");
    EXPECT_INT(vocab_token_bytes(v), 6);
    EXPECT_ERR(vocab_decode_all(v, (const int32_t[]){14}, 1, VOCAB_KEEP_SPECIAL, &t), ERR_DATA,
               "below 14");
}

static void what_is_written_is_the_same_tokenizer(const Comm *c)
{
    Vocab *v = NULL, *back = NULL;
    Text   a, b;

    (void)c;
    a = text_make(room());
    b = text_make(&arena);
    EXPECT_OK(make(BYTE_JSON, &v));
    vocab_write(&a, v);
    EXPECT_OK(make(a.data, &back));
    vocab_write(&b, back);
    EXPECT_TEXT(b.data, a.data);
    EXPECT_TEXT(ids_of(back, "hello<end> oh", 1, 1), ids_of(v, "hello<end> oh", 1, 1));
}

// ---- what is refused

typedef struct Bad {
    const char *text, *says;
} Bad;

static void tokenizers_that_do_not_hold_together_are_refused(const Comm *c)
{
    static const Bad bad[] = {
        {"{\"kind\": \"bpe\"}", "tokenizer.json"},
        {"{\"kind\": \"tokenizer.json\"}", "tokenizer"},
        {"{\"kind\": \"tokenizer.json\", \"tokenizer\": {\"model\": {\"type\": \"WordPiece\"}}}",
         "WordPiece"},
        {"{\"kind\": \"tokenizer.json\", \"tokenizer\": " BYTE_MODEL("[[\"h\", \"x\"]]") "}",
         "the second is not in the vocabulary"},
        {"{\"kind\": \"tokenizer.json\", \"tokenizer\": " BYTE_MODEL("[[\"h\", \"o\"]]") "}",
         "what they make"},
        {"{\"kind\": \"tokenizer.json\", \"tokenizer\": " BYTE_MODEL("[\"h  e\"]") "}",
         "two tokens"},
        {"{\"kind\": \"tokenizer.json\", \"tokenizer\": " BYTE_MODEL("7") "}", "merges"},
        {"{\"kind\": \"tokenizer.json\", \"tokenizer\": {\"model\": {\"type\": \"BPE\", \"vocab\":"
         " {\"a\": 0, \"b\": 0}, \"merges\": []}}}",
         "two tokens have the id 0"},
        {"{\"kind\": \"tokenizer.json\", \"tokenizer\": {\"model\": {\"type\": \"BPE\", \"vocab\":"
         " {\"a\": -1}, \"merges\": []}}}",
         "0"},
        {"{\"kind\": \"tokenizer.json\", \"tokenizer\": {\"model\": {\"type\": \"BPE\", \"vocab\":"
         " {\"a\": 99999999}, \"merges\": []}}}",
         "2097151"},
        {"{\"kind\": \"tokenizer.json\", \"tokenizer\": {\"normalizer\": {\"type\": \"Odd\"},"
         " \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}}",
         "normalizer \"Odd\" is not read"},
        {"{\"kind\": \"tokenizer.json\", \"tokenizer\": {\"pre_tokenizer\": {\"type\": \"Split\","
         " \"pattern\": {\"Regex\": \"(\"}, \"behavior\": \"Isolated\"},"
         " \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}}",
         "the pattern cannot be read"},
        {"{\"kind\": \"tiktoken\", \"text\": \"IQ== 0\\nIg== x\\n\"}",
         "base64, a blank and a rank"},
        {"{\"kind\": \"tiktoken\", \"text\": \"IQ== 0\\n\"}", "1 ranks is not known"},
        {"{\"kind\": \"tokenizer.model\", \"base64\": \"AAAA\"}", "not a SentencePiece model"},
        {"{\"kind\": \"tokenizer.model\", \"base64\": \"?\"}", "base64"},
        {"{\"kind\": \"vocab.json\", \"vocab\": {\"a\": 0}, \"merges\": \"a b\\n\"}", "line 1"}};

    (void)c;
    for (int i = 0; i < (int)(sizeof bad / sizeof bad[0]); i++) {
        Vocab *v;

        room();
        EXPECT_ERR(make(bad[i].text, &v), i == 0 ? ERR_CONFIG : ERR_DATA, bad[i].says);
    }
}

// ---- SentencePiece models, written here as protocol buffers

static void put_field(Text *t, int number, const char *bytes, int64_t length)
{
    text_printf(t, "%c%c", number << 3 | 2, (int)length);
    text_add(t, bytes, length);
}

static void put_piece(Text *model, const char *text, float score, int type)
{
    char piece[64];
    int  n = snprintf(piece, sizeof piece, "\x0A%c%s\x15", (int)strlen(text), text);

    memcpy(piece + n, &score, 4);
    piece[n + 4] = 0x18;
    piece[n + 5] = (char)type;
    put_field(model, 1, piece, n + 6);
}

// Pieces by falling score; 1 Unigram, 2 BPE.
static Text spm(int type)
{
    static const char *const pieces[] = {
        "\xE2\x96\x81h", "ll", "\xE2\x96\x81he", "\xE2\x96\x81hell", "h", "e", "l", "o",
        "\xE2\x96\x81"};
    const char trainer[] = {0x18, (char)type}, normalizer[] = {0x20, 0};
    Text       t = text_make(&arena);

    put_piece(&t, "<unk>", 0, 2);
    put_piece(&t, "<s>", 0, 3);
    put_piece(&t, "</s>", 0, 3);
    for (int i = 0; i < 9; i++)
        put_piece(&t, pieces[i], (float)-i, 1);
    put_piece(&t, "<user>", 0, 4);
    put_field(&t, 2, trainer, 2);
    put_field(&t, 3, normalizer, 2);
    return t;
}

static Err open_bytes(const char *path, const char *bytes, int64_t length, Vocab **out)
{
    TRY(file_publish(path, "test", bytes, length));
    return vocab_open(&arena, path, out);
}

static void models_of_sentencepiece_are_read(const Comm *c)
{
    const char *folder = check_folder(c, "spm");
    char        path[FILE_PATH_MAX];
    Vocab      *v = NULL;

    for (int type = 1; type <= 2; type++) {
        Text model;

        room();
        model = spm(type);
        EXPECT_OK(file_join(path, folder, "tokenizer.model"));
        EXPECT_OK(open_bytes(path, model.data, model.length, &v));
        if (v == NULL)
            return;
        EXPECT_INT(vocab_size(v), 13);
        EXPECT_TEXT(ids_of(v, "hello", 0, 0), "6 10");
        EXPECT_TEXT(ids_of(v, "llel", 0, 0), "11 4 8 9");
        EXPECT_TEXT(ids_of(v, "ho  l", 0, 0), "3 10 11 11 9");
        EXPECT_TEXT(ids_of(v, "\xC3\xA4\xC3\xA4o", 0, 0), "11 0 10");
        EXPECT_TEXT(ids_of(v, "<user>", 0, 0), "12");
        EXPECT_TEXT(ids_of(v, "<s>h", 1, 0), "1 3");
        EXPECT_TEXT(text_of(v, (const int32_t[]){1, 6, 10, 11, 11, 3}, 6, VOCAB_SKIP_SPECIAL),
                    "hello   h");
    }
}

// ---- files that are cut short, at every byte

static void cut(const char *path, const char *bytes, int64_t length)
{
    ArenaMark mark = arena_mark(&arena);

    for (int64_t n = 0; n < length; n++) {
        Vocab *v;

        if (open_bytes(path, bytes, n, &v) == OK)
            vocab_encode(v, "h", 1, (int32_t[8]){0}, 8, &(int64_t){0});
        err_forget();
        arena_back(&arena, mark);
    }
}

static void files_that_are_cut_short_harm_nothing(const Comm *c)
{
    static const char json[] = BYTE_MODEL(MERGES);
    const char       *folder = check_folder(c, "cut");
    char              path[FILE_PATH_MAX];
    Text              model;

    room();
    model = spm(2);
    EXPECT_OK(file_join(path, folder, "tokenizer.model"));
    cut(path, model.data, model.length);
    EXPECT_OK(file_join(path, folder, "tokenizer.json"));
    cut(path, json, sizeof json - 1);
}

// ---- training

// "ab" and "bc" occur equally often, and (b, c) is the greater pair; then (a, bc).
static void training_takes_the_greater_of_equal_pairs(const Comm *c)
{
    static const char text[] = "abc abc<end>abc";
    const char       *folder = check_folder(c, "train");
    char              path[FILE_PATH_MAX];
    const char       *file[] = {path}, *special[] = {"<end>"};
    BpeTraining       what = {file, 1, special, 1, 256 + 1 + 2};
    BpeTrained        trained;
    Vocab            *v = NULL;

    room();
    EXPECT_OK(file_join(path, folder, "text"));
    EXPECT_OK(file_publish(path, "test", text, sizeof text - 1));
    EXPECT_OK(bpe_train(&arena, &what, &trained));
    EXPECT_INT(trained.size, 259);
    EXPECT_TEXT(trained.piece[257].data, "bc");
    EXPECT_TEXT(trained.piece[258].data, "abc");
    EXPECT_OK(file_join(path, folder, "out"));
    EXPECT_OK(bpe_train_write(&arena, &trained, path));
    EXPECT_OK(vocab_open(&arena, path, &v));
    if (v == NULL)
        return;
    EXPECT_INT(vocab_eos(v), 0);
    EXPECT_TEXT(ids_of(v, "abc<end>bc", 1, 0), "258 0 257");
    what.size = 300;
    EXPECT_OK(file_join(path, folder, "text"));
    EXPECT_OK(bpe_train(&arena, &what, &trained));
    EXPECT_INT(trained.size, 260); // and a blank with it
    what.size = 100;
    EXPECT_ERR(bpe_train(&arena, &what, &trained), ERR_CONFIG, "257");
}

// ---- texts of any kind come back, from any thread

static void bytes_of_all_kinds_come_back(const Comm *c)
{
    static const char text[] =
        "one two  three\n\n1234 \xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80 one two";
    const char *folder = check_folder(c, "back");
    char        path[FILE_PATH_MAX];
    const char *file[] = {path};
    BpeTraining what = {file, 1, NULL, 0, 270};
    BpeTrained  trained;
    Vocab      *v = NULL;
    int         same = 0;

    room();
    EXPECT_OK(file_join(path, folder, "text"));
    EXPECT_OK(file_publish(path, "test", text, sizeof text - 1));
    EXPECT_OK(bpe_train(&arena, &what, &trained));
    EXPECT_OK(bpe_train_write(&arena, &trained, folder));
    EXPECT_OK(vocab_open(&arena, folder, &v));
    if (v == NULL)
        return;
#pragma omp parallel for num_threads(4) reduction(+ : same)
    for (int n = 0; n < 64; n++) {
        int64_t length = (int64_t)sizeof text - 1 - n % 8 * (n % 8 < 8), count = 0;
        int32_t ids[sizeof text];
        Arena   own;
        Text    t;

        CHECK(arena_make(&own, "thread", 1 << 16) == OK, "%d", n);
        t = text_make(&own);
        same += vocab_encode(v, text, length, ids, sizeof text, &count) == OK &&
                vocab_decode_all(v, ids, count, VOCAB_KEEP_SPECIAL, &t) == OK &&
                t.length == length && memcmp(t.data, text, (size_t)length) == 0;
        arena_free(&own);
    }
    EXPECT_INT(same, 64);
    EXPECT_ERR(vocab_encode(v, "a\xFF", 2, (int32_t[8]){0}, 8, &(int64_t){0}), ERR_DATA,
               "the byte 0xff at byte 1");
    EXPECT_ERR(vocab_encode(v, "1234", 4, (int32_t[8]){0}, 1, &(int64_t){0}), ERR_DATA,
               "more than the 1 tokens");
}

// What is made longer may grow in the arena that the work is done in.
static void long_texts_in_normal_form_keep_their_bytes(const Comm *c)
{
    enum { SYLLABLES = 5000 };
    Text in, out;

    (void)c;
    room();
    in = text_make(&arena);
    out = text_make(&arena);
    for (int i = 0; i < SYLLABLES; i++)
        text_puts(&in, "\xed\x95\x9c ");
    unicode_normalize(&out, &arena, UNITEXT_NFD, (Bytes){in.data, in.length});
    EXPECT_INT(out.length, 10 * SYLLABLES);
    for (int i = 0; i < SYLLABLES; i++)
        EXPECT(memcmp(out.data + 10 * i, "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab ", 10) == 0);
}

// ---- the unknown token, and chat templates

#define LETTERS                                                                                    \
    "\"tokenizer\": {\"added_tokens\": [{\"id\": 3, \"content\": \"<unk>\", \"special\": true}], " \
    "\"model\": {\"type\": \"BPE\", \"unk_token\": \"<unk>\", \"vocab\": {\"a\": 0, \"b\": 1, "    \
    "\"ab\": "                                                                                     \
    "2, \"<unk>\": 3}, \"merges\": [\"a b\"]}}"
#define LETTERS_JSON "{\"kind\": \"tokenizer.json\", " LETTERS "}"

static void characters_without_a_token_become_the_unknown_one(const Comm *c)
{
    Vocab *v = NULL;

    (void)c;
    room();
    EXPECT_OK(make(LETTERS_JSON, &v));
    EXPECT_INT(vocab_unknown(v), 3);
    EXPECT_TEXT(ids_of(v, "ab#", 0, 0), "2 3");
    EXPECT_OK(make(BYTE_JSON, &v));
    EXPECT_INT(vocab_unknown(v), -1);
    EXPECT_OK(make("{\"kind\": \"byte\"}", &v));
    EXPECT_INT(vocab_unknown(v), -1);
}

static Vocab *with_beside(const char *beside)
{
    Vocab *v = NULL;

    EXPECT_OK(make(
        arena_format(&arena, "{\"kind\": \"tokenizer.json\", " LETTERS ", \"beside\": %s}", beside),
        &v));
    return v;
}

static void of_named_templates_that_for_tools_is_taken_with_tools(const Comm *c)
{
    static const char *const two[] = {
        "{\"tokenizer_config\": {\"chat_template\": [{\"name\": \"rag\", \"template\": \"r\"}, "
        "{\"name\": "
        "\"default\", \"template\": \"\\n d {%- if true %}\\nx \\n\\n{% endif -%} \\n\"}, "
        "{\"name\": "
        "\"tool_use\", \"template\": \"{%- macro m(x) %}<{{ x }}>{% endmacro %}{{ m(tools | "
        "length) "
        "}}\\n\\n\"}]}}",
        "{\"tokenizer_config\": {\"chat_template\": {\"default\": \"\\n d {%- if true %}\\nx "
        "\\n\\n{% endif -%} \\n\", \"tool_use\": \"<{{ tools | length }}>\\n\\n\"}}}",
        "{\"chat_template\": \"\\n d {%- if true %}\\nx \\n\\n{% endif -%} \\n\", "
        "\"chat_template_tool_use\": \"<{{ tools | length }}>\\n\\n\", \"tokenizer_config\": "
        "{\"chat_template\": \"old\"}}"};
    Arena scratch, text;

    (void)c;
    EXPECT_OK(arena_make(&scratch, "scratch", JINJA_ARENA_BYTES + (1 << 20)));
    EXPECT_OK(arena_make(&text, "text", 1 << 24));
    for (int i = 0; i < 3; i++) {
        ChatRequest  q = {0};
        ChatTemplate t;
        ChatText     o;
        const char  *chat;
        Vocab       *v;

        room();
        v = with_beside(two[i]);
        chat = vocab_chat_template(v);
        EXPECT(chat != NULL && vocab_chat_fault(v) == NULL);
        EXPECT_OK(chat_template_make(&arena, "test", chat, (int64_t)strlen(chat), NULL, NULL, &t));
        EXPECT_OK(json_parse(&arena, "m", "[]", 2, JSON_NO_COMMENTS, &q.messages));
        EXPECT_OK(chat_template_render(&t, &text, &scratch, &q, &o));
        EXPECT_TEXT(o.text, "\n dx \n\n");
        EXPECT_OK(json_parse(&arena, "t", "[1, 2]", 6, JSON_NO_COMMENTS, &q.tools));
        EXPECT_OK(chat_template_render(&t, &text, &scratch, &q, &o));
        EXPECT_TEXT(o.text, "<2>\n");
    }
    arena_free(&text);
    arena_free(&scratch);
}

static void a_chat_template_that_is_none_is_told_and_harms_nothing(const Comm *c)
{
    static const char *const bad[] = {"7", "[]", "{}",
                                      "[{\"name\": \"tool_use\", \"template\": \"x\"}]",
                                      "{\"default\": \"x\", \"tool_use\": 3}"};

    (void)c;
    room();
    for (int i = 0; i < 5; i++) {
        Vocab *v = with_beside(
            arena_format(&arena, "{\"tokenizer_config\": {\"chat_template\": %s}}", bad[i]));

        EXPECT(vocab_chat_template(v) == NULL && vocab_chat_fault(v) != NULL);
        EXPECT(strstr(vocab_chat_fault(v), "expected a text, or texts by name") != NULL);
        EXPECT_TEXT(ids_of(v, "ab", 0, 0), "2");
    }
    EXPECT(vocab_chat_fault(with_beside("{\"tokenizer_config\": {\"chat_template\": null}}")) ==
           NULL);
    EXPECT_TEXT(
        vocab_chat_template(with_beside("{\"tokenizer_config\": {\"chat_template\": \"x\"}}")),
        "x");
}

TEST_MAIN(CASE(characters_without_a_token_become_the_unknown_one),
          CASE(of_named_templates_that_for_tools_is_taken_with_tools),
          CASE(a_chat_template_that_is_none_is_told_and_harms_nothing),
          CASE(byte_level_words_are_merged_in_order),
          CASE(long_texts_in_normal_form_keep_their_bytes),
          CASE(tokens_that_end_a_text_stand_beside_the_tokenizer),
          CASE(special_tokens_are_made_where_they_are_asked_for),
          CASE(tokens_have_bytes_and_sequences_have_texts),
          CASE(what_is_written_is_the_same_tokenizer),
          CASE(tokenizers_that_do_not_hold_together_are_refused),
          CASE(models_of_sentencepiece_are_read), CASE(files_that_are_cut_short_harm_nothing),
          CASE(training_takes_the_greater_of_equal_pairs), CASE(bytes_of_all_kinds_come_back))
