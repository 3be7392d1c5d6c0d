"""Looks at what a build made, as the owner of the wheelhouse: nothing of it is run.

Argument: one JSON object {out, source}: the folder the wheel was put into, and the folder the build left its sources in.
Output: JSON {wheels: [{file, sha256, name, version, compiled, problem}], sources: [relative paths of compiled languages]}.
"""
import base64
import csv
import hashlib
import io
import json
import os
import stat
import sys
import zipfile

COMPILED = (".so", ".pyd", ".dylib")
SOURCES = (".c", ".cc", ".cpp", ".cxx", ".pyx", ".rs", ".f", ".f90")
# Sources there are no part of the package.
ASIDE = {"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "build", "node_modules"}
KEPT = 20


def header(text):
    values = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if not colon:
            break
        values.setdefault(key.strip().lower(), value.strip())
    return values


def against_record(archive, names, record):
    """The first file whose bytes are not those RECORD names, or that RECORD leaves out; None when all agree."""
    rows = {row[0]: row[1] for row in csv.reader(io.StringIO(archive.read(record).decode("utf-8"))) if row}
    for name in names:
        if name.endswith("/") or name == record or name.rsplit("/", 1)[-1] in ("RECORD.jws", "RECORD.p7s"):
            continue
        said = rows.get(name)
        if said is None:
            return "%s is not in RECORD" % name
        kind, _, value = said.partition("=")
        if kind in hashlib.algorithms_available and kind not in ("md5", "sha1"):
            got = base64.urlsafe_b64encode(hashlib.new(kind, archive.read(name)).digest()).rstrip(b"=").decode()
            if got != value:
                return "%s is not what RECORD says" % name
        else:
            return "RECORD names no usable hash for %s" % name
    return None


def inspect(path):
    told = {"file": os.path.basename(path), "sha256": "", "name": "", "version": "", "compiled": [], "problem": ""}
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return dict(told, problem="not a regular file")
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    told["sha256"] = digest.hexdigest()
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            bad = archive.testzip()
            infos = [name for name in names if name.count("/") == 1 and name.endswith(".dist-info/METADATA")]
            records = [name for name in names if name.count("/") == 1 and name.endswith(".dist-info/RECORD")]
            if bad is not None:
                told["problem"] = "%s is damaged in the archive" % bad
            elif len(infos) != 1 or len(records) != 1:
                told["problem"] = "expected one METADATA and one RECORD, got %d and %d" % (len(infos), len(records))
            else:
                values = header(archive.read(infos[0]).decode("utf-8", "replace"))
                told["name"], told["version"] = values.get("name", ""), values.get("version", "")
                told["problem"] = against_record(archive, names, records[0]) or ""
            told["compiled"] = [name for name in names if name.endswith(COMPILED)][:KEPT]
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError, NotImplementedError) as error:
        told["problem"] = "%s: %s" % (type(error).__name__, error)
    return told


def sources(root):
    found = []
    for folder, folders, files in os.walk(root):
        # Of what pip leaves behind, only the unpacked source release is of the package; the build's own requirements are not.
        if folder == root:
            folders[:] = [name for name in folders if name.startswith("pip-wheel-")]
        folders[:] = sorted(name for name in folders if name not in ASIDE and not name.startswith("."))
        found += [os.path.relpath(os.path.join(folder, name), root) for name in sorted(files) if name.lower().endswith(SOURCES)]
    return found[:KEPT]


def main():
    wish = json.loads(sys.argv[1])
    names = sorted(name for name in os.listdir(wish["out"]) if name.endswith(".whl"))
    print(json.dumps({"wheels": [inspect(os.path.join(wish["out"], name)) for name in names], "sources": sources(wish["source"])}))


main()
