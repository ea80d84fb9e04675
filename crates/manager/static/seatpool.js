// Seatpool's portal works without this file. With it: the page keeps itself up to date, lists are searched as
// you type, tokens can be copied with a button, menus close when you leave them.
"use strict";

const POLL_MS = 3000;

// ---- live: fetch what the page would show now, and change only what differs ----

function key(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id : "";
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && key(a) === key(b);
}

function syncAttributes(from, to) {
  const kept = from.nodeName === "DETAILS" ? "open" : "";
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== kept && name !== "data-ready") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (name !== kept && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

// Makes `from` show what `to` shows, keeping every element that is alike: focus, selection, scrolling and
// what is being typed stay. Rows carry ids, so a row that came or went does not shift the others.
function sync(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.matches("form, [data-keep]")) return;
  syncAttributes(from, to);
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const id = key(wanted);
    const found = id && (!at || key(at) !== id) ? [...from.children].find((e) => e.id === id) : null;
    if (found) {
      from.insertBefore(found, at);
      sync(found, wanted);
    } else if (at && alike(at, wanted)) {
      sync(at, wanted);
      at = at.nextSibling;
    } else {
      const fresh = document.importNode(wanted, true);
      if (id && fresh.nodeName === "TR") fresh.classList.add("fresh");
      from.insertBefore(fresh, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// Shows an answer of the manager in the page. Forms are left alone, but for the links among their buttons:
// those follow what was searched for.
function showContent(wrap, text) {
  const page = new DOMParser().parseFromString(`<div class="wrap">${text}</div>`, "text/html");
  const wanted = page.body.firstElementChild;
  const buttons = (root) => root.querySelectorAll("form[role=search] > .buttons");
  const fresh = buttons(wanted);
  buttons(wrap).forEach((group, i) => { if (fresh[i]) sync(group, fresh[i]); });
  sync(wrap, wanted);
  ready(wrap);
}

let shown = "";

async function fetchContent(wrap) {
  const headers = { "Seatpool-Live": "1" };
  if (shown) headers["If-None-Match"] = shown;
  const asked = location.href;
  const answer = await fetch(asked, { headers, cache: "no-store", redirect: "manual" });
  if (answer.type === "opaqueredirect") {
    // The page is another one now: its list has become shorter.
    location.reload();
    return 304;
  }
  if (answer.status === 200) {
    const text = await answer.text();
    // What was asked before the search went on is out of date.
    if (asked === location.href) {
      shown = answer.headers.get("ETag") || "";
      showContent(wrap, text);
    }
  }
  return answer.status;
}

function startLive(main) {
  const said = document.getElementById("live");
  const wrap = main.firstElementChild;
  let delay = POLL_MS;
  const say = (text) => {
    said.hidden = false;
    if (said.textContent !== text) said.textContent = text;
  };

  async function poll() {
    const status = await fetchContent(wrap);
    if (status === 401) {
      say("Signed out. Reload the page to sign in again.");
      return false;
    }
    if (status !== 200 && status !== 304) {
      say(`Not up to date: the manager answered ${status}. Trying again.`);
      delay = Math.min(delay * 2, 60000);
      return true;
    }
    say("Live");
    delay = POLL_MS;
    return true;
  }

  async function tick() {
    let go = true;
    if (!document.hidden) {
      try {
        go = await poll();
      } catch {
        say("Not up to date: the manager can't be reached. Trying again.");
        delay = Math.min(delay * 2, 60000);
      }
    }
    if (go) setTimeout(tick, delay);
  }
  setTimeout(tick, POLL_MS);
}

// ---- search as you type: the list follows, the address too ----

let typing = 0;
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[role=search]");
  const live = document.querySelector("main[data-live]");
  if (!form || !live || !event.target.matches("[data-search]")) return;
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    history.replaceState(null, "", `${form.getAttribute("action")}?${query}`);
    shown = "";
    try {
      await fetchContent(live.firstElementChild);
    } catch {
      // The page stays as it is; the button sends the form.
    }
  }, 200);
});

// ---- a form that is on its way is not sent again ----

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.getAttribute("aria-busy") === "true") event.preventDefault();
  form.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});

// ---- copy buttons ----

function ready(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    const words = button.querySelector("span");
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      words.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      words.textContent = "Selected: copy it now";
    }
    setTimeout(() => { words.textContent = "Copy"; }, 4000);
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

ready(document);
for (const current of document.querySelectorAll(".sections [aria-current], .tabs [aria-current]")) {
  current.scrollIntoView({ block: "nearest", inline: "nearest" });
}
const main = document.querySelector("main[data-live]");
if (main) startLive(main);
