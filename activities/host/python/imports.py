"""Imports modules, each in a process of its own, a few at a time.

One process for all would judge wrongly: what one module imports changes what the next one sees. A fork of this bare
parent is as clean as a new start and ten times cheaper.

Argument: one JSON object {modules: [{name, folder}], seconds, jobs}; `folder` goes first on the search path (the
project's own module). An item may instead be timed: {name, timed: {modules, statement}} imports all of them in one
process and runs the statement. Output: JSON {results: [{module, ok, error}]}, in the order asked; of a timed one also
{seconds, peakMiB}.
"""
import json
import os
import select
import signal
import sys
import time

KEPT = 2000


def peak():
    """Largest resident memory of this process, MiB. `ru_maxrss` would count what ran here before it."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def run_timed(timed):
    """Seconds and memory of several imports and a statement."""
    begin = time.perf_counter()
    for name in timed["modules"]:
        __import__(name)
    exec(timed.get("statement") or "", {})
    return {"ok": True, "error": "", "seconds": time.perf_counter() - begin, "peakMiB": peak()}


def load(item, out):
    """In the child: import, tell, end."""
    text = ""
    folder = item.get("folder")
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        if folder:
            os.chdir(folder)
            sys.path.insert(0, folder)
        if "timed" in item:
            told = run_timed(item["timed"])
        else:
            __import__(item["name"])
            told = {"ok": True, "error": ""}
    except BaseException as error:  # SystemExit too: a module that ends the process can't be imported
        import traceback

        text = "".join(traceback.format_exception_only(type(error), error)).strip()
        cause = error.__cause__ or error.__context__
        if cause is not None:
            text += "\ncaused by " + "".join(traceback.format_exception_only(type(cause), cause)).strip()
        told = {"ok": False, "error": text[:KEPT]}
    os.write(out, json.dumps(told).encode())
    os._exit(0)


def start(item, seconds):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        load(item, write)
    os.close(write)
    return {"name": item["name"], "pid": pid, "read": read, "text": b"", "end": time.monotonic() + seconds, "late": False}


def settle(child):
    """What became of a child whose pipe is closed."""
    os.close(child["read"])
    _, status = os.waitpid(child["pid"], 0)
    if child["late"]:
        return {"module": child["name"], "ok": False, "error": "no answer within the time limit"}
    try:
        told = json.loads(child["text"].decode())
        return dict(told, module=child["name"])
    except ValueError:
        how = "ended by signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "ended the process with code %d" % os.WEXITSTATUS(status)
        return {"module": child["name"], "ok": False, "error": "the import " + how}


def main():
    wish = json.loads(sys.argv[1])
    waiting = list(enumerate(wish["modules"]))
    results = [None] * len(waiting)
    running = {}
    while waiting or running:
        while waiting and len(running) < wish["jobs"]:
            place, item = waiting.pop(0)
            child = start(item, wish["seconds"])
            running[child["read"]] = (place, child)
        ready, _, _ = select.select(list(running), [], [], 0.2)
        now = time.monotonic()
        for fd, (place, child) in list(running.items()):
            if fd in ready:
                block = os.read(fd, 65536)
                child["text"] += block
                done = not block
            else:
                done = False
            if not done and now > child["end"]:
                child["late"] = True
                os.kill(child["pid"], signal.SIGKILL)
                done = True
            if done:
                del running[fd]
                results[place] = settle(child)
    print(json.dumps({"results": results}))


main()
