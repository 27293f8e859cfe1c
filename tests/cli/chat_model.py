"""chat_model.py FROM TO: a copy of a small llama folder that holds conversations.

Its tokenizer gets the special tokens <|im_start|> and <|im_end|>, its network a row for each, and it
gets a chat template.  The row of <|im_end|> is a little more than that of ".", so that the network
ends its turn where it would end a sentence.
"""
import json
import os
import shutil
import struct
import sys

TEMPLATE = (
    "{% if tools %}{{ '<|im_start|>tools\\n' }}{% for t in tools %}{{ t.function.name + '\\n' }}"
    "{% endfor %}{{ '<|im_end|>\\n' }}{% endif %}"
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}"
    "{% if m.content is string %}{{ m.content | trim }}{% endif %}"
    "{% for c in m.tool_calls or [] %}{{ c.function.name }}{% for k, v in "
    "c.function.arguments.items() %}{{ ' ' + k + '=' + (v | tojson) }}{% endfor %}{% endfor %}"
    "{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
START, END = "<|im_start|>", "<|im_end|>"


def grow_weights(path, token):
    with open(path, "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    head, body = json.loads(data[8:8 + size]), data[8 + size:]
    embed = head["model.embed_tokens.weight"]
    rows, width = embed["shape"]
    begin, end = embed["data_offsets"]
    assert embed["dtype"] == "F32" and begin == 0
    row = struct.unpack("<%df" % width, body[4 * width * token:4 * width * (token + 1)])
    more = struct.pack("<%df" % width, *[0] * width)
    more += struct.pack("<%df" % width, *[1.1 * x for x in row])
    embed["shape"][0] = rows + 2
    for name, tensor in head.items():
        if name != "__metadata__":
            tensor["data_offsets"] = [x + (len(more) if x >= end else 0)
                                      for x in tensor["data_offsets"]]
    embed["data_offsets"] = [0, end + len(more)]
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body[:end] + more + body[end:])
    return rows


def change(path, edit):
    with open(path) as f:
        tree = json.load(f)
    edit(tree)
    with open(path, "w") as f:
        json.dump(tree, f)


def make(source, folder, ends):
    """ends(first id of the two) is what generation_config.json says; the id is returned."""
    shutil.copytree(source, folder)
    with open(os.path.join(folder, "tokenizer.json")) as f:
        pieces = json.load(f)["model"]["vocab"]
    first = grow_weights(os.path.join(folder, "model.safetensors"), pieces["."])

    def tokens(tree):
        for i, name in enumerate((START, END)):
            tree["added_tokens"].append({
                "id": first + i, "content": name, "single_word": False, "lstrip": False,
                "rstrip": False, "normalized": False, "special": True})

    change(os.path.join(folder, "tokenizer.json"), tokens)
    change(os.path.join(folder, "config.json"), lambda c: c.update(vocab_size=first + 2))
    change(os.path.join(folder, "tokenizer_config.json"),
           lambda c: c.update(chat_template=TEMPLATE, add_bos_token=False))
    with open(os.path.join(folder, "generation_config.json"), "w") as f:
        json.dump(ends(first), f)
    os.remove(os.path.join(folder, "tokenizer.model"))
    return first


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2], lambda first: {"eos_token_id": 2})
