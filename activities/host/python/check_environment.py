"""What an interpreter is and what is installed for it, told by itself as one line of JSON. Runs on 3.6 and later with -I; changes nothing.

Argument: one JSON object {packages, requires}: whether to list what is installed, and what each of them asks for. Output:
JSON {version, implementation, prefix, basePrefix, markers, packages: [{name, version, requires}]}.
"""
import json
import os
import re
import sys


def version():
    info = sys.version_info
    text = "%d.%d.%d" % (info[0], info[1], info[2])
    if info.releaselevel != "final":
        text += {"alpha": "a", "beta": "b", "candidate": "rc"}[info.releaselevel] + str(info.serial)
    # A build between two releases: `3.12.1+`.
    return text + ("+" if sys.version.split()[0].endswith("+") else "")


def header(path):
    """Name, version and requirements from the head of METADATA or PKG-INFO."""
    name, found, requires = "", "", []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            key, colon, value = line.partition(":")
            if not colon:
                if not line.strip():
                    break
                continue  # a folded line
            key = key.strip().lower()
            if key == "name":
                name = name or value.strip()
            elif key == "version":
                found = found or value.strip()
            elif key == "requires-dist":
                requires.append(value.strip())
    return name, found, requires


def read(folder, entry):
    """One package by its metadata; where that can't be read, by the name of its folder."""
    stem, kind = os.path.splitext(entry)
    path = os.path.join(folder, entry)
    inner = os.path.join(path, "METADATA" if kind == ".dist-info" else "PKG-INFO")
    parts = stem.split("-")
    try:
        name, found, requires = header(inner if os.path.isdir(path) else path)
    except OSError:
        name, found, requires = "", "", []
    return {"name": name or parts[0], "version": found or (parts[1] if len(parts) > 1 else ""), "requires": requires}


def packages(with_requires):
    """What importing would find: of a project in two folders of the search path only the first."""
    found, seen = [], set()
    for folder in sys.path:
        try:
            entries = sorted(os.listdir(folder))
        except OSError:
            continue
        here = set()
        for entry in entries:
            # pip renames what it is removing to `~ame`.
            if entry.endswith((".dist-info", ".egg-info")) and not entry.startswith("~"):
                one = read(folder, entry)
                key = re.sub(r"[-_.]+", "-", one["name"]).lower()
                here.add(key)
                if key not in seen:
                    if not with_requires:
                        one["requires"] = []
                    found.append(one)
        seen |= here
    return found


def markers():
    """What environment markers may ask beside the version."""
    name = os.uname()
    return {"system": sys.platform, "machine": name.machine if sys.maxsize > 2**32 or name.machine != "x86_64" else "i686", "platform_release": name.release, "platform_version": name.version}


def main():
    wish = json.loads(sys.argv[1])
    told = {"version": version(), "implementation": sys.implementation.name, "prefix": sys.prefix, "basePrefix": sys.base_prefix, "markers": markers()}
    told["packages"] = packages(wish["requires"]) if wish["packages"] else []
    print(json.dumps(told))


main()
