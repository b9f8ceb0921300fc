#!/usr/bin/env python3
"""Follows the recipes of examples/ without systemd and without Kubernetes.

systemd           a plain process gets exactly the environment and the limits of the drop-in, then the orders of
                  its comments: the library takes every setting, and the ladder acts
installed         what `cmake --install` makes is found by the name that the drop-in has, and by the command
systemd_analyze   `systemd-analyze verify` has nothing to say of a service with the drop-in
kubernetes        the same for the pod: its init command, its settings, and that its parts fit together

Exit 1 if a recipe does not work; 77 if it cannot be tried here."""

import argparse
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
from common import Build, Skipped, clean_environment, run, tool

DROP_IN = os.path.join(ROOT, "examples", "systemd", "socktrack.conf")
DEPLOYMENT = os.path.join(ROOT, "examples", "kubernetes", "deployment.yaml")
PATIENCE = 60


class Broken(Exception):
    """A recipe that does not do what it says."""


def expect(good, what):
    if not good:
        raise Broken(what)


def drop_in():
    """The settings of the drop-in, those in comments among them, and what only the comments say."""
    plain, offered = [], []
    with open(DROP_IN, encoding="utf-8") as file:
        for line in file:
            setting = re.fullmatch(r"(# )?([A-Z]\w+)=(.*)\n", line)
            if setting:
                (offered if setting[1] else plain).append((setting[2], setting[3]))
    expect(offered, "the drop-in offers nothing")
    return plain, offered


def environment_of(settings, unit):
    """As systemd makes it of Environment= lines."""
    made = {}
    for name, value in settings:
        if name == "Environment":
            for assignment in shlex.split(value.replace("%%", "\0").replace("%N", unit).replace("\0", "%")):
                key, _, text = assignment.partition("=")
                made[key] = text
    return made


class Service:
    """tests/programs/ladder with what a recipe puts around it."""

    def __init__(self, build, environment, limits=None):
        def set_limits():
            if limits:
                hard = min(limits[1], resource.getrlimit(resource.RLIMIT_NOFILE)[1])
                resource.setrlimit(resource.RLIMIT_NOFILE, (min(limits[0], hard), hard))

        self.build, self.recordings = build, environment["SOCKTRACK_OUTPUT"]
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen([build.file("tests", "programs", "ladder")], env=clean_environment(**environment),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        bufsize=1, preexec_fn=set_limits)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.errors.close()

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        return self.process.stdout.readline().strip()

    def leaks(self):
        told = run([self.build.command, "report", self.recordings, "--json"], PATIENCE)
        groups = [g for p in json.loads(told.stdout)["processes"] for g in p["groups"]] if told.stdout else []
        return [g for g in groups if g["verdict"] == "eof_not_closed"]

    def leak_group(self):
        return await_true(lambda: self.leaks()[0] if self.leaks() else None, "the leak is not reported")

    def mitigate(self, *words):
        told = run([self.build.command, "mitigate", self.process.pid, *words], PATIENCE)
        expect(told.returncode == 0, f"mitigate {words}: {told.stderr}")
        return told.stdout

    def follow_the_comments(self):
        """One leak group, tried first, then parked."""
        self.ask("leak 3")
        fingerprint = self.leak_group()["fingerprint"]
        tried = self.mitigate("park", "--allow", fingerprint, "--after", "0", "--at", "off", "--dry-run")
        expect("would park 3 sockets" in tried, tried)
        self.mitigate("park", "--allow", fingerprint, "--after", "0", "--at", "off")
        await_true(lambda: self.leak_group()["mitigation"]["acted"].get("park") == 3, "nothing was parked")
        expect(self.ask("peer 0") == "eof", "the peer saw no FIN")
        expect(os.path.exists(os.path.join(self.recordings, f"audit-{self.process.pid}.jsonl")), "there is no audit")

    def ends_well(self):
        self.process.stdin.close()
        expect(self.process.wait(timeout=PATIENCE) == 0, f"the service ended with {self.process.returncode}")
        self.errors.seek(0)
        complaints = [line for line in self.errors if "SOCKTRACK_" in line or "LD_PRELOAD" in line]
        expect(not complaints, f"complaints: {complaints}")


