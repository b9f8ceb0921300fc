#include "preload/near_places.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "preload/known_lines.h"

namespace socktrack {
namespace {

using ::testing::Each;
using ::testing::Lt;

constexpr std::uint32_t kEntries = 4095;
constexpr NearPlaces kPlaces{.near = 64, .entries = kEntries};

// The place that each of the hashes gets in an empty table; none if there was no room.
std::vector<std::uint32_t> fill(std::uint32_t hashes, std::uint32_t most_probes) {
  std::mt19937_64 random(8);
  std::vector<bool> taken(kEntries);
  std::vector<std::uint32_t> places;
  for (std::uint32_t i = 0; i < hashes; i++) {
    const std::uint64_t hash = random();
    for (std::uint32_t probe = 0; probe < most_probes; probe++) {
      const std::uint32_t place = kPlaces.at(hash, probe);
      if (taken.at(place)) continue;
      taken[place] = true;
      places.push_back(place);
      break;
    }
  }
  return places;
}

// Each page that is touched first costs 1 to 5 us.
TEST(NearPlaces, TheFirstEntriesLieTogether) { EXPECT_THAT(fill(30, 64), Each(Lt(64U))); }

TEST(NearPlaces, ThereIsRoomForMoreThanTheFirst) {
  const std::vector<std::uint32_t> places = fill(3000, 64);
  EXPECT_EQ(places.size(), 3000U);
  EXPECT_THAT(places, Each(Lt(kEntries)));
  EXPECT_GT(*std::max_element(places.begin(), places.end()), kEntries / 2);
}

TEST(KnownLines, AreAllRecalled) {
  std::mt19937_64 random(9);
  std::vector<std::uint64_t> places(1000);
  std::generate(places.begin(), places.end(), random);
  managed::KnownLine line{};
  EXPECT_FALSE(managed::recall_line(places.front(), line));
  std::uint32_t number = 0;
  for (const std::uint64_t place : places) managed::keep_line(place, {++number, number % 2 == 0, 3, place});
  number = 0;
  for (const std::uint64_t place : places) {
    ASSERT_TRUE(managed::recall_line(place, line)) << number;
    EXPECT_EQ(line.index, ++number);
    EXPECT_EQ(line.identity, place);
    EXPECT_EQ(line.collects, number % 2 == 0);
  }
}

}  // namespace
}  // namespace socktrack
