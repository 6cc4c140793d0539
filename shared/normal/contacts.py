"""Telephone numbers (E.164, by libphonenumber's data); e-mail addresses (RFC 5322 and 6531, without asking the DNS)."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email
from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
)

from shared.normal.text import Reading, cached, clean, stands_for_nothing, unknown_digits

REGION = "GB"
_NOT_DIGITS = re.compile(r"\D")
_PREFIX = re.compile(r"^(?:0|00?44|44)(?=.)")
_SECOND = re.compile(r" ?(?:/|;|,| or | neu ).*", re.IGNORECASE)
_PLAIN_GB = re.compile(r"(?:\+44|0044|0)([1-37]\d{9})")
_PLAIN_LOCAL = re.compile(r"[a-z0-9]+(?:[._+-][a-z0-9]+)*")
_NOBODY = re.compile(r"(?:no-?reply|no-?e?mail|none|unknown|not-?known|na|n/a|nobody|noemail|dim|test)@.*")


@cached(8192)
def phone(text: str) -> Reading:
    """``+441632960123``; as given, with a finding, when it cannot be a full number. Of two numbers the first.

    A number counts by its length, not by whether its range is in use: libphonenumber's list of ranges is always a few
    months behind, and for telling people apart the digits are what matters.
    """
    text, _ = clean(text)
    if stands_for_nothing(text) or unknown_digits(_PREFIX.sub("", _NOT_DIGITS.sub("", text))):
        return "", "placeholder" if text else ""
    if found := _PLAIN_GB.fullmatch(text.replace(" ", "")):
        return f"+44{found[1]}", ""
    return _by_library(_SECOND.sub("", text)) or (text, "phone_unreadable")


def _by_library(text: str) -> Reading | None:
    try:
        number = parse(text, REGION)
    except NumberParseException:
        return None
    if is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return format_number(number, PhoneNumberFormat.E164), ""


@cached(8192)
def email(text: str) -> Reading:
    """The address in lower case. What no address can look like is kept with a finding if there is an @ in it."""
    text, _ = clean(text)
    text = text.lower().removeprefix("mailto:").strip("<>;, ")
    if stands_for_nothing(text) or _NOBODY.fullmatch(text):
        return "", "placeholder" if text else ""
    local, _, domain = text.rpartition("@")
    if _PLAIN_LOCAL.fullmatch(local) and len(local) <= 64 and len(text) <= 254 and _takes_mail(domain):
        return text, ""
    try:
        return _validated(text), ""
    except EmailNotValidError:
        return text if local and domain else "", "email_unreadable"


@lru_cache(maxsize=1024)
def _takes_mail(domain: str) -> bool:
    """Whether mail could go there. Most addresses share a few domains, and the library takes 20 µs for each."""
    try:
        return _validated(f"a@{domain}") == f"a@{domain}"
    except EmailNotValidError:
        return False


def _validated(text: str) -> str:
    return validate_email(text, check_deliverability=False, test_environment=True).normalized.lower()
