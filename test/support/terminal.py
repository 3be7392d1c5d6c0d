"""A shell with job control on a terminal of its own: sends keys, waits for text. Steps come as JSON, the transcript goes out."""
import json
import os
import pty
import re
import select
import signal
import sys
import time

LIMIT = 60


def main():
    asked = json.load(sys.stdin)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PS1"] = "ready> "
        os.chdir(asked["cwd"])
        os.execv("/bin/bash", ["bash", "--norc", "--noprofile", "-i"])
    text, at = "", 0
    try:
        for step in asked["steps"]:
            deadline = time.monotonic() + LIMIT
            while True:
                found = re.compile(step["expect"]).search(text, at)
                if found:
                    at = found.end()
                    break
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([terminal], [], [], left)[0]:
                    sys.exit("expected %r, got %r" % (step["expect"], text[at:]))
                text += os.read(terminal, 65536).decode("utf-8", "replace")
            os.write(terminal, step["send"].encode())
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(pid, 0)
    print(json.dumps(text))


main()
