// The map of a folder: draws thumbnails at their places, and lists the images similar to one.
"use strict";

const element = (id) => document.getElementById(id);
const data = JSON.parse(element("data").textContent);
const n = data.names.length;
const sheet = element("sheet");
const canvas = element("map");
const pen = canvas.getContext("2d");

const WIDEST = 10000;  // of data.points
const MARGIN = 0.6;  // around the map, in tiles
const SPREAD = 1.5;  // sides of the map of clusters in sides of the grid: tiles cover each other less
const DRAG = 5;  // pixels from which on a press is a drag
const SMALL = 16;  // pixels of a tile
const MOST_ZOOM = 256;  // pixels of a tile

// Centres of tiles, in tiles.
const n_columns = 1 + data.cells.reduce((most, cell, i) => (i % 2 ? most : Math.max(most, cell)), 0);
const n_rows = 1 + data.cells.reduce((most, cell, i) => (i % 2 ? Math.max(most, cell) : most), 0);
const places = { grid: new Float64Array(2 * n), clusters: new Float64Array(2 * n) };
for (let i = 0; i < n; i += 1) {
  places.grid[2 * i] = data.cells[2 * i] + 0.5;
  places.grid[2 * i + 1] = data.cells[2 * i + 1] + 0.5;
  places.clusters[2 * i] = data.points[2 * i] / WIDEST * n_columns * SPREAD;
  places.clusters[2 * i + 1] = data.points[2 * i + 1] / WIDEST * n_rows * SPREAD;
}
const at_cell = new Map();
for (let i = 0; i < n; i += 1) at_cell.set(`${data.cells[2 * i]},${data.cells[2 * i + 1]}`, i);

let layout = "grid";
let view = { x: 0, y: 0, zoom: 1 };  // what is in the middle, in tiles, and pixels of a tile
let selected = -1;
let matching = null;  // null, or whether each image matches the search
let waiting = false;
let fitted = true;  // whether the whole map is shown, also if the window changes

function size() { return { width: canvas.clientWidth, height: canvas.clientHeight }; }

function whole() {
  const { width, height } = size();
  const factor = layout === "grid" ? 1 : SPREAD;
  const across = factor * n_columns + 2 * MARGIN, down = factor * n_rows + 2 * MARGIN;
  view = {
    x: factor * n_columns / 2,
    y: factor * n_rows / 2,
    zoom: Math.min(width / across, height / down, MOST_ZOOM),
  };
  fitted = true;
  redraw();
}

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function draw() {
  const { width, height } = size();
  const ratio = window.devicePixelRatio || 1;
  const wide = Math.max(1, Math.round(width * ratio)), high = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.imageSmoothingEnabled = view.zoom < 2 * data.side || data.side > 40;
  // Small tiles have no gaps, and lie on whole pixels.
  const spots = places[layout], small = view.zoom < SMALL;
  const tile = small ? Math.ceil(view.zoom) : view.zoom * 0.96;
  const left = width / 2 - view.x * view.zoom, top = height / 2 - view.y * view.zoom;
  const one = (i) => {
    const x = left + spots[2 * i] * view.zoom, y = top + spots[2 * i + 1] * view.zoom;
    if (x < -tile || y < -tile || x > width + tile || y > height + tile) return;
    pen.globalAlpha = matching && !matching[i] ? 0.12 : 1;
    const corner = [x - tile / 2, y - tile / 2];
    paint(pen, i, ...(small ? corner.map(Math.round) : corner), tile);
  };
  for (let i = 0; i < n; i += 1) if (i !== selected) one(i);
  pen.globalAlpha = 1;
  if (selected >= 0) {
    const style = getComputedStyle(document.documentElement);
    const ring = (i, colour, thick) => {
      const x = left + spots[2 * i] * view.zoom, y = top + spots[2 * i + 1] * view.zoom;
      const side = Math.max(tile, 8) + thick;
      pen.strokeStyle = colour; pen.lineWidth = thick;
      pen.strokeRect(x - side / 2, y - side / 2, side, side);
    };
    for (const i of similar(selected)) {
      ring(i, style.getPropertyValue("--paper"), 4);
      ring(i, style.getPropertyValue("--accent"), 2);
    }
    one(selected);
    pen.globalAlpha = 1;
    ring(selected, style.getPropertyValue("--paper"), 6);
    ring(selected, style.getPropertyValue("--accent"), 4);
  }
}

