#!/bin/bash
# bad_input.sh PROGRAM SOURCE: every kind of bad input is refused with one line that names it, with
# the documented exit code, at once, and changes nothing in a run directory.
#
# One line per case:  bad NAME CODE 'WORDS;MORE WORDS' ARGUMENTS
set -eu
. "$2/tests/whole/common.sh"
need mpirun python3 md5sum

cp -r --parents "$source/configs" "$source/tests/data" . 2>/dev/null
mv ".$source" src
data=src/tests/data
tiny=$data/tiny.json
files=0
watched=done      # this folder has to stay as it is
starts=0          # 1: the program has begun its work before it finds out, and may have said more
cases=0

config() { # config SED-EXPRESSION: the name of a config that was spoilt so
    files=$(ls $data | wc -l)
    sed -E "$1" $tiny >"$data/c$files.json"
    cmp -s $tiny "$data/c$files.json" && echo "UNCHANGED-BY-$1" || echo "$data/c$files.json"
}

recipe() { # recipe SED-EXPRESSION: an override that names a spoilt recipe
    files=$(ls $data | wc -l)
    sed -E "$1" $data/tiny-recipe.json >"$data/r$files.json"
    cmp -s $data/tiny-recipe.json "$data/r$files.json" && echo "UNCHANGED-BY-$1" ||
        echo "loop.recipe=r$files.json"
}

file() { # file TEXT (with \n): the name of a file that holds it
    files=$(ls $data | wc -l)
    printf '%b' "$1" >"$data/f$files.json"
    echo "$data/f$files.json"
}

published() { # what nothing may touch: all but logs, lines and attempts
    (cd "$1" 2>/dev/null && file_sums . | grep -E 'examples|weights|checkpoints' |
        grep -v '\.part-') || true
}

look() { if [ "$starts" = 1 ]; then published "$watched"; else file_sums "$watched"; fi; }

judge() { # judge NAME CODE WORDS CODE-FOUND MILLISECONDS
    local wanted said
    cases=$((cases + 1))
    same "$1: exit code ($(head -n 2 err.log))" "$2" "$4"
    same "$1: lines that begin with tandem: ($(head -n 3 err.log))" 1 \
        "$(grep -c '^tandem: ' err.log || true)"
    said=$(grep '^tandem: ' err.log || true)
    [ "$starts" = 1 ] || same "$1: all lines" 1 "$(cat out.log err.log | wc -l)"
    local IFS=';'
    for wanted in $3; do
        checks=$((checks + 1))
        case $said in *"$wanted"*) ;; *) failed "$1: words" "$wanted" "$said" ;; esac
    done
    checks=$((checks + 1))
    [ "$5" -lt 5000 ] || failed "$1: time" "less than 5 s" "$5 ms"
}

now() { echo $(($(date +%s%N) / 1000000)); }

bad() { # bad NAME CODE WORDS ARGUMENTS
    local what=$1 code=$2 words=$3 found=0 from before
    shift 3
    before=$(look)
    from=$(now)
    timeout -k 2 30 $alone "$program" "$@" >out.log 2>err.log </dev/null || found=$?
    judge "$what" "$code" "$words" "$found" $(($(now) - from))
    lost=$(comm -23 <(sort <<<"$before") <(look | sort) | head -n 3)
    added=$([ "$starts" = 1 ] || comm -13 <(sort <<<"$before") <(look | sort) | head -n 3)
    same "$what: what was changed in $watched" "" "$lost$added"
    [ ! -e new ] || { failed "$what: the run directory" "not made" "$(ls new)"; rm -rf new; }
}

must 1 run $tiny out=done
must 1 run $tiny out=half iterations=1
reference=$(digests done)

# ---- the command line
bad "unknown command"        64 'no command "rnu";did you mean run' rnu $tiny
bad "unknown option"         64 '--quite;did you mean --quiet' run $tiny out=new --quite
bad "option without value"   64 '--max-time;needs a value' run $tiny out=new --max-time
bad "option with bad value"  64 '--max-time;"soon"' run $tiny out=new --max-time soon
bad "number out of bounds"   64 '--random;0' replay done --random 0
bad "no config"              64 'missing;usage: tandem run' run
bad "too many words"         64 'too many' report done half
bad "malformed override"     64 'override "iterations";key=value' run $tiny out=new iterations
bad "override without key"   64 'override "=3"' run $tiny out=new =3
bad "override of an array"   64 'override "base.mixture.share=1"' run $tiny out=new base.mixture.share=1
bad "unknown override key"   78 'command line;iteratons;did you mean "iterations"' run $tiny out=new iteratons=3
bad "override of wrong type" 78 'command line;seed;whole number' run $tiny out=new seed=abc

