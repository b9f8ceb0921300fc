// A program of its own: the memory of exceptions is one to a program, and libstdc++ is in it as it is in the
// library.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

extern "C" void* __cxa_allocate_exception(std::size_t size) noexcept;
extern "C" void __cxa_free_exception(void* object) noexcept;

namespace {

std::string caught_from(const std::string& what) {
  try {
    throw std::runtime_error(what);
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST(ExceptionMemory, HoldsWhatIsThrown) {
  struct Large {
    std::array<char, 3000> bytes{};
  };
  Large large;
  large.bytes.back() = 'x';
  try {
    throw large;
  } catch (const Large& caught) {
    EXPECT_EQ(caught.bytes.back(), 'x');
  }
  EXPECT_EQ(caught_from("a text that is too long for the string itself"),
            "a text that is too long for the string itself");
}

TEST(ExceptionMemory, HoldsWhatIsThrownAgainElsewhere) {
  std::exception_ptr kept;
  try {
    throw std::runtime_error("kept");
  } catch (...) {
    kept = std::current_exception();
  }
  std::thread([&] {
    EXPECT_THROW(std::rethrow_exception(kept), std::runtime_error);
    EXPECT_THROW(std::rethrow_exception(kept), std::runtime_error);
  }).join();
}

TEST(ExceptionMemory, IsEachThreadsOwn) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++) {
    threads.emplace_back([i] {
      for (int n = 0; n < 2000; n++)
        EXPECT_EQ(caught_from(std::to_string(i * 10000 + n)), std::to_string(i * 10000 + n));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Leaves malloc with nothing to give.
void use_up_memory() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_AS, &none);
  for (std::size_t size = std::size_t{1} << 20U; size >= 16; size /= 2) {
    while (std::malloc(size) != nullptr) {
    }
  }
}

int caught(int value) {
  try {
    throw value;
  } catch (int got) {
    return got;
  }
}

TEST(ExceptionMemory, HasAReserveThatIsGivenBack) {
  const auto without_memory = [] {
    use_up_memory();
    if (std::malloc(300) != nullptr) std::_Exit(1);
    for (int i = 0; i < 100; i++) {
      if (caught(i) != i) std::_Exit(2);
    }
    std::vector<int>* none = nullptr;
    try {
      none = new std::vector<int>(1000);
      std::_Exit(3);
    } catch (const std::bad_alloc&) {
    }
    std::_Exit(none == nullptr ? 0 : 4);
  };
  EXPECT_EXIT(without_memory(), testing::ExitedWithCode(0), "");
}

TEST(ExceptionMemory, EndsTheProgramWhenTheReserveIsUsedUp) {
  const auto too_many = [] {
    use_up_memory();
    for (int i = 0; i < 1000; i++) __cxa_allocate_exception(16);
    std::_Exit(0);
  };
  EXPECT_EXIT(too_many(), testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
