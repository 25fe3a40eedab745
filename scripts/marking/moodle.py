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

GRADE = {"grade", "成绩", "成績", "评分", "分数"}
FEEDBACK = {"feedback comments", "评语反馈", "反馈评语", "反馈评论"}
MOST = 30_000  # characters of feedback: a spreadsheet program cuts a cell after 32,767
OURS = re.compile(r"<pre>[^<]* of \d+ points \([^<]*</pre>")  # feedback of an earlier marking


class Worksheet(Table):
    """A grading worksheet as it was downloaded."""

    def __init__(self, path):
        super().__init__(path)
        students = [row for row in self.rows if any(row)]
        columns = range(len(self.heading))
        self.column_of_id = next((column for column in columns if self._is_identifier(column, students)), None)
        if self.column_of_id is None:
            raise NotATable(f"{path} is not a grading worksheet as Moodle gives it: no column has values like 'Participant 1234'")
        constant = [column for column in columns[self.column_of_id + 2:]
                    if len(values := {self.cell(row, column) for row in students}) == 1 and (points_in(*values) or 0) > 0]
        known = [column for column in constant if self.heading[column - 1].strip().lower() in GRADE]
        if not constant:
            raise NotATable(f"{path} has no column of maximum grades: is the assignment graded with points?")
        self.column_of_grade = (known or constant[-1:])[0] - 1
        self.most = points_in(self.cell(students[0], self.column_of_grade + 1))
        self.column_of_feedback = self._feedback(students)
        self.columns = [self.heading[column] for column in (self.column_of_grade, self.column_of_feedback) if column is not None]

    def _is_identifier(self, column, students):
        found = [re.fullmatch(r"(\D+?)\s*(\d+)", self.cell(row, column)) for row in students]
        return bool(found) and all(found) and len({match[1] for match in found}) == 1 and len({match[2] for match in found}) == len(found)

    def _feedback(self, students):
        named = [column for column, text in enumerate(self.heading) if text.strip().lower() in FEEDBACK]
        last = len(self.heading) - 1
        is_a_date = any(re.search(r"^-$|\d:\d\d", self.cell(row, last)) for row in students)
        return named[0] if named else last if last > self.column_of_grade + 2 and not is_a_date else None

    def fill_in(self, records, checks):
        """Fills in grades and feedback. Returns what is to be said."""
        filled = Filled("moodle.csv", self.path)
        total = sum(check.points for check in checks)
        by_id = {record["id"]: (student, record) for student, record in records.items() if record.get("id")}
        there = set()
        for row in self.rows:
            match = re.search(r"\d+$", self.cell(row, self.column_of_id))
            if not match:
                continue
            there.add(match[0])
            student, record = by_id.get(match[0], (None, None))
            if not record:
                filled.put("no submission", next((cell for cell in row[self.column_of_id + 1:] if cell.strip()), match[0]))
            elif record["status"] == "marking failed":
                filled.put("not filled in, since the marking failed", student)
            else:
                score = results.score_of(record, checks)
                if score > total:
                    filled.put(f"more than {number(self.most)}, which Moodle takes for an error: cut", student)
                self.fill(row, self.column_of_grade, number(min(score, total) * self.most / total))
                if self.column_of_feedback is not None:
                    own = OURS.sub("", self.cell(row, self.column_of_feedback)).strip()  # what the teacher wrote stays
                    text = results.feedback(student, record, checks)
                    text = text if len(text) <= MOST else text[:MOST] + "\n... (and more)\n"
                    self.fill(row, self.column_of_feedback, own + f"<pre>{html.escape(text)}</pre>")
                filled.count += 1
        for student, record in records.items():
            if record.get("id", "") not in there:
                filled.put(f"not in {self.path}", student)
        if self.most != total:
            filled.put(f"points were scaled: {total} are", number(self.most))
        return filled


def feedback_zip(worksheet, records, checks):
    """The archive of feedback files, for the students of a worksheet."""
    numbers = {match[0] for row in worksheet.rows if (match := re.search(r"\d+$", worksheet.cell(row, worksheet.column_of_id)))}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, record in sorted(records.items()):
            if record.get("id") in numbers and record["status"] != "marking failed":
                name = _folder_name(student.removesuffix("_" + record["id"]))
                member = zipfile.ZipInfo(f"{name}_{record['id']}_assignsubmission_file/feedback.txt", (2026, 1, 1, 0, 0, 0))
                text = results.feedback(student, record, checks).encode("utf-8", "backslashreplace")
                archive.writestr(member, text, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _folder_name(student):
    """A student's name as a part of a folder's: no underscore, which separates the parts, and no path."""
    name = re.sub(r'[_/\\:*?"<>|]', " ", results.visible(student)).strip(" .")
    return name.encode("utf-8", "backslashreplace").decode()[:100] or "student"
