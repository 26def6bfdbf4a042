// Keeps #live like the server sees it, and sends its forms in place. Only what differs is touched, so that focus,
// selection, half-written answers and screen readers are left alone while nothing happens.
"use strict";

const live = document.getElementById("live");
const lost = document.getElementById("lost");
const problem = document.getElementById("problem");
// An answer that was asked for before a form was sent is older than what the form brought.
let sent = 0;
// A page of its own around this script says where its live part comes from, and how often to ask (milliseconds).
const address = document.body.dataset.live ?? "/_sandbox/live";
const pause = Number(document.body.dataset.pause ?? 1000);

function isSame(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return false;
  return old.nodeType !== Node.ELEMENT_NODE || old.dataset.key === fresh.dataset.key;
}

function patchAttributes(old, fresh) {
  // Whether a disclosure is open is the reader's choice, and the server does not know it.
  const own = (name) => name === "open" && old.nodeName === "DETAILS";
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !own(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

function patch(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  patchAttributes(old, fresh);
  patchChildren(old, fresh);
}

// The node that stands for `child`, at `there` or, if it has a key, further on.
function find(there, child) {
  if (there && isSame(there, child)) return there;
  if (!child.dataset?.key) return null;
  for (let node = there; node; node = node.nextSibling) if (isSame(node, child)) return node;
  return null;
}

function removeUntil(node, end) {
  while (node !== end) {
    const next = node.nextSibling;
    node.remove();
    node = next;
  }
}

function patchChildren(old, fresh) {
  let there = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const node = find(there, child);
    if (node) {
      removeUntil(there, node);
      patch(node, child);
      there = node.nextSibling;
    } else {
      old.insertBefore(child, there);
    }
  }
  removeUntil(there, null);
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  patchChildren(live, fresh.getElementById("live"));
  return fresh;
}

async function refresh() {
  const before = sent;
  try {
    const answer = await fetch(`${address}${location.search}`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const html = await answer.text();
    if (before === sent) show(`<div id="live">${html}</div>`);
    lost.hidden = true;
  } catch (error) {
    console.warn("The server does not answer:", error);
    lost.hidden = false;
  }
}

async function keepFresh() {
  if (!document.hidden) await refresh();
  setTimeout(keepFresh, pause);
}

async function send(form, button) {
  sent += 1;
  const turn = sent;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, button)) });
    const html = await answer.text();
    if (turn !== sent) return;
    if (answer.ok) form.reset();
    const said = show(html).getElementById("problem");
    problem.textContent = said.textContent;
    problem.hidden = said.hidden;
    if (document.activeElement === document.body) live.querySelector("[data-focus]")?.focus();
  } catch (error) {
    console.warn("The server does not answer:", error);
    lost.hidden = false;
  }
}

live.addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target, event.submitter);
});
live.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches("[data-enter]")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});
document.addEventListener("visibilitychange", () => document.hidden || refresh());
setTimeout(keepFresh, pause);
