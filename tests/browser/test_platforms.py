"""A learning platform's course in Chromium: the tool in a frame of it, and the instructor's pages about platforms and exports."""

import pytest
from driver import PATIENCE, browser, listened
from lti_platform import Platform, Running
from playwright.sync_api import expect
from test_board import serious, signed_in
from test_classroom_lti import There, there, until

from labkit.classroom.lti.platforms import Keys


@pytest.fixture(scope="module")
def chromium():
    expect.set_options(timeout=PATIENCE)
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    with Running(Platform("moodle", None)) as platform:
        platform.key = tmp_path_factory.mktemp("key")
        Keys(platform.key).new(2048)
        with there(tmp_path_factory.mktemp("platforms"), platform) as here:
            yield There(here, platform)


def course(chromium, joined, theme="light"):
    """A page of the course, in a browser that knows nobody, and the frame with the tool in it."""
    context = chromium.new_context(ignore_https_errors=True, color_scheme=theme)
    page = listened(context.new_page())
    page.goto(f"{joined.platform.url}/course")
    return page, page.frame_locator("iframe")


def test_from_a_frame_of_the_platform_into_a_window_of_its_own(chromium, joined):
    page, frame = course(chromium, joined)
    button = frame.get_by_role("button", name="Open the workshop")
    expect(button).to_be_visible()
    assert serious(page.frames[1]) == []
    with page.context.expect_page() as opened:
        button.press("Enter")
    expect(opened.value.locator("h1")).to_have_text("Ada Lovelace")
    assert page.errors == []
    with page.expect_console_message(
        lambda line: "frame-ancestors" in line.text
    ):  # the classroom itself is in nobody's frame
        page.evaluate("url => { document.querySelector('iframe').src = url }", f"{joined.here.room.address}/sign-in")
    page.context.close()


def test_a_teacher_chooses_and_a_stranger_is_told_in_the_frame(chromium, joined):
    platform = joined.platform
    platform.user, platform.deep = "tom", True
    page, frame = course(chromium, joined, "dark")
    expect(frame.get_by_role("button", name="03-push")).to_be_visible()
    assert serious(page.frames[1]) == []
    page.context.close()
    platform.user, platform.deep = "eve", False
    page, frame = course(chromium, joined)
    expect(frame.locator("h1")).to_contain_text("You are not on the roster of this workshop")
    page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium, joined, theme):
    here, platform = joined.here, joined.platform
    joined.enter()
    joined.enter(user="bob")
    platform.members |= {"fay": ["Learner"], "bob": ["Mentor"]}
    here.observed("ada")
    here.observed("bob", spread=3)
    until(lambda: any(one.stuck for one in here.room.lti.outbox.all()))
    page = signed_in(chromium, here, color_scheme=theme)
    for path in ("/lti-status", "/marks/export", "/workshop", "/marks"):
        page.goto(here.room.address + path)
        expect(page.locator("h1")).to_be_visible()
        assert serious(page) == [], path
    page.goto(here.room.address + "/lti-status")
    page.get_by_role("button", name="Take the roster").press("Enter")
    expect(page.locator("main")).to_contain_text("to be added")
    assert serious(page) == [] and page.errors == []
    page.context.close()
