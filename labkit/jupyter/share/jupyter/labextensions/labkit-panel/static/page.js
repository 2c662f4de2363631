// A page of the panel: shows the HTML that the server renders (labkit/view/render.py), part by part, and posts clicks.
import { moved, watch } from "./picture.js";
import morphdom from "./vendor/morphdom/morphdom-esm.js";

const TYPING_PAUSE = 600; // milliseconds without a key before free text is kept
const SURE = 6000; // milliseconds that a "Really …?" stands
export const AGAIN = 1000; // milliseconds before a lost connection is tried again
const SILENCE = 40_000; // milliseconds without a line, not even an empty one (ALIVE in extension.py), that mean it is lost
const WARNING = 10 * 60_000; // milliseconds before the lab's end from which on it is told
const SHELL = /docker|^\s*(!|%%)/m; // cells whose output a command printed
const NEWEST = 10; // of these cells, so that a click stays below LARGEST in extension.py whatever they printed
const MOST = 32_000; // letters of a cell's output that are sent to be explained

export function morph(part, html) {
  const held = part.contains(document.activeElement) ? document.activeElement : null;
  const places = held ? ways(held) : [];
  const wanted = document.createElement("div");
  wanted.innerHTML = html; // escaped by the server's templates; never put together here
  morphdom(part, wanted, {
    childrenOnly: true,
    getNodeKey: (node) => (node.dataset ? node.dataset.key : undefined),
    onBeforeElUpdated: (from, to) => {
      if (from.isEqualNode(to)) return false;
      if (from.tagName === "DETAILS") to.open = from.open;
      if (from === document.activeElement && ["TEXTAREA", "SELECT"].includes(from.tagName)) return false;
      return true;
    },
  });
  if (!held || document.activeElement === held) return;
  const next = [held.isConnected && held, ...places.map((place) => part.querySelector(place))].find(Boolean);
  if (next) next.focus({ preventScroll: true });
}

// Where who types goes on if what had the focus moved or went with a change: the same button, or what stands for its check.
function ways(held) {
  const { do: act, ui, arg = "" } = held.dataset;
  const row = held.closest("li[data-key]");
  const found = [];
  if (act || ui) found.push(`[data-${act ? "do" : "ui"}="${CSS.escape(act || ui)}"][data-arg="${CSS.escape(arg)}"]`);
  if (row) found.push(`li[data-key="${CSS.escape(row.dataset.key)}"] summary`);
  return [...found, "button:not(:disabled), summary"];
}

// "This lab ends in …": in the last ten minutes, counted here, so that the server need tell nothing each minute.
function countdown(notice, say) {
  const left = Number(notice.dataset.ends) * 1000 - Date.now();
  const minutes = Math.ceil(left / 60_000);
  const told = minutes === 1 ? "less than a minute" : `${minutes} minutes`;
  const place = notice.querySelector("[data-left]");
  const hidden = left <= 0 || left > WARNING;
  if (hidden === notice.hidden && (hidden || place.textContent === told)) return;
  if (notice.hidden && !hidden) say(`This lab ends in ${told}.`);
  notice.hidden = hidden;
  place.textContent = told;
}

