"""The answers to the sheet's questions: found in what students wrote, and shown on one page, question by question. They are not
judged."""
import functools
import html
import os
import re

from . import kit, results

PATH = os.path.join(os.path.dirname(kit.TABLE) if kit.IS_LAB else kit.ROOT, "answers.txt")
MOST = 4000  # characters of an answer that are shown
MOST_IN_ALL = 100_000  # characters of a file that are looked at
HEADING = re.compile(r"[\s#>*_(\[（【-]*(?:question|problem|step|answer|[qa]|问题|问|第|题|答)?[\s.:：#*_]*(\d{1,2})\s*"
                     r"(?:[.)\]:：、．）】*]|题|$|(?=\s))[\s.):：、．）】*_-]*", re.IGNORECASE)

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Answers</title>
<style>
body {{ font-family: sans-serif; max-width: 60em; margin: 1em auto; padding: 0 1em; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border-top: 1px solid #ccc; padding: .4em; text-align: left; vertical-align: top; overflow-wrap: anywhere; }}
th {{ width: 12em; font-weight: normal; color: #555; }}
td {{ white-space: pre-wrap; }}
</style>
</head>
<body>
{body}</body>
</html>
"""


class Question:
    """A question of the sheet: its number, and its text in each language."""

    def __init__(self, number, text):
        self.number, self.texts = number, [text]


def questions():
    """The questions, from the file that students fill in; none where there is no such file."""
    found = []
    for line in _template():
        match = re.fullmatch(r"(\d+)\. (.+)", line)
        if match:
            found.append(Question(int(match[1]), match[2].strip()))
        elif found and line.strip():
            found[-1].texts.append(line.strip())
    return found


def text_of(data):
    """The text of what a student's editor wrote."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark):].decode(encoding, "replace")
    text = data.decode("utf-8", "replace")
    if text.count("\ufffd") <= sum(each > "\x7f" and each != "\ufffd" for each in text):  # it is, but for a byte or two
        return text
    try:
        return data.decode("gb18030")
    except UnicodeError:
        return data.decode("latin-1")


def _bare(text):
    """What is left of a text when how it is laid out does not count."""
    return "".join(each for each in text.lower() if each.isalnum())


def _after(line, wanted):
    """What stands in a line after a question's bare text, which is in it."""
    place, start = 0, _bare(line).index(wanted) + len(wanted)
    for index, each in enumerate(line):
        place += bool(_bare(each))
        if place == start:
            return line[index + 1:].lstrip(" \t?？*_#").strip()
    return ""


def split(text, asked):
    """The answers in a text, by the question's number; 0 is what belongs to none. Questions are known by their words, or else by
    their numbers, in order."""
    lines = text[:MOST_IN_ALL].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    places = {}  # line: question, and what follows it in that line
    for index, line in enumerate(lines):
        bare = _bare(line)
        for question in asked if bare else []:
            wanted = next((wanted for each in question.texts if (wanted := _bare(each)) in bare), "")
            if wanted and index not in places:
                places[index] = (question.number, _after(line, wanted))
    by_words = {number for number, _ in places.values()}
    in_words = sorted((index, number) for index, (number, _) in places.items())

    def next_by_words(index):
        return min((number for place, number in in_words if place > index), default=len(asked) + 1)

    last = 0
    for index, line in enumerate(lines):
        match = HEADING.match(line)
        if index in places:
            last = max(last, places[index][0])
        elif match and int(match[1]) not in by_words and last < int(match[1]) < next_by_words(index):
            last = int(match[1])
            places[index] = (last, line[match.end():].strip())
    found, current = {}, 0
    given = {_bare(line) for line in _template()}
    for index, line in enumerate(lines):
        current, line = places.get(index, (current, line))
        if not current and _bare(line) in given:
            continue  # the first lines of the file
        found.setdefault(current, []).append(line.rstrip())
    return {number: answer for number, each in found.items() if (answer := "\n".join(each).strip())}


@functools.lru_cache(maxsize=None)
def _template():
    """The lines of the file that students fill in; none where there is no such file."""
    if not os.path.exists(PATH):
        return []
    with open(PATH, encoding="utf-8") as file:
        return file.read().split("\n")


def _cells(student, text):
    shown = text if len(text) <= MOST else text[:MOST] + "\n... (and more)"
    return f"<tr><th>{html.escape(results.visible(student))}</th><td>{html.escape(results.visible(shown))}</td></tr>\n"


def page(records):
    """The page of all answers: a question after the other, the class below each."""
    asked = questions()
    given = {student: split(record["answers"], asked) for student, record in sorted(records.items()) if record.get("answers")}
    without = [student for student in sorted(records) if not given.get(student)]
    body = [f"<h1>Answers</h1>\n<p>{len(given)} of {len(records)} students.</p>\n"]
    body += ["<p>" + " ".join(f'<a href="#q{question.number}">{question.number}</a>' for question in asked) + "</p>\n"]
    if without:
        body.append("<p>Without a file of answers: " + html.escape(results.visible(", ".join(without))) + "</p>\n")
    for question in asked:
        body.append(f'<h2 id="q{question.number}">{question.number}. ' + "<br>".join(map(html.escape, question.texts)) + "</h2>\n")
        rows = [_cells(student, answers[question.number]) for student, answers in given.items() if question.number in answers]
        body += ["<table>\n", *rows, "</table>\n"] if rows else []
        missing = [student for student, answers in given.items() if question.number not in answers]
        if missing:
            body.append("<p>Not answered: " + html.escape(results.visible(", ".join(missing))) + "</p>\n")
    others = [_cells(student, answers[0]) for student, answers in given.items() if 0 in answers]
    if others:
        body += ["<h2>Not below a question</h2>\n<table>\n", *others, "</table>\n"]
    return PAGE.format(body="".join(body))
