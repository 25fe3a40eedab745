"""Canvas's gradebook, as it is exported and imported: the student is found by ID (lib/gradebook_exporter.rb, gradebook_importer.rb)."""
import re

from . import results
from .tables import Filled, NotATable, PlatformsTable, bare, number, points_in, zipped

NO_ASSIGNMENT = re.compile(r"(Current|Final|Override) (Score|Points|Grade|Status)")  # NON_ASSIGNMENT_COLUMN_HEADERS
LAB = re.compile("greeting", re.IGNORECASE)  # how an assignment is likely to be called
LEFT_ALONE = {"EX": "excused, and left so", "N/A": "the assignment is not theirs"}


class Gradebook(PlatformsTable):
    """A gradebook as it was exported. `assignment` says which column is to be filled in: its title, or its number."""

    def __init__(self, path, assignment=""):
        super().__init__(path)
        head = [text.strip() for text in self.heading]
        if not head or head[0] not in ("Student", "LastName") or "ID" not in head[:3]:
            raise NotATable(f"{path} is not a gradebook as Canvas exports it: it does not begin with the columns Student and ID")
        self.column_of_id = head.index("ID")
        self.points = next((row for row in self.rows if "Points Possible" in self.cell(row, 0)), [])
        self.students = [row for row in self.rows if row is not self.points and self.cell(row, self.column_of_id)]
        there = {column: text for column, text in enumerate(head) if re.fullmatch(r".+ \(\d+\)", text) and not NO_ASSIGNMENT.search(text)
                 and points_in(self.cell(self.points, column)) is not None}  # a teacher's own columns have no points
        self.column_of_grade = self._choose(there, assignment)
        self.most = points_in(self.cell(self.points, self.column_of_grade)) or None  # it may be worth nothing
        self.columns = [self.heading[self.column_of_grade]]

    def _choose(self, there, assignment):
        """The assignment's column: the one that is named, the only one, or the only one named after the lab."""
        choices = [list(there), [column for column, text in there.items() if LAB.search(text)]]
        if assignment:
            choices = [[column for column, text in there.items()
                        if assignment in (text, re.sub(r" \(\d+\)$", "", text), text.rpartition("(")[2].rstrip(")"))]]
        found = next((each[0] for each in choices if len(each) == 1), None)
        if found is None:
            names = ", ".join(f"'{text}'" for text in there.values()) or "none"
            raise NotATable(f"{self.path}: which assignment is it? Say --assignment TITLE; there are: {names}")
        return found

    def name_of(self, row):
        return " ".join(filter(None, (self.cell(row, column) for column in range(self.column_of_id))))

    def fill_in(self, records, checks):
        """Fills in the scores. Returns what is to be said."""
        filled = Filled("canvas.csv", self.path)
        total = sum(check.points for check in checks)
        for row, student, record in self.matched(filled, records):
            before = self.cell(row, self.column_of_grade)
            if before in LEFT_ALONE:
                filled.put(LEFT_ALONE[before], student)
            else:
                self.fill(row, self.column_of_grade, number(results.score_of(record, checks) * (self.most or total) / total))
                filled.count += 1
                if bare(student.removesuffix("_" + record["id"])) != bare(self.name_of(row)):
                    filled.put("handed in under another name, as groups do, and filled in for one member only", f"{student} ({self.name_of(row)})")
        if self.most not in (None, total):
            filled.put(f"points were scaled: {total} are", number(self.most))
        return filled


def feedback_zip(gradebook, records, checks, say):
    """The archive for *Upload graded files*: Canvas takes from each name the first two parts that are all digits, the student's
    number and that of a file that was handed in (app/models/assignment.rb, generate_comments_from_files)."""
    return zipped((f"{bare(student.removesuffix('_' + record['id']))}_{record['id']}_{record['file']}_feedback.txt",
                   results.feedback(student, record, checks, say))
                  for _, student, record in gradebook.matched(Filled("", ""), records) if record.get("file"))
