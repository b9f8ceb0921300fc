// The few entries we call of the three function tables of a Java VM. Written by hand, since a JDK is not
// needed to build: JNI specification, chapter 4 ("Interface Function Table") and 5 ("Invocation API"); JVMTI
// reference, "Function Index". Positions are part of those specifications and never change;
// tests/unit/jvm_interface_test.cpp compares them with the headers of a JDK where there is one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace socktrack::jvm {

using Object = void*;  // a local reference
using Method = void*;  // jmethodID
using Field = void*;   // jfieldID

inline constexpr std::int32_t kOk = 0;
inline constexpr std::int32_t kJniVersion = 0x00010006;
inline constexpr std::int32_t kJvmtiVersion = 0x30010200;
inline constexpr std::int32_t kPhaseLive = 4;

struct Vm {
  struct Functions {
    void* before_get_env[6];
    std::int32_t (*get_env)(Vm*, void** env, std::int32_t version);
  };
  const Functions* functions;
};

struct Jni {
  struct Functions {
    void* before_get_superclass[10];
    Object (*get_superclass)(Jni*, Object type);
    void* before_push_local_frame[8];
    std::int32_t (*push_local_frame)(Jni*, std::int32_t capacity);
    Object (*pop_local_frame)(Jni*, Object result);
    void* before_delete_local_ref[2];
    void (*delete_local_ref)(Jni*, Object reference);
    void* before_get_object_class[7];
    Object (*get_object_class)(Jni*, Object object);
    void* before_get_field_id[62];
    Field (*get_field_id)(Jni*, Object type, const char* name, const char* signature);
    Object (*get_object_field)(Jni*, Object object, Field field);
    void* before_get_string_length[68];
    std::int32_t (*get_string_length)(Jni*, Object string);
    void* before_get_string_utf_length[3];
    std::int32_t (*get_string_utf_length)(Jni*, Object string);
    void* before_get_string_utf_region[52];
    void (*get_string_utf_region)(Jni*, Object string, std::int32_t start, std::int32_t length, char* to);
    void* before_exception_check[6];
    std::uint8_t (*exception_check)(Jni*);
  };
  const Functions* functions;
};

struct StackFrame {  // jvmtiFrameInfo
  Method method;
  std::int64_t place;  // index of a bytecode; -1 in a native method
};

struct LineStart {  // jvmtiLineNumberEntry
  std::int64_t place;
  std::int32_t line;
};

struct Capabilities {  // jvmtiCapabilities, by bits
  std::uint32_t bits[4];
};
inline constexpr std::uint32_t kCanGetSourceFileName = 1U << 11U;
inline constexpr std::uint32_t kCanGetLineNumbers = 1U << 12U;

struct Jvmti {
  struct Functions {
    void* before_deallocate[46];
    std::int32_t (*deallocate)(Jvmti*, void* memory);
    std::int32_t (*get_class_signature)(Jvmti*, Object type, char** signature, char** generic);
    void* before_get_source_file_name[1];
    std::int32_t (*get_source_file_name)(Jvmti*, Object type, char** name);
    void* before_get_class_loader[6];
    std::int32_t (*get_class_loader)(Jvmti*, Object type, Object* loader);
    void* before_get_method_name[6];
    std::int32_t (*get_method_name)(Jvmti*, Method, char** name, char** signature, char** generic);
    std::int32_t (*get_method_declaring_class)(Jvmti*, Method, Object* type);
    void* before_get_line_number_table[4];
    std::int32_t (*get_line_number_table)(Jvmti*, Method, std::int32_t* count, LineStart** table);
    void* before_get_stack_trace[33];
    std::int32_t (*get_stack_trace)(Jvmti*, Object thread, std::int32_t start, std::int32_t most,
                                    StackFrame* frames, std::int32_t* count);
    void* before_dispose_environment[22];
    std::int32_t (*dispose_environment)(Jvmti*);
    void* before_get_phase[5];
    std::int32_t (*get_phase)(Jvmti*, std::int32_t* phase);
    void* before_add_capabilities[8];
    std::int32_t (*add_capabilities)(Jvmti*, const Capabilities*);
  };
  const Functions* functions;
};

}  // namespace socktrack::jvm
