"""The classroom on a real PostgreSQL, from Debian's package: the same results, two servers at once, a restart."""

import shutil

import pytest
from classrooms import at_once, classroom
from postgres import programs, running

from labkit.classroom import queue
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
        assert "李小龙" in instructor.get("/marks").text
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