# ---- the config file
bad "config that is not there"   74 'nowhere.json;No such file' run nowhere.json
bad "config that is a directory" 74 "$data;is a folder" run $data
bad "empty config"           78 'found the end' run "$(file '')" out=new
bad "config of a list"       78 'object;array' run "$(file '[1, 2]')"
bad "config of bytes"        78 'UTF-8' run "$(file '{"seed": "\0377\0376"}')" out=new
bad "syntax error"           78 '.json:11:13:' run "$(config 's/"model": \{/"model": {,/')" out=new
bad "text behind the end"    78 'end' run "$(config '$a }')" out=new
bad "unterminated comment"   78 'comment' run "$(config 's/"iterations": 2,/"iterations": 2, \/\* twice/')" out=new
bad "duplicate key"          78 'seed;again;first at line' run "$(config 's/"seed": 1,/"seed": 1, "seed": 2,/')" out=new
bad "unknown key"            78 'iteratons;did you mean "iterations"' run "$(config 's/"iterations"/"iteratons"/')" out=new
bad "unknown key inside"     78 'checkpoint.every_step;did you mean "every_steps"' run "$(config 's/every_steps/every_step/')" out=new
bad "wrong type"             78 '"seed";whole number' run "$(config 's/"seed": 1/"seed": "one"/')" out=new
bad "fraction for a count"   78 '"iterations";whole number;1.5' run "$(config 's/"iterations": 2/"iterations": 1.5/')" out=new
bad "out of bounds"          78 'overlap;from 0 to 1;found 3' run $tiny out=new overlap=3
bad "number beyond double"   78 'finite' run "$(config 's/"seed": 1/"seed": 1e999/')" out=new
bad "choice that is none"    78 'ranks.mode;auto|split|alternate;splt;did you mean "split"' run $tiny out=new ranks.mode=splt
bad "missing required key"   78 '"tokenizer" is missing' run "$(config '/"tokenizer": \{/,/^  \},/d')" out=new
bad "newer version"          78 'version 2;newer;update' run $tiny out=new version=2
bad "empty run directory"    78 'path;0 bytes' run $tiny out=
bad "micro_batches 3"        78 'train.micro_batches is 3;power of two' run $tiny out=new train.micro_batches=3
bad "shares not 1"           78 'loop.mixture;add up to 0.9' run "$(config 's/"share": 0.8/"share": 0.7/')" out=new
bad "unknown key in a mixture" 78 'ballance;did you mean "balance"' run "$(config 's/"balance"/"ballance"/')" out=new
bad "missing key in a mixture" 78 'share;missing' run "$(config 's/"share": 0.8, //')" out=new
bad "mixture of nothing known" 78 'from;"keept"' run "$(config 's/"from": "kept"/"from": "keept"/')" out=new
bad "no mixture"             78 'base.mixture is empty' run $tiny out=new 'base.mixture=[]'
bad "wrong list of problems" 78 'seeds_per_digit;list of 2' run "$(config 's/\[40, 40\]/[40]/')" out=new
bad "unknown kind of problems" 78 'kind;addition;"subtraction"' run "$(config 's/"kind": "addition"/"kind": "subtraction"/')" out=new
bad "ranks that do not add up" 78 'rank' run $tiny out=new ranks.mode=split ranks.generators=1 ranks.trainers=1

