#!/bin/bash
# bad_models.sh PROGRAM SOURCE: models that are spoilt are refused by whatever opens them: with one
# message that says what was found where and what to do, the documented exit code, at once, and
# before anything is written.  `tandem inspect` describes them and says why they are no use.
#
# One line per case:  bad MODEL CODE 'WORDS;MORE WORDS'
set -eu
. "$2/tests/whole/common.sh"
need python3

python3 "$source/tests/fault/bad_models.py" .
echo '[[1, 2, 3]]' >ids.json
cases=0
listed=" "
described=() # by one call of inspect at the end
expected=()  # words of it

now() { echo $(($(date +%s%N) / 1000000)); }

call() { # call ARGUMENTS: exit code in $found, words in out.log and err.log
    local from
    from=$(now)
    found=0
    timeout -k 2 20 $alone "$program" "$@" >out.log 2>err.log </dev/null || found=$?
    took=$(($(now) - from))
}

words() { # words WHAT 'WORDS;MORE WORDS' TEXT
    local wanted IFS=';'
    for wanted in $2; do
        checks=$((checks + 1))
        case $3 in *"$wanted"*) ;; *) failed "$1: words" "$wanted" "$3" ;; esac
    done
}

refused() { # refused WHAT CODE WORDS ARGUMENTS
    local what=$1 code=$2 wanted=$3
    shift 3
    call "$@"
    same "$what: exit code ($(head -n 2 err.log))" "$code" "$found"
    same "$what: messages" 1 "$(grep -c '^tandem: ' err.log || true)"
    same "$what: other lines" 1 "$(cat out.log err.log | wc -l)"
    words "$what" "$wanted" "$(cat err.log)"
    checks=$((checks + 1))
    [ "$took" -lt 5000 ] || failed "$what: time" "less than 5 s" "$took ms"
    same "$what: what was written" "" "$(ls -d new* 2>/dev/null || true)"
    rm -rf new*
}

takes() { # takes MODEL: it can be used
    call import --model "$1" --out taken
    same "$1: import ($(head -n 1 err.log))" 0 "$found"
    rm -rf taken
    cases=$((cases + 1))
    listed="$listed$1 "
}

bad() { # bad MODEL CODE WORDS
    local ours=$3
    case $1 in *.*) ;; *) ours="$1;$3" ;; esac
    cases=$((cases + 1))
    listed="$listed$1 "
    if [ $((cases % 2)) = 0 ]; then
        refused "$1, sample" "$2" "$ours" sample --model "$1" --ids ids.json --max-tokens 2
    else
        refused "$1, export" "$2" "$ours" export --model "$1" --to gguf --out new.gguf
    fi
    refused "$1, import" "$2" "$ours" import --model "$1" --out new
    [ -e "$1/config.json" ] || [ "${1%.gguf}" != "$1" ] || [ "${1%.bin}" != "$1" ] || return 0
    described+=("$1")
    expected+=("$ours;  usable        no")
}

says() { # says MODEL WORDS: usable, but for what inspect says
    takes "$1"
    described+=("$1")
    expected+=("$2;  usable        yes")
}

# ---- good ones
says good "a Hugging Face folder;F32: 21 tensors;llama;265 tokens;bos 261 <s>;chat template yes"
says sharded "files         2 of safetensors"
says good.gguf "GGUF version 3;named tiny;265 tokens"
says good.bin "llama2.c v0;tokenizer     none"
same "what a folder and its GGUF file sample" "$(for m in good good.gguf; do
    call sample --model $m --prompt "the" --max-tokens 8 --temperature 0; md5sum <out.log; done | sort -u | wc -l)" 1

