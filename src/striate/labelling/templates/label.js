// The page for labelling: shows the next image, sends each key press, shows the answer.
"use strict";

const KEYS = "1234567890abcefghijklmopqrstvwxy";  // without the keys of actions: d n u z
const SMALL = 200;  // pixels, up to which single pixels are shown
const element = (id) => document.getElementById(id);

let state = null;
let queue = [];
let again = false;
let sending = false;
let version = 0;  // of the state; an answer that is older than the last action is dropped
const ahead = [];  // pictures that are loaded in advance

function look() { return again ? "again" : "new"; }

async function ask(path, options) {
  const response = await fetch(path, options);
  let answer;
  try { answer = await response.json(); } catch { answer = { error: `the server said ${response.status}` }; }
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

async function act(action, label = "") {
  if (sending) return;
  const current = queue[0];
  if (!current && !["undo", "add"].includes(action)) return;
  sending = true;
  version += 1;
  try {
    const wish = { action, label, look: look(), index: current ? current.index : null };
    const answer = await ask("act", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(wish),
    });
    element("message").textContent = "";
    take(answer);
  } catch (error) {
    element("message").textContent = error instanceof TypeError
      ? "The server does not answer. Labels so far are saved; start it again and reload the page."
      : error.message;
  } finally {
    sending = false;
  }
}

async function refresh(keep) {
  const asked = version;
  try {
    const answer = await ask(`state?look=${look()}`);
    if (asked !== version) return;
    // The image that is being looked at stays.
    const current = queue[0];
    if (keep && current) {
      const newer = answer.queue.find((item) => item.index === current.index);
      answer.queue = [newer ?? current, ...answer.queue.filter((item) => item.index !== current.index)];
    }
    take(answer);
  } catch { /* the next key press says so */ }
}

function take(answer) {
  state = answer;
  queue = answer.queue;
  if (again && !queue.length && !answer.n_disputed) { again = false; refresh(false); }
  show();
}

function show() {
  const current = queue[0];
  const { n_labels, n_images, n_not_sure } = state;
  element("progress").textContent = `${n_labels} of ${n_images} images labelled` +
    (n_not_sure ? `, ${n_not_sure} not sure` : "");
  showPicture(current);
  showClasses(current);
  showLearned();
  element("question").textContent = again && current
    ? `The label is "${current.label}". Press its key to keep it, or another one.` : "";
  element("accept").disabled = !(current && current.guess);
  for (const id of ["skip", "unsure"]) element(id).disabled = !current;
  element("n-disputed").textContent = state.n_disputed;
  element("again").disabled = !state.n_disputed && !again;
  element("again").setAttribute("aria-pressed", String(again));
}

function showPicture(current) {
  const picture = element("picture");
  picture.hidden = !current;
  element("name").textContent = current ? current.name : "All images are labelled.";
  element("guess").textContent = current && current.guess
    ? `guess: ${current.guess} (${Math.round(100 * current.probability)}%)` : "";
  if (!current) return;
  const source = `picture/${current.index}`;
  if (picture.getAttribute("src") !== source) {
    picture.setAttribute("src", source);
    picture.alt = current.name;
  }
  ahead.length = 0;
  for (const item of queue.slice(1, 6)) {
    const next = new Image();
    next.src = `picture/${item.index}`;
    ahead.push(next);
  }
}

function showClasses(current) {
  const box = element("classes");
  const shown = JSON.stringify([state.classes, current ? current.guess : null, !current]);
  if (box.dataset.shown === shown) return;  // buttons keep the focus
  box.dataset.shown = shown;
  box.replaceChildren(...state.classes.map((each, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.disabled = !current;
    button.classList.toggle("guess", Boolean(current) && current.guess === each.name);
    if (KEYS[i]) {
      const key = document.createElement("kbd");
      key.textContent = KEYS[i].toUpperCase();
      button.append(key);
    }
    for (const kind of ["name", "count"]) {
      const part = document.createElement("span");
      part.className = kind;
      part.textContent = each[kind];
      button.append(part);
    }
    button.addEventListener("click", () => act("label", each.name));
    return button;
  }));
}

function showLearned() {
  const { accuracy, curve, n_learned, classes } = state;
  let text = "";
  if (classes.length < 2) text = "Add at least two classes.";
  else if (!n_learned) text = "The classifier learns from the first labels of two classes.";
  else if (accuracy === null) text = `Learned from ${n_learned} labels.`;
  else {
    text = `Accuracy on labels that were held out: ${(100 * accuracy).toFixed(1)}%, from ${n_learned} ` +
      "labels. Images are chosen because they are hard, so that others are easier.";
  }
  element("accuracy").textContent = text;
  element("curve").style.display = curve.length > 1 ? "" : "none";
  if (curve.length > 1) {
    const last = curve[curve.length - 1][0];
    const points = curve.map(([n, share]) => `${(200 * n / last).toFixed(1)},${(60 - 58 * share).toFixed(1)}`);
    element("curve").firstElementChild.setAttribute("points", points.join(" "));
  }
}

function toggleAgain() {
  again = !again;
  version += 1;
  refresh(false);
}

const ACTIONS = {
  " ": () => act("skip"),
  u: () => act("not sure"),
  z: () => act("undo"),
  Backspace: () => act("undo"),
  d: toggleAgain,
  n: () => element("new-class").focus(),
  Enter: () => { if (queue[0] && queue[0].guess) act("label", queue[0].guess); },
};

document.addEventListener("keydown", (event) => {
  if (!state || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.target.tagName === "INPUT") {
    if (key === "Escape") event.target.blur();
    return;
  }
  // A button that has the focus is pressed by these keys.
  if (event.target.tagName === "BUTTON" && (key === "Enter" || key === " ")) return;
  const place = KEYS.indexOf(key);
  if (key.length === 1 && place >= 0 && state.classes[place]) {
    event.preventDefault();
    act("label", state.classes[place].name);
  } else if (ACTIONS[key]) {
    event.preventDefault();
    ACTIONS[key]();
  }
});

element("picture").addEventListener("load", (event) => {
  const { naturalWidth, naturalHeight } = event.target;
  event.target.classList.toggle("small", Math.max(naturalWidth, naturalHeight) <= SMALL);
});
element("picture").addEventListener("error", () => {
  element("message").textContent = "This image has vanished or cannot be read. Skip it.";
});
element("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = element("new-class");
  if (!input.value.trim()) return;
  await act("add", input.value);
  if (!element("message").textContent) {
    input.value = "";
    input.blur();
  }
});
element("accept").addEventListener("click", ACTIONS.Enter);
element("skip").addEventListener("click", ACTIONS[" "]);
element("unsure").addEventListener("click", ACTIONS.u);
element("undo").addEventListener("click", ACTIONS.z);
element("again").addEventListener("click", toggleAgain);
element("focus-new").addEventListener("click", ACTIONS.n);

// What was learned meanwhile.
setInterval(() => { if (!sending && document.visibilityState === "visible") refresh(true); }, 2000);
refresh(false);
