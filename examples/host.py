#!/usr/bin/env python3
"""A host application in one file: people sign in with a password, then with a code that Rekey checks.

It needs Python 3.9 and openssl 3, and nothing else. docs/hosts.md says how to start it. What a host must get right:

* a person is in only when Rekey said "accepted"; on every "refused", and when Rekey cannot be reached, they are not;
* keys and recovery codes are shown once and kept nowhere, and pages that show them are not cached;
* an assertion is signed only for somebody who has just given the password here.
"""

import base64
import hashlib
import html
import http.cookies
import http.server
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

REKEY = os.environ.get("REKEY_URL", "http://127.0.0.1:8080")  # its public URL, as its configuration has it
HOST_ID = os.environ["REKEY_HOST_ID"]  # "id" of rekey client add
TOKEN = os.environ["REKEY_HOST_TOKEN"]  # "token" of rekey client add
KEY = os.environ.get("REKEY_HOST_KEY", "host.pem")  # its public half is registered at Rekey
PORT = int(os.environ.get("PORT", "8000"))


# --- The people of this application. Yours are in a database.

def scrypt(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


SALT = secrets.token_bytes(16)
PASSWORD_CHANGED_AT = 1767225600  # 2026-01-01: Rekey asks since when the password is what it is
PEOPLE = {
    "ada": {"email": "ada@example.com", "name": "Ada Lovelace", "phone": "+44 20 7946 0000",
            "password": scrypt("analytical engine", SALT)},
}
NOBODY = secrets.token_bytes(64)


def is_password(name, password):
    """Takes the same time whether there is such a person or not."""
    kept = PEOPLE[name]["password"] if name in PEOPLE else NOBODY
    return secrets.compare_digest(scrypt(password, SALT), kept)


# --- What is said to Rekey.

class Unavailable(Exception):
    """Rekey gave no answer that decides anything."""


def rekey(method, path, body=None, token=TOKEN, assertion=None):
    """The status and the JSON of an answer; problems (RFC 9457) are answers too."""
    request = urllib.request.Request(f"{REKEY}/api/v1{path}", method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if assertion:
        request.add_header("Rekey-Assertion", assertion)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as problem:
        if problem.code >= 500:
            raise Unavailable from problem
        return problem.code, json.loads(problem.read())
    except OSError as error:
        raise Unavailable from error


def account(name, call=""):
    return f"/accounts/{urllib.parse.quote(name, safe='')}{call}"


def put_people():
    """Rekey learns who there is. An equal PUT changes nothing, so this may run at every start."""
    for name, person in PEOPLE.items():
        facts = {field: person[field] for field in ("email", "name", "phone")}
        status, answer = rekey("PUT", account(name), facts)
        if status not in (200, 201):
            sys.exit(f"Rekey did not take {name}: {answer['detail']}")


def assertion(name, auth_time):
    """A JWT, good for a minute and for one use: this person has given the password here at that time."""
    now = int(time.time())
    header = {"alg": "EdDSA", "typ": "rekey-assertion+jwt"}
    claims = {"iss": HOST_ID, "aud": REKEY, "sub": name, "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(16),
              "auth_time": auth_time, "amr": ["pwd"], "pwd_at": PASSWORD_CHANGED_AT}
    message = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    with tempfile.NamedTemporaryFile() as file:  # openssl 3.0 signs Ed25519 from files alone
        file.write(message.encode())
        file.flush()
        sign = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", KEY, "-in", file.name]
        signature = subprocess.run(sign, check=True, stdout=subprocess.PIPE).stdout
    return f"{message}.{base64url(signature)}"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# --- The pages. A session is a dict: who gave the password, when, and whether a code has let them in.

SESSIONS = {}
REFUSED = {
    "wrong": "That code is not right. Type the one that your app shows now.",
    "used": "That code was used already. Wait for the next one.",
    "locked": "Codes are not taken for now. Wait a while, or ask for help.",
    "off": "Codes are switched off after too many wrong ones. Ask for help.",
    "inactive": f"The code is right, but the new key is not live yet: activate it on the page of your ticket, {REKEY}/tickets.",
}


def field(label, name, kind="text"):
    return f'<p><label>{label} <input name="{name}" type="{kind}" autocomplete="off"></label></p>'


def form(to, button, *fields):
    return f'<form method="post" action="{to}">{"".join(fields)}<p><button>{button}</button></p></form>'


def codes_once(codes):
    listed = "".join(f"<li>{html.escape(code)}</li>" for code in codes)
    return f"<h2>Your recovery codes</h2><p>Each works once. They are not shown again.</p><ol>{listed}</ol>"


def home(session, said="", shown=""):
    """The page of whoever asks; `said` is text, `shown` is HTML."""
    told = f"<p role=alert>{html.escape(said)}</p>" if said else ""
    if not session:
        return told + form("/sign-in", "Sign in", field("Name", "name"), field("Password", "password", "password"))
    if not session["is_in"]:
        return (told + form("/code", "Go on", field("Code of your app", "code"))
                + form("/code", "Use a recovery code", field("Recovery code", "recovery_code"))
                + form("/help", "My codes do not work"))
    status, found = rekey("GET", account(session["name"]))
    state = found["two_factor"]["state"] if status == 200 else "unknown"
    page = f"<h1>Hello {html.escape(session['name'])}</h1>{told}{shown}<p>Two-factor authentication: {state}</p>"
    if state == "on":
        page += form("/recovery-codes", "New recovery codes", field("Code of your app", "code"))
        page += form("/two-factor/off", "Turn off", field("Code of your app", "code"))
    else:
        page += form("/two-factor", "Turn on")
    return page + form("/sign-out", "Sign out")


def sign_in(session, given):
    name = given.get("name", "").strip().lower()
    if not is_password(name, given.get("password", "")):
        return None, home(None, "Name or password are not right.")
    status, found = rekey("GET", account(name))
    if status != 200:
        raise Unavailable
    # "off" and "pending" are known to have no second factor. Everything else is asked for a code.
    is_in = found["two_factor"]["state"] in ("off", "pending")
    session = {"name": name, "auth_time": int(time.time()), "is_in": is_in, "ticket": None}
    return session, home(session)


def code(session, given):
    """The second step. Only "accepted" lets in."""
    if given.get("recovery_code"):
        attempt = {"recovery_code": given["recovery_code"]}
    else:
        attempt = {"code": given.get("code", ""), "first_factor": "password", "password_changed_at":
                   time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(PASSWORD_CHANGED_AT))}
    status, verdict = rekey("POST", account(session["name"], "/codes/verify"), attempt)
    if status != 200:
        return session, home(session, verdict["detail"])
    if verdict["result"] != "accepted":
        return session, home(session, REFUSED.get(verdict["reason"], "That did not work."))
    session = {**session, "is_in": True}
    # They come along where this was the first code of a key that a ticket sent: the key is live now.
    new = verdict.get("recovery_codes")
    return session, home(session, shown=codes_once(new) if new else "")


def turn_on(session, given):
    status, key = rekey("POST", account(session["name"], "/authenticator"), {})
    if status != 201:
        return session, home(session, key["detail"])
    confirm = form("/two-factor/confirm", "Confirm", field("Code of your app", "code"))
    return session, f"<p>Scan this:</p>{key['qr_svg']}<p>or type: <code>{key['secret']}</code></p>{confirm}"


def call_with_code(method, call):
    """A page that sends a code along, and shows the recovery codes of the answer."""
    def handle(session, given):
        status, answer = rekey(method, account(session["name"], call), {"code": given.get("code", "")})
        if status >= 400:
            return session, home(session, answer["detail"])
        return session, home(session, shown=codes_once(answer["recovery_codes"]) if answer else "")
    return handle


def ask_for_help(session, given):
    """A ticket for somebody whose password was right and whose codes are not: no letter has to prove them."""
    if not session["ticket"]:
        body = {"account": session["name"], "problem": "not_set_up_correctly", "message": given.get("message", "")}
        signed = assertion(session["name"], session["auth_time"])
        status, ticket = rekey("POST", "/tickets", body, token=None, assertion=signed)
        if status != 202:
            return session, home(session, ticket["detail"])
        session["ticket"] = {"reference": ticket["reference"], "token": ticket["token"]}
    reference = session["ticket"]["reference"]
    _, seen = rekey("GET", f"/tickets/{reference}", token=session["ticket"]["token"])
    return session, (f"<h1>Your ticket {html.escape(reference)}</h1><p>{html.escape(seen['next'])}</p>"
                     f'<p>Go on at the <a href="{html.escape(REKEY)}/tickets">help desk</a>.</p>')


ANYBODY = {"/sign-in": sign_in}
AFTER_PASSWORD = {"/code": code, "/help": ask_for_help, "/sign-out": lambda session, given: (None, home(None))}
AFTER_CODE = {
    "/two-factor": turn_on,
    "/two-factor/confirm": call_with_code("POST", "/authenticator/confirm"),
    "/two-factor/off": call_with_code("DELETE", "/authenticator"),
    "/recovery-codes": call_with_code("POST", "/recovery-codes"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def session_id(self):
        cookies = http.cookies.SimpleCookie(self.headers.get("Cookie", ""))
        return cookies["session"].value if "session" in cookies else ""

    def do_GET(self):
        self.answer(lambda session: (session, home(session)))

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length") or 0), 65536)
        given = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode(errors="replace")))

        def handle(session):
            action = ANYBODY.get(self.path)
            if session:
                action = action or AFTER_PASSWORD.get(self.path)
                action = action or (AFTER_CODE.get(self.path) if session["is_in"] else None)
            return action(session, given) if action else (session, home(session))
        self.answer(handle)

    def answer(self, handle):
        former = self.session_id()
        before = SESSIONS.get(former)
        try:
            status, (session, page) = 200, handle(before)
        except Unavailable:
            status, session, page = 503, before, "<p>Sign-in is not possible just now. Try again in a minute.</p>"
        self.send_response(status)
        if session is not before:  # somebody came in, went further, or left: the session gets another name
            SESSIONS.pop(former, None)
            fresh = secrets.token_urlsafe(32)
            if session:
                SESSIONS[fresh] = session
            # SameSite: other sites' forms come without it. Add "; Secure" wherever this is served over TLS.
            self.send_header("Set-Cookie", f"session={fresh if session else ''}; HttpOnly; SameSite=Strict; Path=/")
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(f"<!doctype html><html lang=en><title>Shop</title><main>{page}</main></html>".encode())

    def log_message(self, *_):
        pass  # paths and forms stay out of logs


if __name__ == "__main__":
    if sys.argv[1:2] == ["assertion"]:  # host.py assertion ada: one on standard output, to try the API with
        print(assertion(sys.argv[2], int(time.time())))
    else:
        put_people()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
