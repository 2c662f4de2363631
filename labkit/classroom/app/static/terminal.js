// A terminal on a machine of a lab, over a WebSocket. The learner's window sets its size; others see it at that size.
"use strict";
const place = document.getElementById("terminal");
if (place && window.Terminal && window.FitAddon) {  // what did not arrive, classroom.js asks for again
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
  const say = (text) => { if (state.textContent !== text) state.textContent = text; };
  const encoder = new TextEncoder(), REFUSED = 4403, ENDED = 4000, TRIES = 8;
  let may = NOTHING, socket, tries = 0;

  const resize = () => {
    if (!mine || socket.readyState !== WebSocket.OPEN) return;
    fit.fit();
    socket.send(JSON.stringify({ rows: terminal.rows, columns: terminal.cols }));
  };
  const type = (data) => { if (may === TYPE && socket.readyState === WebSocket.OPEN) socket.send(data); };
  const lost = (why) => say(`○ ${why} Reload this page to see how it stands.`);

  // A connection that is lost is made again; what was printed so far comes anew with it.
  const connect = () => {
    socket = new WebSocket(`${scheme}//${location.host}${place.dataset.socket}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { terminal.reset(); resize(); };
    socket.onmessage = (event) => {
      if (typeof event.data !== "string") { terminal.write(new Uint8Array(event.data)); return; }
      const told = JSON.parse(event.data);
      may = told.may; tries = 0;
      terminal.options.disableStdin = may < TYPE;
      if (!mine) terminal.resize(told.columns, told.rows);
      say(mine ? "● Your terminal is open." : may === TYPE ? "● You see it and may type." : "● You see it. You may not type.");
    };
    socket.onclose = (event) => {
      terminal.options.disableStdin = true;
      if (event.code === REFUSED || event.code === ENDED) return lost(event.reason);
      if (tries++ >= TRIES) return lost("The connection is lost.");
      say("○ The connection is lost. Trying again…");
      setTimeout(connect, 1000);
    };
  };
  connect();
  terminal.onData((text) => type(encoder.encode(text)));
  terminal.onBinary((text) => type(Uint8Array.from(text, (one) => one.charCodeAt(0))));
  if (mine) new ResizeObserver(resize).observe(place);

  reader.checked = spoken;
  reader.onchange = () => { terminal.options.screenReaderMode = reader.checked; localStorage.setItem("screen-reader", reader.checked ? "yes" : "no"); };
  if (mine) terminal.focus();
}
