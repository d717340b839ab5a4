// The page for labelling: shows the next image, sends each key press, shows the answer.
"use strict";

const KEYS = "1234567890abcefghijklopqrstvwxy";  // without the keys of actions: d m n u z
const SMALL = 200;  // pixels, up to which single pixels are shown
const MOST_COLUMNS = 8;  // of the confusion matrix
const element = (id) => document.getElementById(id);

let state = null;
let queue = [];
let again = false;
let sending = false;
let version = 0;  // of the state; an answer that is older than the last action is dropped
let mapped = false;  // whether the map is shown
let clusters = [];
let chosen = 0;
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
  showExpected();
  showConfusion();
  element("curve").style.display = curve.length > 1 ? "" : "none";
  if (curve.length > 1) {
    const last = curve[curve.length - 1][0];
    const points = curve.map(([n, share]) => `${(200 * n / last).toFixed(1)},${(60 - 58 * share).toFixed(1)}`);
    element("curve").firstElementChild.setAttribute("points", points.join(" "));
  }
}

function percent(share) { return `${(100 * share).toFixed(0)}%`; }

function showExpected() {
  const { expected } = state;
  element("expected").textContent = !expected ? "" :
    `With ${expected.n_labels} labels, ${percent(expected.accuracy)} are to be expected ` +
    `(${percent(expected.low)} to ${percent(expected.high)}), if mistakes go on becoming fewer as they did.`;
}

function showConfusion() {
  const { confusion } = state;
  element("confused").hidden = !confusion;
  if (!confusion) return;
  const { classes, counts } = confusion;
  const table = element("confusion");
  const shown = JSON.stringify(confusion);
  if (table.dataset.shown === shown) return;
  table.dataset.shown = shown;
  const pairs = [];
  counts.forEach((row, i) => row.forEach((n, j) => { if (i !== j && n) pairs.push([n, i, j]); }));
  pairs.sort((a, b) => b[0] - a[0]);
  const fits = classes.length <= MOST_COLUMNS;
  table.hidden = !fits;
  const cell = (tag, text, kind = "") => {
    const made = document.createElement(tag);
    made.textContent = text;
    made.className = kind;
    made.title = text;
    return made;
  };
  const line = (cells) => { const made = document.createElement("tr"); made.append(...cells); return made; };
  table.replaceChildren();
  if (fits) {
    table.append(line([cell("th", "label \\ guess"), ...classes.map((name) => cell("th", name))]));
    counts.forEach((row, i) => table.append(line([
      cell("th", classes[i]), ...row.map((n, j) => cell("td", n, i !== j && n ? "mistake" : ""))])));
  }
  element("mistakes").textContent = !pairs.length ? "No held-out label was mistaken." : "Most often: " +
    pairs.slice(0, 3).map(([n, i, j]) => `${classes[i]} taken for ${classes[j]} (${n})`).join(", ") + ".";
}

function toggleAgain() {
  again = !again;
  version += 1;
  refresh(false);
}

async function toggleMap() {
  mapped = !mapped;
  element("map").hidden = !mapped;
  document.querySelector("main").hidden = mapped;
  element("map-message").textContent = "";
  if (mapped) await loadMap();
  else refresh(false);
}

async function loadMap() {
  try {
    const answer = await ask("map");
    clusters = answer.clusters;
    state.classes = answer.classes;
    showMap();
  } catch (error) { element("map-message").textContent = error.message; }
}

async function actOnMap(action, label = "") {
  if (sending) return;
  sending = true;
  version += 1;
  try {
    state = await ask("act", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ action, label, look: look(), index: chosen }),
    });
    queue = state.queue;
    element("map-message").textContent = "";
    show();
    await loadMap();
  } catch (error) {
    element("map-message").textContent = error instanceof TypeError
      ? "The server does not answer. Labels so far are saved; start it again and reload the page."
      : error.message;
  } finally {
    sending = false;
  }
}

function choose(i) {
  if (!clusters.length) return;
  chosen = Math.max(0, Math.min(clusters.length - 1, i));
  const cards = element("clusters").children;
  for (const [k, card] of [...cards].entries()) card.setAttribute("aria-pressed", String(k === chosen));
  if (document.activeElement !== cards[chosen]) cards[chosen].focus();
}

function showMap() {
  const box = element("clusters");
  const some = JSON.stringify(clusters.map((each) => each.images));
  if (box.dataset.shown !== some) {
    box.dataset.shown = some;
    box.replaceChildren(...clusters.map((each, k) => {
      const card = document.createElement("button");
      card.type = "button";
      const pictures = document.createElement("div");
      pictures.className = "pictures";
      pictures.append(...each.images.map((index) => {
        const picture = document.createElement("img");
        picture.src = `picture/${index}?size=small`;
        picture.alt = "";
        picture.loading = "lazy";
        return picture;
      }));
      card.append(pictures, document.createElement("span"), document.createElement("span"));
      card.lastElementChild.className = "quiet";
      card.addEventListener("click", () => choose(k));
      card.addEventListener("focus", () => { if (chosen !== k) choose(k); });
      return card;
    }));
  }
  clusters.forEach((each, k) => {
    const [, first, second] = box.children[k].children;
    const labels = each.labels.map(({ name, count }) => `${count} ${name}`).join(", ");
    first.textContent = each.n_open ? `${each.n_open} of ${each.n_images} without a label` : `${each.n_images} images, done`;
    second.textContent = [labels, each.guess && each.n_open ? `guess: ${each.guess} (${percent(each.probability)})` : ""]
      .filter(Boolean).join("; ");
  });
  element("map-help").hidden = !clusters.length;
  if (!clusters.length) element("map-message").textContent = "The clusters are not found yet; come back in a moment.";
  element("map-classes").replaceChildren(...state.classes.map((each, i) => {
    const button = document.createElement("button");
    button.type = "button";
    if (KEYS[i]) {
      const key = document.createElement("kbd");
      key.textContent = KEYS[i].toUpperCase();
      button.append(key);
    }
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = each.name;
    button.append(name);
    button.addEventListener("click", () => actOnMap("label cluster", each.name));
    return button;
  }));
  choose(chosen);
}

const MAP_ACTIONS = {
  z: () => actOnMap("undo"),
  Backspace: () => actOnMap("undo"),
  m: toggleMap,
  Escape: toggleMap,
  ArrowLeft: () => choose(chosen - 1),
  ArrowRight: () => choose(chosen + 1),
};

const ACTIONS = {
  m: toggleMap,
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
  if (mapped) {
    if (key.length === 1 && place >= 0 && state.classes[place]) actOnMap("label cluster", state.classes[place].name);
    else if (MAP_ACTIONS[key]) MAP_ACTIONS[key]();
    else return;
    event.preventDefault();
    return;
  }
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
element("show-map").addEventListener("click", toggleMap);
element("hide-map").addEventListener("click", toggleMap);
element("map-undo").addEventListener("click", MAP_ACTIONS.z);

// What was learned meanwhile.
setInterval(() => { if (!sending && !mapped && document.visibilityState === "visible") refresh(true); }, 2000);
refresh(false);
