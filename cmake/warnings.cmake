# Flags for herd's own targets: `target_link_libraries(x PRIVATE herd_flags)`.
add_library(herd_flags INTERFACE)
target_include_directories(herd_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(herd_flags INTERFACE _GNU_SOURCE HERD_VERSION="${PROJECT_VERSION}")
target_compile_options(herd_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wcast-align -Wunused
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers>
  $<$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>:-Wno-maybe-uninitialized>  # GCC 12: false for an optional in an optional
  -fstack-protector-strong -ffunction-sections -fdata-sections  # so that herd-exec's link leaves out what it does not use
  $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
