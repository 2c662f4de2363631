// The live parts of a page: takes each new state from the server and changes only what differs, so that focus and scrolling stay.
"use strict";
const live = document.getElementById("live");
if (live) {
  const board = document.getElementById(live.dataset.target ?? "board");
  const keyed = (root) => new Map([...root.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one]));
  const same = (a, b) => a.isEqualNode(b);

  // The order of keys is the page's: a child is looked at where its parent differs in nothing but its children.
  const change = (old, fresh) => {
    if (same(old, fresh)) return;
    const before = keyed(old), after = keyed(fresh);
    const inner = [...after.keys()].filter((key) => !after.get(key).querySelector("[data-key]"));
    const alike = before.size === after.size && [...after.keys()].join() === [...before.keys()].join();
    if (alike) for (const key of inner) if (!same(before.get(key), after.get(key))) before.get(key).replaceWith(after.get(key).cloneNode(true));
    if (!same(old, fresh)) old.replaceChildren(...fresh.cloneNode(true).childNodes);
  };

  const show = (html) => {
    const focus = document.activeElement?.dataset?.focus;
    const scroll = board.querySelector(".scroll")?.scrollLeft ?? 0;
    const fresh = board.cloneNode(false);
    const page = new DOMParser().parseFromString(html, "text/html");
    fresh.append(...page.body.childNodes);
    change(board, fresh);
    const pane = board.querySelector(".scroll");
    if (pane) pane.scrollLeft = scroll;
    if (focus && document.activeElement?.dataset?.focus !== focus) board.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  };

  const source = new EventSource(live.dataset.stream);
  const say = (text) => { if (live.textContent !== text) live.textContent = text; };
  source.onopen = () => say("● Live");
  source.onmessage = (event) => { say("● Live"); show(JSON.parse(event.data)); };
  source.onerror = () => say(source.readyState === EventSource.CLOSED ? "○ You are signed out here. Reload this page." : "○ The connection is lost. Trying again…");
  source.addEventListener("problem", (event) => say(`○ Nothing new comes: ${JSON.parse(event.data)}`));
}

// Where the machine's network changes, a browser gives up requests: a terminal whose scripts did not arrive is asked for again.
addEventListener("load", () => {
  const terminal = document.getElementById("terminal"), TRIES = 3;
  if (!terminal) return;
  const tries = Number(sessionStorage.getItem("tries") ?? 0);
  sessionStorage.removeItem("tries");
  if (terminal.childElementCount) return;
  if (tries >= TRIES) { document.getElementById("terminal-state").textContent = "○ A part of this page did not arrive. Reload this page."; return; }
  sessionStorage.setItem("tries", tries + 1);
  location.reload();
});
