// Keeps an open page honest: renews it in place when something changed, and says so when it can no longer be renewed.
// The page is whole without it, and every word that it shows stands in the page.
"use strict";
(() => {
  const askEvery = 30_000; // milliseconds, while nobody tells us
  const patience = 10_000; // milliseconds
  const hiddenEvery = 120; // seconds, in a tab that nobody looks at
  const believedFor = 90; // seconds without a word, after which a stream is no longer trusted
  const youngFor = 60; // seconds in which a page is not loaded anew
  const refusedFor = 300; // seconds, at least, before a stream that was refused is asked for again

  const main = () => document.getElementById("main");
  const seconds = () => performance.now() / 1000;
  const filled = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const hours = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const time = new Intl.DateTimeFormat(language, hours);
  const dayAndTime = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", ...hours });

  let asOf = new Date(main().dataset.asOf);
  let ageThen = Math.max(0, (Date.now() - asOf) / 1000);
  let heardAt = seconds();
  let heardBy = Date.now();
  let staleAfter = 300;
  let shown = null; // the publication that this page was last renewed from
  let tag = null;
  let checked = {};
  let askedAt = seconds();
  let stream = null;
  let toldAt = -Infinity;
  let refusedUntil = 0;
  let renewal = null;

  // --- how old it is

  // The reader's own clock may be wrong: once the server has answered, only its clock counts, and how much time has passed since. A stopwatch
  // stands still while the machine sleeps, and the clock on the wall may be put back: the longer time is believed.
  const judgeAge = () => {
    const passed = Math.max(seconds() - heardAt, (Date.now() - heardBy) / 1000);
    const isStale = ageThen + passed > staleAfter;
    const note = document.getElementById("stale");
    document.documentElement.classList.toggle("stale", isStale);
    if (isStale === (note.textContent !== "")) return;
    note.textContent = isStale ? filled(note.dataset.said, { at: dayAndTime.format(asOf) }) : "";
    if (isStale) document.getElementById("said").textContent = note.textContent;
  };

  // Takes in what the server told, and whether it is news to this page.
  const hear = (told, now) => {
    asOf = new Date(told.as_of);
    ageThen = Math.max(0, (now - asOf) / 1000);
    heardAt = seconds();
    heardBy = Date.now();
    staleAfter = told.stale_after ?? staleAfter;
    judgeAge();
    return told.publication !== shown;
  };

  const markChecked = () => {
    for (const place of document.querySelectorAll("[data-service]")) {
      const at = new Date(checked[place.dataset.service] ?? NaN);
      const seen = place.querySelector("time");
      if (!seen || !(at > new Date(seen.dateTime))) continue;
      seen.dateTime = at.toISOString();
      seen.textContent = `${at.toISOString().slice(11, 19)} UTC`;
    }
  };

  // --- the reader's own time, where the clock on their wall shows neither the site's nor UTC

  const wall = (at, timeZone) => new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeStyle: "short", timeZone }).format(at);
  const dayOf = (at, timeZone) => wall(at, timeZone).slice(0, 10);

  const known = (zone) => {
    try {
      wall(0, zone);
      return zone;
    } catch {
      return "UTC"; // the browser's list of zones is older than ours
    }
  };

  const showLocally = (root) => {
    const zone = known(root.dataset.zone);
    const joint = filled(root.dataset.between, { first: "", last: "" });
    const isJoined = (text) => text?.nodeType === Node.TEXT_NODE && text.data === joint;
    const isSaid = (at) => [zone, "UTC"].some((one) => wall(at, one) === wall(at));
    const spelled = (at, dayBefore) => (dayOf(at) === dayBefore ? time : dayAndTime).format(at);
    for (const last of root.querySelectorAll("time")) {
      if (last.closest(".fresh") || isJoined(last.nextSibling)) continue;
      const since = new Date((isJoined(last.previousSibling) ? last.previousElementSibling : last).dateTime);
      const until = new Date(last.dateTime);
      if (isSaid(since) && isSaid(until)) continue;
      const ends = { first: spelled(since, dayOf(since, zone)), last: spelled(until, dayOf(since)) };
      const times = since < until ? filled(root.dataset.between, ends) : ends.first;
      const words = filled(root.dataset.local, { times });
      const utc = last.nextElementSibling;
      if (utc?.classList.contains("utc")) {
        utc.textContent = utc.textContent.replace(/\)$/, `; ${words})`);
        utc.classList.add("long");
      } else {
        const beside = document.createElement("span");
        beside.className = "utc long";
        beside.textContent = `(${words})`;
        last.after(" ", beside);
      }
    }
  };

  // --- renewing: what stayed the same is not touched, so that focus, selection and what was opened stay too

  const nameOf = (node) => node.id || node.getAttribute?.("aria-labelledby") || "";
  const isOneThing = (one, other) => one.nodeName === other.nodeName && nameOf(one) === nameOf(other);

  const takeAttributes = (old, fresh) => {
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !(name === "open" && old.localName === "details")) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  };

  const take = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.data = fresh.data;
      return;
    }
    takeAttributes(old, fresh);
    const named = new Map([...fresh.childNodes].filter(nameOf).map((one) => [nameOf(one), one]));
    for (const one of [...old.childNodes]) if (nameOf(one) && !named.has(nameOf(one))) one.remove();
    let place = old.firstChild;
    for (const one of [...fresh.childNodes]) {
      const name = nameOf(one);
      const kept = name ? [...old.children].find((other) => isOneThing(other, one)) : place && isOneThing(place, one) && place;
      if (kept) {
        if (kept !== place) old.insertBefore(kept, place);
        place = kept.nextSibling;
        take(kept, one);
      } else {
        old.insertBefore(document.adoptNode(one), place);
      }
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };

  // Remembers where the reader is, and gives what brings them back there.
  const holdPlace = () => {
    const focused = document.activeElement;
    const href = focused?.getAttribute("href");
    const isInside = main().contains(focused);
    const topOf = (one) => one.getBoundingClientRect().top;
    const isSeen = (one) => topOf(one) >= 0 && topOf(one) < innerHeight;
    const places = [...(isInside ? [focused] : []), ...main().querySelectorAll("[id]")];
    const seen = scrollY > 0 && places.find(isSeen); // at its top, a page shows what is new there
    const top = seen && topOf(seen);
    return () => {
      if (isInside && document.activeElement !== focused) {
        const next = focused.isConnected ? focused : href && main().querySelector(`a[href="${CSS.escape(href)}"]`);
        (next || main()).focus({ preventScroll: true });
      }
      if (seen?.isConnected) scrollBy({ top: topOf(seen) - top, behavior: "instant" });
    };
  };

  // One sentence of what is new: the first on the page that was not there before.
  const tell = (before) => {
    const news = [...main().querySelectorAll("[data-news]")].find((one) => !before.has(one.dataset.news));
    if (!news) return;
    document.getElementById("said").textContent = news.dataset.news;
    news.classList.add("news");
  };

  const versionOf = (page) => [...page.querySelectorAll("head script, link[rel=stylesheet]")].map((one) => one.src || one.href).join(" ");

  const ask = (path) => fetch(path, { cache: "no-cache", signal: AbortSignal.timeout(patience) });

  const renew = async (publication) => {
    const answer = await ask(location.pathname + location.search);
    if (!answer.ok) return;
    if (tag === null || answer.headers.get("ETag") !== tag) {
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = next.getElementById("main");
      if (!fresh) return;
      if (versionOf(next) !== versionOf(document)) {
        // The service was upgraded: this script and these styles are not for the new page. Where two versions answer in turn, not at once.
        if (seconds() > youngFor) location.reload();
        return;
      }
      showLocally(fresh);
      const before = new Set([...main().querySelectorAll("[data-news]")].map((one) => one.dataset.news));
      const comeBack = holdPlace();
      take(main(), fresh);
      comeBack();
      document.title = next.title;
      tag = answer.headers.get("ETag");
      tell(before);
      markChecked();
    }
    shown = publication;
  };

  // No answer is no news: the page's age goes on counting, and beyond the limit it turns grey.
  const quietly = (trouble) => console.info("status: not renewed", trouble.name);

  // --- asking, and being told

  const poll = async () => {
    askedAt = seconds();
    try {
      const answer = await ask(`${main().dataset.base}/fresh.json`);
      if (!answer.ok) return;
      const told = await answer.json();
      checked = told.services ?? {};
      if (hear(told, new Date(answer.headers.get("Date") ?? Date.now()))) await renew(told.publication);
      markChecked();
    } catch (trouble) {
      quietly(trouble);
    }
  };

  const isTold = () => stream?.readyState === EventSource.OPEN && seconds() - toldAt < believedFor;

  const leave = () => {
    stream?.close();
    stream = null;
  };

  const listen = () => {
    if (stream || document.hidden || !window.EventSource || seconds() < refusedUntil) return;
    stream = new EventSource(`${main().dataset.base}/events`);
    stream.addEventListener("open", () => { toldAt = seconds(); });
    stream.addEventListener("published", ({ data }) => {
      const told = JSON.parse(data);
      toldAt = seconds();
      if (!hear(told, new Date(told.now))) return;
      clearTimeout(renewal);
      renewal = setTimeout(() => renew(told.publication).catch(quietly), Math.random() * told.within * 1000);
    });
    stream.addEventListener("error", () => {
      if (stream?.readyState !== EventSource.CLOSED) return; // a line that broke is taken up again by the browser itself
      leave();
      refusedUntil = seconds() + refusedFor * (1 + Math.random());
      poll();
    });
  };

  const look = () => {
    judgeAge();
    if (isTold()) return;
    if (stream?.readyState === EventSource.OPEN) leave(); // it was silent for too long: perhaps a proxy keeps the words to itself
    listen();
    if (!document.hidden || seconds() - askedAt >= hiddenEvery) poll();
  };

  const attend = () => {
    listen();
    if (!stream && !document.hidden) poll();
  };

  const turn = () => {
    if (document.hidden) {
      leave();
      return;
    }
    judgeAge();
    attend();
  };

  showLocally(main());
  attend(); // its age is judged once it was heard of: a page of the past was true long ago, and still is
  setTimeout(look, patience / 2);
  setInterval(look, askEvery);
  document.addEventListener("visibilitychange", turn);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", ({ persisted }) => { if (persisted) turn(); });
})();