def await_true(question, what):
    limit = time.monotonic() + PATIENCE
    while True:
        answer = question()
        if answer:
            return answer
        expect(time.monotonic() < limit, what)
        time.sleep(0.05)


def systemd(directory_of_build):
    build = Build(directory_of_build)
    plain, offered = drop_in()
    values = dict(plain)
    # The directory that systemd makes is the one that the library is told.
    runtime = values["RuntimeDirectory"].replace("%N", "leaky")
    for settings in (plain, plain + offered):
        environment = environment_of(settings, "leaky")
        expect(environment["SOCKTRACK_OUTPUT"] == f"/run/{runtime}", "RuntimeDirectory and SOCKTRACK_OUTPUT differ")
        with tempfile.TemporaryDirectory() as run_directory:
            directory = os.path.join(run_directory, runtime)
            os.mkdir(directory, int(values["RuntimeDirectoryMode"], 8))
            environment |= {"LD_PRELOAD": build.library, "SOCKTRACK_OUTPUT": directory}
            with Service(build, environment, [int(n) for n in values["LimitNOFILE"].split(":")]) as service:
                soft, hard = service.ask("limit").split()
                expect(soft == hard, "the soft limit was not raised")
                service.ask("leak 1")
                rung = environment["SOCKTRACK_MITIGATE"]
                # The report waits for the default grace; what is in force is told at once.
                expect(f": {rung}" in service.mitigate(), f"{rung} is not in force: {service.mitigate()}")
                service.ends_well()
            # ... and its comments are followed in a service that is not asked to wait so long.
            with Service(build, environment | {"SOCKTRACK_GRACE": "0"}) as service:
                service.follow_the_comments()
                service.ends_well()
    return f"{len(plain) + len(offered)} settings"


def start_for_musl(directory, library):
    """A child for musl starts with that name in LD_PRELOAD."""
    compiler = shutil.which("musl-gcc")
    if not compiler:
        return
    source, program = os.path.join(directory, "for_musl.c"), os.path.join(directory, "for_musl")
    with open(source, "w", encoding="utf-8") as file:
        file.write("int main(void) { return 7; }\n")
    run([compiler, "-o", program, source], PATIENCE)
    told = run([program], PATIENCE, env=clean_environment(LD_PRELOAD=library))
    expect(told.returncode == 7, f"a program for musl does not start: {told.stderr}")


def installed(directory_of_build):
    build = Build(directory_of_build)
    library = environment_of(drop_in()[0], "leaky")["LD_PRELOAD"]
    with tempfile.TemporaryDirectory() as prefix:
        made = run([tool("cmake"), "--install", directory_of_build, "--prefix", prefix], PATIENCE)
        expect(made.returncode == 0, made.stderr)
        library = library.replace("/usr/local", prefix)
        expect("$LIB" in library and library.startswith(prefix), library)
        told = run(["/bin/cat", "/proc/self/maps"], PATIENCE, env=clean_environment(LD_PRELOAD=library))
        expect("libsocktrack.so" in told.stdout and not told.stderr, told.stderr)
        start_for_musl(prefix, library)
        command = os.path.join(prefix, "bin", "socktrack")
        told = run([command, "run", "--", "/bin/sh", "-c", "echo $LD_PRELOAD"], PATIENCE, env=clean_environment())
        expect(told.stdout.strip() == library, told.stdout + told.stderr)
    return library[len(prefix):]


