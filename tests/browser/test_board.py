"""The classroom's board in Chromium: it shows live what happens, by keyboard, in both themes, on a projector."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from classrooms import classroom
from driver import PATIENCE, SOON, browser, listened
from playwright.sync_api import expect

from labkit.classroom import playing
from labkit.classroom.records import people


@pytest.fixture(scope="module")
def chromium():
    expect.set_options(timeout=PATIENCE)
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Thirty learners, in the middle of the simulated class."""
    with classroom(tmp_path_factory.mktemp("board"), roster=playing.roster(30)) as here:
        web = here.client()
        for move in playing.plan(30)[:90]:
            if move.exercise:
                ident = f"learner{move.learner + 1:03d}"
                text = here.signed(ident, f"{move.exercise}/{move.attempt}", spread=move.learner)
                here.post(here.broker, text, web, learner=ident, exercises=[move.exercise])
        yield here


def signed_in(chromium, here, ident="instructor", **options):
    context = chromium.new_context(ignore_https_errors=True, **{"viewport": {"width": 1280, "height": 800}, **options})
    page = listened(context.new_page())
    page.goto(f"{here.room.address}/join/{here.token(people.LINK, ident)}")
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("button", name="Sign in").click()
    page.goto(here.room.address)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def serious(page):
    return [
        f"{one['id']}: {[node['html'][:150] for node in one['nodes'][:3]]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium, played, theme):
    page = signed_in(chromium, played, color_scheme=theme)
    number = played.number("learner001")
    for path in (
        "/board",
        "/board?names=shown",
        "/marks",
        "/workshop",
        "/log",
        "/regrade",
        f"/learner/{number}",
        f"/learner/{number}/01-login",
    ):
        page.goto(played.room.address + path)
        expect(page.locator("h1")).to_be_visible()
        assert serious(page) == [], path
    assert page.errors == []
    page.context.close()
    learner = signed_in(chromium, played, "learner002", color_scheme=theme)
    for path in ("/me", "/me/01-login", "/sign-in"):
        learner.goto(played.room.address + path)
        assert serious(learner) == [], path
    assert learner.errors == []
    learner.context.close()


def test_the_board_shows_live_what_happens_and_keeps_the_focus(chromium, played):
    page = signed_in(chromium, played)
    expect(page.locator("#live")).to_have_text("● Live")
    row = page.locator(f"[data-key='row-{played.number('learner030')}']")
    link = row.get_by_role("link").first
    expect(link).to_have_text("Learner 30")
    link.focus()
    played.observed("learner030", "05-deploy/wrong-replicas", spread=29)
    expect(row).to_contain_text("service-replicas", timeout=SOON)
    expect(link).to_be_focused()
    page.evaluate("window.same = document.querySelector('[data-key=heads]')")
    played.observed("learner030", "05-deploy/right-as-printed", spread=29)
    expect(row).not_to_contain_text("service-replicas", timeout=SOON)
    expect(row).to_contain_text("✓")
    assert page.evaluate("window.same === document.querySelector('[data-key=heads]')"), "what did not change stays"
    assert "Lovelace" not in page.content(), "names are hidden"
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Learner 30")
    page.get_by_role("link", name="Show names").press("Enter")
    expect(page.locator("h1")).to_have_text("José Núñez")
    assert page.errors == []
    page.context.close()


def test_a_raised_hand_is_seen_and_lowered(chromium, played):
    instructor, learner = signed_in(chromium, played), signed_in(chromium, played, "learner003")
    learner.get_by_label("What is it about?").fill("It says <b>denied</b>")
    learner.get_by_role("button", name="Raise my hand").press("Enter")
    raised = instructor.locator("[data-key=raised]")
    expect(raised).to_contain_text("Learner 3")
    raised.get_by_role("link").press("Enter")
    said = instructor.get_by_text("It says <b>denied</b>")
    expect(said).to_be_hidden()
    instructor.get_by_text("What they said").press("Enter")
    expect(said).to_be_visible()
    instructor.get_by_label("Message to").fill("Look at the name")
    instructor.get_by_role("button", name="Send", exact=True).click()
    instructor.get_by_role("button", name="lower the hand").click()
    expect(instructor.get_by_text("lower the hand")).to_have_count(0)
    learner.reload()
    expect(learner.locator("main")).to_contain_text("Look at the name")
    expect(learner.get_by_role("button", name="Raise my hand")).to_be_visible()
    for page in (instructor, learner):
        assert page.errors == []
        page.context.close()


def test_who_is_listed_is_chosen_by_keyboard_and_stays_in_the_address(chromium, played):
    page = signed_in(chromium, played)
    expect(page.locator("#live")).to_have_text("● Live")
    chosen, rows = page.get_by_role("navigation", name="Who is listed below"), page.locator("tr[data-key^=row-]")
    expect(rows).to_have_count(30)
    chosen.get_by_role("link", name="hand raised").press("Enter")
    page.wait_for_url("**/board?state=hand")
    expect(page.locator("#live")).to_have_text("● Live")
    before = rows.count()
    assert before < 29
    for number in (7, 8):
        played.browser(f"learner{number:03d}").post("/me/hand", said="hm")  # the stream goes on with the same choice
    expect(rows).to_have_count(before + 2, timeout=SOON)
    expect(page.locator("[data-key=chosen]")).to_contain_text(f"{before + 2} of 30 with a raised hand")
    page.get_by_role("link", name="Show names").press("Enter")
    page.wait_for_url("**/board?names=shown&state=hand")
    page.reload()
    expect(rows).to_have_count(before + 2)
    assert serious(page) == []
    page.get_by_role("link", name="Show all").press("Enter")
    expect(rows).to_have_count(30)
    mistake = page.locator("[data-key=frequent]").get_by_role("link").first
    many = page.locator("[data-key=frequent] li strong").first.inner_text()
    mistake.press("Enter")
    page.wait_for_url("**/board?names=shown&mistake=*#rows")
    expect(rows).to_have_count(int(many.removesuffix("×")))
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert serious(page) == []
    assert page.errors == []
    page.context.close()


def test_a_hint_to_everybody_by_keyboard(chromium, played):
    page, learner = signed_in(chromium, played), signed_in(chromium, played, "learner005")
    page.get_by_label("From the exercises' own hints").select_option(index=0)
    page.get_by_role("button", name="Send the hint").press("Enter")
    expect(page.get_by_text("The hint is sent.")).to_be_visible()
    expect(learner.locator("[data-key=messages]")).to_contain_text("Hint 1 of", timeout=SOON)
    for one in (page, learner):
        assert one.errors == []
        one.context.close()


def test_a_mark_is_opened_as_the_learner_sees_it_and_overruled(chromium, played):
    played.observed("learner004", "03-push/wrong-tag", spread=3)
    page = signed_in(chromium, played)
    page.goto(f"{played.room.address}/learner/{played.number('learner004')}/03-push")
    expect(page.get_by_role("region", name="Checks")).to_contain_text("not yet")
    expect(page.get_by_role("region", name="Where the images are")).to_contain_text("Docker Hub")
    page.get_by_label("Points, 0 to").fill("1")
    page.get_by_label("Reason, which the learner reads").fill("The network was down")
    page.get_by_role("button", name="Overrule").click()
    expect(page.locator("main")).to_contain_text("Set by hand: The network was down")
    assert page.errors == []
    page.context.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (700, 900)])
