"""The shifts of people on call that teams have in calendars of their own."""

from collections.abc import Mapping
from pathlib import Path

from incidents.rota import Shift
from statuspage.config.models import Config
from statuspage.config.problems import Problem, Sources, matches, shown


def shifts(sources: Sources, config: Config) -> tuple[Mapping[str, tuple[Shift, ...]], list[Problem]]:
    """The shifts that teams' calendars name, by team, and what is wrong with the calendars."""
    named = [(trail, name) for trail, name in matches(sources.value, "teams.*.on_call.calendar") if isinstance(name, str) and name]
    if not named:
        return {}, []
    from statuspage.config.shift_file import MOST_BYTES, BadShifts, shifts_of  # noqa: PLC0415 - it reads calendars, and few have one

    found, problems = dict[str, tuple[Shift, ...]](), list[Problem]()
    names = _names(config)
    for trail, name in named:
        try:
            body = _bytes(Path(sources.place(trail).file).parent / name, MOST_BYTES + 1)
            found[str(trail[1])] = tuple(shifts_of(body, names, config.site.timezone))
        except OSError as error:
            problems.append(sources.problem(trail, f"cannot be read: {error.strerror}; correct the path", shown(name)))
        except BadShifts as error:
            problems.append(sources.problem(trail, str(error), shown(name)))
        except ValueError:
            problems.append(sources.problem(trail, "is not the name of a file; correct it", shown(name)))
    return found, problems


def _names(config: Config) -> Mapping[str, str]:
    """Everybody's id by what an event may call them."""
    names = {(person.name or id).casefold(): id for id, person in config.people.items()}
    return names | {id.casefold(): id for id in config.people}


def _bytes(path: Path, most: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(most)
