"""Runs a command on a terminal of its own, types into it, and copies what appears there to standard output.

    typing.py COLUMNS STEPS COMMAND [ARGUMENT ...]

STEPS is a JSON list of steps: {"wait": TEXT} until the text has appeared since something was typed, {"type": TEXT}, and
{"end": true}, which ends the command. Else it is left to end. Exits as the command does; with 99 where a text does not appear, or the command does not end, in time.
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PATIENCE = 20.0

# Colors and movements of the cursor, which shells put between the letters of a line.
SEQUENCES = re.compile(rb"\x1b\[[0-9;?>=]*[A-Za-z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\\\)|\x1b[()][A-Z0-9]|\x1b[=>]")


def main():
    columns, steps, command = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
    child, terminal = pty.fork()
    if child == 0:
        # Before the command begins, which may look once.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        os.execvp(command[0], command)
    seen, start = b"", 0

    def read(deadline):
        nonlocal seen
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            return False
        seen += piece
        return bool(piece)

    code = None
    for step in steps:
        deadline = time.monotonic() + PATIENCE
        if "type" in step:
            start = len(seen)
            os.write(terminal, step["type"].encode())
            continue
        if "end" in step:
            os.kill(child, 9)
            code = 0
            break
        while step["wait"].encode() not in SEQUENCES.sub(b"", seen[start:]):
            if not read(deadline):
                code = 99
                break
        if code is not None:
            break
    deadline = time.monotonic() + PATIENCE
    while code is None and read(deadline):
        pass
    if code is None and time.monotonic() >= deadline:
        code = 99
    if code == 99:
        os.kill(child, 9)
    _, status = os.waitpid(child, 0)
    sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
    sys.exit(code if code is not None else os.waitstatus_to_exitcode(status) % 256)


main()
