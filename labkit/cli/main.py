"""The `labkit` command. Exit status: 0 done, 1 not yet, 2 something broke."""

import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from labkit import __version__
from labkit.errors import LabError, nearest


class Seconds(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """A length of time: 90s, 30m, 8h, or plain seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if not match:
            self.fail(f"{value!r} is no length of time; try 90s, 30m or 8h", param, ctx)
        return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


class Door(click.Group):
    """Shows every foreseeable error as one clear sentence with the next command, and suggests the near verb."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return super().get_command(ctx, name) or self._unknown(ctx, name)

    def _unknown(self, ctx: click.Context, name: str) -> click.Command | None:
        if ctx.resilient_parsing:
            return None
        raise LabError(f"labkit has no command {name!r}: {nearest(name, self.list_commands(ctx))}", "labkit --help")

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabError as error:
            complain(error)
            ctx.exit(2)


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="labkit")
def cli() -> None:
    """Registry Lab: learn Docker registries in CI/CD, against a real registry and a real Swarm on your own machine.

    \b
    Example: labkit up --detach && eval "$(labkit env)"
             docker login -u myusername -p mypassword
             labkit check 01-login
    """


def main() -> None:
    try:
        cli(standalone_mode=True)
    except LabError as error:  # raised before a command was found
        complain(error)
        sys.exit(2)


def typed(text: str) -> str:
    """The text with the command as this person types it: `./lab` says so by LABKIT_COMMAND."""
    return re.sub(r"\blabkit (?=[a-z])", f"{os.environ.get('LABKIT_COMMAND', 'labkit')} ", text)


def complain(error: LabError) -> None:
    """One clear sentence, and the next command."""
    click.secho(f"✗ {error.what}", fg="red", err=True)
    if error.fix:
        click.echo(f"  → {typed(error.fix)}", err=True)


@contextlib.contextmanager
def progress() -> Iterator[Any]:
    """Tells, on standard error, what is being done and how long it has taken: in place on a terminal, else in lines."""
    from rich.console import Console

    console = Console(stderr=True)
    start = time.monotonic()
    if console.is_terminal:
        with console.status("") as status:
            yield lambda text: status.update(f"[{time.monotonic() - start:3.0f} s] {_plain(text)}")
    else:
        yield lambda text: click.echo(f"[{time.monotonic() - start:3.0f} s] {text}", err=True)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text if len(text) < 100 else text[:99] + "…")


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


@cli.command()
@as_json
def doctor(as_json: bool) -> None:
    """Look at this machine: what the lab needs, what is there, and how to mend it.

    Example: labkit doctor
    """
    from labkit.lab.engine import doctor as room

    findings = room.examine()
    if as_json:
        click.echo(json.dumps(room.as_json(findings), indent=2))
    else:
        for one in findings:
            click.echo(typed(one.line()))
    sys.exit(2 if any(one.state == "broken" for one in findings) else 0)


