// Stands in for libFuzzer where the compiler has none: replays files, or tries a bounded number of
// random inputs from a fixed seed, so that every run is the same.
//   recording_reader_fuzz [FILE...]        recording_reader_fuzz -runs=N
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kLongest = 200;

void try_random_inputs(unsigned long runs) {
  std::mt19937_64 random(1);
  std::vector<std::uint8_t> input;
  for (unsigned long run = 0; run < runs; ++run) {
    input.resize(random() % kLongest);
    // Small numbers are as likely as any: they are what indexes, counts and lengths look like.
    for (std::uint8_t& byte : input) {
      const std::uint64_t value = random();
      byte = static_cast<std::uint8_t>((value & 0x100) == 0 ? value : value % 8);
    }
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%lu inputs\n", runs);
}

bool replay(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s cannot be read\n", path);
    return false;
  }
  const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  bool read = true;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "-runs=", 6) == 0) {
      try_random_inputs(std::strtoul(argv[i] + 6, nullptr, 10));
    } else {
      read = replay(argv[i]) && read;
    }
  }
  return read ? 0 : 1;
}
