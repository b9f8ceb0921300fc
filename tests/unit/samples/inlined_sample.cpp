// A function inlined into another one, with a return address in the inner one for the test to look at.
namespace sample {

using Callback = void (*)(void*);

// Keeps the calls from being tail calls: then no frame of ours would be left.
volatile int finished = 0;

[[gnu::always_inline]] inline void hand_over(Callback callback, void* user) {
  callback(user);  // line of the inner frame: sample_inner_line
  finished = 1;
}

[[gnu::noinline]] void outer(Callback callback, void* user) {
  hand_over(callback, user);  // line of the outer frame: sample_outer_line
  finished = 2;
}

namespace {
struct Hidden {
  [[gnu::noinline]] static void of_this_file(Callback callback, void* user) {
    outer(callback, user);
    finished = 4;
  }
};
}  // namespace

}  // namespace sample

extern "C" {
extern const int sample_inner_line;
extern const int sample_outer_line;
const int sample_inner_line = 10;
const int sample_outer_line = 15;

void sample_run(void (*callback)(void*), void* user) {
  sample::Hidden::of_this_file(callback, user);
  sample::finished = 3;
}
}
