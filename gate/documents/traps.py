"""Words without quotes of which YAML 1.1 and YAML 1.2 make different things, so that an author cannot know which."""

import re
from decimal import Decimal

_BOOLEAN = re.compile(r"(on|yes)|(off|no)", re.IGNORECASE)
_OCTAL_2 = re.compile(r"0o([0-7]{1,18})")
_OCTAL_1 = re.compile(r"[-+]?0[0-7]{1,18}")
_EXPONENT = re.compile(r"[-+]?[0-9]{1,18}[eE][-+]?[0-9]{1,2}")
_ANY = re.compile("|".join(each.pattern for each in (_BOOLEAN, _OCTAL_2, _OCTAL_1, _EXPONENT)), re.IGNORECASE)
"""Most words are none of these."""


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
    return ""


def rounded(text: str, number: object) -> str:
    """What is wrong with a number that is read as another text than was written, where a text may be meant."""
    return f'{text} without quotes is the number {number}; put it in quotes, "{text}"'


def _said(text: str, first: str, second: str) -> str:
    numbers = " or ".join(dict.fromkeys(each for each in (first, second) if each != "text"))
    return (
        f'{text} without quotes is {first} in YAML 1.1 and {second} in YAML 1.2; write "{text}" in quotes, or {numbers}'
    )
