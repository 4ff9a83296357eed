# The house: one static library per folder, and includes that go one way.
#
# Headers stand beside their sources and are included as "core/err.h". To make that
# compile only where the folder is a declared dependency, each folder gets an include
# directory of its own in the build tree, holding nothing but a link to it:
#
#   <build>/include/core/core -> <source>/core

# house_library(NAME [SOURCES file...] [DEPENDS library...] [LIBS target...])
#
# Without SOURCES: every .c in the folder and one level below it, main.c excepted, found
# anew at each build. A folder without sources is an empty library that passes on what it depends on.
function(house_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LIBS" ${ARGN})
  set(folder "${CMAKE_SOURCE_DIR}/${name}")
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS "${folder}/*.c" "${folder}/*/*.c")
    list(REMOVE_ITEM ARG_SOURCES "${folder}/main.c")
  endif()

  set(include "${CMAKE_BINARY_DIR}/include/${name}")
  file(MAKE_DIRECTORY "${include}")
  file(CREATE_LINK "${folder}" "${include}/${name}" SYMBOLIC)

  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} "${include}")
  target_link_libraries(${name} ${scope} ${ARG_DEPENDS} ${ARG_LIBS})
endfunction()

# house_program(NAME FOLDER): an executable from FOLDER/main.c and FOLDER's library, at
# the top of the build folder. The rest of the folder is in the library so that tests can link it.
function(house_program name folder)
  file(GLOB main CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${folder}/main.c")
  if(NOT main)
    return()
  endif()
  add_executable(${name} ${main})
  target_link_libraries(${name} PRIVATE ${folder})
  install(TARGETS ${name} RUNTIME)
endfunction()
