"""What an interpreter is, told by itself as one line of JSON. Runs on 3.6 and later with -I; changes nothing."""
import json
import os
import platform
import sys
import sysconfig

# A build without some system headers lacks these: wheels then install and fail when they are imported.
WANTED = ["ssl", "sqlite3", "zlib", "bz2", "lzma", "ctypes", "readline", "hashlib", "venv", "ensurepip"]


def missing(names):
    lost = []
    for name in names:
        try:
            __import__(name)
        except Exception:
            lost.append(name)
    return lost


def libc():
    if sys.platform != "linux":
        return "none", ""
    try:
        # A number like "glibc 2.36": asked of the C library that is loaded, not guessed from files.
        text = os.confstr("CS_GNU_LIBC_VERSION")
        if text:
            name, version = text.split()
            return name, version
    except (AttributeError, ValueError, OSError):
        pass
    import re
    import subprocess

    for folder in ("/lib", "/usr/lib"):
        for entry in sorted(os.listdir(folder)):
            if entry.startswith("ld-musl-"):
                run = subprocess.Popen([os.path.join(folder, entry)], stderr=subprocess.PIPE)
                found = re.search(r"Version (\S+)", run.communicate()[1].decode("utf-8", "replace"))
                return "musl", found.group(1) if found else ""
    return "none", ""


def version():
    info = sys.version_info
    text = "%d.%d.%d" % info[:3]
    if info.releaselevel != "final":
        text += {"alpha": "a", "beta": "b", "candidate": "rc"}[info.releaselevel] + str(info.serial)
    return text


def main():
    name, release = libc()
    system = {"linux": "linux", "darwin": "macosx"}.get(sys.platform, sys.platform)
    stdlib = sysconfig.get_paths()["stdlib"]
    print(json.dumps({
        "version": version(),
        "implementation": sys.implementation.name,
        "build": " ".join(sys.version.split()),
        "soabi": sysconfig.get_config_var("SOABI") or "",
        "system": system,
        # A 32-bit Python on a 64-bit kernel takes the wheels of the former.
        "machine": platform.machine() if sys.maxsize > 2**32 or platform.machine() != "x86_64" else "i686",
        "libc": {"name": name, "version": release},
        "macosRelease": platform.mac_ver()[0],
        "freeThreaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "missingModules": missing(WANTED),
        "stdlib": stdlib,
    }))


main()
