#!/usr/bin/env python3
"""What fine-tuning on a data file would learn, counted without the program.

supervised.py WAY FORMAT FILE [TOKENIZER]  prints "EXAMPLES TOKENS SUPERVISED".

WAY plain: a tokenizer of bytes and the headers of configs/templates/plain.jinja, written out here.
WAY chat: the tokenizer and chat template of a folder, by transformers; exit code 77 without it.
FORMAT: sharegpt, alpaca, chosen or rejected (of pairs in ShareGPT's spelling).
"""
import json
import sys


def conversations(form, path):
    names = {"human": "user", "gpt": "assistant", "system": "system"}

    def turn(m):
        return {"role": names[m["from"]], "content": m["value"]}

    with open(path, encoding="utf-8") as f:
        records = json.load(f)
    for r in records:
        if form == "alpaca":
            asked = r["instruction"] + ("\n" + r["input"] if r["input"] else "")
            yield [{"role": "user", "content": asked}, {"role": "assistant", "content": r["output"]}]
        elif form == "sharegpt":
            yield [turn(m) for m in r["conversations"]]
        else:
            yield [turn(m) for m in r["conversations"] + [r[form]]]


def plain(talks):
    """Texts without special tokens: a byte is a token; what the assistant says is learned."""
    examples = tokens = learned = 0
    for talk in talks:
        parts = []
        for i, m in enumerate(talk):
            said = m["content"].strip()
            if m["role"] == "assistant":
                parts += [("### Answer\n", 0), (said, 1), ("" if i + 1 == len(talk) else "\n\n", 0)]
            else:
                head = "### Request\n" if m["role"] == "user" else ""
                parts.append((head + said + "\n\n", 0))
        sizes = [(len(text.encode()), weight) for text, weight in parts]
        examples += 1
        tokens += sum(n for n, _ in sizes)
        learned += sum(n for n, weight in sizes if weight)
    return examples, tokens, learned


def chat(talks, folder):
    try:
        from transformers import AutoTokenizer
    except ImportError:
        sys.exit(77)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    examples = tokens = learned = 0
    for talk in talks:
        text = tokenizer.apply_chat_template(talk, tokenize=False)
        spans = []
        for i, m in enumerate(talk):
            if m["role"] != "assistant":
                continue
            before = tokenizer.apply_chat_template(talk[:i], tokenize=False,
                                                   add_generation_prompt=True)
            after = tokenizer.apply_chat_template(talk[:i + 1], tokenize=False)
            assert text.startswith(after) and after.startswith(before)
            end = len(after)
            while not tokenizer.eos_token or not text[:end].endswith(tokenizer.eos_token):
                end -= 1  # the line end behind the marker is not the assistant's
                assert end > len(before)
            spans.append((len(before), end))
        found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        assert found["input_ids"] == list(
            tokenizer.apply_chat_template(talk, tokenize=True, return_dict=False))
        examples += 1
        tokens += len(found["input_ids"])
        learned += sum(any(a < end and b > begin for begin, end in spans)
                       for a, b in found["offset_mapping"])
    return examples, tokens, learned


way, form, path = sys.argv[1:4]
print(*(plain(conversations(form, path)) if way == "plain"
        else chat(conversations(form, path), sys.argv[4])))
