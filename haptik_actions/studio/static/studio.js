// Asks the server for what it would show (preview, checks, search results, another row of the form) and puts it in place.
// Everything works without this file, by the forms' own buttons; only chips and what happens while typing are from here.
"use strict";

const WAIT = 250;
const PLACEHOLDER = /\{([\p{L}_][\p{L}\p{N}_-]*)\}/gu;

const status = document.getElementById("status");
const say = (words) => { if (status) status.textContent = words; };

const SIGNED_OUT = "You are signed out. What you wrote is still here: sign in in another tab, then go on.";
const NO_ANSWER = "The studio does not answer. What you wrote is still here; try again in a moment.";

function showTrouble(words) {
  const place = document.getElementById("trouble");
  if (!place || place.textContent === words) return;
  place.textContent = words;
  place.hidden = !words;
}

// The page that the server answers with, or null after it was said what went wrong.
async function ask(address, body) {
  try {
    const answer = await fetch(address, {
      method: body ? "POST" : "GET",
      body,
      headers: { "X-Requested-With": "studio" },
    });
    showTrouble(answer.ok ? "" : answer.status === 401 ? SIGNED_OUT : NO_ANSWER);
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch (error) {
    console.warn("The studio does not answer:", error);
    showTrouble(NO_ANSWER);
    return null;
  }
}

// Puts the parts of `fresh` in the place of the page's own; one that is the same is left alone, so that nothing is read
// aloud twice.
function replaceParts(fresh, selector = "[data-part]") {
  for (const part of fresh.querySelectorAll(selector)) {
    const old = document.getElementById(part.id);
    if (old && old.innerHTML !== part.innerHTML) old.replaceChildren(...part.childNodes);
  }
  nameLanguages(document);
}

// The browser knows what a language is called; its tag stays where it does not.
function nameLanguages(root) {
  const names = new Intl.DisplayNames([document.documentElement.lang], { type: "language" });
  for (const place of root.querySelectorAll("[data-language]")) {
    const tag = place.dataset.language;
    try {
      const name = names.of(tag);
      if (name && name !== tag) place.textContent = `${name} (${tag})`;
    } catch {
      // Not a tag that the browser can read: it stays as it is.
    }
  }
}

function debounced(work) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(work, WAIT, ...values);
  };
}

// Chips: a placeholder is one thing, to see, to walk over and to delete.

function chipsOf(text) {
  return [...text.matchAll(PLACEHOLDER)].map((found) => ({
    name: found[1],
    start: found.index,
    end: found.index + found[0].length,
  }));
}

function paint(area) {
  const names = new Set(JSON.parse(area.dataset.names));
  const mirror = area.previousElementSibling;
  const parts = [];
  let at = 0;
  for (const chip of chipsOf(area.value)) {
    const mark = document.createElement("mark");
    mark.className = names.has(chip.name) ? "known" : "unknown";
    mark.textContent = area.value.slice(chip.start, chip.end);
    parts.push(area.value.slice(at, chip.start), mark);
    at = chip.end;
  }
  // The last line end of a text takes no room unless something follows.
  parts.push(`${area.value.slice(at)}\u200b`);
  mirror.replaceChildren(...parts);
  mirror.scrollTop = area.scrollTop;
}

function insert(area, text) {
  area.focus();
  // The only way that leaves undo as it is.
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
}

function deleteWhole(event) {
  const area = event.target;
  const backward = event.inputType === "deleteContentBackward";
  if (!(backward || event.inputType === "deleteContentForward") || area.selectionStart !== area.selectionEnd) return;
  const caret = area.selectionStart;
  const chip = chipsOf(area.value).find(({ start, end }) =>
    backward ? start < caret && caret <= end : start <= caret && caret < end);
  if (!chip) return;
  event.preventDefault();
  area.setSelectionRange(chip.start, chip.end);
  if (!document.execCommand("delete")) area.setRangeText("", chip.start, chip.end, "end");
}

function stepOver(event) {
  const area = event.target;
  const right = event.key === "ArrowRight";
  const isPlain = !(event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || event.isComposing);
  if (!(right || event.key === "ArrowLeft") || !isPlain || area.selectionStart !== area.selectionEnd) return;
  const caret = area.selectionStart;
  const chip = chipsOf(area.value).find(({ start, end }) => caret === (right ? start : end));
  if (!chip || getComputedStyle(area).direction === "rtl") return;
  event.preventDefault();
  area.setSelectionRange(right ? chip.end : chip.start, right ? chip.end : chip.start);
}

