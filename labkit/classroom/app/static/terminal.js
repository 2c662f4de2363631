// A terminal on a machine of a lab, over a WebSocket. The learner's window sets its size; others see it at that size.
"use strict";
const place = document.getElementById("terminal");
if (place) {
  const mine = place.dataset.mine === "yes", NOTHING = 0, WATCH = 1, TYPE = 2;
  const state = document.getElementById("terminal-state"), reader = document.getElementById("screen-reader");
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const spoken = localStorage.getItem("screen-reader") === "yes";
  const terminal = new Terminal({
    cursorBlink: true, fontSize: 16, scrollback: 5000, screenReaderMode: spoken, disableStdin: true,
    theme: { background: color("--back"), foreground: color("--front"), cursor: color("--front"), cursorAccent: color("--back"), selectionBackground: "#7799cc80" },
    minimumContrastRatio: 4.5,
  });
  const fit = new FitAddon.FitAddon();
  terminal.loadAddon(fit);
  terminal.open(place);
  terminal.textarea?.setAttribute("aria-label", place.dataset.label);

  // Tab belongs to the shell: F6 leaves the terminal.
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.key !== "F6") return true;
    if (event.type === "keydown") document.getElementById("after-terminal").focus();
    return false;
  });

  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}${place.dataset.socket}`);
  socket.binaryType = "arraybuffer";
  const say = (text) => { if (state.textContent !== text) state.textContent = text; };
  const encoder = new TextEncoder();
  let may = NOTHING;

  const resize = () => {
    if (!mine || socket.readyState !== WebSocket.OPEN) return;
    fit.fit();
    socket.send(JSON.stringify({ rows: terminal.rows, columns: terminal.cols }));
  };
  socket.onopen = resize;
  socket.onmessage = (event) => {
    if (typeof event.data !== "string") { terminal.write(new Uint8Array(event.data)); return; }
    const told = JSON.parse(event.data);
    may = told.may;
    terminal.options.disableStdin = may < TYPE;
    if (!mine) terminal.resize(told.columns, told.rows);
    say(mine ? "● Your terminal is open." : may === TYPE ? "● You see it and may type." : "● You see it. You may not type.");
  };
  socket.onclose = (event) => { terminal.options.disableStdin = true; say(`○ ${event.reason || "The connection is lost."} Reload this page to see how it stands.`); };
  terminal.onData((text) => { if (may === TYPE && socket.readyState === WebSocket.OPEN) socket.send(encoder.encode(text)); });
  terminal.onBinary((text) => { if (may === TYPE && socket.readyState === WebSocket.OPEN) socket.send(Uint8Array.from(text, (one) => one.charCodeAt(0))); });
  if (mine) new ResizeObserver(resize).observe(place);

  reader.checked = spoken;
  reader.onchange = () => { terminal.options.screenReaderMode = reader.checked; localStorage.setItem("screen-reader", reader.checked ? "yes" : "no"); };
  if (mine) terminal.focus();
}
