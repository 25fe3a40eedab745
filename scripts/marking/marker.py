"""Marks one submission: the checks that its author had, on programs in the sandbox."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from . import entries, given, kit, results, sandbox
from .language import Language, text


class Stopped(Exception):
    """Ctrl-C, or a signal that asks to end."""


class Marker:
    """Marks one submission after another."""

    def __init__(self, options, checks, program, box, work):
        self.options, self.checks, self.program, self.box, self.work = options, checks, program, box, work
        self.say = Language(options.language)
        self.running = {}  # the process that marks, by slot
        self.stopped = threading.Event()

    def mark(self, entry, slot):
        """Marks an entry. Returns its record, whose notes are of the marking only."""
        record = {"status": "ok", "checks": {}, "notes": [], "output": ""}
        if entry.problem:
            record.update(status="not readable", notes=record["notes"] + [entry.problem])
            return record
        missing = entry.missing()
        if missing:
            record.update(status="missing file", notes=record["notes"] + [text("no {name}" + " and no {other}" * (len(missing) > 1), name=missing[0], other=missing[-1])])
            if len(missing) == len(entries.SOURCES):
                return record
        user = self.box.user(slot)
        folder = tempfile.mkdtemp(prefix=f"{slot}-", dir=self.work)
        try:
            self._prepare(folder, entry, user)
            self._run(folder, entry, user, slot, record)
        finally:
            self.box.clean_up(user)
            shutil.rmtree(folder, ignore_errors=True)
        return record

    def _prepare(self, folder, entry, user):
        """The lab's own files, and the student's sources beside them."""
        shutil.copytree(os.path.join(self.work, "kit"), folder, dirs_exist_ok=True)
        for name, source in entry.sources.items():
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            with open(os.path.join(folder, name), "wb") as file:
                file.write(source)
        if user:
            for place, _, names in os.walk(folder):
                for path in [place] + [os.path.join(place, name) for name in names]:
                    os.chown(path, user, user)

    def _run(self, folder, entry, user, slot, record):
        found = os.path.join(self.work, f"{slot}.results")
        said = os.path.join(self.work, f"{slot}.output")
        for path in (found, said):
            if os.path.exists(path):
                os.unlink(path)
        commands = {"server": "./server --port {port} --delay {delay}", "client": "./client --port {port}"}
        commands.update({program: cell for program, cell in entry.given.items() if given.is_command(cell)})
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "MARKING": "1", "ALL": "1", **self.box.environment,
               "AHEAD": "1" if self.options.shares else "4",
               "LANGUAGE": self.options.language, "CHECKS": kit.TABLE, "RESULTS": found,
               "COMPILE": self.box.line(folder, user, "make -s -j1 {program}", compiles=True)}
        env.update({program.upper(): self.box.line(folder, user, command) for program, command in commands.items()
                    if program + ".cpp" not in entry.missing()})
        if self.options.only:
            env["ONLY"] = " ".join(["compiles", *self.options.only])
        with open(said, "wb") as output:
            process = subprocess.Popen([self.program], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        self.running[slot] = process
        end = time.monotonic() + self.options.timeout
        guard = sandbox.Guard(process.pid, user, self.options.jobs)
        while process.poll() is None and time.monotonic() < end and not self.stopped.is_set():
            time.sleep(0.02)
            guard.look()
        record["notes"] += guard.notes
        in_time = process.poll() is not None
        _end(process)
        del self.running[slot]
        if self.stopped.is_set():
            raise Stopped

        def clean(text, most):
            text = results.visible(text.replace(folder, "."))
            return text if len(text) <= most else text[:most] + "\n... (and more)\n"

        with open(said, encoding="utf-8", errors="replace", newline="\n") as file:
            record["output"] = clean(file.read(1 << 22), 200_000)
        if os.path.exists(found):
            names = {check.name for check in self.checks}
            with open(found, encoding="utf-8", errors="replace", newline="\n") as file:
                for found in (json.loads(line) for line in file if line.endswith("\n")):  # it may have been ended in the last
                    if found["check"] in names:
                        parts = [{label: clean(said, 20_000) for label, said in part.items()} for part in found["parts"]]
                        record["checks"][found["check"]] = {"status": found["status"], "parts": parts, "shown": clean(found["shown"], 20_000)}
        compiled = record["checks"].get("compiles", {})
        if not in_time:
            record["status"] = "timed out"
            limit = text("{count} second" if self.options.timeout == 1 else "{count} seconds", count=f"{self.options.timeout:g}")
            record["notes"].append(text("the marking was ended after {time}", time=limit))
            record["output"] += "\n" + self.say(text("Ended after {time}, the limit for the whole submission.", time=limit)) + "\n"
        elif process.returncode not in (0, 1) or not compiled or any(part["text"].startswith("bwrap: ") for part in compiled["parts"]):
            record["status"] = "marking failed"
            record["notes"].append(text("the checks could not be made: {reason}", reason=(record["output"].strip().splitlines() or ["?"])[-1][:200]))
        elif compiled["status"] != "passed" and record["status"] == "ok":
            record["status"] = "does not compile"


def _end(process):
    """Ends a process and those that it has started: politely, so that it can end its own."""
    for number, patience in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        if number == signal.SIGTERM:
            time.sleep(0.02)  # those it has started end in the same moment
