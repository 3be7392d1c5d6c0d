"""The packages of an environment against what their RECORDs say, and what lies beside them that none of them names. Changes nothing.

Argument: one JSON object {tree, jobs}. To be run by the interpreter the environment was made from: bytecode means something to its
own version only. Output: JSON {files, differences}; the paths are relative to the tree.

A difference is a file that a RECORD names and that is changed or gone, and a file that Python would run and that no RECORD
names: a `.pth`, a module, an extension, bytecode without its source, and bytecode that Python would take for a source and that
is not what this source compiles to. Its header proves nothing: whoever can write it can copy time and size.
"""
import base64
import csv
import glob
import hashlib
import json
import marshal
import os
import re
import select
import sys
import warnings
from importlib.util import MAGIC_NUMBER

try:
    from _imp import source_hash
except ImportError:  # before 3.7: there is no bytecode by hash
    source_hash = None

# What the tools that make environments put beside the packages, and what each of these files must hold.
OF_VENV = {
    "_virtualenv.pth": lambda text: text.strip() == "import _virtualenv",
    "_virtualenv.py": lambda text: True,
    "_interpreter_runbooks_anchor.pth": lambda text: text.count("\n") == 1 and text.startswith("import sys; (lambda p, l: l == p or (sys.path."),
}
CODE = re.compile(r"\.(py|pyw|pyc|pyo|pth|pyd|so|dylib|egg|zip)\Z|\.so\.[0-9.]+\Z")
LIBRARY = re.compile(r"python3\.\d+t?\Z")


class Tree:
    def __init__(self, root):
        self.root, self.owned, self.files, self.differences, self.cached = root, set(), set(), [], []

    def say(self, path, what):
        self.differences.append("%s %s" % (os.path.relpath(path, self.root), what))

    def sites(self):
        """Package folders; bridges to other trees and `lib64` that leads to `lib` are links."""
        for lib in ("lib", "lib64"):
            folder = os.path.join(self.root, lib)
            if os.path.islink(folder) or not os.path.isdir(folder):
                continue
            for name in sorted(os.listdir(folder)):
                path = os.path.join(folder, name, "site-packages")
                if LIBRARY.match(name) and not os.path.islink(os.path.join(folder, name)) and os.path.isdir(path):
                    yield path


def digest(path, kind):
    found = hashlib.new(kind)
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return base64.urlsafe_b64encode(found.digest()).rstrip(b"=").decode()


def check_row(tree, path, wanted, size):
    tree.files.add(path)
    if not os.path.isfile(path):
        # Bytecode may be dropped at any time.
        if not path.endswith(".pyc"):
            tree.say(path, "is gone")
    elif wanted:
        kind, _, value = wanted.partition("=")
        if (size.isdigit() and int(size) != os.path.getsize(path)) or digest(path, kind) != value:
            tree.say(path, "was changed")


