/* The mirror of anylab/catalog/advise.py: the same table and question in, the same numbers out. */
function advise(table, ask) {
  var notebook = table.notebooks[ask.notebook], work = notebook.work;
  var answer = { notebook: ask.notebook, units: ask.units, unit: "", rows: [], refused: [] };
  if (!work) return answer;
  answer.unit = work.unit;
  var keys = {};
  table.offers.forEach(function (offer) {
    var judged = judge(notebook, work, offer, ask);
    if (judged.code) {
      answer.refused.push({ offer: offer.id, code: judged.code, has: judged.has, wants: judged.wants });
    } else {
      keys[offer.id] = rankOf(judged, offer, ask);
      answer.rows.push(shownRow(judged, offer));
    }
  });
  answer.rows.sort(function (a, b) {
    var x = keys[a.offer], y = keys[b.offer];
    for (var i = 0; i < x.length; i++) { if (x[i] < y[i]) return -1; if (x[i] > y[i]) return 1; }
    return 0;
  });
  return answer;
}
function no(code, has, wants) { return { code: code, has: has === undefined ? null : has, wants: wants === undefined ? null : wants }; }
function judge(notebook, work, offer, ask) {
  var why = gate(offer, ask.have) || room(notebook.needs, offer);
  if (why) return why;
  var choices = suited(work, offer, ask.choice);
  if (choices.code) return choices;
  var found = inASession(choices, offer);
  if (found.code) return found;
  var choice = found.choice, each = found.each;
  var needs = ["background", "persistent", "private"];
  for (var i = 0; i < needs.length; i++)
    if (ask.need.indexOf(needs[i]) >= 0 && offer[needs[i]] !== true) return no(needs[i], offer[needs[i]], true);
  var hours = totalSeconds(choice, offer, ask.units, each) / 3600;
  var usd = costOf(offer, hours, ask.kwh_usd);
  if (ask.budget !== null) {
    if (usd === null) return no("price", null, ask.budget);
    if (rounded(usd, 2) > ask.budget) return no("budget", rounded(usd, 2), ask.budget);
  }
  var row = calendar(offer, hours);
  row.choice = choice; row.each = each; row.hours = hours; row.usd = usd;
  return row;
}
function gate(offer, have) {
  var named = have.indexOf(offer.platform) >= 0 || have.indexOf(offer.platform + ":" + offer.card) >= 0;
  if (!named && (have.length || offer.owned)) return no("have");
  if (offer.state === "dead" || ((offer.state === "closed" || offer.state === "unconfirmed") && !named)) return no(offer.state);
  if (offer.notebooks !== true) return no("notebook", offer.notebooks, true);
  return null;
}
function room(needs, offer) {
  var rooms = [["ram", "ram_gb"], ["disk", "disk_gb"]];
  for (var i = 0; i < rooms.length; i++) {
    var key = rooms[i][1];
    if (offer[key] !== null && (needs[key] || 0) > offer[key]) return no(rooms[i][0], offer[key], needs[key]);
  }
  if ((needs.internet || "none") !== "none" && offer.internet === "restricted") return no("internet", offer.internet, needs.internet);
  return null;
}
/* the first way whose time is known and whose unit fits a session, else why the first of them is none */
function inASession(choices, offer) {
  var first = null;
  for (var i = 0; i < choices.length; i++) {
    var each = unitSeconds(choices[i], offer), why;
    if (each === null) why = no("rate");
    else if (offer.session_hours && each > offer.session_hours * 3600) why = no("session", offer.session_hours, each / 3600);
    else return { choice: choices[i], each: each };
    first = first || why;
  }
  return first;
}
function calendar(offer, hours) {
  var day = offer.hours_per_day || 24;
  var week = offer.hours_per_week ? Math.min(offer.hours_per_week, 7 * day) : 7 * day;
  var weeks = Math.max(0, Math.ceil(hours / week) - 1), rest = hours - weeks * week;
  var days = Math.max(1, Math.ceil(rest / day)), limit = offer.session_hours;
  return {
    sessions: limit === null ? null : limit ? Math.max(1, Math.ceil(hours / limit)) : 1,
    days: weeks * 7 + days,
    elapsed_hours: weeks * 168 + (days - 1) * 24 + (rest - (days - 1) * day),
    quota_known: offer.hours_per_week !== null && offer.hours_per_day !== null
  };
}
function costOf(offer, hours, kwhUsd) {
  if (offer.owned) return offer.watts !== null ? hours * offer.watts * offer.count / 1000 * kwhUsd : null;
  if (offer.usd_per_hour === null) return null;
  var usd = Math.max(0, hours * offer.usd_per_hour - offer.usd_credit);
  return offer.usd_block ? Math.ceil(usd / offer.usd_block) * offer.usd_block : usd;
}
function rankOf(row, offer, ask) {
  var unknown = row.usd === null, usd = unknown ? 0 : offer.owned ? rounded(row.usd, 1) : row.usd, worth = usd + ask.hour_usd * row.elapsed_hours;
  var doubtful = !row.quota_known;
  return [!offer.variant, Math.max(0, row.choice.lesser), unknown, worth, doubtful && row.sessions !== 1,
    row.elapsed_hours, doubtful, offer.background !== true, offer.id];
}
function shownRow(row, offer) {
  return {
    offer: offer.id, choice: row.choice.id, lesser: row.choice.lesser, batch: batchOf(row.choice, offer), seconds: rounded(row.each, 4),
    hours: rounded(row.hours, 6), grade: gradeOf(row.choice, offer), sessions: row.sessions, days: row.days,
    elapsed_hours: rounded(row.elapsed_hours, 6), quota_known: row.quota_known,
    usd: row.usd === null ? null : rounded(row.usd, 2), variant: offer.variant,
    unknown: ["ram_gb", "disk_gb", "session_hours"].filter(function (key) { return offer[key] === null; }),
    caution: row.choice.terms ? offer.terms : ""
  };
}
