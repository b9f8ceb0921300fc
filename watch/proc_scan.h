// /proc without libc: directories, links and small files, for a thread that may neither allocate nor throw.
// Opens descriptors, but for the last one: call it on a thread with a table of its own.
#pragma once

#include <cstddef>
#include <cstdint>

namespace socktrack::proc {

int open_directory(int parent, const char* path);  // -1: no such directory, or not ours to read
void close(int fd);

// Reads at most `room` - 1 bytes and terminates them. The size; 0 if it cannot be read.
std::size_t read_file(int parent, const char* path, char* text, std::size_t room);

// The inode of "socket:[123]", 0 if the link is none.
std::uint64_t socket_of(int parent, const char* link);

// Calls `each(number, name)` for the entries that are numbers, until it returns false.
using EachNumber = bool (*)(void* context, std::uint32_t number, const char* name);
void for_each_number(int directory, EachNumber each, void* context);

// Open descriptors of this process, found without opening one: the size of their directory. 0: before
// Linux 6.2, or without /proc.
std::uint64_t count_of_descriptors();

}  // namespace socktrack::proc