# ---- model and tokenizer
bad "heads that do not divide"  78 'hidden_size;48;num_attention_heads;5' run "$(config 's/"num_attention_heads": 4/"num_attention_heads": 5/; s/"num_key_value_heads": 2/"num_key_value_heads": 5/')" out=new
bad "groups that do not divide" 78 'num_key_value_heads' run "$(config 's/"num_key_value_heads": 2/"num_key_value_heads": 3/')" out=new
bad "slip in a model key"       78 'hiden_size;hidden_size' run "$(config 's/hidden_size/hiden_size/')" out=new
bad "unknown model type"        78 'model_type;mamba' run "$(config 's/"model_type": "llama"/"model_type": "mamba"/')" out=new
bad "vocabulary too small"      78 'tokenizer has 20 tokens;vocab_size is 19' run "$(config 's/"vocab_size": 20/"vocab_size": 19/')" out=new
bad "a character twice"         78 "once;'9'" run "$(config 's/"0123456789\+/"01234567899+/')" out=new
bad "bos outside the alphabet"  78 'bos;"B"' run "$(config 's/"bos": "Q"/"bos": "B"/')" out=new
bad "model that is not there"   74 'nowhere' run "$(config 's/"model": \{/"model": {"from": "nowhere"},/; /"model_type"/,/^  \},/d')" out=new

