"""Writes tiny source releases that really build: with a build backend of their own, so that nothing has to be fetched.

Arguments: folder, JSON list of {name, version, files, c, optional, requires, before, legacy, claims}:
`c`: text of a C extension `_speed`; `optional`: goes on without it where no compiler works; `requires`: build requirements;
`before`: Python run at the start of a build; `legacy`: a setup.py alone, for setuptools; `claims`: version the wheel says it has.
"""
import hashlib
import io
import json
import os
import sys
import tarfile

BACKEND = '''
import base64, hashlib, json, os, shlex, subprocess, sys, sysconfig, zipfile
SPEC = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "spec.json")))

def get_requires_for_build_wheel(config_settings=None):
    return SPEC.get("requires", [])

def stem():
    return "%s-%s" % (SPEC["name"].replace("-", "_"), SPEC.get("claims") or SPEC["version"])

def metadata():
    return "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (SPEC["name"], SPEC.get("claims") or SPEC["version"])

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = stem() + ".dist-info"
    os.mkdir(os.path.join(folder, info))
    with open(os.path.join(folder, info, "METADATA"), "w") as file:
        file.write(metadata())
    return info

def extension():
    """Bytes of the compiled module; None where it may be left out and can't be made."""
    source, target = os.path.abspath("speed.c"), os.path.abspath("_speed.so")
    compiler = shlex.split(sysconfig.get_config_var("CC"))[0]
    try:
        subprocess.run([compiler, "-shared", "-fPIC", "-I" + sysconfig.get_path("include"), source, "-o", target], check=True)
    except (OSError, subprocess.CalledProcessError):
        if SPEC.get("optional"):
            return None
        raise
    with open(target, "rb") as file:
        return file.read()

def build_wheel(folder, config_settings=None, metadata_directory=None):
    exec(SPEC.get("before", ""), {})
    files = {name: text.encode() for name, text in SPEC["files"].items()}
    tag = "py3-none-any"
    if SPEC.get("c"):
        data = extension()
        if data is not None:
            line = "cp%d%d" % sys.version_info[:2]
            tag = "%s-%s-%s" % (line, line, sysconfig.get_platform().replace("-", "_").replace(".", "_"))
            files["_speed" + sysconfig.get_config_var("EXT_SUFFIX")] = data
    info = stem() + ".dist-info"
    files[info + "/METADATA"] = metadata().encode()
    files[info + "/WHEEL"] = ("Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: %s\\n" % tag).encode()
    record = ""
    for name, data in files.items():
        record += "%s,sha256=%s,%d\\n" % (name, base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode(), len(data))
    files[info + "/RECORD"] = (record + info + "/RECORD,,\\n").encode()
    made = "%s-%s.whl" % (stem(), tag)
    with zipfile.ZipFile(os.path.join(folder, made), "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made
'''


def contents(spec):
    if spec.get("legacy"):
        yield "setup.py", "from setuptools import setup\nsetup(name=%r, version=%r, py_modules=[%r])\n" % (spec["name"], spec["version"], spec["name"])
        yield spec["name"] + ".py", "VALUE = 1\n"
    else:
        yield "pyproject.toml", '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        yield "backend.py", BACKEND
        yield "spec.json", json.dumps(spec)
        if spec.get("c"):
            yield "speed.c", spec["c"]
    yield "PKG-INFO", "Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (spec["name"], spec["version"])


def main():
    folder, specs = sys.argv[1], json.loads(sys.argv[2])
    made = []
    for spec in specs:
        stem = "%s-%s" % (spec["name"].replace("-", "_"), spec["version"])
        path = os.path.join(folder, stem + ".tar.gz")
        with tarfile.open(path, "w:gz") as archive:
            for name, text in contents(spec):
                data = text.encode()
                entry = tarfile.TarInfo("%s/%s" % (stem, name))
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        with open(path, "rb") as file:
            made.append({"file": os.path.basename(path), "sha256": hashlib.sha256(file.read()).hexdigest()})
    print(json.dumps(made))


main()
