"""The way in and out of the dashboard, as a browser walks it: cookies, mails, forms."""

import logging
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from presage.adapters.memory.account_mail import MemoryAccountMail
from presage.adapters.memory.workspace_store import MemoryWorkspaceStore
from presage.tenancy.model import User
from services.backend.app import build_app
from services.backend.context import BackendPorts
from services.backend.pages.visiting import PROXIES
from tests.fixtures.backend_ports import build_account_ports, build_ports

PAGES = "https://app.presage.example"
PASSWORD, NEW = "seven green bicycles", "eleven blue umbrellas"
COOKIE = "__Host-presage"


@dataclass
class Site:
    """The application, and the browsers in front of it."""

    ports: BackendPorts = field(default_factory=build_ports)
    url: str = PAGES

    def __post_init__(self) -> None:
        self.app = build_app(self.ports, operator_token="operator", public_api_url="https://api.example")

    @property
    def mail(self) -> MemoryAccountMail:
        return cast("MemoryAccountMail", self.ports.accounts.mail)

    @property
    def users(self) -> list[User]:
        return cast("MemoryWorkspaceStore", self.ports.workspaces).users()

    def open(self, agent: str = "Firefox") -> "Browser":
        return Browser(self, self.app.test_client(), agent)

    def read_link(self) -> str:
        """Return the path of the last mail's link."""
        return self.mail.sent[-1][1].link.removeprefix(PAGES)


@dataclass
class Browser:
    """One browser, with its cookies."""

    site: Site
    client: FlaskClient
    agent: str

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, base_url=self.site.url, headers={"user-agent": self.agent})

    def post(self, path: str, **form: str) -> TestResponse:
        headers = {"user-agent": self.agent, "sec-fetch-site": "same-origin"}
        return self.client.post(path, base_url=self.site.url, data=form, headers=headers)

    @property
    def cookie(self) -> str | None:
        found = self.client.get_cookie(COOKIE, domain="app.presage.example")
        return None if found is None else found.value

    def sign_up(self, email: str = "ann@example.com", workspace: str = "Shop") -> TestResponse:
        assert self.post("/sign-up", email=email).status_code == 200
        return self.post(self.site.read_link(), name="Ann", workspace_name=workspace, password=PASSWORD)

    def log_in(self, password: str = PASSWORD, email: str = "ann@example.com", query: str = "") -> TestResponse:
        return self.post(f"/log-in{query}", email=email, password=password)


@pytest.fixture
def site() -> Site:
    return Site()


