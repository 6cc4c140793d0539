"""Jinja: one environment a language, misspelt names are errors, GOV.UK's components as ``govuk.<name>``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import (
    ChainableUndefined,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
)
from markupsafe import Markup, escape

from shared.web.language import Language

COMPONENTS = "govuk_frontend_jinja"


def environments(
    folders: Sequence[Path], languages: Mapping[str, Language], static: str, root: str
) -> dict[str, Environment]:
    """By language code. The first folder that has a template wins, so a service can have its own of the shared ones."""
    govuk = Components()
    return {code: _environment(folders, spoken, govuk, static, root) for code, spoken in languages.items()}


def _environment(folders: Sequence[Path], spoken: Language, govuk: "Components", static: str, root: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(spoken.catalogue, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(govuk=govuk, root=root, static=lambda file: f"{static}/{file}")
    environment.filters.update(
        date=spoken.day,
        datetime=spoken.moment,
        time=spoken.hour,
        number=spoken.number,
        percent=spoken.percent,
        choose=spoken.choose,
        when=lambda moment: _when(spoken, moment),
    )
    return environment


def _when(spoken: Language, moment: datetime) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), escape(spoken.moment(moment)))


class Components:
    """GOV.UK Frontend's macros: ``{{ govuk.radios({…}) }}``, options as in the GOV.UK Design System.

    They read options that were not given, so they live in an environment of their own, that allows it.
    """

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PrefixLoader({COMPONENTS: PackageLoader(COMPONENTS)}), autoescape=True, undefined=ChainableUndefined
        )

    def __getattr__(self, name: str) -> Callable[[dict[str, Any]], Markup]:
        if name.startswith("_"):
            raise AttributeError(name)
        file = f"{COMPONENTS}/components/{name.replace('_', '-')}/macro.html"
        macro = "govuk" + "".join(part.capitalize() for part in name.split("_"))
        return getattr(self._environment.get_template(file).module, macro)  # type: ignore[no-any-return]