function paint(target, i, x, y, side) {
  const wide = data.sizes[2 * i], high = data.sizes[2 * i + 1];
  const scale = side / Math.max(wide, high);
  const from_x = (i % data.columns) * data.side, from_y = Math.floor(i / data.columns) * data.side;
  const [source, part] = sheet_for(side * (window.devicePixelRatio || 1));
  target.drawImage(source, from_x * part, from_y * part, wide * part, high * part,
    x + (side - wide * scale) / 2, y + (side - high * scale) / 2, wide * scale, high * scale);
}

// The sheet in the smallest size that suffices for thumbnails of a side: many are drawn faster so.
const sheets = [[sheet, 1]];
function sheet_for(side) {
  let k = 0;
  while (data.side / 2 ** (k + 1) >= Math.max(side, 4)) k += 1;
  while (sheets.length <= k) {
    const [larger, part] = sheets[sheets.length - 1];
    const smaller = document.createElement("canvas");
    smaller.width = Math.ceil((larger.naturalWidth || larger.width) / 2);
    smaller.height = Math.ceil((larger.naturalHeight || larger.height) / 2);
    smaller.getContext("2d").drawImage(larger, 0, 0, smaller.width, smaller.height);
    sheets.push([smaller, part / 2]);
  }
  return sheets[k];
}

function similar(i) {
  return data.nearest.slice(i * data.n_nearest, (i + 1) * data.n_nearest);
}

function select(i, show = true) {
  selected = i;
  element("selected").hidden = i < 0;
  element("nothing").hidden = i >= 0;
  if (i >= 0) {
    drawn(element("picture"), i);
    element("picture").setAttribute("aria-label", data.names[i]);
    element("name").textContent = data.names[i];
    const address = address_of(data.names[i]);
    element("link").hidden = !address;
    if (address) element("link").href = address;
    element("similar").replaceChildren(...similar(i).map((other) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      const picture = document.createElement("canvas");
      picture.width = picture.height = 128;
      drawn(picture, other);
      button.type = "button";
      button.title = data.names[other];
      button.setAttribute("aria-label", data.names[other]);
      button.append(picture);
      button.addEventListener("click", () => {
        select(other);
        element("similar").querySelector("button")?.focus();
      });
      item.append(button);
      return item;
    }));
    if (show) bring_into_view(i);
  }
  redraw();
}

function drawn(target, i) {
  const context = target.getContext("2d");
  context.clearRect(0, 0, target.width, target.height);
  context.imageSmoothingEnabled = data.side > 40;
  paint(context, i, 0, 0, target.width);
}

function address_of(name) {
  try {
    return data.folder + name.split("/").map(encodeURIComponent).join("/");
  } catch { return null; }  // a name that is not text
}

function bring_into_view(i) {
  const { width, height } = size();
  const x = (places[layout][2 * i] - view.x) * view.zoom, y = (places[layout][2 * i + 1] - view.y) * view.zoom;
  const room_x = Math.max(0, width / 2 - view.zoom), room_y = Math.max(0, height / 2 - view.zoom);
  if (Math.abs(x) > room_x || Math.abs(y) > room_y) {
    view.x = places[layout][2 * i];
    view.y = places[layout][2 * i + 1];
    fitted = false;
  }
}

function zoom_by(factor, x = size().width / 2, y = size().height / 2) {
  const zoom = Math.min(MOST_ZOOM, Math.max(1, view.zoom * factor));
  const { width, height } = size();
  // What is under the pointer stays there.
  view.x += (x - width / 2) * (1 / view.zoom - 1 / zoom);
  view.y += (y - height / 2) * (1 / view.zoom - 1 / zoom);
  view.zoom = zoom;
  fitted = false;
  redraw();
}

function image_at(x, y) {
  const { width, height } = size();
  const across = view.x + (x - width / 2) / view.zoom, down = view.y + (y - height / 2) / view.zoom;
  if (layout === "grid") return at_cell.get(`${Math.floor(across)},${Math.floor(down)}`) ?? -1;
  const spots = places.clusters;
  let best = -1, least = 0.5;
  for (let i = 0; i < n; i += 1) {
    const distance = Math.max(Math.abs(spots[2 * i] - across), Math.abs(spots[2 * i + 1] - down));
    if (distance <= least) { best = i; least = distance; }
  }
  return best;
}

