// chat_words.h -- a tokenizer of a few letters and a chat template, small enough to know every id.
#ifndef TD_TESTS_DATAGEN_CHAT_WORDS_H
#define TD_TESTS_DATAGEN_CHAT_WORDS_H

// h e l o blank 0..4, he 5, ll 6, hell 7, hello 8, " o" 9; the tokens <e> 12, <s> 13.
#define CHAT_WORDS_WITH(more)                                                                      \
    "{\"kind\": \"tokenizer.json\", \"tokenizer\": {\"added_tokens\": [{\"id\": 12, \"content\": " \
    "\"<e>\", \"special\": true, \"normalized\": false}, {\"id\": 13, \"content\": \"<s>\", "      \
    "\"special\": true, \"normalized\": false}], \"pre_tokenizer\": {\"type\": \"ByteLevel\", "    \
    "\"add_prefix_space\": false, \"use_regex\": false}, \"decoder\": {\"type\": \"ByteLevel\"},"  \
    "\"model\": {\"type\": \"BPE\", \"vocab\": {\"h\": 0, \"e\": 1, \"l\": 2, \"o\": 3, "          \
    "\"\304\240\": 4, \"he\": 5, \"ll\": 6, \"hell\": 7, \"hello\": 8, \"\304\240o\": 9, "         \
    "\"s\": 10, \"t\": 11}, \"merges\": [\"h e\", \"l l\", \"he ll\", \"hell o\", "                \
    "\"\304\240 o\"]}}" more "}"
#define CHAT_WORDS CHAT_WORDS_WITH("")

// Roles are the letters l (user), o (assistant) and e (system).
#define CHAT_TEMPLATE                                                                        \
    "{%- for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools "         \
    "here') }}{% endif %}<s>{{ {'user': 'l', 'assistant': 'o', 'system': 'e'}[m.role] }}{{ " \
    "m.content }}<e>{% endfor %}{% if add_generation_prompt %}<s>o{% endif %}"

#endif
