// Full-text search: what is looked for, in what, and where it stands in what is shown.
const search = (() => {
  const MOST = 2000; // places that are marked
  const strings = (value) =>
    typeof value === "string" ? [value] : value && typeof value === "object" ? Object.values(value).flatMap(strings) : [];

  return {
    // Words, and "quoted" ones together, in small letters.
    terms: (query) => [...query.toLowerCase().matchAll(/"([^"]+)"|(\S+)/g)].map(([, quoted, word]) => quoted || word),
    // All texts of an item, in small letters.
    textOf: (item) => strings(item).join("\n").toLowerCase(),
    // Marks the words below an element, without a change to its nodes.
    highlight(root, words) {
      if (!CSS.highlights) return;
      CSS.highlights.clear();
      const ranges = [];
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      while (words.length && walker.nextNode() && ranges.length < MOST) {
        const text = walker.currentNode.data.toLowerCase();
        for (const word of words) {
          for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
            const range = new Range();
            range.setStart(walker.currentNode, Math.min(at, walker.currentNode.length));
            range.setEnd(walker.currentNode, Math.min(at + word.length, walker.currentNode.length));
            ranges.push(range);
          }
        }
      }
      if (ranges.length) CSS.highlights.set("found", new Highlight(...ranges));
    },
  };
})();
