"""The way in: log-in, sign-up, forgotten passwords, and the way out."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import NotFoundError, PresageError
from presage.tenancy.accounts import links, own_account, sessions
from presage.tenancy.accounts.own_account import SignUp
from services.backend.context import get_now, get_ports
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.gate import is_local_path, open_to_all, without_workspace
from services.backend.pages.rendering import done, show
from services.backend.pages.visiting import get_device, let_in, let_out

blueprint = Blueprint("entrance", __name__)


class LogInForm(msgspec.Struct, frozen=True):
    """An address and its password."""

    email: str
    password: str


class AddressForm(msgspec.Struct, frozen=True):
    """An address to mail a link to."""

    email: str


class PasswordForm(msgspec.Struct, frozen=True):
    """A password to have."""

    password: str


class AccountForm(msgspec.Struct, frozen=True):
    """A new account and its first workspace."""

    name: str
    workspace_name: str
    password: str


@blueprint.after_request
def hide_address(response: Response) -> Response:
    """Let no other site know the address of a page whose address is a secret."""
    response.headers["referrer-policy"] = "no-referrer"
    return response


@blueprint.errorhandler(NotFoundError)
def show_broken(error: NotFoundError) -> Response:
    """Show that a link does not work, and where to get another one."""
    return show("entrance/broken.html", 404, error=error)


@blueprint.get("/log-in")
@open_to_all
def show_log_in(error: PresageError | None = None) -> Response:
    """Show the form to log in."""
    return show("entrance/log_in.html", error=error)


@blueprint.post("/log-in")
@open_to_all
def log_in() -> BaseResponse:
    """Log in, and go on to the page that was asked for."""

    def act() -> BaseResponse:
        form, wanted = read_form(LogInForm), request.args.get("next", "")
        entry = sessions.log_in(form.email, form.password, device=get_device(), now=get_now(), ports=get_ports().accounts)
        return let_in(redirect(wanted if is_local_path(wanted) else url_for("pages.home.show_home"), 303), entry)

    return answer_form(act, show_log_in)


@blueprint.post("/log-out")
@without_workspace
def log_out() -> BaseResponse:
    """Log out."""
    return let_out(done(url_for("pages.entrance.show_log_in"), "You are logged out."))


@blueprint.get("/sign-up")
@open_to_all
def show_sign_up(error: PresageError | None = None) -> Response:
    """Show the form that asks for a link to sign up."""
    return show("entrance/sign_up.html", error=error)


@blueprint.post("/sign-up")
@open_to_all
def ask_for_account() -> BaseResponse:
    """Mail a link, and say so, whether or not the address has an account."""

    def act() -> BaseResponse:
        email = read_form(AddressForm).email
        links.ask_for_link(email, wanted="sign_up", client=get_device().address, now=get_now(), ports=get_ports().accounts)
        return show("entrance/sent.html", email=email, again=url_for("pages.entrance.show_sign_up"))

    return answer_form(act, show_sign_up)


@blueprint.get("/sign-up/<token>")
@open_to_all
def show_new_account(token: str, error: PresageError | None = None) -> Response:
    """Show the form of a new account."""
    link = links.open_link(token, "sign_up", now=get_now(), ports=get_ports().accounts)
    return show("entrance/new_account.html", error=error, email=link.email)


@blueprint.post("/sign-up/<token>")
@open_to_all
def create_account(token: str) -> BaseResponse:
    """Make the account and its workspace, and log it in."""

    def act() -> BaseResponse:
        wish = SignUp(**msgspec.structs.asdict(read_form(AccountForm)))
        entry = own_account.sign_up(token, wish, device=get_device(), now=get_now(), ports=get_ports().accounts)
        return let_in(done(url_for("pages.home.show_home"), f"Welcome, {wish.name}. This is your workspace."), entry)

    return answer_form(act, lambda error: show_new_account(token, error))


@blueprint.get("/forgotten-password")
@open_to_all
def show_forgotten(error: PresageError | None = None) -> Response:
    """Show the form that asks for a link to a new password."""
    return show("entrance/forgotten.html", error=error)


@blueprint.post("/forgotten-password")
@open_to_all
def ask_for_password() -> BaseResponse:
    """Mail a link, and say so, whether or not the address has an account."""

    def act() -> BaseResponse:
        email = read_form(AddressForm).email
        links.ask_for_link(email, wanted="reset", client=get_device().address, now=get_now(), ports=get_ports().accounts)
        return show("entrance/sent.html", email=email, again=url_for("pages.entrance.show_forgotten"))

    return answer_form(act, show_forgotten)


@blueprint.get("/reset/<token>")
@open_to_all
def show_reset(token: str, error: PresageError | None = None) -> Response:
    """Show the form of a new password."""
    link = links.open_link(token, "reset", now=get_now(), ports=get_ports().accounts)
    return show("entrance/reset.html", error=error, email=link.email)


@blueprint.post("/reset/<token>")
@open_to_all
def reset(token: str) -> BaseResponse:
    """Change the password, end all sessions, and log in."""

    def act() -> BaseResponse:
        password = read_form(PasswordForm).password
        entry = own_account.reset_password(token, password, device=get_device(), now=get_now(), ports=get_ports().accounts)
        return let_in(done(url_for("pages.home.show_home"), "Your password is changed. You are logged out everywhere else."), entry)

    return answer_form(act, lambda error: show_reset(token, error))
