"""Chat templates in exported folders, as transformers reads them.

  chat_folders.py TALKS FOLDER IDS [FOLDER IDS ...]

TALKS is what `tandem template --in` takes, IDS what it wrote for FOLDER.  The ids have to be those of
apply_chat_template.  Exit code 77 where transformers cannot be imported.
"""
import json
import sys

try:
    from transformers import AutoTokenizer
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

with open(sys.argv[1]) as f:
    talks = json.load(f)
compared = bad = 0
for folder, path in zip(sys.argv[2::2], sys.argv[3::2]):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with open(path) as f:
        ours = json.load(f)
    for talk, one in zip(talks, ours):
        theirs = tokenizer.apply_chat_template(
            talk["messages"], tools=talk.get("tools"), return_dict=False,
            add_generation_prompt=talk.get("add_generation_prompt", False))
        compared += 1
        if theirs != one["ids"]:
            bad += 1
            print(f"{folder}: {talk}: transformers {theirs}, tandem {one['ids']}")
print(f"compared {compared} conversations, {bad} different")
sys.exit(bad > 0 or compared == 0)
