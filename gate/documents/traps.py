"""Words without quotes of which YAML 1.1 and YAML 1.2 make different things, so that an author cannot know which."""

import re
from decimal import Decimal

_BOOLEAN = re.compile(r"(on|yes)|(off|no)", re.IGNORECASE)
_OCTAL_2 = re.compile(r"0o([0-7]{1,18})")
_OCTAL_1 = re.compile(r"[-+]?0[0-7]{1,18}")
_EXPONENT = re.compile(
    r"[-+]?[0-9]{1,18}[eE][-+]?[0-9]{1,2}|[-+]?([0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18})[eE][0-9]{1,2}"
)
_HEXADECIMAL = re.compile(r"[-+]?0x[0-9a-f]{1,16}", re.IGNORECASE)
_BINARY = re.compile(r"[-+]?0b[01]{1,64}")
_GROUPED = re.compile(r"[-+]?[1-9][0-9]{0,18}(_[0-9]{1,18}){1,6}")
_GROUPED_POINT = re.compile(r"[-+]?[0-9]{1,18}(_[0-9]{1,18}){1,6}\.[0-9_]{0,18}")
_GROUPED_OCTAL = re.compile(r"[-+]?0[0-7]{0,18}(_[0-7]{1,18}){1,6}")
_SIXTIES = re.compile(r"[-+]?[1-9][0-9]{0,9}(:[0-5]?[0-9]){1,3}")
_SIXTIES_POINT = re.compile(r"[-+]?[0-9]{1,10}(:[0-5]?[0-9]){1,3}\.[0-9]{0,18}")
_BEYOND = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)
_FIRST = (_HEXADECIMAL, _BINARY, _GROUPED, _GROUPED_POINT, _GROUPED_OCTAL, _SIXTIES, _SIXTIES_POINT)
"""Numbers of YAML 1.1 alone, hexadecimal ones but for their sign."""
_NUMBERS = (_OCTAL_2, _OCTAL_1, _EXPONENT, *_FIRST, _BEYOND)
_ANY = re.compile("|".join(each.pattern for each in (_BOOLEAN, *_NUMBERS)), re.IGNORECASE)
"""Most words are none of these."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:. +Zz-]{1,40})?")


def trap(text: str) -> str:
    """What is wrong with the word, and what to write instead; empty if it is the same to everybody.

    Between the two versions of YAML are also all tools that read one with some rules of the other.
    """
    if not _ANY.fullmatch(text):
        return ""
    if found := _BOOLEAN.fullmatch(text):
        return _said(text, "true" if found[1] else "false", "text")
    if found := _OCTAL_2.fullmatch(text):
        return _said(text, "text", str(int(found[1], 8)))
    if _OCTAL_1.fullmatch(text):
        return _said(text, str(int(text, 8)), str(int(text)))
    if _EXPONENT.fullmatch(text):
        return _said(text, "text", f"{Decimal(text):f}")
    if _BEYOND.fullmatch(text):
        return f'{text} without quotes is a number to others, and none here; write "{text}" in quotes'
    if any(each.fullmatch(text) for each in _FIRST):
        return _said(text, _in_the_first(text), "text to some" if _HEXADECIMAL.fullmatch(text) else "text")
    return ""


def _in_the_first(text: str) -> str:
    """What a number of YAML 1.1 is in that."""
    bare = text.replace("_", "")
    if _HEXADECIMAL.fullmatch(text):
        return str(int(bare, 16))
    if _BINARY.fullmatch(text):
        return str(int(bare, 2))
    if _GROUPED_OCTAL.fullmatch(text):
        return str(int(bare, 8))
    return str(_in_sixties(bare))


def date(text: str) -> str:
    """What is wrong with a date, where none is asked for; empty if it is none."""
    if not _DATE.fullmatch(text):
        return ""
    return f'{text} without quotes is a date in YAML 1.1 and text in YAML 1.2; write "{text}" in quotes'


def _in_sixties(text: str) -> Decimal:
    """`1:30` as YAML 1.1 counts it, like minutes and seconds; `90` is 90."""
    total = Decimal(0)
    for part in text.lstrip("+-").split(":"):
        total = 60 * total + Decimal(part)
    return -total if text.startswith("-") else total


def rounded(text: str, number: object) -> str:
    """What is wrong with a number that is read as another text than was written, where a text may be meant."""
    return f'{text} without quotes is the number {number}; put it in quotes, "{text}"'


def _said(text: str, first: str, second: str) -> str:
    numbers = " or ".join(dict.fromkeys(each for each in (first, second) if not each.startswith("text")))
    return (
        f'{text} without quotes is {first} in YAML 1.1 and {second} in YAML 1.2; write "{text}" in quotes, or {numbers}'
    )
