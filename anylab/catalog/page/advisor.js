/* The advisor: a question from the form, the answer of advise() as a sentence, a chart, and a ranked table. */
(function () {
  var form = byId("ask");
  if (!form) return;
  var BUDGETS = [0, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000];
  var WHY = { dead: "gone", closed: "closed to newcomers", unconfirmed: "not confirmed that it can be had", have: "not among what you have",
    notebook: "does not run a notebook as it is", kind: "no way of doing it on this kind of machine", capability: "compute capability too low",
    memory: "too little memory on the accelerator", ram: "too little memory", disk: "too little disk", internet: "the models cannot be fetched there",
    rate: "nobody has said how fast it is", session: "one piece takes longer than a session", background: "does not run on with the browser closed, or nobody knows",
    persistent: "does not keep files, or nobody knows", private: "cannot be private, or nobody knows", price: "its price is unknown", budget: "costs more" };
  function work() { return table.notebooks[byId("a-book").value].work; }
  /* the stops of the slider: round amounts from the first preset to the last, and the presets themselves */
  function stops() {
    var presets = work().presets, high = presets[presets.length - 1], found = presets.concat([work().ask]);
    for (var ten = 1; ten <= high; ten *= 10) [1, 1.5, 2, 3, 4, 5, 7].forEach(function (n) { if (n * ten >= presets[0] && n * ten <= high && n * ten % 1 === 0) found.push(n * ten); });
    return found.sort(function (a, b) { return a - b; }).filter(function (n, i, all) { return n !== all[i - 1]; });
  }
  function amount() { return stops()[+byId("a-units").value]; }
  function usual() {
    byId("a-units").max = stops().length - 1;
    byId("a-units").value = stops().indexOf(work().ask);
  }
  function question() {
    var own = byId("a-card"), have = [];
    form.querySelectorAll("[data-p]").forEach(function (box) {
      if (!box.checked) return;
      var mine = table.offers.some(function (o) { return o.platform === box.dataset.p && o.owned; });
      have.push(mine && own && own.value ? box.dataset.p + ":" + own.value : box.dataset.p);
    });
    var need = Array.prototype.filter.call(form.querySelectorAll("[data-need]"), function (box) { return box.checked; });
    var step = +byId("a-budget").value;
    return { notebook: byId("a-book").value, units: amount(), have: have.length ? have : ["-"],
      budget: step >= BUDGETS.length ? null : BUDGETS[step], need: need.map(function (box) { return box.dataset.need; }),
      hour_usd: bounded("a-hour"), kwh_usd: bounded("a-kwh"), choice: "" };
  }
  function mark(row) { return row.grade === "estimated" ? "≈ " : ""; }
  function update() {
    var ask = question(), answer = advise(table, ask), words = counted(ask.units, work());
    byId("a-units-name").textContent = work().units.charAt(0).toUpperCase() + work().units.slice(1);
    byId("a-units-out").textContent = grouped(ask.units);
    byId("a-units").setAttribute("aria-valuetext", words);
    byId("a-budget-out").textContent = ask.budget === null ? "no limit" : money(ask.budget);
    byId("a-budget").setAttribute("aria-valuetext", byId("a-budget-out").textContent);
    say(answer, words);
    mind(answer.rows);
    rank(answer);
    refuse(answer);
    draw(answer.rows, words);
  }
  function say(answer, words) {
    var best = answer.rows[0], node = byId("answer");
    node.textContent = "";
    if (!best) { node.textContent = "Nothing of what you have does " + words + " under these conditions. Below stands why."; return; }
    var offer = offers[best.offer];
    node.appendChild(make("b", {}, offer.words));
    var told = " does " + words + (best.lesser ? best.lesser > 0 ? ", smaller ones," : ", larger ones," : "") + " in " + mark(best) + duration(best.hours);
    told += best.sessions === null ? ", in sessions of unknown length" : best.sessions > 1 ? ", in " + best.sessions + " sessions on " + best.days + (best.days === 1 ? " day" : " days") : best.days > Math.ceil(best.hours / 24) ? " of work, which a quota spreads over " + best.days + " days" : "";
    told += best.usd === null ? ", for an unknown price." : offer.owned ? ", for " + mark(best) + money(best.usd) + " of power." : best.usd ? ", for " + mark(best) + money(best.usd) + "." : ", for nothing.";
    if (offer.on_top) told += " On top of that come " + offer.on_top + ".";
    if (!best.variant) told += " There is no variant of ours for it yet.";
    if (!best.quota_known) told += " Its quota is not published.";
    node.appendChild(document.createTextNode(told));
  }
  /* what the places say on this work, each thing once; catalog/words.py has the same */
  function mind(rows) {
    var said = {}, list = byId("minded");
    rows.forEach(function (row) {
      var place = offers[row.offer].words.split(",")[0];
      if (row.caution && (said[row.caution] = said[row.caution] || []).indexOf(place) < 0) said[row.caution].push(place);
    });
    list.textContent = "";
    Object.keys(said).forEach(function (caution) { list.appendChild(make("li", {}, said[caution].join(", ") + ": " + caution)); });
  }
  function rank(answer) {
    var body = byId("ranked").tBodies[0];
    Array.prototype.forEach.call(byId("ranked").tHead.rows[0].cells, function (head) { head.removeAttribute("aria-sort"); });
    body.textContent = "";
    answer.rows.forEach(function (row, i) {
      var offer = offers[row.offer], line = make("tr", { "data-k": row.offer });
      var head = make("th", { scope: "row", "data-v": i + 1 });
      head.appendChild(make("span", { "class": "rank" }, String(i + 1)));
      head.appendChild(document.createTextNode(offer.words + (offer.variant ? "" : " (facts only)")));
      line.appendChild(head);
      [[sized(mark(row) + duration(row.hours), row.lesser), row.hours],
       [row.usd === null ? "unknown" : (row.usd ? mark(row) : "") + money(row.usd) + (offer.on_top ? ", and " + offer.on_top : ""), row.usd], [row.sessions === null ? "unknown" : row.sessions, row.sessions],
       [row.quota_known ? row.days : row.days + " or more", row.days], [row.batch, row.batch], [offer.lost || "unknown", null]].forEach(function (pair) {
        line.appendChild(make("td", pair[1] === null ? {} : { "data-v": pair[1] }, String(pair[0])));
      });
      body.appendChild(line);
    });
  }
  function refuse(answer) {
    var list = byId("refused").querySelector("ul"), told = answer.refused.filter(function (x) { return x.code !== "have"; });
    list.textContent = "";
    told.forEach(function (x) {
      var more = typeof x.wants === "number" && typeof x.has === "number" && x.code !== "budget" ? " (" + rounded(x.has, 1) + " of " + rounded(x.wants, 1) + ")" : "";
      list.appendChild(make("li", {}, offers[x.offer].words + ": " + WHY[x.code === "memory" && offers[x.offer].kind === "cpu" ? "ram" : x.code] + more));
    });
    byId("refused").hidden = !told.length;
  }
  /* time to the right, cost upwards; both by multiples, what is free in a lane of its own below */
  function draw(rows, words) {
    var svg = byId("chart"), W = Math.max(320, svg.clientWidth || 760), H = W < 560 ? 330 : 400, left = W < 560 ? 46 : 66, right = 18, top = 18, lane = 86, foot = 44;
    svg.setAttribute("viewBox", "0 0 " + W + " " + H);
    while (svg.lastChild !== svg.firstElementChild) svg.removeChild(svg.lastChild);
    byId("chart-t").textContent = "Time against cost of " + words + " on " + rows.length + " machines; the table below has the same figures";
    if (!rows.length) { svg.appendChild(make("text", { x: W / 2, y: H / 2, "text-anchor": "middle" }, "nothing fits")); return; }
    var unknown = rows.some(function (r) { return r.usd === null; }), ceiling = unknown ? top + 40 : top, floor = H - foot - lane;
    var hours = rows.map(function (r) { return Math.max(r.elapsed_hours, 1 / 3600); }), paid = rows.filter(function (r) { return r.usd > 0; }).map(function (r) { return r.usd; });
    var x = scale(Math.min.apply(null, hours), Math.max.apply(null, hours), left + 14, W - right - 14);
    var y = paid.length ? scale(Math.min.apply(null, paid), Math.max.apply(null, paid), floor - 12, ceiling + 12) : null;
    ticksOf(x, 52, [1 / 3600, 5 / 3600, 0.25 / 60, 1 / 60, 2 / 60, 5 / 60, 10 / 60, 20 / 60, 0.5, 1, 2, 4, 8, 12, 24, 48, 96, 168, 336, 720, 2160, 8760]).forEach(function (h) {
      svg.appendChild(make("line", { x1: x(h), x2: x(h), y1: top, y2: H - foot, "class": "grid" }));
      svg.appendChild(make("text", { x: x(h), y: H - foot + 18, "text-anchor": "middle", "class": "ax" }, duration(h)));
    });
    if (y) ticksOf(y, 20, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000]).forEach(function (u) {
      svg.appendChild(make("line", { x1: left, x2: W - right, y1: y(u), y2: y(u), "class": "grid" }));
      svg.appendChild(make("text", { x: left - 8, y: y(u) + 4, "text-anchor": "end", "class": "ax" }, u < 1 ? String(u) : grouped(u)));
    });
    svg.appendChild(make("line", { x1: left, x2: W - right, y1: H - foot, y2: H - foot, stroke: "currentColor" }));
    svg.appendChild(make("line", { x1: left, x2: W - right, y1: floor, y2: floor, "class": "grid", "stroke-dasharray": "4 4" }));
    svg.appendChild(make("text", { x: left - 8, y: H - foot - 8, "text-anchor": "end", "class": "ax" }, "free"));
    if (y) svg.appendChild(make("text", { x: 12, y: ceiling + 4, "class": "ax" }, "USD"));
    if (unknown) svg.appendChild(make("text", { x: left, y: top + 10, "class": "ax" }, "price unknown"));
    svg.appendChild(make("text", { x: W - right, y: H - 6, "text-anchor": "end", "class": "ax" }, "from begin to end, quotas included"));
    var taken = [];
    rows.slice(0, 40).forEach(function (row, i) { place(svg, row, i, x(Math.max(row.elapsed_hours, 1 / 3600)), row.usd === null ? top + 24 : row.usd ? y(row.usd) : H - foot - 13, taken, row.usd === 0, floor + 32); });
  }
  function place(svg, row, i, px, py, taken, up, limit) {
    /* two marks never hide one another: the later one moves, upwards in the lane of what is free, else to the right */
    while (taken.some(function (t) { return Math.abs(t[0] - px) < 19 && Math.abs(t[1] - py) < 19; })) { if (up && py > limit) py -= 20; else px += 20; }
    taken.push([px, py]);
    var offer = offers[row.offer], group = make("g", {}), kind = offer.owned ? "own" : row.usd === 0 ? "" : "paid";
    var shape = offer.owned ? make("path", { d: "M" + px + " " + (py - 12) + "l12 12-12 12-12-12z" }) : row.usd === 0 ? make("circle", { cx: px, cy: py, r: 9.5 }) : make("path", { d: "M" + (px - 9) + " " + (py - 9) + "h18v18h-18z" });
    shape.setAttribute("class", "pt " + kind + (row.lesser ? " other" : ""));
    group.appendChild(make("title", {}, (i + 1) + ". " + offer.words + ": " + sized(duration(row.hours), row.lesser) + ", " + priced(row.usd)));
    if (i === 0) group.appendChild(make("circle", { cx: px, cy: py, r: 15, "class": "best" }));
    group.appendChild(shape);
    group.appendChild(make("text", { x: px, y: py + 3.6, "text-anchor": "middle", "class": "no" }, String(i + 1)));
    svg.appendChild(group);
  }
  function scale(low, high, from, to) {
    if (high / low < 4) { var middle = Math.sqrt(low * high); low = middle / 2; high = middle * 2; }
    var at = function (value) { return from + (to - from) * Math.log(value / low) / Math.log(high / low); };
    at.low = low; at.high = high;
    return at;
  }
  /* the values within a scale, none nearer than `apart` to the one before */
  function ticksOf(at, apart, values) {
    var last = null;
    return values.filter(function (v) {
      if (v < at.low * 0.999 || v > at.high * 1.001 || (last !== null && Math.abs(at(v) - last) < apart)) return false;
      last = at(v);
      return true;
    });
  }
  form.addEventListener("input", function (event) {
    if (event.target.id === "a-book") usual(); /* another notebook counts in other units */
    update();
  });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  var waiting;
  addEventListener("resize", function () { clearTimeout(waiting); waiting = setTimeout(update, 120); });
  usual();
  update();
})();
