/* The mirror of anylab/catalog/rates.py, operation for operation; tests/page compares every number. */
function rounded(x, digits) {
  var scale = [1, 10, 100, 1000, 10000, 100000, 1000000][digits];
  return Math.floor(x * scale + 0.5) / scale;
}
function unitSeconds(choice, offer) {
  var known = choice.known[offer.card];
  if (known) return known.seconds;
  var seconds = 0;
  for (var i = 0; i < choice.parts.length; i++) {
    var part = choice.parts[i];
    seconds += part.seconds;
    if (part.tflop > 0) {
      var rate = part.rate === "half" ? offer.half_tflops : offer.single_tflops;
      if (!rate) return null;
      seconds += part.tflop / (rate * part.share);
    }
    if (part.gb > 0) {
      if (!offer.bandwidth_gbs) return null;
      seconds += part.gb / offer.bandwidth_gbs;
    }
  }
  return seconds > 0 ? seconds : null;
}
function gradeOf(choice, offer) {
  var known = choice.known[offer.card];
  return known ? known.grade : "estimated";
}
function totalSeconds(choice, offer, units, each) {
  if (choice.spread === "queue") return Math.ceil(units / offer.count) * each;
  return units * each / (1 + (offer.count - 1) * choice.further_card);
}
function memoryWanted(choice) { return choice.memory_gb + choice.item_gb; }
function batchOf(choice, offer) {
  if (!choice.item_gb) return 1;
  var fit = Math.floor((offer.memory_gb - choice.memory_gb) / choice.item_gb), size = 1;
  while (size * 2 <= Math.min(fit, choice.item_most)) size *= 2;
  return fit >= 1 ? size : 0;
}
function suited(work, offer, asked) {
  var wanted = work.choices.filter(function (c) { return asked ? c.id === asked : !c.asked_only; });
  var kind = wanted.filter(function (c) { return c.kinds.indexOf(offer.kind) >= 0; });
  if (!kind.length) return { code: "kind", has: offer.kind, wants: wanted[0].kinds[0] };
  var able = kind.filter(function (c) { return ableOn(c, offer); });
  function least(list, of) { return Math.min.apply(null, list.map(of)); }
  if (!able.length) return { code: "capability", has: offer.capability, wants: least(kind, function (c) { return c.capability_from; }) };
  var fits = able.filter(function (c) { return offer.memory_gb !== null && memoryWanted(c) <= offer.memory_gb; });
  return fits.length ? fits : { code: "memory", has: offer.memory_gb, wants: least(able, memoryWanted) };
}
function ableOn(choice, offer) {
  if (!choice.capability_from && !choice.capability_below) return true;
  if (offer.capability === null) return false;
  return offer.capability >= choice.capability_from && (!choice.capability_below || offer.capability < choice.capability_below);
}
