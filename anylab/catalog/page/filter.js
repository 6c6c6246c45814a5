/* Cards by what somebody has: places, memory, time and money. A row that does not fit fades, a card without rows goes. */
(function () {
  var form = byId("filters");
  if (!form) return;
  var cards = document.querySelectorAll(".card"), words = {};
  cards.forEach(function (card) { card.querySelectorAll("tr[data-k] .t").forEach(function (cell) { words[card.dataset.k + cell.parentNode.dataset.k] = cell.innerHTML; }); });
  function value(id) { var text = byId(id).value; return text === "" ? null : +text; }
  function fitsMemory(notebook, gb) {
    if (gb === null) return true;
    if (!notebook.work) return gb === 0 ? notebook.needs.gpu !== "required" : (notebook.needs.gpu_memory_gb || 0) <= gb;
    return notebook.work.choices.some(function (choice) {
      return gb === 0 ? choice.kinds.indexOf("cpu") >= 0 : choice.kinds.indexOf("gpu") >= 0 && memoryWanted(choice) <= gb;
    });
  }
  /* whether a row may stay, and what it says of the time */
  function look(notebook, name, platform, budget, hours) {
    if (!notebook.work) return { on: budget === null && hours === null, told: null };
    var ask = { notebook: name, units: notebook.work.ask, have: [platform], budget: budget, need: [], hour_usd: 0, kwh_usd: 0.3, choice: "" };
    var answer = advise(table, ask), row = answer.rows.filter(function (r) { return hours === null || r.elapsed_hours <= hours; })[0];
    if (!row) return { on: false, told: answer.rows.length ? "takes longer" : budget !== null ? "not for that money" : "does not fit" };
    return { on: true, row: row };
  }
  function apply() {
    var memory = value("f-memory"), hours = value("f-hours"), budget = value("f-budget"), shown = 0, ways = 0;
    var have = Array.prototype.filter.call(form.querySelectorAll("[data-p]"), function (box) { return box.checked; }).map(function (box) { return box.dataset.p; });
    cards.forEach(function (card) {
      var notebook = table.notebooks[card.dataset.k], fits = fitsMemory(notebook, memory), any = false;
      card.querySelectorAll("tr[data-k]").forEach(function (row) {
        var platform = row.dataset.k, cell = row.querySelector(".t"), on = have.indexOf(platform) >= 0 && !!cell;
        var seen = on ? look(notebook, card.dataset.k, platform, budget, hours) : { on: false };
        row.classList.toggle("off", !seen.on);
        if (cell) cell.innerHTML = words[card.dataset.k + platform];
        if (cell && seen.told) cell.textContent = seen.told;
        if (seen.on) { any = true; if (fits) ways += 1; }
      });
      card.hidden = !(fits && any);
      if (!card.hidden) shown += 1;
    });
    byId("none").hidden = shown > 0;
    byId("f-count").textContent = shown + " of " + cards.length + " notebooks, " + ways + " variants fit";
  }
  form.addEventListener("input", apply);
  form.addEventListener("reset", function () { setTimeout(apply, 0); });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  apply();
})();
