// Programs that run out of descriptors: the limit, the threshold, and calls that are made again.
#include <gmock/gmock.h>

#include <string>

#include "harness/ladder.h"

using namespace scenario;

TEST(LadderPressure, TheSoftLimitIsRaisedWhereThatIsAsked) {
  const auto limits = [](const Environment& added) {
    Ladder ladder(added);
    return ladder.ask("limit");
  };
  const std::string as_it_is = limits({});
  const std::string hard = as_it_is.substr(as_it_is.find(' ') + 1);
  EXPECT_EQ(limits({{"SOCKTRACK_RAISE_LIMIT", "on"}}), hard + " " + hard);
  EXPECT_EQ(limits({{"SOCKTRACK_RAISE_LIMIT", "off"}}), as_it_is);
}

TEST(LadderPressure, NothingIsDoneWhileThereAreDescriptorsEnough) {
  Ladder ladder;
  ladder.ask("leak 2");
  const std::string fingerprint = ladder.fingerprint_of(2);
  ladder.mitigate({"park", "--allow", fingerprint, "--after", "0", "--at", "90%"});
  EXPECT_TRUE(ladder.has_refused("not_short", 2)) << ladder.told();
  ladder.mitigate({"park", "--at", "off"});
  EXPECT_TRUE(ladder.has_acted("park", 2)) << ladder.told();
}

// Each call that makes a descriptor finds none, has a leak closed for it, and succeeds.
TEST(LadderPressure, CallsThatFindNoDescriptorAreMadeAgain) {
  Ladder ladder;
  ladder.ask("leak 5");
  // One an hour: after the first, which the rate allows, only calls that fail close anything.
  ladder.mitigate({"close", "--allow", ladder.fingerprint_of(5), "--after", "0", "--rate", "1/h"});
  ASSERT_TRUE(ladder.has_acted("close", 1));
  for (int call = 0; call < 7; call++) {
    const std::uint64_t closed = ladder.acted("close");
    // A call waits two seconds at most: on a busy machine the leaks may be closed for the next one only.
    EXPECT_TRUE(eventually([&] { return ladder.ask("lack", call) == "ok"; })) << call << ladder.told();
    EXPECT_TRUE(ladder.has_acted("close", closed + 1)) << call << ladder.told();
    ladder.ask("leak 4");
    EXPECT_TRUE(eventually([&] { return ladder.refused("rate") >= 4; })) << call << ladder.told();
  }
  const Json told = ladder.process()["mitigation"];
  EXPECT_GE(told["reclaimed"], 1) << told;
}

TEST(LadderPressure, CallsFailAsTheyDoWithoutUsWhereNothingMayBeClosed) {
  Ladder ladder;
  ladder.ask("leak 2");
  ladder.mitigate({"park", "--allow", ladder.fingerprint_of(2), "--after", "1h"});
  for (int call = 0; call < 7; call++) EXPECT_EQ(ladder.ask("lack", call), "EMFILE") << call;
  EXPECT_EQ(ladder.process()["mitigation"]["reclaimed"], 0);
  EXPECT_TRUE(ladder.acts().empty());
}
