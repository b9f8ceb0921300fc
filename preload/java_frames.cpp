#include "preload/java_frames.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

#include "preload/small_text.h"
#include "watch/runtime_functions.h"

namespace socktrack::java {
namespace {

// The machinery of lambdas, reflection and virtual threads. Its classes are made at run time and numbered as
// it happens; stack traces of the language leave most of it out, too.
constexpr std::string_view kMachinery[] = {"java.lang.invoke.", "jdk.internal.reflect.", "sun.reflect.",
                                           "jdk.internal.vm."};
bool is_machinery(std::string_view name) {
  return name.find("$$Lambda") != std::string_view::npos ||
         std::any_of(std::begin(kMachinery), std::end(kMachinery),
                     [&](std::string_view each) { return name.starts_with(each); });
}

// Memory that the VM gave us to keep until we give it back.
template <typename T>
class Lent {
 public:
  explicit Lent(jvm::Jvmti* jvmti) : jvmti_(jvmti) {}
  ~Lent() {
    if (memory_ != nullptr) jvmti_->functions->deallocate(jvmti_, memory_);
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  T** place() { return &memory_; }
  const T* get() const { return memory_; }

 private:
  jvm::Jvmti* jvmti_;
  T* memory_ = nullptr;
};

// The local references made meanwhile are gone after it.
class LocalFrame {
 public:
  explicit LocalFrame(jvm::Jni* jni) : jni_(jni), made_(jni->functions->push_local_frame(jni, 16) == 0) {}
  ~LocalFrame() {
    if (made_) jni_->functions->pop_local_frame(jni_, nullptr);
  }
  LocalFrame(const LocalFrame&) = delete;
  LocalFrame& operator=(const LocalFrame&) = delete;
  bool made() const { return made_; }

 private:
  jvm::Jni* jni_;
  bool made_;
};

// "Lcom/shop/Server;" as "com.shop.Server".
void add_class_name(SmallText& text, const char* signature) {
  if (*signature == 'L') signature++;
  for (; *signature != '\0' && *signature != ';'; signature++) text.add(*signature == '/' ? '.' : *signature);
}

// The greatest start that is not beyond the place; the table need not be in order.
std::uint32_t line_at(const jvm::LineStart* table, std::int32_t count, std::int64_t place) {
  const jvm::LineStart* best = nullptr;
  for (std::int32_t i = 0; i < count; i++) {
    if (table[i].place <= place && (best == nullptr || table[i].place >= best->place)) best = &table[i];
  }
  return best == nullptr || best->line < 0 ? 0 : static_cast<std::uint32_t>(best->line);
}

std::uint32_t line_of(const Access& access, const jvm::StackFrame& frame) {
  if (frame.place < 0) return 0;
  Lent<jvm::LineStart> table(access.jvmti);
  std::int32_t count = 0;
  if (access.jvmti->functions->get_line_number_table(access.jvmti, frame.method, &count, table.place()) !=
      jvm::kOk)
    return 0;
  return line_at(table.get(), count, frame.place);
}

bool read_names(const Access& access, const jvm::StackFrame& frame, Line& line) {
  jvm::Jvmti* jvmti = access.jvmti;
  jvm::Object type = nullptr;
  Lent<char> signature(jvmti);
  Lent<char> method(jvmti);
  Lent<char> file(jvmti);
  if (jvmti->functions->get_method_declaring_class(jvmti, frame.method, &type) != jvm::kOk ||
      jvmti->functions->get_class_signature(jvmti, type, signature.place(), nullptr) != jvm::kOk ||
      jvmti->functions->get_method_name(jvmti, frame.method, method.place(), nullptr, nullptr) != jvm::kOk)
    return false;
  SmallText function{line.function, sizeof line.function};
  add_class_name(function, signature.get());
  line.hidden = is_machinery(line.function);
  function.add('.').add(method.get());
  line.collects = is_of_collector(line.function);
  SmallText source{line.file, sizeof line.file};
  if (jvmti->functions->get_source_file_name(jvmti, type, file.place()) == jvm::kOk) source.add(file.get());
  return true;
}

}  // namespace

std::uint32_t take_frames(const Access& access, jvm::StackFrame (&frames)[kMostFrames]) {
  std::int32_t count = 0;
  if (access.jvmti->functions->get_stack_trace(access.jvmti, nullptr, 0, kMostFrames, frames, &count) !=
      jvm::kOk)
    return 0;
  return static_cast<std::uint32_t>(std::clamp(count, 0, kMostFrames));
}

bool read_line(const Access& access, const jvm::StackFrame& frame, Line& line) {
  const LocalFrame references(access.jni);
  if (!references.made() || !read_names(access, frame, line)) return false;
  line.line = line_of(access, frame);
  return true;
}

}  // namespace socktrack::java
