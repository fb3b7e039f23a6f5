#!/usr/bin/env python3
"""Runs scripts/setup.sh on a terminal and answers its questions: `terminal.py PASSWORD_FILE COMMAND …`. Prints what it showed."""

import os
import pty
import select
import sys

ANSWERS = [(b"Dremio's address", b"http://localhost:19047\n"), (b"Dremio user", b"ada\n"), (b"password (not shown)", None)]


def main():
    with open(sys.argv[1], "rb") as file:
        password = file.read()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[2], sys.argv[2:])
    shown, waiting = b"", list(ANSWERS)
    while select.select([terminal], [], [], 30)[0]:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
        if waiting and waiting[0][0] in shown:
            os.write(terminal, waiting.pop(0)[1] or password)
    sys.stdout.buffer.write(shown)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
