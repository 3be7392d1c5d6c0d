"""What Python left beside a project's sources: finds it and, unless told only to look, removes it.

Input: {project, tracked, leave, dryRun}; paths in `tracked` (files) and `leave` (folders) are relative to the project. Output: one JSON
line {paths, bytes, sample, sourceless, tracked, left}; each path that was removed, on the error stream. No link is followed and no other file system, repository or environment
entered: every folder is opened by its name in the folder above, so a folder exchanged for a link meanwhile is not entered either.
"""
import errno
import json
import os
import stat
import sys

SAMPLE = 10
REASONS = 20
# Git keeps branches as files: one may be called `x.pyc`.
NOT_OURS = {".git", ".hg", ".svn", ".venvs"}
# A folder with one of these is an environment, or another repository.
MARKS = ("pyvenv.cfg", "conda-meta", ".git", ".hg", ".svn")
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

asked = json.load(sys.stdin)
tracked = set(asked["tracked"])
leave = set(asked["leave"])
# Folders above tracked files: none of them may go whole.
above = {"/".join(parts[:count]) for parts in (path.split("/") for path in tracked) for count in range(1, len(parts))}
device = os.stat(asked["project"]).st_dev
found = []
sourceless = []
kept = 0
left = []


def join(folder, name):
    return folder + "/" + name if folder else name


def entries(fd):
    """Names with what they are, in order; what goes away meanwhile is left out."""
    for name in sorted(os.listdir(fd)):
        try:
            yield name, os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            pass


def enter(fd, name, path):
    """The opened folder, or None for one that is not this project's own."""
    if name in NOT_OURS or path in leave:
        return None
    try:
        inner = os.open(name, FOLDER, dir_fd=fd)
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            refuse(path, error)
        return None
    if os.fstat(inner).st_dev == device and not any(mark in MARKS for mark in os.listdir(inner)):
        return inner
    os.close(inner)
    return None


def refuse(path, error):
    if len(left) < REASONS:
        left.append("%s: %s" % (path, error.strerror or error))


def weigh(fd, path):
    """Bytes below an opened folder, or None when something in it must stay."""
    size = 0
    for name, status in entries(fd):
        inner_path = join(path, name)
        if not stat.S_ISDIR(status.st_mode):
            size += status.st_size if stat.S_ISREG(status.st_mode) else 0
            continue
        inner = enter(fd, name, inner_path)
        if inner is None:
            return None
        below = weigh(inner, inner_path)
        os.close(inner)
        if below is None:
            return None
        size += below
    return size


def remove_all(fd, path):
    """Empties an opened folder; links in it go as links."""
    for name, status in entries(fd):
        inner_path = join(path, name)
        if not stat.S_ISDIR(status.st_mode):
            gone(inner_path, os.unlink, name, fd)
            continue
        inner = enter(fd, name, inner_path)
        if inner is not None:
            remove_all(inner, inner_path)
            os.close(inner)
            gone(inner_path, os.rmdir, name, fd)


def gone(path, act, name, fd):
    """Whether it is not there any more."""
    try:
        act(name, dir_fd=fd)
    except FileNotFoundError:
        pass
    except OSError as error:
        refuse(path, error)
        return False
    return True


def remove_folder(fd, name, inner, path):
    """Empties and removes an opened folder. What runs may write into it meanwhile: then again, a few times."""
    for _ in range(5):
        before = len(left)
        remove_all(inner, path)
        if len(left) > before:
            return False
        try:
            os.rmdir(name, dir_fd=fd)
            return True
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                refuse(path, error)
                return False
    left.append(path + ": written to again and again while it was removed")
    return False


def take(path, size):
    found.append((path, size))
    if not asked["dryRun"]:
        print(path, file=sys.stderr)


def take_folder(fd, name, inner, path):
    """Takes a folder whole. False: something in it must stay."""
    size = None if path in above else weigh(inner, path)
    if size is None:
        return False
    if asked["dryRun"] or remove_folder(fd, name, inner, path):
        take(path, size)
    return True


def take_file(fd, name, status, path):
    global kept
    if path in tracked:
        kept += 1
    elif asked["dryRun"] or gone(path, os.unlink, name, fd):
        take(path, status.st_size)
        if name.endswith((".pyc", ".pyo")) and not has_source(fd, name, path):
            sourceless.append(path)


def has_source(fd, name, path):
    # Below `__pycache__` a name has a tag: those never are the module itself.
    if "__pycache__" in path.split("/"):
        return True
    try:
        os.stat(name[:-1], dir_fd=fd, follow_symlinks=False)
        return True
    except FileNotFoundError:
        return False


def walk(fd, folder):
    for name, status in entries(fd):
        path = join(folder, name)
        matches = name == "__pycache__" or name.endswith(".egg-info")
        if stat.S_ISDIR(status.st_mode):
            inner = enter(fd, name, path)
            if inner is not None:
                if not (matches and take_folder(fd, name, inner, path)):
                    walk(inner, path)
                os.close(inner)
        elif stat.S_ISREG(status.st_mode) and (name.endswith((".pyc", ".pyo", ".egg-info"))):
            take_file(fd, name, status, path)


sys.setrecursionlimit(10000)
root = os.open(asked["project"], FOLDER)
walk(root, "")
print(json.dumps({
    "paths": len(found), "bytes": sum(size for _, size in found), "sample": sorted(path for path, _ in found)[:SAMPLE],
    "sourceless": sourceless[:SAMPLE], "tracked": kept, "left": left,
}))
