// The positions in the function tables of a Java VM, against the headers of a JDK, where there is one.
#include "preload/jvm_interface.h"

#include <gtest/gtest.h>

#include <cstring>

#if __has_include(<jvmti.h>)
#include <jni.h>
#include <jvmti.h>

namespace socktrack::jvm {
namespace {

#define SAME(ours, theirs, function, name) \
  static_assert(offsetof(ours::Functions, function) == offsetof(theirs, name))

SAME(Vm, JNIInvokeInterface_, get_env, GetEnv);

SAME(Jni, JNINativeInterface_, get_superclass, GetSuperclass);
SAME(Jni, JNINativeInterface_, push_local_frame, PushLocalFrame);
SAME(Jni, JNINativeInterface_, pop_local_frame, PopLocalFrame);
SAME(Jni, JNINativeInterface_, delete_local_ref, DeleteLocalRef);
SAME(Jni, JNINativeInterface_, get_object_class, GetObjectClass);
SAME(Jni, JNINativeInterface_, get_field_id, GetFieldID);
SAME(Jni, JNINativeInterface_, get_object_field, GetObjectField);
SAME(Jni, JNINativeInterface_, get_string_length, GetStringLength);
SAME(Jni, JNINativeInterface_, get_string_utf_length, GetStringUTFLength);
SAME(Jni, JNINativeInterface_, get_string_utf_region, GetStringUTFRegion);
SAME(Jni, JNINativeInterface_, exception_check, ExceptionCheck);

SAME(Jvmti, jvmtiInterface_1, deallocate, Deallocate);
SAME(Jvmti, jvmtiInterface_1, get_class_signature, GetClassSignature);
SAME(Jvmti, jvmtiInterface_1, get_source_file_name, GetSourceFileName);
SAME(Jvmti, jvmtiInterface_1, get_class_loader, GetClassLoader);
SAME(Jvmti, jvmtiInterface_1, get_method_name, GetMethodName);
SAME(Jvmti, jvmtiInterface_1, get_method_declaring_class, GetMethodDeclaringClass);
SAME(Jvmti, jvmtiInterface_1, get_line_number_table, GetLineNumberTable);
SAME(Jvmti, jvmtiInterface_1, get_stack_trace, GetStackTrace);
SAME(Jvmti, jvmtiInterface_1, dispose_environment, DisposeEnvironment);
SAME(Jvmti, jvmtiInterface_1, get_phase, GetPhase);
SAME(Jvmti, jvmtiInterface_1, add_capabilities, AddCapabilities);

static_assert(sizeof(StackFrame) == sizeof(jvmtiFrameInfo) &&
              offsetof(StackFrame, place) == offsetof(jvmtiFrameInfo, location));
static_assert(sizeof(LineStart) == sizeof(jvmtiLineNumberEntry) &&
              offsetof(LineStart, line) == offsetof(jvmtiLineNumberEntry, line_number));
static_assert(sizeof(Capabilities) == sizeof(jvmtiCapabilities));
static_assert(kJniVersion == JNI_VERSION_1_6 && kJvmtiVersion == JVMTI_VERSION_1_2);
static_assert(static_cast<jvmtiPhase>(kPhaseLive) == JVMTI_PHASE_LIVE);

std::uint32_t first_bits(const jvmtiCapabilities& capabilities) {
  Capabilities ours{};
  std::memcpy(&ours, &capabilities, sizeof ours);
  return ours.bits[0];
}

TEST(JvmInterface, CapabilitiesAreTheBitsOfTheHeader) {
  jvmtiCapabilities file{};
  file.can_get_source_file_name = 1;
  EXPECT_EQ(first_bits(file), kCanGetSourceFileName);
  jvmtiCapabilities lines{};
  lines.can_get_line_numbers = 1;
  EXPECT_EQ(first_bits(lines), kCanGetLineNumbers);
}

}  // namespace
}  // namespace socktrack::jvm

#else

TEST(JvmInterface, CapabilitiesAreTheBitsOfTheHeader) { GTEST_SKIP() << "no JDK when this was built"; }

#endif
