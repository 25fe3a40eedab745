"""Moodle's grading worksheet, and the archive of feedback files that Moodle takes.

A worksheet's columns are named in the site's language; their order is always the same: the identifier, names, status, the grade, the
maximum grade, ..., the feedback (mod/assign/gradingtable.php). Moodle finds a student by the number at the end of the identifier,
skips a grade that is above the maximum, and takes feedback for HTML (mod/assign/feedback/offline/importgradeslib.php and
locallib.php, feedback/comments/locallib.php)."""
import html
import io
import re
import zipfile

from . import results
from .tables import Filled, NotATable, Table, number, points_in

IDENTIFIER = {"identifier", "标识符", "識別碼"}  # as Moodle's languages have them
GRADE = {"grade", "成绩", "成績"}
MOST_GRADE = {"maximum grade", "最高成绩", "最高分", "最高分数"}
FEEDBACK = {"feedback comments", "评语反馈", "反馈评语", "反馈评论"}
MOST = 30_000  # characters of feedback, as HTML: a spreadsheet program cuts a cell after 32,767
OURS = re.compile(r"<pre>[^<]*(?: of \d+ points \(|分（满分 \d+ 分)[^<]*</pre>")  # feedback of an earlier marking


class Worksheet(Table):
    """A grading worksheet as it was downloaded."""

    def __init__(self, path):
        super().__init__(path)
        self.column_of_id = self._find_identifier()
        self.students = [row for row in self.rows if self._number_of(row)]
        self.column_of_grade, column_of_most = self._find_grade()
        self.most = points_in(self.cell(self.students[0], column_of_most))
        self.column_of_feedback = self._find_feedback()
        self.columns = [self.heading[column] for column in (self.column_of_grade, self.column_of_feedback) if column is not None]

    def _named(self, names):
        """The columns with one of these headings."""
        return [column for column, text in enumerate(self.heading) if text.strip().lower() in names]

    def _number_of(self, row):
        match = re.fullmatch(r"\D+?\s*(\d+)", self.cell(row, self.column_of_id))
        return match and match[1]

    def _name_of(self, row):
        """What stands behind the identifier; blind marking has no names."""
        return next((cell for cell in row[self.column_of_id + 1:] if cell.strip()), self._number_of(row))

    def _find_identifier(self):
        """The column of 'Participant 1234': it has that heading, or is the first, or the only one that can be it."""
        able = []
        for column in range(len(self.heading)):
            found = [re.fullmatch(r"(\D+?)\s*(\d+)", cell) for row in self.rows if (cell := self.cell(row, column))]
            if found and all(found) and len({match[1] for match in found}) == 1:
                able.append((column, len({match[2] for match in found}) == len(found)))
        named = [column for column, _ in able if column in self._named(IDENTIFIER)]
        different = [column for column, is_different in able if is_different]
        if named or (different and (different[0] == 0 or len(different) == 1)):
            return (named or different)[0]
        raise NotATable(f"{self.path} is not a grading worksheet as Moodle gives it: " + (
            "several columns" if different else "no column") + " can be the one with 'Participant 1234'")

    def _find_grade(self):
        """The column of the grade, and that of the maximum grade, which is the same number for all."""
        constant = [column for column in range(self.column_of_id + 1, len(self.heading))
                    if len(values := {self.cell(row, column) for row in self.students}) == 1 and (points_in(*values) or 0) > 0]
        named = self._named(GRADE)[:1]
        most = [column for column in constant if column in self._named(MOST_GRADE)] or \
            [column for column in constant if named == [column - 1]] or \
            [column for column in constant[-1:] if not named and self._may_be_grade(column - 1)]
        if not most:
            raise NotATable(f"{self.path} has no column of maximum grades behind one of grades: is the assignment graded with points?")
        return (named or [most[0] - 1])[0], most[0]

    def _may_be_grade(self, column):
        """Whether nothing stands in a column but numbers."""
        cells = {self.cell(row, column) for row in self.students} - {"", "-"}
        return column > self.column_of_id and all(points_in(cell) is not None for cell in cells)

    def _find_feedback(self):
        named = self._named(FEEDBACK)
        last = len(self.heading) - 1
        is_a_date = any(re.search(r"^-$|\d:\d\d", self.cell(row, last)) for row in self.students)
        return named[0] if named else last if last > self.column_of_grade + 2 and not is_a_date else None

    def fill_in(self, records, checks, say):
        """Fills in grades and feedback. Returns what is to be said."""
        filled = Filled("moodle.csv", self.path)
        total = sum(check.points for check in checks)
        for row, student, record in filled.matched(self.students, self._number_of, self._name_of, records):
            score = results.score_of(record, checks)
            if score > total:
                filled.put(f"more than {number(self.most)}, which Moodle takes for an error: cut", student)
            self.fill(row, self.column_of_grade, number(min(score, total) * self.most / total))
            if self.column_of_feedback is not None:
                own = OURS.sub("", self.cell(row, self.column_of_feedback)).strip()  # what the teacher wrote stays
                self.fill(row, self.column_of_feedback, own + f"<pre>{_as_html(results.feedback(student, record, checks, say))}</pre>")
            filled.count += 1
        if self.most != total:
            filled.put(f"points were scaled: {total} are", number(self.most))
        return filled

    def numbers(self):
        """The numbers of the students in it."""
        return {self._number_of(row) for row in self.students}


def feedback_zip(worksheet, records, checks, say):
    """The archive of feedback files, for the students of a worksheet."""
    numbers = worksheet.numbers()
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, record in sorted(records.items()):
            if record.get("id") in numbers and record["status"] != "marking failed":
                name = _folder_name(student.removesuffix("_" + record["id"]))
                member = zipfile.ZipInfo(f"{name}_{record['id']}_assignsubmission_file/feedback.txt", (2026, 1, 1, 0, 0, 0))
                text = results.feedback(student, record, checks, say).encode("utf-8", "backslashreplace")
                archive.writestr(member, text, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _as_html(text):
    """A text as HTML, as much of it as has room in a cell."""
    if len(html.escape(text)) > MOST:
        while len(html.escape(text)) > MOST:
            text = text[:len(text) * 9 // 10]
        text += "\n... (and more)\n"
    return html.escape(text)


def _folder_name(student):
    """A student's name as a part of a folder's: no underscore, which separates the parts, and no path."""
    name = re.sub(r'[_/\\:*?"<>|]', " ", results.visible(student)).strip(" .")
    return name.encode("utf-8", "backslashreplace").decode()[:100] or "student"
