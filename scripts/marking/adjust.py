"""The teacher's own points: student, points, reason. They are kept with the marks, and added whenever the class is marked."""
import math
import unicodedata

from .tables import NotATable, Table, points_in, unsafe

COLUMNS = ("student", "points", "reason")


def read(path):
    """The rows of a file: tuples of line, student, points, reason."""
    table = Table(path)
    head = [text.strip().lower() for text in table.heading]
    missing = [name for name in COLUMNS if name not in head]
    if missing:
        raise NotATable(f"{path} has no column '{missing[0]}': its first row has to be {','.join(COLUMNS)}")
    found = []
    for line, row in enumerate(table.rows, 2):
        student, text, reason = (table.cell(row, head.index(name)) for name in COLUMNS)
        if not any(cell.strip() for cell in row):
            continue
        if len(row) > len(head):
            raise NotATable(f"{path}, row {line} has more cells than the first row: a text with a comma in it needs quotes around it, and "
                            "points a decimal point")
        points = points_in(text.replace("−", "-"))
        if not student or points is None or not math.isfinite(points):
            wrong = f"'{text}' is not a number of points" if student else "there is no student"
            raise NotATable(f"{path}, row {line}: {wrong}")
        found.append((line, composed(unsafe(student)), points if points % 1 else int(points), reason))
    return found


def composed(name):
    """A name as most systems write it: on a Mac, an accent may be a character of its own."""
    return unicodedata.normalize("NFC", name)


def keys_of(entry):
    """Under which a student's points are kept: the platform's number, which stays, or the name."""
    return ["#" + entry.id, entry.id, entry.student] if entry.id else [entry.student]


def take_in(rows, known, entries):
    """Takes the rows of a file into what is known: a student who is named in it has what stands there, and nothing else. Returns
    the lines of students who are not there."""
    by_name = {}
    for entry in entries:
        by_name.setdefault(composed(entry.student), entry)
        if entry.id:
            by_name.setdefault(entry.id, entry)
    named, nobody = {}, []
    for line, student, points, reason in rows:
        entry = by_name.get(student)
        if not entry:
            nobody.append(f"{student} (row {line})")
        named.setdefault(keys_of(entry)[0] if entry else student, []).append([points, reason])
    known.update(named)
    return nobody