// What neither key nor click is watched for: up, down, a tap, a word at a time, the other direction of writing.
function keepOut(area) {
  const { selectionStart: caret, selectionEnd } = area;
  const before = Number(area.dataset.caret ?? caret);
  if (caret === selectionEnd) {
    const chip = chipsOf(area.value).find(({ start, end }) => start < caret && caret < end);
    if (chip) {
      const edge = before <= chip.start ? chip.end : chip.start;
      area.setSelectionRange(edge, edge);
    }
  }
  area.dataset.caret = area.selectionStart;
}

function startChips(root) {
  for (const area of root.querySelectorAll("textarea[data-names]")) {
    paint(area);
    area.addEventListener("scroll", () => { area.previousElementSibling.scrollTop = area.scrollTop; });
    area.addEventListener("beforeinput", deleteWhole);
    area.addEventListener("keydown", stepOver);
  }
}

function startEditor(form) {
  let turn = 0;
  let isDirty = form.dataset.dirty === "true";

  const body = (button) => new FormData(form, button);

  const refresh = debounced(async () => {
    turn += 1;
    const mine = turn;
    const fresh = await ask(form.dataset.live, body());
    if (!fresh || mine !== turn) return;
    replaceParts(fresh);
    say(fresh.getElementById("summary")?.textContent ?? "");
  });

  async function reshape(button) {
    turn += 1;
    const fresh = await ask(form.dataset.live, body(button));
    if (!fresh) return;
    replaceParts(fresh, "#fields, #checks");
    startChips(form);
    (form.querySelector("[data-focus]") ?? form.querySelector("textarea"))?.focus();
    say(fresh.getElementById("summary")?.textContent ?? "");
    isDirty = true;
  }

  form.addEventListener("input", (event) => {
    isDirty = true;
    if (event.target.matches("textarea[data-names]")) paint(event.target);
    if (event.target.name !== "why") refresh();
  });
  form.addEventListener("click", (event) => {
    const chip = event.target.closest("button[data-insert]");
    // A text that depends on a number has several fields: the one that was written in last.
    const last = chip?.closest("fieldset.write").dataset.last;
    if (chip) insert(document.getElementById(last ?? chip.dataset.into), chip.dataset.insert);
  });
  form.addEventListener("focusin", ({ target }) => {
    if (target.matches("textarea[data-names]")) target.closest("fieldset.write").dataset.last = target.id;
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "shape") {
      event.preventDefault();
      reshape(event.submitter);
    } else {
      isDirty = false;
    }
  });
  document.addEventListener("selectionchange", () => {
    const area = document.activeElement;
    if (area?.matches?.("textarea[data-names]")) keepOut(area);
  });
  window.addEventListener("beforeunload", (event) => { if (isDirty) event.preventDefault(); });
  startChips(form);
  startWatch(form);
}

// Tells at once, not only when saving, that somebody else has been here.
function startWatch(form) {
  const watch = async () => {
    const fresh = document.hidden ? null : await ask(form.dataset.state);
    if (fresh) {
      replaceParts(fresh);
      // Who signed in again in another tab has another token.
      form.elements.csrf.value = fresh.querySelector("[data-csrf]").dataset.csrf;
    }
    setTimeout(watch, Number(form.dataset.watch));
  };
  setTimeout(watch, Number(form.dataset.watch));
}

function startList(form) {
  let turn = 0;
  const refresh = async () => {
    turn += 1;
    const mine = turn;
    const query = new URLSearchParams(new FormData(form));
    const address = `${form.action}?${query}`;
    const fresh = await ask(address);
    if (!fresh || mine !== turn) return;
    replaceParts(fresh);
    history.replaceState(null, "", address);
    say(document.querySelector("#results [data-count]")?.dataset.count ?? "");
  };
  form.addEventListener("input", debounced(refresh));
}

nameLanguages(document);
const editor = document.querySelector("form[data-live]");
if (editor) startEditor(editor);
const list = document.querySelector("form[data-list]");
if (list) startList(list);