@cli.command()
@click.option("--detach", is_flag=True, help="Return when the lab is ready; it runs on until `down` or its time limit.")
@click.option(
    "--workers",
    type=click.IntRange(1, 5),
    default=2,
    show_default=True,
    envvar="LABKIT_WORKERS",
    help="How many other machines.",
)
@click.option("--no-jupyter", is_flag=True, help="Only the lab, without JupyterLab.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=None, help="JupyterLab's port. [default: 8888, or the next free]"
)
@click.option(
    "--time-limit", type=Seconds(), default="8h", show_default=True, help="After this long the lab ends by itself."
)
@click.option(
    "--learner",
    default="",
    envvar="LABKIT_LEARNER",
    help="A personal lab: names, version and a mark derived from this name.",
)
@click.option(
    "--workshop",
    default="",
    envvar="LABKIT_WORKSHOP",
    help="The workshop's seed, which the values of a personal lab depend on too.",
)
@click.option(
    "--with",
    "extras",
    multiple=True,
    metavar="NAME",
    help="A part beyond the standard lab: registry. May be given again.",
)
def up(
    detach: bool,
    workers: int,
    no_jupyter: bool,
    port: int | None,
    time_limit: float,
    learner: str,
    workshop: str,
    extras: tuple[str, ...],
) -> None:
    """Start the lab, or find and repair the one that runs, and open JupyterLab.

    Without --detach it ends with this command: Ctrl-C.

    Example: labkit up --detach --time-limit 3h
    """
    from labkit import paths
    from labkit.jupyter import server as jupyter
    from labkit.lab.engine import engines
    from labkit.lab.lifecycle import keeper, provision
    from labkit.lab.plan import Plan
    from labkit.work import files as workspace

    home = paths.home()
    plan = Plan(home.name, home.work, workers, round(time.time() + time_limit), learner, workshop, extras)

    if port is not None and not no_jupyter and jupyter.running() is None:
        jupyter.check_port(port)
    with progress() as say, provision.lock(home, say):
        lab = provision.up(engines.ensure(home, say), home, plan, say)
        workspace.prepare(lab.work, lab.person)
        keeper.start(lab)
        server = None if no_jupyter else jupyter.running()
        if server is None and not no_jupyter:
            say("starting JupyterLab")
            server = jupyter.wait(jupyter.start(lab, port, browser=not detach and jupyter.has_screen()))
    click.echo(
        f"The lab is up: {', '.join(part.machine for part in lab.nodes)}, Docker Hub's stand-in, registry.lab:5000."
    )
    if lab.person.learner:
        click.echo(
            f"It is {lab.person.learner}'s: user {lab.person.username}, password mypassword, tag {lab.person.version}."
        )
    click.echo(f"Your folder: {lab.work}")
    if server:
        click.echo(f"JupyterLab: {server.url}")
    if detach:
        click.echo(typed('In this shell: eval "$(labkit env)"   Ends with: labkit down'))
        return
    click.echo("Ctrl-C ends the lab. Your folder stays.")
    _until_stopped(server.pid if server else None)


def _until_stopped(jupyter: int | None) -> None:
    """Waits for Ctrl-C, a hang-up, or JupyterLab's own end; then ends the lab."""
    import signal
    import threading

    from labkit.lab.engine import processes

    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: over.set())
    while not over.wait(0.5):
        if jupyter and not processes.alive(jupyter):
            break
    _down(purge=False)


@cli.command()
@click.option("--purge", is_flag=True, help="Remove the lab image too, and the data of an engine of the lab's own.")
@click.option("--keep-jupyter", is_flag=True, help="Leave JupyterLab running; its panels offer to start the lab again.")
def down(purge: bool, keep_jupyter: bool) -> None:
    """End the lab: machines, networks, volumes, keys, JupyterLab. Your folder and your attempts stay.

    Example: labkit down
    """
    _down(purge, keep_jupyter)


def _down(purge: bool, keep_jupyter: bool = False) -> None:
    from labkit import paths
    from labkit.jupyter import server as jupyter
    from labkit.lab.lifecycle import remove

    with progress() as say:
        gone = remove.everything(paths.home(), say, purge, None if keep_jupyter else jupyter.stop)
    click.echo("The lab is gone." if gone else "There was no lab.")


@cli.command()
@as_json
def status(as_json: bool) -> None:
    """Show the lab: machines, registries, services, and JupyterLab's address.

    Example: labkit status --json
    """
    from labkit import status as room

    state = room.look()
    click.echo(json.dumps(state, indent=2) if as_json else typed(room.text(state)))
    sys.exit({"up": 0, "down": 1}.get(state["state"], 2))


@cli.command()
@click.argument("node", default="workstation")
def env(node: str) -> None:
    """Print shell lines that make plain `docker …` speak to the lab.

    Example: eval "$(labkit env)"
    """
    from labkit.lab import environment, find

    click.echo(environment.shell_lines(find.current(), node), nl=False)


@cli.command()
@click.argument("node")
def shell(node: str) -> None:
    """Open a shell on a machine of the lab.

    Example: labkit shell worker1
    """
    from labkit.lab import find

    lab = find.current()
    part = lab.parts.get(node)
    if part is None:
        raise LabError(f"The lab has no machine {node!r}: {nearest(node, sorted(lab.parts))}", "labkit shell worker1")
    if part.state != "running":
        raise LabError(f"The machine {node} is not running.", "labkit up   (it repairs the lab)")
    tty = ["-t"] if sys.stdin.isatty() else []
    command = ["docker", "-H", lab.engine.url, "exec", "-i", *tty, part.id, "bash", *(["-i"] if tty else [])]
    environment = {key: value for key, value in os.environ.items() if key not in ("DOCKER_CONTEXT", "DOCKER_HOST")}
    try:
        os.execvpe(command[0], command, environment)
    except FileNotFoundError:
        raise LabError("The docker command is missing.", "apt-get install docker.io   (or docker-cli)") from None


