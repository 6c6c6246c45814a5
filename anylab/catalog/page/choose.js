/* for the console, and for the test that compares the two advisors */
window.anylab = { table: table, advise: function (ask) { return advise(table, ask); }, duration: duration, money: money };
/* Settings of one's own: the weights of the matrix, and the costs of a year. */
(function () {
  var weights = byId("weights"), costs = byId("cost-form");
  if (weights) weights.addEventListener("input", function () {
    var sliders = weights.querySelectorAll("[data-w]"), whole = 0, matrix = byId("matrix-t");
    sliders.forEach(function (s) { whole += +s.value; s.setAttribute("aria-valuetext", "weight " + s.value + " of 5"); s.parentNode.querySelector("output").textContent = s.value; });
    Array.prototype.forEach.call(matrix.tBodies[0].rows, function (row) {
      var sum = 0, cell = row.cells[1]; /* the criteria follow in the order of the sliders; an unknown counts as nothing */
      sliders.forEach(function (s, i) { sum += (numberOf(row.cells[i + 2]) || 0) * +s.value; });
      var points = whole ? Math.floor(sum / whole * 10 + 0.5) / 10 : 0;
      cell.textContent = String(points);
    });
    sortBy(matrix.tBodies[0], 1, false);
  });
  if (weights) weights.addEventListener("submit", function (event) { event.preventDefault(); });

  function cost(costs, name) {
    var jobs = bounded("cost-jobs"), hour = bounded("cost-hour"), kwh = bounded("cost-kwh"), found = {}, have = {};
    table.offers.forEach(function (o) { have[o.platform] = 1; });
    var ask = { notebook: name, units: table.notebooks[name].work.ask, have: Object.keys(have), budget: null, need: [], hour_usd: 0, kwh_usd: kwh, choice: "" };
    advise(table, ask).rows.forEach(function (row) { found[row.offer] = row; });
    Array.prototype.forEach.call(costs.tBodies[0].rows, function (line) {
      /* machine, an hour, a job takes, then what is set here */
      var row = found[line.dataset.k], month = costOf(offers[row.offer], row.hours * jobs / 12, kwh), mine = row.elapsed_hours * hour * jobs;
      var year = month === null ? null : 12 * month;
      [costOf(offers[row.offer], row.hours, kwh), month, year, mine, year === null ? null : year + mine].forEach(function (usd, i) {
        var cell = line.cells[i + 3], never = i && row.elapsed_hours * jobs > 8760;
        if (usd === null || never) {
          cell.removeAttribute("data-v");
          cell.innerHTML = "<span class=u>" + (never ? "more than a year holds" : "unknown") + "</span>";
          return;
        }
        cell.setAttribute("data-v", usd);
        cell.textContent = (row.grade === "estimated" && usd ? "≈ " : "") + money(usd);
      });
    });
  }
  if (costs) costs.addEventListener("input", function () {
    var right = costs.checkValidity();
    byId("cost-wrong").textContent = right ? "" : "The figures stay as they were: jobs are a whole number from 1 to 100,000, an hour is 0 to 1,000 USD, a kilowatt hour 0 to 10 USD.";
    if (!right) return;
    Object.keys(table.notebooks).forEach(function (name) { var own = byId("cost-" + name); if (own) cost(own, name); });
  });
  if (costs) costs.addEventListener("submit", function (event) { event.preventDefault(); });
})();
