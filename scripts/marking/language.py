"""What students are told, in the language of the class: two tables of sentences, English and Chinese. A sentence with {places} is
kept apart from what fills them until it is shown."""
import os

from . import kit

LANGUAGES = ("en", "zh")
TABLES = (os.path.join(kit.SCRIPTS, "marking", "zh.tsv"), os.path.join(os.path.dirname(kit.TABLE), "zh.tsv"))


def text(template, **places):
    """A sentence, and what fills its places: plain data, so that it can be kept in a file."""
    return {"text": template, "places": places} if places else template


class Language:
    """Translates whole sentences. What is not in the tables stays English."""

    def __init__(self, name="en"):
        self.name, self.table = name, {}
        for path in TABLES if name != "en" else ():
            with open(path, encoding="utf-8") as file:
                for row in file:
                    if not row.startswith("#") and "\t" in row:
                        self.table.setdefault(*row.rstrip("\n").split("\t", 1))

    def __call__(self, said):
        if not isinstance(said, dict):
            return self.table.get(said, str(said))
        sentence = self.table.get(said["text"], said["text"])
        return sentence.format(**{name: self(value) for name, value in said["places"].items()})


ENGLISH = Language()
