// JupyterLab's side of the panel: one widget beside the notebooks, which follows the one that is active.
import { AGAIN, Page } from "./page.js";

const ID = "labkit-panel";
const START = "start"; // the key of the start page
const EXPLAIN = 'a[href$="#labkit-explain"]'; // a link that a cell prints under an error (labkit/jupyter/telling.py)
const NARROW = 900; // pixels of the window below which the panel stands under the notebook, not beside it

export async function plugin(shared) {
  const { INotebookTracker } = await shared("@jupyterlab/notebook");
  const { ILabShell, ILayoutRestorer } = await shared("@jupyterlab/application");
  const { ILauncher } = await shared("@jupyterlab/launcher").catch(() => ({})); // Notebook 7 has none
  const { ICommandPalette, MainAreaWidget, WidgetTracker } = await shared("@jupyterlab/apputils");
  const { ServerConnection } = await shared("@jupyterlab/services");
  const { Widget } = await shared("@lumino/widgets");

  function make() {
    const content = new Widget();
    content.node.style.overflow = "auto";
    const panel = new MainAreaWidget({ content });
    panel.id = ID;
    panel.title.label = "Lab";
    panel.title.caption = "Registry Lab: where your images are, and your progress";
    panel.title.closable = false;
    // Who clicks goes on typing where they typed, as with JupyterLab's own buttons: neither the browser moves the focus nor
    // MainAreaWidget, whose listener on this node comes after this one. Tab gets here as ever.
    const stay = (event) => {
      if (!event.target.closest("button, summary")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    panel.node.addEventListener("mousedown", stay, true);
    return panel;
  }

  // How the server is asked: with JupyterLab's token and its protection against forged requests.
  function server(settings) {
    return (path, body, signal) =>
      ServerConnection.makeRequest(
        `${settings.baseUrl}labkit/${path}`,
        body ? { method: "POST", body: JSON.stringify(body) } : { method: "GET", signal },
        settings,
      );
  }

  // Which notebook has which page. Asked until it is answered: without it there is no panel.
  async function pagesByFile(ask) {
    for (;;) {
      try {
        const answer = await ask("pages");
        return answer.ok ? await answer.json() : {};
      } catch {
        await new Promise((done) => setTimeout(done, AGAIN));
      }
    }
  }

  // JupyterLab is not restored before this returns, so it waits for nothing.
  function activate(app, notebooks, lab, restorer, palette, launcher) {
    if (!lab) return; // Notebook 7 shows one notebook and nothing beside it: there panel("03-push") shows a copy
    const ask = server(app.serviceManager.serverSettings);
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = `${app.serviceManager.serverSettings.baseUrl}labkit/panel.css`;
    document.head.append(style);
    const tracker = new WidgetTracker({ namespace: ID });
    const pages = new Map();
    let known = {}; // {file name of a notebook: key of its page}
    let panel = null;
    let shown = null;
    let restoring = true; // JupyterLab lays out what it remembers, this panel and its divider too

    function open() {
      if (panel && panel.isAttached) return;
      if (!panel) {
        panel = make();
        // "Close all tabs" closes it too; it comes back with the next lesson.
        panel.disposed.connect(() => {
          panel = null;
          if (shown) shown.hide();
          shown = null;
        });
      }
      const beside = notebooks.currentWidget && notebooks.currentWidget.isAttached ? { ref: notebooks.currentWidget.id } : {};
      const mode = window.innerWidth < NARROW ? "split-bottom" : "split-right";
      app.shell.add(panel, "main", { mode, activate: false, ...beside });
      if (!tracker.has(panel)) tracker.add(panel);
      if (!restoring) app.shell.collapseLeft(); // notebook and panel need the width
    }

    function show(key) {
      open();
      if (!pages.has(key)) pages.set(key, new Page(key, { app, ask, notebook: () => notebooks.currentWidget }));
      const page = pages.get(key);
      if (page === shown) return;
      if (shown) shown.hide();
      shown = page;
      panel.content.node.replaceChildren(page.node);
      page.show();
    }

    function follow() {
      const notebook = notebooks.currentWidget;
      if (notebook && notebook.isDisposed) return; // all tabs are being closed
      const key = notebook && known[notebook.context.path.split("/").pop()];
      if (key) show(key);
      else if (panel && !shown) show(START); // one that JupyterLab remembered, without a lesson
    }

    // What JupyterLab opens while the panel has the focus would cover it: it belongs among the notebooks.
    function alone() {
      if (restoring || !panel || !panel.isAttached) return;
      const areas = tabs(app.shell.saveLayout().mainArea?.dock?.main);
      const mine = areas.find((area) => area.includes(panel));
      const others = (mine || []).filter((widget) => widget !== panel);
      if (!others.length) return;
      const there = areas.find((area) => area !== mine && area.some((widget) => notebooks.has(widget))) || areas.find((area) => area !== mine);
      if (!there) return app.shell.add(panel, "main", { mode: "split-right", ref: others[0].id, activate: false });
      for (const widget of others) app.shell.add(widget, "main", { mode: "tab-after", ref: there[there.length - 1].id });
    }

    app.commands.addCommand("labkit:panel", {
      label: "Show the Lab Panel",
      execute: () => {
        open();
        if (!restoring) follow();
      },
    });
    // Who closed all tabs finds the way back here.
    app.commands.addCommand("labkit:start", {
      label: "Start Page",
      caption: "Open the course's start page",
      execute: () => {
        const path = Object.keys(known).find((file) => known[file] === START);
        return path && app.commands.execute("docmanager:open", { path });
      },
    });
    for (const command of ["labkit:panel", "labkit:start"]) if (palette) palette.addItem({ command, category: "Registry Lab" });
    if (launcher) launcher.add({ command: "labkit:start", category: "Notebook", rank: -1 }); // first of all, so in sight
    if (restorer) restorer.restore(tracker, { command: "labkit:panel", name: () => "panel" });
    document.addEventListener(
      "click",
      (event) => {
        const link = event.target.closest && event.target.closest(EXPLAIN);
        if (!link) return;
        event.preventDefault();
        event.stopPropagation();
        follow();
        if (shown) shown.explain(link);
      },
      true,
    );
    notebooks.currentChanged.connect(follow);
    app.shell.layoutModified.connect(alone);
    Promise.all([pagesByFile(ask), app.restored]).then(([found]) => {
      known = found;
      restoring = false;
      follow();
    });
  }

  return {
    id: "labkit-panel:plugin",
    description: "The panel of the exercise, beside its notebook.",
    autoStart: true,
    requires: [INotebookTracker],
    optional: [ILabShell, ILayoutRestorer, ICommandPalette, ILauncher].filter(Boolean),
    activate,
  };
}

// The widgets of each tab bar of a layout.
function tabs(area) {
  if (!area) return [];
  return area.type === "tab-area" ? [area.widgets] : area.children.flatMap(tabs);
}
