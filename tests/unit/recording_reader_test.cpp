// The reader trusts nothing: whatever the bytes, it gives a view within bounds or a sentence.
#include "watch/recording_reader.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <random>

#include "cli/load_report.h"
#include "recording_fixture.h"
#include "watch/evidence_words.h"
#include "watch/render.h"

namespace socktrack {
namespace {

using test::RecordingFixture;
using test::TemporaryDirectory;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const std::function<void()>& read) {
  try {
    read();
  } catch (const RecordingError& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal_of_file(const std::string& path) {
  return refusal([&] { RecordingView::of_file(path); });
}

std::string refusal_of(RecordingFixture& fixture) {
  return refusal([&] { RecordingView::of_memory(fixture.data(), fixture.size()); });
}

// Everything that can be reached from a view is touched: with AddressSanitizer this finds any step outside.
void use(const RecordingView& view) {
  NoNames names;
  Report report;
  report.processes.push_back(build_process(view, ProcessFate{}, names));
  EXPECT_FALSE(render_json(report).empty());
  EXPECT_FALSE(render_text(report, TextStyle{}).empty());
  std::uint64_t sum = 0;
  for (const Slot& slot : view.slots()) sum += slot.word.load();
  EXPECT_GE(sum, 0U);
}

TEST(RecordingReader, ReadsWhatWasWritten) {
  const TemporaryDirectory directory;
  RecordingFixture fixture;
  const std::uint32_t module = fixture.add_module("/usr/bin/server", {0xab});
  const std::uint32_t site = fixture.add_site({make_frame(module, 0x1234)});
  fixture.add_accusation(fixture.add_group(Verdict::eof_not_closed, site, site, 1), 7, 1);
  fixture.header().highest_slot = 8;
  fixture.slot(7).cookie = 99;
  fixture.save(directory.file("a.socktrack"));

  const RecordingView view = RecordingView::of_file(directory.file("a.socktrack"));
  EXPECT_EQ(view.header().pid, 4711U);
  ASSERT_EQ(view.slots().size(), 8U);
  EXPECT_EQ(view.slots()[7].cookie.load(), 99U);
  ASSERT_NE(view.site(site), nullptr);
  EXPECT_EQ(view.site(site)->frames[0], make_frame(module, 0x1234));
  ASSERT_NE(view.module(module), nullptr);
  EXPECT_STREQ(view.module(module)->path, "/usr/bin/server");
  ASSERT_EQ(view.groups().size(), 1U);
  ASSERT_EQ(view.accusations().size(), 1U);
  EXPECT_EQ(view.accusations()[0].fd, 7U);
  EXPECT_EQ(view.path(), directory.file("a.socktrack"));
}

TEST(RecordingReader, HolesOfASparseFileReadAsZero) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("sparse.socktrack");
  RecordingFixture fixture(1U << 16U);
  fixture.header().highest_slot = 1U << 16U;
  fixture.save(path, kPage);
  ASSERT_EQ(truncate(path.c_str(), static_cast<off_t>(fixture.size())), 0);
  // One slot far inside, written by hand: a hole before it and a hole behind it.
  fixture.slot(40000).cookie = 5;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto offset = static_cast<std::streamoff>(kPage + 40000 * sizeof(Slot));
  file.seekp(offset);
  file.write(fixture.data() + offset, sizeof(Slot));
  file.close();

  const RecordingView view = RecordingView::of_file(path);
  ASSERT_EQ(view.slots().size(), 1U << 16U);
  EXPECT_EQ(view.slots()[40000].cookie.load(), 5U);
  EXPECT_EQ(view.slots()[39999].cookie.load(), 0U);
  EXPECT_EQ(view.slots()[65535].cookie.load(), 0U);
}

TEST(RecordingReader, ViewKeepsItsCopyWhenTheFileIsTruncated) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("a.socktrack");
  RecordingFixture fixture;
  const std::uint32_t site = fixture.add_site({make_frame(0, 1)});
  fixture.save(path);
  const RecordingView view = RecordingView::of_file(path);
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  EXPECT_NE(view.site(site), nullptr);
  use(view);
}

TEST(RecordingReader, SaysWhatIsWrong) {
  const TemporaryDirectory directory;
  EXPECT_THAT(refusal_of_file(directory.file("none")), HasSubstr("No such file"));
  EXPECT_THAT(refusal_of_file(directory.path()), HasSubstr("not a regular file"));

  std::ofstream(directory.file("text")) << std::string(10000, 'x');
  EXPECT_THAT(refusal_of_file(directory.file("text")),
              AllOf(HasSubstr(directory.file("text")), HasSubstr("is not a socktrack recording")));
  std::ofstream(directory.file("short")) << "hello";
  EXPECT_THAT(refusal_of_file(directory.file("short")), HasSubstr("is not a socktrack recording"));
  std::ofstream(directory.file("blank")) << std::string(10000, '\0');
  EXPECT_THAT(refusal_of_file(directory.file("blank")), HasSubstr("being created"));

  ASSERT_EQ(mkfifo(directory.file("fifo").c_str(), 0600), 0);
  EXPECT_THAT(refusal_of_file(directory.file("fifo")), HasSubstr("not a regular file"));

  RecordingFixture fixture;
  fixture.save(directory.file("good"));
  ASSERT_EQ(symlink(directory.file("good").c_str(), directory.file("link").c_str()), 0);
  EXPECT_THAT(refusal_of_file(directory.file("link")), HasSubstr("symbolic link"));
}

TEST(RecordingReader, RefusesOtherVersions) {
  RecordingFixture fixture;
  fixture.header().layout_version = kLayoutVersion + 1;
  EXPECT_THAT(refusal_of(fixture),
              HasSubstr("another version of socktrack (layout " + std::to_string(kLayoutVersion + 1) +
                        ", this one reads " + std::to_string(kLayoutVersion) + ")"));
}

TEST(RecordingReader, RefusesOneThatIsNotReady) {
  RecordingFixture fixture;
  fixture.header().ready = 0;
  EXPECT_THAT(refusal_of(fixture), HasSubstr("not ready"));
}

TEST(RecordingReader, EveryFieldOfTheGeometryIsChecked) {
  using Change = std::function<void(Header&)>;
  const std::vector<Change> changes = {[](Header& h) { h.header_size = 8; },
                                       [](Header& h) { h.header_size = 1U << 20U; },
                                       [](Header& h) { h.total_size += kPage; },
                                       [](Header& h) { h.total_size = ~std::uint64_t{0}; },
                                       [](Header& h) { h.slots_at += 8; },
                                       [](Header& h) { h.sites_at = ~std::uint64_t{0} - 10; },
                                       [](Header& h) { h.modules_at = 0; },
                                       [](Header& h) { h.groups_at += kPage; },
                                       [](Header& h) { h.accusations_at -= kPage; },
                                       [](Header& h) { h.threads_at = h.total_size; },
                                       [](Header& h) { h.managed_at += 1; },
                                       [](Header& h) { h.text_at = ~std::uint64_t{0}; },
                                       [](Header& h) { h.pools_at = 0; },
                                       [](Header& h) { h.slot_count = 0; },
                                       [](Header& h) { h.slot_count = ~0U; },
                                       [](Header& h) { h.slot_count = kMaxSlots + 1; },
                                       [](Header& h) { h.site_count++; },
                                       [](Header& h) { h.module_count = ~0U; },
                                       [](Header& h) { h.group_count--; },
                                       [](Header& h) { h.accusation_count = 0; }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    RecordingFixture fixture;
    changes[i](fixture.header());
    EXPECT_THAT(refusal_of(fixture), HasSubstr("damaged")) << "change " << i;
  }
}

TEST(RecordingReader, CountsBeyondTheAreasAreCutToThem) {
  RecordingFixture fixture;
  Header& header = fixture.header();
  header.highest_slot = ~0U;
  header.groups_used = ~0U;
  header.accusations_used = ~0U;
  const RecordingView view = RecordingView::of_memory(fixture.data(), fixture.size());
  EXPECT_EQ(view.slots().size(), 64U);
  EXPECT_EQ(view.groups().size(), kMaxGroups);
  EXPECT_EQ(view.accusations().size(), kMaxAccusations);
  use(view);
}

TEST(RecordingReader, IncompleteSitesAndModulesAreNotGiven) {
  RecordingFixture fixture;
  const std::uint32_t deep = fixture.add_site({make_frame(0, 1)});
  fixture.site(deep).depth = kMaxFrames + 1;
  const std::uint32_t unfinished = fixture.add_site({});
  const std::uint32_t endless = fixture.add_module("x", {});
  std::memset(fixture.module(endless).path, 'x', sizeof(Module::path));
  const std::uint32_t odd_id = fixture.add_module("y", {});
  fixture.module(odd_id).build_id_size = 21;
  const std::uint32_t pending = fixture.add_module("z", {});
  fixture.module(pending).ready = 0;
  const std::uint32_t good = fixture.add_module("good", {1});

  const RecordingView view = RecordingView::of_memory(fixture.data(), fixture.size());
  for (const std::uint32_t index : {0U, deep, unfinished, kMaxSites, ~0U}) {
    EXPECT_EQ(view.site(index), nullptr) << index;
  }
  for (const std::uint32_t index : {endless, odd_id, pending, kMaxModules, kNoModule, ~0U}) {
    EXPECT_EQ(view.module(index), nullptr) << index;
  }
  EXPECT_NE(view.module(good), nullptr);
}

TEST(RecordingReader, NamesThatLeadOutsideAreNotGiven) {
  RecordingFixture fixture;
  const auto good =
      static_cast<std::uint32_t>(frame_offset(fixture.add_line(Language::python, "Shop.take", "shop.py", 7)));
  const auto far = static_cast<std::uint32_t>(frame_offset(fixture.add_line(Language::python, "f", "g", 1)));
  fixture.managed(far).function_at = kTextBytes - 1;
  fixture.managed(far).function_size = 2;
  const auto wrapping =
      static_cast<std::uint32_t>(frame_offset(fixture.add_line(Language::python, "f", "g", 1)));
  fixture.managed(wrapping).file_at = ~0U;
  const auto strange =
      static_cast<std::uint32_t>(frame_offset(fixture.add_line(Language::python, "f", "g", 1)));
  fixture.managed(strange).language = static_cast<Language>(200);
  const auto pending =
      static_cast<std::uint32_t>(frame_offset(fixture.add_line(Language::python, "f", "g", 1)));
  fixture.managed(pending).ready = 0;

  const RecordingView view = RecordingView::of_memory(fixture.data(), fixture.size());
  ASSERT_NE(view.managed(good), nullptr);
  EXPECT_EQ(view.function_of(*view.managed(good)), "Shop.take");
  EXPECT_EQ(view.file_of(*view.managed(good)), "shop.py");
  for (const std::uint64_t index :
       {std::uint64_t{0}, std::uint64_t{far}, std::uint64_t{wrapping}, std::uint64_t{strange},
        std::uint64_t{pending}, std::uint64_t{kMaxManaged}, ~std::uint64_t{0}}) {
    EXPECT_EQ(view.managed(index), nullptr) << index;
  }
}

TEST(RecordingReader, NamesWithoutAnEndStopAtTheirField) {
  RecordingFixture fixture;
  const std::uint32_t site = fixture.add_site({make_frame(0, 1)});
  Group& group = fixture.group(fixture.add_group(Verdict::inherited, site, site, 1));
  std::memset(group.thread, 't', sizeof group.thread);
  EvidenceText evidence{};
  std::memset(evidence.holder, 'h', sizeof evidence.holder);
  std::memset(evidence.threads, 'x', sizeof evidence.threads);
  evidence.holder_pid = 1;
  store_evidence(group.evidence, evidence);
  std::memset(fixture.header().program, 'p', sizeof(Header::program));
  std::memset(fixture.pool(1).name, 'n', sizeof(PoolName::name));
  fixture.pool(1).ready = 2;
  std::memset(fixture.thread(5).name, 'm', sizeof(ThreadName::name));
  fixture.thread(5).tid = 5;

  const RecordingView view = RecordingView::of_memory(fixture.data(), fixture.size());
  EXPECT_EQ(view.pool_name(1), std::string(sizeof(PoolName::name), 'n'));
  EXPECT_EQ(view.thread_name(5), std::string(sizeof(ThreadName::name), 'm'));
  EXPECT_EQ(view.pool_name(0) + view.pool_name(2) + view.pool_name(~0U) + view.thread_name(0), "");
  NoNames names;
  const ProcessReport report = build_process(view, ProcessFate{}, names);
  ASSERT_EQ(report.groups.size(), 1U);
  EXPECT_EQ(report.exe, std::string(sizeof(Header::program), 'p'));
  EXPECT_EQ(report.groups[0].thread, std::string(sizeof(Group::thread), 't'));
  EXPECT_EQ(report.groups[0].evidence.holder, std::string(sizeof(EvidenceText::holder), 'h'));
  use(view);
}

TEST(RecordingReader, EveryTruncationIsRefused) {
  const TemporaryDirectory directory;
  RecordingFixture fixture;
  const std::string path = directory.file("cut.socktrack");
  fixture.save(path);
  EXPECT_EQ(refusal_of_file(path), "accepted");
  std::vector<std::size_t> lengths = {fixture.size() - 1, kPage, kPage - 1, 64, 8, 7, 1, 0};
  for (std::size_t length = fixture.size() - kPage; length > kPage; length -= 37 * kPage - 1) {
    lengths.push_back(length);
    if (length < 37 * kPage) break;
  }
  std::sort(lengths.rbegin(), lengths.rend());
  for (const std::size_t length : lengths) {
    ASSERT_EQ(truncate(path.c_str(), static_cast<off_t>(length)), 0);
    const std::string said = refusal_of_file(path);
    EXPECT_THAT(said, HasSubstr(length >= sizeof(kMagic) ? "truncated" : "not a socktrack recording"))
        << length;
  }
}

TEST(RecordingReader, ALongerFileIsRefused) {
  const TemporaryDirectory directory;
  RecordingFixture fixture;
  const std::string path = directory.file("long.socktrack");
  fixture.save(path);
  ASSERT_EQ(truncate(path.c_str(), static_cast<off_t>(fixture.size() + 1)), 0);
  EXPECT_THAT(refusal_of_file(path), HasSubstr("damaged"));
}

// Any one byte of the header, any content behind it: a sentence or a view that can be used.
TEST(RecordingReader, DamagedBytesNeverLeadOutside) {
  for (std::size_t at = 0; at < sizeof(Header); ++at) {
    RecordingFixture fixture;
    fixture.add_group(Verdict::eof_not_closed, fixture.add_site({make_frame(0, 1)}), 1, 1);
    fixture.data()[at] = static_cast<char>(~fixture.data()[at]);
    refusal([&] { use(RecordingView::of_memory(fixture.data(), fixture.size())); });
  }
}

TEST(RecordingReader, RandomContentNeverLeadsOutside) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    RecordingFixture fixture;
    std::mt19937_64 random(seed);
    for (std::size_t at = kPage; at + 8 <= fixture.size(); at += 8) {
      const std::uint64_t value = random() & (random() | 0xff);
      std::memcpy(fixture.data() + at, &value, sizeof(value));
    }
    fixture.header().groups_used = 40;
    fixture.header().accusations_used = ~0U;
    fixture.header().highest_slot = ~0U;
    use(RecordingView::of_memory(fixture.data(), fixture.size()));
  }
}