def read_record(tree, site, info):
    record = os.path.join(info, "RECORD")
    try:
        with open(record, encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError:
        return tree.say(info, "has no RECORD")
    tree.owned.update(os.path.join(info, name) for name in os.listdir(info))
    for row in rows:
        path = os.path.normpath(os.path.join(site, row[0]))
        tree.owned.add(path)
        check_row(tree, path, row[1] if len(row) > 1 else "", row[2] if len(row) > 2 else "")


def read_egg(tree, site, info):
    """An installation from before wheels: its list of files has no hashes."""
    try:
        with open(os.path.join(info, "installed-files.txt"), encoding="utf-8") as file:
            tree.owned.update(os.path.normpath(os.path.join(info, line.strip())) for line in file)
    except OSError:
        try:
            with open(os.path.join(info, "top_level.txt"), encoding="utf-8") as file:
                names = [line.strip() for line in file if line.strip()]
        except OSError:
            names = []
        for name in names:
            tree.owned.update(glob.glob(os.path.join(glob.escape(site), name + ".*")))
            for folder, _, files in os.walk(os.path.join(site, name)):
                tree.owned.update(os.path.join(folder, one) for one in files)


def lines(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return [line.strip() for line in file if line.strip()]


def own_links(tree, site):
    """`setup.py develop`: an `.egg-link` names a folder, which stands in easy-install.pth too."""
    links = [os.path.join(site, name) for name in os.listdir(site) if name.endswith(".egg-link")]
    named = {os.path.realpath(lines(link)[0]) for link in links if lines(link)}
    easy = os.path.join(site, "easy-install.pth")
    if links and os.path.isfile(easy) and all(os.path.realpath(line) in named for line in lines(easy)):
        tree.owned.add(easy)


def is_of_venv(site, path):
    holds = OF_VENV.get(os.path.relpath(path, site))
    if holds is None:
        return False
    with open(path, encoding="utf-8", errors="replace") as file:
        return holds(file.read())


def is_taken(head, info, source):
    """Whether Python would run this bytecode instead of the source (PEP 552)."""
    flags = int.from_bytes(head[4:8], "little")
    if flags == 0:
        return head[8:] == (int(info.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little") + (info.st_size & 0xFFFFFFFF).to_bytes(4, "little")
    return flags == 1 or head[8:] == source_hash(int.from_bytes(MAGIC_NUMBER, "little"), source)


def judge_cached(path):
    """What is wrong with one file of a `__pycache__`; None: nothing, or Python does not look at it."""
    folder, name = os.path.split(path)
    parts = name.split(".")
    file_of = os.path.join(os.path.dirname(folder), parts[0] + ".py")
    if not os.path.isfile(file_of):
        return "has no source"
    with open(path, "rb") as file:
        data = file.read()
    # For another Python, or for pytest, which rewrites what it runs.
    if data[:4] != MAGIC_NUMBER or source_hash is None or "-pytest-" in name:
        return None
    with open(file_of, "rb") as file:
        source, info = file.read(), os.fstat(file.fileno())
    if not is_taken(data[:16], info, source):
        return None
    level = int(parts[2][4:]) if len(parts) == 4 and parts[2] in ("opt-1", "opt-2") else -1
    try:
        # Equal whatever folder it was compiled in: the file's name does not count.
        same = compile(source, path, "exec", dont_inherit=True, optimize=level) == marshal.loads(data[16:])
    except (SyntaxError, ValueError, TypeError, EOFError, RecursionError):
        same = False
    return None if same else "is not what its source compiles to"


def lane(paths, out):
    """In a child: one line before each file, another one where something is wrong."""
    for path in paths:
        os.write(out, json.dumps([path, None]).encode() + b"\n")
        what = judge_cached(path)
        if what:
            os.write(out, json.dumps([path, what]).encode() + b"\n")
    os.write(out, b"[]\n")


def check_cached(tree, jobs):
    """Bytecode is read in children: what is not bytecode at all can crash its reader."""
    todo, running = [tree.cached[at::jobs] for at in range(jobs)], {}
    while any(todo) or running:
        while len(running) < jobs and any(todo):
            paths = todo.pop(0)
            read, write = os.pipe()
            if paths and os.fork() == 0:
                try:
                    os.close(read)
                    lane(paths, write)
                finally:
                    os._exit(0)
            os.close(write)
            running[read] = (paths, b"")
        for read in select.select(list(running), [], [])[0]:
            block = os.read(read, 1 << 16)
            paths, text = running.pop(read)
            if block:
                running[read] = (paths, text + block)
                continue
            os.close(read)
            told = [json.loads(line) for line in text.decode().splitlines()]
            for path, what in (one for one in told if one and one[1]):
                tree.say(path, what)
            if paths and (not told or told[-1]):
                last = told[-1][0] if told else paths[0]
                tree.say(last, "crashes Python when it is read")
                todo.append(paths[paths.index(last) + 1:])


def check_site(tree, site):
    for name in sorted(os.listdir(site)):
        if name.endswith(".dist-info"):
            read_record(tree, site, os.path.join(site, name))
        elif name.endswith(".egg-info") and os.path.isdir(os.path.join(site, name)):
            read_egg(tree, site, os.path.join(site, name))
    own_links(tree, site)
    for folder, folders, files in os.walk(site):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            if os.path.basename(folder) == "__pycache__" and name.endswith(".pyc"):
                tree.files.add(path)
                tree.cached.append(path)
            elif path not in tree.owned and CODE.search(name) and not is_of_venv(site, path):
                tree.files.add(path)
                tree.say(path, "is in no RECORD")


def main():
    wish = json.loads(sys.argv[1])
    warnings.simplefilter("ignore")
    tree = Tree(wish["tree"])
    for site in tree.sites():
        check_site(tree, site)
    check_cached(tree, wish["jobs"])
    print(json.dumps({"files": len(tree.files), "differences": sorted(tree.differences)}))


main()