def go_on(answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.text
    return answer.location


def test_a_person_signs_up_by_the_link_in_their_mail_and_is_in_their_workspace(site: Site) -> None:
    browser = site.open()

    asked = browser.post("/sign-up", email="Ann@example.com")
    form = browser.get(site.read_link())
    made = browser.post(site.read_link(), name="Ann", workspace_name="Shop", password=PASSWORD)
    home = browser.get(go_on(made))

    assert "Look into your mail" in asked.text
    assert "Ann@example.com" in form.text
    assert "Welcome, Ann" in home.text
    assert "owner of Shop" in home.text
    assert "Log out" in home.text


def test_the_cookie_is_of_this_host_unseen_by_scripts_and_not_sent_by_other_sites_forms(site: Site) -> None:
    cookie = site.open().sign_up().headers.get("set-cookie")
    cookies = [each for each in site.open().log_in().headers.getlist("set-cookie") if each.startswith(COOKIE)]
    assert cookie is not None
    (session,) = cookies
    parts = {part.strip().partition("=")[0].lower(): part.strip().partition("=")[2] for part in session.split(";")[1:]}
    assert len(session.partition("=")[2].partition(";")[0]) == 43
    assert {"secure", "httponly"} <= parts.keys()
    assert (parts["samesite"], parts["path"], parts["max-age"]) == ("Lax", "/", "604800")
    assert "domain" not in parts


def test_on_this_machine_the_cookie_needs_no_tls() -> None:
    ports = build_ports()
    local = replace(
        ports.accounts, pages=build_account_ports(cast("MemoryWorkspaceStore", ports.workspaces), "http://127.0.0.1:8082").pages
    )
    site = Site(replace(ports, accounts=local), "http://127.0.0.1:8082")
    browser = site.open()
    browser.post("/sign-up", email="ann@example.com")
    link = site.mail.sent[-1][1].link

    answer = browser.post(link.removeprefix("http://127.0.0.1:8082"), name="Ann", workspace_name="Shop", password=PASSWORD)

    (cookie,) = [each for each in answer.headers.getlist("set-cookie") if each.startswith("presage=")]
    assert "Secure" not in cookie
    assert browser.get("/").status_code == 200


def test_a_cookie_never_opens_the_workspace_api(site: Site) -> None:
    browser = site.open()
    browser.sign_up()

    assert browser.get("/").status_code == 200
    assert browser.get("/api/v1/workspace").status_code == 401
    assert browser.post("/api/v1/users", email="e@example.com", name="E").status_code == 401


@pytest.mark.parametrize("path", ["/sign-up", "/forgotten-password"])
def test_what_is_answered_does_not_tell_who_has_an_account(site: Site, path: str) -> None:
    site.open().sign_up("ann@example.com")

    known, unknown = (site.open().post(path, email=email) for email in ("ann@example.com", "new@example.com"))

    assert (known.status_code, known.text.replace("ann@", "new@")) == (unknown.status_code, unknown.text)
    assert set(known.headers.keys()) == set(unknown.headers.keys())
    assert [recipient for recipient, _ in site.mail.sent[-2:]] == ["ann@example.com", "new@example.com"]


def test_who_logs_in_goes_on_to_what_they_wanted(site: Site) -> None:
    site.open().sign_up()
    browser = site.open()

    asked = go_on(browser.get("/datasets?q=a"))

    assert asked == "/log-in?next=/datasets%3Fq%3Da"
    assert go_on(browser.log_in(query=asked.removeprefix("/log-in"))) == "/datasets?q=a"
    assert browser.get("/datasets?q=a").status_code == 200


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/%09/evil.example"]
)
def test_nobody_is_led_elsewhere_by_logging_in(site: Site, wanted: str) -> None:
    site.open().sign_up()

    assert go_on(site.open().log_in(query=f"?next={wanted}")) == "/"


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(site: Site) -> None:
    site.open().sign_up()

    wrong, unknown = site.open().log_in("wrong"), site.open().log_in(email="new@example.com")

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("ann@", "new@") == unknown.text
    assert "There is no account of that address with that password" in wrong.text
    assert "wrong" not in re.sub(r'class="wrong"', "", wrong.text)


