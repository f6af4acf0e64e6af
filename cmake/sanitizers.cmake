# With HERD_SANITIZED the flags of the build type hold -fsanitize=...: see CMakePresets.json.
option(HERD_SANITIZED "The compiler's flags turn sanitizers on" OFF)

# herd_link_plain(PROGRAM LIBRARIES...): links herd's own libraries into a static program. Sanitizers' runtimes can't be
# linked statically, and have no place between a vfork and a worker's exec: in a sanitized build such a program, with
# the libraries' sources, is compiled without them.
function(herd_link_plain program)
  if(NOT HERD_SANITIZED)
    target_link_libraries(${program} PRIVATE ${ARGN})
    return()
  endif()
  foreach(library ${ARGN})
    get_target_property(directory ${library} SOURCE_DIR)
    get_target_property(sources ${library} SOURCES)
    list(TRANSFORM sources PREPEND ${directory}/)
    target_sources(${program} PRIVATE ${sources})
  endforeach()
  target_link_libraries(${program} PRIVATE tl::expected nlohmann_json::nlohmann_json)
  target_compile_options(${program} PRIVATE -fno-sanitize=all)
  target_link_options(${program} PRIVATE -fno-sanitize=all)
endfunction()
