"""Reads what goes back to a platform as the platform does. The rules are those of its public code; where it would skip a row or
refuse a file, so does this.

    Moodle   mod/assign/feedback/offline/importgradeslib.php, locallib.php (process_import_grades); lib/csvlib.class.php;
             mod/assign/feedback/file/importziplib.php (is_valid_filename_for_import)
    Canvas   lib/gradebook_importer.rb (process_header, process_pp, process_student, process_submissions);
             app/models/assignment.rb (generate_comments_from_files)"""
import csv
import io
import re
import zipfile


class Refused(Exception):
    """The platform would not take the file."""


def _rows(data, separator):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=separator, strict=True))


def moodle(data, identifier="Identifier", grade="Grade", modified="Last modified (grade)", feedback="Feedback comments", hidden="Participant "):
    """Grades and feedback by number, as a site takes them in whose language has these strings."""
    rows = _rows(data, ",")
    if any(len(row) != len(rows[0]) for row in rows):
        raise Refused("csvweirdcolumns")
    place = {text: index for index, text in enumerate(rows[0])}
    if identifier not in place or grade not in place or modified not in place:
        raise Refused("invalidgradeimport")
    found = {}
    for row in rows[1:]:
        text = row[place[grade]].strip().replace(",", ".")  # unformat_float
        most = float(row[place[grade] + 1].replace(",", "."))
        taken = float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None
        if taken is not None and not 0 <= taken <= most:
            taken = None  # out of range: skipped, and nobody is told
        found[row[place[identifier]][len(hidden):]] = (taken, row[place[feedback]])
    return found


def moodle_zip(data, participants):
    """The feedback files by number."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            parts = member.filename.split("/")
            if member.is_dir() or parts[-1].startswith((".", "~")):
                continue
            while parts:
                info = parts.pop(0).split("_", 4)
                if len(info) < 4 or not info[1].isdigit() or info[1] not in participants or info[2:4] != ["assignsubmission", "file"]:
                    continue
                found[info[1]] = ("/".join(filter(None, info[4:] + parts)), archive.read(member).decode())
                break
    return found


def canvas_zip(data, files):
    """The feedback by student; `files` are the numbers of students and of files that Canvas has."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            student, file = [part for part in name.split("_") if part.isdigit()][:2]
            if files.get(student) != file:
                raise Refused(name)
            found[student] = archive.read(name).decode()
    return found


def canvas(data, assignment):
    """Grades by user id in an assignment's column."""
    first = data.decode("utf-8-sig").splitlines()[:3]
    separator = ";" if sum(line.count(";") for line in first) > sum(line.count(",") for line in first) else ","
    rows = _rows(data, separator)
    head = rows[0]
    names = 2 if head[:2] == ["LastName", "FirstName"] else 1
    if len(head) <= 3 or not (("Student" in head[0] and "ID" in head[1]) or (names == 2 and "ID" in head[2])):
        raise Refused("Invalid header row")
    if "Section" not in head:
        raise Refused("Invalid header row")
    column = head.index(assignment)
    found = {}
    for row in rows[1:]:
        if "Points Possible" in row[0] or all(re.fullmatch(r"\s*(Muted|Manual Posting.*)?\s*", cell, re.IGNORECASE) for cell in row):
            continue
        grade = row[column].strip()
        found[row[names]] = grade.replace(",", ".") if re.fullmatch(r"-?[0-9.,]+%?", grade) else grade
    return found