def test_too_many_attempts_are_told_when_to_come_back(site: Site) -> None:
    browser = site.open()
    answers = [browser.log_in("wrong") for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert "try again in 2 min" in answers[-1].text


def test_who_logs_out_is_out_and_so_is_their_token(site: Site) -> None:
    browser, thief = site.open(), site.open()
    browser.sign_up()
    assert browser.cookie is not None
    thief.client.set_cookie(COOKIE, browser.cookie, domain="app.presage.example", secure=True)
    assert thief.get("/").status_code == 200

    said = browser.get(go_on(browser.post("/log-out")))

    assert "You are logged out" in said.text
    assert browser.cookie is None
    assert [go_on(each.get("/")) for each in (browser, thief)] == ["/log-in", "/log-in"]


def test_logging_in_ends_the_session_that_the_browser_had(site: Site) -> None:
    browser, old = site.open(), site.open()
    browser.sign_up()
    assert browser.cookie is not None
    old.client.set_cookie(COOKIE, browser.cookie, domain="app.presage.example", secure=True)

    browser.log_in()

    assert browser.get("/").status_code == 200
    assert old.get("/").status_code == 303


def test_a_forgotten_password_is_changed_by_the_link_and_ends_other_sessions(site: Site) -> None:
    elsewhere, browser = site.open(), site.open()
    elsewhere.sign_up()
    browser.post("/forgotten-password", email="ann@example.com")
    link = site.read_link()

    refused = browser.post(link, password="short")
    changed = browser.post(link, password=NEW)

    assert (refused.status_code, "15 to 256 characters" in refused.text) == (400, True)
    assert "Your password is changed" in browser.get(go_on(changed)).text
    assert elsewhere.get("/").status_code == 303
    assert site.open().log_in(NEW).status_code == 303
    again = site.open().get(link)
    assert (again.status_code, "This link does not work" in again.text) == (404, True)


@pytest.mark.parametrize("path", ["/sign-up/x", "/reset/x", "/invitations/x"])
def test_a_link_that_does_not_work_says_what_to_do(site: Site, path: str) -> None:
    for answer in (site.open().get(path), site.open().post(path, name="Ann", workspace_name="w", password=PASSWORD)):
        assert answer.status_code == 404
        assert "Ask for a new password" in answer.text


def test_pages_with_a_secret_in_their_address_tell_it_to_nobody(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    browser = site.open()
    with caplog.at_level(logging.INFO, "presage.http"):
        browser.post("/sign-up", email="ann@example.com")
        sign_up = site.read_link()
        answers = [browser.get(sign_up), browser.post(sign_up, name="Ann", workspace_name="Shop", password=PASSWORD)]
        browser.post("/workspace/members/invite", email="bob@example.com", role="viewer")
        invitation = site.read_link()
        answers += [browser.get(invitation), browser.get("/reset/t0ken")]

    assert {answer.headers["referrer-policy"] for answer in answers} == {"no-referrer"}
    logged = "\n".join(str(record.__dict__) for record in caplog.records)
    assert "/sign-up/<token>" in logged
    assert [secret for secret in (sign_up, invitation, "t0ken", PASSWORD, str(browser.cookie)) if secret in logged] == []


def test_a_link_that_is_still_good_is_not_in_the_audit_log_of_who_tried_it(site: Site) -> None:
    browser = site.open()
    browser.sign_up()
    browser.post("/forgotten-password", email="ann@example.com")
    link = site.read_link()

    assert browser.post(link, password="short").status_code == 400

    entries = repr(list(site.ports.audit.iterate(site.users[0].workspace_id)))
    assert "entrance.reset" in entries
    assert [secret for secret in (link.rpartition("/")[2], "short") if secret in entries] == []


def test_a_mail_that_is_not_sent_is_said(site: Site) -> None:
    site.mail.is_down = True
    answer = site.open().post("/sign-up", email="ann@example.com")
    assert answer.status_code == 503
    assert 'value="ann@example.com"' in answer.text


def test_a_refused_form_shows_what_was_typed_but_no_password(site: Site) -> None:
    browser = site.open()
    browser.post("/sign-up", email="ann@example.com")

    answer = browser.post(site.read_link(), name="Ann Lee", workspace_name="My shop", password="passwordpassword")

    assert answer.status_code == 400
    assert "would be guessed" in answer.text
    assert "My shop" in answer.text
    assert "passwordpassword" not in answer.text


def test_somebody_is_invited_and_joins_with_a_new_account(site: Site) -> None:
    owner, bob = site.open(), site.open()
    owner.sign_up()

    go_on(owner.post("/workspace/members/invite", email="bob@example.com", role="analyst"))
    pending = owner.get("/workspace/members")
    told = bob.get(site.read_link())
    joined = bob.get(go_on(bob.post(site.read_link(), name="Bob", password=PASSWORD)))
    members = owner.get("/workspace/members")

    assert "bob@example.com" in pending.text
    assert "Withdraw" in pending.text
    assert "Join Shop" in told.text
    assert "as analyst" in told.text
    assert "analyst of Shop" in joined.text
    assert "Withdraw</button>" not in members.text
    assert "<td>Bob</td>" in members.text


def test_an_invitation_is_withdrawn(site: Site) -> None:
    owner = site.open()
    owner.sign_up()
    owner.post("/workspace/members/invite", email="bob@example.com", role="analyst")
    link, action = site.read_link(), re.search(r'action="(/workspace/members/invitations/[^"]+)"', owner.get("/workspace/members").text)
    assert action is not None

    go_on(owner.post(action[1]))

    assert site.open().get(link).status_code == 404


def test_who_has_an_account_joins_by_its_password_or_logged_in_and_not_as_another(site: Site) -> None:
    owner, bob, eve = site.open(), site.open(), site.open()
    owner.sign_up(workspace="Shop")
    bob.sign_up("bob@example.com", "Bobs")
    eve.sign_up("eve@example.com", "Eves")
    owner.post("/workspace/members/invite", email="bob@example.com", role="viewer")
    link = site.read_link()

    foreign, forced = eve.get(link), eve.post(link)
    refused = site.open().post(link, password="wrong")
    asked = site.open().get(link)
    joined = bob.get(go_on(bob.post(link)))

    assert "You are logged in as eve@example.com" in foreign.text
    assert forced.status_code == 403
    assert refused.status_code == 401
    assert "The password of your account" in asked.text
    assert "viewer of Shop" in joined.text


def test_members_get_roles_and_are_removed_at_once(site: Site) -> None:
    owner, bob = site.open(), site.open()
    owner.sign_up()
    owner.post("/workspace/members/invite", email="bob@example.com", role="admin")
    bob.post(site.read_link(), name="Bob", password=PASSWORD)
    member = next(user for user in site.users if user.name == "Bob")

    assert "Invite somebody" in bob.get("/workspace/members").text
    said = owner.get(go_on(owner.post(f"/workspace/members/{member.user_id}/role", role="viewer")))
    assert "Bob is viewer now" in said.text
    assert "Invite somebody" not in bob.get("/workspace/members").text
    assert bob.get("/workspace/members/invite").status_code == 403

    go_on(owner.post(f"/workspace/members/{member.user_id}/remove"))
    assert go_on(bob.get("/")) == "/workspaces"
    assert "You are in no workspace" in bob.get("/workspaces").text
    assert go_on(bob.get("/datasets")) == "/workspaces"
    assert bob.get("/account").status_code == 200
    assert go_on(bob.post("/account/token")) == "/workspaces"


def test_the_only_owner_stays(site: Site) -> None:
    owner = site.open()
    owner.sign_up()
    (user,) = site.users

    answer = owner.post(f"/workspace/members/{user.user_id}/remove")

    assert (answer.status_code, "is the only owner" in answer.text) == (409, True)


def test_a_member_is_not_invited_again(site: Site) -> None:
    owner = site.open()
    owner.sign_up()
    answer = owner.post("/workspace/members/invite", email="ann@example.com", role="viewer")
    assert (answer.status_code, "is a member of the workspace already" in answer.text) == (409, True)


def test_workspaces_are_opened_and_switched(site: Site) -> None:
    browser = site.open()
    browser.sign_up(workspace="One")

    second = browser.get(go_on(browser.post("/workspaces", workspace_name="Two")))
    listed = browser.get("/workspaces")
    (first,) = [user.workspace_id for user in site.users if f"/workspaces/{user.workspace_id}/enter" in listed.text]
    back = browser.get(go_on(browser.post(f"/workspaces/{first}/enter")))

    assert "owner of Two" in second.text
    assert "owner of One" in back.text
    assert "You are in One" in back.text
    assert browser.post("/workspaces", workspace_name=" ").status_code == 400
    assert browser.post("/workspaces/ws_1/enter").status_code == 404
    fresh = site.open()
    assert "owner of One" in fresh.get(go_on(fresh.log_in())).text


def test_own_sessions_are_seen_and_ended(site: Site) -> None:
    browser, other, third = site.open("Firefox"), site.open("Safari"), site.open("Chrome")
    browser.sign_up()
    other.log_in()
    third.log_in()

    page = browser.get("/account").text
    ends = re.findall(r'action="(/account/sessions/ses_[^"]+/end)"', page)
    assert all(agent in page for agent in ("Firefox", "Safari", "Chrome"))
    assert len(ends) == 2

    go_on(browser.post(ends[0]))
    assert sorted(each.get("/").status_code for each in (other, third)) == [200, 303]
    go_on(browser.post("/account/sessions/end-others"))
    assert [each.get("/").status_code for each in (browser, other, third)] == [200, 303, 303]


def test_name_and_password_are_changed(site: Site) -> None:
    browser, other = site.open(), site.open()
    browser.sign_up()
    other.log_in()

    assert "Ann Lee<br>owner of Shop" in browser.get(go_on(browser.post("/account/name", name="Ann Lee"))).text
    wrong = browser.post("/account/password", old_password="wrong", password=NEW)
    assert (wrong.status_code, "This is not your password" in wrong.text) == (400, True)
    assert other.get("/").status_code == 200

    changed = browser.get(go_on(browser.post("/account/password", old_password=PASSWORD, password=NEW)))

    assert "Your password is changed" in changed.text
    assert other.get("/").status_code == 303
    assert [site.open().log_in(each).status_code for each in (PASSWORD, NEW)] == [401, 303]


def test_an_access_token_is_shown_once_and_opens_the_workspace_api(site: Site) -> None:
    browser = site.open()
    browser.sign_up()

    answer = browser.post("/account/token")

    found = re.search(r'<code class="secret" id="value">([^<]+)</code>', answer.text)
    assert found is not None
    api = site.open().client.get("/api/v1/workspace", headers={"authorization": f"Bearer {found[1]}"})
    assert (answer.status_code, api.status_code, api.get_json()["name"]) == (201, 200, "Shop")
    assert found[1] not in browser.get("/account").text


def test_an_access_token_opens_pages_but_no_account(site: Site) -> None:
    owner = site.open()
    owner.sign_up()
    token = re.search(r'id="value">([^<]+)<', owner.post("/account/token").text)
    assert token is not None
    client, bearer = site.app.test_client(), {"authorization": f"Bearer {token[1]}"}

    assert client.get("/datasets", headers=bearer).status_code == 200
    assert client.get("/account", headers=bearer).status_code == 401


def test_a_session_that_ended_is_sent_to_log_in_though_its_cookie_is_there(site: Site) -> None:
    browser = site.open()
    browser.sign_up()
    store = site.ports.accounts.sessions
    (session,) = store.list_sessions(str(site.users[0].account_id))

    store.note_seen(session.session_id, now=session.last_seen_at - timedelta(hours=13))

    assert go_on(browser.get("/")) == "/log-in"


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
@pytest.mark.parametrize("path", ["/log-in", "/sign-up", "/forgotten-password", "/reset/x", "/sign-up/x", "/invitations/x"])
def test_another_sites_form_does_not_enter(site: Site, path: str, headers: dict[str, str]) -> None:
    site.open().sign_up()
    before = len(site.mail.sent)

    answer = site.open().client.post(path, base_url=PAGES, data={"email": "ann@example.com", "password": PASSWORD}, headers=headers)

    assert answer.status_code == 403
    assert not [each for each in answer.headers.getlist("set-cookie") if each.startswith(COOKIE)]
    assert len(site.mail.sent) == before


def test_attempts_are_counted_by_the_client_behind_the_proxies(site: Site) -> None:
    site.app.config[PROXIES] = 2
    client = site.app.test_client()

    def ask(number: int, address: str) -> int:
        headers = {"sec-fetch-site": "same-origin", "x-forwarded-for": f"198.51.100.{number}, {address}, 10.0.0.1"}
        return client.post("/sign-up", data={"email": f"{number}@example.com"}, headers=headers).status_code

    assert [ask(number, "203.0.113.7") for number in range(31)] == [200] * 30 + [429]
    assert ask(32, "203.0.113.8") == 200
