"""Spreadsheets of comma-separated values: our own, and those that a platform wrote and takes back."""
import csv
import io
import re
import zipfile

csv.field_size_limit(1 << 26)
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")  # full-width ones count where the language is Chinese or Japanese


class NotATable(Exception):
    """Why a file is not what it was given for: a sentence."""


def safe(text):
    """A cell that a spreadsheet program shows and does not calculate: what strangers wrote is data."""
    return "'" + text if FORMULA.match(text) else text


def unsafe(text):
    """The text of which safe() made this cell."""
    return text[1:] if text.startswith("'") and FORMULA.match(text[1:]) else text


def number(value):
    """Points, without digits that say nothing."""
    return f"{round(value, 2):.2f}".rstrip("0").rstrip(".")


def write_rows(rows):
    """The text of a table of ours; a byte order mark says to Excel that it is UTF-8."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return "\ufeff" + text.getvalue()


class Table:
    """A table that somebody else's program wrote: its first row is `heading`, the others are `rows`. It is written as it was read:
    encoding, separator and line ends."""

    def __init__(self, path):
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise NotATable(f"{path}: {error.strerror}") from error
        self.path = path
        text = self._decode(data)
        first = text.split("\n", 1)[0]
        self.end = "\r\n" if first.endswith("\r") else "\n"
        self.separator = max(",;\t", key=first.count)
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=self.separator, strict=True))
        except csv.Error as error:
            raise NotATable(f"{path} is not a table of comma-separated values ({error})") from error
        if not rows:
            raise NotATable(f"{path} is empty")
        self.heading, self.rows = rows[0], rows[1:]

    def _decode(self, data):
        marks = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
        self.mark, self.encoding = next(((mark, name) for mark, name in marks if data.startswith(mark)), (b"", ""))
        for encoding in [self.encoding] if self.encoding else ["utf-8", "gb18030", "latin-1"]:  # as Excel saves it, on a Chinese Windows too
            try:
                text = data[len(self.mark):].decode(encoding)
            except UnicodeError:
                continue
            self.encoding = encoding
            return text
        raise NotATable(f"{self.path} is not a text that can be read")

    def cell(self, row, column):
        """A cell of a row; empty if the row is too short."""
        return row[column].strip() if column < len(row) else ""

    def fill(self, row, column, text):
        """Fills in a cell."""
        row.extend([""] * (column + 1 - len(row)))
        row[column] = text

    def bytes(self):
        """The whole table, as it is to be written."""
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self.separator, lineterminator=self.end).writerows([self.heading, *self.rows])
        return self.mark + text.getvalue().encode(self.encoding, "backslashreplace")


def points_in(text):
    """The number that a cell has, in any language; None if it has none."""
    match = re.fullmatch(r"[+-]?\d+(?:[.,]\d+)?", text.strip())
    return float(match[0].replace(",", ".")) if match else None


def zipped(members):
    """An archive of names and texts, the same bytes each time."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text.encode("utf-8", "backslashreplace"), zipfile.ZIP_DEFLATED)
    return data.getvalue()


def bare(name):
    """What is left of a name when a platform has made a file's of it."""
    return "".join(each for each in name.casefold() if each.isalnum())


class PlatformsTable(Table):
    """A table that a platform gives, and takes back with the marks in it: `students` are its rows of students, who are known by the
    platform's number in `column_of_id`, and nobody is guessed by name."""

    students, column_of_id = (), 0

    def number_of(self, row):
        """The platform's number of the student in this row."""
        return self.cell(row, self.column_of_id)

    def key_of(self, row):
        """Under which the submission of this row's student is known: a number, or what a team is called."""
        return self.number_of(row)

    def key_of_record(self, _student, number):
        """The same of a submission."""
        return number

    def check(self, entries):
        """Raises NotATable if this cannot be the table of the class: said before anything is marked."""
        damaged = [cell for row in self.rows if re.fullmatch(r"\d(\.\d+)?e\+?\d+|\d+\.0+", cell := self.cell(row, self.column_of_id), re.I)]
        if damaged:
            raise NotATable(f"{self.path}: a spreadsheet program has changed the students' numbers, such as {damaged[0]}: give the file as "
                            "it was downloaded")
        keys = {self.key_of(row) for row in self.students}
        if not any(self.key_of_record(entry.student, entry.id) in keys for entry in entries):
            raise NotATable(f"{self.path}: nobody in it has handed in any of these {len(entries)} submissions: is it of another assignment?")

    def matched(self, filled, records):
        """The rows of students who were marked, each with the student and the record; the others are put into lists."""
        by_key = {self.key_of_record(student, record["id"]): (student, record) for student, record in records.items() if record.get("id")}
        for row in self.students:
            student, record = by_key.get(self.key_of(row), (None, None))
            if not record:
                filled.put("no submission", self.name_of(row))
            elif record["status"] == "marking failed":
                filled.put("not filled in, since the marking failed", student)
            else:
                yield row, student, record
        there = {self.key_of(row) for row in self.students}
        for student, record in records.items():
            if self.key_of_record(student, record.get("id", "")) not in there:
                filled.put(f"not in {self.path}", student)


class Filled:
    """What became of filling in a table: sentences for who marks."""

    def __init__(self, file, original):
        self.file, self.original = file, original
        self.count = 0
        self.lists = {}  # what is said of these students: their names

    def put(self, what, student):
        """Takes a student into a list."""
        self.lists.setdefault(what, []).append(student)

    def sentences(self, columns):
        """All that is to be said, the columns first."""
        yield f"{self.file}: filled in {self.count} of the students in {self.original} ({', '.join(columns)})"
        for what, students in self.lists.items():
            yield f"{self.file}: {what}: {', '.join(sorted(students))}"
