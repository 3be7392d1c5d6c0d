"""One pass over a tree: kind, mode, size and sha256 (or link target) of everything in it.

Arguments: one JSON object {tree, scope, record, seal}. Standard output: one line an entry, sorted by path, then a
line that starts with "#" and holds a summary as JSON. Links are never followed; `.complete` is left out.
"""
import base64
import csv
import hashlib
import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor

READ = 1 << 20
NO_FOLLOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def escape(path):
    """A path as one field of one line, whatever bytes it holds."""
    return path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\t", b"\\t")


def walk(root):
    """All entries below root as (relative path, stat), folders included, nothing followed."""
    todo = [b""]
    while todo:
        folder = todo.pop()
        with os.scandir(os.path.join(root, folder) if folder else root) as entries:
            for entry in entries:
                path = os.path.join(folder, entry.name) if folder else entry.name
                info = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(info.st_mode):
                    todo.append(path)
                yield path, info


def digest(path):
    """sha256 of a regular file."""
    fd = os.open(path, NO_FOLLOW)
    try:
        size = os.fstat(fd).st_size
        found = hashlib.sha256()
        while True:
            block = os.read(fd, min(READ, size + 1))
            if not block:
                return found.digest()
            found.update(block)
    finally:
        os.close(fd)


def batches(items, parts):
    """A few lists of about equal size: one task a file would cost more than its hash."""
    return [items[i::parts] for i in range(parts)]


def hash_all(root, files):
    workers = min(4, (os.cpu_count() or 1) + 1)
    hashes = {}

    def work(batch):
        return [(path, digest(os.path.join(root, path))) for path in batch]

    with ThreadPoolExecutor(workers) as pool:
        for part in pool.map(work, batches(files, workers * 4)):
            hashes.update(part)
    return hashes


def is_bytecode(path):
    return b"/__pycache__/" in b"/" + path or path.endswith(b"/__pycache__")


def seal(root, entries):
    """Takes write permission from everything; links have none of their own."""
    sealed = []
    for path, info in entries:
        mode = stat.S_IMODE(info.st_mode)
        if not stat.S_ISLNK(info.st_mode) and mode & 0o222:
            os.chmod(os.path.join(root, path), mode & ~0o222)
            info = os.lstat(os.path.join(root, path))
        sealed.append((path, info))
    return sealed


def sync(root):
    """Writes the tree's file system to disk: a seal must never outlive, after a power cut, the files it speaks of."""
    try:
        import ctypes

        fd = os.open(root, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(fd) == 0:
                return
        finally:
            os.close(fd)
    except (ImportError, AttributeError, OSError):
        pass
    os.sync()


def line(root, path, info, hashes):
    mode = info.st_mode
    bits = b"%o" % stat.S_IMODE(mode)
    if stat.S_ISREG(mode):
        return b"\t".join((b"f", bits, b"%d" % info.st_size, hashes[path].hex().encode(), escape(path)))
    if stat.S_ISLNK(mode):
        return b"\t".join((b"l", b"-", b"-", escape(os.readlink(os.path.join(root, path))), escape(path)))
    if stat.S_ISDIR(mode):
        return b"\t".join((b"d", bits, b"-", b"-", escape(path)))
    return b"\t".join((b"?", bits, b"-", b"%o" % stat.S_IFMT(mode), escape(path)))


# What the tools that make environments put beside the packages, ours among them (anchor.ts).
OF_VENV = {b"_virtualenv.py", b"_virtualenv.pth", b"_interpreter_runbooks_anchor.pth"}
# Written by installers after the fact, not always into RECORD.
OF_INSTALLER = {b"RECORD", b"INSTALLER", b"REQUESTED", b"direct_url.json", b"uv_cache.json", b"uv_build.json"}


def check_row(root, path, row, known, hashes, bad):
    """One line of a RECORD against the same hashes the manifest has."""
    wanted, size = row[1], row[2]
    info = known.get(path)
    shown = os.fsdecode(path)
    if info is None:
        if not path.endswith(b".pyc"):
            bad.append(shown + ": missing")
        return
    if not wanted:
        return
    if not stat.S_ISREG(info.st_mode):
        bad.append(shown + ": expected a regular file")
        return
    if size and int(size) != info.st_size:
        bad.append("%s: expected %s bytes, got %d" % (shown, size, info.st_size))
        return
    kind, _, value = wanted.partition("=")
    if kind == "sha256":
        got = hashes[path]
    else:
        with open(os.path.join(root, path), "rb") as file:
            got = hashlib.new(kind, file.read()).digest()
    if base64.urlsafe_b64encode(got).rstrip(b"=").decode() != value:
        bad.append("%s: %s differs from RECORD" % (shown, kind))


def site_folders(known):
    """The environment's package folders, by path relative to the tree."""
    found = []
    for path, info in known.items():
        parts = path.split(b"/")
        if stat.S_ISDIR(info.st_mode) and len(parts) == 3 and parts[0] in (b"lib", b"lib64") and parts[2] == b"site-packages":
            found.append(path)
    return found


def check_records(root, known, hashes):
    checked, bad, owned = 0, [], set()
    sites = site_folders(known)
    for site in sites:
        for path in sorted(known):
            parts = path[len(site) + 1:].split(b"/")
            if not path.startswith(site + b"/") or len(parts) != 1 or not parts[0].endswith(b".dist-info"):
                continue
            record = path + b"/RECORD"
            owned.update(path + b"/" + name for name in OF_INSTALLER)
            if record not in known:
                bad.append(os.fsdecode(path) + ": no RECORD")
                continue
            with open(os.path.join(root, record), encoding="utf-8", newline="") as file:
                rows = [row for row in csv.reader(file) if row]
            for row in rows:
                target = os.path.normpath(os.path.join(site, os.fsencode(row[0])))
                if len(row) != 3 or target.startswith((b"..", b"/")):
                    bad.append("%s: unusable line %r" % (os.fsdecode(record), ",".join(row)[:200]))
                    continue
                owned.add(target)
                checked += 1
                check_row(root, target, row, known, hashes, bad)
    for path, info in known.items():
        if stat.S_ISDIR(info.st_mode) or path in owned or is_bytecode(path):
            continue
        for site in sites:
            if path.startswith(site + b"/") and path[len(site) + 1:] not in OF_VENV:
                bad.append(os.fsdecode(path) + ": no package's RECORD names it")
    return {"checked": checked, "bad": sorted(bad)}


def main():
    wish = json.loads(sys.argv[1])
    root = os.fsencode(wish["tree"])
    entries = [(path, info) for path, info in walk(root) if path != b".complete"]
    if wish["scope"] == "without-bytecode":
        entries = [(path, info) for path, info in entries if not is_bytecode(path)]
    if wish["seal"]:
        entries = seal(root, entries)
    entries.sort(key=lambda entry: entry[0])
    files = [path for path, info in entries if stat.S_ISREG(info.st_mode)]
    hashes = hash_all(root, files)
    out = sys.stdout.buffer
    for path, info in entries:
        out.write(line(root, path, info, hashes) + b"\n")
    record = check_records(root, dict(entries), hashes) if wish["record"] else None
    if wish["seal"]:
        sync(root)
    summary = {"files": sum(1 for _, info in entries if not stat.S_ISDIR(info.st_mode)), "bytes": sum(info.st_size for _, info in entries if stat.S_ISREG(info.st_mode)), "record": record}
    out.write(b"#" + json.dumps(summary).encode() + b"\n")


main()
