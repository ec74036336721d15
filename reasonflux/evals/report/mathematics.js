"use strict";
// Texts of others as nodes: letters as text, formulas as MathML out of trees. Nothing is ever parsed as markup.
const mathematics = (() => {
  const NAMESPACE = "http://www.w3.org/1998/Math/MathML";
  const ELEMENTS = new Set(("math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mpadded mphantom menclose msub msup " +
    "msubsup munder mover munderover mmultiscripts mtable mtr mtd mstyle").split(" "));
  const ATTRIBUTES = new Set(("display mathvariant stretchy fence separator form lspace rspace minsize maxsize accent " +
    "accentunder columnalign rowspacing columnspacing columnlines rowlines displaystyle scriptlevel linethickness " +
    "width height depth notation symmetric largeop movablelimits").split(" "));
  let pattern = /$^/g;

  const element = ([name, attributes, ...children]) => {
    if (!ELEMENTS.has(name)) throw new TypeError(`${name} is no element of mathematics`);
    const made = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) {
      if (ATTRIBUTES.has(key)) made.setAttribute(key, value);
    }
    made.append(...children.map((child) => (typeof child === "string" ? child : element(child))));
    return made;
  };

  const formula = (source, tree) => {
    if (!tree) return source;
    const made = element(tree);
    const shown = document.createElement("span");
    shown.className = tree[1].display === "block" ? "formula block" : "formula";
    shown.title = source;
    shown.append(made);
    return shown;
  };

  return {
    reads(source) {
      pattern = new RegExp(source, "g");
    },
    // The text with its formulas, as a list of nodes and strings.
    nodes(text, formulas = {}) {
      const found = [];
      let end = 0;
      for (const match of text.matchAll(pattern)) {
        if (!Object.hasOwn(formulas, match[0])) continue;
        found.push(text.slice(end, match.index), formula(match[0], formulas[match[0]]));
        end = match.index + match[0].length;
      }
      found.push(text.slice(end));
      return found;
    },
  };
})();
