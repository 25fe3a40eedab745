"""Moodle's grading worksheet, and the archive of feedback files that Moodle takes.

A worksheet's columns are named in the site's language; their order is always the same: the identifier, names, status, the grade, the
maximum grade, ..., the feedback (mod/assign/gradingtable.php). Moodle finds a student by the number at the end of the identifier,
skips a grade that is above the maximum, and takes feedback for HTML (mod/assign/feedback/offline/importgradeslib.php and
locallib.php, feedback/comments/locallib.php)."""
import html
import re

from . import results
from .tables import Filled, NotATable, PlatformsTable, bare, number, points_in, zipped

IDENTIFIER = {"identifier", "标识符", "識別碼"}  # as Moodle's languages have them
GRADE = {"grade", "成绩", "成績"}
MOST_GRADE = {"maximum grade", "最高成绩", "最高分", "最高分数"}
FEEDBACK = {"feedback comments", "评语反馈", "反馈评语", "反馈评论"}
TEAM = {"group", "gruppe", "groupe", "grupo", "gruppo", "小组", "组", "群组", "群組"}
SAID = (  # of a student, where one of these words stands in a cell
    ("handed in late, by the worksheet", re.compile(r"\blate$|verspätet|en retard|de retraso|迟交|逾期|遲交")),
    ("the worksheet says that the grade cannot be changed: Moodle passes over it", re.compile(r"(no|nein|non|否)$", re.I)))
MOST = 30_000  # characters of feedback, as HTML: a spreadsheet program cuts a cell after 32,767
OURS = re.compile(r"<pre>[^<]*(?: of \d+ points \(|分（满分 \d+ 分)[^<]*</pre>")  # feedback of an earlier marking


class Worksheet(PlatformsTable):
    """A grading worksheet as it was downloaded."""

    def __init__(self, path):
        super().__init__(path)
        self.column_of_id = self._find_identifier()
        self.column_of_team = None
        self.students = [row for row in self.rows if self.number_of(row)]
        self.column_of_grade, column_of_most = self._find_grade()
        self.most = points_in(self.cell(self.students[0], column_of_most))
        self.column_of_feedback = self._find_feedback()
        self.columns = [self.heading[column] for column in (self.column_of_grade, self.column_of_feedback) if column is not None]

    def _named(self, names):
        """The columns with one of these headings."""
        return [column for column, text in enumerate(self.heading) if text.strip().lower() in names]

    def number_of(self, row):
        match = re.fullmatch(r"\D+?\s*(\d+)", self.cell(row, self.column_of_id))
        return match and match[1]

    def name_of(self, row):
        """What stands behind the identifier; blind marking has no names there, but the same status for many."""
        behind = [self.cell(each, self.column_of_id + 1) for each in self.students]
        own = self.cell(row, self.column_of_id + 1)
        return own if own and behind.count(own) == 1 else self.cell(row, self.column_of_id)

    def key_of(self, row):
        return bare(self.cell(row, self.column_of_team)) if self.column_of_team is not None else self.number_of(row)

    def key_of_record(self, student, number):
        """Where teams hand in, the number is a team's, and may be somebody's, too."""
        return bare(student.removesuffix("_" + number)) if self.column_of_team is not None else number

    def check(self, entries):
        """Finds out whether teams have handed in: then the worksheet has their names."""
        called = {bare(entry.student) for entry in entries}
        self.column_of_team = next((column for column in self._named(TEAM)
                                    if any(bare(self.cell(row, column)) in called for row in self.students)), None)
        super().check(entries)

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
        for row, student, record in self.matched(filled, records):
            score = results.score_of(record, checks)
            if score > total:
                filled.put(f"more than {number(self.most)}, which Moodle takes for an error: cut", student)
            self.fill(row, self.column_of_grade, number(min(score, total) * self.most / total))
            if self.column_of_feedback is not None:
                own = OURS.sub("", self.cell(row, self.column_of_feedback)).strip()  # what the teacher wrote stays
                self.fill(row, self.column_of_feedback, own + f"<pre>{_as_html(results.feedback(student, record, checks, say))}</pre>")
            filled.count += 1
            for what, words in SAID:
                if any(words.search(cell) for column, cell in enumerate(row) if column > self.column_of_id + 1 and column not in
                       (self.column_of_grade, self.column_of_feedback)):
                    filled.put(what, student)
        if self.most != total:
            filled.put(f"points were scaled: {total} are", number(self.most))
        return filled


def feedback_zip(worksheet, records, checks, say):
    """The archive of feedback files, for the students of a worksheet. A name that ends in an underscore is taken by each Moodle."""
    return zipped((f"{_folder_name(student.removesuffix('_' + record['id']))}_{worksheet.number_of(row)}_assignsubmission_file_/feedback.txt",
                   results.feedback(student, record, checks, say)) for row, student, record in worksheet.matched(Filled("", ""), records))


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