def test_it_can_be_read_from_the_back_row(chromium, played, width, height):
    """Nothing is wider than the window; the type of the table is at least 17 px and grows with the projector; the figures for
    “may I go on?” are much larger."""
    page = signed_in(chromium, played, viewport={"width": width, "height": height})
    size = "one => parseFloat(getComputedStyle(one).fontSize)"
    table, figure = (
        page.locator("table.board td").first.evaluate(size),
        page.locator(".steps .big").first.evaluate(size),
    )
    assert table >= max(17, width * 0.0124) and figure >= 1.8 * table
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


def test_two_hundred_learners(chromium, tmp_path):
    """Axe in both themes, live within the time, and the Tab key comes to every learner, in the roster's order."""
    with classroom(tmp_path, roster=playing.roster(200)) as here:
        for number in (1, 100, 200):
            here.observed(f"learner{number:03d}", "03-push/wrong-tag", spread=number - 1)
        page = signed_in(chromium, here)
        last = page.locator(f"[data-key='row-{here.number('learner200')}']")
        assert page.locator("table.board tr[data-key^=row-]").count() == 200
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            assert serious(page) == [], theme
        here.observed("learner200", "03-push/right-as-printed", spread=199)
        expect(last).to_contain_text("✓", timeout=SOON)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator("table.board").get_by_role("link").first.focus()
        met = []
        while "Learner 200" not in met and len(met) < 1000:
            met.append(page.evaluate("document.activeElement.textContent.trim()"))
            page.keyboard.press("Tab")
        assert [one for one in met if one.startswith("Learner ")] == [f"Learner {number}" for number in range(1, 201)]
        assert page.errors == []
        page.context.close()


def test_a_lost_connection_is_told(chromium, tmp_path):
    with classroom(tmp_path) as here:
        page = signed_in(chromium, here)
        expect(page.locator("#live")).to_have_text("● Live")
    expect(page.locator("#live")).to_contain_text("connection is lost", timeout=20_000)
    page.context.close()
