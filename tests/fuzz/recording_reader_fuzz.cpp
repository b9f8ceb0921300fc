// Any bytes as a recording: a sentence, or a view from which a report can be built and rendered.
//
// The input is a patch, so that a mutation costs bytes and not megabytes: 10-byte pieces of
// (area 1, place 3, length 1, pattern 1, value 4) written over a sound recording.
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "tests/unit/recording_fixture.h"
#include "watch/history.h"
#include "watch/recording_reader.h"
#include "watch/render.h"
#include "watch/report_builder.h"

namespace {

using namespace socktrack;

constexpr std::size_t kPiece = 10;

test::RecordingFixture sound_recording() {
  test::RecordingFixture fixture;
  const std::uint32_t module = fixture.add_module("/usr/bin/server", {0xab, 0xcd});
  const std::uint64_t line = fixture.add_line(Language::python, "Shop.take", "shop.py", 7);
  const std::uint32_t site = fixture.add_site({make_frame(module, 1), make_frame(kNoModule, 2), line});
  fixture.thread(77).tid = 77;
  fixture.pool(3).ready = 2;
  for (std::uint32_t i = 1; i <= 8; ++i) {
    const std::uint32_t group = fixture.add_group(static_cast<Verdict>(i), site, site, 3);
    Accusation& accusation = fixture.accusation(fixture.add_accusation(group, i, i));
    accusation.tid = 77;
    accusation.generation = 1;
    fixture.slot(i).word = make_word(1, slot_flag::live | 3U << slot_flag::pool_shift);
  }
  fixture.header().highest_slot = 64;
  for (std::uint64_t at = 1; at <= 2 * kHistorySamples; ++at) {
    note_moment(fixture.history(), {at * kHistoryFirstStepNs, at, at / 2, 0, at},
                [](const void*, std::size_t) { return true; });
  }
  return fixture;
}

// Areas are told by the layout, not by the header: a patched header must not move the next patch.
void patch(test::RecordingFixture& fixture, const std::uint8_t* piece) {
  constexpr Layout layout = layout_for(64);
  constexpr std::uint64_t starts[] = {0,
                                      layout.slots_at,
                                      layout.sites_at,
                                      layout.modules_at,
                                      layout.groups_at,
                                      layout.accusations_at,
                                      layout.threads_at,
                                      layout.managed_at,
                                      layout.text_at,
                                      layout.pools_at,
                                      layout.control_at,
                                      layout.ladder_at,
                                      layout.history_at};
  const std::uint64_t offset = piece[1] + (std::uint64_t{piece[2]} << 8U) + (std::uint64_t{piece[3]} << 16U);
  const std::uint64_t place = starts[piece[0] % std::size(starts)] + offset;
  for (std::size_t i = 0; i < piece[4]; ++i) {
    const std::uint64_t at = place + i;
    if (at >= fixture.size()) return;
    fixture.data()[at] = static_cast<char>(piece[5] == 0 ? 0xff : piece[6 + i % 4]);
  }
}

void use(const RecordingView& view) {
  NoNames names;
  Report report;
  report.processes.push_back(build_process(view, ProcessFate{}, names));
  render_json(report);
  render_text(report, TextStyle{});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::RecordingFixture fixture = sound_recording();
  for (std::size_t at = 0; at + kPiece <= size; at += kPiece) patch(fixture, data + at);
  try {
    use(RecordingView::of_memory(fixture.data(), fixture.size()));
  } catch (const RecordingError&) {
    // A sentence is a right answer.
  }
  return 0;
}
