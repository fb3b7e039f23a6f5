#!/usr/bin/env python3
"""Runs scripts/setup.sh on a terminal and answers its questions: `terminal.py [--again NAME] PASSWORD_FILE COMMAND …`.

Prints what it showed. With --again, the first password is a wrong one, and NAME is the user that is then given.
"""

import os
import pty
import select
import sys

ANSWERS = [
    (b"Dremio's address", b"http://localhost:19047\n"),
    (b"Dremio user", b"ada\n"),
    (b"password (not shown)", None),
]


def main():
    answers = list(ANSWERS)
    if sys.argv[1] == "--again":
        answers[2] = (b"password (not shown)", b"wrong-password-1\n")
        answers += [
            (b"Dremio user [ada]", sys.argv[2].encode() + b"\n"),
            (b"password (not shown)", None),
        ]
        del sys.argv[1:3]
    with open(sys.argv[1], "rb") as file:
        password = file.read()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[2], sys.argv[2:])
    shown, answered, waiting = b"", 0, answers
    while select.select([terminal], [], [], 30)[0]:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
        if waiting and waiting[0][0] in shown[answered:]:
            answered = len(shown)
            os.write(terminal, waiting.pop(0)[1] or password)
    sys.stdout.buffer.write(shown)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