@cli.command()
@click.argument("exercise", nargs=-1)
@as_json
@click.option("--watch", is_flag=True, help="Look again every second, print what changed, and end when all is passed.")
@click.option("--wait", type=Seconds(), default="0", help="While the Swarm is still moving, wait this long, e.g. 60s.")
@click.option(
    "--observation", type=click.Path(path_type=Path), help="Grade what `labkit observe` printed; needs no lab."
)
@click.option("--learner", default="", help="With --observation: it must be of this learner's lab.")
@click.option("--workshop", default="", help="With --learner: the workshop's seed.")
def check(
    exercise: tuple[str, ...],
    as_json: bool,
    watch: bool,
    wait: float,
    observation: Path | None,
    learner: str,
    workshop: str,
) -> None:
    """Grade exercises: what passed, what not yet, and why. Without names, all of them.

    Example: labkit check 03-push
    """
    from labkit import session

    def show(report: Any) -> None:
        if as_json:
            click.echo(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
            return
        click.echo(colored(report.text()))
        if not observation and (done := [one.slug for one in report.exercises if one.done]):
            click.echo(typed(f"\nCompare with the reference solution: labkit solve {done[-1]} --show"))

    if observation:
        report = session.regraded(exercise, observation, learner, workshop)
        show(report)
        sys.exit(report.exit_code)
    last = None
    while True:
        report = session.graded(exercise, wait)
        told = report.to_json() | {"time": ""}
        if told != last:
            show(report)
        last = told
        if not watch or report.exit_code == 0:
            sys.exit(report.exit_code)
        time.sleep(1)


COLORS = {"✓": "green", "✗": "yellow", "…": "blue", "–": "bright_black", "!": "red"}


def colored(text: str) -> str:
    """The lines with an outcome in its color; the symbol and the word say the same without it."""
    return "\n".join(
        click.style(line, fg=COLORS[line[2]]) if len(line) > 2 and line[:2] == "  " and line[2] in COLORS else line
        for line in text.split("\n")
    )


@cli.command()
@click.argument("exercise")
@click.argument("check", required=False)
def hint(exercise: str, check: str | None) -> None:
    """Show the next hint of a check; without a check, of the first one that is not passed.

    Example: labkit hint 03-push in-hub
    """
    from labkit import session
    from labkit.content import exercises
    from labkit.lab import find

    lab = find.current()
    click.echo(session.next_hint(lab.work, exercises.chosen([exercise])[0], check, lab.person))


@cli.command()
@click.argument("exercise")
@click.argument("answers", nargs=-1, metavar="[QUESTION=ANSWER]...")
def answer(exercise: str, answers: tuple[str, ...]) -> None:
    """Answer the quiz of an exercise; without answers, show the questions.

    Example: labkit answer 06-practice ci=a reflection="A registry …"
    """
    from labkit.content import exercises
    from labkit.jupyter import notebook

    chosen = exercises.chosen([exercise])[0]
    if not answers:
        click.echo(notebook.quiz_text(chosen))
        return
    if wrong := [one for one in answers if "=" not in one]:
        raise LabError(f"{wrong[0]!r} is no answer.", f"labkit answer {chosen.slug} QUESTION=ANSWER")
    notebook.keep_answers(chosen, dict(one.split("=", 1) for one in answers))
    click.echo("Kept.")


@cli.command()
@click.argument("message", nargs=-1)
def explain(message: tuple[str, ...]) -> None:
    """Say what a message of docker or a registry means here. Without words it is read from standard input.

    Example: labkit explain denied: requested access to the resource is denied
    """
    from labkit.lab.looking import watch
    from labkit.view import compose, render

    text = " ".join(message) or sys.stdin.read()
    click.echo(typed(render.explained(compose.explain(text, watch.look().observation))))


@cli.command()
def observe() -> None:
    """Print what the lab holds now as JSON, to keep it or to grade it again.

    Example: labkit observe > observation.json && labkit check --observation observation.json
    """
    from labkit.lab.looking.observe import observe as look

    click.echo(look().dump(), nl=False)


@cli.command()
@click.argument("exercise")
@click.option("--show", is_flag=True, help="Only show the reference solution, once the exercise is done.")
def solve(exercise: str, show: bool) -> None:
    """Play the reference solution of an exercise, after those that it builds on.

    Example: labkit solve 03-push
    """
    from labkit import authoring
    from labkit.content import exercises
    from labkit.grading.report import Report
    from labkit.lab import find

    chosen = exercises.chosen([exercise])[0]
    lab = find.current()
    if show:
        if not authoring.look(lab, chosen).done:
            raise LabError(
                f"{chosen.slug} is not done yet; its solution is for comparing.", f"labkit hint {chosen.slug}"
            )
        click.echo(lab.person.swap((exercises.solutions(chosen.slug) / "solve.sh").read_text()), nl=False)
        return
    with progress() as say:
        say(f"playing the solution of {chosen.slug}")
        result = authoring.solve(lab, chosen)
    report = Report(__version__, lab.name, "", "", (result,))
    click.echo(colored(report.text()))
    sys.exit(report.exit_code)


@cli.command()
@click.argument("exercise", required=False)
def reset(exercise: str | None) -> None:
    """Bring an exercise back to before it was begun; without a name, the whole lab.

    Example: labkit reset 05-deploy
    """
    from labkit.content import exercises
    from labkit.lab import find
    from labkit.lab.playing.reset import reset as back
    from labkit.lab.playing.reset import reset_all

    chosen = exercises.chosen([exercise]) if exercise else []
    lab = find.current()
    with progress() as say:
        if chosen:
            back(lab, chosen, say)
        else:
            reset_all(lab, say)
    click.echo(f"{exercise or 'The lab'} is as it was before. Your attempts are kept.")


@cli.command()
@click.argument("exercise", required=False)
def verify(exercise: str | None) -> None:
    """Prove the content on the running lab: unsolved fails, solved passes, each wrong way gets its diagnosis.

    Clears the lab. Example: labkit verify 03-push
    """
    from labkit import authoring
    from labkit.content import exercises
    from labkit.lab import find

    chosen = exercises.chosen([exercise] if exercise else [])
    failed = 0
    for proof in authoring.verify(find.current(), chosen):
        failed += bool(proof.problem)
        click.echo(proof.line())
    sys.exit(1 if failed else 0)


@cli.command()
@click.argument("slug")
def new(slug: str) -> None:
    """Start a new exercise from a template that `verify` accepts.

    Example: labkit new 07-clean
    """
    from labkit import authoring

    for path in authoring.new(slug):
        click.echo(f"wrote {path}")
    click.echo(f"Next: edit them, then labkit verify {slug} && labkit notebooks")


@cli.command()
def notebooks() -> None:
    """Build the notebooks from the lessons.

    Example: labkit notebooks
    """
    from labkit import authoring

    authoring.write_notebooks(click.echo)


@cli.group()
def image() -> None:
    """The lab image: build it, or carry it to a machine without internet.

    Example: labkit image save lab.tar
    """


@image.command("build")
def image_build() -> None:
    """Build the lab image, even where it is there.

    Example: labkit image build
    """
    _with_engine(lambda images, engine, say: images.build(engine, say))


@image.command("save")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def image_save(file: Path) -> None:
    """Write the lab image to a file.

    Example: labkit image save lab.tar
    """
    _with_engine(lambda images, engine, say: images.save(engine, file, say) or file)


@image.command("load")
@click.argument("file", type=click.Path(path_type=Path))
def image_load(file: Path) -> None:
    """Read the lab image from a file.

    Example: labkit image load lab.tar
    """
    _with_engine(lambda images, engine, _: images.load(engine, file))


def _with_engine(work: Any) -> None:
    from labkit import paths
    from labkit.lab.engine import engines, images

    with progress() as say:
        result = work(images, engines.ensure(paths.home(), say), say)
    click.echo(result)