// The next image in a direction: the neighbour in the grid, or the nearest in that direction.
function go(dx, dy) {
  if (selected < 0) { select(image_nearest(view.x, view.y)); return; }
  if (layout === "grid") {
    const next = at_cell.get(`${data.cells[2 * selected] + dx},${data.cells[2 * selected + 1] + dy}`);
    if (next !== undefined) select(next);
    return;
  }
  const spots = places.clusters;
  let best = -1, least = Infinity;
  for (let i = 0; i < n; i += 1) {
    const x = spots[2 * i] - spots[2 * selected], y = spots[2 * i + 1] - spots[2 * selected + 1];
    const along = x * dx + y * dy, beside = Math.abs(x * dy) + Math.abs(y * dx);
    if (i === selected || along <= 0 || beside > along) continue;
    const distance = along + 2 * beside;
    if (distance < least) { best = i; least = distance; }
  }
  if (best >= 0) select(best);
}

function image_nearest(x, y) {
  const spots = places[layout];
  let best = -1, least = Infinity;
  for (let i = 0; i < n; i += 1) {
    const distance = (spots[2 * i] - x) ** 2 + (spots[2 * i + 1] - y) ** 2;
    if (distance < least) { best = i; least = distance; }
  }
  return best;
}

function toggle_layout() {
  layout = layout === "grid" ? "clusters" : "grid";
  element("layout").setAttribute("aria-pressed", String(layout === "clusters"));
  whole();
  if (selected >= 0) bring_into_view(selected);
}

function search() {
  const words = element("words").value.trim().toLowerCase();
  matching = words ? data.names.map((name) => name.toLowerCase().includes(words)) : null;
  const found = matching ? matching.filter(Boolean).length : 0;
  element("matches").textContent = matching ? `${found} of ${n}` : "";
  redraw();
}

function next_match() {
  if (!matching) return;
  for (let k = 1; k <= n; k += 1) {
    const i = (selected + k + n) % n;
    if (matching[i]) { select(i); return; }
  }
}

const KEYS = {
  ArrowLeft: () => go(-1, 0), ArrowRight: () => go(1, 0), ArrowUp: () => go(0, -1), ArrowDown: () => go(0, 1),
  Enter: () => element("similar").querySelector("button")?.focus(),
  Escape: () => { select(-1); canvas.focus(); },
};
const LETTERS = {
  "+": () => zoom_by(1.4), "=": () => zoom_by(1.4), "-": () => zoom_by(1 / 1.4), 0: whole, g: toggle_layout,
  "/": () => element("words").focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.tagName === "INPUT") {
    if (event.key === "Escape") canvas.focus();
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // Buttons are pressed by Enter, and lists may be scrolled.
  const action = LETTERS[key] ?? (event.target === canvas || event.key === "Escape" ? KEYS[key] : undefined);
  if (!action) return;
  event.preventDefault();
  action();
});

let pressed = null;  // the pointer that is down: where it was, and whether it moved
const pointers = new Map();
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  pressed = { x: event.offsetX, y: event.offsetY, moved: pointers.size > 1 };
});
canvas.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) { hover(event); return; }
  const now = [event.offsetX, event.offsetY];
  if (pointers.size === 2) {  // two fingers zoom
    const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    const apart = (place) => Math.max(1, Math.hypot(place[0] - other[0], place[1] - other[1]));
    zoom_by(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  } else if (pressed && (pressed.moved || Math.hypot(now[0] - pressed.x, now[1] - pressed.y) > DRAG)) {
    pressed.moved = true;
    view.x -= (now[0] - before[0]) / view.zoom;
    view.y -= (now[1] - before[1]) / view.zoom;
    fitted = false;
    redraw();
  } else return;
  pointers.set(event.pointerId, now);
});
for (const kind of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(kind, (event) => {
    pointers.delete(event.pointerId);
    if (kind === "pointerup" && pressed && !pressed.moved) {
      const i = image_at(event.offsetX, event.offsetY);
      if (i >= 0) select(i, false);
    }
    if (!pointers.size) pressed = null;
  });
}
function hover(event) {
  const i = image_at(event.offsetX, event.offsetY);
  canvas.title = i >= 0 ? data.names[i] : "";
}
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom_by(Math.exp(-Math.max(-100, Math.min(100, event.deltaY)) / 300), event.offsetX, event.offsetY);
}, { passive: false });

element("layout").addEventListener("click", toggle_layout);
element("in").addEventListener("click", LETTERS["+"]);
element("out").addEventListener("click", LETTERS["-"]);
element("whole").addEventListener("click", whole);
element("words").addEventListener("input", search);
element("search").addEventListener("submit", (event) => { event.preventDefault(); next_match(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

sheet.decode().then(() => {
  new ResizeObserver(() => { if (fitted) whole(); else redraw(); }).observe(canvas);
  whole();
  document.documentElement.dataset.ready = "yes";
});
