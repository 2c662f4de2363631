// Shows the HTML that the kernel renders (labkit/view/render.py), part by part, and sends clicks back. widget.py puts
// morphdom (vendor/) above this file.

const TYPING_PAUSE = 600; // milliseconds without a key before free text is kept
const SURE = 6000; // milliseconds that a "Really …?" stands

function morph(part, html) {
  const wanted = document.createElement("div");
  wanted.innerHTML = html; // escaped by the kernel's templates; never put together here
  morphdom(part, wanted, {
    childrenOnly: true,
    getNodeKey: (node) => (node.dataset ? node.dataset.key : undefined),
    onBeforeElUpdated: (from, to) => {
      if (from.isEqualNode(to)) return false;
      if (from.tagName === "DETAILS") to.open = from.open;
      if (from === document.activeElement && ["TEXTAREA", "SELECT"].includes(from.tagName)) return false;
      return true;
    },
    onBeforeNodeDiscarded: (node) => !(node.classList && node.classList.contains("lk-fly")),
  });
}

// A dot that moves along the arrow of a push, a pull or a start.
function fly(el, way) {
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const arrow of el.querySelectorAll(`[data-way="${CSS.escape(way)}"]`)) {
    const svg = "http://www.w3.org/2000/svg";
    const dot = document.createElementNS(svg, "circle");
    dot.setAttribute("class", "lk-fly");
    dot.setAttribute("r", "8");
    const motion = document.createElementNS(svg, "animateMotion");
    for (const [name, value] of Object.entries({ dur: "0.9s", repeatCount: "2", begin: "indefinite", path: arrow.getAttribute("d") }))
      motion.setAttribute(name, value);
    dot.append(motion);
    arrow.after(dot);
    motion.addEventListener("endEvent", () => dot.remove());
    setTimeout(() => dot.remove(), 4000); // where a hidden drawing tells of no end
    motion.beginElement();
  }
}

// JupyterLab's own commands, where JupyterLab is what shows this page.
function app() {
  return window.jupyterapp || (window.parent && window.parent.jupyterapp);
}

async function terminal(machine, say) {
  if (!app()) return say(`Type in a terminal: labkit shell ${machine}`);
  const widget = await app().commands.execute("terminal:create-new", {});
  if (machine === "workstation") return; // JupyterLab's terminals speak to the workstation as they are
  const session = widget.content.session;
  const type = () => session.send({ type: "stdin", content: [`labkit shell ${machine}\r`] });
  if (session.connectionStatus === "connected") return type();
  const once = (_, status) => {
    if (status !== "connected") return;
    session.connectionStatusChanged.disconnect(once);
    type();
  };
  session.connectionStatusChanged.connect(once);
}

function answered(form) {
  const kind = form.dataset.kind;
  if (kind === "order") return [...form.querySelectorAll("[data-letter]")].map((item) => item.dataset.letter).join("");
  if (kind === "match") return [...form.querySelectorAll("select")].map((select) => select.value || "-").join("");
  return [...form.querySelectorAll("input:checked")].map((input) => input.value).join("");
}

function move(button, step) {
  const item = button.closest("li");
  const other = step < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (other) step < 0 ? other.before(item) : other.after(item);
  button.focus();
}

function confirmed(button, say) {
  if (!button.dataset.confirm || button.dataset.sure) return true;
  const label = button.textContent;
  button.dataset.sure = "1";
  button.textContent = button.dataset.confirm;
  say(`${button.dataset.confirm} Press again to do it.`);
  setTimeout(() => {
    delete button.dataset.sure;
    button.textContent = label;
  }, SURE);
  return false;
}

function render({ model, el }) {
  el.classList.add("lk");
  const said = document.createElement("div");
  said.className = "lk-hidden";
  said.setAttribute("role", "status");
  const say = (text) => (said.textContent = text);
  const labels = model.get("labels");
  for (const name of model.get("shown")) {
    const part = document.createElement("section");
    part.className = `lk-part lk-part-${name}`;
    part.setAttribute("aria-label", labels[name]);
    part.dataset.part = name;
    if (name === "notice") part.setAttribute("role", "status");
    const show = () => morph(part, model.get(name));
    show();
    model.on(`change:${name}`, show);
    el.append(part);
  }
  el.append(said);
  model.on("msg:custom", (message) => {
    if (message.say) say(message.say);
    if (message.fly) fly(el, message.fly);
  });

  const mine = {
    open: (path) => (app() ? app().commands.execute("docmanager:open", { path }) : say(`Open ${path}`)),
    terminal: (machine) => terminal(machine, say),
    up: (_, button) => move(button, -1),
    down: (_, button) => move(button, 1),
  };
  el.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do], [data-ui]");
    if (!button || !el.contains(button)) return;
    if (button.dataset.ui) return mine[button.dataset.ui](button.dataset.arg, button);
    if (confirmed(button, say)) model.send({ do: button.dataset.do, arg: button.dataset.arg || "" });
  });
  el.addEventListener("submit", (event) => {
    event.preventDefault();
    model.send({ do: "answer", arg: event.target.dataset.quiz, text: answered(event.target) });
  });
  let typing;
  const keep = (area) => model.send({ do: "reflect", arg: "", text: area.value });
  el.addEventListener("input", (event) => {
    if (!event.target.dataset.reflect) return;
    clearTimeout(typing);
    typing = setTimeout(keep, TYPING_PAUSE, event.target);
  });
  el.addEventListener("focusout", (event) => {
    if (!event.target.dataset.reflect) return;
    clearTimeout(typing);
    keep(event.target);
  });
  // JupyterLab's one-letter keys, its arrows and its Enter must not act on what is typed or chosen here; it listens further up.
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    event.stopPropagation();
    const cell = el.closest(".jp-Cell");
    if (event.key === "Escape" && cell) cell.focus(); // back to the notebook's own keys
  });
}

export default { render };
