// For other people's sites: one line while something is wrong here, and nothing otherwise. How to use it: docs/embedding.md.
// It leaves no trace: no cookies, no storage, nothing of the page is read, and nothing on it changes but for the line.
"use strict";
(() => {
  const script = document.currentScript;
  if (!script) return; // as a module, it cannot know where it came from
  const { into, language } = script.dataset;
  const source = new URL(language ? `${language}/banner.json` : "banner.json", script.src);
  const askEvery = 120_000; // milliseconds
  const patience = 10_000; // milliseconds
  const believedFor = 3_600_000; // milliseconds since the picture was true; an older one says nothing of now
  const rules = `
    :host { all: initial !important; display: block !important; }
    :host([hidden]) { display: none !important; }
    a {
      display: flex; gap: .6em; align-items: baseline; padding: .6em 1em; background: var(--tone); color: #fff;
      font: 600 1rem/1.4 system-ui, sans-serif; text-decoration: none; overflow-wrap: anywhere;
    }
    a:hover span { text-decoration: underline; }
    a:focus-visible { outline: 3px solid #fff; outline-offset: -5px; }
    svg { flex: none; width: 1em; height: 1em; align-self: center; fill: none; stroke: #fff; stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }
    @media print { :host { display: none !important; } }
    @media (forced-colors: active) { a { border: 1px solid CanvasText; } svg { stroke: CanvasText; } }`;

  const drawn = (name, attributes) => {
    const one = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    return one;
  };

  const host = document.createElement("div");
  host.hidden = true;
  host.setAttribute("role", "status");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet(); // no inline style: the site that shows it may forbid those
  sheet.replaceSync(rules);
  root.adoptedStyleSheets = [sheet];
  const link = document.createElement("a");
  const words = document.createElement("span");
  const sign = drawn("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
  sign.append(drawn("path", { d: "M12 3L22 20.6H2z" }), drawn("path", { d: "M12 9.4v5M12 17.6v.1" }));
  link.append(sign, words);

  const isOld = (asOf) => asOf !== null && Date.now() - new Date(asOf) > believedFor;

  const show = (told, asOf) => {
    host.hidden = told.line === null || isOld(asOf);
    if (host.hidden) {
      link.remove();
      return;
    }
    const address = new URL(told.url, source);
    if (!["http:", "https:"].includes(address.protocol)) return;
    host.lang = told.language;
    host.style.setProperty("--tone", told.colour);
    link.href = address.href;
    const line = `${told.site}: ${told.line}`;
    if (words.textContent !== line) words.textContent = line;
    if (!link.isConnected) root.append(link);
  };

  const ask = async () => {
    try {
      const answer = await fetch(source, { credentials: "omit", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(patience) });
      if (answer.ok) show(await answer.json(), answer.headers.get("Statuspage-As-Of"));
    } catch {
      show({ line: null }, null); // what cannot be asked is not told: the site that we are guests on works without us
    }
  };

  const begin = () => {
    const place = into ? document.querySelector(into) : document.body;
    if (!place) return;
    place.prepend(host);
    ask();
    setInterval(() => { if (!document.hidden) ask(); }, askEvery);
  };

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin, { once: true });
  else begin();
})();
