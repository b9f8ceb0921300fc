"""Runs a suite and reads its results."""
import os
import re
import subprocess
import tempfile


NOBODY = 65534


def say(text):
    print(text, flush=True)


def execute(command, where, environment, limit=600, user=None):
    """What it wrote; a suite that hangs ends with what it wrote until then."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen([str(part) for part in command], cwd=where, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=output, stderr=subprocess.STDOUT, start_new_session=True, user=user,
                                 group=user, extra_groups=None if user is None else [])
        try:
            child.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            say(f"  {command[0]}: no end after {limit} s")
            os.killpg(child.pid, 9)
            child.wait()
        output.seek(0)
        return output.read().decode(errors="replace")


def matches(pattern, text, passed):
    """Results by name: pass, or fail. A name that comes twice passes only if it passed each time."""
    results = {}
    for found in re.finditer(pattern, text, re.MULTILINE):
        good = passed(found)
        name = found["name"].strip()
        results[name] = "pass" if good and results.get(name, "pass") == "pass" else "fail"
    return results
