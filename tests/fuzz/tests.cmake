# Programs that feed readers with hostile bytes: fuzz_<name>, one per row of the list, with the number
# of changed copies that the quick run makes of each file of corpus/<name>/.
#
# As part of the tests they are linked with replay.c.  With -DTD_FUZZ=ON (clang with libFuzzer, see
# run.sh) they look for new inputs, under sanitizers, and nothing else is worth building.
option(TD_FUZZ "Link the programs of tests/fuzz with libFuzzer" OFF)

set(fuzz_list safetensors 300 gguf 150 llama2c 200 tokenizer_json 100 tokenizer_model 150
    tokenizer_text 100 template 60 json 500 config 500 records 200
    http 30)
set(fuzz_layer_records td_datagen) # the others need no more than td_model

if(TD_FUZZ)
    # What `null` and `object-size` find, `address` finds too; they double the time of the build.
    set(fuzz_flags -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=null,object-size
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    foreach(layer base mpi io model datagen) # the kernels stand in libraries of their own
        target_compile_options(td_${layer} PRIVATE ${fuzz_flags})
    endforeach()
    get_target_property(sources td_model SOURCES)
    list(FILTER sources INCLUDE REGEX "/gemm_(portable|avx2|avx512)\\.c$") # minutes each, otherwise
    if(NOT sources)
        message(FATAL_ERROR "td_model has no sources gemm_*.c any more")
    endif()
    set_source_files_properties(${sources} TARGET_DIRECTORY td_model
        PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
endif()

add_library(td_fuzz STATIC ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz.c)
target_link_libraries(td_fuzz PUBLIC td_model)
target_compile_options(td_fuzz PRIVATE ${fuzz_flags})
add_custom_target(fuzz)
while(fuzz_list)
    list(POP_FRONT fuzz_list name copies)
    add_executable(fuzz_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz_${name}.c)
    target_link_libraries(fuzz_${name} PRIVATE td_fuzz ${fuzz_layer_${name}})
    add_dependencies(fuzz fuzz_${name})
    if(TD_FUZZ)
        target_compile_options(fuzz_${name} PRIVATE ${fuzz_flags})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined)
        continue()
    endif()
    target_sources(fuzz_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/replay.c)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/run/fuzz/${name})
    add_test(NAME fuzz/${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/run/fuzz/${name}
        COMMAND fuzz_${name} ${copies} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
    set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 120 LABELS "fuzz;fault"
        ENVIRONMENT "${TD_TEST_ENVIRONMENT}")
endwhile()

# Where clang has libFuzzer: a short look with the sanitizers.  The build is kept beside this one.
if(NOT TD_FUZZ)
    set(room ${CMAKE_BINARY_DIR}/run/fuzz/run.sh)
    file(MAKE_DIRECTORY ${room})
    add_test(NAME fuzz/run.sh WORKING_DIRECTORY ${room}
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/run.sh 2 safetensors gguf llama2c tokenizer_json
                tokenizer_model tokenizer_text template json config)
    set_tests_properties(fuzz/run.sh PROPERTIES PROCESSORS 2 TIMEOUT 900 SKIP_RETURN_CODE 77
        LABELS "fuzz;fault" ENVIRONMENT "FUZZ_BUILD=${CMAKE_BINARY_DIR}/fuzzer")
endif()
