# BoringSSL: static, hidden, built once into a cache that outlives build folders.
# Defines boringssl::crypto and boringssl::ssl.
#
# The Debian source package is built without OPENSSL_SMALL: the binary package is built
# with it and signs ECDSA P-256 at a quarter of the speed. -DBORINGSSL_SOURCE=DIR takes a
# current upstream checkout instead.

if(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(cache "$ENV{XDG_CACHE_HOME}/linkup-edge")
else()
  set(cache "$ENV{HOME}/.cache/linkup-edge")
endif()

find_program(LINKUP_CXX NAMES clang++ g++ c++ DOC "C++ compiler for BoringSSL")
string(REGEX REPLACE "\\..*" "" major "${CMAKE_C_COMPILER_VERSION}")
string(TOLOWER "${CMAKE_C_COMPILER_ID}-${major}" compiler_id)
# The C++ compiler that belongs to the C compiler: gcc -> g++, clang-15 -> clang++-15.
string(REGEX REPLACE "gcc" "g++" cxx "${CMAKE_C_COMPILER}")
string(REGEX REPLACE "clang" "clang++" cxx "${cxx}")
string(REGEX REPLACE "/cc$" "/c++" cxx "${cxx}")
if(NOT EXISTS "${cxx}")
  set(cxx "${LINKUP_CXX}")
endif()

execute_process(
  COMMAND "${CMAKE_CURRENT_LIST_DIR}/boringssl/build.sh"
    "${cache}" "${compiler_id}" "${CMAKE_C_COMPILER}" "${cxx}" "${BORINGSSL_SOURCE}"
  OUTPUT_VARIABLE boringssl_root OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "BoringSSL could not be built; see the messages above")
endif()
message(STATUS "BoringSSL: ${boringssl_root}")
# Someone who empties the cache gets it back at the next build.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${boringssl_root}/complete")

foreach(part IN ITEMS crypto ssl)
  add_library(boringssl::${part} STATIC IMPORTED)
  set_target_properties(boringssl::${part} PROPERTIES
    IMPORTED_LOCATION "${boringssl_root}/lib/lib${part}.a"
    # SYSTEM, and so searched before /usr/include, where OpenSSL's headers may lie.
    INTERFACE_INCLUDE_DIRECTORIES "${boringssl_root}/include")
endforeach()
target_link_libraries(boringssl::crypto INTERFACE Threads::Threads)
target_link_libraries(boringssl::ssl INTERFACE boringssl::crypto)
if(BORINGSSL_SOURCE)
  # Newer ones use the C++ library in earnest.
  target_link_libraries(boringssl::crypto INTERFACE stdc++)
endif()