TEST(RecordingReader, MemoryMustBeLargeEnoughAndAligned) {
  RecordingFixture fixture;
  EXPECT_THAT(refusal([&] { RecordingView::of_memory(fixture.data(), 100); }), HasSubstr("too small"));
  EXPECT_THAT(refusal([&] { RecordingView::of_memory(nullptr, 100000); }), HasSubstr("too small"));
  EXPECT_THAT(refusal([&] { RecordingView::of_memory(fixture.data() + 1, kPage); }), HasSubstr("aligned"));
}

TEST(FindRecordings, OldestFirstAndOnlyRecordings) {
  const TemporaryDirectory directory;
  RecordingFixture fixture;
  fixture.header().created_realtime_ns = 200;
  fixture.save(directory.file("a.socktrack"));
  fixture.header().created_realtime_ns = 100;
  fixture.save(directory.file("b.socktrack"));
  std::ofstream(directory.file("notes.txt")) << "x";
  std::ofstream(directory.file(".socktrack")) << "x";
  EXPECT_THAT(find_recordings(directory.path()),
              ElementsAre(directory.file("b.socktrack"), directory.file("a.socktrack")));
  EXPECT_THAT(find_recordings(directory.file("notes.txt")), ElementsAre(directory.file("notes.txt")));
  EXPECT_THAT(refusal([&] { find_recordings(directory.file("none")); }), HasSubstr("No such file"));
}

