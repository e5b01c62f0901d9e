// The welcome page: asks the service what it serves, and shows an answer and its command side by side.
// Whatever the service says is written as text, never as markup.

const ROWS = 8;
const STRANGER = "a-visitor-nobody-knows";
const $ = (selector, root = document) => root.querySelector(selector);

let key = "";

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function drawn(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

async function ask(path) {
  const response = await fetch(path, { headers: key ? { Authorization: `Bearer ${key}` } : {} });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail || response.statusText);
  return answer;
}

function curl(panel, path) {
  $(".curl code", panel).textContent = `curl -H "Authorization: Bearer $KEY" '${location.origin}${path}'`;
}

function say(target, text) {
  target.replaceChildren(element("p", { class: "note problem" }, text));
}

// Fill one panel: ask, show the answer or the problem, and show the command either way.
async function fill(id, path, show) {
  const panel = document.getElementById(id);
  const answer = $(".answer", panel);
  curl(panel, path);
  try {
    answer.replaceChildren(...show(await ask(path)));
  } catch (problem) {
    say(answer, problem.message);
  }
}

function figure(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toPrecision(3);
  if (Array.isArray(value)) return value.join("; ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return /^\d{4}-\d\d-\d\dT/.test(value) ? value.slice(0, 10) : String(value);
}

const words = (name) => name.replaceAll("_", " ");

// --- what is running -------------------------------------------------------------------------------

async function showStatus() {
  const status = $("#status");
  const answer = await (await fetch("/ready")).json().catch(() => null);
  const isReady = answer?.status === "ready";
  status.textContent = isReady ? `Serving bundle ${answer.bundle_version}` : "Nothing to serve yet";
  if (!isReady || !answer.is_current) status.textContent += `. ${answer?.detail ?? ""}`;
  status.classList.add(isReady && answer.is_current ? "good" : "bad");
}

function familyCard(name, family) {
  const rows = Object.keys(family.metrics).filter((metric) => metric in family.baseline_metrics);
  const table = element("table", {},
    element("caption", {}, `Baseline: ${family.baseline}`),
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Measured on later days"),
      element("th", { scope: "col", class: "number" }, "Model"),
      element("th", { scope: "col", class: "number" }, "Baseline"))),
    element("tbody", {}, ...rows.map((metric) => element("tr", {},
      element("td", {}, words(metric)),
      element("td", { class: "number" }, figure(family.metrics[metric])),
      element("td", { class: "number" }, figure(family.baseline_metrics[metric]))))));
  return element("article", { class: "family" }, element("h3", {}, words(name)),
    element("p", {}, family.gate), rows.length ? table : null);
}

function showBundle(bundle) {
  const events = `${figure(bundle.window_start)} to ${figure(bundle.window_end)}`;
  const sizes = Object.entries(bundle.tables).map(([name, table]) => `${table.rows.toLocaleString("en")} ${name}`);
  $("#bundle-facts").textContent =
    `Bundle ${bundle.bundle_version}, made of the events from ${events}: ${sizes.join(", ")}. ${bundle.status}`;
  $("#families").replaceChildren(
    ...Object.entries(bundle.families).map(([name, family]) => familyCard(name, family)));
  $("#running").hidden = false;
}

// --- the four examples -------------------------------------------------------------------------------

function itemList(answer) {
  const fallbacks = answer.fallbacks ?? [];
  const notice = answer.is_known_customer === false
    ? [element("p", { class: "note" }, `Nobody known by this id; the answer says so. Fallback: ${fallbacks.join(", ")}.`)]
    : fallbacks.length ? [element("p", { class: "note" }, `Fallback: ${fallbacks.join(", ")}.`)] : [];
  const lines = answer.items.map((item) => element("li", {},
    element("span", { class: "name" }, item.name ?? item.item_id),
    element("span", { class: "price" }, item.price === null ? "" : item.price.toFixed(2)),
    element("span", { class: "why" }, item.category ? `${item.reason} · ${item.category}` : item.reason)));
  return [...notice, lines.length ? element("ul", { class: "things" }, ...lines)
    : element("p", { class: "note" }, "No item is eligible.")];
}

