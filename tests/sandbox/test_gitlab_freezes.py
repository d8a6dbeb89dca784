"""Freeze periods in the embedded GitLab, as GitLab documents them."""

from gitlab_world import DEVELOPER, GUEST, MAINTAINER, REPORTER, Client, Project

WEEKEND = {"freeze_start": "0 23 * * 5", "freeze_end": "0 8 * * 1", "cron_timezone": "Europe/Berlin"}


def as_member(project: Project, level: int) -> Client:
    return Client(project.client.url, project.member(f"freezer-{project.id}-{level}", level))


def test_a_freeze_period_is_made_listed_changed_and_removed(project: Project) -> None:
    path, client = f"{project.path}/freeze_periods", project.client
    made = client.post(path, **WEEKEND)
    assert made == {"id": made["id"], **WEEKEND, "created_at": made["created_at"], "updated_at": made["updated_at"]}
    other = client.post(path, freeze_start=" 0 0 24 12 * ", freeze_end="0 0 2 1 *")
    assert (other["freeze_start"], other["cron_timezone"]) == ("0 0 24 12 *", "UTC")
    assert [each["id"] for each in client.get(path)] == [made["id"], other["id"]]
    changed = client.ask("PUT", f"{path}/{made['id']}", json={"freeze_end": "0 9 * * 1"})
    assert (changed.status_code, changed.json()["freeze_end"]) == (200, "0 9 * * 1")
    assert client.get(f"{path}/{made['id']}")["freeze_start"] == WEEKEND["freeze_start"]
    assert client.ask("DELETE", f"{path}/{made['id']}").status_code == 204
    assert client.ask("GET", f"{path}/{made['id']}").status_code == 404
    assert [each["id"] for each in client.get(path)] == [other["id"]]


def test_what_is_no_cron_expression_or_zone_is_refused_with_its_field(project: Project) -> None:
    path = f"{project.path}/freeze_periods"
    answer = project.client.ask("POST", path, json={**WEEKEND, "freeze_start": "friday", "cron_timezone": "Mars"})
    wrong = {"freeze_start": [" is invalid syntax"], "cron_timezone": [" is invalid syntax"]}
    assert (answer.status_code, answer.json()) == (400, {"message": wrong})
    answer = project.client.ask("POST", path, json={"freeze_start": "0 0 * * *"})
    assert (answer.status_code, answer.json()) == (400, {"error": "freeze_end is missing"})
    assert project.client.get(path) == []


def test_reporters_see_them_and_maintainers_change_them(project: Project) -> None:
    path = f"{project.path}/freeze_periods"
    project.client.post(path, **WEEKEND)
    allowed = {
        level: (client.ask("GET", path).status_code, client.ask("POST", path, json=WEEKEND).status_code)
        for level in (GUEST, REPORTER, DEVELOPER, MAINTAINER)
        for client in [as_member(project, level)]
    }
    assert allowed == {GUEST: (403, 403), REPORTER: (200, 403), DEVELOPER: (200, 403), MAINTAINER: (200, 201)}
