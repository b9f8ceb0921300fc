# What every target shares: language, warnings, sanitizers, how our objects may be linked.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(SOCKTRACK_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined or thread")

# Warnings are errors in our code; headers of others are SYSTEM.
add_library(socktrack_settings INTERFACE)
target_compile_options(socktrack_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Werror -fno-strict-aliasing)
target_include_directories(socktrack_settings INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR})
# fmt without std::locale: it would bring half of libstdc++, with its constructors and relocations, into every
# program that is started under the library.
target_compile_definitions(socktrack_settings INTERFACE SOCKTRACK_VERSION="${PROJECT_VERSION}"
  "FMT_STATIC_THOUSANDS_SEPARATOR=','")
if(SOCKTRACK_SANITIZE)
  # Undefined behaviour ends the program, so that no test passes over it.
  target_compile_options(socktrack_settings INTERFACE -fsanitize=${SOCKTRACK_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer -g1)
  target_link_options(socktrack_settings INTERFACE -fsanitize=${SOCKTRACK_SANITIZE})
endif()
