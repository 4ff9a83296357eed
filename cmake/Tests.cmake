# Tests, found by their place and name:
#
#   tests/unit/<folder>/test_<name>.c     test_<folder>_<name>, linked with <folder>; label unit
#   tests/fuzz/fuzz_<folder>_<what>.c     linked with <folder>; libFuzzer in the fuzz preset, else
#                                         a replay of tests/fuzz/corpus/<folder>_<what>/; label unit
#   tests/integration/test_<name>.py      pytest, LINKUP_BUILD is the build folder; label integration
#   tests/support/                        helpers, included as "support/x.h"; programs/ for integration tests
#   tests/unit/<folder>/*_bed.h           what a folder's tests share, as "unit/<folder>/x_bed.h"

set(test_environment
  "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1"
  "LINKUP_BUILD=${CMAKE_BINARY_DIR}"
  "LINKUP_SOURCE=${CMAKE_SOURCE_DIR}")

# Like a folder of the house, but empty of rules: tests may use any of its headers.
set(support_include "${CMAKE_BINARY_DIR}/include/support")
file(MAKE_DIRECTORY "${support_include}")
file(CREATE_LINK "${CMAKE_SOURCE_DIR}/tests/support" "${support_include}/support" SYMBOLIC)
file(CREATE_LINK "${CMAKE_SOURCE_DIR}/tests/unit" "${support_include}/unit" SYMBOLIC)
file(GLOB support_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/support/*.c")
if(support_sources)
  add_library(test_support STATIC ${support_sources})
  set(scope PUBLIC)
else()
  add_library(test_support INTERFACE)
  set(scope INTERFACE)
endif()
target_include_directories(test_support ${scope} "${support_include}")
target_link_libraries(test_support ${scope} core PkgConfig::cmocka)

function(unit_test source)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET folder FILENAME folder)
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "^test_" "test_${folder}_" name "${name}")
  if(NOT TARGET ${folder})
    message(FATAL_ERROR "${source}: there is no library ${folder} to test")
  endif()

  add_executable(${name} "${source}")
  target_link_libraries(${name} PRIVATE ${folder} test_support)
  # cmocka passes every test a state that few of them want.
  target_compile_options(${name} PRIVATE -Wno-unused-parameter)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 120 ENVIRONMENT "${test_environment}")
endfunction()

function(fuzz_test source)
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "^fuzz_" "" corpus "${name}")
  string(REGEX REPLACE "^fuzz_([a-z0-9]+)_.*$" "\\1" folder "${name}")
  if(NOT TARGET ${folder})
    message(FATAL_ERROR "${source}: there is no library ${folder} to test")
  endif()

  add_executable(${name} "${source}")
  target_link_libraries(${name} PRIVATE ${folder} test_support)
  # libFuzzer's entry points have no header.
  target_compile_options(${name} PRIVATE -Wno-missing-prototypes)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  set(corpus "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${corpus}")
  if(LINKUP_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    return()
  endif()
  target_sources(${name} PRIVATE "${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.c")
  add_test(NAME ${name} COMMAND ${name} "${corpus}")
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 120 ENVIRONMENT "${test_environment}")
endfunction()

file(GLOB unit_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/unit/*/test_*.c")
foreach(source IN LISTS unit_sources)
  unit_test("${source}")
endforeach()

file(GLOB fuzz_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c")
foreach(source IN LISTS fuzz_sources)
  fuzz_test("${source}")
endforeach()

# An agent without the command line, for integration tests.
add_executable(agent_alone "${CMAKE_SOURCE_DIR}/tests/support/programs/agent_main.c")
target_link_libraries(agent_alone PRIVATE tunnel)
set_target_properties(agent_alone PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")

# The system's own Python has Debian's modules; another one earlier in PATH would not.
find_program(LINKUP_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
file(GLOB integration_tests CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/integration/test_*.py")
foreach(script IN LISTS integration_tests)
  cmake_path(GET script STEM name)
  string(REGEX REPLACE "^test_" "integration_" name "${name}")
  add_test(NAME ${name}
    COMMAND "${LINKUP_PYTHON}" -m pytest -p no:cacheprovider -q "${script}"
    WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT 600
    ENVIRONMENT "${test_environment};PYTHONDONTWRITEBYTECODE=1;PYTHONPATH=${CMAKE_SOURCE_DIR}/tests")
endforeach()
