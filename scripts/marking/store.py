"""What is known of every submission, and the files that tell of it."""
import contextlib
import json
import os
import threading

from . import adjust, answers, canvas, moodle, results
from .language import Language

AGAIN = "marked again, which failed: these are the earlier marks"


class Store:
    """What is known of every submission, from this run and earlier ones, and the files that tell of it. The teacher's own points
    are kept beside it, by student: no marking touches them."""

    def __init__(self, out, checks, language="en"):
        self.out, self.checks = out, checks
        self.say = Language(language)
        self.lock = threading.Lock()
        self.path = os.path.join(out, ".state.json")
        for folder in (out, os.path.join(out, "feedback"), os.path.join(out, "results")):
            os.makedirs(folder, exist_ok=True)
        self.records = self._load(".state.json")
        self.adjustments = self._load(".adjustments.json")

    def _load(self, name):
        path = os.path.join(self.out, name)
        if not os.path.exists(path):
            return {}
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            try:
                return json.load(file)
            except ValueError as error:
                raise SystemExit(f"mark: {path} is damaged: remove it, and mark again.") from error

    def adjust(self, rows, entries):
        """Takes in the rows of a teacher's file. Returns the lines of students who are not there."""
        nobody = adjust.take_in(rows, self.adjustments, entries)
        results.write(os.path.join(self.out, ".adjustments.json"), json.dumps(self.adjustments))
        return nobody

    def keep(self, entry, record):
        """Takes a record in, and writes the student's files and the table. Better knowledge is never replaced by worse."""
        with self.lock:
            before = self.records.get(entry.student)
            if before and record["status"] == "marking failed" and before["status"] != "marking failed":
                before["notes"] = [note for note in before["notes"] if note != AGAIN]
                before["notes"].append(AGAIN)
                record = dict(before, retry=True)
            elif before and before["digest"] == record["digest"] != "" and before["status"] != "marking failed" and \
                    results.points_of(before, self.checks) > results.points_of(record, self.checks):
                record = before  # the same program: this time the machine was busy
            self._tell(entry, record)
            self._write()

    def renew(self, entry):
        """Takes in what is no part of a marking, of a student who is not marked again: number, answers, the teacher's points."""
        with self.lock:
            record = self.records[entry.student]
            if self._own(entry) != {name: record.get(name) for name in self._own(entry)}:
                self._tell(entry, record)

    def _own(self, entry):
        adjustments = next((self.adjustments[key] for key in adjust.keys_of(entry) if key in self.adjustments), [])
        file = max((part.name.order for part in entry.parts), default=0)
        return {"id": entry.id, "file": file, "answers": answers.text_of(entry.answers)[:answers.MOST_IN_ALL], "adjustments": adjustments}

    def _tell(self, entry, record):
        student = entry.student
        for name in [name for name, other in self.records.items() if entry.id and other.get("id") == entry.id and name != student]:
            del self.records[name]  # the same student, under an earlier name
            for folder, ending in (("feedback", ".txt"), ("results", ".json")):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self.out, folder, results.file_name(name, ending)))
        self.records[student] = record = dict(record, **self._own(entry))
        results.write(os.path.join(self.out, "feedback", results.file_name(student, ".txt")),
                      results.feedback(student, record, self.checks, self.say))
        results.write(os.path.join(self.out, "results", results.file_name(student, ".json")),
                      results.gradescope(student, record, self.checks, self.say))

    def _write(self):
        results.write(os.path.join(self.out, "marks.csv"), results.marks_csv(self.records, self.checks))
        results.write(self.path, json.dumps(self.records))

    def finish(self, folder, students, strays):
        """Forgets who is not in this folder any more, and writes the pages on the class. Returns the one on the checks."""
        with self.lock:
            self.records = {name: record for name, record in self.records.items()
                            if name in students or record.get("folder") != folder}
            self._write()
            page = results.class_page(self.records, self.checks, strays)
            results.write(os.path.join(self.out, "class.txt"), page)
            results.write(os.path.join(self.out, "answers.html"), answers.page(self.records))
        return page

    def hand_back(self, options):
        """Writes what the platforms take back. Returns what is to be said of it."""
        said = []
        for table, name, more in ((options.moodle, "moodle.csv", [self.say]), (options.canvas, "canvas.csv", [])):
            path = os.path.join(self.out, name)
            if table:
                said += table.fill_in(self.records, self.checks, *more).sentences(table.columns)
                results.write(path, table.bytes())
            elif os.path.exists(path):
                said.append(f"{name} is of an earlier marking: --{name[:-len('.csv')]} makes a new one")
        for table, platform in ((options.moodle, moodle), (options.canvas, canvas)):
            if table:
                name = f"{platform.__name__.rpartition('.')[2]}-feedback.zip"
                results.write(os.path.join(self.out, name), platform.feedback_zip(table, self.records, self.checks, self.say))
        return said


def merged(before, record, only):
    """A record of some checks only: the others stay as they were."""
    if not before:
        return dict(record, digest="")
    checks = dict(before["checks"])
    checks.update({name: found for name, found in record["checks"].items() if name in only})
    status = record["status"] if record["status"] != "ok" else before["status"]
    return dict(record, checks=checks, status=status, output=before["output"] + "\nMarked again, in part:\n" + record["output"],
                digest=before["digest"] if before["digest"] == record["digest"] else "")
