// A program that gets itself a Java VM late: opens a socket, loads libjvm (argument 1) privately, runs the
// main method of class 3 on class path 2 in it, lets go of the VM and goes on. 3 leaks of its own: 1 before,
// 1 while the VM is there, 1 after it.
#include <dlfcn.h>
#include <jni.h>

#include "loopback.h"

NAMED static void leak_one(int listener) {
  const int client = connect_to(listener);
  const int accepted = accept_client(listener);
  require(close(client) == 0, "close");
  read_to_end(accepted);
}

static JavaVM* start_vm(const char* library, const char* class_path, JNIEnv** env) {
  typedef jint (*Create)(JavaVM**, void**, void*);
  void* loaded = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  const Create create = loaded == NULL ? NULL : (Create)dlsym(loaded, "JNI_CreateJavaVM");
  char path[4096];
  snprintf(path, sizeof path, "-Djava.class.path=%s", class_path);
  JavaVMOption options[] = {{path, NULL}, {(char*)"-Xmx64m", NULL}};
  JavaVMInitArgs arguments = {JNI_VERSION_1_6, 2, options, JNI_FALSE};
  JavaVM* vm = NULL;
  if (create == NULL || create(&vm, (void**)env, &arguments) != JNI_OK) exit(2);
  return vm;
}

static void run_main(JNIEnv* env, const char* name) {
  const jclass type = (*env)->FindClass(env, name);
  const jmethodID start =
      type == NULL ? NULL : (*env)->GetStaticMethodID(env, type, "main", "([Ljava/lang/String;)V");
  const jclass text = (*env)->FindClass(env, "java/lang/String");
  if (start == NULL || text == NULL) exit(3);
  (*env)->CallStaticVoidMethod(env, type, start, (*env)->NewObjectArray(env, 0, text, NULL));
  if ((*env)->ExceptionCheck(env)) exit(4);
}

int main(int count, char** arguments) {
  if (count != 4) return 1;
  const int listener = listen_any();
  leak_one(listener);
  JNIEnv* env = NULL;
  JavaVM* vm = start_vm(arguments[1], arguments[2], &env);
  run_main(env, arguments[3]);
  leak_one(listener);
  (*vm)->DestroyJavaVM(vm);
  leak_one(listener);
  close(listener);
  return 0;
}
