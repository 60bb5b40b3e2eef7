#!/usr/bin/python3
"""gajim_screen.py - what is on Gajim's screen, for those who cannot see it.

Prints one line of JSON for each thing that is shown, as the accessibility bus
has it, windows in the order in which they were opened: its role, the words in
it or on it, its tooltip, and where it is (left, top, width, height)."""

import json

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402
from gi.repository import GLib  # noqa: E402

CHILDREN_MAX = 100


def show(thing):
    try:
        if thing.get_state_set().contains(Atspi.StateType.SHOWING):
            words = thing.get_name()
            if "Text" in thing.get_interfaces():
                words = Atspi.Text.get_text(thing, 0, -1) or words
            place = Atspi.Component.get_extents(thing, Atspi.CoordType.SCREEN)
            print(json.dumps([thing.get_role_name(), words,
                              thing.get_description(), place.x, place.y,
                              place.width, place.height]))
        for i in range(min(thing.get_child_count(), CHILDREN_MAX)):
            child = thing.get_child_at_index(i)
            if child:
                show(child)
    except GLib.Error:
        pass  # it is gone meanwhile


Atspi.init()
desktop = Atspi.get_desktop(0)
for number in range(desktop.get_child_count()):
    show(desktop.get_child_at_index(number))
