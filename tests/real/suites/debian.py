"""Sources and packages of the release this machine runs."""
import glob
import os
import pathlib
import shutil
import subprocess


class Unavailable(Exception):
    """The suite cannot be had on this machine; the text says why."""


def quietly(command, where, environment=None, limit=900):
    done = subprocess.run(command, cwd=where, env=environment, stdin=subprocess.DEVNULL, text=True,
                          errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(map(str, command))}: status {done.returncode}: "
                          + " | ".join(done.stdout.strip().splitlines()[-3:]))
    return done.stdout


class Debian:
    """Source packages of the release this machine runs, in a directory of our own."""

    def __init__(self, work):
        self.work = work
        self.ready = False

    def environment(self):
        return dict(os.environ, APT_CONFIG=str(self.work / "apt.conf"), LC_ALL="C")

    def prepare(self):
        if self.ready:
            return
        if not shutil.which("apt-get") or not shutil.which("dpkg-source"):
            raise Unavailable("no apt-get or dpkg-source here")
        facts = dict(line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line)
        release = facts.get("VERSION_CODENAME", "").strip('"')
        if facts.get("ID", "").strip('"') != "debian" or not release:
            raise Unavailable("this is no Debian release")
        for folder in ("lists/partial", "cache/archives/partial"):
            (self.work / folder).mkdir(parents=True, exist_ok=True)
        # From where this machine has its packages.
        known = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)",
                                "Created-By: Packages"], stdout=subprocess.PIPE, text=True, check=True).stdout
        sources = {f"deb-src {line}\n" for line in known.splitlines() if line.endswith(f" {release} main")}
        if not sources:
            raise Unavailable(f"apt knows no packages of {release} main")
        (self.work / "sources.list").write_text("".join(sorted(sources)))
        (self.work / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{self.work}/sources.list";\nDir::Etc::sourceparts "-";\n'
            f'Dir::State::lists "{self.work}/lists";\nDir::Cache "{self.work}/cache";\n')
        quietly(["apt-get", "-q", "update"], self.work, self.environment())
        self.ready = True

    def description(self, package):
        """The .dsc of the sources, which lie beside it."""
        if not glob.glob(str(self.work / f"{package}_*.dsc")):
            self.prepare()
            quietly(["apt-get", "-q", "source", "--download-only", package], self.work, self.environment())
        return glob.glob(str(self.work / f"{package}_*.dsc"))[0]

    def download(self, package):
        """The archive of the sources as their authors released them."""
        self.description(package)
        return glob.glob(str(self.work / f"{package}_*.orig.tar.*"))[0]

    def unpack(self, package, pattern):
        """The one directory that matches `pattern` after the sources were unpacked with Debian's patches."""
        if not glob.glob(str(self.work / pattern)):
            quietly(["dpkg-source", "--no-check", "-x", self.description(package)], self.work)
        return pathlib.Path(glob.glob(str(self.work / pattern))[0])

    def binaries(self, folder, *packages):
        """What the packages would install, in a folder of ours."""
        root = self.work / folder
        if not root.exists():
            if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
                raise Unavailable("no apt-get or dpkg-deb here")
            for package in packages:
                quietly(["apt-get", "-q", "download", package], self.work)
                quietly(["dpkg-deb", "-x", glob.glob(str(self.work / f"{package}_*.deb"))[0], root], self.work)
        return root
