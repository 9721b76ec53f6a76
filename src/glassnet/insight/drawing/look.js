// Points at neurons by mouse, finger or keys, and switches blame and biases. All numbers are in the page already.
(() => {
  const svg = document.querySelector("svg.network");
  const picture = svg.parentElement; // listens in place of the SVG, which Chromium would make a stop of Tab for it
  const told = document.querySelector(".told");
  const controls = document.querySelector(".controls");
  const neurons = [...svg.querySelectorAll("[role=option]")];
  let kept = null; // the neuron chosen by focus or tap; a hover shows another one for as long as it lasts
  controls.hidden = document.querySelector(".hint").hidden = false;

  const element = (name, text) => Object.assign(document.createElement(name), {textContent: text});

  const show = neuron => {
    for (const old of svg.querySelectorAll(".mine")) old.classList.remove("mine");
    svg.classList.toggle("pointed", !!neuron);
    told.hidden = !neuron;
    if (!neuron) return;
    const key = neuron.dataset.n;
    neuron.classList.add("mine");
    for (const link of svg.querySelectorAll(`[data-f="${key}"], [data-t="${key}"]`)) link.classList.add("mine");
    const [name, [where], ...facts] = JSON.parse(neuron.dataset.told);
    const title = element("p", "");
    title.append(element("strong", name), ` (${where})`);
    const list = document.createElement("dl");
    for (const [what, value] of facts) {
      const pair = document.createElement("div");
      pair.append(element("dt", what), element("dd", value));
      list.append(pair);
    }
    told.replaceChildren(title, list);
  };

  const keep = neuron => {
    kept = neuron;
    for (const each of neurons) {
      each.setAttribute("aria-selected", each === neuron);
      if (neuron) each.tabIndex = each === neuron ? 0 : -1;
    }
    show(neuron);
  };

  const reveal = neuron => { // from under the panel, too
    document.documentElement.style.scrollPaddingBottom = `${told.offsetHeight + 12}px`;
    neuron?.scrollIntoView({block: "nearest", inline: "nearest"});
  };

  const at = event => event.target.closest("[role=option]");
  picture.addEventListener("pointerover", event => event.pointerType !== "touch" && show(at(event) || kept));
  picture.addEventListener("pointerleave", () => show(kept));
  picture.addEventListener("focusin", event => {
    keep(at(event));
    if (at(event)?.matches(":focus-visible")) reveal(at(event));
  });
  picture.addEventListener("mousedown", event => at(event) && event.preventDefault()); // focus waits for the click:
  // what it shows and scrolls would move the page under a finger that is still down
  picture.addEventListener("click", event => {
    const neuron = at(event);
    if (neuron) neuron.focus({preventScroll: true});
    else if (document.activeElement && svg.contains(document.activeElement)) document.activeElement.blur();
    keep(neuron);
    reveal(neuron);
  });

  const column = neuron => +neuron.dataset.n.split("-")[0];
  const height = neuron => {
    const box = neuron.querySelector(".body").getBoundingClientRect();
    return box.top + box.height / 2;
  };
  const beside = (neuron, step) => {
    const there = neurons.filter(each => column(each) === column(neuron) + step);
    const from = height(neuron);
    return there.sort((a, b) => Math.abs(height(a) - from) - Math.abs(height(b) - from))[0];
  };
  picture.addEventListener("keydown", event => {
    const here = at(event);
    if (!here || event.ctrlKey || event.altKey || event.metaKey) return;
    const mine = neurons.filter(each => column(each) === column(here));
    const n = mine.indexOf(here);
    const moves = {
      ArrowUp: () => mine[n - 1], ArrowDown: () => mine[n + 1], Home: () => mine[0], End: () => mine.at(-1),
      ArrowLeft: () => beside(here, -1), ArrowRight: () => beside(here, 1),
    };
    if (event.key === "Escape") {
      here.blur();
      keep(null);
    } else if (moves[event.key]) {
      event.preventDefault();
      moves[event.key]()?.focus();
    }
  });

  const button = controls.querySelector("button");
  button?.addEventListener("click", () => {
    const on = svg.classList.toggle("show-blame");
    svg.classList.toggle("flowing", on);
    button.setAttribute("aria-pressed", on);
  });
  controls.querySelector("input")?.addEventListener("change", event => {
    svg.classList.toggle("show-bias", event.target.checked);
  });
})();
