"""Compiles a tree's packages before it is made read-only, so that no start of the service has to.

What was compiled once is kept by the hash of its source in the owner's cache (beside the installer's own, and trusted
as much): a second tree with the same packages takes a tenth of the time. Files of the cache are copied, never linked.

Argument: one JSON object {tree, cache, skip, jobs}; `skip` are names of folders left out. Output: JSON
{compiled, reused, failed}.
"""
import hashlib
import importlib.util
import json
import marshal
import os
import sys

MAGIC = importlib.util.MAGIC_NUMBER


def sources(site, skip):
    for folder, folders, files in os.walk(site):
        folders[:] = [name for name in folders if name != "__pycache__" and name not in skip]
        for name in files:
            path = os.path.join(folder, name)
            if name.endswith(".py") and not os.path.islink(path):
                yield path


def write(path, data):
    """Whole or not at all: an import may look at any moment."""
    temporary = "%s.%d" % (path, os.getpid())
    with open(temporary, "wb") as file:
        file.write(data)
    os.replace(temporary, path)


def kept(path):
    """Code from the cache, if it is as it was written."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    return data[32:] if hashlib.sha256(data[32:]).digest() == data[:32] else None


def compile_one(path, cache):
    with open(path, "rb") as file:
        source = file.read()
        info = os.fstat(file.fileno())
    key = hashlib.sha256(source).hexdigest()
    known = os.path.join(cache, key[:2], key)
    code = kept(known)
    answer = "reused"
    if code is None:
        try:
            code = marshal.dumps(compile(source, path, "exec", dont_inherit=True))
        except (SyntaxError, ValueError, RecursionError, UnicodeError):
            return "failed"  # a template, or text for another Python: its import would say so
        os.makedirs(os.path.dirname(known), mode=0o700, exist_ok=True)
        write(known, hashlib.sha256(code).digest() + code)
        answer = "compiled"
    target = importlib.util.cache_from_source(path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    # Time and size of the source (PEP 552's default form): an edit by hand in an emergency takes effect at once.
    stamp = (int(info.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little") + (info.st_size & 0xFFFFFFFF).to_bytes(4, "little")
    write(target, MAGIC + (0).to_bytes(4, "little") + stamp + code)
    return answer


def work(paths, cache):
    counts = {"compiled": 0, "reused": 0, "failed": 0}
    for path in paths:
        counts[compile_one(path, cache)] += 1
    return counts


def main():
    wish = json.loads(sys.argv[1])
    site = os.path.join(wish["tree"], "lib", "python%d.%d%s" % (sys.version_info[0], sys.version_info[1], "t" if "t" in sys.abiflags else ""), "site-packages")
    cache = os.path.join(wish["cache"], "bytecode", MAGIC.hex())
    os.makedirs(cache, mode=0o700, exist_ok=True)
    paths = sorted(sources(site, set(wish["skip"])))
    children = []
    for lane in range(1, wish["jobs"]):
        read, end = os.pipe()
        if os.fork() == 0:
            os.close(read)
            try:
                os.write(end, json.dumps(work(paths[lane :: wish["jobs"]], cache)).encode())
            finally:
                os._exit(0)
        os.close(end)
        children.append(read)
    total = work(paths[:: wish["jobs"]], cache)
    for read in children:
        with os.fdopen(read, "rb") as file:
            text = file.read()
        if not text:
            sys.exit("a compiling process ended before its work was done")
        for name, count in json.loads(text.decode()).items():
            total[name] += count
    print(json.dumps(total))


main()
