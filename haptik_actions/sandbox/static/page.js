// Keeps #live like the server sees it. Only what differs is touched, so that focus, selection and screen readers are
// left alone while nothing happens.
"use strict";

const live = document.getElementById("live");
const lost = document.getElementById("lost");

function isSame(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return false;
  return old.nodeType !== Node.ELEMENT_NODE || old.dataset.key === fresh.dataset.key;
}

function patchAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
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

function patchChildren(old, fresh) {
  const children = [...fresh.childNodes];
  children.forEach((child, index) => {
    const there = old.childNodes[index];
    if (!there) old.append(child);
    else if (isSame(there, child)) patch(there, child);
    else there.replaceWith(child);
  });
  while (old.childNodes.length > children.length) old.lastChild.remove();
}

async function refresh() {
  try {
    const answer = await fetch("/_sandbox/live");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const fresh = new DOMParser().parseFromString(`<div>${await answer.text()}</div>`, "text/html");
    patchChildren(live, fresh.body.firstChild);
    lost.hidden = true;
  } catch (error) {
    console.warn("The sandbox does not answer:", error);
    lost.hidden = false;
  }
}

async function keepFresh() {
  if (!document.hidden) await refresh();
  setTimeout(keepFresh, 1000);
}

async function toggleOutage(button) {
  const active = button.getAttribute("aria-checked") === "true";
  const headers = { "Content-Type": "application/json" };
  await fetch("/_sandbox/outage", { method: "POST", headers, body: JSON.stringify({ active }) }).catch(() => {});
  await refresh();
}

live.addEventListener("click", (event) => {
  const button = event.target.closest("#switch");
  if (button) toggleOutage(button);
});
document.addEventListener("visibilitychange", () => document.hidden || refresh());
setTimeout(keepFresh, 1000);
