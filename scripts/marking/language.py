"""What students are told, in the language of the class: two tables of sentences, English and Chinese."""
import os
import re

from . import kit

LANGUAGES = ("en", "zh")
TABLES = (os.path.join(kit.SCRIPTS, "marking", "zh.tsv"), os.path.join(os.path.dirname(kit.TABLE), "zh.tsv"))


class Language:
    """Translates whole sentences, whose {places} are found again. What is not in the tables stays English."""

    def __init__(self, name="en"):
        self.name = name
        self.sentences, self.patterns = {}, []
        for path in TABLES if name != "en" else ():
            with open(path, encoding="utf-8") as file:
                for row in file:
                    if not row.startswith("#") and "\t" in row:
                        self._add(*row.rstrip("\n").split("\t", 1))
        self.patterns.sort(key=lambda each: -each[2])  # of several that fit, the longest is meant

    def _add(self, english, translation):
        parts = re.split(r"\{([a-z_]+)\}", english)
        if len(parts) == 1:
            self.sentences.setdefault(english, translation)
        else:
            pattern = "".join(re.escape(part) if index % 2 == 0 else f"(?P={part})" if part in parts[1:index:2] else f"(?P<{part}>.+?)"
                              for index, part in enumerate(parts))
            self.patterns.append((re.compile(pattern, re.DOTALL), translation, sum(map(len, parts[::2]))))

    def __call__(self, text):
        if text in self.sentences:
            return self.sentences[text]
        for pattern, translation, _ in self.patterns:
            match = pattern.fullmatch(text)
            if match:
                return re.sub(r"\{([a-z_]+)\}", lambda place: self(match[place[1]]), translation)
        return text


ENGLISH = Language()
