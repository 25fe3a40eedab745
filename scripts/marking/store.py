"""What is known of every submission, and the files that tell of it."""
import json
import os
import threading

from . import results


class Store:
    """What is known of every submission, from this run and earlier ones, and the files that tell of it."""

    def __init__(self, out, checks):
        self.out, self.checks = out, checks
        self.lock = threading.Lock()
        self.path = os.path.join(out, ".state.json")
        self.records = {}
        for folder in (out, os.path.join(out, "feedback"), os.path.join(out, "results")):
            os.makedirs(folder, exist_ok=True)
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
                self.records = json.load(file)

    def keep(self, student, record):
        """Takes a record in, and writes the student's files and the table. Better knowledge is never replaced by worse."""
        with self.lock:
            before = self.records.get(student)
            if before and record["status"] == "marking failed" and before["status"] != "marking failed":
                before["notes"] = [note for note in before["notes"] if not note.startswith("marked again")]
                before["notes"].append("marked again, which failed: these are the earlier marks")
                record = dict(before, retry=True)
            elif before and before["digest"] == record["digest"] and before["status"] != "marking failed" and \
                    results.score_of(before, self.checks) > results.score_of(record, self.checks):
                record = before  # the same program: this time the machine was busy
            self.records[student] = record
            results.write(os.path.join(self.out, "feedback", results.file_name(student, ".txt")),
                          results.feedback(student, record, self.checks))
            results.write(os.path.join(self.out, "results", results.file_name(student, ".json")),
                          results.gradescope(student, record, self.checks))
            self._write()

    def _write(self):
        results.write(os.path.join(self.out, "marks.csv"), results.marks_csv(self.records, self.checks))
        results.write(self.path, json.dumps(self.records))

    def finish(self, folder, students):
        """Forgets who is not in this folder any more, and writes the page on the class."""
        with self.lock:
            self.records = {name: record for name, record in self.records.items()
                            if name in students or record.get("folder") != folder}
            self._write()
            page = results.class_page(self.records, self.checks)
            results.write(os.path.join(self.out, "class.txt"), page)
        return page


def merged(before, record, only):
    """A record of some checks only: the others stay as they were."""
    if not before:
        return dict(record, digest="")
    checks = dict(before["checks"])
    checks.update({name: found for name, found in record["checks"].items() if name in only})
    status = record["status"] if record["status"] != "ok" else before["status"]
    return dict(record, checks=checks, status=status, output=before["output"] + "\nMarked again, in part:\n" + record["output"],
                digest=before["digest"] if before["digest"] == record["digest"] else "")
