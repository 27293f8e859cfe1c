#!/bin/bash
# serve.sh PROGRAM SOURCE: `tandem serve` does what it says: replies, streams, log-probabilities,
# errors, many clients at once, bad ones among them, and the client library that most people use.
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3

must 1 run "$tiny" out=run iterations=0
must 1 run "$tiny" out=bytes iterations=0 base.steps=1 'tokenizer={"kind": "byte"}' \
    model.vocab_size=259
same "serve on two ranks is refused" 64 "$(code=0; ranks 2 serve --model run || code=$?; echo $code)"

# The client library: what is installed, else into a folder of this test, else without it.
python=python3
if ! python3 -c 'import openai' 2>/dev/null; then
    if python3 -m venv venv >/dev/null 2>&1 &&
        timeout 90 venv/bin/pip install -q --retries 0 openai >pip.log 2>&1; then
        python=venv/bin/python
    else
        echo "serve: no openai package and none could be installed: its part is skipped"
    fi
fi

checks=$((checks + 1))
goldens=${TANDEM_GOLDENS:-$source/../shared/goldens}
assets=${TANDEM_ASSETS:-$source/../shared/assets}
export PYTHONDONTWRITEBYTECODE=1
# shellcheck disable=SC2086
$alone $python "$source/tests/cli/serve.py" "$program" "$goldens" "$assets" ||
    failed "serve.py" "every check to hold" "what stands above"
finish
