"""Writes tiny wheels and source releases, correct in names, tags and RECORD. Arguments: folder, JSON list of specs."""
import base64
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import zipfile


def record_line(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return "%s,sha256=%s,%d\n" % (name, digest, len(data))


def wheel(folder, spec):
    stem = "%s-%s" % (spec["name"].replace("-", "_"), spec["version"])
    info = stem + ".dist-info"
    metadata = "Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (spec["name"], spec["version"])
    if spec.get("requiresPython"):
        metadata += "Requires-Python: %s\n" % spec["requiresPython"]
    metadata += "".join("Requires-Dist: %s\n" % one for one in spec.get("requires", []))
    files = {name: text.encode() for name, text in spec["files"].items()}
    if spec.get("bulk"):
        # Does not compress: a wheel that takes a while to fetch.
        files[spec["name"].replace("-", "_") + "_bulk.bin"] = os.urandom(spec["bulk"])
    files[info + "/METADATA"] = metadata.encode()
    files[info + "/WHEEL"] = ("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: %s\n" % spec["tag"]).encode()
    record = "".join(record_line(name, data) for name, data in files.items()) + info + "/RECORD,,\n"
    path = os.path.join(folder, "%s-%s.whl" % (stem, spec["tag"]))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in list(files.items()) + [(info + "/RECORD", record.encode())]:
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data)
    return path


def sdist(folder, spec):
    stem = "%s-%s" % (spec["name"].replace("-", "_"), spec["version"])
    path = os.path.join(folder, stem + ".tar.gz")
    # Building it would leave a trace: without a source of its own, nothing may ever run it.
    files = spec.get("source") or {"setup.py": "raise SystemExit('setup.py of a test release was run')\n"}
    files = dict(files, **{"PKG-INFO": "Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (spec["name"], spec["version"])})
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo("%s/%s" % (stem, name))
            data = text.encode()
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def corrupt(folder, spec):
    path = os.path.join(folder, "%s-%s-%s.whl" % (spec["name"].replace("-", "_"), spec["version"], spec["tag"]))
    with open(path, "wb") as file:
        file.write(b"this was a wheel once\n" * 50)
    return path


def served(folder, spec):
    return shutil.copy(spec["path"], folder)


def main():
    folder, specs = sys.argv[1], json.loads(sys.argv[2])
    made = []
    for spec in specs:
        kind = served if spec.get("path") else sdist if spec.get("sdist") else corrupt if spec.get("corrupt") else wheel
        path = kind(folder, spec)
        with open(path, "rb") as file:
            made.append({"file": os.path.basename(path), "sha256": hashlib.sha256(file.read()).hexdigest()})
    print(json.dumps(made))


main()
