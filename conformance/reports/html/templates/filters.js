"use strict";
(() => {
  // Copy buttons: shown only where there is a script that serves them.
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.previousElementSibling;
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }

  // A link into something folded opens it.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let node = target; node; node = node.parentElement) {
      if (node.localName === "details") node.open = true;
      if (node.hidden && node.closest("main")) reset();
    }
    target.scrollIntoView();
  };

  const form = document.getElementById("filters");
  const reset = () => { if (form) { form.reset(); apply(); } };
  const matches = (wanted, found) => !wanted || found === undefined || found.split(" ").includes(wanted);
  const same = (wanted, found) => !wanted || found === undefined || found === wanted;

  const apply = () => {
    const { row, check, status } = Object.fromEntries(new FormData(form));
    let shown = 0, all = 0;
    for (const group of document.querySelectorAll("tbody[data-row]")) {
      const on = same(row, group.dataset.row) && matches(status, group.dataset.statuses);
      group.hidden = !on;
      shown += on;
      all += 1;
    }
    for (const cell of document.querySelectorAll("[data-column]")) {
      cell.hidden = !same(check, cell.dataset.column);
      cell.classList.toggle("dim", !same(status, cell.dataset.cell));
    }
    for (const item of document.querySelectorAll(".item")) {
      const { row: r, check: c, status: s } = item.dataset;
      item.hidden = !(same(row, r) && matches(check, c) && same(status, s));
    }
    form.querySelector("output").textContent = `${shown} of ${all} backends shown`;
  };

  if (form) {
    form.hidden = false;
    form.addEventListener("change", apply);
    form.addEventListener("reset", () => setTimeout(apply));
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }
  addEventListener("hashchange", reveal);
  reveal();
})();
