"""The service unit of the workers: start, restart, stop, health. Standard library only.

    python3 worker_unit.py start|restart|stop|health PROJECT COUNT
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    verb, project, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    state = project / "workers.json"
    groups = json.loads(state.read_text()) if state.exists() else []
    if verb == "health":
        return 0 if len(groups) == count and all(map(alive, groups)) else 1
    if verb in ("restart", "stop"):
        for group in groups:
            end(group)
    started = [start(project) for _ in range(count)] if verb in ("start", "restart") else []
    draft = project / "workers.json.new"
    draft.write_text(json.dumps(started))
    draft.replace(state)
    return 0


def start(project: Path) -> int:
    # Through the link, as careless services do.
    command = [str(project / ".venv/bin/python"), "-B", str(Path(__file__).parent / "late_importer.py"), str(project / "workers.log")]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=project, start_new_session=True, **quiet).pid


def members(group: int) -> list[int]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(entry))
    return found


def alive(group: int) -> bool:
    return group in members(group)


def end(group: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            pass
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if not members(group):
                return
            time.sleep(0.01)


sys.exit(main())
