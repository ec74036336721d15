"""Motion and time: two legs of speed `v1`, `v2` and time `t1`, `t2`; or `hours` and `minutes`, some of them gone."""

from collections.abc import Iterator

from reasonflux.testbed.families import Family, Numbers
from reasonflux.testbed.templates import Effect, WorldTemplate, added, divided, found, multiplied, subtracted


def _legs(v1: int, t1: int, v2: int, t2: int) -> Effect:
    first, second = multiplied("leg1", v1, t1), multiplied("leg2", v2, t2)
    return found(f"{first.line}, {second.line}", second.value, leg1=first.value, leg2=second.value)


def _mean(v1: int, v2: int) -> Effect:
    total = added("total", v1, v2)
    half = divided("mean", total.value, 2)
    return found(f"{total.line}, {half.line}", half.value)


TEMPLATES = (
    WorldTemplate(
        name="Leg Distances",
        type="Rate Method",
        tags=("rate", "motion"),
        description="Find the distance of every leg of a trip.",
        scenarios=("A trip has legs of different speed",),
        steps=("Read speed and time of each leg", "Multiply them, leg by leg"),
        needs=("v1", "t1", "v2", "t2"),
        apply=_legs,
    ),
    WorldTemplate(
        name="Add the Legs",
        type="Arithmetic Method",
        tags=("rate", "motion"),
        description="Add the distances of both legs.",
        scenarios=("The whole distance of a trip is wanted",),
        steps=("Take both distances", "Add them"),
        needs=("leg1", "leg2"),
        apply=lambda leg1, leg2: added("distance", leg1, leg2),
    ),
    WorldTemplate(
        name="Compare the Legs",
        type="Arithmetic Method",
        tags=("rate", "motion"),
        description="Find how much longer one leg is than the other.",
        scenarios=("Two distances are compared",),
        steps=("Take both distances", "Subtract the shorter from the longer"),
        needs=("leg1", "leg2"),
        apply=lambda leg1, leg2: subtracted("distance", max(leg1, leg2), min(leg1, leg2)),
    ),
    WorldTemplate(
        name="Total Time",
        type="Arithmetic Method",
        tags=("rate", "time"),
        description="Add the times of both legs.",
        scenarios=("The time of a whole trip is wanted",),
        steps=("Read both times", "Add them"),
        needs=("t1", "t2"),
        apply=lambda t1, t2: added("time", t1, t2),
    ),
    WorldTemplate(
        name="Distance over Time",
        type="Rate Method",
        tags=("rate", "motion"),
        description="Divide the whole distance by the whole time.",
        scenarios=("An average speed is asked for",),
        steps=("Take distance and time", "Divide"),
        needs=("distance", "time"),
        apply=lambda distance, time: divided("speed", distance, time),
    ),
    WorldTemplate(
        name="Average the Speeds",
        type="Rate Method",
        tags=("rate", "average"),
        description="Take the mean of two speeds.",
        scenarios=("Both speeds are kept for the same time",),
        steps=("Add the speeds", "Halve the sum"),
        needs=("v1", "v2"),
        apply=_mean,
    ),
    WorldTemplate(
        name="Hours to Minutes",
        type="Conversion Method",
        tags=("units", "time"),
        description="Convert hours to minutes.",
        scenarios=("A time is given in hours and minutes",),
        steps=("Read the hours", "Multiply them by sixty"),
        needs=("hours",),
        apply=lambda hours: multiplied("span", hours, 60),
    ),
    WorldTemplate(
        name="Hours to Tens",
        type="Conversion Method",
        tags=("units", "time"),
        description="Count hours as if each had ten parts.",
        scenarios=("A time is given in decimal parts",),
        steps=("Read the hours", "Multiply them by ten"),
        needs=("hours",),
        apply=lambda hours: multiplied("span", hours, 10),
    ),
    WorldTemplate(
        name="Add the Minutes",
        type="Conversion Method",
        tags=("units", "time"),
        description="Join the spare minutes to the converted hours.",
        scenarios=("Hours are converted and minutes are left",),
        steps=("Take the converted hours", "Add the minutes"),
        needs=("span", "minutes"),
        apply=lambda span, minutes: added("span", span, minutes),
    ),
    WorldTemplate(
        name="Subtract the Elapsed",
        type="Arithmetic Method",
        tags=("units", "time"),
        description="Find the time that is left.",
        scenarios=("A part of a span is over",),
        steps=("Take the whole span", "Subtract what is over"),
        needs=("span", "gone"),
        apply=lambda span, gone: subtracted("left", span, gone),
    ),
)