# ---- recipes
bad "recipe that is not there"  74 'nowhere.json;No such file' run $tiny out=new loop.recipe=nowhere.json
bad "syntax error in a recipe"  78 ':4:;expected' run $tiny out=new "$(recipe 's/"steps": \[/"steps": [,/')"
bad "key twice in a recipe"     78 'recipe;again' run $tiny out=new "$(recipe 's/"recipe": "tiny",/"recipe": "a", "recipe": "b",/')"
bad "unknown kind of step"      78 'no kind of step "verfy";did you mean "verify"' run $tiny out=new "$(recipe '0,/"do": "verify"/s//"do": "verfy"/')"
bad "unknown parameter"         78 'temprature;did you mean "temperature"' run $tiny out=new "$(recipe '0,/"temperature"/s//"temprature"/')"
bad "first step no draw"        78 'first step;draw' run $tiny out=new "$(recipe '/"do": "draw"/d')"
bad "missing prompt file"       78 'no prompt file;additon.txt' run $tiny out=new "$(recipe 's/addition.txt/additon.txt/')"
bad "slot that nothing fills"   78 'no earlier step fills {qestion};{question}' run $tiny out=new "$(recipe 's/\{question\}/{qestion}/')"
bad "open brace in a prompt"    78 'brace' run $tiny out=new "$(recipe 's/\{question\}=/{question=/')"
bad "nothing to learn"          78 'nothing of this would be learned' run $tiny out=new "$(recipe 's/"weight": 1/"weight": 0/')"
bad "verdict never judged"      78 'right' run $tiny out=new "$(recipe 's/, "into": "right"/, "into": "good"/')"
bad "samples at temperature 0"  78 '2 samples at temperature 0' run $tiny out=new "$(recipe 's/"temperature": 0.7/"temperature": 0/')"
bad "no tokens at all"          78 'max_tokens;found 0' run $tiny out=new "$(recipe '0,/"\{max_tokens\}"/s//0/')"
bad "count of nothing"          78 'count' run $tiny out=new "$(recipe 's/, "count": 100//')"
bad "prompt outside the alphabet" 78 'What is' run $tiny out=new "$(recipe 's/"prompt": "[^"]*addition.txt"/"text": "What is {question}?"/')"
bad "two bos"                   78 '{bos}' run $tiny out=new "$(recipe 's/\{work\}\{eos\}/{bos}{work}{eos}/')"
bad "bad pattern"               78 'pattern' run $tiny out=new "$(recipe '0,/\{"do": "verify"/s//{"do": "parse", "by": "pattern", "in": "work", "pattern": "((", "into": ["x"]},\n    {"do": "verify"/')"
bad "plan sees it too"          78 'no kind of step' plan $tiny "$(recipe '0,/"do": "verify"/s//"do": "verfy"/')"

# ---- records, pools, teachers, exports
tasks=src/configs/alpaca-tiny.json
must 1 run $tasks out=told base.steps=1 loop.steps=1 iterations=1

given() { # given LINES MEMBERS: an override of the problems: a file of these lines, mapped as in the config
    files=$(ls src/configs/data | wc -l)
    printf '%b' "$1" >src/configs/data/g$files.jsonl
    echo "problems={\"kind\": \"records\", \"files\": [\"data/g$files.jsonl\"], \"fields\":" \
        "{\"instruction\": \"instruction\", \"input\": \"instances.0.input\", \"output\": \"instances.0.output\"}${2:-}}"
}

made() { # made SED-EXPRESSION: an override that names a spoilt alpaca recipe
    files=$(ls src/configs/recipes | wc -l)
    sed -E "$1" src/configs/recipes/alpaca.json >src/configs/recipes/m$files.json
    cmp -s src/configs/recipes/alpaca.json src/configs/recipes/m$files.json && echo "UNCHANGED-BY-$1" ||
        echo "loop.recipe=recipes/m$files.json"
}

ask() { echo "endpoint={\"url\": \"http://127.0.0.1:9/v1\", \"model\": \"x\"${1:+, $1}}"; }

task='{"id": "1", "instruction": "Do it.", "instances": [{"input": "", "output": "Done."}]}'
before_commit='s/^( *)(\{"do": "commit".*)$/\1\2\n\1'
bad "broken line of records"     65 'jsonl, line 2;closing quote' run $tasks out=new "$(given "$task\n{\"instruction\": \"Do")"
bad "record without a member"    65 'jsonl, line 2;instances.0.output;output;"instances.0.output?"' run $tasks out=new "$(given "$task\n{\"instruction\": \"x\", \"instances\": [{\"input\": \"\"}]}")"
bad "member that is a list"      65 'jsonl, line 1;"instruction" is an array' run $tasks out=new "$(given '{"instruction": ["x"]}')"
bad "records of one id"          65 '"1";line 1;line 3' run $tasks out=new "$(given "$task\n\n$task\n" ', "id": "id"')"
bad "records of bytes"           65 'jsonl, line 1;UTF-8' run $tasks out=new "$(given '{"instruction": "\0377"}')"
bad "no record at all"           65 'no record' run $tasks out=new "$(given '\n\n')"
bad "records that are not there" 65 'data/nowhere.jsonl;no such file;relative to the config' run $tasks out=new 'problems.files=["data/nowhere.jsonl"]'
mkdir src/configs/data/bare
bad "folder without records"     65 'data/bare;.jsonl' run $tasks out=new 'problems.files=["data/bare"]'
bad "all records held out"       65 'not held out' run $tasks out=new 'problems.held_out={"files": ["data/seed-tasks.jsonl"]}'
bad "share out of bounds"        78 'share;0.9' run $tasks out=new 'problems.held_out={"share": 2}'
bad "unknown kind of source"     78 '"record";did you mean "records"' run $tasks out=new problems.kind=record
bad "unknown key of records"     78 'problems.feilds;did you mean' run $tasks out=new problems.feilds=3
bad "more seeds than there are"  78 'alpaca.json:;3 different seeds;has 1' run $tasks out=new "$(given "$task")"
bad "slot of an example"         78 '.json:;{instructon};{instruction}' run $tasks out=new "$(made 's/Instruction: \{instruction\}/Instruction: {instructon}/')"
bad "slot of an emit"            78 '.json:;{outptu};{output}' run $tasks out=new "$(made '0,/\{output\}\{eos\}/s//{outptu}{eos}/')"
bad "slot of a prompt"           78 '.json:;{exmples};{examples}' run $tasks out=new "$(made 's/"prompt": "[^"]*"/"text": "{exmples}"/')"
bad "pool that nothing fills"    78 '.json:;"machin";"machine"' run $tasks out=new "$(made 's/"view": "seeds"/"view": "machin"/')"
bad "two commits to one pool"    78 '.json:;two commits;"machine"' run $tasks out=new "$(made "$before_commit"'{"do": "commit", "to": "machine", "key": "instruction"},/')"
bad "rounds of a second commit"  78 '.json:;only the first commit' run $tasks out=new "$(made "$before_commit"'{"do": "commit", "to": "other", "key": "instruction", "rounds": 3},/')"
bad "commit inside of a step"    78 '.json:;inside of other steps' run $tasks out=new "$(made 's/"no_input": true, "steps": \[/&{"do": "commit", "to": "other", "key": "instruction"},/')"
bad "threshold above 1"          78 '.json:;"8/7";7/10' run $tasks out=new "$(made 's#7/10#8/7#')"
bad "unknown parser"             78 '.json:;"sektions";did you mean "sections"' run $tasks out=new "$(made 's/"by": "sections"/"by": "sektions"/')"
bad "filter without a bound"     78 '.json:;"min" or "max"' run $tasks out=new "$(made 's/"min": 4, "max": 150/"in": "instruction"/; s/"in": "instruction", "by": "words"/"by": "words"/')"
bad "filter without a text"      78 '.json:;prefix;"text"' run $tasks out=new "$(made 's/"by": "prefix", "text": "[^"]*"/"by": "prefix"/')"
bad "filter with a bad pattern"  78 '.json:;pattern;parenthesis' run $tasks out=new "$(made 's/"by": "first_non_ascii"/"by": "pattern", "pattern": "(a"/')"
bad "count of a recipe without"  78 '"count";evol-instruct.json' run $tasks out=new loop.recipe=recipes/evol-instruct.json
bad "rounds of a recipe without" 78 '"rounds";alpaca-seeds.json' run $tasks out=new loop.count=0 loop.recipe=recipes/alpaca-seeds.json
bad "endpoint that is missing"   78 'teacher is endpoint;endpoint.url' run $tasks out=new teacher=endpoint
bad "unknown key of an endpoint" 78 'endpoint.modle;"model"' run $tasks out=new "$(ask '"modle": "y"')"
bad "unknown key of a script"    78 'scripted.p_lenght;"p_length"' run $tasks out=new scripted.p_lenght=0.1
bad "export into a file"         64 'told/run.json;there already' export told --to rows --out told/run.json
bad "export to no form"          64 '"alpacca";did you mean "alpaca"' export told --to alpacca --out new
bad "export of no run"           65 'src;not a run' export src --to rows --out new
bad "export of other fields"     65 'iteration 1;"kind";--to rows' export told --to self-instruct --out new
bad "export to nowhere"          74 'nowhere' export told --to rows --out nowhere/new
bad "loss of a recipe that asks" 78 'alpaca.json;draws and emits' eval $tasks out=told --loss src/configs/recipes/alpaca.json
printf '%s' '{"recipe": "probe", "about": "A probe.", "steps": [{"do": "draw", "from": "held-out"},
  {"do": "emit", "messages": [{"role": "user", "text": "{instruction}", "weight": 1}]}]}' >probe.json
bad "loss of nothing held out"   78 'probe.json:;problems.held_out' eval $tasks out=told --loss probe.json
watched=told
bad "run that reads its own sets" 78 'told/examples/i0001.h5;out=told' run $tasks out=told 'problems.files=["../../told/examples/i0001.h5"]'
bad "run that tests with its own sets" 78 'told/examples;out=told' run $tasks out=told 'problems.held_out={"files": ["../../told/examples"]}'
starts=1
echo secret >src/configs/key.txt
chmod 644 src/configs/key.txt
for case in "key that others may read;78;key.txt;0644;$(ask '"key_file": "key.txt"')" \
    "endpoint that is down;74;127.0.0.1:9;cannot be reached;$(ask '"retries": 1, "backoff_s": 0.1')"; do
    IFS=';' read -r what code one other object <<<"$case"
    rm -rf asked
    bad "$what" "$code" "$one;$other" run $tasks out=asked base.steps=1 teacher=endpoint "$object"
done
starts=0
watched=done

# ---- ids, models and examples of the other commands
ids() { file "$1"; }
bad "id outside, score"      65 '20;0 to 19' score --model done --ids "$(ids '[[1, 20]]')" --out new
bad "id outside, sample"     65 '-1;0 to 19' sample --model done --ids "$(ids '[[-1]]')" --out new
bad "ids cut off"            65 'expected' score --model done --ids "$(ids '[[1, 2')" --out new
bad "ids of text"            65 'number;"a"' score --model done --ids "$(ids '[["a"]]')" --out new
bad "ids of one level"       65 'array' score --model done --ids "$(ids '[1, 2]')" --out new
bad "ids of an object"       65 'array of arrays' score --model done --ids "$(ids '{"ids": [[1]]}')" --out new
bad "an empty list of ids"   65 'at least one' score --model done --ids "$(ids '[[]]')" --out new
bad "a fraction as id"       65 'whole number' score --model done --ids "$(ids '[[1.5]]')" --out new
bad "ids beyond the context" 65 '65 ids;context of 64' score --model done --ids "$(ids "[[$(seq -s, 1 65 | sed 's/[0-9]*/1/g')]]")" --out new
bad "prompt beyond the context" 65 '64' sample --model done --ids "$(ids "[[$(seq -s, 1 65 | sed 's/[0-9]*/1/g')]]")" --out new
bad "ids that are not there" 74 'nowhere.json' score --model done --ids nowhere.json --out new
bad "no model"               64 '--model' score --ids "$(ids '[[1]]')" --out new
bad "model that is not there, score" 74 'nowhere' score --model nowhere --ids "$(ids '[[1]]')" --out new
bad "prompt outside the alphabet, sample" 65 "'x'" sample --model done --prompt '1x1='
bad "prompt and ids"         64 'exactly one of --prompt, --in and --ids' sample --model done --prompt '1+1=' --ids "$(ids '[[1]]')"
bad "replay of no iteration" 64 'no published examples of iteration 9' replay done 9/1
bad "replay of no request"   64 'no example 1/5000;0 to 99' replay done 1/5000
bad "replay of no sample"    64 'no example 1/5' replay done 1/5/77
bad "replay of no id"        64 '"first"' replay done first
bad "replay of a huge id"    64 '1/9000000000000000' replay done 1/9000000000000000
bad "inspect of no run"      65 'src;not a run' inspect src
bad "inspect of nothing"     65 'nowhere' inspect nowhere
bad "verify of nothing"      65 'nowhere' verify nowhere
bad "verify of a text as set" 65 'v0001.h5' verify "$(mkdir -p t/weights && echo text >t/weights/v0001.h5 && echo t/weights/v0001.h5)"
bad "report of no run"       65 'nowhere' report nowhere
bad "kind of step that is none" 64 '"verfy"' steps verfy

mkdir -p hf-none hf-wrong hf-hostile
python3 - <<'P'
import json, struct
def write(path, tensors, header=None):
    at, table = 0, {}
    for name, shape in tensors:
        n = 4
        for d in shape: n *= d
        table[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + n]}
        at += n
    text = (header or json.dumps(table)).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + bytes(at))
shape = [("model.embed_tokens.weight", [20, 48])]
write("hf-none/model.safetensors", shape)
write("hf-wrong/model.safetensors", [("model.embed_tokens.weight", [20, 40])])
write("hf-hostile/model.safetensors", [], '{"model.embed_tokens.weight": {"dtype": "F32", "shape": [4194305, 4194305, 211106198978564], "data_offsets": [0, 4]}}')
config = {"model_type": "llama", "vocab_size": 20, "hidden_size": 48, "num_hidden_layers": 1,
          "num_attention_heads": 4, "num_key_value_heads": 4, "intermediate_size": 64,
          "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 1e4}
for folder in ("hf-wrong", "hf-hostile"):
    json.dump(config, open(folder + "/config.json", "w"))
P
bad "folder without config.json"   65 'config.json' score --model hf-none --ids "$(ids '[[1]]')" --out new
bad "tensor of another shape"      65 'model.embed_tokens.weight' score --model hf-wrong --ids "$(ids '[[1]]')" --out new
bad "hostile sizes of a tensor"    65 'safetensors' score --model hf-hostile --ids "$(ids '[[1]]')" --out new
bad "evaluating a model of another shape" 78 'config' eval $tiny --model "$(
    "$program" run "$(config 's/"hidden_size": 48/"hidden_size": 32/')" out=narrow iterations=0 >/dev/null 2>&1 &&
    echo narrow/weights/v0000.h5)"

# ---- run directories
watched=done
bad "seed changed in a run"     78 'seed = 1;seed;another out=' run $tiny out=done seed=2
bad "model changed in a run"    78 'intermediate_size;128;96' run "$(config 's/"intermediate_size": 128/"intermediate_size": 96/')" out=done
bad "recipe changed in a run"   78 'loop.recipe;tiny-recipe.json;another out=' run $tiny out=done "$(recipe 's/"temperature": 0.5/"temperature": 0.6/')"
cp $data/tiny-recipe.json keep.json
sed -i 's/"temperature": 0.5/"temperature": 0.6/' $data/tiny-recipe.json
bad "recipe edited under a run" 78 'tiny-recipe.json;changed;another out=' run $tiny out=done
bad "replay with another recipe" 78 'tiny-recipe.json;changed' replay done 1/1
mv keep.json $data/tiny-recipe.json
echo text >plain
watched=plain
bad "run directory that is a file" 74 'plain' run $tiny out=plain
watched=half
cp half/run.json keep.json
echo '{"config": {' >half/run.json
bad "run.json cut off"          65 'run.json' run $tiny out=half iterations=2
mv keep.json half/run.json

flip() { # one bit in the middle of a file
    python3 - "$1" <<'P'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(0, 2); n = f.tell(); f.seek(n // 2)
    b = f.read(1)[0]; f.seek(n // 2); f.write(bytes([b ^ 1]))
P
}

damaged() { # damaged NAME WORDS COMMAND...: the run goes on, finds it, and says so; so does verify
    local what=$1 words=$2
    shift 2
    rm -rf half2
    cp -r half half2
    watched=half2
    "$@"
    starts=0
    bad "$what, verify" 65 "$words" verify half2
    starts=1
    bad "$what, run" 65 "$words" run $tiny out=half2 iterations=2
    starts=0
}
damaged "set cut off"          i0001.h5  truncate -s -100 half2/examples/i0001.h5
damaged "set of no bytes"      i0001.h5  truncate -s 0 half2/examples/i0001.h5
damaged "bit flipped in a set" i0001.h5  flip half2/examples/i0001.h5
damaged "bit flipped in weights" v0001.h5 flip half2/weights/v0001.h5
damaged "weights cut off"      v0001.h5  truncate -s 5000 half2/weights/v0001.h5
damaged "bit flipped in a shard" i0001/b0002.h5 flip half2/examples/i0001/b0002.h5
damaged "missing shard"        i0001/b0001.h5 rm half2/examples/i0001/b0001.h5
damaged "shards exchanged"     i0001/b000 sh -c 'cd half2/examples/i0001; mv b0001.h5 x; mv b0002.h5 b0001.h5; mv x b0002.h5'
starts=1
rm -rf half2; cp -r half half2; cp narrow/weights/v0000.h5 half2/weights/v0001.h5
watched=half2
bad "weights of another shape, run" 65 'v0001.h5' run $tiny out=half2 iterations=2
starts=0

# A damaged training state is no loss: the one before it serves, with a warning.
rm -rf half2; cp -r half half2
rm half2/weights/v0001.h5
flip "$(ls half2/checkpoints/*.h5 | tail -n 1)"
must 1 run $tiny out=half2 && same "digests after a damaged training state" "$reference" \
    "$(digests half2)"
checks=$((checks + 1))
grep -q 'passed over' ranks.log || failed "damaged training state" "a warning: passed over" \
    "$(cat ranks.log)"

# Hostile lines of metrics are left out, by the run and by its report.
rm -rf half2; cp -r half half2
python3 - half2/metrics.jsonl <<'P'
import sys
with open(sys.argv[1], "ab") as f:
    for line in (b"[" * 100000, b"\xff\xfe\x00junk", b'{"kind": "eval"', b"{}", b"[]", b"7", b"null",
                 b'{"kind": "eval", "iteration": {}, "accuracy": "high", "by_digit": [[], "x", null]}',
                 b'{"kind": "eval", "iteration": 1e300, "accuracy": -1e300, "by_digit": [' + b"1e300, " * 100 + b'0]}',
                 b'{"kind": "step", "iteration": -5, "step": "<script>", "loss": 1e-320, "lr": 1e308}',
                 b'{"kind": "<script>alert(1)</script>"}',
                 b'{"kind": "generate", "iteration": 1, "by_source": {"<script>alert(1)</script>": 3}}',
                 b'{"kind": "time", "section": "<script>alert(1)</script>", "min": 1e999}',
                 b"x" * 3000000):
        f.write(line + b"\n")
    f.write(b'{"kind": "st')
P
must 1 report half2
same "scripts in a report of hostile metrics" 0 "$(grep -ci '<script>alert' half2/report.html || true)"
must 1 run $tiny out=half2 && same "digests after hostile metrics" "$reference" "$(digests half2)"

# A stop text that never comes, from a model that knows no end: max_tokens ends it.
stop=$(recipe 's/"temperature": 0.7,/"temperature": 0.7, "stop": ["+++;+++"],/; s/"\{max_tokens\}"/3/')
must 1 run $tiny out=endless "$stop" loop.steps=0 base.steps=1 iterations=1
checks=$((checks + 1))
"$program" inspect endless | grep -q '200 records, 0 kept, 1[0-9][0-9] unfinished' ||
    failed "texts that come to no end" "200 records, 0 kept, more than 100 unfinished" "$("$program" inspect endless | head -n 3)"

# ---- output that nobody takes
if [ -e /dev/full ]; then
    for command in "steps" "plan $tiny" "inspect done"; do
        code=0
        "$program" $command >/dev/full 2>err.log || code=$?
        : >out.log
        judge "standard output is full: $command" 74 'standard output' "$code" 0
    done
fi

# ---- two ranks still make one message
for case in "78;iteratons=3 out=new" "64;out=new iterations" "65;out=done iterations=3 seed=1"; do
    [ "${case%%;*}" != 65 ] || { rm -rf half2; cp -r half half2; flip half2/weights/v0001.h5
        case="65;out=half2"; }
    code=0
    ranks 2 run $tiny ${case#*;} || code=$?
    same "two ranks, ${case#*;}: exit code" "${case%%;*}" "$code"
    same "two ranks, ${case#*;}: messages" 1 "$(grep -c '^tandem: ' ranks.log || true)"
done
code=0
ranks 3 run $tiny out=new ranks.generators=2 ranks.trainers=2 || code=$?
same "three ranks for four: exit code" 78 "$code"
same "three ranks for four: messages" 1 "$(grep -c '^tandem: .*rank' ranks.log || true)"
same "three ranks for four: run directory" "" "$(ls new 2>/dev/null || true)"

# ---- two jobs on one run directory: the newer one takes it over
"$program" run $tiny out=taken >old.log 2>&1 &
old=$!
until [ "$(cat taken/metrics.jsonl 2>/dev/null | wc -l)" -gt 20 ] || ! kill -0 $old; do sleep 0.01; done
from=$(now)
must 1 run $tiny out=taken
code=0
wait $old || code=$?
cp old.log err.log
starts=1
judge "older of two jobs" 74 'taken over by attempt 2;this is attempt 1;publishes nothing' "$code" 0
same "digests of a run that was taken over" "$reference" "$(digests taken)"

# ---- disks
if [ "$(id -u)" = 0 ] && mkdir -p disk && mount -t tmpfs -o size=64m none disk 2>/dev/null; then
    at_end="umount -l $room/disk"
    for size in 200k 500k 900k 1500k; do
        mount -o remount,size=$size none disk
        code=0
        timeout 60 "$program" run $tiny out=disk/run >out.log 2>err.log || code=$?
        judge "a disk of $size is full" 74 'disk/run;free there: make room' "$code" 0
        "$program" verify disk/run >verify.log 2>&1 || failed "a full disk of $size: verify" \
            "exit code 0" "$(cat verify.log)"
        mount -o remount,size=64m none disk
        if [ $size = 900k ]; then # once more, in the state that the smaller ones left
            must 1 run $tiny out=disk/run && same "digests after full disks" "$reference" \
                "$(digests disk/run)"
            rm -rf disk/run
        fi
    done
    must 1 run $tiny out=disk/run && same "digests after a full disk" "$reference" \
        "$(digests disk/run)"
    watched=disk/run
    starts=0
    mount -o remount,ro none disk
    bad "read-only disk, a run that is there" 74 'disk/run;Read-only' run $tiny out=disk/run iterations=3
    bad "read-only disk, a new run"           74 'disk/new;Read-only' run $tiny out=disk/new
    same "inspect on a read-only disk" "$reference" "$(digests disk/run)"
    bad "read-only disk, report"              74 'disk/run;Read-only' report disk/run
    umount disk
    at_end=
elif [ "$(id -u)" != 0 ]; then
    mkdir shut && chmod a-w shut
    watched=shut
    bad "folder that may not be written" 74 'shut;Permission denied' run $tiny out=shut/new
    echo "$name: full disks need root: left out"
else
    echo "$name: no mounts here: full and read-only disks left out"
fi
echo "$cases cases"
finish
