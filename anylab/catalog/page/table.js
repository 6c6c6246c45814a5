/* Tables that sort: each head gets a button; numbers by what they are, words by the alphabet, unknowns last. */
function sortable(table) {
  var heads = table.tHead.rows[0].cells;
  Array.prototype.forEach.call(heads, function (head, column) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("click", function () {
      var up = head.getAttribute("aria-sort") !== "ascending";
      Array.prototype.forEach.call(heads, function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      sortBy(table.tBodies[0], column, up);
    });
  });
}
function sortBy(body, column, up) {
  var rows = Array.prototype.slice.call(body.rows).map(function (row, i) {
    var cell = row.cells[column], words = cell.textContent.trim(), number = numberOf(cell);
    return { row: row, i: i, empty: number === null && (!words || words === "–" || words === "unknown" || !!cell.querySelector(".u")), number: number, words: words };
  });
  rows.sort(function (a, b) {
    if (a.empty !== b.empty) return a.empty ? 1 : -1;
    var order = a.number !== null && b.number !== null ? a.number - b.number
      : a.number !== null ? -1 : b.number !== null ? 1 : a.words.localeCompare(b.words, "en", { numeric: true });
    return (up ? order : -order) || a.i - b.i;
  });
  rows.forEach(function (entry) { body.appendChild(entry.row); });
}
/* what a cell is sorted by: its data-v, or its words where they are a number; null where it has none */
function numberOf(cell) {
  var given = cell.getAttribute("data-v"), words = cell.textContent.trim();
  if (given !== null) return +given;
  return words !== "" && !isNaN(+words) ? +words : null;
}
document.querySelectorAll("table.sort").forEach(sortable);
