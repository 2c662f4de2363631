"""The lesson's five commands, exactly as printed, in a script, in a terminal and in notebook cells."""

import re

from helpers import FIVE, GUIDED, ROOT, labkit, labkit_json, shell


def test_the_five_commands_as_printed_earn_full_points(lab):
    played = shell(lab, "set -e\n" + FIVE)
    assert played.returncode == 0, played.stderr
    assert "Login Succeeded" in played.stdout
    assert "Image is up to date for myusername/myapp:v1.0.0" in played.stdout
    report = labkit_json("check", *GUIDED, "--json", check=0)
    assert [one["slug"] for one in report["exercises"]] == list(GUIDED)
    assert all(one["earned"] == one["points"] > 0 for one in report["exercises"])
    note = report["exercises"][0]["checks"][0]["message"]
    assert "--password-stdin" in note


def test_the_commands_are_those_that_the_lessons_print():
    for line, slug in zip(FIVE.splitlines(), GUIDED, strict=True):
        assert f"```\n{line}\n```" in (ROOT / "exercises" / slug / "lesson.md").read_text()


def test_a_public_image_can_be_pulled_without_signing_in(lab):
    shell(lab, FIVE.split("docker pull", maxsplit=1)[0] + "docker logout")
    pulled = shell(lab, "docker --context worker2 pull myusername/myapp:v1.0.0")
    assert pulled.returncode == 0, pulled.stderr
    assert "Downloaded newer image" in pulled.stdout


def test_errors_read_as_the_real_ones_do(lab):
    wrong = shell(lab, "docker login -u myusername -p nonsense")
    assert 'Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password' in wrong.stderr
    shell(lab, "docker tag myapp:latest myusername/myapp:v1.0.0; docker tag myapp:latest colleague/myapp:v1.0.0")
    before = shell(lab, "docker push myusername/myapp:v1.0.0")
    assert "denied: requested access to the resource is denied" in before.stderr
    foreign = shell(lab, "docker login -u myusername -p mypassword; docker push colleague/myapp:v1.0.0")
    assert "denied: requested access to the resource is denied" in foreign.stderr
    absent = shell(lab, "docker pull colleague/nothing")
    assert "pull access denied for colleague/nothing, repository does not exist" in absent.stderr
    mine = shell(lab, "docker pull myusername/nothing")
    assert "manifest for myusername/nothing:latest not found: manifest unknown" in mine.stderr
    shell(lab, "docker push myusername/myapp:v1.0.0")
    missing = shell(lab, "docker pull myusername/myapp:v9")
    assert "manifest for myusername/myapp:v9 not found: manifest unknown" in missing.stderr


def test_the_private_registry_wants_a_sign_in_for_pulls_too(lab):
    name = "registry.lab:5000/team/myapp:v1.0.0"
    shell(lab, f"docker tag myapp:latest {name}")
    refused = shell(lab, f"docker push {name}")
    assert refused.returncode != 0
    pushed = shell(lab, f"docker login -u myusername -p mypassword registry.lab:5000 && docker push {name}")
    assert pushed.returncode == 0, pushed.stderr
    anonymous = shell(lab, f"docker logout registry.lab:5000; docker --context worker1 pull {name}")
    assert anonymous.returncode != 0
    assert "no basic auth credentials" in anonymous.stderr or "denied" in anonymous.stderr


def test_a_service_from_the_private_registry_needs_with_registry_auth(lab):
    from helpers import until

    name = "registry.lab:5000/team/myapp:v1.0.0"
    pushed = shell(
        lab,
        f"docker login -u myusername -p mypassword registry.lab:5000 && docker tag myapp:latest {name} && docker push {name}",
    )
    assert pushed.returncode == 0, pushed.stderr
    shell(lab, f"docker service create --detach --name without --replicas 3 {name}")
    shell(lab, f"docker service create --detach --with-registry-auth --name with --replicas 3 {name}")
    ls = "docker service ls --filter name=with --format '{{.Name}} {{.Replicas}}'"
    until(lambda: "with 3/3" in shell(lab, ls).stdout, "the service with the sign-in")
    ps = "docker service ps without --no-trunc --format '{{.Node}} {{.Error}}'"
    until(lambda: "No such image" in shell(lab, ps).stdout, "the refusal of the service without")


def test_a_build_works_without_internet(lab):
    built = shell(lab, "printf 'FROM busybox\\nRUN echo hello > /hello\\n' | docker build -t mine -")
    assert built.returncode == 0, built.stdout + built.stderr
    ran = shell(lab, "docker run --rm mine cat /hello")
    assert ran.stdout == "hello\n"


def test_the_sample_app_answers(lab):
    served = shell(lab, "docker run -d --name web myapp >/dev/null && docker exec web wget -qO- http://127.0.0.1:8080/")
    assert re.search("Hello from myapp", served.stdout), served.stderr


def test_a_second_up_finds_the_lab(lab):
    again = labkit("up", "--detach", "--no-jupyter", check=0)
    assert "checking the lab that is up" in again.stderr