# ---- files of weights
bad shard-missing     74 '/model-00002-of-00002.safetensors;not there;index.json names it;incomplete'
bad shard-unnamed     74 '/model-00003-of-00003.safetensors;not there;incomplete'
bad shard-elsewhere   65 'index.json;lm_head.weight in model-00001-of-00002.safetensors;not there;one model'
bad shard-outside     65 'index.json;file beside it;lm_head.weight'
bad index-missing     74 'model-00001-of-00002.safetensors;index is missing;download'
bad index-broken      65 'model.safetensors.index.json:1:20;expected'
bad tensor-missing    65 'no tensor model.layers.1.mlp.down_proj.weight;config.json asks for;incomplete'
bad tensor-left       65 '/model.safetensors;model.layers.2.mlp.down_proj.weight has no place;config.json'
bad tensor-foreign    65 'self_attn.q_proj.qweight has no place'
bad tensor-i64        65 'mlp.down_proj.weight;type I64;expected F32, F16 or BF16;save'
bad tensor-f8         65 'mlp.down_proj.weight;type F8_E4M3;expected F32, F16 or BF16'
bad tensor-turned     65 'shape [24, 16];config.json makes it [16, 24];transposed'
bad tensor-shape      65 'model.embed_tokens.weight has shape [264, 16];makes it [265, 16]'
bad offsets-overlap   65 'mlp.down_proj.weight;byte 31040;found 31032;overlap'
bad offsets-outside   65 'mlp.down_proj.weight;end by 49600;may be cut'
bad offsets-shape     65 'mlp.down_proj.weight;400 elements;1536 bytes'
bad tensor-twice      65 'every key once;lm_head.weight'
bad header-no-json    65 "expected '{' as byte 8;no safetensors file"
bad header-broken     65 '/model.safetensors:1:;expected'
bad header-long       65 'header of 2 to;1152921504606846976;cut'
bad file-cut          65 'lm_head.weight;end by 48600;may be cut'
bad file-cut-early    65 'header of 2 to 492 bytes;cut'
bad file-empty        65 'found only 0 bytes'
bad file-lfs          65 '/model.safetensors: is a pointer of git-lfs;download is incomplete;git lfs pull'
bad file-h5           65 '/model.safetensors: is an HDF5 file;expected a safetensors file;.h5'
bad file-zip          65 '/model.safetensors: is a zip file;PyTorch;safetensors'
bad file-pickle       65 '/model.safetensors: is a pickle;PyTorch;safetensors'
bad file-gguf         65 '/model.safetensors: is a GGUF file;.gguf'
bad file-html         65 '/model.safetensors: is a web page;download'
bad only-pytorch      74 'pytorch_model.bin;may hold code;save_pretrained'
bad no-weights        74 'expected model.safetensors or model.safetensors.index.json;neither'
bad untied-without-head 65 'no tensor lm_head.weight;tie_word_embeddings to true'
# These show only when the values are read, which inspect does not do.
for case in "tensor-nan;65;element 10 of tensor model.layers.1.mlp.down_proj.weight is nan;finite" \
    "tied-wrongly;65;lm_head.weight differs from model.embed_tokens.weight;tie_word_embeddings to false" \
    "tensor-inf;65;element 0 of tensor model.layers.1.mlp.down_proj.weight is inf;finite"; do
    rest=${case#*;}
    refused "${case%%;*}" 65 "${rest#*;}" import --model "${case%%;*}" --out new
    refused "${case%%;*}, score" 65 "${rest#*;}" score --model "${case%%;*}" --ids ids.json --out new
    listed="$listed${case%%;*} "
    cases=$((cases + 1))
done

# ---- config.json
bad config-broken     65 '/config.json:1:24;expected a key'
bad config-list       78 '/config.json:1:1;must be an object;array'
bad config-lfs        65 '/config.json: is a pointer of git-lfs;incomplete'
bad config-missing    65 'no config.json'
bad type-unknown      78 '/config.json;"mamba";supported are "llama"'
bad type-missing      78 'no "model_type";expected one of "llama"'
bad type-moe          78 '"mixtral";supported are'
bad type-moe-qwen     78 '"qwen2_moe";supported are'
bad activation-unknown 78 'hidden_act;"relu2";"silu"'
bad quantized-awq     78 'quantization_config;quantized model is not supported;without'
bad quantized-gptq    78 'quantization_config;quantized model is not supported;without'
bad rope-unknown      78 'rope_type;"longrope";supported are;"yarn"'
bad rope-no-factor    78 'type "linear" need "factor"'
bad heads             78 'hidden_size 16;num_attention_heads 3;no head_dim'
bad groups            78 'num_attention_heads 4;num_key_value_heads 3'
bad size-absurd       78 'hidden_size;1 to 65536;1000000000'
bad size-large        65 'model.embed_tokens.weight has shape [265, 16];[265, 65536]'
bad size-negative     78 'hidden_size;found -16'
bad size-text         78 'hidden_size;whole number;found "16"'
bad size-missing      78 'no "hidden_size"'
bad layers-more       65 'no tensor model.layers.2.input_layernorm.weight;config.json asks for'
bad layers-fewer      65 'model.layers.1.input_layernorm.weight has no place'
says bos-beyond       'config.json: bos_token_id 272 is no token of the model'
says eos-beyond       'config.json: eos_token_id 273 is no token of the model'
says pad-beyond       'config.json: pad_token_id 265 is no token of the model'
says generation-eos-beyond 'generation_config.json: eos_token_id 274 is no token of the model'

# ---- what is no model folder
bad adapter           65 'is an adapter on the model;some/base;found neither;@PATH-OF-THE-BASE'
bad empty             65 'no config.json;weights/'
bad single.safetensors 65 'only a part;folder;config.json'
bad lfs.safetensors   65 'pointer of git-lfs'
bad weights.npz       65 'is a zip file'
bad short.h5          65 'short.h5;HDF5'
described+=(adapter)
expected+=('is an adapter on the model;  usable        no')
refused "inspect of a part" 65 'only a part' inspect single.safetensors

# ---- the tokenizer
says no-tokenizer     'tokenizer     none: only ids'
refused "no tokenizer, a prompt" 65 'no-tokenizer;no tokenizer;tokenizer.json' sample --model no-tokenizer --prompt Hi
says tokens-fewer     '1 rows of the embedding have no token'
bad tokens-more       65 '/tokenizer.json;ids up to 270;265 rows;take the tokens beyond'
bad added-beyond      65 '/tokenizer.json;ids up to 268;265 rows'
bad eos-beyond-alone  78 '/config.json;eos_token_id;273;below vocab_size, 265;correct it'
bad tokenizer-broken  65 '/tokenizer.json:1:30;expected a key'
bad tokenizer-list    65 '/tokenizer.json:1;expected an object;array'
bad tokenizer-lfs     65 '/tokenizer.json: is a pointer of git-lfs;incomplete'
bad tokenizer-wordpiece 65 '/tokenizer.json:1;WordPiece;expected BPE or Unigram'
bad tokenizer-no-model 65 '/tokenizer.json:1;tokenizer.model;missing'
bad merge-unknown     65 '/tokenizer.json:1;the merge of "q" and "zz";second is not in the vocabulary'
bad merge-single      65 '/tokenizer.json:1;two tokens that become one;"alone"'
bad id-twice          65 '/tokenizer.json;two tokens have the id 3;"the"'
bad id-negative       65 '/tokenizer.json:1;0 to 2097151;-1'
bad pre-unknown       65 '/tokenizer.json:1;pre-tokenizer "Guess"'

# ---- chat templates: no harm to weights and tokenizer
says chat-no-system   'a system message is dropped without a word'
says chat-syntax      'no chat;expected {% endfor %}'
says chat-raises      'in chats;refuses: no conversation is good enough'
says chat-bos         'begins with <s>, and the tokenizer puts it in front'
says chat-filter      'no chat;no filter "shuffle"'
takes chat-list
refused "template, syntax" 65 'chat-syntax;1:39;endfor' template --model chat-syntax --check
refused "template, filter" 65 'chat-filter;no filter "shuffle"' template --model chat-filter --check
refused "template, no text" 65 'chat-list;expected the text of a chat template;none of that name' template --model chat-list --check
call template --model chat-no-system --check
words "template --check" "a system message is dropped without a word" "$(cat out.log)"
call template --model chat-bos --check
words "template --check" "stands there twice" "$(cat out.log)"
echo '[{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]},
       {"messages": [{"role": "user", "content": "Hi"}]}]' >talk.json
