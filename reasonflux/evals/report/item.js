// One problem as elements: statement, plans with their steps and templates, rollouts or requests with their verdicts.
const items = (() => {
  const VERDICTS = ["correct", "wrong", "unparsed", "truncated", "timeout", "error"];
  const BRIEF = 500; // characters: turns with texts below stand side by side
  const make = (tag, kind, ...children) => {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    made.append(...children.filter((child) => child !== "" && child !== null && child !== undefined));
    return made;
  };
  const countOf = (keys) => {
    const counts = new Map();
    for (const key of keys) if (key !== undefined && key !== "") counts.set(key, (counts.get(key) || 0) + 1);
    return counts;
  };
  const strip = (counts) => {
    const bar = make("span", "strip");
    bar.title = Object.entries(counts).map(([name, times]) => `${times} ${name}`).join(", ");
    for (const name of VERDICTS) {
      if (!counts[name]) continue;
      const part = make("i", `v-${name}`);
      part.style.flexGrow = counts[name];
      bar.append(part);
    }
    return bar;
  };
  const prose = (kind, text, formulas) => make("div", `prose ${kind}`, ...mathematics.nodes(text, formulas));
  const badge = (verdict) => (verdict ? make("span", `badge v-${verdict}`, verdict) : "");
  const factList = (facts = [], formulas = {}) => (facts.length ? make("dl", "facts", ...facts.map(([name, value]) =>
    make("div", "", make("dt", "", name), make("dd", "", make("bdi", "", ...mathematics.nodes(value, formulas)))))) : "");
  const lines = (name, values) =>
    (values && values.length ? make("div", "", make("h6", "", name), make("ol", "", ...values.map((value) => make("li", "", value)))) : "");
  const templateOf = (step, page) => {
    const found = step.template && page.templates.find((template) => template.id === step.template);
    if (!found) return "";
    return make("details", "template", make("summary", "", `template: ${found.type || "strategy"}`),
      found.description ? make("p", "", found.description) : "", lines("steps", found.steps), lines("for", found.scenarios));
  };
  const stepOf = (step, page) => make("li", "", make("strong", "", step.name), step.instruction ? `: ${step.instruction}` : "",
    step.written ? make("span", "written", ` written as “${step.written}”`) : "", templateOf(step, page));
  const asked = (text, formulas) => (text ? make("details", "asked", make("summary", "", "asked with"), prose("", text, formulas)) : "");
  const turnOf = (turn, formulas, page) => {
    const made = make("section", "turn", make("header", "", badge(turn.verdict), make("h5", "", turn.title),
      turn.id ? page.linkTo(turn.id) : ""), turn.problem ? prose("other", turn.problem, formulas) : "", asked(turn.asked, formulas),
      turn.text ? prose("said", turn.text, formulas) : make("p", "none", "no text"), factList(turn.facts, formulas));
    if (turn.id) made.dataset.id = turn.id;
    return made;
  };
  const courseOf = (course, opened, formulas, page) => {
    const turns = course.turns || [];
    const counts = countOf(turns.map((turn) => turn.verdict));
    const told = (course.facts || []).find(([name]) => name === "reward");
    const made = make("details", "course", make("summary", "", badge(course.verdict), make("bdi", "name", course.title),
      told ? make("span", "reward", `reward ${told[1]}`) : "", counts.size ? strip(Object.fromEntries(counts)) : ""));
    made.open = opened;
    made.dataset.id = course.id;
    const brief = turns.length > 1 && turns.every((turn) => ["problem", "asked", "text"].every((part) => (turn[part] || "").length < BRIEF));
    made.append(make("div", "body", make("div", "about", factList(course.facts, formulas), page.linkTo(course.id)),
      course.steps ? make("div", "plan", make("h5", "", "Plan"), make("ol", "steps", ...course.steps.map((step) => stepOf(step, page)))) : "",
      course.text ? make("details", "asked", make("summary", "", "as the navigator wrote it"), prose("", course.text, formulas)) : "",
      make("div", brief ? "turns brief" : "turns", ...turns.map((turn) => turnOf(turn, formulas, page)))));
    return made;
  };

  return {
    VERDICTS,
    make,
    countOf,
    strip,
    // `page` has the templates, and `linkTo(id)`, which makes a link to what has that id.
    nodes(item, chosen, formulas, page) {
      const courses = item.courses || [];
      const places = [item.run, item.problem_set, item.level && `level ${item.level}`].filter(Boolean);
      const facts = [["gold", item.gold || ""], ...(item.facts || [])].filter(([, value]) => value);
      const what = courses.some((course) => course.verdict) ? "solutions" : "plans";
      return [
        make("header", "problem", make("p", "meta", [...new Set(places)].join(" · ")), page.linkTo(item.id)),
        prose("statement", item.text || "", formulas),
        strip(item.verdicts || {}),
        factList(facts, formulas),
        make("h4", "", `${courses.length} ${what}`),
        ...courses.map((course) => courseOf(course, course === chosen, formulas, page)),
      ];
    },
  };
})();