def _trips(longest: int = 7) -> Iterator[Numbers]:
    times = [(t1, t2) for t1 in range(2, longest + 1) for t2 in range(2, longest + 1)]
    speeds = [(v1, v2) for v1 in range(2, 13) for v2 in range(2, 13)]
    return ({"v1": v1, "t1": t1, "v2": v2, "t2": t2} for v1, v2 in speeds for t1, t2 in times if v1 != v2)


def _uneven_trips() -> Iterator[Numbers]:
    return (trip for trip in _trips() if trip["v1"] * trip["t1"] != trip["v2"] * trip["t2"])


def _whole_averages() -> Iterator[Numbers]:
    for trip in _trips(longest=9):
        distance, time = trip["v1"] * trip["t1"] + trip["v2"] * trip["t2"], trip["t1"] + trip["t2"]
        if distance % time == 0 and trip["t1"] != trip["t2"]:
            yield trip


def _spans() -> Iterator[Numbers]:
    minutes = [(m, gone) for m in range(5, 60, 5) for gone in range(10, 60, 5) if m != gone]
    return ({"hours": hours, "minutes": m, "gone": gone} for hours in range(1, 7) for m, gone in minutes)


FAMILIES = (
    Family(
        name="trip_distance",
        tags=("rate", "motion", "distance"),
        numbers=_trips,
        phrasings=(
            "{who} rides {t1} hours at {v1} km/h and then {t2} hours at {v2} km/h. How far is the trip?",
            "A boat runs at {v1} km/h for {t1} hours and at {v2} km/h for {t2} hours. Find the total distance.",
            "A drone flies {t1} minutes at {v1} metres a minute, then {t2} minutes at {v2} metres a minute. "
            "How many metres does it fly?",
            "First {who} walks at {v1} km/h for {t1} hours, later at {v2} km/h for {t2} hours. What is the whole way?",
        ),
        plan=("Leg Distances", "Add the Legs"),
        tempting=("Leg Distances", "Compare the Legs"),
    ),
    Family(
        name="leg_difference",
        tags=("rate", "motion", "difference"),
        numbers=_uneven_trips,
        phrasings=(
            "{who} rides {t1} hours at {v1} km/h and then {t2} hours at {v2} km/h. By how much do the two legs differ?",
            "A boat runs at {v1} km/h for {t1} hours and at {v2} km/h for {t2} hours. "
            "How much longer is the longer part?",
            "A drone flies {t1} minutes at {v1} metres a minute, then {t2} minutes at {v2} metres a minute. "
            "How many metres are between its two flights?",
            "First {who} walks at {v1} km/h for {t1} hours, later at {v2} km/h for {t2} hours. "
            "What is the difference of the two ways?",
        ),
        plan=("Leg Distances", "Compare the Legs"),
        tempting=("Leg Distances", "Add the Legs"),
    ),
    Family(
        name="average_speed",
        tags=("rate", "motion", "average"),
        numbers=_whole_averages,
        phrasings=(
            "{who} rides {t1} hours at {v1} km/h and then {t2} hours at {v2} km/h. Find the average speed of the trip.",
            "A boat runs at {v1} km/h for {t1} hours and at {v2} km/h for {t2} hours. What is its average speed?",
            "A drone flies {t1} minutes at {v1} metres a minute, then {t2} minutes at {v2} metres a minute. "
            "How fast is it on average?",
            "First {who} walks at {v1} km/h for {t1} hours, later at {v2} km/h for {t2} hours. "
            "Which steady speed takes as long?",
        ),
        plan=("Leg Distances", "Add the Legs", "Total Time", "Distance over Time"),
        tempting=("Average the Speeds",),
    ),
    Family(
        name="minutes_left",
        tags=("units", "time", "minutes left"),
        numbers=_spans,
        phrasings=(
            "A film lasts {hours} hours and {minutes} minutes. After {gone} minutes, how many minutes are left?",
            "{who} has {hours} hours and {minutes} minutes for a test and has used {gone} minutes. "
            "How many minutes remain?",
            "A battery lasts {hours} hours and {minutes} minutes and has run for {gone} minutes. "
            "How many minutes are left in it?",
            "The flight takes {hours} hours and {minutes} minutes, and {gone} minutes are over. "
            "How many minutes until landing?",
        ),
        plan=("Hours to Minutes", "Add the Minutes", "Subtract the Elapsed"),
        tempting=("Hours to Tens", "Add the Minutes", "Subtract the Elapsed"),
    ),
)
