// What happens in the picture is seen happening: layers on their way, rows that come, change and go. Brief, and nothing of it where
// the reader wants no motion.

const TRAVEL = 900; // milliseconds from box to box
const APART = 140; // milliseconds between two layers
const MOST = 5; // layers that are shown of an image
const STAND_OUT = 2500; // milliseconds that a row which came or changed stands out
const LEAVE = 700; // milliseconds that a row takes to go
const KEPT = "labkit-focus"; // where the browser keeps whether Focus is on

let ghosts = 0;
const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const rows = (nodes) => [...nodes].filter((node) => node.classList && node.classList.contains("lk-row"));

// An image is built of a commit, pushed or pulled: {fly: "build" | "push" | "pull", from: box, to: box, layers: how many, letter, color}
export function moved(root, message) {
  if (calm()) return;
  const box = (key) => key && root.querySelector(`.lk-box[data-key="${CSS.escape(key)}"]`);
  const [from, to] = [box(message.from), box(message.to)];
  if (!from || !to) return;
  const layers = Math.min(message.layers || 1, MOST);
  for (let number = 0; number < layers; number++) travel(from, to, number * APART, (dot) => dot);
  if (message.letter)
    travel(from, to, layers * APART, (dot) => {
      dot.classList.add("lk-mark", `lk-c${Number(message.color)}`);
      dot.textContent = message.letter;
    });
  setTimeout(standOut, TRAVEL + layers * APART, to);
}

// A small thing that goes from one box to the other, in the panel's own frame so that it is drawn over both.
function travel(from, to, delay, dress) {
  const dot = document.createElement("span");
  dot.className = "lk-fly";
  dot.setAttribute("aria-hidden", "true");
  dress(dot);
  const [start, end] = [from, to].map((box) => box.getBoundingClientRect());
  const place = (area) => `${area.left + area.width / 2 - 8}px ${area.top + Math.min(area.height / 2, 40) - 8}px`;
  Object.assign(dot.style, { left: "0", top: "0" });
  document.body.append(dot);
  const motion = dot.animate([{ translate: place(start), opacity: 1 }, { translate: place(end), opacity: 1 }], {
    duration: TRAVEL,
    delay,
    easing: "ease-in-out",
    fill: "backwards",
  });
  motion.finished.finally(() => dot.remove());
}

function standOut(node) {
  if (!calm()) node.animate([{ backgroundColor: "var(--lk-new)" }, { backgroundColor: "var(--lk-new)", offset: 0.6 }, {}], STAND_OUT);
}

// What a row was, in its place, until it has faded.
function leave(row, box, next) {
  const ghost = row.cloneNode(true);
  for (const name of ["name", "mark", "state", "changed"]) delete ghost.dataset[name];
  ghost.dataset.key = `gone ${ghosts++}`; // so that morphdom makes nothing else of it
  ghost.className = "lk-gone";
  ghost.setAttribute("aria-hidden", "true");
  box.insertBefore(ghost, next && next.parentNode === box ? next : null);
  ghost.animate([{ opacity: 0.8 }, { opacity: 0, translate: "0 6px" }], LEAVE).finished.finally(() => ghost.remove());
}

// Has what changes in the picture under `root` stand out, and keeps Focus as it was left.
export function watch(root) {
  root.addEventListener("change", ({ target }) => {
    if (target.classList.contains("lk-focus")) localStorage.setItem(KEPT, target.checked ? "on" : "");
  });
  new MutationObserver((changes) => {
    const changed = new Set();
    for (const { type, target, addedNodes, removedNodes, nextSibling } of changes) {
      for (const node of addedNodes)
        if (node.querySelector) for (const toggle of node.querySelectorAll(".lk-focus")) toggle.checked = !!localStorage.getItem(KEPT);
      for (const row of rows(addedNodes)) changed.add(row);
      if (type === "attributes" && target.classList.contains("lk-row")) changed.add(target);
      if (!calm()) for (const row of rows(removedNodes)) if (!row.isConnected && target.isConnected) leave(row, target, nextSibling);
    }
    changed.forEach(standOut);
  }).observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-state", "data-mark"] });
}
