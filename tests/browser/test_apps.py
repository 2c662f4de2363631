"""A deployed app's page in a browser: it opens from the panel, and reaches nothing of JupyterLab's."""

import json
import re
from urllib.parse import urlsplit

import pytest
from helpers import ATTEMPT, labkit_json, shell

from labkit.lab.apps import address

HOSTILE = """mkdir -p /www/cgi-bin
printf '#!/bin/sh\\necho Content-Type: text/plain; echo; env' >/www/cgi-bin/env
chmod +x /www/cgi-bin/env; exec httpd -f -p 80 -h /www"""

ATTACK = """async jupyter => {
  ATTEMPT
  await attempt('cookies', () => document.cookie);
  await attempt('read', async () => (await fetch(`${jupyter}/api/contents`, {credentials: 'include'})).status);
  await attempt('blind', async () => (await fetch(`${jupyter}/api/contents`, {credentials: 'include', mode: 'no-cors'})).type);
  await attempt('click', async () =>
    (await fetch(`${jupyter}/labkit/pages/start`, {method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"do": "stop"}'})).type);
  await attempt('socket', () => new Promise((done, fail) => {
    const one = new WebSocket(`${jupyter.replace('http', 'ws')}/api/events/subscribe`);
    one.onopen = () => done('open'); one.onerror = fail }));
  await attempt('frame', () => new Promise((done, fail) => {
    document.addEventListener('securitypolicyviolation', (event) => fail(event));
    const one = document.createElement('iframe'); one.src = `${jupyter}/lab`; one.onload = () => done('shown'); document.body.append(one) }));
  await attempt('script', () => new Promise((done, fail) => {
    const one = document.createElement('script'); one.src = `${jupyter}/labkit/pages`;
    one.onload = () => done('run'); one.onerror = fail; document.body.append(one) }));
  told.own = (await fetch('/cgi-bin/env')).status;
  return told;
}""".replace("ATTEMPT", ATTEMPT)


@pytest.fixture
def shown(fresh, jupyterlab, tmp_path):
    """The address of a service's page, shown by JupyterLab's own process, and JupyterLab's address."""
    file = tmp_path / "app.sh"
    file.write_text(HOSTILE)
    words = f'docker service create --quiet --name evil busybox sh -c "$(cat {file})"'
    assert shell(fresh, words).returncode == 0
    told = labkit_json("status", "--json")
    return told["services"]["evil"]["page"], told["jupyter"]


@pytest.mark.attack(
    "pages",
    "a deployed app's page reads JupyterLab's cookies, calls it, sends it a form, or shows it in a frame",
    "it reaches nothing in JupyterLab, and no other page shows it in a frame",
)
def test_a_hostile_page_reaches_nothing_of_jupyterlab(shown, chromium):
    page_address, jupyter = shown
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto(jupyter)  # signed in: the browser now has JupyterLab's cookies
        page.wait_for_function("document.cookie.includes('_xsrf')")
        app = context.new_page()
        heard = app.goto(f"{page_address}cgi-bin/env")
        text = heard.text()
        assert "HTTP_HOST=evil.localhost" in text and "_xsrf" not in text and "username-" not in text
        base = "http://" + urlsplit(jupyter).netloc
        told = app.evaluate(ATTACK, base)
        assert told.pop("own") == 200 and told.pop("cookies") == ""
        assert set(told.values()) == {"refused"}, json.dumps(told)
        # A form may go only where the page itself comes from.
        refused = app.evaluate(
            """base => new Promise(done => {
                 setTimeout(() => done('nothing in 20 s'), 20_000);
                 document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
                 const form = document.createElement('form'); form.method = 'POST';
                 form.action = `${base}/labkit/pages/start`; document.body.append(form); form.submit() })""",
            base,
        )
        assert refused == "form-action" and app.url.startswith(page_address)
        # It may open JupyterLab, as any page may, but then holds nothing of it.
        with context.expect_page() as opening:
            app.evaluate("base => { window.opened = window.open(`${base}/lab`) }", base)
        opening.value.wait_for_load_state()  # a context that is closed while one of its pages opens may never be done
        app.wait_for_function("window.opened === null || window.opened.closed")
        # No page of another site may show it in a frame.
        page.evaluate(
            """address => { const one = document.createElement('iframe'); one.src = address;
                            one.onload = () => { window.loaded = true }; document.body.append(one) }""",
            page_address,
        )
        page.wait_for_function("window.loaded")
        page.main_frame.child_frames[-1].wait_for_url(re.compile("^chrome-error:"))
    finally:
        context.close()


def test_the_page_opens_from_the_panel(shown, chromium, fresh):
    page_address, jupyter = shown
    assert page_address == address.read(fresh.home).address("evil")
    context = chromium.new_context()
    try:
        page = context.new_page()
        base, token = jupyter.split("?")
        page.goto(f"{base}/tree/05-deploy.ipynb?{token}&reset")
        link = page.get_by_role("link", name="Open evil’s page")
        with context.expect_page() as opening:
            link.click()
        opened = opening.value
        opened.wait_for_load_state()
        assert opened.url == page_address
        assert opened.evaluate("window.opener === null && document.referrer === ''")
    finally:
        context.close()
