"""A client: how it is installed, and how its steps are run and judged."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
INSTALL_SECONDS_MAX = 1200
STEP_SECONDS_MAX = 300

# Through a proxy that does not exist, nothing but loopback can be reached. No reports to anybody.
QUIET = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
    "DO_NOT_TRACK": "1",
    "DATAHUB_TELEMETRY_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "CUBEJS_TELEMETRY": "false",
    "NO_COLOR": "1",
    "CI": "1",
}


class Failed(Exception):
    """Why a step is not as promised, in a line."""


class Client:
    """Steps are methods named `step_…`, run in the order in which they are written."""

    name = ""
    packages = ()
    # Versions of Python that it runs on, the first that is found; None: it is a Node.js package.
    pythons = ("3.11", "3.12", "3.10")

    @property
    def title(self):
        return ", ".join(self.packages)

    def install(self, cache):
        """Installs it unless that is done; what went wrong, or nothing."""
        self.folder = cache / re.sub(r"[^\w.=-]+", "-", self.title).strip("-")
        done = self.folder / "installed"
        if done.exists():
            return None
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        try:
            for command in self.install_commands():
                subprocess.run(
                    command,
                    cwd=self.folder,
                    check=True,
                    capture_output=True,
                    text=True,
                    timeout=INSTALL_SECONDS_MAX,
                )
        except subprocess.CalledProcessError as error:
            return last_line(error.stderr or error.stdout)
        except (LookupError, OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        done.touch()
        return None

    def install_commands(self):
        if self.pythons is None:
            npm = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
            return [["npm", "init", "--yes"], [*npm, *self.packages]]
        pip = [self.folder / "bin/python", "-m", "pip", "install", "--quiet"]
        return [[python(self.pythons), "-m", "venv", self.folder], [*pip, *self.packages]]

    def run(self, stand_in, work):
        """The name of each step and why it failed, or None."""
        self.stand_in, self.work = stand_in, work
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(work)} | QUIET
        self.prepare()
        for name in vars(type(self)):
            if name.startswith("step_"):
                yield name.removeprefix("step_").replace("_", " "), self.attempt(name)

    def attempt(self, name):
        try:
            getattr(self, name)()
        except Failed as failed:
            return str(failed)
        except (subprocess.TimeoutExpired, ValueError, LookupError, OSError) as error:
            return f"{type(error).__name__}: {error}"
        return None

    def prepare(self):
        pass

    def call(self, *command):
        """Runs a command of the client in the work folder; what it wrote, if it succeeded."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.work,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=STEP_SECONDS_MAX,
        )
        if done.returncode:
            raise Failed(last_line(done.stdout))
        return done.stdout


def expect(found, wanted):
    if found != wanted:
        raise Failed(f"{str(found)[:300]} in place of {wanted}")


def contains(text, *parts):
    missing = [part for part in parts if part not in text]
    if missing:
        raise Failed(f"{missing} not in: {last_line(text)}")


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-3:])[-600:] or "it said nothing"


def python(versions):
    """A Python of the first version that is there and works."""
    candidates = [sys.executable]
    for version in versions:
        candidates.append(shutil.which(f"python{version}"))
        candidates += sorted(pathlib.Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    asked = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    for version in versions:
        for candidate in filter(None, candidates):
            found = subprocess.run([candidate, "-c", asked], capture_output=True, text=True)
            if found.stdout.strip() == version:
                return candidate
    raise LookupError(f"none of Python {', '.join(versions)} is here")