call template --model chat-no-system --in talk.json --out texts.json
words "template, a conversation with a system message" "drops a message of the system in 1 of" "$(cat out.log)"
same "texts with what was lost" 1 "$(grep -c '"lost": "[^"]*the template drops message 0' texts.json)"
call template --model good --in talk.json --out texts.json
same "texts with nothing lost" 0 "$(grep -c '"lost"' texts.json || true)"

# ---- GGUF
bad magic.gguf        65 'magic.gguf;old format GGML;expected a GGUF file;convert'
bad lfs.gguf          65 'lfs.gguf: is a pointer of git-lfs;incomplete'
bad version-1.gguf    65 'version 2 or 3, found 1;convert'
bad version-4.gguf    65 'version 2 or 3, found 4'
bad big-endian.gguf   65 'other byte order;little-endian'
bad cut.gguf          65 'output.weight;needs 16960 bytes;cut'
bad cut-in-keys.gguf  65 'ends within a value at byte 300;cut'
bad count-absurd.gguf 65 'at most 65536 tensors;1152921504606846976'
bad keys-absurd.gguf  65 '65536 keys;1152921504606846976'
bad text-absurd.gguf  65 'text at byte 93;4611686018427387904;are left'
bad array-absurd.gguf 65 'key a;2305843009213693952;longer than the file'
bad kind-absurd.gguf  65 'key a;found 99'
bad type-q5.gguf      65 'blk.0.ffn_up.weight;Q5_K (13)'
bad type-unknown.gguf 65 'blk.0.ffn_up.weight;unknown (77)'
bad no-width.gguf     65 'no key llama.embedding_length'
bad no-architecture.gguf 65 'no general.architecture'
bad architecture-unknown.gguf 78 '"mamba";expected llama, gpt2'
bad experts.gguf      78 'llama.expert_count;mixture of experts'
bad rope-unknown.gguf 78 'llama.rope.scaling.type;"longrope";linear or yarn'
bad rope-table.gguf   78 'rope_freqs.weight;divisors;Llama 3.1;Hugging Face folder'
bad rope-twice.gguf   78 'rope.scaling.type is "linear";rope_freqs.weight;one of the two'
bad rope-partial.gguf 78 'llama.rope.dimension_count is 2;4 wide'
bad vocabulary-only.gguf 65 'token_embd.weight;vocabulary without weights'
bad pre-unknown.gguf  65 'tokenizer.ggml.pre is "guess";known are gpt-2, llama-bpe'
bad vocabulary-unknown.gguf 65 '"bert";expected llama or gpt2'
bad tokens-more.gguf  65 'ids up to 266;265 rows'
bad bos-beyond.gguf   65 'tokenizer.ggml.bos_token_id is 272;265 tokens;convert'
bad merge-unknown.gguf 65 'the merge of "q" and "zz";second is not'
bad tensor-missing.gguf 65 'no tensor blk.1.ffn_up.weight'
bad tensor-left.gguf  65 'blk.2.ffn_up.weight has no place'
bad tensor-shape.gguf 65 'blk.1.ffn_up.weight;16 rows of 24;24 rows of 16'
refused "NaN in GGUF" 65 'tensor-nan.gguf;element 0 of tensor output.weight is nan' import --model tensor-nan.gguf --out new
listed="$listed tensor-nan.gguf "

# ---- llama2.c
bad llama2c-cut.bin   65 'would have 50652 bytes;50648;cut'
bad llama2c-version.bin 65 'version 1 or 2;found 9'
bad llama2c-heads.bin 65 'width of 16, 3 heads;2 key/value heads'
bad llama2c-zip.bin   65 'zip file;safetensors'
refused "NaN of llama2.c" 65 'element 0 of tensor model.embed_tokens.weight is nan' import --model llama2c-nan.bin --out new
listed="$listed llama2c-nan.bin "

# ---- the other commands refuse the same, and leave nothing behind
mkdir -p src/tests && cp -r "$source/configs" src && cp -r "$source/tests/data" src/tests
for model in file-lfs config-lfs tokens-more cut.gguf shard-missing; do
    code=65
    [ $model != shard-missing ] || code=74
    [ $model = tokens-more ] || # its ids are good without the tokenizer
        refused "$model, score" $code "$model" score --model $model --ids ids.json --out new
    refused "$model, export to GGUF" $code "$model" export --model $model --to gguf --out new.gguf
    refused "$model, export to a folder" $code "$model" export --model $model --to hf --out new
    sed -E "s|\"model\": \{|\"model\": {\"from\": \"$model\"},|; /\"model_type\"/,/^  \},/d
        /\"tokenizer\"/,/^  \},/d" "$tiny" >src/tests/data/spoilt.json
    [ $model != tokens-more ] || code=78
    refused "$model, run" $code "" run src/tests/data/spoilt.json out=new
done

call inspect "${described[@]}"
same "inspect: exit code ($(head -n 1 err.log))" 0 "$found"
for i in "${!described[@]}"; do
    words "${described[$i]}, inspect" "${expected[$i]}" "$(awk -v at="${described[$i]}: " \
        'index($0, at) == 1 { on = 1 } on { print } /^  usable/ { on = 0 }' out.log)"
done
same "variants without a case" "" "$(for m in [a-z]*/ *.gguf *.bin *.h5 *.npz *.safetensors; do
    case "$listed src " in *" ${m%/} "*) ;; *) echo "${m%/}" ;; esac; done)"
echo "$cases cases"
finish