TEST(LoadReport, GoesOnAfterABadFile) {
  const TemporaryDirectory directory;
  RecordingFixture fixture;
  fixture.header().final_sweep = 1;
  fixture.header().ended_by = static_cast<std::uint32_t>(EndedBy::exit);
  fixture.save(directory.file("good.socktrack"));
  NoNames names;
  EXPECT_TRUE(load_report(directory.path(), names, {}).complete);

  std::ofstream(directory.file("bad.socktrack")) << "not one";
  const Report report = load_report(directory.path(), names, {{4711, 137}});
  ASSERT_EQ(report.processes.size(), 1U);
  EXPECT_EQ(report.processes[0].exit_status, 137);
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_THAT(report.notes[0].what, HasSubstr("bad.socktrack"));
  EXPECT_FALSE(report.complete);
}

TEST(LoadReport, AProcessIsKnownByItsStartTime) {
  RecordingFixture fixture;
  fixture.header().pid = static_cast<std::uint32_t>(getpid());
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  fixture.header().created_boottime_ns =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  const auto running = [&] {
    return fate_of(RecordingView::of_memory(fixture.data(), fixture.size())).running;
  };
  EXPECT_TRUE(running());
  fixture.header().ended_by = static_cast<std::uint32_t>(EndedBy::exec);
  EXPECT_FALSE(running());
  fixture.header().ended_by = 0;
  fixture.header().created_boottime_ns = 0;  // created before this process began: another one's pid
  EXPECT_FALSE(running());
}

}  // namespace
}  // namespace socktrack