def systemd_analyze(_):
    analyze = tool("systemd-analyze")
    with tempfile.TemporaryDirectory() as directory:
        unit = os.path.join(directory, "leaky.service")
        with open(unit, "w", encoding="utf-8") as file:
            file.write("[Service]\nExecStart=/bin/true\n")
        os.mkdir(unit + ".d")
        _, offered = drop_in()
        shutil.copy(DROP_IN, unit + ".d")
        with open(os.path.join(unit + ".d", "offered.conf"), "w", encoding="utf-8") as file:
            file.write("[Service]\n" + "".join(f"{name}={value}\n" for name, value in offered))
        environment = clean_environment(SYSTEMD_UNIT_PATH=f"{directory}:")
        told = run([analyze, "verify", "--man=no", unit], PATIENCE, env=environment)
        ours = [line for line in (told.stdout + told.stderr).splitlines() if "leaky" in line or "socktrack" in line]
        expect(not ours, ours)
        # Whether it looks at the drop-in at all here: a line that no version knows must be told.
        with open(os.path.join(unit + ".d", "wrong.conf"), "w", encoding="utf-8") as file:
            file.write("[Service]\nNoSuchSetting=1\n")
        told = run([analyze, "verify", "--man=no", unit], PATIENCE, env=environment)
        if "NoSuchSetting" not in told.stderr:
            raise Skipped(f"systemd-analyze cannot look at units here: {told.stderr.strip()[:200]}")
    return "nothing to complain of"


def documents():
    with open(DEPLOYMENT, encoding="utf-8") as file:
        text = file.read()
    try:
        import yaml
        return list(yaml.safe_load_all(text))
    except ImportError:
        load = "puts JSON.generate(YAML.load_stream(STDIN.read))"
        told = subprocess.run([tool("ruby"), "-ryaml", "-rjson", "-e", load], input=text, capture_output=True, text=True,
                              check=True, timeout=PATIENCE)
        return json.loads(told.stdout)


def kubernetes(directory_of_build):
    build = Build(directory_of_build)
    by_kind = {document["kind"]: document for document in documents()}
    settings = by_kind["ConfigMap"]["data"]
    expect(all(isinstance(value, str) for value in settings.values()), f"a ConfigMap holds text only: {settings}")
    deployment = by_kind["Deployment"]["spec"]
    expect(deployment["selector"]["matchLabels"].items() <= deployment["template"]["metadata"]["labels"].items(), "labels")
    pod = deployment["template"]["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    server, init = pod["containers"][0], pod["initContainers"][0]
    for container in (server, init):
        expect([m["mountPath"] for m in container["volumeMounts"] if m["name"] in volumes] == ["/socktrack"], container)
    expect(server["envFrom"][0]["configMapRef"]["name"] == by_kind["ConfigMap"]["metadata"]["name"], "envFrom")

    with tempfile.TemporaryDirectory() as directory:
        volume = os.path.join(directory, "socktrack")
        os.mkdir(volume)

        def inside(text):
            return text.replace("/usr/local/lib/libsocktrack.so", build.library).replace("/socktrack/", volume + "/")

        made = run([inside(word) for word in init["command"]], PATIENCE)
        expect(made.returncode == 0, f"the init container: {made.stderr}")
        environment = {name: inside(value) for name, value in settings.items()}
        for lib in ("lib", "lib64", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"):
            expect(os.path.isfile(environment["LD_PRELOAD"].replace("$LIB", lib)), "LD_PRELOAD leads nowhere")
        start_for_musl(directory, environment["LD_PRELOAD"])
        for rung in (environment["SOCKTRACK_MITIGATE"], "park"):
            environment["SOCKTRACK_MITIGATE"] = rung
            with Service(build, environment) as service:
                service.ask("leak 1")
                expect(f": {rung}" in service.mitigate(), f"{rung} is not in force: {service.mitigate()}")
                service.ends_well()
        with Service(build, environment | {"SOCKTRACK_GRACE": "0"}) as service:
            service.follow_the_comments()
            service.ends_well()
    return f"{len(settings)} settings"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("recipe", choices=("systemd", "installed", "systemd_analyze", "kubernetes"))
    arguments = parser.parse_args()
    try:
        print(f"{arguments.recipe}: {globals()[arguments.recipe](arguments.build)}")
    except Skipped as reason:
        print(f"skipped: {reason}")
        return 77
    except Broken as what:
        print(f"BROKEN: {what}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
