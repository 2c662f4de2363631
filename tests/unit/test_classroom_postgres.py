"""The classroom on a real PostgreSQL, from Debian's package: the same results, two servers at once, a restart."""

import shutil
from datetime import timedelta

import pytest
from classrooms import at_once, classroom
from postgres import programs, running

from labkit.classroom import queue
from labkit.classroom.records import people
from labkit.classroom.records.database import Database
from labkit.errors import LabError


@pytest.fixture(scope="module")
def postgres():
    with running() as one:
        yield one


@pytest.mark.fault(
    "PostgreSQL is restarted while the classroom runs",
    "503 while it is away; a laptop sends what it kept, and all counts once",
)
def test_on_postgresql(postgres, tmp_path):
    work = tmp_path / "work"
    with classroom(tmp_path / "one", postgres.url) as here:
        assert here.observed("ada", "03-push/wrong-tag")["changed"]
        assert here.observed("grace")["changed"]
        text = here.signed("li")
        clients = [here.client() for _ in range(6)]
        told = at_once(
            lambda at: here.post(here.broker, text, clients[at], learner="li", exercises=["03-push"]).json()["again"], 6
        )
        assert sorted(told) == [False] + [True] * 5
        instructor = here.browser("instructor")
        assert instructor.get("/board/data").json()["done"]["03-push"] == 2
        assert "李小龙" in instructor.get("/marks?names=shown").text
        here.laptop(work, "ada")
        queue.put(work, here.observation("ada").dump(), ("03-push",))
        postgres.stop()
        away = queue.send(work)
        assert (away.sent, away.left) == (0, 1) and "database" in away.away
        assert instructor.get("/board").status_code == 503
        postgres.start()
        assert queue.send(work) == queue.Sent(sent=1)
        assert instructor.get("/board/data").json()["done"]["03-push"] == 3
        hidden = str(instructor.get("/board").text)
        assert postgres.url not in hidden


@pytest.mark.parametrize("server", [True, False])
def test_who_reads_writes_nothing(postgres, tmp_path, server):
    with classroom(tmp_path / "one", postgres.url if server else "", name="summer") as here:
        with here.room.database.reading() as session:
            member = people.by_ident(session, here.room.workshop(session), "ada")
            member.name = "Changed for a page"
            assert people.by_ident(session, here.room.workshop(session), "grace")
        with here.room.database.reading() as session:
            assert people.by_ident(session, here.room.workshop(session), "ada").name == "Ada Lovelace"


def test_two_servers_share_one_database(postgres, tmp_path):
    """The second one finds the workshop and its results, and sees what the first one takes."""
    with classroom(tmp_path / "one", postgres.url, name="autumn") as first:
        key = tmp_path / "two/autumn/workshop.key"
        key.parent.mkdir(parents=True)
        shutil.copy(first.opened.folder / "workshop.key", key)
        with classroom(tmp_path / "two", postgres.url, name="autumn") as second:
            before = second.browser("instructor").get("/board/data").json()["done"]
            text = first.signed("grace", "02-tag/right-as-printed")
            answer = first.post(first.broker, text, learner="grace", exercises=["02-tag"])
            assert answer.status_code == 200, answer.text
            after = second.browser("instructor").get("/board/data").json()["done"]
            assert after["02-tag"] == before["02-tag"] + 1


def test_of_looks_that_change_nothing_one_is_kept_there_too(postgres, tmp_path):
    """Six at once, each with something else in the log: the newest stays, and no other."""
    from sqlalchemy import select

    from labkit.classroom.records.models import Newest, Observation

    with classroom(tmp_path / "one", postgres.url, name="winter") as here:
        first = here.observed("ada", "03-push/wrong-tag", ago=timedelta(minutes=20))
        texts = [here.signed("ada", "03-push/wrong-tag", ago=timedelta(minutes=at)) for at in range(6, 0, -1)]
        clients = [here.client() for _ in texts]

        def post(at):
            return here.post(here.broker, texts[at], clients[at], learner="ada", exercises=["03-push"])

        answers = at_once(post, len(texts))
        assert [answer.json()["changed"] for answer in answers] == [[]] * 6
        assert post(5).json()["again"]
        with here.room.database.reading() as session:
            mine = select(Observation.digest).where(Observation.member_id == here.number("ada"))
            held = set(session.scalars(mine))
            wanted = select(Newest.observation).where(Newest.member_id == here.number("ada"))
            assert {first["digest"], session.scalars(wanted).one()} == held
            assert answers[5].json()["digest"] in held


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://nobody:secret@127.0.0.1:1/x", "did not do its work"),
        ("nonsense", "no database that the classroom can use"),
        ("oracle://x", "no database that the classroom can use"),
    ],
)
def test_a_database_that_is_none(url, told):
    with pytest.raises(LabError, match=told) as found:
        Database(url)
    assert "secret" not in str(found.value)


def test_the_migrations_make_what_the_models_say(tmp_path, request):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from labkit.classroom.records.models import Base

    urls = [f"sqlite:///{tmp_path / 'x.db'}"]
    if programs():
        urls.append(request.getfixturevalue("postgres").url)
    for url in urls:
        database = Database(url)
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        database.close()
