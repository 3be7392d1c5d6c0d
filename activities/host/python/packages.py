"""Installed packages of a tree and the modules each of them brings, from metadata alone: nothing of the tree is run.

Argument: one JSON object {tree}. Output: JSON {packages: [{name, version, modules}]}.
"""
import csv
import glob
import json
import os
import re
import sys

# Sloppy packages put these beside their own; they are nobody's module.
NOBODYS = {"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "scripts", "conftest", "setup", "samples"}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
SUFFIX = re.compile(r"\.(?:[A-Za-z0-9_-]+\.)?(?:so|pyd)\Z|\.py\Z")


def module_of(name):
    """`six.py`, `_x.cpython-311-x86_64-linux-gnu.so`: the module such a file is, or None."""
    found = SUFFIX.search(name)
    return name[: found.start()] if found else None


def modules(files):
    """Top-level modules; for a namespace package, which has no file of its own, the packages below it."""
    tops, packages = set(), set()
    for path in files:
        parts = path.split("/")
        if parts[0].endswith((".dist-info", ".data")) or ".." in parts or not all(NAME.match(part) for part in parts[:-1]):
            continue
        module = module_of(parts[-1])
        if module is None:
            continue
        if len(parts) == 1:
            tops.add(module)
        elif module == "__init__":
            packages.add(tuple(parts[:-1]))
    tops.update(".".join(p) for p in packages if not any(p[:n] in packages for n in range(1, len(p))))
    return sorted(m for m in tops if all(NAME.match(part) and part not in NOBODYS for part in m.split(".")))


def header(path):
    """Name and version from the head of METADATA."""
    values = {}
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            key, colon, value = line.partition(":")
            if not colon:
                break
            values.setdefault(key.strip().lower(), value.strip())
    return values.get("name", ""), values.get("version", "")


def main():
    tree = json.loads(sys.argv[1])["tree"]
    packages = []
    # The other `lib/python3.N` are bridges to trees that were left (anchor.ts): not of this one.
    libraries = [path for path in glob.glob(os.path.join(glob.escape(tree), "lib", "python3*")) if not os.path.islink(path)]
    for info in sorted(found for library in libraries for found in glob.glob(os.path.join(glob.escape(library), "site-packages", "*.dist-info"))):
        try:
            name, version = header(os.path.join(info, "METADATA"))
            with open(os.path.join(info, "RECORD"), encoding="utf-8", newline="") as file:
                files = [row[0] for row in csv.reader(file) if row]
        except OSError:
            name, version, files = os.path.basename(info), "", []
        packages.append({"name": name, "version": version, "modules": modules(files)})
    print(json.dumps({"packages": packages}))


main()
