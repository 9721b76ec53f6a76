(() => {
  const step = 60;
  const list = document.getElementById("units"), form = document.getElementById("controls");
  const status = document.getElementById("status"), more = document.getElementById("more");
  const cards = [...list.children].map(card => ({
    card,
    name: card.querySelector(".sees"),
    said: card.querySelector(".sees").textContent,
    layer: card.dataset.layer,
    index: +card.dataset.index,
    telling: +card.dataset.telling,
    sees: card.dataset.sees,
    auroc: (card.dataset.auroc || "").split(" ").map(parseFloat),
    effect: (card.dataset.effect || "").split(" ").map(parseFloat),
  }));
  const of = name => form.elements[name];
  const byPlace = (a, b) => a.layer - b.layer || a.index - b.index;
  const last = -1e300;
  const figure = (value, sign) => Number.isNaN(value) ? last : sign * value;
  const orders = {
    place: () => 0,
    telling: unit => unit.telling,
    sees: (unit, c) => figure(unit.auroc[c], 1),
    silent: (unit, c) => figure(unit.auroc[c], -1),
    lifts: (unit, c) => figure(unit.effect[c], 1),
  };
  let limit = step;

  const arrange = () => {
    const layer = of("layer").value, asked = of("class") ? of("class").value : "";
    const order = of("order");
    for (const option of order.options)
      option.disabled = asked === "" && ["sees", "silent", "lifts"].includes(option.value);
    if (order.selectedOptions[0].disabled) order.value = "place";
    const only = of("only");
    if (only) { only.disabled = asked === ""; if (only.disabled) only.checked = false; }
    const key = orders[order.value], chosen = asked === "" ? null : +asked;
    const sorted = cards.map(unit => [key(unit, chosen), unit]);
    const lift = unit => chosen === null ? 0 : unit.effect[chosen];
    sorted.sort((a, b) => b[0] - a[0] || lift(b[1]) - lift(a[1]) || byPlace(a[1], b[1]));
    let fit = 0;
    for (const [, unit] of sorted) {
      const fits = (layer === "" || unit.layer === layer) && !(only && only.checked && unit.sees !== asked);
      fit += fits;
      unit.card.hidden = !fits || fit > limit;
      unit.name.textContent = chosen === null ? unit.said : said(unit, chosen);
      list.append(unit.card);
    }
    const shown = Math.min(fit, limit);
    status.textContent = `${shown.toLocaleString("en")} of ${fit.toLocaleString("en")} units shown: ` +
      order.selectedOptions[0].textContent + ".";
    more.hidden = fit <= limit;
    more.textContent = `Show ${Math.min(step, fit - limit)} more`;
  };
  const said = (unit, c) => {
    if (Number.isNaN(unit.auroc[c])) return "";
    const name = of("class").options[c + 1].textContent;
    return `${name}: AUROC ${unit.auroc[c].toFixed(3)}, effect ${unit.effect[c].toPrecision(3)}`;
  };
  const show = () => {
    const target = location.hash.startsWith("#u-") && document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.hidden) {
      form.reset();
      for (const select of form.querySelectorAll("select")) select.selectedIndex = 0;
      limit = cards.length;
      arrange();
    }
    target.focus({preventScroll: true});
    target.scrollIntoView({block: "start"});
  };

  form.hidden = false;
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("change", event => {
    limit = step;
    if (event.target.name === "class" && event.target.value !== "" && of("order").value === "place") {
      for (const option of of("order").options) option.disabled = false;
      of("order").value = "sees";
    }
    arrange();
  });
  more.addEventListener("click", () => {
    const before = cards.filter(unit => !unit.card.hidden).length;
    limit += step;
    arrange();
    const next = [...list.children].filter(card => !card.hidden)[before];
    if (next) next.focus();
  });
  addEventListener("hashchange", show);
  arrange();
  show();
})();