function showRecommendations() {
  const id = encodeURIComponent($("#customer").value || STRANGER);
  return fill("recommendations", `/v1/recommendations/${id}?k=6`, itemList);
}

function showSimilar() {
  return fill("similar", `/v1/items/${encodeURIComponent($("#item").value)}/similar?k=6`, itemList);
}

function rowsTable(answer, descriptions) {
  const names = answer.rows.length ? Object.keys(answer.rows[0]) : [];
  const isNumber = (name) => answer.rows.every((row) => row[name] === null || typeof row[name] === "number");
  const cell = (tag, name, text, more = {}) => element(tag, isNumber(name) ? { class: "number", ...more } : more, text);
  const head = names.map((name) => cell("th", name, words(name), { scope: "col", title: descriptions[name] ?? "" }));
  const body = answer.rows.map((row) => element("tr", {}, ...names.map((name) => cell("td", name, figure(row[name])))));
  return [element("table", {},
    element("caption", {}, `The first ${answer.rows.length} of ${answer.total.toLocaleString("en")}`),
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body))];
}

function showChurn(bundle) {
  const family = bundle.families.churn;
  const columns = Object.keys(family?.columns ?? {});
  const risk = columns.find((name) => name.endsWith("risk"));
  const chosen = risk ? ["customer_id", risk, ...columns.filter((name) => name !== risk)].join(",") : "";
  const path = `/v1/customers?${risk ? `sort=-${risk}&columns=${chosen}&` : ""}limit=${ROWS}`;
  return fill("churn", path, (answer) => rowsTable(answer, family?.columns ?? {}));
}

