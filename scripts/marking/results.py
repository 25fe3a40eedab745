"""What comes out of a marking: marks.csv, a page of feedback for each student, Gradescope's results, and a page on the class.
Every file is written whole or not at all."""
import collections
import json
import os
import tempfile

from . import tables
from .language import ENGLISH, text


class Check:
    """A row of checks.tsv."""

    def __init__(self, fields, number):
        self.name, self.points, self.sentence = fields[0], int(fields[3]), fields[5]
        self.measures_time = fields[7:8] == ["time"]
        self.number = number


def read_checks(path):
    """The table of the checks, which make test reads, too."""
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    return [Check(fields, number) for number, fields in enumerate(rows, 1)]


def write(path, content):
    """Writes a whole file, of text or of bytes, or none: rename(2)."""
    descriptor, part = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".part-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
        os.chmod(part, 0o644 & ~_umask())
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise


def _umask():
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def visible(said):
    """Control characters, which must not reach a terminal, as they are written in a program."""
    return "".join(each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode() for each in said)


def file_name(student, ending):
    """A name for a student's file: the student's, unless that is too long for one."""
    name = student.encode("utf-8", "backslashreplace").decode()
    return (name if len(name.encode()) + len(ending) <= 200 else name[:40] + "..." + name[-10:]) + ending


def points_of(record, checks):
    """The sum of the checks' points."""
    return sum(check.points for check in checks if record["checks"].get(check.name, {}).get("status") == "passed")


def score_of(record, checks):
    """The checks' points and the teacher's own, not less than none."""
    return max(0, points_of(record, checks) + sum(points for points, _ in record.get("adjustments", [])))


def _signed(points):
    return ("+" if points >= 0 else "-") + tables.number(abs(points))


def marks_csv(records, checks):
    """The table of the marks."""
    rows = [["student", "score", "max_score", "status", *(check.name for check in checks), "adjusted", "note", "id"]]
    for student in sorted(records):
        record = records[student]
        points = [check.points if record["checks"].get(check.name, {}).get("status") == "passed" else 0 for check in checks]
        adjustments = record.get("adjustments", [])
        notes = record["notes"] + [f"adjusted by {_signed(points)}" + (f": {reason}" if reason else "") for points, reason in adjustments]
        rows.append([tables.safe(student), tables.number(score_of(record, checks)), sum(check.points for check in checks),
                     record["status"], *points, tables.number(sum(points for points, _ in adjustments)),
                     tables.safe(visible("; ".join(map(ENGLISH, notes)))), record.get("id", "")])
    return tables.write_rows(rows)


def feedback(student, record, checks, say=ENGLISH):
    """What the student is told: what make test shows, with the points above it."""
    most = sum(check.points for check in checks)
    lines = [say(text("{student}: {score} of {most} points ({status})", student=student, most=most,
                      score=tables.number(score_of(record, checks)), status=record["status"]))]
    if record.get("adjustments"):
        lines.append(say(text("    {points} from the checks", points=points_of(record, checks))))
        lines += [say(text("    {points} from your teacher" + ": {reason}" * bool(reason), points=_signed(points), reason=reason))
                  for points, reason in record["adjustments"]]
    end = "。" if say.name == "zh" else "."
    lines += [""] + [note[0].upper() + note[1:] + end for note in map(say, record["notes"])]
    lines += [""] if record["notes"] else []
    return "\n".join(lines) + "\n" + record["output"]


def gradescope(student, record, checks, say=ENGLISH):
    """Gradescope's results.json."""
    tests = []
    for check in checks:
        found = record["checks"].get(check.name, {})
        passed = found.get("status") == "passed"
        output = found.get("shown", "") if found.get("status") != "not tried" else \
            say("Not tried: a check that it needs does not pass yet.")
        tests.append({"name": say(check.sentence), "number": str(check.number), "score": check.points if passed else 0,
                      "max_score": check.points, "status": "passed" if passed else "failed", "output": output,
                      "visibility": "visible"})
    return json.dumps({"score": score_of(record, checks), "output": feedback(student, record, checks, say), "output_format": "text",
                       "visibility": "visible", "tests": tests}, indent=1, ensure_ascii=False) + "\n"


def diagnosis_in(parts):
    """The diagnosis of a failure, in one line; without one, what was received."""
    said = {part["label"]: " ".join(part["text"].split()) for part in reversed(parts)}
    for label in ("diagnosis", "then", "the server", "the client", "received", ""):
        if said.get(label):
            return said[label] if len(said[label]) <= 100 else said[label][:97].rsplit(" ", 1)[0] + " ..."
    return "no diagnosis"


def class_page(records, checks, strays):
    """How many passed each check, what the others were told, and what is nobody's."""
    marked = [record for record in records.values() if record["status"] not in ("not readable", "marking failed")]
    lines = [f"{len(records)} submissions, {len(marked)} marked", ""]
    failures = []
    for check in checks:
        found = [record["checks"].get(check.name, {}) for record in marked]
        passed = sum(each.get("status") == "passed" for each in found)
        failed = [each.get("parts", []) for each in found if each.get("status") == "failed"]
        bar = "#" * round(30 * passed / max(len(marked), 1))
        lines.append(f"{check.number:2}  {check.sentence:<33}{passed:4} of {len(marked)}  {bar}")
        if failed:
            failures.append((len(failed), check, collections.Counter(map(diagnosis_in, failed)).most_common(3)))
    if failures:
        lines += ["", "Most often failed:"]
    for count, check, diagnoses in sorted(failures, key=lambda each: (-each[0], each[1].number))[:5]:
        lines.append(f"    {check.sentence} ({count})")
        lines += [f"        {times} x  {said}" for said, times in diagnoses]
    states = collections.Counter(record["status"] for record in records.values())
    others = [f"{count} {state}" for state, count in sorted(states.items()) if state != "ok"]
    if others:
        lines += ["", "Others: " + ", ".join(others)]
    if strays:
        lines += ["", "Passed over, since no student is named: " + ", ".join(visible(stray) for stray in strays)]
    return "\n".join(lines) + "\n"
