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

  // The filter hides the rows of every table that don't have its words.
  const form = document.getElementById("filter");
  const rows = [...document.querySelectorAll("main tbody tr")];
  const apply = () => {
    const wanted = form.elements[0].value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    const shown = rows.filter((row) => !row.hidden).length;
    form.querySelector("output").textContent = wanted ? `${shown} of ${rows.length} rows` : "";
  };
  if (form && rows.length > 9) {
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  // A link into something folded or hidden opens it.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let node = target; node; node = node.parentElement) {
      if (node.localName === "details") node.open = true;
      if (node.hidden && form) { form.reset(); apply(); }
    }
    for (const inner of target.querySelectorAll(":scope > details")) inner.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
})();
