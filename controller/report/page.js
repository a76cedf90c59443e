"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const FIELDS = 9, [STAGE, OUTCOME, LANE, BEGIN, LENGTH, RAN, ATTEMPTS, REASON, HANG] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const OUTCOMES = ["built", "skipped", "failed", "hung"], HUNG = 3, PAGE = 50, MOST_ZOOM = 64;
  const of = (build, field) => data.rows[build * FIELDS + field];
  const element = (tag, properties, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const span = tenths => {
    if (tenths < 0) return "";
    const whole = Math.round(tenths / 10), two = number => String(number).padStart(2, "0");
    if (whole >= 3600) return `${Math.floor(whole / 3600)}h ${two(Math.floor(whole / 60) % 60)}m`;
    return whole >= 60 ? `${Math.floor(whole / 60)}m ${two(whole % 60)}s` : `${whole}s`;
  };
  const clock = tenths => new Date(Date.parse(data.start) + tenths * 100).toISOString().slice(11, 19);
  const stateOf = build => OUTCOMES[of(build, OUTCOME)];
  const fullName = build => (data.stages[of(build, STAGE)] ? data.stages[of(build, STAGE)] + "/" : "") + data.names[build];
  const whyOf = build => {
    const hang = of(build, HANG) < 0 ? "" : data.hangs[of(build, HANG)];
    if (of(build, OUTCOME) === HUNG) return hang;
    const reason = of(build, REASON) < 0 ? "" : data.reasons[of(build, REASON)];
    return [reason, hang && `An earlier attempt hung: ${hang}`].filter(Boolean).join(". ");
  };

  // The picture: what is under the pointer, and what the arrow keys choose.
  const scroll = document.getElementById("scroll"), picture = document.getElementById("picture");
  const detail = document.getElementById("detail"), chosenBox = document.getElementById("chosen");
  const lanes = data.middles.map(() => []);
  data.names.forEach((_, build) => { if (of(build, LANE) >= 0) lanes[of(build, LANE)].push(build); });
  let chosen = -1, zoom = 1;

  const tell = build => {
    const times = of(build, LANE) < 0 ? "never ran" :
      `${clock(of(build, BEGIN))} to ${clock(of(build, BEGIN) + of(build, LENGTH))} UTC, ran ${span(of(build, RAN))}`;
    const attempts = of(build, ATTEMPTS) > 1 ? `, ${of(build, ATTEMPTS)} attempts` : "";
    detail.replaceChildren(element("b", {textContent: fullName(build)}), `: ${stateOf(build)}, ${times}${attempts}`,
      whyOf(build) ? `. ${whyOf(build)}` : "");
  };
  const show = build => {
    const lane = of(build, LANE);
    if (!picture || lane < 0) return;
    const height = Math.max(data.pitch - 2, 4), width = Math.max(of(build, LENGTH) / data.length * 100, 0.06);
    chosenBox.setAttribute("x", of(build, BEGIN) / data.length * 100 + "%");
    chosenBox.setAttribute("y", data.middles[lane] - height / 2);
    chosenBox.setAttribute("width", width + "%");
    chosenBox.setAttribute("height", height);
  };
  const choose = (build, bring) => {
    chosen = build;
    if (!detail) return;
    tell(build);
    show(build);
    if (!bring || !scroll || of(build, LANE) < 0) return;
    const box = chosenBox.getBoundingClientRect(), frame = scroll.getBoundingClientRect();
    if (box.left < frame.left || box.right > frame.right)
      scroll.scrollLeft += box.left - frame.left - frame.width / 3;
    if (box.top < frame.top || box.bottom > frame.bottom)
      scroll.scrollTop += box.top - frame.top - frame.height / 3;
  };
  const nearest = (lane, tenths) => {
    let best = -1, distance = Infinity;
    for (const build of lanes[lane] || []) {
      const from = of(build, BEGIN), to = from + of(build, LENGTH);
      const away = tenths < from ? from - tenths : tenths > to ? tenths - to : 0;
      if (away < distance) [best, distance] = [build, away];
    }
    return best;
  };
  const under = event => {
    const box = picture.getBoundingClientRect(), y = event.clientY - box.top;
    let lane = -1, distance = data.pitch / 2 + 1;
    data.middles.forEach((middle, at) => {
      if (Math.abs(middle - y) < distance) [lane, distance] = [at, Math.abs(middle - y)];
    });
    return lane < 0 ? -1 : nearest(lane, (event.clientX - box.left) / box.width * data.length);
  };
  const setZoom = to => {
    const before = zoom, middle = scroll.scrollLeft + scroll.clientWidth / 2;
    zoom = Math.min(MOST_ZOOM, Math.max(1, to));
    picture.setAttribute("width", zoom * 100 + "%");
    scroll.scrollLeft = middle * zoom / before - scroll.clientWidth / 2;
    document.getElementById("out").disabled = zoom === 1;
    document.getElementById("in").disabled = zoom === MOST_ZOOM;
  };
  const move = key => {
    if (chosen < 0 || of(chosen, LANE) < 0) {
      const first = lanes.findIndex(lane => lane.length > 0);
      return first < 0 ? -1 : lanes[first][0];
    }
    const lane = of(chosen, LANE), row = lanes[lane], at = row.indexOf(chosen);
    if (key === "ArrowLeft") return row[Math.max(at - 1, 0)];
    if (key === "ArrowRight") return row[Math.min(at + 1, row.length - 1)];
    if (key === "Home") return row[0];
    if (key === "End") return row[row.length - 1];
    const middle = of(chosen, BEGIN) + of(chosen, LENGTH) / 2, step = key === "ArrowUp" ? -1 : 1;
    for (let next = lane + step; next >= 0 && next < lanes.length; next += step) {
      if (lanes[next].length > 0) return nearest(next, middle);
    }
    return chosen;
  };
  if (picture) {
    document.getElementById("zoom").hidden = false;
    document.getElementById("in").onclick = () => setZoom(zoom * 2);
    document.getElementById("out").onclick = () => setZoom(zoom / 2);
    setZoom(1);
    const point = event => {
      const build = under(event);
      if (build >= 0 && build !== chosen) choose(build, false);
    };
    picture.addEventListener("pointermove", event => { if (event.pointerType === "mouse") point(event); });
    picture.addEventListener("click", point);
    scroll.addEventListener("keydown", event => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "+" || event.key === "=") setZoom(zoom * 2);
      else if (event.key === "-") setZoom(zoom / 2);
      else if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
      else {
        const next = move(event.key);
        if (next >= 0) choose(next, true);
      }
      event.preventDefault();
    });
  }
  const toPicture = build => {
    choose(build, true);
    if (scroll && of(build, LANE) >= 0) scroll.scrollIntoView({block: "nearest"});
  };
  for (const button of document.querySelectorAll("button[data-build]"))
    button.onclick = () => toPicture(Number(button.dataset.build));

  // The list of all builds.
  const list = document.getElementById("list");
  const search = element("input", {type: "search", placeholder: "name or reason"});
  search.setAttribute("aria-label", "search builds by name or reason");
  const filter = element("select", {}, ...["all", "failed", "hung", "retried", "skipped", "built"].map(
    word => element("option", {value: word, textContent: word === "all" ? "all outcomes" : word})));
  filter.setAttribute("aria-label", "outcome");
  const count = element("span", {className: "quiet"});
  count.setAttribute("role", "status");
  const COLUMNS = [["build", build => fullName(build)], ["outcome", build => stateOf(build)],
    ["began", build => of(build, LANE) < 0 ? Infinity : of(build, BEGIN)], ["ran", build => of(build, RAN)],
    ["attempts", build => of(build, ATTEMPTS)], ["why", build => whyOf(build)]];
  let page = 0, order = 2, backwards = false, shown = [];
  const body = element("tbody", {}), head = element("tr", {});
  COLUMNS.forEach(([title], at) => {
    const button = element("button", {type: "button", textContent: title});
    button.onclick = () => {
      backwards = order === at && !backwards;
      order = at;
      page = 0;
      update();
    };
    const cell = element("th", {className: at === 0 || at === 1 || at === 5 ? "text" : ""}, button);
    cell.scope = "col";
    head.append(cell);
  });
  const before = element("button", {type: "button", textContent: "previous"});
  const after = element("button", {type: "button", textContent: "next"});
  const where = element("span", {className: "quiet"});
  before.onclick = () => { --page; draw(); };
  after.onclick = () => { ++page; draw(); };
  const meant = build => {
    switch (filter.value) {
      case "all": return true;
      case "hung": return of(build, HANG) >= 0;
      case "failed": return of(build, OUTCOME) >= OUTCOMES.indexOf("failed");
      case "retried": return of(build, ATTEMPTS) > 1;
      default: return OUTCOMES[of(build, OUTCOME)] === filter.value;
    }
  };
  const draw = () => {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    body.replaceChildren(...shown.slice(page * PAGE, (page + 1) * PAGE).map(build => {
      const name = element("button", {type: "button", className: "name", textContent: fullName(build)});
      name.onclick = () => toPicture(build);
      return element("tr", {}, element("td", {className: "text"}, name),
        element("td", {className: "text"}, element("span", {className: "state " + stateOf(build), textContent: stateOf(build)})),
        element("td", {textContent: of(build, LANE) < 0 ? "" : clock(of(build, BEGIN))}),
        element("td", {textContent: span(of(build, RAN))}), element("td", {textContent: of(build, ATTEMPTS)}),
        element("td", {className: "text why", textContent: whyOf(build)}));
    }));
    before.disabled = page === 0;
    after.disabled = page === pages - 1;
    where.textContent = `page ${page + 1} of ${pages}`;
  };
  const update = () => {
    const wanted = search.value.trim().toLowerCase(), [, key] = COLUMNS[order];
    shown = data.names.map((_, build) => build).filter(build => meant(build) &&
      (!wanted || fullName(build).toLowerCase().includes(wanted) || whyOf(build).toLowerCase().includes(wanted)));
    const keys = new Map(shown.map(build => [build, key(build)]));
    shown.sort((a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : a - b) * (backwards ? -1 : 1));
    [...head.children].forEach((cell, at) => {
      if (at === order) cell.setAttribute("aria-sort", backwards ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    count.textContent = `${shown.length} of ${data.names.length}`;
    draw();
  };
  search.oninput = filter.onchange = () => { page = 0; update(); };
  const wide = element("div", {className: "wide"}, element("table", {}, element("thead", {}, head), body));
  list.append(element("div", {className: "tools"}, search, filter, count), wide,
    element("div", {className: "pages"}, before, after, where));
  update();
})();