async function terminal(app, machine) {
  const widget = await app.commands.execute("terminal:create-new", {});
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

// The ends of what the notebook's cells printed: of the cell that holds `first`, then of the others, the one that ran last first.
function outputs(notebook, first) {
  const cells = [...(notebook ? notebook.content.widgets : [])].filter((cell) => cell.model.type === "code");
  const ran = cells.filter((cell) => cell.model.executionCount && SHELL.test(cell.model.sharedModel.source));
  const rank = (cell) => (first && cell.node.contains(first) ? Infinity : cell.model.executionCount);
  ran.sort((one, other) => rank(other) - rank(one));
  return ran.slice(0, NEWEST).map((cell) => {
    const told = cell.model.outputs.toJSON();
    const printed = told.map((output) => [output.text || ""].flat().join("")).join("");
    return (printed.trim() ? printed : told.map((output) => (output.traceback || []).join("\n")).join("")).slice(-MOST);
  });
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

// One exercise's page, or the start page. `ask` speaks to the server, `notebook` is the one that is active.
export class Page {
  constructor(key, { app, ask, notebook }) {
    this.key = key;
    this.app = app;
    this.ask = ask;
    this.notebook = notebook;
    this.node = document.createElement("div");
    this.node.className = "lk";
    this.node.dataset.page = key;
    this.said = document.createElement("div");
    this.said.className = "lk-hidden";
    this.said.setAttribute("role", "status");
    this.gone = document.createElement("div"); // why what is seen may be old
    this.gone.className = "lk-notice lk-bad";
    this.gone.setAttribute("role", "alert");
    this.gone.dataset.lost = "";
    this.gone.hidden = true;
    this.parts = new Map();
    this.node.append(this.gone, this.said);
    watch(this.node);
    this.listen();
  }

  show() {
    if (this.reading) return;
    this.reading = new AbortController();
    this.ticking = setInterval(() => this.tick(), 1000);
    this.read(this.reading.signal);
  }

  hide() {
    if (!this.reading) return;
    this.reading.abort();
    clearInterval(this.ticking);
    this.reading = null;
  }

  // Reads what the server tells, and begins anew where that ends. A connection that is cut once is no news: browsers cut them
  // all when the machine's network changes, as it does when a container starts.
  async read(hidden) {
    while (!hidden.aborted) {
      const why = await this.stream(hidden).catch(() => "JupyterLab's server does not answer.");
      if (hidden.aborted) return;
      if (this.cut) this.lost(why);
      this.cut = true;
      await new Promise((done) => setTimeout(done, AGAIN));
    }
  }

  // Reads one answer, a line a message, to its end. Returns why it ended.
  async stream(hidden) {
    const mine = new AbortController();
    const end = () => mine.abort();
    hidden.addEventListener("abort", end);
    let silence = setTimeout(end, SILENCE);
    try {
      const answer = await this.ask(`pages/${this.key}`, null, mine.signal);
      if (!answer.ok) return `JupyterLab's server refuses this page: ${answer.status} ${answer.statusText}.`;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      mine.signal.addEventListener("abort", () => reader.cancel().catch(() => {}));
      let rest = "";
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        clearTimeout(silence);
        silence = setTimeout(end, SILENCE);
        const lines = (rest + next.value).split("\n");
        rest = lines.pop();
        for (const line of lines) if (line.trim() && !hidden.aborted) this.told(JSON.parse(line));
      }
      return "JupyterLab's server has ended the connection.";
    } finally {
      clearTimeout(silence);
      hidden.removeEventListener("abort", end);
    }
  }

  // A panel that is told nothing must not look alive: it says why, and nothing in it can be clicked.
  lost(why) {
    // JupyterHub serves each learner below /user/; who has come through a classroom has no labkit up.
    const again = location.pathname.startsWith("/user/") ? "Go to My page in the classroom, and open JupyterLab there again." : "Start JupyterLab again (labkit up), and open the address that it prints.";
    this.warn(why && `${why} What you see below may be out of date. ${again}`);
    this.node.classList.toggle("lk-lost", Boolean(why));
    for (const part of this.parts.values()) part.inert = Boolean(why);
  }

  warn(text) {
    this.gone.hidden = !text;
    this.gone.textContent = text && `✗ ${text}`;
  }

  told(message) {
    if (message.shown) {
      this.cut = false;
      this.lay(message.shown, message.labels);
      this.lost("");
    }
    for (const [name, html] of Object.entries(message.parts || {})) morph(this.parts.get(name), html);
    if (message.parts) this.tick();
    if (message.parts && message.parts.tools && this.explaining) this.point();
    if (message.say) this.say(message.say);
    if (message.fly) moved(this.node, message);
  }

  tick() {
    for (const notice of this.node.querySelectorAll("[data-ends]")) countdown(notice, (text) => this.say(text));
  }

  lay(shown, labels) {
    for (const name of shown.filter((one) => !this.parts.has(one))) {
      const part = document.createElement("section");
      part.className = `lk-part lk-part-${name}`;
      part.setAttribute("aria-label", labels[name]);
      part.dataset.part = name;
      if (name === "notice") part.setAttribute("role", "status");
      this.parts.set(name, part);
      this.said.before(part);
    }
  }

  say(text) {
    this.said.textContent = text;
  }

  // Posts a click. One that does not arrive has the connection looked at, too.
  async send(what) {
    const answer = await this.ask(`pages/${this.key}`, what).catch(() => null);
    if (answer) return this.warn(answer.ok ? "" : `The click was refused: ${answer.status} ${answer.statusText}.`);
    this.lost("JupyterLab's server does not answer.");
    this.hide();
    this.show();
  }

  // Where what is opened from here belongs: among the notebooks.
  beside() {
    const notebook = this.notebook();
    return notebook ? { ref: notebook.id, mode: "tab-after" } : {};
  }

  // Explains what failed: in the cell that holds this link, or where there is none, in the one that failed last.
  explain(link) {
    this.explaining = Boolean(link);
    return this.send({ do: "explain", arg: "", printed: outputs(this.notebook(), link) });
  }

  // Brings the explanation in sight.
  point() {
    this.explaining = false;
    this.parts.get("tools").scrollIntoView({ block: "nearest" });
  }

  listen() {
    const mine = {
      open: (path) => this.app.commands.execute("docmanager:open", { path, options: this.beside() }),
      terminal: (machine) => terminal(this.app, machine),
      checks: () => this.parts.get("checks").scrollIntoView(),
      up: (_, button) => move(button, -1),
      down: (_, button) => move(button, 1),
    };
    this.node.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do], [data-ui]");
      if (!button) return;
      if (button.dataset.ui) return mine[button.dataset.ui](button.dataset.arg, button);
      if (!confirmed(button, (text) => this.say(text))) return;
      if (button.dataset.do === "explain") this.explain();
      else this.send({ do: button.dataset.do, arg: button.dataset.arg || "" });
    });
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      const { form } = event.target.dataset;
      if (form) return this.send({ do: form, arg: "", text: new FormData(event.target).get("text") });
      this.send({ do: "answer", arg: event.target.dataset.quiz, text: answered(event.target) });
    });
    let typing;
    const keep = (area) => this.send({ do: "reflect", arg: "", text: area.value });
    this.node.addEventListener("input", (event) => {
      if (!event.target.dataset.reflect) return;
      clearTimeout(typing);
      typing = setTimeout(keep, TYPING_PAUSE, event.target);
    });
    this.node.addEventListener("focusout", (event) => {
      if (!event.target.dataset.reflect) return;
      clearTimeout(typing);
      keep(event.target);
    });
    // JupyterLab's one-letter keys, its arrows and its Enter must not act on what is typed or chosen here.
    this.node.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.stopPropagation();
    });
  }
}
