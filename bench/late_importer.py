"""A worker as services have them: imports late, starts children, and writes down from which environment each came.

    .venv/bin/python late_importer.py LOG

One JSON line a step: the tree this process began in, and the tree where what was just loaded lies.
"""

import importlib
import json
import os
import subprocess
import sys
import time

LATE = ["idna", "sniffio", "h11", "click", "certifi", "markupsafe", "pluggy", "iniconfig"]
"""Small modules of both locks, loaded again and again: a late import each time."""


def tree_of(file: str) -> str:
    """Environment that holds a file: its folder's inode, because a folder that is adopted moves, and its Python."""
    tree, _, below = os.path.realpath(file).partition("/lib/python")
    return f"python{below.partition('/')[0]} at {os.stat(tree).st_ino}"


def main() -> None:
    began_in = tree_of(importlib.import_module("numpy").__file__)
    with open(sys.argv[1], "a", buffering=1) as log:

        def note(kind: str, what: str, tree: str, error: str = "") -> None:
            line = {"at": time.time(), "pid": os.getpid(), "began": began_in, "kind": kind, "what": what, "tree": tree, "error": error}
            log.write(json.dumps(line) + "\n")

        step = 0
        while True:
            name = LATE[step % len(LATE)]
            late_import(name, note)
            if step % 10 == 0:
                start_child(note)
            step += 1
            time.sleep(0.05)


def late_import(name: str, note) -> None:
    for loaded in [module for module in sys.modules if module == name or module.startswith(name + ".")]:
        del sys.modules[loaded]
    importlib.invalidate_caches()
    try:
        note("import", name, tree_of(importlib.import_module(name).__file__))
    except Exception as error:
        note("import", name, "", repr(error))


def start_child(note) -> None:
    command = [sys.executable, "-B", "-c", "import numpy; print(numpy.__file__)"]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except OSError as error:
        note("child", "numpy", "", repr(error))
        return
    note("child", "numpy", tree_of(child.stdout.strip()) if child.returncode == 0 else "", child.stderr[-200:])


main()
