# Compiler and linker settings for everything that is ours. Parts that are built
# along (BoringSSL) have settings of their own.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

# No NDEBUG in any build: assertions stay on in production.
set(CMAKE_C_FLAGS_DEBUG "-Og -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")

find_program(LINKUP_CCACHE ccache)
if(LINKUP_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${LINKUP_CCACHE}")
endif()

add_compile_definitions(_GNU_SOURCE)
add_compile_options(
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -fstack-protector-strong
  # __FILE__ and assertion texts stay the same wherever the tree lies.
  "-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=")
if(LINKUP_WERROR)
  add_compile_options(-Werror)
endif()

# libldns.so brings OpenSSL's libcrypto along. Were BoringSSL's symbols of the same
# names exported from our executables, ldns's calls would bind to them and abort. The
# sanitizers' own libraries must stay visible, or shared libraries get another malloc.
if(LINKUP_SANITIZE)
  add_link_options(-Wl,--exclude-libs,libcrypto.a:libssl.a)
else()
  add_link_options(-Wl,--exclude-libs,ALL)
endif()
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed -pie)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT LINKUP_LTO OUTPUT LINKUP_LTO_WHY LANGUAGES C)
  if(LINKUP_LTO)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  else()
    message(STATUS "Link-time optimisation: not with this compiler")
  endif()
endif()

set(LINKUP_SANITIZE_FLAGS "")
if(LINKUP_SANITIZE)
  list(APPEND LINKUP_SANITIZE_FLAGS "-fsanitize=${LINKUP_SANITIZE}" -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
endif()
if(LINKUP_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "LINKUP_FUZZ needs clang: libFuzzer is part of it")
  endif()
  list(APPEND LINKUP_SANITIZE_FLAGS -fsanitize=fuzzer-no-link)
endif()
if(LINKUP_SANITIZE_FLAGS)
  add_compile_options(${LINKUP_SANITIZE_FLAGS})
  add_link_options(${LINKUP_SANITIZE_FLAGS})
endif()
