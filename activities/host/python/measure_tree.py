"""One probe inside one environment, run when the process that started it (measure.py) asks. Runs on 3.6 and later.

Talks over its standard input and output, a line of JSON each way; the probe itself gets neither. First line in:
{setup, statement, folder, limit}, answered with {line, error} once the setup was run. Every further line is a count:
the statement is run that many times and {seconds, error} comes back. End of input ends it.
"""
import gc
import itertools
import json
import os
import signal
import sys
import time

KEPT = 500


def words(error):
    return " ".join(("%s: %s" % (type(error).__name__, error)).split())[:KEPT]


def attempt(act, told):
    try:
        act()
    except BaseException as error:  # SystemExit too: a probe that ends the process is no probe
        told["error"] = words(error)


def timed(code, names, count, told):
    """As timeit does it, but as text of a module: what a setup may say, a statement may say."""
    collects = gc.isenabled()
    gc.disable()
    try:
        begin = time.perf_counter()
        for _ in itertools.repeat(None, count):
            exec(code, names)
        told["seconds"] = time.perf_counter() - begin
    finally:
        if collects:
            gc.enable()


def main():
    lines = os.fdopen(os.dup(0), "r", encoding="utf-8")
    out = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)

    def tell(told):
        os.write(out, json.dumps(told).encode() + b"\n")

    wish = json.loads(lines.readline())
    # The last resort, which no loop in C can ignore: nothing measures on where everybody who could end it was killed.
    signal.alarm(wish["limit"])
    # Behind the environment's own packages: a file of the project must not stand for one of them.
    sys.path.append(wish["folder"])
    names = {"__name__": "__main__", "__builtins__": __builtins__}
    codes = []

    def prepare():
        codes.append(compile(wish["statement"], "<statement>", "exec", dont_inherit=True))
        exec(compile(wish["setup"], "<setup>", "exec", dont_inherit=True), names)
        gc.collect()

    told = {"line": "%d.%d" % sys.version_info[:2], "error": ""}
    attempt(prepare, told)
    tell(told)
    for line in lines:
        told = {"seconds": None, "error": ""}
        attempt(lambda: timed(codes[0], names, int(line), told), told)
        tell(told)


main()
