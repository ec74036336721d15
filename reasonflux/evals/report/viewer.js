// The views of the page: overview and trajectories, told apart by the address, which also holds item and filters.
(() => {
  const PAGE = 60; // items of the list that are shown at a time
  const SOLVED = [["none", "solved never", 0, 0], ["few", "solved in under ⅓", 1e-9, 1 / 3],
    ["some", "solved in ⅓ to ⅔", 1 / 3, 2 / 3], ["most", "solved in over ⅔", 2 / 3, 1 - 1e-9],
    ["all", "solved always", 1, 1]];
  const ORDERS = [["", "in order"], ["hard", "hardest first"], ["easy", "easiest first"]];
  const FILTERS = ["verdict", "set", "template", "difficulty", "run", "order"];

  const { VERDICTS, make, countOf, strip } = items;
  const byId = (id) => document.getElementById(id);
  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(byId(id).textContent.trim()), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };

  let index = { items: [], templates: [], block: 1 };
  let shown = []; // numbers of the items that the filters leave, in order
  let count = PAGE;
  let wanted = {}; // what the address says
  let open = null; // number of the item that is shown
  const blocks = new Map();
  const texts = []; // of items, in small letters, for the search

  const block = (number) => {
    if (!blocks.has(number)) blocks.set(number, unpack(`block-${number}`));
    return blocks.get(number);
  };
  const load = async (number) => {
    const { items, formulas = {} } = await block(Math.floor(number / index.block));
    return { item: items[number % index.block], formulas };
  };

  const verdictsOf = (entry) => entry.verdicts || {};
  const total = (entry) => Object.values(verdictsOf(entry)).reduce((sum, times) => sum + times, 0);
  const share = (entry) => (total(entry) ? (verdictsOf(entry).correct || 0) / total(entry) : 0);

  // Address ----------------------------------------------------------------------------------------------------------
  const readAddress = () => {
    const said = location.hash.slice(1);
    if (!said || said === "overview" || !byId("items")) return { view: "overview" };
    return { view: "items", ...Object.fromEntries(new URLSearchParams(said === "items" ? "" : said)) };
  };
  const address = (changes) => {
    const said = { ...wanted, ...changes };
    delete said.view;
    const kept = Object.entries(said).filter(([, value]) => value);
    return kept.length ? `#${new URLSearchParams(kept)}` : "#items";
  };
  const go = (changes, replace = false) => {
    const to = address(changes);
    if (replace) history.replaceState(null, "", to);
    else history.pushState(null, "", to);
    return follow();
  };

  // Filters ----------------------------------------------------------------------------------------------------------
  const select = (id, all, options) => {
    const box = byId(id);
    box.replaceChildren(...(all ? [new Option(all, "")] : []), ...options.map(([value, name]) => new Option(name, value)));
    box.hidden = options.length < 2;
  };
  const counted = (keys) => [...countOf(keys)].map(([key, times]) => [key, `${key} (${times})`]);
  const fillFilters = () => {
    const { items, templates } = index;
    const verdicts = countOf(items.flatMap((entry) => Object.keys(verdictsOf(entry))));
    select("verdict", "any verdict",
      VERDICTS.filter((name) => verdicts.has(name)).map((name) => [name, `${name} (${verdicts.get(name)})`]));
    select("set", "all benchmarks", counted(items.map((entry) => entry.set)));
    const used = countOf(items.flatMap((entry) => entry.templates || []));
    select("template", "any template", [...used].sort((one, other) => other[1] - one[1])
      .map(([place, times]) => [templates[place].id, `${templates[place].name} (${times})`]));
    const levels = counted(items.map((entry) => entry.level)).sort();
    select("difficulty", "any difficulty",
      [...levels.map(([level, name]) => [`=${level}`, `level ${name}`]), ...SOLVED.map(([key, name]) => [key, name])]);
    select("run", "all runs", counted(items.map((entry) => entry.run)));
    select("order", "", ORDERS);
  };
  const hasDifficulty = (entry, asked) => {
    if (asked.startsWith("=")) return entry.level === asked.slice(1);
    const range = SOLVED.find(([key]) => key === asked);
    return !range || (total(entry) > 0 && share(entry) >= range[2] && share(entry) <= range[3]);
  };
  const passes = (entry) =>
    (!wanted.verdict || verdictsOf(entry)[wanted.verdict]) &&
    (!wanted.set || entry.set === wanted.set) &&
    (!wanted.run || entry.run === wanted.run) &&
    (!wanted.template || (entry.templates || []).some((place) => index.templates[place].id === wanted.template)) &&
    (!wanted.difficulty || hasDifficulty(entry, wanted.difficulty));

  // Search -----------------------------------------------------------------------------------------------------------
  const readTexts = async () => {
    if (texts.length === index.items.length) return;
    const blocksOfAll = [...Array(Math.ceil(index.items.length / index.block)).keys()];
    const read = await Promise.all(blocksOfAll.map(block));
    texts.splice(0, texts.length, ...read.flatMap(({ items }) => items.map(search.textOf)));
  };

  // List -------------------------------------------------------------------------------------------------------------
  const row = (number) => {
    const entry = index.items[number];
    const solved = total(entry) ? `${verdictsOf(entry).correct || 0} of ${total(entry)} correct` : "not graded";
    const link = make("a", number === open ? "entry open" : "entry", strip(verdictsOf(entry)), make("bdi", "title", ...mathematics.nodes(entry.title || entry.id, index.formulas)),
      make("span", "meta", [entry.set, entry.level && `level ${entry.level}`, solved].filter(Boolean).join(" · ")));
    link.href = address({ item: entry.id });
    if (number === open) link.setAttribute("aria-current", "true");
    return make("li", "", link);
  };
  const showList = () => {
    byId("list").replaceChildren(...shown.slice(0, count).map(row));
    byId("more").hidden = count >= shown.length;
    byId("more").textContent = `${(shown.length - count).toLocaleString("en")} more`;
    const all = index.items.length;
    byId("status").textContent = shown.length === all ? `${all.toLocaleString("en")} problems`
      : `${shown.length.toLocaleString("en")} of ${all.toLocaleString("en")} problems`;
    byId("reset").hidden = !["q", ...FILTERS].some((key) => wanted[key]);
    byId("list").querySelector(".open")?.scrollIntoView({ block: "nearest" });
  };
  const filter = async () => {
    let found = [...index.items.keys()].filter((number) => passes(index.items[number]));
    const words = search.terms(wanted.q || "");
    if (words.length) {
      byId("status").textContent = "searching …";
      await readTexts();
      found = found.filter((number) => words.every((word) => texts[number].includes(word)));
    }
    const sign = { hard: 1, easy: -1 }[wanted.order] || 0;
    if (sign) found.sort((one, other) => sign * (share(index.items[one]) - share(index.items[other])));
    return found;
  };

  const holds = (course, id) => course.id === id || (course.turns || []).some((turn) => turn.id === id);
  const hasVerdict = (course) => !wanted.verdict || course.verdict === wanted.verdict ||
    (course.turns || []).some((turn) => turn.verdict === wanted.verdict);
  const linkTo = (id) => {
    const link = make("a", "anchor", "link");
    link.href = address({ item: id, q: "", ...Object.fromEntries(FILTERS.map((key) => [key, ""])) });
    link.title = "The address of this";
    return link;
  };
  const showItem = async (number, id) => {
    const { item, formulas } = await load(number);
    if (number !== open) return; // another was asked for in the meantime
    const courses = item.courses || [];
    const chosen = courses.find((course) => holds(course, id)) || courses.find(hasVerdict) || courses[0];
    const back = make("a", "back", "← all problems");
    back.href = address({ item: "" });
    byId("detail").replaceChildren(back, ...items.nodes(item, chosen, formulas, { templates: index.templates, linkTo }));
    search.highlight(byId("detail"), search.terms(wanted.q || ""));
    if (!document.activeElement.closest("input, select")) byId("detail").focus({ preventScroll: true }); // arrows scroll it
    const target = id !== item.id && byId("detail").querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (target) {
      target.classList.add("target");
      target.scrollIntoView({ block: "start" });
    } else byId("detail").scrollTop = 0;
  };
  const find = async (id) => {
    const direct = index.items.findIndex((entry) => entry.id === id);
    if (direct >= 0 || !id) return direct;
    for (let number = 0; number < index.items.length; number += 1) {
      const { item } = await load(number);
      if ((item.courses || []).some((course) => holds(course, id))) return number;
    }
    return -1;
  };

  // Views ------------------------------------------------------------------------------------------------------------
  const follow = async () => {
    const before = wanted;
    wanted = readAddress();
    const looking = wanted.view === "items";
    byId("overview").hidden = looking;
    for (const [id, current] of [["to-overview", !looking], ["to-items", looking]]) {
      if (current) byId(id)?.setAttribute("aria-current", "page");
      else byId(id)?.removeAttribute("aria-current");
    }
    document.body.classList.toggle("with-items", looking);
    if (!byId("items")) return;
    byId("items").hidden = !looking;
    if (!looking) return;
    if (byId("query").value !== (wanted.q || "")) byId("query").value = wanted.q || "";
    for (const key of FILTERS) byId(key).value = wanted[key] || "";
    const asked = wanted;
    const found = await filter();
    const number = await find(asked.item || "");
    if (asked !== wanted) return;
    if (["q", ...FILTERS].some((key) => before[key] !== wanted[key])) count = PAGE;
    shown = found;
    open = number >= 0 ? number : null;
    count = Math.max(count, shown.indexOf(open) + 1);
    showList();
    document.body.classList.toggle("with-item", open !== null);
    if (open !== null) await showItem(open, asked.item);
    else byId("detail").replaceChildren(make("p", "none", asked.item ? `There is no ${asked.item} on this page.` : "Choose a problem."));
  };
  const move = (by) => {
    const at = shown.indexOf(open);
    const next = shown[at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + by))];
    if (next !== undefined && next !== open) go({ item: index.items[next].id }, open !== null);
  };
  const toggleAll = () => {
    const all = [...byId("detail").querySelectorAll("details.course")];
    const closed = all.some((course) => !course.open);
    for (const course of all) course.open = closed;
  };
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    if (event.key === "Escape") {
      if (document.activeElement === byId("query")) byId("query").blur();
      else if (wanted.item) go({ item: "" });
      return;
    }
    if (event.target.closest("input, select, textarea")) return;
    const actions = {
      j: () => move(1),
      k: () => move(-1),
      e: toggleAll,
      o: () => { location.hash = "overview"; },
      "?": () => byId("help").showModal(),
      "/": async () => {
        if (wanted.view !== "items") await go({});
        byId("query").focus();
        byId("query").select();
      },
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  };
  const start = async () => {
    if (byId("items")) {
      index = { items: [], templates: [], ...(await unpack("index")) };
      mathematics.reads(index.pattern);
      fillFilters();
      let waiting;
      byId("query").addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => go({ q: byId("query").value.trim() }, true), 150);
      });
      for (const key of FILTERS) byId(key).addEventListener("change", () => go({ [key]: byId(key).value }, true));
      byId("filters").addEventListener("submit", (event) => event.preventDefault());
      byId("reset").addEventListener("click", () => go(Object.fromEntries(["q", "item", ...FILTERS].map((key) => [key, ""]))));
      byId("more").addEventListener("click", () => { count += PAGE; showList(); });
      byId("keys").addEventListener("click", () => byId("help").showModal());
      document.addEventListener("keydown", onKey);
    }
    addEventListener("hashchange", follow);
    await follow();
    document.documentElement.dataset.ready = "yes";
  };
  start();
})();
