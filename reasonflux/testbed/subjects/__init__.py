"""The templates and families of the small world, one file a subject."""

from reasonflux.testbed.families import Family
from reasonflux.testbed.subjects import equations, integers, motion, rectangles, sequences, shopping, systems
from reasonflux.testbed.templates import WorldTemplate

SUBJECTS = {
    "Sequences": sequences,
    "Percentages and Bills": shopping,
    "Whole Numbers": integers,
    "Equations": equations,
    "Systems": systems,
    "Motion and Time": motion,
    "Rectangles": rectangles,
}

TEMPLATES: dict[str, WorldTemplate] = {t.name: t for subject in SUBJECTS.values() for t in subject.TEMPLATES}
FAMILIES: dict[str, Family] = {f.name: f for subject in SUBJECTS.values() for f in subject.FAMILIES}
SUBJECT_OF: dict[str, str] = {f.name: name for name, subject in SUBJECTS.items() for f in subject.FAMILIES}
