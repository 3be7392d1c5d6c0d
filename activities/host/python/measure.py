"""Times one probe in one or two environments, in turns, so that what else the machine does falls on both.

Input: JSON {trees, program, setup, statement, folder, seconds}; `program` is the text of measure_tree.py, `seconds` the
limit of each answer. Output: JSON {sides: [{line, seconds, rounds, error}]} in the order of `trees`: the least time of one
execution; null where it could not be measured, and `error` says why.
"""
import json
import math
import os
import select
import subprocess
import sys
import time

# A round this long is a thousand times what the clock and one request cost.
ROUND = 0.010
LEAST_ROUNDS = 5
MOST_ROUNDS = 15
# Of timed rounds in all; a statement so slow that five rounds take longer gets fewer, and is steadier.
BUDGET = 1.2
FEWEST_ROUNDS = 2
KEPT = 500


class Side:
    def __init__(self, tree, wish):
        self.line, self.best, self.rounds, self.count, self.error, self.text = None, None, 0, 1, "", b""
        self.process = None
        python = os.path.join(tree, "bin/python")
        try:
            # No session of its own: it ends with this process's group. -B: measuring leaves nothing behind.
            self.process = subprocess.Popen([python, "-I", "-B", "-c", wish["program"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            self.error = "%s does not start: %s" % (python, error.strerror)

    def fail(self, error):
        """Ends it; what it had measured before counts no more."""
        self.error, self.best = error[:KEPT], None
        self.process.kill()

    def ended(self):
        """Words for a process that gives no answer any more."""
        try:
            code = self.process.wait(1)
        except subprocess.TimeoutExpired:
            return "closed its output"
        said = b""
        if select.select([self.process.stderr], [], [], 0)[0]:
            said = os.read(self.process.stderr.fileno(), 65536)
        last = said.decode("utf-8", "replace").strip().split("\n")[-1]
        return last or ("ended by signal %d" % -code if code < 0 else "ended the process with code %d" % code)

    def send(self, request):
        try:
            os.write(self.process.stdin.fileno(), json.dumps(request).encode() + b"\n")
        except OSError:
            pass  # gone: its missing answer says so

    def read(self):
        """An answer, None while there is none."""
        block = os.read(self.process.stdout.fileno(), 65536)
        self.text += block
        if not block:
            self.fail(self.ended())
            return {}
        if not self.text.endswith(b"\n"):
            return None
        told, self.text = json.loads(self.text.decode()), b""
        if told["error"]:
            self.fail(told["error"])
        return told


def ask(requests, seconds, what):
    """Gives each side its request, all at once, and waits for the answers. [(side, request)] -> [answer or {}]"""
    answers = {}
    end = time.monotonic() + seconds
    for side, request in requests:
        side.send(request)
    waiting = [side for side, _ in requests]
    while waiting:
        left = end - time.monotonic()
        ready = select.select([side.process.stdout for side in waiting], [], [], max(0, min(left, 0.2)))[0]
        for side in list(waiting):
            told = None
            if side.process.stdout in ready:
                told = side.read()
            elif side.process.poll() is not None:
                # A child of the probe may hold the pipe open for ever.
                side.fail(side.ended())
                told = {}
            elif left <= 0:
                side.fail("%s did not end within %g s" % (what, seconds))
                told = {}
            if told is not None:
                answers[side] = told
                waiting.remove(side)
    return [answers[side] for side, _ in requests]


def spend(side, seconds):
    """Seconds of one round, None where it failed."""
    return ask([(side, side.count)], seconds, "the statement")[0].get("seconds")


def calibrate(side, first, seconds):
    """Finds how often the statement is run in a round. `first` took one execution the first time, which is no measure if short."""
    spent = first if first is None or first > 10 * ROUND else spend(side, seconds)
    while spent is not None and spent < ROUND:
        side.count = min(side.count * 100, max(side.count * 2, math.ceil(side.count * ROUND * 1.2 / max(spent, 1e-9))))
        spent = spend(side, seconds)


def measure(sides, wish):
    seconds = wish["seconds"]
    job = {"setup": wish["setup"], "statement": wish["statement"], "folder": wish["folder"], "limit": math.ceil(seconds * 8)}

    def live():
        return [side for side in sides if not side.error]

    now = live()
    for side, told in zip(now, ask([(side, job) for side in now], seconds, "the setup")):
        side.line = told.get("line")
    # Untimed: what is done only the first time (imports inside, caches) is done now.
    now = live()
    first = ask([(side, 1) for side in now], seconds, "the statement")
    for side, told in zip(now, first):
        calibrate(side, told.get("seconds"), seconds)
    begin = time.monotonic()
    for done in range(MOST_ROUNDS):
        late = time.monotonic() - begin > BUDGET
        if not live() or (late and done >= FEWEST_ROUNDS) or (done >= LEAST_ROUNDS and time.monotonic() - begin > BUDGET / 2):
            break
        for side in live():
            spent = spend(side, seconds)
            if spent is not None:
                side.rounds += 1
                each = spent / side.count
                side.best = each if side.best is None else min(side.best, each)


def main():
    wish = json.load(sys.stdin)
    sides = [Side(tree, wish) for tree in wish["trees"]]
    try:
        measure(sides, wish)
    finally:
        for side in sides:
            if side.process:
                side.process.kill()
                side.process.wait()
    print(json.dumps({"sides": [{"line": side.line, "seconds": side.best, "rounds": side.rounds, "error": side.error} for side in sides]}))


main()
