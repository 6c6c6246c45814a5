/* The mirror of anylab/catalog/amounts.py. */
/* what a way does beside the usual job; catalog/words.py has the same */
function sized(told, lesser) { return lesser ? told + (lesser > 0 ? " (smaller)" : " (larger)") : told; }
function halfUp(x) { return Math.floor(x + 0.5); }
function grouped(n) { return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ","); }
function tenth(x) {
  var tenths = halfUp(x * 10);
  return tenths % 10 === 0 || tenths >= 1000 ? String(Math.floor(tenths / 10)) : Math.floor(tenths / 10) + "." + tenths % 10;
}
function duration(hours) {
  var seconds = hours * 3600;
  if (seconds < 1) return "under 1 s";
  if (seconds < 59.5) return halfUp(seconds) + " s";
  if (seconds < 597) return tenth(seconds / 60) + " min";
  if (seconds < 3570) return halfUp(seconds / 60) + " min";
  if (hours < 47.95) return tenth(hours) + " h";
  return tenth(hours / 24) + " days";
}
function money(usd) {
  if (usd === 0) return "0 USD";
  if (usd < 100) {
    var cents = halfUp(usd * 100), rest = cents % 100;
    return cents ? Math.floor(cents / 100) + "." + (rest < 10 ? "0" : "") + rest + " USD" : "under 0.01 USD";
  }
  return grouped(halfUp(usd)) + " USD";
}
function priced(usd) { return usd === null ? "price unknown" : money(usd); }
function counted(n, work) { return grouped(n) + " " + (n === 1 ? work.unit : work.units); }
var table = JSON.parse(document.getElementById("facts").textContent), offers = {};
table.offers = table.offers.map(function (own) { return Object.assign({}, table.shared[own.platform], own); });
table.offers.forEach(function (offer) { offers[offer.id] = offer; });
function byId(id) { return document.getElementById(id); }
/* the number in a field, within its limits whatever somebody typed; 0 or the least where it is none */
function bounded(id) {
  var field = byId(id), value = +field.value;
  if (!isFinite(value)) value = 0;
  return Math.min(+field.max, Math.max(+field.min, value));
}
function make(tag, attributes, text) {
  var svg = ["svg", "g", "path", "circle", "line", "text", "title"].indexOf(tag) >= 0;
  var node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  Object.keys(attributes || {}).forEach(function (key) { node.setAttribute(key, attributes[key]); });
  if (text !== undefined) node.textContent = text;
  return node;
}