function chart(answer) {
  const width = Math.max(300, $("#forecast .answer").clientWidth);  // drawn at its size, so that text stays legible
  const [height, left, top, right, bottom] = [260, 44, 12, 12, 30];
  const days = answer.days;
  const highest = Math.max(...days.map((day) => day.high), 0.5);
  const step = niceStep(highest / 4);
  const ceiling = Math.ceil(highest / step) * step;
  const x = (index) => left + (index * (width - left - right)) / Math.max(days.length - 1, 1);
  const y = (units) => height - bottom - (units * (height - top - bottom)) / ceiling;
  const points = (name) => days.map((day, index) => `${x(index).toFixed(1)},${y(day[name]).toFixed(1)}`);
  const svg = drawn("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.append(drawn("title", {}, `Forecast of ${days.length} days, at most ${figure(highest)} units on a day within the band`));
  for (let units = 0; units <= ceiling + step / 2; units += step) {
    svg.append(drawn("line", { class: "grid", x1: left, x2: width - right, y1: y(units), y2: y(units) }));
    svg.append(drawn("text", { x: left - 8, y: y(units) + 4, "text-anchor": "end" }, String(+units.toPrecision(3))));
  }
  svg.append(drawn("polygon", { class: "band", points: [...points("high"), ...points("low").reverse()].join(" ") }));
  // The median of a day is a whole number of units, so it is drawn in steps; the mean shows what slow items sell.
  const steps = days.flatMap((day, index) => [index - 0.5, index + 0.5].map((place) =>
    `${x(Math.min(Math.max(place, 0), days.length - 1)).toFixed(1)},${y(day.median).toFixed(1)}`));
  svg.append(drawn("polyline", { class: "median", points: steps.join(" ") }));
  svg.append(drawn("polyline", { class: "mean", points: points("mean").join(" ") }));
  const marks = [...new Set([0, Math.floor((days.length - 1) / 2), days.length - 1])];
  for (const index of marks) {
    const anchor = index === 0 ? "start" : index === days.length - 1 ? "end" : "middle";
    svg.append(drawn("text", { x: x(index), y: height - 8, "text-anchor": anchor }, days[index].date));
  }
  return svg;
}

function niceStep(rough) {
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find((factor) => factor * magnitude >= rough) * magnitude;
}

function forecastAnswer(answer) {
  const totals = Object.entries(answer.totals).map(([name, value]) => `${words(name)}: ${figure(value)}`).join(" · ");
  const summary = `The line is the mean of each day, the dashed steps are its median; the band holds 8 of 10 days. ${totals}`;
  const table = element("table", {}, element("thead", {}, element("tr", {},
    ...["Day", "Low", "Median", "High", "Mean"].map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...answer.days.map((day) => element("tr", {},
      ...[day.date, day.low, day.median, day.high, day.mean].map((value) => element("td", {}, figure(value)))))));
  return [chart(answer), element("p", { class: "note" }, summary),
    element("details", {}, element("summary", {}, "The figures"), table)];
}

function showForecast() {
  const id = encodeURIComponent($("#forecast-item").value);
  return fill("forecast", `/v1/items/${id}/forecast`, forecastAnswer);
}

// --- choices -----------------------------------------------------------------------------------------

function options(select, choices) {
  select.replaceChildren(...choices.map(([value, text]) => element("option", { value }, text)));
}

async function offerCustomers(bundle) {
  const sort = "orders" in (bundle.tables.customers?.columns ?? {}) ? "sort=-orders&" : "";
  const answer = await ask(`/v1/customers?${sort}columns=customer_id&limit=25`).catch(() => ({ rows: [] }));
  options($("#customer"), [...answer.rows.map((row) => [row.customer_id, row.customer_id]),
    [STRANGER, "somebody the shop has never seen"]]);
}

async function offerItems(bundle) {
  const columns = Object.keys(bundle.tables.items?.columns ?? {});
  const demand = Object.keys(bundle.families.demand?.columns ?? {}).find((name) => columns.includes(name));
  const named = columns.includes("item_name") ? ",item_name" : "";
  const path = `/v1/items?${demand ? `sort=-${demand}&` : ""}columns=item_id${named}&limit=25`;
  const answer = await ask(path).catch(() => ({ rows: [] }));
  const choices = answer.rows.map((row) => [row.item_id, row.item_name ? `${row.item_name} (${row.item_id})` : row.item_id]);
  options($("#item"), choices);
  options($("#forecast-item"), choices);
}

async function open(candidate) {
  key = candidate;
  const note = $("#key-note");
  try {
    const bundle = await ask("/v1/bundle");
    sessionStorage.setItem("shopkeeper-key", key);
    showBundle(bundle);
    $("#try").hidden = false;
    $("#forget").hidden = false;
    await Promise.all([offerCustomers(bundle), offerItems(bundle)]);
    await Promise.all([showRecommendations(), showSimilar(), showChurn(bundle), showForecast()]);
  } catch (problem) {
    note.textContent = problem.message;
    note.classList.add("problem");
  }
}

// A key after '#' never reaches a server; it is taken out of the address bar at once.
function keyInAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given) history.replaceState(null, "", location.pathname);
  return given;
}

$("#feed-curl").textContent = `curl ${location.origin}/v1/track -u "$KEY:" -d '{
  "anonymousId": "visitor-1",
  "event": "Product Viewed",
  "properties": {"product_id": "sku-1", "name": "Green tea", "price": 4.5}
}'`;
$("#key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  open($("#key").value.trim());
  $("#key").value = "";
});
$("#forget").addEventListener("click", () => {
  sessionStorage.removeItem("shopkeeper-key");
  location.reload();
});
$("#customer").addEventListener("change", showRecommendations);
$("#item").addEventListener("change", showSimilar);
$("#forecast-item").addEventListener("change", showForecast);
showStatus();
const known = keyInAddress() ?? sessionStorage.getItem("shopkeeper-key");
if (known) open(known);
