"""Removes a tree, read-only folders included, without following a link. Argument: one JSON object {tree}."""
import json
import os
import shutil
import stat
import sys

root = json.loads(sys.argv[1])["tree"]
try:
    is_folder = stat.S_ISDIR(os.lstat(root).st_mode)
except FileNotFoundError:
    sys.exit(0)
if not is_folder:
    sys.exit("%s: expected a folder" % root)
# Only folders: a file's mode may be shared with the installer's cache by a hard link, and need not change to remove it.
os.chmod(root, 0o700)
for folder, folders, _ in os.walk(root):
    for name in folders:
        path = os.path.join(folder, name)
        if not os.path.islink(path):
            os.chmod(path, 0o700)
shutil.rmtree(root)
