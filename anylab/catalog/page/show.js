/* Light and dark, and where a value comes from, beside the value. */
(function () {
  var root = document.documentElement, button = document.getElementById("theme");
  function dark() {
    var chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function tell() { button.setAttribute("aria-pressed", String(dark())); }
  button.addEventListener("click", function () {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("anylab-theme", root.dataset.theme); } catch (e) { /* a file may have no storage */ }
    tell();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
  tell();

  var tip = document.createElement("div");
  tip.id = "tip"; tip.setAttribute("role", "tooltip"); tip.hidden = true;
  document.body.appendChild(tip);
  function show(event) {
    var link = event.target.closest && event.target.closest('a[href^="#s"]');
    var row = link && /^#s\d+$/.test(link.getAttribute("href")) && document.getElementById(link.getAttribute("href").slice(1));
    if (!row) return hide();
    tip.textContent = row.cells[1].textContent + " · " + row.cells[2].textContent + " · grade " + row.cells[3].textContent;
    tip.hidden = false;
    var box = link.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8)) + scrollX + "px";
    tip.style.top = (box.top > tip.offsetHeight + 70 ? box.top - tip.offsetHeight - 6 : box.bottom + 6) + scrollY + "px";
    link.setAttribute("aria-describedby", "tip");
  }
  function hide() { tip.hidden = true; }
  document.addEventListener("mouseover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("mouseout", hide);
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") hide(); });
  /* a table that goes on to the right says so */
  document.querySelectorAll(".box").forEach(function (box) {
    function look() { box.classList.toggle("more", box.scrollWidth - box.clientWidth - box.scrollLeft > 8); }
    box.addEventListener("scroll", look, { passive: true });
    if (!window.ResizeObserver) return look();
    var seen = new ResizeObserver(look);
    seen.observe(box);
    seen.observe(box.firstElementChild);
  });
  /* a link into a folded part opens it */
  function unfold() {
    var target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch (e) { /* no part has such a name */ }
    for (var at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  }
  addEventListener("hashchange", unfold);
  if (location.hash) unfold();
})();
