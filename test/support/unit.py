"""A service for tests: `unit.py restart|health LINK STATE`. It runs from the resolved environment, in a session of its own,
imports a module late again and again, and starts children; a mix of two environments ends it and leaves a note."""

import json
import os
import signal
import subprocess
import sys
import time

SERVICE = r"""
import importlib, os, subprocess, sys, time
state, = sys.argv[1:]
prefix = sys.prefix
n = 0
while True:
    module = sys.modules.pop("alpha", None)
    found = importlib.import_module("alpha").__file__
    if not os.path.realpath(found).startswith(os.path.realpath(prefix)):
        open(state + ".mixed", "a").write(found + "\n")
    if n % 10 == 0:
        child = subprocess.run([sys.executable, "-I", "-c", "import alpha, sys; print(sys.prefix)"], capture_output=True, text=True)
        if child.returncode or child.stdout.strip() != prefix:
            open(state + ".mixed", "a").write(repr(child) + "\n")
    n += 1
    open(state + ".beat", "w").write(str(time.time()))
    time.sleep(0.05)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
        return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def main():
    verb, link, state = sys.argv[1:4]
    known = json.load(open(state)) if os.path.exists(state) else {}
    if verb == "health":
        # A test may say on which tree alone the service is well.
        well = open(state + ".well").read() if os.path.exists(state + ".well") else known.get("tree")
        if known.get("tree") != well:
            return 1
        return 0 if known and alive(known["pid"]) and os.path.realpath(link) == known["tree"] else 1
    if known and alive(known["pid"]):
        os.killpg(known["pid"], signal.SIGKILL)
        while alive(known["pid"]):
            time.sleep(0.01)
    if verb == "stop":
        return 0
    # A test may hold it here: the old service has ended, the new one is not started yet.
    while os.path.exists(state + ".hold"):
        open(state + ".hold.held", "w").write(str(os.getpid()))
        time.sleep(0.01)
    tree = os.path.realpath(link)
    service = subprocess.Popen([tree + "/bin/python", "-c", SERVICE, state], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(state + ".err", "a"), cwd="/")
    json.dump({"pid": service.pid, "tree": tree}, open(state, "w"))
    open(state + ".starts", "a").write("%d %s\n" % (service.pid, tree))
    return 0


sys.exit(main())
