import shutil

from suites.debian import Unavailable, quietly


def cmake_build(source, target, *options):
    build = source / "build-upstream"
    if not (build / ".done").exists():
        for tool in ("cmake", "ninja", "cc"):
            if not shutil.which(tool):
                raise Unavailable(f"{tool} is missing")
        quietly(["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", *options], source)
        quietly(["ninja", "-C", build, target], source)
        (build / ".done").touch()
    return build
