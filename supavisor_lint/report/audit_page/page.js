
"use strict";
(function () {
  const table = document.getElementById("tasks");
  const bodies = Array.from(table.tBodies);
  const text = document.getElementById("text");
  const session = document.getElementById("session");
  const priority = document.getElementById("priority");
  const all = document.getElementById("all");
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const openers = function () { return Array.from(table.querySelectorAll("tbody:not([hidden]) .open")); };

  document.documentElement.classList.add("js");

  function expand(body, open) {
    body.querySelector(".open").setAttribute("aria-expanded", String(open));
    body.querySelector(".detail").hidden = !open;
  }

  function isOpen(body) {
    return body.querySelector(".open").getAttribute("aria-expanded") === "true";
  }

  function matches(body) {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    return words.every(function (word) { return body.dataset.text.includes(word); })
      && (!session.value || body.dataset.session === session.value)
      && (!priority.value || body.dataset.priority === priority.value);
  }

  function filter() {
    let count = 0;
    bodies.forEach(function (body) {
      body.hidden = !matches(body);
      count += body.hidden ? 0 : 1;
    });
    shown.textContent = count + " of " + bodies.length + " shown";
    nothing.hidden = count > 0 || bodies.length === 0;
  }

  function compare(key, numeric) {
    return function (one, other) {
      const a = one.dataset[key], b = other.dataset[key];
      return numeric ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0;
    };
  }

  function sort(heading) {
    const descending = heading.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const order = compare(heading.dataset.key, heading.dataset.numeric === "yes");
    bodies.sort(function (one, other) { return (descending ? -1 : 1) * order(one, other); });
    bodies.forEach(function (body) { table.appendChild(body); });
  }

  bodies.forEach(function (body) {
    expand(body, false);
    body.querySelector(".open").addEventListener("click", function () { expand(body, !isOpen(body)); });
  });
  table.querySelectorAll("th button").forEach(function (button) {
    button.addEventListener("click", function () { sort(button.closest("th")); });
  });
  text.addEventListener("input", filter);
  text.addEventListener("keydown", function (event) {
    if (event.key === "Escape") { text.value = ""; filter(); }
  });
  [session, priority].forEach(function (select) { select.addEventListener("change", filter); });
  all.addEventListener("click", function () {
    const open = all.getAttribute("aria-pressed") !== "true";
    all.setAttribute("aria-pressed", String(open));
    all.textContent = open ? "Collapse all" : "Expand all";
    bodies.forEach(function (body) { expand(body, open); });
  });
  table.addEventListener("keydown", function (event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.classList.contains("open")) { return; }
    const list = openers();
    const next = list[list.indexOf(event.target) + step];
    if (next) { event.preventDefault(); next.focus(); }
  });
})();
